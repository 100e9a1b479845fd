"""Lines along a number: an estimate with its band, each line named where it ends."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    canvas,
    finish,
    label_axes,
    published,
    ratio_scale,
    withheld,
    wrapped,
)
from distance_to_care.figures.placing import name_curves
from distance_to_care.figures.style import INK, LINES, MARKS, behind, check_series, colours
from distance_to_care.figures.written import ENDS, plain, plain_ticks, sides, spoken

BAND = 0.18
NAME, NAME_PHONE = 20, 13


def lines(
    table: pd.DataFrame,
    x: str,
    groups: dict[str, str],
    what: str,
    axes: tuple[str, str],
    none: float | None = None,
    at: Sequence[float] = (),
    points: Sequence[str] = (),
) -> Drawing:
    """Draw an estimate with its 95% band along a number, one line a group: for example minutes.

    Parameters
    ----------
    table : published table; the column `x`, `group`, `estimate`, `ci_low`, `ci_high` (the interval
        may be empty).
    x : the column along the horizontal axis.
    groups : the groups to draw and their labels, at most four.
    what : what the lines show, for the subtitle and the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    none : where a horizontal line says that there is no effect: 1 makes the scale logarithmic.
    at : values of `x` at which the alternative text reads the lines off; at the last of them, or
        where the shorter line ends before it, the headline counts the intervals.
    points : groups whose few points no line joins; their start, where nothing has happened yet, is
        left out.
    """
    published(table)
    check_series(groups)
    drawn = table[table["group"].isin(list(groups))].sort_values(["group", x])
    rows = {group: drawn[drawn["group"] == group] for group in groups}
    rows |= {group: rows[group][rows[group][x] > 0] for group in points}
    shown = {g: r for g, r in rows.items() if not (r.dropna(subset="estimate")[x] == 0).all()}
    bands = [c for c in ("ci_low", "ci_high") if c in drawn and drawn[c].notna().any()]

    def draw(phone: bool):
        figure = canvas(3.9, phone)
        ax = figure.subplots()
        ends = []
        for place, (group, name) in enumerate(groups.items()):
            if group not in shown:
                continue
            known = shown[group].dropna(subset="estimate")
            colour = colours()[place]
            ends.append((known, "\n".join(wrapped(name, NAME_PHONE if phone else NAME))))
            if group in points:
                dots(ax, known, x, place)
                continue
            ax.plot(
                shown[group][x], shown[group]["estimate"], linestyle=LINES[place], linewidth=2.2,
                color=colour,
            )  # fmt: skip
            if bands:
                low, high = (shown[group][c].astype(float) for c in ("ci_low", "ci_high"))
                ax.fill_between(shown[group][x], low, high, color=colour, alpha=BAND, linewidth=0)
        if none is not None:
            ax.axhline(none, color=INK, linewidth=1)
        if none == 1:
            values = drawn[["estimate", *bands]].to_numpy(float).ravel().tolist()
            ratio_scale(ax, values, "y")
        if not shown:
            withheld(ax)
        else:
            ax.set_xlim(drawn[x].min(), drawn[x].max())
            if none is None and ax.get_ylim()[0] > 0:
                ax.set_ylim(bottom=0)
        if len(groups) > 1:
            name_curves(ax, ends, x, 9.5 if phone else 10)
        label_axes(ax, axes[0], axes[1], phone)
        return figure

    said = []
    for group, name in groups.items():
        if group not in shown:
            said.append(f"{name}: withheld, too few people")
            continue
        known = shown[group].dropna(subset="estimate")
        read = known if group in points else known.iloc[[0, -1]]
        read = known[known[x].isin(list(at))] if at else read
        said.append(f"{name}: {', '.join(_read_off(row, x) for _, row in read.iterrows())}")
    across, up = (" ".join(axis.split()) for axis in axes)
    alt = f"Line chart of {what}. {up}, by {across[0].lower()}{across[1:]}: {'; '.join(said)}."
    note = ["Band: 95% interval."] if bands else []
    note += off_by(drawn)
    says = "" if none is None else _far_out(list(shown.values()), x, none, at)
    note, axis = " ".join(note), " ".join(axes)
    return finish(draw, alt, table, drawn, what, note, axis, says=says, words=groups)


def dots(ax, known: pd.DataFrame, x: str, place: int) -> None:
    """Draw points with their 95% intervals, which no line joins; `place` is that of their group."""
    told = known["estimate"].tolist()
    off = [(known[c] - told).abs().tolist() for c in ENDS]
    ax.errorbar(
        known[x].tolist(), told, yerr=off, fmt=MARKS[place], markersize=6, color=colours()[place]
    )


def _far_out(shown: Sequence[pd.DataFrame], x: str, none: float, at: Sequence[float]) -> str:
    """Count on which side of no effect the intervals lie, far out where every line has one."""
    known = [rows.dropna(subset=["estimate", *ENDS]).set_index(x) for rows in shown]
    both = set.intersection(*(set(rows.index) for rows in known)) if known else set()
    place = max((value for value in both if not at or value <= at[-1]), default=None)
    if place is None:
        return "no interval to go by"
    return f"at {place:g} {sides(pd.concat([rows.loc[[place]] for rows in known]), none)}"


def off_by(curves: pd.DataFrame) -> list[str]:
    """Say how far the lines between the published points may be from the exact curve."""
    if "largest_error" not in curves or curves["largest_error"].isna().all():
        return []
    off = f"{100 * float(curves['largest_error'].max()):g}"
    return [f"Between points the exact curve is up to {off} percentage points from the line."]


def _read_off(row: pd.Series, x: str) -> str:
    """One point of a line in words: the estimate with its interval, and where it stands."""
    digits = 2 if abs(row["estimate"]) < 10 else 0
    ends = ""
    if pd.notna(row.get("ci_low")):
        ends = f" ({row['ci_low']:.{digits}f} to {row['ci_high']:.{digits}f})"
    return f"{row['estimate']:.{digits}f}{ends} at {row[x]:g}"


def curves(
    table: pd.DataFrame,
    x: str,
    groups: dict[str, str],
    what: str,
    axes: tuple[str, str],
    at: Sequence[float] = (),
    form: str = "{:.1f}",
    logarithmic: bool = False,
    top: float | None = None,
    level: tuple[float, str] | None = None,
    over: str = "the range over draws of the assumptions",
    marks: pd.DataFrame | None = None,
    note: str = "",
) -> Drawing:
    """Draw curves with bands of `low` and `high`, each named where it ends: for example a risk.

    Parameters
    ----------
    table : published table; the column `x`, `group`, `estimate`, `low`, `high` (a band may be
        empty).
    x : the column along the horizontal axis.
    groups : the groups to draw and their labels, at most four.
    what : what the curves show, for the subtitle and the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    at : values of `x` at which the alternative text reads the curves off; their ends by default.
    form : how an estimate is written.
    logarithmic : whether the horizontal axis is logarithmic.
    top : the upper end of the vertical axis, which begins at zero; what is drawn by default.
    level : a height to mark with a dashed line, and the words on it.
    over : what a band is, for the alternative text and the line below the drawing.
    marks : points to mark and name: the column `x`, `estimate`, `title`; a published table too.
    note : words below the drawing, after those on the band.
    """
    published(table)
    check_series(groups)
    drawn = table[table["group"].isin(list(groups))].sort_values(["group", x])
    rows = {group: drawn[drawn["group"] == group] for group in groups}
    banded = drawn["low"].notna().any()
    highest = top or float(drawn[["estimate", "high"]].max(axis=None)) * 1.06 or 1
    lowest = min(0, float(drawn[["estimate", "low"]].min(axis=None)) * 1.06)

    def draw(phone: bool):
        figure = canvas(3.9, phone)
        ax = figure.subplots()
        for place, points in enumerate(rows.values()):
            colour = colours()[place]
            ax.plot(
                points[x], points["estimate"], color=colour, linestyle=LINES[place], linewidth=2.2
            )
            low, high = points["low"].astype(float), points["high"].astype(float)
            ax.fill_between(points[x], low, high, color=colour, alpha=BAND, linewidth=0)
        ax.set_ylim(lowest, highest)
        if logarithmic:
            ax.set_xscale("log")
            ax.minorticks_off()
        ax.set_xlim(drawn[x].min(), drawn[x].max())
        if logarithmic:
            ticks = plain_ticks(*ax.get_xlim())
            ticks = ticks[::2] if phone and len(ticks) > 4 else ticks
            ax.set_xticks(ticks, [plain(tick) for tick in ticks])
        else:
            ax.locator_params(axis="x", nbins=5 if phone else 8)
            ax.xaxis.set_major_formatter(lambda value, _: plain(value))
        ax.yaxis.set_major_formatter(lambda value, _: plain(value))
        if level:
            ax.axhline(level[0], color=INK, linewidth=1, linestyle=(0, (4, 3)))
            ax.annotate(
                level[1], (0.01, level[0]), (0, 3), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", color=INK, size=9,
            )  # fmt: skip
        for _, row in marks.iterrows() if marks is not None else ():
            ax.plot(row[x], row["estimate"], "o", color=INK, markersize=6, clip_on=False)
            text = f"{row['title']}: {form.format(row['estimate'])}"
            across, _ = ax.transAxes.inverted().transform(ax.transData.transform((row[x], highest)))
            left = across < 0.6
            ax.annotate(
                "\n".join(wrapped(text, 18)) if phone else text, (row[x], row["estimate"]),
                (7 if left else -5, 6), ha="left" if left else "right",
                textcoords="offset points", color=INK, size=9,
                bbox=behind(0.5, "left" if left else "right", 0.75),
            )  # fmt: skip
        if len(groups) > 1:
            ends = [
                (points, "\n".join(wrapped(groups[g], NAME_PHONE if phone else NAME)))
                for g, points in rows.items()
            ]
            name_curves(ax, ends, x, 9.5 if phone else 10)
        label_axes(ax, *axes, phone)
        return figure

    said = []
    for group, points in rows.items():
        read = points[points[x].isin(list(at))] if at else points.iloc[[0, -1]]
        values = ", ".join(_in_words(row, x, form) for _, row in read.iterrows())
        said.append(f"{groups[group]}: {values}")
    for _, row in marks.iterrows() if marks is not None else ():
        said.append(f"marked, {row['title']}: {_in_words(row, x, form)}")
    across, up = (" ".join(axis.split()) for axis in axes)
    alt = (
        f"Line chart of {what}. {up}, by {across[0].lower()}{across[1:]}"
        f"{f', with {over}' if banded else ''}: {'; '.join(said)}."
    )
    note = f"Band: {over}. {note}".strip() if banded else note
    return finish(draw, alt, table, drawn, what, note, " ".join(axes), words=groups)


def _in_words(row: pd.Series, x: str, form: str) -> str:
    """One point of a curve in words: the estimate with its range, and where it stands."""
    band = ""
    if pd.notna(row["low"]):
        band = f" ({form.format(row['low'])} to {form.format(row['high'])})"
    place = plain(row[x]) if row[x] % 1e6 == 0 else spoken(row[x])
    return f"{form.format(row['estimate'])}{band} at {place}"
