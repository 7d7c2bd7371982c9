"""The S3 bucket of a class."""
