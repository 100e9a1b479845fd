"""The inner loops of Cox's model from arrays to arrays, for people without late entry.

People are sorted by stratum and time, those with the event first at a time; the people of one
stratum who leave at one time are a block. Covariates are centred and scaled; a column of ones and
columns of nought are added up to a multiple of `WIDE`, so that the processor handles several at
once. One value of the coefficients costs a running sum from the last block to the first (who is at
risk), one from the first to the last (the hazard that a person has gone through), and two sums of
outer products: over people, with sum_t a(t) S2(t) = X' diag(w A) X, and over the means at risk.
Efron's terms of one time differ by numbers only, so together they are two outer products, however
many die. Therneau and Grambsch 2000, doi 10.1007/978-1-4757-3294-8.

Nothing here raises: what is not clear is told by a code, and `engine` says what is the matter.
"""

from __future__ import annotations

import math

import numpy as np

from distance_to_care.statistics import compiled

WIDE = 8
SUMS = {"reassoc", "contract"}  # sums may be added up in any order; NaN stays NaN
# Numbers of one product of matrices: small enough to stay in one thread and in the cache.
PRODUCT = 131_072
ROUNDED = 1.5 * 2.0**52  # a number so large that adding it rounds to whole ones
# Smallest sum of relative hazards at risk, the largest hazard of all being one: the square of what
# is smaller, which the information needs, has no digits.
LEAST = 1e-150
LARGEST = 1 / LEAST  # of a product of risk sets, before its logarithm is taken
HALVINGS = 40  # of the steps of one fit together: who needs more creeps towards no top
# After a step as small as this the information at its start leads from its end nearer to the top
# than is asked for: what is left shrinks by about the size of the step.
LEADS = 3e-4
# Of a block, for Efron's terms k: the sums over k of the hazard and of its share taken out, and of
# hazard / people at risk times the share to the power of 0, 1 and 2.
HAZARD, OUT, FLAT, LEAN, STEEP = range(5)

# What `climb` found.
DONE, UNCLEAR = 0, 1


@compiled.kernel
def by_day(time, event, order):
    """Sort people by whole days, the dead first; False where days are no small whole numbers.

    `order` receives their places, in order.
    """
    people = len(time)
    first, last = math.inf, -math.inf
    for i in range(people):
        if time[i] != math.floor(time[i]):
            return False
        first, last = min(first, time[i]), max(last, time[i])
    # With more days than that, sorting is cheaper; and rounding makes large numbers equal.
    if not (last - first <= 4.0 * people + 1000.0 and max(abs(first), abs(last)) < 1e7):
        return False
    starts = np.zeros(2 * (int(last - first) + 1) + 1, np.int64)
    for i in range(people):
        starts[2 * int(time[i] - first) + (1 if event[i] else 2)] += 1
    for k in range(1, len(starts)):
        starts[k] += starts[k - 1]
    for i in range(people):
        k = 2 * int(time[i] - first) + (0 if event[i] else 1)
        order[starts[k]] = i
        starts[k] += 1
    return True


@compiled.kernel
def into_blocks(time, event, stratum, order, merge, edges, deaths):
    """Find the blocks of sorted people and bring the dead of each to its beginning.

    `edges` receives the first person of each block and, last, the number of people; `deaths` the
    number of the dead. With `merge`, times that differ by rounding only are one, as in
    `engine.merge_times`. Returns how many blocks there are.
    """
    people = len(order)
    tolerance = 0.0
    if merge:
        total, distinct = abs(time[order[0]]), 1
        for i in range(1, people):
            if time[order[i]] != time[order[i - 1]]:
                total += abs(time[order[i]])
                distinct += 1
        tolerance = math.sqrt(np.finfo(np.float64).eps) * max(1.0, total / distinct)
    censored = np.empty(people, np.int64)
    count = -1
    kept = 0
    for i in range(people):
        who = order[i]
        new = i == 0 or stratum[who] != stratum[order[i - 1]]
        # `order` before place i holds the same people as it did, those of the block rearranged.
        if new or time[who] - time[order[i - 1] if kept == 0 else censored[kept - 1]] > tolerance:
            for k in range(kept):
                order[i - kept + k] = censored[k]
            kept = 0
            count += 1
            edges[count] = i
            deaths[count] = 0
        if event[who]:
            order[edges[count] + deaths[count]] = who
            deaths[count] += 1
        else:
            censored[kept] = who
            kept += 1
    for k in range(kept):
        order[people - kept + k] = censored[k]
    edges[count + 1] = people
    return count + 1


@compiled.kernel(fastmath=SUMS)
def scaled(X, weight, order, Z, ordered, centre, scale):
    """Centre and scale covariates into `Z`, and weights into `ordered`, both in order.

    False where a covariate is constant, or a number missing or infinite.
    """
    people, terms = X.shape
    wide = Z.shape[1]
    # Sums of differences from the first person, whom no person is far from in standard deviations.
    start = np.ones(wide)
    start[:terms] = X[order[0]]
    plain, middle, spread = np.zeros(wide), np.zeros(wide), np.zeros(wide)
    whole = 0.0
    for i in range(people):
        who = order[i]
        w = weight[who]
        ordered[i] = w
        whole += w
        for j in range(terms):
            Z[i, j] = X[who, j]
        for j in range(terms, wide):
            Z[i, j] = 1.0
        # Over all columns, also those added, because the processor takes them in eights.
        for j in range(wide):
            apart = Z[i, j] - start[j]
            plain[j] += apart
            middle[j] += w * apart
            spread[j] += apart * apart
    for j in range(wide):
        if not (math.isfinite(spread[j]) and math.isfinite(middle[j])):
            return False
    plain /= people
    middle /= whole
    spread -= people * plain * plain
    middle += start
    for j in range(terms):
        centre[j], scale[j] = middle[j], math.sqrt(max(spread[j], 0.0) / people)
        if not scale[j] > 1e-12 * max(1.0, abs(centre[j])):
            return False
        spread[j] = 1.0 / scale[j]
    spread[terms:] = 0.0
    middle[terms:] = 0.0
    for i in range(people):
        for j in range(wide):
            Z[i, j] = (Z[i, j] - middle[j]) * spread[j]
        Z[i, terms] = 1.0
    return True


@compiled.kernel
def exponentials(values, largest):
    """Take exp(value - largest) in place: one expression for all, so several are taken at once.

    Two to the whole part, whose bits are set, times Taylor's sum of the rest; right to the last
    digit or the one before it, as the library's.
    """
    shifted = np.empty(len(values))
    for i in range(len(values)):
        # Below that the hazard is nought for all that follows.
        values[i] = max(values[i] - largest, -700.0)
        # Adding and taking away rounds to a whole number, which stays in the last bits.
        shifted[i] = values[i] * 1.4426950408889634 + ROUNDED
    powers = (shifted.view(np.int64) + 1023) << 52
    scales = powers.view(np.float64)
    for i in range(len(values)):
        whole = shifted[i] - ROUNDED
        x = (values[i] - whole * 0.693147180369123816490) - whole * 1.90821492927058770002e-10
        total = 1.0 / 6227020800.0
        total = total * x + 1.0 / 479001600.0
        total = total * x + 1.0 / 39916800.0
        total = total * x + 1.0 / 3628800.0
        total = total * x + 1.0 / 362880.0
        total = total * x + 1.0 / 40320.0
        total = total * x + 1.0 / 5040.0
        total = total * x + 1.0 / 720.0
        total = total * x + 1.0 / 120.0
        total = total * x + 1.0 / 24.0
        total = total * x + 1.0 / 6.0
        total = total * x + 0.5
        total = total * x + 1.0
        values[i] = (total * x + 1.0) * scales[i]


@compiled.kernel(fastmath=SUMS)
def relative_hazards(Z, beta, relative):
    """Work out exp(linear predictor - the largest) of each person. Returns the largest."""
    people, wide = Z.shape
    largest = -math.inf
    for i in range(people):
        total = 0.0
        for j in range(wide):
            total += Z[i, j] * beta[j]
        relative[i] = total
        largest = max(largest, total)
    exponentials(relative, largest)
    return largest


@compiled.kernel(fastmath=SUMS)
def at_risk(Z, weight, relative, edges, deaths, terms_of, opens, sums, dying, numbers):
    """Sum over who is at risk in each block with deaths.

    `terms_of` holds how many of Efron's terms a block has (1: Breslow's, 0: none). `sums` and
    `dying` receive the sums over the people at risk and, where there are several terms, over the
    dead; `numbers` what is said above. Returns the sum of the weighted logarithms of the risk sets;
    not a number where one is too small beside the largest hazard.
    """
    wide = Z.shape[1]
    running = np.zeros(wide)
    likelihood, product = 0.0, 1.0
    risk = 0.0
    for t in range(len(deaths) - 1, -1, -1):
        if opens[t + 1]:
            risk = 0.0
            running[:] = 0.0
        count = terms_of[t]
        alive, dead, whole = edges[t], 0.0, 0.0
        if count > 0:
            alive += deaths[t]
            for i in range(edges[t], alive):
                whole += weight[i]
        if count > 1:
            for j in range(wide):
                dying[t, j] = 0.0
            for i in range(edges[t], alive):
                r = weight[i] * relative[i]
                dead += r
                for j in range(wide):
                    dying[t, j] += r * Z[i, j]
            risk += dead
            for j in range(wide):
                running[j] += dying[t, j]
        else:
            alive = edges[t]
        for i in range(alive, edges[t + 1]):
            r = weight[i] * relative[i]
            risk += r
            for j in range(wide):
                running[j] += r * Z[i, j]
        if count == 0:
            continue
        if not risk > LEAST:
            return math.nan
        for j in range(wide):
            sums[t, j] = running[j]
        each = whole / count
        for k in range(5):
            numbers[t, k] = 0.0
        for k in range(count):
            share = k / count
            left = risk - share * dead
            if each == 1.0:
                product *= left
                if not 1.0 / LARGEST < product < LARGEST:
                    likelihood += math.log(product)
                    product = 1.0
            else:
                likelihood += each * math.log(left)
            inverse = 1.0 / left
            hazard = each * inverse
            numbers[t, HAZARD] += hazard
            numbers[t, OUT] += hazard * share
            hazard *= inverse
            numbers[t, FLAT] += hazard
            numbers[t, LEAN] += hazard * share
            numbers[t, STEEP] += hazard * share * share
    return likelihood + math.log(product)


@compiled.kernel
def expected_events(weight, relative, edges, deaths, terms_of, opens, numbers, by, lived):
    """Work out each person's expected events, weighted, each block's hazard times `by`."""
    through = 0.0
    for t in range(len(deaths)):
        if opens[t]:
            through = 0.0
        died = edges[t]
        if terms_of[t] > 0:
            through += numbers[t, HAZARD] * by[t]
        if terms_of[t] > 1:
            died += deaths[t]
            part = through - numbers[t, OUT] * by[t]
            for i in range(edges[t], died):
                lived[i] = part * weight[i] * relative[i]
        for i in range(died, edges[t + 1]):
            lived[i] = through * weight[i] * relative[i]


@compiled.kernel(fastmath=SUMS)
def summed(Z, lived, out):
    """Sum the covariates over people, each as often as `lived` says."""
    people, wide = Z.shape
    out[:] = 0.0
    for i in range(people):
        for j in range(wide):
            out[j] += lived[i] * Z[i, j]


@compiled.kernel(fastmath=SUMS)
def curvature(Z, weight, relative, edges, deaths, terms_of, opens, sums, dying, numbers, by, total):
    """Sum the covariate variances of the risk sets, each block weighted by its hazard and `by`.

    `total` receives the matrix. Returns the sum over people of covariates times expected events.
    """
    people, wide = Z.shape
    chunk = max(64, PRODUCT // (wide * wide))
    left, right = np.empty((chunk + 1, wide)), np.empty((chunk + 1, wide))
    total[:] = 0.0
    filled = 0
    for t in range(len(deaths)):
        if terms_of[t] == 0:
            continue
        root = math.sqrt(numbers[t, FLAT])
        if terms_of[t] == 1:
            for j in range(wide):
                right[filled, j] = root * sums[t, j]
                left[filled, j] = -by[t] * right[filled, j]
            filled += 1
        else:
            lean = numbers[t, LEAN] / root
            steep = math.sqrt(max(numbers[t, STEEP] - lean * lean, 0.0))
            for j in range(wide):
                right[filled, j] = root * sums[t, j] - lean * dying[t, j]
                left[filled, j] = -by[t] * right[filled, j]
                right[filled + 1, j] = steep * dying[t, j]
                left[filled + 1, j] = -by[t] * right[filled + 1, j]
            filled += 2
        if filled >= chunk:
            total += np.dot(left[:filled].T, right[:filled])
            filled = 0
    total += np.dot(left[:filled].T, right[:filled])
    lived = np.empty(people)
    expected_events(weight, relative, edges, deaths, terms_of, opens, numbers, by, lived)
    # The column of ones gives the sum of the first powers along with the second ones.
    squares = np.zeros((wide, wide))
    filled = 0
    for i in range(people):
        for j in range(wide):
            left[filled, j] = lived[i] * Z[i, j]
        filled += 1
        if filled == chunk:
            squares += np.dot(left[:filled].T, Z[i + 1 - filled : i + 1])
            filled = 0
    squares += np.dot(left[:filled].T, Z[people - filled :])
    total += squares
    return squares


@compiled.kernel
def factor(matrix, terms, lower):
    """Factor a symmetric matrix by Cholesky; False where it is not clearly positive.

    Returns also the determinant of the matrix as one of correlations, which bounds how nearly its
    columns determine one another.
    """
    determinant = 1.0
    for j in range(terms):
        for i in range(j, terms):
            value = matrix[i, j]
            for k in range(j):
                value -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = value / lower[j, j]
            elif value > 1e-14 * matrix[j, j]:
                lower[j, j] = math.sqrt(value)
                determinant *= value / matrix[j, j]
            else:
                return False, 0.0
    return True, determinant


@compiled.kernel
def solved(lower, terms, vector, out):
    """Solve the factored system for one vector."""
    for i in range(terms):
        value = vector[i]
        for k in range(i):
            value -= lower[i, k] * out[k]
        out[i] = value / lower[i, i]
    for i in range(terms - 1, -1, -1):
        value = out[i]
        for k in range(i + 1, terms):
            value -= lower[k, i] * out[k]
        out[i] = value / lower[i, i]


@compiled.kernel
def inverted(matrix, terms, lower, out):
    """Invert a symmetric matrix into `out`; False where it is not clearly positive."""
    well, _ = factor(matrix, terms, lower)
    if well:
        unit = np.zeros(terms)
        for j in range(terms):
            unit[j] = 1.0
            solved(lower, terms, unit, out[j])
            unit[j] = 0.0
    return well


@compiled.kernel(fastmath=SUMS)
def furthest(Z, step):
    """Find how far a step moves anybody's log hazard."""
    people, wide = Z.shape
    found = 0.0
    for i in range(people):
        total = 0.0
        for j in range(wide):
            total += Z[i, j] * step[j]
        found = max(found, abs(total))
    return found


@compiled.kernel
def observed(Z, weight, edges, deaths, terms_of, by, out):
    """Sum the covariates of the dead, each block weighted by `by`. Returns the sum of weights."""
    whole = 0.0
    out[:] = 0.0
    for t in range(len(deaths)):
        if terms_of[t] > 0:
            for i in range(edges[t], edges[t] + deaths[t]):
                whole += weight[i]
                times = weight[i] * by[t]
                for j in range(len(out)):
                    out[j] += times * Z[i, j]
    return whole


@compiled.kernel
def little(likelihood):
    """Tell how much of a log likelihood rounding may make: a last step that gains more is none."""
    return 1e-9 + 1e-11 * abs(likelihood)


@compiled.kernel
def climb(
    Z,
    weight,
    edges,
    deaths,
    terms_of,
    opens,
    terms,
    step_size,
    runaway,
    steps,
    beta,
    first,
    variance,
):
    """Climb to the top of the likelihood from `beta`, by Newton's method with steps halved.

    The top is where a whole step of Newton's is small and gains next to nothing.
    `first` receives the information at the start, `variance` the inverse of that at the end.
    Returns a code, the determinant of the information at the start as a matrix of correlations,
    the likelihood at the start and at the end, the score statistic at the start, and the number
    of steps.
    """
    people, wide = Z.shape
    count = len(deaths)
    relative = np.empty(people)
    sums, dying = np.empty((count, wide)), np.empty((count, wide))
    numbers, by = np.empty((count, 5)), np.ones(count)
    seen = np.zeros(wide)
    weights = observed(Z, weight, edges, deaths, terms_of, by, seen)
    lower, now = np.zeros((wide, wide)), np.zeros((wide, wide))
    score, step, tried = np.zeros(wide), np.zeros(wide), beta.copy()
    start, likelihood, statistic, gain, determinant = 0.0, -math.inf, 0.0, 0.0, 0.0
    taken, halved, whole = 0, 0, True
    squares = np.zeros((wide, wide))
    led, lived, expected = False, np.empty(people), np.empty(wide)
    while True:
        largest = relative_hazards(Z, tried, relative)
        found = np.dot(tried, seen) - weights * largest
        found -= at_risk(Z, weight, relative, edges, deaths, terms_of, opens, sums, dying, numbers)
        if led and found >= likelihood - 1e-11 * abs(likelihood):
            expected_events(weight, relative, edges, deaths, terms_of, opens, numbers, by, lived)
            summed(Z, lived, expected)
            beta[:] = tried
            likelihood = found
            for j in range(terms):
                score[j] = seen[j] - expected[j]
            solved(lower, terms, score, step)
            gain = np.dot(step, score)
            taken += 1
            tried = beta + step
            led = False
            continue
        led = False
        sound = math.isfinite(found)
        if sound:
            squares = curvature(
                Z, weight, relative, edges, deaths, terms_of, opens, sums, dying, numbers, by, now
            )
            for j in range(terms):
                sound = sound and math.isfinite(now[j, j])
        if taken > 0 and not (sound and found >= likelihood - 1e-11 * abs(likelihood)):
            halved += 1
            whole = False
            if halved > HALVINGS:
                return UNCLEAR, determinant, start, likelihood, statistic, taken
            step /= 2.0
            tried = beta + step
            continue
        if not sound:
            return UNCLEAR, determinant, start, likelihood, statistic, taken
        beta[:] = tried
        likelihood = found
        if taken == 0:
            start = found
            first[:] = now
            for j in range(terms):
                if not now[j, j] > 1e-12 * weights:
                    return UNCLEAR, determinant, start, likelihood, statistic, taken
        # The step just taken was Newton's own, and so small that this is the top: one that was
        # halved is small anywhere.
        reached = np.max(np.abs(step))
        near = reached < step_size or (gain < step_size**2 and reached < 1e-6)
        if taken > 0 and whole and near and gain < little(likelihood):
            if not inverted(now, terms, lower, variance):
                return UNCLEAR, determinant, start, likelihood, statistic, taken
            return DONE, determinant, start, likelihood, statistic, taken
        if taken == steps:
            return UNCLEAR, determinant, start, likelihood, statistic, taken
        well, correlated = factor(now, terms, lower)
        if not well:
            return UNCLEAR, determinant, start, likelihood, statistic, taken
        for j in range(terms):
            score[j] = seen[j] - squares[j, terms]
        solved(lower, terms, score, step)
        gain = np.dot(step, score)
        if taken == 0:
            statistic, determinant = gain, correlated
        if gain < 1e-9 and furthest(Z, step) > runaway:
            return UNCLEAR, determinant, start, likelihood, statistic, taken
        taken += 1
        whole = True
        reached = np.max(np.abs(step))
        # A step that small leaves the information as it is to more digits than are asked for.
        if reached < 0.1 * step_size and gain < little(likelihood):
            beta += step
            inverted(now, terms, lower, variance)
            return DONE, determinant, start, likelihood + 0.5 * gain, statistic, taken
        led = reached < LEADS and taken < steps
        tried = beta + step


@compiled.kernel(fastmath=SUMS)
def influence(Z, weight, relative, edges, deaths, terms_of, opens, sums, dying, numbers, out):
    """Work out each person's score residual, not weighted, into `out` (people x wide)."""
    wide = Z.shape[1]
    through, mean_through = 0.0, np.zeros(wide)
    at_death, taken_out = np.zeros(wide), np.zeros(wide)
    for t in range(len(deaths)):
        if opens[t]:
            through = 0.0
            mean_through[:] = 0.0
        count = terms_of[t]
        died = 0
        if count > 0:
            died = deaths[t]
            hazard, less = numbers[t, HAZARD], numbers[t, OUT]
            flat, lean, steep = numbers[t, FLAT], numbers[t, LEAN], numbers[t, STEEP]
            whole = 0.0
            for i in range(edges[t], edges[t] + died):
                whole += weight[i]
            through += hazard
            for j in range(wide):
                s = sums[t, j]
                d = dying[t, j] if count > 1 else 0.0
                mean_through[j] += flat * s - lean * d
                taken_out[j] = lean * s - steep * d
                at_death[j] = (hazard * s - less * d) / whole
            for i in range(edges[t], edges[t] + died):
                for j in range(wide):
                    lived = Z[i, j] * (through - less) - (mean_through[j] - taken_out[j])
                    out[i, j] = Z[i, j] - at_death[j] - relative[i] * lived
        for i in range(edges[t] + died, edges[t + 1]):
            for j in range(wide):
                out[i, j] = -relative[i] * (Z[i, j] * through - mean_through[j])
