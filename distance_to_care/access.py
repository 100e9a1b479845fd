"""How far people live from the nearest specialist centre, by deprivation and by kind of place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from distance_to_care import geography
from distance_to_care.problems import Problem

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


def expected_patients(
    population: pd.DataFrame,
    per_100_000: float,
    doubling_years: float,
    youngest: int,
    flat_from: int,
) -> pd.Series:
    """Spread an expected national number of patients over areas by the ages of their people.

    The rate doubles with every so many years of age between two ages and is flat after; it is
    scaled so that all areas together have the stated number for every 100,000 people. This is a
    model: nobody is counted, and deprivation and smoking play no part.

    Parameters
    ----------
    population : people of all areas together: `area_code` and `age_0` ... `age_90_and_over`.
    per_100_000 : expected patients for every 100,000 people of all ages.
    doubling_years : years of age in which the rate doubles.
    youngest : age in years below which no patient is expected.
    flat_from : age in years from which the rate rises no further.

    Returns
    -------
    Expected patients by area code.
    """
    counts = _by_age(population)
    weighted = (counts * _relative_rates(counts, doubling_years, youngest, flat_from)).sum(axis=1)
    total = counts.to_numpy().sum() * per_100_000 / 100_000
    return (weighted * (total / weighted.sum())).rename("expected_patients")


def expected_by_age(
    population: pd.DataFrame,
    assumed: Mapping[str, float],
    bands: Sequence[int] = (0, 50, 60, 70, 80),
) -> pd.DataFrame:
    """Say how the expected patients of all areas together spread over ages.

    Parameters
    ----------
    population : as for `expected_patients`.
    assumed : values of the table `atlas_assumptions` by name.
    bands : ages in years at which the bands begin; the last one is open.

    Returns
    -------
    Tidy table `measure` (the rate), `group_by`, `group` (the band), `people`, `expected_patients`,
    `estimate` (expected patients for every 100,000 people of the band), `unit`.
    """
    counts = _by_age(population)
    youngest, flat_from = int(assumed["age_youngest"]), int(assumed["age_flat_from"])
    rates = _relative_rates(counts, assumed["age_doubling_years"], youngest, flat_from)
    people = counts.sum()
    expected = people * rates
    expected *= people.sum() * assumed["prevalence_per_100000"] / 100_000 / expected.sum()
    names = [f"{first} to {after - 1}" for first, after in pairwise(bands)]
    names.append(f"{bands[-1]} and over")
    ages = people.index.str.split("_").str[1].astype(int)
    band = pd.cut(ages, [*bands, 1000], right=False, labels=names)
    table = pd.DataFrame({"people": people, "expected_patients": expected})
    table = table.groupby(band, observed=True).sum().rename_axis("group").reset_index()
    return table.assign(
        group=table["group"].astype(str),
        group_by="age in years",
        measure="expected patients for every 100,000 people",
        estimate=table["expected_patients"] / table["people"] * 100_000,
        unit="per 100,000 people",
    )


def _by_age(population: pd.DataFrame) -> pd.DataFrame:
    """The columns of single years of age, with areas as the index."""
    counts = population.set_index("area_code") if "area_code" in population else population
    return counts[[column for column in counts if column.startswith("age_")]]


def _relative_rates(
    counts: pd.DataFrame, doubling_years: float, youngest: int, flat_from: int
) -> pd.Series:
    """How much likelier the disease is at each age than at the youngest; 0 below that."""
    ages = {column: int(column.split("_")[1]) for column in counts}
    return pd.Series(
        {
            column: 2 ** ((min(age, flat_from) - youngest) / doubling_years)
            if age >= youngest
            else 0.0
            for column, age in ages.items()
        }
    )


def board_of_areas(areas: pd.DataFrame, boards: pd.DataFrame) -> pd.DataFrame:
    """Give every area its care board in a named edition of the boundaries.

    Parameters
    ----------
    areas : `area_code`, `sub_icb_code`, `local_authority_code`.
    boards : one edition of the table `care_boards`: `sub_icb_code`, `local_authority_code` (empty:
        the whole sub-ICB location), `board_code`, `board`.

    Returns
    -------
    `area_code`, `board_code`, `board`, in the order of `areas`.

    Raises
    ------
    Problem : an area that the edition gives to no board.
    """
    whole = boards[boards["local_authority_code"].fillna("") == ""].set_index("sub_icb_code")
    parts = boards[boards["local_authority_code"].fillna("") != ""].set_index(
        ["sub_icb_code", "local_authority_code"]
    )
    key = pd.MultiIndex.from_frame(areas[["sub_icb_code", "local_authority_code"]])
    out = areas[["area_code"]].reset_index(drop=True)
    for column in ("board_code", "board"):
        of_part = parts[column].reindex(key).to_numpy()
        of_whole = whole[column].reindex(areas["sub_icb_code"]).to_numpy()
        out[column] = pd.Series(of_part).where(pd.notna(of_part), pd.Series(of_whole))
    lost = int(out["board_code"].isna().sum())
    if lost:
        raise Problem(
            f"{lost:,} areas have no care board in this edition of the boundaries. Add their "
            "sub-ICB locations to data/care_boards.csv."
        )
    return out


def area_table(
    areas: pd.DataFrame,
    boards: pd.DataFrame,
    imd: pd.DataFrame,
    rural_urban: pd.DataFrame,
    population: pd.DataFrame,
    coast: pd.DataFrame,
    assumed: Mapping[str, float],
) -> pd.DataFrame:
    """Join all that the atlas knows about every area of England but its travel.

    Parameters
    ----------
    areas : the table `areas`.
    boards : as for `board_of_areas`.
    imd : `area_code`, `imd_decile` (1 = most deprived).
    rural_urban : `area_code`, `rural_urban` (`rural`, `urban`), `rural_urban_class`.
    population : `area_code` and people by single year of age.
    coast : the table `area_coast`: `area_code`, `coast_km`.
    assumed : values of the table `atlas_assumptions` by name.

    Returns
    -------
    One row an area, in the order of `areas`: its codes and names (`area_code`, `area_name`,
    `local_authority_code`, `local_authority`, `region`, `sub_icb`, `icb_code`, `icb` of July 2022,
    `board_code`, `board` of the edition), `imd_decile`, `deprivation_quintile`, `rural_urban`,
    `rural_urban_class`, `coastal`, `place` (urban or rural, coastal or inland), `people` (aged 65
    and over), `people_all_ages`, `expected_patients`.
    """
    english = population[population["area_code"].isin(areas["area_code"])]
    people = people_of_areas(imd, rural_urban, english, 65)
    out = areas[
        ["area_code", "area_name", "local_authority_code", "local_authority", "region", "sub_icb",
         "icb_code", "icb"]
    ].merge(board_of_areas(areas, boards), validate="one_to_one")  # fmt: skip
    out = out.merge(people, how="left", validate="one_to_one")
    out = out.merge(
        rural_urban[["area_code", "rural_urban_class"]], how="left", validate="one_to_one"
    )
    out = out.merge(coast[["area_code", "coast_km"]], how="left", validate="one_to_one")
    out["coastal"] = out["coast_km"] <= assumed["coast_km"]
    by_coast = out["coastal"].map({True: "coastal", False: "inland"})
    out["place"] = out["rural_urban"] + " " + by_coast
    out["people_all_ages"] = geography.people_aged(english, 0).reindex(out["area_code"]).to_numpy()
    out["expected_patients"] = (
        expected_patients(
            english,
            assumed["prevalence_per_100000"],
            assumed["age_doubling_years"],
            int(assumed["age_youngest"]),
            int(assumed["age_flat_from"]),
        )
        .reindex(out["area_code"])
        .to_numpy()
    )
    return out.drop(columns="coast_km")


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


def minutes_by_list(minutes: pd.DataFrame, centres: pd.DataFrame) -> pd.DataFrame:
    """Find the minutes to the nearest centre under every way to read the list of centres.

    Parameters
    ----------
    minutes : one-way minutes by car; index `area_code`, one column a site.
    centres : the list: `site`, `certainty` (A, B, C).

    Returns
    -------
    Minutes; index `area_code`, columns A (surest sites), AB (base list) and ABC (every candidate).

    Raises
    ------
    Problem : a list without a site.
    """
    found = {}
    for grades, name in LISTS.items():
        sites = centres.loc[centres["certainty"].isin(list(grades)), "site"]
        if sites.empty:
            raise Problem(
                f"No centre has certainty {' or '.join(grades)}, so the list '{name}' is empty. "
                "Mark the surest centres A in the column 'certainty'."
            )
        found[grades] = geography.nearest(minutes[sites]).set_index("area_code")["value"]
    return pd.DataFrame(found)


def travel_by_list(
    minutes: pd.DataFrame, centres: pd.DataFrame, areas: pd.DataFrame, group: str | None = None
) -> pd.DataFrame:
    """Summarise minutes for every way to read the list of centres: what depends on the list.

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


# Columns that name a site in anybody's tables, the most telling first: in the project's own list
# `centre` is the organisation that runs the site.
_SITES = ("site", "name", "centre")


def floating_catchment(
    supply: pd.Series | pd.DataFrame,
    demand: pd.Series | pd.DataFrame,
    minutes: pd.DataFrame,
    catchment_minutes: float,
    weights: Sequence[float] = (1.0,),
) -> pd.DataFrame:
    """Measure how much supply each area can reach, shared with all others who reach it too.

    First each site's supply is divided by the demand of the areas within the catchment; then each
    area adds up these ratios over the sites within its own. With more than one weight this is the
    enhanced form, in which a long drive counts for less in both steps.

    Parameters
    ----------
    supply : units of supply by site; or a table of `site` (or `name`, or `centre`) and `supply`.
    demand : demand by area code; or a table of `area_code` and `demand` (or `people`). Where a
        table has several of these columns, the one that stands first here counts.
    minutes : one-way minutes; index `area_code` (or a column of that name), one column a site; or
        one row a pair: `area_code`, `site` (or `name`, or `centre`), `minutes` (or
        `travel_minutes`). A pair without minutes cannot be travelled. Sites without supply and
        areas without demand in the other tables play no part.
    catchment_minutes : minutes within which people travel, themselves included.
    weights : weight of each of so many equal zones of the catchment, the nearest first, none above
        the one before. One weight makes the two-step form; (1, 0.68, 0.22) is a common choice for
        the enhanced one.

    Returns
    -------
    One row an area, in the order of `demand`: `area_code`, `supply_per_1000` (units of supply for
    every 1,000 of demand; 0 where no site is in reach). Demand times it adds up to the supply of
    the sites that anybody reaches: a site within reach of no demand serves nobody.

    Raises
    ------
    Problem : for supply or demand that is missing, negative or given twice, a site or an area
        that has no minutes, minutes that are negative or no numbers, a catchment that is not a
        number above 0, or weights that are not shares that never rise.

    Luo and Wang 2003, doi 10.1068/b29120. Luo and Qi 2009, doi 10.1016/j.healthplace.2009.06.002.
    """
    units = _amounts(supply, "supply", _SITES, ("supply",))
    wanted = _amounts(demand, "demand", ("area_code",), ("demand", "people"))
    reached = _minutes_between(minutes, wanted.index, units.index)
    number = isinstance(catchment_minutes, (int, float, np.number))
    if not (number and np.isfinite(catchment_minutes) and catchment_minutes > 0):
        raise Problem(f"catchment_minutes is {catchment_minutes!r}: it must be a number above 0.")
    zone_weights = pd.to_numeric(pd.Series(np.ravel(weights)), errors="coerce").to_numpy(float)
    shares = np.ndim(weights) == 1 and len(zone_weights) and (zone_weights >= 0).all()
    if not (shares and 0 < zone_weights[0] <= 1 and (np.diff(zone_weights) <= 0).all()):
        raise Problem(
            "weights must be shares from 1 down to 0, the nearest zone first, none above the one "
            f"before it: {weights!r} are not."
        )
    ends = catchment_minutes * np.arange(1, len(zone_weights) + 1) / len(zone_weights)
    # A pair without minutes is beyond every zone, and what is beyond weighs nothing.
    zone = np.searchsorted(ends, np.nan_to_num(reached, nan=np.inf))
    weight = np.append(zone_weights, 0.0)[zone]
    who = weight.T @ wanted.to_numpy()
    ratio = np.divide(units.to_numpy(), who, out=np.zeros(len(units)), where=who > 0)
    return pd.DataFrame({"area_code": wanted.index, "supply_per_1000": 1000 * (weight @ ratio)})


def _amounts(
    given: pd.Series | pd.DataFrame, what: str, keys: Sequence[str], values: Sequence[str]
) -> pd.Series:
    """Read supply or demand, a series or a table, as amounts by code; refuse what is no amount."""
    if not isinstance(given, (pd.Series, pd.DataFrame)):
        raise Problem(
            f"The {what} must be a series of amounts by {keys[0]}, or a table, "
            f"and not a {type(given).__name__}."
        )
    if isinstance(given, pd.DataFrame):
        key = [name for name in keys if name in given]
        value = [name for name in values if name in given]
        if not key or not value:
            raise Problem(
                f"The table of {what} needs one column of {' or '.join(keys)} and one of "
                f"{' or '.join(values)}; it has: {', '.join(map(str, given.columns))}."
            )
        given = given.set_index(key[0])[value[0]]
    amounts = pd.to_numeric(given, errors="coerce").astype(float)
    wrong = ~(np.isfinite(amounts.to_numpy()) & (amounts.to_numpy() >= 0))
    if wrong.any():
        raise Problem(
            f"{int(wrong.sum()):,} rows of {what} are missing, negative or no number; the first is "
            f"'{amounts.index[wrong.argmax()]}'. Give a number, 0 where there is none."
        )
    twice = amounts.index.duplicated()
    if twice.any() or not len(amounts):
        first = f"'{amounts.index[twice.argmax()]}' twice" if twice.any() else "no row"
        raise Problem(f"The {what} holds {first}. Give one row each.")
    return amounts


def _minutes_between(minutes: pd.DataFrame, areas: pd.Index, sites: pd.Index) -> np.ndarray:
    """Read minutes, wide or one row a pair, as an array of the areas and sites asked for."""
    if not isinstance(minutes, pd.DataFrame):
        raise Problem(f"The minutes must be a table, and not a {type(minutes).__name__}.")
    site = next((name for name in _SITES if name in minutes), None)
    value = next((name for name in ("minutes", "travel_minutes") if name in minutes), None)
    if "area_code" in minutes and site and value:
        if minutes.duplicated(["area_code", site]).any():
            raise Problem("The minutes hold a pair of area and site twice. Give one row a pair.")
        wide = minutes.pivot_table(
            value, index="area_code", columns=site, aggfunc="first", dropna=False
        )
    else:
        wide = minutes.set_index("area_code") if "area_code" in minutes else minutes
    for what, asked, there in (("areas", areas, wide.index), ("sites", sites, wide.columns)):
        lost = asked.difference(there, sort=False)
        if len(lost):
            raise Problem(
                f"{len(lost):,} {what} have no minutes; the first is '{lost[0]}'. Give their "
                f"minutes, or leave them out of the {'demand' if what == 'areas' else 'supply'}."
            )
        if there.duplicated().any():
            raise Problem(
                f"The minutes hold {what} twice. Give one row an area, one column a site."
            )
    asked = wide.loc[areas, sites]
    found = asked.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    text = np.isnan(found) & asked.notna().to_numpy()
    if text.any():
        raise Problem(
            f"{int(text.sum()):,} minutes are no numbers. Leave a cell empty, or mend it."
        )
    if (found < 0).any():
        raise Problem(f"{int((found < 0).sum()):,} minutes are below 0.")
    return found


def capacity_by(
    areas: pd.DataFrame,
    groups: Sequence[str],
    level: str | None = None,
    demand: str = "people",
) -> pd.DataFrame:
    """Summarise the supply within reach by group and kind of place, and count who reaches none.

    Parameters
    ----------
    areas : one row an area of all: `supply_per_1000` as `floating_catchment` returns it, `people`
        (aged 65 and over), `expected_patients`, and the columns `groups` and `level`.
    groups : columns whose groups get rows; everybody gets rows in any case.
    level : column that cuts every group again, such as `rural_urban`.
    demand : the column that was the demand: `people` or `expected_patients`.

    Returns
    -------
    Tidy table `measure`, `group_by`, `group`, `level`, `people`, `estimate`, `unit`. Measures:
    supply shared out (units of supply), capacity in reach (that supply over the demand), capacity
    against England (the same, in per cent of that of all areas), no centre in reach (per cent of
    demand), and how many people, expected patients and areas that is.
    """
    per, unit = {
        "people": (1_000_000, "units for every million people aged 65 and over"),
        "expected_patients": (1_000, "units for every 1,000 expected patients"),
    }[demand]
    none = (areas["supply_per_1000"] == 0).astype(float)
    each = pd.DataFrame(
        {
            "people": areas["people"],
            "demand": areas[demand],
            "supply": areas["supply_per_1000"] * areas[demand] / 1000,
            "without": areas[demand] * none,
            "people without": areas["people"] * none,
            "patients without": areas["expected_patients"] * none,
            "areas without": none,
        }
    )
    everybody = pd.Series("all", index=areas.index)
    levels = [everybody] if level is None else [everybody, areas[level].astype(str)]
    sums = []
    for column in (None, *groups):
        keys = areas[column].astype(str) if column else everybody
        for cut in levels:
            total = each.groupby([keys.rename("group"), cut.rename("level")]).sum()
            sums.append(total.reset_index().assign(group_by=column or "all"))
    total = pd.concat(sums, ignore_index=True)
    capacity = per * total["supply"] / total["demand"]
    found = {
        ("supply shared out", "units"): total["supply"],
        ("capacity in reach", unit): capacity,
        ("capacity against England", "per cent of England"): 100
        * capacity
        / (per * each["supply"].sum() / each["demand"].sum()),
        ("no centre in reach", "per cent"): 100 * total["without"] / total["demand"],
        ("people with no centre in reach", "people"): total["people without"],
        ("expected patients with no centre in reach", "people"): total["patients without"],
        ("areas with no centre in reach", "areas"): total["areas without"],
    }
    rows = total[["group_by", "group", "level"]].assign(
        people=total["people"].round().astype("Int64")
    )
    parts = [
        rows.assign(measure=measure, unit=of, estimate=values)
        for (measure, of), values in found.items()
    ]
    return pd.concat(parts, ignore_index=True)


def capacity_by_assumption(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    assumptions: pd.DataFrame,
    groups: Sequence[str],
    level: str | None = None,
) -> pd.DataFrame:
    """Work out the capacity within reach as assumed, and with one assumption changed at a time.

    Parameters
    ----------
    areas : one row an area, as `area_table` returns it, with the columns `groups` and `level`.
    minutes : one-way minutes; index `area_code`, one column a site of the list.
    centres : the list: `centre` (the organisation), `site`, `certainty` (A, B, C).
    assumptions : the table `atlas_assumptions`: `name`, `value`, `low`, `high`.
    groups, level : as for `capacity_by`.

    Returns
    -------
    Tidy table as `capacity_by`, for every way to read the list (`centre_list`: A, AB, ABC) and
    every `scenario`: as assumed; a shorter and a longer catchment; slower driving; expected
    patients as the demand; one unit shared by an organisation's sites; uncertain sites (B and C)
    that count less; long drives that count for less, and for much less. `value` holds the minutes
    of the catchment.
    """
    known = assumptions.set_index("name")
    assumed, low, high = (known[column].astype(float) for column in ("value", "low", "high"))
    far, unit = assumed["catchment_minutes"], assumed["units_a_site"]
    usual = {"minutes": far, "drive": 1.0, "demand": "people", "supply": "site", "weights": (1.0,)}
    less = (1.0, assumed["decay_middle"], assumed["decay_far"])
    changes = {
        "as assumed": {},
        "shorter catchment": {"minutes": low["catchment_minutes"]},
        "longer catchment": {"minutes": high["catchment_minutes"]},
        "slower driving": {"drive": assumed["slower_driving"]},
        "expected patients share it": {"demand": "expected_patients"},
        "one unit an organisation": {"supply": "organisation"},
        "uncertain sites count less": {"supply": "certainty"},
        "long drives count for less": {"weights": less},
        "long drives count for much less": {
            "weights": (1.0, low["decay_middle"], low["decay_far"])
        },
    }
    parts = []
    for grades in LISTS:
        sites = centres[centres["certainty"].isin(list(grades))].set_index("site")
        one = pd.Series(unit, index=sites.index)
        supply = {
            "site": one,
            "organisation": one / sites.groupby("centre")["centre"].transform("size"),
            "certainty": one.where(sites["certainty"] == "A", low["units_a_site"]),
        }
        for scenario, change in changes.items():
            how = usual | change
            reach = floating_catchment(
                supply[how["supply"]],
                areas.set_index("area_code")[how["demand"]],
                minutes * how["drive"],
                how["minutes"],
                how["weights"],
            )
            reached = areas.assign(supply_per_1000=reach["supply_per_1000"].to_numpy())
            found = capacity_by(reached, groups, level, how["demand"])
            parts.append(found.assign(scenario=scenario, centre_list=grades, value=how["minutes"]))
    return pd.concat(parts, ignore_index=True)


def capacity_ranges(by_list: pd.DataFrame, places: Sequence[str] = ()) -> pd.DataFrame:
    """Set beside what holds on the base list the range over all readings of the list of centres.

    Parameters
    ----------
    by_list : as `capacity_by_assumption` returns it.
    places : the `group_by` whose groups are places with a name. Even where the drive hardly moves
        between the lists, capacity does, so a place keeps its range only and nobody can rank it.

    Returns
    -------
    The rows of the base list without `centre_list`, with `low` and `high` over the lists;
    `estimate` is empty for a named place. For the scenario `all of these`, `low` and `high` are
    those over every scenario, of measures whose unit is always the same.

    Raises
    ------
    Problem : for a group that one of the lists lacks.
    """
    keys = ["measure", "group_by", "group", "level"]
    wide = by_list.pivot_table("estimate", index=["scenario", *keys], columns="centre_list")
    if list(wide) != list(LISTS) or wide.isna().any(axis=None):
        raise Problem(
            f"{int(wide.isna().any(axis=1).sum()):,} rows are not there under every list of "
            f"centres. Give every group under the lists {', '.join(LISTS)}."
        )
    over = pd.DataFrame({"low": wide.min(axis=1), "high": wide.max(axis=1)}).reset_index()
    base = by_list[by_list["centre_list"] == "AB"].drop(columns="centre_list")
    out = base.merge(over, on=["scenario", *keys])
    out["estimate"] = out["estimate"].mask(out["group_by"].isin(places))
    units = by_list.groupby("measure")["unit"].nunique()
    of_one_unit = over[over["measure"].isin(units.index[units == 1])]
    every = of_one_unit.groupby(keys, as_index=False).agg({"low": "min", "high": "max"})
    every = base.drop_duplicates(keys)[[*keys, "unit"]].merge(every, on=keys)
    return pd.concat([out, every.assign(scenario="all of these")], ignore_index=True)
