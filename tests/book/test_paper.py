"""Tables on paper: a number stands on one line, and nothing is cut off."""

from __future__ import annotations

from pathlib import Path

import print_preview
import pytest
from browser import over_pages, visited

from distance_to_care.publication import page_weight

# The tables with the most columns, and the one whose numbers have the most digits.
WIDE = (
    "notebooks/care_boards.html",
    "notebooks/evidence_map.html",
    "notebooks/pooled_estimates.html",
    "notebooks/published_evidence.html",
)
# Numbers of cells that stand on two lines, and years that are broken between their digits.
BROKEN = r"""() => [...document.querySelectorAll("main td")].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), parts = [];
  const tall = (node, from, to) => {
    const range = document.createRange();
    range.setStart(node, from);
    range.setEnd(node, to);
    const lines = [...range.getClientRects()].filter((box) => box.width);
    return lines.length && Math.abs(lines[0].top - lines.at(-1).top) > 2;
  };
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const text = node.textContent;
    const year = /(?<![\w./:-])(?:19|20)\d\d(?![\w./-])/g;
    const whole = cell.classList.contains("number") ? /\S.*\S/gs : year;
    for (const found of text.matchAll(whole)) {
      if (tall(node, found.index, found.index + found[0].length)) parts.push(found[0]);
    }
  }
  return parts;
})"""


def broken(site: Path, browser, name: str) -> list[str]:
    """List the numbers of a page that paper would break, and what it would cut off."""
    with visited(browser, site.as_uri() + "/", name) as visit:
        print_preview.prepare(visit.page)
        found = visit.page.evaluate(BROKEN) + print_preview.cut_off(visit.page)
        return [f"{name}: {each}" for each in found]


@pytest.mark.parametrize("name", WIDE)
def test_the_widest_tables_break_no_number(site: Path, browser, name):
    assert broken(site, browser, name) == []


@pytest.mark.slow
def test_no_page_breaks_a_number(site: Path):
    pages = list(page_weight.pages(site))
    assert len(pages) > 100
    assert over_pages(pages, lambda browser, name: broken(site, browser, name)) == []
