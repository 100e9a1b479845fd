"""The book as built once for all tests of this folder."""

import os
from pathlib import Path

import pytest
from background import BUILDS, OF_A_PART, WHOLE, Background
from sharing import WITH_BUILDS, file_of

from distance_to_care.publication import chromium
from distance_to_care.publication.serving import served

beside: Background | None = None
# Builds that are started before the first test, or the first one that waits for one.
later: list[tuple[str, str]] = []
SITE = os.environ.get("DISTANCE_TO_CARE_SITE")


def pytest_collection_modifyitems(items):
    """Put tests last that wait for a build beside them, and after those the tests of time."""

    def turn(item) -> int:
        names = set(getattr(item, "fixturenames", ()))
        return 2 if "nothing_beside" in names else int(bool(names & (set(BUILDS) - {"site"})))

    items.sort(key=turn)


def pytest_collection_finish(session):
    """Start the builds that the collected tests ask for, beside the tests that come first.

    Of several processes that share the tests one has those that wait for these builds, and starts
    them then; each asks for the site, which is built once, because builds of one folder take turns.
    """
    global beside
    asked = {
        (name, _part(item, name))
        for item in session.items
        for name in getattr(item, "fixturenames", ())
        if name in BUILDS and not (name == "site" and SITE)
    }
    if not session.config.option.collectonly and asked:
        beside = Background()
        order = list(BUILDS)
        later[:] = sorted(asked, key=lambda name: (name[1] == WHOLE, order.index(name[0])))
        if not hasattr(session.config, "workerinput"):
            beside.start(later)


def pytest_runtest_setup(item):
    """Start the builds before the first test that waits for one, where that has not been done."""
    if beside is not None and file_of(item.nodeid) in WITH_BUILDS:
        beside.start(later)


def _part(item, name: str) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(name, OF_A_PART) if callspec else OF_A_PART


def pytest_unconfigure():
    if beside is not None:
        beside.stop()


# A part of the book in `make test`, and the whole of it in `make test-all` as well.
parts = pytest.fixture(
    scope="session", params=[OF_A_PART, pytest.param(WHOLE, marks=pytest.mark.slow)]
)


@pytest.fixture(scope="session")
def nbval():
    """What came of running every notebook under nbval."""
    return beside.outcome(("nbval", OF_A_PART))


@pytest.fixture(scope="session")
def analysed():
    """What the command `analyse` made of the synthetic cohort."""
    return beside.outcome(("analysed", OF_A_PART))


@pytest.fixture(scope="session")
def analysed_extract():
    """What the command `analyse` made of a registry extract."""
    return beside.outcome(("analysed_extract", OF_A_PART))


@parts
def plain_build(request):
    """What `jupyter-book build .` made of a fresh copy."""
    return beside.outcome(("plain_build", request.param))


@parts
def build_without_official_files(request):
    """The book built where official files are absent."""
    return beside.outcome(("build_without_official_files", request.param))


@parts
def build_of_an_extract(request):
    """The site of a registry extract."""
    return beside.outcome(("build_of_an_extract", request.param))


@pytest.fixture
def nothing_beside():
    """Wait until no other build takes part of the processor: for tests of how long things take."""
    if beside is not None:
        beside.wait()


@pytest.fixture(scope="module")
def base(site):
    """Address of the built site, served on this machine."""
    with served(site) as address:
        yield address


# Not for all tests: while it is open no test can run anything of asyncio, as notebooks do.
@pytest.fixture(scope="module")
def browser():
    """One browser for the tests of a file; each page that is looked at has its own visitor."""
    with chromium.opened() as opened:
        yield opened


@pytest.fixture(scope="session")
def site():
    """The built site: what has not changed since the last build is not built again."""
    if SITE:
        return Path(SITE)
    built = beside.outcome(("site", OF_A_PART))
    assert built.done.returncode == 0, built.done.stderr
    return built.site
