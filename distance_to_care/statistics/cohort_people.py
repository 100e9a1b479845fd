"""Who the people of a cohort are: who is in each analysis, what they are like, how long followed.

Every function takes people in the shape of the cohort contract and returns a tidy table in the
vocabulary of published tables. What a column means (its levels, its unit, when its cells may be
empty) is read from the study.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from distance_to_care import survival
from distance_to_care.disclosure.profiles import DEFAULT
from distance_to_care.study import EXPOSURES, Column, Study

OUTCOMES = {"deaths": "died", "transplants": "transplanted", "censored": "censored"}
# What happened after people were first seen: no part of what they were like then.
FOLLOW_UP = "follow_up_years"
LATER = (FOLLOW_UP, "outcome")
FIFTHS = range(1, 6)


def flow(people: pd.DataFrame, study: Study, models: Mapping[str, str]) -> pd.DataFrame:
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
    for number, (words, model, columns) in enumerate(steps, start=1):
        inside = people.dropna(subset=list(columns))
        # What is lacking in some, and what in nobody, would tell a count that is withheld.
        needed = ", ".join(_title(column, study) for column in columns)
        rows.append(
            {
                "measure": f"{number}: {words}",
                "model": model,
                "people": len(inside),
                "missing": len(people) - len(inside) if columns else pd.NA,
                **{name: int((inside["outcome"] == end).sum()) for name, end in OUTCOMES.items()},
                "unit": "people",
                "note": f"needs: {needed}" if needed else "",
            }
        )
    return pd.DataFrame(rows).astype({"missing": "Int64"})


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


def table_one(people: pd.DataFrame, study: Study, by: str) -> pd.DataFrame:
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
    `missing` (for `not known`), `estimate`, `unit`. A variable that fewer lack than may be told
    has no rows `not known`, and neither have deprivation and distance; every level and group has
    rows, whether they count anybody or not: a row that came with the first person would tell a
    withheld count.
    """
    described = []
    for column, values in _described(people, study, by):
        # Where there is nothing to measure, nothing is missing.
        if column.empty_when:
            values = values[~people[column.empty_when].fillna(False).astype(bool)]
        # Tests by the fifths of an exposure tell how many have one, so its gaps are told nowhere.
        told = column.name not in EXPOSURES and values.isna().sum() >= DEFAULT.threshold
        described.append((column, values, told))
    rows = []
    for group, members in groups(people, by):
        key = {"group_by": by, "group": group}
        everybody = key | {"people": len(members)}
        rows.append(everybody | {"measure": "people", "variable": "people", "unit": "people"})
        for column, values, is_missing in described:
            own = values[values.index.isin(members.index)]
            rows += [key | {"variable": column.name} | row for row in _describe(own, column)]
            if is_missing and not column.missing_means:
                unknown = int(own.isna().sum())
                share = 100 * unknown / len(members) if len(members) else float("nan")
                named = {"measure": "not known", "variable": column.name, "missing": unknown}
                rows.append(everybody | named | {"estimate": share, "unit": "per cent"})
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


def _described(people: pd.DataFrame, study: Study, by: str) -> Iterator[tuple[Column, pd.Series]]:
    """Every column of the study that describes a person when first seen, and every score."""
    for name, column in study.columns.items():
        # A name or code of a person, a place or a centre describes nobody.
        describes = not column.constant and (column.type != "string" or column.levels)
        # One that is known for few is described no more than one that the file has not.
        there = name in people and (
            column.required or people[name].notna().sum() >= DEFAULT.threshold
        )
        if there and name not in (*LATER, *EXPOSURES) and describes:
            yield column, people[name]
    for name in EXPOSURES:
        if name != by:
            yield Column(name=name, type="integer"), people[name]
    for score in study.scores:
        yield Column(name=score.name, type="number", unit="points"), people[score.name]
        if score.stages:
            stage = score.stage(people[score.name])
            levels = tuple(each.label for each in score.stages)
            yield Column(name=str(stage.name), type="string", levels=levels), stage


def _describe(values: pd.Series, column: Column) -> Iterator[dict]:
    known = values.dropna()
    if column.at_most == FOLLOW_UP:
        # A time during follow-up: what was so when people were first seen is whether it is 0.
        yield _share(values.eq(0).fillna(False), "when first seen")
        return
    if column.missing_means:
        yield _share(values.isna(), column.missing_means)
    if column.levels or column.name in EXPOSURES:
        for level in column.levels or FIFTHS:
            yield _share(known == level, survival.label(level))
    elif column.type == "boolean":
        yield _share(known.astype(bool), "yes")
    else:
        numbers = known.astype(float)
        for measure, number in (
            ("mean", numbers.mean()),
            ("standard deviation", numbers.std()),
            ("median", numbers.median()),
            ("lower quartile", numbers.quantile(0.25)),
            ("upper quartile", numbers.quantile(0.75)),
        ):
            yield {
                "measure": measure,
                "people": len(known),
                "estimate": number,
                "unit": column.unit or "number",
            }


def _share(has: pd.Series, level: str) -> dict:
    return {
        "measure": "share",
        "level": level,
        "people": len(has),
        "estimate": 100 * has.mean() if len(has) else float("nan"),
        "unit": "per cent",
    }
