"""The change ledger: no published number becomes another one without a reason."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Mapping

import pandas as pd
import pytest
from commands import run
from packaging.version import Version

from distance_to_care import __version__, places
from distance_to_care.problems import Problem
from distance_to_care.publication import ledger
from distance_to_care.publication.ledger import NUMBER, TABLE, WITHDRAWN, Change, Entry


@pytest.fixture(scope="module")
def record() -> Mapping[tuple[str, str], str]:
    return ledger.read_record()


@pytest.fixture
def copied(tmp_path):
    """A copy of the accepted numbers and of one table, to be altered."""
    for name in ("numbers", "travel_by_decile"):
        shutil.copyfile(places.ACCEPTED / f"{name}.csv", tmp_path / f"{name}.csv")
    return tmp_path


# -- the book ------------------------------------------------------------------------------------


def test_every_change_since_the_last_version_has_its_reason(record):
    found = ledger.changes(record, ledger.published())
    assert ledger.faults(found, ledger.read(), ledger.last_version()) == []


def test_an_earlier_entry_has_its_reason_and_its_day_too():
    for entry in ledger.read():
        assert entry.why, entry.change
        assert entry.date, entry.change


def test_the_page_names_every_option_of_the_command():
    page = (places.BOOK / "what_changed.md").read_text(encoding="utf-8")
    options = set(re.findall(r"--[a-z]+", run("ledger", "--help").stdout)) - {"--help"}
    assert options >= {"--release", "--again", "--propose", "--why"}
    assert options <= set(re.findall(r"--[a-z]+", page))


def test_the_record_is_whole(record):
    # Every key of a number is there once, and every accepted table.
    assert len(record) > 10_000
    assert {what for what, _ in record} == {NUMBER, TABLE}
    assert all(len(said) == 40 for (what, _), said in record.items() if what == TABLE)
    assert Version(ledger.last_version()) <= Version(__version__)


def test_the_address_of_a_table_is_that_of_git():
    file = places.ACCEPTED / "travel_by_decile.csv"
    asked = subprocess.run(
        ["git", "hash-object", "--no-filters", file],
        cwd=places.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ledger.address(file.read_bytes()) == asked.stdout.strip()


# -- it can fail ---------------------------------------------------------------------------------


def test_fifty_altered_numbers_are_each_named(copied):
    before = ledger.published(copied)
    numbers = pd.read_csv(copied / "numbers.csv", dtype=str, keep_default_na=False)
    altered = random.Random(7).sample(range(len(numbers)), 50)
    was = numbers["text"].copy()
    numbers.loc[altered, "text"] = was[altered] + "1"
    numbers.to_csv(copied / "numbers.csv", index=False)
    found = ledger.changes(before, ledger.published(copied))
    assert {change.key for change in found} == set(numbers["key"][altered])
    for row in altered:
        key, old = numbers["key"][row], was[row]
        (said,) = ledger.faults([c for c in found if c.key == key], [], "1")
        assert said == f"number '{key}' was '{old}' and is '{old}1', and no entry says why"


def test_one_altered_cell_of_a_table_is_named(copied):
    before = ledger.published(copied)
    file = copied / "travel_by_decile.csv"
    file.write_text(file.read_text().replace("59.37546558", "59.37546559", 1))
    (change,) = ledger.changes(before, ledger.published(copied))
    assert (change.what, change.key) == (TABLE, "travel_by_decile")


def test_what_is_gone_needs_a_reason_and_what_is_new_needs_none(copied):
    before = ledger.published(copied)
    (copied / "travel_by_decile.csv").rename(copied / "travel_otherwise.csv")
    now = ledger.published(copied)
    (change,) = ledger.changes(before, now)
    assert (change.key, change.new) == ("travel_by_decile", WITHDRAWN)
    assert ledger.added(before, now) == [(TABLE, "travel_otherwise")]


HALF = Change(NUMBER, "a.half", "0.5", "0.6")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "no entry says why"),
        ([Entry("1", HALF, why="", date="2026-11-23")], "'why' is empty"),
        # The reason of another move, or of a move after another version, is none of this one.
        ([Entry("1", Change(NUMBER, "a.half", "0.5", "0.7"), why="x")], "no entry says why"),
        ([Entry("0", HALF, why="x")], "no entry says why"),
    ],
)
def test_an_entry_that_explains_nothing_is_a_fault(entries, words):
    assert words in ledger.faults([HALF], entries, "1")[0]


def test_an_entry_explains_its_change_and_no_other():
    entry = Entry("1", HALF, why="a better count", date="2026-11-23")
    assert ledger.faults([HALF], [entry], "1") == []
    assert "is not so" in ledger.faults([], [entry], "1")[0]


def test_a_message_names_the_first_and_counts_the_others():
    many = [Change(NUMBER, f"k{number}", "1", "2") for number in range(60)]
    said = ledger.faults(many, [], "1")
    assert len(said) == ledger.NAMED + 1
    assert said[-1] == "and 40 more"


# -- proposing -----------------------------------------------------------------------------------


def test_proposed_entries_wait_for_a_reason_and_keep_those_that_have_one():
    other = Change(NUMBER, "b", "1", "2")
    stale = Entry("1", Change(NUMBER, "c", "1", "2"), why="x", date="d")
    earlier = Entry("0", Change(NUMBER, "c", "0", "1"), why="y", date="d")
    known = Entry("1", HALF, why="a better count", date="2026-11-22")
    out = ledger.proposed([HALF, other], [earlier, known, stale], "1", "2026-11-23", {})
    assert out == [earlier, known, Entry("1", other, date="2026-11-23")]
    assert ledger.faults([HALF, other], out, "1") == [f"{other}: 'why' is empty"]
    out = ledger.proposed([HALF, other], out, "1", "2026-11-24", {}, "new data")
    assert [entry.why for entry in out[1:]] == ["a better count", "new data"]


def frame(text: str) -> pd.DataFrame:
    heads, *rows = (line.split(",") for line in text.split())
    return pd.DataFrame(rows, columns=heads)


@pytest.mark.parametrize(
    ("now", "cells", "largest"),
    [
        ("term,estimate,unit a,10,km b,30,km", 1, 50.0),
        # Ten to five is fifty per cent, twenty to twenty-one five.
        ("term,estimate,unit a,5,km b,21,km", 2, 50.0),
        # The same rows in another order are the same.
        ("term,estimate,unit b,20,km a,10,km", 0, None),
        # A row that is gone, and one that is new: two cells each.
        ("term,estimate,unit a,10,km c,20,km", 4, None),
        ("term,estimate,unit a,10,miles b,20,km", 1, None),
    ],
)
def test_cells_that_moved_are_counted_and_the_largest_move_found(now, cells, largest):
    before = frame("term,estimate,unit a,10,km b,20,km")
    assert ledger.moved(before, frame(now)) == (cells, largest)


def test_a_table_with_a_column_called_value_is_compared_too():
    before = frame("value,estimate 1,10 2,20")
    assert ledger.moved(before, frame("value,estimate 1,10 2,25")) == (1, 25.0)


def test_a_table_of_the_history_is_read_as_it_was(monkeypatch, tmp_path):
    shutil.copyfile(places.ACCEPTED / "travel_by_decile.csv", tmp_path / "travel_by_decile.csv")
    file = tmp_path / "travel_by_decile.csv"
    there = ledger.address(file.read_bytes())
    file.write_text(file.read_text().replace("59.37546558", "60", 1))
    monkeypatch.setattr(places, "ACCEPTED", tmp_path)
    change = Change(TABLE, "travel_by_decile", there, ledger.address(file.read_bytes()))
    pairs = ledger.earlier_tables([change])
    cells, largest = ledger.moved(*pairs["travel_by_decile"])
    assert cells == 1
    assert largest == pytest.approx(100 * (60 - 59.37546558) / 59.37546558)
    (entry,) = ledger.proposed([change], [], "1", "2026-11-23", pairs)
    assert (entry.cells, entry.largest_move) == ("1", "1.05")
    # A copy of the project without this history knows the change and not its size.
    unknown = Change(TABLE, "travel_by_decile", "0" * 40, change.new)
    assert ledger.earlier_tables([unknown]) == {}
    (entry,) = ledger.proposed([unknown], [], "1", "2026-11-23", {})
    assert (entry.cells, entry.largest_move) == ("", "")


# -- files and the command -----------------------------------------------------------------------


def test_a_ledger_is_read_as_it_was_written(tmp_path):
    entries = [Entry("1", HALF, why='a "better" count, of all', date="2026-11-23")]
    ledger.write(entries, tmp_path / "ledger.csv")
    assert ledger.read(tmp_path / "ledger.csv") == entries
    (tmp_path / "ledger.csv").write_text("key,why\n")
    with pytest.raises(Problem, match="columns have to be"):
        ledger.read(tmp_path / "ledger.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        (b"", "is not a table: No columns"),
        (b"after,\xff\xfe\n", "is not a table"),
        (b"what,key\n<<<<<<< ours\na,b,c,d\n", "is not a table"),
    ],
    ids=["gone", "empty", "no text", "a merge left open"],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(content, words, tmp_path, copied):
    for name, reader in (
        ("change_ledger.csv", lambda: ledger.read(tmp_path / "change_ledger.csv")),
        ("numbers_1.csv", lambda: ledger.read_record(tmp_path)),
        ("numbers.csv", lambda: ledger.published(copied)),
    ):
        file = tmp_path / name
        if content is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(content)
        if name != "numbers_1.csv" or content is not None:
            with pytest.raises(Problem, match=words):
                reader()


def test_writing_that_is_interrupted_leaves_the_ledger_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "ledger.csv"
    ledger.write([Entry("1", HALF, why="x", date="2026-11-23")], file)

    def half(table, path, **_: object) -> None:
        path.write_text("after,wh")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(KeyboardInterrupt):
        ledger.write([], file)
    assert len(ledger.read(file)) == 1
    assert list(tmp_path.iterdir()) == [file]


def test_one_record_is_kept_and_it_reads_as_it_was_written(tmp_path, copied):
    with pytest.raises(Problem, match="0 records"):
        ledger.last_version(tmp_path)
    said = ledger.published(copied)
    ledger.write_record("1.0.0", said, tmp_path / "versions")
    ledger.write_record("1.1.0", said, tmp_path / "versions")
    assert ledger.last_version(tmp_path / "versions") == "1.1.0"
    assert ledger.read_record(tmp_path / "versions") == said


def test_the_command_says_that_all_is_explained_and_refuses_what_it_should():
    shown = run("ledger")
    assert shown.returncode == 0, shown.stdout
    assert "each with its reason" in shown.stdout
    assert "not 9.9.9" in run("ledger", "--release", "9.9.9").stderr
    assert "Change the version first" in run("ledger", "--release", "").stderr
    assert "has its record" in run("ledger", "--release", ledger.last_version()).stderr
    assert run("ledger", "--propose", "--release", __version__).returncode == 2
    assert run("ledger", "--why", "x").returncode == 2
