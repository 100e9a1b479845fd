"""Every part that a reader can use is used here with the keyboard alone, as a script of keys.

Nothing is clicked and nothing is focused by script: each walk begins at the top of its page, and
the Tab key has to reach what it uses.
"""

from __future__ import annotations

from pathlib import Path

from browser import visited
from lxml import html as markup

from distance_to_care import tables
from distance_to_care.publication import build, find_my_area, page_weight, registers

# No page asks for more presses than this from its top to any of its parts.
MOST_PRESSES = 400
DATA_TABLE = "//details[not(ancestor::details)]/summary[starts-with(., 'Data table')]"
FOCUSED = "document.activeElement"
SEARCH = "button.search-button-field, .search-button__button"


def tab_to(page, selector: str, key: str = "Tab") -> None:
    """Press Tab until the focus is on what a selector names; who cannot be reached is named."""
    for _ in range(MOST_PRESSES):
        page.keyboard.press(key)
        if page.evaluate(f"selector => {FOCUSED}.matches(selector)", selector):
            shown = page.evaluate(
                f"() => {{ const box = {FOCUSED}.getBoundingClientRect();"
                " return box.width > 0 && box.height > 0; }"
            )
            assert shown, f"{selector} takes the focus out of sight"
            return
    raise AssertionError(f"the Tab key does not reach {selector}")


def skip_to_text(page) -> None:
    """Take the skip link, as readers do who know it, past the menu of the book."""
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to main content"
    page.keyboard.press("Enter")


def opened(browser, base: str, name: str, width: int = 1280):
    return visited(browser, base, f"{name}.html", width)


def page_with(site: Path, where: str) -> str:
    """The first page, in the order of the alphabet, whose text has such a part."""
    for name in page_weight.pages(site):
        tree = markup.document_fromstring((site / name).read_bytes().decode("utf-8"))
        if tree.xpath(f"//main{where}"):
            return name.removesuffix(".html")
    raise AssertionError(f"no page has {where}")


def test_search_and_open_a_result(base, browser):
    with opened(browser, base, build.contents()[0]) as visit:
        page = visit.page
        tab_to(page, SEARCH)
        page.keyboard.press("Enter")
        assert page.evaluate(f"{FOCUSED}.type") == "search"
        page.keyboard.type("glossary")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=glossary")
        page.locator("#search-results li a").first.wait_for()
        skip_to_text(page)
        tab_to(page, "#search-results li > a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/book/glossary.html*")
        assert visit.complaints == []


def test_search_closes_and_gives_the_focus_back(base, browser):
    with opened(browser, base, build.contents()[0]) as visit:
        page = visit.page
        tab_to(page, SEARCH)
        for key in ("Enter", "Control+k"):
            page.keyboard.press(key)
            assert page.locator("#pst-search-dialog").is_visible()
            page.keyboard.press("Escape")
            assert not page.locator("#pst-search-dialog").is_visible()
            assert page.evaluate(f"{FOCUSED}.matches('{SEARCH}')")


def test_choose_a_colour_scheme(base, browser):
    with opened(browser, base, build.contents()[0]) as visit:
        page = visit.page
        mode = "document.documentElement.dataset.mode"
        tab_to(page, ".theme-switch-button")
        seen = {page.evaluate(mode)}
        for key in ("Space", "Enter"):
            page.keyboard.press(key)
            seen.add(page.evaluate(mode))
            assert page.evaluate(f"{FOCUSED}.matches('.theme-switch-button')")
        assert seen == {"auto", "light", "dark"}


def test_open_the_menu_on_a_phone_and_come_back(base, browser):
    with opened(browser, base, build.contents()[0], 390) as visit:
        page = visit.page
        tab_to(page, ".primary-toggle")
        page.keyboard.press("Enter")
        menu = page.locator("dialog[open]")
        assert menu.count() == 1
        tab_to(page, "dialog[open] .bd-links a")
        page.keyboard.press("Escape")
        assert menu.count() == 0
        # The next press goes on from the button, and not from the top of the page.
        assert page.evaluate(f"{FOCUSED}.matches('.primary-toggle')")


def test_find_my_area(base, browser):
    with opened(browser, base, find_my_area.PAGE.removesuffix(".html")) as visit:
        page = visit.page
        skip_to_text(page)
        tab_to(page, "#find-my-area-postcode")
        page.keyboard.type("CB2 OQQ")  # a letter for a nought
        page.keyboard.press("Enter")
        page.wait_for_selector(".find-my-area-guess")
        tab_to(page, ".find-my-area-guess")
        page.keyboard.press("Enter")
        page.wait_for_selector("#find-my-area-result h2")
        assert page.inner_text("#find-my-area-result h2") == "CB2 0QQ"
        tab_to(page, "#find-my-area-result summary")
        page.keyboard.press("Enter")
        assert page.locator("#find-my-area-result details[open]").count() == 1
        assert visit.complaints == []


def test_filter_the_claims(base, browser):
    claims = len(tables.read("claims"))
    with opened(browser, base, registers.CLAIMS_PAGE) as visit:
        page = visit.page
        said = page.locator("#claims-count")
        skip_to_text(page)
        tab_to(page, "#claims-filter select")
        page.keyboard.press("ArrowDown")
        page.wait_for_function(
            "all => !document.querySelector('#claims-count').textContent.startsWith(all)",
            arg=f"All {claims}",
        )
        tab_to(page, "#claims-filter button[type=reset]")
        page.keyboard.press("Space")
        page.wait_for_function(
            "all => document.querySelector('#claims-count').textContent.startsWith(all)",
            arg=f"All {claims}",
        )
        assert said.is_visible()
        tab_to(page, "section.register-entry summary")
        page.keyboard.press("Enter")
        assert page.locator("section.register-entry details[open]").count() == 1


def test_open_and_close_what_is_folded(site, base, browser):
    with opened(browser, base, page_with(site, DATA_TABLE)) as visit:
        page = visit.page
        skip_to_text(page)
        tab_to(page, "main details:not(details details) > summary")
        folded = f"{FOCUSED}.parentElement.open"
        assert page.evaluate(folded) is False
        page.keyboard.press("Enter")
        assert page.evaluate(folded) is True
        page.keyboard.press("Space")
        assert page.evaluate(folded) is False
        tab_to(page, ".about-this-page > summary")
        page.keyboard.press("Enter")
        assert page.locator(".about-this-page .citation").is_visible()


def test_scroll_a_wide_table(base, browser):
    with opened(browser, base, "book/downloads", 320) as visit:
        page = visit.page
        skip_to_text(page)
        tab_to(page, ".scroll-box")
        name = page.evaluate(f"{FOCUSED}.getAttribute('aria-label')")
        assert name.startswith("Table")
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{FOCUSED}.scrollLeft > 0")


def test_read_what_a_term_means_and_close_it(site, base, browser):
    with opened(browser, base, page_with(site, "//span[@class='glossed']")) as visit:
        page = visit.page
        skip_to_text(page)
        tab_to(page, "a.glossary-term")
        meaning = page.locator(".glossed:focus-within > .meaning")
        assert meaning.is_visible()
        page.keyboard.press("Escape")
        assert not page.locator(".glossed:focus-within > .meaning").is_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**/book/glossary.html#term-*")


def test_choose_to_see_figures_of_survival(site, base, browser):
    with opened(browser, base, page_with(site, "//details[contains(@class, 'survival')]")) as visit:
        page = visit.page
        skip_to_text(page)
        tab_to(page, "details[class*=survival] > summary")
        assert page.evaluate(f"{FOCUSED}.parentElement.open") is False
        page.keyboard.press("Enter")
        assert page.evaluate(f"{FOCUSED}.parentElement.open") is True
