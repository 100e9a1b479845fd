"""Rows of text out of what publishers wrap tables in: a sheet of a workbook, a zip of one CSV.

Workbooks (.xlsx) are zip archives of XML; one sheet of plain cells needs no library for that.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from distance_to_care.problems import Problem

SIGNATURE = b"PK\x03\x04"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def rows(path: Path, sheet: str | None = None) -> Iterator[list[str]]:
    """Read the rows of a wrapped table, one list of texts a row.

    Args:
        path: a workbook (.xlsx), or a zip archive that holds one CSV file.
        sheet: the sheet's name; the first sheet where none is given.

    Raises:
        Problem: the file is damaged, or holds no such sheet or table.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                yield from _sheet_rows(archive, path.name, sheet)
            else:
                yield from _csv_rows(archive, path.name)
    except (zipfile.BadZipFile, ElementTree.ParseError, EOFError, UnicodeDecodeError, KeyError):
        raise Problem(f"{path.name} is truncated or damaged. Obtain it again.") from None


def _csv_rows(archive: zipfile.ZipFile, file_name: str) -> Iterator[list[str]]:
    tables = sorted(n for n in archive.namelist() if n.lower().endswith(".csv"))
    if len(tables) != 1:
        raise Problem(f"{file_name} is an archive of {len(tables)} CSV files, not of one.")
    with archive.open(tables[0]) as file:
        yield from csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))


def _sheet_rows(archive: zipfile.ZipFile, file_name: str, sheet: str | None) -> Iterator[list[str]]:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    names = {entry.get("name"): entry.get(_RELATION) for entry in book.iter(f"{_MAIN}sheet")}
    wanted = sheet or next(iter(names))
    if wanted not in names:
        raise Problem(f"{file_name} has no sheet '{wanted}'. Its sheets are {', '.join(names)}.")
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target") for relation in relations}
    target = targets[names[wanted]].removeprefix("/xl/")
    shared = _shared_texts(archive)
    with archive.open(f"xl/{target}") as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag == f"{_MAIN}row":
                yield _cells(element, shared)
                # A sheet of three million cells must not stay in memory.
                element.clear()


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    table = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    return ["".join(text.text or "" for text in item.iter(f"{_MAIN}t")) for item in table]


def _cells(row: ElementTree.Element, shared: list[str]) -> list[str]:
    found: list[str] = []
    for cell in row.iter(f"{_MAIN}c"):
        # Empty cells are left out of the file: the reference (B7) says which column this is.
        letters = re.match("[A-Z]+", cell.get("r", "")) if cell.get("r") else None
        if letters:
            column = 0
            for letter in letters[0]:
                column = column * 26 + ord(letter) - 64
            found += [""] * (column - 1 - len(found))
        kind = cell.get("t")
        if kind == "inlineStr":
            found.append("".join(text.text or "" for text in cell.iter(f"{_MAIN}t")))
            continue
        value = cell.find(f"{_MAIN}v")
        text = "" if value is None else value.text or ""
        found.append(shared[int(text)] if kind == "s" and text else text)
    return found
