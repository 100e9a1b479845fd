"""Encounters: how rarely one meets a rare disease, and what training everybody would take."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import encounters, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

# Two invented places: a practice that sees a hundred births a year, a hospital that sees 5,000.
PLACES = pd.DataFrame(
    {"group": ["practice", "hospital"], "value": [100, 5_000], "low": [50, 4_000],
     "high": [200, 6_000]}
)  # fmt: skip
RATE = (10_000, 8_000, 16_000)
ASSUMED = {
    "births_for_each_affected_birth": 10_000,
    "training_hours_a_person": 2,
    "training_every_years": 4,
    "skills_last_years": 1,
    "outreach_posts": 3,
    "outreach_hours_a_post": 1_500,
    "nurses": 200,
}


def value(table: pd.DataFrame, column: str = "estimate", **where) -> float:
    rows = table
    for name, asked in where.items():
        rows = rows[rows[name] == asked]
    assert len(rows) == 1
    return rows[column].iloc[0]


def test_meetings_worked_by_hand():
    table = encounters.meetings(PLACES, RATE, {"ten years": 10})
    between = {"measure": encounters.BETWEEN}
    # 100 births a year at one in 10,000: one in a hundred years; at the ends 40 and 320 years.
    assert value(table, group="practice", **between) == 100
    assert value(table, "low", group="practice", **between) == 40
    assert value(table, "high", group="practice", **between) == 320
    meets = {"measure": encounters.MEETS.format(years="ten years")}
    # A mean of 0.1 in ten years: 1 - exp(-0.1) = 9.516 per cent.
    assert value(table, group="practice", **meets) == pytest.approx(9.516, abs=5e-4)
    # The hospital expects five in ten years: 1 - exp(-5) = 99.33 per cent.
    assert value(table, group="hospital", **meets) == pytest.approx(99.326, abs=5e-4)


def test_chances_agree_with_simulated_careers():
    table = encounters.meetings(PLACES, RATE, {"a career": 30})
    met = np.random.default_rng(3).poisson(100 / 10_000 * 30, 200_000) > 0
    told = value(table, group="practice", measure=encounters.MEETS.format(years="a career"))
    assert 100 * met.mean() == pytest.approx(told, abs=0.4)


@settings(max_examples=25)
@given(st.floats(1, 10_000), st.floats(1, 60), st.floats(1.01, 10))
def test_more_births_and_more_years_never_mean_a_smaller_chance(births, years, times):
    one = pd.DataFrame({"group": ["a"], "value": [births], "low": [births], "high": [births]})
    spans = {"some": years, "more": years * times}
    table = encounters.meetings(one, RATE, spans)
    some, more = (value(table, measure=encounters.MEETS.format(years=w)) for w in spans)
    assert 0 < some <= more <= 100
    larger = one.assign(value=births * times, low=births * times, high=births * times)
    there = encounters.meetings(larger, RATE, spans)
    assert value(there, measure=encounters.MEETS.format(years="some")) >= some
    # The ends of a range hold the middle.
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()


@pytest.mark.parametrize("years", [{"none": 0.0}, {"ten": 10.0}])
def test_nothing_below_zero_is_met(years):
    places = PLACES if years == {"none": 0.0} else PLACES.assign(low=0)
    with pytest.raises(AnalysisError, match="above zero"):
        encounters.meetings(places, RATE, years)


def test_people_are_spread_evenly_by_hand():
    # 6,000 practices where nine tenths of 1,000 people live: 6,000 / 900 practices for each.
    places = pd.DataFrame({"group": ["practices"], "number": [6_000], "share": [0.9]})
    table = encounters.living_with(places, (1_000, 500, 2_000))
    assert value(table) == pytest.approx(6_000 / 900)
    assert [value(table, end) for end in ("low", "high")] == pytest.approx(
        [6_000 / 1_800, 12_000 / 900]
    )
    with pytest.raises(AnalysisError, match="above zero"):
        encounters.living_with(places.assign(share=0), (1_000, 500, 2_000))


def trained(**changes) -> pd.DataFrame:
    assumed = ASSUMED | changes
    draws = pd.DataFrame({name: np.full(50, number) for name, number in assumed.items()})
    return encounters.training({"doctors": 1_000, "nurses": "nurses"}, 100_000, assumed, draws)


def test_training_worked_by_hand():
    table = trained()
    everybody = {"group": encounters.EVERYBODY}
    # 1,200 people, two hours once in four years: 600 hours a year; ten births: 60 hours for each.
    assert value(table, measure=encounters.HOURS, **everybody) == 600
    assert value(table, measure=encounters.PER_CASE, **everybody) == 60
    assert value(table, measure=encounters.HOURS, group="nurses") == 100
    # Fresh for one year of four: a quarter of meetings.
    assert value(table, measure=encounters.FRESH, **everybody) == 25
    # Of two whom a baby meets, neither is fresh in nine of sixteen meetings.
    assert value(table, measure=encounters.ANY_FRESH, **everybody) == pytest.approx(100 * 7 / 16)
    assert value(table, measure=encounters.OUTREACH, **everybody) == 4_500
    assert value(table, measure=encounters.OUTREACH_PER_CASE, **everybody) == 450
    assert value(table, measure=encounters.SAME_POSTS, **everybody) == pytest.approx(0.4)
    # Draws that do not differ have no range.
    assert (table["low"] == table["high"]).all()


def test_a_third_profession_raises_the_chance_of_meeting_one_who_is_fresh():
    # One year of three: one person 1/3, at least one of three 1 - (2/3)^3 = 19/27.
    changed = ASSUMED | {"training_every_years": 3}
    draws = pd.DataFrame({name: np.full(5, number) for name, number in changed.items()})
    staff = {"doctors": 1_000, "nurses": "nurses", "therapists": 50}
    table = encounters.training(staff, 100_000, changed, draws)
    assert value(table, measure=encounters.FRESH) == pytest.approx(100 / 3)
    assert value(table, measure=encounters.ANY_FRESH) == pytest.approx(100 * 19 / 27)
    # Simulated: three people whose trainings fall at any time of the three years.
    since = np.random.default_rng(5).uniform(0, 3, (200_000, 3))
    assert 100 * (since < 1).any(axis=1).mean() == pytest.approx(100 * 19 / 27, abs=0.4)


def test_nobody_is_more_than_surely_fresh():
    for measure in (encounters.FRESH, encounters.ANY_FRESH):
        assert value(trained(skills_last_years=9), measure=measure) == 100


def test_training_that_cannot_be_is_refused():
    for changes in ({"training_every_years": 0}, {"training_every_years": -3}):
        with pytest.raises(AnalysisError, match="years between trainings"):
            trained(**changes)


def test_numbers_are_told_to_so_many_digits():
    table = pd.DataFrame({"estimate": [31_757.0], "low": [0.33333], "high": [120_902.0]})
    rounded = encounters.to_digits(table).iloc[0].tolist()
    assert rounded == [31_800, 0.333, 121_000]
    assert encounters.to_digits(table, 2)["estimate"].tolist() == [32_000]


def test_professions_add_up_to_everybody():
    hours = trained().query("measure == @encounters.HOURS").set_index("group")["estimate"]
    assert hours.drop(encounters.EVERYBODY).sum() == hours[encounters.EVERYBODY]


def test_the_rows_of_the_scenario_are_all_there_and_give_ranges():
    rows = assumptions.of(tables.read("scenario_assumptions"), "local_skill")
    assumed, draws = assumptions.values(rows), assumptions.draws(rows, 400, 7)
    staff = {"doctors": 30_000.0, "therapists": "childrens_physiotherapists"}
    table = encounters.training(staff, 500_000, assumed, draws)
    assert ((table["low"] < table["estimate"]) & (table["estimate"] < table["high"])).all()
    one = encounters.training(staff, 500_000, assumed, draws)
    pd.testing.assert_frame_equal(table, one)
