"""The engine against R, against slow obvious twins on invented people, and on data that cannot do.

The R calls stand beside the numbers in tests/known_answers/survival.json.
"""

import itertools

import numpy as np
import pytest
import survival_data as data
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

EXACT = {"rel": 1e-8, "abs": 1e-12}


def fit_veteran(time):
    people = data.veteran()
    cells = np.column_stack([people["celltype"] == c for c in ("large", "smallcell", "squamous")])
    X = np.hstack([people[["trt", "karno", "age"]], cells, people[["prior"]]])
    return engine.cox(people[time], people["status"] == 1, X)


def fit(people, time, event, columns, **options):
    for name in ("entry", "weights"):
        if name in options:
            options[name] = people[options[name]]
    if "strata" in options:
        options["strata"] = people.groupby(options["strata"]).ngroup().to_numpy()
    return engine.cox(people[time], people[event] == 1, people[columns].to_numpy(float), **options)


TRIAL = ["age", "edema", "lb", "lp", "la"]
HEART = ["age", "year", "surgery", "transplant"]
BLOOD = ["male", "kappa", "lambda", "creatinine"]
# Name of the answer: the fit, the column of its clusters, the columns of its terms.
MODELS = {
    "lung.efron": (lambda: fit(data.lung(), "time", "died", ["age", "sex", "ph.ecog"]), None),
    "lung.breslow": (
        lambda: fit(data.lung(), "time", "died", ["age", "sex", "ph.ecog"], ties="breslow"),
        None,
    ),
    "lung.month.efron.cluster": (
        lambda: fit(data.lung(), "month", "died", ["age", "sex", "ph.ecog"]),
        lambda: data.lung()["inst"],
    ),
    "lung.month.breslow.cluster": (
        lambda: fit(data.lung(), "month", "died", ["age", "sex", "ph.ecog"], ties="breslow"),
        lambda: data.lung()["inst"],
    ),
    "lung.month.weights.strata.cluster": (
        lambda: fit(data.lung(), "month", "died", ["age", "ph.ecog"], weights="w", strata="sex"),
        lambda: data.lung()["inst"],
    ),
    "lung.month.weights.breslow.strata.cluster": (
        lambda: fit(
            data.lung(), "month", "died", ["age", "ph.ecog"], weights="w", strata="sex",
            ties="breslow",
        ),
        lambda: data.lung()["inst"],
    ),
    "veteran.cell": (lambda: fit_veteran("time"), None),
    "veteran.month.cell": (lambda: fit_veteran("month"), None),
    "veteran.strata": (
        lambda: fit(
            data.veteran(), "time", "status", ["trt", "karno", "age"],
            strata=["celltype", "prior"],
        ),
        None,
    ),
    "pbc": (lambda: fit(data.pbc_trial(), "time", "died", TRIAL), None),
    "heart": (
        lambda: fit(data.heart(), "stop", "event", HEART, entry="start"),
        lambda: data.heart()["id"],
    ),
    "heart.strata.weights": (
        lambda: fit(
            data.heart(), "stop", "event", ["age", "year", "transplant"], entry="start",
            strata="surgery", weights="w",
        ),
        lambda: data.heart()["id"],
    ),
    "heart.month.weights": (
        lambda: fit(
            data.heart_by_month(), "months", "event", ["age", "year", "transplant"], entry="from",
            strata="surgery", weights="w",
        ),
        lambda: data.heart_by_month()["id"],
    ),
    "heart.month.breslow": (
        lambda: fit(
            data.heart_by_month(), "months", "event", HEART, entry="from", ties="breslow"
        ),
        None,
    ),
    "retinopathy": (
        lambda: fit(data.retinopathy(), "futime", "status", ["trt", "age", "risk"], strata="type"),
        lambda: data.retinopathy()["id"],
    ),
    # Plain Newton fails here: the steps must be halved.
    "flchain": (lambda: fit(data.flchain(), "futime", "death", ["age", *BLOOD]), None),
    # Age as the time scale: entries and exits that are equal but for rounding.
    "flchain.age": (lambda: fit(data.flchain(), "exit", "death", BLOOD, entry="entry"), None),
}  # fmt: skip
CELLS = [[0], [1], [2], [3, 4, 5], [6]]


@pytest.mark.parametrize("name", MODELS)
def test_cox_agrees_with_r(name):
    make, clusters = MODELS[name]
    found, known = make(), data.answer(name)
    assert found.coefficients == pytest.approx(known["coef"], **EXACT)
    assert found.standard_errors == pytest.approx(known["se"], **EXACT)
    assert [found.log_likelihood_null, found.log_likelihood] == pytest.approx(
        known["loglik"], **EXACT
    )
    assert found.score_statistic == pytest.approx(float(known["score"]), **EXACT)
    assert np.sqrt(np.diag(found.robust_variance())) == pytest.approx(
        known["se_by_person"], **EXACT
    )
    if clusters is not None:
        robust = np.sqrt(np.diag(found.robust_variance(clusters().to_numpy())))
        assert robust == pytest.approx(known["se_robust"], **EXACT)


@pytest.mark.parametrize("name", MODELS)
def test_residuals_agree_with_r(name):
    found, known = MODELS[name][0](), data.answer(name)
    assert found.martingale[:4] == pytest.approx(known["martingale_first"], **EXACT)
    assert found.martingale @ found.martingale == pytest.approx(
        float(known["martingale_ss"]), **EXACT
    )
    assert found.score_residuals[0] == pytest.approx(known["score_first"], **EXACT)
    assert (found.score_residuals**2).sum(axis=0) == pytest.approx(known["score_ss"], **EXACT)
    assert (found.dfbeta**2).sum(axis=0) == pytest.approx(known["dfbeta_ss"], **EXACT)
    assert (found.schoenfeld()[1] ** 2).sum(axis=0) == pytest.approx(
        known["schoenfeld_ss"], **EXACT
    )


@pytest.mark.parametrize("name", MODELS)
def test_concordance_agrees_with_r(name):
    make, clusters = MODELS[name]
    found = make().concordance(None if clusters is None else clusters().to_numpy())
    assert found == pytest.approx(tuple(data.answer(name)["concordance"]), **EXACT)


@pytest.mark.parametrize(
    ("name", "transform"),
    list(itertools.product(MODELS, ("km", "rank", "identity", "log"))),
)
def test_proportional_hazards_test_agrees_with_r(name, transform):
    terms = CELLS if "cell" in name else None
    statistic, freedom, p_value = MODELS[name][0]().proportional_hazards(transform, terms)
    known = data.answer(f"{name}.zph.{transform}")
    assert statistic == pytest.approx(known["chisq"], rel=1e-7)
    assert freedom.tolist() == known["df"].tolist()
    assert p_value == pytest.approx(known["p"], rel=1e-7)


# -- predictions -----------------------------------------------------------------------------------


def predict(name, times, stratum=0, **options):
    found = fit(data.lung(), "month", "died", ["age", "ph.ecog"], **options)
    return found.survival(np.array([[60, 1], [70, 2]]), times, stratum)


@pytest.mark.parametrize(
    ("name", "options"), [("weights", {"weights": "w"}), ("breslow", {"ties": "breslow"})]
)
def test_predicted_survival_agrees_with_r(name, options):
    survival, error = predict(name, [6, 12, 24], **options)
    known = data.answer(f"predict.lung.{name}")
    for row in (0, 1):
        assert survival[row] == pytest.approx(known[f"survival{row + 1}"], **EXACT)
        assert survival[row] * error[row] == pytest.approx(known[f"se{row + 1}"], **EXACT)


def test_predicted_survival_by_stratum_agrees_with_r():
    known = data.answer("predict.lung.strata")
    for stratum in (0, 1):
        survival, error = predict("strata", [6, 12, 24], stratum, strata="sex")
        part = slice(3 * stratum, 3 * stratum + 3)
        assert survival[stratum] == pytest.approx(known["survival"][part], **EXACT)
        assert (survival * error)[stratum] == pytest.approx(known["se"][part], **EXACT)


def test_baseline_agrees_with_r():
    times, hazard = fit(data.lung(), "month", "died", ["age", "ph.ecog"]).baseline()
    known = data.answer("baseline.lung.month")
    at = np.searchsorted(times, known["time"], side="right") - 1
    assert hazard[at] == pytest.approx(known["hazard"], **EXACT)


# -- slow twins ------------------------------------------------------------------------------------

# Ten invented people: entry, exit, event, weight, stratum, two covariates.
TEN = np.array(
    [
        [0, 1, 1, 1.0, 0, 0.2, 1],  # dies first, with another
        [0, 1, 1, 2.0, 0, 1.1, 0],  # dies with the first, and counts twice
        [0, 1, 0, 1.0, 0, 0.5, 0],  # censored when they die: still at risk
        [0, 3, 1, 0.5, 0, -0.3, 1],  # one of three deaths at once
        [1, 3, 1, 1.0, 0, 0.9, 1],  # enters when the first die: not at risk then
        [2, 3, 1, 1.5, 0, -1.0, 0],  # enters late
        [2, 5, 0, 1.0, 0, 0.4, 1],  # outlives everybody
        [0, 2, 1, 1.0, 1, 0.7, 0],  # the other stratum, alone in it at the end
        [0, 4, 1, 2.5, 1, 0.1, 1],
        [3, 4, 0, 1.0, 1, -0.6, 0],
    ]
)


def slow_efron(beta, rows, ties="efron"):
    """The partial likelihood as it is written in the books, one death after the other."""
    entry, time, event, weight, stratum = rows[:, :5].T
    risk = weight * np.exp(rows[:, 5:] @ beta)
    total = 0.0
    for s in np.unique(stratum):
        for t in np.unique(time[(event == 1) & (stratum == s)]):
            dying = (time == t) & (event == 1) & (stratum == s)
            at_risk = (entry < t) & (time >= t) & (stratum == s)
            total += (weight * (rows[:, 5:] @ beta))[dying].sum()
            for nth in range(dying.sum()):
                out = nth / dying.sum() * risk[dying].sum() if ties == "efron" else 0.0
                total -= weight[dying].mean() * np.log(risk[at_risk].sum() - out)
    return total


def slow_derivatives(beta, rows, ties, h=1e-4):
    one = np.eye(len(beta)) * h

    def at(change):
        return slow_efron(beta + change, rows, ties)

    gradient = [(at(e) - at(-e)) / (2 * h) for e in one]
    hessian = [
        [(at(e + f) - at(e - f) - at(f - e) + at(-e - f)) / (4 * h * h) for f in one] for e in one
    ]
    return np.array(gradient), np.array(hessian)


def fit_ten(rows, **options):
    entry, time, event, weight, stratum = rows[:, :5].T
    return engine.cox(
        time, event == 1, rows[:, 5:], entry=entry, strata=stratum, weights=weight, **options
    )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_the_top_of_the_slow_likelihood(ties):
    found = fit_ten(TEN, ties=ties)
    assert found.log_likelihood == pytest.approx(
        slow_efron(found.coefficients, TEN, ties), rel=1e-12
    )
    assert found.log_likelihood_null == pytest.approx(slow_efron(np.zeros(2), TEN, ties), rel=1e-12)
    gradient, hessian = slow_derivatives(found.coefficients, TEN, ties)
    assert gradient == pytest.approx(np.zeros(2), abs=1e-7)
    assert found.variance == pytest.approx(np.linalg.inv(-hessian), rel=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_dfbeta_is_the_derivative_by_a_persons_weight(ties):
    found = fit_ten(TEN, ties=ties)
    for person in range(len(TEN)):
        moved = []
        for change in (1e-4, -1e-4):
            rows = TEN.copy()
            rows[person, 3] += change
            moved.append(fit_ten(rows, ties=ties).coefficients)
        slope = (moved[0] - moved[1]) / 2e-4
        assert found.dfbeta[person] == pytest.approx(slope, abs=2e-6)


invented = st.integers(0, 10**6).map(np.random.default_rng)


@settings(max_examples=40, deadline=None)
@given(invented)
def test_concordance_counts_pairs(random):
    people = int(random.integers(5, 40))
    time, event = random.integers(2, 12, people), random.random(people) < 0.7
    entry, rank = time - random.integers(1, 6, people), random.integers(0, 5, people)
    weight, stratum = random.random(people) + 0.1, random.integers(0, 2, people)
    good = pairs = 0.0
    for i, j in itertools.permutations(range(people), 2):
        later = time[j] > time[i] or (time[j] == time[i] and not event[j])
        if event[i] and later and entry[j] < time[i] and stratum[i] == stratum[j]:
            pairs += weight[i] * weight[j]
            good += weight[i] * weight[j] * ((rank[j] < rank[i]) + 0.5 * (rank[j] == rank[i]))
    if pairs == 0:
        with pytest.raises(AnalysisError, match="compared"):
            engine.concordance(time, event, rank, entry, stratum, weight)
        return
    share, _ = engine.concordance(time, event, rank, entry, stratum, weight)
    assert share == pytest.approx(good / pairs, abs=1e-12)


def test_a_hair_left_by_running_sums_is_no_pair():
    # Nobody is followed while another has the event, and sums of these weights leave 4e-17.
    time, entry = np.array([4, 2, 11, 6, 10, 11]), np.array([3, 0, 10, 4, 9, 9])
    event = np.array([True, False, True, True, False, True])
    weight = np.random.default_rng(1819)  # the draws before the weights are the other columns
    weight.integers(2, 12, 6), weight.random(6), weight.integers(1, 3, 6)
    with pytest.raises(AnalysisError, match="compared"):
        stratum = np.array([0, 1, 0, 1, 0, 0])
        engine.concordance(time, event, np.zeros(6), entry, stratum, weight.random(6) + 0.1)


@settings(max_examples=60, deadline=None)
@given(invented)
def test_pseudo_values_are_the_slow_jackknife(random):
    people = int(random.integers(4, 25))
    time, event = random.integers(1, 9, people).astype(float), random.random(people) < 0.6
    horizon = float(random.uniform(0.5, 7.9))
    everybody = engine.risk_table(time, event)
    if everybody.time[-1] < horizon and engine.kaplan_meier(everybody).survival[-1] > 0:
        with pytest.raises(AnalysisError, match="horizon"):
            engine.pseudo_restricted_mean(time, event, horizon)
        return
    whole, _ = engine.restricted_mean(everybody, horizon)
    slow = []
    for left_out in range(people):
        rest = np.arange(people) != left_out
        # The curve without one person stays level after its last time, as the fast way has it.
        table = engine.risk_table(np.append(time[rest], 99.0), np.append(event[rest], False))
        at_risk = table.at_risk[:-1] - 1
        steps = np.cumprod(1 - table.events[0, :-1] / at_risk)
        edges = np.minimum(np.concatenate([[0], table.time[:-1], [horizon]]), horizon)
        without = (np.diff(edges) * np.concatenate([[1.0], steps])).sum()
        slow.append(people * whole - (people - 1) * without)
    found = engine.pseudo_restricted_mean(time, event, horizon)
    assert found == pytest.approx(np.array(slow), abs=1e-9)


def test_pseudo_values_without_censoring_are_the_times():
    time = np.array([3.0, 1.0, 7.0, 2.0, 2.0])
    found = engine.pseudo_restricted_mean(time, np.ones(5, bool), 5.0)
    assert found == pytest.approx(np.minimum(time, 5.0), abs=1e-12)


def test_risk_table_with_late_entry_counts_by_hand():
    table = engine.risk_table(TEN[:7, 1], TEN[:7, 2], TEN[:7, 0])
    assert table.time.tolist() == [1, 3, 5]
    assert table.at_risk.tolist() == [4, 4, 1]
    assert table.events.tolist() == [[2, 3, 0]]
    assert table.censored.tolist() == [1, 0, 1]


def test_kaplan_meier_with_late_entry_agrees_with_r():
    people, known = data.heart_by_month(), data.answer("km.entry.heart")
    table = engine.risk_table(people["months"], people["event"], people["from"])
    curve = engine.kaplan_meier(table)
    for found, column in (
        (table.time, "time"),
        (table.at_risk, "at_risk"),
        (table.events[0], "events"),
        (curve.survival, "survival"),
        (curve.low, "low"),
        (curve.high, "high"),
    ):
        assert found == pytest.approx(known[column], nan_ok=True, **EXACT)


@settings(max_examples=30, deadline=None)
@given(invented)
def test_aalen_johansen_of_all_causes_is_one_less_kaplan_meier(random):
    time, cause = random.integers(1, 12, 40), random.integers(0, 4, 40)
    table = engine.risk_table(time, cause, causes=3)
    incidence, error = engine.aalen_johansen(table)
    curve = engine.kaplan_meier(table)
    assert incidence.sum(axis=0) == pytest.approx(1 - curve.survival, abs=1e-12)
    # With one cause the error is Greenwood's.
    alone = engine.risk_table(time, cause > 0)
    _, greenwood = engine.aalen_johansen(alone)
    inside = curve.survival > 0
    assert greenwood[0][inside] == pytest.approx(
        curve.survival[inside] * curve.log_error[inside], abs=1e-10
    )


# -- properties ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(invented, st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_order_do_not_matter(random, unit, origin):
    people = 60
    X = random.normal(size=(people, 2))
    time, event = random.integers(1, 20, people), random.random(people) < 0.7
    first = engine.cox(time, event, X)
    mixed = random.permutation(people)
    second = engine.cox(time[mixed] * 7.0, event[mixed], X[mixed] * unit + origin)
    assert second.coefficients * unit == pytest.approx(first.coefficients, rel=1e-6, abs=1e-9)
    assert second.standard_errors * unit == pytest.approx(first.standard_errors, rel=1e-7)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(invented)
def test_a_split_person_counts_once(random):
    # Cut everybody's follow-up at 5: left truncation must put the halves together again.
    people = 50
    X, time = random.normal(size=(people, 2)), random.integers(1, 12, people).astype(float)
    event = random.random(people) < 0.8
    late = time > 5
    halves = engine.cox(
        np.concatenate([np.minimum(time, 5), time[late]]),
        np.concatenate([event & ~late, event[late]]),
        np.concatenate([X, X[late]]),
        entry=np.concatenate([np.zeros(people), np.full(late.sum(), 5.0)]),
    )
    whole = engine.cox(time, event, X)
    assert halves.coefficients == pytest.approx(whole.coefficients, rel=1e-8, abs=1e-10)
    assert halves.variance == pytest.approx(whole.variance, rel=1e-8, abs=1e-12)


def test_times_that_differ_by_rounding_are_ties():
    time = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0])
    event, X = np.array([1, 1, 1, 1, 0, 1, 0]), np.array([0.3, 1, -1, 0.4, 0.9, 0.1, -0.2])
    same = engine.cox(time, event, X).coefficients
    rounded = engine.cox(time + np.arange(7) * 1e-12, event, X).coefficients
    assert rounded == pytest.approx(same, rel=1e-12)


# -- data that cannot do ---------------------------------------------------------------------------

TIME = np.array([1, 2, 3, 4, 5, 6, 7, 8], dtype=float)
EVENT = np.array([1, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
AGE = np.array([5, 3, 8, 1, 9, 2, 7, 4], dtype=float)


@pytest.mark.parametrize(
    ("event", "X", "sentence"),
    [
        (np.zeros(8, bool), AGE, "Nobody has the event"),
        (EVENT, np.ones(8), "same value of 'column 1'"),
        (EVENT, np.column_stack([AGE, 2 * AGE + 1]), "determine one another"),
        (EVENT, TIME < 3.5, "'column 1' has no finite estimate"),
        (EVENT, np.column_stack([AGE, -TIME]), "'column 2' has no finite estimate"),
        # Differs only in somebody who left before the first event.
        (np.arange(8) > 0, np.arange(8) == 0, "does not vary among the people at risk"),
        (EVENT, np.where(AGE == 5, np.nan, AGE), "missing or infinite"),
    ],
)
def test_what_cannot_be_estimated_is_a_sentence(event, X, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        engine.cox(TIME, event, np.asarray(X, dtype=float))


def test_a_level_without_events_is_separation():
    random = np.random.default_rng(3)
    level = np.repeat([0, 1, 2], 40)
    event = (random.random(120) < 0.8) & (level != 2)
    X = np.column_stack([level == 1, level == 2, random.normal(size=120)]).astype(float)
    with pytest.raises(AnalysisError, match="'far' has no finite estimate"):
        engine.cox(random.exponential(1, 120), event, X, names=["near", "far", "age"])


def test_a_huge_hazard_that_enters_late_takes_no_digits_along():
    # With late entry a risk set is a difference of sums. Here two people with a huge hazard enter
    # when all others have left: the differences alone would keep no digit of the others.
    random = np.random.default_rng(5)
    people = 40
    X = random.normal(size=(people, 1))
    time = 10 + np.ceil(9 * random.exponential(np.exp(-X[:, 0])))
    event = random.random(people) < 0.8
    alone = engine.cox(time, event, X, entry=np.full(people, 9.0))
    beta = alone.coefficients[0]
    outlier = 30 / beta
    more = engine.cox(
        np.append(time, [1001.0, 1002.0]),
        np.append(event, [True, False]),
        np.append(X, [[outlier], [outlier]], axis=0),
        entry=np.append(np.full(people, 9.0), [1000.0, 1000.0]),
    )
    assert more.coefficients == pytest.approx(alone.coefficients, rel=1e-9)
    assert more.standard_errors == pytest.approx(alone.standard_errors, rel=1e-9)


def test_bad_weights_entries_and_ties_are_sentences():
    with pytest.raises(AnalysisError, match="weights"):
        engine.cox(TIME, EVENT, AGE, weights=np.zeros(8))
    with pytest.raises(AnalysisError, match="entry"):
        engine.cox(TIME, EVENT, AGE, entry=TIME)
    with pytest.raises(AnalysisError, match="Ties"):
        engine.cox(TIME, EVENT, AGE, ties="exact")
    with pytest.raises(AnalysisError, match="transform"):
        engine.cox(TIME, EVENT, AGE).proportional_hazards("square")
    with pytest.raises(AnalysisError, match="without people"):
        engine.risk_table(np.array([]), np.array([]))


def test_the_interval_of_a_probability_next_to_one_is_found_without_overflow():
    # One hair below one: the lower end is nought and the upper end one, and no number overflows.
    low, high = engine.log_log_interval(np.array([1 - 2**-53]), np.array([1.0]))
    assert low[0] == 0
    assert high[0] == 1
