"""Measure the build: `make speed`. Prints a line for each figure of CONTRIBUTING.md.

Cold build, plain `jupyter-book build` of the same content, no-op build, one notebook changed:
alternating, three times (`ROUNDS=1`: once), so that a busy machine burdens all alike; medians are
printed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


def clone(folder: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def timed(folder: Path, *arguments: str) -> float:
    # The copy's own package comes first, whatever is installed.
    environment = os.environ | {"PYTHONPATH": str(folder)}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    took = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return took


def touch(folder: Path, count: int) -> None:
    path = folder / "notebooks" / "survival_by_distance.ipynb"
    raw = json.loads(path.read_text())
    cell = next(c for c in raw["cells"] if c["cell_type"] == "code")
    cell["source"] = [*cell["source"], f"\n# round {count}"]
    path.write_text(json.dumps(raw))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="make speed")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    ours, plain = ["-m", "distance_to_care", "build"], ["-c", JUPYTER_BOOK, "build", "."]
    took: dict[str, list[float]] = {
        "make book, cold": [],
        "plain jupyter-book build, cold": [],
        "make book, nothing changed": [],
        "make book, one notebook changed": [],
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = clone(Path(temporary) / "copy")
        for count in range(rounds):
            cold, book, same, one = took.values()
            shutil.rmtree(folder / "_build", ignore_errors=True)
            book.append(timed(folder, *plain))
            shutil.rmtree(folder / "_build", ignore_errors=True)
            cold.append(timed(folder, *ours))
            same.append(timed(folder, *ours))
            touch(folder, count)
            one.append(timed(folder, *ours))
    for name, seconds in took.items():
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
        print(f"{name}: {statistics.median(seconds):.1f} s ({spread})")
    ratios = [a / b for a, b in zip(*list(took.values())[:2], strict=True)]
    print(f"cold, ours over plain: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
