"""The book as built once for all tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distance_to_care import places


@pytest.fixture(scope="session")
def site():
    """The built site: what has not changed since the last build is not built again."""
    named = os.environ.get("DISTANCE_TO_CARE_SITE")
    if named:
        return Path(named)
    built = subprocess.run(
        [sys.executable, "-m", "distance_to_care", "build"],
        cwd=places.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return places.BUILD / "html"
