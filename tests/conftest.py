"""What every test may use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from swift import Swift, swift_server, why_not

ROOT = Path(__file__).resolve().parent.parent

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "book" / "_ext"))

# A busy machine is no failure. CI draws the same examples each time; at home they differ, and
# what they find becomes an @example.
settings.register_profile("course", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("course")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """Return the course's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    """Run one Swift for all tests that ask for it, or skip them with the reason why not."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with swift_server() as server:
        yield server
