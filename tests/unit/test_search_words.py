"""The search knows words, years and short names, and no numbers out of tables."""

import re

import pytest

from distance_to_care.publication.search_words import BETWEEN_CELLS, WordsOfTheBook


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
