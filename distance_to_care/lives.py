"""From a hazard ratio to lives: people of 100 and months, with the doubt of ratio and survival.

A ratio says how much faster one group dies than another. How many people that is depends on how
fast people die at all, and on whom the published survival stands for: the group with the lower
death rate, or everybody. Every function takes tables of published figures and returns a tidy
table; hazards are taken to be proportional.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from distance_to_care.problems import AnalysisError

# An interval from fewer draws is not worth its name.
FEWEST_DRAWS = 100
# Published intervals are not quite even on this scale, and they are rounded.
LOPSIDED, ROUNDING = 2.0, 0.05
Z_95 = 1.959963984540054
MONTHS = 12
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
ALIVE, LIVED = "alive", "restricted mean"
UNITS = {ALIVE: "of 100 people", LIVED: "months"}
PER_UNIT = {ALIVE: 100, LIVED: MONTHS}
LIMITS = ["ci_low", "ci_high"]


def survival_points(published: pd.DataFrame, years: Mapping[str, float | None]) -> pd.DataFrame:
    """Read published survival, mortality and medians as points of one curve.

    Parameters
    ----------
    published : rows of the published estimates: `id, measure, outcome, estimate, ci_low, ci_high`;
        a `percentage` of people alive or dead (where `outcome` begins with `death`), or a `median`
        in years.
    years : for each row of the curve its time in years; None for a median, which is a time itself.

    Returns
    -------
    `time_years, estimate, ci_low, ci_high`, a row a point, by time: the share alive (0 to 1) and
    its interval. The interval of a median is turned into one of the share alive at the median, if
    the death rate is constant.

    Raises
    ------
    AnalysisError : for a row that is not there, or a measure that says nothing of survival.
    """
    rows = published.set_index("id")
    lost = sorted(set(years) - set(rows.index))
    if lost:
        raise AnalysisError(f"No published row is named {', '.join(lost)}.")
    points = [_point(rows.loc[name], time) for name, time in years.items()]
    table = pd.DataFrame(points, columns=["time_years", "estimate", *LIMITS])
    return table.sort_values("time_years", ignore_index=True)


def _point(row: pd.Series, time: float | None) -> tuple[float, ...]:
    values = row[["estimate", *LIMITS]].to_numpy(float)
    if row["measure"] == "median" and time is None:
        # A longer median is a higher survival at any fixed time.
        return values[0], *(0.5 ** (values[0] / values))
    if row["measure"] != "percentage" or time is None:
        raise AnalysisError(
            f"The row '{row.name}' is no point of a survival curve: give a percentage with its "
            "time in years, or a median without one."
        )
    shares = values / 100
    if str(row["outcome"]).startswith("death"):
        shares = 1 - shares[[0, 2, 1]]
    return time, *shares


class _Curve(NamedTuple):
    """Points of a survival curve: times, logs of the cumulative hazard, standard errors, shape."""

    times: np.ndarray
    logs: np.ndarray
    errors: np.ndarray
    shape: float

    def hazards(self, logs: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Cumulative hazards at times (columns) of curves through these points (rows)."""
        if len(self.times) > 2:
            return np.exp(logs) @ self._between(at)
        slope = np.full((len(logs), 1), self.shape)
        if len(self.times) == 2:
            slope = np.diff(logs) / np.log(self.times[1] / self.times[0])
        with np.errstate(divide="ignore"):  # at the start the logarithm is minus infinity: zero
            return np.exp(logs[:, :1] + slope * np.log(at / self.times[0]))

    def _between(self, at: np.ndarray) -> np.ndarray:
        """How much each point counts at each time: a constant hazard between, the last beyond."""
        times = np.array([0, *self.times])
        right = np.clip(np.searchsorted(times, at, side="left"), 1, len(times) - 1)
        along = (at - times[right - 1]) / (times[right] - times[right - 1])
        counts = np.zeros((len(times), len(at)))
        counts[right, np.arange(len(at))] = along
        counts[right - 1, np.arange(len(at))] = 1 - along
        return counts[1:]

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Draw logs of the cumulative hazard, as one cohort would give them.

        A cohort's cumulative hazard grows by independent steps, so that two points agree the more
        the nearer they are (Greenwood's variance).
        """
        variance = np.maximum.accumulate((self.errors * np.exp(self.logs)) ** 2)
        if not variance[-1] > 0:
            return np.tile(self.logs, (count, 1))
        steps = np.sqrt(np.diff(variance, prepend=0.0))
        path = (random.standard_normal((count, len(steps))) * steps).cumsum(axis=1)
        logs = self.logs + self.errors * path / np.sqrt(variance)
        return np.maximum.accumulate(logs, axis=1)


def gap(
    points: pd.DataFrame,
    hazard_ratio: float,
    ci_low: float = np.nan,
    ci_high: float = np.nan,
    *,
    times: Sequence[float],
    horizons: Sequence[float],
    mix: pd.DataFrame | None = None,
    shape: float = 1.0,
    draws: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """Turn a hazard ratio into people of 100 alive and months lived, with the doubt of both.

    One point gives a curve with a constant death rate (or a Weibull curve of the given shape); two
    give the Weibull curve through them; more give a constant death rate between points, and the
    last one beyond. The months are the restricted mean: the average time lived up to a horizon
    (Royston & Parmar 2013, doi 10.1186/1471-2288-13-152). The interval comes from draws: the log
    ratio is normal, and so is the log of the cumulative hazard at each point, which grows by
    independent steps.

    Parameters
    ----------
    points : `time_years`, `estimate` (share alive, 0 to 1), `ci_low`, `ci_high`; see
        `survival_points`. Without an interval the survival is taken as known.
    hazard_ratio, ci_low, ci_high : exposed against reference, with its 95% interval; without one
        the ratio is taken as known.
    times : years at which people alive are counted.
    horizons : years up to which months are counted.
    mix : whom the survival stands for: none for the reference group, or a row a group of everybody
        with its `share` of people and its `place` on the way from the reference group (0) to the
        exposed (1), along which the log of the hazard rises evenly. The survival of the reference
        group is then solved for, so that the groups together have the published survival.
    shape : of the curve through one point; 1 is a constant death rate.
    draws, seed : how many draws make the interval, and their seed.

    Returns
    -------
    `measure` (`alive` or `restricted mean`), `group` (`reference`, `exposed`, and how many `fewer`
    of the exposed; negative for a ratio below 1), `time_years`, `estimate, ci_low, ci_high, unit`
    (of 100 people, months). The interval is empty for what is taken as known.

    Raises
    ------
    AnalysisError : for survival that does not fall from point to point within 0 to 1, an interval
        with one end or that its estimate lies outside of, times before zero, or a mix whose
        shares do not add up to 1 or whose places lie outside 0 to 1; for an interval of survival
        that is far from even on the scale of the draws, and for too few draws.
    """
    curve, ratio, error = _curve(points, shape), *_log_ratio(hazard_ratio, ci_low, ci_high)
    if not all(0 <= time < np.inf for time in (*times, *horizons)):
        raise AnalysisError("People alive and months lived are counted at zero years or later.")
    if draws < FEWEST_DRAWS:
        raise AnalysisError(f"An interval needs {FEWEST_DRAWS} draws or more.")
    groups = _groups(mix)
    at, weights = _grid(curve.times, list(times), list(horizons))
    best = _told(curve.hazards(curve.logs[None], at), np.array([ratio]), groups, weights)
    spread: list | np.ndarray = np.full((2, best.shape[1]), np.nan)
    if error > 0 or curve.errors.any():
        random = np.random.default_rng(seed)
        ratios = ratio + error * random.standard_normal(draws)
        told = _told(curve.hazards(curve.draw(draws, random), at), ratios, groups, weights)
        spread = np.quantile(told, [0.025, 0.975], axis=0)
    wanted = [(ALIVE, time) for time in times] + [(LIVED, horizon) for horizon in horizons]
    keys = [
        (measure, group, float(time), UNITS[measure])
        for group in ("reference", "exposed", "fewer")
        for measure, time in wanted
    ]
    table = pd.DataFrame(keys, columns=["measure", "group", "time_years", "unit"])
    scale = table["measure"].map(PER_UNIT)
    table["estimate"], table["ci_low"], table["ci_high"] = (
        scale * values for values in (best[0], *spread)
    )
    # What is taken as known has no interval.
    table.loc[table["ci_high"] - table["ci_low"] < 1e-9, LIMITS] = np.nan
    return table[["measure", "group", "time_years", "estimate", *LIMITS, "unit"]]


def mixture(people: Sequence[float], places: Sequence[float]) -> pd.DataFrame:
    """Describe whom a survival stands for: groups, how many they are, and how fast they die.

    Parameters
    ----------
    people : how many people each group has, the reference group first and the exposed last.
    places : where each group stands between the reference group (0) and the exposed (1).

    Returns
    -------
    `share` and `place`, a row a group, as `gap` asks for.

    Raises
    ------
    AnalysisError : for places outside 0 to 1 or other numbers of people than of places.
    """
    people, places = np.array(people, dtype=float), np.array(places, dtype=float)
    if people.shape != places.shape or not (people >= 0).all() or not 0 < people.sum() < np.inf:
        raise AnalysisError("A mix has people for each group and a place for each group.")
    _places(places)
    return pd.DataFrame({"share": people / people.sum(), "place": places})


def gaps(
    survivals: Mapping[str, pd.DataFrame],
    findings: pd.DataFrame,
    people: Mapping[str, Sequence[float]],
    readings: Mapping[str, Sequence[float]],
    **how,
) -> pd.DataFrame:
    """Work out `gap` for every published survival, every finding and every reading of survival.

    Parameters
    ----------
    survivals : for each name of a survival its points (`survival_points`).
    findings : one row a finding, its name as the index: `estimate, ci_low, ci_high` of the ratio.
    people : for each finding how many people each group has, the reference group first.
    readings : for each name of a reading the place of each group (see `mixture`); no place where
        the survival stands for the reference group.
    how : the other parameters of `gap`.

    Returns
    -------
    The rows of `gap` with `exposure` (the finding), `study` (the survival), `scenario` (the
    reading) and `estimand`, which joins these, the measure, the group and the time by points.

    Raises
    ------
    AnalysisError : as `gap` and `mixture`.
    """
    made = []
    for finding, ratio in findings[["estimate", *LIMITS]].iterrows():
        for reading, places in readings.items():
            mix = mixture(people[finding], places) if len(places) else None
            for survival, points in survivals.items():
                table = gap(points, *ratio, mix=mix, **how)
                made.append(table.assign(exposure=finding, study=survival, scenario=reading))
    return _with_names(pd.concat(made, ignore_index=True), ["exposure", "study", "scenario"])


def lowest_to_highest(table: pd.DataFrame, study: str, scenario: str) -> pd.DataFrame:
    """Find the range over all survivals and readings, and the outermost ends of the intervals.

    Parameters
    ----------
    table : what `gaps` returned.
    study, scenario : the survival and the reading whose estimate stands beside the range.

    Returns
    -------
    `exposure, measure, group, time_years, unit, estimate, low, high, ci_low, ci_high, estimand`:
    the lowest and the highest estimate, the lowest lower end and the highest upper end.

    Raises
    ------
    AnalysisError : where the table has no such survival or reading.
    """
    keys = ["exposure", "measure", "group", "time_years", "unit"]
    ends = {"low": ("estimate", "min"), "high": ("estimate", "max")}
    ends |= {"ci_low": ("ci_low", "min"), "ci_high": ("ci_high", "max")}
    beside = table[(table["study"] == study) & (table["scenario"] == scenario)]
    if beside.empty:
        raise AnalysisError(f"No survival is named {study}, or none is read as {scenario}.")
    over = table.groupby(keys, as_index=False).agg(**ends)
    return _with_names(over.merge(beside[[*keys, "estimate"]], on=keys), ["exposure"])


def _with_names(table: pd.DataFrame, before: list[str]) -> pd.DataFrame:
    """Name each row by what it is about: `exposure.study.scenario.months.fewer.5`."""
    parts = [table[column] for column in before]
    parts += [table["measure"].map({ALIVE: "alive", LIVED: "months"}), table["group"]]
    parts += [table["time_years"].map("{:g}".format)]
    return table.assign(estimand=[".".join(row) for row in zip(*parts, strict=True)])


def doubt(
    points: pd.DataFrame, hazard_ratio: float, ci_low: float, ci_high: float, **how
) -> pd.DataFrame:
    """Set side by side the intervals that come from the ratio, from the survival, and from both.

    Parameters
    ----------
    points, hazard_ratio, ci_low, ci_high : as for `gap`.
    how : the other parameters of `gap`.

    Returns
    -------
    The rows of `gap` once for each `scenario`, whose doubt is counted: `both`, `ratio_only` and
    `survival_only`; and `estimand`, which joins it, the measure, the group and the time by points.

    Raises
    ------
    AnalysisError : as `gap`.
    """
    known = points.assign(ci_low=np.nan, ci_high=np.nan)
    ways = {
        "both": (points, hazard_ratio, ci_low, ci_high),
        "ratio_only": (known, hazard_ratio, ci_low, ci_high),
        "survival_only": (points, hazard_ratio),
    }
    each = [gap(*given, **how).assign(scenario=way) for way, given in ways.items()]
    return _with_names(pd.concat(each, ignore_index=True), ["scenario"])


def _log_ratio(ratio: float, low: float, high: float) -> tuple[float, float]:
    """Check a ratio and its interval; return its logarithm and that one's standard error."""
    ends = np.array([low, high])
    if not 0 < ratio < np.inf or (ends <= 0).any() or np.isinf(ends).any():
        raise AnalysisError("A ratio and the ends of its interval are above 0, and finite.")
    _ends(pd.DataFrame({"estimate": [ratio], "ci_low": [low], "ci_high": [high]}))
    error = 0.0 if np.isnan(low) else np.log(high / low) / (2 * Z_95)
    return float(np.log(ratio)), float(error)


def _ends(table: pd.DataFrame) -> None:
    if (table["ci_low"].isna() != table["ci_high"].isna()).any():
        raise AnalysisError("An interval has two ends: give both, or neither.")
    if (table["ci_low"] > table["estimate"]).any() or (table["ci_high"] < table["estimate"]).any():
        raise AnalysisError("An estimate lies outside its interval.")


def _curve(points: pd.DataFrame, shape: float) -> _Curve:
    """Check the points of a curve; turn them into logs of the cumulative hazard."""
    points = points.sort_values("time_years")
    shares = points[["estimate", *LIMITS]].astype(float)
    known = shares.to_numpy()[shares.notna().to_numpy()]
    if not len(points) or shares["estimate"].isna().any() or not ((known > 0) & (known < 1)).all():
        raise AnalysisError("Survival is a share of people between 0 and 1, both excluded.")
    _ends(shares)
    if shares["ci_low"].isna().any() and shares["ci_low"].notna().any():
        raise AnalysisError("Give every point of a curve its interval, or none.")
    times = points["time_years"].to_numpy(float)
    if times[0] <= 0 or (np.diff(times) <= 0).any() or (shares["estimate"].diff() >= 0).any():
        raise AnalysisError("Survival falls from point to point, each at a time of its own.")
    if not shape > 0:
        raise AnalysisError("The shape of a curve is above 0.")
    logs = np.log(-np.log(shares))
    _even(logs)
    # A low share alive is a high hazard, so the ends change places.
    errors = ((logs["ci_low"] - logs["ci_high"]) / (2 * Z_95)).fillna(0.0)
    return _Curve(times, logs["estimate"].to_numpy(), errors.to_numpy(), float(shape))


def _even(logs: pd.DataFrame) -> None:
    """Refuse an interval that no normal distribution of the log cumulative hazard resembles."""
    below, above = logs["ci_low"] - logs["estimate"], logs["estimate"] - logs["ci_high"]
    short, long = np.minimum(below, above), np.maximum(below, above)
    if (long > LOPSIDED * short + ROUNDING).any():
        raise AnalysisError(
            "An interval of survival reaches much farther to one side of its estimate than to the "
            "other, on the scale of the log cumulative hazard: look for a misread digit."
        )


def _places(places: np.ndarray) -> None:
    if not ((places >= 0) & (places <= 1)).all():
        raise AnalysisError("A place lies between 0 (the reference group) and 1 (the exposed).")


def _groups(mix: pd.DataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    """Shares and places of the groups that the survival stands for."""
    if mix is None:
        return np.ones(1), np.zeros(1)
    shares, places = mix["share"].to_numpy(float), mix["place"].to_numpy(float)
    if not (shares >= 0).all() or not np.isclose(shares.sum(), 1):
        raise AnalysisError("The shares of the groups add up to 1.")
    _places(places)
    # Groups that die at the same rate are one group.
    places, which = np.unique(places, return_inverse=True)
    return np.bincount(which, weights=shares), places


def _grid(
    knots: np.ndarray, times: list[float], horizons: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out times, and how each counts: rows of weights for people alive and for time lived."""
    end = max(horizons, default=0)
    # A Weibull curve is steep at its start, so the first year is cut more finely.
    cuts = (1 / 64, 1 / 8, *knots, *horizons, *range(1, int(end) + 1))
    inner = [cut for cut in cuts if cut < end]
    edges = np.array(sorted({0.0, *map(float, inner), float(end)}))
    half = np.diff(edges)[:, None] / 2
    nodes = ((edges[:-1] + edges[1:])[:, None] / 2 + half * NODES).ravel()
    lengths = (half * WEIGHTS).ravel()
    at = np.array([*times, *nodes], dtype=float)
    alive = np.eye(len(times), len(at))
    lived = [np.concatenate([np.zeros(len(times)), lengths * (nodes < h)]) for h in horizons]
    return at, np.vstack([alive, *lived])


def _told(hazards, ratios, groups, weights) -> np.ndarray:
    """People alive and time lived: of the reference group, the exposed, and the difference."""
    reference = _reference(hazards, ratios, *groups)
    exposed = reference * np.exp(ratios)[:, None]
    one, other = (np.exp(-each) @ weights.T for each in (reference, exposed))
    return np.hstack([one, other, one - other])


def _reference(hazards, ratios, shares, places) -> np.ndarray:
    """Solve for the reference group's cumulative hazard, given everybody's."""
    if not places.any():  # everybody is the reference group
        return hazards
    return base_hazards(hazards, np.exp(ratios[:, None] * places), shares)


def base_hazards(hazards: np.ndarray, rates: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Solve for the cumulative hazard of a rate of 1, given that of all groups together.

    The survival of everybody falls and is convex in it, so Newton's steps from the left never
    overshoot.

    Parameters
    ----------
    hazards : cumulative hazard of everybody, a row a draw and a column a time.
    rates : hazard of each group against a rate of 1, a row a draw and a column a group.
    shares : share of people in each group, adding up to 1; a row a draw where it differs.

    Returns
    -------
    Cumulative hazards, as `hazards`; times its rate it is that of a group.
    """
    found = hazards / rates.max(axis=1)[:, None]
    alive, shares = np.exp(-hazards), np.broadcast_to(shares, rates.shape)
    for _ in range(60):
        each = [shares[:, [k]] * np.exp(-rates[:, [k]] * found) for k in range(rates.shape[1])]
        falling = sum(rates[:, [k]] * part for k, part in enumerate(each))
        step = (sum(each) - alive) / falling
        found = found + step
        if np.abs(step).max() < 1e-13:
            break
    return found
