"""Fair spokes: which new clinics save the most minutes, for everybody or for those deprived.

A set of new clinics saves each area what the nearest of them saves. Over all areas that is a sum
of terms, each an amount that is saved as soon as one clinic of a certain group is in the set: an
area with clinics a and b at 20 and 30 minutes, and 50 minutes now, gives ten minutes to the group
{a} and twenty to {a, b}. Equal groups of all areas merge without any loss, as in `location`, so
that tens of thousands of areas become a few thousand terms. Amounts are never negative and a group
gives nothing twice, so that a clinic never adds more to a larger set than to a smaller one: what it
adds now bounds what it can add later. Branch and bound with that bound finds the best set, and
every efficient set, and is done when nothing is left that could be better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists
from distance_to_care.problems import Problem
from distance_to_care.scenarios import location, national_spokes, outcomes

SAVED = "mean minutes saved"
DEPRIVED = "mean minutes saved in the most deprived fifth"
WITHIN = "expected patients brought within an hour"
NOW, NOW_DEPRIVED = "mean minutes now", "mean minutes now in the most deprived fifth"
SLOPE = "slope index of minutes"
UNITS = {SAVED: "minutes", DEPRIVED: "minutes", WITHIN: "people", SLOPE: "minutes"}
UNITS |= {NOW: "minutes", NOW_DEPRIVED: "minutes"}
HOUR = 60.0
EFFICIENT, FAIREST = "most for everybody", "most for the most deprived fifth"
ALIKE = "lists on which they save the most deprived fifth the most"
PLACE = "place among all single spokes"
MOST_NAMED = 8
# Numbers of clinics for which every efficient set is drawn up, by the second criterion.
FRONTIERS = {DEPRIVED: (1, 2, 3, 5), WITHIN: (3,)}
CAR = "(car ownership not included)"
TITLES = {
    "fair_spokes_frontier": f"Every efficient set of new spokes {CAR}",
    "fair_spokes_ends": f"Spokes that save everybody, or the most deprived fifth, the most {CAR}",
    "fair_spokes_lists": f"On how many lists of centres both aims choose alike {CAR}",
    "fair_spokes_trade_off": f"What one aim costs the other, five spokes {CAR}",
    "fair_spokes_both": f"The spokes that come nearest to both aims {CAR}",
    "fair_spokes_weights": f"The best spokes, by the weight of the most deprived fifth {CAR}",
    "fair_spokes_by_fifth": f"What five spokes would save each deprivation quintile {CAR}",
    "fair_spokes_sites": f"Which spokes would be chosen for everybody, and for the most deprived "
    f"fifth {CAR}",
    "fair_spokes_boards": f"The best one, two and three spokes for every care board {CAR}",
    "fair_spokes_boards_counted": f"Care boards by whether both aims choose alike {CAR}",
    "fair_spokes_region": f"A spoke that exists beside the best for its region {CAR}",
    "fair_spokes_solver": f"Branch and bound beside the solver: three spokes {CAR}",
}
CAUTION = (
    "If everybody for whom a clinic is nearer went there, then so much would be saved. No official "
    "list of centres was found: read the lists as a range. Driving at the lower end of ordinary "
    "traffic; car ownership not included; nothing is said of staff, rooms or referral."
)
NEAREST = "most people within an hour"
OVER_LISTS, OVER_ALL = national_spokes.LISTS, national_spokes.BOTH
# What minutes saved are in proportion to.
DRAWN = ("share_seen_at_spoke", "minutes_against_model")
# Tables with numbers for the prose, and how those are named.
QUOTED = {
    "fair_spokes_ends": "fair.{level}.{term}.{measure}.{scenario}",
    "fair_spokes_region": "fair.region.{group}.{measure}.{scenario}",
    "fair_spokes_by_fifth": "fair.fifth.{group}.{level}.{measure}.{scenario}",
    "fair_spokes_weights": "",
}
# Sums of minutes differ by less than this between orders of adding up; a step is larger.
SAME, STEP = 1e-9, 1e-6


class Gains(NamedTuple):
    """What sets of clinics save: terms, the clinics of each term, and its amount by criterion."""

    sites: tuple[str, ...]
    criteria: tuple[str, ...]
    members: np.ndarray
    amounts: np.ndarray


class Best(NamedTuple):
    """The best set of clinics, what it saves by criterion, and how many sets were bounded."""

    sites: tuple[str, ...]
    saved: dict[str, float]
    looked_at: int


def gains(
    minutes: pd.DataFrame,
    now: pd.Series,
    weights: pd.DataFrame,
    within: float | None = None,
) -> Gains:
    """Write what every set of clinics would save as terms, merged over areas without loss.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a possible clinic.
    now : minutes to the nearest centre, by `area_code`; infinite where there is none.
    weights : weight of each area, by `area_code`, one column a criterion, never negative. With
        weights that add up to 1 the criterion is a mean.
    within : count the weight that comes within so many minutes, and not the minutes themselves.

    Returns
    -------
    The terms; each area counts with the nearest of its clinics, and the clinic that is no nearer
    than `now` gives nothing.

    Raises
    ------
    Problem : areas without minutes, weights below zero, or no centre at all where minutes count.
    """
    codes = weights.index
    if not codes.isin(minutes.index).all() or not codes.isin(now.index).all():
        raise Problem("Some areas have no minutes. Give minutes now and to every clinic for all.")
    amount = weights.to_numpy(float)
    if not (amount >= 0).all():
        raise Problem("A weight is below zero or missing. Weights count people.")
    far = now.loc[codes].to_numpy(float)
    near = minutes.loc[codes].to_numpy(float)
    if np.isnan(near).any() or np.isnan(far).any():
        raise Problem("Some minutes are missing. Model the drive from all areas first.")
    if within is not None:
        far, near = (far > within).astype(float), (near > within).astype(float)
    elif not np.isfinite(far).all():
        raise Problem("Minutes saved need a centre to begin with. Count people within a limit.")
    nearer = near < far[:, None]
    some = nearer.any(axis=1) & (amount > 0).any(axis=1)
    # A clinic that is nearer to none of them is in no term: most are far from a board's areas.
    useful = np.flatnonzero(nearer[some].any(axis=0))
    near, far, amount = near[np.ix_(some, useful)], far[some], amount[some]
    order = np.argsort(near, axis=1, kind="stable")
    steps = np.minimum(np.take_along_axis(near, order, axis=1), far[:, None])
    steps = np.diff(np.column_stack([steps, far]), axis=1)
    area, last = np.nonzero(steps > 0)
    rank = np.argsort(order, axis=1)
    groups = rank[area] <= last[:, None]
    term, first = _merged(groups)
    each = steps[area, last][:, None] * amount[area]
    summed = [np.bincount(term, column, len(first)) for column in each.T]
    members = np.zeros((len(first), minutes.shape[1]))
    members[:, useful] = groups[first]
    return Gains(
        tuple(map(str, minutes.columns)),
        tuple(map(str, weights.columns)),
        members,
        np.column_stack(summed),
    )


def _merged(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number equal rows alike: the number of each row, and where each number stands first."""
    packed = np.packbits(groups, axis=1)
    whole = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    whole[:, : packed.shape[1]] = packed
    number = np.zeros(len(packed), dtype=np.int64)
    for word in whole.view(np.uint64).T:
        codes, known = pd.factorize(word)
        number = pd.factorize(number * (len(known) + 1) + codes)[0]
    return number, np.unique(number, return_index=True)[1]


def joined(parts: Sequence[Gains]) -> Gains:
    """Put terms of several criteria beside one another, such as minutes and people within an hour.

    Parameters
    ----------
    parts : terms over the same clinics, no criterion twice.

    Returns
    -------
    The terms of all.

    Raises
    ------
    Problem : other clinics, or a criterion twice.
    """
    criteria = tuple(name for part in parts for name in part.criteria)
    if len({part.sites for part in parts}) != 1 or len(set(criteria)) < len(criteria):
        raise Problem("Only terms over the same clinics and of different criteria can be joined.")
    amounts = np.zeros((sum(len(part.members) for part in parts), len(criteria)))
    row = column = 0
    for part in parts:
        height, width = part.amounts.shape
        amounts[row : row + height, column : column + width] = part.amounts
        row, column = row + height, column + width
    members = np.concatenate([part.members for part in parts])
    return Gains(parts[0].sites, criteria, members, amounts)


def saved(terms: Gains, sites: Sequence[str]) -> dict[str, float]:
    """Add up what a set of clinics saves.

    Parameters
    ----------
    terms : as `gains` returns them.
    sites : the clinics of the set.

    Returns
    -------
    Criterion -> what is saved, in the unit of the criterion.

    Raises
    ------
    Problem : a clinic that is not known.
    """
    given = terms.members[:, _places(terms, sites)].any(axis=1)
    return dict(zip(terms.criteria, map(float, given @ terms.amounts), strict=True))


def _places(terms: Gains, sites: Sequence[str]) -> tuple[int, ...]:
    if lost := [site for site in sites if site not in terms.sites]:
        raise Problem(f"There are no minutes to '{lost[0]}'. Name a hospital of the travel matrix.")
    return tuple(terms.sites.index(site) for site in sites)


def best(
    terms: Gains,
    new: int,
    goal: Mapping[str, float],
    least: Mapping[str, float] | None = None,
    given: Sequence[str] = (),
) -> Best | None:
    """Find the set of so many clinics that saves the most, to proven optimality.

    Branch and bound: a branch is left when what it has, and the most that its next clinics could
    each add now, cannot exceed the best set known.

    Parameters
    ----------
    terms : as `gains` returns them.
    new : clinics in a set, 1 or more.
    goal : criterion -> what a unit of it counts for, never negative.
    least : criterion -> what must be saved of it at least (the constraint epsilon).
    given : clinics that are open in any case, beside those chosen; what they save counts too.

    Returns
    -------
    The best set with the clinics given, in the order of the clinics; nothing where no set saves as
    much as asked. Of two sets that save the same, the one that is found first, every time the same.

    Raises
    ------
    Problem : more clinics than there are, or a clinic or a criterion that is not known.
    """
    least = dict(least or {})
    fixed = _places(terms, given)
    if not 1 <= new <= len(terms.sites) - len(fixed):
        raise Problem(
            f"{new} clinics cannot be chosen among {len(terms.sites) - len(fixed)}. "
            "Ask for one or more, and for no more than there are."
        )
    if lost := sorted({*goal, *least} - set(terms.criteria)):
        raise Problem(f"There is no criterion '{lost[0]}'; there are {', '.join(terms.criteria)}.")
    of_goal = sum(
        (weight * terms.amounts[:, terms.criteria.index(name)] for name, weight in goal.items()),
        np.zeros(len(terms.amounts)),
    )
    limited = [terms.amounts[:, terms.criteria.index(name)] for name in least]
    search = _Search(terms.members, np.array(list(least.values())))
    everything = np.array([of_goal, *limited])
    left = 1 - terms.members[:, fixed].max(axis=1, initial=0.0)
    others = np.setdiff1d(np.arange(len(terms.sites)), fixed)
    search.go(fixed, (everything * (1 - left)).sum(axis=1), everything * left, others, new)
    if search.sites is None:
        return None
    chosen = tuple(terms.sites[place] for place in sorted(search.sites))
    return Best(chosen, saved(terms, chosen), search.looked_at)


class _Search:
    """Branch and bound over sets of clinics; the first amount is the goal, others have floors."""

    def __init__(self, members: np.ndarray, floors: np.ndarray):
        self.members, self.floors = members, floors
        self.sites: tuple[int, ...] | None = None
        self.value, self.looked_at = -np.inf, 0

    def go(self, chosen, has, amounts, open_sites, left) -> None:
        """Look through the sets that hold `chosen` and `left` more of the open sites."""
        self.looked_at += 1
        adds = (amounts @ self.members)[:, open_sites]
        if left == 1:
            self._finish(chosen, has, adds, open_sites)
            return
        order = np.argsort(-adds[0], kind="stable")
        open_sites, adds = open_sites[order], adds[:, order]
        sums = np.concatenate([[0.0], np.cumsum(adds[0])])
        margin = SAME * max(1.0, abs(self.value)) if self.sites is not None else 0.0
        for place in range(len(open_sites) - left + 1):
            if has[0] + sums[place + left] - sums[place] <= self.value + margin:
                return
            if not self._can_reach(has, adds[1:, place:], left):
                return
            site = open_sites[place]
            rest = amounts * (1 - self.members[:, site])
            self.go((*chosen, site), has + adds[:, place], rest, open_sites[place + 1 :], left - 1)

    def _can_reach(self, has, adds, left) -> bool:
        if not len(self.floors):
            return True
        most = -np.sort(-adds, axis=1)[:, :left].sum(axis=1)
        return bool((has[1:] + most >= self.floors).all())

    def _finish(self, chosen, has, adds, open_sites) -> None:
        whole = has[:, None] + adds
        allowed = (whole[1:] >= self.floors[:, None]).all(axis=0)
        if not allowed.any():
            return
        goal = np.where(allowed, whole[0], -np.inf)
        place = int(np.argmax(goal))
        if goal[place] > self.value + SAME * max(1.0, abs(goal[place])):
            self.value, self.sites = goal[place], (*chosen, open_sites[place])


def frontier(terms: Gains, new: int, first: str, second: str) -> pd.DataFrame:
    """Find every efficient set: none saves more of one criterion without saving less of the other.

    The constraint epsilon: the set that saves the most of the first; then the one that does so
    among those that save more of the second; and so on until none does (Haimes 1971). Each step is
    solved to proven optimality, so none is left out, supported by a weighted sum or not. Of sets
    that save the same of the first, the one that saves the most of the second is taken, by a second
    search: no weight says what a minute is worth in people.

    Parameters
    ----------
    terms : as `gains` returns them.
    new : clinics in a set.
    first, second : the two criteria.

    Returns
    -------
    One row an efficient set, from the most of the first to the most of the second: `sites` (a
    tuple) and one column a criterion. Sets that differ by less than a millionth in the second, in
    its unit, count as one.

    Raises
    ------
    Problem : as for `best`.
    """
    rows, floor = [], None
    while True:
        found = _first_then(terms, new, first, second, floor)
        if found is None:
            return pd.DataFrame(rows)
        rows.append({"sites": found.sites, **found.saved})
        floor = {second: found.saved[second] + STEP}


def _first_then(
    terms: Gains, new: int, first: str, second: str, least: Mapping[str, float] | None = None
) -> Best | None:
    """Find the set with the most of the first criterion and, of those, the most of the second."""
    found = best(terms, new, {first: 1.0}, least)
    if found is None:
        return None
    most = found.saved[first]
    alike = {**(least or {}), first: most - SAME * max(1.0, abs(most))}
    return best(terms, new, {second: 1.0}, alike) or found


def of_areas(
    areas: pd.DataFrame, minutes: pd.DataFrame, now: pd.Series, hour: bool = True
) -> Gains:
    """Write what sets of clinics would save everybody, the most deprived fifth, and those far away.

    Parameters
    ----------
    areas : `area_code`, `expected_patients`, `deprivation_quintile` (1 = most deprived), as
        `access.area_table` returns them; all of England or some of its areas.
    minutes : one-way minutes; index `area_code`, one column a possible clinic.
    now : minutes to the nearest centre, by `area_code`.
    hour : whether to count expected patients brought within an hour as well.

    Returns
    -------
    Terms with the criteria `SAVED`, `DEPRIVED` (where anybody lives in that fifth) and `WITHIN`.
    """
    patients = areas.set_index("area_code")["expected_patients"]
    deprived = patients.where((areas["deprivation_quintile"] == 1).to_numpy(), 0.0)
    weights = {SAVED: patients / patients.sum()}
    if deprived.sum() > 0:
        weights[DEPRIVED] = deprived / deprived.sum()
    terms = gains(minutes, now, pd.DataFrame(weights))
    if not hour:
        return terms
    return joined([terms, gains(minutes, now, pd.DataFrame({WITHIN: patients}), within=HOUR)])


def _goal(areas: pd.DataFrame, times: float) -> dict[str, float]:
    """Everybody's minutes, those of the most deprived fifth counting so many times."""
    share = _share_deprived(areas)
    if share == 0:
        return {SAVED: 1.0}
    # Without end, the fifth alone counts, and everybody only where it does not decide.
    return {SAVED: 1.0, DEPRIVED: min((times - 1) * share, 1 / STEP)}


def _share_deprived(areas: pd.DataFrame) -> float:
    patients = areas["expected_patients"]
    return float(patients[areas["deprivation_quintile"] == 1].sum() / patients.sum())


def frontiers(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    new: Mapping[str, Sequence[int]] = FRONTIERS,
) -> pd.DataFrame:
    """Draw up every efficient set of new clinics, under every list of centres.

    Parameters
    ----------
    areas, minutes : as for `of_areas`.
    near : minutes to the nearest centre as `access.minutes_by_list` returns them.
    new : numbers of clinics, by the criterion beside `SAVED`: `DEPRIVED`, `WITHIN` or both.

    Returns
    -------
    One row an efficient set and measure: `scenario` (the second criterion), `centre_list`, `level`
    (clinics), `term` (number of the set, from the most for everybody to the most of the second),
    `measure` (`DEPRIVED`, `WITHIN`, and `SLOPE`: the slope index of minutes over the fifths
    afterwards, least deprived end minus most deprived), `value` (mean minutes saved for everybody),
    `estimate`, `unit`, `note` (the clinics).
    """
    people, weights = _slope(areas)
    rows = []
    for grades in access.LISTS:
        now = near.loc[areas["area_code"], grades]
        terms = of_areas(areas, minutes, now)
        for second, number in ((name, number) for name, asked in new.items() for number in asked):
            points = frontier(terms, number, SAVED, second)
            for place, point in enumerate(points.to_dict("records"), start=1):
                then = location.after(minutes.loc[now.index], now, point["sites"]).to_numpy()
                values = {name: point[name] for name in (DEPRIVED, WITHIN)}
                values[SLOPE] = float(people @ then @ weights)
                whose = {
                    "scenario": second,
                    "centre_list": grades,
                    "level": str(number),
                    "term": str(place),
                    "value": point[SAVED],
                    "note": "; ".join(point["sites"]),
                }
                rows += [
                    {**whose, "measure": measure, "estimate": value, "unit": UNITS[measure]}
                    for measure, value in values.items()
                ]
    return pd.DataFrame(rows)


def _slope(areas: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Areas' shares of the expected patients of each fifth, and weights that make the slope."""
    fifth = pd.get_dummies(areas["deprivation_quintile"], dtype=float).T.to_numpy()
    patients = fifth * areas["expected_patients"].to_numpy()
    return patients / patients.sum(axis=1, keepdims=True), outcomes.slope_weights(
        patients.sum(axis=1)
    )


def ends(
    points: pd.DataFrame, areas: pd.DataFrame, near: pd.DataFrame, drawn: pd.DataFrame
) -> pd.DataFrame:
    """Set the set that saves the most for everybody beside the one that does for those deprived.

    Parameters
    ----------
    points : as `frontiers` returns it for the most deprived fifth.
    areas, near : as for `frontiers`.
    drawn : draws of the assumptions `DRAWN`; the first row is the base.

    Returns
    -------
    One row a number of clinics (`level`), `term` (which set) and `measure`: minutes saved by each,
    what the fairest would cost everybody and bring the most deprived fifth, `SLOPE` (now, and with
    either), and on how many lists both are one set; `scenario` (the range over the lists, each with
    its own best sets, or with the assumptions too), `estimate` (base list), `low`, `high`, `unit`.
    """
    people, weights = _slope(areas)
    rows = []
    for (level, grades), part in points.groupby(["level", "centre_list"], sort=False):
        wide = part.pivot_table(index="term", columns="measure", values="estimate")
        wide = wide.assign(**{SAVED: part.groupby("term")["value"].first()})
        wide = wide.loc[sorted(wide.index, key=int)]
        first, last = wide.iloc[0], wide.iloc[-1]
        found = {
            (name, measure): end[measure]
            for name, end in ((EFFICIENT, first), (FAIREST, last))
            for measure in (SAVED, DEPRIVED, WITHIN, SLOPE)
        }
        now = near.loc[areas["area_code"], grades].to_numpy(float)
        found["now", SLOPE] = float(people @ now @ weights)
        found["difference", SAVED] = first[SAVED] - last[SAVED]
        found["difference", DEPRIVED] = last[DEPRIVED] - first[DEPRIVED]
        found["both", "lists on which both are one set"] = float(len(wide) == 1)
        least = wide[SLOPE].abs().idxmin() == wide.index[0]
        found[EFFICIENT, "lists on which it leaves the least slope"] = float(least)
        rows += [
            {"level": level, "centre_list": grades, "term": t, "measure": m, "estimate": value}
            for (t, m), value in found.items()
        ]
    return _over_lists(pd.DataFrame(rows), ["level", "term", "measure"], drawn)


def hour_end(points: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Tell what the set saves that brings the most expected patients within an hour.

    Parameters
    ----------
    points : as `frontiers` returns it for `WITHIN`.
    drawn : as for `ends`.

    Returns
    -------
    Rows as those of `ends`, `term` `NEAREST`: `SAVED`, `DEPRIVED` and `WITHIN`.
    """
    rows = []
    for (level, grades), part in points.groupby(["level", "centre_list"], sort=False):
        last = part[part["term"] == max(part["term"], key=int)]
        found = last.set_index("measure")["estimate"].drop(SLOPE).to_dict()
        found[SAVED] = last["value"].iloc[0]
        rows += [
            {"level": level, "centre_list": grades, "term": NEAREST, "measure": measure,
             "estimate": value}
            for measure, value in found.items()
        ]  # fmt: skip
    return _over_lists(pd.DataFrame(rows), ["level", "term", "measure"], drawn)


def _over_lists(table: pd.DataFrame, keys: list[str], drawn: pd.DataFrame) -> pd.DataFrame:
    """Put the lists into one row: the base list and the range; and once more with assumptions."""
    wide = table.pivot_table("estimate", index=keys, columns="centre_list", sort=False)
    counted = wide.index.get_level_values("measure").str.startswith("lists")
    out = wide.index.to_frame(index=False)
    out["unit"] = out["measure"].map(UNITS).fillna("lists")
    out["estimate"] = np.where(counted, wide.sum(axis=1), wide[centre_lists.BASE])
    out["low"] = np.where(counted, np.nan, wide.min(axis=1))
    out["high"] = np.where(counted, np.nan, wide.max(axis=1))
    return with_assumptions(out, drawn)


def with_assumptions(table: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Widen ranges of minutes saved over the lists by who would go and how fast they would drive.

    Minutes saved are in proportion to the share of people who would be seen at the nearer clinic,
    and to how long the drive takes against the model.

    Parameters
    ----------
    table : `measure`, `low`, `high` (over the lists of centres), and more.
    drawn : draws of the assumptions `DRAWN`; the first row is the base.

    Returns
    -------
    The rows with `scenario` (over the lists), and those of minutes saved once more (over the lists
    and the assumptions): of each list the limits that hold 95 per cent of the draws and the base,
    and the least and most of those, as `national_spokes.moved` has them.
    """
    wider = table[table["measure"].isin([SAVED, DEPRIVED, FAIREST])].copy()
    ends = national_spokes.between(drawn[list(DRAWN)].prod(axis=1).to_numpy(float))
    for column, times in zip(("low", "high"), ends, strict=True):
        wider[column] *= times
    parts = [table.assign(scenario=OVER_LISTS), wider.assign(scenario=OVER_ALL)]
    return pd.concat(parts, ignore_index=True)


def trade_off(points: pd.DataFrame, level: str) -> pd.DataFrame:
    """Put every efficient set on one scale: per cent of the most that clinics could save.

    Parameters
    ----------
    points : as `frontiers` returns it.
    level : the number of clinics.

    Returns
    -------
    One row a list and efficient set: `centre_list`, `level`, `term` (number of the set), `value`
    (per cent of the most that could be saved for everybody), `estimate` (of the most that could be
    saved of the second criterion), `unit`, `note` (the clinics).
    """
    second = points["scenario"].iloc[0]
    chosen = points[(points["level"] == level) & (points["measure"] == second)]
    most = chosen.groupby("centre_list")[["value", "estimate"]].transform("max")
    scaled = 100 * chosen[["value", "estimate"]] / most
    return chosen.assign(**scaled, unit="per cent").drop(columns=["scenario", "measure"])


def best_of_both(points: pd.DataFrame) -> pd.DataFrame:
    """Find the set that comes nearest to saving the most of both.

    Parameters
    ----------
    points : as `frontiers` returns it for one second criterion.

    Returns
    -------
    One row a number of clinics (`level`) and list: `centre_list`, `estimate` (per cent of the most
    possible of the criterion of which the set saves the smaller share), `unit`, `note` (the
    clinics); and one for `centre_list` all: the least over the lists.
    """
    rows = []
    for level in points["level"].unique():
        shares = trade_off(points, level)
        shares = shares.assign(estimate=shares[["value", "estimate"]].min(axis=1))
        found = shares.loc[shares.groupby("centre_list", sort=False)["estimate"].idxmax()]
        rows.append(found.drop(columns=["value", "term"]))
        least = {"centre_list": "all", "level": level, "estimate": found["estimate"].min()}
        rows.append(pd.DataFrame([least]).assign(unit="per cent", note=""))
    return pd.concat(rows, ignore_index=True)


def turning_weights(
    points: pd.DataFrame, areas: pd.DataFrame, most: float, level: str
) -> pd.DataFrame:
    """Say which set is best for each weight that a minute of the most deprived fifth may have.

    Parameters
    ----------
    points : as `frontiers` returns it for the most deprived fifth.
    areas : as for `of_areas`.
    most : the largest weight to look at; 1 counts all minutes alike.
    level : the number of clinics.

    Returns
    -------
    One row a list and a set that is best for some weight: `group_by` and `group` (the number of
    clinics), `centre_list`, `term` (the list in words), `level` (number of the set on the
    frontier), `low` and `high` (the weights between which it is best), `unit`, `note` (the
    clinics).
    """
    share = _share_deprived(areas)
    rows = []
    chosen = points[(points["level"] == level) & (points["measure"] == DEPRIVED)]
    for grades, part in chosen.groupby("centre_list", sort=False):
        part = part.sort_values("value", ascending=False).reset_index(drop=True)
        place, low = 0, 1.0
        while low < most:
            gains_more = part["estimate"] - part.loc[place, "estimate"]
            costs = part.loc[place, "value"] - part["value"]
            # The weight at which a set that saves the deprived more overtakes the one at hand.
            at = (1 + costs / (share * gains_more)).where(gains_more > 0, np.inf)
            following = int(at.to_numpy().argmin())
            high = min(float(at[following]), most)
            rows.append(
                {"group_by": "spokes", "group": level, "centre_list": grades,
                 "term": access.LISTS[grades], "level": part.loc[place, "term"], "low": low,
                 "high": high, "unit": "times", "note": part.loc[place, "note"]}
            )  # fmt: skip
            place, low = following, high
    return pd.DataFrame(rows)


def by_fifth(
    points: pd.DataFrame,
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    drawn: pd.DataFrame,
    level: str,
) -> pd.DataFrame:
    """Say what either end of the frontier saves each fifth.

    Parameters
    ----------
    points : as `frontiers` returns it for the most deprived fifth.
    areas, minutes, near : as for `frontiers`.
    drawn : as for `ends`.
    level : the number of clinics.

    Returns
    -------
    One row a fifth (`group`), `level` (which set; now: the minutes before) and `scenario` (see
    `ends`): `group_by`, `measure`, `estimate`, `low`, `high`, `unit`.
    """
    shares, _ = _slope(areas)
    fifths = sorted(areas["deprivation_quintile"].unique())
    rows = []
    mine = points[(points["level"] == level) & (points["measure"] == DEPRIVED)]
    for grades, part in mine.groupby("centre_list", sort=False):
        part = part.sort_values("value")
        now = near.loc[areas["area_code"], grades]
        reached = {"now": shares @ now.to_numpy(float)}
        for name, place in ((EFFICIENT, -1), (FAIREST, 0)):
            sites = part["note"].iloc[place].split("; ")
            then = location.after(minutes.loc[now.index], now, sites)
            reached[name] = reached["now"] - shares @ then.to_numpy(float)
        for name, values in reached.items():
            measure = NOW if name == "now" else SAVED
            rows += [
                {"centre_list": grades, "group": str(fifth), "level": name, "measure": measure,
                 "estimate": value}
                for fifth, value in zip(fifths, values, strict=True)
            ]  # fmt: skip
    table = _over_lists(pd.DataFrame(rows), ["group", "level", "measure"], drawn)
    return table.assign(group_by="deprivation_quintile")


def sites_by_list(points: pd.DataFrame, level: str, notes: pd.Series) -> pd.DataFrame:
    """Say on how many lists each clinic belongs to the set at either end of the frontier.

    Parameters
    ----------
    points : as `frontiers` returns it.
    level : the number of clinics.
    notes : what to know of a hospital, by its name, as `care_boards.candidates` has it.

    Returns
    -------
    One row a clinic and end: `term` (which set), `centre`, `estimate` (lists), `unit`,
    `centre_list` (the lists), `note`.
    """
    rows = []
    mine = points[(points["level"] == level) & (points["measure"] == DEPRIVED)]
    for grades, part in mine.groupby("centre_list", sort=False):
        part = part.sort_values("value")
        for name, place in ((EFFICIENT, -1), (FAIREST, 0)):
            sites = part["note"].iloc[place].split("; ")
            rows += [{"term": name, "centre": site, "centre_list": grades} for site in sites]
    lists = pd.DataFrame(rows).groupby(["term", "centre"], sort=False)["centre_list"]
    table = lists.agg(", ".join).reset_index()
    return table.assign(
        estimate=lists.size().to_numpy(float), unit="lists", note=table["centre"].map(notes)
    )


def of_place(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    new: int,
    times: float = 1.0,
    given: Sequence[str] = (),
) -> pd.DataFrame:
    """Choose the best new clinics for one care board or region, exactly, under every list.

    Only the people of the place count, and a clinic may stand anywhere.

    Parameters
    ----------
    areas : the areas of the place, as for `of_areas`.
    minutes, near : as for `frontiers`.
    new : clinics to choose, beside those given; 0 looks at the given ones alone.
    times : what a minute of the most deprived fifth counts for, against one of others.
    given : clinics that are open in any case; what they save counts too.

    Returns
    -------
    One row a list and measure: `centre_list`, `measure` (`NOW`, `SAVED`, `WITHIN`, and the same of
    the most deprived fifth where anybody of the place lives in it), `estimate`, `unit`, `note` (the
    clinics, the given ones among them).

    Raises
    ------
    Problem : a clinic that is not known, or more than there are.
    """
    rows = []
    for grades, (now, terms) in _by_list(areas, minutes, near).items():
        sites = tuple(given)
        if new:
            sites = best(terms, new, _goal(areas, times), given=given).sites
        values = {**now, **saved(terms, sites)}
        rows += _rows(grades, values, sites)
    return pd.DataFrame(rows)


def _rows(grades: str, values: Mapping[str, float], sites: Sequence[str]) -> list[dict]:
    return [
        {"centre_list": grades, "measure": measure, "estimate": value,
         "unit": UNITS.get(measure, "minutes"), "note": "; ".join(sites)}
        for measure, value in values.items()
    ]  # fmt: skip


def _by_list(
    areas: pd.DataFrame, minutes: pd.DataFrame, near: pd.DataFrame
) -> dict[str, tuple[dict[str, float], Gains]]:
    """Mean minutes now, and what clinics would save, under every list."""
    codes = areas["area_code"]
    to_sites, people = minutes.loc[codes], areas["expected_patients"].to_numpy(float)
    deprived = people * (areas["deprivation_quintile"] == 1).to_numpy()
    found = {}
    for grades in access.LISTS:
        now = near.loc[codes, grades]
        means = {NOW: float(np.average(now, weights=people))}
        if deprived.any():
            means[NOW_DEPRIVED] = float(np.average(now, weights=deprived))
        found[grades] = means, of_areas(areas, to_sites, now)
    return found


def board_code(boards: pd.DataFrame, asked: str) -> str:
    """Find a care board by its name or its code; capital letters make no difference.

    Parameters
    ----------
    boards : one edition of the table `care_boards`: `board_code`, `board`.
    asked : the name, the code, or words of the name that no other board has.

    Returns
    -------
    Its code.

    Raises
    ------
    Problem : no such board, or several; the sentence names those that come near.
    """
    names = boards.drop_duplicates("board_code").set_index("board_code")["board"].sort_values()
    words = " ".join(asked.split()).casefold()
    if not words:
        raise Problem(f"Name a care board. There are {'; '.join(names)}.")
    known = names.str.casefold()
    exact = names.index[(known == words) | (names.index.str.casefold() == words)]
    if len(exact):
        return str(exact[0])
    near = names[known.str.contains(words, regex=False)]
    if len(near) == 1:
        return str(near.index[0])
    told = near if len(near) else names
    raise Problem(
        f"{len(near) or 'No'} care board{'s have' if len(near) > 1 else ' has'} '{asked}' in the "
        f"name. Name one of: {'; '.join(told)}."
    )


def as_text(table: pd.DataFrame) -> str:
    """Write the choices for a place as lines of text: a heading a list, the clinics, what is saved.

    Parameters
    ----------
    table : as `of_place` returns it.

    Returns
    -------
    The lines.
    """
    lines = []
    for grades, part in table.groupby("centre_list", sort=False):
        lines.append(f"{access.LISTS[grades]} ({grades})")
        lines += [f"  clinic: {site}" for site in part["note"].iloc[0].split("; ")]
        lines += [
            f"  {row.measure}: {row.estimate:,.{0 if row.unit == 'people' else 1}f} {row.unit}"
            for row in part.itertuples()
        ]
    return "\n".join(lines)


def in_one_row(table: pd.DataFrame, keys: Sequence[str] = ()) -> pd.DataFrame:
    """Put the choices under the three lists into one row, and say how far they agree.

    Parameters
    ----------
    table : as `of_place` returns it, perhaps with more columns.
    keys : those columns.

    Returns
    -------
    One row a group of `keys` and measure: `measure`, `estimate` (base list), `low`, `high`,
    `unit`, `note` (the clinics chosen on the base list, each with the number of lists on which it
    is chosen).
    """
    keys = [*keys, "measure", "unit"]
    rows = []
    for group, part in table.groupby(keys, sort=False):
        by_list = part.set_index("centre_list")
        sites = [note.split("; ") for note in by_list["note"]]
        told = [
            f"{site} ({sum(site in of_list for of_list in sites)} of {len(sites)} lists)"
            for site in by_list.loc[centre_lists.BASE, "note"].split("; ")
            if site
        ]
        rows.append(
            {
                **dict(zip(keys, group, strict=True)),
                "estimate": by_list.loc[centre_lists.BASE, "estimate"],
                "low": by_list["estimate"].min(),
                "high": by_list["estimate"].max(),
                "note": "; ".join(told),
            }
        )
    return pd.DataFrame(rows)


def of_boards(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    steady: pd.Series,
    new: Sequence[int] = (1, 2, 3),
) -> pd.DataFrame:
    """Choose the best one, two and three clinics for every care board, each by itself.

    Parameters
    ----------
    areas : as for `of_areas`, with `board_code` and `board`.
    minutes, near : as for `frontiers`.
    steady : whether a board's mean moves by no more than ten minutes between the lists, by
        `board_code`, as `care_boards.steadiness` returns it.
    new : numbers of clinics.

    Returns
    -------
    One row a board, number of clinics (`level`) and measure: `board_code`, `board`, `measure`
    (`NOW`; `SAVED`, `DEPRIVED` and `WITHIN` with the clinics that save everybody the most;
    `FAIREST`: minutes saved in the most deprived fifth by those that save it the most; `ALIKE`: the
    lists on which the former save that fifth the most, too), `estimate` (base list; empty where the
    board is not steady), `low`, `high`, `unit`, `steady`, `note` (see `in_one_row`).
    """
    found, alike = [], []
    for (code, board), mine in areas.groupby(["board_code", "board"]):
        whose = {"board_code": code, "board": board}
        lists = _by_list(mine, minutes, near)
        for number in new:
            same = []
            for grades, (now, terms) in lists.items():
                first = best(terms, number, {SAVED: 1.0})
                rows = _rows(grades, first.saved, first.sites)
                if number == min(new):
                    rows += _rows(grades, {NOW: now[NOW]}, ())
                if DEPRIVED in terms.criteria:
                    fair = _first_then(terms, number, DEPRIVED, SAVED)
                    rows += _rows(grades, {FAIREST: fair.saved[DEPRIVED]}, fair.sites)
                    same.append(fair.saved[DEPRIVED] - first.saved[DEPRIVED] <= STEP)
                found += [{**whose, "level": str(number), **row} for row in rows]
            if same:
                alike.append({**whose, "level": str(number), "measure": ALIKE, "unit": "lists",
                              "estimate": float(sum(same))})  # fmt: skip
    table = in_one_row(pd.DataFrame(found), ["board_code", "board", "level"])
    firm = table["board_code"].map(steady).to_numpy(bool)
    table = table.assign(estimate=table["estimate"].where(firm))
    table = pd.concat([table, pd.DataFrame(alike)], ignore_index=True)
    return table.assign(
        steady=table["board_code"].map(steady).to_numpy(bool), note=table["note"].fillna("")
    )


def boards_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Count the boards by whether what saves everybody the most saves those deprived the most.

    Parameters
    ----------
    table : as `of_boards` returns it.

    Returns
    -------
    One row a number of clinics and measure: `level`, `measure`, `estimate`, `unit`, `note` (the
    boards, where they are few enough to be named: no more than eight).
    """
    rows = []
    for level, part in table.groupby("level"):
        alike = part[part["measure"] == ALIKE].set_index("board")["estimate"]
        saved_now = part[part["measure"] == SAVED].set_index("board")
        found = {
            "boards": saved_now.index,
            "boards where both are one set on every list": alike.index[alike == 3],
            "boards where both are one set on no list": alike.index[alike == 0],
            "boards where the list decides it": alike.index[alike.isin([1, 2])],
            "boards where they would save ten minutes or more on every list": saved_now.index[
                saved_now["low"] >= 10
            ],
        }
        for measure, names in found.items():
            note = "; ".join(sorted(names)) if 0 < len(names) <= MOST_NAMED else ""
            rows.append({"level": level, "measure": measure, "estimate": float(len(names)),
                         "unit": "boards", "note": note})  # fmt: skip
    return pd.DataFrame(rows)


def beside_documented(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    documented: str,
    steady: bool,
    new: Sequence[int] = (1, 2, 3),
) -> pd.DataFrame:
    """Set a clinic that is known to exist beside the best that a region could choose.

    Parameters
    ----------
    areas : the areas of the region, as for `of_areas`.
    minutes, near : as for `frontiers`.
    documented : the clinic, a column of `minutes`.
    steady : whether the region's mean moves by no more than ten minutes between the lists.
    new : numbers of clinics.

    Returns
    -------
    One row a choice (`group`) and measure, as `in_one_row`, with `steady`, and `estimate` only
    where the region is steady: the documented clinic alone, the best so many, the documented one
    with the best others; and its `PLACE` among all single clinics, by the minutes each would save.
    """
    parts = []
    for number in new:
        best_of = of_place(areas, minutes, near, number)
        others = of_place(areas, minutes, near, number - 1, given=[documented])
        parts += [
            best_of.assign(group=f"best {number}"),
            others.assign(group=f"documented and best {number - 1} more"),
        ]
    table = in_one_row(pd.concat(parts), ["group"])
    table["group"] = table["group"].replace("documented and best 0 more", "documented alone")
    places = []
    for _, terms in _by_list(areas, minutes, near).values():
        each = pd.Series({site: saved(terms, [site])[SAVED] for site in terms.sites})
        places.append(float(each.rank(ascending=False, method="min")[documented]))
    base = list(access.LISTS).index(centre_lists.BASE)
    place = {"group": "documented alone", "measure": PLACE, "unit": "place", "low": min(places),
             "high": max(places), "estimate": places[base], "note": documented}  # fmt: skip
    table = table.assign(estimate=table["estimate"] if steady else np.nan)
    return pd.concat([table, pd.DataFrame([place])], ignore_index=True).assign(steady=steady)


def agreement(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    new: int,
    grades: str = centre_lists.BASE,
) -> pd.DataFrame:
    """Set branch and bound beside the solver of `location`: the ends, and one point between them.

    Parameters
    ----------
    areas, minutes, near : as for `frontiers`.
    new : number of clinics.
    grades : the list of centres.

    Returns
    -------
    One row a question (`term`): `centre_list`, `level`, `measure`, `estimate` (here), `difference`
    (the solver's answer minus it), `unit`.
    """
    codes = areas["area_code"]
    now, to_sites = near.loc[codes, grades], minutes.loc[codes]
    patients = areas.set_index("area_code")["expected_patients"]
    deprived = patients.where((areas["deprivation_quintile"] == 1).to_numpy(), 0.0)
    before = {SAVED: location.value_of(now, patients), DEPRIVED: location.value_of(now, deprived)}
    terms = of_areas(areas, to_sites, now, hour=False)
    points = frontier(terms, new, SAVED, DEPRIVED)
    middle = points.iloc[len(points) // 2]
    limit = location.Limit(deprived, before[DEPRIVED] - middle[DEPRIVED])
    asked = {
        EFFICIENT: (SAVED, patients, (), points[SAVED].iloc[0]),
        FAIREST: (DEPRIVED, deprived, (), points[DEPRIVED].iloc[-1]),
        "between them": (SAVED, patients, (limit,), middle[SAVED]),
    }
    rows = []
    for term, (measure, weight, limits, here) in asked.items():
        solved = location.choose(to_sites, now, weight, new, limits=limits)
        rows.append(
            {"term": term, "centre_list": grades, "level": str(new), "measure": measure,
             "estimate": here, "unit": "minutes",
             "difference": round(before[measure] - solved.value - here, 9)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def quoted(name: str, table: pd.DataFrame) -> list[tuple[str, str, str, dict[str, str]]]:
    """List the numbers that prose may quote from one table: key, words, column, and their row.

    Parameters
    ----------
    name : one of `QUOTED`.
    table : the published table of that name.

    Returns
    -------
    For each number its key, its words, the column that is its value, and the columns that pick the
    row. Of the weights: how long the choice for everybody stays the best.
    """
    if name == "fair_spokes_weights":
        rows = table[table["level"] == "1"]
        return [
            (f"fair.weight.{row['group']}.{row['centre_list']}", f"{row['high']:.1f}", "high",
             {column: row[column] for column in ("group", "centre_list", "level")})
            for row in rows.to_dict("records")
        ]  # fmt: skip
    column = "low" if name == "fair_spokes_region" else "estimate"
    told = table.assign(estimate=np.nan) if column == "low" else table
    return [
        (key, words, column, where)
        for key, words, where in national_spokes.quoted(QUOTED[name], told)
    ]


def headline(name: str, rows: pd.DataFrame) -> str:
    """Head a figure of the page with what its rows hold.

    Parameters
    ----------
    name : `fair_spokes_by_fifth`, `fair_spokes_trade_off` or `fair_spokes_region`.
    rows : the rows that are drawn.

    Returns
    -------
    The title.
    """
    if name == "fair_spokes_by_fifth":
        saved_by = rows[rows["level"] == EFFICIENT].set_index("group")["estimate"]
        least = str(saved_by.idxmin())
        named = national_spokes.FIFTHS.get(least, f"deprivation quintile {least}")
        return f"Five spokes placed for everybody in England would save {named} the least {CAR}"
    if name == "fair_spokes_trade_off":
        both = rows.assign(least=rows[["value", "estimate"]].min(axis=1))
        share = both.groupby("centre_list")["least"].max().min()
        return (
            f"On each list some five spokes have {share:.0f} per cent or more of both: everybody "
            f"and the most deprived fifth {CAR}"
        )
    wide = rows.pivot_table(index="group", columns="measure", values=["low", "high"])
    more = (wide.xs(DEPRIVED, axis=1, level=1) > wide.xs(SAVED, axis=1, level=1)).all(axis=None)
    fewer = (wide.xs(DEPRIVED, axis=1, level=1) < wide.xs(SAVED, axis=1, level=1)).all(axis=None)
    than = "more minutes than" if more else "fewer minutes than" if fewer else "about as much as"
    return f"In the East of England the most deprived fifth would save {than} others {CAR}"


def everything(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    notes: pd.Series,
    steady: Mapping[str, pd.Series],
    drawn: pd.DataFrame,
    most: float,
    documented: tuple[str, str],
    clinics: str = "5",
) -> dict[str, pd.DataFrame]:
    """Work out every table of the page at once, so that all stand on the same sets.

    Parameters
    ----------
    areas, minutes, near : as for `frontiers`; areas with `board_code`, `board` and `region`.
    notes : as for `sites_by_list`.
    steady : `board` and `region`: true or false by board code, and by region.
    drawn : as for `with_assumptions`.
    most : the largest weight of a minute of the most deprived fifth, as for `turning_weights`.
    documented : a region and the clinic in it that is known to exist.
    clinics : the number of clinics that is looked at closely.

    Returns
    -------
    Tidy tables by the names in `TITLES`.
    """
    points = frontiers(areas, minutes, near)
    fair = points[points["scenario"] == DEPRIVED]
    both_ends = ends(fair, areas, near, drawn)
    counted = both_ends["unit"] == "lists"
    nearest = hour_end(points[points["scenario"] == WITHIN], drawn)
    boards = of_boards(areas, minutes, near, steady["board"])
    region, clinic = documented
    mine = areas[areas["region"] == region]
    beside = beside_documented(mine, minutes, near, clinic, bool(steady["region"][region]))
    weights = [turning_weights(fair, areas, most, level) for level in fair["level"].unique()]
    return {
        "fair_spokes_frontier": points,
        "fair_spokes_ends": pd.concat([both_ends[~counted], nearest], ignore_index=True),
        "fair_spokes_lists": both_ends[counted].drop(columns=["low", "high", "scenario"]),
        "fair_spokes_trade_off": trade_off(fair, clinics),
        "fair_spokes_both": best_of_both(fair),
        "fair_spokes_weights": pd.concat(weights, ignore_index=True),
        "fair_spokes_by_fifth": by_fifth(fair, areas, minutes, near, drawn, clinics),
        "fair_spokes_sites": sites_by_list(fair, clinics, notes),
        "fair_spokes_boards": with_assumptions(boards, drawn),
        "fair_spokes_boards_counted": boards_summary(boards),
        "fair_spokes_region": with_assumptions(beside, drawn),
        "fair_spokes_solver": agreement(areas, minutes, near, 3),
    }
