"""Curves: every published step rests on enough people, and the price of that is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import disclosure, synthetic, tables
from distance_to_care.disclosure import curves
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival, competing_events


@st.composite
def cohorts(draw) -> pd.DataFrame:
    """People of any number: all censored, heavy ties, or one group of one person among them."""
    size = draw(st.one_of(st.integers(1, 80), st.integers(80, 300), st.just(2000)))
    seed = draw(st.integers(0, 2**32 - 1))
    dying = draw(st.sampled_from([0.0, 0.05, 0.4, 0.95, 1.0]))
    random = np.random.default_rng(seed)
    years = random.exponential(draw(st.sampled_from([0.3, 3.0])), size) + 0.001
    ties = draw(st.sampled_from([0.02, 0.25, 1.0]))
    outcome = random.choice(["died", "transplanted", "censored"], size,
                            p=[dying, (1 - dying) / 10, 0.9 * (1 - dying)])  # fmt: skip
    group = random.integers(1, draw(st.sampled_from([2, 4, 6])), size)
    group[0] = 9
    return pd.DataFrame(
        {"follow_up_years": np.ceil(years / ties) * ties, "outcome": outcome, "fifth": group}
    )


@settings(max_examples=15, deadline=None)
@given(cohorts())
def test_curves_of_any_cohort_keep_every_rule(people):
    exact = cohort_survival.kaplan_meier(people, "fifth")
    checked = disclosure.check(disclosure.merge_steps(exact), "registry", name="curves")
    table = checked.table
    assert checked.shape == "curve"
    later = table[table["time_years"] > 0]
    for column in ("at_risk", "deaths", "censored"):
        shown = table[column].dropna()
        assert (shown >= 10).all()
        assert (shown % 5 == 0).all()
    assert later["at_risk"].notna().all()
    size = people.groupby(people["fifth"].astype(str)).size()
    size["all"] = len(people)
    for group, steps in table.groupby("group"):
        assert steps["time_years"].is_monotonic_increasing
        alive = steps["estimate"].dropna().astype(float)
        assert alive.between(0, 1).all()
        assert (np.diff(alive) <= 0).all()
        whole = exact[exact["group"] == group]
        before = 0.0
        for row in steps[steps["time_years"] > 0].itertuples():
            inside = whole[whole["time_years"].between(before, row.time_years + 1e-9, "right")]
            # What happened in the step, in whole people: enough, or nobody.
            died = inside["deaths"].sum()
            assert died == 0 or died >= 10
            assert row.estimate == pytest.approx(inside["estimate"].iloc[-1], abs=0.0006)
            before = row.time_years + 1e-9
            if size[group] < 60:
                assert row.time_years in (1, 2, 3, 5)
    again = disclosure.check(table, "registry", name="curves").table
    pd.testing.assert_frame_equal(again, table)
    repeated = disclosure.check(disclosure.merge_steps(exact), "registry", name="curves").table
    pd.testing.assert_frame_equal(repeated, table)


@settings(max_examples=6, deadline=None)
@given(cohorts())
def test_fixed_times_of_any_cohort_keep_every_rule(people):
    for made in (
        cohort_survival.summary(people, "fifth", (1, 2, 3, 5)),
        cohort_survival.at_risk(people, "fifth"),
        competing_events.incidence(people, "fifth", (1, 2, 3, 5)),
    ):
        table = disclosure.check(made, "registry", name="fixed").table
        for column in ("people", "at_risk", "deaths", "step_events", "step_censored"):
            shown = table[column].dropna() if column in table else pd.Series(dtype=int)
            assert (shown >= 10).all()
            assert (shown % 5 == 0).all()
        if "at_risk" in table and "people" in table:
            known = table.dropna(subset=["people", "at_risk"])
            assert (known["at_risk"] <= known["people"]).all()
        again = disclosure.check(table, "registry", name="fixed").table
        pd.testing.assert_frame_equal(again, table)


def one_curve(times, deaths, left) -> pd.DataFrame:
    """A curve of a hundred people by hand: who dies at each time, and who leaves after it."""
    followed, alive, rows = 100, 1.0, []
    for time, died, gone in zip([0.0, *times], [0, *deaths], [0, *left], strict=True):
        alive *= 1 - died / followed
        rows.append((time, followed, died, alive))
        followed -= died + gone
    table = pd.DataFrame(rows, columns=["time_years", "at_risk", "deaths", "estimate"])
    return table.assign(group="all", ci_low=0.0, ci_high=1.0)


def test_a_step_waits_for_enough_censorings_as_it_does_for_deaths():
    # Ten die at each time. Four leave after the first, so the step waits for six more.
    found = disclosure.merge_steps(one_curve([0.5, 1.0, 1.5], [10, 10, 10], [4, 6, 0]))
    assert found["time_years"].tolist() == [0, 0.5, 1.5]
    assert found["deaths"].tolist()[1:] == [10, 20]
    assert found["censored"].isna().tolist() == [True, True, False]
    assert found["censored"].tolist()[2] == 10
    # Nobody leaves: every step may stand.
    found = disclosure.merge_steps(one_curve([0.5, 1.0, 1.5], [10, 10, 10], [0, 0, 0]))
    assert found["time_years"].tolist() == [0, 0.5, 1.0, 1.5]
    assert found["at_risk"].tolist() == [100, 100, 90, 80]


def test_a_curve_ends_where_too_few_are_followed():
    # At the third time 9 are followed, one fewer than the rule asks for.
    found = disclosure.merge_steps(one_curve([1, 2, 3], [10, 10, 9], [30, 41, 0]))
    assert found["time_years"].tolist() == [0, 1, 2]
    found = disclosure.merge_steps(one_curve([1, 2, 3], [10, 10, 10], [30, 40, 0]))
    assert found["time_years"].tolist() == [0, 1, 2, 3]
    assert found["at_risk"].tolist() == [100, 100, 60, 10]


def test_a_group_below_sixty_has_milestones_only():
    times, none = [0.4, 0.9, 1.4, 2.5, 4.0, 5.5], [0] * 6
    whole = one_curve(times, [10] * 6, none)
    assert disclosure.merge_steps(whole)["time_years"].tolist() == [0, *times]
    for followed, expected in ((59, [0, 1, 2, 3, 5]), (60, [0, *times])):
        fewer = whole.assign(at_risk=whole["at_risk"] - 100 + followed)
        fewer = fewer[fewer["at_risk"] >= 10]
        found = disclosure.merge_steps(fewer)["time_years"].tolist()
        assert found == [each for each in expected if each <= max(found)]
        assert len(found) >= 4
    # At one year all of the first are counted, and nobody is at 1.4 years.
    fewer = whole.assign(at_risk=whole["at_risk"] - 41)
    found = disclosure.merge_steps(fewer[fewer["at_risk"] >= 10])
    assert found["deaths"].tolist()[1] == 20
    assert found["estimate"].tolist()[1] == whole["estimate"][2]


def test_times_are_rounded_up_to_tenths():
    found = disclosure.merge_steps(one_curve([0.31, 0.39, 0.4], [10, 10, 10], [0, 0, 0]))
    assert found["time_years"].tolist() == [0, 0.4]
    assert found["deaths"].tolist()[1] == 30


def test_the_largest_error_is_a_band_and_is_told():
    # Ten of a hundred die at one year: until then the line has gone down by a tenth, the curve not.
    found = disclosure.merge_steps(one_curve([1.0], [10], [0]))
    assert found["largest_error"].unique().tolist() == [0.1]
    # Where the curve falls day by day a line follows it, and the lowest band is said.
    days = [round(day / 20, 3) for day in range(1, 21)]
    falling = one_curve(days, [1] * 20, [0] * 20)
    assert disclosure.merge_steps(falling)["largest_error"].unique().tolist() == [0.01]
    nothing = disclosure.merge_steps(one_curve([], [], []))
    assert nothing["largest_error"].tolist() == [0.005]
    checked = disclosure.check(found, "registry", name="curve")
    told = {rule["rule"]: rule["result"] for rule in checked.receipt["rules"]}
    assert told["largest error against the exact curve"] == "up to 0.100"


@pytest.mark.parametrize(("people", "largest"), [(120, 0.08), (470, 0.06), (2359, 0.025)])
def test_protection_costs_little(people, largest):
    """At its points the curve is exact; between them it is off by no more than part of a step."""
    drawn = synthetic.draw(
        people, 7, tables.read_parameters("ipf"), tables.read("population_aged_50_plus")
    )
    exact = cohort_survival.kaplan_meier(drawn)
    found = disclosure.check(disclosure.merge_steps(exact), "registry", name="c").table
    at = np.searchsorted(exact["time_years"], found["time_years"] + 1e-9) - 1
    off = np.abs(found["estimate"].astype(float) - exact["estimate"].to_numpy()[at])
    # What merging cost in the measured design: 0.007 at 120 people, 0.002 at 470.
    assert off.max() <= 0.0006
    assert found["largest_error"].max() <= largest
    assert len(found) > 2


RAW = {"time_years": [0.0, 0.123, 0.456], "at_risk": [80, 79, 60], "estimate": [1.0, 0.98, 0.97]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "do not say the people behind each step (deaths, censored)"),
        ({"deaths": [None, 1, 1], "censored": [None, 15, 20]}, "fewer than 10 people (deaths)"),
        ({"deaths": [None, 15, 20], "censored": [None, 1, 1]}, "fewer than 10 people (censored)"),
        ({"deaths": [None, 15, 20], "censored": [None, 10, 10]}, "not a whole tenth of a year"),
        ({"deaths": [5, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2]},
         "something is counted at the start"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [59, 50, 40]}, "points besides the milestones"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [80, 50, 9]}, "fewer than 10 people (at_risk)"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [80, 50, None]}, "does not say how many people are followed"),
    ],
)  # fmt: skip
def test_a_curve_that_is_not_merged_is_refused(change, said):
    table = pd.DataFrame(RAW | change).assign(measure="survival", group="all", unit="probability")
    for column in ("deaths", "censored", "at_risk"):
        if column in table:
            table[column] = table[column].astype("Int64")
    with pytest.raises(Problem) as problem:
        disclosure.check(table, "registry", name="raw_curve")
    assert said in str(problem.value)
    assert "'raw_curve' may not be published" in str(problem.value)


def test_a_curve_cannot_pass_for_a_plain_table():
    people = pd.DataFrame({"time_years": [1.0, 2.0], "people": 80, "estimate": [0.9, 0.8]})
    with pytest.raises(Problem, match="steps in time that are not merged"):
        disclosure.check(people.assign(unit="probability", group="all"), "registry", name="t")
    # One time is no curve.
    disclosure.check(people.head(1).assign(unit="probability", group="all"), "registry", name="t")
    # Nor are two groups at one time each.
    apart = people.assign(unit="probability", group=["1", "2"])
    disclosure.check(apart, "registry", name="t")
    # Before the first milestone every time is a step of a curve.
    early = people.assign(time_years=0.2).head(1)
    with pytest.raises(Problem, match="do not say the people behind each step"):
        disclosure.check(early, "registry", name="t")


def fixed(events, censored) -> pd.DataFrame:
    return pd.DataFrame(
        {"measure": "survival", "group": "all", "time_years": [1.0, 2.0, 3.0, 5.0],
         "people": 300, "at_risk": [200, 150, 100, 50], "step_events": events,
         "step_censored": censored, "estimate": [0.8, 0.7, 0.6, 0.5], "unit": "probability"}
    )  # fmt: skip


def test_a_fixed_time_since_which_too_little_happened_is_withheld_and_counts_for_the_next():
    checked = disclosure.check(fixed([20, 9, 6, 10], [30, 30, 30, 9]), "registry", name="t")
    table = checked.table
    assert checked.shape == "curve"
    assert table["estimate"].isna().tolist() == [False, True, False, True]
    assert table["at_risk"].isna().tolist() == [False, True, False, True]
    assert table["suppressed"].tolist() == [False, True, False, True]
    assert table["step_events"].tolist()[2] == 15
    assert table["step_censored"].tolist()[2] == 60
    assert table["people"].tolist() == [300] * 4


def test_nothing_that_happened_is_no_small_step():
    table = disclosure.check(fixed([20, 0, 10, 10], [0, 30, 0, 10]), "registry", name="t").table
    assert table["estimate"].notna().all()
    assert table["step_events"].isna().tolist() == [False, True, False, False]
    assert not table["suppressed"].any()


def test_tighter_numbers_are_kept_by_curves():
    strict = disclosure.profile("custom", smallest_step_events=25, smallest_at_risk=70)
    exact = one_curve([0.5, 1.0, 1.5, 2.0], [10, 10, 10, 10], [0, 0, 0, 0])
    merged = disclosure.merge_steps(exact, strict)
    assert merged["time_years"].tolist() == [0, 1.5]
    assert merged["deaths"].tolist()[1] == 30
    disclosure.check(merged, "registry", strict, name="t")
    with pytest.raises(Problem, match="fewer than 25 people"):
        disclosure.check(disclosure.merge_steps(exact), "registry", strict, name="t")
    kept = disclosure.check(fixed([20, 20, 20, 20], [20] * 4), "registry", strict, name="t").table
    assert kept["estimate"].isna().tolist() == [True, False, True, True]
    assert kept["at_risk"].isna().tolist() == [True, False, True, True]


def test_what_a_curve_is():
    curve = pd.DataFrame({"time_years": [1.0, 5.0], "estimate": 0.5})
    assert not curves.is_curve(curve)
    assert not curves.is_curve(curve.drop(columns="time_years"))
    assert not curves.is_curve(curve.assign(time_years=np.nan))
    assert curves.is_curve(curve.assign(time_years=[0, 1.0]))
    assert curves.is_curve(curve.assign(time_years=[1.0, 4.0]))
    assert curves.is_curve(curve.assign(largest_error=0.01))
    assert not curves.is_curve(curve.assign(time_years=[0, 1.0], step_events=1, step_censored=1))
