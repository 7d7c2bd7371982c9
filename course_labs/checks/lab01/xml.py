"""S3's answers in XML, as far as the lab's server gives them; the API reference has their form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from urllib.parse import quote
from xml.sax.saxutils import escape

HTTP_DATE, DATE = "Tue, 01 Sep 2026 08:00:00 GMT", "2026-09-01T08:00:00.000Z"
LISTING = {"prefix", "delimiter", "max-keys", "continuation-token", "start-after", "marker",
           "encoding-type", "fetch-owner"}  # fmt: skip
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def listing(
    bucket: str, found: Mapping[str, tuple[int, str]], query: Mapping[str, str], page: int
) -> bytes:
    """Return one page of a listing, of version 2 or of version 1.

    Parameters
    ----------
    bucket
        The bucket's name.
    found
        Size in bytes and ETag of each key.
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
    for key in sorted(found, key=str.encode):
        name, is_folder = _entry(key, prefix, delimiter)
        if not key.startswith(prefix) or name in entries:
            continue
        if key.encode() <= after.encode() or (is_folder and name.encode() <= after.encode()):
            continue
        if len(entries) == most:
            break
        last = name
        entries[name] = (
            f"<CommonPrefixes><Prefix>{shown(name)}</Prefix></CommonPrefixes>"
            if is_folder
            else f"<Contents><Key>{shown(key)}</Key><LastModified>{DATE}</LastModified>"
            f"<ETag>{escape(found[key][1])}</ETag><Size>{found[key][0]}</Size>"
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


def error(code: str, resource: str) -> bytes:
    """Return the body of an answer that says no."""
    meant = re.sub("(?<=[a-z])(?=[A-Z])", " ", code)
    inside = f"<Code>{code}</Code><Message>{meant}</Message><Resource>{escape(resource)}</Resource>"
    return f"<Error>{inside}</Error>".encode()


def copied(etag: str) -> bytes:
    """Return the answer to a copy."""
    inside = f"<LastModified>{DATE}</LastModified><ETag>{escape(etag)}</ETag>"
    return _document("CopyObjectResult", inside)


def deleted(keys: Sequence[str]) -> bytes:
    """Return the answer to the deletion of many objects."""
    inside = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
    return _document("DeleteResult", inside)


def keys_in(body: bytes) -> list[str]:
    """Return the keys that a request to delete many objects names."""
    return [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", body.decode(), re.DOTALL)]


def _entry(key: str, prefix: str, delimiter: str) -> tuple[str, bool]:
    """Return how a key is listed, and whether as the beginning that it shares with others."""
    rest = key[len(prefix) :]
    if delimiter and delimiter in rest:
        return prefix + rest.partition(delimiter)[0] + delimiter, True
    return key, False


def _document(name: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name} {NAMESPACE}>{inside}</{name}>'.encode()
