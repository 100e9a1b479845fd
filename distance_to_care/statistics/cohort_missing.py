"""Missing values of a cohort: how many, and what the published model says with them filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import imputation, survival
from distance_to_care.disclosure.profiles import in_force
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import cohort_people, cohort_survival
from distance_to_care.statistics.cohort_survival import label
from distance_to_care.study import EXPOSURES, Study

ANSWERS = ["estimate", "ci_low", "ci_high"]
ROW = [
    "measure", "model", "exposure", "level", "reference", "people", "deaths", "level_people",
    "level_deaths", "model_events", "model_parameters", *ANSWERS, "unit",
]  # fmt: skip


def missing_values(
    people: pd.DataFrame,
    study: Study,
    columns: Sequence[str],
    by: str,
    also: Sequence[str] = (),
    where_missing: Sequence[str] = (),
) -> pd.DataFrame:
    """Count the people whose value is missing, by column and by group.

    Parameters
    ----------
    people : one row a person, in the cohort contract.
    study : the study; its `empty_when` says which empty cells are not missing.
    columns : columns that are counted, each and together: those that the model holds, whether
        anybody lacks them or not.
    by : column whose groups are counted apart.
    also : columns that are counted by themselves only.
    where_missing : further columns of the model, counted where as many lack them as may be told: a
        row that came with the first of them would tell one from nobody.

    Returns
    -------
    One row a measure, column and group (`all` first): `measure` (`not known`; `not applicable`
    where the study says that the cell must be empty), `variable` (`any` for at least one of the
    columns), `level` (empty), `group_by`, `group`, `people`, `missing` (people), `estimate` (of the
    people), `unit` (per cent).
    """
    often = people[list(where_missing)].isna().sum() >= in_force(study).threshold
    columns = [*columns, *often.index[often]]
    every = [*columns, *also]
    empty, nature = people[every].isna(), _by_nature(people, study, every)
    missing = (empty & ~nature).assign(any=lambda each: each[columns].any(axis=1))
    counted = {"not known": missing, "not applicable": nature[list(_flags(study, every))]}
    groups = {name: members.index for name, members in cohort_people.groups(people, by)}
    table = pd.DataFrame(
        [
            {
                "measure": measure,
                "variable": variable,
                "level": "",
                "group_by": by,
                "group": group,
                "people": len(members),
                "missing": int(there.loc[members, variable].sum()),
            }
            for measure, there in counted.items()
            for variable in there
            for group, members in groups.items()
        ]
    )
    return table.assign(estimate=100 * table["missing"] / table["people"], unit="per cent")


def complete_cases(
    people: pd.DataFrame, study: Study, model: str, reference: Mapping[str, object]
) -> pd.DataFrame:
    """Estimate a model's hazard ratios of both exposures in the people who have every value.

    Parameters
    ----------
    people : one row a person, in the cohort contract, with the study's scores.
    study : the study, with its scores and adjustments.
    model : name of the set of adjustments.
    reference : the level that each category is compared with.

    Returns
    -------
    One row an exposure and level: `measure`, `method`, `model`, `exposure`, `level`, `reference`,
    `people`, `deaths`, `estimate` (hazard ratio), `ci_low`, `ci_high` (95%), `unit`, a `note` where
    the model cannot be estimated, and for disclosure control `level_people` and `level_deaths`.
    """
    adjusted = {exposure: study.adjustment(model, exposure) for exposure in EXPOSURES}
    return _rows(people, model, adjusted, reference, "complete cases")


def imputed(
    people: pd.DataFrame,
    study: Study,
    model: str,
    reference: Mapping[str, object],
    also: Sequence[str] = (),
    imputations: int = 20,
    seed: int = 0,
    shift: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Estimate a model's hazard ratios of both exposures after multiple imputation.

    The columns of the model, and the columns of its scores, are filled by chained equations from
    each other, from `also`, and from the outcome; scores are computed again from what was filled;
    the model is fitted in every set and pooled by Rubin's rules. People whose exposure is missing
    are left out.

    Parameters
    ----------
    people, study, model, reference : as for `complete_cases`.
    also : further columns that predict missing values or say why they are missing; one that is
        known for nobody is left out.
    imputations, seed : as for `imputation.impute`.
    shift : for a column, what is added to each value that was filled: how far those who were not
        measured are taken to differ from those who were and are alike in everything else.

    Returns
    -------
    The rows of `complete_cases`, with `method` `imputation`, and one row more an exposure
    and level: `measure` `information missing` (per cent of what complete data would have told).
    """
    known = people.dropna(subset=list(EXPOSURES)).reset_index(drop=True)
    # With nothing left missing, the people and deaths of the model are those of the exposures.
    table = _rows(known, model, dict.fromkeys(EXPOSURES, ()), reference, "imputation")
    terms = [EXPOSURES[0], *study.adjustment(model, EXPOSURES[0])]
    table["model_parameters"] = cohort_survival.parameters(known, terms)
    try:
        pooled = _pooled(known, study, model, reference, also, imputations, seed, shift or {})
    except AnalysisError as problem:
        pooled = pd.DataFrame(columns=[*ANSWERS, "fraction_missing"], dtype=float)
        table["note"] = table["note"].where(table["note"].ne(""), str(problem))
    asked = (table["exposure"] + "[" + table["level"] + "]").where(table["note"].eq(""))
    found = pooled.reindex(asked).reset_index(drop=True)
    table[ANSWERS] = np.exp(found[ANSWERS])
    lost = table.drop(columns=["people", "deaths", *ANSWERS]).assign(
        measure="information missing", unit="per cent", estimate=100 * found["fraction_missing"]
    )
    whole = table.astype({"people": "Int64", "deaths": "Int64"})
    return pd.concat([whole, lost], ignore_index=True)


def _pooled(people, study, model, reference, also, imputations, seed, shift) -> pd.DataFrame:
    """Coefficients of the model, pooled over the completed sets; one row a term."""
    terms = [EXPOSURES[0], *study.adjustment(model, EXPOSURES[0])]
    sets = _completed(people, study, terms, reference, also, imputations, seed, shift)
    fits = [
        survival.cox(one, "follow_up_years", "died", terms).set_index("term")
        for _, one in sets.groupby("imputation")
    ]
    return imputation.pool(
        [fit["coefficient"] for fit in fits],
        [fit["standard_error"] ** 2 for fit in fits],
        int(people["died"].sum()) - len(fits[0]),
    ).set_index("term")


def compare_methods(
    people: pd.DataFrame,
    study: Study,
    model: str,
    reference: Mapping[str, object],
    also: Sequence[str] = (),
    imputations: int = 20,
    seed: int = 0,
    shift: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Set complete cases beside multiple imputation, and beside drawn values that were shifted.

    Parameters
    ----------
    people, study, model, reference, also, imputations, seed, shift : as for `imputed`.

    Returns
    -------
    The rows of `complete_cases` and `imputed`, and where there is a `shift` those of `imputed`
    with it, of `method` `imputation, shifted`.
    """
    asked = (people, study, model, reference)
    tables = [complete_cases(*asked), imputed(*asked, also, imputations, seed)]
    if shift:
        shifted = imputed(*asked, also, imputations, seed, shift)
        tables.append(shifted.assign(method="imputation, shifted"))
    return pd.concat(tables, ignore_index=True)


def _rows(people, model, adjusted, reference, method) -> pd.DataFrame:
    """The rows of both exposures in one model, as `cox_models` gives them."""
    found = [
        cohort_survival.cox_models(people, exposure, {model: adjusted[exposure]}, reference).assign(
            exposure=exposure
        )
        for exposure in EXPOSURES
    ]
    table = pd.concat(found, ignore_index=True)
    table = table[table["model"] == model].rename(columns={"group": "level"})
    note = table["note"].fillna("") if "note" in table else ""
    return table[ROW].assign(method=method, note=note).reset_index(drop=True)


def _completed(people, study, terms, reference, also, imputations, seed, shift) -> pd.DataFrame:
    """Every set of completed people, categories with their reference first, scores anew."""
    scores = {score.name: [item.column for item in score.items] for score in study.scores}
    also = [column for column in also if people[column].notna().any()]
    columns = [part for term in terms for part in scores.get(term, [term])]
    columns = list(dict.fromkeys([*columns, *also]))
    missing = people[columns].isna() & ~_by_nature(people, study, columns)
    ready = people.copy()
    for column in set(columns) & set(reference):
        levels = sorted(people[column].dropna().unique(), key=label)
        levels.sort(key=lambda level, base=reference[column]: label(level) != label(base))
        ready[column] = pd.Categorical(people[column], levels)
    sets = imputation.impute(
        ready,
        [column for column in columns if missing[column].any()] or columns[-1:],
        [column for column in columns if not missing[column].any()],
        imputations=imputations,
        seed=seed,
        duration="follow_up_years",
        event="died",
        empty_when=_flags(study, columns),
    )
    for column, added in shift.items():
        rule, filled = study.column(column), np.tile(missing[column], imputations)
        moved = (sets[column] + added).clip(rule.minimum, rule.maximum)
        sets[column] = sets[column].mask(filled, moved)
    for score in study.scores:
        sets[score.name] = score.points(sets)
    return sets


def _flags(study: Study, columns: Sequence[str]) -> dict[str, str]:
    """For each column that the study wants empty somewhere, the boolean column that says where."""
    rules = {name: study.columns[name] for name in columns if name in study.columns}
    return {name: rule.empty_when for name, rule in rules.items() if rule.empty_when}


def _by_nature(people: pd.DataFrame, study: Study, columns: Sequence[str]) -> pd.DataFrame:
    """Cells that the study wants empty: a test that the person could not do is not missing."""
    nowhere = pd.DataFrame(False, index=people.index, columns=list(columns))
    return nowhere.assign(
        **{name: people[flag].astype(bool) for name, flag in _flags(study, columns).items()}
    )
