"""How citations read: `(Shankar 2024)` in the text, and the same words in the bibliography.

The labels are made once, from the bibliography file, so that a reader who meets `(Shankar 2024)` on
a page finds `Shankar 2024` in the list. Two works of one name and year get a letter each; a work
without an author or a year says in its field `shorthand` what it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pybtex.database import Entry
from pybtex.plugin import register_plugin as register_style
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from pybtex.style.template import Node, href, join
from pybtex.style.template import field as of_entry
from sphinxcontrib.bibtex.plugin import register_plugin as register_references
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.label import LabelReferenceStyle

NAME = "surname_year"


def plain(text: str) -> str:
    """Take the braces of BibTeX out of a text: `{NHS England}` is NHS England."""
    return text.replace("{", "").replace("}", "")


def short_name(entry: Entry) -> str:
    """Say what a work is called: its field `shorthand`, or first author and year.

    Raises KeyError where a work has neither a `shorthand` nor an author and a year.
    """
    if "shorthand" in entry.fields:
        return plain(entry.fields["shorthand"])
    first = entry.persons["author"][0]
    surname = " ".join(first.prelast_names + first.last_names)
    return f"{plain(surname)} {entry.fields['year']}"


def labels(entries: Iterable[Entry]) -> list[str]:
    """Name works, with a letter where two would be called the same.

    Returns one label an entry, in the order of the entries.
    """
    names = [short_name(entry) for entry in entries]
    seen: dict[str, int] = {}
    told = []
    for name in names:
        letter = chr(ord("a") + seen.get(name, 0)) if names.count(name) > 1 else ""
        seen[name] = seen.get(name, 0) + 1
        told.append(name + letter)
    return told


class SurnameYearLabels(BaseLabelStyle):
    """Labels of a bibliography: first author and year."""

    def format_labels(self, sorted_entries: list[Entry]) -> Iterator[str]:
        yield from labels(sorted_entries)


class SurnameYearOrder(BaseSortingStyle):
    """The order of a bibliography: that of what works are called."""

    def sorting_key(self, entry: Entry) -> tuple[str, str]:
        return short_name(entry).casefold(), entry.key


class SurnameYear(Style):
    """A bibliography sorted by what works are called; of an address it shows the site only."""

    default_label_style = NAME
    default_sorting_style = NAME

    def format_url(self, e: Entry) -> Node:
        if "url" not in e.fields:
            return of_entry("url")  # A missing part is left out by the template.
        address = e.fields["url"]
        return join["Read at ", href(address)[urlsplit(address).netloc]]


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")")


def _none() -> BracketStyle:
    return BracketStyle(left="", right="")


@dataclass
class SurnameYearReferences(LabelReferenceStyle):
    """Citations in round brackets; `{cite:label}` has none, for use inside a bracket."""

    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_parenthetical: BracketStyle = field(default_factory=_round)
    bracket_author: BracketStyle = field(default_factory=_none)
    bracket_label: BracketStyle = field(default_factory=_none)
    bracket_year: BracketStyle = field(default_factory=_none)


def register() -> None:
    """Make the style known under its name, once."""
    register_style("pybtex.style.labels", NAME, SurnameYearLabels)
    register_style("pybtex.style.sorting", NAME, SurnameYearOrder)
    register_style("pybtex.style.formatting", NAME, SurnameYear)
    register_references("sphinxcontrib.bibtex.style.referencing", NAME, SurnameYearReferences)
