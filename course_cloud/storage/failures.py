"""The errors of S3, of the network and of the disk, each in one sentence: what, where, what to do.

No message contains an access key, a secret, a token or a signature.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from traceback import walk_tb
from typing import Any

from course_cloud.storage.settings import named_in
from course_utils.errors import CourseError, StorageError

# The server's error codes in the words of a notebook's reader. The answer to a HEAD has no body, so
# botocore reports the HTTP status instead of a code.
MEANINGS = {
    "NoSuchBucket": "there is no bucket {bucket} at {where}; check its name, or create it",
    "ExpiredToken ExpiredTokenException InvalidToken": "your AWS session has expired; run `aws sso "
    "login` (or get new credentials) and run the cell again",
    "InvalidAccessKeyId": "{where} does not know your access key; check which profile is in use "
    "(`aws configure list`) and that the key was not deleted",
    "SignatureDoesNotMatch": "{where} finds the request wrongly signed, so the secret does not "
    "belong to the access key; run `aws configure` (or `aws sso login`) again",
    "AccessDenied Forbidden 403": "access denied; your credentials are good but may not do this "
    "here (ask who owns the bucket), and a key that is absent looks the same where listing is not "
    "allowed",
    "PreconditionFailed ConditionalRequestConflict 412": "the object changed while it was being "
    "read or written; run it again",
    "InvalidRange 416": "the object is empty, or shorter than it was; look at it with list_keys",
    "BucketAlreadyExists": "the name {bucket} is taken, names are shared by all of S3; choose "
    "another",
    "PermanentRedirect AuthorizationHeaderMalformed 301": "the bucket {bucket} lies in another "
    "region; set AWS_REGION to it",
}
# The exceptions of botocore and urllib3 when there is no answer, by the names of their classes. One
# that holds another is looked up by both; the first entry counts.
NO_ANSWERS = {
    "NoCredentialsError": "no AWS credentials were found; run `aws sso login` or `aws configure` "
    "first",
    "ConfigParseError": "line {line} of {path} cannot be read; save it as UTF-8 without a byte "
    "order mark (BOM), each line a `name = value` or a section such as `[default]`, and none twice",
    "PartialCredentialsError": "the AWS credentials are incomplete; set {cred_var} too",
    "ProfileNotFound": "there is no AWS profile {profile!r}; set AWS_PROFILE to one that `aws "
    "configure list-profiles` shows, or unset it (~/.aws/config begins one with [profile NAME])",
    "SSOTokenLoadError UnauthorizedSSOTokenError TokenRetrievalError SSOError LoginRefreshRequired "
    "LoginTokenLoadError LoginError NoAuthTokenError": "your AWS sign-in has expired; run `aws sso "
    "login` and run the cell again",
    "CredentialRetrievalError MetadataRetrievalError": "the AWS credentials could not be fetched "
    "by {provider}; run `aws sso login`, or check the profile",
    "ProxyConnectionError LocationParseError LocationValueError InvalidURL ProxySchemeUnknown": (
        "the proxy cannot be reached; write HTTPS_PROXY and HTTP_PROXY as http://host:port"
    ),
    "SSLError": "the TLS certificate of {where} cannot be verified; check the address, the "
    "clock and AWS_CA_BUNDLE",
    "EndpointConnectionError NewConnectionError MaxRetryError": "nobody answers at {where}; check "
    "the network and AWS_ENDPOINT_URL",
    "ConnectTimeoutError ReadTimeoutError": "{where} did not answer in time; check the network and "
    "run it again",
    "ConnectionClosedError HTTPClientError": "{where} hung up without an answer; run it again",
    "IncompleteReadError IncompleteRead ResponseStreamingError ProtocolError": "the connection to "
    "{where} broke off in the middle of the object; run it again",
    "FlexibleChecksumError ChecksumError": "the bytes that arrived do not match their checksum; "
    "run it again",
}
# The settings that choose a provider of credentials, by botocore's name of it.
PROVIDERS = {
    "custom-process": "credential_process",
    "assume-role": "role_arn",
    "assume-role-with-web-identity": "AWS_WEB_IDENTITY_TOKEN_FILE",
}
RETRIED = "503", "500", "502", "504", "429"


@contextmanager
def explained(doing: str, bucket: str = "", key: str = "", client: Any = None) -> Iterator[None]:
    """Turn an exception of botocore in the block into a `StorageError` of one sentence.

    `doing` is the verb of "Could not read s3://bucket/key: …". `client` makes one more request to
    find the nearest keys of a missing one, or the reason for a refused HEAD. Errors of others are
    not changed, unless a provider of credentials raised them, or there is no bucket: then a setting
    is wrong.
    """
    try:
        yield
    except Exception as error:
        why = _why(error, bucket, key, client)
        if why is None:
            raise
        place = f" s3://{bucket}/{key}".rstrip("/") if bucket else ""
        raise StorageError(f"Could not {doing}{place}: {why}.") from None


@contextmanager
def disk(doing: str, path: object) -> Iterator[None]:
    """Turn an `OSError` of the block into a `StorageError`: "Could not {doing} {path} on …"."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError) or _provider(error):
            raise
        why = (error.strerror or str(error)).rstrip(".")
        raise StorageError(f"Could not {doing} {path} on this computer: {why}.") from None


def need(module: str) -> Any:
    """Import a library of the extra ``s3``; without it, raise how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        name = (error.name or module).split(".")[0]
        raise StorageError(
            f"{name} is not installed; run: pip install 'course-utils[s3]'"
        ) from None


def is_missing(error: Exception) -> bool:
    """Return whether botocore's `error` means that a key, bucket or version does not exist."""
    return _code(error) in ("404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NotFound")


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _why(error: Any, bucket: str, key: str, client: Any) -> str | None:
    """Return what `error` means and what to do; None for one that is not about S3."""
    if isinstance(error, CourseError):
        return None
    if type(error).__module__ in ("boto3.exceptions", "s3transfer.exceptions"):
        # of managed transfers, around the error that counts
        error = getattr(error, "last_exception", None) or error.__context__ or error
    provider = _provider(error)
    where = str(client.meta.endpoint_url) if client is not None else "the server"
    if _code(error) and not provider:
        return _refusal(error, bucket, key, client, where)
    library = type(error).__module__.partition(".")[0]
    if bucket and not provider and library not in ("botocore", "boto3", "urllib3"):
        return None
    why = _no_answer(error, where, provider)
    return why if bucket or provider or ";" in why else f"{why}; check {named_in(why)}"


def _provider(error: Exception) -> str:
    """Return which setting's provider of credentials raised `error`; "" when none did."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") in ("botocore.credentials", "botocore.tokens"):
            one = frame.f_locals.get("self")
            if name := getattr(one, "METHOD", "") or getattr(one, "method", ""):
                return PROVIDERS.get(name, str(name))
    return ""


def _meaning(table: dict[str, str], *names: str) -> str:
    """Return the first text of `table` that stands under one of the names; "" when none does."""
    return next((text for keys, text in table.items() if {*keys.split()} & {*names}), "")


def _refusal(error: Any, bucket: str, key: str, client: Any, where: str) -> str:
    """Explain an error answer of the server."""
    if client is not None and bucket and _code(error) in ("400", "403", "404", "NoSuchKey", "301"):
        error = _asked_again(error, bucket, client)
    code, about = _code(error), error.response.get("ResponseMetadata", {})
    status = str(about.get("HTTPStatusCode", ""))
    if code in ("NoSuchKey", "404", "NotFound"):
        if near := nearest_keys(client, bucket, key) if client is not None and key else []:
            return f"there is no such key; the nearest are {', '.join(near)}"
        return f"there is no such key; list what there is with list_keys('s3://{bucket}/')"
    if code == "RequestTimeTooSkewed":
        return _clock(about)
    if meaning := _meaning(MEANINGS, code):
        return meaning.format(bucket=bucket or "of that name", where=where)
    if code in ("SlowDown", "ServiceUnavailable", *RETRIED) or status in RETRIED:
        tries = about.get("RetryAttempts", 0) + 1
        return (
            f"{where} answered {status or code} {tries} time{'s' * (tries > 1)}, it is overloaded "
            "or down; wait a minute and run it again"
        )
    said = " ".join(str(error.response["Error"].get("Message", "")).split()).rstrip(".")[:200]
    return f"{where} answered {code}" + (f" ({said})" if said else "")


def _asked_again(error: Any, bucket: str, client: Any) -> Any:
    """Return why a HEAD was refused: the error of a request whose answer has a body."""
    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except Exception as again:
        # whoever may read but not list gets the error about the key, not about the listing
        return again if _code(again) not in ("", "AccessDenied", "403") else error
    return error


def nearest_keys(client: Any, bucket: str, key: str, n: int = 3) -> list[str]:
    """Return up to `n` keys similar to `key`, of the first 1,000 in its folder or the bucket."""
    keys: list[str] = []
    folder, slash, name = key.rpartition("/")
    try:
        for prefix in dict.fromkeys((folder + slash, "")):
            answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
            keys += [item["Key"] for item in answer.get("Contents", [])]
            if near := difflib.get_close_matches(key, dict.fromkeys(keys), n):
                return near
    except Exception:  # listing is not allowed, maybe; the first error is the one to explain
        return []
    by_name = {known.rpartition("/")[2]: known for known in reversed(keys)}
    return [by_name[near] for near in difflib.get_close_matches(name, by_name, n)]


def _clock(about: Any) -> str:
    """Return how far this computer's clock is from the server's, by the answer's Date."""
    try:
        server = parsedate_to_datetime(about["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return "the clock of this computer is wrong; set it and run the cell again"
    minutes = (datetime.now(UTC) - server.replace(tzinfo=server.tzinfo or UTC)).total_seconds() / 60
    far = f"{abs(minutes):.0f} minutes {'ahead of' if minutes > 0 else 'behind'} the server's"
    return f"the clock of this computer is {far}; set it and run the cell again"


def _no_answer(error: Exception, where: str, provider: str) -> str:
    """Explain what went wrong before an answer or in the middle of it."""
    details = getattr(error, "kwargs", {})
    inner = details.get("error")
    # of a file's damage only the place is told: its lines hold secrets
    line = getattr(inner, "lineno", None) or next((n for n, _ in getattr(inner, "errors", ())), "?")
    if "://" in str(details.get("endpoint_url")):  # of another service, maybe
        where = "/".join(details["endpoint_url"].split("/")[:3])
    if meaning := _meaning(NO_ANSWERS, type(error).__name__, type(inner).__name__):
        source = provider or "their source"
        return meaning.format(**{**details, "where": where, "provider": source, "line": line})
    said = " ".join(str(error).split()).rstrip(".")[:200].replace(". ", ", ")
    said = said or type(error).__name__
    return f"no AWS credentials come by {provider} ({said}); mend it" if provider else said
