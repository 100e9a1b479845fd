"""A book redrawn from a release: which pages it has, and whether it says what was released."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from distance_to_care import places, released
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook

STUB = """# {title}

Nothing of this page was released from the secure environment, so it is not part of this site.
"""
# How many differing numbers a message names.
NAMED = 5


def not_released(pages: Iterable[Notebook]) -> list[Notebook]:
    """List the pages about a cohort of which a release holds no table; none without a release."""
    folder = places.released_folder()
    if folder is None:
        return []
    there = {entry["page"] for entry in released.read(folder).tables.values()}
    return [page for page in pages if page.of_a_cohort and page.name not in there]


def compare_numbers(pages: Iterable[str], results: Path) -> None:
    """Compare the numbers that redrawn pages filed with those that were released.

    Parameters
    ----------
    pages : names of the pages about a cohort.
    results : folder in which each of them published.

    Raises
    ------
    Problem : where a released number is not filed, or reads otherwise.
    """
    folder = places.released_folder()
    if folder is None:
        return
    pages = set(pages)
    files = [results / page / "numbers.csv" for page in sorted(pages)]
    now = {
        row["key"]: row
        for file in files
        if file.exists()
        for row in _rows(file.read_text(encoding="utf-8"))
    }
    different = [
        row["key"]
        for row in _rows(released.read(folder).numbers())
        if row["page"] in pages and _said(now.get(row["key"], {})) != _said(row)
    ]
    if different:
        raise Problem(
            f"{len(different)} numbers are not those of the release, the first are "
            f"{', '.join(different[:NAMED])}. The code that redraws is another than the code that "
            "the release was made with: redraw with that version, which run.json and the manifest "
            "of the release name."
        )


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _said(row: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(row.get(column) for column in ("text", "value", "unit", "kind", "table"))
