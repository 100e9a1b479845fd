"""The interval of each number of the prose: that of the row of the table from which it was read.

A filed number names its table, its unit and its value, not its row. Rows of that table with this
value and unit are looked up; where several have it, the row is the one whose group, level and terms
the key of the number names, and whose interval is the one that is printed. Where rows that cannot
be told apart have different intervals, none is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import pandas as pd

from distance_to_care import results
from distance_to_care.publication import sentences

# A confidence interval is the interval of a row that has a range as well.
ENDS = (("ci_low", "ci_high"), ("low", "high"))
MEASURED = ("estimate", "hazard_ratio", *ENDS[0], *ENDS[1])
Interval = tuple[float, float]


def of_numbers(
    numbers: pd.DataFrame, read: Callable[[str], pd.DataFrame]
) -> dict[str, Interval | None]:
    """Find the interval of each number, by its key; None where it has none.

    Parameters
    ----------
    numbers : the numbers of the prose, as they were read back.
    read : reads a published table, by its name.
    """
    found: dict[str, Interval | None] = {}
    for name, of_table in numbers.groupby("table"):
        rows = _rows(read(name)) if of_table["value"].notna().any() else {}
        for number in of_table.to_dict("records"):
            found[number["key"]] = _interval(number, rows)
    return found


def _rows(table: pd.DataFrame) -> dict[tuple[str, str], list[tuple[list[Interval], list[str]]]]:
    """List the intervals of rows, with the cells that name them, by unit and value."""
    known = [pair for pair in ENDS if set(pair) <= set(table)]
    if not known:
        return {}
    naming = [column for column in results.KEYS if column in table]
    found = defaultdict(list)
    for row in table.to_dict("records"):
        ends = [(row[low], row[high]) for low, high in known
                if pd.notna(row[low]) and pd.notna(row[high])]  # fmt: skip
        cells = [f"{row[column]:g}" if isinstance(row[column], float) else str(row[column])
                 for column in naming if pd.notna(row[column])]  # fmt: skip
        for column in set(MEASURED) & set(table):
            if pd.notna(row[column]):
                unit = row.get("unit", "") if column == "estimate" else column.replace("_", " ")
                found[str(unit), f"{row[column]:.9g}"].append((ends, cells))
    return found


def _interval(number: Mapping, rows: Mapping) -> Interval | None:
    value = number["value"]
    if pd.isna(value):
        return None
    unit = "" if pd.isna(number["unit"]) else str(number["unit"])
    fits, printed = [], bool(sentences.RANGE.search(number["text"]))
    for pairs, cells in rows.get((unit, f"{value:.9g}"), []):
        ends = next((pair for pair in pairs if as_printed(number["text"], pair)), None)
        if ends or not printed:
            fits.append((ends, cells))
    if len({ends for ends, _ in fits}) > 1:
        key = f".{number['key']}."
        named = [sum(f".{cell}." in key for cell in cells) for _, cells in fits]
        fits = [row for row, count in zip(fits, named, strict=True) if count == max(named)]
    told = {ends for ends, _ in fits}
    return told.pop() if len(told) == 1 else None


def as_printed(text: str, ends: Interval) -> bool:
    """Tell whether a text prints this interval, rounded, or none at all."""
    printed = sentences.RANGE.search(text)
    if printed is None:
        return True
    for end, words in zip(ends, printed.groups()[:2], strict=True):
        said = sentences.read_number(words)
        # To its last decimal, or to three figures; shares are filed as parts of one.
        off = max(0.51 * 10.0 ** -len(words.partition(".")[2]), 0.0051 * abs(said))
        if not any(abs(end * scale - said) <= off for scale in (1, 100)):
            return False
    return True
