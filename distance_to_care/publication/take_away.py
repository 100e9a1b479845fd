"""What a reader can take away from a page: data, metadata, workbook, picture, slide and citation.

`write` puts the files beside the pages when a site is finished; `offered` puts one list of them
under each figure and table, in the place of the short line of downloads that a notebook writes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from distance_to_care import results, source_lines
from distance_to_care.publication import (
    citing,
    column_metadata,
    intervals,
    notebooks,
    printed_book,
    results_file,
    slides,
    survival_choice,
    workbooks,
)

# The line of downloads as notebooks write it, and the files that it leads to.
LINE = re.compile(r'<p class="downloads">.*?</p>', re.DOTALL)
FILES = re.compile(r'href="(?P<depth>(?:\.\./)*)downloads/(?P<name>[^"/]+)\.(?P<ending>\w+)"')
BIB = ".bib"
BOOK_BIB = "distance_to_care.bib"
NUMBERS_METADATA = f"numbers{column_metadata.ENDING}"


@dataclass(frozen=True)
class Offer:
    """What a site offers: its published results, the titles of its pages and its slides.

    address : where the site is read, with a slash at its end; empty where nobody knows it yet.
    """

    manifest: Mapping
    chapters: Mapping[str, str]
    slides: Mapping[str, Path] = field(default_factory=dict)
    address: str = ""

    def tables_of(self, page: str) -> dict[str, Mapping]:
        """List what the manifest says of the tables of a page, by name."""
        tables = self.manifest["tables"].items()
        return {name: entry for name, entry in tables if entry["page"] == page}

    def pages(self) -> list[str]:
        """Name the pages that have published a table."""
        return sorted({entry["page"] for entry in self.manifest["tables"].values()})

    def title(self, page: str) -> str:
        """Return the title of a page, or its name in words where it is not on this site."""
        return self.chapters.get(page, page.replace("_", " ").capitalize())

    def part(self, what: str, name: str) -> citing.Part:
        """Return a figure or table as it is cited."""
        entry = self.manifest[f"{what}s"][name]
        page = entry["page"]
        anchor = f"#figure-{name}" if what == "figure" else ""
        return citing.Part(
            name, what, entry["title"], entry["kind"], self.title(page),
            f"{self.address}notebooks/{page}.html{anchor}" if self.address else "",
            tuple(entry.get("studies", ())),
        )  # fmt: skip

    def cited(self) -> dict[str, citing.Part]:
        """List everything that has a citation, by the name of its file without ending.

        A figure and a table may have one name, and then are told apart.
        """
        parts = {name: self.part("table", name) for name in self.manifest["tables"]}
        figures = {
            self.citation_name(name): self.part("figure", name) for name in self.manifest["figures"]
        }
        return parts | figures

    def citation_name(self, figure: str) -> str:
        """Name the file of a figure's citation."""
        return f"{figure}_figure" if figure in self.manifest["tables"] else figure


def _link(address: str, words: str, label: str = "") -> str:
    named = f' aria-label="{escape(label, quote=True)}"' if label else ""
    return f'<a href="{address}" download{named}>{words}</a>'


def block(offer: Offer, table: str, figure: str | None, depth: str) -> str:
    """Write the list of what a figure or table can be taken away as.

    Parameters
    ----------
    offer : what the site offers.
    table, figure : names of the table, and of the figure that is drawn from it where there is one.
    depth : path from the page to the root of the site: `../` for each folder.
    """
    folder = f"{depth}downloads/"
    entry = offer.manifest["tables"][table]
    what = "figure" if figure else "table"
    # A figure may be drawn from a table of another chapter.
    page = offer.manifest["figures"][figure]["page"] if figure else entry["page"]
    of_page = offer.tables_of(page)
    borrowed = ""
    if page != entry["page"]:
        borrowed = (
            f"<p>The data are the whole of a table of the chapter "
            f"<q>{escape(offer.title(entry['page']))}</q>: {escape(entry['title'])}.</p>"
        )
    data = [
        _link(f"{folder}{table}.csv", "Data (CSV)"),
        _link(f"{folder}{table}.json", "What the columns mean (JSON)"),
        _link(f"{folder}{table}{column_metadata.ENDING}", "Types and units (CSVW)"),
    ]
    if workbooks.has_sheets(of_page):
        workbook = f"{workbooks.name_of(page, of_page)}{workbooks.ENDING}"
        # Its other tables may tell what the page keeps behind a choice.
        told = ", also of how long people live" * any(map(survival_choice.tells, of_page))
        data.append(_link(f"{folder}{workbook}", f"All tables of the chapter{told} (spreadsheet)"))
    pictures = [_link(f"{folder}{figure}.svg", "Figure (SVG)")] if figure else []
    if figure in offer.slides:
        pictures.append(_link(f"{folder}{figure}{slides.ENDING}", "Slide (PNG)"))
    part = offer.part(what, figure or table)
    name = offer.citation_name(figure) if figure else table
    lines = "".join(f"<li>{' '.join(line)}</li>" for line in (data, pictures) if line)
    return (
        f'<details class="take-away"><summary>Take away this {what}</summary>'
        f'<ul class="downloads">{lines}</ul>{borrowed}'
        f"<p>Cite as: <q>{escape(citing.text(part), quote=False)}</q> "
        f"{_link(f'{folder}{name}{BIB}', 'Citation (BibTeX)')}</p></details>"
    )


def offered(body: str, offer: Offer) -> str:
    """Put the list in the place of each line of downloads that leads to a published table."""

    def replaced(match: re.Match) -> str:
        files = [found.groupdict() for found in FILES.finditer(match.group())]
        described = {file["name"] for file in files if file["ending"] == "json"}
        tables = [
            file["name"]
            for file in files
            if file["ending"] == "csv" and file["name"] in described
            and file["name"] in offer.manifest["tables"]
        ]  # fmt: skip
        if len(tables) != 1:
            return match.group()
        figures = [
            unescape(file["name"])
            for file in files
            if file["ending"] == "svg" and file["name"] in offer.manifest["figures"]
        ]
        return block(offer, tables[0], figures[0] if figures else None, files[0]["depth"])

    return LINE.sub(replaced, body)


def _digest(tables: Mapping[str, Mapping], title: str) -> str:
    """Digest what the workbook and the metadata of a page are made from."""
    modules = (workbooks, column_metadata, intervals, citing, source_lines)
    code = [source_lines.TABLE, *(Path(module.__file__) for module in modules)]
    told = [json.dumps(tables, sort_keys=True), title, str(citing.this_book()), version("gptables")]
    told += [results.banner(entry["kind"]) for entry in tables.values()]
    told.append(notebooks.digest_of_files(code))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _of_page(page: str, offer: Offer, published: Path, kept: Path) -> Path:
    """Make the workbook and the metadata of a page, where its tables have changed."""
    tables, title = offer.tables_of(page), offer.title(page)
    ready = kept / f"{page}-{_digest(tables, title)}"
    if ready.is_dir():
        return ready
    for old in kept.glob(f"{page}-*"):
        if old.name[len(page) + 1 :].isalnum():
            shutil.rmtree(old)
    part = kept / f"{page}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    frames = {name: results.read_published(published / f"{name}.csv", name) for name in tables}
    for name, frame in frames.items():
        about = column_metadata.described(name, tables[name], frame)
        text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
        (part / f"{name}{column_metadata.ENDING}").write_text(text, encoding="utf-8")
    if workbooks.has_sheets(tables):
        workbook = f"{workbooks.name_of(page, tables)}{workbooks.ENDING}"
        (part / workbook).write_bytes(workbooks.made(page, title, tables, frames))
    part.replace(ready)
    return ready


def write(folder: Path, offer: Offer, published: Path, kept: Path) -> None:
    """Write everything that pages offer into the downloads of a site.

    Parameters
    ----------
    folder : the downloads.
    offer : what the site offers.
    published : folder of the merged tables.
    kept : folder that keeps what is slow to make between builds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for page in offer.pages():
        for file in sorted(_of_page(page, offer, published, kept).iterdir()):
            shutil.copyfile(file, folder / file.name)
    for name, part in offer.cited().items():
        (folder / f"{name}{BIB}").write_text(citing.bibtex(part), encoding="utf-8")
    (folder / BOOK_BIB).write_text(citing.of_book(), encoding="utf-8")
    for name, file in offer.slides.items():
        shutil.copyfile(file, folder / f"{name}{slides.ENDING}")
    numbers = results.read_published(published / "numbers.csv", "numbers")

    def read(name: str) -> pd.DataFrame:
        return results.read_published(published / f"{name}.csv", name)

    everything = results_file.written(results_file.gathered(offer.manifest, numbers, read))
    (folder / results_file.FILE).write_text(everything, encoding="utf-8")
    schema = json.dumps(results_file.schema(), indent=2, ensure_ascii=False) + "\n"
    (folder / results_file.SCHEMA).write_text(schema, encoding="utf-8")
    about = json.dumps(column_metadata.of_numbers(), indent=1, ensure_ascii=False) + "\n"
    (folder / NUMBERS_METADATA).write_text(about, encoding="utf-8")


def _listed(caption: str, heads: tuple[str, ...], rows: list[str]) -> str:
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        f'<div class="table-scroll" role="region" aria-label="{caption}" tabindex="0">'
        f'<table class="published-table"><caption>{caption}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(page_link: str, cells: list[str], files: list[tuple[str, str]], name: str) -> str:
    links = "".join(f"<td>{_link(file, w, f'{w} of {name}')}</td>" for file, w in files)
    return f"<tr><td>{page_link}</td>{''.join(f'<td>{c}</td>' for c in cells)}{links}</tr>"


def tables_html(offer: Offer, depth: str) -> str:
    """Write the list of every published table and its files."""
    folder = f"{depth}downloads/"
    rows = [
        _row(
            f'<a href="{depth}notebooks/{entry["page"]}.html">{escape(entry["title"])}</a>',
            [escape(entry["kind"]), f"{entry['rows']:,}"],
            [
                (f"{folder}{name}.csv", "CSV"),
                (f"{folder}{name}.json", "JSON"),
                (f"{folder}{name}{column_metadata.ENDING}", "CSVW"),
                (f"{folder}{name}{BIB}", "BibTeX"),
            ],
            name,
        )
        for name, entry in sorted(offer.manifest["tables"].items())
    ]
    heads = ("Table, and the page it stands on", "Kind", "Rows", "Data", "Description")
    return _listed("Published tables", (*heads, "Types and units", "Citation"), rows)


def figures_html(offer: Offer, depth: str) -> str:
    """Write the list of every published figure, its picture, its slide and its citation."""
    folder = f"{depth}downloads/"
    rows = [
        _row(
            f'<a href="{depth}notebooks/{entry["page"]}.html">{escape(entry["title"])}</a>',
            [escape(entry["kind"])],
            [(f"{folder}{name}.svg", "SVG")]
            + [(f"{folder}{name}{slides.ENDING}", "PNG")] * (name in offer.slides)
            + [(f"{folder}{offer.citation_name(name)}{BIB}", "BibTeX")],
            name,
        )
        for name, entry in sorted(offer.manifest["figures"].items())
    ]
    slide = ("Slide",) * bool(offer.slides)
    heads = ("Figure, and the page it stands on", "Kind", "Picture", *slide, "Citation")
    return _listed("Published figures", heads, rows)


def workbooks_html(offer: Offer, depth: str) -> str:
    """Write the list of the workbooks, one a chapter."""
    rows = []
    for page in offer.pages():
        tables = offer.tables_of(page)
        if not workbooks.has_sheets(tables):
            continue
        name = workbooks.name_of(page, tables)
        title = escape(offer.title(page))
        file = f"{depth}downloads/{name}{workbooks.ENDING}"
        chapter = f'<a href="{depth}notebooks/{page}.html">{title}</a>'
        rows.append(_row(chapter, [f"{len(tables)}"], [(file, "XLSX")], name))
    return _listed("Spreadsheets", ("Chapter", "Tables", "Spreadsheet"), rows)


def book_html(offer: Offer, depth: str) -> str:
    """Write the links to what the whole book can be taken away as."""
    folder = f"{depth}downloads/"
    files = {
        results_file.FILE: "every number of the prose with its interval, and what every table is "
        "(JSON)",
        results_file.SCHEMA: "what stands in that file (JSON Schema)",
        "numbers.csv": "every number in the prose (CSV)",
        NUMBERS_METADATA: "what the columns of that file mean, and its licence (CSVW)",
        "manifest.json": "manifest of all tables (JSON)",
        BOOK_BIB: "citation of the book (BibTeX)",
    }
    lines = "".join(f"<li>{_link(folder + file, words)}</li>" for file, words in files.items())
    # The command that prints the site puts a link here.
    lines += f'<li class="printed-book">{printed_book.WAITING}</li>'
    return f'<ul class="downloads">{lines}</ul>'


PARTS = {
    "tables": tables_html,
    "figures": figures_html,
    "workbooks": workbooks_html,
    "book": book_html,
}
