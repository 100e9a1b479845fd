"""Files and folders that the README, the guide for contributors and the pages name are there."""

import re

import pandas as pd
import pytest

from distance_to_care import official, places, results

ROOT = places.ROOT
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(places.BOOK.glob("*.md"))]
# A path in backticks with a folder in it; file names alone may be a reader's own.
NAMED = re.compile(
    r"(?<!`)`((?:[\w.<>-]+/)+(?:[\w.-]+\.(?:py|md|csv|toml|json|ipynb|tsv|txt|yml|js|css))?)`(?!`)"
)
# What a run makes, or what stands in a release.
MADE = ("_build/", "work/", "release/", "tables/")


def lacking(text: str) -> list[str]:
    """List the named paths that stand neither in the project nor in the package."""
    return [
        path for path in NAMED.findall(text)
        if "<" not in path and not path.startswith(MADE)
        and not any((base / path).exists() for base in (ROOT, ROOT / "distance_to_care"))
    ]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_named_path_is_there(text):
    assert lacking(text.read_text(encoding="utf-8")) == []


def test_a_path_that_is_not_there_is_seen():
    assert lacking("`tests/test_gone.py`, `data/gone/` and `data/`") == [
        "tests/test_gone.py",
        "data/gone/",
    ]
    assert sum(len(NAMED.findall(text.read_text("utf-8"))) for text in TEXTS) > 50


def test_more_than_half_of_the_numbers_need_official_files_as_the_readme_says():
    tables = results.accepted_manifest()["tables"]
    numbers = pd.read_csv(places.ACCEPTED / "numbers.csv", usecols=["table"])
    needing = {
        name for name, entry in tables.items() if set(official.known()) & {*entry["sources"]}
    }
    assert numbers["table"].isin(needing).mean() > 0.5
    for text in ("README.md", "book/reproduce.md"):
        said = (ROOT / text).read_text(encoding="utf-8")
        assert "More than half of the filed numbers come from tables that need" in said
