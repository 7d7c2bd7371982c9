"""Grading of a class's notebooks, each in a sandbox of its own."""
