"""Places that are deprived and far from a specialist centre: which, and how many people.

Deprived and far is a choice of two lines, so every function takes both. What depends on the list of
centres is counted under every way to read the list and told as a range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care import access, centre_lists
from distance_to_care.problems import Problem

BASE = "AB"
MOST_DEPRIVED = {"most deprived fifth": (1,), "two most deprived fifths": (1, 2)}
# What is counted: the column of the areas, how a reader is told, and the unit.
COUNTED = {
    "areas": ("areas", "areas"),
    "people": ("people aged 65 and over", "people"),
    "people_all_ages": ("people of all ages", "people"),
    "expected_patients": ("expected patients", "people"),
    "coastal_areas": ("coastal areas", "areas"),
    "rural_areas": ("rural areas", "areas"),
}
FAR_ON = {3: "every list", 2: "surest sites and base list", 1: "surest sites only"}
AGAINST_CHANCE = "deprived and far, for every 100 by chance"
# What a group is called whose kinds of place are each set against chance by themselves.
APART = "{}, kinds of place apart"
# The groups that are drawn against chance, and how a reader is told.
GROUPS = {
    "all": "All",
    "urban": "Urban",
    "rural": "Rural",
    "rural coastal": "Rural, coastal",
    "rural inland": "Rural, inland",
    APART.format("rural"): "Rural, coast and inland apart",
}
# The tables of `atlas`, and how each is headed.
TITLES = {
    "lines": "Deprived and far, by where the lines are drawn",
    "chance": "Deprived and far, against what chance would give",
    "chance_intervals": "Deprived and far against chance, with intervals",
    "places": "Places that are deprived and far",
    "names": "Which lists name a place as deprived and far",
    "map": "How deprived and how far local authorities are",
}
ONE_CLASS = "in the same class on every list"
ORDINARY, SLOWER = "ordinary driving", "slower driving"


def steadiness(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    areas: pd.DataFrame,
    kinds: Sequence[str] = ("board", "local_authority"),
) -> dict[str, pd.DataFrame]:
    """Find which places are steady between the lists of centres, for each kind of place.

    Parameters
    ----------
    minutes, centres : as for `access.minutes_by_list`.
    areas : one row an area: `area_code`, `people` and the columns of `kinds`.
    kinds : columns of places.

    Returns
    -------
    Column of places -> table as `centre_lists.over_lists` returns it.
    """
    return {
        kind: centre_lists.over_lists(access.travel_by_list(minutes, centres, areas, kind))
        for kind in kinds
    }


def mark(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
    far_minutes: float = 60.0,
) -> pd.DataFrame:
    """Say of every area whether it is deprived, and under which lists it is far.

    Parameters
    ----------
    areas : one row an area: `area_code` and the column `deprivation`.
    by_list : minutes as `access.minutes_by_list` returns them, of these areas at least.
    deprivation : column of groups of deprivation, 1 the most deprived: quintiles of any edition of
        the index, or of one of its domains.
    most_deprived : the groups that are called deprived.
    far_minutes : an area is far where the drive takes more than so many minutes, one way.

    Returns
    -------
    Index that of `areas`: `deprived`, and one column a list, true where the area is far.

    Raises
    ------
    Problem : a column is missing, or areas have no deprivation or no minutes.
    """
    for column in ("area_code", deprivation):
        if column not in areas:
            raise Problem(f"The table of areas has no column '{column}'.")
    lost = int(areas[deprivation].isna().sum())
    if lost:
        raise Problem(f"{lost:,} areas have no '{deprivation}'. Use files of the same areas.")
    of_areas = by_list.reindex(areas["area_code"])
    lost = int(of_areas.isna().any(axis=1).sum())
    if lost:
        raise Problem(f"{lost:,} areas have no minutes. Model the drive from all areas first.")
    out = (of_areas > far_minutes).set_axis(areas.index)
    out.insert(0, "deprived", areas[deprivation].isin(list(most_deprived)))
    return out


def areas_that_are_both(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
    far_minutes: float = 60.0,
) -> pd.DataFrame:
    """List the areas that are deprived, and far under one list at least.

    Parameters
    ----------
    areas, by_list, deprivation, most_deprived, far_minutes : as for `mark`.

    Returns
    -------
    Those rows of `areas`, with `travel_minutes` (base list), `low` and `high` (minutes over the
    lists), and `status`: far on every list, on the surest sites and the base list, or on the surest
    sites only (fewer sites never make an area nearer).
    """
    marked = mark(areas, by_list, deprivation, most_deprived, far_minutes)
    lists = marked.drop(columns="deprived")
    both = marked["deprived"] & lists.any(axis=1)
    minutes = by_list.reindex(areas.loc[both, "area_code"])
    return areas[both].assign(
        travel_minutes=minutes[BASE].to_numpy(),
        low=minutes.min(axis=1).to_numpy(),
        high=minutes.max(axis=1).to_numpy(),
        status=lists[both].sum(axis=1).map(FAR_ON),
    )


def count(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    place: Sequence[str] = (),
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
    far_minutes: float = 60.0,
) -> pd.DataFrame:
    """Count the areas and people that are deprived and far, place by place and list by list.

    Parameters
    ----------
    areas : as for `mark`, with the columns of `place` and those of `COUNTED` that are wanted:
        `people` (aged 65 and over), `people_all_ages`, `expected_patients`; `coastal` (true or
        false) and `rural_urban` (rural or urban), by which areas are counted again.
    by_list, deprivation, most_deprived, far_minutes : as for `mark`.
    place : columns whose places are counted each for itself, such as `local_authority`; all areas
        together where not given. Places without any such area are left out.

    Returns
    -------
    Tidy table: the columns of `place`, `measure`, `level` (the list), `estimate`, `unit`.
    """
    marked = mark(areas, by_list, deprivation, most_deprived, far_minutes)
    here = areas.assign(areas=1)
    if "coastal" in areas:
        here["coastal_areas"] = areas["coastal"].astype(int)
    if "rural_urban" in areas:
        here["rural_areas"] = (areas["rural_urban"] == "rural").astype(int)
    measures = [column for column in COUNTED if column in here]
    keys = list(place)
    deprived = here[marked["deprived"]]
    lists = [name for name in by_list.columns if name in marked]
    far = marked.loc[marked["deprived"], lists]
    parts = []
    for name in lists:
        amounts = deprived[measures].where(far[name], 0)
        if keys:
            summed = amounts.groupby([deprived[key] for key in keys]).sum()
        else:
            summed = amounts.sum().to_frame().T
        for measure in measures:
            told, unit = COUNTED[measure]
            part = summed[[measure]].rename(columns={measure: "estimate"})
            part = part.reset_index(drop=not keys).assign(measure=told, level=name, unit=unit)
            parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    table["estimate"] = table["estimate"].astype(float)
    if keys:
        found = table.groupby(keys)["estimate"].transform("sum") > 0
        table = table[found].reset_index(drop=True)
    return table[[*keys, "measure", "level", "estimate", "unit"]]


def overlap(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    place: str | Sequence[str] = (),
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
    far_minutes: float = 60.0,
    apart: str | None = None,
) -> pd.DataFrame:
    """Set those who are deprived and far beside those who would be if the two were unrelated.

    Parameters
    ----------
    areas : as for `mark`, with `people` and the columns `place` and `apart`.
    by_list, deprivation, most_deprived, far_minutes : as for `mark`.
    place : column, or columns, that are cut by one at a time, such as kind of place; everybody
        gets rows in any case. No group may stand in two of them.
    apart : column of kinds of place. A group that has several gets one more row, named as `APART`,
        for which chance is reckoned within each kind and then added up; none where not given.

    Returns
    -------
    Tidy table, weighted by `people`: `group` (of `place`, or all), `level` (the list), `measure`
    (of people in deprived areas, those who are far; of far people, those in deprived areas; of all
    people, those in deprived areas; `AGAINST_CHANCE`), `estimate`, `unit`. A share of nobody is
    missing.
    """
    marked = mark(areas, by_list, deprivation, most_deprived, far_minutes)
    rows = []
    for group, kinds in _groups(areas, place, apart).items():
        for name in by_list.columns:
            sums = _sums(areas["people"], marked["deprived"], marked[name], kinds)
            ratio = _ratios(sums).replace(np.inf, np.nan).iloc[0]
            rows.append((group, name, AGAINST_CHANCE, ratio, "people"))
            if kinds.name == apart:
                continue
            both, deprived, far, everybody = sums.iloc[0]
            for measure, part, whole in (
                ("of people in deprived areas, those who are far", both, deprived),
                ("of far people, those in deprived areas", both, far),
                ("of all people, those in deprived areas", deprived, everybody),
            ):
                share = 100 * part / whole if whole else float("nan")
                rows.append((group, name, measure, share, "per cent"))
    return pd.DataFrame(rows, columns=["group", "level", "measure", "estimate", "unit"])


def chance_intervals(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    place: str | Sequence[str] = (),
    cluster: str = "local_authority",
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
    far_minutes: float = 60.0,
    apart: str | None = None,
) -> pd.DataFrame:
    """Say how much the comparison with chance depends on a few clusters of areas, on the base list.

    Parameters
    ----------
    areas : as for `overlap`, with the column `cluster`.
    by_list, place, deprivation, most_deprived, far_minutes, apart : as for `overlap`.
    cluster : column of places within which areas are alike, such as the local authority.

    Returns
    -------
    Tidy table `group`, `measure` (`AGAINST_CHANCE`), `areas` (deprived and far), `estimate`,
    `ci_low`, `ci_high` (95%, of the logarithm, by leaving out one cluster at a time), `unit`.
    """
    marked = mark(areas, by_list, deprivation, most_deprived, far_minutes)
    rows = []
    for group, kinds in _groups(areas, place, apart).items():
        sums = _sums(areas["people"], marked["deprived"], marked[BASE], kinds, areas[cluster])
        with np.errstate(divide="ignore"):
            ends = np.exp(leaving_out_clusters(sums, lambda left: np.log(_ratios(left))))
        found = (marked["deprived"] & marked[BASE])[kinds.index]
        rows.append((group, int(found.sum()), *ends))
    table = pd.DataFrame(rows, columns=["group", "areas", "estimate", "ci_low", "ci_high"])
    return table.assign(measure=AGAINST_CHANCE, unit="people")


def leaving_out_clusters(
    sums: pd.DataFrame, statistic: Callable[[pd.DataFrame], pd.Series]
) -> tuple[float, float, float]:
    """Estimate a number that is made of sums, and its interval by the delete-one-cluster jackknife.

    Parameters
    ----------
    sums : one row a cluster: what every cluster adds to each sum.
    statistic : makes the number from sums over clusters; one number for each row that it is given.

    Returns
    -------
    The number of all clusters together, and the ends of its 95% t interval with one degree of
    freedom less than there are clusters. The ends are missing with one cluster, or where the
    number cannot be made without some cluster.

    Efron and Stein 1981, doi 10.1214/aos/1176345462.
    """
    whole = sums.sum()
    estimate = float(statistic(whole.to_frame().T).iloc[0])
    count = len(sums)
    left = statistic(whole - sums).to_numpy(float)
    if count < 2 or not np.isfinite(left).all():
        return estimate, float("nan"), float("nan")
    error = np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, count - 1) * error
    return estimate, float(estimate - reach), float(estimate + reach)


def _groups(
    areas: pd.DataFrame, place: str | Sequence[str], apart: str | None
) -> dict[str, pd.Series]:
    """The areas of every group, each with the kind of place in which chance is reckoned."""
    one = pd.Series("all", areas.index, name="all")
    groups = {"all": one}
    for column in [place] if isinstance(place, str) else place:
        groups |= {str(name): one[part.index] for name, part in areas.groupby(column)}
    if apart is not None:
        for name, part in list(groups.items()):
            kinds = areas.loc[part.index, apart]
            if len(kinds.unique()) > 1:
                groups[APART.format(name)] = kinds
    return groups


def _sums(
    people: pd.Series,
    deprived: pd.Series,
    far: pd.Series,
    kinds: pd.Series,
    cluster: pd.Series | None = None,
) -> pd.DataFrame:
    """Four sums of people a kind of place (both, deprived, far, all), one row a cluster."""
    people = people[kinds.index].astype(float)
    deprived, far = deprived[kinds.index], far[kinds.index]
    rows = pd.Series(0, kinds.index) if cluster is None else cluster[kinds.index]
    parts = []
    for kind in kinds.unique():
        here = people.where(kinds == kind, 0.0)
        parts += [here.where(deprived & far, 0), here.where(deprived, 0), here.where(far, 0), here]
    return pd.concat(parts, axis=1).groupby(rows.to_numpy()).sum()


def _ratios(sums: pd.DataFrame) -> pd.Series:
    """Make of `_sums`: those who are both, for every 100 by chance within each kind of place."""
    values = sums.to_numpy(float).reshape(len(sums), -1, 4)
    both, deprived, far, everybody = np.moveaxis(values, 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(everybody > 0, deprived * far / everybody, 0).sum(axis=1)
        return pd.Series(100 * both.sum(axis=1) / expected, sums.index)


def over_lists(by_list: pd.DataFrame) -> pd.DataFrame:
    """Put what was counted under every list into one row: the base list and the range.

    Parameters
    ----------
    by_list : tidy table as `count` or `overlap` returns it: `level` (the list), `estimate`, and
        columns that tell its rows apart.

    Returns
    -------
    Those columns, `estimate` (base list), `low`, `high` (over the lists).
    """
    keys = [column for column in by_list if column not in ("level", "estimate")]
    lists = {name: part.set_index(keys)["estimate"] for name, part in by_list.groupby("level")}
    wide = pd.DataFrame(lists)
    ranged = {"estimate": wide[BASE], "low": wide.min(axis=1), "high": wide.max(axis=1)}
    return pd.DataFrame(ranged).reset_index()


def definitions(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    driving: Mapping[str, float],
    far_minutes: Sequence[float] = (30.0, 60.0, 90.0),
    place: str | None = None,
    deprivation: str = "deprivation_quintile",
) -> pd.DataFrame:
    """Count those who are deprived and far under every way to draw the two lines.

    Parameters
    ----------
    areas, by_list, deprivation : as for `count`.
    driving : names of ways to drive, and what minutes are multiplied by in each.
    far_minutes : limits in minutes, one way.
    place : column of kinds of place that are counted each for itself; everybody together where
        not given.

    Returns
    -------
    Tidy table `measure`, `scenario` (the driving), `level` (which fifths are called deprived),
    `group` (the kind of place, or all), `value` (the limit in minutes), `estimate` (base list),
    `low`, `high` (over the lists), `unit`.
    """
    areas = areas.assign(group="all" if place is None else areas[place])
    # What is a group here is no measure too.
    areas = areas.drop(columns=["coastal", "rural_urban"], errors="ignore")
    parts = []
    for scenario, multiplier in driving.items():
        for fifths, most_deprived in MOST_DEPRIVED.items():
            for limit in far_minutes:
                chosen = (deprivation, most_deprived, limit)
                both = over_lists(count(areas, by_list * multiplier, ["group"], *chosen))
                parts.append(both.assign(scenario=scenario, level=fifths, value=float(limit)))
    return pd.concat(parts, ignore_index=True)


def by_place(counted: pd.DataFrame, place: str, steadiness: pd.DataFrame) -> pd.DataFrame:
    """Tell the counts of places so that none that depends on the list gets one number.

    Parameters
    ----------
    counted : as `count` returns it for `place`.
    place : the column of places.
    steadiness : as `centre_lists.over_lists` returns it for the same places: `level` (the place)
        and `steady`.

    Returns
    -------
    One row a place and measure: as `over_lists`, `estimate` missing where the place is not steady;
    `status` (which lists have such areas there), `steady`.

    Raises
    ------
    Problem : a place whose steadiness is not known.
    """
    out = over_lists(counted)
    steady = _steady(out[place], steadiness)
    there = counted[(counted["measure"] == "areas") & (counted["estimate"] > 0)]
    return out.assign(
        estimate=out["estimate"].where(steady),
        status=out[place].map(there.groupby(place).size()).map(FAR_ON),
        steady=steady,
    )


def _steady(names: pd.Series, steadiness: pd.DataFrame) -> pd.Series:
    """Look up whether places are steady between the lists of centres."""
    steady = names.map(steadiness.set_index("level")["steady"])
    if steady.isna().any():
        lost = names[steady.isna()].iloc[0]
        raise Problem(f"Whether '{lost}' is steady between lists of centres is not known.")
    return steady.astype(bool)


def two_ways(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    place: str,
    steadiness: pd.DataFrame,
    edges: Sequence[float],
    deprivation: str = "deprivation_quintile",
    most_deprived: Sequence[int] = (1,),
) -> pd.DataFrame:
    """Say how deprived and how far places are as a whole, for a map of both.

    Parameters
    ----------
    areas, by_list, deprivation, most_deprived : as for `count`.
    place, steadiness : as for `by_place`.
    edges : minutes at which the map's classes end.

    Returns
    -------
    One row a place and measure: `measure` (people in deprived areas; mean minutes), `estimate`
    (base list; missing where the place is not steady), `low`, `high` (over the lists), `unit`,
    `people`, `steady`, `note` (`ONE_CLASS` where every list puts the place into the same class of
    the map).

    Raises
    ------
    Problem : a place whose steadiness is not known.
    """
    marked = mark(areas, by_list, deprivation, most_deprived)
    people = areas["people"].astype(float)
    in_all = people.groupby(areas[place]).sum()
    share = 100 * people.where(marked["deprived"], 0).groupby(areas[place]).sum() / in_all
    weighted = by_list.reindex(areas["area_code"]).set_axis(areas.index).mul(people, axis=0)
    means = weighted.groupby(areas[place]).sum().div(in_all, axis=0)
    low, high = means.min(axis=1), means.max(axis=1)
    steady = _steady(means.index.to_series(), steadiness)
    one_class = pd.Series(True, means.index)
    for edge in edges:
        one_class &= (low <= edge) == (high <= edge)
    shares = pd.DataFrame({"estimate": share, "unit": "per cent"})
    minutes = pd.DataFrame({"estimate": means[BASE].where(steady), "low": low, "high": high})
    classed = one_class.map({True: ONE_CLASS, False: "the lists disagree about the class"})
    both = pd.concat(
        [
            shares.assign(measure="people in deprived areas", steady=True, note=ONE_CLASS),
            minutes.assign(measure="mean minutes", unit="minutes", steady=steady, note=classed),
        ]
    ).assign(people=in_all)
    return both.rename_axis(place).reset_index()


def places(
    areas: pd.DataFrame, by_list: pd.DataFrame, steadiness: Mapping[str, pd.DataFrame], **lines
) -> pd.DataFrame:
    """Tell the counts of several kinds of places in one table, as `by_place` tells those of one.

    Parameters
    ----------
    areas, by_list : as for `count`, with the column `board`.
    steadiness : for each column of places what `by_place` needs to know.
    lines : `deprivation`, `most_deprived`, `far_minutes`, as for `count`.

    Returns
    -------
    As `by_place`, with `group_by` (the column of places), `group` (the place), and `board`: the
    care boards that hold some of a local authority.
    """
    parts = []
    for place, of_places in steadiness.items():
        told = by_place(count(areas, by_list, [place], **lines), place, of_places)
        if place == "local_authority":
            boards = areas.groupby(place)["board"].unique().map(sorted).str.join("; ")
            told["board"] = told[place].map(boards)
        parts.append(told.rename(columns={place: "group"}).assign(group_by=place))
    return pd.concat(parts, ignore_index=True)


def named(told: pd.DataFrame) -> pd.DataFrame:
    """Write the names of the places that lists of centres agree on, and of those they do not.

    Parameters
    ----------
    told : as `places` returns it.

    Returns
    -------
    For every kind of place (`group_by`) and `level` (which lists name it) that occurs, one row for
    `group` all, steady, and not steady: `estimate` (number of places), `unit`, `note` (names in
    alphabetical order; steady ones with their number of areas on the base list, most first).
    """
    rows = []
    for kind, of_kind in told[told["measure"] == "areas"].groupby("group_by"):
        names = of_kind["group"]
        counted = names + of_kind["estimate"].map(" ({:.0f})".format)
        order = of_kind["estimate"].sort_values(ascending=False, kind="stable").index
        for status, part in of_kind.groupby("status"):
            steady = part.index[part["steady"]]
            moving = part.index[~part["steady"]]
            by_number = [place for place in order if place in steady]
            for group, listed in (
                ("all", names[part.index]),
                ("steady", counted[by_number]),
                ("not steady", names[moving]),
            ):
                row = (kind, group, status, float(len(listed)), "places", _listed(list(listed)))
                rows.append(row)
    columns = ["group_by", "group", "level", "estimate", "unit", "note"]
    return pd.DataFrame(rows, columns=columns)


def atlas(
    areas: pd.DataFrame,
    by_list: pd.DataFrame,
    steadiness: Mapping[str, pd.DataFrame],
    slower_driving: float,
    map_edges: Sequence[float] = (30, 60),
) -> dict[str, pd.DataFrame]:
    """Make every table of the chapter on places that are deprived and far.

    Deprived is the most deprived fifth, and far more than an hour, where a table does not say
    otherwise.

    Parameters
    ----------
    areas : as `access.area_table` returns it.
    by_list : as `access.minutes_by_list` returns it.
    steadiness : for `board` and `local_authority` what `by_place` needs to know.
    slower_driving : what minutes are multiplied by for slower driving.
    map_edges : as the edges of `two_ways`.

    Returns
    -------
    Tidy tables by name: `lines` (`definitions`; by kind of place for the usual lines only),
    `chance` (`overlap`, `level` the fifths that are called deprived), `chance_intervals` (the same
    way), `places`, `names` (`named`), `map` (`two_ways` of local authorities).
    """
    driving = {ORDINARY: 1.0, SLOWER: slower_driving}
    told = places(areas, by_list, steadiness)
    authorities = steadiness["local_authority"]
    chance, intervals = [], []
    for fifths, most_deprived in MOST_DEPRIVED.items():
        cut = {"place": ("rural_urban", "place"), "apart": "place", "most_deprived": most_deprived}
        chance.append(over_lists(overlap(areas, by_list, **cut)).assign(level=fifths))
        intervals.append(chance_intervals(areas, by_list, **cut).assign(level=fifths))
    return {
        "lines": pd.concat(
            [
                definitions(areas, by_list, driving, (30, 55, 60, 65, 90)),
                definitions(areas, by_list, {ORDINARY: 1.0}, (60,), "place"),
            ]
        ),
        "chance": pd.concat(chance),
        "chance_intervals": pd.concat(intervals),
        "places": told,
        "names": named(told),
        "map": two_ways(areas, by_list, "local_authority", authorities, map_edges),
    }


def _listed(names: list[str]) -> str:
    """Join names as a sentence has them; names that hold a comma or an 'and' by semicolons."""
    if not names:
        return "none"
    if any("," in name or " and " in name for name in names):
        return "; ".join(names)
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
