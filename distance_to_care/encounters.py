"""Encounters: how rarely one professional meets a rare disease, and what training all would take.

Births with the disease are taken to come independently of each other, so that the number that one
place or person meets in some years is Poisson. No effect of training on anybody's health is
assumed: hours are set against hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care.problems import AnalysisError

# Ends of a range over draws, in per cent.
ENDS = (2.5, 97.5)
BETWEEN = "years from one to the next"
MEETS = "meet one or more in {years}"
PER_CENT = "of 100"
EVERYBODY = "everybody"
HOURS = "hours of training in a year"
PER_CASE = "hours of training for each new baby"
FRESH = "new babies whom one trained person meets while the training is fresh"
ANY_FRESH = "new babies who meet one or more of each profession while the training is fresh"
OUTREACH = "hours of outreach in a year"
OUTREACH_PER_CASE = "hours of outreach for each new baby"
SAME_POSTS = "posts that the hours of training would fill"
UNITS = {
    HOURS: "hours a year",
    PER_CASE: "hours",
    FRESH: PER_CENT,
    ANY_FRESH: PER_CENT,
    OUTREACH: "hours a year",
    OUTREACH_PER_CASE: "hours",
    SAME_POSTS: "posts",
}


def chance(mean: float | np.ndarray) -> float | np.ndarray:
    """Give the chance of meeting one or more: 1 - exp(-mean), exact for a Poisson count.

    Parameters
    ----------
    mean : how many are expected to be met; a number, or an array.

    Returns
    -------
    The chance (0 to 1), one for each mean.
    """
    return -np.expm1(-np.asarray(mean, float))


def meetings(
    places: pd.DataFrame, births_for_each: Sequence[float], years: Mapping[str, float]
) -> pd.DataFrame:
    """Work out how rarely each place meets a new baby with the disease.

    Parameters
    ----------
    places : `group`, and births that it meets in a year: `value`, `low`, `high`.
    births_for_each : births for each birth with the disease: the value, and the ends of its range.
    years : words for a span of time -> its length in years.

    Returns
    -------
    One row a place and measure: `group`, `measure` (`BETWEEN`, and `MEETS` for each span),
    `estimate` (at both values), `low`, `high` (births and rate at the ends of their ranges, both
    at once), `unit`.

    Raises
    ------
    AnalysisError : births, a rate or a span that are not above zero.
    """
    rates = np.asarray(births_for_each, float)
    births = places[["value", "low", "high"]].to_numpy(float)
    if not ((births > 0).all() and (rates > 0).all() and min(years.values(), default=1) > 0):
        raise AnalysisError("Births, births for each one and years must be above zero.")
    middle = births[:, 0] / rates[0]
    least, most = births.min(axis=1) / rates.max(), births.max(axis=1) / rates.min()
    names = places[["group"]].reset_index(drop=True)
    rows = [
        names.assign(
            measure=BETWEEN, estimate=1 / middle, low=1 / most, high=1 / least, unit="years"
        )
    ]
    rows += [
        names.assign(
            measure=MEETS.format(years=words),
            estimate=100 * chance(middle * span),
            low=100 * chance(least * span),
            high=100 * chance(most * span),
            unit=PER_CENT,
        )
        for words, span in years.items()
    ]
    return pd.concat(rows, ignore_index=True)


def living_with(places: pd.DataFrame, people: Sequence[float]) -> pd.DataFrame:
    """Spread people who live with the disease evenly over places or professionals.

    Parameters
    ----------
    places : `group`, `number` (of such places or professionals), `share` (of all people that live
        where they are counted, 0 to 1).
    people : people living with the disease: the value, and the ends of its range.

    Returns
    -------
    One row a place: `group`, `estimate`, `low`, `high` (places for each person), `unit`.

    Raises
    ------
    AnalysisError : a number, a share or people that are not above zero.
    """
    counted = places[["number", "share"]].to_numpy(float)
    people = np.asarray(people, float)
    if not ((counted > 0).all() and (people > 0).all()):
        raise AnalysisError("Places, shares and people must be above zero.")
    each = counted[:, :1] / (people * counted[:, 1:])
    return places[["group"]].assign(
        estimate=each[:, 0],
        low=each.min(axis=1),
        high=each.max(axis=1),
        unit="for each person",
    )


def training(
    staff: Mapping[str, float | str],
    births: float,
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
) -> pd.DataFrame:
    """Set the hours of training everybody against the hours of a team that reaches out.

    If everybody is trained once in `training_every_years`, and a training stays fresh for
    `skills_last_years`, then one who meets a new baby is freshly trained with the chance of the
    second over the first, and never more than surely. Staff who come and go would lower it. A baby
    who meets one of each profession meets one or more of them freshly trained with a higher
    chance: 1 - (1 - chance) ** professions, if their trainings fall independently of each other.

    Parameters
    ----------
    staff : profession -> people in it, or the name of the assumption that says how many.
    births : births in a year where they work.
    assumed : `births_for_each_affected_birth`, `training_hours_a_person`, `training_every_years`,
        `skills_last_years`, `outreach_posts`, `outreach_hours_a_post`, and the names in `staff`.
    draws : draws of the same, one column each.

    Returns
    -------
    One row a measure and group (a profession, or everybody): `group`, `measure`, `estimate` (at
    the assumed values), `low`, `high` (95 per cent of draws), `unit`.

    Raises
    ------
    AnalysisError : nobody to train, no births, or a training that is given every 0 years or less.
    """
    if not staff or births <= 0 or assumed["training_every_years"] <= 0:
        raise AnalysisError("Training needs staff, births and years between trainings above zero.")
    at_values, drawn = _hours(staff, births, assumed), _hours(staff, births, draws)
    rows = []
    for (group, measure), value in at_values.items():
        low, high = np.percentile(drawn[group, measure], ENDS)
        rows.append(
            {"group": group, "measure": measure, "estimate": value, "low": low, "high": high}
        )
    table = pd.DataFrame(rows)
    return table.assign(unit=table["measure"].map(UNITS))


def _hours(staff, births, assumed) -> dict[tuple[str, str], float]:
    """Each measure at one set of values, or at all draws of them."""
    cases = births / assumed["births_for_each_affected_birth"]
    each = assumed["training_hours_a_person"] / assumed["training_every_years"]
    people = {
        group: assumed[number] if isinstance(number, str) else number
        for group, number in staff.items()
    }
    people[EVERYBODY] = sum(people.values())
    found = {}
    for group, number in people.items():
        found[group, HOURS] = number * each
        found[group, PER_CASE] = number * each / cases
    outreach = assumed["outreach_posts"] * assumed["outreach_hours_a_post"]
    fresh = np.minimum(1, assumed["skills_last_years"] / assumed["training_every_years"])
    found[EVERYBODY, FRESH] = 100 * fresh
    found[EVERYBODY, ANY_FRESH] = 100 * (1 - (1 - fresh) ** len(staff))
    found[EVERYBODY, SAME_POSTS] = found[EVERYBODY, HOURS] / assumed["outreach_hours_a_post"]
    found[EVERYBODY, OUTREACH] = outreach
    found[EVERYBODY, OUTREACH_PER_CASE] = outreach / cases
    return found


def to_digits(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Round estimates and the ends of their ranges to so many digits: assumptions give no more.

    Parameters
    ----------
    table : `estimate`, `low`, `high`.
    digits : digits that are kept, whatever the size of a number.

    Returns
    -------
    The table, with `estimate`, `low` and `high` rounded.
    """
    ends = ["estimate", "low", "high"]
    rounded = table[ends].astype(float).map(lambda number: float(f"{number:.{digits}g}"))
    return table.assign(**rounded)
