"""What the book says of itself: checklists, the register of assumptions, the logs.

Each is a table of `data/reporting/`, or the change ledger; directives make pages of them, and the
tests ask of every tick whether it still holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from datetime import date
from functools import cache
from html import escape

import pandas as pd
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from distance_to_care import figures, places, tables
from distance_to_care.publication import (
    assumption_register,
    certainty,
    ledger,
    registers,
    sentences,
)
from distance_to_care.publication.edition import in_words

STATUS = ("yes", "partly", "no", "not applicable")
CHECKLISTS = ("strobe", "record", "rap", "code_of_practice")
MACHINE, READ = "machine", "read"
# With these an item does not keep a level from being reached.
HELD = ("yes", "not applicable")


def counted(statuses: pd.Series) -> str:
    """Say how many items have each status: `9 yes, 8 partly, 4 no`."""
    counts = statuses.value_counts()
    return ", ".join(f"{counts[status]} {status}" for status in STATUS if status in counts)


HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@cache
def headings(page: str) -> list[str]:
    """List the headings of a page in its source, its title first."""
    source = next(p for p in (places.ROOT / f"{page}{e}" for e in (".md", ".ipynb")) if p.exists())
    return HEADING.findall(sentences.prose(source))


def folder_of(page: str) -> str:
    """Say in which folder a page stands, by its name."""
    return "notebooks" if (places.NOTEBOOKS / f"{page}.ipynb").exists() else "book"


def links(where: str, here: str, left_out: Container[str] = ()) -> str:
    """Write the places of an answer as links, and files of the project as code.

    where : `notebooks/missing_data#method; tests/unit/test_lives.py`, a semicolon between places.
    left_out : notebooks that this site leaves out, which have a title and no headings there.
    """
    written = []
    for place in (each.strip() for each in where.split(";") if each.strip()):
        page, _, anchor = place.partition("#")
        if page.split("/")[0] not in ("book", "notebooks") or "." in page:
            written.append(f"`{place}`")
            continue
        address = registers.link(page, here).removeprefix("[](").removesuffix(")")
        anchor = "" if page.removeprefix("notebooks/") in left_out else anchor
        title, *sections = headings(page)
        section = next((each for each in sections if nodes.make_id(each) == anchor), "")
        words = f"{title}: {section}" if section else title
        written.append(f"[{words}]({address}{'#' if anchor else ''}{anchor})")
    return "; ".join(written)


def how_checked(checked: str) -> str:
    """Say how a tick is checked: by a named test function, or by reading on a day."""
    way, _, what = checked.partition(": ")
    if way == MACHINE:
        return f"By the tests, each time they run: `{what}`."
    day = in_words(date.fromisoformat(what))
    return f"By reading, on {day}; the tests check that the places exist."


class ChecklistDirective(registers.RegisterDirective):
    """{checklist} name: how many items hold, then every item, a section a part."""

    def run(self):
        name = self.arguments[0]
        self.env.note_dependency(str(places.DESCRIPTOR))
        rows = tables.read(name).fillna("")
        total = nodes.paragraph("", "")
        total += nodes.strong(text=f"{len(rows)} items: {counted(rows['status'])}.")
        out: list[nodes.Node] = [total]
        for part in rows["part"].drop_duplicates():
            section = nodes.section(ids=[nodes.make_id(f"{name}-{part}")])
            section += nodes.title(text=part)
            of_part = rows[rows["part"] == part]
            section += [self._section(self._entry(name, row)) for row in of_part.to_dict("records")]
            out.append(section)
        return out

    def _entry(self, checklist: str, row: Mapping[str, str]) -> registers.Entry:
        return registers.Entry(
            anchor=nodes.make_id(f"{checklist}-{row['id']}"),
            title=f"{row['id']}. {row['asks']}",
            parts={
                "Here": f"**{row['status'].capitalize()}.** {row['answer']}",
                "Where": links(
                    row["where"], self.env.docname, self.config.distance_to_care_left_out
                ),
                "How this tick is checked": how_checked(row["checked"]),
            },
            classes=(f"status-{nodes.make_id(row['status'])}",),
        )


def level_html(items: pd.DataFrame | None = None) -> str:
    """Write which level of a pipeline is reached: the highest with no gap in it or below it.

    items : `part` (the levels, the lowest first), `asks` and `status`; by default the table `rap`.
    """
    items = tables.read("rap") if items is None else items
    held = items["status"].isin(HELD)
    whole = held.groupby(items["part"], sort=False).all()
    below = whole.cummin()
    reached = below.index[below][-1].lower() if below.any() else "none of them yet"
    parts = [f"<p><strong>The answer is {reached}.</strong></p>"]
    if not below.all():
        gap = below.index[~below][0]
        lacking = items[~held & (items["part"] == gap)]
        listed = "".join(
            f"<li>{escape(asks)}: {status}</li>"
            for asks, status in lacking[["asks", "status"]].itertuples(index=False)
        )
        parts.append(
            f"<p>These items of the level {escape(gap.lower())} do not hold:</p><ul>{listed}</ul>"
        )
    counts = held.groupby(items["part"], sort=False).agg(["sum", "size"])
    told = ", ".join(f"{part.lower()} {n} of {of}" for part, n, of in counts.itertuples())
    parts.append(f"<p>Items that hold: {escape(told)}.</p>")
    return "".join(parts)


def assumptions_html() -> str:
    """Write the register of assumptions: first those that are weak and move much, then all."""
    found = assumption_register.register()
    columns = {"statement": "what is assumed", "value": "value (range)", "quality": "quality"}
    columns |= {"impact": "impact", "source": "source", "owner": "owner"}
    columns |= {"last_review": "last review", "review_by": "next by", "id": "id"}
    weak = found[found["quality"].str.startswith("weak") & (found["impact"] == "high")]
    rated = found["impact"].value_counts()
    told = ", ".join(
        f"{rated.get(word, 0)} {word}"
        for word in ("high", "moderate", "low", assumption_register.NOT_MEASURED)
    )
    quality = found["quality"].str.partition(":")[0].value_counts()
    sure = ", ".join(f"{quality.get(word, 0)} {word}" for word in ("good", "fair", "weak"))
    short = {key: columns[key] for key in ("statement", "value", "quality", "impact", "id")}
    parts = [
        f"<p><strong>{len(found)} assumptions.</strong> Quality: {sure}. Impact: {told}.</p>",
        figures.table_html(weak, f"Look here first: weak, and of high impact ({len(weak)})", short),
    ]
    for part in found["part"].drop_duplicates():
        rows = found[found["part"] == part]
        title = f"{part} ({len(rows)})"
        table = figures.table_html(rows, title, columns)
        parts.append(f"<details><summary>{escape(title)}</summary>{table}</details>")
    return "".join(parts)


def quality_html() -> str:
    """Write the quality log: what was checked when, by what command, with what figure."""
    log = tables.read("quality_log").fillna("").sort_values(["checked_on", "id"], ascending=False)
    columns = {"what": "what was checked", "figure": "with what figure", "outcome": "outcome"}
    columns |= {"command": "by what command", "checked_on": "day", "recorded_in": "recorded in"}
    return figures.table_html(log, f"Quality log ({len(log)} entries)", columns)


def judgements_html() -> str:
    """Write how sure we are of each answer, and why: a table for each word of the scale."""
    columns = {"of_what": "of what", "why": "why", "title": "page"}
    table = pd.DataFrame(
        [
            {"level": each.level, "of_what": each.of_what, "why": each.why,
             "title": headings(f"{folder_of(each.page)}/{each.page}")[0]}
            for each in certainty.judgements().values()
        ]
    )  # fmt: skip
    counts = table["level"].value_counts()
    told = ", ".join(f"{counts[level]} {level}" for level in certainty.LEVELS)
    parts = [f"<p><strong>{len(table)} judgements: {told}.</strong></p>"]
    for level in certainty.LEVELS:
        title = f"{level.capitalize()} ({counts[level]})"
        rows = figures.table_html(table[table["level"] == level], title, columns)
        parts.append(f"<details><summary>{title}</summary>{rows}</details>")
    return "".join(parts)


def changes_html() -> str:
    """Write the change ledger: each reason, and the numbers and tables that it changed."""
    entries = ledger.read()
    if not entries:
        return (
            f"<p><strong>No number has changed after version {ledger.last_version()}.</strong> "
            "The record of that version is the base for what comes.</p>"
        )
    parts = []
    reasons = dict.fromkeys((entry.after, entry.why) for entry in reversed(entries))
    for after, why in reasons:
        of_this = [entry for entry in entries if (entry.after, entry.why) == (after, why)]
        rows = pd.DataFrame(
            [
                {
                    "key": entry.change.key,
                    "was": _short(entry.change.what, entry.change.old),
                    "now": _short(entry.change.what, entry.change.new),
                    "cells": entry.cells,
                    "largest": entry.largest_move,
                    "date": entry.date,
                }
                for entry in of_this
            ]
        )
        columns = {"key": "number or table", "was": "was", "now": "is now", "cells": "cells moved"}
        columns |= {"largest": "largest move (%)", "date": "day"}
        title = f"After version {after}: {len(of_this)} changes"
        parts.append(
            f"<p><strong>{escape(why)}</strong></p><details><summary>{title}</summary>"
            f"{figures.table_html(rows, title, columns)}</details>"
        )
    return "".join(parts)


def _short(what: str, said: str) -> str:
    whole = what == ledger.TABLE and said != ledger.WITHDRAWN
    return said[:10] if whole else said


# By the name that a page asks for: what writes the part.
PARTS: dict[str, Callable[[], str]] = {
    "assumptions": assumptions_html,
    "judgements": judgements_html,
    "level-reached": level_html,
    "quality-log": quality_html,
    "change-ledger": changes_html,
}


class StatementDirective(SphinxDirective):
    """{statement} name: one of `PARTS`."""

    required_arguments = 1

    def run(self):
        for file in (places.DESCRIPTOR, ledger.LEDGER):
            self.env.note_dependency(str(file))
        return [nodes.raw("", PARTS[self.arguments[0]](), format="html")]


def setup(app: Sphinx) -> dict:
    """Register the directives."""
    app.add_directive("checklist", ChecklistDirective)
    app.add_directive("statement", StatementDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
