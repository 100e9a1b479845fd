"""How far people live from the nearest specialist centre, by deprivation and by kind of place."""

from __future__ import annotations

import pandas as pd

from distance_to_care import geography

# Three ways to read the list of centres, by how sure it is that a site is one.
LISTS = {"A": "surest sites only", "AB": "base list", "ABC": "every candidate site"}


def people_of_areas(
    imd: pd.DataFrame, rural_urban: pd.DataFrame, population: pd.DataFrame, from_age: int = 65
) -> pd.DataFrame:
    """Join the official files of areas: deprivation, kind of place and people of an age and over.

    Parameters
    ----------
    imd : `area_code`, `imd_decile` (1 = most deprived).
    rural_urban : `area_code`, `rural_urban` (`rural` or `urban`).
    population : `area_code` and one column of people for each year of age, `age_0` onwards.
    from_age : youngest age counted, in years.

    Returns
    -------
    One row an area of England: `area_code`, `imd_decile`, `deprivation_quintile`, `rural_urban`,
    `people`.
    """
    counted = geography.people_aged(population, from_age).reset_index()
    joined = imd[["area_code", "imd_decile"]].merge(
        rural_urban[["area_code", "rural_urban"]], validate="one_to_one"
    )
    joined = joined.merge(counted, validate="one_to_one")
    return joined.assign(deprivation_quintile=geography.quintile_from_decile(joined["imd_decile"]))


def travel_by(areas: pd.DataFrame, group: str | None, level: str | None = None) -> pd.DataFrame:
    """Summarise minutes to the nearest centre, weighted by people, by group and kind of place.

    Parameters
    ----------
    areas : one row an area: `minutes` (one way), `people`, and the columns `group` and `level`.
    group : column whose groups get rows; everybody gets rows in any case.
    level : column that cuts every group again, such as `rural_urban`.

    Returns
    -------
    Tidy table `measure` (mean, median, p90, beyond 30, 60 and 90 minutes), `group_by`, `group`,
    `level`, `people`, `estimate`, `unit` (minutes, or per cent of people).
    """
    parts = []
    cuts = [("all", areas)]
    if level is not None:
        cuts += list(areas.groupby(level))
    for name, part in cuts:
        groups = [pd.Series("all", index=part.index)]
        if group is not None:
            groups.append(part[group].astype(str))
        for column in groups:
            found = geography.summarise(part["minutes"], part["people"], column)
            parts.append(found.assign(level=name))
    table = pd.concat(parts, ignore_index=True)
    share = table["unit"] == "share"
    table.loc[share, "estimate"] *= 100
    table.loc[share, "unit"] = "per cent"
    table["measure"] = table["measure"].replace(
        {f"share_beyond_{m}": f"beyond {m} minutes" for m in geography.BEYOND_MINUTES}
    )
    return table.assign(group_by=group or "all", people=table["people"].round().astype("Int64"))


def travel_by_list(
    minutes: pd.DataFrame, centres: pd.DataFrame, areas: pd.DataFrame, group: str | None = None
) -> pd.DataFrame:
    """Summarise minutes for every way to read the list of centres: what hangs on the list.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : the list: `site`, `certainty` (A, B, C).
    areas : one row an area: `area_code`, `people`, and the column `group`.
    group : column whose groups become the `level` of the rows, beside everybody.

    Returns
    -------
    Tidy table as `travel_by`, `group` naming the grades of certainty on the list (A; AB, the base
    list; ABC), `level` the group of `areas`, `note` the list in words.
    """
    parts = []
    for grades, name in LISTS.items():
        sites = centres.loc[centres["certainty"].isin(list(grades)), "site"]
        nearest = geography.nearest(minutes[sites]).rename(columns={"value": "minutes"})
        table = travel_by(areas.merge(nearest, on="area_code"), group)
        parts.append(
            table.assign(
                level=table["group"],
                group=grades,
                group_by="certainty of the sites",
                note=f"{name}: {len(sites)} sites",
            )
        )
    return pd.concat(parts, ignore_index=True)
