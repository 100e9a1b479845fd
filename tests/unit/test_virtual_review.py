"""Visits by video and at local hospitals: journeys worked by hand, and rules that must hold."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import access, geography, places, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions
from distance_to_care.scenarios import virtual_review as vr

# Four visits a year: one first visit, and three later ones of which follow-ups are half.
ASSUMED = {
    "clinic_visits_a_year": 4.0,
    "first_visits_a_year": 1.0,
    "later_visits_follow_up": 50.0,
    "later_visits_treatment": 20.0,
    "later_visits_lung_function": 20.0,
    "later_visits_oxygen": 10.0,
    "video_ends_in_visit": 0.2,
    "video_excluded": 0.25,
    "video_excluded_ratio": 1.0,
    "companion": 0.5,
    "parking_pounds_a_visit": 3.0,
    "refunded": 0.1,
    "refunded_ratio": 1.0,
    "refund_pence_a_mile": 15.0,
    "minutes_against_model": 1.0,
    "road_factor": 1.609344,  # so that a kilometre of straight line is a mile of road
    "road_miles_an_hour": 30.0,
    "car_cost_pence_a_mile": 45.0,
    "car_kg_carbon_a_mile": 0.25,
    "video_kg_carbon_a_visit": 0.1,
    "travel_time_pounds_an_hour": 6.0,
}
EQUAL = np.ones(5)
GROUPS = [vr.FIFTH, vr.BAND, "rural_urban"]


def one(**changes) -> pd.DataFrame:
    """One draw of the assumptions."""
    return pd.DataFrame([ASSUMED | changes])


def cell(fifth=3, centre=(60.0, 40.0), local=(15.0, 8.0), share=1.0, people=1.0) -> pd.DataFrame:
    """People an hour and 40 km from the centre, and 15 minutes from a local hospital."""
    row = {vr.FIFTH: fifth, "expected_patients": people, "local_share": share}
    row |= dict(zip(("centre_minutes", "centre_km"), centre, strict=True))
    row |= dict(zip(("local_minutes", "local_km"), local, strict=True))
    return pd.DataFrame([row])


def of(plan, parts=None, measure=None, **changes):
    found = vr.journeys(cell() if parts is None else parts, one(**changes), vr.PLANS[plan], EQUAL)
    found = {name: float(values[0, 0]) for name, values in found.items()}
    return found[measure] if measure else found


# Four invented areas, two centres and two local hospitals.
AREAS = pd.DataFrame(
    {
        "area_code": ["a", "b", "c", "d"],
        "expected_patients": [10.0, 20.0, 5.0, 15.0],
        vr.FIFTH: [1, 1, 5, 5],
        "rural_urban": ["urban", "urban", "rural", "urban"],
        "board": ["here", "here", "here", "there"],
    }
)
CENTRE_MINUTES = pd.DataFrame(
    {
        "north": [10.0, 50.0, 90.0, 40.0],  # a lives beside it
        "south": [70.0, 45.0, 95.0, 20.0],  # b and d are nearer to it
    },
    index=pd.Index(AREAS["area_code"], name="area_code"),
)
CENTRE_KM = CENTRE_MINUTES * 0.8
LOCAL_MINUTES = pd.DataFrame(
    {
        "cottage": [12.0, 5.0, np.nan, 30.0],  # c has no road to it
        "town": [30.0, 40.0, 25.0, 20.0],  # as near to d as its centre, and so not nearer
    },
    index=CENTRE_MINUTES.index,
)
LOCAL_KM = LOCAL_MINUTES.fillna(99.0) * 0.5
FOUND = vr.ways((CENTRE_MINUTES, CENTRE_KM), (LOCAL_MINUTES, LOCAL_KM))


def table_of(**ranges) -> pd.DataFrame:
    """Rows of assumptions without ranges, but for those given as (low, high)."""
    rows = []
    for name, value in ASSUMED.items():
        low, high = ranges.get(name, (value, value))
        shape = "uniform" if low < high else "fixed"
        rows.append(
            {"name": name, "title": name.replace("_", " "), "value": value, "low": low,
             "high": high, "distribution": shape}
        )  # fmt: skip
    return pd.DataFrame(rows)


def picked(table, column="estimate", **where) -> float:
    rows = table.loc[(table[list(where)] == pd.Series(where)).all(axis=1), column]
    assert len(rows) == 1, rows
    return float(rows.iloc[0])


# --- Geography ----------------------------------------------------------------------------------


def test_the_way_is_to_the_nearest_by_minutes_and_a_local_hospital_counts_where_it_is_nearer():
    assert FOUND["centre"].tolist() == ["north", "south", "north", "south"]
    assert FOUND["centre_minutes"].tolist() == [10, 45, 90, 20]
    assert FOUND["centre_km"].tolist() == pytest.approx([8, 36, 72, 16])
    # a: the hospital is further than the centre; d: as far. Both keep the centre.
    assert FOUND["local_share"].tolist() == [0, 1, 1, 0]
    assert FOUND["local"].tolist() == ["north", "cottage", "town", "south"]
    assert FOUND["local_minutes"].tolist() == [10, 5, 25, 20]
    assert FOUND["local_km"].tolist() == pytest.approx([8, 2.5, 12.5, 16])


def test_cells_hold_weighted_means_and_bands():
    parts = vr.cells(AREAS, FOUND, [vr.FIFTH])
    assert parts["expected_patients"].tolist() == [30, 20]
    # Fifth 1: (10 x 10 + 20 x 45) / 30; fifth 5: (5 x 90 + 15 x 20) / 20.
    assert parts["centre_minutes"].tolist() == pytest.approx([1000 / 30, 37.5])
    assert parts["local_share"].tolist() == pytest.approx([2 / 3, 0.25])
    bands = vr.cells(AREAS, FOUND, GROUPS)[vr.BAND].tolist()
    assert sorted(bands) == ["30 to 60 minutes", "more than an hour", *["under 30 minutes"] * 2]


@pytest.mark.parametrize("plan", list(vr.PLANS))
def test_merging_areas_into_cells_loses_nothing(plan):
    """Slow twin: every area by itself, averaged over people, against the cells of the fifths."""
    changes = {"video_excluded_ratio": 3.0, "refunded_ratio": 4.0}
    each = vr.cells(AREAS, FOUND, ["area_code"])
    merged = vr.cells(AREAS, FOUND, [])
    assert (len(each), len(merged)) == (4, 2)
    means = []
    for parts in (each, merged):
        weight = parts["expected_patients"].to_numpy() / 50
        found = vr.journeys(parts, one(**changes), vr.PLANS[plan], EQUAL)
        means.append({name: (values @ weight)[0] for name, values in found.items()})
    assert means[0] == pytest.approx(means[1], rel=1e-12)


# --- Visits and people --------------------------------------------------------------------------


def test_visits_of_all_kinds_add_up():
    kinds = vr.visits(one()).iloc[0]
    assert kinds.tolist() == pytest.approx([1.0, 1.5, 0.6, 0.6, 0.3])
    # Weights need not add up to anything.
    doubled = vr.visits(one(**{name: 2 * ASSUMED[name] for name in vr.LATER.values()})).iloc[0]
    assert doubled.tolist() == pytest.approx(kinds.tolist())
    with pytest.raises(AnalysisError, match="more first visits a year than visits"):
        vr.visits(one(first_visits_a_year=5.0))


def test_a_share_is_spread_over_the_fifths_with_its_mean_kept():
    # Ratio 4 in equal steps: 2, root 2, 1, root of a half, a half; their mean is 1.12426.
    spread = assumptions.by_fifth([0.3], [4.0], EQUAL)[0]
    assert spread[0] == pytest.approx(0.3 * 2 / 1.124264, rel=1e-6)
    assert spread[0] / spread[4] == pytest.approx(4)
    assert spread[1] / spread[2] == pytest.approx(4**0.25)
    people = np.array([4.0, 1.0, 1.0, 1.0, 3.0])
    uneven = assumptions.by_fifth([0.3, 0.1], [4.0, 1.0], people)
    assert uneven @ people / people.sum() == pytest.approx([0.3, 0.1])
    assert uneven[1] == pytest.approx(0.1)
    with pytest.raises(AnalysisError, match="above one"):
        assumptions.by_fifth([0.9], [4.0], EQUAL)


def test_a_year_at_the_centre_by_hand():
    """Four journeys of 80 miles and two hours, there and back."""
    assert of(vr.NOW) == pytest.approx(
        {
            "visits to the centre": 4,
            "visits to a local hospital": 0,
            "visits by video": 0,
            "miles": 320,
            "hours": 8,
            "hours with a companion": 12,
            "value of the hours": 48,
            # 320 miles at 45 pence less a tenth of 15 pence, and four times parking.
            "money": 320 * 0.435 + 12,
            "carbon": 80,
        }
    )


def test_all_follow_ups_by_video_by_hand():
    """Of 1.5 follow-ups three quarters are held by video; a fifth of these end in a visit."""
    held = 1.5 * 0.75
    kept = 4 - held * 0.8
    found = of(vr.ALL_FOLLOW_UPS)
    assert found["visits by video"] == pytest.approx(1.125)
    assert found["visits to the centre"] == pytest.approx(3.1)
    assert found["hours"] == pytest.approx(2 * kept)
    assert found["miles"] == pytest.approx(80 * kept)
    assert found["money"] == pytest.approx(80 * kept * 0.435 + 3 * kept)
    assert found["carbon"] == pytest.approx(80 * kept * 0.25 + 0.1 * held)


def test_local_visits_by_hand():
    """Three later visits of 16 miles and half an hour, and one of 80 miles and two hours."""
    found = of("local: all but the first visit")
    assert found["hours"] == pytest.approx(3 * 0.5 + 2)
    assert found["miles"] == pytest.approx(3 * 16 + 80)
    assert found["visits to a local hospital"] == pytest.approx(3)
    assert of(vr.EVERY_LOCAL, measure="hours") == pytest.approx(2)
    # Both: follow-ups by video or, for a quarter of people and a fifth of calls, at the centre.
    both = of("video and local")
    assert both["visits to a local hospital"] == pytest.approx(2.5)
    assert both["visits to the centre"] == pytest.approx(1.5 - 1.125 * 0.8)
    assert both["hours"] == pytest.approx(2.5 * 0.5 + 0.6 * 2)


def test_where_no_hospital_is_nearer_a_local_visit_is_one_at_the_centre():
    parts = cell(local=(60.0, 40.0), share=0.0)
    assert of(vr.EVERY_LOCAL, parts) == pytest.approx(of(vr.NOW, parts))


def test_people_left_out_keep_every_journey():
    left_out = of(vr.ALL_FOLLOW_UPS, video_excluded=1.0)
    assert left_out == pytest.approx(of(vr.NOW))
    # And video asks for nothing of the kind where everything is local.
    everything_local = of(vr.EVERY_LOCAL, video_excluded=1.0)
    assert everything_local == pytest.approx(of(vr.EVERY_LOCAL))


def test_the_refund_repays_cost_and_never_time():
    free, repaid = (of(vr.NOW, refunded=share) for share in (0.0, 1.0))
    assert free["money"] - repaid["money"] == pytest.approx(320 * 0.15)
    for measure in ("hours", "value of the hours", "miles"):
        assert free[measure] == repaid[measure]


def test_more_by_video_never_asks_for_more_hours_and_excluding_more_never_saves_more():
    hours = [of(plan, measure="hours") for plan in list(vr.PLANS)[:4]]
    assert hours == sorted(hours, reverse=True)
    assert hours[0] - hours[2] == pytest.approx(2 * (hours[0] - hours[1]))
    saved = [of(vr.ALL_FOLLOW_UPS, measure="hours", video_excluded=e) for e in (0.0, 0.3, 0.6)]
    assert saved == sorted(saved)
    assert of(vr.NOW, measure="hours", minutes_against_model=1.5) == pytest.approx(12)


@pytest.mark.parametrize(
    "plan", [{"follow-up": (0.7, 0.7)}, {"follow-up": (-0.1, 0.0)}, {"a chat": (1.0, 0.0)}]
)
def test_a_plan_is_made_of_shares_of_known_visits(plan):
    with pytest.raises(AnalysisError, match="It is not so for"):
        vr.journeys(cell(), one(), plan, EQUAL)


# --- Results ------------------------------------------------------------------------------------

PARTS = vr.cells(AREAS, FOUND, GROUPS)
PEOPLE = np.array([30.0, 1.0, 1.0, 1.0, 20.0])


def results(table, draws=200, groups=(vr.FIFTH, vr.BAND)):
    return vr.scenarios(PARTS, table, assumptions.draws(table, draws, 3), PEOPLE, list(groups))


def test_without_doubt_the_interval_is_a_point_and_savings_are_differences():
    found = results(table_of())
    np.testing.assert_allclose(found["ci_low"], found["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found["ci_high"], found["estimate"], rtol=1e-12)
    # All: (10 x 10 + 20 x 45 + 5 x 90 + 15 x 20) / 50 = 35 minutes, four times there and back.
    now = picked(found, scenario=vr.NOW, group="all", measure="hours")
    assert now == pytest.approx(8 * 35 / 60)
    then = picked(found, scenario=vr.EVERY_LOCAL, group="all", measure="hours")
    # Local: (10 x 10 + 20 x 5 + 5 x 25 + 15 x 20) / 50 = 12.5 minutes.
    assert then == pytest.approx(8 * 12.5 / 60)
    saved = {"scenario": vr.EVERY_LOCAL, "group": "all"}
    assert picked(found, measure="hours saved", **saved) == pytest.approx(now - then)
    assert picked(found, measure=vr.SHARE_SAVED, **saved) == pytest.approx(100 * (1 - 12.5 / 35))
    assert not (found["scenario"].eq(vr.NOW) & found["measure"].str.contains("saved")).any()


def test_the_interval_is_that_of_the_draws():
    """Hours are in proportion to visits: a uniform 2 to 6 gives 95 of 100 in 2.1 to 5.9."""
    found = results(table_of(clinic_visits_a_year=(2.0, 6.0)), draws=20_000, groups=())
    row = {"scenario": vr.NOW, "group": "all", "measure": "hours"}
    assert picked(found, "ci_low", **row) == pytest.approx(2 * 2.1 * 35 / 60, rel=0.01)
    assert picked(found, "ci_high", **row) == pytest.approx(2 * 5.9 * 35 / 60, rel=0.01)


def test_ranges_are_the_outermost_over_the_lists():
    rows = [("A", 5.0, 4.0, 9.0), ("AB", 3.0, 2.0, 4.0), ("ABC", 2.5, 2.2, 3.0)]
    by_list = pd.DataFrame(rows, columns=["centre_list", "estimate", "ci_low", "ci_high"])
    row = vr.over_lists(by_list.assign(measure="hours", expected_patients=1.0)).iloc[0]
    assert (row["estimate"], row["low"], row["high"]) == (3.0, 2.0, 9.0)


def test_the_gap_between_the_fifths_opens_as_the_deprived_are_left_out():
    table = table_of()
    drawn = assumptions.draws(table, 5, 1)
    found = vr.exclusion(PARTS, table, drawn, PEOPLE, [1.0, 3.0])
    share = {"measure": vr.SHARE_SAVED}
    # 1.5 of 4 visits are follow-ups, four fifths of them are spared, by three quarters of people.
    alike = 100 * 1.5 / 4 * 0.8 * 0.75
    assert picked(found, value=1.0, group="1", **share) == pytest.approx(alike)
    assert picked(found, value=1.0, group="5", **share) == pytest.approx(alike)
    most, least = (picked(found, value=3.0, group=group, **share) for group in ("1", "5"))
    excluded = assumptions.by_fifth([0.25], [3.0], PEOPLE)[0]
    assert most == pytest.approx(30 * (1 - excluded[0]))
    assert least == pytest.approx(30 * (1 - excluded[4]))
    assert most < alike < least
    hours = {"measure": "hours", "value": 3.0}
    gap = picked(found, group="1", **hours) - picked(found, group="5", **hours)
    assert picked(found, group="gap", **hours) == pytest.approx(gap)
    # Fifth 1 lives 33 minutes away and fifth 5 37.5: with equal shares it has fewer hours left.
    more = {"group": "gap", "measure": vr.MORE_LEFT}
    assert picked(found, value=1.0, **more) == 0
    same_drive = PARTS.assign(centre_minutes=30.0)
    found = vr.exclusion(same_drive, table, drawn, PEOPLE, [3.0])
    assert picked(found, value=3.0, **more) == 100


def test_whoever_cannot_be_seen_by_video_has_all_hours_left():
    table = table_of()
    drawn = assumptions.draws(table, 5, 1)
    found = vr.with_and_without_video(PARTS, table, drawn, [vr.BAND])
    far = {"group": "more than an hour", "measure": "hours"}
    # Area c alone: four journeys of three hours; 1.2 fewer for those who can.
    assert picked(found, level="cannot", **far) == pytest.approx(12)
    assert picked(found, level="can", **far) == pytest.approx(12 - 1.5 * 0.8 * 3)
    saved = far | {"measure": "hours saved"}
    assert picked(found, level="can", **saved) == pytest.approx(1.5 * 0.8 * 3)
    assert picked(found, level="cannot", **saved) == pytest.approx(0)
    # What is told of everybody is the mean of both.
    whole = {"scenario": vr.ALL_FOLLOW_UPS, "group": "all", "measure": "hours saved"}
    mean = picked(results(table, 5, groups=()), **whole)
    can = picked(found, level="can", group="all", measure="hours saved")
    assert mean == pytest.approx(0.75 * can)


def test_one_plan_is_set_against_another_draw_by_draw():
    table = table_of(video_excluded=(0.0, 0.5))
    found = vr.which_saves_more(
        PARTS, table, assumptions.draws(table, 400, 2), PEOPLE, [vr.BAND, "rural_urban"]
    )
    often = {"measure": "draws in which it saves more"}
    assert picked(found, group="more than an hour", **often) == 100  # 65 of 90 minutes, each visit
    assert picked(found, group="under 30 minutes", **often) == 0  # no hospital is nearer there
    more = picked(found, group="rural", measure="hours saved more")
    assert more == pytest.approx(4 * 2 * 65 / 60 - 1.5 * 0.8 * 0.75 * 3)


def test_one_assumption_at_a_time_moves_the_saving():
    table = table_of(clinic_visits_a_year=(3.0, 7.0), parking_pounds_a_visit=(0.0, 9.0))
    moved = vr.what_moves(PARTS, table, PEOPLE, vr.EVERY_LOCAL)
    # 22.5 minutes less for each visit, there and back; parking moves no hours.
    assert moved["term"].tolist() == ["clinic visits a year"]
    row = moved.iloc[0]
    assert [row["low"], row["estimate"], row["high"]] == pytest.approx([2.25, 3.0, 5.25])
    money = vr.what_moves(PARTS, table, PEOPLE, vr.ALL_FOLLOW_UPS, "money")
    assert set(money["term"]) == {"clinic visits a year", "parking pounds a visit"}


# --- Checks -------------------------------------------------------------------------------------


def test_miles_are_counted_in_two_ways():
    table = table_of(road_miles_an_hour=(20.0, 40.0))
    found = vr.miles_check(PARTS, table, assumptions.draws(table, 2_000, 1))
    # Area c: 72 km, which is 72 miles by road here, in 90 minutes.
    far = {"group": "more than an hour"}
    line, timed = "miles one way, from the straight line", "miles one way, from the minutes"
    assert picked(found, measure=line, **far) == pytest.approx(72)
    assert picked(found, measure=timed, **far) == pytest.approx(45)
    assert picked(found, "ci_high", measure=timed, **far) == pytest.approx(59.25, abs=0.5)
    assert picked(found, measure="speed that both imply", **far) == pytest.approx(48)


def test_miles_beside_those_of_a_pilot():
    pilot = {"visits_avoided": 4.0, "miles_saved": 400.0, "people": 10.0, "months": 24.0}
    factors = (vr.KM_A_MILE, vr.KM_A_MILE / 2, vr.KM_A_MILE * 2)
    found = vr.against_pilot(AREAS, dict.fromkeys(access.LISTS, FOUND), factors, pilot)
    # Mean straight line (10 x 8 + 20 x 36 + 5 x 72 + 15 x 16) / 50 = 28 km, eight ways a year.
    row = {"measure": "miles, everybody"}
    assert picked(found, **row) == pytest.approx(224)
    assert picked(found, "low", **row) == pytest.approx(112)
    assert picked(found, "high", **row) == pytest.approx(448)
    assert picked(found, "difference", **row) == pytest.approx(224 - 400)
    assert picked(found, measure="miles, more than an hour away") == pytest.approx(576)
    nearer = (20 * 36 + 5 * 72) / 25
    assert picked(found, measure="miles, a local hospital nearer") == pytest.approx(8 * nearer)
    # 400 miles are eight ways of 50 km: only c lives as far, and only the hospital of c.
    line = picked(found, measure="straight line one way that gives the pilot's miles")
    assert line * vr.KM_A_MILE == pytest.approx(50)
    assert picked(found, measure="expected patients who live as far") == pytest.approx(10)
    assert picked(found, measure="local hospitals whose people live as far") == pytest.approx(50)
    row = {"measure": "there and back, the pilot's miles being a person's"}
    assert picked(found, "published_estimate", **row) == pytest.approx(100)
    # Ten people for two years: a twentieth of it.
    row = {"measure": "there and back, the pilot's miles being all its people's"}
    assert picked(found, "published_estimate", **row) == pytest.approx(5)
    row = {"measure": "expected patients with longer journeys, the miles being all its people's"}
    assert picked(found, **row) == pytest.approx(100)  # nobody lives within 2.5 km
    nobody_far = AREAS[AREAS["area_code"] != "c"]
    with pytest.raises(AnalysisError, match="nobody is more than an hour away"):
        vr.against_pilot(nobody_far, dict.fromkeys(access.LISTS, FOUND), factors, pilot)


def test_a_hospital_whose_minutes_move_between_the_lists_has_a_range_only():
    def served(minutes, people=5.0, name="town"):
        return pd.DataFrame(
            {"centre": [name], "expected_patients": [people], "centre_minutes": [minutes],
             "local_minutes": [10.0], "centre_km": [50.0], "local_km": [5.0]}
        )  # fmt: skip

    steady = vr.local_over_lists({"A": served(45.0), "AB": served(40.0), "ABC": served(40.0)}, 50)
    saved = {"measure": "minutes saved one way"}
    assert picked(steady, **saved) == 30
    assert (picked(steady, "low", **saved), picked(steady, "high", **saved)) == (30, 35)
    assert picked(steady, measure="nearest for") == 10
    moving = vr.local_over_lists({"A": served(55.0), "AB": served(40.0), "ABC": served(40.0)}, 50)
    assert np.isnan(picked(moving, **saved))
    assert picked(moving, "high", **saved) == 45
    assert set(moving["note"]) == {""}
    gone = vr.local_over_lists({"A": served(45.0), "AB": served(1.0, name="other")}, 50)
    rows = gone[gone["centre"] == "town"]
    assert set(rows["note"]) == {"only on A"}
    assert rows.loc[rows["unit"] == "minutes", "estimate"].isna().all()
    tiny = dict.fromkeys(("A", "AB", "ABC"), served(40.0, people=0.1))
    assert vr.local_over_lists(tiny, 50).empty


def test_people_of_a_local_hospital_are_those_for_whom_it_is_nearer():
    found = vr.by_local_hospital(AREAS, FOUND).set_index("centre")
    assert found.index.tolist() == ["cottage", "town"]
    assert found.loc["cottage", ["expected_patients", "centre_minutes"]].tolist() == [20, 45]


def test_a_hospital_is_a_centre_or_a_local_one_and_never_both():
    def place(name, latitude):
        return {"site": name, "postcode": name, "latitude": latitude, "longitude": -1.5}

    centres = pd.DataFrame(
        [
            place("sure", 52.0) | {"certainty": "A"},
            place("likely", 53.0) | {"certainty": "B"},
            place("doubtful", 54.0) | {"certainty": "C"},
        ]
    )
    # One hospital at each centre, and one 55 km from any.
    rows = []
    for i, latitude in enumerate([52.0, 53.0, 54.0, 52.5]):
        easting, northing = geography.national_grid(latitude, -1.5)
        rows.append(
            {"hospital": f"hospital {i}", "postcode": f"AB{i}1AA", "country": "England",
             "latitude": latitude, "longitude": -1.5, "easting": float(easting),
             "northing": float(northing), "in_matrix": True}
        )  # fmt: skip
    matrix = pd.DataFrame(rows)
    every, named = vr.sites_by_list(matrix, centres, 0.5)
    numbers = {name: [site[9] for site in local] for name, (_, local) in named.items()}
    assert numbers == {"A": ["1", "2", "3"], "AB": ["2", "3"], "ABC": ["3"]}
    assert [len(of_list) for of_list, _ in named.values()] == [1, 2, 3]
    assert len(every) == 6
    assert every["site"].is_unique


def test_an_empty_range_is_written_as_one_number():
    row = {"estimate": 46.02, "low": 45.98, "high": 46.3}
    assert vr.form_of(row, ".0f").format(**row) == "46"
    assert vr.form_of(row, ".1f").format(**row) == "46.0 (46.0 to 46.3)"
    table = pd.DataFrame([row | {"group": "all", "value": 1.5}])
    (told,) = vr.each(table, "of.{value:g}.{group}", ".0f")
    assert told == ("of.1.5.all", "{estimate:.0f}", {"value": 1.5, "group": "all"})


# --- The table of assumptions -------------------------------------------------------------------


def test_every_assumption_of_the_scenario_moves_something():
    table = assumptions.of(tables.read("scenario_assumptions"), "virtual_review")
    moved = set()
    for plan, measure in [
        (vr.ALL_FOLLOW_UPS, "carbon"),
        (vr.ALL_FOLLOW_UPS, "hours with a companion"),
        (vr.ALL_FOLLOW_UPS, "value of the hours"),
        (vr.ALL_FOLLOW_UPS, "money"),
    ]:
        moved |= set(vr.what_moves(PARTS, table, PEOPLE, plan, measure)["term"])
    still = table.loc[~table["title"].isin(moved), "name"].tolist()
    assert still == ["road_miles_an_hour"]  # used by the check of miles only
    assert set(ASSUMED) == set(table["name"])


def test_what_the_page_says_moves_the_answer_moves_it_most():
    """Hours are in proportion to visits wherever people live, so that the order is everywhere."""
    table = assumptions.of(tables.read("scenario_assumptions"), "virtual_review")
    titles = table.set_index("name")["title"]
    moved = vr.what_moves(PARTS, table, PEOPLE, vr.ALL_FOLLOW_UPS)["term"].tolist()
    assert moved[:2] == [titles["clinic_visits_a_year"], titles["later_visits_follow_up"]]


def test_the_titles_of_the_page_hold_in_the_accepted_results():
    compared = pd.read_csv(places.ACCEPTED / "virtual_review_compared.csv")
    often = compared[compared["unit"] == "per cent"].set_index("group")
    assert often.loc["more than an hour", "low"] > 95
    assert often.loc["under 30 minutes", "estimate"] < 95
    shares = pd.read_csv(places.ACCEPTED / "virtual_review_exclusion.csv")
    shares = shares[shares["measure"] == vr.SHARE_SAVED]
    wide = shares.pivot_table(index="value", columns="group", values="estimate")
    beyond = wide[wide.index > 1]
    assert (beyond["1"] < beyond["5"]).all()
    assert len(beyond) == len(vr.RATIOS) - 1


def test_everything_works_on_every_list_and_prose_finds_its_rows():
    table = assumptions.of(tables.read("scenario_assumptions"), "virtual_review")
    minutes = pd.concat([CENTRE_MINUTES, LOCAL_MINUTES], axis=1)
    km = pd.concat([CENTRE_KM, LOCAL_KM], axis=1)
    sites = {name: (["north", "south"], ["cottage", "town"]) for name in access.LISTS}
    pilot = {"visits_avoided": 4.0, "miles_saved": 362.0, "people": 12.0, "months": 14.0}
    drawn = assumptions.draws(table, 60, 1)
    found = vr.everything(AREAS, minutes, km, sites, "here", "north", table, drawn, pilot)
    assert list(found) == list(vr.titles("here", "north"))
    whole = found["virtual_review"]
    assert (whole["low"] <= whole["high"]).all()
    keys = [key for key, _, _ in vr.quoted(whole)]
    assert len(keys) == len(set(keys))
    assert {"now.hours", "follow_ups.1.hours saved", f"every.{vr.SHARE_SAVED}"} <= set(keys)
    assert "now.miles" in keys
    assert "both.hours saved" in keys
    assert "now.1.miles" not in keys
    # The board's people go to the hub, and not to the nearest centre: b would be nearer to south.
    board = found["virtual_review_board"]
    now = picked(board, scenario=vr.NOW, group="all", measure="hours")
    at_hub = (10 * 10 + 20 * 50 + 5 * 90) / 35
    visits = table.set_index("name").loc["clinic_visits_a_year", "value"]
    assert now == pytest.approx(2 * visits * at_hub / 60)
