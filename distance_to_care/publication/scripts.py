"""One script for the whole site, fetched while the page is already being read.

The theme asks for ten small scripts, one after the other and before anything is drawn. Joined in
the same order and without their comments they are one file, which waits for the text (`defer`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from lxml import html as markup

BUNDLE = "_static/site.js"
# In the order in which the theme loads them: each may use what stands before it.
JOINED = (
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "sphinx-book-theme.js",
    "togglebutton.js",
    "translations.js",
    "distance-to-care.js",
    "pydata-sphinx-theme.js",
)
# Settings that the theme writes into each page and `togglebutton.js` reads.
SETTINGS = ("toggleHintShow", "toggleHintHide", "toggleOpenOnPrint", "togglebuttonSelector")
# Said on each page, used by a chooser of versions, which this site has not.
UNUSED = ("DOCUMENTATION_OPTIONS.pagename",)
LICENCE_NOTE = (
    "/* Distance to Care (MIT). Holds scripts of Sphinx (BSD-2-Clause), sphinx-book-theme and"
    " pydata-sphinx-theme (BSD-3-Clause), sphinx-copybutton and sphinx-togglebutton (MIT) and"
    " clipboard.js 2.0.8 (MIT, Zeno Rocha). */\n"
)
WHOLE_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n?", re.DOTALL | re.MULTILINE)
COMMENT_LINE = re.compile(r"^[ \t]*//.*\n?", re.MULTILINE)


def without_comments(source: str) -> str:
    """Leave out comments that have lines of their own; what stands behind code stays."""
    return COMMENT_LINE.sub("", WHOLE_COMMENT.sub("", source))


def _name(script: markup.HtmlElement) -> str:
    return posixpath.basename(urlsplit(script.get("src") or "").path)


def settings(pages: Iterable[markup.HtmlElement]) -> list[str]:
    """Settings for joined scripts that stand in the pages, each once, in their order."""
    found: dict[str, None] = {}
    for page in pages:
        for script in page.xpath("//script[not(@src)]"):
            if any(word in (script.text or "") for word in SETTINGS):
                found.setdefault(script.text.strip().removesuffix(";") + ";")
    return list(found)


def joined(static: Path, set_before: Iterable[str]) -> str:
    """Join the scripts of a folder, settings first; empty where it has none of them."""
    files = {path.name: path for path in sorted(static.rglob("*.js"))}
    parts = [files[name].read_text(encoding="utf-8") for name in JOINED if name in files]
    if not parts:
        return ""
    # A file may end without a semicolon or in a comment, so that each begins on a new line.
    body = "\n;".join(without_comments(part).strip() for part in parts)
    return LICENCE_NOTE + "\n".join([*set_before, body]) + "\n"


def link(page: markup.HtmlElement, address: str) -> None:
    """Put one deferred script in the place of those that were joined, where the page has any."""
    known = {*JOINED, posixpath.basename(BUNDLE)}
    taken = [script for script in page.xpath("//script[@src]") if _name(script) in known]
    for script in page.xpath("//script[not(@src)]"):
        if any(word in (script.text or "") for word in (*SETTINGS, *UNUSED)):
            script.drop_tree()
    if not taken:
        return
    first, *rest = taken
    first.attrib.clear()
    first.set("defer", "")
    first.set("src", address)
    for script in rest:
        script.drop_tree()
    # Scripts of single pages come after the joined one, which they use.
    for script in page.xpath("//script[@src]"):
        if script is not first:
            script.set("defer", "")


def drop_joined(static: Path) -> None:
    """Remove the files that were joined."""
    for path in sorted(static.rglob("*.js")):
        if path.name in JOINED:
            path.unlink()
