"""Pages that moved lead on, and no page that ever was is lost."""

import re
import subprocess
from types import SimpleNamespace

import pytest
import yaml
from lxml import html as markup

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import addresses, build


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


def test_the_missing_page_counts_its_links_from_the_site():
    page = markup.document_fromstring(
        "<html><head><meta charset='utf-8'><link rel='stylesheet' href='/_static/a.css'></head>"
        "<body><a href='/book/index.html'>x</a><form action='/search.html'></form>"
        "<script src='/_static/a.js'></script></body></html>"
    )
    addresses.from_anywhere(page)
    linked = page.xpath("//@href | //@src | //@action")
    assert linked == ["_static/a.css", "book/index.html", "search.html", "_static/a.js"]
    first, second = page.find("head")[:2]
    assert first.get("charset") == "utf-8"
    assert "base.href" in second.text


def test_folders_of_the_site_are_known_to_the_missing_page():
    folders = {page.partition("/")[0] for page in build.contents()}
    assert folders <= set(addresses.FOLDERS)


def test_the_book_says_its_address_nowhere_but_in_its_settings():
    config = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert "baseurl" in config["html"]
