"""Curves over time: steps merged until each holds enough people, and none says anybody's day.

A published curve can be turned back into people (Guyot 2012, doi 10.1186/1471-2288-12-9). So
between two published points lie enough events, and enough people whose follow-up ended without
one, or none; the curve ends where too few are followed; nothing marks when anybody left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from distance_to_care.disclosure.counts import KEY_COLUMNS, STEP_COLUMNS, STEPS_HIDDEN
from distance_to_care.disclosure.profiles import DEFAULT, Profile

# Published survival times are whole parts of a year: this many to the year.
GRID = 10
# The times, in years, at which small groups may be described, and tables that are no curves.
MILESTONES = (1.0, 2.0, 3.0, 5.0)
# Those that every table has: curves are merged so that as many of them as can be are points.
FIRST = (1.0, 3.0, 5.0)
# The largest error of a curve is published as the end of the band of this width that it lies in.
ERROR_BAND = 0.005
ERROR = "largest_error"
TIME = "time_years"
# How many left at each time of an exact curve, and are not followed to the next; and who of them
# left for another event, where the curve tells of that event as well.
LEFT, LEFT_FOR_ANOTHER = "left", "left_for_another_event"
OTHERS, FOLLOWED = STEPS_HIDDEN
EVERYBODY = "all"
_EVERY_KEY = (*KEY_COLUMNS, "reference", "outcome", "value")


def merge_steps(curve: pd.DataFrame, profile: Profile = DEFAULT) -> pd.DataFrame:
    """Merge the steps of curves: tenths of a year, enough deaths and censorings in each.

    Parameters
    ----------
    curve : exact table, one row a time at which somebody's follow-up ends: `group`, `time_years`,
        `at_risk` (people followed just before), `deaths`, `estimate`, `ci_low`, `ci_high`
        (probability), and `left`, who left then without dying; its first row, at time nought,
        holds everybody. Without `left`, people are taken to leave at the row before. A curve that
        tells of another event as well counts in `left_for_another_event` who of `left` had it
        (missing for curves that do not).
    profile : the numbers that hold.

    Returns
    -------
    The curve at its start (without counts of what happened) and at the ends of merged steps.
    First, one, three and five years are ends wherever they can be, and two years beside them
    (`standing`), so that survival told at fixed times cuts no step. Between them a step ends at
    the first tenth of a year by which enough people have died since the last, and enough have left
    without dying, or none, provided that the next fixed end can still be one. `deaths` and
    `censored` count the step (empty for none), `estimate` is the exact curve there, and `at_risk`
    those followed to that time. A group below the profile's size has steps at whole milestones
    only. Steps end where too few remain, and what comes after the last whole step is left out.
    `largest_error` is the largest distance between the exact curve and the published points joined
    by straight lines, up to the last of them: the end of a band. A curve that tells of another
    event has points at milestones alone (`telling`), which no line joins, and no `largest_error`.
    """
    kept = []
    for _, steps in curve.groupby(keys(curve), sort=False, dropna=False):
        kept.append(_merged(steps.sort_values(TIME), profile))
    merged = pd.concat(kept, ignore_index=True)
    return merged.astype({"deaths": "Int64", "censored": "Int64"})


def keys(table: pd.DataFrame) -> list[str]:
    """Name the columns that tell one group's points in time from another's."""
    found = [k for k in _EVERY_KEY if k in table and k != TIME]
    return found or [table.columns[0]]


def _merged(steps: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Merge the steps of one group; its rows in order of time."""
    start, times = steps[steps[TIME] == 0], _exact(steps[TIME])
    small = float(steps["at_risk"].iloc[0]) < profile.smallest_group_for_curve
    ends = _ends(times[(steps["deaths"] > 0).to_numpy() & (times > 0)], small)
    ends = np.union1d(ends, [m for m in MILESTONES if m <= times.max()])
    happened, followed = _until(steps, ends)
    another = _left_for_another(steps, ends)
    if another is None:
        places = _places(ends, happened, followed, profile)
    else:
        places = telling(ends, happened, another, followed, profile)
    rows, since = [], np.zeros(2)
    for place in places:
        deaths, censored = happened[place] - since
        last = steps.iloc[[np.searchsorted(times, ends[place], side="right") - 1]]
        step = {TIME: ends[place], "at_risk": int(followed[place])}
        rows.append(last.assign(**step, deaths=deaths, censored=censored))
        since = happened[place]
    nothing = start.assign(deaths=np.nan, censored=np.nan)
    merged = pd.concat([nothing, *rows], ignore_index=True)
    merged = merged.drop(columns=[LEFT, LEFT_FOR_ANOTHER], errors="ignore")
    for column in ("deaths", "censored"):
        merged[column] = merged[column].astype("Float64").replace(0, pd.NA)
    return merged.assign(**{ERROR: _largest_error(steps, merged) if another is None else np.nan})


def _places(
    ends: np.ndarray, happened: np.ndarray, followed: np.ndarray, profile: Profile
) -> list[int]:
    """Choose where the steps of a curve end: the fixed times, and what fits between them."""
    fixed = standing(ends, happened, followed, profile)
    died, fewest = happened[:, 0], _fewest(profile)
    places, since = [], np.zeros(2)
    for place, end in enumerate(ends):
        if place not in fixed:
            # A point may not leave too little before the milestone that comes next.
            to_come = next((m for m in fixed if m > place), None)
            if (
                end in MILESTONES
                or followed[place] < profile.smallest_at_risk
                or died[place] == since[0]
                or not _all_enough(happened[place] - since, fewest)
                or (to_come is not None and died[to_come] == died[place])
                or (
                    to_come is not None
                    and not _all_enough(happened[to_come] - happened[place], fewest)
                )
            ):
                continue
        places.append(place)
        since = happened[place]
    return places


def _left_for_another(steps: pd.DataFrame, ends: np.ndarray) -> np.ndarray | None:
    """Count who had another event before each end; None for a curve that does not tell of it."""
    if LEFT_FOR_ANOTHER not in steps or steps[LEFT_FOR_ANOTHER].isna().all():
        return None
    so_far = np.append(0, np.cumsum(steps[LEFT_FOR_ANOTHER].to_numpy(float)))
    return so_far[np.searchsorted(_exact(steps[TIME]), ends, side="left")]


def standing(
    times: Sequence[float], happened: np.ndarray, followed: np.ndarray, profile: Profile
) -> list[int]:
    """Choose the fixed times at which the survival of a group may stand, in every table alike.

    As many as can be of one, three and five years, the earliest of several choices, and two years
    where it can stand beside them. Two years never decide, since not every table has them.

    Parameters
    ----------
    times : years, in order; those that are no milestones never stand.
    happened : one row a time, and in its columns how many people have died, and how many have left
        otherwise, by then (and of these, how many had another event that is told of, and how many
        had not).
    followed : how many people are followed to each time.
    profile : the numbers that hold.

    Returns
    -------
    The places of the chosen times.
    """
    times, none = np.asarray(times, float), np.zeros((1, happened.shape[1]))
    fewest = _fewest(profile, happened.shape[1])
    able = [
        i for i in np.flatnonzero(np.isin(times, MILESTONES)) if _followed(followed[i], profile)
    ]

    def stand(places: Sequence[int]) -> bool:
        between = np.diff(np.concatenate([none, happened[list(places)]]), axis=0)
        if profile.zero_is_small and (between[:, 2:3] == 0).any():
            return False
        return all(_all_enough(each, fewest) for each in between)

    first = [i for i in able if times[i] in FIRST]
    choices = (c for size in range(len(first), 0, -1) for c in combinations(first, size))
    chosen = next((list(c) for c in choices if stand(c)), [])
    for other in able:
        if other not in chosen and stand(sorted([*chosen, other])):
            chosen = sorted([*chosen, other])
    return [int(place) for place in chosen]


def telling(
    times: Sequence[float],
    happened: np.ndarray,
    others: np.ndarray,
    followed: np.ndarray,
    profile: Profile,
) -> list[int]:
    """Choose, of the times at which survival stands, those that may also tell of another event.

    The share who died where another event comes first, beside survival where it counts as leaving,
    tells how many had that event. So both stand together only where enough people had it, in all
    and since the time before.

    Parameters
    ----------
    times, happened, followed, profile : as for `standing`.
    others : how many of those who left had the other event by each time.

    Returns
    -------
    The places of the chosen times.
    """
    shown = standing(times, happened, followed, profile)
    every = np.column_stack([happened, others, happened[:, 1:] - others[:, None]])
    times = np.asarray(times, float)
    return [shown[i] for i in standing(times[shown], every[shown], followed[shown], profile)]


def _followed(followed: float, profile: Profile) -> bool:
    # A published table does not say again how many are followed where it withholds it.
    return np.isnan(followed) or followed >= profile.smallest_at_risk


def _fewest(profile: Profile, columns: int = 2) -> tuple[int, ...]:
    """Fewest deaths and others who left, and of what else must not be small."""
    events, left = profile.smallest_step_events, profile.smallest_step_censored
    return (events, left, max(events, profile.threshold), left)[:columns]


def _all_enough(counts: np.ndarray, fewest: Sequence[int]) -> bool:
    return all(map(_enough, counts, fewest))


def _exact(years: pd.Series) -> np.ndarray:
    """Times without the last digits, in which a whole year may differ from itself."""
    return np.round(years.to_numpy(float), 9)


def _until(steps: pd.DataFrame, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count who died by each end, who left before it, and who is followed to it."""
    times, at_risk = _exact(steps[TIME]), steps["at_risk"].to_numpy(float)
    deaths = steps["deaths"].to_numpy(float)
    # Who was followed at one time and is not at the next, nor died, has left in between.
    left = np.append(at_risk[:-1] - deaths[:-1] - at_risk[1:], 0.0)
    if LEFT in steps:
        left[-1] = steps[LEFT].iloc[-1]
    by, before = (np.searchsorted(times, ends, side=side) for side in ("right", "left"))
    died, gone = (np.append(0, np.cumsum(each)) for each in (deaths, left))
    happened = np.column_stack([died[by], gone[before]])
    return happened, at_risk[0] - died[before] - gone[before]


def _ends(times: np.ndarray, small: bool) -> np.ndarray:
    """The times at which steps could end: the milestones or the tenths of a year after deaths.

    Rounding up keeps the estimate true: nobody else of the group dies before that time.
    """
    if small:
        later = np.append(MILESTONES, np.nan)[np.searchsorted(MILESTONES, times)]
        return np.unique(later[~np.isnan(later)])
    return np.unique(np.ceil(np.round(times * GRID, 9)) / GRID)


def _enough(count: float, fewest: int) -> bool:
    """Say whether a step rests on enough people, or on nobody."""
    return count == 0 or count >= fewest


def _largest_error(exact: pd.DataFrame, merged: pd.DataFrame) -> float:
    """Largest distance of the published points, joined by lines, from the exact curve: a band."""
    times, points = merged[TIME].to_numpy(float), merged["estimate"].to_numpy(float)
    at, curve = exact[TIME].to_numpy(float), exact["estimate"].to_numpy(float)
    inside = at <= times[-1]
    at, after = at[inside], curve[inside]
    before = np.append(after[:1], after[:-1])
    lines = np.interp(at, times, points)
    # The exact curve jumps: just before a death it stands where the death before had left it.
    largest = max(np.abs(lines - after).max(), np.abs(lines - before).max())
    bands = np.ceil(np.round(largest / ERROR_BAND, 9))
    return float(np.round(max(bands, 1) * ERROR_BAND, 3))


def is_curve(table: pd.DataFrame) -> bool:
    """Say whether a table of people has steps in time: more points than milestones in a group."""
    if TIME not in table or set(STEP_COLUMNS) & set(table):
        return False
    shown = table[table[TIME].notna()]
    if shown.empty:
        return False
    if ERROR in table or (shown[TIME] == 0).any():
        return True
    off = ~shown[TIME].astype(float).isin(MILESTONES)
    return bool(off.any())


def faults(table: pd.DataFrame, profile: Profile) -> list[str]:
    """Say which rules the points of curves break: nothing where all are kept.

    Parameters
    ----------
    table : as `merge_steps` returns it, or as it was published.
    profile : the numbers that hold.
    """
    needed = [c for c in (TIME, "at_risk", "deaths", "censored") if c not in table]
    if needed:
        return [f"its points in time do not say the people behind each step ({', '.join(needed)})"]
    start = table[TIME] == 0
    later = table[~start]
    found = []
    for column, fewest in (
        ("deaths", profile.smallest_step_events),
        ("censored", profile.smallest_step_censored),
        ("at_risk", profile.smallest_at_risk),
    ):
        if (later[column].fillna(fewest) < fewest).any():
            found.append(f"a step rests on fewer than {fewest} people ({column})")
    times = later[TIME].astype(float)
    if not np.allclose(times * GRID, (times * GRID).round()):
        found.append("a time is not a whole tenth of a year, and may be somebody's day")
    if later["at_risk"].isna().any():
        found.append("a step does not say how many people are followed")
    by = [table[k] for k in keys(table)]
    size = table["at_risk"].where(start).astype("Float64").groupby(by, dropna=False)
    size = size.transform("max")
    small = (size < profile.smallest_group_for_curve).fillna(True).astype(bool)
    if "suppressed" in table:
        # The size that was withheld with that of another group was known when the steps were made.
        withheld = (start & table["suppressed"]).astype(bool)
        small &= ~(size.isna() & withheld.groupby(by, dropna=False).transform("any"))
    if (small[~start] & ~times.isin(MILESTONES)).any():
        found.append(
            f"a group of fewer than {profile.smallest_group_for_curve} people, or of an unknown "
            "number, has points besides the milestones"
        )
    counted = table[["deaths", "censored"]].notna().any(axis=1)
    if (start & counted).any():
        found.append("something is counted at the start, before anything can have happened")
    return found


def milestones(table: pd.DataFrame, profile: Profile) -> tuple[pd.DataFrame, pd.Series]:
    """Find the fixed times that may not be shown: those that are no point of the merged curve.

    Parameters
    ----------
    table : one row a group and time, with `step_events` and `step_censored`: people who had the
        event, and whose follow-up ended without it, since the time before (empty: nobody). Where a
        row is about another event as well, `step_others` counts the people of `step_censored` who
        had it; where `at_risk` is missing, `step_followed` counts the people followed to the time.
    profile : the numbers that hold.

    Returns
    -------
    The table without the hidden two, in which `step_events` and `step_censored` count from the last
    time that is shown and are empty for nobody; and whether each row is withheld. The choice is
    that of `standing`, as in `merge_steps`, and so the same in every table of a group; of rows
    about another event, that of `telling`, and where one group may not be told, none is.
    """
    out = table.assign(**{c: table[c].astype("Float64") for c in STEP_COLUMNS})
    # What is no milestone is a point of no curve of a small group.
    withheld = out[TIME].notna() & ~out[TIME].astype(float).isin([0.0, *MILESTONES])
    timed = out[out[TIME].notna() & out[list(STEP_COLUMNS)].notna().any(axis=1)]
    told = {}
    for key, rows in timed.groupby(keys(timed), sort=False, dropna=False):
        rows = rows.sort_values(TIME)
        times = rows[TIME].to_numpy(float)
        happened = _so_far(rows, STEP_COLUMNS)
        followed = next((rows[c] for c in ("at_risk", FOLLOWED) if c in rows), rows[TIME] * np.nan)
        followed = followed.to_numpy(float, na_value=np.nan)
        others = None
        if OTHERS in rows and rows[OTHERS].notna().any():
            others = _so_far(rows, (OTHERS,))[:, 0]
            shown = telling(times, happened, others, followed, profile)
        else:
            shown = standing(times, happened, followed, profile)
        told[key] = _Told(rows.index, times, happened, others, set(times[shown]))
    for family in _families(told, keys(timed)):
        _alike(family, profile)
    for each in told.values():
        since = np.zeros(len(STEP_COLUMNS))
        for row, time, happened in zip(each.rows, each.times, each.happened, strict=True):
            out.loc[row, list(STEP_COLUMNS)] = happened - since
            withheld[row] = time != 0 and time not in each.shown
            if not withheld[row]:
                since = happened
    steps = {c: out[c].mask((out[c] == 0).fillna(False).astype(bool)) for c in STEP_COLUMNS}
    return out.assign(**steps).drop(columns=list(STEPS_HIDDEN), errors="ignore"), withheld


@dataclass
class _Told:
    """What a table tells of one group at fixed times."""

    rows: pd.Index
    times: np.ndarray
    happened: np.ndarray
    others: np.ndarray | None
    shown: set[float]


def _families(told: Mapping[tuple, _Told], by: Sequence[str]) -> Iterator[dict[str, _Told]]:
    """Gather the groups, by name, that tell of another event and are alike but for the group."""
    if "group" not in by:
        return
    place, families = list(by).index("group"), {}
    for key, each in told.items():
        if each.others is not None:
            family = key[:place] + key[place + 1 :]
            families.setdefault(family, {})[str(key[place])] = each
    yield from families.values()


def _alike(family: dict[str, _Told], profile: Profile) -> None:
    """Let groups tell of another event, in place, at times at which every one of them may.

    Otherwise everybody, less the groups that are shown, would give back the one that is not. Those
    who are in no group are such a group.
    """
    groups = [each for name, each in family.items() if name != EVERYBODY]
    if not groups:
        return
    together, since = set(), 0.0
    everybody = family.get(EVERYBODY)
    for time in sorted(set.intersection(*(each.shown for each in groups))):
        rest = since
        if everybody is not None and time in everybody.times:
            rest = _others_by(everybody, time) - sum(_others_by(each, time) for each in groups)
        if _enough(rest - since, _fewest(profile, 3)[2]):
            together.add(time)
            since = rest
    for each in groups:
        each.shown &= together


def _others_by(told: _Told, time: float) -> float:
    return float(told.others[told.times == time][0])


def _so_far(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Add the counts up that are told from one time to the next."""
    return rows[list(columns)].to_numpy(float, na_value=0).cumsum(axis=0)
