"""Models: what may be said of one, and what gives a person back and is never said.

A fitted model says little of anybody, unless it has nearly as many parameters as events, or a
level with few people or events in it. A baseline hazard, a residual or a prediction for a person
is a row about that person.
"""

from __future__ import annotations

import re

import pandas as pd

from distance_to_care.disclosure.counts import LEVEL_COLUMNS, MODEL_COLUMNS
from distance_to_care.disclosure.profiles import Profile

# Columns that only a table of a model has.
LOOKS = ("term", "reference", "standard_error", "hazard_ratio", "adjusted_for")
WORDS = ("measure", "estimand", "method", "outcome", "term", "variable", "unit")
# Each is a row about one person, or one person's day.
NEVER = re.compile(
    r"baseline (cumulative )?(hazard|survival)|residual|martingale|schoenfeld|deviance|dfbeta|"
    r"leverage|influence|cook|linear predictor|frailt|per[- ]person|of (each|every) person|"
    r"individual (prediction|risk|survival)|predicted (risk|survival|probability|hazard)|"
    r"pseudo[- ]?value|propensity score|random effect",
    re.IGNORECASE,
)
# What one site gives to a model of several registries.
CONTRIBUTION = "with_term"


def looks_like_one(table: pd.DataFrame) -> bool:
    """Say whether a table holds estimates of a model."""
    estimates = [c for c in ("estimate", "hazard_ratio") if c in table]
    return bool(estimates) and bool({*LOOKS, "model", *MODEL_COLUMNS} & {*table})


def faults(table: pd.DataFrame) -> list[str]:
    """Say what a table of people says that no table may, or leaves unsaid that decides.

    table : columns of published tables, with `LEVEL_COLUMNS` and `MODEL_COLUMNS` where it is of a
        model.
    """
    found = never(table)
    missing = [c for c in (*LEVEL_COLUMNS[:1], *MODEL_COLUMNS) if c not in table]
    estimates = [c for c in ("estimate", "hazard_ratio") if c in table]
    if missing and table[estimates].notna().any(axis=None):
        found.append(
            "it holds estimates of a model, and does not say what stands behind them "
            f"({', '.join(missing)})"
        )
    return found


def never(table: pd.DataFrame) -> list[str]:
    """Say which columns name something that is about single people."""
    found = []
    for column in WORDS:
        if column in table:
            said = table[column].dropna().astype(str).str.replace("_", " ").unique()
            if any(NEVER.search(each) for each in said):
                found.append(
                    f"its column '{column}' names what is about single people (baseline hazards, "
                    "residuals, influence or predictions)"
                )
    return found


def withheld(table: pd.DataFrame, profile: Profile) -> pd.Series:
    """Find the rows whose model has too few events for its parameters.

    table : `model_events`, `model_parameters`; a row without them is not of a model.
    """
    if not set(MODEL_COLUMNS) <= set(table):
        return pd.Series(False, index=table.index)
    spare = table[MODEL_COLUMNS[0]] - table[MODEL_COLUMNS[1]]
    return (spare < profile.residual_degrees_of_freedom).fillna(False).astype(bool)


def contribution_faults(table: pd.DataFrame, profile: Profile) -> list[str]:
    """Say why a contribution to a model of several registries may not leave: whole or not at all.

    table : rows with `people`, `deaths` and `LEVEL_COLUMNS`; the rows whose measure is
        `coefficient` are the parameters. Who did not die is withheld elsewhere where it is few, and
        people less deaths would tell it.
    """
    found = never(table)
    for column in ("people", "deaths", *LEVEL_COLUMNS):
        if column not in table:
            found.append(f"it does not say '{column}'")
        elif (table[column].isna() | (table[column] < profile.threshold)).any():
            found.append(f"fewer than {profile.threshold} stand behind a row ('{column}')")
    if {"people", "deaths"} <= set(table):
        others = table["people"] - table["deaths"]
        if (others < profile.threshold).any():
            found.append(f"fewer than {profile.threshold} did not die")
    if "deaths" in table and "measure" in table and len(table):
        spare = table["deaths"].min() - (table["measure"] == "coefficient").sum()
        if not spare >= profile.residual_degrees_of_freedom:
            found.append("its model has too few deaths for its terms")
    return found
