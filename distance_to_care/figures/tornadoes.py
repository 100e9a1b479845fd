"""Tornado charts: how far an answer moves with each assumption."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from distance_to_care.figures.canvas import (
    Drawing,
    finish,
    key_above,
    label_axes,
    published,
)
from distance_to_care.figures.named_rows import NamedRows, step_for
from distance_to_care.figures.style import INK, colours


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
    assumption stands at the right of each bar; where another name ranks first there, it stands too.

    Parameters
    ----------
    table : published table; a row for each end: `term` (assumption), `title` (its words), `level`
        (`low`, `high`, or another word that stands for itself), `value`, `estimate` (the answer),
        `group` (who ranks first there), `reference` (who ranks first at the assumed values); and
        one row whose `level` is `base`.
    axis : label of the axis, with its unit.
    names : how those who rank first are written; none where nobody is ranked.
    what : what the answer is, for the subtitle and the alternative text.
    most : so many assumptions are drawn; the others move the answer less.
    form : how an answer is written in the alternative text.
    none : where a line says that nobody is ahead.
    """
    published(table)
    base = float(table.loc[table["level"] == "base", "estimate"].iloc[0])
    moved = table[table["level"] != "base"]
    ends = moved.groupby("term")["estimate"].agg(["min", "max"])
    width = ends["max"].clip(lower=base) - ends["min"].clip(upper=base)
    order = list(width[width > 0].sort_values(ascending=False, kind="stable").index[:most])
    titles = moved.drop_duplicates("term").set_index("term")["title"]
    parts = [(term, moved[moved["term"] == term].to_dict("records")) for term in order]

    beside = [_at_end(row, names) for _, rows in parts for row in rows]

    def draw(phone: bool):
        place = NamedRows(
            [titles[term] for term in order],
            phone,
            2,
            step=step_for(beside, phone, 0.21),
            below=0.75,
        )
        ax = place.ax
        for line, (_, rows) in enumerate(parts):
            for i, row in enumerate(rows):
                # Two bars on the same side would hide one another in one row.
                mark = int(_full(row, i))
                ax.barh(
                    place.at(line, mark), row["estimate"] - base, left=base,
                    height=0.9 * place.step, linewidth=0.8, **_look(mark),
                )  # fmt: skip
                place.number(line, mark, _at_end(row, names))
        ax.axvline(base, color=INK, linewidth=1)
        if none is not None:
            ax.axvline(none, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.locator_params(axis="x", nbins=5 if phone else 8)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        for mark, label in enumerate(("assumption at its low end", "at its high end")):
            ax.barh([place.at(0)], [0], left=base, label=label, **_look(mark))
        key_above(ax, 2)
        label_axes(ax, axis, phone=phone)
        return place.figure

    said = [
        f"{row['title']} {_at_end(row, names)}: {form.format(row['estimate'])}"
        for _, rows in parts
        for row in rows
    ]
    mark = "Full line: all assumptions at their values. Beside a bar: the value of the assumption"
    if names:
        first = names[table["reference"].iloc[0]]
        mark += f", and who ranks first there if not {first.lower()}"
    mark += "."
    mark += " Dashed line: level with the next best." if none is not None else ""
    alt = (
        f"Tornado chart of {what}: {form.format(base)} with all assumptions at their values. "
        f"With one of them moved: {'; '.join(said)}."
    )
    drawn = table[table["term"].isin(order) | (table["level"] == "base")]
    return finish(draw, alt, table, drawn, what, mark, axis)


def _full(row: Mapping, place: int) -> bool:
    return row["level"] == "high" or (row["level"] != "low" and bool(place))


def _look(full: int) -> dict[str, object]:
    face = colours()[0] if full else "white"
    return {"color": face, "edgecolor": colours()[0], "hatch": "" if full else "////"}


def _at_end(row: Mapping, names: Mapping[str, str]) -> str:
    text = f"{row['value']:,.10g}" if pd.notna(row["value"]) else str(row["level"])
    return text + (f": {names[row['group']]}" if row["group"] != row["reference"] else "")
