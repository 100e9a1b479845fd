"""Excess mortality: deaths beyond those of the general population, for people who bring a registry.

A life table says how often people of the general population die. It has one row a combination of
`age_years` (completed), `calendar_year` (left out where one period stands for all), and any other
columns, such as `sex` and `deprivation_quintile`, with `hazard_per_year` (deaths a person-year) or
`probability_of_death` (within a year). People have the same other columns, their exact age and the
day on which follow-up starts. A person's expected hazard is followed exactly over birthdays and new
years. Beyond the table's last age its last age stands; for calendar years that it does not have
there is no answer.

With a `deprivation_quintile` in the life table the expected deaths are those of equally deprived
people; without it, excess mortality of deprived people holds all that they would have died of
anyhow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError

HAZARD, PROBABILITY = "hazard_per_year", "probability_of_death"
AGE, YEAR = "age_years", "calendar_year"


def expected_deaths(
    people: pd.DataFrame,
    life_table: pd.DataFrame,
    duration: str,
    age: str = "age_years",
    start: str = "start_year",
) -> pd.Series:
    """Add up each person's expected hazard over their follow-up.

    Parameters
    ----------
    people : one row a person, with every column of the life table but age, year and rate.
    life_table : see the module.
    duration : column of follow-up, in years.
    age : column of exact age at the start of follow-up, in years.
    start : column of the start of follow-up: a date, or a calendar year with its fraction (2015.5
        is the middle of 2015). Not needed where the life table has no calendar year.

    Returns
    -------
    Expected deaths of each person (the expected cumulative hazard, which may exceed 1).

    Raises
    ------
    AnalysisError : for missing columns or values, or people whom the life table does not cover.

    Berry 1983, doi 10.2307/2530809. It equals R's `survexp(method = "individual.h")`.
    """
    paths = _paths(people, life_table, duration, age, start)
    return pd.Series(paths.hazards[:, -1], index=people.index, name="expected_deaths")


def standardised_mortality_ratio(
    people: pd.DataFrame,
    life_table: pd.DataFrame,
    duration: str,
    event: str,
    age: str = "age_years",
    start: str = "start_year",
    group: str | None = None,
) -> pd.DataFrame:
    """Divide the deaths that were observed by those that were expected.

    Parameters
    ----------
    people, life_table, duration, age, start : as for `expected_deaths`.
    event : 0-1 or boolean column of death.
    group : column whose groups are compared with the general population; all where not given.

    Returns
    -------
    One row a group: `group`, `people`, `person_years`, `observed`, `expected` (deaths), `estimate`
    (ratio), `ci_low`, `ci_high` (95%, exact Poisson).

    Raises
    ------
    AnalysisError : as for `expected_deaths`.

    Breslow and Day 1987, Statistical Methods in Cancer Research II, chapter 2; the interval is
    that of R's `poisson.test`.
    """
    expected = expected_deaths(people, life_table, duration, age, start)
    died = _event(people, event)
    rows = []
    for name, members in _groups(people, group):
        observed, due = int(died[members].sum()), float(expected[members].sum())
        if due <= 0:
            raise AnalysisError("No deaths are expected in some group, so there is no ratio.")
        low = stats.chi2.ppf(0.025, 2 * observed) / 2 if observed else 0.0
        high = stats.chi2.ppf(0.975, 2 * observed + 2) / 2
        rows.append(
            {
                "group": name,
                "people": int(members.sum()),
                "person_years": float(people.loc[members, duration].sum()),
                "observed": observed,
                "expected": due,
                "estimate": observed / due,
                "ci_low": low / due,
                "ci_high": high / due,
            }
        )
    return pd.DataFrame(rows)


def ederer_2(
    people: pd.DataFrame,
    life_table: pd.DataFrame,
    duration: str,
    event: str,
    age: str = "age_years",
    start: str = "start_year",
    group: str | None = None,
) -> pd.DataFrame:
    """Estimate relative survival by Ederer's second method.

    The expected hazard at each time is the mean of those still followed.

    Parameters
    ----------
    people, life_table, duration, event, age, start, group : as for
        `standardised_mortality_ratio`.

    Returns
    -------
    One row a group and distinct time, censorings included: `group`, `time` (years), `at_risk`,
    `events`, `relative_survival`, `standard_error`, `ci_low`, `ci_high` (95%, on the log scale;
    empty where nobody is left alive). It may exceed 1.

    Raises
    ------
    AnalysisError : as for `expected_deaths`, and where nobody died.

    Ederer and Heise 1959; Perme, Stare and Esteve 2012, doi 10.1111/j.1541-0420.2011.01640.x.
    """
    return _curves(people, life_table, duration, event, age, start, group, "relative_survival")


def pohar_perme(
    people: pd.DataFrame,
    life_table: pd.DataFrame,
    duration: str,
    event: str,
    age: str = "age_years",
    start: str = "start_year",
    group: str | None = None,
) -> pd.DataFrame:
    """Estimate net survival after Pohar Perme: survival if nothing else could be died of.

    Everybody is weighted by the inverse of their expected survival. Between exits the weighted
    expected hazard is the derivative of the logarithm of the sum of weights, so it is integrated
    exactly and needs no grid of times.

    Parameters
    ----------
    people, life_table, duration, event, age, start, group : as for
        `standardised_mortality_ratio`.

    Returns
    -------
    One row a group and distinct time, as for `ederer_2`, with `net_survival`.

    Raises
    ------
    AnalysisError : as for `ederer_2`.

    Perme, Stare and Esteve 2012, doi 10.1111/j.1541-0420.2011.01640.x.
    """
    return _curves(people, life_table, duration, event, age, start, group, "net_survival")


@dataclass(frozen=True)
class _Paths:
    """Expected cumulative hazard of each person (row) at times between which it is a line."""

    times: np.ndarray
    hazards: np.ndarray


def _curves(people, life_table, duration, event, age, start, group, name) -> pd.DataFrame:
    paths = _paths(people, life_table, duration, age, start)
    time, died = people[duration].to_numpy(dtype=float), _event(people, event)
    if not died.any():
        raise AnalysisError(f"Nobody has the event '{event}', so there is nothing to estimate.")
    curves = []
    for label, members in _groups(people, group):
        rows = np.flatnonzero(members)
        curve = _curve(paths, rows, time[rows], died[rows], weighted=name == "net_survival")
        curve.insert(0, "group", label)
        curves.append(curve.rename(columns={"survival": name}))
    return pd.concat(curves, ignore_index=True)


def _curve(paths, rows, time, died, weighted: bool) -> pd.DataFrame:
    """Excess survival of one group: a product of its steps at deaths and its rise in between."""
    times, place = np.unique(time, return_inverse=True)
    count = len(times)
    at_risk = np.bincount(place, minlength=count)[::-1].cumsum()[::-1]
    events = np.bincount(place, weights=died, minlength=count)
    # Sums over those at risk, at the end and at the beginning of each stretch between times.
    end, beginning = np.zeros(count), np.zeros(count)
    step, square = np.zeros(count), np.zeros(count)
    for row, last, dead in zip(rows, place, died, strict=True):
        hazard = np.interp(times[: last + 1], paths.times[row], paths.hazards[row])
        value = np.exp(hazard) if weighted else hazard
        end[: last + 1] += value
        beginning[1 : last + 1] += value[:-1]
        beginning[0] += weighted  # the weight of everybody at the start is 1, the hazard 0
        if dead:
            weight = value[-1] if weighted else 1.0
            step[last] += weight
            square[last] += weight**2
    at_end = end if weighted else at_risk
    expected = np.log(end / beginning) if weighted else (end - beginning) / at_risk
    # R's relsurv takes deaths and expected deaths of a stretch together for Ederer II; after Pohar
    # Perme the expected ones come before the deaths, as they do there when times are added.
    left = (1 - step / at_end) * np.exp(expected) if weighted else 1 - step / at_end + expected
    survival = np.cumprod(left)
    error = np.sqrt(np.cumsum(square / at_end**2))
    reach = stats.norm.ppf(0.975) * error
    alive = np.where(survival > 0, survival, np.nan)
    return pd.DataFrame(
        {
            "time": times,
            "at_risk": at_risk,
            "events": events.astype(int),
            "survival": survival,
            "standard_error": survival * error,
            "ci_low": alive * np.exp(-reach),
            "ci_high": alive * np.exp(reach),
        }
    )


def _paths(people, life_table, duration, age, start) -> _Paths:
    rates, strata, first_age, first_year = _rates(life_table)
    if len(people) == 0:
        raise AnalysisError("There are no people to analyse.")
    time, old = _number(people, duration), _number(people, age)
    if (time < 0).any() or (old < 0).any():
        raise AnalysisError("Follow-up and age must be 0 or more.")
    began = np.zeros(len(people)) if first_year is None else _calendar(people, start)
    of_stratum = _strata(people, strata)
    whole = np.arange(int(time.max()) + 2)
    turns = [old, began][: 1 if first_year is None else 2]
    knots = [np.zeros((len(people), 1)), time[:, None]]
    knots += [np.floor(turn)[:, None] + 1 + whole - turn[:, None] for turn in turns]
    times = np.sort(np.minimum(np.concatenate(knots, axis=1), time[:, None]), axis=1)
    length, middle = np.diff(times, axis=1), (times[:, 1:] + times[:, :-1]) / 2
    at_age = np.floor(old[:, None] + middle).astype(int) - first_age
    at_year = np.zeros_like(at_age)
    if first_year is not None:
        at_year = np.floor(began[:, None] + middle).astype(int) - first_year
    followed = length > 0
    if (at_age[followed] < 0).any():
        raise AnalysisError("The life table begins at an age that some people have not reached.")
    if (at_year[followed] < 0).any() or (at_year[followed] >= rates.shape[2]).any():
        raise AnalysisError(
            "Some people were followed in calendar years that the life table does not have: add "
            "the years, or repeat the nearest one and say so."
        )
    rate = rates[
        of_stratum[:, None],
        at_age.clip(0, rates.shape[1] - 1),
        at_year.clip(0, rates.shape[2] - 1),
    ]
    hazards = np.cumsum(rate * length, axis=1)
    return _Paths(times, np.concatenate([np.zeros((len(people), 1)), hazards], axis=1))


def _rates(life_table: pd.DataFrame):
    """Hazards by stratum, age and year; the strata; the first age and year."""
    given = [column for column in (HAZARD, PROBABILITY) if column in life_table]
    if len(given) != 1 or AGE not in life_table:
        raise AnalysisError(
            f"A life table has the columns '{AGE}' and either '{HAZARD}' or '{PROBABILITY}'."
        )
    if life_table.isna().any(axis=None) or len(life_table) == 0:
        raise AnalysisError("The life table is empty, or has missing values.")
    for column in (AGE, YEAR, *given):
        if column in life_table and not pd.api.types.is_numeric_dtype(life_table[column]):
            raise AnalysisError(f"The column '{column}' of the life table must hold numbers.")
    rate = life_table[given[0]].to_numpy(dtype=float)
    if given[0] == PROBABILITY:
        if (rate >= 1).any():
            raise AnalysisError("A probability of death in the life table is not below 1.")
        rate = -np.log1p(-rate)
    if not (np.isfinite(rate) & (rate >= 0)).all():
        raise AnalysisError("A rate of the life table is negative or infinite.")
    keys = [column for column in life_table if column not in (AGE, YEAR, *given)]
    strata = life_table[keys].drop_duplicates().reset_index(drop=True) if keys else None
    ages = np.sort(life_table[AGE].unique())
    years = np.sort(life_table[YEAR].unique()) if YEAR in life_table else np.array([0])
    shape = (1 if strata is None else len(strata), len(ages), len(years))
    consecutive = all((np.diff(each) == 1).all() for each in (ages, years))
    if not consecutive or len(life_table) != np.prod(shape):
        raise AnalysisError(
            "The life table must have one row for every combination of its columns, with ages and "
            "calendar years that follow each other."
        )
    place = np.zeros(len(life_table), dtype=int) if strata is None else _strata(life_table, strata)
    rates = np.full(shape, np.nan)
    of_year = (life_table[YEAR].to_numpy() - years[0]).astype(int) if YEAR in life_table else 0
    rates[place, (life_table[AGE].to_numpy() - ages[0]).astype(int), of_year] = rate
    if np.isnan(rates).any():
        raise AnalysisError("The life table has two rows for one combination of its columns.")
    return rates, strata, int(ages[0]), int(years[0]) if YEAR in life_table else None


def _strata(people: pd.DataFrame, strata: pd.DataFrame | None) -> np.ndarray:
    """The stratum of the life table that each person belongs to."""
    if strata is None:
        return np.zeros(len(people), dtype=int)
    keys = list(strata)
    for key in keys:
        if key not in people:
            raise AnalysisError(f"The life table goes by '{key}', and the people do not have it.")
    index = pd.MultiIndex.from_frame(strata.astype(object))
    place = index.get_indexer(pd.MultiIndex.from_frame(people[keys].astype(object)))
    if (place < 0).any():
        raise AnalysisError(f"The life table does not cover some people's {' and '.join(keys)}.")
    return place


def _calendar(people: pd.DataFrame, start: str) -> np.ndarray:
    """The start of follow-up as a calendar year with its fraction."""
    if start in people and pd.api.types.is_datetime64_any_dtype(people[start]):
        day = people[start]
        if day.isna().any():
            raise AnalysisError(f"Column '{start}' has missing values.")
        days = 365 + day.dt.is_leap_year
        return (day.dt.year + (day.dt.dayofyear - 1) / days).to_numpy(dtype=float)
    return _number(people, start)


def _number(people: pd.DataFrame, name: str) -> np.ndarray:
    if name not in people:
        raise AnalysisError(f"There is no column '{name}' among the people.")
    if not pd.api.types.is_numeric_dtype(people[name]) or people[name].isna().any():
        raise AnalysisError(f"Column '{name}' must hold a number for everybody.")
    values = people[name].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise AnalysisError(f"Column '{name}' holds an infinite number.")
    return values


def _event(people: pd.DataFrame, name: str) -> np.ndarray:
    values = _number(people, name)
    if not np.isin(values, (0, 1)).all():
        raise AnalysisError(f"Column '{name}' must be 0 or 1, or true or false.")
    return values == 1


def _groups(people: pd.DataFrame, group: str | None) -> Iterator[tuple[object, np.ndarray]]:
    """Each group with who is in it: text sorted, a categorical in its own order."""
    if group is None:
        yield "all", np.ones(len(people), dtype=bool)
        return
    if group not in people:
        raise AnalysisError(f"There is no column '{group}' among the people.")
    if people[group].isna().any():
        raise AnalysisError(f"Column '{group}' has missing values.")
    values = people[group]
    levels = sorted(values.unique())
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = [level for level in values.cat.categories if (values == level).any()]
    for level in levels:
        yield level, (values == level).to_numpy(dtype=bool)
