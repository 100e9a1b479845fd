"""Five times the people take hardly more memory: to draw, to check and to analyse them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from distance_to_care import places

# What a million people more may add: 16 bytes of each person's code, their sorting, and counts.
MEGABYTES = 300
SIZES = (200_000, 1_000_000)

# A process of its own, so that the memory of this one does not count, in which a file of more than
# 100,000 people is long.
RUN = """
import sys
from distance_to_care import long_cohort
from distance_to_care.command_line import app
long_cohort.PEOPLE = 100_000
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
# Not ru_maxrss: a new process takes over the peak of the one that started it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) / 2**10)
"""


def megabytes(*arguments: object) -> float:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(places.ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout.strip().split("\n")[-1])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Files of synthetic people of both sizes, and the memory that drawing each took."""
    folder = tmp_path_factory.mktemp("long")
    files = {size: folder / f"{size}.parquet" for size in SIZES}
    peaks = {
        size: megabytes("synthesise", "--people", size, "--output", file)
        for size, file in files.items()
    }
    return folder, files, peaks


@pytest.mark.slow
def test_drawing(drawn):
    _, files, peaks = drawn
    assert peaks[SIZES[1]] - peaks[SIZES[0]] < MEGABYTES
    # The first of many are those of few.
    import pyarrow.parquet

    few, many = (pyarrow.parquet.ParquetFile(files[size]) for size in SIZES)
    assert few.read().equals(many.read().slice(0, SIZES[0]))


@pytest.mark.slow
def test_checking(drawn):
    _, files, _ = drawn
    peaks = [megabytes("check", file) for file in files.values()]
    assert peaks[1] - peaks[0] < MEGABYTES


@pytest.mark.slow
def test_analysing(drawn):
    folder, files, _ = drawn
    peaks = [
        megabytes("analyse", file, "--output", folder / f"of_{size}")
        for size, file in files.items()
    ]
    assert peaks[1] - peaks[0] < MEGABYTES
