"""The search knows words, years and short names, and no numbers out of tables."""

import re

import pytest
from docutils import nodes, utils

from distance_to_care.publication.search_words import (
    BETWEEN_CELLS,
    SeparateCells,
    WordsOfTheBook,
)


@pytest.mark.parametrize("word", ["depriv", "fvc", "b7", "a29", "e54", "2024", "travel_minutes"])
def test_words_of_the_book_are_known(word):
    assert WordsOfTheBook({}).word_filter(word)


@pytest.mark.parametrize(
    "word", ["", "7250", "0", "152", "transplant1depriv", "2020deprivation54", "x" * 25, "the"]
)
def test_numbers_and_cells_run_together_are_not(word):
    assert not WordsOfTheBook({}).word_filter(word)


def test_cells_of_a_table_are_told_apart_and_words_inside_them_are_not():
    table = "<tr><td>Dorset</td><td><b>near</b>est</td></tr><tr><td>Kent</td></tr>"
    apart = BETWEEN_CELLS.sub(r"\1 ", table)
    assert re.sub(r"<[^<]+?>", "", apart).split() == ["Dorset", "nearest", "Kent"]


def test_tables_of_a_page_are_told_apart_and_other_markup_is_not():
    document = utils.new_document("page")
    table = "<td>Dorset</td><td>Kent</td>"
    document += [nodes.raw("", table, format="html"), nodes.raw("", table, format="latex")]
    SeparateCells(document).run()
    assert [node.astext() for node in document] == ["<td>Dorset</td> <td>Kent</td>", table]
