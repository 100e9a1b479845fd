"""Loops over people: compiled where numba is there, in numpy with the same answers where not.

All of them add up over people, so a part of the people gives a part of the answer. `codes` holds a
row of patterns for each part of the covariates (parts x people) and `dense` the standardised
columns that have no patterns (columns x people); `tables` lays the values of all patterns one part
after another, the part p starting at `starts[p]`.
"""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np

from distance_to_care.statistics import compiled

SUMS = {"reassoc", "contract"}
# People that are worked on at once: their numbers stay in the processor's nearest memory.
STRIDE = 1024
# Numbers of a pattern that are added up at once.
LANES = 8
# Rows of the likelihood (one a tied event) that numpy holds at once.
ROWS = 1 << 20


def count(codes: np.ndarray, size: int) -> np.ndarray:
    """Count how often each code below `size` occurs."""
    out = np.zeros(size, np.int64)
    _count(codes, out)
    return out


def _count_numpy(codes, out):
    step = max(1 << 16, len(out))
    for start in range(0, len(codes), step):
        out += np.bincount(codes[start : start + step], minlength=len(out))


@compiled.kernel(otherwise=_count_numpy)
def _count(codes, out):
    # One after another may be the same, and would wait for one another: so they count apart.
    size = len(out)
    apart = np.zeros(4 * size, np.int64)
    whole = len(codes) // 4 * 4
    for i in range(0, whole, 4):
        apart[codes[i]] += 1
        apart[size + codes[i + 1]] += 1
        apart[2 * size + codes[i + 2]] += 1
        apart[3 * size + codes[i + 3]] += 1
    for i in range(whole, len(codes)):
        apart[codes[i]] += 1
    for code in range(size):
        out[code] += (
            apart[code] + apart[size + code] + apart[2 * size + code] + apart[3 * size + code]
        )


def _count_those_numpy(codes, those, lo, hi, out):
    for low in range(lo, hi, 1 << 16):
        part = slice(low, min(low + (1 << 16), hi))
        out += np.bincount(codes[part][those[part]], minlength=len(out))


@compiled.kernel(otherwise=_count_those_numpy)
def count_those(codes, those, lo, hi, out):
    """Count how often each code occurs among those of people `lo` to `hi`, into `out`."""
    code, chosen = codes[lo:hi], those[lo:hi]
    for i in range(hi - lo):
        out[code[i]] += chosen[i]


def _moments_numpy(codes, died, table, lo, hi, out):
    for low in range(lo, hi, 1 << 16):
        part = slice(low, min(low + (1 << 16), hi))
        out[part] = table[codes[part]]
        out[part] += died[part]


@compiled.kernel(otherwise=_moments_numpy)
def moments(codes, died, table, lo, hi, out):
    """Look up each one's moment by the code of their time, one more for those with the event."""
    code, event, to = codes[lo:hi], died[lo:hi], out[lo:hi]
    for i in range(hi - lo):
        to[i] = table[code[i]] + event[i]


def _pack_numpy(codes, size, lo, hi, out):
    for low in range(lo, hi, 1 << 16):
        part = slice(low, min(low + (1 << 16), hi))
        out[part] = out[part].astype(np.int64) * size + codes[part]


@compiled.kernel(otherwise=_pack_numpy)
def pack(codes, size, lo, hi, out):
    """Put codes below `size` to the codes in `out`: one code for both."""
    # Numbers of one small type, and slices that begin at 0: many are worked on at once.
    code, to, times = codes[lo:hi], out[lo:hi], np.uint16(size)
    for i in range(hi - lo):
        to[i] = np.uint16(np.uint16(to[i] * times) + np.uint16(code[i]))


def _relative_numpy(codes, tables, starts, dense, slopes, lo, hi, out):
    out[:] = 1.0
    for part in range(len(codes)):
        out *= tables[starts[part] : starts[part + 1]][codes[part, lo:hi]]
    if len(dense):
        out *= np.exp(slopes[:-1] @ dense[:, lo:hi] - slopes[-1])


@compiled.kernel(otherwise=_relative_numpy, fastmath=SUMS)
def relative(codes, tables, starts, dense, slopes, lo, hi, out):
    """Relative hazards of people `lo` to `hi`: products of their patterns' and exponentials.

    There are two parts or more. `slopes` are the coefficients of the dense columns and, last, what
    is taken off beforehand.
    """
    n = hi - lo
    first, second = tables[starts[0] :], tables[starts[1] :]
    one, other = codes[0, lo:hi], codes[1, lo:hi]
    for i in range(n):
        out[i] = first[one[i]] * second[other[i]]
    for part in range(2, codes.shape[0]):
        start = starts[part]
        for i in range(n):
            out[i] *= tables[start + codes[part, lo + i]]
    columns = dense.shape[0]
    if columns > 0:
        for i in range(n):
            predictor = -slopes[columns]
            for column in range(columns):
                predictor += slopes[column] * dense[column, lo + i]
            out[i] *= np.exp(predictor)


def _sums_numpy(codes, tables, starts, dense, slopes, moment, first, lo, hi, leaving, entering):
    for low in range(lo, hi, 1 << 16):
        high = min(low + (1 << 16), hi)
        r = np.empty(high - low)
        _relative_numpy(codes, tables, starts, dense, slopes, low, high, r)
        leaving += np.bincount(moment[low:high], r, minlength=len(leaving))
        if len(first):
            entering += np.bincount(first[low:high], r, minlength=len(entering))


@compiled.kernel(otherwise=_sums_numpy, fastmath=SUMS)
def sums(codes, tables, starts, dense, slopes, moment, first, lo, hi, leaving, entering):
    """Add relative hazards to `leaving` by each one's moment, and to `entering` by first time."""
    r = np.empty(STRIDE)
    for low in range(lo, hi, STRIDE):
        high = min(low + STRIDE, hi)
        relative(codes, tables, starts, dense, slopes, low, high, r)
        last = moment[low:high]
        for i in range(high - low):
            leaving[last[i]] += r[i]
        if len(first) > 0:
            for i in range(high - low):
                entering[first[low + i]] += r[i]


def _through_numpy(codes, tables, starts, dense, slopes, moment, first, lo, hi, until, before, out):
    _relative_numpy(codes, tables, starts, dense, slopes, lo, hi, out)
    hazard = until[moment[lo:hi]]
    if len(first):
        hazard -= before[first[lo:hi]]
    out *= hazard


@compiled.kernel(otherwise=_through_numpy, fastmath=SUMS)
def through(codes, tables, starts, dense, slopes, moment, first, lo, hi, until, before, out):
    """Expected events of people `lo` to `hi`: the hazard that each has gone through.

    A person's hazard is `until` their moment, less that `before` their first time.
    """
    relative(codes, tables, starts, dense, slopes, lo, hi, out)
    if len(first) > 0:
        for i in range(hi - lo):
            out[i] *= until[moment[lo + i]] - before[first[lo + i]]
    else:
        last = moment[lo:hi]
        for i in range(hi - lo):
            out[i] *= until[last[i]]


def _spread_numpy(
    codes, tables, starts, dense, slopes, moment, first, lo, hi, until, before, edges, joint, added,
    crossed, squared,
):  # fmt: skip
    for low in range(lo, hi, 1 << 16):
        high = min(low + (1 << 16), hi)
        w, z = np.empty(high - low), dense[:, low:high]
        _through_numpy(
            codes, tables, starts, dense, slopes, moment, first, low, high, until, before, w
        )
        pair = 0
        for part in range(len(codes)):
            own = codes[part, low:high]
            for later in range(part + 1, len(codes)):
                place = own.astype(np.intp) * (starts[later + 1] - starts[later])
                place += codes[later, low:high]
                np.add.at(joint[edges[pair] : edges[pair + 1]], place, w)
                pair += 1
            patterns = slice(starts[part], starts[part + 1])
            for column, values in enumerate(z):
                crossed[patterns, column] += np.bincount(
                    own, w * values, minlength=patterns.stop - patterns.start
                )
        added += z @ w
        squared += (w * z) @ z.T


@compiled.kernel(otherwise=_spread_numpy, fastmath=SUMS)
def spread(
    codes, tables, starts, dense, slopes, moment, first, lo, hi, until, before, edges, joint, added,
    crossed, squared,
):  # fmt: skip
    """Add up expected events (`through`) by patterns of two parts at once.

    The sums of a pair of parts stand one pair after another in `joint`, from `edges` on, a row a
    pattern of the first. The dense columns times expected events are added up alone (`added`), by
    pattern (`crossed`) and times one another (`squared`).
    """
    w = np.empty(STRIDE)
    parts, columns = codes.shape[0], dense.shape[0]
    for low in range(lo, hi, STRIDE):
        high = min(low + STRIDE, hi)
        n = high - low
        through(codes, tables, starts, dense, slopes, moment, first, low, high, until, before, w)
        pair = 0
        for part in range(parts):
            own = codes[part, low:high]
            for later in range(part + 1, parts):
                size, to, other = (
                    starts[later + 1] - starts[later], joint[edges[pair] :], codes[later, low:high]
                )  # fmt: skip
                for i in range(n):
                    to[own[i] * size + other[i]] += w[i]
                pair += 1
            for column in range(columns):
                for i in range(n):
                    crossed[starts[part] + own[i], column] += w[i] * dense[column, low + i]
        for column in range(columns):
            total = 0.0
            for i in range(n):
                total += w[i] * dense[column, low + i]
            added[column] += total
            for other_column in range(columns):
                total = 0.0
                for i in range(n):
                    total += w[i] * dense[column, low + i] * dense[other_column, low + i]
                squared[column, other_column] += total


def _rows_numpy(codes, values, offsets, edges, dense, lo, hi, out):
    for part in range(len(codes)):
        own = slice(edges[part], edges[part + 1])
        if own.stop > own.start:
            table = values[offsets[part] : offsets[part + 1]].reshape(-1, own.stop - own.start)
            np.take(table, codes[part, lo:hi], axis=0, out=out[:, own])
    if len(dense):
        out[:, edges[-1] :] = dense[:, lo:hi].T


@compiled.kernel(otherwise=_rows_numpy)
def rows(codes, values, offsets, edges, dense, lo, hi, out):
    """Write out the standardised covariates of people `lo` to `hi`, a row each.

    Part p has the columns `edges[p]` to `edges[p + 1]`, and its patterns one after another from
    `offsets[p]` on in `values`; the dense columns come last.
    """
    for part in range(codes.shape[0]):
        left, width = edges[part], edges[part + 1] - edges[part]
        for i in range(hi - lo):
            at = offsets[part] + codes[part, lo + i] * width
            for j in range(width):
                out[i, left + j] = values[at + j]
    left = edges[codes.shape[0]]
    for column in range(dense.shape[0]):
        for i in range(hi - lo):
            out[i, left + column] = dense[column, lo + i]


def _add_rows_numpy(places, weights, values, out):
    out[:, 0] += np.bincount(places, weights, minlength=len(out))
    for column in range(values.shape[1]):
        out[:, column + 1] += np.bincount(places, weights * values[:, column], minlength=len(out))


@compiled.kernel(otherwise=_add_rows_numpy)
def add_rows(places, weights, values, out):
    """Add weights, and rows of values times their weight, to the rows of `out` at their places."""
    for i in range(len(places)):
        at, weight = places[i], weights[i]
        out[at, 0] += weight
        for j in range(values.shape[1]):
            out[at, j + 1] += weight * values[i, j]


def _moment_sums_numpy(
    codes, tables, starts, dense, slopes, moment, first, lo, hi, wide, bases, parts, leaving,
    entering, leaving_dense, entering_dense,
):  # fmt: skip
    for low in range(lo, hi, 1 << 16):
        high = min(low + (1 << 16), hi)
        r = np.empty(high - low)
        _relative_numpy(codes, tables, starts, dense, slopes, low, high, r)
        for places, out, out_dense in (
            (moment, leaving, leaving_dense), (first, entering, entering_dense)
        ):  # fmt: skip
            if len(places) == 0:
                continue
            for block, (base, part) in enumerate(zip(bases, parts, strict=True)):
                at = base + LANES * codes[part, low:high].astype(np.intp)
                for lane in range(LANES):
                    out[block, :, lane] += np.bincount(
                        places[low:high], r * wide[at + lane], minlength=out.shape[1]
                    )
            for column, values in enumerate(dense[:, low:high]):
                out_dense[:, column] += np.bincount(
                    places[low:high], r * values, minlength=len(out_dense)
                )


@compiled.kernel(otherwise=_moment_sums_numpy)
def moment_sums(
    codes, tables, starts, dense, slopes, moment, first, lo, hi, wide, bases, parts, leaving,
    entering, leaving_dense, entering_dense,
):  # fmt: skip
    """Add relative hazards times what patterns count for, by moment and by first event time.

    What patterns count for stands in blocks of eight numbers a pattern, one block after another in
    `wide`: block b begins at `bases[b]` and is of part `parts[b]`. `leaving` and `entering` are
    blocks x places x 8; the dense columns have places x columns of their own.
    """
    r = np.empty(STRIDE)
    for low in range(lo, hi, STRIDE):
        high = min(low + STRIDE, hi)
        relative(codes, tables, starts, dense, slopes, low, high, r)
        _by_place(codes, dense, moment, low, high, wide, bases, parts, r, leaving, leaving_dense)
        if len(first) > 0:
            _by_place(
                codes, dense, first, low, high, wide, bases, parts, r, entering, entering_dense
            )


@compiled.kernel
def _by_place(codes, dense, places, low, high, wide, bases, parts, r, out, out_dense):
    place = places[low:high]
    for block in range(len(bases)):
        code, values = codes[parts[block], low:high], wide[bases[block] :]
        for i in range(high - low):
            to, at, weight = place[i], LANES * code[i], r[i]
            # So many at once fill the processor's registers.
            for lane in range(LANES):
                out[block, to, lane] += weight * values[at + lane]
    for column in range(dense.shape[0]):
        for i in range(high - low):
            out_dense[place[i], column] += r[i] * dense[column, low + i]


def _tally_events_numpy(codes, starts, moment, lo, hi, people, events):
    for part in range(len(codes)):
        for low in range(lo, hi, 1 << 16):
            high = min(low + (1 << 16), hi)
            own, code = slice(starts[part], starts[part + 1]), codes[part, low:high]
            size = own.stop - own.start
            people[own] += np.bincount(code, minlength=size)
            events[own] += np.bincount(code[moment[low:high] & 1 == 1], minlength=size)


@compiled.kernel(otherwise=_tally_events_numpy)
def tally_events(codes, starts, moment, lo, hi, people, events):
    """Count people, and those who leave with the event, by pattern."""
    last = moment[lo:hi]
    for part in range(codes.shape[0]):
        start, code = starts[part], codes[part, lo:hi]
        for i in range(hi - lo):
            at = start + code[i]
            people[at] += 1
            events[at] += last[i] & 1


def _residuals_numpy(values, r, moment, first, hazard, before, pull, pull_before, centre, lo, out):
    own = moment[lo : lo + len(r)]
    through = hazard[own]
    mean = pull[own]
    if len(first):
        start = first[lo : lo + len(r)]
        through = through - before[start]
        mean = mean - pull_before[start]
    np.multiply(((own & 1) - r * through)[:, None], values, out=out)
    out += r[:, None] * mean
    out -= centre[own]


@compiled.kernel(otherwise=_residuals_numpy)
def residuals(values, r, moment, first, hazard, before, pull, pull_before, centre, lo, out):
    """Score residuals of people from `lo` on, whose covariates and relative hazards are given."""
    late = len(first) > 0
    for i in range(len(r)):
        own = moment[lo + i]
        through = hazard[own]
        start = 0
        if late:
            start = first[lo + i]
            through -= before[start]
        share = (own & 1) - r[i] * through
        for j in range(values.shape[1]):
            mean = pull[own, j]
            if late:
                mean -= pull_before[start, j]
            out[i, j] = share * values[i, j] + r[i] * mean - centre[own, j]


# The sum of (j / d)^m over j below d is a polynomial in d, divided by d^m (Faulhaber's formula,
# with the numbers of Bernoulli): row m has its coefficients of d, 1, 1/d and so on.
POWERS = 14
BERNOULLI = (1, -1 / 2, 1 / 6, 0, -1 / 30, 0, 1 / 42, 0, -1 / 30, 0, 5 / 66, 0, -691 / 2730, 0)
FAULHABER = np.array(
    [
        [comb(m + 1, i) * b / (m + 1) * (i <= m) for i, b in enumerate(BERNOULLI)]
        for m in range(POWERS)
    ]
)
# From so many deaths at a time, which are at most that share of those at risk: twelve powers of it
# leave less than rounding does.
MANY_TIED, SMALL_SHARE = 24, 0.02


def _ties_numpy(deaths, at_risk, dying, efron, out):
    out[:] = 0.0
    if not efron:
        out[0] = deaths / at_risk
        out[2] = deaths / at_risk**2
        out[5] = deaths * np.log(at_risk)
        return
    edges = np.concatenate([[0], np.cumsum(deaths)])
    low = 0
    while low < len(deaths):
        high = max(low + 1, int(np.searchsorted(edges, edges[low] + ROWS, side="right")) - 1)
        d = deaths[low:high]
        place = np.repeat(np.arange(high - low), d)
        share = (np.arange(edges[low], edges[high]) - edges[low:high][place]) / d[place]
        total = at_risk[low:high][place] - share * dying[low:high][place]
        inverse = 1.0 / total
        for row, values in enumerate(
            (inverse, share * inverse, inverse**2, share * inverse**2, (share * inverse) ** 2)
        ):
            out[row, low:high] = np.bincount(place, values, minlength=high - low)
        out[5, low:high] = np.bincount(place, np.log(total), minlength=high - low)
        low = high


@compiled.kernel(otherwise=_ties_numpy, fastmath=SUMS)
def ties(deaths, at_risk, dying, efron, out):
    """Sum over the tied events of each time what the likelihood needs of them.

    With the total S of those at risk less the share s of the dying, the rows of `out` are the sums
    of 1/S, s/S, 1/S^2, s/S^2, s^2/S^2 and log S. With Breslow's ties the share is 0. Where many die
    of very many, the sums over them are power series in their share of those at risk.
    """
    sums = np.empty(POWERS)
    for k in range(len(deaths)):
        d, a = deaths[k], at_risk[k]
        if not efron or d == 1:
            out[0, k], out[1, k], out[2, k] = d / a, 0.0, d / (a * a)
            out[3, k], out[4, k], out[5, k] = 0.0, 0.0, d * np.log(a)
            continue
        if d >= MANY_TIED and dying[k] <= SMALL_SHARE * a:
            x = dying[k] / a
            for m in range(POWERS):
                total, power = 0.0, float(d)
                for i in range(m + 1):
                    total += FAULHABER[m, i] * power
                    power /= d
                sums[m] = total
            h = s = q = sq = ssq = log = 0.0
            power = 1.0
            for m in range(POWERS - 2):
                if m > 0:
                    log -= power * sums[m] / m
                h += power * sums[m]
                s += power * sums[m + 1]
                q += (m + 1) * power * sums[m]
                sq += (m + 1) * power * sums[m + 1]
                ssq += (m + 1) * power * sums[m + 2]
                power *= x
            out[0, k], out[1, k], out[5, k] = h / a, s / a, d * np.log(a) + log
            out[2, k], out[3, k], out[4, k] = q / (a * a), sq / (a * a), ssq / (a * a)
            continue
        b = dying[k] / d
        h = s = q = sq = ssq = 0.0
        log, product = 0.0, 1.0
        for j in range(d):
            total = a - j * b
            inverse = 1.0 / total
            share = j / d
            h += inverse
            s += share * inverse
            square = inverse * inverse
            q += square
            sq += share * square
            ssq += share * share * square
            # A logarithm of some factors at once, few enough not to vanish.
            product *= total / a
            if j % 16 == 15:
                log += np.log(product)
                product = 1.0
        out[0, k], out[1, k], out[2, k], out[3, k], out[4, k] = h, s, q, sq, ssq
        out[5, k] = d * np.log(a) + log + np.log(product)


def _tally_numpy(keys, out):
    if len(out) <= 4 * len(keys):
        out += np.bincount(keys, minlength=len(out))
    else:
        np.add.at(out, keys, 1)


@compiled.kernel(otherwise=_tally_numpy)
def tally(keys, out):
    """Count keys into what was counted before."""
    for i in range(len(keys)):
        out[keys[i]] += 1


# So few runs take numpy less time than a kernel takes to load.
FEW_RUNS = 64


def add_from_end(values: np.ndarray, edges: np.ndarray, out: np.ndarray) -> None:
    """Add rows up from the end of each run of them (between two edges), into `out`."""
    few = len(edges) <= FEW_RUNS
    (_add_from_end_numpy if few else _add_from_end)(values, edges, out)


def add_from_start(values: np.ndarray, edges: np.ndarray, out: np.ndarray) -> None:
    """Add rows up from the start of each run of them (between two edges), into `out`."""
    few = len(edges) <= FEW_RUNS
    (_add_from_start_numpy if few else _add_from_start)(values, edges, out)


def _add_from_end_numpy(values, edges, out):
    for low, high in pairwise(edges.tolist()):
        out[low:high] = np.cumsum(values[low:high][::-1], axis=0)[::-1]


def _add_from_start_numpy(values, edges, out):
    for low, high in pairwise(edges.tolist()):
        np.cumsum(values[low:high], axis=0, out=out[low:high])


@compiled.kernel(otherwise=_add_from_end_numpy)
def _add_from_end(values, edges, out):
    for run in range(len(edges) - 1):
        low, high = edges[run], edges[run + 1]
        for j in range(values.shape[1]):
            out[high - 1, j] = values[high - 1, j]
            for k in range(high - 2, low - 1, -1):
                out[k, j] = out[k + 1, j] + values[k, j]


@compiled.kernel(otherwise=_add_from_start_numpy)
def _add_from_start(values, edges, out):
    for run in range(len(edges) - 1):
        low, high = edges[run], edges[run + 1]
        for j in range(values.shape[1]):
            out[low, j] = values[low, j]
            for k in range(low + 1, high):
                out[k, j] = out[k - 1, j] + values[k, j]
