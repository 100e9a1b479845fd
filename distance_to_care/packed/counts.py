"""People counted by group and time: all that curves, medians and tests of groups need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distance_to_care.packed import kernels
from distance_to_care.packed.people import Column
from distance_to_care.statistics import engine

# Groups x times x causes that are counted in one table; more are sorted.
TABLE = 1 << 25
BLOCK = 1 << 20


@dataclass(frozen=True)
class Counts:
    """One group: its distinct times, and how many leave then, censored (row 0) or by a cause."""

    time: np.ndarray
    leaving: np.ndarray

    @property
    def table(self) -> engine.RiskTable:
        """People at risk at each distinct time."""
        return risk_table(self.time, self.leaving[0], self.leaving[1:])

    def reversed(self) -> Counts:
        """The same people with the end of follow-up as the event, and the event as the end."""
        return Counts(self.time, self.leaving[::-1])


def by_group(
    time: Column,
    cause: tuple[np.ndarray, np.ndarray],
    causes: int,
    group: tuple[np.ndarray, np.ndarray] | None = None,
    groups: int = 1,
) -> list[Counts]:
    """Count the people of each group at each time.

    Parameters
    ----------
    time : the column of times.
    cause : codes a person, and what each code means: 0 censored, else 1 .. `causes`.
    group : codes a person, and what each code means: 0 .. `groups` - 1; one group where None.

    Returns
    -------
    The `Counts` of each group, in order.
    """
    time = time.coded()
    values, place = np.unique(time.different.to_numpy(dtype=float), return_inverse=True)
    place = place.ravel() * (causes + 1)
    width = len(values) * (causes + 1)
    codes, meaning = cause
    small = width * groups <= max(TABLE, 2 * len(codes))
    found = np.zeros(width * groups if small else 0, np.int64)
    keys = np.empty(0 if small else len(codes), np.int64)
    for low in range(0, len(codes), BLOCK):
        part = slice(low, low + BLOCK)
        key = place[time.codes[part]] + meaning[codes[part]]
        if group is not None:
            key += group[1][group[0][part]] * width
        if small:
            kernels.tally(key, found)
        else:
            keys[part] = key
    if small:
        there = np.flatnonzero(found)
        found = found[there]
    else:
        there, found = np.unique(keys, return_counts=True)
    edges = np.searchsorted(there, np.arange(groups + 1) * width)
    out = []
    for code, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        at, which = np.divmod(there[low:high] - code * width, causes + 1)
        own, column = np.unique(at, return_inverse=True)
        leaving = np.zeros((causes + 1, len(own)), np.int64)
        leaving[which, column.ravel()] = found[low:high]
        out.append(Counts(values[own], leaving))
    return out


def risk_table(
    time: np.ndarray,
    censored: np.ndarray,
    events: np.ndarray,
    entered: tuple[np.ndarray, np.ndarray] | None = None,
) -> engine.RiskTable:
    """Work out who is at risk from counts, as `engine.risk_table` does from people.

    Parameters: distinct times; how many are censored at each, and have the event of each cause (a
    row a cause); `entered`, distinct times of entry and how many enter at each.
    """
    if entered is None:
        (merged,) = engine.merge_times(time)
    else:
        merged, began = engine.merge_times(time, entered[0])
    if len(time) and np.any(np.diff(merged) <= 0):
        time, place = np.unique(merged, return_inverse=True)
        numbers = np.zeros((len(events) + 1, len(time)), np.int64)
        np.add.at(numbers.T, place.ravel(), np.vstack([censored, events]).T)
        censored, events = numbers[0], numbers[1:]
    else:
        time = merged
    every = censored + events.sum(axis=0)
    at_risk = np.cumsum(every[::-1])[::-1]
    if entered is not None:
        # Not there yet at a time: who enters then or later.
        order = np.argsort(began, kind="stable")
        inside = np.concatenate([[0], np.cumsum(entered[1][order])])
        already = inside[np.searchsorted(began[order], time, side="left")]
        at_risk = at_risk - (inside[-1] - already)
    return engine.RiskTable(time, at_risk, events, censored)


def log_rank(groups: list[Counts]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed and expected events of each group and their covariance, as `engine.log_rank`."""
    every = np.unique(np.concatenate([each.time for each in groups]))
    (merged,) = engine.merge_times(every)
    times, place = np.unique(merged, return_inverse=True)
    place = place.ravel()
    deaths = np.zeros(len(times), np.int64)
    own_places = [place[np.searchsorted(every, each.time)] for each in groups]
    for own, each in zip(own_places, groups, strict=True):
        np.add.at(deaths, own, each.leaving[1:].sum(axis=0))
    at = np.flatnonzero(deaths)
    at_risk = np.empty((len(groups), len(at)), np.int64)
    for row, own, each in zip(at_risk, own_places, groups, strict=True):
        remaining = np.append(np.cumsum(each.leaving.sum(axis=0)[::-1])[::-1], 0)
        row[:] = remaining[np.searchsorted(own, at)]
    observed = np.array([each.leaving[1:].sum() for each in groups])
    expected, covariance = engine.log_rank_of_counts(at_risk, deaths[at])
    return observed, expected, covariance
