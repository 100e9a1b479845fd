"""Synthetic people: the same bytes, the contract, the published marginals, and a known truth."""

from __future__ import annotations

import re
import time

import numpy as np
import pandas as pd
import pytest

from distance_to_care import calibration, cohort, places, synthetic, tables
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival

STANDARD_ERRORS = 4


@pytest.fixture(scope="module")
def parameters():
    return tables.read_parameters("ipf")


@pytest.fixture(scope="module")
def population():
    return tables.read("population_aged_50_plus")


@pytest.fixture(scope="module")
def study():
    return tables.read_study("ipf")


@pytest.fixture(scope="module")
def fifty_thousand(parameters, population, study):
    drawn = synthetic.draw(50_000, 7, parameters, population, study)
    return cohort.prepare(drawn, study)


@pytest.fixture(scope="module")
def two_hundred_thousand(parameters, population, study):
    """Two draws that differ in nothing but the effects of deprivation and of distance."""
    return {
        effects: cohort.prepare(
            synthetic.draw(200_000, 11, parameters, population, effects=effects), study
        )
        for effects in ("published", "none")
    }


# ------------------------------------------------------------------------------------- the bytes


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(parameters, population):
    first, again, other = (
        synthetic.to_csv_bytes(synthetic.draw(300, seed, parameters, population))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert b"\r" not in first
    assert first.endswith(b"\n")


def test_the_committed_cohort_is_what_the_default_draw_gives(parameters, population, study):
    drawn = synthetic.draw(
        synthetic.default_people(parameters),
        synthetic.default_seed(parameters),
        parameters,
        population,
        study,
    )
    committed = places.DATA / "synthetic" / "synthetic_ipf.csv"
    assert committed.read_bytes() == synthetic.to_csv_bytes(drawn)


def test_another_value_leaves_the_columns_that_do_not_depend_on_it(parameters, population):
    path = "variables.age_years.effects.deprivation_steps"
    before = synthetic.draw(2000, 3, parameters, population)
    after = synthetic.draw(2000, 3, synthetic.changed(parameters, {path: 2.0}), population)
    depends = {"age_years", "follow_up_years", "outcome", "antifibrotic_start_years"}
    depends |= {"symptom_months", "referral_wait_days"}  # what is missing depends on age
    for column in before.columns.difference(list(depends)):
        pd.testing.assert_series_equal(before[column], after[column])
    for column in ("symptom_months", "referral_wait_days"):
        both = before[column].notna() & after[column].notna()
        assert both.mean() > 0.7
        assert (before[column][both] == after[column][both]).all()
    assert (before["age_years"] != after["age_years"]).mean() > 0.5


def test_a_smaller_cohort_is_the_beginning_of_a_larger_one(parameters, population):
    small = synthetic.draw(100, 5, parameters, population)
    large = synthetic.draw(1000, 5, parameters, population)
    pd.testing.assert_frame_equal(small, large.head(100))


# ---------------------------------------------------------------------------------- the contract


def test_the_draw_keeps_the_cohort_contract(parameters, population, study, tmp_path):
    drawn = synthetic.draw(5000, 9, parameters, population, study)
    file = tmp_path / "synthetic.csv"
    file.write_bytes(synthetic.to_csv_bytes(drawn))
    read = tables.read_cohort(file, study)  # raises Problems for every broken rule
    assert [name for name in read.columns if name in drawn] == list(drawn.columns)
    assert len(read) == 5000
    assert (drawn["follow_up_years"] > 0).all()
    start = drawn["antifibrotic_start_years"]
    assert (start.isna() | (start <= drawn["follow_up_years"])).all()
    assert drawn.loc[drawn["dlco_unable"], "dlco_percent"].isna().all()
    assert set(drawn["outcome"]) == {"censored", "died", "transplanted"}
    assert set(drawn["deprivation_quintile"]) == {1, 2, 3, 4, 5}


def test_no_text_names_a_real_place(fifty_thousand):
    allowed = {
        "person_id": r"synthetic_\d{7}",
        "outcome": "censored|died|transplanted",
        "sex": "female|male",
        "centre": r"centre_\d\d",
        "record_kind": "synthetic",
        "smoking": "never|ex|current",
    }
    texts = fifty_thousand.select_dtypes("object").columns
    assert set(texts) == set(allowed)
    for column in texts:
        for value in fifty_thousand[column].unique():
            assert re.fullmatch(allowed[column], value), column
    assert {"region", "area_code"}.isdisjoint(fifty_thousand.columns)


def test_centres_say_nothing_about_where_people_live(fifty_thousand):
    mean = fifty_thousand.groupby("centre")["distance_km"].agg(["mean", "sem"])
    apart = (mean["mean"] - fifty_thousand["distance_km"].mean()) / mean["sem"]
    assert len(mean) == 30
    assert apart.abs().max() < STANDARD_ERRORS + 1


# ------------------------------------------------------------------------------ places and cuts


def test_distance_and_minutes_keep_the_means_and_the_bands_of_the_population(
    parameters, population
):
    near = synthetic.changed(parameters, {"places.farther_share": 0.0})
    drawn = synthetic.draw(100_000, 1, near, population)
    weight = population["people"]
    for column, mean in (("distance_km", "mean_distance_km"), ("travel_minutes", "mean_minutes")):
        expected = np.average(population[mean], weights=weight)
        error = drawn[column].std() / np.sqrt(len(drawn))
        assert drawn[column].mean() == pytest.approx(expected, abs=STANDARD_ERRORS * error + 0.1)
    decile = (population["imd_decile"] + 1) // 2
    share = weight.groupby(decile).sum() / weight.sum()
    drawn_share = drawn["deprivation_quintile"].value_counts(normalize=True).sort_index()
    assert drawn_share.to_numpy() == pytest.approx(share.to_numpy(), abs=0.006)
    # The real joint pattern survives: people in each fifth are as far as in the population.
    product = population["mean_distance_km"] * weight
    expected = product.groupby(decile).sum() / weight.groupby(decile).sum()
    reached = drawn.groupby("deprivation_quintile")["distance_km"].mean()
    assert reached.to_numpy() == pytest.approx(expected.to_numpy(), rel=0.03)


def test_distance_cuts_part_the_population_into_fifths():
    bands = pd.DataFrame(
        {
            "distance_band_km_low": [0.0, 10.0],
            "distance_band_km_high": [10.0, 30.0],
            "people": [500, 500],
            "mean_distance_km": [5.0, 20.0],
        }
    )
    assert synthetic.distance_cuts(bands).tolist() == [4.0, 8.0, 14.0, 22.0]


# ------------------------------------------------------------------------------- the marginals


def test_marginals_are_the_published_ones(fifty_thousand, parameters):
    report = synthetic.calibration_report(fifty_thousand, parameters)
    aimed = report[report["status"] != "discrepancy"]
    assert len(aimed) == 16
    # Half of the people followed so long are few: the median's standard error is 0.05 years.
    slack = aimed["measure"].map({"Median survival": 0.15}).fillna(0.0)
    outside = aimed[~aimed["reached"].between(aimed["low"] - slack, aimed["high"] + slack)]
    assert outside.empty, outside[["measure", "reached"]].to_string()


def test_gap_stages_are_reported_as_a_discrepancy(fifty_thousand, parameters):
    report = synthetic.calibration_report(fifty_thousand, parameters)
    stages = report[report["measure"].str.startswith("GAP stage")]
    assert stages["target"].tolist() == [63.0, 36.0, 1.0]
    assert stages["reached"].sum() == pytest.approx(100.0)
    # Published physiology and published stages cannot both hold: evidence for the warning.
    assert stages["reached"].iloc[0] < 45
    assert (stages["status"] == "discrepancy").all()


def test_a_target_without_its_column_is_reported_as_not_reached(parameters, population):
    report = synthetic.calibration_report(
        synthetic.draw(500, 1, parameters, population), parameters
    )
    stages = report[report["measure"].str.startswith("GAP stage")]
    assert stages["reached"].isna().all()
    assert report["reached"].notna().sum() == len(report) - len(stages)


def test_median_survival_equals_lifelines(fifty_thousand, parameters):
    people = fifty_thousand.head(5000)
    mine = synthetic.statistic(people, parameters["targets"]["median_survival"])
    summary = cohort_survival.summary(people)
    lifelines_median = summary.loc[
        summary["measure"].str.contains("median survival"), "estimate"
    ].iloc[0]
    assert mine == pytest.approx(lifelines_median, abs=0.01)


# ------------------------------------------------------------------------------ the known truth


def log_ratio_and_error(people, exposure, level, against):
    """Unadjusted log hazard ratio, and its standard error from the deaths of the two groups."""
    matrix, contrasts = cohort_survival.design(people, [exposure], {exposure: against})
    found = calibration.log_hazard_ratios(
        matrix.to_numpy(),
        people["follow_up_years"].to_numpy(),
        (people["outcome"] == "died").to_numpy(),
    )
    deaths = people.loc[people["outcome"] == "died", exposure].value_counts()
    error = np.sqrt(1 / deaths[level] + 1 / deaths[against])
    return found[contrasts["group"].tolist().index(str(level))], error


@pytest.mark.parametrize(
    ("exposure", "level", "against"),
    [("deprivation_quintile", 1, 5), ("distance_quintile", 5, 1)],
)
def test_no_effect_is_found_where_none_was_built_in(two_hundred_thousand, exposure, level, against):
    people = two_hundred_thousand["none"]
    ratio, error = log_ratio_and_error(people, exposure, level, against)
    assert abs(ratio) < STANDARD_ERRORS * error
    # Not only the hazard: nobody is younger, sicker or kept waiting because of where they live.
    steps = people[exposure].astype(float)
    for column in ("age_years", "fvc_percent", "dlco_percent", "symptom_months", "oxygen"):
        known = people[column].notna()
        correlation = np.corrcoef(steps[known], people.loc[known, column].astype(float))[0, 1]
        assert abs(correlation) < STANDARD_ERRORS / np.sqrt(known.sum()), column


def test_the_published_effects_come_out_again(two_hundred_thousand, parameters, study):
    people = two_hundred_thousand["published"]
    reached = calibration.hazard_ratios(people, parameters, study)
    for name, ratio in reached.items():
        # One standard error is 1.3 per cent with so many people.
        assert ratio == pytest.approx(parameters["targets"][name]["value"], rel=0.04), name


def test_hazards_rise_step_by_step(two_hundred_thousand):
    people = two_hundred_thousand["published"]
    for exposure, order in (("deprivation_quintile", [5, 4, 3, 2, 1]), ("distance_quintile", None)):
        deaths = people["outcome"].eq("died").groupby(people[exposure]).sum()
        rate = deaths / people.groupby(exposure)["follow_up_years"].sum()
        assert rate.loc[order or [1, 2, 3, 4, 5]].is_monotonic_increasing, exposure


def test_the_fast_cox_model_equals_lifelines(fifty_thousand, parameters, study):
    people = fifty_thousand.head(4000)
    fast = calibration.hazard_ratios(people, parameters, study)
    slow = calibration.hazard_ratios(people, parameters, study, calibration.referee)
    assert len(fast) == 4
    assert fast == pytest.approx(slow, rel=2e-4)


def test_the_drug_changes_the_hazard_from_its_start_by_the_ratio_declared(parameters, population):
    """With a constant hazard and no other effect, rates in person-years show the ratio itself."""
    paths = [
        path
        for path in synthetic.truth(parameters)["parameter"]
        if path.startswith("events.died.effects.")
    ]
    plain = synthetic.changed(
        parameters,
        dict.fromkeys(paths, 0.0)
        | {
            "events.died.shape": 1.0,
            "events.died.median_years": 4.0,
            "centres.log_hazard_sd": 0.0,
            "treatment.log_hazard_ratio": float(np.log(0.5)),
            "treatment.later.share": 0.9,
            "treatment.later.median_years": 1.5,
        },
    )
    people = synthetic.draw(200_000, 13, plain, population)
    start = people["antifibrotic_start_years"].fillna(np.inf)
    before = np.minimum(start, people["follow_up_years"])
    after = people["follow_up_years"] - before
    died = people["outcome"] == "died"
    treated = np.isfinite(start)
    rate_before = (died & ~treated).sum() / before.sum()
    rate_after = (died & treated).sum() / after.sum()
    assert rate_before == pytest.approx(np.log(2) / 4.0, rel=0.02)
    assert rate_after / rate_before == pytest.approx(0.5, rel=0.03)


def test_a_transplant_is_for_people_below_the_age_limit(fifty_thousand, parameters):
    limit = parameters["events"]["transplanted"]["age_limit_years"]["value"]
    transplanted = fifty_thousand["outcome"] == "transplanted"
    assert transplanted.sum() > 100
    assert fifty_thousand.loc[transplanted, "age_years"].max() <= limit


# ------------------------------------------------------------------------- the parameters file


def test_every_parameter_says_what_it_is_and_where_it_comes_from(parameters):
    table = synthetic.truth(parameters)
    assert table["parameter"].is_unique
    assert set(table["status"]) == {"published", "assumed", "calibrated"}
    assert (table["meaning"].str.len() > 5).all()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    sourced = table[table["status"] != "assumed"]
    assert (sourced["source"].str.len() > 5).all()
    calibrated = table.loc[table["status"] == "calibrated", "parameter"]
    assert set(calibrated) == set(parameters["calibration"])


def test_no_effects_leaves_only_effects_of_deprivation_and_distance_out(parameters):
    before = synthetic.truth(parameters).set_index("parameter")["value"]
    after = synthetic.truth(synthetic.without_effects(parameters)).set_index("parameter")["value"]
    differ = before.index[before != after]
    assert len(differ) == 15
    assert differ.str.fullmatch(r".*\.effects\.(deprivation|distance)_steps").all()
    assert (after[differ] == 0).all()


def test_new_values_go_into_the_file_and_nothing_else_changes(parameters):
    text = (places.STUDIES / "ipf_parameters.toml").read_text(encoding="utf-8")
    path = "treatment.at_entry.share"
    other = calibration.rewritten(text, {path: 0.123})
    old = parameters["treatment"]["at_entry"]["share"]["value"]
    assert other != text
    assert other.replace("value = 0.123", f"value = {old!r}") == text
    with pytest.raises(Problem, match="no line"):
        calibration.rewritten(text, {"treatment.at_entry.price": 1.0})


def test_another_disease_is_another_parameters_file(parameters, population):
    """Other variables, other names: the code knows only the contract's core."""

    def number(value):
        return {"value": value, "status": "assumed"}

    other = dict(parameters) | {
        "cohort": {"columns": ["steps_walked", "screened", "gene_therapy_years"]},
        "variables": {
            "sex": {
                "distribution": "categorical",
                "levels": {"female": {"share": number(0.5)}, "male": {"share": number(0.5)}},
            },
            "age_years": {
                "distribution": "lognormal",
                "decimals": 2,
                "median": number(0.9),
                "log_sd": number(0.5),
                "minimum": number(0.0),
                "maximum": number(18.0),
            },
            "screened": {"distribution": "bernoulli", "share": number(0.3)},
            "steps_walked": {
                "distribution": "normal",
                "decimals": 0,
                "mean": number(50.0),
                "sd": number(10.0),
                "minimum": number(0.0),
                "maximum": number(100.0),
                "effects": {"screened": number(20.0)},
            },
        },
        "events": {
            "died": {"shape": number(1.0), "median_years": number(5.0), "effects": {}},
            "transplanted": {"rate_per_year": number(0.01), "age_limit_years": number(18.0)},
        },
        "treatment": {
            "column": "gene_therapy_years",
            "log_hazard_ratio": number(-1.0),
            "at_entry": {"share": number(0.5)},
            "later": {
                "share": number(0.5),
                "median_years": number(1.0),
                "log_sd": number(0.5),
            },
        },
        "missing": {"steps_walked": {"share": number(0.2)}},
    }
    people = synthetic.draw(4000, 1, other, population)
    assert list(people.columns[-3:]) == ["steps_walked", "screened", "gene_therapy_years"]
    walked = people.groupby("screened")["steps_walked"].mean()
    assert walked[True] - walked[False] == pytest.approx(20.0, abs=1.5)
    assert people["steps_walked"].isna().mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"people": 0}, "Ask for 1 to"),
        ({"people": 10_000_000}, "Ask for 1 to"),
        ({"seed": -1}, "below nought"),
        ({"effects": "some"}, "Use 'published' or 'none'"),
        ({"population": pd.DataFrame({"people": [1]})}, "lacks the columns imd_decile"),
        ({"parameters": {}}, "lack the sections cohort"),
    ],
)
def test_a_draw_that_cannot_be_made_is_refused_in_a_sentence(parameters, population, change, words):
    request = {"people": 10, "seed": 1, "parameters": parameters, "population": population}
    with pytest.raises(Problem, match=words):
        synthetic.draw(**(request | change))


def test_an_unknown_parameter_is_refused(parameters):
    with pytest.raises(Problem, match="have no 'events.died.effects.moon'"):
        synthetic.changed(parameters, {"events.died.effects.moon": 1.0})


def test_an_effect_of_something_not_drawn_yet_is_refused(parameters, population):
    moon = {"value": 0.1, "status": "assumed"}
    sex = dict(parameters["variables"]["age_years"]) | {"effects": {"moon": moon}}
    wrong = dict(parameters) | {"variables": {"age_years": sex}}
    with pytest.raises(Problem, match="not drawn before it"):
        synthetic.draw(10, 1, wrong, population)


# ------------------------------------------------------------------------------- a million people


@pytest.mark.slow
@pytest.mark.slow
def test_a_million_people_show_the_published_hazard_ratios(parameters, population, study):
    """The commission's tolerance is 3 per cent; lifelines is the referee."""
    began = time.perf_counter()
    people = synthetic.draw(
        1_000_000, synthetic.default_seed(parameters), parameters, population, study
    )
    assert time.perf_counter() - began < 10
    prepared = cohort.prepare(people, study)
    reached = calibration.hazard_ratios(prepared, parameters, study, calibration.referee)
    for name, ratio in reached.items():
        assert ratio == pytest.approx(parameters["targets"][name]["value"], rel=0.03), name
