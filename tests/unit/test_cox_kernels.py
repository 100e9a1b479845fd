"""The compiled loops of Cox's model against numpy's way, which is tested against R."""

import types

import numpy as np
import pytest

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, cox_kernels, engine


@pytest.fixture(params=["compiled", "as they are written"])
def kernels(request, monkeypatch):
    """The kernels compiled, and as Python runs them, which needs no numba."""
    if request.param != "compiled":
        monkeypatch.setenv(compiled.SWITCH, "no")
        monkeypatch.setattr(engine, "compiled", types.SimpleNamespace(available=lambda: True))
    elif not compiled.available():
        pytest.skip("numba is not installed")


@pytest.fixture
def people():
    """Invented: 150 people, ages and three conditions; many leave at one day."""
    random = np.random.default_rng(3)
    X = np.column_stack([random.normal(60, 9, 150), random.random((150, 3)) < 0.4])
    return np.ceil(random.exponential(20, 150)), random.random(150) < 0.6, X


def by_numpy(*people, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "compiled", types.SimpleNamespace(available=lambda: False))
        fit = engine.cox(*people, **options)
    assert fit._compiled is None
    return fit


def close(one, other):
    scale = np.max(np.abs(other))
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10 * scale)


CODES = np.random.default_rng(5).integers(3, size=150)
WEIGHTS = np.random.default_rng(6).uniform(0.5, 2.0, 150)
WAYS = {
    "efron": {},
    "breslow": {"ties": "breslow"},
    "weights": {"weights": WEIGHTS},
    "strata": {"strata": CODES},
    "all": {"strata": CODES, "weights": WEIGHTS, "ties": "breslow"},
    "all with efron": {"strata": CODES, "weights": WEIGHTS},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_compiled_fit_is_numpys_fit(kernels, people, way):
    ours, theirs = engine.cox(*people, **WAYS[way]), by_numpy(*people, **WAYS[way])
    assert ours._compiled is not None
    for name in (
        "coefficients", "variance", "log_likelihood_null", "log_likelihood", "score_statistic",
        "score_residuals", "dfbeta", "martingale",
    ):  # fmt: skip
        close(getattr(ours, name), getattr(theirs, name))
    clusters = np.arange(150) // 3
    close(ours.robust_variance(), theirs.robust_variance())
    close(ours.robust_variance(clusters), theirs.robust_variance(clusters))
    for transform in ("km", "rank", "identity", "log"):
        tests = [fit.proportional_hazards(transform, [[0], [1, 2, 3]]) for fit in (ours, theirs)]
        close(tests[0][0], tests[1][0])
    close(ours.baseline()[1], theirs.baseline()[1])
    close(ours.concordance(), theirs.concordance())


def years(days, random):
    return days / 365.25


def continuous(days, random):
    return random.exponential(1.0, len(days))


def equal_but_for_rounding(days, random):
    return days + random.uniform(-1, 1, len(days)) * 1e-11


def too_many_days(days, random):
    return days * 1e6


@pytest.mark.parametrize("clock", [years, continuous, equal_but_for_rounding, too_many_days])
def test_times_that_are_not_days_are_sorted_too(kernels, people, clock):
    days, event, X = people
    time = clock(days, np.random.default_rng(8))
    ours, theirs = engine.cox(time, event, X), by_numpy(time, event, X)
    assert ours._compiled is not None
    close(ours.coefficients, theirs.coefficients)
    close(ours.proportional_hazards()[0], theirs.proportional_hazards()[0])


@pytest.mark.parametrize("way", ["efron", "breslow", "strata"])
def test_people_drawn_twice_die_twice(kernels, people, way):
    options = WAYS[way]
    drawn = np.bincount(np.random.default_rng(9).integers(150, size=150), minlength=150)
    rows = np.repeat(np.arange(150), drawn)
    strata = {"strata": CODES[rows]} if way == "strata" else {}
    again = by_numpy(*(each[rows] for each in people), **(options | strata))
    fit = engine.cox(*people, **options)
    close(fit.resampled(drawn), again.coefficients)
    close(by_numpy(*people, **options).resampled(drawn), again.coefficients)


def test_drawn_people_without_deaths_are_a_sentence(kernels, people):
    fit = engine.cox(*people)
    with pytest.raises(AnalysisError, match="^Nobody has the event"):
        fit.resampled(~people[1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t, d, X: X.__setitem__((slice(None), 1), 1.0), "same value of 'column 2'"),
        (lambda t, d, X: X.__setitem__((3, 1), np.nan), "missing or infinite"),
        (lambda t, d, X: X.__setitem__((3, 1), np.inf), "missing or infinite"),
        (lambda t, d, X: t.__setitem__(3, np.nan), "missing or infinite"),
        (lambda t, d, X: t.__setitem__(3, np.inf), "missing or infinite"),
        (lambda t, d, X: d.__setitem__(slice(None), False), "Nobody has the event"),
        (lambda t, d, X: X.__setitem__((slice(None), 1), d), "'column 2' has no finite estimate"),
        (
            lambda t, d, X: X.__setitem__((slice(None), 3), X[:, 1] - 2 * X[:, 2]),
            "'column 2', 'column 3', 'column 4'",
        ),
    ],
)
def test_what_cannot_be_fitted_is_said_as_by_numpy(kernels, people, change, sentence):
    change(*people)
    with pytest.raises(AnalysisError, match=sentence):
        engine.cox(*people)


def test_a_condition_coded_far_from_nought_has_the_same_estimate(kernels, people):
    time, event, X = people
    far = X + [0, 1e9, 1e9, 1e9]
    close(engine.cox(time, event, far).coefficients, engine.cox(time, event, X).coefficients)


def test_exponentials_are_right_to_the_last_digits(kernels):
    values = np.concatenate([-np.random.default_rng(1).exponential(20, 1000), [0.0, -1e-9, -699.0]])
    found = values + 3.0
    cox_kernels.exponentials(found, 3.0)
    np.testing.assert_allclose(found, np.exp((values + 3.0) - 3.0), rtol=4e-16)


def test_a_million_times_the_hazard_needs_no_digits_of_the_others(kernels):
    # One covariate so wide that plain Newton steps overshoot and must be halved.
    random = np.random.default_rng(2)
    x = np.concatenate([random.normal(0, 1, 100), [60.0, -60.0]])
    time, event = random.exponential(1.0, 102), np.ones(102, bool)
    ours, theirs = engine.cox(time, event, x), by_numpy(time, event, x)
    close(ours.coefficients, theirs.coefficients)
