"""Diagrams that no axis measures: assumptions, what was asked and found, and events in time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.patches import Rectangle

from distance_to_care.figures.canvas import Drawing, canvas, finish, key_above, published, wrapped
from distance_to_care.figures.style import INK, MUTED, colours
from distance_to_care.problems import Problem


def diagram(table: pd.DataFrame, places: dict[str, tuple[float, float]], what: str) -> Drawing:
    """Draw a diagram of assumptions: a box a variable, an arrow for each published row.

    Parameters
    ----------
    table : published table; `term` (where an arrow begins), `outcome` (where it ends), `level`
        (`measured`, or `not measured` for an arrow from or to what nobody recorded: dashed).
    places : for each variable its place, both coordinates from 0 to 1.
    what : what the diagram shows, for the subtitle and the alternative text.
    """
    published(table)
    missing = sorted({*table["term"], *table["outcome"]} - set(places))
    if missing:
        raise Problem(f"The diagram has no place for {', '.join(missing)}.")

    def draw(phone: bool):
        figure = canvas(3.6, phone)
        ax = figure.subplots()
        ax.set_axis_off()
        ax.set_xlim(-0.12, 1.12)
        ax.set_ylim(-0.1, 1.1)
        boxes = {
            name: ax.text(
                *place, "\n".join(wrapped(name, 11)) if phone else name, ha="center", va="center",
                zorder=5, color=INK, size=9 if phone else 10.5, linespacing=1.1,
                bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": INK},
            )
            for name, place in places.items()
        }  # fmt: skip
        for row in table.itertuples():
            ax.annotate(
                "", places[row.outcome], places[row.term],
                arrowprops={
                    "arrowstyle": "-|>", "color": colours()[0], "lw": 1.6,
                    "ls": "-" if row.level == "measured" else (0, (4, 3)),
                    "patchA": boxes[row.term].get_bbox_patch(),
                    "patchB": boxes[row.outcome].get_bbox_patch(),
                    "shrinkA": 2, "shrinkB": 2, "connectionstyle": "arc3,rad=0.06",
                },
            )  # fmt: skip
        return figure

    said = "; ".join(
        f"{row.term} to {row.outcome}" + ("" if row.level == "measured" else " (not measured)")
        for row in table.itertuples()
    )
    note = "Full arrow: measured. Dashed: not measured, and assumed away."
    return finish(draw, f"Diagram of {what}. Arrows: {said}.", table, table, what, note)


# A shape for each finding: told apart without colour.
FINDING_MARKS = ("^", "v", "o", "D", "s", "x")


def findings_grid(
    table: pd.DataFrame,
    questions: Mapping[str, str],
    outcomes: Mapping[str, str],
    findings: Sequence[str],
    countries: Mapping[str, str],
    what: str,
) -> Drawing:
    """Draw which question was asked for which outcome: a mark a finding, a grey cell a gap.

    Parameters
    ----------
    table : published table; `exposure` (the question), `outcome`, `finding`, `country`, `seen_as`
        (numbers, or words only: drawn hollow).
    questions, outcomes : the questions, left to right, and the outcomes, top to bottom, each with
        its heading.
    findings : the findings, at most six, in the order of the shapes.
    countries : how a country is written beside its mark.
    what : what the grid shows, for the alternative text.
    """
    order = list(findings)
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

    def draw(_: bool):
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
                    shape = FINDING_MARKS[order.index(row.finding)]
                    face = colours()[0] if row.seen_as == "numbers" or shape == "x" else "white"
                    ax.plot(x, y, shape, color=colours()[0], markerfacecolor=face, markersize=7)
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
        for shape, finding in zip(FINDING_MARKS, order, strict=False):
            numbered = table.loc[table["finding"] == finding, "seen_as"].eq("numbers").any()
            face = colours()[0] if numbered or shape == "x" else "white"
            ax.plot([], [], shape, color=colours()[0], mfc=face, label=finding, markersize=7)
        ax.plot([], [], "o", color=INK, mfc="white", label="hollow: words only", markersize=7)
        grey = {"color": "#bdbdbd", "mfc": "#e4e4e4", "label": "grey: no study seen"}
        ax.plot([], [], "s", markersize=9, **grey)
        figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=10)
        return figure

    said = []
    for question in questions:
        found = [row.finding for outcome in outcomes for row in cells[outcome, question]]
        asked = sum(bool(cells[outcome, question]) for outcome in outcomes)
        kinds = ", ".join(f"{found.count(f)} {f}" for f in order if f in found)
        said.append(f"{question}: {asked} of {len(outcomes)} outcomes ({kinds or 'none'})")
    # Its cells hold words, which would run into one another on a phone: there it scrolls.
    alt = f"Grid of {what}. {'; '.join(said)}."
    return finish(draw, alt, table, table, what, phone=False)


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
                bbox={"fc": "white", "ec": "none", "pad": 2},
            )  # fmt: skip
        for name, mark in marks.items():
            ax.plot([], [], mark, color=colours()[names.index(name)], markersize=8, label=name)
        key_above(ax, 2)
        return figure

    said = " ".join(
        f"{row.when}: {text}." for row, text in zip(drawn.itertuples(), told, strict=True)
    )
    alt = f"Timeline of {what}. {said}"
    note = "Filled: happened. Hollow: not yet. Distances mean nothing."
    return finish(draw, alt, table, drawn, what, note, phone=False, narrow=True)


def _short_date(when: str) -> str:
    """Write a month with three letters: `14 September 2025` as `14 Sep 2025`."""
    return re.sub(r"[A-Z][a-z]{3,}", lambda month: month[0][:3], when)
