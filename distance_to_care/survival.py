"""Survival analysis of any table of people: curves, tests, Cox models, restricted means.

Every function takes one row a person and the names of columns, and returns a tidy table.
`duration` is the time followed, in any unit, from 0 upwards; `event` is 0-1 or boolean. `group`
keeps its values, in order: numbers by size, text sorted, a categorical in its own order; it is
`all` where no group is given. Covariates enter as they are (numbers, booleans as 0 and 1) or, where
they are text, dates or categorical, as contrasts `column[level]` against the first level, of
`LEVELS` levels at most; decimals are numbers. Nothing is left out silently: a missing value raises
AnalysisError, whose sentence never holds a value of a row.

`people` may be the path of a Parquet file as well, of any size. It is read in batches, the columns
that are needed only, and kept as small codes (`packed`): curves, medians, tests between groups,
restricted means and cumulative incidence come from counts, `cox` and `proportional_hazards_test`
from codes. What needs one row a person reads its columns into memory: `adjusted_restricted_mean`,
`pseudo_restricted_mean`, `hazard_ratio_by_period`, `hazard_ratio_along`, `non_linearity_test`.

The answers are those of R's `survival`, to which they are tested. They come from
`statistics.engine`: lifelines has no Breslow ties, no step-halving, other robust errors, another
proportional hazards test, no errors of restricted means, random jitter in Aalen-Johansen, and
another median where a curve runs along one half. Where lifelines is right the tests show that both
agree.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from distance_to_care.packed import counts as packed_counts
from distance_to_care.packed import cox as packed_cox
from distance_to_care.packed import patterns
from distance_to_care.packed import people as packed
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

Z95 = engine.Z95
# Harrell's places for the knots of a restricted cubic spline, as shares of the people.
KNOT_SHARES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}


# Above so many people a table is packed for a Cox model, as a file is: faster, in less memory.
MANY = packed_cox.MANY

# Levels of a covariate, or groups of a test, that are compared with one another at most: a matrix
# has a column for each. More curves than that may be asked for.
LEVELS, CURVES = 500, 10_000

# A table, one row a person; or the path of a Parquet file of such rows.
Table = pd.DataFrame | str | os.PathLike


# -- people, groups and design ---------------------------------------------------------------------


def _names(*names) -> list[str]:
    """The columns that are asked for, alone or in lists, without those that are not."""
    found = []
    for each in names:
        if isinstance(each, str):
            found.append(each)
        elif each is not None:
            found += [name for name in each if isinstance(name, str)]
    return list(dict.fromkeys(found))


def _packed(people: Table | packed.People, *names) -> packed.People:
    """The columns as codes, of a file or of a table."""
    if isinstance(people, packed.People):
        return people
    people, names = _given(people), _names(*names)
    if isinstance(people, Path):
        coded = packed.read(people, names)
    else:
        for name in names:
            if name in people.columns and people[name].ndim == 1:
                _refuse_nested(people[name])
        coded = packed.of_table(people, names)
    coded.columns = {name: _with_numbers(column) for name, column in coded.columns.items()}
    return coded


def _rows(people: Table, *names) -> pd.DataFrame:
    """The columns with one row a person."""
    people = _given(people)
    return packed.table(people, _names(*names)) if isinstance(people, Path) else people


def _given(people: Table) -> pd.DataFrame | Path:
    """The table, or the path, that people are given as."""
    if isinstance(people, pd.DataFrame):
        return people
    if isinstance(people, str | os.PathLike):
        if not os.fsdecode(people):
            raise AnalysisError("The path of the people is empty: give the path of a Parquet file.")
        return Path(os.fsdecode(people)).expanduser()
    raise AnalysisError(
        "People are given as a pandas table, or as the path of one Parquet file; this is "
        f"neither, but of the type {type(people).__name__}."
    )


def _refuse_nested(values: pd.Series) -> None:
    if values.dtype != object or not pd.api.types.infer_dtype(values).startswith("mixed"):
        return
    if not all(isinstance(value, Hashable) for value in values):
        raise AnalysisError(
            f"Column '{values.name}' holds lists or records: give each part a column of its own."
        )


def _as_numbers(values: pd.Series) -> pd.Series:
    """Numbers that stand as objects or decimals, or in too few bits to be sorted, as numbers."""
    values = values.infer_objects()
    decimal = values.dtype == object and pd.api.types.infer_dtype(values) == "decimal"
    return values.astype(float) if decimal or values.dtype == np.float16 else values


def _with_numbers(column: packed.Column) -> packed.Column:
    values = _as_numbers(column.different)
    if values.dtype == column.different.dtype or values.isna().any():
        return column
    if column.codes is None or not pd.api.types.is_float_dtype(values):
        return packed.Column(column.name, values, column.codes, column.numbers)
    different, place = np.unique(values, return_inverse=True)
    codes = place.ravel().astype(np.min_scalar_type(len(different)))[column.codes]
    return packed.Column(column.name, pd.Series(different), codes)


def label(level: object) -> str:
    """Name a level: whole numbers without a decimal point, everything else as it is written.

    Parameters
    ----------
    level : a value of a column.

    Returns
    -------
    Its name, as it stands in the terms of `cox`.
    """
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level)


def _column(people: pd.DataFrame | packed.People, name: str) -> pd.Series:
    """The values of a column: everybody's, or of packed people the different ones."""
    coded = isinstance(people, packed.People)
    repeated = people.repeated if coded else ()
    if name not in people.columns and name not in repeated:
        raise AnalysisError(f"There is no column '{name}' among the people.")
    if len(people) == 0:
        raise AnalysisError("There are no people to analyse.")
    if name in repeated or (not coded and people[name].ndim > 1):
        raise AnalysisError(f"There are several columns '{name}' among the people.")
    values = people.columns[name].different if coded else people[name]
    if values.isna().any():
        raise AnalysisError(
            f"Column '{name}' has missing values: leave those people out, or impute, first."
        )
    if not coded:
        _refuse_nested(values)
    # Numbers and booleans may have been kept as objects, among missing values that are gone now.
    return _as_numbers(values)


def _number(people: pd.DataFrame | packed.People, name: str) -> np.ndarray:
    values = _column(people, name)
    if not pd.api.types.is_numeric_dtype(values):
        raise AnalysisError(f"Column '{name}' must hold numbers.")
    values = values.to_numpy(dtype=float)
    if not np.all(np.isfinite(values)):
        raise AnalysisError(f"Column '{name}' holds an infinite number.")
    return values


def _above_nought(value: object, what: str) -> float:
    """A length of time that was asked for, as a number."""
    if not isinstance(value, int | float | np.number) or not value > 0 or not np.isfinite(value):
        raise AnalysisError(f"{what} that is asked for must be a number above 0.")
    return float(value)


def _numbers_asked(values: object, refusal: str) -> np.ndarray:
    """Numbers that were asked for, one or several, or a sentence of what they must be."""
    try:
        numbers = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.all(np.isfinite(numbers)):
        raise AnalysisError(refusal)
    return numbers


def _listed(covariates: str | Sequence[str]) -> list[str]:
    """Names of covariates, one or several."""
    if covariates is None:
        return []
    return [covariates] if isinstance(covariates, str) else list(covariates)


def _duration(people: pd.DataFrame | packed.People, name: str) -> np.ndarray:
    values = _number(people, name)
    if np.any(values < 0):
        raise AnalysisError(f"Column '{name}' has negative times.")
    return values


def _event(people: pd.DataFrame | packed.People, name: str) -> np.ndarray:
    values = _number(people, name)
    if not np.all((values == 0) | (values == 1)):
        raise AnalysisError(f"Column '{name}' must be 0 or 1, or true or false.")
    if not values.any():
        raise AnalysisError(f"Nobody has the event '{name}', so there is nothing to estimate.")
    return values == 1


def times_and_events(people: Table, duration: str, event: str) -> tuple[np.ndarray, np.ndarray]:
    """Check the columns of time and event, and hand them over as arrays.

    Parameters
    ----------
    people, duration, event : as for `kaplan_meier`.

    Returns
    -------
    Times (numbers, 0 or more) and events (true or false).

    Raises
    ------
    AnalysisError : as `kaplan_meier`.
    """
    people = _rows(people, duration, event)
    return _duration(people, duration), _event(people, event)


def _levels(values: pd.Series) -> list:
    """The levels that occur, in order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.remove_unused_categories().cat.categories)
    levels = list(values.unique())
    return sorted(levels) if pd.api.types.is_numeric_dtype(values) else sorted(levels, key=label)


def _codes(values: pd.Series) -> tuple[np.ndarray, list]:
    """The place of each value among the levels, and the levels as they are."""
    levels = _levels(values)
    codes = pd.Categorical(values, categories=levels).codes
    return np.asarray(codes, dtype=np.intp), levels


@dataclass(frozen=True)
class _Groups:
    """The groups of packed people: a code a person, the group of each code, the groups' names."""

    codes: np.ndarray
    meaning: np.ndarray
    names: list

    @property
    def own(self) -> np.ndarray:
        """Each person's group, as its place among the names."""
        return self.meaning.astype(np.min_scalar_type(len(self.names)))[self.codes]


def _grouped(people: packed.People, group: str | None, most: int | None = None) -> _Groups | None:
    if group is None:
        return None
    _column(people, group)
    column = people.columns[group] = people.columns[group].coded()
    _refuse_many(group, len(column.different), most)
    return _Groups(column.codes, *_codes(column.different.infer_objects()))


def _refuse_many(name: str, count: int, most: int | None, why: str = "too many to compare") -> None:
    """Refuse a column of so many groups, before any of them takes room."""
    if most is not None and count > most:
        raise AnalysisError(
            f"Column '{name}' has {count:,} different values, {why}: is it an identifier, a date, "
            "or a number written as text? Leave it out, give it as a number, or put values "
            "together."
        )


def _compared(names: list, group: str) -> list:
    if len(names) < 2:
        raise AnalysisError(f"Everybody is in one group of '{group}', so nothing can be compared.")
    return names


def _each(people, duration, event, group) -> list[tuple[object, packed_counts.Counts]]:
    """How many people of each group leave at each time, and how."""
    people = _packed(people, duration, event, group)
    _duration(people, duration)
    died = _event(people, event)
    cause = people.columns[event].codes, died.astype(np.intp)
    return _counted(people, duration, cause, 1, group)


def _counted(people, duration, cause, causes, group):
    groups, time = _grouped(people, group, CURVES), people.columns[duration]
    if groups is None:
        return [("all", *packed_counts.by_group(time, cause, causes))]
    own = groups.codes, groups.meaning
    found = packed_counts.by_group(time, cause, causes, own, len(groups.names))
    return list(zip(groups.names, found, strict=True))


@dataclass(frozen=True)
class Design:
    """A design matrix: its values, its terms, the column behind each, and each level's names."""

    matrix: np.ndarray
    terms: list[str]
    columns: list[str]


def parameters(people: pd.DataFrame, covariates: Sequence[str]) -> int:
    """Count the parameters that columns have in a model: one a number, one a level but the first.

    Parameters
    ----------
    people : one row a person.
    covariates : columns, which enter as in `design`.

    Returns
    -------
    The number of parameters.
    """
    columns = [_as_numbers(people[name]) for name in dict.fromkeys(covariates)]
    return sum(
        1 if pd.api.types.is_numeric_dtype(values) else max(values.nunique() - 1, 1)
        for values in columns
    )


def design(people: pd.DataFrame, covariates: Sequence[str]) -> Design:
    """Turn columns into a design matrix: numbers stay, categories become one column a level.

    Parameters
    ----------
    people : one row a person.
    covariates : columns. Numbers enter as they are and booleans as 0 and 1, both under the
        column's name; text and categoricals as 0-1 contrasts `column[level]` with the first level.

    Returns
    -------
    A `Design`: `matrix` (people x terms), `terms` (the name of each column of the matrix) and
    `columns` (the covariate that each comes from).

    Raises
    ------
    AnalysisError : unknown column, missing values, everybody alike, more levels than `LEVELS`.
    """
    return _design(people, covariates)


def _design(people, covariates, events: int | None = None) -> Design:
    covariates = _listed(covariates)
    if not covariates:
        raise AnalysisError("The model has no covariates.")
    parts, terms, columns = [], [], []
    for name in dict.fromkeys(covariates):
        matrix, own = _terms(people, name, events)
        parts.append(matrix)
        terms += own
        columns += [name] * len(own)
    return Design(np.hstack(parts), terms, columns)


def _terms(
    people: pd.DataFrame | packed.People, name: str, events: int | None
) -> tuple[np.ndarray, list[str]]:
    """What each value of a column contributes to the terms of a model, and their names."""
    values = _column(people, name)
    count = values.nunique()
    if count < 2:
        raise AnalysisError(f"Everybody has the same value of '{name}'.")
    if pd.api.types.is_numeric_dtype(values):
        return _number(people, name)[:, None], [name]
    _refuse_many(name, count, LEVELS)
    # A level without events has no finite estimate; here there must be one.
    _refuse_many(name, count, events, "more than people have the event")
    codes, levels = _codes(values)
    matrix = (codes[:, None] == np.arange(1, len(levels))).astype(float)
    return matrix, [f"{name}[{label(level)}]" for level in levels[1:]]


@dataclass(frozen=True)
class _PackedDesign:
    """The covariates of packed people, the terms, and the column behind each."""

    covariates: list[patterns.Covariate]
    terms: list[str]
    columns: list[str]


def _packed_design(people: packed.People, covariates: Sequence[str], events: int) -> _PackedDesign:
    """Turn columns into terms as `design` does, by the different values that they have."""
    covariates = _listed(covariates)
    if not covariates:
        raise AnalysisError("The model has no covariates.")
    parts, terms, columns = [], [], []
    for name in dict.fromkeys(covariates):
        matrix, own = _terms(people, name, events)
        column = people.columns[name]
        parts.append(patterns.Covariate(column, None if column.codes is None else matrix))
        terms += own
        columns += [name] * len(own)
    return _PackedDesign(parts, terms, columns)


def _strata(people, strata: str | Sequence[str] | None) -> np.ndarray | None:
    if strata is None or len(strata) == 0:
        return None
    codes, count = np.zeros(len(people), dtype=np.intp), 1
    for name in [strata] if isinstance(strata, str) else strata:
        if isinstance(people, packed.People):
            groups = _grouped(people, name)
            own, levels = groups.own, groups.names
        else:
            own, levels = _codes(_column(people, name))
        codes, count = codes * len(levels) + own, count * len(levels)
        if count > len(codes):
            # Strata that occur: of several columns most do not, and there is no room for them.
            codes, there = pd.factorize(codes, sort=True)
            count = len(there)
    return codes


def _for_cox(people: Table, *names) -> pd.DataFrame | packed.People:
    """A table of few people as it is; many, or a file, packed."""
    if isinstance(people, pd.DataFrame) and len(people) <= MANY:
        return people
    return _packed(people, *names)


def _packed_fit(people, duration, event, covariates, strata, entry, ties):
    _duration(people, duration)
    had = _event(people, event)
    died = people.columns[event].codes == np.argmax(had)
    time, started = people.columns[duration].coded(), None
    if entry is not None:
        _number(people, entry)
        started = people.columns[entry].coded()
        ends, begins = (each.different.to_numpy(dtype=float) for each in (time, started))
        for low in range(0, len(died), packed.BATCH):
            part = slice(low, low + packed.BATCH)
            if np.any(begins[started.codes[part]] >= ends[time.codes[part]]):
                raise AnalysisError(f"Somebody's '{entry}' is not before their '{duration}'.")
    X = _packed_design(people, covariates, int(died.sum()))
    codes = _strata(people, strata)
    fit = packed_cox.cox(
        time, died, X.covariates, entry=started,
        strata=None if codes is None else (codes, int(codes.max()) + 1), ties=ties,
        names=X.columns,
    )  # fmt: skip
    return fit, X


def _fit(people, duration, event, covariates, strata=None, entry=None, ties="efron"):
    if isinstance(people, packed.People):
        return _packed_fit(people, duration, event, covariates, strata, entry, ties)
    time, died = _duration(people, duration), _event(people, event)
    started = None
    if entry is not None:
        started = _number(people, entry)
        if np.any(started >= time):
            raise AnalysisError(f"Somebody's '{entry}' is not before their '{duration}'.")
    X = covariates
    if not isinstance(X, Design):
        X = _design(people, covariates, int(died.sum()))
    fit = engine.cox(
        time, died, X.matrix, entry=started, strata=_strata(people, strata), ties=ties,
        names=X.columns,
    )  # fmt: skip
    return fit, X


def _interval(estimate, error) -> dict[str, np.ndarray]:
    return {"ci_low": estimate - Z95 * error, "ci_high": estimate + Z95 * error}


def _p_value(estimate, error) -> np.ndarray:
    return 2 * norm.sf(np.abs(estimate / error))


def _test(statistic: float, freedom: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "statistic": [float(statistic)],
            "degrees_of_freedom": [int(freedom)],
            "p_value": [float(chi2.sf(statistic, freedom))],
        }
    )


# -- curves ----------------------------------------------------------------------------------------


def kaplan_meier(
    people: Table, duration: str, event: str, group: str | None = None
) -> pd.DataFrame:
    """Estimate the probability of no event over time with Kaplan-Meier.

    Parameters
    ----------
    people : one row a person; or the path of a Parquet file of them, as for every function here.
    duration, event, group : columns; see the module.

    Returns
    -------
    One row a group and distinct time of an event or a censoring: `group`, `time`, `at_risk` (just
    before that time), `events`, `survival`, `ci_low`, `ci_high` (95%, log-log; empty where the
    curve is still 1 or already 0, as in R).

    Raises
    ------
    AnalysisError : no events, missing values, an unknown column, negative times, more groups than
        `CURVES`.

    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452.
    """
    curves = []
    for name, counts in _each(people, duration, event, group):
        table = counts.table
        curve = engine.kaplan_meier(table)
        curves.append(
            pd.DataFrame(
                {
                    "group": name,
                    "time": table.time,
                    "at_risk": table.at_risk,
                    "events": table.events[0],
                    "survival": curve.survival,
                    "ci_low": curve.low,
                    "ci_high": curve.high,
                }
            )
        )
    return pd.concat(curves, ignore_index=True)


def median_survival(
    people: Table, duration: str, event: str, group: str | None = None
) -> pd.DataFrame:
    """Estimate the time by which half have had the event, from the Kaplan-Meier curve.

    Parameters
    ----------
    people, duration, event, group : as for `kaplan_meier`.

    Returns
    -------
    One row a group: `group`, `people`, `events`, `median`, `ci_low`, `ci_high`, in the unit of
    `duration`: where the curve and its 95% log-log limits reach one half (the middle where the
    curve runs along it, as R); empty where they do not.

    Raises
    ------
    AnalysisError : as `kaplan_meier`.

    Brookmeyer and Crowley 1982, doi 10.2307/2530286.
    """
    return _medians(_each(people, duration, event, group))


def _medians(groups) -> pd.DataFrame:
    rows = []
    for name, counts in groups:
        curve = engine.kaplan_meier(counts.table)
        rows.append(
            {
                "group": name,
                "people": int(counts.leaving.sum()),
                "events": int(counts.leaving[1].sum()),
                "median": engine.reached(curve.time, curve.survival),
                "ci_low": engine.reached(curve.time, curve.low),
                "ci_high": engine.reached(curve.time, curve.high),
            }
        )
    return pd.DataFrame(rows)


def follow_up(people: Table, duration: str, event: str, group: str | None = None) -> pd.DataFrame:
    """Estimate the median time of follow-up with the reverse Kaplan-Meier method.

    The end of follow-up without the event is the event, and the event censors.

    Parameters
    ----------
    people, duration, event, group : as for `kaplan_meier`.

    Returns
    -------
    The columns of `median_survival`; `events` counts those whose follow-up ended without the event.

    Raises
    ------
    AnalysisError : as `kaplan_meier`; nobody's follow-up ended without the event.

    Schemper and Smith 1996, doi 10.1016/0197-2456(96)00075-X.
    """
    people = _packed(people, duration, event, group)
    if _event(people, event).all():
        raise AnalysisError(f"Everybody has the event '{event}', so follow-up is complete.")
    each = _each(people, duration, event, group)
    return _medians([(name, counts.reversed()) for name, counts in each])


def survival_at(
    people: Table,
    duration: str,
    event: str,
    times: Sequence[float],
    group: str | None = None,
) -> pd.DataFrame:
    """Read the Kaplan-Meier curve at fixed times.

    Parameters
    ----------
    people, duration, event, group : as for `kaplan_meier`.
    times : in the unit of `duration`.

    Returns
    -------
    One row a group and time: `group`, `time`, `at_risk` (followed for that time or longer),
    `events` (up to and including that time), `survival`, `ci_low`, `ci_high`. Empty after the last
    follow-up of the group, unless the curve has reached 0.

    Raises
    ------
    AnalysisError : as `kaplan_meier`.
    """
    refusal = "Every time that is asked for must be a number, 0 or above."
    times = _numbers_asked(times, refusal)
    if np.any(times < 0):
        raise AnalysisError(refusal)
    tables = []
    for name, counts in _each(people, duration, event, group):
        table = counts.table
        curve = engine.kaplan_meier(table)
        last = np.searchsorted(table.time, times, side="right")
        known = (times <= table.time[-1]) | (curve.survival[-1] == 0)

        def at(values, start, last=last, known=known):
            return np.where(known, np.concatenate([[start], values])[last], np.nan)

        tables.append(
            pd.DataFrame(
                {
                    "group": name,
                    "time": times,
                    "at_risk": np.append(table.at_risk, 0)[np.searchsorted(table.time, times)],
                    "events": np.concatenate([[0], np.cumsum(table.events[0])])[last],
                    "survival": at(curve.survival, 1.0),
                    "ci_low": at(curve.low, np.nan),
                    "ci_high": at(curve.high, np.nan),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def cumulative_incidence(
    people: Table, duration: str, cause: str, group: str | None = None
) -> pd.DataFrame:
    """Estimate the probability of each cause over time, other causes competing.

    Aalen-Johansen's estimator, exact at ties.

    Parameters
    ----------
    people : one row a person.
    duration, group : columns; see the module.
    cause : column of text, `censored` where follow-up ended without any event.

    Returns
    -------
    One row a group, cause and distinct time of an event or a censoring: `group`, `cause`, `time`,
    `incidence`, `ci_low`, `ci_high` (95%, log-log for the incidence, with the infinitesimal
    jackknife error, as R's `survfit(..., conf.type = "log-log")`; empty where the incidence is 0).

    Raises
    ------
    AnalysisError : everybody censored, missing values, an unknown column, negative times.

    Aalen and Johansen 1978, https://www.jstor.org/stable/4615704.
    """
    people = _packed(people, duration, cause, group)
    _duration(people, duration)
    meaning, causes = _codes(_column(people, cause))
    if not all(isinstance(name, str) for name in causes):
        raise AnalysisError(f"Column '{cause}' must hold text: a cause, or 'censored' for none.")
    if any(name != "censored" and name.strip().lower() == "censored" for name in causes):
        raise AnalysisError(f"Write 'censored' in column '{cause}' in small letters.")
    occurring = [name for name in causes if name != "censored"]
    if not occurring:
        raise AnalysisError(f"Everybody is censored in '{cause}', so there is nothing to estimate.")
    number = np.array([occurring.index(n) + 1 if n != "censored" else 0 for n in causes])[meaning]
    tables = []
    by_cause = people.columns[cause].codes, number
    for name, counts in _counted(people, duration, by_cause, len(occurring), group):
        table = counts.table
        incidence, error = engine.aalen_johansen(table)
        for at, which in enumerate(occurring):
            with np.errstate(divide="ignore", invalid="ignore"):
                low, high = engine.log_log_interval(incidence[at], error[at] / incidence[at])
            tables.append(
                pd.DataFrame(
                    {
                        "group": name,
                        "cause": which,
                        "time": table.time,
                        "incidence": incidence[at],
                        "ci_low": low,
                        "ci_high": high,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


# -- tests between groups --------------------------------------------------------------------------


def log_rank(people: Table, duration: str, event: str, group: str) -> pd.DataFrame:
    """Test whether survival is the same in all groups, with the log-rank test.

    Parameters
    ----------
    people, duration, event, group : as for `kaplan_meier`; `group` must have two groups or more.

    Returns
    -------
    One row: `statistic` (chi-squared), `degrees_of_freedom`, `p_value`.

    Raises
    ------
    AnalysisError : one group or more than `LEVELS`, no events, missing values, an unknown column,
        negative times.

    Mantel 1966; Peto and Peto 1972, doi 10.2307/2344317.
    """
    observed, expected, covariance = _log_rank(people, duration, event, group)
    # Who left before the first event says nothing; as R, such a group does not count.
    kept = np.flatnonzero(expected > 0)[1:]
    if len(kept) == 0:
        raise AnalysisError(f"Only one group of '{group}' was at risk when an event happened.")
    difference = (observed - expected)[kept]
    statistic = difference @ np.linalg.pinv(covariance[np.ix_(kept, kept)]) @ difference
    return _test(statistic, len(kept))


def _log_rank(people, duration, event, group):
    people = _packed(people, duration, event, group)
    _compared(_grouped(people, group, LEVELS).names, group)
    found = _each(people, duration, event, group)
    return packed_counts.log_rank([counts for _, counts in found])


def trend_test(people: Table, duration: str, event: str, group: str) -> pd.DataFrame:
    """Test for a trend of survival over ordered groups, with the log-rank test for trend.

    Parameters
    ----------
    people, duration, event : as for `kaplan_meier`.
    group : column of ordered groups; in their order they are scored 1, 2, 3, ...

    Returns
    -------
    One row: `statistic` (chi-squared), `degrees_of_freedom` (1), `p_value`.

    Raises
    ------
    AnalysisError : as `log_rank`.

    Tarone 1975, doi 10.1093/biomet/62.3.679.
    """
    observed, expected, covariance = _log_rank(people, duration, event, group)
    scores = np.arange(1.0, len(observed) + 1)
    variance = scores @ covariance @ scores
    if not variance > 0:
        raise AnalysisError(f"Only one group of '{group}' was at risk when an event happened.")
    return _test((scores @ (observed - expected)) ** 2 / variance, 1)


# -- Cox -------------------------------------------------------------------------------------------


def cox(
    people: Table,
    duration: str,
    event: str,
    covariates: Sequence[str],
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    entry: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Estimate hazard ratios with Cox's proportional hazards model.

    Parameters
    ----------
    people : one row a person (with `entry`, one row an interval), or the path of a Parquet file.
    duration, event : columns; see the module.
    covariates : columns; see `design` for how they enter.
    strata : column or columns whose groups have a baseline hazard each.
    cluster : column; standard errors are robust to dependence inside its groups (Lin and Wei).
    entry : column of the time at which follow-up starts (left truncation; at risk after it).
    ties : `efron` or `breslow`.

    Returns
    -------
    One row a term: `term`, `coefficient`, `standard_error` (robust with `cluster`),
    `hazard_ratio`, `ci_low`, `ci_high` (95%, of the hazard ratio), `p_value` (Wald).

    Raises
    ------
    AnalysisError : no events, a constant covariate, covariates that determine one another,
        separation, no convergence (hazards that lie too far apart among them), more levels than
        events or than `LEVELS`, missing values, an unknown column.

    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x; Efron 1977,
    doi 10.2307/2286217; Lin and Wei 1989, doi 10.1080/01621459.1989.10478874.
    """
    people = _for_cox(people, duration, event, covariates, strata, cluster, entry)
    fit, X = _fit(people, duration, event, covariates, strata, entry, ties)
    return _hazard_ratios(X.terms, fit.coefficients, _variance(people, fit, cluster))


def _variance(people, fit, cluster) -> np.ndarray:
    if cluster is None:
        return fit.variance
    if isinstance(people, packed.People):
        groups = _grouped(people, cluster)
        codes, names = groups.own, groups.names
    else:
        codes, names = _codes(_column(people, cluster))
    if len(names) < 2:
        raise AnalysisError(f"Everybody is in one cluster of '{cluster}'.")
    if isinstance(people, packed.People):
        return fit.robust_variance((codes, len(names)))
    return fit.robust_variance(codes)


def _ratio(log_ratio: np.ndarray) -> np.ndarray:
    # Beyond the largest number a ratio is infinite, as in R: the coefficient tells its size.
    with np.errstate(over="ignore"):
        return np.exp(log_ratio)


def _hazard_ratios(terms, coefficients, variance) -> pd.DataFrame:
    error = np.sqrt(np.diag(variance))
    return pd.DataFrame(
        {
            "term": terms,
            "coefficient": coefficients,
            "standard_error": error,
            "hazard_ratio": _ratio(coefficients),
            "ci_low": _ratio(coefficients - Z95 * error),
            "ci_high": _ratio(coefficients + Z95 * error),
            "p_value": _p_value(coefficients, error),
        }
    )


def proportional_hazards_test(
    people: Table,
    duration: str,
    event: str,
    covariates: Sequence[str],
    transform: str = "km",
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Test whether hazard ratios are constant over time, with the score test of R's `cox.zph`.

    Parameters
    ----------
    people, duration, event, covariates, strata, entry, ties : as for `cox`.
    transform : of time: `km` (1 less the Kaplan-Meier curve), `rank`, `identity` or `log`.

    Returns
    -------
    One row a covariate (all levels of a categorical together) and `GLOBAL`: `term`, `statistic`
    (chi-squared), `degrees_of_freedom`, `p_value`.

    Raises
    ------
    AnalysisError : as `cox`; an unknown transform.

    Grambsch and Therneau 1994, doi 10.1093/biomet/81.3.515 (score test as in survival 3.0).
    """
    people = _for_cox(people, duration, event, covariates, strata, entry)
    fit, X = _fit(people, duration, event, covariates, strata, entry, ties)
    names = list(dict.fromkeys(X.columns))
    places = [[j for j, column in enumerate(X.columns) if column == name] for name in names]
    statistic, freedom, p_value = fit.proportional_hazards(transform, places)
    return pd.DataFrame(
        {
            "term": [*names, "GLOBAL"],
            "statistic": statistic,
            "degrees_of_freedom": freedom,
            "p_value": p_value,
        }
    )


def hazard_ratio_by_period(
    people: Table,
    duration: str,
    event: str,
    covariates: Sequence[str],
    cuts: Sequence[float],
    varying: Sequence[str] | None = None,
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Estimate hazard ratios period by period: no ratio need be constant over all of follow-up.

    Follow-up is split at the cuts, each part entering where the one before ended.

    Parameters
    ----------
    people, duration, event, covariates, strata, cluster, ties : as for `cox`.
    cuts : times at which follow-up is split, in the unit of `duration`.
    varying : the covariates whose ratios change with the period; all where None.

    Returns
    -------
    The columns of `cox`, with `period_start` (exclusive) and `period_end` (inclusive; empty for
    the last) before them; a covariate that does not vary has one row from 0.

    Raises
    ------
    AnalysisError : as `cox`; a cut outside follow-up; a period without events.
    """
    people = _rows(people, duration, event, covariates, strata, cluster)
    time, died = _duration(people, duration), _event(people, event)
    cuts = np.unique(_numbers_asked(cuts, "Every cut must be a number: a time inside follow-up."))
    if len(cuts) == 0 or cuts[0] <= 0 or cuts[-1] >= time.max():
        raise AnalysisError("Every cut must lie inside follow-up, after 0 and before its end.")
    # The first part starts before 0, so that an event on the first day counts, as without parts.
    edges = np.concatenate([[-1.0], cuts, [np.inf]])
    X = design(people, covariates)
    varying = set(X.columns if varying is None else varying)
    if unknown := varying - set(X.columns):
        raise AnalysisError(f"These are not covariates of the model: {', '.join(sorted(unknown))}.")
    row, period = np.nonzero(time[:, None] > edges[:-1])
    end = np.minimum(time[row], edges[period + 1])
    ended = died[row] & (time[row] <= edges[period + 1])
    if np.any(np.bincount(period[ended], minlength=len(cuts) + 1) == 0):
        raise AnalysisError("A period has no events: take fewer cuts.")
    parts, names, spans = [], [], []
    for j, column in enumerate(X.columns):
        for k in range(len(cuts) + 1) if column in varying else (None,):
            within = 1.0 if k is None else period == k
            parts.append(X.matrix[row, j] * within)
            names.append((X.terms[j], column))
            spans.append((0.0, np.inf) if k is None else (max(0.0, edges[k]), edges[k + 1]))
    split = people.iloc[row]
    fit = engine.cox(
        end, ended, np.column_stack(parts), entry=edges[period], strata=_strata(split, strata),
        ties=ties, names=[column for _, column in names],
    )  # fmt: skip
    table = _hazard_ratios([t for t, _ in names], fit.coefficients, _variance(split, fit, cluster))
    starts, ends = np.array(spans).T
    table.insert(0, "period_start", starts)
    table.insert(1, "period_end", np.where(np.isinf(ends), np.nan, ends))
    return table


# -- restricted mean -------------------------------------------------------------------------------


def _restricted_means(people, duration, event, horizon, group):
    horizon = _above_nought(horizon, "A horizon")
    found = [
        (name, *engine.restricted_mean(counts.table, horizon))
        for name, counts in _each(people, duration, event, group)
    ]
    return pd.DataFrame(found, columns=["group", "restricted_mean", "standard_error"])


def restricted_mean(
    people: Table, duration: str, event: str, horizon: float, group: str | None = None
) -> pd.DataFrame:
    """Estimate the mean time without the event up to a horizon: the area under Kaplan-Meier.

    Parameters
    ----------
    people, duration, event, group : as for `kaplan_meier`.
    horizon : in the unit of `duration`; inside the follow-up of every group.

    Returns
    -------
    One row a group: `group`, `restricted_mean`, `standard_error`, `ci_low`, `ci_high` (95%).

    Raises
    ------
    AnalysisError : as `kaplan_meier`; follow-up of a group ends before the horizon.

    Royston and Parmar 2013, doi 10.1186/1471-2288-13-152.
    """
    table = _restricted_means(people, duration, event, horizon, group)
    return table.assign(**_interval(table["restricted_mean"], table["standard_error"]))


def restricted_mean_difference(
    people: Table,
    duration: str,
    event: str,
    horizon: float,
    group: str,
    reference: object,
) -> pd.DataFrame:
    """Compare restricted means with that of a reference group.

    Parameters
    ----------
    people, duration, event, horizon, group : as for `restricted_mean`.
    reference : level of `group` that the others are compared with.

    Returns
    -------
    One row a group other than the reference: `group`, `reference`, `difference` (group less
    reference, in the unit of `duration`), `standard_error`, `ci_low`, `ci_high`, `p_value` (Wald).

    Raises
    ------
    AnalysisError : as `restricted_mean`; one group; nobody in the reference.
    """
    people = _packed(people, duration, event, group)
    groups = _grouped(people, group, CURVES).names
    base = _reference(_compared(groups, group), reference, group)
    table = _restricted_means(people, duration, event, horizon, group).set_index("group")
    own, others = table.loc[base], table.drop(index=base)
    difference = others["restricted_mean"] - own["restricted_mean"]
    error = np.hypot(others["standard_error"], own["standard_error"])
    return _differences(list(others.index), base, difference.to_numpy(), error.to_numpy())


def _reference(groups: list, reference: object, group: str) -> object:
    for level in groups:
        if label(level) == label(reference):
            return level
    raise AnalysisError(f"Nobody is in the reference group of '{group}'.")


def _differences(groups, reference, difference, error) -> pd.DataFrame:
    if not np.all(error > 0):
        raise AnalysisError("A difference of restricted means has no error: nobody had the event.")
    return pd.DataFrame(
        {
            "group": groups,
            "reference": reference,
            "difference": difference,
            "standard_error": error,
            **_interval(difference, error),
            "p_value": _p_value(difference, error),
        }
    )


def adjusted_restricted_mean(
    people: Table,
    duration: str,
    event: str,
    exposure: str,
    covariates: Sequence[str],
    horizon: float,
    reference: object | None = None,
    cluster: str | None = None,
) -> pd.DataFrame:
    """Estimate what the restricted mean would be were everybody in each group, covariates kept.

    G-formula: a Cox model stratified by the exposure, so that its hazard ratio need not be
    constant, predicts everybody's restricted mean in each group; these are averaged over all
    people. The covariates' hazard ratios are taken to be constant and the same in all groups.

    Parameters
    ----------
    people, duration, event : as for `cox`.
    exposure : column of the groups.
    covariates : columns that are adjusted for; see `design`.
    horizon : in the unit of `duration`; inside the follow-up of every group.
    reference : group that the others are compared with; the first where None.
    cluster : column; errors are robust to dependence inside its groups.

    Returns
    -------
    One row a group: `group`, `reference`, `restricted_mean`, `standard_error` (infinitesimal
    jackknife), `ci_low`, `ci_high`, and against the reference `difference`, `difference_error`,
    `difference_low`, `difference_high`, `p_value` (empty for the reference itself).

    Raises
    ------
    AnalysisError : as `cox`; one group; follow-up of a group ends before the horizon.

    Karrison 1987 and Zucker 1998 (Journal of the American Statistical Association).
    """
    horizon = _above_nought(horizon, "A horizon")
    people = _rows(people, duration, event, exposure, covariates, cluster)
    codes, groups = _codes(_column(people, exposure))
    _refuse_many(exposure, len(groups), LEVELS)
    _compared(groups, exposure)
    base = groups[0] if reference is None else _reference(groups, reference, exposure)
    X = design(people, covariates)
    fit = engine.cox(
        _duration(people, duration), _event(people, event), X.matrix, strata=codes, names=X.columns
    )
    found = [fit.standardised_restricted_mean(horizon, k) for k in range(len(groups))]
    means = np.array([mean for mean, _ in found])
    influence = np.array([part for _, part in found])
    if cluster is not None:
        inside, names = _codes(_column(people, cluster))
        together = np.zeros((len(groups), len(names)))
        np.add.at(together.T, inside, influence.T)
        influence = together
    own = groups.index(base)
    error = np.sqrt((influence**2).sum(axis=1))
    difference = np.where(np.arange(len(groups)) == own, np.nan, means - means[own])
    difference_error = np.sqrt(((influence - influence[own]) ** 2).sum(axis=1))
    difference_error[own] = np.nan
    limits = _interval(difference, difference_error)
    return pd.DataFrame(
        {
            "group": groups,
            "reference": base,
            "restricted_mean": means,
            "standard_error": error,
            **_interval(means, error),
            "difference": difference,
            "difference_error": difference_error,
            "difference_low": limits["ci_low"],
            "difference_high": limits["ci_high"],
            "p_value": _p_value(difference, difference_error),
        }
    )


def pseudo_restricted_mean(people: Table, duration: str, event: str, horizon: float) -> pd.Series:
    """Give each person a restricted mean of their own, to be used as an outcome in regression.

    The jackknife pseudo-value: n times the restricted mean of all less n - 1 times that of all
    others. Its mean is the restricted mean; a regression of it needs robust errors.

    Parameters
    ----------
    people, duration, event : as for `kaplan_meier`.
    horizon : in the unit of `duration`; inside follow-up.

    Returns
    -------
    A number a person, in the unit of `duration`, with the index of `people`.

    Raises
    ------
    AnalysisError : as `restricted_mean`.

    Andersen, Hansen and Klein 2004, doi 10.1007/s10985-004-4771-0.
    """
    horizon = _above_nought(horizon, "A horizon")
    people = _rows(people, duration, event)
    time, died = _duration(people, duration), _event(people, event)
    values = engine.pseudo_restricted_mean(time, died, horizon)
    return pd.Series(values, index=people.index, name="pseudo_restricted_mean")


# -- a continuous exposure as a curve --------------------------------------------------------------


def spline_knots(values: Sequence[float], count: int = 4) -> np.ndarray:
    """Place the knots of a restricted cubic spline at Harrell's quantiles.

    Parameters: `values` of the people; `count`, 3 to 7. Returns the knots, in order.
    Harrell 2015, doi 10.1007/978-3-319-19425-7, table 2.3.
    """
    if count not in KNOT_SHARES:
        raise AnalysisError("A restricted cubic spline has 3 to 7 knots.")
    return np.quantile(np.asarray(values, dtype=float), KNOT_SHARES[count])


def spline_basis(values: Sequence[float], knots: Sequence[float]) -> np.ndarray:
    """Turn values into the terms of a restricted cubic spline: linear beyond the outer knots.

    Parameters: `values`; `knots`, three or more. Returns an array, values x (knots - 1): the value
    itself, then the non-linear terms, in the unit of the value (divided by the squared distance of
    the outer knots). Harrell 2015, doi 10.1007/978-3-319-19425-7, section 2.4.5.
    """
    x, t = np.asarray(values, dtype=float), np.asarray(knots, dtype=float)
    if len(t) < 3 or np.any(np.diff(t) <= 0):
        raise AnalysisError(
            "The knots of a spline must be three or more different values: take fewer knots."
        )
    if np.max(np.abs(x), initial=0) > 1e90 or t[-1] - t[0] < 1e-90:
        raise AnalysisError(
            "The values of the exposure are too small or too large: give it in another unit."
        )
    cubes = np.maximum(x[:, None] - t, 0) ** 3
    width = t[-1] - t[-2]
    bends = (
        cubes[:, :-2]
        - cubes[:, [-2]] * (t[-1] - t[:-2]) / width
        + cubes[:, [-1]] * (t[-2] - t[:-2]) / width
    )
    return np.column_stack([x, bends / (t[-1] - t[0]) ** 2])


def _spline_fit(people, duration, event, exposure, covariates, knots, strata, cluster, entry, ties):
    people = _rows(people, duration, event, exposure, covariates, strata, cluster, entry)
    values = _number(people, exposure)
    if np.ndim(knots) == 0:
        at = spline_knots(values, knots)
    else:
        at = _numbers_asked(knots, "Every knot must be a number.")
    basis = spline_basis(values, at)
    covariates = _listed(covariates)
    if exposure in covariates:
        raise AnalysisError(f"'{exposure}' is the exposure and cannot be a covariate as well.")
    terms = [exposure] + [f"{exposure}[bend {j}]" for j in range(1, basis.shape[1])]
    X = Design(basis, terms, [exposure] * len(terms))
    if len(covariates):
        more = design(people, covariates)
        X = Design(np.hstack([basis, more.matrix]), terms + more.terms, X.columns + more.columns)
    fit, _ = _fit(people, duration, event, X, strata, entry, ties)
    return fit, _variance(people, fit, cluster), values, at


def hazard_ratio_along(
    people: Table,
    duration: str,
    event: str,
    exposure: str,
    covariates: Sequence[str] = (),
    knots: int | Sequence[float] = 4,
    values: Sequence[float] | None = None,
    reference: float | None = None,
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    entry: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Estimate the hazard ratio along a continuous exposure, as a restricted cubic spline.

    Parameters
    ----------
    people, duration, event, covariates, strata, cluster, entry, ties : as for `cox`.
    exposure : column of numbers.
    knots : how many (at Harrell's quantiles), or where.
    values : at which the curve is read; 50 from the 1st to the 99th percentile where None.
    reference : value with hazard ratio 1; the median where None.

    Returns
    -------
    One row a value: `value`, `reference`, `hazard_ratio`, `ci_low`, `ci_high` (95%).

    Raises
    ------
    AnalysisError : as `cox`; knots that coincide.

    Harrell 2015, doi 10.1007/978-3-319-19425-7.
    """
    fit, variance, known, at = _spline_fit(
        people, duration, event, exposure, covariates, knots, strata, cluster, entry, ties
    )
    if reference is None:
        reference = np.median(known)
    reference = float(
        _numbers_asked(reference, "The reference must be a number: a value of the exposure.")[0]
    )
    if values is None:
        values = np.linspace(*np.quantile(known, [0.01, 0.99]), 50)
    values = _numbers_asked(values, "Every value at which the curve is read must be a number.")
    contrast = spline_basis(values, at) - spline_basis([reference], at)
    terms = contrast.shape[1]
    log_ratio = contrast @ fit.coefficients[:terms]
    own = variance[:terms, :terms]
    # At the reference the variance is 0, and rounding must not make it less.
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrast, own, contrast), 0.0))
    return pd.DataFrame(
        {
            "value": values,
            "reference": reference,
            "hazard_ratio": _ratio(log_ratio),
            "ci_low": _ratio(log_ratio - Z95 * error),
            "ci_high": _ratio(log_ratio + Z95 * error),
        }
    )


def non_linearity_test(
    people: Table,
    duration: str,
    event: str,
    exposure: str,
    covariates: Sequence[str] = (),
    knots: int | Sequence[float] = 4,
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    entry: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Test whether the log hazard is linear in a continuous exposure.

    Parameters
    ----------
    As for `hazard_ratio_along`.

    Returns
    -------
    One row: `statistic` (Wald's chi-squared of the non-linear terms of the spline),
    `degrees_of_freedom`, `p_value`.

    Raises
    ------
    AnalysisError : as `hazard_ratio_along`.
    """
    fit, variance, _, at = _spline_fit(
        people, duration, event, exposure, covariates, knots, strata, cluster, entry, ties
    )
    bends = slice(1, len(at) - 1)
    b = fit.coefficients[bends]
    return _test(b @ np.linalg.solve(variance[bends, bends], b), len(b))
