"""Causal structures: other parameters of the generator that give back the same published figures.

A structure changes some generating parameters and leaves the others (`with_structure`). What each
one builds in is worked out from the generating equations themselves (`built_in`): the same people
are drawn with the exposure set to one level or the other, for one group of mediators after the
other, and their true survival is compared. No estimator is involved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import mediation, survival, synthetic
from distance_to_care.problems import AnalysisError, Problem

WORDS = ("title", "meaning")
DIRECT = "died"  # the mechanism that is left when all mediators are named
# Differences have units of their own: disclosure control reads a probability as a share of people.
UNITS = {
    "survival difference": "difference in probability",
    "restricted mean difference": "difference in years",
}
# What readers get in its place, a hundred times as large.
IN_POINTS = {
    "difference in probability": "percentage points",
    "proportion": "per cent of the total",
}
QUADRATURE_NODES = 12  # Gauss-Legendre, for the mean time alive


def names(structures: Mapping[str, Any]) -> list[str]:
    """Names of the structures of a file (`tables.read_structures`), in its order."""
    return list(structures["structures"])


def with_structure(
    parameters: Mapping[str, Any], structures: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Put a structure's numbers in the place of those of the parameters file.

    Parameters
    ----------
    parameters : the parsed parameters file of the study.
    structures : the parsed file of its causal structures.
    name : the structure.

    Returns
    -------
    Parameters to draw from; a structure's own [calibration] replaces that of the file.

    Raises
    ------
    Problem : where there is no such structure.
    """
    if name not in structures["structures"]:
        raise Problem(
            f"There is no causal structure '{name}'. Use one of {', '.join(names(structures))}."
        )
    changes = structures["structures"][name]
    merged = _merged(parameters, {k: v for k, v in changes.items() if k not in WORDS})
    if "calibration" in changes:
        merged["calibration"] = dict(changes["calibration"])
    return merged


def with_complete_values(parameters: Mapping[str, Any], also: Sequence[str] = ()) -> dict[str, Any]:
    """Copy the parameters so that no value is missing from the people drawn.

    also : variables that are drawn but are no column of the cohort, to be handed out besides.
    """
    values = {f"missing.{name}.share": 0.0 for name in parameters["missing"]}
    for rule in parameters["missing"].values():
        if "always_if" in rule:
            values[f"variables.{rule['always_if']}.share"] = 0.0
    complete = synthetic.changed(parameters, values)
    complete["cohort"]["columns"] += list(also)
    return complete


def built_in(
    parameters: Mapping[str, Any],
    population: pd.DataFrame,
    mediators: Mapping[str, Sequence[str]],
    contrast: tuple[float, float],
    horizon: float,
    seeds: Sequence[int],
    people: int,
    exposure: str = "deprivation_steps",
) -> pd.DataFrame:
    """Work out the true effects of an exposure, and the shares mediated, from the equations.

    Parameters
    ----------
    parameters, population : what people are drawn from.
    mediators : group -> the mechanisms in it (variables, or `treatment`), in causal order.
    contrast : value of the exposure, and the value that it is compared with.
    horizon : years to which survival is compared.
    seeds, people : one draw of so many people for each seed; the draws are averaged.
    exposure : the variable that is set. What is neither a mediator nor death (age, for example)
        keeps answering to each person's own.

    Returns
    -------
    One row an effect and scale, as `mediation.decompose` names them: `effect`, `scale`,
    `horizon`, `estimate` (the true value), `standard_error` (from the spread between draws).
    """
    found = [
        _effects(parameters, population, mediators, contrast, horizon, seed, people, exposure)
        for seed in seeds
    ]
    everything = pd.concat(found, keys=range(len(found)), names=["draw", "row"])
    by_row = everything.groupby("row")["value"]
    spread = by_row.std(ddof=1) if len(found) > 1 else by_row.mean() * np.nan
    return found[0][["effect", "scale"]].assign(
        horizon=horizon, estimate=by_row.mean(), standard_error=spread / np.sqrt(len(found))
    )


def decomposed(
    people: pd.DataFrame,
    exposure: str,
    contrast: tuple[object, object],
    mediators: Mapping[str, Sequence[str]],
    confounders: Sequence[str],
    horizon_years: float,
    **options: Any,
) -> pd.DataFrame:
    """Split the effect of an exposure on survival in a cohort, with `mediation.decompose`.

    Parameters
    ----------
    people : one row a person, in the cohort contract, with `died`; people with a missing value in
        a column used are left out.
    exposure, contrast, mediators, confounders, options : as for `mediation.decompose`.
    horizon_years : years to which survival is compared.

    Returns
    -------
    The rows of `tidy`, with `people`, `deaths`, `note`, and for disclosure control `level_people`
    and `level_deaths`, the smaller of the two levels, and the events and parameters of the model
    of death. Where these people are too few for the
    models, the estimates are missing and `note` says why.
    """
    columns = [column for group in mediators.values() for column in group]
    known = people.dropna(subset=[exposure, *columns, *confounders])
    at_level = [known[known[exposure] == level] for level in contrast]
    try:
        effects = mediation.decompose(
            known, "follow_up_years", "died", exposure, contrast, mediators, confounders,
            horizon=horizon_years, **options,
        ).assign(note="")  # fmt: skip
    except AnalysisError as problem:
        through = [f"through {group}" for group in mediators]
        rows = ["total", "direct", "indirect", *through, "share", *(f"share {t}" for t in through)]
        effects = pd.DataFrame(
            [(row, scale) for scale in mediation.SCALES for row in rows],
            columns=["effect", "scale"],
        ).assign(horizon=horizon_years, note=str(problem))
        effects[["estimate", "standard_error", "ci_low", "ci_high"]] = np.nan
    return tidy(effects, exposure).assign(
        people=len(known),
        deaths=int(known["died"].sum()),
        level_people=min(map(len, at_level)),
        level_deaths=min(int(level["died"].sum()) for level in at_level),
        model_events=int(known["died"].sum()),
        model_parameters=survival.parameters(known, [exposure, *columns, *confounders]),
    )


def tidy(effects: pd.DataFrame, exposure: str) -> pd.DataFrame:
    """Put effects into the vocabulary of published tables and of the true values.

    Parameters
    ----------
    effects : what `mediation.decompose` or `built_in` returns, time in years.
    exposure : the exposure, for the name of the estimand.

    Returns
    -------
    The rows with `measure` (the effect), `outcome` (the scale), `estimand` (for example
    `survival_difference.total.3.deprivation_quintile`), `time_years` and `unit` instead of
    `effect`, `scale` and `horizon`.
    """
    slug = effects["scale"] + "." + effects["effect"] + effects["horizon"].map(".{:g}.".format)
    share = effects["effect"].str.startswith("share")
    return effects.rename(
        columns={"effect": "measure", "scale": "outcome", "horizon": "time_years"}
    ).assign(
        estimand=slug.str.replace(" ", "_") + exposure,
        unit=effects["scale"].map(UNITS).mask(share, "proportion"),
    )


def in_points(table: pd.DataFrame) -> pd.DataFrame:
    """Write differences in survival in percentage points, and shares of an effect in per cent.

    Parameters
    ----------
    table : rows of `tidy`, or true values of the structures: `unit`, and any of `estimate`,
        `standard_error`, `ci_low`, `ci_high`, `value`.

    Returns
    -------
    The table; rows in other units (ratios, years) as they were.
    """
    factor = table["unit"].isin(IN_POINTS).map({True: 100.0, False: 1.0})
    numbers = table.columns.intersection(
        ["estimate", "standard_error", "ci_low", "ci_high", "value"]
    )
    return table.assign(
        unit=table["unit"].replace(IN_POINTS),
        **{column: table[column] * factor for column in numbers},
    )


def observed_means(truth: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """List the means that a registry would see under each structure.

    truth : true values of the structures. titles : name of a structure -> its title. Returns a row
    a structure, column and level of the exposure: `scenario`, `variable`, `level`, `estimate`.
    """
    named = truth["estimand"].str.extract(r"^mean\.(?P<variable>\w+)\.\w+\.(?P<level>\w+)$")
    means = named.assign(scenario=truth["structure"].map(titles), estimate=truth["value"])
    return means.dropna(subset=["scenario", "variable"]).reset_index(drop=True)


def fewer_alive(effects: pd.DataFrame) -> pd.DataFrame:
    """Say differences in survival as how many fewer are alive, in percentage points.

    effects : rows of `in_points`. Returns those on the survival scale, with `estimate`, `ci_low`
    and `ci_high` of the differences turned round (a minus says that more are alive), and the
    shares as they are.
    """
    rows = effects[effects["outcome"] == mediation.SCALES[0]]
    points = rows["unit"] == IN_POINTS["difference in probability"]
    ends = ["estimate", "ci_low", "ci_high"]
    turned = -rows[["estimate", "ci_high", "ci_low"]].set_axis(ends, axis=1)
    return rows[["measure", "unit", "people"]].assign(
        **rows[ends].where(~points, turned).to_dict("series")
    )


def two_differences(
    truth: pd.DataFrame,
    structure: pd.DataFrame,
    exposure: str,
    contrast: tuple[int, int],
    years: int,
) -> pd.DataFrame:
    """Set the plain difference in survival beside the total effect, with the ages behind them.

    Parameters
    ----------
    truth, structure : true values of the synthetic people; the second in points (`in_points`).
    exposure, contrast : the exposure, the level, and the level that it is compared with.
    years : years to which survival is compared.

    Returns
    -------
    Four rows, `term`, `measure`, `estimate`, `unit`: the two differences (`plain` and `total`,
    percentage points fewer alive) and two mean ages (`age_exposed`, `age_compared`).
    """
    plain = truth[truth["scenario"] == "published effects"].set_index("estimand")["value"]
    drawn = structure.set_index("estimand")["value"]
    alive = [plain[f"survival.{years}.{exposure}.{level}"] for level in contrast]
    ages = [drawn[f"mean.age_years.{exposure}.{level}"] for level in contrast]
    points, total = IN_POINTS["difference in probability"], f"survival_difference.total.{years}"
    fewer = f"fewer alive at {years} years"
    rows = [
        ("plain", f"{fewer}, nothing held equal", 100 * (alive[1] - alive[0]), points),
        ("total", f"{fewer}, total effect", -drawn[f"{total}.{exposure}"], points),
        ("age_exposed", "mean age, the level that is compared", ages[0], "years"),
        ("age_compared", "mean age, the level it is compared with", ages[1], "years"),
    ]
    return pd.DataFrame(rows, columns=["term", "measure", "estimate", "unit"])


def _effects(
    parameters: Mapping[str, Any],
    population: pd.DataFrame,
    mediators: Mapping[str, Sequence[str]],
    contrast: tuple[float, float],
    horizon: float,
    seed: int,
    people: int,
    exposure: str,
) -> pd.DataFrame:
    """Switch the direct path and then one group after the other, in the people of one seed."""
    level, reference = contrast
    node, weight = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    times = np.append((node + 1.0) * horizon / 2.0, horizon)
    answers_to = {name: reference for group in mediators.values() for name in group}
    answers_to[DIRECT] = reference
    worlds = []
    for switched in ((), (DIRECT,), *mediators.values()):
        answers_to |= dict.fromkeys(switched, level)
        alive = synthetic.survival_if(
            people, seed, parameters, population, times, exposure, answers_to
        )
        worlds.append((alive[-1], alive[:-1] @ weight * horizon / 2.0))
    steps = np.diff(np.array(worlds), axis=0)
    rows = []
    for scale, path in zip(("survival", "restricted mean"), steps.T, strict=True):
        through = dict(zip(mediators, path[1:], strict=True))
        scale = f"{scale} difference"
        rows += [("total", scale, path.sum()), ("direct", scale, path[0])]
        rows += [("indirect", scale, path[1:].sum())]
        rows += [(f"through {group}", scale, value) for group, value in through.items()]
        rows += [("share", scale, path[1:].sum() / path.sum())]
        rows += [
            (f"share through {group}", scale, value / path.sum())
            for group, value in through.items()
        ]
    return pd.DataFrame(rows, columns=["effect", "scale", "value"])


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of tables over another; where both have a table, go into it."""
    out = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = _merged(out[key], value) if both else value
    return out
