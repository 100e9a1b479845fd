"""scikit-survival, asked with arrays. It gives no standard errors of a Cox model."""

from __future__ import annotations

from answers import of_terms, read_off
from invented import LEVELS, READ_OFF_DAYS, TERMS
from sksurv.compare import compare_survival
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator
from sksurv.util import Surv


def _cox(people, ties):
    outcome, design = Surv.from_arrays(people.died == 1, people.days), people.design
    return (
        lambda: CoxPHSurvivalAnalysis(ties=ties).fit(design, outcome),
        lambda fit: of_terms(TERMS, fit.coef_),
    )


def kaplan_meier(people):
    groups = [(died == 1, days) for _, (days, died) in people.of_each_group("days", "died")]

    def answered(fits):
        found = {}
        for level, fit in zip(LEVELS["deprivation"], fits, strict=True):
            found |= read_off(level, fit[0], fit[1], READ_OFF_DAYS)
        return found

    def call():
        return [kaplan_meier_estimator(died, days, conf_type="log-log") for died, days in groups]

    return call, answered


def log_rank(people):
    outcome = Surv.from_arrays(people.died == 1, people.days)
    group = people.column("deprivation")
    return (
        lambda: compare_survival(outcome, group),
        lambda test: {"statistic": [float(test[0]), None]},
    )


def cox_efron(people):
    return _cox(people, "efron")


def cox_breslow(people):
    return _cox(people, "breslow")


def cumulative_incidence(people):
    days, cause = people.days, people.column("cause")
    return (
        lambda: cumulative_incidence_competing_risks(cause, days),
        lambda fit: read_off("transplanted", fit[0], fit[1][2], READ_OFF_DAYS, 0.0),
    )
