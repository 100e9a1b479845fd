"""Builds beside the tests: each runs once, in order, and ends with the test run."""

import re
import sys
import time
from functools import partial

import background
import pytest
from background import OF_A_PART, Background, Build

from distance_to_care import places, results
from distance_to_care.publication import build


def python(code):
    return lambda run, folder, part: Build(
        run([sys.executable, "-c", code], folder.parent, {}), folder, folder
    )


def named(*names):
    return [(name, OF_A_PART) for name in names]


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
    beside.start(named("good", "bad", "good"))
    good, bad = (beside.outcome(name) for name in named("good", "bad"))
    assert good.done.returncode == 0
    assert good is beside.outcome(named("good")[0])
    assert bad.done.returncode == 1
    assert bad.done.stderr.strip() == "no such road"
    assert good.site != bad.site
    beside.wait()


def test_what_still_runs_ends_with_the_tests(beside):
    beside.start(named("endless", "good"))
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


def test_a_part_of_the_book_has_its_pages_word_for_word(tmp_path):
    copy = background.copied(tmp_path / "copy", OF_A_PART)
    assert build.contents(copy / "_toc.yml") == list(background.PART)
    assert set(background.PART) < set(build.contents())
    left = []
    for name in background.PART:
        (page,) = places.ROOT.glob(f"{name}.*")
        here, there = page.read_text(), (copy / page.relative_to(places.ROOT)).read_text()
        told = partial(background.in_words, folder=page.parent)
        assert background.LINK.sub(told, here) == background.LINK.sub(told, there)
        left += [link["page"].rpartition("/")[2] for link in background.LINK.finditer(there)]
    assert "data_dictionary.md" in left
    assert "driving_times.ipynb" not in left


def test_a_part_of_the_book_files_every_number_that_it_quotes():
    numbers = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    filed_by = dict(zip(numbers["key"], numbers["page"], strict=True))
    for name in background.PART:
        (page,) = places.ROOT.glob(f"{name}.*")
        for key in re.findall(r"\{number\}`([^`]+)`", page.read_text(encoding="utf-8")):
            assert f"notebooks/{filed_by[key]}" in background.PART, f"{name} quotes {key}"


def test_a_copy_is_of_the_project_whatever_a_test_does_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    copy = background.copied(tmp_path / "copy", OF_A_PART)
    assert (copy / "pyproject.toml").exists()
