"""Few centres or many: known answers on invented places, brute force, chance against simulation."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from distance_to_care import care_boards, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, budgets, centre_volume, location
from distance_to_care.scenarios.centre_volume import Pattern

# Four places on a road, 0, 10, 30 and 100 minutes along it; a site could stand at each of them.
ROAD = {"a": 0.0, "b": 10.0, "c": 30.0, "d": 100.0}
MINUTES = pd.DataFrame(
    {site: [abs(here - there) for here in ROAD.values()] for site, there in ROAD.items()},
    index=pd.Index(list(ROAD), name="area_code"),
)
CHILDREN = pd.Series([100.0, 100.0, 200.0, 100.0], MINUTES.index)
BIRTHS = pd.Series([10_000.0, 20_000.0, 30_000.0, 40_000.0], MINUTES.index)
ASSUMED = {
    "births_for_each_affected_birth": 10_000.0,
    "living_people_england": 100.0,
    "living_children_share": 0.4,
    "centre_few_babies": 5.0,
    "minutes_against_model": 1.0,
}
# Draws that never differ from the value: every range closes on its estimate.
STILL = pd.DataFrame([ASSUMED] * 8)
SPREAD = pd.DataFrame(
    {name: np.linspace(0.5 * value, 2 * value, 41) for name, value in ASSUMED.items()}
)


def told(patterns, draws=STILL):
    return centre_volume.tell(patterns, MINUTES, CHILDREN, BIRTHS, ASSUMED, draws)


def one(table, measure, **where):
    rows = table[table["measure"] == measure]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return row


def test_every_birth_goes_to_its_nearest_centre():
    # a and b are nearer to a; c lies 20 from b and 30 from a, but only a and d are open.
    found = centre_volume.of_each(MINUTES[["a", "d"]], BIRTHS)
    assert found.to_dict() == {"a": 60_000.0, "d": 40_000.0}
    # A second centre in the same place is nobody's nearest, and sees nobody.
    twin = MINUTES[["a", "d"]].assign(again=MINUTES["d"])
    assert centre_volume.of_each(twin, BIRTHS)["again"] == 0


def test_chances_are_poisson():
    # R: ppois(0, 4) 0.01831564; ppois(4, 4) 0.6288369; ppois(4, 0.5) 0.9998279
    assert centre_volume.chances(np.array([4.0]), 1)[0] == pytest.approx(0.01831564, abs=1e-8)
    assert centre_volume.chances(np.array([4.0, 0.5]), 5) == pytest.approx(
        [0.6288369, 0.9998279], abs=1e-7
    )
    # Fewer than four and a half is four or fewer.
    assert centre_volume.chances(np.array([4.0]), 4.5)[0] == pytest.approx(0.6288369, abs=1e-7)


def test_two_centres_by_hand():
    table = told([Pattern(centre_volume.BEST, "", ("a", "d"))])
    # Minutes 0, 10, 30 and 0 for 100, 100, 200 and 100 children.
    assert one(table, centre_volume.MINUTES)["estimate"] == pytest.approx((1000 + 6000) / 500)
    assert one(table, "beyond 60 minutes")["estimate"] == 0
    # The place at 30 minutes is not beyond 30.
    patterns = [Pattern(centre_volume.BEST, "", ("a",))]
    near = centre_volume.tell(patterns, MINUTES, CHILDREN, BIRTHS, ASSUMED, STILL, limits=(30.0,))
    assert one(near, "beyond 30 minutes")["estimate"] == pytest.approx(20)
    # Six and four new babies a year.
    assert one(table, centre_volume.BABIES)["estimate"] == pytest.approx(5)
    assert one(table, centre_volume.FEWEST)["estimate"] == pytest.approx(4)
    none = 100 * (math.exp(-6) + math.exp(-4)) / 2
    assert one(table, centre_volume.NONE)["estimate"] == pytest.approx(none)
    # R: mean(ppois(4, c(6, 4))) 0.4569468
    assert one(table, centre_volume.FEW)["estimate"] == pytest.approx(45.69468, abs=1e-4)
    assert one(table, centre_volume.CARE)["estimate"] == pytest.approx(20)
    assert table["low"].to_numpy() == pytest.approx(table["estimate"].to_numpy())
    assert table["high"].to_numpy() == pytest.approx(table["estimate"].to_numpy())
    assert set(table["group"]) == {"2"}


def test_quiet_centres_agree_with_simulated_years():
    rng = np.random.default_rng(3)
    counts = rng.poisson([6.0, 4.0], (200_000, 2))
    table = told([Pattern(centre_volume.BEST, "", ("a", "d"))])
    for measure, seen in ((centre_volume.NONE, counts == 0), (centre_volume.FEW, counts < 5)):
        share = one(table, measure)["estimate"]
        error = 100 * seen.mean(axis=1).std() / math.sqrt(len(counts))
        assert abs(100 * seen.mean() - share) < 4 * error


def test_ranges_hold_the_estimate_and_move_with_what_is_assumed():
    table = told([Pattern(centre_volume.BEST, "", ("a",))], SPREAD)
    assert (table["low"] <= table["estimate"]).all() and (table["estimate"] <= table["high"]).all()
    drive = one(table, centre_volume.MINUTES)
    # The multiplier runs from 0.5 to 2: its middle 95 per cent from 0.5375 to 1.9625.
    assert drive["low"] == pytest.approx(0.5375 * drive["estimate"])
    assert drive["high"] == pytest.approx(1.9625 * drive["estimate"])
    # Only the slowest draws bring the place at 30 minutes beyond an hour: not within the range.
    beyond = one(table, "beyond 60 minutes")
    assert (beyond["low"], beyond["estimate"], beyond["high"]) == pytest.approx((0, 20, 20))
    # A disease that is rarer by half has half the new babies.
    babies = one(table, centre_volume.BABIES)
    assert babies["low"] == pytest.approx(10 / 1.9625)
    assert babies["high"] == pytest.approx(10 / 0.5375)


def test_districts_by_hand():
    district = pd.Series(["west", "west", "east", "none"], MINUTES.index)
    people = pd.Series([100.0, 300.0, 50.0, 0.0], MINUTES.index)
    mean, total = centre_volume.by_district(MINUTES, people, district)
    assert total.to_dict() == {"east": 50.0, "west": 400.0}
    # To c: 30 minutes for 100 people and 20 for 300.
    assert mean.loc["west", "c"] == pytest.approx(22.5)
    assert mean.loc["east"].to_dict() == MINUTES.loc["c"].to_dict()


@pytest.mark.parametrize("seed", range(2))
def test_best_sites_are_those_of_trying_all(seed):
    rng = np.random.default_rng(seed)
    places, sites = rng.random((40, 2)), rng.random((9, 2))
    minutes = pd.DataFrame(np.hypot(*(places[:, None] - sites).transpose(2, 0, 1)))
    minutes.columns = [f"site {number}" for number in range(9)]
    weight = pd.Series(rng.integers(1, 100, 40).astype(float))
    found = centre_volume.best_sites(minutes, weight, 6)
    means = []
    length, people = minutes.to_numpy(), weight.to_numpy() / weight.sum()
    for number, chosen in found.items():
        least = min(
            people @ length[:, list(some)].min(axis=1)
            for some in itertools.combinations(range(9), number)
        )
        means.append((minutes[list(chosen)].min(axis=1) @ weight) / weight.sum())
        assert len(chosen) == number
        assert means[-1] == pytest.approx(least)
    assert means == sorted(means, reverse=True)


def test_no_more_sites_than_candidates():
    for most in (0, 5):
        with pytest.raises(AnalysisError, match="4 candidates"):
            centre_volume.best_sites(MINUTES, CHILDREN, most)


def test_near_the_proven_best_on_the_real_roads():
    # Areas have about as many people each, so that one area counts as much as another.
    minutes = tables.read("travel_minutes").set_index("area_code").astype(float)
    hospitals = tables.read("hospitals")
    names = care_boards.by_hospital(hospitals, tables.read("hospital_names"))
    english = names.loc[names["in_matrix"] & (names["country"] == "England"), "postcode"]
    minutes = minutes[[site for site in minutes if site in set(english)]]
    weight = pd.Series(1.0, minutes.index)
    district = tables.read("areas").set_index("area_code")["local_authority_code"]
    found = centre_volume.best_sites(*centre_volume.by_district(minutes, weight, district), 25)
    nothing = pd.Series(np.inf, minutes.index)
    fast = location.value_of(location.after(minutes, nothing, found[25]), weight)
    best = location.choose(minutes, nothing, weight, 25)
    assert best.proven
    assert best.value <= fast <= 1.02 * best.value


def lists():
    centres = pd.DataFrame({"site": ["a", "b", "d"], "certainty": ["A", "B", "C"]})
    return centre_volume.patterns_to_compare(
        ["a", "b", "c", "d"], MINUTES, CHILDREN, centres, ("A", "AB", "ABC"), 4, (1,)
    )


def test_patterns_are_best_places_lists_and_lists_with_more():
    found = lists()
    of = {(one.scenario, one.centre_list): one.sites for one in found if one.centre_list}
    assert of[centre_volume.TODAY, "AB"] == ("a", "b")
    # With a and b open, 100 children at d would save 90 minutes, and 200 at c only 20.
    assert of[centre_volume.MORE, "AB"] == ("a", "b", "d")
    assert of[centre_volume.MORE, "ABC"] == ("a", "b", "d", "c")
    best = [one.sites for one in found if one.scenario == centre_volume.BEST]
    assert [len(sites) for sites in best] == [1, 2, 3, 4]


def test_fewer_well_placed_centres_can_give_as_short_a_drive():
    table = told(lists())
    short = centre_volume.as_short(table).set_index("centre_list")["estimate"]
    # a and b: 0, 0, 20 and 90 minutes, 26 in the mean. One centre at c: 30, 20, 0 and 70, 24.
    assert short["AB"] == 1
    # a, b and d: 8 minutes in the mean; two centres at b or c and d come to no less than 10.
    assert short["ABC"] == 3


def test_what_is_quoted_of_todays_lists_is_the_base_list_with_its_range():
    table = told(lists(), SPREAD)
    quoted = centre_volume.quoted(table, [2])
    today = one(quoted, centre_volume.MINUTES, scenario=centre_volume.TODAY)
    # Drives over the lists only: a alone is 34 minutes away, a and b 26, a, b and d 8.
    assert (today["low"], today["estimate"], today["high"]) == pytest.approx((8, 26, 34))
    babies = one(quoted, centre_volume.BABIES, scenario=centre_volume.TODAY)
    # Ten babies a year at one, two or three centres, and rates from about half to twice.
    assert babies["estimate"] == pytest.approx(5)
    assert babies["low"] == pytest.approx(10 / 3 / 1.9625)
    assert babies["high"] == pytest.approx(10 / 0.5375)
    assert set(quoted.loc[quoted["scenario"] == centre_volume.BEST, "group"]) == {"2"}
    assert centre_volume.MORE not in set(quoted["scenario"])


def test_the_trade_off_has_one_mark_a_pattern():
    table = told(lists())
    marks = centre_volume.everything(table, [2], from_=2)["centre_trade_off"]
    best = marks[marks["scenario"] == centre_volume.BEST].sort_values("estimate")
    # The fewer the centres, the longer the drive and the more each sees.
    assert best["value"].is_monotonic_increasing
    assert best["estimate"].tolist() == pytest.approx([2.5, 10 / 3, 5])
    assert set(centre_volume.everything(table, [2])) == set(centre_volume.TITLES)


def test_the_marks_are_named_by_their_number_and_list():
    four = Pattern("the four", "", ("a", "b", "c", "d"))
    found = centre_volume.everything(told([*lists(), four]), [2], from_=2, named=[3, 4])
    marked = found["centre_marked"].set_index("title")
    # Ten babies a year; the base list has two centres.
    assert marked["estimate"].to_dict() == pytest.approx(
        {"3 centres": 10 / 3, "4 centres": 2.5, "base list, 2": 5}
    )


def test_a_site_that_stands_twice_is_one_centre():
    centres = pd.DataFrame({"site": ["a", "a", "d"], "certainty": ["A", "B", "A"]})
    found = centre_volume.patterns_to_compare(
        ["a", "b", "c", "d"], MINUTES, CHILDREN, centres, ("AB",), 2, (1,)
    )
    today, more = (one for one in found if one.centre_list)
    assert today.sites == ("a", "d")
    assert more.sites == ("a", "d", "c")
    # Where no other site would help, what is added is still no site that is open.
    far = MINUTES.assign(e=500.0)
    everywhere = pd.DataFrame({"site": list("abcd"), "certainty": "A"})
    *_, more = centre_volume.patterns_to_compare(
        list("abcde"), far, CHILDREN, everywhere, ("A",), 2, (1,)
    )
    assert more.sites == ("a", "b", "c", "d", "e")


def test_quiet_years_by_hand():
    # 10,000 births at 100 of a million: one case a year; 500,000 births: fifty.
    pools = pd.DataFrame({"title": ["board", "nation"], "people": [10_000.0, 500_000.0]})
    drawn = pd.Series([50.0, 100.0, 200.0])
    table = centre_volume.quiet_years(pools, 100.0, drawn)
    quiet = one(table, centre_volume.QUIET, title="board")
    assert quiet["estimate"] == pytest.approx(100 * math.exp(-1), abs=1e-4)
    assert quiet["low"] < 100 * math.exp(-1.9) and quiet["high"] > 100 * math.exp(-0.55)
    # R: 1 - ppois(1, 1) 0.2642411. Of fifty, at least a hundred: 1 - ppois(99, 50) 3.2e-10, which
    # is told as none.
    several = one(table, centre_volume.SEVERAL, title="board")
    assert several["estimate"] == pytest.approx(26.42411, abs=1e-4)
    many = one(table, centre_volume.SEVERAL, title="nation")
    assert many["estimate"] == 0
    assert one(table, centre_volume.GAP, title="nation")["estimate"] == pytest.approx(0.02)
    # A tenth of a case a year: twice as many would be one, and two are asked for at least.
    few = centre_volume.quiet_years(pools.assign(people=1_000.0), 100.0, drawn, ["title"])
    tenth = one(few, centre_volume.SEVERAL, title="board")["estimate"]
    assert tenth == pytest.approx(100 * (1 - 1.1 * math.exp(-0.1)), abs=1e-4)
    with pytest.raises(AnalysisError, match="A payer has people"):
        centre_volume.quiet_years(pools.assign(people=0.0), 100.0, drawn)


def test_assumptions_of_a_rare_disease_reach_the_budgets():
    rows = assumptions.of(tables.read("scenario_assumptions"), "costly_treatment")
    values = assumptions.values(rows)
    named = centre_volume.for_budgets(values)
    drawn = centre_volume.for_budgets(assumptions.draws(rows, 5, seed=1))
    assert set(named) == set(drawn.columns)
    assert drawn.notna().all(axis=None) and len(drawn) == 5
    # Half the nation's people, and half a million births.
    needs = budgets.needs(500_000, 0.5, named)
    living = values["living_people_england"] * values["living_treated_share"] / 2
    assert needs[budgets.TREATED][1] == pytest.approx(living)
    treated = 500_000 / values["births_for_each_affected_birth"]
    treated *= values["once_babies_treated_share"]
    assert needs[budgets.ONCE][:2] == pytest.approx((treated, treated))


def test_what_a_pool_spares_by_hand_and_as_the_budgets_have_it():
    # Two boards with one case a year each, at half a million pounds: R: qpois(0.95, 1) 3 and
    # qpois(0.95, 2) 5. Two cases more in each apart, three more together.
    pools = pd.DataFrame({"people": [10_000.0, 10_000.0], "share": [0.5, 0.5]})
    named = {"once_treatment_per_million": 100.0, "once_treatment_pounds": 500_000.0}
    drawn = pd.DataFrame([named] * 3)
    table = centre_volume.spared(pools, named, drawn).set_index("measure")
    assert table["estimate"].tolist() == pytest.approx([2, 1.5, 0.5])
    for end in ("low", "high"):
        assert table[end].tolist() == pytest.approx([2, 1.5, 0.5])
    rows = assumptions.of(tables.read("scenario_assumptions"), "costly_treatment")
    named = centre_volume.for_budgets(assumptions.values(rows))
    drawn = centre_volume.for_budgets(assumptions.draws(rows, 5, seed=1))
    pools = pd.DataFrame({"people": [4_000.0, 14_000.0, 42_000.0], "share": [0.1, 0.2, 0.7]})
    held = budgets.reserves_held(pools, named, drawn)
    held = held[held["scenario"] == budgets.ONCE].set_index("group")["estimate"]
    cost = 0.06 * named["once_treatment_per_million"] * named["once_treatment_pounds"] / 1e6
    table = centre_volume.spared(pools, named, drawn).set_index("measure")
    assert table.loc[centre_volume.HELD_APART, "estimate"] == pytest.approx(
        cost * held[budgets.APART] / 100
    )
    assert table.loc[centre_volume.HELD_POOLED, "estimate"] == pytest.approx(
        cost * held[budgets.POOLED] / 100
    )
