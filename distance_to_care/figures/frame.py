"""What stands above and below a drawing, inside its image: headline, subtitle, notes and source.

An image that is copied out of its page says what it shows, of whom, and where it comes from.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from distance_to_care.figures.style import FONT, INK, MUTED, NARROWER, SHOWN_FONT, WARNING

HEAD = re.compile(
    r"<svg\b(?P<before>[^>]*?) width=\"(?P<width>[\d.]+)pt\" height=\"(?P<height>[\d.]+)pt\" "
    r"viewBox=\"0 0 [\d.]+ [\d.]+\"(?P<after>[^>]*)>"
)
RIM = 4
LEADING = 1.28


@dataclass(frozen=True)
class Words:
    """A paragraph above or below a drawing."""

    text: str
    size: float = 9.5
    colour: str = MUTED
    bold: bool = False
    space: float = 3

    def lines(self, width: float) -> list[str]:
        """Break the text into lines that fit a width in points."""
        found: list[str] = []
        for word in self.text.split():
            longer = f"{found[-1]} {word}" if found else word
            if found and self._wide(longer) <= width:
                found[-1] = longer
            else:
                found.append(word)
        return found

    def _wide(self, text: str) -> float:
        return NARROWER * self.size * _ems(text, self.bold)


def headline(text: str, narrow: bool = False) -> Words:
    """Write the point of a figure."""
    return Words(text, 13 if narrow else 14.5, INK, bold=True, space=4)


def warning(text: str) -> Words:
    """Write what nobody may miss, whatever page the image is copied to."""
    return Words(text.upper(), 9, WARNING, bold=True, space=4)


@cache
def _ems(text: str, bold: bool) -> float:
    properties = FontProperties(family=FONT, weight="bold" if bold else "normal", size=10)
    return text_to_path.get_text_width_height_descent(text, properties, False)[0] / 10


def around(svg: str, above: Sequence[Words] = (), below: Sequence[Words] = ()) -> str:
    """Set a drawing between paragraphs; the image grows by their height."""
    head = HEAD.search(svg)
    width, height = float(head["width"]), float(head["height"])
    top, lead = _set(above, RIM, width)
    top = top + 3 if above else 0.0
    end, tail = _set(below, top + height + 2, width)
    whole = end + 3 if below else top + height
    body = svg[head.end() : svg.rindex("</svg>")]
    return (
        f'<svg{head["before"]} width="{width:g}pt" height="{whole:g}pt" '
        f'viewBox="0 0 {width:g} {whole:g}"{head["after"]}>\n'
        f'<rect width="{width:g}" height="{whole:g}" fill="#ffffff"/>\n{lead}'
        f'<g transform="translate(0 {top:g})">{body}</g>\n{tail}</svg>\n'
    )


def _set(paragraphs: Sequence[Words], top: float, width: float) -> tuple[float, str]:
    """Set paragraphs from a height downwards; returns where they end, and their text."""
    out = []
    for words in paragraphs:
        for line in words.lines(width - 2 * RIM):
            top += words.size * LEADING
            weight = ' font-weight="bold"' if words.bold else ""
            out.append(
                f'<text x="{RIM}" y="{top - 0.28 * words.size:.1f}" font-family="{SHOWN_FONT}" '
                f'font-size="{words.size:g}px"{weight} fill="{words.colour}">'
                f"{html.escape(line)}</text>\n"
            )
        top += words.space
    return round(top, 1), "".join(out)
