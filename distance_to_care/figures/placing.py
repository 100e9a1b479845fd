"""Where words stand, so that none hides another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from distance_to_care.figures.style import INK, behind, colours


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


def name_curves(
    ax, curves: Sequence[tuple[pd.DataFrame, str]], x: str, size: float = 10, inches: float = 3.1
) -> None:
    """Write the name of each curve where readers can tell whose it is.

    That is beside its end at the right edge, or, where curves end together, on the curve where they
    lie furthest apart. A curve that ends before the edge has its name at its end; where several
    end early at one place, a key inside the plot names all.

    curves : for each curve its points, in the order of the colours, and its name. x : the column
    of the horizontal axis. size : of the text. inches : how high the plot is, about.
    """
    line = 1.22 * size / 72 / inches
    left, right = ax.get_xlim()
    ends = [(points.iloc[-1], text) for points, text in curves]
    early = [i for i, (row, _) in enumerate(ends) if row[x] < right - 0.02 * (right - left)]
    if _gap([_part(ax, ends[i][0]["estimate"]) for i in early]) < line:
        ax.legend(
            ax.get_lines()[: len(curves)], [text.replace("\n", " ") for _, text in curves],
            loc="upper right", frameon=False, handlelength=2.4,
            prop={"size": size, "weight": "bold"},
        )  # fmt: skip
        return
    if early:
        for i in early:
            others = [points for j, (points, _) in enumerate(curves) if j != i]
            _at_early_end(ax, curves[i], others, x, size)
        reaching = [i for i in range(len(ends)) if i not in early]
        _beside_ends(ax, [ends[i] for i in reaching], reaching, x, size, line)
        return
    place, gap = _furthest_apart(ax, [points for points, _ in curves], x)
    if _gap([_part(ax, row["estimate"]) for row, _ in ends]) > line or gap < 1.5 * line:
        _beside_ends(ax, ends, range(len(ends)), x, size, line)
        return
    for points, text in curves:
        at = float(np.interp(place, points[x], points["estimate"]))
        ax.annotate(
            text.replace("\n", " "), (place, at), (5, 3), textcoords="offset points", size=size,
            color=INK, weight="bold", bbox=behind(0.5, alpha=0.75, bold=True),
        )  # fmt: skip


def _furthest_apart(ax, curves: Sequence[pd.DataFrame], x: str) -> tuple[float, float]:
    """Find the place where the two nearest curves are furthest apart, and that gap.

    Names stand to the right of the place, so that it lies in the left part of the plot.
    """
    low, high = ax.get_xlim()
    reach = max(points[x].min() for points in curves), min(points[x].max() for points in curves)
    if ax.get_xscale() == "log":
        found = np.geomspace(low, high, 40)[4:26]
    else:
        found = np.linspace(low, high, 40)[4:26]
    found = [place for place in found if reach[0] <= place <= reach[1]]
    gaps = {
        place: _gap([_part(ax, np.interp(place, c[x], c["estimate"])) for c in curves])
        for place in found
    }
    best = max(gaps, key=gaps.__getitem__, default=low)
    return float(best), gaps.get(best, 0.0)


def _gap(parts: Sequence[float]) -> float:
    """The least distance between neighbours."""
    return float(np.diff(sorted(parts)).min()) if len(parts) > 1 else 1.0


def _part(ax, value: float) -> float:
    """How far up the plot a value lies, from 0 to 1."""
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log":
        value, low, high = math.log(value), math.log(low), math.log(high)
    return min(1.0, max(0.0, (float(value) - low) / (high - low)))


def _at_early_end(
    ax, curve: tuple[pd.DataFrame, str], others: Sequence[pd.DataFrame], x: str, size: float
) -> None:
    """Write the name of a curve at its end within the plot, on the side where no other curve is."""
    points, text = curve
    place, height = points.iloc[-1][x], points.iloc[-1]["estimate"]
    beside = [
        np.interp(place, other[x], other["estimate"])
        for other in others
        if other[x].min() <= place <= other[x].max()
    ]
    above = bool(beside) and height > max(beside)
    low, high = ax.get_xlim()
    # Beyond the middle there may be no room to the right: over or under the curve's own end.
    to_the_left = place > (low + high) / 2
    if to_the_left:
        near = points.loc[points[x] > place - 0.4 * (high - low), "estimate"]
        height = near.max() if above else near.min()
    ax.annotate(
        text.replace("\n", " "), (place, height), (0 if to_the_left else 4, 5 if above else -5),
        textcoords="offset points", ha="right" if to_the_left else "left",
        va="bottom" if above else "top", size=size, color=INK, weight="bold",
    ).set_in_layout(False)  # fmt: skip


def _beside_ends(
    ax,
    ends: Sequence[tuple[pd.Series, str]],
    places: Sequence[int],
    x: str,
    size: float,
    line: float,
) -> None:
    """Write names beside the ends of curves, moved apart where two would overlap.

    places : of the curves among all that are drawn, by which they have their colours.
    """
    values = [_part(ax, row["estimate"]) for row, _ in ends]
    rooms = [line * (1.2 + text.count("\n")) for _, text in ends]
    for i, (place, (row, text)) in enumerate(zip(apart(values, rooms, 0, 1), ends, strict=True)):
        moved = abs(place - values[i]) > 0.02
        arrow = {"arrowstyle": "-", "lw": 0.8, "relpos": (0, 0.5), "color": colours()[places[i]]}
        ax.annotate(
            text, (row[x], row["estimate"]), (1.035 if moved else 1.015, place),
            textcoords="axes fraction", va="center", size=size, color=INK, weight="bold",
            annotation_clip=False, linespacing=1.15, arrowprops=arrow if moved else None,
        )  # fmt: skip
