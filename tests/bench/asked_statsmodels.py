"""statsmodels, asked with arrays."""

from __future__ import annotations

from answers import of_terms, read_off
from invented import LEVELS, READ_OFF_DAYS, TERMS
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff


def _terms(fit):
    return of_terms(TERMS, fit.params, fit.bse)


def kaplan_meier(people):
    groups = [values for _, values in people.of_each_group("days", "died")]

    def answered(fits):
        found = {}
        for level, fit in zip(LEVELS["deprivation"], fits, strict=True):
            found |= read_off(level, fit.surv_times, fit.surv_prob, READ_OFF_DAYS)
        return found

    return lambda: [SurvfuncRight(days, died) for days, died in groups], answered


def log_rank(people):
    days, died, group = people.days, people.died, people.column("deprivation")
    return lambda: survdiff(days, died, group), lambda test: {"statistic": [float(test[0]), None]}


def cox_efron(people):
    days, died, design = people.days, people.died, people.design
    return lambda: PHReg(days, design, status=died, ties="efron").fit(disp=0), _terms


def cox_breslow(people):
    days, died, design = people.days, people.died, people.design
    return lambda: PHReg(days, design, status=died, ties="breslow").fit(disp=0), _terms


def cox_clustered(people):
    days, died, design, centre = people.days, people.died, people.design, people.column("centre")
    return (
        lambda: PHReg(days, design, status=died, ties="efron").fit(groups=centre, disp=0),
        _terms,
    )


def cumulative_incidence(people):
    days, cause = people.days, people.column("cause")
    return (
        lambda: CumIncidenceRight(days, cause),
        lambda fit: read_off("transplanted", fit.times, fit.cinc[1], READ_OFF_DAYS, 0.0),
    )
