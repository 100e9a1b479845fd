"""People out of a hundred, each drawn as a person: for what publications report, and nothing else.

A picture of people is read as a promise about people, so that neither models nor synthetic people
are drawn like this.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.path import Path

from distance_to_care.figures.canvas import Drawing, canvas, finish, published, wrapped
from distance_to_care.figures.style import INK, MUTED, colours
from distance_to_care.problems import Problem

ACROSS = 10
MOST_GROUPS = 2


def _person() -> Path:
    """Draw a head above shoulders that end in two straight legs' width."""
    head = Path.circle((0, 0.62), 0.3)
    body = Path(
        [(-0.46, -0.95), (-0.46, 0.0), (-0.46, 0.25), (-0.2, 0.25), (0.2, 0.25), (0.46, 0.25),
         (0.46, 0.0), (0.46, -0.95), (-0.46, -0.95)],
        [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO, Path.CURVE3, Path.CURVE3,
         Path.LINETO, Path.CLOSEPOLY],
    )  # fmt: skip
    return Path.make_compound_path(head, body)


def icon_array(
    table: pd.DataFrame,
    groups: Mapping[str, str],
    happens: str,
    what: str,
    column: str = "estimate",
    by: str = "group",
) -> Drawing:
    """Draw a hundred people a group, filled where something happens to them and hollow otherwise.

    Parameters
    ----------
    table : published table of the kind `published`; one row a group: the column `by`, and the
        number of a hundred people in `column`, from 0 to 100. `ci_low` and `ci_high` are said
        below the people where the table has them.
    groups : the rows to draw, one or two, by their value in `by`, and their headings.
    happens : what happens to those who are filled: `alive after three years`.
    what : what is shown, for the subtitle and the alternative text.
    column, by : the columns of the numbers and of the groups.

    Raises
    ------
    Problem : a table of another kind, more than two groups, a group with none or several rows, or
        a number that is not one of a hundred people.
    """
    _, kind = published(table)
    if kind != "published":
        raise Problem(
            f"People out of 100 are drawn from published figures only, and this table is '{kind}': "
            "a picture of people is read as a promise about people."
        )
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise Problem(f"An icon array has one group or two, not {len(groups)}.")
    told = {}
    for group in groups:
        found = table[table[by] == group]
        if len(found) != 1:
            raise Problem(f"The group '{group}' of an icon array fits {len(found)} rows, not one.")
        row = found.iloc[0]
        if pd.isna(row[column]) or not 0 <= row[column] <= 100:
            raise Problem(
                f"The group '{group}' of an icon array has no number from 0 to 100 people."
            )
        told[group] = row
    said = {group: _in_words(row, column) for group, row in told.items()}

    def draw(phone: bool):
        figure = canvas(2.9 if phone else 3.5, phone)
        parts = figure.subplots(1, len(groups), squeeze=False)[0]
        for ax, (group, heading) in zip(parts, groups.items(), strict=True):
            _people(ax, round(float(told[group][column])), phone)
            ax.set_title("\n".join(wrapped(heading, 22 if phone else 40)), loc="left", size=11)
            room = 26 if phone else 44
            below = wrapped(f"{said[group]} {happens}", room if len(groups) > 1 else 2 * room)
            ax.set_xlabel("\n".join(below), loc="left", color=INK, size=10)
        return figure

    listed = "; ".join(f"{heading}: {said[group]} {happens}" for group, heading in groups.items())
    return finish(
        draw, f"Icon array of {what}. {listed}.", table, table[table[by].isin(list(groups))], what,
        f"Each figure is one person of 100. Filled: {happens}. Hollow: not.",
        words=groups,
    )  # fmt: skip


def _in_words(row: pd.Series, column: str) -> str:
    number = f"{round(float(row[column]))} of 100"
    if pd.isna(row.get("ci_low")) or pd.isna(row.get("ci_high")):
        return number
    return f"{number} (95% interval {row['ci_low']:.0f} to {row['ci_high']:.0f})"


def _people(ax, filled: int, phone: bool) -> None:
    """Draw ten rows of ten people, the filled ones first."""
    place = np.arange(100)
    across, down = place % ACROSS, place // ACROSS
    for those, face in ((place < filled, colours()[0]), (place >= filled, "white")):
        ax.plot(
            across[those], down[those], linestyle="", marker=_person(),
            markersize=10 if phone else 15, markerfacecolor=face,
            markeredgecolor=colours()[0] if face != "white" else MUTED, markeredgewidth=0.9,
        )  # fmt: skip
    ax.set_xlim(-0.6, ACROSS - 0.4)
    ax.set_ylim(ACROSS - 0.4, -0.7)
    ax.set_aspect("equal")
    ax.set_anchor("W")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
