"""A book redrawn outside from a release says what the book inside says, and has nobody's data."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from background import copied, keep_only, of_the_copy
from typer.testing import CliRunner

from distance_to_care import places, results
from distance_to_care.command_line import app
from distance_to_care.publication.notebooks import Notebook

# Two sites are built and a cohort analysed for these: 'make test-all' runs them.
pytestmark = pytest.mark.slow
PAGE = "hazard_ratios"
# A chapter about the cohort, one about the synthetic people, and words.
PAGES = ("book/glossary", f"notebooks/{PAGE}", "notebooks/synthetic_cohort", "book/bibliography")
# Numbers that other pages file, and figures that they draw.
OF_OTHERS = re.compile(r"\{number\}`(?!hazard_ratios\.)[^`]*`")
FIGURE_OF_OTHERS = re.compile(r'"```\{published-figure\} published_\w+\\n",\s*"```\\n",\s*')
LEFT_OUT = "ipf_hazard_ratios"


@dataclass(frozen=True)
class Sites:
    """A copy of the project with few pages, the site made inside, and what left for outside."""

    copy: Path
    inside: Path
    release: Path
    partial: Path

    def command(self, *words: object) -> subprocess.CompletedProcess:
        """Run a command of the copy."""
        return _command(self.copy, *words)


def _command(copy: Path, *words: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "distance_to_care", *map(str, words)],
        cwd=copy, env=of_the_copy(copy), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redraw")
    copy = copied(folder / "project")
    keep_only(copy, PAGES)
    chapter = copy / "notebooks" / f"{PAGE}.ipynb"
    text = FIGURE_OF_OTHERS.sub("", chapter.read_text("utf-8"))
    chapter.write_text(OF_OTHERS.sub("a number", text), "utf-8")
    for path in (copy / "notebooks").glob("*.ipynb"):
        if Notebook(path).of_a_cohort and path.stem != PAGE:
            path.unlink()
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv")
    people["person_id"] = [f"canary_{i}" for i in range(len(people))]
    file, inside, work = folder / "extract.parquet", folder / "inside", folder / "work"
    people.drop(columns="record_kind").to_parquet(file)
    steps = [
        ("build", "--cohort", file, "--kind", "registry", "--output", inside),
        ("analyse", file, "--kind", "registry", "--output", work),
        ("release", work, folder / "release", "--first", "--date", "2026-05-31"),
        ("release", work, folder / "partial", "--first", "--without", LEFT_OUT),
    ]
    for step in steps:
        done = _command(copy, *step)
        assert done.returncode == 0, done.stderr
    # Nobody's data are there from here on.
    file.unlink()
    shutil.rmtree(work)
    return Sites(copy, inside, folder / "release", folder / "partial")


@pytest.fixture(scope="module")
def redrawn(sites):
    output = sites.inside.with_name("outside")
    done = sites.command("build", "--released", sites.release, "--output", output)
    assert done.returncode == 0, done.stderr
    return output


def downloads(output: Path, ending: str) -> dict[str, bytes]:
    """What a page of a site offers for download, byte for byte."""
    folder = output / "html" / "downloads"
    manifest = json.loads((folder / "manifest.json").read_text())
    what = "tables" if ending == ".csv" else "figures"
    names = [name for name, entry in manifest[what].items() if entry["page"] == PAGE]
    return {name: (folder / f"{name}{ending}").read_bytes() for name in names}


def page_of(output: Path) -> str:
    return (output / "html" / "notebooks" / f"{PAGE}.html").read_text("utf-8")


def test_the_tables_are_those_of_the_site_inside(sites, redrawn):
    assert len(downloads(redrawn, ".csv")) == 2
    assert downloads(redrawn, ".csv") == downloads(sites.inside, ".csv")


def drawing(figure: bytes) -> str:
    """A figure without the lines of its source, which outside name the release, and their room."""
    (words,) = re.findall(r">Source: [^<]*", text := figure.decode("utf-8"))
    end = text.index(words)
    picture = text[: text.rindex("<text", 0, end)]
    # Of the drawing itself alone: what is drawn keeps its heights.
    head, rest = picture.split("\n", 1)
    return re.sub(r' (?:viewBox|height)="[^"]*"', "", head) + rest


def test_the_figures_are_drawn_afresh_and_differ_in_their_source_alone(sites, redrawn):
    outside, inside = downloads(redrawn, ".svg"), downloads(sites.inside, ".svg")
    assert len(outside) == 1
    assert list(map(drawing, outside.values())) == list(map(drawing, inside.values()))
    assert all(b"Registry data, released on 31 May 2026" in figure for figure in outside.values())
    assert not list(sites.release.rglob("*.svg"))


def test_the_numbers_are_those_of_the_site_inside_and_of_the_release(sites, redrawn):
    def numbers(file: Path) -> list[str]:
        return [line for line in file.read_text().splitlines() if line.endswith(f",{PAGE}")]

    there = numbers(redrawn / "html" / "downloads" / "numbers.csv")
    assert there == numbers(sites.inside / "html" / "downloads" / "numbers.csv")
    assert there == numbers(sites.release / "numbers.csv")
    assert len(there) > 5


def test_the_page_says_the_same_but_for_the_day_of_the_release(sites, redrawn):
    inside, outside = page_of(sites.inside), page_of(redrawn)
    banner = banner_of(sites)
    assert f">{banner}<" in outside
    assert banner not in inside
    outside = outside.replace(banner, results.BANNERS["registry"])
    # The name and the room of a picture follow from its lines, of which its source is one.
    room = re.compile(r'(?:_images/\w+\.svg"|(?<=")) (width="\d+") height="\d+"')
    said = [room.sub(r"\1", page) for page in (outside, inside)]
    assert said[0] == said[1]


def banner_of(sites: Sites) -> str:
    title = json.loads((sites.release / "study.json").read_text("utf-8"))["title"]
    assert title
    return f"Registry data, released on 31 May 2026: {title}"


def test_the_first_page_says_whose_release_it_is_and_where_it_is_shown(sites, redrawn):
    first = (redrawn / "html" / "book" / "glossary.html").read_text("utf-8")
    assert f"redrawn from a release ({banner_of(sites)})" in first
    assert f'<a href="../notebooks/{PAGE}.html">' in first
    inside = (sites.inside / "html" / "book" / "glossary.html").read_text("utf-8")
    assert "redrawn from a release" not in inside


def test_what_is_about_synthetic_people_is_left_out(redrawn):
    about = (redrawn / "html" / "notebooks" / "synthetic_cohort.html").read_text("utf-8")
    assert "not part of a site that was built from other people" in about


def test_nobody_is_in_any_file_of_the_release_or_of_the_site(sites, redrawn):
    for folder in (sites.release, redrawn):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if b"canary_" in path.read_bytes()]


@pytest.mark.slow
def test_a_table_that_was_left_out_is_named_in_its_place_and_the_rest_is_there(sites):
    output = sites.inside.with_name("partial-outside")
    done = sites.command("build", "--released", sites.partial, "--output", output)
    assert done.returncode == 0, done.stderr
    page = page_of(output)
    assert f"Not released: the table {LEFT_OUT} is not part" in page
    assert "(not released)" in page
    there, inside = downloads(output, ".csv"), downloads(sites.inside, ".csv")
    assert there == {name: content for name, content in inside.items() if name in there}
    assert set(inside) - set(there) == {LEFT_OUT}


@pytest.mark.parametrize("change", ["altered", "missing", "nothing"])
def test_a_changed_or_incomplete_release_is_refused(sites, tmp_path, change):
    release = tmp_path / "release"
    shutil.copytree(sites.release, release)
    table = next((release / "tables").iterdir())
    if change == "altered":
        content = bytearray(table.read_bytes())
        content[len(content) // 2] ^= 1
        table.write_bytes(content)
    elif change == "missing":
        table.unlink()
    else:
        shutil.rmtree(release)
    output = tmp_path / "site"
    done = sites.command("build", "--released", release, "--output", output)
    assert done.returncode == 2
    assert "nothing is drawn" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_a_number_that_reads_otherwise_than_the_release_is_a_fault(sites, redrawn, monkeypatch):
    from distance_to_care.problems import Problem
    from distance_to_care.publication import redraw

    monkeypatch.setenv(places.RELEASED_VARIABLE, str(sites.release))
    folder = redrawn / "results"
    redraw.compare_numbers([PAGE], folder)
    numbers = folder / PAGE / "numbers.csv"
    before = numbers.read_text()
    changed = before.replace("registry people", "registry persons", 1)
    assert changed != before
    numbers.write_text(changed)
    try:
        with pytest.raises(Problem, match="1 numbers are not those of the release"):
            redraw.compare_numbers([PAGE], folder)
    finally:
        numbers.write_text(before)


@pytest.mark.parametrize("words", [["--cohort", "x.csv"], ["--study", "ipf"], ["--kind", "open"]])
def test_a_release_brings_its_own_study_and_no_people(tmp_path, words):
    done = CliRunner().invoke(app, ["build", "--released", str(tmp_path), *words])
    assert done.exit_code == 2
    assert "brings its own study and no people" in done.stderr


def test_make_book_hands_the_release_on():
    done = subprocess.run(
        ["make", "--dry-run", "book", "RELEASED=a folder/release"],
        cwd=places.ROOT, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert 'distance_to_care build --released "a folder/release"' in done.stdout
