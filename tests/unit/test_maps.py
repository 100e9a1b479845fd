"""Maps show what their tables say, where it lies, and refuse what they cannot show."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from distance_to_care import area_travel, maps, results, tables
from distance_to_care.problems import Problem

EDGES, LABELS = (30, 60, 90), ("up to 30", "30 to 60", "60 to 90", "more than 90")
SOURCES = ("areas", "centres_ild")
ESSEX = "E54000066"


@pytest.fixture(scope="module")
def areas():
    return tables.read("areas")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return results.Page("maps", sources=SOURCES, root=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def invented(areas):
    """Minutes that rise from west to east, in every class; a range that is wide in the north."""
    minutes = np.linspace(5, 125, len(areas))[areas["easting"].rank(method="first").astype(int) - 1]
    return pd.DataFrame(
        {
            "area_code": areas["area_code"],
            "centre": np.where(areas["region"] == "London", "Guy's Hospital", "Southmead Hospital"),
            "travel_minutes": minutes,
            "people": areas["persons_2011"],
            "low": minutes - 1,
            "high": minutes + np.where(areas["northing"] > 400_000, 40, 1),
        }
    )


@pytest.fixture(scope="module")
def published(page, invented):
    return page.publish(invented, "invented", "Invented minutes")


@pytest.fixture(scope="module")
def drawn(published):
    what = "invented minutes"
    return maps.areas(published, "travel_minutes", EDGES, LABELS, "Minutes", what, steady=10)


@pytest.fixture(scope="module")
def authorities(page, areas):
    names = areas["local_authority"].drop_duplicates().sort_values().to_numpy()
    minutes = np.linspace(10, 110, len(names))
    mean = pd.DataFrame(
        {"measure": "mean", "local_authority": names, "estimate": minutes, "people": 1000,
         "low": minutes - 2, "high": minutes + 2}
    )  # fmt: skip
    share = mean.assign(measure="deprived", estimate=np.linspace(0, 60, len(names)))
    return page.publish(pd.concat([mean, share]), "authorities", "Invented authorities")


# --- where things lie ---------------------------------------------------------------------------


def test_every_square_belongs_to_one_area_and_every_area_has_one(areas):
    runs = tables.read("area_grid")
    known = areas["area_code"].str[1:].astype(int)
    for side, part in runs.groupby("side_m"):
        assert set(part["area_number"]) <= set(known)
        ordered = part.sort_values(["row", "column"])
        ends = ordered["column"] + ordered["squares"]
        same_row = ordered["row"].to_numpy()[1:] == ordered["row"].to_numpy()[:-1]
        assert (ends.to_numpy()[:-1] <= ordered["column"].to_numpy()[1:])[same_row].all(), side
    assert set(runs.loc[runs["side_m"] == 200, "area_number"]) == set(known)


def test_squares_lie_where_the_areas_lie(areas):
    """Areas' centres come from postcodes, the squares from outlines: two sources agree."""
    grid, west, south = maps._squares(maps.COARSE)
    row = (areas["northing"].to_numpy() - south) // maps.COARSE
    column = (areas["easting"].to_numpy() - west) // maps.COARSE
    at_home = grid[row, column] == np.arange(len(areas))
    # A centre within a square of an edge may fall to the neighbour; areas in towns are that small.
    assert at_home.mean() > 0.85
    large = (areas["hectares"] > 500).to_numpy()
    # A crescent round a town may have its centre in the town.
    assert at_home[large].mean() > 0.9
    # The Census gives every area's hectares, and England's to the low water mark or so.
    hectares = np.bincount(grid[grid >= 0], minlength=len(areas)) * maps.COARSE**2 / 10_000
    assert hectares.sum() == pytest.approx(areas["hectares"].sum(), rel=0.01)
    wide = areas["hectares"] > 1000
    assert np.median(np.abs(hectares[wide] / areas["hectares"][wide] - 1)) < 0.03


def test_squares_of_london_agree_with_those_of_england():
    coarse, west, south = maps._squares(maps.COARSE)
    fine, fine_west, fine_south = maps._squares(maps.FINE)
    row, column = np.nonzero(fine >= 0)
    east = fine_west + (column + 0.5) * maps.FINE
    north = fine_south + (row + 0.5) * maps.FINE
    there = coarse[
        ((north - south) // maps.COARSE).astype(int), ((east - west) // maps.COARSE).astype(int)
    ]
    assert (there == fine[row, column]).mean() > 0.85


def _hectares(ring):
    x, y = ring[:, 0].astype(float), ring[:, 1].astype(float)
    return (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2 / 10_000


@pytest.mark.parametrize("by", ["local_authority", "board_code"])
def test_outlines_hold_the_land_of_their_places(areas, by):
    of_line = maps._place_of_pieces(by)
    pieces = maps._pieces()
    assert all((ring[0] == ring[-1]).all() for _, _, ring in pieces)
    land = pd.Series([_hectares(ring) for _, _, ring in pieces]).groupby(of_line).sum().abs()
    land = land.drop(maps.WALES)
    place = areas["local_authority"] if by == "local_authority" else maps._board_of_areas()
    known = areas["hectares"].groupby(place).sum()
    assert set(land.index) == set(known.index)
    assert land.sum() == pytest.approx(known.sum(), rel=0.01)
    wide = known > 20_000
    assert (land[wide] / known[wide] - 1).abs().max() < 0.1


def test_a_line_between_places_is_drawn_once_and_none_within_a_place():
    of_line = maps._place_of_pieces("local_authority")
    sides = {}
    for place, (_, _, ring) in zip(of_line, maps._pieces(), strict=True):
        for step in maps._steps(ring):
            sides.setdefault(step, []).append(place)
    wanted = {
        step for step, places in sides.items()
        if len(set(places)) > 1 or (len(places) == 1 and places != [maps.WALES])
    }  # fmt: skip
    drawn = [step for line in maps._lines_between(of_line) for step in maps._steps(line)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == wanted


def test_the_outline_of_england_runs_along_its_edge():
    """Pieces that did not fit would leave lines inland, where squares are land on every side."""
    country = [maps.WALES if board == maps.WALES else "England" for board, _, _ in maps._pieces()]
    lines = maps._lines_between(country)
    middles = np.concatenate([(line[1:] + line[:-1]) / 2 for line in lines])
    assert len(middles) > 2_000
    grid, west, south = maps._squares(maps.COARSE)
    inland = np.ones(len(middles), dtype=bool)
    for away in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]:
        east, north = (middles + 1000 * np.array(away)).T
        column = np.clip((east - west) // maps.COARSE, 0, grid.shape[1] - 1).astype(int)
        row = np.clip((north - south) // maps.COARSE, 0, grid.shape[0] - 1).astype(int)
        inland &= grid[row, column] >= 0
    # A narrow creek has land on every side.
    assert inland.mean() < 0.02


# --- classes ------------------------------------------------------------------------------------


def test_a_limit_belongs_to_the_class_below_it():
    values = pd.Series([0, 30, 30.1, 60, 90, 90.1, None])
    assert maps._classes(values, EDGES).tolist() == [0, 0, 1, 1, 2, 3, -1]


def test_classes_count_every_area_and_everybody(drawn, invented):
    rows = drawn.rows.set_index("class")
    moves = invented["high"] - invented["low"] > 10
    assert rows["areas"].sum() == len(invented)
    assert rows["people"].sum() == invented["people"].sum()
    assert rows["per cent of people"].sum() == pytest.approx(100)
    assert rows.loc[maps.MOVES, "areas"] == moves.sum()
    middle = ~moves & (invented["travel_minutes"] > 30) & (invented["travel_minutes"] <= 60)
    assert rows.loc["30 to 60", "people"] == invented["people"][middle].sum()
    # The data table holds the classes and never the areas; the download is the table.
    assert len(rows) == 5
    assert drawn.table == "invented"


def test_the_data_table_says_of_whom_its_shares_are(published):
    what = ("Minutes", "minutes by car")
    rows = maps.areas(published, "travel_minutes", EDGES, LABELS, *what, whom="children").rows
    assert list(rows) == ["class", "areas", "children", "per cent of children"]
    assert rows["per cent of children"].sum() == pytest.approx(100)


def test_the_alternative_text_says_what_the_classes_hold(drawn):
    for row in drawn.rows.to_dict("records"):
        assert f"{row['class']}: {row['areas']:,} areas, " in drawn.alt
        assert f"{row['per cent of people']:.0f}% of people" in drawn.alt


def test_every_square_is_painted_in_the_class_of_its_area(invented):
    position = np.arange(len(invented))
    shown, _ = maps._shown(invented, position, "travel_minutes", EDGES, 10)
    shades = maps.SHADES[4]
    show = np.ones(len(invented), dtype=bool)
    picture, (west, _, south, _) = maps._paint(shown, shades, maps.COARSE, 1, 4.95, show)
    runs = tables.read("area_grid").query("side_m == 200").sample(400, random_state=4)
    by_number = invented.set_index(invented["area_code"].str[1:].astype(int))
    striped = 0
    for run in runs.itertuples():
        area = by_number.loc[run.area_number]
        row, column = run.row - south // 200, run.column - west // 200
        found = {
            "#" + bytes(p[:3]).hex().upper() for p in picture[row, column : column + run.squares]
        }
        ends = [area["travel_minutes"]]
        if area["high"] - area["low"] > 10:
            ends = [area["low"], area["high"]]
            striped += 1
        assert found <= {shades[sum(end > edge for edge in EDGES)] for end in ends}
    assert 50 < striped < 350
    # All else, the sea and other countries, is clear.
    grid, _, _ = maps._squares(maps.COARSE)
    assert ((picture[..., 3] == 0) == (grid < 0)).all()


def test_no_data_looks_like_no_class(page, invented):
    table = invented.assign(travel_minutes=invented["travel_minutes"].where(invented.index != 5))
    table = table.drop(index=6)
    shown, classes = maps._shown(table, maps._positions(table), "travel_minutes", EDGES, None)
    show = np.isin(np.arange(len(invented)), [5, 6])
    picture, _ = maps._paint(shown, maps.SHADES[4], maps.FINE, 1, 4.95, show)
    found = {"#" + bytes(p[:3]).hex() for p in picture[picture[..., 3] > 0]}
    assert found == {maps.NO_DATA, maps.NO_DATA_STRIPE}
    counted = maps._counted(table, classes, LABELS, "areas").set_index("class")
    assert counted.loc["no data", "areas"] == 1


def _lightness(colour):
    """CIE L*, which is what remains of a colour in greyscale."""
    part = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("shades", [*maps.SHADES.values(), maps.TONES])
def test_shades_stay_apart_in_greyscale(shades):
    steps = -np.diff([_lightness(shade) for shade in ("#ffffff", *shades)])
    assert min(steps[1:]) > 12
    assert min(steps) > 5


# --- drawings -----------------------------------------------------------------------------------


def _sent(drawing):
    return len(gzip.compress(drawing.svg.encode()))


def test_a_map_is_light_and_the_same_each_time(drawn, published):
    assert _sent(drawn) < 300_000
    again = maps.areas(
        published, "travel_minutes", EDGES, LABELS, "Minutes", "invented minutes", steady=10
    )
    assert again.svg == drawn.svg


def test_maps_side_by_side_share_a_key(published):
    drawing = maps.areas(
        published, {"low": "Low", "travel_minutes": "Middle", "high": "High"}, EDGES, LABELS,
        "Minutes", "invented minutes",
    )  # fmt: skip
    assert _sent(drawing) < 300_000
    people = drawing.rows.groupby("map", sort=False)["people"].sum()
    assert (people == people.iloc[0]).all()
    assert drawing.rows["map"].unique().tolist() == ["Low", "Middle", "High"]
    near = drawing.rows.set_index(["map", "class"])["areas"]
    assert near["Low", "up to 30"] > near["High", "up to 30"]
    assert drawing.svg.count("London</text>") == 3
    assert drawing.narrow


def test_centres_are_numbered_and_named(drawn):
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn.svg)
    # From north to south.
    # A reader sees where each is and how sure it is that it is a centre.
    assert texts.index("1  Guy's, London (B)") < texts.index("2  Southmead, Bristol (A)")
    assert texts.count("1") == texts.count("2") == 1


def test_near_centres_are_moved_apart_and_far_ones_stay():
    points = np.array([[0.0, 0], [0, 0], [3, 0], [500, 500]])
    places = maps._apart(points, 10)
    gaps = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    assert gaps[np.triu_indices(4, 1)].min() >= 10
    assert np.abs(places[3] - points[3]).max() <= 1


def test_points_that_are_moved_apart_stay_on_the_map():
    corners = np.zeros(2), np.array([100.0, 60])
    at_the_rim = np.array([[50.0, 60], [52, 60], [55, 75], [49, 58], [51, 60], [100, 60]])
    places = maps._apart(at_the_rim, 10, corners)
    gaps = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    assert gaps[np.triu_indices(6, 1)].min() >= 10
    assert (places >= corners[0]).all()
    assert (places <= corners[1]).all()


def test_a_place_that_depends_on_the_list_is_in_no_class(authorities):
    mean = authorities[authorities["measure"] == "mean"]
    # Wide enough that no range lies within one class.
    mean = mean.assign(low=mean["estimate"] - 31, high=mean["estimate"] + 31)
    moving = ["Cornwall", "Dover"]
    drawing = maps.places(
        mean, "local_authority", "estimate", EDGES, LABELS, "Mean minutes", "means", moving
    )
    rows = drawing.rows.set_index("class")
    assert rows.loc[maps.MOVES, "names"] == "Cornwall, Dover"
    assert not any(
        name in moving for names in rows.loc[list(LABELS), "names"] for name in names.split(", ")
    )
    assert rows["places"].sum() == len(mean)
    assert rows["people"].sum() == 1000 * len(mean)
    cornwall = mean.set_index("local_authority").loc["Cornwall"]
    assert f"Cornwall {cornwall['low']:.0f} to {cornwall['high']:.0f}" in drawing.alt
    assert f"{cornwall['estimate']:.1f}" not in drawing.alt
    assert _sent(drawing) < 300_000


def test_a_range_within_one_class_is_in_that_class_and_told_as_a_range(page):
    table = pd.DataFrame(
        {
            "local_authority": ["Cornwall", "Dover", "York"],
            "estimate": [None, None, 20.0],
            "low": [61.0, 55.0, 20.0],
            "high": [85.0, 75.0, 20.0],
            "people": [1000, 1000, 2000],
        }
    )
    table = page.publish(table, "ranged", "Ranges")
    drawing = maps.places(
        table,
        "local_authority",
        "estimate",
        EDGES,
        LABELS,
        "Minutes",
        "means",
        ["Cornwall", "Dover"],
    )
    rows = drawing.rows.set_index("class")
    assert rows.loc["60 to 90", "names"] == "Cornwall"
    assert rows.loc[maps.MOVES, "names"] == "Dover"
    assert "Cornwall 61 to 85; Dover 55 to 75" in drawing.alt
    assert maps.RANGE_WORDS in drawing.svg
    # Classes at either end that nobody is in are not in the key; those between are.
    assert "more than 90" not in re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)
    assert "30 to 60: 0% of people" in re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)


def test_less_and_more_stand_on_two_sides_of_a_grey(page):
    table = pd.DataFrame(
        {
            "local_authority": ["Cornwall", "Dover", "York", "Leeds"],
            "estimate": [-20.0, -5.0, 0.0, 20.0],
            "people": [1000, 1000, 2000, 4000],
        }
    )
    table = page.publish(table, "change", "Change")
    labels = ("far less", "less", "about the same", "more", "far more")
    of_map = (table, "local_authority", "estimate", (-15, -1, 1, 15), labels, "Change", "change")
    drawing = maps.places(*of_map, two_sides=True)
    drawn = drawing.svg.lower()
    # Every class between the ends has a place or a patch of the key in its colour.
    assert all(shade.lower() in drawn for shade in maps.TWO_SIDES[5])
    assert all(shade.lower() not in drawn for shade in maps.SHADES[5][:3] if shade != "#6BACE6")
    # Without colour the lower side is told by its level lines, in places and in the key.
    assert drawn.count(maps.LOWER_SIDE["hatchcolor"]) > 0
    assert maps.LOWER_SIDE["hatchcolor"] not in maps.places(*of_map).svg.lower()


def test_outlines_close_and_hold_what_their_pieces_hold():
    of_line = maps._place_of_pieces("board_code")
    pieces = pd.Series([_hectares(ring) for _, _, ring in maps._pieces()]).groupby(of_line).sum()
    outlines = maps._outlines(of_line)
    assert set(outlines) == set(pieces.index)
    for place, rings in outlines.items():
        assert all((ring[0] == ring[-1]).all() for ring in rings)
        assert sum(map(_hectares, rings)) == pytest.approx(pieces[place])
    corners = sum(len(ring) for rings in outlines.values() for ring in rings)
    assert corners < 0.7 * sum(len(ring) for _, _, ring in maps._pieces())


def test_steps_of_a_path_lead_to_its_corners():
    path = "M 10.04 20.06 \nL 12.51 20.06 \nL 12.52 20.04 \nL 9 -3.25 \nz\nM 5 5 \nL 5 5 "
    written = maps._steps_of(re.match(r"(.*)", path, flags=re.S))
    assert written == ' d="M10 20.1l2.5 0l0-0.1l-3.5-23.2zM5 5h0"'


def test_every_board_has_towns_and_they_lie_in_it():
    towns = tables.read("towns").set_index("town")
    boards = dict(zip(towns.index, maps._board_of_towns(), strict=True))
    names = maps._names("board_code")
    assert set(boards.values()) == set(names)
    for town, board in {"Truro": "Cornwall", "Skegness": "Lincolnshire", "Ipswich": "Norfolk",
                        "Margate": "Kent", "Ludlow": "Shropshire"}.items():  # fmt: skip
        assert names[boards[town]].startswith(board)


def test_boards_are_drawn_by_their_code(page):
    boards = maps._boards().drop_duplicates("board_code")["board_code"]
    table = page.publish(
        pd.DataFrame({"board_code": boards, "estimate": 45.0, "people": 10}), "boards", "Boards"
    )
    drawing = maps.places(table, "board_code", "estimate", EDGES, LABELS, "Minutes", "means")
    rows = drawing.rows.set_index("class")
    assert rows.loc["30 to 60", "places"] == len(boards) == 36
    assert "Essex" in rows.loc["30 to 60", "names"].split(", ")


def test_clinics_are_numbered_where_their_hospitals_stand(page):
    table = pd.DataFrame({"board_code": [ESSEX], "estimate": 45.0, "people": 10})
    table = page.publish(table, "boards_and_clinics", "Boards")
    clinics = pd.DataFrame(
        {
            "centre": ["Royal Cornwall, Truro (TR1 3LQ)", "Darent Valley, Dartford (DA2 8DA)"],
            "estimate": [1.0, 3.0],
            "note": ["on AB only", "on every list"],
        }
    )
    drawing = maps.places(
        table, "board_code", "estimate", EDGES, LABELS, "Minutes", "means", (), clinics,
        ["Guy's Hospital"],
    )  # fmt: skip
    # Dartford lies north of Truro, and names stand without their postcodes.
    said = "1 Darent Valley, Dartford: on every list; 2 Royal Cornwall, Truro: on AB only."
    assert drawing.alt.endswith(f"Numbered from north to south: {said}")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)
    assert "Specialist centre now, base list" in words
    assert "Royal Cornwall, Truro: on AB only" in words
    # Each number stands on the map and before its name.
    assert words.count("1") == words.count("2") == 2
    # Which of the lists choose a clinic is seen without colour.
    looks = [maps._look_of(lists) for lists in (1.0, 2.0, 3.0)]
    assert len({look["mfc"] for look in looks}) == 3
    # The place is that of the hospital: Dartford is in the part of the map that is enlarged.
    found = maps._hospitals(clinics)
    assert maps._inside(found, maps.LONDON).tolist() == [True, False]
    with pytest.raises(Problem, match="1 hospitals: the first is 'Nowhere'"):
        maps._hospitals(clinics.assign(centre=["Nowhere", "Dartford (DA2 8DA)"]))


def test_two_measures_on_one_map_name_the_places_high_on_both(authorities):
    drawing = maps.bivariate(
        authorities, "local_authority", ("deprived", "mean"), ((20, 40), (40, 80)),
        (("few", "some", "many"), ("near", "middle", "far")), ("deprived areas", "minutes"),
        "deprived and far, car ownership not included", unsteady=["York"],
    )  # fmt: skip
    wide = authorities.pivot_table(index="local_authority", columns="measure", values="estimate")
    both = wide.index[(wide["deprived"] > 40) & (wide["mean"] > 80) & (wide.index != "York")]
    highest = drawing.rows.iloc[8]
    assert highest["names"].split(", ") == sorted(both)
    assert f"In the highest class of both: {len(both)} places: {', '.join(sorted(both))}." in (
        drawing.alt
    )
    assert drawing.rows["places"].sum() == len(wide)
    assert drawing.rows.iloc[9]["names"] == "York"
    # The image is copied without its page.
    assert "Car ownership not included." in re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)
    assert _sent(drawing) < 300_000


def test_a_board_shows_its_own_areas_only(published, areas):
    drawing = maps.board(
        published, ESSEX, "travel_minutes", EDGES, LABELS, "Minutes", "invented minutes"
    )
    mine = maps._board_of_areas() == ESSEX
    assert drawing.rows["areas"].sum() == mine.sum()
    assert drawing.rows["people"].sum() == areas["persons_2011"][mine].sum()
    assert drawing.alt.startswith("Map of the areas (LSOA) of Essex: invented minutes.")
    assert "Nearest centres off the map: Southmead Hospital" in drawing.alt
    assert len(drawing.svg) < 100_000
    assert _sent(drawing) < 40_000
    assert "Colchester</text>" in drawing.svg
    assert "Truro</text>" not in drawing.svg


def test_a_board_that_depends_on_the_list_is_drawn_at_both_ends(page, areas):
    mine = maps._board_of_areas() == ESSEX
    table = pd.DataFrame(
        {
            "area_code": areas["area_code"][mine], "people": areas["persons_2011"][mine],
            "travel_minutes": 50.0, "low": 20.0, "high": 95.0, "centre": "Southmead Hospital",
        }
    )  # fmt: skip
    table = page.publish(table, "moving", "Moving")
    drawing = maps.board(
        table, ESSEX, "travel_minutes", EDGES, LABELS, "Minutes", "minutes", 10,
        centres=["Guy's Hospital", "Derriford Hospital"],
    )  # fmt: skip
    held = drawing.rows[drawing.rows["areas"] > 0]
    assert held["map"].tolist() == list(maps.ENDS.values())
    assert held["class"].tolist() == ["up to 30", "more than 90"]
    assert "Derriford, Plymouth (C)" in drawing.svg
    assert "Southmead" not in drawing.svg
    assert len(drawing.svg) < 100_000


def test_of_two_maps_the_one_of_the_surest_sites_marks_no_other(page, areas):
    surrey = "E54000069"
    mine = maps._board_of_areas() == surrey
    table = pd.DataFrame(
        {"area_code": areas["area_code"][mine], "travel_minutes": 50.0, "low": 20.0, "high": 95.0}
    )
    drawing = maps.board(
        page.publish(table, "both_ends", "Both ends"), surrey, "travel_minutes", EDGES, LABELS,
        "Minutes", "minutes", 10, centres=["Royal Brompton Hospital", "St George's Hospital"],
    )  # fmt: skip
    words = re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)
    assert {"1  Royal Brompton, London (A)", "2  St George's, London (C)"} <= set(words)
    assert words.count("1") == 2
    assert words.count("2") == 1


@pytest.mark.parametrize("side", [100, 200, 300])
def test_the_outline_of_a_small_place_lies_on_its_rim(side):
    """Where two maps stand side by side, a square stands for its neighbours and is wider."""
    extent = (530_000, 531_200, 180_000, 180_600)
    picture = np.full((600 // side, 1_200 // side, 4), 255, dtype=np.uint8)
    ax = Figure().subplots()
    maps._round_squares(ax, picture, extent)
    (path,) = ax.collections[0].get_paths()
    (west, south), (east, north) = path.vertices.min(axis=0), path.vertices.max(axis=0)
    assert (west, east, south, north) == pytest.approx(extent)


# --- refusals -----------------------------------------------------------------------------------


def test_a_map_is_drawn_from_a_published_table_only(invented):
    with pytest.raises(Problem, match="published table only"):
        maps.areas(invented, "travel_minutes", EDGES, LABELS, "Minutes", "minutes")


@pytest.mark.parametrize(
    ("edges", "labels", "said"),
    [
        ((30, 60), LABELS, "one label more than limits"),
        ((60, 30, 90), LABELS, "rising order"),
        ((), ("all",), "from 2 to 5 classes"),
        ((1, 2, 3, 4, 5), tuple("abcdef"), "from 2 to 5 classes"),
    ],
)
def test_classes_that_do_not_fit_are_refused(published, edges, labels, said):
    with pytest.raises(Problem, match=said):
        maps.areas(published, "travel_minutes", edges, labels, "Minutes", "minutes")


def test_what_has_no_place_is_refused(page, invented, authorities):
    draw = {"edges": EDGES, "labels": LABELS, "axis": "Minutes", "what": "minutes"}
    unknown = invented.head(3).assign(area_code=["E01000001", "E01999999", "W01000001"])
    table = page.publish(unknown, "unknown_areas", "Unknown")
    with pytest.raises(Problem, match="2 rows have an area code that is not known"):
        maps.areas(table, "travel_minutes", **draw)
    table = page.publish(invented.head(3).assign(centre="Nowhere"), "unknown_centre", "Unknown")
    with pytest.raises(Problem, match="the first is 'Nowhere'"):
        maps.areas(table, "travel_minutes", **draw)
    without = page.publish(invented.head(3).drop(columns="low"), "without_low", "Without")
    with pytest.raises(Problem, match="'low' and 'high'"):
        maps.areas(without, "travel_minutes", **draw, steady=10)
    with pytest.raises(Problem, match="no care board with the code 'E54000000'"):
        maps.board(without, "E54000000", "travel_minutes", **draw)
    with pytest.raises(Problem, match="come twice"):
        maps.places(authorities, "local_authority", "estimate", **draw)
    lost = authorities.assign(local_authority="Atlantis").head(1)
    with pytest.raises(Problem, match="1 places of the column 'local_authority' are not known"):
        maps.places(lost, "local_authority", "estimate", **draw)
    with pytest.raises(Problem, match="not by 'region'"):
        maps.places(authorities, "region", "estimate", **draw)


# --- every area, its centre and its range -------------------------------------------------------


@pytest.fixture(scope="module")
def found(areas):
    return area_travel.over_lists(areas, tables.read("centres_ild"))


def test_the_base_list_lies_within_its_range(found, areas):
    assert len(found) == len(areas) == 32_844
    assert not found.isna().any().any()
    assert (found["low"] <= found["travel_minutes"]).all()
    assert (found["travel_minutes"] <= found["high"]).all()
    # Longer lists only bring centres nearer: the range is that of the longest and shortest list.
    assert (found["high"] > found["low"]).mean() > 0.3


def test_what_holds_on_every_list_counted_one_by_one(found, areas):
    counted = area_travel.on_every_list(found, areas["region"]).set_index(["term", "level"])
    for level in ("all", "London", "South West"):
        far = near = everybody = 0
        for row, region in zip(found.itertuples(), areas["region"], strict=True):
            if level in ("all", region):
                everybody += row.people
                far += row.people if row.low > 60 else 0
                near += row.people if row.high <= 30 else 0
        assert counted.loc[("far", level), "people"] == far
        assert counted.loc[("near", level), "estimate"] == pytest.approx(100 * near / everybody)
    regions = counted.drop(index="all", level="level")["people"].groupby("term").sum()
    assert (regions == counted.xs("all", level="level")["people"].reindex(regions.index)).all()


def test_everybody_has_one_nearest_centre(found, areas):
    centres = tables.read("centres_ild")
    by_centre = area_travel.by_nearest(found, centres)
    assert by_centre["people"].sum() == areas["persons_2011"].sum()
    assert by_centre["areas"].sum() == len(areas)
    mean = (by_centre["travel_minutes"] * by_centre["people"]).sum() / by_centre["people"].sum()
    direct = np.average(found["travel_minutes"], weights=found["people"])
    assert mean == pytest.approx(direct)
    assert set(by_centre["note"]) <= {"grade A", "grade B"}
