"""What the search of the site knows: words, years and short names such as B7; no other numbers.

Sphinx reads tables with their cells run together. Their numbers would fill half of the search
index, and nobody looks for them.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

KNOWN = re.compile(r"[^\W\d]{1,24}|[a-z]{1,3}\d{1,3}|(?:19|20)\d\d")


class WordsOfTheBook(SearchEnglish):
    """English words, under the name of the book's language."""

    lang = "en_GB"
    language_name = "English words without numbers"

    def word_filter(self, word: str) -> bool:
        return bool(KNOWN.fullmatch(word)) and super().word_filter(word)


def setup(app: Sphinx) -> dict:
    """Take the place of Sphinx's own English for the book's language."""
    app.add_search_language(WordsOfTheBook)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
