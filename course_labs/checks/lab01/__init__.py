"""Lab 1, Bucket to DataFrame: a module for each of its six steps."""

from course_labs.checks.lab01 import audit, columns, copying, publishing, rows, sizes
from course_labs.checks.lab01.server import load_boto3
from course_labs.checks.question import Question

QUESTIONS = (
    Question("q1", "bytes in each folder", 2, "folder_sizes",
             "01_object_storage#a-thousand-keys-and-then",
             sizes.cases, sizes.ask, sizes.judge, sizes.MISTAKES, seconds=15, prepare=load_boto3),
    Question("q2", "a folder copied between buckets", 3, "copy_folder",
             "01_object_storage#copy-a-prefix",
             copying.cases, copying.ask, copying.judge, copying.MISTAKES,
             seconds=15, prepare=load_boto3),
    Question("q3", "one column of many files", 3, "mean_rating",
             "01_object_storage#move-fewer-bytes",
             columns.cases, columns.ask, columns.judge, columns.MISTAKES,
             seconds=15, prepare=load_boto3),
    Question("q4", "a release, whole or not at all", 4, "publish",
             "01_object_storage#a-release-in-the-bucket",
             publishing.cases, publishing.ask, publishing.judge, publishing.MISTAKES,
             seconds=15, prepare=load_boto3),
    Question("q5", "a damaged release", 4, "audit", "01_object_storage#a-release-in-the-bucket",
             audit.cases, audit.ask, audit.judge, audit.MISTAKES, seconds=15, prepare=load_boto3),
    Question("q6", "the rows of a damaged table", 2, "audit_rows",
             "02_loading_movielens#checks-before-trust",
             rows.cases, rows.ask, rows.judge, rows.MISTAKES),
)  # fmt: skip
