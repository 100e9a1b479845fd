"""The whole book as one tagged PDF, in the order of its contents: `make pdf`.

The pages of the finished site are set one after the other in one document, which Chromium prints
with tags and bookmarks. One document and not many that are merged, because the tags of a page are a
tree of the whole file. What is folded away is open on paper, but for figures of survival, which a
reader opens by choice, for code, which stands in the notebooks, for letters, which are there to be
sent, and for tables too long to read. Pages that only list files or functions are left out.

It is printed two times: the first time says on which page each chapter begins.
"""

from __future__ import annotations

import copy
import hashlib
import io
import posixpath
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from lxml import html as markup

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import addresses, boards, build, chromium, citing
from distance_to_care.whole_file import whole

FILE = "distance-to-care.pdf"
# In the list of downloads: words until the file is there, then the link.
PLACE = re.compile(r'<li class="printed-book">.*?</li>', re.DOTALL)
WAITING = "the whole book as a PDF for paper: <code>make pdf</code> writes it"
# Lists for those who write programs or fetch files: paper has no use for them.
NOT_PRINTED = (
    "book/functions",
    "book/functions_of_places",
    "book/functions_of_scenarios",
    "book/data_dictionary",
    "book/downloads",
    addresses.ALL_PAGES,
)
# A data table with more rows or columns serves nobody on paper.
MOST_ROWS, MOST_COLUMNS = 40, 10
# What paper has no use for. Code is in the notebooks, which the site offers.
LEFT_OUT = (
    "//script | //style | //form | //button | //template",
    "//*[{0}' headerlink ') or {0}' take-away ') or {0}' cell_input ') or {0}' downloads ') "
    "or {0}' find-my-area ') or {0}' claims-filter ') or {0}' kernel ')]",
)
CLASSES = "contains(concat(' ', normalize-space(@class), ' '), "
NAMING = ("aria-labelledby", "aria-describedby", "for", "headers")
STAYS_CLOSED = "survival-choice"
STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; }
body { page: auto !important; }
.bd-article { break-before: page; }
/* As on the page of a care board alone, with room for the foot of the book. */
@page board { margin: 8mm 12mm 10mm; }
.bd-article:has(.to-paste) { page: board; }
.printed-cover { height: 240mm; display: flex; flex-direction: column; justify-content: center; }
.printed-cover h1, .printed-contents h1 { border: 0; }
.printed-contents { break-before: page; }
.printed-contents h2 { margin: 5mm 0 1mm; padding: 0; border: 0; font-size: 12pt; }
.printed-contents ul { margin: 0; padding: 0; list-style: none; }
.printed-contents a { display: flex; justify-content: space-between; gap: 5mm; }
.bd-article .scroll-box, .bd-article .table-scroll { overflow: visible; background: none; }
.bd-article table { width: 100% !important; min-width: 0; font-size: 7.5pt; table-layout: auto; }
.bd-article table :is(th, td) { padding: 0.6mm 1mm; overflow-wrap: anywhere;
  white-space: normal !important; }
.bd-article :is(table, pre, details, .register-entry) { break-inside: auto; }
.bd-article dt { break-after: avoid; }
.bd-article:not(:has(.to-paste)) { --measure: 150mm; }
.bd-article:not(:has(.to-paste)) :is(p, li, dd) { line-height: 1.4; }
.bd-article:not(:has(.to-paste)) h2 { margin: 7mm 0 2mm; padding-top: 3mm; }
.bd-article:not(:has(.to-paste)) :is(h3, h4) { margin: 5mm 0 1.5mm; }
.bd-article table td.number { overflow-wrap: normal; white-space: nowrap !important; }
.bd-article figure.published-figure img { width: auto; max-width: 100%; max-height: 215mm;
  margin: 0 auto; }
.bd-article .sd-row { margin-inline: 0; }
details > summary { break-after: avoid; }
.bd-article a[href^="#"]::after { content: none; }
"""
FOOT = (
    '<div style="width:100%;padding:0 16mm;font:8px Arial,sans-serif;color:#444;display:flex;'
    'justify-content:space-between"><span>{words}</span>'
    '<span><span class="pageNumber"></span></span></div>'
)


@dataclass(frozen=True)
class Chapter:
    """A page of the site as it is printed."""

    name: str  # path without ending
    part: str
    title: str
    body: markup.HtmlElement


def _parts(toc: Path) -> list[tuple[str, list[str]]]:
    """List the parts of the book with their pages, the first page in a part of its own."""
    tree = yaml.safe_load(toc.read_text(encoding="utf-8"))
    parts = [("", [tree["root"]])]
    for part in tree["parts"]:
        parts.append((part["caption"], [page["file"] for page in part["chapters"]]))
    return parts


def order(site: Path, toc: Path | None = None) -> list[tuple[str, str]]:
    """List the pages that are printed, with the part that each stands in, in reading order.

    The pages of the care boards follow the chapter that makes them.
    """
    found = []
    for part, names in _parts(toc or places.ROOT / "_toc.yml"):
        for file in names:
            name = file.removesuffix(".md").removesuffix(".ipynb")
            if name in NOT_PRINTED:
                continue
            found.append((name, part))
            if name.endswith(f"/{boards.PAGE}"):
                pages = sorted((site / boards.FOLDER).glob("*.html"))
                found += [(f"{boards.FOLDER}{page.stem}", part) for page in pages]
    return [(name, part) for name, part in found if (site / f"{name}.html").exists()]


def _mark(page: str, place: str = "") -> str:
    """Address of a place in the printed document."""
    slug = page.replace("/", "-")
    return f"{slug}--{place}" if place else slug


def _address(href: str, page: str, pages: frozenset[str]) -> str | None:
    """Lead a link to its place in the document; None where paper has no such place."""
    parts = urlsplit(href)
    if parts.scheme in {"http", "https", "mailto"}:
        return href
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return f"#{_mark(page, unquote(parts.fragment))}" if parts.fragment else None
    there = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
    if there.removesuffix(".html") not in pages:
        return None
    return f"#{_mark(there.removesuffix('.html'), unquote(parts.fragment))}"


def _shorten(body: markup.HtmlElement) -> None:
    """Put words in the place of letters, of large tables, and of a picture seen already."""
    for table in body.xpath(".//details//table"):
        rows, columns = len(table.xpath(".//tbody/tr")), len(table.xpath(".//thead/tr[1]/*"))
        if rows > MOST_ROWS or columns > MOST_COLUMNS:
            words = markup.Element("p")
            words.text = (
                f"This table has {rows:,} rows and {columns} columns. It stands in the file that "
                "the page offers, and is not printed."
            )
            table.getparent().replace(table, words)
    for letter in body.xpath(".//details[.//pre][.//p[starts-with(normalize-space(), 'Letter:')]]"):
        words = markup.Element("p")
        words.text = "A letter, ready to send, stands on the page of the website."
        letter.getparent().replace(letter, words)
    shown = set(body.xpath(".//figure/@data-figure"))
    for figure in body.xpath(".//figure[@id]"):
        if figure.get("id").removeprefix("figure-") in shown:
            for picture in figure.xpath("./*[not(self::figcaption)]"):
                words = markup.Element("p")
                words.text = "The picture stands above, in three minutes."
                figure.replace(picture, words)


def prepared(
    tree: markup.HtmlElement, page: str, pages: frozenset[str], site: Path
) -> markup.HtmlElement | None:
    """Make the article of a page ready for the document: its own addresses, open, without tools.

    Parameters
    ----------
    tree : the parsed page.
    page : its path without ending.
    pages : all pages of the document.
    site : folder of the built site.

    Returns
    -------
    The article, or None where the page has none.
    """
    found = tree.xpath(f"//article[{CLASSES}' bd-article ')]")
    if not found:
        return None
    body = copy.deepcopy(found[0])
    for where in LEFT_OUT:
        for element in body.xpath("." + where.format(CLASSES).replace(" | //", " | .//")):
            if element.getparent() is not None:
                element.drop_tree()
    for source in body.xpath(".//picture//source"):
        # The parser takes the picture that follows for a part of it.
        source.drop_tag()
    _shorten(body)
    body.set("id", _mark(page))
    for element in body.iter():
        if not isinstance(element.tag, str):
            continue
        if element is not body and element.get("id"):
            element.set("id", _mark(page, element.get("id")))
        for name in NAMING:
            if element.get(name):
                element.set(name, " ".join(_mark(page, each) for each in element.get(name).split()))
        element.attrib.pop("tabindex", None)
        element.attrib.pop("loading", None)
    for link in body.iter("a"):
        address = _address(link.get("href") or "", page, pages)
        if address is None:
            link.tag = "span"
            for name in ("href", "download", "target", "rel", "title"):
                link.attrib.pop(name, None)
        else:
            link.set("href", address)
    for image in body.iter("img"):
        source = urlsplit(image.get("src") or "")
        if not source.scheme:
            file = site / posixpath.normpath(
                posixpath.join(posixpath.dirname(page), unquote(source.path))
            )
            image.set("src", file.resolve().as_uri())
    for figure in body.iter("figure"):
        # The picture inside is the figure that has the words.
        figure.set("role", "group")
    for details in body.iter("details"):
        if STAYS_CLOSED not in (details.get("class") or "").split():
            details.set("open", "")
    return body


def chapters(site: Path, toc: Path | None = None) -> list[Chapter]:
    """Read the pages of a site, ready to be printed."""
    listed = order(site, toc)
    pages = frozenset(name for name, _ in listed)
    found = []
    for name, part in listed:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        body = prepared(markup.document_fromstring(text), name, pages, site)
        if body is None:
            continue
        heading = body.xpath(".//h1")
        title = " ".join(heading[0].text_content().split()) if heading else name
        found.append(Chapter(name, part, title, body))
    return found


def document(found: Sequence[Chapter], style: str, pages: Mapping[str, int]) -> str:
    """Set chapters one after the other, behind a cover and the contents.

    style : address of the style sheet of the site.
    pages : number of the page on which each chapter begins, by its address, as far as it is known.
    """
    book = citing.this_book()
    listed: dict[str, list[Chapter]] = {}
    for chapter in found:
        listed.setdefault(chapter.part, []).append(chapter)
    contents = "".join(
        (f"<h2>{escape(part)}</h2>" if part else "")
        + "<ul>"
        + "".join(
            f'<li><a href="#{_mark(each.name)}"><span>{escape(each.title)}</span> '
            f"<span>{pages.get(_mark(each.name), '')}</span></a></li>"
            for each in inside
        )
        + "</ul>"
        for part, inside in listed.items()
    )
    bodies = "\n".join(
        markup.tostring(each.body, encoding="unicode", with_tail=False) for each in found
    )
    return (
        '<!DOCTYPE html>\n<html lang="en-GB" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(book.title)}</title>"
        f'<meta name="author" content="{escape(book.authors)}">'
        f'<link rel="stylesheet" href="{style}"><style>{STYLE}</style></head><body><main>'
        f'<section class="bd-article printed-cover"><h1>{escape(book.title)}</h1>'
        f"<p>{escape(book.authors)}</p><p>Version {escape(book.version)}, {book.year}. "
        f"{citing.SHORT_LICENCE}.</p>"
        "<p>Printed from the website. Left out on paper: code, long tables, letters to send, the "
        "pages that list files and functions, and figures on how long people live, which a reader "
        "opens by choice.</p></section>"
        f'<section class="printed-contents"><h1>Contents</h1>{contents}</section>'
        f"{bodies}</main></body></html>\n"
    )


def printed(site: Path, target: Path, toc: Path | None = None) -> Path:
    """Print the whole site into one file.

    Parameters
    ----------
    site : folder of the built site.
    target : the PDF to write; the document that it is printed from stands beside it.
    toc : the table of contents; the book's own where not given.

    Raises
    ------
    Problem : where there is no site, or nothing to print with.
    """
    if not (site / "index.html").exists():
        raise Problem(f"There is no site in {site}. Run 'make book' first.")
    try:
        import pikepdf
    except ImportError:
        raise Problem(
            "The printed book needs the Python package pikepdf: "
            "pip install --require-hashes --requirement requirements.txt"
        ) from None
    book = citing.this_book()
    style = (site / "_static" / "site.css").resolve().as_uri()
    target.parent.mkdir(parents=True, exist_ok=True)
    source = target.with_suffix(".html")
    found, begins = chapters(site, toc), {}
    with chromium.opened() as browser:
        for _ in range(2):
            source.write_text(document(found, style, begins), encoding="utf-8")
            content = _print(browser, source, f"{book.short_title}, version {book.version}")
            with pikepdf.open(io.BytesIO(content)) as pdf:
                begins = _first_pages(pdf)
    with pikepdf.open(io.BytesIO(content)) as pdf, whole(target) as part:
        _name(pdf, book)
        _name_bookmarks(pdf, source)
        _sort_bookmarks(pdf, found, begins)
        _share_pictures(pdf)
        small = pikepdf.ObjectStreamMode.generate
        pdf.save(part, deterministic_id=True, object_stream_mode=small)
    return target


def _print(browser, source: Path, foot: str) -> bytes:
    tab = browser.new_page()
    tab.set_default_timeout(0)
    tab.goto(source.as_uri(), wait_until="load", timeout=0)
    tab.emulate_media(media="print", color_scheme="light")
    content = tab.pdf(
        prefer_css_page_size=True,
        print_background=True,
        tagged=True,
        outline=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOT.format(words=escape(foot)),
    )
    tab.close()
    return content


def _numbers(pdf) -> dict:
    return {page.objgen: number for number, page in enumerate(pdf.pages, 1)}


def _first_pages(pdf) -> dict[str, int]:
    """Read the number of the page on which each place that a link leads to stands."""
    numbers = _numbers(pdf)
    return {name[1:]: numbers[there[0].objgen] for name, there in pdf.Root.Dests.items()}


def _sort_bookmarks(pdf, found: Sequence[Chapter], begins: Mapping[str, int]) -> None:
    """Put the bookmarks of chapters under those of their parts."""
    import pikepdf

    numbers = _numbers(pdf)
    chapters_of = sorted((begins[_mark(chapter.name)], chapter.part) for chapter in found)
    with pdf.open_outline() as outline:
        of_parts: dict[str, pikepdf.OutlineItem] = {}
        sorted_root = []
        for item in outline.root:
            page = numbers[item.destination[0].objgen]
            part = next((part for begin, part in reversed(chapters_of) if begin <= page), "")
            if part and part not in of_parts:
                of_parts[part] = pikepdf.OutlineItem(part, page - 1)
                of_parts[part].is_closed = True
                sorted_root.append(of_parts[part])
            (of_parts[part].children if part else sorted_root).append(item)
        outline.root[:] = sorted_root


def _name(pdf, book: citing.Book) -> None:
    """Write title, author, language and a fixed day into a PDF."""
    import pikepdf

    day = book.date.replace("-", "")
    for key in list(pdf.docinfo):
        del pdf.docinfo[key]
    told = {"/Title": book.title, "/Author": book.authors, "/CreationDate": f"D:{day}000000Z"}
    for key, words in told.items():
        pdf.docinfo[key] = words
    pdf.Root.Lang = pikepdf.String("en-GB")
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)


def _name_bookmarks(pdf, source: Path) -> None:
    """Write bookmarks as their headings read: Chromium leaves out the blank where a line ends."""
    tree = markup.document_fromstring(source.read_text(encoding="utf-8"))
    headings = (" ".join(each.text_content().split()) for each in tree.iter("h1", "h2", "h3", "h4"))
    known = {"".join(words.split()): words for words in headings}

    def name(items) -> None:
        for item in items:
            squeezed = "".join(item.title.split())
            # A heading that begins a page is told twice over.
            half = squeezed[: len(squeezed) // 2]
            item.title = known.get(squeezed) or known.get(half * (squeezed == half * 2), item.title)
            name(item.children)

    with pdf.open_outline() as outline:
        name(outline.root)


def _share_pictures(pdf) -> None:
    """Keep one copy of each picture: Chromium writes a hatching anew for each shape that has it."""
    import pikepdf

    kept: dict[bytes, pikepdf.Object] = {}
    for each in pdf.objects:
        if not isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
            continue
        pictures = each.get("/Resources", pikepdf.Dictionary()).get("/XObject", {})
        for name, picture in list(pictures.items()):
            if picture.get("/Subtype") == "/Image" and "/SMask" not in picture:
                told = f"{picture.Width} {picture.Height} {picture.ColorSpace}".encode()
                content = hashlib.sha256(told + picture.read_raw_bytes()).digest()
                pictures[name] = kept.setdefault(content, picture)


def offer(site: Path, file: Path) -> None:
    """Put the printed book beside the downloads of a site, with a link to it."""
    (site / "downloads").mkdir(exist_ok=True)
    with whole(site / "downloads" / FILE) as part:
        shutil.copyfile(file, part)
    page = site / "book" / "downloads.html"
    if page.exists():
        text = page.read_text(encoding="utf-8")
        link = f'<a href="../downloads/{FILE}" download>the whole book, for paper (PDF)</a>'
        with whole(page) as part:
            part.write_text(PLACE.sub(f'<li class="printed-book">{link}</li>', text), "utf-8")


def write(folders: build.Folders) -> Path:
    """Print the site of a build, and offer it there."""
    file = printed(folders.site, folders.base / FILE)
    offer(folders.site, file)
    build.record_again(folders)
    return file
