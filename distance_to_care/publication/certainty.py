"""How sure an answer is: said on every layer, and in the words of one scale.

The scale is the entry `how sure` of the glossary. A layer of a chapter, and a card of the home
page, says "How sure" and one of its words, or a number of which the text is such a word; any other
way of being sure or unsure (fairly sure, not very sure) would be a second scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from distance_to_care.publication import sentences

LEVELS = ("high", "moderate", "low", "very low", "not rated")
SAID = re.compile(r"^\W*how sure\b", re.IGNORECASE)
LEVEL = re.compile(rf"\b(?:{'|'.join(LEVELS)})\b", re.IGNORECASE)
# Being sure in words of another scale; "how sure" opens what is said in those of this one.
OTHER = re.compile(r"(?<!how )\b(?:un)?sure\b|\b(?:un)?certain(?:ly)?\b", re.IGNORECASE)
NUMBER = re.compile(r"\{number\}`(?P<key>[^`]+)`")
HELD = re.compile(r"\{holds\}`(?P<content>[^`]+)`")


def faults(text: str, numbers: Mapping[str, str]) -> list[str]:
    """Say what is wrong with how a layer or a card says how sure it is.

    Parameters
    ----------
    text : its Markdown; numbers : how each number is printed, by its key.

    Returns
    -------
    A sentence for each fault; none where a line says how sure, in words of the scale.
    """
    read = HELD.sub(lambda match: sentences.parted(match["content"])[0], text)
    read = NUMBER.sub(lambda match: numbers.get(match["key"], ""), read)
    lines = [line.strip() for line in read.splitlines()]
    found = [
        f"'{match[0]}' is no word of the scale: {line}"
        for line in lines
        for match in OTHER.finditer(line)
    ]
    said = [line for line in lines if SAID.search(line)]
    if not said:
        found.append("nothing says how sure it is")
    elif not any(LEVEL.search(line) for line in said):
        found.append(f"no word of the scale says how sure it is: {said[0]}")
    return found
