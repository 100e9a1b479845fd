"""White boxes behind words in figures are as wide as the words that readers see."""

from __future__ import annotations

from pathlib import Path

import pytest

# Boxes of one line of words: how far they reach beyond them, on either side, in points.
BEYOND = """() => [...document.querySelectorAll("g[id^='text_']")].flatMap((group) => {
  const box = group.querySelector(":scope > g[id^='patch_'] > path");
  const words = [...group.querySelectorAll("text")];
  if (!box || words.length !== 1 || getComputedStyle(box).fill !== "rgb(255, 255, 255)") return [];
  const [inner, outer] = [words[0].getBBox(), box.getBBox()];
  return [{ words: words[0].textContent, left: inner.x - outer.x,
    right: outer.x + outer.width - inner.x - inner.width, wide: inner.width }];
})"""


@pytest.mark.parametrize("name", ["board_e54000036", "board_e54000068", "budget_curves_figure"])
def test_a_box_is_as_wide_as_its_words(site: Path, browser, name):
    page = browser.new_page()
    files = list((site / "downloads").glob(f"{name}*.svg"))
    assert files
    found = []
    for file in files:
        page.goto(file.as_uri())
        found += page.evaluate(BEYOND)
    assert found
    for box in found:
        most = 2 + 0.08 * box["wide"]
        assert -most < box["left"] < most, box
        assert -most < box["right"] < most, box
