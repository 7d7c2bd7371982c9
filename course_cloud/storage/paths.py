"""Which keys can become files of a folder: never a path that leads out of it."""

from __future__ import annotations

import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path

from course_utils.errors import StorageError

# What Windows keeps for itself; other systems take these names.
_WINDOWS_SIGNS = re.compile(r'[<>:"|?*]|[. ]$')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
NAME_BYTES, PATH_BYTES, KEY_BYTES = 255, 4096, 1024
ROOM = 64  # bytes of a path that stay free for the name of a temporary file


def why_no_file(name: str) -> str | None:
    """Say why `name`, a key without its prefix, is no path below a folder; None when it is one.

    Spaces and non-ASCII letters are fine. Refused are names with an empty part (a leading,
    trailing or doubled slash), the parts ``.`` and ``..``, a drive letter in front, backslashes,
    control characters, a part longer than 255 bytes in UTF-8, and what Windows reserves, there.
    """
    parts = name.split("/")
    if name.startswith("/"):
        return "begins with a slash"
    if "" in parts:
        return "has an empty folder or file name between its slashes"
    if ".." in parts:
        return "leads out of the folder"
    if "." in parts:
        return "has the part '.'"
    if "\\" in name:
        return "has a backslash, a slash to Windows"
    if _DRIVE.match(name):
        return "begins with a drive letter"
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        return "has a control character"
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if longest > NAME_BYTES:
        return f"has a name longer than {NAME_BYTES} bytes"
    if os.name == "nt" and any(
        _WINDOWS_SIGNS.search(p) or _WINDOWS_DEVICES.match(p) for p in parts
    ):
        return "has a name that Windows does not allow"
    return None


def places(names: Collection[str], folder: Path, source: str) -> dict[str, Path]:
    """Return the path in `folder` for each name, or refuse them all when one cannot be a file.

    Parameters
    ----------
    names
        Keys without their prefix.
    folder
        Where the files are to go. It may be a link itself; nothing below it may.
    source
        What the message calls the keys' place.

    Raises
    ------
    StorageError
        For names that :func:`why_no_file` refuses, two names for one file (also "A" and "a",
        where the file system takes them for one), a name that is both file and folder, paths too
        long, and when a link, a folder or a device stands where a file or folder should go.

    Notes
    -----
    Links are looked for now. A program that puts one into the folder afterwards, while the
    download runs, is not defended against.
    """
    top = folder.resolve()
    bad = [(name, why) for name in names if (why := why_no_file(name))]
    if not bad:
        bad = [*_clashes(names, ignores_case(top)), *_in_the_way(names, top)]
    if bad:
        told = "; ".join(f"{shown(name)} {why}" for name, why in bad[:3])
        more = f"; and {len(bad) - 3:,} more" if len(bad) > 3 else ""
        raise StorageError(
            f"{source} holds {_count(len(bad), 'key')} that cannot become a file in {folder}: "
            f"{told}{more}. Nothing was downloaded; copy such objects to other keys first, or "
            "choose another folder."
        )
    return {name: top / name for name in names}


def shown(name: str) -> str:
    """Return `name` quoted, shortened and safe to print."""
    return ascii(name[:60] + "…") if len(name) > 61 else repr(name)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _clashes(names: Collection[str], fold: bool) -> Iterator[tuple[str, str]]:
    """Yield the names that would end at the same path as another, or below a file."""

    def identity(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold() if fold else name

    files: dict[str, str] = {}
    for name in names:
        other = files.setdefault(identity(name), name)
        if other != name:
            yield name, f"and {shown(other)} are one file to this file system"
    for name in names:
        parts = identity(name).split("/")
        for n in range(1, len(parts)):
            file = files.get("/".join(parts[:n]))
            if file is not None:
                yield name, f"needs a folder where {shown(file)} is a file"
                break


def _in_the_way(names: Collection[str], top: Path) -> Iterator[tuple[str, str]]:
    """Yield the names whose way is blocked by what the folder holds already."""
    known: dict[Path, str | None] = {top: None}

    def blocked(folder: Path) -> str | None:
        if folder not in known:
            known[folder] = blocked(folder.parent) or _obstacle(folder, folders=True)
        return known[folder]

    for name in names:
        path = top / name
        if len(os.fsencode(path)) > PATH_BYTES - ROOM:
            yield name, f"would have a path longer than {PATH_BYTES - ROOM:,} bytes"
        else:
            why = blocked(path.parent) or _obstacle(path, folders=False)
            if why:
                yield name, why


def _obstacle(path: Path, folders: bool) -> str | None:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(mode) or getattr(os.path, "isjunction", lambda _: False)(path):
        return f"would go through the link {path}"
    if folders and not stat.S_ISDIR(mode):
        return f"needs a folder where {path} is a file"
    if not folders and not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        return f"would replace {path}, which is {what}"
    return None


def ignores_case(folder: Path) -> bool:
    """Say whether "A" and "a" are one file here: asked of the nearest folder that exists."""
    while not folder.is_dir():
        if folder == folder.parent:
            return False
        folder = folder.parent
    probe = folder / f".course-case-{secrets.token_hex(4)}"
    try:
        probe.touch(exist_ok=False)
    except OSError:
        return False  # cannot be written to; the download will say so
    try:
        return (folder / probe.name.upper()).exists()
    finally:
        probe.unlink()
