"""A Parquet table of which only the columns asked for are fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from course_cloud.storage.addresses import Address
from course_cloud.storage.streams import Parts
from course_utils.errors import DataError

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData


def read_parquet(
    client: Any, address: Address, columns: list[str] | None, etag: str | None
) -> pd.DataFrame:
    """Read a Parquet object; see `read_table`.

    The footer says where each column of each group of rows lies, so one request for the footer and
    one for each run of neighboring columns are enough.
    """
    import pyarrow as pa
    from pyarrow import parquet

    source = Parts(client, address, etag)
    if source.size < 12 or source.parts[-1][-4:] != b"PAR1":
        raise DataError(f"{address} is not a Parquet file; write it again.")
    length = int.from_bytes(source.parts[-1][-8:-4], "little") + 8
    source.fetch([(max(source.size - length, 0), source.size)])  # a footer of more than 64 KB
    try:
        # The reader's own prefetch would take what lies between the columns along.
        with parquet.ParquetFile(source, pre_buffer=False, buffer_size=0) as file:
            names = file.schema_arrow.names
            if columns is not None:
                need_columns(columns, names, str(address))
            source.fetch(_ranges(file.metadata, columns))
            table = file.read(columns=columns)
        if columns is not None:
            table = table.select(columns)
        frame: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, OSError) as error:
        if not isinstance(error, pa.ArrowException) and type(error) is not OSError:
            raise  # ours, about S3
        said = str(error).splitlines()[0][:120].rstrip(".")
        raise DataError(f"{address} is a damaged Parquet file ({said}); write it again.") from None
    return frame


def need_columns(columns: list[str], names: list[str], label: str) -> None:
    """Raise a `DataError` that lists the columns there are, unless all of `columns` are."""
    absent = [column for column in columns if column not in names]
    if absent:
        shown = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        raise DataError(
            f"{label} has no column {', '.join(map(repr, absent))}; its columns are {shown}."
        )
    if len(set(columns)) < len(columns):
        raise DataError(f"{label}: a column is asked for twice in {columns}; name each once.")
    if not columns:
        raise DataError(f"{label}: columns is empty; name at least one, or leave it out for all.")


def _ranges(metadata: FileMetaData, columns: list[str] | None) -> list[tuple[int, int]]:
    """Return where the chunks of `columns` lie: from the first page to the last byte of each."""
    ranges = []
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            # a column of lists or records is several chunks, "tags.list.element"
            if columns is not None and not any(
                chunk.path_in_schema == name or chunk.path_in_schema.startswith(f"{name}.")
                for name in columns
            ):
                continue
            start = chunk.data_page_offset
            if chunk.dictionary_page_offset is not None:
                start = min(start, chunk.dictionary_page_offset)
            ranges.append((start, start + chunk.total_compressed_size))
    return ranges
