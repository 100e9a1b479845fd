"""Co-ordinators: the cost of a person, and the effect at which a post would pay for itself."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, coordination

# An invented post: 60 000 pounds for 150 people, 400 pounds for each of them.
ASSUMED = {
    "coordinator_pounds_a_year": 60_000.0,
    "coordinator_people": 150.0,
    "coordinator_share": 0.5,
    "clinic_visit_pounds": 200.0,
    "bed_day_pounds": 500.0,
    "travel_time_pounds_an_hour": 8.0,
    "clinic_visits_a_year": 4.0,
    "bed_days_a_year": 2.0,
    "prevalence_per_100000": 50.0,
}
# Two invented boards with 300 and 3 000 expected patients.
PLACES = pd.DataFrame({"group": ["here", "there"], "expected_patients": [300.0, 3_000.0]})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return assumptions.of(tables.read("scenario_assumptions"), "coordinators")


@pytest.fixture(scope="module")
def draws(table) -> pd.DataFrame:
    return assumptions.draws(table, 500, 2)


def same(number: int = 200, **changes) -> pd.DataFrame:
    """Draws that all equal the invented post."""
    return pd.DataFrame([ASSUMED | changes] * number)


def test_the_invented_post_breaks_even_by_hand():
    told = coordination.break_even(ASSUMED, same()).set_index("measure")
    by_hand = {
        "cost a person": 400,
        "visits": 2,
        "bed days": 0.8,
        "hours": 50,
        "visits, as a share of all visits": 50,
        "bed days, as a share of all bed days": 40,
        "visits: all would not be enough": 0,
    }
    for measure, value in by_hand.items():
        assert told.loc[measure, "estimate"] == pytest.approx(value), measure
    ranged = told.dropna(subset="low")
    np.testing.assert_allclose(ranged["low"], ranged["estimate"])
    np.testing.assert_allclose(ranged["high"], ranged["estimate"])


def test_it_is_said_how_often_no_saving_would_be_enough():
    # In one half of these draws people make two visits a year at 100 pounds: half the cost.
    dear = same(100, clinic_visits_a_year=2.0, clinic_visit_pounds=100.0)
    both = pd.concat([same(100), dear], ignore_index=True)
    told = coordination.break_even(ASSUMED, both).set_index("measure")["estimate"]
    assert told["visits: all would not be enough"] == 50
    assert told["bed days: all would not be enough"] == 0


def test_hours_are_set_beside_those_on_the_road():
    told = coordination.break_even(ASSUMED, same())
    road = {"estimate": 5.0, "low": 4.0, "high": 10.0}
    row = coordination.against_the_road(told, road).iloc[-1]
    # Fifty hours for a person who spends five on the road; from 50 over 10 to 50 over 4.
    assert row["measure"] == "hours, against those on the road"
    assert [row["low"], row["estimate"], row["high"]] == pytest.approx([5, 10, 12.5])
    with pytest.raises(AnalysisError, match="any time on the road"):
        coordination.against_the_road(told, road | {"low": 0.0})


def test_spared_visits_and_bed_days_buy_one_post_between_them():
    told = coordination.together(ASSUMED, same(), [0, 1, 2, 3], [150, 300])
    told = told.set_index(["group", "value"])["estimate"]
    # 400 pounds less 200 a visit, at 500 a day; beyond two visits nothing is left to spare.
    assert told["150"].tolist() == pytest.approx([0.8, 0.4, 0, 0])
    # With twice the people the post costs 200 pounds each: one visit is enough.
    assert told["300"].tolist() == pytest.approx([0.4, 0, 0, 0])


def test_the_more_people_on_a_list_the_less_each_costs(table, draws):
    grid = coordination.cost_grid(table, [75, 150, 300], draws)
    for _, rows in grid.groupby("measure"):
        by_people = rows.sort_values("value")
        assert (by_people["estimate"].diff().dropna() < 0).all()
        assert (by_people["high"] > by_people["low"]).all()
        # Twice the people, half the cost.
        assert by_people["estimate"].iloc[0] == pytest.approx(4 * by_people["estimate"].iloc[2])


def test_the_range_holds_the_value_and_comes_from_the_draws(table, draws):
    told = coordination.break_even(assumptions.values(table), draws).set_index("measure")
    ranged = told.dropna(subset="low")
    assert (ranged["low"] < ranged["estimate"]).all()
    assert (ranged["estimate"] < ranged["high"]).all()
    cost = draws["coordinator_pounds_a_year"] / draws["coordinator_people"]
    assert ranged.loc["cost a person", "high"] == pytest.approx(np.percentile(cost, 97.5))


def test_what_moves_the_answer_is_ranked_and_what_does_not_is_left_out(table):
    moved = coordination.what_moves(table)
    assert (moved["high"] - moved["low"]).is_monotonic_decreasing
    titles = table.set_index("name")["title"]
    assert set(moved["term"]) == set(
        titles[["coordinator_pounds_a_year", "coordinator_people", "bed_day_pounds"]]
    )
    # The list moves it most: 75 people cost twice what 150 do.
    assert moved["term"].iloc[0] == titles["coordinator_people"]
    values = assumptions.values(table)
    low = table.set_index("name").loc["coordinator_people", "low"]
    most = values["coordinator_pounds_a_year"] / low / values["bed_day_pounds"]
    assert moved["high"].iloc[0] == pytest.approx(most)


def test_posts_follow_the_people_and_their_range_the_prevalence():
    # By hand: half of 300 people, 150 on a list, is one post; ten times the people, ten posts.
    told = coordination.posts(PLACES, ASSUMED, same()).set_index(["group", "measure"])
    assert told.loc[("here", "posts"), "estimate"] == pytest.approx(1)
    assert told.loc[("there", "posts"), "estimate"] == pytest.approx(10)
    assert told.loc[("there", "cost"), "estimate"] == pytest.approx(0.6)
    half = coordination.posts(PLACES, ASSUMED, same(prevalence_per_100000=25.0))
    assert half.set_index(["group", "measure"]).loc[("here", "posts"), "low"] == pytest.approx(0.5)


def test_an_empty_list_is_refused_in_words():
    with pytest.raises(AnalysisError, match="list needs people"):
        coordination.cost_a_person(ASSUMED | {"coordinator_people": 0})
