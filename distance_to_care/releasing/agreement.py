"""One question has one answer: two tables about people that answer it twice have to agree.

Where they do not, one of them was made of other people, and the difference of the two tells of the
few who are in one only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from distance_to_care.disclosure import COUNT_COLUMNS, ESTIMATE_COLUMNS, HIDDEN_COLUMNS
from distance_to_care.releasing import content, hidden_cells

# All columns but these say what a row asks.
ANSWERS = frozenset(
    {*COUNT_COLUMNS, *ESTIMATE_COLUMNS, *HIDDEN_COLUMNS}
    | {"degrees_of_freedom", "largest_error", "note", "source", "kind", "suppressed"}
    # No function that counts people names one: it would make two questions of one.
    | {"scenario"}
)
EVERYBODY = "all"
# The name of a test of a whole model, whose rows are its terms.
ALL_TERMS = "GLOBAL"
BUILT_IN = "built in"

Question = frozenset[tuple[str, object]]
Answers = dict[tuple[Question, str], float]


def within(tables: Mapping[str, bytes]) -> list[str]:
    """Say which tables of one release disagree.

    Parameters
    ----------
    tables : the tables about people, as they would be released, by name.
    """
    found = _answers(tables)
    return [
        f"{one} and {other} answer the same question with different numbers, so that together "
        "they tell of the few people who are in one of them only. Leave one of them out."
        for one, other in combinations(sorted(tables), 2)
        if _disagree(found[one], found[other])
        or not hidden_cells.sums_agree(tables[one], tables[other])
    ]


def with_earlier(now: Mapping[str, bytes], before: Mapping[str, bytes], named: str) -> list[str]:
    """Say which tables disagree with one of another name in an earlier release of the same people.

    Parameters
    ----------
    now, before : the tables about people of this and of the earlier release, by name.
    named : the earlier release, for the sentence.
    """
    ours, theirs = _answers(now), _answers(before)
    # Two tables that disagree with each other's earlier release are one pair to a reader.
    apart = {
        tuple(sorted((one, other))): (one, other)
        for one in sorted(now, reverse=True)
        for other in sorted(before, reverse=True)
        if one != other
        and (
            _disagree(ours[one], theirs[other])
            or not hidden_cells.sums_agree(now[one], before[other])
        )
    }
    return [
        f"{one} answers the same question as {other} in the earlier release {named} with "
        "different numbers, and so few people may have been added since that the difference "
        "tells of them. Leave it out, or wait until more people were added."
        for one, other in sorted(apart.values())
    ]


def _disagree(one: Answers, other: Answers) -> bool:
    return any(not math.isclose(one[asked], other[asked]) for asked in one.keys() & other.keys())


def _answers(tables: Mapping[str, bytes]) -> dict[str, Answers]:
    return {name: dict(_of_table(text, name)) for name, text in tables.items()}


def _of_table(text: bytes, name: str) -> Iterator[tuple[tuple[Question, str], float]]:
    """Each estimate that a table shows, by the question that its row asks and its column."""
    head, *cells = content.rows_of(text, name)
    rows = [dict(zip(head, row, strict=True)) for row in cells]
    # The sums of a contribution have a rule of their own.
    if "with_term" in head:
        return
    terms = defaultdict(set)
    for row in rows:
        terms[_question(row, "term")].add(row.get("term", ""))
    for row in rows:
        # What was built in tells of how people were made, and not of them.
        if BUILT_IN in row.get("measure", ""):
            continue
        asked = _question(row)
        beside = terms[_question(row, "term")]
        if ALL_TERMS in beside:
            # A model is told from another of the same name by its terms.
            asked |= {("terms", frozenset(beside))}
        for column in ESTIMATE_COLUMNS:
            value = content.as_number(row.get(column, ""))
            if value is not None:
                yield (asked, column), value


def _question(row: Mapping[str, str], *but: str) -> Question:
    """What a row asks: everything in it that names something, whatever else its table could name.

    Everybody is everybody, whatever the other rows are groups of; not so in a share or a mean,
    which may rest on counts that were rounded with their groups.
    """
    said = {column: cell for column, cell in row.items() if cell and column not in {*ANSWERS, *but}}
    if said.get("group") == EVERYBODY and not {"variable", "contrast"} & set(said):
        said.pop("group_by", None)
    return frozenset(said.items())
