"""The engine that answers now, and how the next one takes its place."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from course_cloud.serving.engine import Engine

if TYPE_CHECKING:
    from course_cloud.artifacts import Artifact


class Current:
    """One reference to an engine. Whoever took it keeps that engine until it has answered.

    Parameters
    ----------
    address
        The folder of an artifact, or ``s3://bucket/prefix``, of which ``latest`` is meant.

    Attributes
    ----------
    engine
        The engine that answers now.

    Raises
    ------
    DataError, StorageError
        When there is no artifact, it is damaged, or it cannot be fetched.
    """

    def __init__(self, address: str | Path) -> None:
        self._address = str(address)
        self._one_at_a_time = threading.Lock()
        self.engine = Engine(_load(self._address))

    def reload(self) -> tuple[Engine, Engine]:
        """Load what is at the address now, and let it answer; return the old and the new engine.

        Raises
        ------
        DataError, StorageError
            When it cannot be loaded or cannot answer. Then nothing has changed.
        """
        with self._one_at_a_time:
            before, after = self.engine, Engine(_load(self._address))
            self.engine = after  # one assignment: a request sees the old or the new, whole
        return before, after


def _load(address: str) -> Artifact:
    from course_cloud import artifacts

    if not address.lower().startswith("s3://"):
        return artifacts.load(Path(address))
    with tempfile.TemporaryDirectory(prefix="artifact-") as folder:  # once read, it can go
        return artifacts.load(artifacts.fetch(address, folder))
