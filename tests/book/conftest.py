"""The book as built once for all tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from background import BUILDS, Background

from distance_to_care import places

beside: Background | None = None


def pytest_collection_finish(session):
    """Start the builds that the collected tests ask for, beside the tests that come first."""
    global beside
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly and asked & set(BUILDS):
        beside = Background()
        beside.start(name for name in BUILDS if name in asked)


def pytest_unconfigure():
    if beside is not None:
        beside.stop()


@pytest.fixture(scope="session")
def plain_build():
    """What `jupyter-book build .` made of a fresh copy."""
    return beside.outcome("plain_build")


@pytest.fixture(scope="session")
def build_without_official_files():
    """The book built where official files are absent."""
    return beside.outcome("build_without_official_files")


@pytest.fixture(scope="session")
def build_of_an_extract():
    """The site of a registry extract."""
    return beside.outcome("build_of_an_extract")


@pytest.fixture
def nothing_beside():
    """Wait until no other build takes part of the processor: for tests of how long things take."""
    if beside is not None:
        beside.wait()


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
