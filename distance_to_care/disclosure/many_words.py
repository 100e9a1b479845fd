"""A set of very many words, kept as eight bytes each: whether a word is in it, and no more.

Another word is taken for one of ten million with a probability below one in 10^12, and then a
table is refused that could have been published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

_KEY = "words of persons"  # sixteen letters, as hashing asks


class Many:
    """Very many words, of which it can only be asked whether one of yours is among them."""

    def __init__(self) -> None:
        self.longest = 0  # letters of the longest word
        self._parts: list[np.ndarray] = []
        self._sorted = np.empty(0, np.uint64)

    def add(self, words: Sequence[str]) -> None:
        """Add words."""
        if words:
            self.longest = max(self.longest, max(map(len, words)))
            self._parts.append(_hashed(words))

    def __bool__(self) -> bool:
        return bool(len(self._parts) or len(self._sorted))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and bool(self._among([word])[0])

    def __rand__(self, others: Iterable[str]) -> set[str]:
        others = list(others)
        if not others:
            return set()
        found = self._among(others)
        return {word for word, is_in in zip(others, found, strict=True) if is_in}

    def _among(self, words: Sequence[str]) -> np.ndarray:
        if self._parts:
            self._sorted = np.unique(np.concatenate([self._sorted, *self._parts]))
            self._parts = []
        if not len(self._sorted):
            return np.zeros(len(words), dtype=bool)
        asked = _hashed(words)
        place = np.searchsorted(self._sorted, asked).clip(max=len(self._sorted) - 1)
        return self._sorted[place] == asked


def _hashed(words: Sequence[str]) -> np.ndarray:
    return pd.util.hash_array(np.array(words, dtype=object), hash_key=_KEY, categorize=False)
