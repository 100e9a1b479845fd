"""Curves that tell of another event as well: faults that mutation testing put in."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from distance_to_care import disclosure
from distance_to_care.disclosure import curves
from distance_to_care.disclosure.profiles import DEFAULT, Profile

TIMES = [1.0, 3.0, 5.0]
DIED = [20, 40, 60]
LEFT = [30, 60, 90]
FOLLOWED = [200, 150, 100]
NOUGHT_IS_TOLD = dataclasses.replace(DEFAULT, zero_is_small=False)


def telling(others, left=LEFT, died=DIED, times=TIMES, followed=FOLLOWED, profile=DEFAULT):
    happened = np.column_stack([died, left]).astype(float)
    return curves.telling(times, happened, np.array(others, float), np.array(followed), profile)


@pytest.mark.parametrize(
    ("others", "changes", "told"),
    [
        ([12, 24, 36], {}, [0, 1, 2]),
        ([10, 20, 30], {}, [0, 1, 2]),
        # Nine had the event by one year, so that one year is not told, and three years are.
        ([9, 24, 36], {}, [1, 2]),
        ([12, 21, 36], {}, [0, 2]),
        ([3, 6, 9], {}, []),
        # That nobody had it since is told of one profile's people only.
        ([12, 12, 24], {}, [0, 2]),
        ([12, 12, 24], {"profile": NOUGHT_IS_TOLD}, [0, 1, 2]),
        ([0, 0, 24], {}, [2]),
        # Those who left for neither are as many, or nobody.
        ([21, 40, 60], {}, [1, 2]),
        ([30, 60, 90], {}, [0, 1, 2]),
        # Other events are counted by the threshold where it is stricter than that of a step.
        ([12, 24, 36], {"profile": dataclasses.replace(DEFAULT, threshold=13)}, [1]),
        ([12, 24, 36], {"profile": dataclasses.replace(DEFAULT, smallest_step_events=13)}, [1]),
        ([12, 24, 36], {"profile": dataclasses.replace(DEFAULT, smallest_step_censored=20)}, [1]),
        # Where survival does not stand, nothing else does.
        ([12, 24, 36], {"followed": [200, 9, 100]}, [0, 2]),
        ([12, 24, 36], {"followed": [200, 10, np.nan]}, [0, 1, 2]),
        ([12, 24, 36], {"died": [5, 40, 60]}, [1, 2]),
        ([12, 24, 36], {"times": [1.0, 4.0, 5.0]}, [0, 2]),
    ],
)
def test_another_event_is_told_where_enough_people_had_it(others, changes, told):
    assert telling(others, **changes) == told


def test_two_years_are_told_beside_the_others_and_never_instead():
    whole = {"times": [1.0, 2.0, 3.0], "left": [30, 60, 90]}
    assert telling([12, 24, 36], **whole) == [0, 1, 2]
    assert telling([12, 15, 24], **whole) == [0, 2]


# --- Merged curves --------------------------------------------------------------------------------


def exact(*steps, people=400) -> pd.DataFrame:
    """A curve from (time, deaths, left at it, of these for another event)."""
    rows, still, alive = [(0.0, people, 0, 0, 0, 1.0)], people, 1.0
    for time, deaths, left, another in steps:
        alive *= 1 - deaths / still
        rows.append((time, still, deaths, left, another, alive))
        still -= deaths + left
    named = ["time_years", "at_risk", "deaths", "left", "left_for_another_event", "estimate"]
    return pd.DataFrame(rows, columns=named).assign(measure="died", group="1")


STEPS = (0.5, 20, 30, 12), (1.5, 12, 0, 0), (2.5, 20, 30, 12), (4.5, 20, 30, 12)


def test_a_curve_that_tells_of_another_event_has_points_at_milestones_alone():
    found = disclosure.merge_steps(exact(*STEPS), DEFAULT)
    assert found["time_years"].tolist() == [0, 1, 3]
    assert found["deaths"].tolist() == [pd.NA, 20, 32]
    assert found["censored"].tolist() == [pd.NA, 30, 30]
    assert found["at_risk"].tolist() == [400, 350, 288]
    assert found["largest_error"].isna().all()
    assert not {"left", "left_for_another_event"} & set(found)
    plain = disclosure.merge_steps(exact(*STEPS).drop(columns="left_for_another_event"), DEFAULT)
    assert plain["time_years"].tolist() == [0, 1, 2, 3, 4.5]
    assert plain["largest_error"].notna().all()
    assert "left" not in plain


def test_curves_that_do_not_tell_of_it_stay_as_they_are():
    untold = exact(*STEPS).assign(left_for_another_event=np.nan, group="2")
    both = disclosure.merge_steps(pd.concat([exact(*STEPS), untold]), DEFAULT)
    points = both.groupby("group")["time_years"].apply(list).to_dict()
    assert points == {"1": [0, 1, 3], "2": [0, 1, 2, 3, 4.5]}
    assert both["largest_error"].notna().groupby(both["group"]).all().to_dict() == {
        "1": False, "2": True,
    }  # fmt: skip


def test_who_leaves_at_a_time_is_counted_after_it():
    # Twelve had the event at one year itself: they are followed to it, and are told at three.
    at_it = (0.5, 20, 10, 0), (1.0, 0, 30, 12), (2.5, 20, 0, 0), (5.0, 12, 0, 0)
    found = disclosure.merge_steps(exact(*at_it), DEFAULT)
    assert found["time_years"].tolist() == [0, 3]
    before = (0.5, 20, 10, 0), (0.9, 0, 30, 12), (2.5, 20, 0, 0), (5.0, 12, 0, 0)
    found = disclosure.merge_steps(exact(*before), NOUGHT_IS_TOLD)
    assert found["time_years"].tolist() == [0, 1, 2, 3, 5]
    found = disclosure.merge_steps(exact(*before), DEFAULT)
    assert found["time_years"].tolist() == [0, 1]


def test_each_step_counts_from_the_one_before():
    steps = (0.1, 12, 20, 0), (0.2, 5, 0, 0), (0.3, 5, 0, 0), (0.4, 5, 3, 0), (0.5, 5, 0, 0)
    table = exact(*steps).drop(columns="left_for_another_event")
    found = disclosure.merge_steps(table, DEFAULT)
    # Five died by 0.2 and ten by 0.3; after 0.4 three left, and nobody else did.
    assert found["time_years"].tolist() == [0, 0.1, 0.3]
    assert found["deaths"].tolist() == [pd.NA, 12, 10]
    assert found["censored"].tolist() == [pd.NA, pd.NA, 20]


# --- Fixed times ----------------------------------------------------------------------------------


def fixed(**others) -> pd.DataFrame:
    """Survival of some groups at fixed times: who had the other event since the time before."""
    parts = [
        pd.DataFrame(
            {"measure": "died", "group": group, "time_years": TIMES, "step_events": [20, 20, 20],
             "step_censored": [90, 90, 90], "step_others": told}
        )
        for group, told in others.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def shown(table: pd.DataFrame, profile: Profile = DEFAULT) -> dict[str, list[float]]:
    found, withheld = curves.milestones(table, profile)
    assert not {"step_others", "step_followed"} & set(found)
    return found[~withheld].groupby("group", dropna=False)["time_years"].apply(list).to_dict()


def test_groups_tell_of_another_event_at_the_same_times():
    assert shown(fixed(a=[12] * 3, b=[12] * 3)) == {"a": TIMES, "b": TIMES}
    assert shown(fixed(a=[12] * 3, b=[4, 12, 12])) == {"a": [3, 5], "b": [3, 5]}
    assert shown(fixed(a=[12, 4, 12], b=[4, 12, 12])) == {"a": [5], "b": [5]}
    # A group that tells of nothing else is not of the family.
    table = fixed(a=[12] * 3, b=[4, 12, 12], c=[np.nan] * 3)
    assert shown(table) == {"a": [3, 5], "b": [3, 5], "c": TIMES}
    # Nor is one of another measure.
    other = fixed(b=[4, 12, 12]).assign(measure="had a transplant")
    told = shown(pd.concat([fixed(a=[12] * 3), other], ignore_index=True))
    assert told == {"a": TIMES, "b": [3, 5]}
    other = fixed(b=[4, 12, 12]).assign(outcome="had a transplant")
    of_death = fixed(a=[12] * 3).assign(outcome="died")
    told = shown(pd.concat([of_death, other], ignore_index=True))
    assert told == {"a": TIMES, "b": [3, 5]}


def test_everybody_less_the_groups_is_a_group_of_its_own():
    groups = {"a": [12] * 3, "b": [12] * 3}
    assert shown(fixed(**groups, all=[24] * 3)) == {"a": TIMES, "b": TIMES, "all": TIMES}
    # Four of no group had it by a year, and sixteen by three: one year is not told of groups.
    told = shown(fixed(**groups, all=[28, 36, 24]))
    assert told == {"a": [3, 5], "b": [3, 5], "all": TIMES}
    told = shown(fixed(**groups, all=[34, 28, 34]))
    assert told == {"a": [1, 5], "b": [1, 5], "all": TIMES}
    told = shown(fixed(**groups, all=[34, 34, 34]))
    assert told == {"a": TIMES, "b": TIMES, "all": TIMES}
    # Everybody stands by themselves where no group does.
    assert shown(fixed(all=[12] * 3)) == {"all": TIMES}
    assert shown(fixed(a=[3] * 3, all=[12] * 3)) == {"all": TIMES}


def test_what_is_withheld_of_a_family_is_told_with_the_next_time():
    found, withheld = curves.milestones(fixed(a=[12] * 3, b=[4, 12, 12]), DEFAULT)
    assert withheld.tolist() == [True, False, False] * 2
    assert found["step_events"].tolist() == [20, 40, 20] * 2
    assert found["step_censored"].tolist() == [90, 180, 90] * 2


def test_the_start_is_never_withheld_nor_counted():
    start = pd.DataFrame(
        {"measure": "died", "group": "a", "time_years": [0.0], "step_events": [0],
         "step_censored": [0], "step_others": [0]}
    )  # fmt: skip
    table = pd.concat([fixed(a=[12] * 3), start], ignore_index=True)
    found, withheld = curves.milestones(table, DEFAULT)
    assert not withheld.any()
    assert found["step_events"].tolist() == [20, 20, 20, pd.NA]


@pytest.mark.parametrize("column", ["at_risk", "step_followed"])
def test_a_fixed_time_that_too_few_are_followed_to_is_withheld(column):
    table = fixed(a=[12] * 3).assign(**{column: [100, 9, 50]})
    assert shown(table) == {"a": [1, 5]}
    assert shown(table.assign(**{column: [100, 10, None]})) == {"a": TIMES}
    unknown = pd.array([100, None, 10], "Int64")
    assert shown(table.assign(**{column: unknown})) == {"a": TIMES}
    # What is told of those followed is looked at first.
    assert shown(table.assign(at_risk=[100, 50, 9], step_followed=100)) == {"a": [1, 3]}


def test_a_time_that_is_no_milestone_is_withheld_whatever_happened():
    table = fixed(a=[np.nan] * 3).assign(time_years=[1.0, 2.5, 5.0])
    found, withheld = curves.milestones(table, DEFAULT)
    assert withheld.tolist() == [False, True, False]
    assert found["step_events"].tolist() == [20, 20, 40]
    bare = table.assign(step_events=np.nan, step_censored=np.nan)
    assert curves.milestones(bare, DEFAULT)[1].tolist() == [False, True, False]
    begun = bare.assign(time_years=[0.0, 0.1, 1.0])
    assert curves.milestones(begun, DEFAULT)[1].tolist() == [False, True, False]


# --- Rules of published curves --------------------------------------------------------------------


def test_a_size_that_was_withheld_was_known_when_the_steps_were_made():
    table = pd.DataFrame(
        {"group": ["1", "1", "2", "2"], "time_years": [0.0, 0.4, 0.0, 0.4],
         "at_risk": [None, 80, 100, 80], "deaths": [None, 20, None, 20],
         "censored": pd.array([None] * 4, "Int64"), "suppressed": [True, False, False, False]}
    )  # fmt: skip
    said = (
        "a group of fewer than 60 people, or of an unknown number, has points besides the "
        "milestones"
    )
    assert curves.faults(table, DEFAULT) == []
    assert curves.faults(table.assign(suppressed=False), DEFAULT) == [said]
    assert curves.faults(table.drop(columns="suppressed"), DEFAULT) == [said]
    later = table.assign(suppressed=[False, True, False, False])
    assert curves.faults(later, DEFAULT) == [said]
    small = table.assign(at_risk=[59, 50, 100, 80])
    assert curves.faults(small, DEFAULT) == [said]
    assert curves.faults(small.assign(at_risk=[60, 50, 100, 80]), DEFAULT) == []
