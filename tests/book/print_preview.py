"""Pictures of pages as they are printed, and what would be cut off on paper.

`make print-preview` writes a picture of every page to `_build/print_preview/`, as wide as the text
of a sheet of A4, with everything that is folded away opened, as the browser prints it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browser import visited

from distance_to_care import places
from distance_to_care.publication import chromium, page_weight

# A4 less the margins of the style sheet (16 mm left and right), at 96 dots an inch.
PAPER_PIXELS = round((210 - 2 * 16) / 25.4 * 96)
HEIGHT = 1000
# What stands beyond the edge of the paper, or in a box that shows a part of it only.
CUT = """(width) => [...document.querySelectorAll("main *")].filter((element) => {
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  if (!box.width || !box.height || style.visibility === "hidden") return false;
  if (element.closest("[aria-hidden=true], .visually-hidden, svg, math")) return false;
  const inBox = style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
  return inBox || box.right > width + 1;
}).map((element) => element.outerHTML.slice(0, 100))"""


def prepare(page) -> None:
    """Let a page stand as it is printed."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="light")
    page.set_viewport_size({"width": PAPER_PIXELS, "height": HEIGHT})


def cut_off(page) -> list[str]:
    """List the innermost parts of a prepared page that paper would cut off."""
    found = page.evaluate(CUT, PAPER_PIXELS)
    return [part for part in found if not part.startswith(("<main", "<html", "<body"))]


def main() -> int:
    """Write a picture of every page; fails where something would be cut off."""
    site = places.ROOT / "_build" / "html"
    folder = places.ROOT / "_build" / "print_preview"
    wrong = 0
    with chromium.opened() as browser:
        for name in page_weight.pages(site):
            with visited(browser, site.as_uri() + "/", name) as visit:
                prepare(visit.page)
                picture = folder / Path(name).with_suffix(".png")
                picture.parent.mkdir(parents=True, exist_ok=True)
                visit.page.screenshot(path=picture, full_page=True)
                for part in cut_off(visit.page)[:3]:
                    wrong += 1
                    print(f"{name}: cut off: {part}")
    print(f"Pictures in {folder}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
