"""Covariates made from the time of follow-up, columns of too many values, and other odd tables.

Each of these once gave a wrong estimate, ran for minutes, or ended in a traceback.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import survival_data as data

from distance_to_care import survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, cox_kernels, engine, replicates

# R 4.2.2, survival 3.5-3:
#   d <- cancer[complete.cases(cancer[, c("time", "status", "age", "sex", "ph.ecog", "inst")]), ]
#   d$z <- d$time + by * sin(seq_len(nrow(d)))
#   f <- coxph(Surv(time, status) ~ z, d, ties = ties,
#              control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 200))
#   c(coef(f), sqrt(vcov(f)))
NEARLY_THE_TIME = {
    (5, "efron"): (-0.277281155855131, 0.0227552421654454),
    (5, "breslow"): (-0.271973538464547, 0.0226884113237591),
    (20, "efron"): (-0.0768349152074004, 0.00526731578479538),
    (20, "breslow"): (-0.0759320253074338, 0.00522867844239239),
    (80, "efron"): (-0.0187393455985987, 0.00130458599869084),
    (80, "breslow"): (-0.0186663542527713, 0.0013015468173692),
}


@pytest.fixture(params=["compiled", "in numpy"])
def switch(request, monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, "" if request.param == "compiled" else "no")


@pytest.fixture(params=["table", "file", "large table"])
def given(request, tmp_path, monkeypatch):
    """People as a function is given them: as a table, a file, and a table that is packed."""
    if request.param == "large table":
        monkeypatch.setattr(survival, "MANY", 0)

    def of(table):
        if request.param == "file":
            table.to_parquet(tmp_path / "people.parquet")
            return tmp_path / "people.parquet"
        return table

    return of


def nearly_the_time(by: float) -> pd.DataFrame:
    people = data.lung()
    return people.assign(z=people["time"] + by * np.sin(np.arange(1, len(people) + 1)))


def many() -> pd.DataFrame:
    """Invented: 3,000 people, of whom two in three die."""
    random = np.random.default_rng(1)
    falls, leaves = random.exponential(900, 3000), random.uniform(30, 3000, 3000)
    days = np.ceil(np.minimum(falls, leaves))
    return pd.DataFrame({"time": days, "died": falls <= leaves, "noise": random.normal(size=3000)})


@pytest.mark.parametrize("by, ties", NEARLY_THE_TIME)
def test_a_covariate_that_nearly_orders_the_times_has_the_estimate_of_r(by, ties, given, switch):
    found = survival.cox(given(nearly_the_time(by)), "time", "died", ["z"], ties=ties).iloc[0]
    estimate, error = NEARLY_THE_TIME[by, ties]
    assert found["coefficient"] == pytest.approx(estimate, rel=1e-9)
    assert found["standard_error"] == pytest.approx(error, rel=1e-9)


ORDERING = {
    "the time": lambda people: people["time"],
    "its logarithm": lambda people: np.log(people["time"]),
    "weeks": lambda people: people["time"] // 7,
    "the time, and a little": lambda people: people["time"] + people["noise"],
    "the time, and a very little": lambda people: people["time"] + 0.2 * people["noise"],
    "the time, and more": lambda people: people["time"] + 3 * people["noise"],
    # Here there is a top, at hazards that lie too far apart to be worked out: for all, or for none.
    "the time, and much more": lambda people: people["time"] + 7 * people["noise"],
}


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("made", ORDERING)
def test_a_covariate_that_orders_the_times_is_refused(made, ties, given, switch):
    people = many()
    people["z"] = ORDERING[made](people)
    with pytest.raises(AnalysisError, match="does not converge.*made from the time of follow-up"):
        survival.cox(given(people), "time", "died", ["z"], ties=ties)


def test_the_score_is_nought_at_every_estimate(switch):
    """From a covariate of noise alone to one of the time alone: the top, or nothing."""
    people = many().head(800)
    time, died = people["time"].to_numpy(), people["died"].to_numpy()
    found = 0
    for share in np.geomspace(1e-3, 1.0, 25):
        z = time / 900 + share * people["noise"].to_numpy()
        try:
            fit = engine.cox(time, died, z)
        except AnalysisError:
            continue
        found += 1
        _, score, information = engine.derivatives(time, died, z[:, None], fit.coefficients)
        assert abs(score[0] / np.sqrt(information[0, 0])) < 1e-6
    assert 10 < found < 25


def test_a_halved_step_is_no_sign_of_the_top():
    """At the edge of what can be worked out any step must be halved until it is next to nothing."""
    people = many().head(300)
    time, died = people["time"].to_numpy(), people["died"].to_numpy()
    ordered = engine._Sorted.of(time, died, None, time[:, None], np.ones(300), "efron")

    def climbed(beta, steps):
        wide = ordered.Z.shape[1]
        at = np.zeros(wide)
        at[0] = beta
        return cox_kernels.climb(
            *ordered.arrays, 1, engine.STEP, engine.RUNAWAY, steps, at, np.empty((wide, wide)),
            np.empty((1, 1)),
        )  # fmt: skip

    inside, outside = -1.0, -1000.0
    while inside - outside > 2e-9:
        middle = (inside + outside) / 2
        # The likelihood at the start, 0 where there is none.
        if climbed(middle, 0)[2] != 0:
            inside = middle
        else:
            outside = middle
    code, *_, taken = climbed(inside, engine.ITERATIONS)
    assert code == cox_kernels.UNCLEAR and taken > 0


def test_people_drawn_again_have_the_estimate_of_their_rows_or_none(monkeypatch):
    people = nearly_the_time(5)
    arrays = people["time"].to_numpy(), people["died"].to_numpy(), people[["z"]].to_numpy()
    monkeypatch.setenv(compiled.SWITCH, "no")
    by_numpy = replicates.bootstrap(*arrays, 12, 3)
    monkeypatch.setenv(compiled.SWITCH, "")
    np.testing.assert_allclose(replicates.bootstrap(*arrays, 12, 3), by_numpy, rtol=1e-9)


# -- columns of too many values --------------------------------------------------------------------


ASKED = {
    "hazard ratios": lambda people, name: survival.cox(people, "time", "died", ["age", name]),
    "by period": lambda people, name: survival.hazard_ratio_by_period(
        people, "time", "died", [name], [300]
    ),
    "along": lambda people, name: survival.hazard_ratio_along(
        people, "time", "died", "age", [name]
    ),
    "adjusted": lambda people, name: survival.adjusted_restricted_mean(
        people, "time", "died", name, ["age"], 10
    ),
    "log-rank": lambda people, name: survival.log_rank(people, "time", "died", name),
    "trend": lambda people, name: survival.trend_test(people, "time", "died", name),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("column", ["identifier", "birthday"])
def test_a_column_of_very_many_values_is_refused(asked, column, given, monkeypatch):
    people = many().assign(age=np.arange(3000) % 40)
    people["identifier"] = [f"P{number:05d}" for number in range(3000)]
    people["birthday"] = pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(3000), "D")

    def matrices(*_):
        raise AssertionError("A matrix is made.")

    monkeypatch.setattr(survival.packed_counts, "log_rank", matrices)
    monkeypatch.setattr(np, "hstack", matrices)
    with pytest.raises(AnalysisError, match=f"'{column}' has 3,000 different values, too many"):
        ASKED[asked](given(people), column)


def test_a_column_of_more_values_than_events_is_refused(given):
    people = many().head(60)
    people["identifier"] = [f"P{number}" for number in range(60)]
    with pytest.raises(AnalysisError, match="60 different values, more than people have the event"):
        survival.cox(given(people), "time", "died", ["identifier"])


def test_so_many_curves_are_refused_and_fewer_are_drawn(given, monkeypatch):
    monkeypatch.setattr(survival, "CURVES", 5)
    people = many().assign(six=np.arange(3000) % 6, five=np.arange(3000) % 5)
    assert len(survival.median_survival(given(people), "time", "died", "five")) == 5
    for asked in (survival.kaplan_meier, survival.follow_up):
        with pytest.raises(AnalysisError, match="'six' has 6 different values, too many"):
            asked(given(people), "time", "died", "six")


def test_strata_and_clusters_may_be_as_many_as_there_are(given):
    people = many()
    people["pair"] = [f"pair {number // 2}" for number in range(3000)]
    found = survival.cox(given(people), "time", "died", ["noise"], strata="pair", cluster="pair")
    assert np.isfinite(found["standard_error"]).all()


def test_levels_that_determine_one_another_are_named_once(given):
    people = many().assign(area=np.tile(list("bcd"), 1000))
    # Whoever is in the first level left before the first event.
    first = people["time"] < 20
    people.loc[first, "area"], people.loc[first, "died"] = "a", False
    with pytest.raises(AnalysisError, match="^The levels of 'area' determine one another among"):
        survival.cox(given(people), "time", "died", ["area"])
    people["again"] = people["area"]
    people = people[~first]
    with pytest.raises(AnalysisError, match="determine one another: 'area', 'again'. Leave"):
        survival.cox(given(people), "time", "died", ["area", "again"])


# -- values of other kinds -------------------------------------------------------------------------


def test_decimals_are_numbers(given):
    people = many().assign(entry=-1, grade=np.arange(3000) % 4)
    columns = ["time", "died", "entry", "noise", "grade"]
    people["noise"] = people["noise"].round(2)
    decimals = people.assign(
        **{name: [Decimal(str(value)) for value in people[name].astype(float)] for name in columns}
    )
    asked = {"duration": "time", "event": "died"}
    models = asked | {"covariates": ["noise"], "entry": "entry", "strata": "grade"}
    for function, options in (
        (survival.cox, models | {"cluster": "grade"}),
        (survival.proportional_hazards_test, models),
        (survival.median_survival, asked | {"group": "grade"}),
        (survival.log_rank, asked | {"group": "grade"}),
        (survival.hazard_ratio_along, asked | {"exposure": "noise"}),
    ):
        pd.testing.assert_frame_equal(
            function(given(decimals), **options), function(people.astype(float), **options),
            rtol=1e-9,
        )  # fmt: skip
    assert survival.parameters(decimals, ["noise"]) == 1


def test_numbers_of_sixteen_bits_are_groups(given):
    people = many().assign(grade=(np.arange(3000) % 4).astype(np.float16))
    found = survival.median_survival(given(people), "time", "died", "grade")
    assert list(found["group"]) == [0, 1, 2, 3]


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}])
def test_lists_and_records_are_refused(value, given):
    people = many().assign(nested=[value] * 3000)
    for asked in (
        lambda p: survival.cox(p, "time", "died", ["nested"]),
        lambda p: survival.log_rank(p, "time", "died", "nested"),
        lambda p: survival.hazard_ratio_along(p, "time", "died", "nested"),
    ):
        with pytest.raises(AnalysisError, match="Column 'nested' holds lists or records"):
            asked(given(people))


class Pointing:
    """A path of a kind of its own."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_people_are_a_table_or_a_path(tmp_path):
    people, path = many(), tmp_path / "people.parquet"
    people.to_parquet(path)
    for asked in (
        lambda p: survival.cox(p, "time", "died", ["noise"]),
        lambda p: survival.median_survival(p, "time", "died"),
        lambda p: survival.hazard_ratio_along(p, "time", "died", "noise"),
    ):
        pd.testing.assert_frame_equal(asked(Pointing(path)), asked(path))
        for other in (None, [path, path], 3, b"people.parquet", people.to_dict("list")):
            with pytest.raises(AnalysisError, match="a pandas table, or as the path of one"):
                asked(other)


@pytest.mark.parametrize(
    ("by", "offset", "said"),
    [(1e-13, 0, "too near"), (1, 1e15, "too near"), (1e160, 0, "too large")],
)
def test_a_covariate_in_a_hopeless_unit_is_not_called_the_same_for_all(by, offset, said, given):
    people = many()
    people["odd"] = offset + by * people["noise"].round(1)
    with pytest.raises(AnalysisError, match=f"The values of 'odd' are {said}.*another unit"):
        survival.cox(given(people), "time", "died", ["odd"])


@pytest.mark.parametrize("by", [1e-160, 1e100])
def test_a_spline_of_a_hopeless_unit_is_refused_in_a_sentence(by):
    people = many()
    people["odd"] = by * people["noise"]
    with pytest.raises(AnalysisError, match="exposure are too small or too large"):
        survival.non_linearity_test(people, "time", "died", "odd")


def test_a_path_may_begin_at_home_and_may_not_be_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    people = many()
    people.to_parquet(tmp_path / "people.parquet")
    found = survival.cox("~/people.parquet", "time", "died", ["noise"])
    pd.testing.assert_frame_equal(found, survival.cox(people, "time", "died", ["noise"]))
    with pytest.raises(AnalysisError, match="path of the people is empty"):
        survival.cox("", "time", "died", ["noise"])


def test_a_ratio_beyond_the_largest_number_is_infinite_without_a_warning(given):
    people = many()
    people["tiny"] = people["noise"] * 1e-9 - people["time"] * 1e-12
    found = survival.cox(given(people), "time", "died", ["tiny"]).iloc[0]
    assert 1e6 < found["coefficient"] < np.inf
    assert found["hazard_ratio"] == np.inf


def test_a_bootstrap_asks_for_whole_numbers():
    people = replicates.cohort(replicates.Model((0.3,), (None,), people=50), 1)
    for number, seed in ((-3, 1), (0, 1), (2.5, 1), (5, -1), (5, None)):
        with pytest.raises(AnalysisError, match="is a whole number, [01] or above"):
            replicates.bootstrap(*people, number, seed)
    with pytest.raises(AnalysisError, match="A seed is a whole number, 0 or above"):
        replicates.study(replicates.Model((0.3,), (None,), people=50), [4, -4])
