"""Does the answer depend on the measure of deprivation: editions, domains, and what is circular.

The Index of Multiple Deprivation is a weighted sum of seven domains. One of them, barriers to
housing and services, has a part that counts how near a few everyday services are, so that an index
with it and a drive to hospital are not wholly separate things. Here the index is made again from
its domains, with or without one of them, and travel is told under each way to measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists, deprived_and_far, geography
from distance_to_care.problems import Problem

# Per cent of the index, editions of 2019 and 2025 alike (English indices of deprivation, technical
# reports). That the official ranks come out of them again is tested.
DOMAIN_WEIGHTS = {
    "income": 22.5,
    "employment": 22.5,
    "education": 13.5,
    "health": 13.5,
    "crime": 9.3,
    "barriers": 9.3,
    "environment": 9.3,
}
# The transformation's constant: a tenth of the areas scores above 50.
_DECAY = 23.0
MOST_DEPRIVED_DECILES = (1, 2)
# The official files that the comparison needs, and the one that it takes where it is there.
NEEDED = (
    "imd_2019",
    "imd_2019_domains",
    "imd_2025",
    "imd_2025_domains",
    "rural_urban_2011",
    "rural_urban_2021",
    "population_mid2020",
    "population_census2021",
    "lookup_lsoa11_lsoa21",
)
CARS = "cars_census2021"
_APART = "(car ownership not included)"
# The tables of `every_result`, and how each is headed.
TITLES = {
    "travel_by_deprivation_measure": f"Travel by fifths of each measure of deprivation {_APART}",
    "gap_by_deprivation_measure": f"Most minus least deprived fifth, each measure {_APART}",
    "rural_gap_intervals": f"The rural gap of deprivation, with intervals {_APART}",
    "gap_left_without_barriers": f"How much of the rural gap of deprivation is left {_APART}",
    "agreement_of_measures": "Agreement between measures of deprivation",
    "domains_and_minutes": f"Rank correlation of domains of deprivation with the drive {_APART}",
    "deprived_and_far_by_measure": f"Deprived and far under each measure {_APART}",
    "households_without_a_car": "Households without a car, by deprivation, town and country",
}
NO_CAR = "households without a car"


def index_from_domains(domains: pd.DataFrame, leave_out: Sequence[str] = ()) -> pd.Series:
    """Make the Index of Multiple Deprivation again from the ranks of its domains.

    Each domain's ranks are turned into scores from 0 to 100 that follow an exponential
    distribution, so that little deprivation in one domain cannot make up for much in another; the
    weighted scores are added up and ranked.

    Parameters
    ----------
    domains : one row an area: `income_rank` ... `environment_rank` (1 = most deprived).
    leave_out : domains that do not count; the others keep their weights to each other.

    Returns
    -------
    Rank of every area, 1 = most deprived; areas with the same score share the best rank.

    Raises
    ------
    Problem : for a domain that is not one, or with none left.

    Source: English indices of deprivation 2019, technical report, on combining the domains.
    """
    unknown = sorted(set(leave_out) - set(DOMAIN_WEIGHTS))
    kept = {name: w for name, w in DOMAIN_WEIGHTS.items() if name not in leave_out}
    if unknown or not kept:
        raise Problem(
            f"The index cannot be made without {', '.join(unknown or DOMAIN_WEIGHTS)}: its domains "
            f"are {', '.join(DOMAIN_WEIGHTS)}, and at least one has to stay."
        )
    score = np.zeros(len(domains))
    for name, weight in kept.items():
        share = (len(domains) + 1 - domains[f"{name}_rank"].to_numpy(float)) / len(domains)
        score += weight * -_DECAY * np.log1p(-share * -np.expm1(-100 / _DECAY))
    # Scores that differ in the last digits only are the same score.
    rounded = pd.Series(score, index=domains.index).round(9)
    return rounded.rank(ascending=False, method="min").astype("int64").rename("rank")


def decile_of(rank: pd.Series) -> pd.Series:
    """Cut ranks into ten groups of as many areas, 1 = most deprived, as the publisher does.

    Parameters
    ----------
    rank : rank of every area of England, 1 = most deprived.

    Returns
    -------
    Deciles from 1 to 10.
    """
    return np.ceil(10 * rank / len(rank)).astype("int64").rename("decile")


def measures_of(imd: pd.DataFrame, domains: pd.DataFrame, edition: str) -> pd.DataFrame:
    """Rank areas by one edition of the index, by income alone, and by the index without barriers.

    Parameters
    ----------
    imd : `area_code`, `imd_decile`.
    domains : `area_code`, ranks of the seven domains, `income_decile`.
    edition : the year, for the names of the columns.

    Returns
    -------
    `area_code` and one column of deciles (1 = most deprived) a measure: `IMD 2019`, `Income domain
    2019`, `IMD 2019 without barriers` (with the edition's year).
    """
    joined = imd[["area_code", "imd_decile"]].merge(domains, validate="one_to_one")
    without = decile_of(index_from_domains(joined, leave_out=["barriers"]))
    return pd.DataFrame(
        {
            "area_code": joined["area_code"],
            f"IMD {edition}": joined["imd_decile"],
            f"Income domain {edition}": joined["income_decile"],
            f"IMD {edition} without barriers": without,
        }
    )


def carry_over(values: pd.DataFrame, lookup: pd.DataFrame, weight: str) -> pd.DataFrame:
    """Carry what is known of the areas of 2011 over to the areas of 2021.

    An area that was split hands its values to every part. Where areas were merged or cut anew, a
    number is the mean of the areas that went in, weighted, and a word is that of the heaviest.

    Parameters
    ----------
    values : one row an area of 2011: `area_code`, `weight` and other columns, numbers or words.
    lookup : `area_code` (2011), `area_code_2021`; areas that `values` does not have are left out.
    weight : column of people; areas with none count alike.

    Returns
    -------
    One row an area of 2021: `area_code` (2021) and the other columns of `values` but the weight.

    Raises
    ------
    Problem : for an area of 2011 that the look-up does not have.
    """
    lost = int((~values["area_code"].isin(lookup["area_code"])).sum())
    if lost:
        raise Problem(
            f"{lost:,} areas of 2011 are not in the look-up to the areas of 2021. "
            "Use the exact-fit look-up of the whole of England."
        )
    parts = lookup[["area_code", "area_code_2021"]].merge(values, on="area_code")
    # A weight of nobody must not divide by zero; next to anybody it counts for nothing.
    heavy = parts[weight].astype(float).clip(lower=1e-9)
    total = heavy.groupby(parts["area_code_2021"]).transform("sum")
    numbers, words = {}, {}
    for column in values.columns.difference(["area_code", weight], sort=False):
        if pd.api.types.is_numeric_dtype(values[column]):
            numbers[column] = parts[column] * heavy / total
        else:
            words[column] = parts[column]
    code = parts["area_code_2021"]
    out = pd.DataFrame(numbers).groupby(code).sum()
    heaviest = heavy.groupby(code).idxmax()
    for column, word in words.items():
        out[column] = word.loc[heaviest].to_numpy()
    ordered = [c for c in values.columns if c in out]
    return out[ordered].reset_index().rename(columns={"area_code_2021": "area_code"})


def areas_of_editions(
    official: Mapping[str, pd.DataFrame],
    by_list: pd.DataFrame,
    local_authority: pd.Series | None = None,
) -> dict[str, pd.DataFrame]:
    """Join people, place, minutes and every measure of deprivation on the areas of each edition.

    The edition of 2019 ranks the areas of 2011, that of 2025 the areas of 2021. Minutes and
    whether an area is rural are known of the areas of 2011 and carried over to those of 2021, so
    that nothing else differs between the editions but the people counted.

    Parameters
    ----------
    official : name -> official file, those of `NEEDED`.
    by_list : minutes to the nearest centre; index `area_code` (2011), columns A, AB, ABC.
    local_authority : name of the local authority of every area; index `area_code` (2011).

    Returns
    -------
    Edition (`2019`, `2025`) -> one row an area: `area_code`, `people` (aged 65 and over: mid-2020,
    Census 2021), `rural_urban` (classes of 2011), `rural_urban_2021` (2025 only), `A`, `AB`,
    `ABC`, `local_authority` where it is given, the deciles of `measures_of` and the ranks of the
    seven domains.
    """
    english = official["population_mid2020"]["area_code"].isin(by_list.index)
    people = access.people_of_areas(
        official["imd_2019"],
        official["rural_urban_2011"],
        official["population_mid2020"][english],
        from_age=65,
    )[["area_code", "people", "rural_urban"]]
    old = people.merge(by_list[list(access.LISTS)], left_on="area_code", right_index=True)
    if local_authority is not None:
        old["local_authority"] = old["area_code"].map(local_authority)
    census = official["population_census2021"]
    census = census[census["age_group"].str.contains("65")][["area_code", "people"]]
    new = carry_over(old, official["lookup_lsoa11_lsoa21"], "people")
    new = new.merge(census, validate="one_to_one").merge(
        official["rural_urban_2021"][["area_code", "rural_urban"]].rename(
            columns={"rural_urban": "rural_urban_2021"}
        ),
        validate="one_to_one",
    )
    out = {}
    for edition, areas in (("2019", old), ("2025", new)):
        domains = official[f"imd_{edition}_domains"]
        ranks = domains[["area_code", *(f"{name}_rank" for name in DOMAIN_WEIGHTS)]]
        measured = measures_of(official[f"imd_{edition}"], domains, edition).merge(ranks)
        out[edition] = areas.merge(measured, how="left", validate="one_to_one")
        lost = int(out[edition][f"IMD {edition}"].isna().sum())
        if lost or len(out[edition]) != len(measured):
            raise Problem(
                f"The areas of the Index of Multiple Deprivation {edition} are not those that the "
                f"minutes are of: {lost:,} of {len(areas):,} areas have no rank, and "
                f"{len(measured):,} areas are ranked."
            )
    return out


def travel_by_measure(
    areas: pd.DataFrame, measures: Sequence[str], multipliers: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Summarise minutes to the nearest centre by fifths of each measure, under every list.

    Parameters
    ----------
    areas : one row an area: `people`, `rural_urban`, minutes under each list (`A`, `AB`, `ABC`),
        and the columns of `measures`, deciles (1 = most deprived).
    measures : names of the columns of deciles.
    multipliers : name of a way to drive -> what the minutes are multiplied by; as they are where
        not given.

    Returns
    -------
    Tidy table `rank_by` (the measure), `scenario` (the way to drive), `list`, `measure` (mean,
    beyond 30, 60 and 90 minutes), `group` (the fifth; all means everybody), `level` (all, rural,
    urban), `people`, `estimate`, `unit`.
    """
    multipliers = multipliers or {centre_lists.ORDINARY: 1.0}
    parts = []
    for name in measures:
        fifth = areas.assign(fifth=geography.quintile_from_decile(areas[name].astype("int64")))
        for scenario, multiplier in multipliers.items():
            for grades in access.LISTS:
                driven = fifth.assign(minutes=fifth[grades] * multiplier)
                table = access.travel_by(driven, "fifth", "rural_urban")
                parts.append(table.assign(rank_by=name, scenario=scenario, list=grades))
    table = pd.concat(parts, ignore_index=True).drop(columns="group_by")
    return table[~table["measure"].isin(["median", "p90"])].reset_index(drop=True)


def between_fifths(found: pd.DataFrame) -> pd.DataFrame:
    """Subtract the least deprived fifth from the most deprived, under every list and measure.

    Parameters
    ----------
    found : as `travel_by_measure` returns it.

    Returns
    -------
    The same columns but `group` and `people`; `estimate` is fifth 1 minus fifth 5 (`unit` minutes,
    or percentage points): above zero where the most deprived are farther.
    """
    keys = ["rank_by", "scenario", "list", "measure", "level", "unit"]
    ends = found[found["group"].isin(["1", "5"])]
    wide = ends.pivot_table(index=keys, columns="group", values="estimate", sort=False)
    out = (wide["1"] - wide["5"]).rename("estimate").reset_index()
    return out.assign(unit=out["unit"].replace({"per cent": "percentage points"}))


def range_over_lists(found: pd.DataFrame) -> pd.DataFrame:
    """Lay the lists side by side: the base list's estimate and the range over all of them.

    Parameters
    ----------
    found : a table with the column `list` (A, AB, ABC) and `estimate`.

    Returns
    -------
    The same rows once, without `list`: `estimate` (base list), `low`, `high`.
    """
    keys = [c for c in found.columns if c not in ("list", "estimate")]
    wide = found.pivot_table(index=keys, columns="list", values="estimate", sort=False)
    wide = wide[list(access.LISTS)]
    return pd.DataFrame(
        {"estimate": wide["AB"], "low": wide.min(axis=1), "high": wide.max(axis=1)}
    ).reset_index()


def agreement(areas: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Say how far two measures of deprivation put the same people into the same fifth.

    Parameters
    ----------
    areas : one row an area: `people`, and the columns of `pairs`, deciles (1 = most deprived).
    pairs : pairs of columns.

    Returns
    -------
    Tidy table `rank_by` (the second of a pair), `reference` (the first), `measure` (same fifth;
    same or next fifth; most deprived fifth of the first that is so by the second; rank
    correlation), `areas`, `people`, `estimate`, `unit`. People are the weight but in the rank
    correlation (Spearman, of the deciles of areas).
    """
    people = areas["people"].astype(float)
    rows = []
    for first, second in pairs:
        one = geography.quintile_from_decile(areas[first].astype("int64"))
        two = geography.quintile_from_decile(areas[second].astype("int64"))
        apart = (one - two).abs()
        of_first = people[one == 1]
        kept = people[(one == 1) & (two == 1)].sum()
        correlation = areas[first].corr(areas[second], method="spearman")
        found = [
            ("same fifth", 100 * people[apart == 0].sum() / people.sum(), "per cent"),
            ("same or next fifth", 100 * people[apart <= 1].sum() / people.sum(), "per cent"),
            ("most deprived fifth in both", 100 * kept / of_first.sum(), "per cent"),
            ("rank correlation", correlation, "correlation"),
        ]
        rows += [(second, first, name, estimate, unit) for name, estimate, unit in found]
    table = pd.DataFrame(rows, columns=["rank_by", "reference", "measure", "estimate", "unit"])
    return table.assign(areas=len(areas), people=int(round(people.sum())))


def domains_and_minutes(
    domains: pd.DataFrame, minutes: pd.Series, rural_urban: pd.Series
) -> pd.DataFrame:
    """Correlate the rank of every domain, and of the index, with the minutes of areas.

    Parameters
    ----------
    domains : one row an area: ranks of the seven domains (1 = most deprived).
    minutes : one-way minutes to the nearest centre, one an area in the same order.
    rural_urban : `rural` or `urban`, one an area in the same order.

    Returns
    -------
    Tidy table `rank_by` (the domain; the index with all of them and without barriers), `measure`,
    `level` (all, rural, urban), `areas`, `estimate` (Spearman; above zero where more deprived
    areas are farther), `unit`.
    """
    ranks = {name: domains[f"{name}_rank"] for name in DOMAIN_WEIGHTS}
    ranks["all domains"] = index_from_domains(domains)
    ranks["all but barriers"] = index_from_domains(domains, leave_out=["barriers"])
    far = pd.Series(np.asarray(minutes, float), index=domains.index)
    level = pd.Series(np.asarray(rural_urban), index=domains.index)
    rows = []
    for name, rank in ranks.items():
        for cut in ("all", *sorted(level.unique())):
            chosen = level.eq(cut) | (cut == "all")
            estimate = -rank[chosen].corr(far[chosen], method="spearman")
            rows.append((name, cut, int(chosen.sum()), estimate))
    table = pd.DataFrame(rows, columns=["rank_by", "level", "areas", "estimate"])
    return table.assign(measure="rank correlation with minutes", unit="correlation")


def deprived_and_far_by_measure(
    areas: pd.DataFrame, measures: Sequence[str], reference: str, far_minutes: float = 60
) -> pd.DataFrame:
    """Count the areas that are among the most deprived fifth and far, under each measure.

    Parameters
    ----------
    areas : one row an area: `area_code`, `people`, `rural_urban`, minutes under each list (`A`,
        `AB`, `ABC`), and the columns of `measures`, deciles (1 = most deprived).
    measures : names of the columns of deciles.
    reference : the measure that the others are compared with, one of them.
    far_minutes : minutes one way beyond which an area is far.

    Returns
    -------
    Tidy table `rank_by`, `list`, `measure` (areas; people; of those by the reference: of the people
    who are deprived and far by it, the share who are so by this measure, too), `level` (all, rural,
    urban), `estimate`, `unit`.
    """
    by_list = areas.set_index("area_code")[list(access.LISTS)]
    marked = {
        name: deprived_and_far.mark(areas, by_list, name, MOST_DEPRIVED_DECILES, far_minutes)
        for name in measures
    }
    people = areas["people"].astype(float)
    rows = []
    for level in ("all", "rural", "urban"):
        here = areas["rural_urban"].eq(level) | (level == "all")
        for grades in access.LISTS:
            both = {name: here & m["deprived"] & m[grades] for name, m in marked.items()}
            of_reference = people[both[reference]].sum()
            for name in measures:
                shared = people[both[name] & both[reference]].sum()
                found = [
                    ("areas", float(both[name].sum()), "areas"),
                    ("people", people[both[name]].sum(), "people"),
                    (
                        f"of those by {reference}",
                        100 * shared / of_reference if of_reference else np.nan,
                        "per cent",
                    ),
                ]
                rows += [(name, grades, what, level, value, unit) for what, value, unit in found]
    return pd.DataFrame(rows, columns=["rank_by", "list", "measure", "level", "estimate", "unit"])


def households_without_car(
    cars: pd.DataFrame | None, areas: pd.DataFrame, decile: str, far_minutes: float = 60
) -> pd.DataFrame:
    """Share of households without a car by fifth of deprivation, urban and rural, near and far.

    Parameters
    ----------
    cars : the official file `cars_census2021`: `area_code`, `households`, `households_no_car`; None
        where it is not there.
    areas : one row an area of England of 2021: `area_code`, `rural_urban`, `AB` (minutes, base
        list) and the column `decile`.
    decile : the column of deciles (1 = most deprived).
    far_minutes : minutes one way beyond which an area is far.

    Returns
    -------
    Tidy table `measure` (households without a car: in all areas, in those farther and in those not
    farther), `group` (the fifth; all means everybody), `level` (all, rural, urban), `areas`,
    `estimate` (per cent of households; empty where nobody has it), `unit`, `note` (in words).
    Where the file is not there: one row without an estimate, whose note says so.

    Raises
    ------
    Problem : for an area of which the file has no households.
    """
    if cars is None:
        row = {
            "measure": NO_CAR,
            "group": "all",
            "level": "all",
            "areas": len(areas),
            "estimate": np.nan,
            "unit": "per cent of households",
            "note": "The share of households without a car is not yet joined to these areas, "
            "because the census table of cars was not there when this page was built",
        }
        return pd.DataFrame([row])
    columns = ["area_code", "households", "households_no_car"]
    joined = areas.merge(cars[columns], on="area_code", how="left", validate="one_to_one")
    lost = int(joined["households"].isna().sum())
    if lost:
        raise Problem(
            f"The table of cars has no households for {lost:,} of {len(areas):,} areas of England. "
            "It has to be the one of Lower layer Super Output Areas (2021)."
        )
    joined["fifth"] = geography.quintile_from_decile(joined[decile].astype("int64")).astype(str)
    joined["far"] = joined["AB"] > far_minutes
    cuts = {
        NO_CAR: joined,
        f"{NO_CAR}, beyond {far_minutes:g} minutes": joined[joined["far"]],
        f"{NO_CAR}, within {far_minutes:g} minutes": joined[~joined["far"]],
    }
    rows = []
    for measure, part in cuts.items():
        for level in ("all", "rural", "urban"):
            here = part[part["rural_urban"].eq(level) | (level == "all")]
            for group in ("all", "1", "2", "3", "4", "5"):
                of_group = here[here["fifth"].eq(group) | (group == "all")]
                total = of_group["households"].sum()
                share = 100 * of_group["households_no_car"].sum() / total if total else np.nan
                rows.append((measure, group, level, len(of_group), share))
    table = pd.DataFrame(rows, columns=["measure", "group", "level", "areas", "estimate"])
    notes = [
        f"{row.estimate:.0f} per cent of households have no car"
        if pd.notna(row.estimate)
        else "No household is in such an area"
        for row in table.itertuples()
    ]
    return table.assign(unit="per cent of households", note=notes)


def share_of_gap(gaps: pd.DataFrame, editions: Sequence[str]) -> pd.DataFrame:
    """Say how much of the gap under the whole index is left under income, or without barriers.

    Parameters
    ----------
    gaps : as `between_fifths` returns it, for one way to drive.
    editions : the years.

    Returns
    -------
    The rows of the mean in rural areas, where the gap has one sign on every list: `estimate` in
    per cent of the gap under the index of the same edition (`reference`) on the same list.
    """
    means = gaps[(gaps["measure"] == "mean") & (gaps["level"] == "rural")]
    parts = []
    for edition in editions:
        whole = means[means["rank_by"] == f"IMD {edition}"].set_index("list")["estimate"]
        for name in (f"IMD {edition} without barriers", f"Income domain {edition}"):
            part = means[means["rank_by"] == name]
            share = 100 * part["estimate"] / part["list"].map(whole)
            part = part.assign(estimate=share, unit="per cent of the gap")
            parts.append(part.assign(reference=f"IMD {edition}"))
    return pd.concat(parts, ignore_index=True)


def rural_gap_intervals(
    areas: pd.DataFrame, measures: Sequence[str], cluster: str = "local_authority"
) -> pd.DataFrame:
    """Say how much the rural gap, and what is left of it, depends on a few clusters of areas.

    Parameters
    ----------
    areas : one row an area: `people`, `rural_urban`, `AB` (minutes, base list), the column
        `cluster` and those of `measures`, deciles (1 = most deprived).
    measures : names of the columns of deciles, the one that the others are compared with first.
    cluster : column of places within which areas are alike.

    Returns
    -------
    Tidy table `rank_by`, `measure` (rural gap: fifth 1 minus fifth 5 of the mean minutes; rural gap
    that is left, in per cent of that under the first measure), `areas` (rural ones in fifth 1),
    `estimate`, `ci_low`, `ci_high` (95%, by leaving out one cluster at a time), `unit`.
    """
    rural = areas[areas["rural_urban"] == "rural"]
    people = rural["people"].astype(float)
    parts, counted = {}, {}
    for name in measures:
        fifth = geography.quintile_from_decile(rural[name].astype("int64"))
        counted[name] = int((fifth == 1).sum())
        for end in (1, 5):
            here = people.where(fifth == end, 0.0)
            parts[name, end, "minutes"] = here * rural["AB"]
            parts[name, end, "people"] = here
    sums = pd.DataFrame(parts).groupby(rural[cluster]).sum()

    def gap(of: pd.DataFrame, name: str) -> pd.Series:
        means = [of[name, end, "minutes"] / of[name, end, "people"] for end in (1, 5)]
        return means[0] - means[1]

    def left(of: pd.DataFrame, name: str) -> pd.Series:
        return 100 * gap(of, name) / gap(of, measures[0])

    rows = []
    for name in measures:
        for measure, statistic, unit in (
            ("rural gap", gap, "minutes"),
            ("rural gap that is left", left, "per cent of the gap"),
        ):
            if name != measures[0] or statistic is gap:
                ends = deprived_and_far.leaving_out_clusters(sums, partial(statistic, name=name))
                rows.append((name, measure, counted[name], *ends, unit))
    columns = ["rank_by", "measure", "areas", "estimate", "ci_low", "ci_high", "unit"]
    return pd.DataFrame(rows, columns=columns)


def every_result(
    official: Mapping[str, pd.DataFrame | None],
    by_list: pd.DataFrame,
    multipliers: Mapping[str, float],
    local_authority: pd.Series,
) -> dict[str, pd.DataFrame]:
    """Compute everything that depends on the measure of deprivation, as its chapter publishes it.

    Parameters
    ----------
    official : name -> official file, those of `NEEDED`, and that of `CARS` (None where absent).
    by_list : minutes to the nearest centre; index `area_code` (2011), columns A, AB, ABC.
    multipliers : name of a way to drive -> what the minutes are multiplied by; shares of a gap are
        of the first.
    local_authority : name of the local authority of every area; index `area_code` (2011).

    Returns
    -------
    Name of the table -> table: `travel_by_deprivation_measure`, `gap_by_deprivation_measure`,
    `rural_gap_intervals` (base list), `gap_left_without_barriers` and
    `deprived_and_far_by_measure` (ranges over the lists); `agreement_of_measures`,
    `domains_and_minutes` and `households_without_a_car`.
    """
    editions = areas_of_editions(official, by_list, local_authority)
    old, new = editions["2019"], editions["2025"]
    measures = {
        year: [f"IMD {year}", f"IMD {year} without barriers", f"Income domain {year}"]
        for year in editions
    }
    classes = "IMD 2025, rural and urban of 2021"
    of_2021 = new.assign(rural_urban=new["rural_urban_2021"], **{classes: new["IMD 2025"]})
    told = (
        travel_by_measure(old, measures["2019"], multipliers),
        travel_by_measure(new, measures["2025"], multipliers),
        travel_by_measure(of_2021, [classes], multipliers),
    )
    travel = pd.concat(told, ignore_index=True)
    gaps = between_fifths(travel)
    first = gaps[gaps["scenario"] == next(iter(multipliers))]
    lookup = official["lookup_lsoa11_lsoa21"]
    unchanged = old["area_code"].isin(lookup.loc[lookup["change"] == "U", "area_code"])
    both = new.merge(old.loc[unchanged, ["area_code", *measures["2019"]]], on="area_code")
    pairs = [(year[0], other) for year in measures.values() for other in year[1:]]
    of_domains = [
        domains_and_minutes(areas, areas["AB"], areas["rural_urban"]).assign(group=year)
        for year, areas in editions.items()
    ]
    far = [
        deprived_and_far_by_measure(areas, measures[year], f"IMD {year}")
        for year, areas in editions.items()
    ]
    return {
        "travel_by_deprivation_measure": range_over_lists(travel),
        "gap_by_deprivation_measure": range_over_lists(gaps),
        "rural_gap_intervals": pd.concat(
            [rural_gap_intervals(areas, measures[year]) for year, areas in editions.items()],
            ignore_index=True,
        ),
        "gap_left_without_barriers": range_over_lists(share_of_gap(first, list(measures))),
        "agreement_of_measures": agreement(both, [*pairs, ("IMD 2019", "IMD 2025")]),
        "domains_and_minutes": pd.concat(of_domains, ignore_index=True),
        "deprived_and_far_by_measure": range_over_lists(pd.concat(far, ignore_index=True)),
        "households_without_a_car": households_without_car(official[CARS], new, "IMD 2025"),
    }
