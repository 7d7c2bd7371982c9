"""What answers a student and grades a class."""

from course_labs.checks import attempted, check, summary

__all__ = ["attempted", "check", "summary"]
