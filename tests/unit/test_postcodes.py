"""Postcodes: the table says what its sources say, and any centre's postcode has a place."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from distance_to_care import geography, places, tables, travel
from distance_to_care.problems import Problem


@pytest.fixture(scope="module")
def postcodes():
    return tables.read("postcodes").set_index("postcode")


@pytest.fixture(scope="module")
def sample():
    """Random postcodes of the sources themselves, read by other code than that of the table.

    1,000 live in the look-up of May 2022 and in Code-Point Open of May 2025, 100 that ended before
    May 2022, and 50 that ended and were given again: area by the look-up, place by Code-Point.
    """
    path = places.ROOT / "tests" / "known_answers" / "postcodes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return pd.DataFrame(list(csv.DictReader(file))).set_index("postcode")


def test_a_thousand_random_postcodes_agree_with_the_sources(postcodes, sample):
    live = sample[sample["status"] == "live"].astype({"easting": int, "northing": int})
    assert len(live) == 1000
    ours = postcodes.loc[live.index]
    assert (ours["area_code"] == live["area_code"]).all()
    assert not ours["by_place"].any()
    for column in ("easting", "northing"):
        assert (ours[column] - live[column]).abs().max() <= 50


def test_ended_postcodes_are_left_out(postcodes, sample):
    ended = sample.index[sample["status"] == "ended"]
    assert len(ended) == 100
    assert not postcodes.index.isin(ended).any()


def test_postcodes_given_again_get_the_area_of_their_new_place(postcodes, sample):
    again = sample[sample["status"] == "given again"]
    ours = postcodes.loc[again.index]
    assert len(ours) == 50
    assert ours["by_place"].all()
    for column in ("easting", "northing"):
        assert (ours[column] - again[column].astype(int)).abs().max() <= 50
    # Most were given to homes elsewhere in the district: the old area would be wrong for them.
    assert (ours["area_code"] != again["area_code"]).sum() > 25


def test_every_area_has_postcodes_and_only_known_areas_have(postcodes):
    areas = set(tables.read("areas")["area_code"]) | set(tables.read("wales_areas")["area_code"])
    assert len(areas) == 34_753
    assert set(postcodes["area_code"]) == areas
    assert postcodes.index.is_unique
    assert len(postcodes) == 1_585_391
    assert postcodes["by_place"].sum() == 37_837


def test_places_lie_near_the_centres_of_their_areas(postcodes):
    """Whether found by look-up or on the map, a postcode lies as far from its area's centre."""
    columns = ["area_code", "easting", "northing"]
    centre = pd.concat([tables.read("areas")[columns], tables.read("wales_areas")[columns]])
    centre = centre.set_index("area_code").loc[postcodes["area_code"]]
    km = geography.straight_line_km(
        postcodes["easting"],
        postcodes["northing"],
        centre["easting"].to_numpy(),
        centre["northing"].to_numpy(),
    )
    by_place = postcodes["by_place"].to_numpy()
    assert np.median(km[~by_place]) < 0.5
    assert np.median(km[by_place]) < 1.0
    assert np.quantile(km, 0.999) < 12
    # The farthest is Lundy, which shares an area with Bideford.
    assert postcodes.index[km.argmax()] == "EX392LY"
    assert km.max() < 30


@pytest.mark.parametrize(
    ("postcode", "area_name", "by_place"),
    [
        # 8 to 14 km from the area that the look-up of 2022 has; both lists of places agree.
        ("M436NZ", "Manchester 017F", True),
        ("WA158XL", "Manchester 053D", True),
        ("B421SF", "Birmingham 024E", True),
        # Code-Point puts it into Bedfordshire, the directory where its neighbours are.
        ("DN33FX", "Doncaster 014A", True),
        # Code-Point puts it far from its area and its neighbours, the directory does not.
        ("LA167AN", "Barrow-in-Furness 001B", False),
        # On the mainland in every list, though its neighbours are on the Isles of Scilly.
        ("TR210PW", "Cornwall 068A", False),
        ("TR210LW", "Isles of Scilly 001A", False),
    ],
)
def test_lists_that_contradict_each_other_are_settled(postcodes, postcode, area_name, by_place):
    found = postcodes.loc[postcode]
    named = tables.read("areas").set_index("area_code")["area_name"]
    assert named[found["area_code"]] == area_name
    assert found["by_place"] == by_place


def test_a_postcode_has_the_place_that_others_give_it():
    """Sites of the list of centres: coordinates of other sources against those of the postcode."""
    centres = tables.read("centres_ild")
    found = travel.place_of_postcodes(centres["postcode"])
    km = geography.straight_line_km(
        *geography.national_grid(found["latitude"], found["longitude"]),
        *geography.national_grid(centres["latitude"], centres["longitude"]),
    )
    # Hospitals are large; a postcode of a neighbouring street is not the same place.
    assert np.median(km) < 0.15
    assert km.max() < 1


def test_spaces_and_small_letters_make_no_difference():
    given = pd.Series(
        ["cb2 0qq", " CB20QQ ", "sw1a 1aa", "SW1A1AA", "ZZ9 9ZZ", None], list("abcdef")
    )
    found = travel.place_of_postcodes(given)
    assert list(found.index) == list("abcdef")
    assert found.loc["a"].tolist() == found.loc["b"].tolist()
    assert found.loc["c"].tolist() == found.loc["d"].tolist()
    assert found.loc[["e", "f"]].isna().all().all()
    # Buckingham Palace.
    assert found.loc["c", "latitude"] == pytest.approx(51.5010, abs=0.001)
    assert found.loc["c", "longitude"] == pytest.approx(-0.1416, abs=0.002)


def test_centres_of_a_list_need_no_coordinates():
    """A service that the project has never heard of: postcodes alone, also in Wales."""
    given = pd.DataFrame({"name": ["Truro", "Cardiff"], "postcode": ["TR1 3LJ", "cf14 4xw"]})
    found = travel.places_of(given)
    assert found["site"].tolist() == ["Truro", "Cardiff"]
    assert found["latitude"].tolist() == pytest.approx([50.266, 51.507], abs=0.005)
    coordinates = pd.DataFrame(
        {"name": ["Truro"], "postcode": ["TR1 3LJ"], "latitude": [50.269], "longitude": [-5.09]}
    )
    assert travel.places_of(coordinates)["latitude"].tolist() == [50.269]


def test_an_unknown_postcode_is_a_sentence():
    with pytest.raises(Problem, match="not known in England or Wales.*give latitude and longitude"):
        travel.places_of(pd.DataFrame({"name": ["Nowhere"], "postcode": ["EH1 1AA"]}))
