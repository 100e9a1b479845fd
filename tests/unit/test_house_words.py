"""Spelling and the words of the house: enforced on prose, code and the words of tables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import house_words
import pytest

from distance_to_care import places

# Where spelling is read: what people write, and not what programs or publishers wrote.
SPELT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "book", "notebooks",
         "distance_to_care", "data/studies", "data/claims.csv", "data/needed_facts.csv",
         "data/scenario_assumptions.csv")  # fmt: skip


FAULTS = [
    ("The color of it.", "British"),
    ("We utilise it.", "Simple"),
    ("Prior to that.", "Simple"),
    ("A significant rise.", "Simple"),
    ("A cutting-edge model.", "Praise"),
    ("Obviously it rose.", "Plain"),
    ("Simulated patients died.", "People"),
    ("Suffering from IPF.", "People"),
    ("Actionable findings.", "Jargon"),
    ("Deprivation causes it.", "Cause"),
]


@pytest.mark.parametrize(("words", "rule"), FAULTS)
def test_each_rule_file_finds_its_fault(words, rule):
    (said,) = house_words.faults(words)
    assert said.startswith(f"{rule}: ")
    assert "%" not in said


def test_good_words_pass():
    assert house_words.faults("A statistically significant rise among people in the centre.") == []


def test_every_rule_file_is_shown_to_find_something():
    shown = {rule for _, rule in FAULTS}
    assert {path.stem for path in house_words.STYLE.glob("*.yml")} == shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("existence", "occurrence"), "only existence and substitution"),
        (("(?:one|two)", "(one|two)"), "Vale counts groups"),
        (("level: error", "level: warning"), "at level error"),
    ],
)
def test_a_rule_that_vale_reads_in_another_way_is_refused(tmp_path: Path, change, said):
    good = (
        "extends: existence\nmessage: \"'%s'\"\nlevel: error\nignorecase: true\n"
        "tokens:\n  - '(?:one|two)'\n"
    )
    path = tmp_path / "Rule.yml"
    path.write_text(good)
    assert len(house_words.of_file(path)) == 1
    path.write_text(good.replace(*change))
    with pytest.raises(ValueError, match=said):
        house_words.of_file(path)


def test_vale_is_told_of_the_same_rules():
    told = (places.ROOT / ".vale.ini").read_text(encoding="utf-8")
    assert f"StylesPath = {house_words.STYLE.parent.relative_to(places.ROOT)}" in told
    assert f"BasedOnStyles = {house_words.STYLE.name}" in told


def spelling(*paths: str, folder: Path = places.ROOT) -> str:
    """Ask codespell, with the list of exceptions in `pyproject.toml`; gives what it found."""
    options = ["--toml", str(places.ROOT / "pyproject.toml")]
    asked = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *options, *paths],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode in (0, 65), asked.stderr
    return asked.stdout


def test_everything_is_spelt_right():
    assert spelling(*SPELT) == ""


def test_every_exception_is_needed():
    listed = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    excepted = listed["tool"]["codespell"]["ignore-words-list"].split(",")
    text = "\n".join(
        path.read_text(encoding="utf-8").lower()
        for name in SPELT
        for path in [places.ROOT / name, *(places.ROOT / name).rglob("*")]
        if path.suffix in {".md", ".py", ".ipynb", ".csv", ".tsv", ".toml", ".js"}
        and places.ACCEPTED not in path.parents
    )  # fmt: skip
    assert [word for word in excepted if not re.search(rf"\b{word}\b", text)] == []


def test_a_wrong_spelling_is_found(tmp_path: Path):
    (tmp_path / "page.md").write_text("We recieve teh people.\n")
    found = spelling("page.md", folder=tmp_path)
    assert "recieve ==> receive" in found
    assert "teh ==> the" in found


if shutil.which("vale"):

    def test_vale_agrees():
        asked = subprocess.run(
            ["vale", "book", "README.md"],
            cwd=places.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert asked.returncode == 0, asked.stdout
