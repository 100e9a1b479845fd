"""The natural experiment: the panel, every estimator, power, and the proof on known effects.

Every board, month and quantity here is invented.
"""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from distance_to_care import care_boards, hospital_medicines, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions
from distance_to_care.scenarios import natural_experiment as experiment

START = "2024-04"
EARLY = ("East", "Midlands", "North")
SEVEN = (*EARLY, "Capital", "South", "West", "Yorkshire")
ROWS = assumptions.of(tables.read("scenario_assumptions"), "natural_experiment")


def months(first: str, number: int) -> list[str]:
    return [str(pd.Period(first, "M") + step) for step in range(number)]


def panel_of(people: dict[str, list[float]], region: dict[str, str], first: str) -> pd.DataFrame:
    """Months of boards written out; everybody has 100 expected people."""
    rows = [
        (month, board, region[board], value, 100.0)
        for board, values in people.items()
        for month, value in zip(months(first, len(values)), values, strict=True)
    ]
    columns = ["month", "board", "region", "people", "expected_patients"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def plan() -> experiment.Plan:
    """Seven regions of two boards each, one board twice as large as the other."""
    boards = pd.DataFrame(
        [(f"{region} {size}", region, 600.0 * size) for region in SEVEN for size in (1, 2)],
        columns=["board", "region", "expected_patients"],
    )
    return experiment.Plan(boards, EARLY, assumptions.values(ROWS), 7)


def noisy(plan: experiment.Plan, effect: float = 1.2) -> pd.DataFrame:
    """One simulated history, from two years before the start to a year after it."""
    since = np.arange(-24, 12)
    people = experiment.histories(plan, since, effect, {}, 1, [3])[0]
    return experiment.as_panel(plan, people, since, START)


def exact(plan: experiment.Plan, effect: float, world: dict, since=None) -> pd.DataFrame:
    """The same without any chance."""
    since = np.arange(-12, 24) if since is None else since
    people, _ = experiment.mean_history(plan, since, effect, world)
    return experiment.as_panel(plan, people, since, START)


def per_cent(logged: float) -> float:
    return 100 * (np.exp(logged) - 1)


# --- the panel ----------------------------------------------------------------------------------


def test_the_panel_is_days_of_treatment_over_days_of_the_month():
    days = pd.DataFrame(
        [
            ("2024-02", "T1", 290.0),  # leap year: 29 days, ten people
            ("2024-02", "T2", 58.0),  # the same board: two more
            ("2024-03", "T1", 620.0),  # 31 days, twenty people
            ("2024-03", "T2", -930.0),  # more came back than went out of the whole board: nobody
            ("2024-02", "T3", 29.0),  # one person, and nothing in March
            ("2024-02", "T4", 0.0),  # a board that never issues anything: left out
            ("2024-02", "T5", 999.0),  # a trust whose board is not known: left out
        ],
        columns=["month", "trust_code", "estimate"],
    )
    board = pd.Series({"T1": "A", "T2": "A", "T3": "B", "T4": "C"})
    found = experiment.panel(
        days, board, pd.Series({"A": "East", "B": "West"}), pd.Series({"A": 50.0, "B": 10.0})
    )
    people = found.set_index(["board", "month"])["people"].to_dict()
    assert people == {
        ("A", "2024-02"): 12.0,
        ("A", "2024-03"): 0.0,
        ("B", "2024-02"): 1.0,
        ("B", "2024-03"): 0.0,
    }
    assert found.query("board == 'B'")["region"].unique().tolist() == ["West"]
    assert found.query("board == 'A'")["expected_patients"].unique().tolist() == [50.0]


def test_the_boards_of_england_lie_in_the_seven_regions_of_the_health_service():
    boards = care_boards.edition(tables.read("care_boards"))
    region = experiment.region_of_boards(tables.read("areas"), boards)
    assert len(region) == 36
    assert region.nunique() == 7
    # A board with many areas in the North West of the statistics, and most in the North East.
    assert region["North East and North Cumbria"] == "North East and Yorkshire"
    assert region["Birmingham and Solihull"] == "Midlands"


def test_a_hole_in_the_panel_is_refused(plan):
    table = noisy(plan)
    with pytest.raises(AnalysisError, match="^1 months of boards are missing"):
        experiment.two_by_two(table.drop(index=5), EARLY, START)


# --- two by two ---------------------------------------------------------------------------------


def four_regions(changes: dict[str, float]) -> pd.DataFrame:
    """One board a region: 50 people a month before, and that many times e to the change after."""
    people = {name: [50.0] * 2 + [50 * np.exp(change)] * 2 for name, change in changes.items()}
    return panel_of(people, {name: name for name in changes}, "2024-02")


def test_two_by_two_is_a_t_test_of_the_changes_of_regions():
    # By hand: 0.30 and 0.10 against 0.00 and 0.20, a difference of 0.10; within each pair the
    # squares sum to 0.02, so that the error is the root of 0.04 / 2 * (1/2 + 1/2), or 0.1414.
    changes = {"a": 0.3, "b": 0.1, "c": 0.0, "d": 0.2}
    row = experiment.two_by_two(four_regions(changes), ["a", "b"], START, 2).iloc[0]
    assert row["method"] == experiment.REGIONS_T
    assert row["estimate"] == pytest.approx(per_cent(0.10))
    # 4.3027 is the 97.5th percentile of t with two degrees of freedom, from a printed table.
    assert row["ci_low"] == pytest.approx(per_cent(0.10 - 4.3027 * 0.14142), rel=1e-3)
    assert row["ci_high"] == pytest.approx(per_cent(0.10 + 4.3027 * 0.14142), rel=1e-3)
    assert row["p_value"] == pytest.approx(stats.ttest_ind([0.3, 0.1], [0.0, 0.2]).pvalue)
    assert row["degrees_of_freedom"] == 2


def test_permutation_is_every_choice_counted_one_by_one():
    changes = dict(zip("abcdefg", [0.31, 0.20, 0.22, 0.05, -0.08, 0.11, 0.02], strict=True))
    values = np.array(list(changes.values()))
    row = experiment.two_by_two(four_regions(changes), ["a", "b", "c"], START, 2).iloc[1]

    def extreme(values: np.ndarray) -> float:
        every = [
            abs(values[list(chosen)].mean() - np.delete(values, chosen).mean())
            for chosen in combinations(range(7), 3)
        ]
        return float(np.mean([each >= every[0] - 1e-12 for each in every]))

    assert len(list(combinations(range(7), 3))) == 35
    assert row["p_value"] == pytest.approx(extreme(values)) == pytest.approx(1 / 35)
    # The interval ends where the effect, taken off, makes another choice as extreme.
    for end, inwards in ((row["ci_low"], 1e-6), (row["ci_high"], -1e-6)):
        effect = np.log1p(end / 100)
        off = np.array([1, 1, 1, 0, 0, 0, 0])
        assert extreme(values - (effect + inwards) * off) > 1 / 35 + 1e-9
        assert extreme(values - (effect - inwards) * off) == pytest.approx(1 / 35)


def test_the_least_p_value_is_one_over_the_number_of_choices():
    assert experiment.least_p_value(7, 3) == pytest.approx(1 / 35)
    # Half of six: a choice and its mirror image are equally extreme.
    assert experiment.least_p_value(6, 3) == pytest.approx(2 / 20)
    changes = dict(zip("abcdef", [0.9, 0.8, 0.7, 0.0, 0.1, 0.05], strict=True))
    row = experiment.two_by_two(four_regions(changes), ["a", "b", "c"], START, 2).iloc[1]
    assert row["p_value"] == pytest.approx(0.1)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_reversing_who_began_early_reverses_the_sign():
    changes = {"a": 0.3, "b": 0.1, "c": 0.0, "d": 0.2, "e": 0.4}
    there = experiment.two_by_two(four_regions(changes), ["a", "b"], START, 2)
    back = experiment.two_by_two(four_regions(changes), ["c", "d", "e"], START, 2)
    np.testing.assert_allclose(np.log1p(there["estimate"] / 100), -np.log1p(back["estimate"] / 100))
    np.testing.assert_allclose(there["p_value"], back["p_value"])
    np.testing.assert_allclose(np.log1p(there["ci_low"] / 100), -np.log1p(back["ci_high"] / 100))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"early": ("East", "Nowhere")}, "No board of the panel is in the region Nowhere"),
        ({"early": ("East",)}, "At least two regions have to begin early"),
        ({"start": "2025-01"}, "missing, the first is 2025-04"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(plan, change, sentence):
    call = {"early": EARLY, "start": START} | change
    with pytest.raises(AnalysisError, match=sentence):
        experiment.two_by_two(noisy(plan), **call)


def test_a_region_without_anybody_is_a_sentence():
    table = four_regions({"a": 0.3, "b": 0.1, "c": 0.0, "d": 0.2})
    table.loc[(table["board"] == "c") & (table["month"] < START), "people"] = 0.0
    with pytest.raises(AnalysisError, match="nobody on treatment before or after"):
        experiment.two_by_two(table, ["a", "b"], START, 2)


def test_false_starts_stay_before_the_real_one_and_find_nothing_in_alike_regions(plan):
    since = np.arange(-24, 12)
    table = exact(plan, 1.5, {}, since)
    found = experiment.placebos(table, EARLY, START, ["2022-10", "2023-10"], 6)
    assert found["level"].unique().tolist() == ["2022-10", "2023-10"]
    assert found["estimate"].abs().max() < 1e-9
    with pytest.raises(AnalysisError, match="2023-11 is fewer than 6 months before"):
        experiment.placebos(table, EARLY, START, ["2022-10", "2023-11"], 6)


# --- Poisson regression -------------------------------------------------------------------------


def test_poisson_is_that_of_statsmodels_with_a_dummy_for_every_board_and_month(plan):
    table = noisy(plan)
    starts = dict.fromkeys(EARLY, START) | dict.fromkeys(SEVEN[3:], "2024-10")
    found = experiment.two_way(table, starts).set_index("method")
    design = pd.get_dummies(table[["board", "month"]], drop_first=True, dtype=float)
    begin = table["region"].map(starts)
    design = sm.add_constant(design.assign(treated=(table["month"] >= begin).astype(float)))
    family = sm.families.Poisson()
    offset = np.log(table["expected_patients"])
    model = sm.GLM(table["people"], design, family, offset=offset)
    clusters = {"groups": pd.factorize(table["region"])[0]}
    robust = model.fit(cov_type="cluster", cov_kwds=clusters, use_t=False)
    plain = model.fit()
    row = found.loc[experiment.POISSON]
    assert np.log1p(row["estimate"] / 100) == pytest.approx(robust.params["treated"], abs=1e-8)
    width = np.log1p(row["ci_high"] / 100) - np.log1p(row["ci_low"] / 100)
    assert width / 2 / stats.t.ppf(0.975, 6) == pytest.approx(robust.bse["treated"], rel=1e-5)
    row = found.loc[experiment.MODEL_ERRORS]
    width = np.log1p(row["ci_high"] / 100) - np.log1p(row["ci_low"] / 100)
    assert width / 2 / 1.959964 == pytest.approx(plain.bse["treated"], rel=1e-5)


def test_poisson_with_one_start_is_the_ratio_of_four_totals(plan):
    # Closed form: the regression collapses to early and other, before and after.
    table = noisy(plan)
    early, after = table["region"].isin(EARLY), table["month"] >= START
    total = {
        (e, a): table.loc[(early == e) & (after == a), "people"].sum()
        for e in (True, False)
        for a in (True, False)
    }
    ratio = total[True, True] / total[True, False] / (total[False, True] / total[False, False])
    found = experiment.two_way(table, dict.fromkeys(EARLY, START))
    np.testing.assert_allclose(found["estimate"], 100 * (ratio - 1), rtol=1e-9)


def test_a_board_and_a_month_without_anybody_say_nothing_of_the_effect(plan):
    table, starts = noisy(plan), dict.fromkeys(EARLY, START)
    nobody = (table["board"] == "West 1") | (table["month"] == "2024-06")
    empty = table.assign(people=table["people"].mask(nobody, 0.0))
    pd.testing.assert_frame_equal(
        experiment.two_way(empty, starts), experiment.two_way(table[~nobody], starts)
    )
    with pytest.raises(AnalysisError, match="^Nobody is on treatment where"):
        experiment.two_way(table.assign(people=0.0), starts)


def test_only_the_months_asked_for_count(plan):
    table, starts = noisy(plan), dict.fromkeys(EARLY, START)
    some = months("2024-01", 6)
    pd.testing.assert_frame_equal(
        experiment.two_way(table, starts, some),
        experiment.two_way(table[table["month"].isin(some)], starts),
    )


# --- group and time -----------------------------------------------------------------------------


def test_group_and_time_by_hand_with_three_cohorts():
    # Two regions each begin in the second quarter, in the third, and never. Rates double with each
    # quarter of treatment; everybody grows by a tenth a quarter. Levels differ and play no part.
    growth = [1.0, 1.1, 1.21, 1.331]
    begin = {"a": 1, "b": 1, "c": 2, "d": 2, "e": 9, "f": 9}
    people = {
        name: np.repeat(
            [100 * (place + 1) * grown * 2.0 ** max(0, at - first + 1)
             for at, grown in enumerate(growth)], 3
        ).tolist()
        for place, (name, first) in enumerate(begin.items())
    }  # fmt: skip
    table = panel_of(people, {name: name for name in people}, "2024-01")
    starts = {"a": "2024-04", "b": "2024-04", "c": "2024-07", "d": "2024-07"}
    found = experiment.group_time(table, starts).set_index(["group", "value"])["estimate"]
    known = {
        "2024-04": {-1.0: 0.0, 0.0: 100.0, 1.0: 300.0, 2.0: 700.0},
        "2024-07": {-2.0: 0.0, -1.0: 0.0, 0.0: 100.0, 1.0: 300.0},
    }
    known = {(start, at): value for start, each in known.items() for at, value in each.items()}
    assert found.to_dict() == pytest.approx(known, abs=1e-9)
    # A regression that takes the first cohort as controls of the second falls far short of the
    # mean doubling of the five treated quarters: (1 + 2 + 3 + 1 + 2) / 5 of log 2.
    wrong = experiment.two_way(table, starts)["estimate"].iloc[0]
    assert wrong < 0.7 * per_cent(9 / 5 * np.log(2))


def test_no_period_is_estimated_once_everybody_has_begun(plan):
    since = np.arange(-12, 24)
    table = exact(plan, 1.2, {"prescribing_months_elsewhere": 12.0}, since)
    starts = dict.fromkeys(EARLY, START) | dict.fromkeys(SEVEN[3:], "2025-04")
    found = experiment.group_time(table, starts)
    assert set(found["group"]) == {START}
    assert found["value"].tolist() == [-4, -3, -2, -1, 0, 1, 2, 3]
    assert found["level"].tolist()[0] == "2023-04"
    np.testing.assert_allclose(found["estimate"], [0, 0, 0, 0, 20, 20, 20, 20], atol=1e-9)


# --- what breaks it -----------------------------------------------------------------------------


def test_without_chance_the_comparison_finds_what_is_built_in_and_the_breaks_bend_it(plan):
    found = experiment.found_on_average(plan, 1.2, ROWS)
    found = found.set_index(["scenario", "level"])
    whole = found.loc["nothing breaks it"]
    assert whole["estimate"].tolist() == pytest.approx([0.0, 20.0], abs=1e-9)
    # Growth of 0.05 a year more, and a year between the middles of the two periods; the mean of
    # growing numbers is not quite the number at the middle.
    apart = found.loc["trends differ"]["estimate"]
    assert apart[experiment.NO_EFFECT] == pytest.approx(per_cent(0.05), abs=0.05)
    # Three tenths of the medicine never change: seven tenths of twenty per cent.
    other = found.loc[("medicine has other uses", experiment.AT_ONCE), "estimate"]
    assert other == pytest.approx(14.0)
    # A quarter of the logarithm reaches the others.
    spill = found.loc[("effect spills over", experiment.AT_ONCE), "estimate"]
    assert spill == pytest.approx(per_cent(0.75 * np.log(1.2)))
    slow = found.loc[("effect builds up slowly", experiment.AT_ONCE)]
    assert 5 < slow["low"] < slow["estimate"] < slow["high"] < 20
    sooner = found.loc[("others start sooner", experiment.AT_ONCE)]
    assert sooner["low"] < 15 < sooner["estimate"] == pytest.approx(20.0)
    # Only trends that differ show something where there is nothing.
    none = found.xs(experiment.NO_EFFECT, level="level")["estimate"].abs() > 1e-9
    assert none[none].index.tolist() == ["trends differ"]


def test_no_effect_and_nothing_broken_leaves_all_regions_growing_alike(plan):
    people, logged = experiment.mean_history(plan, np.arange(-12, 24), 1.0, {})
    growth = people[:, 1:] / people[:, :-1]
    np.testing.assert_allclose(growth, np.exp(plan.assumed["prescribing_growth"] / 12))
    assert not logged.any()


# --- power --------------------------------------------------------------------------------------


def test_power_is_that_of_statsmodels():
    # statsmodels: TTestIndPower().power(effect_size, nobs1=3, alpha=0.05, ratio=4 / 3).
    for size in (0.5, 2.0, 4.0):
        error = np.sqrt(1 / 3 + 1 / 4)
        known = TTestIndPower().power(size, nobs1=3, alpha=0.05, ratio=4 / 3)
        assert experiment.power_of(size, error, 5) == pytest.approx(known, abs=1e-6)
    assert experiment.power_of(0.0, 1.0, 5) == pytest.approx(0.05)


def test_the_smallest_effect_is_found_with_a_chance_of_80_per_cent_and_grows_with_the_error():
    error = np.array([0.02, 0.05, 0.1])
    found = experiment.smallest_seen(error, 5)
    np.testing.assert_allclose(experiment.power_of(np.log1p(found / 100), error, 5), 0.8)
    assert (np.diff(found) > 0).all()


def test_the_error_in_closed_form_is_the_spread_of_simulated_estimates(plan):
    since = np.arange(-12, 12)
    for name, value in (("prescribing_region_trend", 0.0), ("prescribing_region_trend", 0.08)):
        world = plan._replace(assumed={**plan.assumed, name: value})
        people = experiment.histories(world, since, 1.0, {}, 2000, [1])
        region, names = pd.factorize(world.boards["region"], sort=True)
        cube = experiment.Cube(people[0], np.array([]), region, list(names), [])
        changes = experiment._changes(people, cube, since < 0, since >= 0)
        early = np.isin(names, EARLY)
        spread = (changes[:, early].mean(axis=1) - changes[:, ~early].mean(axis=1)).std(ddof=1)
        # Four Monte Carlo errors of a standard deviation from 2,000 values are 6 per cent.
        known = experiment.error_of_difference(world, world.assumed).item()
        assert spread == pytest.approx(known, rel=0.06)


def test_power_curves_rise_and_hold_the_value_as_assumed_in_their_band(plan):
    drawn = assumptions.draws(ROWS, 300, 1)
    curve = experiment.power_curve(plan, drawn, [0, 10, 20, 40])
    assert curve.query("value == 0")["estimate"].tolist() == pytest.approx([5.0, 5.0])
    for _, rows in curve.groupby("group"):
        assert rows["estimate"].is_monotonic_increasing
        assert (rows["low"] <= rows["estimate"] + 1e-9).all()
        assert (rows["estimate"] <= rows["high"] + 1e-9).all()
    own, alike = (curve.query("group == @g and value == 10")["estimate"].item()
                  for g in ("trends of their own", "trends alike"))  # fmt: skip
    assert own < alike
    windows = experiment.smallest_effects(plan, drawn, [(12, 12), (24, 12)])
    # More months before do not help where regions drift: their middle lies further back.
    assert windows["estimate"].is_monotonic_increasing
    assert (windows["low"] < windows["high"]).all()


def test_what_hides_an_effect_is_undone_by_a_larger_one(plan):
    drawn = assumptions.draws(ROWS, 300, 1)
    found = experiment.smallest_hidden(plan, drawn).set_index("term")
    plain = experiment.smallest_effects(plan, drawn, [(12, 12)]).iloc[0]
    ends = ["estimate", "low", "high"]
    whole = found.loc["nothing_breaks_it", ends].astype(float)
    assert whole.tolist() == pytest.approx(plain[ends].astype(float).tolist(), rel=1e-6)
    # The larger effect in the hidden world is found as the smallest one is where nothing hides it:
    # the same comparison of regions, without any chance.
    worlds = {
        term: [experiment.BREAKS[each] for each in hiding]
        for term, hiding in zip(found.index, experiment.HIDING.values(), strict=True)
    }
    assert [len(names) for names in worlds.values()] == [0, 1, 1, 2]
    for term, names in worlds.items():
        effect = 1 + found.loc[term, "estimate"] / 100
        world = {name: plan.assumed[name] for name in names}
        told = experiment.two_by_two(exact(plan, effect, world), EARLY, START).iloc[0]
        assert told["estimate"] == pytest.approx(whole["estimate"], rel=1e-6)
    # Seven tenths of the medicine can change: ten sevenths of the effect, by hand.
    other = found.loc["medicine_has_other_uses", "estimate"]
    assert other == pytest.approx(whole["estimate"] / 0.7, rel=1e-6)
    assert found.loc["both", "estimate"] > found["estimate"].drop("both").max()
    assert (found["low"] < found["estimate"]).all()
    assert (found["estimate"] < found["high"]).all()


# --- the proof ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proof(plan) -> pd.DataFrame:
    worlds = experiment.worlds(plan, 1.2, ROWS)
    found = experiment.performance(plan, worlds, 300)
    return found.set_index(["scenario", "method", "measure"]).sort_index()


def test_right_methods_recover_the_effect_and_cover_it(proof):
    for world in (experiment.NO_EFFECT, experiment.AT_ONCE):
        for method in (experiment.REGIONS_T, experiment.ALL_WAYS):
            rows = proof.loc[world, method]
            assert abs(rows.loc["bias", "estimate"]) < 1.5
            assert rows.loc["coverage", "verdict"] == "pass"
    none = proof.loc[(experiment.NO_EFFECT, experiment.REGIONS_T, "finds an effect")]
    assert none["verdict"] == "pass"
    # By hand, for 300 histories: two per cent, and two errors of 1.258 per cent.
    assert none[["low", "high"]].astype(float).tolist() == pytest.approx([0.48, 9.52], abs=0.01)
    cover = proof.loc[(experiment.NO_EFFECT, experiment.REGIONS_T, "coverage")]
    assert cover[["low", "high"]].astype(float).tolist() == pytest.approx([90.48, 99.52], abs=0.01)
    seen = proof.loc[(experiment.AT_ONCE, experiment.REGIONS_T, "finds an effect")]
    assert np.isnan(seen["low"])
    assert seen["estimate"] > 50
    assert seen["verdict"] == ""


def test_wrong_methods_fail_and_so_does_everything_where_trends_differ(proof):
    narrow = proof.loc[(experiment.NO_EFFECT, experiment.MODEL_ERRORS)]
    assert narrow.loc["coverage", "estimate"] < 70
    assert narrow.loc["finds an effect", "verdict"] == "fail"
    late = proof.loc[(experiment.BUILDS_UP, experiment.CONTROLS)]
    assert late.loc["bias", "estimate"] < -5
    assert late.loc["coverage", "verdict"] == "fail"
    # The same history without treated controls is not biased.
    right = proof.loc[(experiment.BUILDS_UP, experiment.REGIONS_T)]
    assert abs(right.loc["bias", "estimate"]) < 1.5
    apart = proof.loc[(experiment.APART, experiment.REGIONS_T, "bias"), "estimate"]
    assert 3 < apart < 7


def test_headlines_are_worked_out_from_their_tables(plan):
    told = experiment.whole_proof(plan, ROWS, START, replicates=50, draws=50)
    assert set(told) < set(experiment.TITLES)
    said = experiment.headlines(told)
    # Growth that differs feigns; the other four hide, some of them only at an end of their range.
    assert said["breaks"] == (
        "Of 5 things that may break it, 4 can hide an effect, and 1 can feign one"
    )
    history = told["history"].set_index("value")
    before = history.loc[[-8, -7, -6, -5, -4, -3, -2], "estimate"].mean()
    after = history.loc[[0, 1, 2, 3], "estimate"].mean()
    assert f"Around {before:.0f} per cent before the start and {after:.0f} after" in said["history"]
    least = told["smallest"]["estimate"].iloc[1]
    assert f"below about {least:.0f} per cent" in said["power"]
    wrong = told["proof"].set_index("term")["estimate"]
    wrong = wrong["no_effect.Poisson_errors_of_the_model.finds_an_effect"]
    assert f"{wrong:.0f} times in a hundred" in said["proof"]


def test_the_proof_does_not_depend_on_the_order_in_which_jobs_are_done(plan, monkeypatch):
    worlds = experiment.worlds(plan, 1.2, ROWS)
    one = experiment.performance(plan, worlds, 100)

    def backwards(function, jobs, workers, address):
        return reversed([function(job) for job in reversed(jobs)])

    monkeypatch.setattr(experiment.scheduler, "spread", backwards)
    other = experiment.performance(plan, worlds, 100)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_another_seed_gives_other_people(plan):
    since = np.arange(-3, 3)
    first, same, other = (
        experiment.histories(plan, since, 1.0, {}, 2, [seed]) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


# --- with the data ------------------------------------------------------------------------------


def hospitals(length: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """One trust a board, two boards a region: half as many people more once a region has begun."""
    region = {f"{name} {size}": name for name in SEVEN for size in (1, 2)}
    rows = []
    for place, (board, name) in enumerate(region.items()):
        for month in months("2022-10", length):
            begun = name in EARLY and month >= START
            people = (40 + 5 * place) * (1.5 if begun else 1.0)
            each = people * pd.Period(month, "M").days_in_month
            # Two capsules a day, and three tablets three times a day: the doses of the table.
            rows += [
                (month, board, "nintedanib 150mg capsules", 2 * each, "final"),
                (month, board, "pirfenidone 267mg tablets", 9 * each, "final"),
            ]
    columns = ["month", "trust_code", "product", "quantity", "status"]
    where = pd.DataFrame({"trust_code": list(region), "board": list(region)})
    expected = pd.Series(100.0, index=list(region))
    return pd.DataFrame(rows, columns=columns), where, pd.Series(region), expected


def test_on_invented_files_the_effect_that_is_in_them_is_found():
    quantities, where, region, expected = hospitals(32)
    doses = tables.read("medicines_assumptions")
    found = experiment.everything(quantities, where, doses, region, expected, EARLY, START)
    difference = found["estimates"].query("measure == 'difference'")
    assert set(difference["scenario"]) == {hospital_medicines.EVERY, hospital_medicines.ONE}
    assert difference["estimate"].tolist() == pytest.approx([50.0] * 6)
    false = found["estimates"].query("measure == 'false start'")
    assert set(false["level"]) == {"2023-04", "2023-10"}
    assert false["estimate"].abs().max() < 1e-9
    every = found["events"].query("scenario == @hospital_medicines.EVERY")
    events = every.set_index("value")["estimate"]
    assert events[events.index < 0].abs().max() < 1e-9
    assert events.loc[[0, 1, 2, 3]].tolist() == pytest.approx([50.0] * 4)
    # Months of the second year play no part: the others may have begun by then.
    assert events.index.max() == 3
    answer = found["status"].set_index("measure").loc["answer", "note"]
    assert "changed by 50 per cent more in the regions that began early" in answer
    assert "only if the regions would otherwise have changed alike" in answer


def test_without_files_or_months_the_tables_say_so():
    quantities, where, region, expected = hospitals(20)
    doses = tables.read("medicines_assumptions")
    rest = (doses, region, expected, EARLY, START)
    absent = experiment.everything(None, None, *rest)
    answer = absent["status"].set_index("measure").loc["answer", "note"]
    assert answer.startswith("No data on hospital medicines have been supplied")
    assert absent["estimates"]["note"].tolist() == [hospital_medicines.NOT_SUPPLIED]
    assert absent["events"]["estimate"].isna().all()
    short = experiment.everything(quantities, where, *rest)
    answer = short["status"].set_index("measure").loc["answer", "note"]
    assert "not for 10 of the 24 months" in answer
    assert "the first of them June 2024" in answer
    assert short["estimates"]["estimate"].isna().all()


def test_what_cannot_be_compared_in_the_files_is_told_and_the_rest_is_compared():
    # Nobody in one region is given the medicine for this disease alone before the start.
    quantities, where, region, expected = hospitals(32)
    alone = quantities["product"].str.startswith("pirfenidone")
    west = alone & quantities["trust_code"].str.startswith("West") & (quantities["month"] < START)
    # In one month it is issued nowhere at all: nobody on it, and no hole.
    lost = west | (alone & (quantities["month"] == "2024-09"))
    doses = tables.read("medicines_assumptions")
    found = experiment.everything(quantities[~lost], where, doses, region, expected, EARLY, START)
    every, one = (
        found["estimates"].query("scenario == @name and measure == 'difference'")
        for name in (hospital_medicines.EVERY, hospital_medicines.ONE)
    )
    assert every["estimate"].notna().all()
    assert one["estimate"].isna().all()
    assert one["note"].item().startswith("A region has nobody on treatment")
    # Without the medicine for every disease the page says so in its answer.
    only = quantities[alone & ~west]
    found = experiment.everything(only, where, doses, region, expected, EARLY, START)
    answer = found["status"].set_index("measure").loc["answer", "note"]
    assert answer.startswith("Hospital data are there, but the comparison cannot be made: A region")
