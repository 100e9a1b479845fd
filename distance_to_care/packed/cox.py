"""Cox's model of packed people: the fit, and what follows from it, as `statistics.engine`.

The score needs no covariate means: it is the sum of the covariates over events less their sum
times everybody's expected events, and both are tables of patterns. So a step costs two passes of
look-ups. The information is worked out where the coefficients stand still: until then the one of a
part of the people (or of an earlier step) leads there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.stats import chi2

from distance_to_care.packed import kernels, shares
from distance_to_care.packed.moments import Moments
from distance_to_care.packed.patterns import BLOCK, Covariate, Patterns, Relative
from distance_to_care.packed.people import Column
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import cox_kernels, engine

# Above so many people a fit of some of them, or of a share, leads near to the answer.
MANY = 100_000
SOME, SHARE = 25_000, 10
# The last step is shorter, so that the information where it begins is that where it ends; that of
# people who lead need not be, because their own answer is farther from that of all.
NEAR, ROUGH = engine.STEP / 10, 1e-3


@dataclass(frozen=True)
class _State:
    """What is known at one value of the coefficients (standardised covariates)."""

    beta: np.ndarray
    relative: Relative
    log_likelihood: float
    score: np.ndarray
    ties: np.ndarray  # six sums over the tied events of each time: see `kernels.ties`
    information: np.ndarray | None  # where it was asked for
    stepped: bool = False  # the coefficients are one step farther than what was worked out


class PackedFit:
    """Cox's model, fitted to packed people; the attributes are those of `engine.CoxFit`."""

    def __init__(self, moments: Moments, covariates: Sequence[Covariate], ties, names):
        self.moments, self.names, self.ties = moments, list(names), ties
        self._efron = ties == "efron" and moments.tied
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            self.patterns = Patterns(covariates, moments)
        self.terms, self.people = self.patterns.terms, moments.people
        self.centre, self.scale = self.patterns.centre, self.patterns.scale
        for name, width, centre in zip(self.names, self.scale, self.centre, strict=True):
            engine.check_width(name, width, centre)

    # -- the likelihood --------------------------------------------------------------------

    def _at(self, beta: np.ndarray, with_information: bool = False) -> _State:
        """The log likelihood and the score, and the information if asked: two passes over all."""
        moments, patterns = self.moments, self.patterns
        relative, means = patterns.relative(beta), None
        if with_information:
            means = patterns.covariate_sums(relative)
            at_risk, dying = (np.ascontiguousarray(sums[:, 0]) for sums in means)
        else:
            at_risk, dying = patterns.sums(relative)
        ties = np.empty((6, moments.count))
        kernels.ties(moments.deaths, at_risk, dying, self._efron, ties)
        expected = patterns.expected(relative, *self._hazards(ties[0], ties[1]))
        score = patterns.event_sum - patterns.sums_of(expected)
        events = int(moments.deaths.sum())
        log_likelihood = beta @ patterns.event_sum - events * relative.shift - ties[5].sum()
        if not at_risk.min() > cox_kernels.LEAST:
            log_likelihood = np.nan
        information = None
        if means is not None:
            information = patterns.squares_of(expected)
            information -= _between(*(sums[:, 1:] for sums in means), ties)
        return _State(beta, relative, float(log_likelihood), score, ties, information)

    def _hazards(self, hazard, shared):
        """A hazard up to each moment, and before each first time; the dying are in part out."""
        passed = self.moments.passed(hazard)
        until = np.repeat(passed, 2, axis=0)
        until[3::2] -= shared
        return until, passed

    # -- fitting ---------------------------------------------------------------------------

    def fit(
        self, led: tuple[np.ndarray, np.ndarray] | None = None, near: float = NEAR
    ) -> PackedFit:
        """Go to the maximum, or near it: from 0, or from where a part of the people leads."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            now = None if led is None else self._follow(*led)
            if now is None:
                now = self._null
            self._check_rank(now.information)
            self._halvings = cox_kernels.HALVINGS
            for self.iterations in range(1, engine.ITERATIONS + 1):
                try:
                    step = np.linalg.solve(now.information, now.score)
                except np.linalg.LinAlgError:
                    self._no_estimate(now.beta)
                gain = float(step @ now.score)
                largest = np.max(np.abs(step))
                stands = gain < 1e-9 and largest > engine.STEP
                if stands and self.patterns.largest_move(step) > engine.RUNAWAY:
                    self._no_estimate(step)
                if led is not None and largest < near:
                    # So near the answer the information is known, and the step is exact.
                    now = replace(now, beta=now.beta + step, stepped=True)
                    break
                now = self._climb(now, step)
                if engine.at_top(step, gain, now.log_likelihood):
                    break
            else:
                raise AnalysisError(engine.NOT_CONVERGING)
        self._final, self.log_likelihood = now, now.log_likelihood
        self._variance = np.linalg.inv(now.information)
        self.coefficients = now.beta / self.scale
        self.variance = self._variance / np.outer(self.scale, self.scale)
        spread = np.diag(self._variance)
        if not (np.all(np.isfinite(self.variance)) and np.all(spread > 0)):
            self._no_estimate(now.beta)
        if spread.max() > engine.UNBOUNDED:
            self._no_estimate(now.beta)
        return self

    def _follow(self, beta: np.ndarray, information: np.ndarray) -> _State | None:
        """Take one step with the information of some of the people; nothing where it leads off.

        It is right but for their small share in all, so that the next step, with everybody's own,
        ends where rounding does.
        """
        now = self._at(beta)
        if not (np.isfinite(now.log_likelihood) and np.all(np.isfinite(now.score))):
            return None
        then = self._at(beta + np.linalg.solve(information, now.score), with_information=True)
        known = np.isfinite(then.log_likelihood) and np.all(np.isfinite(then.score))
        return then if known and then.log_likelihood >= self._below(now) else None

    @staticmethod
    def _below(now: _State) -> float:
        """The log likelihood less what rounding may take off."""
        return now.log_likelihood - 1e-11 * abs(now.log_likelihood)

    def _climb(self, now: _State, step: np.ndarray) -> _State:
        """Take the Newton step, halved until the likelihood does not fall."""
        bound = self._below(now)
        while True:
            tried = self._at(now.beta + step, with_information=True)
            known = np.isfinite(tried.log_likelihood) and np.all(np.isfinite(tried.score))
            if known and tried.log_likelihood >= bound:
                return tried
            self._halvings -= 1
            if self._halvings < 0:
                raise AnalysisError(engine.NOT_CONVERGING)
            step = step / 2

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
            raise engine.determining(self.names, vectors[:, 0])

    @cached_property
    def _settled(self) -> _State:
        """What is known where the last step ended."""
        now = self._final
        return self._at(now.beta) if now.stepped else now

    # -- inference -------------------------------------------------------------------------

    @cached_property
    def _null(self) -> _State:
        return self._at(np.zeros(self.terms), with_information=True)

    @cached_property
    def log_likelihood_null(self) -> float:
        """The log partial likelihood without covariates."""
        if "_null" in self.__dict__:
            return self._null.log_likelihood
        # One pass is enough where the score is not asked for.
        ties = np.empty((6, self.moments.count))
        sums = self.patterns.sums(self.patterns.relative(np.zeros(self.terms)))
        kernels.ties(self.moments.deaths, *sums, self._efron, ties)
        return -float(ties[5].sum())

    @cached_property
    def score_statistic(self) -> float:
        """The score test that all coefficients are 0."""
        null = self._null
        return float(null.score @ np.linalg.solve(null.information, null.score))

    @cached_property
    def standard_errors(self) -> np.ndarray:
        """Standard errors from the inverse of the information."""
        return np.sqrt(np.diag(self.variance))

    def robust_variance(self, cluster: tuple[np.ndarray, int] | None = None) -> np.ndarray:
        """Estimate the variance without trusting the model, by person or by cluster.

        Parameters: `cluster`, a code a person and how many codes there are. Lin and Wei 1989,
        doi 10.1080/01621459.1989.10478874; as R, without correction for few clusters.
        """
        moments, patterns, now = self.moments, self.patterns, self._settled
        back = np.argsort(patterns.order)  # the terms as they stand in the blocks
        at_risk, dying = (sums[:, 1:][:, back] for sums in patterns.covariate_sums(now.relative))
        h, s, q, sq, ssq, _ = now.ties[:, :, None]
        until, before = self._hazards(now.ties[0], now.ties[1])
        pull, pull_before = self._hazards(q * at_risk - sq * dying, sq * at_risk - ssq * dying)
        centre = np.zeros_like(pull)
        centre[3::2] = (h * at_risk - s * dying) / moments.deaths[:, None]
        codes, clusters = (None, 0) if cluster is None else cluster
        if clusters == self.people:
            # Everybody is a cluster of their own: nothing is to be added up by cluster.
            codes, clusters = None, 0

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
                    total += shares.product(part.T, part)
                else:
                    own = codes[start:stop].astype(np.uint32)
                    kernels.add_rows(own, np.ones(len(own)), part, sums)
            return total, sums

        total, sums = shares.added(shares.each(self.people, work))
        if codes is not None:
            total = sums[:, 1:].T @ sums[:, 1:]
        total = total[np.ix_(patterns.order, patterns.order)]
        return self._variance @ total @ self._variance / np.outer(self.scale, self.scale)

    def proportional_hazards(
        self, transform: str = "km", terms: Sequence[Sequence[int]] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Test proportional hazards; see `engine.CoxFit.proportional_hazards`."""
        moments, patterns, now = self.moments, self.patterns, self._settled
        g = moments.transformed(transform)
        g = g - np.repeat(g, moments.deaths).mean()
        hazards = [self._hazards(now.ties[0] * by, now.ties[1] * by) for by in (g, g**2)]
        at_risk, dying = (sums[:, 1:] for sums in patterns.covariate_sums(now.relative))
        squares = [
            patterns.squares_of(patterns.expected(now.relative, *hazard)) for hazard in hazards
        ]
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
    crossed = shares.product((at_risk * sq[:, None]).T, dying)
    alone = shares.product((at_risk * q[:, None]).T, at_risk)
    alone += shares.product((dying * ssq[:, None]).T, dying)
    return alone - crossed - crossed.T


def cox(
    time: Column,
    died: np.ndarray,
    covariates: Sequence[Covariate],
    *,
    entry: Column | None = None,
    strata: tuple[np.ndarray, int] | None = None,
    ties: str = "efron",
    names: Sequence[str],
    near: float = NEAR,
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
    near : where some of the people lead, the last step, in standard deviations of the covariates,
        is shorter than this.

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
    if len(died) > max(MANY, 2 * SOME):
        led = _of_some(fit, time, died, covariates, entry, strata, ties, names)
    return fit.fit(led, near)


def _of_some(fit, time, died, covariates, entry, strata, ties, names):
    """Coefficients and information of some of the people, evenly taken; none where they fail."""
    every = len(died) // max(SOME, len(died) // SHARE)

    def some(values):
        return None if values is None else np.ascontiguousarray(values[::every])

    def part(column):
        return Column(column.name, column.different, some(column.codes), some(column.numbers))

    own = [Covariate(part(each.column), each.matrix) for each in covariates]
    died = some(died)
    late = {
        "entry": None if entry is None else part(entry),
        "strata": None if strata is None else (some(strata[0]), strata[1]),
    }
    try:
        led = cox(part(time), died, own, ties=ties, names=names, near=ROUGH, **late)
    except AnalysisError:
        return None
    grown = fit.people / len(died)
    information = np.linalg.inv(led.variance * np.outer(fit.scale, fit.scale)) * grown
    return led.coefficients * fit.scale, information
