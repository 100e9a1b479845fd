"""Numbers known by how many people have each: their quantiles, mean and spread, as of the people.

Ten million people have a few thousand different ages and distances, so what is said of a column
needs its different values and their counts only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# So many values that were not merged yet are merged.
_PENDING = 4_000_000


class Values:
    """The different values of numbers that come in parts, and how many people have each."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._pending = 0

    def add(self, numbers: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Add numbers, each of one person or of `counts`; NaN is passed over."""
        known = ~np.isnan(numbers)
        numbers = numbers[known]
        weights = np.ones(len(numbers), np.int64) if counts is None else counts[known]
        self._parts.append(_merged([(numbers, weights)]))
        self._pending += len(self._parts[-1][0])
        if self._pending > _PENDING:
            self._parts = [_merged(self._parts)]
            # At least as many again before the next merging: the work stays linear.
            self._pending = -len(self._parts[0][0])

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """The different values by size, and how many people have each."""
        self._parts = [_merged(self._parts)] if self._parts else []
        return self._parts[0] if self._parts else (np.empty(0), np.empty(0, np.int64))


def _merged(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.concatenate([numbers for numbers, _ in parts])
    counts = np.concatenate([counts for _, counts in parts])
    values, place = np.unique(numbers, return_inverse=True)
    summed = np.zeros(len(values), np.int64)
    np.add.at(summed, place.ravel(), counts)
    return values, summed


def quantiles(values: np.ndarray, counts: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Find quantiles of people from counts, as `numpy.quantile` finds them from everybody.

    Parameters
    ----------
    values : different numbers, by size. counts : people who have each.
    shares : between 0 and 1.

    Returns
    -------
    One number a share, on the line between the two people about it; NaN where there is nobody.
    """
    people = int(counts.sum())
    if not people:
        return np.full(len(shares), np.nan)
    last = np.cumsum(counts)
    places = (people - 1) * np.asarray(shares, dtype=float)
    before = np.floor(places)
    part = places - before

    def of(place: np.ndarray) -> np.ndarray:
        return values[np.searchsorted(last, np.minimum(place, people - 1), side="right")]

    low, high = of(before), of(before + 1)
    # As numpy does it, to the last digit: from the nearer end.
    return np.where(part >= 0.5, high - (high - low) * (1 - part), low + (high - low) * part)


def mean(values: np.ndarray, counts: np.ndarray) -> float:
    """The mean of people from counts; NaN where there is nobody."""
    people = counts.sum()
    return float((values * counts).sum() / people) if people else float("nan")


def standard_deviation(values: np.ndarray, counts: np.ndarray) -> float:
    """The standard deviation (n - 1) of people from counts; NaN where there are fewer than two."""
    people = counts.sum()
    if people < 2:
        return float("nan")
    away = values - mean(values, counts)
    return float(np.sqrt((counts * away * away).sum() / (people - 1)))
