"""A round of the exact way: what every registry is asked for, as a file and as Newton's step."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import __version__
from distance_to_care.problems import Problem
from distance_to_care.registries.meaning import DISTANCE, definitions
from distance_to_care.statistics import pooled_cox
from distance_to_care.study import Study

FORMAT = "distance-to-care round"
OWN_FIFTHS = (
    "Distance fifths are cut within each registry: the furthest fifth is the furthest of its own "
    "people, so the ratio compares far with near as each registry knows it, not one number of "
    "kilometres. Cuts that all share go into round_1.json of the exact way."
)


@dataclass(frozen=True)
class Round:
    """What every registry is asked for in one round: `round_N.json`.

    `start` is None in the first round; later it holds the sums of an earlier round (`round,
    coefficients, score, information`), how many `registries` they are of, and the `fraction` of
    Newton's step that leads from there to the coefficients.
    """

    number: int
    model: str
    exposure: str
    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    definitions: Mapping[str, Any]
    cuts: tuple[float, ...] | None = None
    version: str = __version__
    start: Mapping[str, Any] | None = None

    @property
    def own_fifths(self) -> bool:
        """Whether distance fifths are in the model and each registry cuts its own."""
        return self.cuts is None and any(term.startswith(DISTANCE) for term in self.terms)

    def as_json(self) -> dict[str, Any]:
        """The content of the file."""
        return {"format": FORMAT, **asdict(self), "definitions": dict(self.definitions)}

    def sums(self) -> pooled_cox.Sums | None:
        """The sums from which this round's coefficients follow; None in the first round."""
        if self.start is None:
            return None
        return pooled_cox.Sums(
            self.terms,
            np.array(self.start["coefficients"], dtype=float),
            np.array(self.start["score"], dtype=float),
            np.array(self.start["information"], dtype=float),
        )


def first_round(
    study: Study, exposure: str, model: str, cuts: Sequence[float] | None = None
) -> Round:
    """Open the exact way: every coefficient nought.

    Parameters
    ----------
    study, exposure, model : as for `definitions`.
    cuts : four distances (km) at which every registry cuts its distance fifths; each registry's
        own where None.

    Returns
    -------
    A `Round`.

    Raises
    ------
    Problem : as for `pooled_cox.contrasts`; cuts that are not four rising whole numbers, or that
        the model has no use for.
    """
    terms = pooled_cox.contrasts(study, exposure, model)
    if cuts is not None:
        cuts = tuple(pooled_cox.rounded(cuts))
        refuse_odd_cuts(cuts)
        if DISTANCE not in set(terms["variable"]):
            raise Problem(f"The model '{model}' of '{exposure}' has no distance fifths to cut.")
    nought = (0.0,) * len(terms)
    names = tuple(terms["term"])
    meaning = definitions(study, exposure, model)
    return Round(1, model, exposure, names, nought, meaning, cuts)


def refuse_odd_cuts(cuts: Sequence[float]) -> None:
    """Refuse cuts of distance that are not four rising whole kilometres above nought."""
    rising = all(a < b for a, b in itertools.pairwise((0.0, *cuts)))
    if len(cuts) != 4 or not rising or any(cut != round(cut) for cut in cuts):
        raise Problem("Cuts of distance are four rising whole numbers of kilometres above nought.")


def terms_of(asked: Round) -> pd.DataFrame:
    """Give the terms of a round as `pooled_cox.contrasts` does, from its definitions.

    Parameters
    ----------
    asked : the round.

    Returns
    -------
    One row a term: `term`, `variable`, `level`, `reference`, `unit`.
    """
    return pd.DataFrame(asked.definitions["terms"])


def of_json(text: str, where: str) -> Round:
    """Read a round back from its file.

    Parameters
    ----------
    text : the content of the file. where : how to name the file in a message.

    Returns
    -------
    A `Round`.

    Raises
    ------
    Problem : the file is not a round, or not whole.
    """
    try:
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ValueError
        start, cuts = content.pop("start"), content.pop("cuts")
        asked = Round(
            **content
            | {
                "number": int(content["number"]),
                "terms": tuple(map(str, content["terms"])),
                "coefficients": tuple(map(float, content["coefficients"])),
                "definitions": dict(content["definitions"]),
                "cuts": None if cuts is None else tuple(map(float, cuts)),
                "start": start,
            }
        )
        sums = asked.sums()
        sizes = [len(asked.coefficients)] if sums is None else [
            len(asked.coefficients), *sums.information.shape, len(sums.score),
            len(sums.coefficients)]  # fmt: skip
        if set(sizes) != {len(asked.terms)}:
            raise ValueError
        if not all(np.isfinite(asked.coefficients)) or (start is not None and not (
                np.isfinite(sums.information).all() and np.isfinite(sums.score).all()
                and start["round"] < asked.number and start["fraction"] > 0
                and int(start["registries"]) > 0)):  # fmt: skip
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem(
            f"{where} is not a whole round of the exact way. Ask for the file that "
            "'distance-to-care pool' wrote."
        ) from None
    return asked


def refuse_other_registries(asked: Round, registries: int) -> None:
    """Refuse to add up the answers of more or fewer registries than answered before.

    Parameters
    ----------
    asked : the round that was answered. registries : how many answers there are.
    """
    before = registries if asked.start is None else int(asked.start["registries"])
    if before != registries:
        raise Problem(
            f"Round {asked.start['round']} was answered by {before} releases, one of each "
            f"registry, and now {registries} are named. Name one of each; where one registry "
            "takes part no longer, begin again with --start."
        )


def next_round(
    asked: Round, now: pooled_cox.Sums, registries: int
) -> tuple[Round, pooled_cox.Newton]:
    """Say where Newton's method goes after a round.

    Parameters
    ----------
    asked : the round that was answered.
    now : the sum of the answers.
    registries : how many answers those are.

    Returns
    -------
    The next round, and the step that leads to it (`arrived` where no round is needed).

    Raises
    ------
    AnalysisError : as for `pooled_cox.newton`.
    """
    before = asked.sums()
    last, of = None, asked.number
    if before is not None:
        last = pooled_cox.Newton(
            np.array(asked.coefficients), before, float(asked.start["fraction"]), np.inf, False
        )
    step = pooled_cox.newton(now, last)
    if step.start is not now:
        of = int(asked.start["round"])
    start = {
        "round": of,
        "registries": registries,
        "fraction": step.fraction,
        "coefficients": list(map(float, step.start.coefficients)),
        "score": list(map(float, step.start.score)),
        "information": step.start.information.tolist(),
    }
    entries = {name: getattr(asked, name) for name in
               ("model", "exposure", "terms", "definitions", "cuts", "version")}  # fmt: skip
    coefficients = tuple(pooled_cox.rounded(step.coefficients))
    return Round(asked.number + 1, coefficients=coefficients, start=start, **entries), step
