"""No unit test reads or writes what is really on this machine, or asks anything of a network."""

import gc
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from storage_fixtures import faulty, moto, moved, no_aws, no_pauses, s3, swift

__all__ = ["faulty", "moto", "moved", "no_aws", "no_pauses", "s3", "swift"]


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide the data the environment points to; return the folder that stands in for ~/.cache."""
    home = tmp_path_factory.mktemp("xdg")
    monkeypatch.delenv("COURSE_DATASET", raising=False)
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def trust_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the archives that tests write for the published ones: promise no checksum."""
    from course_utils.datasets import RELEASES

    for name, release in RELEASES.items():
        monkeypatch.setitem(RELEASES, name, replace(release, sha256=None, size=None))


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that sets where a release comes from, GroupLens and mirror.

    It is then published with the checksum of the archive that tests write, but for ml-latest.
    """
    import releases_writer as writer

    from course_utils.datasets import RELEASES, releases

    def use(first: str, mirror: str | None = None, *, name: str = "ml-1m") -> None:
        monkeypatch.setattr(releases, "GROUPLENS", first)
        monkeypatch.setattr(releases, "MIRROR", mirror)
        sha256 = hashlib.sha256(writer.archive_bytes(name)).hexdigest()
        changed = replace(
            RELEASES[name],
            sha256=None if name == "ml-latest" else sha256,
            mirrored=mirror is not None,
        )
        monkeypatch.setitem(RELEASES, name, changed)

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(releases, "TIMEOUT", (0.3, 0.5))
    yield use
    gc.collect()  # a socket that was left open shows now, and pytest makes it an error


@pytest.fixture
def no_window() -> Iterator[None]:
    """Draw without a screen, and close every figure afterwards."""
    import matplotlib as mpl

    mpl.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
