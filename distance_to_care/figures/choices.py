"""Frontiers: what is gained of one aim for what is given up of another."""

from __future__ import annotations

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    canvas,
    finish,
    key_above,
    label_axes,
    published,
)
from distance_to_care.figures.style import LINES, MARKS, check_series, colours


def frontier(
    table: pd.DataFrame,
    groups: dict[str, str],
    what: str,
    axes: tuple[str, str],
    group: str = "centre_list",
) -> Drawing:
    """Draw the choices between which one aim is traded for another, a mark each.

    The line from choice to choice only guides the eye: nothing lies between them.

    Parameters
    ----------
    table : published table; the column `group`, `value` (the aim along the horizontal axis) and
        `estimate` (the other aim), one row a choice.
    groups : the groups to draw and their labels, at most four.
    what : what a mark is, for the subtitle and the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    group : the column that holds the groups.
    """
    published(table)
    check_series(groups)
    drawn = table[table[group].isin(list(groups))]
    points = {
        name: drawn[drawn[group] == name].sort_values("value", ascending=False) for name in groups
    }

    def draw(phone: bool):
        figure = canvas(4.2, phone)
        ax = figure.subplots()
        for place, name in enumerate(groups):
            ax.plot(
                points[name]["value"], points[name]["estimate"], marker=MARKS[place], markersize=7,
                color=colours()[place], linestyle=LINES[place], linewidth=1.4, label=groups[name],
            )  # fmt: skip
        ax.margins(0.06)
        label_axes(ax, *axes, phone, key_lines=len(groups) if phone else 1)
        key_above(ax, 1 if phone else len(groups))
        return figure

    said = []
    for name, label in groups.items():
        ends = points[name].iloc[[0, -1]] if len(points[name]) > 1 else points[name]
        told = " to ".join(f"{row.value:.1f} and {row.estimate:.1f}" for row in ends.itertuples())
        count = f"{len(points[name])} choice{'' if len(points[name]) == 1 else 's'}"
        said.append(f"{label}: {count}, from {told}")
    across, up = (" ".join(axis.split()) for axis in axes)
    alt = f"Chart of {what}. {across} and {up[0].lower()}{up[1:]}: {'; '.join(said)}."
    note = "Each mark is one choice."
    return finish(draw, alt, table, drawn, what, note, " ".join(axes), words=groups)
