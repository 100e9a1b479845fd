"""Ranges: an estimate and how far it moves with what is assumed or counted."""

from __future__ import annotations

import pandas as pd

from distance_to_care.figures.canvas import Drawing, finish, key_above, label_axes
from distance_to_care.figures.named_rows import NamedRows, step_for
from distance_to_care.figures.style import INK, MARKS, check_series, colours

LISTS_MARK = "Mark: base list. Bar: lowest to highest over the three lists."


def ranges(
    table: pd.DataFrame,
    axis: str,
    groups: dict[str, str],
    what: str,
    levels: dict[str, str] | None = None,
    form: str = "{:.0f}",
    over: str = "the base list of centres, and in brackets the range over the lists",
    mark: str = LISTS_MARK,
) -> Drawing:
    """Draw an estimate with its range: as a rule the base list, and the range over the lists.

    Parameters
    ----------
    table : published table; `group`, `level`, `low`, `high` (or `ci_low`, `ci_high`), `estimate`
        (empty where a place is told as a range only).
    axis, what, form : as for `bars`.
    groups, levels : what to draw and how to name it, in order; at most four levels, and none
        for a table with one row a group.
    over : what the mark and the range are, for the alternative text.
    mark : the same for the line below the drawing, where it is not the base list and three lists.
    """
    drawn = table[table["group"].isin(list(groups))]
    if "low" not in drawn:
        drawn = drawn.assign(low=drawn["ci_low"], high=drawn["ci_high"])
    by_level = drawn.assign(level="all") if levels is None else drawn
    levels = {"all": ""} if levels is None else levels
    check_series(levels)
    by_level = by_level[by_level["level"].isin(list(levels))]
    drawn = drawn.loc[by_level.index]
    rows = by_level.set_index(["level", "group"])
    texts = {
        (level, group): _in_words(rows.loc[(level, group)], form, mark == LISTS_MARK)
        for level in levels
        for group in groups
    }

    def draw(phone: bool):
        place = NamedRows(
            list(groups.values()), phone, len(levels), step=step_for(texts.values(), phone)
        )
        ax = place.ax
        _set_axis(ax, drawn, axis, phone)
        for i, level in enumerate(levels):
            for row, group in enumerate(groups):
                found, at = rows.loc[(level, group)], place.at(row, i)
                ax.plot(
                    [found["low"], found["high"]], [at, at], color=colours()[i],
                    linewidth=4.5, alpha=0.45, solid_capstyle="butt",
                )  # fmt: skip
                ax.plot(
                    found["estimate"], at, MARKS[i], color=colours()[i], markersize=7,
                    clip_on=False,
                )  # fmt: skip
                place.number(row, i, texts[level, group])
        if len(levels) > 1:
            reach = ["low", "high", "estimate"]
            found = [
                [rows.loc[(level, g), reach].astype(float) for level in levels] for g in groups
            ]
            ends = [[(each.min(), each.max()) for each in row] for row in found]
            if not place.name_marks(list(levels.values()), ends):
                for i, name in enumerate(levels.values()):
                    ax.plot([], [], MARKS[i], color=colours()[i], label=name)
                key_above(ax, 1 if phone else len(levels))
        return place.figure

    said = []
    for level, name in levels.items():
        listed = "; ".join(f"{groups[g]}: {texts[level, g]}" for g in groups)
        said.append(f"{name}: {listed}.".removeprefix(": "))
    alt = f"Range chart of {what}: {over}. {' '.join(said)}"
    return finish(draw, alt, table, table.loc[drawn.index], what, mark, axis, words=groups)


def _set_axis(ax, drawn: pd.DataFrame, axis: str, phone: bool) -> None:
    """Set the axis of ranges: from nothing, and no tick beyond what is drawn."""
    ends = drawn[["low", "high", "estimate"]].astype(float)
    highest, lowest = float(ends.max(axis=None)), float(ends.min(axis=None))
    ax.set_xlim(min(0, lowest * 1.05), highest * 1.04 or 1)
    if lowest < 0:
        ax.axvline(0, color=INK, linewidth=1)
    # Long numbers side by side would run into one another.
    ax.locator_params(axis="x", nbins=(3 if highest >= 10_000 else 5) if phone else 8)
    ticks = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    ax.set_xticks(ticks)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    label_axes(ax, axis, phone=phone)


def _in_words(row: pd.Series, form: str, over_lists: bool) -> str:
    """Write a range: `24 (20 to 31)`, `20 to 31` without an estimate, `24 on every list`."""
    low, high, estimate = (form.format(row[end]) for end in ("low", "high", "estimate"))
    known = pd.notna(row["estimate"])
    if pd.isna(row["low"]):
        return estimate if known else "withheld"
    if low == high and (not known or estimate == low):
        return f"{low} on every list" if over_lists else low
    return f"{estimate} ({low} to {high})" if known else f"{low} to {high}"
