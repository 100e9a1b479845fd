"""The built pages: banners, numbers, figures, and links that lead somewhere."""

import re
from functools import cache
from urllib.parse import urljoin

import parsed
import pytest
from parsed import main

from distance_to_care import figures, places, results
from distance_to_care.publication import build, checks

PAGES = build.contents()
CELLS = "table.published-table td"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_built_and_sound(site, page):
    assert (site / f"{page}.html").exists()


def test_the_checks_of_the_site_find_nothing(site):
    assert checks.problems(site) == []


@pytest.mark.parametrize("page", [p for p in PAGES if p.startswith("notebooks/")])
def test_a_notebook_page_wears_the_banner_of_every_kind_it_publishes(site, page):
    manifest = results.accepted_manifest()
    kinds = manifest["pages"][page.removeprefix("notebooks/")]["kinds"]
    assert kinds
    shown = [
        banner.get_text(strip=True) for banner in parsed.page(site, page).select(".kind-banner")
    ]
    for kind in kinds:
        assert results.BANNERS[kind] in shown
    # The banner stands before the first sentence of the page.
    first = parsed.page(site, page).select_one("h1").find_next(["p", "div"])
    assert "kind-banners" in first.get("class", [])


def test_the_home_page_wears_the_banners_of_its_numbers_and_no_synthetic_one(site):
    shown = {
        banner.get_text(strip=True) for banner in parsed.page(site, PAGES[0]).select(".kind-banner")
    }
    assert results.BANNERS["modelled"] in shown
    assert results.BANNERS["published"] in shown
    assert results.BANNERS["synthetic"] not in shown


def test_every_number_of_the_prose_is_the_number_in_the_file(site):
    numbers = results.read_published(site / "downloads" / "numbers.csv", "numbers")
    texts = numbers.set_index("key")["text"]
    asked = 0
    for page in PAGES:
        source = places.ROOT / f"{page}.md"
        if not source.exists():
            continue
        shown = main(site, page).get_text(" ")
        for key in re.findall(r"\{number\}`([^`]+)`", source.read_text(encoding="utf-8")):
            assert texts[key] in re.sub(r"\s+", " ", shown)
            asked += 1
    assert asked > 5


@pytest.mark.parametrize("page", [p for p in PAGES if p.startswith("notebooks/")])
def test_every_figure_has_alternative_text_a_table_and_downloads(site, page):
    manifest = results.accepted_manifest()
    for figure in main(site, page).select("figure.published-figure:not([data-figure])"):
        name = figure["id"].removeprefix("figure-")
        entry = manifest["figures"][name]
        image = figure.select_one("img")
        assert image["alt"] == entry["alt"]
        assert figure.select_one("figcaption").get_text(strip=True)
        details = figure.find_next_sibling("details")
        assert details.select_one("table caption")
        hrefs = [a["href"] for a in details.find_next_sibling(class_="take-away").select("a")]
        assert f"../downloads/{entry['table']}.csv" in hrefs
        for href in hrefs:
            assert (site / "notebooks" / href).resolve().exists()


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_of_a_layer_is_that_of_its_notebook_and_leads_to_the_whole(site, page):
    manifest = results.accepted_manifest()
    for figure in main(site, page).select("figure[data-figure]"):
        name = figure["data-figure"]
        entry = manifest["figures"][name]
        original = main(site, f"notebooks/{entry['page']}").select_one(f"#figure-{name}")
        files = [drawn.select_one("img")["src"].split("/")[-1] for drawn in (figure, original)]
        assert files[0] == files[1]
        assert figure.select_one("img")["alt"] == entry["alt"]
        there, place = urljoin(f"{page}.html", figure.select_one("a")["href"]).split(".html#")
        assert parsed.page(site, there).find(id=place)
        # Its data table stands at the whole one; what follows may be a reader's choice.
        folded = figure.find_next_sibling("details")
        assert folded is None or "survival-choice" in folded["class"]


def test_a_figure_on_another_page_is_that_of_its_notebook(site):
    manifest = results.accepted_manifest()
    shown = []
    for source in sorted(places.BOOK.glob("*.md")):
        here = main(site, f"book/{source.stem}")
        text = source.read_text(encoding="utf-8")
        in_short = [figure["data-figure"] for figure in here.select("figure[data-figure]")]
        asked = re.findall(r"\{published-figure\} (\S+)", text)
        assert len(here.select("figure.published-figure")) == len(asked)
        for name in in_short:
            asked.remove(name)
        for name in asked:
            entry = manifest["figures"][name]
            figure = here.select_one(f"#figure-{name}")
            original = main(site, f"notebooks/{entry['page']}").select_one(f"#figure-{name}")
            assert figure.select_one("img")["src"] == original.select_one("img")["src"]
            assert figure.select_one("img")["alt"] == entry["alt"]
            details = figure.find_next_sibling("details")
            assert details.select_one("table caption")
            hrefs = [a["href"] for a in details.find_next_sibling(class_="take-away").select("a")]
            assert f"../downloads/{name}.svg" in hrefs
            for href in hrefs:
                assert (site / "book" / href).resolve().exists()
            shown.append((source.stem, entry["kind"]))
    # The opening page on access shows what it says, and wears the banner of it.
    assert ("access", "modelled") in shown
    for page, kind in shown:
        banners = [
            b.get_text(strip=True) for b in parsed.page(site, f"book/{page}").select(".kind-banner")
        ]
        assert results.BANNERS[kind] in banners


@cache
def written(table: str) -> set[str]:
    """Every way in which the numbers of an accepted table may be written in words."""
    rows = results.read_published(places.ACCEPTED / f"{table}.csv", table)
    drawn = ("estimate", "hazard_ratio", "ci_low", "ci_high", "value", "time_years", "low", "high")
    drawn += ("travel_minutes", "distance_km", "times_as_long")
    values = rows[[c for c in drawn if c in rows]].astype(float).to_numpy()
    flat = values[values == values]
    found = {f"{v:z.{d}f}" for v in flat for d in (0, 1, 2)} | {f"{v:g}" for v in flat}
    found |= {f"{v:.3g}" for v in flat}
    return found | {f"{100 * v:.0f}" for v in flat}


@pytest.mark.parametrize("page", [p for p in PAGES if p.startswith("notebooks/")])
def test_numbers_in_alternative_text_come_from_the_table(page):
    manifest = results.accepted_manifest()
    for entry in manifest["figures"].values():
        if entry["page"] != page.removeprefix("notebooks/"):
            continue
        for value in re.findall(r"(?<![\w.])-?\d+\.\d+\b", entry["alt"]):
            known = value in written(entry["table"])
            assert known, f"{value} in the alternative text of {entry['title']}"


def test_every_synthetic_figure_says_so_in_the_image(site):
    manifest = results.accepted_manifest()
    synthetic = [n for n, e in manifest["figures"].items() if e["kind"] == "synthetic"]
    assert synthetic
    for name in synthetic:
        assert "SYNTHETIC PEOPLE" in (site / "downloads" / f"{name}.svg").read_text("utf-8")
        assert manifest["figures"][name]["alt"].startswith("Synthetic people")


def test_figures_of_open_data_do_not_cry_synthetic(site):
    manifest = results.accepted_manifest()
    for name, entry in manifest["figures"].items():
        if entry["kind"] != "synthetic":
            assert "SYNTHETIC" not in (site / "downloads" / f"{name}.svg").read_text("utf-8")


def test_the_downloads_page_offers_every_table(site):
    hrefs = {a["href"] for a in main(site, "book/downloads").select("a[href]")}
    for name in results.accepted_manifest()["tables"]:
        assert f"../downloads/{name}.csv" in hrefs


def test_the_data_dictionary_describes_every_input(site):
    from distance_to_care import tables

    text = main(site, "book/data_dictionary").get_text(" ")
    for resource in tables.descriptor()["resources"]:
        assert resource["title"] in text
        for field in resource.get("schema", {}).get("fields", []):
            assert field["name"] in text


# Pages about the code and its files, whose tables name them.
OF_THE_CODE = ("book/data_dictionary", "book/functions", "book/secure_environment")


@pytest.mark.parametrize("page", [p for p in PAGES if not p.startswith(OF_THE_CODE)])
def test_no_table_shows_a_name_of_the_code(site, page):
    """What a cell says is words; the files keep the names of their rows."""
    said = [cell.get_text(" ", strip=True) for cell in main(site, page).select(CELLS)]
    assert [text for text in said if figures.tables.CODE.search(text)] == []


def test_names_of_the_code_are_in_the_files_and_would_be_seen(site):
    file = (site / "downloads" / "people_out_of_hundred.csv").read_text(encoding="utf-8")
    assert figures.tables.CODE.search(file)
    cells = main(site, "notebooks/people_out_of_hundred").select(CELLS)
    assert "People with IPF, when first seen" in {cell.get_text(strip=True) for cell in cells}
