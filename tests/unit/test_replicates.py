"""Simulation studies and bootstraps: the numbers of the fits one by one, wherever they are made."""

import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, engine, replicates

SMALL = replicates.Model((0.3, -0.5, 0.0), (None, 0.4, 0.2), people=200)


def test_a_cohort_follows_from_its_seed_and_has_the_hazards_asked_for():
    model = replicates.Model((0.7,), (0.5,), people=40_000, daily_hazard=0.01, follow_up=(50, 51))
    days, died, X = replicates.cohort(model, 4)
    again = replicates.cohort(model, 4)
    for one, other in zip((days, died, X), again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(replicates.cohort(model, 5)[0], days)
    assert np.all(days == np.ceil(days)) and days.min() >= 1
    # A day counts whole, so who dies on day 51 has lived more than 50 of them.
    for group, hazard in ((0.0, 0.01), (1.0, 0.01 * np.exp(0.7))):
        own = X[:, 0] == group
        assert np.mean(died[own]) == pytest.approx(1 - np.exp(-hazard * 51), abs=0.01)


def test_each_replicate_is_the_fit_of_its_cohort_and_of_no_other():
    seeds = [7, 3, 11]
    table = replicates.study(SMALL, seeds)
    assert list(table["seed"]) == [7] * 3 + [3] * 3 + [11] * 3
    for seed, own in table.groupby("seed"):
        fit = engine.cox(*replicates.cohort(SMALL, seed))
        np.testing.assert_array_equal(own["log_hazard_ratio"], fit.coefficients)
        np.testing.assert_array_equal(own["standard_error"], fit.standard_errors)


def test_lifelines_finds_the_same_in_the_same_cohorts():
    table = replicates.study(SMALL, range(3)).set_index(["seed", "term"])
    for seed in range(3):
        days, died, X = replicates.cohort(SMALL, seed)
        people = pd.DataFrame(X).assign(days=days, died=died)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = CoxPHFitter().fit(people, "days", "died")
        own = table.loc[seed]
        # lifelines stops a little before the top.
        np.testing.assert_allclose(own["log_hazard_ratio"], theirs.params_, atol=1e-4)
        np.testing.assert_allclose(own["standard_error"], theirs.standard_errors_, rtol=1e-4)


def test_one_process_and_two_give_the_same_bits():
    seeds = range(2 * replicates.BLOCK + 3)
    one, two = (replicates.study(SMALL, seeds, workers=workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    people = replicates.cohort(SMALL, 1)
    one, two = (replicates.bootstrap(*people, 30, 5, workers=workers) for workers in (1, 2))
    np.testing.assert_array_equal(one, two)
    # A replicate does not depend on how many there are.
    np.testing.assert_array_equal(replicates.bootstrap(*people, 4, 5), one[:4])


@pytest.mark.parametrize("switch", ["", "no"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_bootstrap_is_the_fit_of_the_rows_drawn(switch, ties, monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, switch)
    days, died, X = replicates.cohort(SMALL, 1)
    found = replicates.bootstrap(np.ceil(days / 30), died, X, 3, 8, ties=ties)
    for replicate in range(3):
        rows = np.random.default_rng([8, replicate]).integers(200, size=200)
        again = engine.cox(np.ceil(days[rows] / 30), died[rows], X[rows], ties=ties)
        np.testing.assert_allclose(found[replicate], again.coefficients, rtol=1e-9, atol=1e-11)


def test_replicates_without_an_estimate_are_empty_and_the_others_stay():
    # The rare condition is somebody's in some cohorts only.
    rare = replicates.Model((0.3, 0.0), (None, 0.02), people=60)
    table = replicates.study(rare, range(12))
    empty = table.groupby("seed")["log_hazard_ratio"].agg(lambda own: own.isna().sum())
    assert set(empty) == {0, 2}
    summary = replicates.summary(table, rare.log_hazard_ratios)
    assert (summary["replicates"] == (empty == 0).sum()).all()


def test_what_cannot_be_fitted_at_all_is_said_at_once():
    days, died, X = replicates.cohort(SMALL, 1)
    with pytest.raises(AnalysisError, match="^Nobody has the event"):
        replicates.bootstrap(days, np.zeros(200, bool), X, 3, 8)
    with pytest.raises(AnalysisError, match="a share, or None, for each"):
        replicates.Model((0.1, 0.2), (None,))


def test_the_summary_by_hand():
    found = pd.DataFrame(
        {
            "seed": [0, 1, 2, 3],
            "term": 0,
            "log_hazard_ratio": [0.4, 0.6, 0.8, np.nan],
            "standard_error": [0.1, 0.2, 0.1, np.nan],
        }
    )
    (row,) = replicates.summary(found, [0.5]).to_dict("records")
    assert row["replicates"] == 3
    assert row["bias"] == pytest.approx(0.1)
    assert row["empirical_error"] == pytest.approx(0.2)
    assert row["bias_error"] == pytest.approx(0.2 / np.sqrt(3))
    assert row["model_error"] == pytest.approx(np.sqrt(0.02))
    assert row["coverage"] == pytest.approx(2 / 3)
