"""Reach a class bucket, hand it out to students, and delete it: for tools/cloud/bucket.py."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from course_utils.errors import StorageError
from tools.cloud.policy import SCRATCH, TAG, ClassBucket, student_policy

DAY = 24 * 3600


def sign_in(region: str | None) -> tuple[Any, str, str | None]:
    """Return an S3 client, the region, and the number of the account that the credentials are of.

    The client and the number are None where there are no credentials.

    Raises
    ------
    StorageError
        When no region is named anywhere, or the credentials are not accepted.
    """
    from course_cloud.storage.client import make_client
    from course_cloud.storage.failures import explained, need

    boto3 = need("boto3")
    with explained("sign in to AWS"):
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        if not session.region_name:
            raise StorageError(
                "No region is named; add --region eu-central-1, or whichever is near your class."
            )
        if session.get_credentials() is None:
            return None, session.region_name, None
        account = session.client("sts").get_caller_identity()["Account"]
    return make_client(session), session.region_name, account


def is_there(client: Any, settings: ClassBucket, account: str | None) -> bool:
    """Say whether the bucket exists; it must then be ours, and in the region that was asked for.

    Raises
    ------
    StorageError
        When it is somebody else's, or elsewhere.
    """
    from botocore.exceptions import ClientError

    from course_cloud.storage.failures import explained, is_missing

    bucket = settings.bucket
    with explained("look for", bucket, client=client):
        try:
            client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        except ClientError as error:
            if is_missing(error):
                return False
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
                raise
            raise StorageError(
                f"s3://{bucket} is not in your account {account}, or your credentials may not look "
                "at it; names are shared by all the world, so choose another one."
            ) from None
        place = client.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
    if place != settings.region:
        raise StorageError(
            f"s3://{bucket} is in {place}, not in {settings.region}; write --region {place}."
        )
    return True


def published_files(client: Any, settings: ClassBucket, dataset: str) -> list[str] | None:
    """Return the addresses of a release's files, or None unless its manifest and all are there."""
    from course_cloud.storage import list_keys
    from course_cloud.storage.failures import explained

    folder = f"s3://{settings.bucket}/{settings.prefix}{dataset}/"
    sizes = {found.address: found.size for found in list_keys(folder, client=client)}
    manifest = f"{folder}manifest.json"
    if manifest not in sizes:
        return None
    key = f"{settings.prefix}{dataset}/manifest.json"
    with explained("read", settings.bucket, key, client):
        text = client.get_object(Bucket=settings.bucket, Key=key)["Body"].read()
    try:
        wanted = {f"{folder}{file['file']}": file["size"] for file in json.loads(text)["files"]}
    except (ValueError, KeyError, TypeError):
        return None
    whole = all(sizes.get(address) == size for address, size in wanted.items())
    return sorted(wanted) if whole else None


def hand_out(settings: ClassBucket, dataset: str) -> None:
    """Print what students need: the policy of their role, and their commands."""
    folder = f"s3://{settings.bucket}/{settings.prefix}{dataset}/"
    if settings.students:
        print("\nMay list and read, by the bucket's policy:")
        print("\n".join(f"  {who}" for who in settings.students))
    else:
        print("\nNobody but your own account may read; --students lets others.")
    print("\nThe policy for the students' role or permission set:")
    print(json.dumps(student_policy(settings), indent=2))
    print(
        "\nWhat students type, once signed in:\n"
        f"  export COURSE_BUCKET={settings.bucket} AWS_REGION={settings.region}\n"
        f"  aws s3 ls {folder}\n"
        f"  aws s3 cp {folder}ratings.parquet ."
    )
    if settings.scratch_days:
        me = "$(aws sts get-caller-identity --query UserId --output text)"
        print(f"  aws s3 cp results.csv s3://{settings.bucket}/{SCRATCH}{me}/")


def print_links(client: Any, settings: ClassBucket, dataset: str, days: int) -> None:
    """Print a presigned link to each file of a published release; 7 days are the most."""
    from course_cloud.storage import presign

    files = published_files(client, settings, dataset)
    if files is None:
        raise StorageError(f"There are no links to {dataset} yet: publish it first, with --apply.")
    print(f"\nLinks that work for {days} days at most, and for whoever has them:")
    for address in files:
        print(f"  {presign(address, days * DAY, client=client)}")


def delete(client: Any, settings: ClassBucket, account: str | None, *, apply: bool) -> None:
    """Delete the bucket with every version of every object, or say what that would delete.

    Raises
    ------
    StorageError
        When it is not there, not ours, or was not made by tools/cloud/bucket.py.
    """
    from course_cloud.storage.failures import explained

    bucket = settings.bucket
    if not is_there(client, settings, account):
        raise StorageError(f"There is no bucket s3://{bucket}, so there is nothing to delete.")
    with explained("delete", bucket, client=client):
        if TAG not in _tags(client, bucket):
            raise StorageError(
                f"s3://{bucket} was not made by this command (it lacks the tag {TAG['Key']}); "
                "delete it by hand, if you are sure."
            )
        if not apply:
            count = sum(len(page) for page in _versions(client, bucket))
            print(f"would       delete s3://{bucket} with {count} versions of objects")
            print("\n--apply does it. Nothing brings them back.")
            return
        count = _empty(client, bucket)
        client.delete_bucket(Bucket=bucket)
    print(f"done        deleted s3://{bucket} with {count} versions of objects")


def _empty(client: Any, bucket: str) -> int:
    """Delete every version, delete marker and unfinished upload; return how many versions."""
    count = 0
    for page in _versions(client, bucket):
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
        for failed in answer.get("Errors", []):
            raise StorageError(
                f"Could not delete {failed['Key']!r} of s3://{bucket}: {failed['Message']}"
            )
        count += len(page)
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            client.abort_multipart_upload(
                Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )
    return count


def _versions(client: Any, bucket: str) -> Iterator[list[dict[str, str]]]:
    """Yield a thousand versions and delete markers at a time."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


def _tags(client: Any, bucket: str) -> list[dict[str, str]]:
    from botocore.exceptions import ClientError

    try:
        return list(client.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return []
        raise
