"""Columns: what each column of a table of people may hold; what no rule judges is refused.

A count may hide under any name. So every column of numbers is a count or an estimate, which the
gate judges, or a key that this module judges; every column of text names things in words of the
code and the study, and holds no number that could be somebody's own.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from distance_to_care.disclosure import counts, curves, groups, models, units

# Numbers that the gate withholds, rounds or shortens.
JUDGED = (*counts.COUNT_COLUMNS, *counts.ESTIMATE_COLUMNS, *counts.HIDDEN_COLUMNS)
# Where a curve along a value is read off: whole steps, chosen before anybody was looked at.
VALUE_STEP = 5
# Outside curves a time is a horizon that somebody chose.
HORIZON_STEP = 0.25
MOST_DEGREES = 50
TEXT = frozenset(
    {
        "measure", "estimand", "scenario", "method", "engine", "model", "variable", "group_by",
        "group", "term", "with_term", "exposure", "contrast", "outcome", "level", "reference",
        "unit", "adjusted_for", "note", "kind",
    }
)  # fmt: skip
# Somebody's own value, whatever stands behind it.
EXTREME = re.compile(
    r"\b(minim(um|a|al)|maxim(um|a|al)|min|max|smallest|largest|lowest|highest|youngest|oldest|"
    r"longest|shortest|earliest|latest|extremes?|(?<!interquartile )range)\b",
    re.IGNORECASE,
)
NAMES_OF_ESTIMATES = ("measure", "estimand", "method", "term", "contrast", "outcome")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
# A number inside words: with decimals or of a date, of three digits or more that is no year, or of
# people, in digits or in words.
_TELLING = re.compile(
    r"\d[.,:/-]\d|(?<!\d)(?!(19|20)\d\d(?!\d))\d{3,}|"
    r"(\d|\b(one|two|three|four|five|six|seven|eight|nine|no)) "
    r"(people|persons?|patients?|died|deaths?|cases?|(wo)?m[ae]n)\b|\bnobody\b|\b(oldest|youngest|longest|shortest|"
    r"largest|smallest|maximum|minimum)\b.*\d",
    re.IGNORECASE,
)


def faults(table: pd.DataFrame, shape: str, known: groups.Known | None = None) -> list[str]:
    """Say which columns hold what no rule judges, never what they hold.

    Parameters
    ----------
    table : in columns of published tables, before anything is withheld.
    shape : what the gate found it to be: `counts`, `curve`, `model` or `contribution`.
    known : what the study lets people be counted by; None where nobody is analysed.
    """
    found = []
    for column in table:
        values = table[column].dropna()
        if column == "suppressed" or column in JUDGED:
            fit = column == "suppressed" or is_number(values) or not len(values)
        elif column in groups.COLUMNS:
            fit = _groups(table, column)
        elif is_number(values):
            fit = not len(values) or _key(table, column, values, shape)
        else:
            named = _untitled(values, known) if column == "note" and known else values
            fit = column in TEXT and _words(named, column) or not _said(values)
        if not fit:
            found.append(
                f"its column '{column}' holds what no rule for tables of people judges: counts go "
                "into columns of counts, numbers worked out into columns of estimates, and text "
                "names things without numbers of people"
            )
    found += extremes(table) + _twice(table)
    if shape != "contribution":
        found += units.faults(table, shape, known)
        found += groups.faults(table, known, shape) if known else []
    return found


def telling(table: pd.DataFrame) -> list[str]:
    """Say which columns of text, besides sources, hold numbers that could be of people."""
    found = []
    for column in table.columns.difference(["source", "suppressed", *groups.COLUMNS], sort=False):
        values = table[column].dropna()
        if not (is_number(values) or _words(values, column)):
            found.append(f"its column '{column}' holds text with numbers that could be of people")
    return found


def extremes(table: pd.DataFrame) -> list[str]:
    """Say which columns name a smallest or largest value, which is somebody's own."""
    return [
        f"its column '{column}' names a smallest or largest value, which is somebody's own"
        for column in NAMES_OF_ESTIMATES
        if column in table
        and _has(table[column].dropna().astype(str).str.replace("_", " "), EXTREME).any()
    ]


def _twice(table: pd.DataFrame) -> list[str]:
    """Say whether two rows are about the same: many such rows are one a person."""
    about = [c for c in table if c in TEXT - {"note"} or c in ("level", "time_years", "value")]
    if table.duplicated(about).any() if about else len(table) > 1:
        return ["it has several rows about the same, which could be one a person"]
    return []


def is_number(values: pd.Series) -> bool:
    """Say whether a column holds numbers, and not truths."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _has(said: pd.Series, pattern: re.Pattern[str]) -> pd.Series:
    return said.map(lambda text: bool(pattern.search(text))).astype(bool)


def _said(values: pd.Series) -> bool:
    return bool((values.astype(str).str.strip() != "").any())


def _groups(table: pd.DataFrame, column: str) -> bool:
    said = table[column].dropna().astype(str).str.strip()
    alone = said[said.map(lambda text: bool(_NUMBER.fullmatch(text)))]
    numbers = alone.astype(float)
    fit = _whole(numbers, 1) & numbers.between(0, groups.HIGHEST)
    if column == "reference" and "value" in table:
        fit |= _whole(numbers, VALUE_STEP)
    return bool(fit.all()) and not _has(said.drop(alone.index), _TELLING).any()


def _key(table: pd.DataFrame, column: str, values: pd.Series, shape: str) -> bool:
    numbers = values.astype(float)
    if column == "time_years":
        return shape == "curve" or bool(_whole(numbers, HORIZON_STEP).all())
    if column == "value":
        return shape == "model" and bool(_whole(numbers, VALUE_STEP).all())
    if column == "degrees_of_freedom":
        few = _whole(numbers, 1) & numbers.between(1, MOST_DEGREES)
        return bool({"statistic", "p_value"} & set(table)) and bool(few.all())
    # The end of a band, which says no more than how coarse the curve is.
    bands = _whole(numbers, curves.ERROR_BAND) & numbers.between(0, 1)
    return column == curves.ERROR and shape == "curve" and bool(bands.all())


def _untitled(values: pd.Series, known: groups.Known) -> pd.Series:
    """Take the titles of the study out of the parts of a list of them."""
    return values.astype(str).map(
        lambda text: ", ".join(
            part for part in text.removeprefix("needs: ").split(", ") if part not in known.titles
        )
    )


def _words(values: pd.Series, column: str) -> bool:
    said = values.astype(str).str.strip()
    if column == "note" and said.str.contains(r"\d").any():
        return False
    alone = said.map(lambda text: bool(_NUMBER.fullmatch(text)))
    return not (alone.any() or _has(said, _TELLING).any())


def _whole(numbers: pd.Series, step: float) -> pd.Series:
    steps = numbers / step
    return (steps - steps.round()).abs() < 1e-9


def contribution(table: pd.DataFrame) -> list[str]:
    """Say whether a contribution holds anything besides the sums of one model.

    table : one row a number: `measure`, `term`, `with_term`, `estimate`.
    """
    if not {"measure", "term", models.CONTRIBUTION, "estimate"} <= set(table):
        return ["it does not say which sum of a model each row is"]
    others = [c for c in counts.ESTIMATE_COLUMNS if c != "estimate" and c in table]
    terms = list(table.loc[table["measure"] == "coefficient", "term"])
    place = {term: number for number, term in enumerate(terms)}
    wanted = {(each, term, "") for each in ("coefficient", "score") for term in terms}
    wanted |= {("information", *sorted((a, b))) for a in terms for b in terms}
    # Besides the sums: the number of the round, and the cuts of distance that all registries share.
    asked = table[table["measure"].isin(["round", "cut"])]
    told = list(asked[["measure", "term", models.CONTRIBUTION]].fillna("").itertuples(index=False))
    cuts = {("cut", f"distance_quintile[{place}]", "") for place in range(1, 5)}
    known = {("round", "all", "")}, {("round", "all", ""), *cuts}, set()
    whole = asked["estimate"].notna() & (asked["estimate"] % 1 == 0) & (asked["estimate"] > 0)
    if {tuple(row) for row in told} not in known or not asked.empty and not whole.all():
        return ["its round or its cuts are not those of one question"]
    wanted |= {tuple(row) for row in told}
    rows = list(table[["measure", "term", models.CONTRIBUTION]].fillna("").itertuples(index=False))
    # A pair stands once, in either order: published tables are sorted.
    rows = [(m, *sorted((a, b))) if m == "information" else (m, a, b) for m, a, b in rows]
    if others or len(rows) != len(wanted) or set(rows) != wanted:
        return ["it holds rows or columns that are not the sums of one model"]
    matrix = np.zeros((len(terms), len(terms)))
    of_pairs = table[table["measure"] == "information"]
    pairs = zip(of_pairs["term"], of_pairs[models.CONTRIBUTION], of_pairs["estimate"], strict=True)
    for one, other, value in pairs:
        matrix[place[one], place[other]] = matrix[place[other], place[one]] = value
    if not np.isfinite(matrix).all() or np.linalg.eigvalsh(matrix).min() <= 0:
        return ["its matrix of information is not that of a model"]
    return []
