"""Tables and files in S3, with or without an AWS account.

>>> from course_cloud.storage import read_table                       # doctest: +SKIP
>>> ratings = read_table("s3://movielens-class/ml-1m/ratings.csv")    # doctest: +SKIP

Every function accepts a boto3 client as ``client=``, and otherwise uses one of `connect`: for AWS
with its default chain of credentials, for the server that ``AWS_ENDPOINT_URL`` names, or, without
credentials and configuration, for a local server that ends with the process. A key without
``s3://`` is in the bucket that ``COURSE_BUCKET`` names. boto3 is imported when it is first needed;
``pip install 'course-utils[s3]'`` installs it.
"""

from course_cloud.storage.addresses import Address, S3Object, list_keys, parse_address
from course_cloud.storage.client import connect
from course_cloud.storage.copying import copy_prefix
from course_cloud.storage.downloads import download_dir
from course_cloud.storage.objects import presign
from course_cloud.storage.publish import Published, publish_movielens
from course_cloud.storage.servers import LocalS3, local_s3
from course_cloud.storage.tables import read_table, write_table
from course_cloud.storage.transfers import Transferred
from course_cloud.storage.uploads import upload_dir

__all__ = [
    "Address",
    "LocalS3",
    "Published",
    "S3Object",
    "Transferred",
    "connect",
    "copy_prefix",
    "download_dir",
    "list_keys",
    "local_s3",
    "parse_address",
    "presign",
    "publish_movielens",
    "read_table",
    "upload_dir",
    "write_table",
]
