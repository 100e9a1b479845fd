"""Requests as a reader uses them: open one, copy it, paste it; and read them without script."""

from __future__ import annotations

import pytest
from browser import visited

from distance_to_care import needed_facts, tables
from distance_to_care.publication import registers

PAGE = f"{registers.NEEDED_PAGE}.html"
FACTS = needed_facts.with_requests(tables.read("needed_facts"))
PASTE = """() => {
  const box = document.createElement("textarea");
  box.id = "pasted";
  document.querySelector("main").prepend(box);
  box.focus();
}"""


def place(fact) -> str:
    return "#" + registers.anchor("needed", fact.id)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_request_is_opened_copied_and_pasted_whole(base, browser, width):
    fact = next(FACTS[FACTS["id"] == "ild_centres_official"].itertuples())
    touch = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    with visited(browser, base, f"{PAGE}{place(fact)}", width, **touch) as visit:
        entry = visit.page.locator(place(fact))
        assert entry.locator("dt").all_inner_texts()[-1] == "Request"
        assert not entry.locator("pre").is_visible()
        entry.locator("summary").click()
        entry.locator("button.copybtn").click()
        visit.page.wait_for_timeout(200)
        visit.page.evaluate(PASTE)
        visit.page.keyboard.press("Control+v")
        assert visit.page.input_value("#pasted").strip() == fact.request
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.complaints == []
        assert visit.foreign == []


def test_an_open_request_can_be_reached_and_read_by_everybody(base, browser):
    with visited(browser, base, PAGE) as visit:
        visit.page.locator("section.register-entry summary").first.click()
        visit.add_axe()
        assert visit.axe() == []


def test_every_request_is_there_without_script(base, browser):
    with visited(browser, base, PAGE, java_script_enabled=False) as visit:
        found = visit.page.locator("section.register-entry pre").all_text_contents()
    assert sorted(text.strip() for text in found) == sorted(FACTS["request"])
