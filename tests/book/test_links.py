"""Links of the built site: other sites are named rightly, old addresses lead on, and no page is
without a description, a citation, or a place on the list of all pages."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import links
import pytest
from browser import visited
from lxml import html as markup

from distance_to_care.publication import (
    addresses,
    build,
    citing,
    page_foot,
    page_head,
    page_weight,
)
from distance_to_care.publication.serving import served

GOOD = "https://www.example.org/a?b=c#d"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, markup.HtmlElement]:
    return {
        name: markup.document_fromstring((site / name).read_bytes().decode("utf-8"))
        for name in page_weight.pages(site)
    }


@pytest.mark.parametrize(
    "address",
    [
        "//example.org/a", "https://localhost/a", "https://127.0.0.1/a", "https://example/a",
        "https://example.org:8000/", "https://me@example.org/", "https://example.org/a b",
        "https://example.org/a.", "https://doi.org/10.1000/{key}", "ftp://example.org/",
    ],
)  # fmt: skip
def test_each_fault_of_a_link_is_found(address):
    assert links.fault(address)
    assert not links.fault(GOOD)


def test_links_to_other_sites_are_well_formed(site: Path):
    found = links.external(site)
    assert len(found) > 50, "the site has lost its links to sources"
    assert {address: said for address in found if (said := links.fault(address))} == {}


def test_a_link_that_does_not_answer_is_told_from_one_that_does(tmp_path: Path):
    (tmp_path / "here.html").write_text("x")
    with hosted(tmp_path) as base:
        assert links.answer(f"{base}here.html") == ""
        assert links.answer(f"{base}gone.html") == "answers 404"
    assert links.answer(f"{base}here.html").startswith("does not answer")


def test_a_machine_without_a_network_is_told_in_one_sentence(monkeypatch, capsys):
    addresses_of = {f"https://host{n}.example.org/a": ["book/index.html"] for n in range(20)}
    asked = []
    monkeypatch.setattr(links, "answer", lambda address: asked.append(address) or links.SILENT)
    monkeypatch.setattr(links, "external", lambda site: addresses_of)
    assert links.main() == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "there is no network here" in said.err
    assert "are wrong" not in said.out
    assert len(asked) == links.FIRST_HOSTS


def test_dead_links_are_listed_where_another_host_answers(monkeypatch):
    dead = [f"https://host{n}.example.org/a" for n in range(links.FIRST_HOSTS - 1)]
    monkeypatch.setattr(links, "answer", lambda each: "" if each == GOOD else links.SILENT)
    found = links.unanswered(dict.fromkeys([*dead, GOOD], ["book/index.html"]), 0)
    assert sorted(each for each, _ in found) == sorted(dead)
    monkeypatch.setattr(links, "answer", lambda each: "answers 404")
    assert len(list(links.unanswered(dict.fromkeys([*dead, GOOD], []), 0))) == len(dead) + 1


# What each page says of itself ------------------------------------------------------------------


def test_every_page_has_a_description_of_its_own(pages):
    told = {
        name: page.xpath("//meta[@name='description']/@content") for name, page in pages.items()
    }
    assert [name for name, words in told.items() if len(words) != 1] == []
    texts = [words[0] for words in told.values()]
    assert [words for words in texts if not 20 <= len(words) <= page_head.LONGEST] == []
    assert sorted({words for words in texts if texts.count(words) > 1}) == []
    # Each is whole sentences: nothing breaks off before its point.
    assert [words for words in texts if not words.endswith((".", "?"))] == []
    for name, page in pages.items():
        shown = page.xpath("//meta[@property='og:description']/@content")
        assert shown == told[name], name
        assert page.xpath("//meta[@property='og:title']/@content")[0].strip(), name
        assert not page.xpath("//meta[@property='og:image']"), name


def test_every_page_says_how_to_cite_it_and_how_to_tell_us(pages):
    version = citing.this_book().version
    uncited = []
    for name, page in pages.items():
        blocks = page.xpath("//details[@class='about-this-page']")
        if not blocks:
            uncited.append(name)
            continue
        (block,) = blocks
        words = block.text_content()
        assert page_foot.SUMMARY in words
        assert name.removesuffix(".html") in words, name
        assert f"version {version}" in words, name
        assert f"Version: {version}" in words, name
        assert block.xpath("ancestor::article"), name
    assert uncited == ["404.html", "search.html"]


def test_all_pages_are_on_one_list(pages):
    page = pages[f"{addresses.ALL_PAGES}.html"]
    page.make_links_absolute(f"https://x.org/{addresses.ALL_PAGES}.html")
    listed = page.xpath("//article//li//a/@href")
    assert len(set(listed)) == len(listed), "a page is listed twice"
    names = {address.removeprefix("https://x.org/") for address in listed}
    assert names - {"search.html"} >= set(pages) - {"404.html", "search.html", "index.html"} - {
        f"{addresses.ALL_PAGES}.html"
    }


# Addresses that lead nowhere, and old ones ------------------------------------------------------


class Host(http.server.SimpleHTTPRequestHandler):
    """Answers as hosts of pages do: the page 404.html for every address that is not there."""

    folder = ""

    def translate_path(self, path: str) -> str:
        """Count addresses from the folder in which the site stands."""
        below = path.removeprefix(self.folder) if path.startswith(self.folder) else "/gone/"
        return super().translate_path("/" + below.lstrip("/"))

    def send_error(self, code, message=None, explain=None):
        """Answer with the page for addresses that lead nowhere."""
        page = Path(self.directory, "404.html")
        body = page.read_bytes() if page.exists() else b""
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def hosted(site: Path, folder: str = "/"):
    """Serve a site in a folder of a host; gives the address of the site."""
    handler = type("_Host", (Host,), {"folder": folder})
    asked = partial(handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), asked) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{folder}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("folder", "wrong"),
    [
        ("/", "gone.html"),
        ("/a/book/", "book/boards/gone.html"),
        ("/a/book/", "no/such/place/at/all"),
        pytest.param("/", "book/boards/gone.html", marks=pytest.mark.slow),
        pytest.param("/", "no/such/place/at/all", marks=pytest.mark.slow),
        pytest.param("/a/book/", "gone.html", marks=pytest.mark.slow),
    ],
)
def test_an_address_that_leads_nowhere_leads_back(site: Path, browser, folder, wrong):
    with hosted(site, folder) as base, visited(browser, base, wrong) as visit:
        page = visit.page
        # Where the folder is not known, the ones above are tried until the style sheet is there.
        page.wait_for_function("document.styleSheets.length && document.styleSheets[0].ownerNode")
        page.wait_for_function("getComputedStyle(document.querySelector('h1')).fontSize !== '32px'")
        assert page.inner_text("main h1") == addresses.NOT_FOUND_TITLE
        links_of_page = page.locator("main article li a")
        assert links_of_page.count() == 2
        page.fill("#not-found-search", "glossary")
        page.press("#not-found-search", "Enter")
        page.wait_for_url(f"{base}search.html?q=glossary")
        page.goto(base + wrong)
        page.locator("main article li a").first.click()
        page.wait_for_url(f"{base}{build.contents()[0]}.html")
        assert visit.foreign == []


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("wrong", ["gone.html", "book/boards/no/such/place.html"])
def test_the_server_of_the_book_shows_the_missing_page_whole(site: Path, browser, wrong, script):
    with (
        served(site) as base,
        visited(browser, base, wrong, java_script_enabled=script) as visit,
    ):
        page = visit.page
        assert page.inner_text("main h1") == addresses.NOT_FOUND_TITLE
        # Nothing but the address itself is missing: style, logo and scripts are there at once.
        missing = [each for each in visit.complaints if each.startswith("404 ")]
        assert missing == [f"404 {base}{wrong}"]
        assert page.locator("main").evaluate("m => getComputedStyle(m).display") == "flex"
        skip = page.locator(".skip-link a").first.get_attribute("href")
        assert not script or skip == f"/{wrong}#main-content"
        page.locator("main article li a").first.click()
        page.wait_for_url(f"{base}{build.contents()[0]}.html")


def test_the_missing_page_works_from_a_folder_and_tells_the_truth_without_script(site, browser):
    with visited(browser, site.as_uri() + "/", "404.html") as visit:
        visit.page.locator("main article li a").nth(1).click()
        visit.page.wait_for_url(f"**/{addresses.ALL_PAGES}.html")
        assert visit.complaints == []
    with visited(browser, site.as_uri() + "/", "404.html", java_script_enabled=False) as visit:
        assert "delete the end of the address" in visit.page.inner_text("main")


def test_old_addresses_lead_on_with_what_was_asked_for(site: Path, browser):
    moved = addresses.moved()
    assert moved
    for address, page in moved.items():
        text = (site / f"{address}.html").read_text(encoding="utf-8")
        tree = markup.document_fromstring(text)
        (refresh,) = tree.xpath("//meta[@http-equiv='refresh']/@content")
        assert refresh == f"0; url={'../' * address.count('/')}{page}.html"
        assert tree.xpath("//main//a/@href") == [refresh.split("url=")[1]]
    with visited(browser, site.as_uri() + "/", "glossary.html#term-antifibrotic") as visit:
        visit.page.wait_for_url("**/book/glossary.html#term-antifibrotic")
    with visited(browser, site.as_uri() + "/", "sma.html", java_script_enabled=False) as visit:
        visit.page.wait_for_url("**/book/sma.html")
        assert visit.complaints == []
