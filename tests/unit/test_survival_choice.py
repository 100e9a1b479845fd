"""On pages that patients read, how long people live stands behind a choice."""

from __future__ import annotations

import io
import re

import pandas as pd
import pytest
import yaml
from lxml import html as markup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from distance_to_care import places, results, tables
from distance_to_care.publication import boards, plain_words, sentences, survival_choice

CONFIG = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
PATIENT_PAGES = CONFIG["sphinx"]["config"]["distance_to_care_patient_pages"]
CONTENTS = yaml.safe_load((places.ROOT / "_toc.yml").read_text(encoding="utf-8"))
NUMBERS = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
TELLING = survival_choice.telling(NUMBERS, tables.read("published_estimates"))
DRAWN = "```{published-figure} lives_curves\n```\n"
EMPTY = ":::{survival-figures} Show the result\n:::"
CHOICE = ":::{survival-figures}\nOf 100, {number}`a.alive` live.\n:::\n"


def path_of(page: str):
    return places.ROOT / f"{page}.{'ipynb' if page.startswith('notebooks/') else 'md'}"


def chapters_of_patient_parts() -> list[str]:
    """Chapters of the parts whose opening page is a page for patients."""
    return [
        chapter["file"]
        for part in CONTENTS["parts"]
        if part["chapters"][0]["file"] in PATIENT_PAGES
        for chapter in part["chapters"]
        if chapter["file"].startswith("notebooks/")
    ]


def chapters_of(caption: str) -> list[str]:
    """Pages of one part of the book."""
    part = next(part for part in CONTENTS["parts"] if part["caption"] == caption)
    return [chapter["file"] for chapter in part["chapters"]]


# Pages that patients may be sent to, with the proof, whose people are made up or were ill long ago.
READ = [*chapters_of_patient_parts(), *chapters_of("Evidence"), *chapters_of("Proof")]
WHAT_IF = [page for page in chapters_of("What could change it") if page.startswith("notebooks/")]
# How we searched has no layers.
OF_EVIDENCE = [page for page in chapters_of("Evidence") if page != "book/how_we_searched"]


# --- Which numbers tell it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "absolute.zheng_2022.survival_3_years",
        "absolute.ley_2012.mortality_1_year_stage_i",
        "absolute.shankar_2024_deprivation_adjusted.exposed",
        "absolute.snyder_2019_fvc.reference",
        "lives.deprivation.review.everybody.alive.exposed.3",
        "lives.deprivation.review.everybody.months.fewer.3",
        "published.zheng_2022_weibull_median",
        "published.sma_endear_events_sham",
        "published.sma_type_1_untreated_2_years",
        "published.swaminathan_2022_death_2_years",
        "waiting.today.delay.months lived.10",
        "screening.United Kingdom.dead or on a permanent ventilator.fewer with screening",
        "timing.endear_ventilator",
        # The months by which one end of a ranking lives less long, and medians of anybody.
        "levers.today.slope index of inequality.all",
        "waiting.deprived.gap.1.5",
        "leukaemia.median.1",
        "leukaemia.slope",
        "assumed.severe_lost_before_treatment",
    ],
)
def test_a_number_that_tells_survival_is_known(key):
    assert key in set(NUMBERS["key"])
    assert key in TELLING


@pytest.mark.parametrize(
    "key",
    [
        # What compares two groups, waits, drives and shares of people do not tell it.
        "published.shankar_2024_deprivation_adjusted",
        "published.zheng_2022_people",
        "published.bts_2023_wait_referral",
        "published.hoyer_2019_median_delay",
        "absolute.registry.symptoms_over_24_months",
        "travel.decile.all.mean",
        "timing.smartcare_walks_screened",
        # What a change would add or close is an if, and tells of nobody how long they live.
        "levers.reach.earlier referral.2",
        "waiting.deprived.share closed.1.5",
        "sma_births.sma_rate_review.births expected in a year",
    ],
)
def test_other_numbers_are_free(key):
    assert key in set(NUMBERS["key"])
    assert key not in TELLING


def test_every_row_of_a_table_about_survival_is_known():
    named = NUMBERS[NUMBERS["table"].str.fullmatch(survival_choice.TABLES.pattern)]
    assert {"lives_people", "lives_months"} <= set(named["table"])
    free = named[~named["key"].isin(TELLING)]
    assert set(free["unit"]) <= survival_choice.NO_TIME


def test_a_number_is_judged_by_what_it_quotes():
    numbers = pd.DataFrame(
        {"key": ["published.x", "published.y"], "unit": "per cent", "table": "t"}
    )
    estimates = pd.DataFrame({"id": ["x", "y"], "outcome": ["death within 2 years", "walks"]})
    assert survival_choice.telling(numbers, estimates) == {"published.x"}
    assert survival_choice.telling(numbers.assign(unit="ratio"), estimates) == set()


# --- Where they stand -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CHOICE, []),
        (f"{CHOICE}And {{number}}`a.alive`.", ["a.alive"]),
        ("{number}`b` and {number}`a.alive`", ["a.alive"]),
        # In a choice within a layer, and after it.
        (f"::::{{in-3-minutes}}\n{CHOICE}::::", []),
        (f"::::{{in-3-minutes}}\n{CHOICE}{{number}}`a.alive`\n::::", ["a.alive"]),
        (":::{note}\n{number}`a.alive`\n:::", ["a.alive"]),
        # A figure within the choice does not end it.
        (CHOICE.removesuffix(":::\n") + DRAWN + "{number}`a.alive`\n:::", []),
        # Nor does a fence that is shorter than the one that opened it.
        ("::::{survival-figures}\n:::\n{number}`a.alive`\n::::\n{number}`b`", []),
        (DRAWN, ["lives_curves"]),
        ("```{published-table} survival_by_distance\n```", ["survival_by_distance"]),
        ("```{published-figure} map_of_travel\n```", []),
        ("```{published-figure} drawn\n```", ["drawn"]),
        (":::{survival-figures} Other words to open it by\n{number}`a.alive`\n:::", []),
        # Without content it closes the rest of its section, and of what stands below it.
        (f"## One\n{EMPTY}\n{{number}}`a.alive`\n### Below\n{DRAWN}", []),
        (f"## One\n{EMPTY}\n{{number}}`a.alive`\n## Two\n{{number}}`a.alive`", ["a.alive"]),
        (f"### One\n{EMPTY}\n## Two\n{DRAWN}", ["lives_curves"]),
        (f"## One\n{{number}}`a.alive`\n{EMPTY}", ["a.alive"]),
        # With content it closes no more than that.
        (f"## One\n{CHOICE}{{number}}`a.alive`", ["a.alive"]),
    ],
)  # fmt: skip
def test_what_stands_outside_of_the_choice_is_found(text, found):
    assert survival_choice.outside(text, {"a.alive"}, {"drawn"}) == found


@pytest.mark.parametrize("page", [name for name in PATIENT_PAGES if not name.endswith("/")])
def test_no_page_for_patients_tells_survival_in_the_open(page):
    assert survival_choice.outside(sentences.prose(path_of(page)), TELLING) == []


@pytest.mark.parametrize("page", [*chapters_of_patient_parts(), *OF_EVIDENCE])
def test_no_first_layer_of_a_chapter_for_patients_tells_it(page):
    layer = plain_words.layer(sentences.prose(path_of(page))) or ""
    # Not behind a choice either: in 30 seconds nobody is asked for one.
    assert survival_choice.NAME not in layer
    assert survival_choice.outside(layer, TELLING) == []


# Of people whom a simulation invents, and months that a change would add.
FREE = re.compile(r"found\.died-unseen|waiting\.(?!today\.).*months lived")
OF_SYNTHETIC_PEOPLE = set(NUMBERS.loc[NUMBERS["kind"] == "synthetic", "key"])


@pytest.mark.parametrize("page", [*READ, *WHAT_IF, "book/what_could_change"])
def test_no_full_text_of_these_chapters_tells_it_either(page):
    """But for numbers of made-up people, and of people whom a simulation invents."""
    told = {key for key in TELLING - OF_SYNTHETIC_PEOPLE if not FREE.match(key)}
    assert survival_choice.outside(sentences.prose(path_of(page)), told) == []


@pytest.mark.parametrize("page", [*chapters_of_patient_parts(), *OF_EVIDENCE])
def test_no_answer_of_a_chapter_for_patients_tells_it_in_the_open(page):
    """Families of people with either disease read the answer, and begin the evidence there."""
    layer = plain_words.layer(sentences.prose(path_of(page)), "in-3-minutes")
    assert layer
    assert survival_choice.outside(layer, TELLING) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nearly all children with type 1 had died by two years.",
         ["children with type 1 had died"]),
        ("All of them had died by the age of two.", ["died by the age of two"]),
        ("Most babies with it died before there were treatments.", ["babies with it died"]),
        ("Most of these people died within months.",
         ["Most of these people died"]),
        ("{holds}`Half of the people when [a.b] > 1` died after {number}`a.b` years.",
         ["Half of the people died"]),
        (":::{survival-figures} Show how many children would die\nBabies died.\n:::", []),
        ("Babies who died before their diagnosis are missing.", []),
        ("How many children would die is another question.", []),
        ("People in the most deprived fifth died sooner.", []),
        ("Too few people stand behind it, or died or left since the time before.", []),
    ],
)  # fmt: skip
def test_words_that_tell_survival_without_a_number_are_found(text, found):
    assert survival_choice.said(text) == found


PAGES_OF_WORDS = dict.fromkeys([*PATIENT_PAGES, *READ, *WHAT_IF, "book/what_could_change"])


@pytest.mark.parametrize("page", [name for name in PAGES_OF_WORDS if not name.endswith("/")])
def test_no_page_tells_it_in_words_in_the_open(page):
    assert survival_choice.said(sentences.prose(path_of(page))) == []


@pytest.mark.parametrize("register", ["claims", "needed_facts"])
def test_no_entry_of_a_register_tells_it_in_words_or_numbers(register):
    cells = tables.read(register).select_dtypes("object").fillna("").to_numpy().ravel()
    told = [words for cell in map(str, cells) for words in survival_choice.said(cell)]
    told += [key for cell in map(str, cells) for key in survival_choice.outside(cell, TELLING)]
    assert [each for each in told if not FREE.match(each)] == []


@pytest.mark.parametrize("page", [*READ, *WHAT_IF])
def test_no_first_layer_has_a_ratio_of_made_up_people(page):
    """In 30 seconds a ratio with an interval reads like a finding, whatever stands before it."""
    layer = plain_words.layer(sentences.prose(path_of(page))) or ""
    ratios = set(NUMBERS.loc[NUMBERS["unit"] == "ratio", "key"]) & OF_SYNTHETIC_PEOPLE
    assert sorted(ratios & set(re.findall(r"\{number\}`([^`]+)`", layer))) == []


def test_the_pages_of_the_care_boards_have_no_table_about_it():
    assert boards.FOLDER in PATIENT_PAGES
    tables_of_boards = sorted(places.ACCEPTED.glob(f"{boards.PAGE}*.csv"))
    assert len(tables_of_boards) >= 5
    for path in tables_of_boards:
        rows = results.read_published(path, path.stem)
        said = set(rows["measure"]) if "measure" in rows else set()
        assert [word for word in said if survival_choice.WORDS.search(str(word))] == []


def test_the_pages_of_patients_exist_and_are_listed_once():
    pages = [name for name in PATIENT_PAGES if not name.endswith("/")]
    assert [name for name in pages if not path_of(name).exists()] == []
    assert len(set(PATIENT_PAGES)) == len(PATIENT_PAGES)
    part = next(p for p in CONTENTS["parts"] if p["caption"] == "For patients and families")
    assert {chapter["file"] for chapter in part["chapters"]} <= set(pages)
    assert len(chapters_of_patient_parts()) > 20


# --- The choice itself ----------------------------------------------------------------------------


def test_the_warning_is_kind_and_plain():
    for words in (survival_choice.WARNING, survival_choice.AGAIN):
        assert plain_words.reading_grade(words) <= plain_words.HARDEST
        told = " ".join(words)
        assert "ou do not have to read it" in told
        assert not re.search(r"\d", told)


def test_a_choice_without_content_takes_what_follows_in_its_section(tmp_path):
    """Built by Sphinx alone: the heading stays in the open, and the next section too."""
    (tmp_path / "index.md").write_text(
        f"# Title\n\n{CHOICE.replace('{number}', '')}\n"
        f"## One\n\nBefore\n\n{EMPTY}\n\nWithin\n\n### Below\n\nDeeper\n\n"
        "## Two\n\nAfter\n"
    )
    settings = {
        "extensions": ["myst_parser", survival_choice.__name__],
        "myst_enable_extensions": ["colon_fence"],
        # Sphinx keeps the endings of files that other tests of this process have set.
        "source_suffix": {".md": "markdown"},
    }
    site, said = tmp_path / "site", io.StringIO()
    with patch_docutils(), docutils_namespace():
        Sphinx(
            tmp_path, None, site, tmp_path / "trees", "html", settings, io.StringIO(), said
        ).build()
    assert said.getvalue() == ""
    page = markup.fromstring((site / "index.html").read_text(encoding="utf-8"))
    first, rest = page.xpath("//details[@class='survival-choice']")
    assert first.xpath("string(summary)") == survival_choice.SUMMARY
    assert rest.xpath("string(summary)") == "Show the result"
    assert {"Within", "Deeper"} <= set(rest.xpath(".//p/text()"))
    assert not {"Before", "After"} & set(rest.xpath(".//p/text()"))
    assert rest.xpath("string(parent::section/h2)").startswith("One")
    warnings = page.xpath("//p[contains(@class, 'survival-choice-warning')]")
    told = [survival_choice.WARNING, survival_choice.AGAIN]
    assert [warning.text_content() for warning in warnings] == [" ".join(each) for each in told]


def test_print_leaves_the_choice_closed():
    script = (places.BOOK / "_static" / "distance-to-care.js").read_text(encoding="utf-8")
    opened = re.findall(r'querySelectorAll\("main details:not\(([^"]*)\)"\)', script)
    assert opened == [f"[open], .{survival_choice.MARK}"]
