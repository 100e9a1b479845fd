"""A cohort of a million rows is checked in seconds and within two gigabytes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from invented_people import people

from distance_to_care import places, tables

ROWS = 1_000_000
SECONDS = 30
GIGABYTES = 2.0

# A process of its own, so that the memory of this one does not count. The time is its own too:
# what the machine does besides is not the reader's.
CHECK = """
import resource, sys
from distance_to_care import tables
from distance_to_care.problems import Problems
try:
    print(len(tables.read_cohort(sys.argv[1], "ipf")))
except Problems as problems:
    print([(each.column, each.rows) for each in problems.faults])
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: a new process takes over the peak of the one that started it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(used.ru_utime + used.ru_stime, int(status["VmHWM"].split()[0]) / 2**20)
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """Files of a million people: the ten invented ones over and over, each with a new code."""
    ten = people(tables.read_study("ipf"))
    table = pa.Table.from_pandas(ten, preserve_index=False)
    table = table.take(np.tile(np.arange(10), ROWS // 10))
    codes = pa.array([f"invented_{number:07d}" for number in range(ROWS)])
    table = table.set_column(0, "person_id", codes)
    folder = tmp_path_factory.mktemp("million")
    pyarrow.csv.write_csv(table, folder / "good.csv")
    pyarrow.parquet.write_table(table, folder / "good.parquet")
    spoilt = table.set_column(0, "person_id", pa.array([f"x{n // 2}" for n in range(ROWS)]))
    place = table.schema.get_field_index("smoking")
    spoilt = spoilt.set_column(place, "smoking", pa.array(["Ex", "never"] * (ROWS // 2)))
    pyarrow.csv.write_csv(spoilt, folder / "spoilt.csv")
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good.csv", "1000000"),
        ("good.parquet", "1000000"),
        ("spoilt.csv", "[('person_id', 1000000), ('smoking', 500000)]"),
    ],
)
@pytest.mark.slow
def test_a_million_rows(million, name, expected):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHECK, str(million / name)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(places.ROOT)},
    )
    answer, measured = done.stdout.strip().split("\n")
    seconds, gigabytes = map(float, measured.split())
    assert answer == expected
    assert seconds < SECONDS
    assert gigabytes < GIGABYTES
