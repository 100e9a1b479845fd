"""A slide of each figure: a PNG of 1920 by 1080 pixels with headline, source and kind.

A slide is drawn from the figure's own file, kept under a digest of all that it shows, and drawn
again only where that has changed: `distance-to-care build --slides`, which `make slides` calls.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from html import escape, unescape
from pathlib import Path

from PIL import Image

from distance_to_care import results, tables
from distance_to_care.publication import chromium, citing

ENDING = ".png"
WIDTH, HEIGHT = 1920, 1080
# Figures have few colours; a picture of so many is a third of the size and looks the same.
COLOURS = 128
# How many sources a slide names before it counts the others.
NAMED = 3
LETTERS = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
# The colours of the style sheet's light scheme, and patterns that survive greyscale.
BARS = {
    "open": "linear-gradient(#12436d 0 0)",
    "modelled": "repeating-linear-gradient(135deg, #1d7f77 0 8px, transparent 8px 14px)",
    "published": "linear-gradient(#801650 0 35%, transparent 35% 65%, #801650 65%)",
    "synthetic": "repeating-linear-gradient(90deg, #d1500f 0 8px, transparent 8px 16px)",
    "registry": "repeating-linear-gradient(90deg, #3d3d3d 0 36px, transparent 36px 44px)",
    "scenario": "conic-gradient(from 45deg at 50% 50%, #7d5cb8 25%, transparent 0) 0 0/20px 20px",
}
PAGE = """<!DOCTYPE html><html lang="en-GB"><meta charset="utf-8"><title>{title}</title><style>
* {{ box-sizing: border-box; margin: 0; }}
body {{ width: {width}px; height: {height}px; display: flex; flex-direction: column; gap: 20px;
  padding: 0 64px 28px; background: #fff; color: #1d2a35;
  font-family: "Liberation Sans", Arial, Helvetica, sans-serif; }}
.bar {{ flex: none; height: 18px; margin: 0 -64px; background: {bar}; }}
.kind {{ flex: none; font-size: 28px; font-weight: 700; }}
h1 {{ flex: none; font-size: 46px; line-height: 1.15; color: #0b2b47; }}
.about {{ flex: none; font-size: 28px; color: #4a5763; }}
.picture {{ flex: 1; min-height: 0; display: flex; justify-content: center; }}
.picture svg {{ width: 100%; height: 100%; }}
.source {{ flex: none; font-size: 22px; line-height: 1.3; color: #4a5763; }}
</style><body><div class="bar"></div><p class="kind">{kind}</p>{heading}
<div class="picture">{svg}</div><p class="source">{source}</p></body></html>
"""


def _letters(words: str) -> str:
    return re.sub(r"[\W_]+", "", words).casefold()


def says(svg: str, words: str) -> bool:
    """Tell whether an image has these words in it, in however many lines."""
    shown = "".join(re.sub(r"<[^>]*>", "", line) for line in LETTERS.findall(svg))
    return _letters(words) in _letters(unescape(shown))


def _sources(entry: Mapping) -> str:
    titles = {resource["name"]: resource["title"] for resource in tables.descriptor()["resources"]}
    titles[results.COHORT] = "the cohort"
    named = [titles.get(name, name.replace("_", " ")) for name in entry["sources"]]
    more = len(named) - NAMED
    told = "; ".join(named[:NAMED])
    return f"{told}; and {more} more" if more > 0 else told


def page(figure: Mapping, table: Mapping, svg: str) -> str:
    """Write a slide as a page: what the image itself says is not said twice.

    Parameters
    ----------
    figure, table : what the manifest says of the figure, and of the table it is drawn from.
    svg : the figure's file.
    """
    title, book = figure["title"], citing.this_book()
    heading = "" if says(svg, title) else f"<h1>{escape(title)}</h1>"
    if heading and table["title"] != title:
        heading += f'<p class="about">{escape(table["title"])}</p>'
    source = (
        f"Source: {_sources(table)}. "
        f"{book.short_title}, version {book.version}, {citing.SHORT_LICENCE}."
    )
    return PAGE.format(
        title=escape(title), width=WIDTH, height=HEIGHT, bar=BARS[figure["kind"]],
        kind=escape(results.banner(figure["kind"])), heading=heading, source=escape(source),
        # The box gives the size.
        svg=re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg, count=1),
    )  # fmt: skip


def _pages(manifest: Mapping, published: Path) -> dict[str, str]:
    return {
        name: page(
            entry,
            manifest["tables"][entry["table"]],
            (published / f"{name}.svg").read_text(encoding="utf-8"),
        )
        for name, entry in sorted(manifest["figures"].items())
    }


def _file(kept: Path, text: str) -> Path:
    told = f"{COLOURS}\n{text}"
    return kept / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}{ENDING}"


def drawn(manifest: Mapping, published: Path, kept: Path) -> dict[str, Path]:
    """Find the slides that were drawn and still show what their figures show.

    Parameters
    ----------
    manifest : the merged manifest of all pages.
    published : folder of the merged tables and figures.
    kept : folder that keeps slides between builds.
    """
    if not kept.is_dir():
        return {}
    files = {name: _file(kept, text) for name, text in _pages(manifest, published).items()}
    return {name: file for name, file in files.items() if file.exists()}


def draw(manifest: Mapping, published: Path, kept: Path) -> int:
    """Draw the slides that are missing, drop those of no figure, and say how many were drawn."""
    kept.mkdir(parents=True, exist_ok=True)
    pages = _pages(manifest, published)
    missing = {text for text in pages.values() if not _file(kept, text).exists()}
    if missing:
        with chromium.opened() as browser:
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            for text in sorted(missing):
                tab.set_content(text)
                file = _file(kept, text)
                part = file.with_suffix(".part")
                part.write_bytes(_light(tab.screenshot()))
                part.replace(file)
    current = {_file(kept, text) for text in pages.values()}
    for old in set(kept.iterdir()) - current:
        old.unlink()
    return len(missing)


def _light(content: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=0)
        few.save(out, "PNG", optimize=True)
    return out.getvalue()
