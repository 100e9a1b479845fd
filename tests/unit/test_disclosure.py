"""Disclosure control: no small count, no small step, no total that gives one back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import disclosure, synthetic, tables
from distance_to_care.disclosure.counts import protect
from distance_to_care.statistics import cohort_survival


def counts(people, **others) -> pd.DataFrame:
    groups = [str(i + 1) for i in range(len(people))]
    return pd.DataFrame({"group_by": "fifth", "group": groups, "people": people, **others})


def test_a_count_below_ten_is_withheld_and_the_rest_rounded_to_five():
    found = protect(counts([9, 10, 47, 103]))
    assert found["people"].isna().tolist() == [True, True, False, False]
    assert found["people"].dropna().tolist() == [45, 105]
    assert found["suppressed"].tolist() == [True, True, False, False]


def test_zero_is_a_small_count():
    assert protect(counts([0, 100, 200]))["people"].isna().tolist() == [
        True,
        True,
        False,
    ]


def test_a_withheld_group_takes_a_second_one_with_it_but_never_the_total():
    table = pd.concat(
        [counts([150]).assign(group="all"), counts([4, 60, 30, 56])], ignore_index=True
    )
    found = protect(table).set_index("group")["people"]
    assert found.isna().to_dict() == {"all": False, "1": True, "2": False, "3": True, "4": False}


def test_two_withheld_groups_need_no_third():
    assert protect(counts([4, 6, 50, 60]))["people"].isna().sum() == 2


def test_a_row_of_too_few_people_loses_its_estimates_too():
    table = counts([4, 50, 60, 70], estimate=[1.0, 2.0, 3.0, 4.0], ci_low=0.1, unit="years")
    found = protect(table)
    assert found["estimate"].isna().tolist() == [True, True, False, False]
    assert found["ci_low"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(("percentage", "withheld"), [(5.0, True), (95.0, True), (50.0, False)])
def test_a_percentage_that_gives_a_small_count_back_is_withheld(percentage, withheld):
    table = pd.DataFrame({"people": [100], "estimate": [percentage], "unit": ["per cent"]})
    assert protect(table)["estimate"].isna().iloc[0] == withheld


@pytest.mark.parametrize(("alive", "withheld"), [(0.917, True), (0.5, False), (0.04, True)])
def test_a_probability_that_gives_a_small_count_back_is_withheld(alive, withheld):
    # Of 60 people 0.917 are alive: five have died, and nobody may know that.
    table = pd.DataFrame(
        {"time_years": [1.0], "people": [60], "estimate": [alive], "unit": ["probability"]}
    )
    assert protect(table)["estimate"].isna().iloc[0] == withheld


def test_an_estimate_that_rests_on_too_few_still_followed_is_withheld():
    table = pd.DataFrame(
        {"time_years": [5.0], "people": [300], "at_risk": [7], "estimate": [0.4],
         "unit": ["probability"]}
    )  # fmt: skip
    found = protect(table)
    assert found["estimate"].isna().all()
    assert found["people"].tolist() == [300]


def test_a_percentage_that_is_withheld_takes_a_second_one_with_it():
    # The three add up to a hundred, so one alone could be computed from the others.
    table = pd.DataFrame(
        {"variable": "stage", "level": ["I", "II", "III"], "people": [200] * 3,
         "estimate": [2.0, 38.0, 60.0], "unit": "per cent"}
    )  # fmt: skip
    assert protect(table)["estimate"].isna().tolist() == [True, True, False]


def test_percentages_keep_one_decimal():
    table = pd.DataFrame({"people": [2359], "estimate": [30.182281], "unit": ["per cent"]})
    # 712 of 2,359, each rounded to five.
    assert protect(table)["estimate"].iloc[0] == round(100 * 710 / 2360, 1) == 30.1


def test_survival_probabilities_keep_three_decimals():
    table = pd.DataFrame(
        {"time_years": [1.0], "people": [500], "estimate": [0.8765432], "unit": ["probability"]}
    )
    assert protect(table)["estimate"].iloc[0] == 0.877


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=2, max_size=9))
def test_no_withheld_count_can_be_differenced_back(people):
    """An attacker with the rounded total and the rounded groups cannot pin a small count."""
    found = protect(counts(people))["people"]
    assert ((found.isna()) | (found >= disclosure.DEFAULT.threshold)).all()
    assert (found.dropna() % disclosure.DEFAULT.round_to == 0).all()
    hidden = found.isna()
    if (np.array(people) < disclosure.DEFAULT.threshold).any():
        assert hidden.sum() >= min(2, len(people))


def curve_of(people: pd.DataFrame) -> pd.DataFrame:
    return cohort_survival.kaplan_meier(people, "fifth")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(40, 300))
def test_every_published_step_holds_ten_deaths(seed, size):
    draw = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "follow_up_years": np.round(draw.exponential(3, size) + 0.001, 3),
            "outcome": draw.choice(["died", "censored"], size, p=[0.6, 0.4]),
            "fifth": draw.integers(1, 4, size),
        }
    )
    exact = curve_of(people)
    merged = disclosure.merge_steps(exact)
    later = merged[merged["time_years"] > 0]
    assert (later["deaths"] >= disclosure.DEFAULT.threshold).all()
    assert (later["at_risk"] >= disclosure.DEFAULT.threshold).all()
    assert set(merged["group"]) == set(exact["group"])
    # No published time is anybody's day, and the curve itself is not bent.
    assert np.allclose(later["time_years"] * 10, np.round(later["time_years"] * 10))
    for group, steps in later.groupby("group"):
        whole = exact[exact["group"] == group]
        for row in steps.itertuples():
            up_to = whole[whole["time_years"] <= row.time_years + 1e-9]
            assert row.estimate == up_to["estimate"].iloc[-1]
        assert steps["deaths"].sum() == up_to["deaths"].sum()


@pytest.mark.parametrize("unit", ["years", "months", "weeks", "days", "day", "Hours"])
def test_a_median_of_few_deaths_is_withheld(unit):
    table = counts([60, 60, 60, 60], deaths=[6, 20, 25, 30], estimate=3.1, unit=unit)
    assert protect(table)["estimate"].isna().tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_times_of_people_keep_one_decimal():
    table = counts([60, 70], deaths=[20, 30], estimate=[2.9933, 3.3826], unit="years")
    assert protect(table)["estimate"].tolist() == [3.0, 3.4]


def test_a_contrast_of_a_model_with_few_people_or_deaths_in_it_is_withheld():
    table = pd.DataFrame(
        {"term": "smoking", "group": ["ex", "current"], "people": 120, "deaths": 40,
         "level_people": [60, 4], "level_deaths": [20, 0], "estimate": [1.1, 3e-9]}
    )  # fmt: skip
    found = protect(table)
    assert found["estimate"].isna().tolist() == [False, True]
    assert not set(disclosure.LEVEL_COLUMNS) & set(found)


@pytest.mark.parametrize("people", [60, 120, 300])
def test_a_small_cohort_gives_no_small_count_back(people):
    """An attacker multiplies every published share by its people."""
    parameters = tables.read_parameters("ipf")
    drawn = synthetic.draw(people, 3, parameters, tables.read("population_aged_50_plus"))
    summary = protect(cohort_survival.summary(drawn, "deprivation_quintile"))
    shares = summary[(summary["unit"] == "probability") & summary["estimate"].notna()]
    for row in shares.itertuples():
        # Three decimals of a share of so many people: the count is known to less than a half.
        dead = row.people * (1 - row.estimate)
        assert dead >= disclosure.DEFAULT.threshold - disclosure.DEFAULT.round_to
        assert row.at_risk >= disclosure.DEFAULT.threshold
