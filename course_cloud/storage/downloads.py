"""Downloading a prefix to a folder: in parallel, and each file verified before it appears.

No key becomes a file outside the folder: `places` refuses such keys before anything is downloaded.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from course_cloud.storage import addresses, transfers
from course_cloud.storage.addresses import Address, S3Object
from course_cloud.storage.client import usable
from course_cloud.storage.failures import disk, explained
from course_cloud.storage.objects import fetch
from course_cloud.storage.transfers import PART, Crew, Job, Transferred
from course_utils.errors import StorageError

PATH_BYTES = 4096 - 64  # the rest stays free for the name of a temporary file


def download_dir(
    address: str,
    folder: str | Path,
    *,
    client: Any = None,
    workers: int | None = None,
    progress: bool = True,
) -> Transferred:
    """Download every object below an address to a folder, under its key without the address.

    Files that the folder holds already, with the same size and content, are skipped; other files of
    the same name are replaced. Each file appears complete and verified or not at all, so a second
    call continues an interrupted one, file by file. Empty objects whose key ends with a slash, the
    folders of the S3 console, are ignored. Files that are not in the bucket stay in the folder.
    Memory: up to 16 MiB for each worker.

    Parameters
    ----------
    folder
        The target. Made when missing.
    address, client, workers, progress
        As in :func:`upload_dir`.

    Raises
    ------
    StorageError
        Before anything is downloaded: when there is nothing below the address, the disk has too
        little room, or one of the keys cannot become a file in the folder. Afterwards, once: when
        objects failed, as in `upload_dir`.

    Warns
    -----
    CourseWarning
        When only the size of an object could be compared: one without the SHA-256 of `upload_dir`
        that is encrypted with KMS, or was uploaded in parts whose sizes the server does not report.
    """
    top = Path(folder)
    client = usable(client)
    source = addresses.as_folder(address)
    workers = transfers.n_workers(client, workers)
    items = {
        item.key.removeprefix(source.key): item
        for item in addresses.list_keys(str(source), client=client)
        if item.size or not item.key.endswith("/")
    }
    if not items:
        raise StorageError(f"There is nothing to download below {source}; check the address.")
    with disk("use", top):
        paths = places(items, top, str(source))
        _need_room({path: items[name].size for name, path in paths.items()}, top)
        top.mkdir(parents=True, exist_ok=True)
    total = sum(item.size for item in items.values())
    with Crew("download", workers, total, progress) as crew:
        jobs = []
        for name, item in items.items():
            bring = partial(_download, client, item, paths[name], crew)
            jobs.append(Job(item.key, item.size, bring, big=item.size > PART))
        crew.run(jobs)
    return crew.summary("downloaded", f"from {source}", len(jobs), "download_dir")


def _download(client: Any, item: S3Object, path: Path, crew: Crew) -> bool:
    """Download one object; return False when the file has the same content already."""
    if path.is_file() and transfers.same_bytes(client, item, path):
        return False
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(secrets.token_hex(8).join(addresses.TEMPORARY))
    try:
        content: bytes | Path = temporary
        if item.size > PART:
            _download_parts(client, item, temporary, crew)
        else:
            place = Address(item.bucket, item.key)
            content, _ = fetch(client, place, item.etag, doing="download")
        verified = transfers.same_bytes(client, item, content)
        if verified is False:
            raise StorageError(
                f"Could not download {item.address}: what arrives does not match the object's "
                "checksum; run it again, and ask who owns the bucket when it stays so."
            )
        if verified is None:
            crew.unverified.append(item.key)
        crew.need_wanted()
        with disk("write", path):
            if isinstance(content, bytes):
                temporary.write_bytes(content)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _download_parts(client: Any, item: S3Object, temporary: Path, crew: Crew) -> None:
    """Write a big object to `temporary` by boto3's managed transfer."""
    with (
        explained("download", item.bucket, item.key, client),
        disk("write", temporary),
        open(temporary, "xb") as file,
    ):
        client.download_fileobj(
            item.bucket,
            item.key,
            file,
            Config=transfers.transfer_config(PART, crew.workers),
            Callback=crew.bar.update,
        )


def places(names: Collection[str], folder: Path, source: str) -> dict[str, Path]:
    """Return the path in `folder` for each name, or refuse them all when one cannot be a file.

    `names` are keys without their prefix, and `source` names their place in the error message.
    The folder itself may be a link. Links that appear during the download are not detected.
    """
    top = folder.resolve()
    bad = [(name, why) for name in names if (why := addresses.why_no_file(name))]
    if not bad:
        bad = [*_clashes(names, ignores_case(top)), *_in_the_way(names, top)]
    if bad:
        told = "; ".join(f"{addresses.shown(name)} {why}" for name, why in bad[:3])
        more = f"; and {len(bad) - 3:,} more" if len(bad) > 3 else ""
        raise StorageError(
            f"{len(bad):,} of {len(names):,} keys below {source} cannot become a file in {folder}: "
            f"{told}{more}. Nothing was downloaded; copy such objects to other keys first, or "
            "choose another folder."
        )
    return {name: top / name for name in names}


def _clashes(names: Collection[str], fold: bool) -> Iterator[tuple[str, str]]:
    """Yield the names that would have the same path as another, or a path below a file."""

    def identity(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold() if fold else name

    files: dict[str, str] = {}
    for name in names:
        other = files.setdefault(identity(name), name)
        if other != name:
            yield name, f"and {addresses.shown(other)} are one file to this file system"
    for name in names:
        folders = map(str, PurePosixPath(identity(name)).parents)
        if file := next((files[folder] for folder in folders if folder in files), None):
            yield name, f"needs a folder where {addresses.shown(file)} is a file"


def _in_the_way(names: Collection[str], top: Path) -> Iterator[tuple[str, str]]:
    """Yield the names whose path is blocked by what the folder holds already."""
    obstacle = cache(_obstacle)
    for name in names:
        path = top / name
        above = [top / folder for folder in reversed(Path(name).parents)][1:]  # without top itself
        whys = [*(obstacle(folder, True) for folder in above), _obstacle(path, folders=False)]
        if len(os.fsencode(path)) > PATH_BYTES:
            yield name, f"would have a path longer than {PATH_BYTES:,} bytes"
        elif why := next(filter(None, whys), None):
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
    needed, is_right = ("folder", stat.S_ISDIR) if folders else ("ordinary file", stat.S_ISREG)
    return None if is_right(mode) else f"finds {path} in the way, which is no {needed}"


def _existing(folder: Path) -> Path:
    """Return the nearest folder that exists."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), folder)


def ignores_case(folder: Path) -> bool:
    """Return whether "A" and "a" are one file in the nearest folder that exists."""
    try:
        with tempfile.NamedTemporaryFile(prefix=".course-case-", dir=_existing(folder)) as probe:
            path = Path(probe.name)
            return path.with_name(path.name.upper()).exists()
    except OSError:
        return False  # the folder is not writable; the download will report it


def _need_room(sizes: dict[Path, int], folder: Path) -> None:
    """Refuse a download that the disk has no room for; files of the right size do not count."""
    there = {path: path.stat().st_size for path in sizes if path.is_file()}
    needed = sum(size for path, size in sizes.items() if there.get(path) != size)
    free = shutil.disk_usage(_existing(folder.resolve())).free
    if needed > free:
        raise StorageError(
            f"The download needs {needed / 1e6:,.0f} MB and the disk of {folder} has "
            f"{free / 1e6:,.0f} MB left; make room, or choose a folder on another disk."
        )
