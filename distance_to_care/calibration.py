"""Finds the generating parameters for which synthetic people show the published figures.

`python -m distance_to_care.calibration --people 1000000` prints every target and what was reached;
with `--write` the numbers found replace those of status "calibrated" in the parameters file.
The same random numbers are used for every trial value (common random numbers), so that Newton's
method sees the parameters' effect and not the noise of the draw.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import cohort, places, synthetic, tables
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival
from distance_to_care.study import Study

REFERENCE = {"deprivation_quintile": 5, "distance_quintile": 1}
TRIAL_PEOPLE = 200_000  # enough to learn how the targets answer to the parameters
STEPS = 4  # Newton steps; the targets answer almost straight, so three suffice


def log_hazard_ratios(matrix: np.ndarray, years: np.ndarray, died: np.ndarray) -> np.ndarray:
    """Estimate Cox log hazard ratios fast, by Newton's method on cumulative sums.

    Parameters
    ----------
    matrix : people x columns, numbers without missing values.
    years, died : follow-up (years) and whether it ended in death.

    Returns the log hazard ratio of each column. Ties are handled after Breslow: with a million
    people and times to four decimals the difference from Efron is far below a per mille. lifelines
    (`referee`) has the last word.
    """
    order = np.argsort(-years, kind="stable")
    x = matrix[order] - matrix.mean(axis=0)
    time, event = years[order], died[order].astype(float)
    # Longest follow-up first: the risk set of a time is everybody up to its last tied person.
    last = np.searchsorted(-time, -time, side="right") - 1
    found = np.zeros(x.shape[1])
    for _ in range(25):
        weight = np.exp(x @ found)
        at_risk = np.cumsum(weight)[last]
        mean = np.cumsum(x * weight[:, None], axis=0)[last] / at_risk[:, None]
        score = ((x - mean) * event[:, None]).sum(axis=0)
        # Each person's share in the cumulative hazard up to their own last day.
        hazard = np.cumsum((event / at_risk)[::-1])[::-1]
        first = np.searchsorted(-time, -time, side="left")
        lived = weight * hazard[first]
        information = (x * lived[:, None]).T @ x - (mean * event[:, None]).T @ mean
        step = np.linalg.solve(information, score)
        found = found + step
        if np.abs(step).max() < 1e-8:
            return found
    raise Problem("The Cox model of the calibration did not settle. Look at the parameters.")


def fast(people: pd.DataFrame, terms: Sequence[str]) -> dict[tuple[str, str], float]:
    """Fit a Cox model fast. Returns (term, group) -> hazard ratio; complete cases."""
    matrix, contrasts = cohort_survival.design(people, terms, REFERENCE)
    rows = people.loc[matrix.index]
    found = log_hazard_ratios(
        matrix.to_numpy(float),
        rows["follow_up_years"].to_numpy(),
        (rows["outcome"] == "died").to_numpy(),
    )
    keys = zip(contrasts["term"], contrasts["group"], strict=True)
    return dict(zip(keys, np.exp(found).tolist(), strict=True))


def referee(people: pd.DataFrame, terms: Sequence[str]) -> dict[tuple[str, str], float]:
    """Fit the same model with lifelines, slowly. Returns (term, group) -> hazard ratio."""
    table = cohort_survival.cox(people, terms, "referee", REFERENCE)
    keys = zip(table["term"], table["group"], strict=True)
    return dict(zip(keys, table["estimate"].tolist(), strict=True))


def hazard_ratios(
    people: pd.DataFrame, parameters: Mapping[str, Any], study: Study, fit: Callable = fast
) -> dict[str, float]:
    """Estimate the hazard ratio of every target that is one.

    Parameters
    ----------
    people : the cohort contract with `distance_quintile` and the scores (`cohort.prepare`).
    parameters, study : the targets, and the adjustments that they name.
    fit : `fast` or `referee`.

    Returns target name -> hazard ratio. A model that two targets share is fitted once.
    """
    models: dict[tuple[str, ...], dict[tuple[str, str], float]] = {}
    found = {}
    for name, target in _targets(parameters, hazard_ratio=True).items():
        terms = tuple(sorted(_terms(target, study)))
        if terms not in models:
            models[terms] = fit(people, terms)
        found[name] = models[terms][target["column"], cohort_survival.label(target["level"])]
    return found


def reached(
    people: int,
    seeds: Sequence[int],
    parameters: Mapping[str, Any],
    population: pd.DataFrame,
    study: Study,
) -> dict[str, float]:
    """Draw people for each seed and average what every target comes to (ratios on the log scale).

    The scores are worked out from complete values: who lacks a part of a score, lacks the score.
    Returns target name -> value.
    """
    found: dict[str, list[float]] = {name: [] for name in parameters["targets"]}
    for seed in seeds:
        drawn = synthetic.draw(people, seed, parameters, population, study)
        prepared = cohort.prepare(drawn, study)
        for name, target in _targets(parameters, hazard_ratio=False).items():
            found[name].append(synthetic.statistic(prepared, target))
        for name, ratio in hazard_ratios(prepared, parameters, study).items():
            found[name].append(float(np.log(ratio)))
    logged = _targets(parameters, hazard_ratio=True)
    return {
        name: float(np.exp(np.mean(values)) if name in logged else np.mean(values))
        for name, values in found.items()
    }


def calibrate(
    people: int,
    seeds: Sequence[int],
    parameters: Mapping[str, Any],
    population: pd.DataFrame,
    study: Study,
) -> dict[str, float]:
    """Solve for the calibrated parameters by Newton's method with common random numbers.

    The slopes are learnt once, from fewer people and one small change of each parameter.
    Returns parameter path -> value, rounded to the digits that the file keeps.
    """
    answers = dict(parameters["calibration"])
    paths = list(answers)
    entries = {path: _entry(parameters, path) for path in paths}
    values = np.array([float(entries[path]["value"]) for path in paths])

    def distance_from_targets(now: np.ndarray, size: int, some: Sequence[int]) -> np.ndarray:
        trial = synthetic.changed(parameters, dict(zip(paths, now.tolist(), strict=True)))
        got = reached(size, some, trial, population, study)
        return np.array(
            [np.log(got[name] / parameters["targets"][name]["value"]) for name in answers.values()]
        )

    few = min(people, TRIAL_PEOPLE)
    start = distance_from_targets(values, few, seeds[:1])
    slopes = np.empty((len(paths), len(paths)))
    for place, path in enumerate(paths):
        change = 0.1 * (entries[path]["high"] - entries[path]["low"])
        moved = values.copy()
        moved[place] += change
        slopes[:, place] = (distance_from_targets(moved, few, seeds[:1]) - start) / change
    away = start
    for step in range(STEPS):
        values = values - np.linalg.solve(slopes, away)
        if step < STEPS - 1:
            # The first step corrects the starting values among few people, the others among all.
            size, some = (few, seeds[:1]) if step == 0 else (people, seeds)
            away = distance_from_targets(values, size, some)
    return {path: _tidy(value) for path, value in zip(paths, values.tolist(), strict=True)}


def report(found: Mapping[str, float], parameters: Mapping[str, Any]) -> pd.DataFrame:
    """Table of every target: `measure`, `target`, `low`, `high`, `reached`, `unit`, `status`."""
    rows = [
        {
            "measure": target["meaning"],
            "target": target["value"],
            "low": target["low"],
            "high": target["high"],
            "reached": round(found[name], 4),
            "unit": target["unit"],
            "status": target["status"],
        }
        for name, target in parameters["targets"].items()
    ]
    return pd.DataFrame(rows)


def rewritten(text: str, values: Mapping[str, float]) -> str:
    """Put values into the text of a parameters file, changing nothing else."""
    lines, section, left = [], "", set(values)
    for line in text.splitlines():
        header = re.fullmatch(r"\[([^\]]+)\]\s*", line)
        key = re.match(r"(\w+) = \{", line)
        if header:
            section = header[1]
        elif key and f"{section}.{key[1]}" in values:
            path = f"{section}.{key[1]}"
            line = re.sub(r"\bvalue = [-+0-9.eE]+", f"value = {values[path]!r}", line, count=1)
            left.discard(path)
        lines.append(line)
    if left:
        raise Problem(f"The parameters file has no line for {', '.join(sorted(left))}.")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate, print the targets and what was reached; write the values only when asked."""
    parser = argparse.ArgumentParser(
        prog="python -m distance_to_care.calibration", description=__doc__
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="people in each draw")
    parser.add_argument("--draws", type=int, default=10, help="seeds to average over")
    parser.add_argument("--study", default=None, help="name of the study")
    parser.add_argument("--only-check", action="store_true", help="report, look for no new values")
    parser.add_argument("--write", action="store_true", help="write the values into the file")
    options = parser.parse_args(arguments)
    study = tables.read_study(options.study)
    parameters = tables.read_parameters(study.name)
    population = tables.read("population_aged_50_plus")
    first = int(parameters["cohort"]["seed"]["value"])
    seeds = [first + extra for extra in range(options.draws)]
    if not options.only_check:
        values = calibrate(options.people, seeds, parameters, population, study)
        print("Values found:", flush=True)
        for path, value in values.items():
            print(f"  {path} = {value}", flush=True)
        parameters = synthetic.changed(parameters, values)
    print(f"\nAverage of {options.draws} draws of {options.people:,} people:")
    found = reached(options.people, seeds, parameters, population, study)
    print(report(found, parameters).to_string(index=False), flush=True)
    people = synthetic.draw(options.people, first, parameters, population, study)
    print("\nHazard ratios of the default seed, by lifelines:")
    prepared = cohort.prepare(people, study)
    for name, ratio in hazard_ratios(prepared, parameters, study, referee).items():
        target = parameters["targets"][name]
        print(f"  {target['meaning']}: {ratio:.4f} (target {target['value']})")
    if options.write and not options.only_check:
        path = places.STUDIES / f"{study.name}_parameters.toml"
        _replace(path, rewritten(path.read_text(encoding="utf-8"), values))
        print(f"\nWritten to {path.name}.")
    return 0


def _targets(parameters: Mapping[str, Any], hazard_ratio: bool) -> dict[str, Any]:
    return {
        name: target
        for name, target in parameters["targets"].items()
        if (target["statistic"] == "hazard_ratio") == hazard_ratio
    }


def _terms(target: Mapping[str, Any], study: Study) -> list[str]:
    """The exposure of a target and what its model adjusts for."""
    adjustment = target.get("adjustment")
    others = study.adjustment(adjustment, target["column"]) if adjustment else ()
    return [target["column"], *others]


def _entry(parameters: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    entry: Any = parameters
    for key in path.split("."):
        entry = entry[key]
    return entry


def _tidy(value: float) -> float:
    """Round to four significant digits: the file should be readable, the truth exact."""
    return float(f"{value:.4g}")


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then move: a broken run leaves the old file whole."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
