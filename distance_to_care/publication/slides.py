"""A slide of each figure: a PNG of 1920 by 1080 pixels with headline, source and kind.

A slide is drawn from the figure's own file, kept under a digest of all that it shows, and drawn
again only where that has changed: `distance-to-care build --slides`, which `make slides` calls.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lxml import etree
from PIL import Image

from distance_to_care import results
from distance_to_care.figures.canvas import without_cars
from distance_to_care.publication import chromium, citing

ENDING = ".png"
WIDTH, HEIGHT = 1920, 1080
# Figures have few colours; a picture of so many is a third of the size and looks the same.
COLOURS = 128
# Between columns of a long drawing, in pixels.
GAP = 48
# Pixels a point of a drawing at which its letters, of 9 to 10.5 points, can be read from a chair.
READABLE = 1.8
# Where no way of setting a drawing comes near to that, rows in its middle are left out.
LEAST = 1.6
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
  padding: 0 64px 24px; background: #fff; color: #1d2a35;
  font-family: "Liberation Sans", Arial, Helvetica, sans-serif; }}
.bar {{ flex: none; height: 18px; margin: 0 -64px; background: {bar}; }}
main {{ flex: 1; min-height: 0; display: flex; flex-direction: column; gap: 20px; }}
.beside main {{ flex-direction: row; gap: 48px; }}
.words {{ flex: none; }}
.beside .words {{ width: 32%; }}
.kind {{ font-size: 28px; font-weight: 700; }}
h1 {{ margin: 16px 0; font-size: 46px; line-height: 1.15; color: #0b2b47; }}
.about {{ font-size: 28px; line-height: 1.3; color: #4a5763; }}
.picture {{ flex: 1; min-height: 0; min-width: 0; display: flex; justify-content: center;
  align-items: center; gap: {gap}px; }}
.ends {{ flex-direction: column; gap: 12px; }}
.left-out {{ font-size: 26px; color: #4a5763; }}
.source {{ flex: none; font-size: 22px; line-height: 1.3; color: #4a5763; }}
</style><body><div class="bar"></div><main><div class="words"><p class="kind">{kind}</p>
<h1>{title}</h1><p class="about">{about}</p></div><div class="picture">{svg}</div></main>
<p class="source">{source}</p><script>{{{script}}}</script></body></html>
"""
# Sets a drawing as large as the slide allows: below its words or beside them, and where letters
# would be too small to be read from a chair, in columns, cut where nothing stands. Of a drawing of
# so many rows that columns do not help, the rows at both ends are shown, and the others counted.
SCRIPT = """
const picture = document.querySelector(".picture"), whole = picture.firstElementChild;
const inside = whole.getBoundingClientRect(), sheet = whole.viewBox.baseVal;
const dot = inside.height / sheet.height;
const paper = (whole.querySelector("#patch_1") ?? whole).getBoundingClientRect();
const top0 = (paper.top - inside.top) / dot, high = paper.height / dot, wide = sheet.width;
// A line of the grid may be cut, and the ground on which the drawing stands.
const cuttable = (each, box) => box.height > paper.height * 0.4
  && (box.width < 4 * dot || getComputedStyle(each).fill === "rgb(255, 255, 255)");
const spans = [...whole.querySelectorAll("text, path, use, rect, circle")]
  .filter((each) => !each.closest("defs"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.height && !cuttable(each, box))
  .map(([, box]) => [(box.top - inside.top) / dot, (box.bottom - inside.top) / dot])
  .sort((a, b) => a[0] - b[0]);
const gaps = [];
let reached = top0;
for (const [from, to] of spans) {
  if (from - reached > 2) gaps.push((from + reached) / 2);
  reached = Math.max(reached, to);
}
const columns = (count) => {
  const ends = [top0, top0 + high];
  for (let n = 1; n < count; n++) {
    const wish = top0 + high * n / count;
    const off = (gap) => Math.abs(gap - wish);
    ends.push(gaps.reduce((best, gap) => (off(gap) < off(best) ? gap : best), top0));
  }
  return [...new Set(ends)].sort((a, b) => a - b);
};
const ways = [];
for (const beside of [false, true]) {
  document.body.classList.toggle("beside", beside);
  for (const count of [1, 2, 3]) {
    const ends = columns(count), parts = ends.length - 1;
    const longest = Math.max(...ends.slice(1).map((end, n) => end - ends[n]));
    const room = picture.clientWidth - (parts - 1) * GAP;
    const size = Math.min(room / parts / wide, picture.clientHeight / longest);
    ways.push({ beside, ends, size, worth: Math.min(size, READABLE) - count / 100 });
  }
}
const best = ways.reduce((a, b) => (b.worth > a.worth ? b : a));
document.body.classList.toggle("beside", best.beside);
const part = (from, end, size) => {
  const made = whole.cloneNode(true);
  made.setAttribute("viewBox", [0, from, wide, end - from].join(" "));
  made.setAttribute("width", wide * size);
  made.setAttribute("height", (end - from) * size);
  return made;
};
if (best.size < LEAST) {
  document.body.classList.remove("beside");
  picture.classList.add("ends");
  const half = (picture.clientHeight - 60) / READABLE / 2, bottom = top0 + high;
  const from = gaps.findLast((gap) => gap <= top0 + half);
  const to = gaps.find((gap) => gap >= bottom - half);
  const words = document.createElement("p");
  words.className = "left-out";
  const rows = gaps.indexOf(to) - gaps.indexOf(from);
  words.textContent = `${rows} rows between are left out here; the figure on the page has them.`;
  picture.replaceChildren(part(top0, from, READABLE), words, part(to, bottom, READABLE));
} else {
  const { ends, size } = best;
  picture.replaceChildren(...ends.slice(1).map((end, n) => part(ends[n], end, size)));
  if (ends.length > 2) picture.style.alignItems = "start";
}
"""


@dataclass
class Parts:
    """A figure's image taken apart: its words, to be set larger, and the drawing between them."""

    about: str
    below: str
    drawing: str


def _level(element: etree._Element) -> bool:
    """Tell whether words stand around a drawing here: a sheet, lines, and one group."""
    named = [etree.QName(each).localname for each in element]
    return named.count("g") == 1 and set(named) <= {"rect", "text", "g"}


def apart(svg: str) -> Parts:
    """Take the words that `figures.frame` sets above and below a drawing out of its image.

    The headline is left out, and so is the warning that people are synthetic: a slide says both.
    """
    sheet = element = etree.fromstring(svg.encode())
    above: list[str] = []
    below: list[str] = []
    while _level(element):
        within = element.find("{*}g")
        above += [e.text for e in within.itersiblings("{*}text", preceding=True)
                  if e.get("font-weight") != "bold"][::-1]  # fmt: skip
        below[:0] = [e.text for e in within.itersiblings("{*}text")]
        element = within
    size = sheet.get("viewBox")
    inner = "".join(etree.tostring(each, encoding="unicode") for each in element)
    return Parts(
        " ".join(above), " ".join(below),
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><g>{inner}</g></svg>',
    )  # fmt: skip


def page(figure: Mapping, svg: str) -> str:
    """Write a slide as a page: what the image says around its drawing is set in letters of a slide.

    Parameters
    ----------
    figure : what the manifest says of the figure.
    svg : the figure's file.
    """
    parts, book = apart(svg), citing.this_book()
    script = SCRIPT
    for name, value in {"GAP": GAP, "READABLE": READABLE, "LEAST": LEAST}.items():
        script = script.replace(name, str(value))
    return PAGE.format(
        title=escape(without_cars(figure["title"])), width=WIDTH, height=HEIGHT, gap=GAP,
        bar=BARS[figure["kind"]], kind=escape(results.banner(figure["kind"])),
        about=escape(parts.about), svg=parts.drawing, script=script,
        source=escape(f"{parts.below} {book.short_title}, version {book.version}, "
                      f"{citing.SHORT_LICENCE}."),
    )  # fmt: skip


def _pages(manifest: Mapping, published: Path) -> dict[str, str]:
    return {
        name: page(entry, (published / f"{name}.svg").read_text(encoding="utf-8"))
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
