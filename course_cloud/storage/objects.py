"""Single objects: read into memory, read as a seekable file, and shared by a presigned link.

All requests for one object name the version that the first answer reported (``If-Match`` with its
ETag), so that bytes of two versions are never mixed.
"""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from course_cloud.storage.addresses import Address, parse_address
from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_utils.errors import StorageError

BLOCK = 2**20  # bytes read from the connection at a time
TAIL = 64 * 1024  # bytes of the first request of an `ObjectFile`; a Parquet footer is at the end
PART = 8 * 2**20  # bytes of one ranged request
PARALLEL = 8  # ranged requests in parallel
RETRIES = 4  # of a body that breaks off; botocore retries requests, but not the reading of a body
PAUSE = 0.2  # seconds before the first retry, doubled for each further one


def fetch(
    client: Any, place: Address, etag: str | None = None, span: str = "", *, doing: str = "read"
) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of an object, and the first answer of the server without its body.

    `etag` selects the version, None for the current one; `span` is an HTTP range such as
    ``"bytes=0-99"``, or ``"bytes=-100"`` for the last 100 bytes; `doing` is the verb of the error
    message. When the connection breaks off, the missing bytes of the same version are requested,
    until `RETRIES` in a row bring nothing new.
    """
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    first: dict[str, Any] = {}
    blocks: list[bytes] = []
    start = end = fruitless = 0
    with explained(doing, *place, client):
        while True:
            asked = {"Range": span} if span else {}
            if etag is not None:
                asked["IfMatch"] = f'"{etag}"'
            answer = client.get_object(Bucket=place.bucket, Key=place.key, **asked)
            version = answer["ETag"].strip('"')
            etag = etag or version
            if etag != version:  # some servers ignore If-Match
                raise StorageError(
                    f"Could not {doing} {place}: the object changed while it was being read; run "
                    "it again."
                )
            if not first:
                first = answer
                start, end = _span_of(answer)
            had = len(blocks)
            try:
                blocks.extend(answer["Body"].iter_chunks(BLOCK))
                break
            except (BotoCoreError, HTTPError):
                answer["Body"].close()
                fruitless = fruitless + 1 if len(blocks) == had else 1
                if fruitless > RETRIES:
                    raise
            time.sleep(PAUSE * 2 ** (fruitless - 1))
            span = f"bytes={start + sum(map(len, blocks))}-{end - 1}"
    data = b"".join(blocks)
    if len(data) != end - start:
        raise StorageError(
            f"Could not {doing} {place}: the server sent {len(data):,} bytes where "
            f"{end - start:,} were asked for; run it again."
        )
    return data, first


def _span_of(answer: dict[str, Any]) -> tuple[int, int]:
    """Return the first byte that an answer holds, and the one after its last."""
    said = answer.get("ContentRange", "")  # "bytes 936-999/1000"
    start = int(said.removeprefix("bytes ").partition("-")[0]) if said else 0
    return start, start + answer["ContentLength"]


class ObjectFile(io.RawIOBase):
    """A binary file of which only what is read is fetched, by ranged requests.

    Opening it fetches the last 64 KiB (`tail`), and with them the size and version of the object.
    """

    def __init__(self, client: Any, place: Address, etag: str | None = None) -> None:
        self.client, self.place, self.position = client, place, 0
        self.tail, answer = fetch(client, place, etag, f"bytes=-{TAIL}")
        self.etag = answer["ETag"].strip('"')
        _, self.size = _span_of(answer)

    def readable(self) -> bool:
        """Return True; Arrow asks."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` from the start, the current position or the end."""
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all up to the end; fewer only at the end."""
        start = min(self.position, self.size)
        end = self.size if size < 0 else min(start + size, self.size)
        self.position = max(self.position, end)
        known = self.size - len(self.tail)
        if start >= known:
            return self.tail[start - known : end - known]
        cuts = [(cut, min(cut + PART, end, known)) for cut in range(start, min(end, known), PART)]
        with ThreadPoolExecutor(min(PARALLEL, len(cuts) or 1)) as pool:
            parts = list(pool.map(self._part, cuts))
        return b"".join([*parts, self.tail[: max(0, end - known)]])

    def _part(self, cut: tuple[int, int]) -> bytes:
        start, end = cut
        data, answer = fetch(self.client, self.place, self.etag, f"bytes={start}-{end - 1}")
        # without ContentRange the server ignored the range and sent the whole object
        return data if answer.get("ContentRange") else data[start:end]


def presign(address: str, expires: int = 3600, *, client: Any = None) -> str:
    """Return a link that lets anyone who has it read one object, without credentials.

    Parameters
    ----------
    address, client
        As in `write_table`.
    expires
        Seconds for which the link works, 1 to 604,800 (a week). It ends earlier when the
        credentials that signed it do: those of SSO and of roles live for hours.

    Returns
    -------
    str
        The link. It holds no secret key, but whoever sees it can use it: never print one into a
        notebook that you pass on. No request is made; the object need not exist.

    Raises
    ------
    StorageError
        For a time out of bounds, a key with ``..`` between slashes, and without credentials.
    """
    place = parse_address(address)
    if isinstance(expires, bool) or not isinstance(expires, int) or not 1 <= expires <= 604_800:
        raise StorageError(f"A link can work for 1 to 604,800 seconds, not {expires!r}.")
    if {".", ".."} & {*place.key.split("/")}:
        raise StorageError(
            f"{place} cannot be linked to: browsers take '..' and '.' in an address for folders; "
            "copy the object to a key without them."
        )
    client = usable(client)
    with explained("make a link to", *place, client):
        link: str = client.generate_presigned_url(
            "get_object", Params={"Bucket": place.bucket, "Key": place.key}, ExpiresIn=expires
        )
    return link
