"""Where official files exist, the parts that need them are proved too."""

import os
from pathlib import Path
from unittest import mock

import pytest

from distance_to_care import places
from distance_to_care.disclosure import gate, words

BESIDE = places.ROOT.parent / "shared" / "open-data"

# Set before anything is imported or any kernel starts, so that notebooks see the files as well.
if not os.environ.get(places.OFFICIAL_VARIABLE) and BESIDE.is_dir():
    os.environ[places.OFFICIAL_VARIABLE] = str(BESIDE)


@pytest.hookimpl(tryfirst=True)  # before what shares the tests out looks at the groups
def pytest_collection_modifyitems(items):
    """Leave out, and never count as passed, what needs official files that are not here.

    Where several processes share the tests, those of one file stay together, because they share
    what the file prepares, and those of the built book all do.
    """
    if places.official_folder() is None:
        items[:] = [i for i in items if "official_folder" not in getattr(i, "fixturenames", ())]
    for item in items:
        folder = item.path.parent.name
        group = folder if folder == "book" else f"{folder}/{item.path.stem}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def nobody_is_analysed(monkeypatch):
    """Each test begins without words and groups to refuse, whoever was analysed before."""
    monkeypatch.setattr(gate, "_analysed", words.Analysed())


@pytest.fixture(autouse=True)
def environment_as_it_was():
    """Commands point the notebooks at their cohort by the environment: give it back after each."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="session")
def official_folder() -> Path:
    """The folder of official files of this machine."""
    return places.official_folder()
