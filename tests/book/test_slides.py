"""Slides as Chromium sets them: letters that can be read, and rows left out said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from distance_to_care.publication import slides

# Pixels a point at which parts of a drawing are set, and the words between them.
LOOK = """() => ({
  sizes: [...document.querySelectorAll(".picture > svg")].map((part) =>
    part.getBoundingClientRect().width / part.viewBox.baseVal.width),
  said: document.querySelector(".left-out")?.textContent ?? "",
  high: document.querySelector(".picture").scrollHeight
    - document.querySelector(".picture").clientHeight,
})"""


@pytest.fixture
def look(site: Path, browser):
    folder = site / "downloads"
    figures = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["figures"]
    page = browser.new_page(viewport={"width": slides.WIDTH, "height": slides.HEIGHT})

    def at(name: str) -> dict:
        svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
        page.set_content(slides.page(figures[name], svg))
        return page.evaluate(LOOK)

    return at


def test_a_slide_of_many_rows_shows_both_ends_and_counts_the_others(site: Path, look):
    found = look("care_boards_ranges")
    assert found["sizes"] == pytest.approx([slides.READABLE] * 2, rel=0.01)
    assert found["high"] <= 0
    rows = int(re.match(r"(\d+) rows between are left out here", found["said"])[1])
    assert 12 < rows < 36


@pytest.mark.parametrize("name", ["policy_timeline", "care_boards", "sma_skill_figure"])
def test_a_slide_with_room_for_every_row_leaves_none_out(look, name):
    found = look(name)
    assert found["said"] == ""
    assert min(found["sizes"]) >= slides.LEAST
