"""Funnel plots: places by their size, inside the limits that chance explains."""

from __future__ import annotations

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    canvas,
    finish,
    label_axes,
    published,
    wrapped,
)
from distance_to_care.figures.style import INK, MUTED, colours
from distance_to_care.figures.written import plain
from distance_to_care.problems import Problem

# A kind of line for each level of limits, the narrowest first: told apart without colour.
LIMIT_LINES = ((0, (5, 2)), "-")
MARK = "Line: all together. Curves: what chance explains. Diamonds: outside both."


def funnel(
    table: pd.DataFrame,
    what: str,
    axes: tuple[str, str],
    named: str = "board",
    most: int = 4,
    note: str = "",
) -> Drawing:
    """Draw places by their size inside the limits that chance explains: a funnel plot.

    Parameters
    ----------
    table : published table with `measure`: rows `share` (a place: the column `named`, `value` its
        people, `estimate`, `verdict`), rows `limits` (`level` in per cent, `value`, `low`, `high`),
        and one row `all` (`estimate`).
    what : what a mark is, for the subtitle and the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    named : the column with the name of a place.
    most : how many places outside the wider limits are named in the figure.
    note : words that stand inside the figure wherever it is copied to, such as what is simulated.

    Raises
    ------
    Problem : there are more levels of limits than kinds of line to tell them apart.
    """
    published(table)
    places = table[table["measure"] == "share"].sort_values("value")
    limits = table[table["measure"] == "limits"].sort_values("value")
    levels = limits["level"].nunique()
    if levels > len(LIMIT_LINES):
        raise Problem(
            f"The funnel has {levels} levels of limits and a kind of line for {len(LIMIT_LINES)}. "
            "Keep the narrowest and the widest."
        )
    everybody = float(table.loc[table["measure"] == "all", "estimate"].iloc[0])
    outside = ~places["verdict"].str.startswith("within")
    gap = (places["estimate"] - everybody).abs()
    furthest = places[outside].loc[gap[outside].nlargest(most).index]

    def draw(phone: bool):
        figure = canvas(4.0, phone)
        ax = figure.subplots()
        for place, (level, held) in enumerate(limits.groupby("level", sort=True)):
            for end in ("low", "high"):
                line = {"linestyle": LIMIT_LINES[place], "linewidth": 1.4, "color": MUTED}
                ax.plot(held["value"], held[end], **line)
            ax.annotate(
                f"{level} of 100", (held["value"].iloc[-1], held["high"].iloc[-1]), (4, 0),
                textcoords="offset points", va="center", size=9, color=INK, annotation_clip=False,
            )  # fmt: skip
        ax.axhline(everybody, color=INK, linewidth=1)
        for mark, rows, colour in (
            ("o", places[~outside], colours()[0]), ("D", places[outside], colours()[3])
        ):  # fmt: skip
            ax.plot(rows["value"], rows["estimate"], mark, color=colour, markersize=6)
        middle = sum(ax.get_xlim()) / 2
        for row in _apart(furthest, places, ax.get_xlim(), ax.get_ylim(), phone).itertuples():
            right = row.value < middle
            ax.annotate(
                "\n".join(wrapped(getattr(row, named), 16 if phone else 26)),
                (row.value, row.estimate), (7 if right else -7, 4), textcoords="offset points",
                size=9, color=INK, ha="left" if right else "right",
            )  # fmt: skip
        ax.locator_params(axis="x", nbins=5 if phone else 8)
        ax.xaxis.set_major_formatter(lambda value, _: plain(value))
        ax.set_ylim(bottom=min(0, float(places["estimate"].min())))
        label_axes(ax, *axes, phone)
        return figure

    across, up = (" ".join(axis.split()) for axis in axes)
    told = "; ".join(
        f"{getattr(row, named)} {row.estimate:.1f} ({row.verdict})"
        for row in places[outside].itertuples()
    )
    alt = (
        f"{' '.join(filter(None, (note, f'Funnel plot of {what}.')))} "
        f"{up}, by {across[0].lower()}{across[1:]}: "
        f"{everybody:.1f} for all together; {len(places)} marks from "
        f"{places['estimate'].min():.1f} to {places['estimate'].max():.1f}, "
        f"{int(outside.sum())} outside what chance explains{': ' if told else ''}{told}."
    )
    said = f"{note} {MARK}".strip()
    return finish(draw, alt, table, pd.concat([places, limits]), what, said)


def _apart(
    places: pd.DataFrame,
    marks: pd.DataFrame,
    across: tuple[float, float],
    up: tuple[float, float],
    phone: bool,
) -> pd.DataFrame:
    """Keep the places whose names have room: no kept name lies close, and no mark lies below it.

    A name stands beside its mark, towards the middle, and somewhat above it.
    """
    wide = (0.6 if phone else 0.3) * (across[1] - across[0])
    tall = (0.1 if phone else 0.06) * (up[1] - up[0])
    kept: list = []
    for row in places.itertuples():
        near = [
            abs(row.value - other.value) < wide and abs(row.estimate - other.estimate) < tall
            for other in kept
        ]
        beside = (marks["value"] - row.value) * (1 if row.value < sum(across) / 2 else -1)
        above = marks["estimate"] - row.estimate
        hidden = beside.between(0, wide / 2, "right") & above.between(-tall / 3, tall)
        if not any(near) and not hidden.any():
            kept.append(row)
    return places.loc[[row.Index for row in kept]]
