"""What maintainers run; the Makefile lists it."""
