"""The whole book on paper: tagged, named, in its language, with a bookmark for every chapter."""

from __future__ import annotations

import os
from pathlib import Path

import pikepdf
import pytest
from lxml import html as markup

from distance_to_care import places
from distance_to_care.publication import citing, printed_book

SITE = Path(os.environ.get("DISTANCE_TO_CARE_SITE") or places.BUILD / "html")


@pytest.fixture(scope="module")
def twice(tmp_path_factory) -> list[Path]:
    """The printed book, made two times from the built site."""
    if not (SITE / "index.html").exists():
        pytest.fail("There is no site: run 'make book' first.")
    folder = tmp_path_factory.mktemp("printed")
    return [printed_book.printed(SITE, folder / f"{each}.pdf") for each in ("one", "two")]


def bookmarks(items) -> list[str]:
    found = []
    for item in items:
        found += [item.title, *bookmarks(item.children)]
    return found


def test_the_printed_book_is_tagged_named_and_in_its_language(twice):
    with pikepdf.open(twice[0]) as pdf:
        assert bool(pdf.Root.MarkInfo.Marked)
        assert pdf.Root.StructTreeRoot.Type == "/StructTreeRoot"
        assert len(pdf.Root.StructTreeRoot.K) > 0
        assert str(pdf.docinfo["/Title"]) == citing.this_book().title
        assert str(pdf.Root.Lang) == "en-GB"
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)


def test_every_chapter_has_a_bookmark_under_its_part_and_begins_on_a_page_of_its_own(twice):
    chapters = printed_book.chapters(SITE)
    with pikepdf.open(twice[0]) as pdf, pdf.open_outline() as outline:
        named = [" ".join(title.split()) for title in bookmarks(outline.root)]
        tops = [item.title for item in outline.root]
        pages = len(pdf.pages)
    assert [chapter.title for chapter in chapters if chapter.title not in named] == []
    parts = list(dict.fromkeys(chapter.part for chapter in chapters if chapter.part))
    assert [top for top in tops if top in parts] == parts
    assert len(tops) < len(parts) + 5
    assert len(chapters) < pages < 800


def test_the_contents_say_on_which_page_a_chapter_begins(twice):
    document = markup.fromstring(twice[0].with_suffix(".html").read_bytes().decode("utf-8"))
    with pikepdf.open(twice[0]) as pdf:
        begins = printed_book._first_pages(pdf)
    listed = document.xpath("//section[@class='printed-contents']//a")
    assert len(listed) == len(printed_book.chapters(SITE))
    for link in listed:
        number = link.xpath("./span[2]/text()")
        assert number == [str(begins[link.get("href")[1:]])], link.text_content()


def test_every_figure_is_printed_with_its_picture_and_every_picture_has_words(twice):
    """Figures of the structure tree carry their alternative text."""
    document = markup.fromstring(twice[0].with_suffix(".html").read_bytes().decode("utf-8"))
    shown = 0
    for chapter in document.xpath("//article"):
        figures = chapter.xpath(".//figure[contains(@class, 'published-figure')]")
        named = {each: each.get("data-figure") or each.get("id").partition("--figure-")[2]
                 for each in figures}  # fmt: skip
        pictures = [named[each] for each in figures if each.xpath(".//img")]
        assert sorted(pictures) == sorted(set(named.values())), chapter.get("id")
        # What stands behind a choice is printed where a reader opened it, and in no book.
        behind = "ancestor::details[contains(@class, 'survival-choice')][not(@open)]"
        shown += sum(not each.xpath(behind) for each in figures if each.xpath(".//img"))
    assert shown > 150
    with pikepdf.open(twice[0]) as pdf:
        figures = [
            each
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/Figure"
        ]
        assert len(figures) >= shown
        assert [each for each in figures if not str(each.get("/Alt", "")).strip()] == []


def test_the_printed_book_is_the_same_each_time(twice):
    with pikepdf.open(twice[0]) as one, pikepdf.open(twice[1]) as two:
        assert len(one.pages) == len(two.pages)
    assert twice[0].read_bytes() == twice[1].read_bytes()
