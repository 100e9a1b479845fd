"""What the search of the site knows: words, years and short names such as B7; no other numbers.

Sphinx reads a table of HTML with its cells run together, so that a blank is put between them: words
that stand in no cell would fill a third of the search index. Numbers of tables would fill half of
it, and nobody looks for them.

The index that Sphinx writes is given what `search.js` ranks and shows pages by: the description of
each page, the words by which readers know it (`book/search_words.tsv`), which pages are lists, and
the places that readers name, each with the page that tells of it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from docutils import nodes
from lxml import html as markup
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.transforms.post_transforms import SphinxPostTransform

from distance_to_care import access, care_boards, places, tables
from distance_to_care.publication import boards

INDEX = "searchindex.js"
SCRIPT = "search.js"
READERS_WORDS = "search_words.tsv"
# Pages that name everything and explain little: what stands in their text counts for less.
LISTS = (
    "book/bibliography",
    "book/data_dictionary",
    "book/downloads",
    "book/functions",
    "book/functions_of_places",
    "book/functions_of_scenarios",
    "book/glossary",
    "notebooks/claims_register",
)
FIND_MY_AREA = "book/find_my_area"
# "Norfolk and Suffolk" is two places; "Stoke-on-Trent" is said shorter.
BETWEEN_PLACES = re.compile(r", (?:and )?| and ")
LONGER_NAME = re.compile(r"[ -](?:upon|on|in|super|under)[ -].*")
# What is left of a name and is none.
NO_PLACE = frozenset({"North", "South", "East", "West", "City of", "County of"})
INVITATION = "Ask a question in your own words, or name a town, an illness or a page of this book."
CALL = re.compile(r"^Search\.setIndex\((?P<index>.*)\)$", re.DOTALL)
KNOWN = re.compile(r"[^\W\d]{1,24}|[a-z]{1,3}\d{1,3}|(?:19|20)\d\d")


BETWEEN_CELLS = re.compile(r"(</(?:td|th|tr|caption|summary|p|li|dt|dd)>)(?=<)")


class SeparateCells(SphinxPostTransform):
    """Put a blank between the cells of tables of HTML, which no reader sees."""

    # After the tables of notebooks and of the book have been filled in.
    default_priority = 900

    def run(self, **kwargs):
        for node in self.document.findall(nodes.raw):
            if node.get("format") == "html":
                apart = BETWEEN_CELLS.sub(r"\1 ", node.astext())
                node.children = [nodes.Text(apart)]


class WordsOfTheBook(SearchEnglish):
    """English words, under the name of the book's language."""

    lang = "en_GB"
    language_name = "English words without numbers"

    def word_filter(self, word: str) -> bool:
        return bool(KNOWN.fullmatch(word)) and super().word_filter(word)


def readers_words(table: Path | None = None, column: str = "words") -> dict[str, str]:
    """Read the words by which readers know each page, by the name of the page.

    column : `words`, or `people`: words that say for whom a page is, of pages that are for some.
    """
    table = table or places.BOOK / READERS_WORDS
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["page"]: row[column] for row in rows if row.get(column)}


def _said(name: str) -> list[str]:
    """Write a name as it is, then its parts, then what a reader may shorten them to."""
    parts = [part.removeprefix("the ") for part in BETWEEN_PLACES.split(name)]
    said = [name, *parts, *(LONGER_NAME.sub("", part) for part in parts)]
    return [part for part in dict.fromkeys(said) if part not in NO_PLACE]


def named_places() -> dict[str, str]:
    """Name the towns, councils and boards that readers ask by.

    A town has the care board of the area whose centre is nearest, a council that of most of its
    areas; of two places with one name the first is taken, towns before councils.

    Returns
    -------
    Name -> code of its care board; empty in Wales, and for London.
    """
    areas = tables.read("areas")
    edition = care_boards.edition(tables.read("care_boards"))
    codes = access.board_of_areas(areas, edition)["board_code"].to_numpy()
    middles = areas[["easting", "northing"]].to_numpy(float)
    towns = tables.read("towns")
    nearest = [
        codes[np.hypot(*(middles - point).T).argmin()]
        for point in towns[["easting", "northing"]].to_numpy(float)
    ]
    councils = areas.assign(code=codes).groupby("local_authority")["code"]
    most = councils.agg(lambda held: held.mode().iloc[0])
    named = edition.drop_duplicates("board_code")
    wales = dict.fromkeys(tables.read("wales_areas")["local_authority"].unique(), "")
    # London alone has no board: it has several.
    found = {"London": ""}
    for names, theirs in (
        (towns["town"], nearest),
        (most.index, most),
        (named["board"], named["board_code"]),
        (wales, wales.values()),
    ):
        for name, code in zip(names, theirs, strict=True):
            for said in _said(name):
                found.setdefault(said, code)
    return found


def places_of(pages: Sequence[str]) -> dict[str, list[str]]:
    """List the places that lead to a page: of its care board, or Find my area where it has none.

    pages : names of the pages, in the order of the index. Returns place in that order -> names.
    """
    if FIND_MY_AREA not in pages:
        return {}
    place = {page: at for at, page in enumerate(pages)}
    found: dict[str, list[str]] = {}
    for name, code in named_places().items():
        at = place.get(f"{boards.FOLDER}{code.lower()}", place[FIND_MY_AREA])
        found.setdefault(str(at), []).append(name)
    return found


def invite(page: markup.HtmlElement) -> None:
    """Say on the page of the search what may be asked, where its script runs."""
    for heading in page.xpath("//*[contains(@class, 'bd-search-container')]/h1"):
        said = markup.fragment_fromstring(f"<p>{INVITATION}</p>")
        said.set("class", "pst-js-only")
        heading.addnext(said)


def complete_index(site: Path, descriptions: Mapping[str, str], titles: Mapping[str, str]) -> None:
    """Give the index of a built site what pages are ranked and shown by.

    Sphinx leaves pages that say `nosearch`, such as those of the care boards, without a title.

    Parameters
    ----------
    site : folder of the built pages. Doing it again changes nothing.
    descriptions, titles : one a page, by the name of the page.
    """
    path = site / INDEX
    if not path.exists():
        return
    found = CALL.match(path.read_text(encoding="utf-8").strip())
    index = json.loads(found["index"])
    asked = readers_words()
    pages = index["docnames"]
    told = zip(pages, index["titles"], strict=True)
    index["titles"] = [title or titles.get(page, "") for page, title in told]
    index["descriptions"] = [descriptions.get(page, "") for page in pages]
    index["asked"] = [asked.get(page, "") for page in pages]
    index["lists"] = [page for page in LISTS if page in pages]
    index["order"] = list(asked)
    index["people"] = readers_words(column="people")
    index["places"] = places_of(pages)
    written = json.dumps(index, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    path.write_text(f"Search.setIndex({written})", encoding="utf-8")


def add_script(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Put the script that ranks pages on the page of the search alone (`html-page-context`)."""
    if page == "search":
        app.add_js_file(SCRIPT, loading_method="defer", priority=900)


def setup(app: Sphinx) -> dict:
    """Take the place of Sphinx's own English for the book's language."""
    app.add_search_language(WordsOfTheBook)
    app.connect("html-page-context", add_script)
    app.add_post_transform(SeparateCells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
