"""A Cox model over several registries is the stratified model of all people, to the last digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from statsmodels.duration.hazard_regression import PHReg

from distance_to_care import places, synthesis, tables
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics import engine, pooled_cox

EXPOSURE = "deprivation_quintile"
SAME = 1e-8


@pytest.fixture(scope="module")
def study():
    return tables.read_study(str(places.STUDIES / "ipf.toml"))


def invented(people: int, seed: int, ties: int = 0) -> pd.DataFrame:
    """Draw people whose hazard rises with deprivation and age; `ties` whole steps a year."""
    rng = np.random.default_rng(seed)
    quintile = rng.integers(1, 6, people)
    age = rng.normal(70, 8, people)
    rate = 0.3 * np.exp(0.15 * (5 - quintile) + 0.04 * (age - 70))
    years = rng.exponential(1 / rate)
    end = rng.uniform(0.5, 6, people)
    followed = np.minimum(years, end)
    if ties:
        followed = np.ceil(followed * ties) / ties
    return pd.DataFrame(
        {
            "follow_up_years": followed,
            "outcome": np.where(years <= end, "died", "censored"),
            EXPOSURE: quintile,
            "distance_quintile": rng.integers(1, 6, people),
            "age_years": age,
            "sex": rng.choice(["female", "male"], people),
        }
    )


def in_rounds(registries, terms, rounds: int = 8) -> tuple[pooled_cox.Sums, int]:
    """Go through rounds until Newton's method has arrived, as the commands do."""
    at, last = np.zeros(len(terms)), None
    for number in range(1, rounds + 1):
        answers = [pooled_cox.contribution(people, terms, at) for people in registries]
        now = pooled_cox.added([pooled_cox.of_table(answer) for answer in answers])
        last = pooled_cox.newton(now, last)
        if last.arrived:
            return now, number
        at = np.array(pooled_cox.rounded(last.coefficients))
    raise AssertionError("Newton's method has not arrived")


def of_statsmodels(registries, terms) -> tuple[np.ndarray, np.ndarray]:
    """Fit the stratified model of all people together with statsmodels."""
    people = pd.concat(registries, ignore_index=True)
    strata = np.repeat(np.arange(len(registries)), [len(each) for each in registries])
    fit = PHReg(
        people["follow_up_years"].to_numpy(float),
        pooled_cox.design(people, terms).to_numpy(),
        (people["outcome"] == "died").to_numpy(int),
        strata=strata,
        ties="efron",
    ).fit(disp=0, tol=1e-13, ridge_factor=0, maxiter=200)
    return fit.params, fit.bse


@pytest.mark.parametrize("ties", [0, 4, 1])
def test_rounds_end_at_the_stratified_model_of_statsmodels(study, ties):
    # Whole years of follow-up are as heavy as ties come: up to a hundred deaths at one time.
    registries = [invented(n, seed, ties) for seed, n in enumerate((90, 240, 410, 800))]
    terms = pooled_cox.contrasts(study, EXPOSURE, "joint")
    now, rounds = in_rounds(registries, terms)
    found = pooled_cox.hazard_ratios(now, terms)
    coefficients, errors = of_statsmodels(registries, terms)
    assert rounds <= 6
    assert found["coefficient"].to_numpy() == pytest.approx(coefficients, abs=SAME)
    assert found["standard_error"].to_numpy() == pytest.approx(errors, abs=SAME)
    # Another model: the registry forgotten, and not a stratum.
    stacked = pd.concat(registries, ignore_index=True)
    one = engine.cox(
        stacked["follow_up_years"].to_numpy(),
        (stacked["outcome"] == "died").to_numpy(),
        pooled_cox.design(stacked, terms).to_numpy(),
    )
    assert np.abs(one.coefficients - coefficients).max() > 1e-4


def test_rounds_end_at_the_stratified_model_of_lifelines(study):
    registries = [invented(n, seed, 12) for seed, n in enumerate((150, 300))]
    terms = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    now, _ = in_rounds(registries, terms)
    people = pd.concat(registries, keys=range(2), names=["site"]).reset_index()
    frame = pooled_cox.design(people, terms).assign(
        site=people["site"], years=people["follow_up_years"], died=people["outcome"] == "died"
    )
    precise = {"precision": 1e-12, "r_precision": 1e-15}
    fit = CoxPHFitter().fit(frame, "years", "died", strata="site", fit_options=precise)
    found = pooled_cox.hazard_ratios(now, terms)
    assert found["coefficient"].to_numpy() == pytest.approx(fit.params_.to_numpy(), abs=SAME)


def test_one_registry_alone_is_its_own_model(study):
    people = invented(300, 3)
    terms = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    now, _ = in_rounds([people], terms)
    fit = engine.cox(
        people["follow_up_years"].to_numpy(),
        (people["outcome"] == "died").to_numpy(),
        pooled_cox.design(people, terms).to_numpy(),
    )
    found = pooled_cox.hazard_ratios(now, terms)
    assert found["coefficient"].to_numpy() == pytest.approx(fit.coefficients, abs=SAME)


def test_an_empty_level_of_one_registry_says_nothing_and_harms_nothing(study):
    first, second = invented(300, 1), invented(300, 2)
    first = first[first[EXPOSURE] != 2]
    terms = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    answer = pooled_cox.contribution(first, terms, np.zeros(len(terms)))
    of_level = answer[(answer["term"] == f"{EXPOSURE}[2]") & (answer["measure"] != "coefficient")]
    assert (of_level["estimate"] == 0).all()
    # Disclosure control is told that nobody is there.
    assert (of_level["level_people"] == 0).all()
    now, _ = in_rounds([first, second], terms)
    found = pooled_cox.hazard_ratios(now, terms)
    coefficients, errors = of_statsmodels([first, second], terms)
    assert found["coefficient"].to_numpy() == pytest.approx(coefficients, abs=SAME)
    assert found["standard_error"].to_numpy() == pytest.approx(errors, abs=SAME)
    # Empty everywhere: no registry knows anything of it.
    second = second[second[EXPOSURE] != 2]
    with pytest.raises(AnalysisError, match="No registry knows anything of 'deprivation_quin"):
        in_rounds([first, second], terms)


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.integers(60, 440), min_size=1, max_size=4, unique=True),
    seed=st.integers(0, 10_000),
    ties=st.sampled_from([0, 2, 12]),
)
def test_however_people_are_split_the_sum_is_the_stratified_model(cuts, seed, ties):
    people = invented(500, seed, ties)
    edges = [0, *sorted(cuts), 500]
    registries = [people.iloc[a:b] for a, b in zip(edges, edges[1:], strict=False) if b - a >= 5]
    kept = [each for each in registries if (each["outcome"] == "died").any()]
    terms = pooled_cox.contrasts(tables.read_study("ipf"), EXPOSURE, "age_sex")
    now, _ = in_rounds(kept, terms)
    stacked = pd.concat(kept, ignore_index=True)
    fit = engine.cox(
        stacked["follow_up_years"].to_numpy(),
        (stacked["outcome"] == "died").to_numpy(),
        pooled_cox.design(stacked, terms).to_numpy(),
        strata=np.repeat(np.arange(len(kept)), [len(each) for each in kept]),
    )
    found = pooled_cox.hazard_ratios(now, terms)
    assert found["coefficient"].to_numpy() == pytest.approx(fit.coefficients, abs=SAME)
    assert found["standard_error"].to_numpy() == pytest.approx(fit.standard_errors, abs=SAME)


def test_derivatives_are_those_of_the_likelihood():
    # Slow twin: differences of the log likelihood itself, away from the maximum, with ties.
    people = invented(80, 5, 2)
    X = people[["age_years", EXPOSURE]].to_numpy(float)
    time, died = people["follow_up_years"].to_numpy(), (people["outcome"] == "died").to_numpy()
    at, small = np.array([0.02, -0.1]), 1e-5

    def likelihood(beta):
        return engine.derivatives(time, died, X, beta)[0]

    _, score, information = engine.derivatives(time, died, X, at)
    for j, step in enumerate(small * np.eye(2)):
        slope = (likelihood(at + step) - likelihood(at - step)) / (2 * small)
        assert score[j] == pytest.approx(slope, rel=1e-5)
        up, down = (engine.derivatives(time, died, X, at + s)[1] for s in (step, -step))
        assert information[j] == pytest.approx((down - up) / (2 * small), rel=1e-4)


def test_derivatives_worked_by_hand():
    # Two people with x = 1 and x = 0; the first dies while both are at risk. At beta the log
    # likelihood is beta - log(exp(beta) + 1); at nought: -log 2, score 1/2, information 1/4.
    found = engine.derivatives([1.0, 2.0], [True, False], np.array([[1.0], [0.0]]), [0.0])
    assert found[0] == pytest.approx(-np.log(2), abs=1e-14)
    assert found[1] == pytest.approx([0.5], abs=1e-14)
    assert found[2] == pytest.approx(np.array([[0.25]]), abs=1e-14)
    # A column in which all are alike: nothing known, and the other as before.
    both = engine.derivatives([1.0, 2.0], [True, False], np.array([[1.0, 7], [0.0, 7]]), [0.0, 9.0])
    assert both[1] == pytest.approx([0.5, 0.0], abs=1e-14)
    assert both[2] == pytest.approx(np.array([[0.25, 0], [0, 0]]), abs=1e-14)
    with pytest.raises(AnalysisError, match="same covariates"):
        engine.derivatives([1.0, 2.0], [True, False], np.array([[7.0], [7.0]]), [0.0])
    with pytest.raises(AnalysisError, match="so large"):
        engine.derivatives([1.0, 2.0], [True, True], np.array([[1e3], [0.0]]), [1e3])


def test_a_step_that_makes_the_score_longer_is_halved():
    # One term: from nought the step is too long, so the score grows longer, and half is tried.
    def sums(at, score, information):
        return pooled_cox.Sums(("x",), np.array([at]), np.array([score]), np.array([[information]]))

    first = pooled_cox.newton(sums(0.0, 4.0, 1.0))
    assert (first.coefficients[0], first.fraction) == (4.0, 1.0)
    assert first.distance == pytest.approx(4.0)
    half = pooled_cox.newton(sums(4.0, -9.0, 1.0), first)
    assert (half.coefficients[0], half.fraction, half.arrived) == (2.0, 0.5, False)
    # A score is measured where the step began: 5 is longer than 4, however much is known here.
    quarter = pooled_cox.newton(sums(2.0, -5.0, 100.0), half)
    assert (quarter.coefficients[0], quarter.fraction) == (1.0, 0.25)
    on = pooled_cox.newton(sums(1.0, 1.0, 2.0), quarter)
    assert (on.coefficients[0], on.fraction) == (1.5, 1.0)
    # At the maximum a longer score is rounding.
    near = pooled_cox.newton(sums(1.0, 1e-8, 1.0))
    assert pooled_cox.newton(sums(1.0 + 1e-8, 2e-8, 1.0), near).fraction == 1.0


def test_steps_that_are_too_long_are_halved_until_the_maximum_is_reached():
    # A rare level in which nearly everybody dies at once: Newton's first step is far too long.
    rng = np.random.default_rng(4)
    years, x = rng.exponential(1.0, 400), np.zeros(400)
    x[:4], years[:4] = 1.0, years.min() / np.arange(2, 6)
    X = np.column_stack([x, rng.normal(size=400)])
    died = np.ones(400, dtype=bool)
    died[3], years[3] = False, 0.3
    fit = engine.cox(years, died, X)
    at, last, fractions = np.zeros(2), None, []
    for _ in range(30):
        now = pooled_cox.Sums(("x", "z"), at, *engine.derivatives(years, died, X, at)[1:])
        last = pooled_cox.newton(now, last)
        fractions.append(last.fraction)
        if last.arrived:
            break
        at = last.coefficients
    assert last.arrived and min(fractions) < 1
    assert last.coefficients == pytest.approx(fit.coefficients, abs=SAME)


def test_no_likelihood_stands_in_a_contribution(study):
    # With ten digits it tells how many were still followed when each of a few people left.
    terms = pooled_cox.contrasts(study, EXPOSURE, "unadjusted")
    answer = pooled_cox.contribution(invented(200, 1), terms, np.zeros(4))
    assert set(answer["measure"]) == {"coefficient", "score", "information"}
    assert not set(answer["term"]) - set(terms["term"])


def test_terms_that_determine_one_another_are_named():
    twice = pooled_cox.Sums(("a", "b"), np.zeros(2), np.ones(2), np.array([[2.0, 2.0], [2.0, 2.0]]))
    with pytest.raises(AnalysisError, match="'a', 'b'"):
        pooled_cox.newton(twice)


def test_terms_follow_from_the_study_file_alone(study):
    terms = pooled_cox.contrasts(study, EXPOSURE, "as_published")
    assert list(terms["term"]) == [
        *(f"{EXPOSURE}[{level}]" for level in "1234"),
        "smoking[ex]", "smoking[current]", "gap_index", "log_symptom_months",
        *(f"distance_quintile[{level}]" for level in "2345"),
    ]  # fmt: skip
    by = terms.set_index("term")
    assert by.loc[f"{EXPOSURE}[1]", "reference"] == "5"
    assert by.loc["distance_quintile[2]", "reference"] == "1"
    assert by.loc["gap_index", "unit"] == "points"
    assert by.loc["log_symptom_months", "unit"] == "log_one_plus of months"
    assert list(pooled_cox.contrasts(study, EXPOSURE, "unadjusted")["level"]) == list("1234")
    with pytest.raises(Problem, match="no adjustment set 'other'"):
        pooled_cox.contrasts(study, EXPOSURE, "other")
    with pytest.raises(Problem, match="no exposure 'sex'"):
        pooled_cox.contrasts(study, "sex", "unadjusted")


def test_coefficients_survive_a_published_table():
    odd = [1 / 3, -2e-7 / 7, 12345.678901234]
    once = pooled_cox.rounded(odd)
    assert once == pooled_cox.rounded(once) == [float(f"{value:.10g}") for value in odd]


def test_contributions_that_do_not_go_together_are_refused(study):
    terms = pooled_cox.contrasts(study, EXPOSURE, "unadjusted")
    people = invented(200, 1)
    nought = pooled_cox.of_table(pooled_cox.contribution(people, terms, np.zeros(4)))
    other = pooled_cox.of_table(pooled_cox.contribution(people, terms, np.full(4, 0.1)))
    with pytest.raises(AnalysisError, match="different coefficients"):
        pooled_cox.added([nought, other])
    wide = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    more = pooled_cox.of_table(pooled_cox.contribution(people, wide, np.zeros(6)))
    with pytest.raises(AnalysisError, match="different terms"):
        pooled_cox.added([nought, more])
    with pytest.raises(AnalysisError, match="no contribution"):
        pooled_cox.added([])
    with pytest.raises(AnalysisError, match="4 terms, and 3"):
        pooled_cox.contribution(people, terms, [0.0, 0.0, 0.0])
    answer = pooled_cox.contribution(people, terms, np.zeros(4))
    answer.loc[answer["measure"] == "score", "estimate"] = np.nan
    with pytest.raises(AnalysisError, match="not whole"):
        pooled_cox.of_table(answer)


def test_sizes_behind_a_term_are_the_smaller_side(study):
    people = pd.DataFrame(
        {
            # Three of the most deprived fifth, of whom one died; five of the least, of whom two.
            EXPOSURE: [1, 1, 1, 5, 5, 5, 5, 5, 2, 3, 4],
            "outcome": ["died", *["censored"] * 2, "died", "died", *["censored"] * 6],
            "follow_up_years": np.arange(1.0, 12.0),
        }
    )
    terms = pooled_cox.contrasts(study, EXPOSURE, "unadjusted")
    answer = pooled_cox.contribution(people, terms, np.zeros(4))
    score = answer[answer["measure"] == "score"].set_index("term")
    assert list(score["level_people"]) == [3, 1, 1, 1]
    assert list(score["level_deaths"]) == [1, 0, 0, 0]
    # Two and three did not die; of the other fifths one each.
    assert list(score["level_others"]) == [2, 1, 1, 1]
    assert set(answer["people"]) == {11} and set(answer["deaths"]) == {3}
    pair = answer[(answer["term"] == f"{EXPOSURE}[1]") & (answer["with_term"] == f"{EXPOSURE}[2]")]
    assert list(pair["level_people"]) == [1]


# -- the one-round average -------------------------------------------------------------------------


def released(ratios, low, high, registries="abc", level="1"):
    return pd.DataFrame(
        {
            "registry": list(registries),
            "model": "joint",
            "exposure": EXPOSURE,
            "level": level,
            "reference": "5",
            "hazard_ratio": ratios,
            "ci_low": low,
            "ci_high": high,
        }
    )


def test_the_average_is_that_worked_by_hand():
    # Logarithms 0.1, 0.3 and 0.7 with standard errors 0.1, 0.2 and 0.2: weights 100, 25, 25, so
    # the fixed average is (10 + 7.5 + 17.5) / 150 = 7 / 30 and its error 1 / sqrt(150). Q is
    # 100 (0.1 - 7/30)^2 + 25 (0.3 - 7/30)^2 + 25 (0.7 - 7/30)^2 = 7 1/3, on 2 degrees of freedom.
    y, error = np.array([0.1, 0.3, 0.7]), np.array([0.1, 0.2, 0.2])
    table = released(np.exp(y), np.exp(y - engine.Z95 * error), np.exp(y + engine.Z95 * error))
    found = pooled_cox.averaged(table, "dersimonian_laird")
    fixed = found[(found["method"] == "inverse variance") & (found["measure"] == synthesis.SUM)]
    assert fixed["estimate"].iloc[0] == pytest.approx(np.exp(7 / 30), rel=1e-12)
    assert fixed["standard_error"].iloc[0] == pytest.approx(1 / np.sqrt(150), rel=1e-12)
    assert found.loc[found["measure"] == "q", "statistic"].iloc[0] == pytest.approx(22 / 3)
    # DerSimonian and Laird: tau squared = (22/3 - 2) / (150 - (10000 + 2 * 625) / 150) = 16 / 225;
    # weights 1 / (0.01 + 16/225) and 1 / (0.04 + 16/225).
    w = 1 / (error**2 + 16 / 225)
    middle = (w * y).sum() / w.sum()
    random = found[
        found["method"].str.startswith("DerSimonian") & (found["measure"] == synthesis.SUM)
    ]
    assert random["estimate"].iloc[0] == pytest.approx(np.exp(middle), rel=1e-12)
    # Hartung and Knapp: variance sum w (y - middle)^2 / (2 sum w), t with 2 degrees of freedom.
    knapp = np.sqrt((w * (y - middle) ** 2).sum() / (2 * w.sum()))
    assert random["ci_low"].iloc[0] == pytest.approx(np.exp(middle - 4.302652729911275 * knapp))
    assert "prediction interval" in set(found["measure"])
    assert list(found.loc[found["measure"] == "registry", "registry"]) == ["a", "b", "c"]


def test_a_ratio_that_was_withheld_is_left_out_and_said_so():
    y = np.array([0.1, 0.3, np.nan])
    table = released(np.exp(y), np.exp(y - 0.2), np.exp(y + 0.2))
    found = pooled_cox.averaged(table)
    sums = found[found["measure"] == synthesis.TWO]
    assert len(sums) == 2 and (sums["registries"] == 2).all()
    assert sums["note"].str.contains("Without c, which withheld it.", regex=False).all()
    # The same average as without the registry that withheld it.
    alone = pooled_cox.averaged(table.iloc[:2])
    assert alone.loc[alone["measure"] == synthesis.TWO, "estimate"].tolist() == pytest.approx(
        sums["estimate"].tolist()
    )
    one = released([1.2, np.nan, np.nan], [1.0, np.nan, np.nan], [1.4, np.nan, np.nan])
    assert set(pooled_cox.averaged(one)["measure"]) == {"registry"}


def test_levels_and_models_are_never_averaged_together():
    y = np.array([0.1, 0.2, 0.3])
    both = pd.concat(
        [
            released(np.exp(y), np.exp(y - 0.2), np.exp(y + 0.2)),
            released(np.exp(-y), np.exp(-y - 0.2), np.exp(-y + 0.2), level="2"),
        ]
    )
    found = pooled_cox.averaged(both)
    by = found[found["measure"] == synthesis.SUM].groupby("level")["estimate"].first()
    assert by["1"] > 1 > by["2"]


# -- how far the ways are apart --------------------------------------------------------------------


def test_every_way_is_set_beside_the_model_of_all_people(study):
    registries = {f"site {n}": invented(n, n) for n in (150, 400, 800)}
    terms = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    found = pooled_cox.ways_compared(registries, terms)
    error = found.assign(difference=found["difference"].abs()).groupby("method")["difference"].max()
    assert error["stratified, all people"] == 0
    assert error["exact, round 5"] < SAME < 1e-4 < error[pooled_cox.FIXED] < 0.1
    assert error["exact, round 1"] > error["exact, round 2"] > error["exact, round 3"]
    # Only the rounds that are asked for are shown; the fifth still follows from the fourth.
    assert "exact, round 4" not in error
    last = pooled_cox.ways_compared(registries, terms, rounds=(5,))
    last = last.set_index("method").loc["exact, round 5", "estimate"]
    assert list(last) == list(found.set_index("method").loc["exact, round 5", "estimate"])
    # Everybody may take part, and only those with ten people and deaths a level.
    guarded = pooled_cox.ways_compared(registries, terms, smallest=10)
    took_part = guarded.groupby("method")["registries"].max()
    sizes = {
        name: min(
            min(size.values())
            for size in pooled_cox.level_sizes(
                pooled_cox.design(people, terms), (people["outcome"] == "died").to_numpy(), terms
            )
        )
        for name, people in registries.items()
    }
    assert took_part["exact, round 5"] == sum(size >= 10 for size in sizes.values())
    nobody = pooled_cox.ways_compared(registries, terms, smallest=10_000, rounds=(1,))
    assert nobody.loc[nobody["method"] != "stratified, all people", "estimate"].isna().all()


def test_cells_of_person_time_are_counted():
    # Three people of one kind followed 0.5, 1.5 and 1.6 years, the last two died; one of another
    # kind, followed 0.2 years. Cells: first year of each kind and the second of the first kind,
    # all of fewer than five people; one cell with deaths, two of them.
    people = pd.DataFrame(
        {
            "sex": ["female"] * 3 + ["male"],
            "follow_up_years": [0.5, 1.5, 1.6, 0.2],
            "outcome": ["censored", "died", "died", "censored"],
        }
    )
    found = pooled_cox.person_time_cells(people, ["sex"]).set_index("group")
    assert found["cells"].to_dict() == {"all cells": 3, "cells with a death": 1}
    assert (found["estimate"] == 100).all()
    # Three times as many: nine and six people in the first kind's cells, three in the other's,
    # and six deaths.
    found = pooled_cox.person_time_cells(pd.concat([people] * 3), ["sex"]).set_index("group")
    assert found.loc["all cells", "estimate"] == pytest.approx(100 / 3)
    assert found.loc["cells with a death", "estimate"] == 0


def test_agreement_counts_digits():
    compared = pd.DataFrame(
        {
            "method": [pooled_cox.ALL_PEOPLE, "a", "a", "b", "b"],
            "estimate": [1.2, 1.2, 1.3, 1.2, np.nan],
            "difference": [0.0, 1e-3, -1e-2, 1e-15, np.nan],
        }
    )
    found = pooled_cox.agreement(compared).set_index("group")
    assert list(found.index) == ["a", "b"]
    assert found.loc["a", ["estimate", "low", "high", "difference"]].tolist() == pytest.approx(
        [2.5, 2, 3, 0.01]
    )
    # Better than the digits that tables keep is as good as them.
    assert found.loc["b", ["estimate", "low", "difference"]].tolist() == [10, 10, 0]


def test_what_may_leave_follows_from_every_level(study):
    registries = {"small": invented(60, 1), "large": invented(2000, 2)}
    terms = pooled_cox.contrasts(study, EXPOSURE, "age_sex")
    found = pooled_cox.may_leave(registries, terms, 10).set_index("group")
    assert not found.loc["small", "contributes"] and found.loc["large", "contributes"]
    assert found.loc["large", "note"] == "4 of 4 ratios may leave; it may contribute"
    assert found.loc["small", "note"].endswith("it may not contribute")
