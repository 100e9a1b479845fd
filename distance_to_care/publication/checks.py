"""What must hold for every page of the built site, as sentences that name the page."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html as markup

# Where a page, without a click, makes the browser fetch something.
RESOURCES = (
    ("script", "src"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("embed", "src"),
    ("object", "data"), ("source", "src"), ("source", "srcset"), ("video", "src"),
    ("video", "poster"), ("audio", "src"), ("track", "src"), ("image", "href"), ("use", "href"),
)  # fmt: skip
FETCHING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload",
                  "prefetch", "manifest", "shortcut icon", "apple-touch-icon"}  # fmt: skip
CSS_ADDRESS = re.compile(r"url\(\s*[\"']?(?P<address>[^\"')]+)|@import\s+[\"'](?P<sheet>[^\"']+)")
SCRIPT_ADDRESS = re.compile(r"(?:fetch|import|importScripts|new Worker)\(\s*[\"'](https?:)?//")
LOOKS_LIKE_A_FILE = re.compile(r"[\w./\\-]*\.(png|jpe?g|gif|svg|webp|pdf|csv)", re.IGNORECASE)


@dataclass(frozen=True)
class _Page:
    name: str
    tree: markup.HtmlElement
    anchors: frozenset[str]


def _read(site: Path) -> dict[str, _Page]:
    pages = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name.startswith(("_static/", "_sources/")):
            continue
        tree = markup.document_fromstring(path.read_bytes().decode("utf-8"))
        anchors = frozenset(tree.xpath("//@id")) | frozenset(tree.xpath("//a/@name"))
        pages[name] = _Page(name, tree, anchors)
    return pages


def is_foreign(address: str) -> bool:
    """Tell whether an address leads to another host, so that fetching it needs the network."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in {"http", "https", "ftp", "ws", "wss"}


def _text(element: markup.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _head_problems(page: _Page) -> Iterator[str]:
    if not page.tree.get("lang"):
        yield f"{page.name}: the page does not say its language (lang)."
    if not any(_text(title) for title in page.tree.xpath("//head/title")):
        yield f"{page.name}: the page has no title."
    if not any(text.strip() for text in page.tree.xpath("//meta[@name='description']/@content")):
        yield f"{page.name}: the page has no description. Begin it with a sentence of prose."


def _image_problems(page: _Page) -> Iterator[str]:
    for image in page.tree.iter("img"):
        source = image.get("src") or ""
        shown = posixpath.basename(urlsplit(source).path)[:40]
        if source.startswith("data:"):
            shown = "drawn inside the page"
        text = image.get("alt")
        # Empty text is right only where the words beside the picture already say the same.
        spoken = any(_text(parent) for parent in image.iterancestors("a", "button"))
        if text is None:
            yield f"{page.name}: the image {shown} has no alt text."
        elif not text.strip() and not spoken:
            yield f"{page.name}: the image {shown} has an empty alt text."
        elif LOOKS_LIKE_A_FILE.fullmatch(text.strip()):
            yield f"{page.name}: the image {shown} has a file name for an alt text."
        if not (image.get("width") and image.get("height")):
            yield (
                f"{page.name}: the image {shown} has no width and height, so that the text "
                "jumps when it comes."
            )
    for drawing in page.tree.xpath("//svg[not(ancestor::svg)]"):
        hidden = drawing.get("aria-hidden") == "true" or drawing.xpath(
            "ancestor::*[@aria-hidden='true'] | ancestor::button | ancestor::a"
        )
        named = (
            drawing.get("aria-label")
            or drawing.get("aria-labelledby")
            or any(_text(title) for title in drawing.iter("title"))
        )
        if not hidden and not named:
            yield f"{page.name}: a drawing (svg) has neither a name nor aria-hidden."


def _identifier_problems(page: _Page) -> Iterator[str]:
    for identifier, count in Counter(page.tree.xpath("//@id")).items():
        if count > 1:
            yield f"{page.name}: the identifier '{identifier}' occurs {count} times."


def _heading_problems(page: _Page) -> Iterator[str]:
    headings = page.tree.xpath(
        "//main//*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6]"
    )
    first = [heading for heading in headings if heading.tag == "h1"]
    if len(first) != 1:
        yield f"{page.name}: the page has {len(first)} main headings (h1); it needs one."
    previous = 0
    for heading in headings:
        level = int(heading.tag[1])
        if level > previous + 1:
            yield (
                f"{page.name}: the heading '{_text(heading).rstrip('#¶')}' jumps from level "
                f"{previous} to {level}."
            )
        previous = level


def _links(page: _Page) -> Iterator[tuple[str, str]]:
    for tag, attribute in (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")):
        for element in page.tree.iter(tag):
            address = element.get(attribute)
            if address is not None:
                yield tag, address


def _link_problems(page: _Page, site: Path, pages: dict[str, _Page]) -> Iterator[str]:
    for tag, address in _links(page):
        parts = urlsplit(address.strip())
        if parts.scheme or parts.netloc:
            if parts.scheme == "file":
                yield f"{page.name}: the link '{address}' leads into one computer's folders."
            continue
        kind = "link" if tag == "a" else "file"
        if parts.path.startswith("/"):
            yield (
                f"{page.name}: the {kind} '{address}' starts at the root of the host; "
                "make it relative, so that the site also works in a folder."
            )
            continue
        if parts.path:
            target = posixpath.normpath(
                posixpath.join(posixpath.dirname(page.name), unquote(parts.path))
            )
        else:
            target = page.name
        path = site / target
        if target.startswith("..") or not path.exists():
            yield f"{page.name}: the {kind} '{address}' leads to no file."
        elif path.is_dir():
            if not (path / "index.html").exists():
                yield f"{page.name}: the {kind} '{address}' leads to a folder without a page."
        elif parts.fragment and target in pages:
            fragment = unquote(parts.fragment)
            if fragment != "top" and fragment not in pages[target].anchors:
                yield (
                    f"{page.name}: the link '{address}' leads to a place that "
                    f"{'the page' if target == page.name else target} does not have."
                )


def _foreign_addresses(page: _Page) -> Iterator[str]:
    for tag, attribute in RESOURCES:
        for element in page.tree.iter(tag):
            value = element.get(attribute)
            if value:
                yield from (part.split()[0] for part in value.split(", ") if part.strip())
    for link in page.tree.iter("link"):
        if (link.get("rel") or "").lower() in FETCHING_LINKS:
            yield link.get("href") or ""
    for style in [*page.tree.xpath("//style/text()"), *page.tree.xpath("//@style")]:
        yield from _addresses_in_css(style)


def _addresses_in_css(css: str) -> Iterable[str]:
    for match in CSS_ADDRESS.finditer(css):
        yield match["address"] or match["sheet"]


def _foreign_problems(page: _Page) -> Iterator[str]:
    for address in dict.fromkeys(_foreign_addresses(page)):
        if is_foreign(address):
            yield f"{page.name}: the page fetches '{address}' from another host."
    for script in page.tree.xpath("//script[not(@src)]/text()"):
        if SCRIPT_ADDRESS.search(script):
            yield f"{page.name}: a script in the page fetches from another host."


def _asset_problems(site: Path) -> Iterator[str]:
    for sheet in sorted(site.rglob("*.css")):
        name = sheet.relative_to(site).as_posix()
        for address in _addresses_in_css(sheet.read_text(encoding="utf-8")):
            if is_foreign(address):
                yield f"{name}: the style sheet fetches '{address}' from another host."
            elif address.startswith(("data:", "#")):
                continue
            elif not (sheet.parent / unquote(urlsplit(address).path)).exists():
                yield f"{name}: the style sheet asks for '{address}', which does not exist."
    for drawing in sorted(site.rglob("*.svg")):
        source = drawing.read_text(encoding="utf-8")
        for address in re.findall(r"(?:href|src)=[\"']([^\"']+)", source):
            if is_foreign(address):
                name = drawing.relative_to(site).as_posix()
                yield f"{name}: the drawing fetches '{address}' from another host."
    for script in sorted(site.rglob("*.js")):
        if SCRIPT_ADDRESS.search(script.read_text(encoding="utf-8")):
            name = script.relative_to(site).as_posix()
            yield f"{name}: the script fetches from another host."


def problems(site: Path) -> list[str]:
    """List what is wrong with a built site; an empty list means that nothing was found.

    site: folder of the built pages. Each sentence names a page and what to mend: images without
    alt text or with a file name for one; links and fragments that lead nowhere; anything fetched
    from another host (ordinary links to the web are fine); pages without title, language or
    description; identifiers used twice; headings that jump a level.
    """
    pages = _read(site)
    if not pages:
        return [f"There is no page in {site}. Build the book first: make book."]
    found: list[str] = []
    for page in pages.values():
        found += _head_problems(page)
        found += _image_problems(page)
        found += _identifier_problems(page)
        found += _heading_problems(page)
        found += _link_problems(page, site, pages)
        found += _foreign_problems(page)
    found += _asset_problems(site)
    return found
