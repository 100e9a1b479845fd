"""The search answers questions as readers ask them, from a server and from a folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import visited

from distance_to_care import tables
from distance_to_care.publication import boards, build, search_words

ASKED = Path(__file__).with_name("reader_questions.tsv")
RESULTS = "#search-results ul.search > li"
FIRST = 3
# The search as its page runs it, without opening the page anew for each question.
ASK_ALL = """(questions) => questions.map((question) => {
  document.getElementById("search-results").replaceChildren();
  Search.performSearch(question);
  return [...document.querySelectorAll("#search-results li > a")]
    .map((link) => link.getAttribute("href").replace(".html", ""));
})"""
SETTLED = """() => document.querySelector("#search-results .search-summary")?.textContent"""


def questions() -> list[dict[str, str]]:
    with ASKED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def index(site: Path) -> dict:
    text = (site / search_words.INDEX).read_text(encoding="utf-8")
    return json.loads(search_words.CALL.match(text)["index"])


def search(page, base: str, words: str) -> list[str]:
    """Ask the search; gives the pages of the results, in their order."""
    page.goto(f"{base}search.html?q={quote(words)}")
    page.wait_for_function(SETTLED)
    return page.locator(f"{RESULTS} > a").evaluate_all(
        "links => links.map((link) => link.getAttribute('href').replace('.html', ''))"
    )


def test_there_are_questions_of_every_kind_of_reader():
    asked = questions()
    assert len({row["question"] for row in asked}) == len(asked) >= 60
    assert {"patient", "parent", "commissioner", "analyst"} <= {row["who"] for row in asked}
    pages = {page for row in asked for page in row["page"].split("|")}
    assert pages <= set(build.contents()), "a question is about a page that is not there"
    # A question with many right answers would ask little of the search.
    assert max(row["page"].count("|") for row in asked) <= 2


def missed(found: list[list[str]], asked: list[dict[str, str]]) -> list[str]:
    return [
        f"{row['who']}: {row['question']}: {pages[:FIRST]}"
        for pages, row in zip(found, asked, strict=True)
        if not set(pages[:FIRST]) & set(row["page"].split("|"))
    ]


def test_every_question_finds_its_page_among_the_first_three(site: Path, browser):
    """All are asked one after the other on the search's page, opened from a folder."""
    asked = questions()
    with visited(browser, site.as_uri() + "/", "search.html?q=book") as visit:
        visit.page.wait_for_function(SETTLED)
        found = visit.page.evaluate(ASK_ALL, [row["question"] for row in asked])
        assert visit.foreign == []
        assert visit.complaints == []
    assert missed(found, asked) == []


@pytest.mark.parametrize("step", [30, pytest.param(1, marks=pytest.mark.slow)])
def test_a_question_is_answered_by_its_address(site: Path, base: str, browser, step):
    """A sample of the questions, or all: opened as search.html?q=, from a server and a folder."""
    asked = questions()[::step]
    for start in (base, site.as_uri() + "/"):
        with visited(browser, start, "search.html") as visit:
            found = [search(visit.page, start, row["question"]) for row in asked]
            assert visit.foreign == []
            assert visit.complaints == []
        assert missed(found, asked) == []


def test_a_result_says_what_its_page_is_about(site: Path, base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        found = search(page, base, "how far is the nearest clinic")
        described = page.locator(f"{RESULTS} > p:first-of-type").all_inner_texts()
        known = index(site)
        told = dict(zip(known["docnames"], known["descriptions"], strict=True))
        assert described == [told[name] for name in found]
        assert all(20 < len(words) <= 160 for words in described)
        said = page.inner_text(".search-summary")
        assert said.startswith(("The 20 best of", f"{len(found)} pages were found"))
        assert visit.foreign == []
        assert visit.complaints == []


def test_a_result_leads_to_the_part_that_fits(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        assert "book/glossary" in search(page, base, "what does antifibrotic mean")[:FIRST]
        part = page.locator(f"{RESULTS} a[href='book/glossary.html#term-antifibrotic']")
        part.click()
        page.wait_for_url("**/glossary.html#term-antifibrotic")


def test_a_care_board_is_found_by_its_name_and_every_result_has_a_link_to_read(
    site: Path, base: str, browser
):
    """Sphinx leaves pages that are not searched word by word without a title."""
    for words, board in (
        ("Cornwall", "e54000036"),
        ("Birmingham", "e54000055"),
        ("Norfolk and Suffolk", "e54000068"),
    ):
        with visited(browser, base, "search.html") as visit:
            page = visit.page
            assert search(page, base, words)[0] == f"book/boards/{board}"
            links = page.locator(f"{RESULTS} a").all_inner_texts()
            assert all(text.strip() for text in links)
            assert words in links[0]
            visit.add_axe()
            assert visit.axe() == []
    assert all(index(site)["titles"])


def test_who_asks_how_long_they_will_live_is_led_to_the_page_for_patients(base: str, browser):
    """Before any chapter about made-up people."""
    with visited(browser, base, "search.html") as visit:
        for question in (
            "how long will I live with pulmonary fibrosis",
            "what is my chance of surviving five years",
            "how long have I got",
            "will I die",
        ):
            found = search(visit.page, base, question)
            assert found[0] == "book/for_patients"
            assert not [name for name in found[:FIRST] if "survival_by" in name]


def test_a_town_leads_to_its_care_board_and_to_find_my_area(site: Path, base: str, browser):
    """Every town by which readers find their way on the maps of the boards, however it is asked."""
    towns = tables.read("towns")["town"].tolist()
    ways = ("{}", "nearest centre to {}", "how far is it from {}")
    asked = [way.format(town) for town in towns for way in ways]
    with visited(browser, base, "search.html?q=book") as visit:
        page = visit.page
        page.wait_for_function(SETTLED)
        found = page.evaluate(ASK_ALL, asked)
        led = dict(zip(asked, found, strict=True))
        astray = [
            question
            for question, pages in led.items()
            if not pages[0].startswith(boards.FOLDER) or "book/find_my_area" not in pages[:FIRST]
        ]
        assert astray == []
        for question, code in (
            ("nearest centre to Norwich", "e54000068"),
            ("Stoke-on-Trent", "e54000010"),
            ("how far is it from Exeter", "e54000037"),
        ):
            assert led[question][:2] == [f"{boards.FOLDER}{code}", "book/find_my_area"]
        # However it is written; a county; where there is no one board, or none.
        for question, first in (
            ("kings lynn", f"{boards.FOLDER}e54000068"),
            ("Cornwall travel time", f"{boards.FOLDER}e54000036"),
            ("London", "book/find_my_area"),
            ("Cardiff", "book/find_my_area"),
            ("NR4 7UY", "book/find_my_area"),
        ):
            assert search(page, base, question)[0] == first
        # A word of a question is no town.
        for question in ("reading age of the summaries", "is bathing tiring", "claim B7"):
            assert not search(page, base, question)[0].startswith(boards.FOLDER)


@pytest.mark.parametrize(
    "ways",
    [
        ("I don't have a car", "i dont have a car", "I don\u2019t have a car", "no car"),
        ("I can't drive", "I cannot drive", "we can\u2019t get there", "unable to drive"),
        ("will I die", "how long have I got", "what's my life expectancy", "is it fatal"),
        ("which ICB", "which integrated care board", "which care board"),
        ("the kids\u2019 hospital", "the child's hospital"),
        ("IPF", "I've IPF", "tell me about IPF", "do I have IPF"),
    ],
)
def test_one_question_is_asked_in_many_ways(base: str, browser, ways):
    with visited(browser, base, "search.html?q=book") as visit:
        visit.page.wait_for_function(SETTLED)
        first, *others = visit.page.evaluate(ASK_ALL, list(ways))
    assert first
    assert all(found == first for found in others)


def test_a_contraction_is_no_letter(site: Path, base: str, browser):
    """Some pages hold the letter t, which is what is left of don't."""
    assert "t" in index(site)["terms"]
    with visited(browser, base, "search.html") as visit:
        assert search(visit.page, base, "can't zzyzx") == []


def test_pages_of_care_boards_are_found_by_their_names_and_not_by_what_all_share(
    base: str, browser
):
    with visited(browser, base, "search.html?q=book") as visit:
        visit.page.wait_for_function(SETTLED)
        shared = ("care board", "specialist interstitial lung disease centre by car on average")
        for found in visit.page.evaluate(ASK_ALL, list(shared)):
            assert found
            assert not [page for page in found if page.startswith(boards.FOLDER)]


def test_who_asks_what_a_term_is_finds_where_it_is_explained(site: Path, base: str, browser):
    """Every term of the glossary, asked in two ways."""
    known = index(site)
    terms = [
        term.split("(")[0]
        for term, places in known["indexentries"].items()
        if places[0][1].startswith("term-")
    ]
    assert len(terms) > 80
    asked = [way.format(term) for term in terms for way in ("what's a {}", "what does {} mean")]
    with visited(browser, base, "search.html?q=book") as visit:
        visit.page.wait_for_function(SETTLED)
        found = visit.page.evaluate(ASK_ALL, asked)
        # A term that is no question is found where it is used as well.
        assert search(visit.page, base, "specialist centre")[0] != "book/glossary"
    led = dict(zip(asked, found, strict=True))
    assert [question for question, pages in led.items() if pages[:1] != ["book/glossary"]] == []


def test_a_page_for_some_people_is_not_shown_to_others(base: str, browser):
    lungs, families = "book/for_patients", "book/for_families"
    with visited(browser, base, "search.html") as visit:
        for question, first, other in (
            ("SMA type 1 prognosis", families, lungs),
            ("is there a cure for my baby", families, lungs),
            ("is there a cure for pulmonary fibrosis", lungs, families),
        ):
            found = search(visit.page, base, question)
            assert found[0] == first
            assert other not in found
        # Who does not say is shown both, in the order of the table.
        for question in ("is there a cure", "travel money", "free parking", "oxygen at home"):
            found = search(visit.page, base, question)
            assert found[:2] == [lungs, families]


def test_a_page_that_holds_the_whole_question_is_not_left_out(site: Path, base: str, browser):
    """However little it says: a list names a drug once."""
    known = index(site)
    with visited(browser, base, "search.html") as visit:
        for word in ("Zolgensma", "Evrysdi"):
            page = known["docnames"][known["terms"][word.lower()]]
            assert page == "notebooks/claims_register"
            assert page in search(visit.page, base, word)


def test_words_are_asked_and_not_the_letters_of_a_question(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        assert search(page, base, "deprivation?") == search(page, base, "Deprivation")
        assert search(page, base, "zzyzx") == []
        assert "No page holds these words" in page.inner_text(".search-summary")
        # A page that a reader names is the first; a beginning of a word finds the whole.
        assert search(page, base, "glossary")[0] == "book/glossary"
        assert "book/glossary" in search(page, base, "glossar")


def test_a_page_that_holds_little_of_the_question_is_left_out(site: Path, base: str, browser):
    # Nearly every page holds the second word, and few the first, which is worth more.
    held = index(site)["terms"]
    assert len(held["distanc"]) > 3 * len(held["townsend"])
    with visited(browser, base, "search.html") as visit:
        found = search(visit.page, base, "townsend distance")
        assert "notebooks/real_cohort_leukaemia" in found
        said = visit.page.inner_text(".search-summary")
        count = len(found) if said.startswith(str(len(found))) else int(said.split()[4])
        assert count < len(held["distanc"])


def test_a_beginning_is_asked_from_four_letters_on(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        assert search(visit.page, base, "glo") == []
        assert search(visit.page, base, "gloss")[0] == "book/glossary"


def test_what_belongs_to_somebody_is_asked_without_its_s(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        plain = search(page, base, "hospital")
        assert search(page, base, "hospital's") == search(page, base, "hospital\u2019s") == plain


def test_a_word_that_the_book_does_not_use_finds_those_that_mean_the_same(
    site: Path, base: str, browser
):
    known = index(site)
    asked = " ".join(known["asked"]).lower()
    with visited(browser, base, "search.html") as visit:
        for word, page in (
            ("daughter", "book/for_families"),
            ("job", "notebooks/care_coordinators"),
        ):
            assert word not in known["terms"] and f" {word} " not in f" {asked} "
            assert page in search(visit.page, base, word)[:5]


def test_a_question_of_asking_words_alone_is_asked_all_the_same(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        assert search(visit.page, base, "what is it") != []


def test_a_part_is_named_only_where_it_fits_better_than_the_page(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        assert search(page, base, "glossary")[0] == "book/glossary"
        assert "On this page" not in page.locator(RESULTS).first.inner_text()
        search(page, base, "what does antifibrotic mean")
        assert "On this page: " in page.inner_text("#search-results")


def test_the_words_that_were_asked_are_marked_on_the_page_that_is_opened(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        search(visit.page, base, "how far is the lungs' hospital")
        kept = visit.page.evaluate("localStorage.getItem('sphinx_highlight_terms')")
        # "How far" asks for a way to travel.
        assert kept == "travel lungs hospital"


def test_one_page_is_one_page_and_a_second_question_takes_the_place_of_the_first(
    base: str, browser
):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        search(page, base, "glossary")
        alone = page.evaluate("""() => Object.entries(Search._index.terms).find(([word, pages]) =>
          typeof pages === "number" && /^[a-z]{9,}$/.test(word)
          && new Stemmer().stemWord(word) === word && !(word in Search._index.titleterms)
          && !Search._index.asked.join(" ").includes(word))[0]""")
        assert len(search(page, base, alone)) == 1
        assert page.inner_text(".search-summary") == "One page was found."
        first = page.evaluate(ASK_ALL, ["glossary", "townsend"])
        page.evaluate("Search.query('glossary')")
        assert page.locator(f"{RESULTS} > a").count() == len(first[0])


def test_what_a_page_says_of_itself_is_shown_as_text(base: str, browser):
    with visited(browser, base, "search.html") as visit:
        page = visit.page
        search(page, base, "glossary")
        page.evaluate("""() => {
          const place = Search._index.docnames.indexOf("book/glossary");
          Search._index.descriptions[place] = "fewer than <b>five</b>";
          Search.query("glossary");
        }""")
        assert "fewer than <b>five</b>" in page.locator(RESULTS).first.inner_text()


def test_who_keeps_nothing_can_search(base: str, browser):
    refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    with visited(browser, base, "search.html") as visit:
        visit.page.add_init_script(refuse)
        assert search(visit.page, base, "glossary")[0] == "book/glossary"


def test_readers_words_are_of_pages_that_are_there(site: Path):
    words = search_words.readers_words()
    assert set(words) == set(build.contents()), "a page without words, or words without a page"
    assert all(text.strip() for text in words.values())
    assert set(search_words.LISTS) <= set(build.contents())
    known = index(site)
    for name, told in words.items():
        assert known["asked"][known["docnames"].index(name)] == told
    assert set(search_words.readers_words(column="people")) < set(words)
