"""Simulation studies and bootstraps of Cox's model: many fits, each from a seed of its own.

A replicate is its seed and nothing else: what comes out is the same in one process, in several, on
a cluster, and in any part of the study. A bootstrap does not copy people: it counts how often each
was drawn, and people are sorted once for all replicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from distance_to_care import scheduler
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, engine

BLOCK = 25  # replicates of one job


@dataclass(frozen=True)
class Model:
    """A cohort that can be drawn: a constant hazard, times the hazard ratios of the covariates.

    Covariates are independent: those with a share are there with that probability, the others are
    normal with mean 0 and standard deviation 1. Follow-up is counted in whole days.
    """

    log_hazard_ratios: tuple[float, ...]
    shares: tuple[float | None, ...]  # of the same length
    people: int = 2400
    daily_hazard: float = 1 / 1200  # where all covariates are 0
    follow_up: tuple[int, int] = (100, 3500)  # days until the end of the study, uniform

    def __post_init__(self):
        if len(self.log_hazard_ratios) != len(self.shares):
            raise AnalysisError("A model needs a share, or None, for each log hazard ratio.")
        if not self.log_hazard_ratios or self.people < 1:
            raise AnalysisError("A model needs a covariate and people.")


def cohort(model: Model, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one cohort by inverting its survival curve.

    Parameters
    ----------
    model : what to draw; seed : a whole number, from which the cohort follows.

    Returns
    -------
    Days of follow-up, whether it ended with the event, and the covariates (people x terms).

    Bender, Augustin and Blettner 2005, doi 10.1002/sim.2059.
    """
    _whole(seed, 0, "A seed")
    random = np.random.default_rng(seed)
    X = np.empty((model.people, len(model.shares)))
    for j, share in enumerate(model.shares):
        if share is None:
            X[:, j] = random.standard_normal(model.people)
        else:
            X[:, j] = random.random(model.people) < share
    hazard = model.daily_hazard * np.exp(X @ np.array(model.log_hazard_ratios))
    event = np.ceil(random.standard_exponential(model.people) / hazard)
    end = np.ceil(random.uniform(*model.follow_up, model.people))
    return np.minimum(event, end), event <= end, X


def _whole(value: object, least: int, what: str) -> None:
    if not isinstance(value, int | np.integer) or value < least:
        raise AnalysisError(f"{what} is a whole number, {least} or above.")


def study(
    model: Model,
    seeds: Sequence[int],
    ties: str = "efron",
    workers: int = 1,
    address: str | None = None,
) -> pd.DataFrame:
    """Draw a cohort from each seed and fit Cox's model to it.

    Parameters
    ----------
    model : of the cohorts; seeds : a whole number a replicate; ties : `efron` or `breslow`.
    workers, address : as for `scheduler.spread`; the answer does not depend on them.

    Returns
    -------
    A row a seed and term (numbered from 0): `seed`, `term`, `log_hazard_ratio`,
    `standard_error`; empty where a cohort has no finite estimate.
    """
    seeds = list(seeds)
    for seed in seeds:
        _whole(seed, 0, "A seed")
    jobs = [(model, seeds[i : i + BLOCK], ties) for i in range(0, len(seeds), BLOCK)]
    terms = len(model.shares)
    found = [*_spread(_fit_block, jobs, workers, address)]
    estimates, errors = np.concatenate(found).transpose(1, 0, 2) if found else np.empty((2, 0))
    return pd.DataFrame(
        {
            "seed": np.repeat(seeds, terms),
            "term": np.tile(np.arange(terms), len(seeds)),
            "log_hazard_ratio": estimates.ravel(),
            "standard_error": errors.ravel(),
        }
    )


def _spread(function: Callable, jobs: Sequence, workers: int, address: str | None) -> Iterator:
    # Compiled fits run beside one another in threads; processes would take longer to start than
    # a thousand of them take.
    return scheduler.spread(function, jobs, workers, address, threads=compiled.available())


def _fit_block(job: tuple[Model, list[int], str]) -> np.ndarray:
    """Fit the cohorts of some seeds. Returns seeds x (estimate, error) x terms."""
    model, seeds, ties = job
    found = np.full((len(seeds), 2, len(model.shares)), np.nan)
    for place, seed in enumerate(seeds):
        try:
            fit = engine.cox(*cohort(model, seed), ties=ties)
        except AnalysisError:
            continue
        found[place] = fit.coefficients, fit.standard_errors
    return found


def summary(found: pd.DataFrame, truth: Sequence[float]) -> pd.DataFrame:
    """Compare the estimates of a study with the truth.

    Parameters
    ----------
    found : of `study`; truth : the log hazard ratio of each term.

    Returns
    -------
    A row a term: `truth`, `replicates` (with a finite estimate), `bias` and its Monte Carlo error
    `bias_error`, `empirical_error` (standard deviation of the estimates), `model_error` (root mean
    square of the standard errors), `coverage` of the 95% interval and its `coverage_error`.

    Morris, White and Crowther 2019, doi 10.1002/sim.8086.
    """
    known = found.dropna()
    wrong = known["log_hazard_ratio"] - np.asarray(truth, dtype=float)[known["term"]]
    table = pd.DataFrame(
        {
            "term": known["term"],
            "wrong": wrong,
            "variance": known["standard_error"] ** 2,
            "covered": wrong.abs() <= engine.Z95 * known["standard_error"],
        }
    ).groupby("term")
    count, spread, share = table.size(), table["wrong"].std(), table["covered"].mean()
    return pd.DataFrame(
        {
            "truth": pd.Series(truth, dtype=float),
            "replicates": count,
            "bias": table["wrong"].mean(),
            "bias_error": spread / np.sqrt(count),
            "empirical_error": spread,
            "model_error": np.sqrt(table["variance"].mean()),
            "coverage": share,
            "coverage_error": np.sqrt(share * (1 - share) / count),
        }
    ).rename_axis("term")


def bootstrap(
    time: np.ndarray,
    event: np.ndarray,
    X: np.ndarray,
    replicates: int,
    seed: int,
    *,
    strata: np.ndarray | None = None,
    ties: str = "efron",
    workers: int = 1,
    address: str | None = None,
) -> np.ndarray:
    """Fit Cox's model to people drawn with replacement, again and again.

    Parameters
    ----------
    time, event, X, strata, ties : as for `engine.cox`.
    replicates : how many; seed : a whole number. Replicate r follows from the seed and r alone.
    workers, address : as for `scheduler.spread`; the answer does not depend on them.

    Returns
    -------
    Log hazard ratios, replicates x terms; a row is empty where the people drawn have no finite
    estimate.

    Raises
    ------
    AnalysisError : as `engine.cox`, for the people as they are; no replicates, or a seed below 0.

    Efron and Tibshirani 1986, doi 10.1214/ss/1177013815.
    """
    _whole(replicates, 1, "The number of replicates")
    _whole(seed, 0, "A seed")
    people = (time, event, X, strata, ties)
    # Told at once, and not as so many empty rows.
    terms = engine.cox(time, event, X, strata=strata, ties=ties).terms
    blocks = [range(i, min(i + BLOCK, replicates)) for i in range(0, replicates, BLOCK)]
    jobs = [(people, seed, block) for block in blocks]
    found = [*_spread(_bootstrap_block, jobs, workers, address)]
    return np.concatenate(found) if found else np.empty((0, terms))


def _bootstrap_block(job: tuple[tuple, int, range]) -> np.ndarray:
    (time, event, X, strata, ties), seed, block = job
    fit = engine.cox(time, event, X, strata=strata, ties=ties)
    found = np.full((len(block), fit.terms), np.nan)
    for place, replicate in enumerate(block):
        random = np.random.default_rng([seed, replicate])
        drawn = np.bincount(random.integers(fit.people, size=fit.people), minlength=fit.people)
        try:
            found[place] = fit.resampled(drawn)
        except AnalysisError:
            continue
    return found
