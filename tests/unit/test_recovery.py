"""The recovery certificate: seeds, true values, methods and summaries."""

import copy

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import cohort, survival, synthetic, tables
from distance_to_care.command_line import app
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import cohort_survival, recovery

PUBLISHED, NONE = recovery.SCENARIOS
HAZARD_RATIO = "hazard_ratio.as_published.deprivation_quintile.1"


@pytest.fixture(scope="module")
def setting() -> recovery.Setting:
    study = tables.read_study("ipf")
    return recovery.Setting(
        tables.read_parameters(study),
        tables.read("population_aged_50_plus"),
        study,
        tables.read_structures(study),
    )


@pytest.fixture(scope="module")
def people(setting) -> pd.DataFrame:
    return recovery.replicate(setting, 0, PUBLISHED)


@pytest.fixture(scope="module")
def quick(setting) -> pd.DataFrame:
    parts = [
        recovery.replicated(setting, range(12), scenario, recovery.QUICK)
        for scenario in recovery.SCENARIOS
    ]
    return pd.concat(parts, ignore_index=True)


def answers(people, setting, method: str) -> dict:
    return recovery.METHODS[method](people, setting, 0)


# --- seeds and processes ------------------------------------------------------------------------


def test_the_seed_of_a_cohort_follows_from_its_number_alone():
    seeds = [recovery.seed_of(1, number) for number in range(1000)]
    assert len(set(seeds)) == 1000
    assert recovery.seed_of(1, 7) == seeds[7]
    assert recovery.seed_of(0, 7) != seeds[7]


def test_processes_and_order_do_not_change_the_answer(setting):
    methods = ("cox", "tests", "slopes")
    one = recovery.replicated(setting, range(14), PUBLISHED, methods, workers=1)
    two = recovery.replicated(setting, range(14), PUBLISHED, methods, workers=2)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    late = recovery.replicated(setting, [13, 3], PUBLISHED, methods)
    kept = one[one["replicate"].isin([3, 13])]
    order = ["replicate", "estimand", "method"]
    pd.testing.assert_frame_equal(
        late.sort_values(order, ignore_index=True),
        kept.sort_values(order, ignore_index=True),
        check_exact=True,
    )


def test_progress_is_reported_in_full(setting):
    told = []
    recovery.replicated(setting, range(13), NONE, ("incidence",), done=told.append)
    assert sum(told) == 13


# --- true values --------------------------------------------------------------------------------


def test_the_hazard_ratios_of_the_generator_are_its_parameters(setting):
    found = recovery.closed_forms(setting, PUBLISHED, {})
    effect = setting.parameters["events"]["died"]["effects"]["deprivation_steps"]["value"]
    assert found["hazard_ratio.generator.deprivation_steps"] == pytest.approx(np.exp(effect))
    treatment = setting.parameters["treatment"]["log_hazard_ratio"]["value"]
    assert found["hazard_ratio.generator.treatment"] == pytest.approx(np.exp(treatment))


def test_without_effects_every_ratio_is_one_and_every_difference_nought(setting):
    units = {
        HAZARD_RATIO: "ratio",
        "restricted_mean_difference.3.distance_quintile": "years",
        "survival.3.all": "probability",
    }
    found = recovery.closed_forms(setting, NONE, units)
    assert found[HAZARD_RATIO] == 1.0
    assert found["hazard_ratio.generator.deprivation_steps"] == 1.0
    assert found["restricted_mean_difference.3.distance_quintile"] == 0.0
    assert "survival.3.all" not in found
    # Causes that are neither deprivation nor distance keep their effect.
    assert found["hazard_ratio.generator.treatment"] < 0.9


def test_survival_of_the_large_cohort_is_the_closed_form_of_the_generator(setting):
    # With no cause, no treatment and centres alike, everybody has one Weibull hazard.
    parameters = copy.deepcopy(dict(setting.parameters))
    effects = parameters["events"]["died"]["effects"]
    values = {f"events.died.effects.{name}": 0.0 for name in effects}
    values |= {"treatment.log_hazard_ratio": 0.0, "centres.log_hazard_sd": 0.0}
    plain = recovery.Setting(
        synthetic.changed(parameters, values),
        setting.population,
        setting.study,
        setting.structures,
    )
    people = recovery._large(plain, PUBLISHED, 0, 50_000, recovery.UNTIL_DEATH)
    assert (people["outcome"] == "died").all()
    median = parameters["events"]["died"]["median_years"]["value"]
    shape = parameters["events"]["died"]["shape"]["value"]
    for years in (1, 3, 5):
        alive = 0.5 ** ((years / median) ** shape)
        # Three standard errors of 50,000 people.
        error = 3 * np.sqrt(alive * (1 - alive) / 50_000)
        assert np.mean(people["follow_up_years"] > years) == pytest.approx(alive, abs=error)


def test_large_cohort_has_complete_values_and_people_of_its_own(setting):
    block = recovery._large(setting, PUBLISHED, 0, 3000, {})
    assert not block[["dlco_percent", "symptom_months", "gap_index"]].isna().any().any()
    other = recovery._large(setting, PUBLISHED, 1, 3000, {})
    assert not block["age_years"].equals(other["age_years"])


def test_true_values_of_the_file_hold_every_estimand_of_the_quick_methods(quick):
    truth = tables.read("true_values")
    known = set(zip(truth["scenario"], truth["estimand"], strict=True))
    estimated = quick[quick["estimate"].notna()]
    asked = set(zip(estimated["scenario"], estimated["estimand"], strict=True))
    assert len(asked) > 200
    assert asked <= known


def test_true_values_of_the_file_say_how_they_were_made():
    truth = tables.read("true_values")
    assert set(truth["scenario"]) == {PUBLISHED, NONE}
    exact = truth["how"] == recovery.CLOSED_FORM
    assert (truth.loc[exact, "standard_error"] == 0).all()
    assert (truth.loc[~exact, "standard_error"] > 0).all()
    assert truth.loc[~exact, "how"].str.startswith("seeded cohort of ").all()
    assert not truth.duplicated(["scenario", "estimand"]).any()


# --- methods ------------------------------------------------------------------------------------


def test_cox_methods_are_those_of_the_chapters(people, setting):
    found = answers(people, setting, "cox")
    for exposure in recovery.EXPOSURES:
        for model, adjusted in {
            "unadjusted": (),
            "joint": setting.study.adjustment("joint", exposure),
            "as_published": setting.study.adjustment("as_published", exposure),
        }.items():
            reference = {name: each.levels[0] for name, each in setting.study.columns.items()
                         if each.levels} | cohort.REFERENCE  # fmt: skip
            table = cohort_survival.cox(people, (exposure, *adjusted), model, reference)
            table = table[table["term"] == exposure].set_index("group")
            for level in recovery.levels(exposure)[1:]:
                answer = found[f"hazard_ratio.{model}.{exposure}.{level}", "Cox model"]
                row = table.loc[str(level)]
                assert answer.value == pytest.approx(row["estimate"], rel=1e-6)
                assert answer.low == pytest.approx(row["ci_low"], rel=1e-5)


def test_survival_methods_are_the_public_functions(people, setting):
    found = answers(people, setting, "survival")
    shown = people.assign(fifth=people["distance_quintile"].astype(str))
    columns = ("follow_up_years", "died")
    at = survival.survival_at(shown, *columns, [3.0], "fifth").set_index("group").loc["5"]
    answer = found["survival.3.distance_quintile.5", "Kaplan-Meier"]
    assert answer.value == pytest.approx(at["survival"], rel=1e-12)
    assert (answer.low, answer.high) == pytest.approx((at["ci_low"], at["ci_high"]), rel=1e-10)
    mean = survival.restricted_mean(shown, *columns, 5.0, "fifth").set_index("group").loc["5"]
    answer = found["restricted_mean.5.distance_quintile.5", "restricted mean"]
    assert answer.value == pytest.approx(mean["restricted_mean"], rel=1e-12)
    assert answer.standard_error == pytest.approx(mean["standard_error"], rel=1e-10)
    median = survival.median_survival(shown, *columns, "fifth").set_index("group").loc["5"]
    answer = found["median_survival.distance_quintile.5", "Kaplan-Meier"]
    assert (answer.value, answer.low) == pytest.approx((median["median"], median["ci_low"]))


def test_tests_are_the_public_functions(people, setting):
    found = answers(people, setting, "tests")
    shown = people.assign(fifth=pd.Categorical(people["deprivation_quintile"].astype(str)))
    columns = ("follow_up_years", "died")
    log_rank = survival.log_rank(shown, *columns, "fifth")["p_value"].item()
    answer = found["no_difference.deprivation_quintile", "log-rank test"]
    assert answer.p_value == pytest.approx(log_rank, rel=1e-8)
    trend = survival.trend_test(shown, *columns, "fifth")["p_value"].item()
    answer = found["no_difference.deprivation_quintile", "log-rank test for trend"]
    assert answer.p_value == pytest.approx(trend, rel=1e-8)
    zph = survival.proportional_hazards_test(shown, *columns, ["fifth"]).set_index("term")
    answer = found["proportional_hazards.deprivation_quintile", "score test (cox.zph)"]
    assert answer.p_value == pytest.approx(zph.loc["GLOBAL", "p_value"], rel=1e-6)


def test_incidence_is_the_public_function(people, setting):
    found = answers(people, setting, "incidence")
    table = survival.cumulative_incidence(people, "follow_up_years", "outcome")
    row = table[(table["cause"] == "transplanted") & (table["time"] <= 5)].iloc[-1]
    answer = found["cumulative_incidence.transplanted.5.all", "Aalen-Johansen"]
    assert answer.value == pytest.approx(row["incidence"], rel=1e-12)
    assert answer.high == pytest.approx(row["ci_high"], rel=1e-10)


def test_every_cause_is_found_when_treatment_counts_from_its_start(setting):
    # A cohort of 60,000 brings the estimates within three standard errors of the parameters.
    large = recovery._large(setting, PUBLISHED, 0, 60_000, {})
    found = answers(large, setting, "generator")
    truth = recovery.closed_forms(setting, PUBLISHED, {})
    right = {name: each for (name, method), each in found.items() if method not in recovery.WRONG}
    assert len(right) == len(setting.parameters["events"]["died"]["effects"]) + 1
    for name, each in right.items():
        assert abs(np.log(each.value / truth[name])) < 3 * each.standard_error, name
    wrong = found["hazard_ratio.generator.treatment", recovery.EVER_TREATED]
    away = np.log(wrong.value / truth["hazard_ratio.generator.treatment"])
    assert away < -5 * wrong.standard_error


def test_the_spread_between_people_is_that_of_their_lifetimes():
    years = np.array([1.0, 2.0, 3.0, 4.0])
    table = recovery.engine.risk_table(years, np.ones(4))
    assert recovery._spread(table, 3.0) == pytest.approx(np.std([1.0, 2.0, 3.0, 3.0]))


def test_severity_uses_each_kind_of_model(people, setting):
    found = answers(people, setting, "severity")
    kinds = {"difference", "median_difference", "slope_index", "relative_index", "odds_ratio"}
    assert kinds | {"ratio"} == {name.split(".")[0] for name, _ in found}
    column = setting.study.own_columns[1].name
    answer = next(each for (name, _), each in found.items() if f"difference.{column}." in name)
    most, least = (people.loc[people["deprivation_quintile"] == level, column] for level in (1, 5))
    # Adjustment for age, sex and smoking moves the plain difference by less than its error.
    assert answer.value == pytest.approx(most.mean() - least.mean(), abs=answer.standard_error)
    assert answer.low < answer.value < answer.high


def test_imputation_keeps_everybody(people, setting):
    found = answers(people, setting, "imputation")
    alone = answers(people, setting, "cox")[HAZARD_RATIO, "Cox model"]
    pooled = found[HAZARD_RATIO, "Cox model after multiple imputation"]
    # Nobody is left out, so the error is smaller than in complete cases.
    assert pooled.standard_error < alone.standard_error
    assert np.log(pooled.value / alone.value) == pytest.approx(0, abs=2 * alone.standard_error)


def test_mediation_adds_up(people, setting, monkeypatch):
    monkeypatch.setattr(recovery, "BOOTSTRAPS", 2)
    found = {name: each.value for (name, _), each in answers(people, setting, "mediation").items()}
    name = "survival_difference.{}.3.deprivation_quintile"
    total = found[name.format("direct")] + found[name.format("indirect")]
    assert found[name.format("total")] == pytest.approx(total)
    through = sum(value for key, value in found.items() if "through" in key)
    assert found[name.format("indirect")] == pytest.approx(through)


# --- the command --------------------------------------------------------------------------------


def test_the_command_writes_what_the_functions_say(setting, monkeypatch, tmp_path):
    monkeypatch.setattr(recovery, "true_values", lambda *_: tables.read("true_values"))
    monkeypatch.setattr(recovery, "RESAMPLED", ("slopes",))
    ask = ["certify", "--replicates", "3", "--resampled-replicates", "2", "--output", str(tmp_path)]
    told = CliRunner().invoke(app, ask, catch_exceptions=False)
    assert told.exit_code == 0
    assert "checks pass" in told.output
    kept = pd.read_csv(tmp_path / "recovery_first_replicates.csv")
    again = recovery.replicated(setting, range(3), NONE, ("cox",))
    assert recovery.agreeing(again, kept)["estimate"].item() == 3 * 34
    certificate = pd.read_csv(tmp_path / "recovery_certificate.csv")
    assert list(certificate.columns) == recovery.CERTIFICATE_COLUMNS
    assert set(certificate["scenario"]) == {PUBLISHED, NONE}
    assert certificate["replicates"].max() == 3
    assert (pd.read_csv(tmp_path / "true_values.csv")["scenario"] == NONE).sum() > 100


def test_a_changed_estimate_is_not_taken_for_the_kept_one(setting):
    again = recovery.replicated(setting, [0], NONE, ("incidence",))
    assert recovery.agreeing(again, again)["estimate"].item() == len(again)
    changed = again.assign(standard_error=again["standard_error"] * (1 + 3e-6))
    with pytest.raises(AnalysisError, match="not those of the certificate"):
        recovery.agreeing(changed, again)
    with pytest.raises(AnalysisError, match="1 of 12 estimates"):
        recovery.agreeing(again, again.iloc[1:])


def test_verdicts_are_counted_by_kind_of_method():
    certificate = pd.DataFrame(
        {
            "scenario": PUBLISHED,
            "measure": "coverage",
            "method": ["Cox model", "Cox model", recovery.NAIVE_SHARE],
            "verdict": ["pass", "fail", "fail"],
        }
    )
    keys = ["scenario", "measure", "group", "level"]
    table = recovery.verdicts(certificate).set_index(keys).sort_index()
    counts = table.loc[PUBLISHED, "coverage"]["estimate"]
    assert counts["right", "pass"] == counts["right", "fail"] == counts["wrong", "fail"] == 1
    assert table["estimate"].sum() == 3


# --- summaries ----------------------------------------------------------------------------------


def made_up(values, errors, estimand="restricted_mean_difference.3.distance_quintile"):
    values, errors = np.asarray(values, float), np.asarray(errors, float)
    return pd.DataFrame(
        {
            "scenario": PUBLISHED,
            "replicate": range(len(values)),
            "estimand": estimand,
            "method": "made up",
            "estimate": values,
            "standard_error": errors,
            "ci_low": values - 1.96 * errors,
            "ci_high": values + 1.96 * errors,
            "p_value": np.nan,
        }
    )


def truth_of(value, estimand="restricted_mean_difference.3.distance_quintile", unit="years"):
    return pd.DataFrame(
        {"estimand": [estimand], "scenario": PUBLISHED, "value": value, "unit": unit}
    )


def test_summaries_are_those_of_the_tutorial():
    # Morris, White and Crowther 2019, table 6, by hand for four estimates.
    values, errors = [0.9, 1.1, 1.3, 0.7], [0.2, 0.2, 0.1, 0.1]
    table = recovery.summarise(made_up(values, errors), truth_of(0.8)).set_index("measure")
    spread = np.std(values, ddof=1)
    assert table.loc["mean estimate", "estimate"] == pytest.approx(1.0)
    assert table.loc["bias", "estimate"] == pytest.approx(0.2)
    assert table.loc["bias", "ci_high"] == pytest.approx(0.2 + 1.959964 * spread / 2, rel=1e-6)
    assert table.loc["relative bias", "estimate"] == pytest.approx(25)
    row = table.loc["empirical standard error"]
    assert row["estimate"] == pytest.approx(spread)
    assert row["ci_high"] == pytest.approx(spread + 1.959964 * spread / np.sqrt(6), rel=1e-6)
    row = table.loc["model standard error"]
    assert row["estimate"] == pytest.approx(np.sqrt(0.025))
    squares = np.square(errors)
    error = np.sqrt(squares.var(ddof=1) / (4 * 4 * 0.025))
    assert row["ci_high"] == pytest.approx(np.sqrt(0.025) + 1.959964 * error, rel=1e-6)
    # Of the four intervals those of 0.9, 1.1 and 0.7 hold 0.8.
    row = table.loc["coverage"]
    assert row["estimate"] == pytest.approx(75)
    assert row["ci_low"] == pytest.approx(75 - 1.959964 * 100 * np.sqrt(0.75 * 0.25 / 4), rel=1e-6)
    assert table.loc["power", "estimate"] == pytest.approx(100)
    assert (table["built_in"] == 0.8).all()


def test_ratios_are_summarised_as_logarithms():
    name = "hazard_ratio.unadjusted.distance_quintile.5"
    estimates = made_up([1.0, 2.0], [0.1, 0.1], name)
    estimates["ci_low"], estimates["ci_high"] = estimates["estimate"] / 1.3, estimates["estimate"]
    table = recovery.summarise(estimates, truth_of(1.0, name, "ratio")).set_index("measure")
    assert table.loc["mean estimate", "estimate"] == pytest.approx(np.sqrt(2))
    assert table.loc["bias", "estimate"] == pytest.approx(np.log(2) / 2)
    assert table.loc["bias", "unit"] == "log ratio"
    # The truth is a ratio of one, so whoever excludes it is a false positive.
    assert table.loc["false positive rate", "estimate"] == pytest.approx(50)
    assert table.loc["coverage", "estimate"] == pytest.approx(50)


def test_an_interval_without_an_upper_end_covers_what_lies_above():
    estimates = made_up([5.0, np.nan], [np.nan, np.nan], "median_survival.all")
    estimates["ci_low"], estimates["ci_high"] = [4.0, 4.0], [np.inf, np.inf]
    table = recovery.summarise(estimates, truth_of(9.0, "median_survival.all"))
    assert table.set_index("measure").loc["coverage", "estimate"] == 100


def test_an_estimand_without_a_true_value_is_a_fault():
    with pytest.raises(AnalysisError, match="no true value"):
        recovery.summarise(made_up([1, 2], [1, 1]), truth_of(1.0, "survival.3.all"))


@pytest.mark.parametrize(
    ("measure", "value", "count", "said"),
    [
        ("coverage", 95.0, 5000, "pass"),
        ("coverage", 92.4, 5000, "pass"),  # two Monte Carlo errors are 0.62
        ("coverage", 92.3, 5000, "fail"),
        ("coverage", 97.7, 5000, "fail"),
        ("coverage", 91.1, 500, "pass"),  # and 1.95 with 500 cohorts
        ("coverage", 91.0, 500, "fail"),
        ("false positive rate", 7.6, 5000, "pass"),
        ("false positive rate", 7.7, 5000, "fail"),
        ("bias", 50.0, 5000, ""),
    ],
)
def test_the_band_is_widened_by_two_monte_carlo_errors(measure, value, count, said):
    assert recovery.verdict(measure, value, count) == said


def test_wrong_methods_fail_and_right_ones_come_near(quick):
    table = recovery.summarise(quick, tables.read("true_values"))
    coverage = table[table["measure"] == "coverage"].set_index(["scenario", "estimand", "method"])
    wrong = coverage.loc[PUBLISHED, "survival.3.all", recovery.NAIVE_SHARE]
    assert wrong["estimate"] < 20
    assert wrong["verdict"] == "fail"
    assert wrong["note"].startswith("wrong on purpose")
    relative = table[(table["measure"] == "relative bias") & (table["note"] == "")]
    kept = relative["estimand"].str.startswith(("survival.3.", "restricted_mean.3."))
    # Twelve cohorts bring the mean of a fifth within a few per cent of the truth.
    assert relative.loc[kept, "estimate"].abs().max() < 6
