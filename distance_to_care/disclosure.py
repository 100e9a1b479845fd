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
PERSON_KINDS = frozenset({"synthetic", "registry"})
COUNT_COLUMNS = ("people", "at_risk", "deaths", "transplants", "censored", "missing")
ESTIMATE_COLUMNS = ("estimate", "ci_low", "ci_high", "p_value")
# Columns that say what a row is about; with `group` left out they name a family of groups.
KEY_COLUMNS = ("measure", "model", "variable", "group_by", "group", "term", "level", "time_years")


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
    The table with a boolean column `suppressed`, counts as nullable integers rounded to 5, and
    estimates emptied where the people (or the numerator of a percentage) are too few.
    """
    out = table.reset_index(drop=True).copy()
    counts = [c for c in COUNT_COLUMNS if c in out]
    suppressed = pd.Series(False, index=out.index)
    hidden = {c: (out[c] < THRESHOLD).fillna(False) for c in counts}
    too_few = pd.Series(False, index=out.index)
    if "people" in counts:
        too_few |= hidden["people"]
        too_few |= _small_numerator(out)
    # A row whose people are too few says nothing at all.
    for column in counts:
        hidden[column] = hidden[column] | (too_few & out[column].notna())
    for column in counts:
        hidden[column] |= _second_in_family(out, out[column], hidden[column])
    for column in counts:
        rounded = (out[column].astype("Float64") / ROUND_TO).round() * ROUND_TO
        out[column] = rounded.astype("Int64").mask(hidden[column])
        suppressed |= hidden[column]
    if "people" in counts:
        too_few |= hidden["people"]
    for column in ESTIMATE_COLUMNS:
        if column in out:
            out[column] = out[column].astype("Float64").mask(too_few)
    if {"unit", "time_years"} <= set(out):
        # A survival probability to ten digits gives the counts back; to three it does not.
        chance = out["unit"] == "probability"
        for column in ("estimate", "ci_low", "ci_high"):
            if column in out:
                out.loc[chance, column] = out.loc[chance, column].round(3)
    out["suppressed"] = suppressed | too_few
    return out


def _small_numerator(table: pd.DataFrame) -> pd.Series:
    """Rows whose percentage, times their people, gives a count below the threshold."""
    if not {"estimate", "unit"} <= set(table):
        return pd.Series(False, index=table.index)
    percentage = table["unit"] == "per cent"
    numerator = table["people"] * table["estimate"] / 100
    rest = table["people"] - numerator
    small = (np.minimum(numerator, rest) < THRESHOLD - 0.5).fillna(False)
    return percentage & small


def _second_in_family(table: pd.DataFrame, count: pd.Series, hidden: pd.Series) -> pd.Series:
    """Hide the next smallest count where just one of a family of groups is hidden.

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
    """Merge the steps of survival curves until each holds at least 10 deaths.

    Parameters
    ----------
    curve : Kaplan-Meier table, one row a death time: `group`, `time_years`, `at_risk`, `deaths`
        (people), `estimate`, `ci_low`, `ci_high` (probability of being alive).

    Returns
    -------
    The rows at which a merged step ends. `deaths` counts the whole merged step and `at_risk` the
    people still followed at its end; steps end where fewer than 10 people remain. Deaths after
    the last whole step are left out, so that no published step holds fewer than 10.
    """
    kept = []
    keys = [k for k in ("measure", "group_by", "group") if k in curve]
    for _, steps in curve.groupby(keys, sort=False, dropna=False):
        steps = steps.sort_values("time_years")
        start = steps[steps["time_years"] == 0]
        kept.append(start)
        waiting = 0
        for row in steps[steps["time_years"] > 0].itertuples():
            waiting += row.deaths
            if row.at_risk < THRESHOLD:
                break
            if waiting >= THRESHOLD:
                kept.append(steps.loc[[row.Index]].assign(deaths=waiting))
                waiting = 0
    return pd.concat(kept, ignore_index=True)
