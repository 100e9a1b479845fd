"""What is done once for all kernels of a book is there after the fork, and all else still works."""

import subprocess
import sys
from unittest.mock import Mock

from distance_to_care import places
from distance_to_care.publication import kernel_server

CODE = """
import os, sys
from distance_to_care.publication import kernel_server as server

server.preload()
server.prepare()

from distance_to_care import geography, tables, travel
from distance_to_care.statistics import compiled, cox_kernels

def refused(*arguments, **others):
    raise AssertionError("it was to be there already")

read, geography.travel_minutes = tables._read_table, refused
child = os.fork()
if child == 0:
    try:
        tables._read_table = refused
        for name in server.lists_of_centres():
            centres = tables.read(name).drop_duplicates("site")
            assert travel.minutes_to(centres).notna().all(axis=None)
        kernels = [each for each in vars(cox_kernels).values() if isinstance(each, compiled.Kernel)]
        assert not compiled.available() or any(each._compiled for each in kernels)
        # What reads files in threads of its own still does.
        tables._read_table = read
        assert "towns" not in server.OPEN_TABLES
        assert len(tables.read("towns")) and len(tables.read("boundaries"))
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_what_many_chapters_do_is_there_after_the_fork():
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=places.ROOT, env=kernel_server.environment(),
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_one_or_two_chapters_wait_for_nothing_of_the_others(monkeypatch):
    asked = []
    monkeypatch.setattr(kernel_server, "prepare", lambda: asked.append(count))
    monkeypatch.setattr(kernel_server, "gc", Mock())
    for count in range(1, 20):
        kernel_server.ready_for(count)
    assert asked == [kernel_server.MANY]
    assert kernel_server.MANY > 2


def test_a_damaged_table_stops_nothing_but_the_chapter_that_asks(monkeypatch):
    monkeypatch.setattr(kernel_server, "OPEN_TABLES", ("no_such_table",))
    kernel_server.prepare()
