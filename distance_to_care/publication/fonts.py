"""Icons that the pages show, cut out of the theme's icon fonts and put into the style sheet.

As `data:` addresses they cost no request, and they also appear when the site is opened from a
folder: browsers refuse font files to pages that were not served.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FACE = re.compile(r"@font-face\{[^}]*\}\n?")
SOURCE = re.compile(r"url\(\"?'?(?P<address>[^)\"']+\.woff2)[^)]*\)")
# The subsetter reports every table at level INFO, which Sphinx would print.
logging.getLogger("fontTools").setLevel(logging.WARNING)
ICON = re.compile(r"[\"']\\([0-9a-f]{2,6})\s*[\"']", re.IGNORECASE)


def icons_used(css: str) -> set[int]:
    """Code points that rules of a style sheet write as icons, such as `"\\f002"`."""
    text = FACE.sub("", css)
    points = {int(code, 16) for code in ICON.findall(text)}
    points |= {ord(char) for char in re.findall(r"[\"']([\ue000-\uf8ff])[\"']", text)}
    return points


def cut(font: Path, points: set[int]) -> bytes:
    """Font file (WOFF2) with only the given code points; empty where it has none of them."""
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = []
    options.hinting = False
    options.name_IDs = [1, 2, 13, 14]  # family, style and the licence stay with the shapes
    with TTFont(font, recalcTimestamp=False) as face:
        present = points & set(face.getBestCmap())
        if not present:
            return b""
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=sorted(present))
        cutter.subset(face)
        face.flavor = "woff2"
        written = io.BytesIO()
        face.save(written, reorderTables=True)
    return written.getvalue()


def embed(css: str, fonts: Path) -> str:
    """Put the icons that a style sheet uses into it, and drop fonts that show none.

    css: purged style sheet; fonts: folder in which the files that it names lie (by file name).
    """
    points = icons_used(css)

    def replaced(match: re.Match) -> str:
        source = SOURCE.search(match.group())
        if source is None:
            return match.group()
        files = sorted(fonts.rglob(Path(source["address"]).name))
        data = cut(files[0], points) if files else b""
        if not data:
            return ""
        address = "data:font/woff2;base64," + base64.b64encode(data).decode("ascii")
        return re.sub(r"src:[^;}]*(url\([^)]*\)[^;}]*)+", f"src:url({address})", match.group())

    return FACE.sub(replaced, css)
