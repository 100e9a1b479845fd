"""From measurements to the table of results: pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from answers import largest_difference
from plan import (
    ENGINES,
    LEAST_CALLS,
    LONG_SECONDS,
    OF_TABLES,
    OURS,
    SECOND_WAYS,
    SHORT_SECONDS,
    SIMULATION,
)

COLUMNS = (
    "people", "task", "engine", "outcome", "seconds", "first_seconds", "calls", "memory_mb",
    "process_mb", "estimate_difference", "error_difference",
)  # fmt: skip
MEASURED, NOT_OFFERED, NOT_INSTALLED = "measured", "not offered", "not installed"
NOT_ASKED = (NOT_OFFERED, NOT_INSTALLED, "not tried")
# Who gave up for one of these at a size is not tried with more people.
ENDS = ("not finished", "did not fit", "not tried", NOT_OFFERED, NOT_INSTALLED)


def gave_up(
    measures: Sequence[Mapping], engine: str, task: str, people: int, limit: float = math.inf
) -> str:
    """Say why an engine is not tried with so many people; empty where it is.

    limit : seconds; who would take longer, as its times grew so far, is not tried.
    """
    for one in measures:
        if (one["engine"], one["task"]) != (engine, task) or one["people"] > people:
            continue
        outcome = one["outcome"]
        if outcome in (NOT_OFFERED, NOT_INSTALLED):
            return outcome
        if outcome.startswith(ENDS):
            if one["people"] == people or outcome.startswith("not tried"):
                return outcome
            return f"not tried: {outcome} with {one['people']:,} people"
    fastest: dict[int, float] = {}
    for one in measures:
        if (one["engine"], one["task"], one["outcome"]) == (engine, task, MEASURED):
            size = one["people"]
            fastest[size] = min(one["seconds"], fastest.get(size, math.inf))
    sizes = sorted(size for size in fastest if size < people)[-2:]
    if people in fastest or len(sizes) < 2:
        return ""
    fewer, most = sizes
    # As a power of the number of people, which is at least nought: noise may make it less.
    growth = max(0.0, math.log(fastest[most] / fastest[fewer]) / math.log(most / fewer))
    expected = fastest[most] * (people / most) ** growth
    if expected <= limit:
        return ""
    return (
        f"not tried: took {fastest[most]:.0f} s with {most:,} people and would take about "
        f"{expected:.0f} s, where {limit:g} s are given"
    )


def too_few(one: Mapping) -> bool:
    """Say whether a measurement has fewer calls than are made now (a simulation always has)."""
    if one["outcome"] != MEASURED or one["task"] == SIMULATION:
        return False
    alone = one["calls"] == 1 and one["first_seconds"] < LONG_SECONDS
    return alone or (one["calls"] < LEAST_CALLS and one["seconds"] < SHORT_SECONDS)


def table(measures: Sequence[Mapping]) -> list[dict]:
    """Summarise measurements: one row a number of people, task and engine.

    measures : as `measured.measure` returns them, with `people`, `task`, `engine`, `round`.
    Returns rows of COLUMNS: seconds of the fastest call of all, of the fastest first call of a
    process, the most memory, and the largest differences from this package's answers (None where
    there is none to compare). Who does not offer a task has a row that says so, but not where it is
    a second way of asking, or a task that few offer.
    """
    groups: dict[tuple, list[Mapping]] = {}
    for one in measures:
        groups.setdefault((one["people"], one["task"], one["engine"]), []).append(one)
    rows = []
    for (people, task, engine), found in groups.items():
        done = [one for one in found if one["outcome"] == MEASURED]
        # One process that failed among others is told: its engine is not to be relied on.
        failed = [one["outcome"] for one in found if one["outcome"] != MEASURED]
        if NOT_OFFERED in failed and (engine in SECOND_WAYS or task not in OF_TABLES):
            continue
        row = dict.fromkeys(COLUMNS) | {"people": people, "task": task}
        row |= {"engine": ENGINES[engine][0], "outcome": failed[0] if failed else MEASURED}
        if done and not failed:
            row |= {name: min(one[name] for one in done) for name in ("seconds", "first_seconds")}
            row |= {name: max(one[name] for one in done) for name in ("memory_mb", "process_mb")}
            row["calls"] = sum(one["calls"] for one in done)
            own = _reference(groups, people, task)
            if own and engine != OURS:
                differences = largest_difference(own, done[0]["answers"])
                row["estimate_difference"], row["error_difference"] = differences
        rows.append(row)
    order = list(ENGINES.values())
    place = {name: at for at, (name, _) in enumerate(order)}
    return sorted(rows, key=lambda row: (row["people"], row["task"], place[row["engine"]]))


def _reference(groups: Mapping[tuple, Sequence[Mapping]], people: int, task: str):
    """This package's answers to the task: to the same people as a table, where it is a file."""
    for name in (task, task.replace("_of_a_file", "_efron")):
        for one in groups.get((people, name, OURS), ()):
            if one["outcome"] == MEASURED:
                return one["answers"]
    return None


def when(measures: Sequence[Mapping], quick: bool) -> list[tuple[str, str]]:
    """Say what was asked when and with which limits, as rows of a name and a value.

    measures : each with `begun` (when its part of the run began, in words), and where that was
    noted `limit_seconds` and `load` (processors at work on something else when it began).
    """
    asked = [one for one in measures if not one["outcome"].startswith(NOT_ASKED)]
    parts = sorted({one["begun"] for one in asked}, key=_in_time)
    limits = {one["limit_seconds"] for one in asked if "limit_seconds" in one}
    ended = [re.match(r"not finished within (\S+) seconds", one["outcome"]) for one in asked]
    limits |= {float(end[1]) for end in ended if end}
    noted = {one["begun"]: one["load"] for one in asked if "load" in one}
    loads = [f"{noted[part]:.1f}" if part in noted else "not noted" for part in parts]
    rows = [
        ("date", _from_to([part[:10] for part in parts])),
        ("run", f"{'quick, ' * quick}in {_counted(parts)}, begun {', '.join(parts)}"),
        ("limit_seconds", _from_to([f"{limit:g}" for limit in sorted(limits)])),
        ("other_work_before", ", ".join(loads)),
    ]
    for engine, (name, _) in ENGINES.items():
        own = [one["begun"] for one in asked if one["engine"] == engine]
        told = [
            f"{own.count(part)} in the part begun {part}" for part in sorted(set(own), key=_in_time)
        ]
        if told:
            rows.append((f"processes of {name}", ", ".join(told)))
    return rows


def _in_time(begun: str) -> tuple[str, bool, str]:
    """Put `DAY or before` before `DAY TIME`."""
    return begun[:10], "before" not in begun, begun


def _counted(parts: Sequence[str]) -> str:
    return "one part" if len(parts) == 1 else f"{len(parts)} parts"


def _from_to(values: Sequence[str]) -> str:
    return " to ".join(dict.fromkeys([values[0], values[-1]])) if values else ""


def digits(value: object) -> str:
    """Write a value into a table: numbers with four digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)
