"""Survival engines timed beside one another: ratios, and what was set out to be reached.

The times were measured once by `make bench` and are read as a table; nothing is timed here. A ratio
is the time of an engine over that of this package's public function, both asked in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

OURS, ARRAYS = "this package", "this package, arrays"
READERS = "pandas", "pyarrow"  # into a table, and as the columns lie in memory
MEASURED = "measured"
NOT_MEASURED = "not measured"
# Tasks as the table of times has them, and in words.
TASKS = {
    "kaplan_meier": "Kaplan-Meier curves of five groups",
    "log_rank": "log-rank test",
    "cox_efron": "Cox model, ties after Efron",
    "cox_breslow": "Cox model, ties after Breslow",
    "cox_robust": "Cox model, robust errors",
    "cox_clustered": "Cox model, clustered errors",
    "proportional_hazards": "Cox model with test of proportional hazards",
    "cumulative_incidence": "cumulative incidence, two causes",
    "restricted_mean": "restricted means of five groups",
    "read_columns": "reading the columns of a file",
    "curves_of_a_file": "from a file to Kaplan-Meier curves",
    "cox_of_a_file": "from a file to hazard ratios",
    "simulation": "1,000 cohorts simulated and fitted",
}
# What `make speed` measures, in words.
STEPS = {
    "run": "when and how it was measured",
    "plain": "plain jupyter-book, everything anew",
    "cold": "this book, everything anew",
    "unchanged": "this book, nothing changed",
    "one_changed": "this book, one notebook changed",
    "ratio": "everything anew: this book over plain jupyter-book",
    "kernels": "kernels that are started when everything is made anew",
    "libraries_once": "first kernel, with the libraries imported once for all",
    "kernel_forked": "each further kernel, until it has imported the package",
    "kernel_started": "a kernel as Jupyter starts it, until it has imported the package",
    "slowest_notebook": "one of the slowest notebooks",
}
# Per person, as many times as long with four times as many people is still called linear.
LINEAR = 1.5
LARGE = 240_000
# Answers that differ by less, relatively, are called the same.
ALIKE = 1e-4


def beside_this_package(timed: pd.DataFrame) -> pd.DataFrame:
    """Set every engine beside this package: how many times as long it takes for the same task.

    Parameters
    ----------
    timed : one row a number of people, task and engine, as `make bench` writes it: `people`,
        `task`, `engine`, `outcome`, `seconds`, `memory_mb`, `estimate_difference`,
        `error_difference`.

    Returns
    -------
    The rows of every engine that offers the task: `measure` (the task in words), `engine`, `value`
    (people), `seconds`, `times_as_long` (empty where either did not finish), `memory_mb`,
    `difference` and `error_difference` (the largest relative difference from this package's
    estimates and standard errors), `note` (why there is no time).
    """
    found = timed[timed["outcome"] != "not offered"].copy()
    own = found[found["engine"] == OURS].set_index(["people", "task"])["seconds"]
    reference = own.reindex(pd.MultiIndex.from_frame(found[["people", "task"]])).to_numpy(float)
    seconds = found["seconds"].to_numpy(float)
    return pd.DataFrame(
        {
            "measure": found["task"].map(TASKS),
            "engine": found["engine"],
            "value": found["people"].astype(float),
            "seconds": seconds,
            "times_as_long": seconds / reference,
            "memory_mb": found["memory_mb"].astype(float),
            "difference": found["estimate_difference"].astype(float),
            "error_difference": found["error_difference"].astype(float),
            "note": found["outcome"].where(found["outcome"] != MEASURED, ""),
        }
    ).reset_index(drop=True)


@dataclass(frozen=True)
class _Times:
    """Looks a time up, in seconds; not a number where it was not measured."""

    timed: pd.DataFrame

    def of(self, task: str, people: int, engine: str = OURS, column: str = "seconds") -> float:
        rows = self._rows(task, people)
        rows = rows.loc[rows["engine"] == engine, column]
        return float(rows.iloc[0]) if len(rows) == 1 else np.nan

    def fastest_other(self, task: str, people: int) -> float:
        rows = self._rows(task, people)
        own = rows["engine"].isin([OURS, ARRAYS])
        return float(rows.loc[~own, "seconds"].min()) if (~own).any() else np.nan

    def _rows(self, task: str, people: int) -> pd.DataFrame:
        timed = self.timed
        fits = (timed["task"] == task) & (timed["people"] == people)
        return timed[fits & (timed["outcome"] == MEASURED)]

    def sizes(self, task: str) -> list[int]:
        timed = self.timed
        fits = (timed["task"] == task) & (timed["engine"] == OURS)
        return sorted(timed.loc[fits & (timed["outcome"] == MEASURED), "people"].unique())


def _linear(times: _Times) -> float:
    """The most that the time a person grows from one size to the next, of large ones."""
    sizes = [size for size in times.sizes("cox_robust") if size >= LARGE]
    a_person = [times.of("cox_robust", size) / size for size in sizes]
    return max((b / a for a, b in zip(a_person, a_person[1:], strict=False)), default=np.nan)


def _test_over_fit(times: _Times) -> float:
    """The longest that the test takes, without its fit, over the fit, at any large size."""
    sizes = [size for size in times.sizes("proportional_hazards") if size >= LARGE]
    fits = [times.of("cox_efron", size) for size in sizes]
    both = [times.of("proportional_hazards", size) for size in sizes]
    return max((b / f - 1 for b, f in zip(both, fits, strict=True)), default=np.nan)


def _over_reading(times: _Times, reader: str, column: str) -> float:
    """The time from a file to hazard ratios over that of reading it."""
    tasks = {"cox_of_a_file": OURS, "read_columns": reader}
    took, read = (times.of(t, 10_000_000, e, column) for t, e in tasks.items())
    return took / read


# A file is read once, so that first calls are what its user waits for; code is compared by others.
_OF_THE_FILE = (
    ("file_time", READERS[0], "into a table", "first_seconds", "first calls"),
    ("file_time_columns", READERS[1], "without making a table", "first_seconds", "first calls"),
    ("file_again", READERS[0], "into a table", "seconds", "fastest calls"),
    ("file_again_columns", READERS[1], "without making a table", "seconds", "fastest calls"),
)
# What was set out to be reached: a name, in words, unit, the least or the most, and how it is read.
_Target = tuple[str, str, str, float, bool, Callable[[_Times], float]]
_TARGETS: tuple[_Target, ...] = (
    ("small_fit", "Cox model of 2,359 people, arrays: our time over the fastest other engine's",
     "ratio", 1 / 3, True,
     lambda t: t.of("cox_efron", 2_359, ARRAYS) / t.fastest_other("cox_efron", 2_359)),
    ("middle_fit", "Cox model of 24,000 people, arrays: our time over the fastest other engine's",
     "ratio", 1 / 2, True,
     lambda t: t.of("cox_efron", 24_000, ARRAYS) / t.fastest_other("cox_efron", 24_000)),
    ("million_lifelines", "Cox model of 1,000,000 people: time of lifelines over ours",
     "ratio", 20, False,
     lambda t: t.of("cox_efron", 1_000_000, "lifelines") / t.of("cox_efron", 1_000_000)),
    ("million_fastest", "Cox model of 1,000,000 people: our time over the fastest other engine's",
     "ratio", 1, True,
     lambda t: t.of("cox_efron", 1_000_000) / t.fastest_other("cox_efron", 1_000_000)),
    *(
        (name, f"10,000,000 people, file to hazard ratios: time over that of reading the columns "
         f"{how} ({calls})", "ratio", 2.5, True,
         lambda t, reader=reader, column=column: _over_reading(t, reader, column))
        for name, reader, how, column, calls in _OF_THE_FILE
    ),
    ("file_memory", "10,000,000 people, file to hazard ratios: most memory of the process",
     "megabytes", 2_500, True,
     lambda t: t.of("cox_of_a_file", 10_000_000, column="process_mb")),
    ("robust_linear", "Robust errors: growth of the time a person from one size to the next, from "
     "240,000 people", "ratio", LINEAR, True, _linear),
    ("test_over_fit", "Test of proportional hazards: its time over that of the fit, from 240,000 "
     "people", "ratio", 1, True, _test_over_fit),
    ("simulation", "1,000 cohorts simulated and fitted: time of lifelines over ours",
     "ratio", 100, False,
     lambda t: t.of("simulation", 2_400, "lifelines") / t.of("simulation", 2_400)),
)  # fmt: skip


def targets(timed: pd.DataFrame) -> pd.DataFrame:
    """Hold the times against what was set out to be reached.

    Parameters
    ----------
    timed : as for `beside_this_package`, with `process_mb`.

    Returns
    -------
    One row a target: `measure` (in words), `term` (its name), `estimate` (what was measured; empty
    where the run did not measure it), `unit`, `low` or `high` (the least or the most that it may
    be), `verdict` (`pass`, `fail` or `not measured`).
    """
    times, rows = _Times(timed), []
    for name, words, unit, bar, most, read in _TARGETS:
        value = read(times)
        passed = value <= bar if most else value >= bar
        verdict = NOT_MEASURED if np.isnan(value) else "pass" if passed else "fail"
        ends = {"low": np.nan if most else float(bar), "high": float(bar) if most else np.nan}
        rows.append(
            {"measure": words, "term": name, "estimate": value, "unit": unit, **ends}
            | {"verdict": verdict}
        )
    return pd.DataFrame(rows)


def verdicts(held: pd.DataFrame) -> pd.DataFrame:
    """Count how many targets were reached, missed, and not measured.

    Parameters
    ----------
    held : as `targets` returns it.

    Returns
    -------
    One row a verdict: `term` and `verdict` (`all`, `pass`, `fail`, `not measured`), `answers`
    (how many).
    """
    counted = held["verdict"].value_counts()
    names = ["all", "pass", "fail", NOT_MEASURED]
    answers = [len(held), *(int(counted.get(name, 0)) for name in names[1:])]
    return pd.DataFrame({"term": names, "verdict": names, "answers": answers})


def summary(beside: pd.DataFrame) -> pd.DataFrame:
    """Say for each engine how much slower than this package it is, and how far its answers are.

    Parameters
    ----------
    beside : as `beside_this_package` returns it.

    Returns
    -------
    One row an engine other than this package's: `engine`, `answers` (tasks and sizes compared),
    `estimate` (the geometric mean of how many times as long it takes), `low`, `high` (the least and
    the most), `unit`.
    """
    others = beside[~beside["engine"].isin([OURS, ARRAYS, *READERS])].dropna(subset="times_as_long")
    rows = []
    for engine, own in others.groupby("engine", sort=True):
        logs = np.log(own["times_as_long"])
        rows.append(
            {
                "engine": engine,
                "answers": len(own),
                "estimate": float(np.exp(logs.mean())),
                "low": float(own["times_as_long"].min()),
                "high": float(own["times_as_long"].max()),
                "unit": "times as long as this package",
            }
        )
    return pd.DataFrame(rows)


def first_calls(timed: pd.DataFrame) -> pd.DataFrame:
    """Say how long each engine's first call takes beyond later ones: it loads what they find.

    Parameters
    ----------
    timed : as for `beside_this_package`, with `first_seconds`.

    Returns
    -------
    One row an engine, over the questions about the fewest people: `engine`, `answers` (questions),
    `estimate`, `low`, `high` (the middle one, the least and the most seconds), `unit`.
    """
    fewest = timed[(timed["people"] == timed["people"].min()) & (timed["outcome"] == MEASURED)]
    fewest = fewest[~fewest["engine"].isin(READERS)]
    rows = []
    for engine, own in fewest.groupby("engine", sort=True):
        more = own["first_seconds"] - own["seconds"]
        ends = {"low": float(more.min()), "high": float(more.max())}
        rows.append(
            {"engine": engine, "answers": len(own), "estimate": float(more.median())}
            | ends
            | {"unit": "seconds more than the fastest call"}
        )
    return pd.DataFrame(rows)


def agreement(beside: pd.DataFrame) -> pd.DataFrame:
    """Say of each engine whether its answers are this package's.

    Parameters
    ----------
    beside : as `beside_this_package` returns it.

    Returns
    -------
    One row an engine other than this package's, and first one of all of them (`engine` is `all`):
    `answers` (questions whose answers were compared; of `all` the engines), `difference` and
    `error_difference` (the largest relative ones of estimates and of standard errors), `verdict`
    (`pass` where none is above ALIKE, else `fail`; of `all` how many pass, in `estimate`), `note`
    (the questions with larger ones; of `all` the engines that have any).
    """
    compared = beside.dropna(subset="difference")
    compared = compared[~compared["engine"].isin([OURS, ARRAYS, *READERS])]
    rows = []
    for engine, own in compared.groupby("engine", sort=True):
        apart = (own["difference"] > ALIKE) | (own["error_difference"] > ALIKE)
        rows.append(
            {
                "engine": engine,
                "answers": len(own),
                "estimate": float(not apart.any()),
                "difference": own["difference"].max(),
                "error_difference": own["error_difference"].max(),
                "verdict": "fail" if apart.any() else "pass",
                "note": "; ".join(dict.fromkeys(own.loc[apart, "measure"])),
            }
        )
    found = pd.DataFrame(rows)
    # A bare fit is no other engine.
    whole = found[~found["engine"].str.endswith("bare fit")]
    apart = whole[whole["verdict"] == "fail"]
    everybody = {
        "engine": "all",
        "answers": len(whole),
        "estimate": float(whole["estimate"].sum()),
        "difference": whole["difference"].max(),
        "error_difference": whole["error_difference"].max(),
        "verdict": "fail" if len(apart) else "pass",
        "note": " and ".join(apart["engine"]) or "none",
    }
    return pd.concat([pd.DataFrame([everybody]), found], ignore_index=True)


def building(built: pd.DataFrame) -> pd.DataFrame:
    """Put what building the book takes into words.

    Parameters
    ----------
    built : `item`, `about`, `estimate`, `low`, `high`, `unit`, as `make speed` writes them.

    Returns
    -------
    One row an item that was measured: `measure` (in words, with the notebook that it is about),
    `term` (the item; a notebook's with its name), `estimate`, `low`, `high`, `unit`, `note` (of
    `run`: when and how it was measured).
    """
    about = built["about"].fillna("").astype(str)
    named = about.where(built["estimate"].notna(), "")
    suffix = (": " + named).where(named != "", "")
    return pd.DataFrame(
        {
            "measure": built["item"].map(STEPS) + suffix,
            "term": built["item"] + suffix,
            "estimate": built["estimate"].astype(float),
            "low": built["low"].astype(float),
            "high": built["high"].astype(float),
            "unit": built["unit"].fillna(""),
            "note": about.where(built["estimate"].isna(), ""),
        }
    )


def machine(described: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    """Put the machine and the versions of a run into a table.

    Parameters
    ----------
    described : `item` and `value`, as `make bench` writes them.
    words : items that are said in other words.

    Returns
    -------
    One row an item: `measure` (what it is), `term` (its name), `note` (its value).
    """
    return pd.DataFrame(
        {
            "measure": [words.get(item, item) for item in described["item"]],
            "term": described["item"],
            "note": described["value"].astype(str),
        }
    )
