"""Funnels: exact limits by hand, false alarms, over-dispersion, and truth that comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from distance_to_care import funnel
from distance_to_care.problems import AnalysisError

SIZES = [100, 150, 250, 400, 700, 1000, 1500, 2500] * 5


def test_limits_by_hand():
    # Ten people, one in two: P(X <= 1) = 11/1024 = 0.01074, P(X <= 2) = 56/1024 = 0.05469.
    # The lower 2.5 per cent lies between: 2 - (0.05469 - 0.025) / 0.04395 = 1.3244 of ten.
    found = funnel.limits([10], 0.5, 95).iloc[0]
    assert found["low"] == pytest.approx(100 * (2 - (56 / 1024 - 0.025) / (45 / 1024)) / 10)
    assert found["low"] == pytest.approx(13.244, abs=0.001)
    # One in two is symmetric in the counts that limits are read off from.
    count = stats.binom.ppf(0.975, 10, 0.5)
    assert count == 8
    assert found["high"] == pytest.approx(100 * (8 - (1013 / 1024 - 0.975) / (45 / 1024)) / 10)


def test_limits_narrow_with_size_and_tend_to_the_normal_ones():
    found = funnel.limits([50, 200, 1000, 100_000], 0.2, 95)
    width = found["high"] - found["low"]
    assert (np.diff(width) < 0).all()
    normal = 2 * 1.959964 * 100 * np.sqrt(0.2 * 0.8 / 100_000)
    assert width.iloc[-1] == pytest.approx(normal, rel=0.01)
    wide = funnel.limits([50, 200], 0.2, 99.8)
    assert (wide["low"] <= found["low"][:2]).all() and (wide["high"] > found["high"][:2]).all()


@pytest.mark.parametrize("level", funnel.LEVELS)
def test_chance_alone_stays_inside_as_often_as_it_should(level):
    sizes = np.tile([60, 200, 800, 3000], 5000)
    drawn = funnel.simulate(sizes, 0.2, 0.0, seed=3)
    held = funnel.limits(sizes, 0.2, level)
    share = 100 * drawn["events"] / drawn["people"]
    outside = 100 * ((share < held["low"]) | (share > held["high"])).mean()
    # Counts come whole, so that the smoothed limits hold their level about, not exactly.
    assert outside == pytest.approx(100 - level, rel=0.35)


def test_places_that_are_alike_are_not_told_apart_and_one_that_differs_is():
    drawn = funnel.simulate(SIZES, 0.18, 0.0, seed=11)
    found = funnel.judge(drawn, "events", "people")
    assert found.attrs["phi"] == pytest.approx(1, abs=0.45)
    assert (found["verdict"] == funnel.WITHIN).sum() >= len(SIZES) - 1
    # A place of 1,500 in which 30 of 100 wait and not 18.
    row = {"people": 1500, "events": 450, "true": 0.30}
    odd = funnel.judge(pd.concat([drawn, pd.DataFrame([row])]), "events", "people")
    assert odd["verdict"].iloc[-1] == funnel.ABOVE == odd["verdict_widened"].iloc[-1]
    low = pd.concat([drawn, pd.DataFrame([row | {"events": 150}])])
    assert funnel.judge(low, "events", "people")["verdict"].iloc[-1] == funnel.BELOW


def test_the_spread_between_places_comes_back():
    spreads = []
    for seed in range(40):
        drawn = funnel.simulate(SIZES, 0.2, 0.08, seed=seed)
        spreads.append(funnel.judge(drawn, "events", "people").attrs["spread"])
    # Ends are winsorised, so somewhat below the truth; a wrong power of n would be off by far.
    assert np.mean(spreads) == pytest.approx(0.08, rel=0.2)
    alike = [
        funnel.judge(funnel.simulate(SIZES, 0.2, 0.0, seed=s), "events", "people").attrs["spread"]
        for s in range(40)
    ]
    assert np.mean(alike) < 0.015


def test_the_widened_funnel_calls_fewer_places_unusual():
    drawn = funnel.simulate(SIZES, 0.2, 0.08, seed=1)
    found = funnel.judge(drawn, "events", "people")
    plain = (found["verdict"] != funnel.WITHIN).sum()
    widened = (found["verdict_widened"] != funnel.WITHIN).sum()
    assert plain > 8 and widened <= 2
    assert "verdict_widened" not in funnel.judge(drawn, "events", "people", widened=False)


def test_the_verdict_is_by_the_wider_limits_and_the_ends_are_winsorised():
    # Ten places of 400; in one 25 of 100 wait and not 20: beyond 95 per cent, within 99.8.
    table = pd.DataFrame({"late": [79] * 9 + [101], "all": [400] * 10})
    found = funnel.judge(table, "late", "all")
    held = {level: funnel.limits([400], found.attrs["share"], level) for level in funnel.LEVELS}
    assert held[95.0]["high"].item() < found["estimate"].iloc[-1] < held[99.8]["high"].item()
    assert found["verdict"].iloc[-1] == funnel.WITHIN
    # One place far out moves the plain mean of squares, and hardly the winsorised one.
    wild = funnel.judge(table.assign(late=[79] * 9 + [360]), "late", "all")
    assert (wild["z"] ** 2).mean() > 4 * wild.attrs["phi"]


def test_detection_counts_from_the_first_count_outside():
    # Ten people, one in two: the upper 95 limit is 7.68 of ten, so 8, 9 and 10 are outside it.
    assert funnel.limits([10], 0.5, 95)["high"].item() == pytest.approx(76.76, abs=0.01)
    found = funnel.detected([10], 0.5, 0.7, 95)["estimate"].item()
    assert found == pytest.approx(100 * (45 * 0.7**8 * 0.3**2 + 10 * 0.7**9 * 0.3 + 0.7**10))


def test_the_scale_of_winsorised_squares_is_that_of_a_normal_sample():
    sample = np.random.default_rng(2).normal(size=400_000)
    cut = np.quantile(sample, [0.1, 0.9])
    assert funnel._winsorised_square() == pytest.approx((sample.clip(*cut) ** 2).mean(), rel=0.01)


def test_shares_and_z_by_hand():
    table = pd.DataFrame({"late": [10, 20, 60], "all": [100, 100, 200]})
    found = funnel.judge(table, "late", "all")
    assert found["estimate"].tolist() == [10, 20, 30]
    share = 90 / 400
    expected = (np.arcsin(np.sqrt(0.1)) - np.arcsin(np.sqrt(share))) * 2 * np.sqrt(100)
    assert found["z"].iloc[0] == pytest.approx(expected)
    assert found.attrs["share"] == share


def test_false_alarms_by_hand():
    row = funnel.false_alarms(42, 95).iloc[0]
    assert row["estimate"] == pytest.approx(2.1)
    assert row["value"] == pytest.approx(100 * (1 - 0.95**42))
    assert funnel.false_alarms(42, 99.8)["estimate"].item() == pytest.approx(0.084)


def test_detection_grows_with_size_and_is_the_level_where_nothing_differs():
    found = funnel.detected([100, 1000, 10_000], 0.18, 0.24, 99.8)["estimate"]
    assert found.is_monotonic_increasing and found.iloc[-1] > 99.9
    none = funnel.detected([10_000], 0.18, 0.18, 95)["estimate"].item()
    assert none == pytest.approx(2.5, abs=0.3)
    # Better than all is found on the lower side.
    assert funnel.detected([10_000], 0.18, 0.15, 99.8)["estimate"].item() > 99
    drawn = np.random.default_rng(5).binomial(1000, 0.24, 20_000) / 10
    high = funnel.limits([1000], 0.18, 99.8)["high"].item()
    simulated = 100 * (drawn > high).mean()
    worked_out = funnel.detected([1000], 0.18, 0.24, 99.8)["estimate"].item()
    assert worked_out == pytest.approx(simulated, abs=1)


@pytest.mark.parametrize(
    ("late", "everybody", "says"),
    [
        ([1, 2], [10, 10], "2 given, and it needs three"),
        ([1, 2, 30], [10, 10, 20], "1 of 3 places have nobody, a count that is missing"),
        ([1, 2, np.nan], [10, 10, 20], "1 of 3 places"),
        ([1, 2, 3], [10, 0, 20], "1 of 3 places"),
        ([0, 0, 0], [10, 10, 20], "Nobody, or everybody, counts in 'late'"),
    ],
)
def test_counts_that_cannot_be_are_refused_in_a_sentence(late, everybody, says):
    with pytest.raises(AnalysisError, match=says):
        funnel.judge(pd.DataFrame({"late": late, "all": everybody}), "late", "all")


def test_the_table_of_a_figure_holds_places_limits_and_all_together():
    named = funnel.simulate(SIZES, 0.2, 0.08, seed=1).assign(board=[f"B{i}" for i in range(40)])
    judged = funnel.judge(named, "events", "people")
    plain = funnel.drawn(judged, "board", "people")
    assert plain["measure"].value_counts().to_dict()["share"] == 40
    assert plain.loc[plain["measure"] == "all", "estimate"].item() == pytest.approx(
        100 * judged.attrs["share"]
    )
    widened = funnel.drawn(judged, "board", "people", "verdict_widened")
    width = [
        table.query("measure == 'limits' and level == '99.8'").eval("high - low").iloc[-1]
        for table in (plain, widened)
    ]
    assert width[1] > 1.5 * width[0]
    counted = funnel.outside(judged).set_index("method")["estimate"]
    assert counted["plain limits"] == (judged["verdict"] != funnel.WITHIN).sum()
    assert counted["widened limits"] < counted["plain limits"]
    # The widened verdicts are those of the widened curves.
    rows = judged[judged["verdict_widened"] != funnel.WITHIN]
    for row in rows.itertuples():
        held = funnel._widened(
            np.array([row.people]), judged.attrs["share"], judged.attrs["spread"], 99.8
        ).iloc[0]
        assert not held["low"] <= row.estimate <= held["high"]
