"""What may stand in a released table: no formula, no free text, nobody's code, no small count."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from distance_to_care.disclosure import COUNT_COLUMNS, KEY_COLUMNS, LEVEL_COLUMNS
from distance_to_care.problems import Problem

# The limits of an environment whose limits are published: 16 megabytes and 5,000 rows a file.
LARGEST_BYTES = 16_000_000
MOST_ROWS = 5_000
# A longer cell is a text that somebody wrote, not the name of a group or a reason.
LONGEST_CELL = 600
COUNTS = (*COUNT_COLUMNS, *LEVEL_COLUMNS)
# Columns that name a row; a number in them is a name, and no result.
NAMING = frozenset(KEY_COLUMNS) - {"time_years"}
NOT_ABOUT_PEOPLE = "not about people"
# Spreadsheets read these as the beginning of a formula, in the wide forms as well.
_FORMULA = "=+-@\t\r\0＝＋－＠"
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf|nan")
# A signed number in words, such as "-2.5 months (95% CI -4.4 to 1.2)": nothing can be run from it.
_SIGNED_WORDS = re.compile(
    r"[-+]\d[\d,]*(?:\.\d+)?%?(?: [A-Za-z][A-Za-z ]*)?"
    r"(?: \(\d+% CI [-+]?[\d,.]+ to [-+]?[\d,.]+\))?"
)
_IDENTIFYING = {
    "a postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}\b"),
    "the code of a small area": re.compile(r"\b[EWSN]0[0-9]\d{6}\b"),
    "a day": re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{4}\b"),
    "an electronic address": re.compile(r"\S@\S+\.\S"),
}
_TEN_DIGITS = re.compile(r"(?<![\d.])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d.])")


def rows_of(content: bytes, name: str) -> list[list[str]]:
    """Read the cells of a CSV file, the header first, every cell as text.

    Raises
    ------
    Problem : where it is not text in UTF-8, has no header, or its rows differ in length.
    """
    try:
        text = content.decode()
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (ValueError, csv.Error):
        raise Problem(f"{name} cannot be read as CSV in UTF-8.") from None
    if not rows or len({len(row) for row in rows}) != 1 or len(set(rows[0])) != len(rows[0]):
        raise Problem(f"{name} has no header of distinct columns, or rows of different lengths.")
    return rows


def limits(content: bytes, rows: Sequence[Sequence[str]], name: str) -> list[str]:
    """Say what is too large about a file: bytes or rows."""
    found = []
    if len(content) > LARGEST_BYTES:
        found.append(f"{name} is larger than {LARGEST_BYTES // 1_000_000} megabytes.")
    if len(rows) - 1 > MOST_ROWS:
        found.append(
            f"{name} has more than {MOST_ROWS:,} rows, which output checkers do not take. Publish "
            "it in parts, each of them a question of its own."
        )
    return found


def cells(rows: Sequence[Sequence[str]], name: str, about_people: bool) -> list[str]:
    """Say which columns of a file hold what a release may not: never a cell itself.

    Parameters
    ----------
    rows : cells as text, the header first.
    name : the file, for the sentences.
    about_people : whether identifying codes and long texts are looked for as well.
    """
    rules: dict[str, Callable[[str], bool]] = {
        "a formula": _is_formula,
        "control characters or line breaks": _has_control,
    }
    if about_people:
        rules["free text"] = lambda cell: len(cell) > LONGEST_CELL
        rules["the form of an NHS number"] = _has_health_number
        for what, form in _IDENTIFYING.items():
            rules[what] = lambda cell, form=form: bool(form.search(cell))
    found: Counter[tuple[str, str]] = Counter()
    for place, header in enumerate(rows[0]):
        for cell in {row[place] for row in rows}:
            for what, breaks in rules.items():
                if breaks(cell):
                    found[header, what] += 1
    return [
        f"{name}: column '{_shown(header)}' holds {what} ({count} different "
        f"cell{'s' if count != 1 else ''}). Nothing of that kind may leave: "
        "mend what the notebook publishes."
        for (header, what), count in found.items()
    ]


def counts(rows: Sequence[Sequence[str]], receipt: Mapping, name: str) -> list[str]:
    """Check again that every count of a table keeps the threshold and rounding of its receipt.

    Parameters
    ----------
    rows : cells as text, the header first.
    receipt : `shape` and `numbers` (of the profile) as the gate wrote them.
    name : the file, for the sentences.
    """
    if receipt["shape"] == NOT_ABOUT_PEOPLE:
        return []
    numbers = receipt["numbers"]
    faults: Counter[tuple[str, str]] = Counter()
    for place, header in enumerate(rows[0]):
        if header not in COUNTS:
            continue
        for row in rows[1:]:
            broken = _broken_count(row[place], numbers)
            if broken:
                faults[header, broken] += 1
    return [
        f"{name}: column '{header}' breaks the rules of its receipt in {count} "
        f"row{'s' if count != 1 else ''}: {what}."
        for (header, what), count in faults.items()
    ]


def smallest_count(rows: Sequence[Sequence[str]]) -> int | None:
    """Find the smallest count that a table shows; None where it shows none.

    rows : cells as text, the header first.
    """
    places = [place for place, header in enumerate(rows[0]) if header in COUNTS]
    shown = [as_number(row[place]) for row in rows[1:] for place in places]
    return min((int(count) for count in shown if count is not None), default=None)


def numbers(rows: Sequence[Sequence[str]], tables: Mapping[str, Sequence], name: str) -> list[str]:
    """Check that every number for the prose stands in the released table that it names.

    Parameters
    ----------
    rows : numbers.csv, cells as text: `key`, `text`, `value`, `table`, ...
    tables : the released tables by name, each as cells with the header first.
    """
    if not {"key", "text", "value", "unit", "table"} <= set(rows[0]):
        return [f"{name} lacks one of the columns key, text, value, unit and table."]
    place = rows[0].index("table")
    foreign = sum(row[place] not in tables for row in rows[1:])
    missing = len(absent(rows, tables))
    found = []
    if foreign:
        found.append(f"{name}: {_rows(foreign)} from a table that is not released.")
    if missing:
        found.append(f"{name}: {_rows(missing)} that the released table does not hold.")
    return found


def absent(rows: Sequence[Sequence[str]], tables: Mapping[str, Sequence]) -> list[int]:
    """Find the numbers for the prose that their table does not hold: rows from 0, no header.

    rows, tables : as in `numbers`; a table that is not there is passed over.
    """
    known = {table: _values(cells) for table, cells in tables.items()}
    found = []
    for place, row in enumerate(rows[1:]):
        filed = dict(zip(rows[0], row, strict=True))
        value = as_number(filed["value"])
        if value is None and re.fullmatch(r"[\d,]+", filed["text"]):
            value = as_number(filed["text"].replace(",", ""))
        if filed["table"] in known and value is not None and value not in known[filed["table"]]:
            found.append(place)
    return found


def _values(rows: Sequence[Sequence[str]]) -> set[float | None]:
    """The numbers of a table but those that name its rows, such as the number of a group."""
    places = [place for place, header in enumerate(rows[0]) if header not in NAMING]
    return {as_number(row[place]) for row in rows[1:] for place in places} - {None}


def _rows(count: int) -> str:
    return "one number comes with a value" if count == 1 else f"{count} numbers come with values"


def _broken_count(cell: str, numbers: Mapping) -> str:
    if cell == "":
        return ""
    value = as_number(cell)
    if value is None or value != int(value) or value < 0:
        return "not a whole number"
    if value < numbers["threshold"] and (value > 0 or numbers.get("zero_is_small", True)):
        return f"a count below {numbers['threshold']}"
    if value % numbers["round_to"]:
        return f"a count that is no multiple of {numbers['round_to']}"
    return ""


def as_number(cell: str) -> float | None:
    """Read a cell that is a finite number; None where it is anything else."""
    plain = cell.isascii() and _NUMBER.fullmatch(cell) and cell[-1].isdigit()
    return float(cell) if plain and math.isfinite(float(cell)) else None


def _is_formula(cell: str) -> bool:
    if not cell.lstrip(" ").startswith(tuple(_FORMULA)):
        return False
    return not (_NUMBER.fullmatch(cell) or _SIGNED_WORDS.fullmatch(cell))


def _has_control(cell: str) -> bool:
    return any(unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
               for letter in cell)  # fmt: skip


def _has_health_number(cell: str) -> bool:
    for found in _TEN_DIGITS.findall(cell):
        digits = [int(letter) for letter in found if letter.isdigit()]
        check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
        if check % 11 == digits[9] and check != 10:
            return True
    return False


def _shown(header: str) -> str:
    """A header that is a plain name may be told; any other could be somebody's text."""
    return header if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", header) else "(not a plain name)"
