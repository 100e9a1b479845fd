"""What the book publishes in one file: `results.json`, with a JSON Schema.

One record a number of the prose, with its interval, and one a table; a record carries its kind and
the words that go with it, so that a number that travels alone still says what it is. The rows of
tables stand in a file each, which the record of the table names: many a table is read as a whole,
or drawn, and gives no number to the prose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache

import pandas as pd

from distance_to_care import places, results
from distance_to_care.publication import citing, column_metadata, intervals, sentences

FILE = "results.json"
SCHEMA = "results.schema.json"


@cache
def schema() -> dict:
    """Return the JSON Schema that the file is held against."""
    return json.loads((places.BOOK / SCHEMA).read_text(encoding="utf-8"))


HOLDS = (
    "Every number that the prose prints, with its interval, and every published table with its "
    "title, kind, sources and columns. The rows of a table stand in the file that its `data` "
    "names. `numbers` says how many numbers of the prose were read from it: none where it is only "
    "shown as a table or drawn."
)


def gathered(manifest: Mapping, numbers: pd.DataFrame, read: Callable[[str], pd.DataFrame]) -> dict:
    """List every number of the prose and every published table.

    Parameters
    ----------
    manifest : the merged manifest of all pages.
    numbers : the numbers of the prose, as they were read back, a row each.
    read : reads a published table, by its name.
    """
    book, ends = citing.this_book(), intervals.of_numbers(numbers, read)
    quoted = numbers["table"].value_counts()
    return {
        "$schema": SCHEMA,
        "title": book.title,
        "description": HOLDS,
        "version": book.version,
        "licence": column_metadata.LICENCE,
        "numbers": [
            _number(row, ends[row["key"]]) for row in numbers.sort_values("key").to_dict("records")
        ],
        "tables": [
            _table(name, entry, int(quoted.get(name, 0)))
            for name, entry in sorted(manifest["tables"].items())
        ],
    }


def _number(row: Mapping, ends: intervals.Interval | None) -> dict:
    low, high = ends or (None, None)
    value, unit = None if pd.isna(row["value"]) else row["value"], row["unit"] or None
    if value is not None and intervals.another_is_printed(row["text"], value):
        # What is filed is the estimate of the row; the text prints its people, or its range.
        said = intervals.ALONE.match(row["text"])
        value, unit = sentences.read_number(said["number"]), None
    return {
        "key": row["key"],
        "text": row["text"],
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "table": row["table"],
        "page": row["page"],
        "kind": row["kind"],
        "banner": results.banner(row["kind"]),
    }


def _table(name: str, entry: Mapping, numbers: int) -> dict:
    return {
        "name": name,
        "title": entry["title"],
        "page": entry["page"],
        "kind": entry["kind"],
        "banner": results.banner(entry["kind"]),
        "sources": entry["sources"],
        "rows": entry["rows"],
        "numbers": numbers,
        "range_may_leave_out": intervals.MAY_LEAVE_OUT.get(name),
        "columns": entry["columns"],
        "sha256": entry["sha256"],
        "data": f"{name}.csv",
        "metadata": f"{name}{column_metadata.ENDING}",
    }


def written(content: Mapping) -> str:
    """Write the file with one record a line, so that two versions can be compared."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in value)
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
