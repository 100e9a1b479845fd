"""Covariates of people as patterns, and the passes over all people that Cox's likelihood needs.

Codes of several covariates make one code, a pattern, as long as there are few enough; the patterns
of one part have their standardised covariates, and their relative hazard, in a table. Numbers of
too many different values stand as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import prod

import numpy as np

from distance_to_care.packed import kernels, shares
from distance_to_care.packed.moments import Moments
from distance_to_care.packed.people import Column

# Patterns of two parts taken together: what is added up by them stays in the processor's memory.
# More than a share of the people would cost more than the people.
TOGETHER = 1 << 20
PEOPLE_EACH = 1
# So few patterns stand in one part.
FEW = 1 << 10
# A covariate of more values stands as numbers.
VALUES = 1 << 13
BLOCK = 1 << 14


@dataclass(frozen=True)
class Covariate:
    """One covariate: a column, and what each of its values contributes to the terms.

    `matrix` has a row a value of the column (values x terms); a column that stands as numbers has
    none, and is one term.
    """

    column: Column
    matrix: np.ndarray | None


@dataclass(frozen=True)
class Relative:
    """Relative hazards at one value of the coefficients: tables of the patterns, and slopes."""

    tables: np.ndarray
    slopes: np.ndarray
    shift: float


@dataclass(frozen=True)
class Expected:
    """Expected events added up by patterns of two parts at once, and times the dense columns.

    See `kernels.spread`.
    """

    joint: np.ndarray
    added: np.ndarray
    crossed: np.ndarray
    squared: np.ndarray


class Patterns:
    """The covariates of all people, standardised; see the module.

    `order` gives for each term, as it was given, its place among the standardised ones.
    """

    def __init__(self, covariates: Sequence[Covariate], moments: Moments):
        self.moments, self.people = moments, moments.people
        ends = np.cumsum([1 if x.matrix is None else x.matrix.shape[1] for x in covariates])
        self.terms = int(ends[-1])
        placed = [
            (each, np.arange(end - (1 if each.matrix is None else each.matrix.shape[1]), end))
            for each, end in zip(covariates, ends, strict=True)
        ]
        divided, dense = _divided(placed, min(TOGETHER, self.people // PEOPLE_EACH))
        self.centre, self.scale = np.empty(self.terms), np.empty(self.terms)
        for each, own in [member for part in divided for member in part]:
            matrix, share = each.matrix, each.column.counts / self.people
            self.centre[own] = share @ matrix
            self.scale[own] = np.sqrt(share @ (matrix - self.centre[own]) ** 2)
        columns = [
            (numbers, j)
            for each, own in dense
            for numbers, j in zip(_numbers(each), own, strict=True)
        ]
        for numbers, j in columns:
            self.centre[j], self.scale[j] = numbers.mean(), numbers.std()
        with np.errstate(divide="ignore", invalid="ignore"):
            self._pack(divided, columns)

    def _pack(self, divided, dense):
        # Two parts at least, be they empty: the loops take the first two together.
        parts = [*divided, *[[]] * (2 - len(divided))]
        self.codes = np.zeros((len(parts), self.people), np.uint16)
        tables = [self._part(row, part) for row, part in zip(self.codes, parts, strict=True)]
        self.dense = np.empty((len(dense), self.people))
        for row, (numbers, j) in zip(self.dense, dense, strict=True):
            np.subtract(numbers, self.centre[j], out=row)
            row /= self.scale[j]
        self.tables = [table for table, _ in tables]
        placed = [*(own for _, own in tables), np.array([j for _, j in dense], np.intp)]
        self.order = np.argsort(np.concatenate(placed))
        sizes = [len(table) for table in self.tables]
        self.starts = _edges(sizes)
        self.edges = _edges([table.shape[1] for table in self.tables])
        self.values = np.concatenate([table.ravel() for table in self.tables])
        self.offsets = _edges([table.size for table in self.tables])
        self.pairs = list(combinations(range(len(parts)), 2))
        self.pair_edges = _edges([sizes[one] * sizes[other] for one, other in self.pairs])
        self._widen()
        self.dense_ends = [(row.min(), row.max()) for row in self.dense]
        self._tally()

    def _part(self, row, part):
        """Put the codes of some covariates together into one, and their tables likewise."""
        members = [
            (each.column.codes, (each.matrix - self.centre[own]) / self.scale[own], own)
            for each, own in part
        ]

        def work(low, high):
            for codes, matrix, _ in members:
                kernels.pack(codes, len(matrix), low, high, row)

        shares.each(self.people, work)
        size, columns, places = 1, [np.empty((1, 0))], [np.empty(0, np.intp)]
        for _, matrix, own in members:
            columns = [np.repeat(each, len(matrix), axis=0) for each in columns]
            columns.append(np.tile(matrix, (size, 1)))
            places.append(own)
            size *= len(matrix)
        return np.hstack(columns), np.concatenate(places)

    def _widen(self):
        """Lay the tables in blocks of eight numbers a pattern, a 1 before the first of all."""
        blocks, parts, lanes = [], [], []
        for part, table in enumerate(self.tables):
            if part == 0:
                table = np.hstack([np.ones((len(table), 1)), table])
            for low in range(0, table.shape[1], kernels.LANES):
                own = table[:, low : low + kernels.LANES]
                begins = kernels.LANES * len(blocks)
                lanes += [begins + lane for lane in range(own.shape[1])]
                blocks.append(np.pad(own, ((0, 0), (0, kernels.LANES - own.shape[1]))))
                parts.append(part)
        self.lanes = np.array(lanes)
        self.wide = _lined_up(sum(block.size for block in blocks))
        np.concatenate([block.ravel() for block in blocks], out=self.wide)
        self.bases = _edges([block.size for block in blocks])[:-1]
        self.block_parts = np.array(parts)

    def _tally(self):
        """Which patterns occur, and the sum of the covariates of those with the event."""
        size, moment = self.starts[-1], self.moments.moment

        def work(low, high):
            people, events = np.zeros((2, size), np.int64)
            kernels.tally_events(self.codes, self.starts, moment, low, high, people, events)
            added = np.zeros(len(self.dense))
            for start in range(low, high if len(self.dense) else low, BLOCK):
                block = slice(start, min(start + BLOCK, high))
                added += self.dense[:, block] @ (moment[block] & 1)
            return people, events, added

        people, events, added = shares.added(shares.each(self.people, work))
        own = list(pairwise(self.starts.tolist()))
        self.occurring = [people[low:high] > 0 for low, high in own]
        parts = [
            events[low:high] @ table for (low, high), table in zip(own, self.tables, strict=True)
        ]
        self.event_sum = np.concatenate([*parts, added])[self.order]

    # -- passes ----------------------------------------------------------------------------

    def relative(self, beta: np.ndarray) -> Relative:
        """Tables of exp(linear predictor - shift), for standardised coefficients as given."""
        packed = np.empty(self.terms)
        packed[self.order] = beta
        tables, shift = [], 0.0
        for table, there, low, high in zip(
            self.tables, self.occurring, self.edges[:-1], self.edges[1:], strict=True
        ):
            own = table @ packed[low:high]
            top = own[there].max()
            shift += top
            tables.append(np.exp(np.minimum(own - top, 0.0)))
        slopes = packed[self.edges[-1] :]
        top = sum(
            max(b * low, b * high) for b, (low, high) in zip(slopes, self.dense_ends, strict=True)
        )
        return Relative(
            np.concatenate([*tables, np.empty(0)]), np.append(slopes, top), float(shift + top)
        )

    def _given(self, relative: Relative):
        return self.codes, relative.tables, self.starts, self.dense, relative.slopes

    def sums(self, relative: Relative) -> tuple[np.ndarray, np.ndarray]:
        """Relative hazards of those at risk at each event time, and of those who have the event."""
        moments = self.moments

        def work(low, high):
            leaving = np.zeros(2 * moments.count + 2)
            entering = np.zeros(moments.count + 1)
            kernels.sums(
                *self._given(relative), moments.moment, moments.first, low, high, leaving, entering
            )
            return leaving, entering

        leaving, entering = shares.added(shares.each(self.people, work))
        at_risk = moments.at_risk(
            leaving[:, None], entering[:, None], lambda those: self._of(relative, those)[0].sum()
        )
        return at_risk[:, 0], leaving[3::2]

    def _of(self, relative: Relative, those: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Relative hazards and covariates of some people."""
        codes, dense = np.ascontiguousarray(self.codes[:, those]), self.dense[:, those]
        r, rows = np.empty(len(those)), np.empty((len(those), self.terms))
        dense = np.ascontiguousarray(dense)
        kernels.relative(
            codes, relative.tables, self.starts, dense, relative.slopes, 0, len(those), r
        )
        kernels.rows(codes, self.values, self.offsets, self.edges, dense, 0, len(those), rows)
        return r, rows

    def expected(self, relative: Relative, until: np.ndarray, before: np.ndarray) -> Expected:
        """Expected events by pattern: of a hazard up to each moment, less that before."""
        moments, columns = self.moments, len(self.dense)

        def work(low, high):
            joint, added = np.zeros(self.pair_edges[-1]), np.zeros(columns)
            crossed = np.zeros((self.starts[-1], columns))
            squared = np.zeros((columns, columns))
            kernels.spread(
                *self._given(relative), moments.moment, moments.first, low, high, until, before,
                self.pair_edges, joint, added, crossed, squared,
            )  # fmt: skip
            return joint, added, crossed, squared

        return Expected(*shares.added(shares.each(self.people, work)))

    def _joint(self, expected: Expected):
        """The sums by patterns of each pair of parts (patterns x patterns)."""
        for (one, other), (low, high) in zip(
            self.pairs, pairwise(self.pair_edges.tolist()), strict=True
        ):
            yield one, other, expected.joint[low:high].reshape(len(self.tables[one]), -1)

    def sums_of(self, expected: Expected) -> np.ndarray:
        """Sum of covariates x expected events."""
        parts = {}
        for one, other, sums in self._joint(expected):
            if one not in parts:
                parts[one] = sums.sum(axis=1) @ self.tables[one]
            if other not in parts:
                parts[other] = sums.sum(axis=0) @ self.tables[other]
        return np.concatenate([*(parts[part] for part in sorted(parts)), expected.added])[
            self.order
        ]

    def squares_of(self, expected: Expected) -> np.ndarray:
        """Sum of covariates x covariates x expected events."""
        out = np.zeros((self.terms, self.terms))
        place = [slice(low, high) for low, high in pairwise(self.edges.tolist())]
        dense = slice(int(self.edges[-1]), None)
        for one, other, sums in self._joint(expected):
            first, second = self.tables[one], self.tables[other]
            out[place[one], place[other]] = first.T @ shares.product(sums, second)
            out[place[other], place[one]] = out[place[one], place[other]].T
            for own, table, weights in ((one, first, sums.sum(1)), (other, second, sums.sum(0))):
                out[place[own], place[own]] = shares.product((table * weights[:, None]).T, table)
        for part, (low, high) in enumerate(pairwise(self.starts.tolist())):
            out[place[part], dense] = self.tables[part].T @ expected.crossed[low:high]
            out[dense, place[part]] = out[place[part], dense].T
        out[dense, dense] = expected.squared
        return out[np.ix_(self.order, self.order)]

    def event_sums(self, weights: np.ndarray) -> np.ndarray:
        """Sum of the covariates of those with the event, each times the weight of the time."""
        died = np.zeros(2 * self.moments.count + 2)
        died[3::2] = weights
        ones = Relative(np.ones(self.starts[-1]), np.zeros(len(self.dense) + 1), 0.0)
        return self.sums_of(self.expected(ones, died, np.zeros(self.moments.count + 1)))

    def blocks(self, relative: Relative, low: int, high: int):
        """Relative hazards and covariates (standardised, packed) of a share, block by block."""
        r, rows = np.empty(BLOCK), np.empty((BLOCK, self.terms))
        for start in range(low, high, BLOCK):
            stop = min(start + BLOCK, high)
            part = stop - start
            kernels.relative(*self._given(relative), start, stop, r[:part])
            kernels.rows(
                self.codes, self.values, self.offsets, self.edges, self.dense, start, stop,
                rows[:part],
            )  # fmt: skip
            yield start, stop, r[:part], rows[:part]

    def covariate_sums(self, relative: Relative) -> tuple[np.ndarray, np.ndarray]:
        """Sums of relative hazard, alone and times the covariates, by event time.

        Returns those over the people at risk, and over those with the event (times x 1 + terms).
        """
        moments, columns = self.moments, len(self.dense)
        blocks, late = len(self.bases), len(moments.first) > 0

        def work(low, high):
            leaving, entering = 2 * moments.count + 2, moments.count + 1 if late else 0
            sums = (
                _lined_up((blocks, leaving, kernels.LANES)),
                _lined_up((blocks, entering, kernels.LANES)),
                np.zeros((leaving, columns)),
                np.zeros((entering, columns)),
            )
            kernels.moment_sums(
                *self._given(relative), moments.moment, moments.first, low, high, self.wide,
                self.bases, self.block_parts, *sums,
            )  # fmt: skip
            return sums

        found = shares.added(shares.each(self.people, work))
        leaving, entering = self._laid(found[0], found[2]), self._laid(found[1], found[3])

        def added(those):
            r, rows = self._of(relative, those)
            return np.concatenate([[r.sum()], (r @ rows)[self.order]])

        return moments.at_risk(leaving, entering, added), leaving[3::2]

    def _laid(self, blocks, dense):
        """Sums by place as rows: of the relative hazard, and of the terms in the order given."""
        out = np.empty((len(dense), 1 + self.terms))
        for column, place in enumerate([0, *(1 + self.order)]):
            if place < len(self.lanes):
                block, lane = divmod(self.lanes[place], kernels.LANES)
                out[:, column] = blocks[block, :, lane]
            else:
                out[:, column] = dense[:, place - len(self.lanes)]
        return out

    def largest_move(self, step: np.ndarray) -> float:
        """The largest change of anybody's linear predictor by a step of the coefficients."""
        packed = np.empty(self.terms)
        packed[self.order] = step
        ones = Relative(np.ones(self.starts[-1]), np.zeros(len(self.dense) + 1), 0.0)
        used = self.moments.moment > 0
        largest = 0.0
        for start, stop, _, rows in self.blocks(ones, 0, self.people):
            moved = np.abs(rows @ packed)[used[start:stop]]
            largest = max(largest, float(moved.max(initial=0.0)))
        return largest


def _numbers(covariate: Covariate) -> list[np.ndarray]:
    """The columns of a covariate that stands as numbers."""
    if covariate.matrix is None:
        return [covariate.column.numbers]
    return [column[covariate.column.codes] for column in covariate.matrix.T]


def _lined_up(shape) -> np.ndarray:
    """Zeros of which eight stand in one line of the processor's memory."""
    size, line = int(np.prod(shape)), 8 * kernels.LANES
    room = np.zeros(size + kernels.LANES)
    start = -room.ctypes.data % line // 8
    return room[start : start + size].reshape(shape)


def _edges(sizes: Sequence[int]) -> np.ndarray:
    """Where each of some runs begins, and where the last one ends."""
    return np.cumsum([0, *sizes]).astype(np.int64)


def _divided(covariates, most: int):
    """Divide covariates among parts of patterns: as few as may be, and of like sizes.

    Parameters: `covariates`, each with the places of its terms; `most`, the patterns that two parts
    may have together. Returns the parts, and the covariates that have to stand as numbers.
    """
    dense = [(x, own) for x, own in covariates if x.matrix is None or len(x.matrix) > VALUES]
    coded = [(x, own) for x, own in covariates if x.matrix is not None and len(x.matrix) <= VALUES]
    coded.sort(key=lambda each: -len(each[0].matrix))
    while coded:
        for count in range(1, len(coded) + 1):
            parts = [[] for _ in range(count)]
            for each in coded:
                min(parts, key=_size).append(each)
            largest = sorted((_size(part) for part in parts), reverse=True)[:2]
            if prod(largest) <= (most if count > 1 else min(most, FEW)):
                return parts, dense
        if prod(largest) <= most:
            return parts, dense
        dense.append(coded.pop(0))
    return [], dense


def _size(part) -> int:
    """How many patterns some covariates have together."""
    return prod(len(each.matrix) for each, _ in part)
