"""Shares of small groups: a mark and an exact interval each, under headings, never averaged."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from distance_to_care.figures.canvas import Drawing, finish, label_axes, published
from distance_to_care.figures.named_rows import NamedRows
from distance_to_care.figures.style import MARKS, check_series, colours

SHARES_MARK = "Bars: exact 95% intervals. Nothing is averaged."


def shares(
    table: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], what: str, axis: str
) -> Drawing:
    """Draw shares of small groups with their exact intervals, one line each, under headings.

    Parameters
    ----------
    table : published table; `term`, `value` (people with the outcome), `people`, and `estimate`,
        `ci_low`, `ci_high` in per cent.
    groups : for each heading the terms that stand under it and their labels, top to bottom; at
        most four headings, which differ in mark and colour.
    what : what has the outcome, for the subtitle and the alternative text.
    axis : label of the axis, with its unit.
    """
    published(table)
    check_series(groups)
    rows = table.set_index("term")
    names, headings, marked = [], [], []
    for shape, (heading, terms) in enumerate(groups.items()):
        headings.append(len(names))
        names.append(heading)
        for term, label in terms.items():
            marked.append((len(names), shape, term))
            names.append(label)

    def draw(phone: bool):
        place = NamedRows(names, phone, headings=headings)
        for line, shape, term in marked:
            row, at = rows.loc[term], place.at(line)
            look = {"color": colours()[shape], "clip_on": False}
            place.ax.plot([row["ci_low"], row["ci_high"]], [at, at], lw=2.2, **look)
            place.ax.plot(row["estimate"], at, MARKS[shape], markersize=7, **look)
            place.number(line, 0, f"{row['value']:.0f} of {row['people']}")
        place.ax.set_xlim(0, 100)
        label_axes(place.ax, axis, phone=phone)
        return place.figure

    said = []
    for heading, terms in groups.items():
        told = []
        for term, label in terms.items():
            row = rows.loc[term]
            ends = f"{row['ci_low']:.0f} to {row['ci_high']:.0f}"
            count = f"{row['value']:.0f} of {row['people']}"
            told.append(f"{label} {count}, {row['estimate']:.0f}% ({ends})")
        said.append(f"{heading}: {'; '.join(told)}.")
    alt = f"Dot chart of {what}; share and exact 95% interval. {' '.join(said)}"
    drawn = table[table["term"].isin([term for _, _, term in marked])]
    return finish(draw, alt, table, drawn, what, SHARES_MARK, axis)
