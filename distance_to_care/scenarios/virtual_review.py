"""If visits were held by video or at a local hospital: miles, hours, money and carbon.

A visit to the centre that is not made spares the way there and back. What video cannot do, such as
blood tests and lung function, needs a place: a local hospital, where one is nearer. People who
cannot be seen by video keep every journey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np
import pandas as pd

from distance_to_care import access, care_boards, centre_lists, geography
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

KM_A_MILE = 1.609344
FIFTH = "deprivation_quintile"
BAND = "travel_band"
# Minutes one way to the nearest centre; the last band has no end.
FAR_MINUTES = 60.0
BANDS = {"under 30 minutes": 30.0, "30 to 60 minutes": FAR_MINUTES, "more than an hour": np.inf}
# Kinds of later visit, and the assumption that says how many of these are of the kind.
LATER = {
    "follow-up": "later_visits_follow_up",
    "treatment and blood tests": "later_visits_treatment",
    "lung function": "later_visits_lung_function",
    "oxygen": "later_visits_oxygen",
}
FIRST = "first visit"
NOW = "all visits at the centre"
ALL_FOLLOW_UPS = "by video: all follow-ups"
EVERY_LOCAL = "local: every visit"
BOTH = "video and local"
TESTS = tuple(LATER)[1:]
# What would be held how: for a kind of visit, the share by video and the share at a local hospital.
PLANS: dict[str, dict[str, tuple[float, float]]] = {
    NOW: {},
    "by video: 25% of follow-ups": {"follow-up": (0.25, 0.0)},
    "by video: 50% of follow-ups": {"follow-up": (0.5, 0.0)},
    ALL_FOLLOW_UPS: {"follow-up": (1.0, 0.0)},
    "local: all but the first visit": dict.fromkeys(LATER, (0.0, 1.0)),
    EVERY_LOCAL: dict.fromkeys([FIRST, *LATER], (0.0, 1.0)),
    BOTH: {"follow-up": (1.0, 0.0)} | dict.fromkeys([FIRST, *TESTS], (0.0, 1.0)),
}
UNITS = {
    "visits to the centre": "visits a person a year",
    "visits to a local hospital": "visits a person a year",
    "visits by video": "visits a person a year",
    "miles": "miles a person a year",
    "hours": "hours a person a year",
    "hours with a companion": "hours a person a year",
    "value of the hours": "pounds a person a year",
    "money": "pounds a person a year",
    "carbon": "kilograms a person a year",
}
SHARE_SAVED = "hours saved, share"
# What prose calls a plan, whom it speaks of, and how it writes a measure.
KEYS = {NOW: "now", ALL_FOLLOW_UPS: "follow_ups", EVERY_LOCAL: "every", BOTH: "both"}
QUOTED_GROUPS = ("all", "1", "5", "more than an hour", "under 30 minutes")
FORMS = {"hours": ".1f", "miles": ".0f", "money": ".0f", "carbon": ".0f"}
FORMS |= {f"{measure} saved": form for measure, form in FORMS.items()}
FORMS |= {"value of the hours saved": ".0f", SHARE_SAVED: ".0f"}
OVER = "the assumed values, and in brackets the range over the lists and the draws"
MARK = "Mark: assumed values, base list. Bar: range over the lists and 95 of 100 draws."
SHOWN = {"estimate": "assumed values (range)", "low": "from", "high": "to"}
CARS = "(car ownership not included)"
TITLES = {
    "virtual_review": f"If visits were by video or local: what would be left and saved {CARS}",
    "virtual_review_by_list": f"Hours on the road under each plan, list by list {CARS}",
    "virtual_review_exclusion": f"Hours saved, by who cannot be seen by video {CARS}",
    "virtual_review_with_video": "If follow-ups were by video: hours with it and without",
    "virtual_review_compared": "Local visits against follow-ups by video: hours saved more",
    "virtual_review_moves": "How far each assumption moves the hours saved",
    "virtual_review_miles": "Miles to the nearest centre, counted in two ways",
    "virtual_review_pilot": "Miles of this model beside those of a pilot",
    "virtual_review_board": f"{{board}}, if all were seen at {{hub}}: left and saved {CARS}",
    "virtual_review_board_hospitals": "{board}: local hospitals and the drive to {hub}",
}
MORE_LEFT = "draws in which the most deprived have more hours left"
# The share who cannot be seen by video: so many times as large in the most deprived fifth.
RATIOS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
# A local hospital that is nearest for fewer of a board's people on every list is not named.
FEWEST_PER_CENT = care_boards.FEWEST_PER_CENT
INTERVAL = (2.5, 97.5)
# The ways of which a cell holds the means.
WAYS = ("centre_minutes", "centre_km", "local_minutes", "local_km")
STEADY_MINUTES = centre_lists.STEADY_MINUTES


# --- Geography ----------------------------------------------------------------------------------


def ways(
    to_centre: tuple[pd.DataFrame, pd.DataFrame], to_local: tuple[pd.DataFrame, pd.DataFrame]
) -> pd.DataFrame:
    """Find the way to the nearest centre and to the nearest local hospital, by minutes.

    Parameters
    ----------
    to_centre : one-way minutes and straight-line kilometres; both with index `area_code` and one
        column a centre.
    to_local : the same to hospitals that are no centre; minutes may be missing.

    Returns
    -------
    One row an area: `centre`, `centre_minutes`, `centre_km`, `local` (the local hospital),
    `local_share` (1 where it is nearer than the centre in minutes, 0 where it is not),
    `local_minutes` and `local_km` (those of the centre where no local hospital is nearer).
    """
    centre, local = _nearest(*to_centre), _nearest(*to_local)
    local = local.reindex(centre.index)
    nearer = (local["minutes"] < centre["minutes"]).to_numpy()
    return pd.DataFrame(
        {
            "centre": centre["site"],
            "centre_minutes": centre["minutes"],
            "centre_km": centre["km"],
            "local": local["site"].where(nearer, centre["site"]),
            "local_share": nearer.astype(float),
            "local_minutes": local["minutes"].where(nearer, centre["minutes"]),
            "local_km": local["km"].where(nearer, centre["km"]),
        }
    )


def _nearest(minutes: pd.DataFrame, km: pd.DataFrame) -> pd.DataFrame:
    found = geography.nearest(minutes).set_index("area_code")
    at = minutes.columns.get_indexer(found["site"])
    lines = km.loc[minutes.index, minutes.columns].to_numpy()
    return pd.DataFrame(
        {
            "site": found["site"],
            "minutes": found["value"],
            "km": lines[np.arange(len(found)), at],
        }
    )


def cells(areas: pd.DataFrame, found: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Merge areas into cells in which the answer is the same sum: nothing is lost by it.

    All burdens are linear in minutes and kilometres, and hang on the fifth of deprivation beside.
    So the mean way of a cell gives the mean burden of its people exactly.

    Parameters
    ----------
    areas : one row an area: `area_code`, `expected_patients`, `deprivation_quintile` (1 to 5), and
        the columns of `groups`.
    found : as `ways` returns it.
    groups : columns by which results are wanted beside the fifths; `travel_band` is made here.

    Returns
    -------
    One row a cell: `deprivation_quintile`, `groups`, `expected_patients`, and the means of the
    columns of `ways`, weighted by expected patients.
    """
    known = areas.merge(found.reset_index(), on="area_code", validate="one_to_one")
    ends = [-np.inf, *BANDS.values()]
    known[BAND] = pd.cut(known["centre_minutes"], ends, labels=list(BANDS)).astype(str)
    keys = [FIFTH, *(group for group in groups if group != FIFTH)]
    means = [*WAYS, "local_share"]
    weight = known["expected_patients"]
    summed = known[means].mul(weight, axis=0).assign(expected_patients=weight)
    out = summed.groupby([known[key] for key in keys], sort=True).sum()
    out = out[out["expected_patients"] > 0]
    out[means] = out[means].div(out["expected_patients"], axis=0)
    return out.reset_index()


# --- Visits and people --------------------------------------------------------------------------


def visits(assumed: pd.DataFrame) -> pd.DataFrame:
    """Split the visits of a person and year into kinds.

    Parameters
    ----------
    assumed : one row a draw: `clinic_visits_a_year`, `first_visits_a_year`, and a weight for each
        kind of later visit.

    Returns
    -------
    One row a draw, one column a kind: visits a year. They add up to `clinic_visits_a_year`.

    Raises
    ------
    AnalysisError : more first visits than visits.
    """
    later = assumed["clinic_visits_a_year"] - assumed["first_visits_a_year"]
    if (later < 0).any():
        raise AnalysisError(
            "There would be more first visits a year than visits. Lower 'first_visits_a_year' in "
            "data/scenario_assumptions.csv, or raise 'clinic_visits_a_year'."
        )
    weights = assumed[list(LATER.values())].to_numpy(float)
    parts = weights / weights.sum(axis=1, keepdims=True) * later.to_numpy(float)[:, None]
    first = assumed["first_visits_a_year"].to_numpy(float)
    return pd.DataFrame(np.column_stack([first, parts]), columns=[FIRST, *LATER])


def journeys(
    parts: pd.DataFrame, assumed: pd.DataFrame, plan: Mapping, people: np.ndarray
) -> dict[str, np.ndarray]:
    """Work out visits, miles, hours, money and carbon of a person and year, cell by cell.

    Parameters
    ----------
    parts : as `cells` returns it.
    assumed : one row a draw, one column an assumption of this scenario.
    plan : for a kind of visit, the share by video and the share local; the rest is at the centre.
    people : people of the five fifths of the country, the most deprived first.

    Returns
    -------
    For each measure of `UNITS` an array, one row a draw and one column a cell. Hours are on the
    road, there and back; `hours with a companion` are those of both; `money` is out of pocket,
    after refunds.

    Raises
    ------
    AnalysisError : a plan that is not made of shares, or as `visits` and `by_fifth`.
    """
    one = {name: column.to_numpy(float)[:, None] for name, column in assumed.items()}
    fifth = parts[FIFTH].to_numpy(int) - 1
    shares = {name: assumptions.by_fifth(assumed[name], assumed[f"{name}_ratio"], people)[:, fifth]
              for name in ("video_excluded", "refunded")}  # fmt: skip
    kinds = visits(assumed)
    total = kinds.sum(axis=1).to_numpy()[:, None]
    by_video, local = (_moved(kinds, plan, way)[:, None] for way in (0, 1))
    held = by_video * (1 - shares["video_excluded"])
    to_centre = total - local - held * (1 - one["video_ends_in_visit"])
    mean = {name: parts[name].to_numpy(float) for name in WAYS}
    nearer = parts["local_share"].to_numpy(float)
    miles = to_centre * mean["centre_km"] + local * mean["local_km"]
    miles = 2 * one["road_factor"] / KM_A_MILE * miles
    hours = to_centre * mean["centre_minutes"] + local * mean["local_minutes"]
    hours = 2 * one["minutes_against_model"] / 60 * hours
    cost = one["car_cost_pence_a_mile"] - shares["refunded"] * one["refund_pence_a_mile"]
    return {
        "visits to the centre": to_centre + local * (1 - nearer),
        "visits to a local hospital": local * nearer,
        "visits by video": held,
        "miles": miles,
        "hours": hours,
        "hours with a companion": hours * (1 + one["companion"]),
        "value of the hours": hours * one["travel_time_pounds_an_hour"],
        "money": miles * cost / 100 + (to_centre + local) * one["parking_pounds_a_visit"],
        "carbon": miles * one["car_kg_carbon_a_mile"] + held * one["video_kg_carbon_a_visit"],
    }


def _moved(kinds: pd.DataFrame, plan: Mapping, way: int) -> np.ndarray:
    """Visits a year that a plan would hold by video (0) or at a local hospital (1)."""
    lost = set(plan) - set(kinds)
    bad = [kind for kind, two in plan.items() if min(two) < 0 or sum(two) > 1]
    if lost or bad:
        raise AnalysisError(
            f"A plan gives shares from 0 to 1, together no more than 1, to these kinds of visit: "
            f"{', '.join(kinds)}. It is not so for {', '.join(sorted(lost | set(bad)))}."
        )
    moved = np.zeros(len(kinds))
    for kind, two in plan.items():
        moved = moved + two[way] * kinds[kind].to_numpy(float)
    return moved


# --- Results ------------------------------------------------------------------------------------


def scenarios(
    parts: pd.DataFrame,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
    people: np.ndarray,
    groups: Sequence[str],
    plans: Mapping[str, Mapping] = PLANS,
) -> pd.DataFrame:
    """Work out every plan for every group: what would remain, and what would be saved.

    Parameters
    ----------
    parts : as `cells` returns it, with the columns of `groups`.
    table : the rows of `scenario_assumptions` of this scenario.
    drawn : as `assumptions.draws` returns it for these rows.
    people : as for `journeys`.
    groups : columns whose groups get rows; everybody gets rows in any case.
    plans : plans by name; `all visits at the centre` is what the others are compared with.

    Returns
    -------
    Tidy table `scenario`, `group_by`, `group`, `measure`, `expected_patients`, `estimate` (at the
    assumed values), `ci_low`, `ci_high` (95 of 100 draws), `unit`. Measures: those of `UNITS`; the
    same with `saved` (not of the plan compared with); and the share of hours saved, in per cent.
    """
    assumed = pd.DataFrame([assumptions.values(table)])
    weights, rows = _weights(parts, groups)
    runs = [{plan: {measure: found @ weights for measure, found
                    in journeys(parts, values, how, people).items()}
             for plan, how in plans.items()} for values in (assumed, drawn)]  # fmt: skip
    found = []
    for plan in plans:
        at, over = (_with_savings(run[plan], run[NOW], plan != NOW) for run in runs)
        for measure, (values, unit) in at.items():
            low, high = np.percentile(over[measure][0], INTERVAL, axis=0)
            found.append((plan, measure, unit, values[0], low, high))
    plan, measure, unit, *numbers = zip(*found, strict=True)
    out = pd.concat([rows] * len(found), ignore_index=True)
    for column, words in {"scenario": plan, "measure": measure, "unit": unit}.items():
        out[column] = np.repeat(np.array(words, dtype=object), len(rows))
    for column, values in zip(("estimate", "ci_low", "ci_high"), numbers, strict=True):
        out[column] = np.concatenate(values)
    return out


def _weights(parts: pd.DataFrame, groups: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Weights that turn cells into means of groups, and the groups in the same order."""
    weight = parts["expected_patients"].to_numpy(float)
    columns, rows = [weight], [("all", "all")]
    for group in groups:
        names = parts[group].astype(str)
        for name in sorted(names.unique()):
            columns.append(np.where(names == name, weight, 0.0))
            rows.append((group, name))
    total = np.array([column.sum() for column in columns])
    said = pd.DataFrame(rows, columns=["group_by", "group"]).assign(expected_patients=total)
    return np.stack(columns, axis=1) / total, said


def _with_savings(then: Mapping, now: Mapping, compared: bool) -> dict:
    out = {measure: (then[measure], unit) for measure, unit in UNITS.items()}
    if compared:
        for measure, unit in UNITS.items():
            if not measure.startswith("visits"):
                out[f"{measure} saved"] = (now[measure] - then[measure], unit)
        share = 100 * (1 - then["hours"] / now["hours"])
        out[SHARE_SAVED] = (share, "per cent")
    return out


def over_lists(by_list: pd.DataFrame) -> pd.DataFrame:
    """Put the results under all lists into one row: the base list and the outermost range.

    Parameters
    ----------
    by_list : rows with `centre_list`, `estimate`, `ci_low`, `ci_high`, and keys.

    Returns
    -------
    The rows of the base list, without `centre_list` and interval; `low` is the lowest end of the
    intervals of all lists, `high` the highest.
    """
    numbers = ("centre_list", "estimate", "ci_low", "ci_high", "expected_patients", "people")
    keys = [column for column in by_list if column not in numbers]
    ends = by_list.groupby(keys, sort=False).agg(low=("ci_low", "min"), high=("ci_high", "max"))
    base = by_list[by_list["centre_list"] == centre_lists.BASE]
    base = base.drop(columns=["centre_list", "ci_low", "ci_high"])
    return base.merge(ends.reset_index(), on=keys, validate="one_to_one")


def exclusion(
    parts: pd.DataFrame,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
    people: np.ndarray,
    ratios: Sequence[float],
    plan: str = ALL_FOLLOW_UPS,
) -> pd.DataFrame:
    """Follow the gap between the fifths as people who cannot use video gather among the deprived.

    Parameters
    ----------
    parts, table, drawn, people : as for `scenarios`.
    ratios : how many times as often the most deprived fifth cannot be seen by video.
    plan : the plan that is looked at.

    Returns
    -------
    Tidy table `scenario`, `value` (the ratio), `group_by`, `group` (1 the most deprived fifth, 5
    the least, gap), `measure`, `estimate`, `ci_low`, `ci_high`, `unit`. Measures: the share of
    hours saved; the hours left; of the group `gap` the hours left in the most deprived fifth less
    those in the least, and the share of draws in which the most deprived have more hours left.
    """
    weights, rows = _weights(parts, [FIFTH])
    ends = [rows["group"].tolist().index(fifth) for fifth in ("1", "5")]
    weights = weights[:, ends]
    known = pd.DataFrame([assumptions.values(table)])
    found = []
    for ratio in ratios:
        runs = []
        for assumed in (known, drawn):
            moved = assumed.assign(video_excluded_ratio=float(ratio))
            now, left = (
                journeys(parts, moved, PLANS[name], people)["hours"] @ weights
                for name in (NOW, plan)
            )
            saved, gap = 100 * (1 - left / now), left[:, 0] - left[:, 1]
            runs.append(
                {
                    ("1", "hours", UNITS["hours"]): left[:, 0],
                    ("5", "hours", UNITS["hours"]): left[:, 1],
                    ("1", SHARE_SAVED, "per cent"): saved[:, 0],
                    ("5", SHARE_SAVED, "per cent"): saved[:, 1],
                    ("gap", "hours", UNITS["hours"]): gap,
                    # Of draws there is a share, and so no interval.
                    ("gap", MORE_LEFT, "per cent"): np.full(len(drawn), 100 * np.mean(gap > 0)),
                }
            )
        runs[0]["gap", MORE_LEFT, "per cent"] = runs[1]["gap", MORE_LEFT, "per cent"]
        for (group, measure, unit), values in runs[0].items():
            low, high = np.percentile(runs[1][group, measure, unit], INTERVAL)
            found.append(
                {"value": ratio, "group": group, "measure": measure, "unit": unit,
                 "estimate": values[0], "ci_low": low, "ci_high": high}
            )  # fmt: skip
    return pd.DataFrame(found).assign(scenario=plan, group_by=FIFTH)


def with_and_without_video(
    parts: pd.DataFrame, table: pd.DataFrame, drawn: pd.DataFrame, groups: Sequence[str]
) -> pd.DataFrame:
    """Set people who can be seen by video beside those who cannot, if all follow-ups were by video.

    Parameters
    ----------
    parts, table, drawn, groups : as for `scenarios`.

    Returns
    -------
    As `scenarios`, with `level`: can or cannot; the measures are `hours` (left) and `hours saved`.
    """
    plans = {name: PLANS[name] for name in (NOW, ALL_FOLLOW_UPS)}
    found = []
    for level, share in {"can": 0.0, "cannot": 1.0}.items():
        fixed = {"video_excluded": share, "video_excluded_ratio": 1.0}
        values = table.assign(value=table["name"].map(fixed).fillna(table["value"]).astype(float))
        one = scenarios(parts, values, drawn.assign(**fixed), np.ones(5), groups, plans)
        kept = one["measure"].isin(["hours", "hours saved"])
        kept &= one["scenario"] == ALL_FOLLOW_UPS
        found.append(one[kept].assign(level=level))
    return pd.concat(found, ignore_index=True)


def which_saves_more(
    parts: pd.DataFrame,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
    people: np.ndarray,
    groups: Sequence[str],
    plans: tuple[str, str] = (EVERY_LOCAL, ALL_FOLLOW_UPS),
) -> pd.DataFrame:
    """Count the draws in which one plan saves more hours than another, draw by draw.

    Parameters
    ----------
    parts, table, drawn, people, groups : as for `scenarios`.
    plans : the plan that may save more, and the one that it is compared with.

    Returns
    -------
    Tidy table `scenario`, `reference`, `group_by`, `group`, `measure` (hours saved more),
    `estimate` (at the assumed values), `ci_low`, `ci_high`, `unit`; and the share of draws in which
    it is above zero, in per cent, which is its own interval.
    """
    weights, rows = _weights(parts, groups)
    runs = []
    for assumed in (pd.DataFrame([assumptions.values(table)]), drawn):
        hours = [journeys(parts, assumed, PLANS[plan], people)["hours"] for plan in plans]
        runs.append((hours[1] - hours[0]) @ weights)
    ends = np.percentile(runs[1], INTERVAL, axis=0)
    share = 100 * np.mean(runs[1] > 0, axis=0)
    named = rows.assign(scenario=plans[0], reference=plans[1])
    more = named.assign(measure="hours saved more", estimate=runs[0][0], unit=UNITS["hours"])
    often = named.assign(measure="draws in which it saves more", estimate=share, unit="per cent")
    both = [more.assign(ci_low=ends[0], ci_high=ends[1]), often.assign(ci_low=share, ci_high=share)]
    return pd.concat(both, ignore_index=True)


def what_moves(
    parts: pd.DataFrame,
    table: pd.DataFrame,
    people: np.ndarray,
    plan: str,
    measure: str = "hours",
) -> pd.DataFrame:
    """Move one assumption at a time to the ends of its range, and see what the saving does.

    Parameters
    ----------
    parts, table, people : as for `scenarios`.
    plan : the plan that is looked at.
    measure : one of `UNITS`.

    Returns
    -------
    Tidy table, one row an assumption that moves the saving, the one that moves it most first:
    `scenario`, `term` (the assumption in words), `measure`, `estimate` (the saving at the assumed
    values), `low`, `high` (the lower and the higher of the two ends), `difference`, `unit`.
    """
    weight = parts["expected_patients"].to_numpy(float)
    weight = weight / weight.sum()

    moves = assumptions.one_at_a_time(table)
    tried = pd.DataFrame([assumptions.values(table), *(one.assumed for one in moves)])
    now, then = (journeys(parts, tried, PLANS[name], people)[measure] for name in (NOW, plan))
    base, *saved = ((now - then) @ weight).tolist()
    titles = table.set_index("name")["title"]
    moved: dict[str, list[float]] = {}
    for one, value in zip(moves, saved, strict=True):
        moved.setdefault(one.name, []).append(value)
    rows = [
        {"term": titles[name], "low": min(ends), "high": max(ends),
         "difference": max(ends) - min(ends)}
        for name, ends in moved.items()
        if max(ends) - min(ends) > 1e-9
    ]  # fmt: skip
    out = pd.DataFrame(rows).sort_values("difference", ascending=False, ignore_index=True)
    return out.assign(scenario=plan, measure=f"{measure} saved", estimate=base, unit=UNITS[measure])


# --- Checks -------------------------------------------------------------------------------------


def miles_check(parts: pd.DataFrame, table: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Set miles from the straight line beside miles from the minutes, band by band.

    Parameters
    ----------
    parts : as `cells` returns it, with `travel_band`.
    table, drawn : as for `scenarios`; `road_miles_an_hour` is the assumed speed.

    Returns
    -------
    Tidy table `group_by`, `group`, `measure` (miles one way, from the straight line and from the
    minutes; the speed that the two ways of counting imply), `estimate`, `ci_low`, `ci_high`,
    `unit`.
    """
    weights, rows = _weights(parts, [BAND])
    km = parts["centre_km"].to_numpy(float) @ weights
    minutes = parts["centre_minutes"].to_numpy(float) @ weights
    runs = []
    for assumed in (pd.DataFrame([assumptions.values(table)]), drawn):
        factor, speed = (assumed[name].to_numpy(float)[:, None]
                         for name in ("road_factor", "road_miles_an_hour"))  # fmt: skip
        line, timed = factor * km / KM_A_MILE, speed * minutes / 60
        runs.append({
            ("miles one way, from the straight line", "miles"): line,
            ("miles one way, from the minutes", "miles"): timed,
            ("speed that both imply", "miles an hour"): line / (minutes / 60),
        })  # fmt: skip
    out = []
    for (measure, unit), values in runs[0].items():
        low, high = np.percentile(runs[1][measure, unit], INTERVAL, axis=0)
        out.append(rows.assign(measure=measure, estimate=values[0], ci_low=low, ci_high=high,
                               unit=unit))  # fmt: skip
    return pd.concat(out, ignore_index=True)


def by_local_hospital(areas: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Describe the people for whom each local hospital is nearer than any centre.

    Parameters
    ----------
    areas : `area_code`, `expected_patients`.
    found : as `ways` returns it.

    Returns
    -------
    One row a local hospital: `centre` (its name), `expected_patients`, and the means of
    `centre_minutes`, `local_minutes`, `centre_km`, `local_km` over them, one way.
    """
    known = areas[["area_code", "expected_patients"]].merge(found.reset_index(), on="area_code")
    known = known[(known["local_share"] > 0) & (known["expected_patients"] > 0)]
    means = list(WAYS)
    weight = known["expected_patients"]
    summed = known[means].mul(weight, axis=0).assign(expected_patients=weight)
    out = summed.groupby(known["local"].rename("centre")).sum()
    out[means] = out[means].div(out["expected_patients"], axis=0)
    return out.reset_index()


def local_over_lists(by_list: Mapping[str, pd.DataFrame], place_people: float) -> pd.DataFrame:
    """Say what one visit at each local hospital would save, one way, as a range over the lists.

    Parameters
    ----------
    by_list : for each list of centres, as `by_local_hospital` returns it.
    place_people : expected patients of the whole place.

    Returns
    -------
    Tidy table `centre` (the local hospital), `measure` (minutes to the hub; minutes saved one way;
    the share of the place's expected patients for whom it is nearest), `estimate` (base list;
    missing where a hospital's minutes move by more than ten, or where it is itself a centre),
    `low`, `high`, `unit`, `note` (the lists on which it is a local hospital and nearest for
    somebody, unless these are all). Hospitals nearest for hardly anybody are left out.
    """
    tables = {name: one.set_index("centre") for name, one in by_list.items()}
    names = sorted(set().union(*(one.index for one in tables.values())))
    column = {name: one.reindex(names) for name, one in tables.items()}
    on = {name: [of for of, one in tables.items() if name in one.index] for name in names}
    notes = [
        "" if len(on[name]) == len(tables) else f"only on {' and '.join(on[name])}"
        for name in names
    ]
    measures = {
        ("minutes to the hub", "minutes"): lambda one: one["centre_minutes"],
        ("minutes saved one way", "minutes"): lambda one: (
            one["centre_minutes"] - one["local_minutes"]
        ),
        ("nearest for", "per cent"): lambda one: (
            100 * one["expected_patients"].fillna(0.0) / place_people
        ),
    }
    out, kept = [], None
    for (measure, unit), of in measures.items():
        wide = pd.DataFrame({name: of(one) for name, one in column.items()})
        rows = pd.DataFrame(
            {"estimate": wide[centre_lists.BASE], "low": wide.min(axis=1), "high": wide.max(axis=1)}
        )
        if unit == "minutes":
            rows["estimate"] = rows["estimate"].mask(rows["high"] - rows["low"] > STEADY_MINUTES)
        else:
            kept = rows.index[rows["high"] >= FEWEST_PER_CENT]
        rows = rows.assign(measure=measure, unit=unit, note=notes)
        out.append(rows.rename_axis("centre").reset_index())
    table = pd.concat(out, ignore_index=True)
    return table[table["centre"].isin(kept)].reset_index(drop=True)


def against_pilot(
    areas: pd.DataFrame,
    by_list: Mapping[str, pd.DataFrame],
    road_factor: Sequence[float],
    pilot: Mapping[str, float],
) -> pd.DataFrame:
    """Set the miles of this model beside those that a pilot counted for the same visits avoided.

    Parameters
    ----------
    areas : `area_code`, `expected_patients`.
    by_list : for each list of centres, as `ways` returns it.
    road_factor : miles by road for a mile of straight line: assumed, lowest, highest.
    pilot : `visits_avoided` and `miles_saved` of a person and year; `people` and `months` of it.

    Returns
    -------
    Tidy table `measure`, `estimate` (base list, assumed factor), `low`, `high` (over the lists and
    the range of the factor), `published_estimate` (the pilot's), `difference` (from it), `unit`.
    Measures: miles a person a year for as many visits, of everybody, of people more than an hour
    away, and of people for whom a local hospital is nearer than the centre; miles of one visit
    there and back, beside the pilot's, and beside what the pilot's would be if its miles were those
    of all its people; the straight line one way that gives the pilot's miles; how many expected
    patients of 100 live as far; how many local hospitals of 100 have people who live as far on
    average; and how many expected patients of 100 have longer journeys, if the pilot's miles were
    all its people's.

    Raises
    ------
    AnalysisError : a list on which nobody is far, or no local hospital is nearer.
    """
    weight = areas["expected_patients"].to_numpy(float)
    both_ways = 2 * pilot["visits_avoided"] / KM_A_MILE
    together = pilot["people"] * pilot["months"] / 12
    a_year, a_visit = "miles a person a year", "miles a visit"
    values: dict[tuple[str, str], list[float]] = {}
    for name in sorted(by_list, key=lambda name: name != centre_lists.BASE):
        found = by_list[name].loc[areas["area_code"]]
        km = found["centre_km"].to_numpy()
        far = (found["centre_minutes"] > FAR_MINUTES).to_numpy()
        near = (found["local_share"] > 0).to_numpy()
        if not (weight[far].sum() > 0 and weight[near].sum() > 0):
            raise AnalysisError(
                f"On the list {name} nobody is more than an hour away, or no local hospital is "
                "nearer than a centre: there is nothing to compare the pilot with."
            )
        hospital = by_local_hospital(areas, by_list[name])["centre_km"].to_numpy()
        for factor in road_factor:
            miles = both_ways * factor
            needed = pilot["miles_saved"] / miles
            rows = {
                ("miles, everybody", a_year): miles * np.average(km, weights=weight),
                ("miles, more than an hour away", a_year): miles
                * np.average(km[far], weights=weight[far]),
                ("miles, a local hospital nearer", a_year): miles
                * np.average(km[near], weights=weight[near]),
                ("straight line one way that gives the pilot's miles", "miles"): needed / KM_A_MILE,
                ("expected patients who live as far", "per cent"): 100
                * np.average(km >= needed, weights=weight),
                ("local hospitals whose people live as far", "per cent"): 100
                * np.mean(hospital >= needed),
            }
            rows[
                "expected patients with longer journeys, the miles being all its people's",
                "per cent",
            ] = 100 * np.average(km > needed / together, weights=weight)
            one_visit = rows["miles, everybody", a_year] / pilot["visits_avoided"]
            rows["there and back, the pilot's miles being a person's", a_visit] = one_visit
            rows["there and back, the pilot's miles being all its people's", a_visit] = one_visit
            for key, value in rows.items():
                values.setdefault(key, []).append(float(value))
    person = pilot["miles_saved"] / pilot["visits_avoided"]
    published = {
        "miles, everybody": pilot["miles_saved"],
        "miles, more than an hour away": pilot["miles_saved"],
        "miles, a local hospital nearer": pilot["miles_saved"],
        "there and back, the pilot's miles being a person's": person,
        "there and back, the pilot's miles being all its people's": person / together,
    }
    out = pd.DataFrame(
        [
            {"measure": measure, "unit": unit, "estimate": known[0], "low": min(known),
             "high": max(known)}
            for (measure, unit), known in values.items()
        ]
    )  # fmt: skip
    pilots = out["measure"].map(published)
    return out.assign(published_estimate=pilots, difference=out["estimate"] - pilots)


# --- Everything ---------------------------------------------------------------------------------


def sites_by_list(
    hospitals: pd.DataFrame, centres: pd.DataFrame, same_place_km: float
) -> tuple[pd.DataFrame, dict[str, tuple[list[str], list[str]]]]:
    """List every site, and name the centres and the local hospitals of every list of centres.

    Parameters
    ----------
    hospitals, same_place_km : as for `care_boards.candidates`.
    centres : the list: `site`, `certainty`, `postcode`, `latitude`, `longitude`.

    Returns
    -------
    Every site (`site`, `postcode`, `latitude`, `longitude`): the centres, and after them the
    hospitals that are local ones on some list; and for each list the names of its centres and of
    its local hospitals.
    """
    places = ["site", "postcode", "latitude", "longitude"]
    every, named = [centres[places]], {}
    for name in access.LISTS:
        of_list = centres[centres["certainty"].isin(list(name))]
        found = care_boards.candidates(hospitals, of_list, same_place_km)
        # A site of grade C is noted, and kept, by `candidates`; on the longest list it is a centre.
        found = found[found["note"] == ""]
        every.append(found[places])
        named[name] = (of_list["site"].tolist(), found["site"].tolist())
    return pd.concat(every).drop_duplicates("site", ignore_index=True), named


def everything(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    km: pd.DataFrame,
    sites: Mapping[str, tuple[Sequence[str], Sequence[str]]],
    board: str,
    hub: str,
    table: pd.DataFrame,
    drawn: pd.DataFrame,
    pilot: Mapping[str, float],
) -> dict[str, pd.DataFrame]:
    """Work out every table of the page on every list of centres.

    Parameters
    ----------
    areas : one row an area: `area_code`, `board`, `expected_patients`, `deprivation_quintile`,
        `rural_urban`.
    minutes, km : one-way minutes and straight lines; index `area_code`, one column a site.
    sites : for each list the names of the centres and of the local hospitals.
    board, hub : the board of the worked case, and the centre to which all its people are taken to
        go.
    table, drawn : as for `scenarios`.
    pilot : as for `against_pilot`.

    Returns
    -------
    Tidy tables by name: `virtual_review` (ranges over lists and draws) and, beginning so, `by_list`
    (hours of everybody and of the fifths), `exclusion`, `with_video`, `compared`, `moves` (base
    list), `miles`, `pilot`, `board` and `board_hospitals`.
    """
    people = areas.groupby(FIFTH)["expected_patients"].sum().reindex(range(1, 6), fill_value=0.0)
    people = people.to_numpy(float)
    here = areas[areas["board"] == board]
    of_hub = {name: ([hub], local) for name, (_, local) in sites.items()}
    found, at_hub = ({name: ways(*((minutes[list(of)], km[list(of)]) for of in two))
                      for name, two in which.items()} for which in (sites, of_hub))  # fmt: skip
    groups = [FIFTH, BAND, "rural_urban"]
    parts = {name: cells(areas, one, groups) for name, one in found.items()}
    board_parts = {name: cells(here, one, [FIFTH]) for name, one in at_hub.items()}

    def on_all(of: Mapping, function, *more) -> pd.DataFrame:
        each = [function(one, table, drawn, *more).assign(centre_list=name)
                for name, one in of.items()]  # fmt: skip
        return pd.concat(each, ignore_index=True)

    by_list = on_all(parts, scenarios, people, groups)
    shown = by_list["measure"].isin(["hours", "hours saved", SHARE_SAVED])
    shown &= by_list["group_by"].isin(["all", FIFTH])
    by_hospital = {name: by_local_hospital(here, one) for name, one in at_hub.items()}
    factor = table.set_index("name").loc["road_factor", ["value", "low", "high"]].astype(float)
    moves = [
        what_moves(parts[centre_lists.BASE], table, people, plan) for plan in PLANS if plan != NOW
    ]
    return {
        "virtual_review": over_lists(by_list),
        "virtual_review_by_list": by_list[shown],
        "virtual_review_exclusion": over_lists(on_all(parts, exclusion, people, RATIOS)),
        "virtual_review_with_video": over_lists(on_all(parts, with_and_without_video, [BAND])),
        "virtual_review_compared": over_lists(on_all(parts, which_saves_more, people, [BAND])),
        "virtual_review_moves": pd.concat(moves, ignore_index=True),
        "virtual_review_miles": over_lists(on_all(parts, miles_check)),
        "virtual_review_pilot": against_pilot(areas, found, tuple(factor), pilot),
        "virtual_review_board": over_lists(on_all(board_parts, scenarios, people, [FIFTH])),
        "virtual_review_board_hospitals": local_over_lists(
            by_hospital, float(here["expected_patients"].sum())
        ),
    }


def quoted(
    table: pd.DataFrame, groups: Sequence[str] = QUOTED_GROUPS
) -> list[tuple[str, str, dict[str, str]]]:
    """List the rows of a table of plans that prose may quote, each with its key and its form.

    Parameters
    ----------
    table : as `over_lists` returns it for `scenarios`.
    groups : the groups to quote, all measures of `all` and only hours of the others; the key of
        `all` has no group.

    Returns
    -------
    Key (`follow_ups.hours saved`, `every.1.hours`), format, and the row: what `Page.number` takes.
    """
    rows = table[table["measure"].isin(list(FORMS)) & table["scenario"].isin(list(KEYS))]
    out, names = [], ("scenario", "group", "measure")
    for row in rows.to_dict("records"):
        whole = row["group"] == "all"
        if row["group"] not in groups or not (whole or row["measure"].startswith("hours")):
            continue
        group = "" if whole else f"{row['group']}."
        key = f"{KEYS[row['scenario']]}.{group}{row['measure']}"
        form = form_of(row, FORMS[row["measure"]])
        out.append((key, form, {name: row[name] for name in names}))
    return out


def each(table: pd.DataFrame, key: str, digits: str) -> list[tuple[str, str, dict]]:
    """List every row of a published table that has a range, each with its key and its form.

    Parameters
    ----------
    table : `estimate`, `low`, `high`, and the columns that the key names.
    key : the key, with columns in it: `virtual.{level}.{group}`; it tells the rows apart.
    digits : how a number is written: `.1f`.

    Returns
    -------
    As `quoted`.
    """
    names = [name for _, name, _, _ in Formatter().parse(key) if name]
    return [
        (key.format(**row), form_of(row, digits), {name: row[name] for name in names})
        for row in table.to_dict("records")
    ]


def form_of(row: Mapping, digits: str) -> str:
    """Write an estimate with its range, or by itself where both ends are written alike.

    Parameters
    ----------
    row : `estimate`, `low`, `high`.
    digits : how a number is written: `.1f`.

    Returns
    -------
    The format, with the names of the columns in it.
    """
    if len({format(row[column], digits) for column in ("estimate", "low", "high")}) == 1:
        return f"{{estimate:{digits}}}"
    return f"{{estimate:{digits}}} ({{low:{digits}}} to {{high:{digits}}})"


def titles(board: str, hub: str) -> dict[str, str]:
    """Name the tables of the page, those of the worked case with its board and its hub."""
    return {name: title.format(board=board, hub=hub) for name, title in TITLES.items()}
