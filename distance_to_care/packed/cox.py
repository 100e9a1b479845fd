"""Cox's model of packed people: the fit, and what follows from it, as `statistics.engine`.

The score needs no covariate means: it is the sum of the covariates over events less their sum
times everybody's expected events, and both are tables of patterns. So a step costs two passes of
look-ups. The information is worked out where the coefficients stand still: until then the one of a
part of the people (or of an earlier step) leads there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import chi2

from distance_to_care.packed import kernels
from distance_to_care.packed.moments import Moments
from distance_to_care.packed.patterns import BLOCK, Covariate, Patterns, Relative
from distance_to_care.packed.people import Column
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

# Above so many people a fit of some of them leads to the neighbourhood of the answer.
MANY = 100_000
SOME = 25_000
# Steps with the information of the neighbourhood before it is worked out anew.
LED = 12


@dataclass(frozen=True)
class _State:
    """What is known at one value of the coefficients (standardised covariates)."""

    beta: np.ndarray
    relative: Relative
    log_likelihood: float
    score: np.ndarray
    ties: np.ndarray  # six sums over the tied events of each time: see `kernels.ties`


class PackedFit:
    """Cox's model, fitted to packed people; the attributes are those of `engine.CoxFit`."""

    def __init__(self, moments: Moments, covariates: Sequence[Covariate], ties, names):
        self.moments, self.names, self.ties = moments, list(names), ties
        self._efron = ties == "efron" and moments.tied
        with np.errstate(divide="ignore", invalid="ignore"):
            self.patterns = Patterns(covariates, moments)
        self.terms, self.people = self.patterns.terms, moments.people
        self.centre, self.scale = self.patterns.centre, self.patterns.scale
        for name, width, centre in zip(self.names, self.scale, self.centre, strict=True):
            if width <= 1e-12 * max(1.0, abs(centre)):
                raise AnalysisError(f"Everybody has the same value of '{name}'.")

    # -- the likelihood --------------------------------------------------------------------

    def _at(self, beta: np.ndarray) -> _State:
        """The log likelihood and the score: two passes over all people."""
        moments, patterns = self.moments, self.patterns
        relative = patterns.relative(beta)
        at_risk, dying = patterns.sums(relative)
        ties = np.empty((6, moments.count))
        kernels.ties(moments.deaths, at_risk, dying, self._efron, ties)
        until, before = self._hazards(ties[0], ties[1])
        score = patterns.event_sum - patterns.expected(relative, until, before)
        events = int(moments.deaths.sum())
        log_likelihood = beta @ patterns.event_sum - events * relative.shift - ties[5].sum()
        return _State(beta, relative, float(log_likelihood), score, ties)

    def _hazards(self, hazard, shared):
        """A hazard up to each moment, and before each first time; the dying are in part out."""
        passed = self.moments.passed(hazard)
        until = np.repeat(passed, 2, axis=0)
        until[3::2] -= shared
        return until, passed

    def _information(self, now: _State) -> np.ndarray:
        hazards = [self._hazards(now.ties[0], now.ties[1])]
        at_risk, dying, (square,) = self.patterns.covariate_sums(now.relative, hazards)
        return square - _between(at_risk, dying, now.ties)

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, led: tuple[np.ndarray, np.ndarray] | None = None) -> PackedFit:
        """Go to the maximum: from 0, or from where a part of the people leads."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            now = information = None
            if led is not None:
                now = self._follow(*led)
            if now is None:
                now = self._at(np.zeros(self.terms))
                self.__dict__["_null"] = now
            information = self._information(now)
            self._check_rank(information)
            if "_null" in self.__dict__:
                self.__dict__["_null_information"] = information
            for self.iterations in range(1, engine.ITERATIONS + 1):
                try:
                    step = np.linalg.solve(information, now.score)
                except np.linalg.LinAlgError:
                    self._no_estimate(now.beta)
                gain = float(step @ now.score)
                largest = np.max(np.abs(step))
                stands = gain < 1e-9 and largest > engine.STEP
                if stands and self.patterns.largest_move(step) > engine.RUNAWAY:
                    self._no_estimate(step)
                if led is not None and largest < engine.STEP:
                    # The information is known here, and one step on it is the same.
                    now = self._moved(now, step)
                    break
                now = self._climb(now, step)
                information = self._information(now)
                if largest < engine.STEP or (gain < engine.STEP**2 and largest < 1e-6):
                    break
            else:
                self._no_estimate(step)
        self._final, self.log_likelihood = now, now.log_likelihood
        self._variance = np.linalg.inv(information)
        self.coefficients = now.beta / self.scale
        self.variance = self._variance / np.outer(self.scale, self.scale)
        spread = np.diag(self._variance)
        if not (np.all(np.isfinite(self.variance)) and np.all(spread > 0)):
            self._no_estimate(now.beta)
        if spread.max() > engine.UNBOUNDED:
            self._no_estimate(now.beta)
        return self

    def _follow(self, beta: np.ndarray, information: np.ndarray) -> _State | None:
        """Step with a neighbour's information, mended by each step, until the steps are small.

        The mending is that of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright 2006,
        doi 10.1007/978-0-387-40065-5). Nothing where this leads nowhere.
        """
        inverse = np.linalg.inv(information)
        now = self._at(beta)
        for _ in range(LED):
            if not (np.isfinite(now.log_likelihood) and np.all(np.isfinite(now.score))):
                return None
            step = inverse @ now.score
            largest = np.max(np.abs(step))
            if largest < engine.STEP / 100:
                return now
            then = self._at(now.beta + step)
            if not then.log_likelihood >= now.log_likelihood - 1e-11 * abs(now.log_likelihood):
                return None
            bend = now.score - then.score
            along = bend @ step
            if not along > 0:
                # So near that only rounding is left, or on the wrong way.
                return now if largest < engine.STEP else None
            keep = np.eye(self.terms) - np.outer(step, bend) / along
            inverse = keep @ inverse @ keep.T + np.outer(step, step) / along
            now = then
        return now

    def _moved(self, now: _State, step: np.ndarray) -> _State:
        return _State(now.beta + step, now.relative, now.log_likelihood, now.score, now.ties)

    def _climb(self, now: _State, step: np.ndarray) -> _State:
        """Take the Newton step, halved until the likelihood does not fall."""
        slack = 1e-11 * abs(now.log_likelihood)
        for _ in range(40):
            tried = self._at(now.beta + step)
            known = np.isfinite(tried.log_likelihood) and np.all(np.isfinite(tried.score))
            if known and tried.log_likelihood >= now.log_likelihood - slack:
                return tried
            step = step / 2
        raise AnalysisError(engine.NOT_CONVERGING)

    def _no_estimate(self, direction):
        raise engine.no_estimate(self.names, direction)

    def _check_rank(self, information):
        spread = np.diag(information)
        rows = self.moments.deaths.sum()
        for name, value in zip(self.names, spread, strict=True):
            if not value > 1e-12 * rows:
                raise AnalysisError(f"'{name}' does not vary among the people at risk of an event.")
        width = np.sqrt(spread)
        values, vectors = np.linalg.eigh(information / np.outer(width, width))
        if values[0] < engine.COLLINEAR:
            in_it = np.abs(vectors[:, 0]) > 1e-3
            names = ", ".join(f"'{n}'" for n, x in zip(self.names, in_it, strict=True) if x)
            raise AnalysisError(f"These covariates determine one another: {names}. Leave one out.")

    # -- inference -------------------------------------------------------------------------

    @cached_property
    def _null(self) -> _State:
        return self._at(np.zeros(self.terms))

    @cached_property
    def _null_information(self) -> np.ndarray:
        return self._information(self._null)

    @property
    def log_likelihood_null(self) -> float:
        """The log partial likelihood without covariates."""
        return self._null.log_likelihood

    @cached_property
    def score_statistic(self) -> float:
        """The score test that all coefficients are 0."""
        score = self._null.score
        return float(score @ np.linalg.solve(self._null_information, score))

    @cached_property
    def standard_errors(self) -> np.ndarray:
        """Standard errors from the inverse of the information."""
        return np.sqrt(np.diag(self.variance))

    def robust_variance(self, cluster: tuple[np.ndarray, int] | None = None) -> np.ndarray:
        """Estimate the variance without trusting the model, by person or by cluster.

        Parameters: `cluster`, a code a person and how many codes there are. Lin and Wei 1989,
        doi 10.1080/01621459.1989.10478874; as R, without correction for few clusters.
        """
        moments, patterns, now = self.moments, self.patterns, self._final
        at_risk, dying, _ = patterns.covariate_sums(now.relative, [])
        back = np.argsort(patterns.order)  # the terms as they stand in the blocks
        at_risk, dying = at_risk[:, back], dying[:, back]
        h, s, q, sq, ssq, _ = now.ties[:, :, None]
        until, before = self._hazards(now.ties[0], now.ties[1])
        pull, pull_before = self._hazards(q * at_risk - sq * dying, sq * at_risk - ssq * dying)
        centre = np.zeros_like(pull)
        centre[3::2] = (h * at_risk - s * dying) / moments.deaths[:, None]
        codes, clusters = (None, 0) if cluster is None else cluster

        def work(low, high):
            total = np.zeros((self.terms, self.terms))
            sums = np.zeros((clusters, self.terms + 1))
            out = np.empty((BLOCK, self.terms))
            for start, stop, r, rows in patterns.blocks(now.relative, low, high):
                part = out[: stop - start]
                kernels.residuals(
                    rows, r, moments.moment, moments.first, until, before, pull, pull_before,
                    centre, start, part,
                )  # fmt: skip
                if codes is None:
                    total += part.T @ part
                else:
                    own = codes[start:stop].astype(np.uint32)
                    kernels.add_rows(own, np.ones(len(own)), part, sums)
            return total, sums

        found = patterns.shares(work)
        total, sums = (sum(each) for each in zip(*found, strict=True))
        if codes is not None:
            total = sums[:, 1:].T @ sums[:, 1:]
        total = total[np.ix_(patterns.order, patterns.order)]
        return self._variance @ total @ self._variance / np.outer(self.scale, self.scale)

    def proportional_hazards(
        self, transform: str = "km", terms: Sequence[Sequence[int]] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Test proportional hazards; see `engine.CoxFit.proportional_hazards`."""
        moments, patterns, now = self.moments, self.patterns, self._final
        g = moments.transformed(transform)
        g = g - np.repeat(g, moments.deaths).mean()
        hazards = [self._hazards(now.ties[0] * by, now.ties[1] * by) for by in (g, g**2)]
        at_risk, dying, squares = patterns.covariate_sums(now.relative, hazards)
        events = patterns.event_sums(g)
        score = events - (now.ties[0] * g) @ at_risk + (now.ties[1] * g) @ dying
        crossed, squared = (
            square - _between(at_risk, dying, now.ties * by)
            for square, by in zip(squares, (g, g**2), strict=True)
        )
        # The variance of the added score, given the coefficients that were estimated.
        spread = squared - crossed @ self._variance @ crossed
        asked = [[j] for j in range(self.terms)] if terms is None else [list(t) for t in terms]
        statistics, freedom = [], []
        for columns in [*asked, list(range(self.terms))]:
            part = spread[np.ix_(columns, columns)]
            try:
                statistics.append(score[columns] @ np.linalg.solve(part, score[columns]))
            except np.linalg.LinAlgError:
                raise AnalysisError(
                    "All events happen at one time, or too few at different times, so nothing can "
                    "be said of a change over time."
                ) from None
            freedom.append(len(columns))
        statistics, freedom = np.array(statistics), np.array(freedom)
        return statistics, freedom, chi2.sf(statistics, freedom)


def _between(at_risk, dying, ties):
    """Sum over the rows of the likelihood of covariate mean x covariate mean."""
    _, _, q, sq, ssq, _ = ties
    crossed = (at_risk * sq[:, None]).T @ dying
    return (
        (at_risk * q[:, None]).T @ at_risk - crossed - crossed.T + (dying * ssq[:, None]).T @ dying
    )


def cox(
    time: Column,
    died: np.ndarray,
    covariates: Sequence[Covariate],
    *,
    entry: Column | None = None,
    strata: tuple[np.ndarray, int] | None = None,
    ties: str = "efron",
    names: Sequence[str],
) -> PackedFit:
    """Fit Cox's proportional hazards model to packed people by maximum partial likelihood.

    Parameters
    ----------
    time : column of the end of follow-up; died : whether it ended with the event.
    covariates : see `Covariate`; their values are finite.
    entry : column of the start of follow-up (left truncation: at risk where entry < t <= time).
    strata : a code a person, and how many codes there are.
    ties : `efron` or `breslow`.
    names : of the terms, for sentences.

    Returns
    -------
    A `PackedFit`.

    Raises
    ------
    AnalysisError : as `engine.cox`.

    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi 10.2307/2286217.
    """
    if ties not in ("efron", "breslow"):
        raise AnalysisError("Ties are 'efron' or 'breslow'.")
    time = time.coded()
    entry = None if entry is None else entry.coded()
    moments = Moments(time, died, entry, strata)
    fit = PackedFit(moments, covariates, ties, names)
    led = None
    if len(died) > MANY:
        led = _of_some(fit, time, died, covariates, entry, strata, ties)
    return fit.fit(led)


def _of_some(fit, time, died, covariates, entry, strata, ties):
    """Coefficients and information of some of the people, evenly taken; none where they fail."""
    some = slice(None, None, max(1, len(died) // SOME))
    X = [
        each.column.numbers[some][:, None]
        if each.matrix is None
        else each.matrix[each.column.codes[some]]
        for each in covariates
    ]
    ended, started = (
        None if each is None else each.different.to_numpy(dtype=float)[each.codes[some]]
        for each in (time, entry)
    )
    try:
        led = engine.cox(
            ended,
            died[some],
            np.hstack(X),
            entry=started,
            strata=None if strata is None else strata[0][some],
            ties=ties,
        )
    except AnalysisError:
        return None
    grown = len(died) / len(died[some])
    information = np.linalg.inv(led.variance * np.outer(fit.scale, fit.scale)) * grown
    return led.coefficients * fit.scale, information
