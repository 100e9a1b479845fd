"""Indices of inequality: R's answers, and what must be true of any index.

The numbers beside the calls are R 4.2.2's. The people are lifelines' copy of R's
`survival::cancer` with ph.ecog and meal.cal known (180 rows), ranked by ph.ecog, with

    n <- table(d$ph.ecog); s <- n / sum(n); r <- cumsum(s) - s / 2
    d$ridit <- as.numeric(r[as.character(d$ph.ecog)])

and `ends` is exp(coef + c(-1, 1) * qt(.975, df.residual) * se).
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from distance_to_care import inequality
from distance_to_care.problems import AnalysisError

INDICES = [
    inequality.slope_index,
    inequality.relative_index,
    inequality.concentration_index,
]


@pytest.fixture
def groups():
    """One row a fifth: deaths and people."""
    table = pd.DataFrame(
        {
            "quintile": [1, 2, 3, 4, 5],
            "deaths": [182, 171, 160, 139, 131],
            "people": [469, 450, 448, 448, 544],
        }
    )
    return table.assign(rate=table["deaths"] / table["people"])


@pytest.fixture(scope="module")
def lung():
    people = load_lung().dropna(subset=["ph.ecog", "meal.cal"])
    people = people.assign(dead=people["status"] == 1, sex=people["sex"].astype(int).astype(str))
    assert len(people) == 180
    return people


def row(found):
    assert list(found) == ["estimate", "standard_error", "ci_low", "ci_high"]
    assert len(found) == 1
    return found.iloc[0].tolist()


def test_slope_index_of_groups_is_that_of_lm(groups):
    # summary(lm(rate ~ ridit, weights = people, data = g)); confint()
    answer = [-0.1905630328466783, 0.0347090910386032, -0.3010228513822369, -0.0801032143111197]
    found = row(inequality.slope_index(groups, "rate", "quintile", "people"))
    assert found == pytest.approx(answer, rel=1e-11)


def test_relative_index_of_groups_is_that_of_glm(groups):
    # summary(glm(rate ~ ridit, weights = people, family = quasipoisson, data = g)); ends
    found = row(inequality.relative_index(groups, "rate", "quintile", "people"))
    answer = [0.561661617019123, 0.128811796496870, 0.372770495895789, 0.846268080510124]
    assert found == pytest.approx(answer, rel=1e-8)
    assert np.log(found[0]) == pytest.approx(-0.576855715374603, rel=1e-8)


def test_concentration_index_of_groups_is_that_of_lm_and_the_covariance(groups):
    # v <- sum(people * (ridit - .5)^2) / sum(people); m <- weighted.mean(rate, people)
    # lm(I(2 * v * rate / m) ~ ridit, weights = people, data = g)
    answer = [-0.0917867334525476, 0.0167180068450302, -0.1449908925682216, -0.0385825743368735]
    found = row(inequality.concentration_index(groups, "rate", "quintile", "people"))
    assert found == pytest.approx(answer, rel=1e-11)


def test_indices_of_people_are_those_of_r(lung):
    # lm(meal.cal ~ ridit + age + factor(sex), data = d)
    slope = row(inequality.slope_index(lung, "meal.cal", "ph.ecog", adjust=["age", "sex"]))
    answer = [-52.8824513048482, 111.8717572606314, -273.665211271814, 167.900308662118]
    assert slope == pytest.approx(answer, rel=1e-10)
    # glm(dead ~ ridit + age + factor(sex), family = quasipoisson, data = d); ends
    ratio = row(inequality.relative_index(lung, "dead", "ph.ecog", adjust=["age", "sex"]))
    answer = [1.62256623857156, 0.173613480384526, 1.15185860964748, 2.28562878855244]
    assert ratio == pytest.approx(answer, rel=1e-8)
    # v <- mean((d$ridit - .5)^2); lm(I(2 * v * meal.cal / mean(meal.cal)) ~ ridit, data = d)
    index = row(inequality.concentration_index(lung, "meal.cal", "ph.ecog"))
    answer = [-0.0228227724380741, 0.0172553232357699, -0.0568740975372749, 0.0112285526611267]
    assert index == pytest.approx(answer, rel=1e-10)


def test_a_linear_probability_slope_needs_no_robust_error(lung):
    # f <- lm(dead ~ ridit, data = d); sqrt(sandwich::vcovHC(f, "HC1")["ridit", "ridit"])
    robust = 0.115967556736916
    found = inequality.slope_index(lung, "dead", "ph.ecog").iloc[0]
    assert found["estimate"] == pytest.approx(0.387952485016336, rel=1e-10)
    assert found["standard_error"] == pytest.approx(0.119797537657007, rel=1e-10)
    assert found["standard_error"] == pytest.approx(robust, rel=0.05)


@pytest.fixture
def towns():
    """Areas of four towns: fifth, minutes, people."""
    return pd.DataFrame(
        {
            "quintile": [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 2, 4],
            "town": list("aaabbbbcccdd"),
            "minutes": [61, 55, 43, 38, 41, 70, 66, 42, 47, 30, 58, 33],
            "people": [469, 450, 448, 448, 544, 210, 180, 330, 410, 95, 120, 260],
        }
    )


def test_errors_by_clusters_are_those_of_sandwich(towns):
    # library(sandwich); se <- sqrt(vcovCL(f, cluster = d$town, type = "HC1")["ridit", "ridit"])
    # coef(f)["ridit"] + c(-1, 1) * qt(.975, 3) * se
    def found(index):
        return row(index(towns, "minutes", "quintile", "people", cluster="town"))

    # f <- lm(minutes ~ ridit, weights = people, data = d)
    answer = [-32.03506897124767, 2.53876891791428, -40.11456473403307, -23.95557320846226]
    assert found(inequality.slope_index) == pytest.approx(answer, rel=1e-10)
    # f <- glm(minutes ~ ridit, weights = people, family = quasipoisson, data = d); exp(ends)
    answer = [0.5108776001706692, 0.0580086236517035, 0.4247584700013161, 0.6144572522717061]
    assert found(inequality.relative_index) == pytest.approx(answer, rel=1e-8)
    # f <- lm(I(2 * v * minutes / m) ~ ridit, weights = people, data = d); v, m as above
    answer = [-0.10624145839105, 0.00841960142490006, -0.133036387837688, -0.07944652894441874]
    assert found(inequality.concentration_index) == pytest.approx(answer, rel=1e-10)


@pytest.mark.parametrize("index", INDICES)
def test_clusters_change_the_interval_and_never_the_estimate(index, towns):
    by_area = index(towns, "minutes", "quintile", "people").iloc[0]
    by_town = index(towns, "minutes", "quintile", "people", cluster="town").iloc[0]
    assert by_town["estimate"] == by_area["estimate"]
    assert by_town["standard_error"] != pytest.approx(by_area["standard_error"], rel=0.01)


@pytest.mark.parametrize("index", INDICES)
def test_twice_the_same_areas_in_the_same_towns_are_no_more_evidence(index, towns):
    """Each area listed twice: errors of single rows shrink, those of towns hardly move."""
    twice = pd.concat([towns, towns], ignore_index=True)
    ratios = []
    for cluster in (None, "town"):
        one, two = (
            index(t, "minutes", "quintile", "people", cluster=cluster)["standard_error"].item()
            for t in (towns, twice)
        )
        ratios.append(two / one)
    assert ratios[0] == pytest.approx((10 / 22) ** 0.5, rel=1e-6)
    # Only the correction of small samples is left: (23 / 22) / (11 / 10).
    assert ratios[1] == pytest.approx((23 / 22 / (11 / 10)) ** 0.5, rel=1e-6)


@pytest.mark.parametrize("index", INDICES)
def test_clusters_are_checked(index, towns):
    with pytest.raises(AnalysisError, match="no column 'village'"):
        index(towns, "minutes", "quintile", cluster="village")
    with pytest.raises(AnalysisError, match="'town' has one cluster"):
        index(towns.assign(town="a"), "minutes", "quintile", cluster="town")
    missing = towns.assign(town=[None, *towns["town"][1:]])
    with pytest.raises(AnalysisError, match="'town' is missing in 1 rows"):
        index(missing, "minutes", "quintile", cluster="town")


def test_ridits_are_the_middles_of_cumulative_shares(groups):
    scores = inequality.ridit(groups["quintile"], groups["people"])
    assert scores.iloc[0] == pytest.approx(469 / 2359 / 2)
    assert scores.iloc[4] == pytest.approx(1 - 544 / 2359 / 2)
    assert np.average(scores, weights=groups["people"]) == pytest.approx(0.5)


@pytest.mark.parametrize("index", INDICES)
def test_people_and_their_groups_give_the_same_estimate(index, groups):
    each = groups.loc[groups.index.repeat(groups["people"])].reset_index(drop=True)
    each["died"] = each.groupby("quintile").cumcount() < each["deaths"]
    of_people = index(each, "died", "quintile")["estimate"].iloc[0]
    of_groups = index(groups, "rate", "quintile", "people")["estimate"].iloc[0]
    assert of_people == pytest.approx(of_groups, rel=1e-10)


@pytest.mark.parametrize("index", INDICES)
def test_without_a_gradient_there_is_no_inequality(index, groups):
    found = index(groups.assign(rate=0.3), "rate", "quintile", "people").iloc[0]
    nothing = 1 if index is inequality.relative_index else 0
    assert found.tolist() == pytest.approx([nothing, 0, nothing, nothing], abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.integers(100, 900)), min_size=4, max_size=9, unique=True
    )
)
def test_reversing_the_ranks_reverses_every_index(drawn):
    table = pd.DataFrame(drawn, columns=["rate", "people"])
    table["group"] = range(len(table))
    turned = table.assign(group=-table["group"])
    for index in INDICES:
        one = index(table, "rate", "group", "people").iloc[0]
        two = index(turned, "rate", "group", "people").iloc[0]
        if index is inequality.relative_index:
            assert one["estimate"] * two["estimate"] == pytest.approx(1, rel=1e-7)
            assert one["ci_low"] * two["ci_high"] == pytest.approx(1, rel=1e-6)
        else:
            assert one["estimate"] == pytest.approx(-two["estimate"], rel=1e-9, abs=1e-9)
            assert one["ci_low"] == pytest.approx(-two["ci_high"], rel=1e-9, abs=1e-9)
        assert one["standard_error"] == pytest.approx(two["standard_error"], rel=1e-6)


@pytest.mark.parametrize("index", INDICES)
def test_two_identical_halves_of_a_group_are_the_group(index, groups):
    halves = pd.concat([groups, groups]).assign(people=lambda both: both["people"] / 2)
    whole = index(groups, "rate", "quintile", "people").iloc[0]
    split = index(halves, "rate", "quintile", "people").iloc[0]
    assert split["estimate"] == pytest.approx(whole["estimate"], rel=1e-9)


@pytest.mark.parametrize("index", INDICES)
def test_only_the_shares_of_the_weights_count(index, groups):
    one = index(groups, "rate", "quintile", "people")
    two = index(groups.assign(people=groups["people"] / 1000), "rate", "quintile", "people")
    pd.testing.assert_frame_equal(one, two, rtol=1e-7)


def test_categories_keep_their_order_and_text_is_sorted(groups):
    names = ["worst", "bad", "middling", "fair", "best"]
    text = groups.assign(quintile=names)
    ordered = groups.assign(quintile=pd.Categorical(names, names))
    expected = inequality.slope_index(groups, "rate", "quintile", "people")
    found = inequality.slope_index(ordered, "rate", "quintile", "people")
    pd.testing.assert_frame_equal(found, expected)
    renumbered = groups.assign(quintile=[5, 1, 4, 3, 2])  # bad, best, fair, middling, worst
    pd.testing.assert_frame_equal(
        inequality.slope_index(text, "rate", "quintile", "people"),
        inequality.slope_index(renumbered, "rate", "quintile", "people"),
    )


def test_a_straight_line_in_the_ridit_is_found(groups):
    scores = inequality.ridit(groups["quintile"], groups["people"])
    line = groups.assign(rate=7 - 2 * scores)
    assert inequality.slope_index(line, "rate", "quintile", "people")["estimate"].iloc[
        0
    ] == pytest.approx(-2)
    curve = groups.assign(rate=np.exp(1 + np.log(3) * scores))
    found = inequality.relative_index(curve, "rate", "quintile", "people").iloc[0]
    assert found["estimate"] == pytest.approx(3, rel=1e-8)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rate": [0.1, np.nan, 0.2, 0.3, 0.4]}, "'rate' is missing in 1 rows"),
        ({"quintile": 1}, "'quintile' has one group"),
        ({"people": [0, 1, 2, 3, 4]}, "Weights must be above 0"),
        ({"rate": list("abcde")}, "'rate' must be a number"),
        ({"rate": [1, 2, np.inf, 3, 4]}, "'rate' must be finite"),
        ({"men": 0.8}, "the same value of 'men'"),
        ({"men": ["a", "b", "c", "d", "e"]}, "too few"),
        ({"men": [1 / 2359, 0, 0, 0, 0]}, None),
    ],
)
@pytest.mark.parametrize("index", INDICES)
def test_misuse_is_a_sentence(index, change, sentence, groups):
    table = groups.assign(**({"men": [0.7, 0.8, 0.9, 0.7, 0.8]} | change))
    if sentence is None:  # the same call without its fault
        assert np.isfinite(index(table, "rate", "quintile", "people", ["men"])["estimate"].iloc[0])
        return
    with pytest.raises(AnalysisError, match=sentence):
        index(table, "rate", "quintile", "people", ["men"])


@pytest.mark.parametrize("index", INDICES)
def test_an_adjustment_that_follows_from_the_ranks_is_a_sentence(index, groups):
    table = groups.assign(again=inequality.ridit(groups["quintile"], groups["people"]) * 3)
    with pytest.raises(AnalysisError, match="cannot be told apart"):
        index(table, "rate", "quintile", "people", ["again"])
    with pytest.raises(AnalysisError, match="no column 'wealth'"):
        index(groups, "rate", "wealth", "people")


@pytest.mark.parametrize("index", INDICES[1:])
def test_ratios_need_an_outcome_that_is_never_negative(index, groups):
    for rate in ([0.1, -0.2, 0.3, 0.4, 0.5], [0, 0, 0, 0, 0]):
        with pytest.raises(AnalysisError, match="never below 0 and somewhere above it"):
            index(groups.assign(rate=rate), "rate", "quintile", "people")


def test_many_people_give_a_ratio():
    # The fit stops where coefficients stand still; the deviance of many people need not.
    for seed in range(4):
        random = np.random.default_rng(seed)
        people = pd.DataFrame({"quintile": random.integers(1, 6, 100_000)})
        people["ill"] = random.random(len(people)) < 0.3 * np.exp(-0.1 * people["quintile"])
        found = inequality.relative_index(people, "ill", "quintile").iloc[0]
        assert found["ci_low"] < np.exp(-0.5) < found["ci_high"]


def test_a_ratio_without_a_bound_is_a_sentence(groups):
    one_end = groups.assign(rate=[0, 0, 0, 0, 0.4])
    with pytest.raises(AnalysisError, match="above 0 at one end only"):
        inequality.relative_index(one_end, "rate", "quintile", "people")


@pytest.mark.parametrize("name", ["ridit", "constant"])
def test_an_adjustment_may_be_called_like_the_rank(lung, name):
    called = lung.rename(columns={"age": name})
    plain = inequality.slope_index(lung, "time", "ph.ecog", adjust=["age"])
    assert inequality.slope_index(called, "time", "ph.ecog", adjust=[name]).equals(plain)


def test_no_adjustment_and_an_infinite_one(lung):
    plain = inequality.slope_index(lung, "time", "ph.ecog")
    assert inequality.slope_index(lung, "time", "ph.ecog", adjust=None).equals(plain)
    endless = lung.assign(age=lung["age"].astype(float).replace(lung["age"].max(), np.inf))
    with pytest.raises(AnalysisError, match="'age' must be finite"):
        inequality.slope_index(endless, "time", "ph.ecog", adjust=["age"])
