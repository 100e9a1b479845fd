"""Layers and terms of the glossary as a reader uses them: pointer, keyboard, phone, no script."""

from __future__ import annotations

import pytest
from browser import visited

CHAPTER = "notebooks/travel_by_kind_of_place.html"
PAGES = ("book/index.html", "book/access.html", CHAPTER)
TERM = "a.glossary-term"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"


def meaning(term):
    return term.locator("xpath=following-sibling::span[@role='tooltip']")


@pytest.mark.parametrize("script", [True, False])
def test_a_term_opens_by_pointer_and_by_keyboard_without_script(script, base, browser):
    with visited(browser, base, PAGES[1], java_script_enabled=script) as visit:
        term = visit.page.locator(TERM).first
        assert not meaning(term).is_visible()
        term.hover()
        assert meaning(term).is_visible()
        visit.page.mouse.move(0, 0)
        assert not meaning(term).is_visible()
        term.focus()
        assert meaning(term).is_visible()
        assert visit.complaints == []


def test_the_pointer_may_move_onto_the_meaning_slowly(base, browser):
    with visited(browser, base, PAGES[1]) as visit:
        for place in range(min(5, visit.page.locator(TERM).count())):
            term = visit.page.locator(TERM).nth(place)
            term.hover()
            there, box = term.bounding_box(), meaning(term).bounding_box()
            visit.page.mouse.move(there["x"] + 3, there["y"] + there["height"] - 2)
            visit.page.mouse.move(there["x"] + 3, box["y"] + 4, steps=30)
            assert meaning(term).is_visible()
            visit.page.mouse.move(0, 0)


def test_escape_closes_a_meaning_until_it_is_reached_anew(base, browser):
    with visited(browser, base, PAGES[1]) as visit:
        term = visit.page.locator(TERM).first
        term.focus()
        visit.page.keyboard.press("Escape")
        assert not meaning(term).is_visible()
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Shift+Tab")
        assert meaning(term).is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_no_meaning_makes_a_phone_scroll_sideways(name, base, browser):
    with visited(browser, base, name, width=320) as visit:
        terms = visit.page.locator(TERM)
        assert terms.count()
        assert visit.page.evaluate(SIDEWAYS) <= 0
        for place in range(terms.count()):
            terms.nth(place).focus()
            assert meaning(terms.nth(place)).is_visible()
            assert visit.page.evaluate(SIDEWAYS) <= 0
            box = meaning(terms.nth(place)).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 320


def test_the_bar_leads_down_the_page_without_script(base, browser):
    with visited(browser, base, CHAPTER, java_script_enabled=False) as visit:
        bar = visit.page.locator("nav.layer-bar a")
        tops = []
        for place in range(bar.count()):
            bar.nth(place).click()
            section = visit.page.locator(f"section{bar.nth(place).get_attribute('href')}")
            assert section.locator("h2").first.is_visible()
            tops.append(section.bounding_box()["y"] + visit.page.evaluate("scrollY"))
        assert len(tops) == 3
        assert tops == sorted(tops)


def test_paper_has_no_meanings_and_no_bar(base, browser):
    with visited(browser, base, CHAPTER) as visit:
        visit.page.locator(TERM).first.focus()
        visit.page.emulate_media(media="print")
        assert not visit.page.locator("[role=tooltip]:visible").count()
        assert not visit.page.locator("nav.layer-bar").is_visible()
        assert visit.page.locator("#in-30-seconds").is_visible()
