"""Builds that need nothing of the other tests: they run beside them.

A test run starts them when it has collected its tests, one after the other, while the fast tests
run in the foreground. A test that waits for one helps meanwhile: it takes the next build that
nobody has begun. So two builds may run at once, and each writes where no other does. The site is
the project's own; every other build is that of a copy. `make test` builds copies with a part of
the book in them; `make test-all` builds whole ones as well.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import site as python_site
import subprocess
import sys
import tempfile
import threading
import venv
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from distance_to_care import places, results
from distance_to_care.publication import build

# As they are when the tests begin: a test may point `places`, or a variable of the environment,
# elsewhere while a build is started beside it.
ROOT, BUILD, NBVAL = places.ROOT, places.BUILD, places.NBVAL
DATA, ACCEPTED = places.DATA, places.ACCEPTED
ENVIRONMENT = dict(os.environ)
# What the command `jupyter-book` runs.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
LINK = re.compile(r"\[(?P<words>[^][\n]*)\]\((?P<page>[^)#\s]+\.(?:md|ipynb))(?:#[^)\s]*)?\)")
# A part of the book: published figures, travel, a cohort, the synthetic cohort itself, and words.
PART = (
    "book/glossary",
    "notebooks/published_evidence",
    "notebooks/evidence_map",
    "notebooks/travel_to_specialist_centres",
    "notebooks/survival_by_distance",
    "notebooks/synthetic_cohort",
    "book/data_dictionary",
    "notebooks/pooled_estimates",
    "notebooks/hazard_ratio_to_lives",
    "book/bibliography",
)


class Background:
    """One worker that runs builds in the order in which they were asked for; who waits, helps."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="builds-"))
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._asked: dict[Name, Future] = {}
        self._not_begun: deque[Name] = deque()
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen] = set()
        self._stopped = False

    def start(self, names: Iterable[Name]) -> None:
        """Queue the builds of these names; each runs once, however often it is asked for."""
        for name in names:
            if name not in self._asked:
                self._asked[name] = Future()
                self._not_begun.append(name)
                self._pool.submit(self._take_next)

    def outcome(self, name: Name) -> Build:
        """Return what came of a build; until it is there, run others that nobody has begun."""
        self.start([name])
        asked = self._asked[name]
        while not asked.done() and self._take_next():
            pass
        return asked.result()

    def wait(self) -> None:
        """Wait until no build is running."""
        while self._take_next():
            pass
        for asked in self._asked.values():
            asked.exception()

    def _next(self) -> Name | None:
        # Not "if there is one, take it": another thread may take it in between.
        try:
            return self._not_begun.popleft()
        except IndexError:
            return None

    def _take_next(self) -> bool:
        """Run the next build that nobody has begun, and say whether there was one."""
        name = self._next()
        if name is None:
            return False
        function, part = name
        try:
            built = BUILDS[function](self.run, self._folder / f"{function}_{part}", part)
        except BaseException as problem:
            # Whoever waits for it hears of it; whoever ran it for them does not, unless it was
            # the run itself that was interrupted.
            self._asked[name].set_exception(problem)
            if not isinstance(problem, Exception):
                raise
        else:
            self._asked[name].set_result(built)
        return True

    def run(
        self, command: Sequence[object], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess:
        """Run a command in a folder, as `subprocess.run` with its output kept."""
        with self._lock:
            if self._stopped:
                raise RuntimeError("The test run has ended.")
            process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env=dict(environment),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                start_new_session=True,
            )  # fmt: skip
            self._processes.add(process)
        with process:
            out, complaints = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, complaints)

    def stop(self) -> None:
        """End what still runs, and remove what was built."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
        while name := self._next():
            self._asked[name].cancel()
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)


# The name of a build's function, and whether it is of the whole book or of a part.
Name = tuple[str, str]
WHOLE, OF_A_PART = "whole", "of_a_part"
Run = Callable[[Sequence[object], Path, Mapping[str, str]], subprocess.CompletedProcess]


@dataclass(frozen=True)
class Build:
    """What came of a build: the process, the folder of its site, results and pages, its Python."""

    done: subprocess.CompletedProcess
    site: Path
    results: Path
    copy: Path = ROOT
    python: Path = Path(sys.executable)

    @property
    def pages(self) -> list[str]:
        """Pages of the book that was built."""
        return build.contents(self.copy / "_toc.yml")

    def differences(self) -> list[str]:
        """How what was published differs from what was accepted for these pages."""
        names = {page.removeprefix("notebooks/") for page in self.pages}
        expected = self.results.with_name("_expected")
        expected.mkdir()
        for name, entry in results.accepted_manifest()["tables"].items():
            if entry["page"] in names:
                shutil.copyfile(ACCEPTED / f"{name}.csv", expected / f"{name}.csv")
        numbers = pd.read_csv(ACCEPTED / "numbers.csv", dtype=str, keep_default_na=False)
        numbers[numbers["page"].isin(names)].to_csv(expected / "numbers.csv", index=False)
        return results.compare(self.results, expected)


def site(run: Run, folder: Path, part: str) -> Build:
    """The project's own site: what has not changed since the last build is not built again."""
    done = run([sys.executable, "-m", "distance_to_care", "build"], ROOT, ENVIRONMENT)
    return Build(done, BUILD / "html", BUILD / "results" / "_merged")


def nbval(run: Run, folder: Path, part: str) -> Build:
    """Every notebook under nbval, each in a fresh kernel: `pytest --nbval-lax notebooks`.

    The kernels are forked, which takes half the time; `test_ordinary_commands` does without.
    """
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "notebooks"]
    forked = ENVIRONMENT | {"DISTANCE_TO_CARE_FORKED_KERNELS": "yes"}
    return Build(run(command, ROOT, forked), NBVAL, NBVAL)


def plain_build(run: Run, folder: Path, part: str) -> Build:
    """`jupyter-book build .` in a fresh copy, with the libraries and without the package."""
    copy, python = copied(folder / "clone", part), without_package(folder / "environment")
    done = run([python, "-c", JUPYTER_BOOK, "build", "."], copy, ordinary_environment())
    built = copy / "_build"
    return Build(done, built / "html", built / "results" / "_merged", copy, python)


def build_without_official_files(run: Run, folder: Path, part: str) -> Build:
    """The book where the official files are not there."""
    copy, empty = copied(folder / "clone", part), folder / "no-official-files"
    empty.mkdir(parents=True)
    environment = of_the_copy(copy) | {places.OFFICIAL_VARIABLE: str(empty)}
    done = run([sys.executable, "-m", "distance_to_care", "build"], copy, environment)
    return Build(done, copy / "_build" / "html", copy / "_build" / "results" / "_merged", copy)


def build_of_an_extract(run: Run, folder: Path, part: str) -> Build:
    """A site from a registry extract, whose people have names that must appear nowhere."""
    copy = copied(folder / "clone", part)
    people = pd.read_csv(DATA / "synthetic" / "synthetic_ipf.csv")
    extract = people.drop(columns="record_kind")
    extract["person_id"] = [f"canary_{i}" for i in range(len(extract))]
    file, output = folder / "extract.parquet", folder / "site"
    extract.to_parquet(file)
    command = [sys.executable, "-m", "distance_to_care", "build", "--cohort", file]
    command += ["--kind", "registry", "--output", output]
    done = run(command, copy, of_the_copy(copy))
    return Build(done, output / "html", output / "results" / "_merged", copy)


def analysed(run: Run, folder: Path, part: str) -> Build:
    """Every chapter's tables for the synthetic cohort, without a book: the command `analyse`."""
    folder.mkdir(parents=True)
    cohort, output = DATA / "synthetic" / "synthetic_ipf.csv", folder / "out"
    command = [sys.executable, "-m", "distance_to_care", "analyse", cohort, "--output", output]
    return Build(run(command, ROOT, ENVIRONMENT), output, output)


def analysed_extract(run: Run, folder: Path, part: str) -> Build:
    """Every chapter's tables for a registry extract, whose people have names to look for."""
    folder.mkdir(parents=True)
    people = pd.read_csv(DATA / "synthetic" / "synthetic_ipf.csv").head(700)
    people = people.drop(columns="record_kind")
    file, output = folder / "extract.csv", folder / "out"
    people.assign(person_id=[f"canary_{i}" for i in range(len(people))]).to_csv(file, index=False)
    command = [sys.executable, "-m", "distance_to_care", "analyse", file, "--output", output]
    return Build(run([*command, "--kind", "registry"], ROOT, ENVIRONMENT), output, output)


# By the name of the fixture that hands them out. The site comes first: most tests wait for it.
BUILDS: dict[str, Callable[[Run, Path, str], Build]] = {
    function.__name__: function
    for function in (
        site,
        nbval,
        plain_build,
        build_without_official_files,
        build_of_an_extract,
        analysed,
        analysed_extract,
    )
}


def accepted(root: Path) -> dict[str, bytes]:
    """The accepted tables of a project, byte for byte, by name."""
    return {path.name: path.read_bytes() for path in (root / "book" / "results").iterdir()}


def copied(target: Path, part: str = WHOLE) -> Path:
    """Copy the project's files, as a clone would have them; of a part, with few pages."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
    if part != WHOLE:
        keep_only(target, PART)
    return target


def keep_only(root: Path, pages: Sequence[str]) -> None:
    """Leave these pages in the contents of a copy; a link to any other page becomes its words."""
    first, *others = pages
    toc = {"format": "jb-book", "root": first, "chapters": [{"file": name} for name in others]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    files = {file.resolve() for name in pages for file in root.glob(f"{name}.*")}
    for file in files:

        def words(link: re.Match, folder: Path = file.parent) -> str:
            stays = (folder / link["page"]).resolve() in files
            return link[0] if stays else in_words(link, folder)

        text = LINK.sub(words, file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")


def in_words(link: re.Match, folder: Path) -> str:
    """What a link shows: its own words, or the title of the page that it leads to."""
    if link["words"]:
        return link["words"]
    title = re.search(
        r"^\s*\"?# ([^\n]*?)(?:\\n\"?,?)?$", (folder / link["page"]).read_text(), re.M
    )
    return title[1]


def of_the_copy(copy: Path) -> dict[str, str]:
    """The environment in which the package is that of the copy."""
    clean = {k: v for k, v in ENVIRONMENT.items() if k != places.RESULTS_VARIABLE}
    return clean | {"PYTHONPATH": str(copy)}


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
    clean = {k: v for k, v in ENVIRONMENT.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean.pop(places.RESULTS_VARIABLE, None)
    return clean
