"""A figure in a page: image for each width, alternative text, caption, data table and downloads."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass, replace

from distance_to_care.figures import frame
from distance_to_care.figures.canvas import Drawing, without_cars
from distance_to_care.figures.tables import downloads, table_html


def headed(drawing: Drawing, title: str, about: str = "", source: str = "") -> Drawing:
    """Write into the image what it says, of whom, and where it comes from.

    Parameters
    ----------
    drawing : what a function of this package returned.
    title : the point of the figure.
    about : people, place and period; what is measured stands before it, as the drawing knows it.
    source : where the numbers come from.
    """
    what = drawing.what[:1].upper() + drawing.what[1:]
    # Where the headline only says what is shown, the subtitle does not say it again.
    what = "" if what.lower() in title.lower() else what
    subtitle = " · ".join(filter(None, (what, about)))
    subtitle = subtitle[:1].upper() + subtitle[1:]
    below = [frame.Words(source, 8.5)] if source else []

    def around(svg: str, narrow: bool) -> str:
        above = [frame.headline(without_cars(title), narrow)]
        above += [frame.Words(subtitle, 10.5)] if subtitle else []
        return frame.around(svg, above, below)

    phone = around(drawing.phone, True) if drawing.phone else ""
    return replace(drawing, svg=around(drawing.svg, drawing.narrow), phone=phone)


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
        labels = self.drawing.words.items()
        words = {**(self.words or {}), **{c: label for c, label in labels if "_" in c}}
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
            # The headline stands in the image; as text it is for those who do not see the image,
            # and for search.
            f'<figure class="{self.classes}" id="figure-{self.name}">{image}'
            f'<figcaption class="visually-hidden">{html.escape(self.title)}</figcaption></figure>'
            f"<details><summary>Data table: {html.escape(self.title)}</summary>"
            f"{table_html(self.drawing.rows, self.title, words=words)}</details>"
            f"{downloads(self.drawing.table, self.name)}"
        )

    def __repr__(self) -> str:
        return f"{self.title}. {self.drawing.alt}"
