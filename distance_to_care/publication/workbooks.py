"""The workbook of a chapter: every table on a sheet of its own, laid out to be accessible.

Cover, contents, notes and sheets are those of the library `gptables`, which follows the guidance of
the Government Analysis Function on spreadsheets: one table a sheet, marked as a table, no merged
and no empty cells, shorthand explained on the sheet. Each column heading leads to a note that says
what the column means. The same tables give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime

import gptables
import pandas as pd

from distance_to_care import results, source_lines
from distance_to_care.publication import citing, column_metadata

ENDING = ".xlsx"
# A longer table is no reading matter; its file is named on the cover.
MOST_ROWS = 5_000
NO_VALUE, WITHHELD = "[x]", "[c]"
SHORTHAND = {
    NO_VALUE: "no value: it could not be estimated, is not known, or does not apply",
    WITHHELD: "withheld, because too few people stand behind it, or empty beside what is withheld",
}
OPTIONS = {
    "in_memory": True,
    "strings_to_urls": False,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
}
# In characters: a narrower column cuts its heading, a wider one cannot be read on a screen.
NARROWEST, WIDEST = 12, 60


def name_of(page: str, tables: Mapping[str, Mapping]) -> str:
    """Name the workbook of a page: it says synthetic where one of its tables is.

    tables : what the manifest says of the tables of the page, by name.
    """
    return results.named(page, _kind(tables))


def _kind(tables: Mapping[str, Mapping]) -> str:
    return results.combine(entry["kind"] for entry in tables.values())


def fits(rows: int) -> bool:
    """Say whether a table of so many rows has a sheet: without rows there is no table to mark."""
    return 0 < rows <= MOST_ROWS


def has_sheets(tables: Mapping[str, Mapping]) -> bool:
    """Say whether a page has a workbook: there is none without a sheet.

    tables : what the manifest says of the tables of the page, by name.
    """
    return any(fits(entry["rows"]) for entry in tables.values())


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Put shorthand where a cell is empty, and words where it holds true or false."""
    withheld = table["suppressed"] if "suppressed" in table else pd.Series(False, table.index)
    out = {}
    for name, column in table.items():
        if pd.api.types.is_bool_dtype(column):
            out[name] = column.map({True: "true", False: "false"})
            continue
        numeric = pd.api.types.is_numeric_dtype(column)
        empty = column.isna() if numeric else column.str.strip() == ""
        cells = column.astype(object)
        if not numeric:
            # The library takes this for a link.
            cells = cells.str.replace("](", "] (", regex=False)
        else:
            # A spreadsheet has no number without end.
            cells = cells.where(~column.isin([float("inf"), float("-inf")]), "infinite")
        cells = cells.where(~empty, NO_VALUE)
        out[name] = cells.where(~(empty & withheld & numeric), WITHHELD)
    return pd.DataFrame(out)


def _sheet(name: str, entry: Mapping, table: pd.DataFrame) -> gptables.GPTable:
    filled = _filled(table)
    used = [sign for sign in SHORTHAND if filled.isin([sign]).to_numpy().any()]
    return gptables.GPTable(
        table=filled,
        # A name of its own: some words are addresses of cells.
        table_name=f"table_{name.replace('-', '_')}",
        title=entry["title"],
        subtitles=[results.banner(entry["kind"])],
        instructions="This worksheet contains one table. Column headings refer to notes, which "
        "can be found on the notes worksheet.",
        legend=[f"{sign} means {SHORTHAND[sign]}." for sign in used],
        source=f"{source_lines.source_line(results.banner(entry['kind']), entry['sources'])} "
        f"The same rows as data: {name}.csv.",
        index_columns={},
        table_notes={column: f"$${column}$$" for column in filled},
    )  # fmt: skip


def _notes(tables: Mapping[str, Mapping], frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    meanings = {c: tables[name]["columns"][c] for name, frame in frames.items() for c in frame}
    units: dict[str, list[str]] = {}
    for frame in frames.values():
        for column in frame:
            units.setdefault(column, []).append(column_metadata.unit(column, frame))
    return pd.DataFrame(
        {
            "reference": list(meanings),
            "Column": list(meanings),
            "Note": list(meanings.values()),
            "Unit": ["; or ".join(dict.fromkeys(units[column])) for column in meanings],
        }
    )


def _cover(
    title: str, page: str, tables: Mapping[str, Mapping], long: Mapping[str, pd.DataFrame]
) -> gptables.Cover:
    book = citing.this_book()
    kinds = dict.fromkeys(results.banner(entry["kind"]) for entry in tables.values())
    signs = [f"{sign} means {words}." for sign, words in SHORTHAND.items()]
    left_out = [
        f"One table has too many rows for a sheet ({len(frame):,}): {name}.csv."
        for name, frame in long.items()
    ]
    return gptables.Cover(
        title=title,
        intro=[
            f"The tables of the chapter \N{LEFT SINGLE QUOTATION MARK}{page}"
            f"\N{RIGHT SINGLE QUOTATION MARK} of {book.title}, version {book.version}.",
            "Each table has a sheet of its own. The contents sheet lists them, and the notes sheet "
            "says what each column means and in which unit it is.",
            *left_out,
        ],
        about=[*kinds, "Shorthand in the cells:", *signs],
        contact=[
            f"{book.authors}. {citing.SHORT_LICENCE}; the sources have licences of their own, "
            "which the page on licences names.",
        ],
    )


def made(page: str, title: str, tables: Mapping[str, Mapping], frames: Mapping) -> bytes:
    """Make the workbook of a chapter.

    Parameters
    ----------
    page : name of the chapter.
    title : its title.
    tables : what the manifest says of each of its tables, by name.
    frames : the tables, as they were read back, by name; one of them fits a sheet.
    """
    long = {name: frame for name, frame in frames.items() if len(frame) > MOST_ROWS}
    shown = {name: frame for name, frame in frames.items() if fits(len(frame))}
    sheets = {
        f"Table {number}": _sheet(name, tables[name], frame)
        for number, (name, frame) in enumerate(shown.items(), 1)
    }
    headed = results.titled(f"{title}: all tables", _kind(tables))
    out = io.BytesIO()
    book = gptables.produce_workbook(
        out,
        sheets,
        cover=_cover(headed, title, tables, long),
        notes_table=_notes(tables, shown),
        auto_width=False,
        workbook_options=OPTIONS,
    )
    for worksheet, frame in zip(book.worksheets()[-len(shown) :], shown.values(), strict=True):
        for place, column in enumerate(frame):
            longest = frame[column].astype(str).str.len().max()
            width = min(max(NARROWEST, len(column) + 2, longest + 2), WIDEST)
            worksheet.set_column(place, place, width)
    for worksheet, widths in zip(book.worksheets()[1:3], ((16, 90), (14, 24, 90, 45)), strict=True):
        for place, width in enumerate(widths):
            worksheet.set_column(place, place, width)
    this = citing.this_book()
    book.set_properties(
        {
            "title": headed,
            "subject": this.title,
            "author": this.authors,
            "company": "",
            "comments": f"Version {this.version}. {citing.SHORT_LICENCE}",
            # The same tables, the same bytes: a workbook otherwise remembers when it was written.
            "created": datetime.fromisoformat(this.date),
        }
    )
    book.close()
    return out.getvalue()
