"""Survival curves: how many are alive as time goes by, and how many are still followed."""

from __future__ import annotations

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    canvas,
    finish,
    label_axes,
    published,
    withheld,
    wrapped,
)
from distance_to_care.figures.lines import BAND, dots, off_by
from distance_to_care.figures.placing import name_curves
from distance_to_care.figures.style import INK, LINES, MOST_SERIES, MUTED, colours

# A line that the exact curve may leave by more, as a probability, tells a story of its own.
FARTHEST_OFF = 0.1
POINTS_ALONE = (
    f"Points alone, with bars of 95%: a line could be over {100 * FARTHEST_OFF:g} percentage"
    " points off the exact curve. Points of one time stand side by side."
)


def survival_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame,
    summary: pd.DataFrame,
    groups: dict[str, str],
    what: str,
    since: str = "first clinic visit",
) -> Drawing:
    """Draw Kaplan-Meier curves with 95% bands: of more than four groups first, middle and last.

    Points are the ends of merged steps, which lie on the exact curve; straight lines join them,
    since within a merged step it is not told when people died. No line joins the points of a group
    whose exact curve may be more than `FARTHEST_OFF` from it.

    Parameters
    ----------
    curves : published table of merged steps; `group`, `time_years`, `estimate`, `ci_low`,
        `ci_high`, and where lines may be off `largest_error` (probability).
    at_risk : published table; `group`, `time_years`, `at_risk` (people).
    summary : published table; its `survival` rows give the numbers of the alternative text.
    groups : the groups and their labels, in order; the table below the figure has them all.
    what : what the curves compare, for the subtitle and the alternative text.
    since : when follow-up begins, for the label of the axis.
    """
    for table in (curves, at_risk, summary):
        published(table)
    names = list(groups)
    drawn = names
    if len(names) > MOST_SERIES:
        drawn = [names[0], names[len(names) // 2], names[-1]]
    held = curves[curves["group"].isin(names)]
    last = float(held["time_years"].max())
    later = held[held["time_years"] > 0].groupby("group")
    off = later["largest_error"].max() if "largest_error" in held else pd.Series(dtype=float)
    apart = set(off.index[off > FARTHEST_OFF])
    beside = 0.018 * last
    joined = [name for name in drawn if name not in apart]

    def draw(phone: bool):
        figure = canvas(4.6, phone)
        ax, below = figure.subplots(2, 1, height_ratios=[5, 0.34 * len(drawn) + 0.2], sharex=True)
        ends = []
        for place, group in enumerate(drawn):
            steps = curve_points(curves, summary, group)
            told = ["estimate", "ci_low", "ci_high"]
            steps[told] = 100 * steps[told]
            years, colour = steps["time_years"], colours()[place]
            if group in apart:
                # All are alive at the start: no point says more than that.
                steps = steps[years > 0]
                # Side by side: points of one time would hide each other.
                steps = steps.assign(time_years=steps["time_years"] + place * beside)
                dots(ax, steps, "time_years", place)
            else:
                ax.plot(
                    years, steps["estimate"], color=colour, linestyle=LINES[place], linewidth=2.2
                )
                ax.fill_between(
                    years, steps["ci_low"], steps["ci_high"], color=colour, alpha=BAND, linewidth=0
                )
            ends.append((steps, "\n".join(wrapped(groups[group], 12 if phone else 18))))
        ax.set_ylim(0, 100)
        ax.set_xlim(0, (last + (len(drawn) * beside if apart else 0)) or 1)
        if last == 0:
            withheld(ax, "Withheld: too few people died")
        else:
            name_curves(ax, ends, "time_years", 9.5 if phone else 10, 3.2)
        label_axes(ax, "", "People alive (%)", phone)
        _numbers_at_risk(below, at_risk[at_risk["time_years"] <= last], drawn, groups, phone)
        label_axes(below, f"Years since {since}", phone=phone)
        return figure

    read_off = summary[summary["measure"] == "survival"]
    said = []
    for group in names:
        reached = [
            f"{100 * row.estimate:.0f}% at {row.time_years:g} "
            + ("year" if row.time_years == 1 else "years")
            for row in read_off[read_off["group"] == group].itertuples()
            if pd.notna(row.estimate)
        ]
        said.append(f"{groups[group]}: {', '.join(reached) or 'too few people to say'}")
    others = ", ".join(groups[group] for group in names if group not in drawn)
    alt = (
        f"{'' if joined else 'Points of '}Kaplan-Meier curves of {what}, with 95% confidence "
        f"{'bands' if joined else 'intervals'}. "
        f"People alive, {'; '.join(said)}."
    )
    note = ["Band: 95% interval."] if joined else []
    note += [POINTS_ALONE] if joined != drawn else []
    note += off_by(held[~held["group"].isin(apart)])
    note += [f"Not drawn, in the data table: {others}."] if others else []
    return finish(draw, alt, curves, held, what, " ".join(note))


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


def _numbers_at_risk(
    ax, at_risk: pd.DataFrame, drawn: list[str], groups: dict[str, str], phone: bool
) -> None:
    """Write the people still followed below the curves, one line a group."""
    for place, group in enumerate(drawn):
        for row in at_risk[at_risk["group"] == group].itertuples():
            if pd.notna(row.at_risk):
                number = f"{row.at_risk:,}"
                ax.text(row.time_years, place, number, ha="center", va="center", size=9, color=INK)
        name = groups[group].split(" (")[0] if phone else groups[group]
        # Clear of the first number, which stands across the edge of the plot.
        ax.annotate(
            name, (0, place), (-18, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="center", size=9, color=INK,
            weight="bold" if phone else "normal", annotation_clip=False,
        )  # fmt: skip
    ax.set_ylim(len(drawn) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0)
    ax.set_title(
        "People still followed (none shown where withheld)", size=9, loc="left", color=MUTED,
        weight="normal",
    )  # fmt: skip
