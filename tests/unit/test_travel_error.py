"""The error of modelled drives, what it does to results, and the straight line, by slow twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from distance_to_care import geography, tables, travel, travel_error

SPEEDS = {"as it is": 1.0, "slower": 1.25}


@pytest.fixture(scope="module")
def roads():
    return [tables.read(name) for name in ("areas", "travel_minutes", "hospitals")]


@pytest.fixture(scope="module")
def held_out(roads):
    return geography.held_out_minutes(*roads, every=20)


@pytest.fixture(scope="module")
def maps(held_out, roads):
    areas, matrix, hospitals = roads
    return travel_error.error_maps(held_out, matrix, areas, hospitals)


@pytest.fixture(scope="module")
def england(roads):
    """Areas with invented groups: what the groups are plays no part in how they are summed."""
    areas = roads[0]
    return areas[["area_code", "easting", "northing"]].assign(
        people=areas["persons_2011"],
        fifth=areas["deprivation_proxy_quintile"].astype(int),
        kind=np.where(areas["hectares"] > 500, "rural", "urban"),
    )


@pytest.fixture(scope="module")
def drives():
    centres = tables.read("centres_ild").iloc[[0, 2, 6, 9]]
    centres = centres[["site", "postcode", "latitude", "longitude"]]
    return centres, travel.minutes_to(centres)


# --- The error itself ---------------------------------------------------------------------------


def test_a_held_out_hospital_is_modelled_without_its_own_column(roads, held_out):
    """As `travel_minutes` models a site: on the rest of the matrix, fitted to the rest."""
    areas, matrix, hospitals = roads
    postcode = "LS13EX" if "LS13EX" in held_out else held_out.columns[40]
    rest = hospitals[hospitals["postcode"] != postcode]
    site = hospitals[hospitals["postcode"] == postcode][["latitude", "longitude"]]
    site = site.assign(site="held out", postcode="")
    found = geography.travel_minutes(site, areas, matrix.drop(columns=postcode), rest)
    found = found.loc[held_out.index, "held out"]
    # The curve of usual minutes, and the landmarks of the other hospitals, keep the hospital: a
    # hundredth part of what the coefficients are fitted to.
    gap = (found - held_out[postcode]).abs()
    assert gap.median() < 0.2
    assert gap.max() < 3
    truth = geography.matrix_minutes(matrix)[postcode].loc[held_out.index]
    off = (found - truth).abs().median()
    assert (held_out[postcode] - truth).abs().median() == pytest.approx(off, abs=0.2)
    assert off > 0.5


def test_every_so_many_areas_are_some_of_all_areas(roads, held_out):
    areas, matrix, hospitals = roads
    assert list(held_out.index) == matrix["area_code"].tolist()[3::20]
    english = hospitals[hospitals["in_matrix"] & (hospitals["country"] == "England")]
    assert set(held_out) == set(english["postcode"])
    assert held_out.notna().all(axis=None)


def test_errors_by_hospital_equal_their_slow_twin(roads, held_out):
    areas, matrix, hospitals = roads
    table = travel_error.by_hospital(held_out, matrix, hospitals)
    assert len(table) == 3 * held_out.shape[1]
    stored = matrix.set_index("area_code")
    for postcode in list(held_out)[::25]:
        errors = []
        for code, modelled in held_out[postcode].items():
            truth = 5.8 + 1.074 * stored.loc[code, postcode]
            if truth <= 120:
                errors.append(modelled - truth)
        rows = table[table["term"] == postcode].set_index("measure")
        assert rows.loc["mean error", "estimate"] == pytest.approx(np.mean(errors))
        absolute = np.abs(errors)
        assert rows.loc["median absolute error", "estimate"] == pytest.approx(np.median(absolute))
        assert rows.loc["mean error", "areas"] == len(errors)
        others = hospitals[hospitals["in_matrix"] & (hospitals["postcode"] != postcode)]
        own = hospitals.set_index("postcode").loc[postcode]
        km = np.hypot(others["easting"] - own["easting"], others["northing"] - own["northing"])
        assert rows.loc["mean error", "distance_km"] == pytest.approx(km.min() / 1000)


def test_errors_by_distance_hold_every_hospital_once(roads, held_out):
    _, matrix, hospitals = roads
    table = travel_error.by_distance(held_out, matrix, hospitals)
    one = table[(table["measure"] == "mean error")].set_index(["level", "group"])
    for level in one.index.levels[0]:
        parts = one.loc[level].loc[list(travel_error.CLASSES)]
        assert parts["areas"].sum() == one.loc[(level, "all"), "areas"]
        weighted = np.average(parts["estimate"], weights=parts["areas"])
        assert weighted == pytest.approx(one.loc[(level, "all"), "estimate"])
    error = table.set_index(["measure", "level", "group"])["estimate"]
    far, near = travel_error.CLASSES[-1], travel_error.CLASSES[0]
    at = ("median absolute error", "nearest areas")
    assert error[(*at, far)] > error[(*at, near)]


def test_an_exact_model_has_no_error(roads):
    _, matrix, hospitals = roads
    exact = geography.matrix_minutes(matrix)[["LS13EX", "NE14LP"]].iloc[::50]
    for table in (
        travel_error.by_hospital(exact, matrix, hospitals),
        travel_error.by_distance(exact, matrix, hospitals),
    ):
        assert (table["estimate"] == 0).all()


# --- Carried into the results -------------------------------------------------------------------


def test_the_map_of_errors_holds_the_error_of_the_nearest_area(roads, held_out, maps):
    areas, matrix, hospitals = roads
    errors, of_class = maps
    assert errors.shape[0] == held_out.shape[1] == len(of_class)
    known = areas.set_index("area_code").loc[held_out.index]
    truth = geography.matrix_minutes(matrix).loc[held_out.index]
    place = list(held_out).index("NE14LP")
    own = hospitals.set_index("postcode").loc["NE14LP"]
    for ring, sector in ((0, 0), (10, 7), (30, 20)):
        km = travel_error._RINGS_KM[ring]
        angle = (sector + 0.5) * 2 * np.pi / errors.shape[2]
        east = own["easting"] + 1000 * km * np.sin(angle)
        north = own["northing"] + 1000 * km * np.cos(angle)
        gap = np.hypot(known["easting"] - east, known["northing"] - north)
        code = gap.idxmin()
        expected = held_out.loc[code, "NE14LP"] - truth.loc[code, "NE14LP"]
        assert errors[place, ring, sector] == pytest.approx(expected, abs=1e-4)


def carried(drives, england, maps, modelled, **more):
    centres, minutes = drives
    return travel_error.carried_into(
        minutes, centres, modelled, england, maps, "fifth", "kind", SPEEDS, **more
    )


def test_nothing_modelled_leaves_no_range(drives, england, maps):
    table = carried(drives, england, maps, {}, replicates=3)
    np.testing.assert_allclose(table["low"], table["estimate"])
    np.testing.assert_allclose(table["high"], table["estimate"])


def test_an_error_that_is_everywhere_the_same_moves_every_mean_by_it(drives, england, maps):
    """Hospitals that were all modelled 2 minutes too short: the truth is 2 minutes longer."""
    same = np.full_like(maps[0], -2.0), np.zeros_like(maps[1])
    centres, _ = drives
    modelled = dict.fromkeys(centres["site"], 5.0)
    table = carried(drives, england, same, modelled, replicates=2)
    mean = table[(table["measure"] == "mean") & (table["scenario"] == "as it is")]
    np.testing.assert_allclose(mean["low"], mean["estimate"] + 2)
    np.testing.assert_allclose(mean["high"], mean["estimate"] + 2)
    # And nobody is there before a journey of no length is over.
    long = np.full_like(maps[0], 1000.0), np.zeros_like(maps[1])
    least = carried(drives, england, long, modelled, replicates=2)
    mean = least[(least["measure"] == "mean") & (least["scenario"] == "as it is")]
    np.testing.assert_allclose(mean["high"], geography.START_MINUTES)


def test_the_range_equals_its_slow_twin(drives, england, maps):
    """The same draws, area by area in plain Python, for two modelled sites."""
    centres, minutes = drives
    sites = list(centres["site"])
    modelled = {sites[1]: 3.0, sites[3]: 12.0}
    few = england.iloc[::700].reset_index(drop=True)
    near = minutes.loc[few["area_code"]]
    table = travel_error.carried_into(
        near, centres, modelled, few, maps, "fifth", "kind", SPEEDS, replicates=5, seed=9
    )
    errors, of_class = maps
    random = np.random.default_rng(9)
    points = dict(zip(sites, geography.site_points(centres), strict=True))
    means, beyond = [], []
    for _ in range(5):
        lay = {}
        for site, km in modelled.items():
            kind = 0 if km <= 11 else 1
            pool = [h for h, c in enumerate(of_class) if c == kind]
            lay[site] = random.choice(pool), random.integers(errors.shape[2])
        total = far = people = 0.0
        for area in few.itertuples():
            best = np.inf
            for site in sites:
                value = near.loc[area.area_code, site]
                if site in modelled:
                    hospital, turn = lay[site]
                    east = area.easting - points[site][0]
                    north = area.northing - points[site][1]
                    km = np.hypot(east, north) / 1000
                    ring = int(np.abs(travel_error._RINGS_KM - km).argmin())
                    sector = int((np.arctan2(east, north) % (2 * np.pi)) * 36 / (2 * np.pi))
                    # The map is turned: what lay in one direction lies in another.
                    value -= errors[hospital, ring, (sector - turn) % 36]
                    value = max(value, 5.8)
                best = min(best, value)
            people += area.people
            total += area.people * best
            far += area.people * (best * 1.25 > 60)
        means.append(total / people)
        beyond.append(100 * far / people)
    rows = table[(table["group"] == "all") & (table["level"] == "all")]
    rows = rows.set_index(["scenario", "measure"])
    for scenario, measure, draws in (
        ("as it is", "mean", means),
        ("slower", "beyond 60 minutes", beyond),
    ):
        found = rows.loc[(scenario, measure), ["low", "high"]].to_numpy(float)
        np.testing.assert_allclose(found, np.quantile(draws, [0.025, 0.975]), rtol=1e-6)


def test_groups_add_up_and_slower_driving_multiplies(drives, england, maps):
    modelled = {drives[0]["site"].iloc[1]: 3.0}
    table = carried(drives, england, maps, modelled, replicates=4)
    again = carried(drives, england, maps, modelled, replicates=4)
    pd.testing.assert_frame_equal(table, again)
    rows = table.set_index(["scenario", "measure", "level", "group"]).sort_index()
    fifths = [str(fifth) for fifth in range(1, 6)]
    for level in ("all", "rural", "urban"):
        parts = rows.loc[("as it is", "beyond 60 minutes", level)]
        everyone = parts.loc["all"]
        assert parts.loc[fifths, "people"].sum() == everyone["people"]
        weighted = np.average(parts.loc[fifths, "estimate"], weights=parts.loc[fifths, "people"])
        assert weighted == pytest.approx(everyone["estimate"])
    means = rows.xs("mean", level="measure")["estimate"]
    np.testing.assert_allclose(means["slower"], means["as it is"] * 1.25)
    far = rows.xs("beyond 60 minutes", level="measure")["estimate"]
    assert (far["slower"] >= far["as it is"]).all()
    assert (table["low"] <= table["high"]).all()
    assert (table["low"] < table["high"]).any()


def test_errors_of_any_hospital_reach_farther(drives, england, maps):
    modelled = dict.fromkeys(drives[0]["site"], 3.0)
    alike = carried(drives, england, maps, modelled, replicates=40)
    any_hospital = carried(drives, england, maps, modelled, replicates=40, alike=False)
    same = ["scenario", "measure", "group", "level", "estimate"]
    pd.testing.assert_frame_equal(alike[same], any_hospital[same])
    width = [(each["high"] - each["low"]).mean() for each in (alike, any_hospital)]
    assert width[1] > width[0]


# --- The straight line --------------------------------------------------------------------------


def test_the_straight_line_by_hand():
    """Two areas: from one the road agrees with the line, from the other it goes round water."""
    index = pd.Index(["a", "b"], name="area_code")
    minutes = pd.DataFrame({"x": [10.0, 70.0], "y": [50.0, 30.0]}, index=index)
    km = pd.DataFrame({"x": [8.0, 5.0], "y": [40.0, 20.0]}, index=index)
    areas = pd.DataFrame({"people": [300, 100], "kind": ["town", "coast"]})
    table = travel_error.against_straight_line(minutes, km, areas, "kind")
    rows = table.set_index(["group", "measure"])["estimate"]
    assert rows["all", "mean"] == pytest.approx(15)
    assert rows["all", "mean straight line"] == pytest.approx(11)
    assert rows["all", "minutes a kilometre"] == pytest.approx(15 / 11)
    assert rows["all", "straight line picks another centre"] == pytest.approx(25)
    assert rows["all", "minutes lost where it does"] == pytest.approx(40)
    assert rows["town", "straight line picks another centre"] == 0
    assert np.isnan(rows["town", "minutes lost where it does"])
    assert rows["coast", "minutes a kilometre"] == pytest.approx(1.5)


def test_a_named_place_that_hangs_on_the_list_is_a_range():
    index = pd.Index(["a", "b"], name="area_code")
    sites = pd.DataFrame({"site": ["x", "y", "z"], "certainty": ["A", "B", "C"]})
    minutes = pd.DataFrame({"x": [90.0, 20.0], "y": [40.0, 18.0], "z": [35.0, 70.0]}, index=index)
    areas = pd.DataFrame({"people": [100, 100], "place": ["moving", "steady"]})
    for named, missing in ((True, {"moving"}), (False, set())):
        table = travel_error.straight_line_over_lists(
            minutes, minutes / 2, sites, areas, "place", 10 if named else None
        )
        rows = table[table["measure"] == "mean"].set_index("group")
        assert set(rows.index[rows["estimate"].isna()]) == missing
        assert rows.loc["moving", ["low", "high"]].tolist() == [35, 90]
        assert rows.loc["steady", ["low", "estimate", "high"]].tolist() == [18, 18, 20]
        # Everybody together is no named place.
        assert rows.loc["all", "estimate"] == 29


def test_longer_than_usual_by_hand(roads):
    """One hospital 20 km away, where 30 minutes are usual: 50 minutes are 20 too many."""
    areas = pd.DataFrame(
        {
            "area_code": ["a", "b"], "easting": [0, 0], "northing": [20_000, -20_000],
            "persons_2011": [300, 100], "local_authority": ["A", "B"],
        }
    )  # fmt: skip
    steps = [(50 - 5.8) / 1.074, (20 - 5.8) / 1.074]
    matrix = pd.DataFrame({"area_code": ["a", "b"], "H": steps, "FAR": [900, 900]})
    hospitals = pd.DataFrame(
        {"postcode": ["H", "FAR"], "easting": [0, 500_000], "northing": [0, 0]}
    )
    estimator = pd.DataFrame(
        {"term": ["curve", "curve", "coefficient_0"], "km": [0, 40, np.nan], "value": [0, 60, 1]}
    )
    table = travel_error.longer_than_usual(areas, matrix, hospitals, estimator)
    assert table["local_authority"].tolist() == ["A", "B"]
    assert table["estimate"].tolist() == pytest.approx([20, -10])
    assert table["travel_minutes"].tolist() == pytest.approx([50, 20])
    assert table["distance_km"].tolist() == pytest.approx([20, 20])


def test_water_makes_the_road_long(roads):
    areas, matrix, hospitals = roads
    table = travel_error.longer_than_usual(
        areas, matrix, hospitals, tables.read("travel_estimator")
    )
    assert table["local_authority"].tolist()[0] == "Isle of Wight"
    # All of England together is about as usual: the curve is its median.
    assert abs(np.average(table["estimate"], weights=table["people"])) < 5


# --- What was mended ----------------------------------------------------------------------------


def test_mended_cells_are_told_before_and_after():
    faults = tables.read("travel_matrix_mended")
    cells = tables.read("travel_matrix_mended_cells")
    kinds, each = travel_error.faults_and_cells(faults, cells)
    assert len(kinds) == len(faults)
    assert len(each) == len(cells)
    told = each.dropna(subset="published_estimate")
    np.testing.assert_allclose(told["published_estimate"] - told["estimate"], told["difference"])
    assert (told.loc[told["note"] == "too long", "difference"] > 0).all()
    assert (told.loc[told["note"] == "too short", "difference"] < 0).all()
