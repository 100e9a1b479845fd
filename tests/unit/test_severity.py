"""The models of severity against R, on invented people, and on synthetic people with a truth.

R's answers are of R 4.2.2 with MASS, sandwich, lmtest and quantreg; its call stands beside each.
The data are those that statsmodels ships: `fair` (women asked about their marriage, 1974) and
`engel` (Belgian households, 1857), written to CSV and read by R as they are.
"""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from distance_to_care import cohort, synthetic, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import severity

STANDARD_ERRORS = 4
HELD = ("age_years", "sex", "smoking")


# --------------------------------------------------------------------------------- against R


@pytest.fixture(scope="module")
def fair() -> pd.DataFrame:
    """R: d <- read.csv("fair.csv"); d$g <- relevel(factor(d$religious), "4"); sum(d) below."""
    data = sm.datasets.fair.load_pandas().data
    assert data.sum().sum() == pytest.approx(434253.4101715, abs=1e-6)
    return data.assign(
        religious=data["religious"].astype(int),
        rate_marriage=data["rate_marriage"].astype(int),
        affair=data["affairs"] > 0,
    )


@pytest.fixture(scope="module")
def engel() -> pd.DataFrame:
    """R: data(engel); g <- findInterval(income, quantile(income, 1:4 / 5), left.open = TRUE)."""
    data = sm.datasets.engel.load_pandas().data
    fifth = np.searchsorted(data["income"].quantile([0.2, 0.4, 0.6, 0.8]), data["income"]) + 1
    return data.assign(fifth=fifth)


def agrees(found: pd.DataFrame, estimates: list, errors: list, tight=1e-6, rough=1e-4):
    assert found["estimate"].to_numpy() == pytest.approx(estimates, rel=tight)
    assert found["standard_error"].to_numpy() == pytest.approx(errors, rel=rough)


def test_linear_agrees_with_r_and_not_with_classical_errors(fair):
    found = severity.linear(
        fair, "educ", "religious", reference=4, adjust=("age", "yrs_married"), unit="years"
    ).set_index("level")
    # coeftest(m <- lm(educ ~ g + age + yrs_married), vcov = vcovHC(m, type = "HC3"))
    agrees(
        found.loc[["1", "2", "3"]],
        [-0.366721650545, -0.761346247659, -0.594439395576],
        [0.1132361181671, 0.0995888753243, 0.0997435441325],
        rough=1e-9,
    )
    # coefci(m, vcov = vcovHC(m, type = "HC3")), first row
    most = found.loc["1"]
    assert most["ci_low"] == pytest.approx(-0.588702608720, rel=1e-9)
    assert most["ci_high"] == pytest.approx(-0.144740692370, rel=1e-9)
    assert most["p_value"] == pytest.approx(1.20752769560e-03, rel=1e-6)
    # summary(m): lm's own errors are a tenth smaller, which these must not be.
    assert most["standard_error"] / 0.1042293707563 > 1.05


def test_linear_of_yes_and_no_is_a_difference_of_shares_in_points(fair):
    found = severity.linear(fair, "affair", "religious", reference=4, adjust=("age",))
    # coeftest(m <- lm(as.integer(affairs > 0) ~ g + age), vcov = vcovHC(m, type = "HC3"))
    agrees(
        found.set_index("level").loc[["1", "2", "3"]],
        [25.7852645339, 20.9022038298, 12.9112085036],
        [2.12818553439, 1.79668932923, 1.75038448245],
        rough=1e-9,
    )
    assert found["unit"].unique().tolist() == ["percentage points"]


def test_log_linear_agrees_with_r(fair):
    found = severity.log_linear(
        fair, "yrs_married", "religious", reference=4, adjust=("educ",), unit="years"
    ).set_index("level")
    # coeftest(m <- lm(log1p(yrs_married) ~ g + educ), vcov = vcovHC(m, type = "HC3"))
    agrees(
        found.loc[["1", "2", "3"]],
        np.exp([-0.355506725308, -0.258220022383, -0.180697120846]),
        [0.0401179988105, 0.0367751780079, 0.0366686412276],
        rough=1e-9,
    )
    assert found.loc["1", "unit"] == "ratio"


def test_median_agrees_with_r_and_not_with_one_density_for_all(engel):
    found = severity.median(engel, "foodexp", "fifth", adjust=("income",))
    # summary(rq(foodexp ~ factor(g) + income, tau = 0.5), se = "ker")
    agrees(
        found,
        [32.553849238476, 81.343446070215, 120.411101127538, 104.261589454416],
        [32.119960598905, 56.813358123486, 82.685248849971, 145.990526101359],
        tight=2e-4,
        rough=1e-3,
    )
    # statsmodels' own errors take the spread to be the same in every fifth of income.
    matrix = sm.add_constant(pd.get_dummies(engel["fifth"], dtype=float).iloc[:, 1:])
    own = sm.QuantReg(engel["foodexp"], matrix.assign(income=engel["income"])).fit(q=0.5).bse
    assert own.iloc[4] < 0.5 * found["standard_error"].iloc[-1]


def test_ordinal_agrees_with_r(fair):
    found = severity.ordinal(fair, "rate_marriage", "religious", reference=4, adjust=("age",))
    # coef(summary(MASS::polr(factor(rate_marriage) ~ g + age, control = list(reltol = 1e-15))))
    agrees(
        found.set_index("level").loc[["1", "2", "3"]],
        np.exp([-0.722368901523, -0.818181573317, -0.548239260201]),
        [0.0972043329233, 0.0865056352559, 0.0856794569236],
    )


def test_logistic_agrees_with_r(fair):
    found = severity.logistic(fair, "affair", "religious", reference=4, adjust=("age",))
    # coef(summary(glm(affairs > 0 ~ g + age, binomial, control = list(epsilon = 1e-14))))
    agrees(
        found.set_index("level").loc[["1", "2", "3"]],
        np.exp([1.326773251745, 1.107883114381, 0.729071721129]),
        [0.122927252129, 0.112786196165, 0.112543970785],
        rough=1e-8,
    )
    low = np.exp(1.326773251745 - 1.959963984540054 * 0.122927252129)
    assert found.set_index("level").loc["1", "ci_low"] == pytest.approx(low, rel=1e-8)


# ------------------------------------------------------------------------------ invented people


def invented(people: int = 400) -> pd.DataFrame:
    """Five fifths of equal size; group 1 has the most of everything. No chance in it but ties."""
    fifth = np.arange(people) % 5 + 1
    turn = np.arange(people) // 5
    return pd.DataFrame(
        {
            "fifth": pd.array(fifth, dtype="Int64"),
            "points": (5.0 - fifth) * 3 + turn % 7,
            "stage": np.array(["I", "II", "III"])[(turn + 5 - fifth) % 9 // 3],
            "ill": (turn * 3 + fifth) % 8 < 6 - fifth,
            "months": (turn * 5 + (5 - fifth) * 4) % 23,
            "age": 60.0 + turn % 13,
        }
    )


def test_every_other_group_is_compared_with_the_reference_and_the_far_end_is_named():
    found = severity.linear(invented(), "points", "fifth", reference=5).set_index("level")
    assert found["estimate"].to_dict() == pytest.approx({"4": 3, "3": 6, "2": 9, "1": 12})
    assert found.loc["1", "estimand"] == "difference.points.fifth"
    assert (found.drop("1")["estimand"] == "").all()
    assert (found["reference"] == "5").all()
    other_way = severity.linear(invented(), "points", "fifth", reference=1).set_index("level")
    assert other_way.loc["5", "estimate"] == pytest.approx(-12)
    assert other_way.loc["5", "estimand"] == "difference.points.fifth"
    between = severity.linear(invented(), "points", "fifth", reference=3).set_index("level")
    assert between["estimate"].to_dict() == pytest.approx({"1": 6, "2": 3, "4": -3, "5": -6})
    assert between.loc["5", "estimand"] == "difference.points.fifth"


def test_the_gradient_points_from_the_reference_to_the_other_end():
    slope, ratio = severity.gradient(invented(), "points", "fifth", 5).to_dict("records")
    # Five points of a straight line at ridits 0.1 to 0.9, 3 points apart: 15 from end to end.
    assert slope["estimate"] == pytest.approx(15)
    assert slope["level"], slope["reference"] == ("1", "5")
    assert slope["estimand"] == "slope_index.points.fifth"
    assert ratio["estimate"] > 1
    back = severity.gradient(invented(), "points", "fifth", 1).to_dict("records")
    assert back[0]["estimate"] == pytest.approx(-15)
    assert back[1]["estimate"] == pytest.approx(1 / ratio["estimate"])
    shares = severity.gradient(invented(), "ill", "fifth", 5).iloc[0]
    own = invented().groupby("fifth")["ill"].mean()
    assert 100 * (own[1] - own[5]) < shares["estimate"] < 150 * (own[1] - own[5])
    assert shares["unit"] == "percentage points"


def test_people_are_those_of_the_group_in_the_model_and_gaps_are_left_out():
    people = invented()
    people.loc[people.index[:50], "points"] = np.nan
    people.loc[people.index[50:60], "age"] = np.nan
    found = severity.linear(people, "points", "fifth", reference=5, adjust=("age",))
    assert found["people"].tolist() == [68] * 4
    assert severity.gradient(people, "points", "fifth", 5, ("age",))["people"].tolist() == [340] * 2


def test_counts_behind_yes_and_no_are_those_of_the_smallest_cell():
    people = invented()
    cells = pd.crosstab(people["fifth"], people["ill"])
    for method in (severity.logistic, severity.linear):
        found = method(people, "ill", "fifth", reference=5).set_index("level")["level_people"]
        assert found["1"] == min(cells.loc[1].min(), cells.loc[5].min())
    found = severity.linear(people, "points", "fifth", reference=5)
    assert found["level_people"].tolist() == [80] * 4


@pytest.mark.parametrize(
    ("method", "outcome", "change", "words"),
    [
        ("linear", "points", {"points": 1.0}, "same value of 'points'"),
        ("linear", "points", {"points": np.nan}, "Nobody has all the columns"),
        ("linear", "stage", {}, "not a number"),
        ("linear", "absent", {}, "no column 'absent'"),
        ("linear", "points", {"fifth": 2}, "one group"),
        ("gradient", "points", {"fifth": 2}, "one group"),
        ("log_linear", "points", {"points": lambda p: p["points"] - 20}, "below 0"),
        ("logistic", "points", {}, "not yes or no"),
        ("logistic", "ill", {"ill": lambda p: p["fifth"] < 3}, "cannot be estimated"),
        ("ordinal", "ill", {}, "two levels"),
        ("ordinal", "stage", {"age": lambda p: p["fifth"].astype(float)}, "cannot be told apart"),
    ],
)
def test_a_model_that_cannot_be_estimated_says_why_and_takes_no_other_with_it(
    method, outcome, change, words
):
    people = invented().assign(**change)
    adjust = ("age",) if outcome == "stage" else ()
    with pytest.raises(AnalysisError, match=words):
        severity.METHODS[method](people, outcome, "fifth", adjust=adjust)
    plan = [(method, outcome, adjust), ("linear", "months", ())]
    if "fifth" in change:
        return
    found = severity.models(people, "fifth", plan, reference=5)
    failed, rest = found[found["variable"] == outcome], found[found["variable"] == "months"]
    assert failed["estimate"].isna().all()
    assert failed["note"].str.contains(words).all()
    assert failed["estimand"].str.endswith(f"{outcome}.fifth").all()
    assert rest["estimate"].notna().all()
    assert len(rest) == 4


def test_one_person_in_a_group_is_too_few_and_an_empty_reference_is_named():
    lonely = invented().query("fifth != 1 or index == 5")
    with pytest.raises(AnalysisError, match="too few people"):
        severity.linear(lonely, "points", "fifth", reference=5)
    with pytest.raises(AnalysisError, match="reference group of 'fifth'"):
        severity.linear(invented().query("fifth != 5"), "points", "fifth", reference=5)
    with pytest.raises(AnalysisError, match="too few for the terms"):
        severity.linear(invented(5), "points", "fifth", reference=5)
    with pytest.raises(AnalysisError, match="no method 'guess'"):
        severity.models(invented(), "fifth", [("guess", "points", ())])


def test_messages_hold_no_value_of_a_row():
    people = invented().assign(stage="secret_stage")
    with pytest.raises(AnalysisError) as raised:
        severity.ordinal(people, "stage", "fifth")
    assert "secret_stage" not in str(raised.value)


def test_ordered_levels_keep_their_order():
    people = invented()
    # As text "mild" would sort before "severe" but "none" between them.
    words = people["stage"].map({"I": "none", "II": "mild", "III": "severe"})
    ordered = pd.Categorical(words, categories=["none", "mild", "severe"], ordered=True)
    by_code = severity.ordinal(people, "stage", "fifth", reference=5)
    by_word = severity.ordinal(people.assign(stage=ordered), "stage", "fifth", reference=5)
    pd.testing.assert_frame_equal(by_code, by_word)


# ------------------------------------------------------------------- synthetic people with a truth


@pytest.fixture(scope="module")
def parameters():
    return tables.read_parameters("ipf")


@pytest.fixture(scope="module")
def hundred_thousand(parameters):
    """Two draws that differ in nothing but the effects of deprivation and of distance."""
    study, population = tables.read_study("ipf"), tables.read("population_aged_50_plus")
    return {
        effects: cohort.prepare(
            synthetic.draw(100_000, 20261122, parameters, population, effects=effects), study
        ).assign(
            treated_at_start=lambda people: people["antifibrotic_start_years"].eq(0),
            stage=lambda people: study.score("gap_index").stage(people["gap_index"]),
        )
        for effects in ("published", "none")
    }


def effect(parameters, variable: str) -> float:
    return parameters["variables"][variable]["effects"]["deprivation_steps"]["value"]


def steps(found: pd.DataFrame) -> np.ndarray:
    return 5 - found["level"].astype(int).to_numpy()


def is_found(found: pd.DataFrame, truth: np.ndarray, at_most: float) -> None:
    error = found["standard_error"].to_numpy()
    estimate = found["estimate"].to_numpy()
    estimate = np.log(estimate) if (found["unit"] == "ratio").all() else estimate
    assert (np.abs(estimate - truth) < STANDARD_ERRORS * error).all()
    assert error.max() < at_most


def test_a_built_in_difference_in_means_is_found(hundred_thousand, parameters):
    found = severity.linear(
        hundred_thousand["published"], "age_years", "deprivation_quintile", reference=5
    )
    is_found(found, effect(parameters, "age_years") * steps(found), at_most=0.1)


def test_a_built_in_odds_ratio_is_found(hundred_thousand, parameters):
    # The log odds were made from lung function and deprivation, so those are held equal.
    found = severity.logistic(
        hundred_thousand["published"],
        "oxygen",
        "deprivation_quintile",
        reference=5,
        adjust=("fvc_percent", "dlco_percent"),
    )
    is_found(found, effect(parameters, "oxygen") * steps(found), at_most=0.06)


def test_a_built_in_ratio_of_times_is_found(hundred_thousand, parameters):
    people, months = hundred_thousand["published"], parameters["variables"]["symptom_months"]
    found = severity.log_linear(people, "symptom_months", "deprivation_quintile", reference=5)
    # Months were rounded to whole ones, so log(1 + months) is averaged over the rounded lognormal.
    normal = months["log_sd"]["value"] * np.random.default_rng(1).standard_normal(2_000_000)
    means = {
        step: np.log1p(
            np.round(months["median"]["value"] * np.exp(0.05 * (step - 2) + normal)).clip(0, 600)
        ).mean()
        for step in range(5)
    }
    assert effect(parameters, "symptom_months") == 0.05
    is_found(found, np.array([means[step] - means[0] for step in steps(found)]), at_most=0.02)
    middle = severity.median(people, "symptom_months", "deprivation_quintile", reference=5)
    exposed = middle.set_index("level").loc["1"]
    ends = months["median"]["value"] * np.exp(0.05 * np.array([2, -2]))
    # A median of whole months is whole, and lies at most half a month from the true one.
    assert exposed["estimate"] == pytest.approx(ends[0] - ends[1], abs=1)


def test_a_built_in_odds_ratio_of_a_higher_level_is_found():
    draws = np.random.default_rng(5)
    fifth = draws.integers(1, 6, 20_000)
    latent = 0.1 * (5 - fifth) + draws.logistic(size=fifth.size)
    people = pd.DataFrame({"fifth": fifth, "level": np.searchsorted([-1, 0.5, 2], latent)})
    found = severity.ordinal(people, "level", "fifth", reference=5)
    is_found(found, 0.1 * steps(found), at_most=0.05)


def test_the_parts_of_the_score_move_in_opposite_directions(hundred_thousand):
    people = hundred_thousand["published"].dropna(subset="gap_index")
    parts = {
        name: severity.linear(people, name, "deprivation_quintile", reference=5)
        .set_index("level")
        .loc["1"]
        for name in ("gap_demographic", "gap_physiology", "gap_index")
    }
    younger, sicker, both = (part["estimate"] for part in parts.values())
    assert younger < -STANDARD_ERRORS * parts["gap_demographic"]["standard_error"]
    assert sicker > STANDARD_ERRORS * parts["gap_physiology"]["standard_error"]
    assert both == pytest.approx(younger + sicker)


@pytest.mark.parametrize("exposure", cohort.REFERENCE)
def test_nothing_is_found_where_nothing_was_built_in(hundred_thousand, exposure):
    plan = [
        ("linear", "fvc_percent", HELD),
        ("linear", "dlco_percent", HELD),
        ("linear", "gap_demographic", ()),
        ("ordinal", "stage", ()),
        ("logistic", "oxygen", HELD),
        ("logistic", "treated_at_start", HELD),
        ("log_linear", "symptom_months", HELD),
        ("gradient", "gap_physiology", ()),
        ("gradient", "oxygen", HELD),
    ]
    reference = cohort.REFERENCE[exposure]
    found = severity.models(hundred_thousand["none"], exposure, plan, reference)
    ratios = found["unit"] == "ratio"
    scale = found["estimate"].where(~ratios, np.log(found["estimate"].where(ratios)))
    assert (np.abs(scale / found["standard_error"]) < STANDARD_ERRORS).all()
    # The same people with effects: the same model does find them.
    (gas,) = (
        severity.linear(
            hundred_thousand["published"],
            "dlco_percent",
            exposure,
            reference=reference,
            adjust=HELD,
        )
        .query("estimand != ''")
        .to_dict("records")
    )
    assert gas["estimate"] < -STANDARD_ERRORS * gas["standard_error"]


# ------------------------------------------------------------------------ beside what was built in


def test_an_interval_misses_what_it_does_not_hold():
    beside = pd.DataFrame(
        {
            "built_in": [1.0, 2.0, 3.0, np.nan, 5.0, 6.0],
            "ci_low": [0.5, 2.1, 3.0, 0.0, np.nan, 7.0],
            "ci_high": [1.5, 2.9, 4.0, 1.0, np.nan, 8.0],
        }
    )
    # An end of the interval is in it; without a truth or an interval there is nothing to miss.
    (row,) = severity.missed(beside).to_dict("records")
    assert row["estimate"] == 2
    assert row["note"] == (
        "Of 4 intervals here, 2 miss what was built in; about one in twenty should"
    )
    assert "1 misses what" in severity.missed(beside.head(3))["note"].item()
    nothing = severity.missed(beside.assign(built_in=np.nan))
    assert nothing["estimate"].isna().all()
    assert "no interval can miss it" in nothing["note"].item()
    pd.testing.assert_frame_equal(severity.missed(beside.drop(columns="built_in")), nothing)


def test_the_parts_of_a_score_are_kept_only_where_the_whole_is_known():
    score = types.SimpleNamespace(name="whole", parts=("one", "other"))
    plain = types.SimpleNamespace(name="alone", parts=())
    people = pd.DataFrame(
        {"whole": [3, np.nan], "one": [1, 1], "other": [2, np.nan], "alone": [0, 5]}
    )
    found = severity.parts_with_whole(people, types.SimpleNamespace(scores=(plain, score)))
    assert found["one"].isna().tolist() == found["other"].isna().tolist() == [False, True]
    assert found["alone"].tolist() == [0, 5]
    assert people["one"].tolist() == [1, 1]
