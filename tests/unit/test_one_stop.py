"""One-stop clinics: a year of journeys worked by hand, and rules that must hold."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions
from distance_to_care.scenarios import one_stop as stop

# Six specialties, four of them on one day, each twice a year: 12 trips, or 2 shared days and 4.
ASSUMED = {
    "specialties_seen": 6.0,
    "specialties_together": 4.0,
    "specialty_visits_a_year_most": 3.0,
    "specialty_visits_a_year_middle": 2.0,
    "specialty_visits_a_year_least": 1.0,
    "further_trips": 0.0,
    "appointment_minutes": 40.0,
    "gap_minutes": 30.0,
    "arrival_minutes": 45.0,
    "companions_child": 1.0,
    "companions_adult": 0.5,
    "trips_on_school_days": 0.5,
    "trips_on_working_days": 0.25,
    "half_day_hours": 4.0,
    "longest_day_hours": 8.0,
    "patient_transport_share": 0.1,
    "patient_transport_ratio": 1.0,
    "patient_transport_pounds_a_journey": 40.0,
    "everyday_visits_a_year": 12.0,
    "parking_pounds_a_visit": 3.0,
    "refunded": 0.1,
    "refunded_ratio": 1.0,
    "refund_pence_a_mile": 15.0,
    "minutes_against_model": 1.0,
    "road_factor": 1.609344,  # so that a kilometre of straight line is a mile of road
    "car_cost_pence_a_mile": 45.0,
    "car_kg_carbon_a_mile": 0.25,
}
EQUAL = np.ones(5)
# Four invented areas: a beside the centre, b in the middle, c far, d half an hour away.
AREAS = pd.DataFrame(
    {
        "area_code": list("abcd"),
        "people": [10, 20, 5, 15],
        "deprivation_quintile": [1, 1, 5, 5],
        "rural_urban": ["urban", "urban", "rural", "urban"],
    }
)
MINUTES = pd.Series([5.0, 45.0, 150.0, 30.0], index=list("abcd"))
KM = pd.Series([2.0, 40.0, 160.0, 20.0], index=list("abcd"))


def one(**changes) -> pd.DataFrame:
    """One draw of the assumptions."""
    return pd.DataFrame([ASSUMED | changes])


def table_of(**ranges) -> pd.DataFrame:
    """Rows of assumptions without ranges, but for those given as (low, high)."""
    rows = []
    for name, value in ASSUMED.items():
        low, high = ranges.get(name, (value, value))
        shape = "uniform" if low < high else "fixed"
        rows.append({"name": name, "title": name.replace("_", " "), "value": value, "low": low,
                     "high": high, "distribution": shape})  # fmt: skip
    return pd.DataFrame(rows)


def picked(table, column="estimate", **where) -> float:
    rows = table.loc[(table[list(where)] == pd.Series(where)).all(axis=1), column]
    assert len(rows) == 1, rows
    return float(rows.iloc[0])


def grouped(groups=(), service=stop.CHILDREN, care=stop.MIDDLE, areas=AREAS, **changes):
    table = table_of().set_index("name")
    for name, value in changes.items():
        table.loc[name, ["value", "low", "high"]] = value
    table = table.reset_index()
    far = stop.where(areas, MINUTES, KM, list(groups))
    drawn = assumptions.draws(table, 2, seed=1)
    return stop.by_group(far, table, drawn, EQUAL, service, care)


# --- Geography ----------------------------------------------------------------------------------


def test_means_and_spread_of_where_people_live():
    far = stop.where(AREAS, MINUTES, KM, ["rural_urban", stop.FIFTH])
    assert far.rows["group"].tolist() == ["all", "rural", "urban", "1", "5"]
    assert far.rows["people"].tolist() == [50, 5, 45, 30, 20]
    # (10 x 5 + 20 x 45 + 5 x 150 + 15 x 30) / 50 minutes, and as much for the others.
    assert far.minutes.tolist() == pytest.approx([43, 150, 1400 / 45, 950 / 30, 60])
    assert far.km.tolist() == pytest.approx([1920 / 50, 160, 1120 / 45, 820 / 30, 55])
    # Fifth 1 has 820 of the 1,920 kilometres of people, fifth 5 the other 1,100.
    assert far.km_by_fifth[0].tolist() == pytest.approx([16.4, 0, 0, 0, 22])
    assert far.km_by_fifth.sum(axis=1).tolist() == pytest.approx(far.km.tolist())
    # More than 30 minutes: b and c; exactly 30 is not more.
    shares = stop.beyond(far.spread, np.array([-5, 4.9, 29.9, 30, 45, 149, 150, 1000]))[:, 0]
    assert shares.tolist() == pytest.approx([1, 1, 0.8, 0.5, 0.1, 0.1, 0, 0])


def test_bands_begin_at_their_first_minute():
    found = stop.bands(np.array([0, 29.9, 30, 60, 89.9, 90, 300]))
    names = list(stop.BANDS)
    assert list(found) == [names[i] for i in (0, 0, 1, 2, 2, 3, 3)]


@pytest.mark.parametrize("fault", ["nobody", "no minutes"])
def test_areas_that_cannot_be_counted_are_refused(fault):
    areas = AREAS.assign(people=0) if fault == "nobody" else AREAS
    minutes = MINUTES.drop("c") if fault == "no minutes" else MINUTES
    with pytest.raises(AnalysisError, match="Nobody lives|no minutes"):
        stop.where(areas, minutes, KM)


# --- Trips --------------------------------------------------------------------------------------


def test_trips_by_hand():
    made = {name: float(value[0]) for name, value in stop.trips(one()).items()}
    assert made == {stop.SEPARATE: 12, stop.ONE_STOP: 6, stop.SAVED: 6, "shared": 2, "together": 4}
    # Half of what was spared must be made after all: 3 of the 6.
    made = stop.trips(one(further_trips=0.5))
    assert made[stop.ONE_STOP][0] == 9
    assert made["together"][0] == 2.5
    assert stop.trips(one(), "most")[stop.SEPARATE][0] == 18
    assert stop.trips(one(), "least")[stop.ONE_STOP][0] == 3


def test_nothing_is_spared_where_nothing_is_brought_together():
    made = stop.trips(one(specialties_together=1.0))
    assert made[stop.SAVED][0] == 0
    found = grouped(specialties_together=1.0)
    saved = found.loc[found["scenario"] == stop.SAVED, "estimate"]
    assert saved.abs().max() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("together", [0.5, 6.5])
def test_more_on_a_day_than_there_are_is_refused(together):
    with pytest.raises(AnalysisError, match="specialties_together"):
        stop.trips(one(specialties_together=together))


def test_the_grid_falls_with_the_share_and_rises_with_the_specialties():
    table = table_of(further_trips=(0.0, 0.4))
    found = stop.grid(table, assumptions.draws(table, 50, seed=3))
    # Six specialties, each twice a year: 12 trips; three on a day spare 2 x 2, all six 5 x 2.
    assert picked(found, group="6", value=0.0) == 12
    assert picked(found, group="6", value=50.0) == 8
    assert picked(found, group="6", value=100.0) == 2
    # One of eight is none that shares a day with another.
    assert picked(found, group="8", value=12.5) == 16
    for _, rows in found.groupby("group"):
        assert (rows.sort_values("value")["estimate"].diff().dropna() <= 0).all()
    assert (found["low"] <= found["high"]).all()


# --- What trips cost ----------------------------------------------------------------------------


def test_a_year_of_one_person_by_hand():
    """People 45 minutes and 40 miles away: 12 trips, or 6 with 6 gaps on the shared days."""
    areas = AREAS[AREAS["area_code"] == "b"]
    found = grouped(areas=areas)
    expected = {
        "trips": (12, 6),
        "hours on the road": (12 * 1.5, 6 * 1.5),
        # 12 x 2.25 hours with arriving; 6 x 2.25 and 6 gaps of half an hour.
        "hours": (27, 16.5),
        "hours with those who come along": (54, 33),
        "miles": (960, 480),
        # Nine of ten trips: 80 miles at 45 pence less a tenth of 15, and 3 pounds to park.
        "money": (0.9 * 12 * (80 * 0.435 + 3), 0.9 * 6 * (80 * 0.435 + 3)),
        "patient transport": (2.4, 1.2),
        "price of patient transport": (96, 48),
        "carbon": (240, 120),
        # An outing takes 90 + 85 minutes, half a day; a shared one 210 more, a whole day.
        "days": (0.5 * 12 * 0.5, 0.5 * (2 + 4 * 0.5)),
    }
    for measure, (apart, joined) in expected.items():
        at = {"group": "all", "measure": measure}
        assert picked(found, scenario=stop.SEPARATE, **at) == pytest.approx(apart), measure
        assert picked(found, scenario=stop.ONE_STOP, **at) == pytest.approx(joined), measure
        assert picked(found, scenario=stop.SAVED, **at) == pytest.approx(apart - joined), measure
    assert picked(found, measure="minutes one way") == 45


def test_adults_have_other_company_and_other_days():
    found = grouped(areas=AREAS[AREAS["area_code"] == "b"], service=stop.ADULTS)
    along = {"scenario": stop.SEPARATE, "measure": "hours with those who come along"}
    assert picked(found, **along) == pytest.approx(27 * 1.5)
    assert picked(found, scenario=stop.SEPARATE, measure="days") == pytest.approx(0.25 * 12 * 0.5)


def test_refunds_are_those_of_the_fifths_that_people_live_in():
    """Four times as often in the most deprived fifth as in the least: steps 2, ... 1, ... 1/2."""
    steps = np.array([2, 2**0.5, 1, 0.5**0.5, 0.5])
    for area, step in (("b", steps[0]), ("c", steps[4])):
        found = grouped(areas=AREAS[AREAS["area_code"] == area], refunded_ratio=4.0)
        pence = 45 - 15 * 0.1 * step / steps.mean()
        paid = 0.9 * 12 * (2 * KM[area] * pence / 100 + 3)
        assert picked(found, scenario=stop.SEPARATE, measure="money") == pytest.approx(paid)


def test_near_people_may_lose_as_many_days_as_they_save_trips_and_hours():
    """Long gaps: five minutes away a trip is short, and a shared day takes a whole day."""
    near = AREAS[AREAS["area_code"] == "a"]
    found = grouped(areas=near, gap_minutes=120.0)
    # 6 trips less, each 10 + 45 minutes; 6 gaps of 2 hours more.
    assert picked(found, scenario=stop.SAVED, measure="hours") == pytest.approx(6 * (55 - 120) / 60)
    assert picked(found, scenario=stop.SAVED, measure="days") == pytest.approx(0.5 * (6 - 2 - 2))


def test_groups_are_their_areas_slow_twin():
    """Every area by itself, averaged over people, against the groups: days and refunds too."""
    changes = {"refunded_ratio": 4.0, "further_trips": 0.2, "half_day_hours": 3.5}
    keys = ["scenario", "measure"]
    far = grouped(["rural_urban"], **changes).set_index([*keys, "group"])["estimate"]
    each = {
        row.area_code: grouped(areas=AREAS[AREAS["area_code"] == row.area_code], **changes)
        .set_index(keys)["estimate"]
        .mul(row.people)
        for row in AREAS.itertuples()
    }
    for group, areas in {"all": "abcd", "urban": "abd", "rural": "c"}.items():
        people = AREAS.loc[AREAS["area_code"].isin(list(areas)), "people"].sum()
        twin = sum(each[area] for area in areas) / people
        together = far.xs(group, level="group")
        assert together.to_dict() == pytest.approx(twin.to_dict()), group


def test_a_share_is_spread_over_the_fifths_and_keeps_its_mean():
    shares = assumptions.by_fifth(
        np.array([0.1, 0.2]), np.array([4.0, 1.0]), np.array([1, 2, 3, 2, 1.0])
    )
    assert shares[0, 0] / shares[0, 4] == pytest.approx(4)
    assert (shares @ [1, 2, 3, 2, 1] / 9).tolist() == pytest.approx([0.1, 0.2])
    assert shares[1].tolist() == pytest.approx([0.2] * 5)


def test_ranges_hold_the_estimate_and_come_from_the_draws_alone():
    table = table_of(specialties_together=(3.0, 5.0), gap_minutes=(10.0, 60.0))
    far = stop.where(AREAS, MINUTES, KM)
    found = stop.by_group(far, table, assumptions.draws(table, 400, seed=2), EQUAL, stop.CHILDREN)
    saved = found[found["scenario"] == stop.SAVED]
    assert (saved["ci_low"] < saved["estimate"]).all()
    assert (saved["estimate"] < saved["ci_high"]).all()
    apart = found[found["scenario"] == stop.SEPARATE]
    assert apart["ci_low"].to_numpy() == pytest.approx(apart["ci_high"].to_numpy())


# --- When it does not help ----------------------------------------------------------------------


def test_a_day_is_too_long_beyond_a_drive_worked_by_hand():
    table = table_of()
    far = stop.where(AREAS, MINUTES, KM)
    found = stop.long_days(far, table, assumptions.draws(table, 2, seed=1))
    # Four visits: 45 + 4 x 40 + 3 x 30 = 295 minutes of 480, so 92.5 are left each way: c only.
    of_forty = found[found["group"] == "40"]
    assert picked(of_forty, value=4, measure="longest drive one way") == 92.5
    assert picked(of_forty, value=4, measure=stop.LONGEST) == pytest.approx(10)
    # Six: 435 minutes, 22.5 each way: all but a. Seven: 505 minutes without any drive.
    assert picked(of_forty, value=6, measure=stop.LONGEST) == pytest.approx(80)
    assert picked(of_forty, value=7, measure=stop.LONGEST) == 100
    assert picked(of_forty, value=7, measure="longest drive one way") == 0
    # Four visits of an hour take 80 minutes more than four of 40: 52.5 are left each way.
    of_sixty = found[found["group"] == "60"]
    assert picked(of_sixty, value=4, measure="longest drive one way") == 52.5


def test_hours_are_lost_by_those_who_live_nearer_than_half_of_what_a_gap_is_longer():
    table = table_of()
    far = stop.where(AREAS, MINUTES, KM)
    found = stop.break_even(far, table, assumptions.draws(table, 2, seed=1))
    drive, near = "drive below which hours are lost", "people who live nearer"
    assert picked(found, value=30, measure=drive) == 0
    assert picked(found, value=30, measure=near) == 0
    # (120 - 45) / 2 minutes: a and d live nearer, 25 of 50 people.
    assert picked(found, value=120, measure=drive) == 37.5
    assert picked(found, value=120, measure=near) == pytest.approx(50)
    # At that drive nothing is saved or lost.
    at = AREAS.iloc[:1]
    exact = stop.where(at, pd.Series({"a": 37.5}), KM)
    level = table.assign(value=table["value"].mask(table["name"] == "gap_minutes", 120.0))
    base = pd.DataFrame([assumptions.values(level)])
    same = stop.by_group(exact, level, base, EQUAL, stop.CHILDREN)
    assert picked(same, scenario=stop.SAVED, measure="hours") == pytest.approx(0, abs=1e-12)


def test_everyday_care_near_home_by_hand():
    table = table_of()
    far = stop.where(AREAS, MINUTES, KM)
    found = stop.everyday(np.array([10.0]), far, table, assumptions.draws(table, 2, seed=1))
    # Twelve visits there and back: 10 minutes against 43.
    assert picked(found, scenario="everyday care near home") == pytest.approx(4)
    assert picked(found, scenario="everyday care at the centre") == pytest.approx(17.2)
    assert picked(found, scenario="saved near home") == pytest.approx(13.2)


def test_what_moves_the_answer_most_stands_first():
    table = table_of(specialties_together=(2.0, 5.0), gap_minutes=(29.0, 31.0),
                     longest_day_hours=(6.0, 10.0))  # fmt: skip
    far = stop.where(AREAS, MINUTES, KM)
    found = stop.what_moves(far, table, EQUAL, stop.CHILDREN)
    # What does not move it is left out.
    assert found["term"].tolist() == ["specialties together", "gap minutes"]
    # 43 minutes on average: a spared trip saves 86 + 45 - 30 minutes; 2 to 8 of them.
    assert found["low"].iloc[0] == pytest.approx(2 * 101 / 60)
    assert found["high"].iloc[0] == pytest.approx(8 * 101 / 60)


# --- Anybody's own numbers ----------------------------------------------------------------------

OWN = {"muscles": 2, "breathing": 2, "spine": 1, "nutrition": 4}


def own(visits=OWN, together=("muscles", "breathing", "spine"), minutes=45, miles=40, **more):
    return stop.journeys(visits, together, minutes, miles, table_of(), draws=2, **more)


def test_own_numbers_by_hand():
    found = own()
    # 9 trips; the three share 2 days (the spine is seen on one of them): 3 trips are spared.
    assert picked(found, scenario=stop.SEPARATE, measure="trips") == 9
    assert picked(found, scenario=stop.ONE_STOP, measure="trips") == 6
    # 6 trips of 2.25 hours, and 3 gaps of half an hour.
    assert picked(found, scenario=stop.ONE_STOP, measure="hours") == pytest.approx(15)
    assert picked(found, scenario=stop.SAVED, measure="miles") == pytest.approx(240)
    # Shared days: 175 + 1.5 x 70 minutes, a whole day each; the four others half a day.
    assert picked(found, scenario=stop.ONE_STOP, measure="days") == pytest.approx(0.5 * (2 + 2))


def test_own_numbers_agree_with_the_model_of_everybody():
    visits = dict.fromkeys("abcdef", 2)
    found = own(visits, list("abcd"))
    whole = grouped(areas=AREAS[AREAS["area_code"] == "b"])
    for scenario in (stop.SEPARATE, stop.ONE_STOP, stop.SAVED):
        for measure in stop.UNITS:
            at = {"scenario": scenario, "measure": measure}
            assert picked(found, **at) == pytest.approx(picked(whole, **at)), at


def test_days_are_counted_one_by_one_where_visits_differ():
    """Muscles three times and breathing once: one shared day of two, and two of the muscles."""
    found = own({"muscles": 3, "breathing": 1}, ["muscles", "breathing"], minutes=70)
    # A single outing takes 140 + 85 minutes, within four hours; the shared one 70 more: too long.
    assert picked(found, scenario=stop.SEPARATE, measure="days") == pytest.approx(0.5 * 4 / 2)
    assert picked(found, scenario=stop.ONE_STOP, measure="days") == pytest.approx(0.5 * (1 + 2 / 2))
    # Six and one, further away, where every outing takes a whole day: one day is spared of seven.
    far = own({"muscles": 6, "breathing": 1}, ["muscles", "breathing"], minutes=90)
    assert picked(far, scenario=stop.SAVED, measure="days") == pytest.approx(0.5 * 1)


def test_further_trips_are_taken_from_what_a_family_saves():
    table = table_of().set_index("name")
    table.loc["further_trips", ["value", "low", "high"]] = 0.25
    visits = dict.fromkeys("abcdef", 2)
    found = stop.journeys(visits, list("abcd"), 45, 40, table.reset_index(), draws=2)
    # Six trips would be spared, and a quarter of them made after all.
    assert picked(found, scenario=stop.SAVED, measure="trips") == pytest.approx(4.5)
    assert picked(found, scenario=stop.ONE_STOP, measure="trips") == pytest.approx(7.5)
    whole = grouped(areas=AREAS[AREAS["area_code"] == "b"], further_trips=0.25)
    for measure in stop.UNITS:
        at = {"scenario": stop.SAVED, "measure": measure}
        assert picked(found, **at) == pytest.approx(picked(whole, **at)), at


def test_half_days_by_hand_where_some_live_far():
    # An outing of one visit takes 85 minutes and two drives: a whole day from 77.5 minutes one way.
    # Five of fifty people live further; half of twelve trips fall on school days.
    found = grouped()
    assert picked(found, scenario=stop.SEPARATE, measure="days") == pytest.approx(
        0.5 * 12 * (0.5 + 0.5 * 5 / 50)
    )
    # Twice as slow, from 38.75: the twenty people at 45 minutes as well.
    slow = grouped(minutes_against_model=2.0)
    assert picked(slow, scenario=stop.SEPARATE, measure="days") == pytest.approx(
        0.5 * 12 * (0.5 + 0.5 * 25 / 50)
    )


def test_patient_transport_by_the_fifths_that_people_live_in():
    """Thirty people in the most deprived fifth, twenty in the least; ratio four, equal fifths."""
    found = grouped(["rural_urban"], patient_transport_ratio=4.0)
    steps = 4.0 ** np.array([0.5, 0.25, 0.0, -0.25, -0.5])
    most, least = 0.1 * steps[[0, 4]] / steps.mean()
    everybody = {"scenario": stop.SEPARATE, "group_by": "all"}
    share = (30 * most + 20 * least) / 50
    rides = picked(found, measure="patient transport", **everybody)
    assert rides == pytest.approx(2 * 12 * share)
    # Miles one way: a 2, b 40 (most deprived), c 160, d 20 (least).
    riding = (most * (10 * 2 + 20 * 40) + least * (5 * 160 + 15 * 20)) / 50
    miles = picked(found, measure="miles by patient transport", **everybody)
    assert miles == pytest.approx(2 * 12 * riding)
    # Whoever rides pays nothing: the rest pays 45 pence a mile, less 15 for one in ten, and parks.
    own_miles = (10 * 2 + 20 * 40 + 5 * 160 + 15 * 20) / 50 - riding
    paid = 12 * (2 * own_miles * (0.45 - 0.1 * 0.15) + 3 * (1 - share))
    assert picked(found, measure="money", **everybody) == pytest.approx(paid)
    country = {"scenario": stop.SEPARATE, "group": "rural"}
    assert picked(found, measure="patient transport", **country) == pytest.approx(24 * least)
    with pytest.raises(AnalysisError, match="above one"):
        grouped(patient_transport_share=0.9, patient_transport_ratio=4.0)


@pytest.mark.parametrize("together", [(), ("spine",)])
def test_own_numbers_without_a_shared_day_save_nothing(together):
    found = own(together=together)
    assert (found.loc[found["scenario"] == stop.SAVED, "estimate"] == 0).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"together": ["heart"]}, "heart"),
        ({"visits": {}, "together": []}, "one specialty or more"),
        ({"minutes": -1}, "below 0"),
        ({"visits": {"muscles": float("nan")}, "together": []}, "below 0"),
        ({"minutes": "75"}, "as numbers"),
        ({"together": "muscles"}, "as a list"),
        ({"service": "kids"}, "children, adults"),
    ],
)
def test_own_numbers_that_cannot_be_are_refused_in_a_sentence(changes, said):
    with pytest.raises(AnalysisError, match=said):
        own(**changes)


# --- Everything ---------------------------------------------------------------------------------


def test_ranges_over_lists_and_a_region_that_moves_has_no_single_number():
    rows = []
    for grades, north, south in (("A", 60.0, 20.0), ("AB", 40.0, 20.0), ("ABC", 30.0, 19.0)):
        for group, minutes in (("north", north), ("south", south)):
            for measure in ("minutes one way", "hours"):
                rows.append({"centre_list": grades, "group_by": "region", "group": group,
                             "measure": measure, "estimate": minutes, "ci_low": minutes - 1,
                             "ci_high": minutes + 1})  # fmt: skip
    by_list = pd.DataFrame(rows)
    exact = by_list["measure"] == "minutes one way"
    for end in ("ci_low", "ci_high"):
        by_list[end] = by_list[end].mask(exact, by_list["estimate"])
    found = stop.over_lists(by_list)
    hours = found[found["measure"] == "hours"].set_index("group")
    assert np.isnan(hours.loc["north", "estimate"])
    assert hours.loc["north", ["low", "high"]].tolist() == [29, 61]
    assert hours.loc["south", ["estimate", "low", "high"]].tolist() == [20, 18, 21]


def test_everything_on_an_invented_country():
    areas = pd.DataFrame({"area_code": list("abcd"), "region": ["N", "N", "S", "S"]})
    population = pd.DataFrame({"area_code": list("abcd"), "people": [30, 40, 25, 35]})
    for age in range(18):
        population[f"age_{age}"] = [1, 1, 0, 1] if age else [2, 1, 1, 1]
    imd = pd.DataFrame({"area_code": list("abcd"), "imd_decile": [1, 2, 9, 10]})
    rural = pd.DataFrame({"area_code": list("abcd"), "rural_urban": ["urban"] * 3 + ["rural"]})
    known = stop.people_of_areas(areas, population, imd, rural)
    assert known["children"].tolist() == [19, 18, 1, 18]
    assert known["adults"].tolist() == [11, 22, 24, 17]
    assert known["deprivation_quintile"].tolist() == [1, 1, 5, 5]
    # Children have one sure centre, adults one that is sure and one that is not.
    centres = pd.DataFrame({"service": ["children", "adults", "adults"], "site": ["x", "x", "y"],
                            "certainty": ["A", "A", "C"]})  # fmt: skip
    minutes = pd.DataFrame({"x": MINUTES, "y": [100.0, 90.0, 10.0, 100.0]}, index=list("abcd"))
    minutes.index.name = "area_code"
    hospital = pd.Series([20.0, 5.0, np.nan, 5.0], index=list("abcd"))
    table = table_of(gap_minutes=(20.0, 40.0))
    drawn = assumptions.draws(table, 5, seed=1)
    found = stop.everything(known, centres, minutes, minutes * 0.8, hospital, table, drawn)
    assert set(found) == {"one_stop", "one_stop_care", "one_stop_days", "one_stop_everyday",
                          "one_stop_gaps", "one_stop_grid", "one_stop_moves"}  # fmt: skip
    way = {"measure": "minutes one way", "group_by": "all"}
    main = found["one_stop"]
    assert picked(main, level="children", **way) == pytest.approx(
        (19 * 5 + 18 * 45 + 150 + 18 * 30) / 56
    )
    # The second centre of adults is on the widest list only: the range reaches down to it.
    assert picked(main, level="adults", **way) == pytest.approx(
        (11 * 5 + 22 * 45 + 24 * 150 + 17 * 30) / 74
    )
    assert picked(main, "low", level="adults", **way) == pytest.approx(
        (11 * 5 + 22 * 45 + 24 * 10 + 17 * 30) / 74
    )
    # The south moves by more than ten minutes for adults, and not for children.
    south = {"scenario": stop.SAVED, "measure": "hours", "group": "S"}
    assert np.isnan(picked(main, level="adults", **south))
    assert picked(main, level="children", **south) > 0
    # Trips do not hang on places: they are told of everybody only.
    trips = main[main["measure"] == "trips"]
    assert set(trips["group_by"]) == {"all"}
    # Nobody goes further to everyday care than to the centre; without a hospital it is the centre.
    near = found["one_stop_everyday"]
    assert picked(near, level="children", group_by="all", scenario="everyday care near home") == (
        pytest.approx(12 * 2 / 60 * (19 * 5 + 18 * 5 + 150 + 18 * 5) / 56)
    )


def test_the_assumptions_of_the_book_are_sound_and_each_is_used():
    table = assumptions.of(tables.read("scenario_assumptions"), "one_stop")
    assert set(table["name"]) == set(ASSUMED)
    drawn = assumptions.draws(table, 200, seed=1)
    for care in stop.CARE:
        made = stop.trips(drawn, care)
        assert (made[stop.ONE_STOP] <= made[stop.SEPARATE]).all()
        assert (made[stop.ONE_STOP] >= drawn[stop.CARE[care]]).all()


def test_numbers_of_the_prose_have_their_range_unless_it_is_none():
    found = own().assign(kind="scenario")
    told = {key: (form, row) for key, form, row in stop.quoted(found, "one_stop_own")}
    assert set(told) == {"one_stop_own.saved.trips", "one_stop_own.saved.hours"}
    assert told["one_stop_own.saved.trips"][0].format(estimate=3.0) == "3"
    ranged = found.assign(low=found["estimate"] - 1, high=found["estimate"] + 1)
    form = {key: form for key, form, _ in stop.quoted(ranged, "one_stop_own")}
    text = form["one_stop_own.saved.hours"].format(estimate=5.25, low=4.25, high=6.25)
    assert text == "5.2 (4.2 to 6.2)"
    assert stop.quoted(found, "one_stop_grid") == []
    with pytest.raises(AnalysisError, match="saved.hours"):
        stop.quoted(found[found["measure"] != "hours"], "one_stop_own")
