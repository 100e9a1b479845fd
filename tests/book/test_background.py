"""Builds beside the tests: each runs once, in order, who waits helps, and all end with the run."""

import re
import sys
import threading
import time
from concurrent.futures import CancelledError
from functools import partial

import background
import pytest
from background import OF_A_PART, Background, Build
from sharing import WITH_BUILDS, file_of

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


@pytest.fixture
def meeting(monkeypatch):
    """Builds that wait for each other, as two that run at once can; and who ran each."""
    ran, both = [], threading.Barrier(2, timeout=60)

    def meets(name, fault=None):
        def function(run, folder, part):
            ran.append((name, threading.current_thread() is threading.main_thread()))
            both.wait()
            if fault:
                raise fault
            return name

        return function

    problem = ValueError("no such road")
    builds = {"one": meets("one"), "two": meets("two"), "three": meets("three", problem)}
    monkeypatch.setattr(background, "BUILDS", builds | {"four": meets("four")})
    started = Background()
    yield started, ran
    started.stop()


def test_who_waits_takes_the_next_build_that_nobody_has_begun(meeting):
    beside, ran = meeting
    beside.start(named("one", "two", "three", "four", "one"))
    # One worker alone would wait at the first build for ever.
    one, two, four = (beside.outcome(name) for name in named("one", "two", "four"))
    assert (one, two, four) == ("one", "two", "four")
    # Its error reaches who waits for it, each time, and not who ran it for them.
    for _ in range(2):
        with pytest.raises(ValueError, match="no such road"):
            beside.outcome(*named("three"))
    # Each ran once, and neither the worker nor who waited ran them all.
    assert sorted(name for name, _ in ran) == ["four", "one", "three", "two"]
    assert {here for _, here in ran} == {True, False}


def test_a_test_of_time_waits_for_every_build_and_helps(meeting):
    beside, ran = meeting
    beside.start(named("one", "two", "three", "four"))
    beside.wait()
    assert len(ran) == 4
    assert all(asked.done() for asked in beside._asked.values())


def test_a_run_that_is_interrupted_while_it_helps_stops_there(beside, monkeypatch):
    def interrupted(run, folder, part):
        raise KeyboardInterrupt

    monkeypatch.setitem(background.BUILDS, "interrupted", interrupted)
    beside.start(named("endless"))
    while not beside._processes:
        time.sleep(0.01)
    beside.start(named("interrupted"))
    with pytest.raises(KeyboardInterrupt):
        beside.outcome(*named("endless"))


def test_all_that_still_runs_ends_with_the_tests(beside):
    beside.start(named("endless", "good"))
    while not beside._processes:
        time.sleep(0.01)
    # Somebody waits, and so a second build runs in their thread.
    beside.start([("endless", "again")])
    folder = beside._folder
    helper = threading.Thread(target=lambda: [beside._take_next() for _ in range(2)])
    helper.start()
    while len(beside._processes) < 3:
        time.sleep(0.01)
    began = time.monotonic()
    beside.stop()
    helper.join()
    assert time.monotonic() - began < 60
    assert all(process.poll() is not None for process in beside._processes)
    assert not folder.exists()


def test_what_nobody_has_begun_never_begins_after_the_end(beside):
    beside.start(named("endless", "good"))
    while not beside._processes:
        time.sleep(0.01)
    beside.stop()
    with pytest.raises(CancelledError):
        beside.outcome(*named("good"))
    assert len(beside._processes) == 1
    with pytest.raises(RuntimeError, match="has ended"):
        beside.run([sys.executable, "-c", ""], background.ROOT, {})


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


def test_one_process_has_every_test_that_waits_for_a_build_beside_the_site(request):
    others = set(background.BUILDS) - {"site"}
    waiting = {
        file_of(item.nodeid)
        for item in request.session.items
        if others & set(getattr(item, "fixturenames", ()))
    }
    assert waiting <= WITH_BUILDS
