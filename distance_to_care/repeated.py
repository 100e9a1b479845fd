"""Which words are in more than one row of a file that is read in parts: by 128 bits of each.

Sixteen bytes a row are kept instead of the words. Two different words out of ten million share
their 128 bits with a probability below one in 10^24.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_KEYS = ("distance to care", "care to distance")  # sixteen letters each, as hashing asks


class Words:
    """The words of a column, as they come in parts."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, values: pd.Series) -> None:
        """Add words; a missing one is none."""
        known = values.dropna().to_numpy(dtype=object)
        hashed = (pd.util.hash_array(known, hash_key=key, categorize=False) for key in _KEYS)
        self._parts.append(tuple(hashed))

    def rows_repeated(self) -> int:
        """Count the rows whose word is in another row as well."""
        if not self._parts:
            return 0
        first = np.concatenate([part[0] for part in self._parts])
        ordered = np.sort(first)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        del ordered
        if not len(twice):
            return 0
        # Only of these few the other half is looked at.
        alike = np.isin(first, twice)
        second = np.concatenate([part[1] for part in self._parts])[alike]
        halves = pd.DataFrame({"first": first[alike], "second": second})
        return int(halves.duplicated(keep=False).sum())
