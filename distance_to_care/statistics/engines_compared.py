"""Every published quantity by engine: this package's, lifelines, statsmodels, and R beside them.

Each function asks the same question of three engines, each used as well as it can be: ties after
Efron as in R, iterations run to the end, log-log intervals. What an engine warns of is caught and
told in `note`, and an engine that cannot answer says so there. R's answers are not computed here:
they were, with the script that stands beside them, and `beside_r` sets them next to the others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from lifelines.utils import median_survival_times, restricted_mean_survival_time
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from distance_to_care import survival
from distance_to_care.problems import AnalysisError

OURS, LIFELINES, STATSMODELS, R = "this package", "lifelines", "statsmodels", "R"
# Newton's method of lifelines stops early by default; R's answers ask for more digits.
CONVERGED = {"precision": 1e-11, "r_precision": 1e-13}
# Further from R than this is told with its reason: of an estimate, and of a standard error.
ESTIMATE_BAR, ERROR_BAR = 1e-6, 1e-4
# Relative differences below this are the rounding of processors, and are published as nought.
ROUNDING = 1e-8
NOT_OFFERED = "not offered"
NOT_ASKED = "standard error asked for of everybody, at the first horizon"
NUMBERS = ["estimate", "standard_error", "ci_low", "ci_high"]
# Models that are told apart from plain ones: words in their names, and what to call them.
FORMS = {"late entry": "late entry", "clustered": "clustered errors", "robust": "clustered errors"}
# Why an engine differs from R: engine, what measure or model it is about, and the reason.
REASONS = (
    (LIFELINES, "proportional hazards",
     "an approximation that R gave up with survival 3.0; no global test"),
    (LIFELINES, "restricted mean", "the variance is that of a survival time cut at the horizon, "
     "not of its mean"),
    (LIFELINES, "clustered", "residuals of robust errors take no account of ties or late entry"),
    (LIFELINES, "robust", "residuals of robust errors take no account of ties"),
    (LIFELINES, "cumulative incidence", "tied times are moved apart at random"),
    (STATSMODELS, "late entry", "people who enter at a death's own time are counted as at risk"),
    (STATSMODELS, "clustered", "residuals of robust errors are Breslow's after a fit of Efron's"),
    (STATSMODELS, "robust", "residuals of robust errors are Breslow's after a fit of Efron's"),
    (STATSMODELS, "cumulative incidence", "another formula of the standard error"),
    (STATSMODELS, "median", "another rule where the curve passes a half exactly"),
    (LIFELINES, "median", "another rule where the curve passes a half exactly"),
    (LIFELINES, "log hazard ratio", "its iterations stop a little early"),
)  # fmt: skip

Answer = Mapping[str, float]


def _ask(engine: str, base: Mapping, answers: Callable[[], Mapping[object, Answer]]) -> list[dict]:
    """Collect one engine's answers by term, with what it warned of."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found, failed = answers(), ""
        except (ConvergenceError, ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            # An engine that gives up has answered: its reason is the row.
            found, failed = {"all": {}}, f"failed with {type(error).__name__}"
    said = sorted({str(one.message).strip().splitlines()[0].strip() for one in heard})
    note = "; ".join([failed, *(f"warns: {text}" for text in said)]).strip("; ")
    return [
        dict(base, term=str(term), engine=engine, note=answer.get("note", note))
        | {name: float(answer.get(name, np.nan)) for name in NUMBERS}
        for term, answer in found.items()
    ]


def _not_offered(engine: str, base: Mapping, term: str = "all") -> dict:
    return dict(base, term=term, engine=engine, note=NOT_OFFERED) | dict.fromkeys(NUMBERS, np.nan)


def _groups(people: pd.DataFrame, group: str | None):
    if group is None:
        yield "all", people
    else:
        yield from people.groupby(group, observed=True)


def kaplan_meier(
    people: pd.DataFrame,
    duration: str,
    event: str,
    times: Sequence[float],
    group: str | None = None,
    unit: str = "years",
) -> pd.DataFrame:
    """Ask each engine for Kaplan-Meier medians and survival at fixed times.

    Parameters
    ----------
    people : one row a person; `duration` (in `unit`), `event` (0 or 1), `group`.
    times : when survival is read off.
    group : column whose groups have a curve each.

    Returns
    -------
    One row a measure, group and engine: `measure`, `model` (the grouping), `term` (the group),
    `engine`, `estimate`, `standard_error`, `ci_low`, `ci_high`, `unit`, `note`.
    """
    model = group or "all"
    people = people if group is None else people.dropna(subset=group)
    rows = []
    middle = {"measure": "median survival", "model": model, "unit": unit}
    ours = survival.median_survival(people, duration, event, group)
    rows += _ask(
        OURS,
        middle,
        lambda: {
            row.group: {"estimate": row.median, "ci_low": row.ci_low, "ci_high": row.ci_high}
            for row in ours.itertuples()
        },
    )
    read = survival.survival_at(people, duration, event, list(times), group)
    for time in times:
        at = {"measure": f"survival at {time:g}", "model": model, "unit": "probability"}
        rows += _ask(
            OURS,
            at,
            lambda time=time: {
                row.group: {"estimate": row.survival, "ci_low": row.ci_low, "ci_high": row.ci_high}
                for row in read[read["time"] == time].itertuples()
            },
        )
    for name, members in _groups(people, group):
        length, ended = members[duration].to_numpy(float), members[event].to_numpy(int)
        fit = KaplanMeierFitter().fit(length, ended)
        interval = fit.confidence_interval_survival_function_
        rows += _ask(LIFELINES, middle, lambda name=name, fit=fit: {name: _lifelines_median(fit)})
        other = SurvfuncRight(length, ended)
        rows += _ask(
            STATSMODELS,
            middle,
            lambda name=name, other=other: {
                name: {"estimate": other.quantile(0.5)}
                | dict(zip(("ci_low", "ci_high"), other.quantile_ci(0.5), strict=True))
            },
        )
        for time in times:
            at = {"measure": f"survival at {time:g}", "model": model, "unit": "probability"}
            place = interval.index.searchsorted(time, side="right") - 1
            low, high = interval.iloc[place]
            answer = {"estimate": fit.predict(time), "ci_low": low, "ci_high": high}
            rows += _ask(LIFELINES, at, lambda name=name, answer=answer: {name: answer})
            step = np.searchsorted(other.surv_times, time, side="right") - 1
            answer = {
                "estimate": other.surv_prob[step],
                "standard_error": other.surv_prob_se[step],
            }
            rows += _ask(STATSMODELS, at, lambda name=name, answer=answer: {name: answer})
    return pd.DataFrame(rows)


def _lifelines_median(fit: KaplanMeierFitter) -> Answer:
    low, high = median_survival_times(fit.confidence_interval_survival_function_).iloc[0]
    return {"estimate": fit.median_survival_time_, "ci_low": low, "ci_high": high}


def log_rank(people: pd.DataFrame, duration: str, event: str, group: str) -> pd.DataFrame:
    """Ask each engine for the log-rank test of a grouping; columns as for `kaplan_meier`."""
    known = people[people[group].notna()]
    base = {"measure": "log-rank test", "model": group, "unit": "chi-squared"}
    length, ended, of = known[duration], known[event].astype(int), known[group].astype(str)
    rows = _ask(
        OURS,
        base,
        lambda: {
            "all": {
                "estimate": survival.log_rank(known, duration, event, group)["statistic"].iloc[0]
            }
        },
    )
    rows += _ask(
        LIFELINES,
        base,
        lambda: {"all": {"estimate": multivariate_logrank_test(length, of, ended).test_statistic}},
    )
    rows += _ask(
        STATSMODELS,
        base,
        lambda: {
            "all": {
                "estimate": survdiff(length.to_numpy(), ended.to_numpy(), of.to_numpy())[0],
            }
        },
    )
    return pd.DataFrame(rows)


def design(people: pd.DataFrame, covariates: Sequence[str]) -> pd.DataFrame:
    """Lay out covariates as columns of numbers: categories against their first level.

    Columns are named `column[level]`; rows with a missing value are left out.
    """
    known = people[list(covariates)].dropna()
    parts = []
    for name in covariates:
        if isinstance(known[name].dtype, pd.CategoricalDtype):
            levels = known[name].cat.categories[1:]
            parts.append(
                pd.DataFrame({f"{name}[{level}]": (known[name] == level) * 1.0 for level in levels})
            )
        else:
            parts.append(known[[name]].astype(float))
    return pd.concat(parts, axis=1)


def cox(
    people: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    model: str,
    strata: str | None = None,
    cluster: str | None = None,
    entry: str | None = None,
    ties: str = "efron",
) -> pd.DataFrame:
    """Ask each engine for the log hazard ratios of a Cox model and their standard errors.

    Parameters
    ----------
    people : one row a person; text columns are categories whose first level is the reference.
    covariates, strata, cluster, entry, ties : as for `survival.cox`.
    model : name of the model.

    Returns
    -------
    Columns as for `kaplan_meier`, one row a term and engine.
    """
    base = {"measure": "log hazard ratio", "model": model, "unit": "natural logarithm"}
    matrix = design(people, covariates)
    rows_of = people.loc[matrix.index]
    length, ended = rows_of[duration].astype(float), rows_of[event].astype(int)

    def ours():
        found = survival.cox(
            rows_of, duration, event, list(covariates), strata=strata, cluster=cluster,
            entry=entry, ties=ties,
        )  # fmt: skip
        return {
            row.term: {"estimate": row.coefficient, "standard_error": row.standard_error}
            for row in found.itertuples()
        }

    def of_lifelines():
        frame = matrix.assign(_duration=length, _event=ended)
        others = {"strata": strata, "cluster_col": cluster, "entry_col": entry}
        named = {word: f"_{word}" for word, column in others.items() if column}
        for word, column in named.items():
            values = rows_of[others[word]]
            frame[column] = values if word == "entry_col" else pd.factorize(values)[0]
        fit = CoxPHFitter().fit(frame, "_duration", "_event", fit_options=CONVERGED, **named)
        return _lifelines_terms(fit)

    def of_statsmodels():
        # Anybody censored before the first death makes its clustered errors undefined, and
        # counts for nothing else.
        kept = (length >= length[ended == 1].min()).to_numpy()
        given = {
            "status": ended[kept],
            "entry": None if entry is None else rows_of[entry][kept],
            "strata": None if strata is None else pd.factorize(rows_of[strata][kept])[0],
        }
        fit = PHReg(length[kept], matrix[kept], ties=ties, **given).fit(
            disp=0, groups=None if cluster is None else pd.factorize(rows_of[cluster][kept])[0]
        )
        return {
            term: {"estimate": fit.params[place], "standard_error": fit.bse[place]}
            for place, term in enumerate(matrix.columns)
        }

    rows = _ask(OURS, base, ours)
    if ties == "efron":
        rows += _ask(LIFELINES, base, of_lifelines)
    else:
        rows += [_not_offered(LIFELINES, base, term) for term in matrix.columns]
    rows += _ask(STATSMODELS, base, of_statsmodels)
    return pd.DataFrame(rows)


def _lifelines_terms(fit: CoxPHFitter) -> dict[str, Answer]:
    found = fit.summary[["coef", "se(coef)"]]
    return {
        term: {"estimate": row["coef"], "standard_error": row["se(coef)"]}
        for term, row in found.iterrows()
    }


def proportional_hazards(
    people: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], model: str
) -> pd.DataFrame:
    """Ask each engine for the test of proportional hazards, a row a column of the model.

    The scale of time is the Kaplan-Meier estimate. Columns as for `kaplan_meier`.
    """
    base = {"measure": "proportional hazards test", "model": model, "unit": "chi-squared"}
    matrix = design(people, covariates)
    frame = matrix.assign(
        _duration=people.loc[matrix.index, duration].astype(float),
        _event=people.loc[matrix.index, event].astype(int),
    )

    def ours():
        found = survival.proportional_hazards_test(
            frame, "_duration", "_event", list(matrix.columns), transform="km"
        )
        return {row.term: {"estimate": row.statistic} for row in found.itertuples()}

    def of_lifelines():
        fit = CoxPHFitter().fit(frame, "_duration", "_event", fit_options=CONVERGED)
        test = proportional_hazard_test(fit, frame, time_transform="km").summary
        return {term: {"estimate": row["test_statistic"]} for term, row in test.iterrows()}

    rows = _ask(OURS, base, ours) + _ask(LIFELINES, base, of_lifelines)
    rows.append(_not_offered(LIFELINES, base, "GLOBAL"))
    rows += [_not_offered(STATSMODELS, base, term) for term in [*matrix.columns, "GLOBAL"]]
    return pd.DataFrame(rows)


def restricted_mean(
    people: pd.DataFrame,
    duration: str,
    event: str,
    horizons: Sequence[float],
    group: str | None = None,
    unit: str = "years",
) -> pd.DataFrame:
    """Ask each engine for mean survival up to a horizon; columns as for `kaplan_meier`.

    lifelines is asked for its variance, which takes it seconds and is another quantity, of
    everybody and the first horizon only.
    """
    people = people if group is None else people.dropna(subset=group)
    rows = []
    for horizon in horizons:
        base = {"measure": f"restricted mean to {horizon:g}", "model": group or "all", "unit": unit}
        found = survival.restricted_mean(people, duration, event, horizon, group)
        rows += _ask(
            OURS,
            base,
            lambda found=found: {
                row.group: {"estimate": row.restricted_mean, "standard_error": row.standard_error}
                for row in found.itertuples()
            },
        )
        for name, members in _groups(people, group):

            def of_lifelines(name=name, members=members, horizon=horizon):
                fit = KaplanMeierFitter().fit(members[duration], members[event].astype(int))
                if group is not None or horizon != horizons[0]:
                    mean = restricted_mean_survival_time(fit, horizon)
                    return {name: {"estimate": mean, "note": NOT_ASKED}}
                mean, variance = restricted_mean_survival_time(fit, horizon, return_variance=True)
                return {name: {"estimate": mean, "standard_error": np.sqrt(variance)}}

            rows += _ask(LIFELINES, base, of_lifelines)
            rows.append(_not_offered(STATSMODELS, base, str(name)))
    return pd.DataFrame(rows)


def cumulative_incidence(
    people: pd.DataFrame, duration: str, cause: str, times: Sequence[float]
) -> pd.DataFrame:
    """Ask each engine for Aalen-Johansen cumulative incidences; columns as for `kaplan_meier`.

    cause : column of text, `censored` for none.
    """
    causes = sorted(set(people[cause]) - {"censored"})
    code = people[cause].map({"censored": 0} | {name: i for i, name in enumerate(causes, 1)})
    length = people[duration].astype(float)
    curves = survival.cumulative_incidence(people, duration, cause)
    rows = []
    for place, name in enumerate(causes, 1):
        ours = curves[curves["cause"] == name]
        # A seed of its own, since this engine moves tied times apart at random.
        fit = AalenJohansenFitter(calculate_variance=True, seed=1)

        def fitted(fit=fit, place=place):
            fit.fit(length, code, event_of_interest=place)
            return {}

        said = "; ".join(row["note"] for row in _ask(LIFELINES, {}, lambda: {"": fitted()}))
        other = CumIncidenceRight(length.to_numpy(), code.to_numpy())
        for time in times:
            base = {"measure": f"cumulative incidence at {time:g}", "model": "all",
                    "unit": "probability"}  # fmt: skip
            row = ours[ours["time"] <= time].iloc[-1]
            rows += _ask(
                OURS,
                base,
                lambda row=row, name=name: {
                    name: {
                        "estimate": row["incidence"],
                        "ci_low": row["ci_low"],
                        "ci_high": row["ci_high"],
                    }
                },
            )
            at = fit.cumulative_density_.index.searchsorted(time, side="right") - 1
            answer = {
                "estimate": fit.cumulative_density_.iloc[at, 0],
                "standard_error": np.sqrt(np.ravel(fit.variance_)[at]),
                "note": said,
            }
            rows += _ask(LIFELINES, base, lambda name=name, answer=answer: {name: answer})
            at = np.searchsorted(other.times, time, side="right") - 1
            answer = {
                "estimate": other.cinc[place - 1][at],
                "standard_error": other.cinc_se[place - 1][at],
            }
            rows += _ask(STATSMODELS, base, lambda name=name, answer=answer: {name: answer})
    return pd.DataFrame(rows)


def cohort_answers(
    people: pd.DataFrame,
    exposures: Mapping[str, object],
    adjustments: Mapping[str, Sequence[str]],
    references: Mapping[str, object],
    years: Sequence[float] = (1, 3, 5),
) -> pd.DataFrame:
    """Ask each engine for everything that the chapters of a cohort publish of survival.

    Parameters
    ----------
    people : one row a person in the cohort contract, with `died`.
    exposures : the columns compared, each with its reference level.
    adjustments : for each model that holds both exposures, the columns beside the first of them.
    references : the first level of every category.
    years : when survival and incidence are read off; restricted means run to the last two.

    Returns
    -------
    Columns as for `kaplan_meier`: curves, tests, Cox models with and without clustering by centre,
    proportional hazards, restricted means, and cumulative incidence of each outcome.
    """
    ready = people.assign(
        **{
            column: pd.Categorical(
                values := people[column].map(survival.label, na_action="ignore"),
                [str(first), *sorted(set(values.dropna()) - {str(first)})],
            )
            for column, first in references.items()
            if column in people
        }
    )
    time, event = "follow_up_years", "died"
    found = [
        kaplan_meier(ready, time, event, years),
        restricted_mean(ready, time, event, years[1:]),
        cumulative_incidence(ready, time, "outcome", years),
    ]
    for exposure in exposures:
        found += [
            kaplan_meier(ready, time, event, years, exposure),
            log_rank(ready, time, event, exposure),
            restricted_mean(ready, time, event, years[1:], exposure),
            cox(ready, time, event, [exposure], f"unadjusted, {exposure}"),
            cox(ready, time, event, [exposure, *adjustments["age_sex"]], f"age_sex, {exposure}"),
        ]
    first = next(iter(exposures))
    joint = [first, *adjustments["joint"]]
    found += [
        cox(ready, time, event, joint, "joint"),
        proportional_hazards(ready, time, event, joint, "joint"),
        cox(ready, time, event, joint, "joint, clustered by centre", cluster="centre"),
        cox(ready, time, event, [first, *adjustments["as_published"]], "as_published"),
    ]
    return pd.concat(found, ignore_index=True)


def beside_r(answers: pd.DataFrame, reference: pd.DataFrame, data: str) -> pd.DataFrame:
    """Set R's answers beside those of the engines, with how far each is from them.

    Parameters
    ----------
    answers : what the functions of this module return, one below the other.
    reference : R's answers; `dataset`, `quantity`, `model`, `term`, `value`, `standard_error`,
        `ci_low`, `ci_high`, `r_call`.
    data : the data set, as `reference` names it.

    Returns
    -------
    The answers with `group_by` and `group` (the data), `difference` (the largest relative
    difference from R among estimate, standard error and interval; nought below one in a hundred
    million), and a `note` with the reason where an engine is further from R than the bars; and a
    row for R itself, whose note is the call.

    Raises
    ------
    AnalysisError : where R was not asked the same.
    """
    theirs = reference[reference["dataset"] == data].rename(
        columns={"quantity": "measure", "value": "estimate"}
    )
    keys = ["measure", "model", "term"]
    both = answers.merge(theirs[[*keys, *NUMBERS]], on=keys, how="left", suffixes=("", "_r"))
    if both["estimate_r"].isna().any():
        first = both[both["estimate_r"].isna()].iloc[0]
        raise AnalysisError(f"R was not asked for {first['measure']}, {first['model']}.")
    apart = pd.DataFrame({name: (both[name] / both[f"{name}_r"] - 1).abs() for name in NUMBERS})
    both["difference"] = apart.max(axis=1).where(lambda size: ~(size < ROUNDING), 0.0)
    far = (apart["estimate"] > ESTIMATE_BAR) | (apart.drop(columns="estimate") > ERROR_BAR).any(
        axis=1
    )
    both["note"] = [
        "; ".join(part for part in (_reason(row) if is_far else "", row["note"]) if part)
        for is_far, row in zip(far, both.to_dict("records"), strict=True)
    ]
    asked = both[["measure", "model", "unit"]].drop_duplicates()
    of_r = theirs.merge(asked, on=["measure", "model"]).assign(engine=R)
    of_r = of_r.rename(columns={"r_call": "note"})
    columns = [*keys, "engine", *NUMBERS, "difference", "unit", "note"]
    table = pd.concat([both, of_r], ignore_index=True).reindex(columns=columns)
    return table.assign(group_by="data", group=data)


def _reason(row: Mapping[str, object]) -> str:
    about = f"{row['measure']}, {row['model']}"
    for engine, words, why in REASONS:
        if engine == row["engine"] and words in about:
            return why
    return ""


def largest_differences(compared: pd.DataFrame) -> pd.DataFrame:
    """Find how far each engine is from R at most, by what is estimated.

    Parameters
    ----------
    compared : what `beside_r` returns, one data set or more.

    Returns
    -------
    One row a measure (horizons together, late entry and clustered errors apart; `all` for
    everything) and engine: `measure`, `engine`, `answers` (how many were compared), `difference`
    (the largest), `estimate` (what an answer comes to at most, as a multiple of R's), `unit`, and
    `note`: what was not offered.
    """
    others = compared[compared["engine"] != R]
    kinds = others["measure"].str.replace(r" (?:at|to) [\d.]+$", "", regex=True)
    for words, name in FORMS.items():
        # The last that fits is told: a clustered error of late entry is a clustered error.
        plain = kinds.str.split(",").str[0]
        kinds = kinds.mask(others["model"].str.contains(words), plain + ", " + name)
    rows = []
    for measure, members in [("all", others), *others.groupby(kinds)]:
        for engine, answers in members.groupby("engine"):
            missing = int(answers["estimate"].isna().sum())
            rows.append(
                {
                    "measure": measure,
                    "engine": engine,
                    "answers": len(answers) - missing,
                    "difference": answers["difference"].max(),
                    "estimate": 1 + answers["difference"].max(),
                    "unit": "times R's",
                    "note": f"{missing} not offered" if missing else "",
                }
            )
    return pd.DataFrame(rows)
