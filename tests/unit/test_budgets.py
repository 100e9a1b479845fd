"""Budgets: the exact distribution of a year's cost, what pooling does, and what it cannot do."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from distance_to_care import tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, budgets

# Four invented boards: a quarter of a million to six million residents.
BOARDS = pd.DataFrame(
    {
        "title": ["tiny", "small", "usual", "large"],
        "people": [250_000, 1_000_000, 2_000_000, 6_000_000],
        "share": [0.03, 0.10, 0.22, 0.65],
    }
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return assumptions.of(tables.read("scenario_assumptions"), "budgets")


@pytest.fixture(scope="module")
def assumed(table) -> dict[str, float]:
    return assumptions.values(table)


@pytest.fixture(scope="module")
def draws(table) -> pd.DataFrame:
    return assumptions.draws(table, 100, 11)


def panjer(cases: float, single: np.ndarray) -> np.ndarray:
    """Panjer 1981, the slow way: P(S = n) = cases / n x sum of j f(j) P(S = n - j)."""
    chances = np.zeros(len(single))
    chances[0] = np.exp(cases * (single[0] - 1))
    weighted = np.arange(len(single)) * single
    for n in range(1, len(single)):
        chances[n] = cases / n * (weighted[1 : n + 1] @ chances[n - 1 :: -1][:n])
    return chances


@pytest.mark.parametrize(("cases", "spread"), [(0.7, 0.5), (4.0, 0.3), (20.0, 0.8)])
def test_the_transform_gives_what_panjers_recursion_gives(cases, spread):
    year = budgets.distribution(cases, spread)
    step = budgets._peak(spread) / budgets.FINENESS
    width = np.sqrt(np.log1p(spread**2))
    # The same costs on the same grid, through the recursion.
    points = np.arange(len(year)) * step
    single = np.zeros(len(year))
    single[1:] = stats.lognorm.pdf(points[1:], width, scale=np.exp(-(width**2) / 2)) * step
    recursive = panjer(cases, single / single.sum())
    np.testing.assert_allclose(year["probability"], recursive, rtol=1e-6, atol=1e-10)
    assert year["cost"].iloc[1] == pytest.approx(step, rel=1e-3)


def test_one_person_of_each_cost_is_worked_by_hand():
    # Two people expected, all costs equal: P(no more than two) = e^-2 (1 + 2 + 2) = 0.676676.
    year = budgets.distribution(2.0)
    assert budgets.overspending(year, 2.0, 0.0) == pytest.approx(1 - 5 * np.exp(-2), abs=1e-12)
    # Three people cost half as much again: not more than 50 per cent over.
    at_most_three = np.exp(-2) * (1 + 2 + 2 + 4 / 3)
    assert budgets.overspending(year, 2.0, 0.5) == pytest.approx(1 - at_most_three, abs=1e-12)
    # P(N <= 4) = 0.947, P(N <= 5) = 0.983: money for five people, 2.5 times the budget.
    assert budgets.reserve(year, 2.0) == pytest.approx(1.5)
    # By hand: the root of 1.25 / 2 is 0.7905694.
    assert budgets.volatility(2.0, 0.5) == pytest.approx(0.7905694, abs=1e-7)


def test_with_an_error_of_need_the_count_is_negative_binomial():
    # An error of 0.5 is a gamma of shape 4: P(N = n) = C(n + 3, n) (4/14)^4 (10/14)^n, by hand.
    mean, error = 10.0, 0.5
    expected = 1 - sum(
        math.comb(n + 3, n) * (4 / 14) ** 4 * (10 / 14) ** n for n in range(12)
    )  # fmt: skip
    assert expected == pytest.approx(0.3401726, abs=1e-6)
    year = budgets.distribution(mean, 0.0, error)
    assert budgets.overspending(year, mean, 0.1) == pytest.approx(expected, abs=1e-9)
    # The same through the transform: costs that hardly differ.
    near = budgets.distribution(mean, 0.03, error)
    assert (near["cost"] * near["probability"]).sum() == pytest.approx(mean, rel=1e-9)
    assert budgets.overspending(near, mean, 0.15) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("cases", [0.3, 5.0, 99.0, 101.0, 9_500.0])
@pytest.mark.parametrize(("spread", "error"), [(0.0, 0.0), (0.5, 0.0), (0.2, 0.1), (1.0, 0.2)])
def test_mean_and_spread_are_those_in_closed_form(cases, spread, error):
    year = budgets.distribution(cases, spread, error)
    chances, cost = year["probability"], year["cost"]
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    mean = (chances * cost).sum()
    assert mean == pytest.approx(cases, rel=1e-6)
    deviation = np.sqrt((chances * (cost - mean) ** 2).sum()) / cases
    assert deviation == pytest.approx(budgets.volatility(cases, spread, error), rel=2e-4)


def test_a_fine_grid_and_a_coarse_one_agree_where_they_meet():
    # Up to 100 people the grid is as fine as one cost, beyond it as coarse as the sum allows.
    for over in budgets.OVER:
        below, above = (
            budgets.overspending(budgets.distribution(cases, 0.5), cases, over)
            for cases in (99.999, 100.001)
        )
        assert below == pytest.approx(above, abs=3e-5)


def test_exact_agrees_with_simulation():
    pools = pd.DataFrame(
        [("a", "rare", 1.4, 0.0, 0.0), ("b", "common", 90.0, 0.5, 0.0),
         ("c", "unsure", 90.0, 0.5, 0.1)],
        columns=["group", "scenario", "cases", "spread", "error"],
    )  # fmt: skip
    told = budgets.against_simulation(pools, 0.1, 20_000, 3)
    seen = told[told["method"] == "simulated"].set_index(["group", "measure"])
    exact = told[told["method"] == "exact"].set_index(["group", "measure"])["estimate"]
    half = (seen["ci_high"] - seen["ci_low"]) / 2
    assert (half < 1.5).all()
    # Six comparisons, three standard errors.
    assert ((seen["estimate"] - exact).abs() < half * 3 / 1.96).all()


def test_simulated_years_have_the_error_of_need_that_was_asked_for():
    years = budgets.simulate(400.0, 0.0, 0.2, 20_000, 5)
    assert years.std() / years.mean() == pytest.approx(budgets.volatility(400, 0, 0.2), rel=0.02)
    assert budgets.simulate(3.0, 0.4, 0.0, 50, 1).tolist() == pytest.approx(
        budgets.simulate(3.0, 0.4, 0.0, 50, 1).tolist()
    )


def test_a_larger_pool_never_swings_more_and_needs_no_more_reserve():
    sizes = [50, 100, 200, 400, 1_600, 6_400]
    years = [budgets.distribution(size, 0.5) for size in sizes]
    reserves = [budgets.reserve(y, s) for y, s in zip(years, sizes, strict=True)]
    chances = [budgets.overspending(y, s, 0.1) for y, s in zip(years, sizes, strict=True)]
    assert (np.diff(reserves) < 0).all()
    assert (np.diff(chances) < 0).all()
    # Four times the people halve the swing.
    assert budgets.volatility(400, 0.5) == pytest.approx(budgets.volatility(1_600, 0.5) * 2)


def test_more_doubt_of_any_kind_asks_for_more_reserve():
    def needed(spread, error):
        return budgets.reserve(budgets.distribution(200, spread, error), 200)

    assert needed(0.2, 0.0) < needed(0.5, 0.0) < needed(1.0, 0.0)
    assert needed(0.5, 0.0) < needed(0.5, 0.05) < needed(0.5, 0.2)


def test_pooling_cannot_mend_one_error_for_all(assumed, draws):
    nation = 56_000_000
    curves = budgets.pooling([1_500_000, nation], assumed, draws, nation, 1_500_000)
    at = curves.set_index(["scenario", "group", "value"])["estimate"]
    treated = at[budgets.TREATED]
    # At the size of one board both errors are the same error.
    assert treated[budgets.OWN, 1.5e6] == pytest.approx(treated[budgets.COMMON, 1.5e6])
    assert treated[budgets.KNOWN, nation] < 3
    assert treated[budgets.OWN, nation] < 5
    # Forty boards with errors of their own: the error of them all is smaller by the root of forty.
    nation_of_forty = budgets.pooling([60e6], assumed, draws, 60e6, 1.5e6)
    own = nation_of_forty.set_index(["scenario", "group"]).loc[(budgets.TREATED, budgets.OWN)]
    people = (
        assumed["new_patients_a_year"] * assumed["share_treated"] * assumed["treatment_years"]
    )  # fmt: skip
    year = budgets.distribution(
        people, assumed["cost_spread"], assumed["need_error"] / math.sqrt(40)
    )  # fmt: skip
    assert own["estimate"] == pytest.approx(100 * budgets.reserve(year, people))
    # The limit of an endless pool: the 95 per cent point of the error itself.
    shape = assumed["need_error"] ** -2
    limit = 100 * (stats.gamma.ppf(0.95, shape, scale=1 / shape) - 1)
    assert treated[budgets.COMMON, nation] == pytest.approx(limit, rel=0.02)
    assert treated[budgets.COMMON, nation] > limit
    assert ((curves["low"] <= curves["estimate"]) & (curves["estimate"] <= curves["high"])).all()


def test_the_reserve_for_whole_people_jumps_where_it_is_said_to(assumed, draws):
    sizes = budgets.sizes_of_steps(5e5, 6e6, 1.0)
    assert sizes[0] == 5e5
    assert sizes[-1] == 6e6
    assert sizes == sorted(set(sizes))
    enough = [stats.poisson.ppf(0.95, size / 1e6) for size in sizes]
    # Between two jumps the same number of people, and one more after each jump.
    assert (np.diff(enough)[0::2] == 0).all()
    assert (np.diff(enough)[1::2] == 1).all()
    assert enough[0] < enough[-1]
    # By hand: three at most come in 95 of 100 years where 1.366 are expected; with 1.367 they do
    # in fewer. 1 366 318 residents are an edge of this kind.
    edge = [size for size in sizes if 1.36e6 < size < 1.37e6]
    assert len(edge) == 2
    for mean, most in ((1.366, True), (1.367, False)):
        chance = sum(math.exp(-mean) * mean**n / math.factorial(n) for n in range(4))
        assert (chance >= 0.95) == most
        assert (mean * 1e6 < min(edge)) == most
    # Nobody at all comes in 95 of 100 years up to 51 293 residents: minus the logarithm of 0.95.
    tiny = budgets.sizes_of_steps(1e4, 2e5, 1.0)
    assert tiny == pytest.approx([1e4, 51_293, 51_293, 2e5], abs=1)
    curve = budgets.pooling(edge, assumed, draws, 56e6, 1.5e6, treatments=[budgets.ONCE])
    assert set(curve["scenario"]) == {budgets.ONCE}
    assert curve["estimate"].tolist() == pytest.approx([119.57, 192.76], abs=0.01)


def test_headlines_carry_the_numbers_of_their_tables(assumed, draws):
    pools = BOARDS.assign(title=["the smallest board", "a board in the middle", "b", "England"])
    told = budgets.of_pools(pools, assumed, draws)
    kept = budgets.marked(told)
    assert set(kept["title"]) == {"the smallest board", "a board in the middle"}
    assert set(kept["measure"]) == {budgets.RESERVE_95}
    # By hand: money for 1 person where 0.25 are expected, and for 10 where 6 are.
    curves = pd.DataFrame(
        {
            "group": [budgets.KNOWN, budgets.COMMON, budgets.KNOWN, budgets.COMMON],
            "value": [1e6, 1e6, 5e7, 5e7],
            "estimate": [20.0, 27.0, 2.2, 17.4],
        }
    )
    said = budgets.headlines(told, curves)
    assert "a board would need 67 to 300 per cent" in said[budgets.ONCE]
    assert "2 per cent in reserve if need is known, 17 if all" in said[budgets.TREATED]


def test_budget_and_reserve_pay_for_whole_people(assumed, draws):
    told = budgets.of_pools(BOARDS, assumed, draws)
    told = told[told["scenario"] == budgets.ONCE]
    told = told.pivot_table(index="title", columns="measure", values="estimate")
    paid = told[budgets.PAID_FOR]
    # As for one pool below: 1, 3, 5 and 10 people, where 0.25, 1, 2 and 6 are expected.
    assert paid[["tiny", "small", "usual", "large"]].tolist() == [1, 3, 5, 10]
    money = told[budgets.NEEDING] * (1 + told[budgets.RESERVE_95] / 100)
    np.testing.assert_allclose(money, paid)


def test_pools_share_out_the_nation(assumed, draws):
    told = budgets.of_pools(BOARDS, assumed, draws)
    whole = told[(told["measure"] == budgets.EXPECTED) & (told["scenario"] == budgets.TREATED)]
    assert whole["estimate"].sum() == pytest.approx(assumed["new_patients_a_year"])
    usual = told[told["title"] == "usual"].set_index(["scenario", "measure"])["estimate"]
    # By hand: 8 500 new people, 22 per cent of them here, 55.9 per cent treated, for two years.
    treated = (
        assumed["new_patients_a_year"] * 0.22 * assumed["share_treated"]
        * assumed["treatment_years"]
    )  # fmt: skip
    assert usual[budgets.TREATED, budgets.NEEDING] == pytest.approx(treated)
    money = treated * assumed["treatment_pounds_a_year"] / 1e6
    assert usual[budgets.TREATED, budgets.COST] == pytest.approx(money)
    assert usual[budgets.ONCE, budgets.NEEDING] == 2 * assumed["once_treatment_per_million"]
    assert ((told["low"] <= told["estimate"]) & (told["estimate"] <= told["high"])).all()
    assert (told["low"] <= told["high"]).all()


def test_areas_add_up_to_pools_of_rising_size():
    # Five invented areas in three boards and two regions.
    areas = pd.DataFrame(
        {
            "board": ["a", "b", "b", "c", "c"],
            "region": ["north", "north", "south", "south", "south"],
            "people": [20, 50, 10, 60, 60],  # aged 65 and over
            "people_all_ages": [100, 200, 50, 300, 300],
            "expected_patients": [1.0, 2.0, 1.0, 3.0, 3.0],
        }
    )
    boards, regions = (budgets.pools_by(areas, [key]) for key in ("board", "region"))
    assert boards["board"].tolist() == ["a", "b", "c"]
    assert boards["people"].tolist() == [100, 250, 600]
    assert boards["share"].tolist() == pytest.approx([0.1, 0.3, 0.6])
    pools = budgets.typical_pools(boards, regions).set_index("title")
    assert pools.loc["a board in the middle"].tolist() == pytest.approx([250, 0.3])
    assert pools.loc["two boards in the middle"].tolist() == pytest.approx([500, 0.6])
    assert pools.loc["a region in the middle", "people"] == 650
    assert pools.loc["England"].tolist() == pytest.approx([950, 1])


def test_equal_costs_at_once_are_those_one_by_one():
    cases = pd.Series([0.4, 1.0, 2.0, 7.5, 60.0])
    at_once = budgets._same_costs(cases, (0.1,))
    for place, number in enumerate(cases):
        year = budgets.distribution(number)
        chance = at_once[budgets.OVERSPENDING.format(over=10)][place]
        assert chance == pytest.approx(budgets.overspending(year, number, 0.1), abs=1e-9)
        needed = at_once[budgets.RESERVE_95][place]
        assert needed == pytest.approx(budgets.reserve(year, number), abs=1e-9)


def test_one_pool_holds_less_than_boards_apart(assumed, draws):
    held = budgets.reserves_held(BOARDS, assumed, draws).set_index(["scenario", "group"])
    for scenario in (budgets.TREATED, budgets.ONCE):
        apart, pooled = (held.loc[(scenario, g)] for g in (budgets.APART, budgets.POOLED))
        assert pooled["estimate"] < apart["estimate"]
        assert pooled["low"] < apart["low"]
        assert pooled["high"] < apart["high"]
    # By hand: 9.25 million residents expect 9.25 people; 14 at most come in 94.99 of 100 years,
    # and 15 at most in 97.3.
    assert assumed["once_treatment_per_million"] == 1
    chances = [math.exp(-9.25) * 9.25**n / math.factorial(n) for n in range(16)]
    assert sum(chances[:15]) < 0.95 < sum(chances)
    one = held.loc[(budgets.ONCE, budgets.POOLED), "estimate"]
    assert one == pytest.approx(100 * (15 / 9.25 - 1))
    # Apart: money for 1, 3, 5 and 10 people is enough in 95 of 100 years, or 19 in all.
    enough = {0.25: 1, 1: 3, 2: 5, 6: 10}
    for mean, most in enough.items():
        chances = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(most + 1)]
        assert sum(chances[:-1]) < 0.95 <= sum(chances)
    apart = held.loc[(budgets.ONCE, budgets.APART), "estimate"]
    assert apart == pytest.approx(100 * (19 / 9.25 - 1))


@pytest.mark.parametrize("inputs", [(0.0, 0.5, 0.0), (5.0, -0.1, 0.0), (5.0, 0.5, -1.0)])
def test_impossible_inputs_are_refused_in_words(inputs):
    with pytest.raises(AnalysisError, match="A budget needs somebody who is expected"):
        budgets.distribution(*inputs)


def test_the_most_that_a_pool_would_hold_back_falls_with_its_size():
    # 100 of a million people: sizes from 1,000 (a tenth of a case) to 500,000 (fifty cases).
    sizes = budgets.sizes_of_most(1_000, 500_000, 100)
    # By hand: one case is no longer enough where P(N <= 1) falls below 0.95, at a mean of 0.3554.
    assert sizes[0] == pytest.approx(3_554, abs=1)

    def reserve(size):
        mean = size * 100 / 1e6
        return (stats.poisson.ppf(0.95, mean) - mean) / mean

    held = [reserve(size) for size in sizes]
    assert held == sorted(held, reverse=True)
    # A little smaller a pool pays for one case less, and a little larger one holds less of it.
    for size, share in zip(sizes, held, strict=True):
        assert reserve(0.999 * size) < share and reserve(1.001 * size) < share
    assert all(size == int(size) for size in sizes)


def test_below_the_nation_no_number_of_people_is_told():
    rows = itertools.product(("a board", budgets.NATION), (budgets.NEEDING, budgets.EXPECTED, "x"))
    told = budgets.without_people(pd.DataFrame(rows, columns=["title", "measure"]))
    assert told.to_numpy().tolist() == [
        ["a board", "x"], [budgets.NATION, budgets.NEEDING], [budgets.NATION, "x"]
    ]  # fmt: skip
