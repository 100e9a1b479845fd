"""If several specialties saw a person on one day: trips, hours, miles, money, days and carbon.

A person is seen by several specialties at one centre, each so many times a year. On separate days
every visit is a trip. Where some specialties share a day, their visits of that day are one trip,
with gaps between them. What is spared are trips; what is added are gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists, geography
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

KM_A_MILE = 1.609344
FIFTH = "deprivation_quintile"
BAND = "travel_band"
# Minutes one way to the nearest centre; the last band has no end.
BANDS = {
    "under 30 minutes": 30.0,
    "30 to 60 minutes": 60.0,
    "60 to 90 minutes": 90.0,
    "more than 90 minutes": np.inf,
}
CHILDREN, ADULTS = "children", "adults"
# Who comes along, and which hours a trip takes away: the names of the assumptions.
SERVICES = {
    CHILDREN: {"companions": "companions_child", "days": "trips_on_school_days"},
    ADULTS: {"companions": "companions_adult", "days": "trips_on_working_days"},
}
SEPARATE, ONE_STOP, SAVED = "separate days", "one-stop clinic", "saved"
# How often each specialty sees a person: the name of the assumption.
CARE = {
    "most": "specialty_visits_a_year_most",
    "middle": "specialty_visits_a_year_middle",
    "least": "specialty_visits_a_year_least",
}
MIDDLE = "middle"
UNITS = {
    "trips": "trips a person a year",
    "hours": "hours a person a year",
    "hours on the road": "hours a person a year",
    "hours with those who come along": "hours a person a year",
    "days": "days a person a year",
    "miles": "miles a person a year",
    "money": "pounds a person a year",
    "patient transport": "journeys a person a year",
    "miles by patient transport": "miles a person a year",
    "price of patient transport": "pounds a person a year",
    "carbon": "kilograms a person a year",
}
INTERVAL = (2.5, 97.5)
# Numbers of specialties, and shares of them that share a day, for the grid.
GRID_SPECIALTIES = (4, 6, 8)
GRID_SHARES = tuple(np.linspace(0, 1, 9))
# Specialties on one day, the minutes of a visit to one, and the minutes between two.
TOGETHER = range(1, 9)
VISITS = (20, 40, 60)
GAPS = (15, 30, 60, 90, 120)
LONGEST = "day longer than it should be"
PLACES = ("region",)
# Kinds of place for which tables are shown.
PLACED = ("region", BAND, "rural_urban", FIFTH)
ROUND_TRIP = "miles there and back"
WAYS = {ROUND_TRIP: "miles a trip", "minutes one way": "minutes"}
CARS = "(car ownership not included)"
TITLES = {
    "one_stop": f"Separate days and a one-stop clinic: what a year would take and save {CARS}",
    "one_stop_care": "Separate days and a one-stop clinic, by how much care is needed",
    "one_stop_grid": "Trips a year, by specialties and by the share of them that share a day",
    "one_stop_days": "For whom a shared day would be too long, by specialties on one day",
    "one_stop_gaps": "How near people live who would lose hours by a shared day",
    "one_stop_everyday": f"Everyday care near home and at the centre: hours on the road {CARS}",
    "one_stop_moves": "How far each assumption moves the hours that a child's family saves",
}
OWN_TITLE = "A family's own numbers: separate days and a one-stop clinic"
OVER = "the assumed values, and in brackets the range over the lists and the draws"
OVER_BOTH = "the range over the lists and 95 of 100 draws"
MARK = "Mark: assumed values, base list. Bar: range over the lists and 95 of 100 draws."
SHOWN = {"estimate": "assumed values (range)", "low": "from", "high": "to"}
# How prose writes a measure, and which rows of which table it quotes, by the columns of a key.
FORMS = {
    "money": ".0f",
    "miles": ".0f",
    "carbon": ".0f",
    "price of patient transport": ".0f",
    "miles by patient transport": ".0f",
}
FAR, NEAR = "more than 90 minutes", "under 30 minutes"
QUOTED: dict[str, tuple[list[str], list[str]]] = {
    "one_stop": (
        ["level", "group", "scenario", "measure"],
        [
            *(f"children.all.saved.{measure}" for measure in UNITS),
            *(f"adults.all.saved.{measure}" for measure in ("trips", "hours", "days", "money")),
            *(f"children.{group}.saved.hours" for group in (FAR, NEAR, "rural", "urban", 1, 5)),
            *(f"children.{group}.saved.days" for group in (FAR, NEAR)),
            *(f"children.{group}.saved.patient transport" for group in (1, 5)),
            *(f"children.{group}.saved.miles by patient transport" for group in (FAR, NEAR)),
            f"children.all.{SEPARATE}.trips",
            f"children.all.{ONE_STOP}.trips",
            f"children.all.{SEPARATE}.hours",
            f"children.all.{SEPARATE}.money",
            f"children.all.the drive.{ROUND_TRIP}",
        ],
    ),
    "one_stop_days": (
        ["level", "group", "value", "measure"],
        [
            *(f"children.{visit}.4.{LONGEST}" for visit in (40, 60)),
            f"children.40.6.{LONGEST}",
            "children.40.4.longest drive one way",
        ],
    ),
    "one_stop_gaps": (
        ["level", "value", "measure"],
        ["children.90.drive below which hours are lost", "children.90.people who live nearer"],
    ),
    "one_stop_everyday": (
        ["level", "group", "scenario"],
        [
            "children.all.everyday care near home",
            "children.all.everyday care at the centre",
            f"children.{FAR}.everyday care at the centre",
            "children.all.saved near home",
        ],
    ),
    "one_stop_own": (["scenario", "measure"], ["saved.trips", "saved.hours"]),
}
# How a figure names the bands, the furthest first.
BAND_NAMES = dict(
    zip(list(BANDS)[::-1], ["Over 90 minutes", "60 to 90", "30 to 60", "Under 30"], strict=True)
)


class Where(NamedTuple):
    """How far the people of each group live: means, and the whole spread of minutes."""

    rows: pd.DataFrame
    minutes: np.ndarray
    km: np.ndarray
    km_by_fifth: np.ndarray
    people_by_fifth: np.ndarray
    spread: np.ndarray


# --- Geography ----------------------------------------------------------------------------------


def bands(minutes: np.ndarray) -> pd.Categorical:
    """Name the band of each number of minutes.

    Parameters
    ----------
    minutes : one way; one an area.

    Returns
    -------
    Names of `BANDS`, in the same order; a band begins with its first minute.
    """
    return pd.cut(minutes, [-np.inf, *BANDS.values()], labels=list(BANDS), right=False)


def where(
    areas: pd.DataFrame, minutes: pd.Series, km: pd.Series, groups: Sequence[str] = ()
) -> Where:
    """Summarise how far people live from a centre, group by group: nothing more is needed.

    Every burden but the days is linear in minutes and kilometres, so that means give it exactly;
    for the days, whole minutes are counted.

    Parameters
    ----------
    areas : one row an area: `area_code`, `people`, `deprivation_quintile` (1 to 5), and the columns
        of `groups`.
    minutes, km : one way to the nearest centre; index `area_code`.
    groups : columns whose groups get rows beside everybody.

    Returns
    -------
    `rows` (`group_by`, `group`, `people`), one row a group; mean `minutes` and `km` of its people;
    `km_by_fifth`, one column a fifth (kilometres of its people in that fifth, over all its people);
    `people_by_fifth`, the share of its people who live in each fifth;
    `spread`, the share of its people who live at least so many whole minutes away, one column a
    minute from 0.

    Raises
    ------
    AnalysisError : no people, or an area without minutes or kilometres.
    """
    codes = areas["area_code"]
    known = areas.assign(
        minutes=minutes.reindex(codes).to_numpy(float), km=km.reindex(codes).to_numpy(float)
    )
    if known[["minutes", "km"]].isna().any(axis=None):
        raise AnalysisError("An area has no minutes or no kilometres to a centre. Give both.")
    known = known[known["people"] > 0]
    if known.empty:
        raise AnalysisError("Nobody lives in these areas, so that there is nothing to count.")
    people = known["people"].to_numpy(float)
    rounded = np.rint(known["minutes"].to_numpy(float)).astype(int)
    fifth = known[FIFTH].to_numpy(int) - 1
    line = known["km"].to_numpy(float)
    names, places = [("all", "all")], [np.zeros(len(known), int)]
    for group in groups:
        column = known[group].astype("category").cat.remove_unused_categories()
        places.append(column.cat.codes.to_numpy(int) + len(names))
        names += [(group, str(kind)) for kind in column.cat.categories]

    def summed(value: np.ndarray) -> np.ndarray:
        return sum(np.bincount(code, value, minlength=len(names)) for code in places)

    total = summed(people)
    by_fifth = [summed(people * line * (fifth == place)) / total for place in range(5)]
    shares = [summed(people * (fifth == place)) / total for place in range(5)]
    longest = rounded.max() + 1
    counted = sum(
        np.bincount(code * longest + rounded, people, minlength=len(names) * longest)
        for code in places
    ).reshape(len(names), longest)
    beyond = counted[:, ::-1].cumsum(axis=1)[:, ::-1] / total[:, None]
    rows = pd.DataFrame(names, columns=["group_by", "group"]).assign(
        people=np.rint(total).astype(int)
    )
    return Where(
        rows,
        summed(people * known["minutes"].to_numpy(float)) / total,
        summed(people * line) / total,
        np.stack(by_fifth, axis=1),
        np.stack(shares, axis=1),
        np.column_stack([beyond, np.zeros(len(names))]),
    )


def beyond(spread: np.ndarray, minutes: np.ndarray) -> np.ndarray:
    """Find the share of people who live more than so many minutes away.

    Parameters
    ----------
    spread : as `where` returns it, one row a group.
    minutes : one a draw; below 0 everybody lives further.

    Returns
    -------
    Shares; one row a draw, one column a group.
    """
    first = np.floor(np.asarray(minutes, float)).astype(int) + 1
    return spread[:, np.clip(first, 0, spread.shape[1] - 1)].T


# --- Trips --------------------------------------------------------------------------------------


def trips(assumed: pd.DataFrame, care: str = MIDDLE) -> dict[str, np.ndarray]:
    """Count trips a year on separate days and with a one-stop clinic.

    With S specialties that each see a person r times a year, there are S r visits. M of them that
    share a day make r days of it and spare (M - 1) r trips, less the share of these that need a
    further trip all the same.

    Parameters
    ----------
    assumed : one row a draw: `specialties_seen` (S), `specialties_together` (M), the assumption of
        `CARE` (r), `further_trips`.
    care : how much care a person needs: most, middle or least.

    Returns
    -------
    `separate days` and `one-stop clinic` (trips a year), `saved` (trips spared, which are gaps
    added), `shared` (days a year that are shared) and `together` (visits on such a day); one
    number a draw.

    Raises
    ------
    AnalysisError : more specialties on one day than there are.
    """
    seen, together, visits, further = (
        assumed[name].to_numpy(float)
        for name in ("specialties_seen", "specialties_together", CARE[care], "further_trips")
    )
    if (together > seen).any() or (together < 1).any():
        raise AnalysisError(
            "There would be more specialties on one day than there are, or fewer than one. Change "
            "'specialties_together' in data/scenario_assumptions.csv, or 'specialties_seen'."
        )
    spared = (together - 1) * (1 - further)
    return {
        SEPARATE: seen * visits,
        ONE_STOP: (seen - spared) * visits,
        SAVED: spared * visits,
        "shared": visits,
        "together": 1 + spared,
    }


def _outing(visits: np.ndarray | float, assumed: Mapping) -> np.ndarray:
    """Minutes of an outing without its drive, with so many visits on its day."""
    one = assumed["arrival_minutes"] + assumed["appointment_minutes"]
    return one + (visits - 1) * (assumed["appointment_minutes"] + assumed["gap_minutes"])


def _days(made: Mapping, single: np.ndarray, shared: Iterable, share: np.ndarray) -> dict:
    """Days lost: half a day for a short outing and a whole one for a long one.

    `single` is the share of outings with one visit that are long; `shared` has for each kind of
    shared day how many there are in a year, and the share of them that are long.
    """
    shared = list(shared)
    others = made[ONE_STOP] - sum(days for days, _ in shared)
    lost = sum(days * (0.5 + 0.5 * long) for days, long in shared)
    alone = 0.5 + 0.5 * single
    return {SEPARATE: share * made[SEPARATE] * alone, ONE_STOP: share * (lost + others * alone)}


# --- What trips cost ----------------------------------------------------------------------------


def burdens(
    made: Mapping, assumed: Mapping, minutes: np.ndarray, miles: np.ndarray, ways: Mapping
) -> dict[str, dict[str, np.ndarray]]:
    """Work out hours, miles, money, patient transport and carbon of trips and gaps.

    Parameters
    ----------
    made : as `trips` returns it; a number or an array a draw.
    assumed : values of the assumptions of this scenario, or arrays of them.
    minutes : of a drive, one way.
    miles : by road, one way.
    ways : who travels how, as `ways_there` returns it.

    Returns
    -------
    For `separate days` and `one-stop clinic` a measure of `UNITS` each, without the days. Hours are
    on the road, arriving and waiting, and not in the visits; the money is out of pocket, and a
    trip by patient transport costs nothing.
    """
    found = {}
    for plan in (SEPARATE, ONE_STOP):
        count = made[plan]
        gaps = made[SAVED] if plan == ONE_STOP else 0.0
        road = 2 * count * minutes / 60
        waiting = (count * assumed["arrival_minutes"] + gaps * assumed["gap_minutes"]) / 60
        driven = 2 * count * miles
        parking = (1 - ways["riding"]) * assumed["parking_pounds_a_visit"]
        rides = 2 * count * ways["riding"]
        found[plan] = {
            "trips": count + 0 * road,
            "hours": road + waiting,
            "hours on the road": road,
            "hours with those who come along": (road + waiting) * (1 + assumed["companions"]),
            "miles": driven,
            "money": count * (2 * ways["paid"] / 100 + parking),
            "patient transport": rides + 0 * road,
            "miles by patient transport": 2 * count * ways["miles riding"],
            "price of patient transport": rides * assumed["patient_transport_pounds_a_journey"]
            + 0 * road,
            "carbon": driven * assumed["car_kg_carbon_a_mile"],
        }
    return found


def ways_there(
    assumed: Mapping,
    riding: np.ndarray,
    refunded: np.ndarray,
    people: np.ndarray,
    miles: np.ndarray,
) -> dict[str, np.ndarray]:
    """Share the ways to the centre out over patient transport and own cars, fifth by fifth.

    Parameters
    ----------
    assumed : arrays of the assumptions; one row a draw, one column.
    riding, refunded : share of ways by patient transport, and of own cars whose cost is repaid in
        part; one row a draw, one column a fifth.
    people : share of a group's people in each fifth; one row a group.
    miles : miles of a way in each fifth, over all people of the group; one row a group.

    Returns
    -------
    `riding` (share of ways by patient transport), `miles riding` (miles of a way by it, over all
    people) and `paid` (pence of a way by car after refunds, over all people); one row a draw, one
    column a group.
    """
    own = 1 - riding
    repaid = (own * refunded) @ miles.T
    return {
        "riding": riding @ people.T,
        "miles riding": riding @ miles.T,
        "paid": (own @ miles.T) * assumed["car_cost_pence_a_mile"]
        - repaid * assumed["refund_pence_a_mile"],
    }


def _of_groups(
    far: Where, assumed: pd.DataFrame, people: np.ndarray, service: str, care: str
) -> dict[str, dict[str, np.ndarray]]:
    """All measures of a group's people; arrays with one row a draw and one column a group."""
    one = {name: column.to_numpy(float)[:, None] for name, column in assumed.items()}
    names = SERVICES[service]
    one["companions"] = one[names["companions"]]
    counted = trips(assumed, care)
    made = {name: value[:, None] for name, value in counted.items()}
    to_miles = one["road_factor"] / KM_A_MILE
    riding, refunded = (
        assumptions.by_fifth(assumed[share], assumed[ratio], people)
        for share, ratio in (
            ("patient_transport_share", "patient_transport_ratio"),
            ("refunded", "refunded_ratio"),
        )
    )
    ways = ways_there(one, riding, refunded, far.people_by_fifth, far.km_by_fifth)
    # Kilometres become miles by a factor of the draw.
    ways |= {name: to_miles * ways[name] for name in ("miles riding", "paid")}
    slower = one["minutes_against_model"]
    found = burdens(made, one, slower * far.minutes, to_miles * far.km, ways)
    long = [
        beyond(
            far.spread, ((60 * one["half_day_hours"] - _outing(visits, one)) / (2 * slower))[:, 0]
        )
        for visits in (1.0, made["together"])
    ]
    shared = [(made["shared"], long[1])]
    for plan, days in _days(made, long[0], shared, one[names["days"]]).items():
        found[plan]["days"] = days
    found[SAVED] = {
        measure: found[SEPARATE][measure] - found[ONE_STOP][measure] for measure in UNITS
    }
    return found


# --- Results ------------------------------------------------------------------------------------


def by_group(
    far: Where,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
    people: np.ndarray,
    service: str,
    care: str = MIDDLE,
) -> pd.DataFrame:
    """Work out trips, hours, days, miles, money and carbon of every group, and what is saved.

    Parameters
    ----------
    far : as `where` returns it.
    table : the rows of `scenario_assumptions` of this scenario.
    drawn : as `assumptions.draws` returns it for these rows.
    people : people of the five fifths of the country, the most deprived first.
    service : children or adults.
    care : how much care a person needs: most, middle or least.

    Returns
    -------
    Tidy table `scenario` (separate days, one-stop clinic, saved), `group_by`, `group`, `people`,
    `measure`, `estimate` (at the assumed values), `ci_low`, `ci_high` (95 of 100 draws), `unit`;
    and the drive: mean `minutes one way` and `miles there and back`.
    """
    base = pd.DataFrame([assumptions.values(table)])
    at, over = (_of_groups(far, assumed, people, service, care) for assumed in (base, drawn))
    keys = [(scenario, measure) for scenario in at for measure in UNITS]
    estimate = np.stack([at[scenario][measure][0] for scenario, measure in keys])
    every = np.stack([over[scenario][measure] for scenario, measure in keys])
    low, high = np.percentile(every, INTERVAL, axis=1)
    # The drive is no burden of its own, and comes with every group.
    keys += [("the drive", ROUND_TRIP), ("the drive", "minutes one way")]
    groups = len(far.rows)
    both = 2 / KM_A_MILE * far.km
    factor = [base["road_factor"].iloc[0], *np.percentile(drawn["road_factor"], INTERVAL)]
    return pd.DataFrame(
        {
            "scenario": np.repeat([scenario for scenario, _ in keys], groups),
            **{column: np.tile(far.rows[column].to_numpy(), len(keys)) for column in far.rows},
            "measure": np.repeat([measure for _, measure in keys], groups),
            "estimate": np.concatenate([estimate.ravel(), factor[0] * both, far.minutes]),
            "ci_low": np.concatenate([low.ravel(), factor[1] * both, far.minutes]),
            "ci_high": np.concatenate([high.ravel(), factor[2] * both, far.minutes]),
            "unit": np.repeat([(UNITS | WAYS)[measure] for _, measure in keys], groups),
        }
    )


def grid(table: pd.DataFrame, drawn: pd.DataFrame, care: str = MIDDLE) -> pd.DataFrame:
    """Count trips a year by how many specialties there are and which share of them share a day.

    Parameters
    ----------
    table, drawn, care : as for `by_group`.

    Returns
    -------
    Tidy table `group` (specialties), `value` (per cent of the specialties on one day), `measure`,
    `estimate`, `low`, `high` (95 of 100 draws), `unit`. Fewer than two on a day spare nothing.
    """
    base = pd.DataFrame([assumptions.values(table)])
    rows = []
    for seen in GRID_SPECIALTIES:
        for share in GRID_SHARES:
            fixed = {"specialties_seen": seen, "specialties_together": max(1.0, share * seen)}
            at, over = (trips(assumed.assign(**fixed), care)[ONE_STOP] for assumed in (base, drawn))
            low, high = np.percentile(over, INTERVAL)
            rows.append((str(seen), 100 * share, at[0], low, high))
    found = pd.DataFrame(rows, columns=["group", "value", "estimate", "low", "high"])
    return found.assign(group_by="specialties", measure="trips", unit=UNITS["trips"])


def long_days(far: Where, table: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Find for whom a shared day would be too long, by how many specialties share it.

    Parameters
    ----------
    far, table, drawn : as for `by_group`; the first group of `far` is everybody.

    Returns
    -------
    Tidy table `group` (minutes of one visit), `value` (specialties on one day), `measure`,
    `estimate`, `ci_low`, `ci_high`, `unit`. Measures: the share of people whose day, with the
    drive, would be longer than the assumed longest, and the drive one way beyond which it is so.
    """
    base = pd.DataFrame([assumptions.values(table)])
    rows = []
    for visit in VISITS:
        for together in TOGETHER:
            runs = []
            for assumed in (base, drawn):
                one = {name: column.to_numpy(float) for name, column in assumed.items()}
                one["appointment_minutes"] = np.full(len(assumed), float(visit))
                outing = _outing(float(together), one)
                left = 60 * one["longest_day_hours"] - outing
                limit = left / (2 * one["minutes_against_model"])
                share = 100 * beyond(far.spread[:1], limit)[:, 0]
                runs.append((share, np.maximum(limit, 0.0)))
            names = ((LONGEST, "per cent"), ("longest drive one way", "minutes"))
            for (measure, unit), at, over in zip(names, *runs, strict=True):
                low, high = np.percentile(over, INTERVAL)
                rows.append((str(visit), together, measure, at[0], low, high, unit))
    names = ["group", "value", "measure", "estimate", "ci_low", "ci_high", "unit"]
    return pd.DataFrame(rows, columns=names).assign(group_by="minutes of a visit")


def break_even(far: Where, table: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Find how near people must live for a shared day to cost them more hours than it saves.

    A trip that is spared saves the drive there and back and the arriving; it costs one gap.

    Parameters
    ----------
    far, table, drawn : as for `by_group`; the first group of `far` is everybody.

    Returns
    -------
    Tidy table `value` (minutes between two visits of one day), `measure`, `estimate`, `ci_low`,
    `ci_high`, `unit`. Measures: the drive one way below which hours are lost, and the share of
    people who live nearer than that.
    """
    base = pd.DataFrame([assumptions.values(table)])
    rows = []
    for gap in GAPS:
        runs = []
        for assumed in (base, drawn):
            longer = gap - assumed["arrival_minutes"].to_numpy(float)
            drive = longer / (2 * assumed["minutes_against_model"].to_numpy(float))
            near = np.where(drive > 0, 100 * (1 - beyond(far.spread[:1], drive)[:, 0]), 0.0)
            runs.append({("drive below which hours are lost", "minutes"): np.maximum(drive, 0.0),
                         ("people who live nearer", "per cent"): near})  # fmt: skip
        for (measure, unit), values in runs[0].items():
            low, high = np.percentile(runs[1][measure, unit], INTERVAL)
            rows.append((gap, measure, values[0], low, high, unit))
    names = ["value", "measure", "estimate", "ci_low", "ci_high", "unit"]
    return pd.DataFrame(rows, columns=names)


def everyday(
    near: np.ndarray, far: Where, table: pd.DataFrame, drawn: pd.DataFrame
) -> pd.DataFrame:
    """Set everyday care at the nearest hospital beside the same care at the centre.

    Parameters
    ----------
    near : mean minutes to the nearest hospital, one way; one a group of `far`.
    far, table, drawn : as for `by_group`.

    Returns
    -------
    Tidy table `scenario` (near home, at the centre, saved near home), `group_by`, `group`,
    `people`, `measure` (hours on the road), `estimate`, `ci_low`, `ci_high`, `unit`.
    """
    ways = {
        "everyday care near home": near,
        "everyday care at the centre": far.minutes,
        "saved near home": far.minutes - near,
    }
    base = pd.DataFrame([assumptions.values(table)])
    parts = []
    for scenario, minutes in ways.items():
        at, over = (
            (2 / 60 * one["everyday_visits_a_year"] * one["minutes_against_model"]).to_numpy(float)
            for one in (base, drawn)
        )
        low, high = np.percentile(over, INTERVAL)
        parts.append(
            far.rows.assign(
                scenario=scenario, estimate=at[0] * minutes, ci_low=low * minutes,
                ci_high=high * minutes,
            )
        )  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    found = found[~found["group_by"].isin(PLACES)]
    return found.assign(measure="hours on the road", unit=UNITS["hours on the road"])


def what_moves(
    far: Where, table: pd.DataFrame, people: np.ndarray, service: str, measure: str = "hours"
) -> pd.DataFrame:
    """Move one assumption at a time to the ends of its range, and see what is saved then.

    Parameters
    ----------
    far, table, people, service : as for `by_group`.
    measure : one of `UNITS`.

    Returns
    -------
    Tidy table, one row an assumption that moves what is saved, the one that moves it most first:
    `term` (the assumption in words), `measure`, `estimate`, `low`, `high`, `difference`, `unit`.
    """
    moves = assumptions.one_at_a_time(table)
    tried = pd.DataFrame([assumptions.values(table), *(one.assumed for one in moves)])
    everybody = Where(far.rows[:1], *(part[:1] for part in far[1:]))
    saved = _of_groups(everybody, tried, people, service, MIDDLE)[SAVED][measure][:, 0]
    titles = table.set_index("name")["title"]
    moved: dict[str, list[float]] = {}
    for one, value in zip(moves, saved[1:], strict=True):
        moved.setdefault(one.name, []).append(float(value))
    rows = [
        {"term": titles[name], "low": min(ends), "high": max(ends),
         "difference": max(ends) - min(ends)}
        for name, ends in moved.items()
        if max(ends) - min(ends) > 1e-9
    ]  # fmt: skip
    out = pd.DataFrame(rows).sort_values("difference", ascending=False, ignore_index=True)
    return out.assign(measure=f"{measure} saved", estimate=float(saved[0]), unit=UNITS[measure])


def journeys(
    visits: Mapping[str, float],
    together: Iterable[str],
    minutes: float,
    miles: float,
    table: pd.DataFrame,
    service: str = CHILDREN,
    draws: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """Work out a year of journeys from anybody's own numbers: on separate days, and in a one-stop.

    Parameters
    ----------
    visits : specialty -> visits a year to the centre, whole or not.
    together : specialties that would share a day.
    minutes, miles : from door to door one way, as the family knows them.
    table : the rows of `scenario_assumptions` of this scenario: all that is not given above, the
        share of spared trips that must be made after all among it.
    service : children or adults.
    draws, seed : for the range over the assumptions; visits, minutes and miles are taken as given.

    Returns
    -------
    Tidy table `measure` (those of `UNITS`), `scenario` (separate days, one-stop clinic, saved),
    `estimate`, `low`, `high` (95 of 100 draws), `unit`.

    Raises
    ------
    AnalysisError : no visits, what is no number or below 0, a specialty that has no visits, or a
        service that is not known.

    Examples
    --------
    `journeys({"muscles": 2, "breathing": 2, "spine": 1}, ["muscles", "breathing"], 75, 50, table)`
    makes 5 trips on separate days and 3 with a one-stop clinic, and a few more if some of those
    that are spared must be made after all.
    """
    shared, minutes, miles = _own_numbers(visits, together, minutes, miles, service)
    # The specialty that is seen most often is there on every shared day; the next on fewer.
    counts = sorted((float(visits[name]) for name in shared), reverse=True)
    total, days = float(sum(visits.values())), max(counts, default=0.0)
    kinds = [
        (count - after, number + 1.0)
        for number, (count, after) in enumerate(zip(counts, [*counts[1:], 0.0], strict=False))
    ]
    base = pd.DataFrame([assumptions.values(table)])
    runs = []
    for assumed in (base, assumptions.draws(table, draws, seed)):
        one = {name: column.to_numpy(float) for name, column in assumed.items()}
        one["companions"] = one[SERVICES[service]["companions"]]
        kept = 1 - one["further_trips"]
        spared = (sum(counts) - days) * kept
        made = {SEPARATE: total, ONE_STOP: total - spared, SAVED: spared}
        riding = one["patient_transport_share"]
        pence = one["car_cost_pence_a_mile"] - one["refunded"] * one["refund_pence_a_mile"]
        ways = {"riding": riding, "miles riding": riding * miles,
                "paid": (1 - riding) * miles * pence}  # fmt: skip
        every = np.ones(len(assumed))
        found = burdens(made, one, minutes * every, miles * every, ways)
        on_a_day = {number: 1 + (number - 1) * kept for number in (1.0, *(n for _, n in kinds))}
        limit = 60 * one["half_day_hours"] - 2 * minutes
        long = {number: 1.0 * (_outing(left, one) > limit) for number, left in on_a_day.items()}
        share = one[SERVICES[service]["days"]]
        shared_days = [(count, long[number]) for count, number in kinds]
        for plan, value in _days(made, long[1.0], shared_days, share).items():
            found[plan]["days"] = value
        found[SAVED] = {name: found[SEPARATE][name] - found[ONE_STOP][name] for name in UNITS}
        runs.append(found)
    rows = []
    for scenario, measures in runs[0].items():
        for measure, unit in UNITS.items():
            low, high = np.percentile(runs[1][scenario][measure], INTERVAL)
            rows.append((measure, scenario, float(measures[measure][0]), low, high, unit))
    names = ["measure", "scenario", "estimate", "low", "high", "unit"]
    return pd.DataFrame(rows, columns=names)


def _own_numbers(
    visits: Mapping[str, float], together: Iterable[str], minutes: float, miles: float, service: str
) -> tuple[list[str], float, float]:
    """Refuse numbers that cannot be, in a sentence each."""
    if service not in SERVICES:
        raise AnalysisError(f"The service '{service}' is not known. Say one of: "
                            f"{', '.join(SERVICES)}.")  # fmt: skip
    if isinstance(together, str):
        raise AnalysisError("Give the specialties that share a day as a list, even if it is one.")
    shared = list(dict.fromkeys(together))
    lost = sorted(set(shared) - set(visits))
    if lost:
        raise AnalysisError(f"These share a day and have no visits: {', '.join(lost)}.")
    numbers = [*visits.values(), minutes, miles]
    known = all(isinstance(number, Real) for number in numbers)
    if not visits or not known or not all(np.isfinite(n) and n >= 0 for n in numbers):
        raise AnalysisError(
            "Give visits a year for one specialty or more, and minutes and miles one way, as "
            "numbers; none may be below 0."
        )
    return shared, float(minutes), float(miles)


# --- Everything ---------------------------------------------------------------------------------


def over_lists(by_list: pd.DataFrame) -> pd.DataFrame:
    """Put the results under all lists into one row: the base list and the outermost range.

    Parameters
    ----------
    by_list : rows with `centre_list`, `estimate`, `ci_low`, `ci_high`, and keys.

    Returns
    -------
    The rows of the base list; `low` is the lowest end of the intervals of all lists, `high` the
    highest. A group that has nobody on the base list is left out; a group of another list only
    (a band of minutes) as well. A region whose minutes one way move by more than ten between the
    lists has no estimate.
    """
    keys = [name for name in by_list
            if name not in ("centre_list", "estimate", "ci_low", "ci_high", "people")]  # fmt: skip
    ends = by_list.groupby(keys, sort=False).agg(low=("ci_low", "min"), high=("ci_high", "max"))
    base = by_list[by_list["centre_list"] == centre_lists.BASE]
    out = base.drop(columns=["centre_list", "ci_low", "ci_high"]).merge(
        ends.reset_index(), on=keys, validate="one_to_one"
    )
    if "group_by" not in out:
        return out
    place = [name for name in ("level", "group_by", "group") if name in out]
    way = out[out["measure"] == "minutes one way"].set_index(place)
    moved = way.index[(way["high"] - way["low"] > centre_lists.STEADY_MINUTES).to_numpy()]
    unsteady = pd.MultiIndex.from_frame(out[place]).isin(moved) & out["group_by"].isin(PLACES)
    return out.assign(estimate=out["estimate"].mask(unsteady))


def told(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out what says nothing new: of a place, trips are those of everybody.

    Parameters
    ----------
    found : as `by_group` returns it.

    Returns
    -------
    All rows of everybody; of other groups those that hang on where people live, without those of
    the one-stop clinic, which are the separate days less what is saved.
    """
    whole = found["group_by"] == "all"
    same = found["measure"].isin(["trips", "price of patient transport"])
    return found[whole | (~same & (found["scenario"] != ONE_STOP))]


def people_of_areas(
    areas: pd.DataFrame, population: pd.DataFrame, imd: pd.DataFrame, rural_urban: pd.DataFrame
) -> pd.DataFrame:
    """Join what this scenario needs to know of every area.

    Parameters
    ----------
    areas : `area_code`, `region`.
    population : `area_code`, `people` (of all ages), `age_0` to `age_17`.
    imd : `area_code`, `imd_decile` (1 = most deprived).
    rural_urban : `area_code`, `rural_urban`.

    Returns
    -------
    `area_code`, `region`, `rural_urban`, `deprivation_quintile`, `children` (aged under 18) and
    `adults`, one row an area.
    """
    under = population[[f"age_{age}" for age in range(18)]].sum(axis=1)
    counted = pd.DataFrame(
        {
            "area_code": population["area_code"],
            CHILDREN: under,
            ADULTS: population["people"] - under,
        }
    )
    fifth = imd[["area_code"]].assign(**{FIFTH: geography.quintile_from_decile(imd["imd_decile"])})
    out = areas[["area_code", "region"]]
    for part in (rural_urban[["area_code", "rural_urban"]], fifth, counted):
        out = out.merge(part, validate="one_to_one")
    return out


def everything(
    areas: pd.DataFrame,
    centres: pd.DataFrame,
    minutes: pd.DataFrame,
    km: pd.DataFrame,
    hospital_minutes: pd.Series,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Work out every table, for children and adults, as ranges over the lists and the draws.

    Parameters
    ----------
    areas : as `people_of_areas` returns it.
    centres : `service` (children, adults), `site`, `certainty` (A, B, C).
    minutes, km : one way; index `area_code`, one column a site.
    hospital_minutes : to the nearest hospital of any kind; index `area_code`, may be missing.
    table, drawn : as for `by_group`.

    Returns
    -------
    Tidy tables by name: `one_stop` (by group, at the middle amount of care), `one_stop_care` (by
    how much care is needed), `one_stop_grid`, `one_stop_days`, `one_stop_gaps`,
    `one_stop_everyday` and `one_stop_moves` (children, base list).
    """
    groups = ["region", "rural_urban", BAND, FIFTH]
    areas = areas.astype({group: "category" for group in groups if group != BAND})
    parts: dict[str, list[pd.DataFrame]] = {}
    moves = None
    for service in SERVICES:
        here = areas.rename(columns={service: "people"})
        people = np.bincount(here[FIFTH].to_numpy(int), here["people"], minlength=6)[1:]
        of_service = centres[centres["service"] == service]
        for grades in access.LISTS:
            sites = of_service.loc[of_service["certainty"].isin(list(grades)), "site"].tolist()
            to_centre = geography.nearest(minutes[sites]).set_index("area_code")
            at = km.columns.get_indexer(to_centre["site"])
            lines = km.loc[to_centre.index].to_numpy()[np.arange(len(to_centre)), at]
            line = pd.Series(lines, to_centre.index)
            drive = to_centre["value"]
            banded = here.assign(**{BAND: bands(drive.reindex(here["area_code"]).to_numpy())})
            far = where(banded, drive, line, groups)
            near_home = np.fmin(drive, hospital_minutes.reindex(drive.index))
            found = {
                "one_stop": told(by_group(far, table, drawn, people, service)),
                "one_stop_days": long_days(far, table, drawn),
                "one_stop_gaps": break_even(far, table, drawn),
                "one_stop_everyday": everyday(
                    where(banded, near_home, line, groups).minutes, far, table, drawn
                ),
            }
            whole = Where(far.rows[:1], *(part[:1] for part in far[1:]))
            found["one_stop_care"] = pd.concat(
                by_group(whole, table, drawn, people, service, care).assign(group=care)
                for care in CARE
            ).assign(group_by="care needed")
            for name, one in found.items():
                parts.setdefault(name, []).append(one.assign(centre_list=grades, level=service))
            if service == CHILDREN and grades == centre_lists.BASE:
                moves = what_moves(far, table, people, service)
    tables = {name: over_lists(pd.concat(each, ignore_index=True)) for name, each in parts.items()}
    tables |= {"one_stop_grid": grid(table, drawn), "one_stop_moves": moves}
    return tables


def quoted(table: pd.DataFrame, name: str) -> list[tuple[str, str, dict]]:
    """Find the rows of a table that prose quotes, each with its key and the form of its number.

    Parameters
    ----------
    table : a published table.
    name : its name; a table without rows in `QUOTED` has none.

    Returns
    -------
    Key (`one_stop.children.all.saved.hours`), format and the row: what `Page.number` takes.

    Raises
    ------
    AnalysisError : a key that fits no row.
    """
    columns, keys = QUOTED.get(name, ([], []))
    rows = {}
    for row in table.to_dict("records") if keys else ():
        told = [f"{row[column]:g}" if column == "value" else str(row[column]) for column in columns]
        rows[".".join(told)] = row
    lost = [key for key in keys if key not in rows]
    if lost:
        raise AnalysisError(f"The table '{name}' has no row for {', '.join(lost)}.")
    out = []
    for key in keys:
        row = rows[key]
        whole = row["unit"] in ("minutes", "per cent", "miles a trip")
        digits = ".0f" if whole else FORMS.get(row["measure"], ".1f")
        form = f"{{estimate:{digits}}} ({{low:{digits}}} to {{high:{digits}}})"
        if len({format(row[column], digits) for column in ("estimate", "low", "high")}) == 1:
            form = "{estimate:.3g}"
        out.append((f"{name}.{key}", form, {column: row[column] for column in columns}))
    return out
