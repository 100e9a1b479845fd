"""One small exact engine for survival: Cox's model and risk tables, from arrays to arrays.

It exists because the certificate fits many thousands of models and because lifelines differs from
R's `survival` in robust errors, the proportional hazards test, residuals, left truncation,
restricted means and Aalen-Johansen at ties. Every answer is tested against R.

How it is fast: people are sorted once, sums over risk sets are running sums, and
sum_t a(t) S2(t) = X' diag(w A) X, with A a person's sum of a(t) over the times at risk, so that no
matrix is built at each time. With numba, people without late entry are fitted by the compiled loops
of `cox_kernels`; what is not clear there is fitted, or refused in a sentence, here.

How it is exact: Newton's method with step-halving to a step below 1e-9 standard deviations;
Efron's ties with case weights as in R (Therneau and Grambsch 2000, doi 10.1007/978-1-4757-3294-8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import chdtrc
from scipy.stats import norm

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, cox_kernels

Z95 = norm.ppf(0.975)
STEP = 1e-9  # convergence: largest Newton step, in standard deviations of the covariates
ITERATIONS = 60
COLLINEAR = 1e-10  # smallest eigenvalue of the information, as a correlation matrix
# A step that still moves somebody's log hazard by this much while the likelihood stands still
# belongs to a coefficient without a finite estimate.
RUNAWAY = 0.1
# Variance of a standardised coefficient beyond which there is no finite estimate: sound fits of a
# few people stay below a twentieth of it, separated ones lie above it.
UNBOUNDED = 1e5
# Share of a running sum below which a difference of two of them is not trusted.
CANCELLED = 1e-5


NOT_CONVERGING = (
    "The Cox model does not converge: the covariates are too extreme, or all but separate the "
    "people with the event from the others, as one that is made from the time of follow-up does."
)


def check_width(name: str, width: float, centre: float) -> None:
    """Refuse a covariate whose standard deviation cannot be told from nothing, or is no number."""
    if not np.isfinite(width):
        raise AnalysisError(f"The values of '{name}' are too large: give it in another unit.")
    if width <= np.spacing(abs(centre)):
        raise AnalysisError(f"Everybody has the same value of '{name}'.")
    if width <= 1e-12 * max(1.0, abs(centre)):
        raise AnalysisError(
            f"The values of '{name}' are too near one another to be told apart: give it in "
            f"another unit, or its difference from its mean."
        )


def no_estimate(names: Sequence[str], direction: np.ndarray) -> AnalysisError:
    """Say which coefficient runs away: the one that the last step moves most."""
    name = names[int(np.argmax(np.abs(direction)))]
    return AnalysisError(
        f"The hazard ratio of '{name}' has no finite estimate: the people with the event are "
        "separated from the others by the covariates (a level without events, for example)."
    )


def determining(names: Sequence[str], direction: np.ndarray) -> AnalysisError:
    """Say which covariates determine one another: those that the direction without news holds."""
    held = (name for name, part in zip(names, direction, strict=True) if abs(part) > 1e-3)
    first, *others = dict.fromkeys(held)
    if not others:
        return AnalysisError(
            f"The levels of '{first}' determine one another among the people at risk of an event: "
            "put levels together."
        )
    told = ", ".join(f"'{name}'" for name in (first, *others))
    return AnalysisError(f"These covariates determine one another: {told}. Leave one out.")


def at_top(step: np.ndarray, gain: float, log_likelihood: float) -> bool:
    """Tell whether a step of Newton's, not halved, that would gain so much has reached the top."""
    largest = np.max(np.abs(step))
    near = largest < STEP or (gain < STEP**2 and largest < 1e-6)
    return bool(near and gain < cox_kernels.little(log_likelihood))


def merge_times(*times: np.ndarray) -> list[np.ndarray]:
    """Make times equal that differ by rounding only, as R's `timefix`: ties must be ties.

    Parameters: arrays of times on one scale (entry and exit of the same people, say).
    Returns the arrays, each time the smallest of those within 1.5e-8 of each other.
    """
    values = np.unique(np.concatenate(times))
    gaps = np.diff(values)
    same = np.sqrt(np.finfo(float).eps)
    tied = (gaps <= same) | (gaps <= same * np.mean(np.abs(values)))
    if not tied.any():
        return list(times)
    kept = values[np.concatenate([[True], ~tied])]
    return [kept[np.searchsorted(kept, each, side="right") - 1] for each in times]


class RiskSets:
    """Who is at risk at which event time: the part of a Cox fit that knows no covariate.

    Event times are numbered 0 .. K-1, stratum by stratum; a person is at risk at those from
    `first` up to, not including, `last`. Entry is open: at risk where entry < t <= time.
    """

    def __init__(self, time, event, entry=None, strata=None):
        event = np.asarray(event, dtype=bool)
        if entry is None:
            (time,) = merge_times(np.asarray(time, dtype=float))
        else:
            time, entry = merge_times(np.asarray(time, dtype=float), np.asarray(entry, dtype=float))
            if np.any(entry >= time):
                raise AnalysisError("Somebody's follow-up ends at or before its entry.")
        if not event.any():
            raise AnalysisError("Nobody has the event, so no hazard can be estimated.")
        self.time, self.event, self.entry = time, event, entry
        times, place = np.unique(time, return_inverse=True)
        stratum = np.zeros(len(time), dtype=np.intp)
        if strata is not None:
            stratum = np.unique(strata, return_inverse=True)[1].ravel()
        self.stratum = stratum
        base = stratum * (len(times) + 1)
        key = base + place
        event_keys, self.deaths = np.unique(key[event], return_counts=True)
        self.event_times = times[event_keys % (len(times) + 1)]
        self.event_strata = event_keys // (len(times) + 1)
        starts = base
        if entry is not None:
            starts = base + np.searchsorted(times, entry, side="right")
        self.first = np.searchsorted(event_keys, starts)
        self.last = np.searchsorted(event_keys, key, side="right")
        # Who is at risk at no event time has no part in the likelihood.
        used = np.flatnonzero(self.last > self.first)
        # Latest first, so that a running sum is the sum over those still at risk.
        exits = used[np.argsort(-self.last[used], kind="stable")]
        self.order = exits
        self.slices = self._runs(stratum[exits], self.last[exits])
        self.late = None
        if entry is not None:
            opened = np.searchsorted(event_keys, base)
            late = np.flatnonzero(self.first[exits] > opened[exits])
            late = late[np.argsort(-self.first[exits][late], kind="stable")]
            if len(late):
                self.late = late
                self.late_slices = self._runs(stratum[exits][late], self.first[exits][late])
        # The events in the order of their times, as places in the sorted people.
        deaths = np.flatnonzero(event[exits])
        self.dying = deaths[np.argsort(self.last[exits][deaths], kind="stable")]
        self.dying_time = self.last[exits][self.dying] - 1
        self.dying_start = np.concatenate([[0], np.cumsum(self.deaths)[:-1]])
        self.tied = bool(self.deaths.max() > 1)

    def _runs(self, stratum, edge):
        """For each stratum: its people, its event times, and how many people precede each."""
        runs = []
        for each in np.unique(stratum):
            low, high = len(stratum) - np.searchsorted(stratum[::-1], [each + 1, each])
            k_low, k_high = np.searchsorted(self.event_strata, [each, each + 1])
            before = np.searchsorted(-edge[low:high], -np.arange(k_low, k_high), side="left")
            runs.append((slice(low, high), slice(k_low, k_high), before))
        return runs

    def at_risk(self, values: np.ndarray) -> np.ndarray:
        """Sum over the risk set of each event time: rows of values, people (sorted) in columns.

        The first row is of weights above zero.
        """
        out = np.zeros((len(values), len(self.deaths)))
        self._add(out, values, self.slices, 1.0)
        if self.late is None:
            return out
        before = out[0].copy()
        self._add(out, values[:, self.late], self.late_slices, -1.0)
        # Where almost all is taken away again the digits are gone: add up those who are there.
        first, last = self.first[self.order], self.last[self.order]
        for k in np.flatnonzero(out[0] < CANCELLED * before):
            out[:, k] = values[:, (first <= k) & (k < last)].sum(axis=1)
        return out

    @staticmethod
    def _add(out, values, runs, sign):
        for people, times, before in runs:
            running = np.zeros((len(values), people.stop - people.start + 1))
            np.cumsum(values[:, people], axis=1, out=running[:, 1:])
            out[:, times] += sign * np.take(running, before, axis=1)

    def over_time(self, values: np.ndarray) -> np.ndarray:
        """Sum what happens at event times over those at which each person (sorted) is at risk."""
        running = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
        np.cumsum(values, axis=-1, out=running[..., 1:])
        return running[..., self.last[self.order]] - running[..., self.first[self.order]]


@dataclass(frozen=True)
class _Sums:
    """What one pass over the data gives at one value of the coefficients (scaled covariates)."""

    log_likelihood: float
    score: np.ndarray
    information: np.ndarray
    relative: np.ndarray  # exp(linear predictor - shift), without the case weight
    shift: float
    row_total: np.ndarray  # sum of weight * relative over the risk set of each row
    row_mean: np.ndarray  # covariate means of the risk set of each row, p x rows


class CoxFit:
    """Cox's proportional hazards model, fitted; see `cox`."""

    def __init__(self, outcome, X, weights, ties, names):
        self._outcome = outcome  # time, event, entry, strata
        self._X, self.names, self.ties = X, names, ties
        self.people, self.terms = X.shape
        self.weights = np.ones(self.people) if weights is None else weights
        self._compiled: _Sorted | None = None

    @cached_property
    def sets(self) -> RiskSets:
        """Who is at risk at which event time."""
        return RiskSets(*self._outcome)

    @cached_property
    def centre(self) -> np.ndarray:
        """Weighted means of the covariates."""
        return self.weights @ self._X / self.weights.sum()

    @cached_property
    def scale(self) -> np.ndarray:
        """Standard deviations of the covariates."""
        with np.errstate(over="ignore", invalid="ignore"):
            scale = self._X.std(axis=0)
        for name, width, centre in zip(self.names, scale, self.centre, strict=True):
            check_width(name, width, centre)
        return scale

    @cached_property
    def _weight(self):
        return self.weights[self.sets.order]

    @cached_property
    def _Z(self):  # noqa: N802
        return np.ascontiguousarray(((self._X - self.centre) / self.scale)[self.sets.order].T)

    @cached_property
    def _rows(self):
        """Rows of the likelihood: event times, shares of the dying taken out, and weights.

        The share of the dying at that time is out of the risk set. Efron has a row an event,
        Breslow a row a time.
        """
        sets = self.sets
        weight = self._weight[sets.dying]
        total = np.add.reduceat(weight, sets.dying_start)
        if self.ties == "efron" and sets.tied:
            time = sets.dying_time
            within = np.arange(len(weight)) - sets.dying_start[time]
            return time, within / sets.deaths[time], (total / sets.deaths)[time]
        return np.arange(len(total)), np.zeros(len(total)), total

    _row_time = property(lambda self: self._rows[0])
    _row_share = property(lambda self: self._rows[1])
    _row_weight = property(lambda self: self._rows[2])

    @cached_property
    def _final(self) -> _Sums:
        """What the data give at the coefficients found."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            return self._sums(self._beta)

    # -- fitting ---------------------------------------------------------------------------

    def _sums(self, beta: np.ndarray) -> _Sums:
        sets, Z = self.sets, self._Z
        predictor = beta @ Z
        shift = float(predictor.max())
        relative = np.exp(predictor - shift)
        weighted = np.empty((self.terms + 1, len(predictor)))
        np.multiply(relative, self._weight, out=weighted[0])
        np.multiply(weighted[0], Z, out=weighted[1:])
        sums = sets.at_risk(weighted)
        rows, share, weight = self._row_time, self._row_share, self._row_weight
        if len(rows) > len(sets.deaths):
            dying = np.add.reduceat(np.take(weighted, sets.dying, axis=1), sets.dying_start, axis=1)
            sums = np.take(sums, rows, axis=1) - share * np.take(dying, rows, axis=1)
        total = sums[0]
        means = sums[1:] / total
        dying_weight = self._weight[sets.dying]
        log_likelihood = dying_weight @ (predictor[sets.dying] - shift) - weight @ np.log(total)
        if not total.min() > cox_kernels.LEAST:
            log_likelihood = np.nan
        score = Z[:, sets.dying] @ dying_weight - means @ weight
        information = self._curvature(weight / total, weighted[1:], (means * weight) @ means.T)
        return _Sums(log_likelihood, score, information, relative, shift, total, means)

    def _curvature(self, hazard, weighted_Z, between):
        """Sum of the covariate variances in the risk sets, each weighted by its hazard."""
        through = self._person_sum(hazard)
        return (weighted_Z * through) @ self._Z.T - between

    def _person_sum(self, row_values: np.ndarray) -> np.ndarray:
        """Sum the rows' values over those a person is at risk for; the dying are in part out."""
        sets = self.sets
        count = len(sets.deaths)
        through = sets.over_time(_collect(self._row_time, row_values, count))
        if len(self._row_time) > count:
            out = _collect(self._row_time, row_values * self._row_share, count)
            through[..., sets.dying] -= out[..., sets.dying_time]
        return through

    def _fit(self):
        """Climb to the top, compiled where that is possible; what is not clear is climbed here."""
        if self._outcome[2] is None and compiled.available() and self._fit_compiled():
            return self
        self._check_numbers()
        return self._fit_numpy()

    def _check_numbers(self):
        time, _, entry, _ = self._outcome
        if not all(
            np.isfinite(v).all() for v in (self._X, time, entry, self.weights) if v is not None
        ):
            raise AnalysisError(
                "A time, weight or covariate of the Cox model is missing or infinite."
            )
        if np.any(self.weights <= 0):
            raise AnalysisError("Case weights must be above zero.")

    def _fit_compiled(self) -> bool:
        """Fit with compiled loops; False where numpy is to do it, or to say what is the matter."""
        people = _Sorted.of(*self._outcome[:2], self._outcome[3], self._X, self.weights, self.ties)
        if people is None:
            return False
        wide = people.Z.shape[1]
        beta, first = np.zeros(wide), np.empty((wide, wide))
        variance = np.empty((self.terms, self.terms))
        code, determinant, *found = cox_kernels.climb(
            *people.arrays, self.terms, STEP, RUNAWAY, ITERATIONS, beta, first, variance
        )
        if code != cox_kernels.DONE:
            return False
        spread = np.diag(variance)
        if not (np.isfinite(variance).all() and spread.min() > 0 and spread.max() <= UNBOUNDED):
            return False
        # The smallest eigenvalue of correlations is at least the determinant / e. The numpy way
        # says which covariates determine one another.
        if determinant < 10 * COLLINEAR:
            own = slice(self.terms)
            if _smallest_eigenvalue(first[own, own]) < COLLINEAR:
                return False
        self.centre, self.scale, self._beta = people.centre, people.scale, beta[: self.terms]
        self.log_likelihood_null, self.log_likelihood, self.score_statistic, self.iterations = found
        self._variance, self._compiled = variance, people
        self.coefficients = self._beta / self.scale
        self.variance = variance / np.outer(self.scale, self.scale)
        return True

    def _fit_numpy(self):
        # In this order, so that the first thing that is wrong is said first.
        _ = self.sets, self.scale
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            beta = np.zeros(self.terms)
            now = self._sums(beta)
            self.log_likelihood_null = now.log_likelihood
            self._check_rank(now.information)
            self.score_statistic = float(now.score @ np.linalg.solve(now.information, now.score))
            self._halvings = cox_kernels.HALVINGS
            for self.iterations in range(1, ITERATIONS + 1):
                try:
                    step = np.linalg.solve(now.information, now.score)
                except np.linalg.LinAlgError:
                    self._no_estimate(beta)
                gain = float(step @ now.score)
                if gain < 1e-9 and np.max(np.abs(step @ self._Z)) > RUNAWAY:
                    self._no_estimate(step)
                beta, now = self._climb(beta, now, step)
                if at_top(step, gain, now.log_likelihood):
                    break
            else:
                raise AnalysisError(NOT_CONVERGING)
        self._beta, self._final = beta, now
        self.log_likelihood = now.log_likelihood
        self._variance = np.linalg.inv(now.information)
        self.coefficients = beta / self.scale
        self.variance = self._variance / np.outer(self.scale, self.scale)
        spread = np.diag(self._variance)
        if not (np.all(np.isfinite(self.variance)) and np.all(spread > 0)):
            self._no_estimate(beta)
        if spread.max() > UNBOUNDED:
            self._no_estimate(beta)
        return self

    def _climb(self, beta, now, step):
        """Take the Newton step, halved until the likelihood does not fall."""
        slack = 1e-11 * abs(now.log_likelihood)
        while True:
            tried = self._sums(beta + step)
            known = np.isfinite(tried.log_likelihood) and np.all(np.isfinite(tried.information))
            if known and tried.log_likelihood >= now.log_likelihood - slack:
                return beta + step, tried
            self._halvings -= 1
            if self._halvings < 0:
                raise AnalysisError(NOT_CONVERGING)
            step = step / 2

    def _no_estimate(self, direction):
        raise no_estimate(self.names, direction)

    def _check_rank(self, information):
        spread = np.diag(information)
        for name, value in zip(self.names, spread, strict=True):
            if not value > 1e-12 * self._row_weight.sum():
                raise AnalysisError(f"'{name}' does not vary among the people at risk of an event.")
        width = np.sqrt(spread)
        values, vectors = np.linalg.eigh(information / np.outer(width, width))
        if values[0] < COLLINEAR:
            raise determining(self.names, vectors[:, 0])

    def resampled(self, times_drawn: np.ndarray) -> np.ndarray:
        """Fit again to the same people, each there as often as it was drawn: the coefficients.

        As `cox` of the rows repeated, which is not the same as case weights where Efron's ties are
        broken: somebody drawn twice dies twice. `times_drawn` are whole numbers, 0 as well.
        Raises AnalysisError as `cox`.
        """
        times_drawn = np.asarray(times_drawn)
        if self._compiled is not None and (self.weights == 1).all():
            found = self._compiled.resampled(self._beta, times_drawn, self.ties)
            if found is not None:
                return found / self.scale
        rows = np.repeat(np.arange(self.people), times_drawn)
        time, event, *others = (None if v is None else np.asarray(v)[rows] for v in self._outcome)
        entry, strata = others
        return cox(
            time, event, self._X[rows], entry=entry, strata=strata, weights=self.weights[rows],
            ties=self.ties, names=self.names,
        ).coefficients  # fmt: skip

    # -- inference -------------------------------------------------------------------------

    @cached_property
    def standard_errors(self) -> np.ndarray:
        """Standard errors from the inverse of the information."""
        return np.sqrt(np.diag(self.variance))

    def _people(self, values: np.ndarray) -> np.ndarray:
        """Put values of the sorted people back in the order of the rows; zero for the others."""
        out = np.zeros((self.people, *values.shape[1:]))
        out[self.sets.order] = values
        return out

    def _score_residuals(self) -> np.ndarray:
        """Score residuals of the sorted people, scaled covariates, people x p."""
        sets, now = self.sets, self._final
        hazard = self._row_weight / now.row_total
        through = self._person_sum(hazard)
        mean_through = self._person_sum(hazard * now.row_mean)
        residuals = -now.relative * (self._Z * through - mean_through)
        residuals[:, sets.dying] += self._Z[:, sets.dying] - self._mean_at_death()
        return residuals.T

    def _mean_at_death(self) -> np.ndarray:
        """Covariate mean of the risk set for each event; over the tied terms with Efron's ties."""
        count = len(self.sets.deaths)
        mean = _collect(self._row_time, self._final.row_mean, count)
        mean /= np.bincount(self._row_time, minlength=count)
        return mean[:, self.sets.dying_time]

    @cached_property
    def score_residuals(self) -> np.ndarray:
        """Each person's part of the score, not weighted, people x p (R: `type = "score"`)."""
        if self._compiled is not None:
            return self._compiled.score_residuals(self._beta) * self.scale
        return self._people(self._score_residuals()) * self.scale

    @cached_property
    def dfbeta(self) -> np.ndarray:
        """Change of the coefficients by each person, not weighted, people x p."""
        return self.score_residuals @ self.variance

    def robust_variance(self, cluster: np.ndarray | None = None) -> np.ndarray:
        """Estimate the variance without trusting the model, by person or by cluster.

        Lin and Wei 1989, doi 10.1080/01621459.1989.10478874; as R, without correction for few
        clusters.
        """
        parts = self.score_residuals * self.weights[:, None]
        if cluster is not None:
            codes = np.unique(cluster, return_inverse=True)[1].ravel()
            parts = _collect(codes, parts.T, codes.max() + 1).T
        return self.variance @ (parts.T @ parts) @ self.variance

    @cached_property
    def martingale(self) -> np.ndarray:
        """Observed less expected events of each person."""
        now = self._final
        expected = now.relative * self._person_sum(self._row_weight / now.row_total)
        return self.sets.event.astype(float) - self._people(expected)

    def schoenfeld(self) -> tuple[np.ndarray, np.ndarray]:
        """Times of the events (by stratum and time), and covariates less their mean at risk."""
        sets = self.sets
        residuals = (self._Z[:, sets.dying] - self._mean_at_death()).T * self.scale
        return sets.event_times[sets.dying_time], residuals

    def proportional_hazards(
        self, transform: str = "km", terms: Sequence[Sequence[int]] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Test proportional hazards with the score test of R's `cox.zph` (survival 3.0 and later).

        Parameters: `transform` of time (`km`, `rank`, `identity`, `log`); `terms`, the columns of
        each term (each column alone where None). Returns chi-squared, degrees of freedom and
        p-value of each term and, last, of all together. Grambsch and Therneau 1994,
        doi 10.1093/biomet/81.3.515.
        """
        if self._compiled is not None:
            score, crossed, squared = self._changing_compiled(transform)
        else:
            score, crossed, squared = self._changing(transform)
        # The variance of the added score, given the coefficients that were estimated.
        spread = squared - crossed @ self._variance @ crossed
        asked = [[j] for j in range(self.terms)] if terms is None else [list(t) for t in terms]
        statistics, freedom = [], []
        for columns in [*asked, list(range(self.terms))]:
            # As R: a term is tested with the coefficients of all, the others' changes fixed at 0.
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
        return statistics, freedom, chdtrc(freedom, statistics)

    def _changing(self, transform):
        """Score of effects that change with transformed time, and its information."""
        sets, now = self.sets, self._final
        g = _transformed(*_moments(sets.time, sets.event, sets.entry, sets.event_times), transform)
        g = g - np.repeat(g, sets.deaths).mean()
        row_g = g[self._row_time]
        dying_weight = self._weight[sets.dying]
        score = self._Z[:, sets.dying] @ (dying_weight * g[sets.dying_time])
        score = score - now.row_mean @ (self._row_weight * row_g)
        weighted_Z = self._Z * (now.relative * self._weight)

        def curvature(by):
            hazard = self._row_weight * by / now.row_total
            between = (now.row_mean * (self._row_weight * by)) @ now.row_mean.T
            return self._curvature(hazard, weighted_Z, between)

        return score, curvature(row_g), curvature(row_g**2)

    def _changing_compiled(self, transform):
        people = self._compiled
        dying = people.deaths > 0
        g = people.transformed(transform, lambda: self.sets)
        g = g - np.repeat(g, people.deaths[dying]).mean()
        by = np.zeros(len(people.deaths))
        by[dying] = g
        (score, crossed), (_, squared) = people.curvatures(self._beta, (by, by**2))
        return score, crossed, squared

    # -- prediction ------------------------------------------------------------------------

    def baseline(self, stratum: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Event times and cumulative hazard of one stratum, all covariates zero.

        Efron's estimator after Efron's ties, Breslow's after Breslow's.
        """
        times, hazard = self._hazard(stratum)
        at_zero = np.exp(-self._final.shift - self.centre / self.scale @ self._beta)
        return times, np.cumsum(hazard) * at_zero

    def _hazard(self, stratum):
        now = self._final
        steps = _collect(self._row_time, self._row_weight / now.row_total, len(self.sets.deaths))
        inside = self.sets.event_strata == stratum
        return self.sets.event_times[inside], steps[inside]

    def relative_hazard(self, X: np.ndarray) -> np.ndarray:
        """Hazard of each row against the row of zeros."""
        return np.exp(np.asarray(X, dtype=float) @ self.coefficients)

    def survival(
        self, X: np.ndarray, times: Sequence[float], stratum: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predict survival at times for rows of covariates, with the error of the log survival.

        Returns two arrays, rows x times: survival and standard error of the cumulative hazard
        (Tsiatis 1981; as R's `survfit` of a Cox model).
        """
        now, sets = self._final, self.sets
        scaled = (np.atleast_2d(np.asarray(X, dtype=float)) - self.centre) / self.scale
        risk = np.exp(scaled @ self._beta - now.shift)
        hazard = self._row_weight / now.row_total
        count = len(sets.deaths)
        inside = sets.event_strata == stratum

        def running(row_values):
            steps = _collect(self._row_time, row_values, count)[..., inside]
            padded = np.zeros((*steps.shape[:-1], steps.shape[-1] + 1))
            np.cumsum(steps, axis=-1, out=padded[..., 1:])
            return padded[..., np.searchsorted(sets.event_times[inside], times, side="right")]

        cumulative, own = running(hazard), running(hazard / now.row_total)
        pull = scaled[:, :, None] * cumulative - running(hazard * now.row_mean)[None]
        variance = own + np.einsum("ipt,pq,iqt->it", pull, self._variance, pull)
        return np.exp(-np.outer(risk, cumulative)), risk[:, None] * np.sqrt(variance)

    def standardised_restricted_mean(
        self, horizon: float, stratum: int = 0
    ) -> tuple[float, np.ndarray]:
        """Mean time up to the horizon if everybody had the baseline hazard of one stratum.

        The average of the predicted restricted means of all people (g-formula), and each person's
        influence on it: the exact derivative by the person's case weight, through the average, the
        coefficients and the baseline, so that the sum of squares of influence x weight is the
        variance (infinitesimal jackknife).
        """
        sets, now = self.sets, self._final
        own = sets.stratum == stratum
        if horizon > sets.time[own].max():
            raise AnalysisError("Follow-up of a group ends before the horizon.")
        times, steps = self._hazard(stratum)
        cumulative = np.cumsum(steps)
        edges = np.minimum(np.concatenate([[0.0], times, [np.inf]]), horizon)
        lengths = np.diff(edges)[1:]
        # Everybody, not only those who were at risk at some event time.
        scaled = (self._X - self.centre) / self.scale
        risk = np.exp(scaled @ self._beta - now.shift)
        share = self.weights / self.weights.sum()
        means, moved = np.empty(self.people), np.empty(self.people)
        area = np.zeros(len(times))
        for start in range(0, self.people, 1000):
            part = slice(start, start + 1000)
            survival = np.exp(-np.outer(risk[part], cumulative))
            means[part] = edges[1] - edges[0] + survival @ lengths
            moved[part] = survival @ (cumulative * lengths)
            area += (share * risk)[part] @ survival * lengths
        mean = share @ means
        # Loss of mean time by an addition to the hazard at each event time; none in other strata.
        loss = np.zeros(len(sets.deaths))
        loss[sets.event_strata == stratum] = np.cumsum(area[::-1])[::-1]
        row_loss = loss[self._row_time]
        hazard = self._row_weight / now.row_total
        by_beta = now.row_mean @ (row_loss * hazard) - (share * risk * moved) @ scaled
        through = now.relative * self._person_sum(row_loss * hazard / now.row_total)
        count = len(sets.deaths)
        each = _collect(self._row_time, row_loss / now.row_total, count)
        each /= np.bincount(self._row_time, minlength=count)
        through[sets.dying] -= each[sets.dying_time]
        by_hazard = through + self._score_residuals() @ self._variance @ by_beta
        return float(mean), (means - mean) / self.weights.sum() + self._people(by_hazard)

    def concordance(self, cluster: np.ndarray | None = None) -> tuple[float, float]:
        """Harrell's concordance of the fit and its standard error; see `concordance`."""
        sets = self.sets
        # People at risk at no event time take part in no pair.
        used = sets.order
        entry, cluster = (None if v is None else v[used] for v in (sets.entry, cluster))
        return concordance(
            sets.time[used], sets.event[used], self._beta @ self._Z, entry, sets.stratum[used],
            self.weights[used], cluster,
        )  # fmt: skip


def _collect(places: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Add up values (last dimension) by their places."""
    if values.ndim == 1:
        return np.bincount(places, values, minlength=count)
    return np.array([np.bincount(places, row, minlength=count) for row in values])


def cox(
    time: np.ndarray,
    event: np.ndarray,
    X: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    ties: str = "efron",
    names: Sequence[str] | None = None,
) -> CoxFit:
    """Fit Cox's proportional hazards model by maximum partial likelihood.

    Parameters
    ----------
    time : end of follow-up; event : whether it ended with the event; X : people x p covariates.
    entry : start of follow-up (left truncation: at risk where entry < t <= time).
    strata : codes; each stratum has a baseline hazard of its own.
    weights : case weights, above zero.
    ties : `efron` or `breslow`.
    names : of the columns of X, for sentences.
    The arrays are not copied: leave them as they are while the fit is asked for more.

    Returns
    -------
    A `CoxFit`: `coefficients`, `variance`, `standard_errors`, `log_likelihood_null`,
    `log_likelihood`, `score_statistic`, `robust_variance`, residuals, `proportional_hazards`,
    `baseline`, `survival`, `concordance`, `resampled`.

    Raises
    ------
    AnalysisError : no event, constant or collinear covariates, separation, no convergence.

    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi 10.2307/2286217.
    """
    X = np.asarray(X, dtype=float)
    X = X[:, None] if X.ndim == 1 else X
    names = [f"column {j + 1}" for j in range(X.shape[1])] if names is None else list(names)
    if ties not in ("efron", "breslow"):
        raise AnalysisError("Ties are 'efron' or 'breslow'.")
    time, entry, weights = (
        None if v is None else np.asarray(v, dtype=float) for v in (time, entry, weights)
    )
    return CoxFit((time, event, entry, strata), X, weights, ties, names)._fit()


def derivatives(
    time: np.ndarray, event: np.ndarray, X: np.ndarray, coefficients: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Work out Cox's log partial likelihood and its derivatives at given coefficients.

    Nothing is fitted: ties are Efron's, and a constant covariate, which the likelihood knows
    nothing of, has a score and an information of nought.

    Parameters
    ----------
    time : end of follow-up; event : whether it ended with the event; X : people x p covariates.
    coefficients : p log hazard ratios, per unit of the covariates.

    Returns
    -------
    The log partial likelihood, the score (p) and the information (p x p, minus the second
    derivatives), all per unit of the covariates as they are.

    Raises
    ------
    AnalysisError : no event; a missing or infinite number; no covariate that varies; coefficients
        so large that the likelihood has no number.
    """
    X, at = np.asarray(X, dtype=float), np.asarray(coefficients, dtype=float)
    time = np.asarray(time, dtype=float)
    if not all(np.all(np.isfinite(each)) for each in (X, time, at)):
        raise AnalysisError("A time, covariate or coefficient is missing or infinite.")
    terms = X.shape[1]
    score, information = np.zeros(terms), np.zeros((terms, terms))
    varies = np.flatnonzero(np.ptp(X, axis=0) > 0)
    sets = RiskSets(time, event)
    if len(varies) == 0:
        raise AnalysisError("Everybody has the same covariates, so the model knows nothing here.")
    names = [f"column {j + 1}" for j in varies]
    fit = CoxFit((time, event, None, None), X[:, varies], None, "efron", names)
    fit.sets = sets
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        now = fit._sums(at[varies] * fit.scale)
    if not (np.isfinite(now.log_likelihood) and np.all(np.isfinite(now.information))):
        raise AnalysisError("The coefficients are so large that the likelihood has no number.")
    score[varies] = now.score * fit.scale
    information[np.ix_(varies, varies)] = now.information * np.outer(fit.scale, fit.scale)
    return float(now.log_likelihood), score, information


def _moments(time, event, entry, event_times):
    """For each event time: it, how many end before it and by it, and Kaplan-Meier just before."""
    ordered = np.sort(time)
    before = np.searchsorted(ordered, event_times, side="left")
    upto = np.searchsorted(ordered, event_times, side="right")
    table = risk_table(time, event, entry)
    survival = np.concatenate([[1.0], kaplan_meier(table).survival])
    return event_times, before, upto, survival[np.searchsorted(table.time, event_times)]


def _transformed(event_times, before, upto, survival, transform: str) -> np.ndarray:
    """Transform the event times as `cox.zph` does, from the times of everybody."""
    if transform == "identity":
        return event_times
    if transform == "log":
        if np.any(event_times <= 0):
            raise AnalysisError("An event at time 0 has no logarithm: take another transform.")
        return np.log(event_times)
    if transform == "rank":
        return (before + upto + 1) / 2
    if transform == "km":
        return 1 - survival
    raise AnalysisError("The transform of time is 'km', 'rank', 'identity' or 'log'.")


def _smallest_eigenvalue(information: np.ndarray) -> float:
    """Find the smallest eigenvalue of a matrix as one of correlations: near 0, all but singular."""
    width = np.sqrt(np.diag(information))
    return np.linalg.eigvalsh(information / np.outer(width, width))[0]


@dataclass
class _Sorted:
    """People without late entry, sorted and scaled for `cox_kernels`."""

    order: np.ndarray
    times: np.ndarray  # of the blocks
    Z: np.ndarray
    weight: np.ndarray
    edges: np.ndarray
    deaths: np.ndarray
    terms_of: np.ndarray  # Efron's terms of each block
    opens: np.ndarray  # whether a block, or the end, follows another stratum
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, time, event, strata, X, weights, ties) -> _Sorted | None:
        """Sort and scale; None where the numpy way has something to say."""
        # Numba takes arrays that cannot be written for another type, and would compile anew.
        time, X, weights = (np.require(each, float, ["C", "W"]) for each in (time, X, weights))
        event = np.require(event, bool, ["C", "W"])
        people, terms = X.shape
        if not len(time) == len(event) == len(weights) == people or 0 in X.shape:
            return None
        if not (weights.min() > 0 and np.isfinite(time).all()):
            return None
        order = np.empty(people, dtype=np.int64)
        merge = False
        stratum = np.zeros(people, dtype=np.int64)
        if strata is not None:
            (time,) = merge_times(time)
            stratum = np.unique(strata, return_inverse=True)[1].ravel()
            order[:] = np.lexsort((time, stratum))
        elif not cox_kernels.by_day(time, event, order):
            order[:] = np.argsort(time, kind="stable")
            merge = True
        edges = np.empty(people + 1, dtype=np.int64)
        deaths = np.empty(people, dtype=np.int64)
        blocks = cox_kernels.into_blocks(time, event, stratum, order, merge, edges, deaths)
        edges, deaths = edges[: blocks + 1], deaths[:blocks]
        Z = np.empty((people, -(terms + 1) // cox_kernels.WIDE * -cox_kernels.WIDE))
        weight, centre, scale = np.empty(people), np.empty(terms), np.empty(terms)
        sound = cox_kernels.scaled(X, weights, order, Z, weight, centre, scale)
        if not (sound and deaths.any()):
            return None
        terms_of = deaths if ties == "efron" else np.minimum(deaths, 1)
        opens = np.zeros(blocks + 1, dtype=bool)
        opens[[0, -1]] = True
        if strata is not None:
            opens[1:-1] = np.diff(stratum[order[edges[:-1]]]) > 0
        return cls(order, time, Z, weight, edges, deaths, terms_of, opens, centre, scale)

    @property
    def arrays(self) -> tuple:
        """What every kernel asks for first."""
        return self.Z, self.weight, self.edges, self.deaths, self.terms_of, self.opens

    def _at(self, beta) -> tuple:
        """Work out the sums over the risk sets at coefficients of the scaled covariates."""
        padded = np.zeros(self.Z.shape[1])
        padded[: len(beta)] = beta
        relative = np.empty(len(self.Z))
        cox_kernels.relative_hazards(self.Z, padded, relative)
        blocks = (len(self.deaths), self.Z.shape[1])
        sums, dying, numbers = np.empty(blocks), np.empty(blocks), np.empty((blocks[0], 5))
        Z, weight, *blocks = self.arrays
        found = (Z, weight, relative, *blocks, sums, dying, numbers)
        cox_kernels.at_risk(*found)
        return found

    def resampled(self, beta, times_drawn, ties) -> np.ndarray | None:
        """Climb from `beta` with people drawn so often; None where that does not end well."""
        weight = times_drawn[self.order].astype(float)
        dead = np.concatenate([[0.0], np.cumsum(weight)])
        first = self.edges[:-1]
        dead = (dead[first + self.deaths] - dead[first]).astype(np.int64)
        terms_of = dead if ties == "efron" else np.minimum(dead, 1)
        if not dead.any():
            return None
        terms, wide = len(beta), self.Z.shape[1]
        found, at_start, variance = np.zeros(wide), np.empty((wide, wide)), np.empty((terms, terms))
        found[:terms] = beta
        code, determinant, *_ = cox_kernels.climb(
            self.Z, weight, self.edges, self.deaths, terms_of, self.opens,
            terms, STEP, RUNAWAY, ITERATIONS, found, at_start, variance,
        )  # fmt: skip
        sound = code == cox_kernels.DONE and determinant >= 10 * COLLINEAR
        if not (sound and np.isfinite(variance).all() and np.diag(variance).max() <= UNBOUNDED):
            return None
        return found[:terms]

    def score_residuals(self, beta) -> np.ndarray:
        """Score residuals of people in their own order, of the scaled covariates, people x p."""
        out = np.empty_like(self.Z)
        cox_kernels.influence(*self._at(beta), out)
        back = np.empty((len(out), len(beta)))
        back[self.order] = out[:, : len(beta)]
        return back

    def curvatures(self, beta, weights) -> list[tuple[np.ndarray, np.ndarray]]:
        """Score and information with each block weighted, for each set of weights."""
        own, ones = slice(len(beta)), len(beta)
        sums, found = self._at(beta), []
        seen = np.zeros(self.Z.shape[1])
        for by in weights:
            total = np.empty((len(seen), len(seen)))
            expected = cox_kernels.curvature(*sums, by, total)[own, ones]
            cox_kernels.observed(*self.arrays[:-1], by, seen)
            found.append((seen[own] - expected, total[own, own]))
        return found

    def transformed(self, transform, sets) -> np.ndarray:
        """Transform the event times as `_transformed`; `sets` gives them where there are strata."""
        dying = self.deaths > 0
        if self.opens[1:-1].any():
            sets = sets()
            return _transformed(*_moments(sets.time, sets.event, None, sets.event_times), transform)
        before, upto = self.edges[:-1], self.edges[1:]
        alive = np.cumprod(1 - self.deaths / (len(self.order) - before))
        alive = np.concatenate([[1.0], alive[:-1]])
        times = self.times[self.order[before]]
        # Times that are equal but for rounding are the smallest of them.
        return _transformed(times[dying], before[dying], upto[dying], alive[dying], transform)


# -- concordance ---------------------------------------------------------------------------------


def concordance(
    time, event, predictor, entry=None, strata=None, weights=None, cluster=None
) -> tuple[float, float]:
    """Share of comparable pairs of which the person with the higher hazard has the event first.

    Ties of the predictor count half. Returns the share and its standard error (infinitesimal
    jackknife, by person or by cluster), both as R's `concordance`. Harrell and others 1982,
    doi 10.1001/jama.1982.03320430047030.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    weights = np.ones(len(time)) if weights is None else np.asarray(weights, dtype=float)
    strata = np.zeros(len(time), dtype=int) if strata is None else np.asarray(strata)
    # Equal covariates may give predictors that differ in the last digit.
    rank = np.unique(np.round(predictor, 10), return_inverse=True)[1].ravel().astype(float)
    first, agree, pairs = (np.zeros(len(time)) for _ in range(3))
    first_pairs = np.zeros(len(time))
    for each in np.unique(strata):
        i = np.flatnonzero(strata == each)
        died, y, w = event[i], rank[i], weights[i]
        times, place = np.unique(time[i], return_inverse=True)
        # A censoring at the time of an event comes after it.
        moment = 2 * place.ravel() + ~died
        leaves = [(1.0, moment)]
        if entry is not None:
            # Who enters at or after an event makes no pair with it.
            leaves.append((-1.0, 2 * np.searchsorted(times, entry[i], side="right") - 1))
        for sign, x in leaves:
            for above, share in ((0.0, 0.5), (0.5, 0.5), (np.inf, 1.0)):
                lower = _weight_beyond(x, y, w, moment[died], y[died] + above)
                higher = _weight_beyond(-moment[died], -y[died], w[died], -x, above - y)
                to = (first, agree) if np.isfinite(above) else (first_pairs, pairs)
                to[0][i[died]] += sign * share * lower
                to[1][i] += sign * share * higher
    total = weights @ first_pairs
    # Differences of running sums leave a hair where there is no pair at all.
    if not total > 1e-12 * weights.sum() ** 2:
        raise AnalysisError("No two people can be compared, so there is no concordance.")
    share = weights @ first / total
    influence = weights * (first + agree - share * (first_pairs + pairs)) / total
    if cluster is not None:
        influence = np.bincount(np.unique(cluster, return_inverse=True)[1].ravel(), influence)
    return float(share), float(np.sqrt(influence @ influence))


def _weight_beyond(x, y, weight, at_x, at_y) -> np.ndarray:
    """For each query, sum the weights of the points with x above `at_x` and y below `at_y`.

    Counts at each level of a merge, so n log(n) steps and not n squared.
    """
    query = np.concatenate([np.zeros(len(x), bool), np.ones(len(at_x), bool)])
    values = np.concatenate([weight, np.zeros(len(at_x))])
    # From the highest x down; of equal ones the query comes first and does not count the point.
    place = np.empty(len(query), dtype=np.intp)
    place[np.lexsort((~query, -np.concatenate([x, at_x])))] = np.arange(len(query))
    by_y = np.lexsort((~query, np.concatenate([y, at_y])))
    out = np.zeros(len(query))
    for level in range(int(len(query) - 1).bit_length()):
        block = place[by_y] >> (level + 1)
        order = np.argsort(block, kind="stable")
        block, people = block[order], by_y[order]
        left = (place[people] >> level) % 2 == 0
        counted = np.where(left, values[people], 0.0)
        running = np.cumsum(counted)
        start = np.searchsorted(block, block)
        out[people] += np.where(left, 0.0, running - running[start] + counted[start])
    return out[len(x) :]


# -- risk tables ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class RiskTable:
    """People at risk at each distinct time of one group, and what happened then.

    `events` has a row a cause (one row where there is one cause).
    """

    time: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray


def risk_table(
    time: np.ndarray, cause: np.ndarray, entry: np.ndarray | None = None, causes: int | None = None
) -> RiskTable:
    """Count who is at risk, who has an event and who is censored at each distinct time.

    Parameters: `time`, end of follow-up; `cause`, 0 where censored, else 1, 2, ... (or boolean);
    `entry`, start of follow-up (at risk where entry < t <= time); `causes`, how many there are.
    """
    time, cause = np.asarray(time, dtype=float), np.asarray(cause).astype(np.intp)
    if len(time) == 0:
        raise AnalysisError("A group without people has no survival curve.")
    if entry is None:
        (time,) = merge_times(time)
    else:
        time, entry = merge_times(time, np.asarray(entry, dtype=float))
    times, place, leaving = np.unique(time, return_inverse=True, return_counts=True)
    place = place.ravel()
    at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    if entry is not None:
        at_risk = at_risk - (len(time) - np.searchsorted(np.sort(entry), times, side="left"))
    count = int(causes or max(1, cause.max()))
    by_cause = np.bincount(place * (count + 1) + cause, minlength=len(times) * (count + 1))
    by_cause = by_cause.reshape(len(times), count + 1).T
    return RiskTable(times, at_risk, by_cause[1:], by_cause[0])


@dataclass(frozen=True)
class Curve:
    """A survival curve: probability of no event, error of its logarithm, 95% log-log interval."""

    time: np.ndarray
    survival: np.ndarray
    log_error: np.ndarray
    low: np.ndarray
    high: np.ndarray


def kaplan_meier(table: RiskTable) -> Curve:
    """Estimate the survival curve with Kaplan-Meier and Greenwood's error.

    The interval is log-log and empty where the curve is 1 or 0, as in R.
    """
    events, n = table.events.sum(axis=0), table.at_risk
    survival = np.cumprod(1 - events / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_error = np.sqrt(np.cumsum(events / (n * (n - events).astype(float))))
        low, high = log_log_interval(survival, log_error)
    return Curve(table.time, survival, log_error, low, high)


def log_log_interval(probability: np.ndarray, log_error: np.ndarray):
    """95% interval of a probability, symmetric for log(-log p); empty at 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where((probability > 0) & (probability < 1), probability, np.nan)
        middle = np.log(-np.log(inside))
        width = Z95 * log_error / np.log(inside)
        # Beyond that the outer power is nought anyway, and the inner one overflows.
        largest = 700.0
        ends = (np.minimum(middle + side * width, largest) for side in (-1, 1))
        low, high = (np.exp(-np.exp(end)) for end in ends)
        return low, high


def reached(time: np.ndarray, curve: np.ndarray, level: float = 0.5) -> float:
    """First time at which a curve is at or below the level; the middle where it runs along it.

    As R's median of a survival curve; NaN where the level is not reached.
    """
    same = np.sqrt(np.finfo(float).eps)
    with np.errstate(invalid="ignore"):
        below = curve < level + same
    if not below.any():
        return float("nan")
    time, curve = time[below], curve[below]
    lower = curve < curve[0]
    if abs(curve[0] - level) < same and lower.any():
        return float((time[0] + time[lower][0]) / 2)
    return float(time[0])


def restricted_mean(table: RiskTable, horizon: float) -> tuple[float, float]:
    """Mean survival time up to the horizon and its standard error (Greenwood type, as in R).

    Raises AnalysisError where follow-up ends before the horizon with people still without event.
    """
    events, n = table.events.sum(axis=0), table.at_risk
    survival = np.cumprod(1 - events / n)
    # Times that differ by rounding only are equal, as in `merge_times`.
    if horizon > table.time[-1] * (1 + 1e-12) and survival[-1] > 0:
        raise AnalysisError("Follow-up ends before the horizon, so the mean up to it is not known.")
    within = table.time <= horizon
    edges = np.concatenate([[0.0], table.time[within], [horizon]])
    pieces = np.diff(edges) * np.concatenate([[1.0], survival[within]])
    after = np.cumsum(pieces[::-1])[::-1][1:]
    left = (n - events)[within]
    hazard = np.where(left > 0, events[within] / (n[within] * np.maximum(left, 1.0)), 0.0)
    return float(pieces.sum()), float(np.sqrt(after**2 @ hazard))


def aalen_johansen(table: RiskTable) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each cause by each time, with the other causes at work; and its error.

    The error is the infinitesimal jackknife, which equals Greenwood's multinomial one: R's
    `survfit` gives it, `cmprsk` another (fourth digit). Returns two arrays, causes x times.
    Aalen and Johansen 1978.
    """
    n, every = table.at_risk.astype(float), table.events.sum(axis=0)
    after = np.cumprod(1 - every / n)
    before = np.concatenate([[1.0], after[:-1]])
    incidence = np.cumsum(before * table.events / n, axis=1)
    weight = (before / n) ** 2
    inverse = np.divide(1.0, after, out=np.zeros_like(after), where=after > 0)
    own = table.events - table.events**2 / n
    cross = (table.events - table.events * every / n) * inverse
    both = (every - every**2 / n) * inverse**2
    # Sum over times k up to t of own - 2 (F(t) - F(k)) cross + (F(t) - F(k))^2 both, by powers.
    constant = own + 2 * incidence * cross + incidence**2 * both
    linear = -2 * (cross + incidence * both)
    sums = [np.cumsum(weight * part, axis=1) for part in (constant, linear)]
    variance = sums[0] + incidence * sums[1] + incidence**2 * np.cumsum(weight * both)
    return incidence, np.sqrt(np.maximum(variance, 0.0))


def log_rank(
    time: np.ndarray, event: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed and expected events of each group (codes 0, 1, ...) and their covariance.

    The covariance is hypergeometric, exact at ties. Mantel 1966; Peto and Peto 1972,
    doi 10.2307/2344317.
    """
    (time,) = merge_times(np.asarray(time, dtype=float))
    event, group = np.asarray(event, dtype=bool), np.asarray(group)
    times, deaths = np.unique(time[event], return_counts=True)
    groups = int(group.max()) + 1
    at_risk = np.array(
        [
            (own := np.sort(time[group == g])).size - np.searchsorted(own, times)
            for g in range(groups)
        ]
    )
    return np.bincount(group[event], minlength=groups), *log_rank_of_counts(at_risk, deaths)


def log_rank_of_counts(at_risk: np.ndarray, deaths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected events of each group and their covariance, from counts; see `log_rank`.

    Parameters: how many of each group are at risk at each event time (groups x times); how many
    events all of them have then.
    """
    n = at_risk.sum(axis=0)
    share = at_risk / n
    spread = deaths * (n - deaths) / np.maximum(n - 1, 1)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    return share @ deaths, covariance


def pseudo_restricted_mean(time: np.ndarray, event: np.ndarray, horizon: float) -> np.ndarray:
    """Each person's pseudo-value of the restricted mean: n times all less (n - 1) times without.

    The curve without each person comes from two running products, not from n curves. Andersen,
    Hansen and Klein 2004, doi 10.1007/s10985-004-4771-0.
    """
    (time,) = merge_times(np.asarray(time, dtype=float))
    event = np.asarray(event, dtype=bool)
    table = risk_table(time, event)
    people, n, d = len(time), table.at_risk.astype(float), table.events[0]
    all_mean, _ = restricted_mean(table, horizon)
    edges = np.minimum(np.append(table.time, np.inf), horizon)
    lengths = np.diff(edges)
    # Up to the person's own time the risk sets are one smaller; afterwards they are as they were.
    fewer = np.cumprod(1 - np.divide(d, n - 1, out=np.zeros(len(n)), where=n > 1))
    area = np.concatenate([[0.0], np.cumsum(fewer * lengths)]) + edges[0]
    whole = np.cumprod(1 - d / n)
    rest = np.cumsum((whole * lengths)[::-1])[::-1]
    # Where the curve has reached 0 only the length matters: the last factor below decides.
    rest = np.where(whole > 0, rest / np.where(whole > 0, whole, 1.0), lengths)
    k = np.searchsorted(table.time, time)
    before = np.concatenate([[1.0], fewer])[k]
    others = n[k] - 1
    factor = 1 - np.divide(d[k] - event, others, out=np.zeros(people), where=others > 0)
    up_to = np.concatenate([[edges[0]], area[1:]])[k]
    without = up_to + before * factor * rest[k]
    return people * all_mean - (people - 1) * without
