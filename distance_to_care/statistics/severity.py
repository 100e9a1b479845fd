"""Severity when first seen, by the groups of an exposure.

One model an outcome, each chosen by the kind of outcome: least squares for measurements, least
squares on the logarithm and median regression for skewed times, proportional odds for ordered
levels, logistic regression for yes and no. The estimators are statsmodels' (Seabold and Perktold,
2010, doi 10.25080/Majora-92bf1922-011); their answers are tested against R. Which outcomes there
are, and what each is adjusted for, the caller says.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.sm_exceptions import PerfectSeparationError

from distance_to_care import inequality
from distance_to_care.problems import AnalysisError
from distance_to_care.study import Study
from distance_to_care.survival import design, label

Z95 = float(stats.norm.ppf(0.975))
RATIOS = ("ratio", "odds_ratio", "relative_index")
SHARE = "percentage points"


def linear(people: pd.DataFrame, outcome: str, exposure: str, **options) -> pd.DataFrame:
    """Estimate differences in means by least squares, with errors robust to unequal spread (HC3).

    Spread differs between groups wherever a measurement is skewed or counts points, and classical
    errors are then wrong; HC3 errors hold either way and cost nothing with hundreds of people a
    group. For yes and no the difference is one of shares, in percentage points.

    Parameters
    ----------
    people : one row a person; people with anything of the model missing are left out.
    outcome : number, boolean or 0-1 column.
    exposure : column whose groups are compared.
    reference : the group that each other is compared with; the first in order where not given.
    adjust : columns to hold equal; numbers enter as they are, text by level.
    unit : unit of the outcome.

    Returns
    -------
    One row a group but the reference: `measure`, `estimand` (named in the row of the group at the
    other end from the reference, empty elsewhere), `method`, `exposure`, `variable`, `level` (the
    group), `reference`, `people` (of the group, in the model), `estimate`, `ci_low`, `ci_high`
    (95%), `standard_error`, `p_value`, `unit`, `adjusted_for`; and for disclosure control
    `level_people`: the smaller of the group and the reference, of yes and no in both where the
    outcome is that.

    Raises
    ------
    AnalysisError : nobody complete, a reference without people, an outcome alike in everybody, or
        too few people.

    MacKinnon and White 1985, doi 10.1016/0304-4076(85)90158-7.
    """
    return _contrasts("linear", people, outcome, exposure, **options)


def log_linear(people: pd.DataFrame, outcome: str, exposure: str, **options) -> pd.DataFrame:
    """Estimate ratios of geometric means of one plus a time, by least squares on log(1 + time).

    Parameters and columns as for `linear`; `standard_error` is that of the log ratio. An outcome
    below 0 raises AnalysisError.
    """
    return _contrasts("log_linear", people, outcome, exposure, **options)


def median(people: pd.DataFrame, outcome: str, exposure: str, **options) -> pd.DataFrame:
    """Estimate differences in medians by quantile regression, with kernel sandwich errors.

    Parameters and columns as for `linear`. Medians of whole numbers jump by whole numbers, and
    more than one line can fit equally well, so the interval is rougher than that of the log-linear
    model. Koenker and Bassett 1978, doi 10.2307/1913643; Powell 1991.
    """
    return _contrasts("median", people, outcome, exposure, **options)


def ordinal(people: pd.DataFrame, outcome: str, exposure: str, **options) -> pd.DataFrame:
    """Estimate odds ratios of a higher level by the proportional odds model.

    Parameters and columns as for `linear`; the outcome is a number, text that sorts from mild to
    severe, or an ordered categorical, and `standard_error` is that of the log odds ratio.
    McCullagh 1980, doi 10.1111/j.2517-6161.1980.tb01109.x.
    """
    return _contrasts("ordinal", people, outcome, exposure, **options)


def logistic(people: pd.DataFrame, outcome: str, exposure: str, **options) -> pd.DataFrame:
    """Estimate odds ratios of yes by logistic regression.

    Parameters and columns as for `linear`; the outcome is boolean or 0-1, and `standard_error` is
    that of the log odds ratio. A group in which everybody or nobody has it raises AnalysisError.
    """
    return _contrasts("logistic", people, outcome, exposure, **options)


def gradient(
    people: pd.DataFrame,
    outcome: str,
    exposure: str,
    reference: object = None,
    adjust: Sequence[str] = (),
    unit: str = "points",
) -> pd.DataFrame:
    """Estimate the slope and the relative index of inequality over all groups of an exposure.

    The groups are ranked from the reference's end, so both compare the exposed end with the end
    at which the reference stands: the difference, and the ratio, of the fitted outcome at the two
    ends of everybody.

    Parameters
    ----------
    people, outcome, exposure, reference, adjust, unit : as for `linear`.

    Returns
    -------
    Two rows, `slope index` and `relative index`, with the columns of `linear`; `level` is the
    group at the exposed end and `people` everybody in the model.

    Raises
    ------
    AnalysisError : as `inequality.slope_index` and `inequality.relative_index`.
    """
    known, groups = _complete(people, outcome, exposure, reference, adjust)
    yes_or_no = _is_yes_or_no(known[outcome])
    ranked = known.assign(**{outcome: _numbers(known[outcome], outcome)})
    slope = inequality.slope_index(ranked, outcome, exposure, adjust=adjust)
    ratio = inequality.relative_index(ranked, outcome, exposure, adjust=adjust)
    if yes_or_no:
        slope = 100 * slope
    return pd.concat([slope, ratio], ignore_index=True).assign(
        measure=list(MEASURES["gradient"]),
        estimand=[f"{slug}.{outcome}.{exposure}" for slug in MEASURES["gradient"].values()],
        method="gradient",
        exposure=exposure,
        variable=outcome,
        level=label(groups[-1]),
        reference=label(groups[0]),
        people=len(known),
        level_people=int(known[outcome].value_counts().min()) if yes_or_no else len(known),
        model_events=int(known[outcome].value_counts().min()) if yes_or_no else len(known),
        model_parameters=2 + len(adjust),
        unit=[_unit(slug, yes_or_no, unit) for slug in MEASURES["gradient"].values()],
        adjusted_for=_said(adjust),
    )


# What each method estimates: in words, and as the names of estimands begin.
MEASURES = {
    "linear": {"difference in means": "difference"},
    "log_linear": {"ratio of geometric means of one plus the value": "ratio"},
    "median": {"difference in medians": "median_difference"},
    "ordinal": {"odds ratio of a higher level": "odds_ratio"},
    "logistic": {"odds ratio": "odds_ratio"},
    "gradient": {"slope index": "slope_index", "relative index": "relative_index"},
}
METHODS: dict[str, Callable[..., pd.DataFrame]] = {
    "linear": linear,
    "log_linear": log_linear,
    "median": median,
    "ordinal": ordinal,
    "logistic": logistic,
    "gradient": gradient,
}


def parts_with_whole(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Keep the parts of a score only where the whole score is known, so that they add up.

    Parameters
    ----------
    people : one row a person, with the study's scores.
    study : the study, with its scores and the parts of each.

    Returns
    -------
    All people; a part is missing wherever its whole is.
    """
    out = people.copy()
    for score in study.scores:
        for part in score.parts:
            out[part] = out[part].where(out[score.name].notna())
    return out


def models(
    people: pd.DataFrame,
    exposure: str,
    plan: Sequence[tuple[str, str, Sequence[str]]],
    reference: object = None,
    units: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Estimate every model of a plan, one after the other.

    Parameters
    ----------
    people, exposure, reference : as for `linear`.
    plan : for each model the method (a name in `METHODS`), the outcome and what it is adjusted for.
    units : unit of each outcome; `points` where not given.

    Returns
    -------
    The rows of every model. One that cannot be estimated takes no other with it: the row of its
    extreme group, or the two of a gradient, stand without an estimate and with a `note` that says
    why.

    Raises
    ------
    AnalysisError : for a method that there is not.
    """
    units = units or {}
    tables = []
    for method, outcome, adjust in plan:
        if method not in METHODS:
            raise AnalysisError(f"There is no method '{method}': use one of {', '.join(METHODS)}.")
        unit = units.get(outcome, "points")
        options = {"reference": reference, "adjust": adjust, "unit": unit}
        try:
            found = METHODS[method](people, outcome, exposure, **options)
        except AnalysisError as problem:
            found = _not_estimated(method, people, outcome, exposure, **options)
            found["note"] = str(problem)
        tables.append(found)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(note=table["note"].fillna("")) if "note" in table else table


def missed(beside: pd.DataFrame) -> pd.DataFrame:
    """Count the intervals that do not hold what was built in.

    Parameters
    ----------
    beside : estimates beside the truth, as `comparison.beside_truth` returns them; `ci_low`,
        `ci_high`, and `built_in` where anything was.

    Returns
    -------
    One row: `measure`, `estimate` (intervals that miss; empty where nothing was built in), `unit`,
    and `note`, which says it in a sentence without a full stop.
    """
    beside = beside if "built_in" in beside else beside.assign(built_in=np.nan)
    known = beside.dropna(subset=["built_in", "ci_low", "ci_high"])
    outside = int((~known["built_in"].between(known["ci_low"], known["ci_high"])).sum())
    note = "Nothing was built in here, so no interval can miss it"
    if len(known):
        verb = "misses" if outside == 1 else "miss"
        note = (
            f"Of {len(known)} intervals here, {outside} {verb} what was built in; "
            "about one in twenty should"
        )
    row = {"measure": "intervals that miss what was built in", "unit": "intervals", "note": note}
    return pd.DataFrame([row | {"estimate": float(outside) if len(known) else np.nan}])


def _not_estimated(method, people, outcome, exposure, reference, adjust, unit) -> pd.DataFrame:
    """The rows that a model is asked for first, without their estimates."""
    groups = _from_reference(people[exposure], reference)
    yes_or_no = outcome in people and _is_yes_or_no(people[outcome])
    return pd.DataFrame(
        [
            {
                "measure": measure,
                "estimand": f"{slug}.{outcome}.{exposure}",
                "method": method,
                "exposure": exposure,
                "variable": outcome,
                "level": label(groups[-1]),
                "reference": label(groups[0]),
                "estimate": np.nan,
                "ci_low": np.nan,
                "ci_high": np.nan,
                "unit": _unit(slug, yes_or_no, unit),
                "adjusted_for": _said(adjust),
            }
            for measure, slug in MEASURES[method].items()
        ]
    )


def _said(adjust: Sequence[str]) -> str:
    return ", ".join(adjust) or "nothing"


def _unit(slug: str, yes_or_no: bool, unit: str) -> str:
    if slug in RATIOS:
        return "ratio"
    return SHARE if yes_or_no else unit


def _is_yes_or_no(values: pd.Series) -> bool:
    return bool(values.dropna().isin([0, 1]).all())


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        raise AnalysisError(f"'{name}' is not a number: this model needs one.")
    return values.to_numpy(float)


def _from_reference(exposure: pd.Series, reference: object) -> list:
    """The groups in order, turned round where the reference is the last."""
    groups = sorted(exposure.dropna().unique())
    return groups[::-1] if groups and reference == groups[-1] else groups


def _complete(people, outcome, exposure, reference, adjust) -> tuple[pd.DataFrame, list]:
    """People with the whole model known, and the groups in order from the reference's end."""
    for column in (outcome, exposure, *adjust):
        if column not in people:
            raise AnalysisError(f"There is no column '{column}' among the people.")
    known = people[[outcome, exposure, *adjust]].dropna()
    if known.empty:
        raise AnalysisError("Nobody has all the columns of the model known.")
    if known[outcome].nunique() < 2:
        raise AnalysisError(f"Everybody has the same value of '{outcome}'.")
    groups = _from_reference(known[exposure], reference)
    if len(groups) < 2:
        raise AnalysisError(f"Everybody of the model is in one group of '{exposure}'.")
    if reference is not None and reference not in groups:
        raise AnalysisError(f"Nobody of the model is in the reference group of '{exposure}'.")
    ranks = pd.Categorical(known[exposure], categories=groups, ordered=True)
    return known.assign(**{exposure: ranks}), groups


def _contrasts(
    method: str,
    people: pd.DataFrame,
    outcome: str,
    exposure: str,
    reference: object = None,
    adjust: Sequence[str] = (),
    unit: str = "points",
) -> pd.DataFrame:
    known, groups = _complete(people, outcome, exposure, reference, adjust)
    base = groups[0] if reference is None else reference
    others = [group for group in groups if group != base]
    # Contrasts are against the first category.
    in_order = known[exposure].cat.reorder_categories([base, *others])
    columns = design(known.assign(**{exposure: in_order}), [exposure, *adjust])
    matrix = sm.add_constant(columns.matrix, has_constant="add")
    if len(known) <= matrix.shape[1]:
        raise AnalysisError(f"{len(known)} people are too few for the terms of the model.")
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise AnalysisError("The terms of the model cannot be told apart.")
    sides = [known[exposure].value_counts()]
    if sides[0].min() < 2:
        raise AnalysisError(f"Some group of '{exposure}' has too few people in the model.")
    yes_or_no = _is_yes_or_no(known[outcome])
    if yes_or_no:
        sides = [known.loc[known[outcome] == side, exposure].value_counts() for side in (0, 1)]
    with warnings.catch_warnings():
        # A model that warns has not been estimated, whatever numbers it holds.
        warnings.simplefilter("error")
        try:
            found = _FITS[method](known[outcome], matrix)
        except (Warning, ArithmeticError, np.linalg.LinAlgError, PerfectSeparationError):
            raise AnalysisError(
                f"The model of '{outcome}' cannot be estimated: in some group there are too few "
                "people, or all of them have it or nobody has."
            ) from None
    found = pd.DataFrame(found).iloc[1 : 1 + len(others)]
    ((measure, slug),) = MEASURES[method].items()
    if method == "linear" and yes_or_no:
        found = found.assign(**100 * found[["estimate", "ci_low", "ci_high", "standard_error"]])
    if slug in RATIOS:
        found = found.assign(**np.exp(found[["estimate", "ci_low", "ci_high"]]))
    return found.assign(
        measure=measure,
        estimand=[f"{slug}.{outcome}.{exposure}" if g == groups[-1] else "" for g in others],
        method=method,
        exposure=exposure,
        variable=outcome,
        level=[label(group) for group in others],
        reference=label(base),
        people=[int((known[exposure] == group).sum()) for group in others],
        level_people=[min(int(min(side[g], side[base])) for side in sides) for g in others],
        model_events=min(int(side.sum()) for side in sides),
        model_parameters=matrix.shape[1],
        unit=_unit(slug, yes_or_no, unit),
        adjusted_for=_said(adjust),
    ).reset_index(drop=True)


# --- The fits: a row a column of the matrix, the constant first ---------------------------------


def _normal(estimate: np.ndarray, error: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "estimate": estimate,
        "ci_low": estimate - Z95 * error,
        "ci_high": estimate + Z95 * error,
        "standard_error": error,
        "p_value": 2 * stats.norm.sf(np.abs(estimate / error)),
    }


def _linear(outcome: pd.Series, matrix: np.ndarray) -> dict[str, np.ndarray]:
    values = _numbers(outcome, outcome.name)
    fit = sm.OLS(values, matrix).fit(cov_type="HC3", use_t=True)
    low, high = fit.conf_int().T
    return {
        "estimate": fit.params,
        "ci_low": low,
        "ci_high": high,
        "standard_error": fit.bse,
        "p_value": fit.pvalues,
    }


def _log_linear(outcome: pd.Series, matrix: np.ndarray) -> dict[str, np.ndarray]:
    values = _numbers(outcome, outcome.name)
    if values.min() < 0:
        raise AnalysisError(f"'{outcome.name}' is below 0 in some rows: it has no logarithm.")
    return _linear(pd.Series(np.log1p(values)), matrix)


def _median(outcome: pd.Series, matrix: np.ndarray) -> dict[str, np.ndarray]:
    values = _numbers(outcome, outcome.name)
    estimate = sm.QuantReg(values, matrix).fit(q=0.5, max_iter=5000).params
    return _normal(estimate, _kernel_errors(values - matrix @ estimate, matrix))


def _kernel_errors(residuals: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Errors of a median regression that let the spread differ between people (Powell 1991).

    statsmodels weighs everybody by one density at the median, which is right only where all have
    the same spread. This is the sandwich of R's `summary(rq(...), se = "ker")`: a normal kernel of
    Hall and Sheather's width (1988).
    """
    people = len(residuals)
    share = people ** (-1 / 3) * Z95 ** (2 / 3) * (1.5 * stats.norm.pdf(0) ** 2) ** (1 / 3)
    while share > 0.5:
        share /= 2
    quarter, three_quarters = np.quantile(residuals, (0.25, 0.75))
    spread = min(residuals.std(ddof=1), (three_quarters - quarter) / 1.34)
    width = (stats.norm.ppf(0.5 + share) - stats.norm.ppf(0.5 - share)) * spread
    density = stats.norm.pdf(residuals / width) / width
    bread = np.linalg.inv(matrix.T @ (density[:, None] * matrix))
    return np.sqrt(np.diag(0.25 * bread @ (matrix.T @ matrix) @ bread))


def _ordinal(outcome: pd.Series, matrix: np.ndarray) -> dict[str, np.ndarray]:
    levels = outcome if outcome.dtype == "category" else pd.Categorical(outcome, ordered=True)
    codes = pd.Series(levels).cat.remove_unused_categories().cat.codes.to_numpy()
    if codes.max() < 2:
        raise AnalysisError(f"'{outcome.name}' has two levels: use logistic regression.")
    fit = OrderedModel(codes, matrix[:, 1:], distr="logit").fit(
        method="bfgs", gtol=1e-6, maxiter=1000, disp=0
    )
    # The thresholds stand where other models have their constant.
    terms = matrix.shape[1] - 1
    return _normal(
        np.concatenate([[np.nan], fit.params[:terms]]), np.concatenate([[np.nan], fit.bse[:terms]])
    )


def _logistic(outcome: pd.Series, matrix: np.ndarray) -> dict[str, np.ndarray]:
    values = _numbers(outcome, outcome.name)
    if not _is_yes_or_no(outcome):
        raise AnalysisError(f"'{outcome.name}' is not yes or no.")
    fit = sm.Logit(values, matrix).fit(method="newton", maxiter=100, tol=1e-12, disp=0)
    return _normal(fit.params, fit.bse)


_FITS = {
    "linear": _linear,
    "log_linear": _log_linear,
    "median": _median,
    "ordinal": _ordinal,
    "logistic": _logistic,
}
