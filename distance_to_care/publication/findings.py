"""Findings on cards: a sentence, one number with its range, how sure, its kind, and its source.

    :::{finding} travel.decile.all.mean
    :range: travel.decile.all.mean.range
    The drive to the nearest specialist centre is long for many.

    minutes by car, one way, on average

    **How sure:** moderate, ...
    :::

The first paragraph is the finding, the second what the number counts. The kind and the source are
those of the number's row, and a card of any other kind than these stops the build.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from distance_to_care.figures.canvas import without_cars

log = logging.getLogger(__name__)
# What a finding may rest on: no synthetic people, and no scenario.
KINDS = {"open": "open data", "modelled": "modelled", "published": "published study"}
# A number that is printed with its interval.
WITH_INTERVAL = re.compile(r"(?P<estimate>.+?) \((?P<interval>.+ to .+)\)")


class Card(nodes.container):
    """A finding that waits for the row of its number."""


class FindingsDirective(SphinxDirective):
    """{findings}: cards side by side, as many as there is room for."""

    has_content = True

    def run(self):
        # A list: who hears the page is told how many findings there are, and where one ends.
        cards = nodes.bullet_list(classes=["key-findings"])
        self.state.nested_parse(self.content, self.content_offset, cards)
        return [cards]


class FindingDirective(SphinxDirective):
    """{finding} key: a card with one number, by its key."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"range": directives.unchanged}

    def run(self):
        key = self.arguments[0].strip()
        ends = [end.strip() for end in self.options.get("range", "").split(" to ") if end]
        card = Card(classes=["finding"], key=key, ends=ends)
        self.set_source_info(card)
        self.state.nested_parse(self.content, self.content_offset, card)
        paragraphs = [node for node in card.children if isinstance(node, nodes.paragraph)]
        if len(paragraphs) < 3:
            raise self.error(
                "A finding has three paragraphs: a sentence, what its number counts, and how sure."
            )
        sentence, counts, sure = paragraphs[:3]
        for node, name in ((sentence, "sentence"), (counts, "number"), (sure, "sure")):
            node["classes"].append(f"finding-{name}")
        shown = [nodes.inline("", "", self._number(key), classes=["estimate"]), nodes.Text(" ")]
        if ends:
            inside = [
                nodes.Text("("),
                *_joined(list(map(self._number, ends)), " to "),
                nodes.Text(")"),
            ]
            shown += [nodes.inline("", "", *inside, classes=["interval"]), nodes.Text(" ")]
        unit = nodes.inline("", "", *counts.children, classes=["unit"])
        counts.children = []
        counts += [*shown, unit]
        return [card]

    def _number(self, key: str) -> nodes.Node:
        holder = nodes.paragraph()
        written = StringList([f"{{number}}`{key.strip()}`"])
        self.state.nested_parse(written, self.content_offset, holder)
        return holder[0][0]


def _joined(parts: list[nodes.Node], between: str) -> list[nodes.Node]:
    """Put words between nodes."""
    return [n for part in parts for n in (nodes.Text(between), part)][1:]


class FillInCards(SphinxPostTransform):
    """Say on each card of which kind its number is, and where it comes from."""

    # After the numbers, before links are looked up.
    default_priority = 6

    def run(self, **kwargs):
        published = self.app.distance_to_care
        for card in list(self.document.findall(Card)):
            if card["key"] in published.numbers.index:
                self._fill(card, published)
            card.replace_self(nodes.list_item("", *card.children, classes=card["classes"]))

    def _fill(self, card: Card, published) -> None:
        row = published.numbers.loc[card["key"]]
        if row["kind"] not in KINDS:
            log.warning(
                "the finding '%s' is of the kind %s: a finding is %s",
                card["key"], row["kind"], ", ".join(KINDS), location=card, type="finding",
            )  # fmt: skip
            return
        self._part_interval(card, str(row["text"]))
        card["classes"].append(f"kind-{row['kind']}")
        known = [end for end in card["ends"] if end in published.numbers.index]
        # The ends of a range may stand in another table than the number.
        rows = published.numbers.loc[[card["key"], *known]].drop_duplicates("table")
        card += self._source(list(rows.to_dict("records")), published)

    def _part_interval(self, card: Card, text: str) -> None:
        """Print the interval apart from the estimate, where both are one number of the book."""
        estimate = next(n for n in card.findall(nodes.inline) if "estimate" in n["classes"])
        parts = WITH_INTERVAL.fullmatch(text)
        if parts is None:
            if not any("interval" in n.get("classes", ()) for n in card.findall(nodes.inline)):
                log.warning(
                    "the finding '%s' shows no interval: name one with :range:",
                    card["key"], location=card, type="finding",
                )  # fmt: skip
            return
        printed = next(iter(estimate.findall(nodes.Text)))
        printed.parent.replace(printed, nodes.Text(parts["estimate"]))
        interval = nodes.inline("", f"({parts['interval']})", classes=["interval"])
        estimate.parent.insert(estimate.parent.index(estimate) + 1, [nodes.Text(" "), interval])

    def _source(self, rows: list[dict], published) -> nodes.paragraph:
        """Link the kind, and each chapter and table that the number and its range come from."""
        here, told = self.env.docname, rows[0]["kind"]
        kind = addnodes.pending_xref(
            "", nodes.inline(text=KINDS[told].capitalize()), refdomain="std",
            reftype="term", reftarget=told, refexplicit=True, refdoc=here, refwarn=False,
        )  # fmt: skip
        parts = [kind]
        for row in rows:
            page = f"notebooks/{row['page']}"
            if page in self.env.titles:
                title = self.env.titles[page].astext()
                there = self.app.builder.get_relative_uri(here, page)
                parts.append(nodes.reference("", title, refuri=there, internal=True))
            table = f"{'../' * here.count('/')}downloads/{row['table']}.csv"
            words = f"{without_cars(published.manifest['tables'][row['table']]['title'])} (CSV)"
            parts.append(nodes.reference("", words, refuri=table, internal=True))
        return nodes.paragraph("", "", *_joined(parts, " · "), classes=["finding-source"])


def setup(app: Sphinx) -> dict:
    """Register findings."""
    app.add_node(Card)
    app.add_directive("findings", FindingsDirective)
    app.add_directive("finding", FindingDirective)
    app.add_post_transform(FillInCards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
