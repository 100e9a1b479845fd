"""Closed forms of survival under proportional hazards, for many draws at once."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from distance_to_care import inequality, lives
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import outcomes

SHARES = np.array([0.2, 0.5, 0.3])


def test_half_are_alive_at_the_median_and_a_ratio_is_a_power():
    assert outcomes.alive(3.7, 3.7, 1.1) == pytest.approx(0.5, abs=1e-15)
    assert outcomes.alive(2.0, 3.7, 1.1, 1.39) == pytest.approx(
        outcomes.alive(2.0, 3.7, 1.1) ** 1.39
    )
    assert outcomes.alive(0.0, 3.7, 1.1) == 1


def test_the_restricted_mean_by_hand():
    # A constant hazard of ln 2 / 3.7 a year: (1 - exp(-10 h)) / h = 4.518032394 years of ten.
    rate = np.log(2) / 3.7
    by_hand = (1 - np.exp(-10 * rate)) / rate
    assert by_hand == pytest.approx(4.518032394, abs=1e-9)
    assert outcomes.restricted_mean(3.7, 1, 1, 10) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("shape", [0.9, 1.0, 1.15])
@pytest.mark.parametrize("ratio", [0.6, 1.0, 1.73])
def test_the_restricted_mean_is_the_area_under_the_curve(shape, ratio):
    area, _ = quad(lambda years: float(outcomes.alive(years, 3.0, shape, ratio)), 0, 10)
    assert outcomes.restricted_mean(3.0, shape, ratio, 10) == pytest.approx(area, rel=1e-8)


def test_the_restricted_mean_agrees_with_the_published_baseline_version():
    median = pd.DataFrame(
        {"time_years": [3.7], "estimate": [0.5], "ci_low": np.nan, "ci_high": np.nan}
    )
    table = lives.gap(median, 1.39, times=[3], horizons=[5], shape=1.1)
    exposed = table[table["group"] == "exposed"].set_index("measure")["estimate"]
    assert 12 * outcomes.restricted_mean(3.7, 1.1, 1.39, 5) == pytest.approx(
        exposed["restricted mean"], rel=1e-6
    )
    assert 100 * outcomes.alive(3, 3.7, 1.1, 1.39) == pytest.approx(exposed["alive"], rel=1e-12)


def test_the_ends_of_the_restricted_mean():
    lived = outcomes.restricted_mean(3.7, 1.1, [0, 1e-12, 1, 1e12], 10)
    assert lived[0] == 10
    assert lived[1] == pytest.approx(10)
    assert lived[3] == pytest.approx(0, abs=1e-9)
    assert (np.diff(lived[1:]) < 0).all()
    assert outcomes.restricted_mean(3.7, 1.1, 1, 0) == 0
    # Without a horizon it is the mean, which a constant hazard makes 1 / h.
    assert outcomes.restricted_mean(3.7, 1, 1, np.inf) == pytest.approx(3.7 / np.log(2))


def test_arrays_broadcast_and_equal_the_numbers_one_by_one():
    medians, ratios = np.array([[2.7], [3.7], [4.4]]), np.array([0.7, 1.0, 1.4])
    many = outcomes.restricted_mean(medians, 1.05, ratios, 10)
    assert many.shape == (3, 3)
    for row, column in np.ndindex(3, 3):
        one = outcomes.restricted_mean(medians[row, 0], 1.05, ratios[column], 10)
        assert many[row, column] == one


def test_all_groups_together_have_the_median_again():
    ratios = np.array([1.0, 2.0, 4.0])
    factor = outcomes.base_ratio(ratios, SHARES)
    together = SHARES @ outcomes.alive(3.7, 3.7, 1.1, factor * ratios)
    assert together == pytest.approx(0.5, abs=1e-12)
    # By hand for two equal groups with a ratio of 2: x + x^2 = 1 where x = exp(-h), so
    # h = -ln((sqrt(5) - 1) / 2) and the factor is h / ln 2.
    golden = -np.log((np.sqrt(5) - 1) / 2) / np.log(2)
    assert outcomes.base_ratio([1, 2], [0.5, 0.5]) == pytest.approx(golden, rel=1e-12)


def test_the_reference_of_the_ratios_makes_no_difference():
    ratios = np.exp(np.random.default_rng(4).normal(0, 0.5, (50, 3)))
    scale = np.linspace(0.01, 100, 50)
    once, again = (outcomes.base_ratio(r, SHARES) for r in (ratios, ratios * scale[:, None]))
    np.testing.assert_allclose(again * scale, once, rtol=1e-11)
    assert outcomes.base_ratio(np.ones((2, 5, 3)), SHARES) == pytest.approx(np.ones((2, 5)))


def test_slope_weights_are_those_of_the_slope_index():
    # Fifths of unequal size, and survival in years that falls with deprivation.
    people, years = np.array([469, 449, 448, 449, 544.0]), np.array([3.1, 3.9, 3.8, 4.4, 4.3])
    table = pd.DataFrame({"fifth": range(1, 6), "people": people, "years": years})
    slope = inequality.slope_index(table, "years", "fifth", "people")["estimate"].iloc[0]
    weights = outcomes.slope_weights(people)
    assert years @ weights == pytest.approx(slope, rel=1e-10)
    assert weights.sum() == pytest.approx(0, abs=1e-12)
    assert np.full(5, 4.0) @ weights == pytest.approx(0, abs=1e-12)
    # R: coef(lm(v ~ r, weights = p))["r"] for equal fifths: ridits 0.1, 0.3, 0.5, 0.7, 0.9, so
    # the weight of the first is -0.4 / 0.4 = -1.
    np.testing.assert_allclose(
        outcomes.slope_weights(np.ones(5)), [-1, -0.5, 0, 0.5, 1], atol=1e-12
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: outcomes.alive(-1, 3.7),
        lambda: outcomes.alive(np.nan, 3.7),
        lambda: outcomes.restricted_mean(0, 1, 1, 10),
        lambda: outcomes.restricted_mean(3.7, 1, -0.1, 10),
        lambda: outcomes.restricted_mean(3.7, 0, 1, 10),
        lambda: outcomes.base_ratio([1, 0], [0.5, 0.5]),
        lambda: outcomes.base_ratio([1, np.nan], [0.5, 0.5]),
        lambda: outcomes.base_ratio([1, 2], [0.5, 0.6]),
        lambda: outcomes.base_ratio([1, 2, 3], [0.5, 0.5]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(AnalysisError):
        call()


def test_a_change_for_some_years_by_quadrature():
    """Piece by piece of the survival curve, added up by numbers."""
    for shape, change, years in (
        (1.0, 0.75, 2.0),
        (1.3, 1.5, 3.5),
        (0.9, 0.5, 0.0),
        (1.2, 0.6, 12),
    ):
        until = min(years, 10.0)

        def alive(t, shape=shape, change=change, until=until):
            before = min(t, until) ** shape
            died = change * before + t**shape - before
            return np.exp(-1.4 * np.log(2) / 3.7**shape * died)

        by_hand = quad(alive, 0, 10, points=[until], epsabs=1e-11)[0]
        found = outcomes.restricted_mean_while(3.7, shape, 1.4, change, years, 10.0)
        assert found == pytest.approx(by_hand, rel=1e-8)


def test_no_change_is_none_and_a_change_to_the_end_is_the_ratio():
    whole = outcomes.restricted_mean(3.7, 1.1, [1.0, 2.0], 10.0)
    none = outcomes.restricted_mean_while(3.7, 1.1, [1.0, 2.0], 1.0, 2.0, 10.0)
    np.testing.assert_array_equal(none, whole)
    always = outcomes.restricted_mean_while(3.7, 1.1, [0.5, 1.0], 2.0, 10.0, 10.0)
    np.testing.assert_allclose(always, whole)
    # The longer a lower hazard lasts, the longer people live.
    years = np.linspace(0, 10, 21)
    lived = outcomes.restricted_mean_while(3.7, 1.1, 1.0, 0.8, years, 10.0)
    assert (np.diff(lived) > 0).all()
    with pytest.raises(AnalysisError):
        outcomes.restricted_mean_while(3.7, 1.1, 1.0, 0.8, -1.0, 10.0)
