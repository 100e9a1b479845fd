"""Count people aged 50 and over by deprivation, rural or urban, distance and driving time.

Rewrites population_aged_50_plus.csv in this folder from the official files (IMD 2019, Rural Urban
Classification 2011, mid-2020 population) and the open tables beside it:

    python data/open/aggregate.py

The official files are looked for where `make data` keeps them, or in the folder that
DISTANCE_TO_CARE_OPEN_DATA names. The synthetic cohort is drawn from the aggregate, so that it
needs none of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from distance_to_care import geography, places, tables
from distance_to_care.problems import Problem

FROM_AGE = 50
NAME = "population_aged_50_plus.csv"


def aggregate() -> pd.DataFrame:
    """Count the people; columns as `geography.population_cells` returns them."""
    official = {}
    for name in ("imd_2019", "rural_urban_2011", "population_mid2020"):
        frame = tables.official(name)
        if frame is None:
            raise Problem(f"The official file {name} is not on this machine. Run 'make data'.")
        official[name] = frame.set_index("area_code")
    areas = tables.read("areas")
    sites = geography.base_list(tables.read("centres_ild"))
    minutes = geography.travel_minutes(
        sites, areas, tables.read("travel_minutes"), tables.read("hospitals")
    )
    return geography.population_cells(
        geography.nearest(geography.distances_km(sites, areas)),
        geography.nearest(minutes),
        official["imd_2019"]["imd_decile"],
        official["rural_urban_2011"]["rural_urban"],
        geography.people_aged(official["population_mid2020"], FROM_AGE),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=places.OPEN / NAME, help="file to write")
    path = parser.parse_args().output
    try:
        cells = aggregate()
    except Problem as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(2) from None
    cells.to_csv(path, index=False, lineterminator="\n")
    print(f"{path.name}: {len(cells)} cells, {cells['people'].sum():,} people")


if __name__ == "__main__":
    main()
