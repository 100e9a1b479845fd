"""Groups: what people may be counted by, and which columns of the study are told in numbers.

A group that a table makes up could be the sum of two others, or everybody under another name: two
totals beside each other, each rounded by itself, give a withheld group back. So people are counted
by the columns of the study and their levels, and by the groups that the program itself makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

# A group may be a number: fifths, stages, copies of a gene.
HIGHEST = 10
EVERYBODY = frozenset({"", "all"})
# What the program cuts columns of numbers into.
FIFTHS = frozenset({"1", "2", "3", "4", "5"})
CUT = "distance_quintile"
# Columns of yes and no that the program makes.
YES_AND_NO = ("died", "treated_at_start")
POINTS = "points"
# What a table names beside columns of the study.
NAMED_BY_THE_PROGRAM = {
    "group_by": frozenset({"method"}),
    "variable": frozenset({"any", "people"}),
    "exposure": frozenset(),
}
# Groups that chapters make; each new one is to be judged beside those that are there.
MADE_BY_THE_PROGRAM = frozenset(
    {
        "Aalen-Johansen", "attended", "deprived", "deprived and far",
        "deprived and far, if unrelated", "deprived only", "everybody", "far", "far only",
        "nearest", "neither", "not on the drug at the first visit", "one less Kaplan-Meier",
        "per 10", "when first seen", "yes", "0 to 1 years", "1 to 3 years", "3 years and later",
    }
)  # fmt: skip
# One of the two is a total beside another one, so it stands where no group can be subtracted.
OF_MODELS_ONLY = frozenset({"everybody", "not on the drug at the first visit"})
# Which columns name what the groups, the levels and their references are of.
COLUMNS = {
    "group": ("group_by", "term"),
    "level": ("variable", "exposure", "term"),
    "reference": ("group_by", "variable", "exposure", "term"),
}
# Two columns at once: "deprivation_quintile, sex" and "1, female".
_BOTH = ", "


@dataclass(frozen=True)
class Known:
    """What a study lets people be counted by.

    levels : for each column, score and stage of the study the groups that it makes, as text.
    measured : the unit of each whose values are numbers, of which a mean is no share.
    titles : what the study file calls them; a digit in a title counts nobody.
    """

    levels: Mapping[str, frozenset[str]]
    measured: Mapping[str, str]
    titles: frozenset[str] = frozenset()

    def of(self, name: str) -> frozenset[str]:
        """The groups that a column makes, or two at once."""
        one, both, other = name.partition(_BOTH)
        if not both:
            return self.levels.get(name, frozenset())
        pairs = ((a, b) for a in self.of(one) for b in self.of(other))
        return frozenset(_BOTH.join(pair) for pair in pairs)

    def names(self, name: str) -> bool:
        """Say whether a name is that of a column, or of two."""
        return all(each in self.levels for each in name.split(_BOTH))


def of_study(study: object) -> Known:
    """Find what a study lets people be counted by.

    study : `columns` by name (`type`, `levels`, `minimum`, `maximum`), `scores` with `stages`, and
    `derived`.
    """
    levels = {CUT: FIFTHS} | dict.fromkeys(YES_AND_NO, frozenset({"true", "false"}))
    measured = {CUT: ""}
    for name, column in study.columns.items():
        levels[name] = frozenset(_levels(column))
        if column.type in ("number", "integer"):
            measured[name] = getattr(column, "unit", "")
    for each in (*getattr(study, "scores", ()), *getattr(study, "derived", ())):
        levels[each.name], measured[each.name] = FIFTHS, POINTS
        if getattr(each, "stages", ()):
            levels[f"{each.name}_stage"] = frozenset(str(stage.label) for stage in each.stages)
    called = (*study.columns.values(), *getattr(study, "scores", ()))
    titles = {getattr(each, "title", "") for each in called}
    # A title that is a number only is no name.
    titles = {title for title in titles if any(letter.isalpha() for letter in title)}
    return Known(levels, measured, frozenset(titles))


def _levels(column: object) -> Iterator[str]:
    yield from (str(level) for level in column.levels)
    if column.type == "boolean":
        yield from ("true", "false")
    low, high = getattr(column, "minimum", None), getattr(column, "maximum", None)
    if column.type == "integer" and None not in (low, high) and high <= HIGHEST:
        yield from (str(number) for number in range(int(low), int(high) + 1))
    elif column.type in ("number", "integer"):
        yield from FIFTHS


def faults(table: pd.DataFrame, known: Known, shape: str) -> list[str]:
    """Say which columns count people by what is no column of the study, or no group of one.

    table : in columns of published tables. shape : what the gate found it to be.
    """
    there = [c for c in (*NAMED_BY_THE_PROGRAM, "term", *COLUMNS) if c in table]
    rows = table[there].drop_duplicates().map(text).to_dict("records")
    found = []
    for column in NAMED_BY_THE_PROGRAM:
        if not all(_may_name(row.get(column, ""), column, known) for row in rows):
            found.append(
                f"its column '{column}' counts people by what is no column of the study file"
            )
    for column in COLUMNS:
        # Along a value, the reference is a value that was chosen beforehand.
        along = column == "reference" and "value" in table
        if not along and not all(_fits(row, column, known, shape) for row in rows):
            found.append(
                f"its column '{column}' holds a group that is no level of a column of the study "
                "file: everybody is 'all', and groups are not put together"
            )
    return found


def _may_name(name: str, column: str, known: Known) -> bool:
    return name in EVERYBODY | NAMED_BY_THE_PROGRAM[column] or known.names(name)


def _fits(row: Mapping[str, str], column: str, known: Known, shape: str) -> bool:
    """Say whether a group is one of what its row names, or one that the program makes."""
    said = row.get(column, "")
    if said in EVERYBODY:
        return True
    named = [row[each] for each in COLUMNS[column] if known.names(row.get(each, ""))]
    of_one_column = column == "group" and known.names(row.get("group_by", ""))
    if said in MADE_BY_THE_PROGRAM and not of_one_column:
        return shape == "model" or said not in OF_MODELS_ONLY
    # Of what is named nowhere, a number could be two fifths put together.
    levels = frozenset().union(*map(known.of, named[:1] if of_one_column else named))
    return said in levels or said.casefold() in levels


def text(value: object) -> str:
    """Write what a cell names: nothing for an empty one, whole numbers without decimals."""
    if value is None or not isinstance(value, str) and pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
