"""Survival of one group told at several times by several tables: one set of points, or a refusal.

Each table keeps the rule of curves by itself. Two tables with times of their own would cut each
other's steps, and give the few people back who died in between.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from distance_to_care.disclosure import STEP_COLUMNS, curves

TIME = curves.TIME
SHOWN = ("estimate", "at_risk")
EVERYBODY = "all"
# Curves of everybody by several methods have the method for their group.
BY_METHOD = "method"


def crossing(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say which tables tell the survival of a group at times that no one table has together.

    Parameters
    ----------
    tables : the tables about people, as they would be released, by name.

    Returns
    -------
    A sentence for each set of tables whose times, joined, are not the times of one of them. Where
    they are, the rule that the gate has held that table to holds for all.
    """
    found: dict[tuple[str, ...], set[float]] = {}
    curve = {name: curves.is_curve(table) for name, table in tables.items()}
    for told in _by_group(tables).values():
        finest = max(told, key=lambda name: (curve[name], len(told[name]), name))
        beyond = {name: times - told[finest] for name, times in told.items()}
        names = tuple(sorted(name for name, times in beyond.items() if times))
        if names:
            found.setdefault((finest, *names), set()).update(*beyond.values())
    return [
        f"{', '.join(others)}: survival is told at {_years(times)}, where the curve of the same "
        f"group in {finest} has no point, so that together they tell of too few people. Leave one "
        "of them out, or tell survival at whole years through disclosure.merge_steps."
        for (finest, *others), times in found.items()
    ]


def _by_group(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], dict[str, set[float]]]:
    """Gather the times of each table by the people that they tell of."""
    told: dict[tuple[str, str], dict[str, set[float]]] = {}
    for name, table in tables.items():
        curve = curves.is_curve(table)
        if not curve and not {TIME, *STEP_COLUMNS} <= set(table):
            continue
        shown = table[[c for c in SHOWN if c in table]].notna().any(axis=1)
        # A point of a curve is one whether or not something at it was withheld afterwards.
        rows = table[table[TIME].notna() & (shown | curve) & (table[TIME] != 0)]
        for row in rows.to_dict("records"):
            told.setdefault(_people(row), {}).setdefault(name, set()).add(float(row[TIME]))
    return told


def _people(row: Mapping[str, object]) -> tuple[str, str]:
    by, group = str(row.get("group_by", EVERYBODY)), str(row.get("group", EVERYBODY))
    return (EVERYBODY, EVERYBODY) if by == BY_METHOD or group == EVERYBODY else (by, group)


def _years(times: set[float]) -> str:
    return ", ".join(f"{time:g}" for time in sorted(times)) + " years"
