"""What stands on pages for patients and families: questions and help, and who has reviewed them.

Both are read from one table each, so that every page says the same:

    {help-for-patients} study   questions to ask, and help that there is, for a study's people; in
                                short also for the people of several
    {you-said-we-did}           what people with lived experience said, and what was done
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from distance_to_care import figures, places, tables
from distance_to_care.publication import registers
from distance_to_care.publication.edition import in_words

# The heading that a page puts above the help.
HEADING = "Questions to ask, and where to find help"
EVERYTHING = "All questions and all help"
ANYBODY = "any"
URGENT = "urgent"
# By the name of a part in the table: the heading above it.
PARTS = {
    "questions": "Questions to ask the clinic",
    "closer_to_home": "Care closer to home: ask about it",
    "travel_costs": "Help with the cost of travel",
    "transport": "If you cannot get there by yourself",
    "people_to_talk_to": "People to talk to",
}
# By the kind of a page's numbers, beside its banner: what it means to somebody who is no analyst.
KINDS = {
    "synthetic": "Some of the people here are made up.",
    "registry": "Some numbers were counted from records of real people.",
    "scenario": "Some numbers say what would follow if our guesses hold; nobody has seen it.",
    "open": "Some numbers were counted from data that are open to all.",
    "modelled": "A computer worked the drives out, with a list of hospitals that we made.",
    "published": "Numbers about people come from studies that others made.",
}
READ = {
    "page": "on the body's own page",
    "secondary": "on a page of somebody else",
    "abstract": "in the abstract of a study",
}
OURS = "ours"
OLD = (
    "We read these numbers and rules on {day} in stored copies of web pages, and some copies are "
    "old.\nIf a number does not answer, look on the body's own site."
)
TELEPHONE = re.compile(r"\b0\d{2,4}(?: \d{3,6}){1,2}\b")
REVIEWS = places.BOOK / "lived_experience.csv"
REVIEW_COLUMNS = {
    "reviewed_on": "Reviewed on",
    "reviewer": "Reviewer",
    "page": "Page",
    "said": "You said",
    "did": "We did",
    "changed_on": "Changed on",
}
NOBODY = (
    "Nobody with lived experience has reviewed this book yet.",
    "So the table of what you said and what we did is empty.",
)


def help_rows(*studies: str) -> pd.DataFrame:
    """Read the rows of the help that are for the people of studies, in the order of the table."""
    rows = tables.read("help_for_patients").fillna("")
    return rows[rows["for_whom"].isin([*studies, ANYBODY])]


def short_list(rows: pd.DataFrame) -> str:
    """Write the help in a few lines, as Markdown, for a page with little room.

    Where it is for the people of several studies, a line for one of them says for whom it is.
    """
    several = len(set(rows["for_whom"]) - {ANYBODY}) > 1
    listed = rows[rows["in_short"] != ""].to_dict("records")
    return dialled("\n".join(f"- {_for_whom(row, several)}{row['in_short']}" for row in listed))


def _for_whom(row: dict[str, str], several: bool) -> str:
    if not several or row["for_whom"] == ANYBODY:
        return ""
    study = tables.read_study(row["for_whom"])
    return f"**{study.disease_short or study.disease}:** "


def whole_part(rows: pd.DataFrame) -> str:
    """Write a part of the help as a list in Markdown: what, whom it is for, how to get it."""
    return dialled("\n".join(f"- {_entry(row)}" for row in rows.to_dict("records")))


def _entry(row: dict[str, str]) -> str:
    about = " ".join(filter(None, (row["who_for"], row["how"])))
    if not about:
        return row["what"]
    end = "" if row["what"].endswith((".", "?", "!")) else "."
    return f"**{row['what']}{end}** {about}"


def kinds_in_plain_words(kinds: Iterable[str]) -> str:
    """Write what the banners of a page mean, in plain sentences, as HTML."""
    said = " ".join(KINDS[kind] for kind in kinds)
    return f'<p class="kind-in-plain-words">{escape(said)}</p>' if said else ""


def dialled(text: str) -> str:
    """Make each telephone number a link that a telephone can dial."""
    return TELEPHONE.sub(lambda m: f'<a href="tel:{m[0].replace(" ", "")}">{m[0]}</a>', text)


def sources(rows: pd.DataFrame) -> str:
    """Write where each fact of the help was read, when and how, as a part that a reader opens."""
    read = rows[rows["how_read"] != OURS]
    listed = {row["what"].split(". ")[0]: _source(row) for row in read.to_dict("records")}
    return registers.folded("Where each of these facts was read", listed)


def _source(row: dict[str, str]) -> str:
    addresses = registers.several(row["address"])
    more = "".join(f", and [a second page]({address})" for address in addresses[1:])
    return f"[{row['source']}]({addresses[0]}){more}, read {READ[row['how_read']]}."


class HelpDirective(SphinxDirective):
    """{help-for-patients} study: questions to ask and help that there is.

    `:short:` has a few lines, for one study or several; `:whole:` names the pages that have
    everything, for links to them.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"short": directives.flag, "whole": directives.unchanged_required}

    def run(self):
        self.env.note_dependency(str(places.DESCRIPTOR))
        rows = help_rows(*self.arguments[0].split())
        if "short" in self.options:
            box = nodes.container(classes=["help-for-patients"])
            return [self._parsed(short_list(rows), box), *self._link_to_all()]
        urgent = rows[rows["part"] == URGENT]
        box = nodes.container(classes=["help-for-patients", "help-urgent"])
        out: list[nodes.Node] = [self._parsed(whole_part(urgent), box)]
        for part, heading in PARTS.items():
            section = nodes.section(ids=[f"help-{part.replace('_', '-')}"])
            section += nodes.title(text=heading)
            out.append(self._parsed(whole_part(rows[rows["part"] == part]), section))
        self._parsed(OLD.format(day=in_words(pd.Timestamp(rows["read_on"].max()))), out[-1])
        self._parsed(sources(rows), out[-1])
        return out

    def _parsed(self, text: str, into: nodes.Element) -> nodes.Element:
        self.state.nested_parse(StringList(text.split("\n")), 0, into)
        return into

    def _link_to_all(self) -> list[nodes.Node]:
        """Link to the pages with everything, those that the book has."""
        named = self.options.get("whole", "").split()
        found = [page for page in named if page in self.env.found_docs]
        links = [f"{{doc}}`{EVERYTHING} </{page}>`" for page in found]
        if len(links) > 1:
            links = [f"{EVERYTHING}: " + "; ".join(f"{{doc}}`/{page}`" for page in found)]
        return [self._parsed(link, nodes.container(classes=["help-whole"])) for link in links]


def reviews() -> pd.DataFrame:
    """Read what people with lived experience said of the book; no rows where nobody has."""
    return pd.read_csv(REVIEWS, dtype=str, keep_default_na=False)


class ReviewsDirective(SphinxDirective):
    """{you-said-we-did}: what people with lived experience said, and what was done about it."""

    def run(self):
        self.env.note_dependency(str(REVIEWS))
        rows = reviews()
        if rows.empty:
            return [nodes.paragraph(text=" ".join(NOBODY))]
        shown = figures.table_html(rows.rename(columns=REVIEW_COLUMNS), "You said, we did")
        people = rows["reviewer"].nunique()
        told = nodes.paragraph(text=f"Reviewers with lived experience so far: {people}.")
        return [told, nodes.raw("", shown, format="html")]


def setup(app: Sphinx) -> dict:
    """Register the directives."""
    app.add_directive("help-for-patients", HelpDirective)
    app.add_directive("you-said-we-did", ReviewsDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
