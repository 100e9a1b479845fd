"""Notebooks as the build sees them: code, what they read, and a digest of all they rest on."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from distance_to_care import places, tables
from distance_to_care.people_flow import violations
from distance_to_care.problems import Problem

if TYPE_CHECKING:
    import nbformat

    from distance_to_care.study import Study

# What a chapter names as its study that serves every study without chapters of its own.
ANY = "any"


@dataclass(frozen=True)
class Notebook:
    """One notebook: its name is its file's name without the ending."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def node(self) -> nbformat.NotebookNode:
        """The notebook as a build executes it."""
        # Analyses alone, in an environment without the tools that build a site, need no such node.
        import nbformat

        try:
            return nbformat.read(self.path, as_version=4)
        except Exception as error:
            raise Problem(f"{self.path.name} is not a readable notebook: {error}") from error

    @cached_property
    def _content(self) -> dict:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return {"cells": content["cells"], "about": content["metadata"]}
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(f"{self.path.name} is not a readable notebook: {error}") from error

    @property
    def code(self) -> list[str]:
        """The source of each code cell."""
        cells = self._content["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]

    @property
    def _about(self) -> dict:
        return self._content["about"].get("distance_to_care", {})

    @property
    def synthetic_only(self) -> bool:
        """Say whether the notebook is about the synthetic cohort itself, and no other."""
        return bool(self._about.get("synthetic_only", False))

    @property
    def of_a_cohort(self) -> bool:
        """Say whether the notebook analyses whatever cohort the build was pointed at."""
        return bool(self._about.get("cohort", False))

    @property
    def study(self) -> str | None:
        """Name of the study whose cohorts it analyses; `any`: every other study; None: each one."""
        return self._about.get("study")

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Tables of other notebooks that `results.Page(..., reads=[...])` declares."""
        for source in self.code:
            # A line that is not Python (a magic) cannot declare a page; the kernel judges it.
            try:
                tree = ast.parse(source)
            except SyntaxError:
                continue
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "Page":
                    for keyword in call.keywords:
                        if keyword.arg == "reads":
                            return tuple(ast.literal_eval(keyword.value))
        return ()

    @cached_property
    def publishes(self) -> tuple[str, ...]:
        """Names of the tables that the notebook's code publishes, as far as they are literal.

        A name that loops over the keys of a literal dictionary stands for these keys.
        """
        names = []
        dictionaries: dict[str, list[str]] = {}
        for source in self.code:
            try:
                tree = ast.parse(source)
            except SyntaxError:
                continue
            dictionaries |= _dictionaries(tree)
            loops = _loops(tree, dictionaries)
            for call in ast.walk(tree):
                if not isinstance(call, ast.Call):
                    continue
                act = getattr(call.func, "attr", "")
                place = {"publish": 1, "republish": 0}.get(act)
                if place is not None and len(call.args) > place:
                    names += loops.get(getattr(call.args[place], "id", None), [])
                    names += [
                        part.value
                        for part in ast.walk(call.args[place])
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    ]
        return tuple(dict.fromkeys(names))


def _dictionaries(tree: ast.Module) -> dict[str, list[str]]:
    """Variables that literal dictionaries are assigned to -> their keys that are text."""
    return {
        node.targets[0].id: [
            key.value
            for key in node.value.keys
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Dict)
        and isinstance(node.targets[0], ast.Name)
    }


def _loops(tree: ast.Module, dictionaries: dict[str, list[str]]) -> dict[str, list[str]]:
    """Names that loop over the keys of such dictionaries, or over their items -> the keys."""
    found = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.For):
            continue
        looped, key = node.iter, node.target
        if isinstance(looped, ast.Call) and getattr(looped.func, "attr", "") == "items":
            looped, key = looped.func.value, getattr(key, "elts", [None])[0]
        keys = dictionaries.get(getattr(looped, "id", None))
        if keys and isinstance(key, ast.Name):
            found[key.id] = found.get(key.id, []) + keys
    return found


def ordered(notebooks: Iterable[Notebook]) -> list[Notebook]:
    """Order notebooks so that each stands after those whose tables it reads."""
    waiting = {notebook.name: notebook for notebook in notebooks}
    publisher = {table: n.name for n in waiting.values() for table in n.publishes}
    order: list[Notebook] = []
    done: set[str] = set()
    while waiting:
        ready = [
            n for n in waiting.values() if all(publisher.get(t) in done | {None} for t in n.reads)
        ]
        if not ready:
            raise Problem(
                "These notebooks wait for each other's tables: " + ", ".join(sorted(waiting))
            )
        for notebook in ready:
            for table in notebook.reads:
                if table not in publisher:
                    raise Problem(
                        f"notebooks/{notebook.name}.ipynb reads the table '{table}', which no "
                        "notebook of the book publishes."
                    )
            order.append(notebook)
            done.add(notebook.name)
            del waiting[notebook.name]
    return order


def serving(study: Study, written_for: Collection[str | None]) -> str:
    """Name the study whose chapters serve a study: `any`, where none are written for it.

    Parameters
    ----------
    study : the study; a name in its `chapters` that nobody knows is handed back as it is.
    written_for : the studies that chapters are written for.
    """
    named = study.chapters_of
    unknown = named != study.name and named not in tables.study_names()
    return named if named in written_for or unknown else ANY


def refuse_to_show_people(notebooks: Iterable[Notebook]) -> None:
    """Look through notebooks about a cohort for code that would show, save or send people.

    Raises
    ------
    Problem : every such place of every notebook at once, with what to do.
    """
    found = [
        line for each in notebooks for line in violations(each.code, each.name, _columns(each))
    ]
    if found:
        raise Problem("\n".join(found))


def _columns(notebook: Notebook) -> set[str]:
    """Name the columns, scores and derived columns of the studies a notebook may be run for."""
    own = notebook.study if notebook.study in tables.study_names() else None
    studies = [tables.read_study(name) for name in (None, own)]
    parts = [part for each in studies for part in (*each.own_columns, *each.scores, *each.derived)]
    return {part.name for part in parts}


def digest_of_files(paths: Iterable[Path], root: Path = places.ROOT) -> str:
    """Digest the names and contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        total.update(f"{name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


# Rooms that no notebook and nothing beneath one imports, but for what runs a notebook.
ABOVE_NOTEBOOKS = ("publication", "command_line")
RUNS_NOTEBOOKS = ("execution.py", "kernel_server.py", "notebooks.py")


def _beneath_notebooks() -> list[Path]:
    """Source of the package that a notebook's results can hang on."""
    package = places.ROOT / "distance_to_care"
    return [
        path
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in ABOVE_NOTEBOOKS or path.name in RUNS_NOTEBOOKS
    ]


def _data_of_notebooks() -> list[Path]:
    """Data that a notebook's results can hang on: all but what the book says of itself."""
    return [
        path
        for path in places.DATA.rglob("*")
        if path.is_file()
        and ".venv" not in path.parts
        and places.DATA / places.REPORTING.name not in path.parents
        and path != places.DESCRIPTOR
    ]


def _descriptor_of_notebooks() -> dict:
    """What the descriptor says of the data that notebooks may read."""
    package = tables.descriptor()
    own = places.REPORTING.name
    described = [r for r in package["resources"] if Path(r["path"]).parts[0] != own]
    return package | {"resources": described}


def surroundings() -> str:
    """Digest everything that every notebook rests on, beside its own code.

    The package's source beneath the notebooks, the data, the lock file, the version of Python, the
    official files and the accepted tables that stand in for them, and the cohort that the build was
    pointed at.
    """
    official = places.official_folder()
    files = [*_beneath_notebooks(), *_data_of_notebooks(), places.ROOT / "requirements.txt"]
    cohort = os.environ.get(places.COHORT_VARIABLE)
    parts = {
        "files": digest_of_files(files),
        "descriptor": _descriptor_of_notebooks(),
        "python": platform.python_version(),
        "official": digest_of_files(p for p in official.iterdir() if p.is_file())
        if official
        else digest_of_files(places.ACCEPTED.glob("*")),
        "cohort": digest_of_files([Path(cohort)]) if cohort else "",
        "kind": os.environ.get(places.KIND_VARIABLE, ""),
        "study": _study(os.environ.get(places.STUDY_VARIABLE, "")),
        "released": digest_of_files(p for p in released.rglob("*") if p.is_file())
        if (released := places.released_folder())
        else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _study(named: str) -> str:
    """A study's name, and the content of its file where that lies outside the data."""
    path = Path(named)
    return f"{named} {digest_of_files([path])}" if path.is_file() else named


def digest(notebook: Notebook, around: str, upstream: Iterable[str]) -> str:
    """Digest one notebook's code with its surroundings and the tables that it reads."""
    parts = [*notebook.code, around, *upstream]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
