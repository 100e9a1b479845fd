"""Tables of counts: small counts withheld, a second one in each family, the rest rounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from distance_to_care.disclosure.profiles import DEFAULT, Profile

# What happened between the time before and a fixed time: who had the event, who left without it.
STEP_COLUMNS = ("step_events", "step_censored")
COUNT_COLUMNS = (
    "people",
    "at_risk",
    "deaths",
    "transplants",
    "censored",
    "missing",
    *STEP_COLUMNS,
)
# What decides and is never published: counts behind one contrast of a model (everybody, who died,
# who did not),
LEVEL_COLUMNS = ("level_people", "level_deaths", "level_others")
# and the events and parameters of a whole model.
MODEL_COLUMNS = ("model_events", "model_parameters")
# How the follow-up of people ends.
OUTCOMES = ("deaths", "transplants", "censored")
# Counts that a table says at a time, besides those of the whole group.
AT_A_TIME = ("at_risk", *STEP_COLUMNS)
# And at a fixed time: who had another event since the time before, who is followed to it.
STEPS_HIDDEN = ("step_others", "step_followed")
HIDDEN_COLUMNS = (*LEVEL_COLUMNS, *MODEL_COLUMNS, *STEPS_HIDDEN)
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
DIGITS, P_DIGITS, RATIO_DECIMALS = 3, 2, 2
RATIOS = ("estimate", "hazard_ratio", "ci_low", "ci_high")
DECIMALS = {"per cent": 1, "probability": 3, "years": 1, "months": 2}
_TIME = re.compile(
    r"\b(second|minute|hour|day|week|fortnight|month|quarter|year|decade)s?\b", re.IGNORECASE
)
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


def protect(
    table: pd.DataFrame,
    profile: Profile = DEFAULT,
    lowest: Mapping[str, int] | None = None,
    withhold: pd.Series | None = None,
) -> pd.DataFrame:
    """Withhold small counts and a second count in each family, and round the others.

    Parameters
    ----------
    table : one row a group, time or model term; counts in any of `COUNT_COLUMNS` (people),
        estimates in any of `ESTIMATE_COLUMNS`; what decides in any of `LEVEL_COLUMNS`.
    profile : the numbers that hold.
    lowest : for a column of counts, the lowest that may be shown where it is above the threshold.
    withhold : rows whose counts at a time, and estimates, are withheld whatever they are.

    Returns
    -------
    The table with a boolean column `suppressed` and counts as nullable integers, rounded; the
    count of all groups together is the sum of theirs where each of them is shown. An estimate is
    emptied where its people are too few, where a percentage or a probability would give a small
    count back, and where too few are still followed. Percentages keep one decimal and
    probabilities three, since more digits would give exact counts back.
    """
    out = table.reset_index(drop=True)
    families = _families(out)
    before = out["suppressed"].astype(bool) if "suppressed" in out else False
    out = out.drop(columns="suppressed", errors="ignore")
    suppressed = pd.Series(False, index=out.index) | before
    # A reader multiplies shown shares by shown people, so what is shown is looked at again.
    while True:
        once, newly = _once(out, profile, families, lowest or {}, withhold)
        withhold = None
        suppressed |= newly
        if once.equals(out):
            return once.assign(suppressed=suppressed)
        out = once


def _once(
    table: pd.DataFrame, profile: Profile, families, lowest: Mapping[str, int], withhold
) -> tuple[pd.DataFrame, pd.Series]:
    """One round of `protect`: the table, and which rows lost a count or an estimate."""
    out = table.copy()
    counts = [c for c in COUNT_COLUMNS if c in out]
    if {"missing", "people"} <= set(out) and "variable" not in out:
        _few_left_out(out, is_small(out["missing"], profile))
    hidden = {}
    for column in counts:
        small = is_small(out[column], _at_least(profile, lowest, column))
        if withhold is not None and column in AT_A_TIME:
            small |= withhold & out[column].notna()
        hidden[column] = small | _second_in_family(out[column], small, families)
    _second_of_the_outcomes(out, hidden)
    withheld = _gives_a_count_back(out, profile, families)
    if withhold is not None:
        withheld |= withhold
    for column in ("people", "at_risk"):
        if column in counts:
            withheld |= hidden[column]
    if "deaths" in counts and "unit" in out:
        # A median of few deaths is somebody's own time.
        withheld |= is_time(out["unit"]) & _below(out["deaths"], profile.threshold)
    for column in LEVEL_COLUMNS:
        if column in out:
            withheld |= _below(out.pop(column), profile.threshold)
    if {"missing", "people", "variable"} <= set(out):
        _known_as_everybody(out, hidden["missing"])
    exact_people = out.get("people")
    for column in counts:
        shown = rounded(out[column], _at_least(profile, lowest, column))
        out[column] = shown.mask(hidden[column])
        _recompute_totals(out, column, families, profile)
    for column in counts:
        if column != "people" and "people" in counts:
            out[column] = _at_most(out[column], out["people"])
    for column in ESTIMATE_COLUMNS:
        if column in out:
            out[column] = out[column].astype("Float64").mask(withheld)
    if profile.shares_from_rounded and "people" in counts:
        _shares_from_rounded(out, exact_people, profile)
    if counts and "unit" in out:
        places = out["unit"].map(DECIMALS)
        for column in ESTIMATE_COLUMNS:
            if column in out and column != "p_value":
                for decimals in places.dropna().unique():
                    rows = places == decimals
                    out.loc[rows, column] = out.loc[rows, column].round(int(decimals))
    return out, pd.concat([withheld, *hidden.values()], axis=1).any(axis=1)


def _second_of_the_outcomes(out: pd.DataFrame, hidden: dict[str, pd.Series]) -> None:
    """Hide, in place, a second way in which follow-up ended where just one is hidden.

    Those who died, had a transplant and were censored are everybody.
    """
    if not set(OUTCOMES) <= set(hidden):
        return
    values = out[list(OUTCOMES)].astype("Float64").to_numpy(float, na_value=np.nan)
    gone = np.column_stack([hidden[column] for column in OUTCOMES])
    shown = np.where(gone | np.isnan(values), np.inf, values)
    alone = (gone.sum(axis=1) == 1) & np.isfinite(shown).any(axis=1)
    for place, column in enumerate(OUTCOMES):
        hidden[column] = hidden[column] | (alone & (shown.argmin(axis=1) == place))


def _few_left_out(out: pd.DataFrame, few: pd.Series) -> None:
    """Count everybody, in place, in the rows that leave out so few that it is withheld how many.

    Whoever is left in, beside everybody, would give the others back.
    """
    if few.any():
        whole = out.loc[out["people"].astype(float).idxmax()]
        for column in ("people", *OUTCOMES):
            if column in out:
                out[column] = out[column].mask(few, whole[column])


def _known_as_everybody(out: pd.DataFrame, hidden: pd.Series) -> None:
    """Count everybody, in place, where how many are not known is withheld.

    The people for whom a variable is known, beside everybody, would give the others back.
    """
    keys = [k for k in ("variable", "group_by", "group") if k in out]
    everybody = out.loc[hidden].groupby(keys, dropna=False)["people"].max()
    if len(everybody):
        rows = out[keys].merge(everybody.rename("all").reset_index(), on=keys, how="left")
        whole = rows["all"].set_axis(out.index).astype("Int64")
        out["people"] = out["people"].astype("Int64").mask(whole.notna(), whole)


def significant(table: pd.DataFrame) -> pd.DataFrame:
    """Keep no more digits of estimates than tell nobody: three, of a p-value two.

    The tenth digit of a mean gives back how many people there are, and that of a hazard ratio who
    came between two releases. Ratios keep two decimals.
    """
    out = table.copy()
    for column in ESTIMATE_COLUMNS:
        if column not in out:
            continue
        values = out[column].astype("Float64").to_numpy(float, na_value=np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.floor(np.log10(np.abs(values)))
        size = np.where(np.isfinite(size), size, 0)
        digits = P_DIGITS if column == "p_value" else DIGITS
        places = digits - 1 - size
        if column in RATIOS:
            ratio = np.ones(len(out), bool) if column == "hazard_ratio" else _is_ratio(out)
            places = np.where(ratio, np.maximum(np.minimum(places, RATIO_DECIMALS), -size), places)
        shown = [
            float(f"{round(value, int(place)):.10g}") if np.isfinite(value) else value
            for value, place in zip(values, places, strict=True)
        ]
        out[column] = pd.Series(shown, index=out.index, dtype="Float64").mask(out[column].isna())
    return out


def is_time(unit: pd.Series) -> pd.Series:
    """Say which units are of time, however they are written."""
    return unit.map(lambda each: bool(_TIME.search(str(each)))).astype(bool)


def _is_ratio(table: pd.DataFrame) -> np.ndarray:
    ratio = table["unit"] == "ratio" if "unit" in table else pd.Series(False, index=table.index)
    return (ratio | ("hazard_ratio" in table)).fillna(False).to_numpy(bool)


def _at_least(profile: Profile, lowest: Mapping[str, int], column: str) -> Profile:
    return replace(profile, threshold=max(profile.threshold, lowest.get(column, 0)))


def is_small(counts: pd.Series, profile: Profile) -> pd.Series:
    """Say which counts are too small to show; one that is not known is not."""
    small = _below(counts, profile.threshold)
    return small if profile.zero_is_small else small & ~_below(counts, 1)


def _below(counts: pd.Series, limit: float) -> pd.Series:
    return (counts < limit).fillna(False).astype(bool)


def rounded(counts: pd.Series, profile: Profile) -> pd.Series:
    """Round counts to the profile's multiple; one of the threshold or more never to below it."""
    base = profile.round_to
    nearest = (counts.astype("Float64") / base).round() * base
    raised = (
        ~_below(counts, profile.threshold) & counts.notna() & _below(nearest, profile.threshold)
    )
    return nearest.mask(raised, lowest_shown(profile)).astype("Int64")


def lowest_shown(profile: Profile) -> int:
    """The lowest count that is ever shown, nought aside: the first multiple from the threshold."""
    return -(-profile.threshold // profile.round_to) * profile.round_to


@cache
def bounds(shown: int, profile: Profile) -> tuple[int, int]:
    """Lowest and highest whole count that is shown as this number, both included."""
    if shown == 0:
        return 0, 0
    known = np.arange(max(shown - profile.round_to, 0), shown + profile.round_to + 1)
    if shown == lowest_shown(profile):
        known = np.arange(profile.threshold, shown + profile.round_to + 1)
    fits = known[(rounded(pd.Series(known), profile) == shown).to_numpy(bool)]
    fits = fits[fits >= profile.threshold]
    return int(fits.min()), int(fits.max())


def _recompute_totals(out: pd.DataFrame, column: str, families, profile: Profile) -> None:
    """Make the count of everybody the sum of the groups' shown counts, where all are shown.

    A total of its own rounding would narrow what each of its parts can be. It keeps its own where
    more people are in no group than rounding alone can explain.
    """
    if "group" not in out:
        return
    codes = families["group"]
    everybody = (out["group"].astype(str) == "all").to_numpy()
    shown = out[column].astype("Float64").to_numpy(float, na_value=np.nan)
    of_group, of_all = codes[~everybody], codes[everybody]
    if not len(of_group) or not len(of_all):
        return
    size = codes.max() + 1
    groups = np.bincount(of_group, minlength=size)
    # A hidden member makes the sum NaN, and nothing is recomputed.
    sums = np.bincount(of_group, weights=shown[~everybody], minlength=size)
    drift = (groups + 1) * profile.round_to / 2
    once = np.bincount(of_all, minlength=size) == 1
    sums, drift, whole = sums[codes], drift[codes], (once & (groups > 0))[codes]
    # Against NaN nothing is near, so a hidden total stays hidden.
    again = everybody & whole & (np.abs(shown - sums) <= drift)
    out[column] = out[column].mask(again, pd.Series(np.nan_to_num(sums), out.index).astype("Int64"))


def _shares_from_rounded(out: pd.DataFrame, people: pd.Series, profile: Profile) -> None:
    """Work shares out again as one rounded count over another, in place; intervals move along.

    A probability at a time rests on who was followed, and is no share of the people.
    """
    if not {"estimate", "unit"} <= set(out) or "time_years" in out:
        return
    of = out["unit"].map({"per cent": 100.0, "probability": 1.0}).astype("Float64")
    numerator = (out["estimate"] / of * people.astype("Float64")).round()
    again = of * rounded(numerator, profile).astype("Float64") / out["people"].astype("Float64")
    again = _at_most(again, of)
    known = again.notna()
    moved = again - out["estimate"]
    for column in ("estimate", "ci_low", "ci_high"):
        if column in out:
            shifted = (out[column] + moved).clip(lower=0)
            out[column] = out[column].mask(known, _at_most(shifted, of))


def _at_most(values: pd.Series, limit: pd.Series) -> pd.Series:
    # Beside an empty cell nothing is more: `mask` alone would fill it.
    return values.mask((values > limit).fillna(False).astype(bool), limit)


def _gives_a_count_back(table: pd.DataFrame, profile: Profile, families) -> pd.Series:
    """Find the shares whose people, or whose others, are too few, and a second in each family."""
    one, other = _numerators(table)
    half = 0.5
    small = pd.Series(False, index=table.index)
    for side in (one, other):
        few = _below(side, profile.threshold - half)
        small |= few if profile.zero_is_small else few & ~_below(side, half)
    smaller = pd.concat([one, other], axis=1).min(axis=1)
    return small | _second_in_family(smaller, small, families)


def _numerators(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The counts that a percentage or a probability gives back: those who have it, the others."""
    if not {"estimate", "unit", "people"} <= set(table):
        nothing = pd.Series(np.nan, index=table.index)
        return nothing, nothing
    units = table["unit"].map({"per cent": 0.01, "probability": 1.0}).astype(float)
    share = pd.to_numeric(table["estimate"]).astype(float) * units
    people = table["people"].astype("Float64").astype(float)
    return people * share, people * (1 - share)


def _families(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Number the families of groups and of levels that add up: one number a row and member.

    A family is the rows alike in every key but `group` (or `level`, where levels of one variable
    add up within a group).
    """
    families = {}
    for member in ("group", "level"):
        if member in table:
            keys = [k for k in KEY_COLUMNS if k in table and k != member]
            codes = np.zeros(len(table), dtype=np.int64)
            for key in keys:
                found = pd.factorize(table[key], use_na_sentinel=False)[0]
                codes = np.unique(codes * (found.max(initial=0) + 1) + found, return_inverse=True)[
                    1
                ]
            families[member] = codes
    if "group" in table:
        families["all"] = (table["group"].astype(str) == "all").to_numpy()
    return families


def _second_in_family(count: pd.Series, hidden: pd.Series, families) -> pd.Series:
    """Find the next smallest count, to hide it where just one of a family is hidden.

    The row of all people is not a member of the groups' family.
    """
    values = count.astype("Float64").to_numpy(float, na_value=np.nan)
    now, second = hidden.to_numpy(bool).copy(), np.zeros(len(count), dtype=bool)
    for member in ("group", "level"):
        if member not in families or not len(count):
            continue
        codes, known = families[member], ~np.isnan(values)
        if member == "group":
            known &= ~families["all"]
        size = codes.max() + 1
        alone = np.bincount(codes[known & now], minlength=size) == 1
        candidates = np.flatnonzero(known & ~now & alone[codes])
        order = candidates[np.lexsort((candidates, values[candidates], codes[candidates]))]
        first = np.unique(codes[order], return_index=True)[1]
        second[order[first]] = True
        now |= second
    return pd.Series(second, index=count.index)
