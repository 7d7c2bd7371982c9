"""What goes wrong, said in one sentence: what, where, and what to do about it."""

from __future__ import annotations


class CourseError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(CourseError, ValueError):
    """Data that cannot be right. The message names the file and the line, or the id."""


class DownloadError(CourseError, OSError):
    """A release that could be fetched from nowhere. The message says what each source answered."""


class CourseWarning(UserWarning):
    """Something a reader should know about, though the work goes on."""
