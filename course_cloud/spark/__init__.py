"""The pipeline of the course on Apache Spark: the same steps, on one machine or on many.

Its tables have the columns of the course's own, and each step has the name of the one that it
stands for. :func:`why_not` says whether Spark can run here at all: it needs Java.
"""

from course_cloud.spark.evaluation import evaluate
from course_cloud.spark.models import fit_als, recommend
from course_cloud.spark.sessions import session, why_not
from course_cloud.spark.tables import Parts, leave_last_out, read_ratings, to_implicit, to_spark

__all__ = [
    "Parts",
    "evaluate",
    "fit_als",
    "leave_last_out",
    "read_ratings",
    "recommend",
    "session",
    "to_implicit",
    "to_spark",
    "why_not",
]
