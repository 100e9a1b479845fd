"""Calibrates the causal structures of a study, and works out what each one builds in.

`python -m distance_to_care.causal_structures` prints, for each structure, the published hazard
ratios and what was reached, and the true share mediated. With `--calibrate` the numbers of status
"calibrated" are looked for again and written into the file of structures; with `--write` the true
values replace data/certificate/structures.csv.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from distance_to_care import calibration, places, synthetic, tables
from distance_to_care.statistics import structures
from distance_to_care.study import Study

# The book's own synthetic people stand beside the structures.
AS_DRAWN = "as_drawn"
SCENARIO = "published effects"
HORIZONS = (3, 5)
EXPOSURE = "deprivation_quintile"
# Most against least deprived fifth, in steps of deprivation.
CONTRAST = (4.0, 0.0)
COLUMNS = ["structure", "estimand", "scenario", "value", "standard_error", "unit", "how"]


def true_values(
    name: str,
    parameters: Mapping[str, Any],
    mediators: Mapping[str, Sequence[str]],
    population: pd.DataFrame,
    study: Study,
    people: int,
    draws: int,
) -> pd.DataFrame:
    """Table of what one structure builds in, and of the hazard ratios that it gives back.

    Parameters
    ----------
    name, parameters : the structure, and what it draws from.
    mediators : group -> mechanisms, in causal order.
    population, study : as for `synthetic.draw`.
    people, draws : size and number of the seeded draws; hazard ratios come from one draw.

    Returns
    -------
    Columns `structure`, `estimand` (`survival_difference.total.3.deprivation_quintile`, say),
    `scenario`, `value`, `standard_error`, `unit`, `how`.
    """
    first = int(parameters["cohort"]["seed"]["value"])
    seeds = [first + 1000 + extra for extra in range(draws)]
    rows = []
    for horizon in HORIZONS:
        effects = structures.built_in(
            parameters, population, mediators, CONTRAST, float(horizon), seeds, people
        )
        for row in structures.tidy(effects, EXPOSURE).to_dict("records"):
            rows.append({name: row[name] for name in ("estimand", "standard_error", "unit")}
                        | {"value": row["estimate"],
                           "how": f"seeded cohort of {people * draws:,}"})  # fmt: skip
    ratios = calibration.reached(people, [first], parameters, population, study)
    for target, entry in parameters["targets"].items():
        if entry["statistic"] == "hazard_ratio":
            model = entry.get("adjustment", "unadjusted")
            slug = f"hazard_ratio.{model}.{entry['column']}.{entry['level']}"
            rows.append({"estimand": slug, "value": ratios[target], "unit": "ratio",
                         "how": f"seeded cohort of {people:,}, complete cases"})  # fmt: skip
    for slug, value in _observed(parameters, population, people, first).items():
        rows.append({"estimand": slug, "value": value, "unit": "unit of the column",
                     "how": f"seeded cohort of {people:,}"})  # fmt: skip
    return pd.DataFrame(rows).assign(structure=name, scenario=SCENARIO)[COLUMNS]


def _observed(
    parameters: Mapping[str, Any], population: pd.DataFrame, people: int, seed: int
) -> dict[str, float]:
    """Mean of every number in the extreme fifths of deprivation: what a registry would see."""
    drawn = synthetic.draw(people, seed, structures.with_complete_values(parameters), population)
    start = parameters["treatment"]["column"]
    drawn = drawn.assign(treated_at_start=drawn[start] == 0).drop(columns=start)
    columns = [name for name in (*parameters["variables"], "treated_at_start") if name in drawn]
    means = drawn.groupby(EXPOSURE)[columns].mean(numeric_only=True).loc[[1, 5]]
    return {
        f"mean.{column}.{EXPOSURE}.{level}": float(means.loc[level, column])
        for column in means
        for level in means.index
        if means[column].any()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate where asked, print what each structure gives back and builds in, write it."""
    parser = argparse.ArgumentParser(
        prog="python -m distance_to_care.causal_structures", description=__doc__
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="people in each draw")
    parser.add_argument("--draws", type=int, default=5, help="draws to average the truth over")
    parser.add_argument("--study", default=None, help="name of the study")
    parser.add_argument("--structure", default=None, help="one structure only; not with --write")
    parser.add_argument(
        "--calibrate", action="store_true", help="look for new values and file them"
    )
    parser.add_argument(
        "--write", action="store_true", help="write data/certificate/structures.csv"
    )
    options = parser.parse_args(arguments)
    if options.write and options.structure:
        parser.error("--write needs all structures: leave --structure out")
    study = tables.read_study(options.study)
    parameters = tables.read_parameters(study.name)
    listed = tables.read_structures(study.name)
    population = tables.read("population_aged_50_plus")
    chosen = [options.structure] if options.structure else structures.names(listed)
    found = []
    for name in [*chosen, *([] if options.structure else [AS_DRAWN])]:
        own = parameters
        if name != AS_DRAWN:
            own = structures.with_structure(parameters, listed, name)
            if options.calibrate:
                own = _calibrated(name, own, options.people, population, study)
        table = true_values(
            name, own, listed["mediators"], population, study, options.people, options.draws
        )
        print(table.drop(columns=["scenario", "how"]).to_string(index=False), flush=True)
        found.append(table)
    if options.write:
        path = places.DATA / "certificate" / "structures.csv"
        text = pd.concat(found).to_csv(index=False, float_format="%.10g", lineterminator="\n")
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"Written to {path.name}.")
    return 0


def _calibrated(
    name: str,
    parameters: Mapping[str, Any],
    people: int,
    population: pd.DataFrame,
    study: Study,
) -> dict[str, Any]:
    """Look for a structure's calibrated values, write them into the file, and use them."""
    seed = int(parameters["cohort"]["seed"]["value"])
    values = calibration.calibrate(people, [seed], parameters, population, study)
    path = places.STUDIES / f"{study.name}_structures.toml"
    filed = {f"structures.{name}.{place}": value for place, value in values.items()}
    text = calibration.rewritten(path.read_text(encoding="utf-8"), filed)
    path.write_text(text, encoding="utf-8", newline="\n")
    return synthetic.changed(parameters, values)


if __name__ == "__main__":
    sys.exit(main())
