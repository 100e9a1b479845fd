"""Pages for patients and families: plain words, help at the end, and who has reviewed them."""

from __future__ import annotations

import csv
import re
from urllib.parse import urlsplit

import pandas as pd
import pytest
import yaml

from distance_to_care import places, results, tables
from distance_to_care.publication import build, for_patients, plain_words, sentences

HELP = tables.read("help_for_patients").fillna("")
STUDIES = [name for name in tables.study_names() if tables.read_study(name)]
CONFIG = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
PATIENT_PAGES = CONFIG["sphinx"]["config"]["distance_to_care_patient_pages"]
# Written for them from the first word to the last; the others hold words for other readers too.
PLAIN = ["for_patients", "for_families", "lived_experience"]
WITH_EVERYTHING = {"for_patients": "ipf", "for_families": "sma"}
# The home page is a door for everybody, with a link to these pages; the boards' are written later.
OTHERS = {"book/index", "book/boards/"}
# A page that says for whom it is.
FOR_THEM = re.compile(
    r"[Tt]his page is for (?:you|[^.\n]*\b(?:families|patients|young people|adults with))\b"
)


def text_of(page: str) -> str:
    source = places.ROOT / f"{page}.md"
    return (
        source.read_text(encoding="utf-8")
        if source.exists()
        else sentences.prose(source.with_suffix(".ipynb"))
    )


def ending_with_help() -> list[str]:
    """Pages for patients: by the configuration, by the menu, and by what they say themselves."""
    toc = yaml.safe_load((places.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    (menu,) = (part for part in toc["parts"] if part["caption"] == "For patients and families")
    named = {*PATIENT_PAGES, *(chapter["file"] for chapter in menu["chapters"])} - OTHERS
    return sorted(named | {page for page in build.contents() if FOR_THEM.search(text_of(page))})


ENDING_WITH_HELP = ending_with_help()


def read_aloud(markdown: str) -> list[str]:
    """The sentences of a page as a reader hears them, without fences and markers of lists."""
    lines = [
        re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", line)
        for line in markdown.splitlines()
        if not re.match(r"\s*(?:`{3}|:{3}|:\w+:)", line)
    ]
    text = re.sub(r"<[^<>`]+>", "", "\n".join(lines))
    return plain_words.as_read(text, plain_words.accepted_numbers())


# --- Plain words ----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PLAIN)
def test_the_whole_page_is_easy_to_read(page):
    grade = plain_words.reading_grade(read_aloud(text_of(f"book/{page}")))
    assert grade <= plain_words.HARDEST


@pytest.mark.parametrize("study", sorted(WITH_EVERYTHING.values()))
def test_the_help_is_easy_to_read(study):
    grade = plain_words.reading_grade(
        read_aloud(for_patients.whole_part(for_patients.help_rows(study)))
    )
    assert grade <= plain_words.HARDEST


def test_hard_words_are_found():
    hard = "Multidisciplinary consideration of interstitial pneumonia necessitates expertise."
    assert plain_words.reading_grade(read_aloud(hard)) > plain_words.HARDEST


# --- Help at the end ------------------------------------------------------------------------------


def last_part(text: str) -> str:
    return text.rpartition("\n## ")[2]


@pytest.mark.parametrize("page", ENDING_WITH_HELP)
def test_each_page_for_patients_ends_with_the_help(page):
    heading, _, rest = last_part(text_of(page)).partition("\n")
    assert heading == for_patients.HEADING
    block = r"^```\{help-for-patients\} ([\w ]+)\n(?::\w+:.*\n)*```\s*\Z"
    found = re.search(block, rest, re.MULTILINE)
    assert found
    # What is there for anybody has no questions, no care nearer home and nobody to talk to.
    assert set(found[1].split()) <= set(STUDIES)


def test_the_pages_that_say_so_are_found():
    assert "notebooks/sma_travel" in ENDING_WITH_HELP
    assert "notebooks/people_out_of_hundred" in ENDING_WITH_HELP
    assert "notebooks/which_lever" not in ENDING_WITH_HELP
    assert len(ENDING_WITH_HELP) >= 17


def test_the_home_page_leads_to_them():
    home = text_of("book/index")
    for page in WITH_EVERYTHING:
        assert f"]({page}.md)" in home


@pytest.mark.parametrize(("page", "study"), WITH_EVERYTHING.items())
def test_two_pages_have_all_of_it(page, study):
    assert f"```{{help-for-patients}} {study}\n```" in text_of(f"book/{page}")


@pytest.mark.parametrize("study", STUDIES)
def test_everybody_finds_each_kind_of_help(study):
    rows = for_patients.help_rows(study)
    parts = set(rows["part"])
    assert parts == {for_patients.URGENT, *for_patients.PARTS}
    assert (rows["part"] == "questions").sum() >= 6
    # Charities of their own, not only what is there for anybody.
    own = rows[(rows["part"] == "people_to_talk_to") & (rows["for_whom"] == study)]
    assert len(own) >= 2
    short = for_patients.short_list(rows)
    for words in ("999", "Ask the clinic", "Healthcare Travel Costs Scheme", "patient transport"):
        assert words in short
    # A board's page has little room.
    assert len(short.splitlines()) <= 8


@pytest.mark.parametrize("studies", [*([study] for study in STUDIES), STUDIES])
def test_the_few_lines_hold_all_four_things(studies):
    """Questions, the journey, care nearer to home, and somebody to talk to, for each disease."""
    rows = for_patients.help_rows(*studies)
    for study in studies:
        own = for_patients.short_list(rows[rows["for_whom"].isin([study, for_patients.ANYBODY])])
        for words in ("Ask the clinic", "nearer to home", "what the journey costs", "To talk to"):
            assert words in own, f"{study}: {words}"


def test_of_several_diseases_each_line_says_whose_it_is():
    rows = for_patients.help_rows("ipf", "sma")
    lines = for_patients.short_list(rows).splitlines()
    assert [line.startswith("- **IPF:** ") for line in lines].count(True) >= 3
    assert [line.startswith("- **SMA:** ") for line in lines].count(True) >= 3
    assert sum("999" in line and "**" not in line for line in lines) == 1
    assert "**" not in for_patients.short_list(for_patients.help_rows("sma"))


def test_help_is_for_the_people_of_a_study_or_for_anybody():
    assert set(HELP["for_whom"]) == {for_patients.ANYBODY, *STUDIES}
    ours = set(for_patients.help_rows("sma")["for_whom"])
    assert ours == {"sma", for_patients.ANYBODY}


# --- How long people live: how sure, and how far chance alone could move it -----------------------


@pytest.mark.parametrize("page", WITH_EVERYTHING)
def test_behind_the_choice_each_share_of_survival_has_its_interval(page):
    (block,) = re.findall(
        r"^(:{3,})\{survival-figures\}.*?\n(.*?)^\1$", text_of(f"book/{page}"), re.M | re.S
    )
    assert "**How sure are we?**" in block[1]
    assert "how far chance alone could move it" in block[1]
    printed = plain_words.accepted_numbers()
    shares = re.findall(r"\{number\}`([^`]+)`(?: of 100| were alive)", block[1])
    assert len(shares) >= 3
    for key in shares:
        assert re.fullmatch(r"\d+ \(\d+ to \d+\)", printed[key]), key


def test_a_child_found_late_reads_what_helps_before_the_picture():
    text = text_of("book/for_families")
    assert text.index("A later start helps, too") < text.index("```{published-figure}")


def test_every_kind_has_plain_words():
    assert for_patients.KINDS.keys() == results.BANNERS.keys()
    said = for_patients.kinds_in_plain_words(["scenario", "modelled"])
    assert said.startswith('<p class="kind-in-plain-words">Some numbers say what would follow')
    assert for_patients.kinds_in_plain_words([]) == ""
    grade = plain_words.reading_grade(read_aloud("\n".join(for_patients.KINDS.values())))
    assert grade <= plain_words.HARDEST


# --- Where each fact was read ---------------------------------------------------------------------


@pytest.mark.parametrize("row", HELP.to_dict("records"), ids=lambda row: row["id"])
def test_each_fact_says_where_when_and_how_it_was_read(row):
    ours = row["how_read"] == for_patients.OURS
    assert ours == (row["address"] == "")
    assert ours <= (row["part"] == "questions")
    for address in filter(None, row["address"].split(";")):
        assert urlsplit(address).scheme in {"http", "https"}
        assert urlsplit(address).netloc
    assert pd.Timestamp(row["read_on"]) >= pd.Timestamp("2026-11-23")
    # Our own questions promise nothing, so that they name no number to call.
    if ours:
        assert not for_patients.TELEPHONE.search(row["what"] + row["how"])


def test_a_number_that_was_not_read_on_the_body_s_own_page_says_so():
    dialled = HELP[HELP["how"].str.contains(for_patients.TELEPHONE.pattern)]
    assert len(dialled) >= 5
    others = dialled[dialled["how_read"] == "secondary"]
    listed = for_patients.sources(others)
    assert listed.count("read on a page of somebody else") == len(others) > 0


def test_telephone_numbers_can_be_dialled():
    written = for_patients.dialled("Call 0300 123 2303, or 01789 267520, in 2026 or on 18 May.")
    assert written.count("<a href") == 2
    assert '<a href="tel:03001232303">0300 123 2303</a>' in written
    assert '<a href="tel:01789267520">01789 267520</a>' in written


def test_sources_are_listed_but_for_our_own_questions():
    rows = for_patients.help_rows("ipf")
    listed = for_patients.sources(rows)
    read = rows[rows["how_read"] != for_patients.OURS]
    for row in read.to_dict("records"):
        assert f"[{row['source']}]({row['address'].split(';')[0]})" in listed
    assert "Distance to Care" not in listed


# --- Who has reviewed the book --------------------------------------------------------------------


# The sentences that say so; the page of the reviews writes its own from the table.
NOBODY_HAS = re.compile(
    r"\b(?:Nobody with lived experience|No review by people with lived experience|"
    r"(?:Nobody who lives with|No family)\b.* yet;)"
)
SAYING_NOBODY = {f"book/{page}" for page in ("for_patients", "for_families", "quality_log")}
SAYING_NOBODY |= {"book/what_we_do_not_know"}


def review_rows() -> list[dict[str, str]]:
    with for_patients.REVIEWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_of_reviews_has_its_columns_and_real_pages():
    header = for_patients.REVIEWS.read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(for_patients.REVIEW_COLUMNS)
    for row in review_rows():
        assert all(row[column] for column in for_patients.REVIEW_COLUMNS if column != "changed_on")
        assert pd.Timestamp(row["reviewed_on"]) <= pd.Timestamp.today()
        assert any(
            path.stem == row["page"].split("/")[-1] for path in places.BOOK.parent.glob("*/*")
        )


def test_other_pages_say_nobody_only_while_it_is_so():
    saying = {page for page in build.contents() if NOBODY_HAS.search(text_of(page))}
    # The day that somebody reviews the book, these sentences have to go.
    assert saying == (set() if review_rows() else SAYING_NOBODY)


def said_by(directive_rows: pd.DataFrame, monkeypatch) -> str:
    monkeypatch.setattr(for_patients, "reviews", lambda: directive_rows)
    directive = object.__new__(for_patients.ReviewsDirective)
    noted = []
    monkeypatch.setattr(
        for_patients.ReviewsDirective, "env",
        property(lambda self: type("Env", (), {"note_dependency": lambda s, p: noted.append(p)})()),
    )  # fmt: skip
    return " ".join(node.astext() for node in directive.run())


def test_an_empty_table_says_that_it_is_empty(monkeypatch):
    none = pd.DataFrame(columns=list(for_patients.REVIEW_COLUMNS))
    assert said_by(none, monkeypatch) == " ".join(for_patients.NOBODY)


def test_a_review_is_shown_and_the_table_is_empty_no_more(monkeypatch):
    row = dict.fromkeys(for_patients.REVIEW_COLUMNS, "") | {
        "reviewer": "a parent", "said": "too long", "did": "cut", "page": "book/for_families",
    }  # fmt: skip
    told = said_by(pd.DataFrame([row, row]), monkeypatch)
    assert "Nobody" not in told
    assert "so far: 1" in told
    assert "too long" in told
