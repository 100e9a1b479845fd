"""One measurement, in a process of its own: `measured.py ENGINE TASK FOLDER SECONDS`.

Prints one line of JSON: seconds of the first call and of the fastest one, the memory that the
first call took beyond imports and data, the most that the process ever held, and the answers.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import plan
from invented import Invented

CALLS = 50  # enough of a call of a millisecond
MEGABYTE = 1e6
UNIT = 1024 if sys.platform != "darwin" else 1  # of ru_maxrss


def _forget_the_peak() -> None:
    """Let the highest memory count from here on, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def another(took: list[float], since_first: float, seconds: float) -> bool:
    """Say whether one more call is made.

    took : seconds of the calls so far. since_first : seconds since the first call ended, which
    loads what later ones find loaded, and so never stands alone where a call is short.
    seconds : as for `measure`.
    """
    if len(took) >= CALLS or took[0] >= plan.LONG_SECONDS:
        return False
    few = len(took) < plan.LEAST_CALLS and min(took) < plan.SHORT_SECONDS
    return len(took) == 1 or few or since_first < seconds


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / MEGABYTE


def measure(engine: str, task: str, folder: str, seconds: float) -> dict:
    """Ask one engine one thing.

    seconds : after so many from the end of the first call short calls are no more repeated.
    Returns `outcome` (`measured`, or `not offered`), `first_seconds`, `seconds` (the fastest call),
    `calls`, `memory_mb`, `process_mb` and `answers`.
    """
    asked = importlib.import_module(f"asked_{engine}")
    if not hasattr(asked, task):
        return {"outcome": "not offered"}
    # A long loop may be asked for a part only, and says how many parts make the whole.
    call, answered, *parts = getattr(asked, task)(Invented(folder))
    times = parts[0] if parts else 1
    gc.collect()
    _forget_the_peak()
    before, started = _peak_mb(), time.perf_counter()
    found = call()
    took = [time.perf_counter() - started]
    peak, first_ended = _peak_mb(), time.perf_counter()
    while another(took, time.perf_counter() - first_ended, seconds):
        again = time.perf_counter()
        found = call()
        took.append(time.perf_counter() - again)
    return {
        "outcome": "measured",
        "first_seconds": took[0] * times,
        "seconds": min(took) * times,
        "calls": len(took),
        "memory_mb": peak - before,
        "process_mb": peak,
        "answers": answered(found),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(measure(*sys.argv[1:4], float(sys.argv[4]))))
