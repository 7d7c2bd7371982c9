r"""Make a bucket for a class, publish MovieLens into it, and hand out access: book/class-bucket.md.

    python -m tools.cloud.bucket BUCKET --region eu-central-1 --dataset ml-latest-small \
        --students arn:aws:iam::123456789012:role/students

prints each call that it would make, and changes nothing; with ``--apply`` it makes them. Settings
that are right already are not touched, so a second run changes nothing, and a failed run can be
repeated. Without credentials the dry run prints the calls for a new bucket.

Limits: AWS only. Swift has none of these settings, and moto ignores the condition of "TLS only" and
denies everything. A release counts as published if its manifest and the sizes of its files match;
their content is not compared.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from course_cloud.storage import list_keys, presign, publish_movielens
from course_cloud.storage.addresses import need_bucket_name
from course_cloud.storage.failures import explained, is_missing
from course_cloud.storage.servers import make_client
from course_utils.datasets.releases import find_release
from course_utils.errors import CourseError, StorageError
from tools import ROOT
from tools.cloud import policy
from tools.cloud.policy import SCRATCH, TAG, Aspect, ClassBucket, aspects, student_policy
from tools.upkeep.names import read_names

DAY = 24 * 3600


@dataclass(frozen=True)
class Step:
    """One call of the setup; ``done`` if its effect is there already."""

    what: str
    call: str
    arguments: dict[str, Any]
    done: bool


def plan(client: Any, settings: ClassBucket, dataset: str, account: str | None) -> list[Step]:
    """Return the steps that set up the bucket, each with whether it is done already.

    Parameters
    ----------
    client
        A boto3 client of S3, used for reading calls only; None for a bucket that does not exist.
    account
        The account that must own the bucket; None if ``client`` is None.

    Raises
    ------
    StorageError
        If the bucket has another owner or region, or AWS does not answer.
    """
    there = client is not None and is_there(client, settings, account)
    steps = [Step("create the bucket", "create_bucket", _creation(settings), there)]
    for aspect in aspects(settings):
        current = _current(client, aspect, settings.bucket) if there else None
        wanted = aspect.wanted(current)
        arguments = {"Bucket": settings.bucket, **aspect.write(wanted)}
        done = current is not None and policy.same(wanted, current)
        steps.append(Step(aspect.what, aspect.put, arguments, done))
    release = {"name": dataset, "bucket": settings.bucket, "prefix": settings.prefix}
    published = there and published_files(client, settings, dataset) is not None
    return [*steps, Step(f"publish {dataset}", "publish_movielens", release, published)]


def apply(client: Any, steps: list[Step]) -> int:
    """Make the calls that are not done, print each step, and return the number of calls."""
    for step in steps:
        if not step.done:
            bucket = step.arguments.get("Bucket", "")
            with explained(f"{step.what} of", bucket, client=client):
                if step.call == "publish_movielens":
                    publish_movielens(**step.arguments, client=client)
                else:
                    getattr(client, step.call)(**_as_sent(step.arguments))
        print(f"{'already so' if step.done else 'done':12}{step.what}", flush=True)
    return sum(not step.done for step in steps)


def show(steps: list[Step]) -> None:
    """Print the calls that would be made, with their arguments."""
    for step in steps:
        if step.done:
            print(f"already so  {step.what}")
        else:
            module = "storage" if step.call == "publish_movielens" else "s3"
            arguments = json.dumps(step.arguments, indent=2)
            print(f"would       {step.what}:\n{module}.{step.call} {arguments}")


def _creation(settings: ClassBucket) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "Bucket": settings.bucket,
        "ObjectOwnership": "BucketOwnerEnforced",
    }
    if settings.region != "us-east-1":  # the default, which S3 refuses as a constraint
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": settings.region}
    return arguments


def _current(client: Any, aspect: Aspect, bucket: str) -> Any:
    with explained(f"look how to {aspect.what} of", bucket, client=client):
        try:
            return aspect.read(getattr(client, aspect.get)(Bucket=bucket))
        except ClientError as error:
            if error.response["Error"]["Code"] == aspect.none:
                return None
            raise


def _as_sent(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as boto3 takes them: a policy is a JSON string."""
    if "Policy" in arguments:
        return {**arguments, "Policy": json.dumps(arguments["Policy"])}
    return arguments


def sign_in(region: str | None) -> tuple[Any, str, str | None]:
    """Return an S3 client, the region, and the account number of the credentials.

    Client and account number are None if there are no credentials.

    Raises
    ------
    StorageError
        If no region is configured, or the credentials are not accepted.
    """
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
    """Tell whether the bucket exists.

    Raises
    ------
    StorageError
        If it exists in another account or another region.
    """
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
    """Return the addresses of a release's files, or None if the manifest or a file is missing."""
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
    """Print the policy of the students' role, and the commands that students type."""
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
    """Print a presigned link to each file of a published release; the maximum is 7 days."""
    files = published_files(client, settings, dataset)
    if files is None:
        raise StorageError(f"There are no links to {dataset} yet: publish it first, with --apply.")
    print(f"\nLinks that work for {days} days at most, and for whoever has them:")
    for address in files:
        print(f"  {presign(address, days * DAY, client=client)}")


def delete(client: Any, settings: ClassBucket, account: str | None, *, apply: bool) -> None:
    """Delete the bucket with every version of every object, or print what would be deleted.

    Raises
    ------
    StorageError
        If it does not exist, has another owner, or was not made by this tool.
    """
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
    """Delete every version, delete marker and unfinished upload; return the number of versions."""
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
    try:
        return list(client.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return []
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument(
        "bucket", nargs="?", help="its name, which no other bucket has; else that of _config.yml"
    )
    parser.add_argument("--region", help="such as eu-central-1; else as your profile says")
    parser.add_argument("--dataset", default="sample", help="the release to publish (sample)")
    parser.add_argument("--prefix", default="data", help="what students may read (data)")
    parser.add_argument(
        "--students", nargs="*", default=[], metavar="WHO", help="roles' ARNs, or account numbers"
    )
    parser.add_argument(
        "--scratch",
        type=_days,
        metavar="DAYS",
        help="give each student a folder to write to; its files are deleted after DAYS",
    )
    parser.add_argument("--keep", type=_days, default=30, metavar="DAYS", help="old versions (30)")
    parser.add_argument("--links", type=_days, metavar="DAYS", help="print presigned links too")
    parser.add_argument("--delete", action="store_true", help="delete the bucket and all in it")
    parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")
    return parser


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write 1 or more")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; print an error in one sentence and return 1 if it fails."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    bucket = options.bucket or read_names(ROOT).bucket
    need_bucket_name(bucket)
    find_release(options.dataset)
    prefix = policy.as_prefix(options.prefix)
    client, region, account = sign_in(options.region)
    students = tuple(sorted({policy.as_principal(who, region) for who in options.students}))
    settings = ClassBucket(bucket, region, prefix, students, options.scratch, options.keep)
    if client is None and (options.apply or options.delete or options.links):
        raise StorageError("There are no AWS credentials here; run aws sso login first.")
    if options.delete:
        delete(client, settings, account, apply=options.apply)
        return
    if client is None:
        print("No AWS credentials: this is what a new bucket would take.\n")
    steps = plan(client, settings, options.dataset, account)
    if not options.apply:
        show(steps)
        left = sum(not step.done for step in steps)
        print(f"\n{left} changes; --apply makes them." if left else "\nNothing to change.")
    else:
        changes = apply(client, steps)
        print(f"\n{changes} changes." if changes else "\nNothing to change.")
    hand_out(settings, options.dataset)
    if options.links:
        if not options.apply and not steps[0].done:
            raise StorageError("There is nothing to link to yet: make the bucket first, --apply.")
        print_links(client, settings, options.dataset, options.links)


if __name__ == "__main__":
    sys.exit(main())
