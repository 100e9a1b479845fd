"""For `pytest --nbval-lax notebooks/`: kernels find the package, runs start from nothing.

What these runs publish goes into `_build/nbval/`, so that a build may go on beside them.
`make test` sets `DISTANCE_TO_CARE_FORKED_KERNELS`: the libraries are then imported once for all
notebooks, as in a build, and each kernel is still a process of its own, from a clean start.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part
)
FORKED = "DISTANCE_TO_CARE_FORKED_KERNELS"
server = None


def pytest_collection_modifyitems(items):
    """Order notebooks by what they read, and remove what earlier runs of them published."""
    from distance_to_care import places
    from distance_to_care.publication import notebooks

    cells = [item for item in items if item.path.suffix == ".ipynb"]
    if not cells:
        return
    paths = {item.path for item in cells}
    order = {n.path: i for i, n in enumerate(notebooks.ordered(map(notebooks.Notebook, paths)))}
    for path in paths:
        shutil.rmtree(_results(places) / path.stem, ignore_errors=True)
    if os.environ.get(FORKED):
        _fork_kernels()
    positions = [i for i, item in enumerate(items) if item.path in order]
    cells.sort(key=lambda item: order[item.path])
    for position, item in zip(positions, cells, strict=True):
        items[position] = item


def _fork_kernels() -> None:
    """Let nbval's kernels come from one process that has imported the libraries."""
    global server
    from nbval import kernel

    from distance_to_care.publication import kernel_server

    server = kernel_server.KernelServer()
    kernel.KernelManager = kernel_server.manager_class(server, kernel_server.WaitingKernelManager)


def pytest_unconfigure():
    if server is not None:
        server.close()


def _results(places) -> Path:
    return Path(os.environ.get(places.RESULTS_VARIABLE) or places.NBVAL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Point the kernel, which starts with a notebook's first cell, to the folder of its own."""
    from distance_to_care import places

    before = os.environ.get(places.RESULTS_VARIABLE)
    os.environ[places.RESULTS_VARIABLE] = str(_results(places))
    try:
        return (yield)
    finally:
        os.environ.pop(places.RESULTS_VARIABLE)
        if before is not None:
            os.environ[places.RESULTS_VARIABLE] = before
