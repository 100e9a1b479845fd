"""Chance or more than chance: funnel plots of shares, for places of very different sizes.

A small place has an extreme share more often than a large one, by chance alone. A funnel shows how
far chance reaches at each size (Spiegelhalter 2005, Statistics in Medicine 24:1185). Where places
differ by more than chance everywhere, the funnel is widened by what they share (Spiegelhalter and
others 2012, Journal of the Royal Statistical Society A 175:1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError

LEVELS = (95.0, 99.8)
# Extreme places would widen the funnel in which they are judged: so many of them, at either end,
# count as much as the next one does.
WINSORISED = 0.1
WITHIN, ABOVE, BELOW = "within what chance explains", "higher than chance", "lower than chance"


def judge(table: pd.DataFrame, events: str, people: str, widened: bool = True) -> pd.DataFrame:
    """Set the share of every place beside what chance would do at its size.

    Parameters
    ----------
    table : one row a place.
    events, people : columns of counts: people with the event, and all people of the place.
    widened : also judge by the funnel that is widened by what places differ everywhere.

    Returns
    -------
    The rows of `table` with `estimate` (share, per cent), `z` (standard deviations from the share
    of all, on the arcsine scale), `verdict` (beyond the wider of the two plain limits or not, by
    exact binomial limits) and `verdict_widened`; in `attrs`: `share` (of all, 0 to 1), `phi` (mean
    squared z, winsorised and scaled: about 1 where chance is everything) and `spread` (standard
    deviation between places on the arcsine scale).

    Raises
    ------
    AnalysisError : fewer than three places, nobody in a place, counts that cannot be, or an event
        that nobody or everybody has.
    """
    counts, sizes = _counts(table, events, people)
    share = counts.sum() / sizes.sum()
    error = 0.5 / np.sqrt(sizes)
    z = (np.arcsin(np.sqrt(counts / sizes)) - np.arcsin(np.sqrt(share))) / error
    cut = np.quantile(z, [WINSORISED, 1 - WINSORISED])
    phi = float((z.clip(*cut) ** 2).mean() / _winsorised_square())
    spread = _spread_between(phi, error)
    inner = limits(sizes, share, LEVELS[-1])
    out = table.assign(estimate=100 * counts / sizes, z=z)
    out["verdict"] = _verdict(counts / sizes, inner["low"] / 100, inner["high"] / 100)
    if widened:
        reach = stats.norm.ppf(0.5 + LEVELS[-1] / 200) * np.sqrt(error**2 + spread**2)
        gap = z * error
        out["verdict_widened"] = _verdict(gap, -reach, reach)
    out.attrs.update(share=float(share), phi=phi, spread=spread)
    return out


def _winsorised_square() -> float:
    """Mean square of a standard normal variable whose ends are winsorised: less than one."""
    end = stats.norm.ppf(1 - WINSORISED)
    inside = 1 - 2 * WINSORISED - 2 * end * stats.norm.pdf(end)
    return float(inside + 2 * WINSORISED * end**2)


def _counts(table: pd.DataFrame, events: str, people: str) -> tuple[np.ndarray, np.ndarray]:
    counts, sizes = table[events].to_numpy(float), table[people].to_numpy(float)
    if len(table) < 3:
        raise AnalysisError(f"A funnel compares places: {len(table)} given, and it needs three.")
    wrong = ~((sizes > 0) & (counts >= 0) & (counts <= sizes))
    if wrong.any():
        raise AnalysisError(
            f"{int(wrong.sum())} of {len(table)} places have nobody, a count that is missing or "
            f"below nought, or more in '{events}' than in '{people}'. Mend or leave them out."
        )
    if counts.sum() in (0, sizes.sum()):
        raise AnalysisError(f"Nobody, or everybody, counts in '{events}': there is no funnel.")
    return counts, sizes


def _spread_between(phi: float, error: np.ndarray) -> float:
    """Standard deviation between places by moments: nought where chance explains everything."""
    weight = error**-2.0
    places = len(error)
    over = phi * places - (places - 1)
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    return float(np.sqrt(max(0.0, over / scale)))


def _verdict(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.select([value > high, value < low], [ABOVE, BELOW], WITHIN)


def limits(people: Sequence[float], share: float, level: float) -> pd.DataFrame:
    """Work out how far chance reaches at each size: exact binomial limits, made smooth.

    Counts come whole, so the limit is interpolated between the two counts around it (appendix A.1.1
    of Spiegelhalter 2005): it holds its level about, and less well below fifty people.

    Parameters
    ----------
    people : sizes of places, above 0.
    share : share of all (0 to 1).
    level : share of places that the limits hold if chance is everything, in per cent.

    Returns
    -------
    `value` (people), `low`, `high` (per cent), in the order of `people`.
    """
    sizes = np.asarray(people, float)
    ends = {}
    for end, chance in {"low": 0.5 - level / 200, "high": 0.5 + level / 200}.items():
        count = stats.binom.ppf(chance, sizes, share)
        above, exactly = stats.binom.cdf(count, sizes, share), stats.binom.pmf(count, sizes, share)
        ends[end] = 100 * np.clip((count - (above - chance) / exactly) / sizes, 0, 1)
    return pd.DataFrame({"value": sizes, **ends})


def false_alarms(places: int, level: float) -> pd.DataFrame:
    """Say how many places stand outside the limits if chance is everything.

    Parameters
    ----------
    places : number of places.
    level : share of places that the limits hold, in per cent.

    Returns
    -------
    One row: `estimate` (places expected outside), `value` (chance, per cent, that at least one is).
    """
    outside = 1 - level / 100
    at_least_one = 100 * (1 - (1 - outside) ** places)
    return pd.DataFrame({"estimate": [places * outside], "value": [at_least_one]})


def detected(people: Sequence[float], share: float, true: float, level: float) -> pd.DataFrame:
    """Work out how often a place that truly differs stands outside the limits, by its size.

    Parameters
    ----------
    people : sizes of places.
    share : share of all (0 to 1).
    true : the place's own true share (0 to 1).
    level : share of places that the limits hold, in per cent.

    Returns
    -------
    `value` (people), `estimate` (per cent of periods in which it stands outside, on its own side).
    """
    held = limits(people, share, level)
    sizes = held["value"].to_numpy()
    if true >= share:
        chance = stats.binom.sf(np.floor(held["high"] / 100 * sizes + 1e-9), sizes, true)
    else:
        chance = stats.binom.cdf(np.ceil(held["low"] / 100 * sizes - 1e-9) - 1, sizes, true)
    return pd.DataFrame({"value": sizes, "estimate": 100 * chance})


def simulate(people: Sequence[float], share: float, spread: float, seed: int) -> pd.DataFrame:
    """Draw places whose truth is known: alike but for chance, or truly different.

    Parameters
    ----------
    people : sizes of places.
    share : share of all (0 to 1).
    spread : standard deviation of the true shares, on the arcsine scale; 0 where all are alike.
    seed : whole number from 0.

    Returns
    -------
    One row a place: `people`, `events` (drawn), `true` (the share it was drawn with, 0 to 1).
    """
    rng = np.random.default_rng(seed)
    sizes = np.asarray(people, int)
    angle = np.arcsin(np.sqrt(share)) + rng.normal(0, spread, len(sizes))
    true = np.sin(angle.clip(0, np.pi / 2)) ** 2
    return pd.DataFrame({"people": sizes, "events": rng.binomial(sizes, true), "true": true})


def drawn(judged: pd.DataFrame, names: str, people: str, verdict: str = "verdict") -> pd.DataFrame:
    """Put judged places and the limits around them into one tidy table, as a figure needs it.

    Parameters
    ----------
    judged : as `judge` returns it.
    names, people : columns with the name and the size of a place.
    verdict : which verdict is told: `verdict`, or `verdict_widened`.

    Returns
    -------
    `measure` (`share` of a place, `limits`, `all`), `group` and `board` (the place), `level` (of
    the limits), `value` (people), `estimate`, `low`, `high` (per cent), `verdict`, `unit`. Widened
    limits stand where the widened verdict is told.
    """
    share, spread = judged.attrs["share"], judged.attrs["spread"]
    sizes = np.unique(np.geomspace(judged[people].min(), judged[people].max(), 40).round())
    held = []
    for level in LEVELS:
        if verdict == "verdict":
            around = limits(sizes, share, level)
        else:
            around = _widened(sizes, share, spread, level)
        held.append(around.assign(measure="limits", level=f"{level:g}"))
    places = judged.rename(columns={names: "board", people: "value", verdict: "told"})
    places = places[["board", "value", "estimate", "told"]].rename(columns={"told": "verdict"})
    # Two places may count as many people: `group` tells their rows apart.
    places["group"] = places["board"]
    everybody = pd.DataFrame([{"measure": "all", "estimate": 100 * share}])
    table = pd.concat([places.assign(measure="share"), *held, everybody], ignore_index=True)
    columns = ["measure", "group", "board", "level", "value", "estimate", "low", "high", "verdict"]
    return table[columns].assign(unit="per cent")


def _widened(sizes: np.ndarray, share: float, spread: float, level: float) -> pd.DataFrame:
    """Limits that hold chance and the spread between places, on the arcsine scale."""
    reach = stats.norm.ppf(0.5 + level / 200) * np.sqrt(0.25 / sizes + spread**2)
    middle = np.arcsin(np.sqrt(share))
    low, high = (middle + reach * side for side in (-1, 1))
    ends = [100 * np.sin(end.clip(0, np.pi / 2)) ** 2 for end in (low, high)]
    return pd.DataFrame({"value": sizes, "low": ends[0], "high": ends[1]})


def outside(judged: pd.DataFrame) -> pd.DataFrame:
    """Count the places outside the plain and the widened limits.

    Parameters
    ----------
    judged : as `judge` returns it.

    Returns
    -------
    `method` (plain or widened limits), `estimate` (places outside), `unit`, and the spread between
    places in `value` (standard deviation on the arcsine scale).
    """
    counts = {
        "plain limits": (judged["verdict"] != WITHIN).sum(),
        "widened limits": (judged["verdict_widened"] != WITHIN).sum(),
    }
    table = pd.DataFrame({"method": list(counts), "estimate": [float(n) for n in counts.values()]})
    return table.assign(unit="boards", value=judged.attrs["spread"])
