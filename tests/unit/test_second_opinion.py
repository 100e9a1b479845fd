"""A second opinion: whatever acro withholds of a cross-tabulation, the gate withholds too."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import cohort, disclosure, second_opinion
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


def test_a_gate_that_withheld_less_would_be_named(monkeypatch):
    people = pd.DataFrame({"sex": ["f"] * 30 + ["m"] * 7, "stage": "one"})
    cohorts, pairs = {"c": people}, [("sex", "stage")]
    ours = second_opinion.gate_withholds(cohorts, pairs)
    assert ours["withheld"].all()
    theirs = ours.assign(withheld=ours["group"] == "m")
    monkeypatch.setattr(second_opinion, "acro_withholds", lambda *_: theirs)
    assert second_opinion.looser(cohorts, pairs).empty
    monkeypatch.setattr(second_opinion, "gate_withholds", lambda *_: ours.assign(withheld=False))
    named = second_opinion.looser(cohorts, pairs)
    assert named[["group", "level"]].to_numpy().tolist() == [["m", "one"]]


def test_the_gate_counts_cells_of_nobody_and_those_who_have_both():
    people = pd.DataFrame(
        {"sex": ["f"] * 40 + ["m"] * 60 + [None], "stage": ["I"] * 20 + ["II"] * 80 + ["I"]}
    )
    answer = second_opinion.gate_withholds({"c": people}, [("sex", "stage")])
    told = answer.set_index(["group", "level"])["withheld"].to_dict()
    # Nobody is a man of stage I: withheld, and so is a second cell of its row and of its column.
    assert told[("m", "I")]
    assert len(told) == 4


def test_a_missing_library_is_said_in_a_sentence(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    people = pd.DataFrame({"sex": ["f"] * 3, "stage": ["I"] * 3})
    with pytest.raises(Problem, match="acro could not be run"):
        second_opinion.acro_withholds({"c": people}, [("sex", "stage")], python=str(broken))


def test_a_stricter_profile_withholds_no_less():
    people = described()
    few = second_opinion.gate_withholds({"c": people}, PAIRS[:2])
    strict = disclosure.profile("minimum_10", threshold=100)
    more = second_opinion.gate_withholds({"c": people}, PAIRS[:2], strict)
    assert (more["withheld"] | ~few["withheld"]).all()
    assert more["withheld"].sum() > few["withheld"].sum()
