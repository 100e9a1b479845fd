"""Withholding further cells, so that no withheld count can be worked out from the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from distance_to_care.disclosure import Profile
from distance_to_care.releasing import content, hidden_cells, sealing, work_folder

# A share goes with its interval, which would give it back.
_TOGETHER = {"estimate": ("estimate", "ci_low", "ci_high")}
NOT_SHOWN = "not shown (too few people)"


@dataclass(frozen=True)
class Further:
    """What was withheld beyond the gate: the work as it may leave, and how much by table."""

    work: work_folder.Work
    cells: Mapping[str, int]
    left_out: Sequence[str]


def withheld(
    work: work_folder.Work, profile: Profile, earlier: Sequence[Mapping[str, bytes]] = ()
) -> Further:
    """Withhold what `disclosure.ranges.repair` proposes, in tables, receipts and numbers.

    Parameters
    ----------
    work : the work folder as it was read.
    profile : the profile of the release.
    earlier : the tables about people of each earlier release, by name.
    """
    found = hidden_cells.proposed(work_folder.people_of(work), profile, earlier)
    left_out = sorted(name for name, cells in found.items() if not cells)
    work = work_folder.without(work, left_out)
    tables, entries = dict(work.tables), dict(work.manifest["tables"])
    counted = {}
    for name, cells in sorted(found.items()):
        if not cells:
            continue
        tables[name] = _emptied(tables[name], name, cells)
        counted[name] = len(cells)
        entries[name] = _receipted(entries[name], tables[name], len(cells))
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


def _emptied(text: bytes, name: str, cells: Sequence[tuple[int, str]]) -> bytes:
    head, *rows = content.rows_of(text, name)
    for row, column in cells:
        for each in _TOGETHER.get(column, (column,)):
            if each in head:
                rows[row][head.index(each)] = ""
        rows[row][head.index("suppressed")] = "true"
    return _written([head, *rows])


def _receipted(entry: Mapping, text: bytes, cells: int) -> dict:
    """Say in the receipt of a table what was withheld after the gate had let it through."""
    receipt = entry["disclosure"]
    rule = {
        "rule": "further cells are withheld, so that no withheld count can be worked out from the "
        "other cells of this and other tables",
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
        rows[row][head.index("text")] = NOT_SHOWN
        rows[row][head.index("value")] = ""
    return _written([head, *rows])


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
