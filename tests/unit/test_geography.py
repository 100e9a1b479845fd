"""Distances, driving times, the nearest centre and summaries: known answers and slow twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from distance_to_care import geography, tables
from distance_to_care.problems import Problem

# Test points of the Ordnance Survey's OSTN15 developer pack: latitude, longitude (ETRS89, which
# WGS84 follows within a metre) and the exact easting and northing.
OS_POINTS = {
    "TP01 St Mary's, Scilly": (49.92226393730, -6.29977752014, 91492.146, 11318.804),
    "TP02 Lizard": (49.96006137820, -5.20304609998, 170370.718, 11572.405),
    "TP05 Southampton": (50.93127937910, -1.45051433700, 438710.920, 114792.250),
    "TP07 North Foreland": (51.37447025550, 1.44454730409, 639821.835, 169565.858),
    "TP09 Lambeth": (51.48936564950, -0.11992557180, 530624.974, 178388.464),
    "TP20 Leeds": (53.80021519630, -1.66379168242, 422242.186, 433818.701),
}


@pytest.fixture(scope="module")
def centres():
    return tables.read("centres_ild")


@pytest.fixture(scope="module")
def areas():
    return tables.read("areas")


@pytest.fixture(scope="module")
def matrix():
    return tables.read("travel_minutes")


@pytest.fixture(scope="module")
def hospitals():
    return tables.read("hospitals")


@pytest.fixture(scope="module")
def minutes(centres, areas, matrix, hospitals):
    return geography.travel_minutes(centres, areas, matrix, hospitals)


# --- Coordinates and straight lines -----------------------------------------------------------


@pytest.mark.parametrize("name", OS_POINTS)
def test_grid_agrees_with_the_ordnance_survey_within_five_metres(name):
    latitude, longitude, easting, northing = OS_POINTS[name]
    found = geography.national_grid(latitude, longitude)
    assert np.hypot(found[0] - easting, found[1] - northing) < 5


def test_grid_and_back():
    table = np.array(list(OS_POINTS.values()))
    latitude, longitude = geography.wgs84(*geography.national_grid(table[:, 0], table[:, 1]))
    # 1e-7 degrees are about a centimetre.
    np.testing.assert_allclose(latitude, table[:, 0], atol=1e-7)
    np.testing.assert_allclose(longitude, table[:, 1], atol=1e-7)


def test_grid_agrees_with_postcodes(hospitals):
    found = np.column_stack(geography.national_grid(hospitals["latitude"], hospitals["longitude"]))
    gap = np.hypot(*(found - hospitals[["easting", "northing"]].to_numpy(float)).T)
    assert gap.max() < 5


def test_straight_line():
    assert geography.straight_line_km(3000, 0, 0, 4000) == 5
    assert geography.straight_line_km([0, 1000], 0, 0, 0).tolist() == [0, 1]


def test_straight_line_table_equals_its_slow_twin(centres, areas):
    few = areas.iloc[::4000]
    table = geography.distances_km(centres, few)
    for area in few.itertuples():
        for site in centres.itertuples():
            e, n = geography.national_grid(site.latitude, site.longitude)
            slow = ((area.easting - e) ** 2 + (area.northing - n) ** 2) ** 0.5 / 1000
            assert table.loc[area.area_code, site.site] == pytest.approx(slow)


# --- Centres ----------------------------------------------------------------------------------


def test_base_list_is_certainty_a_and_b_everywhere(centres):
    base = geography.base_list(centres)
    assert len(base) == 25
    assert set(base["certainty"]) == {"A", "B"}
    assert set(centres["site"]) - set(base["site"]) == set(
        centres.loc[centres["certainty"] == "C", "site"]
    )


def test_first_reading_has_32_sites_and_the_union_38(centres):
    assert len(geography.on_list(centres, "first_reading_32")) == 32
    assert len(geography.on_list(centres, "evidence_4b")) == 33
    assert len(centres) == 38


def test_unknown_list_is_a_problem(centres):
    with pytest.raises(Problem, match="no_such_list"):
        geography.on_list(centres, "no_such_list")


def test_sites_stand_where_their_postcodes_do(centres, hospitals):
    known = hospitals.set_index("postcode")
    points = geography.site_points(centres)
    checked = 0
    for postcode, point in zip(centres["postcode"].str.replace(" ", ""), points, strict=True):
        if postcode in known.index:
            place = known.loc[postcode]
            assert geography.straight_line_km(*point, place["easting"], place["northing"]) < 0.4
            checked += 1
    assert checked > 20


# --- Driving times ----------------------------------------------------------------------------


def test_stored_steps_become_minutes():
    stored = pd.DataFrame({"area_code": ["a", "b"], "X": [0, 100]})
    assert geography.matrix_minutes(stored)["X"].tolist() == pytest.approx([5.8, 113.2])


def test_site_at_a_hospital_takes_its_column(minutes, matrix, areas):
    column = geography.matrix_minutes(matrix)["NE14LP"].reindex(areas["area_code"])
    found = minutes["Royal Victoria Infirmary"]
    pd.testing.assert_series_equal(found, column, check_names=False)


def test_site_beside_a_hospital_takes_its_column(minutes):
    # Royal Papworth stands 0.2 km from Addenbrooke's, under another postcode.
    pd.testing.assert_series_equal(
        minutes["Royal Papworth Hospital"], minutes["Addenbrooke's Hospital"], check_names=False
    )


def test_every_site_says_where_its_minutes_come_from(centres, matrix, hospitals):
    sources = geography.driving_sources(centres, matrix, hospitals).set_index("site")
    listed = geography.on_list(centres, "first_reading_32")["site"]
    modelled = sources.loc[listed, "hospital_postcode"].isna()
    # open-data.md counted 12 sites outside the matrix; Royal Papworth then takes its neighbour's.
    assert modelled.sum() == 11
    assert sources.loc["Wythenshawe Hospital", "nearest_hospital_km"] == pytest.approx(
        10.7, abs=0.1
    )


def test_islands_without_a_road_have_no_minutes(minutes):
    missing = minutes.index[minutes.isna().any(axis=1)]
    assert list(missing) == ["E01019077"]
    assert minutes.loc["E01019077"].isna().all()


def test_modelled_minutes_keep_the_triangle(minutes, matrix, areas, hospitals):
    """From home to a modelled site cannot take much less than the difference to a third place."""
    known = geography.matrix_minutes(matrix) - geography.START_MINUTES
    modelled = minutes["Wythenshawe Hospital"].dropna() - geography.START_MINUTES
    stockport = known["SK27JE"]
    # Wythenshawe and Stockport are less than half an hour apart.
    assert (modelled - stockport).abs().quantile(0.99) < 30
    assert modelled.min() >= 0


def test_leaving_a_hospital_out(areas, matrix, hospitals):
    table = geography.leave_one_hospital_out(areas, matrix, hospitals, every=40)
    found = table.set_index(["group", "measure"])["estimate"]
    # Without the model, the nearest hospital's own column is out by 8.6 minutes, a line in
    # kilometres by 7.0 (medians, journeys up to 120 minutes).
    assert found["up to 120 minutes", "median_absolute_error"] < 2.3
    assert found["up to 120 minutes", "p90_absolute_error"] < 6
    assert found["up to 60 minutes", "median_absolute_error"] < 2.3
    assert found["up to 60 minutes", "r_squared"] > 0.9
    # The compared hospital is really unknown: no model of roads is exact.
    assert found["up to 120 minutes", "median_absolute_error"] > 1
    assert abs(found["all", "mean_error"]) < 0.5
    assert set(table["unit"]) == {"minutes", "share"}


def test_left_out_hospital_leaves_no_trace_in_its_features(areas, matrix, hospitals):
    roads = geography._Roads(areas, matrix, hospitals)
    h = list(roads.hospitals.index).index("B95SS")
    point, rows = roads.hospital_points[h], slice(0, None, 500)
    before = roads.features(point, rows, without=h)
    roads.minutes[:, h] = 999
    roads.beyond_curve[:, h] = 999
    np.testing.assert_array_equal(roads.features(point, rows, without=h), before)
    assert (roads.features(point, rows) != before).any()


def test_sites_named_twice_are_a_problem(centres, areas, matrix, hospitals):
    twice = pd.concat([centres.head(1), centres.head(1)])
    with pytest.raises(Problem, match="more than once"):
        geography.distances_km(twice, areas)
    with pytest.raises(Problem, match="more than once"):
        geography.travel_minutes(twice, areas, matrix, hospitals)


# --- Nearest ----------------------------------------------------------------------------------


def test_nearest_equals_its_slow_twin(minutes):
    few = minutes.iloc[::500]
    found = geography.nearest(few)
    for row in found.itertuples():
        best, where = np.inf, None
        for site, value in few.loc[row.area_code].items():
            if value < best:
                best, where = value, site
        assert (row.site, row.value) == (where, best)


def test_nearest_is_never_farther_than_any_other(minutes):
    found = geography.nearest(minutes).set_index("area_code")["value"]
    gap = minutes.sub(found, axis=0)
    assert np.nanmin(gap.to_numpy()) == 0
    assert (gap.min(axis=1).dropna() == 0).all()


def test_one_more_site_never_makes_the_nearest_farther(minutes, centres):
    base = geography.nearest(minutes[geography.base_list(centres)["site"]])["value"]
    every = geography.nearest(minutes)["value"]
    assert (every.dropna() <= base.dropna()).all()
    assert (every < base).any()


def test_nearest_of_ties_and_of_nothing():
    table = pd.DataFrame(
        {"x": [2.0, np.nan, np.nan], "y": [2.0, 3.0, np.nan]},
        index=pd.Index(["a", "b", "c"], name="area_code"),
    )
    found = geography.nearest(table)
    assert found["area_code"].tolist() == ["a", "b", "c"]
    assert found["site"].tolist()[:2] == ["x", "y"]
    assert pd.isna(found["site"][2])
    assert found["value"].tolist()[:2] == [2.0, 3.0]
    assert np.isnan(found["value"][2])


# --- Bands and summaries ----------------------------------------------------------------------


def test_band_holds_its_lower_edge():
    found = geography.band([0, 4.99, 5, 120, 4000, np.nan], geography.DISTANCE_EDGES_KM)
    assert found["low"].tolist()[:5] == [0, 0, 5, 120, 120]
    assert found["high"].tolist()[:3] == [5, 5, 10]
    assert found["high"].isna().tolist() == [False, False, False, True, True, True]
    with pytest.raises(Problem, match="below 0"):
        geography.band([-1], geography.DISTANCE_EDGES_KM)


def test_quintiles_of_deciles():
    assert geography.quintile_from_decile(np.arange(1, 11)).tolist() == [
        1, 1, 2, 2, 3, 3, 4, 4, 5, 5,
    ]  # fmt: skip


def test_weighted_quantile_equals_people_one_by_one():
    random = np.random.default_rng(1)
    values = random.normal(size=40).round(1)
    weights = random.integers(1, 9, size=40)
    one_by_one = np.sort(np.repeat(values, weights))
    for share in (0.1, 0.5, 0.9):
        slow = one_by_one[int(np.ceil(share * len(one_by_one))) - 1]
        assert geography.weighted_quantile(values, weights, share) == slow


def test_summary_by_hand():
    found = geography.summarise([10, 40, 70, np.nan], [1, 2, 1, 5], ["x", "x", "y", "y"])
    x = found[found["group"] == "x"].set_index("measure")
    assert x["estimate"].to_dict() == {
        "mean": 30,
        "median": 40,
        "p90": 40,
        "share_beyond_30": pytest.approx(2 / 3),
        "share_beyond_60": 0,
        "share_beyond_90": 0,
    }
    assert x["people"].unique().tolist() == [3]
    y = found[found["group"] == "y"].set_index("measure")
    assert y.loc["share_beyond_60", "estimate"] == 1
    assert y.loc["share_beyond_60", "unit"] == "share"
    assert y.loc["mean", "unit"] == "minutes"


def test_people_of_an_age():
    population = pd.DataFrame(
        {"area_code": ["a"], "people": [60], "age_49": [1], "age_50": [2], "age_90_and_over": [4]}
    )
    assert geography.people_aged(population, 50).to_dict() == {"a": 6}


def test_population_cells_keep_people_and_means():
    areas = list("abcd")
    km = pd.DataFrame({"area_code": areas, "site": "s", "value": [1.0, 2.0, 50.0, 3.0]})
    minutes = pd.DataFrame({"area_code": areas, "site": "s", "value": [8.0, 11.0, 70.0, np.nan]})
    decile = pd.Series({"a": 1, "b": 1, "c": 10, "d": 1})
    rural = pd.Series({"a": "urban", "b": "urban", "c": "rural", "d": "rural"})
    people = pd.Series({"a": 300, "b": 100, "c": 50, "d": 7})
    cells = geography.population_cells(km, minutes, decile, rural, people)
    assert cells["people"].tolist() == [400, 50]
    assert cells["mean_distance_km"].tolist() == [1.25, 50]
    assert cells["mean_minutes"].tolist() == [8.75, 70]
    assert cells["distance_band_km_low"].tolist() == [0, 40]
    assert cells["minutes_band_high"].tolist() == [15, 90]
    with pytest.raises(Problem, match="1 areas have no rural_urban"):
        geography.population_cells(km, minutes, decile, rural.drop("a"), people)


# --- Against figures computed before, by others -----------------------------------------------


def test_first_reading_gives_the_figures_of_the_open_data_report(
    official_folder, minutes, centres, areas
):
    """Same matrix, same 32 sites; sites outside the matrix were modelled by another method."""
    sites = geography.on_list(centres, "first_reading_32")["site"]
    nearest = geography.nearest(minutes[sites]).set_index("area_code")["value"]
    older = geography.people_aged(tables.official("population_mid2020"), 65)
    imd = tables.official("imd_2019").set_index("area_code")["imd_decile"]
    order = areas["area_code"]
    value, weight = nearest.reindex(order), older.reindex(order)
    everyone = geography.summarise(value, weight, np.repeat("all", len(order)))
    found = everyone.set_index("measure")["estimate"]
    assert found["mean"] == pytest.approx(36.5, abs=0.2)
    assert found["median"] == pytest.approx(31.6, abs=0.3)
    assert found["p90"] == pytest.approx(65.2, abs=1.0)
    assert found["share_beyond_30"] == pytest.approx(0.534, abs=0.01)
    assert found["share_beyond_60"] == pytest.approx(0.124, abs=0.005)
    assert found["share_beyond_90"] == pytest.approx(0.023, abs=0.002)
    quintile = geography.quintile_from_decile(imd.reindex(order))
    by_quintile = geography.summarise(value, weight, quintile)
    means = by_quintile[by_quintile["measure"] == "mean"]["estimate"]
    assert means.tolist() == pytest.approx([30.0, 36.9, 39.4, 37.9, 36.3], abs=0.2)
    beyond = by_quintile[by_quintile["measure"] == "share_beyond_60"]["estimate"]
    assert beyond.tolist() == pytest.approx([0.094, 0.149, 0.165, 0.129, 0.083], abs=0.006)
