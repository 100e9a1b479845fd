"""Deprived and far: counted by hand, by a slow twin, and place by place to the whole."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import access, deprived_and_far, tables, travel
from distance_to_care.problems import Problem

# area, quintile, place, authority, rural or urban, coastal, people, minutes under A, AB and ABC
INVENTED = [
    ("a", 1, "rural coastal", "Far End", "rural", True, 100, 95, 70, 65),  # both on every list
    ("b", 1, "urban coastal", "Far End", "urban", True, 200, 90, 61, 40),  # not with every site
    ("c", 1, "urban inland", "Middle", "urban", False, 400, 75, 60, 20),  # the line itself is near
    ("d", 2, "rural inland", "Middle", "rural", False, 50, 80, 80, 80),  # far, in the next fifth
    ("e", 5, "urban inland", "Town", "urban", False, 300, 99, 99, 99),  # far, not deprived
    ("f", 1, "urban inland", "Town", "urban", False, 600, 10, 10, 10),  # deprived, not far
]
COLUMNS = ["area_code", "deprivation_quintile", "place", "local_authority", "rural_urban",
           "coastal", "people", "A", "AB", "ABC"]  # fmt: skip


@pytest.fixture
def areas():
    frame = pd.DataFrame(INVENTED, columns=COLUMNS)
    return frame.assign(people_all_ages=frame["people"] * 5, expected_patients=frame["people"] / 8)


@pytest.fixture
def by_list(areas):
    return areas.set_index("area_code")[["A", "AB", "ABC"]].astype(float)


@pytest.fixture(scope="module")
def many():
    """Two thousand invented areas whose minutes fall as the list grows."""
    rng = np.random.default_rng(20261122)
    size = 2000
    place = rng.choice(["rural coastal", "rural inland", "urban coastal", "urban inland"], size)
    areas = pd.DataFrame(
        {
            "area_code": [f"E{i:05d}" for i in range(size)],
            "deprivation_quintile": rng.integers(1, 6, size),
            "place": place,
            "rural_urban": [name.split()[0] for name in place],
            "coastal": [name.endswith("coastal") for name in place],
            "local_authority": rng.choice([f"Authority {i}" for i in range(40)], size),
            "people": rng.integers(0, 900, size),
            "expected_patients": rng.gamma(2, 1, size),
        }
    )
    minutes = np.sort(rng.gamma(3, 15, (size, 3)), axis=1)[:, ::-1]
    return areas, pd.DataFrame(minutes, index=areas["area_code"], columns=["A", "AB", "ABC"])


def told(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table["estimate"].iloc[0]


# --- By hand ------------------------------------------------------------------------------------


def test_counts_of_six_invented_areas(areas, by_list):
    counted = deprived_and_far.count(areas, by_list)
    for name, number, people in (("A", 3, 700), ("AB", 2, 300), ("ABC", 1, 100)):
        assert told(counted, measure="areas", level=name) == number
        assert told(counted, measure="people aged 65 and over", level=name) == people
        assert told(counted, measure="people of all ages", level=name) == people * 5
        assert told(counted, measure="expected patients", level=name) == people / 8
    assert told(counted, measure="coastal areas", level="AB") == 2
    assert told(counted, measure="rural areas", level="AB") == 1


def test_an_area_on_the_line_is_not_far(areas, by_list):
    marked = deprived_and_far.mark(areas, by_list)
    assert not marked.loc[2, "AB"]
    assert deprived_and_far.mark(areas, by_list, far_minutes=59.9).loc[2, "AB"]


def test_two_fifths_add_the_next(areas, by_list):
    counted = deprived_and_far.count(areas, by_list, most_deprived=(1, 2))
    assert told(counted, measure="areas", level="AB") == 3


def test_places_without_any_are_left_out_and_a_place_of_one_list_has_zeros(areas, by_list):
    counted = deprived_and_far.count(areas, by_list, ["local_authority"])
    assert set(counted["local_authority"]) == {"Far End", "Middle"}
    assert told(counted, local_authority="Middle", measure="areas", level="A") == 1
    assert told(counted, local_authority="Middle", measure="areas", level="AB") == 0


def test_each_area_says_under_which_lists_it_is_both(areas, by_list):
    both = deprived_and_far.areas_that_are_both(areas, by_list).set_index("area_code")
    assert both["status"].to_dict() == {
        "a": "every list", "b": "surest sites and base list", "c": "surest sites only",
    }  # fmt: skip
    assert both.loc["a", ["travel_minutes", "low", "high"]].tolist() == [70, 65, 95]


def test_shares_and_what_chance_alone_would_give(areas, by_list):
    found = deprived_and_far.overlap(areas, by_list, "place")
    found = found[(found["level"] == "AB") & (found["group"] == "all")]
    everybody, deprived, far, both = 1650, 1300, 650, 300
    assert told(found, measure="of people in deprived areas, those who are far") == pytest.approx(
        100 * both / deprived
    )
    assert told(found, measure="of far people, those in deprived areas") == pytest.approx(
        100 * both / far
    )
    assert told(found, measure="of all people, those in deprived areas") == pytest.approx(
        100 * deprived / everybody
    )
    assert told(found, measure=deprived_and_far.AGAINST_CHANCE) == pytest.approx(
        100 * both / (deprived * far / everybody)
    )


def test_a_share_of_nobody_is_missing(areas, by_list):
    found = deprived_and_far.overlap(areas, by_list, "place")
    shares = found[(found["group"] == "rural inland") & (found["level"] == "AB")]
    assert np.isnan(told(shares, measure="of people in deprived areas, those who are far"))
    assert told(shares, measure="of far people, those in deprived areas") == 0


def test_if_unrelated_there_are_as_many_as_chance_gives():
    # Every quintile has the same minutes.
    areas = pd.DataFrame(
        {
            "area_code": [f"{q}{m}" for q in range(1, 6) for m in range(4)],
            "deprivation_quintile": [q for q in range(1, 6) for _ in range(4)],
            "people": [10 * q for q in range(1, 6) for _ in range(4)],
        }
    )
    minutes = [m * 25.0 for _ in range(5) for m in range(4)]
    by_list = pd.DataFrame({"A": minutes, "AB": minutes, "ABC": minutes}, index=areas["area_code"])
    found = deprived_and_far.overlap(areas, by_list)
    ratios = found[found["measure"] == deprived_and_far.AGAINST_CHANCE]["estimate"]
    assert ratios.to_numpy() == pytest.approx(100)


def test_chance_within_kinds_of_place_is_added_up(areas, by_list):
    found = deprived_and_far.overlap(areas, by_list, "rural_urban", apart="place")
    base = found[found["level"] == "AB"].set_index(["group", "measure"])["estimate"]
    chance = deprived_and_far.AGAINST_CHANCE
    # Urban coastal: 200 x 200 / 200; urban inland: 1,000 x 300 / 1,300. Both: 200 and none.
    expected = 200 + 1000 * 300 / 1300
    apart = deprived_and_far.APART.format("urban")
    assert base[apart, chance] == pytest.approx(100 * 200 / expected)
    assert base["urban", chance] == pytest.approx(100 * 200 / (1200 * 500 / 1500))
    # Such a group has no shares of its own, and a group of one kind has no second row.
    assert [measure for group, measure in base.index if group == apart] == [chance]
    alone = deprived_and_far.overlap(areas, by_list, "place", apart="place")
    assert deprived_and_far.APART.format("urban inland") not in set(alone["group"])


def test_interval_against_chance_leaves_out_one_authority_at_a_time(many):
    areas, by_list = many
    found = deprived_and_far.chance_intervals(areas, by_list, "rural_urban", apart="place")
    found = found.set_index("group")
    known = areas.assign(
        far=areas["people"].where(areas["area_code"].map(by_list["AB"]) > 60, 0),
        deprived=areas["people"].where(areas["deprivation_quintile"] == 1, 0),
    )
    known["both"] = known["deprived"].where(known["far"] > 0, 0)

    def ratio(rows, kinds):
        sums = rows.groupby(kinds)[["both", "deprived", "far", "people"]].sum()
        return 100 * sums["both"].sum() / (sums["deprived"] * sums["far"] / sums["people"]).sum()

    for group, rows, kinds in (
        ("rural", known[known["rural_urban"] == "rural"], "rural_urban"),
        (deprived_and_far.APART.format("all"), known, "place"),
    ):
        authorities = rows["local_authority"].unique()
        left = [np.log(ratio(rows[rows["local_authority"] != one], kinds)) for one in authorities]
        error = (len(left) - 1) / np.sqrt(len(left)) * np.std(left, ddof=1)
        # Student's t with 39 degrees of freedom.
        assert len(left) == 40
        reach = np.exp(2.022691 * error)
        row = found.loc[group]
        assert row["estimate"] == pytest.approx(ratio(rows, kinds))
        assert row["ci_high"] == pytest.approx(row["estimate"] * reach, rel=1e-6)
        assert row["ci_low"] == pytest.approx(row["estimate"] / reach, rel=1e-6)
    counted = deprived_and_far.count(areas, by_list)
    assert found.loc["all", "areas"] == told(counted, measure="areas", level="AB")


def test_interval_is_missing_where_one_authority_holds_all_who_are_both(areas, by_list):
    found = deprived_and_far.chance_intervals(areas, by_list, "rural_urban").set_index("group")
    assert found.loc["rural", "estimate"] == pytest.approx(100 * 100 * 150 / (100 * 150))
    assert found.loc["rural", ["ci_low", "ci_high"]].isna().all()


# --- A slow twin, and parts that add up to the whole --------------------------------------------


@pytest.mark.parametrize("limit", [30.0, 60.0])
def test_counting_equals_its_slow_obvious_version(many, limit):
    areas, by_list = many
    counted = deprived_and_far.count(areas, by_list, ["local_authority"], far_minutes=limit)
    slow = {}
    for row in areas.itertuples():
        for name in by_list:
            if row.deprivation_quintile == 1 and by_list.loc[row.area_code, name] > limit:
                for measure, amount in (
                    ("areas", 1), ("people aged 65 and over", row.people),
                    ("expected patients", row.expected_patients),
                    ("coastal areas", int(row.coastal)),
                    ("rural areas", int(row.rural_urban == "rural")),
                ):  # fmt: skip
                    key = (row.local_authority, measure, name)
                    slow[key] = slow.get(key, 0) + amount
    fast = counted.set_index(["local_authority", "measure", "level"])["estimate"]
    assert {key: value for key, value in fast.items() if value} == pytest.approx(
        {key: value for key, value in slow.items() if value}
    )


@pytest.mark.parametrize("place", ["local_authority", "place"])
def test_places_add_up_to_the_whole(many, place):
    areas, by_list = many
    whole = deprived_and_far.count(areas, by_list).set_index(["measure", "level"])["estimate"]
    parts = deprived_and_far.count(areas, by_list, [place])
    added = parts.groupby(["measure", "level"])["estimate"].sum()
    assert added.reindex(whole.index).to_numpy() == pytest.approx(whole.to_numpy())


def test_stricter_lines_never_find_more(many):
    areas, by_list = many
    driving = {"as modelled": 1.0, "slower": 1.25}
    grid = deprived_and_far.definitions(areas, by_list, driving)
    people = grid[grid["measure"] == "people aged 65 and over"]
    people = people.set_index(["scenario", "level", "value"])[["estimate", "low", "high"]]
    for column in people:
        cell = people[column]
        assert (cell["slower"] >= cell["as modelled"]).all()
        assert cell["slower"].sum() > cell["as modelled"].sum()
        for scenario in driving:
            one, two = (cell[scenario, name] for name in deprived_and_far.MOST_DEPRIVED)
            assert one.is_monotonic_decreasing
            assert (two >= one).all()
            assert two.sum() > one.sum()
    assert (people["low"] <= people["estimate"]).all()
    assert (people["estimate"] <= people["high"]).all()
    # Kinds of place add up to everybody, and are not measures too.
    kinds = deprived_and_far.definitions(areas, by_list, driving, place="place")
    keys = ["measure", "scenario", "level", "value"]
    added = kinds.groupby(keys)["estimate"].sum()
    assert added.to_numpy() == pytest.approx(
        grid.set_index(keys)["estimate"].reindex(added.index).to_numpy()
    )
    assert not set(grid["measure"]) & {"coastal areas", "rural areas"}


def test_any_measure_of_deprivation_can_be_asked(areas, by_list):
    plain = areas[["area_code", "people"]].assign(income_quintile=[1, 5, 5, 5, 5, 5])
    counted = deprived_and_far.count(plain, by_list, deprivation="income_quintile")
    assert set(counted["measure"]) == {"areas", "people aged 65 and over"}
    assert told(counted, measure="areas", level="A") == 1


# --- Places that depend on the list ---------------------------------------------------------------


@pytest.fixture
def steadiness(areas, by_list):
    minutes = by_list.rename(columns={"A": "first", "AB": "second", "ABC": "third"})
    centres = pd.DataFrame({"site": ["first", "second", "third"], "certainty": ["A", "B", "C"]})
    return deprived_and_far.steadiness(minutes, centres, areas, ["local_authority"])[
        "local_authority"
    ]


def test_a_place_that_is_not_steady_gets_no_single_number(areas, by_list, steadiness):
    areas.loc[areas["local_authority"] == "Middle", "local_authority"] = "Far End"
    counted = deprived_and_far.count(areas, by_list, ["local_authority"])
    ranges = deprived_and_far.by_place(counted, "local_authority", steadiness)
    assert ranges["estimate"].isna().all()
    line = ranges[ranges["measure"] == "areas"].iloc[0]
    assert (line["low"], line["high"]) == (1, 3)
    assert (line["status"], line["steady"]) == ("every list", False)


def test_a_steady_place_keeps_its_number_and_its_range(areas, by_list, steadiness):
    counted = deprived_and_far.count(areas, by_list, ["local_authority"])
    calm = steadiness.assign(steady=True)
    ranges = deprived_and_far.by_place(counted, "local_authority", calm)
    line = ranges[(ranges["measure"] == "areas") & (ranges["local_authority"] == "Far End")]
    assert line[["estimate", "low", "high"]].iloc[0].tolist() == [2, 1, 2]
    assert ranges["steady"].all()
    only_a = ranges[ranges["local_authority"] == "Middle"]
    assert set(only_a["status"]) == {"surest sites only"}


def test_a_place_of_unknown_steadiness_is_refused(areas, by_list, steadiness):
    counted = deprived_and_far.count(areas, by_list, ["local_authority"])
    with pytest.raises(Problem, match="'Far End' is steady"):
        deprived_and_far.by_place(counted, "local_authority", steadiness[:0])
    with pytest.raises(Problem, match="is steady between lists of centres is not known"):
        deprived_and_far.two_ways(areas, by_list, "local_authority", steadiness[:0], (30, 60))


def test_a_map_numbers_steady_places_and_says_where_lists_agree(areas, by_list, steadiness):
    found = deprived_and_far.two_ways(areas, by_list, "local_authority", steadiness, (30, 60))
    minutes = found[found["measure"] == "mean minutes"].set_index("local_authority")
    # Far End: means 91.7, 64 and 48.3; Middle: 75.6, 62.2 and 26.7; Town: 39.7 on every list.
    assert minutes["estimate"].isna().to_dict() == {"Far End": True, "Middle": True, "Town": False}
    assert minutes.loc["Far End", ["low", "high"]].tolist() == pytest.approx([145 / 3, 275 / 3])
    higher = deprived_and_far.two_ways(areas, by_list, "local_authority", steadiness, (30, 40))
    kept = higher[higher["measure"] == "mean minutes"].set_index("local_authority")
    assert (kept["note"] == deprived_and_far.ONE_CLASS).to_dict() == {
        "Far End": True, "Middle": False, "Town": True,
    }  # fmt: skip
    assert (minutes["note"] == deprived_and_far.ONE_CLASS).to_dict() == {
        "Far End": False, "Middle": False, "Town": True,
    }  # fmt: skip
    # One class on every list is no reason to give one number.
    assert np.isnan(kept.loc["Far End", "estimate"])
    assert not kept.loc["Far End", "steady"]
    shares = found[found["measure"] == "people in deprived areas"].set_index("local_authority")
    assert shares["estimate"].to_dict() == pytest.approx(
        {"Far End": 100, "Middle": 100 * 400 / 450, "Town": 100 * 600 / 900}
    )


def test_places_are_named_by_what_the_lists_say(areas, by_list, steadiness):
    areas["board"] = ["North", "South", "South", "South", "South", "South"]
    told = deprived_and_far.places(areas, by_list, {"local_authority": steadiness})
    assert told.set_index("group")["board"].to_dict() == {
        "Far End": "North; South", "Middle": "South",
    }  # fmt: skip
    lines = deprived_and_far.named(told).set_index(["group_by", "group", "level"])
    lines = lines.loc["local_authority"]
    assert lines.loc[("all", "every list"), "note"] == "Far End"
    assert lines.loc[("all", "surest sites only"), "note"] == "Middle"
    assert lines.loc[("steady", "every list"), "estimate"] == 0
    assert lines.loc[("steady", "every list"), "note"] == "none"
    assert lines.loc[("not steady", "every list"), "note"] == "Far End"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Thanet"], "Thanet"),
        (["Dover", "Swale", "Thanet"], "Dover, Swale and Thanet"),
        (["Dover", "Herefordshire, County of"], "Dover; Herefordshire, County of"),
        (["Brighton and Hove", "Dover"], "Brighton and Hove; Dover"),
    ],
)
def test_names_are_joined_so_that_each_can_be_told(names, expected):
    told = pd.DataFrame({"group": names, "measure": "areas", "group_by": "board"})
    told = told.assign(status="every list", estimate=np.nan, steady=False)
    lines = deprived_and_far.named(told).set_index("group")["note"]
    assert lines["all"] == lines["not steady"] == expected


def test_steady_places_are_named_with_their_number_most_first():
    told = pd.DataFrame({"group": ["Dover", "Swale", "Thanet"], "estimate": [2.0, np.nan, 11.0]})
    told = told.assign(measure="areas", group_by="board", status="every list")
    lines = deprived_and_far.named(told.assign(steady=told["estimate"].notna()))
    assert lines.set_index("group")["note"].to_dict() == {
        "all": "Dover, Swale and Thanet",
        "steady": "Thanet (11) and Dover (2)",
        "not steady": "Swale",
    }


def test_every_table_of_the_chapter_says_the_same(many):
    areas, by_list = many
    areas = areas.assign(area_name=areas["area_code"] + " name", board="One Board")
    calm = {
        place: pd.DataFrame({"level": areas[place].unique(), "steady": True})
        for place in ("board", "local_authority")
    }
    found = deprived_and_far.atlas(areas, by_list, calm, 1.25)
    measure = "people aged 65 and over"
    usual = {"measure": measure, "level": "most deprived fifth", "value": 60.0}
    of_all = told(found["lines"], scenario="ordinary driving", group="all", **usual)
    at = areas["area_code"].map(by_list["AB"] > 60) & (areas["deprivation_quintile"] == 1)
    assert of_all == areas.loc[at, "people"].sum()
    kinds = found["lines"][found["lines"]["group"] != "all"]
    kinds = kinds[(kinds["measure"] == measure) & (kinds["level"] == "most deprived fifth")]
    assert kinds["estimate"].sum() == pytest.approx(of_all)
    told_places = found["places"][found["places"]["measure"] == measure]
    assert told_places.groupby("group_by")["estimate"].sum().to_dict() == pytest.approx(
        {"board": of_all, "local_authority": of_all}
    )
    # No table names areas: what an official file says of one is never published row by row.
    assert all("area_code" not in table for table in found.values())
    chance = {"group": "all", "level": "most deprived fifth"}
    intervals = found["chance_intervals"].set_index(["group", "level"])["estimate"]
    against = found["chance"][found["chance"]["measure"] == deprived_and_far.AGAINST_CHANCE]
    against = against.set_index(["group", "level"])["estimate"]
    assert intervals.to_dict() == pytest.approx(against.to_dict())
    chance["measure"] = "of people in deprived areas, those who are far"
    share = told(found["chance"], **chance)
    deprived = areas.loc[areas["deprivation_quintile"] == 1, "people"].sum()
    assert share * deprived / 100 == pytest.approx(of_all)


# --- What a stranger may bring ------------------------------------------------------------------


def test_a_missing_column_is_named(areas, by_list):
    with pytest.raises(Problem, match="no column 'income_quintile'"):
        deprived_and_far.count(areas, by_list, deprivation="income_quintile")


def test_areas_without_deprivation_are_counted_in_the_refusal(areas, by_list):
    areas["deprivation_quintile"] = areas["deprivation_quintile"].astype("Int64")
    areas.loc[:1, "deprivation_quintile"] = pd.NA
    with pytest.raises(Problem, match="2 areas have no 'deprivation_quintile'"):
        deprived_and_far.count(areas, by_list)


def test_areas_without_minutes_are_counted_in_the_refusal(areas, by_list):
    with pytest.raises(Problem, match="1 areas have no minutes"):
        deprived_and_far.count(areas, by_list.drop(index="d"))


def test_a_list_without_a_site_is_named(by_list):
    centres = pd.DataFrame({"site": ["A", "AB"], "certainty": ["B", "C"]})
    with pytest.raises(Problem, match="No centre has certainty A, so the list 'surest sites only'"):
        access.minutes_by_list(by_list, centres)


# --- The real areas -----------------------------------------------------------------------------


def test_fewer_sites_never_bring_an_area_nearer():
    centres = tables.read("centres_ild").groupby("certainty").head(3)
    areas = tables.read("areas").iloc[::300]
    by_list = access.minutes_by_list(travel.minutes_to(centres, areas), centres)
    assert (by_list["A"] >= by_list["AB"]).all()
    assert (by_list["AB"] >= by_list["ABC"]).all()
    base = centres[centres["certainty"].isin(["A", "B"])]
    nearest = travel.nearest_centre(areas, base)
    assert by_list["AB"].to_numpy() == pytest.approx(nearest["travel_minutes"].to_numpy())


def test_what_the_chapter_says_of_chance_holds(official_folder):
    needed = ("imd_2019", "rural_urban_2011", "population_mid2020")
    boards, centres = tables.read("care_boards"), tables.read("centres_ild")
    areas = access.area_table(
        tables.read("areas"),
        boards[boards["version"] == "2026-04"],
        *[tables.official(name) for name in needed],
        tables.read("area_coast"),
        tables.read("atlas_assumptions").set_index("name")["value"],
    )
    by_list = access.minutes_by_list(travel.minutes_to(centres), centres)
    cut = {"place": ("rural_urban", "place"), "apart": "place"}
    one = deprived_and_far.chance_intervals(areas, by_list, **cut).set_index("group")
    two = deprived_and_far.chance_intervals(areas, by_list, most_deprived=(1, 2), **cut)
    two = two.set_index("group")
    apart = deprived_and_far.APART.format("rural")
    assert one.loc["all", "ci_high"] < 100
    for group in ("rural", "urban"):
        assert one.loc[group, "ci_low"] < 100 < one.loc[group, "ci_high"]
    # Most of the rural excess goes once coast and inland are set apart.
    assert one.loc[apart, "estimate"] - 100 < (one.loc["rural", "estimate"] - 100) / 2
    assert (two.loc[["rural", apart, "rural coastal", "rural inland"], "ci_low"] > 100).all()
