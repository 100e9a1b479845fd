"""The change ledger: what a version's numbers were, and why a number is another one now.

A version's record holds the words of every published number, and the address in git of every
published table. Whatever differs from the last record needs an entry in the ledger with its
reason; a number or a table that is new needs none.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import pandas as pd

from distance_to_care import places, results
from distance_to_care.problems import Problem
from distance_to_care.whole_file import whole

NUMBER, TABLE = "number", "table"
LEDGER = places.VERSIONS / "change_ledger.csv"
RECORD = "numbers_"
COLUMNS = ("after", "what", "key", "old", "new", "cells", "largest_move", "why", "date")
RECORDED = ("what", "key", "said")
# What stands for the words of a number, or the address of a table, that is no longer published.
WITHDRAWN = "withdrawn"
# How many changes a message names.
NAMED = 20


@dataclass(frozen=True)
class Change:
    """A number or a table that is not what it was: what stood there, and what stands there."""

    what: str
    key: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what} '{self.key}' was '{self.old}' and is '{self.new}'"


@dataclass(frozen=True)
class Entry:
    """A row of the ledger; `after` is the version whose number changed.

    cells and largest_move, of a table: cells that moved, and the largest move of a number in them
    in per cent of what it was; empty where the earlier table is not in the history at hand.
    """

    after: str
    change: Change
    cells: str = ""
    largest_move: str = ""
    why: str = ""
    date: str = ""


Published = Mapping[tuple[str, str], str]


# -- what is published, and what was -------------------------------------------------------------


def address(content: bytes) -> str:
    """Work out where git keeps a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def published(folder: Path = places.ACCEPTED) -> dict[tuple[str, str], str]:
    """Read what a folder of published tables says: words of numbers, addresses of tables."""
    numbers = _read(folder / "numbers.csv", ("key", "text"))
    said = {(NUMBER, key): text for key, text in zip(numbers["key"], numbers["text"], strict=True)}
    for file in sorted(folder.glob("*.csv")):
        if file.name != "numbers.csv":
            said[TABLE, file.stem] = address(file.read_bytes())
    return said


def records(folder: Path = places.VERSIONS) -> list[Path]:
    """List the records of versions in a folder."""
    return sorted(folder.glob(f"{RECORD}*.csv"))


def record_of(version: str, folder: Path = places.VERSIONS) -> Path:
    """The file of a version's record."""
    return folder / f"{RECORD}{version}.csv"


def last_version(folder: Path = places.VERSIONS) -> str:
    """Name the version whose record the folder holds: one and no more."""
    found = [file.stem.removeprefix(RECORD) for file in records(folder)]
    if len(found) != 1:
        raise Problem(
            f"{folder.name} holds {len(found)} records of a version, and it has to hold one. "
            "Write it: distance-to-care ledger --release VERSION."
        )
    return found[0]


def read_record(folder: Path = places.VERSIONS) -> dict[tuple[str, str], str]:
    """Read the record of the last version."""
    file = record_of(last_version(folder), folder)
    rows = _read(file, RECORDED)
    return dict(zip(zip(rows["what"], rows["key"], strict=True), rows["said"], strict=True))


def write_record(version: str, said: Published, folder: Path = places.VERSIONS) -> Path:
    """Make what is published the record of a version; those of earlier versions are in git."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(what, key, words) for (what, key), words in sorted(said.items())]
    file = record_of(version, folder)
    _write(pd.DataFrame(rows, columns=RECORDED), file)
    for other in records(folder):
        if other != file:
            other.unlink()
    return file


def _read(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise Problem(f"There is no file {file}. 'git restore' brings it back.") from None
    except ValueError as error:
        said = " ".join(str(error).split())
        raise Problem(f"{file.name} is not a table: {said}. Mend it, or restore it.") from None
    if not set(columns) <= set(rows):
        raise Problem(f"{file.name}: its columns have to be {', '.join(columns)}.")
    return rows


def _write(table: pd.DataFrame, file: Path) -> None:
    with whole(file) as part:
        table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")


# -- what changed, and what says why -------------------------------------------------------------


def changes(before: Published, now: Published) -> list[Change]:
    """List the numbers and tables of a record that say something else now, or are gone."""
    return [
        Change(what, key, old, new)
        for (what, key), old in sorted(before.items())
        if (new := now.get((what, key), WITHDRAWN)) != old
    ]


def added(before: Published, now: Published) -> list[tuple[str, str]]:
    """List the numbers and tables that are published now and were not."""
    return sorted(set(now) - set(before))


def read(file: Path = LEDGER) -> list[Entry]:
    """Read the ledger."""
    rows = _read(file, COLUMNS)
    return [
        Entry(
            row.after,
            Change(row.what, row.key, row.old, row.new),
            row.cells,
            row.largest_move,
            row.why.strip(),
            row.date,
        )
        for row in rows.itertuples(index=False)
    ]


def write(entries: list[Entry], file: Path = LEDGER) -> None:
    """Write the ledger."""
    rows = [(e.after, *astuple(e.change), e.cells, e.largest_move, e.why, e.date) for e in entries]
    _write(pd.DataFrame(rows, columns=COLUMNS), file)


def faults(found: list[Change], entries: list[Entry], version: str) -> list[str]:
    """Say what the ledger does not explain, and what it says that is not so.

    found : what changed after the last version. entries : the ledger. version : the last version.
    """
    here = {entry.change: entry for entry in entries if entry.after == version}
    said = [
        f"{change}, and no entry says why" if change not in here else f"{change}: 'why' is empty"
        for change in found
        if change not in here or not here[change].why
    ]
    so = set(found)
    told = [change for change in here if change not in so]
    said += [f"{change}: this is in the ledger, and is not so" for change in told]
    more = [f"and {len(said) - NAMED} more"] if len(said) > NAMED else []
    return said[:NAMED] + more


def proposed(
    found: list[Change],
    entries: list[Entry],
    version: str,
    today: str,
    tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    why: str = "",
) -> list[Entry]:
    """Bring the ledger up to date: what no longer differs goes, what differs anew comes.

    found, entries, version : as for `faults`. today : the date of new entries. tables : of changed
    tables, as they were and as they are, where both can be read. why : reason of new entries, and
    of those that have none.
    """
    kept = [entry for entry in entries if entry.after != version]
    here = {entry.change: entry for entry in entries if entry.after == version}
    for change in found:
        entry = here.get(change) or Entry(version, change, *_moved(change, tables), date=today)
        kept.append(entry if entry.why else replace(entry, why=why))
    return kept


def _moved(
    change: Change, tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
) -> tuple[str, str]:
    if change.what != TABLE or change.key not in tables:
        return "", ""
    cells, move = moved(*tables[change.key])
    return str(cells), "" if move is None else f"{move:.3g}"


def moved(before: pd.DataFrame, now: pd.DataFrame) -> tuple[int, float | None]:
    """Count the cells that differ, and find the largest move of a number, in per cent.

    before, now : the table as text. Rows are matched by the columns that name them; all cells of a
    row or a column that is gone or new differ.
    """
    keys = [column for column in results.KEYS if column in before and column in now]

    def long(table: pd.DataFrame) -> pd.Series:
        turn = table.groupby(keys).cumcount() if keys else pd.RangeIndex(len(table))
        # Names that no column of a table has: one of them is called 'value'.
        named = {"var_name": "_column", "value_name": "_cell"}
        cells = table.assign(_turn=turn).melt([*keys, "_turn"], **named)
        return cells.set_index([*keys, "_turn", "_column"])["_cell"]

    old, new = long(before).align(long(now), join="outer")
    differs = old.ne(new) & ~(old.isna() & new.isna())
    old, new = (pd.to_numeric(each[differs], errors="coerce") for each in (old, new))
    both = old.notna() & new.notna() & old.ne(0)
    if not both.any():
        return int(differs.sum()), None
    return int(differs.sum()), float((100 * (new - old).abs() / old.abs())[both].max())


def earlier_tables(found: list[Change]) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Read changed tables as they were, from the history, and as they are.

    A table that the history at hand does not hold is left out.
    """
    pairs = {}
    for change in found:
        if change.what == TABLE and change.new != WITHDRAWN and (old := _of_git(change.old)):
            now = (places.ACCEPTED / f"{change.key}.csv").read_text(encoding="utf-8")
            pairs[change.key] = tuple(
                pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
                for text in (old, now)
            )
    return pairs


def _of_git(there: str) -> str | None:
    """Fetch a file from the history by its address; None where it or git is not there."""
    try:
        asked = subprocess.run(
            ["git", "cat-file", "blob", there],
            cwd=places.ROOT, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return None
    return asked.stdout if asked.returncode == 0 else None
