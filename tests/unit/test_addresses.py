"""Pages that moved lead on, and no page that ever was is lost."""

import io
import re
import shutil
import subprocess
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from lxml import etree
from lxml import html as markup

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import addresses, build, citing, site_quality

NOT_HERE = addresses.NOT_FOUND_TITLE


def pages_that_ever_were() -> set[str]:
    """Names of pages that the contents of any version listed."""
    shown = subprocess.run(
        ["git", "log", "--format=", "--patch", "--unified=0", "--", "_toc.yml"],
        cwd=places.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(re.findall(r"^[-+]\s*(?:- )?(?:file|root): (\S+)$", shown.stdout, re.MULTILINE))


def test_every_page_that_ever_was_is_there_or_leads_on():
    once = pages_that_ever_were()
    assert "book/index" in once
    assert once - set(build.contents()) - set(addresses.moved()) == set()


def test_addresses_lead_to_pages_and_hide_none():
    moved, pages = addresses.moved(), set(build.contents())
    assert set(moved.values()) <= pages
    assert not set(moved) & pages
    assert all(re.fullmatch(r"[a-z0-9_/-]+", address) for address in moved)


def led_on(found: set[str]) -> dict[str, str]:
    app = SimpleNamespace(config=SimpleNamespace())
    addresses.lead_on(app, SimpleNamespace(found_docs=found))
    return app.config.redirects


def test_redirects_are_relative_and_only_to_pages_that_a_book_has(tmp_path, monkeypatch):
    (tmp_path / addresses.MOVED).write_text(
        "address\tpage\twhy\nsma\tbook/sma\tShort\nbook/old/one\tnotebooks/new\tMoved\n"
    )
    monkeypatch.setattr(places, "BOOK", tmp_path)
    assert led_on({"book/sma", "notebooks/new"}) == {
        "sma": "book/sma.html",
        "book/old/one": "../../notebooks/new.html",
    }
    assert led_on({"book/sma"}) == {"sma": "book/sma.html"}
    with pytest.raises(Problem, match="leads on from sma, which is a page of the book"):
        led_on({"book/sma", "sma"})


def test_the_missing_page_counts_its_links_from_the_site(tmp_path):
    page = markup.document_fromstring(
        "<html><head><meta charset='utf-8'><link rel='stylesheet' href='/_static/a.css'></head>"
        "<body><article><ul><li><a href='/index.html'>x</a></li>"
        "<li><a href='/book/left_out.html'>x</a></li></ul></article>"
        "<form action='/search.html'></form><script src='/_static/a.js'></script></body></html>"
    )
    (tmp_path / "index.html").write_text("x")
    addresses.from_anywhere(page, tmp_path)
    linked = page.xpath("//@href | //@src | //@action")
    assert linked == ["_static/a.css", "index.html", "search.html", "_static/a.js"]
    assert len(page.xpath("//li")) == 1
    first, second = page.find("head")[:2]
    assert first.get("charset") == "utf-8"
    assert "base.href" in second.text


def test_folders_of_the_site_are_known_to_the_missing_page():
    folders = {page.partition("/")[0] for page in build.contents()}
    assert folders <= set(addresses.FOLDERS)


@pytest.mark.parametrize("address", ["", "https://example.org/book/"])
@pytest.mark.parametrize("feedback", ["", "mailto:book@example.org", "https://example.org/new"])
def test_the_two_settings_of_a_host_reach_the_site(tmp_path, monkeypatch, address, feedback):
    """A book of two pages, built by Sphinx alone, with the missing page and one redirect.

    Where the address is known there is a site map; where feedback has an address, each page leads
    there with its name and the version filled in.
    """
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    source = tmp_path / "source"
    (source / "book").mkdir(parents=True)
    (source / "index.rst").write_text("First\n=====\n\nA page.\n\n.. toctree::\n\n   book/sma\n")
    (source / "book" / "sma.rst").write_text("Second\n======\n\nAnother page.\n")
    template = (places.BOOK / "redirect.html").read_text(encoding="utf-8")
    (source / "book" / "redirect.html").write_text(template, encoding="utf-8")
    (source / "book" / addresses.MOVED).write_text("address\tpage\twhy\nsma\tbook/sma\tShort\n")
    shutil.copytree(places.BOOK / "_static", source / "book" / "_static")
    (source / "book" / "search_words.tsv").write_text("page\twords\nindex\ta\nbook/sma\tb\n")
    monkeypatch.setattr(places, "BOOK", source / "book")
    said = io.StringIO()
    settings = {
        "extensions": [addresses.__name__, site_quality.__name__],
        "html_theme": "sphinx_book_theme",
        "html_title": "Book",
        "html_baseurl": address,
        "distance_to_care_feedback": feedback,
        "language": "en_GB",
    }
    site = tmp_path / "site"
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, None, site, tmp_path / "trees", "html", settings, io.StringIO(), said)
        app.build()
    assert said.getvalue() == ""
    assert NOT_HERE in (site / "404.html").read_text(encoding="utf-8")
    assert "0; url=book/sma.html" in (site / "sma.html").read_text(encoding="utf-8")
    listed = site / "sitemap.xml"
    assert listed.exists() == bool(address)
    if address:
        places_listed = etree.parse(listed).xpath("//*[local-name()='loc']/text()")
        assert sorted(places_listed) == [f"{address}book/sma.html", f"{address}index.html"]
    page = markup.fromstring((site / "book" / "sma.html").read_text(encoding="utf-8"))
    written = page.xpath("//details[@class='about-this-page']//a/@href")
    assert len(written) == bool(feedback)
    if feedback:
        where, _, filled = written[0].partition("?")
        assert where == feedback
        told = {name: value for name, [value] in parse_qs(filled).items()}
        subject, message = told.values()
        version = citing.this_book().version
        assert version in subject and "Second" in subject
        assert f"Page: Second ({f'{address}book/sma.html' if address else 'book/sma'})" in message
        assert f"Version: {version}" in message
