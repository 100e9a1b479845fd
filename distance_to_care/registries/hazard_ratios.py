"""The one-round average: released hazard ratios, gathered where they mean the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from distance_to_care.problems import Problem
from distance_to_care.registries.meaning import DISTANCE, definitions
from distance_to_care.registries.releases import Release, refuse_differing
from distance_to_care.statistics import pooled_cox
from distance_to_care.statistics.cohort_survival import SAME_PEOPLE

RATIO_COLUMNS = {"model", "exposure", "level", "reference", "hazard_ratio", "ci_low", "ci_high"}
# Of a disease without chapters of its own the ratios stand in a table for each exposure.
OF_ANY_DISEASE = ("any_registry_deprivation_models", "any_registry_distance_models")
CALLED_THERE = {"term": "exposure", "group": "level", "estimate": "hazard_ratio"}


def ratios(
    releases: Sequence[Release], model: str | None = None, exposure: str | None = None
) -> pd.DataFrame:
    """Gather the released hazard ratios of the models that are asked for.

    Parameters
    ----------
    releases : what `read` returned: two or more.
    model, exposure : which; every one that all releases have where None.

    Returns
    -------
    The table that `pooled_cox.averaged` takes: one row a registry, model, exposure and level, the
    ratio empty where it was withheld.

    Raises
    ------
    Problem : fewer than two releases; one without the table, the model or the exposure; the same
        table twice; definitions or references that differ.
    """
    if len(releases) < 2:
        raise Problem("One release is not pooled with itself. Name two or more.")
    parts = []
    for release in releases:
        table = _released(release)
        for column, wanted in (("model", model), ("exposure", exposure)):
            if wanted is not None:
                known = sorted(table[column].unique())
                table = table[table[column] == wanted]
                if table.empty:
                    raise Problem(
                        f"{release.folder} has no {column} '{wanted}': it has {', '.join(known)}."
                    )
        parts.append(table)
    _not_the_same_twice(releases, parts)
    common = set.intersection(
        *(set(map(tuple, part[["model", "exposure"]].to_numpy())) for part in parts)
    )
    if not common:
        raise Problem("The releases have no model of the same name and exposure.")
    wanted = [pair for pair in dict.fromkeys(map(tuple, parts[0][["model", "exposure"]].to_numpy()))
              if pair in common]  # fmt: skip
    rows = []
    for of_model, of_exposure in wanted:
        _all_mean_the_same(releases, of_exposure, of_model)
        of_each = [
            part[(part["model"] == of_model) & (part["exposure"] == of_exposure)] for part in parts
        ]
        levels = dict.fromkeys(
            pair for part in of_each for pair in map(tuple, part[["level", "reference"]].to_numpy())
        )
        if len({reference for _, reference in levels}) > 1:
            raise Problem(f"The releases compare '{of_exposure}' with different references.")
        for level, reference in levels:
            for release, part in zip(releases, of_each, strict=True):
                row = part[part["level"] == level]
                numbers = {name: row[name].iloc[0] if len(row) else np.nan
                           for name in ("hazard_ratio", "ci_low", "ci_high")}  # fmt: skip
                rows.append({"registry": release.name, "model": of_model, "exposure": of_exposure,
                             "level": level, "reference": reference, **numbers})  # fmt: skip
    return pd.DataFrame(rows)


def _released(release: Release) -> pd.DataFrame:
    """The hazard ratios of a release: those of its disease's chapters, or of the one for any."""
    name = f"{release.study.name}_hazard_ratios"
    table = release.table(name)
    if table is not None and set(table.columns) >= RATIO_COLUMNS:
        return table
    parts = [part for part in map(release.table, OF_ANY_DISEASE) if part is not None]
    parts = [part.rename(columns=CALLED_THERE) for part in parts]
    if not parts or not all(set(part.columns) >= RATIO_COLUMNS for part in parts):
        raise Problem(
            f"{release.folder} holds no table of hazard ratios: neither '{name}' nor "
            f"{' and '.join(map(repr, OF_ANY_DISEASE))}."
        )
    table = pd.concat(parts, ignore_index=True)
    # What compares two ways of asking one registry is no model that registries share.
    return table[table["model"] != SAME_PEOPLE].reset_index(drop=True)


def _not_the_same_twice(releases: Sequence[Release], parts: Sequence[pd.DataFrame]) -> None:
    pairs = itertools.combinations(zip(releases, parts, strict=True), 2)
    for (first, one), (second, other) in pairs:
        same = one.reset_index(drop=True).equals(other.reset_index(drop=True))
        if same and one.select_dtypes("float").notna().any(axis=None):
            raise Problem(
                f"{second.folder} holds the same numbers as {first.folder}: one release under two "
                "names. Its people would count twice."
            )


def _all_mean_the_same(releases: Sequence[Release], exposure: str, model: str) -> None:
    first = releases[0]
    ours = definitions(first.study, exposure, model)
    for other in releases[1:]:
        refuse_differing(first, other, ours, definitions(other.study, exposure, model))


def cut_by_each(releases: Sequence[Release], ratios: pd.DataFrame) -> bool:
    """Say whether a model of these ratios has distance fifths, which each registry cuts itself.

    Parameters
    ----------
    releases : what `read` returned. ratios : what `ratios` returned.

    Returns
    -------
    True where some model has them.
    """
    return any(
        DISTANCE in set(pooled_cox.contrasts(releases[0].study, exposure, model)["variable"])
        for model, exposure in set(map(tuple, ratios[["model", "exposure"]].to_numpy()))
    )
