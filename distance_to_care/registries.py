"""Releases of several registries: read, checked to mean the same, and refused if not.

Two things are read out of a release: the hazard ratios of its headline table, and its contribution
to one round of the exact way (`statistics.pooled_cox`). A release is verified before anything of
it is used. What must be the same everywhere is compared key by key, so that a refusal names the
folder and the key: the definitions of every column of the model (type, unit, levels, points of a
score), never titles or descriptions, which may be anybody's words.

A registry answers a round only if it follows from the round before (`may_answer`). What that stops
and what it does not is written there.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import __version__, disclosure, releasing, results
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics import pooled_cox
from distance_to_care.study import Study

CONTRIBUTION = "cox_contribution"
PAGE = "contribution"
FORMAT = "distance-to-care round"
ROUND, CUT = "round", "cut"
DISTANCE = "distance_quintile"
OWN = "each registry's own"
# Names in an extract: they may change without the people.
NAMES = ("person_id", "record_kind")
# Newton's method needs about five rounds, and a few more where a step has to be halved.
MOST_ROUNDS = 8
# Coefficients at which a term multiplies the hazard by more than this weigh single people: the
# score would then be little else than theirs.
MOST_RATIO = 20.0
FRACTIONS = tuple(0.5**power for power in range(8))
RATIO_COLUMNS = {"model", "exposure", "level", "reference", "hazard_ratio", "ci_low", "ci_high"}
OWN_FIFTHS = (
    "Distance fifths are cut within each registry: the furthest fifth is the furthest of its own "
    "people, so the ratio compares far with near as each registry knows it, not one number of "
    "kilometres. Cuts that all share go into round_1.json of the exact way."
)


@dataclass(frozen=True)
class Release:
    """One verified release: its folder, its manifest and the study that it was made with."""

    folder: Path
    manifest: Mapping[str, Any]
    study: Study

    @property
    def name(self) -> str:
        """How the registry is called: the name of its folder."""
        return self.folder.resolve().name

    @property
    def kind(self) -> str:
        """What its people are: registry, synthetic or open."""
        return str(self.manifest["kind"])

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """What the manifest says of a table; None where the release has none of that name."""
        return self.manifest["files"].get(f"tables/{results.named(name, self.kind)}.csv")

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the release; None where it has none of that name."""
        if self.entry(name) is None:
            return None
        named = results.named(name, self.kind)
        return results.read_published(self.folder / "tables" / f"{named}.csv", named)


def read(folders: Sequence[Path]) -> list[Release]:
    """Read releases, and refuse what is altered, the same twice, or cannot stand side by side.

    Parameters
    ----------
    folders : one a registry.

    Returns
    -------
    One `Release` a folder, in their order.

    Raises
    ------
    Problem : no release in a folder; a file missing, extra or altered; a folder twice; synthetic
        people beside real ones; other versions of this program.
    """
    found = [_read_one(folder) for folder in folders]
    for first, second in itertools.combinations(found, 2):
        if first.folder.resolve() == second.folder.resolve():
            raise Problem(f"{second.folder} is named twice. Its people would count twice.")
        if first.name == second.name:
            raise Problem(
                f"{first.folder} and {second.folder} have one name. Rename a folder, so that each "
                "registry can be told apart."
            )
        if first.kind != second.kind:
            raise Problem(
                f"{first.folder} holds {first.kind} results and {second.folder} {second.kind} "
                "ones. They are never pooled."
            )
        _same(first, second, {"software.version": _version(first)},
              {"software.version": _version(second)})  # fmt: skip
    return found


def _read_one(folder: Path) -> Release:
    if not folder.is_dir():
        raise Problem(f"{folder} is not a folder. Name folders of releases, or one table (CSV).")
    faults = releasing.faults(folder)
    if faults:
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Problem(
            f"{folder} is not as it was released: {faults[0]}{more} Ask the registry for the "
            "release again."
        )
    found = releasing.read(folder)
    content = json.loads((folder / "study.json").read_text(encoding="utf-8"))["content"]
    return Release(folder, found, Study.from_dict(content, f"{folder}/study.json"))


def _version(release: Release) -> str:
    return str(release.manifest["software"]["version"])


def remarks(releases: Sequence[Release]) -> list[str]:
    """Say what differs between releases and does not forbid pooling them.

    Parameters
    ----------
    releases : what `read` returned.

    Returns
    -------
    Sentences: other profiles of disclosure control, the same version from other code.
    """
    said = []
    profiles = {each.name: each.manifest["profile"]["name"] for each in releases}
    if len(set(profiles.values())) > 1:
        told = ", ".join(f"{of} {profile}" for of, profile in profiles.items())
        said.append(
            f"The releases were checked with different profiles ({told}): the stricter one "
            "withholds more."
        )
    if len({each.manifest["software"].get("source_sha256") for each in releases}) > 1:
        said.append(
            "The releases have one version but not the same bytes of code. Ask whether a registry "
            "changed the program."
        )
    return said


# -- what must mean the same -----------------------------------------------------------------------


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


def _same(first: Release, second: Release, ours: Mapping, theirs: Mapping) -> None:
    key = differing(ours, theirs)
    if key:
        raise Problem(
            f"{first.folder} and {second.folder} do not mean the same: '{key}' differs. "
            "Agree on one study file and one version, and run both again."
        )


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


# -- the one-round average -------------------------------------------------------------------------


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
        name = f"{release.study.name}_hazard_ratios"
        table = release.table(name)
        if table is None or not set(table.columns) >= RATIO_COLUMNS:
            raise Problem(f"{release.folder} holds no table '{name}' of hazard ratios.")
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
        _same(first, other, ours, definitions(other.study, exposure, model))


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


# -- rounds of the exact way -----------------------------------------------------------------------


@dataclass(frozen=True)
class Round:
    """What every registry is asked for in one round: `round_N.json`.

    `start` is None in the first round; later it holds the sums of an earlier round (`round,
    coefficients, log_partial_likelihood, score, information`) and the `fraction` of Newton's step
    that leads from there to the coefficients.
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
            float(self.start["log_partial_likelihood"]),
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
        _whole_kilometres(cuts)
        if DISTANCE not in set(terms["variable"]):
            raise Problem(f"The model '{model}' of '{exposure}' has no distance fifths to cut.")
    nought = (0.0,) * len(terms)
    names = tuple(terms["term"])
    meaning = definitions(study, exposure, model)
    return Round(1, model, exposure, names, nought, meaning, cuts)


def _whole_kilometres(cuts: Sequence[float]) -> None:
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
                and start["round"] < asked.number and start["fraction"] > 0)):  # fmt: skip
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem(
            f"{where} is not a whole round of the exact way. Ask for the file that "
            "'distance-to-care pool' wrote."
        ) from None
    return asked


def next_round(asked: Round, now: pooled_cox.Sums) -> tuple[Round, pooled_cox.Newton]:
    """Say where Newton's method goes after a round.

    Parameters
    ----------
    asked : the round that was answered.
    now : the sum of the answers.

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
        "fraction": step.fraction,
        "coefficients": list(map(float, step.start.coefficients)),
        "log_partial_likelihood": step.start.log_likelihood,
        "score": list(map(float, step.start.score)),
        "information": step.start.information.tolist(),
    }
    entries = {name: getattr(asked, name) for name in
               ("model", "exposure", "terms", "definitions", "cuts", "version")}  # fmt: skip
    coefficients = tuple(pooled_cox.rounded(step.coefficients))
    return Round(asked.number + 1, coefficients=coefficients, start=start, **entries), step


# -- in a registry's environment -------------------------------------------------------------------


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
    everybody = found.loc[[0], ["people", "deaths", "level_people", "level_deaths"]]
    more = [{"measure": ROUND, "term": "all", "estimate": float(asked.number), "unit": "number"}]
    more += [
        {"measure": CUT, "term": f"{DISTANCE}[{place}]", "estimate": cut, "unit": "km"}
        for place, cut in enumerate(asked.cuts or (), start=1)
    ]
    told = pd.DataFrame(more).assign(with_term="", **everybody.iloc[0].to_dict())
    table = pd.concat([found, told], ignore_index=True)
    return table.assign(model=asked.model, exposure=asked.exposure)


def too_few(table: pd.DataFrame, threshold: int) -> list[str]:
    """Name the terms of an answer that too few people or deaths stand behind.

    Parameters
    ----------
    table : what `answer` returned. threshold : the smallest number that may leave.

    Returns
    -------
    Their names; `all` where the whole registry is too small.
    """
    few = (table[["level_people", "level_deaths"]] < threshold).any(axis=1)
    return list(dict.fromkeys(table.loc[few & (table["with_term"] == ""), "term"]))


def may_answer(
    asked: Round,
    study: Study,
    people: pd.DataFrame,
    record: Mapping[str, Any] | None,
    threshold: int = disclosure.DEFAULT.threshold,
) -> dict[str, Any]:
    """Decide whether a registry answers a round, and keep the record of what it answered.

    What the rule stops: more than `MOST_ROUNDS` rounds of one model; coefficients chosen at will,
    since each round must be Newton's step, or a half, a quarter ... of it, from sums at
    coefficients that this registry answered before, and the first is at nought; coefficients that
    weigh single people (a term that multiplies the hazard by more than `MOST_RATIO`); answers from
    other people, for this model or any other; distance fifths cut at a second set of distances;
    a second model that leaves other people out, or has a level that differs from one answered
    before by a few people. Each of these would give the few away by a difference of two answers.
    What it does not stop: whoever writes the round can make up the sums of the others, and so the
    step; the record can be thrown away with its folder, or another folder named; differences of
    three answers or more are not searched. `release --earlier` compares the answers themselves,
    and an output checker sees the number of the round and the earlier releases.

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
    mine["rounds"] = [each for each in mine["rounds"] if each["round"] != asked.number]
    mine["rounds"].append({"round": asked.number, "coefficients": list(asked.coefficients)})
    return {"people": digest, "cuts": cuts, "asks": asks}


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
        _whole_kilometres(asked.cuts)
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
        about, number = _told(table), _number(table)
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


def read_earlier(folders: Sequence[Path]) -> list[Release]:
    """Read a registry's own earlier releases, each verified.

    Parameters
    ----------
    folders : of releases.

    Returns
    -------
    One `Release` a folder.

    Raises
    ------
    Problem : as for `read`, of each alone.
    """
    return [_read_one(folder) for folder in folders]


def _told(table: pd.DataFrame) -> dict[str, Any]:
    cuts = table.loc[table["measure"] == CUT].sort_values("term")["estimate"].tolist()
    first = table.iloc[0]
    return {"model": first["model"], "exposure": first["exposure"], "cuts": cuts or None}


def _number(table: pd.DataFrame) -> int:
    return int(table.loc[table["measure"] == ROUND, "estimate"].iloc[0])


# -- adding up -------------------------------------------------------------------------------------


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
        numbers[release.folder] = _number(table)
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
        own = _told(table) | {"round": _number(table), "software.version": _version(release)}
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
        for other, before in zip(releases, found, strict=False):
            if sums.log_likelihood == before.log_likelihood:
                raise Problem(
                    f"{release.folder} holds the same contribution as {other.folder}: one release "
                    "under two names. Its people would count twice."
                )
        # In the order of the round, so that its sums can be compared with the next ones.
        found.append(_ordered(sums, asked.terms))
    return found


def _ordered(sums: pooled_cox.Sums, terms: Sequence[str]) -> pooled_cox.Sums:
    order = [sums.terms.index(term) for term in terms]
    return pooled_cox.Sums(
        tuple(terms),
        sums.coefficients[order],
        sums.log_likelihood,
        sums.score[order],
        sums.information[np.ix_(order, order)],
    )
