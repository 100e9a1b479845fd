"""The Rust package survival, asked through its functions of explicit arrays."""

from __future__ import annotations

import numpy as np
from answers import of_terms, read_off
from invented import COVARIATES, HORIZON_DAYS, LEVELS, READ_OFF_DAYS, TERMS
from survival import regression, surv_analysis


def _terms(fit):
    return of_terms(TERMS, fit.coefficients, np.sqrt(np.diag(np.asarray(fit.var))))


def _cox(people, **options):
    days, died, design = people.days, people.died, people.design
    return lambda: regression.coxph_fit(days, died, design, **options), _terms


def _curves(people):
    days, died, group = people.days, people.died, people.column("deprivation")
    return lambda: surv_analysis.survfitkm(days, died, strata=group, conf_type="log-log")


def kaplan_meier(people):
    def answered(fit):
        found, start = {}, 0
        sizes = fit.strata or [len(fit.time)]
        for level, size in zip(LEVELS["deprivation"], sizes, strict=True):
            own = slice(start, start + size)
            found |= read_off(level, fit.time[own], fit.surv[own], READ_OFF_DAYS)
            start += size
        return found

    return _curves(people), answered


def log_rank(people):
    days, died, group = people.days, people.died, people.column("deprivation")
    return (
        lambda: surv_analysis.survdiff(days, died, group),
        lambda test: {"statistic": [float(test.chisq), None]},
    )


def cox_efron(people):
    return _cox(people)


def cox_breslow(people):
    return _cox(people, method="breslow")


def cox_robust(people):
    return _cox(people, robust=True)


def cox_clustered(people):
    return _cox(people, cluster=people.column("centre"))


def proportional_hazards(people):
    fit_again, _ = _cox(people)
    columns = [term.split("[")[0] for term in TERMS]
    # R counts columns of a term from 1, this binding from 0.
    assign = [[j for j, own in enumerate(columns) if own == name] for name in COVARIATES]

    def answered(test):
        found = [*test.table, test.global_test]
        return of_terms([*COVARIATES, "GLOBAL"], [each.chisq for each in found])

    return lambda: regression.cox_zph(fit_again(), assign=assign), answered


def cumulative_incidence(people):
    days, cause = people.days, people.column("cause")

    def answered(fit):
        # The first state is that of everybody at the start.
        place = list(fit.states).index("transplanted")
        own = np.asarray(fit.pstate)[:, place]
        return read_off("transplanted", fit.time, own, READ_OFF_DAYS, 0.0)

    return lambda: surv_analysis.survfitaj(days, cause, LEVELS["cause"][1:]), answered


def restricted_mean(people):
    curves = _curves(people)

    def answered(table):
        return of_terms(LEVELS["deprivation"], table.rmean, table.se_rmean)

    return lambda: surv_analysis.survmean(curves(), rmean=str(HORIZON_DAYS)), answered
