"""The house style: seaborn's grid on the style and colours of the Analysis Function (`afcharts`).

Groups differ in line, mark or hatch and carry their names as well, so that a figure reads in
greyscale, and neighbouring colours differ in lightness. Figures stand on white in the light and in
the dark scheme: an image in a page cannot know which of the two a reader chose, and one that is
copied out of the page has to read on any ground.
"""

from __future__ import annotations

from collections.abc import Sized
from functools import cache
from importlib import resources

import matplotlib as mpl
from afcharts.af_colours import get_af_colours
from matplotlib.path import Path

from distance_to_care.problems import Problem

INK = "#222222"
MUTED = "#5c6367"
GRID = "#d9d9d9"
WARNING = "#801650"
# More lines or kinds of mark than this nobody tells apart: draw small multiples.
MOST_SERIES = 4
LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1, 2)))
MARKS = ("o", "s", "^", "D")
HATCHES = ("", "///", "...", "xxx")
FONT = "DejaVu Sans"
# Laid out in DejaVu, shown in a narrower font that readers have, so that labels cannot collide.
SHOWN_FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
# How wide words are in the font that is shown, of their width in the one of the layout.
NARROWER, NARROWER_BOLD = 0.91, 0.84
# The share of what a box is too wide by that lies before the words, by where they are anchored.
BEFORE = {"left": 0, "center": 0.5, "right": 1}


@cache
def colours() -> tuple[str, ...]:
    """Return the categorical palette of the Government Analysis Function."""
    return tuple(get_af_colours("categorical", number_of_colours=6))


@cache
def house() -> dict[str, object]:
    """Return the settings with which every figure is drawn."""
    # Imported at the first figure: what calculates without one starts a second sooner.
    import seaborn

    official = mpl.rc_params_from_file(
        str(resources.files("afcharts") / "afcharts.mplstyle"), use_default_template=False
    )
    return {
        **seaborn.axes_style("whitegrid"),
        **official,
        # Text stays text, and the same figure is the same bytes.
        "svg.fonttype": "none",
        "svg.hashsalt": "distance-to-care",
        "font.family": FONT,
        "font.size": 10.5,
        "text.color": INK,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 10,
        "axes.edgecolor": "#8a8a8a",
        "axes.grid.axis": "both",
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "grid.color": GRID,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "patch.force_edgecolor": False,
        "hatch.linewidth": 1,
        "legend.fontsize": 10,
    }


def behind(
    pad: float, side: str = "left", alpha: float = 1, bold: bool = False
) -> dict[str, object]:
    """Return a white box as wide as the words in front of it are in the font that is shown.

    pad : room around the words, in points. side, bold : their alignment, and their weight.
    """
    part = NARROWER_BOLD if bold else NARROWER

    def box(left: float, low: float, width: float, height: float, mutation_size: float) -> Path:
        left += BEFORE[side] * (1 - part) * width
        right, high = left + part * width + pad, low + height + pad
        left, low = left - pad, low - pad
        return Path([(left, low), (right, low), (right, high), (left, high), (left, low)])

    return {"boxstyle": box, "fc": "white", "ec": "none", "alpha": alpha}


def check_series(names: Sized) -> None:
    """Refuse more series in one plot than a reader tells apart.

    Raises
    ------
    Problem : there are more than four.
    """
    if len(names) > MOST_SERIES:
        raise Problem(
            f"A figure has {MOST_SERIES} series at most, and was given {len(names)}: choose among "
            "them, or draw small multiples."
        )
