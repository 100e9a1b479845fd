"""Diagrams that no axis measures: assumptions, what was asked and found, and events in time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from distance_to_care.figures.canvas import Drawing, canvas, finish, key_above, published, wrapped
from distance_to_care.figures.style import GRID, INK, MUTED, behind, colours
from distance_to_care.problems import Problem

# A part of a diagram is as wide in both drawings: four side by side, or two and two on a phone.
PART_INCHES = 2.55
# Width in parts of the plot, height in steps of the chain; and what each further line adds.
CHAIN_BOX, ASIDE_BOX, LINE_OF_BOX = (0.42, 0.5), (0.34, 0.5), 0.36


def diagram(
    table: pd.DataFrame, chain: Sequence[str], parts: Mapping[str, Sequence[str]], what: str
) -> Drawing:
    """Draw a diagram of assumptions in parts: boxes in order of time, an arrow a published row.

    All arrows in one drawing are a net in which nobody follows a line, so each part has those that
    begin at a few of the variables.

    Parameters
    ----------
    table : published table; `term` (where an arrow begins), `outcome` (where it ends), `level`
        (`measured`, or `not measured` for an arrow from or to what nobody recorded: dashed).
    chain : the variables that follow one another, first to last; they stand one below the other.
    parts : for each heading the variables whose arrows its part has, each of them in one part;
        what they touch beside the chain stands to the left of it.
    what : what the diagram shows, for the subtitle and the alternative text.

    Raises
    ------
    Problem : an arrow stands in no part.
    """
    published(table)
    shown = [name for part in parts.values() for name in part]
    if missing := sorted(set(table["term"]) - set(shown)):
        raise Problem(f"The diagram has no part for the arrows from {', '.join(missing)}.")

    def draw(phone: bool):
        across = 2 if phone else len(parts)
        down = -(-len(parts) // across)
        figure = canvas(down * PART_INCHES, phone)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for ax in axes[len(parts) :]:
            ax.set_visible(False)
        for ax, (heading, terms) in zip(axes, parts.items(), strict=False):
            _arrows(ax, table[table["term"].isin(list(terms))], chain, terms)
            ax.set_title("\n".join(wrapped(heading, 22)), loc="left", size=10)
        return figure

    said = []
    for heading, terms in parts.items():
        arrows = "; ".join(
            f"{row.term} to {row.outcome}" + ("" if row.level == "measured" else " (not measured)")
            for row in table[table["term"].isin(list(terms))].itertuples()
        )
        said.append(f"{heading}: {arrows}.")
    note = "Full arrow: measured. Dashed: not measured, and assumed away."
    return finish(draw, f"Diagram of {what}. Arrows: {' '.join(said)}", table, table, what, note)


def _arrows(ax, rows: pd.DataFrame, chain: Sequence[str], begin: Sequence[str]) -> None:
    """Draw the chain from top to bottom, what else is touched beside it, and some arrows."""
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(len(chain) - 0.5, -0.5)
    aside = [n for n in dict.fromkeys([*begin, *rows["outcome"]]) if n not in chain]
    places = {name: (0.63 if aside else 0.4, float(line)) for line, name in enumerate(chain)}
    places |= {
        name: (0.17, (len(chain) - 1) * (line + 0.5) / len(aside))
        for line, name in enumerate(aside)
    }
    touched = {*rows["term"], *rows["outcome"]}
    boxes = {}
    for name, (x, y) in places.items():
        lines = wrapped(name, 9) if name in aside else [name]
        wide, high = CHAIN_BOX if name in chain else ASIDE_BOX
        high += LINE_OF_BOX * (len(lines) - 1)
        boxes[name] = ax.add_patch(
            Rectangle(
                (x - wide / 2, y - high / 2), wide, high, fc="white", zorder=4, lw=1,
                ec=INK if name in touched else GRID,
            )
        )  # fmt: skip
        for line, text in enumerate(lines):
            ax.text(
                x, y + LINE_OF_BOX * (line - (len(lines) - 1) / 2), text, ha="center", va="center",
                zorder=5, size=9, color=INK if name in touched else MUTED,
            )  # fmt: skip
    for row in rows.itertuples():
        (x, above), (_, below) = start, end = places[row.term], places[row.outcome]
        steps, bow = below - above, 0.0
        ends = {"patchA": boxes[row.term], "patchB": boxes[row.outcome]}
        if row.term in chain and row.outcome in chain and steps > 1:
            # Past the boxes between, the wider the more they are.
            bow = 0.3 + 0.04 * (steps - 2)
            edge = x + CHAIN_BOX[0] / 2
            start, end, ends = (edge, above + 0.08), (edge, below - 0.08), {}
        ax.annotate(
            "", end, start,
            arrowprops={
                "arrowstyle": "-|>", "color": colours()[0], "lw": 1.4, "shrinkA": 1, "shrinkB": 1,
                "ls": "-" if row.level == "measured" else (0, (4, 3)),
                "connectionstyle": f"arc3,rad={-bow}", **ends,
            },
        )  # fmt: skip


# A shape for each finding: told apart without colour.
FINDING_MARKS = ("^", "v", "o", "D", "s", "x")
# So many findings stand side by side in a line of the list for a phone.
LISTED_ACROSS, LISTED_CHARACTERS = 3, 54


def findings_grid(
    table: pd.DataFrame,
    questions: Mapping[str, str],
    outcomes: Mapping[str, str],
    findings: Sequence[str],
    countries: Mapping[str, str],
    what: str,
) -> Drawing:
    """Draw which question was asked for which outcome: a mark a finding, a grey cell a gap.

    On a phone it is a list by question, with the outcomes that nobody asked about in words.

    Parameters
    ----------
    table : published table; `exposure` (the question), `outcome`, `finding`, `country`, `seen_as`
        (numbers, or words only: drawn hollow).
    questions, outcomes : the questions, left to right, and the outcomes, top to bottom, each with
        its heading.
    findings : the findings, at most six, in the order of the shapes.
    countries : how a country is written beside its mark.
    what : what the grid shows, for the alternative text.

    Raises
    ------
    Problem : there are more findings than shapes to tell them apart.
    """
    order = list(findings)
    if len(order) > len(FINDING_MARKS):
        raise Problem(
            f"The grid has {len(order)} findings and a shape for {len(FINDING_MARKS)}. "
            "Join findings that are alike."
        )
    cells = {
        (outcome, question): sorted(
            table[(table["exposure"] == question) & (table["outcome"] == outcome)].itertuples(),
            key=lambda row: order.index(row.finding),
        )
        for outcome in outcomes
        for question in questions
    }
    slots = {place: _slots([countries[r.country] for r in rows]) for place, rows in cells.items()}
    lines = {o: 1 + max(line for q in questions for line, _ in slots[o, q] or [(0, 0)])
             for o in outcomes}  # fmt: skip

    def draw(phone: bool):
        if phone:
            return _findings_listed(questions, outcomes, cells, order, countries)
        figure = canvas(1.7 + 0.12 * len(outcomes) + 0.2 * sum(lines.values()))
        ax = figure.subplots()
        top, middles = 0.0, []
        for outcome in outcomes:
            height = lines[outcome] + 0.6
            for column, question in enumerate(questions):
                rows = cells[outcome, question]
                fill = "white" if rows else "#e4e4e4"
                ax.add_patch(Rectangle((column, top), 1, height, ec="#bdbdbd", lw=0.6, fc=fill))
                for row, (line, slot) in zip(rows, slots[outcome, question], strict=True):
                    x, y = column + 0.1 + 0.46 * slot, top + 0.8 + line
                    ax.plot(x, y, **_finding_look(row.finding, row.seen_as == "numbers", order))
                    ax.text(x + 0.09, y, countries[row.country], va="center", size=9, color=INK)
            middles.append(top + height / 2)
            top += height
        ax.set_xlim(0, len(questions))
        ax.set_ylim(top, 0)
        ax.set_yticks(middles, list(outcomes.values()), multialignment="left")
        ax.set_xticks([column + 0.5 for column in range(len(questions))], list(questions.values()))
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        _findings_key(figure, cells, order, grid=True)
        return figure

    said = []
    for question in questions:
        found = [row.finding for outcome in outcomes for row in cells[outcome, question]]
        asked = sum(bool(cells[outcome, question]) for outcome in outcomes)
        kinds = ", ".join(f"{found.count(f)} {f}" for f in order if f in found)
        said.append(f"{question}: {asked} of {len(outcomes)} outcomes ({kinds or 'none'})")
    alt = f"Grid of {what}. {'; '.join(said)}."
    return finish(draw, alt, table, table, what)


def _findings_listed(
    questions: Mapping[str, str],
    outcomes: Mapping[str, str],
    cells: Mapping[tuple[str, str], Sequence],
    order: Sequence[str],
    countries: Mapping[str, str],
) -> Figure:
    """List findings by question, for a phone, where the cells of a grid would be too narrow."""
    lines: list[tuple[str, str, Sequence]] = []
    for question, heading in questions.items():
        lines.append(("heading", " ".join(heading.split()), ()))
        gaps = []
        for outcome, name in outcomes.items():
            found = cells[outcome, question]
            if found:
                lines.append(("found", " ".join(name.split()), found))
            else:
                gaps.append(" ".join(name.split()).lower())
        if gaps:
            told = wrapped(f"No study seen: {', '.join(gaps)}.", LISTED_CHARACTERS)
            lines += [("gap", part, ()) for part in told]
    heights = [1.35 if kind == "heading" else 1.0 + 0.9 * (len(found) > LISTED_ACROSS)
               for kind, _, found in lines]  # fmt: skip
    figure = canvas(0.9 + 0.19 * sum(heights), phone=True)
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(sum(heights), 0)
    top = 0.0
    for (kind, text, found), height in zip(lines, heights, strict=True):
        at = top + height - 0.45 - 0.9 * (len(found) > LISTED_ACROSS)
        heading = kind == "heading"
        ax.text(
            0.04 if kind == "found" else 0, at, text, va="center", size=10 if heading else 9.5,
            weight="bold" if heading else "normal", color=MUTED if kind == "gap" else INK,
        )  # fmt: skip
        for place, row in enumerate(found):
            x, y = 0.52 + 0.17 * (place % LISTED_ACROSS), at + 0.9 * (place // LISTED_ACROSS)
            ax.plot(x, y, **_finding_look(row.finding, row.seen_as == "numbers", order))
            ax.text(x + 0.025, y, countries[row.country], va="center", size=9, color=INK)
        top += height
    _findings_key(figure, cells, order, grid=False)
    return figure


def _finding_look(finding: str, numbered: bool, order: Sequence[str]) -> dict[str, object]:
    """Mark a finding: a shape each, hollow where it was seen in words only."""
    shape = FINDING_MARKS[order.index(finding)]
    face = colours()[0] if numbered or shape == "x" else "white"
    return {"marker": shape, "ls": "", "color": colours()[0], "mfc": face, "markersize": 7}


def _findings_key(
    figure: Figure, cells: Mapping[tuple[str, str], Sequence], order: Sequence[str], grid: bool
) -> None:
    """Say below a map of findings what its marks mean."""
    ax = figure.axes[0]
    found = [row for rows in cells.values() for row in rows]
    for finding in order:
        numbered = any(row.finding == finding and row.seen_as == "numbers" for row in found)
        ax.plot([], [], label=finding, **_finding_look(finding, numbered, order))
    ax.plot([], [], "o", color=INK, mfc="white", label="hollow: words only", markersize=7)
    if grid:
        grey = {"color": "#bdbdbd", "mfc": "#e4e4e4", "label": "grey: no study seen"}
        ax.plot([], [], "s", markersize=9, **grey)
    columns = 3 if grid else 2
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=10)


def _slots(labels: Sequence[str]) -> list[tuple[int, int]]:
    """Place labels two to a line, a long one on a line of its own: (line, slot) of each."""
    placed, line, slot = [], 0, 0
    for label in labels:
        if slot and len(label) > 4:
            line, slot = line + 1, 0
        placed.append((line, slot))
        line, slot = (line + 1, 0) if slot or len(label) > 4 else (line, 1)
    return placed


# A shape for each kind of event, told apart without colour; hollow for what did not happen yet.
EVENT_MARKS = ("o", "s", "^", "D")
TIMELINE_INCHES = 4.8
NOT_YET = {"planned": " (planned)", "reported": " (reported only)"}


def timeline(
    table: pd.DataFrame, kinds: Mapping[str, str], what: str, not_yet: str, wide: int = 42
) -> Drawing:
    """Draw events from top to bottom in order of time, one row each; distances mean nothing.

    Parameters
    ----------
    table : published table in order of time; `when` (the date in words), `event`, `what` (its
        kind), `status` (happened, planned or reported).
    kinds : how the kinds are named, at most four names; kinds with one name share a shape.
    what : what the events are about, for the alternative text.
    not_yet : the words at the line below which nothing has been seen to happen.
    wide : characters in a line of an event.
    """
    marks = dict(zip(dict.fromkeys(kinds.values()), EVENT_MARKS, strict=False))
    if len(marks) < len(set(kinds.values())):
        raise Problem(f"A timeline has shapes for {len(EVENT_MARKS)} kinds of event at most.")
    drawn = table[table["what"].isin(list(kinds))]
    told = [row.event + NOT_YET.get(row.status, "") for row in drawn.itertuples()]
    texts = [textwrap.fill(text, wide) for text in told]
    happened = list(drawn["status"] == "happened")
    # Below its last event that happened, a line says that the rest has not been seen to happen.
    last = max((i for i, seen in enumerate(happened) if seen), default=-1)
    place, places, line = 0.0, [], None
    for i, text in enumerate(texts):
        height = 1.6 + text.count("\n")
        if i == last + 1:
            line, place = place + 0.6, place + 2.2
        places.append(place + height / 2)
        place += height

    def draw(_: bool):
        figure = canvas(1.1 + 0.172 * place, width=TIMELINE_INCHES)
        ax = figure.subplots()
        ax.set_axis_off()
        ax.set_xlim(0, 1)
        ax.set_ylim(place, 0)
        ax.plot([0.225, 0.225], [0, place], color="#bdbdbd", lw=1.5, zorder=1)
        names = list(marks)
        for row, text, at, seen in zip(drawn.itertuples(), texts, places, happened, strict=True):
            name = kinds[row.what]
            colour = colours()[names.index(name)]
            ax.plot(
                0.225, at, marks[name], color=colour, markersize=8, zorder=2,
                markerfacecolor=colour if seen else "white", markeredgewidth=1.6,
            )  # fmt: skip
            ax.text(0.19, at, _short_date(row.when), ha="right", va="center", color=MUTED, size=9)
            ax.text(0.265, at, text, va="center", color=INK, linespacing=1.15)
        if line is not None:
            ax.plot([0, 1], [line, line], color=INK, lw=1, ls=(0, (4, 3)))
            ax.text(
                0, line + 0.85, not_yet, va="center", color=INK, size=9.5, weight="bold",
                bbox=behind(2, bold=True),
            )  # fmt: skip
        for name, mark in marks.items():
            ax.plot([], [], mark, color=colours()[names.index(name)], markersize=8, label=name)
        key_above(ax, 2)
        return figure

    said = " ".join(
        f"{row.when}: {text}." for row, text in zip(drawn.itertuples(), told, strict=True)
    )
    alt = f"Timeline of {what}. {said}"
    note = "Filled: happened. Hollow: not confirmed, or not yet. Distances mean nothing."
    return finish(draw, alt, table, drawn, what, note, phone=False, narrow=True)


def _short_date(when: str) -> str:
    """Write a month with three letters: `14 September 2025` as `14 Sep 2025`."""
    return re.sub(r"[A-Z][a-z]{3,}", lambda month: month[0][:3], when)
