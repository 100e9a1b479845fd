"""Maps drawn from published tables: classed, readable in greyscale, London enlarged.

What a map shows comes from a published table; where it lies comes from the open tables
`area_grid` (the area of every square of a grid) and `boundaries` (outlines of places). Areas are
drawn as squares, places as outlines. The data table of a map is its classes; the download is the
whole table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from distance_to_care import access, geography, tables
from distance_to_care.figures import Drawing
from distance_to_care.figures.canvas import finish, published
from distance_to_care.figures.style import INK, MUTED, behind, house
from distance_to_care.problems import Problem

# Light to dark in steps that stay apart in greyscale; by number of classes.
SHADES = {
    2: ("#ADD1F1", "#12436D"),
    3: ("#ADD1F1", "#2073BC", "#092135"),
    4: ("#ADD1F1", "#6BACE6", "#2073BC", "#092135"),
    5: ("#ADD1F1", "#6BACE6", "#2073BC", "#12436D", "#092135"),
}
# Classes on two sides of a middle one: two colours about a grey, and level lines on the lower side.
TWO_SIDES = {
    3: ("#F4A77E", "#D2D2D2", "#6BACE6"),
    5: ("#D9601F", "#F4A77E", "#D2D2D2", "#6BACE6", "#12436D"),
}
LOWER_SIDE = {"hatch": "---", "hatchcolor": "#6b3413"}
NO_DATA, NO_DATA_STRIPE = "#ffffff", "#8a8a8a"
NOT_ENGLAND = "#ececec"
# A place whose mean depends on the list of centres is in no class.
UNSTEADY = {"fc": "#ffffff", "hatch": "xx", "hatchcolor": "#c4c4c4"}
UNKNOWN = {"fc": NO_DATA, "hatch": "...", "hatchcolor": NO_DATA_STRIPE}
UNSTEADY_WORDS = "Lattice: depends on the list"
# A place that is told as a range keeps its class where all of the range lies in it.
RANGE_HATCH = "///"
RANGE_WORDS = "Strokes: a range, all in this class"
EDGE = "#5f666a"
# Tones of one measure and hatches of the other, for maps of two.
TONES = ("#E4EEF8", "#7FB4E3", "#1B5E9B")
HATCHES = ("", "...", "/////")
HATCH_INKS = ("#12436D", "#0A2A45", "#ffffff")

# West, east, south, north, in metres on the British National Grid.
ENGLAND = (78_000, 660_000, 3_000, 662_000)
LONDON = (503_000, 562_000, 155_000, 201_600)
WALES = "W92000004"
COARSE, FINE = 200, 100
# Every so-many-th square stands for its neighbours where one, two or three maps show all England.
THIN = {1: 2, 2: 4, 3: 5}
# Every second one does for a board that is wider or higher than this many metres.
WIDE_M = 75_000
# London stands enlarged over the sea, in parts of the map: left, bottom, width, height.
INSET = (0.012, 0.67, 0.355, 0.2505)
MOST_CLASSES, MOST_MAPS = 5, 3
STRIPE_INCHES = 0.045
DOT_POINTS = 1.6
# A map stands above its key, so that a phone shows the whole of both.
MAP_INCHES = 4.8
LINE_INCHES = 0.165
CLINIC_INCHES = 0.2
CLINIC_WORDS = "If spokes were added: black on every list, white on two, grey on one"
MOST_NUMBERED = 20
MOST_TOWNS = 7
# On a phone a map is as many pixels wide as it is points.
SMALLEST = 8.5
MOVES = "depends on the list"
# Columns of the two ends of a range, where a board is shown twice.
ENDS = {"low": "If every candidate counts (A, B, C)", "high": "If only the surest sites do (A)"}


# --- where things lie ---------------------------------------------------------------------------


@cache
def _areas() -> pd.DataFrame:
    return tables.read("areas")


@cache
def _squares(side: int) -> tuple[np.ndarray, int, int]:
    """Squares of one size: position of the area (-1 for none), and the grid's west and south."""
    runs = tables.read("area_grid")
    runs = runs[runs["side_m"] == side]
    row, column, count = (runs[c].to_numpy(np.int64) for c in ("row", "column", "squares"))
    numbers = _areas()["area_code"].str[1:].astype(int).to_numpy()
    place = np.searchsorted(numbers, runs["area_number"].to_numpy())
    south, west = row.min(), column.min()
    width = (column + count).max() - west
    grid = np.full((row.max() - south + 1) * width, -1, dtype=np.int32)
    ends = np.cumsum(count)
    steps = np.arange(ends[-1]) - np.repeat(ends - count, count)
    grid[np.repeat((row - south) * width + column - west, count) + steps] = np.repeat(place, count)
    return grid.reshape(-1, width), int(west * side), int(south * side)


@cache
def _pieces() -> list[tuple[str, str, np.ndarray]]:
    """Closed lines of the pieces of places: sub-ICB location, local authority, corners."""
    corners = tables.read("boundaries").sort_values("ring", kind="stable")
    first = np.flatnonzero(~corners["ring"].duplicated())
    rings = np.split(corners[["easting", "northing"]].to_numpy(), first[1:])
    named = corners[["sub_icb_code", "local_authority_code"]].iloc[first]
    return list(zip(*(named[column] for column in named), rings, strict=True))


@cache
def _read(name: str) -> pd.DataFrame:
    """A small table that every map of a page asks for; nobody may change it."""
    return tables.read(name)


@cache
def _boards() -> pd.DataFrame:
    """The newest edition of the care boards."""
    boards = tables.read("care_boards")
    return boards[boards["version"] == boards["version"].max()]


@cache
def _place_of_pieces(by: str) -> list[str]:
    """Name the place that each closed line belongs to: a local authority or a care board."""
    pieces = pd.DataFrame(
        [(board, district) for board, district, _ in _pieces()],
        columns=["sub_icb_code", "local_authority_code"],
    )
    if by == "local_authority":
        names = _areas().drop_duplicates("local_authority_code")
        names = names.set_index("local_authority_code")["local_authority"]
        return pieces["local_authority_code"].map(names).fillna(WALES).tolist()
    if by != "board_code":
        raise Problem(
            f"A map of places is drawn by 'local_authority' or by 'board_code', not by '{by}'."
        )
    english = pieces[pieces["sub_icb_code"] != WALES]
    of_board = access.board_of_areas(english.assign(area_code=english.index), _boards())
    codes = pd.Series(of_board["board_code"].to_numpy(), index=english.index)
    return codes.reindex(pieces.index).fillna(WALES).tolist()


def _lines_between(places: Sequence[str]) -> list[np.ndarray]:
    """Lines where one place ends and another, the sea or another country begins; each line once."""
    seen: dict[tuple, str] = {}
    doubled = set()
    for place, steps in zip(places, _steps_of_pieces(), strict=True):
        for step in steps:
            if step in seen and seen[step] == place:
                doubled.add(step)
            seen.setdefault(step, place)
    drawn = set()
    lines = []
    for place, steps, (_, _, corners) in zip(places, _steps_of_pieces(), _pieces(), strict=True):
        if place == WALES:
            continue
        line = []
        for step, start, end in zip(steps, corners[:-1], corners[1:], strict=True):
            if step in doubled or step in drawn:
                lines += [np.array(line)] if line else []
                line = []
                continue
            drawn.add(step)
            line = [*line, end] if line else [start, end]
        lines += [np.array(line)] if line else []
    return lines


def _steps(corners: np.ndarray) -> list[tuple]:
    """The stretches of a closed line, written the same way from whichever side they are met."""
    points = [tuple(point) for point in corners.tolist()]
    return [(a, b) if a < b else (b, a) for a, b in zip(points[:-1], points[1:], strict=True)]


@cache
def _steps_of_pieces() -> list[list[tuple]]:
    return [_steps(corners) for _, _, corners in _pieces()]


def _shape(rings: Sequence[np.ndarray]) -> Path:
    return Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))


def _sites(names: Collection[str]) -> pd.DataFrame:
    """Where the named centres stand, from north to south."""
    centres = _read("centres_ild").set_index("site")
    unknown = sorted(set(names) - set(centres.index))
    if unknown:
        raise Problem(
            f"The map has no place for {len(unknown)} centres: the first is '{unknown[0]}', which "
            "data/centres_ild.csv does not name in its column 'site'. Add it there, or leave the "
            "column 'centre' out of the table."
        )
    centres = centres.loc[sorted(set(names))]
    points = geography.site_points(centres)
    grades, towns = centres["certainty"], centres["town"]
    found = pd.DataFrame(
        {
            "site": centres.index,
            "grade": grades,
            "easting": points[:, 0],
            "northing": points[:, 1],
            "label": [
                f"{_short(site, town)} ({grade})"
                for site, town, grade in zip(centres.index, towns, grades, strict=True)
            ],
        }
    )
    found = found.sort_values("northing", ascending=False, ignore_index=True)
    return found.assign(number=range(1, len(found) + 1))


@dataclass(frozen=True)
class _Shown:
    """The class of every area at the lower and the upper end of its range, mostly the same one.

    An area without data has the two last colours, so that it is striped in grey and white.
    """

    low: np.ndarray
    high: np.ndarray


# --- classes ------------------------------------------------------------------------------------


def _check_classes(edges: Sequence[float], labels: Sequence[str], most: int) -> None:
    if len(labels) != len(edges) + 1 or list(edges) != sorted(set(edges)):
        raise Problem(
            "A map needs limits of its classes in rising order and one label more than limits; "
            f"it was given {len(edges)} limits and {len(labels)} labels."
        )
    if not 2 <= len(labels) <= most:
        raise Problem(f"A map has from 2 to {most} classes, not {len(labels)}.")


def _classes(values: pd.Series, edges: Sequence[float]) -> np.ndarray:
    """Class of every value, from 0; a limit belongs to the class below it; -1 where missing."""
    values = values.astype(float).to_numpy()
    return np.where(np.isnan(values), -1, np.searchsorted(list(edges), values, side="left"))


def _shown(
    table: pd.DataFrame,
    position: np.ndarray,
    value: str,
    edges: Sequence[float],
    steady: float | None,
) -> tuple[_Shown, np.ndarray]:
    """Give every area its classes; also the class of every row, one more where it is not steady."""
    classes = _classes(table[value], edges)
    low, high = classes, classes
    if steady is not None:
        if not {"low", "high"} <= set(table):
            raise Problem(
                "Which areas are steady is read from the columns 'low' and 'high', and the table "
                "has not both. Publish them with it, or leave 'steady' out."
            )
        moves = (table["high"].astype(float) - table["low"].astype(float) > steady).to_numpy()
        low = np.where(moves, _classes(table["low"], edges), classes)
        high = np.where(moves, _classes(table["high"], edges), classes)
        classes = np.where(moves & (classes >= 0), len(edges) + 1, classes)
    # The colours of an area without data come last.
    ends = []
    for end, colour in ((low, -1), (high, -2)):
        of_area = np.full(len(_areas()), colour)
        of_area[position] = np.where(end < 0, colour, end)
        ends.append(of_area)
    return _Shown(*ends), classes


def _counted(
    table: pd.DataFrame, classes: np.ndarray, labels: Sequence[str], unit: str
) -> pd.DataFrame:
    """Count areas or places, and people where the table has them, in each class."""
    named = {-1: "no data", **dict(enumerate(labels))}
    people = table["people"].astype(float) if "people" in table else None
    rows = []
    for number, name in [*enumerate(labels), (-1, named[-1])]:
        there = classes == number
        if number == -1 and not there.any():
            continue
        row = {"class": name, unit: int(there.sum())}
        weight = there.astype(float) if people is None else people.where(there, 0.0)
        total = len(table) if people is None else people.sum()
        if people is not None:
            row["people"] = round(float(weight.sum()))
        share = float(weight.sum() / total) if total else np.nan
        rows.append({**row, f"per cent of {unit if people is None else 'people'}": 100 * share})
    return pd.DataFrame(rows)


def _per_cent(share: float) -> str:
    return "under 1%" if 0 < share < 0.5 else f"{share:.0f}%"


def _of_whom(rows: pd.DataFrame, whom: str) -> pd.DataFrame:
    """Say in the headings of a data table which people it counts."""
    return rows.rename(columns={"people": whom, "per cent of people": f"per cent of {whom}"})


def _said(counted: pd.DataFrame, unit: str) -> str:
    """Say what the classes hold, for the alternative text."""
    share = counted.columns[-1]
    what = "people" if "people" in counted else unit
    return "; ".join(
        f"{row['class']}: {row[unit]:,} {unit}, {_per_cent(row[share])} of {what}"
        for row in counted.to_dict("records")
    )


# --- drawing ------------------------------------------------------------------------------------


def _paint(
    shown: _Shown, shades: Sequence[str], side: int, thin: int, inches: float, show: np.ndarray
):
    """Colour squares in the shades of their areas, stripes where an area has two; the rest clear.

    inches : how wide the picture will be. show : whether every area is drawn.
    Returns the picture (rows from south to north) and its west, east, south and north.
    """
    grid, west, south = _squares(side)
    grid = grid[thin // 2 :: thin, thin // 2 :: thin]
    step = side * thin
    if not show.all():
        inside = (grid >= 0) & show[grid]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        low, left = int(rows[0]), int(columns[0])
        grid = grid[low : rows[-1] + 1, left : columns[-1] + 1]
        west, south = west + left * step, south + low * step
    height, width = grid.shape
    colours = [[*_rgb(colour), 255] for colour in (*shades, NO_DATA_STRIPE, NO_DATA)]
    palette = np.array(colours, dtype=np.uint8)
    row, column = np.ogrid[:height, :width]
    stripe = max(2, round(STRIPE_INCHES * width / inches))
    number = np.where((row + column) % (2 * stripe) < stripe, shown.low[grid], shown.high[grid])
    picture = palette[number]
    picture[(grid < 0) | ~show[grid]] = 0
    return picture, (west, west + width * step, south, south + height * step)


def _rgb(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _land(ax, window: tuple, only: Collection[str] = (WALES,)) -> None:
    """Draw land that the map does not speak of; all land where `only` is empty."""
    rings = [
        _near(ring, window)
        for board, _, ring in _pieces()
        if (not only or board in only) and _overlap(ring, window)
    ]
    if rings:
        # A wide edge closes the seam between simplified outlines and squares.
        look = {"fc": NOT_ENGLAND, "ec": NOT_ENGLAND, "lw": 2, "zorder": 0}
        # Not `add_patch`, which looks for the limits of every step: `_frame` sets them.
        ax.add_artist(PathPatch(_shape(rings), **look))


def _draw(ax, lines: Sequence[np.ndarray], colour: str, width: float) -> None:
    """Draw many lines as one, which the file tells in a third of the room."""
    path = Path.make_compound_path(*(Path(line) for line in lines))
    ax.add_artist(PathPatch(path, fill=False, ec=colour, lw=width, zorder=2))


def _overlap(line: np.ndarray, window: tuple) -> bool:
    west, east, south, north = window
    (low_x, low_y), (high_x, high_y) = line.min(axis=0), line.max(axis=0)
    return bool(high_x > west and low_x < east and high_y > south and low_y < north)


def _near(line: np.ndarray, window: tuple) -> np.ndarray:
    """Draw what lies well outside a window in to its rim, so that the file does not carry it."""
    west, east, south, north = window
    rim = 0.2 * max(east - west, north - south)
    low, high = (west - rim, south - rim), (east + rim, north + rim)
    line = np.clip(line, low, high)
    return line[np.append(True, (line[1:] != line[:-1]).any(axis=1))]


def _frame(ax, window: tuple) -> None:
    ax.set_xlim(window[0], window[1])
    ax.set_ylim(window[2], window[3])
    ax.set_aspect("equal")
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _england(ax, shown: _Shown, shades: Sequence[str], maps: int = 1) -> None:
    """Paint all areas of England, its coast, Wales beside it and London enlarged."""
    _land(ax, ENGLAND)
    show = np.ones(len(shown.low), dtype=bool)
    inches = MAP_INCHES / maps
    picture, extent = _paint(shown, shades, COARSE, THIN[maps], inches, show)
    ax.imshow(picture, extent=extent, origin="lower", interpolation="none", zorder=1)
    country = [WALES if board == WALES else "England" for board, _, _ in _pieces()]
    _draw(ax, _lines_between(country), EDGE, 0.4)
    _frame(ax, ENGLAND)
    if maps == 1:
        ax.text(262_000, 265_000, "Wales", size=9, color=MUTED, ha="center")
    inset = _london(ax, "London, enlarged" if maps == 1 else "London")
    picture, extent = _paint(shown, shades, FINE, THIN[maps] // 2, inches * INSET[2], show)
    inset.imshow(picture, extent=extent, origin="lower", interpolation="none", zorder=1)
    _frame(inset, LONDON)
    _box(inset)


def _london(ax, title: str):
    """Open the enlarged map of London over the sea, and mark on the map where it is."""
    west, east, south, north = LONDON
    ax.add_patch(
        Rectangle((west, south), east - west, north - south, fill=False, ec=INK, lw=0.9, zorder=3)
    )
    inset = ax.inset_axes(INSET)
    inset.set_title(title, size=9, loc="left", pad=3, color=INK)
    _frame(inset, LONDON)
    _box(inset)
    return inset


def _box(ax) -> None:
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set(color=INK, linewidth=0.9)


def _mark(
    ax, sites: pd.DataFrame, window: tuple, inches: float, beside: bool = False
) -> pd.DataFrame:
    """Number the centres within a window where they stand; near ones are moved apart.

    beside : whether numbers stand to the right of what they name, which may be small.
    Returns the centres that were marked, with their number in the column `number`.
    """
    west, east, south, north = window
    there = sites[_inside(sites, window)]
    if not len(there):
        return there
    metres = (east - west) / inches
    anchors = there[["easting", "northing"]].to_numpy(float)
    from_east = anchors + np.array([0.2, 0.12]) * metres if beside else anchors
    # A number at the rim of the map is not cut off.
    corners = np.array([west, south]) + 0.1 * metres, np.array([east, north]) - 0.1 * metres
    places = _apart(from_east, 0.21 * metres, corners)
    for number, anchor, place in zip(there["number"], anchors, places, strict=True):
        if np.hypot(*(anchor - place)) > 0.05 * metres:
            ax.plot(*zip(anchor, place, strict=True), color=INK, lw=0.8, zorder=4)
            ax.plot(*anchor, "o", color=INK, mec="white", mew=0.5, ms=3.5, zorder=5)
        ax.plot(*place, "o", ms=14, mfc="white", mec=INK, mew=0.9, zorder=6)
        ax.annotate(
            f"{number}", place, size=SMALLEST, weight="bold", color=INK, ha="center",
            va="center_baseline", zorder=7,
        )  # fmt: skip
    return there


def _inside(sites: pd.DataFrame, window: tuple) -> np.ndarray:
    west, east, south, north = window
    across, up = sites["easting"], sites["northing"]
    return (across.between(west, east) & up.between(south, north)).to_numpy()


def _apart(
    points: np.ndarray,
    gap: float,
    corners: tuple[np.ndarray, np.ndarray] = (np.full(2, -np.inf), np.full(2, np.inf)),
) -> np.ndarray:
    """Move points that are nearer than `gap` to each other until none is, each by as little.

    corners : the south-western and the north-eastern one that the points stay between.
    """
    places = np.clip(points, *corners)
    # Two that stand on one spot part to the east and the west, in their order.
    places[:, 0] += np.linspace(-1, 1, len(places))
    for _ in range(500):
        ways = places[:, None] - places[None, :]
        lengths = np.hypot(ways[..., 0], ways[..., 1])
        np.fill_diagonal(lengths, np.inf)
        lacking = np.clip(gap * 1.02 - lengths, 0, None)
        if lengths.min() >= gap:
            break
        places += (ways / lengths[..., None] * lacking[..., None] / 2).sum(axis=1)
        places = np.clip(places, *corners)
    return places


def _key(ax, entries: Sequence[tuple[Patch, str]], title: str) -> None:
    """Draw the key of classes in two columns, from the top left of the part below a map."""
    legend = ax.legend(
        [patch for patch, _ in entries], [text for _, text in entries], title=title, ncols=2,
        loc="upper left", bbox_to_anchor=(0, 1), frameon=False, alignment="left",
        handlelength=1.6, handleheight=1.3, borderaxespad=0, borderpad=0, labelspacing=0.45,
        columnspacing=1, fontsize=9.5, title_fontsize=9.5,
    )  # fmt: skip
    legend.get_title().set_weight("bold")


def _key_inches(entries: Sequence) -> float:
    """How high the key of so many classes is."""
    wrapped = any("\n" in text for _, text in entries)
    return 0.28 + 0.235 * ((len(entries) + 1) // 2) + 0.16 * wrapped


def _patches(
    counted: pd.DataFrame, shades: Sequence[str], with_share: bool = True
) -> list[tuple[Patch, str]]:
    """Patch and words of every class; classes beyond the last one that holds anything are out."""
    share = counted.columns[-1]
    found = list(zip(counted.to_dict("records"), [*shades, None, None], strict=False))
    if with_share:
        held = [n for n, (row, shade) in enumerate(found) if shade and row[counted.columns[1]]]
        first, last = (held[0], held[-1]) if held else (0, -1)
        found = [pair for n, pair in enumerate(found) if not pair[1] or first <= n <= last]
    entries = []
    for row, shade in found:
        name = row["class"]
        if name == "no data":
            face = Patch(fc=NO_DATA, ec=NO_DATA_STRIPE, hatch="////", lw=0.6)
        elif name == MOVES:
            face = Patch(fc=shades[1], ec=EDGE, hatch="\\\\\\\\", hatchcolor=shades[-1], lw=0.6)
            name = "Striped: depends on the list"
        else:
            face = Patch(fc=shade, ec=EDGE, lw=0.6)
        held = f"{_per_cent(row[share])}{share.removeprefix('per cent')}"
        between = ":\n" if name.startswith("Striped") else ": "
        entries.append((face, name + between + held if with_share else name))
    return entries


def _name_towns(ax, window: tuple, inches: float, board_code: str, marked: np.ndarray) -> None:
    """Write the names of towns of a board where there is room, the first of the table first."""
    towns = _read("towns")
    points = towns[["easting", "northing"]].to_numpy(float)
    metres = (window[1] - window[0]) / inches
    taken = [(x - 0.11, y - 0.11, x + 0.11, y + 0.11) for x, y in marked / metres]
    named = 0
    of_board = np.array(_board_of_towns()) == board_code
    for town, point in zip(towns["town"][of_board], points[of_board], strict=True):
        x, y = point / metres
        width = 0.08 * len(town) + 0.06
        right = (x + width) * metres < window[1]
        box = (x - 0.05, y - 0.08, x + width, y + 0.08)
        if not right:
            box = (x - width, y - 0.08, x + 0.05, y + 0.08)
        fits = box[0] * metres > window[0]
        if named == MOST_TOWNS or not fits or any(_meet(box, b) for b in taken):
            continue
        taken.append(box)
        named += 1
        ax.plot(*point, "s", color=INK, mec="white", mew=0.6, ms=3.5, zorder=4)
        side = "left" if right else "right"
        ax.annotate(
            town, point, (4 if right else -4, 0), textcoords="offset points",
            size=SMALLEST, color=INK, ha=side, va="center_baseline", zorder=4,
            bbox=behind(0.9, side, 0.85),
        )  # fmt: skip


@cache
def _board_of_towns() -> list[str]:
    """The care board of the area whose centre is nearest to each town."""
    middles = _areas()[["easting", "northing"]].to_numpy(float)
    return [
        _board_of_areas()[np.hypot(*(middles - point).T).argmin()]
        for point in _read("towns")[["easting", "northing"]].to_numpy(float)
    ]


def _meet(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def _numbered(ax, sites: pd.DataFrame, top: float, heading: str) -> None:
    """Write the names of numbered places in two columns, `top` inches below the top of a part."""
    height = ax.get_position().height * ax.get_figure().get_figheight()
    at = {"va": "top", "color": INK, "transform": ax.transAxes}
    ax.text(0, 1 - top / height, heading, size=9.5, weight="bold", **at)
    lines = (len(sites) + 1) // 2
    for place, row in enumerate(sites.itertuples()):
        down = top + 0.05 + (place % lines + 1) * LINE_INCHES
        ax.text(
            0.5 * (place // lines),
            1 - down / height,
            f"{row.number}  {row.label}",
            size=SMALLEST,
            **at,
        )


def _numbered_inches(sites: pd.DataFrame | None) -> float:
    return 0 if sites is None or not len(sites) else 0.3 + LINE_INCHES * ((len(sites) + 1) // 2)


def _short(site: str, town: str) -> str:
    """Shorten the name of a hospital without losing which one it is, and say where it is."""
    for long, short in (
        ("University Hospital", "Univ. Hosp."), ("Hospitals", "Hosp."), ("Hospital", "Hosp."),
    ):  # fmt: skip
        site = site.replace(long, short)
    site = re.sub(r" \(.*\)", "", site)
    town = town.split(" upon ")[0]
    return site if town in site else f"{re.sub(r'( Univ.)? Hosp.$', '', site)}, {town}"


def _lighter(drawing: Drawing) -> Drawing:
    """Write lines by their steps, to a tenth of a point, and dots as dots."""
    svg = re.sub(r' d="([MLz\d\s.-]*)"', _steps_of, drawing.svg)
    # matplotlib draws each of the thousand dots of a hatch as a circle of eight curves.
    svg = re.sub(r'(<pattern .*?)<path d="(M[^"]*C[^"]*)" style="([^"]*)"', _dots, svg, flags=re.S)
    return replace(drawing, svg=svg, narrow=True)


def _steps_of(path: re.Match) -> str:
    """Write a path of straight lines as steps from corner to corner, without steps of nothing."""
    told = []
    start = (0, 0)
    x, y = start
    for mark, *corner in re.findall(r"([MLz])(?:\s*(-?[\d.]+)\s+(-?[\d.]+))?", path[1]):
        if mark == "z":
            told.append("z")
            x, y = start
            continue
        # Whole tenths, so that the steps of a long line add up.
        to_x, to_y = (round(10 * float(part)) for part in corner)
        if mark == "M":
            told.append(f"M{to_x / 10:g} {to_y / 10:g}")
            start = (to_x, to_y)
        elif (to_x, to_y) != (x, y):
            told.append(f"l{(to_x - x) / 10:g} {(to_y - y) / 10:g}")
        elif told[-1].startswith("M"):
            # A mark without length is seen by its round ends.
            told.append("h0")
        x, y = to_x, to_y
    return f' d="{"".join(told)}"'.replace(" -", "-")


def _dots(pattern: re.Match) -> str:
    before, path, style = pattern.groups()
    middles = re.findall(r"M (\S+) (\S+)\s+C", path)
    dots = "".join(f"M{x} {y}h0" for x, y in middles)
    style = re.sub(r"stroke-width: [^;]*", f"stroke-width: {DOT_POINTS}", style)
    style = style.replace("stroke-linecap: butt", "stroke-linecap: round")
    return f'{before}<path d="{dots}" style="{style}"'


def _drawn(
    figure: Figure, alt: str, table: pd.DataFrame, rows: pd.DataFrame, what: str, note: str = ""
) -> Drawing:
    return _lighter(finish(lambda _: figure, alt, table, rows, what, note, phone=False))


def _blank(map_inches: float, key_inches: float) -> tuple[Figure, mpl.axes.Axes, mpl.axes.Axes]:
    """A figure with a map above and room for its key below."""
    height = map_inches + 0.25 + key_inches
    figure = Figure(figsize=(MAP_INCHES, height))
    ax = figure.add_axes((0, 1 - (map_inches + 0.1) / height, 1, map_inches / height))
    key = figure.add_axes((0.02, 0, 0.97, key_inches / height))
    key.set_axis_off()
    return figure, ax, key


def _england_inches(maps: int = 1) -> float:
    return MAP_INCHES / maps * (ENGLAND[3] - ENGLAND[2]) / (ENGLAND[1] - ENGLAND[0])


# --- maps ---------------------------------------------------------------------------------------


def areas(
    table: pd.DataFrame,
    value: str | Mapping[str, str],
    edges: Sequence[float],
    labels: Sequence[str],
    axis: str,
    what: str,
    steady: float | None = None,
    whom: str = "people",
) -> Drawing:
    """Draw a classed map of every area (LSOA) of England, with London enlarged.

    An area is drawn as the squares whose middle lies in it; where all England is shown an area
    smaller than a square may be out of sight, and the table has it.

    Parameters
    ----------
    table : published table, one row an area: `area_code`, the column `value`; `people` for the
        shares of the key; `centre` to mark the centres that are somebody's nearest.
    value : the column to show; or up to three columns and their headings, side by side.
    edges : limits of the classes; a limit belongs to the class below it.
    labels : one more than limits: names of the classes, lowest first; at most five.
    axis : heading of the key, with the unit.
    what : what is shown, for the alternative text: `minutes by car to the nearest centre`.
    steady : an area whose columns `low` and `high` are further apart than this is in no class: its
        stripes run from the class of the one to the class of the other. One map only.
    whom : whom the column `people` counts, for the headings of the data table.

    Returns
    -------
    The drawing; its rows are the classes: `class`, `areas`, `people`, `per cent of people`, the
    last two in the words of `whom`.

    Raises
    ------
    Problem : classes that do not fit, areas listed twice or not known, a centre without a place.
    """
    published(table)
    _check_classes(edges, labels, MOST_CLASSES)
    columns = {value: ""} if isinstance(value, str) else dict(value)
    if not 1 <= len(columns) <= MOST_MAPS:
        raise Problem(f"From 1 to {MOST_MAPS} maps stand side by side, not {len(columns)}.")
    position = _positions(table)
    counted, painted = {}, {}
    names = labels if steady is None else [*labels, MOVES]
    for column in columns:
        painted[column], classes = _shown(table, position, column, edges, steady)
        counted[column] = _counted(table, classes, names, "areas")
    with mpl.rc_context(house()):
        if len(columns) == 1:
            figure = _one_map(table, next(iter(columns)), painted, counted, labels, axis)
        else:
            figure = _maps_side_by_side(columns, painted, counted, labels, axis)
        said = ". ".join(
            f"{heading + ': ' if heading else ''}{_said(counted[column], 'areas')}"
            for column, heading in columns.items()
        )
        alt = f"Map of England by area (LSOA), London enlarged: {what}. {said}."
        if len(columns) == 1:
            rows = counted[next(iter(columns))]
        else:
            parts = [counted[c].assign(map=heading) for c, heading in columns.items()]
            rows = pd.concat(parts, ignore_index=True)
            rows = rows[["map", *rows.columns.drop("map")]]
        return _drawn(figure, alt, table, _of_whom(rows, whom), what)


def _positions(table: pd.DataFrame) -> np.ndarray:
    """Rows of `areas` that the rows of a table stand for."""
    position = pd.Index(_areas()["area_code"]).get_indexer(table["area_code"])
    if (position < 0).any() or table["area_code"].duplicated().any():
        raise Problem(
            f"A map of areas needs one row an area: {int((position < 0).sum())} rows have an area "
            f"code that is not known, and {int(table['area_code'].duplicated().sum())} come twice."
        )
    return position


def _one_map(table, value, painted, counted, labels, axis) -> Figure:
    shades = SHADES[len(labels)]
    entries = _patches(counted[value], shades)
    sites = _sites(table["centre"].dropna()) if "centre" in table else None
    key = _key_inches(entries)
    figure, ax, below = _blank(_england_inches(), key + _numbered_inches(sites))
    _england(ax, painted[value], shades)
    _key(below, entries, axis)
    if sites is not None:
        in_london = _mark(ax.child_axes[0], sites, LONDON, MAP_INCHES * INSET[2])
        _mark(ax, sites.drop(in_london.index), ENGLAND, MAP_INCHES)
        _numbered(below, sites, key + 0.08, "Specialist centres, north to south, with their grade")
    return figure


def _maps_side_by_side(columns, painted, counted, labels, axis) -> Figure:
    shades = SHADES[len(labels)]
    count = len(columns)
    entries = _patches(counted[next(iter(columns))], shades, with_share=False)
    heading = 0.3
    figure, whole, below = _blank(_england_inches(count) + heading, _key_inches(entries))
    whole.set_axis_off()
    part = 1 - heading / (_england_inches(count) + heading)
    for place, (column, title) in enumerate(columns.items()):
        ax = whole.inset_axes((place / count, 0, 1 / count - 0.01, part))
        _england(ax, painted[column], shades, count)
        ax.set_title(title, size=9, loc="left", pad=7)
    _key(below, entries, axis)
    return figure


def places(
    table: pd.DataFrame,
    by: str,
    value: str,
    edges: Sequence[float],
    labels: Sequence[str],
    axis: str,
    what: str,
    unsteady: Collection[str] = (),
    clinics: pd.DataFrame | None = None,
    centres: Collection[str] = (),
    two_sides: bool = False,
    whom: str = "people",
    note: str = "",
) -> Drawing:
    """Draw a classed map of local authorities or care boards, with London enlarged.

    Parameters
    ----------
    table : published table, one row a place: the columns `by` and `value`; `people` for the shares
        of the key; `low` and `high` for the alternative text of unsteady places.
    by : `local_authority` (names as the table `areas` has them) or `board_code` (newest edition).
    value, edges, labels, axis, what, whom : as for `areas`.
    unsteady : places whose mean depends on the list of centres. One whose `low` and `high` lie in
        the same class is in it, with strokes; any other is latticed and in no class.
    clinics : published table of hospitals to number and name: `centre` (a name that ends with the
        hospital's postcode in brackets), `estimate` (on how many of the lists of centres it is
        chosen: black on every list, grey on one only) and `note` (what stands after its name).
    centres : names of centres, as the table `centres_ild` has them, to show as small squares.
    two_sides : whether the classes, three or five, lie on two sides of a middle one (less, about
        the same, more): two colours about a grey, and level lines on the lower side.
    note : words below the key, such as how a headline counts what is in no class.

    Returns
    -------
    The drawing; its rows are the classes, with the names of the places in each.

    Raises
    ------
    Problem : classes that do not fit, places listed twice or not known, a hospital without a place.
    """
    published(table)
    _check_classes(edges, labels, MOST_CLASSES)
    of_line = _place_of_pieces(by)
    _check_places(table[by], of_line, by)
    ranged = table[by].isin(list(unsteady)).to_numpy()
    classes = _classes(table[value], edges)
    moves = ranged.copy()
    if {"low", "high"} <= set(table):
        lowest, highest = _classes(table["low"], edges), _classes(table["high"], edges)
        moves = ranged & ((lowest != highest) | (lowest < 0))
        classes = np.where(ranged & ~moves, lowest, classes)
    classes = np.where(moves, len(labels), classes)
    shades = (TWO_SIDES if two_sides else SHADES)[len(labels)]
    middle = len(labels) // 2 if two_sides else 0
    hatched = MOVES if moves.any() else None
    counted = _counted(table, classes, [*labels, hatched] if hatched else labels, "places")
    names = _names(by)
    counted["names"] = _names_of(counted, table[by].map(names), classes, labels, hatched)
    with mpl.rc_context(house()):
        entries = _patches(counted.drop(columns="names"), [*shades, NO_DATA])
        if moves.any():
            lattice = next(n for n, (_, text) in enumerate(entries) if text.startswith("Striped"))
            words = entries[lattice][1].replace("Striped: depends on the list", UNSTEADY_WORDS)
            entries[lattice] = (Patch(ec=EDGE, lw=0.6, **UNSTEADY), words)
        for face, words in entries:
            if words.split(":")[0] in labels[:middle]:
                face.set(hatch=LOWER_SIDE["hatch"], hatchcolor=LOWER_SIDE["hatchcolor"])
        if (ranged & ~moves).any():
            face = Patch(
                fc=shades[-2] if two_sides else shades[1],
                ec=EDGE,
                lw=0.6,
                hatch=RANGE_HATCH,
                hatchcolor="#ffffff",
            )
            entries.append((face, RANGE_WORDS))
        if len(centres):
            square = Line2D([], [], ls="", marker="s", ms=4, mfc=INK, mec="white")
            entries.append((square, "Specialist centre now, base list"))
        key = _key_inches(entries)
        named = None if clinics is None else _hospitals(clinics)
        lines = 0 if named is None else 0.4 + CLINIC_INCHES * len(named)
        figure, ax, below = _blank(_england_inches(), key + lines)
        style = {}
        for place, number, within in zip(table[by], classes, ranged & ~moves, strict=True):
            if not 0 <= number < len(labels):
                style[place] = UNSTEADY if number == len(labels) else UNKNOWN
                continue
            style[place] = {"fc": shades[number]} | (LOWER_SIDE if number < middle else {})
            if within:
                ink = shades[-1] if number == middle else "#ffffff"
                hatch = RANGE_HATCH + (LOWER_SIDE["hatch"] if number < middle else "")
                style[place] |= {"hatch": hatch, "hatchcolor": ink}
        _draw_places(ax, of_line, style)
        _key(below, entries, axis)
        alt = f"Map of England by {_words(by)}, London enlarged: {what}. "
        alt += _said(counted.drop(columns="names"), "places") + "."
        if len(centres):
            _squares_at(ax, _sites(centres))
        if named is not None:
            _clinics(ax, below, named, key + 0.08)
            listed = "; ".join(f"{row.number} {row.label}" for row in named.itertuples())
            alt += f" Numbered from north to south: {listed}."
        if ranged.any() and {"low", "high"} <= set(table):
            ranges = [
                f"{names[row[by]]} {row['low']:.0f} to {row['high']:.0f}"
                for row in table[ranged].to_dict("records")
            ]
            alt += f" Ranges over the lists: {'; '.join(ranges)}."
        return _drawn(figure, alt, table, _of_whom(counted, whom), what, note)


def _hospitals(clinics: pd.DataFrame) -> pd.DataFrame:
    """Where the hospitals stand whose names end with their postcodes, from north to south."""
    postcode = clinics["centre"].str.extract(r"\(([A-Z0-9 ]+)\)$")[0].str.replace(" ", "")
    known = _read("hospitals").drop_duplicates("postcode").set_index("postcode")
    lost = ~postcode.isin(known.index).to_numpy()
    if lost.any():
        raise Problem(
            f"The map has no place for {int(lost.sum())} hospitals: the first is "
            f"'{clinics['centre'].iloc[int(lost.argmax())]}'. Its name must end with the postcode "
            "of a row of data/open/hospitals.csv, in brackets."
        )
    found = known.loc[postcode, ["easting", "northing"]].reset_index(drop=True)
    names = clinics["centre"].str.replace(r" \([^(]*\)$", "", regex=True)
    found["label"] = [f"{name}: {note}" for name, note in zip(names, clinics["note"], strict=True)]
    found["lists"] = clinics["estimate"].to_numpy(float)
    found = found.sort_values("northing", ascending=False, ignore_index=True)
    return found.assign(number=range(1, len(found) + 1))


def _look_of(lists: float) -> dict[str, object]:
    """How a clinic is marked: black where every list chooses it, grey where only one does."""
    if lists == len(access.LISTS):
        return {"mfc": INK, "mec": "white", "ink": "white"}
    return {"mfc": "white" if lists > 1 else "#c9c9c9", "mec": INK, "ink": INK}


def _squares_at(ax, sites: pd.DataFrame) -> None:
    """Mark centres as small squares, in England and in London."""
    for on, window in ((ax, ENGLAND), (ax.child_axes[0], LONDON)):
        there = sites[_inside(sites, window)]
        on.plot(
            there["easting"], there["northing"], "s", ms=4, mfc=INK, mec="white", mew=0.5, zorder=4
        )


def _clinics(ax, below, named: pd.DataFrame, top: float) -> None:
    """Number clinics on the map, and write their names below it, one a line."""
    on_map = [(ax.child_axes[0], LONDON, MAP_INCHES * INSET[2]), (ax, ENGLAND, MAP_INCHES)]
    for on, window, inches in on_map:
        there = named[_inside(named, window)]
        if on is ax:
            there = there[~_inside(there, LONDON)]
        metres = (window[1] - window[0]) / inches
        places = _apart(there[["easting", "northing"]].to_numpy(float), 0.2 * metres)
        for row, place in zip(there.itertuples(), places, strict=True):
            look = _look_of(row.lists)
            ink = look.pop("ink")
            on.plot(*place, "o", ms=14, mew=1.1, zorder=6, **look)
            on.annotate(
                f"{row.number}", place, size=9, weight="bold", color=ink, ha="center",
                va="center_baseline", zorder=7,
            )  # fmt: skip
    height = below.get_position().height * below.get_figure().get_figheight()
    at = {"va": "center", "color": INK, "transform": below.transAxes, "size": 9}
    below.text(0, 1 - (top + 0.1) / height, CLINIC_WORDS, weight="bold", **at)
    for line, row in enumerate(named.itertuples(), start=1):
        down = 1 - (top + 0.12 + CLINIC_INCHES * line) / height
        look = _look_of(row.lists)
        ink = look.pop("ink")
        below.plot(0.025, down, "o", ms=12, mew=1, transform=below.transAxes, **look)
        number = {**at, "color": ink, "ha": "center", "va": "center_baseline", "weight": "bold"}
        below.text(0.025, down, f"{row.number}", **number)
        below.text(0.06, down, row.label, **at)


def bivariate(
    table: pd.DataFrame,
    by: str,
    measures: tuple[str, str],
    edges: tuple[Sequence[float], Sequence[float]],
    labels: tuple[Sequence[str], Sequence[str]],
    axes: tuple[str, str],
    what: str,
    unsteady: Collection[str] = (),
) -> Drawing:
    """Draw two measures of places on one map: hatch for the one, tone for the other.

    Parameters
    ----------
    table : published table; `measure`, the column `by`, `estimate`; `people` where known.
    by : `local_authority` (names as the table `areas` has them) or `board_code` (newest edition).
    measures : names of the measure told by hatch (none, dots, lines) and of that told by tone
        (light to dark).
    edges : for each measure the two limits of its three classes; a limit belongs to the class
        below it.
    labels : for each measure the names of its three classes, lowest first.
    axes : how each measure is named in the key.
    what : what is shown, for the alternative text.
    unsteady : places whose mean depends on the list of centres: left blank, in no class.

    Returns
    -------
    The drawing; its rows are the nine classes, with the places in each; the alternative text
    names the places that are in the highest class of both.

    Raises
    ------
    Problem : classes that do not fit, places listed twice or not known.
    """
    published(table)
    for limits, names in zip(edges, labels, strict=True):
        _check_classes(limits, names, 3)
        if len(names) != 3:
            raise Problem("A map of two measures has three classes of each.")
    wide = table[table["measure"].isin(measures)]
    of_line = _place_of_pieces(by)
    for measure in measures:
        _check_places(wide.loc[wide["measure"] == measure, by], of_line, by)
    values = wide.pivot_table(index=by, columns="measure", values="estimate", dropna=False)
    values = values.reindex(columns=list(measures))
    across, up = (_classes(values[m], e) for m, e in zip(measures, edges, strict=True))
    moves = values.index.isin(list(unsteady))
    known = (across >= 0) & (up >= 0) & ~moves
    classes = np.where(known, 3 * up + across, -1)
    names = _names(by)
    people = None
    if "people" in wide:
        people = wide[wide["measure"] == measures[0]].set_index(by)["people"].reindex(values.index)
    rows = []
    for number in range(9):
        there = classes == number
        row = {
            axes[0]: labels[0][number % 3],
            axes[1]: labels[1][number // 3],
            "places": int(there.sum()),
        }
        if people is not None:
            row["people"] = int(people[there].sum())
        rows.append({**row, "names": ", ".join(sorted(names[p] for p in values.index[there]))})
    for there, said in ((moves, MOVES), (~known & ~moves, "no data")):
        if there.any():
            row = {axes[0]: said, axes[1]: said, "places": int(there.sum())}
            if people is not None:
                row["people"] = int(people[there].sum())
            listed = ", ".join(sorted(names[p] for p in values.index[there]))
            rows.append({**row, "names": listed})
    style = {}
    for place, number, moving in zip(values.index, classes, moves, strict=True):
        if number >= 0:
            style[place] = _two_ways(number)
        else:
            style[place] = UNSTEADY if moving else UNKNOWN
    with mpl.rc_context(house()):
        others = [(UNSTEADY, UNSTEADY_WORDS)] if moves.any() else []
        if (~known & ~moves).any():
            others.append((UNKNOWN, "No data"))
        highest = values.index[classes == 8]
        sites = _middles(highest, of_line, names) if len(highest) <= MOST_NUMBERED else None
        key = 2.35
        figure, ax, below = _blank(_england_inches(), key + _numbered_inches(sites))
        _draw_places(ax, of_line, style, outlined=highest)
        _two_way_key(below, rows[:9], labels, axes, others, key)
        if sites is not None and len(sites):
            in_london = _mark(ax.child_axes[0], sites, LONDON, MAP_INCHES * INSET[2], True)
            _mark(ax, sites.drop(in_london.index), ENGLAND, MAP_INCHES, True)
            _numbered(below, sites, key + 0.08, "Highest in both (heavy outline)")
        both = rows[8]
        alt = (
            f"Map of England by {_words(by)}, London enlarged: {what}. "
            f"{axes[0]} by hatch, {axes[1]} by tone. In the highest class of both: "
            f"{both['places']} places{': ' + both['names'] if both['names'] else ''}. "
            f"In the lowest class of both: {rows[0]['places']} places."
        )
        if moves.any():
            alt += f" In no class, since they depend on the list: {int(moves.sum())} places."
        return _drawn(figure, alt, table, pd.DataFrame(rows), what)


def _two_ways(number: int) -> dict[str, str]:
    across, up = number % 3, number // 3
    return {"fc": TONES[up], "hatch": HATCHES[across], "hatchcolor": HATCH_INKS[up]}


def _middles(places: Collection[str], of_line: Sequence[str], names: Mapping) -> pd.DataFrame:
    """Number places from north to south, at the middle of the largest piece of each."""
    found = []
    for place in places:
        rings = [ring for at, (_, _, ring) in zip(of_line, _pieces(), strict=True) if at == place]
        largest = max(rings, key=lambda ring: np.prod(np.ptp(ring, axis=0)))
        easting, northing = (largest.min(axis=0) + largest.max(axis=0)) / 2
        found.append({"label": names[place], "easting": easting, "northing": northing})
    found = pd.DataFrame(found, columns=["label", "easting", "northing"])
    found = found.sort_values("northing", ascending=False, ignore_index=True)
    return found.assign(number=range(1, len(found) + 1))


def _two_way_key(ax, rows, labels, axes, others: Sequence[tuple[Mapping, str]], inches) -> None:
    """Draw the nine classes as a square, with the number of places in each, and what else is."""
    height = ax.get_position().height * ax.get_figure().get_figheight()
    inner = ax.inset_axes((0.15, 1 - (inches - 0.62) / height, 0.36, (inches - 0.9) / height))
    for number, row in enumerate(rows):
        across, up = number % 3, number // 3
        outline = {"ec": INK, "lw": 2, "zorder": 3} if number == 8 else {"ec": EDGE, "lw": 0.6}
        inner.add_patch(Rectangle((across, up), 1, 1, **outline, **_two_ways(number)))
        inner.text(
            across + 0.5, up + 0.5, f"{row['places']}", size=9, ha="center", va="center", color=INK,
            zorder=4, bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
        )  # fmt: skip
    inner.set_xlim(-0.03, 3.03)
    inner.set_ylim(-0.03, 3.03)
    inner.grid(visible=False)
    inner.set_xticks([0.5, 1.5, 2.5], labels[0], size=SMALLEST)
    inner.set_yticks([0.5, 1.5, 2.5], labels[1], size=SMALLEST)
    inner.tick_params(length=0)
    for spine in inner.spines.values():
        spine.set_visible(False)
    inner.set_title(f"↑ {axes[1]}, by tone", size=9, loc="left", pad=4, x=-0.4)
    inner.set_xlabel(f"{axes[0]}, by pattern →", size=9, loc="left")
    inner.xaxis.set_label_coords(-0.4, -0.2)
    at = {"color": INK, "va": "center", "transform": ax.transAxes, "size": 9}
    ax.text(0.6, 1 - 0.5 / height, "Numbers: places in the class", **at)
    for line, (look, words) in enumerate(others, start=1):
        top = 1 - (0.5 + 0.3 * line) / height
        ax.add_patch(
            Rectangle(
                (0.6, top - 0.1 / height), 0.07, 0.2 / height, transform=ax.transAxes, ec=EDGE,
                lw=0.6, **look,
            )
        )  # fmt: skip
        ax.text(0.69, top, words.replace(": ", ":\n"), **at)


def _outlines(of_line: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Closed outlines of places, without the lines between the pieces of one place."""
    onward: dict[str, dict[tuple, list[tuple]]] = {}
    for place, (_, _, ring) in zip(of_line, _pieces(), strict=True):
        points = [tuple(point) for point in ring.tolist()]
        ways = onward.setdefault(place, {})
        for start, end in zip(points[:-1], points[1:], strict=True):
            # Two pieces run along the line between them in opposite directions.
            if start in ways.get(end, []):
                ways[end].remove(start)
            else:
                ways.setdefault(start, []).append(end)
    outlines = {}
    for place, ways in onward.items():
        rings = outlines[place] = []
        for first in list(ways):
            while ways[first]:
                ring = [first, ways[first].pop()]
                while ring[-1] != first:
                    ring.append(ways[ring[-1]].pop())
                rings.append(np.array(ring))
    return outlines


def _draw_places(
    ax,
    of_line: Sequence[str],
    style: Mapping[str, Mapping],
    outlined: Collection[str] = (),
) -> None:
    """Fill and outline places in their styles, and draw London once more, enlarged."""
    rings = _outlines(of_line)
    for target, window, width in ((ax, ENGLAND, 0.4), (None, LONDON, 0.6)):
        on = target if target is not None else _london(ax, "London, enlarged")
        for place, closed in rings.items():
            near = [_near(ring, window) for ring in closed if _overlap(ring, window)]
            if place == WALES or not near:
                continue
            look = style.get(place, UNKNOWN)
            on.add_patch(PathPatch(_shape(near), ec=EDGE, lw=width, zorder=1, **look))
            if place in outlined:
                on.add_patch(PathPatch(_shape(near), fill=False, ec=INK, lw=1.6, zorder=3))
        if target is not None:
            _land(on, window)
            ax.text(262_000, 265_000, "Wales", size=9, color=MUTED, ha="center")
        _frame(on, window)
    _box(on)


def _check_places(found: pd.Series, of_line: Sequence[str], by: str) -> None:
    unknown = sorted(set(found) - set(of_line))
    if unknown or found.duplicated().any():
        raise Problem(
            f"A map of places needs one row a place: {len(unknown)} places of the column '{by}' "
            f"are not known{': ' + ', '.join(map(str, unknown[:3])) if unknown else ''}, and "
            f"{int(found.duplicated().sum())} come twice."
        )


def _names(by: str) -> dict[str, str]:
    """How places are written for readers."""
    if by == "local_authority":
        return {name: name for name in _areas()["local_authority"].unique()}
    boards = _boards().drop_duplicates("board_code")
    return dict(zip(boards["board_code"], boards["board"], strict=True))


def _words(by: str) -> str:
    return {"local_authority": "local authority", "board_code": "integrated care board"}[by]


def _names_of(counted, named, classes, labels, hatched) -> list[str]:
    number = {"no data": -1, **{label: place for place, label in enumerate(labels)}}
    if hatched:
        number[hatched] = len(labels)
    return [", ".join(sorted(named[classes == number[name]])) for name in counted["class"]]


def board(
    table: pd.DataFrame,
    board_code: str,
    value: str,
    edges: Sequence[float],
    labels: Sequence[str],
    axis: str,
    what: str,
    steady: float | None = None,
    centres: Collection[str] | None = None,
    whom: str = "people",
) -> Drawing:
    """Draw a classed map of the areas (LSOA) of one care board and the centres in and near it.

    Where most people live in areas that are not steady, two maps are drawn, one for each end of
    the range.

    Parameters
    ----------
    table : published table, as for `areas`; only the areas of the board are drawn.
    board_code : code of the board, in the newest edition of the table `care_boards`.
    value, edges, labels, axis, what, steady, whom : as for `areas`.
    centres : the centres to number and name; those of the column `centre` where not given.

    Returns
    -------
    The drawing; its rows are the classes of the board's areas.

    Raises
    ------
    Problem : classes that do not fit, a board that is not known, a centre without a place.
    """
    published(table)
    _check_classes(edges, labels, MOST_CLASSES)
    names = _names("board_code")
    if board_code not in names:
        raise Problem(
            f"There is no care board with the code '{board_code}' in the newest edition of the "
            "table 'care_boards'."
        )
    mine = _board_of_areas() == board_code
    position = _positions(table)
    rows = table[mine[position]]
    place = position[mine[position]]
    painted, classes = _shown(rows, place, value, edges, steady)
    counted = _counted(rows, classes, labels if steady is None else [*labels, MOVES], "areas")
    shades = SHADES[len(labels)]
    entries = _patches(counted, shades)
    drawn = {"": painted}
    said = _said(counted, "areas")
    if steady is not None and _share_of(counted, MOVES) > 50:
        drawn, parts = {}, []
        for end, heading in ENDS.items():
            drawn[heading], classes = _shown(rows, place, end, edges, None)
            parts.append(_counted(rows, classes, labels, "areas").assign(map=heading))
        counted = pd.concat(parts, ignore_index=True)
        counted = counted[["map", *counted.columns.drop("map")]]
        held = [label for label in labels if counted.loc[counted["class"] == label, "areas"].any()]
        entries = [
            entry for entry in _patches(parts[0].drop(columns="map"), shades, with_share=False)
            if entry[1] in held or entry[1] == "no data"
        ]  # fmt: skip
        said = ". ".join(
            f"{p['map'].iloc[0]}: {_said(p.drop(columns='map'), 'areas')}" for p in parts
        )
    points = _areas().loc[mine, ["easting", "northing"]].to_numpy()
    west, east, south, north = LONDON
    in_london = (
        (points[:, 0] > west) & (points[:, 0] < east)
        & (points[:, 1] > south) & (points[:, 1] < north)
    ).all()  # fmt: skip
    side_m = FINE if in_london else COARSE
    thin = len(drawn) * (2 if np.ptp(points, axis=0).max() > WIDE_M else 1)
    inches = MAP_INCHES / len(drawn)
    sites = near = None
    if centres is not None or "centre" in rows:
        sites = _sites(rows["centre"].dropna() if centres is None else centres)
    with mpl.rc_context(house()):
        pictures = {
            heading: _paint(shown, shades, side_m, thin, inches, mine)
            for heading, shown in drawn.items()
        }
        extent = next(iter(pictures.values()))[1]
        window, map_inches = _window(extent, inches)
        if sites is not None:
            near = _inside(sites, window)
            sites = pd.concat([sites[near], sites[~near]], ignore_index=True)
            sites["number"] = [*range(1, near.sum() + 1), *["–"] * int((~near).sum())]
        key = _key_inches(entries)
        heading_inches = 0.22 if len(drawn) > 1 else 0
        figure, whole, below = _blank(map_inches + heading_inches, key + _numbered_inches(sites))
        whole.set_axis_off()
        marked = np.empty((0, 2))
        codes = [c if c == board_code else WALES for c in _place_of_pieces("board_code")]
        outline = [] if in_london else _lines_between(codes)
        for number, (heading, (picture, _)) in enumerate(pictures.items()):
            part = map_inches / (map_inches + heading_inches)
            ax = whole.inset_axes((number / len(drawn), 0, 1 / len(drawn) - 0.01, part))
            ax.set_title(heading, size=9, loc="left", pad=2)
            _land(ax, window, only=())
            ax.imshow(picture, extent=extent, origin="lower", interpolation="none", zorder=1)
            if in_london:
                _round_squares(ax, picture, extent)
            else:
                _draw(ax, outline, INK, 0.9)
            _frame(ax, window)
            across = map_inches * (window[1] - window[0]) / (window[3] - window[2])
            if sites is not None:
                on_list = sites[sites["grade"] == "A"] if heading == ENDS["high"] else sites
                _mark(ax, on_list, window, min(inches, across))
                marked = sites.loc[_inside(sites, window), ["easting", "northing"]].to_numpy(float)
            _name_towns(ax, window, min(inches, across), board_code, marked)
        _key(below, entries, axis)
        listed = ""
        if sites is not None:
            off = "" if near.all() else "; – is off the map"
            _numbered(below, sites, key + 0.08, f"Nearest centres, with their grade{off}")
            for where, found in (("on", sites[: near.sum()]), ("off", sites[near.sum() :])):
                if len(found):
                    listed += f" Nearest centres {where} the map: {', '.join(found['site'])}."
        alt = f"Map of the areas (LSOA) of {names[board_code]}: {what}. {said}.{listed}"
        return _drawn(figure, alt, table, _of_whom(counted, whom), what)


def _share_of(counted: pd.DataFrame, name: str) -> float:
    """Give the share of people, or of areas, in one class in per cent."""
    return float(counted.loc[counted["class"] == name, counted.columns[-1]].sum())


def _round_squares(ax, picture: np.ndarray, extent: tuple) -> None:
    """Outline the squares of a place of a few kilometres, for which outlines are too coarse."""
    inside = np.pad((picture[..., 3] > 0).astype(float), 1)
    west, east, south, north = extent
    middles = []
    for low, high, count in ((west, east, picture.shape[1]), (south, north, picture.shape[0])):
        # Squares may stand for their neighbours: how wide they are is told by what they fill.
        half = (high - low) / count / 2
        middles.append(np.linspace(low - half, high + half, count + 2))
    ax.contour(*middles, inside, levels=[0.5], colors=INK, linewidths=0.9, zorder=2)


@cache
def _board_of_areas() -> np.ndarray:
    return access.board_of_areas(_areas(), _boards())["board_code"].to_numpy()


def _window(extent: tuple, inches: float) -> tuple[tuple, float]:
    """What a map of so many inches in width shows round a place, and how high it is."""
    west, east, south, north = extent
    rim = 0.04 * max(east - west, north - south)
    window = (west - rim, east + rim, south - rim, north + rim)
    height = inches * (window[3] - window[2]) / (window[1] - window[0])
    return window, float(np.clip(height, 1.6, 4.6))
