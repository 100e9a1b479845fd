"""Everything that the book publishes in one file: `results.json`, with a JSON Schema.

One record a number of the prose, and one a table; a record carries its kind and the words that go
with it, so that a number that travels alone still says what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import pandas as pd

from distance_to_care import places, results
from distance_to_care.publication import citing, column_metadata

FILE = "results.json"
SCHEMA = "results.schema.json"


@cache
def schema() -> dict:
    """Return the JSON Schema that the file is held against."""
    return json.loads((places.BOOK / SCHEMA).read_text(encoding="utf-8"))


def gathered(manifest: Mapping, numbers: pd.DataFrame) -> dict:
    """List every published number and table.

    Parameters
    ----------
    manifest : the merged manifest of all pages.
    numbers : the numbers of the prose, as they were read back, a row each.
    """
    book = citing.this_book()
    return {
        "$schema": SCHEMA,
        "title": book.title,
        "version": book.version,
        "licence": column_metadata.LICENCE,
        "numbers": [_number(row) for row in numbers.sort_values("key").to_dict("records")],
        "tables": [_table(name, entry) for name, entry in sorted(manifest["tables"].items())],
    }


def _number(row: Mapping) -> dict:
    return {
        "key": row["key"],
        "text": row["text"],
        "value": None if pd.isna(row["value"]) else row["value"],
        "unit": row["unit"] or None,
        "table": row["table"],
        "page": row["page"],
        "kind": row["kind"],
        "banner": results.banner(row["kind"]),
    }


def _table(name: str, entry: Mapping) -> dict:
    return {
        "name": name,
        "title": entry["title"],
        "page": entry["page"],
        "kind": entry["kind"],
        "banner": results.banner(entry["kind"]),
        "sources": entry["sources"],
        "rows": entry["rows"],
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
