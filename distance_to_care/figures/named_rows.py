"""Rows of marks from top to bottom, each with a name and its numbers.

On a wide drawing names stand to the left of the marks; on a phone they stand above them. Numbers
stand in a column at the right of both. Heights are in inches from the top.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from distance_to_care.figures.canvas import PHONE_CHARACTERS, canvas, wrapped
from distance_to_care.figures.style import INK

LINE = 0.17
NAME_CHARACTERS = 30
# Inches that the plot has between names and numbers, about: where words may stand beside marks.
PLOT_INCHES, PLOT_INCHES_PHONE = 3.4, 2.3
CHARACTER_INCHES = 0.075


class NamedRows:
    """An empty plot with the names of its rows; the marks are drawn at the heights it gives."""

    def __init__(
        self,
        names: Sequence[str],
        phone: bool,
        marks: int = 1,
        headings: Collection[int] = (),
        step: float = 0.25,
        below: float = 0.62,
        wide: int = NAME_CHARACTERS,
    ):
        """Set the names.

        names : of the rows, top to bottom. marks : how many a row has, one below the other.
        headings : places of rows that are headings and have no marks. step : between two marks.
        below : room for the axis. wide : characters of a name beside the marks.
        """
        self.phone, self.step = phone, step
        self._first: list[float] = []
        lines = [wrapped(name, PHONE_CHARACTERS if phone else wide) for name in names]
        top, middles = 0.06, []
        for place, name in enumerate(lines):
            marked = 0 if place in headings else marks * step
            high = max(LINE * len(name), 0.0 if phone else marked)
            middles.append(top + high / 2)
            self._first.append(top + (high if phone else (high - marked) / 2) + step / 2)
            top += high + (marked if phone else 0) + 0.09
        self.height = top
        self.figure = canvas(top + below, phone)
        self.ax = self.figure.subplots()
        self.ax.set_ylim(top, 0)
        self.ax.grid(axis="y", visible=False)
        weights = ["bold" if n in headings or phone else "normal" for n in range(len(lines))]
        texts = ["\n".join(name) for name in lines]
        if phone:
            self.ax.set_yticks([])
            for text, middle, weight in zip(texts, middles, weights, strict=True):
                self.ax.annotate(
                    text, (0, middle), xycoords=self.ax.get_yaxis_transform(), va="center",
                    weight=weight, color=INK, size=10, annotation_clip=False, linespacing=1.1,
                ).set_in_layout(False)  # fmt: skip
        else:
            self.ax.set_yticks(middles, texts, linespacing=1.1)
            for label, weight in zip(self.ax.get_yticklabels(), weights, strict=True):
                label.set_weight(weight)
        self.ax.tick_params(axis="y", length=0)
        self.ax.spines["left"].set_visible(False)

    def at(self, row: int, mark: int = 0) -> float:
        """Return the height of a mark."""
        return self._first[row] + mark * self.step

    def number(self, row: int, mark: int, text: str) -> None:
        """Write the number of a mark into the column at the right."""
        text = "\n".join(wrapped(text, 20)) if self.phone else text
        self.ax.annotate(
            text, (1.03, self.at(row, mark)), xycoords=self.ax.get_yaxis_transform(), va="center",
            color=INK, size=10, annotation_clip=False, linespacing=1.05,
        )  # fmt: skip

    def name_marks(self, names: Sequence[str], ends: Sequence[tuple[float, float]]) -> bool:
        """Name the marks of the first row beside them, where there is room for all of their names.

        names : of the marks, in order. ends : where each mark begins and ends.
        Returns whether there was room.
        """
        low, high = self.ax.get_xlim()
        inches = PLOT_INCHES_PHONE if self.phone else PLOT_INCHES
        scale = inches / (high - low)
        placed = []
        for mark, (name, (start, end)) in enumerate(zip(names, ends, strict=True)):
            wide = CHARACTER_INCHES * len(name) + 0.15
            if (high - end) * scale > wide:
                placed.append((end, 8, "left", name, mark))
            elif (start - low) * scale > wide:
                placed.append((start, -8, "right", name, mark))
            else:
                return False
        for x, off, side, name, mark in placed:
            self.ax.annotate(
                name, (x, self.at(0, mark)), (off, 0), textcoords="offset points", va="center",
                ha=side, color=INK, size=9.5, weight="bold", annotation_clip=False,
            ).set_in_layout(False)  # fmt: skip
        return True
