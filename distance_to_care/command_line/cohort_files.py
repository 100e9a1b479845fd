"""Files of synthetic people, written as they are drawn: whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from distance_to_care import synthetic
from distance_to_care.command_line.frame import rows_done
from distance_to_care.whole_file import whole

# With checksums a page that was damaged since is told from one with wrong people.
_WRITTEN = {"compression": "zstd", "write_page_checksum": True}


def write(parts: Iterator[pd.DataFrame], people: int, output: Path) -> None:
    """Write people part by part as CSV or Parquet, by the ending of the file.

    Parameters
    ----------
    parts : tables with the same columns, one after the other.
    people : how many there are in all parts, for progress.
    output : the file; it is there once everything is written, and not before.

    Raises
    ------
    Problem : what the drawing of a part finds wrong.
    """
    first = next(parts)
    with whole(output) as part:
        if len(first) == people:
            _write_one(first, output.suffix, part)
            return
        with rows_done("Drawing", people) as advance:
            writing = _write_csv if output.suffix == ".csv" else _write_parquet
            writing(_counted(first, parts, advance), part)


def _counted(first: pd.DataFrame, others: Iterator[pd.DataFrame], advance) -> Iterator:
    yield first
    # Told once a part is written, not when it is drawn.
    advance(len(first))
    for other in others:
        yield other
        advance(len(other))


def _write_one(people: pd.DataFrame, ending: str, file: Path) -> None:
    if ending == ".csv":
        file.write_bytes(synthetic.to_csv_bytes(people))
    else:
        people.to_parquet(file, index=False, **_WRITTEN)


def _write_csv(parts: Iterator[pd.DataFrame], file: Path) -> None:
    with file.open("wb") as stream:
        for number, people in enumerate(parts):
            text = synthetic.to_csv_bytes(people)
            stream.write(text if number == 0 else text[text.index(b"\n") + 1 :])


def _write_parquet(parts: Iterator[pd.DataFrame], file: Path) -> None:
    writer = None
    try:
        for people in parts:
            # What is empty throughout a part has the type that it has in the first.
            schema = None if writer is None else writer.schema
            table = pa.Table.from_pandas(people, schema=schema, preserve_index=False)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(file, table.schema, **_WRITTEN)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
