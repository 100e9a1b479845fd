"""Shares of the people, worked on beside one another, and products that leave them the processor.

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
# Multiplications that BLAS does in one thread. Where it begins more, they wait for the next product
# in a loop, and take their time from the shares.
SMALL = 1 << 18


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


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Multiply matrices piece by piece, each in one thread; summed over many rows where it is."""
    (rows, inner), columns = left.shape, right.shape[1]
    if rows * inner * columns <= SMALL:
        return left @ right
    if rows >= inner:
        step = max(1, SMALL // (inner * columns))
        return np.vstack([left[low : low + step] @ right for low in range(0, rows, step)])
    step, out = max(1, SMALL // (rows * columns)), np.zeros((rows, columns))
    for low in range(0, inner, step):
        out += left[:, low : low + step] @ right[low : low + step]
    return out
