"""The class bucket against moto: what the dry run prints is what is made, and nothing twice."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import requests

boto3 = pytest.importorskip("boto3")
pytest.importorskip("course_cloud.storage")
import botocore.loaders  # noqa: E402
from botocore.awsrequest import AWSResponse  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.iam.access_control import PermissionResult  # noqa: E402
from moto.s3.models import FakeBucket  # noqa: E402

from course_utils.datasets import MovieLens, load_movielens  # noqa: E402
from tools.cloud import bucket, policy  # noqa: E402
from tools.cloud.policy import ClassBucket, same  # noqa: E402

BUCKET, REGION = "recommenders-2027", "eu-central-1"
ACCOUNT = "123456789012"  # moto's
ROLE = f"arn:aws:iam::{ACCOUNT}:role/students"
LOADER = botocore.loaders.create_loader()
CALL = re.compile(r"^(?:s3|storage)\.(\w+) (?=\{)", re.MULTILINE)


class Cloud:
    """moto in place of AWS, with what it lacks: owners are checked, and calls can fail."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.owners: dict[str, str] = {}
        self.fails: set[str] = set()
        self.written: list[str] = []

    def watch(self, client: Any) -> Any:
        """Let a client of the command's own go through here, and return it."""
        client.meta.events.register_first("before-send.s3", self.answer)
        return client

    def answer(self, request: Any, event_name: str, **_: object) -> Any:
        """Answer in place of moto, or let it answer."""
        call = event_name.rpartition(".")[2]
        bucket = request.url.split("?")[0].partition("://")[2].split(".")[0]
        owner = request.headers.get("x-amz-expected-bucket-owner")
        if owner and (owner.decode() if isinstance(owner, bytes) else owner) != self.owners.get(
            bucket, ACCOUNT
        ):
            return self.error(request, 403, "AccessDenied")
        if call in self.fails:
            return self.error(request, 403, "AccessDenied")
        if request.method in ("PUT", "POST", "DELETE"):
            self.written.append(call)
        return None

    @staticmethod
    def error(request: Any, status: int, code: str) -> Any:
        """Return an error as S3 writes it."""
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        response = requests.Response()
        response.raw = type("Raw", (), {"stream": lambda *_, **__: iter([body])})()
        return AWSResponse(request.url, status, {}, response.raw)


@pytest.fixture(scope="module")
def release() -> MovieLens:
    """The sample's first ratings: each test that publishes would otherwise write all of them."""
    sample = load_movielens("sample")
    return replace(sample, ratings=sample.ratings.head(200))


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, release: MovieLens) -> Iterator[Cloud]:
    monkeypatch.setattr("course_utils.datasets.load_movielens", lambda name: release)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "not-a-real-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    # moto reads "Deny unless TLS" without its condition, and would deny everything.
    monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
    # One loader of AWS's descriptions for all sessions: reading them takes longer than the tests.
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: LOADER)
    with mock_aws():
        cloud, make_client = Cloud(), bucket.make_client
        monkeypatch.setattr(
            bucket, "make_client", lambda *a, **k: cloud.watch(make_client(*a, **k))
        )
        yield cloud


def run(*arguments: str) -> int:
    return bucket.main([BUCKET, "--region", REGION, *arguments])


def printed_calls(text: str) -> dict[str, dict[str, Any]]:
    """Return the calls that a dry run printed, with their arguments."""
    decoder = json.JSONDecoder()
    return {found[1]: decoder.raw_decode(text, found.end())[0] for found in CALL.finditer(text)}


def state(s3: Any, bucket: str = BUCKET) -> dict[str, Any]:
    """Return how the bucket is, under the names of the calls that make it so."""
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    for rule in encryption["Rules"]:
        rule.pop("BucketKeyEnabled")  # which S3 adds
    versioning = s3.get_bucket_versioning(Bucket=bucket)["Status"]
    owners = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    here = {"Bucket": bucket}
    return {
        "put_public_access_block": here | {"PublicAccessBlockConfiguration": block},
        "put_bucket_ownership_controls": here | {"OwnershipControls": owners},
        "put_bucket_encryption": here | {"ServerSideEncryptionConfiguration": encryption},
        "put_bucket_versioning": here | {"VersioningConfiguration": {"Status": versioning}},
        "put_bucket_lifecycle_configuration": here
        | {"LifecycleConfiguration": {"Rules": lifecycle}},
        "put_bucket_policy": here | {"Policy": policy},
        "put_bucket_tagging": here | {"Tagging": {"TagSet": tags}},
    }


def keys(s3: Any, prefix: str = "") -> list[str]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [item["Key"].rpartition("/")[2] for item in found]


def test_the_dry_run_changes_nothing_and_prints_what_apply_makes(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--students", ROLE, "--scratch", "100", "--keep", "14"]
    assert run(*options) == 0
    promised = printed_calls(capsys.readouterr().out)
    assert cloud.written == []
    with pytest.raises(ClientError):
        cloud.s3.head_bucket(Bucket=BUCKET)

    assert run(*options, "--apply") == 0
    made = {"create_bucket": promised["create_bucket"], **state(cloud.s3)}
    published = promised.pop("publish_movielens")
    assert promised == made
    assert published == {"name": "sample", "bucket": BUCKET, "prefix": "data/"}
    location = cloud.s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"]
    assert made["create_bucket"]["CreateBucketConfiguration"] == {"LocationConstraint": location}
    files = keys(cloud.s3, "data/sample/")
    assert {"manifest.json", "ratings.csv", "ratings.parquet", "movies.csv"} <= set(files)


def test_a_second_run_changes_nothing_and_says_so(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--students", ROLE, ACCOUNT, "--apply")
    assert capsys.readouterr().out.count("done  ") == 9
    before, cloud.written = state(cloud.s3), []
    assert run("--students", ACCOUNT, ROLE, "--apply") == 0
    said = capsys.readouterr().out
    assert (said.count("already so"), "Nothing to change." in said) == (9, True)
    assert run("--students", ACCOUNT, ROLE) == 0
    said = capsys.readouterr().out
    assert (printed_calls(said), "Nothing to change." in said) == ({}, True)
    assert (cloud.written, state(cloud.s3)) == ([], before)


@pytest.mark.parametrize("made_by_hand", ["put_public_access_block", "put_bucket_policy"])
def test_what_somebody_changed_by_hand_is_put_right_and_nothing_else(
    cloud: Cloud, made_by_hand: str
) -> None:
    run("--apply")
    wanted, cloud.written = state(cloud.s3), []
    if made_by_hand == "put_bucket_policy":
        cloud.s3.delete_bucket_policy(Bucket=BUCKET)
        call = "PutBucketPolicy"
    else:
        cloud.s3.put_public_access_block(
            Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
        )
        call = "PutPublicAccessBlock"
    assert run("--apply") == 0
    assert (cloud.written, state(cloud.s3)) == ([call], wanted)


def test_rules_and_statements_of_others_stay(cloud: Cloud) -> None:
    cloud.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    rule = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": "x/"},
        "Expiration": {"Days": 9},
    }
    cloud.s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]}
    )
    statement = {
        "Sid": "Theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucket",
        "Resource": f"arn:aws:s3:::{BUCKET}",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document))
    tag = {"Key": "cost-center", "Value": "42"}
    cloud.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [tag]})

    assert run("--apply") == 0
    made = state(cloud.s3)
    rules = made["put_bucket_lifecycle_configuration"]["LifecycleConfiguration"]["Rules"]
    assert [rule["ID"] for rule in rules] == [
        "theirs", "course-unfinished-uploads", "course-old-versions"
    ]  # fmt: skip
    assert made["put_bucket_policy"]["Policy"]["Statement"][0] == statement
    assert tag in made["put_bucket_tagging"]["Tagging"]["TagSet"]


def test_without_students_in_the_next_run_their_access_is_revoked(cloud: Cloud) -> None:
    run("--students", ROLE, "--apply")
    assert run("--apply") == 0
    statements = state(cloud.s3)["put_bucket_policy"]["Policy"]["Statement"]
    assert [statement["Sid"] for statement in statements] == ["CourseOnlyTLS"]


WRITING = (
    "CreateBucket", "PutPublicAccessBlock", "PutBucketEncryption", "PutBucketVersioning",
    "PutBucketLifecycleConfiguration", "PutBucketPolicy", "PutBucketTagging", "PutObject",
)  # fmt: skip


@pytest.mark.parametrize("call", WRITING)
def test_a_run_that_failed_half_way_can_be_repeated(
    cloud: Cloud, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fails = {call}
    assert run("--apply") == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("Could not ")
    assert "Traceback" not in said.err
    cloud.fails = set()
    assert run("--apply") == 0
    assert "Nothing to change." not in capsys.readouterr().out
    assert run("--apply") == 0
    assert "Nothing to change." in capsys.readouterr().out
    assert "manifest.json" in keys(cloud.s3, "data/sample/")


def test_a_release_with_a_file_missing_is_published_again(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--apply")
    cloud.s3.delete_object(Bucket=BUCKET, Key="data/sample/movies.csv")
    capsys.readouterr()
    assert run() == 0
    assert set(printed_calls(capsys.readouterr().out)) == {"publish_movielens"}
    assert run("--apply") == 0
    assert "movies.csv" in keys(cloud.s3, "data/sample/")


# What is refused, each with one sentence


def test_somebody_elses_bucket_is_refused(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    cloud.owners[BUCKET] = "222222222222"
    for more in ((), ("--apply",), ("--delete", "--apply")):
        assert run(*more) == 1
        assert f"s3://{BUCKET} is not in your account {ACCOUNT}" in capsys.readouterr().err
    assert cloud.written == []


REFUSED = {
    "a bad name": (["Recommenders_2027", "--region", REGION], "cannot be a bucket's name"),
    "an unknown release": ([BUCKET, "--region", REGION, "--dataset", "ml-2m"], "no release called"),
    "no region": ([BUCKET], "No region is named"),
    "a wildcard prefix": ([BUCKET, "--region", REGION, "--prefix", "*"], "cannot be the prefix"),
    "no prefix": ([BUCKET, "--region", REGION, "--prefix", ""], "cannot be the prefix"),
    "everybody": ([BUCKET, "--region", REGION, "--students", "*"], "nobody to give access to"),
    "a group": (
        [BUCKET, "--region", REGION, "--students", f"arn:aws:iam::{ACCOUNT}:group/x"],
        "nobody to give access to",
    ),
    "links to nothing": ([BUCKET, "--region", REGION, "--links", "1"], "nothing to link to yet"),
    "deleting nothing": ([BUCKET, "--region", REGION, "--delete"], "nothing to delete"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_right_is_refused_in_one_sentence(
    cloud: Cloud, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, sentence = REFUSED[what]
    assert bucket.main([*arguments, "--apply"] if "links" not in what else arguments) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert cloud.written == []


def test_a_bucket_in_another_region_is_refused(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--apply")
    assert bucket.main([BUCKET, "--region", "us-east-1"]) == 1
    assert f"is in {REGION}, not in us-east-1" in capsys.readouterr().err


def test_without_credentials_the_dry_run_shows_a_new_bucket_and_apply_is_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bucket, "sign_in", lambda region: (None, region, None))
    assert run() == 0
    said = capsys.readouterr().out
    assert said.startswith("No AWS credentials: this is what a new bucket would take.")
    assert len(printed_calls(said)) == 9
    assert run("--apply") == 1
    assert "no AWS credentials" in capsys.readouterr().err


# What students may do


def allowed(
    statements: list[dict[str, Any]], who: str | None, action: str, resource: str, **context: str
) -> bool:
    """Evaluate a policy as AWS does: any Deny wins, else one Allow is needed.

    ``who`` is None for a policy attached to the student's role, which names no principal.
    """

    def matches(patterns: str | list[str], value: str) -> bool:
        listed = [patterns] if isinstance(patterns, str) else patterns
        own = context.get("userid", "")
        return any(fnmatchcase(value, p.replace("${aws:userid}", own)) for p in listed)

    def holds(statement: dict[str, Any]) -> bool:
        principal = statement.get("Principal", {"AWS": [who]})
        if principal != "*" and who not in principal["AWS"]:
            return False
        for kind, conditions in statement.get("Condition", {}).items():
            assert kind in ("StringLike", "Bool")
            for key, value in conditions.items():
                if not matches(value, context.get(key.partition(":")[2], "")):
                    return False
        return matches(statement["Action"], action) and matches(statement["Resource"], resource)

    effects = {statement["Effect"] for statement in statements if holds(statement)}
    return effects == {"Allow"}


ARN = f"arn:aws:s3:::{BUCKET}"
TLS = {"SecureTransport": "true", "userid": "AIDA:ann"}
MAY = [
    ("s3:ListBucket", ARN, {"prefix": "data/"}),
    ("s3:ListBucket", ARN, {"prefix": "data/sample/r"}),
    ("s3:GetObject", f"{ARN}/data/sample/ratings.csv", {}),
]
OWN = [
    ("s3:PutObject", f"{ARN}/scratch/AIDA:ann/x.csv", {}),
    ("s3:GetObject", f"{ARN}/scratch/AIDA:ann/x.csv", {}),
    ("s3:ListBucket", ARN, {"prefix": "scratch/AIDA:ann/"}),
]
MAY_NOT = [
    ("s3:ListBucket", ARN, {}),
    ("s3:ListBucket", ARN, {"prefix": ""}),
    ("s3:ListBucket", ARN, {"prefix": "database/"}),
    ("s3:GetObject", f"{ARN}/answers/lab01.csv", {}),
    ("s3:GetObject", f"{ARN}/database/x", {}),
    ("s3:GetObject", "arn:aws:s3:::another/data/sample/ratings.csv", {}),
    ("s3:PutObject", f"{ARN}/data/sample/ratings.csv", {}),
    ("s3:DeleteObject", f"{ARN}/data/sample/ratings.csv", {}),
    ("s3:GetObjectVersion", f"{ARN}/data/sample/ratings.csv", {}),
    ("s3:ListBucketVersions", ARN, {"prefix": "data/"}),
    ("s3:PutBucketPolicy", ARN, {}),
    ("s3:DeleteBucket", ARN, {}),
    ("s3:GetObject", f"{ARN}/data/sample/ratings.csv", {"SecureTransport": "false"}),
    ("s3:PutObject", f"{ARN}/scratch/AIDA:bob/x.csv", {}),
    ("s3:GetObject", f"{ARN}/scratch/AIDA:bob/x.csv", {}),
    ("s3:ListBucket", ARN, {"prefix": "scratch/"}),
]


@pytest.mark.parametrize("scratch", [None, 100])
def test_students_list_and_read_the_prefix_and_nothing_else(scratch: int | None) -> None:
    settings = ClassBucket(BUCKET, REGION, students=(ROLE,), scratch_days=scratch)
    bucket = policy.bucket_policy(settings, None)["Statement"]
    role = policy.student_policy(settings)["Statement"]
    for action, resource, more in MAY:
        assert allowed(bucket, ROLE, action, resource, **TLS | more), action
        assert allowed(role, None, action, resource, **TLS | more), action
        assert not allowed(bucket, "arn:aws:iam::999999999999:root", action, resource, **TLS | more)
    for action, resource, more in OWN:
        assert allowed(bucket, ROLE, action, resource, **TLS | more) == bool(scratch)
        assert allowed(role, None, action, resource, **TLS | more) == bool(scratch)
    for action, resource, more in MAY_NOT:
        assert not allowed(bucket, ROLE, action, resource, **TLS | more), (action, resource)
        if "SecureTransport" not in more:  # which only the bucket's own policy asks for
            assert not allowed(role, None, action, resource, **TLS | more), (action, resource)


def test_an_account_number_means_the_whole_account_and_china_has_its_own_partition() -> None:
    assert policy.as_principal(ACCOUNT, REGION) == f"arn:aws:iam::{ACCOUNT}:root"
    chinese = policy.as_principal(ACCOUNT, "cn-north-1")
    assert chinese == f"arn:aws-cn:iam::{ACCOUNT}:root"
    assert ClassBucket(BUCKET, "us-gov-west-1").arn == f"arn:aws-us-gov:s3:::{BUCKET}"


@pytest.mark.parametrize(
    ("wanted", "current", "answer"),
    [
        ({"a": 1}, {"a": 1, "added by AWS": 2}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"AWS": ["x"]}, {"AWS": "x"}, True),
        ({"AWS": ["x", "y"]}, {"AWS": ["y", "x"]}, True),
        ({"AWS": ["x"]}, {"AWS": ["x", "y"]}, False),
        ([{"Sid": "A"}, {"Sid": "B"}], [{"Sid": "B"}, {"Sid": "A"}], True),
        ({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]}, True),
        (True, False, False),
    ],
)
def test_what_aws_answers_is_compared_in_meaning(wanted: Any, current: Any, answer: bool) -> None:
    assert same(wanted, current) is answer


# Handing out, and the end of term


def test_presigned_links_lead_to_every_file_of_the_release(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--apply", "--links", "2") == 0
    said = capsys.readouterr().out
    links = re.findall(r"https://\S+", said)
    names = {link.partition("?")[0].rpartition("/")[2] for link in links}
    assert names == {name for name in keys(cloud.s3, "data/") if name != "manifest.json"}
    assert requests.get(links[0], timeout=10).status_code == 200
    assert run("--links", "8") == 1
    assert "604" in capsys.readouterr().err


def test_deleting_takes_every_version_and_unfinished_upload_and_only_with_apply(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--apply")
    for body in (b"1", b"2"):
        cloud.s3.put_object(Bucket=BUCKET, Key="scratch/x", Body=body)
    cloud.s3.delete_object(Bucket=BUCKET, Key="scratch/x")
    cloud.s3.create_multipart_upload(Bucket=BUCKET, Key="scratch/unfinished")
    count = len(keys(cloud.s3)) + 3
    capsys.readouterr()
    assert run("--delete") == 0
    assert f"would       delete s3://{BUCKET} with {count} versions" in capsys.readouterr().out
    cloud.s3.head_bucket(Bucket=BUCKET)
    assert run("--delete", "--apply") == 0
    assert f"deleted s3://{BUCKET} with {count} versions" in capsys.readouterr().out
    with pytest.raises(ClientError):
        cloud.s3.head_bucket(Bucket=BUCKET)


def test_a_bucket_that_this_command_did_not_make_is_not_deleted(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert run("--delete", "--apply") == 1
    assert "was not made by this command" in capsys.readouterr().err
    cloud.s3.head_bucket(Bucket=BUCKET)


# What the instructor's page says


@pytest.fixture
def page(repository_root: Path) -> str:
    return (repository_root / "book/class-bucket.md").read_text(encoding="utf-8")


def test_the_page_shows_what_the_dry_run_prints(
    cloud: Cloud, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    release = ["--dataset", "ml-latest-small", "--students", ROLE]
    assert bucket.main(["--region", REGION, *release]) == 0  # of the bucket in _config.yml
    said = capsys.readouterr().out
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert said.startswith(shown)
    calls = printed_calls(said)
    assert all(f"`{call}`" in page for call in calls if call not in printed_calls(shown))
    assert f"two of the {['seven', 'eight', 'nine'][len(calls) - 7]} calls" in page


def test_the_sums_on_the_page_are_right(page: str) -> None:
    sums = re.findall(r"([\d.]+) × ([\d.]+) = ([\d.]+\d|\d)", page)
    assert len(sums) == 4
    for one, other, product in sums:
        assert float(one) * float(other) == pytest.approx(float(product)), (one, other)


def test_every_option_that_the_page_names_exists(page: str) -> None:
    known = {option for action in bucket._parser()._actions for option in action.option_strings}
    assert set(re.findall(r"(?<![\w-])--[a-z]+", page)) <= known
