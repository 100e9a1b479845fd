"""The page of every care board in the built site: complete, cautious, and two printed sides."""

from __future__ import annotations

import json
import re
import time

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from distance_to_care import results
from distance_to_care.publication import boards, edition

SIDES = 2
SIDES_OF_PAPER = ("top", "right", "bottom", "left")
# Paper and margins as readers print: those of the style sheet, and those that a printer sets.
PAPERS = {
    "A4": {"format": "A4", "prefer_css_page_size": True},
    "A4, 2 cm": {"format": "A4", "margin": dict.fromkeys(SIDES_OF_PAPER, "2cm")},
    "Letter": {"format": "Letter"},
}
# How much of the section with the map may stand empty on paper.
MOST_EMPTY = 0.2
EMPTY = """() => {
  const section = document.querySelector("section:has(> figure.board-map)");
  const box = section.getBoundingClientRect(), map = section.querySelector("figure img");
  const others = [...section.children].filter((each) => each.tagName !== "FIGURE");
  const left = others.reduce((sum, each) => sum + each.getBoundingClientRect().height, 0);
  return {
    map: map.getBoundingClientRect().height / box.height,
    tables: left / box.height,
    said: section.querySelector("figcaption").getBoundingClientRect().height,
  };
}"""
SECONDS_FOR_ALL = 60


@pytest.fixture(scope="module")
def published(site):
    """What the pages were written from, as the site offers it for download."""
    folder = site / "downloads"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    read = {
        name: results.read_published(folder / f"{name}.csv", name)
        for name, entry in manifest["tables"].items()
        if entry["page"] == boards.PAGE
    }
    return boards.Published(read, manifest["figures"])


@pytest.fixture(scope="module")
def written(site):
    """The boards' pages by code."""
    folder = site / boards.FOLDER
    return {
        path.stem.upper(): BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
        for path in sorted(folder.glob("*.html"))
    }


def names(published):
    table = published.tables[boards.PAGE]
    return table[table["board_code"] != "all"].groupby("board_code")["board"].first()


def words(page):
    return re.sub(r"\s+", " ", page.select_one("main").get_text(" "))


def test_every_board_of_the_edition_has_a_page(site, published, written):
    named = names(published)
    assert len(named) == 36
    assert list(written) == sorted(named.index)
    for code, page in written.items():
        assert page.select_one("h1").get_text().startswith(f"{named[code]} integrated care board")
        assert "boundaries are those of April 2026" in words(page)
    overview = (site / "notebooks" / f"{boards.PAGE}.html").read_text(encoding="utf-8")
    listed = BeautifulSoup(overview, "lxml").select("ul.board-list a")
    assert [a.get_text() for a in listed] == sorted(named)
    for link in listed:
        assert (site / "notebooks" / link["href"]).resolve().exists()


def test_every_page_wears_the_banners_of_its_results(written):
    for code, page in written.items():
        shown = {banner.get_text(strip=True) for banner in page.select(".kind-banner")}
        assert results.BANNERS["modelled"] in shown, code
        # The banner of the model stands in its section, where there is one, and not on top.
        first = page.select_one("h1").find_next("div", class_="kind-banners")
        assert results.BANNERS["scenario"] not in first.get_text(), code
        heading = next(h for h in page.select("h2") if "If one clinic" in h.get_text())
        section = heading.find_parent("section")
        assert bool(section.select("table")) == bool(section.select(".kind-scenario")), code


def test_people_on_the_pages_are_the_people_of_england(published, written):
    england = published.of("", "all", measure="mean")["people"].iloc[0]
    told = [
        re.search(r"Of ([\d,]+) people aged 65 and over", words(p))[1] for p in written.values()
    ]
    assert sum(int(number.replace(",", "")) for number in told) == england
    # The same for people beyond an hour on the base list, from the table that the pages read.
    lists = published.tables["care_boards_by_list"]
    far = lists[(lists["measure"] == "people beyond 60 minutes") & (lists["centre_list"] == "AB")]
    far = far[far["scenario"] == far["scenario"].iloc[0]].set_index("board_code")["estimate"]
    assert far.drop("all").sum() == pytest.approx(far["all"])


def test_the_paragraph_to_paste_is_that_of_the_tables(published, written):
    study, started = boards._default_study(), time.process_time()
    for code, page in written.items():
        short, pasted = (box.get_text().strip() for box in page.select(".to-paste pre"))
        compiled = pd.Timestamp(re.search(r"data as compiled by (\d+ \w+ \d{4})", pasted)[1])
        # The footer of the page names the same day.
        assert f"Data as compiled by {edition.in_words(compiled)}." in page.get_text()
        assert pasted == boards.paragraph(published, code, study, compiled)
        assert short == boards.three_sentences(published, code, study, compiled)
        assert "unofficial list" in pasted
        assert "car ownership not included" in pasted
        for text in (short, pasted, page.select_one("main section > p").get_text()):
            assert not re.search(r"\b0 (to 0|per cent|people|on every list)\b", text), code
            assert "on every list per cent" not in text, code
    assert time.process_time() - started < SECONDS_FOR_ALL


def test_a_board_that_is_not_steady_is_told_as_a_range(published, written):
    means = published.tables[boards.PAGE]
    means = means[(means["measure"] == "mean") & (means["scenario"] == means["scenario"].iloc[0])]
    means = means.set_index("board_code")
    doubtful = [code for code in written if not means.loc[code, "steady"]]
    assert 0 < len(doubtful) < len(written)
    for code, page in written.items():
        text = words(page)
        low, high = (f"{means.loc[code, end]:.0f}" for end in ("low", "high"))
        _, pasted = (box.get_text() for box in page.select(".to-paste pre"))
        if code in doubtful:
            assert f"is {low} to {high} minutes one way" in pasted
            assert "no rank should be quoted" in pasted
            # Each row is an end of the range; the base list lies inside it.
            assert "base list (A and B)" not in text
            assert "never to be quoted alone" in text
        else:
            base = f"{means.loc[code, 'estimate']:.0f}"
            assert f"is {base}" in pasted
            assert "no rank should be quoted" not in pasted


def test_what_is_said_to_stand_in_the_order_of_the_alphabet_does(published):
    for name in ("care_boards_ranges", "travel_ranges_of_boards"):
        told = re.findall(r"(?<=[.;] )([^.;:]+): \d", published.figures[name]["alt"])
        assert len(set(told) & set(names(published))) == len(told) > 10
        assert told == sorted(told), name


def test_deprivation_never_meets_travel_without_the_cars(written):
    for code, page in written.items():
        main = page.select_one("main")
        # What a term means stands inside the sentence that has it.
        for meaning in main.select(".meaning"):
            meaning.decompose()
        spoken = [
            tag.get_text(" ", strip=True) for tag in main.select("caption, figcaption, h1, h2")
        ]
        spoken += [image["alt"] for image in main.select("img[alt]")]
        for block in main.select("p, pre"):
            spoken += re.split(r"(?<=[.!?])\s+", block.get_text(" ", strip=True))
        for sentence in spoken:
            travels = re.search(r"\b(minutes|drive|driving|car|far)\b", sentence)
            if travels and re.search("depriv", sentence, re.IGNORECASE):
                assert boards.CARS in sentence, f"{code}: {sentence}"
        assert "Public transport is left out" in words(page)


def test_what_a_clinic_would_save_is_a_model(written):
    for code, page in written.items():
        heading = next(h for h in page.select("h2") if "If one clinic" in h.get_text())
        text = heading.find_parent("section").get_text(" ")
        assert "would" in text or "Nobody in this board" in text, code
        assert not re.search(r"\bwill\b", text), code


def test_every_page_shows_its_map(site, published, written):
    for code, page in written.items():
        (image,) = page.select("figure.board-map img")
        assert image["alt"] == published.figures[f"board_{code.lower()}"]["alt"]
        assert (site / boards.FOLDER / image["src"]).resolve().stat().st_size < 400_000


def test_every_page_offers_the_rows_of_its_board(site, published, written):
    lengths = sum(
        (table["board_code"] != "all").sum()
        for table in published.tables.values()
        if "board_code" in table
    )
    found = 0
    for code, page in written.items():
        (link,) = page.select("a.download[href$='.csv']")
        rows = pd.read_csv((site / boards.FOLDER / link["href"]).resolve(), dtype=str)
        assert set(rows["board_code"]) == {code}
        found += len(rows)
        offered = {
            link["href"].rpartition("/")[2] for link in page.select(".take-away a[download]")
        }
        assert {f"board_{code.lower()}.svg", "area_travel.csv", "care_boards.xlsx"} <= offered
    assert found == lengths


def test_every_page_prints_on_two_sides(site, browser, written):
    found = {}
    page = browser.new_page()
    for code in sorted(written):
        page.goto((site / boards.FOLDER / f"{code.lower()}.html").as_uri())
        assert page.evaluate(
            "Array.from(document.querySelectorAll('figure.board-map img'))"
            ".every((image) => image.complete && image.naturalWidth > 0)"
        )
        for paper, options in PAPERS.items():
            sides = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(**options)))
            found[code, paper] = sides
    assert {each: sides for each, sides in found.items() if sides != SIDES} == {}
    assert len(found) == len(written) * len(PAPERS)


def test_on_paper_the_map_stands_beside_the_tables(site, browser, written):
    page = browser.new_page(viewport={"width": 703, "height": 1054})
    page.emulate_media(media="print")
    for code in sorted(written)[::6]:
        page.goto((site / boards.FOLDER / f"{code.lower()}.html").as_uri())
        found = page.evaluate(EMPTY)
        # Side by side, both fill most of the section; one below the other, neither would.
        assert found["map"] > 1 - MOST_EMPTY, code
        assert found["tables"] > 1 - 2 * MOST_EMPTY, code
        # The headline stands in the map, and not below it again.
        assert found["said"] == 0, code
