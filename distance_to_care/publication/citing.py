"""How a figure, a table or the book is cited: words to copy, and an entry for BibTeX.

The words come from `CITATION.cff`, which reference managers read as well, so that no two places
can name another version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import yaml

from distance_to_care import places, results

# Characters that mean something to TeX.
TO_TEX = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
}
SHORT_LICENCE = "CC BY 4.0"


@dataclass(frozen=True)
class Book:
    """What is cited: the publication as a whole, in one version."""

    title: str
    short_title: str
    authors: str
    version: str
    date: str

    @property
    def year(self) -> str:
        """Year in which this version appeared."""
        return self.date[:4]


@cache
def this_book() -> Book:
    """Read what the citation file says of this book."""
    words = yaml.safe_load((places.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return Book(
        title=words["title"],
        short_title=words["title"].split(":")[0],
        authors="; ".join(author["name"] for author in words["authors"]),
        version=str(words["version"]),
        date=str(words["date-released"]),
    )


@dataclass(frozen=True)
class Part:
    """A figure or a table of the book, as it is cited."""

    name: str
    what: str  # figure or table
    title: str
    kind: str
    chapter: str
    address: str = ""
    studies: tuple[str, ...] = ()

    @property
    def _of_kind(self) -> str:
        """The kind, and the publications that the part quotes: they are to be cited as well."""
        kind = stopped(results.banner(self.kind))
        return f"{kind} Drawn from: {stopped('; '.join(self.studies))}" if self.studies else kind


def text(part: Part) -> str:
    """Cite a part of the book in words to copy, with the kind of what it shows."""
    book = this_book()
    ends = f" {part.address}" if part.address else ""
    return (
        f"{book.authors} ({book.year}). {stopped(part.title)} {part.what.capitalize()} "
        f"{part.name} in: {book.short_title}, version {book.version}, chapter "
        f"\N{LEFT SINGLE QUOTATION MARK}{part.chapter}\N{RIGHT SINGLE QUOTATION MARK}. "
        f"{part._of_kind} {SHORT_LICENCE}.{ends}"
    )


def bibtex(part: Part) -> str:
    """Cite a part of the book as an entry for BibTeX."""
    book = this_book()
    fields = {
        "author": f"{{{in_tex(book.authors)}}}",
        "title": f"{{{in_tex(part.title)}}}",
        "howpublished": f"{part.what.capitalize()} {in_tex(part.name)} in: "
        f"{in_tex(book.short_title)}, version {in_tex(book.version)}, "
        f"chapter ``{in_tex(part.chapter)}''",
        "year": book.year,
        "note": in_tex(f"{part._of_kind} {SHORT_LICENCE}"),
    }
    if part.address:
        fields["url"] = part.address
    listed = "".join(f"  {field} = {{{words}}},\n" for field, words in fields.items())
    return f"@misc{{distance_to_care_{part.what}_{part.name},\n{listed}}}\n"


def of_book(address: str = "") -> str:
    """Cite the book as an entry for BibTeX, with its address in the web where one is known."""
    book, url = this_book(), f"  url = {{{address}}},\n" if address else ""
    return (
        f"@misc{{distance_to_care,\n  author = {{{{{in_tex(book.authors)}}}}},\n"
        f"  title = {{{{{in_tex(book.title)}}}}},\n  year = {{{book.year}}},\n"
        f"  note = {{Version {in_tex(book.version)}. {SHORT_LICENCE}}},\n{url}}}\n"
    )


def stopped(words: str) -> str:
    """End words with a full stop, where they have no end yet."""
    return words if re.search(r"[.?!]$", words) else f"{words}."


def in_tex(words: str) -> str:
    """Write words so that TeX prints them."""
    return "".join(TO_TEX.get(character, character) for character in words)
