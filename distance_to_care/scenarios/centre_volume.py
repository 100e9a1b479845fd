"""Few centres or many: what a centre would see in a year, and how far people would drive.

New cases come by chance and independently of each other, so that the number that one centre or one
payer sees in a year is Poisson. The centres are put where the mean drive is short, by the fast
method of `location`; today's lists stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care import centre_lists
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import location

MILLION = 1e6
# Ends of a range over draws, in per cent.
ENDS = (2.5, 97.5)
LIMITS = (60.0, 120.0)
BEST, TODAY, MORE = "best places from nothing", "today's list", "today's list and more"
MINUTES, BEYOND = "mean minutes, one way", "beyond {limit:g} minutes"
DRIVES = (MINUTES, *(BEYOND.format(limit=limit) for limit in LIMITS))
BABIES, FEWEST = "new babies a year at a centre", "new babies a year at the quietest centre"
NONE, FEW = "centres without a new baby in a year", "centres with few new babies in a year"
CARE = "children under care at a centre"
AS_SHORT = "best-placed centres with no longer a mean drive"
QUIET, GAP = "chance of a year without anybody", "years from one to the next"
SEVERAL = "chance of a year with twice as many as expected or more"
HELD_APART, HELD_POOLED = "reserves of every board by itself", "reserve of one national pool"
SPARED = "what one pool would save"
CONFIDENCE = 0.95
# Chances in per cent are told to so many decimals: what is smaller is nothing.
FINE = 4
PER_CENT, MONEY = "per cent", "million pounds"
TITLES = {
    "centre_patterns": "Drive and new babies a year by number of centres",
    "centre_quoted": "Today's lists, and the best places for some numbers of centres",
    "centre_short": "How few best-placed centres would give the same mean drive",
    "centre_trade_off": "Mean drive against new babies a year at a centre",
    "centre_marked": "The marks of the picture: some numbers of centres, and today's base list",
    "centre_quiet": "How many centres would have a quiet year, by number of centres",
}
BUDGET_TITLES = {
    "rare_budget_pools": "Cost, swings and reserve of both treatments, by size of the payer",
    "rare_budget_held": "Reserves of all boards added up, and of one pool",
    "rare_budget_spared": "Reserves in pounds, treatment given once in a life",
    "rare_budget_once": "Reserve by births of the pool, treatment given once in a life",
    "rare_budget_long": "Reserve by births of the pool, medicines that people stay on",
    "rare_quiet_pools": "Years without a treated baby, by size of the payer",
    "rare_quiet_boards": "Years without a treated baby, care board by care board",
}
# What the functions of budgets call the assumptions of a rare disease: babies who are treated once,
# and people who live with the disease and stay on a medicine.
IN_BUDGETS = {
    "once_treatment_pounds": "once_babies_pounds",
    "new_patients_a_year": "living_people_england",
    "share_treated": "living_treated_share",
    "treatment_pounds_a_year": "living_medicine_pounds_a_year",
    "cost_spread": "cost_spread",
    "need_error": "living_need_error",
}


class Pattern(NamedTuple):
    """Centres that serve a country together: what they are, on which list, and their sites."""

    scenario: str
    centre_list: str
    sites: tuple[str, ...]


def for_budgets(assumed: Mapping[str, float] | pd.DataFrame) -> dict[str, float] | pd.DataFrame:
    """Give the assumptions of a rare disease the names that the functions of budgets read.

    Everybody who lives with the disease now stands for those who start in a year and stay for one.

    Parameters
    ----------
    assumed : values of the assumptions, or draws of them, one column each.

    Returns
    -------
    What `IN_BUDGETS` names, `once_treatment_per_million` (babies of a million births
    who are treated once) and `treatment_years` (1), in the form they were given.
    """
    named = {name: assumed[own] for name, own in IN_BUDGETS.items()}
    once = per_million(assumed) * assumed["once_babies_treated_share"]
    named["once_treatment_per_million"] = once
    if isinstance(assumed, pd.DataFrame):
        return pd.DataFrame(named, index=assumed.index).assign(treatment_years=1.0)
    return {name: float(value) for name, value in named.items()} | {"treatment_years": 1.0}


def per_million(assumed: Mapping[str, float] | pd.DataFrame) -> float | pd.Series:
    """Say how many of a million babies have the disease, from how many births there are for each.

    Parameters
    ----------
    assumed : `births_for_each_affected_birth`: a value, or draws of it.

    Returns
    -------
    Babies of a million births.
    """
    return MILLION / assumed["births_for_each_affected_birth"]


def by_district(
    minutes: pd.DataFrame, weight: pd.Series, district: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """Put areas together into districts: the mean drive of their people to each site.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    weight : people by `area_code`.
    district : the district of each area, by `area_code`.

    Returns
    -------
    Mean minutes (index district, one column a site) and people of the districts that have any.
    """
    people = weight.reindex(minutes.index)
    of_area = district.reindex(minutes.index)
    total = people.groupby(of_area).sum()
    codes = pd.Categorical(of_area, categories=total.index).codes
    spent = np.zeros((len(total), minutes.shape[1]))
    np.add.at(spent, codes, minutes.to_numpy(float) * people.to_numpy(float)[:, None])
    some = total > 0
    mean = pd.DataFrame(spent, total.index, minutes.columns)[some].div(total[some], axis=0)
    return mean, total[some]


def best_sites(minutes: pd.DataFrame, weight: pd.Series, most: int) -> dict[int, tuple[str, ...]]:
    """Choose sites from nothing for every number of centres, with a short mean drive (p-median).

    Each number is solved by exchange three times, from nothing, from the sites for one centre less
    and from those for one more without the one that is missed least; the best is kept. Nothing
    says that it is the very best: `location.choose` does, for one number at a time.

    Parameters
    ----------
    minutes : one-way minutes to every candidate; index a place, one column a candidate.
    weight : people by place.
    most : the largest number of centres.

    Returns
    -------
    Number of centres -> sites.

    Raises
    ------
    AnalysisError : fewer candidates than centres, or no centre at all.
    """
    if not 1 <= most <= minutes.shape[1]:
        raise AnalysisError(
            f"{most} centres were asked for and there are {minutes.shape[1]} candidates. "
            "Ask for one or more, and for no more than there are candidates."
        )
    nothing = pd.Series(np.inf, minutes.index)
    found: dict[int, tuple[tuple[str, ...], float]] = {}

    def keep(number: int, start: Sequence[str]) -> None:
        sites, value = location.swap(minutes, nothing, weight, number, start=start)
        if number not in found or value < found[number][1] - 1e-9:
            found[number] = sites, value

    for number in range(1, most + 1):
        keep(number, ())
        if number > 1:
            keep(number, found[number - 1][0])
    for number in range(most - 1, 0, -1):
        more = found[number + 1][0]
        left = [[site for site in more if site != missed] for missed in more]
        keep(number, min(left, key=lambda sites: _mean(minutes[sites].min(axis=1), weight)))
    return {number: sites for number, (sites, _) in sorted(found.items())}


def patterns_to_compare(
    candidates: Sequence[str],
    minutes: pd.DataFrame,
    weight: pd.Series,
    centres: pd.DataFrame,
    lists: Iterable[str],
    most: int,
    more: Iterable[int],
) -> list[Pattern]:
    """Name the patterns: the best places, today's lists, and today's lists with more centres.

    Parameters
    ----------
    candidates : columns of `minutes` at which a centre could be.
    minutes : mean minutes to every candidate and site; index district.
    weight : people by district.
    centres : `site`, `certainty` and, if there are any, further columns.
    lists : the grades of certainty on each list (A, AB, ABC).
    most : the largest number of centres from nothing.
    more : numbers of centres to add to each list.

    Returns
    -------
    Patterns; those from nothing have no list.
    """
    everywhere = minutes[list(candidates)]
    out = [Pattern(BEST, "", sites) for sites in best_sites(everywhere, weight, most).values()]
    for name in lists:
        # A site that stands twice on a list is one centre.
        sites = tuple(dict.fromkeys(centres.loc[centres["certainty"].isin(list(name)), "site"]))
        out.append(Pattern(TODAY, name, sites))
        near = minutes[list(sites)].min(axis=1)
        left = everywhere.drop(columns=[site for site in sites if site in everywhere])
        for number in more:
            added, _ = location.swap(left, near, weight, number)
            out.append(Pattern(MORE, name, sites + added))
    return out


def of_each(minutes: pd.DataFrame, cases: pd.Series) -> pd.Series:
    """Add up the cases of the areas to which each centre is the nearest.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a centre.
    cases : expected cases a year by `area_code`.

    Returns
    -------
    Expected cases a year by centre; 0 for a centre that is nobody's nearest.
    """
    nearest = minutes.to_numpy(float).argmin(axis=1)
    amounts = cases.reindex(minutes.index).to_numpy(float)
    return pd.Series(np.bincount(nearest, amounts, minutes.shape[1]), minutes.columns, name="cases")


def chances(means: np.ndarray, fewer_than: np.ndarray | float) -> np.ndarray:
    """Work out the chance that fewer cases than so many come in a year (Poisson).

    Parameters
    ----------
    means : expected cases a year.
    fewer_than : a number above 0; one that is not whole counts as the next whole one.

    Returns
    -------
    Probabilities, in the shape that both have together.
    """
    return stats.poisson.cdf(np.ceil(fewer_than) - 1, means)


def tell(
    patterns: Iterable[Pattern],
    minutes: pd.DataFrame,
    weight: pd.Series,
    births: pd.Series,
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
    limits: Sequence[float] = LIMITS,
) -> pd.DataFrame:
    """Tell of each pattern of centres how far people drive and what a centre sees in a year.

    Everybody goes to the nearest centre. New babies at a centre are Poisson around its mean.

    Parameters
    ----------
    patterns : as `patterns_to_compare` returns them.
    minutes : one-way minutes; index `area_code`, one column a site.
    weight : people whose drive counts, by `area_code`.
    births : births a year by `area_code`.
    assumed : values of `births_for_each_affected_birth`, `living_people_england`,
        `living_children_share`, `centre_few_babies`, `minutes_against_model`.
    draws : draws of them, one column each.
    limits : minutes beyond which people are counted.

    Returns
    -------
    Tidy table `scenario, centre_list, group_by` (centres), `group` and `value` (their number),
    `measure`, `estimate` (at the assumed values), `low, high` (ends of the middle 95 per cent of
    draws, or the estimate where it lies beyond them), `unit`.
    """
    slower = draws["minutes_against_model"].to_numpy(float)
    every = {name: np.append(assumed[name], draws[name].to_numpy(float)) for name in assumed}
    people = weight.reindex(minutes.index).to_numpy(float)
    rate = 1 / every["births_for_each_affected_birth"]
    care = every["living_people_england"] * every["living_children_share"]
    rows = []
    for pattern in patterns:
        of_sites = minutes[list(pattern.sites)]
        near = of_sites.min(axis=1).to_numpy(float)
        count = len(pattern.sites)
        cases = of_each(of_sites, births).to_numpy()[:, None] * rate
        times = np.array([assumed["minutes_against_model"], *np.percentile(slower, ENDS)])
        told = {MINUTES: (times * (people @ near) / people.sum(), "minutes")}
        for limit in limits:
            beyond = people @ (near[:, None] * times > limit) / people.sum()
            told[BEYOND.format(limit=limit)] = (100 * beyond, PER_CENT)
        few = chances(cases, every["centre_few_babies"])
        for measure, found, unit in (
            (BABIES, cases.mean(axis=0), "babies a year"),
            (FEWEST, cases.min(axis=0), "babies a year"),
            (NONE, 100 * chances(cases, 1).mean(axis=0), PER_CENT),
            (FEW, 100 * few.mean(axis=0), PER_CENT),
            (CARE, care / count, "children"),
        ):
            told[measure] = (np.array([found[0], *np.percentile(found[1:], ENDS)]), unit)
        of = {"scenario": pattern.scenario, "centre_list": pattern.centre_list,
              "group_by": "centres", "group": str(count), "value": float(count)}  # fmt: skip
        rows += [
            of | {"measure": measure, "estimate": values[0], "low": values.min(),
                  "high": values.max(), "unit": unit}
            for measure, (values, unit) in told.items()
        ]  # fmt: skip
    return pd.DataFrame(rows)


def trade_off(table: pd.DataFrame, measure: str = BABIES) -> pd.DataFrame:
    """Set the mean drive of each pattern beside what a centre sees.

    Parameters
    ----------
    table : as `tell` returns it.
    measure : what a centre sees.

    Returns
    -------
    `scenario, centre_list, group_by, group`, `value` (mean minutes, to a tenth),
    `estimate, low, high`, `measure, unit`.
    """
    keys = ["scenario", "centre_list", "group_by", "group"]
    drive = table.loc[table["measure"] == MINUTES, [*keys, "estimate"]]
    seen = table[table["measure"] == measure].drop(columns="value")
    drive = drive.assign(value=drive["estimate"].round(1)).drop(columns="estimate")
    return seen.merge(drive, on=keys, validate="one_to_one")


def marked(marks: pd.DataFrame, numbers: Iterable[int]) -> pd.DataFrame:
    """Pick the marks that a picture of the trade-off names: some numbers, and today's base list.

    Parameters
    ----------
    marks : as `trade_off` returns it.
    numbers : numbers of centres from nothing.

    Returns
    -------
    The same, of these only, with `title`.
    """
    best = (marks["scenario"] == BEST) & marks["group"].isin([str(number) for number in numbers])
    base = (marks["scenario"] == TODAY) & (marks["centre_list"] == centre_lists.BASE)
    title = (marks["group"] + " centres").mask(base, "base list, " + marks["group"])
    return marks.assign(title=title)[best | base]


def everything(
    table: pd.DataFrame, numbers: Iterable[int], from_: float = 3, named: Iterable[int] = ()
) -> dict:
    """Make the tables of the question: how many centres.

    Parameters
    ----------
    table : as `tell` returns it.
    numbers : as for `quoted`.
    from_ : the fewest centres that the trade-off shows; fewer would hide the others.
    named : numbers of centres that the trade-off names.

    Returns
    -------
    Tidy tables by their names in `TITLES`.
    """
    quiet = table[(table["scenario"] == BEST) & table["measure"].isin([NONE, FEW])]
    marks = trade_off(table[table["value"] >= from_])
    return {
        "centre_patterns": table,
        "centre_quoted": quoted(table, numbers),
        "centre_short": as_short(table),
        "centre_trade_off": marks.assign(
            level=marks["group"], group=marks["scenario"], group_by="pattern"
        ),
        "centre_marked": marked(marks, named),
        "centre_quiet": quiet.assign(group=quiet["measure"], group_by="measure"),
    }


def as_short(table: pd.DataFrame) -> pd.DataFrame:
    """Find the fewest centres, placed from nothing, with no longer a mean drive than a pattern.

    Parameters
    ----------
    table : as `tell` returns it.

    Returns
    -------
    One row a pattern that is not from nothing and adds none: `scenario, centre_list, group_by`,
    `group` (its centres), `measure`, `estimate` (centres; missing where none of those worked out
    is as short), `unit`.
    """
    drive = table[table["measure"] == MINUTES]
    best = drive[drive["scenario"] == BEST].sort_values("value")
    rows = []
    for own in drive[~drive["scenario"].isin([BEST, MORE])].itertuples():
        enough = best.loc[best["estimate"] <= own.estimate + 1e-9, "value"]
        rows.append(
            {"scenario": own.scenario, "centre_list": own.centre_list, "group_by": "centres",
             "group": own.group, "measure": AS_SHORT, "unit": "centres",
             "estimate": float(enough.iloc[0]) if len(enough) else np.nan}
        )  # fmt: skip
    return pd.DataFrame(rows)


def quoted(table: pd.DataFrame, numbers: Iterable[int]) -> pd.DataFrame:
    """Pick what a reader is told: today's lists in one row, some numbers of best places, the rest.

    Of today's lists, the estimate is the base list's. Ranges of drives are over the lists, and of
    all else over the lists and the draws.

    Parameters
    ----------
    table : as `tell` returns it.
    numbers : numbers of centres from nothing.

    Returns
    -------
    `scenario`, `group` (number of centres; all for today's lists), `measure, estimate, low, high,
    unit`.
    """
    kept = ["scenario", "group", "measure", "estimate", "low", "high", "unit"]
    best = table["scenario"] == BEST
    chosen = table[best & table["value"].isin(list(numbers))]
    other = table[~table["scenario"].isin([BEST, TODAY, MORE])]
    own = table[table["scenario"] == TODAY]
    drives = own["measure"].isin(DRIVES)
    own = own.assign(
        low=own["low"].where(~drives, own["estimate"]),
        high=own["high"].where(~drives, own["estimate"]),
    )
    ends = {"low": ("low", "min"), "high": ("high", "max")}
    over = own.groupby(["measure", "unit"], sort=False).agg(**ends)
    base = own[own["centre_list"] == centre_lists.BASE].set_index(["measure", "unit"])["estimate"]
    today = over.join(base).reset_index().assign(scenario=TODAY, group="all")
    return pd.concat([today[kept], chosen[kept], other[kept]], ignore_index=True)


def quiet_years(
    pools: pd.DataFrame,
    per_million: float,
    drawn: pd.Series,
    keys: Sequence[str] = ("title",),
) -> pd.DataFrame:
    """Work out how often a payer of some size would see nobody in a year, and how often many.

    Parameters
    ----------
    pools : the columns of `keys`, `people` (of whom `per_million` come in a year: births, say).
    per_million : cases a year for each million of them.
    drawn : draws of it.
    keys : columns that name a pool.

    Returns
    -------
    Tidy table: the keys, `value` (people), `measure` (chance of a year without anybody; of one with
    at least two and at least twice as many as expected; years from one to the next), `estimate`,
    `low, high` (ends of the middle 95 per cent of draws), `unit`.

    Raises
    ------
    AnalysisError : a pool without people, or nobody who comes.
    """
    if not ((pools["people"] > 0).all() and per_million > 0 and (drawn > 0).all()):
        raise AnalysisError("A payer has people, and some of a million people come in a year.")
    every = np.append(per_million, drawn.to_numpy(float))
    rows = []
    for pool in pools.to_dict("records"):
        means = pool["people"] * every / MILLION
        twice = np.maximum(np.ceil(2 * means - 1e-9), 2)
        told = {
            QUIET: (np.round(100 * chances(means, 1), FINE), PER_CENT),
            SEVERAL: (np.round(100 * (1 - chances(means, twice)), FINE), PER_CENT),
            GAP: (1 / means, "years"),
        }
        for measure, (found, unit) in told.items():
            low, high = np.percentile(found[1:], ENDS)
            rows.append(
                {key: pool[key] for key in keys}
                | {"value": float(pool["people"]), "measure": measure, "estimate": found[0],
                   "low": min(low, found[0]), "high": max(high, found[0]), "unit": unit}
            )  # fmt: skip
    return pd.DataFrame(rows)


def spared(pools: pd.DataFrame, assumed: Mapping[str, float], draws: pd.DataFrame) -> pd.DataFrame:
    """Work out in pounds what pools would hold in reserve one by one, and what one pool would.

    Each reserve is the money, beside the mean cost, that is enough in nineteen of twenty years for
    a treatment that costs the same for everybody (Poisson). Price and need go together in a draw.

    Parameters
    ----------
    pools : `people` (births).
    assumed, draws : `once_treatment_per_million`, `once_treatment_pounds`, as `for_budgets` names
        them.

    Returns
    -------
    Tidy table `measure` (reserves held apart, reserve of one pool, what is saved), `estimate`,
    `low, high` (ends of the middle 95 per cent of draws), `unit`.
    """
    rate, price = (
        np.append(assumed[name], draws[name].to_numpy(float))
        for name in ("once_treatment_per_million", "once_treatment_pounds")
    )
    means = pools["people"].to_numpy(float)[:, None] * rate / MILLION
    apart = _reserve(means).sum(axis=0) * price / MILLION
    pooled = _reserve(means.sum(axis=0)) * price / MILLION
    rows = []
    for measure, found in (
        (HELD_APART, apart), (HELD_POOLED, pooled), (SPARED, apart - pooled)
    ):  # fmt: skip
        low, high = np.percentile(found[1:], ENDS)
        rows.append({"measure": measure, "estimate": found[0], "low": min(low, found[0]),
                     "high": max(high, found[0]), "unit": MONEY})  # fmt: skip
    return pd.DataFrame(rows)


def _reserve(means: np.ndarray) -> np.ndarray:
    return np.maximum(stats.poisson.ppf(CONFIDENCE, means) - means, 0)


def _mean(minutes: pd.Series, weight: pd.Series) -> float:
    return location.value_of(minutes, weight)
