"""Floating catchments: another library's answers, an obvious twin, and what must always hold.

The numbers are those of the library `access` 1.1.10.post3, from the table of this file with

    cost = wide.rename_axis(columns="dest").stack().rename("cost").reset_index()
    1000 * fca.two_stage_fca(demand, supply, cost, max_cost=60)
    1000 * fca.two_stage_fca(demand, supply, cost, max_cost=90)
    fn = weights.step_fn({20: 1, 40: 0.68, 60: 0.22})
    1000 * fca.two_stage_fca(demand, supply, cost, max_cost=60, weight_fn=fn)

It leaves out areas that reach no site; here they have 0.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import access, tables, travel
from distance_to_care.problems import Problem

AREAS = pd.Index([f"area {number:02d}" for number in range(12)], name="area_code")
# The third area has no people, the last reaches no site, and nobody reaches Coast in an hour.
MINUTES = pd.DataFrame(
    {
        "North": [5, 12, 20, 28, 40, 41, 55, 60, 61, 75, 90, 120],
        "South": [80, 62, 58, 45, 40, 30, 20, 15, 40, 18, 61, 150],
        "East": [60, 59, 33, 20, 21, 10, 45, 70, 80, 95, 20, 110],
        "Coast": [100, 95, 90, 88, 130, 85, 77, 66, 61, 62, 70, 140],
    },
    index=AREAS,
)
DEMAND = pd.Series([310, 420, 0, 280, 515, 330, 298, 401, 367, 222, 349, 260], AREAS)
SUPPLY = pd.Series({"North": 2.0, "South": 1.0, "East": 0.5, "Coast": 1.0})
ENHANCED = (1, 0.68, 0.22)


def twin(supply, demand, minutes, catchment_minutes, weights=(1.0,)):
    """The definition, pair by pair."""

    def weight(area, site):
        for zone, share in enumerate(weights, start=1):
            if minutes.loc[area, site] <= catchment_minutes * zone / len(weights):
                return share
        return 0.0

    ratio = {}
    for site in supply.index:
        who = sum(demand[area] * weight(area, site) for area in demand.index)
        ratio[site] = supply[site] / who if who else 0.0
    return [
        1000 * sum(ratio[site] * weight(area, site) for site in supply.index)
        for area in demand.index
    ]


@pytest.mark.parametrize(
    ("catchment", "weights", "answer"),
    [
        (
            60,
            (1.0,),
            [
                0.982925484201519, 0.982925484201519, 1.39734736567686, 1.39734736567686,
                1.39734736567686, 1.39734736567686, 1.39734736567686, 1.19750723777918,
                0.414421881475342, 0.414421881475342, 0.199840127897682, 0.0,
            ],
        ),
        (
            90,
            (1.0,),
            [
                1.01201172798638, 1.01201172798638, 1.45704955620178, 1.45704955620178,
                1.01201172798638, 1.45704955620178, 1.45704955620178, 1.45704955620178,
                1.45704955620178, 1.30414435742502, 1.45704955620178, 0.0,
            ],
        ),
        (
            60,
            ENHANCED,
            [
                1.40766762854396, 1.40766762854396, 1.67923455665077, 1.3559172223112,
                1.506306528164, 0.995945946753661, 0.919046479871696, 0.84740204469037,
                0.376364320662401, 0.55347694215059, 0.32565652355148, 0.0,
            ],
        ),
    ],
    ids=["two-step, 60", "two-step, 90", "enhanced, 60"],
)  # fmt: skip
def test_answers_of_another_library(catchment, weights, answer):
    found = access.floating_catchment(SUPPLY, DEMAND, MINUTES, catchment, weights)
    assert list(found) == ["area_code", "supply_per_1000"]
    assert found["area_code"].tolist() == AREAS.tolist()
    assert found["supply_per_1000"].tolist() == pytest.approx(answer, rel=1e-12)
    assert twin(SUPPLY, DEMAND, MINUTES, catchment, weights) == pytest.approx(answer, rel=1e-12)


def test_by_hand():
    # Two areas of 100 and 300 people share a site of 2 units; the second has another of its own.
    minutes = pd.DataFrame({"a": [10, 20], "b": [99, 5]}, index=["x", "y"])
    found = access.floating_catchment(
        pd.Series({"a": 2, "b": 3}), pd.Series({"x": 100, "y": 300}), minutes, 30
    )
    assert found["supply_per_1000"].tolist() == pytest.approx([5, 5 + 10])


places = st.integers(2, 7)


@st.composite
def cases(draw):
    areas, sites = draw(places), draw(places)
    minutes = st.one_of(st.integers(0, 100), st.just(None))
    rows = draw(
        st.lists(st.lists(minutes, min_size=sites, max_size=sites), min_size=areas, max_size=areas)
    )
    wide = pd.DataFrame(rows, dtype=float)
    wide.index = [f"area {i}" for i in range(areas)]
    wide.columns = [f"site {i}" for i in range(sites)]
    amounts = st.integers(0, 500)
    demand = draw(st.lists(amounts, min_size=areas, max_size=areas))
    supply = draw(st.lists(amounts, min_size=sites, max_size=sites))
    weights = draw(st.sampled_from([(1.0,), ENHANCED, (1, 0.5), (0.9, 0.9, 0)]))
    return (
        pd.Series(supply, wide.columns),
        pd.Series(demand, wide.index),
        wide,
        draw(st.sampled_from([30, 45, 60])),
        weights,
    )


@settings(max_examples=60, deadline=None)
@given(cases())
def test_equals_its_twin_and_shares_out_the_supply_that_is_reached(case):
    supply, demand, minutes, catchment, weights = case
    found = access.floating_catchment(*case)["supply_per_1000"].to_numpy()
    assert found == pytest.approx(twin(*case), rel=1e-12)
    far = catchment * np.count_nonzero(weights) / len(weights)
    reached = minutes[demand.to_numpy() > 0].le(far).any()
    assert (found * demand.to_numpy()).sum() / 1000 == pytest.approx(supply[reached].sum())


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(2, 9))
def test_only_proportions_count(case, times):
    supply, demand, minutes, catchment, weights = case
    found = access.floating_catchment(*case)["supply_per_1000"].to_numpy()
    for change, factor in (
        ((supply * times, demand, minutes, catchment, weights), times),
        ((supply, demand * times, minutes, catchment, weights), 1 / times),
        ((supply, demand, minutes * times, catchment * times, weights), 1),
        # One more site of that kind, at the same place.
        (
            (
                pd.concat([supply, supply.add_prefix("twin of ")]),
                demand,
                minutes.join(minutes.add_prefix("twin of ")),
                catchment,
                weights,
            ),
            2,
        ),
    ):
        other = access.floating_catchment(*change)["supply_per_1000"].to_numpy()
        assert other == pytest.approx(found * factor, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_one_more_site_takes_nothing_from_anybody(case):
    supply, demand, minutes, catchment, weights = case
    with_all = access.floating_catchment(*case)["supply_per_1000"]
    fewer = access.floating_catchment(supply.iloc[1:], demand, minutes, catchment, weights)
    # But for rounding, of sums in another order.
    assert (with_all >= fewer["supply_per_1000"] * (1 - 1e-12) - 1e-12).all()


def test_tables_say_the_same_as_series():
    expected = access.floating_catchment(SUPPLY, DEMAND, MINUTES, 60)
    supply = SUPPLY.rename_axis("centre").rename("supply").reset_index()
    demand = DEMAND.rename("people").reset_index()
    pairs = MINUTES.reset_index().melt("area_code", var_name="centre", value_name="travel_minutes")
    shuffled = pairs.sample(frac=1, random_state=1)
    for minutes in (MINUTES, MINUTES.reset_index(), pairs, shuffled):
        found = access.floating_catchment(supply, demand, minutes, 60)
        pd.testing.assert_frame_equal(found, expected)
    # The columns of the project's own list: the organisation stands beside the site.
    own = supply.rename(columns={"centre": "site"}).assign(centre="one organisation")
    both = demand.assign(demand=demand["people"], people=1)
    for table in (own, supply.rename(columns={"centre": "name"})):
        found = access.floating_catchment(table, both, MINUTES, 60)
        pd.testing.assert_frame_equal(found, expected)
    # Pairs beyond the catchment need no row, if each area and site has one.
    near = pairs[(pairs["travel_minutes"] <= 130) | (pairs["centre"] == "North")]
    pd.testing.assert_frame_equal(access.floating_catchment(supply, demand, near, 60), expected)


def test_rows_follow_the_demand_and_other_places_play_no_part():
    turned = DEMAND.iloc[::-1]
    found = access.floating_catchment(SUPPLY, turned, MINUTES, 60).set_index("area_code")
    expected = access.floating_catchment(SUPPLY, DEMAND, MINUTES, 60).set_index("area_code")
    assert found.index.tolist() == turned.index.tolist()
    pd.testing.assert_frame_equal(found.loc[AREAS], expected)
    some, two = DEMAND.iloc[:5], SUPPLY[["North", "East"]]
    pd.testing.assert_frame_equal(
        access.floating_catchment(two, some, MINUTES, 60),
        access.floating_catchment(two, some, MINUTES.loc[some.index, two.index], 60),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"supply": SUPPLY.mask(SUPPLY == 2)}, "1 rows of supply are missing.*'North'"),
        ({"supply": SUPPLY.astype(object).replace(2.0, "two")}, "no number; the first is 'North'"),
        ({"supply": pd.concat([SUPPLY, SUPPLY[:1]])}, "supply holds 'North' twice"),
        ({"supply": SUPPLY[:0]}, "supply holds no row"),
        ({"supply": pd.Series({"West": 1})}, "1 sites have no minutes; the first is 'West'"),
        (
            {"supply": SUPPLY.rename("units").reset_index()},
            "needs one column of site or name or centre",
        ),
        ({"demand": -DEMAND}, "11 rows of demand are missing, negative or no number"),
        ({"demand": DEMAND.replace(310, np.inf)}, "1 rows of demand"),
        ({"demand": pd.Series({"area 99": 5})}, "1 areas have no minutes; .* 'area 99'"),
        ({"minutes": -MINUTES}, "48 minutes are below 0"),
        ({"minutes": pd.concat([MINUTES, MINUTES[:1]])}, "The minutes hold areas twice"),
        ({"catchment_minutes": 0}, "catchment_minutes is 0"),
        ({"catchment_minutes": np.nan}, "catchment_minutes is nan"),
        ({"weights": ()}, "weights must be shares"),
        ({"weights": (0.5, 0.6)}, "none above the one before it"),
        ({"weights": (0, 0)}, "weights must be shares"),
        ({"weights": (2, 1)}, "weights must be shares"),
        ({"weights": "abc"}, "weights must be shares"),
        ({"weights": (1, "half")}, "weights must be shares"),
        ({"catchment_minutes": "60"}, "catchment_minutes is '60'"),
        ({"catchment_minutes": None}, "catchment_minutes is None"),
        ({"minutes": MINUTES.astype(object).mask(MINUTES > 40, "x")}, "are no numbers"),
        ({"minutes": {"North": 3}}, "minutes must be a table, and not a dict"),
        ({"supply": dict(SUPPLY)}, "supply must be a series of amounts by site, or a table"),
        ({"demand": dict(DEMAND)}, "demand must be a series of amounts by area_code"),
        ({"weights": (1, -0.5)}, "weights must be shares"),
    ],
)
def test_misuse_is_a_sentence(change, sentence):
    right = {
        "supply": SUPPLY, "demand": DEMAND, "minutes": MINUTES, "catchment_minutes": 60,
        "weights": (1.0,),
    }  # fmt: skip
    assert len(access.floating_catchment(**right)) == 12
    with pytest.raises(Problem, match=sentence):
        access.floating_catchment(**(right | change))


def test_a_pair_given_twice_is_a_sentence():
    pairs = MINUTES.reset_index().melt("area_code", var_name="site", value_name="minutes")
    with pytest.raises(Problem, match="a pair of area and site twice"):
        access.floating_catchment(SUPPLY, DEMAND, pd.concat([pairs, pairs[:1]]), 60)
    words = pairs.assign(minutes=pairs["minutes"].astype(object).mask(pairs["minutes"] > 40, "x"))
    with pytest.raises(Problem, match="are no numbers"):
        access.floating_catchment(SUPPLY, DEMAND, words, 60)


# --- Groups of areas ----------------------------------------------------------------------------


@pytest.fixture
def grouped():
    return pd.DataFrame(
        {
            "area_code": ["x", "y", "z"],
            "supply_per_1000": [0.0, 0.002, 0.004],
            "people": [100, 300, 100],
            "expected_patients": [1.0, 2.0, 1.0],
            "place": ["rural", "rural", "urban"],
        }
    )


def read_off(table, measure, group):
    (row,) = table[(table["measure"] == measure) & (table["group"] == group)].to_dict("records")
    return row


def test_groups_by_hand(grouped):
    table = access.capacity_by(grouped, ["place"])
    # (0 x 100 + 2 x 300) / 400 of a million in the country, 4 in towns, 1000 / 500 in all.
    rural = read_off(table, "capacity in reach", "rural")
    assert (rural["estimate"], rural["people"], rural["group_by"]) == (1.5, 400, "place")
    assert read_off(table, "capacity in reach", "urban")["estimate"] == pytest.approx(4)
    assert read_off(table, "capacity in reach", "all")["estimate"] == pytest.approx(2)
    assert read_off(table, "capacity against England", "urban")["estimate"] == pytest.approx(200)
    assert read_off(table, "no centre in reach", "rural")["estimate"] == pytest.approx(25)
    assert read_off(table, "no centre in reach", "all")["estimate"] == pytest.approx(20)
    assert read_off(table, "people with no centre in reach", "all")["estimate"] == 100
    assert read_off(table, "areas with no centre in reach", "rural")["estimate"] == 1
    patients = "expected patients with no centre in reach"
    assert read_off(table, patients, "rural")["estimate"] == pytest.approx(1)
    by_patients = access.capacity_by(grouped, ["place"], demand="expected_patients")
    found = read_off(by_patients, "capacity in reach", "rural")
    assert found["estimate"] == pytest.approx(0.002 * 2 / 3)
    assert found["unit"] == "units for every 1,000 expected patients"
    assert read_off(by_patients, "no centre in reach", "all")["estimate"] == pytest.approx(25)


def test_groups_add_up_to_everybody(grouped):
    table = access.capacity_by(grouped, ["place"])
    for measure in ("people with no centre in reach", "areas with no centre in reach"):
        rows = table[table["measure"] == measure].set_index("group")["estimate"]
        assert rows["rural"] + rows["urban"] == rows["all"] > 0
    shared = table[table["measure"] == "supply shared out"].set_index("group")["estimate"]
    # 0.002 for every 1,000 of 300 people and 0.004 of 100.
    assert shared.to_dict() == pytest.approx({"all": 0.001, "rural": 0.0006, "urban": 0.0004})
    share = table[table["measure"] == "capacity against England"].set_index("group")
    weights = share["people"] / share["people"]["all"]
    assert (weights * share["estimate"])[["rural", "urban"]].sum() == pytest.approx(100)


def test_a_level_cuts_every_group_and_england_stays_the_measure(grouped):
    cut = access.capacity_by(grouped.assign(fifth=[1, 2, 1]), ["fifth"], "place")
    assert set(cut["level"]) == {"all", "rural", "urban"}
    rows = cut[cut["measure"] == "capacity against England"].set_index(["level", "group"])
    expected = {
        ("all", "all"): 100, ("all", "1"): 100, ("all", "2"): 100,
        ("rural", "all"): 75, ("rural", "1"): 0, ("rural", "2"): 100,
        ("urban", "all"): 200, ("urban", "1"): 200,
    }  # fmt: skip
    assert rows["estimate"].to_dict() == pytest.approx(expected)
    assert rows["people"].to_dict()["rural", "2"] == 300


def by_list(rows):
    """Rows of everybody and two regions under each list, one scenario or more."""
    return pd.DataFrame(
        [
            (scenario, measure, group, grades, value)
            for scenario, measure, group, values in rows
            for grades, value in zip(access.LISTS, values, strict=True)
        ],
        columns=["scenario", "measure", "group", "centre_list", "estimate"],
    ).assign(
        level="all",
        unit=lambda table: table["measure"],
        group_by=lambda table: table["group"].map(lambda name: {"all": "all"}.get(name, "region")),
    )


ASSUMED = [
    ("as assumed", "capacity", "all", (1, 3, 2)),
    ("as assumed", "capacity", "East", (4, 5, 9)),
    ("as assumed", "none", "East", (60, 20, 10)),
]


def test_a_named_place_keeps_its_range_only():
    table = access.capacity_ranges(by_list(ASSUMED), ["region"])
    table = table[table["scenario"] == "as assumed"]
    assert table[["low", "high"]].to_numpy().tolist() == [[1, 3], [4, 9], [10, 60]]
    # England is told with its range, a place by its range alone.
    assert table["estimate"].fillna(-1).tolist() == [3, -1, -1]
    assert "centre_list" not in table
    table = access.capacity_ranges(by_list(ASSUMED))
    assert table["estimate"].dropna().tolist() == [3, 5, 20]


def test_ranges_run_over_every_scenario_of_one_unit():
    other = [("slower driving", *row[1:3], [10 * v for v in row[3]]) for row in ASSUMED]
    found = by_list(ASSUMED + other)
    table = access.capacity_ranges(found)
    every = table[table["scenario"] == "all of these"].set_index(["measure", "group"])
    assert every.loc[("capacity", "East"), ["low", "high"]].tolist() == [4, 90]
    assert every["estimate"].isna().all()
    slower = found["scenario"] == "slower driving"
    found.loc[slower & (found["measure"] == "capacity"), "unit"] = "another"
    mixed = access.capacity_ranges(found)
    assert set(mixed.loc[mixed["scenario"] == "all of these", "measure"]) == {"none"}


def test_a_group_that_a_list_lacks_is_a_sentence():
    found = by_list(ASSUMED)
    with pytest.raises(Problem, match="1 rows are not there under every list"):
        access.capacity_ranges(found[1:])
    with pytest.raises(Problem, match="under the lists A, AB, ABC"):
        access.capacity_ranges(found[found["centre_list"] != "ABC"])


def test_each_assumption_changes_what_it_says():
    areas = pd.DataFrame(
        {
            "area_code": ["x", "y", "z"],
            "people": [100, 300, 200],
            "expected_patients": [1.0, 2.0, 3.0],
            "place": ["rural", "rural", "urban"],
        }
    )
    minutes = pd.DataFrame(
        {"a": [10, 50, 61], "b": [80, 25, 10], "c": [99, 45, 99]}, index=areas["area_code"]
    )
    centres = pd.DataFrame(
        {"centre": ["one", "two", "one"], "site": list("abc"), "certainty": list("ABC")}
    )
    assumptions = tables.read("atlas_assumptions")
    found = access.capacity_by_assumption(areas, minutes, centres, assumptions, ["place"])
    shared = found[(found["measure"] == "supply shared out") & (found["group"] == "all")]
    shared = shared.pivot_table("estimate", "scenario", "centre_list")
    # Nobody but y reaches c, and in half an hour nobody does.
    assert shared.loc["as assumed"].tolist() == pytest.approx([1, 2, 3])
    assert shared.loc["shorter catchment"].tolist() == pytest.approx([1, 2, 2])
    assert shared.loc["one unit an organisation"].tolist() == pytest.approx([1, 2, 2])
    assert shared.loc["uncertain sites count less"].tolist() == pytest.approx([1, 1.5, 2])
    base = found[(found["centre_list"] == "AB") & (found["group"] == "all")]
    without = base[base["measure"] == "people with no centre in reach"].set_index("scenario")
    assert without["estimate"].eq(0).all()
    only_a = found[(found["centre_list"] == "A") & (found["group"] == "all")]
    people = only_a[only_a["measure"] == "people with no centre in reach"].set_index("scenario")
    expected = {"as assumed": 200, "longer catchment": 0, "shorter catchment": 500,
                "slower driving": 500, "expected patients share it": 200}  # fmt: skip
    assert people["estimate"][list(expected)].to_dict() == expected
    share = only_a[only_a["measure"] == "no centre in reach"].set_index("scenario")["estimate"]
    assert share["as assumed"] == pytest.approx(100 / 3)
    assert share["expected patients share it"] == pytest.approx(50)
    rural = found[(found["centre_list"] == "AB") & (found["group"] == "rural")]
    rural = rural[rural["measure"] == "supply shared out"].set_index("scenario")["estimate"]
    # The site b, far for y and near for z, is z's the more, the less a long drive counts.
    usual, less, much_less = (
        rural[name]
        for name in (
            "as assumed", "long drives count for less", "long drives count for much less",
        )
    )  # fmt: skip
    assert usual == pytest.approx(1 + 300 / 500)
    assert less == pytest.approx(1 + 300 * 0.68 / (300 * 0.68 + 200))
    assert much_less == pytest.approx(1 + 300 * 0.4 / (300 * 0.4 + 200))


# --- England ------------------------------------------------------------------------------------


def test_england_shares_out_every_site_and_a_sample_equals_the_twin():
    centres = tables.read("centres_ild")
    base = centres[centres["certainty"].isin(["A", "B"])]
    minutes = travel.minutes_to(base)
    persons = tables.read("areas").set_index("area_code")["persons_2011"]
    supply = pd.Series(1.0, base["site"])
    for weights in ((1.0,), ENHANCED):
        found = access.floating_catchment(supply, persons, minutes, 60, weights)
        assert len(found) == 32_844
        each = found["supply_per_1000"].to_numpy() / 1000
        assert each @ persons.to_numpy() == pytest.approx(len(base))
        assert ((each == 0) == (minutes.min(axis=1) > 60).to_numpy()).all()
        some = persons.iloc[::150]
        quick = access.floating_catchment(supply, some, minutes, 60, weights)
        slow = twin(supply, some, minutes.loc[some.index], 60, weights)
        assert quick["supply_per_1000"].tolist() == pytest.approx(slow, rel=1e-12)


def test_words_of_the_chapter_hold_under_every_list(official_folder):
    """Towns have more than the country; the most deprived rural fifths most often have none."""
    coast, boards = tables.read("area_coast"), tables.read("care_boards")
    assumed = tables.read("atlas_assumptions").set_index("name")["value"]
    official = [
        tables.official(name) for name in ("imd_2019", "rural_urban_2011", "population_mid2020")
    ]
    areas = access.area_table(
        tables.read("areas"), boards[boards["version"] == "2026-04"], *official, coast, assumed
    )
    centres = tables.read("centres_ild")
    minutes, demand = travel.minutes_to(centres), areas.set_index("area_code")["people"]
    for grades in access.LISTS:
        sites = centres.loc[centres["certainty"].isin(list(grades)), "site"]
        found = access.floating_catchment(
            pd.Series(1.0, sites), demand, minutes, assumed["catchment_minutes"]
        )
        areas["supply_per_1000"] = found["supply_per_1000"].to_numpy()
        table = access.capacity_by(areas, ["deprivation_quintile"], "rural_urban")
        wide = table.pivot_table("estimate", index=["level", "group"], columns="measure")
        ratio, none = wide["capacity against England"], wide["no centre in reach"]
        assert (ratio["rural"] < 100).all()
        assert (ratio["urban"] > 100).all()
        assert none["rural"][["1", "2"]].min() > none["rural"][["4", "5"]].max()
        assert (none["rural"] > none["urban"]).all()
        assert wide["supply shared out"]["all"]["all"] == pytest.approx(len(sites))
        by_coast = access.capacity_by(areas, ["coastal"]).set_index(["measure", "group"])
        coast = by_coast["estimate"]["capacity against England"]
        assert coast["True"] < 70
        assert coast["False"] > 100
