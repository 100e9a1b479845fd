"""The claims register as a reader uses it: choose, search, quote an address, do without script."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import visited

from distance_to_care import tables
from distance_to_care.publication import registers

PAGE = f"{registers.CLAIMS_PAGE}.html"
FORM = "#claims-filter"
COUNT = "#claims-count"
ENTRIES = "section.register-entry"
CLAIMS = tables.read("claims")
ALL = f"All {len(CLAIMS)} claims are shown."


@pytest.fixture
def visit(base, browser):
    with visited(browser, base, PAGE) as opened:
        yield opened
        assert opened.foreign == []
        assert opened.complaints == []


def shown(page) -> list[str]:
    """Identifiers of the claims that can be seen."""
    return page.evaluate(
        f"[...document.querySelectorAll('{ENTRIES}')]"
        ".filter((entry) => entry.getClientRects().length)"
        ".map((entry) => entry.id.replace('claim-', '').toUpperCase())"
    )


def counted(page, text: str) -> None:
    page.wait_for_function(
        f"text => document.querySelector('{COUNT}').textContent === text", arg=text
    )


def those(**where: str) -> list[str]:
    found = CLAIMS
    for column, value in where.items():
        found = found[found[column] == value]
    return list(found["id"])


def test_every_claim_is_there_with_its_address(visit):
    assert shown(visit.page) == list(CLAIMS["id"])
    counted(visit.page, ALL)
    first = visit.page.locator("#claim-a1")
    assert first.locator("dt").all_inner_texts()[:2] == ["Said in", "Our verdict"]
    assert "[unknown" not in visit.page.inner_text("main")


@pytest.mark.parametrize(
    ("field", "choice", "column", "value"),
    [
        ("document", "b", "document", "B"),
        ("verdict", "untested", "verdict", "untested"),
        ("sure", "low", "how_sure", "low"),
    ],
)
def test_a_choice_shows_what_fits_and_says_how_many(visit, field, choice, column, value):
    page = visit.page
    page.select_option(f"{FORM} [name={field}]", choice)
    fits = those(**{column: value})
    assert 1 < len(fits) < len(CLAIMS)
    counted(page, f"{len(fits)} of {len(CLAIMS)} claims are shown.")
    assert shown(page) == fits
    assert page.url.endswith(f"#{field}={choice}")


def test_choices_add_up_and_one_press_shows_all_again(visit):
    page = visit.page
    page.select_option(f"{FORM} [name=document]", "a")
    page.select_option(f"{FORM} [name=verdict]", "partly")
    page.select_option(f"{FORM} [name=model]", "newborn-screening")
    models = CLAIMS["service_model"].fillna("").str.split(";")
    fits = [name for name in those(document="A", verdict="partly")
            if "newborn_screening" in models[CLAIMS["id"] == name].iloc[0]]  # fmt: skip
    assert fits
    page.wait_for_function("location.hash.includes('model=')")
    assert shown(page) == fits
    page.click(f"{FORM} button[type=reset]")
    counted(page, ALL)
    assert "#" not in page.url
    assert shown(page) == list(CLAIMS["id"])


def test_words_are_searched_in_the_claim_and_in_its_answer(visit):
    page = visit.page
    page.fill(f"{FORM} [name=search]", "Hub SPOKE")
    page.wait_for_function("location.hash === '#search=Hub+SPOKE'")
    found = shown(page)
    assert "B11" in found
    assert len(found) < 10
    texts = page.locator(f"{ENTRIES}:visible").all_inner_texts()
    assert all("hub" in text.lower() and "spoke" in text.lower() for text in texts)
    assert page.locator(f"{ENTRIES}:visible details[open]").count() > 0  # found inside a fold
    page.fill(f"{FORM} [name=search]", "king’s zebra")
    counted(
        page,
        f"None of the {len(CLAIMS)} claims fits. Choose less, or search for fewer words.",
    )
    assert shown(page) == []


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ("hub-and-spoke", "B11"),
        ("virtual MDT", "B16"),
        ("postcode lottery", "A1"),
        ("NBS", "A14"),
        ("blood spot", "A14"),
        ("Spinraza", "A6"),
    ],
)
def test_words_of_readers_find_what_the_register_calls_otherwise(visit, theirs, found):
    page = visit.page
    page.fill(f"{FORM} [name=search]", theirs)
    page.wait_for_function("location.hash.includes('search=')")
    assert found in shown(page)
    assert len(shown(page)) < 10


def test_the_name_of_a_claim_finds_that_claim_alone(visit):
    page = visit.page
    page.fill(f"{FORM} [name=search]", "a1")
    counted(page, f"1 of {len(CLAIMS)} claims is shown.")
    assert shown(page) == ["A1"]
    page.click(f"{FORM} button[type=submit]")
    page.wait_for_function("document.querySelector('#claim-a1').getBoundingClientRect().top < 400")


def test_the_rest_of_a_claim_is_folded_and_opens(visit):
    claim = visit.page.locator("#claim-a29")
    settle = claim.get_by_text("What would settle it:")
    assert not settle.is_visible()
    claim.locator("summary").click()
    assert settle.is_visible()


def test_an_address_brings_its_choice_back(base, browser):
    with visited(browser, base, f"{PAGE}#verdict=overstated&search=live") as fresh:
        counted(fresh.page, f"1 of {len(CLAIMS)} claims is shown.")
        assert shown(fresh.page) == ["B7"]
        assert fresh.page.input_value(f"{FORM} [name=verdict]") == "overstated"
        assert fresh.page.input_value(f"{FORM} [name=search]") == "live"


def test_an_address_that_nobody_offers_hides_nothing(base, browser):
    with visited(browser, base, f"{PAGE}#verdict=nonsense") as fresh:
        counted(fresh.page, ALL)
        fresh.page.wait_for_function("!location.hash")  # nor does the address keep it


def test_an_address_in_capital_letters_is_understood(base, browser):
    with visited(browser, base, f"{PAGE}#verdict=Supported") as fresh:
        fits = those(verdict="supported")
        counted(fresh.page, f"{len(fits)} of {len(CLAIMS)} claims are shown.")
        assert shown(fresh.page) == fits
        assert fresh.page.url.endswith("#verdict=supported")


def test_a_link_to_a_claim_shows_it_and_keeps_what_was_chosen(visit):
    page = visit.page
    page.select_option(f"{FORM} [name=verdict]", "outdated")
    counted(page, f"1 of {len(CLAIMS)} claims is shown.")
    page.evaluate("location.hash = '#claim-b3'")
    counted(
        page,
        f"1 of {len(CLAIMS)} claims is shown. Besides, B3, to which a link led.",
    )
    assert shown(page) == ["A14", "B3"]
    assert page.input_value(f"{FORM} [name=verdict]") == "outdated"
    page.wait_for_function("document.querySelector('#claim-b3').getBoundingClientRect().top < 400")


def test_it_works_from_a_folder_and_by_keyboard_alone(site: Path, browser):
    with visited(browser, site.as_uri() + "/", PAGE) as fresh:
        page = fresh.page
        page.focus(f"{FORM} [name=search]")
        page.keyboard.type("newborn screening")
        page.wait_for_function("location.hash === '#search=newborn+screening'")
        assert "A14" in shown(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == "reset"
        page.keyboard.press("Enter")
        counted(page, ALL)
        assert fresh.foreign == []
        assert fresh.complaints == []


def test_the_count_is_announced_and_every_field_is_named(visit):
    page = visit.page
    assert page.get_attribute(COUNT, "aria-live") == "polite"
    names = page.evaluate(
        f"[...document.querySelectorAll('{FORM} :is(select, input)')]"
        ".map((field) => field.labels.length)"
    )
    assert names == [1] * 5


def test_without_script_every_claim_is_listed(base, browser):
    with visited(browser, base, PAGE, java_script_enabled=False) as plain:
        page = plain.page
        assert page.locator(FORM).is_hidden()
        assert page.locator(f"{ENTRIES}:visible").count() == len(CLAIMS)
        assert "need JavaScript" in page.inner_text("main")


def test_a_choice_is_accessible_in_both_schemes_on_a_phone(base, browser):
    # The site's own test looks at the whole page in both widths; here it is what the script shows.
    problems = []
    with visited(browser, base, f"{PAGE}#document=b&verdict=supported", width=390) as fresh:
        fresh.add_axe()
        for scheme in ("light", "dark"):
            fresh.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            fresh.page.wait_for_function(
                "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
            )
            problems += [f"{scheme}: {found}" for found in fresh.axe()]
    with visited(browser, base, PAGE, width=320) as fresh:
        wide = fresh.page.evaluate("document.documentElement.scrollWidth")
        if wide > 320:
            problems.append(f"scrolls sideways at 320 px: {wide} px wide")
    assert problems == []
