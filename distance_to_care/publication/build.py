"""Build the book: execute what changed, make the site in a fresh folder, check it, swap it in.

A failed build leaves the previous site whole; a build in which nothing changed ends at once.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import json
import os
import re
import shutil
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import nbformat
import yaml

from distance_to_care import locks, places, tables
from distance_to_care.problems import Problem
from distance_to_care.publication import edition, execution, notebooks, redraw
from distance_to_care.publication.notebooks import Notebook
from distance_to_care.whole_file import whole

STUB = """# {title}

This page is about the synthetic people that the book ships with, or about another study.
It is not part of a site that was built from other people's data.
"""


@dataclass(frozen=True)
class Folders:
    """Where a build keeps its parts: beside the project, or in the folder a user named."""

    base: Path

    @property
    def results(self) -> Path:
        return self.base / "results"

    @property
    def cache(self) -> Path:
        return self.base / "execution"

    @property
    def site(self) -> Path:
        return self.base / "html"

    @property
    def record(self) -> Path:
        return self.base / "site.json"

    @property
    def staging(self) -> Path:
        return self.base / "staging"


def contents(toc: Path | None = None) -> list[str]:
    """List the files of the book, without endings, in reading order."""
    toc = toc or places.ROOT / "_toc.yml"
    tree = yaml.safe_load(toc.read_text(encoding="utf-8"))

    def files(node) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from files(item)
        elif isinstance(node, dict):
            for key in ("root", "file"):
                if key in node:
                    yield node[key].removesuffix(".md").removesuffix(".ipynb")
            for key in ("parts", "chapters", "sections"):
                yield from files(node.get(key, []))

    return list(files(tree))


def book(
    folders: Folders,
    progress: execution.Progress,
    fork: bool | None = None,
    other_people: bool = False,
    slides: bool = False,
) -> Path:
    """Execute every notebook that changed, build the site, and return its folder.

    Parameters
    ----------
    folders : where results, the execution cache and the site go.
    progress : called with a line of text as the build goes on.
    fork : see `execution.execute`.
    other_people : the cohort is not the book's synthetic one, so pages about that one are left
        out, and pages about the people of another study. So it is where the book is redrawn from a
        release (`places.released_folder`), which has no people at all.
    slides : draw a slide of each figure, for which a browser is needed.

    Raises
    ------
    Problem : a sentence for each thing that is wrong, naming the place.
    """
    with _turn(folders.base, progress):
        return _book(folders, progress, fork, other_people, slides)


@contextlib.contextmanager
def _turn(folder: Path, progress: execution.Progress) -> Iterator[None]:
    """Wait until no other build writes into a folder, and let others wait meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    locked, lock = locks.folder(folder)
    if not locked:
        progress(f"Another build is writing into {folder}: waiting until it has ended")
        _, lock = locks.folder(folder, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _book(
    folders: Folders,
    progress: execution.Progress,
    fork: bool | None,
    other_people: bool,
    slides: bool,
) -> Path:
    started = time.monotonic()
    pages = [Notebook(places.ROOT / f"{name}.ipynb") for name in contents() if "notebooks/" in name]
    for page in pages:
        if not page.path.exists():
            raise Problem(f"_toc.yml lists notebooks/{page.name}, and there is no such notebook.")
    left_out = []
    if other_people:
        study = notebooks.serving(tables.read_study(), {page.study for page in pages})
        left_out = [p for p in pages if p.synthetic_only or p.study not in (None, study)]
    not_released = redraw.not_released(p for p in pages if p not in left_out)
    left_out += not_released
    pages = [page for page in pages if page not in left_out]
    os.environ[places.RESULTS_VARIABLE] = str(folders.results)
    executed = execution.execute(
        pages, folders.results, folders.cache, progress, fork, _import_sphinx
    )
    redraw.compare_numbers((page.name for page in pages if page.of_a_cohort), folders.results)
    state = _state(executed, [page.name for page in left_out])
    # Of every table its digest, and since when it is drawn again where its data are not there.
    manifests = (folders.results / page.name / "manifest.json" for page in pages)
    state += notebooks.digest_of_files([path for path in manifests if path.exists()])
    if _unchanged(folders, state, slides):
        progress(f"Nothing has changed: the site in {folders.site} is up to date")
        return folders.site
    # Only now: a build in which nothing changed need not wait for what these import.
    from distance_to_care.publication import boards, find_my_area

    making = time.monotonic()
    shutil.rmtree(folders.staging, ignore_errors=True)
    source = folders.staging / "source"
    stubs = {p: redraw.STUB if p in not_released else STUB for p in left_out}
    _stage(source, executed, stubs)
    boards.write(source, folders.results)
    built = _sphinx(source, folders.staging, [page.name for page in left_out], slides)
    find_my_area.write(built, folders.base)
    _swap(built, folders)
    record = {"state": state, "slides": slides, "files": _files(folders.site)}
    _note(folders, record)
    shutil.rmtree(folders.staging)
    progress(
        f"Site built in {time.monotonic() - making:.1f} s"
        f" ({time.monotonic() - started:.1f} s in all)"
    )
    return folders.site


def record_again(folders: Folders) -> None:
    """Note what stands in the site now, after something was added to it on purpose."""
    record = json.loads(folders.record.read_text())
    _note(folders, record | {"files": _files(folders.site)})


def _note(folders: Folders, record: dict) -> None:
    with whole(folders.record) as part:
        part.write_text(json.dumps(record))


def _state(executed: dict[str, nbformat.NotebookNode], left_out: list[str]) -> str:
    """Digest everything that the site is made from."""
    site_files = [
        places.ROOT / "_config.yml",
        places.ROOT / "_toc.yml",
        places.ROOT / "requirements.txt",
        places.DESCRIPTOR,
        *(p for p in places.BOOK.rglob("*") if p.is_file()),
        *(places.ROOT / "distance_to_care").rglob("*.py"),
        *places.STUDIES.glob("*"),
    ]
    total = hashlib.sha256(notebooks.digest_of_files(site_files).encode())
    for name in sorted(executed):
        total.update(nbformat.writes(executed[name]).encode())
    total.update(",".join(left_out).encode())
    total.update(edition.words().encode())
    return total.hexdigest()


def _files(site: Path) -> dict[str, int]:
    return {
        str(path.relative_to(site)): path.stat().st_size
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def _unchanged(folders: Folders, state: str, slides: bool) -> bool:
    if not folders.record.exists() or not folders.site.is_dir():
        return False
    record = json.loads(folders.record.read_text())
    same = record["state"] == state and record["files"] == _files(folders.site)
    return same and (record.get("slides", False) or not slides)


def _stage(
    source: Path, executed: dict[str, nbformat.NotebookNode], left_out: dict[Notebook, str]
) -> None:
    """Lay out the book's source with executed notebooks in place of the committed ones."""
    (source / "notebooks").mkdir(parents=True)
    shutil.copytree(
        places.BOOK, source / "book", ignore=shutil.ignore_patterns("results", "versions")
    )
    for name in ("_config.yml", "_toc.yml"):
        shutil.copyfile(places.ROOT / name, source / name)
    for name, node in executed.items():
        nbformat.write(node, source / "notebooks" / f"{name}.ipynb")
    for page, words in left_out.items():
        heading = next(c.source for c in page.node.cells if c.cell_type == "markdown")
        title = heading.splitlines()[0].lstrip("# ")
        stub = nbformat.v4.new_notebook(metadata=page.node.metadata)
        stub.cells = [nbformat.v4.new_markdown_cell(words.format(title=title), id="left-out")]
        nbformat.write(stub, source / "notebooks" / f"{page.name}.ipynb")


def _import_sphinx() -> None:
    """Import what Sphinx will load: two seconds in which the kernels' process is busy elsewhere."""
    import importlib

    from jupyter_book.config import get_default_sphinx_config

    importlib.import_module("sphinx.builders.html")
    for extension in get_default_sphinx_config()["extensions"]:
        importlib.import_module(extension)
    for ours in ("extension", "site_quality", "checks"):
        importlib.import_module(f"distance_to_care.publication.{ours}")


def living_objects() -> list[object]:
    """List the objects of this process, without weak references whose object is gone.

    Compiled loops leave some behind, and to ask such a reference what it is raises an error.
    """
    return [each for each in gc.get_objects() if type(each) not in weakref.ProxyTypes]


def _sphinx(source: Path, staging: Path, left_out: list[str], slides: bool = False) -> Path:
    """Run Sphinx from clean, as Jupyter Book configures it; any warning is a failure."""
    from jupyter_book.sphinx import build_sphinx
    from sphinx_external_toc import collectors

    from distance_to_care.publication import checks

    # It looks for one object among all that there are.
    collectors.gc = SimpleNamespace(get_objects=living_objects)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        outcome = build_sphinx(
            source,
            staging / "html",
            doctreedir=staging / "doctrees",
            noconfig=True,
            path_config=source / "_config.yml",
            confoverrides={
                "nb_execution_mode": "off",
                "distance_to_care_left_out": left_out,
                "distance_to_care_slides": slides,
                # JB's config asks for it; the command line of Jupyter Book passes it.
                "latex_individualpages": False,
            },
            freshenv=True,
            warningiserror=False,
        )
    lines = [_clean(line, source) for line in said.getvalue().splitlines() if _is_warning(line)]
    if isinstance(outcome, Exception):
        lines.append(f"Sphinx stopped: {_clean(str(outcome), source)}")
    if lines or outcome:
        raise Problem("\n".join(lines) or "Sphinx failed without saying why.")
    found = checks.problems(staging / "html")
    if found:
        raise Problem("\n".join(found))
    return staging / "html"


def _is_warning(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("    ", "\t"))


def _clean(line: str, source: Path) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    return plain.replace(f"{source}{os.sep}", "").strip()


def _swap(built: Path, folders: Folders) -> None:
    """Put the new site where the old one was, with the old one kept until that is done."""
    index = built / "index.html"
    if not index.exists():
        first = contents()[0]
        index.write_text(
            '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8">'
            f"<title>Distance to Care</title>"
            f'<meta http-equiv="refresh" content="0; url={first}.html"></head>'
            f'<body><p><a href="{first}.html">Distance to Care</a></p></body></html>\n',
            encoding="utf-8",
        )
    old = folders.base / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if folders.site.exists():
        folders.site.replace(old)
    built.replace(folders.site)
    shutil.rmtree(old, ignore_errors=True)
