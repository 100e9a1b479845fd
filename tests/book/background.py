"""Builds of a minute and more that need nothing of the other tests: they run beside them.

A test run starts them when it has collected its tests, one after the other, while the fast tests
run in the foreground. Each writes into a folder of its own and never into that of the project.
"""

from __future__ import annotations

import os
import shutil
import signal
import site as python_site
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from distance_to_care import places

# What the command `jupyter-book` runs.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


class Background:
    """One worker that runs builds in the order in which they were asked for."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="builds-"))
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._asked: dict[str, Future] = {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._stopped = False

    def start(self, names: Iterable[str]) -> None:
        """Queue the builds of these names; each runs once, however often it is asked for."""
        for name in names:
            if name not in self._asked:
                folder = self._folder / name
                self._asked[name] = self._pool.submit(BUILDS[name], self.run, folder)

    def outcome(self, name: str) -> Build:
        """Wait for a build and return what came of it."""
        self.start([name])
        return self._asked[name].result()

    def wait(self) -> None:
        """Wait until no build is running."""
        for asked in self._asked.values():
            asked.exception()

    def run(
        self, command: Sequence[object], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess:
        """Run a command in a folder, as `subprocess.run` with its output kept."""
        with self._lock:
            if self._stopped:
                raise RuntimeError("The test run has ended.")
            self._process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env=dict(environment),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                start_new_session=True,
            )  # fmt: skip
        with self._process as process:
            out, complaints = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, complaints)

    def stop(self) -> None:
        """End what still runs, and remove what was built."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGTERM)
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)


Run = Callable[[Sequence[object], Path, Mapping[str, str]], subprocess.CompletedProcess]


@dataclass(frozen=True)
class Build:
    """What came of a build: the process, the folder it wrote to, and what it was run with."""

    done: subprocess.CompletedProcess
    folder: Path
    python: Path = Path(sys.executable)
    accepted_before: Mapping[Path, bytes] | None = None


def plain_build(run: Run, folder: Path) -> Build:
    """`jupyter-book build .` in a fresh copy, with the libraries and without the package."""
    copy, python = copied(folder / "clone"), without_package(folder / "environment")
    done = run([python, "-c", JUPYTER_BOOK, "build", "."], copy, ordinary_environment())
    return Build(done, copy, python)


def build_without_official_files(run: Run, folder: Path) -> Build:
    """The book where the official files are not there."""
    empty = folder / "no-official-files"
    empty.mkdir(parents=True)
    code = (
        "from pathlib import Path\n"
        "from distance_to_care.publication.build import Folders, book\n"
        f"book(Folders(Path({str(folder / 'build')!r})), print)"
    )
    environment = os.environ | {places.OFFICIAL_VARIABLE: str(empty)}
    return Build(run([sys.executable, "-c", code], places.ROOT, environment), folder / "build")


def build_of_an_extract(run: Run, folder: Path) -> Build:
    """A site from a registry extract, whose people have names that must appear nowhere."""
    folder.mkdir(parents=True)
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv")
    extract = people.drop(columns="record_kind")
    extract["person_id"] = [f"canary_{i}" for i in range(len(extract))]
    file, output = folder / "extract.parquet", folder / "site"
    extract.to_parquet(file)
    before = accepted()
    command = [sys.executable, "-m", "distance_to_care", "build", "--cohort", file]
    command += ["--kind", "registry", "--output", output]
    done = run(command, places.ROOT, os.environ)
    return Build(done, output, accepted_before=before)


# By the name of the fixture that hands them out; the longest first.
BUILDS: dict[str, Callable[[Run, Path], Build]] = {
    function.__name__: function
    for function in (plain_build, build_without_official_files, build_of_an_extract)
}


def accepted() -> dict[Path, bytes]:
    """The accepted tables, byte for byte."""
    return {path: path.read_bytes() for path in places.ACCEPTED.iterdir()}


def copied(target: Path) -> Path:
    """Copy the project's files, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=places.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        source = places.ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
    return target


def without_package(folder: Path) -> Path:
    """Make a Python that sees the libraries of this environment, but not the installed package."""
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A plain path in a .pth file is searched, and the .pth files in it are not: they would bring
    # the editable installation of this project along.
    (packages / "libraries.pth").write_text("\n".join(python_site.getsitepackages()))
    return folder / "bin" / "python"


def ordinary_environment() -> dict[str, str]:
    """The environment of somebody who has no part of this project installed."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean.pop(places.RESULTS_VARIABLE, None)
    return clean
