r"""Make a bucket for a class, publish MovieLens into it, and hand out access: book/class-bucket.md.

    python -m tools.cloud.bucket BUCKET --region eu-central-1 --dataset ml-latest-small \
        --students arn:aws:iam::123456789012:role/students

shows what it would do, call by call, and changes nothing; with ``--apply`` it does it. What is
there already is left alone, so a second run changes nothing, and a run that failed half-way can be
repeated. Without credentials the dry run shows what a new bucket would take.

Limits: AWS only. Swift has none of these settings, and moto reads "TLS only" without its condition
and denies everything. A published release is known by its manifest and the sizes of its files, not
by their content.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

from course_utils.errors import CourseError, StorageError
from tools import ROOT
from tools.cloud import access, policy
from tools.cloud.policy import ClassBucket
from tools.cloud.settings import Aspect, aspects
from tools.notebooks.setup_cell import UserError
from tools.upkeep.names import read_names


@dataclass(frozen=True)
class Step:
    """A call that makes the bucket what it should be; ``done`` when it already is."""

    what: str
    call: str
    arguments: dict[str, Any]
    done: bool


def plan(client: Any, settings: ClassBucket, dataset: str, account: str | None) -> list[Step]:
    """Return the steps that make the bucket what it should be, each with whether it is so already.

    Parameters
    ----------
    client
        A boto3 client of S3, of which only reading calls are used; None for "nothing is there".
    account
        Whose bucket it must be; None where ``client`` is.

    Raises
    ------
    StorageError
        When the bucket is somebody else's or in another region, or AWS does not answer.
    """
    there = client is not None and access.is_there(client, settings, account)
    steps = [Step("create the bucket", "create_bucket", _creation(settings), there)]
    for aspect in aspects(settings):
        current = _current(client, aspect, settings.bucket) if there else None
        wanted = aspect.wanted(current)
        arguments = {"Bucket": settings.bucket, **aspect.write(wanted)}
        done = current is not None and policy.same(wanted, current)
        steps.append(Step(aspect.what, aspect.put, arguments, done))
    release = {"name": dataset, "bucket": settings.bucket, "prefix": settings.prefix}
    published = there and access.published_files(client, settings, dataset) is not None
    return [*steps, Step(f"publish {dataset}", "publish_movielens", release, published)]


def apply(client: Any, steps: list[Step]) -> int:
    """Do the steps that are not done, saying so of each; return how many were."""
    from course_cloud.storage import publish_movielens
    from course_cloud.storage.failures import explained

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
    """Print what would be done, each call with its arguments."""
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
    if settings.region != "us-east-1":  # which is no constraint, and refused as one
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": settings.region}
    return arguments


def _current(client: Any, aspect: Aspect, bucket: str) -> Any:
    from botocore.exceptions import ClientError

    from course_cloud.storage.failures import explained

    with explained(f"look how to {aspect.what} of", bucket, client=client):
        try:
            return aspect.read(getattr(client, aspect.get)(Bucket=bucket))
        except ClientError as error:
            if error.response["Error"]["Code"] == aspect.none:
                return None
            raise


def _as_sent(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as boto3 takes them: a policy is a text."""
    if "Policy" in arguments:
        return {**arguments, "Policy": json.dumps(arguments["Policy"])}
    return arguments


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
        "--scratch", type=_days, metavar="DAYS",
        help="give each student a folder to write to; its files are deleted after DAYS",
    )  # fmt: skip
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
    """Show or do what the command line asks for; return 1 with one sentence where that fails."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (CourseError, UserError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    from course_cloud.storage.addresses import check_bucket
    from course_utils.datasets.releases import find_release

    bucket = options.bucket or read_names(ROOT).bucket
    check_bucket(bucket)
    find_release(options.dataset)
    prefix = policy.checked_prefix(options.prefix)
    client, region, account = access.sign_in(options.region)
    students = tuple(sorted({policy.checked_principal(who, region) for who in options.students}))
    settings = ClassBucket(bucket, region, prefix, students, options.scratch, options.keep)
    if client is None and (options.apply or options.delete or options.links):
        raise StorageError("There are no AWS credentials here; run aws sso login first.")
    if options.delete:
        access.delete(client, settings, account, apply=options.apply)
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
    access.hand_out(settings, options.dataset)
    if options.links:
        if not options.apply and not steps[0].done:
            raise StorageError("There is nothing to link to yet: make the bucket first, --apply.")
        access.print_links(client, settings, options.dataset, options.links)


if __name__ == "__main__":
    sys.exit(main())
