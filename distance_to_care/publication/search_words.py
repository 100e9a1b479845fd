"""What the search of the site knows: words, years and short names such as B7; no other numbers.

Sphinx reads a table of HTML with its cells run together, so that a blank is put between them: words
that stand in no cell would fill a third of the search index. Numbers of tables would fill half of
it, and nobody looks for them.

The index that Sphinx writes is given what `search.js` ranks and shows pages by: the description of
each page, the words by which readers know it (`book/search_words.tsv`), and which pages are lists.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.transforms.post_transforms import SphinxPostTransform

from distance_to_care import places

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


def readers_words(table: Path | None = None) -> dict[str, str]:
    """Read the words by which readers know each page, by the name of the page."""
    table = table or places.BOOK / READERS_WORDS
    with table.open(encoding="utf-8", newline="") as file:
        return {row["page"]: row["words"] for row in csv.DictReader(file, delimiter="\t")}


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
