"""Measure the build: `make speed`. Writes data/speed_of_build.csv and the table in CONTRIBUTING.md.

Cold build, plain `jupyter-book build` of the same content, no-op build, one notebook changed:
alternating, three times (`ROUNDS=1`: once), so that a busy machine burdens all alike; medians are
written. The cold builds say how many kernels were started and which notebooks took longest; how
long a kernel takes until it has imported the libraries is measured beside them.
"""

import argparse
import csv
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = "speed_of_build.csv"
COLUMNS = ("item", "about", "estimate", "low", "high", "unit")
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
RAN = re.compile(r"^  (\w+)  ([\d.]+) s$", re.MULTILINE)  # as a build says it
SLOWEST = 3
# A kernel until it has imported what most notebooks import: forked as the book's are, and started
# as Jupyter does. The forking process imports the libraries once.
KERNELS = """
import json, time
from jupyter_client.manager import KernelManager
from distance_to_care.publication import kernel_server
IMPORTS = "from distance_to_care import cohort, figures, results, survival, tables"
def ready(manager):
    begun = time.monotonic()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    reply = client.execute_interactive(IMPORTS, timeout=120)
    took = time.monotonic() - begun
    assert reply["content"]["status"] == "ok", reply
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return took
begun = time.monotonic()
server = kernel_server.KernelServer()
forking = kernel_server.manager_class(server, kernel_server.WaitingKernelManager)
first = ready(forking())
once = time.monotonic() - begun
took = {"libraries_once": once, "kernel_forked": ready(forking())}
server.close()
print(json.dumps(took | {"kernel_started": ready(KernelManager())}))
"""


def clone(folder: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def timed(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds that Python takes with these arguments, and all that it said."""
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
    return took, f"{done.stdout}\n{done.stderr}"


def _last_json(text: str) -> dict:
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def touch(folder: Path, count: int) -> None:
    path = folder / "notebooks" / "survival_by_distance.ipynb"
    raw = json.loads(path.read_text())
    cell = next(c for c in raw["cells"] if c["cell_type"] == "code")
    cell["source"] = [*cell["source"], f"\n# round {count}"]
    path.write_text(json.dumps(raw))


def notebooks_of(said: list[str]) -> dict[str, list[float]]:
    """Seconds of each notebook in each of some builds, as they said them."""
    found: dict[str, list[float]] = {}
    for text in said:
        for name, seconds in RAN.findall(text):
            found.setdefault(name, []).append(float(seconds))
    return found


def rows(
    took: dict[str, list[float]], said: list[str], kernels: dict[str, list[float]], load: float
) -> list[dict]:
    """Summarise the rounds: one row an item.

    took : seconds of each round by `cold`, `plain`, `unchanged`, `one_changed`. said : what the
    cold builds said. kernels : seconds of each measurement by name. load : of the machine before.
    """

    def spread(item: str, values: list[float], unit: str, about: str = "") -> dict:
        middle = statistics.median(values)
        return {"item": item, "about": about, "estimate": middle, "low": min(values),
                "high": max(values), "unit": unit}  # fmt: skip

    ran = notebooks_of(said)
    ratios = [ours / plain for ours, plain in zip(took["cold"], took["plain"], strict=True)]
    slowest = sorted(ran, key=lambda name: -statistics.median(ran[name]))[:SLOWEST]
    today = datetime.date.today().isoformat()
    told = f"{today}, {len(ratios)} round{'s' * (len(ratios) > 1)}, {os.cpu_count()} cores, "
    return [
        {"item": "run", "about": f"{told}load {load:.1f} before"},
        *(spread(item, values, "seconds") for item, values in took.items()),
        spread("ratio", ratios, "ratio"),
        spread("kernels", [len(RAN.findall(text)) for text in said], "kernels"),
        *(spread(item, values, "seconds") for item, values in kernels.items()),
        *(spread("slowest_notebook", ran[name], "seconds", name) for name in slowest),
    ]


def write(path: Path, found: list[dict]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        for row in found:
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})


# Items as the table of CONTRIBUTING.md names them, in its order.
IN_WORDS = {
    "cold": "`make book`, cold",
    "plain": "plain `jupyter-book build .`, cold",
    "unchanged": "`make book`, nothing changed",
    "one_changed": "`make book`, one notebook changed",
    "ratio": "cold, ours over plain",
    "kernels": "kernels started by a cold build (a number)",
    "libraries_once": "first kernel, the libraries imported once for all",
    "kernel_forked": "each further kernel until it has imported the package",
    "kernel_started": "the same as Jupyter starts one",
}


def in_words(found: list[dict]) -> str:
    """The rows as a table of Markdown, under a sentence that says when they were measured."""
    told = {row["item"]: row for row in found}
    lines = [f"Measured {told['run']['about']}:", "", "| What | Seconds |", "|---|---|"]
    for item, words in IN_WORDS.items():
        if item in told:
            places = {"ratio": 2, "kernels": 0}.get(item, 1)
            lines.append(f"| {words} | {float(told[item]['estimate']):.{places}f} |")
    slowest = [row for row in found if row["item"] == "slowest_notebook"]
    lines += [f"| slow: `{row['about']}` | {float(row['estimate']):.1f} |" for row in slowest]
    return "\n".join(lines)


def read(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


TOLD = re.compile(r"^Measured .*:\n\n\| What \| Seconds \|\n(?:\|.*\n)+", re.MULTILINE)


def tell(page: Path, found: list[dict]) -> None:
    """Put the rows into a page, where those of the last measurement stand."""
    text, times = TOLD.subn(lambda _: in_words(found) + "\n", page.read_text(encoding="utf-8"))
    if times != 1:
        sys.exit(f"{page.name} has {times} tables of measured speed.")
    page.write_text(text, encoding="utf-8")


def measure(rounds: int) -> list[dict]:
    load = os.getloadavg()[0]
    ours, plain = ["-m", "distance_to_care", "build"], ["-c", JUPYTER_BOOK, "build", "."]
    took: dict[str, list[float]] = {}
    kernels: dict[str, list[float]] = {}
    said = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = clone(Path(temporary) / "copy")

        def round_of(item: str, arguments: list[str], anew: bool = False) -> str:
            if anew:
                shutil.rmtree(folder / "_build", ignore_errors=True)
            seconds, text = timed(folder, *arguments)
            took.setdefault(item, []).append(seconds)
            print(f"{item}: {seconds:.1f} s", flush=True)
            return text

        for count in range(rounds):
            round_of("plain", plain, anew=True)
            said.append(round_of("cold", ours, anew=True))
            round_of("unchanged", ours)
            touch(folder, count)
            round_of("one_changed", ours)
            _, text = timed(folder, "-c", KERNELS)
            for item, seconds in _last_json(text).items():
                kernels.setdefault(item, []).append(seconds)
    return rows(took, said, kernels, load)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="make speed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "data", help="folder of the table")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    write(options.output / TABLE, measure(options.rounds))
    found = read(options.output / TABLE)
    print(in_words(found))
    if options.output == ROOT / "data":
        tell(ROOT / "CONTRIBUTING.md", found)


if __name__ == "__main__":
    main()
