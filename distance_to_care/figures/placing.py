"""Where words stand, so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from distance_to_care.figures.style import INK, colours


def apart(values: Sequence[float], rooms: Sequence[float], low: float, high: float) -> list[float]:
    """Move labels on a line apart: each as near to its value as the others' room leaves it.

    values : where the labels belong. rooms : how much of the line each takes. low, high : ends of
    the line.
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    places, floor = {}, low
    for i in order:
        places[i] = max(float(values[i]), floor + rooms[i] / 2)
        floor = places[i] + rooms[i] / 2
    ceiling = high
    for i in reversed(order):
        places[i] = min(places[i], ceiling - rooms[i] / 2)
        ceiling = places[i] - rooms[i] / 2
    return [places[i] for i in range(len(values))]


def name_at_ends(
    ax, ends: Sequence[tuple[pd.Series, str]], x: str, size: float = 10, plot_inches: float = 3.1
) -> None:
    """Write the name of each curve beside its end.

    ends : the last point of each curve and its name. x : the column of the horizontal axis.
    """
    low, high = ax.get_ylim()
    straight = ax.get_yscale() == "linear"
    # A line of text, as a part of the height of the plot.
    line = 1.22 * size / 72 / plot_inches

    def part(value: float) -> float:
        if straight:
            return (value - low) / (high - low)
        inverted = ax.transAxes.inverted()
        return float(inverted.transform(ax.transData.transform((1, value)))[1])

    values = [min(1.0, max(0.0, part(float(row["estimate"])))) for row, _ in ends]
    rooms = [line * (1 + text.count("\n")) for _, text in ends]
    right = ax.get_xlim()[1]
    for i, (place, (row, text)) in enumerate(zip(apart(values, rooms, 0, 1), ends, strict=True)):
        far = row[x] < right - 0.02 * (right - ax.get_xlim()[0])
        moved = far or abs(place - values[i]) > 0.02
        arrow = {"arrowstyle": "-", "color": colours()[i], "lw": 0.8, "relpos": (0, 0.5)}
        ax.annotate(
            text, (row[x], row["estimate"]), (1.035 if moved else 1.015, place),
            textcoords="axes fraction", va="center", size=size, color=INK, weight="bold",
            annotation_clip=False, linespacing=1.05, arrowprops=arrow if moved else None,
        )  # fmt: skip
