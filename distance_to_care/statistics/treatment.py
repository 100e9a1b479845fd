"""Treatment that starts after follow-up does: who counts as treated, and from when.

Somebody who starts treatment after a year had to live for that year. Whoever counts that year as
treated makes treatment look better than it is (immortal time; Suissa 2008, doi 10.1093/aje/kwm324).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from distance_to_care import survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

FOLLOW_UP = "follow_up_years"


def split_at_treatment(people: pd.DataFrame, duration: str, event: str, start: str) -> pd.DataFrame:
    """Split each person's follow-up where treatment starts, into untreated and treated time.

    Parameters
    ----------
    people : one row a person.
    duration, event : follow-up, and whether it ended with the event.
    start : time from the start of follow-up to treatment; 0 or below where it began before, and
        missing where it never did.

    Returns
    -------
    One or two rows a person with all columns, `treated` (true or false), `from_time` and
    `to_time` (the interval, open at its start); the event stands in the person's last row only.

    Raises
    ------
    AnalysisError : for a follow-up that is missing or not above nought.
    """
    _check(people, duration)
    end, begins = people[duration].astype(float), people[start].astype(float)
    # A start on the last day leaves no treated time.
    before = begins.isna() | (begins > 0)
    after = begins < end
    untreated = people[before].assign(
        treated=False, from_time=0.0, to_time=begins.where(after, end)[before]
    )
    untreated[event] = people[event].astype(bool)[before] & ~after[before]
    treated = people[after].assign(
        treated=True, from_time=begins.clip(lower=0.0)[after], to_time=end[after]
    )
    treated[event] = people[event].astype(bool)[after]
    return pd.concat([untreated, treated]).sort_index(kind="stable").reset_index(drop=True)


def landmark(
    people: pd.DataFrame, duration: str, event: str, start: str, at: float
) -> pd.DataFrame:
    """Keep the people still followed at a landmark, by whether treatment had started by then.

    Parameters
    ----------
    people, duration, event, start : as for `split_at_treatment`.
    at : the landmark, in whole years: two that lie close tell of the few who left in between.

    Returns
    -------
    The people followed beyond the landmark, with `treated` and with `duration` counted from it.

    Raises
    ------
    AnalysisError : where nobody is followed so long, a follow-up is missing, the landmark is no
        whole year, or `duration` is not `follow_up_years`: people are not chosen by another column.

    Anderson, Cain and Gelber 1983, doi 10.1200/JCO.1983.1.11.710.
    """
    if duration != FOLLOW_UP:
        raise AnalysisError(f"A landmark is a time of follow-up: it is counted in '{FOLLOW_UP}'.")
    if at < 1 or at % 1:
        raise AnalysisError("A landmark is a whole number of years: 1, 2 and so on.")
    _check(people, duration)
    left = people[people[duration] > at]
    if left.empty:
        raise AnalysisError("Nobody is followed beyond the landmark: choose an earlier one.")
    return left.assign(**{duration: left[duration] - at}, treated=left[start] <= at)


def not_yet_treated(people: pd.DataFrame, start: str) -> pd.DataFrame:
    """Keep whoever was not on treatment when follow-up began: those who started later, or never.

    Parameters
    ----------
    people, start : as for `split_at_treatment`.

    Returns
    -------
    Their rows.

    Raises
    ------
    AnalysisError : where `start` is not a time: people are not chosen by yes and no.
    """
    if pd.api.types.is_bool_dtype(people[start]):
        raise AnalysisError(f"'{start}' says yes or no: give the column of the time of treatment.")
    return people[~(people[start] <= 0)]


def hazard_ratio(people: pd.DataFrame, event: str, held: Sequence[str]) -> pd.DataFrame:
    """Estimate the hazard ratio of death on treatment with Cox's model, other columns held equal.

    Parameters
    ----------
    people : a table with `treated` (true or false): one row a person with `follow_up_years`, or
        what `split_at_treatment` returns.
    event : whether follow-up ended with the event.
    held : columns whose values are held equal; whoever lacks one of them is left out.

    Returns
    -------
    One row: `estimate` (ratio), `ci_low`, `ci_high`, `unit`, `people`, `deaths`, `note`, and for
    disclosure control `level_people` and `level_deaths`, the smaller of the treated and the
    others, `model_events` and `model_parameters`. Where these people are too few for the model,
    the estimate is missing and `note` says why.
    """
    people = people.dropna(subset=list(held))
    split = "from_time" in people
    end, entry = ("to_time", "from_time") if split else (FOLLOW_UP, None)
    row: dict[str, object] = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "note": ""}
    terms = ["treated", *held]
    try:
        found = survival.cox(people, end, event, terms, entry=entry).iloc[0]
        row |= {"estimate": found["hazard_ratio"]}
        row |= {"ci_low": found["ci_low"], "ci_high": found["ci_high"]}
    except AnalysisError as problem:
        row["note"] = str(problem)
    levels = people.groupby("treated")[event].agg(["size", "sum"]).reindex([False, True]).fillna(0)
    row |= {"unit": "ratio", "people": people["person_id"].nunique()}
    row |= {"deaths": int(people[event].sum()), "level_people": int(levels["size"].min())}
    row |= {"level_deaths": int(levels["sum"].min()), "model_events": row["deaths"]}
    return pd.DataFrame([row | {"model_parameters": survival.parameters(people, terms)}])


def immortal_time_bias(
    people: pd.DataFrame,
    event: str,
    start: str,
    held: Sequence[str],
    replicates: int = 200,
    seed: int = 1,
) -> pd.DataFrame:
    """Divide the ratio of the ever treated by that from the first dose on, in the same people.

    The bootstrap is the Bayesian one (Rubin 1981, doi 10.1214/aos/1176345338): each person has one
    random weight in both models, so that what they share does not count twice.

    Parameters
    ----------
    people : one row a person, with `person_id`, `follow_up_years` and the columns named.
    event, start : as for `split_at_treatment`.
    held : columns whose values are held equal; whoever lacks one of them is left out.
    replicates, seed : of the bootstrap.

    Returns
    -------
    One row: `estimate` (the wrong hazard ratio over the right one; below 1 where immortal time
    makes treatment look better), `ci_low`, `ci_high` (95% percentile interval), `unit`, `people`,
    `deaths`, `note`, `level_people`, `level_deaths`, as `hazard_ratio` gives them for the right
    model.
    """
    people = people.dropna(subset=list(held))
    ever = people.assign(treated=people[start].notna())
    dated = split_at_treatment(people, FOLLOW_UP, event, start)
    row = hazard_ratio(dated, event, held)
    place = {person: number for number, person in enumerate(people["person_id"])}
    copies = []
    try:
        models = [
            (rows[end], rows[event], survival.design(rows, ["treated", *held]).matrix,
             rows[entry] if entry else None, rows["person_id"].map(place).to_numpy())
            for rows, end, entry in (
                (ever, FOLLOW_UP, None), (dated, "to_time", "from_time")
            )
        ]  # fmt: skip
        for replicate in range(replicates + 1):
            random = np.random.default_rng([seed, replicate])
            weight = random.standard_exponential(len(people)) if replicate else np.ones(len(people))
            wrong, right = (
                engine.cox(time, died, X, entry=entry, weights=weight[who]).coefficients[0]
                for time, died, X, entry, who in models
            )
            copies.append(np.exp(wrong - right))
        low, high = np.quantile(copies[1:], (0.025, 0.975))
        return row.assign(estimate=copies[0], ci_low=low, ci_high=high)
    except AnalysisError as problem:
        return row.assign(estimate=np.nan, ci_low=np.nan, ci_high=np.nan, note=str(problem))


def _check(people: pd.DataFrame, duration: str) -> None:
    if not (people[duration] > 0).all():
        raise AnalysisError(f"The follow-up '{duration}' must be known and above nought.")
