"""What every figure is drawn on: a published table in, an image for each width and its words out.

Nothing here sees a person: every function takes a table that was read back through the waist and
refuses any other.
"""

from __future__ import annotations

import html
import io
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from distance_to_care.figures import frame
from distance_to_care.figures.style import FONT, INK, MUTED, SHOWN_FONT, house
from distance_to_care.figures.written import ratio_ticks
from distance_to_care.problems import Problem

SYNTHETIC = "Synthetic people: not findings about patients"
CAR_WORDS = "car ownership not included"
WIDTH_INCHES = 7.2
# A second drawing for a narrow screen, shown at its size.
PHONE_INCHES = 3.9
PHONE_CHARACTERS = 44
KEY_LINE_POINTS = 16


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
    # What is measured, of whom and how told apart: the first part of the subtitle.
    what: str = ""
    # On which side of no effect its intervals lie, counted.
    says: str = ""
    # How names of the code in its rows are written for readers: the labels that are drawn.
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The headline that a drawing gives itself: what is drawn, and what its intervals say."""
        return f"{self.what[:1].upper()}{self.what[1:]}: {self.says}" if self.says else ""


def published(table: pd.DataFrame) -> tuple[str, str]:
    """Return name and kind of a published table.

    Raises
    ------
    Problem : the table was not read back through the waist.
    """
    name = table.attrs.get("published")
    if name is None:
        raise Problem(
            "A figure is drawn from a published table only: publish the table and draw what "
            "'publish' or 'read' hands back."
        )
    return name, str(table["kind"].iloc[0])


def finish(
    draw: Callable[[bool], Figure],
    alt: str,
    table: pd.DataFrame,
    rows: pd.DataFrame,
    what: str = "",
    note: str = "",
    axis: str = "",
    phone: bool = True,
    narrow: bool = False,
    says: str = "",
    words: Mapping[str, str] | None = None,
) -> Drawing:
    """Draw for both widths, with the words that travel inside the image.

    Parameters
    ----------
    draw : makes the figure; told whether it is for a phone.
    alt : what the figure shows in words, with its numbers.
    table, rows : the published table, and those of its rows that are drawn.
    what : what is measured.
    note : what the marks mean. That cars are not counted is added where `what` or `axis` says so.
    axis : the words on the axes.
    phone : whether the phone has a drawing of its own.
    narrow : whether the one drawing fits a phone as well; a wide one scrolls in its box there.
    says : on which side of no effect its intervals lie, where that is the headline.
    words : labels in the drawing, by the names of the code that the table has for them.
    """
    name, kind = published(table)
    above = []
    if kind == "synthetic":
        # The word travels inside the image, whatever page it is copied to.
        above = [frame.warning(SYNTHETIC)]
        alt = f"{SYNTHETIC}. {alt}"
    cars = f"{CAR_WORDS.capitalize()}." if CAR_WORDS in f"{what} {axis}".lower() else ""
    note = " ".join(filter(None, (note, cars)))
    below = [frame.Words(note, 9)] if note else []
    images = []
    with mpl.rc_context(house()):
        for small in (False, True) if phone else (False,):
            images.append(frame.around(_as_svg(draw(small), alt), above, below))
    return Drawing(
        svg=images[0], alt=alt, table=name, kind=kind, rows=rows, narrow=narrow,
        phone=images[1] if phone else "", what=without_cars(what), says=says,
        words={code: " ".join(label.split()) for code, label in (words or {}).items()},
    )  # fmt: skip


def without_cars(what: str) -> str:
    """Take the words on cars out of other words, since they stand below the drawing."""
    for joined in (f", {CAR_WORDS}", f" ({CAR_WORDS})"):
        what = what.replace(joined, "")
    return what


def _as_svg(figure: Figure, alt: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    svg = out.getvalue().replace(f"'{FONT}'", SHOWN_FONT)
    return svg[svg.index("<svg") :].replace(
        "<svg ", f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" ', 1
    )


def canvas(height: float, phone: bool = False, width: float = 0) -> Figure:
    """Open an empty figure of a width that fits the page, or a phone."""
    width = width or (PHONE_INCHES if phone else WIDTH_INCHES)
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.05)
    return figure


def label_axes(ax, across: str, up: str = "", phone: bool = False, key_lines: int = 0) -> None:
    """Name the axes: the horizontal one below it, the upright one above it, to be read upright.

    key_lines : lines of a key between the plot and the name of the upright axis.
    """
    room = PHONE_CHARACTERS if phone else 84
    across, up = without_cars(across), without_cars(up)
    # On a phone from the left edge on: the middle of a plot is not that of the drawing.
    ax.set_xlabel("\n".join(wrapped(across, room)), loc="left" if phone else "center")
    if up:
        text = "\n".join(wrapped(" ".join(up.split()), room))
        # Above its ticks, from the left edge of the drawing on.
        ax.annotate(
            text, (0, 1), (-22, 7 + KEY_LINE_POINTS * key_lines), xycoords="axes fraction",
            textcoords="offset points", ha="left", va="bottom", color=MUTED, size=10,
            annotation_clip=False,
        )  # fmt: skip


def wrapped(text: str, characters: int) -> list[str]:
    """Break a text into lines; lines that it has already stay."""
    return [line for part in text.split("\n") for line in textwrap.wrap(part, characters) or [""]]


def key_above(ax, columns: int) -> None:
    """Set the key between the name of the upright axis and the plot."""
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, borderaxespad=0.2,
        handlelength=1.4, handletextpad=0.5, columnspacing=1.4, borderpad=0.1,
    )  # fmt: skip


def ratio_scale(ax, values, axis: str = "x", phone: bool = False) -> None:
    """Set a logarithmic axis with ticks that people read as ratios."""
    known = [value for value in values if pd.notna(value)]
    low, high = min(known, default=0.9) * 0.85, max(known, default=1.1) * 1.15
    getattr(ax, f"set_{axis}scale")("log")
    ticks = ratio_ticks(low, high, axis == "y")
    if phone and axis == "x" and len(ticks) > 6:
        ticks = [tick for tick in ticks if tick == 1 or ticks.index(tick) % 2 == ticks.index(1) % 2]
    getattr(ax, f"set_{axis}ticks")(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def withheld(ax, words: str = "Withheld: too few people") -> None:
    """Say in an empty plot why it is empty."""
    ax.annotate(words, (0.5, 0.5), xycoords="axes fraction", ha="center", color=INK)
