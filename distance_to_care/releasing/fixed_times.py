"""Survival of one group told at several times by several tables: one set of points, or a refusal.

Each table keeps the rule of curves by itself. Two tables with times of their own would cut each
other's steps, and give the few people back who died in between. A mean of the years lived until a
time says as much of the people behind the last step as survival at that time does.
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


def beyond(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[tuple[int, str, str]]]:
    """Find the estimates over a time at which the survival of the same people is withheld.

    Parameters
    ----------
    tables : the tables about people, as the gate let them through, by name.

    Returns
    -------
    For each table that has any its cells: row (from 0), `estimate`, and nothing to show instead.
    """
    told, silent = set(), set()
    for table in tables.values():
        if not {TIME, *STEP_COLUMNS} <= set(table):
            continue
        shown = table[[c for c in SHOWN if c in table]].notna().any(axis=1)
        for row, there in zip(table.to_dict("records"), shown, strict=True):
            if row[TIME] > 0:
                (told if there else silent).add((_people(row), float(row[TIME])))
    withheld = silent - told
    found = {}
    for name, table in tables.items():
        if TIME not in table or "estimate" not in table or {*STEP_COLUMNS} <= set(table):
            continue
        if curves.is_curve(table) and curves.ERROR in table:
            continue
        rows = enumerate(table.to_dict("records"))
        cells = [
            (place, "estimate", "")
            for place, row in rows
            if pd.notna(row["estimate"])
            and any((people, row[TIME]) in withheld for people in _compared(row))
        ]
        if cells:
            found[name] = cells
    return found


def _compared(row: Mapping[str, object]) -> set[tuple[str, str]]:
    """The people whose years an estimate tells of: a group, and what it is compared with."""
    reference = row.get("reference")
    if pd.isna(reference) or reference == "":
        return {_people(row)}
    # A difference is told beside the mean of everybody.
    return {_people(row), _people({**row, "group": reference}), (EVERYBODY, EVERYBODY)}


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
