"""Fragile findings never stand without what makes them fragile."""

import csv
import json
import re
from pathlib import Path

import pytest

from distance_to_care import places, sensitivity

PAGES = sorted([*places.BOOK.glob("*.md"), *places.NOTEBOOKS.glob("*.ipynb")])
# The hazard ratio by distance, and people of 100 worked out from it.
FRAGILE = re.compile(r"\{number\}`(?:published|absolute)\.shankar_2024_distance_(?:un)?adjusted\b")
# In plain words, or in those of the glossary.
CAUTION = re.compile("weak (?:confounding|other cause)")


def paragraphs(path: Path) -> list[str]:
    """Split what a reader reads into paragraphs; lists stay with their items."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return re.split(r"\n\s*\n", text)


def bare(path: Path) -> list[str]:
    """Find the paragraphs that say the distance ratio and not how little would remove it."""
    return [p for p in paragraphs(path) if FRAGILE.search(p) and not CAUTION.search(p)]


def test_the_rule_finds_its_fault(tmp_path):
    page = tmp_path / "page.md"
    ratio = "It is {number}`published.shankar_2024_distance_adjusted`"
    page.write_text(f"{ratio}.\n\nBut weak confounding could remove it.\n")
    assert bare(page) == [f"{ratio}."]
    for caution in ("weak confounding", "a weak other cause"):
        page.write_text(f"{ratio}.\nBut {caution} could remove it.\n")
        assert bare(page) == []
    page.write_text("{number}`absolute.shankar_2024_distance_unadjusted.fewer` fewer.\n")
    assert len(bare(page)) == 1


def test_somebody_says_the_ratio():
    assert sum(bool(FRAGILE.search(path.read_text(encoding="utf-8"))) for path in PAGES) >= 3


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_distance_ratio_never_stands_without_weak_confounding(path):
    assert bare(path) == []


def test_weak_confounding_is_what_the_numbers_say():
    """A cause in 40 of 100 and 20 of 100 that raises the death rate by a tenth is enough."""
    with (places.DATA / "published_estimates.csv").open(encoding="utf-8", newline="") as file:
        (row,) = [r for r in csv.DictReader(file) if r["id"] == "shankar_2024_distance_adjusted"]
    ratio = [float(row[column]) for column in ("estimate", "ci_low", "ci_high")]
    left = sensitivity.adjusted_for_confounder(*ratio, [0.4], [0.2], [1.1])
    assert left["ci_low"].item() < 1
    assert sensitivity.e_value(*ratio)["e_value_limit"].item() < 1.1


def test_the_opening_page_of_the_evidence_shows_published_numbers_only():
    text = (places.BOOK / "evidence.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"\{number\}`([^`]+)`", text))
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["key"]: row["kind"] for row in csv.DictReader(file)}
    assert len(keys & set(kinds)) >= 5
    assert {kinds[key] for key in keys & set(kinds)} == {"published"}
