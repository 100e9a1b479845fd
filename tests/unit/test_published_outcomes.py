"""Published outcomes: exact intervals against closed forms and other software, mixes by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from distance_to_care import places, published_outcomes, tables
from distance_to_care.problems import AnalysisError

# --- Exact intervals ----------------------------------------------------------------------------


def test_where_none_or_all_have_the_outcome_the_ends_have_a_closed_form():
    # Nobody of 41: the upper end is the share at which nobody of 41 has a chance of 2.5 per cent.
    assert published_outcomes.exact_interval(0, 41) == (0.0, pytest.approx(1 - 0.025 ** (1 / 41)))
    low, high = published_outcomes.exact_interval(14, 14)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 14)), 1.0)


@pytest.mark.parametrize(("count", "people"), [(9, 14), (28, 190), (1, 16), (40, 44), (6, 23)])
def test_each_end_leaves_a_fortieth_and_agrees_with_other_software(count, people):
    low, high = published_outcomes.exact_interval(count, people)
    assert stats.binom.sf(count - 1, people, low) == pytest.approx(0.025, rel=1e-6)
    assert stats.binom.cdf(count, people, high) == pytest.approx(0.025, rel=1e-6)
    other = proportion_confint(count, people, method="beta")
    assert (low, high) == pytest.approx(other, rel=1e-9)


def test_a_printed_interval_of_a_textbook_comes_out():
    # R: binom.test(9, 14)$conf.int gives 0.3513801 0.8724016
    assert published_outcomes.exact_interval(9, 14) == pytest.approx((0.3513801, 0.8724016))


@pytest.mark.parametrize("people", [5, 14, 43])
def test_the_interval_holds_the_truth_as_often_as_it_says(people):
    ends = np.array([published_outcomes.exact_interval(k, people) for k in range(people + 1)])
    for truth in np.linspace(0.01, 0.99, 99):
        held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        chances = stats.binom.pmf(np.arange(people + 1), people, truth)
        assert chances[held].sum() >= 0.95


@pytest.mark.parametrize("asked", [(5, 4), (-1, 4), (0, 0)])
def test_what_is_no_share_is_refused(asked):
    with pytest.raises(AnalysisError, match="no share of a group"):
        published_outcomes.exact_interval(*asked)


def test_the_share_of_a_small_group_has_its_interval():
    estimates = pd.DataFrame(
        {"id": ["all", "most"], "people": [25, 15], "measure": ["count", "percentage"],
         "estimate": [25, 93], "certainty": "S"}
    )  # fmt: skip
    told = published_outcomes.shares(["most", "all"], estimates)
    assert list(told.index) == ["most", "all"]
    assert told.loc["all", "ci_low"] == pytest.approx(100 * 0.025 ** (1 / 25))
    assert told.loc["most", "estimate"] == pytest.approx(100 * 14 / 15)
    other = [100 * end for end in proportion_confint(14, 15, method="beta")]
    assert told.loc["most", ["ci_low", "ci_high"]].tolist() == pytest.approx(other)
    assert set(told["certainty"]) == {"D"}
    with pytest.raises(AnalysisError, match="named none"):
        published_outcomes.shares(["none"], estimates)


# --- Counts behind percentages ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percentage", "people", "count"),
    [(59.0, 22, 13), (83.0, 41, 34), (14.7, 190, 28), (63.6, 44, 28), (0.0, 9, 0), (100.0, 9, 9)],
)
def test_the_count_behind_a_percentage_is_found(percentage, people, count):
    assert published_outcomes.count_of(percentage, people) == count


def test_a_percentage_that_no_count_or_several_give_is_refused():
    with pytest.raises(AnalysisError, match="No counts of 3 people give 50 per cent"):
        published_outcomes.count_of(50.0, 3)
    with pytest.raises(AnalysisError, match="5 counts of 500 people give 14 per cent"):
        published_outcomes.count_of(14.0, 500)


def test_a_percentage_half_way_may_be_rounded_up_or_down():
    # 1 of 8 is 12.5 per cent: papers print 13, and software that rounds to even prints 12.
    assert published_outcomes.count_of(13.0, 8) == published_outcomes.count_of(12.0, 8) == 1
    # 1 of 16 is 6.25 per cent.
    assert published_outcomes.count_of(6.3, 16) == published_outcomes.count_of(6.2, 16) == 1
    with pytest.raises(AnalysisError, match="No counts"):
        published_outcomes.count_of(6.4, 16)


def test_what_may_differ_by_so_many_points_may_differ_by_all_of_them():
    # 1 of 4 is 25 per cent: 24 differs by the whole point that is allowed.
    assert published_outcomes.count_of(24.0, 4, within=1.0) == 1
    with pytest.raises(AnalysisError, match="No counts"):
        published_outcomes.count_of(24.0, 4, within=0.9)


def test_a_carelessly_rounded_percentage_needs_to_be_asked_for():
    # 2 of 43 is 4.65 per cent and was printed as 4.5.
    with pytest.raises(AnalysisError, match="No counts"):
        published_outcomes.count_of(4.5, 43)
    assert published_outcomes.count_of(4.5, 43, within=0.5) == 2


def test_every_count_comes_back_from_its_own_percentage():
    for people in (7, 44, 190):
        for count in range(people + 1):
            printed = round(100 * count / people, 1)
            assert published_outcomes.count_of(printed, people) == count


# --- Groups side by side ------------------------------------------------------------------------


def outcomes(**changes) -> pd.DataFrame:
    """One invented group: 3 of 4 children, as a percentage in the figures."""
    row = {"id": "early_walks", "group": "before symptoms", "study": "A trial", "medicine": "any",
           "copies": "two", "design": "one arm", "age_at_treatment": "within 6 weeks",
           "outcome": "walks", "asked": "walked by two years", "count_fact": "share",
           "people_fact": "people", "unfair": "Some would have walked."}  # fmt: skip
    return pd.DataFrame([row | changes])


FIGURES = pd.DataFrame(
    [("share", "percentage", 75.0, "press", "S", "A 2020"),
     ("people", "count", 4.0, "press", "S", "A 2020"),
     ("walked", "count", 3.0, "abstract", "S", "B 2021")],
    columns=["id", "measure", "estimate", "how_read", "certainty", "source"],
)  # fmt: skip


def test_a_share_and_a_count_give_the_same_row_and_only_the_first_is_derived():
    shared = published_outcomes.proportions(outcomes(), FIGURES).iloc[0]
    counted = published_outcomes.proportions(outcomes(count_fact="walked"), FIGURES).iloc[0]
    assert (shared["value"], shared["people"], shared["estimate"]) == (3.0, 4, 75.0)
    numbers = ["value", "people", "estimate", "ci_low", "ci_high"]
    assert list(shared[numbers]) == list(counted[numbers])
    assert (shared["certainty"], counted["certainty"]) == ("D", "S")
    assert (shared["how_read"], counted["how_read"]) == ("press", "abstract")
    assert (shared["source"], counted["source"]) == ("A 2020", "B 2021")
    # Three of four: the lower end solves 4 p^3 - 3 p^4 = 0.025.
    p = shared["ci_low"] / 100
    assert 4 * p**3 - 3 * p**4 == pytest.approx(0.025)


def test_a_figure_that_is_not_there_is_named():
    with pytest.raises(AnalysisError, match="No published row is named nowhere"):
        published_outcomes.proportions(outcomes(people_fact="nowhere"), FIGURES)


def test_the_rows_of_the_book_agree_with_what_was_printed():
    """The percentages that studies print, beside those of our counts."""
    table = published_outcomes.proportions(
        tables.read("treatment_outcomes"), tables.read("published_estimates")
    ).set_index("term")
    printed = {
        "str1ve_eu_ventilator": 97, "str1ve_eu_sits": 44, "natural_ventilator": 26,
        "firefish_ventilator": 83, "firefish_sits": 44, "smartcare_walks_screened": 63.6,
        "smartcare_walks_symptoms": 14.7, "smartcare_sits_screened": 90.9,
        "smartcare_sits_symptoms": 74.2, "australia_walks_screened": 79,
        "australia_walks_symptoms": 6, "spr1nt_3_walks": 93, "str1ve_us_ventilator": 91,
        "endear_ventilator": 61, "endear_sham_ventilator": 32, "endear_sits": 8,
    }  # fmt: skip
    for term, share in printed.items():
        assert table.loc[term, "estimate"] == pytest.approx(share, abs=0.5), term
    counts = {"smartcare_walks_screened": 28, "smartcare_walks_symptoms": 28,
              "smartcare_sits_screened": 40, "smartcare_sits_symptoms": 141}  # fmt: skip
    assert {term: table.loc[term, "value"] for term in counts} == counts
    assert ((table["ci_low"] <= table["estimate"]) & (table["estimate"] <= table["ci_high"])).all()


def test_every_comparison_says_what_makes_it_unfair_and_no_study_is_on_both_sides():
    rows = tables.read("treatment_outcomes")
    assert rows["unfair"].str.len().min() > 20
    assert not rows.duplicated(["study", "outcome"]).any()
    for study, groups in rows.groupby("study")["group"]:
        assert len(set(groups)) == 1, study
    # The two groups of the one trial that drew lots stand beside each other, before all others.
    first = rows.groupby(["outcome", "group"], sort=False).first()
    lots = rows["design"].str.contains("by lot")
    assert lots.sum() == 4
    assert first["design"].str.contains("by lot").sum() == 4
    assert set(rows.loc[lots, "group"]) == {"never treated", "after symptoms"}
    # A trial with one arm says so.
    alone = rows["design"].str.startswith("trial")
    assert rows.loc[alone, "design"].str.contains("one arm").all()


# --- Differences and chances --------------------------------------------------------------------


def test_the_difference_has_the_interval_of_the_paper():
    # Newcombe 1998, table II, comparison a, method 10: 56/70 against 48/80, 0.0524 to 0.3339.
    found = published_outcomes.difference(56, 70, 48, 80)
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("four", [(28, 44, 28, 190), (11, 14, 1, 16), (0, 10, 0, 20)])
def test_the_difference_agrees_with_other_software(four):
    _, low, high = published_outcomes.difference(*four)
    other = confint_proportions_2indep(*four, method="newcomb", compare="diff")
    assert (low, high) == pytest.approx(other, abs=1e-9)


def test_turned_round_the_difference_changes_its_sign():
    apart, low, high = published_outcomes.difference(28, 44, 28, 190)
    assert published_outcomes.difference(28, 190, 28, 44) == pytest.approx((-apart, -high, -low))


@pytest.mark.parametrize("four", [(0, 0, 1, 2), (1, 2, 3, 2), (-1, 4, 0, 4)])
def test_groups_of_nobody_are_not_compared(four):
    with pytest.raises(AnalysisError, match="cannot be compared"):
        published_outcomes.difference(*four)


def test_nothing_comes_by_luck_where_nobody_has_a_chance():
    rows = pd.DataFrame({"term": ["a"], "value": [1.0], "people": [4]})
    with pytest.raises(AnalysisError, match="above 0 and up to 1"):
        published_outcomes.luck(rows, ["a"], 0.0)


def test_the_chance_of_so_many_is_a_sum_by_hand():
    by_hand = sum(math.comb(14, k) * 0.21**k * 0.79 ** (14 - k) for k in range(9, 15))
    assert published_outcomes.at_least(9, 14, 0.21) == pytest.approx(by_hand)
    assert published_outcomes.at_least(0, 14, 0.21) == 1.0
    assert published_outcomes.at_least(14, 14, 1.0) == 1.0


# --- Mixes --------------------------------------------------------------------------------------

LEAST = {"two": 0.0, "three": 0.31, "four": 0.88}
MOST = {"two": 0.21, "three": 0.31, "four": 1.0}


def test_the_bounds_of_a_mix_are_weighted_means_of_the_ends():
    found = published_outcomes.explained_by_mix({"two": 17, "three": 10}, LEAST, MOST)
    assert found["low"] == pytest.approx(10 * 0.31 / 27)
    assert found["high"] == pytest.approx((17 * 0.21 + 10 * 0.31) / 27)
    assert found["drawn_low"] < found["low"] < found["high"] < found["drawn_high"]


def test_one_kind_alone_has_no_doubt_of_its_mix():
    found = published_outcomes.explained_by_mix({"two": 17}, LEAST, MOST)
    assert found == {"low": 0.0, "high": 0.21, "drawn_low": 0.0, "drawn_high": 0.21}


def test_the_doubt_of_a_mix_is_that_of_a_beta_distribution():
    # Two kinds of which only one can have the outcome: its share is beta(k + 1/2, n - k + 1/2).
    some = {"yes": 1.0, "no": 0.0}
    found = published_outcomes.explained_by_mix({"yes": 30, "no": 70}, some, some, draws=20_000)
    exact = stats.beta.ppf([0.025, 0.975], 30.5, 70.5)
    assert (found["drawn_low"], found["drawn_high"]) == pytest.approx(tuple(exact), abs=0.004)


def test_more_of_the_mild_kind_never_lowers_the_bounds():
    before = published_outcomes.explained_by_mix({"two": 17, "three": 10, "four": 3}, LEAST, MOST)
    after = published_outcomes.explained_by_mix({"two": 17, "three": 10, "four": 9}, LEAST, MOST)
    assert after["low"] > before["low"]
    assert after["high"] > before["high"]


def test_a_kind_without_ends_or_with_turned_ends_is_refused():
    with pytest.raises(AnalysisError, match="a least and a most share"):
        published_outcomes.explained_by_mix({"five": 2}, LEAST, MOST)
    with pytest.raises(AnalysisError, match="a least and a most share"):
        published_outcomes.explained_by_mix({"two": 2}, MOST, LEAST)
    with pytest.raises(AnalysisError, match="draws at least"):
        published_outcomes.explained_by_mix({"two": 2}, LEAST, MOST, draws=5)


def test_a_mix_counts_somebody_and_nobody_below_zero():
    with pytest.raises(AnalysisError, match="counts people"):
        published_outcomes.explained_by_mix({"two": -1, "three": 4}, LEAST, MOST)
    with pytest.raises(AnalysisError, match="counts people"):
        published_outcomes.explained_by_mix({"two": 0}, LEAST, MOST)


def test_the_registry_compared_children_with_up_to_three_copies_in_both_groups():
    rows = tables.read("treatment_outcomes").set_index("id")
    names = [f"smartcare_{does}_{how}" for does in ("sits", "walks")
             for how in ("symptoms", "screened")]  # fmt: skip
    assert set(rows.loc[names, "copies"]) == {"up to three"}
    figures = tables.read("published_estimates").set_index("id")["estimate"]
    assert figures["sma_smartcare_most_copies"] == 3
    # So whatever their mix of two and three, no more would walk untreated than of those with three.
    most = {
        "2": 1 - figures["sma_2_copies_type_1"] / 100,
        "3": figures["sma_3_copies_type_3"] / 100,
    }
    assert max(most.values()) == most["3"] == pytest.approx(0.31)


def test_gaps_of_a_mix_lie_between_the_worst_and_the_best_of_the_other_group():
    kept = {"all": ["two", "three"], "mild": ["three"]}
    found = published_outcomes.mixes({"two": 17, "three": 10}, kept, LEAST, MOST, beside=0.13)
    found = found.set_index(["measure", "group"])
    gap, mixed = published_outcomes.GAP, published_outcomes.MIXED
    assert found.loc[(mixed, "mild"), ["low", "high"]].tolist() == pytest.approx([31, 31])
    assert found.loc[(gap, "mild"), ["low", "high"]].tolist() == pytest.approx([18, 31])
    assert found.loc[(gap, "all"), "low"] == pytest.approx(100 * 3.1 / 27 - 13)
    assert found.loc[(gap, "all"), "unit"] == "points"


def test_pairs_and_luck_are_read_off_the_rows_by_name():
    rows = pd.DataFrame({"term": ["a", "b"], "value": [56.0, 48.0], "people": [70, 80]})
    found = published_outcomes.gaps(rows, {"pair": ("a", "b"), "turned": ("b", "a")})
    assert found["term"].tolist() == ["pair", "turned"]
    assert found.loc[0, ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [20, 5.24, 33.39], abs=0.005
    )
    assert found.loc[1, "ci_low"] == pytest.approx(-found.loc[0, "ci_high"])
    rare = published_outcomes.luck(rows, ["b"], 0.5)
    tail = sum(math.comb(80, k) for k in range(48, 81)) / 2**80
    assert rare["estimate"].tolist() == [float(f"{1 / tail:.2g}")]
    assert 1 / tail == pytest.approx(rare["estimate"][0], rel=0.05)


# --- Births that are offered a test -------------------------------------------------------------

BIRTHS = {"North": 100.0, "South": 300.0}  # an invented country of two nations


def test_births_are_parted_by_hand():
    asked = {"now": {"North": 100.0}, "soon": {"North": 100.0, "South": 60.0}}
    parted = published_outcomes.offered(BIRTHS, asked)
    found = parted.set_index(["group", "country", "level"])["births"]
    assert found["now", "all", "offered"] == 100
    assert found["now", "South", "not offered"] == 300
    assert found["soon", "South", "offered"] == 180
    assert found["soon", "all", "not offered"] == 120
    # A part without births has no row.
    assert ("now", "North", "not offered") not in found.index
    # 100 and 280 of 400.
    covered = published_outcomes.cover(parted).set_index("group")["estimate"]
    assert covered.to_dict() == {"now": 25.0, "soon": 70.0}


def test_where_nobody_is_offered_the_test_the_cover_is_nothing():
    covered = published_outcomes.cover(published_outcomes.offered(BIRTHS, {"then": {}}))
    assert covered["estimate"].tolist() == [0.0]


@pytest.mark.parametrize("share", [0.0, 12.5, 60.0, 100.0])
def test_nobody_is_lost_between_the_two_parts(share):
    found = published_outcomes.offered(BIRTHS, {"r": {"South": share}})
    assert found.loc[found["country"] != "all", "births"].sum() == pytest.approx(400)
    assert found.loc[found["country"] == "all", "births"].sum() == pytest.approx(400)


def test_a_nation_without_births_or_a_share_beyond_all_is_refused():
    with pytest.raises(AnalysisError, match="No births are given for East"):
        published_outcomes.offered(BIRTHS, {"r": {"East": 10.0}})
    with pytest.raises(AnalysisError, match="between 0 and 100"):
        published_outcomes.offered(BIRTHS, {"r": {"North": 101.0}})


@pytest.mark.parametrize("births", [float("nan"), -1.0])
def test_births_that_are_no_number_are_refused(births):
    with pytest.raises(AnalysisError, match="births of South are no number"):
        published_outcomes.offered({"North": 100.0, "South": births}, {"r": {"North": 10.0}})


def test_a_reading_takes_the_widest_range_of_its_variants():
    rows = [("plan", 4.0, 3.0, 5.0), ("few", 3.5, 2.0, 4.5), ("many", 4.5, 3.5, 6.0),
            ("other", 9.0, 8.0, 10.0)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["group", "estimate", "low", "high"])
    table = table.assign(country="all", level="offered", measure="births")
    found = published_outcomes.widest(table, {"plan": ["few", "many"]}).set_index("group")
    assert list(found.index) == ["plan", "other"]
    assert found.loc["plan", ["estimate", "low", "high"]].tolist() == [4.0, 2.0, 6.0]
    assert found.loc["other", ["estimate", "low", "high"]].tolist() == [9.0, 8.0, 10.0]
    with pytest.raises(AnalysisError, match="variants of gone, and no such reading"):
        published_outcomes.widest(table, {"gone": ["few"]})


# --- The table of who is screened ---------------------------------------------------------------


def test_who_is_screened_names_every_nation_once_as_a_whole_or_by_place():
    rows = tables.read("screening_status")
    assert set(rows["nation"]) == {"England", "Scotland", "Wales", "Northern Ireland"}
    assert (rows["nation"] == "Scotland").sum() == (rows["nation"] == "Wales").sum() == 1
    # What was not found is neither seen nor derived, and has no page.
    lost = rows["status"] == "not found"
    assert rows.loc[lost, ["certainty", "address", "citation"]].isna().all(axis=None)
    assert rows.loc[~lost, ["certainty", "address", "citation"]].notna().all(axis=None)
    # Each is a day that there was, and none lies after the newest look.
    days = pd.to_datetime(rows["date"], format="%Y-%m-%d")
    assert days.max() == pd.Timestamp("2026-11-22")
    assert not rows["id"].duplicated().any()
    raw = (places.DATA / "screening_status.csv").read_bytes()
    assert b"\r" not in raw


def test_no_laboratory_is_said_to_screen_without_a_source():
    rows = tables.read("screening_status")
    laboratories = rows[rows["id"].str.startswith("laboratory_")]
    assert set(laboratories["status"]) == {"has the equipment", "not named"}
    assert set(laboratories["certainty"]) == {"D"}
    six = laboratories["status"] == "has the equipment"
    assert six.sum() == 6
    assert laboratories.loc[six, "note"].str.contains("likely and was not seen").all()
    assert laboratories.loc[~six, "note"].str.contains("the seventh was not seen").all()
    assert not any(re.search(r"\bwill\b", note) for note in rows["note"])


def test_the_range_of_the_cover_is_that_of_its_sources():
    figures = tables.read("published_estimates").set_index("id")["estimate"]
    row = tables.read("scenario_assumptions").set_index("name").loc["cover_seven_laboratories"]
    untested = figures["sma_plan_untested"] / figures["births_england_2024"]
    assert row["value"] == figures["sma_plan_covered"]
    assert row["low"] == figures["sma_england_births_covered_2024"]
    assert row["high"] == pytest.approx(100 * (1 - untested), abs=0.05)
