"""Addresses: pages that moved, an address that leads nowhere, and every page on one list.

Moved pages stand in `book/redirects.tsv`. A site map for search engines needs to know where the
site stands: it is written where `html: baseurl` in `_config.yml` says so, and only there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from lxml import html as markup
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from distance_to_care import places
from distance_to_care.problems import Problem

MOVED = "redirects.tsv"
NOT_FOUND = "404"
ALL_PAGES = "book/all_pages"
# Pages for readers only; a search engine lists what can be read.
NOT_LISTED = ("search.html", "genindex.html", f"{NOT_FOUND}.html")
# Folders of the site, by which an address that leads nowhere shows where the site begins.
FOLDERS = ("book", "notebooks", "downloads", "find-my-area", "_static", "_images", "_sources")
NOT_FOUND_TITLE = "This page is not here"
NOT_FOUND_BODY = """<h1>This page is not here</h1>
<p>The address leads to no page of this book: it may be mistyped, or very old.</p>
<ul>
<li><a href="/{first}">Go to the first page of the book</a>.</li>
<li><a href="/{all}">Look through the list of all pages</a>.</li>
</ul>
<form action="/search.html" method="get" role="search" style="margin: 1rem 0">
<label for="not-found-search">Search this book</label>
<input type="search" id="not-found-search" name="q">
<button type="submit">Search</button>
</form>
<p>If these links lead nowhere either, delete the end of the address, up to the name of the site,
and open that.</p>"""
# Says from which folder the links of the page count, before anything is fetched: hosts show the
# page under the address that was asked for, however deep that is. The folder above the last part
# that is a folder of this site comes first, then those above the address, and each is tried.
# A server that knows where the site begins says so in the page (`serving.Site`).
BASE_SCRIPT = r"""(function () {
  var known = %s, path = location.pathname, own = path.replace(/[^/]*$/, "");
  if (/\/404(\.html)?$/.test(path)) return;
  addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("a[href^='#']").forEach(function (link) {
      link.href = path + location.search + link.getAttribute("href");
    });
  });
  if (document.querySelector("base")) return;
  var parts = own.split("/").slice(1, -1), tried = [], at;
  for (at = parts.length - 1; at >= 0; at -= 1) {
    if (known.indexOf(parts[at]) >= 0) { tried.push(parts.slice(0, at)); break; }
  }
  for (at = parts.length; at >= 0; at -= 1) tried.push(parts.slice(0, at));
  var base = document.createElement("base");
  function next() {
    var folder = tried.shift();
    base.href = folder.length ? "/" + folder.join("/") + "/" : "/";
  }
  next();
  document.head.prepend(base);
  // A file that failed is asked for anew by a new element: a script runs once, a sheet loads once.
  var failed = [], found = false;
  function again(old) {
    var made = document.createElement(old.tagName);
    Array.prototype.forEach.call(old.attributes, function (each) {
      made.setAttribute(each.name, each.value);
    });
    old.replaceWith(made);
  }
  addEventListener("error", function (event) {
    var part = event.target;
    if (!(part instanceof Element) || part.dataset.asked) return;
    if (part.rel === "stylesheet") {
      if (!tried.length) return;
      next();
      again(part);
    } else if (part.getAttribute("src")) {
      part.dataset.asked = "again";
      if (found) again(part); else failed.push(part);
    }
  }, true);
  addEventListener("load", function (event) {
    if (event.target.rel !== "stylesheet") return;
    found = true;
    failed.forEach(again);
    failed = [];
  }, true);
})()"""


class AllPages(nodes.General, nodes.Element):
    """A place that waits for the list of all pages."""


class AllPagesDirective(SphinxDirective):
    """{all-pages}: every page of the book, part by part."""

    def run(self):
        node = AllPages()
        self.set_source_info(node)
        return [node]


class ListPages(SphinxPostTransform):
    """Write the list of all pages, once every title is known."""

    default_priority = 6

    def run(self, **kwargs):
        for node in list(self.document.findall(AllPages)):
            node.replace_self(list(self._parts()))

    def _parts(self) -> Iterable[nodes.Node]:
        site = self.env.external_site_map
        root = site.root.docname
        yield self._list([root], below=False)
        for part in site.root.subtrees:
            if part.caption:
                yield nodes.rubric(text=part.caption)
            yield self._list(part.files())

    def _list(self, pages: Iterable[str], below: bool = True) -> nodes.bullet_list:
        listed = nodes.bullet_list()
        for page in pages:
            title = self.env.titles[page].astext()
            address = self.app.builder.get_relative_uri(self.env.docname, page)
            link = nodes.reference("", title, refuri=address, internal=True)
            item = nodes.list_item("", nodes.paragraph("", "", link))
            children = self.env.external_site_map[page].child_files() if below else []
            if children:
                item += self._list(children)
            listed += item
        return listed


def moved(table: Path | None = None) -> dict[str, str]:
    """Read which page stands for an address of old, or for a short one: old address -> page."""
    table = table or places.BOOK / MOVED
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        return {row["address"]: row["page"] for row in csv.DictReader(file, delimiter="\t")}


def lead_on(app: Sphinx, env) -> list[str]:
    """Set up the redirects to pages that this book has (`env-updated`)."""
    redirects = {}
    for address, page in moved().items():
        if address in env.found_docs:
            raise Problem(f"book/{MOVED} leads on from {address}, which is a page of the book.")
        if page in env.found_docs:
            redirects[address] = f"{'../' * address.count('/')}{page}.html"
    app.config.redirects = redirects
    return []


def from_anywhere(page: markup.HtmlElement, site: Path) -> None:
    """Let the page for addresses that lead nowhere work at any depth, and from a folder.

    site : folder of the built pages; a book with a part of the pages may lack one that is offered.
    """
    for attribute in ("href", "src", "action"):
        for element in page.xpath(f"//*[starts-with(@{attribute}, '/')]"):
            element.set(attribute, element.get(attribute).lstrip("/"))
    for link in page.xpath("//article//li/a"):
        if not (site / link.get("href")).exists():
            link.getparent().drop_tree()
    script = markup.Element("script")
    script.text = BASE_SCRIPT % list(FOLDERS)
    head = page.find("head")
    head.insert(0, script)
    for meta in page.xpath("//head/meta[@charset]")[:1]:
        head.insert(0, meta)


def prepare(app: Sphinx, config) -> None:
    """Say what the libraries for redirects, the missing page and the site map need."""
    config.redirect_html_template_file = "book/redirect.html"
    config.notfound_urls_prefix = ""
    body = NOT_FOUND_BODY.format(first=f"{config.root_doc}.html", all=f"{ALL_PAGES}.html")
    config.notfound_context = {"title": NOT_FOUND_TITLE, "body": body}


def setup(app: Sphinx) -> dict:
    """Register the list of pages, the redirects, the missing page and the site map."""
    app.setup_extension("sphinx_reredirects")
    app.setup_extension("notfound.extension")
    if app.config.html_baseurl:
        # It warns where it does not know the address, so it is asked only where there is one.
        app.setup_extension("sphinx_sitemap")
        app.config.sitemap_url_scheme = "{link}"
        app.config.sitemap_excludes = list(NOT_LISTED)
    app.add_node(AllPages)
    app.add_directive("all-pages", AllPagesDirective)
    app.add_post_transform(ListPages)
    app.connect("config-inited", prepare, priority=900)
    app.connect("env-updated", lead_on)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
