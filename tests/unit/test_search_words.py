"""The search knows words, years and short names, and no numbers out of tables."""

import re

import pytest
from docutils import nodes, utils

from distance_to_care import care_boards, tables
from distance_to_care.publication import boards, search_words
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


@pytest.fixture(scope="module")
def named():
    return search_words.named_places()


def test_places_have_the_care_board_that_they_are_in(named):
    theirs = {
        "Norwich": "E54000068",
        "Leeds": "E54000054",
        "King's Lynn": "E54000068",
        "Stoke": "E54000010",
        "Newcastle": "E54000050",
        "Hove": "E54000069",
        "Cornwall": "E54000036",
        "Isles of Scilly": "E54000036",
        "North London": "E54000071",
        "Cardiff": "",
        "London": "",
    }
    assert {name: named[name] for name in theirs} == theirs
    assert not named.keys() & search_words.NO_PLACE


def test_every_council_and_board_is_named(named):
    areas = tables.read("areas")
    assert named.keys() >= set(areas["local_authority"])
    edition = care_boards.edition(tables.read("care_boards"))
    assert set(named.values()) - {""} == set(edition["board_code"])


def test_a_place_leads_to_the_page_of_its_board_or_to_find_my_area():
    norfolk = f"{boards.FOLDER}e54000068"
    found = search_words.places_of(["book/index", norfolk, search_words.FIND_MY_AREA])
    assert {"Norwich", "Thetford", "Suffolk"} <= set(found["1"])
    # A board without a page, and Wales.
    assert {"Leeds", "Cardiff"} <= set(found["2"])
    assert search_words.places_of(["book/index", norfolk]) == {}
