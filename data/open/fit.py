"""Fit the model of drives to sites outside the travel matrix, and store it as data.

Rewrites travel_estimator.csv in this folder from the open tables beside it:

    python data/open/fit.py

The numbers are the curve of minutes usual at a distance and the coefficients of least squares;
`distance_to_care.geography.travel_minutes` says how they are used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from distance_to_care import geography, places, tables

NAME = "travel_estimator.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=places.OPEN / NAME, help="file to write")
    path = parser.parse_args().output
    fitted = geography.fit_estimator(
        tables.read("areas"), tables.read("travel_minutes"), tables.read("hospitals")
    )
    # Ten digits are far more than the tenth of a minute to which the model answers.
    fitted.to_csv(path, index=False, lineterminator="\n", float_format="%.10g")
    print(f"{path.name}: {len(fitted)} rows")


if __name__ == "__main__":
    main()
