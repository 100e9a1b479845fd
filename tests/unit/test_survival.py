"""The survival functions against R, against a slow obvious twin, and on invented people."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from distance_to_care.problems import Problem
from distance_to_care.statistics import survival

KNOWN = json.loads((Path(__file__).parent / "known_answers.json").read_text())["answers"]


@pytest.fixture(scope="module")
def lung() -> pd.DataFrame:
    """R's lung data in the shape of the contract; time is in days, which no estimator minds."""
    raw = load_lung()
    return pd.DataFrame(
        {
            "follow_up_years": raw["time"].astype(float),
            "outcome": np.where(raw["status"] == 1, "died", "censored"),
            "age": raw["age"],
            "sex": raw["sex"],
            "ph.ecog": raw["ph.ecog"],
        }
    )


def test_the_data_are_those_that_r_used():
    # lifelines codes the status 0 and 1 where R has 1 and 2: one more for each of 228 people.
    raw = load_lung()
    assert raw.select_dtypes("number").sum().sum() + 228 == KNOWN["data.lung"]["value"]["sum"]


@pytest.mark.parametrize(("by", "key"), [(None, ""), ("sex", ".sex")])
def test_kaplan_meier_agrees_with_r(lung, by, key):
    curves = survival.kaplan_meier(lung, by)
    for name, answer in KNOWN[f"km.surv.lung{key}.log-log"]["value"].items():
        group, time = name.removeprefix("sex=").split("@")
        row = curves[(curves["group"] == group) & (curves["time_years"] <= float(time))].iloc[-1]
        assert row["estimate"] == pytest.approx(answer["surv"], abs=1e-12)
        assert row["ci_low"] == pytest.approx(answer["lower"], abs=1e-12)
        assert row["ci_high"] == pytest.approx(answer["upper"], abs=1e-12)
        followed = survival.at_risk(lung, by, [float(time)])
        assert followed.set_index("group").loc[group, "at_risk"] == answer["n.risk"]


def test_summary_agrees_with_r(lung):
    found = survival.summary(lung, "sex", times_years=(365,)).set_index(["measure", "group"])
    for group, answer in KNOWN["km.median.lung.sex.log-log"]["value"].items():
        row = found.loc[("median survival", group.removeprefix("sex="))]
        assert row["people"] == answer["n"]
        assert row["deaths"] == answer["events"]
        assert row["estimate"] == answer["median"]
        assert row["ci_low"] == answer["lower95"]
        assert row["ci_high"] == answer["upper95"]
    at_year = KNOWN["km.surv.lung.sex.log-log"]["value"]["sex=2@365"]
    row = found.loc[("survival", "2")]
    assert row["estimate"] == pytest.approx(at_year["surv"], abs=1e-12)
    assert row["ci_low"] == pytest.approx(at_year["lower"], abs=1e-12)


def test_log_rank_agrees_with_r(lung):
    answer = KNOWN["logrank.lung.sex"]["value"]
    found = survival.log_rank(lung, "sex").iloc[0]
    assert found["estimate"] == pytest.approx(answer["chisq"], rel=1e-12)
    assert found["degrees_of_freedom"] == answer["df"]
    assert found["p_value"] == pytest.approx(answer["p"], rel=1e-9)


def test_cox_agrees_with_r_after_efron_and_not_after_breslow(lung):
    found = survival.cox(lung, ["age", "sex", "ph.ecog"], "as in R").set_index("term")
    efron = KNOWN["cox.lung.efron.tight"]["value"]
    breslow = KNOWN["cox.lung.breslow.tight"]["value"]
    fit = KNOWN["coxfit.lung.efron"]["value"]
    assert (found["people"] == fit["n"]).all()
    assert (found["deaths"] == fit["nevent"]).all()
    for term, answer in efron.items():
        coefficient = np.log(found.loc[term, "estimate"])
        assert coefficient == pytest.approx(answer["coef"], abs=1e-8)
        # The other way with ties lies further off than the tolerance: the test can tell them apart.
        assert abs(coefficient - breslow[term]["coef"]) > 1e-6
        high = answer["coef"] + 1.959963984540054 * answer["se"]
        assert np.log(found.loc[term, "ci_high"]) == pytest.approx(high, abs=1e-7)
        assert found.loc[term, "p_value"] == pytest.approx(answer["p"], rel=1e-5)


def slow_kaplan_meier(times, died):
    """The product over death times, written out."""
    alive, curve = 1.0, {}
    for time in sorted(set(times[died])):
        alive *= 1 - ((times == time) & died).sum() / (times >= time).sum()
        curve[time] = alive
    return curve


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=3, max_size=60))
def test_kaplan_meier_equals_its_slow_twin(rows):
    times = np.array([row[0] for row in rows], float)
    died = np.array([row[1] for row in rows])
    people = pd.DataFrame({"follow_up_years": times, "outcome": np.where(died, "died", "censored")})
    found = survival.kaplan_meier(people).set_index("time_years")["estimate"]
    for time, alive in slow_kaplan_meier(times, died).items():
        assert found.loc[time] == pytest.approx(alive, abs=1e-12)


def test_a_transplant_ends_follow_up_like_censoring(lung):
    transplanted = lung.copy()
    transplanted.loc[transplanted["outcome"] == "censored", "outcome"] = "transplanted"
    as_censored = survival.kaplan_meier(lung)
    pd.testing.assert_frame_equal(survival.kaplan_meier(transplanted), as_censored)
    counted = survival.summary(transplanted).iloc[0]
    assert counted["transplants"] == (lung["outcome"] == "censored").sum()


def test_reversing_the_reference_inverts_the_hazard_ratio(lung):
    one = survival.cox(lung, ["sex"], "m", {"sex": 1}).iloc[0]
    two = survival.cox(lung, ["sex"], "m", {"sex": 2}).iloc[0]
    assert one["estimate"] * two["estimate"] == pytest.approx(1, abs=1e-8)
    assert (one["group"], one["reference"]) == ("2", "1")


def test_people_with_a_missing_term_are_left_out_and_counted_out(lung):
    known = lung["ph.ecog"].notna().sum()
    assert known < len(lung)
    assert survival.cox(lung, ["ph.ecog"], "m").iloc[0]["people"] == known


def test_models_stand_one_after_the_other(lung):
    found = survival.cox_models(lung, "sex", {"unadjusted": (), "with age": ("age",)}, {"sex": 1})
    same = "unadjusted_same_people"
    assert found["model"].tolist() == ["unadjusted", "with age", "with age", same]
    assert found["term"].tolist() == ["sex", "sex", "age", "sex"]


def test_the_unadjusted_ratio_is_also_given_in_the_people_of_the_fullest_model(lung):
    found = survival.cox_models(
        lung, "sex", {"unadjusted": (), "full": ("ph.ecog", "age")}, {"sex": 1}
    )
    people = found.groupby("model")["people"].first()
    assert people["unadjusted"] == len(lung)
    assert people["unadjusted_same_people"] == people["full"] == lung["ph.ecog"].notna().sum()


def test_a_median_that_is_not_reached_is_empty():
    people = pd.DataFrame(
        {"follow_up_years": [1.0, 2, 3, 4], "outcome": ["died"] + ["censored"] * 3}
    )
    found = survival.summary(people, times_years=(2, 9)).set_index(["measure", "time_years"])
    assert np.isnan(found.loc[("median survival", np.nan), "estimate"]).all()
    # Nobody was followed for nine years, so nothing is said of survival at nine years.
    assert np.isnan(found.loc[("survival", 9.0), "estimate"])


def test_a_model_that_cannot_be_estimated_says_so_and_the_others_stand(lung):
    constant = lung.assign(same=1.0)
    found = survival.cox_models(
        constant, "sex", {"unadjusted": (), "impossible": ("same",)}, {"sex": 1}
    ).set_index("model")
    assert np.isnan(found.loc["impossible", "estimate"])
    assert "same value of 'same'" in found.loc["impossible", "note"]
    assert found.loc["unadjusted", "estimate"] > 0


def test_a_group_in_which_nobody_dies_is_not_given_a_ratio(lung):
    few = lung.assign(rare=np.where(lung.index < 3, "yes", "no"))
    few.loc[few.index < 3, "outcome"] = "censored"
    with pytest.raises(Problem, match="cannot be estimated"):
        survival.cox(few, ["rare"], "m")


def test_the_smaller_side_of_each_contrast_is_counted(lung):
    found = survival.cox(lung, ["sex"], "m", {"sex": 1}).iloc[0]
    assert found["level_people"] == min((lung["sex"] == 1).sum(), (lung["sex"] == 2).sum()) == 90
    assert found["level_deaths"] == 53


def test_an_empty_reference_group_is_a_sentence(lung):
    with pytest.raises(Problem, match="Nobody is in the reference group of 'sex'"):
        survival.cox(lung, ["sex"], "m", {"sex": 7})


def test_too_few_deaths_is_a_sentence(lung):
    few = lung.head(40).assign(outcome="censored")
    few.loc[few.index[0], "outcome"] = "died"
    with pytest.raises(Problem, match="too few deaths"):
        survival.cox(few, ["age", "sex"], "small")
