"""Transplant as a competing event: who dies, who is transplanted, and what the naive answer adds.

A person who has had a transplant can no longer die without one. The naive answer, one less
Kaplan-Meier with transplants censored, is the risk in a world without transplants; added to that
of transplant it can exceed one. Aalen and Johansen's is the share of people to whom each happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import survival
from distance_to_care.statistics import cohort_survival

EVENTS = {"died": "death", "transplanted": "transplant"}
COMPETING, NAIVE = "Aalen-Johansen", "one less Kaplan-Meier"
TIME, OUTCOME = "follow_up_years", "outcome"


def incidence(
    people: pd.DataFrame, by: str | None = None, times_years: Sequence[float] = (1, 3, 5)
) -> pd.DataFrame:
    """Estimate the share of people who have died and been transplanted, both ways, by group.

    Parameters
    ----------
    people : one row a person; `follow_up_years`, `outcome` (died, transplanted or censored), `by`.
    by : column whose groups get rows, beside all people.
    times_years : when the share is read off, in years.

    Returns
    -------
    One row a measure, method, group and time: `measure`, `method`, `group_by`, `group`,
    `time_years`, `people`, `step_events` and `step_censored` (who died, and whose follow-up ended
    otherwise, since the time before), `estimate`, `ci_low`, `ci_high` (95%, log-log), `unit`, and
    for disclosure control `level_people` and `level_deaths` (events behind the row),
    `step_followed` (to that time) and `step_others` (transplants since the time before, where the
    row tells of them: deaths by the Aalen-Johansen estimator do, beside those by the naive one). So
    every row stands at points of the survival curve alone. Besides
    `death` and `transplant`, in probability: `overstatement of death` (naive less competing) and
    `most that death can be overstated` (the product of the two naive risks, an upper bound
    whatever the hazards are), both in percentage points. Empty beyond the last follow-up.

    Aalen and Johansen 1978, https://www.jstor.org/stable/4615704.
    """
    rows = []
    for group, members in _groups(people, by):
        followed, years, before = members[TIME].max(), members[TIME].round(9), {}
        curves = _curves(members)
        for time in map(float, times_years):
            base = {"group_by": by or "all", "group": group, "time_years": time,
                    "people": len(members), "level_people": len(members)}  # fmt: skip
            events, shares = {}, {}
            now = _until(members[OUTCOME], years, time)
            since = {name: count - before.get(name, 0) for name, count in now.items()}
            before = now
            base |= {"step_events": since["deaths"], "step_censored": since["left"]}
            base["step_followed"] = int((years >= time).sum())
            given = since["transplants"]
            for cause, name in EVENTS.items():
                happened = (members[OUTCOME] == cause) & (members[TIME] <= time)
                events[cause] = int(happened.sum())
                for method in (COMPETING, NAIVE):
                    share = dict.fromkeys(("estimate", "ci_low", "ci_high"), np.nan)
                    if time <= followed:
                        share |= _share(members, curves, cause, method, time)
                    shares[cause, method] = share["estimate"]
                    naive_death = (name, method) == ("death", NAIVE)
                    rows.append(
                        base
                        | {"measure": name, "method": method, "unit": "probability",
                           "level_deaths": events[cause],
                           "step_others": np.nan if naive_death else given}
                        | share
                    )  # fmt: skip
            fewest = min(events.values())
            excess = shares["died", NAIVE] - shares["died", COMPETING]
            most = shares["died", NAIVE] * shares["transplanted", NAIVE]
            for measure, estimate in {
                "overstatement of death": excess,
                "most that death can be overstated": most,
            }.items():
                rows.append(
                    base
                    | {"measure": measure, "method": f"{NAIVE}, less {COMPETING}",
                       "estimate": 100 * estimate, "unit": "percentage points",
                       "level_deaths": fewest, "step_others": given}
                )  # fmt: skip
    columns = ["measure", "method", "group_by", "group", "time_years", "people", "estimate",
               "ci_low", "ci_high", "unit", "step_events", "step_censored", "level_people",
               "level_deaths", "step_followed", "step_others"]  # fmt: skip
    return pd.DataFrame(rows)[columns]


def _until(outcome: pd.Series, years: pd.Series, time: float) -> dict[str, int]:
    """Count who died by a time, who left otherwise before it, and who of these for a transplant."""
    died, before = outcome == "died", years < time
    given = outcome == "transplanted"
    return {"deaths": int((died & (years <= time)).sum()), "left": int((~died & before).sum()),
            "transplants": int((given & before).sum())}  # fmt: skip


def in_per_cent(table: pd.DataFrame) -> pd.DataFrame:
    """Write the probabilities of a table as per cent; its other rows stay as they are.

    table : `estimate`, `ci_low`, `ci_high`, `unit`.
    """
    shares = table["unit"] == "probability"
    numbers = table[["estimate", "ci_low", "ci_high"]]
    return table.assign(
        **numbers.mul(shares.map({True: 100.0, False: 1.0}), axis=0),
        unit=table["unit"].mask(shares, "per cent"),
    )


def _curves(members: pd.DataFrame) -> pd.DataFrame:
    if (members[OUTCOME] == "censored").all():
        return pd.DataFrame({"cause": [], "time": [], "incidence": [], "ci_low": [], "ci_high": []})
    return survival.cumulative_incidence(members, TIME, OUTCOME)


def _share(members, curves, cause, method, time) -> dict[str, float]:
    """Read one curve off at one time; nought, without an interval, where nothing has happened."""
    if method == COMPETING:
        rows = curves[(curves["cause"] == cause) & (curves["time"] <= time)]
        if rows.empty:
            return {"estimate": 0.0}
        last = rows.iloc[-1]
        return {"estimate": last["incidence"], "ci_low": last["ci_low"], "ci_high": last["ci_high"]}
    event = members[OUTCOME] == cause
    if not event.any():
        return {"estimate": 0.0}
    row = survival.survival_at(members.assign(event=event), TIME, "event", [time]).iloc[0]
    return {
        "estimate": 1 - row["survival"],
        "ci_low": 1 - row["ci_high"],
        "ci_high": 1 - row["ci_low"],
    }


def curves_of_death(people: pd.DataFrame) -> pd.DataFrame:
    """Estimate the share of people who have died over time, both ways.

    Returns
    -------
    One row a method and time at which somebody's follow-up ends, in the shape that
    `disclosure.merge_steps` takes: `measure`, `group_by`, `group` (the method), `time_years`,
    `at_risk`, `deaths`, `left`, `left_for_another_event` (transplants, of the method that tells of
    them), `estimate`, `ci_low`, `ci_high`, `unit`.
    """
    event = people.assign(event=people[OUTCOME] == "died")
    shapes = dict.fromkeys((COMPETING, NAIVE), np.empty((0, 3)))
    steps = pd.DataFrame({"at_risk": [], "events": []})
    if event["event"].any():
        steps = survival.kaplan_meier(event, TIME, "event").set_index("time")
        competing = _curves(people)
        competing = competing[competing["cause"] == "died"].set_index("time").loc[steps.index]
        shapes = {
            COMPETING: competing[["incidence", "ci_low", "ci_high"]].to_numpy(),
            NAIVE: 1 - steps[["survival", "ci_high", "ci_low"]].to_numpy(),
        }
    followed = steps["at_risk"].to_numpy(float)
    left = followed - steps["events"].to_numpy(float) - np.append(followed[1:], [0.0])[: len(steps)]
    tables = []
    for method, values in shapes.items():
        start = pd.DataFrame(
            {"time_years": [0.0], "at_risk": [len(people)], "deaths": [0], "left": [0],
             "estimate": [0.0], "ci_low": [0.0], "ci_high": [0.0]}
        )  # fmt: skip
        later = pd.DataFrame(values, columns=["estimate", "ci_low", "ci_high"]).assign(
            time_years=steps.index, at_risk=followed, deaths=steps["events"].to_numpy(), left=left
        )
        # Until the first death there is no doubt about nought, as at the start.
        later = later.mask(later["estimate"] == 0, later.fillna(0.0))
        tables.append((pd.concat([start, later]) if len(later) else start).assign(group=method))
    table = pd.concat(tables, ignore_index=True)
    given = people.loc[people[OUTCOME] == "transplanted", TIME].value_counts()
    given = table["time_years"].map(given).fillna(0).where(table["group"] == COMPETING)
    return table.assign(
        left_for_another_event=given, measure="death", group_by="method", unit="probability"
    )


def cause_specific(
    people: pd.DataFrame,
    exposure: str,
    adjustments: Mapping[str, Sequence[str]],
    reference: Mapping[str, object],
) -> pd.DataFrame:
    """Estimate the hazard ratios of death and of transplant, each with the other censored.

    Parameters
    ----------
    people, exposure, adjustments, reference : as for `cohort_survival.cox_models`.

    Returns
    -------
    The table of `cohort_survival.cox_models` for each event, `measure` naming the event; where the
    event is a transplant the count of it is in `transplants`, not in `deaths`.

    Lau, Cole and Gange 2009, doi 10.1093/aje/kwp107.
    """
    tables = []
    for cause, name in EVENTS.items():
        one = people.assign(
            outcome=(people[OUTCOME] == cause).map({True: "died", False: "censored"})
        )
        found = cohort_survival.cox_models(one, exposure, adjustments, reference)
        found = found[found["model"].isin(adjustments)]
        counted = {"deaths": "transplants"} if cause == "transplanted" else {}
        tables.append(
            found.assign(measure=f"cause-specific hazard ratio of {name}").rename(columns=counted)
        )
    table = pd.concat(tables, ignore_index=True)
    return table.astype({"deaths": "Int64", "transplants": "Int64"})


def naive_at_constant_rates(died: float, transplanted: float) -> float:
    """Find what one less Kaplan-Meier would give where both rates are constant.

    died, transplanted : the shares of people to whom each has happened by some time (0 to 1).
    Returns the share that would be said to have died by then, with transplants censored.
    """
    happened = died + transplanted
    return 1 - (1 - happened) ** (died / happened)


def _groups(people: pd.DataFrame, by: str | None):
    """All people first, then each group of the column in order, as text."""
    yield "all", people
    if by is not None:
        for level, members in people.dropna(subset=by).groupby(by, observed=True):
            yield survival.label(level), members
