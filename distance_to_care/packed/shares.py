"""Shares of the people, worked on beside one another.

What shares give is added up in their order: the same numbers on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

SHARES = 2
# So few people take less time than a thread.
FEW = 20_000


def each(people: int, work: Callable[[int, int], Any]) -> list:
    """Do work on shares of the people, beside one another where there are many.

    Parameters: `people`, how many; `work(low, high)`, what is done with a share of them.
    Returns what each share gave.
    """
    edges = np.linspace(0, people, SHARES + 1).astype(int).tolist()
    shares = list(zip(edges[:-1], edges[1:], strict=True))
    if people < FEW:
        return [work(low, high) for low, high in shares]
    with ThreadPoolExecutor(SHARES - 1) as threads:
        others = [threads.submit(work, *share) for share in shares[1:]]
        return [work(*shares[0]), *(other.result() for other in others)]


def added(found: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """Add up what shares of the people gave, in the first one's place."""
    first, *others = found
    for other in others:
        for total, own in zip(first, other, strict=True):
            total += own
    return first
