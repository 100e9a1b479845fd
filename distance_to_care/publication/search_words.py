"""What the search of the site knows: words, years and short names such as B7; no other numbers.

Sphinx reads a table of HTML with its cells run together, so that a blank is put between them: words
that stand in no cell would fill a third of the search index. Numbers of tables would fill half of
it, and nobody looks for them.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.transforms.post_transforms import SphinxPostTransform

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


def setup(app: Sphinx) -> dict:
    """Take the place of Sphinx's own English for the book's language."""
    app.add_search_language(WordsOfTheBook)
    app.add_post_transform(SeparateCells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
