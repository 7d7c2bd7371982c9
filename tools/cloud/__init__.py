"""The bucket of a class."""
