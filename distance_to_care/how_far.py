"""How far people live from the nearest centre: by group, under every list, and how unequally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from distance_to_care import access, centre_lists, geography, inequality

# What weighs an area, and how tables say it.
WEIGHTS = {"people": "people aged 65 and over", "expected_patients": "expected patients"}
# Ages in years at which the bands of the area file begin.
BANDS = (0, 18, 50, 65, 75, 85)
# Shares of people, from the nearest: where the middle of a group is, and its two tails.
SHARES = {"one in ten nearer": 0.1, "half nearer": 0.5, "nine in ten nearer": 0.9}
# Headings of a result and its range in the tables of pages; the ends stand with the result.
OVER_LISTS = {"estimate": "base list (range over three lists)", "low": "from", "high": "to"}
FIRST_READING = "first_reading_32"
INDICES = {
    "slope index": inequality.slope_index,
    "relative index": inequality.relative_index,
    "concentration index": inequality.concentration_index,
}
_KEYS = ["measure", "group", "level"]


def travel_ranges(
    nearest: pd.DataFrame,
    areas: pd.DataFrame,
    group: str | None = None,
    level: str | None = None,
    weight: str = "people",
    named_places: bool = False,
) -> pd.DataFrame:
    """Summarise minutes on the base list, with the range over the lists of centres.

    Parameters
    ----------
    nearest : as `access.minutes_by_list` returns it; multiplied by a number for slower driving.
    areas : one row an area: `area_code`, `people`, `expected_patients`, `group`, `level`.
    group, level : columns that make the rows, as for `access.travel_by`.
    weight : what weighs an area, a column of `WEIGHTS`.
    named_places : the groups are places with a name; one that is not steady (`centre_lists`) then
        keeps its range and has no estimate, so that nobody can rank it.

    Returns
    -------
    Tidy table `measure`, `method` (the weight in words), `group_by`, `group`, `level`, `areas`,
    `people` (aged 65 and over), `expected_patients`, `estimate` (base list), `low`, `high` (over
    the lists), `unit` (minutes, per cent); of named places also `steady` (the mean moves by no more
    than 10 minutes between the lists).
    """
    found = []
    for grades in nearest:
        known = areas.assign(
            minutes=nearest[grades].reindex(areas["area_code"]).to_numpy(), people=areas[weight]
        )
        found.append(access.travel_by(known, group, level).assign(list=grades))
    long = pd.concat(found, ignore_index=True)
    wide = long.pivot_table(index=_KEYS, columns="list", values="estimate")
    table = long.loc[long["list"] == centre_lists.BASE, [*_KEYS, "group_by", "estimate", "unit"]]
    at = pd.MultiIndex.from_frame(table[_KEYS])
    table = table.assign(
        low=wide.min(axis=1).reindex(at).to_numpy(), high=wide.max(axis=1).reindex(at).to_numpy()
    )
    means = wide.xs("mean", level="measure")
    moves = (means.max(axis=1) - means.min(axis=1)).reindex(
        pd.MultiIndex.from_frame(table[["group", "level"]])
    )
    if named_places:
        table["steady"] = (moves <= centre_lists.STEADY_MINUTES).to_numpy()
        table.loc[~table["steady"] & (table["group"] != "all"), "estimate"] = float("nan")
    counted = _counts(areas, group, level)
    return table.merge(counted, on=["group", "level"], validate="many_to_one").assign(
        method=f"weighted by {WEIGHTS[weight]}"
    )


def travel_ranges_of(
    nearest: pd.DataFrame, areas: pd.DataFrame, groups: Sequence[str], **how: object
) -> pd.DataFrame:
    """Put the summaries of several groupings into one table.

    Parameters
    ----------
    nearest, areas : as for `travel_ranges`.
    groups : the columns that make the rows, one after the other.
    how : the other parameters of `travel_ranges`, for every grouping.

    Returns
    -------
    Tidy table as `travel_ranges`; `group_by` tells the groupings apart.
    """
    parts = [travel_ranges(nearest, areas, group, **how) for group in groups]
    return pd.concat(parts, ignore_index=True)


def spread(
    nearest: pd.DataFrame, areas: pd.DataFrame, group: str, weight: str = "people"
) -> pd.DataFrame:
    """Say how the drives of a group lie apart: its middle and its two tails, under every list.

    Parameters
    ----------
    nearest : as `access.minutes_by_list` returns it.
    areas : one row an area: `area_code`, `group`, `weight`.
    group : column whose groups get rows; everybody gets rows in any case.
    weight : what weighs an area, a column of `WEIGHTS`.

    Returns
    -------
    Tidy table `measure` (minutes within which a share of people live), `group_by`, `group`,
    `level` (the share, a name of `SHARES`), `people`, `estimate` (base list), `low`, `high` (over
    the lists), `unit` (minutes).
    """
    rows = []
    everybody = pd.Series("all", index=areas.index)
    for column in (everybody, areas[group].astype(str)):
        for name, part in areas.groupby(column):
            weights = part[weight].to_numpy(float)
            for level, share in SHARES.items():
                found = [
                    geography.weighted_quantile(minutes.to_numpy(), weights, share)
                    for _, minutes in nearest.reindex(part["area_code"]).items()
                ]
                rows.append(
                    {
                        "group": name,
                        "level": level,
                        "people": weights.sum(),
                        "estimate": found[list(nearest).index(centre_lists.BASE)],
                        "low": min(found),
                        "high": max(found),
                    }
                )
    table = pd.DataFrame(rows).drop_duplicates(["group", "level"])
    return table.assign(
        measure="minutes within which a share of people live",
        group_by=group,
        unit="minutes",
        people=table["people"].round().astype("Int64"),
    )


def _counts(areas: pd.DataFrame, group: str | None, level: str | None) -> pd.DataFrame:
    """Areas, people and expected patients of every group and level, and of all of them."""
    parts = []
    for by_group in {None, group}:
        for by_level in {None, level}:
            keys = pd.DataFrame(
                {
                    "group": areas[by_group].astype(str) if by_group else "all",
                    "level": areas[by_level].astype(str) if by_level else "all",
                    "areas": 1,
                    "people": areas["people"],
                    "expected_patients": areas["expected_patients"],
                },
                index=areas.index,
            )
            parts.append(keys.groupby(["group", "level"], as_index=False).sum())
    return pd.concat(parts, ignore_index=True)


def numbers_beyond(ranges: pd.DataFrame) -> pd.DataFrame:
    """Turn shares beyond a limit into numbers: of people, or of expected patients.

    Parameters
    ----------
    ranges : as `travel_ranges` returns it, of one weight.

    Returns
    -------
    The rows of shares with `estimate`, `low` and `high` as numbers, and `unit` saying of whom.
    """
    shares = ranges[ranges["measure"].str.startswith("beyond")].reset_index(drop=True)
    column = next(c for c, words in WEIGHTS.items() if shares["method"].str.endswith(words).all())
    for each in ("estimate", "low", "high"):
        shares[each] = shares[each] / 100 * shares[column].astype(float)
    return shares.assign(unit=WEIGHTS[column])


def with_prevalence(numbers: pd.DataFrame, assumptions: pd.DataFrame) -> pd.DataFrame:
    """Widen numbers of expected patients by the range of the prevalence, beside that of the lists.

    Parameters
    ----------
    numbers : as `numbers_beyond` returns it, of expected patients.
    assumptions : the table `atlas_assumptions`; its row `prevalence_per_100000` has the range.

    Returns
    -------
    The same rows: `low` with the fewest patients and the list that has fewest of them far, `high`
    with the most patients and the list that has most of them far.
    """
    known = assumptions.set_index("name").loc["prevalence_per_100000"]
    return numbers.assign(
        low=numbers["low"] * (known["low"] / known["value"]),
        high=numbers["high"] * (known["high"] / known["value"]),
    )


def expected_numbers(
    areas: pd.DataFrame, assumptions: pd.DataFrame, groups: Sequence[str] = ()
) -> pd.DataFrame:
    """Add up the expected patients of groups of areas, with the range of the prevalence.

    Parameters
    ----------
    areas : one row an area: `people`, `expected_patients`, and the columns of `groups`.
    assumptions : the table `atlas_assumptions`; its row `prevalence_per_100000` has the range.
    groups : columns whose groups get rows beside everybody.

    Returns
    -------
    Tidy table `measure`, `group_by`, `group`, `areas`, `people` (aged 65 and over), `estimate`
    (expected patients), `low`, `high` (at the ends of the range of the prevalence), `unit`.
    """
    known = assumptions.set_index("name").loc["prevalence_per_100000"]
    parts = [_counts(areas, None, None).assign(group_by="all")]
    for group in groups:
        counted = _counts(areas, group, None)
        parts.append(counted[counted["group"] != "all"].assign(group_by=group))
    table = pd.concat(parts, ignore_index=True).drop(columns="level")
    table = table.rename(columns={"expected_patients": "estimate"})
    return table.assign(
        measure="expected patients",
        low=table["estimate"] * (known["low"] / known["value"]),
        high=table["estimate"] * (known["high"] / known["value"]),
        unit="people",
    )


def indices(
    nearest: pd.DataFrame,
    areas: pd.DataFrame,
    weight: str = "people",
    far_minutes: float = 60,
    cluster: str = "local_authority_code",
    measures: Sequence[str] = tuple(INDICES),
) -> pd.DataFrame:
    """Measure how unequally the drive falls on areas ranked by deprivation, in kinds of place.

    Areas are ranked by deprivation decile among those of the same kind of place, and weigh as many
    as live in them. All areas of England are there, so the interval is not one of sampling: it
    says how much the index depends on a few local authorities.

    Parameters
    ----------
    nearest : as `access.minutes_by_list` returns it.
    areas : one row an area: `area_code`, `imd_decile`, `rural_urban`, `place` (as
        `access.area_table` has it), the weight and the cluster.
    weight : what weighs an area, a column of `WEIGHTS`.
    far_minutes : minutes beyond which a place is far.
    cluster : column within which areas are alike.
    measures : the indices wanted, names of `INDICES`.

    Returns
    -------
    Tidy table `measure` (slope, relative, concentration index), `centre_list` (A, AB, ABC),
    `method` (the weight in words), `variable` (minutes, or people beyond the limit), `group_by`,
    `group`, `areas`, `estimate`, `ci_low`, `ci_high`, `unit`. Ranks run from the most to the least
    deprived: a slope above 0 says that the least deprived have the longer drive.
    """
    coast = areas["place"].str.split().str[-1]
    kinds = {"all": pd.Series(True, index=areas.index)}
    for column in (areas["rural_urban"], coast, areas["place"]):
        kinds |= {name: column == name for name in sorted(column.unique())}
    rows = []
    for grades in nearest:
        minutes = nearest[grades].reindex(areas["area_code"]).to_numpy()
        known = areas.assign(minutes=minutes, far=100.0 * (minutes > far_minutes))
        variables = {"minutes": "minutes", "far": f"beyond {far_minutes:g} minutes"}
        for group, inside in kinds.items():
            part = known[inside & (known[weight] > 0)]
            for column, variable in variables.items():
                for measure in measures:
                    slope_unit = "minutes" if column == "minutes" else "percentage points"
                    unit = {"slope index": slope_unit, "relative index": "ratio"}.get(measure, "")
                    row = INDICES[measure](
                        part, column, "imd_decile", weight, cluster=cluster
                    ).iloc[0]
                    rows.append(
                        {
                            "measure": measure,
                            "centre_list": grades,
                            "variable": variable,
                            "group": group,
                            "areas": len(part),
                            "estimate": row["estimate"],
                            "ci_low": row["ci_low"],
                            "ci_high": row["ci_high"],
                            "unit": unit or "from -1 to 1",
                        }
                    )
    return pd.DataFrame(rows).assign(
        group_by="kind of place", method=f"weighted by {WEIGHTS[weight]}"
    )


def longer_end(indices: pd.DataFrame) -> pd.DataFrame:
    """Say at which end of the scale of deprivation the drive is longer, and by how much.

    A slope below 0 becomes a positive difference that names the other end, so that sentences need
    no minus sign.

    Parameters
    ----------
    indices : as `indices` returns it, with the lists A, AB and ABC.

    Returns
    -------
    One row a kind of place and variable: `note` (the end that is higher on the base list, and
    whether it is so on every list, with no interval that holds 0), `estimate` (base list),
    `ci_low`, `ci_high` (its interval), `low`, `high` (of the estimates, over the lists).
    """
    slopes = indices[indices["measure"] == "slope index"]
    columns = ["estimate", "ci_low", "ci_high"]
    keys = ["variable", "group_by", "group", "unit"]
    rows = []
    for found, part in slopes.groupby(keys, sort=False):
        by_list = part.set_index("centre_list")[columns]
        note = "higher at the least deprived end"
        if by_list.loc[centre_lists.BASE, "estimate"] < 0:
            by_list = -by_list.rename(columns={"ci_low": "ci_high", "ci_high": "ci_low"})
            note = "higher at the most deprived end"
        base = by_list.loc[centre_lists.BASE, columns].to_dict()
        over = {"low": by_list["estimate"].min(), "high": by_list["estimate"].max()}
        note += " on every list" if (by_list["ci_low"] > 0).all() else ", not on every list"
        rows.append({**dict(zip(keys, found, strict=True)), "note": note, **base, **over})
    return pd.DataFrame(rows).assign(measure="difference between the two ends")


def against_first_reading(
    minutes: pd.DataFrame, centres: pd.DataFrame, areas: pd.DataFrame, reading: pd.DataFrame
) -> pd.DataFrame:
    """Set this atlas beside the figures of its first reading, on the same list and on the base one.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : the list: `site`, `certainty`, `lists` (working lists, separated by semicolons).
    areas : one row an area: `area_code`, `people`, `deprivation_quintile`, `rural_urban`.
    reading : the table `first_reading`: `measure`, `group`, `level`, `value`, `unit`.

    Returns
    -------
    Tidy table `measure`, `scenario` (which list), `group_by`, `group`, `level`,
    `published_estimate` (first reading), `estimate` (this atlas), `difference`, `unit`.
    """
    parts = []
    for scenario, sites in {
        "the list of the first reading": centres["lists"].str.split(";").map(set)
        >= {FIRST_READING},
        "base list": centres["certainty"].isin(list(centre_lists.BASE)),
    }.items():
        nearest = minutes[centres.loc[sites, "site"]].min(axis=1)
        known = areas.assign(minutes=nearest.reindex(areas["area_code"]).to_numpy())
        ours = access.travel_by(known, "deprivation_quintile", "rural_urban")
        both = reading.merge(ours[[*_KEYS, "estimate", "group_by"]], on=_KEYS, how="left")
        parts.append(both.assign(scenario=scenario))
    table = pd.concat(parts, ignore_index=True).rename(columns={"value": "published_estimate"})
    return table.assign(difference=table["estimate"] - table["published_estimate"])


def assumption_effects(
    nearest: pd.DataFrame,
    areas: pd.DataFrame,
    population: pd.DataFrame,
    coast: pd.DataFrame,
    assumptions: pd.DataFrame,
) -> pd.DataFrame:
    """Move one assumption at a time to the ends of its range, and see what the answers do.

    Parameters
    ----------
    nearest : as `access.minutes_by_list` returns it.
    areas : one row an area, as `access.area_table` returns it.
    population : `area_code` and people by single year of age.
    coast : the table `area_coast`: `area_code`, `coast_km`.
    assumptions : the table `atlas_assumptions`.

    Returns
    -------
    Tidy table `term` (the assumption in words), `measure` (expected patients; the share of them
    who are far; their mean minutes; the mean minutes of people on the coast), `value` (what it is
    set to), `estimate` (base list), `difference` (from the value used), `unit`. An assumption has
    rows for the answers that it can move, and no row where it moves none of these.
    """
    known = assumptions.set_index("name")
    used = known["value"].astype(float)
    codes = areas["area_code"]
    english = population[population["area_code"].isin(codes)]
    base = nearest[centre_lists.BASE].reindex(codes).to_numpy()
    coast_km = coast.set_index("area_code")["coast_km"].reindex(codes).to_numpy()
    people = areas["people"].to_numpy(float)
    of_patients = ("expected patients", "expected patients who are far")
    of_patients += ("mean minutes of expected patients",)
    moves = {
        "prevalence_per_100000": of_patients[:1],
        "age_doubling_years": of_patients[1:],
        "age_youngest": of_patients[1:],
        "age_flat_from": of_patients[1:],
        "slower_driving": of_patients[1:],
        "far_minutes": of_patients[1:2],
        "coast_km": ("mean minutes of people aged 65 and over on the coast",),
    }

    def answers(assumed: Mapping[str, float], multiplier: float) -> dict[str, tuple[float, str]]:
        expected = access.expected_patients(
            english,
            assumed["prevalence_per_100000"],
            assumed["age_doubling_years"],
            int(assumed["age_youngest"]),
            int(assumed["age_flat_from"]),
        )
        expected = expected.reindex(codes).to_numpy()
        minutes = base * multiplier
        far = minutes > assumed["far_minutes"]
        coastal = coast_km <= assumed["coast_km"]
        total = expected.sum()
        return {
            of_patients[0]: (total, "people"),
            of_patients[1]: (100 * expected[far].sum() / total, "per cent"),
            of_patients[2]: ((expected * minutes).sum() / total, "minutes"),
            moves["coast_km"][0]: (
                (people * minutes)[coastal].sum() / people[coastal].sum(),
                "minutes",
            ),
        }

    as_used = answers(used, 1.0)
    rows = []
    for name, measures in moves.items():
        for value in sorted(set(known.loc[name, ["low", "value", "high"]].astype(float))):
            multiplier = value if name == "slower_driving" else 1.0
            found = answers({**used, name: value}, multiplier)
            for measure in measures:
                estimate, unit = found[measure]
                rows.append(
                    {
                        "measure": measure,
                        "term": known.loc[name, "title"],
                        "value": value,
                        "estimate": float(estimate),
                        "difference": float(estimate - as_used[measure][0]),
                        "unit": unit,
                    }
                )
    return pd.DataFrame(rows)


def area_file(
    areas: pd.DataFrame,
    population: pd.DataFrame,
    imd: pd.DataFrame,
    travel: Mapping[str, pd.DataFrame],
    slower: float,
    bands: Sequence[int] = BANDS,
) -> pd.DataFrame:
    """Put all that the atlas knows about every area into one wide table.

    Parameters
    ----------
    areas : one row an area, as `access.area_table` returns it.
    population : `area_code` and people by single year of age.
    imd : `area_code`, `imd_rank` (1 = most deprived).
    travel : for each list (A, AB, ABC), what `travel.nearest_centre` returns.
    slower : minutes are multiplied by it for slower driving.
    bands : ages in years at which the bands of people begin.

    Returns
    -------
    One row an area: the columns of `areas` (`people` named `people_65_and_over`), `imd_rank`,
    people by band of age, and for each list the nearest centre, the minutes one way, the same with
    slower driving, the kilometres, and whether the minutes are modelled.
    """
    out = areas.rename(columns={"people": "people_65_and_over"})
    out = out.merge(imd[["area_code", "imd_rank"]], how="left", validate="one_to_one")
    counts = population.set_index("area_code").reindex(out["area_code"])
    older = {age: geography.people_aged(counts, age).to_numpy() for age in bands}
    for first, after in zip(bands, (*bands[1:], None), strict=True):
        name = f"people_{first}_and_over" if after is None else f"people_{first}_to_{after - 1}"
        out[name] = older[first] - (older[after] if after is not None else 0)
    for grades, found in travel.items():
        one = found.set_index("area_code").reindex(out["area_code"])
        minutes = one["travel_minutes"].to_numpy()
        out[f"centre_{grades}"] = one["centre"].to_numpy()
        out[f"travel_minutes_{grades}"] = minutes.round(1)
        out[f"travel_minutes_slower_{grades}"] = (minutes * slower).round(1)
        out[f"distance_km_{grades}"] = one["distance_km"].round(2).to_numpy()
        out[f"modelled_{grades}"] = one["modelled"].to_numpy()
    return out.assign(expected_patients=out["expected_patients"].round(4))
