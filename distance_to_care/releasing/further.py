"""Withholding further cells, so that no withheld count can be worked out from the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from distance_to_care import results
from distance_to_care.disclosure import ESTIMATE_COLUMNS, Profile
from distance_to_care.releasing import content, fixed_times, hidden_cells, sealing, work_folder

# An estimate goes with its interval and errors, which would give it back.
_TOGETHER = {"estimate": ESTIMATE_COLUMNS}


@dataclass(frozen=True)
class Further:
    """What was withheld beyond the gate: the work as it may leave, and how much by table."""

    work: work_folder.Work
    cells: Mapping[str, int]
    left_out: Sequence[str]


def withheld(
    work: work_folder.Work,
    profile: Profile,
    earlier: Sequence[Mapping[str, bytes]] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Further:
    """Withhold means over withheld times, what changed since an earlier release by few people, and
    what `disclosure.ranges.repair` proposes.

    In tables, receipts and numbers.

    Parameters
    ----------
    work : the work folder as it was read.
    profile : the profile of the release.
    earlier : the tables about people of each earlier release, by name.
    progress : called with a line after each round.
    """
    about = work_folder.people_of(work)
    beyond = fixed_times.beyond(hidden_cells.as_tables(about))
    told = {name: _emptied(about[name], name, cells) for name, cells in beyond.items()}
    for theirs in earlier:
        for name, cells in hidden_cells.grown(about | told, theirs, profile).items():
            told[name] = _emptied({**about, **told}[name], name, cells)
            beyond[name] = [*beyond.get(name, []), *cells]
    needs = hidden_cells.needs_of(work.run["study"]["content"])
    found = hidden_cells.proposed(about | told, profile, earlier, progress, needs)
    for name, cells in beyond.items():
        if found.get(name, cells):
            found[name] = [*cells, *found.get(name, [])]
    left_out = sorted(name for name, cells in found.items() if not cells)
    work = work_folder.without(work, left_out)
    tables, entries = dict(work.tables), dict(work.manifest["tables"])
    counted = {}
    for name, cells in sorted(found.items()):
        if not cells:
            continue
        tables[name] = _emptied(tables[name], name, cells)
        counted[name] = sum(not shown for *_, shown in cells)
        entries[name] = _receipted(entries[name], tables[name], counted[name])
    read = {name: content.rows_of(text, name) for name, text in tables.items()}
    return Further(
        replace(
            work,
            tables=tables,
            manifest={**work.manifest, "tables": entries},
            numbers=_numbers(work.numbers, read) if counted else work.numbers,
        ),
        counted,
        left_out,
    )


def _emptied(text: bytes, name: str, cells: Sequence[tuple[int, str, str]]) -> bytes:
    head, *rows = content.rows_of(text, name)
    for row, column, shown in cells:
        for each in _TOGETHER.get(column, (column,)):
            if each in head:
                rows[row][head.index(each)] = shown
        if not shown:
            rows[row][head.index("suppressed")] = "true"
    return _written([head, *rows])


def _receipted(entry: Mapping, text: bytes, cells: int) -> dict:
    """Say in the receipt of a table what was withheld after the gate had let it through."""
    receipt = entry["disclosure"]
    rule = {
        "rule": "further cells are withheld, so that no withheld count can be worked out from the "
        "other cells of this and other tables; a total of such cells shows its own rounding",
        "result": f"{cells} cell{'' if cells == 1 else 's'}",
    }
    receipt = {
        **receipt,
        "rules": [*receipt["rules"], rule],
        "cells_withheld": receipt["cells_withheld"] + cells,
    }
    return {**entry, "disclosure": receipt, "sha256": sealing.digest(text)}


def _numbers(text: bytes, tables: Mapping[str, Sequence]) -> bytes:
    """Take the numbers for the text back that no table holds any more."""
    head, *rows = content.rows_of(text, "numbers.csv")
    for row in content.absent([head, *rows], tables):
        rows[row][head.index("text")] = results.WITHHELD
        rows[row][head.index("value")] = ""
    return _written([head, *rows])


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
