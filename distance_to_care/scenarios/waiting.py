"""Waiting: what a shorter wait after referral, or an earlier referral, would change.

The clock of everybody starts on the day on which they are referred today, and stays there
whatever is changed: a person who is seen earlier has not lived longer for that. The people are
those who are referred today; who died before is in no registry and not counted here.

Hazards follow a Weibull curve on this clock, and differ between people by the published ratio for
each doubling of the time from first breathlessness to the first visit. Two readings say what
being seen earlier would do, and they are never added up, for the first may hold the second:

`delay`      from the first visit on, the hazard moves with the ratio of the new delay to that of
             today, to the power that the published ratio has; of its logarithm only the share
             that is causal.
`treatment`  treatment starts earlier for those who are treated, and nothing else changes; of the
             logarithm of its ratio, too, only the share that is causal counts.

Every function takes the rows of `scenario_assumptions` that are of this scenario and returns a tidy
table with the result at the assumed values and a range that holds 95 in 100 draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, outcomes

READINGS = ("delay", "treatment")
DAYS, MONTHS, PEOPLE = 365.25, 12, 100
# The log-normal time before referral, laid out evenly on the scale of its logarithm.
NODES = np.linspace(-4, 4, 97)
WEIGHTS = stats.norm.pdf(NODES) / stats.norm.pdf(NODES).sum()
DRAWS = 600
KEPT = "points kept by earlier treatment"
FUNCTION_UNITS = {"lung function, mean": "per cent predicted", KEPT: "points"}


class Change(NamedTuple):
    """What is changed against today; nothing by default.

    `wait_ratio` multiplies the days from referral to the first visit, and `wait_days` replaces
    them; `before_ratio` multiplies the time from first breathlessness to referral; `earlier_years`
    is taken off what is left of it, as far as there is any; `as_pilot` puts the published times of
    the pilot in place of both times after referral; the first of them ended with a diagnosis by the
    specialist team on a screen, which is taken for the first visit.
    """

    wait_ratio: float = 1.0
    wait_days: float | None = None
    before_ratio: float = 1.0
    earlier_years: float = 0.0
    as_pilot: bool = False


class _Times(NamedTuple):
    """Years on the clock of today's referral, a row a draw and a column a person."""

    before: np.ndarray  # from first breathlessness to referral
    moved: np.ndarray  # how much earlier the referral is than today's
    visit: np.ndarray
    start: np.ndarray
    delay: np.ndarray  # from first breathlessness to the first visit


def gains(
    table: pd.DataFrame,
    changes: Mapping[str, Change],
    horizon: float = 10,
    times: Sequence[float] = (1, 3, 5),
    number: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Compare how long people live under each change with today, counted from the same day.

    The average time lived up to a horizon is an exact sum of incomplete gamma functions, one for
    each stretch with a hazard of its own (Royston & Parmar 2013, doi 10.1186/1471-2288-13-152).

    Parameters
    ----------
    table : rows of the assumptions of this scenario.
    changes : for each name of a scenario what is changed.
    horizon : years since today's referral up to which life is counted.
    times : years since today's referral at which people alive are counted.
    number, seed : draws of the assumptions behind each range, and their seed.

    Returns
    -------
    `scenario`, `method` (the reading), `measure`, `value` (years), `estimate, low, high, unit`.
    The measures: `months lived`, from today's referral on; `months since the visit`, the same
    counted from the first visit, as a registry does (who dies before it counts nothing);
    `earliness`, the months by which the second exceeds the first, in which nobody lives longer;
    `months a month`, the first for each month by which the first visit is earlier on average;
    `people alive`. All are gains: the change less today.

    Raises
    ------
    AnalysisError : a horizon, a time or a change that cannot be.
    """
    _check(changes, [horizon, *times])
    drawn = _drawn(table, number, seed)
    said = []
    for reading in READINGS:
        today = _Life(drawn, Change(), reading)
        lived = today.lived(horizon)
        since = lived - today.before_visit()
        alive = [today.alive(time) for time in times]
        for name, change in changes.items():
            life = _Life(drawn, change, reading, today.level)
            now = life.lived(horizon)
            longer = MONTHS * (now - lived)
            counted = MONTHS * (now - life.before_visit() - since)
            keys = {"scenario": name, "method": reading}
            for measure, values in (
                ("months lived", longer),
                ("months since the visit", counted),
                ("earliness", counted - longer),
                ("months a month", _over(longer, MONTHS * ((today.visit - life.visit) @ WEIGHTS))),
            ):
                row = keys | {"measure": measure, "value": horizon, "unit": "months"}
                said.append(row | _ranged(values))
            for time, before in zip(times, alive, strict=True):
                values = PEOPLE * (life.alive(time) - before)
                row = keys | {"measure": "people alive", "value": time, "unit": "of 100 people"}
                said.append(row | _ranged(values))
    return pd.DataFrame(said)


def by_share(
    table: pd.DataFrame,
    shares: Sequence[float],
    years: Sequence[float],
    horizon: float = 10,
    number: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Say what an earlier referral would bring for several shares of the ratio that are causal.

    Parameters
    ----------
    table, horizon, number, seed : as for `gains`.
    shares : shares of the published ratio that are causal, each taken as known.
    years : by how much the referral is earlier, as far as there is time before it.

    Returns
    -------
    `group` (the share), `value` (months earlier), `measure` (`months lived`), `estimate, low,
    high, unit`: the gain by the reading `delay`.

    Raises
    ------
    AnalysisError : for a time that cannot be, or a share outside 0 to 1.
    """
    if not all(0 <= share <= 1 for share in shares):
        raise AnalysisError("A share lies between 0 and 1.")
    changes = {f"{each:g}": Change(earlier_years=each) for each in years}
    _check(changes, [horizon])
    drawn = _drawn(table, number, seed)
    # Today's people are the same whatever the share is.
    now = _Life(drawn, Change(), "delay")
    lived = now.lived(horizon)
    said = []
    for share in shares:
        held = drawn.assign(delay_share_causal=float(share))
        for change in changes.values():
            longer = _Life(held, change, "delay", now.level).lived(horizon) - lived
            row = {"group": f"{share:g}", "value": MONTHS * change.earlier_years}
            row |= {"measure": "months lived", "unit": "months"}
            said.append(row | _ranged(MONTHS * longer))
    return pd.DataFrame(said)


def today(
    table: pd.DataFrame,
    horizon: float = 10,
    times: Sequence[float] = (1, 3, 5),
    number: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Describe today: months lived and people alive on the clock of today's referral.

    Parameters
    ----------
    table, horizon, times, number, seed : as for `gains`.

    Returns
    -------
    `method` (the reading), `measure` (`months lived`, `people alive`, `median`: years from the
    first visit by which half of those seen have died), `value`, `estimate, low, high, unit`.
    """
    _check({}, [horizon, *times])
    drawn = _drawn(table, number, seed)
    said = []
    for reading in READINGS:
        life = _Life(drawn, Change(), reading)
        keys = {"method": reading}
        lived = {"measure": "months lived", "value": horizon, "unit": "months"}
        said.append(keys | lived | _ranged(MONTHS * life.lived(horizon)))
        half = {"measure": "median", "value": 0.5, "unit": "years"}
        said.append(keys | half | _ranged(life.median()))
        for time in times:
            row = {"measure": "people alive", "value": time, "unit": "of 100 people"}
            said.append(keys | row | _ranged(PEOPLE * life.alive(time)))
    return pd.DataFrame(said)


def while_waiting(
    table: pd.DataFrame, changes: Mapping[str, Change], number: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """Count days, and deaths, from referral to the first visit and to the start of treatment.

    Parameters
    ----------
    table, number, seed : as for `gains`.
    changes : changes after referral only; an earlier referral has another day one.

    Returns
    -------
    `scenario`, `method` (the reading), `measure` (`days to the visit`, `days to treatment`,
    `deaths before the visit`, `deaths before treatment`, `deaths a year before the visit`: of all
    new people, if all were referred), `estimate, low, high, unit`. By the reading `treatment` more
    die while they wait, for the published survival is that of people some of whom are treated. A
    death while somebody waits is not a death from waiting: a shorter wait would move most of them
    behind the visit.

    Raises
    ------
    AnalysisError : for a change before referral.
    """
    _check(changes, [])
    if any(change.earlier_years or change.before_ratio != 1 for change in changes.values()):
        raise AnalysisError("Waits are counted from referral: change what follows it only.")
    drawn = _drawn(table, number, seed)
    said = []
    for reading in READINGS:
        base = _Life(drawn, Change(), reading)
        for name, change in changes.items():
            times = _times(drawn, change)
            # People without treatment, in both readings: whatever is done, it is done later.
            dead_seen = 1 - base.alive_untreated(times.visit)
            dead_treated = 1 - base.alive_untreated(times.start)
            a_year = drawn["new_patients_a_year"].to_numpy() * dead_seen
            rows = [
                ("days to the visit", "days", DAYS * times.visit[:, 0]),
                ("days to treatment", "days", DAYS * times.start[:, 0]),
                ("deaths before the visit", "of 100 people", PEOPLE * dead_seen),
                ("deaths before treatment", "of 100 people", PEOPLE * dead_treated),
                ("deaths a year before the visit", "people a year", a_year),
            ]
            keys = {"scenario": name, "method": reading}
            said += [
                keys | {"measure": measure, "unit": unit} | _ranged(values)
                for measure, unit, values in rows
            ]
    return pd.DataFrame(said)


def at_first_visit(
    table: pd.DataFrame, changes: Mapping[str, Change], number: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """Work out lung function at the first visit, and who could be treated under either rule.

    The published mean and standard deviation are taken for a log-normal distribution at today's
    first visit. Everybody loses the same each year, so that whoever is seen earlier is seen with
    as much more: this is earliness and no gain in health.

    Parameters
    ----------
    table, changes, number, seed : as for `gains`.

    Returns
    -------
    `scenario`, `measure`, `estimate, low, high, unit`, and `difference`: the estimate less today's.
    The measures: mean lung function (per cent predicted); people of 100 below, inside and above the
    window of the older rule, and those inside or above; the points kept, that a person who is
    treated would have more, on any day after today's start of treatment: the loss of a year, times
    the share of it that treatment prevents, times the years by which treatment starts earlier.

    Raises
    ------
    AnalysisError : for a change that cannot be.
    """
    _check(changes, [])
    drawn = _drawn(table, number, seed)
    kept = _function_measures(drawn, Change())
    said = []
    for name, change in changes.items():
        for measure, values in _function_measures(drawn, change).items():
            unit = FUNCTION_UNITS.get(measure, "of 100 people")
            row = {"scenario": name, "measure": measure, "unit": unit} | _ranged(values)
            said.append(row | {"difference": values[0] - kept[measure][0]})
    return pd.DataFrame(said)


def of_the_delay(table: pd.DataFrame, number: int = DRAWS, seed: int = 1) -> pd.DataFrame:
    """Say how the time from first breathlessness to the first visit is made up.

    Parameters
    ----------
    table, number, seed : as for `gains`.

    Returns
    -------
    `measure` (`median delay`, years; `after referral`, the share of that median, per cent;
    `over 1 year` and `over 2 years`, of 100 people; `halving`: people of 100 for whom half of
    the wait is more than all their time before referral), `estimate, low, high, unit`.
    """
    drawn = _drawn(table, number, seed)
    wait = drawn["wait_referral_to_clinic_days"].to_numpy() / DAYS
    median = drawn["delay_before_referral_years"].to_numpy()
    spread = drawn["delay_before_referral_spread"].to_numpy()

    def over(years: np.ndarray) -> np.ndarray:
        beyond = np.log(np.maximum(years, 1e-9) / median) / spread
        return PEOPLE * stats.norm.sf(beyond)

    rows = [
        ("median delay", "years", median + wait),
        ("after referral", "per cent", 100 * wait / (median + wait)),
        ("over 1 year", "of 100 people", over(1 - wait)),
        ("over 2 years", "of 100 people", over(2 - wait)),
        ("halving", "of 100 people", PEOPLE - over(wait / 2)),
    ]
    return pd.DataFrame(
        [{"measure": measure, "unit": unit} | _ranged(values) for measure, unit, values in rows]
    )


def moved(
    table: pd.DataFrame, change: Change, reading: str = "delay", horizon: float = 10
) -> pd.DataFrame:
    """Move one assumption at a time to the ends of its range and see how the gain moves.

    Parameters
    ----------
    table : rows of the assumptions of this scenario.
    change, reading, horizon : as for `gains`.

    Returns
    -------
    One row an assumption that matters, the most first: `term` (its name), `note` (its title),
    `estimate` (months gained at the assumed values), `low`, `high` (least and most of it and the
    two ends), `difference` (between them), `unit`.
    """
    _check({"": change}, [horizon])
    each = assumptions.one_at_a_time(table)
    drawn = pd.DataFrame([assumptions.values(table), *[one.assumed for one in each]])
    now = _Life(drawn, Change(), reading)
    then = _Life(drawn, change, reading, now.level)
    gained = MONTHS * (then.lived(horizon) - now.lived(horizon))
    # The base belongs to the range: a gain need not rise or fall all the way between the ends.
    ends = pd.DataFrame({"term": [one.name for one in each] * 2, "gain": gained[0]})
    ends.loc[: len(each) - 1, "gain"] = gained[1:]
    over = ends.groupby("term", as_index=False).agg(low=("gain", "min"), high=("gain", "max"))
    over = over.assign(estimate=gained[0], difference=over["high"] - over["low"], unit="months")
    over["note"] = over["term"].map(table.set_index("name")["title"])
    over = over[over["difference"] > 1e-9]
    return over.sort_values(["difference", "term"], ascending=[False, True], ignore_index=True)


def if_delays_differed(
    table: pd.DataFrame,
    ratios: Sequence[float],
    horizon: float = 10,
    number: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Say what longer delays of the most deprived fifth would add to the gap in survival.

    The published ratio by deprivation is adjusted for delay, so that a difference in delay comes
    on top of it. Delay and the published ratio rise evenly, on the logarithmic scale, from the
    least to the most deprived fifth; the five together have the published median.

    Parameters
    ----------
    table, horizon, number, seed : as for `gains`.
    ratios : delay of the most deprived fifth as a multiple of that of the least deprived.

    Returns
    -------
    `value` (the multiple), `measure`: `hazard ratio added` by the delay; `gap`, the months by
    which the most deprived fifth lives less long; `closed by equal delays`, how much smaller it
    would be if all fifths had the delay of the least deprived; `share closed`, of the gap;
    `estimate, low, high, unit`.

    Raises
    ------
    AnalysisError : a multiple that is not above 0.
    """
    if not all(0 < ratio < np.inf for ratio in ratios):
        raise AnalysisError("A multiple of a delay is above 0.")
    _check({}, [horizon])
    drawn = _drawn(table, number, seed)
    deprived = drawn["hazard_ratio_deprivation"].to_numpy()
    power = _power(drawn) * drawn["delay_share_causal"].to_numpy()
    said = []
    for ratio in ratios:
        added = ratio**power
        gap, rest = _gap_in_months(drawn, deprived * added, added, horizon)
        share = _over(100 * (gap - rest), gap)
        rows = [
            ("hazard ratio added", "ratio", added),
            ("gap", "months", gap),
            ("closed by equal delays", "months", gap - rest),
            ("share closed", "per cent", share),
        ]
        said += [
            {"value": float(ratio), "measure": measure, "unit": unit} | _ranged(values)
            for measure, unit, values in rows
        ]
    return pd.DataFrame(said)


def checked(
    table: pd.DataFrame, change: Change, people: int, horizon: float = 10, seed: int = 1
) -> pd.DataFrame:
    """Set the closed forms beside people drawn one by one, at the assumed values.

    Parameters
    ----------
    table, change, horizon : as for `gains`.
    people, seed : how many people are drawn for each reading, and their seed.

    Returns
    -------
    `method` (the reading), `measure` (`months lived`, gained; `earliness`; `deaths before the
    visit`, today), `estimate` (closed form), `value` (mean of the people drawn) with its
    `standard_error`, `statistic` (how many of these the two are apart), `unit`.
    """
    closed = gains(table, {"": change}, horizon, times=[], number=2, seed=seed)
    closed = closed.set_index(["method", "measure"])["estimate"]
    waits = while_waiting(table, {"": Change()}, number=2, seed=seed)
    waits = waits.set_index(["method", "measure"])["estimate"]
    said, dead = [], "deaths before the visit"
    for reading in READINGS:
        drawn = simulate(table, change, reading, people, seed)
        lived, since = (
            {name: _counted(drawn, name, horizon, from_visit) for name in ("today", "changed")}
            for from_visit in (False, True)
        )
        longer = MONTHS * (lived["changed"] - lived["today"])
        counted = MONTHS * (since["changed"] - since["today"])
        early = PEOPLE * (drawn["died_today"] < drawn["visit_today"]).to_numpy()
        for measure, unit, exact, each in (
            ("months lived", "months", closed[reading, "months lived"], longer),
            ("earliness", "months", closed[reading, "earliness"], counted - longer),
            (dead, "of 100 people", waits[reading, dead], early),
        ):
            error = each.std(ddof=1) / np.sqrt(people)
            row = {"method": reading, "measure": measure, "estimate": float(exact), "unit": unit}
            row |= {"value": float(each.mean()), "standard_error": float(error)}
            said.append(row | {"statistic": float((each.mean() - exact) / error)})
    return pd.DataFrame(said)


def _counted(drawn: pd.DataFrame, name: str, horizon: float, from_visit: bool) -> np.ndarray:
    """Years lived up to the horizon: from today's referral, or from the first visit."""
    end = np.minimum(drawn[f"died_{name}"].to_numpy(), horizon)
    return np.maximum(end - drawn[f"visit_{name}"].to_numpy(), 0.0) if from_visit else end


def simulate(
    table: pd.DataFrame, change: Change, reading: str, people: int, seed: int = 1
) -> pd.DataFrame:
    """Draw people one by one at the assumed values, today and under a change, with the same luck.

    Each person has a time before referral and one draw of the cumulative hazard at which they die,
    which is followed through the stretches of their life: no closed form is used but the level of
    the hazard.

    Parameters
    ----------
    table : rows of the assumptions of this scenario.
    change, reading : as for `gains`.
    people, seed : how many people, and their seed.

    Returns
    -------
    One row a person: `visit_today`, `visit_changed`, `died_today`, `died_changed` (years since
    today's referral), `lung_function_today`, `lung_function_changed` (at the first visit, per cent
    predicted).
    """
    _check({"": change}, [])
    drawn = pd.DataFrame([assumptions.values(table)])
    base, other = (_Life(drawn, each, reading) for each in (Change(), change))
    random = np.random.default_rng(seed)
    z, luck = random.standard_normal(people)[None], random.standard_exponential(people)[None]
    treated = random.random(people) < drawn["share_treated"].iloc[0]
    mean, sigma = (each[0, 0] for each in _log_normal(drawn))
    function = np.exp(mean + sigma * random.standard_normal(people))
    out = {}
    for name, life in (("today", base), ("changed", other)):
        cuts, ratios = life.stretches_of(z)
        if reading == "treatment":
            ratios = [np.where(treated, ratio, 1.0) for ratio in ratios]
        out[f"visit_{name}"] = _times(drawn, life.change, z).visit[0]
        out[f"died_{name}"] = life.died(luck, life.frailty_of(z), cuts, ratios)[0]
    earlier = out["visit_today"] - out["visit_changed"]
    lost = drawn["lung_function_lost_a_year"].iloc[0]
    return pd.DataFrame(out).assign(
        lung_function_today=function, lung_function_changed=function + lost * earlier
    )


class _Life:
    """Survival on the clock of today's referral: stretches of time, each with its hazard ratio."""

    def __init__(
        self,
        drawn: pd.DataFrame,
        change: Change,
        reading: str,
        level: np.ndarray | None = None,
    ):
        if reading not in READINGS:
            raise AnalysisError(f"A reading is one of {', '.join(READINGS)}.")
        self.drawn, self.change, self.reading = drawn, change, reading
        self.shape = _column(drawn, "survival_shape")
        self.visit = _times(drawn, change).visit
        self.cuts, self.ratios = self.stretches_of(NODES[None])
        self.frailty = self.frailty_of(NODES[None])
        treated = _column(drawn, "share_treated")
        # Whoever is not treated lives through the first stretch's hazard all the time.
        self.mix = [(1.0, self.ratios)]
        if reading == "treatment":
            self.mix = [(treated, self.ratios), (1 - treated, [np.ones_like(self.frailty)] * 2)]
        # The level is that of today, whatever is changed.
        if level is None:
            level = _level(self) if change == Change() else _Life(drawn, Change(), reading).level
        self.level = level

    def stretches_of(self, z: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The year in which the hazard changes, and its ratio before and after, of each person."""
        now, then = _times(self.drawn, Change(), z), _times(self.drawn, self.change, z)
        if self.reading == "treatment":
            share = _column(self.drawn, "treatment_share_causal")
            treated = _column(self.drawn, "hazard_ratio_treatment") ** share
            after, cut = np.broadcast_to(treated, now.visit.shape), then.start
        else:
            shortest = _column(self.drawn, "shortest_delay_days") / DAYS
            shorter = np.maximum(then.delay, shortest) / np.maximum(now.delay, shortest)
            after = shorter ** (
                _power(self.drawn)[:, None] * _column(self.drawn, "delay_share_causal")
            )
            cut = then.visit
        # Who would be seen before the day of today's referral lives on the later hazard from it.
        return np.maximum(cut, 0.0), [np.ones_like(after), after]

    def frailty_of(self, z: np.ndarray) -> np.ndarray:
        """Hazard of each person against one with the median delay, whatever the cause of it."""
        now = _times(self.drawn, Change(), z).delay
        typical = _times(self.drawn, Change(), np.zeros((1, 1))).delay
        return (now / typical) ** _power(self.drawn)[:, None]

    def hazard(self, at: np.ndarray, level: np.ndarray, ratios: list[np.ndarray]) -> np.ndarray:
        """Cumulative hazard of each person at a time."""
        first, later = (_natural(t, level, self.shape) for t in (np.minimum(at, self.cuts), at))
        steps = ratios[0] * first + ratios[1] * (later - first)
        return self.frailty * steps

    def alive(self, at: float | np.ndarray, level: np.ndarray | None = None) -> np.ndarray:
        """Share of people alive at a time, a number a draw."""
        level = self.level if level is None else level
        at = np.maximum(at, 0.0)
        return sum(
            (share * np.exp(-self.hazard(at, level, ratios))) @ WEIGHTS
            for share, ratios in self.mix
        )

    def alive_untreated(self, at: np.ndarray) -> np.ndarray:
        """Share of people alive at a time if the first stretch of their life went on."""
        return np.exp(-self.frailty * _natural(at, self.level, self.shape)) @ WEIGHTS

    def lived(self, until: float | np.ndarray) -> np.ndarray:
        """Average years lived from today's referral to a time, a number a draw."""
        return sum(
            (share * self._lived(np.maximum(until, 0.0), ratios)) @ WEIGHTS
            for share, ratios in self.mix
        )

    def _lived(self, until: float | np.ndarray, ratios: list[np.ndarray]) -> np.ndarray:
        first, later = (ratio * self.frailty for ratio in ratios)
        cut = np.minimum(self.cuts, until)
        before = outcomes.restricted_mean(self.level, self.shape, first, cut)
        after = outcomes.restricted_mean(self.level, self.shape, later, until)
        after = after - outcomes.restricted_mean(self.level, self.shape, later, cut)
        # The second stretch begins with those whom the first has left.
        left = (later - first) * _natural(self.cuts, self.level, self.shape)
        return before + np.exp(left) * after

    def before_visit(self) -> np.ndarray:
        """Average years lived between today's referral and the first visit; negative before it."""
        ahead = np.maximum(-self.visit, 0.0) @ WEIGHTS
        return self.lived(np.maximum(self.visit, 0.0)) - ahead

    def median(self) -> np.ndarray:
        """Years from the first visit by which half of those who reach it have died."""
        low, high = np.zeros(self.shape.shape), np.full(self.shape.shape, 200.0)
        seen = self.alive(self.visit)
        for _ in range(60):
            middle = (low + high) / 2
            above = (self.alive(self.visit + middle) / seen > 0.5)[:, None]
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return low[:, 0]

    def died(self, luck, frailty, cuts, ratios) -> np.ndarray:
        """Years at which a person's cumulative hazard reaches their draw."""
        at_cut = ratios[0] * frailty * _natural(cuts, self.level, self.shape)
        early = luck < at_cut
        units = np.where(
            early,
            luck / (ratios[0] * frailty),
            (luck - at_cut) / (ratios[1] * frailty) + _natural(cuts, self.level, self.shape),
        )
        return self.level * (units / np.log(2)) ** (1 / self.shape)


def _level(life: _Life) -> np.ndarray:
    """Find the level of the hazard at which today's people have the published median.

    The published median counts from the first visit, of those who live to have one.
    """
    median = _column(life.drawn, "median_survival_years")
    low, high = np.log(median / 50), np.log(median * 50)
    for _ in range(50):
        level = np.exp((low + high) / 2)
        left = life.alive(life.visit + median, level) / life.alive(life.visit, level)
        short = (left < 0.5)[:, None]
        low, high = np.where(short, np.log(level), low), np.where(short, high, np.log(level))
    return np.exp((low + high) / 2)


def _natural(at: np.ndarray, level: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Cumulative hazard of a Weibull curve whose median is the level."""
    return np.log(2) * (at / level) ** shape


def _times(drawn: pd.DataFrame, change: Change, z: np.ndarray = NODES[None]) -> _Times:
    """When people are referred, seen and treated, for standard normal places of their delay."""
    median, spread = (
        _column(drawn, f"delay_before_referral_{each}") for each in ("years", "spread")
    )
    now = median * np.exp(spread * z)
    before = np.maximum(now * change.before_ratio - change.earlier_years, 0.0)
    wait = _column(drawn, "wait_referral_to_clinic_days") / DAYS
    until_start = _column(drawn, "visit_to_treatment_days") / DAYS
    wait = (
        wait * change.wait_ratio if change.wait_days is None else wait * 0 + change.wait_days / DAYS
    )
    start = wait + until_start
    if change.as_pilot:
        wait = _column(drawn, "pilot_referral_to_visit_days") / DAYS
        start = _column(drawn, "pilot_referral_to_treatment_days") / DAYS
    earlier = now - before
    return _Times(before, earlier, wait - earlier, start - earlier, before + wait)


def _function_measures(drawn: pd.DataFrame, change: Change) -> dict[str, np.ndarray]:
    now, then = _times(drawn, Change()), _times(drawn, change)
    a_year = _column(drawn, "lung_function_lost_a_year")
    more = a_year * (now.visit - then.visit)
    kept = a_year * _column(drawn, "loss_prevented_by_treatment") * (now.start - then.start)
    mean, sigma = _log_normal(drawn)

    def up_to(limit: np.ndarray) -> np.ndarray:
        before = np.maximum(limit - more, 1e-9)
        return PEOPLE * (stats.norm.cdf((np.log(before) - mean) / sigma) @ WEIGHTS)

    below = up_to(_column(drawn, "treatment_window_low"))
    not_above = up_to(_column(drawn, "treatment_window_high"))
    return {
        "lung function, mean": drawn["lung_function_first_visit_mean"].to_numpy() + more @ WEIGHTS,
        "window: below": below,
        "window: inside": not_above - below,
        "window: above": PEOPLE - not_above,
        "window: inside or above": PEOPLE - below,
        KEPT: kept @ WEIGHTS,
    }


def _log_normal(drawn: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the logarithm of lung function at today's first visit."""
    mean = _column(drawn, "lung_function_first_visit_mean")
    spread = _column(drawn, "lung_function_first_visit_spread")
    variance = np.log1p((spread / mean) ** 2)
    return np.log(mean) - variance / 2, np.sqrt(variance)


def _gap_in_months(
    drawn: pd.DataFrame, most: np.ndarray, added: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Months between the fifths at either end, as they are and without what the delay adds."""
    places = np.linspace(0, 1, 5)
    ratios = most[:, None] ** places
    ratios = ratios * outcomes.base_ratio(ratios, np.full(5, 0.2))[:, None]
    median, shape = _column(drawn, "median_survival_years"), _column(drawn, "survival_shape")
    lived = outcomes.restricted_mean(median, shape, ratios, horizon)
    freed = outcomes.restricted_mean(median, shape, ratios / added[:, None] ** places, horizon)
    return MONTHS * (lived[:, 0] - lived[:, -1]), MONTHS * (freed[:, 0] - freed[:, -1])


def _power(drawn: pd.DataFrame) -> np.ndarray:
    """Power of the delay that the hazard follows: the ratio for each doubling, as one."""
    return np.log2(drawn["hazard_ratio_delay_doubling"].to_numpy())


def _column(drawn: pd.DataFrame, name: str) -> np.ndarray:
    return drawn[name].to_numpy(float)[:, None]


def _drawn(table: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """The assumed values in the first row, and draws below."""
    base = pd.DataFrame([assumptions.values(table)])
    return pd.concat([base, assumptions.draws(table, number, seed)], ignore_index=True)


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, with nothing over nothing as nothing."""
    return np.divide(above, below, out=np.zeros_like(above), where=np.abs(below) > 1e-12)


def _ranged(values: np.ndarray) -> dict[str, float]:
    """The result at the assumed values, and the range that holds 95 in 100 draws."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"estimate": float(values[0]), "low": float(low), "high": float(high)}


def _check(changes: Mapping[str, Change], times: Sequence[float]) -> None:
    if not all(0 < time < np.inf for time in times):
        raise AnalysisError("Life is counted up to some time after today's referral.")
    for name, change in changes.items():
        numbers = [change.wait_ratio, change.wait_days or 0, change.before_ratio]
        if not all(0 <= each < np.inf for each in [*numbers, change.earlier_years]):
            raise AnalysisError(f"The change '{name}' has a time or a ratio below 0.")
        if change.before_ratio > 1:
            raise AnalysisError(
                f"The change '{name}' refers people later than today: who dies before is not known."
            )
