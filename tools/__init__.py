"""What maintainers run, by role. The Makefile is the one list of commands."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
