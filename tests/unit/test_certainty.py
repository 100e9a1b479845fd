"""How sure: every layer and every card says it, and all in the words of one scale."""

import re

import pytest
from test_layers import CHAPTERS, name_of, text_of

from distance_to_care import places, results
from distance_to_care.publication import certainty, layers, plain_words

NUMBERS = {"judged": "very low", "counted": "17"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("How sure: low.", ""),
        ("**How sure.** Moderate for the direction; low for the size.", ""),
        ("**How sure:** not rated, as this is a sum.", ""),
        ("How sure: {number}`judged`.", ""),
        ("How sure that it is so: {holds}`low when [counted] > 1`.", ""),
        # A rule that cannot be broken would be no rule.
        ("The drive is long.", "nothing says how sure it is"),
        ("It is highly likely.", "nothing says how sure it is"),
        ("How sure: {number}`counted`.", "no word of the scale says how sure it is"),
        ("How sure: we read short accounts.\nIt is low.", "no word of the scale"),
        ("How sure: low.\nWe are fairly sure of the rest.", "'sure' is no word of the scale"),
        ("How sure: low, and we are uncertain.", "'uncertain' is no word of the scale"),
        ("How sure: low.\nWe count the surest sites, and are sure to.", "'sure' is no word"),
    ],
)
def test_what_says_how_sure_and_what_does_not(text, said):
    found = certainty.faults(text, NUMBERS)
    assert [said in fault for fault in found] == ([True] if said else [])


def test_the_scale_is_the_one_of_the_glossary():
    glossary = (places.BOOK / "glossary.md").read_text(encoding="utf-8")
    entry = re.search(r"^how sure\n(.*?)(?=^\S)", glossary, re.MULTILINE | re.DOTALL)[1]
    explained = re.findall(r"^ *- \*\*(.+):\*\*", entry, re.MULTILINE)
    assert tuple(level.lower() for level in explained) == certainty.LEVELS
    named = entry.split(": ", 1)[1].splitlines()[0].rstrip(".")
    assert tuple(re.split(r", | or ", named)) == certainty.LEVELS


def test_the_judgements_that_are_published_are_on_the_scale():
    tables = ("synthesis_certainty", "claims")
    read = [results.read_published(places.ACCEPTED / f"{name}.csv", name) for name in tables]
    judged = {level for table in read for level in table["how_sure"].dropna()}
    assert judged and judged <= set(certainty.LEVELS)


@pytest.mark.parametrize("layer", layers.LAYERS)
@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_every_layer_says_how_sure_it_is_in_words_of_the_scale(path, layer):
    said = plain_words.layer(text_of(path), layer)
    assert certainty.faults(said, plain_words.accepted_numbers()) == []


def test_every_card_of_the_home_page_says_it_too():
    home = (places.BOOK / "index.md").read_text(encoding="utf-8")
    cards = re.findall(r"^::::\{finding\}.*?^::::$", home, re.MULTILINE | re.DOTALL)
    assert len(cards) >= 4
    numbers = plain_words.accepted_numbers()
    assert [certainty.faults(card, numbers) for card in cards] == [[] for _ in cards]


@pytest.mark.parametrize("page", ["for_patients", "for_families"])
def test_pages_for_patients_answer_how_sure_we_are_in_the_same_words(page):
    text = (places.BOOK / f"{page}.md").read_text(encoding="utf-8")
    answers = re.findall(r"^\*\*How sure are we\?\*\*\n(.*?)\n$", text, re.MULTILINE | re.DOTALL)
    assert len(answers) >= 2
    found = [certainty.faults(f"How sure: {said}", {}) for said in answers]
    assert found == [[] for _ in answers]
