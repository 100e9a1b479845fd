"""Mutation testing of disclosure control: small faults are put in, and fast tests must see them.

Usage: make mutation, or `python tests/mutation.py [module ...]` for some modules of the room only,
such as `counts curves`. It works on a copy under `_build/mutation`, so the project is not touched.
It ends with 1 where fewer than nine in ten faults are seen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / "_build" / "mutation"
# What `make mutation` installs beside the environment.
TOOLS = ROOT / "_build" / "mutation_tools"
ROOM = "distance_to_care/disclosure"
TESTS = ("test_disclosure*.py", "test_ranges.py", "test_attacks.py")
COPIED = ("distance_to_care", "tests", "data", "book/results", "notebooks", "pyproject.toml")
SMALLEST_SHARE = 0.9
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
    subprocess.run([*command, "export-cicd-stats"], cwd=COPY, env=environment, check=True)
    counted = json.loads((COPY / "mutants" / "mutmut-cicd-stats.json").read_text("utf-8"))
    return _judge(counted)


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


def _judge(counted: dict[str, int]) -> int:
    """Print how many faults were seen; 0 where it is nine in ten or more."""
    seen = counted["killed"] + counted["timeout"] + counted.get("segfault", 0)
    tried = counted["total"] - counted.get("skipped", 0)
    share = seen / tried if tried else 0.0
    print(f"{seen} of {tried} faults were seen by the tests: {share:.1%}")
    return 0 if share >= SMALLEST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
