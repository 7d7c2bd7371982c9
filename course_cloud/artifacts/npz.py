"""Arrays in a ``.npz`` archive, written and read without pickles."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from course_utils.errors import DataError

MOST_ARRAYS = 1000
Arrays = dict[str, npt.NDArray[Any]]


def write_npz(
    file: Path | IO[bytes], arrays: Mapping[str, npt.NDArray[Any]], compressed: bool = False
) -> None:
    """Write arrays without objects to a file, which is a path or open for writing."""
    if any(np.asarray(array).dtype.hasobject for array in arrays.values()):
        raise ValueError("An array of objects would be pickled.")
    save = np.savez_compressed if compressed else np.savez
    save(file, **arrays)  # type: ignore[arg-type]  # NumPy 2.1 would save allow_pickle, too


def read_npz(file: Path | IO[bytes], most: int | None = None, what: str = "The arrays") -> Arrays:
    """Read arrays from a file that may be damaged or hostile; nothing in it is run.

    Parameters
    ----------
    file, what
        A path, or a file that is open for reading; and a plural that names its arrays in errors.
    most
        How many bytes the arrays may take unpacked. None accepts uncompressed archives only:
        their arrays take as many bytes as the file.

    Raises
    ------
    DataError
        When it is no such archive, holds pickled objects, takes more than `most` bytes, or an
        array has another size than its header says. No array has been allocated then.
    """
    headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if not len(names) == len(members) <= MOST_ARRAYS:
                raise DataError(f"{what} are more than {MOST_ARRAYS}, or two have one name.")
            if most is None and any(m.compress_type != zipfile.ZIP_STORED for m in members):
                raise DataError(f"{what} are compressed.")
            size = sum(member.file_size for member in members)
            if size > (archive.start_dir if most is None else most):
                raise DataError(f"{what} take {size / 1e6:.0f} MB unpacked; that is too much.")
            for member in members:
                with archive.open(member) as array:
                    shape, _, dtype = headers[npy.read_magic(array)](array)
                    rest = member.file_size - array.tell()
                if dtype.hasobject or math.prod(shape) * dtype.itemsize != rest:
                    raise DataError(f"{what} hold objects, or less than they promise.")
        if not isinstance(file, Path):
            file.seek(0)
        with np.load(file, allow_pickle=False) as found:
            return {str(name): found[name] for name in found.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise a dozen kinds on a damaged file
        raise DataError(f"{what} cannot be read ({type(error).__name__}).") from None
