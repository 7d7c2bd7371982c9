"""What runs beyond one notebook: storage (S3), artifacts, serving, Spark, and what they cost."""
