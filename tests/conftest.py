"""Where official files exist, the parts that need them are proved too."""

import gc
import os
from pathlib import Path
from unittest import mock

import pytest
from sharing import WITH_BUILDS, ByFile, file_of

from distance_to_care import places
from distance_to_care.disclosure import gate, words

BESIDE = places.ROOT.parent / "shared" / "open-data"

# Set before anything is imported or any kernel starts, so that notebooks see the files as well.
if not os.environ.get(places.OFFICIAL_VARIABLE) and BESIDE.is_dir():
    os.environ[places.OFFICIAL_VARIABLE] = str(BESIDE)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave out, and never count as passed, what needs official files that are not here.

    Where several processes share the tests, those that wait for builds come first: they take long.
    """
    if places.official_folder() is None:
        items[:] = [i for i in items if "official_folder" not in getattr(i, "fixturenames", ())]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: file_of(item.nodeid) not in WITH_BUILDS)


def pytest_collection_finish():
    """Keep Python from looking through thousands of tests for rubbish: they stay until the end."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config, log):
    """Say how the tests are shared out among processes."""
    return ByFile(config, log)


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
