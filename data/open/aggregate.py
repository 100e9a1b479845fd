"""Count people by deprivation, rural or urban, distance and driving time to a centre.

Rewrites two tables in this folder from the official files (IMD 2019, Rural Urban Classification
2011, mid-2020 population) and the open tables beside it: people aged 50 and over by the nearest
centre for interstitial lung disease, and people of all ages by the nearest neuromuscular centre:

    python data/open/aggregate.py

The official files are looked for where `make data` keeps them, or in the folder that
DISTANCE_TO_CARE_OPEN_DATA names. Synthetic cohorts are drawn from the aggregates, so that they
need none of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from distance_to_care import geography, places, tables
from distance_to_care.problems import Problem

# Name of the table -> youngest age counted, table of centres.
TABLES = {
    "population_aged_50_plus": (50, "centres_ild"),
    "population_neuromuscular": (0, "centres_neuromuscular"),
}


def aggregate(from_age: int, centres: str) -> pd.DataFrame:
    """Count the people; columns as `geography.population_cells` returns them."""
    official = {}
    for name in ("imd_2019", "rural_urban_2011", "population_mid2020"):
        frame = tables.official(name)
        if frame is None:
            raise Problem(f"The official file {name} is not on this machine. Run 'make data'.")
        official[name] = frame.set_index("area_code")
    areas = tables.read("areas")
    # A hospital that serves children and adults stands on both lists, and counts once.
    sites = geography.base_list(tables.read(centres)).drop_duplicates("site").reset_index(drop=True)
    minutes = geography.travel_minutes(
        sites, areas, tables.read("travel_minutes"), tables.read("hospitals")
    )
    return geography.population_cells(
        geography.nearest(geography.distances_km(sites, areas)),
        geography.nearest(minutes),
        official["imd_2019"]["imd_decile"],
        official["rural_urban_2011"]["rural_urban"],
        geography.people_aged(official["population_mid2020"], from_age),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=places.OPEN, help="folder to write to")
    folder = parser.parse_args().output
    for name, asked in TABLES.items():
        try:
            cells = aggregate(*asked)
        except Problem as problem:
            print(problem, file=sys.stderr)
            raise SystemExit(2) from None
        path = folder / f"{name}.csv"
        cells.to_csv(path, index=False, lineterminator="\n")
        print(f"{path.name}: {len(cells)} cells, {cells['people'].sum():,} people")


if __name__ == "__main__":
    main()
