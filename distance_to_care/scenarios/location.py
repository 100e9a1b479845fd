"""Where to put clinics: sites chosen to proven optimality, and how the drive would change.

Three goals: the least mean minutes (the p-median problem), the most people within so many minutes
(maximal covering) and the least worst case (the p-centre problem). Areas are put together without
loss before anything is solved: only the sites that are nearer than what is open now can matter to
an area, and two areas that share the set of their nearest few sites share a term of the cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import highspy
import numpy as np
import pandas as pd
from scipy import sparse

from distance_to_care.problems import Problem

GOALS = ("mean", "within", "worst")
# A value this close to its bound, as a share of it, is proven: the solver works to about as much.
PROVEN = 1e-7
# More terms than these are not written down at once: those of distant sites come when needed.
MOST_TERMS = 400_000
# Sites beyond the start's own that each area is given at first, where there are too many terms.
SPARE_SITES = 15
# Sites that each area has in the fast answer that the solver then starts from.
START_SITES = 40
WORD = 64
NO_ANSWER = "The solver found no sites in time. Give it more seconds, or ease the limits."


class Choice(NamedTuple):
    """Sites chosen, what they give, and how sure it is that no other sites give more."""

    sites: tuple[str, ...]
    value: float
    bound: float
    gap: float
    proven: bool
    seconds: float


class Limit(NamedTuple):
    """A demand on the sites: mean minutes of `weight` must be at most `mean`."""

    weight: pd.Series
    mean: float


class _Late(Exception):
    """The solver's time is over, and it has no answer."""


class _Savings(NamedTuple):
    """What an area saves at a site that is nearer than what is open: one entry a pair."""

    area: np.ndarray
    site: np.ndarray
    saved: np.ndarray
    weight: np.ndarray
    people: np.ndarray
    cost: np.ndarray
    now: np.ndarray
    most: float


class _Terms(NamedTuple):
    """Cost as a sum over sets of sites: `cost[s]` is paid where no site of set `s` is chosen."""

    constant: np.ndarray
    cost: np.ndarray
    parent: np.ndarray
    new: sparse.csr_matrix
    must: np.ndarray


def after(minutes: pd.DataFrame, now: pd.Series, sites: Sequence[str]) -> pd.Series:
    """Find minutes to the nearest centre once clinics stand at the sites.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a candidate.
    now : minutes to the nearest centre that is open, by `area_code`; infinite where there is none.
    sites : columns of `minutes`.

    Returns
    -------
    Minutes by `area_code`, in the order of `minutes`.
    """
    nearest = now.reindex(minutes.index).to_numpy(float)
    for site in sites:
        nearest = np.fmin(nearest, minutes[site].to_numpy(float))
    return pd.Series(nearest, index=minutes.index, name="minutes")


def value_of(
    minutes: pd.Series, weight: pd.Series, goal: str = "mean", within: float = 60.0
) -> float:
    """Work out what a goal comes to, given the minutes of every area.

    Parameters
    ----------
    minutes : one-way minutes to the nearest centre, by `area_code`.
    weight : people by `area_code`.
    goal : `mean` (weighted mean minutes), `within` (people within `within` minutes) or `worst`
        (most minutes of an area with people).
    within : minutes.

    Returns
    -------
    Minutes, or people.
    """
    people = weight.reindex(minutes.index).to_numpy(float)
    found = minutes.to_numpy(float)[people > 0]
    people = people[people > 0]
    match goal:
        case "mean":
            return float(people @ found / people.sum())
        case "within":
            return float(people[found <= within].sum())
        case _:
            return float(found.max())


def choose(
    minutes: pd.DataFrame,
    now: pd.Series,
    weight: pd.Series,
    new: int,
    goal: str = "mean",
    within: float = 60.0,
    seconds: float = 60.0,
    gap: float = 0.0,
    limits: Sequence[Limit] = (),
) -> Choice:
    """Choose the sites for new clinics that serve a goal best, to proven optimality (HiGHS).

    The cost of an area is written as a sum over the sets of its nearest one, two, three ... sites:
    each step from one site to the next is paid where none of the nearer ones is chosen. Sets that
    are equal are one term, whatever areas they come from. Where even so there are very many terms,
    each area first has its nearest sites only, which bounds the cost from below, and gets more
    until the bound is the cost. The worst case is found by bisection over all minutes, each time
    asking whether so many sites can cover every area; of the sets of sites with the least worst
    case it takes one with the least mean. A fast answer (`swap`) is the solver's start.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a candidate. Infinite or missing where
        an area cannot be reached.
    now : minutes to the nearest centre that is open, by `area_code`; infinite where there is none.
    weight : people of each area, at least 0, by `area_code`.
    new : sites to add; no more than there are candidates.
    goal : `mean` (least weighted mean minutes), `within` (most people within `within` minutes) or
        `worst` (least minutes of the area that is worst off; areas without people do not count).
    within : minutes for that goal.
    seconds : most time that the solver may take; the fast answer and the writing of the terms come
        on top. What it has not proven by then has a `gap`.
    gap : a gap that is small enough, as a share of the value.
    limits : for the goal `mean`: mean minutes of other weights that must not be exceeded.

    Returns
    -------
    `sites` (in the order of the columns), `value` (minutes or people, worked out from the minutes),
    `bound` (no choice of so many sites can do better), `gap` (their difference as a share of the
    value), `proven` (no gap), `seconds` taken.

    Raises
    ------
    Problem : a table that does not fit, areas that nothing can reach, limits that nothing can meet,
        or no answer in time.

    ReVelle and Swain 1970, doi 10.1111/j.1538-4632.1970.tb00142.x. Church and ReVelle 1974, doi
    10.1007/BF01942293. Church 2003. Elloumi 2010, Journal of Combinatorial Optimization 19.
    """
    started = time.perf_counter()
    places, cost, open_now, people = _checked(minutes, now, weight, new, goal, limits)
    if goal == "worst":
        chosen, bound = _least_worst(cost, open_now, people, new, seconds, gap)
        found = float(_served(cost, open_now, chosen)[people[:, 0] > 0].max())
    else:
        if goal == "within":
            cost, open_now = (cost > within).astype(float), (open_now > within).astype(float)
        most = _most(people, limits)
        # For a start, sites beyond the nearest few may be taken to cost as much as those.
        many = _too_many(cost, open_now)
        far = np.minimum(open_now, _so_manieth(cost, START_SITES)) if many else open_now
        start = np.array(_swapped(cost, far, people[:, 0], new, np.arange(0)), dtype=int)
        chosen, bound = _least_mean(
            cost, open_now, people, new, most, start, (started + seconds, gap)
        )
        found = float(people[:, 0] @ _served(cost, open_now, chosen))
        if goal == "mean":
            found, bound = found / people[:, 0].sum(), bound / people[:, 0].sum()
        else:
            found, bound = people[:, 0].sum() - found, people[:, 0].sum() - bound
    found = float(found)
    bound = float(max(bound, found) if goal == "within" else min(bound, found))
    apart = abs(found - bound) / abs(found) if found else abs(found - bound)
    proven = apart <= PROVEN
    return Choice(
        tuple(places[np.sort(chosen)]),
        found,
        found if proven else bound,
        0.0 if proven else apart,
        proven,
        time.perf_counter() - started,
    )


def swap(
    minutes: pd.DataFrame,
    now: pd.Series,
    weight: pd.Series,
    new: int,
    goal: str = "mean",
    within: float = 60.0,
    start: Sequence[str] = (),
) -> tuple[tuple[str, ...], float]:
    """Choose sites fast: one after the other, then by exchange until no exchange helps.

    All exchanges of one site for another are worked out at once, and the best is made. The answer
    is good, and nothing says that it is the best: `choose` does.

    Parameters
    ----------
    minutes, now, weight, new, goal, within : as for `choose`.
    start : sites to begin with; more are added until there are `new`.

    Returns
    -------
    The sites, in the order of the columns, and the value of the goal.

    Raises
    ------
    Problem : a table that does not fit, or areas that nothing can reach.

    Teitz and Bart 1968, doi 10.1287/opre.16.5.955. Resende and Werneck 2007, Annals of Operations
    Research 150.
    """
    places, cost, open_now, people = _checked(minutes, now, weight, new, goal, ())
    first = places.get_indexer(list(start))
    if (first < 0).any() or len(set(first)) != len(first) or len(first) > new:
        raise Problem("The sites to start with must be different candidates, and no more than new.")
    if goal == "worst":
        chosen = _swapped_worst(cost[people[:, 0] > 0], open_now[people[:, 0] > 0], new, first)
    elif goal == "within":
        beyond = (cost > within).astype(float), (open_now > within).astype(float)
        chosen = _swapped(*beyond, people[:, 0], new, first)
    else:
        chosen = _swapped(cost, open_now, people[:, 0], new, first)
    sites = tuple(places[np.sort(np.array(chosen, dtype=int))])
    return sites, value_of(after(minutes, now, sites), weight, goal, within)


def without_each(
    minutes: pd.DataFrame,
    now: pd.Series,
    weight: pd.Series,
    choice: Choice,
    **how: object,
) -> pd.DataFrame:
    """Work out how much worse the best sites are where one of the chosen ones may not be used.

    Parameters
    ----------
    minutes, now, weight : as for `choose`.
    choice : what `choose` returned for them.
    how : goal, within, seconds and gap, as they were given to `choose`.

    Returns
    -------
    One row a chosen site: `centre`, `estimate` (the value of the best sites without it), `low` and
    `high` (the bound and the value), `difference` from the value with it, `note` (what would stand
    in its place).
    """
    rows = []
    for site in choice.sites:
        left = minutes.drop(columns=site)
        found = choose(left, now, weight, len(choice.sites), **how)
        instead = [name for name in found.sites if name not in choice.sites]
        rows.append(
            {
                "centre": site,
                "estimate": found.value,
                "low": min(found.bound, found.value),
                "high": max(found.bound, found.value),
                "difference": found.value - choice.value,
                "note": "; ".join(instead),
            }
        )
    return pd.DataFrame(rows)


# --- what is asked ------------------------------------------------------------------------------


def _checked(
    minutes: pd.DataFrame,
    now: pd.Series,
    weight: pd.Series,
    new: int,
    goal: str,
    limits: Sequence[Limit],
) -> tuple[pd.Index, np.ndarray, np.ndarray, np.ndarray]:
    """Read the tables as arrays, one row an area with people, or say what is wrong with them."""
    if goal not in GOALS:
        raise Problem(f"The goal is '{goal}'. It must be one of {', '.join(GOALS)}.")
    if limits and goal != "mean":
        raise Problem("Limits on the mean of other people go with the goal 'mean' only.")
    if not 0 <= new <= minutes.shape[1]:
        raise Problem(
            f"{new} sites cannot be chosen from {minutes.shape[1]} candidates. "
            f"Ask for 0 to {minutes.shape[1]}."
        )
    weights = [weight, *(limit.weight for limit in limits)]
    people = np.column_stack([one.reindex(minutes.index).to_numpy(float) for one in weights])
    if not (np.isfinite(people).all() and (people >= 0).all()):
        raise Problem("The people of an area are missing or negative. Give a number of at least 0.")
    if (people.sum(axis=0) <= 0).any():
        raise Problem("There is nobody in any area: all weights are 0.")
    cost = minutes.to_numpy(float)
    cost = np.where(np.isnan(cost), np.inf, cost)
    open_now = now.reindex(minutes.index).to_numpy(float)
    if np.isnan(open_now).any() or min(cost.min(initial=0), open_now.min(initial=0)) < 0:
        raise Problem(
            "Minutes are negative, or an area has no minutes to what is open now. Say infinite "
            "where nothing is open."
        )
    somebody = people.any(axis=1)
    nearest = np.fmin(open_now, cost.min(axis=1)) if cost.shape[1] else open_now
    lost = somebody & ~np.isfinite(nearest)
    if lost.any() and goal != "within":
        raise Problem(
            f"{int(lost.sum()):,} areas with people can be reached from no site; the first is "
            f"'{minutes.index[lost.argmax()]}'. Leave them out (an island without a road), and say "
            "so beside the result."
        )
    return minutes.columns, cost[somebody], open_now[somebody], people[somebody]


def _most(people: np.ndarray, limits: Sequence[Limit]) -> np.ndarray:
    """Most person-minutes of each weight: of the first as many as they come to."""
    return np.array([np.inf, *(limit.mean for limit in limits)]) * people.sum(axis=0)


def _served(cost: np.ndarray, open_now: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Minutes to the nearest of what is open and what is chosen."""
    if not len(chosen):
        return open_now
    return np.minimum(open_now, cost[:, chosen].min(axis=1))


# --- the fast answer ----------------------------------------------------------------------------


def _swapped(
    cost: np.ndarray, open_now: np.ndarray, people: np.ndarray, new: int, first: np.ndarray
) -> list[int]:
    """Add the best site until there are enough; then make the best exchange while one helps."""
    savings = _savings(cost, open_now, people)
    chosen = [int(one) for one in first]
    while len(chosen) < new:
        gain = _gains(savings, _two_best(savings, chosen)[1])
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
    while chosen:
        more, place, site = _best_exchange(savings, chosen)
        if more <= 1e-9 * max(1.0, savings.most):
            break
        chosen[place] = site
    return chosen


def _savings(cost: np.ndarray, open_now: np.ndarray, people: np.ndarray) -> _Savings:
    """List every area and site that is nearer than what is open: only those can save anything."""
    area, site = np.nonzero((cost < open_now[:, None]) & (people > 0)[:, None])
    length = cost[area, site]
    # Where nothing is open, ten times the dearest drive stands for it, so that any site helps.
    now = np.where(np.isfinite(open_now), open_now, 10 * length.max(initial=1.0))
    saved = now[area] - length
    return _Savings(area, site, saved, people[area], people, cost, now, people[area] @ saved)


def _two_best(savings: _Savings, chosen: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Which of the chosen saves each area the most (none: their number), and the two best."""
    # Two columns of nothing stand for what is open now.
    table = np.zeros((len(savings.people), len(chosen) + 2))
    table[:, : len(chosen)] = savings.now[:, None] - savings.cost[:, chosen]
    np.maximum(table, 0.0, out=table)
    near = table[:, :-1].argmax(axis=1)
    near[table.max(axis=1) == 0] = len(chosen)
    two = np.partition(table, table.shape[1] - 2, axis=1)
    return near, two[:, -1], two[:, -2]


def _gains(savings: _Savings, now_saved: np.ndarray) -> np.ndarray:
    """What each site would save beyond what is saved already."""
    more = np.maximum(savings.saved - now_saved[savings.area], 0.0)
    return np.bincount(savings.site, savings.weight * more, savings.cost.shape[1])


def _best_exchange(savings: _Savings, chosen: Sequence[int]) -> tuple[float, int, int]:
    """Find the exchange that saves the most more, of all exchanges at once."""
    near, first, second = _two_best(savings, chosen)
    count, sites = len(chosen), savings.cost.shape[1]
    pair = near[savings.area] * sites + savings.site

    def by_pair(beyond: np.ndarray) -> np.ndarray:
        more = savings.weight * np.maximum(savings.saved - beyond[savings.area], 0.0)
        return np.bincount(pair, more, (count + 1) * sites).reshape(count + 1, sites)

    # If the nearest one goes, people drive to the second nearest or to the new one.
    gone = np.bincount(near, savings.people * (first - second), count + 1)[:, None]
    kept = by_pair(first)
    change = (by_pair(second) - gone + kept.sum(axis=0) - kept)[:-1]
    change[:, chosen] = -np.inf
    place, site = np.unravel_index(change.argmax(), change.shape)
    return float(change[place, site]), int(place), int(site)


def _swapped_worst(
    cost: np.ndarray, open_now: np.ndarray, new: int, first: np.ndarray
) -> list[int]:
    """Do the same for the area that is worst off."""
    chosen = [int(one) for one in first]

    def with_one_more(sites: Sequence[int]) -> np.ndarray:
        left = _served(cost, open_now, np.array(sites, dtype=int))
        worst = np.minimum(cost, left[:, None]).max(axis=0, initial=0.0)
        worst[list(sites)] = np.inf
        return worst

    while len(chosen) < new:
        chosen.append(int(with_one_more(chosen).argmin()))
    while chosen:
        least = _served(cost, open_now, np.array(chosen, dtype=int)).max(initial=0.0)
        tried = [with_one_more(chosen[:place] + chosen[place + 1 :]) for place in range(new)]
        best = int(np.argmin([one.min() for one in tried]))
        if tried[best].min() >= least:
            break
        chosen[best] = int(tried[best].argmin())
    return chosen


# --- terms --------------------------------------------------------------------------------------


def _terms(cost: np.ndarray, open_now: np.ndarray, people: np.ndarray, new: int) -> _Terms:
    """Write the cost of all areas as one sum over distinct sets of sites.

    An area with sites at d1 <= d2 <= ... <= dr < now pays d1, and d2 - d1 more where the first is
    not chosen, and d3 - d2 more where neither of two is ..., and now - dr where none of them is.
    """
    area, site = np.nonzero(cost < open_now[:, None])
    length = cost[area, site]
    order = np.lexsort((length, area))
    area, site, length = area[order], site[order], length[order]
    last = np.append(area[1:] != area[:-1], True) if len(area) else np.zeros(0, bool)
    first = np.append(True, last[:-1]) if len(area) else last
    onward = np.where(last, open_now[area], np.append(length[1:], 0.0))
    constant = np.where((cost < open_now[:, None]).any(axis=1), 0.0, open_now)
    constant[area[first]] = length[first]
    words = _sets(area, site, first, cost.shape[1])
    # Sites equally near make one step; a step of nothing costs nothing.
    kept = onward > length
    words, step, of = words[kept], (onward - length)[kept], area[kept]
    number, unique, at = _distinct(words)
    before = np.append(-1, number[:-1]) if len(number) else number
    before = np.where(np.append(True, of[1:] != of[:-1]) if len(of) else before, -1, before)
    parent = before[at]
    # So many sites leave none of the largest sets empty.
    members = _members(unique, cost.shape[1])
    size = np.asarray(members.sum(axis=1)).ravel()
    never = size > cost.shape[1] - new
    finite = np.isfinite(step)
    each = np.column_stack(
        [
            np.bincount(number[finite], one[of[finite]] * step[finite], len(unique))
            for one in people.T
        ]
    ).reshape(len(unique), people.shape[1])
    must = np.zeros(len(unique), bool)
    must[number[~finite]] = True
    added = members - _rows_or_none(members, parent).multiply(members)
    # Every set that holds a set of the largest kind is of that kind too, so no parent is lost.
    left = np.flatnonzero(~never)
    place = np.full(len(unique) + 1, -1)
    place[left] = np.arange(len(left))
    return _Terms(
        people.T @ constant,
        each[left],
        place[parent[left]],
        sparse.csr_matrix(added)[left],
        must[left],
    )


def _sets(area: np.ndarray, site: np.ndarray, first: np.ndarray, sites: int) -> np.ndarray:
    """For every site of every area, nearest first: the set of it and all nearer ones, as bits."""
    words = np.zeros((len(area), max(1, math.ceil(sites / WORD))), dtype=np.uint64)
    words[np.arange(len(area)), site // WORD] = np.uint64(1) << (site % WORD).astype(np.uint64)
    # Within an area no bit comes twice, so that sums are unions; sums over all areas wrap round.
    total = np.cumsum(words, axis=0, dtype=np.uint64)
    start = np.flatnonzero(first)
    before = np.zeros((len(start), words.shape[1]), dtype=np.uint64)
    before[1:] = total[start[1:] - 1]
    return total - before[np.cumsum(first) - 1]


def _distinct(words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number equal sets alike: the number of each, the distinct sets, and where each first is."""
    if not len(words):
        return np.zeros(0, int), words, np.zeros(0, int)
    order = np.lexsort(words.T)
    ordered = words[order]
    fresh = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    number = np.empty(len(words), dtype=int)
    number[order] = np.cumsum(fresh) - 1
    at = np.full(int(fresh.sum()), len(words))
    np.minimum.at(at, number, np.arange(len(words)))
    return number, ordered[fresh], at


def _members(words: np.ndarray, sites: int) -> sparse.csr_matrix:
    """Sets as rows of noughts and ones."""
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :sites]
    return sparse.csr_matrix(bits.astype(np.int8))


def _rows_or_none(members: sparse.csr_matrix, rows: np.ndarray) -> sparse.csr_matrix:
    empty = sparse.csr_matrix((1, members.shape[1]), dtype=members.dtype)
    return sparse.vstack([members, empty], format="csr")[rows]


# --- the solver ---------------------------------------------------------------------------------


def _least_mean(
    cost: np.ndarray,
    open_now: np.ndarray,
    people: np.ndarray,
    new: int,
    most: np.ndarray,
    start: np.ndarray,
    until: tuple[float, float],
) -> tuple[np.ndarray, float]:
    """Find the sites with the least person-minutes, and the bound below which nobody can come.

    Where an area has very many sites it is given the nearest only and pays, beyond them, what the
    next one costs: too little, so that the answer is a bound. Areas that would drive beyond get
    more sites, until nobody does.
    """
    seen = _seen_at_first(cost, open_now, start)
    at_start = people.T @ _served(cost, open_now, start)
    # Nobody drives less than to the nearest site of all.
    best, bound = start, people[:, 0] @ np.fmin(open_now, cost.min(axis=1, initial=np.inf))
    least = at_start[0] if _meets(at_start, most) else np.inf
    late = False
    while not late and bound < least * (1 - PROVEN):
        terms = _terms(cost, np.minimum(open_now, seen), people, new)
        try:
            chosen, under = _solve(terms, cost.shape[1], new, most, best, until)
        except _Late:
            chosen, under = best, bound
        bound = max(bound, under)
        real = _served(cost, open_now, chosen)
        found = people.T @ real
        if found[0] < least and _meets(found, most):
            best, least = chosen, found[0]
        short = real > seen
        if not short.any():
            break
        seen[short] = _next_beyond(cost[short], real[short], SPARE_SITES)
        late = time.perf_counter() > until[0]
    if not np.isfinite(least):
        raise Problem(NO_ANSWER)
    return best, min(bound, least)


def _meets(found: np.ndarray, most: np.ndarray) -> bool:
    """Whether person-minutes are no more than may be."""
    return bool(np.isfinite(found).all() and (found <= most * (1 + 1e-9) + 1e-9).all())


def _seen_at_first(cost: np.ndarray, open_now: np.ndarray, start: np.ndarray) -> np.ndarray:
    """How far each area looks for a site: everywhere, unless that makes too many terms."""
    if not _too_many(cost, open_now):
        return np.full(len(cost), np.inf)
    return _next_beyond(cost, _served(cost, open_now, start), SPARE_SITES)


def _too_many(cost: np.ndarray, open_now: np.ndarray) -> bool:
    """Whether there are too many terms to write them all down."""
    return (cost < open_now[:, None]).sum() > MOST_TERMS


def _next_beyond(cost: np.ndarray, minutes: np.ndarray, sites: int) -> np.ndarray:
    """Minutes to the so-manieth site beyond those minutes; infinite where there are not as many."""
    return _so_manieth(np.where(cost > minutes[:, None], cost, np.inf), sites)


def _so_manieth(cost: np.ndarray, sites: int) -> np.ndarray:
    """Minutes to the site that comes after so many nearer ones; infinite where there is none."""
    if sites >= cost.shape[1]:
        return np.full(len(cost), np.inf)
    return np.partition(cost, sites, axis=1)[:, sites]


def _solve(
    terms: _Terms,
    sites: int,
    new: int,
    most: np.ndarray,
    start: np.ndarray,
    until: tuple[float, float],
) -> tuple[np.ndarray, float]:
    """Solve for the terms: one column a site (chosen or not), and one a set without a site."""
    sets = len(terms.cost)
    has_parent = terms.parent >= 0
    links = sparse.csr_matrix(
        (-np.ones(has_parent.sum()), (np.flatnonzero(has_parent), terms.parent[has_parent])),
        shape=(sets, sets),
    )
    # Empty(set) >= empty(its parent) - sites chosen that the parent has not; of no parent: 1 - ...
    rows = [
        sparse.hstack([terms.new, links + sparse.identity(sets, format="csr")]),
        sparse.hstack([np.ones((1, sites)), sparse.csr_matrix((1, sets))]),
    ]
    low = [np.where(has_parent, 0.0, 1.0), [new]]
    high = [np.full(sets, np.inf), [new]]
    for place in range(1, terms.cost.shape[1]):
        rows.append(sparse.hstack([sparse.csr_matrix((1, sites)), terms.cost[None, :, place]]))
        low.append([-np.inf])
        high.append([most[place] - terms.constant[place]])
    objective = np.concatenate([np.zeros(sites), terms.cost[:, 0] if sets else []])
    upper = np.concatenate([np.ones(sites), np.where(terms.must, 0.0, 1.0)])
    chosen, bound = _highs(
        sparse.csr_matrix(sparse.vstack(rows)),
        (np.concatenate(low), np.concatenate(high)),
        objective,
        upper,
        sites,
        start,
        until,
    )
    if chosen is None:
        raise Problem(
            "No choice of so many sites meets what is asked of them. Ask for more sites, or ease "
            "the limits."
        )
    return chosen, bound + float(terms.constant[0])


def _highs(
    matrix: sparse.csr_matrix,
    between: tuple[np.ndarray, np.ndarray],
    objective: np.ndarray,
    upper: np.ndarray,
    sites: int,
    start: np.ndarray,
    until: tuple[float, float],
) -> tuple[np.ndarray | None, float]:
    """Hand a model to HiGHS: the sites chosen (none where there cannot be any) and the bound."""
    solver = highspy.Highs()
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "time_limit": max(0.1, until[0] - time.perf_counter()),
        "mip_rel_gap": until[1],
        "mip_abs_gap": 0.0,
    }.items():
        solver.setOptionValue(option, value)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    # The scale of money or people is not the solver's: its tolerances are absolute.
    scale = 1e4 / objective.sum() if objective.sum() else 1.0
    model.col_cost_ = objective * scale
    model.col_lower_, model.col_upper_ = np.zeros(len(objective)), upper
    model.row_lower_, model.row_upper_ = between
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    kinds = [highspy.HighsVarType.kInteger] * sites
    model.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (len(objective) - sites)
    solver.passModel(model)
    if len(start):
        given = np.zeros(sites)
        given[start] = 1.0
        solver.setSolution(sites, np.arange(sites, dtype=np.int32), given)
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return None, np.inf
        raise _Late
    values = np.array(solver.getSolution().col_value[:sites])
    return np.flatnonzero(values > 0.5), info.mip_dual_bound / scale


def _least_worst(
    cost: np.ndarray, open_now: np.ndarray, people: np.ndarray, new: int, seconds: float, gap: float
) -> tuple[np.ndarray, float]:
    """Find the least minutes within which every area can be, by bisection, then the least mean."""
    until = (time.perf_counter() + seconds, gap)
    low = np.minimum(open_now, cost.min(axis=1)).max() if cost.shape[1] else open_now.max()
    # Whoever is within the least that anything could do now never decides.
    far = open_now > low
    best = np.array(_swapped_worst(cost[far], open_now[far], new, np.arange(0)), dtype=int)
    high = _served(cost, open_now, best).max()
    radii = np.unique(np.append(cost[np.isfinite(cost)], open_now[np.isfinite(open_now)]))
    radii = radii[(radii >= low) & (radii <= high)]
    first, last = 0, len(radii) - 1
    while first < last:
        middle = (first + last) // 2
        try:
            found = _covering(cost, open_now, radii[middle], new, until)
        except _Late:
            # No fewer minutes than those of `first` can do; what `best` needs is known to do.
            return best, float(radii[first])
        if found is None:
            first = middle + 1
        else:
            last, best = middle, found
    least = radii[first]
    beyond = np.where(cost <= least, cost, np.inf)
    now = np.where(open_now <= least, open_now, np.inf)
    start = np.array(_swapped(beyond, now, people[:, 0], new, best), dtype=int)
    start = start if np.isfinite(_served(beyond, now, start)).all() else best
    chosen, _ = _least_mean(beyond, now, people, new, _most(people, ()), start, until)
    return chosen, float(least)


def _covering(
    cost: np.ndarray, open_now: np.ndarray, radius: float, new: int, until: tuple[float, float]
) -> np.ndarray | None:
    """Find sites with one within the radius of every area; none where so few cannot do it."""
    within = np.packbits(cost[open_now > radius] <= radius, axis=1, bitorder="little")
    words = np.zeros((len(within), WORD // 8 * max(1, math.ceil(cost.shape[1] / WORD))), np.uint8)
    words[:, : within.shape[1]] = within
    rows = _members(_distinct(words.view(np.uint64))[1], cost.shape[1]).toarray().astype(np.int32)
    # Whoever serves an area with few sites to choose from serves all whose sites hold those.
    order = np.argsort(rows.sum(axis=1), kind="stable")
    kept: list[int] = []
    for place in order:
        if not any((rows[one] <= rows[place]).all() for one in kept):
            kept.append(int(place))
    needed = sparse.csr_matrix(rows[kept].astype(float))
    sites = cost.shape[1]
    matrix = sparse.csr_matrix(sparse.vstack([needed, np.ones((1, sites))]))
    low, high = np.ones(len(kept) + 1), np.full(len(kept) + 1, np.inf)
    low[-1], high[-1] = new, new
    if (rows[kept].sum(axis=1) == 0).any():
        return None
    return _highs(matrix, (low, high), np.zeros(sites), np.ones(sites), sites, np.arange(0), until)[
        0
    ]
