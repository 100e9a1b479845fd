"""Figures as light files beside the pages, each with its size, so that no text jumps.

A notebook carries its figures inside the page, where they would hold up the text, weigh a third
more (base64), and come in both widths. In the built site each is a file of its own: a reader's
browser shows the text first and fetches the drawing for its own width. Squares of a map are a
picture within the drawing: pages have it as WebP without loss, a third of the weight, and files to
take home as PNG with the few colours that it has, which every program opens.
"""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import re
import struct
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from lxml import html as markup
from PIL import Image

FOLDER = "_images"
INSIDE = "data:image/svg+xml;base64,"
# A hundredth of a point is finer than any screen draws.
DECIMALS = 2
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
PLACES = re.compile(r"\b(d|x|y|x1|y1|x2|y2|points|transform)=\"([^\"]*)\"")
METADATA = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
BETWEEN = re.compile(r">\s*\n\s*<")
TEXT = re.compile(r"(<text\b.*?</text>)", re.DOTALL)
SIZE = re.compile(r"<svg\b[^>]*?\bwidth=\"([\d.]+)(pt|px|)\"[^>]*?\bheight=\"([\d.]+)(?:pt|px|)\"")
BOX = re.compile(r"<svg\b[^>]*?\bviewBox=\"[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)\"")
PICTURE = re.compile(r"data:image/png;base64,([^\"]+)")
POINT_IN_PIXELS = 4 / 3
# As many as a PNG with a list of colours may have.
MOST_COLOURS = 256


def _as_webp(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    # `exact`: what is transparent keeps its colour too, so that nothing at all is lost.
    picture.save(written, "WEBP", lossless=True, quality=100, method=4, exact=True)
    return written.getvalue()


def _with_few_colours(picture: Image.Image) -> bytes:
    """Write a picture as PNG with a list of its colours; empty where it has too many."""
    pixels = np.ascontiguousarray(np.asarray(picture.convert("RGBA"))).view(np.uint32)[..., 0]
    colours, which = np.unique(pixels, return_inverse=True)
    if len(colours) > MOST_COLOURS:
        return b""
    listed = colours.view(np.uint8).reshape(-1, 4)
    few = Image.fromarray(which.reshape(pixels.shape).astype(np.uint8), "P")
    few.putpalette(listed[:, :3].tobytes())
    written = io.BytesIO()
    few.save(
        written, "PNG", optimize=True, transparency=listed[:, 3].tobytes(),
        bits=4 if len(colours) <= 16 else 8,
    )  # fmt: skip
    return written.getvalue()


# A figure stands in a layer of its page, in the page and among the downloads.
@lru_cache(maxsize=1000)
def lighter_pictures(svg: str, webp: bool) -> str:
    """Write the pictures within a drawing smaller, every pixel as it was."""

    def smaller(match: re.Match) -> str:
        before = base64.b64decode(match[1])
        with Image.open(io.BytesIO(before)) as picture:
            picture.load()
            after = _as_webp(picture) if webp else _with_few_colours(picture)
        if not 0 < len(after) < len(before):
            return match.group()
        kind = "webp" if webp else "png"
        return f"data:image/{kind};base64,{base64.b64encode(after).decode('ascii')}"

    return PICTURE.sub(smaller, svg)


@lru_cache(maxsize=1000)
def light(svg: str) -> str:
    """Write a drawing shorter, looking the same: no metadata, no indents, two decimals."""

    def rounded(match: re.Match) -> str:
        text = f"{float(match.group()):.{DECIMALS}f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def placed(match: re.Match) -> str:
        value = LONG_NUMBER.sub(rounded, match[2]) if "scale" not in match[2] else match[2]
        return f'{match[1]}="{" ".join(value.split())}"'

    parts = TEXT.split(PLACES.sub(placed, METADATA.sub("", svg)))
    # Blanks between the parts of a line of text are part of what is read.
    return "".join(part if part.startswith("<text") else BETWEEN.sub("><", part) for part in parts)


def size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of an SVG, PNG or WebP image; None where it does not say."""
    if content.startswith(b"\x89PNG"):
        return struct.unpack(">II", content[16:24])
    if content[:4] == b"RIFF" and content[8:16] == b"WEBPVP8X":
        width, height = content[24:27] + b"\0", content[27:30] + b"\0"
        return struct.unpack("<I", width)[0] + 1, struct.unpack("<I", height)[0] + 1
    head = content[:4000].decode("utf-8", "ignore")
    if found := SIZE.search(head):
        scale = POINT_IN_PIXELS if found[2] == "pt" else 1
        return round(float(found[1]) * scale), round(float(found[3]) * scale)
    if found := BOX.search(head):
        return round(float(found[1])), round(float(found[2]))
    return None


def lighten(downloads: Path) -> None:
    """Write the drawings that readers may take home shorter, in place."""
    for path in sorted(downloads.glob("*.svg")):
        before = path.read_text(encoding="utf-8")
        after = lighter_pictures(light(before), webp=False)
        if after != before:
            path.write_text(after, encoding="utf-8")


def _named(image: markup.HtmlElement) -> str:
    # A figure of a layer says of which whole figure it is the picture.
    named = image.xpath("ancestor::figure[1]/@id | ancestor::figure[1]/@data-figure")
    return named[0].removeprefix("figure-") if named else ""


def _file(address: str, page: Path, site: Path) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    file = site / posixpath.normpath(
        posixpath.join(page.parent.relative_to(site).as_posix(), unquote(parts.path))
    )
    return file if file.is_file() else None


def _shown(svg: str, download: Path, site: Path) -> Path:
    """Find or write the file that a page shows of a drawing: the download where it is as light."""
    drawn = lighter_pictures(light(svg), webp=True)
    if download.is_file() and download.read_text(encoding="utf-8") == drawn:
        return download
    file = site / FOLDER / f"{hashlib.sha256(drawn.encode()).hexdigest()[:12]}.svg"
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.write_text(drawn, encoding="utf-8")
    return file


def place(tree: markup.HtmlElement, page: Path, site: Path) -> None:
    """Take the drawings out of a parsed page into files, and give every image its size."""
    for element in tree.xpath("//img | //picture/source"):
        attribute = "src" if element.tag == "img" else "srcset"
        address = element.get(attribute) or ""
        file = _file(address, page, site)
        if address.startswith(INSIDE):
            svg = base64.b64decode(address.removeprefix(INSIDE)).decode("utf-8")
            file = _shown(svg, site / "downloads" / f"{_named(element)}.svg", site)
        elif file is not None and file.suffix == ".svg" and file.parent.name == "downloads":
            file = _shown(file.read_text(encoding="utf-8"), file, site)
        if file is None:
            continue
        shown = posixpath.relpath(
            file.relative_to(site).as_posix(), page.parent.relative_to(site).as_posix()
        )
        element.set(attribute, shown)
        known = size(file.read_bytes())
        if known and not element.get("width"):
            element.set("width", str(known[0]))
            element.set("height", str(known[1]))
