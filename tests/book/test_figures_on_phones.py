"""Figures of the built site as a phone shows them: whole, and in letters that can be read."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest
from lxml import html as markup

from distance_to_care.publication import page_weight

# What a page of 390 pixels leaves for a figure, beside its margins.
SHOWN_PIXELS = 346
# Maps and their keys are the smallest; anything else is larger by a fifth.
SMALLEST_PIXELS = 8.4
WIDTH = re.compile(r'viewBox="0 0 ([\d.]+) ')
LETTERS = re.compile(r"<text[^>]*?font(?:-size)?[:=]\"?\s*(?:\w+ )*?([\d.]+)px")


@pytest.fixture(scope="module")
def on_a_phone(site: Path) -> dict[str, str]:
    """The drawing that a phone shows of each figure, by its name."""
    found = {}
    for name in page_weight.pages(site):
        page = markup.document_fromstring((site / name).read_text(encoding="utf-8"))
        for figure in page.xpath("//figure[contains(@class, 'published-figure')][@id]"):
            shown = figure.xpath(".//source/@srcset") or figure.xpath(".//img/@src")
            classes = set(figure.get("class").split())
            assert classes & {"phone-figure", "narrow-figure", "board-map"}, (
                f"{figure.get('id')} scrolls in its box on a phone: draw it for one"
            )
            file = site / posixpath.normpath(posixpath.join(posixpath.dirname(name), shown[0]))
            found[figure.get("id")] = file.read_text(encoding="utf-8")
    return found


def test_every_figure_of_the_book_has_letters_that_a_phone_shows_large_enough(on_a_phone):
    assert len(on_a_phone) > 20
    small = []
    for name, svg in on_a_phone.items():
        sizes = [float(size) for size in LETTERS.findall(svg)]
        assert sizes, name
        pixels = min(sizes) * min(1.0, SHOWN_PIXELS / float(WIDTH.search(svg)[1]))
        if pixels < SMALLEST_PIXELS:
            small.append(f"{name}: {pixels:.1f} pixels")
    assert small == []
