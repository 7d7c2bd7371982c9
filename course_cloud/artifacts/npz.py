"""Arrays of numbers in a ``.npz``, read without ever running or unpacking anything."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from course_utils.errors import ArtifactError

Arrays = dict[str, npt.NDArray[Any]]
PICKLES = (b"\x80", b"(", b"c", b"]", b"}")  # how one may begin; an archive begins with PK


def write_npz(file: IO[bytes], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays into an open file, uncompressed."""
    np.savez(file, allow_pickle=False, **arrays)


def read_npz(file: IO[bytes], place: object, texts: bool = False) -> Arrays:
    """Read arrays of numbers from an open file.

    Parameters
    ----------
    file
        At its beginning.
    place
        How the message names it.
    texts
        Whether arrays of text are numbers enough.

    Raises
    ------
    ArtifactError
        When it is a pickle, holds one, is compressed, or damaged.

    Notes
    -----
    A compressed archive may unpack to a thousand times its size. What is written here is not
    compressed, so the size of the file, which is checked before, is that of its arrays.
    """
    begins = file.read(2)
    file.seek(0)
    if begins != b"PK":
        pickle = begins.startswith(PICKLES) and "is a pickle, which may run code when it is loaded"
        raise ArtifactError(f"{place} {pickle or 'is no archive of arrays'}; it was not opened.")
    kinds = "biufU" if texts else "biuf"
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
        names = {member.filename for member in members}
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or len(names) != len(members):
            raise ValueError
        file.seek(0)
        with np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        if not all(isinstance(a, np.ndarray) and a.dtype.kind in kinds for a in arrays.values()):
            raise ValueError
    except Exception:  # whatever a damaged archive makes zipfile and NumPy say
        raise ArtifactError(
            f"{place} holds something else than plain arrays of numbers, or is damaged; none of it "
            "was used."
        ) from None
    return arrays
