"""Contributions to one round, read from releases and refused where they do not answer it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.registries.answers import CONTRIBUTION, model_of, number_of
from distance_to_care.registries.meaning import definitions, differing
from distance_to_care.registries.releases import Release, version_of
from distance_to_care.registries.rounds import Round
from distance_to_care.statistics import pooled_cox


def round_number(releases: Sequence[Release]) -> int:
    """Say which round releases answer.

    Parameters
    ----------
    releases : what `read` returned.

    Returns
    -------
    The number of the round.

    Raises
    ------
    Problem : a release without a contribution, or with one to another round.
    """
    numbers = {}
    for release in releases:
        table = release.table(CONTRIBUTION)
        if table is None:
            raise Problem(
                f"{release.folder} holds no contribution. 'distance-to-care contribute' makes it, "
                "and 'distance-to-care release' releases it."
            )
        if table["estimate"].isna().any():
            raise Problem(f"{release.folder} holds a contribution with numbers withheld.")
        numbers[release.folder] = number_of(table)
    (first, number), *others = numbers.items()
    for folder, other in others:
        if other != number:
            raise Problem(
                f"{first} answers round {number} and {folder} round {other}. Name the releases of "
                "one round, one of each registry."
            )
    return number


def contributions(releases: Sequence[Release], asked: Round) -> list[pooled_cox.Sums]:
    """Read what registries contributed to one round, and refuse what does not answer it.

    Parameters
    ----------
    releases : what `read` returned.
    asked : the round.

    Returns
    -------
    One `Sums` a registry.

    Raises
    ------
    Problem : another model, round, cut, coefficient or definition than the round asks for; the
        same contribution twice; one that is not whole.
    """
    found = []
    for release in releases:
        table = release.table(CONTRIBUTION)
        wanted = {
            "model": asked.model,
            "exposure": asked.exposure,
            "cuts": None if asked.cuts is None else list(asked.cuts),
            "round": asked.number,
            "software.version": asked.version,
            **asked.definitions,
        }
        own = model_of(table) | {"round": number_of(table), "software.version": version_of(release)}
        meaning = own | definitions(release.study, own["exposure"], own["model"])
        key = differing(wanted, meaning)
        if key:
            raise Problem(
                f"{release.folder} does not answer round {asked.number}: '{key}' differs from "
                "what the round asks for."
            )
        try:
            sums = pooled_cox.of_table(table)
        except AnalysisError as problem:
            raise Problem(f"{release.folder}: {problem}") from None
        by = dict(zip(sums.terms, sums.coefficients, strict=True))
        if [by.get(term) for term in asked.terms] != list(asked.coefficients):
            raise Problem(
                f"{release.folder} does not answer round {asked.number}: 'coefficients' differs "
                "from what the round asks for."
            )
        # In the order of the round, so that its sums can be compared with the next ones.
        sums = _ordered(sums, asked.terms)
        for other, before in zip(releases, found, strict=False):
            if np.array_equal(sums.score, before.score) and np.array_equal(
                sums.information, before.information
            ):
                raise Problem(
                    f"{release.folder} holds the same contribution as {other.folder}: one release "
                    "under two names. Its people would count twice."
                )
        found.append(sums)
    return found


def _ordered(sums: pooled_cox.Sums, terms: Sequence[str]) -> pooled_cox.Sums:
    order = [sums.terms.index(term) for term in terms]
    return pooled_cox.Sums(
        tuple(terms),
        sums.coefficients[order],
        sums.score[order],
        sums.information[np.ix_(order, order)],
    )
