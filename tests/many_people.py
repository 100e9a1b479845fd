"""Measure the command line on ten million people: `make many`.

Writes data/speed_of_commands.csv and the sentence of README.md that tells of it.

Draws synthetic people, checks their file and analyses it, each as a process of its own, on one core
and in a temporary folder: how long each took, and the most memory that it held.
"""

import argparse
import csv
import datetime
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = "speed_of_commands.csv"
COLUMNS = ("command", "people", "seconds", "memory_mb", "about")
UNIT = 1024 if sys.platform != "darwin" else 1  # of ru_maxrss


def commands(people: int, folder: Path) -> dict[str, list[str]]:
    """The arguments of each command, in order."""
    file, output = str(folder / "people.parquet"), str(folder / "out")
    return {
        "synthesise": ["synthesise", "--people", str(people), "--output", file],
        "check": ["check", file],
        "analyse": ["analyse", file, "--output", output],
    }


def measured(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a command took, and the most megabytes that its process held."""
    given = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    words = [sys.executable, "-m", "distance_to_care", *arguments]
    started = time.monotonic()
    process = os.posix_spawn(sys.executable, words, given)
    _, state, used = os.wait4(process, 0)
    took = time.monotonic() - started
    if os.waitstatus_to_exitcode(state):
        sys.exit(f"'{arguments[0]}' failed: its reason stands above.")
    return took, used.ru_maxrss * UNIT / 1e6


def sentence(rows: list[dict]) -> str:
    """What README says of a measurement, to the second and to a tenth of a gigabyte."""
    seconds = {row["command"]: round(float(row["seconds"])) for row in rows}
    most = max(float(row["memory_mb"]) for row in rows) / 1000
    return (
        f"took {seconds['synthesise']} seconds to draw, {seconds['check']} to check and "
        f"{seconds['analyse']} to analyse on one core, in {most:.1f} GB of memory at most."
    )


TOLD = re.compile(r"^Ten million people took .*$", re.MULTILINE)


def tell(page: Path, rows: list[dict]) -> None:
    """Put a measurement of ten million people into a page, where the last one stands."""
    text = page.read_text(encoding="utf-8")
    told, times = TOLD.subn(f"Ten million people {sentence(rows)}", text)
    if times != 1:
        sys.exit(f"{page.name} tells of ten million people {times} times.")
    page.write_text(told, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="make many")
    parser.add_argument("--people", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path, default=ROOT / "data", help="folder of the table")
    options = parser.parse_args()
    if options.people < 1:
        parser.error("--people is at least 1")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    about = f"{datetime.date.today().isoformat()}, load {os.getloadavg()[0]:.1f} before"
    folder, rows = Path(tempfile.mkdtemp()), []
    try:
        for name, arguments in commands(options.people, folder).items():
            seconds, memory = measured(arguments, folder)
            rows.append(
                {"command": name, "people": options.people, "seconds": f"{seconds:.4g}",
                 "memory_mb": f"{memory:.4g}", "about": about}
            )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    with (options.output / TABLE).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print((options.output / TABLE).read_text())
    print(f"{options.people:,} people {sentence(rows)}")
    if options.output == ROOT / "data" and options.people == 10_000_000:
        tell(ROOT / "README.md", rows)


if __name__ == "__main__":
    main()
