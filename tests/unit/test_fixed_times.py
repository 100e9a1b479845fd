"""Means of the years until a time say no more than survival at that time may."""

import pandas as pd

from distance_to_care.releasing import fixed_times


def survival(shown: dict[str, bool]) -> pd.DataFrame:
    """Survival at five years, withheld where few died or left since three."""
    return pd.DataFrame(
        {
            "measure": "survival", "group_by": "deprivation_quintile", "group": list(shown),
            "time_years": 5.0, "people": 60, "step_events": pd.array([None] * len(shown), "Int64"),
            "step_censored": pd.array([None] * len(shown), "Int64"),
            "estimate": [0.4 if each else None for each in shown.values()],
            "suppressed": [not each for each in shown.values()],
        }
    )  # fmt: skip


def means(groups: list[str], reference: list[str], years: float = 5.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": "restricted mean survival", "model": "", "group": groups,
            "group_by": "deprivation_quintile", "reference": reference, "time_years": years,
            "people": 60, "estimate": 39.0, "suppressed": False,
        }
    )  # fmt: skip


def rows(tables: dict[str, pd.DataFrame]) -> list[int]:
    return [row for row, *_ in fixed_times.beyond(tables).get("means", [])]


def test_a_mean_until_a_time_is_withheld_with_survival_at_that_time():
    told = {
        "summary": survival({"all": True, "1": False, "2": True, "5": True}),
        "means": means(["all", "1", "2", "1", "2"], ["", "", "", "5", "5"]),
    }
    assert rows(told) == [1, 3]
    # A difference tells of both groups, and of everybody beside whom it stands.
    told["summary"] = survival({"all": True, "1": True, "2": True, "5": False})
    assert rows(told) == [3, 4]
    told["summary"] = survival({"all": False, "1": True, "2": True, "5": True})
    assert rows(told) == [0, 3, 4]


def test_a_mean_stays_where_survival_is_told_or_the_time_is_another():
    summary = survival({"all": False, "1": False})
    some = means(["all", "1"], ["", ""])
    assert rows({"summary": summary, "means": some}) == [0, 1]
    # Another table tells survival then, under the rule of curves.
    assert rows({"summary": summary, "more": survival({"all": True}), "means": some}) == [1]
    assert rows({"summary": summary, "means": means(["all", "1"], ["", ""], 3.0)}) == []
    assert rows({"means": some}) == []
