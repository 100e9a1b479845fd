"""Bars: how much there is of something in each group."""

from __future__ import annotations

import pandas as pd

from distance_to_care.figures.canvas import Drawing, finish, key_above, label_axes
from distance_to_care.figures.named_rows import NamedRows
from distance_to_care.figures.style import HATCHES, INK, check_series, colours
from distance_to_care.figures.written import or_withheld, or_zero

INTERVAL_MARK = "Line on a bar: 95% interval."


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
    what : what a bar is, for the subtitle and the alternative text: `mean travel minutes by
        deprivation decile`.
    form : how a value is written at the end of its bar.
    """
    alone = table[table["group"].isin(list(groups))].assign(level="all")
    return _bars(alone, axis, groups, {"all": ""}, what, form, table)


def grouped_bars(
    table: pd.DataFrame,
    axis: str,
    groups: dict[str, str],
    levels: dict[str, str],
    what: str,
    form: str = "{:.0f}",
) -> Drawing:
    """Draw bars for each group, one a level, named beside the first: fifths, urban and rural.

    Parameters
    ----------
    table : published table; `group`, `level`, `estimate`; `ci_low`, `ci_high` where known.
    axis, what, form : as for `bars`.
    groups, levels : what to draw and how to name it, in order; at most four levels.
    """
    drawn = table["group"].isin(list(groups)) & table["level"].isin(list(levels))
    return _bars(table[drawn], axis, groups, levels, what, form, table)


def _bars(drawn, axis, groups, levels, what, form, table) -> Drawing:
    check_series(levels)
    rows = drawn.set_index(["level", "group"])
    has_interval = "ci_low" in rows and rows["ci_low"].notna().any()
    longest = or_zero(rows["ci_high" if has_interval else "estimate"].max()) or 1

    def draw(phone: bool):
        place = NamedRows(list(groups.values()), phone, len(levels), step=0.23)
        ax = place.ax
        ax.set_xlim(0, longest * 1.02)
        for mark, level in enumerate(levels):
            for row, group in enumerate(groups):
                found = rows.loc[(level, group)]
                at = place.at(row, mark)
                ax.barh(
                    at, or_zero(found["estimate"]), height=0.85 * place.step,
                    color=colours()[mark], hatch=HATCHES[mark], edgecolor="white", linewidth=0,
                )  # fmt: skip
                text = or_withheld(found["estimate"], form)
                if has_interval and pd.notna(found["ci_low"]):
                    ax.plot([found["ci_low"], found["ci_high"]], [at, at], color=INK, lw=1.5)
                    text += f" ({form.format(found['ci_low'])} to {form.format(found['ci_high'])})"
                place.number(row, mark, text)
        reach = "ci_high" if has_interval else "estimate"
        ends = [[(0.0, or_zero(rows.loc[(level, g), reach])) for level in levels] for g in groups]
        if len(levels) > 1 and not place.name_marks(list(levels.values()), ends):
            for mark, name in enumerate(levels.values()):
                ax.barh(
                    [place.at(0, mark)], [0], height=0.1, color=colours()[mark],
                    hatch=HATCHES[mark], edgecolor="white", label=name,
                )  # fmt: skip
            key_above(ax, 1 if phone else len(levels))
        whole = bool((rows["estimate"].dropna() % 1 == 0).all())
        ax.locator_params(axis="x", nbins=5 if phone else 8, integer=whole)
        label_axes(ax, axis, phone=phone)
        return place.figure

    said = []
    for level, name in levels.items():
        values = [(groups[g], rows.loc[(level, g), "estimate"]) for g in groups]
        listed = "; ".join(f"{group}: {or_withheld(value, form)}" for group, value in values)
        said.append(f"{name}: {listed}.".removeprefix(": "))
    alt = f"Bar chart of {what}. {' '.join(said)}"
    kept = table.loc[drawn.index]
    note = INTERVAL_MARK if has_interval else ""
    return finish(draw, alt, table, kept, what, note, axis, words=groups)
