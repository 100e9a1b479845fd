"""Builds beside the tests: each runs once, in order, and ends with the test run."""

import sys
import time

import background
import pytest
from background import Background, Build


def python(code):
    return lambda run, folder: Build(run([sys.executable, "-c", code], folder.parent, {}), folder)


@pytest.fixture
def beside(monkeypatch):
    builds = {
        "good": python("import time; print(time.monotonic())"),
        "bad": python("import sys; sys.exit('no such road')"),
        "endless": python("import time; time.sleep(600)"),
    }
    monkeypatch.setattr(background, "BUILDS", builds)
    started = Background()
    yield started
    started.stop()


def test_a_build_runs_once_and_in_order(beside):
    beside.start(["good", "bad", "good"])
    good, bad = beside.outcome("good"), beside.outcome("bad")
    assert good.done.returncode == 0
    assert good is beside.outcome("good")
    assert bad.done.returncode == 1
    assert bad.done.stderr.strip() == "no such road"
    assert good.folder != bad.folder
    beside.wait()


def test_what_still_runs_ends_with_the_tests(beside):
    beside.start(["endless", "good"])
    while beside._process is None:
        time.sleep(0.01)
    process, folder = beside._process, beside._folder
    began = time.monotonic()
    beside.stop()
    assert time.monotonic() - began < 60
    assert process.poll() is not None
    assert not folder.exists()


def test_every_build_has_a_fixture_of_its_name(request):
    assert background.BUILDS
    for name in background.BUILDS:
        assert request._fixturemanager.getfixturedefs(name, request.node), name
