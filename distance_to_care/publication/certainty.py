"""How sure an answer is: said on every layer, in the words of one scale, from one table.

The scale is the entry `how sure` of the glossary, and the table `judgements` says where each
answer stands on it. A layer of a chapter, a card of the home page and a page for patients say "How
sure" and read the word:

    How sure: {judged}`travel_inequality.towns` for towns.

or print a number of which the text is such a word. A word of the scale that is typed could part
from that of another page, and any other way of being sure or unsure (fairly sure, not very sure)
would be a second scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from distance_to_care import tables
from distance_to_care.problems import Problem

LEVELS = ("high", "moderate", "low", "very low", "not rated")
SAID = re.compile(r"^\W*how sure\b", re.IGNORECASE)
# As high as something else is no word of the scale; the longest word is tried first.
LEVEL = re.compile(
    rf"(?<!\bas )\b(?:{'|'.join(sorted(LEVELS, key=len, reverse=True))})\b", re.IGNORECASE
)
# Being sure in words of another scale; "how sure" opens what is said in those of this one.
OTHER = re.compile(r"(?<!how )\b(?:un)?surer?\b|\b(?:un)?certain(?:ly)?\b", re.IGNORECASE)
JUDGED = re.compile(r"\{judged\}`(?P<key>[^`]+)`")
NUMBER = re.compile(r"\{number\}`(?P<key>[^`]+)`")
HELD = re.compile(r"\{holds\}`(?P<words>[^`]+) when [^`]+`")
# A level of which something is counted names its number, and cannot part from it.
COUNTED = re.compile(
    rf"\b(?P<level>{'|'.join(LEVELS)}) for (?=\{{number\}}`[^`]+\.(?P=level)`)", re.IGNORECASE
)


@dataclass(frozen=True)
class Judgement:
    """How sure we are of one thing, why, and what has to be true of published numbers for it."""

    key: str
    of_what: str
    level: str
    why: str
    condition: str = ""

    @property
    def page(self) -> str:
        """Name of the page that answers for it."""
        return self.key.partition(".")[0]


def judgements() -> dict[str, Judgement]:
    """Read every judgement of the book, by its key."""
    rows = tables.read("judgements").fillna("").itertuples(index=False)
    return {row.id: Judgement(row.id, row.of_what, row.level, row.why, row.condition)
            for row in rows}  # fmt: skip


def judgement(key: str) -> Judgement:
    """Read one judgement.

    Raises
    ------
    Problem : there is none of this key.
    """
    try:
        return judgements()[key]
    except KeyError:
        raise Problem(f"the table of judgements has no '{key}'") from None


def written(text: str) -> str:
    """Write the words of judgements into Markdown, with what has to be true for them."""

    def word(match: re.Match) -> str:
        found = judgement(match["key"])
        return (
            f"{{holds}}`{found.level} when {found.condition}`" if found.condition else found.level
        )

    return JUDGED.sub(word, text)


def read_by(text: str, numbers: Mapping[str, str]) -> Iterator[str]:
    """Find the keys of what Markdown reads a word of the scale from: judgements, and numbers."""
    yield from (match["key"] for match in JUDGED.finditer(text))
    keys = (match["key"] for match in NUMBER.finditer(text))
    yield from (key for key in keys if numbers.get(key) in LEVELS)


def faults(text: str, numbers: Mapping[str, str]) -> list[str]:
    """Say what is wrong with how a layer or a card says how sure it is.

    Parameters
    ----------
    text : its Markdown; numbers : how each number is printed, by its key.

    Returns
    -------
    A sentence for each fault; none where a line says how sure, in words that it reads.
    """
    found = []
    said = read = False
    for line in map(str.strip, text.splitlines()):
        words = HELD.sub(lambda match: match["words"], line)
        typed = re.sub(r"\{[\w:+-]+\}`[^`]*`|\]\([^()]*\)", " ", COUNTED.sub("", words))
        found += [f"'{match[0]}' is typed, and not read: {line}" for match in LEVEL.finditer(typed)]
        found += [
            f"'{match[0]}' is no word of the scale: {line}" for match in OTHER.finditer(typed)
        ]
        if SAID.search(line):
            said = True
            read |= any(read_by(line, numbers)) or bool(COUNTED.search(line))
    if not said:
        found.append("nothing says how sure it is")
    elif not read:
        found.append("it reads no word of the scale where it says how sure it is")
    return found
