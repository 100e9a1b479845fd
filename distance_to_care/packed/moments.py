"""Who is at risk at which event time, a small number a person.

Event times are numbered 0 .. K-1, stratum by stratum, as in `statistics.engine.RiskSets`. A
person's moment is twice the number of event times that have passed when they leave (counted from
the first of all strata), and one more where they leave with the event. Who is at risk at no event
time has the moment 0.
"""

from __future__ import annotations

import numpy as np

from distance_to_care.packed import counts, kernels, shares
from distance_to_care.packed.people import Column
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

# Times of all strata up to this number are looked up in a table.
KEYS = 1 << 25
BLOCK = 1 << 20
# Share of a sum below which a difference of two of them is not trusted, as in the engine.
CANCELLED = engine.CANCELLED


class Moments:
    """The risk sets of all people; see the module.

    `first` is empty where nobody enters late; else each one's first event time, 0 for those who are
    there from the first on.
    """

    def __init__(
        self,
        time: Column,
        died: np.ndarray,
        entry: Column | None = None,
        strata: tuple[np.ndarray, int] | None = None,
    ):
        time = time.coded()
        at = time.different.to_numpy(dtype=float)
        began = None
        if entry is None:
            (at,) = engine.merge_times(at)
        else:
            entry = entry.coded()
            at, began = engine.merge_times(at, entry.different.to_numpy(dtype=float))
            for low in range(0, len(died), BLOCK):
                part = slice(low, low + BLOCK)
                if np.any(began[entry.codes[part]] >= at[time.codes[part]]):
                    raise AnalysisError("Somebody's follow-up ends at or before its entry.")
        if not died.any():
            raise AnalysisError("Nobody has the event, so no hazard can be estimated.")
        self.times, place = np.unique(at, return_inverse=True)
        size, self.people = len(self.times) + 1, len(died)
        place = place.ravel()
        # How many leave at each time, how many of them with the event, how many enter after which.
        self.leaving = _by_place(place, time.counts, len(self.times))
        self.dying = _by_place(place, _dying(time, died), len(self.times))
        self.entered = None
        if entry is not None:
            self.entered = (began, entry.counts)
        if strata is None:
            deaths = np.append(self.dying, 0)
            event_keys = np.flatnonzero(deaths)
            passed = np.cumsum(deaths > 0)
            last_of_code = passed[place]
            last = None
            opened = None
        else:
            code, strata_count = strata
            key = code.astype(np.int64) * size
            key += place[time.codes]
            event_keys, deaths, passed = _events(key[died], strata_count * size)
            last = passed(key)
            opened = np.searchsorted(event_keys, np.arange(strata_count) * size)
        self.deaths = np.ascontiguousarray(deaths[event_keys] if strata is None else deaths)
        self.event_times = self.times[event_keys % size]
        self.event_strata = event_keys // size
        # Where the event times of each stratum begin, and where those of the last one end.
        begins = np.flatnonzero(np.diff(self.event_strata, prepend=-1))
        self.edges = np.append(begins, len(event_keys))
        self.first = np.empty(0, np.uint32)
        if entry is None:
            if strata is None:
                self.moment = _look_up(2 * last_of_code, time.codes, died)
            else:
                used = last > opened[code]
                self.moment = np.where(used, 2 * last + died, 0).astype(np.uint32)
        else:
            self._late(time, died, began, entry, strata, event_keys, size, last, place, opened)
        self.tied = bool(self.deaths.max() > 1)
        self._few: dict[int, np.ndarray] = {}

    def _late(self, time, died, began, entry, strata, event_keys, size, last, place, opened):
        """Moments and first event times where people enter late."""
        code = np.zeros(1, np.intp) if strata is None else strata[0]
        starts = np.searchsorted(self.times, began, side="right")
        first = np.searchsorted(event_keys, code * size + starts[entry.codes])
        if last is None:
            last = np.searchsorted(event_keys, place, side="right")[time.codes]
        base = 0 if opened is None else opened[code]
        used = last > first
        self.moment = np.where(used, 2 * last + died, 0).astype(np.uint32)
        late = used & (first > base)
        if late.any():
            self.first = np.where(late, first, 0).astype(np.uint32)

    @property
    def count(self) -> int:
        """How many event times there are, those of all strata together."""
        return len(self.deaths)

    def at_risk(self, leaving: np.ndarray, entering: np.ndarray, added) -> np.ndarray:
        """Sum over the risk set of each event time.

        Parameters: `leaving`, sums by moment, of weights above zero in the first column; `entering`
        by first event time (of those who enter late); `added(people)`, the sum over some of them.
        """
        by_last = leaving.reshape(self.count + 1, 2, -1).sum(axis=1)
        out = self._running(by_last)
        if len(self.first) == 0:
            return out
        before = out[:, 0].copy()
        out -= self._running(entering)
        # Where almost all is taken away again the digits are gone: add up those who are there.
        for k in np.flatnonzero(out[:, 0] < CANCELLED * before):
            out[k] = added(self._those(int(k)))
        return out

    def _running(self, values):
        out = np.empty((self.count, values.shape[1]))
        kernels.add_from_end(values[1:], self.edges, out)
        return out

    def _those(self, k: int) -> np.ndarray:
        """The people at risk at an event time: asked for where they are few."""
        if k not in self._few:
            low = self.edges[np.searchsorted(self.edges, k, side="right") - 1]
            found = []
            for start in range(0, self.people, BLOCK):
                last = self.moment[start : start + BLOCK] >> 1
                first = np.maximum(self.first[start : start + BLOCK], low)
                found.append(start + np.flatnonzero((first <= k) & (k < last)))
            self._few[k] = np.concatenate(found)
        return self._few[k]

    def passed(self, values: np.ndarray) -> np.ndarray:
        """Sum values of event times from the start of their stratum up to each, with 0 in front."""
        out = np.zeros((self.count + 1, *values.shape[1:]))
        rows = values.reshape(self.count, -1)
        kernels.add_from_start(rows, self.edges, out[1:].reshape(rows.shape))
        return out

    def transformed(self, transform: str) -> np.ndarray:
        """Transform the event times as `cox.zph` does, from the times of everybody."""
        if transform == "identity":
            return self.event_times
        if transform == "log":
            if np.any(self.event_times <= 0):
                raise AnalysisError("An event at time 0 has no logarithm: take another transform.")
            return np.log(self.event_times)
        place = np.searchsorted(self.times, self.event_times)
        upto = np.cumsum(self.leaving)
        if transform == "rank":
            return (upto - self.leaving + upto + 1)[place] / 2
        if transform == "km":
            table = counts.risk_table(self.times, self.leaving - self.dying, self.dying[None],
                                      self.entered)  # fmt: skip
            survival = np.concatenate([[1.0], engine.kaplan_meier(table).survival])
            return 1 - survival[place]
        raise AnalysisError("The transform of time is 'km', 'rank', 'identity' or 'log'.")


def _by_place(place, numbers, size):
    out = np.zeros(size, np.int64)
    np.add.at(out, place, numbers)
    return out


def _events(keys: np.ndarray, size: int):
    """The keys of events in order, how many each has, and how many of them a key has passed."""
    if size <= KEYS:
        deaths = np.bincount(keys, minlength=size)
        event_keys = np.flatnonzero(deaths)
        running = np.cumsum(deaths > 0)
        return event_keys, deaths[event_keys], lambda key: running[key]
    event_keys, deaths = np.unique(keys, return_counts=True)
    return event_keys, deaths, lambda key: np.searchsorted(event_keys, key, side="right")


def _dying(time: Column, died: np.ndarray) -> np.ndarray:
    """How many have the event at each of the different times."""

    def work(low, high):
        out = np.zeros(len(time.different), np.int64)
        kernels.count_those(time.codes, died, low, high, out)
        return (out,)

    return shares.added(shares.each(len(died), work))[0]


def _look_up(moment_of: np.ndarray, codes: np.ndarray, died: np.ndarray) -> np.ndarray:
    out, moment_of = np.empty(len(codes), np.uint32), moment_of.astype(np.uint32)
    shares.each(
        len(codes), lambda low, high: kernels.moments(codes, died, moment_of, low, high, out)
    )
    return out
