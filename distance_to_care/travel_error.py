"""How wrong modelled drives can be, what that does to the results, and where a straight line fails.

Every function takes tables and returns tidy tables. An error is modelled minutes less the minutes
of the travel matrix, for hospitals that the model had not seen (`geography.held_out_minutes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from distance_to_care import access, geography

# The base list of centres, by the certainty of its sites.
_BASE = "AB"
# Held-out hospitals are told apart by the kilometres to their nearest other hospital.
CLASS_EDGES_KM = (0.0, 11.0, 25.0)
CLASSES = ("up to 11 km", "11 to 25 km", "more than 25 km")
# Errors matter where people would drive: journeys of the matrix up to so many minutes.
_WITHIN_MINUTES = 120.0
# A map of errors has rings (kilometres from the hospital) and sectors (directions).
_RINGS_KM = np.r_[np.arange(1.0, 41.0, 2.0), np.arange(43.0, 200.0, 5.0)]
_SECTORS = 36
_INTERVAL = (0.025, 0.975)


def _class_of(km: np.ndarray) -> np.ndarray:
    return np.searchsorted(CLASS_EDGES_KM, km, side="left") - 1


def _known(held_out: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    return geography.matrix_minutes(matrix).loc[held_out.index, held_out.columns]


def _nearest_other_km(postcodes: Sequence[str], matrix: pd.DataFrame, hospitals: pd.DataFrame):
    """Kilometres from each hospital to its nearest other hospital of the matrix."""
    known = hospitals.set_index("postcode")[["easting", "northing"]].astype(float)
    known = known.loc[[column for column in matrix if column != "area_code"]]
    points = known.loc[list(postcodes)].to_numpy()
    km = geography.straight_line_km(points[:, :1], points[:, 1:], *known.to_numpy().T)
    return np.sort(km, axis=1)[:, 1]


def _measured(error: np.ndarray) -> tuple[tuple[str, float], ...]:
    absolute = np.abs(error)
    return (
        ("median absolute error", float(np.median(absolute))),
        ("p90 absolute error", float(np.quantile(absolute, 0.9))),
        ("mean error", float(error.mean())),
    )


def by_hospital(
    held_out: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame
) -> pd.DataFrame:
    """Measure the error of modelled minutes for every hospital that was left out.

    Parameters
    ----------
    held_out : what `geography.held_out_minutes` returned.
    matrix, hospitals : the tables `travel_minutes` and `hospitals`.

    Returns
    -------
    Tidy table, three rows a hospital: `measure` (median and 90th percentile of the absolute error,
    mean error), `group` (the hospital), `term` (its postcode), `level` (class of the kilometres to
    its nearest other hospital), `distance_km` (those kilometres), `areas` (areas at most 120
    minutes away, on which the error is measured), `estimate`, `unit`.
    """
    known = _known(held_out, matrix)
    names = hospitals.set_index("postcode")["hospital"]
    km = _nearest_other_km(list(held_out), matrix, hospitals)
    rows = []
    for postcode, away in zip(held_out, km, strict=True):
        within = (known[postcode] <= _WITHIN_MINUTES).to_numpy()
        error = (held_out[postcode] - known[postcode]).to_numpy()[within]
        level = CLASSES[int(_class_of(away))]
        rows += [
            (measure, names[postcode], postcode, level, away, len(error), estimate, "minutes")
            for measure, estimate in _measured(error)
        ]
    columns = ["measure", "group", "term", "level", "distance_km", "areas", "estimate", "unit"]
    return pd.DataFrame(rows, columns=columns)


def by_distance(
    held_out: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame
) -> pd.DataFrame:
    """Measure the error of modelled minutes by how far the hospital is from its nearest other.

    Parameters
    ----------
    held_out, matrix, hospitals : as for `by_hospital`.

    Returns
    -------
    Tidy table: `measure`, `group` (class of kilometres; all), `level` (`up to two hours`, or
    `nearest areas`: those that no other English hospital of the matrix is nearer to), `areas`
    (pairs of area and hospital), `estimate`, `unit`, `note` (hospitals).
    """
    known = _known(held_out, matrix)
    error = (held_out - known).to_numpy()
    minutes = known.to_numpy()
    of_class = _class_of(_nearest_other_km(list(held_out), matrix, hospitals))
    cells = {
        "up to two hours": minutes <= _WITHIN_MINUTES,
        "nearest areas": minutes == minutes.min(axis=1, keepdims=True),
    }
    rows = []
    for level, chosen in cells.items():
        for place, group in enumerate(("all", *CLASSES)):
            columns = np.ones(len(of_class), bool) if group == "all" else of_class == place - 1
            if not columns.any():
                continue
            found = error[:, columns][chosen[:, columns]]
            note = f"{int(columns.sum())} hospitals"
            rows += [
                (measure, group, level, len(found), estimate, "minutes", note)
                for measure, estimate in _measured(found)
            ]
    columns = ["measure", "group", "level", "areas", "estimate", "unit", "note"]
    return pd.DataFrame(rows, columns=columns)


def faults_and_cells(
    faults: pd.DataFrame, cells: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put what was mended in the travel matrix into the form of published tables.

    Parameters
    ----------
    faults : the table `travel_matrix_mended`.
    cells : the table `travel_matrix_mended_cells`.

    Returns
    -------
    Two tidy tables. Kinds of fault: `measure`, `estimate` (cells), `areas`, `unit`, `note` (what
    was done). Cells: `area_code`, `area`, `term` (postcode of the hospital), `note` (the fault),
    `published_estimate` and `estimate` (minutes before and after), `difference`, `unit`.
    """
    kinds = faults.rename(columns={"fault": "measure", "cells": "estimate", "done": "note"})
    kinds = kinds[["measure", "estimate", "areas", "note"]].assign(unit="cells")
    each = pd.DataFrame(
        {
            "area_code": cells["area_code"],
            "area": cells["area_name"],
            "term": cells["hospital_postcode"],
            "note": cells["fault"],
            "published_estimate": cells["minutes_before"],
            "estimate": cells["minutes_after"],
            "difference": cells["minutes_before"] - cells["minutes_after"],
            "unit": "minutes",
        }
    )
    return kinds, each


# --- Carried into the results ------------------------------------------------------------------


def error_maps(
    held_out: pd.DataFrame, matrix: pd.DataFrame, areas: pd.DataFrame, hospitals: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the errors around every held-out hospital as a map of rings and sectors.

    Parameters
    ----------
    held_out, matrix, hospitals : as for `by_hospital`.
    areas : the table `areas`.

    Returns
    -------
    Minutes of error (hospitals x rings x sectors), each that of the area nearest to the middle of
    the ring and sector; and the class of each hospital, a place in `CLASSES`.
    """
    error = (held_out - _known(held_out, matrix)).to_numpy()
    tree = cKDTree(areas.set_index("area_code").loc[held_out.index, ["easting", "northing"]])
    centres = hospitals.set_index("postcode").loc[list(held_out), ["easting", "northing"]]
    angle = (np.arange(_SECTORS) + 0.5) * 2 * np.pi / _SECTORS
    metres = 1000 * _RINGS_KM[:, None]
    around = np.stack(np.broadcast_arrays(metres * np.sin(angle), metres * np.cos(angle)), axis=-1)
    maps = np.empty((len(centres), len(_RINGS_KM), _SECTORS), dtype=np.float32)
    for place, centre in enumerate(centres.to_numpy(float)):
        maps[place] = error[tree.query(centre + around)[1], place]
    return maps, _class_of(_nearest_other_km(list(held_out), matrix, hospitals))


def _cells(point: np.ndarray, areas: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Ring and sector of every area as seen from a site."""
    east = areas["easting"].to_numpy(float) - point[0]
    north = areas["northing"].to_numpy(float) - point[1]
    between = (_RINGS_KM[1:] + _RINGS_KM[:-1]) / 2
    ring = np.searchsorted(between, np.hypot(east, north) / 1000)
    turn = np.arctan2(east, north) % (2 * np.pi)
    return ring, np.minimum((turn * _SECTORS / (2 * np.pi)).astype(int), _SECTORS - 1)


class _Draws:
    """What the minutes to the nearest centre may really be, where some centres are modelled."""

    def __init__(self, minutes, sites, modelled_km, areas, maps, alike):
        self.errors, of_class = maps
        modelled = [site for site in minutes if site in modelled_km]
        known = minutes.drop(columns=modelled).to_numpy(float)
        self.known = known.min(axis=1) if known.size else np.full(len(minutes), np.inf)
        points = dict(zip(sites["site"], geography.site_points(sites), strict=True))
        self.modelled = [
            (
                minutes[site].to_numpy(float),
                *_cells(points[site], areas),
                np.flatnonzero(
                    (of_class == _class_of(np.float64(modelled_km[site]))) | (not alike)
                ),
            )
            for site in modelled
        ]

    def nearest(self, random: np.random.Generator) -> np.ndarray:
        """Minutes to the nearest centre in one draw, for every area."""
        nearest = self.known.copy()
        for minutes, ring, sector, pool in self.modelled:
            turned = np.roll(self.errors[random.choice(pool)], random.integers(_SECTORS), axis=1)
            truth = np.maximum(minutes - turned[ring, sector], geography.START_MINUTES)
            np.minimum(nearest, truth, out=nearest)
        return nearest


def carried_into(
    minutes: pd.DataFrame,
    sites: pd.DataFrame,
    modelled_km: Mapping[str, float],
    areas: pd.DataFrame,
    maps: tuple[np.ndarray, np.ndarray],
    group: str,
    level: str,
    multipliers: Mapping[str, float],
    alike: bool = True,
    replicates: int = 200,
    seed: int = 1,
) -> pd.DataFrame:
    """Say how far the error of modelled drives reaches into means and shares.

    In every draw each modelled site gets the errors of one held-out hospital of its class: the map
    of them is laid around the site, turned by a random angle, and taken off the modelled minutes.
    So the errors of neighbouring areas stay alike, as they are in the model.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site of one list of centres.
    sites : `site`, `latitude`, `longitude`.
    modelled_km : kilometres to the nearest hospital of the matrix, for each modelled site; other
        sites are hospitals of the matrix and are taken as they are.
    areas : one row an area, in the order of `minutes`: `easting`, `northing`, `people`, and the
        columns `group` and `level`.
    maps : what `error_maps` returned.
    group, level : columns whose groups are summarised, alone and together.
    multipliers : for each scenario what minutes are multiplied by.
    alike : draw from hospitals of the site's class only; from all held-out hospitals otherwise.
    replicates : number of draws.
    seed : same seed, same answer.

    Returns
    -------
    Tidy table: `scenario`, `measure` (mean, beyond 30, 60, 90 minutes), `group_by`, `group`,
    `level`, `people`, `estimate` (as modelled), `low`, `high` (the middle 95 per cent of the
    draws: the error of the model and nothing else), `unit`. The draws lie mostly below the
    estimate: the nearest of several uncertain drives is as a rule nearer than the nearest modelled.
    """
    people = areas["people"].to_numpy(float)
    cuts, weights = [], []
    for at in ("all", *sorted(areas[level].dropna().unique())):
        for name in ("all", *sorted(areas[group].dropna().unique())):
            inside = np.ones(len(areas), dtype=bool)
            inside &= (areas[level] == at).to_numpy() if at != "all" else True
            inside &= (areas[group] == name).to_numpy() if name != "all" else True
            if (inside * people).sum() > 0:
                cuts.append((str(name), str(at)))
                weights.append(inside * people)
    weights = np.array(weights)
    total = weights.sum(axis=1)
    limits = geography.BEYOND_MINUTES
    random = np.random.default_rng(seed)
    draws = _Draws(minutes, sites, modelled_km, areas, maps, alike)

    def summed(nearest: np.ndarray) -> np.ndarray:
        mean = weights @ nearest
        parts = []
        for times in multipliers.values():
            parts.append(mean * times)
            parts += [100 * (weights @ (nearest * times > limit)) for limit in limits]
        return np.array(parts) / total

    found = summed(minutes.to_numpy(float).min(axis=1))
    drawn = np.stack([summed(draws.nearest(random)) for _ in range(replicates)])
    low, high = np.quantile(drawn, _INTERVAL, axis=0)
    measures = [("mean", "minutes"), *((f"beyond {m} minutes", "per cent") for m in limits)]
    rows = [
        (scenario, measure, group, *cuts[k], round(total[k]), found[m, k], low[m, k], high[m, k],
         unit)
        for m, (scenario, (measure, unit)) in enumerate(
            (scenario, each) for scenario in multipliers for each in measures
        )
        for k in range(len(cuts))
    ]  # fmt: skip
    columns = ["scenario", "measure", "group_by", "group", "level", "people", "estimate", "low",
               "high", "unit"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def carried_over_lists(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    modelled_km: Mapping[str, float],
    areas: pd.DataFrame,
    maps: tuple[np.ndarray, np.ndarray],
    slower: float,
    replicates: int = 200,
) -> pd.DataFrame:
    """Carry the error of the model into travel by deprivation and rurality, for every list.

    Parameters
    ----------
    minutes, modelled_km, maps, replicates : as for `carried_into`; `minutes` of all sites.
    centres : the list: `site`, `certainty`, `latitude`, `longitude`.
    areas : as for `carried_into`, with `deprivation_quintile` and `rural_urban`.
    slower : what minutes are multiplied by for slower driving.

    Returns
    -------
    Tidy table as `carried_into`, with `centre_list` (A, AB the base list, ABC), `value` (what the
    minutes are multiplied by) and `scenario`: ordinary driving, as the matrix has it; slower
    driving; and, for the base list, `errors of any hospital`: ordinary driving with errors of any
    held-out hospital instead of those that are about as near to another.
    """
    speeds = {"ordinary driving": 1.0, "slower driving": slower}
    parts = []
    for grades in access.LISTS:
        sites = centres[centres["certainty"].isin(list(grades))]
        cases = [(speeds, True)]
        if grades == _BASE:
            cases.append(({"errors of any hospital": 1.0}, False))
        parts += [
            carried_into(
                minutes[sites["site"]], sites, modelled_km, areas, maps, "deprivation_quintile",
                "rural_urban", multipliers, alike, replicates,
            ).assign(centre_list=grades, value=lambda t, m=multipliers: t["scenario"].map(m))
            for multipliers, alike in cases
        ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


# --- Straight lines ----------------------------------------------------------------------------


def against_straight_line(
    minutes: pd.DataFrame, km: pd.DataFrame, areas: pd.DataFrame, group: str
) -> pd.DataFrame:
    """Compare the drive to the nearest centre with the straight line, weighted by people.

    Parameters
    ----------
    minutes, km : to every centre of one list; index `area_code`, one column a site.
    areas : one row an area, in that order: `people` and the column `group`.
    group : column whose groups get rows; everybody gets rows in any case.

    Returns
    -------
    Tidy table `measure`, `group_by`, `group`, `people`, `estimate`, `unit`. Measures: mean minutes
    and mean kilometres to the centre nearest by car, minutes for each of those kilometres, per cent
    of people for whom the straight line picks another centre, and the minutes that they would lose.
    """
    rows = np.arange(len(minutes))
    drive, line = minutes.to_numpy(float), km.to_numpy(float)
    by_car, by_line = drive.argmin(axis=1), line.argmin(axis=1)
    frame = pd.DataFrame(
        {
            "group": areas[group].astype(str).to_numpy(),
            "people": areas["people"].to_numpy(float),
            "minutes": drive[rows, by_car],
            "km": line[rows, by_car],
            "lost": drive[rows, by_line] - drive[rows, by_car],
        }
    )
    frame["other"] = by_car != by_line
    found = []
    for name, part in [("all", frame), *frame.groupby("group")]:
        people = part["people"].to_numpy()
        mean_minutes = np.average(part["minutes"], weights=people)
        mean_km = np.average(part["km"], weights=people)
        other = part[part["other"]]
        misled = other["people"].sum()
        lost = np.average(other["lost"], weights=other["people"]) if misled > 0 else np.nan
        found += [
            (measure, name, round(people.sum()), estimate, unit)
            for measure, estimate, unit in (
                ("mean", mean_minutes, "minutes"),
                ("mean straight line", mean_km, "km"),
                ("minutes a kilometre", mean_minutes / mean_km, "minutes a km"),
                ("straight line picks another centre", 100 * misled / people.sum(), "per cent"),
                ("minutes lost where it does", lost, "minutes"),
            )
        ]
    table = pd.DataFrame(found, columns=["measure", "group", "people", "estimate", "unit"])
    return table.assign(group_by=group)


def straight_line_over_lists(
    minutes: pd.DataFrame,
    km: pd.DataFrame,
    centres: pd.DataFrame,
    areas: pd.DataFrame,
    group: str,
    steady_minutes: float | None = None,
) -> pd.DataFrame:
    """Compare the drive with the straight line under every list of centres.

    Parameters
    ----------
    minutes, km, areas, group : as for `against_straight_line`; to all sites.
    centres : the list: `site`, `certainty` (A, B, C).
    steady_minutes : for places with names, such as regions: how far the mean of a place may move
        between the lists before it is told as a range only.

    Returns
    -------
    The table of `against_straight_line` for the base list, with `low` and `high` over the lists.
    Estimates of a place that is told as a range only are left empty.
    """
    by_list = {}
    for grades in access.LISTS:
        sites = centres.loc[centres["certainty"].isin(list(grades)), "site"]
        by_list[grades] = against_straight_line(minutes[sites], km[sites], areas, group)
    keys = ["group_by", "group", "measure"]
    every = pd.concat(by_list.values()).groupby(keys)["estimate"].agg(["min", "max"])
    out = by_list[_BASE].merge(every.reset_index(), on=keys)
    out = out.rename(columns={"min": "low", "max": "high"})
    if steady_minutes is not None:
        means = out[out["measure"] == "mean"].set_index("group")
        moving = means.index[means["high"] - means["low"] > steady_minutes]
        out.loc[out["group"].isin(moving.drop("all", errors="ignore")), "estimate"] = np.nan
    return out


def longer_than_usual(
    areas: pd.DataFrame,
    matrix: pd.DataFrame,
    hospitals: pd.DataFrame,
    estimator: pd.DataFrame,
    by: str = "local_authority",
    within_km: tuple[float, float] = (10.0, 100.0),
) -> pd.DataFrame:
    """Find where drives are longer than is usual at their straight-line distance.

    All hospitals of the matrix between two distances count, so no list of centres plays a part.

    Parameters
    ----------
    areas : the table `areas`: `area_code`, `easting`, `northing`, `persons_2011`, and `by`.
    matrix, hospitals : the tables `travel_minutes` and `hospitals`.
    estimator : the table `travel_estimator`, whose curve says what is usual in England.
    by : column whose groups get rows.
    within_km : hospitals closer or farther than this are left out.

    Returns
    -------
    One row a group, the longest first: `by`, `areas`, `people` (all ages, Census 2011),
    `distance_km` and `travel_minutes` (means over areas and hospitals), `estimate` (mean minutes
    beyond the usual; below 0 where drives are quicker), `unit`.
    """
    minutes = geography.matrix_minutes(matrix)
    known = areas.set_index("area_code").loc[minutes.index]
    at = hospitals.set_index("postcode").loc[minutes.columns, ["easting", "northing"]]
    km = geography.straight_line_km(
        known["easting"].to_numpy()[:, None],
        known["northing"].to_numpy()[:, None],
        *at.to_numpy(float).T,
    )
    counted = (km >= within_km[0]) & (km <= within_km[1])
    extra = minutes.to_numpy() - np.interp(km, *geography.curve_of(estimator))
    number = counted.sum(axis=1)
    frame = pd.DataFrame(
        {
            by: known[by].to_numpy(),
            "areas": 1,
            "people": known["persons_2011"].to_numpy(),
            "distance_km": (km * counted).sum(axis=1) / number,
            "travel_minutes": (minutes.to_numpy() * counted).sum(axis=1) / number,
            "estimate": (extra * counted).sum(axis=1) / number,
        }
    )
    means = ["distance_km", "travel_minutes", "estimate"]
    frame[means] = frame[means].mul(frame["people"], axis=0)
    table = frame.groupby(by).sum()
    table[means] = table[means].div(table["people"], axis=0)
    table = table.sort_values("estimate", ascending=False, kind="stable").reset_index()
    return table.assign(unit="minutes")
