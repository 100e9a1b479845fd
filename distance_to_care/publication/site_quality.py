"""Sphinx hooks that make the built site light, self-contained and accessible.

Plain `jupyter-book build .` and `make book` both run them. Order of work when a build ends: repair
every page, put its drawings into files, drop scripts that no page needs and join the others, then
cut one style sheet to what all pages use and remove files that nothing asks for.
The work is repeatable: the same sources give the same bytes, and a page done once is left alone.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from lxml import html as markup
from sphinx.application import Sphinx

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import (
    accessibility,
    addresses,
    drawings,
    fonts,
    mathematics,
    page_foot,
    page_head,
    scripts,
    search_words,
    stylesheet,
)

BUNDLE = "_static/site.css"
OWN_STYLE = "distance-to-care.css"
OWN_SCRIPT = "distance-to-care.js"

# Scripts that no page of this book needs: icons are a font, formulas are MathML, cells do not run.
UNWANTED_SCRIPTS = ("fontawesome.js", "bootstrap.js", "sphinx-thebe.js", "thebe", "mathjax")
UNWANTED_WORDS = ("THEBE_JS_URL", "kernelName", "window.MathJax")
# Scripts that a page needs only where it holds one of these.
NEEDED_WHERE = {
    "design-tabs.js": "//*[contains(@class, 'sd-tab-set')]",
}
# The search index outweighs a page: `distance-to-care.js` asks for it where there is a query.
FETCHED_ON_DEMAND = ("searchindex.js",)

# What the theme copies into the site although nothing asks for it afterwards.
UNWANTED_FILES = (
    "**/*.map",
    "**/*.LICENSE.txt",
    "*webpack-macros.html",
    "locales",
    "vendor",
    "styles",
    "images/logo_*",
    "scripts/bootstrap.js",
    "scripts/fontawesome.js",
    "sphinx-thebe.*",
    "play-solid.svg",
    "copybutton_funcs.js",
    "file.png",
    "minus.png",
    "plus.png",
)

# Sets the colour scheme before anything is drawn; also where storage is refused.
SCHEME_SCRIPT = (
    '(function(){var root=document.documentElement,mode="auto";'
    'try{mode=localStorage.getItem("mode")||"auto"}catch(error){}'
    "root.dataset.mode=mode;"
    'root.dataset.theme=mode!=="auto"?mode:'
    'matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light"})()'
)

HOME = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="{title}: the first page is {root}.">
<meta http-equiv="refresh" content="0; url={root}">
<link rel="canonical" href="{root}">
</head>
<body><main><h1>{title}</h1><p><a href="{root}">Go to the first page</a></p></main></body>
</html>
"""


# Pages that no source stands behind: nobody cites them.
UNCITED = ("search", "404", "genindex")
LEADS_ON = 'http-equiv="refresh"'


def _is_local(address: str) -> bool:
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def _target(page: Path, address: str, site: Path) -> Path:
    """File that an address on a page stands for."""
    return site / posixpath.normpath(
        posixpath.join(page.parent.relative_to(site).as_posix(), urlsplit(address).path)
    )


def drop_scripts(page: markup.HtmlElement) -> None:
    """Leave out scripts that the page has no use for, and the theme's preloading of them."""
    for link in page.xpath("//link[@rel='preload' or @rel='preconnect' or @rel='dns-prefetch']"):
        link.drop_tree()
    needed = {name: bool(page.xpath(where)) for name, where in NEEDED_WHERE.items()}
    seen: set[str] = set()
    for script in page.xpath("//script"):
        source, text = script.get("src") or "", script.text or ""
        name = posixpath.basename(urlsplit(source).path)
        unwanted = (
            (source and not _is_local(source))
            or any(word in source.lower() for word in UNWANTED_SCRIPTS)
            or any(word in text for word in UNWANTED_WORDS)
            or script.get("type") == "text/x-thebe-config"
            or name in FETCHED_ON_DEMAND
            or not needed.get(name, True)
            or (source or text) in seen
        )
        if "dataset.mode" in text and "localStorage" in text:
            script.attrib.clear()
            script.text = SCHEME_SCRIPT
        elif unwanted:
            script.drop_tree()
        seen.add(source or text)


def _style_links(page: markup.HtmlElement) -> list[markup.HtmlElement]:
    return [
        link
        for link in page.xpath("//link[@rel='stylesheet'][@href]")
        if _is_local(link.get("href"))
    ]


def _from_bundle(css: str, sheet: Path, site: Path) -> str:
    """Rewrite relative addresses of a style sheet so that they hold from the bundle's folder."""
    folder = sheet.parent.relative_to(site).as_posix()

    def moved(match: re.Match) -> str:
        address = match["address"].strip("\"'")
        if not _is_local(address) or address.startswith(("#", "/")):
            return match.group()
        return f'url("{posixpath.relpath(posixpath.join(folder, address), "_static")}")'

    return re.sub(r"url\((?P<address>(?!\"?'?data:)[^)]+)\)", moved, css)


IMPORT = re.compile(r"""@import\s+(?:url\()?\s*["']?(?P<address>[^"')\s]+)["']?\s*\)?[^;]*;""")


def _read_sheet(sheet: Path, site: Path) -> str:
    """Source of a style sheet, after the sheets that it imports."""
    css = sheet.read_text(encoding="utf-8")
    parts = []
    for address in IMPORT.findall(css):
        if not _is_local(address):
            raise Problem(
                f"{sheet.name} imports '{address}' from another host. "
                "Copy the style sheet into book/_static and link it from there."
            )
        parts.append(_read_sheet((sheet.parent / urlsplit(address).path).resolve(), site))
    parts.append(_from_bundle(IMPORT.sub("", css), sheet, site))
    return "\n".join(parts)


def _without_layout(page: markup.HtmlElement) -> None:
    """Leave out comments, and the indents between elements, which nobody sees."""
    for comment in page.xpath("//comment()"):
        comment.drop_tree()
    as_it_stands = set(page.xpath("//pre | //pre//* | //textarea | //script | //style"))
    for element in page.iter():
        inside = element in as_it_stands
        if element.text and element.text.isspace() and not inside and "\n" in element.text:
            element.text = "\n"
        outer = element.getparent()
        if element.tail and element.tail.isspace() and outer not in as_it_stands:
            element.tail = "\n" if "\n" in element.tail else element.tail


def _written(page: markup.HtmlElement) -> str:
    _without_layout(page)
    text = markup.tostring(page, encoding="unicode", doctype="<!DOCTYPE html>")
    # The parser does not know that a source of a picture has no end.
    text = text.replace("</source>", "")
    return re.sub(r"\n\s*\n+", "\n", text) if "<pre" not in text else text


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Repair pages and cut scripts, styles and icons to what they use (`build-finished`)."""
    if exception is not None or app.builder.name != "html":
        return
    finish_site(
        Path(app.outdir),
        app.config.root_doc,
        app.config.html_title,
        (app.config.language or "en").replace("_", "-"),
        app.config.html_baseurl or "",
        app.config.distance_to_care_feedback,
    )


def finish_site(
    site: Path, root: str, title: str, language: str, address: str = "", feedback: str = ""
) -> None:
    """Make a site that Sphinx has just written light, self-contained and accessible, in place.

    site: folder with the built pages; root: document name of the first page; address: where the
    site stands in the web, ending in a slash, if that is known; feedback: see `page_foot`.
    """
    site = site.resolve()
    static = site / "_static"
    if root != "index":
        home = HOME.format(language=language, title=title, root=f"{root}.html")
        (site / "index.html").write_text(home, encoding="utf-8")
    pages: dict[Path, markup.HtmlElement] = {}
    for path in sorted(site.rglob("*.html")):
        if static in path.parents or (path == site / "index.html" and root != "index"):
            continue
        text = path.read_bytes().decode("utf-8")
        if LEADS_ON not in text:
            pages[path] = markup.document_fromstring(text)
    sheets: dict[Path, None] = {}
    drawings.lighten(site / "downloads")
    begun = {path: page for path, page in pages.items() if not _is_finished(page)}
    descriptions, titles = {}, {}
    for path, page in begun.items():
        name = path.relative_to(site).with_suffix("").as_posix()
        here = f"{address}{name}.html" if address else ""
        if name == addresses.NOT_FOUND:
            addresses.from_anywhere(page, site)
        search_words.invite(page)
        descriptions[name] = page_head.complete(page, title, here)
        titles[name] = page_head.title(page, title)
        if name not in UNCITED:
            cited = page_foot.Page(name, titles[name], here)
            page_foot.add(page, cited, feedback)
        accessibility.repair(page, title)
        drop_scripts(page)
        drawings.place(page, path, site)
        page.set("data-theme", "light")  # without scripts; with them, set before the first drawing
        for link in _style_links(page):
            sheets.setdefault(_target(path, link.get("href"), site))
    if not sheets:
        return  # nothing was written since the last time
    search_words.complete_index(site, descriptions, titles)

    known = stylesheet.Vocabulary()
    for page in pages.values():
        known.add_page(page)
    for script in sorted(static.rglob("*.js")):
        if not any(word in script.name for word in UNWANTED_SCRIPTS):
            known.add_script(script.read_text(encoding="utf-8"))
    script = scripts.joined(static, scripts.settings(begun.values()))
    if script:
        scripts.drop_joined(static)
        (site / scripts.BUNDLE).write_text(script, encoding="utf-8")
    css = "\n".join(_read_sheet(sheet, site) for sheet in sheets)
    css = fonts.embed(stylesheet.purge(css, known), static)
    css = '@charset "utf-8";\n' + stylesheet.LICENCE_NOTE + css
    (site / BUNDLE).write_text(css, encoding="utf-8")

    for path, page in pages.items():
        _link_bundles(page, path, {BUNDLE: css, scripts.BUNDLE: script}, site)
        path.write_text(_written(page), encoding="utf-8")
    _tidy(static, sheets, css)
    _drop_unused(static, pages.values())


def _is_finished(page: markup.HtmlElement) -> bool:
    links = [urlsplit(link.get("href")).path for link in _style_links(page)]
    return len(links) == 1 and links[0].endswith(BUNDLE)


def _link_bundles(
    page: markup.HtmlElement, path: Path, contents: dict[str, str], site: Path
) -> None:
    addresses = {
        bundle: f"{posixpath.relpath(bundle, path.parent.relative_to(site).as_posix())}"
        f"?v={hashlib.sha256(content.encode()).hexdigest()[:8]}"
        for bundle, content in contents.items()
    }
    links = _style_links(page)
    for link in links[1:]:
        link.drop_tree()
    links[0].attrib.clear()
    links[0].set("rel", "stylesheet")
    links[0].set("href", addresses[BUNDLE])
    scripts.link(page, addresses[scripts.BUNDLE])


def _tidy(static: Path, sheets: dict[Path, None], css: str) -> None:
    for sheet in sheets:
        if sheet != static / "site.css":
            sheet.unlink(missing_ok=True)
    for pattern in UNWANTED_FILES:
        for path in sorted(static.glob(pattern)):
            if path.name in css:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    for leftover in ("basic.css", "pygments.css"):
        (static / leftover).unlink(missing_ok=True)


def _drop_unused(static: Path, pages: Iterable[markup.HtmlElement]) -> None:
    """Remove files that no page, style sheet or script names."""
    asked = {
        posixpath.basename(urlsplit(address).path)
        for page in pages
        for address in page.xpath("//@src | //@href | //@srcset")
    }
    texts = [
        path.read_text(encoding="utf-8")
        for ending in ("css", "js")
        for path in sorted(static.rglob(f"*.{ending}"))
        if path.name in asked
    ]
    for path in sorted(static.rglob("*")):
        if path.is_file() and path.name not in asked and not any(path.name in t for t in texts):
            path.unlink()
    for folder in sorted((p for p in static.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def configure(app: Sphinx, config) -> None:
    """Add the book's own static files, wherever the sources are staged (`config-inited`)."""
    folder = str(places.BOOK / "_static")
    if folder not in config.html_static_path:
        config.html_static_path.append(folder)
    config.html_context.setdefault("default_mode", "auto")


def setup(app: Sphinx) -> dict:
    """Connect the hooks; list this module in `_config.yml` under `sphinx.local_extensions`."""
    app.add_config_value("distance_to_care_feedback", "", "html")
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(mathematics.visit_inline, None),
        block_renderers=(mathematics.visit_block, None),
    )
    app.add_css_file(OWN_STYLE, priority=900)
    app.add_js_file(OWN_SCRIPT, loading_method="defer", priority=900)
    app.connect("config-inited", configure)
    # After every other extension: they still write pages and assets when a build ends.
    app.connect("build-finished", finish, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
