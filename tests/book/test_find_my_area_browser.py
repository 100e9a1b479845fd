"""Find my area as a reader uses it: in a real browser, from a server and from a folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import visited

from distance_to_care import tables
from distance_to_care.publication.find_my_area import FOLDER, PAGE, PLACES

FIELD = "#find-my-area-postcode"
STATUS = "#find-my-area-status"
RESULT = "#find-my-area-result"
CENTRE = "specialist centre for scarred lungs (interstitial lung disease)"
SENTENCE = (
    "Nearest on our unofficial list; your GP or hospital decides where to refer you; "
    "do not change your care because of this page."
)


@pytest.fixture(scope="module")
def visit(base, browser):
    """One page for the questions that leave nothing behind."""
    with visited(browser, base, PAGE) as opened:
        yield opened


def ask(visit, text: str) -> tuple[str, str]:
    """Type, press Enter, and read what is said and what is shown."""
    page = visit.page
    page.evaluate(f"document.querySelector('{STATUS}').textContent = ''")
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")
    page.wait_for_function(f"document.querySelector('{STATUS}').textContent !== ''")
    return page.inner_text(STATUS), page.inner_text(RESULT)


def test_a_postcode_gets_a_whole_answer(visit):
    said, shown = ask(visit, "cb2 0qq")
    assert re.search(r"CB2 0QQ: about \d+ minutes by car, one way, to the nearest", said)
    assert f"{CENTRE}: Royal Papworth" in said, "a family with another disease is told which it is"
    assert "Royal Papworth Hospital, Cambridge, named by a source." in said
    assert said.endswith("Your GP or hospital decides where you are sent.")
    for words in (
        "Named: a source names it",
        "Doubtful: it may not be a centre",
        "in slower driving",
        "where 1 is the most deprived",
        "Urban",
        SENTENCE,
        "car ownership not included",
        "people without a car",
    ):
        assert words in shown
    link = visit.page.locator(f"{RESULT} a[href*='boards/']")
    assert re.fullmatch(r"boards/e54\d{6}\.html", link.get_attribute("href"))


def test_both_services_are_told_apart(visit):
    said, shown = ask(visit, "CB2 0QQ")
    assert "for scarred lungs (interstitial lung disease): Royal Papworth" in said
    assert "The nearest hospitals for SMA stand below." in said
    headings = visit.page.locator(f"{RESULT} :is(h3, h4)").all_inner_texts()
    assert headings == [
        "Lung diseases such as idiopathic pulmonary fibrosis (IPF)",
        "Spinal muscular atrophy (SMA)",
        "Children, under 18 years",
        "Adults",
    ]
    lungs, children, adults = visit.page.locator(f"{RESULT} .find-my-area-sites").all_inner_texts()
    assert "Royal Papworth" in lungs and "Papworth" not in children + adults
    # The surest for children is one of London's, and Cambridge itself is doubtful.
    assert "Great Ormond Street Hospital" in children
    assert "Addenbrooke's Hospital, Cambridge" in children and "Doubtful" in children
    assert "National Hospital for Neurology and Neurosurgery" in adults
    assert "on another list of ours, which is for England and unofficial too" in shown
    link = visit.page.locator(f"{RESULT} a[href$='sma_travel.html']")
    assert link.inner_text() == "How far the nearest neuromuscular centre is"
    # Of an outcode as well, over all of its areas.
    _, shown = ask(visit, "CB2")
    assert visit.page.locator(f"{RESULT} :is(h3, h4)").all_inner_texts() == headings
    assert re.search(r"Great Ormond Street Hospital, London: \d+ to \d+ minutes", shown)


def test_what_an_analyst_wants_is_closed_until_asked_for(visit):
    _, shown = ask(visit, "CB2 0QQ")
    for words in ("LSOA", "E01017985", "Cambridge 013D", "Every list"):
        assert words not in shown
    visit.page.click(f"{RESULT} summary")
    opened = visit.page.inner_text(f"{RESULT} details")
    for words in ("Area (LSOA)", "Cambridge 013D", "Every list", "Minutes are modelled"):
        assert words in opened


def test_the_page_of_every_care_board_is_there(site: Path):
    shared = (site / FOLDER / PLACES).read_text(encoding="utf-8")
    codes = re.findall(r"E54\d{6}", shared)
    assert len(set(codes)) == len(codes) > 30
    missing = [c for c in codes if not (site / "book" / "boards" / f"{c.lower()}.html").exists()]
    assert missing == []


def test_minutes_are_a_range_where_the_lists_differ(visit):
    said, shown = ask(visit, "TR1 3LJ")
    low, high = map(int, re.search(r"between (\d+) and (\d+) minutes", said).groups())
    assert low < 20
    assert high > 150
    for words in (
        f"{high} minutes to Southmead Hospital, Bristol, named by a source",
        "Royal Devon and Exeter Hospital (Wonford), likely but named by none",
        f"{low} minutes to Royal Cornwall Hospital (Treliske), Truro, doubtful.",
    ):
        assert words in said
    # The surest come first, and each says how sure we are of it.
    first = visit.page.locator(f"{RESULT} .find-my-area-sites").first
    blocks = first.locator("li").all_inner_texts()
    marks = [re.search(r"\(([ABC])\)\.$", block)[1] for block in blocks]
    assert marks == sorted(marks)
    assert f"{low} minutes" not in blocks[0]
    visit.page.click(f"{RESULT} summary")
    lists = visit.page.inner_text(f"{RESULT} table")
    for words in ("Surest sites (A)", "Base list (A and B)", "Every candidate site"):
        assert words in lists


def test_an_outcode_gives_the_range_over_its_areas(visit):
    said, shown = ask(visit, "TR1")
    assert re.search(r"TR1: between \d+ and \d+ minutes by car, one way, .* over its areas", said)
    assert f"to the nearest {CENTRE}, over" in said
    assert re.search(r"\d to \d+ of (5|10), where 1 is the most deprived", shown)
    for words in ("Surest sites (A)", "Base list (A and B)", "Every candidate site"):
        assert words in shown
    assert re.search(r"\d+ of \d+ areas rural", shown)
    assert SENTENCE in shown


def test_an_outcode_whose_areas_differ_names_no_end_of_the_scale(visit):
    """NR32 runs from 1 to 9 of 10, and 9 is not the least."""
    _, shown = ask(visit, "NR32")
    assert re.search(
        r"Its areas run from 1 to \d+ of (5|10), where 1 is the most deprived and", shown
    )
    assert "least deprived areas" not in shown


def test_the_name_of_a_place_leads_to_the_care_boards(visit):
    said, _ = ask(visit, "Norwich")
    assert "the list of care boards" in said
    link = visit.page.locator(f"{STATUS} a")
    assert link.get_attribute("href") == "../notebooks/care_boards.html"
    said, _ = ask(visit, "12345")
    assert "care boards" not in said


def test_wales_has_centres_and_neither_deprivation_nor_board(visit):
    said, shown = ask(visit, "CF10 3AT")
    assert "minutes by car, one way" in said
    assert "English deprivation and care boards do not apply in Wales" in shown
    assert "most deprived" not in shown
    assert visit.page.locator(f"{RESULT} a[href*='boards/']").count() == 0
    assert SENTENCE in shown


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("", "Type a postcode, such as CB2 0QQ"),
        ("   ", "Type a postcode, such as CB2 0QQ"),
        ("EH1 1AA", "EH1 is in Scotland"),
        ("BT7 1NN", "in Northern Ireland"),
        ("JE2 3AB", "in Jersey"),
        ("Leeds", "Names of places are not looked up"),
        ("12345", "does not have the form of a postcode"),
        ("QQ1 1AA", "No postcode of England or Wales that we know begins with QQ1"),
        ("W1", "W1 has a letter after it: W1A, W1B"),
        ("CB2 OQQ", "Did you mean CB2 0QQ?"),
        ("5W1A 1AA", "Did you mean SW1A 1AA?"),
        ("<b>CB2</b>", "does not have the form of a postcode"),
    ],
)
def test_what_cannot_be_looked_up_gets_a_helpful_message(visit, typed, answer):
    said, shown = ask(visit, typed)
    assert answer in said
    assert shown.strip() == ""
    assert visit.page.get_attribute(FIELD, "aria-invalid") == "true"


def test_the_mended_postcode_is_one_press_away(visit):
    ask(visit, "CB2 OQQ")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "CB2 0QQ"
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector(f"{RESULT} h2")
    assert visit.page.inner_text(STATUS).startswith("CB2 0QQ: about")
    assert visit.page.get_attribute(FIELD, "aria-invalid") is None


@pytest.mark.parametrize("typed", ["CB2 9", "CB2 0Q", "cb20q"])
def test_a_second_half_that_is_not_whole_gives_the_outcode(visit, typed):
    said, _ = ask(visit, typed)
    assert said.startswith("Only CB2 was read: the second half is not whole. CB2: between")


def test_an_unknown_postcode_of_a_known_outcode_gives_the_range(visit):
    said, shown = ask(visit, "CB2 9ZZ")
    assert said.startswith("We do not know CB2 9ZZ. It may be mistyped, very new, ended")
    assert "CB2, all its areas" in shown
    said, _ = ask(visit, "TD15 9ZZ")
    assert "it may be in Scotland" in said


def test_a_postcode_found_on_the_map_says_so(visit):
    postcodes = tables.read("postcodes")
    newer = postcodes[postcodes["by_place"]].iloc[0]["postcode"]
    for typed, found in ((newer, True), ("M43 6NZ", True), ("CB2 0QQ", False)):
        ask(visit, typed)
        details = visit.page.text_content(f"{RESULT} details")
        assert ("was found from its place on the map" in details) == found


@pytest.mark.parametrize("typed", ["TR21", "TR21 0LW", "TR25 0QW", "TR24 9ZZ"])
def test_the_isles_of_scilly_say_that_there_is_no_road(visit, typed):
    said, shown = ask(visit, typed)
    for text in (said, shown):
        assert "There is no road from here to the mainland: boat or plane first." in text
        assert "So no minutes are given." in text
        assert not re.search(r"\d+ minutes|by car", text)
    assert "Southmead Hospital" in shown
    details = visit.page.text_content(f"{RESULT} details")
    assert "slower driving" not in details.lower()


def test_a_postcode_of_the_islands_on_the_mainland_says_so(visit):
    said, shown = ask(visit, "TR21 0PW")
    for text in (said, shown):
        assert "Most postcodes that begin with TR21 are on an island without a road" in text
        assert "If you live on the island, type TR21." in text


@pytest.mark.parametrize("typed", ["PO30 1UD", "PO30"])
def test_the_isle_of_wight_says_what_the_ferry_adds(visit, typed):
    said, shown = ask(visit, typed)
    for text in (said, shown):
        assert "not the wait for it or its fare" in text
    said, _ = ask(visit, "PO1 2AL")
    assert "ferry" not in said


def test_only_the_file_of_the_outcode_is_asked_for(base, browser):
    with visited(browser, base, PAGE) as fresh:
        before = set(fresh.fetched)
        ask(fresh, "SW1A 1AA")
        asked = {urlsplit(address).path for address in fresh.fetched - before}
        # The browser fetches the icon when it likes.
        assert asked - {"/_static/favicon.svg"} == {f"/{FOLDER}/{PLACES}", f"/{FOLDER}/SW1A.js"}
        assert "1AA" not in fresh.page.url
        assert fresh.foreign == []
        assert fresh.complaints == []


def test_it_works_from_a_folder_and_by_keyboard_alone(site: Path, browser):
    with visited(browser, site.as_uri() + "/", PAGE) as fresh:
        page = fresh.page
        page.focus(FIELD)
        page.keyboard.type("M1 1AE")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == "submit"
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{RESULT} h2")
        assert re.match(r"M1 1AE: .* minutes by car, one way", page.inner_text(STATUS))
        assert fresh.foreign == []
        assert fresh.complaints == []


def test_what_is_shown_is_accessible_in_both_schemes_and_widths(base, browser):
    with visited(browser, base, PAGE) as fresh:
        fresh.add_axe()
        problems = []
        for typed in ("TR1 3LJ", "TR1", "CB2 OQQ", "CF10 3AT"):
            ask(fresh, typed)
            for width in (1280, 390):
                fresh.page.set_viewport_size({"width": width, "height": 900})
                for scheme in ("light", "dark"):
                    fresh.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    fresh.page.wait_for_function(
                        "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
                    )
                    problems += [f"{typed} {width} {scheme}: {found}" for found in fresh.axe()]
            fresh.page.set_viewport_size({"width": 320, "height": 900})
            wide = fresh.page.evaluate("document.documentElement.scrollWidth")
            if wide > 320:
                problems.append(f"{typed} scrolls sideways at 320 px: {wide} px wide")
        assert problems == []


def test_the_answer_is_announced_and_the_field_is_named(visit):
    assert visit.page.get_attribute(STATUS, "aria-live") == "polite"
    assert visit.page.locator(f"label[for='{FIELD[1:]}']").inner_text().startswith("Postcode")
    described = visit.page.get_attribute(FIELD, "aria-describedby").split()
    assert all(visit.page.locator(f"#{name}").count() == 1 for name in described)


def test_without_scripts_the_page_says_what_is_missing(base, browser):
    with visited(browser, base, PAGE, java_script_enabled=False) as plain:
        assert plain.page.locator("#find-my-area-form").is_hidden()
        assert "needs JavaScript" in plain.page.inner_text("main")
        assert SENTENCE in plain.page.inner_text("main")
        # What it names instead is a link away: every board has a page, and every area a row.
        plain.page.click("noscript a[href*='care_boards']")
        plain.page.wait_for_url("**/notebooks/care_boards.html")
        assert plain.page.locator("main a[href*='book/boards/']:visible").count() > 30


def test_stand_ins_for_official_files_are_named(site: Path, base, browser):
    """What a site says that was built without the official files."""
    shared = (site / FOLDER / PLACES).read_text(encoding="utf-8")
    for name, stand_in in (("deprivation", "proxy"), ("rural_urban", "density")):
        shared, changed = re.subn(rf'"{name}":"\w+"', f'"{name}":"{stand_in}"', shared)
        assert changed == 1
    with visited(browser, base, PAGE) as fresh:
        fresh.page.route(
            f"**/{PLACES}",
            lambda route: route.fulfill(body=shared, content_type="text/javascript"),
        )
        # The decile of this area, 1, can stand for a fifth.
        _, shown = ask(fresh, "TR21 0PW")
        assert re.search(
            r"fifth \d of 5, where 1 is the most deprived; by a stand-in, the OAC-2011", shown
        )
        assert "not the official index" in shown
        assert "Index of Multiple Deprivation" not in shown
        details = fresh.page.text_content(f"{RESULT} details")
        assert "by people per hectare, not the official classification" in details


def test_a_missing_file_is_a_sentence(base, browser):
    with visited(browser, base, PAGE) as fresh:
        fresh.page.route("**/SW1A.js", lambda route: route.abort())
        said, _ = ask(fresh, "SW1A 1AA")
        assert said.startswith("The file for SW1A could not be loaded.")
        fresh.page.unroute("**/SW1A.js")
        said, _ = ask(fresh, "SW1A 1AA")
        assert re.match(r"SW1A 1AA: .* minutes by car, one way", said)
