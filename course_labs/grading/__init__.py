"""How a class's notebooks are graded, each in a sandbox of its own."""
