"""The interval of each number of the prose: that of the row of the table from which it was read.

A filed number names its table, its unit and its value, not its row. Rows of that table with this
value and unit are looked up; where several have it, the row is the one whose group, level and terms
the key of the number names, and whose interval is the one that is printed. Where rows that cannot
be told apart have different intervals, none is given.

Ends that leave out the estimate of one row of their table belong to something else in all of its
rows: to a published ratio that a row starts from, or to what a check allows. They are given only
where a text prints them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

import pandas as pd

from distance_to_care import results
from distance_to_care.publication import sentences

# A confidence interval is the interval of a row that has a range as well.
ENDS = (("ci_low", "ci_high"), ("low", "high"))
MEASURED = ("estimate", "hazard_ratio", *ENDS[0], *ENDS[1])
Interval = tuple[float, float]
# Of a row: the intervals of the value, all that stand in the row, and the cells that name it.
_Row = tuple[list[Interval], list[Interval], list[str]]
# A number without words, with or without its interval.
ALONE = re.compile(rf"(?P<number>{sentences.NUMBER})(?: \(.*\))?$")
# Ranges of a number that may leave it out, each with the reason, which readers are told.
MAY_LEAVE_OUT = {
    "travel_with_model_error": "The range is that of the same sum with errors of the model added "
    "at random. It lies mostly below the number, and may leave it out, because the shortest of "
    "several uncertain drives tends to come out shorter than the shortest of the modelled ones."
}


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
        rows = _rows(read(name), name) if of_table["value"].notna().any() else {}
        for number in of_table.to_dict("records"):
            found[number["key"]] = _interval(number, rows)
    return found


def _rows(table: pd.DataFrame, name: str) -> dict[tuple[str, str], list[_Row]]:
    """List the intervals of rows, with the cells that name them, by unit and value."""
    known = [pair for pair in ENDS if set(pair) <= set(table)]
    if not known:
        return {}
    naming = [column for column in results.KEYS if column in table]
    columns = sorted(set(MEASURED) & set(table))
    own = {column: [pair for pair in known if name in MAY_LEAVE_OUT or around(table, column, pair)]
           for column in columns}  # fmt: skip
    found = defaultdict(list)
    for row in table.to_dict("records"):
        ends = {(low, high): (row[low], row[high]) for low, high in known
                if pd.notna(row[low]) and pd.notna(row[high])}  # fmt: skip
        cells = [f"{row[column]:g}" if isinstance(row[column], float) else str(row[column])
                 for column in naming if pd.notna(row[column])]  # fmt: skip
        for column in columns:
            if pd.notna(row[column]):
                unit = row.get("unit", "") if column == "estimate" else column.replace("_", " ")
                its = [ends[pair] for pair in own[column] if pair in ends]
                found[str(unit), f"{row[column]:.9g}"].append((its, list(ends.values()), cells))
    return found


def around(table: pd.DataFrame, column: str, ends: tuple[str, str]) -> bool:
    """Tell whether no row of a table has a value beyond these two columns."""
    low, high = ends
    rows = table.dropna(subset=[column, low, high])
    beyond = (rows[low] - rows[column]).combine(rows[column] - rows[high], max)
    # Written to ten figures, an end may differ from its value in the last.
    return bool((beyond <= 1e-8 * (1 + rows[column].abs())).all())


def _interval(number: Mapping, rows: Mapping) -> Interval | None:
    value = number["value"]
    if pd.isna(value) or another_is_printed(number["text"], value):
        return None
    unit = "" if pd.isna(number["unit"]) else str(number["unit"])
    fits, printed = [], bool(sentences.RANGE.search(number["text"]))
    for own, known, cells in rows.get((unit, f"{value:.9g}"), []):
        pairs = known if printed else own
        ends = next((pair for pair in pairs if as_printed(number["text"], pair)), None)
        if ends or not printed:
            fits.append((ends, cells))
    if len({ends for ends, _ in fits}) > 1:
        key = f".{number['key']}."
        named = [sum(f".{cell}." in key for cell in cells) for _, cells in fits]
        fits = [row for row, count in zip(fits, named, strict=True) if count == max(named)]
    told = {ends for ends, _ in fits}
    return told.pop() if len(told) == 1 else None


def another_is_printed(text: str, value: float) -> bool:
    """Tell whether a text prints one number only, and not this one: another column of its row."""
    printed = ALONE.match(text)
    return bool(printed) and not _rounded(value, printed["number"])


def _rounded(value: float, words: str) -> bool:
    # To its last decimal, or to three figures.
    said = sentences.read_number(words)
    off = max(0.51 * 10.0 ** -len(words.partition(".")[2]), 0.0051 * abs(said))
    return abs(value - said) <= off


def as_printed(text: str, ends: Interval) -> bool:
    """Tell whether a text prints this interval, rounded, or none at all."""
    printed = sentences.RANGE.search(text)
    if printed is None:
        return True
    for end, words in zip(ends, printed.groups()[:2], strict=True):
        # Shares are filed as parts of one.
        if not any(_rounded(end * scale, words) for scale in (1, 100)):
            return False
    return True
