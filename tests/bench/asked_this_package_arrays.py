"""The engine of this package, asked with arrays, as other engines of arrays are."""

from __future__ import annotations

import numpy as np
from answers import of_terms
from invented import COVARIATES, LEVELS, TERMS

from distance_to_care.statistics import engine


def _fitted(people, **options):
    days, died, design = people.days, people.died, people.design

    def answered(fit):
        return of_terms(TERMS, fit.coefficients, np.sqrt(np.diag(fit.variance)))

    return lambda: engine.cox(days, died, design, **options), answered


def cox_efron(people):
    call, answered = _fitted(people)

    def fit_and_variance():
        fit = call()
        fit.variance  # noqa: B018 - an engine may put it off until it is asked for
        return fit

    return fit_and_variance, answered


def cox_breslow(people):
    return _fitted(people, ties="breslow")


def _robust(people, cluster):
    call, _ = _fitted(people)

    def fit_and_variance():
        fit = call()
        return fit, fit.robust_variance(cluster)

    return fit_and_variance, lambda found: of_terms(
        TERMS, found[0].coefficients, np.sqrt(np.diag(found[1]))
    )


def cox_robust(people):
    return _robust(people, None)


def cox_clustered(people):
    return _robust(people, people.column("centre"))


def proportional_hazards(people):
    call, _ = _fitted(people)
    columns = [term.split("[")[0] for term in TERMS]
    places = [[j for j, own in enumerate(columns) if own == name] for name in COVARIATES]
    assert sum(len(LEVELS.get(name, "ab")) - 1 for name in COVARIATES) == len(TERMS)
    return (
        lambda: call().proportional_hazards("km", places),
        lambda found: of_terms([*COVARIATES, "GLOBAL"], found[0]),
    )
