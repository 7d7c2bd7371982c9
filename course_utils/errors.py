"""What goes wrong, said in one sentence: what, where, and what to do about it."""

from __future__ import annotations


class CourseError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(CourseError, ValueError):
    """Data that cannot be right. The message names the file and the line, or the id."""


class ArtifactError(DataError):
    """A saved model that is damaged, foreign or from a newer version. Nothing of it was used."""


class DownloadError(CourseError, OSError):
    """A release that could be fetched from nowhere. The message says what each source answered."""


class StorageError(CourseError, OSError):
    """A bucket or key that could not be reached, read or written. The message says what to do."""


class ClusterError(CourseError, RuntimeError):
    """A Spark that cannot be started, or lacks something. The message says what to do."""


class ModelError(CourseError, RuntimeError):
    """An encoder that cannot be found, fetched or run here. The message says what to do."""


class CourseWarning(UserWarning):
    """Something a reader should know about, though the work goes on."""
