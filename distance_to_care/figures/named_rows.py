"""Rows of marks from top to bottom, each with a name and its numbers.

On a wide drawing names stand to the left of the marks; on a phone they stand above them. Numbers
stand in a column at the right of both. Heights are in inches from the top.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from distance_to_care.figures.canvas import PHONE_CHARACTERS, canvas, wrapped
from distance_to_care.figures.style import INK, behind

LINE = 0.17
NAME_CHARACTERS = 30
COLUMN_CHARACTERS = 20
# Inches that the plot has between names and numbers, about: where words may stand beside marks.
PLOT_INCHES, PLOT_INCHES_PHONE = 3.4, 2.3
CHARACTER_INCHES = 0.075
# On a phone lines of the plot end where a name begins: room around it, in points.
AROUND = 0.8


def told(text: str, phone: bool) -> str:
    """Write a number for its column: on a phone a long range stands below its estimate."""
    if not phone or len(text) <= COLUMN_CHARACTERS:
        return text
    return "\n".join(wrapped(text.replace(" (", "\n("), COLUMN_CHARACTERS))


def step_for(texts: Iterable[str], phone: bool, step: float = 0.25) -> float:
    """Return the room between two marks whose numbers are so long."""
    lines = max((told(text, phone).count("\n") + 1 for text in texts), default=1)
    return step if lines == 1 else 0.165 * lines + 0.03


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
        self.ax.set_yticks([])
        self.ax.spines["left"].set_visible(False)
        for row, (name, middle) in enumerate(zip(lines, middles, strict=True)):
            # Line by line: the lines of one text end where the font of the layout ends them.
            for line, text in enumerate(name):
                height = middle + (line - (len(name) - 1) / 2) * LINE
                self.ax.annotate(
                    text, (0 if phone else -0.03, height), xycoords=self._beside, va="center",
                    ha="left" if phone else "right", color=INK, size=10, annotation_clip=False,
                    weight="bold" if row in headings or (phone and not headings) else "normal",
                    bbox=behind(AROUND) if phone else None,
                ).set_in_layout(not phone)  # fmt: skip

    @property
    def _beside(self):
        return self.ax.get_yaxis_transform()

    def at(self, row: int, mark: int = 0) -> float:
        """Return the height of a mark."""
        return self._first[row] + mark * self.step

    def number(self, row: int, mark: int, text: str) -> None:
        """Write the number of a mark into the column at the right."""
        self.ax.annotate(
            told(text, self.phone), (1.05 if self.phone else 1.03, self.at(row, mark)),
            xycoords=self._beside, va="center", color=INK, size=10, annotation_clip=False,
            linespacing=1.05,
        )  # fmt: skip

    def name_marks(
        self, names: Sequence[str], ends: Sequence[Sequence[tuple[float, float]]]
    ) -> bool:
        """Name the marks beside those of the first row that has room for all of their names.

        names : of the marks, in order. ends : for each row, where each of its marks begins and
        ends.
        Returns whether a row had room.
        """
        for row, marks in enumerate(ends):
            placed = [self._side(name, *mark) for name, mark in zip(names, marks, strict=True)]
            if None in placed:
                continue
            for mark, (name, (x, off)) in enumerate(zip(names, placed, strict=True)):
                side = "left" if off > 0 else "right"
                self.ax.annotate(
                    name, (x, self.at(row, mark)), (off, 0), textcoords="offset points",
                    va="center", ha=side, color=INK, size=9.5, weight="bold", annotation_clip=False,
                    bbox=behind(AROUND, side, bold=True),
                ).set_in_layout(False)  # fmt: skip
            return True
        return False

    def _side(self, name: str, start: float, end: float) -> tuple[float, int] | None:
        """Find where a name stands beside its mark: right of it, else left; None without room."""
        low, high = self.ax.get_xlim()
        inches = PLOT_INCHES_PHONE if self.phone else PLOT_INCHES
        wide = (CHARACTER_INCHES * len(name) + 0.15) * (high - low) / inches
        if high - end > wide:
            return end, 8
        return (start, -8) if start - low > wide else None
