"""Inequality over ordered groups: slope, relative and concentration index.

Groups are ranked from most to least deprived: the sorted order of the column, or the order of its
categories. A group's ridit is the share of all weight in the groups before it and half its own, so
it runs from 0 (the most deprived end) to 1 (the least). Every function takes one row a person, or
one row a group with the people of each group as `weight`.

Rows that resemble their neighbours say less than so many rows of their own. Where `cluster` names
the column of the neighbourhoods, errors allow for any likeness within one (Liang and Zeger 1986,
doi 10.1093/biomet/73.1.13, with the correction of small samples that R's sandwich calls HC1), and
intervals take their degrees of freedom from the number of clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from distance_to_care.problems import AnalysisError

# A ratio of the ends beyond e to this power is one that the data do not bound.
STEEPEST = 15


def slope_index(
    table: pd.DataFrame,
    outcome: str,
    rank_group: str,
    weight: str | None = None,
    adjust: Sequence[str] = (),
    cluster: str | None = None,
) -> pd.DataFrame:
    """Estimate the slope index of inequality by weighted least squares on the ridit.

    The estimate is the fitted outcome at the least deprived end minus that at the most deprived
    end: negative where the most deprived have more of the outcome. It equals the coefficient of
    the ridit in R's `lm(outcome ~ ridit, weights = weight)`, with lm's errors and t interval. A
    0-1 outcome may be given: the slope is then a difference of probabilities (linear probability
    model), which keeps the absolute scale that a logistic slope would lose.

    Parameters
    ----------
    table : one row a person or a group, nothing missing.
    outcome : number, 0-1 or boolean column.
    rank_group : column that ranks, from most to least deprived.
    weight : column of people (or other weight) a row; every row weighs the same where not given.
    adjust : columns to hold equal; numbers enter as they are, others by level.
    cluster : column of the clusters within which rows are alike, such as the local authority.

    Returns
    -------
    One row: `estimate` (unit of the outcome), `standard_error`, `ci_low`, `ci_high` (95%).

    Raises
    ------
    AnalysisError : for missing values, one group, a constant adjustment, too few rows or clusters.

    Mackenbach and Kunst 1997, doi 10.1016/S0277-9536(96)00073-1.
    """
    values, design, weights = _design(table, outcome, rank_group, weight, adjust, cluster)
    errors, free = _errors(table, cluster)
    fit = sm.WLS(values, design, weights=weights).fit(**errors)
    return _row(fit.params["ridit"], fit.bse["ridit"], free or fit.df_resid)


def relative_index(
    table: pd.DataFrame,
    outcome: str,
    rank_group: str,
    weight: str | None = None,
    adjust: Sequence[str] = (),
    cluster: str | None = None,
) -> pd.DataFrame:
    """Estimate the relative index of inequality by log-linear regression on the ridit.

    The estimate is the fitted outcome at the least deprived end over that at the most deprived
    end: below 1 where the most deprived have more of the outcome. It equals exp of the coefficient
    of the ridit in R's `glm(outcome ~ ridit, family = quasipoisson, weights = weight)`. The
    dispersion is estimated, so errors are right in size for 0-1 outcomes, for rates and for
    measurements alike, and for rows that are groups.

    Parameters
    ----------
    table, outcome, rank_group, weight, adjust, cluster : as for `slope_index`; the outcome is not
        negative.

    Returns
    -------
    One row: `estimate` (ratio), `standard_error` (of the log ratio), `ci_low`, `ci_high` (95%, t
    interval of the log ratio).

    Raises
    ------
    AnalysisError : as for `slope_index`; for an outcome that is negative, 0 in every row, or so
        nearly confined to one end that no ratio can be estimated.

    Mackenbach and Kunst 1997, doi 10.1016/S0277-9536(96)00073-1; McCullagh and Nelder 1989.
    """
    values, design, weights = _design(table, outcome, rank_group, weight, adjust, cluster)
    errors, free = _errors(table, cluster)
    if (values < 0).any() or not values.any():
        raise AnalysisError(
            f"A relative index needs an outcome that is never below 0 and somewhere above it: "
            f"'{outcome}' is not."
        )
    # The ratio is free of the unit; around 1 the fit converges whatever the unit was.
    scaled = values / np.average(values, weights=weights)
    model = sm.GLM(scaled, design, family=sm.families.Poisson(), var_weights=weights)
    with warnings.catch_warnings():
        # An exact fit is warned of as separation; here it is a gradient without scatter.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        # The deviance of many people need not stand still to the last digit; coefficients do.
        fit = model.fit(tol=1e-10, tol_criterion="params", maxiter=50)
    slope = fit.params["ridit"]
    if not fit.converged or not np.isfinite(slope) or abs(slope) > STEEPEST:
        raise AnalysisError(
            f"The relative index cannot be estimated: '{outcome}' is above 0 at one end only."
        )
    error = fit.bse["ridit"] * np.sqrt(fit.pearson_chi2 / fit.df_resid)
    if cluster:
        # Errors by clusters allow for any dispersion as they stand.
        error = _of_clusters(
            scaled, design, weights, fit.fittedvalues, errors["cov_kwds"]["groups"]
        )
    row = _row(slope, error, free or fit.df_resid)
    return row.assign(**np.exp(row[["estimate", "ci_low", "ci_high"]]))


def concentration_index(
    table: pd.DataFrame,
    outcome: str,
    rank_group: str,
    weight: str | None = None,
    adjust: Sequence[str] = (),
    cluster: str | None = None,
) -> pd.DataFrame:
    """Estimate the concentration index by the convenient regression.

    The estimate is twice the covariance of outcome and ridit over the mean of the outcome: 0
    without a gradient, negative where the most deprived have more of the outcome, between -1 and
    1. It is the coefficient of the ridit in R's `lm(2 * v * outcome / m ~ ridit, weights =
    weight)`, where `v` is the weighted variance of the ridit and `m` the weighted mean of the
    outcome; the errors are lm's, so they take both as known.

    Parameters
    ----------
    table, outcome, rank_group, weight, adjust, cluster : as for `slope_index`; the outcome is not
        negative.

    Returns
    -------
    One row: `estimate` (no unit), `standard_error`, `ci_low`, `ci_high` (95%, t interval).

    Raises
    ------
    AnalysisError : as for `slope_index`; for an outcome that is negative or 0 in every row.

    Kakwani, Wagstaff and van Doorslaer 1997, doi 10.1016/S0304-4076(96)01807-6.
    """
    values, design, weights = _design(table, outcome, rank_group, weight, adjust, cluster)
    errors, free = _errors(table, cluster)
    if (values < 0).any() or not values.any():
        raise AnalysisError(
            f"A concentration index needs an outcome that is never below 0 and somewhere above it: "
            f"'{outcome}' is not."
        )
    rank = design["ridit"]
    # The weighted mean of ridits is one half, whatever the groups.
    variance = np.average((rank - 0.5) ** 2, weights=weights)
    scaled = 2 * variance * values / np.average(values, weights=weights)
    fit = sm.WLS(scaled, design, weights=weights).fit(**errors)
    return _row(fit.params["ridit"], fit.bse["ridit"], free or fit.df_resid)


def ridit(group: pd.Series, weight: pd.Series | None = None) -> pd.Series:
    """Score each row by the middle of its group's range of the cumulative weight.

    Parameters
    ----------
    group : what ranks the rows, from most to least deprived.
    weight : people (or other weight) a row; every row weighs the same where not given.

    Returns
    -------
    The ridits, `ridit`, from 0 (the most deprived end) to 1; their weighted mean is one half.

    Bross 1958, doi 10.2307/2527727.
    """
    weight = pd.Series(1.0, index=group.index) if weight is None else weight.astype(float)
    of_group = weight.groupby(group, observed=True, sort=True).sum()
    score = (of_group.cumsum() - of_group / 2) / of_group.sum()
    return group.map(score).astype(float).rename("ridit")


def _errors(table: pd.DataFrame, cluster: str | None) -> tuple[dict, int]:
    """What a fit needs to know of the clusters, and the degrees of freedom that they leave."""
    if cluster is None:
        return {}, 0
    codes, names = pd.factorize(table[cluster])
    if len(names) < 2:
        raise AnalysisError(f"'{cluster}' has one cluster: errors by clusters need several.")
    return {"cov_type": "cluster", "cov_kwds": {"groups": codes}}, len(names) - 1


def _of_clusters(values, design, weights, fitted, codes) -> float:
    """Standard error of the log ratio of a Poisson fit: the sandwich of HC1, summed by cluster."""
    columns = design.to_numpy()
    bread = np.linalg.inv(columns.T @ (columns * (weights * fitted).to_numpy()[:, None]))
    scores = columns * (weights * (values - fitted)).to_numpy()[:, None]
    count = codes.max() + 1
    sums = np.column_stack([np.bincount(codes, column, count) for column in scores.T])
    rows, terms = columns.shape
    small = count / (count - 1) * (rows - 1) / (rows - terms)
    covariance = small * bread @ (sums.T @ sums) @ bread
    place = design.columns.get_loc("ridit")
    return float(np.sqrt(covariance[place, place]))


def _design(table, outcome, rank_group, weight, adjust, cluster):
    """The outcome, the design matrix (constant, ridit, adjustments) and the weights."""
    adjust = [adjust] if isinstance(adjust, str) else list(adjust or ())
    asked = [outcome, rank_group, *([weight] if weight else []), *adjust]
    for column in [*asked, *([cluster] if cluster else [])]:
        if column not in table:
            raise AnalysisError(f"The table has no column '{column}'.")
        if table[column].isna().any():
            raise AnalysisError(
                f"'{column}' is missing in {int(table[column].isna().sum())} rows: leave those "
                "rows out, or impute them."
            )
    for column in [outcome, *([weight] if weight else [])]:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise AnalysisError(f"'{column}' must be a number in every row.")
    for column in asked:
        if not pd.api.types.is_numeric_dtype(table[column]):
            continue
        if not np.isfinite(table[column].astype(float)).all():
            raise AnalysisError(f"'{column}' must be finite in every row.")
    if weight and (table[weight] <= 0).any():
        raise AnalysisError(f"Weights must be above 0: '{weight}' is not in some rows.")
    if table[rank_group].nunique() < 2:
        raise AnalysisError(f"'{rank_group}' has one group: an index of inequality needs two.")
    weights = table[weight].astype(float) if weight else pd.Series(1.0, index=table.index)
    columns: dict[object, object] = {"constant": 1.0, "ridit": ridit(table[rank_group], weights)}
    # Adjustments have keys of two parts, so that no column of theirs can stand for the rank.
    for column in adjust:
        values = table[column]
        if values.nunique() < 2:
            raise AnalysisError(f"Every row has the same value of '{column}': leave it out.")
        if pd.api.types.is_numeric_dtype(values):
            columns[column, ""] = values.astype(float)
            continue
        levels = pd.get_dummies(values, dtype=float)
        present = [name for name in levels if levels[name].any()]
        columns |= {(column, str(name)): levels[name] for name in present[1:]}
    names = [name if isinstance(name, str) else "adjusted: " + ", ".join(name) for name in columns]
    named = dict(zip(names, columns.values(), strict=True))
    design = pd.DataFrame(named, index=table.index)
    if len(design) <= design.shape[1]:
        raise AnalysisError(
            f"{len(design)} rows are too few for the {design.shape[1]} terms of the model."
        )
    if np.linalg.matrix_rank(design.to_numpy()) < design.shape[1]:
        raise AnalysisError(
            "The ranks and the adjustments cannot be told apart: one of them follows from others."
        )
    return table[outcome].astype(float), design, weights


def _row(estimate: float, standard_error: float, degrees_of_freedom: float) -> pd.DataFrame:
    reach = stats.t.ppf(0.975, degrees_of_freedom) * standard_error
    return pd.DataFrame(
        {
            "estimate": [float(estimate)],
            "standard_error": float(standard_error),
            "ci_low": float(estimate - reach),
            "ci_high": float(estimate + reach),
        }
    )
