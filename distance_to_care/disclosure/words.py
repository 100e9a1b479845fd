"""Words: what a table of people may say in text, and the places that it may not name.

Text in a published table comes from the code and the study file. What was typed into a record
(identifiers, names of centres, areas, any text column without listed levels) never does. The gate
is told who is analysed when a cohort is loaded, and looks for their own values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pandas as pd

from distance_to_care.disclosure.profiles import Profile

# Nothing below a region leaves from people.
SMALL_AREAS = frozenset(
    {
        "area", "area_code", "board", "board_code", "centre", "hospital", "local_authority",
        "lsoa", "msoa", "postcode", "practice", "ward",
    }
)  # fmt: skip
# Columns that name a column of people; where they name a small area, its values stand beside.
NAMING = ("group_by", "variable", "exposure", "term")
VALUES = ("group", "level", "value", "reference")
# A shorter value of digits alone cannot be told from a level or a number.
_SHORTEST_DIGITS = 5
_SHORTEST_NAME = 2
_TOKEN = re.compile(r"[^\s,;:()\[\]\"'|/]+")


@dataclass(frozen=True)
class Analysed:
    """Who is analysed: the disclosure profile of their study, and their own words, to be refused.

    `typed` holds every value of a column that people, not the study file, put into words.
    """

    profile: Profile | None = None
    typed: frozenset[str] = field(default_factory=frozenset, repr=False)
    people: int = 0


def of_cohort(people: pd.DataFrame, study: object) -> Analysed:
    """Gather the words that only the people's records hold.

    Parameters
    ----------
    people : one row a person.
    study : `columns` (by name, each with `type` and `levels`) and `disclosure`.
    """
    known = study.columns
    allowed = {str(level).casefold() for column in known.values() for level in column.levels}
    allowed |= {name.casefold() for name in known} | {"all", "true", "false"}
    typed: set[str] = set()
    for name in people.columns:
        free = name in known and known[name].type == "string" and not known[name].levels
        values = people[name]
        plain = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(
            values
        )
        unknown = name not in known and not plain
        if free or unknown:
            typed |= {str(value).strip().casefold() for value in people[name].dropna().unique()}
    return Analysed(
        getattr(study, "disclosure", None),
        frozenset(filter(_telling, typed - allowed)),
        len(people),
    )


def _telling(value: str) -> bool:
    return bool(value) and not (value.isdigit() and len(value) < _SHORTEST_DIGITS)


def _a_name(token: str) -> bool:
    """Say whether a word inside a text can be told from a common short one."""
    return len(token) > _SHORTEST_NAME or any(letter.isdigit() for letter in token)


def small_areas(table: pd.DataFrame) -> list[str]:
    """Say which columns of a table of people name places below a region, never the places."""
    found = [
        f"it has a column '{column}', and nothing below a region is published from people"
        for column in sorted(SMALL_AREAS & set(table))
        if table[column].notna().any() and (table[column].astype(str) != "").any()
    ]
    shown = [column for column in VALUES if column in table]
    for column in NAMING:
        if column in table and shown:
            named = table[column].astype(str).str.casefold().isin(SMALL_AREAS)
            values = table.loc[named, shown].astype("string").fillna("")
            if not values.isin(["", "all"]).all(axis=None):
                found.append(
                    f"its column '{column}' names a place below a region, whose values stand "
                    "beside it"
                )
    return found


def typed_words(table: pd.DataFrame, analysed: Analysed) -> list[str]:
    """Say which columns hold a value from the people's own records, never the value."""
    found = []
    for column in table:
        if pd.api.types.is_numeric_dtype(table[column]) or not analysed.typed:
            continue
        for text in table[column].dropna().astype(str).str.casefold().unique():
            tokens = {token.strip(".") for token in _TOKEN.findall(text)}
            said = {text.strip(), *filter(_a_name, tokens)}
            if said & analysed.typed or any(
                value in text for value in analysed.typed if " " in value
            ):
                found.append(f"its column '{column}' holds a value from a person's record")
                break
    return found
