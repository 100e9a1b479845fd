"""Outcomes of small published groups: exact intervals, what a mix explains, who is offered a test.

A published share of a few children says little without its interval, and two groups differ for
other reasons than what was done for them. Each function takes tables of published figures and
returns a tidy one; nothing is averaged over studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError

SHARE = 0.95
PER_CENT = "per cent"
INSIDE, OUTSIDE, ALL = "offered", "not offered", "all"
# An interval from fewer draws is not worth its name.
FEWEST_DRAWS = 100
# Two decimal numbers that differ by less are the same.
NEARLY = 1e-9
# One half of a person in each stratum: the prior of Jeffreys for a mix.
HALF = 0.5
MEASURES = MIXED, GAP = "share that the mix alone gives", "gap that the mix alone could make"
POINTS, OF_100, ONE_IN = "points", "of 100", "one in"


def exact_interval(count: int, people: int, share: float = SHARE) -> tuple[float, float]:
    """Give the exact interval of a share, from its count: that of Clopper and Pearson.

    The ends are quantiles of beta distributions (Biometrika 1934;26:404), so that the interval
    holds the true share at least as often as it says, however small the group is.

    Parameters
    ----------
    count : people with the outcome.
    people : people of the group; one at least.
    share : confidence of the interval (0 to 1).

    Returns
    -------
    Lower and upper end of the share, from 0 to 1.

    Raises
    ------
    AnalysisError : a count below zero or above the people, or people who are none.
    """
    if not (0 <= count <= people and people >= 1 and 0 < share < 1):
        raise AnalysisError(f"{count} of {people} is no share of a group of people.")
    rest = (1 - share) / 2
    low = stats.beta.ppf(rest, count, people - count + 1) if count else 0.0
    high = stats.beta.ppf(1 - rest, count + 1, people - count) if count < people else 1.0
    return float(low), float(high)


def count_of(percentage: float, people: int, within: float | None = None) -> int:
    """Find the only count that a printed percentage can come from.

    Parameters
    ----------
    percentage : as it was printed, in per cent.
    people : people of the group.
    within : points by which the printed figure may differ; by default half a unit of the last
        decimal that was printed, so that a percentage that lies half way may be rounded up or down.

    Returns
    -------
    The count.

    Raises
    ------
    AnalysisError : no count gives that percentage, or several do.
    """
    counts = np.arange(people + 1)
    exact = 100 * counts / people
    if within is None:
        within = 0.5 * 10.0 ** -len(f"{percentage:.10g}".partition(".")[2])
    fits = counts[np.abs(exact - percentage) <= within + NEARLY]
    if len(fits) != 1:
        raise AnalysisError(
            f"{len(fits) or 'No'} counts of {people} people give {percentage:g} per cent: "
            "one was expected."
        )
    return int(fits[0])


def proportions(outcomes: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Set published groups beside each other, each with its count, its people and exact interval.

    Parameters
    ----------
    outcomes : one row a group and outcome; `id`, `group`, `study`, `medicine`, `copies`, `design`,
        `age_at_treatment`, `outcome`, `asked`, `unfair`, and `count_fact` and `people_fact`, which
        name rows of `estimates`.
    estimates : one row a published figure; `id`, `measure` (a percentage is turned into the only
        count that gives it), `estimate`, `how_read`, `certainty`, `source`.

    Returns
    -------
    `term` (the id), `group`, `study`, `exposure` (the medicine), `level` (copies and age at
    treatment), `method` (the design), `outcome`, `title` (what was asked), `value` (the count),
    `people`, `estimate`, `ci_low`, `ci_high`, `unit`, `how_read`, `certainty`, `source`, `note`
    (what makes a comparison unfair), in the order of `outcomes`.

    Raises
    ------
    AnalysisError : a figure that is not there, or a percentage that no count gives.
    """
    known = estimates.set_index("id")
    asked = set(outcomes["count_fact"]) | set(outcomes["people_fact"])
    if lost := sorted(asked - set(known.index)):
        raise AnalysisError(f"No published row is named {', '.join(lost)}.")
    rows = []
    for row in outcomes.to_dict("records"):
        fact, people = known.loc[row["count_fact"]], int(known.loc[row["people_fact"], "estimate"])
        printed = fact["measure"] == "percentage"
        count = count_of(fact["estimate"], people) if printed else int(fact["estimate"])
        low, high = exact_interval(count, people)
        rows.append(
            {
                "term": row["id"],
                "group": row["group"],
                "study": row["study"],
                "exposure": row["medicine"],
                "level": f"{row['copies']}; {row['age_at_treatment']}",
                "method": row["design"],
                "outcome": row["outcome"],
                "title": row["asked"],
                "value": float(count),
                "people": people,
                "estimate": 100 * count / people,
                "ci_low": 100 * low,
                "ci_high": 100 * high,
                "unit": PER_CENT,
                "how_read": fact["how_read"],
                "certainty": "D" if printed else fact["certainty"],
                "source": fact["source"],
                "note": row["unfair"],
            }
        )
    return pd.DataFrame(rows)


def shares(ids: Iterable[str], estimates: pd.DataFrame) -> pd.DataFrame:
    """Give the shares of small published groups their exact intervals, from the groups' people.

    Parameters
    ----------
    ids : names of rows of `estimates`, each a percentage or a count of the row's `people`.
    estimates : one row a published figure; `id`, `people`, `measure`, `estimate`, `certainty`.

    Returns
    -------
    The rows by their `id`, with `estimate`, `ci_low` and `ci_high` of 100 people; `certainty` says
    that these are derived. A percentage is turned into the only count that gives it.

    Raises
    ------
    AnalysisError : a figure that is not there, or a percentage that no count gives.
    """
    ids, known = list(ids), estimates.set_index("id")
    if lost := sorted(set(ids) - set(known.index)):
        raise AnalysisError(f"No published row is named {', '.join(lost)}.")
    told = []
    for row in known.loc[ids].to_dict("records"):
        people, printed = int(row["people"]), row["measure"] == "percentage"
        count = count_of(row["estimate"], people) if printed else int(row["estimate"])
        low, high = exact_interval(count, people)
        share = {"estimate": 100 * count / people, "ci_low": 100 * low, "ci_high": 100 * high}
        told.append(row | share | {"unit": OF_100, "certainty": "D"})
    return pd.DataFrame(told, index=pd.Index(ids, name="id"))


def difference(
    count: int, people: int, other_count: int, other_people: int, share: float = SHARE
) -> tuple[float, float, float]:
    """Compare two shares: their difference with the score interval of Newcombe.

    Method 10 of Newcombe (Statistics in Medicine 1998;17:873), from Wilson's interval of each.

    Parameters
    ----------
    count, people : of the first group.
    other_count, other_people : of the group that is taken off.
    share : confidence of the interval.

    Returns
    -------
    Difference, lower and upper end, from -1 to 1.

    Raises
    ------
    AnalysisError : a group of nobody, or a count outside of its group.
    """
    if not (people >= 1 and other_people >= 1 and 0 <= count <= people
            and 0 <= other_count <= other_people):  # fmt: skip
        raise AnalysisError(
            f"{count} of {people} and {other_count} of {other_people} cannot be compared: each "
            "must be a count of a group of people."
        )
    z = stats.norm.ppf((1 + share) / 2)
    first, second = count / people, other_count / other_people
    low, high = _wilson(first, people, z)
    other_low, other_high = _wilson(second, other_people, z)
    apart = first - second
    down = np.hypot(first - low, other_high - second)
    up = np.hypot(high - first, second - other_low)
    return apart, float(apart - down), float(apart + up)


def gaps(rows: pd.DataFrame, pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Compare pairs of groups: the first share less the second, with Newcombe's interval.

    Parameters
    ----------
    rows : as `proportions` returns them; `term`, `value`, `people`.
    pairs : for each name of a comparison, the terms of its two groups.

    Returns
    -------
    `term` (the name), `estimate`, `ci_low`, `ci_high` and `unit` (points), one row a comparison.
    """
    counts = rows.set_index("term")[["value", "people"]].astype(int)
    found = [
        (name, *(100 * end for end in difference(*counts.loc[first], *counts.loc[second])))
        for name, (first, second) in pairs.items()
    ]
    table = pd.DataFrame(found, columns=["term", "estimate", "ci_low", "ci_high"])
    return table.assign(unit=POINTS)


def _wilson(share: float, people: int, z: float) -> tuple[float, float]:
    middle = share + z**2 / (2 * people)
    half = z * np.sqrt(share * (1 - share) / people + (z / (2 * people)) ** 2)
    return (middle - half) / (1 + z**2 / people), (middle + half) / (1 + z**2 / people)


def at_least(count: int, people: int, share: float) -> float:
    """Give the chance of so many people or more, if each had the outcome with that chance: exact.

    Parameters
    ----------
    count : people with the outcome.
    people : people of the group.
    share : chance of each, from 0 to 1.

    Returns
    -------
    The chance, from 0 to 1: the upper tail of a binomial distribution.
    """
    return float(stats.binom.sf(count - 1, people, share))


def luck(rows: pd.DataFrame, terms: Sequence[str], share: float) -> pd.DataFrame:
    """Say how rarely chance alone would give so many people with an outcome, group by group.

    Parameters
    ----------
    rows : as `proportions` returns them; `term`, `value`, `people`.
    terms : the groups.
    share : chance of each person, from 0 to 1; above 0.

    Returns
    -------
    `term`, `estimate` (one such group in so many, to two figures) and `unit`, one row a group.

    Raises
    ------
    AnalysisError : a chance of nought, under which nothing could come by luck, or above one.
    """
    if not 0 < share <= 1:
        raise AnalysisError(
            f"The chance of each person lies above 0 and up to 1: {share:g} does not."
        )
    counts = rows.set_index("term")[["value", "people"]].astype(int)
    found = [(term, float(f"{1 / at_least(*counts.loc[term], share):.2g}")) for term in terms]
    return pd.DataFrame(found, columns=["term", "estimate"]).assign(unit=ONE_IN)


def explained_by_mix(
    mix: Mapping[str, int],
    least: Mapping[str, float],
    most: Mapping[str, float],
    draws: int = 4000,
    seed: int = 1,
) -> dict[str, float]:
    """Bound what share of a group would have an outcome, given how many are of each kind.

    For each kind of people the share with the outcome is known only to lie between two ends; the
    group's share lies between the means of those ends, weighted by the mix (direct
    standardisation). How well a small group shows the mix is carried by draws from a Dirichlet
    distribution with the prior of Jeffreys.

    Parameters
    ----------
    mix : for each kind, how many people of the group are of it.
    least, most : for each kind, the ends of the share with the outcome (0 to 1).
    draws, seed : of the mix.

    Returns
    -------
    `low` and `high` at the mix that was seen, and `drawn_low` and `drawn_high`, below and above
    which the ends lie in one draw of forty: all from 0 to 1.

    Raises
    ------
    AnalysisError : a kind without its ends, ends in the wrong order, a count below zero, nobody
        at all, or too few draws.
    """
    kinds = list(mix)
    if not (all(mix[kind] >= 0 for kind in kinds) and sum(mix.values()) > 0):
        raise AnalysisError("A mix counts people: none below zero, and somebody in all.")
    if not all(k in least and k in most and 0 <= least[k] <= most[k] <= 1 for k in kinds):
        raise AnalysisError("Each kind of the mix needs a least and a most share, in that order.")
    if draws < FEWEST_DRAWS:
        raise AnalysisError(f"Ask for {FEWEST_DRAWS} draws at least.")
    counts = np.array([mix[kind] for kind in kinds], float)
    ends = np.array([[least[kind], most[kind]] for kind in kinds])
    low, high = counts / counts.sum() @ ends
    shares = np.random.default_rng(seed).dirichlet(counts + HALF, draws) @ ends
    tail = (1 - SHARE) / 2
    return {
        "low": float(low),
        "high": float(high),
        "drawn_low": float(np.quantile(shares[:, 0], tail)),
        "drawn_high": float(np.quantile(shares[:, 1], 1 - tail)),
    }


def mixes(
    mix: Mapping[str, int],
    groups: Mapping[str, Sequence[str]],
    least: Mapping[str, float],
    most: Mapping[str, float],
    beside: float,
) -> pd.DataFrame:
    """Say for a whole group and for parts of it what their mix alone would give, and what gap.

    Parameters
    ----------
    mix, least, most : as for `explained_by_mix`.
    groups : for each name, the kinds that are kept.
    beside : the most that the group compared with could have by its own mix (0 to 1); the least is
        nothing.

    Returns
    -------
    `measure` (`MIXED`, `GAP`), `group`, `low`, `high`, and for the first `ci_low`, `ci_high` (with
    the doubt of the mix), `unit`.
    """
    rows = []
    for name, kinds in groups.items():
        ends = explained_by_mix({kind: mix[kind] for kind in kinds}, least, most)
        ends = {end: 100 * value for end, value in ends.items()}
        low, high = ends["low"], ends["high"]
        drawn = {"ci_low": ends["drawn_low"], "ci_high": ends["drawn_high"]}
        rows.append({"measure": MIXED, "group": name, "low": low, "high": high} | drawn)
        rows.append({"measure": GAP, "group": name, "low": low - 100 * beside, "high": high})
    table = pd.DataFrame(rows)
    return table.assign(unit=table["measure"].map({MIXED: OF_100, GAP: POINTS}))


def offered(
    births: Mapping[str, float], readings: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Part the births of a country into those who are offered a test and those who are not.

    Parameters
    ----------
    births : for each nation, births in a year.
    readings : for each reading of what holds, the share of a nation's births who are offered the
        test (0 to 100); a nation that a reading does not name is offered none.

    Returns
    -------
    `group` (the reading), `country` (a nation, or all), `level` (offered, not offered), `births`:
    one row each, without those that have no births.

    Raises
    ------
    AnalysisError : a nation without births, births that are no number, or a share outside of 0
        to 100.
    """
    if lost := sorted(name for name, n in births.items() if not (np.isfinite(n) and n >= 0)):
        raise AnalysisError(f"The births of {', '.join(lost)} are no number from 0.")
    named = {name for shares in readings.values() for name in shares}
    if unknown := sorted(named - set(births)):
        raise AnalysisError(f"No births are given for {', '.join(unknown)}.")
    if not all(0 <= share <= 100 for shares in readings.values() for share in shares.values()):
        raise AnalysisError("A share of births who are offered a test lies between 0 and 100.")
    rows = []
    for reading, shares in readings.items():
        inside = {name: n * shares.get(name, 0.0) / 100 for name, n in births.items()}
        rest = {name: n - inside[name] for name, n in births.items()}
        for level, part in ((INSIDE, inside), (OUTSIDE, rest)):
            told = {ALL: sum(part.values())} | part
            rows += [(reading, name, level, n) for name, n in told.items() if n > 0]
    return pd.DataFrame(rows, columns=["group", "country", "level", "births"])


def cover(parted: pd.DataFrame) -> pd.DataFrame:
    """Say what share of all births is offered a test, under each reading.

    Parameters
    ----------
    parted : as `offered` returns it.

    Returns
    -------
    `group`, `estimate` and `unit` (per cent), one row a reading; nothing offered is 0.
    """
    whole = parted[parted["country"] == ALL].pivot_table(
        index="group", columns="level", values="births", sort=False, fill_value=0.0
    )
    share = 100 * whole.get(INSIDE, 0.0) / whole.sum(axis=1)
    return share.rename("estimate").reset_index().assign(unit=PER_CENT)


def widest(expected: pd.DataFrame, variants: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Give a reading the widest range over its variants, which then have no row of their own.

    Parameters
    ----------
    expected : `group` (the reading), `country`, `level`, `measure`, `estimate`, `low`, `high`.
    variants : for a reading, the readings that differ from it by an assumption alone.

    Returns
    -------
    The rows of the readings that are no variant, with `low` and `high` over their variants too.

    Raises
    ------
    AnalysisError : variants of a reading that is not there.
    """
    if lost := sorted(set(variants) - set(expected["group"])):
        raise AnalysisError(f"There are variants of {', '.join(lost)}, and no such reading.")
    own = {other: name for name, others in variants.items() for other in others}
    keys = ["group", "country", "level", "measure"]
    ends = expected.assign(group=expected["group"].replace(own)).groupby(keys)
    ends = ends.agg(low=("low", "min"), high=("high", "max")).reset_index()
    kept = expected[~expected["group"].isin(own)].drop(columns=["low", "high"])
    return kept.merge(ends, on=keys, how="left")
