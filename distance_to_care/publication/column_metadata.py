"""Metadata of published tables for machines: CSV on the Web (CSVW), one file beside each CSV.

Every column has a name, a type, a unit and a description; the descriptions are those of
the manifest, the types those with which the table is read back.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from distance_to_care import results
from distance_to_care.publication import citing, intervals

ENDING = ".csv-metadata.json"
CONTEXT = ["http://www.w3.org/ns/csvw", {"@language": "en"}]
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
# The unit of a number that has the same one wherever it stands.
UNITS = {
    "time_years": "years",
    "travel_minutes": "minutes by car, one way",
    "distance_km": "kilometres",
    "hazard_ratio": "ratio",
    "expected_patients": "people",
    "people": "people",
    "at_risk": "people",
    "deaths": "people",
    "step_events": "people",
    "step_censored": "people",
    "transplants": "people",
    "censored": "people",
    "missing": "people",
    "areas": "areas (LSOA)",
    "replicates": "simulated cohorts or histories",
    "answers": "number without a unit",
    "seconds": "seconds",
    "times_as_long": "times",
    "memory_mb": "megabytes",
    "p_value": "probability",
    "statistic": "number without a unit",
    "degrees_of_freedom": "number without a unit",
}
# Read back as they are written, since nobody reckons with them.
WHOLE_NUMBERS = ("answers",)
# Ends of an interval are in the unit of what they belong to.
BESIDE_A_RATIO = ("ci_low", "ci_high")
IN_ITS_ROW = "that of its row, in the column 'unit'"
BY_ITS_WORDS = "that of what its row measures, which the other columns name"
NO_UNIT = {"boolean": "none: true or false", "date": "none: a day", "string": "none: words"}


def datatype(name: str, column: pd.Series) -> str | dict[str, str]:
    """Name the CSVW type of a column that was read back."""
    if pd.api.types.is_bool_dtype(column):
        return {"base": "boolean", "format": "true|false"}
    if pd.api.types.is_integer_dtype(column) or name in WHOLE_NUMBERS:
        return "integer"
    if pd.api.types.is_float_dtype(column):
        return "number"
    if name == "date":
        return {"base": "date", "format": "yyyy-MM-dd"}
    return "string"


def unit(name: str, table: pd.DataFrame) -> str:
    """Say in which unit a column stands: its own, that of its row, or none."""
    kind = datatype(name, table[name])
    base = kind if isinstance(kind, str) else kind["base"]
    if base in NO_UNIT:
        return NO_UNIT[base]
    if name in UNITS:
        return UNITS[name]
    if name in BESIDE_A_RATIO and _of_the_ratio(name, table):
        return UNITS["hazard_ratio"]
    if "unit" in table:
        units = set(table["unit"])
        return units.pop() if len(units) == 1 and "" not in units else IN_ITS_ROW
    return BY_ITS_WORDS


def _of_the_ratio(name: str, table: pd.DataFrame) -> bool:
    """Tell whether an interval is that of the hazard ratio: alone, or since no estimate fits it."""
    if "hazard_ratio" not in table:
        return False
    if not {"estimate", *BESIDE_A_RATIO} <= set(table):
        return "unit" not in table
    return not intervals.around(table, "estimate", BESIDE_A_RATIO)


def described(name: str, entry: Mapping, table: pd.DataFrame) -> dict:
    """Describe a published table as CSVW does.

    Parameters
    ----------
    name : the table; its file is `<name>.csv` in the same folder.
    entry : what the manifest says of it.
    table : the table as it was read back.
    """
    columns = [
        _column(column, datatype(column, table[column]), entry["columns"][column],
                unit(column, table))
        for column in table
    ]  # fmt: skip
    about = f"{results.banner(entry['kind'])}. One row a group, time or term."
    sources = {"dc:source": ", ".join(entry["sources"]), "dc:type": entry["kind"]}
    return _file(f"{name}.csv", entry["title"], about, columns, sources)


# What stands in the file of every number of the prose.
OF_NUMBERS = {
    "key": "Name of the number, unique in the book",
    "text": "The number as the prose prints it",
    "value": "The estimate of the row that it was read from, or the column that the unit names; a "
    "text may print another column of that row, such as its people",
    "unit": "Unit of the value",
    "kind": "open, modelled, published, synthetic, registry or scenario",
    "table": "Published table that it was read from",
    "page": "Chapter that made it",
}


def of_numbers() -> dict:
    """Describe the file of every number of the prose as CSVW does."""
    columns = [
        _column(name, "number" if name == "value" else "string", OF_NUMBERS[name],
                IN_ITS_ROW if name == "value" else NO_UNIT["string"])
        for name in results.NUMBER_COLUMNS
    ]  # fmt: skip
    about = "Each row says its kind: a synthetic number is no finding about patients."
    return _file("numbers.csv", "Every number of the prose", about, columns, {})


def _column(name: str, kind: str | dict[str, str], words: str, unit: str) -> dict:
    return {
        "name": name,
        "titles": name,
        "datatype": kind,
        "dc:description": words,
        "schema:unitText": unit,
    }


def _file(url: str, title: str, about: str, columns: list[dict], origin: Mapping) -> dict:
    book = citing.this_book()
    return {
        "@context": CONTEXT,
        "url": url,
        "dc:title": title,
        "dc:description": about,
        "dc:creator": book.authors,
        "dc:publisher": book.short_title,
        "dc:license": {"@id": LICENCE},
        **origin,
        "schema:version": book.version,
        "dialect": {"encoding": "utf-8", "delimiter": ",", "header": True},
        "tableSchema": {"columns": columns},
    }
