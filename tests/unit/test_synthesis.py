"""Synthesis: R's metafor on public trials, known truth, and what must never be added up."""

import io
import json
import re
import time

import commands
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from distance_to_care import places, synthesis, tables
from distance_to_care.problems import AnalysisError, Problem, Problems

KNOWN = json.loads((places.ROOT / "tests/known_answers/synthesis.json").read_text())
ANSWERS = KNOWN["answers"]
RANDOM = ("dersimonian_laird", "reml", "paule_mandel")


def logs(y, v, measure="hazard_ratio", outcome="death"):
    """Logarithms and variances as a table of estimates."""
    return pd.DataFrame(
        {
            "study": [f"study {i}" for i in range(len(y))],
            "outcome": outcome,
            "measure": measure,
            "log_estimate": np.asarray(y, dtype=float),
            "standard_error": np.sqrt(np.asarray(v, dtype=float)),
        }
    )


def printed(study, estimate, low=np.nan, high=np.nan, **others):
    row = {"study": study, "outcome": "death", "measure": "hazard_ratio", "estimate": estimate}
    return {**row, "ci_low": low, "ci_high": high, "p_value": np.nan, **others}


def trials():
    t = {k: np.array(v, dtype=float) for k, v in KNOWN["trials"].items() if k != "author"}
    vaccinated, others = t["tpos"] + t["tneg"], t["cpos"] + t["cneg"]
    y = np.log(t["tpos"] / vaccinated) - np.log(t["cpos"] / others)
    return y, 1 / t["tpos"] - 1 / vaccinated + 1 / t["cpos"] - 1 / others


def data(name):
    """The data of the R setup, worked out by the functions under test where they can be."""
    if name == "bcg":
        return logs(*trials(), measure="risk_ratio")
    if name == "alike":
        return logs([0.30, 0.31, 0.29, 0.305], [0.04, 0.05, 0.02, 0.03])
    rows = [
        printed("A", 1.39, 1.11, 1.73),
        printed("B", 1.51, p_value=0.002),
        printed("C", 1.49, 1.05, 2.10),
    ]
    return synthesis.log_estimates(pd.DataFrame(rows[: 2 if name == "two" else 3]))


def one(table, measure):
    (row,) = table[table["measure"] == measure].to_dict("records")
    return row


# --- agreement with R ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", [c for c in ANSWERS if c != "bcg.leave_one_out"])
def test_every_sum_agrees_with_metafor(case):
    name, method, interval = case.split(".")
    found = synthesis.pool(data(name), method, interval == "hartung_knapp")
    r = ANSWERS[case]["value"]
    total = one(found, synthesis.TWO if name == "two" else synthesis.SUM)
    close = {"rel": 1e-6, "abs": 1e-6}
    assert np.log(total["estimate"]) == pytest.approx(r["estimate"], **close)
    assert np.log(total["ci_low"]) == pytest.approx(r["ci_low"], **close)
    assert np.log(total["ci_high"]) == pytest.approx(r["ci_high"], **close)
    assert total["standard_error"] == pytest.approx(r["se"], **close)
    assert total["p_value"] == pytest.approx(r["p_value"], rel=1e-6)
    q = one(found, "q")
    assert q["statistic"] == pytest.approx(r["q"], **close)
    assert q["p_value"] == pytest.approx(r["q_p"], rel=1e-6)
    if "i2" not in r:
        assert set(found["measure"]) == {total["measure"], "q"}
        return
    spread = one(found, "tau squared")
    share = one(found, "i squared")
    new = one(found, "prediction interval")
    assert spread["estimate"] == pytest.approx(r["tau2"], **close)
    assert [spread["ci_low"], spread["ci_high"]] == pytest.approx(
        [r["tau2_low"], r["tau2_high"]], **close
    )
    assert [share["estimate"], share["ci_low"], share["ci_high"]] == pytest.approx(
        [r["i2"], r["i2_low"], r["i2_high"]], **close
    )
    assert np.log([new["ci_low"], new["ci_high"]]) == pytest.approx(
        [r["pi_low"], r["pi_high"]], **close
    )


def test_leaving_each_study_out_agrees_with_metafor():
    found = synthesis.leave_one_out(data("bcg"), "reml")
    r = ANSWERS["bcg.leave_one_out"]["value"]
    assert found["left_out"].tolist() == data("bcg")["study"].tolist()
    for column in ("estimate", "ci_low", "ci_high"):
        assert np.log(found[column]).tolist() == pytest.approx(r[column], abs=1e-6)
    assert found["standard_error"].tolist() == pytest.approx(r["se"], abs=1e-6)


@pytest.mark.parametrize(
    ("method", "theirs"), [("dersimonian_laird", "dl"), ("paule_mandel", "pm")]
)
def test_sums_agree_with_statsmodels_where_it_has_them(method, theirs):
    y, v = trials()
    search = {"atol": 1e-9} if theirs == "pm" else {}
    other = combine_effects(y, v, method_re=theirs, **search)
    found = synthesis.pool(data("bcg"), method)
    assert one(found, "q")["statistic"] == pytest.approx(other.q, rel=1e-9)
    assert one(found, "tau squared")["estimate"] == pytest.approx(other.tau2, abs=1e-9)
    total = one(found, synthesis.SUM)
    assert np.log(total["estimate"]) == pytest.approx(other.mean_effect_re, abs=1e-9)
    assert total["standard_error"] == pytest.approx(np.sqrt(other.var_hksj_re), abs=1e-9)
    fixed = one(synthesis.pool(data("bcg"), "fixed"), synthesis.SUM)
    assert np.log(fixed["estimate"]) == pytest.approx(other.mean_effect_fe, abs=1e-12)


def test_the_known_answers_are_of_several_kinds():
    """Data that spread, data that do not, and two studies: each asks another branch."""
    spread = {c: ANSWERS[c]["value"]["tau2"] for c in ANSWERS if c != "bcg.leave_one_out"}
    assert spread["bcg.reml.normal"] > 0.3
    assert spread["alike.reml.normal"] == 0
    assert len({round(spread[f"bcg.{m}.normal"], 6) for m in RANDOM}) == 3


# --- from print to logarithm ---------------------------------------------------------------------


def test_an_interval_becomes_a_standard_error_and_back():
    found = synthesis.log_estimates(pd.DataFrame([printed("A", 1.39, 1.11, 1.73)])).iloc[0]
    assert found["log_estimate"] == pytest.approx(0.3293, abs=5e-5)
    assert found["standard_error"] == pytest.approx(0.1132, abs=5e-5)
    assert found["interval"] == "as published"
    assert not found["lopsided"]


def test_an_interval_from_a_p_value_is_marked_and_gives_the_p_value_back():
    found = synthesis.log_estimates(pd.DataFrame([printed("B", 1.51, p_value=0.002)])).iloc[0]
    assert found["interval"] == "interval from p value"
    assert (round(found["ci_low"], 2), round(found["ci_high"], 2)) == (1.16, 1.96)
    assert found["standard_error"] == pytest.approx(np.log(1.51) / 3.0902, rel=1e-4)
    alone = synthesis.interval_from_p(1.51, 0.002).iloc[0]
    assert alone["standard_error"] == pytest.approx(found["standard_error"], rel=1e-12)
    # Printed with three decimals, 0.002 stands for 0.0015 to 0.0025.
    assert alone["standard_error_low"] == pytest.approx(np.log(1.51) / 3.1747, rel=1e-4)
    assert alone["standard_error_high"] == pytest.approx(np.log(1.51) / 3.0233, rel=1e-4)


def test_an_interval_below_one_follows_from_its_p_value_too():
    found = synthesis.interval_from_p(0.46, 0.04).iloc[0]
    assert (round(found["ci_low"], 2), round(found["ci_high"], 2)) == (0.22, 0.97)


@pytest.mark.parametrize(("ratio", "p"), [(1, 0.5), (-1, 0.5), (2, 0), (2, 1), (np.nan, 0.1)])
def test_no_interval_follows_from_some_numbers(ratio, p):
    with pytest.raises(AnalysisError, match="No interval follows"):
        synthesis.interval_from_p(ratio, p)


def test_a_misread_digit_is_found_and_rounding_is_not():
    rows = [
        printed("fine", 1.29, 1.01, 1.64),
        printed("coarse", 1.3, 1.03, 1.6),
        printed("misread", 1.29, 1.10, 1.64),
        printed("no number", np.nan),
        printed("no interval", 1.36),
    ]
    found = synthesis.log_estimates(pd.DataFrame(rows))
    assert found["lopsided"].tolist() == [False, False, True, False, False]
    assert found["interval"].tolist()[3:] == ["no number", "no interval"]
    assert found["standard_error"].isna().tolist() == [False, False, False, True, True]


def test_every_fault_of_a_table_is_told_at_once_without_its_values():
    rows = [
        printed("", 1.2, 1.0, 1.4),
        printed("B", -1.7),
        printed("C", 1.2, 1.0),
        printed("D", 1.9, 1.0, 1.4),
        printed("E", 1.2, 1.4, 1.0),
        printed("F", np.nan, 1.0, 1.4),
        printed("G", 1.2, p_value=1.37),
        printed("H", 1.0, p_value=0.5),
        printed("I", 1.2, 1.0, 1.4, outcome=""),
        printed("J", 1.2, 1.0, 1.4, measure="mean_canary"),
        printed("K", 1.2, 1.1, 1.3),
        printed(" k ", 1.2, 1.1, 1.3),
        printed("L", 1.2, -1.1, 1.3),
    ]
    with pytest.raises(Problems) as caught:
        synthesis.log_estimates(pd.DataFrame(rows))
    rules = {fault.rule for fault in caught.value.faults}
    assert len(rules) == 12
    text = str(caught.value)
    for value in ("1.37", "canary", "1.7"):
        assert value not in text
    assert "Row: 12" in text


def test_a_good_table_has_no_fault_and_a_wrong_one_no_traceback():
    assert synthesis.faults(pd.DataFrame([printed("A", 1.39, 1.11, 1.73)])) == []
    found = synthesis.faults(pd.DataFrame({"study": ["A"], "hr": [1.2]}))
    assert [fault.column for fault in found] == ["outcome", "measure", "estimate"]
    with pytest.raises(AnalysisError, match="log_estimates"):
        synthesis.combinable(pd.DataFrame([printed("A", 1.39, 1.11, 1.73)]))


# --- what may be added up ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("death", "death"),
        ("Overall survival", "overall survival"),
        ("death or lung transplant", "death or transplant"),
        ("transplant-free survival", "death or transplant"),
        ("progression or death", "progression or death"),
        ("progression-free survival", "progression or death"),
        ("mortality rate of the population", "death rate of a population"),
        ("Death  from any cause", "death"),
        ("transplant or death", "death or transplant"),
        ("disease progression or death", "progression or death"),
        ("lung transplant", "lung transplant"),
        ("disease progression", "disease progression"),
        ("death without transplant", "death without transplant"),
        ("death, transplant censored", "death, transplant censored"),
        ("pre-transplant death", "pre-transplant death"),
        ("death after progression", "death after progression"),
        ("death in a population-based cohort", "death in a population-based cohort"),
        ("death, among people first seen early", "death, among people first seen early"),
    ],
)
def test_outcomes_are_told_apart(outcome, kind):
    found = synthesis.combinable(logs([0.1], [0.01], outcome=outcome))
    assert found["outcome_kind"].tolist() == [kind]


def test_sets_are_split_by_question_outcome_and_ratio():
    rows = [
        printed("A", 1.39, 1.11, 1.73, question="deprivation"),
        printed("B", 1.51, 1.16, 1.96, question="deprivation"),
        printed("C", 1.49, 1.05, 2.10, question="deprivation", outcome="progression or death"),
        printed("D", 1.29, 1.01, 1.64, question="distance"),
        printed("E", 1.52, 1.10, 2.11, question="distance", outcome="death or transplant"),
        printed("F", 1.20, 1.00, 1.44, question="distance", measure="odds_ratio"),
        printed("G", np.nan, question="deprivation"),
    ]
    found = synthesis.combinable(synthesis.log_estimates(pd.DataFrame(rows)))
    assert found["set"].nunique() == 5
    allowed = dict(zip(found["study"], found["allowed"], strict=True))
    assert allowed["A"] == allowed["B"] == "two-study sensitivity only"
    assert {allowed[s] for s in "CDEF"} == {"no pooling"}
    assert allowed["G"] == "what-if only"
    assert found.loc[found["study"] == "A", "studies"].item() == 2


def test_three_of_a_kind_may_be_pooled():
    assert set(synthesis.combinable(data("three"))["allowed"]) == {"pooling"}


def test_what_must_not_be_added_up_is_refused():
    good = data("three")
    mixed = good.assign(outcome=["death", "death", "death or lung transplant"])
    with pytest.raises(AnalysisError, match="different outcomes: death; death or transplant"):
        synthesis.pool(mixed)
    said = synthesis.pool(mixed, mixed="Transplant counted as death.")
    assert "Transplant counted as death." in one(said, synthesis.SUM)["note"]
    for column, values in (
        ("question", ["near", "near", "deprived"]),
        ("measure", ["hazard_ratio", "hazard_ratio", "odds_ratio"]),
    ):
        with pytest.raises(AnalysisError, match="not added up"):
            synthesis.pool(good.assign(**{column: values}), mixed="A reason does not help here.")
    with pytest.raises(AnalysisError, match="stands here twice"):
        synthesis.pool(good.assign(study=["A", "A", "B"]))
    with pytest.raises(AnalysisError, match="no interval"):
        synthesis.pool(good.assign(standard_error=[0.1, np.nan, 0.1]))
    with pytest.raises(AnalysisError, match="above 0"):
        synthesis.pool(good.assign(standard_error=[0.1, 0.0, 0.1]))
    with pytest.raises(AnalysisError, match="One study"):
        synthesis.pool(good.head(1))
    with pytest.raises(AnalysisError, match="no method 'bayes'"):
        synthesis.pool(good, "bayes")


def test_two_studies_never_give_a_pooled_headline():
    for method in synthesis.METHODS:
        found = synthesis.pool(data("two"), method)
        assert set(found["measure"]) == {"two-study sensitivity", "q"}
        assert "Two studies" in found["note"].iloc[0]
    # With one degree of freedom the interval says next to nothing where studies differ at all.
    apart = synthesis.pool(logs([0.1, 0.5], [0.01, 0.01]), "reml").iloc[0]
    assert apart["ci_low"] < 0.2
    assert apart["ci_high"] > 10


def test_the_two_study_sums_of_the_book():
    table = pd.DataFrame([printed("S", 1.39, 1.11, 1.73), printed("G", 1.51, p_value=0.002)])
    total = synthesis.pool(synthesis.log_estimates(table), "fixed").iloc[0]
    shown = [round(total[c], 2) for c in ("estimate", "ci_low", "ci_high")]
    assert shown == [1.44, 1.22, 1.70]
    table = pd.DataFrame([printed("S", 1.29, 1.01, 1.64), printed("J", 1.52, 1.10, 2.11)])
    total = synthesis.pool(synthesis.log_estimates(table), "fixed").iloc[0]
    shown = [round(total[c], 2) for c in ("estimate", "ci_low", "ci_high")]
    assert shown == [1.37, 1.13, 1.66]


# --- properties and known truth ------------------------------------------------------------------


@pytest.mark.parametrize("method", synthesis.METHODS)
def test_turning_ratios_round_and_changing_their_order_changes_nothing_else(method):
    table = data("bcg")
    found = synthesis.pool(table, method)
    turned = synthesis.pool(table.assign(log_estimate=-table["log_estimate"]), method)
    a, b = one(found, synthesis.SUM), one(turned, synthesis.SUM)
    assert b["estimate"] == pytest.approx(1 / a["estimate"], rel=1e-9)
    assert b["ci_low"] == pytest.approx(1 / a["ci_high"], rel=1e-9)
    mixed_up = synthesis.pool(table.sample(frac=1, random_state=1), method)
    pd.testing.assert_frame_equal(found, mixed_up, rtol=1e-9)


def test_studies_that_agree_more_than_chance_are_told():
    assert "read the normal interval" in synthesis.pool(data("alike"), "reml")["note"].iloc[0]
    assert synthesis.pool(data("alike"), "reml", hartung_knapp=False)["note"].iloc[0] == ""


def test_studies_with_the_very_same_ratio_are_added_up_without_rubbish():
    found = synthesis.pool(logs([0.3, 0.3, 0.3], [0.01, 0.02, 0.03]), "reml")
    total = found.iloc[0]
    assert total["estimate"] == pytest.approx(np.exp(0.3))
    assert np.isnan(total["p_value"])
    assert "read the normal interval" in total["note"]
    assert np.isfinite(found["estimate"].dropna()).all()


@pytest.mark.parametrize("seed", range(40))
def test_reml_is_the_highest_point_of_the_restricted_likelihood(seed):
    """Studies of very different size, where a search can stop at the wrong hill."""
    rng = np.random.default_rng(seed)
    v = 10.0 ** rng.uniform(-6, 1, rng.integers(2, 12))
    y = rng.normal(0, np.sqrt(v + (0 if seed % 3 == 0 else 10.0 ** rng.uniform(-4, 1))))

    def restricted(tau2):
        w = 1 / (v + tau2)
        middle = (w * y).sum() / w.sum()
        return np.log(w).sum() - np.log(w.sum()) - (w * (y - middle) ** 2).sum()

    highest = max(restricted(tau2) for tau2 in [0, *np.geomspace(1e-8, 1e3, 4000)])
    assert restricted(synthesis._reml(y, v)) >= highest - 1e-9


def coverage(method, knapp, truth=0.3, spread=0.04, studies=5, cohorts=1200):
    """How often the interval, and the prediction interval, hold what they should."""
    rng = np.random.default_rng(20241107)
    held = predicted = 0
    for _ in range(cohorts):
        v = rng.uniform(0.005, 0.06, studies)
        y = rng.normal(rng.normal(truth, np.sqrt(spread), studies), np.sqrt(v))
        tau2 = synthesis._tau_squared(y, v, method)
        middle, error, quantile = synthesis._middle(y, v, tau2, knapp)
        held += abs(middle - truth) <= quantile * error
        new = synthesis._spread(y, v, tau2, middle, error, "hazard_ratio")[0]
        assert new["measure"] == "prediction interval"
        predicted += new["ci_low"] <= np.exp(rng.normal(truth, np.sqrt(spread))) <= new["ci_high"]
    return held / cohorts, predicted / cohorts


def test_hartung_knapp_covers_what_it_promises_for_five_studies_and_the_normal_does_not():
    knapp, predicted = coverage("reml", True)
    normal, _ = coverage("dersimonian_laird", False)
    # The noise of 1,200 cohorts is 0.6 of 100: a method that covers 90 of 100 fails here.
    assert 0.930 <= knapp <= 0.970, knapp
    assert normal < 0.915, normal
    # Known of the method (Partlett & Riley 2017): short for few studies. A wrong one falls far off.
    assert 0.87 <= predicted <= 0.96, predicted


# --- nulls without numbers -----------------------------------------------------------------------


def test_nulls_put_back_draw_the_sum_to_one_the_more_precise_they_were():
    found = synthesis.with_missing_nulls(data("two"), ["N", "M"], [0.05, 0.1, 0.2, 0.4, 1e6])
    assert found["measure"].tolist() == ["two-study sensitivity", *[synthesis.BOUND] * 5]
    bounds = found["estimate"].iloc[1:]
    assert (bounds >= 1).all()
    assert bounds.is_monotonic_increasing
    # A null that knows nothing changes nothing; one that knows everything decides.
    assert bounds.iloc[-1] == pytest.approx(found["estimate"].iloc[0], rel=1e-6)
    sure = synthesis.with_missing_nulls(data("two"), ["N"], [1e-6]).iloc[-1]
    assert sure["estimate"] == pytest.approx(1, abs=1e-6)
    assert found["null_deaths"].iloc[1:4].tolist() == pytest.approx([1600, 400, 100])


def test_a_bound_is_the_sum_by_hand():
    table = data("two")
    found = synthesis.with_missing_nulls(table, ["N"], [0.2], ratio=1.1).iloc[-1]
    w = np.array([*1 / table["standard_error"] ** 2, 1 / 0.2**2])
    y = np.array([*table["log_estimate"], np.log(1.1)])
    assert np.log(found["estimate"]) == pytest.approx((w * y).sum() / w.sum(), rel=1e-12)
    assert found["studies"] == 3


def test_a_bound_of_nothing_is_refused():
    for nulls in ([], ["A"]):
        with pytest.raises(AnalysisError, match="Name the studies"):
            synthesis.with_missing_nulls(data("two"), nulls)
    with pytest.raises(AnalysisError, match="above 0"):
        synthesis.with_missing_nulls(data("two"), ["N"], [0])


# --- how sure ------------------------------------------------------------------------------------


def judged(**concerns):
    named = {d: concerns.get(d.replace(" ", "_"), "none") for d in synthesis.DOMAINS}
    rows = [{"domain": d, "concern": c, "reason": f"Because of {d}."} for d, c in named.items()]
    return pd.DataFrame(rows)


def test_certainty_goes_down_step_by_step_and_says_why():
    found = synthesis.certainty(judged(indirectness="serious", imprecision="very serious"))
    assert found["certainty_after"].tolist() == [
        "high", "high", "high", "moderate", "very low", "very low", "very low",
    ]  # fmt: skip
    assert found["reason"].tolist()[3] == "Because of indirectness."
    assert "Steps down: 3" in found["reason"].iloc[-1]
    assert synthesis.certainty(judged())["certainty_after"].iloc[-1] == "high"
    assert synthesis.certainty(judged(), start="low")["certainty_after"].iloc[-1] == "low"
    worst = judged(**{d.replace(" ", "_"): "very serious" for d in synthesis.DOMAINS})
    assert synthesis.certainty(worst)["certainty_after"].iloc[-1] == "very low"


def test_a_judgement_without_reason_or_out_of_the_list_is_refused():
    broken = judged().assign(
        reason=["", "x", "x", "x", "x"], concern=["none", "grave", "none", "none", "none"]
    )
    two = pd.concat([judged().assign(question="one"), judged().head(4).assign(question="two")])
    with pytest.raises(Problems, match="Judge once for each question: publication bias"):
        synthesis.certainty(two)
    with pytest.raises(Problems) as caught:
        synthesis.certainty(broken.replace({"domain": {"imprecision": "luck"}}), start="sure")
    assert len(caught.value.faults) == 5
    with pytest.raises(Problems, match="the column is missing"):
        synthesis.certainty(pd.DataFrame({"domain": ["imprecision"]}))


# --- a whole table, and the command --------------------------------------------------------------


def own_table():
    return pd.DataFrame(
        [
            printed("A", 1.39, 1.11, 1.73),
            printed("B", 1.51, p_value=0.002),
            printed("C", 1.20, 0.90, 1.60),
            printed("N", np.nan),
            printed("T", 1.52, 1.10, 2.11, outcome="death or transplant"),
        ]
    )


def test_a_whole_table_is_done_set_by_set():
    found = synthesis.whole(own_table())
    first = found[found["outcome"] == "death"]
    assert first["measure"].value_counts().to_dict() == {
        "study": 4, "pooled ratio": 2, "q": 1, "prediction interval": 1, "tau squared": 1,
        "i squared": 1, "two-study sensitivity": 3, synthesis.BOUND: 10,
    }  # fmt: skip
    total = first[(first["measure"] == "pooled ratio") & first["method"].str.contains("Knapp")]
    pooled = synthesis.pool(synthesis.log_estimates(own_table().head(3)), "reml").iloc[0]
    assert total["estimate"].item() == pytest.approx(pooled["estimate"], rel=1e-12)
    other = found[found["outcome"] == "death or transplant"]
    assert other["measure"].tolist() == ["study"]
    assert other["allowed"].tolist() == ["no pooling"]
    noted = first.loc[first["study"] == "B", "note"].item()
    assert (
        noted == "interval from p value (standard error 0.13 to 0.14, as the p value was rounded)"
    )
    # Both methods put the nulls back, and each row says which.
    what_if = first[first["measure"] == synthesis.BOUND]
    assert what_if["method"].value_counts().to_dict() == {
        "inverse variance": 5, "REML, Hartung-Knapp": 5,
    }  # fmt: skip
    # Two studies that are left are summed by inverse variance; with three, as the whole set.
    left = first[(first["left_out"] != "") & (first["measure"] == synthesis.TWO)]
    assert set(left["method"]) == {"inverse variance"}
    four = pd.concat([own_table().head(3), pd.DataFrame([printed("D", 1.3, 1.0, 1.69)])])
    left = synthesis.whole(four)
    left = left[left["left_out"] != ""]
    assert set(left["method"]) == {"REML, Hartung-Knapp"}
    lines = [line for line in synthesis.as_text(found).splitlines() if "without C" in line]
    assert "(inverse variance)" in lines[0]
    with pytest.raises(Problem, match="random-effects method 'fixed'"):
        synthesis.whole(own_table(), "fixed")


def test_a_table_of_nulls_alone_is_listed_and_not_summed():
    found = synthesis.whole(pd.DataFrame([printed("N", np.nan), printed("M", np.nan)]))
    assert found["measure"].tolist() == ["study", "study"]
    assert set(found["allowed"]) == {"shown only: no number"}


def test_other_exposures_without_a_question_are_refused():
    rows = pd.DataFrame([printed("A", 1.39, 1.11, 1.73), printed("B", 0.55, 0.4, 0.76)])
    mixed = rows.assign(exposure=["deprivation", "antifibrotic"])
    with pytest.raises(Problems, match="Call it 'question'"):
        synthesis.whole(mixed)
    assert len(synthesis.whole(mixed.assign(question=mixed["exposure"]))) == 2
    assert synthesis.remarks(rows)[0].startswith("No question given")
    assert synthesis.remarks(rows.assign(question="one")) == []
    bare = rows.assign(question="one", ci_low=np.nan, ci_high=np.nan)
    assert "Not one row has an interval" in synthesis.remarks(bare)[0]
    assert set(synthesis.whole(bare)["allowed"]) == {"not used: no interval"}
    assert synthesis.remarks(bare, 2)[1].startswith("2 columns were not used")


def test_several_exposures_or_contrasts_in_one_question_are_refused():
    three = [("A", 1.39, 1.11, 1.73), ("B", 1.29, 1.01, 1.64), ("C", 0.55, 0.4, 0.76)]
    rows = pd.DataFrame([printed(*one, question="who dies sooner") for one in three])
    exposures = rows.assign(exposure=["deprivation", "distance", "treatment"])
    with pytest.raises(Problems, match="several of column 'exposure' in one question"):
        synthesis.whole(exposures)
    turned = rows.assign(contrast=["quintile 1 vs 5", "quintile 5 vs 1", "per 10 points"])
    with pytest.raises(Problems, match="several of column 'contrast'"):
        synthesis.whole(turned)
    # The same words, however they are written, and other outcomes are no fault.
    same = rows.assign(exposure=["deprivation", "Deprivation ", "deprivation"])
    assert (synthesis.whole(same)["measure"] == "pooled ratio").any()
    assert len(synthesis.whole(exposures.assign(outcome=["death", "transplant", "relapse"]))) == 3


def test_survival_is_not_taken_for_death():
    three = [("A", 1.39, 1.11, 1.73), ("B", 1.51, 1.16, 1.96), ("C", 0.7, 0.55, 0.89)]
    rows = pd.DataFrame([printed(*one, question="q") for one in three])
    mixed = rows.assign(outcome=["death", "all-cause mortality", "survival"])
    found = synthesis.whole(mixed)
    assert set(found["set"]) == {"q, death, hazard ratio", "q, survival, hazard ratio"}
    assert "pooled ratio" not in set(found["measure"])
    assert "named after survival" in synthesis.remarks(mixed)[0]
    assert synthesis.remarks(rows) == []


def test_an_average_of_a_doubtful_row_says_so():
    rows = [
        printed("A", 1.39, 1.11, 1.73),
        printed("B", 1.2, 1.0, 1.44),
        printed("C", 139, 100, 193),
    ]
    found = synthesis.whole(pd.DataFrame(rows))
    pooled = found[found["measure"] == "pooled ratio"]
    assert len(pooled) == 2
    assert pooled["note"].str.contains("Look again at C first").all()
    sound = synthesis.whole(pd.DataFrame(rows[:2]))
    assert not sound["note"].str.contains("Look again").any()


def test_a_what_if_by_hartung_knapp_says_that_invented_reports_narrow_it():
    rows = [printed("A", 1.3, 1.0, 1.69), printed("B", 1.6, 1.1, 2.33), printed("N", np.nan)]
    found = synthesis.whole(pd.DataFrame(rows))
    what_if = found[found["measure"] == synthesis.BOUND]
    knapp = what_if["method"].str.contains("Hartung-Knapp")
    assert knapp.any()
    assert (what_if["note"].str.contains("Invented reports narrow") == knapp).all()


def test_one_question_is_one_however_it_is_written():
    rows = [printed(s, 1.3, 1.0, 1.69, question=q) for s, q in zip("ABC", QUESTION, strict=True)]
    found = synthesis.whole(pd.DataFrame(rows))
    assert len(set(found["set"])) == 1
    assert set(found.loc[found["measure"] == "study", "allowed"]) == {"pooling"}


QUESTION = ("Deprivation", "deprivation ", "deprivation")


def test_a_study_twice_under_two_names_of_one_outcome_is_told_with_its_row():
    rows = [printed("A", 1.39, 1.11, 1.73), printed("B", 1.2, 0.9, 1.6)]
    rows.append(printed("A", 1.3, 1.0, 1.69, outcome="all-cause mortality"))
    with pytest.raises(Problems, match=r"twice(.|\n)*Row: 3"):
        synthesis.whole(pd.DataFrame(rows))
    rows[2] = printed("A", np.nan)
    with pytest.raises(Problems, match=r"twice(.|\n)*Row: 3"):
        synthesis.whole(pd.DataFrame(rows))


def test_of_two_peaks_of_the_likelihood_the_higher_one_is_taken():
    y = np.array([0.86, 1.07, 4.59, 0.77, -2.9])
    v = np.array([0.025, 0.0038, 3.7529, 0.1051, 1.2925])

    def likelihood(tau2):
        w = 1 / (v + tau2)
        away = y - (w * y).sum() / w.sum()
        return (np.log(w).sum() - np.log(w.sum()) - (w * away**2).sum()) / 2

    everywhere = np.geomspace(1e-4, 100, 20_000)
    heights = np.array([likelihood(tau2) for tau2 in everywhere])
    peaks = (np.diff(np.sign(np.diff(heights))) < 0).sum()
    found = one(synthesis.pool(logs(y, v), "reml"), "tau squared")["estimate"]
    assert peaks == 2
    assert likelihood(found) >= heights.max() - 1e-9


def test_a_misread_digit_is_found_also_where_it_moves_the_ratio_little():
    moved = printed("A", 1.42, 1.11, 1.73)
    assert synthesis.log_estimates(pd.DataFrame([moved]))["lopsided"].item()


@pytest.mark.parametrize("name", ["A\x1b[2J", "A\nB", "=cmd|' /C calc'!A0", "@A", " +1"])
def test_a_name_that_would_act_on_a_terminal_or_a_spreadsheet_is_refused(name):
    with pytest.raises(Problems, match="one line|spreadsheet"):
        synthesis.whole(pd.DataFrame([printed(name, 1.39, 1.11, 1.73)]))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (printed("A", 1.39, 1.11, 1.74, p_value=0.9), "p value does not go"),
        (printed("A", 139, 111, 174), "per cent"),
        (printed("A", 1.39, 1.11, 1.74, p_value=0.004), ""),
        (printed("A", 1.39, 1.11, 1.73), ""),
    ],
)
def test_numbers_that_do_not_go_together_are_told(row, words):
    (note,) = synthesis.whole(pd.DataFrame([row]))["note"]
    assert words in note
    assert bool(note) == bool(words)


def test_studies_that_agree_too_well_get_the_normal_interval_beside():
    close = synthesis.pool(logs([0.17, 0.18, 0.19, 0.20], [0.04] * 4))
    normal = one(close, "pooled ratio, normal interval")
    first = one(close, synthesis.SUM)
    assert normal["ci_low"] < first["ci_low"] < first["ci_high"] < normal["ci_high"]
    fixed = one(synthesis.pool(logs([0.17, 0.18, 0.19, 0.20], [0.04] * 4), "fixed"), synthesis.SUM)
    assert normal["ci_high"] == pytest.approx(fixed["ci_high"])
    assert "normal interval" in one(close, "prediction interval")["note"]
    # The comparison is with the normal interval of the same tau squared, and not of none.
    y = [-0.22, 0.39, -0.13, 0.03, 0.35, 0.34, 0.24, 0.2]
    between = synthesis.pool(logs(y, [0.047, 0.017, 1.524, 0.121, 0.038, 0.258, 0.084, 0.234]))
    widths = [
        np.log(row["ci_high"] / row["ci_low"])
        for row in (one(between, synthesis.SUM), one(between, "pooled ratio, normal interval"))
    ]
    assert one(between, "tau squared")["estimate"] > 0.02
    assert widths[0] < widths[1]
    # Studies that differ more have no such row.
    for apart in (data("bcg"), logs([0.0, 0.0, 0.0, 1.5, 1.5, 1.5], [0.01] * 6)):
        found = synthesis.pool(apart)
        assert not found["measure"].str.contains("normal").any()


def test_the_print_keeps_small_numbers():
    text = synthesis.as_text(synthesis.whole(four_apart()))
    (line,) = [line for line in text.splitlines() if "tau squared" in line]
    assert re.search(r"0\.0\d*[1-9]", line)


def four_apart():
    ends = {"A": 1.10, "B": 1.25, "C": 1.32, "D": 1.05}
    return pd.DataFrame(
        [printed(s, r, r / 1.12, r * 1.12, question="one") for s, r in ends.items()]
    )


def test_many_studies_are_averaged_in_seconds():
    random = np.random.default_rng(1)
    many = logs(random.normal(0.2, 0.3, 1000), np.full(1000, 0.04))
    started = time.monotonic()
    assert len(synthesis.leave_one_out(many, "dersimonian_laird")) == 1000
    assert time.monotonic() - started < 15


def run(*arguments):
    return commands.run("pool", *arguments)


def test_the_command_writes_what_the_function_gives(tmp_path):
    own_table().to_csv(tmp_path / "mine.csv", index=False)
    made = run(tmp_path / "mine.csv", "--output", tmp_path / "out.csv")
    assert made.returncode == 0, made.stderr
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False, na_values=[""])
    expected = synthesis.whole(own_table())
    assert found["measure"].tolist() == expected["measure"].tolist()
    assert found["estimate"].tolist() == pytest.approx(expected["estimate"].tolist(), nan_ok=True)
    assert (tmp_path / "out.csv").read_bytes().count(b"\r") == 0
    again = run(tmp_path / "mine.csv", "--output", tmp_path / "out.csv")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_the_command_explains_itself():
    shown = run("--help")
    assert shown.returncode == 0
    for words in ("Exit codes", "study, outcome, measure", "--method", "dersimonian_laird"):
        assert words in shown.stdout


def test_the_command_prints_without_a_file(tmp_path):
    own_table().to_csv(tmp_path / "mine.csv", index=False)
    made = run(tmp_path / "mine.csv", "--method", "paule_mandel")
    assert made.returncode == 0, made.stderr
    assert "Paule-Mandel, Hartung-Knapp" in made.stdout
    assert "no pooling" in made.stdout
    assert "nan" not in made.stdout.lower()
    assert "No question given" in made.stderr
    own_table().rename(columns={"ci_low": "lower", "ci_high": "upper"}).assign(
        p_value=np.nan, question="one"
    ).to_csv(tmp_path / "mine.csv", index=False)
    made = run(tmp_path / "mine.csv")
    assert "Not one row has an interval" in made.stderr
    assert "2 columns were not used" in made.stderr
    assert "No question" not in made.stderr


def test_the_command_tells_every_fault_of_a_bad_table(tmp_path):
    bad = own_table().assign(measure="hazard ratio", ci_low=[1.5, np.nan, 0.9, np.nan, -1])
    bad.astype({"estimate": object}).replace({"estimate": {1.52: "canary"}}).to_csv(
        tmp_path / "bad.csv", index=False
    )
    made = run(tmp_path / "bad.csv")
    assert made.returncode == 2
    assert "Traceback" not in made.stderr
    assert "canary" not in made.stderr
    for words in ("'measure'", "'estimate'", "outside its own interval"):
        assert words in made.stderr
    lost = tmp_path / "lost.csv"
    own_table().drop(columns="measure").to_csv(lost, index=False)
    assert "'measure'" in run(lost).stderr
    assert run(tmp_path / "none.csv").returncode == 2
    own_table().to_csv(tmp_path / "mine.csv", index=False)
    assert run(tmp_path / "mine.csv", "--method", "fixed").returncode == 2


def test_the_reader_columns_are_those_of_the_checks(tmp_path):
    own_table().to_csv(tmp_path / "mine.csv", index=False)
    frame, found = tables.examine_file(tmp_path / "mine.csv", synthesis.TABLE)
    assert found == []
    assert synthesis.faults(frame) == []


# --- what the book sets side by side -------------------------------------------------------------


def book_rows():
    published = tables.read("published_estimates").drop(columns=["study", "exposure", "contrast"])
    return tables.read("synthesis_rows").merge(published, on="id", how="left", validate="m:1")


def test_the_sets_of_the_book_are_rows_of_the_published_table():
    rows = book_rows()
    assert rows["measure"].notna().all()
    assert not rows.duplicated(["question", "study"]).any()
    # Another outcome is taken for death in one set only, which says so by its name.
    assert set(rows.loc[rows["counted_as"].notna(), "question"]) == {"distance_as_one_outcome"}
    # What has no number is a report of no difference, and no figure that was not seen.
    empty = rows[rows["estimate"].isna()]
    assert (empty["finding"].notna()).all()
    assert rows.loc[rows["estimate"].notna(), "finding"].isna().all()
    null = empty["finding"] == "no clear difference"
    form = r"no association|did not differ|no .*difference"
    assert empty.loc[null, "note"].str.contains(form).all()


def test_reports_of_mixed_findings_are_told_and_never_put_back():
    """Nothing that followed death by deprivation is lost, and no mixed report is taken for 1."""
    rows = book_rows()
    mixed = rows[rows["finding"] == "mixed"]
    assert set(mixed["study"]) == {"Avitzur 2022", "DeDent 2024"}
    assert set(mixed["question"]) == {"deprivation_mixed"}
    found = tables.read("evidence_map")
    asked = found["question"] == "deprivation of the area"
    followed = found[asked & (found["outcome"] == "death")]
    listed = ";".join(followed["rows"]).replace(" ", "").split(";")
    ours = rows[rows["question"].isin(["deprivation", "deprivation_mixed"])]
    derived = {"goobie_2022_deprivation_united_states", "shankar_2024_deprivation_unadjusted"}
    assert set(listed) - derived - set(ours["id"]) == set()
    put_back = synthesis.whole(rows.drop(columns="note").assign(p_value=np.nan))
    bounds = put_back[put_back["measure"] == synthesis.BOUND]
    assert len(bounds)
    assert "deprivation_mixed" not in set(bounds["question"])
    assert set(rows["how_read"]) <= {"abstract", "press"}


def test_no_set_of_the_book_is_pooled():
    """A third study with a number would change the chapter: then read it again."""
    rows = book_rows().assign(p_value=np.nan)
    rows["outcome"] = rows["counted_as"].fillna(rows["outcome"])
    shown = synthesis.combinable(synthesis.log_estimates(rows))
    assert "pooling" not in set(shown["allowed"])
    usable = shown[shown["standard_error"].notna()]
    kinds = usable.groupby("question")["outcome_kind"].nunique()
    # Death and death or transplant stand apart by distance, unless the set says otherwise.
    assert kinds["distance"] == 2
    assert set(kinds.drop("distance")) == {1}


def test_the_interval_that_the_chapter_derives_is_the_one_of_the_published_table():
    rows = tables.read("published_estimates").set_index("id")
    reported = rows.loc["goobie_2022_deprivation_united_states_reported"]
    p = float(re.search(r"\bp = (0\.\d+)", reported["note"])[1])
    derived = synthesis.interval_from_p(reported["estimate"], p).iloc[0]
    listed = rows.loc["goobie_2022_deprivation_united_states"]
    assert [round(derived[c], 2) for c in ("ci_low", "ci_high")] == [
        listed["ci_low"], listed["ci_high"],
    ]  # fmt: skip


def test_every_question_of_the_book_is_judged_in_every_domain():
    found = synthesis.certainty(tables.read("certainty_judgements"))
    assert found.groupby("question")["step"].agg(list).map(lambda s: s == list(range(7))).all()
    overall = found[found["domain"] == "overall"].set_index("question")["certainty_after"]
    assert set(overall.index) == {"deprivation", "distance", "delay"}
    # The chapter says so: from either start every question ends at the bottom.
    for start in ("low", "high"):
        steps = synthesis.certainty(tables.read("certainty_judgements"), start=start)
        assert set(steps.loc[steps["domain"] == "overall", "certainty_after"]) == {"very low"}
    assert not found["reason"].str.contains(r"\d").iloc[1:6].any()


def test_the_example_of_the_chapter_is_a_table_that_the_command_takes():
    cells = json.loads((places.NOTEBOOKS / "pooled_estimates.ipynb").read_text())["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells)
    table = pd.read_csv(io.StringIO(re.search(r"```text\n(.*?)```", prose, re.S)[1]))
    found = synthesis.whole(table)
    assert {"pooled ratio", synthesis.BOUND, "prediction interval"} <= set(found["measure"])
    assert "distance-to-care pool" in prose
