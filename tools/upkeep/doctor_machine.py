"""What the doctor asks of the machine itself. The standard library only, any Python from 3.8."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GIB = 2**30
VENV_BYTES = 4 * GIB  # what .venv takes, PyTorch and Spark included
WORK_BYTES = 1 * GIB  # the site, caches and temporary files
MEMORY_BYTES = 4 * GIB  # two notebooks at a time, each of 1 GB at most, and the rest of the machine
JAVA = 17  # what Spark 4 asks for
ON_DEBIAN = {"swift-proxy-server": "swift-proxy"}


class Finding(NamedTuple):
    """A line of the report: ok, note or problem; about what; what is so, and what to do."""

    level: str
    about: str
    says: str


def system(name: str) -> Finding:
    """Check that this is Linux or macOS."""
    if name != "posix":
        return Finding("problem", "system", "Windows is not supported; use WSL: book/setup.md.")
    return Finding("ok", "system", os.uname().sysname)


def python(version: tuple[int, ...], *, has_venv: bool) -> Finding:
    """Check that the Python that makes .venv is one that the course knows."""
    said = ".".join(map(str, version))
    if (3, 11) <= version <= (3, 13):
        return Finding("ok", "Python", said)
    advice = f"{said} cannot make .venv; name one of 3.11 to 3.13: make book PYTHON=python3.12"
    return Finding("note" if has_venv else "problem", "Python", advice)


def programs(names: Sequence[str]) -> list[Finding]:
    """Check that the programs are there that every command of the course needs."""
    return [
        Finding("ok", name, path)
        if (path := shutil.which(name))
        else Finding("problem", name, f"not found; install it, on Debian: apt-get install {name}")
        for name in names
    ]


def optional(name: str, without: str) -> Finding:
    """Say whether a program is there that only some tests need."""
    path = shutil.which(name)
    if path:
        return Finding("ok", name.split("-")[0], path)
    package = ON_DEBIAN.get(name, name)
    says = f"not found: {without}; on Debian: apt-get install {package}"
    return Finding("note", name.split("-")[0], says)


def disk(root: Path) -> Finding:
    """Check that there is room for .venv, or for work where it is there already."""
    free = shutil.disk_usage(root).free
    needed = WORK_BYTES if (root / ".venv/.ready").is_file() else VENV_BYTES + WORK_BYTES
    says = f"{free / GIB:.1f} GB free"
    if free < needed:
        return Finding("problem", "disk", f"{says}; make room, {needed / GIB:.0f} GB are needed")
    return Finding("ok", "disk", says)


def memory() -> Finding:
    """Check that there is memory for two notebooks at a time."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Finding("note", "memory", "this system does not say how much there is")
    usable = min(total, _allowed())
    says = f"{usable / GIB:.1f} GB"
    if usable < MEMORY_BYTES:
        return Finding("note", "memory", f"{says}: open one notebook at a time, close browsers")
    return Finding("ok", "memory", says)


def _allowed() -> float:
    """Return the bytes that a container lets its processes have."""
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return float(Path(file).read_text())
        except (OSError, ValueError):  # none, or "max"
            continue
    return float("inf")


def loopback() -> Finding:
    """Check that programs can talk on 127.0.0.1, as notebooks and their kernels do."""
    try:
        server = socket.create_server(("127.0.0.1", 0))
        with server, socket.create_connection(server.getsockname(), timeout=5):
            return Finding("ok", "loopback", "127.0.0.1 answers")
    except OSError as error:
        says = f"nothing can listen on 127.0.0.1 ({error.strerror}); notebooks need it, see the"
        return Finding("problem", "loopback", f"{says} firewall or the container's settings")


def java(environment: Mapping[str, str]) -> Finding:
    """Say whether lesson 12 finds the Java that Spark asks for."""
    home = environment.get("JAVA_HOME")
    command = str(Path(home) / "bin/java") if home else "java"
    advice = (
        f"lesson 12 needs {JAVA} or newer; install openjdk-{JAVA}-jre-headless or set JAVA_HOME"
    )
    try:
        said = subprocess.run([command, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        where = "none where JAVA_HOME says" if home else "none here"
        return Finding("note", "Java", f"{where}; {advice}")
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr)  # Java 8 calls itself 1.8
    if not found or int(found[1]) < JAVA:
        return Finding("note", "Java", f"{found[1] if found else 'an unknown one'}; {advice}")
    return Finding("ok", "Java", found[1])
