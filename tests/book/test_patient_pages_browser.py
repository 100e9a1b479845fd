"""Pages for patients in a browser: the choice stays closed until it is opened, on paper too."""

from __future__ import annotations

import re

import yaml

from distance_to_care import places
from distance_to_care.publication import for_patients, survival_choice

CONFIG = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
PATIENT_PAGES = CONFIG["sphinx"]["config"]["distance_to_care_patient_pages"]
CHOICE = f"details.{survival_choice.MARK}"
CLOSED = f"document.querySelectorAll('{CHOICE}').length > 0 && " + (
    f"[...document.querySelectorAll('{CHOICE}')].every((d) => !d.open)"
)
# What somebody sees of the parts behind the choice, whatever closes them.
SEEN = f"""() => [...document.querySelectorAll('{CHOICE} > :not(summary)')].some(
  (part) => part.checkVisibility({{ contentVisibilityAuto: true }}))"""


def with_a_choice(site):
    pages = [site / f"{page}.html" for page in PATIENT_PAGES if not page.endswith("/")]
    return [path for path in pages if survival_choice.MARK in path.read_text(encoding="utf-8")]


def with_help(site):
    boards = sorted((site / "book" / "boards").glob("*.html"))[:2]
    assert boards
    pages = [page for page in PATIENT_PAGES if page.startswith("book/") and page[-1] != "/"]
    return [site / f"{page}.html" for page in pages if page != "book/index"] + boards


def test_some_pages_have_a_choice_and_it_is_closed_with_a_warning_before_it(site, browser):
    pages = with_a_choice(site)
    assert {path.stem for path in pages} >= {"for_patients", "for_families", "ipf", "sma"}
    # Without script as with it: it is an element of HTML.
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in pages:
        page.goto(path.as_uri())
        found = page.locator(CHOICE)
        for number in range(found.count()):
            choice = found.nth(number)
            assert choice.get_attribute("open") is None
            assert choice.locator("> summary").is_visible()
            assert not choice.locator(":scope > p").first.is_visible()
            before = choice.locator("xpath=preceding-sibling::*[1]")
            warning = survival_choice.AGAIN if number else survival_choice.WARNING
            assert before.inner_text() == " ".join(warning)
            choice.locator("> summary").click()
            assert choice.locator(":scope > p").first.is_visible()
    context.close()


def test_it_opens_and_closes_by_keyboard(site, browser):
    page = browser.new_page()
    page.goto((site / "book" / "for_patients.html").as_uri())
    page.focus(f"{CHOICE} > summary")
    page.keyboard.press("Enter")
    assert page.evaluate(SEEN)
    page.keyboard.press("Space")
    assert not page.evaluate(SEEN)
    page.close()


def test_it_stays_as_the_reader_left_it_on_paper(site, browser):
    page = browser.new_page()
    page.goto((site / "book" / "for_patients.html").as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    # Other folds open for print, this one does not.
    assert page.evaluate("document.querySelectorAll('main details[open]').length") >= 1
    assert page.evaluate(CLOSED)
    assert not page.evaluate(SEEN)
    # Not even where a style opens all folds on paper.
    page.add_style_tag(content="details::details-content { content-visibility: visible; }")
    assert not page.evaluate(SEEN)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.evaluate(f"document.querySelector('{CHOICE}').open = true")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(SEEN)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(f"document.querySelector('{CHOICE}').open")
    page.close()


def test_every_page_for_patients_ends_with_the_help(site, browser):
    page = browser.new_page()
    for path in with_help(site):
        page.goto(path.as_uri())
        last = page.locator("main article h2").last.inner_text()
        assert last.startswith(for_patients.HEADING), path.stem
        told = page.locator("main article section", has=page.locator("h2")).last.inner_text()
        for words in ("999", "Healthcare Travel Costs Scheme", "patient transport"):
            assert words in told, f"{path.stem}: {words}"
        for link in page.locator("main a[href^='tel:']").all():
            assert re.sub(r"\s", "", link.inner_text()) == link.get_attribute("href")[4:]
    page.close()


def test_two_pages_hold_all_of_the_help_and_the_others_lead_there(site, browser):
    page = browser.new_page()
    for name, study in (("for_patients", "ipf"), ("for_families", "sma")):
        page.goto((site / "book" / f"{name}.html").as_uri())
        headings = [each.inner_text() for each in page.locator("main h3").all()]
        told = [heading.rstrip("#¶ ") for heading in headings]
        assert [h for h in told if h in for_patients.PARTS.values()] == [
            *for_patients.PARTS.values()
        ]
        questions = for_patients.help_rows(study).query("part == 'questions'")
        assert page.locator("#help-questions li").count() == len(questions)
    for path in with_help(site):
        if path.stem in ("for_patients", "for_families", "lived_experience"):
            continue
        page.goto(path.as_uri())
        assert page.get_by_text("All questions and all help").count() == 1, path.stem
    page.close()
