"""Figures drawn from published tables, with alternative text made from the same numbers.

Nothing here sees a person: every function takes a table that was read back through the waist and
refuses any other. Colours are the UK Government Analysis Function's (library `afcharts`); groups
differ in line style and direct label as well, so that a figure reads in greyscale.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
import string
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial

import matplotlib as mpl
import pandas as pd
from afcharts.af_colours import get_af_colours
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from distance_to_care.problems import AnalysisError, Problem

SYNTHETIC = "Synthetic people: not findings about patients"
# Text stays text, and the same figure is the same bytes.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "distance-to-care",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#707070",
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}
INK = "#222222"
MUTED = "#6f777b"
WIDTH_INCHES = 7.2
# A second drawing for a narrow screen, shown at about five quarters of its size.
PHONE_INCHES = 3.9
PHONE_CHARACTERS = 44
LONG_TABLE = 30
CAR_WORDS = "car ownership not included"
SHARES_MARK = "Bars: exact 95% intervals. Nothing is averaged."
LISTS_MARK = "Mark: base list. Bar: lowest to highest over the three lists."
# Kinds of people: estimates about them were rounded to three figures.
ROUNDED = frozenset({"synthetic", "registry"})


@cache
def colours() -> tuple[str, ...]:
    """Return the categorical palette of the Government Analysis Function."""
    return tuple(get_af_colours("categorical", number_of_colours=6))


@dataclass(frozen=True)
class Drawing:
    """A figure as SVG text, what it shows in words, and the published table it was drawn from."""

    svg: str
    alt: str
    table: str
    kind: str
    rows: pd.DataFrame
    # A narrow drawing fits a phone as a whole; a wide one scrolls in its box there.
    narrow: bool = False
    # The same for a phone, where the wide one would hide its end; empty where there is none.
    phone: str = ""


def _published(table: pd.DataFrame) -> tuple[str, str]:
    name = table.attrs.get("published")
    if name is None:
        raise Problem(
            "A figure is drawn from a published table only: publish the table and draw what "
            "'publish' or 'read' hands back."
        )
    return name, str(table["kind"].iloc[0])


def _finish(
    figure: Figure, alt: str, table: pd.DataFrame, rows: pd.DataFrame, phone: Figure | None = None
) -> Drawing:
    name, kind = _published(table)
    if kind == "synthetic":
        # The word travels inside the image, whatever page it is copied to.
        for each in (figure, phone) if phone else (figure,):
            each.text(
                0.01, 0.995, _fitting(each, SYNTHETIC.upper(), 36), color="#801650", weight="bold",
                size=9, va="top",
            )  # fmt: skip
        alt = f"{SYNTHETIC}. {alt}"
    svg = _as_svg(figure, alt)
    return Drawing(
        svg=svg, alt=alt, table=name, kind=kind, rows=rows,
        phone=_as_svg(phone, alt) if phone else "",
    )  # fmt: skip


def _as_svg(figure: Figure, alt: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    # Laid out in DejaVu, shown in a narrower font that readers have, so labels cannot collide.
    svg = out.getvalue().replace("'DejaVu Sans'", "Arial, 'Liberation Sans', Helvetica, sans-serif")
    return svg[svg.index("<svg") :].replace(
        "<svg ", f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" ', 1
    )


def _canvas(height: float, width: float = WIDTH_INCHES) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _fitting(figure: Figure, text: str, characters: int = PHONE_CHARACTERS) -> str:
    """Break a text into lines on a drawing for a phone; leave it in one on a wide drawing."""
    wide = figure.get_figwidth() > PHONE_INCHES
    return text if wide else "\n".join(textwrap.wrap(text, characters))


def _room_for_warning(figure: Figure, kind: str) -> None:
    if kind == "synthetic":
        figure.get_layout_engine().set(rect=(0, 0, 1, 0.95))


def _told_inside(figure: Figure, axis: str, what: str, mark: str = "") -> None:
    """Write inside the figure what its marks mean, and that cars are not counted.

    A figure is copied without its page: the words on cars stand in it wherever its description
    has them.
    """
    words = [mark] if mark else []
    if CAR_WORDS in what.lower() and CAR_WORDS not in axis.lower():
        words.append(f"{CAR_WORDS.capitalize()}.")
    if words:
        told = _fitting(figure, " ".join(words), 50)
        figure.supxlabel(told, x=0.01, ha="left", size=9, color=MUTED)


def _key_above(ax, columns: int) -> None:
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False)


def bars(
    table: pd.DataFrame,
    axis: str,
    groups: dict[str, str],
    what: str,
    form: str = "{:.0f}",
) -> Drawing:
    """Draw one horizontal bar a group, with its interval where the table has one.

    Parameters
    ----------
    table : published table; `group`, `estimate`, `ci_low`, `ci_high`.
    axis : label of the axis, with its unit.
    groups : the groups to draw and their labels, top to bottom.
    what : what a bar is, for the alternative text: `mean travel minutes by deprivation decile`.
    form : how a value is written at the end of its bar.
    """
    _, kind = _published(table)
    rows = table.set_index("group").loc[list(groups)]
    with mpl.rc_context(STYLE):
        figure = _canvas(0.9 + 0.36 * len(rows))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        places = range(len(rows))
        ax.barh(places, rows["estimate"], color=colours()[0], height=0.72)
        has_interval = "ci_low" in rows and rows["ci_low"].notna().all()
        if has_interval:
            ax.errorbar(
                rows["estimate"],
                places,
                xerr=[rows["estimate"] - rows["ci_low"], rows["ci_high"] - rows["estimate"]],
                fmt="none",
                ecolor=INK,
                capsize=3,
            )
        top = rows["ci_high"] if has_interval else rows["estimate"]
        for place, value, end in zip(places, rows["estimate"], top, strict=True):
            ax.annotate(
                _written(value, form), (_or_zero(end), place), (4, 0),
                textcoords="offset points", va="center", color=INK,
            )  # fmt: skip
        ax.set_yticks(list(places), [groups[g] for g in rows.index])
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_xlim(0, _or_zero(top.max()) * 1.12 or 1)
        ax.set_xlabel(axis)
        _told_inside(figure, axis, what)
        listed = "; ".join(
            f"{groups[g]}: {_written(value, form)}" for g, value in rows["estimate"].items()
        )
        alt = f"Bar chart of {what}. {listed}."
        return _finish(figure, alt, table, table[table["group"].isin(list(groups))])


class Written(string.Formatter):
    """Writes numbers with no nought that claims a figure, and no minus before nought."""

    def __init__(self, kind: str) -> None:
        """`kind`: what the numbers are about."""
        self.rounded = kind in ROUNDED

    def format_field(self, value: object, format_spec: str) -> str:
        """Write a value."""
        asked = re.fullmatch(r"(,?)\.([1-9])f", format_spec)
        number = asked and isinstance(value, float) and value
        # A number with more than three figures was not rounded, and has them all.
        if self.rounded and number and float(f"{value:.3g}") == value:
            most = max(0, 2 - math.floor(math.log10(abs(value))))
            format_spec = f"{asked[1]}.{min(int(asked[2]), most)}f"
        text = super().format_field(value, format_spec)
        return text[1:] if re.fullmatch(r"-0(\.0+)?", text) else text


def _written(value: float, form: str) -> str:
    return form.format(value) if pd.notna(value) else "withheld"


def _or_zero(value: float) -> float:
    """The end of a bar: zero where the value was withheld."""
    return float(value) if pd.notna(value) else 0.0


def grouped_bars(
    table: pd.DataFrame,
    axis: str,
    groups: dict[str, str],
    levels: dict[str, str],
    what: str,
    form: str = "{:.0f}",
) -> Drawing:
    """Draw bars for each group, one a level, with a key: for example fifths, urban and rural.

    Parameters
    ----------
    table : published table; `group`, `level`, `estimate`.
    axis, what, form : as for `bars`.
    groups, levels : what to draw and how to name it, in order.
    """
    _, kind = _published(table)
    rows = table.set_index(["level", "group"])["estimate"]
    with mpl.rc_context(STYLE):
        figure = _canvas(1.5 + 0.28 * len(groups) * len(levels))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        height = 0.8 / len(levels)
        said = []
        for i, (level, level_name) in enumerate(levels.items()):
            values = rows.loc[level].reindex(list(groups))
            places = [k + (i - (len(levels) - 1) / 2) * height for k in range(len(groups))]
            ax.barh(
                places, values, height=height * 0.92, color=colours()[i],
                hatch=("", "///", "...")[i], edgecolor="white", label=level_name,
            )  # fmt: skip
            for place, value in zip(places, values, strict=True):
                ax.annotate(
                    _written(value, form), (_or_zero(value), place), (4, 0),
                    textcoords="offset points", va="center", color=INK, size=10,
                )  # fmt: skip
            listed = "; ".join(
                f"{groups[g]}: {_written(value, form)}" for g, value in values.items()
            )
            said.append(f"{level_name}: {listed}.")
        ax.set_yticks(range(len(groups)), list(groups.values()))
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_xlim(0, _or_zero(rows.max()) * 1.12 or 1)
        ax.set_xlabel(axis)
        _told_inside(figure, axis, what)
        _key_above(ax, len(levels))
        drawn = table["group"].isin(list(groups)) & table["level"].isin(list(levels))
        return _finish(figure, f"Bar chart of {what}. {' '.join(said)}", table, table[drawn])


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
    table : published table; `group`, `level`, `low`, `high`, `estimate` (empty where a place is
        told as a range only).
    axis, what, form : as for `bars`.
    groups, levels : what to draw and how to name it, in order; at most three levels, and none
        for a table with one row a group.
    over : what the mark and the range are, for the alternative text.
    mark : the same for the line below the axis, where it is not the base list and three lists.
    """
    _, kind = _published(table)
    drawn = table[table["group"].isin(list(groups))]
    if levels is None:
        levels, by_level = {"all": ""}, drawn.assign(level="all")
    else:
        drawn = drawn[drawn["level"].isin(list(levels))]
        by_level = drawn
    rows = by_level.set_index(["level", "group"])
    with mpl.rc_context(STYLE):
        figure = _canvas(1.5 + 0.26 * len(groups) * len(levels))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        step = 0.78 / len(levels)
        said = []
        for i, (level, level_name) in enumerate(levels.items()):
            listed = []
            for place, (group, group_name) in enumerate(groups.items()):
                row = rows.loc[(level, group)]
                at = place + (i - (len(levels) - 1) / 2) * step
                ax.plot(
                    [row["low"], row["high"]], [at, at], color=colours()[i],
                    linewidth=4, alpha=0.5, solid_capstyle="butt",
                )  # fmt: skip
                ax.plot(row["estimate"], at, "os^"[i], color=colours()[i], markersize=7)
                text = _range_in_words(row, form, mark == LISTS_MARK)
                ax.annotate(
                    text, (row["high"], at), (7, 0), textcoords="offset points", va="center",
                    color=INK, size=9,
                )  # fmt: skip
                listed.append(f"{group_name}: {text}")
            ax.plot([], [], "os^"[i], color=colours()[i], label=level_name)
            said.append(f"{level_name}: {'; '.join(listed)}.".removeprefix(": "))
        ax.set_yticks(range(len(groups)), list(groups.values()))
        ax.set_ylim(len(groups) - 0.5, -0.5)
        _axis_of_ranges(ax, drawn, axis, 1.28)
        _told_inside(figure, axis, what, mark)
        if len(levels) > 1:
            _key_above(ax, len(levels))
        phone = _ranges_on_a_phone(drawn, rows, axis, groups, what, levels, form, mark, kind)
        alt = f"Range chart of {what}: {over}. {' '.join(said)}"
        return _finish(figure, alt, table, drawn, phone)


def _axis_of_ranges(ax, drawn: pd.DataFrame, axis: str, room: float) -> None:
    """Set the axis of ranges: from nothing, with room for the numbers, and no share above all."""
    highest = float(drawn["high"].max())
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, highest * room or 1)
    if "per cent" in axis.lower() and highest <= 100:
        ax.set_xticks([tick for tick in ax.get_xticks() if tick <= 100])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.set_xlabel(_fitting(ax.get_figure(), axis))


def _ranges_on_a_phone(
    drawn: pd.DataFrame,
    rows: pd.DataFrame,
    axis: str,
    groups: dict[str, str],
    what: str,
    levels: dict[str, str],
    form: str,
    mark: str,
    kind: str,
) -> Figure:
    """Draw the ranges for a narrow screen: names above their marks, numbers at the right edge."""
    names = {group: textwrap.wrap(name, PHONE_CHARACTERS) for group, name in groups.items()}
    texts = {key: _range_in_words(rows.loc[key], form, mark == LISTS_MARK)
             for key in ((level, group) for group in groups for level in levels)}  # fmt: skip
    lines = sum(len(name) + len(levels) + 0.5 for name in names.values())
    key_lines = len(levels) if len(levels) > 1 else 0
    figure = _canvas(0.75 + 0.19 * (lines + key_lines + len(mark) / 50), PHONE_INCHES)
    _room_for_warning(figure, kind)
    ax = figure.subplots()
    at = 0.0
    for group, name in names.items():
        ax.annotate(
            "\n".join(name), (0.01, at), xycoords=ax.get_yaxis_transform(), va="top", size=10,
            weight="bold", color=INK,
        )  # fmt: skip
        at += len(name) - 0.5
        for i, level in enumerate(levels):
            at += 1
            row, colour = rows.loc[(level, group)], colours()[i]
            ax.plot(
                [row["low"], row["high"]], [at, at], color=colour, linewidth=4, alpha=0.5,
                solid_capstyle="butt",
            )  # fmt: skip
            ax.plot(row["estimate"], at, "os^"[i], color=colour, markersize=7)
            ax.annotate(
                texts[level, group], (0.995, at), xycoords=ax.get_yaxis_transform(), va="center",
                ha="right", size=10, color=INK,
            )  # fmt: skip
        at += 1
    for i, name in enumerate(levels.values()):
        ax.plot([], [], "os^"[i], color=colours()[i], label=name)
    ax.set_yticks([])
    ax.set_ylim(at - 0.3, -0.4)
    # A character of the numbers at the right takes about a fiftieth of the width.
    taken = min(0.65, 0.04 + 0.0185 * max(map(len, texts.values())))
    ax.locator_params(axis="x", nbins=6)
    _axis_of_ranges(ax, drawn, axis, 1 / (1 - taken))
    end = 1.05 * ax.get_xlim()[1] * (1 - taken)
    ax.set_xticks([tick for tick in ax.get_xticks() if tick <= end])
    _told_inside(figure, axis, what, mark)
    if len(levels) > 1:
        _key_above(ax, 1 if max(map(len, levels.values())) > 16 else len(levels))
    return figure


def _range_in_words(row: pd.Series, form: str, over_lists: bool) -> str:
    """Write a range: `24 (20 to 31)`, `20 to 31` without an estimate, `24 on every list`."""
    low, high, estimate = (form.format(row[end]) for end in ("low", "high", "estimate"))
    known = pd.notna(row["estimate"])
    if low == high and (not known or estimate == low):
        return f"{low} on every list" if over_lists else low
    return f"{estimate} ({low} to {high})" if known else f"{low} to {high}"


def survival_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame,
    summary: pd.DataFrame,
    groups: dict[str, str],
    what: str,
    since: str = "first clinic visit",
) -> Drawing:
    """Draw Kaplan-Meier curves: the first and last group in front, the others in grey.

    Points are the ends of merged steps, which lie on the exact curve; straight lines join them,
    since within a merged step it is not told when people died.

    Parameters
    ----------
    curves : published table of merged steps; `group`, `time_years`, `estimate`, `ci_low`,
        `ci_high` (probability).
    at_risk : published table; `group`, `time_years`, `at_risk` (people).
    summary : published table; its `survival` rows give the numbers of the alternative text.
    groups : the groups to draw and their labels; the first and the last are the contrast.
    what : what the curves compare, for the alternative text.
    since : when follow-up begins, for the label of the axis.
    """
    _, kind = _published(curves)
    _published(at_risk)
    _published(summary)
    names = list(groups)
    front = {names[0]: (colours()[0], "-"), names[-1]: (colours()[3], (0, (5, 2)))}
    with mpl.rc_context(STYLE):
        figure = _canvas(4.9)
        _room_for_warning(figure, kind)
        ax, below = figure.subplots(2, 1, height_ratios=[5, 0.28 * len(names)], sharex=True)
        said = []
        for group in sorted(names, key=lambda g: g in front):
            steps = curve_points(curves, summary, group)
            colour, line = front.get(group, ("#a6a6a6", "-"))
            ax.plot(
                steps["time_years"],
                100 * steps["estimate"],
                color=colour,
                linestyle=line,
                linewidth=2.2 if group in front else 1.1,
                label=groups[group] if group in front else None,
            )
            if group not in front and len(steps) > 1:
                end = steps.iloc[-1]
                ax.annotate(
                    groups[group], (end["time_years"], 100 * end["estimate"]), (3, 0),
                    textcoords="offset points", va="center", size=8, color=MUTED,
                )  # fmt: skip
            if group in front:
                ax.fill_between(
                    steps["time_years"],
                    100 * steps["ci_low"],
                    100 * steps["ci_high"],
                    color=colour,
                    alpha=0.15,
                    linewidth=0,
                )
        ax.plot([], [], color="#a6a6a6", linewidth=1.1, label="those between")
        _key_above(ax, 3)
        read_off = summary[summary["measure"] == "survival"]
        for group in names:
            reached = [
                f"{100 * row.estimate:.0f}% at {row.time_years:g} "
                + ("year" if row.time_years == 1 else "years")
                for row in read_off[read_off["group"] == group].itertuples()
                if pd.notna(row.estimate)
            ]
            said.append(f"{groups[group]}: {', '.join(reached) or 'too few people to say'}")
        ax.set_ylim(0, 100)
        last = float(curves.loc[curves["group"].isin(names), "time_years"].max())
        if last == 0:
            ax.annotate("Withheld: too few people died", (0.5, 50), ha="center", color=INK)
        ax.set_xlim(0, last or 1)
        ax.set_ylabel("People alive (%)")
        _numbers_at_risk(below, at_risk[at_risk["time_years"] <= last], groups)
        below.set_xlabel(f"Years since {since}{_off(curves[curves['group'].isin(names)])}")
        alt = (
            f"Kaplan-Meier curves of {what}, with 95% confidence bands for the first and the "
            f"last group. People alive, {'; '.join(said)}."
        )
        return _finish(figure, alt, curves, curves[curves["group"].isin(names)])


def _off(curves: pd.DataFrame) -> str:
    """Say how far the lines between the published points may be from the exact curve."""
    if "largest_error" not in curves or curves["largest_error"].isna().all():
        return ""
    off = f"{100 * float(curves['largest_error'].max()):g}"
    return f"\nBetween points the exact curve is up to {off} percentage points from the line"


def curve_points(curves: pd.DataFrame, summary: pd.DataFrame, group: str) -> pd.DataFrame:
    """Gather the published points of one curve: ends of merged steps, and fixed times.

    Returns `time_years`, `estimate`, `ci_low`, `ci_high` in order of time, up to the last step.
    """
    columns = ["time_years", "estimate", "ci_low", "ci_high"]
    steps = curves.loc[curves["group"] == group, columns]
    fixed = summary.loc[
        (summary["measure"] == "survival") & (summary["group"] == group), columns
    ].dropna()
    fixed = fixed[
        (fixed["time_years"] <= steps["time_years"].max())
        & ~fixed["time_years"].isin(steps["time_years"])
    ]
    return pd.concat([steps, fixed]).sort_values("time_years")


def _numbers_at_risk(ax, at_risk: pd.DataFrame, groups: dict[str, str]) -> None:
    """Write the people still followed below the curves, one line a group."""
    for place, (group, name) in enumerate(groups.items()):
        for row in at_risk[at_risk["group"] == group].itertuples():
            if pd.notna(row.at_risk):
                number = f"{row.at_risk:,}"
                ax.text(row.time_years, place, number, ha="center", va="center", size=9, color=INK)
        ax.text(
            -0.05, place, name, ha="right", va="center", size=9, color=INK,
            transform=ax.get_yaxis_transform(),
        )  # fmt: skip
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(axis="x", length=0)
    ax.set_title(
        "People still followed (none shown where withheld)", size=9, loc="left", color=MUTED
    )


# A plot of ratios reaches at least as far below one as this lies above, and the reverse.
ROOM = 1.25
ENDS = ("ci_low", "ci_high")


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
    what : what the estimates compare, for the alternative text.
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
    _, kind = _published(table)
    picked = []
    for where, name in rows:
        found = table
        for key, value in where.items():
            found = found[found[key] == value]
        if len(found) != 1:
            wrong = Problem if len(found) else AnalysisError
            raise wrong(f"The line '{name}' of a figure fits {len(found)} rows, not one.")
        picked.append((name, found.iloc[0]))
    with mpl.rc_context(STYLE):
        figure = _canvas(1.1 + 0.42 * len(picked))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        if band:
            ax.axvspan(*band, color="#d9d9d9", alpha=0.6, linewidth=0)
        said = []
        for place, (name, row) in enumerate(picked):
            hollow = bool(derived) and row["status"] == derived
            ax.plot(
                [row["ci_low"], row["ci_high"]], [place, place], color=colours()[0], lw=2,
                ls=(0, (3, 2)) if hollow else "-",
            )  # fmt: skip
            ax.plot(
                row[column], place, "s", color=colours()[0], markersize=7,
                markerfacecolor="white" if hollow else colours()[0],
            )  # fmt: skip
            text = "withheld" if row.get("suppressed", False) else str(row.get(missing, missing))
            if pd.notna(row[column]):
                write = partial(Written(kind).format, form)
                text = write(row[column])
                if pd.notna(row["ci_low"]):
                    text += f" ({write(row['ci_low'])} to {write(row['ci_high'])})"
            text += f", {row[after].replace('_', ' ')}" if after else ""
            ax.annotate(
                text, (1.02, place), xycoords=ax.get_yaxis_transform(), va="center",
                color=INK, annotation_clip=False,
            )  # fmt: skip
            words = " ".join(name.split())
            said.append(f"{words}: {text}" + (f", {derived}" if hollow else ""))
        ax.axvline(none, color=INK, linewidth=1)
        if none == 1:
            # There is room on both sides of one: where nothing lies is to be seen as well.
            room = [1 / ROOM, ROOM]
            _ratio_scale(ax, room + [r[c] for _, r in picked for c in (column, *ENDS)])
            for place, (_, row) in enumerate(picked):
                if pd.isna(row[column]) and not row.get("suppressed", False):
                    # At the edge, not on the line of no difference: nobody knows where it lies.
                    box = {"fc": "white", "ec": "none", "pad": 1.5}
                    place = (0.02, place)
                    ax.annotate("?", place, xycoords=ax.get_yaxis_transform(), va="center",
                                color=INK, bbox=box)  # fmt: skip
        ax.set_yticks(range(len(picked)), [name for name, _ in picked])
        ax.set_ylim(len(picked) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(axis)
        dashed = bool(derived) and any(row["status"] == derived for _, row in picked)
        _told_inside(figure, axis, what, f"Hollow and dashed: {derived}." if dashed else "")
        alt = f"Forest plot of {what}; estimate and 95% confidence interval. {'; '.join(said)}."
        drawn = pd.DataFrame([row for _, row in picked])
        return _finish(figure, alt, table, drawn.astype(table.dtypes))


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
    """Draw ratios as marks on a logarithmic scale, one line a row and one mark a group.

    Parameters
    ----------
    table : published table; the ratios, and the groups in the column `by`.
    rows : for each line, the column=value pairs that pick its rows, and the line's label.
    marks : the groups to draw, at most six, and how to name them; none for a row is left out.
    what : what the ratios are, for the alternative text.
    axis : label of the axis; a line marks 1.
    column : the column of the ratios.
    form : how a ratio is written in the alternative text.
    missing : the column that says why there is none.
    """
    _, kind = _published(table)
    with mpl.rc_context(STYLE):
        figure = _canvas(2.0 + 0.36 * len(rows))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        said, drawn = [], []
        for place, (where, name) in enumerate(rows):
            found = table
            for key, value in where.items():
                found = found[found[key] == value]
            found = found[found[by].isin(list(marks))]
            told = []
            for at, (group, group_name) in enumerate(marks.items()):
                for _, row in found[found[by] == group].iterrows():
                    if pd.isna(row[column]):
                        told.append(f"{group_name} {row[missing] or 'not measured'}")
                        continue
                    # Side by side they would hide one another where engines are equally fast.
                    height = place + 0.11 * (at - (len(marks) - 1) / 2)
                    ax.plot(row[column], height, "os^DvP"[at], color=colours()[at], markersize=6.5)
                    told.append(f"{group_name} {form.format(row[column])}")
            said.append(f"{' '.join(name.split())}: {', '.join(told) or 'not measured'}")
            drawn.append(found)
        for at, group_name in enumerate(marks.values()):
            ax.plot([], [], "os^DvP"[at], color=colours()[at], label=group_name, linestyle="")
        ax.axvline(1, color=INK, linewidth=1)
        ax.set_xscale("log")
        known = pd.concat(drawn)[column].dropna().tolist()
        low, high = min([*known, 1]) / 1.5, max([*known, 1]) * 1.5
        ax.set_xlim(low, high)
        powers = [power for power in range(-6, 8) if low <= 10.0**power <= high]
        # Many powers side by side would run into one another.
        ticks = [10.0**power for power in powers if len(powers) < 6 or power % 2 == 0]
        ax.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
        ax.minorticks_off()
        ax.set_yticks(range(len(rows)), [name for _, name in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlabel(axis)
        _told_inside(figure, axis, what)
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
        alt = f"Dot plot of {what}, on a logarithmic scale. {'; '.join(said)}."
        return _finish(figure, alt, table, pd.concat(drawn).astype(table.dtypes))


def _ratio_scale(ax, values: Sequence[float], axis: str = "x") -> None:
    """Set a logarithmic axis with ticks that people read as ratios."""
    known = [value for value in values if pd.notna(value)]
    low, high = min(known, default=0.9) * 0.85, max(known, default=1.1) * 1.15
    getattr(ax, f"set_{axis}scale")("log")
    coarse = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 4, 6, 8, 12, 20)
    fine = (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2)
    # Ticks below one another have more room than those side by side.
    between = (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2)
    coarse = between if axis == "y" and high / low < 2.5 else coarse
    ticks = [t for t in (fine if high / low < 1.7 else coarse) if low <= t <= high]
    getattr(ax, f"set_{axis}ticks")(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()


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
    """Draw an estimate with its band along a number, one line a group: for example minutes.

    Parameters
    ----------
    table : published table; the column `x`, `group`, `estimate`, `ci_low`, `ci_high` (the interval
        may be empty).
    x : the column along the horizontal axis.
    groups : the groups to draw and their labels, at most four.
    what : what the lines show, for the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    none : where a horizontal line says that there is no effect: 1 makes the scale logarithmic.
    at : values of `x` at which the alternative text reads the lines off.
    points : groups whose few points no line joins; their start, where nothing has happened yet, is
        left out.
    """
    _, kind = _published(table)
    drawn = table[table["group"].isin(list(groups))].sort_values(["group", x])
    styles = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1, 2)))
    with mpl.rc_context(STYLE):
        figure = _canvas(4.2)
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        said = []
        for place, (group, name) in enumerate(groups.items()):
            rows = drawn[drawn["group"] == group]
            if group in points:
                rows = rows[rows[x] > 0]
            known = rows.dropna(subset="estimate")
            if (known[x] == 0).all():
                said.append(f"{name}: withheld, too few people")
                continue
            look = {"color": colours()[place], "label": name}
            if group in points:
                where, told = known[x].tolist(), known["estimate"].tolist()
                ends = [(known[c] - told).abs().tolist() for c in ("ci_low", "ci_high")]
                ax.errorbar(where, told, yerr=ends, fmt="o", markersize=6, **look)
            else:
                ax.plot(rows[x], rows["estimate"], linestyle=styles[place], linewidth=2.2, **look)
                if "ci_low" in rows:
                    ax.fill_between(
                        rows[x], rows["ci_low"].astype(float), rows["ci_high"].astype(float),
                        color=colours()[place], alpha=0.15, linewidth=0,
                    )  # fmt: skip
            read = known if group in points else known.iloc[[0, -1]]
            if at:
                read = known[known[x].isin(list(at))]
            values = ", ".join(_read_off(row, x) for _, row in read.iterrows())
            said.append(f"{name}: {values}")
        if none is not None:
            ax.axhline(none, color=INK, linewidth=1)
        if none == 1:
            limits = [c for c in ("estimate", "ci_low", "ci_high") if c in drawn]
            _ratio_scale(ax, drawn[limits].to_numpy(float).ravel().tolist(), "y")
        if not ax.has_data():
            ax.annotate(
                "Withheld: too few people", (0.5, 0.5), xycoords="axes fraction", ha="center",
                color=INK,
            )  # fmt: skip
        elif len(groups) > 1:
            _key_above(ax, min(len(groups), 2))
        ax.set_xlabel(axes[0] + _off(drawn))
        ax.set_ylabel(axes[1])
        across, up = (" ".join(axis.split()) for axis in axes)
        told = f"Line chart of {what}. {up}, by {across[0].lower()}{across[1:]}: {'; '.join(said)}."
        return _finish(figure, told, table, drawn)


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
) -> Drawing:
    """Draw curves with bands of `low` and `high`, each named where it ends: for example a risk.

    Parameters
    ----------
    table : published table; the column `x`, `group`, `estimate`, `low`, `high` (a band may be
        empty).
    x : the column along the horizontal axis.
    groups : the groups to draw and their labels, at most four.
    what : what the curves show, for the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    at : values of `x` at which the alternative text reads the curves off; their ends by default.
    form : how an estimate is written.
    logarithmic : whether the horizontal axis is logarithmic.
    top : the upper end of the vertical axis, which begins at zero; what is drawn by default.
    level : a height to mark with a dashed line, and the words on it.
    over : what a band is, for the alternative text and the line below the axis.
    marks : points to mark and name: the column `x`, `estimate`, `title`; a published table too.
    """
    _, kind = _published(table)
    drawn = table[table["group"].isin(list(groups))].sort_values(["group", x])
    styles = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1, 2)))
    with mpl.rc_context(STYLE):
        figure = _canvas(4.2)
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        said, ends = [], []
        for place, (group, name) in enumerate(groups.items()):
            points = drawn[drawn["group"] == group]
            ax.plot(
                points[x], points["estimate"], color=colours()[place], linestyle=styles[place],
                linewidth=2.2,
            )  # fmt: skip
            ax.fill_between(
                points[x], points["low"].astype(float), points["high"].astype(float),
                color=colours()[place], alpha=0.15, linewidth=0,
            )  # fmt: skip
            ends.append((points.iloc[-1], textwrap.fill(name, 18)))
            read = points[points[x].isin(list(at))] if at else points.iloc[[0, -1]]
            values = ", ".join(_curve_in_words(row, x, form) for _, row in read.iterrows())
            said.append(f"{name}: {values}")
        highest = top or float(drawn[["estimate", "high"]].max(axis=None)) * 1.06 or 1
        ax.set_ylim(min(0, float(drawn[["estimate", "low"]].min(axis=None)) * 1.06), highest)
        if logarithmic:
            ax.set_xscale("log")
            ax.minorticks_off()
        ax.set_xlim(drawn[x].min(), drawn[x].max())
        if logarithmic:
            ticks = _plain_ticks(*ax.get_xlim())
            ax.set_xticks(ticks, [_plain(tick) for tick in ticks])
        else:
            ax.xaxis.set_major_formatter(lambda value, _: _plain(value))
        ax.yaxis.set_major_formatter(lambda value, _: _plain(value))
        if level:
            ax.axhline(level[0], color=INK, linewidth=1, linestyle=(0, (4, 3)))
            ax.annotate(
                level[1], (0.01, level[0]), (0, 3), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", color=INK, size=9,
            )  # fmt: skip
        for _, row in marks.iterrows() if marks is not None else ():
            ax.plot(row[x], row["estimate"], "o", color=INK, markersize=6, clip_on=False)
            text = f"{row['title']}: {form.format(row['estimate'])}"
            ax.annotate(
                text, (row[x], row["estimate"]), (7, 6), textcoords="offset points", color=INK,
                size=9,
            )  # fmt: skip
            said.append(f"marked, {row['title']}: {_curve_in_words(row, x, form)}")
        _named_at_ends(ax, ends, x)
        ax.set_xlabel(axes[0])
        ax.set_ylabel(axes[1])
        banded = drawn["low"].notna().any()
        _told_inside(figure, " ".join(axes), what, f"Band: {over}." if banded else "")
        across, up = (" ".join(axis.split()) for axis in axes)
        alt = (
            f"Line chart of {what}. {up}, by {across[0].lower()}{across[1:]}"
            f"{f', with {over}' if banded else ''}: {'; '.join(said)}."
        )
        return _finish(figure, alt, table, drawn)


def _curve_in_words(row: pd.Series, x: str, form: str) -> str:
    """One point of a curve in words: the estimate with its range, and where it stands."""
    band = ""
    if pd.notna(row["low"]):
        band = f" ({form.format(row['low'])} to {form.format(row['high'])})"
    place = _plain(row[x]) if row[x] % 1e6 == 0 else _spoken(row[x])
    return f"{form.format(row['estimate'])}{band} at {place}"


def _spoken(value: float) -> str:
    """Write a place on an axis as one would say it: whole, or with few decimals."""
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    if not round(value, digits):
        return f"{value:.10g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: float) -> str:
    """Write a number of an axis with commas, or in millions."""
    return f"{value / 1e6:,.4g} million" if abs(value) >= 1e6 else f"{value:,.6g}"


def _plain_ticks(low: float, high: float) -> list[float]:
    """Choose ticks of a logarithmic axis that people read easily: at most eight."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**power for power in powers for step in steps]
        kept = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(kept) <= 8:
            return kept
    return kept


def _named_at_ends(ax, ends: Sequence[tuple[pd.Series, str]], x: str) -> None:
    """Write the name of each curve beside its end, moved apart where two would overlap."""
    low, high = ax.get_ylim()
    lines = {text: 1 + text.count("\n") for _, text in ends}
    order = sorted(range(len(ends)), key=lambda i: ends[i][0]["estimate"])
    places, floor = {}, low
    for i in order:
        # A line of text is about a twentieth of the height of the plot.
        room = (high - low) * 0.052 * lines[ends[i][1]]
        places[i] = max(float(ends[i][0]["estimate"]), floor + room / 2)
        floor = places[i] + room / 2
    ceiling = high
    for i in reversed(order):
        room = (high - low) * 0.052 * lines[ends[i][1]]
        places[i] = min(places[i], ceiling - room / 2)
        ceiling = places[i] - room / 2
    for i, (row, text) in enumerate(ends):
        ax.annotate(
            text, (row[x], row["estimate"]), (1.03, places[i]),
            textcoords=ax.get_yaxis_transform(), va="center", size=10, color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours()[i], "lw": 1, "relpos": (0, 0.5)},
        )  # fmt: skip


def diagram(table: pd.DataFrame, places: dict[str, tuple[float, float]], what: str) -> Drawing:
    """Draw a diagram of assumptions: a box a variable, an arrow for each published row.

    Parameters
    ----------
    table : published table; `term` (where an arrow begins), `outcome` (where it ends), `level`
        (`measured`, or `not measured` for an arrow from or to what nobody recorded: dashed).
    places : for each variable its place, both coordinates from 0 to 1.
    what : what the diagram shows, for the alternative text.
    """
    _, kind = _published(table)
    missing = sorted({*table["term"], *table["outcome"]} - set(places))
    if missing:
        raise Problem(f"The diagram has no place for {', '.join(missing)}.")
    with mpl.rc_context(STYLE):
        figure = _canvas(3.8)
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        ax.set_axis_off()
        ax.set_xlim(-0.12, 1.12)
        ax.set_ylim(-0.12, 1.12)
        boxes = {
            name: ax.text(
                *place, name, ha="center", va="center", color=INK, size=10,
                bbox={"boxstyle": "round,pad=0.45", "fc": "white", "ec": INK},
            )
            for name, place in places.items()
        }  # fmt: skip
        for row in table.itertuples():
            ax.annotate(
                "", places[row.outcome], places[row.term],
                arrowprops={
                    "arrowstyle": "-|>", "color": colours()[0], "lw": 1.6,
                    "ls": "-" if row.level == "measured" else (0, (4, 3)),
                    "patchA": boxes[row.term].get_bbox_patch(),
                    "patchB": boxes[row.outcome].get_bbox_patch(),
                    "shrinkA": 2, "shrinkB": 2, "connectionstyle": "arc3,rad=0.06",
                },
            )  # fmt: skip
        said = "; ".join(
            f"{row.term} to {row.outcome}" + ("" if row.level == "measured" else " (not measured)")
            for row in table.itertuples()
        )
        return _finish(figure, f"Diagram of {what}. Arrows: {said}.", table, table)


# A shape for each finding: told apart without colour.
FINDING_MARKS = ("^", "v", "o", "D", "s", "x")


def findings_grid(
    table: pd.DataFrame,
    questions: Mapping[str, str],
    outcomes: Mapping[str, str],
    findings: Sequence[str],
    countries: Mapping[str, str],
    what: str,
) -> Drawing:
    """Draw which question was asked for which outcome: a mark a finding, a grey cell a gap.

    Parameters
    ----------
    table : published table; `exposure` (the question), `outcome`, `finding`, `country`, `seen_as`
        (numbers, or words only: drawn hollow).
    questions, outcomes : the questions, left to right, and the outcomes, top to bottom, each with
        its heading.
    findings : the findings, at most six, in the order of the shapes.
    countries : how a country is written beside its mark.
    what : what the grid shows, for the alternative text.
    """
    order = list(findings)
    cells = {
        (outcome, question): sorted(
            table[(table["exposure"] == question) & (table["outcome"] == outcome)].itertuples(),
            key=lambda row: order.index(row.finding),
        )
        for outcome in outcomes
        for question in questions
    }
    slots = {place: _slots([countries[r.country] for r in rows]) for place, rows in cells.items()}
    lines = {o: 1 + max(line for q in questions for line, _ in slots[o, q] or [(0, 0)])
             for o in outcomes}  # fmt: skip
    with mpl.rc_context(STYLE):
        figure = _canvas(1.5 + 0.12 * len(outcomes) + 0.2 * sum(lines.values()))
        ax = figure.subplots()
        top, middles = 0.0, []
        for outcome in outcomes:
            height = lines[outcome] + 0.6
            for column, question in enumerate(questions):
                rows = cells[outcome, question]
                fill = "white" if rows else "#e4e4e4"
                ax.add_patch(Rectangle((column, top), 1, height, ec="#bdbdbd", lw=0.6, fc=fill))
                for row, (line, slot) in zip(rows, slots[outcome, question], strict=True):
                    x, y = column + 0.1 + 0.46 * slot, top + 0.8 + line
                    shape = FINDING_MARKS[order.index(row.finding)]
                    face = colours()[0] if row.seen_as == "numbers" or shape == "x" else "white"
                    ax.plot(x, y, shape, color=colours()[0], markerfacecolor=face, markersize=7)
                    ax.text(x + 0.09, y, countries[row.country], va="center", size=9, color=INK)
            middles.append(top + height / 2)
            top += height
        ax.set_xlim(0, len(questions))
        ax.set_ylim(top, 0)
        ax.set_yticks(middles, list(outcomes.values()), multialignment="left")
        ax.set_xticks([column + 0.5 for column in range(len(questions))], list(questions.values()))
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        for shape, finding in zip(FINDING_MARKS, order, strict=False):
            numbered = table.loc[table["finding"] == finding, "seen_as"].eq("numbers").any()
            face = colours()[0] if numbered or shape == "x" else "white"
            ax.plot([], [], shape, color=colours()[0], mfc=face, label=finding, markersize=7)
        ax.plot([], [], "o", color=INK, mfc="white", label="hollow: words only", markersize=7)
        grey = {"color": "#bdbdbd", "mfc": "#e4e4e4", "label": "grey: no study seen"}
        ax.plot([], [], "s", markersize=9, **grey)
        figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=10)
        said = []
        for question in questions:
            found = [row.finding for outcome in outcomes for row in cells[outcome, question]]
            asked = sum(bool(cells[outcome, question]) for outcome in outcomes)
            kinds = ", ".join(f"{found.count(f)} {f}" for f in order if f in found)
            said.append(f"{question}: {asked} of {len(outcomes)} outcomes ({kinds or 'none'})")
        alt = f"Grid of {what}. {'; '.join(said)}."
        return _finish(figure, alt, table, table)


def _slots(labels: Sequence[str]) -> list[tuple[int, int]]:
    """Place labels two to a line, a long one on a line of its own: (line, slot) of each."""
    placed, line, slot = [], 0, 0
    for label in labels:
        if slot and len(label) > 4:
            line, slot = line + 1, 0
        placed.append((line, slot))
        line, slot = (line + 1, 0) if slot or len(label) > 4 else (line, 1)
    return placed


# A shape for each kind of event, told apart without colour; hollow for what did not happen yet.
EVENT_MARKS = ("o", "s", "^", "D")
NOT_YET = {"planned": " (planned)", "reported": " (reported only)"}


def timeline(
    table: pd.DataFrame, kinds: Mapping[str, str], what: str, not_yet: str, wide: int = 42
) -> Drawing:
    """Draw events from top to bottom in order of time, one row each; distances mean nothing.

    Parameters
    ----------
    table : published table in order of time; `when` (the date in words), `event`, `what` (its
        kind), `status` (happened, planned or reported).
    kinds : how the kinds are named, at most four names; kinds with one name share a shape.
    what : what the events are about, for the alternative text.
    not_yet : the words at the line below which nothing has been seen to happen.
    wide : characters in a line of an event.
    """
    marks = dict(zip(dict.fromkeys(kinds.values()), EVENT_MARKS, strict=False))
    if len(marks) < len(set(kinds.values())):
        raise Problem(f"A timeline has shapes for {len(EVENT_MARKS)} kinds of event at most.")
    drawn = table[table["what"].isin(list(kinds))]
    told = [row.event + NOT_YET.get(row.status, "") for row in drawn.itertuples()]
    texts = [textwrap.fill(text, wide) for text in told]
    happened = list(drawn["status"] == "happened")
    # Below its last event that happened, a line says that the rest has not been seen to happen.
    last = max((i for i, seen in enumerate(happened) if seen), default=-1)
    place, places, line = 0.0, [], None
    for i, text in enumerate(texts):
        height = 1.6 + text.count("\n")
        if i == last + 1:
            line, place = place + 0.6, place + 2.2
        places.append(place + height / 2)
        place += height
    with mpl.rc_context(STYLE | {"axes.grid": False, "font.size": 10.5}):
        figure = Figure(figsize=(4.8, 1.1 + 0.172 * place), layout="constrained")
        _room_for_warning(figure, _published(table)[1])
        ax = figure.subplots()
        ax.set_axis_off()
        ax.set_xlim(0, 1)
        ax.set_ylim(place, 0)
        ax.plot([0.225, 0.225], [0, place], color="#bdbdbd", lw=1.5, zorder=1)
        names = list(marks)
        for row, text, at, seen in zip(drawn.itertuples(), texts, places, happened, strict=True):
            name = kinds[row.what]
            colour = colours()[names.index(name)]
            ax.plot(
                0.225, at, marks[name], color=colour, markersize=8, zorder=2,
                markerfacecolor=colour if seen else "white", markeredgewidth=1.6,
            )  # fmt: skip
            ax.text(0.19, at, _short_date(row.when), ha="right", va="center", color=MUTED, size=9)
            ax.text(0.265, at, text, va="center", color=INK, linespacing=1.15)
        if line is not None:
            ax.plot([0, 1], [line, line], color=INK, lw=1, ls=(0, (4, 3)))
            ax.text(
                0, line + 0.85, not_yet, va="center", color=INK, size=9.5, weight="bold",
                bbox={"fc": "white", "ec": "none", "pad": 2},
            )  # fmt: skip
        for name, mark in marks.items():
            ax.plot([], [], mark, color=colours()[names.index(name)], markersize=8, label=name)
        _key_above(ax, 2)
        said = " ".join(
            f"{row.when}: {text}." for row, text in zip(drawn.itertuples(), told, strict=True)
        )
        return replace(_finish(figure, f"Timeline of {what}. {said}", table, drawn), narrow=True)


def _short_date(when: str) -> str:
    """Write a month with three letters: `14 September 2025` as `14 Sep 2025`."""
    return re.sub(r"[A-Z][a-z]{3,}", lambda month: month[0][:3], when)


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
    what : what a mark is, for the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    group : the column that holds the groups.
    """
    _, kind = _published(table)
    drawn = table[table[group].isin(list(groups))]
    styles = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1, 2)))
    with mpl.rc_context(STYLE):
        figure = _canvas(4.4)
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        said = []
        for place, (name, label) in enumerate(groups.items()):
            points = drawn[drawn[group] == name].sort_values("value", ascending=False)
            ax.plot(
                points["value"], points["estimate"], marker="os^D"[place], markersize=7,
                color=colours()[place], linestyle=styles[place], linewidth=1.4, label=label,
            )  # fmt: skip
            ends = points.iloc[[0, -1]] if len(points) > 1 else points
            told = " to ".join(
                f"{row.value:.1f} and {row.estimate:.1f}" for row in ends.itertuples()
            )
            count = f"{len(points)} choice{'' if len(points) == 1 else 's'}"
            said.append(f"{label}: {count}, from {told}")
        ax.margins(0.06)
        _key_above(ax, min(len(groups), 3))
        ax.set_xlabel(axes[0])
        ax.set_ylabel(axes[1])
        _told_inside(figure, " ".join(axes), what, "Each mark is one choice.")
        across, up = (" ".join(axis.split()) for axis in axes)
        alt = f"Chart of {what}. {across} and {up[0].lower()}{up[1:]}: {'; '.join(said)}."
        return _finish(figure, alt, table, drawn)


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
    what : what a mark is, for the alternative text.
    axes : labels of the horizontal and the vertical axis, with units.
    named : the column with the name of a place.
    most : how many places outside the wider limits are named in the figure.
    note : words that stand inside the figure wherever it is copied to, such as what is simulated.
    """
    _, kind = _published(table)
    places = table[table["measure"] == "share"].sort_values("value")
    limits = table[table["measure"] == "limits"].sort_values("value")
    everybody = float(table.loc[table["measure"] == "all", "estimate"].iloc[0])
    outside = ~places["verdict"].str.startswith("within")
    with mpl.rc_context(STYLE):
        figure = _canvas(4.4)
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        styles = ((0, (5, 2)), "-")
        for place, (level, held) in enumerate(limits.groupby("level", sort=True)):
            for end in ("low", "high"):
                ax.plot(
                    held["value"], held[end], color=MUTED, linestyle=styles[place], linewidth=1.4
                )
            ax.annotate(
                f"{level} of 100", (held["value"].iloc[-1], held["high"].iloc[-1]), (4, 0),
                textcoords="offset points", va="center", size=9, color=INK, annotation_clip=False,
            )  # fmt: skip
        ax.axhline(everybody, color=INK, linewidth=1)
        for mark, rows, colour in (
            ("o", places[~outside], colours()[0]), ("D", places[outside], colours()[3])
        ):  # fmt: skip
            ax.plot(rows["value"], rows["estimate"], mark, color=colour, markersize=6)
        gap = (places["estimate"] - everybody).abs()
        for row in places[outside].loc[gap[outside].nlargest(most).index].itertuples():
            ax.annotate(
                textwrap.fill(getattr(row, named), 26), (row.value, row.estimate), (7, 4),
                textcoords="offset points", size=9, color=INK,
            )  # fmt: skip
        ax.xaxis.set_major_formatter(lambda value, _: _plain(value))
        ax.set_ylim(bottom=min(0, float(places["estimate"].min())))
        ax.set_xlabel(axes[0])
        ax.set_ylabel(axes[1])
        mark = "Line: all together. Curves: what chance explains. Diamonds: outside both."
        _told_inside(figure, " ".join(axes), what, f"{note} {mark}".strip())
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
        return _finish(figure, alt, table, pd.concat([places, limits]))


def shares(
    table: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], what: str, axis: str
) -> Drawing:
    """Draw shares of small groups with their exact intervals, one line each, under headings.

    Parameters
    ----------
    table : published table; `term`, `value` (people with the outcome), `people`, and `estimate`,
        `ci_low`, `ci_high` in per cent.
    groups : for each heading the terms that stand under it and their labels, top to bottom; at
        most three headings, which differ in mark and colour.
    what : what has the outcome, for the alternative text.
    axis : label of the axis, with its unit.
    """
    _, kind = _published(table)
    rows = table.set_index("term")
    marks, said, places = "os^", [], []
    with mpl.rc_context(STYLE):
        figure = _canvas(1.0 + 0.31 * (sum(map(len, groups.values())) + len(groups)))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        for shape, (heading, terms) in enumerate(groups.items()):
            places.append((heading, True))
            told = []
            for term, label in terms.items():
                row, at = rows.loc[term], len(places)
                places.append((label, False))
                ax.plot([row["ci_low"], row["ci_high"]], [at, at], color=colours()[shape], lw=2)
                ax.plot(
                    row["estimate"], at, marks[shape], color=colours()[shape], markersize=7,
                    clip_on=False,
                )  # fmt: skip
                text = f"{row['value']:.0f} of {row['people']}"
                ax.annotate(
                    text, (1.03, at), xycoords=ax.get_yaxis_transform(), va="center",
                    color=INK, annotation_clip=False,
                )  # fmt: skip
                ends = f"{row['ci_low']:.0f} to {row['ci_high']:.0f}"
                told.append(f"{label} {text}, {row['estimate']:.0f}% ({ends})")
            said.append(f"{heading}: {'; '.join(told)}.")
        ax.set_yticks(range(len(places)), [name for name, _ in places])
        for label, (_, heading) in zip(ax.get_yticklabels(), places, strict=True):
            label.set_weight("bold" if heading else "normal")
        ax.tick_params(axis="y", length=0, pad=9)
        ax.set_ylim(len(places) - 0.5, -0.5)
        ax.set_xlim(0, 100)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(axis)
        _told_inside(figure, axis, what, SHARES_MARK)
        alt = f"Dot chart of {what}; share and exact 95% interval. {' '.join(said)}"
        drawn = table[table["term"].isin([term for terms in groups.values() for term in terms])]
        phone = _shares_on_a_phone(rows, groups, what, axis, kind)
        return _finish(figure, alt, table, drawn, phone)


def _shares_on_a_phone(
    rows: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
    what: str,
    axis: str,
    kind: str,
) -> Figure:
    """Draw the shares for a narrow screen: name and count above each mark."""
    lines = sum(1 + 2 * len(terms) for terms in groups.values())
    figure = _canvas(0.8 + 0.2 * lines, PHONE_INCHES)
    _room_for_warning(figure, kind)
    ax = figure.subplots()
    at = 0.0
    for shape, (heading, terms) in enumerate(groups.items()):
        write = partial(ax.annotate, xycoords=ax.get_yaxis_transform(), va="center", color=INK)
        write(heading, (0, at), weight="bold", size=10.5)
        for term, label in terms.items():
            row, at = rows.loc[term], at + 2
            write(label, (0, at - 0.9), size=10)
            count = f"{row['value']:.0f} of {row['people']}"
            write(count, (1, at - 0.9), size=10, ha="right")
            ax.plot([row["ci_low"], row["ci_high"]], [at, at], color=colours()[shape], lw=2)
            ax.plot(
                row["estimate"], at, "os^"[shape], color=colours()[shape], markersize=7,
                clip_on=False,
            )  # fmt: skip
        at += 1.2
    ax.set_yticks([])
    ax.set_ylim(at - 0.5, -0.6)
    ax.set_xlim(0, 100)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(_fitting(figure, axis))
    _told_inside(figure, axis, what, SHARES_MARK)
    return figure


def tornado(
    table: pd.DataFrame,
    axis: str,
    names: Mapping[str, str],
    what: str,
    most: int = 10,
    form: str = "{:.0f}",
    none: float | None = 0.0,
) -> Drawing:
    """Draw how far an answer moves with each assumption, the widest bars on top.

    From the line of the answer at all assumed values one bar runs to the answer with the
    assumption at its low end (hatched) and one to that at its high end (full). The value of the
    assumption stands at the end of each bar; where another name ranks first there, it stands too.

    Parameters
    ----------
    table : published table; a row for each end: `term` (assumption), `title` (its words), `level`
        (`low`, `high`, or another word that stands for itself), `value`, `estimate` (the answer),
        `group` (who ranks first there), `reference` (who ranks first at the assumed values); and
        one row whose `level` is `base`.
    axis : label of the axis, with its unit.
    names : how those who rank first are written; none where nobody is ranked.
    what : what the answer is, for the alternative text.
    most : so many assumptions are drawn; the others move the answer less.
    form : how an answer is written in the alternative text.
    none : where a line says that nobody is ahead.
    """
    _, kind = _published(table)
    base = float(table.loc[table["level"] == "base", "estimate"].iloc[0])
    moved = table[table["level"] != "base"]
    ends = moved.groupby("term")["estimate"].agg(["min", "max"])
    width = ends["max"].clip(lower=base) - ends["min"].clip(upper=base)
    order = list(width[width > 0].sort_values(ascending=False, kind="stable").index[:most])
    with mpl.rc_context(STYLE):
        figure = _canvas(1.5 + 0.42 * len(order))
        _room_for_warning(figure, kind)
        ax = figure.subplots()
        said = []
        for place, term in enumerate(order):
            rows = moved[moved["term"] == term]
            for i, row in enumerate(rows.to_dict("records")):
                full = row["level"] == "high" or (row["level"] != "low" and i)
                # Two bars on the same side would hide one another in one row.
                at = place + (0.19 if full else -0.19)
                ax.barh(
                    at, row["estimate"] - base, left=base, height=0.36, linewidth=0.8,
                    color=colours()[0] if full else "white", edgecolor=colours()[0],
                    hatch="" if full else "////",
                )  # fmt: skip
                text = f"{row['value']:,.10g}" if pd.notna(row["value"]) else str(row["level"])
                if row["group"] != row["reference"]:
                    text += f": {names[row['group']]}"
                right = row["estimate"] >= base
                ax.annotate(
                    text, (row["estimate"], at), (4 if right else -4, 0), size=9, color=INK,
                    textcoords="offset points", va="center", ha="left" if right else "right",
                )  # fmt: skip
                said.append(f"{row['title']} {text}: {form.format(row['estimate'])}")
        ax.axvline(base, color=INK, linewidth=1)
        if none is not None:
            ax.axvline(none, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        titles = moved.drop_duplicates("term").set_index("term")["title"]
        labels = ["\n".join(textwrap.wrap(titles[term], 24)) for term in order]
        ax.set_yticks(range(len(order)), labels, size=10, ma="right")
        ax.set_ylim(len(order) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        low, high = min([base, *ends.loc[order, "min"]]), max([base, *ends.loc[order, "max"]])
        room = (high - low) or 1.0
        ax.set_xlim(low - 0.45 * room, high + 0.35 * room)
        ax.set_xlabel(axis)
        mark = (
            "Full line: all assumptions at their values. Beside a bar: the value of the assumption"
        )
        if names:
            first = names[table["reference"].iloc[0]]
            mark = (
                mark.removesuffix("assumption") + "assumption,\nand who ranks first there if not "
            )
            mark += first.lower()
        mark += "."
        mark += " Dashed line: level with the next best." if none is not None else ""
        _told_inside(figure, axis, what, mark)
        for full, label in ((False, "at its low end"), (True, "at its high end")):
            ax.barh(
                [0], [0], left=base, color=colours()[0] if full else "white",
                edgecolor=colours()[0], hatch="" if full else "////", label=label,
            )  # fmt: skip
        _key_above(ax, 2)
        alt = (
            f"Tornado chart of {what}: {form.format(base)} with all assumptions at their values. "
            f"With one of them moved: {'; '.join(said)}."
        )
        drawn = table[table["term"].isin(order) | (table["level"] == "base")]
        return _finish(figure, alt, table, drawn)


# --- showing figures and tables in a page -------------------------------------------------------

HEADINGS = {
    "measure": "what is measured",
    "scenario": "what is assumed",
    "term": "name",
    "group_by": "groups of",
    "group": "people or places",
    "level": "which of them",
    "value": "at",
    "rank_by": "ranked by",
    "centre_list": "list of centres",
    "travel_minutes": "minutes by car",
    "distance_km": "kilometres in a straight line",
    "low": "lowest",
    "high": "highest",
    "steady": "the lists agree within ten minutes",
    "time_years": "years",
    "at_risk": "still followed",
    "ci_low": "95% CI from",
    "ci_high": "to",
    "p_value": "p",
    "published_estimate": "published",
    "published_low": "published from",
    "published_high": "to",
    "degrees_of_freedom": "degrees of freedom",
}
# The column that a range belongs to, where a table has several that it could: the first.
MIDDLES = ("published_estimate", "estimate", "value", "travel_minutes")


RANGED = {"published_estimate": "published", "travel_minutes": "minutes by car"}


# Columns whose cells may be names of the code; readers get words instead.
NAMES = ("model", "term", "group_by", "variable", "exposure", "scenario", "method", "note")


def table_html(
    table: pd.DataFrame,
    caption: str,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    anchors: Sequence[str] = (),
) -> str:
    """Write a published table as an accessible HTML table: caption, scopes, no empty heading.

    Columns that hold nothing are left out; the file has them. A range stands in one column with
    its estimate, so that no screen is too narrow for the whole of it. `columns` may give headings
    as well: `{"group": "region", "estimate": "minutes"}`. `words` says how names of the code are
    written for readers. `anchors` gives each row an address on its page, in the order of the rows.
    """
    headings = dict(columns) if isinstance(columns, Mapping) else {}
    shown = table[list(columns)] if columns else table.drop(columns=["kind"], errors="ignore")
    shown, ranged = _with_ranges(shown)
    shown = shown.loc[:, [c for c in shown if not (shown[c].isna() | (shown[c] == "")).all()]]
    if "suppressed" in shown and not shown["suppressed"].any():
        shown = shown.drop(columns="suppressed")
    # Beside a truth that was built in, an estimate is what the method recovered.
    known = {}
    if "built_in" in shown:
        known = {"estimate": "recovered", "ci_low": "recovered, 95% CI from"}
    if ranged:
        known[ranged] = "range" if ranged == "low" else f"{RANGED.get(ranged, ranged)} (range)"
    known |= {c: html.escape(heading) for c, heading in headings.items() if heading}
    classes = {c: ' class="number"' if c == ranged else _numeric(shown[c]) for c in shown}
    heads = "".join(
        f'<th scope="col"{classes[c]}>{known.get(c) or _heading(c)}</th>' for c in shown
    )
    formats = {c: _format(shown[c], words or {}) for c in shown}
    opened = [f'<tr id="{html.escape(name)}">' for name in anchors] or ["<tr>"] * len(shown)
    body = "".join(
        start
        + "".join(
            f"<td{classes[c]}>{html.escape(formats[c](value))}</td>"
            for c, value in zip(shown, row, strict=True)
        )
        + "</tr>"
        for start, row in zip(opened, shown.itertuples(index=False), strict=True)
    )
    label = html.escape(caption, quote=True)
    return (
        f'<div class="table-scroll" role="region" aria-label="Table: {label}" tabindex="0">'
        f'<table class="published-table"><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _with_ranges(shown: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    """Join the ends of a range, and the estimate that it belongs to, into one column of text.

    Returns the table and the name of that column; None where nothing was joined.
    """
    # Where an interval stands as well, nobody could tell the two pairs apart in one column.
    if not {"low", "high"} <= set(shown) or "ci_low" in shown:
        return shown, None
    middle = [c for c in MIDDLES if c in shown][:1]
    parts = shown[[*middle, "low", "high"]]
    if parts[["low", "high"]].isna().all(axis=None) or not all(
        pd.api.types.is_numeric_dtype(parts[c]) for c in parts
    ):
        return shown, None
    place = middle[0] if middle else "low"
    texts = [_joined(*row) for row in parts.astype(float).itertuples(index=False)]
    joined = shown.drop(columns=[c for c in ("low", "high") if c != place])
    joined[place] = pd.Series(texts, index=shown.index, dtype=object)
    return joined, place


def _joined(*numbers: float) -> str:
    """Write an estimate (if there is one) and its range, all with the same decimals."""
    *estimate, low, high = numbers
    known = [value for value in numbers if pd.notna(value)]
    if not known:
        return ""
    largest = max(abs(value) for value in known)
    if all(float(value).is_integer() for value in known):
        digits = 0
    else:
        digits = 0 if largest >= 100 else 1 if largest >= 10 else 2 if largest >= 1 else 3
        digits = min(digits, _decimals(known))
    texts = ["" if pd.isna(value) else f"{value:,.{digits if value else 0}f}" for value in numbers]
    # A small number beside a large one keeps its figures rather than turn into zero.
    texts = [
        _three_figures(value) if pd.notna(value) and value and not float(text.replace(",", ""))
        else text
        for text, value in zip(texts, numbers, strict=True)
    ]  # fmt: skip
    *middle, low, high = texts
    middle = middle[0] if middle else ""
    if not (low and high) or low == high == (middle or low):
        return middle or low or high
    return f"{middle} ({low} to {high})" if middle else f"{low} to {high}"


def _heading(column: str) -> str:
    return html.escape(HEADINGS.get(column, column.replace("_", " ")))


def _numeric(column: pd.Series) -> str:
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return ' class="number"' if number else ""


def _format(column: pd.Series, words: Mapping[str, str]) -> Callable[[object], str]:
    if pd.api.types.is_bool_dtype(column):
        return lambda value: "yes" if value else "no"
    if pd.api.types.is_integer_dtype(column):
        return lambda value: "" if pd.isna(value) else f"{value:,}"
    if pd.api.types.is_float_dtype(column):
        if column.dropna().apply(float.is_integer).all():
            return lambda value: "" if pd.isna(value) else f"{value:,.0f}"
        said = _decimals(column.dropna())
        return lambda value: "" if pd.isna(value) else _three_figures(value, said)
    if column.name == "estimand":
        return lambda value: _in_words(str(value), words).replace(".", ", ")
    if column.name not in NAMES:
        return lambda value: "" if pd.isna(value) else str(value)
    return lambda value: "" if pd.isna(value) else _in_words(str(value), words)


def _in_words(text: str, words: Mapping[str, str]) -> str:
    """Write a name of the code, or a sentence or a list that holds some, in words."""
    if text in words:
        return words[text]
    return re.sub(r"[a-z]+(?:_[a-z0-9]+)+", lambda m: words.get(m[0], m[0].replace("_", " ")), text)


def _decimals(values: Iterable[float]) -> int:
    """Say how many decimals numbers have, four at most; a further nought would claim a figure."""
    return max((max(0, -_exponent(value)) for value in values), default=0)


def _exponent(value: float) -> int:
    # Four decimals are the most that are written, and nought has none.
    exponent = Decimal(f"{value:.4f}").normalize().as_tuple().exponent
    return int(exponent) if value and math.isfinite(value) else 0


def _three_figures(value: float, decimals: int = 4) -> str:
    """Three figures, with the same decimals for numbers of the same size.

    decimals : no more than these, where all numbers beside it have no more.
    """
    size = abs(value)
    if value == 0 or size >= 100:
        return f"{value:,.0f}"
    if size < 1e-6:
        # What is left of nought by rounding, or a chance that nobody can tell from none.
        return "<0.000001" if value > 0 else ">-0.000001"
    if size < 0.0001:
        return f"{value:.1e}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.001 else 4
    return f"{value:.{min(digits, decimals)}f}"


def _downloads(name: str, figure: str | None = None) -> str:
    svg = f' · <a href="../downloads/{figure}.svg" download>Figure (SVG)</a>' if figure else ""
    return (
        f'<p class="downloads">Download: <a href="../downloads/{name}.csv" download>Data (CSV)</a>'
        f' · <a href="../downloads/{name}.json" download>What the columns mean (JSON)</a>{svg}</p>'
    )


def _inside_the_page(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


@dataclass(frozen=True)
class Shown:
    """A figure in a page: image, alternative text, caption, data table and downloads."""

    drawing: Drawing
    name: str
    title: str
    words: Mapping[str, str] | None = None

    @property
    def classes(self) -> str:
        """Classes of the figure in the page, for the style sheet."""
        named = {"narrow-figure": self.drawing.narrow, "phone-figure": bool(self.drawing.phone)}
        return " ".join(["published-figure", *(name for name, holds in named.items() if holds)])

    def _repr_html_(self) -> str:
        image = (
            f'<img src="{_inside_the_page(self.drawing.svg)}" '
            f'alt="{html.escape(self.drawing.alt, quote=True)}">'
        )
        if self.drawing.phone:
            source = f'srcset="{_inside_the_page(self.drawing.phone)}"'
            image = (
                f'<picture><source media="(max-width: 600px)" type="image/svg+xml" {source}/>'
                f"{image}</picture>"
            )
        return (
            f'<figure class="{self.classes}" id="figure-{self.name}">{image}'
            f"<figcaption>{html.escape(self.title)}</figcaption></figure>"
            f"<details><summary>Data table: {html.escape(self.title)}</summary>"
            f"{table_html(self.drawing.rows, self.title, words=self.words)}</details>"
            f"{_downloads(self.drawing.table, self.name)}"
        )

    def __repr__(self) -> str:
        return f"{self.title}. {self.drawing.alt}"


# How a description of people is written in one cell; the names in brackets are measures.
SUMMARIES = {
    "": "{people}",
    ", mean (standard deviation)": "{mean} ({standard deviation})",
    ", median (quartiles)": "{median} ({lower quartile} to {upper quartile})",
    ", per cent": "{share}",
    ", not known: people (per cent)": "{missing} ({not known})",
}


def _or_withheld(value: float | int | None) -> str:
    if pd.isna(value):
        return "withheld"
    # From a hundred on, three figures leave no decimal.
    decimals = 1 if isinstance(value, float) and abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


@dataclass(frozen=True)
class ShownTable:
    """A published table in a page, with its downloads."""

    table: pd.DataFrame
    name: str
    title: str
    columns: Sequence[str] | Mapping[str, str] | None = None
    words: Mapping[str, str] | None = None
    anchors: Sequence[str] = ()
    folded: bool = False

    def side_by_side(self, groups: dict[str, str], names: dict[str, str]) -> ShownTable:
        """Set the groups of a description of people side by side, one column a group.

        Parameters
        ----------
        groups : the groups to show and their headings.
        names : the variables to show, in order, and how they are named.

        Where all that is not known is withheld, that has no line: it stands in the files.
        """
        lines = []
        for variable, name in names.items():
            of_variable = self.table[self.table["variable"] == variable]
            for level, rows in of_variable.groupby("level", sort=False):
                cells = {}
                for row in rows.itertuples():
                    counted = row.measure == "people"
                    cells[row.group, row.measure] = row.people if counted else row.estimate
                    if row.measure == "not known":
                        cells[row.group, "missing"] = row.missing
                measured = {measure for _, measure in cells}
                for what, form in SUMMARIES.items():
                    measures = re.findall(r"{([^}]*)}", form)
                    if not set(measures) <= measured:
                        continue
                    told = any(pd.notna(cells.get((g, m))) for g in groups for m in measures)
                    if "missing" in measures and not told:
                        continue
                    line = {"when first seen": (f"{name}: {level}" if level else name) + what}
                    for group, heading in groups.items():
                        values = {m: _or_withheld(cells.get((group, m))) for m in measures}
                        line[heading] = form.format(**values)
                    lines.append(line)
        return replace(self, table=pd.DataFrame(lines), columns=None, anchors=())

    def _repr_html_(self) -> str:
        table = table_html(self.table, self.title, self.columns, self.words, self.anchors)
        downloads = _downloads(self.name)
        if self.folded:
            # Parts of one table would repeat its downloads down the page: they open with the part.
            table, downloads = table + downloads, ""
        if self.folded or len(self.table) > LONG_TABLE:
            # A reader who wants one row of many opens the table; the others read on.
            table = (
                f"<details><summary>{html.escape(self.title)} ({len(self.table):,} rows)</summary>"
                f"{table}</details>"
            )
        return table + downloads

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table.to_string(index=False)}"
