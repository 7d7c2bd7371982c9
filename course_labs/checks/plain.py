"""Plain arrays to a file and back, never objects: how a judged process speaks to its judge."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from course_labs.checks.question import Plain
from course_utils.errors import DataError

MOST_BYTES = 50_000_000  # unpacked; what a question asks for is a few kilobytes


def write_plain(path: Path, arrays: Plain) -> None:
    """Write arrays as a compressed ``.npz``."""
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_plain(path: Path, most: int = MOST_BYTES) -> Plain:
    """Read arrays that somebody else wrote, who may be no friend.

    Parameters
    ----------
    path
        An ``.npz`` file.
    most
        How many bytes the arrays may take unpacked.

    Raises
    ------
    DataError
        When it is no such file, holds pickled objects, is larger than that, or an array is not
        as large as its header says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > most:
                raise DataError(f"The outputs take {size / 1e6:.0f} MB unpacked; that is too much.")
            for member in archive.infolist():
                with archive.open(member) as file:
                    _need_honest_header(file, member.file_size)
        with np.load(path, allow_pickle=False) as arrays:
            return {str(name): arrays[name] for name in arrays.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise a dozen kinds on a damaged file
        raise DataError(f"The outputs cannot be read ({type(error).__name__}).") from None


def _need_honest_header(file: Any, size: int) -> None:
    """Refuse an array whose header promises other than what follows, before memory is taken."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read[version](file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != size - file.tell():
        raise DataError("The outputs hold objects, or less than they promise.")
