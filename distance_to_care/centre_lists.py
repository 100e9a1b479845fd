"""What depends on the list of centres: the same result under every way to read the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import access, geography
from distance_to_care.problems import Problem

BASE = "AB"
FIRST_READING = "first_reading_32"
LIST_NAMES = {**access.LISTS, FIRST_READING: "list of the first reading"}
FAR_MINUTES = 60
PEOPLE = "people aged 65 and over"
# A place whose mean moves by more than this between lists is told as a range, never as one number.
STEADY_MINUTES = 10.0
ORDINARY = "ordinary driving"
# How a change is told in words: up to how many minutes, or points, and what is said then.
BY_MINUTES = {
    1.0: "less than a minute",
    10.0: "one to ten minutes",
    30.0: "ten minutes to half an hour",
    60.0: "half an hour to an hour",
    np.inf: "more than an hour",
}
BY_POINTS = {
    1.0: "less than one in a hundred people",
    10.0: "one to ten in a hundred people",
    50.0: "ten in a hundred people to half",
    np.inf: "more than half of the people",
}


def over_lists(by_list: pd.DataFrame, measure: str = "mean") -> pd.DataFrame:
    """Find how far an estimate moves between the lists, place by place.

    Parameters
    ----------
    by_list : as `access.travel_by_list` returns it: `group` (A, AB, ABC), `level` (the place),
        `measure`, `estimate`; rows with a `mean` in any case.
    measure : the measure whose range is wanted.

    Returns
    -------
    One row a place: `level`, `people`, `estimate` (base list), `low`, `high` (over the lists),
    `unit`, `steady` (false where the mean moves by more than 10 minutes: such a place is shown as
    a range everywhere and gets no rank).
    """
    wide = by_list[by_list["measure"] == measure].pivot_table(
        index="level", columns="group", values="estimate", sort=False
    )[list(access.LISTS)]
    means = by_list[by_list["measure"] == "mean"].pivot_table(
        index="level", columns="group", values="estimate", sort=False
    )[list(access.LISTS)]
    of_base = by_list[(by_list["measure"] == measure) & (by_list["group"] == BASE)]
    of_base = of_base.set_index("level")
    return pd.DataFrame(
        {
            "level": wide.index,
            "people": of_base["people"].reindex(wide.index).to_numpy(),
            "estimate": wide[BASE].to_numpy(),
            "low": wide.min(axis=1).to_numpy(),
            "high": wide.max(axis=1).to_numpy(),
            "unit": of_base["unit"].reindex(wide.index).to_numpy(),
            "steady": (means.max(axis=1) - means.min(axis=1)).reindex(wide.index).to_numpy()
            <= STEADY_MINUTES,
        }
    )


def as_readers_see(over: pd.DataFrame) -> pd.DataFrame:
    """Take the single number from every place that is not steady, so that only its range is left.

    Parameters
    ----------
    over : as `over_lists` returns it.

    Returns
    -------
    The same rows; `estimate` is empty where `steady` is false.
    """
    return over.assign(estimate=over["estimate"].where(over["steady"].astype(bool)))


def sites_of(centres: pd.DataFrame) -> dict[str, list[str]]:
    """Read every list out of the table of centres.

    Parameters
    ----------
    centres : `site`, `certainty` (A, B, C), `lists` (names of working lists, by semicolons).

    Returns
    -------
    Name of the list -> its sites: A, AB (the base list), ABC, and the list of the first reading.

    Raises
    ------
    Problem : for a list without a site.
    """
    found = {
        name: centres.loc[centres["certainty"].isin(list(name)), "site"].tolist()
        for name in access.LISTS
    }
    found[FIRST_READING] = geography.on_list(centres, FIRST_READING)["site"].tolist()
    empty = [name for name, sites in found.items() if not sites]
    if empty:
        raise Problem(f"The table of centres has no site for the list {' and '.join(empty)}.")
    return found


def headlines(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    areas: pd.DataFrame,
    groups: Sequence[str] = (),
    multipliers: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Summarise minutes to the nearest centre under every list, for everybody and for groups.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : as for `sites_of`.
    areas : one row an area: `area_code`, `people`, and the columns of `groups`.
    groups : columns whose groups get rows beside everybody.
    multipliers : name of a way to drive -> what the minutes are multiplied by; as they are where
        not given.

    Returns
    -------
    Tidy table `measure` (mean, median, p90, beyond 30, 60 and 90 minutes), `scenario` (the way to
    drive), `group_by`, `group` (the place; all means everybody), `level` (the list), `people`,
    `estimate`, `unit` (minutes, or per cent of people), `note` (the list in words).
    """
    multipliers = multipliers or {ORDINARY: 1.0}
    parts = []
    for name, sites in sites_of(centres).items():
        nearest = geography.nearest(minutes[sites]).set_index("area_code")["value"]
        note = f"{LIST_NAMES[name]}: {len(sites)} sites"
        for scenario, multiplier in multipliers.items():
            driven = areas.assign(minutes=areas["area_code"].map(nearest) * multiplier)
            for group in (None, *groups):
                table = access.travel_by(driven, group)
                if group is not None:
                    table = table[table["group"] != "all"]
                parts.append(table.assign(level=name, scenario=scenario, note=note))
    return pd.concat(parts, ignore_index=True)


def ranges(
    found: pd.DataFrame,
    measures: Sequence[str] = ("mean", "beyond 60 minutes"),
    places: Sequence[str] = ("region", "board", "local_authority"),
) -> pd.DataFrame:
    """Turn the results under every list into one range a place, as readers may see it.

    Parameters
    ----------
    found : as `headlines` returns it, for one way to drive.
    measures : the measures whose ranges are wanted.
    places : the `group_by` whose groups are places: one that is not steady keeps its range only.

    Returns
    -------
    One row a measure and group: `measure`, `group_by`, `group`, `people`, `estimate` (base list;
    empty for a place that is not steady), `low`, `high` (over A, AB and ABC), `unit`, `steady`
    (missing where the group is no place, since the rule is for places).
    """
    parts = []
    for group_by, part in found.groupby("group_by", sort=False):
        named = part.rename(columns={"group": "level", "level": "group"})
        for measure in measures:
            over = over_lists(named, measure)
            named_place = group_by in places
            over = as_readers_see(over) if named_place else over
            steady = pd.array(over["steady"] if named_place else [pd.NA] * len(over), "boolean")
            over = over.rename(columns={"level": "group"}).assign(steady=steady)
            parts.append(over.assign(measure=measure, group_by=group_by))
    columns = ["measure", "group_by", "group", "people", "estimate", "low", "high", "unit"]
    return pd.concat(parts, ignore_index=True)[[*columns, "steady"]]


def count_steady(found: pd.DataFrame) -> pd.DataFrame:
    """Count the places that are steady and those that are not, and who lives in them.

    Parameters
    ----------
    found : as `ranges` returns it; the rows of the mean are counted.

    Returns
    -------
    Tidy table `group_by`, `level` (all, steady, not steady), `measure`, `people`, `estimate`
    (places), `unit`.
    """
    means = found[found["measure"] == "mean"]
    rows = []
    for group_by, part in means.groupby("group_by", sort=False):
        steady = part["steady"].astype(bool)
        for level, chosen in (("all", steady | True), ("steady", steady), ("not steady", ~steady)):
            counted = int(chosen.sum())
            rows.append((group_by, level, int(part.loc[chosen, "people"].sum()), float(counted)))
    table = pd.DataFrame(rows, columns=["group_by", "level", "people", "estimate"])
    return table.assign(measure="places", unit="places")


def between_ends(found: pd.DataFrame, first: str = "1", last: str = "5") -> pd.DataFrame:
    """Subtract the least deprived group from the most deprived, under every list.

    Parameters
    ----------
    found : rows of `headlines`, or such rows with the same columns, whose `group` is `first` or
        `last`, or ends with a space and one of them, such as `rural 1`.
    first, last : the most and the least deprived group.

    Returns
    -------
    Tidy table `measure`, `scenario`, `group` (`all`, or the words before the last, such as
    `rural`), `level` (the list), `estimate` (first minus last), `unit` (minutes, or percentage
    points), `note` (the same in words, without a sign).
    """
    words = found["group"].astype(str).str.rsplit(" ", n=1)
    keys = ["measure", "scenario", "where", "level", "unit"]
    ends = found.assign(
        where=[w[0] if len(w) == 2 else "all" for w in words], end=[w[-1] for w in words]
    )
    ends = ends[ends["end"].isin([first, last])]
    wide = ends.pivot_table(index=keys, columns="end", values="estimate", sort=False)
    out = (wide[first] - wide[last]).rename("estimate").reset_index()
    out["unit"] = out["unit"].replace({"per cent": "percentage points"})
    words = {
        "minutes": ("minutes longer", "minutes shorter"),
        "percentage points": ("percentage points higher", "percentage points lower"),
    }
    out["note"] = [
        f"{abs(row.estimate):.1f} {words[row.unit][int(row.estimate < 0)]}"
        for row in out.itertuples()
    ]
    return out.rename(columns={"where": "group"})


def doubtful(centres: pd.DataFrame) -> pd.DataFrame:
    """List the ways in which the base list may be wrong, one site or one trust at a time.

    Parameters
    ----------
    centres : `centre` (the trust), `site`, `certainty`.

    Returns
    -------
    One row a change: `centre` (the sites, by semicolons), `sites` (as a tuple), `certainty`,
    `scenario` (`left out` for sites of grade B, `added` for sites of grade C). A trust with more
    than one doubtful site of a grade is changed site by site and as a whole.
    """
    rows = []
    for grade, scenario in (("B", "left out"), ("C", "added")):
        of_grade = centres[centres["certainty"] == grade]
        changes = [(site,) for site in of_grade["site"]]
        trusts = of_grade.groupby("centre", sort=False)["site"].agg(tuple)
        changes += [sites for sites in trusts if len(sites) > 1]
        rows += [("; ".join(sites), sites, grade, scenario) for sites in changes]
    return pd.DataFrame(rows, columns=["centre", "sites", "certainty", "scenario"])


def what_sites_move(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    areas: pd.DataFrame,
    groups: Sequence[str] = (),
    far_minutes: float = FAR_MINUTES,
) -> pd.DataFrame:
    """Change the base list by one doubtful site, or one trust's, and see what moves.

    Sites of grade B are left out of the base list and sites of grade C added to it, each alone and
    a trust's together, since a site beside another of its trust moves nothing by itself.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : `centre` (the trust), `site`, `certainty`.
    areas : one row an area: `area_code`, `people`, and the columns of `groups`.
    groups : columns whose groups get rows beside everybody; a group in which nobody's minutes
        change gets none.
    far_minutes : minutes one way beyond which a place is far.

    Returns
    -------
    Tidy table `centre`, `certainty`, `scenario`, `group_by`, `group`, `people` (of the group),
    `measure` (change of the mean; change of the share beyond the limit; people whose nearest
    centre changes), `estimate` (after minus before), `unit`.
    """
    base = centres.loc[centres["certainty"].isin(list(BASE)), "site"].tolist()
    at = minutes.reindex(areas["area_code"])
    before = at[base].min(axis=1).to_numpy()
    people = areas["people"].to_numpy(float)
    keys = {"all": pd.Series("all", index=areas.index)}
    keys |= {group: areas[group].astype(str) for group in groups}
    parts = []
    for change in doubtful(centres).itertuples():
        if change.scenario == "added":
            after = np.minimum(before, at[list(change.sites)].min(axis=1).to_numpy())
        else:
            kept = [site for site in base if site not in change.sites]
            after = at[kept].min(axis=1).to_numpy()
        moved = pd.DataFrame(
            {
                "people": people,
                "minutes": people * (after - before),
                "far": people * ((after > far_minutes).astype(int) - (before > far_minutes)),
                "changed": people * (after != before),
            }
        )
        for group_by, key in keys.items():
            sums = moved.groupby(key.to_numpy()).sum()
            if group_by != "all":
                sums = sums[sums["changed"] > 0]
            measured = {
                "change of the mean": (sums["minutes"] / sums["people"], "minutes"),
                f"change of the share beyond {far_minutes:g} minutes": (
                    100 * sums["far"] / sums["people"],
                    "percentage points",
                ),
                "people whose nearest centre changes": (sums["changed"], "people"),
            }
            parts += [
                pd.DataFrame(
                    {
                        "centre": change.centre,
                        "certainty": change.certainty,
                        "scenario": change.scenario,
                        "group_by": group_by,
                        "group": sums.index,
                        "people": sums["people"].to_numpy(),
                        "measure": measure,
                        "estimate": estimate.to_numpy(),
                        "unit": unit,
                    }
                )
                for measure, (estimate, unit) in measured.items()
            ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(people=table["people"].round().astype("int64"))


def told_in_words(moves: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Say in words how far every place moves, and keep the number of steady places only.

    Parameters
    ----------
    moves : as `what_sites_move` or `most_moved` returns it.
    places : as `ranges` returns it: `group_by`, `group`, `steady` of every named place.

    Returns
    -------
    The same rows with `note` (the change in words, in both directions) and `steady`; `estimate` is
    missing where the place is not steady. England as a whole keeps its numbers, and its `steady` is
    missing, since the rule is for named places.
    """
    known = places.drop_duplicates(["group_by", "group"]).set_index(["group_by", "group"])["steady"]
    keys = pd.MultiIndex.from_frame(moves[["group_by", "group"]])
    steady = pd.Series(known.reindex(keys).to_numpy(), moves.index, dtype="boolean")
    notes = [_in_words(row.estimate, row.unit) for row in moves.itertuples()]
    # What is no named place keeps its number.
    estimate = moves["estimate"].where(steady.fillna(value=True).to_numpy(bool))
    return moves.assign(estimate=estimate, note=notes, steady=steady)


def _in_words(change: float, unit: str) -> str:
    """Tell a change of minutes, of a share or of people, as a band that holds it."""
    if change == 0:
        return "no change"
    if unit == "people":
        return "some people's nearest centre changes"
    bands, more, fewer = (
        (BY_MINUTES, "longer", "shorter")
        if unit == "minutes"
        else (BY_POINTS, "more beyond", "fewer beyond")
    )
    size = next(words for limit, words in bands.items() if abs(change) <= limit)
    return f"{more if change > 0 else fewer} by {size}"


def most_moved(moves: pd.DataFrame, group_by: str = "board") -> pd.DataFrame:
    """Name, for every change of the list, the place whose mean it moves most.

    Parameters
    ----------
    moves : as `what_sites_move` returns it, with rows of `group_by`.
    group_by : the kind of place.

    Returns
    -------
    One row a change that moves anybody's minutes: `centre`, `certainty`, `scenario`, `group_by`,
    `group` (the place), `people`, `measure` (change of the mean), `estimate`, `unit`.
    """
    means = moves[(moves["group_by"] == group_by) & (moves["measure"] == "change of the mean")]
    largest = means["estimate"].abs().groupby([means["scenario"], means["centre"]]).idxmax()
    return means.loc[largest].reset_index(drop=True)


def nearest_by_certainty(
    minutes: pd.DataFrame, centres: pd.DataFrame, areas: pd.DataFrame, group: str | None = None
) -> pd.DataFrame:
    """Count the people whose nearest centre of the base list is of each grade of certainty.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : `site`, `certainty`.
    areas : one row an area: `area_code`, `people`, and the column `group`.
    group : column whose groups get rows beside everybody.

    Returns
    -------
    Tidy table `measure`, `group_by`, `group`, `level` (the grade), `people` (of that grade),
    `estimate` (per cent of the group's people), `unit`.
    """
    base = centres[centres["certainty"].isin(list(BASE))]
    nearest = geography.nearest(minutes[base["site"].tolist()]).set_index("area_code")["site"]
    grade = areas["area_code"].map(nearest).map(base.set_index("site")["certainty"])
    keys = [("all", pd.Series("all", index=areas.index))]
    if group is not None:
        keys.append((group, areas[group].astype(str)))
    parts = []
    for group_by, key in keys:
        people = pd.crosstab(
            key.to_numpy(), grade.to_numpy(), areas["people"].to_numpy(float), aggfunc="sum"
        ).fillna(0)
        shares = 100 * people.div(people.sum(axis=1), axis=0)
        parts += [
            pd.DataFrame(
                {
                    "measure": "nearest centre is of this grade",
                    "group_by": group_by,
                    "group": people.index,
                    "level": level,
                    "people": people[level].to_numpy().round().astype("int64"),
                    "estimate": shares[level].to_numpy(),
                    "unit": "per cent",
                }
            )
            for level in people.columns
        ]
    return pd.concat(parts, ignore_index=True)


def every_result(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    areas: pd.DataFrame,
    multipliers: Mapping[str, float],
) -> dict[str, pd.DataFrame]:
    """Compute everything that depends on the list, as the chapter on the list publishes it.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : `centre` (the trust), `site`, `certainty`, `lists`.
    areas : one row an area as `access.area_table` returns it: `people`, `deprivation_quintile`,
        `rural_urban`, `place`, `region`, `board`, `expected_patients`.
    multipliers : name of a way to drive -> what the minutes are multiplied by; the ranges are of
        the first.

    Returns
    -------
    Name of the table -> table: `travel_by_list_of_centres` (`headlines` without named places;
    `variable` says whose drive it is: people aged 65 and over, or expected patients),
    `travel_ranges`, `steady_places`, `deprivation_by_list` (`between_ends`), `what_sites_move`,
    `boards_that_sites_move` (both as `told_in_words`), `nearest_by_certainty`.
    """
    fifth = areas["rural_urban"] + " " + areas["deprivation_quintile"].astype(str)
    areas = areas.assign(fifth_and_place=fifth)
    fifths = ["deprivation_quintile", "fifth_and_place"]
    named = ["region", "board"]
    found = headlines(minutes, centres, areas, [*fifths, "place", *named], multipliers)
    patients = areas.assign(people=areas["expected_patients"])
    of_patients = headlines(minutes, centres, patients, (), multipliers)
    told = pd.concat(
        [
            found[~found["group_by"].isin(named)].assign(variable=PEOPLE),
            of_patients.assign(variable="expected patients"),
        ],
        ignore_index=True,
    )
    over = ranges(found[found["scenario"] == next(iter(multipliers))])
    moves = what_sites_move(minutes, centres, areas, named)
    named_places = over[over["group_by"].isin(named)]
    return {
        "travel_by_list_of_centres": told,
        "travel_ranges": over,
        "steady_places": count_steady(named_places),
        "deprivation_by_list": between_ends(found[found["group_by"].isin(fifths)]),
        "what_sites_move": told_in_words(moves, named_places),
        "boards_that_sites_move": told_in_words(most_moved(moves, "board"), named_places),
        "nearest_by_certainty": nearest_by_certainty(minutes, centres, areas, "region"),
    }
