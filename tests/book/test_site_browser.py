"""The built site in a real browser, cut off from the network."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import print_preview
import pytest
from browser import over_pages, visited
from lxml import html as markup

from distance_to_care.publication import checks, page_weight, serving

SCHEMES = ("light", "dark")
WIDTHS = (1280, 768, 320)
NARROW = WIDTHS[-1]
# Sum of gzip sizes on a first visit of a page without figures; a default page has ten times more.
HEAVIEST_PAGE_BYTES = 100_000
# The theme decides 300 ms after a change of width which boxes scroll and take the focus.
# The theme takes what everything fits into out of the tab order, a while after a change of width;
# these are the parts that it looks at.
SETTLED = """() => [...document.querySelectorAll(
  "pre, .cell_output > .output, .jp-RenderedHTMLCommon, .pst-scrollable-table-container")].every(
  (box) => (box.tabIndex >= 0) ===
    (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight))"""
# A word that is too wide for its link to the page before or after is cut off, and nothing scrolls.
CUT_AT_THE_FOOT = """() => [...document.querySelectorAll(".prev-next-area a")].filter(
  (link) => link.scrollWidth > link.clientWidth).map((link) => link.innerText.trim())"""
SCHEME_IS = "scheme => document.documentElement.dataset.theme === scheme"
# Under each figure, closed: what it shows as a table; not inside a part that is itself closed.
DATA_TABLES = "main details:has(> summary:text('Data table')):not(details details)"
FIGURES = (".svg", ".png", ".jpg", ".webp", ".gif")


def page_names(site: Path) -> list[str]:
    """Pages for readers, in alphabetical order; no address that only leads on."""
    return list(page_weight.pages(site))


def shows_figures(site: Path, name: str) -> bool:
    page = markup.document_fromstring((site / name).read_text(encoding="utf-8"))
    return any(
        source.startswith("data:image/") or urlsplit(source).path.lower().endswith(FIGURES)
        for source in page.xpath("//main//img/@src")
    )


def brightness(colour: str) -> float:
    """Mean of red, green and blue, 0 to 255, of an opaque colour as browsers write it."""
    assert colour.startswith("rgb("), f"{colour} is not opaque"
    return sum(float(part) for part in colour[4:-1].split(",")) / 3


def first_page(site: Path) -> str:
    """The page that `index.html` leads to."""
    page = markup.document_fromstring((site / "index.html").read_text(encoding="utf-8"))
    refresh = page.xpath("//meta[@http-equiv='refresh']/@content")
    return refresh[0].split("url=")[1] if refresh else "index.html"


def shown_kinds(page: Path) -> set[str]:
    """Every kind of element on a page: its tag, with each of its classes."""
    tree = markup.document_fromstring(page.read_text(encoding="utf-8"))
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    return {
        f"{element.tag}.{name}"
        for element in elements
        for name in ("", *(element.get("class") or "").split())
    }


def covering(site: Path, names: list[str]) -> list[str]:
    """Few pages that together show every kind of element of the site: the richest, and so on."""
    shown = {name: shown_kinds(site / name) for name in names}
    left = set().union(*shown.values())
    kept = []
    while left:
        kept.append(max(names, key=lambda name: len(shown[name] & left)))
        left -= shown[kept[-1]]
    return kept


@pytest.fixture(
    scope="module",
    params=["of_every_kind", pytest.param("every_page", marks=pytest.mark.slow)],
)
def pages(request, site: Path) -> list[str]:
    """The pages to open: a sample in which nothing is missing that a page can show, or all."""
    names = page_names(site)
    assert len(names) >= 4, "the site has lost its pages"
    return covering(site, names) if request.param == "of_every_kind" else names


def test_a_sample_of_pages_shows_every_kind_of_element(tmp_path: Path):
    page = "<html><body>{}</body></html>"
    bodies = {"a": "<p class='x y'>", "b": "<p class='x'>", "c": "<p class='z'><b>", "d": "<b>"}
    for name, body in bodies.items():
        (tmp_path / name).write_text(page.format(body))
    assert covering(tmp_path, list(bodies)) == ["a", "c"]


def test_nothing_is_wrong_with_the_files_of_the_site(site: Path):
    assert checks.problems(site) == []


def test_pages_are_accessible_light_and_self_contained(site: Path, base: str, pages):
    """One visit a page: other hosts, script errors, weight, axe, 320 px.

    Of every page, axe sees each scheme at each width. Of the sample it sees each page twice: light
    and wide, and dark at one of the other widths in turn.
    """
    every = len(pages) == len(page_names(site))
    light, dark = SCHEMES
    asked = {
        name: dict.fromkeys(WIDTHS, SCHEMES)
        if every
        else {WIDTHS[0]: (light,), WIDTHS[1 + place % 2]: (dark,)}
        for place, name in enumerate(pages)
    }
    assert {width for schemes in asked.values() for width in schemes} == set(WIDTHS)

    def look(browser, name: str) -> list[str]:
        problems: list[str] = []
        with visited(browser, base, name) as visit:
            page = visit.page
            weight = visit.bytes_gzipped(site)
            if weight > HEAVIEST_PAGE_BYTES and not shows_figures(site, name):
                problems.append(f"{name} weighs {weight:,} bytes without a figure")
            problems += axe_faults(visit, name, asked[name])
            page.set_viewport_size({"width": NARROW, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > NARROW:
                problems.append(f"{name} scrolls sideways at {NARROW} px: it is {wide} px wide")
            cut = page.evaluate(CUT_AT_THE_FOOT)
            problems += [f"{name}: the link to {title} is cut at {NARROW} px" for title in cut]
            problems += [f"{name} asks another host for {address}" for address in visit.foreign]
            problems += [f"{name}: {complaint}" for complaint in visit.complaints]
        return problems

    problems = over_pages(pages, look)
    assert not problems, "\n".join(problems)


def axe_faults(visit, name: str, schemes: dict[int, tuple[str, ...]]) -> list[str]:
    """Ask axe at each width in its schemes; the page is open at the first width."""
    found = []
    visit.add_axe()
    for width in schemes:
        if width != WIDTHS[0]:
            visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.wait_for_function(SETTLED)
        for scheme in schemes[width]:
            visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            visit.page.wait_for_function(SCHEME_IS, arg=scheme)
            found += [f"{name} {scheme} {width} px: {fault}" for fault in visit.axe()]
    return found


def test_axe_finds_a_fault_in_either_browser(tmp_path: Path):
    page = "<html lang='en'><title>T</title><main><h1>H</h1>{}</main></html>"
    for name in ("a", "b", "c"):
        fault = (
            "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
            if name != "b"
            else "<p>Text</p>"
        )
        (tmp_path / f"{name}.html").write_text(page.format(fault))
    with serving.served(tmp_path) as address:

        def look(browser, name: str) -> list[str]:
            with visited(browser, address, name) as visit:
                visit.add_axe()
                return [f"{name}: {fault}" for fault in visit.axe() if "image-alt" in fault]

        found = over_pages(["a.html", "b.html", "c.html"], look)
    assert [fault.split(":")[0] for fault in found] == ["a.html", "c.html"]


def test_the_address_of_the_site_leads_to_the_first_page(site: Path, base: str, browser):
    with visited(browser, base, "") as visit:
        visit.page.wait_for_url(base + first_page(site))
        assert visit.page.locator("main h1").count() == 1
        assert visit.page.locator("html").get_attribute("lang") == "en-GB"


def test_search_finds_a_page_without_the_network(site: Path, base: str, browser):
    for start in (base, site.as_uri() + "/"):
        with visited(browser, start, "search.html?q=distance") as visit:
            results = visit.page.locator("#search-results li a")
            results.first.wait_for(timeout=10_000)
            target = results.first.get_attribute("href")
            visit.page.goto(start + target.split("?")[0].split("#")[0])
            assert visit.page.locator("main h1").count() == 1
            assert visit.foreign == []
            assert visit.complaints == []


def test_search_opens_from_the_keyboard(site: Path, base: str, browser):
    with visited(browser, base, first_page(site)) as visit:
        visit.page.keyboard.press("Control+k")
        field = visit.page.locator("#pst-search-dialog input")
        assert field.is_visible()
        field.fill("deprivation")
        field.press("Enter")
        visit.page.wait_for_url("**/search.html?q=deprivation")
        visit.page.locator("#search-results li a").first.wait_for(timeout=10_000)


def test_colour_scheme_follows_the_reader_and_is_remembered(site: Path, base: str, browser):
    with visited(browser, base, first_page(site), color_scheme="light") as visit:
        page = visit.page
        ground = "getComputedStyle(document.body).backgroundColor"
        seen = {page.evaluate("document.documentElement.dataset.mode"): page.evaluate(ground)}
        for _ in range(2):
            page.locator(".theme-switch-button").first.click()
            mode = page.evaluate("document.documentElement.dataset.mode")
            seen[mode] = page.evaluate(ground)
        assert set(seen) == {"auto", "light", "dark"}
        assert seen["auto"] == seen["light"]
        assert brightness(seen["light"]) > 200
        assert brightness(seen["dark"]) < 60
        chosen = page.evaluate("document.documentElement.dataset.mode")
        page.reload()
        assert page.evaluate("document.documentElement.dataset.mode") == chosen


def test_menu_opens_on_a_phone_and_closes_with_escape(site: Path, base: str, browser):
    with visited(browser, base, first_page(site), width=390) as visit:
        page = visit.page
        links = page.locator(".bd-links a")
        assert links.count() >= 4
        assert not links.nth(1).is_visible()
        page.locator(".primary-toggle").click()
        assert links.nth(1).is_visible()
        page.keyboard.press("Escape")
        assert not links.nth(1).is_visible()
        page.locator(".primary-toggle").click()
        destination = links.nth(1).get_attribute("href")
        links.nth(1).click()
        page.wait_for_url("**/" + destination.split("#")[0].lstrip("./"))


def test_skip_link_comes_first_and_leads_to_the_text(site: Path, base: str, browser):
    with visited(browser, base, first_page(site)) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.inner_text() == "Skip to main content"
        box = focused.bounding_box()
        assert box["y"] >= 0
        assert box["height"] >= 24
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main-content"


def test_focus_is_visible_and_not_covered(site: Path, base: str, browser):
    """Walk with the Tab key: every stop has an outline and is the topmost thing in its place."""
    script = """() => {
      const stop = document.activeElement;
      const box = stop.getClientRects()[0];
      if (!box) return stop.outerHTML.slice(0, 80) + " has no place on the page";
      const style = getComputedStyle(stop);
      const drawn = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
      if (!drawn) return stop.outerHTML.slice(0, 80) + " has no focus outline";
      const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      if (!top || !(stop.contains(top) || top.contains(stop)))
        return stop.outerHTML.slice(0, 80) + " is covered";
      return "";
    }"""
    with visited(browser, base, first_page(site)) as visit:
        faults, stops = [], 0
        for _ in range(60):
            visit.page.keyboard.press("Tab")
            if visit.page.evaluate("document.activeElement === document.body"):
                break
            stops += 1
            faults.append(visit.page.evaluate(script))
        assert stops >= 5
        assert [fault for fault in faults if fault] == []


def test_every_download_arrives_with_content(site: Path, base: str, browser):
    addresses = set()
    for name in page_names(site):
        page = markup.document_fromstring((site / name).read_text(encoding="utf-8"))
        page.make_links_absolute(base + name)
        addresses |= set(page.xpath("//a[@download]/@href"))
        addresses |= set(page.xpath("//*[contains(@class, 'downloads')]//a/@href"))
    with visited(browser, base, first_page(site)) as visit:
        for address in sorted(addresses):
            assert address.startswith(base), f"{address} is not on this site"
            answer = visit.page.request.get(address)
            assert answer.ok, f"{address}: {answer.status}"
            assert len(answer.body()) > 0, f"{address} is empty"


def test_pages_work_from_a_folder(site: Path, pages):
    """Opened without a server: styled, no complaint, nothing fetched from a host."""

    def look(browser, name: str) -> list[str]:
        with visited(browser, site.as_uri() + "/", name) as visit:
            sheets = visit.page.evaluate("document.styleSheets.length")
            found = [*visit.foreign, *visit.complaints]
            found += [f"{sheets} style sheets"] if sheets != 1 else []
            return [f"{name}: {fault}" for fault in found]

    assert over_pages(pages, look) == []


MOVES = """() => [...document.querySelectorAll("*")].filter((element) => {
  const style = getComputedStyle(element);
  const moves = [style.transitionDuration, style.animationDuration].some(
    (times) => times.split(",").some((time) => parseFloat(time) > 0));
  return moves && (style.transitionProperty !== "none" || style.animationName !== "none")
    || style.scrollBehavior === "smooth";
}).map((element) => element.outerHTML.slice(0, 80))"""


def test_nothing_moves_for_who_asks_for_less_motion(site: Path, base: str, browser):
    with visited(browser, base, first_page(site)) as visit:
        assert visit.page.evaluate(MOVES) == []
        # The page that a reader opened by its menu does not glide to its place either.
        visit.page.emulate_media(reduced_motion="no-preference")
        assert visit.page.evaluate(MOVES), "nothing ever moves: this test has lost its sense"


def test_figures_stand_on_white_and_data_tables_open(site: Path, base: str, pages):
    def look(browser, name: str) -> list[str]:
        with visited(browser, base, name, color_scheme="dark") as visit:
            page = visit.page
            for image in page.locator("main figure img, main .cell_output img").all():
                ground = image.evaluate("image => getComputedStyle(image).backgroundColor")
                assert ground == "rgb(255, 255, 255)", name
                ratio = image.evaluate(
                    "i => (i.naturalWidth / i.naturalHeight) / (i.clientWidth / i.clientHeight)"
                )
                assert abs(ratio - 1) < 0.1, f"{name}: a figure is squashed"
            folded = page.locator(DATA_TABLES).all()
            for details in folded:
                table = details.locator("table").first
                assert not table.is_visible(), name
                details.locator("summary").first.click()
                assert table.is_visible(), name
        return [name] * (1 + bool(folded))

    drawn = [name for name in pages if shows_figures(site, name)]
    assert drawn, "the site has lost its figures"
    looked = over_pages(drawn, look)
    assert set(looked) == set(drawn)
    assert len(looked) > len(drawn), "no page has a data table under a figure"


def test_what_paper_would_cut_off_is_found(tmp_path: Path, browser):
    wide = "<p style='width:2000px'>x</p>"
    boxed = f"<div style='overflow:auto'>{wide}</div>"
    for name, body in (("good", "<p>x</p>"), ("wide", wide), ("boxed", boxed)):
        (tmp_path / f"{name}.html").write_text(f"<!DOCTYPE html><main>{body}</main>")
        with visited(browser, tmp_path.as_uri() + "/", f"{name}.html") as visit:
            print_preview.prepare(visit.page)
            assert bool(print_preview.cut_off(visit.page)) == (name != "good"), name


def test_a_printed_page_has_its_heading_and_all_that_is_folded_away(site, base, pages):
    def look(browser, name: str) -> list[str]:
        with visited(browser, base, name) as visit:
            page = visit.page
            print_preview.prepare(page)
            assert print_preview.cut_off(page) == [], name
            assert page.locator("main h1").is_visible(), name
            assert not page.locator("#pst-primary-sidebar").is_visible(), name
            # What stands behind a choice stays folded on paper: its reader has not chosen it.
            chosen = "xpath=ancestor::details[contains(@class, 'survival-choice')]"
            for table in page.locator("main details table").all():
                assert table.is_visible() == (table.locator(chosen).count() == 0), name
            for code in page.locator("main pre:visible").all():
                assert code.evaluate("code => code.scrollWidth <= code.clientWidth + 1"), name
        return [name]

    drawn = [name for name in pages if shows_figures(site, name)]
    assert drawn, "the site has lost its figures"
    assert sorted(over_pages(drawn, look)) == sorted(drawn)
