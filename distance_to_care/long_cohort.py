"""A cohort file with more people than fit into memory: checked in parts, with the same answers.

Faults are added up over the parts, rule by rule; what needs all rows is worked out from what is
kept of each: 128 bits of a person's code, and how many people have each distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import cohort, contract, counted, repeated, residence, tables
from distance_to_care.problems import Fault, Problems
from distance_to_care.study import POSTCODE, Study

# A file of more people is worked on in parts, by the chapters that need nobody in memory. Every
# other chapter holds all people, some of them several times over: two to seven gigabytes a million.
PEOPLE = 1_000_000


@dataclass(frozen=True)
class Checked:
    """A long file that keeps the contract: how many people, of what kind, and what follows."""

    file: Path
    people: int
    first: pd.DataFrame  # a few rows, which say of what kind all are
    notes: tuple[str, ...]
    known: frozenset[str]  # columns that are known of anybody
    cuts: np.ndarray  # distances (km) that end the first four fifths

    def __len__(self) -> int:
        return self.people


def is_long(file: str | Path, study: Study) -> bool:
    """Say whether a cohort file has more rows than are held in memory."""
    return tables.cohort_rows(file, study) > PEOPLE


def check(
    file: Path,
    study: Study,
    advance: Callable[[int], None] = lambda rows: None,
    keep: Callable[[pd.DataFrame], None] = lambda people: None,
) -> Checked:
    """Check every row of a long cohort file, as `residence.read_people` checks a short one.

    Parameters
    ----------
    file, study : as for `residence.read_people`.
    advance : called with the number of rows of each part that is done.
    keep : called with the people of each part: in the contract, with their homes used up.

    Returns
    -------
    What is known of the whole file. Where there are faults, `keep` may have been called before
    they were found.

    Raises
    ------
    Problem : as `residence.read_people`: every fault of the file at once.
    """
    fields = (*study.columns.values(), POSTCODE)
    whole, notes, distances = _Whole(fields), residence.Notes(), counted.Values()
    said: list[str] = []
    known: set[str] = set()
    first = None
    for each in tables.cohort_parts(file, study):
        people = each.part.typed
        whole.add(each, residence.area_faults(people["area_code"], study.area_vintage))
        if not whole.broken:
            placed, said = residence.place(people, study, notes)
            known |= {name for name in placed if name not in known and placed[name].notna().any()}
            distances.add(placed["distance_km"].to_numpy(float, na_value=np.nan))
            first = placed.head(10) if first is None else first
            keep(placed)
        advance(len(people))
    if faults := whole.faults():
        raise Problems(file.name, faults)
    cuts = counted.quantiles(*distances.sorted(), cohort.SHARES)
    return Checked(file, whole.people, first, tuple(said), frozenset(known), cuts)


def parts(checked: Checked, study: Study) -> Iterator[pd.DataFrame]:
    """Read the people of a checked file again, a part at a time, ready for analysis.

    Parameters
    ----------
    checked : what `check` returned. study : the study that it was checked against.

    Yields
    ------
    People as `cohort.prepare` returns them; the fifths of distance are those of the whole file.
    """
    for each in tables.cohort_parts(checked.file, study):
        placed, _ = residence.place(each.part.typed, study)
        if len(placed):
            yield cohort.prepare_part(placed, study, checked.cuts)


class _Whole:
    """What has been found in the parts of a file, added up."""

    def __init__(self, fields) -> None:
        self.fields = tuple(fields)
        self.people = 0
        self.broken = False
        self._found: dict[tuple, contract.Finding] = {}
        self._others: dict[tuple, Fault] = {}
        self._areas: dict[tuple, Fault] = {}
        self._codes = {each.name: repeated.Words() for each in self.fields if each.unique}
        self._kinds = {each.name: pd.Series(dtype=int) for each in self.fields if each.constant}
        self._there: set[str] = set()

    def add(self, each: tables.CohortPart, areas: list[Fault]) -> None:
        part = each.part
        self.people += len(part.typed)
        for finding in part.findings:
            key = (finding.place, finding.rule)
            before = self._found.get(key)
            # What is said of names of columns is said in every part alike.
            self._found[key] = before.plus(finding) if before else finding
        for found, faults in ((self._others, each.faults), (self._areas, areas)):
            for fault in faults:
                key = (fault.column, fault.rule)
                found[key] = _plus(found[key], fault) if key in found else fault
        for name, codes in self._codes.items():
            codes.add(part.typed[name])
        for name in self._kinds:
            counts = contract.kinds(part.typed[name], part.filled)
            self._kinds[name] = self._kinds[name].add(counts, fill_value=0)
        self.broken = bool(self._found or self._others or self._areas)

    def faults(self) -> list[Fault]:
        """Every fault of the file, in the order of a file that is checked at once."""
        found = list(self._found.values())
        for place, column in enumerate(self.fields):
            if column.name in self._codes:
                rows = self._codes[column.name].rows_repeated()
                found += contract.repeated(column, place, rows)
            if column.name in self._kinds:
                found += contract.mixed(column, place, self._kinds[column.name])
        others = sorted(self._others.values(), key=lambda fault: bool(fault.column))
        return [*others, *contract.in_sentences(found), *self._areas.values()]


def _plus(one: Fault, other: Fault) -> Fault:
    if one.rows is None or other.rows is None:
        return one
    return Fault(one.column, one.rule, one.rows + other.rows, one.mend)
