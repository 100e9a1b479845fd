"""Small numbers and budgets: how far a year's cost swings, and what pooling does about it.

People who need a treatment come by chance, so that a year's cost is a compound Poisson sum: a
random number of people, each with a random cost. Costs are counted in mean costs of one person,
so that a budget by need is the mean number of people. The estimate of need may itself be wrong:
then the mean is a gamma variable (Panjer 1981; Klugman, Panjer and Willmot, Loss Models).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import fft, signal, stats

from distance_to_care.problems import AnalysisError

OVER = (0.0, 0.05, 0.10, 0.25)
Z_95 = 1.959963984540054
MILLION = 1e6
# The grid is this many times finer than the peak of the density of one cost is wide: sums of a
# smooth density on such a grid are exact but for rounding.
FINENESS = 5
# Where more people are expected than this, no year is without cost and the distribution of its
# cost is smooth: so many points for each standard deviation hold it.
MANY, POINTS = 100, 40
# The grid reaches this many standard deviations to either side, and past all but this share of
# single costs.
REACH, BEYOND = 14, 1e-12
# Ends of a range over draws, in per cent.
ENDS = (2.5, 97.5)
TREATED, ONCE = "long treatment", "treatment once in a life"
EXPECTED, NEEDING, COST, VOLATILITY = (
    "new people a year", "people treated", "cost a year", "volatility",
)  # fmt: skip
NATION = "England"
OVERSPENDING = "overspending by more than {over:g} per cent"
CONFIDENCE = 0.95
RESERVE_95 = "reserve for nineteen years of twenty"
PAID_FOR = "people that budget and reserve would pay for"
# What is known of need: an error shrinks in a pool only where every board has its own.
# Pools in round numbers, on which exact results are set beside simulated ones.
CHECKED = pd.DataFrame(
    [
        ("one board", ONCE, 1.5, 0.0, 0.0),
        ("England", ONCE, 57.0, 0.0, 0.0),
        ("one board, need known", TREATED, 250.0, 0.5, 0.0),
        ("one board, need misjudged", TREATED, 250.0, 0.5, 0.1),
    ],
    columns=["group", "scenario", "cases", "spread", "error"],
)
KNOWN, OWN, COMMON = "need known", "an error of its own in every board", "one error for all boards"
HELD, APART, POOLED = "reserve held", "every board by itself", "all boards together"
PER_CENT, MONEY = "per cent", "million pounds a year"
# What a page calls the tables and the curves.
TITLES = {
    "budget_pools": "People, cost, swings and reserve of pools of rising size",
    "budget_boards": "People, cost, swings and reserve of every care board",
    "budget_held": "Reserves of all boards added up, and of one pool",
    "budget_curves": "Reserve by size of the pool, treatment that people stay on",
    "budget_curve_once": "Reserve by size of the pool, treatment given once in a life",
}
CURVES = {
    COMMON: "need misjudged alike everywhere",
    OWN: "every board misjudges its own",
    KNOWN: "need known",
}
SMALLEST, MIDDLE, REGION = "the smallest board", "a board in the middle", "a region in the middle"


def distribution(cases: float, spread: float = 0.0, error: float = 0.0) -> pd.DataFrame:
    """Work out the distribution of a year's cost, by a fast Fourier transform on a fine grid.

    The number of people is Poisson; each cost is log-normal, or the same for all. With an error
    of need the mean number is a gamma variable. The transform is periodic, so that a window which
    holds all but a negligible share of the probability is enough, however many people there are
    (Embrechts and Frei 2009, Mathematical Methods of Operations Research 69:497).

    Parameters
    ----------
    cases : mean number of people in a year, above 0.
    spread : standard deviation of the cost of one person, as a share of its mean.
    error : standard deviation of the true need, as a share of the estimate.

    Returns
    -------
    One row a point of the grid: `cost` (in mean costs of one person), `probability`.

    Raises
    ------
    AnalysisError : nobody is expected, or a spread or an error below zero.
    """
    if cases <= 0 or spread < 0 or error < 0:
        raise AnalysisError(
            "A budget needs somebody who is expected, and a spread and an error that are not "
            f"negative: {cases:g} people, spread {spread:g} and error {error:g} were given."
        )
    around = cases * volatility(cases, spread, error)
    first = max(0.0, cases - REACH * around)
    if spread == 0:
        number = np.arange(np.floor(first), np.ceil(cases + REACH * around + 30))
        return pd.DataFrame({"cost": number, "probability": _count(cases, error).pmf(number)})
    single = _single_cost(spread)
    step = _peak(spread) / FINENESS
    points = np.arange(step, single.isf(BEYOND), step)
    chances = single.pdf(points)
    chances /= chances.sum()
    window = cases + REACH * around + points[-1] - first
    wide = around / POINTS if cases > MANY else step
    size = fft.next_fast_len(int(np.ceil(window / wide)), real=True)
    window = size * wide
    # The transform at the frequencies of the window: a sum that leaves it comes back into it.
    turn = np.exp(-2j * np.pi * step / window)
    low = signal.czt(chances, size // 2 + 1, turn) * turn ** np.arange(size // 2 + 1) - 1
    turned = np.exp(cases * low) if error == 0 else (1 - cases * error**2 * low) ** -(error**-2)
    start = int(first / wide)
    probability = np.roll(fft.irfft(turned, size), -start % size).clip(0)
    # The mean cost of one person is one on the grid too.
    unit = wide / (chances @ points)
    return pd.DataFrame({"cost": (start + np.arange(size)) * unit, "probability": probability})


def volatility(cases: float, spread: float = 0.0, error: float = 0.0) -> float:
    """Work out the standard deviation of a year's cost as a share of its mean, in closed form.

    Parameters
    ----------
    cases, spread, error : as for `distribution`.

    Returns
    -------
    The coefficient of variation: chance falls as the pool grows, an error of need does not.
    """
    return float(np.sqrt((1 + spread**2) / cases + error**2))


def overspending(year: pd.DataFrame, cases: float, over: float) -> float:
    """Read off the chance that a year costs more than its budget by some share.

    Parameters
    ----------
    year : as `distribution` returns it.
    cases : the budget: the mean number of people by the estimate of need.
    over : share of the budget, 0.1 for ten per cent.

    Returns
    -------
    Probability (0 to 1).
    """
    budget, step = cases * (1 + over), _step(year)
    below = year["probability"].cumsum().to_numpy()
    if step == 1.0:
        # Whole costs: a cost that equals the budget is no overspending.
        place = np.searchsorted(year["cost"], budget + 1e-9, side="right") - 1
        return float(1 - below[place].clip(0, 1)) if place >= 0 else 1.0
    return float(1 - np.interp(budget, year["cost"] + step / 2, below, left=0.0).clip(0, 1))


def reserve(year: pd.DataFrame, cases: float, confidence: float = CONFIDENCE) -> float:
    """Find the least reserve beside the budget that is enough in so many years of a hundred.

    Parameters
    ----------
    year, cases : as for `overspending`.
    confidence : share of years (0 to 1).

    Returns
    -------
    The reserve as a share of the budget; 0 where the budget itself is enough.
    """
    below, step = year["probability"].cumsum().to_numpy(), _step(year)
    place = int(np.searchsorted(below, confidence))
    needed = float(year["cost"].iloc[place])
    if step != 1.0 and place > 0:
        before = below[place - 1]
        needed += step * ((confidence - before) / (below[place] - before) - 0.5)
    return max(0.0, needed / cases - 1)


def simulate(cases: float, spread: float, error: float, years: int, seed: int) -> np.ndarray:
    """Draw years one by one: people by chance, and a cost for each; the slow check.

    Parameters
    ----------
    cases, spread, error : as for `distribution`.
    years : number of years.
    seed : whole number from 0.

    Returns
    -------
    The cost of each year, in mean costs of one person.
    """
    rng = np.random.default_rng(seed)
    need = np.full(years, float(cases))
    if error:
        need = cases * rng.gamma(error**-2, error**2, years)
    people = rng.poisson(need)
    if spread == 0:
        return people.astype(float)
    width = np.sqrt(np.log1p(spread**2))
    costs = rng.lognormal(-(width**2) / 2, width, people.sum())
    ends = np.concatenate([[0], people.cumsum()])
    return np.diff(np.concatenate([[0.0], costs.cumsum()])[ends])


def against_simulation(pools: pd.DataFrame, over: float, years: int, seed: int) -> pd.DataFrame:
    """Set the exact chance of overspending and the volatility beside simulated years.

    Parameters
    ----------
    pools : `group`, `scenario`, `cases`, `spread`, `error`: `CHECKED`, for example.
    over : share of the budget that is overspent.
    years, seed : as for `simulate`.

    Returns
    -------
    Tidy table `measure, scenario, group, method` (exact or simulated), `estimate`,
    `ci_low, ci_high` (error of the simulation), `unit`.
    """
    rows = []
    for place, pool in enumerate(pools.itertuples()):
        inputs = (pool.cases, pool.spread, pool.error)
        costs = simulate(*inputs, years, seed + place) / pool.cases
        share, width = float((costs > 1 + over + 1e-9).mean()), float(costs.std())
        exact = overspending(distribution(*inputs), pool.cases, over)
        squares = (costs - costs.mean()) ** 2
        told = {
            OVERSPENDING.format(over=100 * over): (
                exact, share, np.sqrt(exact * (1 - exact) / years)
            ),
            VOLATILITY: (
                volatility(*inputs), width, squares.std() / (2 * width * np.sqrt(years))
            ),
        }  # fmt: skip
        for measure, (worked_out, seen, standard_error) in told.items():
            of = {"measure": measure, "scenario": pool.scenario, "group": pool.group}
            ends = 100 * (seen + Z_95 * standard_error * np.array([-1, 1]))
            rows += [
                of | {"method": "exact", "estimate": 100 * worked_out},
                of | {"method": "simulated", "estimate": 100 * seen,
                      "ci_low": ends[0], "ci_high": ends[1]},
            ]  # fmt: skip
    return pd.DataFrame(rows).assign(unit=PER_CENT)


def needs(
    people: float, share: float, assumed: Mapping[str, float] | pd.DataFrame
) -> dict[str, tuple]:
    """Work out who needs each of two treatments in a pool, and what one of them costs.

    Of a treatment that people stay on, the number of people treated at a time is the number who
    start in a year times the years that they stay; it is Poisson where starts are (the queue with
    unlimited servers).

    Parameters
    ----------
    people : residents of the pool.
    share : share of the nation's expected patients that live in it (0 to 1).
    assumed : values of the assumptions `new_patients_a_year`, `share_treated`,
        `treatment_years`, `treatment_pounds_a_year`, `cost_spread`, `once_treatment_per_million`,
        `once_treatment_pounds`; or draws of them, one column each.

    Returns
    -------
    Treatment -> new people a year, people whose cost falls into a year, pounds for one of them,
    spread of that cost.
    """
    new = assumed["new_patients_a_year"] * share
    treated = new * assumed["share_treated"] * assumed["treatment_years"]
    once = people / MILLION * assumed["once_treatment_per_million"]
    return {
        TREATED: (new, treated, assumed["treatment_pounds_a_year"], assumed["cost_spread"]),
        ONCE: (once, once, assumed["once_treatment_pounds"], 0 * once),
    }


def pools_by(areas: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Add up areas into pools, the smallest first.

    Parameters
    ----------
    areas : `people_all_ages`, `expected_patients` and the columns of `keys`.
    keys : columns that name a pool.

    Returns
    -------
    The keys, `people` (residents), `expected_patients`, `share` (of all expected patients).
    """
    pools = areas.groupby(list(keys))[["people_all_ages", "expected_patients"]].sum()
    pools = pools.rename(columns={"people_all_ages": "people"})
    pools["share"] = pools["expected_patients"] / pools["expected_patients"].sum()
    return pools.sort_values("people").reset_index()


def typical_pools(boards: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Choose pools of rising size: boards, groups of boards of middle size, a region, the nation.

    Which boards share a leadership team is not in our data, so groups have a stated size instead.

    Parameters
    ----------
    boards, regions : as `pools_by` returns them.

    Returns
    -------
    `title` (what the pool is), `people`, `share`.
    """
    kept = ["people", "share"]
    middle, region = (table[kept].iloc[len(table) // 2] for table in (boards, regions))
    pools = {
        SMALLEST: boards[kept].iloc[0],
        MIDDLE: middle,
        "the largest board": boards[kept].iloc[-1],
        "two boards in the middle": 2 * middle,
        REGION: region,
        NATION: boards[kept].sum(),
    }
    return pd.DataFrame(pools).T.rename_axis("title").reset_index()


def of_pools(
    pools: pd.DataFrame,
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
    over: Sequence[float] = OVER,
    keys: Sequence[str] = ("title",),
) -> pd.DataFrame:
    """Tell of each pool its need, cost, volatility, chances of overspending and reserve.

    The budget is the mean cost by the estimate of need, which is taken to be right here. Chances
    of overspending and reserves where costs differ are worked out at the two draws whose
    volatility stands at the ends of the middle 95 per cent.

    Parameters
    ----------
    pools : the columns of `keys`, `people` (residents), `share` (of the nation's expected
        patients).
    assumed : values of the assumptions.
    draws : one row a draw, one column an assumption.
    over : shares of the budget that are overspent.
    keys : columns that name a pool.

    Returns
    -------
    Tidy table `measure, scenario` (which treatment), the keys, `value` (residents), `estimate` (at
    the assumed values), `low, high` (ends of the middle 95 per cent of draws, or the estimate where
    it lies beyond them, as whole people can make it), `unit`. Where all costs are the same,
    `measure` holds the people whom budget and reserve together would pay for as well.
    """
    rows = []
    for pool in pools.to_dict("records"):
        named = {key: pool[key] for key in keys} | {"value": float(pool["people"])}
        base = needs(pool["people"], pool["share"], assumed)
        drawn = needs(pool["people"], pool["share"], draws)
        for scenario, (new, cases, pounds, spread) in base.items():
            many = drawn[scenario]
            told = {
                EXPECTED: (new, many[0], "people"),
                NEEDING: (cases, many[1], "people"),
                COST: (cases * pounds / MILLION, many[1] * many[2] / MILLION, MONEY),
            }
            lines = [
                (measure, value, *np.percentile(values, ENDS), unit)
                for measure, (value, values, unit) in told.items()
            ]
            none = 0 * many[1]
            risks = _risks(cases, spread, 0.0, over)
            ranges = _ranges(many[1], many[3], none, over)
            lines += [
                (measure, value, *ranges[measure], PER_CENT) for measure, value in risks.items()
            ]
            if scenario == ONCE:
                # Everybody costs the same, so that the money is enough for whole people.
                enough = stats.poisson.ppf(CONFIDENCE, many[1])
                paid = stats.poisson.ppf(CONFIDENCE, cases)
                lines.append((PAID_FOR, paid, *np.percentile(enough, ENDS), "people"))
            rows += [
                {"measure": measure, "scenario": scenario, **named, "estimate": value,
                 "low": min(low, value), "high": max(high, value), "unit": unit}
                for measure, value, low, high, unit in lines
            ]  # fmt: skip
    return pd.DataFrame(rows)


def sizes_of_steps(least: float, most: float, per_million: float) -> list[float]:
    """Find the sizes of pools at which a reserve for whole people jumps from one to the next.

    Between two of them the money is for the same number of people, so that its share of the budget
    falls as the pool grows. Each is given twice, just before the jump and just after it.

    Parameters
    ----------
    least, most : residents of the smallest and the largest pool; both are among the sizes.
    per_million : people who need the treatment in a year, for each million residents.

    Returns
    -------
    Residents, rising.
    """
    highest = int(stats.poisson.ppf(CONFIDENCE, most / MILLION * per_million)) + 1
    # At most k people come in 95 of 100 years where a gamma variable of shape k + 1 is above its
    # mean number with that chance.
    edges = stats.gamma.isf(CONFIDENCE, np.arange(highest) + 1) / per_million * MILLION
    inside = edges[(edges > least) & (edges < most)]
    around = (inside[:, None] * (1 + 1e-6 * np.array([-1, 1]))).ravel()
    return [float(least), *around.tolist(), float(most)]


def sizes_of_most(least: float, most: float, per_million: float) -> list[float]:
    """Find the sizes at which a pool would hold back most: just above each step of its reserve.

    A line through them runs along the upper edge of the steps, and falls.

    Parameters
    ----------
    least, most, per_million : as for `sizes_of_steps`.

    Returns
    -------
    Whole residents, rising.
    """
    # Between the ends each step stands twice, just before it and just after it.
    return [float(np.ceil(size)) for size in sizes_of_steps(least, most, per_million)[2:-1:2]]


def without_people(pools: pd.DataFrame) -> pd.DataFrame:
    """Leave out how many people pools below the nation would treat, and the rows `EXPECTED`.

    Parameters
    ----------
    pools : as `of_pools` returns it, of `typical_pools`.

    Returns
    -------
    The rows that are left.
    """
    people = (pools["measure"] == NEEDING) & (pools["title"] != NATION)
    return pools[~people & (pools["measure"] != EXPECTED)]


def pooling(
    sizes: Iterable[float],
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
    nation: float,
    board: float,
    treatments: Sequence[str] = (TREATED, ONCE),
) -> pd.DataFrame:
    """Draw the curves of risk pooling: the reserve that pools of rising size would need.

    An error of need that is the same everywhere stays however large the pool is. Errors of their
    own in every board shrink with the root of the number of boards in the pool.

    Parameters
    ----------
    sizes : residents of the pools.
    assumed, draws : as for `of_pools`, with `need_error`.
    nation : residents of the nation.
    board : residents of an average board.
    treatments : the treatments that get a curve.

    Returns
    -------
    Tidy table `measure` (reserve), `scenario`, `group` (what is known of need), `value`
    (residents), `estimate, low, high, unit`; ranges as `of_pools` has them.
    """
    rows = []
    for size in sizes:
        base, drawn = needs(size, size / nation, assumed), needs(size, size / nation, draws)
        shrunk = 1 / np.sqrt(max(1.0, size / board))
        for group, kept in {KNOWN: 0.0, OWN: shrunk, COMMON: 1.0}.items():
            # Of a treatment given once, only the chance of who needs it is drawn.
            for scenario in treatments if group == KNOWN else {TREATED} & set(treatments):
                _, cases, _, spread = base[scenario]
                _, many, _, spreads = drawn[scenario]
                risks = _risks(cases, spread, kept * assumed["need_error"], ())
                low, high = _ranges(many, spreads, kept * draws["need_error"], ())[RESERVE_95]
                rows.append(
                    {"measure": RESERVE_95, "scenario": scenario, "group": group,
                     "value": float(size), "estimate": risks[RESERVE_95],
                     "low": min(low, risks[RESERVE_95]), "high": max(high, risks[RESERVE_95])}
                )  # fmt: skip
    return pd.DataFrame(rows).assign(unit=PER_CENT)


def marked(pools: pd.DataFrame) -> pd.DataFrame:
    """Pick the reserves for a treatment given once in a life that are marked on its curve.

    Parameters
    ----------
    pools : as `of_pools` returns it, of `typical_pools`.

    Returns
    -------
    Rows of the smallest board, a board of middle size and a region of middle size; `value` in
    whole residents.
    """
    once = (pools["measure"] == RESERVE_95) & (pools["scenario"] == ONCE)
    kept = pools[once & pools["title"].isin([SMALLEST, MIDDLE, REGION])]
    return kept.assign(value=kept["value"].round())


def headlines(boards: pd.DataFrame, curves: pd.DataFrame) -> dict[str, str]:
    """Say in a sentence what each curve shows, with the numbers of its table.

    Parameters
    ----------
    boards : as `of_pools` returns it, of every board.
    curves : as `pooling` returns it, of the treatment that people stay on.

    Returns
    -------
    Treatment -> sentence.
    """
    once = boards[(boards["measure"] == RESERVE_95) & (boards["scenario"] == ONCE)]["estimate"]
    largest = curves[curves["value"] == curves["value"].max()].set_index("group")["estimate"]
    return {
        ONCE: f"Once in a life: a board would need {once.min():.0f} to {once.max():.0f} per cent "
        "in reserve",
        TREATED: f"England: {largest[KNOWN]:.0f} per cent in reserve if need is known, "
        f"{largest[COMMON]:.0f} if all misjudge it",
    }


def reserves_held(
    boards: pd.DataFrame, assumed: Mapping[str, float], draws: pd.DataFrame
) -> pd.DataFrame:
    """Add up the reserves that boards would hold one by one, beside that of one pool of them all.

    Each reserve is enough in 95 of 100 years of its own pool.

    Parameters
    ----------
    boards : `people`, `share`.
    assumed, draws : as for `of_pools`.

    Returns
    -------
    Tidy table `measure` (reserve held), `scenario`, `group` (apart or pooled), `estimate`,
    `low, high` (as `of_pools` has them), `unit` (per cent of the budget of them all).
    """
    rows = []
    everybody = boards[["people", "share"]].sum().to_frame().T
    for scenario, by in {TREATED: "share", ONCE: "people"}.items():
        for group, parts in {APART: boards, POOLED: everybody}.items():
            estimate, drawn = 0.0, 0.0
            for pool in parts.to_dict("records"):
                _, cases, _, spread = needs(pool["people"], pool["share"], assumed)[scenario]
                _, many, _, spreads = needs(pool["people"], pool["share"], draws)[scenario]
                weight = pool[by] / boards[by].sum()
                estimate += weight * _risks(cases, spread, 0.0, ())[RESERVE_95]
                if scenario == ONCE:
                    drawn += weight * 100 * _same_costs(many, ())[RESERVE_95]
                else:
                    # The draws at the ends are the same ones in every pool.
                    ends = _ranges(many, spreads, 0 * many, ())[RESERVE_95]
                    drawn += weight * np.array(ends)
            low, high = np.percentile(drawn, ENDS if scenario == ONCE else (0, 100))
            rows.append(
                {"measure": HELD, "scenario": scenario, "group": group, "estimate": estimate,
                 "low": min(low, estimate), "high": max(high, estimate)}
            )  # fmt: skip
    return pd.DataFrame(rows).assign(unit="per cent of the budget of all boards")


def _risks(cases: float, spread: float, error: float, over: Sequence[float]) -> dict[str, float]:
    """Volatility, chances of overspending and reserve of one pool, in per cent."""
    year = distribution(cases, spread, error)
    return (
        {VOLATILITY: 100 * volatility(cases, spread, error)}
        | {
            OVERSPENDING.format(over=100 * share): 100 * overspending(year, cases, share)
            for share in over
        }
        | {RESERVE_95: 100 * reserve(year, cases)}
    )


def _ranges(
    cases: pd.Series, spreads: pd.Series, errors: pd.Series, over: Sequence[float]
) -> dict[str, tuple[float, float]]:
    """The same over draws: the ends of the middle 95 per cent."""
    swings = np.sqrt((1 + spreads**2) / cases + errors**2)
    if not spreads.any() and not errors.any():
        drawn = {VOLATILITY: 100 * swings} | {
            measure: 100 * values for measure, values in _same_costs(cases, over).items()
        }
        return {measure: tuple(np.percentile(values, ENDS)) for measure, values in drawn.items()}
    order = swings.to_numpy().argsort()
    places = order[np.rint(np.array(ENDS) / 100 * (len(order) - 1)).astype(int)]
    two = [
        _risks(cases.iloc[place], spreads.iloc[place], errors.iloc[place], over) for place in places
    ]
    return {measure: tuple(sorted(risks[measure] for risks in two)) for measure in two[0]}


def _same_costs(cases: pd.Series, over: Sequence[float]) -> dict[str, np.ndarray]:
    """Chances and reserve where every cost is the same and need is known: Poisson, at once."""
    chances = {
        OVERSPENDING.format(over=100 * share): stats.poisson.sf(
            np.floor(cases * (1 + share) + 1e-9), cases
        )
        for share in over
    }
    needed = stats.poisson.ppf(CONFIDENCE, cases) / cases - 1
    return chances | {RESERVE_95: np.maximum(needed, 0)}


def _single_cost(spread: float):
    """The log-normal cost of one person, with mean one."""
    width = np.sqrt(np.log1p(spread**2))
    return stats.lognorm(s=width, scale=np.exp(-(width**2) / 2))


def _peak(spread: float) -> float:
    """How wide the peak of the density of one cost is: its mode times its spread in logarithms."""
    squared = np.log1p(spread**2)
    return float(np.exp(-1.5 * squared) * np.sqrt(squared))


def _count(cases: float, error: float):
    """The number of people in a year: Poisson, or with an error of need negative binomial."""
    if error == 0:
        return stats.poisson(cases)
    return stats.nbinom(error**-2, 1 / (1 + cases * error**2))


def _step(year: pd.DataFrame) -> float:
    return float(year["cost"].iloc[1] - year["cost"].iloc[0])
