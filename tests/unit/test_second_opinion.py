"""A second opinion: whatever acro withholds of a cross-tabulation, the gate withholds too."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import cohort, disclosure, second_opinion, wheelhouse
from distance_to_care.command_line import app
from distance_to_care.problems import Problem

PAIRS = [
    ("deprivation_quintile", "distance_quintile"),
    ("gap_index_stage", "deprivation_quintile"),
    ("sex", "smoking"),
    ("outcome", "deprivation_quintile"),
    ("oxygen", "distance_quintile"),
]


def described() -> pd.DataFrame:
    """The synthetic people, with the stage of the study's first score."""
    read = cohort.load()
    score = next(each for each in read.study.scores if each.stages)
    stage = score.stage(read.people[score.name])
    return read.people.assign(**{PAIRS[1][0]: stage.to_numpy()})


def test_the_gate_is_never_looser_than_acro():
    people = described()
    draw = np.random.default_rng(8)
    cohorts = {"all": people}
    for size in (1, 30, 120, 500):
        cohorts[str(size)] = people.iloc[draw.choice(len(people), size, replace=False)]
    theirs = second_opinion.acro_withholds(cohorts, PAIRS)
    ours = second_opinion.gate_withholds(cohorts, PAIRS)
    both = theirs.merge(ours, on=second_opinion.ASKED[:-1], suffixes=("", "_by_gate"))
    assert len(both) == len(theirs) == len(ours)
    assert (both["withheld_by_gate"] | ~both["withheld"]).all()
    # The comparison says something: each of them withholds cells, and each shows some.
    for column in ("withheld", "withheld_by_gate"):
        assert 0 < both[column].sum() < len(both)
    # The gate withholds more: a second cell beside one that stands alone.
    assert both["withheld_by_gate"].sum() > both["withheld"].sum()


def few() -> tuple[pd.DataFrame, object]:
    """Two hundred people of the book; nobody is on oxygen but eleven of the first fifth."""
    read = cohort.load()
    people = read.people.head(200).copy()
    first = people.index[people["deprivation_quintile"] == 1]
    return people.assign(oxygen=people.index.isin(first[:11])), read.study


def shares(people: pd.DataFrame, *shown: str) -> pd.DataFrame:
    """A table of shares on oxygen by deprivation fifth, withheld but for the groups named."""
    on = people.groupby("deprivation_quintile")["oxygen"].mean().mul(100)
    table = pd.DataFrame({"group": on.index.astype(str), "estimate": on.to_numpy()})
    table["estimate"] = table["estimate"].where(table["group"].isin(shown))
    return table.assign(group_by="deprivation_quintile", variable="oxygen", level="yes")


def test_a_published_cell_that_acro_withholds_is_counted():
    people, study = few()
    deaths = shares(people).assign(deaths=people["died"].sum()).drop(columns=["variable", "level"])
    counted = {
        "leak": shares(people, "1"),
        "kept": shares(people),
        "outcome": deaths,
        "means": shares(people, "1").assign(variable="age_years", level=""),
    }
    profile = disclosure.profile("minimum_10", threshold=12)
    found = second_opinion.of_published(people, study, counted, profile)
    # Eleven are on oxygen; those of the same fifth without it are more than enough.
    assert found["tables"]["leak"] == {"cross_tabulations": 1, "cells": 2, "looser": 1}
    assert set(found["tables"]) == {"leak", "outcome"}
    assert second_opinion.total(found)["looser"] >= 1
    assert second_opinion.total(found, ["kept"]) == {
        "library": "acro",
        "version": second_opinion.version(),
        "cross_tabulations": 0,
        "cells": 0,
        "looser": 0,
    }
    said = second_opinion.said(second_opinion.total(found, ["leak"]))
    assert said == f"acro {second_opinion.version()}: 1 cross-tabulations, 2 cells, 1 looser"


def withheld_below(cohorts, pairs, threshold):
    """Stand in for acro: every cell below the threshold is withheld."""
    cells = [
        (name, *cell, cell[-1] < threshold)
        for name, people in cohorts.items()
        for cell in second_opinion._cells(people, pairs)
    ]
    return pd.DataFrame(cells, columns=[*second_opinion.ASKED[:-1], "people", "withheld"])


def test_one_share_of_two_tells_the_other(monkeypatch):
    monkeypatch.setattr(second_opinion, "acro_withholds", withheld_below)
    people, study = few()
    # All but three of a fifth are on oxygen, so the share shows the three as well.
    second = people["deprivation_quintile"] == 2
    people = people.assign(oxygen=second & ~people.index.isin(people.index[second][:3]))
    shown = {"t": shares(people, "2")}
    found = second_opinion.of_published(people, study, shown, disclosure.DEFAULT)
    assert found["tables"]["t"]["looser"] == 1


def test_the_opinion_does_not_tell_which_levels_nobody_has(monkeypatch):
    monkeypatch.setattr(second_opinion, "acro_withholds", withheld_below)
    people, study = few()
    levels = study.columns["smoking"].levels
    nobody = people.assign(smoking=people["smoking"].where(people["smoking"] != levels[-1]))
    one = nobody.assign(smoking=nobody["smoking"].astype(object))
    one.loc[one.index[0], "smoking"] = levels[-1]
    shown = {"t": shares(people, "1", "2").assign(variable="smoking", level=levels[0])}
    asked = [
        second_opinion.of_published(each, study, shown, disclosure.DEFAULT)
        for each in (nobody, one)
    ]
    assert asked[0] == asked[1]
    assert asked[0]["tables"]["t"]["cells"] == 2


@pytest.mark.parametrize(("zero_is_small", "looser"), [(False, 1), (True, 2)])
def test_a_cell_of_nobody_is_looser_only_where_the_profile_withholds_it(
    monkeypatch, zero_is_small, looser
):
    monkeypatch.setattr(second_opinion, "acro_withholds", withheld_below)
    people, study = few()
    shown = {"t": shares(people, "1", "2")}
    numbers = {"threshold": 12, "zero_is_small": zero_is_small}
    profile = disclosure.profile("nhs_england_hes", **numbers)
    found = second_opinion.of_published(people, study, shown, profile)
    # Eleven of the first fifth, and nobody of the second.
    assert found["tables"]["t"]["looser"] == looser


def test_the_library_is_carried_in_where_it_is_asked_for(monkeypatch, tmp_path):
    asked = []

    def gather(folder, say, extras, target):
        asked.append(extras)
        return {"packages": 1, "built": 0, "bytes": 1}

    monkeypatch.setattr(wheelhouse, "gather", gather)
    for options in ((), ("--second-opinion",), ("--site",), ("--site", "--second-opinion")):
        run = CliRunner().invoke(app, ["wheelhouse", str(tmp_path / "new"), *options])
        assert run.exit_code == 0, run.output
    carried = ["acro" in wheelhouse.needed(extras) for extras in asked]
    assert carried == [False, True, True, True]


def test_deaths_of_a_model_are_not_taken_for_those_of_its_group(monkeypatch):
    monkeypatch.setattr(second_opinion, "acro_withholds", withheld_below)
    people, study = few()
    people = people.assign(outcome="died")
    second = people.index[people["deprivation_quintile"] == 2]
    people.loc[second[3:], "outcome"] = "censored"
    row = {"group_by": ["deprivation_quintile"], "group": ["2"], "deaths": [100]}
    shown = {
        "of_model": pd.DataFrame(row | {"reference": ["1"], "model": [""]}),
        "of_group": pd.DataFrame(row | {"reference": [""], "model": [""]}),
    }
    found = second_opinion.of_published(people, study, shown, disclosure.DEFAULT)
    assert found["tables"]["of_group"]["looser"] == 1
    assert "of_model" not in found["tables"]


def test_where_the_library_is_absent_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(second_opinion, "LIBRARY", "no_such_library")
    people, study = few()
    found = second_opinion.of_published(
        people, study, {"t": shares(people, "1")}, disclosure.DEFAULT
    )
    assert (found["version"], found["tables"]) == ("", {})
    assert "not installed" in second_opinion.said(second_opinion.total(found))


def test_the_gate_counts_cells_of_nobody_and_those_who_have_both():
    people = pd.DataFrame(
        {
            "sex": ["female"] * 40 + ["male"] * 60 + [None],
            "smoking": ["ex"] * 20 + ["never"] * 80 + ["ex"],
        }
    )
    answer = second_opinion.gate_withholds({"c": people}, [("sex", "smoking")])
    told = answer.set_index(["group", "level"])["withheld"].to_dict()
    # Nobody is a man who smoked: withheld, and so is a second cell of its row and of its column.
    assert told[("male", "ex")]
    assert len(told) == 4


@pytest.mark.parametrize("ends", ["exit 3", "exec sleep 60"])
def test_a_library_that_cannot_be_run_is_said_in_a_sentence(tmp_path, monkeypatch, ends):
    monkeypatch.setattr(second_opinion, "PATIENCE", 0.5)
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\n{ends}\n")
    broken.chmod(0o755)
    people = pd.DataFrame({"sex": ["f"] * 3, "stage": ["I"] * 3})
    with pytest.raises(Problem, match="could not be run for a second opinion"):
        second_opinion.acro_withholds({"c": people}, [("sex", "stage")], python=str(broken))


def test_a_stricter_profile_withholds_no_less():
    people = described()
    few = second_opinion.gate_withholds({"c": people}, PAIRS[:2])
    strict = disclosure.profile("minimum_10", threshold=100)
    more = second_opinion.gate_withholds({"c": people}, PAIRS[:2], strict)
    assert (more["withheld"] | ~few["withheld"]).all()
    assert more["withheld"].sum() > few["withheld"].sum()
