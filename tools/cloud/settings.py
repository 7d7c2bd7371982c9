"""The settings of a class bucket, one by one: how AWS is asked for each, and how it is set."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.cloud import policy
from tools.cloud.policy import ClassBucket


@dataclass(frozen=True)
class Aspect:
    """One setting of a bucket: the calls that read and write it, and what is wanted of it.

    ``read`` takes the document out of the answer of ``get``, ``write`` makes it the arguments of
    ``put``. ``wanted`` is given the present document, or None, and returns what it should be.
    ``none`` is AWS's code for a bucket without this setting.
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
            lambda current: policy.lifecycle_rules(settings, current),
        ),
        Aspect(
            "TLS only, and students read", "get_bucket_policy", "NoSuchBucketPolicy",
            lambda answer: json.loads(answer["Policy"]), "put_bucket_policy", argument("Policy"),
            lambda current: policy.bucket_policy(settings, current),
        ),
        Aspect(
            "mark it as a class bucket", "get_bucket_tagging", "NoSuchTagSet", field("TagSet"),
            "put_bucket_tagging", argument("Tagging", "TagSet"), policy.tags,
        ),
    ]  # fmt: skip
