"""What a page says of itself to search engines, link previews and our own search.

A description is made from the page's own first sentences, as they are printed: its question, then
the sentences of its layer of 30 seconds, as long as they fit. Nothing is written by hand, so that a
description cannot part from its page; what is folded away, such as survival, is never quoted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from lxml import html as markup

LONGEST = 160
FEWEST = 20  # characters of a paragraph that is worth quoting
FIRST = 3  # paragraphs among which the question of a page is looked for
LAYER = "in-30-seconds"
BEFORE_PARTS = "//article//p[count(ancestor::section) < 2]"
# The page of the search has no article.
ANYWHERE = "//article//p | //*[contains(@class, 'bd-search-container')]/p"
# Parts of a page that are no sentences of its own, or that a reader has to open.
ASIDE = ("rubric", "kind-banner", "kind-banners", "admonition", "about-this-page", "downloads")
FOLDED = ("details", "figure", "table", "nav", "form")
SENTENCE_ENDS = re.compile(r"(?<=[.?!])\s+(?=[A-Z\d\N{LEFT DOUBLE QUOTATION MARK}])")
# Where a long sentence may end: before what it says in detail, and a question before its next one.
DETAIL = re.compile(r"[:;] ")
NEXT_QUESTION = re.compile(r",(?: and)? (?=(?:how|what|which|who|where|would|to)\b)|[:;] ")
ASKS = re.compile(r"\b(?:how|what|which|who|where|would|do|does|did|is|are)\b", re.IGNORECASE)
LABEL = re.compile(r"^(Answer|In short)\.\s+")


def _text(element: markup.HtmlElement) -> str:
    # What a term means stands beside it, out of sight.
    shown = element.xpath("descendant-or-self::text()[not(ancestor::*[@role='tooltip'])]")
    words = " ".join("".join(shown).split())
    return re.sub(r"\s+([.,;:])", r"\1", words)


def _is_aside(paragraph: markup.HtmlElement) -> bool:
    around = (paragraph, *paragraph.iterancestors())
    linked = sum(len(_text(link)) for link in paragraph.iter("a"))
    return (
        any(part.tag in FOLDED for part in around)
        or any(set((part.get("class") or "").split()) & set(ASIDE) for part in around)
        or linked * 2 > len(_text(paragraph))
    )


def _paragraphs(page: markup.HtmlElement, where: str) -> Iterator[str]:
    for paragraph in page.xpath(where):
        text = LABEL.sub("", _text(paragraph))
        if len(text) >= FEWEST and not _is_aside(paragraph):
            yield text


def _joined(sentences: Iterable[str]) -> str:
    """Join sentences as long as they fit; a first one that is too long is cut."""
    told = ""
    for sentence in sentences:
        longer = f"{told} {sentence}" if told else sentence
        if len(longer) > LONGEST:
            if told:
                break
            longer = _cut(sentence)
        told = longer
    return told


def _cut(sentence: str) -> str:
    """End a sentence after the last part that fits; one without parts at a word, with an ellipsis.

    Never inside brackets, and a question never before it has asked something.
    """
    asks = sentence.endswith("?")
    parts = NEXT_QUESTION if asks else DETAIL
    for end in reversed(list(parts.finditer(sentence[:LONGEST]))):
        part = sentence[: end.start()]
        asked = ASKS.search(part) is not None
        whole = part.count("(") == part.count(")") and (asked or not asks or end[0][0] != ",")
        if whole:
            return part + ("?" if asks and asked else ".")
    words = sentence[: LONGEST - 2].rsplit(" ", 1)[0]
    if words.count("(") > words.count(")"):
        words = words.rpartition("(")[0]
    return words.rstrip(" ,;:") + " \N{HORIZONTAL ELLIPSIS}"


def _sentences(paragraphs: Iterable[str]) -> list[str]:
    return [part for text in paragraphs for part in SENTENCE_ENDS.split(text)]


def description(page: markup.HtmlElement) -> str:
    """Describe a page in its own first sentences; empty where it has none."""
    layer = _sentences(_paragraphs(page, f"//section[@id='{LAYER}']//p"))
    first = _sentences(itertools.islice(_paragraphs(page, BEFORE_PARTS), FIRST))
    first = first or _sentences(itertools.islice(_paragraphs(page, ANYWHERE), 1))
    asked = next((at for at, part in enumerate(first) if part.endswith("?")), 0)
    if layer:
        told = _joined([*first[asked : asked + 1], *layer])
    elif len(" ".join(first[: asked + 1])) > LONGEST:
        told = _joined(first[asked:])  # the question comes too late to be reached
    else:
        told = _joined(first)
    return told.removesuffix(":") + "." if told.endswith(":") else told


def title(page: markup.HtmlElement, of_site: str) -> str:
    """The title of a page without that of the site."""
    found = page.find("head/title")
    words = _text(found) if found is not None else ""
    for dash in ("\N{EM DASH}", "\N{EN DASH}", "-"):
        words = words.removesuffix(f" {dash} {of_site}")
    return words


def complete(page: markup.HtmlElement, of_site: str, address: str = "") -> str:
    """Give a page its description and what link previews show; returns the description.

    of_site : title of the site. address : address of this page in the web, where it is known.
    """
    head = page.find("head")
    named = title(page, of_site)
    told = description(page) or f"{named} \N{EN DASH} {of_site}"
    for old in head.xpath("./meta[@name='description' or starts-with(@property, 'og:')]"):
        old.drop_tree()
    properties = {
        "og:title": named,
        "og:description": told,
        "og:type": "article",
        "og:site_name": of_site,
        "og:locale": (page.get("lang") or "en-GB").replace("-", "_"),
    }
    if address:
        properties["og:url"] = address
    made = [markup.Element("meta", {"name": "description", "content": told})]
    made += [
        markup.Element("meta", {"property": name, "content": words})
        for name, words in properties.items()
    ]
    place = head.find("title")
    at = head.index(place) + 1 if place is not None else len(head)
    for meta in made:
        meta.tail = "\n    "
    head[at:at] = made
    return told
