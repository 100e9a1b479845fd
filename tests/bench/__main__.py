"""Time survival engines beside one another: `make bench`.

Every measurement is a process of its own with a limit of time and memory, and engines take turns,
so that a busy machine burdens all alike. Results go to `data/speed_of_engines.csv` and
`data/speed_machine.csv`, those of `--quick` to `_build/bench/`. What was measured so far is kept in
`_build/bench/measures.jsonl`, where `--resume` goes on; `--again` asks a part of it anew.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import invented
import plan
import summary

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "_build" / "bench"
MEMORY_SHARE = 0.85  # of the machine's, that a measurement may ask for
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip
OUT_OF_MEMORY = ("MemoryError", "cannot allocate", "memory allocation of", "bad_alloc")


def memory_of_the_machine() -> int:
    """Bytes of memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def environment(threads: int) -> dict[str, str]:
    """What every measured process is given: the same number of threads, and the package."""
    found = os.environ | dict.fromkeys(THREADS, str(threads))
    return found | {"PYTHONPATH": str(ROOT)}


def command(engine: str, peers: str) -> list[str] | None:
    """The command that asks an engine; None where it is not installed."""
    _, whose = plan.ENGINES[engine]
    if whose == "r":
        script = shutil.which("Rscript")
        return [script, str(HERE / "measured.R")] if script and _r_survival() else None
    python = {"ours": sys.executable, "peers": peers}[whose]
    return [python, str(HERE / "measured.py")] if shutil.which(python) else None


def _r_survival() -> str:
    """Versions of R and of its package survival; empty where there is none."""
    if not shutil.which("Rscript"):
        return ""
    say = 'cat(as.character(getRversion()), as.character(packageVersion("survival")))'
    told = subprocess.run(["Rscript", "-e", say], capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else ""


def ask(asked: list[str], limit: float, memory: int, given: dict[str, str]) -> dict:
    """Run one measurement, and end it with all that it started when the limit is over."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    process = subprocess.Popen(
        asked, cwd=HERE, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=limited,
    )  # fmt: skip
    try:
        out, complaint = process.communicate(timeout=limit)
    except BaseException as stopped:
        # Also where the run itself is stopped: nobody would end it any more.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if not isinstance(stopped, subprocess.TimeoutExpired):
            raise
        return {"outcome": f"not finished within {limit:g} seconds"}
    if process.returncode == 0 and out.strip():
        return json.loads(out.strip().splitlines()[-1])
    said = (complaint or out).strip()
    if process.returncode == -signal.SIGKILL or any(word in said for word in OUT_OF_MEMORY):
        return {"outcome": f"did not fit into {memory / 1e9:.0f} GB of memory"}
    last = " ".join(said.splitlines()[-1:])
    if last.startswith(("ModuleNotFoundError", "ImportError")):
        return {"outcome": summary.NOT_INSTALLED}
    return {"outcome": f"failed: {last[:120]}"}


def begin(options: argparse.Namespace, kept: Path) -> list[dict]:
    """Read what was kept, as far as the run goes on from it, and keep that and no more.

    What is forgotten stays in a file beside it, whose name ends in `.before`.
    """
    if not kept.exists():
        return []
    before = kept.with_name(f"{kept.name}.before")
    shutil.copyfile(kept, before)
    if not (options.resume or options.again):
        kept.unlink()
        return []
    day = datetime.date.fromtimestamp(kept.stat().st_mtime).isoformat()
    found = [{"begun": f"{day} or before"} | json.loads(line) for line in _lines(kept)]
    again = set(options.again)

    def stays(one: dict) -> bool:
        # What this run does not ask for is kept as it is.
        simulated = one["task"] == plan.SIMULATION
        if one["task"] not in options.tasks or not (simulated or one["people"] in options.sizes):
            return True
        named = {one["engine"], one["task"], str(one["people"])}
        old = summary.too_few(one) or one["outcome"].startswith("not tried")
        return not (again & named) and not old

    measures = [one for one in found if stays(one)]
    # The rounds of a task are one measurement: where one of them goes, all go.
    gone = {_question(one) for one in found if not stays(one)}
    measures = [one for one in measures if _question(one) not in gone]
    print(f"{len(measures)} results are kept, {len(found) - len(measures)} are measured again.")
    part = kept.with_name(f"{kept.name}.part")
    part.write_text("".join(json.dumps(one) + "\n" for one in measures))
    part.replace(kept)
    return measures


def _lines(kept: Path) -> list[str]:
    """The lines that were written whole: the last one may have been cut short."""
    return [line for line in kept.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _question(one: dict) -> tuple:
    return one["people"], one["task"], one["engine"]


def measure_all(options: argparse.Namespace, kept: Path, load: float) -> list[dict]:
    """Measure every task with every engine and number of people, and keep each result at once."""
    measures = begin(options, kept)
    begun = datetime.datetime.now().isoformat(sep=" ", timespec="minutes")
    noted = {"begun": begun, "limit_seconds": options.limit_seconds, "load": load}
    done = {(one["people"], one["task"], one["engine"], one["round"]) for one in measures}
    memory = int(options.memory_gb * 1e9)
    given = environment(options.threads)
    commands = {engine: command(engine, options.peers) for engine in plan.ENGINES}
    jobs = [(people, task) for people in options.sizes for task in options.tasks]
    if plan.SIMULATION in options.tasks:
        jobs = [job for job in jobs if job[1] != plan.SIMULATION]
        jobs.append((plan.SIMULATED_PEOPLE, plan.SIMULATION))
    for people, task in jobs:
        folder = WORK / f"people_{people}"
        if task != plan.SIMULATION:
            invented.write(people, folder)
        for turn in range(plan.rounds(task, people, options.quick)):
            # Whoever was first is last next time.
            order = list(plan.ENGINES)[turn:] + list(plan.ENGINES)[:turn]
            for engine in order:
                if (people, task, engine, turn) in done:
                    continue
                why = summary.gave_up(measures, engine, task, people, options.limit_seconds)
                if commands[engine] is None:
                    why = summary.NOT_INSTALLED
                if why and turn:
                    continue
                found = {"outcome": why}
                if not why:
                    asked = [*commands[engine], engine, task, str(folder)]
                    rules = (plan.LONG_SECONDS, plan.LEAST_CALLS, plan.SHORT_SECONDS)
                    asked += map(str, (options.call_seconds, *rules))
                    found = ask(asked, options.limit_seconds, memory, given)
                found |= {"people": people, "task": task, "engine": engine, "round": turn} | noted
                measures.append(found)
                with kept.open("a") as file:
                    file.write(json.dumps(found) + "\n")
                if found["outcome"] != summary.NOT_OFFERED:
                    took = found.get("seconds")
                    told = f"{took:.4g} s" if took is not None else found["outcome"]
                    print(f"{people:>10,}  {task:<22} {plan.ENGINES[engine][0]:<26} {told}")
                    sys.stdout.flush()
    return measures


def machine(options: argparse.Namespace, measures: list[dict]) -> list[tuple[str, str]]:
    """Describe the run, the machine and the versions, as rows of a name and a value."""
    rows = [
        *summary.when(measures, options.quick),
        ("processor", _processor()),
        ("cores", str(os.cpu_count())),
        ("memory_gb", f"{memory_of_the_machine() / 1e9:.0f}"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("threads", str(options.threads)),
        ("memory_limit_gb", f"{options.memory_gb:.0f}"),
        ("Python", platform.python_version()),
    ]
    for whose, python in (("ours", sys.executable), ("peers", options.peers)):
        for package in plan.PACKAGES[whose]:
            if version := _version(python, package):
                rows.append((package, version))
    if versions := _r_survival():
        rows += list(zip(("R", "R survival"), versions.split(), strict=True))
    named = dict(reversed(rows))
    return [(name, named[name]) for name in dict.fromkeys(name for name, _ in rows)]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(python: str, package: str) -> str:
    say = f"import importlib.metadata as m; print(m.version({package!r}))"
    if not shutil.which(python):
        return ""
    told = subprocess.run([python, "-c", say], capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else ""


def write(path: Path, head: tuple[str, ...], rows: list) -> None:
    """Write a table of results."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _people(word: str) -> int:
    """Read a number of people; argparse makes a sentence of what is wrong."""
    if not word.isdigit() or int(word) < 100:
        raise argparse.ArgumentTypeError(f"{word} is no number of people: at least 100 are asked")
    return int(word)


def _count(word: str) -> int:
    if not word.isdigit() or not int(word):
        raise argparse.ArgumentTypeError(f"{word} is no number of threads")
    return int(word)


def _positive(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is no number above nought")
    return number


def _kept(word: str) -> str:
    if word not in plan.ENGINES and word not in plan.TASKS and not word.isdigit():
        known = ", ".join((*plan.ENGINES, *plan.TASKS))
        raise argparse.ArgumentTypeError(f"{word} is no number of people and none of {known}")
    return word


def options_of(words: list[str] | None = None) -> argparse.Namespace:
    """Read the options; `--quick` sets what is not said."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=_people, nargs="+", help="numbers of people")
    parser.add_argument("--tasks", nargs="+", help="only these tasks",
                        choices=plan.TASKS)  # fmt: skip
    parser.add_argument("--limit-seconds", type=_positive, help="of a process, reading included")
    parser.add_argument("--call-seconds", type=_positive, help="how long a short call is repeated")
    parser.add_argument("--memory-gb", type=_positive, help="that a process may ask for")
    parser.add_argument("--threads", type=_count, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="two sizes, one round, 20 seconds")
    parser.add_argument("--resume", action="store_true", help="go on where the last run stopped")
    parser.add_argument("--again", nargs="+", type=_kept, default=[], metavar="WHAT",
                        help="go on, but ask these engines, tasks or numbers of people anew; after "
                        "an interruption give --resume alone")  # fmt: skip
    parser.add_argument("--peers", default=str(WORK / "peers" / "bin" / "python"),
                        help="the Python that has the other engines")  # fmt: skip
    parser.add_argument(
        "--output", type=Path, help="folder of the two tables: data/, or _build/bench/ with --quick"
    )
    options = parser.parse_args(words)
    usual = {
        "sizes": plan.SIZES,
        "limit_seconds": plan.LIMIT_SECONDS,
        "call_seconds": plan.CALL_SECONDS,
    }
    for name, value in (plan.QUICK if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.sizes = sorted(options.sizes)
    options.tasks = options.tasks or [*plan.TASKS]
    if options.output and not options.output.is_dir():
        parser.error(f"argument --output: {options.output} is no folder")
    options.output = options.output or (WORK if options.quick else ROOT / "data")
    usual_peers = options.peers == parser.get_default("peers")
    if not usual_peers and not os.access(options.peers, os.X_OK):
        parser.error(f"argument --peers: {options.peers} is no program")
    options.memory_gb = options.memory_gb or MEMORY_SHARE * memory_of_the_machine() / 1e9
    return options


def main() -> None:
    options = options_of()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"This machine is at work already (load {load:.1f}): times will be too long.")
    WORK.mkdir(parents=True, exist_ok=True)
    # A quick run neither writes over a whole one nor goes on from it.
    kept = WORK / ("measures_quick.jsonl" if options.quick else "measures.jsonl")
    # Asked to end, it ends as a stopped command does, and takes what it started with it.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measures = measure_all(options, kept, load)
    except KeyboardInterrupt:
        words = "--quick --resume" if options.quick else "--resume"
        print(f"Stopped. What was measured is kept; 'make bench BENCH=\"{words}\"' goes on.")
        sys.exit(130)
    finally:
        signal.signal(signal.SIGTERM, before)
    rows = summary.table(measures)
    write(
        options.output / "speed_of_engines.csv",
        summary.COLUMNS,
        [[summary.digits(row[name]) for name in summary.COLUMNS] for row in rows],
    )
    write(options.output / "speed_machine.csv", ("item", "value"), machine(options, measures))
    print(f"Wrote speed_of_engines.csv and speed_machine.csv into {options.output}.")
    if options.output == ROOT / "data":
        print("Run 'distance-to-care describe' next.")


if __name__ == "__main__":
    main()
