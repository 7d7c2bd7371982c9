"""What every test may use."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """Return the course's root folder."""
    return ROOT
