"""Units: what an estimate of people is told in, and which rule each unit has.

A share in the name of something else is a count that no rule looks at, and a time at which
somebody died is somebody's own. So a unit is that of a share, of a time that follow-up ends at, of
a test, or of the column of the study that the row names.
"""

from __future__ import annotations

import re

import pandas as pd

from distance_to_care.disclosure import counts, groups

SHARES = ("per cent", "probability")
# What belongs to no column of the study.
OF_TESTS = ("chi-squared", "correlation")
OF_CURVES = ("percentage points",)
# Times at which follow-up ends are told in one unit, so that one rounding holds.
TIME = "years"
ENDS = "follow_up_years"
# Shares under another spelling would pass the rule for shares.
_SHARE = re.compile(
    r"%|percent|percentage|share|fraction|proportion|per (hundred|thousand|10+)|of (a )?(hundred|"
    r"thousand|10+)|rate|risk",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"^(people|persons?|patients?|deaths?|died|cases|counts?|numbers?|n)$", re.IGNORECASE
)


def faults(table: pd.DataFrame, shape: str, known: groups.Known | None = None) -> list[str]:
    """Say whether an estimate is told in a unit that no rule knows, or that is not its own.

    Parameters
    ----------
    table : in columns of published tables, before anything is withheld.
    shape : what the gate found it to be: `counts`, `curve` or `model`.
    known : the columns of the study with their units; None where nobody is analysed.
    """
    shown = [c for c in counts.ESTIMATE_COLUMNS if c in table]
    told = table[table[shown].notna().any(axis=1)]
    if told.empty or "unit" not in told:
        bare = not told.empty and known is not None and shape != "model"
        return ["it has estimates and does not say in which unit"] if bare else []
    unit = told["unit"].astype("string").fillna("").astype(object)
    found = _spelt(unit, shape)
    if shape != "model":
        found += _times(told, unit) + _alone(told, unit)
    if known is not None:
        found += _of_columns(told, unit, shape, known)
    return found


def _spelt(unit: pd.Series, shape: str) -> list[str]:
    """Say whether a count or a share is named otherwise than the rules name it."""
    bare = unit.str.strip()
    known = bare.isin(counts.DECIMALS) | bare.str.startswith("per cent of")
    share = bare.map(lambda text: bool(_SHARE.search(text))).astype(bool) & ~known
    share &= ~bare.str.contains("percentage point|ratio")
    if shape == "model":
        share &= bare != "proportion"
    odd = share | (unit != bare) | bare.str.casefold().isin(counts.DECIMALS) & ~known
    found = []
    if odd.any():
        found.append("its column 'unit' names a share otherwise than 'per cent' or 'probability'")
    if bare.map(lambda text: bool(_PEOPLE.search(text))).any():
        found.append("it has a number of people as an estimate: counts have columns of their own")
    return found


def _named(told: pd.DataFrame) -> pd.Series:
    """The column of the study that each row is about, or nothing."""
    if "variable" not in told:
        return pd.Series("", index=told.index)
    return told["variable"].map(groups.text)


def _times(told: pd.DataFrame, unit: pd.Series) -> list[str]:
    """Say whether a time that follow-up ends at is not in years, or does not say how many died."""
    own = counts.is_time(unit) & _named(told).isin(["", ENDS])
    if (own & (unit != TIME)).any():
        return [f"it has a time at which follow-up ends in another unit than '{TIME}'"]
    unsaid = told["deaths"].isna() if "deaths" in told else True
    if (own & unsaid).any():
        return ["it has a time at which follow-up ends, and does not say how many died"]
    return []


def _alone(told: pd.DataFrame, unit: pd.Series) -> list[str]:
    """Say whether an interval or a test stands without its estimate, which alone is judged.

    Only a median may have an interval and not be reached.
    """
    found = []
    alone = told[[c for c in ("estimate", "hazard_ratio") if c in told]].isna().all(axis=1)
    if (alone & ~counts.is_time(unit)).any():
        found.append("it has an interval or a test without its estimate")
    of_tests = told[[c for c in ("statistic", "p_value") if c in told]].notna().any(axis=1)
    if (of_tests & ~unit.isin(OF_TESTS)).any():
        found.append("it has the result of a test beside what is no test")
    return found


def _of_columns(told: pd.DataFrame, unit: pd.Series, shape: str, known: groups.Known) -> list[str]:
    """Say whether a unit is not that of the column which the row names."""
    named = _named(told)
    found = []
    share = unit.isin(SHARES)
    if shape == "counts" and share.any():
        unsaid = told["people"].isna() if "people" in told else True
        if (share & unsaid).any():
            found.append("it has a share, and does not say of how many people")
    yes_and_no = named.isin(set(known.levels) - set(known.measured))
    of_numbers = unit.isin(set(known.measured.values())) | counts.is_time(unit)
    if (yes_and_no & of_numbers & ~share).any():
        found.append(
            "it tells a column of yes and no, or of levels, in the unit of a number: a mean of "
            "such a column is a share, in 'per cent'"
        )
    if shape != "model":
        own = named.isin(list(known.measured)) & (unit == named.map(known.measured))
        free = unit.isin(SHARES + OF_TESTS + (OF_CURVES if shape == "curve" else ()))
        ends = (unit == TIME) & named.isin(["", ENDS])
        if not (own | free | ends).all():
            found.append(
                "its column 'unit' is not that of a share, of a test, of a time at which "
                "follow-up ends, or of the column of the study that 'variable' names"
            )
    return found
