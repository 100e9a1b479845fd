"""Words: what a table of people may say in text, and the places that it may not name.

Text in a published table comes from the code and the study file. What was typed into a record
(identifiers, names of centres, areas, any text column without listed levels) never does. The gate
is told who is analysed when a cohort is loaded, and looks for their own values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from distance_to_care.disclosure import groups
from distance_to_care.disclosure.many_words import Many
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
_PART = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Analysed:
    """Who is analysed: the disclosure profile of their study, and their own words, to be refused.

    `typed` holds every value of a column that people, not the study file, put into words; `known`
    says what they may be counted by, and is None where nobody was announced.
    """

    profile: Profile | None = None
    typed: frozenset[str] | Many = field(default_factory=frozenset, repr=False)
    people: int = 0
    known: groups.Known | None = None
    joined: Many | None = field(default=None, repr=False)

    @cached_property
    def run_together(self) -> frozenset[str] | Many:
        """The typed words without spaces, dashes and other marks."""
        if self.joined is not None:
            return self.joined
        return frozenset(filter(_telling, map(_run_together, self.typed)))


def of_cohort(people: pd.DataFrame, study: object) -> Analysed:
    """Gather the words that only the people's records hold.

    Parameters
    ----------
    people : one row a person.
    study : `columns` (by name, each with `type` and `levels`) and `disclosure`.
    """
    known, plain = study.columns, _plain(study)
    typed: set[str] = set()
    for name in people.columns:
        free = name in known and known[name].type == "string" and not known[name].levels
        values = people[name]
        numbers = pd.api.types.is_numeric_dtype(values)
        numbers |= pd.api.types.is_datetime64_any_dtype(values)
        unknown = name not in known and not numbers
        if free or unknown:
            typed |= {str(value).strip().casefold() for value in people[name].dropna().unique()}
    return Analysed(
        getattr(study, "disclosure", None),
        frozenset(
            value for value in typed if _telling(value) and _run_together(value) not in plain
        ),
        len(people),
        groups.of_study(study),
    )


def of_parts(parts: Iterable[pd.DataFrame], study: object) -> Analysed:
    """Gather the words of people who are too many for memory, as `of_cohort` gathers those of few.

    Of each word eight bytes are kept, which tell it from others; the word itself is not.

    Parameters
    ----------
    parts : columns that people, not the study file, put into words, a part of the people at a time.
    study : as for `of_cohort`.
    """
    plain = _plain(study)
    typed, joined, people = Many(), Many(), 0
    for part in parts:
        people += len(part)
        for name in part.columns:
            values = {str(value).strip().casefold() for value in part[name].dropna().unique()}
            telling = [
                (value, together)
                for value in values
                if _telling(value) and (together := _run_together(value)) not in plain
            ]
            typed.add([value for value, _ in telling])
            joined.add([together for _, together in telling if _telling(together)])
    return Analysed(
        getattr(study, "disclosure", None), typed, people, groups.of_study(study), joined
    )


def _plain(study: object) -> set[str]:
    """What the study file itself says, run together: nobody's own words."""
    known = study.columns
    allowed = {str(level).casefold() for column in known.values() for level in column.levels}
    allowed |= {name.casefold() for name in known} | {"all", "true", "false"}
    return set(map(_run_together, allowed))


def _telling(value: str) -> bool:
    return bool(value) and not (value.isdigit() and len(value) < _SHORTEST_DIGITS)


def _a_name(token: str) -> bool:
    """Say whether a word inside a text can be told from a common short one."""
    return len(token) > _SHORTEST_NAME or any(letter.isdigit() for letter in token)


def _parts(text: str) -> list[str]:
    """The runs of letters and digits of a text, however they are written."""
    return _PART.findall(unicodedata.normalize("NFKC", text).casefold())


def _run_together(text: str) -> str:
    if text.isascii() and text.isalnum():
        # What most identifiers are has no parts to look for.
        return text.casefold()
    return "".join(_parts(text))


def _runs(text: str, longest: int) -> Iterator[str]:
    """Every run of neighbouring parts of a text, written together: an identifier with gaps."""
    parts = _parts(text)
    for start in range(len(parts)):
        run = ""
        for part in parts[start:]:
            run += part
            if len(run) > longest:
                break
            yield run


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
    if not analysed.typed:
        return []
    together = analysed.run_together
    longest = together.longest if isinstance(together, Many) else max(map(len, together), default=0)
    found = []
    for column in table:
        if pd.api.types.is_numeric_dtype(table[column]):
            continue
        for text in table[column].dropna().astype(str).unique():
            runs = set(filter(_a_name, _runs(text, longest)))
            if text.strip().casefold() in analysed.typed or runs & analysed.run_together:
                found.append(f"its column '{column}' holds a value from a person's record")
                break
    return found
