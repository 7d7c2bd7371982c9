"""Whole folders to a bucket and back: parallel, resumable, verified."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from course_cloud.storage.addresses import LONGEST_KEY, Address, is_clutter, parse_address
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import disk
from course_cloud.storage.listing import list_keys
from course_cloud.storage.paths import places, shown, why_no_file
from course_cloud.storage.transfer_checks import PART
from course_cloud.storage.transfer_download import download, is_temporary
from course_cloud.storage.transfer_pool import Crew, Job, Transferred, n_workers
from course_cloud.storage.transfer_upload import bodies_at_once, upload
from course_utils.errors import CourseWarning, StorageError


def upload_dir(
    folder: str | Path,
    address: str,
    *,
    client: Any = None,
    workers: int | None = None,
    progress: bool = True,
    last: str | None = None,
) -> Transferred:
    """Upload every file below a folder, each under the address and its path in the folder.

    What the bucket holds already, with the same size and content, is skipped; so a second call
    goes on where the first broke off, file by file. A file beyond 8 MiB is sent in parts, and
    when one of them fails, the upload is aborted: no parts stay in the bucket, and the file is
    sent from its beginning the next time.

    Parameters
    ----------
    folder
        A folder on this computer.
    address
        ``"s3://bucket/prefix"``, or a prefix in the bucket that COURSE_BUCKET names. The prefix
        is a folder's name: a slash is put after it.
    client
        A boto3 S3 client; left out, :func:`course_cloud.storage.connect` makes one.
    workers
        How many requests to make at once; left out, 16, or as many as the client keeps
        connections.
    progress
        Show a progress bar when the work takes longer than two seconds.
    last
        The name of a file that is sent when all others are there, and not when one of them
        failed: where it is in the bucket, the folder is whole.

    Returns
    -------
    Transferred
        How many files and bytes were sent, and how many files skipped.

    Raises
    ------
    StorageError
        Before anything is sent: when the folder is missing or empty, a file's name would make a
        key that :func:`download_dir` refuses, or the bucket cannot be listed. Afterwards, once:
        when files failed. The others are sent all the same, unless ten in a row fail. The message
        counts and names the failures.

    Notes
    -----
    Links and what is no ordinary file are left out, and a warning names them: a link may lead
    anywhere on the computer. Empty folders have no key. Objects that the folder does not have
    stay in the bucket. Every object gets its SHA-256 into its metadata, and each file must not
    change while it is read. Memory: up to 8 MiB for each worker.
    """
    top = Path(folder)
    client = default_client() if client is None else client
    target = as_folder(parse_address(address, need_key=False))
    workers = n_workers(client, workers)
    files = _files_below(top, target.key)
    known = {item.key: item for item in list_keys(str(target), client=client)}
    jobs = []
    with bodies_at_once(client), Crew("upload", workers, sum(files.values()), progress) as crew:
        for name, size in files.items():
            key = target.key + name
            send = partial(upload, client, target.bucket, key, top / name, known.get(key), crew)
            jobs.append(Job(name, size, send, big=size > PART))
        crew.run(job for job in jobs if job.name != last)
        if not crew.failed:
            crew.run(job for job in jobs if job.name == last)
    return crew.summary("uploaded", f"to {target}", len(jobs), "upload_dir")


def download_dir(
    address: str,
    folder: str | Path,
    *,
    client: Any = None,
    workers: int | None = None,
    progress: bool = True,
) -> Transferred:
    """Download every object below an address to a folder, under what follows the address.

    Files that are there already, with the same size and content, are skipped; other files of the
    same name are replaced. Each file appears whole and verified or not at all. One beyond 8 MiB
    that breaks off is kept in a hidden ``.course-….part`` beside it, and the next call goes on
    after what it holds, as long as the object has not changed.

    Parameters
    ----------
    address
        ``"s3://bucket/prefix"``, or a prefix in the bucket that COURSE_BUCKET names. The prefix
        is a folder's name: a slash is put after it.
    folder
        Where to put the files. Made when missing.
    client, workers, progress
        As in :func:`upload_dir`.

    Returns
    -------
    Transferred
        How many files and bytes were brought, and how many files were there already.

    Raises
    ------
    StorageError
        Before anything is downloaded: when there is nothing below the address, the disk has too
        little room, or one of the keys cannot become a file in the folder; see
        :func:`course_cloud.storage.paths.places`. Afterwards, once: when objects failed. The
        others are brought all the same, unless ten in a row fail.

    Warns
    -----
    CourseWarning
        When only the size of an object could be checked: one without a SHA-256 of ours, encrypted
        with KMS, or uploaded in parts on a server that does not tell their sizes.

    Notes
    -----
    Empty objects whose key ends with a slash, the S3 console's folders, are passed over. Files
    that the bucket does not have stay in the folder. Memory: up to 16 MiB for each worker.
    """
    top = Path(folder)
    client = default_client() if client is None else client
    source = as_folder(parse_address(address, need_key=False))
    workers = n_workers(client, workers)
    items = {
        item.key.removeprefix(source.key): item
        for item in list_keys(str(source), client=client)
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
            bring = partial(download, client, source.bucket, item, paths[name], crew)
            jobs.append(Job(item.key, item.size, bring, big=item.size > PART))
        crew.run(jobs)
    return crew.summary("downloaded", f"from {source}", len(jobs), "download_dir")


def as_folder(address: Address) -> Address:
    """Return the address with a slash at its end, unless it is a whole bucket."""
    key = address.key
    return Address(address.bucket, key if not key or key.endswith("/") else f"{key}/")


def _files_below(folder: Path, prefix: str) -> dict[str, int]:
    """Return the name of every file below, with slashes, and its size; sorted."""
    if not folder.is_dir():
        raise StorageError(f"There is no folder {folder} to upload; check the path.")
    sizes: dict[str, int] = {}
    left_out: list[str] = []
    with disk("read", folder):
        for entry in _walk(folder):
            name = Path(entry.path).relative_to(folder).as_posix()
            if not entry.is_file(follow_symlinks=False):
                left_out.append(name)
            elif not (is_temporary(entry.name) or is_clutter(name)):
                sizes[name] = entry.stat(follow_symlinks=False).st_size
    bad = [(name, why) for name in sizes if (why := _why_no_key(name, prefix))]
    if bad:
        name, why = bad[0]
        more = f", and {len(bad) - 1:,} more like it" if len(bad) > 1 else ""
        raise StorageError(
            f"{folder} holds a file that cannot become a key: {shown(name)} {why}{more}. Nothing "
            "was uploaded; rename it first."
        )
    if left_out:
        names = ", ".join(shown(name) for name in sorted(left_out)[:3])
        warnings.warn(
            f"{len(left_out):,} links or special files of {folder} are not uploaded: {names}"
            f"{', …' if len(left_out) > 3 else ''}. Copy what they point to into the folder if you "
            "want it in the bucket.",
            CourseWarning,
            stacklevel=3,
        )
    if not sizes:
        raise StorageError(f"{folder} holds no files to upload; check the path.")
    return dict(sorted(sizes.items()))


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below but folders; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield entry


def _why_no_key(name: str, prefix: str) -> str | None:
    why = why_no_file(name)
    if why is None and len(f"{prefix}{name}".encode()) > LONGEST_KEY:
        why = f"makes a key longer than {LONGEST_KEY:,} bytes"
    return why


def _need_room(sizes: dict[Path, int], folder: Path) -> None:
    """Refuse a download that the disk has no room for; what seems to be there does not count."""
    there = {path: path.stat().st_size if path.is_file() else -1 for path in sizes}
    needed = sum(size for path, size in sizes.items() if there[path] != size)
    disk_of = folder.resolve()
    while not disk_of.is_dir():
        disk_of = disk_of.parent
    free = shutil.disk_usage(disk_of).free
    if needed > free:
        raise StorageError(
            f"The download needs {needed / 1e6:,.0f} MB and the disk of {folder} has "
            f"{free / 1e6:,.0f} MB left; make room, or choose a folder on another disk."
        )
