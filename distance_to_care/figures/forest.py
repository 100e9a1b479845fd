"""Forest plots: estimates with their intervals, one line a row, beside a line of no effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    canvas,
    finish,
    label_axes,
    published,
    ratio_scale,
    wrapped,
)
from distance_to_care.figures.named_rows import NamedRows, step_for
from distance_to_care.figures.style import GRID, INK, MARKS, behind, colours
from distance_to_care.figures.written import ENDS, Written, sides
from distance_to_care.problems import AnalysisError, Problem

# A plot of ratios reaches at least as far below one as this lies above, and the reverse.
ROOM = 1.25


def forest(
    table: pd.DataFrame,
    rows: Sequence[tuple[dict, str]],
    what: str,
    axis: str = "Hazard ratio (logarithmic scale)\n← lower death rate  |  higher death rate →",
    column: str = "estimate",
    none: float = 1,
    band: tuple[float, float] | None = None,
    form: str = "{:.2f}",
    derived: str = "",
    missing: str = "not estimated",
    after: str = "",
) -> Drawing:
    """Draw estimates with their intervals, one line a row: ratios, or differences.

    Parameters
    ----------
    table : published table; the estimates, `ci_low`, `ci_high`.
    rows : for each line, the column=value pairs that pick one row, and the line's label.
    what : what the estimates compare, for the subtitle and the alternative text.
    axis : label of the axis.
    column : the column of the estimates.
    none : where a vertical line says that there is no effect: 1 makes the scale logarithmic (for
        ratios), any other value keeps it straight (for differences).
    band : range to shade, for what is expected of the estimates.
    form : how an estimate is written.
    derived : the word in the column `status` of rows whose interval was not printed but derived:
        they are drawn hollow and dashed, and the figure says what that means.
    missing : what stands for a row without an estimate, or the column that says it. Its place in
        the plot holds a question mark, where the scale is one of ratios.
    after : a column whose word follows the estimate: `how_read`.
    """
    _, kind = published(table)
    picked = [(name, _row(table, where, name)) for where, name in rows]
    write = partial(Written(kind).format, form)
    hollow = [bool(derived) and row["status"] == derived for _, row in picked]
    texts = []
    for _, row in picked:
        text = "withheld" if row.get("suppressed", False) else str(row.get(missing, missing))
        if pd.notna(row[column]):
            text = write(row[column])
            if pd.notna(row["ci_low"]):
                text += f" ({write(row['ci_low'])} to {write(row['ci_high'])})"
        texts.append(text + (f", {row[after].replace('_', ' ')}" if after else ""))

    def draw(phone: bool):
        place = NamedRows(
            [name for name, _ in picked], phone, step=step_for(texts, phone),
            below=0.75, wide=42,
        )  # fmt: skip
        ax = place.ax
        if band:
            ax.axvspan(*band, color=GRID, alpha=0.6, linewidth=0)
        for at, ((_, row), is_hollow) in enumerate(zip(picked, hollow, strict=True)):
            height = place.at(at)
            ax.plot(
                [row["ci_low"], row["ci_high"]], [height, height], color=colours()[0], lw=2.2,
                ls=(0, (3, 2)) if is_hollow else "-",
            )  # fmt: skip
            ax.plot(
                row[column], height, "s", color=colours()[0], markersize=7,
                markerfacecolor="white" if is_hollow else colours()[0],
            )  # fmt: skip
            place.number(at, 0, texts[at])
        ax.axvline(none, color=INK, linewidth=1)
        if none == 1:
            # There is room on both sides of one: where nothing lies is to be seen as well.
            reach = [1 / ROOM, ROOM] + [r[c] for _, r in picked for c in (column, *ENDS)]
            ratio_scale(ax, reach, phone=phone)
            for at, (_, row) in enumerate(picked):
                if pd.isna(row[column]) and not row.get("suppressed", False):
                    # At the edge, not on the line of no difference: nobody knows where it lies.
                    ax.annotate(
                        "?", (0.02, place.at(at)), xycoords=ax.get_yaxis_transform(),
                        va="center", color=INK, bbox=behind(1.5),
                    )  # fmt: skip
        else:
            ax.locator_params(axis="x", nbins=5 if phone else 8)
        label_axes(ax, axis, phone=phone)
        return place.figure

    said = "; ".join(
        f"{' '.join(name.split())}: {text}" + (f", {derived}" if is_hollow else "")
        for (name, _), text, is_hollow in zip(picked, texts, hollow, strict=True)
    )
    note = "Mark: estimate. Line: 95% interval."
    note += f" Hollow and dashed: {derived}." if any(hollow) else ""
    alt = f"Forest plot of {what}; estimate and 95% confidence interval. {said}."
    drawn = pd.DataFrame([row for _, row in picked])
    says = sides(drawn, none)
    return finish(draw, alt, table, drawn.astype(table.dtypes), what, note, axis, says=says)


def _row(table: pd.DataFrame, where: Mapping, name: str) -> pd.Series:
    found = table
    for key, value in where.items():
        found = found[found[key] == value]
    if len(found) != 1:
        wrong = Problem if len(found) else AnalysisError
        raise wrong(f"The line '{name}' of a figure fits {len(found)} rows, not one.")
    return found.iloc[0]


def dots(
    table: pd.DataFrame,
    rows: Sequence[tuple[dict, str]],
    marks: Mapping[str, str],
    what: str,
    axis: str,
    column: str = "estimate",
    by: str = "engine",
    form: str = "{:.3g}",
    missing: str = "note",
) -> Drawing:
    """Draw ratios as small multiples: a plot a group, a line a row, on one logarithmic scale.

    Parameters
    ----------
    table : published table; the ratios, and the groups in the column `by`.
    rows : for each line, the column=value pairs that pick its rows, and the line's label.
    marks : the groups, a plot each, and how to name them.
    what : what the ratios are, for the subtitle and the alternative text.
    axis : label of the axis; a line marks 1.
    column : the column of the ratios.
    form : how a ratio is written.
    missing : the column that says why there is none.
    """
    found = []
    for where, _ in rows:
        part = table[table[by].isin(list(marks))]
        for key, value in where.items():
            part = part[part[key] == value]
        found.append(part)
    drawn = pd.concat(found)
    known = drawn[column].dropna().tolist()
    low, high = min([*known, 1]) / 1.6, max([*known, 1]) * 1.6

    def draw(phone: bool):
        across = 2 if phone else 3
        down = -(-len(marks) // across)
        figure = canvas(0.6 + down * (0.55 + (0.5 if phone else 0.3) * len(rows)), phone)
        parts = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for place, ax in enumerate(parts.ravel()):
            if place >= len(marks):
                ax.set_visible(False)
                continue
            group, name = list(marks.items())[place]
            ax.set_title(name, loc="left")
            ax.axvline(1, color=INK, linewidth=1)
            ax.set_xscale("log")
            ax.set_xlim(low, high)
            for line, part in enumerate(found):
                values = part.loc[part[by] == group, column].dropna()
                for value in values:
                    ax.plot(value, line, MARKS[0], color=colours()[0], markersize=6.5)
                    side = "left" if value < (low * high) ** 0.5 else "right"
                    ax.annotate(
                        _few_digits(value, form), (value, line),
                        (7 if side == "left" else -7, 0), textcoords="offset points", va="center",
                        ha=side, size=9, color=INK, bbox=behind(0.6, side),
                    )  # fmt: skip
                if values.empty:
                    ax.annotate("–", (1, line), va="center", ha="center", color=INK,
                                bbox=behind(1, "center"))  # fmt: skip
            powers = [power for power in range(-6, 8) if low <= 10.0**power <= high]
            # Many powers side by side would run into one another.
            ticks = [10.0**power for power in powers if len(powers) < 4 or power % 2 == 0]
            ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
            ax.minorticks_off()
            names = ["\n".join(wrapped(name, 14 if phone else 24)) for _, name in rows]
            ax.set_yticks(range(len(rows)), names, linespacing=1.0, size=8.5 if phone else 9.5)
            ax.set_ylim(len(rows) - 0.5, -0.5)
            ax.grid(axis="y", visible=False)
        figure.supxlabel(axis, size=10, color=INK)
        return figure

    said = []
    for (_, name), part in zip(rows, found, strict=True):
        told: list[str] = []
        for group, group_name in marks.items():
            for _, row in part[part[by] == group].iterrows():
                value = _few_digits(row[column], form) if pd.notna(row[column]) else ""
                told.append(f"{group_name} {value or row[missing] or 'not measured'}")
        said.append(f"{' '.join(name.split())}: {', '.join(told) or 'not measured'}")
    alt = f"Dot plots of {what}, on a logarithmic scale. {'; '.join(said)}."
    dash = "A dash: not measured." if drawn[column].isna().any() else ""
    return finish(draw, alt, table, drawn.astype(table.dtypes), what, dash)


def _few_digits(value: float, form: str) -> str:
    """Write a ratio with few digits and all of its noughts: `11,700`."""
    return f"{float(form.format(value)):,.10g}"
