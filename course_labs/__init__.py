"""Checks of a student's answers, and the grading of a class."""

from course_labs.checks import attempted, check, summary

__all__ = ["attempted", "check", "summary"]
