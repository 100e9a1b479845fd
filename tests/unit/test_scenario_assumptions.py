"""Assumptions of the scenarios: sound rows, and draws that keep value and limits."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import tables
from distance_to_care.problems import Problem
from distance_to_care.scenarios import assumptions

ROW = {
    "name": "a",
    "scenarios": "waiting",
    "value": 1.3,
    "low": 1.03,
    "high": 1.6,
    "distribution": "lognormal",
}


def table(**changes) -> pd.DataFrame:
    return pd.DataFrame([ROW | changes])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return tables.read("scenario_assumptions")


def test_every_row_is_sound(rows):
    assert assumptions.faults_of(rows) == []


def test_what_was_not_checked_says_so_and_has_a_range(rows):
    # A figure that nobody checked may be assumed inside a range, and never be printed as evidence.
    unchecked = rows[rows["certainty"] == "U"]
    assert len(unchecked) > 0
    assert (unchecked["low"] < unchecked["high"]).all()
    assert unchecked["source"].str.contains("not checked").all()


def test_a_source_is_seen_or_called_our_judgement(rows):
    judged = rows[rows["certainty"] == "J"]
    assert judged["source"].str.contains("judgement|assumption|convention", case=False).all()


def test_the_same_seed_and_name_give_the_same_draws_whatever_stands_beside(rows):
    alone = assumptions.draws(rows[rows["name"] == "survival_shape"], 50, 7)
    among = assumptions.draws(rows, 50, 7)
    np.testing.assert_array_equal(alone["survival_shape"], among["survival_shape"])
    assert not np.array_equal(among["survival_shape"], assumptions.draws(rows, 50, 8).iloc[:, 0])


def test_draws_keep_the_value_and_the_limits():
    many = 200_000
    lognormal = assumptions.draws(table(), many, 1)["a"]
    assert np.median(lognormal) == pytest.approx(1.3, rel=0.005)
    ends = np.quantile(lognormal, [0.025, 0.975])
    # The limits are those of the published interval, moved so that the value is the median.
    assert ends[1] / ends[0] == pytest.approx(1.6 / 1.03, rel=0.01)
    beta = assumptions.draws(table(distribution="beta", value=0.3, low=0.2, high=0.4), many, 1)["a"]
    assert beta.mean() == pytest.approx(0.3, abs=0.001)
    assert np.quantile(beta, [0.025, 0.975]) == pytest.approx([0.2, 0.4], abs=0.01)
    both = {"value": 0, "low": -1, "high": 1, "unit": "log points a year"}
    normal = assumptions.draws(table(distribution="normal", **both), many, 1)["a"]
    assert normal.std() == pytest.approx(1 / 1.959964, rel=0.01)
    for shape in ("uniform", "triangular"):
        drawn = assumptions.draws(table(distribution=shape, value=1.2), many, 1)["a"]
        assert drawn.min() >= 1.03
        assert drawn.max() <= 1.6
        mean = (1.03 + 1.6) / 2 if shape == "uniform" else (1.03 + 1.2 + 1.6) / 3
        assert drawn.mean() == pytest.approx(mean, abs=0.002)
    fixed = assumptions.draws(table(distribution="fixed", value=2, low=2, high=2), 5, 1)["a"]
    assert fixed.tolist() == [2] * 5


def test_two_assumptions_are_drawn_independently(rows):
    drawn = assumptions.draws(rows, 20_000, 3)
    free = drawn.loc[:, drawn.std() > 0]
    apart = free.corr(method="spearman").to_numpy() - np.eye(free.shape[1])
    assert np.abs(apart).max() < 0.04


def test_one_is_moved_at_a_time(rows):
    base = assumptions.values(rows)
    moved = assumptions.one_at_a_time(rows)
    assert len(moved) == 2 * (rows["low"] < rows["high"]).sum()
    for one in moved:
        differing = {name for name in base if base[name] != one.assumed[name]}
        assert differing <= {one.name}
        assert one.assumed[one.name] == rows.set_index("name").loc[one.name, one.end]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"distribution": "gamma"}, "distribution is none of"),
        ({"value": 2.0}, "not between"),
        ({"distribution": "fixed"}, "fixed value has no range"),
        ({"low": 1.3, "high": 1.3}, "fixed value has no range"),
        ({"low": 0.0}, "above zero"),
        ({"distribution": "beta"}, "zero to one"),
        ({"value": 1.05}, "too far from the middle"),
        ({"value": 1.23}, "too far from the middle"),
        # A share above one, and what may not be below zero, or zero where it divides.
        ({"unit": "share"}, "column 'value': 1.3 cannot be; the unit is 'share', and "),
        ({"unit": "share", "value": 0.5, "low": 0.2}, "column 'high': 1.6 cannot be"),
        ({"unit": "pounds a year", "low": -1.0}, "column 'low': -1 cannot be; the unit is "),
        ({"unit": "pounds a visit", "low": -1.0}, "numbers from 0 up are allowed"),
        ({"unit": "people a post", "low": 0.0}, "numbers above 0 are allowed"),
        ({"name": "clinic_visit_pounds", "unit": "pounds a visit", "low": 0.0}, "above 0"),
        ({"unit": "ratio", "value": -1.0, "low": -2.0}, "column 'value': -1 cannot be"),
    ],
)
def test_a_faulty_row_is_named(changes, said):
    assert any(said in fault for fault in assumptions.faults_of(table(**changes)))
    with pytest.raises(Problem, match=f"Row '{changes.get('name', 'a')}'"):
        assumptions.draws(table(**changes), 3, 0)
    with pytest.raises(Problem, match=f"Row '{changes.get('name', 'a')}'"):
        assumptions.of(table(**changes), "waiting")


def test_what_may_be_nothing_or_below_it_is_let_through():
    free = {"unit": "pounds a visit", "low": 0.0, "distribution": "triangular"}
    shrinking = {"unit": "log points a year", "low": -0.1, "distribution": "triangular"}
    for changes in (free, shrinking, {"unit": "ratio"}):
        assert assumptions.faults_of(table(**changes)) == []


def test_limits_hold_what_the_page_says_of_every_row(rows):
    # 94 to 95 of 100 draws where a distribution has tails, and all of the others.
    drawn = assumptions.draws(rows, 4000, 3)
    for row in rows.itertuples():
        inside = drawn[row.name].between(row.low - 1e-12, row.high + 1e-12).mean()
        tails = row.distribution in ("normal", "lognormal", "beta")
        # Three errors of a share of 4 000 draws.
        assert inside == 1 if not tails else abs(inside - 0.945) < 0.005 + 0.011, row.name


def test_a_scenario_without_rows_is_said(rows):
    assert len(assumptions.of(rows, "waiting")) > 3
    with pytest.raises(Problem, match="no row is of 'levitation'"):
        assumptions.of(rows, "levitation")
    assert "levitation" in assumptions.faults_of(rows, ["levitation"])[0]
