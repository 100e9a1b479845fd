"""The pages of trust as built: the footer, the ticks, the commands and what they print."""

import pytest
from parsed import page

from distance_to_care import places, tables
from distance_to_care.publication import assumption_register, build, edition, statements
from distance_to_care.publication import step_by_step as steps

PLACES = sorted(
    {
        place.strip()
        for name in statements.CHECKLISTS
        for where in tables.read(name)["where"]
        for place in where.split(";")
        if place.strip().startswith(("book/", "notebooks/")) and "." not in place
    }
)


def test_every_page_says_which_edition_it_is_and_leads_to_what_changed(site):
    words = edition.words()
    for name in build.contents():
        footer = page(site, name).select_one("footer.bd-footer-content")
        assert footer.select_one(".edition").get_text(strip=True) == words, name
        links = [link["href"] for link in footer.select(".edition-links a")]
        assert len(links) == len(edition.PAGES), name
        for link, target in zip(links, edition.PAGES, strict=True):
            # A page that leads to itself does so by an empty address.
            there = site / f"{name}.html" if link == "#" else (site / name).parent / link
            assert there.resolve() == (site / f"{target}.html").resolve()


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_a_tick_names_is_on_the_site(site, place):
    name, _, anchor = place.partition("#")
    found = page(site, name)
    assert not anchor or found.find(id=anchor) is not None


@pytest.mark.parametrize(
    ("name", "checklist"),
    [("strobe", "strobe"), ("record", "record"), ("rap_levels", "rap")]
    + [("code_of_practice", "code_of_practice")],
)
def test_every_item_is_on_its_page_with_its_status(site, name, checklist):
    rows = tables.read(checklist)
    entries = page(site, f"book/{name}").select("section.register-entry")
    assert len(entries) == len(rows)
    for entry, status in zip(entries, rows["status"], strict=True):
        assert entry.select_one("dd strong").get_text() == f"{status.capitalize()}."
    assert (
        f"{len(rows)} items: {statements.counted(rows['status'])}."
        in page(site, f"book/{name}").get_text()
    )


def test_what_a_command_prints_stands_under_it(site):
    commands = steps.commands((places.BOOK / "check_one_number.md").read_text(encoding="utf-8"))
    shown = [
        box.get_text().rstrip("\n")
        for box in page(site, "book/check_one_number").select("div.printed pre")
    ]
    assert shown == [steps.printed(command) for command in commands]


def test_every_assumption_is_on_its_page(site):
    shown = {cell.get_text() for cell in page(site, "book/assumptions_register").select("td")}
    assert set(assumption_register.register()["id"]) <= shown
