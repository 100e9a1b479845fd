"""Figures drawn from published tables, with alternative text made from the same numbers.

One house style (`style`), one frame for what stands around a drawing (`frame`), one way to draw
for both widths (`canvas`), and a module for each kind of figure. Nothing here sees a person: every
function takes a table that was read back through the waist and refuses any other.
"""

from distance_to_care.figures.bars import bars, grouped_bars
from distance_to_care.figures.canvas import SYNTHETIC, Drawing
from distance_to_care.figures.choices import frontier
from distance_to_care.figures.diagrams import diagram, findings_grid, timeline
from distance_to_care.figures.forest import dots, forest
from distance_to_care.figures.funnels import funnel
from distance_to_care.figures.icons import icon_array
from distance_to_care.figures.lines import curves, lines
from distance_to_care.figures.pages import Shown, headed
from distance_to_care.figures.ranges import LISTS_MARK, ranges
from distance_to_care.figures.shares import shares
from distance_to_care.figures.slopes import slope
from distance_to_care.figures.style import colours
from distance_to_care.figures.survival import curve_points, survival_curves
from distance_to_care.figures.tables import ShownTable, table_html
from distance_to_care.figures.tornadoes import tornado
from distance_to_care.figures.written import ROUNDED, Written

__all__ = [
    "LISTS_MARK",
    "ROUNDED",
    "SYNTHETIC",
    "Drawing",
    "Shown",
    "ShownTable",
    "Written",
    "bars",
    "colours",
    "curve_points",
    "curves",
    "diagram",
    "dots",
    "findings_grid",
    "forest",
    "frontier",
    "funnel",
    "grouped_bars",
    "headed",
    "icon_array",
    "lines",
    "ranges",
    "shares",
    "slope",
    "survival_curves",
    "table_html",
    "timeline",
    "tornado",
]
