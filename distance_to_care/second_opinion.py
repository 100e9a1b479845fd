"""A second opinion on cross-tabulations: those that the library acro withholds, we withhold too.

acro (a tool for checking research outputs; Smith et al., MIT licence) is asked which cells of a
cross-tabulation of people it would withhold; the gate is asked the same, and `looser` names the
cells that acro withholds and the gate does not: none, if the gate is sound. acro changes logging
and warnings of the process that imports it, so it runs in a process of its own, and people reach it
through a pipe, never through a file.

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
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

ASKED = ["cohort", "group_by", "group", "variable", "level", "withheld"]
LIBRARY = "acro"
# Seconds after which a process that says nothing is given up.
PATIENCE = 300


def available() -> bool:
    """Say whether the library is installed beside this package."""
    return find_spec(LIBRARY) is not None


def acro_withholds(
    cohorts: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    python: str = sys.executable,
) -> pd.DataFrame:
    """Ask acro which cells of cross-tabulations of people it withholds.

    Parameters
    ----------
    cohorts : people by the name of their cohort; one row a person, with the columns of `pairs`.
    pairs : pairs of columns, each cross-tabulated in each cohort among those who have both.
    python : interpreter of the environment that has the library, if it is another one.

    Returns
    -------
    One row a cell: `cohort`, `group_by`, `group`, `variable`, `level`, `withheld`. A cell that acro
    leaves out, since nobody of its row or column is there, is withheld.

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
    }
    with tempfile.TemporaryDirectory() as nowhere:
        # Its messages may hold cells, so they are taken and dropped. Without -P the modules beside
        # this file would stand before the standard library's.
        answer = subprocess.run(
            [python, "-P", "-W", "ignore", str(Path(__file__).resolve())],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=nowhere,
            check=False,
        )
    if answer.returncode:
        raise Problem(
            "The library acro could not be run for a second opinion. Install it beside this "
            "package (it is among its test requirements), or name the interpreter that has it."
        )
    shown = {tuple(cell) for cell in json.loads(answer.stdout)}
    rows = [
        (name, *cell, (name, *cell) not in shown)
        for name, people in cohorts.items()
        for cell in _cells(people, pairs)
    ]
    return pd.DataFrame(rows, columns=ASKED)


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


def looser(
    cohorts: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    profile: object = None,
    python: str = sys.executable,
) -> pd.DataFrame:
    """Find the cells that acro withholds and the gate does not.

    Parameters
    ----------
    cohorts, pairs, profile, python : as for `acro_withholds` and `gate_withholds`.

    Returns
    -------
    As `acro_withholds`: empty where the gate is nowhere looser.
    """
    keys = ASKED[:-1]
    theirs = acro_withholds(cohorts, pairs, python)
    ours = gate_withholds(cohorts, pairs, profile)
    both = theirs.merge(ours, on=keys, suffixes=("", "_by_gate"), how="left", validate="1:1")
    ours_too = both["withheld_by_gate"].fillna(False).astype(bool)
    return both.loc[both["withheld"] & ~ours_too, ASKED].reset_index(drop=True)


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
            yield one, row.group, other, row.level


def _answer(asked: dict) -> list[list[str]]:
    """Name the cells that acro shows; this runs in the process that has the library."""
    from acro import ACRO

    checker = ACRO(suppress=True)
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
