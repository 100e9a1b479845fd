"""Covariates of people as patterns, and the passes over all people that Cox's likelihood needs.

Codes of several covariates make one code, a pattern, as long as there are few enough; the patterns
of one part have their standardised covariates, and their relative hazard, in a table. Numbers of
too many different values stand as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from distance_to_care.packed import kernels
from distance_to_care.packed.moments import Moments
from distance_to_care.packed.people import Column

# Patterns of one part, and numbers in its table: they stay in the processor's near memory. A table
# of more than a share of the people would cost more than the people.
PATTERNS = 1 << 15
NUMBERS = 1 << 19
PEOPLE_EACH = 8
# A covariate of more values than a 16-bit code can tell apart stands as it is.
VALUES = 1 << 16
BLOCK = 1 << 14
# Sums are made over this many shares of the people, in threads, and added in order: the same
# numbers on every machine.
SHARES = 2


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


class Patterns:
    """The covariates of all people, standardised; see the module.

    `order` gives for each term, as it was given, its place among the standardised ones.
    """

    def __init__(self, covariates: Sequence[Covariate], moments: Moments):
        self.moments, self.people = moments, moments.people
        coded, dense, terms = [], [], 0
        for each in covariates:
            count = 1 if each.matrix is None else each.matrix.shape[1]
            own = np.arange(terms, terms + count)
            terms += count
            if each.matrix is not None and len(each.matrix) <= VALUES:
                coded.append((each.column.codes, each.column.counts, each.matrix, own))
            else:
                dense += [(numbers, j) for numbers, j in zip(_numbers(each), own, strict=True)]
        self.terms = terms
        self.centre, self.scale = np.empty(terms), np.empty(terms)
        for _, counts, matrix, own in coded:
            self.centre[own] = counts @ matrix / self.people
            self.scale[own] = np.sqrt(counts @ (matrix - self.centre[own]) ** 2 / self.people)
        for numbers, j in dense:
            self.centre[j], self.scale[j] = numbers.mean(), numbers.std()
        self._pack(coded, dense)

    def _pack(self, coded, dense):
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = [
                (codes, (matrix - self.centre[own]) / self.scale[own], own)
                for codes, _, matrix, own in coded
            ]
            # The most levels first, so that the parts come out full.
            scaled.sort(key=lambda each: -len(each[1]))
            most, parts = min(PATTERNS, self.people // PEOPLE_EACH), []
            for codes, matrix, own in scaled:
                for part in parts:
                    size, terms = part["size"] * len(matrix), part["terms"] + len(own)
                    if size <= most and size * terms <= NUMBERS:
                        break
                else:
                    size, terms, part = len(matrix), len(own), {"members": []}
                    parts.append(part)
                part["size"], part["terms"] = size, terms
                part["members"].append((codes, matrix, own))
            # The most terms first: a part is crossed with the terms of those after it.
            parts.sort(key=lambda part: -part["terms"])
            self.codes = np.zeros((len(parts), self.people), np.uint16)
            tables = [self._part(row, part) for row, part in zip(self.codes, parts, strict=True)]
            self.dense = np.empty((len(dense), self.people))
            for row, (numbers, j) in zip(self.dense, dense, strict=True):
                np.subtract(numbers, self.centre[j], out=row)
                row /= self.scale[j]
        self.tables = [table for table, _ in tables]
        self.places = [own for _, own in tables]
        placed = [*self.places, np.array([j for _, j in dense], np.intp)]
        self.order = np.argsort(np.concatenate(placed))
        self.starts = np.cumsum([0, *(len(table) for table in self.tables)]).astype(np.int64)
        self.edges = np.cumsum([0, *(table.shape[1] for table in self.tables)]).astype(np.int64)
        self.values = np.concatenate([table.ravel() for table in [*self.tables, np.empty((0, 0))]])
        self.offsets = np.cumsum([0, *(table.size for table in self.tables)]).astype(np.int64)
        self.dense_ends = [(row.min(), row.max()) for row in self.dense]
        self.occurring = [
            kernels.count(row, len(table)) > 0
            for row, table in zip(self.codes, self.tables, strict=True)
        ]
        self.event_sum = self._event_sum()

    def _part(self, row, part):
        """Put the codes of some covariates together into one, and their tables likewise."""
        size, columns, places = 1, [], []
        for codes, matrix, own in part["members"]:
            for low in range(0, self.people, 1 << 18):
                block = slice(low, low + (1 << 18))
                if size > 1:
                    row[block] *= np.uint16(len(matrix))
                row[block] += codes[block].astype(np.uint16, copy=False)
            columns = [np.repeat(each, len(matrix), axis=0) for each in columns]
            columns.append(np.tile(matrix, (size, 1)))
            places.append(own)
            size *= len(matrix)
        return np.hstack(columns), np.concatenate(places)

    # -- passes ----------------------------------------------------------------------------

    def shares(self, work: Callable) -> list:
        """Do work on shares of the people, beside one another where there are many."""
        edges = np.linspace(0, self.people, SHARES + 1).astype(int)
        shares = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        if self.people < 20_000:
            return [work(low, high) for low, high in shares]
        with ThreadPoolExecutor(SHARES) as threads:
            return list(threads.map(lambda share: work(*share), shares))

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

        found = self.shares(work)
        leaving, entering = (sum(each) for each in zip(*found, strict=True))
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

    def expected(self, relative: Relative, until: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Sum of covariates x expected events: a hazard up to each moment, less that before."""
        moments = self.moments

        def work(low, high):
            weights, added = np.zeros(self.starts[-1]), np.zeros(len(self.dense))
            kernels.spread(
                *self._given(relative), moments.moment, moments.first, low, high, until, before,
                weights, added,
            )  # fmt: skip
            return weights, added

        weights, added = (sum(each) for each in zip(*self.shares(work), strict=True))
        parts = [
            weights[low:high] @ table
            for table, low, high in zip(self.tables, self.starts[:-1], self.starts[1:], strict=True)
        ]
        return np.concatenate([*parts, added])[self.order]

    def _event_sum(self) -> np.ndarray:
        """Sum of the covariates of those with the event."""
        return self.event_sums(np.ones(self.moments.count))

    def event_sums(self, weights: np.ndarray) -> np.ndarray:
        """Sum of the covariates of those with the event, each times the weight of the time."""
        died = np.zeros(2 * self.moments.count + 2)
        died[3::2] = weights
        ones = Relative(np.ones(self.starts[-1]), np.zeros(len(self.dense) + 1), 0.0)
        return self.expected(ones, died, np.zeros(self.moments.count + 1))

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

    def covariate_sums(
        self, relative: Relative, hazards: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Sums of relative hazard x covariates by event time, and sums of squares.

        Parameters: `hazards`, pairs of a hazard up to each moment and before each first time.
        Returns sums over those at risk, and over those with the event (times x terms), and for each
        hazard the sum over people of relative hazard x hazard x covariates x covariates.
        """
        moments, order = self.moments, self.order
        laid = self.values, self.offsets, self.edges
        late = len(moments.first) > 0

        def work(low, high):
            given = *self._given(relative), moments.moment, moments.first, low, high
            leaving = np.zeros((2 * moments.count + 2, self.terms + 1))
            entering = np.zeros((moments.count + 1 if late else 0, self.terms + 1))
            kernels.moment_sums(*given, *laid, leaving, entering)
            sums = []
            for until, before in hazards:
                weights = np.zeros(self.starts[-1])
                crossed = np.zeros((self.starts[-1], self.terms))
                squared = np.zeros((len(self.dense), len(self.dense)))
                kernels.squares(*given, until, before, *laid, weights, crossed, squared)
                sums.append(self._square(weights, crossed, squared))
            return leaving, entering, sums

        found = self.shares(work)
        leaving, entering = sum(f[0] for f in found), sum(f[1] for f in found)

        def added(those):
            r, rows = self._of(relative, those)
            return np.concatenate([[r.sum()], r @ rows])

        at_risk = moments.at_risk(leaving, entering, added)[:, 1:]
        squares = [sum(f[2][j] for f in found)[np.ix_(order, order)] for j in range(len(hazards))]
        return at_risk[:, order], leaving[3::2, 1:][:, order], squares

    def _square(self, weights, crossed, squared):
        """Sum of squares of all terms, from sums by pattern; see `kernels.squares`."""
        out = np.zeros((self.terms, self.terms))
        for part, table in enumerate(self.tables):
            patterns = slice(self.starts[part], self.starts[part + 1])
            own = slice(self.edges[part], self.edges[part + 1])
            later = slice(own.stop, self.terms)
            out[own, own] = (table * weights[patterns][:, None]).T @ table
            out[own, later] = table.T @ crossed[patterns, later]
            out[later, own] = out[own, later].T
        out[self.edges[-1] :, self.edges[-1] :] = squared
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
