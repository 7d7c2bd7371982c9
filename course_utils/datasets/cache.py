"""A parsed release kept as Parquet beside its archive, so that a second load takes no parsing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

FORMAT = 1  # raise it when the tables change, and old caches are no longer found


def cache_folder(place: Path, name: str, sha256: str) -> Path:
    """Return where the tables of the archive with this checksum are kept under `place`."""
    return place / ".parsed" / f"{name}-{sha256[:16]}-v{FORMAT}"


def read_cache(folder: Path, names: Iterable[str]) -> dict[str, pd.DataFrame] | None:
    """Return the tables called `names` from `folder`, or None unless all of them can be read."""
    try:
        return {name: _read_table(folder / f"{name}.parquet") for name in names}
    except Exception:  # missing or damaged, and a damaged file makes Arrow raise nearly anything
        return None  # nothing is lost: the archive holds it all


def _read_table(path: Path) -> pd.DataFrame:
    from pyarrow.parquet import ParquetFile

    # not `read_table`, to which a folder in the file's place is an empty table
    with ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
        table: pd.DataFrame = file.read().to_pandas()
    return table


def write_cache(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Keep `tables` in `folder`, which appears whole or not at all.

    Nothing is said where the place cannot be written to: the cache only saves time.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
    except OSError:
        return
    try:
        for name, table in tables.items():
            # lz4 and no dictionary: half the reading time of the defaults, on the ratings
            table.to_parquet(
                temporary / f"{name}.parquet",
                compression="lz4",
                use_dictionary=False,
                index=False,
                write_page_checksum=True,
            )
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.rename(temporary, folder)
    except OSError:
        pass  # a full disk, or another process was first
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
