"""Errors that a person can act on: sentences, never tracebacks, never a value from a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Problem(ValueError):
    """One thing that is wrong, as a sentence: what, where, and what to do."""


class AnalysisError(Problem):
    """An analysis that cannot be done with these people, as a sentence: why, and what to do."""


@dataclass(frozen=True)
class Fault:
    """One broken rule of a table: the column, the rule, how many rows break it, how to mend it.

    `rows` is None where the fault is not about rows (a missing column, a broken file).
    A fault never holds a value from a row: the table may be about patients.
    """

    column: str
    rule: str
    rows: int | None
    mend: str

    def __str__(self) -> str:
        where = f"column '{self.column}'" if self.column else "the file"
        count = "" if self.rows is None else f" ({self.rows:,} row{'s' if self.rows != 1 else ''})"
        return f"{where}: {self.rule}{count}. {self.mend}"


class Problems(Problem):
    """Every fault of one file at once."""

    def __init__(self, where: str, faults: Sequence[Fault]):
        self.where = where
        self.faults = tuple(faults)
        count = len(self.faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{where} has {count} problem{'s' if count != 1 else ''}:\n{lines}")
