"""Survival: Kaplan-Meier, log-rank and Cox, by the groups of one column.

Every function takes people in the shape of the cohort contract (`follow_up_years` and `outcome`)
and returns a tidy table in the columns of published tables. Death is the event; a transplant ends
follow-up like any other censoring and is counted apart (cause-specific analysis). Curves, the
log-rank test and Cox models are lifelines' (Davidson-Pilon 2019, doi 10.21105/joss.01317); medians,
tests of trend and of proportional hazards, restricted means, splines, periods and clustered errors
are those of `distance_to_care.survival`. All are tested against R's `survival`.

`kaplan_meier`, `summary`, `at_risk`, `log_rank` and `cox_models` take people in a file as well
(`prepared.People`): counts of those who are alike, and models by `survival` from the file.

What cannot be estimated has a row with an empty estimate and a `note` that says why: one answer
that a small cohort cannot give must not take the others with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import multivariate_logrank_test

from distance_to_care import cohort, inequality, survival
from distance_to_care.prepared import COUNT, People, level_name
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics import engine
from distance_to_care.survival import label

# Newton's method of lifelines stops early by default; R's answers ask for more digits.
CONVERGED = {"precision": 1e-12, "r_precision": 1e-15}

MONTHS = 12  # in a year
# The columns of time and event that `_ready` gives to the functions of `survival`.
FOLLOWED = ("follow_up_years", "died")
NOTHING = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan}
ANSWERS = ("estimate", "ci_low", "ci_high", "standard_error", "degrees_of_freedom", "p_value")
BENT = "test of non-linearity"
SPLINE_PARAMETERS = 3  # of a restricted cubic spline with four knots
_ALIKE = "Everybody of the model has the same value of '{}'."
_NOT_ESTIMATED = (
    "The model cannot be estimated: in some group too few people died, or a column hardly varies."
)
# The exposure alone, in the people of the last model.
SAME_PEOPLE = "unadjusted_same_people"


def _groups(people: pd.DataFrame, by: str | None) -> Iterable[tuple[str, pd.DataFrame]]:
    """All people first, then each group of the column in order, as text."""
    yield "all", people
    if by is not None:
        known = people[people[by].notna()]
        for level, members in known.groupby(by, observed=True):
            yield label(level), members


def _died(people: pd.DataFrame) -> pd.Series:
    return (people["outcome"] == "died").astype(int)


def _followed(people: pd.DataFrame | People, by: str | None) -> pd.DataFrame:
    """How long people were followed and how it ended: one row a person, or one a count of them."""
    if isinstance(people, People):
        return people.counts(["follow_up_years", "outcome", *([by] if by else [])])
    return people


def _each(people: pd.DataFrame) -> pd.Series | None:
    """How many people each row is about; None where it is one."""
    return people.get(COUNT)


def _count(people: pd.DataFrame, chosen: pd.Series | None = None) -> int:
    """Count people, those at rows that are true, each row for as many as it is about."""
    if COUNT not in people:
        return len(people) if chosen is None else int(chosen.sum())
    return int((people[COUNT] if chosen is None else people.loc[chosen, COUNT]).sum())


def _fit(people: pd.DataFrame) -> KaplanMeierFitter:
    if people.empty:
        raise Problem("A survival curve was asked for a group without people.")
    return KaplanMeierFitter().fit(people["follow_up_years"], _died(people), weights=_each(people))


def kaplan_meier(
    people: pd.DataFrame | People, by: str | None = None, deaths_only: bool = False
) -> pd.DataFrame:
    """Estimate the probability of being alive over time, by group, with Kaplan-Meier.

    Parameters
    ----------
    people : one row a person; `follow_up_years` (years), `outcome`, and the column `by`.
    by : column whose groups get a curve each, beside the curve of all people.
    deaths_only : leave out the times at which people left and nobody died.

    Returns
    -------
    One row a time at which somebody's follow-up ends: `measure`, `group_by`, `group`,
    `time_years`, `at_risk` (people just before that time), `deaths`, `left` (without dying),
    `estimate`, `ci_low`, `ci_high` (probability; 95% log-log interval), `unit`.

    Raises
    ------
    Problem : where a group has no people.

    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452.
    """
    curves = []
    for group, members in _groups(_followed(people, by), by):
        fit = _fit(members)
        events = fit.event_table
        steps = (events["observed"] > 0) | (events.index == 0) | (not deaths_only)
        interval = fit.confidence_interval_survival_function_
        curves.append(
            pd.DataFrame(
                {
                    "measure": "survival",
                    "group_by": by or "all",
                    "group": group,
                    "time_years": events.index[steps].to_numpy(),
                    "at_risk": events.loc[steps, "at_risk"].to_numpy(),
                    "deaths": events.loc[steps, "observed"].to_numpy(),
                    "left": events.loc[steps, "censored"].to_numpy(),
                    "estimate": fit.survival_function_.iloc[:, 0].to_numpy()[steps.to_numpy()],
                    "ci_low": interval.iloc[:, 0].to_numpy()[steps.to_numpy()],
                    "ci_high": interval.iloc[:, 1].to_numpy()[steps.to_numpy()],
                    "unit": "probability",
                }
            )
        )
    table = pd.concat(curves, ignore_index=True)
    return table.drop(columns="left") if deaths_only else table


def _risk_table(people: pd.DataFrame, ended: pd.Series) -> engine.RiskTable:
    """People at risk and ends at each time."""
    years, ended = people["follow_up_years"].to_numpy(float), ended.to_numpy(bool)
    if COUNT not in people:
        return engine.risk_table(years, ended)
    (years,) = engine.merge_times(years)
    times, place = np.unique(years, return_inverse=True)
    counts = people[COUNT].to_numpy()
    # Counts of people are whole numbers far below 2**53: exact as floats.
    leaving, ends = (
        np.bincount(place.ravel(), weights=each, minlength=len(times)).astype(np.int64)
        for each in (counts, counts * ended)
    )
    at_risk = leaving.sum() - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    return engine.RiskTable(times, at_risk, ends[None, :], leaving - ends)


def _median(people: pd.DataFrame, ended: pd.Series) -> dict[str, object]:
    """The median time to an end, as in R: lifelines' differs where a curve runs along half."""
    curve = engine.kaplan_meier(_risk_table(people, ended))
    return {
        "estimate": engine.reached(curve.time, curve.survival),
        "ci_low": engine.reached(curve.time, curve.low),
        "ci_high": engine.reached(curve.time, curve.high),
        "unit": "years",
    }


def summary(
    people: pd.DataFrame | People, by: str | None = None, times_years: Sequence[float] = (1, 3, 5)
) -> pd.DataFrame:
    """Summarise survival by group: people, deaths, median and survival at fixed times.

    Parameters
    ----------
    people : one row a person, as for `kaplan_meier`.
    by : column whose groups get rows, beside all people.
    times_years : times at which the probability of being alive is read off, in years.

    Returns
    -------
    One row a measure and group: `measure` (`median survival`, `median follow-up`, `survival`),
    `group_by`, `group`, `time_years` and `at_risk` (for `survival`), `people`, `deaths`,
    `transplants`, `step_events` and `step_censored` (who died, and who left otherwise, since the
    time before), `estimate`, `ci_low`, `ci_high`, `unit` (years or probability). A median that
    the curve does not reach is empty. Follow-up is the reverse Kaplan-Meier median (Schemper and
    Smith 1996, doi 10.1016/0197-2456(96)00075-X).
    """
    rows = []
    for group, members in _groups(_followed(people, by), by):
        fit = _fit(members)
        row = {
            "group_by": by or "all",
            "group": group,
            "people": _count(members),
            "deaths": _count(members, members["outcome"] == "died"),
            "transplants": _count(members, members["outcome"] == "transplanted"),
        }
        died = _died(members)
        for measure, ended in (("median survival", died), ("median follow-up", 1 - died)):
            rows.append(row | _median(members, ended) | {"measure": measure})
        interval = fit.confidence_interval_survival_function_
        since = _since(members, times_years)
        for time in times_years:
            within = time <= members["follow_up_years"].max()
            at = interval.index.searchsorted(time, side="right") - 1
            rows.append(
                row
                | {
                    "measure": "survival",
                    "time_years": float(time),
                    "at_risk": _count(members, members["follow_up_years"].round(9) >= time),
                    **since[time],
                    "estimate": fit.predict(time) if within else np.nan,
                    "ci_low": interval.iloc[at, 0] if within else np.nan,
                    "ci_high": interval.iloc[at, 1] if within else np.nan,
                    "unit": "probability",
                }
            )
    table = pd.DataFrame(rows)
    numbers = ["estimate", "ci_low", "ci_high"]
    table[numbers] = table[numbers].astype(float).replace([np.inf, -np.inf], np.nan)
    counts = ["people", "at_risk", "deaths", "transplants"]
    counts += ["step_events", "step_censored"]
    table = table.astype(dict.fromkeys(["at_risk", "step_events", "step_censored"], "Int64"))
    return table[["measure", "group_by", "group", "time_years", *counts, *numbers, "unit"]]


def _since(members: pd.DataFrame, times_years: Sequence[float]) -> dict[float, dict[str, int]]:
    """Count who died from one of the times to the next, and who left otherwise in between.

    Who leaves on the day of a fixed time is still followed to it, as on the merged curve.
    """
    counted, before = {}, (0, 0)
    years, died = members["follow_up_years"].round(9), _died(members) == 1
    for time in times_years:
        now = _count(members, died & (years <= time)), _count(members, ~died & (years < time))
        steps = (new - old for new, old in zip(now, before, strict=True))
        counted[time] = dict(zip(("step_events", "step_censored"), steps, strict=True))
        before = now
    return counted


def log_rank(people: pd.DataFrame | People, by: str) -> pd.DataFrame:
    """Test whether survival is the same in all groups, and whether it has a trend over them.

    Parameters
    ----------
    people : one row a person, as for `kaplan_meier`; people without a group are left out.
    by : column whose groups are compared; the trend takes them in their order, one step apart.

    Returns
    -------
    One row a test: `measure` (`log-rank test`, `log-rank test for trend`), `group_by`, `people`,
    `deaths`, `estimate` (chi-squared), `degrees_of_freedom`, `p_value`, `unit`. Mantel 1966; Peto
    and Peto 1972, doi 10.2307/2344317; Tarone 1975, doi 10.1093/biomet/62.3.679.
    """
    if isinstance(people, People):
        return _log_rank_of_file(people, by)
    known = people[people[by].notna()]
    died = _died(known)
    test = multivariate_logrank_test(known["follow_up_years"], known[by], died)
    row = {"group_by": by, "people": len(known), "deaths": int(died.sum())}
    any_difference = {
        "measure": "log-rank test",
        "estimate": test.test_statistic,
        "degrees_of_freedom": known[by].nunique() - 1,
        "p_value": test.p_value,
    }
    trend = _asked(
        pd.DataFrame([{"measure": "log-rank test for trend"}]),
        lambda: survival.trend_test(_ready(known, (by,)), *FOLLOWED, by),
        "statistic",
    )
    table = pd.concat([pd.DataFrame([any_difference]), trend], ignore_index=True)
    return table.assign(**row, unit="chi-squared")


def _log_rank_of_file(people: People, by: str) -> pd.DataFrame:
    """The table of `log_rank` from a file: lifelines' sums of floats do not bear many millions."""
    alike = people.counts([by, "outcome"])
    known = alike[alike[by].notna()]
    number = pd.api.types.is_numeric_dtype(known[by])
    levels = None if number else sorted(known[by].unique(), key=label)
    tests = {"log-rank test": survival.log_rank, "log-rank test for trend": survival.trend_test}
    with people.complete({by: levels}) as file:
        found = [
            _asked(
                pd.DataFrame([{"measure": name}]),
                lambda t=test: t(file, *FOLLOWED, by),
                "statistic",
            )
            for name, test in tests.items()
        ]
    row = {"group_by": by, "people": _count(known), "deaths": _count(known, _died(known) == 1)}
    return pd.concat(found, ignore_index=True).assign(**row, unit="chi-squared")


def _complete(people: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """The people for whom every term is known, where they differ in each."""
    known = people.dropna(subset=list(terms))
    if known.empty:
        raise Problem("Nobody has all the columns of the model known.")
    for term in terms:
        if len(known[term].unique()) == 1:
            raise Problem(_ALIKE.format(term))
    return known


def _is_number(values: pd.Series, term: str, reference: Mapping[str, object]) -> bool:
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return numeric and term not in reference


def _levels(values: pd.Series, term: str, reference: Mapping[str, object]) -> list[object]:
    """The levels of a category that occur, the reference first and the others in order."""
    levels = sorted(values.unique(), key=label)
    base = reference.get(term, levels[0])
    if base not in levels:
        raise Problem(
            f"Nobody is in the reference group of '{term}', so nothing can be compared with it."
        )
    return [base, *(level for level in levels if level != base)]


def design(
    people: pd.DataFrame, terms: Sequence[str], reference: dict[str, object] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn columns into a design matrix: numbers stay, categories become one column a level.

    Parameters
    ----------
    people : one row a person.
    terms : columns; text, boolean, category and any column named in `reference` are categories.
    reference : the level that each category is compared with; the first in order where not given.

    Returns
    -------
    The matrix (one row a person with every term known, one column a contrast) and the contrasts:
    one row a column of the matrix, `column`, `term`, `group`, `reference`.
    """
    reference = reference or {}
    known = _complete(people[list(terms)], terms)
    columns: dict[str, pd.Series] = {}
    contrasts = []
    for term in terms:
        values = known[term]
        if _is_number(values, term, reference):
            columns[term] = values.astype(float)
            contrasts.append((term, term, "per unit", ""))
            continue
        base, *levels = _levels(values, term, reference)
        for level in levels:
            name = f"{term}={label(level)}"
            columns[name] = (values == level).astype(float)
            contrasts.append((name, term, label(level), label(base)))
    named = pd.DataFrame(contrasts, columns=["column", "term", "group", "reference"])
    return pd.DataFrame(columns, index=known.index), named


def cox(
    people: pd.DataFrame,
    terms: Sequence[str],
    model: str,
    reference: dict[str, object] | None = None,
) -> pd.DataFrame:
    """Estimate hazard ratios of death with Cox's proportional hazards model, ties after Efron.

    Parameters
    ----------
    people : one row a person; `follow_up_years`, `outcome` and the columns `terms`. People with
        any term missing are left out (complete cases), and counted out of `people`.
    terms : columns of the model; see `design` for how they enter.
    model : name of the model, for the table.
    reference : the level that each category is compared with.

    Returns
    -------
    One row a contrast: `measure`, `model`, `term`, `group`, `reference`, `people`, `deaths`,
    `estimate` (hazard ratio), `ci_low`, `ci_high` (95%), `p_value`, `unit`, and for disclosure
    control `level_people` and `level_deaths`: the smaller of the group and its reference.

    Raises
    ------
    Problem : where a reference group is empty or the model cannot be estimated.

    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi 10.2307/2286217.
    """
    matrix, contrasts = design(people, terms, reference)
    outcome = people.loc[matrix.index]
    died = _died(outcome)
    if died.sum() <= matrix.shape[1]:
        raise Problem("There are too few deaths for the number of terms of the model.")
    fitter = CoxPHFitter()
    try:
        with warnings.catch_warnings():
            # A model that warns has not been estimated, whatever numbers it holds.
            warnings.simplefilter("error")
            fitter.fit(
                matrix.assign(follow_up_years=outcome["follow_up_years"], died=died),
                "follow_up_years",
                "died",
                fit_options=CONVERGED,
            )
    except (Warning, ConvergenceError, ArithmeticError, np.linalg.LinAlgError, ValueError):
        raise Problem(_NOT_ESTIMATED) from None
    level_people, level_deaths = _smallest_sides(matrix, died, contrasts)
    found = fitter.summary.loc[contrasts["column"]]
    return contrasts.drop(columns="column").assign(
        measure="hazard ratio",
        model=model,
        people=len(matrix),
        deaths=int(died.sum()),
        level_people=level_people,
        level_deaths=level_deaths,
        model_events=int(died.sum()),
        model_parameters=matrix.shape[1],
        estimate=found["exp(coef)"].to_numpy(),
        ci_low=found["exp(coef) lower 95%"].to_numpy(),
        ci_high=found["exp(coef) upper 95%"].to_numpy(),
        p_value=found["p"].to_numpy(),
        unit="ratio",
    )


def at_risk(
    people: pd.DataFrame | People,
    by: str | None = None,
    times_years: Sequence[float] = (0, 1, 2, 3, 5),
) -> pd.DataFrame:
    """Count the people still followed at fixed times, by group.

    Returns
    -------
    One row a group and time: `measure`, `group_by`, `group`, `time_years`, `at_risk` (people whose
    follow-up reaches that time), `step_events` and `step_censored` (who died, and who left
    otherwise, since the time before), `unit`.
    """
    return pd.DataFrame(
        [
            {
                "measure": "still followed",
                "group_by": by or "all",
                "group": group,
                "time_years": float(time),
                "at_risk": _count(members, members["follow_up_years"].round(9) >= time),
                **since[time],
                "unit": "people",
            }
            for group, members in _groups(_followed(people, by), by)
            for since in [_since(members, times_years)]
            for time in times_years
        ]
    )


def _smallest_sides(matrix: pd.DataFrame, died: pd.Series, contrasts: pd.DataFrame):
    """Count people and deaths of each contrast: the smaller of the group and its reference."""
    people, deaths = [], []
    for row in contrasts.itertuples():
        if row.group == "per unit":
            sides = [pd.Series(True, index=matrix.index)]
        else:
            of_term = list(contrasts.loc[contrasts["term"] == row.term, "column"])
            sides = [matrix[row.column] == 1, (matrix[of_term] == 0).all(axis=1)]
        people.append(min(int(side.sum()) for side in sides))
        deaths.append(min(int(died[side].sum()) for side in sides))
    return people, deaths


def cox_models(
    people: pd.DataFrame | People,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """Estimate the hazard ratios of an exposure in several models, from unadjusted to full.

    Parameters
    ----------
    people : one row a person, as for `cox`.
    exposure : column of the exposure; a category.
    adjustments : for each model its name and the columns that it adjusts for.
    reference : the level that each category is compared with.

    Returns
    -------
    The rows of the exposure in the tables of `cox`, one model after the other; what a model
    adjusts for is no effect and is left out. And one model more: `unadjusted_same_people`, the
    exposure alone in the people of the last model. Without it a change that comes from people who
    were left out would pass for one that comes from adjustment.
    """
    if isinstance(people, People):
        return _cox_models_of_file(people, exposure, adjustments, reference)
    *_, last = adjustments.values()
    same = people.dropna(subset=[exposure, *last])
    models = {model: (people, adjusted) for model, adjusted in adjustments.items()}
    models[SAME_PEOPLE] = (same, ())
    tables = [
        _asked(
            _contrasts(of_people, exposure, adjusted, reference, people).assign(model=model),
            lambda p=of_people, a=adjusted, m=model: _of(
                exposure, cox(p, (exposure, *a), m, reference)
            ),
        )
        for model, (of_people, adjusted) in models.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(measure="hazard ratio", term=exposure, unit="ratio")


def _cox_models_of_file(
    people: People,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """The table of `cox_models` from a file: sizes from counts, estimates from the file itself."""
    *_, last = adjustments.values()
    everybody = people.counts([exposure, "outcome"])
    # For each model the terms, and what else has to be known of the people it is about.
    models = {model: ((exposure, *adjusted), ()) for model, adjusted in adjustments.items()}
    models[SAME_PEOPLE] = ((exposure,), tuple(last))
    tables = []
    for model, (terms, others) in models.items():
        known = _alike(people, terms, others, reference)
        rows = _contrasts(known, exposure, terms[1:], reference, everybody)
        found = _asked(
            rows.assign(model=model),
            lambda t=terms, o=others, k=known: _of(
                exposure, _cox_of_file(people, t, o, k, reference)
            ),
            "hazard_ratio",
        )
        tables.append(found.drop(columns="standard_error", errors="ignore"))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(measure="hazard ratio", term=exposure, unit="ratio")


def _alike(
    people: People, terms: Sequence[str], others: Sequence[str], reference: Mapping[str, object]
) -> pd.DataFrame:
    """Count the people of a model by outcome and by its categories; a number is its term alone."""
    first = next(people.parts(terms))
    numbers = [term for term in terms if _is_number(first[term], term, reference)]
    categories = [term for term in terms if term not in numbers]
    asked = [*numbers, *(name for name in others if name not in terms)]
    alike = people.counts([*categories, "outcome"], asked)
    known = alike[alike[asked].all(axis=1)].drop(columns=asked).dropna(subset=categories)
    # What a number is plays no part in counts: it is there, and it is a number.
    return known.assign(**dict.fromkeys(numbers, 0.0)).reset_index(drop=True)


def _cox_of_file(
    people: People,
    terms: Sequence[str],
    others: Sequence[str],
    known: pd.DataFrame,
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """The table of `cox` of the people of a model, whose counts are `known`."""
    if known.empty:
        raise Problem("Nobody has all the columns of the model known.")
    levels = {}
    for term in terms:
        number = _is_number(known[term], term, reference)
        if not number and len(known[term].unique()) == 1:
            raise Problem(_ALIKE.format(term))
        levels[term] = None if number else _levels(known[term], term, reference)
    contrasts = sum(1 if each is None else len(each) - 1 for each in levels.values())
    if _count(known, _died(known) == 1) <= contrasts:
        raise Problem("There are too few deaths for the number of terms of the model.")
    with people.complete(levels, others) as file:
        try:
            found = survival.cox(file, *FOLLOWED, list(terms))
        except AnalysisError as problem:
            constant = [term for term in terms if f"same value of '{term}'" in str(problem)]
            raise Problem(_ALIKE.format(constant[0]) if constant else _NOT_ESTIMATED) from None
    names = {
        f"{term}[{level_name(place)}]": f"{term}[{label(level)}]"
        for term, of_term in levels.items()
        for place, level in enumerate(of_term or ())
    }
    return found.assign(term=found["term"].replace(names))


def hazard_ratios(
    people: pd.DataFrame,
    adjustments: Mapping[str, Mapping[str, Sequence[str]]],
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """Tabulate the hazard ratios of every exposure in every model: the headline of a cohort.

    Parameters
    ----------
    people : one row a person, as for `cox`.
    adjustments : for each exposure its models, as for `cox_models`.
    reference : the level that each category is compared with.

    Returns
    -------
    One row a model, exposure and level: `model`, `exposure`, `level`, `reference`,
    `hazard_ratio`, `ci_low`, `ci_high` (95%), `people` and `deaths` (those of the level among the
    people whose values the model has), and for disclosure control `level_people` and
    `level_deaths`: the smaller of the level and its reference.
    """
    tables = []
    for exposure, models in adjustments.items():
        found = cox_models(people, exposure, models, reference)
        for model, adjusted in models.items():
            known = people.dropna(subset=[exposure, *adjusted])
            level, died = known[exposure].map(label), _died(known)
            rows = found[found["model"] == model]
            tables.append(
                rows.assign(
                    exposure=exposure,
                    people=rows["group"].map(level.value_counts()).fillna(0).astype(int),
                    deaths=rows["group"].map(died.groupby(level).sum()).fillna(0).astype(int),
                )
            )
    table = pd.concat(tables, ignore_index=True)
    return table.rename(columns={"group": "level", "estimate": "hazard_ratio"})[
        ["model", "exposure", "level", "reference", "hazard_ratio", "ci_low", "ci_high",
         "people", "deaths", "level_people", "level_deaths", "model_events", "model_parameters"]
    ]  # fmt: skip


def restricted_means(
    people: pd.DataFrame,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
    horizons_years: Sequence[float] = (3, 5),
) -> pd.DataFrame:
    """Estimate the time lived within fixed horizons, and how it differs from the reference group.

    The restricted mean survival time is the area under the curve. It needs no proportional
    hazards, and its unit is one that people have.

    Parameters
    ----------
    people : one row a person, as for `cox`.
    exposure : column of the exposure; its groups are ordered.
    adjustments : for each model its name and the columns that it adjusts for.
    reference : the level that each category is compared with.
    horizons_years : ends of the time that is counted, in years.

    Returns
    -------
    One row a measure, model, horizon and group: `measure` (`restricted mean survival`;
    `difference in restricted mean survival`, group less reference; `slope of restricted mean
    survival`, the last end of the ranking of people by the exposure less the first, from
    pseudo-values), `model`, `group_by`, `group`, `reference`, `contrast` (of the slope),
    `time_years`, `people`, `deaths`, `estimate`, `ci_low`, `ci_high`, `standard_error` (months),
    `p_value`, `unit`, and for disclosure control `level_people` and `level_deaths`.

    Royston and Parmar 2013, doi 10.1186/1471-2288-13-152; Andersen, Hansen and Klein 2004,
    doi 10.1007/s10985-004-4771-0; Mackenbach and Kunst 1997, doi 10.1016/S0277-9536(96)00073-1.
    """
    known = people[people[exposure].notna()]
    tables = []
    for years in map(float, horizons_years):
        found = [
            _asked(
                pd.DataFrame([{"group": group, **_sizes(members)}]),
                lambda m=members, y=years: survival.restricted_mean(_ready(m), *FOLLOWED, y).drop(
                    columns="group"
                ),
                "restricted_mean",
            ).assign(measure="restricted mean survival")
            for group, members in _groups(people, exposure)
        ]
        found += [
            _asked(
                _contrasts(people, exposure, adjusted, reference),
                lambda a=adjusted, y=years: _mean_differences(people, exposure, a, reference, y),
                "difference",
            ).assign(measure="difference in restricted mean survival", model=model)
            for model, adjusted in adjustments.items()
        ]
        found.append(
            _asked(
                pd.DataFrame([{"group": "all", **_sizes(known)}]),
                lambda y=years: _mean_slope(known, exposure, y),
            ).assign(
                measure="slope of restricted mean survival",
                model="unadjusted",
                contrast="last end of the ranking less first",
            )
        )
        tables.append(pd.concat(found).assign(time_years=years))
    table = pd.concat(tables, ignore_index=True).assign(group_by=exposure, unit="months")
    lengths = table.columns.intersection(["estimate", "ci_low", "ci_high", "standard_error"])
    table[lengths] *= MONTHS
    return table


def _mean_differences(people, exposure, adjusted, reference, years) -> pd.DataFrame:
    """Differences in restricted mean from the reference group: plain, or adjusted."""
    ready = _ready(people, (exposure, *adjusted), reference)
    base = label(reference[exposure])
    if not adjusted:
        return survival.restricted_mean_difference(ready, *FOLLOWED, years, exposure, base)
    found = survival.adjusted_restricted_mean(ready, *FOLLOWED, exposure, adjusted, years, base)
    found = found.drop(columns=["standard_error", "ci_low", "ci_high"])
    return found.rename(
        columns={
            "difference_error": "standard_error",
            "difference_low": "ci_low",
            "difference_high": "ci_high",
        }
    )


def _mean_slope(people, exposure, years) -> pd.DataFrame:
    """Slope index of the restricted mean, from everybody's pseudo-value."""
    ready = _ready(people)
    lived = survival.pseudo_restricted_mean(ready, *FOLLOWED, years)
    ranked = ready.assign(lived=lived, rank=people[exposure])
    return inequality.slope_index(ranked, "lived", "rank")


def proportional_hazards(
    people: pd.DataFrame,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """Test in each model whether hazard ratios are constant over time, as R's `cox.zph`.

    Parameters
    ----------
    people, exposure, adjustments, reference : as for `cox_models`.

    Returns
    -------
    One row a model and term, `GLOBAL` for all together: `measure`, `model`, `term`, `people`,
    `deaths`, `estimate` (chi-squared), `degrees_of_freedom`, `p_value`, `unit`.

    Grambsch and Therneau 1994, doi 10.1093/biomet/81.3.515 (score test as in survival 3.0).
    """
    tables = []
    for model, adjusted in adjustments.items():
        terms = (exposure, *adjusted)
        found = _asked(
            pd.DataFrame({"term": [*terms, "GLOBAL"]}),
            lambda t=terms: survival.proportional_hazards_test(
                _ready(people, t, reference), *FOLLOWED, t
            ),
            "statistic",
        )
        sizes = _sizes(people.dropna(subset=list(terms)), terms)
        tables.append(found.assign(model=model, **sizes))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(measure="test of proportional hazards", unit="chi-squared").drop(
        columns=["ci_low", "ci_high"]
    )


def hazard_ratios_by_period(
    people: pd.DataFrame,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
    cuts_years: Sequence[float] = (1, 3),
) -> pd.DataFrame:
    """Estimate hazard ratios of an exposure in periods of follow-up: none need be constant.

    What a model adjusts for has one ratio throughout.

    Parameters
    ----------
    people, exposure, adjustments, reference : as for `cox_models`.
    cuts_years : where one period ends and the next begins, in years.

    Returns
    -------
    One row a model, group and period: `measure`, `model`, `term`, `group`, `reference`, `level`
    (the period), `people` (followed into it), `deaths` (in it), `estimate` (hazard ratio),
    `ci_low`, `ci_high`, `standard_error` (of its logarithm), `p_value`, `unit`, and for disclosure
    control `level_people` and `level_deaths`.

    Therneau and Grambsch 2000, doi 10.1007/978-1-4757-3294-8.
    """
    starts = [0.0, *map(float, cuts_years)]
    ends = [*starts[1:], np.inf]
    names = [f"{start:g} to {end:g} years" for start, end in zip(starts, ends, strict=True)]
    names[-1] = f"{starts[-1]:g} years and later"
    tables = []
    for model, adjusted in adjustments.items():
        terms = (exposure, *adjusted)
        asked = []
        for name, start, end in zip(names, starts, ends, strict=True):
            inside = people[people["follow_up_years"] > start].dropna(subset=list(terms))
            later = inside["follow_up_years"] > end
            inside = inside.assign(outcome=inside["outcome"].mask(later, "censored"))
            asked.append(_contrasts(inside, exposure, (), reference, people).assign(level=name))
        found = _asked(
            pd.concat(asked),
            lambda t=terms: _of(
                exposure,
                survival.hazard_ratio_by_period(
                    _ready(people, t, reference), *FOLLOWED, t, cuts_years, varying=[exposure]
                ).assign(
                    level=lambda f: f["period_start"].map(dict(zip(starts, names, strict=True)))
                ),
            ),
            "hazard_ratio",
        )
        # The exposure has its parameters in every period, and the model has everybody's deaths.
        known = people.dropna(subset=list(terms))
        count = len(names) * parameters(known, [exposure]) + parameters(known, adjusted)
        events = int(_died(known).sum())
        tables.append(found.assign(model=model, model_events=events, model_parameters=count))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(measure="hazard ratio", term=exposure, unit="ratio")


def distance_forms(
    people: pd.DataFrame,
    columns: Sequence[str],
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
    per: float = 10,
) -> pd.DataFrame:
    """Estimate the hazard ratios of distances of several kinds: by fifth, and per so many units.

    Parameters
    ----------
    people : one row a person, as for `cox`.
    columns : distances or travel times; one that these people do not have gets empty rows.
    adjustments : for each model its name and the columns that it adjusts for.
    reference : the level that each other category is compared with.
    per : units of the column that one hazard ratio is for.

    Returns
    -------
    The columns of `cox`; `term` is the column, and `group` a fifth of these people (against the
    lowest, 1) or `per 10`.
    """
    unit, tables = f"per {per:g}", []
    for column in columns:
        if not _has(people, column):
            row = {"term": column, "note": f"These people have no '{column}'."}
            rows = pd.DataFrame({"group": ["2", "3", "4", "5", unit]}).assign(**row)
            tables += [rows.assign(model=model, **NOTHING) for model in adjustments]
            continue
        by_fifth = people.assign(**{column: cohort.quintile(people[column])})
        by_unit = people.assign(**{column: people[column] / per})
        fifths = {**reference, column: 1}
        for model, adjusted in adjustments.items():
            terms = (column, *adjusted)
            found = [
                _asked(
                    _contrasts(by_fifth, column, adjusted, fifths),
                    lambda t=terms, p=by_fifth, m=model, r=fifths: _of(t[0], cox(p, t, m, r)),
                ),
                _asked(
                    pd.DataFrame([_sizes(by_unit.dropna(subset=list(terms)), terms)]),
                    lambda t=terms, p=by_unit, m=model: _of(t[0], cox(p, t, m, reference)),
                ).assign(group=unit),
            ]
            tables += [each.assign(model=model, term=column) for each in found]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(measure="hazard ratio", unit="ratio")


def splines(
    people: pd.DataFrame,
    columns: Mapping[str, str],
    adjusted: Sequence[str],
    reference: Mapping[str, object],
    against: float,
    step: float = 5,
) -> pd.DataFrame:
    """Estimate the hazard ratio along distances as restricted cubic splines with four knots.

    Parameters
    ----------
    people : one row a person, as for `cox`.
    columns : distances or travel times, and how each is named as a group; one that these people
        do not have gets an empty row.
    adjusted : columns that the models adjust for.
    reference : the level that each category is compared with.
    against : the value that all others are compared with, in the unit of the columns.
    step : the curve is read at multiples of this, between the 5th and the 95th percentile.

    Returns
    -------
    One row a column and value: `measure`, `term` (the column), `group`, `value`, `reference`,
    `people`, `deaths`, `estimate` (hazard ratio), `ci_low`, `ci_high`, `unit`; and one a column
    without a group, with the test of whether the curve is bent: `measure` (`test of
    non-linearity`), `estimate` (chi-squared), `degrees_of_freedom`, `p_value`.

    Harrell 2015, doi 10.1007/978-3-319-19425-7.
    """
    tables = []
    for column, group in columns.items():
        if not _has(people, column):
            row = {"term": column, "value": np.nan, "note": f"These people have no '{column}'."}
            rows = pd.DataFrame({"measure": ["hazard ratio", BENT], "group": [group, None]})
            tables.append(rows.assign(**row, **NOTHING))
            continue
        terms = (column, *adjusted)
        known = people.dropna(subset=list(terms))
        low, high = people[column].astype(float).quantile([0.05, 0.95]) / step
        values = step * np.arange(np.ceil(low), np.floor(high) + 1)
        curve = _asked(
            pd.DataFrame({"value": values, "measure": "hazard ratio", "unit": "ratio"}),
            lambda t=terms, v=values: survival.hazard_ratio_along(
                _ready(people, t, reference), *FOLLOWED, t[0], t[1:], values=v, reference=against
            ).drop(columns="reference"),
            "hazard_ratio",
        ).assign(reference=f"{against:g}", group=group)
        bent = _asked(
            pd.DataFrame([{"measure": BENT, "unit": "chi-squared"}]),
            lambda t=terms: survival.non_linearity_test(
                _ready(people, t, reference), *FOLLOWED, t[0], t[1:]
            ),
            "statistic",
        )
        sizes = _sizes(known, terms)
        sizes["model_parameters"] += SPLINE_PARAMETERS - 1
        both = pd.concat([curve, bent]).assign(term=column, **sizes)
        tables.append(both)
    return pd.concat(tables, ignore_index=True)


def clustered(
    people: pd.DataFrame,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
    cluster: str,
) -> pd.DataFrame:
    """Estimate hazard ratios with the usual errors and with errors robust to clustering.

    Parameters
    ----------
    people, exposure, adjustments, reference : as for `cox_models`; people whose cluster is not
        known are left out of both.
    cluster : column whose groups may be alike inside, for example the centre attended.

    Returns
    -------
    One row a model, group and method: the columns of `cox`, `method` (`usual errors`, `errors
    clustered by` the column) and `standard_error` (of the logarithm); and one row with the number
    of clusters: `measure` (`clusters`), `term` (the column), `estimate`.

    Lin and Wei 1989, doi 10.1080/01621459.1989.10478874.
    """
    known = people[people[cluster].notna()] if _has(people, cluster) else people.head(0)
    methods = {"usual errors": None, f"errors clustered by {cluster}": cluster}
    tables = []
    for model, adjusted in adjustments.items():
        terms = (exposure, *adjusted)
        for method, by in methods.items():
            found = _asked(
                _contrasts(known, exposure, adjusted, reference, people),
                lambda t=terms, b=by: _of(
                    exposure,
                    survival.cox(
                        _ready(known, t, reference).assign(
                            **{cluster: known[cluster].astype(str)}
                        ),
                        *FOLLOWED, t, cluster=b,
                    ),
                ),
                "hazard_ratio",
            )  # fmt: skip
            tables.append(found.assign(model=model, method=method))
    ratios = pd.concat(tables).assign(measure="hazard ratio", term=exposure, unit="ratio")
    number = known[cluster].nunique() if len(known) else 0
    clusters = {"measure": "clusters", "term": cluster, "estimate": float(number)}
    clusters |= {"unit": "clusters"} | (_sizes(known) if len(known) else {})
    return pd.concat([ratios, pd.DataFrame([clusters])], ignore_index=True)


def attended_nearest(
    people: pd.DataFrame, attended: str, nearest: str, within: float = 0.05
) -> pd.DataFrame:
    """Count how many attend the place nearest to them: both distances are the same.

    Parameters
    ----------
    people : one row a person.
    attended, nearest : columns of the distance to the place attended and to the nearest one.
    within : difference up to which two distances are the same, in their unit.

    Returns
    -------
    One row: `measure`, `people` (both distances known), `estimate`, `unit` (per cent); empty where
    these people have no such columns.
    """
    row = {
        "measure": "attend the nearest",
        "people": np.nan,
        "estimate": np.nan,
        "unit": "per cent",
    }
    if _has(people, attended) and _has(people, nearest):
        gap = (people[attended] - people[nearest]).astype(float).dropna().abs()
        row |= {"people": len(gap), "estimate": 100 * (gap <= within).mean()}
    return pd.DataFrame([row])


# --- people, in the shape that the functions of `survival` take ---------------------------------


def _has(people: pd.DataFrame, column: str) -> bool:
    """Say whether the column is there and known of anybody: an extract may lack it."""
    return column in people and bool(people[column].notna().any())


def _ready(
    people: pd.DataFrame, terms: Sequence[str] = (), reference: Mapping[str, object] | None = None
) -> pd.DataFrame:
    """Complete cases: follow-up, `died` as 0 or 1, numbers, and categories, reference first."""
    reference = reference or {}
    known = _complete(people, terms) if terms else people
    ready = {"follow_up_years": known["follow_up_years"].astype(float), "died": _died(known)}
    for term in terms:
        values = known[term]
        if _is_number(values, term, reference):
            ready[term] = values.astype(float)
            continue
        levels = [label(level) for level in _levels(values, term, reference)]
        ready[term] = pd.Series(
            pd.Categorical(values.map(label), categories=levels), index=known.index
        )
    return pd.DataFrame(ready)


def _of(exposure: str, found: pd.DataFrame) -> pd.DataFrame:
    """The rows of one column in a table of terms; where they are written `column[level]`, split."""
    if "group" in found:
        return found[found["term"] == exposure]
    parts = found["term"].str.extract(r"^(?P<term>[^\[]+)(?:\[(?P<group>.*)\])?$")
    return found.assign(**parts)[parts["term"] == exposure]


def _sizes(people: pd.DataFrame, terms: Sequence[str] = ()) -> dict[str, int]:
    """Count people and deaths, and for disclosure control those of the model and its parameters."""
    deaths = _count(people, _died(people) == 1)
    return {
        "people": _count(people),
        "deaths": deaths,
        "level_people": _count(people),
        "level_deaths": deaths,
        "model_events": deaths,
        "model_parameters": parameters(people, terms),
    }


def parameters(people: pd.DataFrame, terms: Sequence[str]) -> int:
    """Count the parameters of a model of these columns: one a number, one a level but the first.

    people : one row a person. terms : columns of the model; the fifths of an exposure are levels.
    """
    count = 0
    for term in terms:
        number = _is_number(people[term], term, cohort.REFERENCE)
        count += 1 if number else max(people[term].nunique() - 1, 1)
    return count


def _contrasts(
    people: pd.DataFrame,
    exposure: str,
    adjusted: Sequence[str],
    reference: Mapping[str, object],
    everybody: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row a group other than the reference, with the people and deaths of the model.

    `level_people` and `level_deaths` are those of the smaller of the group and its reference. The
    groups are those of everybody, so that a group that a model loses has a row that says so.
    """
    everybody = people if everybody is None else everybody
    known = people.dropna(subset=[exposure, *adjusted])
    of_level, died = known[exposure].map(label), _died(known)
    base = label(reference[exposure])
    each = known.get(COUNT, 1)
    people_of, deaths_of = (died * 0 + 1) * each, died * each
    counts = {
        "level_people": people_of.groupby(of_level).sum(),
        "level_deaths": deaths_of.groupby(of_level).sum(),
    }
    groups = [label(level) for level in sorted(everybody[exposure].dropna().unique(), key=label)]
    rows = [
        {"group": group, "reference": base, **_sizes(known, (exposure, *adjusted))}
        | {
            name: int(min(count.get(group, 0), count.get(base, 0)))
            for name, count in counts.items()
        }
        for group in groups
        if group != base
    ]
    return pd.DataFrame(rows)


def _asked(
    rows: pd.DataFrame, ask: Callable[[], pd.DataFrame], estimate: str = "estimate"
) -> pd.DataFrame:
    """Put the answers beside the rows that ask for them, or the reason why there is none.

    The answers find their rows by the columns that both have and that are no numbers; `estimate`
    names the column that holds the estimate.
    """
    try:
        found = ask().rename(columns={estimate: "estimate"})
    except Problem as problem:
        found = rows.drop(columns=ANSWERS, errors="ignore").assign(note=str(problem))
    keys = [name for name in ("term", "group", "level", "value") if name in rows and name in found]
    found = found[[*keys, *(c for c in (*ANSWERS, "note") if c in found)]]
    joined = (
        rows.merge(found, on=keys, how="left") if keys else rows.join(found.reset_index(drop=True))
    )
    return joined.assign(**{name: np.nan for name in NOTHING if name not in joined})
