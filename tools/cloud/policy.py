"""The settings of a class bucket: policies, lifecycle rules, tags, and the calls that set them.

Nothing here calls AWS. The names of the course's rules and statements begin with ``course-`` or
``Course``; rules and statements of other names, which somebody else made, are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_utils.errors import StorageError

Document = dict[str, Any]

SCRATCH = "scratch/"
UPLOAD_DAYS = 7
TAG = {"Key": "course-bucket", "Value": "made by tools/cloud/bucket.py"}
ACCOUNT = re.compile(r"\d{12}")
PRINCIPAL = re.compile(r"arn:aws[\w-]*:iam::\d{12}:(?:root|(?:role|user)/[\w+=,.@/-]+)")
PREFIX = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*/?")


@dataclass(frozen=True)
class ClassBucket:
    """A class bucket as the instructor asks for it.

    ``prefix`` and ``students`` are as `as_prefix` and `as_principal` return them. ``scratch_days``
    is None if students may not write; otherwise objects below ``scratch/`` are deleted after so
    many days. Overwritten and deleted objects can be restored for ``old_version_days``.
    """

    bucket: str
    region: str
    prefix: str = "data/"
    students: tuple[str, ...] = ()
    scratch_days: int | None = None
    old_version_days: int = 30

    @property
    def arn(self) -> str:
        """The Amazon Resource Name of the bucket."""
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        start = next((p for p in partition if self.region.startswith(f"{p}-")), "")
        return f"arn:{partition.get(start, 'aws')}:s3:::{self.bucket}"


def as_prefix(prefix: str) -> str:
    """Return a prefix with its closing slash, or raise a `StorageError`.

    A prefix may not contain ``*``, ``?`` or ``$``, which are wildcards and variables in a policy.
    """
    if not PREFIX.fullmatch(prefix) or prefix.startswith(SCRATCH.rstrip("/")):
        raise StorageError(
            f"{prefix!r} cannot be the prefix that students read; write folder names of letters, "
            "digits, dots, hyphens and underscores, such as data, and not scratch."
        )
    return prefix.rstrip("/") + "/"


def as_principal(text: str, region: str) -> str:
    """Return the ARN of a role, user or account, or raise a `StorageError`."""
    if ACCOUNT.fullmatch(text):
        return f"{ClassBucket('', region).arn.removesuffix(':s3:::')}:iam::{text}:root"
    if not PRINCIPAL.fullmatch(text):
        raise StorageError(
            f"{text!r} is nobody to give access to; write an account's 12 digits or the ARN of an "
            "IAM role or user, such as arn:aws:iam::123456789012:role/students."
        )
    return text


def student_statements(settings: ClassBucket) -> list[Document]:
    """Return the statements for students: list and read the prefix, use a scratch folder if any.

    The scratch folder is ``scratch/<user id>/``. AWS fills in the id of the caller, so nobody can
    read or overwrite a classmate's files.
    """
    readable = [f"{settings.prefix}*"]
    own = f"{SCRATCH}${{aws:userid}}/*"
    listable = [*readable, own] if settings.scratch_days else readable
    statements: list[Document] = [
        {
            "Sid": "CourseList",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": settings.arn,
            "Condition": {"StringLike": {"s3:prefix": listable}},
        },
        {
            "Sid": "CourseRead",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"{settings.arn}/{settings.prefix}*",
        },
    ]
    if settings.scratch_days:
        statements.append(
            {
                "Sid": "CourseScratch",
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                "Resource": f"{settings.arn}/{own}",
            }
        )
    return statements


def student_policy(settings: ClassBucket) -> Document:
    """Return the IAM policy to attach to the students' role or permission set."""
    return {"Version": "2012-10-17", "Statement": student_statements(settings)}


def bucket_policy(settings: ClassBucket, current: Document | None) -> Document:
    """Return the bucket policy: TLS only, students may read; other statements are kept."""
    statements: list[Document] = [
        {
            "Sid": "CourseOnlyTLS",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [settings.arn, f"{settings.arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if settings.students:
        who = {"Principal": {"AWS": sorted(settings.students)}}
        statements += [{**statement, **who} for statement in student_statements(settings)]
    kept = _others(_listed((current or {}).get("Statement")), "Sid", "Course")
    return {"Version": "2012-10-17", "Statement": [*kept, *statements]}


def lifecycle_rules(settings: ClassBucket, current: list[Document] | None) -> list[Document]:
    """Return lifecycle rules that limit the size of the bucket; other rules are kept."""
    rules: list[Document] = [
        {
            "ID": "course-unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UPLOAD_DAYS},
        },
        {
            "ID": "course-old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": settings.old_version_days},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
    ]
    if settings.scratch_days:
        rules.append(
            {
                "ID": "course-scratch",
                "Status": "Enabled",
                "Filter": {"Prefix": SCRATCH},
                "Expiration": {"Days": settings.scratch_days},
            }
        )
    return [*_others(current or [], "ID", "course-"), *rules]


def tags(current: list[Document] | None) -> list[Document]:
    """Return the tags of the bucket with `TAG`, by which ``--delete`` recognizes a class bucket."""
    return [*_others(current or [], "Key", TAG["Key"]), TAG]


def same(wanted: Any, current: Any) -> bool:
    """Tell whether a document of AWS contains what is wanted.

    AWS adds fields, reorders lists, and replaces a list of one element by the element.
    """
    if isinstance(wanted, dict):
        return isinstance(current, dict) and all(
            key in current and same(value, current[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        ours, theirs = _sorted(wanted), _sorted(_listed(current))
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(wanted == current or [wanted] == current)


def _others(items: list[Document], name: str, ours: str) -> list[Document]:
    return [item for item in items if not str(item.get(name, "")).startswith(ours)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _sorted(items: list[Any]) -> list[Any]:
    names = ("Sid", "ID", "Key")
    return sorted(
        items,
        key=lambda item: next(
            (str(item[name]) for name in names if isinstance(item, dict) and name in item),
            json.dumps(item, sort_keys=True),
        ),
    )


@dataclass(frozen=True)
class Aspect:
    """One setting of a bucket: the calls that read and write it, and its wanted value.

    ``read`` extracts the document from the answer of ``get``; ``write`` returns the arguments of
    ``put``. ``wanted`` maps the present document, or None, to the wanted one. ``none`` is the error
    code of AWS for a bucket without this setting.
    """

    what: str
    get: str
    none: str
    read: Callable[[Any], Any]
    put: str
    write: Callable[[Any], dict[str, Any]]
    wanted: Callable[[Any], Any]


def aspects(settings: ClassBucket) -> list[Aspect]:
    """Return all settings of a class bucket, in the order in which they are made."""
    block = "PublicAccessBlockConfiguration"
    encryption = "ServerSideEncryptionConfiguration"
    sides = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

    def field(name: str) -> Callable[[Any], Any]:
        return lambda document: document[name]

    def argument(*names: str) -> Callable[[Any], dict[str, Any]]:
        def wrapped(document: Any) -> dict[str, Any]:
            for name in reversed(names):
                document = {name: document}
            return dict(document)

        return wrapped

    return [
        Aspect(
            "block all public access", "get_public_access_block", f"NoSuch{block}", field(block),
            "put_public_access_block", argument(block), lambda _: dict.fromkeys(sides, True),
        ),
        Aspect(
            "let the bucket's owner own every object, without ACLs",
            "get_bucket_ownership_controls", "OwnershipControlsNotFoundError",
            field("OwnershipControls"), "put_bucket_ownership_controls",
            argument("OwnershipControls"),
            lambda _: {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        ),
        Aspect(
            "encrypt all objects (SSE-S3)", "get_bucket_encryption",
            f"{encryption}NotFoundError", field(encryption), "put_bucket_encryption",
            argument(encryption),
            lambda _: {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
        Aspect(
            "keep old versions", "get_bucket_versioning", "", dict, "put_bucket_versioning",
            argument("VersioningConfiguration"), lambda _: {"Status": "Enabled"},
        ),
        Aspect(
            "clean up after a while", "get_bucket_lifecycle_configuration",
            "NoSuchLifecycleConfiguration", field("Rules"), "put_bucket_lifecycle_configuration",
            argument("LifecycleConfiguration", "Rules"),
            lambda current: lifecycle_rules(settings, current),
        ),
        Aspect(
            "TLS only, and students read", "get_bucket_policy", "NoSuchBucketPolicy",
            lambda answer: json.loads(answer["Policy"]), "put_bucket_policy", argument("Policy"),
            lambda current: bucket_policy(settings, current),
        ),
        Aspect(
            "mark it as a class bucket", "get_bucket_tagging", "NoSuchTagSet", field("TagSet"),
            "put_bucket_tagging", argument("Tagging", "TagSet"), tags,
        ),
    ]  # fmt: skip
