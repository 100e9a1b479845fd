"""Counts and the gate, case by case: faults that mutation testing put in and no test saw."""

import types

import pandas as pd
import pytest

from distance_to_care import disclosure
from distance_to_care.disclosure import counts, curves, gate
from distance_to_care.disclosure.profiles import DEFAULT
from distance_to_care.problems import Problem

# --- Who lacks a value, where they are few --------------------------------------------------------


def test_those_left_in_are_counted_as_everybody_where_few_are_left_out():
    # Three of 200 lack a value: 197 beside 200 would say so, and so would the ends of follow-up.
    table = pd.DataFrame(
        {
            "method": ["everybody", "with all values", "with most values"],
            "people": [200, 197, 160],
            "missing": [0, 3, 40],
            "deaths": [100, 98, 80],
            "transplants": [40, 39, 30],
            "censored": [60, 60, 50],
        }
    )
    found = counts.protect(table)
    assert found["people"].tolist() == [200, 200, 160]
    assert found["deaths"].tolist() == [100, 100, 80]
    assert found["transplants"].tolist() == [40, 40, 30]
    # That nobody lacks one is as telling as that few do.
    assert found["missing"].isna().tolist() == [True, True, False]


def test_everybody_of_another_way_of_grouping_is_not_meant():
    # Both ways have a group '1'; the people of one are not those of the other.
    table = pd.DataFrame(
        {
            "variable": "smoking",
            "group_by": ["deprivation"] * 4 + ["distance"] * 4,
            "group": ["1", "1", "2", "2"] * 2,
            "level": ["never", "ever"] * 4,
            "people": [150, 150, 260, 260, 97, 97, 280, 280],
            "missing": [40, 40, 40, 40, 3, 3, 40, 40],
        }
    )
    found = counts.protect(table)
    assert found["people"].tolist() == [150, 150, 260, 260, 95, 95, 280, 280]


# --- Tables made from published ones --------------------------------------------------------------


def published(name: str, **columns) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    table.attrs["published"] = name
    return table


def test_a_derived_table_may_hold_numbers_of_each_of_its_tables():
    made_from = {
        "first": published("first", group=["1"], people=[120], estimate=[4.25]),
        "second": published("second", group=["1"], people=[240], estimate=[6.5]),
    }
    table = pd.DataFrame({"group": ["1", "2"], "people": [120, 240], "estimate": [6.5, 4.25]})
    made = disclosure.check(table, "registry", made_from=made_from)
    assert made.table["people"].tolist() == [120, 240]


def test_a_derived_table_may_call_a_published_estimate_otherwise_but_no_count():
    made_from = {"first": published("first", group=["1"], people=[120], estimate=[4.25])}
    renamed = pd.DataFrame({"group": ["1"], "ci_low": [4.25]})
    disclosure.check(renamed, "registry", made_from=made_from)
    with pytest.raises(Problem, match="its column 'deaths' holds numbers that none"):
        disclosure.check(
            pd.DataFrame({"group": ["1"], "deaths": [120]}), "registry", made_from=made_from
        )


# --- Who is analysed, part by part ----------------------------------------------------------------


def test_words_of_people_who_come_part_by_part_are_refused_like_those_of_a_table():
    study = types.SimpleNamespace(columns={}, disclosure=None)
    people = pd.DataFrame({"person_id": ["zqxalpha", "zqxbeta"]})
    table = pd.DataFrame({"group": ["zqxalpha"], "people": [200]})
    disclosure.check(table, "registry")
    for who in (people, iter([people.head(1), people.tail(1)])):
        disclosure.analysing(who, study)
        with pytest.raises(Problem):
            disclosure.check(table, "registry")


# --- Fixed times ----------------------------------------------------------------------------------


def steps(**changes) -> pd.DataFrame:
    table = {
        "group": "1",
        "time_years": [0.0, 1.0],
        "estimate": [1.0, None],
        "at_risk": [None, 200],
        "step_events": [None, 30],
        "step_censored": [None, 40],
    }
    return pd.DataFrame(table | changes)


UNSAID = "does not say how many had the event and how many left since the one before"


def test_what_happened_before_the_start_need_not_be_said():
    assert gate._steps_unsaid(steps()) == []
    assert gate._steps_unsaid(steps(time_years=[None, 1.0])) == []


@pytest.mark.parametrize(
    "changes",
    [
        # Only the people still followed stand there.
        {"step_events": [None, None]},
        {"step_censored": [None, None]},
        {"time_years": [0.0, 0.5], "step_events": [None, None]},
    ],
)
def test_a_fixed_time_says_what_happened_since_the_one_before(changes):
    (fault,) = gate._steps_unsaid(steps(**changes))
    assert UNSAID in fault
    assert fault.endswith("(step_events and step_censored)")


def test_steps_without_a_time_are_named():
    without = steps().drop(columns="time_years")
    assert gate._steps_unsaid(without) == ["it says what happened since a time before, and no time"]


# --- Where steps of a curve end -------------------------------------------------------------------


def exact(*happened, people=400) -> pd.DataFrame:
    """A curve from (time, deaths, others who left at it)."""
    rows, still, alive = [(0.0, people, 0, 0, 1.0)], people, 1.0
    for time, deaths, left in happened:
        alive *= 1 - deaths / still
        rows.append((time, still, deaths, left, alive))
        still -= deaths + left
    named = ["time_years", "at_risk", "deaths", "left", "estimate"]
    return pd.DataFrame(rows, columns=named).assign(measure="died", group="1")


def test_a_step_never_ends_where_only_others_left():
    # At half a year too few have left; at 0.7 years enough, but nobody died then.
    curve = exact((0.45, 0, 4), (0.5, 12, 0), (0.7, 0, 12), (0.9, 15, 15), (1.5, 20, 20))
    found = curves.merge_steps(curve, DEFAULT)
    assert 0.7 not in found["time_years"].tolist()
    assert 1.0 in found["time_years"].tolist()


def test_a_step_ends_where_as_many_have_died_as_had_left_at_the_one_before():
    # By 0.5 years twenty died and thirty left; by 0.6 years thirty have died.
    curve = exact((0.4, 0, 30), (0.5, 20, 0), (0.55, 0, 10), (0.6, 10, 0), (0.9, 20, 20))
    found = curves.merge_steps(curve, DEFAULT)
    assert found["time_years"].tolist()[:3] == [0.0, 0.5, 0.6]
