"""Care co-ordinators: what a post costs, and how much it would have to save to equal its price.

No effect of a co-ordinator is assumed here, because none is published: the question is turned
round, and the answer is the effect at which savings would equal the cost (a threshold analysis).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

# Ends of a range over draws, in per cent.
ENDS = (2.5, 97.5)
MEASURES = {
    "cost a person": "pounds a person a year",
    "visits": "visits a person a year",
    "bed days": "days a person a year",
    "hours": "hours a person a year",
}
# What there is to save at most, by the assumption that counts it; hours have no such limit.
ALL_OF_THEM = {"visits": "clinic_visits_a_year", "bed days": "bed_days_a_year"}
PRICES = {
    "visits": "clinic_visit_pounds",
    "bed days": "bed_day_pounds",
    "hours": "travel_time_pounds_an_hour",
}
PER_CENT = "per cent"


def cost_a_person(assumed: Mapping[str, float] | pd.DataFrame) -> float | pd.Series:
    """Divide the cost of a post by the people on its list.

    Parameters
    ----------
    assumed : `coordinator_pounds_a_year`, `coordinator_people`; values, or draws in columns.

    Returns
    -------
    Pounds a person and year.

    Raises
    ------
    AnalysisError : a list without people.
    """
    if np.any(np.asarray(assumed["coordinator_people"]) <= 0):
        raise AnalysisError("A co-ordinator's list needs people on it: give a number above zero.")
    return assumed["coordinator_pounds_a_year"] / assumed["coordinator_people"]


def break_even(assumed: Mapping[str, float], draws: pd.DataFrame) -> pd.DataFrame:
    """Work out how much a post would have to save each person in a year to equal its price.

    Each saving stands alone: visits, or bed days, or hours of the person's own time.

    Parameters
    ----------
    assumed : values of the assumptions: those of `cost_a_person`, the prices in `PRICES`, and
        what there is at most, in `ALL_OF_THEM`.
    draws : one row a draw, one column an assumption.

    Returns
    -------
    Tidy table `measure` (cost a person; visits, bed days, hours to save; their share of all of
    them; the share of draws in which all of them would not be enough), `estimate`, `low, high`
    (middle 95 per cent of draws; none for a share of draws), `unit`.
    """
    base, drawn = _needed(assumed), _needed(draws)
    rows = [_row(name, base[name], drawn[name], unit) for name, unit in MEASURES.items()]
    for name, most in ALL_OF_THEM.items():
        share, shares = base[name] / assumed[most], drawn[name] / draws[most]
        rows.append(_row(f"{name}, as a share of all {name}", 100 * share, 100 * shares, PER_CENT))
        beyond = {"measure": f"{name}: all would not be enough", "unit": "per cent of draws"}
        rows.append(beyond | {"estimate": 100 * float((shares > 1).mean())})
    return pd.DataFrame(rows)


def against_the_road(told: pd.DataFrame, road: Mapping[str, float]) -> pd.DataFrame:
    """Set the hours that would have to be saved beside those that people spend on the road.

    Parameters
    ----------
    told : as `break_even` returns it.
    road : hours of a person and year on the road, with all visits at the centre: `estimate`,
        `low`, `high`.

    Returns
    -------
    The same table with one row more: how many times as many hours would have to be saved; `low`
    and `high` are the outermost over both ranges, as if the one were at its least while the other
    is at its most.

    Raises
    ------
    AnalysisError : nobody spends any time on the road.
    """
    if road["low"] <= 0:
        raise AnalysisError("Nobody spends any time on the road: there is nothing to compare with.")
    needed = told.set_index("measure").loc["hours"]
    row = {
        "measure": "hours, against those on the road",
        "estimate": needed["estimate"] / road["estimate"],
        "low": needed["low"] / road["high"],
        "high": needed["high"] / road["low"],
        "unit": "times",
    }
    return pd.concat([told, pd.DataFrame([row])], ignore_index=True)


def cost_grid(
    assumptions_table: pd.DataFrame, people: Sequence[float], draws: pd.DataFrame
) -> pd.DataFrame:
    """Lay out the cost and its break-even over the range of the list of a post.

    Parameters
    ----------
    assumptions_table : rows of the scenario.
    people : numbers of people on the list.
    draws : as for `break_even`; the list itself stays at each number.

    Returns
    -------
    Tidy table `measure` (as `MEASURES`), `value` (people on the list), `estimate, low, high`,
    `unit`.
    """
    assumed = assumptions.values(assumptions_table)
    rows = []
    for number in people:
        fixed = {"coordinator_people": float(number)}
        base, drawn = _needed(assumed | fixed), _needed(draws.assign(**fixed))
        rows += [
            _row(name, base[name], drawn[name], unit) | {"value": float(number)}
            for name, unit in MEASURES.items()
        ]
    return pd.DataFrame(rows)


def together(
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
    visits: Sequence[float],
    people: Sequence[float],
) -> pd.DataFrame:
    """Work out the bed days still to be saved when some visits are saved as well.

    Parameters
    ----------
    assumed, draws : as for `break_even`.
    visits : visits that each person saves in a year.
    people : numbers of people on the list of a post.

    Returns
    -------
    Tidy table `measure`, `group` (people on the list), `value` (visits), `estimate, low, high`
    (bed days a person a year), `unit`; 0 where the visits alone are enough.
    """
    rows = []
    for listed in people:
        fixed = {"coordinator_people": float(listed)}
        for number in visits:
            base, drawn = (
                np.maximum(
                    (cost_a_person(inputs) - number * inputs["clinic_visit_pounds"])
                    / inputs["bed_day_pounds"],
                    0,
                )
                for inputs in ({**assumed, **fixed}, draws.assign(**fixed))
            )
            named = {"group": f"{listed:g}", "value": float(number)}
            rows.append(_row("bed days", base, drawn, MEASURES["bed days"]) | named)
    return pd.DataFrame(rows)


def what_moves(table: pd.DataFrame, measure: str = "bed days") -> pd.DataFrame:
    """Move one assumption at a time to the ends of its range, and break even anew.

    Parameters
    ----------
    table : rows of the scenario.
    measure : one of `MEASURES`.

    Returns
    -------
    Tidy table `measure`, `term` (what the assumption is about), `estimate` (at the assumed
    values), `low, high` (least and most over both ends), `unit`; the furthest moving first, and
    only those that move it.
    """
    base = float(_needed(assumptions.values(table))[measure])
    titles = table.set_index("name")["title"]
    ends: dict[str, list[float]] = {}
    for moved in assumptions.one_at_a_time(table):
        ends.setdefault(moved.name, []).append(float(_needed(moved.assumed)[measure]))
    rows = [
        {"measure": measure, "term": titles[name], "estimate": base, "low": min(both),
         "high": max(both), "unit": MEASURES[measure]}
        for name, both in ends.items()
        if max(both) > min(both)
    ]  # fmt: skip
    return pd.DataFrame(sorted(rows, key=lambda row: row["low"] - row["high"]))


def posts(
    places: pd.DataFrame,
    assumed: Mapping[str, float],
    draws: pd.DataFrame,
    keys: Sequence[str] = ("group",),
) -> pd.DataFrame:
    """Work out how many whole-time posts places would need, and what they would cost.

    Parameters
    ----------
    places : the columns of `keys`, `expected_patients` (at the assumed prevalence).
    assumed, draws : as for `break_even`, with `coordinator_share` and `prevalence_per_100000`.
    keys : columns that name a place.

    Returns
    -------
    Tidy table `measure` (posts; cost), the keys, `expected_patients`, `estimate`, `low, high`
    (middle 95 per cent of draws), `unit`.
    """
    common = draws["prevalence_per_100000"] / assumed["prevalence_per_100000"]
    rows = []
    for place in places.to_dict("records"):
        people = place["expected_patients"]
        one = people * assumed["coordinator_share"] / assumed["coordinator_people"]
        many = people * common * draws["coordinator_share"] / draws["coordinator_people"]
        named = {key: place[key] for key in keys} | {"expected_patients": float(people)}
        rows += [
            _row("posts", one, many, "whole-time posts") | named,
            _row(
                "cost",
                one * assumed["coordinator_pounds_a_year"] / 1e6,
                many * draws["coordinator_pounds_a_year"] / 1e6,
                "million pounds a year",
            )
            | named,
        ]
    return pd.DataFrame(rows)


def _needed(assumed: Mapping[str, float] | pd.DataFrame) -> dict[str, float | pd.Series]:
    """The cost of a person, and what would have to be saved at each price."""
    cost = cost_a_person(assumed)
    return {"cost a person": cost} | {
        measure: cost / assumed[price] for measure, price in PRICES.items()
    }


def _row(
    measure: str, estimate: float, drawn: pd.Series | np.ndarray, unit: str
) -> dict[str, str | float]:
    low, high = np.percentile(drawn, ENDS)
    return {
        "measure": measure, "estimate": float(estimate), "low": low, "high": high, "unit": unit
    }  # fmt: skip
