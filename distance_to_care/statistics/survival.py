"""Survival: Kaplan-Meier, log-rank and Cox, by the groups of one column.

Every function takes people in the shape of the cohort contract (`follow_up_years` and `outcome`)
and returns a tidy table. Death is the event; a transplant ends follow-up like any other censoring
and is counted apart (cause-specific analysis). The estimators are lifelines' (Davidson-Pilon,
2019, doi 10.21105/joss.01317); their answers are tested against R's `survival`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import median_survival_times

from distance_to_care.problems import Problem

# Newton's method of lifelines stops early by default; R's answers ask for more digits.
CONVERGED = {"precision": 1e-11, "r_precision": 1e-13}


def _groups(people: pd.DataFrame, by: str | None) -> Iterable[tuple[str, pd.DataFrame]]:
    """All people first, then each group of the column in order, as text."""
    yield "all", people
    if by is not None:
        known = people[people[by].notna()]
        for level, members in known.groupby(by, observed=True):
            yield label(level), members


def label(level: object) -> str:
    """Name a group: whole numbers without a decimal point, everything else as it is written."""
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level)


def _died(people: pd.DataFrame) -> pd.Series:
    return (people["outcome"] == "died").astype(int)


def _fit(people: pd.DataFrame) -> KaplanMeierFitter:
    if people.empty:
        raise Problem("A survival curve was asked for a group without people.")
    return KaplanMeierFitter().fit(people["follow_up_years"], _died(people))


def kaplan_meier(people: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """Estimate the probability of being alive over time, by group, with Kaplan-Meier.

    Parameters
    ----------
    people : one row a person; `follow_up_years` (years), `outcome`, and the column `by`.
    by : column whose groups get a curve each, beside the curve of all people.

    Returns
    -------
    One row a death time: `measure`, `group_by`, `group`, `time_years`, `at_risk` (people just
    before that time), `deaths`, `estimate`, `ci_low`, `ci_high` (probability; 95% log-log
    interval), `unit`.

    Raises
    ------
    Problem : where a group has no people.

    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452.
    """
    curves = []
    for group, members in _groups(people, by):
        fit = _fit(members)
        events = fit.event_table
        steps = (events["observed"] > 0) | (events.index == 0)
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
                    "estimate": fit.survival_function_.iloc[:, 0].to_numpy()[steps.to_numpy()],
                    "ci_low": interval.iloc[:, 0].to_numpy()[steps.to_numpy()],
                    "ci_high": interval.iloc[:, 1].to_numpy()[steps.to_numpy()],
                    "unit": "probability",
                }
            )
        )
    return pd.concat(curves, ignore_index=True)


def summary(
    people: pd.DataFrame, by: str | None = None, times_years: Sequence[float] = (1, 3, 5)
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
    `transplants`, `estimate`, `ci_low`, `ci_high`, `unit` (years or probability). A median that
    the curve does not reach is empty. Follow-up is the reverse Kaplan-Meier median (Schemper and
    Smith 1996, doi 10.1016/0197-2456(96)00075-X).
    """
    rows = []
    for group, members in _groups(people, by):
        fit = _fit(members)
        row = {
            "group_by": by or "all",
            "group": group,
            "people": len(members),
            "deaths": int(_died(members).sum()),
            "transplants": int((members["outcome"] == "transplanted").sum()),
        }
        low, high = median_survival_times(fit.confidence_interval_survival_function_).iloc[0]
        rows.append(
            row
            | {
                "measure": "median survival",
                "estimate": fit.median_survival_time_,
                "ci_low": low,
                "ci_high": high,
                "unit": "years",
            }
        )
        reverse = KaplanMeierFitter().fit(members["follow_up_years"], 1 - _died(members))
        low, high = median_survival_times(reverse.confidence_interval_survival_function_).iloc[0]
        rows.append(
            row
            | {
                "measure": "median follow-up",
                "estimate": reverse.median_survival_time_,
                "ci_low": low,
                "ci_high": high,
                "unit": "years",
            }
        )
        interval = fit.confidence_interval_survival_function_
        for time in times_years:
            within = time <= members["follow_up_years"].max()
            at = interval.index.searchsorted(time, side="right") - 1
            rows.append(
                row
                | {
                    "measure": "survival",
                    "time_years": float(time),
                    "at_risk": int((members["follow_up_years"] >= time).sum()),
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
    table["at_risk"] = table["at_risk"].astype("Int64")
    return table[["measure", "group_by", "group", "time_years", *counts, *numbers, "unit"]]


def log_rank(people: pd.DataFrame, by: str) -> pd.DataFrame:
    """Test whether survival is the same in all groups, with the log-rank test.

    Parameters
    ----------
    people : one row a person, as for `kaplan_meier`; people without a group are left out.
    by : column whose groups are compared.

    Returns
    -------
    One row: `measure`, `group_by`, `people`, `deaths`, `estimate` (chi-squared),
    `degrees_of_freedom`, `p_value`, `unit`. Mantel 1966; Peto and Peto 1972,
    doi 10.2307/2344317.
    """
    known = people[people[by].notna()]
    died = _died(known)
    test = multivariate_logrank_test(known["follow_up_years"], known[by], died)
    return pd.DataFrame(
        {
            "measure": ["log-rank test"],
            "group_by": by,
            "people": len(known),
            "deaths": int(died.sum()),
            "estimate": test.test_statistic,
            "degrees_of_freedom": known[by].nunique() - 1,
            "p_value": test.p_value,
            "unit": "chi-squared",
        }
    )


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
    known = people[list(terms)].dropna()
    if known.empty:
        raise Problem("Nobody has all the columns of the model known.")
    columns: dict[str, pd.Series] = {}
    contrasts = []
    for term in terms:
        values = known[term]
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if len(values.unique()) == 1:
            raise Problem(f"Everybody of the model has the same value of '{term}'.")
        if numeric and term not in reference:
            columns[term] = values.astype(float)
            contrasts.append((term, term, "per unit", ""))
            continue
        levels = sorted(values.unique(), key=label)
        base = reference.get(term, levels[0])
        if base not in levels:
            raise Problem(
                f"Nobody is in the reference group of '{term}', so nothing can be compared with it."
            )
        for level in levels:
            if level == base:
                continue
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
        raise Problem(
            "The model cannot be estimated: in some group too few people died, or a column hardly "
            "varies."
        ) from None
    level_people, level_deaths = _smallest_sides(matrix, died, contrasts)
    found = fitter.summary.loc[contrasts["column"]]
    return contrasts.drop(columns="column").assign(
        measure="hazard ratio",
        model=model,
        people=len(matrix),
        deaths=int(died.sum()),
        level_people=level_people,
        level_deaths=level_deaths,
        estimate=found["exp(coef)"].to_numpy(),
        ci_low=found["exp(coef) lower 95%"].to_numpy(),
        ci_high=found["exp(coef) upper 95%"].to_numpy(),
        p_value=found["p"].to_numpy(),
        unit="ratio",
    )


def at_risk(
    people: pd.DataFrame, by: str | None = None, times_years: Sequence[float] = tuple(range(9))
) -> pd.DataFrame:
    """Count the people still followed at fixed times, by group.

    Returns
    -------
    One row a group and time: `measure`, `group_by`, `group`, `time_years`, `at_risk` (people whose
    follow-up reaches that time), `unit`.
    """
    return pd.DataFrame(
        [
            {
                "measure": "still followed",
                "group_by": by or "all",
                "group": group,
                "time_years": float(time),
                "at_risk": int((members["follow_up_years"] >= time).sum()),
                "unit": "people",
            }
            for group, members in _groups(people, by)
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
    people: pd.DataFrame,
    exposure: str,
    adjustments: dict[str, Sequence[str]],
    reference: dict[str, object],
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
    The tables of `cox`, one model after the other; a model that cannot be estimated has empty
    estimates and a `note` that says why. And one model more: `unadjusted_same_people`, the
    exposure alone in the people of the fullest model. Without it a change that comes from people
    who were left out would pass for one that comes from adjustment.
    """
    fullest = max(adjustments.values(), key=len)
    same = people.dropna(subset=[exposure, *fullest])
    asked = [(model, people, adjusted) for model, adjusted in adjustments.items()]
    asked.append(("unadjusted_same_people", same, ()))
    models = []
    for model, of_people, adjusted in asked:
        try:
            found = cox(of_people, (exposure, *adjusted), model, reference)
        except Problem as problem:
            # One model that cannot be estimated must not take the others with it.
            found = _not_estimated(people, exposure, model, reference, str(problem))
        models.append(found)
    return pd.concat(models, ignore_index=True)


def _not_estimated(people, exposure, model, reference, why) -> pd.DataFrame:
    groups = [label(level) for level in sorted(people[exposure].dropna().unique(), key=label)]
    base = label(reference[exposure])
    return pd.DataFrame(
        [
            {
                "measure": "hazard ratio",
                "model": model,
                "term": exposure,
                "group": group,
                "reference": base,
                "estimate": np.nan,
                "ci_low": np.nan,
                "ci_high": np.nan,
                "p_value": np.nan,
                "unit": "ratio",
                "note": why,
            }
            for group in groups
            if group != base
        ]
    )
