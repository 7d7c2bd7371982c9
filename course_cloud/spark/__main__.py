"""The whole pipeline as one job: read, split, fit, recommend, measure.

    python -m course_cloud.spark ratings.parquet
    python -m course_cloud.spark s3a://bucket/ratings.parquet --master yarn --out s3a://bucket/lists

``book/spark-cluster.md`` says what a cluster needs.
"""

from __future__ import annotations

import argparse
import sys

from course_cloud import spark as course
from course_utils.errors import CourseError


def _options(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m course_cloud.spark", description=__doc__)
    parser.add_argument("ratings", help="Parquet that every worker can reach")
    parser.add_argument("--master", help="a cluster's address; left out, this machine")
    parser.add_argument("--memory", default="2g", help="of the driver and of each executor")
    parser.add_argument("--s3", action="store_true", help="fetch hadoop-aws, which reads s3a://")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--blocks", type=int, help="parts of users and of films; one for each core")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--ties", choices=("order", "movie_id"), default="order")
    parser.add_argument("--out", help="where to write the lists, as Parquet")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Run the job and print the metrics; return 1 after printing an error."""
    options = _options(given)
    try:
        spark = course.session(options.master, memory=options.memory, s3=options.s3)
        positives = course.to_implicit(course.read_ratings(spark, options.ratings))
        parts = course.leave_last_out(positives, n_test=5, min_train=5, ties=options.ties)
        train, test = parts.train.cache(), parts.test.cache()
        model = course.fit_als(
            train, options.factors, iterations=options.iterations, blocks=options.blocks
        )
        lists = course.recommend(model, train, options.k).cache()
        print(course.evaluate(lists, train, test, options.k).round(4).to_string())
        if options.out:
            lists.write.mode("errorifexists").parquet(options.out)
    except CourseError as problem:
        print(problem, file=sys.stderr)
        return 1
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
