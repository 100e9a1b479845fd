"""Checks a table against its columns and counts what is wrong, without showing a single value.

The table may be about patients, so a fault says which column, which rule, how many rows and what to
do, never what a cell holds. The rules are fixed here, the same for CSV and Parquet:

- space around a cell is dropped, and a cell of nothing but space is missing;
- a number is written plainly with a decimal point (`1e3` and `+5` are numbers; `nan`, `NA`, `5 %`
  and `3,5` are not);
- a whole number may have an empty decimal part (`1.0`), since pandas and R write a whole-number
  column with missing cells that way;
- true and false may be written in small or capital letters, or as 1 and 0 (also `1.0` and `0.0`);
  `yes` and `Y` are not accepted;
- words such as `female` are matched exactly, small and capital letters told apart;
- a text column may hold numbers;
- columns that the contract does not know are passed over, unless they look like a misspelling of a
  column that is absent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from distance_to_care import cells as cells_of
from distance_to_care.problems import Fault
from distance_to_care.study import Column, number

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_INFINITE = r"^[+-]?(?i:inf|infinity)$"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_MISSING_CODES = ["na", "n/a", "nan", "null", "none", "nil", "missing", "unknown", ".", "-", "?"]
_TRUE = ["true", "1", "1.0"]
_FALSE = ["false", "0", "0.0"]
# Two columns of years are compared to this much: far below a day, far above rounding in the
# sixteenth digit.
_ROUNDING = 1e-9

# Units that people mix up, by what the unit of a column begins with: what the values may be
# instead, and the factor that mends them.
_MIXED_UNITS = {
    "per cent": (("fractions", 100.0, "multiply by 100"),),
    "years": (("days", 1 / 365.25, "divide by 365.25"), ("months", 1 / 12, "divide by 12")),
    "months": (("days", 12 / 365.25, "divide by 30.44"),),
    "days": (("hours", 1 / 24, "divide by 24"),),
    "km": (("metres", 1 / 1000, "divide by 1,000"),),
    "minutes": (("seconds", 1 / 60, "divide by 60"),),
}


# Where the rules of a column stand in the list of its faults, in this order.
_READING, _MISSING, _UNIQUE, _CONSTANT, _LEVELS, _FORM, _RANGE, _EMPTY, _AT_MOST = range(0, 90, 10)
# What the faults of a table begin with: names of columns, then rows without anything.
_NAMES, _ROWS, _COLUMNS = range(3)


@dataclass(frozen=True)
class Finding:
    """A broken rule before its sentence is made: those of one rule in several parts add up.

    `place` is where it stands among the others. A hint is said where it is true in any part; a
    unit is said to be mixed up where it would mend the values of every part.
    """

    place: tuple[int, ...]
    column: str
    rule: str
    rows: int | None
    mend: str
    hints: tuple[tuple[str, bool], ...] = ()
    nearly: int = 0  # words of which only the capital letters differ
    units: tuple[tuple[str, str], ...] = ()
    otherwise: str = ""  # what is said where no unit fits
    after: str = ""

    def plus(self, other: Finding) -> Finding:
        """The finding of two parts of a table; of a rule about columns that of the first."""
        if self.rows is None:
            return self
        hints = zip(self.hints, other.hints, strict=True)
        return replace(
            self,
            rows=self.rows + other.rows,
            hints=tuple((said, one or too) for (said, one), (_, too) in hints),
            nearly=self.nearly + other.nearly,
            units=tuple(unit for unit in self.units if unit in other.units),
        )

    def fault(self) -> Fault:
        """The finding as a sentence to act on."""
        mend = self.mend + "".join(sentence for sentence, is_so in self.hints if is_so)
        if self.nearly:
            mend += f" In {self.nearly:,} of them only the capital letters differ."
        unit = " or ".join(f"{name} ({how})" for name, how in self.units)
        if len(self.units) == 1:
            unit = ": ".join(self.units[0])
        hint = f"Looks like {unit}." if unit else self.otherwise
        mend = " ".join(filter(None, (mend, hint, self.after)))
        return Fault(self.column, self.rule, self.rows, mend)


@dataclass(frozen=True)
class Part:
    """A part of a table: typed, with what was found in it, and which rows hold any value."""

    typed: pd.DataFrame
    findings: tuple[Finding, ...]
    filled: np.ndarray


@dataclass(frozen=True)
class _Cells:
    """One column as read: typed values with nulls, and which cells held anything at all."""

    typed: pa.Array
    given: np.ndarray  # bool: the cell is not missing
    faults: tuple[Finding, ...]


def faults(
    frame: pd.DataFrame,
    fields: Iterable[Column],
    *,
    strict: bool = False,
    others: Sequence[str] = (),
) -> list[Fault]:
    """List every rule that a table breaks.

    Parameters
    ----------
    frame : the table, one row a record; cells may be text (as in a CSV file) or typed.
    fields : the columns that the table should have, with their rules.
    strict : also refuse columns that are not among `fields`.
    others : names of further columns of the file that are not in `frame`.

    Returns
    -------
    One Fault a broken rule, in the order of `fields`; empty where the table keeps the contract.
    No fault holds a value of the table. The order of rows and of columns makes no difference.
    """
    return examine(frame, fields, strict=strict, others=others)[1]


def examine(
    frame: pd.DataFrame,
    fields: Iterable[Column],
    *,
    strict: bool = False,
    others: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[Fault]]:
    """Check a table as `faults` does and return it typed as well.

    Returns the table with exactly the columns of `fields`, in their order, and the faults. Types:
    text -> object (missing None); number -> float64; integer -> int64, or Int64 where cells are
    missing; boolean -> bool, or boolean where cells are missing. An absent column is all missing.
    A cell that cannot be read is missing too, so the table is of use only where no fault is found.
    """
    fields = tuple(fields)
    part = examine_part(frame, fields, strict=strict, others=others)
    found = list(part.findings)
    for place, column in enumerate(fields):
        if column.name in part.typed and column.name in map(str, frame.columns):
            values = part.typed[column.name]
            if column.unique:
                rows = int((values.duplicated(keep=False) & values.notna()).sum())
                found += repeated(column, place, rows)
            if column.constant:
                found += mixed(column, place, kinds(values, part.filled))
    return part.typed, in_sentences(found)


def in_sentences(found: Iterable[Finding]) -> list[Fault]:
    """The findings as faults, in their order."""
    return [finding.fault() for finding in sorted(found, key=lambda each: each.place)]


def examine_part(
    frame: pd.DataFrame,
    fields: Sequence[Column],
    *,
    strict: bool = False,
    others: Sequence[str] = (),
) -> Part:
    """Check some rows of a table as `examine` does, but for what needs all rows.

    Whether values are in more than one row, and whether a column is the same throughout, is left
    to `repeated` and `mixed`. Findings of parts of one table, which have the same `place` and
    `rule`, add up to those of the whole.

    Parameters
    ----------
    frame, fields, strict, others : as for `examine`.

    Returns
    -------
    The rows typed, their findings, and which of them hold any value.
    """
    names = [str(name) for name in frame.columns]
    found = [
        Finding((_NAMES, place), fault.column, fault.rule, None, fault.mend)
        for place, fault in enumerate(
            _name_faults(names + [str(name) for name in others], fields, strict)
        )
    ]
    cells: dict[str, _Cells] = {}
    filled = np.zeros(len(frame), dtype=bool)
    for column in fields:
        if column.name in names:
            values = frame.iloc[:, names.index(column.name)]
            cells[column.name] = _read(values, column)
            filled |= cells[column.name].given
    empty = int((~filled).sum()) if cells else 0
    if empty:
        mend = "Delete the empty rows of the file."
        found.append(Finding((_ROWS,), "", "rows without any value", empty, mend))
    for place, column in enumerate(fields):
        if column.name in cells:
            found += [
                replace(each, place=(_COLUMNS, place, *each.place))
                for each in _column_faults(column, cells, filled)
            ]
    typed = {
        column.name: _typed(cells[column.name].typed, column)
        if column.name in cells
        else _all_missing(column, len(frame))
        for column in fields
    }
    table = pd.DataFrame(typed)
    table.index = frame.index
    return Part(table, tuple(found), filled)


def repeated(column: Column, place: int, rows: int) -> list[Finding]:
    """What is found of a column, at that place, where so many rows share values with others."""
    if not rows:
        return []
    rule, mend = "values that are in more than one row", "Each row needs its own: join or delete"
    at = (_COLUMNS, place, _UNIQUE)
    return [Finding(at, column.name, rule, rows, f"{mend} the repeated rows.")]


def kinds(values: pd.Series, filled: np.ndarray) -> pd.Series:
    """Count the rows of each value; a missing cell is a kind of its own, an empty row none."""
    return values.astype(object).fillna("")[filled].value_counts()


def mixed(column: Column, place: int, counted: pd.Series) -> list[Finding]:
    """What is found of a column, at that place, that should be the same in every row."""
    rows = int(counted.sum() - counted.max()) if len(counted) else 0
    if not rows:
        return []
    at = (_COLUMNS, place, _CONSTANT)
    return [Finding(at, column.name, "not the same in every row", rows, column.advice)]


# ---------------------------------------------------------------------------------- column names


def _plain(name: str) -> str:
    """A column name as one would say it: small letters, one underscore between words."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def recognised(names: Sequence[str], fields: Iterable[Column]) -> int:
    """Count the fields whose exact name, or nothing but its spelling, is among `names`."""
    plain = {_plain(name) for name in names}
    return sum(_plain(column.name) in plain for column in fields)


def resembling(names: Sequence[str], fields: Iterable[Column]) -> int:
    """Count the fields that one of `names` is, or is nearly."""
    return sum(column.name in names or _near(column.name, names) is not None for column in fields)


def _name_faults(names: list[str], fields: Sequence[Column], strict: bool) -> list[Fault]:
    found = []
    known = {column.name for column in fields}
    for name in sorted({name for name in names if names.count(name) > 1} & known):
        found.append(
            Fault(
                name, "the column is there more than once", None, "Keep one and delete the other."
            )
        )
    free = sorted(set(names) - known)
    for column in fields:
        if column.name in names:
            continue
        near = _near(column.name, free)
        unit = f", in {column.unit}" if column.unit else ""
        if near:
            free.remove(near)
            found.append(
                Fault(
                    column.name,
                    "the column is missing",
                    None,
                    f"Is it the column '{near}'? Then rename that one to '{column.name}'{unit}.",
                )
            )
        elif column.unless and not set(column.unless) & set(names):
            found.append(
                Fault(
                    column.name,
                    "the column is missing",
                    None,
                    f"Add it{unit}, or add {' or '.join(map(repr, column.unless))} to work it "
                    "out from.",
                )
            )
        elif column.required:
            blank = " Cells may stay empty." if column.may_be_missing else ""
            found.append(Fault(column.name, "the column is missing", None, f"Add it{unit}.{blank}"))
    if strict:
        for name in free:
            found.append(
                Fault(name, "the column is not in the schema", None, "Describe it or delete it.")
            )
    return found


def _near(name: str, free: Sequence[str]) -> str | None:
    """The free name that is nearly `name`. Only near names are quoted: another might be a value."""
    spoken = {_plain(each): each for each in reversed(free)}
    near = [each for each in spoken if each and _plain(name).startswith(f"{each}_")]
    near = near or difflib.get_close_matches(_plain(name), spoken, n=1, cutoff=0.8)
    return spoken[near[0]] if near else None


# ------------------------------------------------------------------------------- reading of cells


def _is_text(array: pa.Array) -> bool:
    return pa.types.is_string(array.type) or pa.types.is_large_string(array.type)


def _is_numeric(array: pa.Array) -> bool:
    return pa.types.is_integer(array.type) or pa.types.is_floating(array.type)


def _mask(booleans: pa.Array) -> np.ndarray:
    """A NumPy mask of an Arrow boolean array, false where it is null."""
    return pc.fill_null(booleans, False).to_numpy(zero_copy_only=False)


def _read(values: pd.Series, column: Column) -> _Cells:
    """Read the cells of one column as its type; what cannot be read becomes null and is counted."""
    array = cells_of.arrow(values)
    if pa.types.is_null(array.type):
        return _Cells(array, np.zeros(len(array), dtype=bool), ())
    if _is_text(array):
        array = pc.utf8_trim_whitespace(array)
        array = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    elif pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    given = _mask(pc.is_valid(array))
    readable = _is_text(array) or _is_numeric(array) or pa.types.is_boolean(array.type)
    if not readable:
        mend = f"Write {_wanted(column)}; dates, lists and binary data are not read."
        fault = _found(column, 0, "values of another type", int(given.sum()), mend)
        return _Cells(pa.nulls(len(array)), given, (fault,) if given.any() else ())
    if column.type == "string":
        return _Cells(_as_text(array), given, ())
    if column.type == "boolean":
        return _read_boolean(array, given, column)
    return _read_number(array, given, column)


def _found(
    column: Column, place: int, rule: str, rows: int, mend: str, hints: Sequence = ()
) -> Finding:
    return Finding((_READING, place), column.name, rule, rows, mend, tuple(hints))


def _wanted(column: Column) -> str:
    return {
        "string": "text",
        "number": "a plain number such as 12.5",
        "integer": "a whole number such as 3",
        "boolean": "true or false",
    }[column.type]


def _as_text(array: pa.Array) -> pa.Array:
    if _is_text(array):
        return array
    if pa.types.is_floating(array.type):
        numbers = array.to_numpy(zero_copy_only=False)
        whole = numbers[~np.isnan(numbers)]
        if (np.abs(whole) < 2**53).all() and (whole == np.floor(whole)).all():
            array = array.cast(pa.int64())
    return array.cast(pa.string())


def _read_boolean(array: pa.Array, given: np.ndarray, column: Column) -> _Cells:
    if pa.types.is_boolean(array.type):
        return _Cells(array, given, ())
    words = pc.utf8_lower(array if _is_text(array) else array.cast(pa.string()))
    true = pc.is_in(words, value_set=pa.array([*_TRUE], words.type))
    false = pc.is_in(words, value_set=pa.array([*_FALSE], words.type))
    known = pc.or_(true, false)
    values = pc.if_else(known, true, pa.scalar(None, pa.bool_()))
    bad = int((given & ~_mask(known)).sum())
    if not bad:
        return _Cells(values, given, ())
    mend, hints = "Write true or false (1 and 0 will do).", _code_hints(words, column)
    return _Cells(values, given, (_found(column, 1, "neither true nor false", bad, mend, hints),))


def _read_number(array: pa.Array, given: np.ndarray, column: Column) -> _Cells:
    found = []
    if pa.types.is_boolean(array.type):
        mend = f"Write {_wanted(column)}."
        rule = "true or false where a number is expected"
        fault = _found(column, 2, rule, int(given.sum()), mend)
        return _Cells(pa.nulls(len(array)), given, (fault,) if given.any() else ())
    if _is_text(array):
        plain = pc.match_substring_regex(array, _NUMBER)
        infinite = pc.match_substring_regex(array, _INFINITE)
        bad = int((given & ~_mask(pc.or_(plain, infinite))).sum())
        if bad:
            mend, hints = f"Write {_wanted(column)}.", _code_hints(pc.utf8_lower(array), column)
            found.append(_found(column, 3, "text where a number is expected", bad, mend, hints))
        numbers = pc.if_else(plain, array, pa.scalar(None, array.type)).cast(pa.float64())
    else:
        infinite = pc.is_inf(array) if pa.types.is_floating(array.type) else None
        numbers = array
    if pa.types.is_floating(numbers.type):
        # Text such as 1e999 becomes infinite only when it is read as a number.
        endless = int((_mask(infinite) | _mask(pc.is_inf(numbers))).sum())
        numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, numbers.type))
    else:
        endless = 0
    if endless:
        mend = "Leave the cell empty where the value is not known."
        if not column.may_be_missing:
            mend = "Look up the value, or leave the row out."
        found.append(_found(column, 4, "infinite values", endless, mend))
    if column.type == "integer" and pa.types.is_floating(numbers.type):
        fraction = _mask(pc.not_equal(numbers, pc.floor(numbers)))
        if fraction.any():
            mend = f"Write {_wanted(column)}, without decimals."
            found.append(_found(column, 5, "not a whole number", int(fraction.sum()), mend))
            numbers = pc.if_else(pa.array(fraction), pa.scalar(None, numbers.type), numbers)
        large = _mask(pc.greater(pc.abs(numbers), 2.0**53))
        if large.any():
            mend = "Use smaller numbers, or describe the column as text if it holds codes."
            found.append(_found(column, 6, "too large to be exact", int(large.sum()), mend))
            numbers = pc.if_else(pa.array(large), pa.scalar(None, numbers.type), numbers)
        numbers = numbers.cast(pa.int64())
    return _Cells(numbers, given, tuple(found))


def _code_hints(words: pa.Array, column: Column) -> list[tuple[str, bool]]:
    """What many cells that cannot be read have in common: sentences, and whether they are so."""
    codes = pc.is_in(words, value_set=pa.array(_MISSING_CODES, words.type))
    said = " Codes such as NA do not do, and this column has a value in every row."
    if column.may_be_missing:
        said = " Where the value is missing leave the cell empty: codes such as NA do not do."
    hints = [(said, bool(_mask(codes).any()))]
    if column.type == "number":
        commas = _mask(pc.match_substring_regex(words, _DECIMAL_COMMA)).any()
        hints.append((" Write a decimal point instead of a decimal comma.", bool(commas)))
    return hints


def _typed(values: pa.Array, column: Column) -> pd.Series:
    if column.type == "string":
        # Equal words share one object, so a million rows of `female` stay small.
        return pd.Series(values.cast(pa.string()).to_pandas(), dtype=object)
    if column.type == "number":
        return values.cast(pa.float64(), safe=False).to_pandas()
    if values.null_count == 0:
        return values.to_pandas()
    missing = _mask(pc.is_null(values))
    if column.type == "boolean":
        filled = pc.fill_null(values.cast(pa.bool_()), False).to_numpy(zero_copy_only=False)
        return pd.Series(pd.arrays.BooleanArray(filled.copy(), missing.copy()))
    filled = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return pd.Series(pd.arrays.IntegerArray(filled.copy(), missing.copy()))


def _all_missing(column: Column, rows: int) -> pd.Series:
    return _typed(pa.nulls(rows), column)


# ------------------------------------------------------------------------------ rules of a column


def _column_faults(column: Column, cells: dict[str, _Cells], filled: np.ndarray) -> list[Finding]:
    """Every rule that one column breaks in these rows, each with its place."""
    own = cells[column.name]
    found = list(own.faults)

    def fault(place: int, rule: str, rows: np.ndarray, mend: str, **more) -> None:
        count = int(rows.sum())
        if count:
            found.append(Finding((place,), column.name, rule, count, mend, **more))

    missing = filled & ~own.given
    if column.unless:
        # A column that is not in the file need not be spoken of, but for the usual one.
        there = [name for name in column.unless if name in cells] or [column.unless[0]]
        lacking = missing
        for name in there:
            lacking = lacking if name not in cells else lacking & ~cells[name].given
        others = " and ".join(map(repr, there))
        fault(
            _MISSING,
            f"missing where {others} {'is' if len(there) == 1 else 'are'} missing too",
            lacking,
            f"Fill in one of them. The check accepts {others.replace(' and ', ' or ')} alone and "
            f"works '{column.name}' out from it where it can.",
        )
    elif not column.may_be_missing:
        fault(
            _MISSING,
            "missing values",
            missing,
            "Fill in the value, or leave the row out and say how many you left out.",
        )
    if column.levels:
        unknown, mend, nearly = _level_fault(column, own.typed)
        more = {"nearly": nearly, "after": column.advice}
        fault(_LEVELS, "unknown category", unknown, mend, **more)
    if column.pattern and not pa.types.is_null(own.typed.type):
        matches = _mask(pc.match_substring_regex(own.typed, f"^(?:{column.pattern})$"))
        fault(
            _FORM,
            "codes that are not of the right form",
            own.given & ~matches,
            column.advice or f"The form is {column.pattern} (a regular expression).",
        )
    if column.type in ("number", "integer"):
        for place, rule, rows, more in _range_faults(column, own.typed):
            fault(place, rule, rows, **more)
    if column.empty_when in cells:
        flag = cells[column.empty_when].typed
        if pa.types.is_boolean(flag.type):
            fault(
                _EMPTY,
                f"given although '{column.empty_when}' is true",
                own.given & _mask(flag),
                f"Empty the cell, or set '{column.empty_when}' to false.",
            )
    if column.at_most in cells:
        limit = _numbers(cells[column.at_most].typed) + _ROUNDING
        fault(
            _AT_MOST,
            f"above '{column.at_most}' of the same row",
            _numbers(own.typed) > limit,
            f"What comes after the end of follow-up is not known: correct '{column.at_most}', or "
            "empty the cell.",
        )
    return found


def _numbers(values: pa.Array) -> np.ndarray:
    """Cells as floats, NaN where missing."""
    # Not safe: a safe cast refuses integers beyond 2^53 with an error that quotes them.
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _level_fault(column: Column, values: pa.Array) -> tuple[np.ndarray, str, int]:
    """Which cells hold no level, how to mend them, and how many are nearly one."""
    levels = pa.array(column.levels)
    allowed = ", ".join(str(level) for level in column.levels)
    valid = _mask(pc.is_valid(values))
    if pa.types.is_null(values.type):
        return valid, "", 0
    unknown = valid & ~_mask(pc.is_in(values, value_set=levels.cast(values.type)))
    mend = f"Use exactly {allowed}." if len(column.levels) > 1 else f"The only word is {allowed}."
    nearly = 0
    if unknown.any() and column.type == "string":
        small = pa.array([str(level).lower() for level in column.levels], values.type)
        nearly = int((unknown & _mask(pc.is_in(pc.utf8_lower(values), value_set=small))).sum())
    return unknown, mend, nearly


def _range_faults(column: Column, values: pa.Array) -> list[tuple[int, str, np.ndarray, dict]]:
    """Place, rule, rows and what to say of each limit that values are beyond."""
    numbers = _numbers(values)
    unit = f" {column.unit}" if column.unit else ""
    rules = (
        (column.minimum, np.less, "below the minimum of"),
        (column.exclusive_minimum, np.less_equal, "not above"),
        (column.maximum, np.greater, "above the maximum of"),
        (column.exclusive_maximum, np.greater_equal, "not below"),
    )
    found = []
    for place, (limit, breaks, words) in enumerate(rules, start=_RANGE):
        if limit is None:
            continue
        rows = breaks(numbers, limit)
        if rows.any():
            more = {
                "mend": f"Check the value and its unit{' (' + column.unit + ')' if unit else ''}.",
                "units": _units_that_fit(column, numbers[rows]),
                "otherwise": column.advice if limit == column.exclusive_minimum else "",
            }
            found.append((place, f"{words} {number(limit)}{unit}", rows, more))
    return found


def _units_that_fit(column: Column, outside: np.ndarray) -> tuple[tuple[str, str], ...]:
    """The units that the values may be in: those that would bring every one into range."""
    lowest = column.minimum if column.minimum is not None else column.exclusive_minimum
    if lowest is None or column.maximum is None:
        return ()
    above_lowest = np.greater if column.minimum is None else np.greater_equal
    return tuple(
        (name, mend)
        for unit, may_be in _MIXED_UNITS.items()
        if column.unit.startswith(unit)
        for name, factor, mend in may_be
        if (above_lowest(outside * factor, lowest) & (outside * factor <= column.maximum)).all()
    )
