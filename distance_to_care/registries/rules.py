"""When a registry answers a round, so that no two answers tell of a few people.

What the rules stop:

- more than `MOST_ROUNDS` rounds of one model;
- coefficients chosen at will: each round must be Newton's step, or a half, a quarter ... of it,
  from sums at coefficients that this registry answered before, and the first is at nought;
- coefficients that weigh single people: a term that multiplies the hazard by more than
  `MOST_RATIO`; terms that together give one person more than 1 in the threshold of the weight of
  those still followed at a death (where these are few: more than the threshold times their mean);
- answers from other people, for this model or any other;
- distance fifths cut at a second set of distances;
- a second model that leaves other people out, or has a level that differs from one answered before
  by a few people.

Each of these would give the few away by a difference of two answers.

What they do not stop: whoever writes the round can make up the sums of the others, and so the step;
the record can be thrown away with its folder, or another folder named; differences of three answers
or more are not searched. `release --earlier` compares the answers themselves, and an output checker
sees the number of the round and the earlier releases.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import __version__, disclosure
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.registries.answers import with_cuts
from distance_to_care.registries.meaning import DISTANCE, definitions, differing
from distance_to_care.registries.rounds import Round, refuse_odd_cuts
from distance_to_care.statistics import pooled_cox
from distance_to_care.study import Study

OWN = "each registry's own"
# Names in an extract: they may change without the people.
NAMES = ("person_id", "record_kind")
# Newton's method needs about five rounds, and a few more where a step has to be halved.
MOST_ROUNDS = 8
# Coefficients at which a term multiplies the hazard by more than this weigh single people: the
# score would then be little else than theirs.
MOST_RATIO = 20.0
FRACTIONS = tuple(0.5**power for power in range(8))


def may_answer(
    asked: Round,
    study: Study,
    people: pd.DataFrame,
    record: Mapping[str, Any] | None,
    threshold: int = disclosure.DEFAULT.threshold,
) -> dict[str, Any]:
    """Decide whether a registry answers a round, and keep the record of what it answered.

    Parameters
    ----------
    asked : the round.
    study, people : the registry's study and whole prepared cohort.
    record : what this function returned for the round before; None where there was none.
    threshold : the smallest number of people that may leave.

    Returns
    -------
    The record with this round in it: `people` (a digest of the whole cohort), `cuts` (of distance
    fifths: four, or `OWN`; None while no model had them) and `asks`, one entry a model: `model,
    exposure, cuts, terms` and `rounds` (`round`, `coefficients`).

    Raises
    ------
    Problem : why the registry does not answer.
    """
    key = differing(asked.definitions, definitions(study, asked.exposure, asked.model))
    if key:
        raise Problem(
            f"The round was made for other definitions than those of your study file: '{key}' "
            "differs. Agree on one study file."
        )
    if asked.version != __version__:
        raise Problem(
            f"The round was made with version {asked.version}, and this is {__version__}: "
            "'software.version' differs. Use one version everywhere."
        )
    if not 1 <= asked.number <= MOST_ROUNDS:
        raise Problem(
            f"This is round {asked.number}, and a registry answers at most {MOST_ROUNDS} rounds of "
            "one model."
        )
    terms = pooled_cox.contrasts(study, asked.exposure, asked.model)
    if asked.terms != tuple(terms["term"]):
        raise Problem("The terms of the round are not those of the model: 'terms' differs.")
    before = record or {}
    digest = people_digest(people, study)
    if before.get("people") not in (None, digest):
        raise Problem(
            "Earlier rounds were answered from other people, or from other columns of them. The "
            "difference of two answers would describe those who were added, left out or changed. "
            "Use the earlier extract and study file."
        )
    cuts = _one_set_of_cuts(asked, people, before.get("cuts"), threshold)
    asks = [dict(each) for each in before.get("asks", [])]
    about = {
        "model": asked.model,
        "exposure": asked.exposure,
        "cuts": None if asked.cuts is None else list(asked.cuts),
    }
    mine = next((each for each in asks if {k: each[k] for k in about} == about), None)
    if mine is None:
        mine = about | {"terms": list(asked.terms), "rounds": []}
        asks.append(mine)
    cut = with_cuts(people, asked.cuts)
    _tells_of_few(mine, study, people, asks, threshold)
    _follows(asked, mine["rounds"])
    far = pooled_cox.reach(cut, terms, asked.coefficients)
    if far.max() > MOST_RATIO:
        raise Problem(
            f"The round multiplies the hazard of '{far.idxmax()}' by more than {MOST_RATIO:g}, or "
            "divides it: the answer would describe single people. The term may have no finite "
            "estimate: merge its levels, or leave it out."
        )
    _refuse_weight_of_one(cut, terms, asked.coefficients, threshold)
    mine["rounds"] = [each for each in mine["rounds"] if each["round"] != asked.number]
    mine["rounds"].append({"round": asked.number, "coefficients": list(asked.coefficients)})
    return {"people": digest, "cuts": cuts, "asks": asks}


def _refuse_weight_of_one(
    people: pd.DataFrame, terms: pd.DataFrame, coefficients: Sequence[float], threshold: int
) -> None:
    """Refuse coefficients at which one person outweighs the others that are still followed.

    Ratios of single terms multiply, so each may be fine where all together are not.
    """
    found = pooled_cox.heaviest(people, terms, coefficients)
    # Among few each has a large share, whatever is asked: there the mean of them is the measure.
    most = np.maximum(1 / threshold, threshold / found["at_risk"])
    if (found["largest_share"] > most).any():
        raise Problem(
            f"The round gives one person more than 1 in {threshold} of the weight of those still "
            "followed: the answer would describe single people. Honest rounds come nowhere near; "
            "ask whoever made the round how its coefficients came about."
        )


def _one_set_of_cuts(
    asked: Round, people: pd.DataFrame, known: Any, threshold: int
) -> list[float] | str | None:
    """Refuse a second set of distance cuts, and cuts with few people between two of them."""
    if not any(term.startswith(DISTANCE) for term in asked.terms):
        if asked.cuts is not None:
            raise Problem("The round cuts distance fifths, and its model has none.")
        return known
    cuts = OWN if asked.cuts is None else list(asked.cuts)
    if asked.cuts is not None:
        refuse_odd_cuts(asked.cuts)
        sizes = with_cuts(people, asked.cuts)[DISTANCE].value_counts()
        if sizes.reindex(range(1, 6), fill_value=0).min() < threshold:
            raise Problem(
                f"Fewer than {threshold} people lie between two neighbouring cuts of distance. "
                "Agree on cuts that are further apart."
            )
    if known not in (None, cuts):
        raise Problem(
            "Distance fifths were cut elsewhere in an earlier round. A registry answers one set of "
            "cuts, whatever the model: the difference of two answers would describe the people "
            "between them."
        )
    return cuts


def _tells_of_few(
    mine: Mapping, study: Study, people: pd.DataFrame, asks: Sequence[Mapping], threshold: int
) -> None:
    """Refuse a model whose people or levels differ by few from those of a model answered before."""
    died = (people["outcome"] == "died").to_numpy()

    def sets(each: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        terms = pooled_cox.contrasts(study, each["exposure"], each["model"])
        if sorted(terms["term"]) != sorted(each["terms"]):
            raise Problem(
                f"The model '{each['model']}' was answered before with other columns than the "
                "study file gives it now. Use the earlier study file, or another name."
            )
        everybody = with_cuts(people, each["cuts"]).reset_index(drop=True)
        known = pooled_cox.complete(everybody, terms)
        matrix = pooled_cox.design(known, terms)
        found = {}
        for term in terms.loc[terms["level"] != pooled_cox.PER_UNIT, "term"]:
            inside = everybody.index.isin(known.index[matrix[term] == 1])
            # A level that is too small is stopped by disclosure control, with a word on it.
            if min(inside.sum(), (inside & died).sum()) >= threshold:
                found[term] = inside
        return everybody.index.isin(known.index), found

    ours, levels = sets(mine)
    for each in asks:
        theirs, others = sets(each)
        if (ours != theirs).any():
            raise Problem(
                f"The model '{mine['model']}' is of other people than the model '{each['model']}' "
                "that was answered before, because other columns are unknown for some. The "
                "difference of the two answers would describe those. Choose models of the same "
                "people."
            )
        for (name, one), (other, two) in itertools.product(levels.items(), others.items()):
            apart = one != two
            if apart.any() and min(apart.sum(), (apart & died).sum()) < threshold:
                raise Problem(
                    f"Fewer than {threshold} people, or deaths, are in one of '{name}' and "
                    f"'{other}' and not in both, and two answers would describe those. Leave one "
                    "of them out."
                )


def _follows(asked: Round, rounds: Sequence[Mapping[str, Any]]) -> None:
    """Refuse coefficients that are not a Newton step from a round that was answered before."""
    known = {each["round"]: tuple(each["coefficients"]) for each in rounds}
    if asked.number in known:
        if known[asked.number] != asked.coefficients:
            raise Problem(f"Round {asked.number} was answered before, at other coefficients.")
        return
    if asked.number <= max(known, default=0):
        raise Problem(f"A later round than {asked.number} was answered before.")
    if asked.number == 1:
        if any(asked.coefficients) or asked.start is not None:
            raise Problem("The first round is at coefficients of nought, and this one is not.")
        return
    if asked.number - 1 not in known:
        raise Problem(
            f"This is round {asked.number}, and round {asked.number - 1} was not answered here. "
            "Use the folder of the earlier rounds, or name their releases with --earlier."
        )
    sums = asked.sums()
    if sums is None or known.get(asked.start["round"]) != tuple(sums.coefficients):
        raise Problem("The round does not start from coefficients that were answered before.")
    fraction = float(asked.start["fraction"])
    try:
        expected = sums.coefficients + fraction * pooled_cox.full_step(sums)
    except AnalysisError:
        expected = np.full(len(asked.terms), np.nan)
    apart = np.abs(np.array(asked.coefficients) - expected) > 1e-8 * (1 + np.abs(expected))
    if fraction not in FRACTIONS or apart.any() or np.isnan(expected).any():
        raise Problem(
            "The coefficients are not Newton's step from the round before. A registry answers no "
            "others: answers at many coefficients could give people away."
        )


def people_digest(people: pd.DataFrame, study: Study) -> str:
    """Digest the whole cohort, whatever its order, so that a change of anybody can be told.

    Parameters
    ----------
    people : a prepared cohort, every person, with its own distance fifths.
    study : its study, whose columns, scores and derived columns are digested.

    Returns
    -------
    A SHA-256 in hexadecimal digits. It stays in the environment.
    """
    computed = {each.name for each in (*study.scores, *study.derived)} | {DISTANCE}
    columns = sorted((computed | set(study.columns)) & set(people) - set(NAMES))
    # As text, so that one kind of file and another give the same digest.
    text = people[columns].astype(object).map(lambda value: "" if pd.isna(value) else str(value))
    rows = np.sort(pd.util.hash_pandas_object(text, index=False).to_numpy())
    return hashlib.sha256(",".join(columns).encode() + rows.tobytes()).hexdigest()
