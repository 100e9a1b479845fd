"""Fair spokes: branch and bound equals every set tried, and the sums by hand of invented places.

Four invented areas in two boards: a deprived town and its country, each an hour from a centre.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import access, atlas, care_boards, inequality, places, tables, travel
from distance_to_care.command_line import app
from distance_to_care.problems import Problem
from distance_to_care.scenarios import assumptions, location, spokes

TOWN, COUNTRY = "E54000001", "E54000002"
AREAS = pd.DataFrame(
    [
        # The deprived quarter of the town, an hour from the centre.
        ("E1", TOWN, "Town", "North", 1, 10.0),
        # The rest of the town, as far, and not deprived.
        ("E2", TOWN, "Town", "North", 5, 10.0),
        # Two villages in the country, as far, and not deprived.
        ("E3", COUNTRY, "Country", "South", 5, 15.0),
        ("E4", COUNTRY, "Country", "South", 3, 5.0),
    ],
    columns=[
        "area_code", "board_code", "board", "region", "deprivation_quintile", "expected_patients",
    ],
)  # fmt: skip
# A clinic in the deprived quarter, one between the villages, one in the rest of the town.
MINUTES = pd.DataFrame(
    {"Quarter": [10.0, 55, 90, 90], "Villages": [90.0, 90, 20, 20], "Town": [50.0, 10, 90, 90]},
    index=pd.Index(AREAS["area_code"], name="area_code"),
)
# On the list of the surest sites everybody is ten minutes further away; the others are alike.
NEAR = pd.DataFrame({"A": 70.0, "AB": 60.0, "ABC": 60.0}, index=MINUTES.index)
# Everybody goes at the minutes of the model; half of them do; all do, and drive half as long again.
DRAWN = pd.DataFrame({"share_seen_at_spoke": [1, 0.5, 1], "minutes_against_model": [1, 1, 1.5]})
NO_NOTES = pd.Series({"Quarter": "", "Villages": "doubtful", "Town": ""})
STEADY = {"board": pd.Series({TOWN: True, COUNTRY: False}), "region": pd.Series({"North": False})}


def invented_map(seed, areas=40, sites=9):
    """Areas and hospitals at random on a map, with a centre, fifths and people."""
    rng = np.random.default_rng(seed)
    at, hospitals, centre = rng.random((areas, 2)), rng.random((sites, 2)), rng.random((1, 2))
    codes = pd.Index([f"E{n:03}" for n in range(areas)], name="area_code")
    km = np.linalg.norm(at[:, None] - hospitals, axis=2)
    minutes = pd.DataFrame(100 * km, index=codes, columns=[f"H{n}" for n in range(sites)])
    now = pd.Series(100 * np.linalg.norm(at - centre, axis=1), index=codes)
    weights = pd.DataFrame(rng.random((areas, 2)) * [1, 3], index=codes, columns=["all", "some"])
    # Some areas have nobody of the second kind.
    weights.loc[codes[:10], "some"] = 0.0
    return minutes, now, weights


def slowly(minutes, now, weights, sites):
    """What a set saves, area by area."""
    chosen = minutes.columns.get_indexer(list(sites))
    shorter = now.to_numpy() - np.minimum(now.to_numpy(), minutes.to_numpy()[:, chosen].min(axis=1))
    return dict(zip(weights, map(float, shorter @ weights.to_numpy()), strict=True))


# --- terms --------------------------------------------------------------------------------------


def test_terms_of_one_area_by_hand():
    # The example at the head of the module: clinics at 20 and 30 minutes, 50 now.
    minutes = pd.DataFrame({"a": [20.0], "b": [30.0], "c": [70.0]}, index=["E1"])
    terms = spokes.gains(minutes, pd.Series({"E1": 50.0}), pd.DataFrame({"all": [2.0]}, ["E1"]))
    found = {
        tuple(np.array(terms.sites)[group > 0]): amount
        for group, amount in zip(terms.members, terms.amounts[:, 0], strict=True)
    }
    assert found == {("a",): 2 * 10.0, ("a", "b"): 2 * 20.0}
    assert spokes.saved(terms, ["a"]) == {"all": 60.0}
    assert spokes.saved(terms, ["b"]) == {"all": 40.0}
    assert spokes.saved(terms, ["a", "b"]) == {"all": 60.0}
    assert spokes.saved(terms, ["c"]) == {"all": 0.0}


def test_areas_with_the_same_order_of_clinics_merge():
    minutes = pd.DataFrame({"a": [20.0, 25, 60], "b": [30.0, 26, 60]}, index=["E1", "E2", "E3"])
    now = pd.Series({"E1": 50.0, "E2": 40.0, "E3": 55.0})
    people = pd.DataFrame({"all": [1.0, 2.0, 4.0]}, index=["E1", "E2", "E3"])
    terms = spokes.gains(minutes, now, people)
    # The third area gains nothing, and the first two share both of their terms.
    assert sorted(terms.amounts[:, 0]) == [10 * 1 + 1 * 2, 20 * 1 + 14 * 2]


@pytest.mark.parametrize("sites", [9, 70])
@pytest.mark.parametrize("within", [None, 30.0])
def test_terms_equal_area_by_area(sites, within):
    # With seventy clinics a group of them needs more than one word of 64 bits.
    minutes, now, weights = invented_map(1, areas=60, sites=sites)
    terms = spokes.gains(minutes, now, weights, within=within)
    if within is not None:
        minutes, now = 1.0 * (minutes > within), 1.0 * (now > within)
    rng = np.random.default_rng(2)
    for _ in range(20):
        chosen = rng.choice(minutes.columns, rng.integers(1, 5), replace=False)
        assert spokes.saved(terms, chosen) == pytest.approx(slowly(minutes, now, weights, chosen))


def test_people_within_a_limit_need_no_centre_and_minutes_do():
    minutes = pd.DataFrame({"a": [20.0, 61.0]}, index=["E1", "E2"])
    now = pd.Series(np.inf, index=["E1", "E2"])
    people = pd.DataFrame({"all": [3.0, 5.0]}, index=["E1", "E2"])
    assert spokes.saved(spokes.gains(minutes, now, people, within=60), ["a"]) == {"all": 3.0}
    with pytest.raises(Problem, match="need a centre to begin with"):
        spokes.gains(minutes, now, people)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"minutes": MINUTES.iloc[1:]}, "Some areas have no minutes"),
        ({"now": NEAR["AB"].iloc[1:]}, "Some areas have no minutes"),
        ({"minutes": MINUTES.mask(MINUTES == 55)}, "Some minutes are missing"),
        ({"weights": pd.DataFrame({"all": -1.0}, index=MINUTES.index)}, "below zero or missing"),
        ({"weights": pd.DataFrame({"all": np.nan}, index=MINUTES.index)}, "below zero or missing"),
    ],
)
def test_what_does_not_fit_is_told(change, words):
    given = {"minutes": MINUTES, "now": NEAR["AB"]}
    given["weights"] = pd.DataFrame({"all": 1.0}, index=MINUTES.index)
    with pytest.raises(Problem, match=words):
        spokes.gains(**(given | change))


def test_terms_are_joined_over_the_same_clinics_only():
    minutes, now, weights = invented_map(3)
    one, other = (spokes.gains(minutes, now, weights[[name]]) for name in weights)
    both = spokes.joined([one, other])
    assert spokes.saved(both, ["H1", "H4"]) == pytest.approx(
        slowly(minutes, now, weights, ["H1", "H4"])
    )
    with pytest.raises(Problem, match="different criteria"):
        spokes.joined([one, one])
    with pytest.raises(Problem, match="same clinics"):
        spokes.joined([one, spokes.gains(minutes.drop(columns="H0"), now, weights[["some"]])])


# --- the best set -------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_branch_and_bound_equals_every_set_tried(seed, new):
    minutes, now, weights = invented_map(seed)
    terms = spokes.gains(minutes, now, weights)
    tried = {s: slowly(minutes, now, weights, s) for s in combinations(minutes.columns, new)}
    for goal in ({"all": 1.0}, {"some": 1.0}, {"all": 1.0, "some": 2.5}):
        values = {s: sum(goal[name] * v[name] for name in goal) for s, v in tried.items()}
        found = spokes.best(terms, new, goal)
        assert sum(goal[n] * found.saved[n] for n in goal) == pytest.approx(max(values.values()))
        assert found.sites == max(values, key=values.get)
        assert found.saved == pytest.approx(tried[found.sites])
    # With a floor on the second, a quarter below the most that is possible of it.
    floor = 0.75 * max(v["some"] for v in tried.values())
    allowed = {s: v["all"] for s, v in tried.items() if v["some"] >= floor}
    found = spokes.best(terms, new, {"all": 1.0}, {"some": floor})
    assert found.saved["all"] == pytest.approx(max(allowed.values()))
    assert found.saved["some"] >= floor
    # With one clinic open in any case.
    with_one = {s: v["all"] for s, v in tried.items() if "H3" in s}
    if new > 1:
        found = spokes.best(terms, new - 1, {"all": 1.0}, given=["H3"])
        assert "H3" in found.sites
        assert found.saved["all"] == pytest.approx(max(with_one.values()))


def test_the_solver_finds_the_same():
    minutes, now, weights = invented_map(11, areas=150, sites=14)
    terms = spokes.gains(minutes, now, weights)
    before = {name: float(weights[name] @ now) for name in weights}
    for new in (2, 4):
        here = spokes.best(terms, new, {"all": 1.0})
        solved = location.choose(minutes, now, weights["all"], new)
        assert solved.proven
        assert before["all"] - solved.value * weights["all"].sum() == pytest.approx(
            here.saved["all"]
        )
        # The constraint epsilon, halfway between the ends of the frontier.
        points = spokes.frontier(terms, new, "all", "some")
        floor = (points["some"].iloc[0] + points["some"].iloc[-1]) / 2
        here = spokes.best(terms, new, {"all": 1.0}, {"some": floor})
        most = (before["some"] - floor) / weights["some"].sum()
        limit = location.Limit(weights["some"], most)
        solved = location.choose(minutes, now, weights["all"], new, limits=[limit])
        assert before["all"] - solved.value * weights["all"].sum() == pytest.approx(
            here.saved["all"]
        )


def test_nothing_is_found_where_no_set_saves_enough():
    minutes, now, weights = invented_map(5)
    terms = spokes.gains(minutes, now, weights)
    most = spokes.best(terms, 2, {"some": 1.0}).saved["some"]
    assert spokes.best(terms, 2, {"all": 1.0}, {"some": most * 1.001}) is None
    assert spokes.best(terms, 2, {"all": 1.0}, {"some": most * 0.999}) is not None


def test_bounds_leave_most_sets_unseen():
    minutes, now, weights = invented_map(6, areas=300, sites=30)
    found = spokes.best(spokes.gains(minutes, now, weights), 4, {"all": 1.0})
    # Without the bound there would be a branch for each of the 4 526 sets of none to three.
    assert found.looked_at < 600


def test_more_clinics_never_save_less_and_each_adds_less():
    minutes, now, weights = invented_map(7)
    terms = spokes.gains(minutes, now, weights)
    values = [spokes.best(terms, new, {"all": 1.0}).saved["all"] for new in range(1, 10)]
    assert all(np.diff(values) >= -1e-9)
    small, large = ["H1"], ["H1", "H2", "H5"]
    for site in ("H0", "H3", "H4"):
        added = [
            spokes.saved(terms, [*chosen, site])["all"] - spokes.saved(terms, chosen)["all"]
            for chosen in (small, large)
        ]
        assert added[0] >= added[1] - 1e-12


@pytest.mark.parametrize(
    ("new", "goal", "given", "words"),
    [
        (0, {"all": 1.0}, (), "0 clinics cannot be chosen among 9"),
        (10, {"all": 1.0}, (), "10 clinics cannot be chosen among 9"),
        (9, {"all": 1.0}, ("H1",), "9 clinics cannot be chosen among 8"),
        (1, {"none": 1.0}, (), "no criterion 'none'; there are all, some"),
        (1, {"all": 1.0}, ("Nowhere",), "no minutes to 'Nowhere'"),
    ],
)
def test_what_cannot_be_chosen_is_told(new, goal, given, words):
    terms = spokes.gains(*invented_map(8))
    with pytest.raises(Problem, match=words):
        spokes.best(terms, new, goal, given=given)


# --- the frontier -------------------------------------------------------------------------------


def efficient(values):
    """The sets that no other set beats in both, by comparing every pair."""
    return {
        one
        for one in values
        if not any(
            other[0] >= one[0] + 1e-9 and other[1] >= one[1] - 1e-9
            or other[0] >= one[0] - 1e-9 and other[1] >= one[1] + 1e-9
            for other in values
        )
    }  # fmt: skip


@pytest.mark.parametrize("new", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_frontier_holds_every_efficient_set(seed, new):
    minutes, now, weights = invented_map(seed + 20)
    tried = [slowly(minutes, now, weights, s) for s in combinations(minutes.columns, new)]
    expected = sorted(efficient([(v["all"], v["some"]) for v in tried]), reverse=True)
    points = spokes.frontier(spokes.gains(minutes, now, weights), new, "all", "some")
    assert points[["all", "some"]].to_numpy() == pytest.approx(np.array(expected))
    for point in points.to_dict("records"):
        assert slowly(minutes, now, weights, point["sites"])["all"] == pytest.approx(point["all"])


def of_sites(amounts):
    """Terms of clinics that share nobody: what each saves of either criterion."""
    sites = tuple(f"clinic {number}" for number in range(len(amounts)))
    return spokes.Gains(sites, ("first", "second"), np.eye(len(amounts)), np.array(amounts, float))


def test_the_frontier_does_not_hang_on_the_units_of_its_criteria():
    # A minute of everybody beside a thousand people: the first saves more minutes by a whisker.
    found = spokes.frontier(of_sites([(10.0, 0), (9.999875, 1000)]), 1, "first", "second")
    assert list(found["sites"]) == [("clinic 0",), ("clinic 1",)]
    # A thousandth of the second criterion is a set of its own.
    found = spokes.frontier(of_sites([(10, 5.0), (9, 5.001), (8, 5.002)]), 1, "first", "second")
    assert list(found["second"]) == pytest.approx([5.0, 5.001, 5.002])
    # Of two that save the same of the first, only the one with more of the second is efficient.
    found = spokes.frontier(of_sites([(10, 1.0), (10, 2.0)]), 1, "first", "second")
    assert list(found["sites"]) == [("clinic 1",)]


def test_a_floor_that_is_just_met_is_met():
    terms = of_sites([(8, 1.0), (4, 8), (2, 16), (1, 32)])
    # Only the last two reach 48 together, and only the last three 56.
    assert spokes.best(terms, 2, {"first": 1.0}, {"second": 48.0}).sites == ("clinic 2", "clinic 3")
    assert spokes.best(terms, 3, {"first": 1.0}, {"second": 56.0}).saved["second"] == 56
    assert spokes.best(terms, 2, {"first": 1.0}, {"second": 48.5}) is None


def test_a_set_that_no_weights_would_choose_is_efficient_all_the_same():
    # Three areas with a clinic each; the middle one lies below the line between the others.
    minutes = pd.DataFrame(
        [[0.0, 9, 9], [9, 0.0, 9], [9, 9, 0.0]], index=["E1", "E2", "E3"], columns=["a", "b", "c"]
    )
    now = pd.Series(1.0, index=minutes.index)
    weights = pd.DataFrame({"all": [10.0, 4.0, 0.0], "some": [0.0, 4.0, 10.0]}, minutes.index)
    points = spokes.frontier(spokes.gains(minutes, now, weights), 1, "all", "some")
    assert list(points["sites"]) == [("a",), ("b",), ("c",)]
    for weight in np.linspace(0, 20, 50):
        found = spokes.best(spokes.gains(minutes, now, weights), 1, {"all": 1.0, "some": weight})
        assert found.sites != ("b",)


# --- invented places, by hand -------------------------------------------------------------------


@pytest.fixture(scope="module")
def points():
    return spokes.frontiers(AREAS, MINUTES, NEAR, {spokes.DEPRIVED: (1, 2)})


def test_both_ends_by_hand(points):
    one = points[(points["level"] == "1") & (points["centre_list"] == "AB")]
    rows = one[one["measure"] == spokes.DEPRIVED].sort_values("term")
    # Villages: 20 of 40 people save 40 minutes. Town: 10 save 50 and the 10 deprived 10. Quarter:
    # the 10 deprived save 50, and the rest of the town 5.
    assert list(rows["note"]) == ["Villages", "Town", "Quarter"]
    assert list(rows["value"]) == pytest.approx([800 / 40, 600 / 40, 550 / 40])
    assert list(rows["estimate"]) == pytest.approx([0.0, 10.0, 50.0])


def test_ends_tell_what_one_aim_costs_the_other(points):
    found = spokes.ends(points, AREAS, NEAR, DRAWN).set_index(
        ["level", "term", "measure", "scenario"]
    )
    whole, wide = spokes.OVER_LISTS, spokes.OVER_ALL
    row = found.loc[("1", "difference", spokes.SAVED, whole)]
    # Base list 20 - 13.75. On the surest sites each clinic that is used saves ten minutes more:
    # Villages 20 of 40 people 50, so 25; Quarter 60 and 15 to the town's halves, so 18.75.
    assert list(row[["estimate", "low", "high"]]) == pytest.approx([6.25, 6.25, 6.25])
    row = found.loc[("1", spokes.EFFICIENT, spokes.SAVED, whole)]
    assert list(row[["estimate", "low", "high"]]) == pytest.approx([20.0, 20.0, 25.0])
    row = found.loc[("1", spokes.EFFICIENT, spokes.SAVED, wide)]
    # Of two draws, 0.5 and 1.5 of what the model saves, a fortieth lies below 0.525 and above
    # 1.475; on each list the least and the most of 20 and 25 minutes with those.
    assert list(row[["estimate", "low", "high"]]) == pytest.approx([20.0, 10.5, 25 * 1.475])
    assert found.loc[("1", "both", "lists on which both are one set", whole), "estimate"] == 0
    # Two clinics: Villages and Town save everybody the most, Villages and Quarter those deprived.
    row = found.loc[("2", "difference", spokes.DEPRIVED, whole)]
    assert row["estimate"] == pytest.approx(40.0)
    # A slope is not in proportion to who goes, so that it has no wider range.
    assert (spokes.SLOPE in set(found.xs(whole, level="scenario").index.get_level_values(2))) > (
        spokes.SLOPE in set(found.xs(wide, level="scenario").index.get_level_values(2))
    )


def test_the_set_that_brings_the_most_within_an_hour():
    # The villages' clinic is moved to E4 alone, so that the town's brings more people within.
    minutes = MINUTES.assign(Villages=[90.0, 90, 90, 5])
    points = spokes.frontiers(AREAS, minutes, NEAR, {spokes.WITHIN: (1,)})
    found = spokes.hour_end(points, DRAWN).set_index(["term", "measure", "scenario"])
    row = found.loc[(spokes.NEAREST, spokes.WITHIN, spokes.OVER_LISTS)]
    # Nobody is beyond an hour but on the surest sites, where the town's 20 people come within it.
    assert row[["estimate", "low", "high"]].tolist() == [0.0, 0.0, 20.0]
    row = found.loc[(spokes.NEAREST, spokes.SAVED, spokes.OVER_LISTS)]
    assert row[["estimate", "high"]].tolist() == pytest.approx([600 / 40, 800 / 40])


def test_one_set_that_serves_both_aims_is_counted():
    # Everybody lives beside the one clinic that helps anybody.
    minutes = MINUTES[["Quarter"]].assign(Quarter=10.0, Nowhere=200.0)
    points = spokes.frontiers(AREAS, minutes, NEAR, {spokes.DEPRIVED: (1,)})
    found = spokes.ends(points, AREAS, NEAR, DRAWN)
    alike = found[found["measure"] == "lists on which both are one set"]
    assert list(alike["estimate"]) == [3.0]


def test_the_slope_is_that_of_the_areas(points):
    rows = points[(points["measure"] == spokes.SLOPE) & (points["centre_list"] == "AB")]
    for row in rows.to_dict("records"):
        then = location.after(MINUTES, NEAR["AB"], row["note"].split("; ")).to_numpy()
        slow = inequality.slope_index(
            AREAS.assign(then=then), "then", "deprivation_quintile", "expected_patients"
        )
        assert row["estimate"] == pytest.approx(slow["estimate"].iloc[0])
    # The clinic in the deprived quarter makes the gap wider: the least deprived drive longer.
    assert rows.set_index("note").loc["Quarter", "estimate"] > 0


def test_the_weight_at_which_the_choice_turns_by_hand(points):
    found = spokes.turning_weights(points, AREAS, 10.0, "1")
    base = found[found["centre_list"] == "AB"]
    # A quarter of the people are deprived. Quarter overtakes Villages where
    # 20 = 13.75 + (v - 1) / 4 * 50, at 1.5, where Town has 15 + 1.25: it never leads.
    assert list(base["note"]) == ["Villages", "Quarter"]
    assert list(base["low"]) == pytest.approx([1.0, 1.5])
    assert list(base["high"]) == pytest.approx([1.5, 10.0])
    terms = spokes.of_areas(AREAS, MINUTES, NEAR["AB"])
    for weight, site in ((1.4, "Villages"), (1.6, "Quarter")):
        goal = {spokes.SAVED: 1.0, spokes.DEPRIVED: (weight - 1) / 4}
        assert spokes.best(terms, 1, goal).sites == (site,)


def test_the_trade_off_and_the_best_of_both(points):
    shares = spokes.trade_off(points, "1")
    base = shares[shares["centre_list"] == "AB"].set_index("note")
    assert base.loc["Villages", ["value", "estimate"]].tolist() == pytest.approx([100, 0])
    assert base.loc["Quarter", ["value", "estimate"]].tolist() == pytest.approx([68.75, 100])
    both = spokes.best_of_both(points).set_index(["level", "centre_list"])
    assert both.loc[("1", "AB"), "note"] == "Quarter"
    assert both.loc[("1", "AB"), "estimate"] == pytest.approx(68.75)
    # On the surest sites it is 18.75 of 25.
    assert both.loc[("1", "A"), "estimate"] == pytest.approx(75.0)
    assert both.loc[("1", "all"), "estimate"] == pytest.approx(68.75)


def test_what_each_fifth_saves_by_hand(points):
    found = spokes.by_fifth(points, AREAS, MINUTES, NEAR, DRAWN, "1")
    rows = found.set_index(["group", "level", "scenario"])
    assert rows.loc[("1", "now", spokes.OVER_LISTS), ["estimate", "high"]].tolist() == [60, 70]
    fifth = rows.loc[("5", spokes.FAIREST, spokes.OVER_LISTS)]
    # Of 25 people in the least deprived fifth 10 save 5 minutes, or 15 on the surest sites.
    assert fifth[["estimate", "low", "high"]].tolist() == pytest.approx([2.0, 2.0, 6.0])
    wide = rows.loc[("5", spokes.FAIREST, spokes.OVER_ALL)]
    # The limits of the draws, as above: 0.525 and 1.475 of what the model saves.
    assert wide[["low", "high"]].tolist() == pytest.approx([2 * 0.525, 6 * 1.475])


def test_clinics_are_told_with_the_lists_that_choose_them(points):
    found = spokes.sites_by_list(points, "1", NO_NOTES).set_index(["term", "centre"])
    assert found.loc[(spokes.EFFICIENT, "Villages"), "estimate"] == 3
    assert found.loc[(spokes.EFFICIENT, "Villages"), "centre_list"] == "A, AB, ABC"
    assert found.loc[(spokes.EFFICIENT, "Villages"), "note"] == "doubtful"
    assert (spokes.FAIREST, "Quarter") in found.index


def test_a_board_counts_its_own_people_only():
    found = spokes.of_boards(AREAS, MINUTES, NEAR, STEADY["board"], new=(1,))
    rows = found.set_index(["board_code", "measure"])
    # The town would take the clinic in its larger gain: 60 of minutes against 55.
    assert rows.loc[(TOWN, spokes.SAVED), "estimate"] == pytest.approx(600 / 20)
    assert rows.loc[(TOWN, spokes.SAVED), "note"] == "Town (3 of 3 lists)"
    assert rows.loc[(TOWN, spokes.FAIREST), "estimate"] == pytest.approx(50.0)
    assert rows.loc[(TOWN, spokes.FAIREST), "note"] == "Quarter (3 of 3 lists)"
    assert rows.loc[(TOWN, spokes.ALIKE), "estimate"] == 0
    # The country is not steady, so that it has a range only, and nobody deprived.
    assert np.isnan(rows.loc[(COUNTRY, spokes.SAVED), "estimate"])
    assert rows.loc[(COUNTRY, spokes.SAVED), ["low", "high"]].tolist() == [40.0, 50.0]
    assert (COUNTRY, spokes.FAIREST) not in rows.index
    # An hour is an hour: nobody is beyond it now, but on the surest sites everybody is.
    assert rows.loc[(TOWN, spokes.WITHIN), ["low", "high"]].tolist() == [0.0, 20.0]
    counted = spokes.boards_summary(found).set_index("measure")
    assert counted.loc["boards", "estimate"] == 2
    assert counted.loc["boards where both are one set on no list", "note"] == "Town"
    ten = counted.loc["boards where they would save ten minutes or more on every list"]
    assert ten["estimate"] == 2
    assert counted.loc["boards", "note"] == "Country; Town"


def test_a_clinic_that_exists_beside_the_best():
    town = AREAS[AREAS["board_code"] == TOWN]
    found = spokes.beside_documented(town, MINUTES, NEAR, "Quarter", steady=False, new=(1, 2))
    rows = found.set_index(["group", "measure"])
    assert rows.loc[("documented alone", spokes.PLACE), ["low", "high"]].tolist() == [2, 2]
    assert rows.loc[("documented alone", spokes.SAVED), "low"] == pytest.approx(550 / 20)
    assert rows.loc[("best 1", spokes.SAVED), "low"] == pytest.approx(600 / 20)
    assert rows.loc[("documented and best 1 more", spokes.SAVED), "low"] == pytest.approx(50.0)
    assert np.isnan(rows.loc[("best 1", spokes.SAVED), "estimate"])
    known = spokes.beside_documented(town, MINUTES, NEAR, "Quarter", steady=True, new=(1,))
    assert known.set_index(["group", "measure"]).loc[("best 1", spokes.SAVED), "estimate"] == 30
    with pytest.raises(Problem, match="no minutes to 'Elsewhere'"):
        spokes.beside_documented(town, MINUTES, NEAR, "Elsewhere", steady=True)


def test_weight_of_the_most_deprived_decides_for_a_place():
    # Half of the town is deprived: 30 against 27.5 + (v - 1) / 2 * 40, which turns at 1.125; on the
    # surest sites 40 against 37.5, which turns at the same weight.
    for times, site in ((1.0, "Town"), (1.12, "Town"), (1.13, "Quarter"), (np.inf, "Quarter")):
        found = spokes.of_place(AREAS[:2], MINUTES, NEAR, 1, times)
        assert set(found["note"]) == {site}


def test_every_table_has_a_title_and_agrees_with_the_solver():
    found = spokes.everything(
        AREAS, MINUTES.assign(Far=95.0, Farther=96.0, Farthest=97.0), NEAR,
        NO_NOTES.reindex([*NO_NOTES.index, "Far", "Farther", "Farthest"], fill_value=""), STEADY,
        DRAWN, 10.0, ("North", "Quarter"),
    )  # fmt: skip
    assert list(found) == list(spokes.TITLES)
    assert (found["fair_spokes_solver"]["difference"] == 0).all()
    assert all("car ownership not included" in title for title in spokes.TITLES.values())


def test_figures_are_headed_by_what_they_hold(points):
    rows = pd.DataFrame(
        {"level": spokes.EFFICIENT, "group": ["1", "2", "5"], "estimate": [4.0, 6.0, 5.0]}
    )
    said = spokes.headline("fair_spokes_by_fifth", rows)
    assert "the most deprived fifth the least (car ownership" in said
    rows["estimate"] = [4.0, 6.0, 3.0]
    assert "the least deprived fifth the least" in spokes.headline("fair_spokes_by_fifth", rows)
    rows["estimate"] = [4.0, 2.0, 3.0]
    assert "deprivation quintile 2 the least" in spokes.headline("fair_spokes_by_fifth", rows)
    # The best of both: 80 per cent on one list, 60 on the other.
    rows = pd.DataFrame({"centre_list": ["A", "A", "AB"], "value": [100.0, 80, 60],
                         "estimate": [50.0, 90, 100]})  # fmt: skip
    assert "60 per cent or more of both" in spokes.headline("fair_spokes_trade_off", rows)
    for low, words in ((2.0, "more minutes than"), (0.5, "about as much as")):
        rows = pd.DataFrame({"group": "best 1", "measure": [spokes.SAVED, spokes.DEPRIVED],
                             "low": [1.0, low], "high": [3.0, 4.0]})  # fmt: skip
        assert words in spokes.headline("fair_spokes_region", rows)
    assert "fewer minutes than" in spokes.headline(
        "fair_spokes_region", rows.assign(low=[1.0, 0.5], high=[3.0, 2.0])
    )


def test_numbers_for_prose_pick_one_row_each(points):
    table = spokes.ends(points, AREAS, NEAR, DRAWN)
    table = table[table["unit"] != "lists"]
    keys = []
    for key, words, column, where in spokes.quoted("fair_spokes_ends", table):
        rows = table[np.logical_and.reduce([table[c] == v for c, v in where.items()])]
        assert len(rows) == 1
        assert column == "estimate"
        keys.append((key, words))
    assert dict(keys)[f"fair.1.{spokes.EFFICIENT}.{spokes.SAVED}.over the lists"] == (
        "20.0 (20.0 to 25.0)"
    )
    # A range without a width is one number.
    assert dict(keys)[f"fair.1.difference.{spokes.SAVED}.over the lists"] == "6.2"
    weights = spokes.turning_weights(points, AREAS, 10.0, "1")
    turned = {key: where for key, _, _, where in spokes.quoted("fair_spokes_weights", weights)}
    assert turned["fair.weight.1.AB"] == {"group": "1", "centre_list": "AB", "level": "1"}
    beside = spokes.beside_documented(AREAS, MINUTES, NEAR, "Quarter", steady=False, new=(1,))
    beside = spokes.with_assumptions(beside, DRAWN)
    told = {key: words for key, words, _, _ in spokes.quoted("fair_spokes_region", beside)}
    assert told[f"fair.region.documented alone.{spokes.SAVED}.over the lists"] == "13.8 to 18.8"


@pytest.mark.slow
def test_the_page_says_in_words_what_the_tables_hold(official_folder):
    """What the chapter says without a number must hold on every list of centres."""
    settings = tables.read("atlas_assumptions").set_index("name")["value"]
    official = [tables.official(name) for name in atlas.NEEDED]
    boards = care_boards.edition(tables.read("care_boards"))
    known = (tables.read("areas"), boards, *official, tables.read("area_coast"), settings)
    areas, centres = access.area_table(*known), tables.read("centres_ild")
    hospitals = care_boards.by_hospital(tables.read("hospitals"), tables.read("hospital_names"))
    candidates = care_boards.candidates(hospitals, centres, settings["same_place_km"])
    minutes = travel.minutes_to(candidates)
    near = access.minutes_by_list(travel.minutes_to(centres), centres)
    clinic = "Colchester General Hospital (CO4 5JL)"
    region = areas[areas["region"] == "East of England"]
    beside = spokes.beside_documented(region, minutes, near, clinic, steady=False)
    rows = beside.set_index(["group", "measure"])
    # The model would choose Colchester first on every list, and among the best two and three.
    assert rows.loc[("documented alone", spokes.PLACE), ["low", "high"]].tolist() == [1, 1]
    for best in ("best 1", "best 2", "best 3"):
        assert f"{clinic} (3 of 3 lists)" in rows.loc[(best, spokes.SAVED), "note"]
        # There the most deprived fifth would save more than everybody, whichever list holds.
        deprived, everybody = (rows.loc[(best, m)] for m in (spokes.DEPRIVED, spokes.SAVED))
        assert deprived["low"] > everybody["low"]
        assert deprived["high"] > everybody["high"]
    assert (
        rows.loc[("best 1", spokes.NOW_DEPRIVED), "low"] > rows.loc[("best 1", spokes.NOW), "low"]
    )
    points = spokes.frontiers(areas, minutes, near, {spokes.DEPRIVED: (1, 5)})
    shares, _ = spokes._slope(areas)
    for grades in access.LISTS:
        now = near.loc[areas["area_code"], grades]
        # The most deprived fifth has the shortest drive, and would save the least of five clinics.
        means = shares @ now.to_numpy()
        assert means.argmin() == 0
        whole = points[(points["level"] == "5") & (points["centre_list"] == grades)]
        sites = whole[whole["term"] == "1"]["note"].iloc[0].split("; ")
        then = location.after(minutes.loc[now.index], now, sites).to_numpy()
        assert (means - shares @ then).argmin() == 0
    # No weight up to ten would change the one clinic on the base list.
    turned = spokes.turning_weights(points, areas, 10.0, "1")
    assert len(turned[turned["centre_list"] == "AB"]) == 1


# --- the assumptions and the command ------------------------------------------------------------


def test_the_assumptions_of_the_page_are_there_with_a_range():
    rows = assumptions.of(tables.read("scenario_assumptions"), "fair_spokes").set_index("name")
    assert {*spokes.DRAWN, "weight_most_deprived"} <= set(rows.index)
    assert (rows["low"] < rows["high"]).all()
    assert assumptions.values(rows.reset_index())["share_seen_at_spoke"] == 1


BOARDS = pd.DataFrame(
    {"board_code": ["E1", "E1", "E2", "E3"], "board": ["Essex", "Essex", "Mid Kent", "East Kent"]}
)


def test_a_board_is_found_by_name_or_code():
    assert spokes.board_code(BOARDS, " essex ") == "E1"
    assert spokes.board_code(BOARDS, "e2") == "E2"
    assert spokes.board_code(BOARDS, "mid") == "E2"
    with pytest.raises(Problem, match="2 care boards have 'kent' in the name. Name one of: East"):
        spokes.board_code(BOARDS, "kent")
    with pytest.raises(Problem, match="No care board has 'Surrey' in the name"):
        spokes.board_code(BOARDS, "Surrey")


def test_no_name_asks_for_a_name():
    with pytest.raises(Problem, match="Name a care board. There are East Kent; Essex; Mid Kent"):
        spokes.board_code(BOARDS, " ")


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    run = CliRunner().invoke
    nowhere = run(app, ["spokes", "--board", "Nowhere", "--new", "1"])
    assert nowhere.exit_code == 2
    assert "No care board has 'Nowhere' in the name" in nowhere.output
    absent = run(app, ["spokes", "--board", "Essex", "--new", "1"])
    assert absent.exit_code == 2
    assert "needs official files that are not here: imd_2019" in absent.output
    wrong = run(app, ["spokes", "--board", "Essex", "--new", "1", "--output", "a.txt"])
    assert "must end in .csv" in wrong.output
    assert run(app, ["spokes", "--board", "Essex", "--new", "0"]).exit_code == 2


def test_the_command_writes_what_of_place_finds(tmp_path, monkeypatch):
    # Twenty real areas of Essex with invented people and fifths stand for all.
    monkeypatch.setattr(tables, "official", lambda name: pd.DataFrame())
    monkeypatch.setattr(access, "area_table", _few)
    # Without postcodes, so that a million and a half of them need not be read.
    centres = tables.read("centres_ild")[["site", "latitude", "longitude", "certainty"]]
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda n: centres if n == "centres_ild" else read(n))
    output = tmp_path / "essex.csv"
    asked = ["spokes", "--board", "Essex", "--new", "2", "--output", str(output)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "car ownership not included" in done.output
    found = pd.read_csv(output)
    assert set(found["centre_list"]) == set(access.LISTS)
    assert (found["note"].str.count("; ") == 1).all()
    # The file says by itself what was asked, and that it is a scenario.
    asked_of = found[["board", "spokes", "weight_most_deprived", "kind"]].drop_duplicates()
    assert asked_of.to_numpy().tolist() == [["Essex", 2, 1, "scenario"]]
    again = CliRunner().invoke(app, asked)
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    printed = CliRunner().invoke(app, asked[:-2])
    first = found[found["measure"] == spokes.SAVED].iloc[0]
    assert f"  mean minutes saved: {first['estimate']:.1f} minutes" in printed.output
    assert f"  clinic: {first['note'].split('; ')[0]}" in printed.output


def _few(areas, boards, *_):
    """The first areas of Essex, every second in the most deprived fifth."""
    mine = access.board_of_areas(areas, boards).query("board == 'Essex'").iloc[:20]
    return mine.assign(deprivation_quintile=[1, 5] * 10, expected_patients=np.sqrt(range(1, 21)))
