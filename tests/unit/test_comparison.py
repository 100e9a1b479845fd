"""Estimates beside what was published and built in: picked from one row, read in one unit."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care.problems import Problem
from distance_to_care.statistics import comparison

TRUTH = pd.DataFrame(
    {
        "estimand": ["hazard_ratio.joint.exposure.1", "survival.3.all", "survival.3.all"],
        "scenario": ["published effects", "published effects", "no effect"],
        "value": [1.37, 0.62, 0.7],
        "unit": ["ratio", "probability", "probability"],
    }
)
PUBLISHED = pd.DataFrame(
    {
        "id": ["paper_ratio", "paper_survival"],
        "study": ["Somebody 2024", "Somebody 2022"],
        "how_read": ["press", "abstract"],
        "estimate": [1.36, 61.8],
        "ci_low": [np.nan, 58.7],
        "ci_high": [np.nan, 64.9],
        "unit": ["ratio", "per cent"],
    }
)
MODELS = pd.DataFrame(
    {"model": ["joint", "joint"], "level": ["1", "2"], "hazard_ratio": [1.4, 1.1],
     "ci_low": [1.2, 0.9], "ci_high": [1.6, 1.3]}
)  # fmt: skip
SURVIVAL = pd.DataFrame(
    {"group": ["all"], "estimate": [0.6], "ci_low": [0.5], "ci_high": [0.7],
     "unit": ["probability"]}
)  # fmt: skip
ANSWERS = [
    comparison.answer(MODELS, "ratio", "hazard_ratio.joint.exposure.1", "paper_ratio", level=1),
    comparison.answer(SURVIVAL, "alive", "survival.3.all", "paper_survival", group="all"),
    comparison.answer(MODELS, "second fifth", "", level="2"),
]


def test_the_three_columns_stand_side_by_side_in_one_unit():
    found = comparison.beside_truth(ANSWERS, TRUTH, PUBLISHED, "synthetic")
    assert found["measure"].tolist() == ["ratio", "alive", "second fifth"]
    # The percentage of the paper is read as the probability that the cohort gives.
    np.testing.assert_allclose(found["published_estimate"], [1.36, 0.618, np.nan])
    np.testing.assert_allclose(found["built_in"], [1.37, 0.62, np.nan])
    np.testing.assert_allclose(found["estimate"], [1.4, 0.6, 1.1])
    assert found["unit"].tolist() == ["ratio", "probability", "ratio"]
    # The published interval stands with its source, in the unit of the row.
    survival = "Somebody 2022 (abstract), 0.587 to 0.649"
    assert found["source"].tolist() == ["Somebody 2024 (press)", survival, ""]
    assert found["note"].tolist() == ["", "", ""]


@pytest.mark.parametrize(
    ("low", "high", "fragile"),
    [(1.01, 1.64, True), (1.11, 1.73, False), (0.98, 1.7, False), (0.5, 0.97, True),
     (0.5, 0.9, False), (np.nan, np.nan, False)],
)  # fmt: skip
def test_a_published_ratio_with_a_limit_next_to_one_says_so(low, high, fragile):
    paper = PUBLISHED.assign(ci_low=[low, 58.7], ci_high=[high, 64.9])
    found = comparison.beside_truth(ANSWERS, TRUTH, paper, "registry")
    expected = "weak confounding could remove it" if fragile else ""
    assert found["note"].tolist() == [expected, "", ""]
    assert found.loc[0, "source"].endswith(f", {low:.3g} to {high:.3g}") == (low > 0)


def test_nothing_is_built_in_where_people_are_real():
    found = comparison.beside_truth(ANSWERS, TRUTH, PUBLISHED, "registry")
    assert "built_in" not in found
    assert found["published_estimate"].notna().sum() == 2


@pytest.mark.parametrize(
    ("change", "note"),
    [({"suppressed": True}, "withheld: too few people"), ({"note": "No such column."},
     "No such column."), ({"unit": "years"}, "not reached"), ({}, "not estimated")],
)  # fmt: skip
def test_what_was_withheld_stays_withheld_and_says_why(change, note):
    withheld = SURVIVAL.assign(estimate=pd.array([pd.NA], dtype="Float64")).assign(**change)
    row = comparison.answer(withheld, "alive", "survival.3.all", group="all")
    truth = TRUTH.assign(unit=change.get("unit", "probability"))
    found = comparison.beside_truth([row], truth, PUBLISHED, "synthetic")
    assert np.isnan(found.loc[0, "estimate"])
    assert found.loc[0, "built_in"] == 0.62
    assert found.loc[0, "note"] == note


def test_years_are_read_as_months_where_the_estimate_is_in_months():
    row = {"measure": "time lived", "estimand": "restricted_mean", "published": "",
           "estimate": 24.0, "ci_low": 22.0, "ci_high": 26.0, "unit": "months"}  # fmt: skip
    truth = pd.DataFrame(
        {"estimand": ["restricted_mean"], "scenario": ["published effects"], "value": [2.1],
         "unit": ["years"]}
    )  # fmt: skip
    found = comparison.beside_truth([row], truth, PUBLISHED, "synthetic")
    assert found.loc[0, "built_in"] == pytest.approx(25.2)


def test_a_row_that_is_not_there_or_not_alone_is_a_sentence():
    with pytest.raises(Problem, match="2 rows fit"):
        comparison.answer(MODELS, "ratio", "", model="joint")
    for change, sentence in (
        ({"estimand": "survival.4.all"}, "true values must have exactly one row"),
        ({"published": "nothing"}, "published estimates must have exactly one row"),
        ({"unit": "years"}, "the value beside it in"),
    ):
        with pytest.raises(Problem, match=sentence):
            comparison.beside_truth([ANSWERS[1] | change], TRUTH, PUBLISHED, "synthetic")


@pytest.mark.parametrize(("exposed", "against", "sign"), [("5", "1", 1), ("1", "5", -1)])
def test_a_chapter_on_survival_answers_for_both_ends_and_everybody(exposed, against, sign):
    ends, groups = {exposed: "worse fifth", against: "better fifth"}, ["all", "1", "5"]
    summary = pd.DataFrame(
        [{"measure": "survival", "time_years": years, "group": group, "estimate": 1 - years / 10,
          "unit": "probability"} for years in (1.0, 3.0, 5.0) for group in groups]
        + [{"measure": "median survival", "group": group, "estimate": 4.0, "unit": "years"}
           for group in groups]
    )  # fmt: skip
    lost = {
        "measure": "difference in restricted mean survival",
        "model": "unadjusted",
        "group": exposed,
    }
    means = pd.DataFrame(
        [lost | {"time_years": 3.0, "estimate": -2.0}, lost | {"time_years": 5.0, "estimate": -5.0},
         {"measure": "slope of restricted mean survival", "time_years": 5.0, "estimate": -6.0,
          "ci_low": -9.0, "ci_high": -3.5}]
    ).assign(unit="months")  # fmt: skip
    models = pd.DataFrame(
        [{"model": model, "group": exposed, "estimate": 1.3, "unit": "ratio"}
         for model in ("unadjusted", "joint", "unadjusted_same_people")]
    )  # fmt: skip
    papers = {"survival.3.all": "paper_survival"}
    names = {"unadjusted": "Unadjusted", "joint": "Both held equal"}
    rows = comparison.survival_answers(summary, means, models, "reach", ends, names, papers)
    found = pd.DataFrame(rows).set_index("estimand")
    assert len(found) == 9 + 3 + 3 + 2
    assert found.loc["survival.3.all", "published"] == "paper_survival"
    worse, better = f"survival.3.reach.{exposed}", f"survival.1.reach.{against}"
    assert found.loc[worse, "measure"] == "probability of being alive at 3 years, worse fifth"
    assert found.loc[better, "measure"] == "probability of being alive at 1 year, better fifth"
    assert found.loc["restricted_mean_difference.5.reach", "estimate"] == -5
    # The slope is that of the exposed end less the other, whichever of them is level 1.
    slope = found.loc["slope_index.restricted_mean.5.reach"]
    limits = [-9, -3.5] if sign == 1 else [3.5, 9]
    assert slope[["estimate", "ci_low", "ci_high"]].tolist() == [-6 * sign, *limits]
    assert slope["measure"].endswith("5 years, worse end of the ranking less better end")
    joint = found.loc[f"hazard_ratio.joint.reach.{exposed}"]
    assert joint["measure"] == "hazard ratio, worse fifth against better fifth: both held equal"
    assert joint["estimate"] == 1.3
    # The unadjusted ratio in fewer people answers to no truth of everybody.
    assert not found.index.str.contains("same_people").any()
    # The truth is turned with the estimate, and the table says so.
    one = [row for row in rows if row["estimand"].startswith("slope_index")]
    truth = pd.DataFrame(
        {"estimand": ["slope_index.restricted_mean.5.reach"], "scenario": ["published effects"],
         "value": [-0.5], "unit": ["years"]}
    )  # fmt: skip
    beside = comparison.beside_truth(one, truth, PUBLISHED, "synthetic").iloc[0]
    assert beside["built_in"] == pytest.approx(-6 * sign)
    assert beside["note"] == ("" if sign == 1 else comparison.TURNED)
