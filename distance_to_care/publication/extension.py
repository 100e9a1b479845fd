"""The Sphinx extension of the book: numbers, banners, published tables, figures, downloads.

Pages are made from what notebooks published and from nothing else. The same code serves
`make book` (which hands over executed notebooks) and plain `jupyter-book build` (which executes
them while it reads): numbers are filled in once every notebook has been read.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Container, Iterable
from functools import cached_property
from html import escape
from pathlib import Path

import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from distance_to_care import figures, places, released, results, study, tables
from distance_to_care.problems import Problem
from distance_to_care.publication import (
    area_file,
    boards,
    certainty,
    citations,
    findings,
    for_patients,
    functions,
    glossary_terms,
    layers,
    notebooks,
    registers,
    sentences,
    slides,
    survival_choice,
    take_away,
)

log = logging.getLogger(__name__)
NOTEBOOK_PREFIX = "notebooks/"
# Folders beside the results that keep what is slow to make; no page has such a name.
SLIDES, TAKE_AWAY = "_slides", "_take_away"
# What stands in the place of a number whose page a site leaves out, since it is of other people.
NOT_OF_THIS_SITE = "(a number that is not part of this site)"
# How a source was read, in words.
READ = {
    "full_text": "in full",
    "abstract": "as an abstract",
    "page": "on the body's own page",
    "press": "in the press",
    "secondary": "through other pages",
}


class PublishedNumber(nodes.Inline, nodes.TextElement):
    """A place in the prose that waits for a number."""


class SourcedNumber(nodes.inline):
    """A number in the prose that says, when pointed at, from which table it comes."""


class PublishedPart(nodes.General, nodes.Element):
    """A place on a page that waits for published tables."""


class NumberRole(SphinxRole):
    """{number}`key`: a number that a notebook filed."""

    def run(self):
        node = PublishedNumber(key=self.text.strip())
        self.set_source_info(node)
        return [node], []


class HeldWords(nodes.inline):
    """Words in the prose with what has to be true of published numbers for them."""


class HoldsRole(SphinxRole):
    """{holds}`words when condition`: words that hang on published numbers; see `sentences`."""

    def run(self):
        try:
            words, condition = sentences.parted(self.text)
        except Problem as problem:
            log.warning("%s", problem, location=self.get_location())
            words, condition = self.text, ""
        node = HeldWords("", words, condition=condition)
        self.set_source_info(node)
        return [node], []


class JudgedRole(SphinxRole):
    """{judged}`key`: how sure we are, from the table of judgements; see `certainty`."""

    def run(self):
        # The descriptor holds the digest of every table: a changed word is a changed page.
        self.env.note_dependency(str(places.DESCRIPTOR))
        try:
            found = certainty.judgement(self.text.strip())
        except Problem as problem:
            log.warning("%s", problem, location=self.get_location())
            return [], []
        if not found.condition:
            return [nodes.Text(found.level)], []
        node = HeldWords("", found.level, condition=found.condition)
        self.set_source_info(node)
        return [node], []


class TableDirective(SphinxDirective):
    """{published-table} name: a published table with its downloads."""

    required_arguments = 1
    option_spec = {"columns": directives.unchanged}

    def run(self):
        columns = [c.strip() for c in self.options.get("columns", "").split(",") if c.strip()]
        node = PublishedPart(part="table", name=self.arguments[0], columns=columns)
        self.set_source_info(node)
        return [node]


class FigureDirective(SphinxDirective):
    """{published-figure} name: a figure of a notebook, as it stands there."""

    required_arguments = 1

    def run(self):
        node = PublishedPart(part="figure", name=self.arguments[0])
        self.set_source_info(node)
        return [node]


class DownloadsDirective(SphinxDirective):
    """{downloads} tables: every published table and its files; see `take_away.PARTS`."""

    required_arguments = 1

    def run(self):
        if self.arguments[0] not in take_away.PARTS:
            raise self.error(f"downloads is one of: {', '.join(take_away.PARTS)}.")
        node = PublishedPart(part="downloads", name=self.arguments[0])
        self.set_source_info(node)
        return [node]


class AreaFileDirective(SphinxDirective):
    """{area-file}: a link to the table of every area, or how to make it where it is not here."""

    def run(self):
        node = PublishedPart(part="area-file")
        self.set_source_info(node)
        return [node]


class BoardsDirective(SphinxDirective):
    """{care-board-pages}: links to the pages of the care boards."""

    def run(self):
        node = PublishedPart(part="boards")
        self.set_source_info(node)
        return [node]


class DictionaryDirective(SphinxDirective):
    """{data-dictionary}: every input of the descriptor, and the cohort contract of a study."""

    option_spec = {"study": directives.unchanged}

    def run(self):
        out: list[nodes.Node] = []
        named = self.options.get("study")
        if named:
            shown = study.dictionary(tables.read_study(named))
            out.append(_raw(figures.table_html(shown, f"Columns of a cohort: study {named}")))
            return out
        for resource in tables.descriptor()["resources"]:
            name = resource["name"]
            section = nodes.section(ids=[f"input-{name.replace('_', '-')}"])
            section += nodes.title(text=resource["title"])
            section += _raw(_resource_html(resource))
            out.append(section)
        return out


class FunctionsDirective(SphinxDirective):
    """{public-functions} people: functions that take any table, read from the source."""

    required_arguments = 1

    def run(self):
        out: list[nodes.Node] = []
        if self.arguments[0] not in functions.PARTS:
            raise self.error(f"public-functions is one of: {', '.join(functions.PARTS)}.")
        for module in functions.PARTS[self.arguments[0]]:
            about, found = functions.of_module(module)
            section = nodes.section(ids=[f"module-{module.replace('_', '-')}"])
            section += nodes.title(text=module.replace("_", " ").capitalize())
            section += nodes.paragraph(text=" ".join(about.split("\n\n")[0].split()))
            for function in found:
                part = nodes.section(ids=[f"{module}-{function.name}".replace("_", "-")])
                part += nodes.title(text=f"{module}.{function.name}")
                part += _raw(functions.as_html(function))
                section += part
            out.append(section)
        return out


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _resource_html(resource: dict) -> str:
    sources = "; ".join(source.get("title", "") for source in resource.get("sources", []))
    licences = "; ".join(
        licence.get("title") or licence.get("name", "") for licence in resource.get("licenses", [])
    )
    facts = {
        "File": f"data/{resource['path']}",
        "Kind": f"{resource['kind']} ({results.BANNERS.get(resource['kind'], resource['kind'])})",
        "Source": sources,
        "Licence": licences,
        "sha256": resource["hash"].removeprefix("sha256:"),
    }
    listed = "".join(
        f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in facts.items() if text
    )
    fields = resource.get("schema", {}).get("fields", [])
    table = ""
    if fields:
        shown = pd.DataFrame(
            [
                {
                    "column": field["name"],
                    "type": field.get("type", ""),
                    "unit": field.get("unit", ""),
                    "description": field.get("description") or field.get("title", ""),
                }
                for field in fields
            ]
        )
        table = (
            f"<details><summary>Columns of {resource['name']} ({len(shown)})</summary>"
            f"{figures.table_html(shown, 'Columns of ' + resource['name'])}</details>"
        )
    return f"<p>{escape(resource.get('description', ''))}</p><dl>{listed}</dl>{table}"


class Published:
    """What the notebooks of this build published, gathered once."""

    def __init__(self, folder: Path, left_out: Iterable[str] = ()):
        self.folder = folder
        self._left_out = set(left_out)
        self.manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        numbers = results.read_published(folder / "numbers.csv", "numbers")
        self.numbers = numbers.set_index("key")
        self.offer: take_away.Offer | None = None

    def kinds_of_page(self, docname: str) -> list[str]:
        return boards.kinds(docname, self.manifest["pages"])

    @cached_property
    def not_of_this_site(self) -> set[str]:
        """Keys of numbers whose pages are left out of this site, as they were accepted."""
        if not self._left_out:
            return set()
        return {key for key, page in self._accepted_pages.items() if page in self._left_out}

    @cached_property
    def not_released(self) -> set[str]:
        """Keys of accepted numbers, where a redrawn book may lack some: their tables stayed."""
        return set() if places.released_folder() is None else set(self._accepted_pages)

    def stands_elsewhere(self, key: str, pages: Container[str]) -> bool:
        """Say whether a number is of a page that this site, or this part of the book, leaves out.

        pages : names of the pages that are here.
        """
        for each in sentences.fitting(key, self._accepted_pages):
            page = self._accepted_pages.get(each)
            left_out = each in self.not_of_this_site or each in self.not_released
            if left_out or (page is not None and f"{NOTEBOOK_PREFIX}{page}" not in pages):
                return True
        return False

    @cached_property
    def _accepted_pages(self) -> dict[str, str]:
        """The page of each accepted number, by its key."""
        accepted = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
        return dict(zip(accepted["key"], accepted["page"], strict=True))

    def absent(self, name: str) -> str:
        """Say in HTML that a result was not released; empty where it should be there."""
        if places.released_folder() is None:
            return ""
        known = {*results.accepted_manifest()["tables"], *results.accepted_manifest()["figures"]}
        return released.Absent(name)._repr_html_() if {name, f"synthetic_{name}"} & known else ""

    @cached_property
    def _rows(self) -> dict[tuple[str, str], str]:
        tables_shown = {
            name: results.read_published(self.folder / f"{name}.csv", name)
            for name in results.CITED_ROWS
            if name in self.manifest["tables"]
        }
        return {
            (name, row.term): f"{row.study}, read {READ[row.how_read]}: to its row of the table"
            for name, table in tables_shown.items()
            for row in table.itertuples()
        }

    def words_of_row(self, table: str, term: str) -> str:
        """Say in words which row of a table a term names; empty where rows have no address."""
        return self._rows.get((table, term), "")

    def redrawn(self, docname: str) -> list[str]:
        page = boards.of_page(docname)
        return sorted(
            {
                entry["redrawn_from_accepted"]
                for entry in self.manifest["tables"].values()
                if entry["page"] == page and entry["redrawn_from_accepted"]
            }
        )


class FillIn(SphinxPostTransform):
    """Fill in numbers and tables, and put a banner for each kind on top of the page."""

    default_priority = 5

    def run(self, **kwargs):
        published: Published = self.app.distance_to_care
        used = set(published.kinds_of_page(self.env.docname))
        for node in list(self.document.findall(PublishedNumber)):
            used |= self._number(node, published)
        for node in list(self.document.findall(HeldWords)):
            self._held(node, published)
        for words in sentences.of_figures(published.manifest["figures"], self._page()):
            self._ask(words, published, self.document)
        parts = list(self.document.findall(PublishedPart))
        self._whole_figures = {
            node["name"] for node in parts if node["part"] == "figure" and not layers.holds(node)
        }
        for node in parts:
            used |= self._part(node, published)
        self._banner([kind for kind in results.BANNERS if kind in used], published)

    def _number(self, node: PublishedNumber, published: Published) -> set[str]:
        key = node["key"]
        if key not in published.numbers.index and key in published.not_of_this_site:
            node.replace_self(nodes.Text(NOT_OF_THIS_SITE))
            return set()
        if key not in published.numbers.index and key in published.not_released:
            node.replace_self(nodes.Text(released.NOT_RELEASED))
            return set()
        if key not in published.numbers.index:
            log.warning(
                "unknown number '%s': no notebook files it", key, location=node, type="number"
            )
            node.replace_self(nodes.Text(f"[unknown number {key}]"))
            return set()
        row = published.numbers.loc[key]
        text = str(row["text"])
        here = f"{NOTEBOOK_PREFIX}{row['page']}" == self.env.docname
        said = _source_words(row, here)
        shown = SourcedNumber("", text, classes=["number"], source_words=said)
        address = self._row_address(node, key, row, published)
        if address:
            words = published.words_of_row(row["table"], _term_of(key))
            inner = nodes.inline("", text, classes=["number"])
            shown = nodes.reference("", "", inner, refuri=address, internal=True, reftitle=words)
            shown["classes"].append("to-its-row")
        node.replace_self(shown)
        return {row["kind"]}

    def _held(self, node: HeldWords, published: Published) -> None:
        """Stop the build where words no longer fit the published numbers."""
        sentence = node.parent.astext()
        words = sentences.Held(self.env.docname, node.astext(), node["condition"], sentence)
        self._ask(words, published, node)
        node.replace_self(nodes.Text(node.astext()))

    def _page(self) -> str:
        """Name the notebook of this page; empty where it is none."""
        name = self.env.docname
        return name.removeprefix(NOTEBOOK_PREFIX) if name.startswith(NOTEBOOK_PREFIX) else ""

    def _ask(self, words: sentences.Held, published: Published, location: nodes.Node) -> None:
        """Ask published numbers whether words hold."""
        # A book with a part of the pages has no numbers of the others; the whole book is asked.
        if not any(published.stands_elsewhere(key, self.env.found_docs) for key in words.keys):
            for fault in sentences.faults([words], sentences.Numbers(published.numbers)):
                log.warning("%s", fault, location=location, type="words")

    def _row_address(self, node, key: str, row: pd.Series, published: Published) -> str:
        """Address of the row that a number was read from; empty where no link belongs."""
        page = f"{NOTEBOOK_PREFIX}{row['page']}"
        if not published.words_of_row(row["table"], _term_of(key)) or page not in self.env.all_docs:
            return ""
        # No link inside a link, and none in a heading, which the menus repeat.
        inside = node.parent
        while inside is not None:
            if isinstance(inside, (nodes.reference, nodes.title, addnodes.pending_xref)):
                return ""
            inside = inside.parent
        there = self.app.builder.get_relative_uri(self.env.docname, page)
        return f"{there}#{results.row_anchor(row['table'], _term_of(key))}"

    def _part(self, node: PublishedPart, published: Published) -> set[str]:
        depth = "../" * self.env.docname.count("/")
        if node["part"] == "downloads":
            listed = take_away.PARTS[node["name"]](offer(self.app), depth)
            node.replace_self(_raw(listed))
            return set()
        if node["part"] == "area-file":
            node.replace_self(_raw(area_file.link(depth)))
            return {"open", "modelled"}
        if node["part"] == "boards":
            titles = {name: title.astext() for name, title in self.env.titles.items()}
            node.replace_self(_raw(boards.links(self.env.found_docs, titles, depth)))
            return set()
        name = node["name"]
        if node["part"] == "figure":
            return self._figure(node, name, published, depth)
        entry = published.manifest["tables"].get(name)
        if entry is None and published.absent(name):
            node.replace_self(_raw(published.absent(name)))
            return set()
        if entry is None:
            log.warning("unknown table '%s': no notebook publishes it", name, location=node)
            node.replace_self([])
            return set()
        frame = results.read_published(published.folder / f"{name}.csv", name)
        shown = figures.ShownTable(frame, name, entry["title"], node["columns"] or None)
        node.replace_self(_raw(shown._repr_html_().replace("../downloads/", f"{depth}downloads/")))
        return {entry["kind"]}

    def _figure(self, node: PublishedPart, name: str, published: Published, depth: str) -> set[str]:
        # The name of a figure of synthetic people says so, and a chapter may ask without it.
        given, synthetic = name, results.named(name, "synthetic")
        name = name if name in published.manifest["figures"] else synthetic
        entry = published.manifest["figures"].get(name)
        drawn = None
        if entry is not None:
            # What the notebook showed: image, alternative text, data table and downloads.
            there = f"{NOTEBOOK_PREFIX}{entry['page']}"
            # Most pages show a figure of their own: it need not be read from the disk again.
            own = there == self.env.docname
            page = self.document if own else self.env.get_doctree(there)
            marked = f'id="figure-{name}"'
            drawn = next((raw for raw in page.findall(nodes.raw) if marked in raw.astext()), None)
        if drawn is None and published.absent(given):
            node.replace_self(_raw(published.absent(given)))
            return set()
        if drawn is None:
            log.warning("unknown figure '%s': no notebook shows it", given, location=node)
            node.replace_self([])
            return set()
        shown = drawn.astext().replace("../downloads/", f"{depth}downloads/")
        if layers.holds(node):
            shown = layers.short_figure(shown, name, self._address(name, entry["page"]))
        node.replace_self(_raw(shown))
        return {entry["kind"]}

    def _address(self, name: str, page: str) -> str:
        """Address of a whole figure: on this page where it stands here too, else on its own."""
        there = f"{NOTEBOOK_PREFIX}{page}"
        if there == self.env.docname or name in self._whole_figures:
            return f"#figure-{name}"
        address = self.app.builder.get_relative_uri(self.env.docname, there)
        return f"{address}#figure-{name}"

    def _banner(self, kinds: list[str], published: Published) -> None:
        title = next(self.document.findall(nodes.title), None)
        if title is None:
            return
        lines = "".join(
            f'<p class="kind-banner kind-{kind}">{escape(results.banner(kind))}</p>'
            for kind in kinds
        )
        if self.env.docname == self.app.config.root_doc:
            lines = self._released_pages() + lines
        elif survival_choice.for_patients(self.app, self.env.docname):
            lines += for_patients.kinds_in_plain_words(kinds)
        for date in published.redrawn(self.env.docname):
            lines += (
                '<p class="kind-banner kind-redrawn">Redrawn from tables accepted on '
                f"{date}: the official files were absent when this page was built</p>"
            )
        if not lines:
            return
        place = title.parent.index(title) + 1
        title.parent.insert(place, _raw(f'<div class="kind-banners" role="note">{lines}</div>'))

    def _released_pages(self) -> str:
        """On the first page of a redrawn book: whose release it is, and which pages show it."""
        folder = places.released_folder()
        if folder is None:
            return ""
        release = released.read(folder)
        pages = {entry["page"] for entry in release.tables.values()}
        shown = [
            (name, title.astext())
            for name, title in self.env.titles.items()
            if name.startswith(NOTEBOOK_PREFIX) and name.removeprefix(NOTEBOOK_PREFIX) in pages
        ]
        links = ", ".join(
            f'<a href="{self.app.builder.get_relative_uri(self.env.docname, name)}">'
            f"{escape(title)}</a>"
            for name, title in shown
        )
        words = escape(results.banner(release.kind))
        where = f" Its results stand on: {links}." if links else ""
        return (
            f'<p class="kind-banner kind-{release.kind}">This book was redrawn from a release '
            f"({words}).{where}</p>"
        )


def _term_of(key: str) -> str:
    """The row that a key names: `published.shankar_2024_people` names shankar_2024_people."""
    return key.partition(".")[2]


def _source_words(row: pd.Series, here: bool) -> str:
    return f"From the table {row['table']}" + ("" if here else f", page {row['page']}")


def visit_number(self, node: SourcedNumber) -> None:
    """Write a number with the words that show when it is pointed at."""
    self.body.append(self.starttag(node, "span", "", title=node["source_words"]))


def depart_number(self, node: SourcedNumber) -> None:
    """Close a number."""
    self.body.append("</span>")


def notebooks_first_publish(app: Sphinx, env, docnames: list[str]) -> None:
    """Read notebooks in the order in which they read each other's tables."""
    pages = [name for name in docnames if str(env.doc2path(name)).endswith(".ipynb")]
    if not pages:
        return
    order = notebooks.ordered(notebooks.Notebook(Path(env.doc2path(name))) for name in pages)
    docnames[:] = [name for name in docnames if name not in pages] + [
        f"{NOTEBOOK_PREFIX}{notebook.name}" for notebook in order
    ]


def gather(app: Sphinx, env) -> list[str]:
    """Merge what the notebooks of the book published, once all of them have been read."""
    names = [
        d.removeprefix(NOTEBOOK_PREFIX) for d in env.found_docs if d.startswith(NOTEBOOK_PREFIX)
    ]
    left_out = set(app.config.distance_to_care_left_out)
    try:
        folder = results.merge(set(names) - left_out)
    except Problem as problem:
        log.warning("%s", problem)
        folder = results.merge([], into=places.results_root() / "_merged")
    app.distance_to_care = Published(folder, left_out)
    if app.config.distance_to_care_slides:
        slides.draw(app.distance_to_care.manifest, folder, places.results_root() / SLIDES)
    return []


def offer(app: Sphinx) -> take_away.Offer:
    """Say what the site offers to take away, once all pages have been read."""
    published: Published = app.distance_to_care
    if published.offer is None:
        published.offer = take_away.Offer(
            published.manifest,
            {
                name.removeprefix(NOTEBOOK_PREFIX): title.astext()
                for name, title in app.env.titles.items()
                if name.startswith(NOTEBOOK_PREFIX)
            },
            slides.drawn(published.manifest, published.folder, places.results_root() / SLIDES),
            app.config.html_baseurl,
        )
    return published.offer


def offer_to_take_away(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Put under each figure and table of a page what it can be taken away as."""
    if "body" in context:
        context["body"] = take_away.offered(context["body"], offer(app))


def write_downloads(app: Sphinx, error: Exception | None) -> None:
    """Put every published table, its description, the figures and the numbers beside the pages."""
    if error or app.builder.format != "html":
        return
    published: Published = app.distance_to_care
    folder = Path(app.outdir) / "downloads"
    folder.mkdir(exist_ok=True)
    for path in published.folder.iterdir():
        shutil.copyfile(path, folder / path.name)
    for name, entry in published.manifest["tables"].items():
        about = {
            "name": name,
            "licence": "CC BY 4.0; see the page 'Licences and attribution' for the sources",
            **{
                k: entry[k]
                for k in ("title", "kind", "banner", "sources", "rows", "sha256", "page")
            },
            "columns": entry["columns"],
        }
        (folder / f"{name}.json").write_text(
            json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def write_take_away(app: Sphinx, error: Exception | None) -> None:
    """Put what readers take away beside the pages: workbooks, metadata, citations, slides."""
    if not error and app.builder.format == "html":
        published: Published = app.distance_to_care
        kept = places.results_root() / TAKE_AWAY
        take_away.write(Path(app.outdir) / "downloads", offer(app), published.folder, kept)


def write_area_file(app: Sphinx, error: Exception | None) -> None:
    """Put the table of every area beside the other downloads, where it can be made."""
    if not error and app.builder.format == "html":
        area_file.write(Path(app.outdir) / "downloads", places.results_root() / "_area_file")


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # Kernels that Sphinx starts find the package without an installation.
    before = os.environ.get("PYTHONPATH", "")
    if str(places.ROOT) not in before.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(places.ROOT), before) if p)
    citations.register()
    app.add_config_value("distance_to_care_left_out", [], "env")
    app.add_config_value("distance_to_care_slides", False, "")
    app.add_node(PublishedNumber)
    app.add_node(SourcedNumber, html=(visit_number, depart_number))
    app.add_node(HeldWords)
    app.add_node(PublishedPart)
    app.add_role("number", NumberRole())
    app.add_role("holds", HoldsRole())
    app.add_role("judged", JudgedRole())
    app.add_directive("published-table", TableDirective)
    app.add_directive("published-figure", FigureDirective)
    app.add_directive("downloads", DownloadsDirective)
    app.add_directive("area-file", AreaFileDirective)
    app.add_directive("care-board-pages", BoardsDirective)
    app.add_directive("data-dictionary", DictionaryDirective)
    app.add_directive("public-functions", FunctionsDirective)
    app.add_directive("register", registers.RegisterDirective)
    app.add_post_transform(FillIn)
    for part in (layers, findings, glossary_terms):
        app.setup_extension(part.__name__)
    app.connect("env-before-read-docs", notebooks_first_publish)
    app.connect("env-updated", gather)
    app.connect("build-finished", write_downloads)
    app.connect("build-finished", write_area_file)
    app.connect("html-page-context", offer_to_take_away)
    app.connect("build-finished", write_take_away)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
