"""Notebooks as committed: no outputs, thin, one question, nothing silenced."""

import ast
import json
import re
import subprocess
import sys

import pytest

from distance_to_care import places, tables
from distance_to_care.publication import build, notebooks
from distance_to_care.publication.notebooks import ABOVE_NOTEBOOKS, Notebook, ordered

NOTEBOOKS = sorted(places.NOTEBOOKS.glob("*.ipynb"))
HEADINGS = ["Data", "Method", "Result", "What this does not show"]
LONGEST = 80


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_without_outputs_and_with_ids_of_their_own(path):
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert raw["nbformat_minor"] >= 5
    for cell in raw["cells"]:
        assert cell["metadata"] == {} or set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_cell_ids_are_unique_in_the_book():
    ids = [cell["id"] for path in NOTEBOOKS for cell in json.loads(path.read_text())["cells"]]
    assert len(ids) == len(set(ids))


def test_nbstripout_finds_nothing_to_remove():
    command = [sys.executable, "-m", "nbstripout", "--keep-id", "--verify", *map(str, NOTEBOOKS)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_notebook_has_the_same_parts(path):
    notebook = Notebook(path)
    prose = "\n".join(c.source for c in notebook.node.cells if c.cell_type == "markdown")
    heads = [line.removeprefix("## ") for line in prose.splitlines() if line.startswith("## ")]
    assert [head for head in heads if head in HEADINGS] == HEADINGS
    assert "**Answer.**" in prose


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_thin(path):
    notebook = Notebook(path)
    lines = [line for cell in notebook.code for line in cell.splitlines() if line.strip()]
    assert len(lines) <= LONGEST, f"{len(lines)} lines of code"
    tree = ast.parse("\n".join(notebook.code))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    text = "\n".join(notebook.code)
    # What a page is made with is not part of what a notebook is executed anew for.
    assert not re.findall(rf"distance_to_care\b.*\b(?:{'|'.join(ABOVE_NOTEBOOKS)})\b", text)
    for banned in ("warnings", "open(", "read_csv", "to_csv", "Path(", "!pip", "\n%", "\n!"):
        assert banned not in text, f"{banned} in {path.name}"
    (page,) = [n for n in ast.walk(tree) if isinstance(n, ast.Call)
               and getattr(n.func, "attr", "") == "Page"]  # fmt: skip
    assert page.args[0].value == path.stem


def test_results_rest_on_all_code_but_that_of_pages_and_on_all_data_but_the_book_of_itself():
    package = places.ROOT / "distance_to_care"
    left_out = set(package.rglob("*.py")) - set(notebooks._beneath_notebooks())
    # The rooms are named here once more: whatever is left out too much gives stale results.
    above = {"publication", "command_line"}
    assert {path.relative_to(package).parts[0] for path in left_out} == above
    runs = {f"publication/{name}.py" for name in ("execution", "kernel_server", "notebooks")}
    assert runs.isdisjoint(path.relative_to(package).as_posix() for path in left_out)
    kept = set(notebooks._data_of_notebooks())
    others = {path for path in places.DATA.rglob("*") if path.is_file()} - kept
    assert {path.parent for path in others} - {places.DATA} == {places.REPORTING}
    assert {path for path in others if path.parent == places.DATA} == {places.DESCRIPTOR}
    told = {each["path"] for each in notebooks._descriptor_of_notebooks()["resources"]}
    assert told == {each["path"] for each in tables.descriptor()["resources"]
                    if not each["path"].startswith("reporting/")}  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_page_shows_tables_through_the_waist_only(path):
    # A cell that ends with `publish` would print the raw frame into the page.
    for source in Notebook(path).code:
        last = ast.parse(source).body[-1]
        if isinstance(last, ast.Expr):
            called = last.value.func.attr if isinstance(last.value, ast.Call) else None
            assert called in {"show", "side_by_side", "figure", "number_each"}, ast.unparse(last)[
                :80
            ]


def test_every_notebook_and_page_is_listed_once():
    listed = build.contents()
    assert len(listed) == len(set(listed))
    there = {f"notebooks/{path.stem}" for path in NOTEBOOKS}
    there |= {f"book/{path.stem}" for path in places.BOOK.glob("*.md")}
    assert set(listed) == there


def test_a_notebook_stands_after_those_whose_tables_it_reads(tmp_path):
    def write(name, code):
        cell = {"cell_type": "code", "id": name, "metadata": {}, "source": code,
                "outputs": [], "execution_count": None}  # fmt: skip
        raw = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(raw))
        return Notebook(tmp_path / f"{name}.ipynb")

    reader = write("a", 'page = results.Page("a", reads=["minutes"])')
    writer = write("b", 'page = results.Page("b")\npage.publish(t, "minutes", "T", ["x"])')
    assert [n.name for n in ordered([reader, writer])] == ["b", "a"]
    looped = 'titles = {"minutes": "T"}\nfor n, t in titles.items():\n    page.publish(f[n], n, t)'
    assert [n.name for n in ordered([reader, write("d", looped)])] == ["d", "a"]
    lost = write("c", 'page = results.Page("c", reads=["nothing"])')
    with pytest.raises(ValueError, match="which no notebook of the book publishes"):
        ordered([lost])
