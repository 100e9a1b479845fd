"""Figures on how long people live stand behind a choice: a kind warning, then a closed part.

    :::{survival-figures}
    Of 100 people, {number}`...` are alive three years later.
    :::

Without content it closes all that follows in its section, which may be figures and tables of a
notebook; the section begins in the open, so that its heading can say what is there:

    ## Result

    :::{survival-figures} Show the result
    :::

The part is an HTML `details` element, so that it works without script and by keyboard, and nobody
meets these figures who did not ask for them. It stays closed in print unless it was opened. On
pages that patients read, no number that tells survival stands outside of it (`outside`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html import escape

import pandas as pd
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

NAME = "survival-figures"
MARK = "survival-choice"
PATIENT_PAGES = "distance_to_care_patient_pages"
SUMMARY = "Show how long people live, on average"
WARNING = (
    "The next part is about how long people live.",
    "It can be hard to read, so it stays closed until you open it.",
    "You do not have to read it, today or at all.",
    "Its numbers are averages of many people, some of whom live much longer and some less long.",
    "They cannot say what lies ahead for you, or for somebody you love.",
    "If you would like to know more, your nurse or doctor can go through it with you.",
    "On paper it stays closed too, unless you open it first.",
)

# Before a second choice on a page: who reads on has met the whole warning.
AGAIN = (
    "The next part is about how long people live, too.",
    "It stays closed until you open it, and you do not have to read it.",
)

# Tables of which every row tells how long people live.
TABLES = re.compile(r"lives_\w+|levers_today|(?:synthetic_)?survival_by_\w+|\w+_(?:medians|means)")
# Words of a key, an outcome or a figure's name that tell how long people live, or how many die.
WORDS = re.compile(
    r"surviv|alive|(?<![a-z])die[ds]?(?![a-z])|death|dead|mortal|months lived|ventilator"
    r"|(?<![a-z])lives(?![a-z])|lost_before"
)
# What living people can do, in words that hold one of those.
OF_THE_LIVING = re.compile(r"normal lives|alive, (?:does not sit|sits|walks)")
# Of 100 people alive in one group and in another, as a published ratio would have it.
OF_A_RATIO = re.compile(r"absolute\..+\.(?:exposed|reference|fewer|more)")
# By how much less long one end of the ranking lives; what a change would add to it, tells it not.
OF_A_GAP = re.compile(r"waiting\.deprived\.gap\..+")
# Words by which a sentence tells it with no number of the book: of children, of most, or by when.
_DIE = r"(?<!who )(?<!who would have )\b(?:die|died|dead)\b"
_MANY = r"babies|children|infants|(?:most|half|nearly all|almost all)\b[^.:;?]*\bpeople"
_WHEN = r"(?:by|before|within|after) (?:\S+ ){0,4}(?:days|weeks?|months?|years?|birthday|two)\b"
SAID = re.compile(
    rf"(?<!how many )\b(?:{_MANY})\b[^.:;?]*{_DIE}|{_DIE}[^.:;?]*\b{_WHEN}", re.IGNORECASE
)
# What is drawn of people alive as time goes by, whatever the figure is called.
DRAWN = "Kaplan-Meier"
# What compares groups, or counts studies, says of nobody how long they live.
NO_TIME = {"ratio", "natural logarithm", "p value", "difference", "findings", "kind", "clusters"}


class SurvivalChoice(nodes.General, nodes.Element):
    """A part of a page that a reader opens, with the words to open it by."""


class SurvivalFiguresDirective(SphinxDirective):
    """{survival-figures}: what tells how long people live, closed, after a kind warning.

    An argument takes the place of the words to open it by. Without content, it is all that follows
    in the section.
    """

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        choice = SurvivalChoice(summary=self.arguments[0] if self.arguments else SUMMARY)
        self.set_source_info(choice)
        self.state.nested_parse(self.content, self.content_offset, choice)
        warning = AGAIN if self.env.temp_data.get(MARK) else WARNING
        self.env.temp_data[MARK] = True
        return [nodes.paragraph(text=" ".join(warning), classes=[f"{MARK}-warning"]), choice]


class CloseTheSection(SphinxTransform):
    """Put what follows a choice without content into it, to the end of its section."""

    # Before headings are collected: those within a choice are no entries of a list of contents.
    default_priority = 400

    def apply(self, **kwargs):
        for choice in list(self.document.findall(SurvivalChoice)):
            if choice.children:
                continue
            section = choice.parent
            place = section.index(choice) + 1
            following = section[place:]
            del section[place:]
            choice.extend(following)


def visit_choice(self, node: SurvivalChoice) -> None:
    """Open the element that a reader opens."""
    self.body.append(f'<details class="{MARK}"><summary>{escape(node["summary"])}</summary>\n')


def depart_choice(self, node: SurvivalChoice) -> None:
    """Close the element."""
    self.body.append("</details>\n")


def telling(numbers: pd.DataFrame, estimates: pd.DataFrame) -> set[str]:
    """Find the numbers that tell how long people live, or how many die.

    Parameters
    ----------
    numbers : published numbers: `key`, `unit`, `table`.
    estimates : the published estimates that some of them quote: `id`, `outcome`.

    Returns
    -------
    Keys: of tables about survival, or with such a word in the key or in the outcome quoted.
    Ratios of two groups, and counts of studies, are none of them.
    """
    outcomes = estimates.set_index("id")["outcome"].fillna("")
    found = set()
    for row in numbers.itertuples():
        quoted = outcomes.get(row.key.removeprefix("published."), "")
        told = TABLES.fullmatch(row.table) or OF_A_RATIO.fullmatch(row.key)
        told = told or OF_A_GAP.fullmatch(row.key)
        words = OF_THE_LIVING.sub("", f"{row.key} {quoted}")
        if (told or WORDS.search(words)) and row.unit not in NO_TIME:
            found.add(row.key)
    return found


def tells(name: str, alt: str = "") -> bool:
    """Say whether a figure or a table is about survival; of synthetic people it tells nothing.

    alt : a figure's text in words.
    """
    about = WORDS.search(name.replace("_", " ")) or TABLES.fullmatch(name) or DRAWN in alt
    return bool(about) and not name.startswith("synthetic_")


FENCE = re.compile(r"\s*(?P<mark>:{3,}|`{3,})\s*(?:\{(?P<name>[\w-]+)\})?(?P<argument>.*)$")
QUOTED = re.compile(r"\{number\}`(?P<key>[^`]+)`")


HEADING = re.compile(r"(?P<marks>#+) ")


def in_the_open(text: str) -> Iterator[str]:
    """Walk through the lines of a page's Markdown that stand outside of the choice."""
    opened: list[tuple[str, str]] = []
    level, closed, empty = 0, None, False
    for line in text.splitlines():
        heading = None if opened else HEADING.match(line)
        if heading:
            level = len(heading["marks"])
            if closed is not None and level <= closed:
                closed = None
        fence = FENCE.match(line)
        if fence and opened and not fence["name"] and not fence["argument"].strip():
            mark, name = opened[-1]
            if fence["mark"][0] == mark[0] and len(fence["mark"]) >= len(mark):
                opened.pop()
                if name == NAME and empty and not opened:
                    closed = level
                continue
        hidden = closed is not None or any(name == NAME for _, name in opened)
        if fence:
            opened.append((fence["mark"], fence["name"] or ""))
            empty = fence["name"] == NAME
        elif line.strip():
            empty = False
        if not hidden:
            yield line


def outside(text: str, telling: Collection[str], shown: Collection[str] = ()) -> list[str]:
    """Find what tells survival in the open on a page: numbers, figures and tables, in their order.

    Parameters
    ----------
    text : the page's Markdown.
    telling : keys of numbers that tell survival, as `telling` finds them.
    shown : names of figures and tables that tell it; others are judged by the words in their name.
    """
    found = []
    for line in in_the_open(text):
        found += [match["key"] for match in QUOTED.finditer(line) if match["key"] in telling]
        fence = FENCE.match(line)
        if fence and fence["name"] in ("published-figure", "published-table"):
            name = fence["argument"].strip()
            if name in shown or WORDS.search(name):
                found.append(name)
    return found


def said(text: str) -> list[str]:
    """Find the words in the open by which a text tells how long people live, without a number."""
    # Words that hold on a condition are read without it, and a number as any word.
    read = re.compile(r"\{holds\}`(?P<words>.*?) when [^`]*`|\{\w+\}`[^`]*`")
    lines = (
        read.sub(lambda match: match["words"] or "some", line)
        for line in in_the_open(text)
        if not FENCE.match(line)
    )
    return [match[0] for line in lines for match in SAID.finditer(line)]


def for_patients(app: Sphinx, docname: str) -> bool:
    """Whether a page is named as one that patients read; pages of a folder are not asked."""
    return PATIENT_PAGES in app.config and docname in app.config[PATIENT_PAGES]


def setup(app: Sphinx) -> dict:
    """Register the directive, and the pages that patients read."""
    # Names of pages, as the table of contents has them; a name that ends in / is a folder.
    app.add_config_value(PATIENT_PAGES, [], "env")
    app.add_node(SurvivalChoice, html=(visit_choice, depart_choice))
    app.add_directive(NAME, SurvivalFiguresDirective)
    app.add_transform(CloseTheSection)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
