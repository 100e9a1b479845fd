"""A registry's answer to a round: the table that is published, and how it is read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import disclosure
from distance_to_care.registries.meaning import DISTANCE
from distance_to_care.registries.rounds import Round
from distance_to_care.statistics import pooled_cox
from distance_to_care.study import Study

CONTRIBUTION = "cox_contribution"
PAGE = "contribution"
ROUND, CUT = "round", "cut"


def with_cuts(people: pd.DataFrame, cuts: Sequence[float] | None) -> pd.DataFrame:
    """Cut distance fifths where all registries cut them, in place of the registry's own fifths.

    Parameters
    ----------
    people : one row a person, `distance_km`.
    cuts : four distances (km), each closed on the right; None leaves the people as they are.

    Returns
    -------
    The people, with `distance_quintile`.
    """
    if cuts is None:
        return people
    km = people["distance_km"].to_numpy(float, na_value=np.nan)
    fifths = pd.Series(np.searchsorted(cuts, km) + 1, index=people.index, dtype="Int64")
    return people.assign(distance_quintile=fifths.mask(np.isnan(km)))


def answer(people: pd.DataFrame, study: Study, asked: Round) -> pd.DataFrame:
    """Work out a registry's answer to a round, as the table that is published.

    Parameters
    ----------
    people : a prepared cohort (`cohort.load`).
    study : its study.
    asked : the round.

    Returns
    -------
    The rows of `pooled_cox.contribution` with `model`, `exposure`, and rows for the number of the
    round and for the cuts that all registries share.
    """
    terms = pooled_cox.contrasts(study, asked.exposure, asked.model)
    found = pooled_cox.contribution(with_cuts(people, asked.cuts), terms, asked.coefficients)
    people, deaths = found.loc[0, ["people", "deaths"]]
    everybody = {"people": people, "deaths": deaths, "level_people": people,
                 "level_deaths": deaths, "level_others": people - deaths}  # fmt: skip
    more = [{"measure": ROUND, "term": "all", "estimate": float(asked.number), "unit": "number"}]
    more += [
        {"measure": CUT, "term": f"{DISTANCE}[{place}]", "estimate": cut, "unit": "km"}
        for place, cut in enumerate(asked.cuts or (), start=1)
    ]
    told = pd.DataFrame(more).assign(with_term="", **everybody)
    table = pd.concat([found, told], ignore_index=True)
    return table.assign(model=asked.model, exposure=asked.exposure)


def too_few(table: pd.DataFrame, threshold: int) -> list[str]:
    """Name the terms of an answer behind which too few people are, or died, or did not.

    Parameters
    ----------
    table : what `answer` returned. threshold : the smallest number that may leave.

    Returns
    -------
    Their names; `all` where the whole registry is too small.
    """
    few = (table[list(disclosure.LEVEL_COLUMNS)] < threshold).any(axis=1)
    return list(dict.fromkeys(table.loc[few & (table["with_term"] == ""), "term"]))


def model_of(table: pd.DataFrame) -> dict[str, Any]:
    """Say which model an answer is of: `model`, `exposure` and `cuts` (km), None for its own."""
    cuts = table.loc[table["measure"] == CUT].sort_values("term")["estimate"].tolist()
    first = table.iloc[0]
    return {"model": first["model"], "exposure": first["exposure"], "cuts": cuts or None}


def number_of(table: pd.DataFrame) -> int:
    """Say which round an answer is to."""
    return int(table.loc[table["measure"] == ROUND, "estimate"].iloc[0])
