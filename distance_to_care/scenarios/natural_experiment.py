"""A natural experiment: local prescribing begins in some regions a year before the others.

Difference-in-differences on the people treated each month for each person expected, by care board
within region: two-by-two, Poisson regression with effects of board and month, group-time estimates
that never take treated regions as controls (Callaway and Sant'Anna 2021, J Econom 225:200, doi
10.1016/j.jeconom.2020.12.001), and permutation over every way to choose the early regions (few
clusters: Donald and Lang 2007, Rev Econ Stat 89:221). All are tried on simulated prescribing whose
effect is known. Estimates are logarithms of rate ratios until they are told, as per cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from distance_to_care import access, hospital_medicines, scheduler
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

PER_CENT = "per cent"
REGIONS_T = "seven regions, t test"
ALL_WAYS = "seven regions, every way to choose"
POISSON = "Poisson, errors by region"
MODEL_ERRORS = "Poisson, errors of the model"
CONTROLS = "Poisson, treated regions as controls"
METHODS = (REGIONS_T, ALL_WAYS, POISSON, MODEL_ERRORS, CONTROLS)
WRONG = {
    MODEL_ERRORS: "wrong on purpose: boards of a region are taken for independent of one another",
    CONTROLS: "wrong on purpose: regions that were treated first serve as controls for the others",
}
# What breaks the comparison, and the assumption that says how much.
BREAKS = {
    "trends differ": "prescribing_trend_gap",
    "effect builds up slowly": "prescribing_months_to_build",
    "effect spills over": "prescribing_spill_share",
    "medicine has other uses": "prescribing_other_uses",
    "others start sooner": "prescribing_months_elsewhere",
}
# Two of them hide an effect without a change of who is compared: alone, and both at once.
SLOW, OTHER = "effect builds up slowly", "medicine has other uses"
HIDING = {"nothing breaks it": (), SLOW: (SLOW,), OTHER: (OTHER,), "both": (SLOW, OTHER)}
# Where nothing breaks it: alike, at once, nowhere else, for this disease alone, and in time.
WHOLE = dict(zip(BREAKS.values(), (0.0, 1.0, 0.0, 0.0, 1e6), strict=True))
NO_EFFECT, AT_ONCE = "no effect", "effect at once"
BUILDS_UP, APART = "effect that builds up", "no effect, trends differ"
# What a page calls the tables, and their kind where the data do not say it.
_AGAINST = "People on treatment, early regions against the others"
TITLES = {
    "status": ("What data there are on prescribing", None),
    "estimates": (f"{_AGAINST}, in hospital data", None),
    "events": (f"{_AGAINST}, by quarter, in hospital data", None),
    "design": ("How many regions and choices the comparison has", "scenario"),
    "power": ("Chance of finding an effect, by its size", "scenario"),
    "smallest": ("Smallest effect that would be found four times in five", "scenario"),
    "smallest_if": ("Smallest effect found four times in five, if it is hidden", "scenario"),
    "breaks": ("What the comparison would find if its assumptions broke", "scenario"),
    "proof": ("How every method does where the effect is known", "synthetic"),
    "history": (f"One simulated history: {_AGAINST[0].lower()}{_AGAINST[1:]}", "synthetic"),
}
YEAR = 12
LEVEL = 0.05
POWER = 0.8
BATCH = 50  # simulated histories that one process works through
# The seven regions of the health service, of the nine statistical ones.
HEALTH_REGIONS = {
    "East Midlands": "Midlands",
    "West Midlands": "Midlands",
    "North East": "North East and Yorkshire",
    "Yorkshire and The Humber": "North East and Yorkshire",
}


class Cube(NamedTuple):
    """People treated as numbers: one row a board, one column a month."""

    people: np.ndarray
    expected: np.ndarray
    region: np.ndarray
    regions: list[str]
    months: list[str]


# ----------------------------------------------------------------------------------- the panel


def region_of_boards(areas: pd.DataFrame, boards: pd.DataFrame) -> pd.Series:
    """Find the region of the health service in which most areas of each care board lie.

    Parameters
    ----------
    areas : the table `areas`: `area_code`, `region` (nine), and what `access.board_of_areas` needs.
    boards : one edition of the table `care_boards`.

    Returns
    -------
    Region of seven, index `board`.
    """
    of_area = areas[["area_code", "region"]].merge(access.board_of_areas(areas, boards))
    health = of_area["region"].replace(HEALTH_REGIONS)
    return health.groupby(of_area["board"]).agg(lambda each: each.mode().iloc[0])


def panel(
    days: pd.DataFrame,
    board: pd.Series,
    region: pd.Series,
    expected: pd.Series,
    months: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Turn days of treatment into people treated, by board and month.

    Parameters
    ----------
    days : as `hospital_medicines.treated_days` returns it.
    board : board of each trust; index `trust_code`. Trusts without one are left out.
    region : region of each board, as `region_of_boards` returns it.
    expected : people expected with the disease; index `board`.
    months : months that get rows, whether anything was issued in them or not; by default those in
        which something was.

    Returns
    -------
    One row a board and month: `month`, `board`, `region`, `people` (treated on an average day of
    the month, 0 where more came back than went out), `expected_patients`. A board whose trusts
    issued nothing in any month is left out: it has no change that could be compared.
    """
    here = days.assign(board=days["trust_code"].map(board)).dropna(subset="board")
    wide = here.pivot_table(
        index="board", columns="month", values="estimate", aggfunc="sum", fill_value=0.0
    )
    if months is not None:
        wide = wide.reindex(columns=pd.Index(months, name="month"), fill_value=0.0)
    length = [pd.Period(month, "M").days_in_month for month in wide.columns]
    people = (wide / length).clip(lower=0)
    people = people[people.sum(axis=1) > 0]
    out = people.reset_index().melt("board", var_name="month", value_name="people")
    return out.assign(
        region=out["board"].map(region), expected_patients=out["board"].map(expected)
    )[["month", "board", "region", "people", "expected_patients"]]


def _cube(table: pd.DataFrame) -> Cube:
    wide = table.pivot_table(index="board", columns="month", values="people", aggfunc="sum")
    if wide.isna().any(axis=None):
        raise AnalysisError(
            f"{int(wide.isna().sum().sum()):,} months of boards are missing from the panel. Every "
            "board needs a row in every month; a month without anybody has 0 people."
        )
    of_board = table.drop_duplicates("board").set_index("board").loc[wide.index]
    region, regions = pd.factorize(of_board["region"], sort=True)
    return Cube(
        wide.to_numpy(float),
        of_board["expected_patients"].to_numpy(float),
        region,
        list(regions),
        list(wide.columns),
    )


def _members(cube: Cube) -> np.ndarray:
    """One row a region, one column a board: whether the board is of the region."""
    return (np.arange(len(cube.regions))[:, None] == cube.region).astype(float)


def _is_early(regions: Sequence[str], early: Sequence[str]) -> np.ndarray:
    lost = sorted(set(early) - set(regions))
    if lost:
        raise AnalysisError(f"No board of the panel is in the region {', '.join(lost)}.")
    chosen = np.isin(regions, list(early))
    if min(chosen.sum(), (~chosen).sum()) < 2:
        raise AnalysisError("At least two regions have to begin early, and two later.")
    return chosen


# --------------------------------------------------------------------------------- comparisons


def _window(months: Sequence[str], start: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Which columns are the months before the start, and which the months from it on."""
    first = pd.Period(start, "M")
    wanted = [str(first + step) for step in range(-length, length)]
    lost = [month for month in wanted if month not in set(months)]
    if lost:
        raise AnalysisError(
            f"The comparison needs every month from {wanted[0]} to {wanted[-1]}; {len(lost)} are "
            f"missing, the first is {lost[0]}."
        )
    return np.isin(months, wanted[:length]), np.isin(months, wanted[length:])


def _changes(people: np.ndarray, cube: Cube, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Change of each region's log rate; people may have leading axes, of replicates."""
    by_region = _members(cube) @ people
    totals = [by_region[..., chosen].mean(axis=-1) for chosen in (before, after)]
    if min(total.min() for total in totals) <= 0:
        raise AnalysisError(
            "A region has nobody on treatment before or after the start, so that its change has no "
            "ratio. Leave the region out, or take longer periods."
        )
    return np.log(totals[1]) - np.log(totals[0])


def _t_test(changes: np.ndarray, early: np.ndarray) -> tuple[np.ndarray, ...]:
    """Difference of mean changes, its standard error, and its degrees of freedom: equal spread."""
    one, other = changes[..., early], changes[..., ~early]
    n, m = one.shape[-1], other.shape[-1]
    squares = one.var(axis=-1) * n + other.var(axis=-1) * m
    error = np.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    return one.mean(axis=-1) - other.mean(axis=-1), error, n + m - 2


def _every_way(changes: np.ndarray, early: np.ndarray) -> tuple[np.ndarray, ...]:
    """Permutation: p-value and the interval of effects that are not rejected, in closed form.

    An effect is rejected where the regions that began early differ more from the others, once it
    is taken off, than any other choice of as many regions does.
    """
    n, k = len(early), int(early.sum())
    contrasts, overlap = [], []
    for chosen in combinations(range(n), k):
        weight = np.full(n, -1 / (n - k))
        weight[list(chosen)] = 1 / k
        contrasts.append(weight)
        overlap.append(weight[early].sum())
    found = changes @ np.array(contrasts).T
    share = np.array(overlap)
    own = share > 1 - 1e-9
    estimate = found[..., own][..., 0]
    extreme = np.abs(found) >= np.abs(estimate)[..., None] - 1e-12
    others, share = found[..., ~own], share[~own]
    # Where n = 2k the mirror image of the choice says the same as the choice itself.
    real = share > -1 + 1e-9
    others, share = others[..., real], share[real]
    roots = np.stack(
        [
            (estimate[..., None] - others) / (1 - share),
            (estimate[..., None] + others) / (1 + share),
        ],
        axis=-1,
    )
    low, high = roots.min(axis=(-2, -1)), roots.max(axis=(-2, -1))
    return estimate, extreme.mean(axis=-1), low, high


def two_by_two(
    table: pd.DataFrame, early: Sequence[str], start: str, length: int = YEAR
) -> pd.DataFrame:
    """Compare the change of the early regions with that of the others: each region counts once.

    Parameters
    ----------
    table : as `panel` returns it.
    early : regions that began at the start; the others had not begun until after `length` months.
    start : month such as `2024-04`.
    length : months before and months after that are compared.

    Returns
    -------
    One row a method: `method` (t test; permutation), `estimate`, `ci_low`, `ci_high` (per cent more
    than the other regions), `p_value`, `degrees_of_freedom`, `unit`, `note`. The interval of the
    permutation holds every effect with which some other choice of regions is as extreme.

    Raises
    ------
    AnalysisError : months are missing, a region has nobody treated, or fewer than two regions are
        on a side.

    Donald and Lang 2007, Rev Econ Stat 89:221, doi 10.1162/rest.89.2.221.
    """
    cube = _cube(table)
    chosen = _is_early(cube.regions, early)
    changes = _changes(cube.people, cube, *_window(cube.months, start, length))
    value, error, freedom = _t_test(changes, chosen)
    away = stats.t.ppf(1 - LEVEL / 2, freedom) * error
    p = 2 * stats.t.sf(abs(value) / error, freedom) if error else np.nan
    ways = int(round(1 / least_p_value(len(chosen), int(chosen.sum()))))
    _, share, low, high = _every_way(changes, chosen)
    rows = [
        (REGIONS_T, value, value - away, value + away, p, float(freedom),
         "regions have trends of one spread"),
        (ALL_WAYS, value, low, high, share, np.nan,
         f"{ways} ways to choose: the p-value cannot be below {1 / ways:.3f}"),
    ]  # fmt: skip
    return _told(rows)


def least_p_value(regions: int, early: int) -> float:
    """Smallest p-value that a permutation over the choice of early regions can have.

    Parameters
    ----------
    regions, early : number of regions, and how many of them began early.

    Returns
    -------
    One over the number of choices; twice that where half of the regions began early.
    """
    ways = len(list(combinations(range(regions), early)))
    return (2 if 2 * early == regions else 1) / ways


def _told(rows: Sequence[tuple]) -> pd.DataFrame:
    """Tell log rate ratios as per cent."""
    columns = ["method", "estimate", "ci_low", "ci_high", "p_value", "degrees_of_freedom", "note"]
    out = pd.DataFrame(rows, columns=columns)
    ends = ["estimate", "ci_low", "ci_high"]
    out[ends] = _per_cent(out[ends].astype(float))
    return out.assign(unit=PER_CENT)


def _per_cent(logged):
    return 100 * np.expm1(logged)


def placebos(
    table: pd.DataFrame, early: Sequence[str], start: str, dates: Sequence[str], length: int
) -> pd.DataFrame:
    """Compare the same regions at false dates: before the start, where nothing should be found.

    Parameters
    ----------
    table, early, start : as for `two_by_two`.
    dates : false starts, each at least `length` months before the real one.
    length : months before and after each false start.

    Returns
    -------
    As `two_by_two`, with `level` (the false date).

    Raises
    ------
    AnalysisError : a false start whose months reach the real one.
    """
    late = [date for date in dates if pd.Period(date, "M") + length > pd.Period(start, "M")]
    if late:
        raise AnalysisError(
            f"The false start {late[0]} is fewer than {length} months before the real one, {start}."
        )
    parts = [two_by_two(table, early, date, length).assign(level=date) for date in dates]
    return pd.concat(parts, ignore_index=True)


def group_time(table: pd.DataFrame, starts: Mapping[str, str], width: int = 3) -> pd.DataFrame:
    """Estimate the effect in each cohort of regions and each period, without treated controls.

    Parameters
    ----------
    table : as `panel` returns it.
    starts : month in which each region began. Regions that never begin are left out of it.
    width : months in a period; periods are counted from the first start, and a period that is not
        whole is left out.

    Returns
    -------
    One row a cohort and period: `group` (month of the start), `value` (periods since that start, 0
    the first one with treatment), `level` (first month of the period), `estimate`, `ci_low`,
    `ci_high` (per cent, against the last period before the start), `degrees_of_freedom`, `unit`.
    Controls are the regions that have not begun by the end of the period; a period in which they
    or the cohort are fewer than two regions has no row. The period that the others are set against
    has the estimate 0 and no interval.

    Callaway and Sant'Anna 2021, J Econom 225:200, doi 10.1016/j.jeconom.2020.12.001.
    """
    cube = _cube(table)
    first = min(starts.values())
    since = np.array([_months_between(first, month) for month in cube.months])
    period = since // width
    whole = [each for each in np.unique(period) if (period == each).sum() == width]
    by_region = _members(cube) @ cube.people
    rate = {each: by_region[:, period == each].mean(axis=1) for each in whole}
    begin = np.array(
        [
            -(-_months_between(first, starts[name]) // width) if name in starts else np.inf
            for name in cube.regions
        ]
    )
    rows = []
    for month in sorted(set(starts.values())):
        own = -(-_months_between(first, month) // width)
        cohort = begin == own
        for each in whole:
            waiting = (begin > max(each, own - 1)) & ~cohort
            used = cohort | waiting
            if own - 1 not in rate or min(cohort.sum(), waiting.sum()) < 2:
                continue
            told = str(pd.Period(first, "M") + int(each * width))
            if each == own - 1:
                rows.append((month, -1.0, told, 0.0, np.nan, np.nan, np.nan))
                continue
            pair = np.array([rate[own - 1][used], rate[each][used]])
            if (pair <= 0).any():
                raise AnalysisError(f"A region has nobody on treatment around {month}.")
            value, error, freedom = _t_test(np.log(pair[1] / pair[0]), cohort[used])
            away = stats.t.ppf(1 - LEVEL / 2, freedom) * error
            rows.append(
                (month, float(each - own), told, value, value - away, value + away, float(freedom))
            )
    columns = ["group", "value", "level", "estimate", "ci_low", "ci_high", "degrees_of_freedom"]
    out = pd.DataFrame(rows, columns=columns)
    ends = columns[3:6]
    out[ends] = _per_cent(out[ends].astype(float))
    return out.assign(unit=PER_CENT)


def _months_between(first: str, month: str) -> int:
    return pd.Period(month, "M").ordinal - pd.Period(first, "M").ordinal


# ------------------------------------------------------------------------- Poisson regression


class Fit(NamedTuple):
    """Log rate ratio, its error clustered by region, and the error that the model itself gives."""

    value: float
    clustered: float
    model: float


def _poisson(people: np.ndarray, treated: np.ndarray, region: np.ndarray) -> Fit:
    """Fit Poisson regression with effects of board and month by Newton's method.

    The expected people of a board do not change over time, so that its effect holds them. The
    second derivative is made of sums of the fitted values by board and month: no design matrix.
    A board or a month without anybody says nothing of the effect, and is left out.
    """
    there = people.sum(axis=1) > 0, people.sum(axis=0) > 0
    people, treated, region = people[np.ix_(*there)], treated[np.ix_(*there)], region[there[0]]
    if not treated.any() or treated.all() or len(np.unique(region)) < 2:
        raise AnalysisError("Nobody is on treatment where a comparison would need somebody.")
    boards, months = people.shape
    total = np.log(people.sum())
    board = np.log(people.sum(axis=1)) - total / 2
    month = np.log(people.sum(axis=0)) - total / 2
    effect = 0.0
    for _ in range(50):
        fitted = np.exp(board[:, None] + month + effect * treated)
        second = _second_derivative(fitted, treated)
        step = np.linalg.solve(second, _first_derivative(people - fitted, treated))
        board = board + step[:boards]
        month = month + np.concatenate([[0.0], step[boards:-1]])
        effect += step[-1]
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise AnalysisError("Poisson regression did not converge: too few people are on treatment.")
    inverse = np.linalg.inv(second)
    rest = people - fitted
    scores = np.array(
        [
            _first_derivative(np.where((region == each)[:, None], rest, 0.0), treated)
            for each in np.unique(region)
        ]
    )
    clusters, rows = len(scores), people.size
    fewer = clusters / (clusters - 1) * (rows - 1) / (rows - len(inverse))
    spread = inverse[-1] @ scores.T
    return Fit(effect, float(np.sqrt(fewer * spread @ spread)), float(np.sqrt(inverse[-1, -1])))


def _first_derivative(rest: np.ndarray, treated: np.ndarray) -> np.ndarray:
    return np.concatenate([rest.sum(axis=1), rest.sum(axis=0)[1:], [(rest * treated).sum()]])


def _second_derivative(fitted: np.ndarray, treated: np.ndarray) -> np.ndarray:
    boards, months = fitted.shape
    on = fitted * treated
    out = np.zeros((boards + months, boards + months))
    out[:boards, :boards] = np.diag(fitted.sum(axis=1))
    out[boards:-1, boards:-1] = np.diag(fitted.sum(axis=0)[1:])
    out[:boards, boards:-1] = fitted[:, 1:]
    out[boards:-1, :boards] = fitted[:, 1:].T
    out[:-1, -1] = out[-1, :-1] = np.concatenate([on.sum(axis=1), on.sum(axis=0)[1:]])
    out[-1, -1] = (on * treated).sum()
    return out


def two_way(
    table: pd.DataFrame, starts: Mapping[str, str], months: Sequence[str] | None = None
) -> pd.DataFrame:
    """Fit Poisson regression with effects of board and of month, and a step at each start.

    Parameters
    ----------
    table : as `panel` returns it.
    starts : month in which each region began; regions that never begin are left out of it.
    months : the months that count; all by default. Where they reach beyond the second start,
        regions that began first are controls of the others: right only for an effect that is
        there at once and never changes.

    Returns
    -------
    As `two_by_two`: one row with errors clustered by region (t with one degree of freedom fewer
    than there are regions), one with the errors of the model.

    Goodman-Bacon 2021, J Econom 225:254, doi 10.1016/j.jeconom.2021.03.014.
    """
    rows = table if months is None else table[table["month"].isin(list(months))]
    cube = _cube(rows)
    fit = _poisson(cube.people, _treated(cube, starts), cube.region)
    freedom = float(len(cube.regions) - 1)
    wide, narrow = stats.t.ppf(1 - LEVEL / 2, freedom), stats.norm.ppf(1 - LEVEL / 2)
    return _told(
        [
            (POISSON, fit.value, fit.value - wide * fit.clustered,
             fit.value + wide * fit.clustered,
             2 * stats.t.sf(abs(fit.value) / fit.clustered, freedom), freedom,
             f"{len(cube.regions)} clusters are few for errors of this kind"),
            (MODEL_ERRORS, fit.value, fit.value - narrow * fit.model,
             fit.value + narrow * fit.model, 2 * stats.norm.sf(abs(fit.value) / fit.model), np.nan,
             WRONG[MODEL_ERRORS]),
        ]
    )  # fmt: skip


def _treated(cube: Cube, starts: Mapping[str, str]) -> np.ndarray:
    """One row a board, one column a month: 1 from the start of the board's region on."""
    begin = np.array([starts.get(name, "9999-12") for name in cube.regions])[cube.region]
    return (np.array(cube.months)[None, :] >= begin[:, None]).astype(float)


# ---------------------------------------------------------------------- simulated prescribing


class Plan(NamedTuple):
    """What prescribing is simulated from.

    boards : `board`, `region`, `expected_patients`; early : the regions that begin first;
    assumed : name of each assumption -> value; seed : of all random numbers.
    """

    boards: pd.DataFrame
    early: tuple[str, ...]
    assumed: Mapping[str, float]
    seed: int


def plan_of(
    region: pd.Series, expected: pd.Series, early: Sequence[str], rows: pd.DataFrame, seed: int
) -> Plan:
    """Gather what prescribing is simulated from.

    Parameters
    ----------
    region, expected : of each board, as for `panel`.
    early : regions that begin first.
    rows : assumptions of this scenario, as `assumptions.of` returns them.
    seed : of all random numbers.

    Returns
    -------
    The plan, with the assumed values.

    Raises
    ------
    AnalysisError : a region is not there, or fewer than two are on a side.
    """
    boards = pd.DataFrame({"region": region, "expected_patients": expected})
    boards = boards.rename_axis("board").dropna().reset_index()
    _is_early(sorted(set(boards["region"])), early)
    return Plan(boards, tuple(early), assumptions.values(rows), seed)


def mean_history(
    plan: Plan, since: np.ndarray, effect: float, world: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """People treated as they would be without any chance, and the true log effect.

    Parameters
    ----------
    plan : what is simulated.
    since : months since the start; 0 is the first with local prescribing.
    effect : ratio of the rate with local prescribing, once it is fully there, to that without.
    world : what breaks the comparison: the assumptions of `BREAKS` -> how much.

    Returns
    -------
    Two arrays, one row a board and one column a month: people, and the log of the effect on them.
    """
    world = WHOLE | dict(world)
    gap, build, spill, other, elsewhere = (world[name] for name in BREAKS.values())
    early = plan.boards["region"].isin(plan.early).to_numpy()[:, None]
    own = np.clip((since + 1) / build, 0, 1)
    theirs = np.maximum(spill * own, np.clip((since - elsewhere + 1) / build, 0, 1))
    reached = np.where(early, own, theirs)
    logged = np.log((1 - other) * np.exp(np.log(effect) * reached) + other)
    years = since / YEAR
    rate = np.log(plan.assumed["prescribing_treated_share"])
    rate = rate + years * (plan.assumed["prescribing_growth"] + gap * early)
    people = plan.boards["expected_patients"].to_numpy(float)[:, None] * np.exp(rate + logged)
    return people, logged


def histories(
    plan: Plan,
    since: np.ndarray,
    effect: float,
    world: Mapping[str, float],
    number: int,
    seed: Sequence[int],
) -> np.ndarray:
    """Simulate histories of prescribing: boards differ, regions drift and wander, months are noisy.

    Parameters
    ----------
    plan, since, effect, world : as for `mean_history`.
    number : how many histories.
    seed : whole numbers; the same ones give the same histories.

    Returns
    -------
    People treated: one layer a history, one row a board, one column a month.

    Each region has a yearly trend of its own, and a log rate that wanders as an autoregression of
    order one; each board a level and independent monthly noise; people are Poisson.
    """
    assumed, random = plan.assumed, np.random.default_rng(seed)
    region, names = pd.factorize(plan.boards["region"], sort=True)
    shape = (number, len(names), len(since))
    memory = assumed["prescribing_shock_memory"]
    fresh = random.normal(size=shape)
    wander = np.empty(shape)
    wander[..., 0] = fresh[..., 0]
    for month in range(1, len(since)):
        wander[..., month] = (
            memory * wander[..., month - 1] + np.sqrt(1 - memory**2) * fresh[..., month]
        )
    trend = random.normal(size=shape[:2])[..., None] * since / YEAR
    of_region = assumed["prescribing_region_trend"] * trend
    of_region = of_region + assumed["prescribing_region_shock"] * wander
    boards = len(plan.boards)
    level = assumed["prescribing_board_spread"] * random.normal(size=(number, boards, 1))
    noise = random.normal(size=(number, boards, len(since)))
    logged = of_region[:, region] + level + assumed["prescribing_board_noise"] * noise
    people, _ = mean_history(plan, since, effect, world)
    return random.poisson(people * np.exp(logged)).astype(float)


def as_panel(plan: Plan, people: np.ndarray, since: np.ndarray, start: str) -> pd.DataFrame:
    """Write one simulated history as a panel, so that every estimator takes it.

    Parameters
    ----------
    plan, since : as for `mean_history`.
    people : one row a board, one column a month.
    start : the month that counts as 0.

    Returns
    -------
    As `panel`.
    """
    months = [str(pd.Period(start, "M") + int(step)) for step in since]
    wide = pd.DataFrame(people, index=plan.boards["board"], columns=months)
    long = wide.reset_index().melt("board", var_name="month", value_name="people")
    return long.merge(plan.boards, on="board")[
        ["month", "board", "region", "people", "expected_patients"]
    ]


def found_on_average(plan: Plan, effect: float, ends: pd.DataFrame) -> pd.DataFrame:
    """Work out what the two-by-two comparison would find if its assumptions broke, without chance.

    Parameters
    ----------
    plan : what is simulated.
    effect : ratio that is built in.
    ends : `name` (the assumptions of `BREAKS`), `value`, `low`, `high`.

    Returns
    -------
    One row a break and an effect (none, and the one given), the first of them with nothing broken:
    `scenario`, `level` (no effect, effect at once), `estimate` (what would be found, at the assumed
    value), `low`, `high` (least and most over the range of that assumption), `built_in`, `unit`,
    `term` (the words as one name).
    """
    since = np.arange(-YEAR, YEAR)
    ends = ends.set_index("name")[["value", "low", "high"]].astype(float)
    cube = _cube(as_panel(plan, mean_history(plan, since, 1.0, {})[0], since, "2000-01"))
    order = plan.boards.set_index("board")["region"].sort_index().index
    place = plan.boards["board"].map({name: at for at, name in enumerate(order)}).to_numpy()
    early = np.isin(cube.regions, list(plan.early))
    rows = []
    for words, name in {"nothing breaks it": "", **BREAKS}.items():
        for level, ratio in ((NO_EFFECT, 1.0), (AT_ONCE, effect)):
            found = []
            for value in ends.loc[name] if name else [0.0]:
                people = np.empty_like(cube.people)
                people[place] = mean_history(plan, since, ratio, {name: value} if name else {})[0]
                changes = _changes(people, cube, since < 0, since >= 0)
                found.append(_per_cent(_t_test(changes, early)[0]))
            rows.append(
                (words, level, found[0], min(found), max(found), _per_cent(np.log(ratio)), PER_CENT)
            )
    columns = ["scenario", "level", "estimate", "low", "high", "built_in", "unit"]
    return _with_terms(pd.DataFrame(rows, columns=columns), ["level", "scenario"])


def _with_terms(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Name each row by its words, so that a number can be asked for."""
    words = table[list(columns)].agg(".".join, axis=1)
    return table.assign(term=words.str.replace(",", "").str.replace(" ", "_"))


# --------------------------------------------------------------------------------------- power


def error_of_difference(
    plan: Plan, assumed: Mapping[str, float] | pd.DataFrame, before: int = YEAR, after: int = YEAR
) -> np.ndarray:
    """Standard error of the two-by-two comparison of regions, in closed form.

    Parameters
    ----------
    plan : the boards and the early regions.
    assumed : one value of each assumption, or one row a draw.
    before, after : months that are compared.

    Returns
    -------
    Standard error of the log rate ratio; one number a draw.
    """
    value = {name: np.atleast_1d(np.asarray(assumed[name], float)) for name in assumed}
    weight = np.concatenate([np.full(before, -1 / before), np.full(after, 1 / after)])
    lags = np.correlate(weight, weight, "full")[len(weight) - 1 :]
    lags[1:] *= 2
    memory = value["prescribing_shock_memory"]
    shock = (memory[:, None] ** np.arange(len(lags))) @ lags
    apart = (before + after) / 2 / YEAR
    of_region = value["prescribing_region_shock"] ** 2 * shock
    of_region = of_region + (value["prescribing_region_trend"] * apart) ** 2
    # A region's rate is a mean over its boards, whose levels differ.
    total = 0.0
    for region, rows in plan.boards.groupby("region"):
        patients = rows["expected_patients"].to_numpy(float)
        share = patients / patients.sum()
        uneven = (share**2).sum() * np.exp(value["prescribing_board_spread"] ** 2)
        noise = np.expm1(value["prescribing_board_noise"] ** 2) * uneven
        people = patients.sum() * value["prescribing_treated_share"]
        chance = (noise + 1 / people) * (1 / before + 1 / after)
        count = _size(plan, region in plan.early)
        total = total + (of_region + chance) / count**2
    return np.sqrt(total)


def _size(plan: Plan, early: bool) -> int:
    regions = set(plan.boards["region"])
    return len(regions & set(plan.early)) if early else len(regions - set(plan.early))


def _freedom(plan: Plan) -> int:
    return plan.boards["region"].nunique() - 2


def power_of(logged: np.ndarray, error: np.ndarray, freedom: int) -> np.ndarray:
    """Chance that a t test at 5 per cent finds an effect.

    Parameters
    ----------
    logged : true log effect.
    error : standard error of its estimate, as long, or one number.
    freedom : degrees of freedom of the test.

    Returns
    -------
    From 0.05 (no effect) to 1.
    """
    beyond = stats.t.ppf(1 - LEVEL / 2, freedom)
    apart = np.abs(logged) / error
    # Both tails from the upper one: the lower one of this distribution fails far out.
    return stats.nct.sf(beyond, freedom, apart) + stats.nct.sf(beyond, freedom, -apart)


def smallest_seen(error: np.ndarray, freedom: int) -> np.ndarray:
    """Smallest effect that a t test at 5 per cent would find with a chance of 80 per cent.

    Parameters
    ----------
    error : standard error of the log rate ratio.
    freedom : degrees of freedom of the test.

    Returns
    -------
    The effect, in per cent more.
    """
    apart = optimize.brentq(lambda many: power_of(many, 1.0, freedom) - POWER, 0.1, 100)
    return _per_cent(apart * error)


def power_curve(
    plan: Plan, drawn: pd.DataFrame, effects: Sequence[float], alike: float = 0.0
) -> pd.DataFrame:
    """Chance of finding an effect of each size, as assumed and over draws of the assumptions.

    Parameters
    ----------
    plan : what is simulated.
    drawn : one row a draw, one column an assumption.
    effects : true effects, in per cent more.
    alike : spread of the regions' trends in a second set of rows, where everything else is the
        same; 0 is trends that are exactly alike.

    Returns
    -------
    `group` (trends of their own; trends alike), `value` (the effect), `estimate`, `low`, `high`
    (per cent; 95 per cent of draws), `unit`, `term` (the group as one name).
    """
    rows = []
    own = {"prescribing_region_trend": alike}
    for group, change in (("trends of their own", {}), ("trends alike", own)):
        base = error_of_difference(plan, {**plan.assumed, **change})
        errors = error_of_difference(plan, drawn.assign(**change))
        for value in effects:
            logged = np.log1p(value / 100)
            low, high = np.quantile(power_of(logged, errors, _freedom(plan)), [0.025, 0.975])
            one = power_of(logged, base, _freedom(plan))[0]
            rows.append((group, float(value), 100 * one, 100 * low, 100 * high, PER_CENT))
    table = pd.DataFrame(rows, columns=["group", "value", "estimate", "low", "high", "unit"])
    return _with_terms(table, ["group"])


def smallest_effects(
    plan: Plan, drawn: pd.DataFrame, windows: Sequence[tuple[int, int]]
) -> pd.DataFrame:
    """Smallest effect that would probably be found, by months before and after the start.

    Parameters
    ----------
    plan, drawn : as for `power_curve`.
    windows : months before and months after.

    Returns
    -------
    `value` (months before), `estimate`, `low`, `high` (per cent more; 95 per cent of draws),
    `unit`, `note` (the window in words).
    """
    rows = []
    for before, after in windows:
        base, errors = (
            error_of_difference(plan, each, before, after) for each in (plan.assumed, drawn)
        )
        found = smallest_seen(np.append(base, errors), _freedom(plan))
        low, high = np.quantile(found[1:], [0.025, 0.975])
        words = f"{before} months before, {after} after"
        rows.append((float(before), found[0], low, high, PER_CENT, words))
    return pd.DataFrame(rows, columns=["value", "estimate", "low", "high", "unit", "note"])


def smallest_hidden(plan: Plan, drawn: pd.DataFrame) -> pd.DataFrame:
    """Smallest effect that would probably be found where it builds up, or is diluted, or both.

    Parameters
    ----------
    plan, drawn : as for `power_curve`; a year is compared with the year before.

    Returns
    -------
    One row for what hides the effect (nothing; each of the two of `HIDING`; both): `scenario`,
    `estimate`, `low`, `high` (the whole effect in per cent more, once it is fully there; 95 per
    cent of draws, which vary what hides it as well), `unit`, `term` (the words as one name).

    The comparison finds the mean over the months of what has been reached, of the part of the
    medicine that can change. Its error is taken to stay what it is.
    """
    steps = np.arange(YEAR)
    rows = []
    for words, hiding in HIDING.items():
        found = []
        for each in (pd.DataFrame([dict(plan.assumed)]), drawn):
            world = {
                name: each[name].to_numpy(float)[:, None] if break_ in hiding else WHOLE[name]
                for break_, name in BREAKS.items()
                if break_ in (SLOW, OTHER)
            }
            reached = np.clip((steps + 1) / world[BREAKS[SLOW]], 0, 1)
            weight = np.exp(each["prescribing_growth"].to_numpy(float)[:, None] * steps / YEAR)
            weight = weight / weight.sum(axis=1, keepdims=True)
            wanted = np.log1p(smallest_seen(error_of_difference(plan, each), _freedom(plan)) / 100)
            found.append(_whole_effect(wanted, reached, weight, world[BREAKS[OTHER]]))
        low, high = np.quantile(found[1], [0.025, 0.975])
        rows.append((words, found[0].item(), low, high, PER_CENT))
    columns = ["scenario", "estimate", "low", "high", "unit"]
    return _with_terms(pd.DataFrame(rows, columns=columns), ["scenario"])


def _whole_effect(
    wanted: np.ndarray, reached: np.ndarray, weight: np.ndarray, other: np.ndarray | float
) -> np.ndarray:
    """Effect in per cent that would be found as the wanted log ratio: by bisection, all at once."""
    low, high = np.zeros_like(wanted), np.full_like(wanted, 50.0)
    for _ in range(80):
        middle = (low + high) / 2
        people = (1 - other) * np.exp(middle[:, None] * reached) + other
        above = np.log((weight * people).sum(axis=1)) > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return _per_cent((low + high) / 2)


# ----------------------------------------------------------------------------------- the proof


def worlds(plan: Plan, effect: float, ends: pd.DataFrame) -> dict[str, tuple[float, dict]]:
    """Name the worlds in which the methods are tried: the effect that is built in, and what breaks.

    Parameters
    ----------
    plan : what is simulated.
    effect : ratio that is built in.
    ends : `name`, `value`, `low`, `high` of the assumptions.

    Returns
    -------
    Name -> effect, and the assumptions of `BREAKS` that are not whole. The effect that builds up
    does so over the longest time considered, so that it still grows when the others begin.
    """
    ends = ends.set_index("name")
    gap, build = BREAKS["trends differ"], BREAKS["effect builds up slowly"]
    elsewhere = {BREAKS["others start sooner"]: plan.assumed["prescribing_months_elsewhere"]}
    return {
        NO_EFFECT: (1.0, elsewhere),
        AT_ONCE: (effect, elsewhere),
        BUILDS_UP: (effect, elsewhere | {build: float(ends.loc[build, "high"])}),
        APART: (1.0, elsewhere | {gap: plan.assumed[gap]}),
    }


def performance(
    plan: Plan,
    tried: Mapping[str, tuple[float, Mapping[str, float]]],
    replicates: int,
    workers: int = 1,
    address: str | None = None,
) -> pd.DataFrame:
    """Let every method estimate in many simulated histories, and set it against the truth.

    Parameters
    ----------
    plan : what is simulated.
    tried : as `worlds` returns it.
    replicates : histories in each world, a multiple of 50.
    workers, address : as for `scheduler.spread`; the answer does not depend on them.

    Returns
    -------
    One row a world, method and measure: `scenario`, `method`, `measure` (mean estimate; bias;
    coverage; finds an effect), `replicates`, `estimate`, `ci_low`, `ci_high` (1.96 Monte Carlo
    errors), `low`, `high` (between which coverage and false positives pass: two per cent and two
    Monte Carlo errors to either side of what they should be), `built_in` (the true effect, per
    cent), `unit`, `verdict`, `note`, `term` (the words as one name).

    Morris, White and Crowther 2019, Stat Med 38:2074, doi 10.1002/sim.8086.
    """
    jobs = [
        (plan, effect, dict(world), place, batch)
        for place, (effect, world) in enumerate(tried.values())
        for batch in range(replicates // BATCH)
    ]
    found = list(scheduler.spread(_batch, jobs, workers, address))
    each = replicates // BATCH
    regions = _size(plan, early=True), _size(plan, early=False)
    levels = {ALL_WAYS: least_p_value(sum(regions), regions[0])}
    rows = []
    for place, name in enumerate(tried):
        parts = found[place * each : (place + 1) * each]
        for method in parts[0]:
            truth = parts[0][method][0]
            answers = np.concatenate([part[method][1] for part in parts])
            rows += _judged(name, method, truth, answers, levels.get(method, LEVEL))
    columns = ["scenario", "method", "measure", "replicates", "estimate", "ci_low", "ci_high"]
    columns += ["low", "high", "built_in", "unit", "verdict", "note"]
    table = pd.DataFrame(rows, columns=columns)
    return _with_terms(table, ["scenario", "method", "measure"])


def _batch(job: tuple) -> dict[str, tuple[float, np.ndarray]]:
    """Estimate in some histories: method -> truth (log), and estimate, interval and p-value each.

    The seed follows from the number of the world and of the batch.
    """
    plan, effect, world, place, batch = job
    since = np.arange(-YEAR, 2 * YEAR)
    people = histories(plan, since, effect, world, BATCH, [plan.seed, place, batch])
    region, names = pd.factorize(plan.boards["region"], sort=True)
    patients = plan.boards["expected_patients"].to_numpy(float)
    cube = Cube(people[0], patients, region, list(names), [str(month) for month in since])
    early = np.isin(names, list(plan.early))
    within = since < YEAR
    changes = _changes(people, cube, since < 0, (since >= 0) & within)
    value, error, freedom = _t_test(changes, early)
    away = stats.t.ppf(1 - LEVEL / 2, freedom) * error
    p = 2 * stats.t.sf(np.abs(value) / error, freedom)
    _, truths = mean_history(plan, since, effect, world)
    begun = (since >= 0) & within
    own = float(truths[early[region]][:, begun].mean())
    found = {REGIONS_T: (own, np.column_stack([value, value - away, value + away, p]))}
    value, share, low, high = _every_way(changes, early)
    found[ALL_WAYS] = own, np.column_stack([value, low, high, share])
    on = early[region][:, None]
    year = on & begun
    fits = [_poisson(each[:, within], year[:, within].astype(float), region) for each in people]
    found[POISSON] = own, _intervals(fits, "clustered", len(names) - 1)
    found[MODEL_ERRORS] = own, _intervals(fits, "model", np.inf)
    both = (since >= np.where(on, 0, world["prescribing_months_elsewhere"])).astype(float)
    fits = [_poisson(each, both, region) for each in people]
    found[CONTROLS] = float(truths[both > 0].mean()), _intervals(fits, "clustered", len(names) - 1)
    return found


def _intervals(fits: Sequence[Fit], error: str, freedom: float) -> np.ndarray:
    value = np.array([fit.value for fit in fits])
    error = np.array([getattr(fit, error) for fit in fits])
    away = stats.t.ppf(1 - LEVEL / 2, freedom) * error
    p = 2 * stats.t.sf(np.abs(value) / error, freedom)
    return np.column_stack([value, value - away, value + away, p])


def _judged(name: str, method: str, truth: float, answers: np.ndarray, level: float) -> list[tuple]:
    """Sum up one method in one world; `level` is how often its test should err."""
    value, low, high, p = answers.T
    count = len(value)
    note = WRONG.get(method, "")
    told = _per_cent(value)
    error = 1.96 * told.std(ddof=1) / np.sqrt(count)
    bias = told.mean() - _per_cent(truth)
    base = (name, method)
    rest = (_per_cent(truth), PER_CENT)
    rows = [
        (*base, measure, count, each, each - error, each + error, np.nan, np.nan, *rest, "", note)
        for measure, each in (("mean estimate", told.mean()), ("bias", bias))
    ]
    covered, found = (low <= truth) & (truth <= high), p <= LEVEL
    for measure, happened, good in (
        ("coverage", covered, 100 * (1 - level)),
        ("finds an effect", found, 100 * level),
    ):
        share = 100 * happened.mean()
        error = 1.96 * np.sqrt(share * (100 - share) / count)
        # Two per cent either way, and two Monte Carlo errors.
        allowed = 2 + 200 * np.sqrt(level * (1 - level) / count)
        band = max(good - allowed, 0.0), min(good + allowed, 100.0)
        verdict = "pass" if abs(share - good) <= allowed else "fail"
        if measure == "finds an effect" and truth != 0:
            band, verdict = (np.nan, np.nan), ""
        ends = max(share - error, 0.0), min(share + error, 100.0)
        rows.append((*base, measure, count, share, *ends, *band, *rest, verdict, note))
    return rows


def whole_proof(
    plan: Plan, rows: pd.DataFrame, start: str, replicates: int = 500, draws: int = 2000
) -> dict[str, pd.DataFrame]:
    """Make every table that needs no data: what could be seen, what breaks it, and the proof.

    Parameters
    ----------
    plan : as `plan_of` returns it.
    rows : assumptions of this scenario.
    start : month of the start, for the labels of one simulated history.
    replicates, draws : histories in each world, and draws of the assumptions.

    Returns
    -------
    Name -> tidy table: `design` (`measure`, `estimate`, `unit`, `term`), `power`, `smallest`,
    `smallest_if`, `breaks`, `proof`, and `history` (as `group_time`: two years before the start,
    one after).
    """
    effect, drawn = plan.assumed["prescribing_effect"], assumptions.draws(rows, draws, plan.seed)
    since = np.arange(-2 * YEAR, YEAR)
    people = histories(plan, since, effect, {}, 1, [plan.seed])[0]
    early, others = (_size(plan, early=each) for each in (True, False))
    least = least_p_value(early + others, early)
    design = [
        ("regions", float(early + others), "regions"),
        ("early regions", float(early), "regions"),
        ("ways to choose", float(len(list(combinations(range(early + others), early)))), "ways"),
        ("least p-value", least, "probability"),
        ("effect built in", 100 * (effect - 1), PER_CENT),
    ]
    windows = [(YEAR // 2, YEAR), (YEAR, YEAR), (2 * YEAR, YEAR)]
    begin = dict.fromkeys(plan.early, start)
    return {
        "design": _with_terms(
            pd.DataFrame(design, columns=["measure", "estimate", "unit"]), ["measure"]
        ),
        "power": power_curve(plan, drawn, range(0, 31, 2)),
        "smallest": smallest_effects(plan, drawn, windows),
        "smallest_if": smallest_hidden(plan, drawn),
        "breaks": found_on_average(plan, effect, rows),
        "proof": performance(plan, worlds(plan, effect, rows), replicates),
        "history": group_time(as_panel(plan, people, since, start), begin),
    }


def headlines(told: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Say in a sentence what each figure shows, with the numbers of its table.

    Parameters
    ----------
    told : the tables of `whole_proof`, by name.

    Returns
    -------
    Table -> sentence.
    """
    least = told["smallest"].set_index("value")["estimate"][YEAR]
    breaks = told["breaks"][told["breaks"]["level"] == AT_ONCE]
    hide = (breaks["low"] < breaks["built_in"] - 1e-9).sum()
    feign = (breaks["estimate"] > breaks["built_in"] + 1e-9).sum()
    proof = told["proof"].set_index(["scenario", "method", "measure"])["estimate"]
    wrong = proof[NO_EFFECT, MODEL_ERRORS, "finds an effect"]
    history = told["history"].set_index("value")
    before, after = (history["estimate"][side].mean() for side in _sides(history.index))
    wide = ((history["ci_high"] - history["ci_low"]) / 2).mean()
    return {
        "power": f"At best, an effect below about {least:.0f} per cent would often be missed",
        "breaks": f"Of {len(BREAKS)} things that may break it, {hide} can hide an effect, and "
        f"{feign} can feign one",
        "proof": f"Errors that ignore regions find what is not there {wrong:.0f} times in a "
        "hundred",
        "history": f"Around {before:.0f} per cent before the start and {after:.0f} after, each "
        f"give or take {wide:.0f}",
    }


def _sides(since: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Periods before the start but for the one that the others are set against, and those after."""
    return since < -1, since >= 0


# ------------------------------------------------------------------------------- with the data


def everything(
    quantities: pd.DataFrame | None,
    where: pd.DataFrame | None,
    doses: pd.DataFrame,
    region: pd.Series,
    expected: pd.Series,
    early: Sequence[str],
    start: str,
    length: int = YEAR,
) -> dict[str, pd.DataFrame]:
    """Run the analysis on hospital medicines, or say that they are absent.

    Parameters
    ----------
    quantities, where, doses : as for `hospital_medicines.everything`; None where absent.
    region, expected : of each board, as for `panel`.
    early, start, length : as for `two_by_two`.

    Returns
    -------
    Name -> tidy table: `status` (`measure`, `estimate`, `unit`, `note`), `estimates` and `events`
    (with `scenario`: every medicine, or medicines for one disease alone). Without the data, or
    without some of the months, the tables say so in `note` and hold no estimate.
    """
    if quantities is None or where is None or quantities.empty:
        return _nothing(_ABSENT, 0.0)
    months = sorted(set(quantities["month"]))
    first = pd.Period(start, "M")
    wanted = [str(first + step) for step in range(-length, length)]
    lost = [month for month in wanted if month not in set(months)]
    if lost:
        return _nothing(
            f"Hospital data are there, but not for {len(lost)} of the {2 * length} months that the "
            f"comparison needs, the first of them {pd.Timestamp(f'{lost[0]}-01'):%B %Y}",
            float(len(months)),
        )
    days = hospital_medicines.treated_days(quantities, doses)
    board = where.dropna(subset="board").set_index("trust_code")["board"]
    inside = [month for month in months if month <= wanted[-1]]
    estimates, events = [], []
    for name in (hospital_medicines.EVERY, hospital_medicines.ONE):
        rows = days if name == hospital_medicines.EVERY else days[days["one_disease"].astype(bool)]
        try:
            table = panel(rows, board, region, expected, inside)
            found = (
                _compared(table, early, start, length),
                group_time(table, dict.fromkeys(early, start)),
            )
        except AnalysisError as problem:
            none = (_no_estimates("difference"), _no_events())
            found = [each.assign(note=str(problem)) for each in none]
        for parts, each in zip((estimates, events), found, strict=True):
            parts.append(each.assign(scenario=name))
    estimates = pd.concat(estimates, ignore_index=True)
    status = [
        ("answer", np.nan, "", _answer(estimates)),
        ("months of hospital medicines", float(len(months)), "months",
         f"{months[0]} to {months[-1]}"),
        ("months with far fewer trusts than the others, perhaps cut off",
         float(len(hospital_medicines.short_months(quantities, wanted))), "months", ""),
    ]  # fmt: skip
    status = pd.DataFrame(status, columns=["measure", "estimate", "unit", "note"])
    return {
        "status": status,
        "estimates": estimates,
        "events": pd.concat(events, ignore_index=True),
    }


def _compared(table: pd.DataFrame, early: Sequence[str], start: str, length: int) -> pd.DataFrame:
    """Compare at the real start, and at every false one of half a year that the months allow."""
    first, months = pd.Period(start, "M"), sorted(set(table["month"]))
    wanted = [str(first + step) for step in range(-length, length)]
    regression = two_way(table, dict.fromkeys(early, start), wanted)
    found = [two_by_two(table, early, start, length), regression[regression["method"] == POISSON]]
    parts = [pd.concat(found).assign(measure="difference", level=start)]
    half = YEAR // 2
    for back in (half, 2 * half, 3 * half):
        needed = {str(first - back + step) for step in range(-half, half)}
        if needed <= set(months):
            false = placebos(table, early, start, [str(first - back)], half)
            parts.append(false.assign(measure="false start"))
    return pd.concat(parts, ignore_index=True)


_ABSENT = (
    "No data on hospital medicines have been supplied to this copy of the book, so the comparison "
    "has not been made"
)


def _nothing(answer: str, months: float) -> dict[str, pd.DataFrame]:
    status = pd.DataFrame(
        [
            ("answer", np.nan, "", answer),
            ("months of hospital medicines", months, "months", hospital_medicines.NOT_SUPPLIED),
        ],
        columns=["measure", "estimate", "unit", "note"],
    )
    none = (_no_estimates("difference"), _no_events())
    estimates, events = (
        each.assign(scenario="all", note=hospital_medicines.NOT_SUPPLIED) for each in none
    )
    return {"status": status, "estimates": estimates, "events": events}


def _no_estimates(measure: str) -> pd.DataFrame:
    empty = dict.fromkeys(["estimate", "ci_low", "ci_high", "p_value"], [np.nan])
    words = {"measure": measure, "method": "all", "level": "all", "unit": PER_CENT}
    return pd.DataFrame(empty).assign(**words)


def _no_events() -> pd.DataFrame:
    empty = dict.fromkeys(["estimate", "ci_low", "ci_high", "value"], [np.nan])
    return pd.DataFrame(empty).assign(group="all", level="all", unit=PER_CENT)


def _answer(estimates: pd.DataFrame) -> str:
    rows = estimates[estimates["measure"] == "difference"].drop_duplicates("scenario")
    row = rows.set_index("scenario").loc[hospital_medicines.EVERY]
    if pd.isna(row["estimate"]):
        return f"Hospital data are there, but the comparison cannot be made: {row['note']}"
    more = "more" if row["estimate"] >= 0 else "less"
    return (
        "From the year before to the year after, the number of people treated changed by "
        f"{abs(row['estimate']):.0f} per cent {more} in the regions that began early than in the "
        f"others (95% interval {row['ci_low']:.0f} to {row['ci_high']:.0f}, seven regions). It is "
        "an effect of local prescribing only if the regions would otherwise have changed alike and "
        "nothing else began in the early ones at that time"
    )
