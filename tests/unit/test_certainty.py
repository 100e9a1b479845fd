"""How sure: every layer and every card says it, and all in the words of one scale."""

import re

import pandas as pd
import pytest
from small_book import built
from test_layers import CHAPTERS, name_of, text_of

from distance_to_care import places, results
from distance_to_care.problems import Problem
from distance_to_care.publication import certainty, layers, plain_words, sentences

NUMBERS = {"judged": "very low", "counted": "17", "counted.low": "3"}
LOW = "{judged}`sma_births.births`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"How sure: {LOW}.", ""),
        (
            f"**How sure:** {{judged}}`sma_travel.minutes` for the direction; {LOW} for the size.",
            "",
        ),
        ("How sure: {number}`judged`.", ""),
        ("How sure: low for {number}`counted.low` of them.", ""),
        (f"How sure: {LOW}.\nIt is {{number}}`counted` times as high.", ""),
        # A rule that cannot be broken would be no rule.
        ("The drive is long.", "nothing says how sure it is"),
        (f"It is {LOW}.", "nothing says how sure it is"),
        ("How sure: {number}`counted`.", "reads no word of the scale"),
        (f"How sure: we read short accounts.\nIt is {LOW}.", "reads no word of the scale"),
        (f"How sure: {LOW}.\nWe are fairly sure of the rest.", "'sure' is no word of the scale"),
        (f"How sure: {LOW}.\nThis half is surer.", "'surer' is no word of the scale"),
        (f"How sure: {LOW}, and we are uncertain.", "'uncertain' is no word of the scale"),
        (f"How sure: {LOW}.\nWe count the surest sites, and are sure to.", "'sure' is no word"),
        # A word that is typed could part from that of another page, wherever it stands.
        (f"How sure: {LOW} for the drive, low for the rest.", "'low' is typed, and not read"),
        (f"How sure: {LOW}.\nModerate for the rest.", "'Moderate' is typed, and not read"),
        (f"How sure: {LOW}.\nThe sum is not rated.", "'not rated' is typed, and not read"),
        (f"How sure: {LOW}, {{holds}}`low when [counted] > 1`.", "'low' is typed, and not read"),
        (f"How sure: {LOW}, low for {{number}}`counted`.", "'low' is typed, and not read"),
    ],
)
def test_what_says_how_sure_and_what_does_not(text, said):
    found = certainty.faults(text, NUMBERS)
    assert [said in fault for fault in found] == ([True] if said else [])


def test_a_judgement_is_written_with_what_has_to_be_true_for_it(monkeypatch):
    table = [("far.drive", "the drive", "low", "a guess", ""),
             ("far.order", "the order", "very low", "a guess", "[near] < [far]")]  # fmt: skip
    found = {row[0]: certainty.Judgement(*row) for row in table}
    monkeypatch.setattr(certainty, "judgements", lambda: found)
    line = "How sure: {judged}`far.drive`, and {judged}`far.order` of {number}`near`."
    assert certainty.written(line) == (
        "How sure: low, and {holds}`very low when [near] < [far]` of {number}`near`."
    )
    (held,) = sentences.held("book/far", line)
    assert (held.words, held.keys) == ("very low", ["near", "far"])
    assert held.sentence == "How sure: low, and very low of [near]."
    turned = sentences.Numbers(pd.DataFrame({"key": ["near", "far"], "text": ["3", "2"]}))
    assert "'very low', and it is not so that" in sentences.faults([held], turned)[0]
    with pytest.raises(Problem, match="no 'far.away'"):
        certainty.written("How sure: {judged}`far.away`.")


def test_a_word_on_a_page_is_that_of_the_table_and_its_condition_is_asked(tmp_path, monkeypatch):
    def home(text, key="home.large"):
        found = certainty.Judgement("home.drive", "the drive", "low", "a guess", f"[{key}] > 1")
        monkeypatch.setattr(certainty, "judgements", lambda: {"home.drive": found})
        pages = {"index": "# Home\n\nHow sure: {judged}`home.drive`.\n"}
        row = {"key": key, "value": float(text), "unit": "", "kind": "open", "table": "t"}
        numbers = pd.DataFrame([row | {"text": text, "page": "one"}])
        site, said = built(tmp_path / text, monkeypatch, pages, numbers)
        return site["index"].text_content(), said

    shown, said = home("2")
    assert "How sure: low." in shown
    assert "it is not so" not in said
    shown, said = home("0")
    assert "says 'low', and it is not so that [home.large] > 1" in said


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


# --- Where they are read ------------------------------------------------------------------------

LAYERS_OF = {
    path.stem: [plain_words.layer(text_of(path), layer) for layer in layers.LAYERS]
    for path in CHAPTERS
}
HOME = (places.BOOK / "index.md").read_text(encoding="utf-8")
CARDS = dict(re.findall(r"^::::\{finding\} (.+?)\n(.*?)^::::$", HOME, re.MULTILINE | re.DOTALL))
FOR_PATIENTS = ("for_patients", "for_families")


def answers(page: str) -> list[str]:
    """What a page for patients says after "How sure are we?"."""
    text = (places.BOOK / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"^\*\*How sure are we\?\*\*\n(.*?)\n(?=\n|:::)", text, re.M | re.S)
    return [f"How sure: {said}" for said in found]


def keys(*texts: str) -> set[str]:
    numbers = plain_words.accepted_numbers()
    return {key for text in texts for key in certainty.read_by(text, numbers)}


@pytest.mark.parametrize("layer", layers.LAYERS)
@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_every_layer_says_how_sure_it_is_and_reads_the_word(path, layer):
    said = plain_words.layer(text_of(path), layer)
    assert certainty.faults(said, plain_words.accepted_numbers()) == []


@pytest.mark.parametrize("page", LAYERS_OF)
def test_the_half_minute_judges_nothing_that_the_three_minutes_do_not(page):
    half, whole = LAYERS_OF[page]
    assert keys(half) <= keys(whole)


def test_every_card_of_the_home_page_says_it_too():
    assert len(CARDS) >= 4
    numbers = plain_words.accepted_numbers()
    assert [certainty.faults(card, numbers) for card in CARDS.values()] == [[] for _ in CARDS]


@pytest.mark.parametrize("number", CARDS)
def test_a_card_is_judged_as_in_a_chapter_that_shows_its_number(number):
    shows = [page for page, said in LAYERS_OF.items() if f"{{number}}`{number}`" in "".join(said)]
    assert [page for page in shows if keys(CARDS[number]) <= keys(*LAYERS_OF[page])] != []


@pytest.mark.parametrize("page", FOR_PATIENTS)
def test_pages_for_patients_answer_how_sure_we_are_in_the_same_words(page):
    said = answers(page)
    assert len(said) >= 3
    numbers = plain_words.accepted_numbers()
    assert [certainty.faults(each, numbers) for each in said] == [[] for _ in said]


def test_every_judgement_is_read_on_the_page_that_answers_for_it():
    read = {page: keys(*said) for page, said in LAYERS_OF.items()}
    read |= {page: keys(*answers(page)) for page in FOR_PATIENTS}
    table = certainty.judgements().values()
    assert len(table) > 50
    assert [each.key for each in table if each.key not in read.get(each.page, ())] == []
