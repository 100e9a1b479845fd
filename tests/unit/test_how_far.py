"""How far groups live, as ranges over the lists, and how unequally; the table of every area."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import (
    access,
    atlas,
    care_boards,
    centre_lists,
    figures,
    geography,
    how_far,
    inequality,
    places,
    results,
    tables,
    travel,
)
from distance_to_care.command_line import app
from distance_to_care.problems import Problem
from distance_to_care.publication import area_file

CENTRES = pd.DataFrame(
    {
        "site": ["Sure", "Likely", "Doubtful"],
        "certainty": ["A", "B", "C"],
        "lists": ["x;first_reading_32", "x", "first_reading_32"],
    }
)
# Six areas of two authorities: minutes to the three sites.
MINUTES = pd.DataFrame(
    {
        "Sure": [20.0, 40, 70, 95, 100, 80],
        "Likely": [50.0, 30, 65, 62, 35, 20],
        "Doubtful": [60.0, 60, 30, 61, 90, 75],
    },
    index=pd.Index([f"E{n}" for n in range(6)], name="area_code"),
)
AREAS = pd.DataFrame(
    {
        "area_code": [f"E{n}" for n in range(6)],
        "people": [100, 300, 50, 150, 200, 200],
        "expected_patients": [0.2, 0.5, 0.2, 0.3, 0.6, 0.2],
        "imd_decile": [1, 5, 1, 10, 4, 10],
        "deprivation_quintile": [1, 3, 1, 5, 2, 5],
        "rural_urban": ["urban", "urban", "rural", "rural", "urban", "rural"],
        "place": ["urban inland", "urban coastal", "rural coastal", "rural inland",
                  "urban inland", "rural coastal"],
        "region": ["North", "North", "South", "South", "South", "North"],
        "local_authority_code": ["L1", "L1", "L2", "L2", "L3", "L3"],
    }
)  # fmt: skip


@pytest.fixture
def nearest():
    return access.minutes_by_list(MINUTES, CENTRES)


def one(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1, table
    return table.iloc[0]


# --- Minutes, groups and ranges ---------------------------------------------------------------


def test_nearest_of_each_list_is_the_least_of_its_sites(nearest):
    assert nearest["A"].tolist() == [20, 40, 70, 95, 100, 80]
    assert nearest["AB"].tolist() == [20, 30, 65, 62, 35, 20]
    assert nearest["ABC"].tolist() == [20, 30, 30, 61, 35, 20]


def test_more_sites_are_never_farther(nearest):
    assert (nearest["ABC"] <= nearest["AB"]).all()
    assert (nearest["AB"] <= nearest["A"]).all()


def test_ranges_equal_a_slow_obvious_loop(nearest):
    table = how_far.travel_ranges(nearest, AREAS, "region", "rural_urban")
    for row in table.itertuples():
        part = AREAS[(row.group == "all") | (AREAS["region"] == row.group)]
        part = part[(row.level == "all") | (part["rural_urban"] == row.level)]
        found = {}
        for grades in ("A", "AB", "ABC"):
            minutes = nearest.loc[part["area_code"], grades].to_numpy()
            if row.measure == "mean":
                found[grades] = sum(minutes * part["people"]) / part["people"].sum()
            elif row.measure == "beyond 60 minutes":
                far = part["people"].to_numpy()[minutes > 60].sum()
                found[grades] = 100 * far / part["people"].sum()
        if found:
            assert row.estimate == pytest.approx(found["AB"])
            assert (row.low, row.high) == pytest.approx((min(found.values()), max(found.values())))
        assert row.people == part["people"].sum()
        assert row.areas == len(part)
        assert row.expected_patients == pytest.approx(part["expected_patients"].sum())


def test_groups_add_up_to_everybody(nearest):
    table = how_far.travel_ranges(nearest, AREAS, "region", "rural_urban")
    counted = table[table["measure"] == "mean"].set_index(["group", "level"])["people"]
    assert counted["North", "all"] + counted["South", "all"] == counted["all", "all"] == 1000
    assert counted["all", "rural"] + counted["all", "urban"] == 1000


def test_a_named_place_that_is_not_steady_has_a_range_and_no_number(nearest):
    table = how_far.travel_ranges(nearest, AREAS, "region", named_places=True)
    south = table[table["group"] == "South"]
    assert not south["steady"].any()
    assert south["estimate"].isna().all()
    assert south[["low", "high"]].notna().all(axis=None)
    # The same rule as the chapter on the lists has.
    by_list = access.travel_by_list(MINUTES, CENTRES, AREAS, "region")
    over = centre_lists.over_lists(by_list).set_index("level")["steady"]
    mean = table[table["measure"] == "mean"].set_index("group")["steady"]
    assert mean.to_dict() == over.to_dict()


def test_the_rule_of_steadiness_is_for_named_places_only(nearest):
    table = how_far.travel_ranges(nearest, AREAS, "imd_decile")
    assert "steady" not in table
    assert table["estimate"].notna().all()
    assert ((table["high"] - table["low"]) > centre_lists.STEADY_MINUTES).any()


def test_a_steady_place_keeps_its_number(nearest):
    still = nearest.assign(A=nearest["AB"] + 9, ABC=nearest["AB"])
    table = how_far.travel_ranges(still, AREAS, "region", named_places=True)
    assert table["steady"].all()
    assert table["estimate"].notna().all()


def test_expected_patients_as_weights_are_other_weights(nearest):
    table = how_far.travel_ranges(nearest, AREAS, weight="expected_patients")
    mean = one(table, measure="mean", group="all")
    assert mean["estimate"] == pytest.approx(
        np.average(nearest["AB"], weights=AREAS["expected_patients"])
    )
    assert mean["method"] == "weighted by expected patients"
    assert mean["people"] == 1000


def test_numbers_beyond_are_people_counted_one_by_one(nearest):
    ranges = how_far.travel_ranges(nearest, AREAS, "region")
    beyond = how_far.numbers_beyond(ranges)
    row = one(beyond, measure="beyond 60 minutes", group="all")
    assert row["estimate"] == pytest.approx(50 + 150)
    assert row["high"] == pytest.approx(50 + 150 + 200 + 200)
    assert row["unit"] == "people aged 65 and over"
    of_regions = beyond[(beyond["measure"] == "beyond 60 minutes") & (beyond["group"] != "all")]
    assert of_regions["estimate"].sum() == pytest.approx(row["estimate"])


def test_several_groupings_stand_one_after_the_other(nearest):
    both = how_far.travel_ranges_of(nearest, AREAS, ["region", "imd_decile"], named_places=True)
    regions = how_far.travel_ranges(nearest, AREAS, "region", named_places=True)
    deciles = how_far.travel_ranges(nearest, AREAS, "imd_decile", named_places=True)
    assert both[both["group_by"] == "region"].reset_index(drop=True).equals(regions)
    assert both[both["group_by"] != "region"].reset_index(drop=True).equals(deciles)


def test_spread_equals_people_lined_up_one_by_one(nearest):
    table = how_far.spread(nearest, AREAS, "region")
    assert set(table["level"]) == set(how_far.SHARES)
    assert set(table["group"]) == {"all", "North", "South"}
    for row in table.itertuples():
        part = AREAS[(row.group == "all") | (AREAS["region"] == row.group)]
        found = {}
        for grades in nearest:
            drives = np.sort(np.repeat(nearest.loc[part["area_code"], grades], part["people"]))
            least = int(np.ceil(how_far.SHARES[row.level] * len(drives)))
            # Where the share falls between two people, a value between theirs is right too.
            found[grades] = (drives[least - 1], drives[min(least, len(drives) - 1)])
        low, high = found["AB"]
        assert low <= row.estimate <= high
        assert min(a for a, _ in found.values()) <= row.low <= row.estimate
        assert row.estimate <= row.high <= max(b for _, b in found.values())
        assert row.people == part["people"].sum()


def test_spread_of_expected_patients_has_other_weights(nearest):
    of_people = how_far.spread(nearest, AREAS, "region").set_index(["group", "level"])
    of_patients = how_far.spread(nearest, AREAS, "region", "expected_patients")
    of_patients = of_patients.set_index(["group", "level"])
    at = ("all", "half nearer")
    assert of_people.loc[at, "estimate"] != of_patients.loc[at, "estimate"]


def test_slower_driving_moves_nobody_ahead(nearest):
    table = how_far.travel_ranges(nearest * 1.25, AREAS, "region")
    before = how_far.travel_ranges(nearest, AREAS, "region")
    means, old = (t[t["measure"] == "mean"]["estimate"].to_numpy() for t in (table, before))
    assert means == pytest.approx(1.25 * old)
    far, old = (
        t[t["measure"] == "beyond 60 minutes"]["estimate"].to_numpy() for t in (table, before)
    )
    assert (far >= old).all()


# --- Inequality -------------------------------------------------------------------------------


@pytest.fixture
def eight_copies():
    """Indices within each kind of place need more areas than six: areas, and their minutes."""
    copies = [
        AREAS.assign(
            area_code=AREAS["area_code"] + str(copy),
            place=place,
            rural_urban=place.split()[0],
            imd_decile=(AREAS["imd_decile"] + copy) % 10 + 1,
            local_authority_code=[f"L{(n + copy) % 3}" for n in range(6)],
        )
        for copy, place in enumerate(sorted(set(AREAS["place"])) * 2)
    ]
    minutes = pd.concat([MINUTES.set_axis(MINUTES.index + str(copy)) for copy in range(8)])
    wobble = 1 + np.arange(len(minutes)) % 7 / 10
    areas = pd.concat(copies, ignore_index=True)
    return areas, access.minutes_by_list(minutes.mul(wobble, axis=0), CENTRES)


def test_indices_are_those_of_the_functions(eight_copies):
    areas, nearest = eight_copies
    table = how_far.indices(nearest, areas)
    known = areas.assign(minutes=nearest["AB"].to_numpy())
    for group, part in {
        "all": known,
        "coastal": known[known["place"].str.contains("coast")],
    }.items():
        row = one(table, measure="slope index", centre_list="AB", variable="minutes", group=group)
        answer = inequality.slope_index(
            part, "minutes", "imd_decile", "people", cluster="local_authority_code"
        ).iloc[0]
        assert row["estimate"] == answer["estimate"]
        assert row[["ci_low", "ci_high"]].tolist() == answer[["ci_low", "ci_high"]].tolist()
        assert row["areas"] == len(part)
    kinds = {"all", "urban", "rural", "coastal", "inland", *AREAS["place"]}
    assert set(table["group"]) == kinds
    assert len(table) == len(kinds) * 3 * 3 * 2


def test_indices_beyond_an_hour_are_in_percentage_points(eight_copies):
    areas, nearest = eight_copies
    table = how_far.indices(nearest, areas, measures=("slope index",))
    row = one(table, centre_list="A", variable="beyond 60 minutes", group="all")
    known = areas.assign(far=(nearest["A"] > 60).to_numpy())
    share = inequality.slope_index(known, "far", "imd_decile", "people").iloc[0]
    assert row["estimate"] == pytest.approx(100 * share["estimate"])
    assert row["unit"] == "percentage points"


# --- The first reading and the assumptions ----------------------------------------------------


def test_the_longer_end_is_named_and_never_negative():
    slopes = pd.DataFrame(
        [
            ("slope index", "A", "rural", -30.0, -40.0, -20.0),
            ("slope index", "AB", "rural", -20.0, -35.0, -5.0),
            ("slope index", "ABC", "rural", -10.0, -15.0, -5.0),
            ("slope index", "A", "urban", -2.0, -6.0, 2.0),
            ("slope index", "AB", "urban", 8.0, 3.0, 13.0),
            ("slope index", "ABC", "urban", 4.0, 1.0, 7.0),
            ("relative index", "AB", "rural", 0.5, 0.4, 0.6),
        ],
        columns=["measure", "centre_list", "group", "estimate", "ci_low", "ci_high"],
    ).assign(variable="minutes", group_by="kind of place", unit="minutes")
    table = how_far.longer_end(slopes).set_index("group")
    columns = ["estimate", "ci_low", "ci_high", "low", "high"]
    assert table.loc["rural", columns].tolist() == [20, 5, 35, 10, 30]
    assert table.loc["rural", "note"] == "higher at the most deprived end on every list"
    assert table.loc["urban", columns].tolist() == [8, 3, 13, -2, 8]
    assert table.loc["urban", "note"] == "higher at the least deprived end, not on every list"
    assert len(table) == 2


def test_first_reading_is_set_beside_the_same_list(nearest):
    reading = pd.DataFrame(
        {"measure": ["mean"], "group": ["1"], "level": ["all"], "value": [30.0],
         "unit": ["minutes"]}
    )  # fmt: skip
    table = how_far.against_first_reading(MINUTES, CENTRES, AREAS, reading)
    same = one(table, scenario="the list of the first reading")
    # Sure and Doubtful are on that list: areas E0 and E2 are the most deprived fifth.
    assert same["estimate"] == pytest.approx((20 * 100 + 30 * 50) / 150)
    assert same["difference"] == pytest.approx(same["estimate"] - 30)
    base = one(table, scenario="base list")
    assert base["estimate"] == pytest.approx((20 * 100 + 65 * 50) / 150)


def ages(*people):
    """People of each area at 40, 60 and 85 years, nobody else."""
    table = pd.DataFrame({f"age_{n}": 0 for n in range(90)}, index=range(len(people)))
    table["age_90_and_over"] = 0
    table[["age_40", "age_60", "age_85"]] = people
    return table.assign(area_code=[f"E{n}" for n in range(len(people))])


ASSUMED = {
    "prevalence_per_100000": 50,
    "age_doubling_years": 10,
    "age_youngest": 50,
    "age_flat_from": 80,
}


def test_expected_patients_by_age_add_up_and_double():
    population = ages([1000, 500, 100], [3000, 300, 100])
    table = access.expected_by_age(population, ASSUMED, (0, 50, 60, 80)).set_index("group")
    assert table.loc["0 to 49", "expected_patients"] == 0
    assert table["expected_patients"].sum() == pytest.approx(5000 * 50 / 100_000)
    # 60 is ten years from the youngest age, 80 thirty: two doublings between them.
    ratio = table.loc["80 and over", "estimate"] / table.loc["60 to 79", "estimate"]
    assert ratio == pytest.approx(4)
    by_area = access.expected_patients(population, 50, 10, 50, 80)
    assert by_area.sum() == pytest.approx(table["expected_patients"].sum())


def test_expected_numbers_have_the_range_of_the_prevalence():
    assumptions = pd.DataFrame(
        {"name": ["prevalence_per_100000"], "value": [50.0], "low": [25.0], "high": [100.0]}
    )
    table = how_far.expected_numbers(AREAS, assumptions, ["region"]).set_index("group")
    assert table.loc["all", "estimate"] == pytest.approx(2.0)
    assert table.loc["all", ["low", "high"]].tolist() == pytest.approx([1.0, 4.0])
    assert table.loc[["North", "South"], "estimate"].sum() == pytest.approx(2.0)


def test_the_joint_range_has_the_fewest_of_the_fewest_and_the_most_of_the_most(nearest):
    assumptions = pd.DataFrame(
        {"name": ["prevalence_per_100000"], "value": [50.0], "low": [25.0], "high": [100.0]}
    )
    ranges = how_far.travel_ranges(nearest, AREAS, weight="expected_patients")
    numbers = how_far.numbers_beyond(ranges)
    joint = how_far.with_prevalence(numbers, assumptions)
    one_hour = one(joint, measure="beyond 60 minutes", group="all")
    # Two expected patients: 1.3 of them far on list A, 0.5 on the base list, 0.3 with every site.
    assert one_hour["estimate"] == pytest.approx(0.5)
    assert one_hour["low"] == pytest.approx(0.3 / 2)
    assert one_hour["high"] == pytest.approx(1.3 * 2)
    assert (joint["low"] <= numbers["low"]).all()
    assert (joint["high"] >= numbers["high"]).all()


def test_each_assumption_moves_what_it_says(nearest):
    assumptions = tables.read("atlas_assumptions")
    population = ages([900, 500, 10], [800, 10, 90], [10, 10, 80], [9, 90, 9], [5, 5, 5], [5, 9, 1])
    coast = pd.DataFrame({"area_code": AREAS["area_code"], "coast_km": [1, 3, 4, 7, 9, 40]})
    table = how_far.assumption_effects(nearest, AREAS, population, coast, assumptions)
    titles = assumptions.set_index("name")["title"]
    used = assumptions.set_index("name")["value"]
    doubled = table[table["term"] == titles["prevalence_per_100000"]].set_index("value")["estimate"]
    assert doubled[86.0] / doubled[50.0] == pytest.approx(86 / 50)
    at_use = table[table["value"] == table["term"].map(used.set_axis(titles))]
    steady = at_use[at_use["term"] != titles["slower_driving"]]
    assert (steady["difference"] == 0).all()
    slow = table[(table["term"] == titles["slower_driving"]) & (table["unit"] == "minutes")]
    slow = slow.set_index("value")["estimate"]
    assert slow[1.25] == pytest.approx(1.25 * slow[1.0])
    far = table[table["term"] == titles["far_minutes"]].set_index("value")["estimate"]
    assert far.is_monotonic_decreasing
    of_coast = table[table["term"] == titles["coast_km"]].set_index("value")["estimate"]
    assert of_coast[2.0] == pytest.approx(20)
    assert of_coast[5.0] == pytest.approx((20 * 100 + 30 * 300 + 65 * 50) / 450)


# --- Figures ----------------------------------------------------------------------------------


def test_a_range_figure_says_ranges_and_never_a_number_that_is_not_there(tmp_path, nearest):
    page = results.Page("ranges", root=tmp_path)
    table = how_far.travel_ranges(nearest, AREAS, "region", "rural_urban", named_places=True)
    shown = page.publish(table, "r", "Ranges", ["centres_ild"])
    drawn = figures.ranges(
        shown[shown["measure"] == "mean"],
        "Mean minutes",
        {"North": "the North", "South": "the South"},
        "mean minutes by region",
        {"urban": "Urban", "rural": "Rural"},
    )
    assert "Urban: the North: 28 (28 to 35); the South: 35 to 100." in drawn.alt
    assert "range over the lists" in drawn.alt
    assert "nan" not in drawn.alt
    assert ">nan" not in drawn.svg
    assert set(drawn.rows["group"]) == {"North", "South"}


def test_a_range_figure_needs_no_levels(tmp_path, nearest):
    page = results.Page("ranges", root=tmp_path)
    table = how_far.travel_ranges(nearest, AREAS, "region").drop(columns="level")
    shown = page.publish(table, "r", "Ranges", ["centres_ild"])
    drawn = figures.ranges(
        shown[shown["measure"] == "mean"], "Minutes", {"North": "North"}, "mean minutes"
    )
    assert "the lists. North: 25 (25 to 50)." in drawn.alt


# --- All of England ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def england(official_folder):
    official = [tables.official(name) for name in atlas.NEEDED]
    known = access.area_table(
        tables.read("areas"),
        care_boards.edition(tables.read("care_boards")),
        *official,
        tables.read("area_coast"),
        tables.read("atlas_assumptions").set_index("name")["value"],
    )
    return known, travel.minutes_to(tables.read("centres_ild"))


def test_first_reading_comes_out_again(england):
    known, minutes = england
    table = how_far.against_first_reading(
        minutes, tables.read("centres_ild"), known, tables.read("first_reading")
    )
    same = table[table["scenario"] == "the list of the first reading"]
    # The estimator is another one and the matrix was mended: a tenth tail moves most.
    assert same["difference"].abs().max() < 0.8
    assert same.loc[same["measure"] == "mean", "difference"].abs().max() < 0.3


def test_words_of_the_chapters_hold(england):
    """What the prose says of directions is what the numbers say, under every list."""
    known, minutes = england
    nearest = access.minutes_by_list(minutes, tables.read("centres_ild"))
    table = how_far.indices(nearest, known, measures=("slope index",))
    slopes = table[table["variable"] == "minutes"].set_index(["group", "centre_list"])
    for grades in access.LISTS:
        assert slopes.loc[("urban inland", grades), "ci_low"] > 0
        assert slopes.loc[("rural", grades), "ci_high"] < 0
        assert slopes.loc[("rural inland", grades), "ci_high"] < 0
        for kind in ("urban coastal", "coastal"):
            coast = slopes.loc[(kind, grades)]
            assert coast["ci_low"] < 0 < coast["ci_high"]
    assert slopes.loc[("all", "AB"), "ci_low"] < 0 < slopes.loc[("all", "AB"), "ci_high"]
    shore = slopes.loc["rural coastal"]
    assert ((shore["ci_low"] < 0) & (shore["ci_high"] > 0)).sum() == 2
    beyond = table[table["variable"] == "beyond 60 minutes"].set_index(["group", "centre_list"])
    assert (beyond.loc["urban inland", "estimate"] > 0).all()
    assert (beyond.loc["rural", "ci_high"] < 0).all()
    fifths = how_far.travel_ranges(nearest, known, "deprivation_quintile", "place")
    means = fifths[(fifths["measure"] == "mean")].set_index(["group", "level"])
    for kind, nearer, farther in (("urban inland", "1", "5"), ("rural inland", "5", "1")):
        for column in ("low", "estimate", "high"):
            assert means.loc[(nearer, kind), column] < means.loc[(farther, kind), column]
    assert means.loc[("1", "urban inland"), "estimate"] < means.loc[("5", "urban inland"), "low"]
    assert (
        means.loc[("1", "rural inland"), "estimate"] > means.loc[("5", "rural inland"), "estimate"]
    )
    for column in ("low", "estimate", "high"):
        of_all = means.xs("all", level="level")[column]
        assert of_all["1"] < of_all[["2", "3", "4", "5"]].min()
        kinds = means.loc["all", column]
        assert kinds["rural coastal"] > kinds[["rural inland", "urban coastal"]].max()
        assert kinds["urban inland"] < kinds[["rural inland", "urban coastal"]].min()


# --- The table of every area ------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_area(official_folder):
    return atlas.area_table()


def test_the_table_of_areas_is_whole(every_area, england):
    known, minutes = england
    assert len(every_area) == 32_844
    assert every_area["area_code"].is_unique
    assert not every_area.isna().any(axis=None)
    bands = [n for n in every_area if n.startswith("people_") and n not in atlas.COLUMNS]
    assert (every_area[bands].sum(axis=1) == every_area["people_all_ages"]).all()
    older = every_area[["people_65_to_74", "people_75_to_84", "people_85_and_over"]].sum(axis=1)
    assert (older == every_area["people_65_and_over"]).all()
    nearest = access.minutes_by_list(minutes, tables.read("centres_ild"))
    for grades in access.LISTS:
        found = every_area[f"travel_minutes_{grades}"].to_numpy()
        assert np.abs(found - nearest[grades].reindex(every_area["area_code"])).max() < 0.051


def test_every_column_of_the_table_of_areas_is_explained(every_area):
    about = atlas.about(every_area)
    assert list(about["columns"]) == list(every_area.columns)
    assert all("{" not in meaning for meaning in about["columns"].values())
    assert "ar ownership not included" in about["caution"]


def test_the_same_table_packs_into_the_same_bytes(every_area):
    some = every_area.head(50)
    assert area_file.zipped(some) == area_file.zipped(some.copy())
    with zipfile.ZipFile(io.BytesIO(area_file.zipped(some))) as archive:
        assert archive.namelist() == ["atlas_areas.csv", "atlas_areas.json"]
        back = pd.read_csv(archive.open("atlas_areas.csv"))
        assert json.loads(archive.read("atlas_areas.json"))["rows"] == 50
    assert back["travel_minutes_AB"].tolist() == some["travel_minutes_AB"].tolist()


def test_the_site_has_the_file_and_makes_it_once(every_area, tmp_path, monkeypatch):
    monkeypatch.setattr(atlas, "area_table", lambda: every_area.head(20))
    first = area_file.write(tmp_path / "downloads", tmp_path / "kept")
    assert first.name == area_file.FILE
    assert area_file.FILE in area_file.link("../")
    monkeypatch.setattr(atlas, "area_table", lambda: pytest.fail("made again"))
    again = area_file.write(tmp_path / "second", tmp_path / "kept")
    assert again.read_bytes() == first.read_bytes()
    monkeypatch.setattr(atlas, "area_table", lambda: every_area.head(30))
    monkeypatch.setattr(atlas, "digest", lambda: "changed")
    area_file.write(tmp_path / "third", tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["changed.zip"]


def test_without_official_files_the_site_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    assert area_file.write(tmp_path / "downloads", tmp_path / "kept") is None
    assert not (tmp_path / "downloads").exists()
    assert "distance-to-care atlas" in area_file.link("../")
    assert "href" not in area_file.link("../")
    with pytest.raises(Problem, match=r"imd_2019, rural_urban_2011, population_mid2020.*make data"):
        atlas.area_table()


def test_command_writes_the_table_and_its_description(every_area, tmp_path, monkeypatch):
    monkeypatch.setattr(atlas, "area_table", lambda: every_area.head(40))
    run = CliRunner()
    done = run.invoke(app, ["atlas", "--output", str(tmp_path / "areas.csv")])
    assert done.exit_code == 0, done.output
    assert "40 areas" in done.output
    assert len(pd.read_csv(tmp_path / "areas.csv")) == 40
    assert json.loads((tmp_path / "areas.json").read_text())["columns"]["area_code"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["areas.csv", "areas.json"]
    again = run.invoke(app, ["atlas", "--output", str(tmp_path / "areas.csv")])
    assert again.exit_code == 2
    assert "exists" in again.output


@pytest.mark.parametrize(
    ("output", "said"),
    [("areas.xlsx", "must end in .csv or .zip"), ("nowhere/areas.csv", "does not exist")],
)
def test_command_refuses_an_output_that_cannot_be(tmp_path, output, said):
    done = CliRunner().invoke(app, ["atlas", "--output", str(tmp_path / output)])
    assert done.exit_code == 2
    assert said in done.output


def test_command_says_which_official_files_it_needs(tmp_path):
    output, empty = tmp_path / "areas.csv", tmp_path / "empty"
    empty.mkdir()
    done = CliRunner().invoke(
        app, ["atlas", "--output", str(output), "--open-data", str(empty)],
        env={places.OFFICIAL_VARIABLE: str(empty)},
    )  # fmt: skip
    assert done.exit_code == 2
    assert "make data" in done.output
    assert not output.exists()


def test_straight_lines_belong_to_the_named_centre(every_area):
    centres = tables.read("centres_ild")
    known = tables.read("areas").set_index("area_code").loc[every_area["area_code"]].reset_index()
    km = geography.distances_km(centres, known)
    at = km.columns.get_indexer(every_area["centre_AB"])
    assert every_area["distance_km_AB"].to_numpy() == pytest.approx(
        km.to_numpy()[np.arange(len(km)), at], abs=0.0051
    )
