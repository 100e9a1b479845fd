"""What hangs on the list of centres: ranges, what is steady, and one doubtful site at a time."""

import re

import numpy as np
import pandas as pd
import pytest

from distance_to_care import access, centre_lists, geography, places, results, tables, travel
from distance_to_care.problems import Problem

# Two towns and a village: a sure site in the first, a site of grade B in the second with one of
# the same trust beside it, and a doubtful site in the village.
CENTRES = pd.DataFrame(
    {
        "centre": ["First", "Second", "Second", "Third"],
        "site": ["Sure", "Likely", "Beside", "Doubtful"],
        "certainty": ["A", "B", "B", "C"],
        "lists": ["first_reading_32", "first_reading_32", "other", "first_reading_32;other"],
    }
)
MINUTES = pd.DataFrame(
    {"Sure": [10, 50, 90], "Likely": [60, 20, 70], "Beside": [60, 22, 70], "Doubtful": [80, 80, 5]},
    index=pd.Index(["first", "second", "village"], name="area_code"),
    dtype=float,
)
AREAS = pd.DataFrame(
    {
        "area_code": ["first", "second", "village"],
        "people": [100, 100, 200],
        "board": ["North", "North", "South"],
    }
)


def estimate(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1, table
    return table["estimate"].iloc[0]


def test_every_list_is_read_out_of_one_table():
    assert centre_lists.sites_of(CENTRES) == {
        "A": ["Sure"],
        "AB": ["Sure", "Likely", "Beside"],
        "ABC": ["Sure", "Likely", "Beside", "Doubtful"],
        "first_reading_32": ["Sure", "Likely", "Doubtful"],
    }
    with pytest.raises(Problem, match="no site for the list A"):
        centre_lists.sites_of(CENTRES.assign(certainty="B"))


def test_headlines_under_every_list_and_for_slower_driving():
    found = centre_lists.headlines(
        MINUTES, CENTRES, AREAS, ["board"], {"ordinary driving": 1.0, "slower driving": 1.25}
    )
    everybody = {"group_by": "all", "scenario": "ordinary driving"}
    # People: (100 x 10 + 100 x 50 + 200 x 90) / 400 with the sure site only.
    assert estimate(found, level="A", measure="mean", **everybody) == pytest.approx(60)
    assert estimate(found, level="AB", measure="mean", **everybody) == pytest.approx(42.5)
    assert estimate(found, level="ABC", measure="mean", **everybody) == pytest.approx(10)
    assert estimate(found, level="A", measure="beyond 60 minutes", **everybody) == 50
    slower = {"group_by": "all", "scenario": "slower driving"}
    # 62.5 minutes from the second town: 300 of 400 people are now beyond an hour.
    assert estimate(found, level="A", measure="mean", **slower) == pytest.approx(75)
    assert estimate(found, level="A", measure="beyond 60 minutes", **slower) == 75
    assert set(found["note"]) >= {
        "surest sites only: 1 sites",
        "list of the first reading: 3 sites",
    }


def test_place_that_moves_by_more_than_ten_minutes_has_a_range_only():
    found = centre_lists.headlines(MINUTES, CENTRES, AREAS, ["board"])
    over = centre_lists.ranges(found).set_index(["group", "measure"])
    south = over.loc[("South", "mean")]
    assert (south["low"], south["high"]) == (5, 90)
    assert not south["steady"]
    assert np.isnan(south["estimate"])
    assert np.isnan(over.loc[("South", "beyond 60 minutes"), "estimate"])
    # Everybody is no named place: the base list's number stands beside its range, without the rule.
    assert over.loc[("all", "mean"), "estimate"] == pytest.approx(42.5)
    assert pd.isna(over.loc[("all", "mean"), "steady"])
    counted = centre_lists.count_steady(over.reset_index().query("group_by == 'board'"))
    assert counted.set_index("level")["estimate"].to_dict() == {
        "all": 2,
        "steady": 0,
        "not steady": 2,
    }
    assert counted.set_index("level")["people"].to_dict()["not steady"] == 400


@pytest.mark.parametrize(("far", "steady"), [(30.0, True), (30.01, False)])
def test_ten_minutes_exactly_is_steady(far, steady):
    minutes = MINUTES.assign(Sure=[far] * 3, Likely=25.0, Beside=25.0, Doubtful=20.0)
    over = centre_lists.ranges(centre_lists.headlines(minutes, CENTRES, AREAS, ["board"]))
    assert (over.loc[over["group_by"] == "board", "steady"] == steady).all()
    assert over.loc[over["group_by"] == "board", "estimate"].notna().all() == steady


def test_gap_between_the_ends_keeps_its_sign():
    found = pd.DataFrame(
        {
            "measure": "mean",
            "scenario": "ordinary driving",
            "group": ["rural 1", "rural 5", "1", "5", "rural 3"],
            "level": "A",
            "estimate": [50.0, 40.0, 30.0, 36.0, 99.0],
            "unit": "minutes",
        }
    )
    ends = centre_lists.between_ends(found).set_index("group")
    assert ends["estimate"].to_dict() == {"rural": 10, "all": -6}
    assert ends["note"].to_dict() == {"rural": "10.0 minutes longer", "all": "6.0 minutes shorter"}
    shares = centre_lists.between_ends(found.assign(unit="per cent")).set_index("group")
    assert shares.loc["all", "note"] == "6.0 percentage points lower"


def test_doubtful_sites_change_alone_and_with_their_trust():
    changes = centre_lists.doubtful(CENTRES)
    assert changes["sites"].tolist() == [
        ("Likely",),
        ("Beside",),
        ("Likely", "Beside"),
        ("Doubtful",),
    ]
    assert changes["scenario"].tolist() == ["left out"] * 3 + ["added"]


def test_what_one_site_moves():
    moves = centre_lists.what_sites_move(MINUTES, CENTRES, AREAS, ["board"])
    mean = {"measure": "change of the mean", "group_by": "all"}
    far = {"measure": "change of the share beyond 60 minutes", "group_by": "all"}
    changed = {"measure": "people whose nearest centre changes", "group_by": "all"}
    # Without the likely site the one beside it serves: two minutes more for 100 of 400 people.
    assert estimate(moves, centre="Likely", **mean) == pytest.approx(0.5)
    assert estimate(moves, centre="Likely", **changed) == 100
    assert estimate(moves, centre="Beside", **mean) == 0
    # Without both the second town goes to the first (+30) and so does the village (+20).
    assert estimate(moves, centre="Likely; Beside", **mean) == pytest.approx(17.5)
    assert estimate(moves, centre="Likely; Beside", **far) == 0
    assert estimate(moves, centre="Doubtful", **mean) == pytest.approx(-32.5)
    assert estimate(moves, centre="Doubtful", **far) == -50
    north = moves[(moves["group"] == "North") & (moves["centre"] == "Doubtful")]
    assert north.empty
    most = centre_lists.most_moved(moves).set_index("centre")
    assert most.loc["Doubtful", ["group", "estimate"]].tolist() == ["South", -65]
    assert "Beside" not in most.index


def test_a_place_that_is_not_steady_moves_in_words_only():
    moves = centre_lists.what_sites_move(MINUTES, CENTRES, AREAS, ["board"])
    places = pd.DataFrame(
        {"group_by": "board", "group": ["North", "South"], "steady": [True, False]}
    )
    keys = ["group", "centre", "measure"]
    told = centre_lists.told_in_words(moves, places).set_index(keys).sort_index()
    one = told.loc[("South", "Doubtful", "change of the mean")]
    assert np.isnan(one["estimate"])
    assert one["note"] == "shorter by more than an hour"
    assert told.loc[("South", "Likely; Beside", "change of the mean"), "note"] == (
        "longer by ten minutes to half an hour"
    )
    assert told.loc["South", "estimate"].isna().all()
    one = told.loc[("North", "Likely", "change of the mean")]
    assert one[["estimate", "note"]].tolist() == [1, "longer by less than a minute"]
    assert one["steady"]
    # England is no named place.
    assert told.loc["all", "estimate"].notna().all()
    assert told.loc["all", "steady"].isna().all()
    one = told.loc[("all", "Doubtful", "change of the share beyond 60 minutes")]
    assert one["note"] == "fewer beyond by ten in a hundred people to half"


@pytest.mark.parametrize(
    ("change", "unit", "words"),
    [
        (0, "minutes", "no change"),
        (-1.0, "minutes", "shorter by less than a minute"),
        (1.1, "minutes", "longer by one to ten minutes"),
        (30.1, "minutes", "longer by half an hour to an hour"),
        (60.1, "minutes", "longer by more than an hour"),
        (-60.0, "percentage points", "fewer beyond by more than half of the people"),
        (0.5, "percentage points", "more beyond by less than one in a hundred people"),
        (12.0, "people", "some people's nearest centre changes"),
    ],
)
def test_changes_in_words(change, unit, words):
    moves = pd.DataFrame(
        {"group_by": "board", "group": "South", "estimate": [change], "unit": unit}
    )
    places = pd.DataFrame({"group_by": ["board"], "group": ["South"], "steady": [False]})
    assert centre_lists.told_in_words(moves, places)["note"].tolist() == [words]


def test_grade_of_the_nearest_centre():
    table = centre_lists.nearest_by_certainty(MINUTES, CENTRES, AREAS, "board")
    shares = table.set_index(["group", "level"])["estimate"]
    assert shares[("all", "A")] == 25
    assert shares[("all", "B")] == 75
    assert shares[("South", "B")] == 100
    assert (shares.groupby("group").sum() == 100).all()


# --- The list as it is ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def england(official_folder):
    """Every area of England with minutes to every site, and the list."""
    centres, boards = tables.read("centres_ild"), tables.read("care_boards")
    needed = ("imd_2019", "rural_urban_2011", "population_mid2020")
    areas = access.area_table(
        tables.read("areas"),
        boards[boards["version"] == "2026-04"],
        *[tables.official(name) for name in needed],
        tables.read("area_coast"),
        tables.read("atlas_assumptions").set_index("name")["value"],
    )
    minutes = travel.minutes_to(centres)
    driving = {"ordinary driving": 1.0, "slower driving": 1.25}
    return minutes, centres, areas, centre_lists.every_result(minutes, centres, areas, driving)


def test_a_longer_list_never_makes_a_drive_longer(england):
    found = england[3]["travel_by_list_of_centres"]
    keys = ["variable", "scenario", "group_by", "group", "measure"]
    wide = found.pivot_table(index=keys, columns="level", values="estimate")
    assert (wide["ABC"] <= wide["AB"]).all()
    assert (wide["AB"] <= wide["A"]).all()
    over = england[3]["travel_ranges"]
    one = over["estimate"].notna()
    assert (over.loc[one, "estimate"] <= over.loc[one, "high"]).all()
    assert (over.loc[one, "low"] <= over.loc[one, "estimate"]).all()


def test_no_unsteady_place_keeps_a_number(england):
    over = england[3]["travel_ranges"]
    places = over[over["group_by"].isin(["region", "board"])]
    assert (places["estimate"].isna() == ~places["steady"].astype(bool)).all()
    for name in ("what_sites_move", "boards_that_sites_move"):
        moved = england[3][name]
        unsteady = moved["group"].isin(places.loc[~places["steady"].astype(bool), "group"])
        assert unsteady.any()
        assert moved.loc[unsteady, "estimate"].isna().all()
        assert moved.loc[~unsteady, "estimate"].notna().all()
    counted = england[3]["steady_places"].set_index(["group_by", "level"])["estimate"]
    assert counted["board", "all"] == 36
    assert counted["board", "steady"] + counted["board", "not steady"] == 36


def test_slow_twin_agrees_on_what_sites_move(england):
    minutes, centres, areas, found = england
    moves = found["what_sites_move"].query("group_by == 'all'")
    base = geography.base_list(centres)["site"].tolist()
    people = areas.set_index("area_code")["people"]
    for centre, kept in (
        ("Castle Hill Hospital", [site for site in base if site != "Castle Hill Hospital"]),
        ("Derriford Hospital", [*base, "Derriford Hospital"]),
    ):
        before = geography.nearest(minutes[base]).set_index("area_code")["value"]
        after = geography.nearest(minutes[kept]).set_index("area_code")["value"]
        change = sum(people[code] * (after[code] - before[code]) for code in people.index)
        told = estimate(moves, centre=centre, measure="change of the mean")
        assert told == pytest.approx(change / people.sum())


def test_boards_add_up_to_england(england):
    minutes, centres, areas, _ = england
    moves = centre_lists.what_sites_move(minutes, centres, areas, ["board"])
    moves = moves[moves["measure"] == "change of the mean"]
    weighted = moves.assign(total=moves["estimate"] * moves["people"])
    sums = weighted.pivot_table(
        index="centre", columns="group_by", values="total", aggfunc="sum", fill_value=0
    )
    np.testing.assert_allclose(sums["board"], sums["all"], rtol=1e-9, atol=1e-3)


def test_what_the_chapter_says_of_every_list_holds(england):
    minutes, centres, areas, found = england
    gaps = found["deprivation_by_list"]
    means = gaps[gaps["measure"] == "mean"]
    assert set(means["level"]) == {"A", "AB", "ABC", "first_reading_32"}
    assert (means.loc[means["group"] == "rural", "estimate"] > 0).all()
    assert (means.loc[means["group"] == "urban", "estimate"] < 0).all()
    # A statement about the share beyond an hour in all of England would not hold.
    far = gaps[(gaps["measure"] == "beyond 60 minutes") & (gaps["scenario"] == "ordinary driving")]
    signs = np.sign(far.loc[far["group"] == "all", "estimate"])
    assert signs.nunique() == 2
    # The choice of list moves the mean of England more than slower driving does.
    told = found["travel_by_list_of_centres"]
    told = told[(told["group_by"] == "all") & (told["measure"] == "mean")]
    told = told.set_index(["variable", "scenario", "level"])["estimate"]
    apart = (told["expected patients"] - told[centre_lists.PEOPLE]).abs()
    assert apart.max() < 2
    told = told[centre_lists.PEOPLE]
    slower = told["slower driving", "AB"] - told["ordinary driving", "AB"]
    assert told["ordinary driving", "A"] - told["ordinary driving", "ABC"] > slower
    moves = found["what_sites_move"].query("group_by == 'all'")
    changes = moves.loc[moves["measure"] == "change of the mean", "estimate"].abs()
    assert changes.max() < 5
    assert estimate(moves, centre="Addenbrooke's Hospital", measure="change of the mean") == 0


# A number of a place on one list, quoted in a page, in a chapter or in a register's cell.
OF_A_PLACE = re.compile(r"map\.(?P<drive>\w+ driving)\.AB\.(?P<place>[^`\].]+)\.mean")
# England as a whole is told with its range beside it.
NO_PLACE = "all"


def single_numbers_of_places(text: str, means: dict[str, float]) -> set[str]:
    """Places whose average moves by more than ten minutes and which one number tells."""
    found = set()
    for quoted in OF_A_PLACE.finditer(text):
        drive, place = quoted["drive"], quoted["place"]
        on_lists = [means[f"map.{drive}.{each}.{place}.mean"] for each in access.LISTS]
        by_list = pd.DataFrame(
            {"group": list(access.LISTS), "level": place, "measure": "mean", "people": 1.0,
             "estimate": on_lists, "unit": "minutes"}
        )  # fmt: skip
        if place != NO_PLACE and not centre_lists.over_lists(by_list)["steady"].item():
            found.add(place)
    return found


def test_no_sentence_tells_a_place_that_moves_between_the_lists_by_one_number():
    numbers = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    means = dict(zip(numbers["key"], numbers["value"], strict=True))
    told = [
        *places.BOOK.glob("*.md"),
        *places.NOTEBOOKS.glob("*.ipynb"),
        *places.DATA.glob("*.csv"),
    ]
    found = {path.name: single_numbers_of_places(path.read_text("utf-8"), means) for path in told}
    assert {name: moved for name, moved in found.items() if moved} == {}
    said = "{number}`map.ordinary driving.AB.East of England.mean` minutes"
    assert single_numbers_of_places(said, means) == {"East of England"}
