"""lifelines, asked with a table of the terms of the model, as fast as it can be asked."""

from __future__ import annotations

import pandas as pd
from answers import of_terms, read_off
from invented import COVARIATES, HORIZON_DAYS, LEVELS, READ_OFF_DAYS, TERMS
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from lifelines.utils import restricted_mean_survival_time

TIMES = ("days", "died")


def _table(people):
    table = pd.DataFrame(people.design, columns=TERMS)
    table["days"], table["died"] = people.days, people.died
    return table


def _groups(people):
    return [(level, values) for level, values in people.of_each_group("days", "died")]


def _terms(fit):
    return of_terms(TERMS, fit.params_[TERMS], fit.standard_errors_[TERMS])


def kaplan_meier(people):
    groups = _groups(people)

    def answered(fits):
        found = {}
        for (level, _), fit in zip(groups, fits, strict=True):
            curve = fit.survival_function_.iloc[:, 0]
            found |= read_off(level, curve.index, curve, READ_OFF_DAYS)
        return found

    return lambda: [KaplanMeierFitter().fit(days, died) for _, (days, died) in groups], answered


def log_rank(people):
    days, died, group = people.days, people.died, people.column("deprivation")
    return (
        lambda: multivariate_logrank_test(days, group, died),
        lambda test: {"statistic": [float(test.test_statistic), None]},
    )


def cox_efron(people):
    table = _table(people)
    return lambda: CoxPHFitter().fit(table, *TIMES), _terms


def cox_robust(people):
    table = _table(people)
    return lambda: CoxPHFitter().fit(table, *TIMES, robust=True), _terms


def cox_clustered(people):
    table = _table(people)
    table["centre"] = people.column("centre")
    return lambda: CoxPHFitter().fit(table, *TIMES, cluster_col="centre"), _terms


def proportional_hazards(people):
    table = _table(people)

    def call():
        fit = CoxPHFitter().fit(table, *TIMES)
        return proportional_hazard_test(fit, table, time_transform="km")

    # It tests each term, where others test the levels of a column together.
    whole = [name for name in COVARIATES if name not in LEVELS]
    return call, lambda test: of_terms(whole, test.summary["test_statistic"].loc[whole])


def cumulative_incidence(people):
    days, cause = people.days, people.column("cause")

    def answered(fit):
        curve = fit.cumulative_density_.iloc[:, 0]
        return read_off("transplanted", curve.index, curve, READ_OFF_DAYS, 0.0)

    return lambda: AalenJohansenFitter(seed=1).fit(days, cause, event_of_interest=2), answered


def restricted_mean(people):
    groups = _groups(people)

    def call():
        return [
            restricted_mean_survival_time(
                KaplanMeierFitter().fit(days, died), HORIZON_DAYS, return_variance=True
            )
            for _, (days, died) in groups
        ]

    def answered(found):
        means, variances = zip(*found, strict=True)
        return of_terms(LEVELS["deprivation"], means, [value**0.5 for value in variances])

    return call, answered


def cox_of_a_file(people):
    columns = [*TIMES, *COVARIATES]

    def call():
        table = pd.read_parquet(people.parquet, columns=columns)
        table = pd.get_dummies(table, drop_first=True, dtype=float)
        return CoxPHFitter().fit(table, *TIMES)

    def answered(fit):
        own = [term.replace("[", "_").removesuffix("]") for term in TERMS]
        return of_terms(TERMS, fit.params_[own], fit.standard_errors_[own])

    return call, answered


def simulation(_people):
    from simulated import COHORTS, FEW, FIRST, MODEL, seeds

    from distance_to_care.statistics import replicates

    def call():
        found = {}
        for seed in seeds(FEW):
            days, died, design = replicates.cohort(MODEL, seed)
            table = pd.DataFrame(design).rename(columns=str)
            table["days"], table["died"] = days, died
            found[seed] = CoxPHFitter().fit(table, *TIMES)
        return found

    def answered(found):
        of_all = {}
        for seed in seeds(FIRST):
            fit = found[seed]
            terms = [f"{seed} {term}" for term in fit.params_.index]
            of_all |= of_terms(terms, fit.params_, fit.standard_errors_)
        return of_all

    return call, answered, COHORTS / FEW
