"""Errors and warnings of the course. A message is one sentence: what, where, what to do."""

from __future__ import annotations


class CourseError(Exception):
    """Base class of all errors that the course's packages raise themselves."""


class DataError(CourseError, ValueError):
    """Invalid data or an invalid argument. The message names the file and line, or the value."""


class ArtifactError(DataError):
    """A saved model that is damaged, of another format or of a newer version; it was not loaded."""


class DownloadError(CourseError, OSError):
    """A release that no source could provide. The message has the answer of each source."""


class StorageError(CourseError, OSError):
    """A bucket or key that cannot be reached, read or written."""


class ClusterError(CourseError, RuntimeError):
    """Spark cannot be started, or a requirement of it is missing."""


class ModelError(CourseError, RuntimeError):
    """A text encoder that cannot be found, downloaded or run on this machine."""


class CourseWarning(UserWarning):
    """A possible mistake in the data or in a model; the computation continues."""
