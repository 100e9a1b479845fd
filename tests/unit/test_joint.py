"""Two exposures together: answers of R on real data, and what must hold for any data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from distance_to_care import disclosure, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import joint

# The R call that made the values stands in the file.
KNOWN = json.loads(
    (Path(__file__).parents[1] / "known_answers" / "joint.json").read_text(encoding="utf-8")
)["values"]
EXPOSURES = {"sex": (1,), "ecog": (1, 2, 3)}
NAMES = ("first", "second")


@pytest.fixture(scope="module")
def lung() -> pd.DataFrame:
    found = tables.read_packaged("lung").dropna()
    return found.assign(
        follow_up_years=found["days"].astype(float), died=found["outcome"] == "died"
    )


@pytest.fixture(scope="module")
def measures(lung) -> pd.DataFrame:
    found = joint.interaction(lung, ("age",), EXPOSURES, NAMES)
    return found.set_index("estimand")


def people_of(rates: dict[tuple[int, int], float], each: int = 4000, seed: int = 5) -> pd.DataFrame:
    """People with a constant hazard in each of four cells, followed for at most two years."""
    draws = np.random.default_rng(seed)
    cells = []
    for (deprived, far), rate in rates.items():
        time = draws.exponential(1 / rate, each)
        cells.append(
            pd.DataFrame(
                {
                    "deprivation_quintile": 1 if deprived else 5,
                    "distance_quintile": 5 if far else 1,
                    "age_years": draws.normal(70, 8, each),
                    "follow_up_years": np.minimum(time, 4.0),
                    "died": time < 4.0,
                }
            )
        )
    return pd.concat(cells, ignore_index=True)


@pytest.mark.parametrize(
    "measure",
    [
        "ratio_of_hazard_ratios",
        "relative_excess_risk",
        "attributable_proportion",
        "synergy_index",
    ],
)
def test_measures_of_interaction_are_those_of_r(measures, measure):
    row, known = measures.loc[f"interaction.{measure}"], KNOWN[measure]
    for column in ("estimate", "ci_low", "ci_high"):
        assert row[column] == pytest.approx(known[column], rel=1e-6)


@pytest.mark.parametrize(
    ("group", "known"),
    [("first_only", "first only"), ("second_only", "second only"), ("first_and_second", "both")],
)
def test_hazard_ratios_of_the_groups_are_those_of_r(measures, group, known):
    row = measures.loc[f"interaction.hazard_ratio.{group}"]
    for column in ("estimate", "ci_low", "ci_high"):
        assert row[column] == pytest.approx(KNOWN[f"hazard_ratio.{known}"][column], rel=1e-6)


def test_the_p_value_of_the_product_is_the_likelihood_ratio_of_r(measures):
    found = measures.loc["interaction.ratio_of_hazard_ratios", "p_value"]
    assert found == pytest.approx(KNOWN["likelihood_ratio"]["p_value"], rel=1e-6)


def test_product_of_steps_is_that_of_r(lung):
    row = joint.product_of_steps(lung[lung["ecog"] < 3], ("age",), {"ecog": 0, "sex": 2}).iloc[0]
    known = KNOWN["product_of_steps"]
    assert row["estimate"] == pytest.approx(known["estimate"], rel=1e-6)
    assert row["statistic"] == pytest.approx(known["statistic"], rel=1e-6)
    assert row["p_value"] == pytest.approx(known["p_value"], rel=1e-6)
    error = np.log(row["ci_high"] / row["estimate"]) / joint.Z95
    assert error == pytest.approx(known["standard_error"], rel=1e-6)


def test_standardised_survival_is_that_of_r(lung):
    found = joint.standardised_survival(lung, ("age",), 365, EXPOSURES, NAMES, replicates=0)
    alive = found[found["measure"] == "survival"].set_index("group")["estimate"]
    known = KNOWN["standardised_survival"]
    for ours, theirs in [("neither", "neither"), ("first only", "first only"),
                         ("second only", "second only"), ("first and second", "both")]:  # fmt: skip
        assert alive[ours] == pytest.approx(known[theirs], rel=1e-6)
    assert found["ci_low"].isna().all()


def test_hazards_that_multiply_have_no_ratio_but_an_excess():
    people = people_of({(0, 0): 0.2, (1, 0): 0.4, (0, 1): 0.4, (1, 1): 0.8})
    found = joint.interaction(people).set_index("estimand")
    ratio = found.loc["interaction.ratio_of_hazard_ratios"]
    assert ratio["ci_low"] < 1 < ratio["ci_high"]
    excess = found.loc["interaction.relative_excess_risk"]
    assert excess["ci_low"] < 1 < excess["ci_high"]  # 4 - 2 - 2 + 1
    assert excess["ci_low"] > 0
    assert found.loc["interaction.synergy_index", "estimate"] == pytest.approx(1.5, abs=0.2)


def test_hazards_that_add_have_no_excess_but_a_ratio():
    people = people_of({(0, 0): 0.2, (1, 0): 0.4, (0, 1): 0.4, (1, 1): 0.6})
    found = joint.interaction(people).set_index("estimand")
    ratio = found.loc["interaction.ratio_of_hazard_ratios"]
    assert ratio["ci_high"] < 1  # 3 / (2 x 2)
    excess = found.loc["interaction.relative_excess_risk"]
    assert excess["ci_low"] < 0 < excess["ci_high"]
    share = found.loc["interaction.attributable_proportion"]
    assert share["ci_low"] < 0 < share["ci_high"]


def test_an_exposure_that_lowers_the_hazard_leaves_the_synergy_index_empty():
    people = people_of({(0, 0): 0.8, (1, 0): 0.2, (0, 1): 0.4, (1, 1): 0.3}, each=500)
    row = joint.interaction(people).set_index("estimand").loc["interaction.synergy_index"]
    assert np.isnan([row["estimate"], row["ci_low"], row["ci_high"]]).all()
    assert "not defined" in row["note"]


def test_standardised_survival_needs_no_proportional_hazards_and_finds_the_truth():
    people = people_of({(0, 0): 0.2, (1, 0): 0.4, (0, 1): 0.3, (1, 1): 0.7})
    # The hazard of the deprived falls to a third after a year: survival stays known.
    jump = (people["deprivation_quintile"] == 1) & (people["follow_up_years"] > 1)
    rest = people.loc[jump, "follow_up_years"] - 1
    people.loc[jump, "follow_up_years"] = 1 + 3 * rest
    found = joint.standardised_survival(people, ("age_years",), 3, replicates=40)
    alive = found[found["measure"] == "survival"].set_index("group")
    truth = {
        "neither": np.exp(-0.6),
        "deprived only": np.exp(-0.4 - 0.4 * 2 / 3),
        "far only": np.exp(-0.9),
        "deprived and far": np.exp(-0.7 - 0.7 * 2 / 3),
    }
    for group, value in truth.items():
        assert alive.loc[group, "estimate"] == pytest.approx(value, abs=0.025)
        assert (
            alive.loc[group, "ci_low"] < alive.loc[group, "estimate"] < alive.loc[group, "ci_high"]
        )
    (together,) = found.loc[found["measure"] == joint.BEYOND, "estimate"]
    low, one, two, both = (alive.loc[group, "estimate"] for group in truth)
    assert together == pytest.approx(100 * (both - one - two + low))


def test_what_is_lost_beyond_the_sum_is_said_without_a_sign():
    row = {"measure": joint.BEYOND, "time_years": 3.0, "estimate": -5.4, "ci_low": -18.4,
           "ci_high": 7.1}  # fmt: skip
    found = joint.beyond_the_sum(pd.DataFrame([row])).iloc[0]
    assert found["note"] == "5 percentage points more (95% CI 7 less to 18 more)"
    assert (found["estimate"], found["ci_low"], found["ci_high"]) == (5.4, -7.1, 18.4)
    other = pd.DataFrame([row | {"estimate": 2.0, "ci_low": 0.6}])
    assert joint.beyond_the_sum(other).iloc[0]["note"].startswith("2 percentage points less")
    withheld = pd.DataFrame([row | dict.fromkeys(("estimate", "ci_low", "ci_high"), np.nan)])
    assert joint.beyond_the_sum(withheld).iloc[0]["note"] == ""


def test_an_answer_is_named_with_its_group():
    together = pd.DataFrame(
        {"measure": ["hazard ratio", "synergy index"], "group": ["far only", "all"]}
    )
    alive = pd.DataFrame({"measure": ["survival", "factor"], "group": ["neither", None]})
    named = joint.by_group(together, alive)
    assert named["measure"].tolist() == [
        "hazard ratio, far only", "synergy index", "survival, neither", "factor"
    ]  # fmt: skip
    assert (named["published"] == "").all()


def test_the_groups_are_made_alike_in_what_is_adjusted_for():
    people = people_of({(0, 0): 0.3, (1, 0): 0.3, (0, 1): 0.3, (1, 1): 0.3})
    # The deprived are ten years younger, and each year adds a tenth to the hazard.
    younger = people["deprivation_quintile"] == 1
    people.loc[younger, "age_years"] -= 10
    draws = np.random.default_rng(8)
    time = draws.exponential(1 / (0.3 * np.exp(0.1 * (people["age_years"] - 70))))
    people = people.assign(follow_up_years=np.minimum(time, 4), died=time < 4)
    crude = joint.interaction(people).set_index("estimand")["estimate"]
    adjusted = joint.interaction(people, ("age_years",)).set_index("estimand")["estimate"]
    assert crude["interaction.hazard_ratio.deprived_only"] < 0.6
    assert adjusted["interaction.hazard_ratio.deprived_only"] == pytest.approx(1, abs=0.1)
    alive = joint.standardised_survival(people, ("age_years",), 2, replicates=0)
    (gap,) = alive.loc[
        (alive["measure"] == "difference in survival") & (alive["group"] == "deprived only"),
        "estimate",
    ]
    assert abs(gap) < 3


def test_shares_of_a_cross_classification_add_up():
    people = people_of({(0, 0): 1, (1, 0): 1, (0, 1): 1, (1, 1): 1}, each=20)
    people.loc[0, "distance_quintile"] = np.nan
    found = joint.cross_classify(people)
    assert found.groupby("group")["estimate"].sum().to_numpy() == pytest.approx(100)
    assert found.drop_duplicates("group")["people"].sum() == len(people) - 1


def test_overlap_of_exposures_that_exclude_each_other_and_that_are_one():
    apart = pd.DataFrame(
        {"deprivation_quintile": [1, 1, 5, 5] * 25, "distance_quintile": [1, 2, 4, 5] * 25}
    )
    found = joint.overlap(apart).set_index(["measure", "group"])["estimate"]
    assert found["share of all", "deprived and far"] == 0
    assert found["share of all", "deprived and far, if unrelated"] == pytest.approx(25)
    same = apart.assign(distance_quintile=6 - apart["deprivation_quintile"])
    found = joint.overlap(same).set_index(["measure", "group"])
    assert found.loc[("share of all", "deprived only"), "estimate"] == 0
    assert found.loc[("rank correlation", "all"), "estimate"] == pytest.approx(-1)
    shares = found.loc["share of all", "estimate"]
    four = ["deprived and far", "deprived only", "far only", "neither"]
    assert shares[four].sum() == pytest.approx(100)


def test_rank_correlation_and_its_interval():
    draws = np.random.default_rng(2)
    people = pd.DataFrame({"deprivation_quintile": draws.integers(1, 6, 800),
                           "distance_quintile": draws.integers(1, 6, 800)})  # fmt: skip
    row = joint.overlap(people).set_index("measure").loc["rank correlation"]
    # scipy.stats.spearmanr gives the same coefficient; the interval holds nought.
    expected = people.corr(method="spearman").iloc[0, 1]
    assert row["estimate"] == pytest.approx(expected, rel=1e-9)
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.96 / np.sqrt(797), rel=0.02)


def test_a_group_without_deaths_is_a_sentence():
    people = people_of({(0, 0): 1, (1, 0): 1, (0, 1): 1, (1, 1): 1}, each=30)
    both = (people["deprivation_quintile"] == 1) & (people["distance_quintile"] == 5)
    with pytest.raises(AnalysisError, match="deprived and far"):
        joint.interaction(people.assign(died=people["died"] & ~both))
    with pytest.raises(AnalysisError, match="followed that long"):
        joint.standardised_survival(people, ("age_years",), 9, replicates=0)


def test_a_small_group_hides_every_share_it_could_be_computed_from():
    rows = {(1, 1): 60, (1, 5): 4, (5, 1): 50, (5, 5): 30}
    people = pd.DataFrame(
        [pair for pair, count in rows.items() for _ in range(count)],
        columns=["deprivation_quintile", "distance_quintile"],
    )
    shown = disclosure.counts.protect(joint.overlap(people))
    shares = shown[shown["measure"] == "share of all"]
    assert shares["estimate"].isna().all()
    assert shares["suppressed"].all()


def test_for_a_cohort_of_any_size_what_cannot_be_estimated_says_why():
    people = people_of({(0, 0): 1, (1, 0): 1, (0, 1): 1, (1, 1): 1}, each=30)
    whole = joint.measures_of_interaction(people, ("age_years",))
    both = (people["deprivation_quintile"] == 1) & (people["distance_quintile"] == 5)
    few = people.assign(died=people["died"] & ~both)
    noted = joint.measures_of_interaction(few, ("age_years",))
    assert list(noted["estimand"]) == list(whole["estimand"])
    first = noted[noted["estimand"] != "interaction.per_step"]
    assert first["estimate"].isna().all()
    assert first["note"].str.contains("Nobody died in the group 'deprived and far'").all()
    alive = joint.survival_in_groups(few, ("age_years",), 1)
    assert alive["estimate"].isna().all()
    assert alive["note"].str.contains("Nobody died").all()
    assert list(alive["estimand"]) == list(
        joint.standardised_survival(people, ("age_years",), 1, replicates=0)["estimand"]
    )


def test_intervals_of_too_few_deaths_are_not_made_up():
    people = people_of({(0, 0): 1, (1, 0): 1, (0, 1): 1, (1, 1): 1}, each=30)
    both = (people["deprivation_quintile"] == 1) & (people["distance_quintile"] == 5)
    one = people[both & people["died"]].index[0]
    few = people.assign(died=people["died"] & (~both | (people.index == one)))
    with pytest.raises(AnalysisError, match="a resample can hold none"):
        joint.standardised_survival(few, ("age_years",), 1, replicates=50)
