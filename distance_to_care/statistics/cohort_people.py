"""Who the people of a cohort are: who is in each analysis, what they are like, how long followed.

Every function takes people in the shape of the cohort contract and returns a tidy table in the
vocabulary of published tables. `flow` and `table_one` take people in a file as well
(`prepared.People`), and then work from counts of those who are alike. What a column means (its
levels, its unit, when its cells may be empty) is read from the study.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from distance_to_care import counted, survival
from distance_to_care.disclosure.profiles import in_force
from distance_to_care.prepared import COUNT, People
from distance_to_care.study import EXPOSURES, Column, Study

OUTCOMES = {"deaths": "died", "transplants": "transplanted", "censored": "censored"}
# What happened after people were first seen: no part of what they were like then.
FOLLOW_UP = "follow_up_years"
LATER = (FOLLOW_UP, "outcome")
FIFTHS = range(1, 6)


def flow(people: pd.DataFrame | People, study: Study, models: Mapping[str, str]) -> pd.DataFrame:
    """Count who is in the file, for whom each exposure is known, and who is in each model.

    Parameters
    ----------
    people : one row a person, as `cohort.prepare` returns them.
    study : names the columns of each model, and how columns are called.
    models : sets of adjustments of the study, and what is said of those for whom everything in
        the model is known, both exposures included.

    Returns
    -------
    One row a step: `measure` (the step in words, numbered), `model` (the exposure or the set of
    adjustments; `all` for the file), `people`, `missing` (people of the file who are left out;
    empty for the file), `deaths`, `transplants`, `censored` (how follow-up of those in it
    ended), `unit`, and `note`: what has to be known, by its title.
    """
    steps = [("in the file", "all", ())]
    steps += [(f"{_title(each, study).lower()} known", each, (each,)) for each in EXPOSURES]
    for name, words in models.items():
        asked = [column for each in EXPOSURES for column in study.adjustment(name, each)]
        steps.append((words, name, tuple(dict.fromkeys((*EXPOSURES, *asked)))))
    rows = []
    alike = _known_alike(people, [column for _, _, columns in steps for column in columns])
    for number, (words, model, columns) in enumerate(steps, start=1):
        inside = alike[alike[list(columns)].all(axis=1)]
        ends = inside.groupby("outcome")[COUNT].sum()
        count = int(ends.sum())
        # What is lacking in some, and what in nobody, would tell a count that is withheld.
        needed = ", ".join(_title(column, study) for column in columns)
        rows.append(
            {
                "measure": f"{number}: {words}",
                "model": model,
                "people": count,
                "missing": len(people) - count if columns else pd.NA,
                **{name: int(ends.get(end, 0)) for name, end in OUTCOMES.items()},
                "unit": "people",
                "note": f"needs: {needed}" if needed else "",
            }
        )
    return pd.DataFrame(rows).astype({"missing": "Int64"})


def _known_alike(people: pd.DataFrame | People, columns: Sequence[str]) -> pd.DataFrame:
    """Count people by how follow-up ended and by which of some columns are known of them."""
    columns = list(dict.fromkeys(columns))
    if isinstance(people, People):
        return people.counts(["outcome"], columns)
    known = people[columns].notna().assign(outcome=people["outcome"].to_numpy(), **{COUNT: 1})
    return known.groupby(["outcome", *columns], as_index=False, observed=True)[COUNT].sum()


def _title(name: str, study: Study) -> str:
    """What a column, a score or the column behind a derived one is called."""
    sources = {each.name: each.column for each in study.derived} | {EXPOSURES[1]: "distance_km"}
    name = sources.get(name, name)
    titles = {each.name: each.title for each in (*study.columns.values(), *study.scores)}
    # An exposure and the column that it is cut from are one thing to a reader.
    return titles[name].removesuffix(" quintile")


def titles(study: Study) -> dict[str, str]:
    """Say what each thing that describes a person is called, with its unit, in the study's order.

    study : says which columns and scores there are.
    """
    called = {"people": "People"}
    for name, column in study.columns.items():
        called[name] = ", ".join(filter(None, (column.title or name, column.unit)))
    called |= {name: f"{_title(name, study)} fifth" for name in EXPOSURES}
    for score in study.scores:
        called |= {score.name: score.title, f"{score.name}_stage": f"{score.title}, stage"}
    return called


def table_one(people: pd.DataFrame | People, study: Study, by: str) -> pd.DataFrame:
    """Describe people when first seen, all together and by the groups of one column.

    Measurements have mean, standard deviation, median and quartiles; levels, and yes in columns of
    yes and no, have shares of those for whom they are known. Smallest and largest values are
    somebody's own, so there are none. A cell that is empty because it has to be, or because empty
    says something, is not missing: where empty says something, that has a share of its own.

    Parameters
    ----------
    people : one row a person, as `cohort.prepare` returns them.
    study : says which columns there are, with their levels and units, and which scores.
    by : column whose groups are described, beside all people.

    Returns
    -------
    One row a measure, variable, level and group: `measure` (`people`, `mean`, `standard deviation`,
    `median`, `lower quartile`, `upper quartile`, `share`, `not known`), `variable`, `level`,
    `group_by`, `group`, `people` (for whom it is known; for `people` and `not known`: everybody),
    `missing` (for `not known`), `estimate`, `unit`. A variable that fewer lack than may be told,
    by the profile in force, has no rows `not known`, and neither have deprivation and distance;
    every level and group has rows, whether they count anybody or not: a row that came with the
    first person would tell a withheld count.
    """
    fewest = in_force(study).threshold
    sizes = _sizes(people, by)
    rows = {
        group: [
            {"group_by": by, "group": group, "people": size}
            | {"measure": "people", "variable": "people", "unit": "people"}
        ]
        for group, (_, size) in sizes.items()
    }
    for column, values in _described(people, study, by):
        # Tests by the fifths of an exposure tell how many have one, so its gaps are told nowhere.
        missing = values.missing()
        told = column.name not in EXPOSURES and missing >= fewest
        for group, (level, size) in sizes.items():
            key = {"group_by": by, "group": group}
            own = values.of(level)
            rows[group] += [key | {"variable": column.name} | row for row in _describe(own, column)]
            if told and not column.missing_means:
                unknown = own.missing()
                share = 100 * unknown / size if size else float("nan")
                named = {"measure": "not known", "variable": column.name, "missing": unknown}
                named |= {"people": size, "estimate": share, "unit": "per cent"}
                rows[group].append(key | named)
    rows = [row for of_group in rows.values() for row in of_group]
    table = pd.DataFrame(rows)
    columns = ["measure", "variable", "level", "group_by", "group", "people", "missing"]
    table = table.reindex(columns=[*columns, "estimate", "unit"])
    return table.assign(level=table["level"].fillna(""), missing=table["missing"].astype("Int64"))


def follow_up(people: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Estimate how long people were followed, all together and by the groups of columns.

    The median is the reverse Kaplan-Meier one: death hides how long somebody would have been
    followed, so death censors. A transplant ends follow-up, as everywhere.

    Parameters
    ----------
    people : one row a person; `follow_up_years`, `outcome` and the columns `by`.
    by : columns whose groups are described, beside all people.

    Returns
    -------
    One row a measure, column and group: `measure` (`median follow-up`, `person-years`), `group_by`,
    `group`, `people`, `deaths`, `estimate`, `ci_low`, `ci_high` (95%, for the median), `unit`, and
    for disclosure control `level_deaths`: of a median those who left alive, on whom it rests.

    Schemper and Smith 1996, doi 10.1016/0197-2456(96)00075-X.
    """
    rows = []
    described = [(column, *group) for column in by for group in groups(people, column)]
    for column, group, members in described:
        died = members["outcome"] == "died"
        row = {"group_by": column, "group": group}
        row |= {"people": len(members), "deaths": int(died.sum()), "unit": "years"}
        total = members["follow_up_years"].sum()
        rows.append(row | {"measure": "person-years", "estimate": total})
        median = {"measure": "median follow-up", "level_deaths": int((~died).sum())}
        if died.any() and not died.all():
            found = survival.follow_up(members.assign(died=died), "follow_up_years", "died")
            found = found.rename(columns={"median": "estimate"}).iloc[0]
            median |= found[["estimate", "ci_low", "ci_high"]].to_dict()
        rows.append(row | median)
    columns = ["measure", "group_by", "group", "people", "deaths", "estimate", "ci_low", "ci_high"]
    table = pd.DataFrame(rows).reindex(columns=[*columns, "unit", "level_deaths"])
    return table.astype({"level_deaths": "Int64"})


def groups(people: pd.DataFrame, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give everybody, and the people of each group of a column; a fifth with nobody has its own.

    people : one row a person. by : the column. Gives the name of each group and its people.
    """
    yield "all", people
    known = people.dropna(subset=by)
    for level in FIFTHS if by in EXPOSURES else sorted(known[by].unique()):
        yield survival.label(level), known[known[by] == level]


@dataclass(frozen=True)
class _Values:
    """Values of a column with the groups of their people: one a person, or with a count each."""

    cells: pd.Series
    groups: pd.Series
    counts: np.ndarray | None = None

    def of(self, level: object) -> _Values:
        """Those of one group; everybody's for no level."""
        return self if level is None else self.where(self.groups.eq(level).fillna(False))

    def where(self, chosen: pd.Series) -> _Values:
        """Those at the places that are true."""
        at = chosen.to_numpy(bool)
        counts = None if self.counts is None else self.counts[at]
        return _Values(self.cells[at], self.groups[at], counts)

    def known(self) -> _Values:
        """Those that are not missing."""
        return self.where(self.cells.notna())

    def people(self) -> int:
        """How many people they are of."""
        return len(self.cells) if self.counts is None else int(self.counts.sum())

    def missing(self) -> int:
        """Of how many people the value is missing."""
        return self.where(self.cells.isna()).people()

    def replaced(self, cells: pd.Series) -> _Values:
        """Other cells of the same people."""
        return _Values(cells, self.groups, self.counts)


def _sizes(people: pd.DataFrame | People, by: str) -> dict[str, tuple[object, int]]:
    """The value and the number of people of each group, everybody first."""
    if not isinstance(people, People):
        named = zip(_levels(people[by].dropna().unique(), by), groups(people, by), strict=True)
        return {group: (level, len(members)) for level, (group, members) in named}
    alike = people.counts([by])
    sizes = {"all": (None, len(people))}
    for level in _levels(alike[by].dropna().unique(), by)[1:]:
        own = alike[by].eq(level).fillna(False)
        sizes[survival.label(level)] = (level, int(alike.loc[own, COUNT].sum()))
    return sizes


def _levels(known: Collection[object], by: str) -> list[object]:
    """The values of the groups of `groups`, in its order; None for everybody."""
    return [None, *(FIFTHS if by in EXPOSURES else sorted(known))]


def _of_column(people: pd.DataFrame | People, name: str, by: str, empty_when: str = "") -> _Values:
    """The values of a column, of those in whom there is something to measure."""
    if isinstance(people, People):
        alike = people.counts([by, name, *filter(None, [empty_when])])
        found = _Values(alike[name], alike[by], alike[COUNT].to_numpy())
    else:
        alike, found = people, _Values(people[name], people[by])
    # Where there is nothing to measure, nothing is missing.
    return found.where(~alike[empty_when].fillna(False).astype(bool)) if empty_when else found


def _described(
    people: pd.DataFrame | People, study: Study, by: str
) -> Iterator[tuple[Column, _Values]]:
    """Every column of the study that describes a person when first seen, and every score."""
    fewest = in_force(study).threshold
    for name, column in study.columns.items():
        if name not in people or name in (*LATER, *EXPOSURES) or not column.describes:
            continue
        # One that is known for few is described no more than one that the file has not.
        if column.required or _known(people, name) >= fewest:
            yield column, _of_column(people, name, by, column.empty_when)
    for name in EXPOSURES:
        if name != by:
            yield Column(name=name, type="integer"), _of_column(people, name, by)
    for score in study.scores:
        points = _of_column(people, score.name, by)
        yield Column(name=score.name, type="number", unit="points"), points
        if score.stages:
            stage = score.stage(points.cells)
            levels = tuple(each.label for each in score.stages)
            yield Column(name=str(stage.name), type="string", levels=levels), points.replaced(stage)


def _known(people: pd.DataFrame | People, name: str) -> int:
    """Of how many people a column is known."""
    if isinstance(people, People):
        alike = people.counts([], [name])
        return int(alike.loc[alike[name], COUNT].sum())
    return int(people[name].notna().sum())


def _describe(own: _Values, column: Column) -> Iterator[dict]:
    known = own.known()
    values = known.cells
    if column.at_most == FOLLOW_UP:
        # A time during follow-up: what was so when people were first seen is whether it is 0.
        yield _share(own, own.cells.eq(0).fillna(False), "when first seen")
        return
    if column.missing_means:
        yield _share(own, own.cells.isna(), column.missing_means)
    if column.levels or column.name in EXPOSURES:
        for level in column.levels or FIFTHS:
            yield _share(known, values == level, survival.label(level))
    elif column.type == "boolean":
        yield _share(known, values.astype(bool), "yes")
    else:
        for measure, number in _measured(values.astype(float), known.counts).items():
            yield {
                "measure": measure,
                "people": known.people(),
                "estimate": number,
                "unit": column.unit or "number",
            }


def _measured(numbers: pd.Series, counts: np.ndarray | None) -> dict[str, float]:
    """Mean, spread, median and quartiles of numbers, each of one person or of a count."""
    if counts is None:
        found = (numbers.mean(), numbers.std())
        found += tuple(numbers.quantile(share) for share in (0.5, 0.25, 0.75))
    else:
        merged = counted.Values()
        merged.add(numbers.to_numpy(), counts)
        values, people = merged.sorted()
        found = (counted.mean(values, people), counted.standard_deviation(values, people))
        found += tuple(counted.quantiles(values, people, (0.5, 0.25, 0.75)))
    names = ("mean", "standard deviation", "median", "lower quartile", "upper quartile")
    return dict(zip(names, found, strict=True))


def _share(of: _Values, has: pd.Series, level: str) -> dict:
    """The share of people who have something."""
    people = of.people()
    return {
        "measure": "share",
        "level": level,
        "people": people,
        "estimate": 100 * (of.where(has).people() / people) if people else float("nan"),
        "unit": "per cent",
    }
