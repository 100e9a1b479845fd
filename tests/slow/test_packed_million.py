"""A Cox model of a million people in a Parquet file: exact, and in bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from distance_to_care import places, survival
from distance_to_care.statistics import engine

ROWS = 1_000_000
BYTES_A_ROW = 150

# A process of its own: its peak, less what it held before the first fit of a few people.
FIT = """
import sys
from distance_to_care import survival
def peak():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status["VmHWM"].split()[0]) * 1024
covariates = ["age", "male", "quintile", "distance", "smoking", "year"]
asked = dict(duration="days", event="died", covariates=covariates, cluster="centre")
survival.cox(sys.argv[1], **asked)
before = peak()
survival.cox(sys.argv[2], **asked).to_csv(sys.argv[3], index=False)
print(peak() - before)
"""


@pytest.mark.slow
def test_a_million_people_from_a_file(tmp_path):
    # Invented people whose hazard rises with age and distance; days tied a few hundred times.
    rng = np.random.default_rng(4)
    people = pd.DataFrame(
        {
            "age": rng.integers(40, 91, ROWS),
            "male": rng.random(ROWS) < 0.6,
            "quintile": rng.integers(1, 6, ROWS),
            "distance": rng.integers(0, 120, ROWS),
            "smoking": rng.choice(["never", "former", "current"], ROWS),
            "year": rng.integers(2010, 2016, ROWS),
            "centre": rng.integers(0, 500, ROWS),
        }
    )
    hazard = np.exp(0.03 * (people["age"] - 65) + 0.002 * people["distance"]) / 1_500
    falls, leaves = rng.exponential(1 / hazard), rng.uniform(200, 3_650, ROWS)
    people["days"] = np.ceil(np.minimum(falls, leaves)).astype(int)
    people["died"] = falls <= leaves
    people.to_parquet(tmp_path / "many.parquet")
    people.head(5_000).to_parquet(tmp_path / "few.parquet")
    files = [str(tmp_path / name) for name in ("few.parquet", "many.parquet", "found.csv")]
    done = subprocess.run(
        [sys.executable, "-c", FIT, *files],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(places.ROOT)},
    )
    assert int(done.stdout) < BYTES_A_ROW * ROWS
    design = survival.design(people, ["age", "male", "quintile", "distance", "smoking", "year"])
    fit = engine.cox(people["days"], people["died"], design.matrix)
    found = pd.read_csv(files[2])
    np.testing.assert_allclose(found["coefficient"], fit.coefficients, rtol=1e-9, atol=1e-12)
    robust = np.sqrt(np.diag(fit.robust_variance(people["centre"].to_numpy())))
    np.testing.assert_allclose(found["standard_error"], robust, rtol=1e-9)
