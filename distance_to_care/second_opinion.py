"""A second opinion on cross-tabulations: those that the library acro withholds, we withhold too.

acro (a tool for checking research outputs; Smith et al., MIT licence) is asked which cells of a
cross-tabulation of people it would withhold. `of_published` counts those of them that published
tables show: none, if the gate is sound. acro changes logging and warnings of the process that
imports it, so it runs in a process of its own, and people reach it through a pipe, never through a
file.

Only `crosstab` without margins is asked. With margins, acro 1.0.2 was seen to return small cells
that it had itself marked as failed. Its survival table is not used at all: with suppression on, it
still holds the exact numbers at risk and events of every time. Nothing that acro returns is
published.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from distance_to_care.disclosure import Profile
    from distance_to_care.study import Study

ASKED = ["cohort", "group_by", "group", "variable", "level", "withheld"]
LIBRARY = "acro"
# What a run says where no published table holds a cross-tabulation, or nobody was asked.
NOT_ASKED = {"library": LIBRARY, "version": "", "tables": {}}
# Counts of a group by what became of its people.
OUTCOMES = {"deaths": "died", "transplants": "transplanted"}
# Where one of these is said, the deaths of a row are those of a whole model, and not of its group.
MODELLED = ["model", "reference", "contrast"]
# Seconds after which a process that says nothing is given up.
PATIENCE = 300


def version() -> str:
    """The version of the library beside this package; empty where it is not installed."""
    try:
        return metadata.version(LIBRARY)
    except metadata.PackageNotFoundError:
        return ""


def of_published(
    people: pd.DataFrame,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    profile: Profile,
) -> dict[str, object]:
    """Ask acro about every cross-tabulation of two columns that published tables hold.

    A share by group, and a number of deaths or transplants by group, is a cell of a
    cross-tabulation. Where a table is about part of the people, its cells are smaller than those
    that acro sees, so a cell that acro withholds may not be shown there either.

    Parameters
    ----------
    people : one row a person, as `cohort.prepare` returns them.
    study : names the columns, their levels and the scores.
    tables : the published tables about these people, by name.
    profile : the numbers that hold; acro is asked with its threshold.

    Returns
    -------
    `library`, `version` (empty where it is not installed), and `tables`: for each table with
    cross-tabulations how many (`cross_tabulations`), how many of their cells it shows (`cells`),
    and how many of these acro withholds (`looser`). What a table does not show counts nowhere: how
    many cells there are to withhold would tell which levels nobody has.

    Raises
    ------
    Problem : where the library is installed and cannot be run.
    """
    known = _described(people, study)
    shown = {name: _shown(table, known) for name, table in tables.items()}
    shown = {name: cells for name, cells in shown.items() if cells}
    found = NOT_ASKED | {"version": version(), "tables": {}}
    if not shown or not found["version"]:
        return found
    pairs = sorted({(one, other) for cells in shown.values() for one, _, other, _ in cells})
    theirs = acro_withholds({"": known}, pairs, threshold=profile.threshold)
    if not profile.zero_is_small:
        # The profile shows a count of nobody, and acro never does.
        theirs = theirs[theirs["people"] > 0]
    cells = theirs.set_index(["group_by", "group", "variable", "level"])["withheld"]
    for name, each in shown.items():
        of_table = {(one, other) for one, _, other, _ in each}
        asked = [cell for cell in cells.index if (cell[0], cell[2]) in of_table]
        found["tables"][name] = {
            "cross_tabulations": len(of_table),
            "cells": len(each),
            "looser": sum(bool(cells[cell]) for cell in asked if cell in each),
        }
    return found


def total(opinion: Mapping, tables: Iterable[str] | None = None) -> dict[str, object]:
    """Add up what `of_published` found, over all its tables or those that are named."""
    found = opinion["tables"]
    named = [found[name] for name in found if tables is None or name in tables]
    counts = ("cross_tabulations", "cells", "looser")
    return {
        "library": opinion["library"],
        "version": opinion["version"],
        **{count: sum(each[count] for each in named) for count in counts},
    }


def said(found: Mapping) -> str:
    """Say in a line what `total` found."""
    library, which = found["library"], found["version"]
    if not which:
        return f"{library}: not installed, or not asked"
    return (
        f"{library} {which}: {found['cross_tabulations']} cross-tabulations, {found['cells']} "
        f"cells, {found['looser']} looser"
    )


def acro_withholds(
    cohorts: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    python: str = sys.executable,
    threshold: int = 10,
) -> pd.DataFrame:
    """Ask acro which cells of cross-tabulations of people it withholds.

    Parameters
    ----------
    cohorts : people by the name of their cohort; one row a person, with the columns of `pairs`.
    pairs : pairs of columns, each cross-tabulated in each cohort among those who have both.
    python : interpreter of the environment that has the library, if it is another one.
    threshold : fewest people that a cell may show.

    Returns
    -------
    One row a cell: `cohort`, `group_by`, `group`, `variable`, `level`, `withheld`, and `people`,
    its number of people. A cell that acro leaves out, since nobody of its row or column is there,
    is withheld.

    Raises
    ------
    Problem : where the library cannot be run.
    """
    from distance_to_care.problems import Problem

    cohorts = {name: _as_text(people, pairs) for name, people in cohorts.items()}
    asked = {
        "cohorts": {
            name: people.astype(object).where(people.notna(), None).to_dict("list")
            for name, people in cohorts.items()
        },
        "pairs": [list(pair) for pair in pairs],
        "threshold": threshold,
    }
    with tempfile.TemporaryDirectory() as nowhere:
        # Its messages may hold cells, so they are taken and dropped. Without -P the modules beside
        # this file would stand before the standard library's.
        try:
            answer = subprocess.run(
                [python, "-P", "-W", "ignore", str(Path(__file__).resolve())],
                input=json.dumps(asked),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                cwd=nowhere,
                check=False,
            )
        except subprocess.TimeoutExpired:
            answer = None
    if answer is None or answer.returncode:
        raise Problem(
            "The library acro is installed and could not be run for a second opinion. Install it "
            "again (pip install 'distance-to-care[second-opinion]'), or remove it: then the "
            "request form says that nobody gave one."
        )
    shown = {tuple(cell) for cell in json.loads(answer.stdout)}
    rows = [
        (name, *cell, (name, *cell) not in shown, counted)
        for name, people in cohorts.items()
        for *cell, counted in _cells(people, pairs)
    ]
    return pd.DataFrame(rows, columns=[*ASKED, "people"])


def gate_withholds(
    cohorts: Mapping[str, pd.DataFrame], pairs: Sequence[tuple[str, str]], profile: object = None
) -> pd.DataFrame:
    """Ask the gate which cells of the same cross-tabulations it withholds.

    Parameters
    ----------
    cohorts, pairs : as for `acro_withholds`.
    profile : the numbers of disclosure control that hold; the default where none is given.

    Returns
    -------
    As `acro_withholds`.
    """
    from distance_to_care import disclosure

    answers = []
    for name, people in cohorts.items():
        people = _as_text(people, pairs)
        for one, other in pairs:
            counts = _counts(people, one, other)
            checked = disclosure.check(
                counts.assign(measure="people", unit="people"), "registry", profile
            ).table
            keys = ["group_by", "group", "variable", "level"]
            found = counts[keys].merge(checked[[*keys, "people"]], on=keys, how="left")
            answers.append(found[keys].assign(cohort=name, withheld=found["people"].isna()))
    return pd.concat(answers, ignore_index=True)[ASKED]


def _described(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The columns of people that have levels, with the levels that published tables name."""
    from distance_to_care.study import EXPOSURES

    found = {}
    for name, column in study.columns.items():
        if name not in people:
            continue
        if column.type == "boolean":
            found[name] = people[name].map({True: "yes", False: "no"}).astype("string")
        elif column.levels or name in EXPOSURES:
            found[name] = people[name].astype("string")
    found |= {name: people[name].astype("string") for name in EXPOSURES}
    for score in study.scores:
        if score.stages:
            stage = score.stage(people[score.name])
            found[str(stage.name)] = stage.astype("string")
    return pd.DataFrame(found)


def _shown(table: pd.DataFrame, known: pd.DataFrame) -> set[tuple[str, str, str, str]]:
    """The cells of cross-tabulations that a table shows: column, level, other column, level."""
    if not {"group_by", "group"} <= set(table):
        return set()
    table = table[table["group_by"].isin(known.columns) & table["group"].ne("all")]
    found = set()
    modelled = table.reindex(columns=MODELLED).replace("", pd.NA).notna().any(axis=1)
    for number, outcome in OUTCOMES.items():
        if number in table:
            told = table.loc[table[number].notna() & ~modelled, ["group_by", "group"]]
            found |= {(*cell, "outcome", outcome) for cell in told.itertuples(index=False)}
    if {"variable", "level"} <= set(table):
        number = "estimate" if "estimate" in table else "people"
        told = table[table[number].notna() & table["variable"].isin(known.columns)]
        told = told[["group_by", "group", "variable", "level"]].dropna()
        found |= {cell for cell in told.itertuples(index=False, name=None) if cell[3]}
    # Of two levels, one share tells the other.
    found |= {(*cell[:3], "no") for cell in found if cell[3] == "yes"}
    return {tuple(map(str, cell)) for cell in found}


def _as_text(people: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    columns = list(dict.fromkeys(column for pair in pairs for column in pair))
    return people[columns].astype("string")


def _counts(people: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """Every cell of a cross-tabulation with its number of people, those of nobody included."""
    levels = [sorted(people[column].dropna().unique()) for column in (one, other)]
    every = pd.MultiIndex.from_product(levels, names=["group", "level"])
    counted = people.dropna(subset=[one, other]).value_counts([one, other])
    counted.index.names = ["group", "level"]
    table = counted.reindex(every, fill_value=0).rename("people").reset_index()
    return table.assign(group_by=one, variable=other)


def _cells(people: pd.DataFrame, pairs: Sequence[tuple[str, str]]):
    for one, other in pairs:
        for row in _counts(people, one, other).itertuples():
            yield one, row.group, other, row.level, row.people


def _answer(asked: dict) -> list[list[str]]:
    """Name the cells that acro shows; this runs in the process that has the library."""
    from acro import ACRO

    checker = ACRO(suppress=True)
    checker.config["safe_threshold"] = asked["threshold"]
    shown = []
    for name, columns in asked["cohorts"].items():
        people = pd.DataFrame(columns)
        for one, other in asked["pairs"]:
            # It cannot work with empty cells, nor with nobody.
            both = people[[one, other]].dropna().reset_index(drop=True)
            if both.empty:
                continue
            table = checker.crosstab(both[one], both[other])
            shown += [
                [name, one, str(group), other, str(level)]
                for group in table.index
                for level in table.columns
                if pd.notna(table.loc[group, level])
            ]
    return shown


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))
