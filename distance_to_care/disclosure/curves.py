"""Curves over time: steps merged until each holds enough people, and none says anybody's day.

A published curve can be turned back into people (Guyot 2012, doi 10.1186/1471-2288-12-9). So
between two published points lie enough events, and enough people whose follow-up ended without
one, or none; the curve ends where too few are followed; nothing marks when anybody left.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from distance_to_care.disclosure.counts import KEY_COLUMNS, STEP_COLUMNS
from distance_to_care.disclosure.profiles import DEFAULT, Profile

# Published survival times are whole parts of a year: this many to the year.
GRID = 10
# The times, in years, at which small groups may be described, and tables that are no curves.
MILESTONES = (1.0, 2.0, 3.0, 5.0)
# The largest error of a curve is published as the end of the band of this width that it lies in.
ERROR_BAND = 0.005
ERROR = "largest_error"
TIME = "time_years"
_EVERY_KEY = (*KEY_COLUMNS, "reference", "outcome", "value")


def merge_steps(curve: pd.DataFrame, profile: Profile = DEFAULT) -> pd.DataFrame:
    """Merge the steps of curves: tenths of a year, enough deaths and censorings in each.

    Parameters
    ----------
    curve : exact table, one row a death time: `group`, `time_years`, `at_risk` (people followed
        just before), `deaths`, `estimate`, `ci_low`, `ci_high` (probability); its first row, at
        time nought, holds everybody.
    profile : the numbers that hold.

    Returns
    -------
    The curve at its start (without counts of what happened) and at the ends of merged steps. A
    step ends at the first tenth of a year by which enough people have died since the last, and
    enough have left without dying, or none, so that no time is anybody's day; `deaths` and
    `censored` count the step (empty for none), `estimate` is the exact curve there, and `at_risk`
    those followed just before the step's last death. A group below the profile's size has steps
    at whole milestones only. Steps end where too few remain, and what comes after the last whole
    step is left out. `largest_error` is the largest distance between the exact curve and the
    published points joined by straight lines, up to the last of them: the end of a band.
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
    start, later = steps[steps[TIME] == 0], steps[steps[TIME] > 0]
    followed = steps["at_risk"].to_numpy(float)
    # Who was followed at one death and is not at the next, nor died, has left in between.
    left = (followed[:-1] - steps["deaths"].to_numpy(float)[:-1] - followed[1:])[-len(later) :]
    small = followed[0] < profile.smallest_group_for_curve
    ends = _ends(later[TIME].to_numpy(float), small)
    died = later["deaths"].to_numpy(float)
    at_risk = later["at_risk"].to_numpy(float)
    rows, deaths, censored = [], 0.0, 0.0
    for place, end in enumerate(ends):
        deaths += died[place]
        censored += left[place]
        if np.isnan(end):
            continue
        if at_risk[place] < profile.smallest_at_risk:
            break
        if _enough(deaths, profile.smallest_step_events) and _enough(
            censored, profile.smallest_step_censored
        ):
            step = later.iloc[[place]].assign(**{TIME: end}, deaths=deaths, censored=censored)
            rows.append(step)
            deaths, censored = 0.0, 0.0
    nothing = start.assign(deaths=np.nan, censored=np.nan)
    merged = pd.concat([nothing, *rows], ignore_index=True)
    for column in ("deaths", "censored"):
        merged[column] = merged[column].astype("Float64").replace(0, pd.NA)
    return merged.assign(**{ERROR: _largest_error(steps, merged)})


def _ends(times: np.ndarray, small: bool) -> np.ndarray:
    """The time at which each row could end a step; NaN where a later row ends at the same one.

    Rounding up keeps the estimate true: nobody else of the group dies before that time.
    """
    if small:
        grid = np.array([*MILESTONES, np.nan])
        ends = grid[np.searchsorted(MILESTONES, times)]
    else:
        ends = np.ceil(np.round(times * GRID, 9)) / GRID
    last = np.append(ends[1:] != ends[:-1], True) if len(ends) else np.array([], dtype=bool)
    return np.where(last, ends, np.nan)


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
    """Find the fixed times of a table that may not be shown: too little happened since the last.

    Parameters
    ----------
    table : one row a group and time, with `step_events` and `step_censored`: people who had the
        event, and whose follow-up ended without it, since the time before (empty: nobody).
    profile : the numbers that hold.

    Returns
    -------
    The table, in which `step_events` and `step_censored` count from the last time that is shown
    and are empty for nobody; and whether each row is withheld.
    """
    out = table.assign(**{c: table[c].astype("Float64") for c in STEP_COLUMNS})
    withheld = pd.Series(False, index=table.index)
    timed = out[out[TIME].notna() & out[list(STEP_COLUMNS)].notna().any(axis=1)]
    fewest = (profile.smallest_step_events, profile.smallest_step_censored)
    for _, rows in timed.groupby(keys(timed), sort=False, dropna=False):
        since = np.zeros(len(STEP_COLUMNS))
        rows = rows.sort_values(TIME)
        happened = rows[list(STEP_COLUMNS)].to_numpy(float, na_value=0)
        for row, counted in zip(rows.index, happened, strict=True):
            since += counted
            out.loc[row, list(STEP_COLUMNS)] = since
            if all(map(_enough, since, fewest)):
                since[:] = 0
            else:
                withheld[row] = True
    steps = {c: out[c].mask((out[c] == 0).fillna(False).astype(bool)) for c in STEP_COLUMNS}
    return out.assign(**steps), withheld
