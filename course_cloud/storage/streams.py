"""Objects as files: one that is read from front to back, and one of which only parts are read.

Both hold on to the version that they began with: each request says ``If-Match`` with its ETag, so
that bytes of two versions are never mixed.
"""

from __future__ import annotations

import io
import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from course_cloud.storage.addresses import Address
from course_cloud.storage.failures import explained
from course_utils.errors import StorageError

TAIL = 64 * 1024  # bytes of a first look: Parquet's footer is at the end
GAP = 64 * 1024  # bytes that are fetched for nothing rather than by one more request
PART = 8 * 2**20  # bytes of one ranged request at most
PARALLEL = 8  # such requests at once
RESUMES = 3  # times in a row that a body may break off without bringing anything new
PAUSE = 0.2  # seconds before the first of them; it doubles


class Body(io.RawIOBase):
    """An object read from front to back, taken up again where the connection breaks off.

    Parameters
    ----------
    client, address
        What to read from where.
    etag
        The version that it must be; None for the one that is there.
    """

    def __init__(self, client: Any, address: Address, etag: str | None = None) -> None:
        self.client, self.address, self.etag = client, address, etag
        self.position, self.resumed = 0, 0
        with explained("read", *address, client):
            answer = client.get_object(**_where(address, etag))
        self.etag = answer["ETag"]
        _refuse_another(address, etag, self.etag)
        self.size: int = answer["ContentLength"]
        self.gzipped = answer.get("ContentEncoding") == "gzip"
        self.stream = answer["Body"]

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, `size` of them or fewer; none at the end."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        left = self.size - self.position
        wanted = left if size < 0 else min(size, left)
        data = b""
        while wanted and not data:
            with explained("read", *self.address, self.client):
                try:
                    data = self.stream.read(wanted)
                except (BotoCoreError, HTTPError):
                    if self.resumed == RESUMES:
                        raise
                if not data:
                    self._resume()
        self.resumed = 0
        self.position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into `buffer`, as many as fit; 0 at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _resume(self) -> None:
        """Ask for what is still missing, of the same version."""
        if self.resumed == RESUMES:
            raise StorageError(
                f"Could not read {self.address}: the server keeps ending it after "
                f"{self.position:,} of {self.size:,} bytes; run it again."
            )
        self.stream.close()
        time.sleep(PAUSE * 2**self.resumed)
        self.resumed += 1
        answer = self.client.get_object(
            **_where(self.address, self.etag), Range=f"bytes={self.position}-{self.size - 1}"
        )
        _refuse_another(self.address, self.etag, answer["ETag"])
        self.stream = answer["Body"]

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self.stream.close()
        super().close()


class Parts(io.RawIOBase):
    """An object of which only some parts are read, each by a ranged request.

    Opening it fetches the last 64 KB, from which the size and the version are known too.
    """

    def __init__(self, client: Any, address: Address, etag: str | None = None) -> None:
        self.client, self.address = client, address
        self.position = 0
        with explained("read", *address, client):
            answer = client.get_object(**_where(address, etag), Range=f"bytes=-{TAIL}")
            tail = answer["Body"].read()
        self.etag: str = answer["ETag"]
        _refuse_another(address, etag, self.etag)
        # "bytes 936-999/1000"; a server that ignores the range sends all, and says nothing
        whole = answer.get("ContentRange", "").rpartition("/")[2]
        self.size = int(whole) if whole.isdigit() else len(tail)
        self.starts, self.parts = [self.size - len(tail)], [tail]

    def fetch(self, ranges: list[tuple[int, int]]) -> None:
        """Fetch these ranges, ``(start, end)`` without the end, in as few requests as is sensible.

        Ranges that nearly touch are fetched as one, long ones in parts, and several at once.
        """
        have = self.starts[-1] if self.starts else self.size  # where the tail begins
        asked = [
            (first, min(first + PART, end))
            for start, end in joined([(start, min(end, have)) for start, end in ranges])
            for first in range(start, end, PART)
        ]
        with ThreadPoolExecutor(max(1, min(PARALLEL, len(asked)))) as pool:
            got = list(pool.map(lambda part: self._get(*part), asked))
        known = sorted([*zip((a for a, _ in asked), got, strict=True),
                        *zip(self.starts, self.parts, strict=True)])  # fmt: skip
        self.starts, self.parts = [start for start, _ in known], [part for _, part in known]

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` from the start, from here or from the end."""
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or to the end: a reader of Parquet takes fewer for a damaged file."""
        wanted = max(0, self.size - self.position)
        buffer = bytearray(wanted if size < 0 else min(size, wanted))
        filled = 0
        while filled < len(buffer):
            filled += self.readinto(memoryview(buffer)[filled:])
        return bytes(buffer)

    def readinto(self, buffer: Any) -> int:
        """Read from what was fetched; what was not is fetched now."""
        wanted = min(len(buffer), self.size - self.position)
        if wanted <= 0:
            return 0
        at = bisect_right(self.starts, self.position) - 1
        inside = self.position - self.starts[at] if at >= 0 else 0
        if at < 0 or inside >= len(self.parts[at]):
            self.fetch([(self.position, self.position + wanted)])
            return self.readinto(buffer)
        data = memoryview(self.parts[at])[inside : inside + wanted]
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)

    def _get(self, start: int, end: int) -> bytes:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        where = {**_where(self.address, self.etag), "Range": f"bytes={start}-{end - 1}"}
        with explained("read", *self.address, self.client):
            for attempt in range(RESUMES + 1):
                try:
                    answer = self.client.get_object(**where)
                    _refuse_another(self.address, self.etag, answer["ETag"])
                    data: bytes = answer["Body"].read()
                except (BotoCoreError, HTTPError):
                    if attempt == RESUMES:
                        raise
                    time.sleep(PAUSE * 2**attempt)
                else:
                    break
        if len(data) != end - start:
            raise StorageError(
                f"Could not read {self.address}: the server sent {len(data):,} bytes where "
                f"{end - start:,} were asked for; run it again."
            )
        return data


def joined(ranges: list[tuple[int, int]], gap: int = GAP) -> list[tuple[int, int]]:
    """Join ranges that overlap or lie at most `gap` bytes apart; empty ones are left out.

    >>> joined([(900, 950), (0, 10), (12, 20)], gap=5)
    [(0, 20), (900, 950)]
    """
    together: list[tuple[int, int]] = []
    for start, end in sorted(span for span in ranges if span[0] < span[1]):
        if together and start - together[-1][1] <= gap:
            together[-1] = (together[-1][0], max(end, together[-1][1]))
        else:
            together.append((start, end))
    return together


def _where(address: Address, etag: str | None) -> dict[str, str]:
    where = {"Bucket": address.bucket, "Key": address.key}
    return where if etag is None else {**where, "IfMatch": etag}


def _refuse_another(address: Address, wanted: str | None, etag: str) -> None:
    """Check what If-Match should have: not every server looks at it."""
    if wanted is not None and wanted.strip('"') != etag.strip('"'):
        raise StorageError(
            f"Could not read {address}: the object changed while it was being read; run it again."
        )
