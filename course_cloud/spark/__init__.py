"""The pipeline of the course on Apache Spark, on one machine or on a cluster.

Steps and columns have the same names as in `course_utils`. Spark needs Java; :func:`why_not` tells
whether it can run here.
"""

from course_cloud.spark.models import evaluate, fit_als, recommend
from course_cloud.spark.sessions import session, why_not
from course_cloud.spark.tables import Parts, leave_last_out, read_ratings, to_implicit, to_spark

__all__ = [
    "Parts", "evaluate", "fit_als", "leave_last_out", "read_ratings", "recommend", "session",
    "to_implicit", "to_spark", "why_not",
]  # fmt: skip
