"""Execute notebooks side by side, each in a process of its own, and only those that changed.

What is kept of a run is its outputs and what it published, under a digest of the notebook's code,
the package, the data, the lock file and the tables that it reads: never of the code alone, since
a stale number is worse than a slow build.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from distance_to_care import guard, places
from distance_to_care.people_flow import without_people
from distance_to_care.problems import Problem
from distance_to_care.publication import notebooks
from distance_to_care.publication.kernel_server import KernelServer, manager_class
from distance_to_care.publication.notebooks import Notebook

CELL_TIMEOUT_SECONDS = 900
# Ports are chosen before a kernel binds them: another build may take one meanwhile, and then the
# kernel dies before it has said or done anything.
STARTS, NOT_A_WORD = 3, "Kernel died before replying"
RUNS_KEPT = 3
Progress = Callable[[str], None]
# Errors whose text is a sentence of the package.
SENTENCES = ("Problem", "Problems", "AnalysisError", "Refused")


def execute(
    pages: Iterable[Notebook],
    results: Path,
    cache: Path,
    progress: Progress,
    fork: bool | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, nbformat.NotebookNode]:
    """Run the notebooks that changed and return all of them with their outputs.

    Parameters
    ----------
    pages : notebooks of the book.
    results : folder in which each notebook publishes into a folder of its own.
    cache : folder that keeps earlier runs.
    progress : called with a line when a notebook has run.
    fork : fork kernels from a process that has the libraries; the default where the system can.
    meanwhile : called once while that process imports the libraries, on another core.

    Raises
    ------
    Problem : for a failed cell or a Python warning, naming the notebook and the cell.
    """
    order = notebooks.ordered(pages)
    fork = hasattr(os, "fork") if fork is None else fork
    return asyncio.run(_execute_all(order, results, cache, progress, fork, meanwhile))


async def _execute_all(
    order, results, cache, progress, fork, meanwhile
) -> dict[str, nbformat.NotebookNode]:
    around = notebooks.surroundings()
    finished = {notebook.name: asyncio.Event() for notebook in order}
    publisher = {table: n.name for n in order for table in n.publishes}
    # One more than the cores: a kernel that starts waits more than it works.
    cores = asyncio.Semaphore((os.cpu_count() or 1) + 1)
    executed: dict[str, nbformat.NotebookNode] = {}
    failed: list[Exception] = []
    server: list[KernelServer] = []
    changed = 0

    def kernels() -> type | None:
        if fork and not server:
            server.append(KernelServer())
            meanwhile()
        return manager_class(server[0]) if fork else None

    async def one(notebook: Notebook) -> None:
        nonlocal changed
        upstream = []
        for table in notebook.reads:
            await finished[publisher[table]].wait()
            if failed:
                return
            published = (results / publisher[table]).glob(f"*{table}.csv")
            upstream += [path.read_text("utf-8") for path in sorted(published)]
        kept = cache / notebook.name / notebooks.digest(notebook, around, upstream)
        folder = results / notebook.name
        if not (kept / "outputs.json").exists():
            async with cores:
                if failed:
                    return
                if not changed:
                    # All of them before the first runs; where all are kept, they were read then.
                    notebooks.refuse_to_show_people(each for each in order if each.of_a_cohort)
                started = time.monotonic()
                changed += 1
                outputs = await _run(notebook, results, kernels())
                _keep(kept, outputs, folder)
                progress(f"  {notebook.name}  {time.monotonic() - started:.1f} s")
        else:
            os.utime(kept)
            _restore(kept / "results", folder)
        executed[notebook.name] = _with_outputs(
            notebook, json.loads((kept / "outputs.json").read_text("utf-8"))
        )

    async def guarded(notebook: Notebook) -> None:
        try:
            await one(notebook)
        except Exception as error:  # reported below, all of them, after the others have ended
            failed.append(error)
        finally:
            finished[notebook.name].set()

    try:
        await asyncio.gather(*(guarded(notebook) for notebook in order))
    finally:
        for running in server:
            running.close()
    unforeseen = [error for error in failed if not isinstance(error, Problem)]
    if unforeseen:
        raise unforeseen[0]
    if failed:
        raise Problem("\n".join(str(error) for error in failed))
    unchanged = len(order) - changed
    if unchanged:
        progress(f"  {unchanged} of {len(order)} notebooks have not changed since they last ran")
    return executed


async def _run(notebook: Notebook, results: Path, manager: type | None) -> list[list[dict]]:
    node = nbformat.from_dict(notebook.node)
    node = nbformat.reads(nbformat.writes(node), as_version=4)
    if notebook.of_a_cohort and places.released_folder():
        _leave_people_out(node)
    environment = _environment(notebook, results)
    guarded = places.GUARDED_VARIABLE in environment
    where = f"notebooks/{notebook.name}.ipynb"
    try:
        await _executed(node, notebook.path.parent, environment, manager)
    except CellExecutionError as error:
        raise Problem(f"{where}, {_failed_cell(node)}: {_said(error)}") from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise Problem(f"{where}: the notebook did not finish ({type(error).__name__}).") from None
    cells = [cell for cell in node.cells if cell.cell_type == "code"]
    for place, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                first = output.text.strip().splitlines()[0]
                if os.environ.get(places.COHORT_VARIABLE):
                    first = "its text is withheld, because this build reads a cohort file"
                raise Problem(
                    f"{where}, code cell {place}: a Python warning or message on the error "
                    f"stream: {first}. Mend its cause; the book is not built with warnings."
                )
    return [_ours(cell.outputs) if guarded else cell.outputs for cell in cells]


def _environment(notebook: Notebook, results: Path) -> dict[str, str]:
    """What a kernel is told: a registry's people are for the notebooks about a cohort only."""
    environment = dict(os.environ)
    kind = environment.get(places.KIND_VARIABLE)
    if kind and not notebook.of_a_cohort:
        for name in (places.COHORT_VARIABLE, places.KIND_VARIABLE):
            environment.pop(name, None)
    elif kind == "registry":
        environment[places.GUARDED_VARIABLE] = "1"
    return environment | {
        places.RESULTS_VARIABLE: str(results),
        "PYTHONPATH": str(places.ROOT),
    }


def _leave_people_out(node: nbformat.NotebookNode) -> None:
    """Put code that needs no people in the place of a notebook's own, for the run only."""
    cells = [cell for cell in node.cells if cell.cell_type == "code"]
    for cell, source in zip(cells, without_people(c.source for c in cells), strict=True):
        cell.source = source


def _ours(outputs: list[dict]) -> list[dict]:
    """Keep of a cell's outputs what an object of our own pages made."""
    return [output for output in outputs if guard.MARK in output.get("metadata", {})]


async def _executed(node, folder: Path, environment: dict, manager: type | None) -> None:
    """Execute in a fresh kernel; one that dies before its first word is started again."""
    options = {"kernel_manager_class": manager} if manager else {}
    for start in range(1, STARTS + 1):
        client = NotebookClient(
            node,
            timeout=CELL_TIMEOUT_SECONDS,
            record_timing=False,
            # Nothing outlives a notebook, so its kernel need not say goodbye.
            shutdown_kernel="immediate",
            resources={"metadata": {"path": str(folder)}},
            **options,
        )
        try:
            return await client.async_execute(env=environment)
        except RuntimeError as error:
            if NOT_A_WORD not in str(error) or start == STARTS:
                raise
    return None


def _failed_cell(node: nbformat.NotebookNode) -> str:
    cells = [cell for cell in node.cells if cell.cell_type == "code"]
    for place, cell in enumerate(cells, start=1):
        if any(output.output_type == "error" for output in cell.outputs):
            return f"code cell {place}"
    return "a code cell"


def _said(error: CellExecutionError) -> str:
    # The text of an unforeseen error may quote a row, and with a registry a row is a patient.
    # A sentence of the package never does; one that a cell puts together may.
    ours = error.ename in SENTENCES and not _raised_by_the_cell(error)
    private = os.environ.get(places.COHORT_VARIABLE) and not ours
    if private:
        return (
            f"failed with {error.ename}. Its text is withheld because this build reads a cohort "
            "file; open the notebook to see it."
        )
    return f"{error.ename}: {error.evalue}"


def _raised_by_the_cell(error: CellExecutionError) -> bool:
    """Say whether the last place of a traceback is in the cell and not in a module."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback)
    found = re.findall(r"^(Cell In\[|File )", plain, re.MULTILINE)
    return not found or found[-1] != "File "


def _keep(kept: Path, outputs: list[list[dict]], folder: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    staging = kept.with_name(kept.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    if folder.exists():
        shutil.copytree(folder, staging / "results")
    (staging / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")
    shutil.rmtree(kept, ignore_errors=True)
    staging.replace(kept)
    earlier = sorted(kept.parent.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in earlier[RUNS_KEPT:]:
        shutil.rmtree(old)


def _restore(kept: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if kept.exists():
        shutil.copytree(kept, folder)


def _with_outputs(notebook: Notebook, outputs: list[list[dict]]) -> nbformat.NotebookNode:
    """Put kept outputs into today's notebook, whose prose may have changed since the run."""
    node = nbformat.reads(nbformat.writes(notebook.node), as_version=4)
    cells = (cell for cell in node.cells if cell.cell_type == "code")
    for count, (cell, found) in enumerate(zip(cells, outputs, strict=True), start=1):
        cell.execution_count = count
        cell.outputs = [nbformat.from_dict(output) for output in found]
    return node
