"""Vectors kept on disk, so that one encoder never reads the same text twice."""

from __future__ import annotations

import hashlib
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from course_utils.errors import CourseWarning

Vectors = npt.NDArray[np.float32]

FORMAT = 1  # raise it when a text gets another vector, and old caches are no longer found
PATIENCE = 5.0  # seconds to wait for another process that is writing
_AT_ONCE = 500  # texts asked for in one query
_TABLE = """
    CREATE TABLE IF NOT EXISTS vectors
    (text BLOB PRIMARY KEY, vector BLOB NOT NULL, checksum INTEGER NOT NULL)
"""


class VectorCache:
    """The vectors of one encoder by the SHA-256 of the text, in a SQLite file of its own.

    What is written appears whole or not at all: SQLite undoes what a process that died left half
    done. A damaged file or vector is noticed, told of in a CourseWarning, and taken as missing.
    Where the folder cannot be written to, nothing is kept and nothing said: it only saves time.

    Parameters
    ----------
    folder
        Where to keep the file. Made when missing.
    *identity
        Everything that makes a difference to a vector: the edition of the model, its pooling.
    """

    def __init__(self, folder: Path, *identity: str) -> None:
        checksum = hashlib.sha256("\0".join(identity).encode()).hexdigest()
        self.path = folder / f"{checksum[:32]}-v{FORMAT}.sqlite"

    def read(self, texts: list[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that are known, float32 of shape (d,) each."""
        by_key = {_key(text): text for text in texts}
        known: dict[str, Vectors] = {}
        if self.path.is_file():
            self._use(lambda database: self._look_up(database, by_key, known))
        return known

    def write(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep the vectors of some texts, all of them or, when that fails, none."""
        contents = [(_key(text), v.astype("<f4").tobytes()) for text, v in vectors.items()]
        rows = [(key, vector, zlib.crc32(vector)) for key, vector in contents]

        def insert(database: sqlite3.Connection) -> None:
            database.execute(_TABLE)
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        self._use(insert)

    def _look_up(
        self, database: sqlite3.Connection, texts: Mapping[bytes, str], known: dict[str, Vectors]
    ) -> None:
        """Write into `known` what the database holds of `texts`."""
        keys, damaged = list(texts), 0
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = database.execute(
                f"SELECT text, vector, checksum FROM vectors WHERE text IN ({marks})", some
            )
            for key, vector, checksum in rows:
                if zlib.crc32(vector) == checksum:
                    known[texts[key]] = np.frombuffer(vector, dtype="<f4")
                else:
                    damaged += 1
        if damaged:
            self._warn(f"{damaged:,} of its vectors cannot be read")

    def _use(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do something with the database in one transaction, unless it cannot be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as database, database:
                work(database)
        except (OSError, sqlite3.OperationalError):
            pass  # read-only, full, or taken for long by another process
        except sqlite3.DatabaseError:
            self._warn("it cannot be read")
            self.path.unlink(missing_ok=True)

    def _warn(self, what: str) -> None:
        warnings.warn(
            f"The cache of embeddings {self.path} is damaged: {what}; what is missing is "
            "encoded again.",
            CourseWarning,
            stacklevel=6,
        )


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
