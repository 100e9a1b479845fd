"""What a first visit weighs, page by page, and that nothing is kept that nobody asks for."""

from __future__ import annotations

import posixpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import visited
from lxml import html as markup

from distance_to_care import places
from distance_to_care.publication import page_weight, scripts, serving

# Issue 9: the first visit to any page, compressed with gzip, without figures.
HEAVIEST_BYTES = 100_000
# Heads of the answers, which files do not show: about 300 bytes a request.
HEAD_BYTES = 300
# One page, one style sheet, one script; the icon and the logo; a script or two of the page's own.
MOST_REQUESTS = 8
SHIFT = """() => new Promise((done) => {
  let shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(shift), 300);
})"""


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, markup.HtmlElement]:
    return {
        name: markup.document_fromstring((site / name).read_text(encoding="utf-8"))
        for name in page_weight.pages(site)
    }


def test_a_first_visit_to_any_page_weighs_little(site: Path, pages):
    weights = [page_weight.of_page(site, name) for name in pages]
    heavy = [
        f"{w.page}: {w.without_figures:,} bytes in {w.requests} requests"
        for w in weights
        if w.without_figures + HEAD_BYTES * w.requests > HEAVIEST_BYTES
    ]
    assert heavy == []


def test_a_page_asks_for_one_style_sheet_and_one_script_before_its_own(site: Path, pages):
    for name, page in pages.items():
        sheets = page.xpath("//link[@rel='stylesheet']/@href")
        assert len(sheets) == 1, name
        sources = page.xpath("//script/@src")
        assert posixpath.basename(urlsplit(sources[0]).path) == Path(scripts.BUNDLE).name, name
        assert len(sources) <= MOST_REQUESTS - 4, name
        # Nothing but the style sheet stands between the reader and the text.
        assert page.xpath("//script[@src and not(@defer)]/@src") == [], name


def test_every_image_is_a_file_with_its_size(pages):
    for name, page in pages.items():
        for image in page.xpath("//img | //picture/source"):
            address = image.get("src") or image.get("srcset")
            assert not address.startswith("data:"), f"{name}: a figure weighs in the page"
            assert int(image.get("width")) > 0, f"{name}: {address}"
            assert int(image.get("height")) > 0, f"{name}: {address}"


def test_no_file_is_sent_out_that_no_page_asks_for(site: Path, pages):
    asked = {
        posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(urlsplit(a).path)))
        for name, page in pages.items()
        for a in page.xpath("//@src | //@href | //@srcset")
    }
    texts = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(site.rglob("*"))
        if path.suffix in {".css", ".js"} and path.relative_to(site).as_posix() in asked
    )
    unused = [
        path.relative_to(site).as_posix()
        for folder in ("_static", "_images")
        for path in sorted((site / folder).rglob("*"))
        if path.is_file()
        and path.relative_to(site).as_posix() not in asked
        and path.name not in texts
    ]
    assert unused == []


def heaviest_in_figures(site: Path, pages) -> list[str]:
    weights = sorted((page_weight.of_page(site, name) for name in pages), key=lambda w: -w.figures)
    return [weight.page for weight in weights[:3]]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps_when_figures_come(site: Path, browser, pages, width):
    with serving.served(site) as base:
        for name in heaviest_in_figures(site, pages):
            with visited(browser, base, name, width) as visit:
                assert visit.page.evaluate(SHIFT) < 0.001, name  # Lighthouse writes three decimals


def test_the_search_index_comes_with_a_query_only(site: Path, browser):
    with serving.served(site) as base:
        with visited(browser, base, "search.html") as visit:
            assert not [a for a in visit.fetched if "searchindex" in a]
        with visited(browser, base, "search.html?q=distance") as visit:
            visit.page.locator("#search-results li a").first.wait_for(timeout=10_000)
            assert [a for a in visit.fetched if "searchindex" in a]


def test_a_script_without_its_comments_can_still_be_read(browser):
    page = browser.new_page()
    for path in sorted((places.BOOK / "_static").glob("*.js")):
        # Parsed and not run: a script that cannot be read raises SyntaxError.
        page.evaluate(
            "text => { new Function(text); }", scripts.without_comments(path.read_text("utf-8"))
        )
