"""What an engine answered, as numbers that can be laid beside those of another engine.

An answer is an estimate and its standard error (None where there is none), under a name that every
engine uses alike. Numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

Answers = dict[str, list[float | None]]
# Below this an estimate is nought, and a difference is taken as it is and not as a share.
NOUGHT = 1e-12


def of_terms(terms: Iterable[str], estimates, errors=None) -> Answers:
    """Name estimates, and their errors where there are any."""
    terms = list(terms)
    errors = [None] * len(terms) if errors is None else [float(each) for each in errors]
    return {
        term: [float(estimate), error]
        for term, estimate, error in zip(terms, estimates, errors, strict=True)
    }


def read_off(name: str, times, values, at: Iterable[float], before: float = 1.0) -> Answers:
    """Read a curve off, a step that holds until the next time, at some times."""
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    found = {}
    for time in at:
        place = np.searchsorted(times, time, side="right") - 1
        found[f"{name} at {time:g}"] = [float(values[place]) if place >= 0 else before, None]
    return found


def largest_difference(
    own: Mapping[str, list], other: Mapping[str, list]
) -> tuple[float | None, float | None]:
    """Compare two engines: the largest relative difference of estimates, and of standard errors.

    own : the answers that are taken for the measure. other : those of another engine, which may
    have fewer.
    Returns None for what the other does not give at all, and not a number where it gave one that
    is none.
    """
    differences: tuple[list[float], list[float]] = ([], [])
    for name in own:
        if name not in other:
            continue
        for place, found in enumerate(differences):
            mine, theirs = own[name][place], other[name][place]
            if mine is None or theirs is None:
                continue
            size = abs(mine) if abs(mine) > NOUGHT else 1.0
            found.append(abs(theirs - mine) / size)
    # A plain max passes over what is not a number, or not, by the order.
    estimates, errors = (float(np.max(found)) if found else None for found in differences)
    return estimates, errors
