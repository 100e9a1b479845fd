"""The whole book on paper: tagged, named, in its language, with a bookmark for every chapter."""

from __future__ import annotations

import os
from pathlib import Path

import pikepdf
import pytest

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


def test_every_chapter_has_a_bookmark_and_begins_on_a_page_of_its_own(twice):
    titles = [chapter.title for chapter in printed_book.chapters(SITE)]
    with pikepdf.open(twice[0]) as pdf, pdf.open_outline() as outline:
        named = [" ".join(title.split()) for title in bookmarks(outline.root)]
        pages = len(pdf.pages)
    assert [title for title in titles if title not in named] == []
    assert pages > len(titles)


def test_every_picture_in_the_printed_book_has_words(twice):
    """Figures of the structure tree carry their alternative text."""
    with pikepdf.open(twice[0]) as pdf:
        figures = [
            each
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/Figure"
        ]
        assert len(figures) > 50
        assert [each for each in figures if not str(each.get("/Alt", "")).strip()] == []


def test_the_printed_book_is_the_same_each_time(twice):
    with pikepdf.open(twice[0]) as one, pikepdf.open(twice[1]) as two:
        assert len(one.pages) == len(two.pages)
    assert twice[0].read_bytes() == twice[1].read_bytes()
