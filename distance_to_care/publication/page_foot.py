"""The end of each page: how to cite it, and how to tell us about it.

Both name the page and the version. Where feedback goes is one setting, `distance_to_care_feedback`
in `_config.yml`: a `mailto:` address or the address of a form for new issues. Where there is none,
the page says so and offers a text to copy: no address is invented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from lxml import html as markup

from distance_to_care.publication import citing

SUMMARY = "Cite or tell us about this page"
# A form takes these names for what is filled in (GitHub, and GitLab with its own).
FORM_FIELDS = {"gitlab": ("issue[title]", "issue[description]")}
USUAL_FIELDS = ("title", "body")
HEALTH = "Please leave out anything about your own health, or about anybody's."


@dataclass(frozen=True)
class Page:
    """A page of the book, as it is cited."""

    name: str  # path without ending
    title: str
    address: str = ""  # in the web, where it is known

    @property
    def _where(self) -> str:
        return self.address or f"Page {self.name}"

    @property
    def _is_the_book(self) -> bool:
        return self.title == citing.this_book().short_title

    def citation(self) -> str:
        """Cite the page in words; the home page, whose title is that of the book, as the book."""
        book = citing.this_book()
        cited = f"{citing.stopped(self.title)} In: {book.short_title}"
        return (
            f"{book.authors} ({book.year}). {book.title if self._is_the_book else cited}, "
            f"version {book.version}. {self._where}. Read on [the day on which you read it]."
        )

    def bibtex(self) -> str:
        """Cite the page as an entry for BibTeX; the home page as the book."""
        if self._is_the_book:
            return citing.of_book(self.address)
        book = citing.this_book()
        key = re.sub(r"\W+", "_", self.name.rpartition("/")[2])
        fields = {
            "author": f"{{{citing.in_tex(book.authors)}}}",
            "title": f"{{{citing.in_tex(self.title)}}}",
            "booktitle": f"{{{citing.in_tex(book.short_title)}}}",
            "year": book.year,
            "note": citing.in_tex(f"Version {book.version}, page {self.name}"),
        }
        if self.address:
            fields["url"] = self.address
        listed = "".join(f"  {field} = {{{words}}},\n" for field, words in fields.items())
        return f"@incollection{{distance_to_care_page_{key},\n{listed}}}"

    def subject(self) -> str:
        """Name the page and the version, in one line."""
        book = citing.this_book()
        return f"{book.short_title} {book.version}: {self.title}"

    def message(self) -> str:
        """Begin what a reader writes to us, with page and version filled in."""
        return (
            f"Page: {self.title} ({self.address or self.name})\n"
            f"Version: {citing.this_book().version}\n"
            "The sentence, number or figure that I mean:\n"
            "What is wrong or missing, and how I know:\n"
        )


def link(page: Page, feedback: str) -> str:
    """Address that opens a message about a page, filled in.

    feedback : a `mailto:` address, or the https address of a form for new issues.

    Raises ValueError for anything else.
    """
    subject, body = quote(page.subject(), safe=""), quote(page.message(), safe="")
    if feedback.startswith("mailto:"):
        return f"{feedback}?subject={subject}&body={body}"
    if not feedback.startswith("https://"):
        raise ValueError(
            f"distance_to_care_feedback in _config.yml is '{feedback}': "
            "it begins with mailto: or https://, or is empty."
        )
    fields = next((names for host, names in FORM_FIELDS.items() if host in feedback), USUAL_FIELDS)
    first, second = (quote(name) for name in fields)
    return f"{feedback}{'&' if '?' in feedback else '?'}{first}={subject}&{second}={body}"


def _feedback(page: Page, feedback: str) -> str:
    if feedback:
        return (
            f'<p><a href="{escape(link(page, feedback))}">Write to us about this page</a>: '
            f"the page and the version are filled in. {HEALTH}</p>"
        )
    return (
        "<p>This copy of the book has no address for feedback. Copy the text below, fill it in, "
        f"and send it to whoever gave you this book. {HEALTH}</p>"
        f"<pre>{escape(page.message())}</pre>"
    )


def block(page: Page, feedback: str = "") -> str:
    """Write the end of a page: closed until it is asked for."""
    return (
        f'<details class="about-this-page"><summary>{SUMMARY}</summary>'
        f'<p class="rubric">Cite this page</p><p class="citation">{escape(page.citation())}</p>'
        "<p>When you quote a finding about patients, cite the study that found it as well. "
        "For a reference manager (BibTeX):</p>"
        f"<pre>{escape(page.bibtex())}</pre>"
        f'<p class="rubric">Tell us about this page</p>{_feedback(page, feedback)}</details>'
    )


def add(tree: markup.HtmlElement, page: Page, feedback: str = "") -> None:
    """Put the end of a page behind its text, where it has a text."""
    for article in tree.xpath("//article[contains(@class, 'bd-article')]"):
        article.append(markup.fragment_fromstring(block(page, feedback)))
