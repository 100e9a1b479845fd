"""What the built site offers to take away: every file is there, is linked, and says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from browser import visited
from jsonschema import Draft202012Validator
from lxml import html as markup
from openpyxl import load_workbook

from distance_to_care.publication import (
    column_metadata,
    page_weight,
    results_file,
    slides,
    take_away,
    workbooks,
)
from distance_to_care.publication.serving import served


@pytest.fixture(scope="module")
def offer(site: Path) -> take_away.Offer:
    text = (site / "downloads" / "manifest.json").read_text(encoding="utf-8")
    return take_away.Offer(json.loads(text), {})


@pytest.fixture(scope="module")
def blocks(site: Path) -> dict[str, list[markup.HtmlElement]]:
    """The lists of what can be taken away, by page."""
    found = {}
    for name in page_weight.pages(site):
        page = markup.document_fromstring((site / name).read_text(encoding="utf-8"))
        listed = page.xpath("//main//details[contains(@class, 'take-away')]")
        if listed:
            found[name] = listed
    return found


def test_every_figure_and_table_of_a_chapter_has_its_list(site, offer, blocks):
    assert len(blocks) > 10
    for name, listed in blocks.items():
        hrefs = [set(block.xpath(".//a/@href")) for block in listed]
        page = markup.document_fromstring((site / name).read_text(encoding="utf-8"))
        for figure in page.xpath("//figure[contains(@class, 'published-figure')]/@id"):
            drawn = figure.removeprefix("figure-")
            if drawn.startswith("board_") or drawn not in offer.manifest["figures"]:
                continue
            if not page.xpath(f"//figure[@id='{figure}']/following-sibling::details"):
                continue  # the short form of a figure leads to the whole one
            assert any(href.endswith(f"/{drawn}.svg") for each in hrefs for href in each), name
        for block, links in zip(listed, hrefs, strict=True):
            endings = {href.partition("downloads/")[2].partition(".")[2] for href in links}
            assert {"csv", "json", "csv-metadata.json", "xlsx", "bib"} <= endings, name
            assert "Cite as:" in block.text_content(), name
            for href in links:
                assert (site / name).parent.joinpath(href).resolve().is_file(), (name, href)
        # The line that notebooks write is gone wherever the list stands in its place.
        assert not page.xpath("//p[@class='downloads'][.//a[contains(@href, '.json')]]"), name


def pages(blocks) -> set[str]:
    return {Path(name).stem for name in blocks if name.startswith("notebooks/")} - {"care_boards"}


def test_a_slide_is_offered_where_it_was_drawn_and_nowhere_else(site, offer, blocks):
    there = {path.stem for path in (site / "downloads").glob(f"*{slides.ENDING}")}
    assert there <= set(offer.manifest["figures"])
    linked = {
        Path(href).stem
        for listed in blocks.values()
        for block in listed
        for href in block.xpath(".//a/@href")
        if href.endswith(slides.ENDING)
    }
    assert linked <= there
    shown = {n for n, entry in offer.manifest["figures"].items() if entry["page"] in pages(blocks)}
    assert there & shown <= linked


def test_every_table_has_metadata_and_every_chapter_a_workbook(site, offer):
    folder = site / "downloads"
    for name, entry in offer.manifest["tables"].items():
        about = json.loads((folder / f"{name}{column_metadata.ENDING}").read_text("utf-8"))
        header = (folder / f"{name}.csv").read_text(encoding="utf-8").partition("\n")[0]
        assert [c["name"] for c in about["tableSchema"]["columns"]] == header.split(",")
        assert about["dc:title"] == entry["title"]
    for page in offer.pages():
        tables = offer.tables_of(page)
        file = folder / f"{workbooks.name_of(page, tables)}{workbooks.ENDING}"
        assert file.is_file(), page
        if {entry["kind"] for entry in tables.values()} & {"synthetic"}:
            assert "synthetic" in file.name
    smallest = min(folder.glob(f"*{workbooks.ENDING}"), key=lambda path: path.stat().st_size)
    assert load_workbook(smallest).sheetnames[:3] == ["Cover", "Contents", "Notes"]


def test_everything_published_is_in_results_json(site, offer):
    folder = site / "downloads"
    content = json.loads((folder / results_file.FILE).read_text(encoding="utf-8"))
    schema = json.loads((folder / content["$schema"]).read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(content)
    numbers = pd.read_csv(folder / "numbers.csv", dtype=str, keep_default_na=False)
    assert [each["key"] for each in content["numbers"]] == sorted(numbers["key"])
    assert len(content["tables"]) == len(offer.manifest["tables"])
    for table in content["tables"]:
        assert (folder / table["data"]).is_file()
        assert (folder / table["metadata"]).is_file()


def test_the_downloads_page_lists_every_file(site, offer):
    page = markup.document_fromstring((site / "book" / "downloads.html").read_text("utf-8"))
    hrefs = {href.rpartition("/")[2] for href in page.xpath("//main//a[@download]/@href")}
    for name in offer.manifest["tables"]:
        assert {f"{name}.csv", f"{name}{column_metadata.ENDING}", f"{name}.bib"} <= hrefs
    for name in offer.manifest["figures"]:
        assert {f"{name}.svg", f"{offer.citation_name(name)}.bib"} <= hrefs
    assert {results_file.FILE, results_file.SCHEMA, take_away.BOOK_BIB} <= hrefs
    assert take_away.NUMBERS_METADATA in hrefs
    assert (site / "downloads" / take_away.NUMBERS_METADATA).is_file()
    assert len([href for href in hrefs if href.endswith(workbooks.ENDING)]) == len(offer.pages())


def test_a_list_opens_by_keyboard_and_paper_leaves_it_out(site, browser, blocks):
    name = max(blocks, key=lambda each: len(blocks[each]))
    with served(site) as base, visited(browser, base, name, 390) as visit:
        page = visit.page
        block = page.locator("main details.take-away").first
        link = block.locator("a").first
        assert not link.is_visible()
        block.locator("summary").focus()
        page.keyboard.press("Enter")
        assert link.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visit.add_axe()
        assert visit.axe() == []
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert not block.is_visible()


CHOICE = """() => {
  const main = document.querySelector("main");
  main.insertAdjacentHTML("afterbegin",
    '<details class="survival-choice"><summary>Show</summary><p id="closed">A</p></details>' +
    '<details class="survival-choice" open><summary>Show</summary><p id="opened">B</p></details>' +
    '<details><summary>Data</summary><p id="other">C</p></details>');
}"""


def test_paper_opens_all_but_what_a_reader_chooses_to_open(site, browser, blocks):
    name = min(blocks)
    with served(site) as base, visited(browser, base, name) as visit:
        page = visit.page
        page.evaluate(CHOICE)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        shown = {place: page.locator(f"#{place}").is_visible() for place in
                 ("closed", "opened", "other")}  # fmt: skip
        assert shown == {"closed": False, "opened": True, "other": True}
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert not page.locator("#other").is_visible()
        assert page.locator("#opened").is_visible()


def test_paper_opens_what_is_folded_without_a_script(site, browser, blocks):
    name = min(blocks)
    without = {"java_script_enabled": False}
    with (
        served(site) as base,
        visited(browser, base, name, **without) as visit,
    ):
        folded = visit.page.locator("main details:not(.take-away) table").first
        assert not folded.is_visible()
        visit.page.emulate_media(media="print")
        assert folded.is_visible()
