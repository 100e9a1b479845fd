"""Mutation testing of disclosure control: small faults are put in, and fast tests must see them.

Usage: make mutation, or `python tests/mutation.py [module ...]` for some modules of the room only,
such as `counts curves`. It works on a copy under `_build/mutation`, so the project is not touched.
It names the faults that no test saw, and writes how many were seen into
`tests/mutation_figures.csv`, where the modules that were not tried keep their rows. It ends with 1
where fewer than nine in ten of the faults tried are seen.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / "_build" / "mutation"
# What `make mutation` installs beside the environment.
TOOLS = ROOT / "_build" / "mutation_tools"
FIGURES = ROOT / "tests" / "mutation_figures.csv"
ROOM = "distance_to_care/disclosure"
# The attacks themselves are left out: they take long, so what they alone see counts as not seen.
TESTS = ("test_disclosure*.py", "test_ranges.py")
COPIED = ("distance_to_care", "tests", "data", "book", "notebooks", "pyproject.toml")
SMALLEST_SHARE = 0.9
SEEN = ("killed", "timeout", "segfault")
# Random examples would make the same fault seen today and not tomorrow, and take too long.
CHOSEN = "not slow and not hypothesis"
WORKERS = "2"


def main(modules: list[str]) -> int:
    """Copy the project, put the faults in, run the tests on each, and say how many were seen."""
    _copy()
    _configure(modules)
    command = [sys.executable, "-m", "mutmut"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(TOOLS)}
    run = [*command, "run", "--max-children", WORKERS]
    if subprocess.run(run, cwd=COPY, env=environment, check=False).returncode:
        print("The tests fail without any fault put in: mend them first.", file=sys.stderr)
        return 1
    listed = subprocess.run(
        [*command, "results", "--all", "true"],
        cwd=COPY, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return _judge(_counted(listed.stdout))


def _copy() -> None:
    """Make a new copy: faults that earlier tests did not see must be tried on those of today."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")
    for name in COPIED:
        source, target = ROOT / name, COPY / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=skipped)
        else:
            shutil.copyfile(source, target)


def _configure(modules: list[str]) -> None:
    mutated = [f"{ROOM}/{module}.py" for module in modules] or [f"{ROOM}/*.py"]
    tests = sorted(
        str(path.relative_to(COPY)) for name in TESTS for path in COPY.glob(f"tests/unit/{name}")
    )
    also = [name for name in COPIED if name not in ("distance_to_care", "tests")]
    lists = {
        "source_paths": ["distance_to_care"],
        "only_mutate": mutated,
        "also_copy": also,
        "pytest_add_cli_args": ["-q", "-x", "-m", CHOSEN],
        "pytest_add_cli_args_test_selection": tests,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in lists.items()]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    text = "\n".join([project, "[tool.mutmut]", *lines, "use_git_change_detection = false", ""])
    (COPY / "pyproject.toml").write_text(text, encoding="utf-8")


def _counted(listed: str) -> dict[str, tuple[int, int]]:
    """Count the faults tried and seen in each module, and name those that were not seen."""
    tried, seen = Counter(), Counter()
    for line in filter(str.strip, listed.splitlines()):
        fault, _, status = line.strip().rpartition(": ")
        module = fault.split(".")[-2]
        tried[module] += 1
        seen[module] += status in SEEN
        if status not in SEEN:
            print(f"{fault}: {status}")
    return {module: (tried[module], seen[module]) for module in sorted(tried)}


def _judge(counted: dict[str, tuple[int, int]]) -> int:
    """Print and keep how many faults were seen; 0 where it is nine in ten or more."""
    for module, (tried, seen) in counted.items():
        print(_said(module, tried, seen))
    tried, seen = (sum(numbers) for numbers in zip(*counted.values(), strict=True))
    print(_said("together", tried, seen))
    known = counted
    if FIGURES.exists():
        with FIGURES.open(encoding="utf-8", newline="") as file:
            kept = {m: (int(t), int(s)) for m, t, s in list(csv.reader(file))[1:]}
        known = kept | counted
    still = {m: known[m] for m in sorted(known) if (ROOT / ROOM / f"{m}.py").exists()}
    with FIGURES.open("w", encoding="utf-8", newline="") as file:
        rows = [("module", "faults", "seen"), *((m, *numbers) for m, numbers in still.items())]
        csv.writer(file, lineterminator="\n").writerows(rows)
    return 0 if seen >= SMALLEST_SHARE * tried else 1


def _said(module: str, tried: int, seen: int) -> str:
    return f"{module}: {seen} of {tried} faults were seen by the tests ({seen / tried:.1%})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
