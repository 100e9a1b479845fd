"""Spokes for all England: every table by hand on a road of six villages."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import places, results
from distance_to_care.scenarios import national_spokes

# Six villages on a straight road, ten minutes apart, one person each and two in the last. A clinic
# could stand in any of them.
PLACES = [0, 10, 20, 30, 40, 50]
ROAD = pd.DataFrame(
    np.abs(np.subtract.outer(PLACES, PLACES)).astype(float),
    index=pd.Index([f"village {place}" for place in PLACES], name="area_code"),
    columns=[f"clinic {place}" for place in PLACES],
)
# Ten people on the same road: four in its last village and two in the last but one. Three ways to
# read the list: a centre at 0 only (A), at 0 and 20 (AB), at 0, 20 and 50 (ABC).
TEN = [1.0, 1, 1, 1, 2, 4]
AREAS = pd.DataFrame(
    {
        "area_code": ROAD.index,
        "people": TEN,
        "people_all_ages": TEN,
        "expected_patients": TEN,
        # The first three villages are deprived and one board, the last three neither.
        "deprivation_quintile": [1, 1, 1, 5, 5, 5],
        "rural_urban": ["urban"] * 3 + ["rural"] * 3,
        "board_code": ["W"] * 3 + ["E"] * 3,
        "board": ["West"] * 3 + ["East"] * 3,
    }
)
LISTS = {"A": [0], "AB": [0, 20], "ABC": [0, 20, 50]}
NEAR = pd.DataFrame(
    {name: ROAD[[f"clinic {at}" for at in there]].min(axis=1) for name, there in LISTS.items()}
)
QUESTION = ("mean", "expected_patients", 1)


@pytest.fixture(scope="module")
def one_more():
    # A: 340 person-minutes now. A clinic at 50 leaves 10 + 20 + 20 + 2 x 10 = 70, one at 40 leaves
    # 10 + 20 + 10 + 4 x 10 = 80. AB: 180 now; at 50: 10 + 10 + 2 x 10 = 40. ABC: 40 now; at 40: 20.
    return national_spokes.plans(ROAD, NEAR, AREAS, [QUESTION])


def test_each_list_has_its_own_best_site(one_more):
    table = national_spokes.values(one_more, NEAR, AREAS).set_index("centre_list")
    assert table["estimate"].to_dict() == pytest.approx({"A": 7.0, "AB": 4.0, "ABC": 2.0})
    assert table["difference"].to_dict() == pytest.approx({"A": -27.0, "AB": -14.0, "ABC": -2.0})
    assert (table["low"] == table["high"]).all()
    assert (table["note"] == "proven: no other sites do better").all()


def test_a_site_that_hangs_on_one_list_is_told_so(one_more):
    table = national_spokes.sites(one_more, *QUESTION)
    named = table[table["centre"] != "all"].set_index("centre")
    assert named["note"].to_dict() == {
        "clinic 50": "on 2 of 3 lists: surest sites only and base list",
        "clinic 40": "on 1 of 3 lists: every candidate site",
    }  # fmt: skip
    assert named["estimate"].to_dict() == {"clinic 50": 2.0, "clinic 40": 1.0}
    assert not named["steady"].any()
    counts = table[table["centre"] == "all"].set_index("measure")
    assert counts["estimate"].to_dict() == {
        "sites on 1 of 3 lists": 1.0, "sites on 2 of 3 lists": 1.0, "sites on 3 of 3 lists": 0.0,
        "sites on any list": 2.0,
    }  # fmt: skip
    assert counts.loc["sites on 3 of 3 lists", "note"] == "none"
    assert counts.loc["sites on any list", "note"] == "clinic 40; clinic 50"


def test_who_gains_by_hand(one_more):
    each = {name: one_more[(*QUESTION, name)].sites for name in NEAR}
    everybody = national_spokes.gains(ROAD, NEAR, AREAS, each).set_index("measure")
    saved = everybody.loc["mean minutes saved"]
    assert tuple(saved[["estimate", "low", "high"]]) == pytest.approx((14, 2, 27))
    shorter = everybody.loc["people with a shorter drive"]
    # On AB the six people of the last two villages; on A also the one at 30; on ABC the two at 40.
    assert tuple(shorter[["estimate", "low", "high"]]) == pytest.approx((60, 20, 70))
    # Nobody is beyond an hour on a road of fifty minutes.
    assert set(everybody.loc["people within an hour now", ["estimate", "low", "high"]]) == {100}
    longer = national_spokes.gains(2 * ROAD, 2 * NEAR, AREAS, each).set_index("measure")
    # At twice the minutes the two last villages, six of ten people, are beyond an hour on A.
    now = longer.loc["people within an hour now", ["estimate", "low", "high"]]
    then = longer.loc["people within an hour then", ["estimate", "low", "high"]]
    assert tuple(now) == (100, 40, 100)
    assert tuple(then) == (100, 100, 100)
    fifths = national_spokes.gains(ROAD, NEAR, AREAS, each, "deprivation_quintile")
    saved = fifths[fifths["measure"] == "mean minutes saved"].set_index("group")
    assert tuple(saved.loc["1", ["estimate", "low", "high"]]) == (0, 0, 0)
    assert tuple(saved.loc["5", ["estimate", "low", "high"]]) == pytest.approx(
        (20, 20 / 7, 270 / 7)
    )
    assert saved["expected_patients"].to_dict() == {"1": 3.0, "5": 7.0}


def test_a_board_that_hangs_on_the_list_has_no_single_figure():
    table = national_spokes.of_boards(ROAD, NEAR, AREAS, ["clinic 50"])
    saved = table[table["measure"] == "mean minutes saved"].set_index("board")
    assert saved["steady"].to_dict() == {"East": False, "West": True}
    assert np.isnan(saved.loc["East", "estimate"])
    assert tuple(saved.loc["East", ["low", "high"]]) == pytest.approx((0, 270 / 7))
    assert saved.loc["West", "estimate"] == 0
    # The share with a shorter drive is held back with the minutes.
    shorter = table[table["measure"] == "people with a shorter drive"].set_index("board")
    assert np.isnan(shorter.loc["East", "estimate"])
    assert shorter.loc["West", "estimate"] == 0


def test_who_comes_within_reach_and_what_the_assumptions_do(one_more):
    base = {"share_seen_at_spoke": 1.0, "minutes_against_model": 1.0, "prevalence_per_100000": 50.0}
    # Half are seen there, driving takes twice as long, the disease is twice as common.
    drawn = pd.DataFrame([base, dict(zip(base, (0.5, 2.0, 100.0), strict=True))])
    table = national_spokes.moved(ROAD, NEAR, AREAS, one_more, drawn, limits=(10.0,))
    table = table.set_index(["scenario", "measure"])[["estimate", "low", "high"]]
    people = "people aged 65 and over brought within 10 minutes"
    patients = "expected patients brought within 10 minutes"
    # AB and A: the villages at 40 and 50, six people. ABC: all are within ten minutes already.
    assert tuple(table.loc[("over the lists", people)]) == (6, 0, 6)
    assert tuple(table.loc[("over the lists", "mean minutes saved")]) == pytest.approx((14, 2, 27))
    # Twice as long: AB and A bring the four at 50 within ten minutes, and half of them are two. ABC
    # brings the two at 40, who are beyond ten minutes now: one.
    assert tuple(table.loc[(national_spokes.BOTH, people)]) == (6, 0, 6)
    # Twice as many patients: AB and A 0.5 x 4 x 2 = 4, ABC 0.5 x 2 x 2 = 2; the base is 6 and 0.
    assert tuple(table.loc[(national_spokes.BOTH, patients)]) == (6, 0, 6)
    # Half of them, twice the minutes: what is saved stays as it is.
    assert tuple(table.loc[(national_spokes.BOTH, "mean minutes saved")]) == pytest.approx(
        (14, 2, 27)
    )
    drawn.loc[1] = [0.5, 1.0, 200.0]
    table = national_spokes.moved(ROAD, NEAR, AREAS, one_more, drawn, limits=(10.0,))
    table = table.set_index(["scenario", "measure"])[["estimate", "low", "high"]]
    assert tuple(table.loc[(national_spokes.BOTH, people)]) == (6, 0, 6)
    assert tuple(table.loc[(national_spokes.BOTH, patients)]) == (6, 0, 12)
    assert tuple(table.loc[(national_spokes.BOTH, "mean minutes saved")]) == pytest.approx(
        (14, 1, 27)
    )


def test_sites_for_one_goal_judged_by_another(one_more):
    others = national_spokes.plans(ROAD, NEAR, AREAS, [("worst", "expected_patients", 1)])
    table = national_spokes.crossed(ROAD, NEAR, AREAS, one_more | others, QUESTION)
    assert len(table) == 1
    row = table.iloc[0]
    # With a clinic at 50 the worst are 20 (A) and 10 (AB); with one at 40, 10 (ABC). The best for
    # the worst case are 20 (A: at 30 or 40) and 10 (AB: at 40 or 50; ABC).
    assert tuple(row[["estimate", "low", "high", "difference"]]) == (10, 10, 20, 0)


def test_today_against_as_many_from_nothing():
    # Today's centres at 0 and 20: 180 person-minutes. The best two: at 20 and 50, or 10 and 50: 60.
    table = national_spokes.from_nothing(ROAD, NEAR, AREAS, {"AB": 2}).set_index("scenario")
    assert table["estimate"].to_dict() == pytest.approx({"today": 18.0, "from nothing": 6.0})
    assert table.loc["from nothing", "difference"] == pytest.approx(-12)
    assert table.loc["from nothing", "note"].startswith("proven")


def test_every_table_can_be_published():
    # Sixty villages and fifteen possible sites, two of them open, anywhere on a square.
    rng = np.random.default_rng(4)
    homes, places = rng.uniform(0, 60, (60, 1, 2)), rng.uniform(0, 60, (1, 17, 2))
    drive = np.hypot(*(homes - places).transpose(2, 0, 1)).round(1)
    codes = pd.Index([f"village {number}" for number in range(60)], name="area_code")
    minutes = pd.DataFrame(drive[:, 2:], codes, [f"clinic {number}" for number in range(15)])
    now = pd.Series(drive[:, :2].min(axis=1), codes)
    weight = rng.integers(1, 9, 60)
    near = pd.DataFrame({"A": now + 9, "AB": now, "ABC": now - now.min() / 2})
    rng = np.random.default_rng(3)
    areas = pd.DataFrame(
        {"area_code": codes, "people": weight, "people_all_ages": 3 * weight,
         "expected_patients": weight / 7, "deprivation_quintile": rng.integers(1, 6, 60),
         "rural_urban": "urban", "board_code": rng.choice(["W", "E"], 60)}
    )  # fmt: skip
    areas["board"] = areas["board_code"]
    base = dict.fromkeys(national_spokes.DRAWN, [1.0, 0.8, 0.9])
    to_base = pd.DataFrame({"today": now}, codes)
    found = national_spokes.everything(
        minutes, near, areas.reset_index(drop=True), to_base, pd.Series(True, range(60)),
        pd.DataFrame(base),
    )  # fmt: skip
    assert list(found) == list(national_spokes.TITLES)
    for name, table in found.items():
        ready = results.prepare(table, "scenario", name).table
        assert len(ready) == len(table) > 0
        assert ready["estimate"].notna().any()
    assert set(found["spoke_values"]["group"]) == {"1", "2", "3", "5", "10"}


def test_the_limits_hold_nineteen_in_twenty_draws_and_the_base():
    drawn = np.arange(1001.0)
    assert national_spokes.between(np.append(500.0, drawn)) == pytest.approx((25, 975))
    # The base lies outside: it is part of the range.
    assert national_spokes.between(np.append(-3.0, drawn)) == pytest.approx((-3, 975))
    assert national_spokes.between(np.append(2000.0, drawn)) == pytest.approx((25, 2000))


def test_boards_that_gain_little_and_choices_that_are_proven_are_counted(one_more):
    # West saves nothing with a clinic at 50; East saves 0 to 270 / 7 over the lists, 20 on AB.
    by_board = national_spokes.gains(
        ROAD, NEAR, AREAS, dict.fromkeys(NEAR, ["clinic 50"]), "board_code"
    )
    unproven = one_more[(*QUESTION, "A")]._replace(proven=False)
    chosen = one_more | {(*QUESTION, "A"): unproven}
    table = national_spokes.counted(chosen, by_board).set_index("measure")
    ends = ["estimate", "low", "high"]
    assert tuple(table.loc[national_spokes.LITTLE, ends]) == (1, 1, 2)
    assert tuple(table.loc[national_spokes.BOARDS, ends]) == (2, 2, 2)
    assert table.loc[national_spokes.CHOICES, "estimate"] == 3
    assert table.loc[national_spokes.PROVEN, "estimate"] == 2


def test_the_headlines_say_what_the_tables_hold():
    few = pd.DataFrame({"measure": [national_spokes.BOARDS, national_spokes.LITTLE],
                        "estimate": [36.0, 26.0]})  # fmt: skip
    fifths = pd.DataFrame({"measure": national_spokes.SAVED, "group": list("12345"),
                           "estimate": [3.0, 5, 6, 7, 4]})  # fmt: skip
    boards, least = national_spokes.headlines(few, fifths)
    assert boards == "Five spokes would save a minute or less in 26 of 36 care boards (base list)"
    assert (
        least
        == "Five spokes would save the most deprived fifth the least (car ownership not included)"
    )
    fifths["estimate"] = [3.0, 5, 2, 7, 4]
    assert "deprivation quintile 3 the least" in national_spokes.headlines(few, fifths)[1]


@pytest.mark.parametrize(
    ("estimate", "low", "high", "unit", "said"),
    [
        (5.53, 4.66, 14.36, "minutes", "5.5 (4.7 to 14.4)"),
        (134.7, 134.7, 135.8, "minutes", "135 (135 to 136)"),
        (804661.0, 712333.0, 2188426.0, "people", "805,000 (712,000 to 2,190,000)"),
        (2131.6, 999.6, 5864.7, "people", "2,130 (1,000 to 5,860)"),
        (648.1, 648.1, 839.4, "people", "648 (648 to 839)"),
        (1.0, 1.0, 1.0, "lists", "1"),
        (np.nan, 8.34, 11.3, "minutes", "8.3 to 11.3"),
        (np.nan, 1.0, 1.0, "place", "1"),
    ],
)
def test_a_range_in_words(estimate, low, high, unit, said):
    row = {"estimate": estimate, "low": low, "high": high, "unit": unit}
    assert national_spokes.in_words(row) == said


def test_numbers_for_prose_are_named_by_their_row():
    table = pd.DataFrame({"group": ["5"], "measure": ["people"], "estimate": [9.0], "low": [9.0],
                          "high": [9.0], "unit": "people"})  # fmt: skip
    found = national_spokes.quoted("spokes.{group}.{measure}", table)
    assert found == [("spokes.5.people", "9", {"group": "5", "measure": "people"})]


def accepted(name):
    return results.read_published(places.ACCEPTED / f"{name}.csv", name)


def test_the_page_says_in_words_what_its_accepted_tables_hold():
    gains = accepted("spoke_gains").set_index(["group_by", "group", "measure"])
    ends = ["estimate", "low", "high"]
    fifths = gains.loc["deprivation_quintile"]
    # The most deprived fifth has the shortest drive now, and the least to gain.
    for measure in (national_spokes.NOW, national_spokes.SAVED):
        assert (fifths.xs(measure, level="measure")[ends].idxmin() == "1").all()
    # The one hospital on every list stands in Dartford, east of London.
    sites = accepted("spoke_sites").query(
        "group == '5' and group_by == 'spokes added: mean minutes' and centre == 'all'"
    )
    every = sites.set_index("measure").loc["sites on 3 of 3 lists"]
    assert every["estimate"] == 1
    assert every["note"].startswith("Darent Valley Hospital, Dartford")
    # Without any one of the five, a neighbour does nearly as well.
    without = accepted("spoke_without")
    assert without["difference"].max() < 0.5
    assert not without["note"].str.contains(";").any()
    # Each further spoke saves less than the one before.
    values = accepted("spoke_values").query(
        "measure == 'mean minutes' and level == 'expected patients'"
    )
    for _, part in values.groupby("centre_list"):
        best = part.set_index(part["group"].astype(int))["difference"].sort_index()
        each = np.diff(np.append(0.0, best)) / np.diff(np.append(0, best.index))
        assert (np.diff(each) > 0).all()
        assert part["note"].str.startswith("proven").all()
