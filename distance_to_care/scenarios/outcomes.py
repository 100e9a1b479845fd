"""How long people live if their hazard is multiplied: closed forms, for many draws at once.

Survival follows a Weibull curve whose median is known, and hazards are proportional. The
functions take numbers or arrays that broadcast against one another, and return arrays; `lives`
does the same sums from published points of a curve, with their intervals.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from distance_to_care import inequality, lives
from distance_to_care.problems import AnalysisError


def alive(
    years: ArrayLike, median_years: ArrayLike, shape: ArrayLike = 1.0, ratio: ArrayLike = 1.0
) -> np.ndarray:
    """Share of people alive at a time, under a Weibull curve and proportional hazards.

    Parameters
    ----------
    years : time since the start, 0 or later.
    median_years : years after which half of the people with a ratio of 1 are alive.
    shape : of the Weibull curve; 1 is a constant death rate.
    ratio : hazard against that of the people whose median is given; 0 means that nobody dies.

    Returns
    -------
    Shares between 0 and 1, in the common shape of the four.

    Raises
    ------
    AnalysisError : a time or a ratio below 0, a median or a shape that is not above 0.
    """
    years, median_years, shape, ratio = _checked(years, median_years, shape, ratio)
    return np.exp(-ratio * np.log(2) * (years / median_years) ** shape)


def restricted_mean(
    median_years: ArrayLike, shape: ArrayLike, ratio: ArrayLike, horizon: ArrayLike
) -> np.ndarray:
    """Average years lived up to a horizon, in closed form (incomplete gamma function).

    The integral of a Weibull survival curve from 0 to the horizon (Royston & Parmar 2013,
    doi 10.1186/1471-2288-13-152).

    Parameters
    ----------
    median_years, shape, ratio : as for `alive`.
    horizon : years up to which time is counted, 0 or later.

    Returns
    -------
    Years, in the common shape of the four.

    Raises
    ------
    AnalysisError : as for `alive`.
    """
    horizon, median_years, shape, ratio = _checked(horizon, median_years, shape, ratio)
    rate = ratio * np.log(2) / median_years**shape
    # Where nobody dies, time runs to the horizon; the formula would divide by zero.
    dying = np.where(rate > 0, rate, 1.0)
    power = 1 / shape
    lived = special.gammainc(power, dying * horizon**shape) * special.gamma(1 + power)
    return np.where(rate > 0, lived * dying**-power, horizon)


def restricted_mean_while(
    median_years: ArrayLike,
    shape: ArrayLike,
    ratio: ArrayLike,
    change: ArrayLike,
    years: ArrayLike,
    horizon: ArrayLike,
) -> np.ndarray:
    """Average years lived up to a horizon, if the hazard is changed for the first years only.

    The area under a survival curve of two pieces: until the change ends, the curve of the changed
    hazard; then that of the hazard itself, from the share of people who are alive by then.

    Parameters
    ----------
    median_years, shape, ratio, horizon : as for `restricted_mean`.
    change : factor on the hazard while it is changed.
    years : for how long it is, from the start; a change beyond the horizon counts up to it.

    Returns
    -------
    Years, in the common shape of the six.

    Raises
    ------
    AnalysisError : as for `alive`.
    """
    until = np.minimum(years, horizon)
    changed = np.asarray(ratio, dtype=float) * change
    first = restricted_mean(median_years, shape, changed, until)
    whole = restricted_mean(median_years, shape, ratio, horizon)
    then = whole - restricted_mean(median_years, shape, ratio, until)
    alive_there = alive(until, median_years, shape, changed)
    unchanged = alive(until, median_years, shape, ratio)
    # Where nobody of either is alive by then, there is nothing to add.
    seen = np.where(unchanged > 0, unchanged, 1.0)
    lived = first + then * np.where(unchanged > 0, alive_there / seen, 0.0)
    # No change is none to the last digit.
    return np.where(np.asarray(change) == 1, whole, lived)


def base_ratio(ratios: ArrayLike, shares: ArrayLike) -> np.ndarray:
    """Find the factor on all hazards with which all groups together have the known median.

    With it, the mix of the groups' survival is one half at the median, whatever the shape of the
    curve; the solution is that of `lives.base_hazards`, to the last digits.

    Parameters
    ----------
    ratios : hazard of each group against any reference; the last axis holds the groups, the first
        the draws where there are several.
    shares : share of people in each group, adding up to 1; a row a draw where it differs.

    Returns
    -------
    One factor a draw; multiply the ratios by it before `alive` or `restricted_mean`.

    Raises
    ------
    AnalysisError : shares that do not add up to 1, or a ratio that is not above 0.
    """
    ratios, shares = np.asarray(ratios, dtype=float), np.asarray(shares, dtype=float)
    fits = shares.shape in (ratios.shape, ratios.shape[-1:])
    if not fits or (shares < 0).any() or not np.allclose(shares.sum(axis=-1), 1):
        raise AnalysisError("The shares of the groups add up to 1, one share a group.")
    if not ((ratios > 0) & np.isfinite(ratios)).all():
        raise AnalysisError("Every group has a hazard ratio above 0.")
    rows = ratios.reshape(-1, ratios.shape[-1])
    half = np.full((len(rows), 1), np.log(2))
    # Solved relative to the mean hazard, so that a change of reference changes nothing.
    shares = np.broadcast_to(shares, ratios.shape).reshape(rows.shape)
    mean = (rows * shares).sum(axis=1)
    found = lives.base_hazards(half, rows / mean[:, None], shares)[:, 0] / np.log(2) / mean
    return found.reshape(ratios.shape[:-1])


def slope_weights(people: ArrayLike) -> np.ndarray:
    """Weights with which outcomes of ranked groups add up to their slope index of inequality.

    The slope is linear in the outcome, so that `inequality.slope_index` of one group at a time
    gives its weight, and one product gives the slope of every draw.

    Parameters
    ----------
    people : people in each group, from the most to the least deprived.

    Returns
    -------
    One weight a group; `outcomes @ weights` is the slope, least deprived end minus most deprived.

    Raises
    ------
    AnalysisError : as `inequality.slope_index`.
    """
    return np.array(_slope_weights(tuple(np.asarray(people, dtype=float).tolist())))


@cache
def _slope_weights(people: tuple[float, ...]) -> tuple[float, ...]:
    table = pd.DataFrame({"rank": np.arange(len(people)), "people": people})
    slopes = [
        inequality.slope_index(table.assign(outcome=one), "outcome", "rank", "people")
        for one in np.eye(len(people))
    ]
    return tuple(float(slope["estimate"].iloc[0]) for slope in slopes)


def _checked(time, median_years, shape, ratio) -> tuple[np.ndarray, ...]:
    given = [np.asarray(one, dtype=float) for one in (time, median_years, shape, ratio)]
    if not ((given[0] >= 0).all() and (given[3] >= 0).all()):
        raise AnalysisError("Times and hazard ratios are 0 or more, and none is missing.")
    if not ((given[1] > 0).all() and (given[2] > 0).all()):
        raise AnalysisError("A median and the shape of a survival curve are above 0.")
    return tuple(given)
