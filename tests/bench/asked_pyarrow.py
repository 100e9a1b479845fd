"""pyarrow, which only reads the columns: no fit of a file can be faster than that."""

from __future__ import annotations

import pyarrow.parquet as pq
from invented import COVARIATES


def read_columns(people):
    columns = ["days", "died", *COVARIATES]
    return lambda: pq.read_table(people.parquet, columns=columns), lambda table: {
        "people": [float(table.num_rows), None]
    }
