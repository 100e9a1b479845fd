"""Column names and codes of a registry, as a study file maps them to those of the contract.

A study file says under `[mapping]` what the columns of an extract are called, in which unit they
are, which codes stand for which words and which for nothing known. What it does not say is left as
it is. Nothing here shows what a cell holds: codes that are not mapped are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from distance_to_care import cells as cells_of
from distance_to_care.problems import Fault

DAYS_IN_A_YEAR = 365.25
# What one of a unit is in the unit that a column of the contract has, by how that unit begins.
UNITS = {
    "years": {
        "days": 1 / DAYS_IN_A_YEAR,
        "weeks": 7 / DAYS_IN_A_YEAR,
        "months": 1 / 12,
        "years": 1.0,
    },
    "months": {
        "days": 12 / DAYS_IN_A_YEAR,
        "weeks": 84 / DAYS_IN_A_YEAR,
        "months": 1.0,
        "years": 12.0,
    },
    "days": {
        "hours": 1 / 24,
        "days": 1.0,
        "weeks": 7.0,
        "months": DAYS_IN_A_YEAR / 12,
        "years": DAYS_IN_A_YEAR,
    },
    "per cent": {"fraction": 100.0, "per cent": 1.0},
    "km": {"metres": 0.001, "km": 1.0, "miles": 1.609344},
    "minutes": {"seconds": 1 / 60, "minutes": 1.0, "hours": 60.0},
}
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}($|[T ])"
# Somebody who leaves on the day they come was followed for half of it.
_NO_DAYS = 0.5


@dataclass(frozen=True)
class Source:
    """Where one column of the contract comes from in a file, and how its cells are read."""

    column: str
    origin: str
    until: str = ""  # a second column of dates: the cell is the time from the first to it
    factor: float = 1.0  # what a number is multiplied by to come into the contract's unit
    codes: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnMap:
    """Everything that a study file says under `[mapping]`."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sources or self.missing or self.true or self.false)

    def sought(self, columns: Iterable[Any]) -> list[Any]:
        """The columns to look for in a file: those of the contract under the file's names."""
        found = []
        for column in columns:
            source = self.sources.get(column.name)
            names = [source.origin, source.until] if source else [column.name]
            found += [replace(column, name=name) for name in names if name]
        # A column may serve two: a date ends one time and begins another.
        return list({column.name: column for column in reversed(found)}.values())[::-1]

    def apply(
        self, frame: pd.DataFrame, columns: Iterable[Any]
    ) -> tuple[pd.DataFrame, list[Fault]]:
        """Give a file's columns and codes the names and words of the contract.

        Parameters
        ----------
        frame : the file as read, under its own names; cells as text or typed.
        columns : the columns of the contract.

        Returns
        -------
        The table under the contract's names, other columns left behind, and one fault for each
        column that is not there, code that is not mapped and date that cannot be read.
        """
        names = [str(name) for name in frame.columns]
        parts: list[pd.Series] = []
        faults: list[Fault] = []
        for column in columns:
            source = self.sources.get(column.name)
            if source is None:
                places = [place for place, name in enumerate(names) if name == column.name]
                source = Source(column.name, column.name)
            else:
                asked = [name for name in (source.origin, source.until) if name]
                wrong = [_not_once(column.name, name, names.count(name)) for name in asked]
                faults += [fault for fault in wrong if fault]
                places = [] if any(wrong) else [names.index(source.origin)]
            for place in places:
                until = frame.iloc[:, names.index(source.until)] if source.until else None
                values, found = self._cells(column, source, frame.iloc[:, place], until)
                parts.append(pd.Series(values).set_axis(frame.index).rename(column.name))
                faults += found
        out = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=frame.index)
        # A column of dates that serves several columns is wrong once.
        return out, list(dict.fromkeys(faults))

    def _cells(self, column, source: Source, values: pd.Series, until: pd.Series | None):
        nothing = {*self.missing, *source.missing}
        words = dict(source.codes)
        if column.type == "boolean":
            words |= dict.fromkeys(self.true, "true") | dict.fromkeys(self.false, "false")
        if not (nothing or words or source.factor != 1.0 or until is not None):
            return values, []
        if until is not None:
            ends = _text(values), _text(until)
            return _time_between(column, source, *ends, nothing, len(values))
        text = _text(values)
        if text is None:
            # Dates, lists and binary data: the contract says so, column by column.
            return values, []
        cells = pd.Series(text.to_pandas().astype(object).to_numpy(), index=values.index)
        cells = cells.mask(cells.isin(nothing) | (cells == ""), None)
        if not words:
            return _multiplied(cells, source.factor), []
        whole = cells.str.replace(r"^([+-]?\d+)\.0+$", r"\1", regex=True)
        mapped = whole.map(words)
        # What is a word of the contract already needs no mapping.
        spoken = {*words.values(), *map(str, column.levels)}
        if column.type == "boolean":
            spoken |= {"true", "false", "1", "0"}
            said = cells.where(cells.astype("string").str.lower().isin(spoken).fillna(False), None)
        else:
            said = cells.where(cells.isin(spoken), None)
        mapped = mapped.where(mapped.notna(), said)
        unmapped = (cells.notna() & mapped.isna()).to_numpy()
        if not unmapped.any():
            return _multiplied(mapped, source.factor), []
        where = f"[mapping.codes.{column.name}]"
        if not source.codes:
            where = "true and false under [mapping]"
        fault = Fault(
            column.name,
            "codes that the study file does not map",
            int(unmapped.sum()),
            f"Add them to {where}, or to the column's missing codes; the documentation of your "
            "registry says what they mean.",
        )
        # One fault is enough: a cell that is there in the right form breaks no other rule.
        filler = None if column.may_be_missing or not column.levels else str(column.levels[0])
        if column.type == "boolean" and not column.may_be_missing:
            filler = "false"
        return mapped.mask(unmapped, filler), [fault]


def _not_once(column: str, name: str, times: int) -> Fault | None:
    if times == 0:
        rule = f"the column '{name}' is missing, from which the study file makes it"
        return Fault(column, rule, None, "Correct its name under [mapping.columns], or add it.")
    if times > 1:
        rule = f"the column '{name}', from which it is made, is there more than once"
        return Fault(column, rule, None, "Keep one and delete the other.")
    return None


def _text(values: pd.Series) -> pa.Array | None:
    """Cells as text without space around them; None where they are no text, number or date."""
    array = cells_of.arrow(values)
    kind = array.type
    plain = (
        *(pa.types.is_string, pa.types.is_large_string),
        *(pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean),
        *(pa.types.is_date, pa.types.is_timestamp, pa.types.is_null),
    )
    if not any(of_kind(kind) for of_kind in plain):
        return None
    if pa.types.is_timestamp(kind):
        array = pc.strftime(array, format="%Y-%m-%d")
    return pc.utf8_trim_whitespace(array.cast(pa.large_string()))


def _multiplied(cells: pd.Series, factor: float) -> pd.Series:
    """Numbers times a factor; what is no number stays, for the contract to count."""
    if factor == 1.0:
        return cells
    numbers = pd.to_numeric(cells.where(cells.astype("string").str.match(_NUMBER).fillna(False)))
    return cells.mask(numbers.notna(), (numbers.astype(float) * factor).map(repr))


def _time_between(column, source: Source, start, end, nothing: set[str], rows: int):
    """The time from one column of dates to another, in the unit of the contract's column."""
    if start is None or end is None:
        mend = "Name columns with dates, written as YYYY-MM-DD."
        fault = Fault(column.name, "made from columns that hold no dates", None, mend)
        return pd.Series(1.0, index=range(rows)), [fault]
    days, faults, unread = [], [], np.zeros(rows, dtype=bool)
    for name, text in ((source.origin, start), (source.until, end)):
        cells = pd.Series(text.to_pandas().astype(object), dtype=object)
        cells = cells.mask(cells.isin(nothing) | (cells == ""), None)
        looks = cells.astype("string").str.match(_DATE).fillna(False)
        read = pd.to_datetime(cells.where(looks).str[:10], format="%Y-%m-%d", errors="coerce")
        bad = (cells.notna() & read.isna()).to_numpy()
        if bad.any():
            mend = "Write dates as YYYY-MM-DD, and leave the cell empty where there is none."
            faults.append(Fault(name, "dates that cannot be read", int(bad.sum()), mend))
        unread |= bad
        days.append(read)
    between = (days[1] - days[0]).dt.days.astype(float)
    if getattr(column, "exclusive_minimum", None) == 0:
        between = between.mask(between == 0, _NO_DAYS)
    # One fault is enough.
    between = between.mask(unread, 1.0)
    if (between < 0).any():
        count = int((between < 0).sum())
        mend = f"Look whether 'from' ({source.origin}) and 'to' ({source.until}) change places."
        faults.append(Fault(column.name, "made from an end before its beginning", count, mend))
        between = between.mask(between < 0, 1.0)
    return between * source.factor, faults


# ------------------------------------------------------------------------------ the study file


def units_of(unit: str) -> Mapping[str, float]:
    """The units in which a file may hold a column whose unit begins with one that is known."""
    return next((known for begins, known in UNITS.items() if unit.startswith(begins)), {})


def read(
    entries: Mapping[str, Any],
    columns: Mapping[str, Any],
    fault: Callable[[str, str], None],
    hint: Callable[[str, Iterable[str]], str],
) -> ColumnMap:
    """Read `[mapping]` of a study file.

    Parameters
    ----------
    entries : what the file says under `[mapping]`: `missing`, `true`, `false` (lists of words that
        may stand in any column), `columns` and `codes` (tables by column of the contract).
    columns : the columns that may be mapped, by name.
    fault : called with a key and a sentence for everything that is wrong.
    hint : says which of some names is meant by one that is not known.

    Returns
    -------
    The mapping; of use only where no fault was found.
    """
    known = ("columns", "codes", "missing", "true", "false")
    for key in entries:
        if key not in known:
            fault(f"mapping.{key}", f"is not a known key. {hint(key, known)}")
    words = {key: _words(entries.get(key, []), f"mapping.{key}", fault) for key in known[2:]}
    for word in words["missing"]:
        if word.replace(".", "", 1).lstrip("-").isdigit():
            fault(
                "mapping.missing",
                f"has the number {word}, which may be a value in another column. Give it to its "
                'column: smoking = { missing = ["9"] } under [mapping.columns].',
            )
    if set(words["true"]) & set(words["false"]):
        fault("mapping.true", "has a word that false has as well.")
    sources: dict[str, Source] = {}
    for name, entry in _table(entries.get("columns", {}), "mapping.columns", fault).items():
        path = f"mapping.columns.{name}"
        if name not in columns:
            fault(path, f"is not a column of the study. {hint(name, columns)}")
            continue
        found = _source(name, entry, path, columns[name], fault, hint)
        if found:
            sources[name] = found
    for name, entry in _table(entries.get("codes", {}), "mapping.codes", fault).items():
        path = f"mapping.codes.{name}"
        if name not in columns:
            fault(path, f"is not a column of the study. {hint(name, columns)}")
            continue
        codes = _codes(entry, path, columns[name], fault)
        source = sources.get(name, Source(name, name))
        if source.until:
            fault(path, "means nothing for a time between two dates.")
        sources[name] = replace(source, codes=codes)
    return ColumnMap(sources, **words)


def _table(entries: Any, path: str, fault) -> Mapping[str, Any]:
    if isinstance(entries, Mapping):
        return entries
    fault(path, "must be a table of keys and values.")
    return {}


def _words(entries: Any, path: str, fault) -> tuple[str, ...]:
    single = (str, int, float)
    if isinstance(entries, list) and all(
        isinstance(word, single) and not isinstance(word, bool) for word in entries
    ):
        return tuple(str(word).strip() for word in entries)
    fault(path, 'must be a list of codes as your file has them, such as ["NA", "unknown"].')
    return ()


def _source(name: str, entry: Any, path: str, column, fault, hint) -> Source | None:
    if isinstance(entry, str):
        entry = {"from": entry}
    if not isinstance(entry, Mapping):
        fault(path, 'must be a name of your file, or a table: { from = "fu_days", unit = "days" }.')
        return None
    known = ("from", "to", "unit", "missing")
    for key in entry:
        if key not in known:
            fault(f"{path}.{key}", f"is not a known key. {hint(key, known)}")
    for key in ("from", "to", "unit"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            fault(f"{path}.{key}", "must be text.")
            return None
    origin, until = str(entry.get("from", name)).strip(), str(entry.get("to", "")).strip()
    unit, units = str(entry.get("unit", "")).strip(), units_of(column.unit)
    factor = 1.0
    if until and ("unit" in entry or "days" not in units):
        fault(path, "is made from two dates only where it is a time, and then has no unit.")
    elif until:
        factor = units["days"]
    elif unit and not units:
        fault(f"{path}.unit", "means nothing here: the column has no unit that is converted.")
    elif unit and unit not in units:
        fault(f"{path}.unit", f"is not known. Use one of {', '.join(units)}.")
    elif unit:
        factor = units[unit]
    missing = _words(entry.get("missing", []), f"{path}.missing", fault)
    return Source(name, origin, until, factor, missing=missing)


def _codes(entries: Any, path: str, column, fault) -> dict[str, str]:
    codes = {}
    for code, word in _table(entries, path, fault).items():
        said = str(word).lower() if isinstance(word, bool) else str(word).strip()
        allowed = [str(level) for level in column.levels]
        if column.type == "boolean":
            allowed = ["true", "false"]
        if not isinstance(word, (str, int, float)) or not said:
            fault(path, "must give a word of the study to every code.")
        elif allowed and said not in allowed:
            fault(path, f"maps a code to '{said}'. Use one of {', '.join(allowed)}.")
        else:
            codes[str(code).strip()] = said
    return codes
