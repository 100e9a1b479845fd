"""The Rust package survival, its bare fit: no residuals, nothing but coefficients and variance."""

from __future__ import annotations

import numpy as np
from answers import of_terms
from invented import TERMS
from survival import regression


def _cox(people, method):
    days, died, design = people.days, people.died, people.design
    return (
        lambda: regression.coxph_fit_raw(days, died, design, method=method, resid=False),
        lambda fit: of_terms(TERMS, fit.coefficients, np.sqrt(np.diag(np.asarray(fit.var)))),
    )


def cox_efron(people):
    return _cox(people, "efron")


def cox_breslow(people):
    return _cox(people, "breslow")
