"""Tables straight from S3 into pandas, and back, by the suffix of the key.

| suffix | read | written | a column subset moves |
| --- | --- | --- | --- |
| `.csv` `.tsv` | yes | yes | the whole object |
| `.csv.gz` `.tsv.gz` | yes | yes | the whole object |
| `.dat` (MovieLens' ``::``), `.dat.gz` | yes | no | the whole object |
| `.parquet` | yes | yes | the footer and those columns |

Limits: a table must fit in memory. An object has at most 5 TB, by S3's rules. Objects that were
encrypted with a key of your own (SSE-C) are not read; those that the server encrypts for you
(SSE-S3, SSE-KMS) are, as the server decrypts them. A folder of Parquet files is not one table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Any

import pandas as pd

from course_cloud.storage.addresses import Address, parse_address
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained
from course_cloud.storage.listing import S3Object
from course_cloud.storage.parquet import read_parquet
from course_cloud.storage.text_tables import read_delimited
from course_utils.errors import DataError, StorageError

READABLE = (".csv", ".tsv", ".dat", ".csv.gz", ".tsv.gz", ".dat.gz", ".parquet")
WRITABLE = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
IN_MEMORY = 64 * 2**20  # bytes of a table about to be written, before it goes to a file
MULTIPART = 16 * 2**20  # bytes above which an upload goes in parts


def read_table(
    address: str | S3Object,
    columns: Sequence[str] | str | None = None,
    *,
    dtype: Mapping[str, str] | None = None,
    encoding: str | None = None,
    client: Any = None,
) -> pd.DataFrame:
    """Read a table from S3 into pandas.

    Text is parsed by Arrow while it arrives, and a body that breaks off is taken up where it broke.
    Of Parquet only the needed bytes are fetched, by ranged requests, several at once. Every request
    after the first insists on the version that the first one saw.

    Parameters
    ----------
    address
        ``"s3://bucket/key"``, or a bare key when ``COURSE_BUCKET`` is set. An object from
        `list_keys` is read only if it is still the one that was listed.
    columns
        The columns to return, in this order; None for all.
    dtype
        Types of single columns of text, as NumPy names them (``{"imdbId": "str"}``). Others are
        inferred: integers, floats, booleans, ISO dates, text.
    encoding
        Of text: UTF-8 when left out. A ``.dat`` is then UTF-8 if it can be, and otherwise latin-1.
    client
        A boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    pandas.DataFrame
        Columns as the file calls them. A MovieLens ``.dat`` has no header: ratings, movies, users
        and tags are known by the key's last part, and their columns are those of the course.
        In CSV a field is missing when it is empty, and only then: "NA" is a text.

    Raises
    ------
    StorageError
        When the object cannot be read, or changed meanwhile.
    DataError
        For an unknown suffix, a column that is not there (the message lists those that are), and
        content that cannot be right.

    Examples
    --------
    >>> read_table("s3://movielens-class/ml-1m/ratings.parquet", ["rating"])  # doctest: +SKIP
    """
    etag = address.etag if isinstance(address, S3Object) else None
    place = parse_address(address.address if isinstance(address, S3Object) else address)
    suffix = _suffix(place, READABLE, "read")
    wanted = [columns] if isinstance(columns, str) else None if columns is None else [*columns]
    client = client if client is not None else default_client()
    if suffix == ".parquet":
        if dtype or encoding:
            raise DataError(f"{place}: Parquet knows its types; leave out dtype and encoding.")
        return read_parquet(client, place, wanted, etag)
    return read_delimited(client, place, suffix, wanted, etag, dtype=dtype, encoding=encoding)


def write_table(table: pd.DataFrame, address: str, *, client: Any = None) -> str:
    """Write a table to S3, in the format that the key's suffix names.

    The object appears whole or not at all, and replaces one that was there: that is how S3 works.
    Above 16 MB it is sent in parts; when one fails for good, the parts are taken back.

    Parameters
    ----------
    table
        Its index is not written; a named one is refused rather than lost.
    address
        ``"s3://bucket/key"``, or a bare key when ``COURSE_BUCKET`` is set. Ends with ``.csv``,
        ``.tsv``, one of them with ``.gz``, or ``.parquet``.
    client
        A boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    str
        The address, as ``s3://bucket/key``.

    Raises
    ------
    DataError
        For an unknown suffix, an index with a name and a table that the format cannot hold.
    StorageError
        When the object cannot be written.

    Notes
    -----
    If the connection is lost for good in the middle, nobody can take back the parts that arrived:
    the object does not appear, but they are paid for until a lifecycle rule aborts the upload.
    """
    place = parse_address(address)
    suffix = _suffix(place, WRITABLE, "written")
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write_to_file(table, file, suffix, str(place))
        file.seek(0)
        upload(client if client is not None else default_client(), file, place)
    return str(place)


def write_to_file(table: pd.DataFrame, file: IO[bytes], suffix: str, label: str) -> None:
    """Write `table` into an open file, in the format of `suffix`."""
    names = [name for name in table.index.names if name is not None]
    if names:
        raise DataError(
            f"{label}: the index {', '.join(map(repr, names))} would be lost; call reset_index()."
        )
    if suffix == ".parquet":
        import pyarrow as pa

        try:
            # not to an open file of pandas', which would have to be a path for some of its engines
            table.to_parquet(file, index=False, compression="zstd", engine="pyarrow")
        except (pa.ArrowException, ValueError) as error:
            said = str(error).splitlines()[0][:120].rstrip(".")
            raise DataError(f"{label} cannot be written as Parquet: {said}.") from None
        return
    table.to_csv(
        file,
        index=False,
        sep="\t" if ".tsv" in suffix else ",",
        lineterminator="\n",
        # no time of writing in the gzip header: the same table gives the same bytes
        compression={"method": "gzip", "mtime": 0} if suffix.endswith(".gz") else None,
    )


def upload(client: Any, file: IO[bytes], place: Address) -> None:
    """Send an open file to `place`, in parts where it is big; nothing unfinished stays behind."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_threshold=MULTIPART, multipart_chunksize=MULTIPART)
    with explained("write", *place, client):
        client.upload_fileobj(file, place.bucket, place.key, Config=config)


def presign(address: str, expires: int = 3600, *, client: Any = None) -> str:
    """Return a link that lets anyone who has it read one object, without credentials.

    Parameters
    ----------
    address
        ``"s3://bucket/key"``, or a bare key when ``COURSE_BUCKET`` is set.
    expires
        Seconds for which the link works, 1 to 604,800 (a week). It ends earlier when the
        credentials that signed it do: those of SSO and of roles live for hours.
    client
        A boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    str
        The link. It holds no secret key, but whoever sees it can use it: never print one into a
        notebook that you pass on.

    Raises
    ------
    StorageError
        For a time out of bounds, for a key with ``..`` between slashes, and when there are no
        credentials to sign with.

    Notes
    -----
    Nothing is asked of the server, so a link to an object that is not there is made all the same.
    """
    place = parse_address(address)
    if isinstance(expires, bool) or not isinstance(expires, int) or not 1 <= expires <= 604_800:
        raise StorageError(f"A link can work for 1 to 604,800 seconds, not {expires!r}.")
    if {".", ".."} & {*place.key.split("/")}:
        raise StorageError(
            f"{place} cannot be linked to: browsers take '..' and '.' in an address for folders; "
            "copy the object to a key without them."
        )
    client = client if client is not None else default_client()
    with explained("make a link to", *place, client):
        link: str = client.generate_presigned_url(
            "get_object", Params={"Bucket": place.bucket, "Key": place.key}, ExpiresIn=expires
        )
    return link


def _suffix(place: Address, known: tuple[str, ...], done: str) -> str:
    key = place.key.lower()
    found = [suffix for suffix in known if key.endswith(suffix)]
    if not found:
        raise DataError(f"{place} cannot be {done}: its key must end with {', '.join(known)}.")
    return max(found, key=len)
