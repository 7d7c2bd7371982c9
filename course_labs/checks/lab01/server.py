"""An S3 server in memory that records its requests: the bucket that a student's function gets.

The student's function gets a real boto3 client, so parameters, paginators, errors and managed
transfers are boto3's own; only the requests stay in the process. moto is not used here because its
buckets are shared by the whole process, and the notebook's practice server holds some already.
Here each case has buckets of its own, needs no thread and no port, and the grader's sandbox needs
neither network nor credentials.

It implements what a lab needs: listing by pages, reading whole objects or ranges, writing, copying
and deleting. The answer to any other request is NotImplemented.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import unescape
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from course_labs.checks.question import AnswerError

ENDPOINT = "http://bucket-of-the-lab.invalid"  # by RFC 2606, no host ever has this name
PAGE = 1000  # most keys in one answer, as in S3
HTTP_DATE, DATE = "Tue, 01 Sep 2026 08:00:00 GMT", "2026-09-01T08:00:00.000Z"
LISTING = {"prefix", "delimiter", "max-keys", "continuation-token", "start-after", "marker",
           "encoding-type", "fetch-owner"}  # fmt: skip
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
Answer = tuple[int, dict[str, str], bytes]  # status, headers, body


class Asked(NamedTuple):
    """An HTTP request, whose headers have lower-case names."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Stored(NamedTuple):
    """An object's bytes and its ETag."""

    body: bytes
    etag: str


class Request(NamedTuple):
    """A request: LIST, GET, PUT, COPY or DELETE, and how many bytes of content it moved.

    ``whole`` says of a GET that it returned all of the object, even if it asked for a range.
    """

    what: str
    bucket: str
    key: str
    n_bytes: int
    whole: bool


class Refused(Exception):
    """An error answer: HTTP status and S3's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Raw(io.BytesIO):
    """An answer's body, with the method of urllib3's responses that botocore calls."""

    def stream(self) -> Iterator[bytes]:
        """Yield the rest in one piece."""
        yield self.read()


class MemoryS3:
    """Buckets, a client for them, and the list of all requests.

    Parameters
    ----------
    buckets
        The names of the buckets.
    page
        How many keys an answer lists at most; S3 may always list fewer than 1,000.
    refused_write
        The number of the upload that is refused with AccessDenied, from 1; 0 for none.
    """

    def __init__(self, *buckets: str, page: int = PAGE, refused_write: int = 0) -> None:
        self.buckets: dict[str, dict[str, Stored]] = {name: {} for name in buckets}
        self.requests: list[Request] = []
        self.page, self.refused_write = page, refused_write
        self._writes = 0
        self._lock = threading.RLock()  # a managed transfer uses several threads

    def put(self, bucket: str, key: str, body: bytes, *, parts: int = 1) -> None:
        """Store an object without a request, with the ETag of an upload in `parts`."""
        etag = hashlib.md5(body, usedforsecurity=False)
        if parts > 1:
            cuts = [len(body) * n // parts for n in range(parts + 1)]
            pieces = (body[a:b] for a, b in pairwise(cuts))
            digests = [hashlib.md5(piece, usedforsecurity=False).digest() for piece in pieces]
            etag = hashlib.md5(b"".join(digests), usedforsecurity=False)
        end = f"-{parts}" if parts > 1 else ""
        self.buckets[bucket][key] = Stored(body, f'"{etag.hexdigest()}{end}"')

    def client(self) -> Any:
        """Return a boto3 client whose requests this server answers, without a network."""
        from botocore.awsrequest import AWSResponse

        from course_cloud.storage.servers import make_client

        def send(request: Any, **_: Any) -> Any:
            headers = {name.lower(): _text(value) for name, value in request.headers.items()}
            body = request.body.read() if hasattr(request.body, "read") else request.body or b""
            body = body.encode() if isinstance(body, str) else bytes(body)
            status, told, sent = self.answer(request.method, request.url, headers, body)
            return AWSResponse(request.url, status, told, Raw(sent))

        client = make_client(_session(), endpoint_url=ENDPOINT)
        client.meta.events.register_first("before-send.s3", send)
        return client

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to an HTTP request, whose headers have lower-case names."""
        parts = urlsplit(url)
        bucket, _, key = unquote(parts.path).removeprefix("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            try:
                status, told, sent = self._do(Asked(method, bucket, key, query, headers, body))
            except Refused as no:
                status, told, sent = no.status, {}, _error(no.code, key or bucket)
        return status, {**told, "Content-Length": str(len(sent))}, b"" if method == "HEAD" else sent

    def _do(self, asked: Asked) -> Answer:
        method, bucket, key = asked.method, asked.bucket, asked.key
        if bucket not in self.buckets:
            raise Refused(404, "NoSuchBucket")
        parameters = asked.query.keys() - {"list-type", "x-id"}
        if not key and method == "GET" and not parameters - LISTING:
            self._note("LIST", bucket, asked.query.get("prefix", ""))
            return 200, {}, _listing(bucket, self.buckets[bucket], asked.query, self.page)
        if not key and method == "HEAD":
            return 200, {}, b""
        if not key and method == "POST" and parameters == {"delete"}:
            found = re.findall(r"<Key>(.*?)</Key>", asked.body.decode(), re.DOTALL)
            keys = [unescape(name) for name in found]
            for name in keys:
                self._delete(bucket, name)
            inside = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in keys)
            return 200, {}, _document("DeleteResult", inside)
        if not key or parameters:
            raise Refused(501, "NotImplemented")
        if method in ("GET", "HEAD"):
            return self._get(asked)
        if method == "PUT":
            return self._put(asked)
        if method == "DELETE":
            self._delete(bucket, key)
            return 204, {}, b""
        raise Refused(501, "NotImplemented")

    def _get(self, asked: Asked) -> Answer:
        stored = self._stored(asked.bucket, asked.key)
        wanted = asked.headers.get("if-match", "")
        if wanted and wanted.strip('"') != stored.etag.strip('"'):
            raise Refused(412, "PreconditionFailed")
        told = {"ETag": stored.etag, "Last-Modified": HTTP_DATE, "Accept-Ranges": "bytes"}
        status, body, part = 200, stored.body, asked.headers.get("range", "")
        if part:
            start, end = _range(part, len(body))
            told["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
            status, body = 206, body[start:end]
        if asked.method == "GET":
            whole = len(body) == len(stored.body)
            self._note("GET", asked.bucket, asked.key, len(body), whole)
        return status, told, body

    def _put(self, asked: Asked) -> Answer:
        bucket, key = asked.bucket, asked.key
        source = asked.headers.get("x-amz-copy-source", "")
        if source:
            here, _, name = unquote(source).removeprefix("/").partition("/")
            stored = self._stored(here, name)
            self._note("COPY", bucket, key)
            self.put(bucket, key, stored.body)
            etag = escape(self.buckets[bucket][key].etag)
            inside = f"<LastModified>{DATE}</LastModified><ETag>{etag}</ETag>"
            return 200, {}, _document("CopyObjectResult", inside)
        self._writes += 1
        if self._writes == self.refused_write:
            raise Refused(403, "AccessDenied")
        self._note("PUT", bucket, key, len(asked.body))
        self.put(bucket, key, asked.body)
        return 200, {"ETag": self.buckets[bucket][key].etag}, b""

    def _delete(self, bucket: str, key: str) -> None:
        self._note("DELETE", bucket, key)
        self.buckets[bucket].pop(key, None)

    def _stored(self, bucket: str, key: str) -> Stored:
        if bucket not in self.buckets:
            raise Refused(404, "NoSuchBucket")
        if key not in self.buckets[bucket]:
            raise Refused(404, "NoSuchKey")
        return self.buckets[bucket][key]

    def _note(
        self, what: str, bucket: str, key: str, n_bytes: int = 0, whole: bool = False
    ) -> None:
        self.requests.append(Request(what, bucket, key, n_bytes, whole))


def load_boto3() -> None:
    """Import boto3 and make a first client, which reads its data, outside a student's time.

    Raises
    ------
    AnswerError
        When boto3 is not installed.
    """
    if find_spec("boto3") is None:
        raise AnswerError(
            "This step needs boto3, which is not installed; run: pip install 'course-utils[s3]'"
        )
    MemoryS3("lab").client()


@lru_cache(maxsize=1)
def _session() -> Any:
    """Return a session with made-up credentials; it caches boto3's data between clients."""
    from course_cloud.storage.failures import need
    from course_cloud.storage.servers import ACCESS_KEY, REGION, SECRET

    return need("boto3").session.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET, region_name=REGION
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _range(asked: str, size: int) -> tuple[int, int]:
    """Return the half-open range that ``bytes=3-7``, ``bytes=3-`` or ``bytes=-7`` asks for."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    if not found or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        raise Refused(416, "InvalidRange")
    return start, end


def _listing(
    bucket: str, found: Mapping[str, Stored], query: Mapping[str, str], page: int
) -> bytes:
    """Return one page of a listing, of version 2 or version 1; the API reference has the format.

    Parameters
    ----------
    bucket
        The bucket's name.
    found
        Its objects by key.
    query
        The parameters of the request.
    page
        How many entries there may be at most.
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    second = query.get("list-type") == "2"
    after = query.get("continuation-token") or query.get("start-after") or query.get("marker") or ""
    most = min(page, int(query.get("max-keys", page)))
    shown = quote if query.get("encoding-type") == "url" else escape
    entries: dict[str, str] = {}
    last = ""
    for key in sorted((key for key in found if key.startswith(prefix)), key=str.encode):
        name, is_folder = _entry(key, prefix, delimiter)
        if name in entries or key.encode() <= after.encode():
            continue
        if is_folder and name.encode() <= after.encode():
            continue
        if len(entries) == most:
            break
        last = name
        entries[name] = (
            f"<CommonPrefixes><Prefix>{shown(name)}</Prefix></CommonPrefixes>"
            if is_folder
            else f"<Contents><Key>{shown(key)}</Key><LastModified>{DATE}</LastModified>"
            f"<ETag>{escape(found[key].etag)}</ETag><Size>{len(found[key].body)}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
        )
    else:
        last = ""  # nothing is left
    fields = {
        "Name": bucket,
        "Prefix": shown(prefix),
        "MaxKeys": str(most),
        "IsTruncated": str(bool(last)).lower(),
        **({"Delimiter": shown(delimiter)} if delimiter else {}),
        **({"EncodingType": "url"} if "encoding-type" in query else {}),
        **({"KeyCount": str(len(entries))} if second else {"Marker": shown(after)}),
    }
    if last and second:
        fields["NextContinuationToken"] = escape(last)
    elif last and delimiter:
        fields["NextMarker"] = shown(last)
    head = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return _document("ListBucketResult", head + "".join(entries.values()))


def _entry(key: str, prefix: str, delimiter: str) -> tuple[str, bool]:
    """Return the name under which a key is listed, and whether that is a common prefix."""
    rest = key[len(prefix) :]
    if delimiter and delimiter in rest:
        return prefix + rest.partition(delimiter)[0] + delimiter, True
    return key, False


def _error(code: str, resource: str) -> bytes:
    meant = re.sub("(?<=[a-z])(?=[A-Z])", " ", code)
    inside = f"<Code>{code}</Code><Message>{meant}</Message><Resource>{escape(resource)}</Resource>"
    return f"<Error>{inside}</Error>".encode()


def _document(name: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name} {NAMESPACE}>{inside}</{name}>'.encode()
