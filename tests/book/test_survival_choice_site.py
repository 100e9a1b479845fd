"""No built page that a patient or a parent may read tells in the open how long people live."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml
from parsed import main

from distance_to_care import places, results, tables
from distance_to_care.publication import build, survival_choice

CONFIG = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
PATIENT_PAGES = tuple(CONFIG["sphinx"]["config"]["distance_to_care_patient_pages"])
CONTENTS = yaml.safe_load((places.ROOT / "_toc.yml").read_text(encoding="utf-8"))
# Parts whose chapters patients and parents may read, with their opening pages.
PARTS = ("Start here", "For patients and families", "Evidence", "IPF", "SMA",
         "What could change it", "Proof")  # fmt: skip
PAGES = sorted(
    {
        chapter["file"]
        for part in CONTENTS["parts"]
        if part["caption"] in PARTS
        for chapter in part["chapters"]
    }
    | {page for page in build.contents() if page.startswith(PATIENT_PAGES)}
)
NUMBERS = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
# What else has the words: what a change would add, and what is of nobody.
FREE = re.compile(
    r"waiting\.(?!today)[^.]*\..*months lived.*"  # months that a change would add
    r"|found\.died-unseen\..*"  # people whom a simulation invents
)
TELLING = {
    key
    for key in survival_choice.telling(NUMBERS, tables.read("published_estimates"))
    if not FREE.fullmatch(key)
}
# The whole register of quoted figures: a closed table, and the words before it say what is in it.
REGISTER = "published_estimates"


# The numbers that a number on a page may be: those of its row, or of its table with its text.
OF_ROW: dict[str, set[str]] = {}
OF_TABLE: dict[tuple[str, str], set[str]] = {}
for number in NUMBERS.itertuples():
    anchor = results.row_anchor(number.table, number.key.partition(".")[2])
    OF_ROW.setdefault(anchor, set()).add(number.key)
    OF_TABLE.setdefault((number.table, str(number.text)), set()).add(number.key)


def keys(tag) -> set[str]:
    """Keys of the numbers that a number on a page may be."""
    if tag.name == "a":
        return OF_ROW[tag["href"].partition("#")[2]]
    table = re.match("From the table ([^,]+)", tag["title"])[1]
    synthetic = table.startswith("synthetic_")
    return set() if synthetic else OF_TABLE.get((table, tag.get_text(strip=True)), set())


def in_the_open(tag) -> bool:
    return tag.find_parent("details", class_=survival_choice.MARK) is None


def told(content) -> list[str]:
    """What a page tells of survival outside of the choice: numbers, figures and tables."""
    found = []
    for tag in content.select("a.to-its-row, span.number[title]"):
        if in_the_open(tag):
            known = keys(tag)
            # One text may stand for several rows of a table: then it tells nothing for certain.
            if known and known <= TELLING:
                found.append(f"{tag.get_text(strip=True)} ({min(known)})")
    for tag in content.select("figure[id^='figure-'], figure[data-figure]"):
        name = tag.get("data-figure") or tag["id"].removeprefix("figure-")
        alt = " ".join(drawn.get("alt", "") for drawn in tag.select("img"))
        if in_the_open(tag) and survival_choice.tells(name, alt):
            found.append(f"figure {name}")
    for link in content.select("p.downloads a[href$='.csv'], .take-away a[href$='.csv']"):
        name = link["href"].rpartition("/")[2].removesuffix(".csv")
        if in_the_open(link) and survival_choice.tells(name) and name != REGISTER:
            found.append(f"table {name}")
    for table in content.select("table"):
        if in_the_open(table):
            found += [f"published beside: {row}" for row in published_beside(table)]
    return found


def files_that_tell(site, content) -> list[str]:
    """Published tables that a page links to in the open and whose rows tell survival."""
    links = [link for link in content.select("a[href$='.csv']") if in_the_open(link)]
    names = {link["href"].rpartition("/")[2].removesuffix(".csv") for link in links}
    return sorted(name for name in names - {REGISTER} if rows_that_tell(site, name))


@cache
def rows_that_tell(site, name: str) -> tuple[str, ...]:
    """Rows of a published table that tell survival of people, by the words that name them."""
    path = site / "downloads" / f"{name}.csv"
    if not path.with_suffix(".json").exists():
        return ()
    rows = results.read_published(path, name)
    names = rows.columns.intersection(["measure", "outcome", "term", "group", "estimand"])
    published = rows[rows["kind"] == "published"] if "kind" in rows else rows
    words = published[names].fillna("").astype(str).agg(" ".join, axis="columns")
    return tuple(each for each in words if words_that_tell(each))


def words_that_tell(words: str) -> bool:
    return bool(survival_choice.WORDS.search(survival_choice.OF_THE_LIVING.sub("", words)))


def published_beside(table) -> list[str]:
    """Rows of a shown table, whoever its people are, with a published figure on survival."""
    heads = [head.get_text(" ", strip=True) for head in table.select("thead th")]
    columns = [n for n, head in enumerate(heads) if head.startswith("published")]
    found = []
    for row in table.select("tbody tr"):
        cells = [cell.get_text(" ", strip=True) for cell in row.select("th, td")]
        filled = any(cells[n] for n in columns if n < len(cells))
        if filled and words_that_tell(cells[0].lower()) and "ratio" not in cells[0]:
            found.append(cells[0])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_page_that_patients_may_read_tells_survival_in_the_open(site, page):
    assert told(main(site, page)) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith(PATIENT_PAGES)])
def test_no_file_beside_a_picture_for_patients_tells_it_unsaid(site, page):
    """Nobody who takes away a picture of children who walk is to meet it in the first rows."""
    assert files_that_tell(site, main(site, page)) == []


def test_pages_of_the_care_boards_tell_none(site):
    boards = sorted((site / "book" / "boards").glob("*.html"))
    assert len(boards) > 30
    for path in boards:
        name = f"book/boards/{path.stem}"
        assert told(main(site, name)) == []


def test_there_is_something_behind_the_choice_to_be_seen(site):
    """The same walk finds the figures where the choice is taken for open."""
    import copy

    for page in ("notebooks/hazard_ratio_to_lives", "notebooks/sma_screening_model"):
        content = copy.copy(main(site, page))
        for choice in content.select(f"details.{survival_choice.MARK}"):
            choice["class"] = "open"
        assert len(told(content)) >= 5


def test_a_published_figure_beside_made_up_people_would_be_seen(site):
    """The table of what was published, built in and found is one of synthetic people."""
    for page in ("notebooks/survival_by_deprivation", "notebooks/survival_by_distance"):
        shown = main(site, page).select("table")
        seen = {row for table in shown for row in published_beside(table)}
        assert "median survival in years, all people" in seen
        assert not [row for row in seen if "hazard ratio" in row]


def test_a_file_whose_rows_tell_survival_would_be_seen(site):
    """Its name may not say so: the register of all quoted figures is one, by its rows."""
    assert rows_that_tell(site, REGISTER)
    assert not rows_that_tell(site, "travel_by_decile")


def test_a_section_that_is_closed_keeps_its_figures_and_headings(site):
    content = main(site, "notebooks/hazard_ratio_to_lives")
    for name in ("alive_of_hundred", "lives_curves", "lives_months"):
        whole = content.find(id=f"figure-{name}")
        assert not in_the_open(whole)
        # The part that closes stands in the section, whose heading is in the open.
        closed = whole.find_parent("details", class_=survival_choice.MARK)
        assert in_the_open(closed.find_parent("section").find("h2"))
    assert in_the_open(content.find(id="what-this-does-not-show"))
