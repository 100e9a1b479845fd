"""The end of each page: a citation that names page and version, and feedback without inventions."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from lxml import html as markup

from distance_to_care import places
from distance_to_care.publication import citing, page_foot
from distance_to_care.publication.page_foot import Page

PAGE = Page("notebooks/sma_births", "How many babies are born with SMA?")
VERSION = str(yaml.safe_load((places.ROOT / "CITATION.cff").read_text())["version"])


def test_a_citation_names_page_version_and_year():
    words = PAGE.citation()
    assert words.startswith("The Distance to Care contributors (20")
    assert "How many babies are born with SMA? In: Distance to Care, version" in words
    assert VERSION in words
    assert "notebooks/sma_births" in words
    known = Page(PAGE.name, "Glossary", "https://example.org/notebooks/sma_births.html")
    assert "Glossary. In:" in known.citation()
    assert known.address in known.citation()


def test_bibtex_is_one_entry_that_reference_managers_read():
    from pybtex.database import parse_string

    for address in ("", "https://example.org/x.html"):
        entry = Page(PAGE.name, PAGE.title, address).bibtex()
        (read,) = parse_string(entry, "bibtex").entries.values()
        assert read.key == "distance_to_care_page_sma_births"
        assert VERSION in read.fields["note"]
        assert read.fields.get("url", "") == address
        assert str(read.persons["author"][0]) == "{The Distance to Care contributors}"


@pytest.mark.parametrize("address", ["", "https://example.org/"])
def test_the_home_page_is_cited_as_the_book_and_not_within_itself(address):
    from pybtex.database import parse_string

    book = citing.this_book()
    home = Page("book/index", book.short_title, address)
    assert "In:" not in home.citation()
    assert f"). {book.title}, version {VERSION}." in home.citation()
    (read,) = parse_string(home.bibtex(), "bibtex").entries.values()
    assert "booktitle" not in read.fields
    assert read.fields["title"] == f"{{{book.title}}}"
    assert read.fields.get("url", "") == address


@pytest.mark.parametrize(
    ("feedback", "subject", "body"),
    [
        ("mailto:book@example.org", "subject", "body"),
        ("https://github.com/a/b/issues/new", "title", "body"),
        ("https://gitlab.com/a/b/-/issues/new?x=1", "issue[title]", "issue[description]"),
    ],
)
def test_a_feedback_link_is_filled_in(feedback, subject, body):
    link = page_foot.link(PAGE, feedback)
    assert link.startswith(feedback)
    sent = parse_qs(urlsplit(link).query)
    assert sent[subject] == [f"Distance to Care {VERSION}: {PAGE.title}"]
    assert PAGE.name in sent[body][0]
    assert VERSION in sent[body][0]
    assert " " not in link
    assert "\n" in unquote(link)


def test_an_address_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="distance_to_care_feedback in _config.yml is 'book@ex"):
        page_foot.link(PAGE, "book@example.org")


def written(feedback: str) -> markup.HtmlElement:
    tree = markup.document_fromstring("<body><article class='bd-article'><p>x</p></article></body>")
    page_foot.add(tree, PAGE, feedback)
    (block,) = tree.xpath("//article/details[last()]")
    return block


def test_where_there_is_an_address_the_page_links_to_it():
    block = written("mailto:book@example.org")
    assert block.get("open") is None
    (link,) = block.xpath(".//a/@href")
    assert link == page_foot.link(PAGE, "mailto:book@example.org")
    assert "own health" in block.text_content()


def test_where_there_is_none_the_page_says_so_and_invents_nothing():
    block = written("")
    assert block.xpath(".//a") == []
    assert "has no address for feedback" in block.text_content()
    text = block.xpath(".//pre")[-1].text_content()
    assert PAGE.name in text
    assert VERSION in text
    assert "@" not in text


def test_every_page_that_says_where_to_write_names_the_one_setting():
    """Nobody writes an address into another file and finds that no page shows it."""
    pages = [
        *places.BOOK.glob("*.md"),
        *places.NOTEBOOKS.glob("*.ipynb"),
        places.ROOT / "README.md",
    ]
    said = {path.stem: path.read_text(encoding="utf-8") for path in pages}
    hosting = {name: text for name, text in said.items() if "hoever hosts" in text}
    assert {"corrections", "claims_register", "how_we_searched", "what_we_need"} <= set(hosting)
    for name, text in hosting.items():
        assert "distance_to_care_feedback" in text, name
    assert "distance_to_care_feedback" in said["README"]
    for name, text in said.items():
        assert not re.search(r"no public address (?:so far|for reports)", text), name
        assert not re.search(r"address[^.\n]*into `CITATION|one into `CITATION", text), name


def test_feedback_is_set_in_one_place():
    config = yaml.safe_load((places.ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["sphinx"]["config"]["distance_to_care_feedback"] == ""
    assert config["html"]["baseurl"] == ""
