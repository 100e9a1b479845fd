"""The record of answered rounds, put together again from a registry's earlier releases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distance_to_care.problems import Problem
from distance_to_care.registries.answers import CONTRIBUTION, model_of, number_of
from distance_to_care.registries.meaning import DISTANCE
from distance_to_care.registries.releases import Release
from distance_to_care.registries.rules import OWN
from distance_to_care.statistics import pooled_cox


def record_of(releases: Sequence[Release]) -> dict[str, Any] | None:
    """Put the record of answered rounds together again from a registry's earlier releases.

    Parameters
    ----------
    releases : earlier releases of this registry, as `read_earlier` gives them.

    Returns
    -------
    A record as `may_answer` keeps it, without the digest of the people, which was not released.

    Raises
    ------
    Problem : releases whose distance fifths are cut at different distances.
    """
    asks: list[dict[str, Any]] = []
    cuts: list[Any] = []
    for release in releases:
        table = release.table(CONTRIBUTION)
        if table is None:
            continue
        about, number = model_of(table), number_of(table)
        mine = next((each for each in asks if {k: each[k] for k in about} == about), None)
        if mine is None:
            mine = about | {"rounds": []}
            asks.append(mine)
        sums = pooled_cox.of_table(table)
        mine["terms"] = list(sums.terms)
        if any(term.startswith(DISTANCE) for term in sums.terms):
            cuts.append(about["cuts"] or OWN)
        mine["rounds"].append({"round": number, "coefficients": list(sums.coefficients)})
    if any(each != cuts[0] for each in cuts):
        raise Problem(
            "The earlier releases cut distance fifths at different distances. This registry "
            "answers no further round: ask whoever checks outputs."
        )
    return {"people": None, "cuts": cuts[0] if cuts else None, "asks": asks} if asks else None
