"""Release the small work folder many times and kill each run: run as a program, answers in JSON.

One process imports the package once and forks a child for each run, so that twenty runs take
seconds. `python release_crashes.py WORK PARENT moments RUNS SEED` kills at random moments;
`python release_crashes.py WORK PARENT steps STRIDE` kills before every STRIDE-th thing that a run
does to the disk, from the first to the last.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from distance_to_care import releasing

STEPS = {"open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "os.scandir", "os.listdir"}


def child(work: Path, target: Path, last_step: int | None = None) -> int:
    """Start a release in a process of its own and return the number of the process.

    With `last_step` the process kills itself before that step on the disk beside `target`.
    """
    process = os.fork()
    if process:
        return process
    steps = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal steps
        if event in STEPS and "-staging-" in str(arguments[0]):
            steps += 1
            if steps == last_step:
                os.kill(os.getpid(), signal.SIGKILL)

    if last_step is not None:
        sys.addaudithook(watch)
    try:
        releasing.release(work, target, date="2026-05-31", first=True)
    finally:
        os._exit(0)


def told(process: int, target: Path) -> dict:
    """Wait for a process and say what it left."""
    _, status = os.waitpid(process, 0)
    there = os.path.lexists(target)
    left = [path for path in target.parent.iterdir() if path.name.startswith(f".{target.name}-")]
    return {
        "killed": os.WIFSIGNALED(status),
        "there": there,
        "faults": releasing.faults(target) if there else [],
        "left": len(left),
    }


def moments(work: Path, parent: Path, runs: int, seed: int) -> Iterator[dict]:
    """Kill runs at moments spread over the time that one whole run takes."""
    chance = random.Random(seed)
    began = time.perf_counter()
    os.waitpid(child(work, parent / "measured"), 0)
    lasts = time.perf_counter() - began
    for number in range(runs):
        target = parent / f"release_{number}"
        process = child(work, target)
        time.sleep(chance.uniform(0, lasts))
        os.kill(process, signal.SIGKILL)
        yield told(process, target)


def steps(work: Path, parent: Path, stride: int) -> Iterator[dict]:
    """Kill runs before their steps on the disk, until a run comes to its end."""
    killed, step = True, 1
    while killed:
        target = parent / f"release_{step}"
        run = told(child(work, target, step), target)
        killed = run["killed"]
        step += stride
        yield run


if __name__ == "__main__":
    way = {"moments": moments, "steps": steps}[sys.argv[3]]
    found = way(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[4:]))
    sys.stdout.write(json.dumps(list(found)))
