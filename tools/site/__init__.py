"""Build the book, serve it, and test it in a browser."""
