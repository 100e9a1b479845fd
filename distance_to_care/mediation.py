"""Mediation: how much of an exposure's effect on survival runs through what comes in between.

The effect of an exposure (most against least deprived, say) is split into what runs through the
mediators, in the groups and the order in which they act, and what does not, by g-computation: a
model of each mediator given the exposure, the confounders and the mediators before it, and Cox's
model of survival given all of them. People are then drawn with the exposure set to the one level or
the other for each group of mediators in turn, and their mean survival is compared.

The effects are interventional ones (VanderWeele, Vansteelandt and Robins 2014,
doi 10.1097/EDE.0000000000000034; Vansteelandt and Daniel 2017, doi 10.1097/EDE.0000000000000596):
mediators are drawn from their distribution at a level, given the confounders, so that nothing is
asked about a person who lives under both levels at once. Where no confounder of mediators and
survival is itself changed by the exposure, they equal the natural effects. With several groups,
what runs "through" a group is what reaches it by the exposure's own arrow, and what it carries on
to later groups. Cause is assumed, not shown: no cause that exposure, mediators and survival share
may be missing from the confounders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from distance_to_care import survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

SCALES = ("survival difference", "restricted mean difference")
HAZARD_NODES = 50  # mean survival is worked out at so many cumulative hazards, straight between
MOST_FAILED = 0.05  # share of bootstrap replicates whose models may fail
LOGISTIC_STEPS = 50


def decompose(
    people: pd.DataFrame,
    duration: str,
    event: str,
    exposure: str,
    contrast: tuple[object, object],
    mediators: Mapping[str, Sequence[str]],
    confounders: Sequence[str] = (),
    *,
    horizon: float,
    log_normal: Sequence[str] = (),
    replicates: int = 200,
    draws: int = 1,
    seed: int = 1,
) -> pd.DataFrame:
    """Split the effect of an exposure on survival by g-computation, with bootstrap intervals.

    The bootstrap is the Bayesian one (Rubin 1981, doi 10.1214/aos/1176345338): people get random
    weights and nobody is lost, so that a level with few people stays in every replicate.

    Parameters
    ----------
    people : one row a person, without missing values in the columns used.
    duration, event : follow-up, and whether it ended with the event (0-1 or boolean).
    exposure : column of levels; each level but the reference has an indicator in the models.
    contrast : the level, and the reference level that it is compared with.
    mediators : group -> its columns, in the order in which they act. Booleans have a logistic
        model, numbers a linear one with normal residuals.
    confounders : columns that come before the exposure or go with it; text has indicators.
    horizon : time to which survival is compared, in the unit of `duration`.
    log_normal : mediators whose logarithm has the linear model; they enter others as they are.
    replicates : bootstrap replicates; 0 for no intervals.
    draws : sets of mediators drawn for each person; the same random numbers serve all levels.
    seed : of the draws and the bootstrap.

    Returns
    -------
    One row an effect and scale: `effect` (`total`, `direct`, `indirect`, `through <group>`,
    `share`, `share through <group>`), `scale` (`survival difference`, a probability at the
    horizon; `restricted mean difference`, time alive up to it), `horizon`, `estimate`,
    `standard_error`, `ci_low`, `ci_high` (95% percentile interval). Total is direct plus indirect,
    and indirect the sum over the groups. A share is missing where the interval of the total
    effect includes nought: a share of an effect that may be none means nothing. A share below 0
    or above 1 says that paths work against each other.

    Raises
    ------
    AnalysisError : a column or level that is not there, missing values, a mediator that does not
        vary, no event, a horizon beyond follow-up, or models that fail in too many replicates.
    """
    problem = _problem(
        people, duration, event, exposure, contrast, mediators, confounders, horizon, log_normal
    )
    names = ["total", "direct", "indirect", *(f"through {group}" for group in mediators)]
    alike = np.ones(len(people))
    found = _effects(problem, np.random.default_rng([seed, 0]), draws, alike)
    copies = np.array(list(_bootstrap(problem, replicates, draws, seed)))
    if len(copies) < (1 - MOST_FAILED) * replicates:
        raise AnalysisError(
            "The models fail in too many bootstrap replicates: too few people or events stand "
            "behind so many mediators and confounders."
        )
    copies = copies.reshape(-1, *found.shape)
    rows = []
    for place, scale in enumerate(SCALES):
        of_total = copies[:, place, 0]
        told = replicates == 0 or bool(np.prod(np.quantile(of_total, (0.025, 0.975))) > 0)
        for column, name in enumerate(names):
            rows.append((name, scale, found[place, column], copies[:, place, column]))
        for column, name in list(enumerate(names))[2:]:
            share = found[place, column] / found[place, 0] if told else np.nan
            shares = copies[:, place, column] / of_total if told else np.empty(0)
            rows.append((name.replace("indirect", "share").replace("through", "share through"),
                         scale, share, shares))  # fmt: skip
    return pd.DataFrame([_row(*row, horizon) for row in rows])


def assumptions(
    exposure: str,
    mediators: Sequence[str],
    outcome: str,
    before: str,
    unmeasured: str,
    follows: str = "",
) -> pd.DataFrame:
    """List the arrows that a decomposition draws, and those that it assumes away.

    Parameters
    ----------
    exposure, outcome : their names on the diagram.
    mediators : names of the groups, in the order in which they act.
    before : name of the confounders together.
    unmeasured : name of common causes that nobody recorded.
    follows : name of the confounders that may follow from the exposure, if there are any. What
        runs through them is held equal, and so is no part of the total effect.

    Returns
    -------
    One row an arrow: `measure` (the arrow in words), `term` (where it begins), `outcome` (where it
    ends), `level`: `measured`, or `not measured` for the arrows that must not be there.
    """
    chain = [exposure, *mediators, outcome]
    drawn = [(before, to) for to in chain]
    drawn += [(cause, to) for place, cause in enumerate(chain) for to in chain[place + 1 :]]
    if follows:
        drawn += [(cause, follows) for cause in (before, exposure)]
        drawn += [(follows, to) for to in chain[1:]]
    rows = [(*arrow, "measured") for arrow in drawn]
    rows += [(unmeasured, to, "not measured") for to in chain]
    table = pd.DataFrame(rows, columns=["term", "outcome", "level"])
    table.insert(0, "measure", table["term"] + " to " + table["outcome"])
    return table


def _row(name: str, scale: str, estimate: float, copies: np.ndarray, horizon: float) -> dict:
    low, high = np.quantile(copies, (0.025, 0.975)) if len(copies) > 1 else (np.nan, np.nan)
    return {
        "effect": name,
        "scale": scale,
        "horizon": horizon,
        "estimate": estimate,
        "standard_error": copies.std(ddof=1) if len(copies) > 1 else np.nan,
        "ci_low": low,
        "ci_high": high,
    }


# ----------------------------------------------------------------------------- the data as arrays


@dataclass(frozen=True)
class _Problem:
    """People as arrays: what the models are fitted to."""

    time: np.ndarray
    event: np.ndarray
    level: np.ndarray  # number of each person's level of exposure, 0 the reference
    exposed: int  # number of the level that is compared
    levels: int
    confounders: np.ndarray  # people x columns, the first all ones
    mediators: np.ndarray  # people x columns, in their order
    group: tuple[int, ...]  # number of the group of each mediator
    model: tuple[str, ...]  # linear, log or logistic
    names: tuple[str, ...]  # of the covariates of the Cox model
    horizon: float


def _problem(
    people, duration, event, exposure, contrast, mediators, confounders, horizon, log_normal
) -> _Problem:
    columns = [column for group in mediators.values() for column in group]
    used = [duration, event, exposure, *columns, *confounders]
    absent = [name for name in (*used, *log_normal) if name not in people]
    if absent:
        raise AnalysisError(f"The people have no column '{absent[0]}'.")
    if not columns or len(set(used)) < len(used):
        raise AnalysisError("Name at least one mediator, and every column once.")
    unknown = [name for name in used if people[name].isna().any()]
    if unknown:
        raise AnalysisError(f"Values of '{unknown[0]}' are missing: leave those people out first.")
    levels = list(dict.fromkeys([contrast[1], *sorted(people[exposure].unique(), key=str)]))
    for level in contrast:
        if not (people[exposure] == level).any():
            raise AnalysisError(f"Nobody has one of the two levels of '{exposure}' compared.")
    if contrast[0] == contrast[1]:
        raise AnalysisError("The two levels of a contrast must differ.")
    time, died = survival.times_and_events(people, duration, event)
    if not 0 < horizon <= time.max():
        raise AnalysisError("The horizon must lie within follow-up.")
    if not (died & (time <= horizon)).any():
        raise AnalysisError("Nobody has the event before the horizon.")
    for name in columns:
        if people[name].nunique() < 2:
            raise AnalysisError(f"Everybody has the same value of the mediator '{name}'.")
        if not pd.api.types.is_numeric_dtype(people[name]):
            raise AnalysisError(f"The mediator '{name}' is neither a number nor true or false.")
        if name in log_normal and not (people[name] > 0).all():
            raise AnalysisError(f"The mediator '{name}' has no logarithm for everybody.")
    before = _columns(people, confounders)
    others = [f"{exposure}[{level}]" for level in levels[1:]]
    return _Problem(
        time=time,
        event=died,
        level=pd.Categorical(people[exposure], categories=levels).codes,
        exposed=levels.index(contrast[0]),
        levels=len(levels),
        confounders=np.column_stack([np.ones(len(people)), before]),
        mediators=people[columns].to_numpy(float),
        group=tuple(place for place, group in enumerate(mediators.values()) for _ in group),
        model=tuple(
            "logistic" if pd.api.types.is_bool_dtype(people[name])
            else "log" if name in log_normal else "linear"
            for name in columns
        ),
        names=(*others, *before.columns, *columns),
        horizon=float(horizon),
    )  # fmt: skip


def _columns(people: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Confounders as numbers, centred: text and categories as indicators but for the first."""
    parts = [pd.DataFrame(index=people.index)]
    for name in names:
        values = people[name]
        if pd.api.types.is_numeric_dtype(values):
            parts.append(values.astype(float).to_frame())
        else:
            if isinstance(values.dtype, pd.CategoricalDtype):
                values = values.cat.remove_unused_categories()
            parts.append(pd.get_dummies(values, prefix=name, drop_first=True, dtype=float))
    table = pd.concat(parts, axis=1)
    return table - table.mean()


# ----------------------------------------------------------------------- models and drawn people


def _bootstrap(problem: _Problem, replicates: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Effects in people weighted at random; a replicate whose models fail is left out."""
    for replicate in range(1, replicates + 1):
        random = np.random.default_rng([seed, replicate])
        weight = random.standard_exponential(len(problem.time))
        try:
            yield _effects(problem, random, draws, weight / weight.mean())
        except AnalysisError:
            continue


def _effects(
    problem: _Problem, random: np.random.Generator, draws: int, weight: np.ndarray
) -> np.ndarray:
    """Fit the models, draw people, and compare. Returns scales x (total, direct, indirect, ...)."""
    indicator = (problem.level[:, None] == np.arange(1, problem.levels)).astype(float)
    others = np.hstack([indicator, problem.confounders[:, 1:], problem.mediators])
    fit = engine.cox(problem.time, problem.event, others, weights=weight, names=problem.names)
    models = [
        _mediator_model(problem, indicator, place, weight) for place in range(len(problem.model))
    ]
    groups = max(problem.group) + 1
    exposed = problem.exposed - 1
    first, last = problem.levels - 1, problem.levels - 1 + problem.confounders.shape[1] - 1
    at_zero = problem.confounders[:, 1:] @ fit.coefficients[first:last]
    hazards = [[] for _ in range(groups + 2)]
    for _ in range(draws):
        noise = [
            random.random(len(at_zero)) if model == "logistic"
            else random.standard_normal(len(at_zero))
            for model in problem.model
        ]  # fmt: skip
        for changed in range(groups + 1):
            drawn = _drawn(problem, models, noise, changed)
            hazard = at_zero + drawn @ fit.coefficients[last:]
            if changed == 0:
                hazards[0].append(hazard)
            hazards[changed + 1].append(hazard + fit.coefficients[exposed])
    worlds = np.array([_survival(fit, np.array(each), weight, problem.horizon) for each in hazards])
    steps = np.diff(worlds, axis=0)  # direct, then each group
    return np.array([worlds[-1] - worlds[0], steps[0], steps[1:].sum(axis=0), *steps[1:]]).T


def _mediator_model(
    problem: _Problem, indicator: np.ndarray, place: int, weight: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray, float]:
    """Fit a mediator on exposure, confounders and the mediators before it.

    Returns the part of its linear predictor that no world changes, the effect of the exposure
    level compared, the effects of earlier mediators, and the residual standard deviation.
    """
    before = problem.mediators[:, :place]
    design = np.hstack([problem.confounders, indicator, before])
    value = problem.mediators[:, place]
    if problem.model[place] == "logistic":
        found, spread = _logistic(design, value, weight), 0.0
    else:
        value = np.log(value) if problem.model[place] == "log" else value
        weighted = design * weight[:, None]
        found = np.linalg.solve(weighted.T @ design, weighted.T @ value)
        squares = weight @ (value - design @ found) ** 2
        spread = np.sqrt(squares / (len(value) - design.shape[1]))
    count = problem.confounders.shape[1]
    base = problem.confounders @ found[:count]
    return base, found[count + problem.exposed - 1], found[count + problem.levels - 1 :], spread


def _drawn(problem: _Problem, models: list, noise: list, changed: int) -> np.ndarray:
    """Draw everybody's mediators, the first `changed` groups at the exposed level."""
    drawn = np.empty_like(problem.mediators)
    for place, (base, shift, earlier, spread) in enumerate(models):
        predictor = base + drawn[:, :place] @ earlier
        if problem.group[place] < changed:
            predictor = predictor + shift
        if problem.model[place] == "logistic":
            drawn[:, place] = noise[place] < 1.0 / (1.0 + np.exp(-predictor))
        else:
            predictor += spread * noise[place]
            drawn[:, place] = np.exp(predictor) if problem.model[place] == "log" else predictor
    return drawn


def _logistic(design: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit a logistic model by Newton's method, steps halved where the likelihood would fall."""

    def likelihood(at: np.ndarray) -> float:
        predictor = design @ at
        return float(weight @ (value * predictor - np.logaddexp(0.0, predictor)))

    found = np.zeros(design.shape[1])
    best = likelihood(found)
    for _ in range(LOGISTIC_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(design @ found)))
        information = (design * (weight * chance * (1.0 - chance))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (weight * (value - chance)))
        except np.linalg.LinAlgError:
            break
        # Only a whole step that is small is a sign of the top: a halved one is small anywhere.
        whole = np.abs(step).max()
        while (now := likelihood(found + step)) < best - 1e-9 and np.abs(step).max() > 1e-9:
            step = step / 2.0
        found, best = found + step, now
        if whole < 1e-7:
            return found
    raise AnalysisError(
        "A logistic model of a mediator has no finite estimates: its values are separated by the "
        "exposure, the confounders or the mediators before it."
    )


def _survival(
    fit: engine.CoxFit, log_hazard: np.ndarray, weight: np.ndarray, horizon: float
) -> tuple[float, float]:
    """Mean survival at the horizon, and mean time alive up to it, over draws x people."""
    times, cumulative = fit.baseline()
    within = times <= horizon
    times, cumulative = times[within], cumulative[within]
    # Only a person's own multiple of one baseline matters, so the mean is smooth in that baseline.
    middle = log_hazard.mean()
    nodes = np.linspace(0.0, cumulative[-1] * np.exp(middle), HAZARD_NODES)
    hazard = np.exp(log_hazard - middle).ravel()
    weight = np.tile(weight / weight.sum(), len(log_hazard)) / len(log_hazard)
    alive = np.exp(-np.outer(nodes, hazard)) @ weight
    steps = np.interp(np.concatenate([[0.0], cumulative * np.exp(middle)]), nodes, alive)
    lasted = np.diff(np.concatenate([[0.0], times, [horizon]]))
    return steps[-1], float(steps @ lasted)
