"""Numbers and citations lead back: to a row of a published table, and to the bibliography."""

import re
from functools import cache

import pytest
from parsed import main

from distance_to_care import places, results
from distance_to_care.publication import build

PAGES = build.contents()
EVIDENCE = "notebooks/published_evidence"
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]


@cache
def addresses(site, page):
    return {tag["id"] for tag in main(site, page).select("[id]")}


def prose(page):
    """The source of a page, without its code."""
    source = places.ROOT / f"{page}.md"
    if source.exists():
        return source.read_text(encoding="utf-8")
    from distance_to_care.publication.notebooks import Notebook

    cells = Notebook(places.ROOT / f"{page}.ipynb").node.cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def target(page, link):
    """The page and the place on it that a link leads to."""
    path, _, place = link["href"].partition("#")
    if not path:
        return page, place
    folder = page.rpartition("/")[0]
    parts = [part for part in f"{folder}/{path}".removesuffix(".html").split("/") if part]
    while ".." in parts:
        back = parts.index("..")
        del parts[back - 1 : back + 1]
    return "/".join(parts), place


@pytest.mark.parametrize("page", PAGES)
def test_every_published_number_leads_to_its_row(site, page):
    asked = {
        results.row_anchor("published_estimates", key)
        for key in re.findall(r"\{number\}`published\.([^`]+)`", prose(page))
    }
    links = main(site, page).select("a.to-its-row")
    reached = {target(page, link) for link in links}
    # A register on the page may add others, but none is missing and none leads astray.
    assert {(EVIDENCE, place) for place in asked} <= reached
    assert {there for there, _ in reached} <= {EVIDENCE}
    assert {place for _, place in reached} <= addresses(site, EVIDENCE)
    assert [link for link in links if not link.get_text(strip=True) or not link["title"]] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_number_is_a_link_in_a_link_or_in_a_heading(site, page):
    for link in main(site, page).select("a.to-its-row"):
        assert link.find_parent(["a", "button", "summary", "figcaption", *HEADINGS]) is None


def test_the_row_of_a_number_holds_the_number(site):
    rows = 0
    for link in main(site, "book/ipf").select("a.to-its-row"):
        _, place = target("book/ipf", link)
        row = main(site, EVIDENCE).find("tr", id=place)
        first = re.match(r"[\d,.]+", link.get_text(strip=True))[0]
        assert first.replace(",", "") in row.get_text(" ").replace(",", "")
        rows += 1
    assert rows >= 4


def test_every_row_of_the_table_has_one_address(site):
    numbers = results.read_published(site / "downloads" / "published_estimates.csv", "estimates")
    wanted = [results.row_anchor("published_estimates", term) for term in numbers["term"]]
    found = [tag["id"] for tag in main(site, EVIDENCE).select("tr[id^=published_estimates-]")]
    assert sorted(found) == sorted(wanted)


def test_other_numbers_name_their_table_and_page(site):
    numbers = results.read_published(site / "downloads" / "numbers.csv", "numbers")
    known = {
        f"From the table {row.table}, page {row.page}" for row in numbers.itertuples(index=False)
    }
    # On its own page a number names its table only.
    known |= {words.partition(", page ")[0] for words in known}
    told = {tag["title"] for tag in main(site, "book/ipf").select("span.number[title]")}
    assert told
    assert told <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_citation_leads_to_its_entry(site, page):
    keys = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", prose(page))
    wanted = {f"source-{key.strip()}" for listed in keys for key in listed.split(",")}
    links = main(site, page).select("a[href*='#source-']")
    reached = {target(page, link) for link in links}
    assert {("book/bibliography", place) for place in wanted} <= reached
    assert {place for _, place in reached} <= addresses(site, "book/bibliography")


def test_a_citation_reads_as_its_entry_is_called(site):
    link = main(site, "book/ipf").select_one("a[href$='#source-shankar2024']")
    entry = main(site, "book/bibliography").find(id="source-shankar2024")
    assert link.get_text(strip=True) == "Shankar 2024"
    assert entry.select_one(".label").get_text(strip=True) == "[Shankar 2024]"
    assert entry.select_one("a[href='https://doi.org/10.1016/j.rmed.2024.107612']")
