"""Sensitivity analyses: known answers of the papers, the identities behind them, and recovery."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import sensitivity, survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

NOTHING = (np.nan, np.nan)


# --- people of 100 ------------------------------------------------------------------------------


def test_absolute_survival_is_a_power_of_the_survival():
    table = sensitivity.absolute_survival(0.64, 1.5, 1.0, 2.0, others=[0.81]).set_index("group")
    assert table["estimate"].to_dict() == pytest.approx(
        {"reference": 64, "exposed": 51.2, "fewer": 12.8}
    )
    assert tuple(table.loc["exposed", ["ci_low", "ci_high"]]) == pytest.approx((40.96, 64))
    assert tuple(table.loc["fewer", ["ci_low", "ci_high"]]) == pytest.approx((0, 23.04))
    assert tuple(table.loc["fewer", ["low", "high"]]) == pytest.approx((8.1, 12.8))
    assert tuple(table.loc["exposed", ["low", "high"]]) == pytest.approx((51.2, 72.9))
    assert table.loc["reference", "ci_low":"ci_high"].isna().all()


def test_a_ratio_below_one_leaves_more_alive():
    table = sensitivity.absolute_survival(0.25, 0.5, 0.4, 1.5).set_index("group")
    assert list(table.index) == ["reference", "exposed", "more"]
    assert table.loc["more", "estimate"] == pytest.approx(25)
    assert table.loc["more", "ci_low"] == pytest.approx(-12.5)  # more may be fewer
    assert table.loc["more", "ci_high"] == pytest.approx(100 * (0.25**0.4 - 0.25))


def test_the_anchor_in_people_of_100():
    """11 of 100, 3 to 18: worked out by hand from 61.8 per cent and 1.39 (1.11 to 1.73)."""
    fewer = sensitivity.absolute_survival(0.618, 1.39, 1.11, 1.73).iloc[2]
    assert (fewer["estimate"], fewer["ci_low"], fewer["ci_high"]) == pytest.approx(
        (10.576, 3.187, 18.308), abs=5e-4
    )


# --- E-values -----------------------------------------------------------------------------------


# R 4.2.2, the formulas of VanderWeele & Ding 2017 (those of the package EValue, evalues.HR):
# rr <- function(h) (1 - .5^sqrt(h)) / (1 - .5^sqrt(1 / h))
# e <- function(r) {r <- ifelse(r < 1, 1 / r, r); r + sqrt(r * (r - 1))}
# e(rr(c(1.39, 1.11))); e(c(1.39, 1.11)); ...
@pytest.mark.parametrize(
    ("ratios", "common", "expected"),
    [
        ((1.39, 1.11, 1.73), True, (1.82315724, 1.35896859)),
        ((1.39, 1.11, 1.73), False, (2.12627441, 1.45942810)),
        ((1.29, 1.01, 1.64), True, (1.67255638, 1.09040006)),
        ((1.29, 1.01, 1.64), False, (1.90163715, 1.11049876)),
        # the example of EValue's documentation: evalues.HR(0.56, 0.46, 0.69, rare = FALSE)
        ((0.56, 0.46, 0.69), True, (2.34953126, 1.90800394)),
        # of the paper: smoking and lung cancer; not breastfeeding and infant death
        ((10.73, 8.02, 14.36), False, (20.9477737, 15.5233592)),
        ((3.9, 1.8, 8.7), False, (7.26303434, 3.0)),
        # the same ratio with the groups turned round
        ((1 / 3.9, 1 / 8.7, 1 / 1.8), False, (7.26303434, 3.0)),
        # an interval that holds 1 needs no cause
        ((1.1, 0.9, 1.34), True, (1.33838193, 1.0)),
    ],
)
def test_e_values_of_the_papers(ratios, common, expected):
    row = sensitivity.e_value(*ratios, common_outcome=common).iloc[0]
    assert (row["e_value"], row["e_value_limit"]) == pytest.approx(expected, rel=1e-8)


def test_e_value_without_an_interval_says_nothing_of_the_limit():
    row = sensitivity.e_value(1.36).iloc[0]
    assert row["e_value"] == pytest.approx(1.77906857, rel=1e-8)  # R: e(rr(1.36))
    assert np.isnan(row["e_value_limit"])


def test_a_common_outcome_brings_the_ratio_nearer_to_one():
    # The formula printed by VanderWeele & Ding, worked out by hand for a ratio of 4: roots 2, 1/2.
    row = sensitivity.e_value(4.0).iloc[0]
    assert row["risk_ratio"] == pytest.approx(0.75 / (1 - np.sqrt(0.5)))
    turned = sensitivity.e_value(0.25).iloc[0]
    assert turned["risk_ratio"] == pytest.approx(1 / row["risk_ratio"])
    assert turned["e_value"] == pytest.approx(row["e_value"])


def test_a_cause_as_strong_as_the_e_value_just_removes_the_ratio():
    row = sensitivity.e_value(1.39, 1.11, 1.73).iloc[0]
    strengths = [row["e_value"], row["e_value_limit"]]
    left = sensitivity.bounded(1.39, 1.11, 1.73, strengths, strengths)
    both = left[left["exposure_ratio"] == left["outcome_ratio"]]
    assert both["risk_ratio"].iloc[0] == pytest.approx(1)
    assert both["ci_low"].iloc[1] == pytest.approx(1)
    assert (left["bounding_factor"] >= 1).all()


def test_the_bounding_factor_of_the_paper():
    # Ding & VanderWeele 2016: ratios of 2 and 2 bound at 4/3; one of 1 moves nothing.
    table = sensitivity.bounded(2.0, *NOTHING, [1, 2], [2], common_outcome=False)
    assert list(table["bounding_factor"]) == pytest.approx([1, 4 / 3])
    assert list(table["risk_ratio"]) == pytest.approx([2, 1.5])


# --- a cause of stated strength -----------------------------------------------------------------


def test_the_array_approach():
    # Schneeweiss 2006: observed ratio 1.57; cause with ratio 2 in 50% and 20%: 1.57 x 1.2 / 1.5.
    row = sensitivity.adjusted_for_confounder(1.57, *NOTHING, [0.5], [0.2], [2.0]).iloc[0]
    assert row["bias"] == pytest.approx(1.25)
    assert row["hazard_ratio"] == pytest.approx(1.256)
    table = sensitivity.adjusted_for_confounder(1.39, 1.11, 1.73, [0.2, 0.4], [0.2], [1, 2, 3])
    assert len(table) == 6
    same = table[(table["prevalence_exposed"] == 0.2) | (table["confounder_hazard_ratio"] == 1)]
    assert np.allclose(same[["hazard_ratio", "ci_low", "ci_high"]], [1.39, 1.11, 1.73])


def test_the_confounder_needed_removes_the_ratio_and_its_limit():
    row = sensitivity.confounder_needed(1.29, 1.01, 1.64, 0.4, 0.2).iloc[0]
    strengths = row[["confounder_hazard_ratio", "confounder_hazard_ratio_limit"]]
    table = sensitivity.adjusted_for_confounder(1.29, 1.01, 1.64, [0.4], [0.2], list(strengths))
    assert table["hazard_ratio"].iloc[0] == pytest.approx(1)
    assert table["ci_low"].iloc[1] == pytest.approx(1)
    # By hand: 1 + 0.29 / (0.4 - 0.258), and 1 + 0.01 / (0.4 - 0.202).
    assert list(strengths) == pytest.approx([3.0423, 1.0505], abs=1e-4)


def test_a_cause_too_evenly_spread_removes_nothing():
    row = sensitivity.confounder_needed(1.39, 1.11, 1.73, 0.25, 0.2).iloc[0]
    assert row["confounder_hazard_ratio"] == np.inf
    assert row["confounder_hazard_ratio_limit"] == pytest.approx(1 + 0.11 / (0.25 - 0.222))
    crossing = sensitivity.confounder_needed(1.1, 0.9, 1.3, 0.2, 0.2).iloc[0]
    assert crossing["confounder_hazard_ratio_limit"] == 1
    bare = sensitivity.confounder_needed(1.34, *NOTHING, 0.4, 0.2).iloc[0]
    assert np.isnan(bare["confounder_hazard_ratio_limit"])


def test_a_protective_cause_can_hide_in_the_reference_group():
    row = sensitivity.confounder_needed(1.4, *NOTHING, 0.2, 0.6).iloc[0]
    assert row["confounder_hazard_ratio"] == pytest.approx(0.375)


# --- simulations --------------------------------------------------------------------------------

MANY = 200_000


def fitted(people, covariates=("exposed",), time="follow_up_years", entry=None):
    """Fit the exact engine; return the hazard ratio of the first covariate and its log error."""
    fit = engine.cox(
        people[time].to_numpy(),
        people["died"].to_numpy(),
        people[list(covariates)].to_numpy(float),
        entry=None if entry is None else people[entry].to_numpy(),
    )
    return float(np.exp(fit.coefficients[0])), float(fit.standard_errors[0])


def assert_near(found, truth, errors=3.0):
    """The truth lies within three standard errors, which are small enough to tell."""
    ratio, error = found
    assert error < 0.02
    assert abs(np.log(ratio / truth)) < errors * error, (ratio, truth)


def referral(hazard_ratio=1.0, odds=1.0, severity=1.6, seed=1, people=MANY):
    return sensitivity.simulate_referral(people, seed, hazard_ratio, severity, odds, 0.4, 4.4)


def test_referral_at_random_leaves_a_ratio_as_it_is():
    drawn = referral(hazard_ratio=1.39, severity=1.0)
    assert_near(fitted(drawn), 1.39)
    assert_near(fitted(drawn[drawn["referred"]]), 1.39)


def test_the_stated_share_of_either_group_is_referred():
    for odds in (0.3, 1.0, 4.0):
        share = referral(odds=odds).groupby("exposed")["referred"].mean()
        assert share.to_numpy() == pytest.approx([0.4, 0.4], abs=0.005)


def test_referral_by_severity_makes_a_ratio_of_nothing_and_severity_unmakes_it():
    seen = referral(odds=3.0).query("referred")
    ratio, _ = fitted(seen)
    assert ratio > 1.2
    assert_near(fitted(seen, ["exposed", "severity"]), 1.0)
    # By the mean severity of those referred: ln 1.6 times its difference, drawn a little nearer
    # to 1 because the frail die first.
    shift = seen.groupby("exposed")["severity"].mean()
    assert np.log(ratio) == pytest.approx(np.log(1.6) * (shift[1] - shift[0]), abs=0.04)


def test_referral_of_the_fitter_hides_a_true_ratio():
    seen = referral(hazard_ratio=1.29, odds=0.5).query("referred")
    assert fitted(seen)[0] < 1.12
    assert_near(fitted(seen, ["exposed", "severity"]), 1.29)


def late_entry(hazard_ratio=1.0, wait_exposed=4.0, shape=1.5, seed=1):
    drawn = sensitivity.simulate_late_entry(
        MANY, seed, hazard_ratio, 2.0, wait_exposed, median_years=4.4, shape=shape
    )
    return drawn, drawn[drawn["seen"]]


@pytest.mark.parametrize("truth", [1.0, 1.39])
def test_entry_times_undo_late_entry(truth):
    _, seen = late_entry(truth)
    assert_near(fitted(seen, time="exit_years", entry="entry_years"), truth)
    from_first_visit, error = fitted(seen)
    assert np.log(from_first_visit / truth) > 4 * error  # seen later in the illness
    immortal, error = fitted(seen, time="exit_years")
    assert np.log(immortal / truth) < -10 * error  # the years before the visit cost no lives


def test_who_dies_before_the_first_visit_is_what_the_two_clocks_give():
    # Constant hazard h and mean wait w: h w / (1 + h w) die first; from the visit on, no memory.
    drawn, seen = late_entry(shape=1.0)
    hazard = np.log(2) / 4.4
    missed = 1 - drawn.groupby("exposed")["seen"].mean()
    expected = [hazard * wait / (1 + hazard * wait) for wait in (2.0, 4.0)]
    assert missed.to_numpy() == pytest.approx(expected, abs=0.006)
    assert_near(fitted(seen), 1.0)


def misclassified(**how):
    drawn = sensitivity.simulate_misclassification(MANY, 1, 1.5, 38.8, 4.4, **how)
    ends = drawn[drawn["recorded_fifth"].isin([1, 5])]
    return drawn, fitted(ends.assign(exposed=ends["recorded_fifth"] == 5))


def test_fifths_recorded_without_error_return_the_ratio():
    drawn, found = misclassified()
    assert (drawn["fifth"] == drawn["recorded_fifth"]).all()
    assert drawn["fifth"].value_counts().to_list() == [MANY // 5] * 5
    assert drawn["distance_km"].quantile(0.8) == pytest.approx(38.8, rel=0.01)
    assert_near(found, 1.5)


def test_neighbouring_fifths_mixed_up_draw_the_ratio_towards_one():
    """The furthest recorded fifth holds 1 - p of the true one and p / 2 of the fourth."""
    drawn, found = misclassified(misplaced=0.4)
    moved = drawn["fifth"] != drawn["recorded_fifth"]
    assert moved.mean() == pytest.approx(0.4, abs=0.005)
    assert (drawn["fifth"] - drawn["recorded_fifth"]).abs().max() == 1
    assert drawn["recorded_fifth"].between(1, 5).all()
    hazards = 1.5 ** (np.arange(5) / 4)
    far = (0.6 * hazards[4] + 0.2 * hazards[3]) / 0.8
    near = (0.6 * hazards[0] + 0.2 * hazards[1]) / 0.8
    assert_near(found, far / near)
    assert found[0] < 1.45


def test_a_home_recorded_some_way_off_draws_the_ratio_towards_one():
    drawn, small = misclassified(error_km=2.0)
    assert (drawn["recorded_km"] - drawn["distance_km"]).abs().max() <= 2.0 + 1e-9
    _, large = misclassified(error_km=20.0)
    assert small[0] > 1.45
    assert large[0] < small[0] - 0.05
    assert large[0] > 1


def test_the_same_seed_gives_the_same_people_and_another_seed_others():
    draws = {
        "referral": lambda seed: referral(seed=seed, people=50),
        "late entry": lambda seed: sensitivity.simulate_late_entry(50, seed, 1.2, 2, 3, 4.4, 1.5),
        "fifths": lambda seed: sensitivity.simulate_misclassification(
            50, seed, 1.3, 38.8, 4.4, 0.2, 3.0
        ),
    }
    for draw in draws.values():
        assert draw(3).equals(draw(3))
        assert not draw(3).equals(draw(4))
    # The ratios leave the lots alone, so that draws can be compared.
    assert referral(odds=0.5)["severity"].equals(referral(odds=2.0)["severity"])


# --- tables of what each bias would do ----------------------------------------------------------

FINDINGS = pd.DataFrame(
    {
        "name": ["The firm one", "The bare one", "The fragile one"],
        "estimate": [1.39, 1.36, 1.29],
        "ci_low": [1.11, np.nan, 1.01],
        "ci_high": [1.73, np.nan, 1.64],
    },
    index=["firm", "bare", "fragile"],
)


def selection(hazard_ratios=(1.0,), odds=(0.5, 1.0, 2.0, 4.0)):
    return sensitivity.referral_bias(
        MANY // 2,
        1,
        hazard_ratios,
        odds,
        severity_hazard_ratio=1.6,
        share_referred=0.4,
        median_years=4.4,
    )


def test_the_referral_table_fits_those_who_are_referred():
    table = selection([1.0, 1.39], [3.0])
    assert table["built_in"].to_list() == [1.0, 1.39]
    ratio, error = fitted(referral(1.39, 3.0, people=MANY // 2).query("referred"))
    row = table.iloc[1]
    assert row["estimate"] == pytest.approx(ratio)
    assert np.log(row["ci_high"] / row["ci_low"]) == pytest.approx(2 * 1.959964 * error, rel=1e-5)


def test_the_selection_needed_makes_the_ratio_of_nothing():
    needed = sensitivity.referral_needed(selection(), 1.25, 1.1, 1.42).iloc[0]
    found = selection(odds=needed.to_list())["estimate"]
    # Straight lines between the strengths that were tried, on logarithmic scales.
    assert found.to_list() == pytest.approx([1.25, 1.1], abs=0.02)
    none = sensitivity.referral_needed(selection(), 3.0, 0.9, 10.0).iloc[0]
    assert np.isnan(none["referral_odds_ratio"])
    assert none["referral_odds_ratio_limit"] == pytest.approx(1)


def test_late_entry_is_taken_into_account_as_by_survival_cox():
    table = sensitivity.late_entry_bias(
        MANY, 1, [1.39], 2.0, [2.0], median_years=4.4, shape=1.5
    ).set_index("method")
    assert set(table["scenario"]) == {"the exposed wait 2 times as long as the others"}
    assert table.loc["first-visit", "measure"] == "hazard ratio, counted from the first visit"
    _, seen = late_entry(1.39)
    fit = survival.cox(seen, "exit_years", "died", ["exposed"], entry="entry_years").iloc[0]
    row = table.loc["entry-times"]
    assert tuple(row[["estimate", "ci_low", "ci_high"]]) == pytest.approx(
        tuple(fit[["hazard_ratio", "ci_low", "ci_high"]])
    )
    assert table.loc["always-watched", "estimate"] < 1.39 < table.loc["first-visit", "estimate"]
    drawn, _ = late_entry(1.39)
    unseen = 100 * (1 - drawn.loc[drawn["exposed"] == 1, "seen"].mean())
    assert table.loc["died-unseen", "estimate"] == pytest.approx(unseen)


def test_each_error_of_distance_has_its_rows():
    table = sensitivity.misclassification_bias(
        MANY, 1, [0.0, 0.4], [20.0], hazard_ratio=1.5, furthest_edge_km=38.8, median_years=4.4
    ).set_index(["method", "value"])["estimate"]
    assert table["misplaced", 0.0] == pytest.approx(misclassified()[1][0])
    assert table["misplaced", 0.4] == pytest.approx(misclassified(misplaced=0.4)[1][0])
    assert table["error-km", 20.0] == pytest.approx(misclassified(error_km=20.0)[1][0])
    assert table["misplaced-moved", 0.0] == 0
    assert table["misplaced-moved", 0.4] == pytest.approx(40, abs=0.5)


def test_what_would_remove_each_finding():
    table = sensitivity.removal(FINDINGS, [(0.4, 0.2), (0.25, 0.2)], selection())
    assert len(table) == (2 + 1 + 2) * 5  # no limit without an interval
    rows = table.set_index("estimand")
    needed = rows["estimate"]
    for answer, expected in {
        "e_value": (1.67255638, 1.09040006),
        "e_value_rare": (1.90163715, 1.11049876),
        "cause_40_20": (3.04225352, 1.05050505),
    }.items():
        found = [needed[f"{answer}.fragile.{goal}"] for goal in ("ratio", "limit")]
        assert found == pytest.approx(expected, rel=1e-8)
    assert np.isnan(needed["cause_25_20.firm.ratio"])  # none could
    assert "strong enough" in rows.loc["cause_25_20.firm.ratio", "note"]
    assert rows.loc["cause_25_20.firm.limit", "note"] == ""
    assert "without an interval" in rows.loc["e_value.bare.ratio", "note"]
    assert "e_value.bare.limit" not in rows.index
    assert 1 < needed["referral.fragile.limit"] < 1.1
    alone = sensitivity.removal(FINDINGS, [(0.4, 0.2)], selection(), no_groups=["firm"])
    answers = alone["estimand"].str.split(".", expand=True)
    assert set(answers.loc[answers[1] == "firm", 0]) == {"e_value", "e_value_rare"}
    assert set(answers[0]) == {"e_value", "e_value_rare", "cause_40_20", "referral"}


def test_what_would_remove_a_finding_is_said_in_words():
    table = sensitivity.removal(FINDINGS, [(0.4, 0.2)], selection())
    fragile = table[table["term"] == "The fragile one"]
    words = set(fragile["measure"])
    assert {"E-value, to remove the ratio", "E-value, to reach its lower limit"} <= words
    assert "A cause in 40 against 20 of 100, to remove the ratio" in words
    assert (fragile[["hazard_ratio", "ci_low"]] == (1.29, 1.01)).all(axis=None)
    protective = FINDINGS.assign(estimate=0.7, ci_low=0.5, ci_high=0.9)
    assert sensitivity.removal(protective)["measure"].str.contains("upper limit").any()
    assert not sensitivity.removal(protective)["measure"].str.contains("lower limit").any()


def test_what_remains_after_causes_of_growing_strength():
    table = sensitivity.remaining(FINDINGS, 0.4, 0.2, [1.0, 2.0])
    assert list(table.columns) == ["scenario", "group", "value", "estimate", "ci_low", "ci_high"]
    assert table["scenario"].iloc[1] == "a cause with a hazard ratio of death of 2"
    fragile = table[table["group"] == "fragile"].set_index("value")
    assert tuple(fragile.loc[1.0, ["estimate", "ci_low", "ci_high"]]) == (1.29, 1.01, 1.64)
    assert fragile.loc[2.0, "estimate"] == pytest.approx(1.29 * 1.2 / 1.4)


def test_what_was_simulated_says_which_ratio_was_true():
    late = sensitivity.late_entry_bias(
        2_000, 1, [1.0, 1.39], 2.0, [1.5], median_years=4.4, shape=1.5
    )
    truths = FINDINGS.loc[["firm", "fragile"]]
    rows = sensitivity.gather([selection([1.0, 1.29], [0.5]), late], truths).set_index("estimand")
    assert len(rows) == 2 + 8
    fragile = rows.loc["referred.fragile.0.5"]
    assert fragile["group"] == "true ratio as published for fragile"
    assert fragile["note"].startswith("true ratio published as 1.29 (1.01 to 1.64)")
    assert "weak confounding" in fragile["note"]
    assert "weak confounding" not in rows.loc["first-visit.firm.1.5", "note"]
    assert "1.11 to 1.73" in rows.loc["first-visit.firm.1.5", "note"]
    assert rows.loc["referred.none.0.5", ["group", "note"]].to_list() == ["no true difference", ""]
    # A share of people is no ratio, and no true ratio stands beside it.
    assert rows["built_in"].isna().equals(rows["unit"] != "ratio")


# --- misuse -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sensitivity.e_value(-1.0), "above 0"),
        (lambda: sensitivity.e_value(np.nan), "above 0"),
        (lambda: sensitivity.e_value(1.4, 1.1), "two ends"),
        (lambda: sensitivity.e_value(1.4, 1.5, 1.9), "outside its interval"),
        (lambda: sensitivity.absolute_survival(62, 1.4), "between 0 and 1"),
        (lambda: sensitivity.absolute_survival(0.6, 1.4, others=[57]), "between 0 and 1"),
        (lambda: sensitivity.bounded(0.8, *NOTHING, [2], [2]), "turn the groups"),
        (lambda: sensitivity.confounder_needed(1.4, *NOTHING, 40, 20), "between 0 and 1"),
        (
            lambda: sensitivity.adjusted_for_confounder(1.4, *NOTHING, [0.4], [0.2], [0]),
            "above 0",
        ),
        (lambda: sensitivity.referral_needed(selection(odds=[2.0]), 1.3), "odds ratio of 1"),
        (lambda: sensitivity.simulate_referral(9, 1, 1, 1, 1, 1.0, 4), "both excluded"),
        (lambda: sensitivity.simulate_referral(9, 1, 0, 1, 1, 0.5, 4), "above 0"),
        (lambda: sensitivity.simulate_late_entry(9, 1, 1, 2, -2, 4, 1), "above 0"),
        (
            lambda: sensitivity.simulate_misclassification(9, 1, 1, 38, 4, misplaced=2),
            "between 0 and 1",
        ),
        (
            lambda: sensitivity.simulate_misclassification(9, 1, 1, 38, 4, error_km=-1),
            "0 km or more",
        ),
    ],
)
def test_misuse_is_told_in_a_sentence(call, words):
    with pytest.raises(AnalysisError, match=words):
        call()
