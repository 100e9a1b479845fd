"""Slopes: the same groups in two states, joined, so that the eye reads which way each goes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from distance_to_care.figures.canvas import Drawing, canvas, finish, label_axes, wrapped
from distance_to_care.figures.placing import apart
from distance_to_care.figures.style import INK, LINES, MARKS, check_series, colours
from distance_to_care.problems import Problem

RANGES = (("low", "high"), ("ci_low", "ci_high"))


def slope(
    table: pd.DataFrame,
    groups: Mapping[str, str],
    ends: Mapping[str, str],
    what: str,
    axis: str,
    form: str = "{:.0f}",
    by: str = "group",
    state: str = "level",
    over: str = "",
    mark: str = "",
) -> Drawing:
    """Draw two states of each group joined by a line, named where it ends.

    Lines that begin together are named where they begin as well: their numbers stand side by side.

    Parameters
    ----------
    table : published table; one row a group and state: the columns `by` and `state`, `estimate`,
        and `low` and `high` or `ci_low` and `ci_high` where there is a range.
    groups : the groups to draw, at most four, and their names.
    ends : the two states and how they are headed, left and right.
    what, axis, form : as for `bars`.
    over : what the range is, for the alternative text. mark : the same, below the drawing.

    Raises
    ------
    Problem : not two states, more than four groups, or a state of a group with no row or several.
    """
    check_series(groups)
    if len(ends) != 2:
        raise Problem(f"A slope has two states, not {len(ends)}.")
    drawn = table[table[by].isin(list(groups)) & table[state].isin(list(ends))]
    rows = drawn.set_index([by, state])
    for group in groups:
        for end in ends:
            if (count := int(((drawn[by] == group) & (drawn[state] == end)).sum())) != 1:
                raise Problem(
                    f"The state '{end}' of the group '{group}' fits {count} rows, not one."
                )
    low, high = next(
        (pair for pair in RANGES if set(pair) <= set(rows) and rows[pair[0]].notna().any()),
        ("estimate", "estimate"),
    )
    texts = {}
    for group in groups:
        for end in ends:
            row = rows.loc[(group, end)]
            bounds = ""
            if low != "estimate" and pd.notna(row[low]):
                bounds = f" ({form.format(row[low])} to {form.format(row[high])})"
            texts[group, end] = form.format(row["estimate"]) + bounds

    def draw(phone: bool):
        figure = canvas(3.6, phone)
        ax = figure.subplots()
        highest = float(rows[["estimate", high]].astype(float).max(axis=None))
        lowest = float(rows[["estimate", low]].astype(float).min(axis=None))
        bottom, top = min(0.0, lowest * 1.05), highest * 1.05
        ax.set_ylim(bottom, top)
        for i, group in enumerate(groups):
            # Ranges of groups that end alike stand side by side.
            off = 0.025 * (i - (len(groups) - 1) / 2)
            points = [rows.loc[(group, end)] for end in ends]
            across = [0 + off, 1 + off]
            ax.plot(
                across, [row["estimate"] for row in points], marker=MARKS[i], markersize=7,
                linestyle=LINES[i], color=colours()[i], linewidth=2.2,
            )  # fmt: skip
            for x, row in zip(across, points, strict=True):
                if low != "estimate" and pd.notna(row[low]):
                    ax.plot(
                        [x, x], [row[low], row[high]], color=colours()[i], lw=4, alpha=0.4,
                        solid_capstyle="butt",
                    )  # fmt: skip
        for x, end, side in ((-0.09, list(ends)[0], "right"), (1.09, list(ends)[1], "left")):
            labels = []
            values = [float(rows.loc[(g, end), "estimate"]) for g in groups]
            line = (top - bottom) * 0.055
            for value, (name_of, name) in zip(values, groups.items(), strict=True):
                # A number is never parted; on a phone its range has a line of its own.
                number = texts[name_of, end]
                if side == "right" and phone:
                    number = number.replace(" (", "\n(")
                together = sum(abs(value - other) < line for other in values) > 1
                if side == "left" or together:
                    number = "\n".join([*wrapped(name, 15 if phone else 24), number])
                labels.append(number)
            room = [(top - bottom) * 0.062 * (1 + text.count("\n")) for text in labels]
            for at, text in zip(apart(values, room, bottom, top), labels, strict=True):
                # Line by line: the lines of one text end where the font of the layout ends them.
                for down, part in enumerate(text.split("\n")):
                    height = at + line * (text.count("\n") / 2 - down)
                    ax.annotate(
                        part, (x, height), ha=side, va="center", color=INK, size=10,
                        weight="bold" if side == "left" else "normal", annotation_clip=False,
                    )  # fmt: skip
        ax.set_xlim(-0.12, 1.12)
        ax.set_xticks([0, 1], ["\n".join(wrapped(name, 18)) for name in ends.values()])
        ax.tick_params(axis="x", labelsize=11, labelcolor=INK)
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.grid(visible=False)
        for x in (0, 1):
            ax.axvline(x, color="#bdbdbd", lw=0.8, zorder=0)
        label_axes(ax, "", axis, phone)
        return figure

    said = "; ".join(
        f"{name}: " + ", ".join(f"{heading} {texts[group, end]}" for end, heading in ends.items())
        for group, name in groups.items()
    )
    alt = f"Slope chart of {what}{f': {over}' if over else ''}. {said}."
    return finish(draw, alt, table, drawn, what, mark, axis, words=groups)
