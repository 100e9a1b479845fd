"""Disclosure control: what may leave the room when rows are about people.

Tables of open, modelled, published and scenario results are exempt. For synthetic and registry
people a count below 10 is suppressed, a family of groups in which one count is suppressed loses a
second one (so that a total cannot be differenced back), counts are rounded to 5, and survival
curves keep merged steps only. The rules follow the handbook of the UK Safe Data Access
Professionals (Griffiths et al., 2024) with the threshold of 10 that secure environments use.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

THRESHOLD = 10
ROUND_TO = 5
# Published survival times are whole parts of a year: this many to the year.
GRID = 10
PERSON_KINDS = frozenset({"synthetic", "registry"})
COUNT_COLUMNS = ("people", "at_risk", "deaths", "transplants", "censored", "missing")
# Counts behind one contrast of a model: they decide, and are never published.
LEVEL_COLUMNS = ("level_people", "level_deaths")
ESTIMATE_COLUMNS = (
    "estimate",
    "hazard_ratio",
    "ci_low",
    "ci_high",
    "standard_error",
    "statistic",
    "p_value",
)
# What keeps a count from being computed out of a share, and a day of death out of a time.
DECIMALS = {"per cent": 1, "probability": 3, "years": 1, "months": 2}
# Columns that say what a row is about; with `group` left out they name a family of groups.
KEY_COLUMNS = (
    "measure",
    "estimand",
    "scenario",
    "method",
    "model",
    "exposure",
    "variable",
    "group_by",
    "group",
    "term",
    "level",
    "time_years",
)


def needs_control(kind: str) -> bool:
    """Say whether rows of this kind are about people, and so under disclosure control."""
    return kind in PERSON_KINDS


def protect(table: pd.DataFrame) -> pd.DataFrame:
    """Suppress small counts, suppress a second count in each family, round to 5.

    Parameters
    ----------
    table : one row a group, time or model term; counts in any of `COUNT_COLUMNS` (people),
        estimates in any of `ESTIMATE_COLUMNS`.

    Returns
    -------
    The table with a boolean column `suppressed` and counts as nullable integers rounded to 5.
    An estimate is emptied where its people are too few, where a percentage or a probability
    would give a small count back, and where too few are still followed. Percentages keep one
    decimal and probabilities three, since more digits would give exact counts back.
    """
    out = table.reset_index(drop=True).copy()
    counts = [c for c in COUNT_COLUMNS if c in out]
    hidden = {}
    for column in counts:
        small = (out[column] < THRESHOLD).fillna(False).astype(bool)
        hidden[column] = small | _second_in_family(out, out[column], small)
    numerator = _numerator(out)
    small = (numerator < THRESHOLD - 0.5).fillna(False)
    withheld = small | _second_in_family(out, numerator, small)
    for column in ("people", "at_risk"):
        if column in counts:
            withheld |= hidden[column]
    if "deaths" in counts and "unit" in out:
        # A median of few deaths is somebody's own time.
        withheld |= (out["unit"] == "years") & (table["deaths"].reset_index(drop=True) < THRESHOLD)
    for column in LEVEL_COLUMNS:
        if column in out:
            withheld |= (out.pop(column) < THRESHOLD).fillna(False).astype(bool)
    for column in counts:
        rounded = (out[column].astype("Float64") / ROUND_TO).round() * ROUND_TO
        out[column] = rounded.astype("Int64").mask(hidden[column])
    for column in ESTIMATE_COLUMNS:
        if column in out:
            out[column] = out[column].astype("Float64").mask(withheld)
            for unit, decimals in DECIMALS.items():
                if "unit" in out and counts and column != "p_value":
                    rows = out["unit"] == unit
                    out.loc[rows, column] = out.loc[rows, column].round(decimals)
    out["suppressed"] = withheld
    for column in counts:
        out["suppressed"] |= hidden[column]
    return out


def _numerator(table: pd.DataFrame) -> pd.Series:
    """The count that a percentage or a probability gives back, the smaller of the two sides."""
    if not {"estimate", "unit", "people"} <= set(table):
        return pd.Series(np.nan, index=table.index)
    share = table["estimate"].astype(float) * table["unit"].map(
        {"per cent": 0.01, "probability": 1}
    )
    return table["people"].astype(float) * np.minimum(share, 1 - share)


def _second_in_family(table: pd.DataFrame, count: pd.Series, hidden: pd.Series) -> pd.Series:
    """Find the next smallest count, to hide it where just one of a family of groups is hidden.

    A family is the groups that add up: rows alike in every key but `group` (or `level`, where
    levels of one variable add up within a group). The row of all people is not a member.
    """
    second = pd.Series(False, index=table.index)
    for member in ("group", "level"):
        if member not in table:
            continue
        keys = [k for k in KEY_COLUMNS if k in table and k != member]
        members = table.index[(table[member].astype(str) != "all") & count.notna()]
        families = (
            table.loc[members].groupby(keys, dropna=False, sort=False).groups.values()
            if keys
            else [members]
        )
        for family in families:
            now_hidden = hidden.loc[family] | second.loc[family]
            if now_hidden.sum() == 1 and len(family) > 1:
                second.loc[count.loc[family][~now_hidden].idxmin()] = True
    return second


def merge_steps(curve: pd.DataFrame) -> pd.DataFrame:
    """Merge the steps of survival curves: tenths of a year, at least 10 deaths in each.

    Parameters
    ----------
    curve : Kaplan-Meier table, one row a death time: `group`, `time_years`, `at_risk`, `deaths`
        (people), `estimate`, `ci_low`, `ci_high` (probability of being alive).

    Returns
    -------
    The curve at its start (without a count of deaths) and at the ends of merged steps. A step
    ends at the first tenth of a year by which 10 people have died since the last, so that no
    time is anybody's day of death; `deaths` counts the step, `estimate` is the exact curve
    there, and `at_risk` those followed just before the step's last death. Steps end where fewer
    than 10 people remain, and deaths after the last whole step are left out.
    """
    kept = []
    keys = [k for k in ("measure", "group_by", "group") if k in curve]
    for _, steps in curve.groupby(keys, sort=False, dropna=False):
        steps = steps.sort_values("time_years")
        start = steps[steps["time_years"] == 0]
        kept.append(start.astype({"deaths": "Float64"}).assign(deaths=pd.NA))
        later = steps[steps["time_years"] > 0]
        # Rounding up keeps the estimate true: nobody else of the group dies before that time.
        tenth = np.ceil(np.round(later["time_years"] * GRID, 9)) / GRID
        waiting = 0
        for time, members in later.groupby(tenth):
            waiting += members["deaths"].sum()
            last = members.iloc[[-1]]
            if last["at_risk"].iloc[0] < THRESHOLD:
                break
            if waiting >= THRESHOLD:
                kept.append(last.assign(time_years=time, deaths=waiting))
                waiting = 0
    merged = pd.concat([part.astype({"deaths": "Float64"}) for part in kept], ignore_index=True)
    return merged.astype({"deaths": "Int64"})
