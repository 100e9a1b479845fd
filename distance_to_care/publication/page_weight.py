"""What a first visit to a page of the built site weighs, as it is sent: read from the files.

A page asks for its style sheet, its scripts, its icon and its pictures; scripts of this book fetch
nothing while a page loads. `tests/pages.py` measures the same in a browser, and the two agree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html as markup

from distance_to_care.publication import serving

# Parts of the page around the text: they weigh on every page, and are no figures.
CHROME = ("favicon.svg", "logo.svg")
FETCHED = (
    ("//link[@rel='stylesheet' or @rel='icon' or @rel='preload' or @rel='modulepreload']", "href"),
    ("//script[@src]", "src"),
)
INSIDE = re.compile(r"(?:src|srcset)=\"data:image/[^\"]+\"")
PHONE = "(max-width: 600px)"


@dataclass(frozen=True)
class Weight:
    """Bytes of one page as they are sent on a first visit, without the heads of the answers."""

    page: str
    without_figures: int
    figures: int
    requests: int

    @property
    def whole(self) -> int:
        """Text, style, scripts and figures."""
        return self.without_figures + self.figures


def pages(site: Path) -> Iterator[str]:
    """Names of the pages for readers, in the order of the alphabet: no address that leads on."""
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name.startswith(("_static/", "_sources/")):
            continue
        if 'http-equiv="refresh"' in path.read_text(encoding="utf-8")[:2000]:
            continue
        yield name


def _file(site: Path, page: str, address: str) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    return site / posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))


def _pictures(tree: markup.HtmlElement, phone: bool) -> Iterator[str]:
    for image in tree.iter("img"):
        source = image.get("src") or ""
        parent = image.getparent()
        if phone and parent is not None and parent.tag == "picture":
            offered = parent.xpath("./source[@media=$media]/@srcset", media=PHONE)
            source = offered[0] if offered else source
        yield source


def of_page(site: Path, page: str, encoding: str = "gzip", phone: bool = False) -> Weight:
    """Weigh the first visit to a page.

    Parameters
    ----------
    site : folder of the built pages.
    page : path of the page within it.
    encoding : `br`, `gzip`, or an empty text for what is sent to a browser that takes neither.
    phone : whether figures are those for a narrow screen.
    """
    text = (site / page).read_text(encoding="utf-8")
    tree = markup.document_fromstring(text)
    bare = INSIDE.sub('src=""', text)

    def size(path: Path) -> int:
        return len(serving.sent(path, encoding))

    files = {
        _file(site, page, element.get(attribute) or "")
        for where, attribute in FETCHED
        for element in tree.xpath(where)
    }
    pictures = {_file(site, page, source) for source in _pictures(tree, phone)} - files
    around = {p for p in pictures if p is not None and p.name in CHROME}
    files = {path for path in files | around if path is not None and path.is_file()}
    shown = {path for path in pictures - around if path is not None and path.is_file()}
    body = bare_body = len(serving.compressed(text.encode(), encoding))
    if bare != text:
        bare_body = len(serving.compressed(bare.encode(), encoding))
    return Weight(
        page=page,
        without_figures=bare_body + sum(map(size, sorted(files))),
        figures=body - bare_body + sum(map(size, sorted(shown))),
        requests=1 + len(files) + len(shown),
    )
