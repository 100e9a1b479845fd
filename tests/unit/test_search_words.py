"""The search knows words, years and short names, and no numbers out of tables."""

import pytest

from distance_to_care.publication.search_words import WordsOfTheBook


@pytest.mark.parametrize("word", ["depriv", "fvc", "b7", "a29", "e54", "2024", "travel_minutes"])
def test_words_of_the_book_are_known(word):
    assert WordsOfTheBook({}).word_filter(word)


@pytest.mark.parametrize(
    "word", ["", "7250", "0", "152", "transplant1depriv", "2020deprivation54", "x" * 25, "the"]
)
def test_numbers_and_cells_run_together_are_not(word):
    assert not WordsOfTheBook({}).word_filter(word)
