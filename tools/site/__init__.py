"""How the book is built and looked at."""
