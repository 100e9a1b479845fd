"""A cohort ready for analysis: people, their study and their kind."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import (
    disclosure,
    guard,
    places,
    prepared,
    released,
    residence,
    tables,
)
from distance_to_care.problems import Problem
from distance_to_care.study import Study

# Shares of people at which their distances are cut into fifths.
SHARES = (0.2, 0.4, 0.6, 0.8)
# Without these of anybody there is nothing to compare.
NEEDED = ("deprivation_quintile", "distance_km")
# What each exposure is compared with: the least deprived fifth, the nearest fifth.
REFERENCE = {"deprivation_quintile": 5, "distance_quintile": 1}
# How the fifths of each exposure are named on figures, in order.
FIFTHS = {
    "deprivation_quintile": {
        "1": "1 (most deprived)",
        "2": "2",
        "3": "3",
        "4": "4",
        "5": "5 (least deprived)",
    },
    "distance_quintile": {
        "1": "1 (nearest)",
        "2": "2",
        "3": "3",
        "4": "4",
        "5": "5 (furthest)",
    },
}


@dataclass(frozen=True)
class Cohort:
    """People in the shape of the cohort contract, with what follows from it.

    `people` has the contract's columns, `distance_quintile` (1 = nearest fifth), `died`, and one
    column a score and a derived column of the study; `kind` says whether they are synthetic,
    registry or open. Where they are too many for memory `people` is a file of them
    (`prepared.People`). A book that is redrawn from a release has no people: there it is None.
    """

    people: pd.DataFrame | prepared.People | None
    study: Study
    kind: str

    @property
    def references(self) -> dict[str, object]:
        """Name the level of each category that models compare with: the first of its levels."""
        levels = {name: column.levels for name, column in self.study.columns.items()}
        return {name: known[0] for name, known in levels.items() if known} | REFERENCE

    def adjustments(self, exposure: str) -> dict[str, tuple[str, ...]]:
        """Name the models of an exposure and the columns that each adjusts for."""
        sets = {name: self.study.adjustment(name, exposure) for name in self.study.adjustments}
        return {"unadjusted": (), **sets}


def load(
    path: Path | str | None = None, study: str | None = None, kind: str | None = None
) -> Cohort:
    """Read, check and prepare a cohort.

    Parameters
    ----------
    path : CSV or Parquet file; the file that the build was pointed at, or else the synthetic
        cohort that the book ships with.
    study : name or path of the study file; the build's, or else the default one. A study of the
        build that has the chapters of this one (based on it, for example) takes its place.
    kind : what the people are (`registry` or `open`), for a file that does not say it.

    Raises
    ------
    Problem : every fault of the file at once.
    """
    folder = places.released_folder()
    if folder is not None:
        release = released.read(folder)
        return Cohort(None, release.study(), release.kind)
    if os.environ.get(places.GUARDED_VARIABLE):
        if path is not None or kind is not None or not (study or "x").isidentifier():
            raise Problem(
                "While a registry is read, a chapter takes the people and the study of the run: "
                "write cohort.load(), or name a study of the book."
            )
        # Before a row is read: the file's own faults must not be shown either.
        guard.watch_kernel(places.results_root())
    chosen = _chosen(study)
    named = os.environ.get(places.PREPARED_VARIABLE)
    if named and path is None:
        return _from_file(prepared.People(Path(named)), chosen, kind)
    frame = residence.read_people(path or os.environ.get(places.COHORT_VARIABLE) or None, chosen)
    decided = tables.cohort_kind(frame, kind or os.environ.get(places.KIND_VARIABLE) or None)
    people = prepare(frame, chosen)
    disclosure.analysing(people, chosen)
    return Cohort(people, chosen, decided)


def _from_file(people: prepared.People, study: Study, kind: str | None) -> Cohort:
    """A cohort whose people stay in the file that `analyse` prepared."""
    first = next(people.parts(["record_kind"]))
    decided = tables.cohort_kind(first, kind or os.environ.get(places.KIND_VARIABLE) or None)
    # What people, and not the study file, put into words.
    free = [
        name
        for name, column in study.columns.items()
        if column.type == "string" and not column.levels
    ]
    disclosure.analysing(people.parts(free), study)
    return Cohort(people, study, decided)


def _chosen(study: str | None) -> Study:
    """The study that is named; the build's own where the named one's chapters serve it."""
    named = os.environ.get(places.STUDY_VARIABLE) or None
    chosen = tables.read_study(study or named)
    own = tables.read_study(named) if study and named else chosen
    return own if own.chapters_of == chosen.name else chosen


def prepare(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add what the analyses need: distance quintiles, who died, scores and derived columns.

    Parameters
    ----------
    people : one row a person, in the cohort contract.
    study : the study, with its scores.

    Returns
    -------
    The people with `distance_quintile` (1 = nearest fifth of this cohort, 5 = furthest; missing
    where the distance is), `died` (true or false), one column a score (points; missing where a
    part is missing) and one a derived column.

    Raises
    ------
    Problem : where nobody's deprivation or distance is known.
    """
    needed = {name for name in NEEDED if name in people and people[name].notna().any()}
    require(needed, bool(people.attrs.get("notes")))
    return prepare_part(people, study, cuts(people["distance_km"]))


def require(known: Collection[str], homes: bool) -> None:
    """Refuse people of none of whom deprivation or distance is known.

    Parameters
    ----------
    known : columns that are known of anybody. homes : whether something was said of homes.

    Raises
    ------
    Problem : the column, and what to do.
    """
    for column in NEEDED:
        if column in known:
            continue
        advice = "Add it to the extract, or the areas (LSOA) or postcodes that it follows from."
        if homes:
            advice = (
                "It does not follow from the homes that are given: the first lines of "
                "'distance-to-care check' say why, and what to do."
            )
        raise Problem(
            f"The analyses need the column '{column}', and it is missing for everybody. {advice}"
        )


def prepare_part(people: pd.DataFrame, study: Study, ends: np.ndarray) -> pd.DataFrame:
    """Add to some of the people what `prepare` adds to all.

    Parameters
    ----------
    people, study : as for `prepare`.
    ends : distances (km) that end the first four fifths of all people, as `cuts` finds them.

    Returns
    -------
    The people with the columns of `prepare`.
    """
    out = people.copy()
    out["distance_quintile"] = _fifths(out["distance_km"], ends)
    out["died"] = out["outcome"] == "died"
    for score in study.scores:
        out[score.name] = score.points(out)
    for derived in study.derived:
        out[derived.name] = derived.values(out)
    return out


def quintile(values: pd.Series) -> pd.Series:
    """Cut values at their own 20th, 40th, 60th and 80th percentiles, closed on the right.

    1 is the lowest fifth; equal values stay together; a missing value stays missing.
    """
    return _fifths(values, cuts(values))


def cuts(values: pd.Series) -> np.ndarray:
    """The 20th, 40th, 60th and 80th percentile of the values that are known."""
    return np.nanquantile(values.to_numpy(float, na_value=np.nan), SHARES)


def _fifths(values: pd.Series, ends: np.ndarray) -> pd.Series:
    fifths = pd.Series(np.searchsorted(ends, values.to_numpy(float, na_value=np.nan)) + 1)
    return fifths.set_axis(values.index).astype("Int64").mask(values.isna())
