"""A few hundred cohorts drawn again say what the accepted certificate says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from distance_to_care import tables
from distance_to_care.statistics import recovery

COHORTS = 300
FIRST = 10_000  # cohorts that the certificate has not seen
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def setting() -> recovery.Setting:
    study = tables.read_study("ipf")
    return recovery.Setting(
        tables.read_parameters(study),
        tables.read("population_aged_50_plus"),
        study,
        tables.read_structures(study),
    )


def test_other_cohorts_agree_with_the_certificate_within_monte_carlo_error(setting):
    keys = ["estimand", "scenario", "method", "measure"]
    accepted = tables.read("recovery_certificate").set_index(keys)
    drawn = [
        recovery.replicated(setting, range(FIRST, FIRST + COHORTS), scenario, recovery.QUICK)
        for scenario in recovery.SCENARIOS
    ]
    again = recovery.summarise(pd.concat(drawn, ignore_index=True), tables.read("true_values"))
    again = again[again["measure"].isin(["mean estimate", "empirical standard error"])]
    both = again.set_index(keys).join(accepted, rsuffix=" accepted", how="left")
    assert both["estimate accepted"].notna().all()
    error = np.hypot(
        both["ci_high"] - both["ci_low"], both["ci_high accepted"] - both["ci_low accepted"]
    ) / (2 * 1.959964)
    away = (both["estimate"] - both["estimate accepted"]).abs() / error
    # Hundreds of comparisons: the largest of so many normal deviates stays below five.
    assert away.max() < 5, away.nlargest(5)
    assert 0.5 < away.median() < 0.9  # a normal deviate's size has the median 0.67


def test_the_true_values_come_again_from_other_people(setting, monkeypatch):
    monkeypatch.setattr(recovery, "SEED", recovery.SEED + 1)
    truth = tables.read("true_values").set_index(["scenario", "estimand"])
    again = recovery.true_values(setting, people=500_000).set_index(["scenario", "estimand"])
    assert set(again.index) == set(truth.index)
    both = again.join(truth, rsuffix=" accepted")
    exact = both["how"] == recovery.CLOSED_FORM
    assert exact.sum() > 100
    assert np.allclose(both.loc[exact, "value"], both.loc[exact, "value accepted"], rtol=1e-9)
    drawn = both[~exact]
    error = np.hypot(drawn["standard_error"], drawn["standard_error accepted"])
    away = (drawn["value"] - drawn["value accepted"]).abs() / error
    # Errors from ten blocks follow a t distribution with nine degrees of freedom.
    assert away.max() < 8, away.nlargest(5)
    assert away.median() < 1.2
