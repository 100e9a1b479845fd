"""From measurements to the table of results: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answers import largest_difference
from plan import ENGINES, OF_TABLES, OURS, SECOND_WAYS

COLUMNS = (
    "people", "task", "engine", "outcome", "seconds", "first_seconds", "calls", "memory_mb",
    "process_mb", "estimate_difference", "error_difference",
)  # fmt: skip
MEASURED, NOT_OFFERED, NOT_INSTALLED = "measured", "not offered", "not installed"
# Who gave up for one of these at a size is not tried with more people.
ENDS = ("not finished", "did not fit", "not tried", NOT_OFFERED, NOT_INSTALLED)


def gave_up(measures: Sequence[Mapping], engine: str, task: str, people: int) -> str:
    """Say why an engine is not tried with so many people; empty where it is."""
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
    return ""


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


def digits(value: object) -> str:
    """Write a value into a table: numbers with four digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)
