"""Two services of one disease, such as those for children and for adults: who drives further when
people pass from the one to the other, and what of it depends on the lists of centres.

A list of centres may be wrong for either service, and the two errors need not go together. So
every change is told over every pair of lists: the three readings of the first with the three of the
second. What holds on all pairs is told; where the direction differs nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists, geography
from distance_to_care.problems import Problem

BASE = centre_lists.BASE
EVERYBODY = "all"
# Limits in minutes one way: how far is far, and how much further is further.
BEYOND = (60, 90, 120)
FURTHER = (15, 30, 60)
# A change of no more than this on every pair of lists is no change: a minute of driving.
SAME_MINUTES = 1.0
# Two hospitals this close are in one place for a family: a short walk or a few minutes by car.
TOGETHER_KM = 2.0
MEAN_CHANGE = "mean change"
LONGER, SHORTER, SAME = "longer", "shorter", "about the same"
NO_CLAIM = "depends on the list"
FINDINGS = (LONGER, SHORTER, SAME, NO_CLAIM)
# A longer list is never further, so the nine pairs lie between two of them: the shortest list of
# the one with the longest of the other. The range over these three pairs is that over all nine.
ENDS_AND_BASE = (("A", "ABC"), (BASE, BASE), ("ABC", "A"))


def people_of_ages(population: pd.DataFrame, youngest: int, oldest: int) -> pd.Series:
    """Count the people between two ages in every area.

    Parameters
    ----------
    population : `age_0` ... `age_90_and_over`; index `area_code`, or the column `area_code`.
    youngest, oldest : completed years of age; both ends are counted.

    Returns
    -------
    People by area code.

    Raises
    ------
    Problem : the oldest age is below the youngest.
    """
    if oldest < youngest:
        raise Problem(f"Nobody is at least {youngest} and at most {oldest} years old.")
    older = geography.people_aged(population, oldest + 1)
    return (geography.people_aged(population, youngest) - older).rename("people")


def nearest_of(minutes: pd.DataFrame, centres: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Find the minutes to the nearest centre of every service, under every way to read its list.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site. A hospital with more than one
        service has one column.
    centres : `service`, `site`, `certainty` (A, B, C).

    Returns
    -------
    Service -> minutes; index `area_code`, columns A (surest sites), AB (base list), ABC.

    Raises
    ------
    Problem : a service without a site of the surest grade.
    """
    return {
        str(service): access.minutes_by_list(minutes, of_service)
        for service, of_service in centres.groupby("service", sort=False)
    }


def travel(
    near: Mapping[str, pd.DataFrame],
    people: Mapping[str, pd.Series],
    areas: pd.DataFrame,
    groups: Sequence[str] = (),
    named_places: Sequence[str] = ("region", "board", "local_authority"),
    beyond: Sequence[float] = BEYOND,
) -> pd.DataFrame:
    """Summarise the drive to each service, weighted by the people it is for, over all lists.

    Parameters
    ----------
    near : as `nearest_of` returns it.
    people : service -> people by area code.
    areas : one row an area: `area_code` and the columns of `groups`.
    groups : columns whose groups get rows beside everybody.
    named_places : those of them whose groups are places: a place whose mean moves by more than ten
        minutes between the lists keeps its range only.
    beyond : limits in minutes; the share of people strictly beyond each is given.

    Returns
    -------
    Tidy table `measure` (mean, beyond 60 minutes ...), `group_by`, `group`, `level` (the service),
    `people`, `estimate` (base list), `low`, `high` (over A, AB and ABC), `unit` (minutes, or per
    cent), `steady` (missing where the group is no named place). A group in which nobody lives gets
    no row.

    Raises
    ------
    Problem : an area without people or without minutes.
    """
    codes = pd.Index(areas["area_code"])
    parts = []
    for service, by_list in near.items():
        readings = {}
        for grades in access.LISTS:
            minutes = by_list[grades].reindex(codes).to_numpy(float)
            readings[grades] = {"mean": (minutes, 1.0, "minutes")} | {
                f"beyond {limit:g} minutes": (minutes > limit, 100.0, "per cent")
                for limit in beyond
            }
        table = _over_readings(readings, BASE, people[service], areas, groups)
        parts.append(_as_readers_see(table, "mean", named_places).assign(level=service))
    return _tidy(pd.concat(parts, ignore_index=True))


def compare(
    first: pd.Series,
    second: pd.Series,
    weight: pd.Series,
    further: Sequence[float] = FURTHER,
    beyond: Sequence[float] = BEYOND,
) -> pd.DataFrame:
    """Compare the drive to two services for the same people: who drives further to the second.

    Parameters
    ----------
    first, second : one-way minutes to the nearest centre of each service, by area code.
    weight : people by area code; areas of `first` that it does not name hold nobody.
    further : limits of the change in minutes.
    beyond : limits of the drive in minutes.

    Returns
    -------
    Tidy table `measure` (mean of the first, mean of the second, mean change; longer and shorter by
    more than so many minutes; within so many minutes of the first only, and of the second only),
    `estimate`, `unit` (minutes, or per cent of people).

    Raises
    ------
    Problem : an area with a drive to one service only, or nobody to weigh by.
    """
    unlike = len(first.index.symmetric_difference(second.index))
    if unlike or first.isna().any() or second.isna().any():
        raise Problem("Some areas have minutes to one of the two services only. Give both.")
    people = weight.reindex(first.index).fillna(0).to_numpy(float)
    if people.sum() <= 0:
        raise Problem("Nobody lives in these areas, so that no drive can be weighed by people.")
    columns = _columns(first.to_numpy(float), second.reindex(first.index).to_numpy(float),
                       further, beyond)  # fmt: skip
    rows = [
        (measure, float(values @ people / people.sum()) * scale, unit)
        for measure, (values, scale, unit) in columns.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "estimate", "unit"])


def _columns(
    first: np.ndarray, second: np.ndarray, further: Sequence[float], beyond: Sequence[float]
) -> dict[str, tuple[np.ndarray, float, str]]:
    """What is measured in every area: values, what they are multiplied by, and the unit."""
    change = second - first
    found = {
        "mean of the first": (first, 1.0, "minutes"),
        "mean of the second": (second, 1.0, "minutes"),
        MEAN_CHANGE: (change, 1.0, "minutes"),
    }
    for limit in further:
        found[f"longer by more than {limit:g} minutes"] = (change > limit, 100.0, "per cent")
        found[f"shorter by more than {limit:g} minutes"] = (-change > limit, 100.0, "per cent")
    for limit in beyond:
        only_first = (first <= limit) & (second > limit)
        only_second = (first > limit) & (second <= limit)
        found[f"within {limit:g} minutes of the first only"] = (only_first, 100.0, "per cent")
        found[f"within {limit:g} minutes of the second only"] = (only_second, 100.0, "per cent")
    return found


def pairs_of_lists(
    first: pd.DataFrame, second: pd.DataFrame
) -> Iterator[tuple[str, str, pd.Series, pd.Series]]:
    """Go through all pairs of one reading of each list, the pair of base lists among them.

    Parameters
    ----------
    first, second : minutes by list, as a table of `nearest_of`.

    Returns
    -------
    The grades of the first list and of the second, and their minutes.
    """
    for one in access.LISTS:
        for other in access.LISTS:
            yield one, other, first[one], second[other]


def compare_over_lists(
    first: pd.DataFrame,
    second: pd.DataFrame,
    people: pd.Series,
    areas: pd.DataFrame,
    groups: Sequence[str] = (),
    named_places: Sequence[str] = ("region", "board", "local_authority"),
    further: Sequence[float] = FURTHER,
    beyond: Sequence[float] = BEYOND,
) -> pd.DataFrame:
    """Compare two services for the same people on every pair of lists, for everybody and by group.

    Parameters
    ----------
    first, second : minutes by list (A, AB, ABC), index `area_code`, as a table of `nearest_of`.
    people : people by area code.
    areas : one row an area: `area_code` and the columns of `groups`.
    groups, named_places : as for `travel`.
    further, beyond : as for `compare`.

    Returns
    -------
    Tidy table `measure` (those of `compare`), `group_by`, `group`, `people`, `estimate` (both base
    lists), `low`, `high` (over the nine pairs), `unit`, `steady` (of a named place), and of the
    mean change `level` (its `finding`) and `note` (its range `in_words`). A named place whose mean
    change moves by more than ten minutes between the pairs keeps its range only. A group in which
    nobody lives gets no row.

    Raises
    ------
    Problem : an area without people or without minutes.
    """
    codes = pd.Index(areas["area_code"])
    readings = {
        (one, other): _columns(
            first[one].reindex(codes).to_numpy(float),
            second[other].reindex(codes).to_numpy(float),
            further,
            beyond,
        )
        for one, other in ENDS_AND_BASE
    }
    out = _over_readings(readings, (BASE, BASE), people, areas, groups)
    out = _as_readers_see(out, MEAN_CHANGE, named_places)
    changes = out["measure"] == MEAN_CHANGE
    ends = out.loc[changes, "low"], out.loc[changes, "high"]
    out["level"], out["note"] = None, None
    out.loc[changes, "level"] = finding(*ends)
    out.loc[changes, "note"] = in_words(*ends)
    return _tidy(out)


def _over_readings(
    readings: Mapping[Hashable, Mapping[str, tuple[np.ndarray, float, str]]],
    base: Hashable,
    people: pd.Series,
    areas: pd.DataFrame,
    groups: Sequence[str],
) -> pd.DataFrame:
    """Weighted means of every measure by group: of the base reading, and the range over all."""
    weight = people.reindex(areas["area_code"]).to_numpy(float)
    # A gap in a number makes every mean missing, and a gap in minutes would count as near.
    drives = [values for columns in readings.values() for values, _, _ in columns.values()]
    if np.isnan(weight).any() or any(np.isnan(values).any() for values in drives):
        raise Problem(
            "Some areas have no people or no minutes to a centre. Give both for every area, 0 "
            "where nobody lives."
        )
    keys = {EVERYBODY: np.full(len(areas), EVERYBODY, dtype=object)}
    keys |= {group: areas[group].astype(str).to_numpy() for group in groups}
    parts = []
    for group_by, key in keys.items():
        code, names = pd.factorize(key, sort=True)
        there = np.bincount(code, weight, len(names))
        means = {of: _means(columns, weight, code, there) for of, columns in readings.items()}
        over = np.stack(list(means.values()))
        for m, (measure, (_, _, unit)) in enumerate(readings[base].items()):
            table = {"group": names, "people": there, "estimate": means[base][m]}
            table |= {"low": over[:, m].min(axis=0), "high": over[:, m].max(axis=0)}
            parts.append(pd.DataFrame(table).assign(measure=measure, unit=unit, group_by=group_by))
    out = pd.concat(parts, ignore_index=True)
    return out[out["people"] > 0].reset_index(drop=True)


def _means(
    columns: Mapping[str, tuple[np.ndarray, float, str]],
    weight: np.ndarray,
    code: np.ndarray,
    there: np.ndarray,
) -> np.ndarray:
    """Weighted means of every measure (rows) in every group (columns)."""
    people = np.where(there > 0, there, np.nan)
    return np.array(
        [
            scale * np.bincount(code, weight * values, len(there)) / people
            for values, scale, _ in columns.values()
        ]
    )


def finding(low: pd.Series, high: pd.Series, same: float = SAME_MINUTES) -> pd.Series:
    """Say which way a change goes, where it goes that way on every pair of lists.

    Parameters
    ----------
    low, high : the smallest and the largest change over the pairs, in minutes; read as whole
        minutes, as they are told.
    same : a change of no more than this is none.

    Returns
    -------
    `about the same` (no more than this either way on every pair), `longer` (by this or more on
    every pair), `shorter`, or `depends on the list`, which claims nothing.
    """
    low, high = low.round(), high.round()
    words = np.select(
        [(low >= -same) & (high <= same), low >= same, high <= -same], [SAME, LONGER, SHORTER],
        NO_CLAIM,
    )  # fmt: skip
    return pd.Series(words, index=low.index, dtype=object)


def in_words(low: pd.Series, high: pd.Series) -> pd.Series:
    """Tell a range of changes without a sign: `18 to 19 minutes longer`.

    Parameters
    ----------
    low, high : the smallest and the largest change, in minutes.

    Returns
    -------
    The range in words, in whole minutes.
    """
    return pd.Series(
        [_range_in_words(round(a), round(b)) for a, b in zip(low, high, strict=True)],
        index=low.index,
        dtype=object,
    )


def _range_in_words(low: int, high: int) -> str:
    if low == high == 0:
        return "less than a minute either way"
    if low < 0 < high:
        return f"from {_minutes(-low)} shorter to {_minutes(high)} longer"
    way = LONGER if high > 0 else SHORTER
    near, far = sorted((abs(low), abs(high)))
    if near == far:
        return f"{_minutes(far)} {way}"
    return f"{near} to {_minutes(far)} {way}" if near else f"up to {_minutes(far)} {way}"


def _minutes(count: int) -> str:
    return f"{count} minute{'' if count == 1 else 's'}"


def by_pair(
    first: pd.DataFrame, second: pd.DataFrame, people: pd.Series, further: float = FURTHER[0]
) -> pd.DataFrame:
    """Show every pair of lists by itself, so that what the range hides can be seen.

    Parameters
    ----------
    first, second : minutes by list (A, AB, ABC), as a table of `nearest_of`.
    people : people by area code.
    further : limit of the change in minutes.

    Returns
    -------
    Tidy table `group` (the reading of the first list), `level` (that of the second), `measure`
    (mean change; longer and shorter by more than the limit), `estimate`, `unit`.
    """
    parts = [
        compare(of_first, of_second, people, (further,), ()).assign(group=one, level=other)
        for one, other, of_first, of_second in pairs_of_lists(first, second)
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[~table["measure"].str.startswith("mean of")]
    return table[["group", "level", "measure", "estimate", "unit"]].reset_index(drop=True)


def with_more_sites(
    near: Mapping[str, pd.DataFrame], minutes: pd.DataFrame, sites: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Let further places count as centres on every list: outreach clinics, for example.

    Parameters
    ----------
    near : as `nearest_of` returns it.
    minutes : one-way minutes to the further places; index `area_code`, one column a site.
    sites : `service`, `site`; a service without a further place stays as it is.

    Returns
    -------
    As `near`: minutes to the nearest of the centres and the further places of the service.
    """
    found = {}
    for service, by_list in near.items():
        more = sites.loc[sites["service"] == service, "site"].tolist()
        nearest = minutes[more].min(axis=1).reindex(by_list.index) if more else np.inf
        found[service] = by_list.apply(lambda column, nearest=nearest: np.minimum(column, nearest))
    return found


def count_findings(found: pd.DataFrame, group_by: str) -> pd.DataFrame:
    """Count the places for which each finding holds, and the people who live in them.

    Parameters
    ----------
    found : as `compare_over_lists` returns it.
    group_by : the kind of place.

    Returns
    -------
    Tidy table `measure` (places), `group_by`, `group` (the finding; `all`), `people`, `estimate`
    (places), `unit`.
    """
    means = found[(found["group_by"] == group_by) & (found["measure"] == MEAN_CHANGE)]
    rows = [(EVERYBODY, means["people"].sum(), len(means))]
    for words in FINDINGS:
        chosen = means[means["level"] == words]
        rows.append((words, chosen["people"].sum(), len(chosen)))
    table = pd.DataFrame(rows, columns=["group", "people", "estimate"])
    return table.assign(
        measure="places", group_by=group_by, unit="places", estimate=table["estimate"].astype(float)
    )


def continuity(
    minutes: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    people: pd.Series,
    together_km: float = TOGETHER_KM,
) -> pd.DataFrame:
    """Find how many people have both services in one place: the nearest of each, side by side.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    first, second : the list of each service: `site`, `certainty`, `latitude`, `longitude`.
    people : people by area code.
    together_km : straight line in kilometres up to which two hospitals are in one place.

    Returns
    -------
    Tidy table `measure` (the nearest of both are one hospital; are in one place; are apart),
    `estimate` (base lists), `low`, `high` (over the nine pairs of lists), `unit`.
    """
    weight = people.reindex(minutes.index).fillna(0).to_numpy(float)
    sites = pd.concat([first, second]).drop_duplicates("site").set_index("site")
    points = geography.national_grid(sites["latitude"].to_numpy(), sites["longitude"].to_numpy())
    place = dict(zip(sites.index, zip(*points, strict=True), strict=True))
    shares = {}
    for one in access.LISTS:
        for other in access.LISTS:
            near_first = _nearest_site(minutes, first, one)
            near_second = _nearest_site(minutes, second, other)
            pairs = {
                (a, b): geography.straight_line_km(*place[a], *place[b])
                for a, b in set(zip(near_first, near_second, strict=True))
            }
            km = np.array([pairs[p] for p in zip(near_first, near_second, strict=True)])
            shares[one, other] = {
                "one hospital": 100 * weight[near_first == near_second].sum() / weight.sum(),
                "one place": 100 * weight[km <= together_km].sum() / weight.sum(),
                "apart": 100 * weight[km > together_km].sum() / weight.sum(),
            }
    over = pd.DataFrame(shares)
    return pd.DataFrame(
        {
            "measure": "nearest of both: " + over.index,
            "estimate": over[(BASE, BASE)].to_numpy(),
            "low": over.min(axis=1).to_numpy(),
            "high": over.max(axis=1).to_numpy(),
            "unit": "per cent",
        }
    )


def _nearest_site(minutes: pd.DataFrame, centres: pd.DataFrame, grades: str) -> np.ndarray:
    sites = centres.loc[centres["certainty"].isin(list(grades)), "site"].tolist()
    return geography.nearest(minutes[sites])["site"].to_numpy()


def _as_readers_see(table: pd.DataFrame, mean: str, named_places: Sequence[str]) -> pd.DataFrame:
    """Take the single numbers from every place whose mean moves by more than ten minutes."""
    means = table[table["measure"] == mean].set_index(["group_by", "group"])
    moved = (means["high"] - means["low"]) > centre_lists.STEADY_MINUTES
    keys = pd.MultiIndex.from_frame(table[["group_by", "group"]])
    named = table["group_by"].isin(list(named_places))
    steady = pd.Series(~moved.reindex(keys).to_numpy(bool), table.index)
    return table.assign(
        estimate=table["estimate"].where(steady | ~named),
        steady=steady.astype("boolean").where(named),
    )


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Whole people, and one order of columns."""
    order = ["measure", "group_by", "group", "level", "people", "estimate", "low", "high", "unit",
             "steady", "note"]  # fmt: skip
    table = table.assign(people=table["people"].round().astype("Int64"))
    return table[[column for column in order if column in table]].reset_index(drop=True)


def most_apart(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Order places by how far the lists part on them, that with the widest range first.

    Parameters
    ----------
    rows : one row a service and place: `level` (the service), `group`, `measure`, `low`, `high`.

    Returns
    -------
    For each place the row where its range is widest: `level`, `group` and `measure`.
    """
    ordered = rows.assign(range=rows["high"] - rows["low"]).sort_values("range", ascending=False)
    widest = ordered.drop_duplicates("group")
    return widest[["level", "group", "measure"]].to_dict("records")


def listed(centres: pd.DataFrame) -> pd.DataFrame:
    """Lay the list of centres out for readers.

    Parameters
    ----------
    centres : `service`, `site`, `town`, `certainty`, `gene_therapy` (yes or no), `source`.

    Returns
    -------
    `group` (the service), `centre` (the hospital), `area` (the town), `certainty`, `note` (whether
    it was named for gene therapy), `source`, `when` (the years of what was seen, as the source
    tells them; `no year`), in the order of the list.
    """
    note = centres["gene_therapy"].map({"yes": "gene therapy", "no": ""})
    named = {"service": "group", "site": "centre", "town": "area"}
    columns = ["service", "site", "town", "certainty"]
    out = centres[columns].rename(columns=named).assign(note=note, source=centres["source"])
    return out.assign(when=centres["source"].map(_years))


def _years(source: str) -> str:
    """The years that a source names: `2020, 2024`."""
    return ", ".join(sorted(set(re.findall(r"\b20\d\d\b", source)))) or "no year"


def count_sites(centres: pd.DataFrame) -> pd.DataFrame:
    """Count the hospitals on every reading of the list of each service.

    Parameters
    ----------
    centres : `service`, `certainty` (A, B, C).

    Returns
    -------
    Tidy table `measure`, `group` (the service), `level` (A, AB, ABC), `estimate`, `unit`.
    """
    rows = [
        (str(service), grades, float(part["certainty"].isin(list(grades)).sum()))
        for service, part in centres.groupby("service")
        for grades in access.LISTS
    ]
    table = pd.DataFrame(rows, columns=["group", "level", "estimate"])
    return table.assign(measure="hospitals on the list", unit="hospitals")


def every_drive(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    outreach: pd.DataFrame,
    population: pd.DataFrame,
    areas: pd.DataFrame,
    ages: Mapping[str, tuple[int, int]],
) -> dict[str, pd.DataFrame]:
    """Compute the drive to every service as the chapter on it publishes it.

    Parameters
    ----------
    minutes : one-way minutes to every site of the list and every outreach clinic.
    centres : `service`, `site`, `certainty`, `gene_therapy` (yes or no: given to babies).
    outreach : `service`, `site` of outreach clinics.
    population : people by single year of age.
    areas : one row an area as `access.area_table` returns it.
    ages : service -> youngest and oldest age that it is for.

    Returns
    -------
    Name of the table -> table as `travel` returns it: `kinds` (everybody, deprivation fifths, rural
    and urban), `places` (regions, and boards with `board_code`), `councils` (means only),
    `gene_therapy` (babies, to the hospitals named for it: no range over lists), `outreach`
    (regions, if outreach clinics counted as centres).
    """
    near = nearest_of(minutes, centres)
    if "area_code" in population:
        population = population.set_index("area_code")
    people = {of: people_of_ages(population, *ends) for of, ends in ages.items()}
    kinds = ["deprivation_quintile", "rural_urban"]
    places = _named_only(travel(near, people, areas, ["region", "board"]))
    codes = areas.drop_duplicates("board").set_index("board")["board_code"]
    councils = _named_only(travel(near, people, areas, ["local_authority"], beyond=()))
    given = centres.loc[centres["gene_therapy"] == "yes", "site"]
    of_babies = pd.DataFrame(dict.fromkeys(access.LISTS, minutes[given].min(axis=1)))
    babies = people_of_ages(population, 0, 0)
    return {
        "kinds": travel(near, people, areas, kinds),
        "places": places.assign(board_code=places["group"].map(codes)),
        "councils": councils[councils["measure"] == "mean"],
        "gene_therapy": travel({"babies": of_babies}, {"babies": babies}, areas,
                               [*kinds, "region"]),
        "outreach": travel(with_more_sites(near, minutes, outreach), people, areas, ["region"],
                           beyond=(60,)),
    }  # fmt: skip


def every_change(
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    outreach: pd.DataFrame,
    people: pd.Series,
    areas: pd.DataFrame,
    services: tuple[str, str],
) -> dict[str, pd.DataFrame]:
    """Compute what changes for people who pass from one service to the other, as the chapter does.

    Parameters
    ----------
    minutes, centres, outreach, areas : as for `every_drive`.
    people : people of the ages at which it happens, by area code.
    services : the service they leave, and the one they pass to.

    Returns
    -------
    Name of the table -> table: `kinds`, `places` (with `board_code`), `councils` (the mean change
    only) and `outreach` as `compare_over_lists` returns them; `counts` (`count_findings` of
    regions, boards and local authorities), `pairs` (`by_pair`), `together` (`continuity`).
    """
    near = nearest_of(minutes, centres)
    both = [near[service] for service in services]
    more = with_more_sites(near, minutes, outreach)
    lists = [centres[centres["service"] == service] for service in services]
    kinds = ["deprivation_quintile", "rural_urban"]
    named = ["region", "board", "local_authority"]
    places = _named_only(compare_over_lists(*both, people, areas, named))
    codes = areas.drop_duplicates("board").set_index("board")["board_code"]
    council = places["group_by"] == "local_authority"
    shown = places[~council]
    return {
        "kinds": compare_over_lists(*both, people, areas, kinds),
        "places": shown.assign(board_code=shown["group"].map(codes)),
        "councils": places[council & (places["measure"] == MEAN_CHANGE)],
        "outreach": compare_over_lists(
            *(more[service] for service in services), people, areas, ["region"]
        ),
        "counts": pd.concat([count_findings(places, by) for by in named], ignore_index=True),
        "pairs": by_pair(*both, people),
        "together": continuity(minutes, *lists, people),
    }


def _named_only(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["group_by"] != EVERYBODY].reset_index(drop=True)
