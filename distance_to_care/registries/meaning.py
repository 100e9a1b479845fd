"""What a model's columns mean in a study: what has to be the same in every registry.

Compared key by key, so that a refusal can name the key: type, unit, levels and points of a score,
never titles or descriptions, which may be anybody's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from distance_to_care.statistics import pooled_cox
from distance_to_care.study import Study

DISTANCE = "distance_quintile"


def definitions(study: Study, exposure: str, model: str) -> dict[str, Any]:
    """List what a model's columns mean in a study: what has to be the same in every registry.

    Parameters
    ----------
    study : the study.
    exposure, model : as for `pooled_cox.contrasts`.

    Returns
    -------
    Keys as they stand in the study file, and what they say, as JSON has it. Titles, descriptions
    and sources are left out, and columns that the model does not use.
    """
    terms = pooled_cox.contrasts(study, exposure, model)
    found: dict[str, Any] = {
        "disease": " ".join(study.disease.casefold().split()),
        "area_vintage": study.area_vintage,
        f"adjustments.{model}": list(study.adjustments.get(model, ())),
        "terms": terms.to_dict("records"),
    }
    variables = set(terms["variable"])
    if "deprivation_quintile" in variables:
        found["places.deprivation"] = study.deprivation
    if DISTANCE in variables:
        found["places.centres"] = study.centres
    waiting, done = list(dict.fromkeys(terms["variable"])), set()
    scores = {score.name: score for score in study.scores}
    derived = {each.name: each for each in study.derived}
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        if name in scores:
            items = scores[name].items
            found[f"scores.{name}.items"] = [asdict(item) for item in items]
            waiting += [part for item in items for part in (item.column, item.when) if part]
        elif name in derived:
            found[f"derived.{name}.transform"] = derived[name].transform
            found[f"derived.{name}.column"] = derived[name].column
            waiting.append(derived[name].column)
        elif name in study.columns:
            column = study.columns[name]
            found |= {f"columns.{name}.type": column.type, f"columns.{name}.unit": column.unit}
            found[f"columns.{name}.levels"] = list(column.levels)
            found[f"columns.{name}.empty_when"] = column.empty_when
    # As it comes back from a file, so that both can be compared.
    return json.loads(json.dumps(found))


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Name the first key that two sets of definitions do not share.

    Parameters
    ----------
    first, second : what `definitions` returned.

    Returns
    -------
    The key, in the order of the first set; empty where they are the same.
    """
    for key in dict.fromkeys([*first, *second]):
        if key not in first or key not in second or first[key] != second[key]:
            return key
    return ""
