"""An S3 in memory that notes what is asked of it: the bucket that a student's function gets.

It is a real boto3 client, so parameters, paginators, errors and managed transfers are boto3's own;
only the requests never leave the process. moto would do for that, but its buckets belong to the
process: the page's practice server has them already. Here each case has its own, there is no
thread and no port, and the grader's sandbox needs neither network nor credentials.

It knows what a lab needs: listing by pages, reading whole or by range, writing, copying, deleting.
Everything else is answered with NotImplemented.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from course_labs.checks.lab01 import xml
from course_labs.checks.question import AnswerError

ENDPOINT = "http://bucket-of-the-lab.invalid"  # a name that by RFC 2606 nobody ever has
PAGE = 1000  # keys of one answer, as S3 has it


class Stored(NamedTuple):
    """An object's bytes and its ETag."""

    body: bytes
    etag: str


class Request(NamedTuple):
    """What was asked: LIST, GET, PUT, COPY or DELETE; how many bytes of content it moved.

    ``whole`` says of a GET that all of the object came at once, also by a range.
    """

    what: str
    bucket: str
    key: str
    n_bytes: int
    whole: bool


class Refused(Exception):
    """An answer that says no: HTTP status and S3's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Raw(io.BytesIO):
    """An answer's body as urllib3 would hand it over."""

    def stream(self) -> Iterator[bytes]:
        """Yield what is left, at once."""
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
        The how many-th upload is refused with AccessDenied, counted from 1; 0 for none.
    """

    def __init__(self, *buckets: str, page: int = PAGE, refused_write: int = 0) -> None:
        self.buckets: dict[str, dict[str, Stored]] = {name: {} for name in buckets}
        self.requests: list[Request] = []
        self.page, self.refused_write = page, refused_write
        self._writes = 0
        self._lock = threading.RLock()  # a managed transfer asks from several threads

    def put(self, bucket: str, key: str, body: bytes, *, parts: int = 1) -> None:
        """Lay an object down without a request, with the ETag it has when sent in `parts`."""
        etag = hashlib.md5(body, usedforsecurity=False)
        if parts > 1:
            cuts = [len(body) * n // parts for n in range(parts + 1)]
            pieces = (body[a:b] for a, b in pairwise(cuts))
            digests = [hashlib.md5(piece, usedforsecurity=False).digest() for piece in pieces]
            etag = hashlib.md5(b"".join(digests), usedforsecurity=False)
        end = f"-{parts}" if parts > 1 else ""
        self.buckets[bucket][key] = Stored(body, f'"{etag.hexdigest()}{end}"')

    def client(self) -> Any:
        """Return a boto3 client whose requests end here."""
        from course_cloud.storage.client import make_client

        client = make_client(_session(), endpoint_url=ENDPOINT)
        client.meta.events.register_first("before-send.s3", self._answer)
        return client

    def _answer(self, request: Any, **others: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        url = urlsplit(request.url)
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        with self._lock:
            try:
                status, headers, body = self._do(request, bucket, key, query)
            except Refused as no:
                status, headers, body = no.status, {}, xml.error(no.code, key or bucket)
        headers["Content-Length"] = str(len(body))
        sent = b"" if request.method == "HEAD" else body
        return AWSResponse(request.url, status, headers, Raw(sent))

    def _do(
        self, request: Any, bucket: str, key: str, query: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if bucket not in self.buckets:
            raise Refused(404, "NoSuchBucket")
        asked = query.keys() - {"list-type", "x-id"}
        if not key and request.method == "GET" and not asked - xml.LISTING:
            self._note("LIST", bucket, query.get("prefix", ""))
            found = {name: (len(it.body), it.etag) for name, it in self.buckets[bucket].items()}
            return 200, {}, xml.listing(bucket, found, query, self.page)
        if not key and request.method == "HEAD":
            return 200, {}, b""
        if not key and request.method == "POST" and asked == {"delete"}:
            keys = xml.keys_in(_body(request))
            for name in keys:
                self._delete(bucket, name)
            return 200, {}, xml.deleted(keys)
        if not key or asked:
            raise Refused(501, "NotImplemented")
        if request.method in ("GET", "HEAD"):
            return self._get(request, bucket, key)
        if request.method == "PUT":
            return self._put(request, bucket, key)
        if request.method == "DELETE":
            self._delete(bucket, key)
            return 204, {}, b""
        raise Refused(501, "NotImplemented")

    def _get(self, request: Any, bucket: str, key: str) -> tuple[int, dict[str, str], bytes]:
        stored = self._stored(bucket, key)
        wanted = _header(request, "If-Match")
        if wanted and wanted.strip('"') != stored.etag.strip('"'):
            raise Refused(412, "PreconditionFailed")
        headers = {"ETag": stored.etag, "Last-Modified": xml.HTTP_DATE, "Accept-Ranges": "bytes"}
        body, asked = stored.body, _header(request, "Range")
        status = 200
        if asked:
            start, end = _range(asked, len(body))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
            body, status = body[start:end], 206
        if request.method == "GET":
            self._note("GET", bucket, key, len(body), whole=len(body) == len(stored.body))
        return status, headers, body

    def _put(self, request: Any, bucket: str, key: str) -> tuple[int, dict[str, str], bytes]:
        source = _header(request, "x-amz-copy-source")
        if source:
            here, _, name = unquote(source).removeprefix("/").partition("/")
            stored = self._stored(here, name)
            self._note("COPY", bucket, key)
            self.put(bucket, key, stored.body)
            return 200, {}, xml.copied(self.buckets[bucket][key].etag)
        body = _body(request)
        self._writes += 1
        if self._writes == self.refused_write:
            raise Refused(403, "AccessDenied")
        self._note("PUT", bucket, key, len(body))
        self.put(bucket, key, body)
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
    """Load boto3, and what it reads for a first client: neither takes of a student's time.

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
    """Return a session with credentials that are visibly made up; its models are read once."""
    from course_cloud.storage.failures import need
    from course_cloud.storage.local import ACCESS_KEY, REGION, SECRET

    return need("boto3").session.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET, region_name=REGION
    )


def _header(request: Any, name: str) -> str:
    value = request.headers.get(name, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _body(request: Any) -> bytes:
    body = request.body
    data = body.read() if hasattr(body, "read") else body or b""
    return data.encode() if isinstance(data, str) else bytes(data)


def _range(asked: str, size: int) -> tuple[int, int]:
    """Return start and end, without the end, of ``bytes=3-7``, ``bytes=3-`` or ``bytes=-7``."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    if not found or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        raise Refused(416, "InvalidRange")
    return start, end
