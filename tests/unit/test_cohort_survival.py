"""The survival functions against R, against a slow obvious twin, and on invented people."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from distance_to_care import cohort, places, results
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival

KNOWN = json.loads((Path(__file__).parent / "known_answers.json").read_text())["answers"]
HEADLINE = json.loads(
    (Path(__file__).parents[1] / "known_answers" / "hazard_ratios.json").read_text()
)


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
    curves = cohort_survival.kaplan_meier(lung, by)
    for name, answer in KNOWN[f"km.surv.lung{key}.log-log"]["value"].items():
        group, time = name.removeprefix("sex=").split("@")
        row = curves[(curves["group"] == group) & (curves["time_years"] <= float(time))].iloc[-1]
        assert row["estimate"] == pytest.approx(answer["surv"], abs=1e-12)
        assert row["ci_low"] == pytest.approx(answer["lower"], abs=1e-12)
        assert row["ci_high"] == pytest.approx(answer["upper"], abs=1e-12)
        followed = cohort_survival.at_risk(lung, by, [float(time)])
        assert followed.set_index("group").loc[group, "at_risk"] == answer["n.risk"]


def test_summary_agrees_with_r(lung):
    found = cohort_survival.summary(lung, "sex", times_years=(365,)).set_index(["measure", "group"])
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
    found = cohort_survival.log_rank(lung, "sex").iloc[0]
    assert found["estimate"] == pytest.approx(answer["chisq"], rel=1e-12)
    assert found["degrees_of_freedom"] == answer["df"]
    assert found["p_value"] == pytest.approx(answer["p"], rel=1e-9)


def test_cox_agrees_with_r_after_efron_and_not_after_breslow(lung):
    found = cohort_survival.cox(lung, ["age", "sex", "ph.ecog"], "as in R").set_index("term")
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
    found = cohort_survival.kaplan_meier(people).set_index("time_years")["estimate"]
    for time, alive in slow_kaplan_meier(times, died).items():
        assert found.loc[time] == pytest.approx(alive, abs=1e-12)


def test_a_transplant_ends_follow_up_like_censoring(lung):
    transplanted = lung.copy()
    transplanted.loc[transplanted["outcome"] == "censored", "outcome"] = "transplanted"
    as_censored = cohort_survival.kaplan_meier(lung)
    pd.testing.assert_frame_equal(cohort_survival.kaplan_meier(transplanted), as_censored)
    counted = cohort_survival.summary(transplanted).iloc[0]
    assert counted["transplants"] == (lung["outcome"] == "censored").sum()


def test_reversing_the_reference_inverts_the_hazard_ratio(lung):
    one = cohort_survival.cox(lung, ["sex"], "m", {"sex": 1}).iloc[0]
    two = cohort_survival.cox(lung, ["sex"], "m", {"sex": 2}).iloc[0]
    assert one["estimate"] * two["estimate"] == pytest.approx(1, abs=1e-8)
    assert (one["group"], one["reference"]) == ("2", "1")


def test_people_with_a_missing_term_are_left_out_and_counted_out(lung):
    known = lung["ph.ecog"].notna().sum()
    assert known < len(lung)
    assert cohort_survival.cox(lung, ["ph.ecog"], "m").iloc[0]["people"] == known


def test_models_stand_one_after_the_other_and_show_the_exposure_only(lung):
    adjustments = {"unadjusted": (), "with age": ("age",)}
    found = cohort_survival.cox_models(lung, "sex", adjustments, {"sex": 1})
    assert found["model"].tolist() == ["unadjusted", "with age", "unadjusted_same_people"]
    assert found["term"].tolist() == ["sex"] * 3


def test_the_unadjusted_ratio_is_also_given_in_the_people_of_the_last_model(lung):
    found = cohort_survival.cox_models(
        lung, "sex", {"unadjusted": (), "full": ("ph.ecog", "age")}, {"sex": 1}
    )
    people = found.groupby("model")["people"].first()
    assert people["unadjusted"] == len(lung)
    assert people["unadjusted_same_people"] == people["full"] == lung["ph.ecog"].notna().sum()
    # The last, however many columns it has, since that is what the row is called after.
    lacking = lung.assign(half=lung["age"].where(lung["age"] > 60))
    models = {"with age": ("age", "half"), "last": ("ph.ecog",)}
    found = cohort_survival.cox_models(lacking, "sex", models, {"sex": 1})
    people = found.groupby("model")["people"].first()
    assert people["with age"] < people["unadjusted_same_people"] == people["last"]


@pytest.fixture(scope="module")
def shipped() -> cohort.Cohort:
    return cohort.load(study="ipf")


@pytest.fixture(scope="module")
def headline(shipped) -> pd.DataFrame:
    models = {exposure: shipped.adjustments(exposure) for exposure in cohort.REFERENCE}
    return cohort_survival.hazard_ratios(shipped.people, models, shipped.references)


def test_the_headline_table_agrees_with_r(headline):
    data = places.ROOT / HEADLINE["data"]
    assert hashlib.sha256(data.read_bytes()).hexdigest() == HEADLINE["sha256"], "R used other data"
    keys = ["model", "exposure", "level"]
    answers = pd.DataFrame(HEADLINE["answers"]).set_index(keys).sort_index()
    found = headline.set_index(keys).sort_index()
    assert len(answers) == 32
    assert found.index.tolist() == answers.index.tolist()
    for column in ("hazard_ratio", "ci_low", "ci_high"):
        np.testing.assert_allclose(found[column], answers[column], rtol=1e-8)
    for column in ("people", "deaths"):
        assert found[column].tolist() == answers[column].tolist()


def test_the_headline_table_leaves_the_waist_with_the_columns_that_were_agreed(headline):
    published = results.prepare(headline, "synthetic", "ipf_hazard_ratios").table
    asked = ["model", "exposure", "level", "reference", "hazard_ratio", "ci_low", "ci_high"]
    assert set(published) == {*asked, "people", "deaths", "suppressed", "kind"}
    assert (published["people"] % 5 == 0).all()
    assert set(published["reference"][published["exposure"] == "distance_quintile"]) == {"1"}


def test_a_ratio_is_withheld_where_the_level_or_its_reference_is_small(headline):
    small = headline.assign(level_deaths=np.where(headline["level"] == "1", 9, 50))
    published = results.prepare(small, "registry", "ipf_hazard_ratios").table
    withheld = published["level"] == "1"
    assert withheld.any()
    assert published.loc[withheld, ["hazard_ratio", "ci_low", "ci_high"]].isna().all().all()
    assert published.loc[~withheld, "hazard_ratio"].notna().all()
    assert published["suppressed"].tolist() == withheld.tolist()


def test_a_median_that_is_not_reached_is_empty():
    people = pd.DataFrame(
        {"follow_up_years": [1.0, 2, 3, 4], "outcome": ["died"] + ["censored"] * 3}
    )
    found = cohort_survival.summary(people, times_years=(2, 9)).set_index(["measure", "time_years"])
    assert np.isnan(found.loc[("median survival", np.nan), "estimate"]).all()
    # Nobody was followed for nine years, so nothing is said of survival at nine years.
    assert np.isnan(found.loc[("survival", 9.0), "estimate"])


def test_a_model_that_cannot_be_estimated_says_so_and_the_others_stand(lung):
    constant = lung.assign(same=1.0)
    found = cohort_survival.cox_models(
        constant, "sex", {"unadjusted": (), "impossible": ("same",)}, {"sex": 1}
    ).set_index("model")
    assert np.isnan(found.loc["impossible", "estimate"])
    assert "same value of 'same'" in found.loc["impossible", "note"]
    assert found.loc["unadjusted", "estimate"] > 0


def test_a_group_in_which_nobody_dies_is_not_given_a_ratio(lung):
    few = lung.assign(rare=np.where(lung.index < 3, "yes", "no"))
    few.loc[few.index < 3, "outcome"] = "censored"
    with pytest.raises(Problem, match="cannot be estimated"):
        cohort_survival.cox(few, ["rare"], "m")


def test_the_smaller_side_of_each_contrast_is_counted(lung):
    found = cohort_survival.cox(lung, ["sex"], "m", {"sex": 1}).iloc[0]
    assert found["level_people"] == min((lung["sex"] == 1).sum(), (lung["sex"] == 2).sum()) == 90
    assert found["level_deaths"] == 53


def test_an_empty_reference_group_is_a_sentence(lung):
    with pytest.raises(Problem, match="Nobody is in the reference group of 'sex'"):
        cohort_survival.cox(lung, ["sex"], "m", {"sex": 7})


def test_too_few_deaths_is_a_sentence(lung):
    few = lung.head(40).assign(outcome="censored")
    few.loc[few.index[0], "outcome"] = "died"
    with pytest.raises(Problem, match="too few deaths"):
        cohort_survival.cox(few, ["age", "sex"], "small")


# --- What the chapters ask, against R ------------------------------------------------------------

CHAPTERS = json.loads(
    (Path(__file__).parents[1] / "known_answers" / "survival_chapters.json").read_text()
)["answers"]
PLAIN, WITH_AGE = {"unadjusted": ()}, {"with age": ("age",)}
REFERENCE = {"ecog": 0, "sex": 1}


@pytest.fixture(scope="module")
def walkers() -> pd.DataFrame:
    """The lung data in years; performance 0, 1 or 2 is the exposure, ordered from good to bad."""
    raw = load_lung()
    raw = raw[raw["ph.ecog"] < 3]
    return pd.DataFrame(
        {
            "follow_up_years": raw["time"] / 365.25,
            "outcome": np.where(raw["status"] == 1, "died", "censored"),
            "ecog": raw["ph.ecog"].astype(int),
            "age": raw["age"],
            "sex": raw["sex"],
            "inst": raw["inst"],
        }
    )


def one(table: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_trend_test_agrees_with_r(walkers):
    row = one(cohort_survival.log_rank(walkers, "ecog"), measure="log-rank test for trend")
    assert row["estimate"] == pytest.approx(CHAPTERS["trend"][0], rel=1e-9)
    assert row["degrees_of_freedom"] == 1


def test_the_test_of_proportional_hazards_agrees_with_r(walkers):
    found = cohort_survival.proportional_hazards(walkers, "ecog", WITH_AGE, REFERENCE)
    assert found["term"].tolist() == ["ecog", "age", "GLOBAL"]
    for term in ("ecog", "age", "GLOBAL"):
        row, answer = one(found, term=term), CHAPTERS[f"zph.{term}"]
        assert row["estimate"] == pytest.approx(answer[0], rel=1e-6)
        assert row["degrees_of_freedom"] == answer[1]
        assert row["p_value"] == pytest.approx(answer[2], rel=1e-6)


def test_restricted_means_are_months_and_agree_with_r(walkers):
    found = cohort_survival.restricted_means(walkers, "ecog", PLAIN, REFERENCE, [2])
    for measure, group, name in (
        ("restricted mean survival", "1", "mean.1"),
        ("difference in restricted mean survival", "1", "difference.1"),
        ("slope of restricted mean survival", "all", "slope"),
    ):
        row = one(found, measure=measure, group=group)
        assert [row["estimate"], row["standard_error"]] == pytest.approx(CHAPTERS[name], rel=1e-6)
        assert row["unit"] == "months"
    # R subtracts the reference from the group, and so does the table: less time, a minus.
    assert one(found, measure="difference in restricted mean survival", group="2")["estimate"] < 0


def test_an_adjusted_difference_of_restricted_means_is_another_than_the_plain_one(walkers):
    both = cohort_survival.restricted_means(walkers, "ecog", PLAIN | WITH_AGE, REFERENCE, [2])
    both = both[(both["measure"] == "difference in restricted mean survival")]
    plain, adjusted = (one(both, model=model, group="2") for model in ("unadjusted", "with age"))
    assert plain["estimate"] != pytest.approx(adjusted["estimate"], rel=1e-3)
    assert adjusted["estimate"] == pytest.approx(plain["estimate"], rel=0.2)
    assert adjusted["ci_low"] < adjusted["estimate"] < adjusted["ci_high"]


def test_hazard_ratios_by_period_agree_with_r(walkers):
    found = cohort_survival.hazard_ratios_by_period(walkers, "ecog", WITH_AGE, REFERENCE, [1])
    assert set(found["level"]) == {"0 to 1 years", "1 years and later"}
    rows = [one(found, group="2", level=level) for level in sorted(set(found["level"]))]
    answer = CHAPTERS["period.2"]
    assert [row["estimate"] for row in rows] == pytest.approx(answer[:2], rel=1e-6)
    assert [row["standard_error"] for row in rows] == pytest.approx(answer[2:], rel=1e-4)
    # People and deaths are those of the period.
    late = walkers["follow_up_years"] > 1
    assert rows[1]["people"] == late.sum()
    assert rows[0]["deaths"] + rows[1]["deaths"] == (walkers["outcome"] == "died").sum()
    assert rows[1]["deaths"] == ((walkers["outcome"] == "died") & late).sum()


def test_clustered_errors_agree_with_r_and_leave_the_ratio(walkers):
    found = cohort_survival.clustered(walkers, "ecog", WITH_AGE, REFERENCE, "inst")
    usual = one(found, group="2", method="usual errors")
    robust = one(found, group="2", method="errors clustered by inst")
    answer = CHAPTERS["cluster.2"]
    assert robust["estimate"] == usual["estimate"] == pytest.approx(answer[0], rel=1e-6)
    assert robust["standard_error"] == pytest.approx(answer[1], rel=1e-4)
    assert usual["standard_error"] != pytest.approx(answer[1], rel=1e-2)
    clusters = one(found, measure="clusters")
    assert clusters["estimate"] == walkers["inst"].nunique() == 18
    assert found["measure"].tolist().count("hazard ratio") == len(found) - 1
    none = cohort_survival.clustered(walkers, "ecog", WITH_AGE, REFERENCE, "no such column")
    assert one(none, measure="clusters")["estimate"] == 0
    # One person's institution is not known.
    assert robust["people"] == walkers["inst"].notna().sum() == len(walkers) - 1


def test_the_spline_agrees_with_r(walkers):
    columns = {"age": "own", "nearest": "nearest"}
    found = cohort_survival.splines(walkers, columns, ("sex",), REFERENCE, 60)
    row, (ratio, error) = one(found, term="age", value=70.0), CHAPTERS["spline.70"]
    assert row["estimate"] == pytest.approx(ratio, rel=1e-6)
    assert np.log(row["ci_high"] / row["estimate"]) / 1.959963985 == pytest.approx(error, rel=1e-4)
    assert one(found, term="age", value=60.0)["estimate"] == pytest.approx(1, abs=1e-12)
    bent = one(found, term="age", measure="test of non-linearity")
    assert bent["estimate"] == pytest.approx(CHAPTERS["bent"][0], rel=1e-5)
    assert bent["degrees_of_freedom"] == 2


def test_forms_of_distance_agree_with_r_and_say_which_are_not_there(walkers):
    columns = ["age", "nearest"]
    found = cohort_survival.distance_forms(walkers, columns, {"with sex": ("sex",)}, REFERENCE)
    row = one(found, term="age", group="per 10")
    interval = [row["estimate"], row["ci_low"], row["ci_high"]]
    assert interval == pytest.approx(CHAPTERS["per10"], rel=1e-6)
    fifths = cohort.quintile(walkers["age"])
    ready = walkers.assign(age=fifths)
    direct = cohort_survival.cox(ready, ["age", "sex"], "m", {"age": 1, "sex": 1})
    assert one(found, term="age", group="5")["estimate"] == pytest.approx(
        one(direct, term="age", group="5")["estimate"], rel=1e-9
    )
    absent = found[found["term"] == "nearest"]
    assert absent["group"].tolist() == ["2", "3", "4", "5", "per 10"]
    assert absent["estimate"].isna().all()
    assert (absent["note"] == "These people have no 'nearest'.").all()


def test_who_attends_the_nearest_place_is_counted_among_those_with_both_distances():
    people = pd.DataFrame({"far": [1.0, 5.04, 9, np.nan, 3], "near": [1.0, 5.0, 4, 2, 3]})
    row = cohort_survival.attended_nearest(people, "far", "near").iloc[0]
    assert (row["people"], row["estimate"], row["unit"]) == (4, 75, "per cent")
    absent = cohort_survival.attended_nearest(people, "far", "nearest").iloc[0]
    # Nothing is withheld where nothing is known.
    assert pd.isna(absent["people"])
    assert np.isnan(absent["estimate"])


def test_what_cannot_be_estimated_has_a_row_and_a_reason(walkers):
    short = walkers.assign(follow_up_years=walkers["follow_up_years"].clip(upper=1.5))
    short.loc[short["follow_up_years"] == 1.5, "outcome"] = "censored"
    found = cohort_survival.restricted_means(short, "ecog", PLAIN | WITH_AGE, REFERENCE, [1, 2])
    early, late = (found[found["time_years"] == years] for years in (1, 2))
    assert early["estimate"].notna().all()
    assert len(late) == len(early)
    assert late["estimate"].isna().all()
    assert late["note"].str.contains("Follow-up").all()
    never = cohort_survival.restricted_means(walkers, "ecog", PLAIN, REFERENCE, [9])
    assert len(never) == 4 + 2 + 1
    # Of the last group everybody died in the end, so its mean is known; the others are not.
    assert never.loc[never["estimate"].notna(), ["measure", "group"]].to_numpy().tolist() == [
        ["restricted mean survival", "2"]
    ]


def test_a_group_that_a_model_loses_keeps_its_row(walkers):
    lost = walkers.assign(age=walkers["age"].mask(walkers["ecog"] == 2))
    found = cohort_survival.cox_models(lost, "ecog", PLAIN | WITH_AGE, REFERENCE)
    row = one(found, model="with age", group="2")
    assert np.isnan(row["estimate"])
    assert (row["level_people"], row["level_deaths"]) == (0, 0)
