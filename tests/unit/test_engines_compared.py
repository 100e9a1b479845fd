"""The tables of engines: ours equals R, and who does not equal R says why."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import cohort, tables
from distance_to_care.problems import Problem
from distance_to_care.statistics import engines_compared as engines


@pytest.fixture(scope="module")
def lung() -> pd.DataFrame:
    found = tables.read_packaged("lung").dropna().reset_index(names="person")
    return found.assign(died=found["outcome"] == "died")


@pytest.fixture(scope="module")
def heart() -> pd.DataFrame:
    found = tables.read_packaged("heart")
    return found.assign(died=found["outcome"] == "died")


@pytest.fixture(scope="module")
def mgus() -> pd.DataFrame:
    found = tables.read_packaged("mgus")
    progressed = found["progressed"] == 1
    return pd.DataFrame(
        {
            "months": found["months"].where(~progressed, found["progression_months"]),
            "cause": np.select(
                [progressed, found["died"] == 1], ["progressed", "died"], "censored"
            ),
        }
    )


@pytest.fixture(scope="module")
def compared(lung, heart, mgus) -> pd.DataFrame:
    reference = tables.read("r_answers")
    terms, stretch = ["age", "sex", "ecog"], ["age", "year", "surgery"]
    asked = {
        "lung": [
            engines.kaplan_meier(lung, "days", "died", (180, 365), unit="days"),
            engines.restricted_mean(lung, "days", "died", [365], unit="days"),
            engines.cox(lung, "days", "died", terms, "age, sex, ecog"),
            engines.cox(lung, "days", "died", terms, "age, sex, ecog, Breslow", ties="breslow"),
            engines.cox(lung, "days", "died", terms, "age, sex, ecog, robust", cluster="person"),
            engines.proportional_hazards(lung, "days", "died", terms, "age, sex, ecog"),
        ],
        "heart": [
            engines.cox(heart, "stop", "died", stretch, "late entry", entry="start"),
            engines.cox(heart, "stop", "died", stretch, "late entry, clustered by person",
                        entry="start", cluster="person"),
        ],
        "mgus": [engines.cumulative_incidence(mgus, "months", "cause", (60, 120, 240))],
    }  # fmt: skip
    return pd.concat(
        [
            engines.beside_r(pd.concat(found, ignore_index=True), reference, data)
            for data, found in asked.items()
        ],
        ignore_index=True,
    )


def test_this_package_is_within_the_bars_of_r_everywhere(compared):
    ours = compared[compared["engine"] == engines.OURS]
    assert ours["estimate"].notna().all()
    assert ours["difference"].max() < engines.ESTIMATE_BAR
    assert (ours["note"] == "").all()


def test_the_engine_is_not_compared_with_itself(compared):
    # R's rows come from the committed table; a changed answer of R would show as a difference.
    reference = tables.read("r_answers")
    altered = reference.assign(value=reference["value"] * 1.001)
    ours = compared[(compared["engine"] == engines.OURS) & (compared["group"] == "mgus")]
    again = engines.beside_r(ours[["measure", "model", "term", "engine", "unit", "note",
                                   *engines.NUMBERS]], altered, "mgus")  # fmt: skip
    far = again.loc[again["engine"] == engines.OURS, "difference"]
    assert far.to_numpy() == pytest.approx(0.001, rel=0.01)


@pytest.mark.parametrize(
    ("engine", "measure", "model", "at_least"),
    [
        (engines.LIFELINES, "restricted mean to 365", "all", 5),
        (engines.LIFELINES, "proportional hazards test", "age, sex, ecog", 0.1),
        (engines.LIFELINES, "log hazard ratio", "late entry, clustered by person", 0.01),
        (engines.LIFELINES, "cumulative incidence at 60", "all", 0.005),
        (engines.STATSMODELS, "log hazard ratio", "late entry", 0.001),
        (engines.STATSMODELS, "log hazard ratio", "age, sex, ecog, robust", 0.001),
    ],
)
def test_known_discrepancies_are_found_and_explained(compared, engine, measure, model, at_least):
    rows = compared[
        (compared["engine"] == engine)
        & (compared["measure"] == measure)
        & (compared["model"] == model)
    ]
    assert rows["difference"].max() > at_least
    far = rows[rows["difference"] > engines.ERROR_BAR]
    assert (far["note"].str.len() > 20).all()


def test_whoever_is_far_from_r_says_why(compared):
    others = compared[compared["engine"] != engines.R]
    assert (others.loc[others["difference"] > engines.ERROR_BAR, "note"] != "").all()
    assert (others.loc[others["estimate"].isna(), "note"] == engines.NOT_OFFERED).all()


def test_warnings_are_told_and_not_silenced(compared):
    tied = compared[
        (compared["engine"] == engines.LIFELINES)
        & compared["measure"].str.startswith("cumulative incidence")
    ]
    assert tied["note"].str.contains("warns: Tied event times were detected").all()


def test_plain_fits_agree_in_every_engine(compared):
    plain = compared[
        (compared["model"] == "age, sex, ecog") & (compared["measure"] == "log hazard ratio")
        | compared["measure"].str.startswith("survival at")
    ]
    assert plain["difference"].max() < 1e-5
    assert set(plain["engine"]) == {
        engines.OURS, engines.LIFELINES, engines.STATSMODELS, engines.R
    }  # fmt: skip


def test_r_stands_beside_every_answer_with_its_call(compared):
    r = compared[compared["engine"] == engines.R]
    assert r["note"].str.contains(r"surv|cox").all()
    ours = compared[compared["engine"] == engines.OURS]
    keys = ["group", "measure", "model", "term"]
    assert len(ours.merge(r, on=keys)) == len(ours)


def test_a_question_that_r_was_not_asked_is_refused(lung):
    found = engines.log_rank(lung, "days", "died", "sex")
    with pytest.raises(Problem, match="R was not asked for log-rank test"):
        engines.beside_r(found, tables.read("r_answers"), "lung")


def test_an_engine_that_gives_up_says_so():
    base = {"measure": "log hazard ratio", "model": "none", "unit": "natural logarithm"}

    def fails():
        raise ZeroDivisionError

    (row,) = engines._ask(engines.LIFELINES, base, fails)
    assert row["note"] == "failed with ZeroDivisionError"
    assert np.isnan(row["estimate"])


def test_largest_differences_count_what_was_compared(compared):
    largest = engines.largest_differences(compared).set_index(["measure", "engine"])
    hazards = largest.loc["proportional hazards test"]
    assert hazards.loc[engines.OURS, "answers"] == 4
    assert hazards.loc[engines.LIFELINES, "note"] == "1 not offered"
    assert hazards.loc[engines.STATSMODELS, "answers"] == 0
    assert np.isnan(hazards.loc[engines.STATSMODELS, "estimate"])
    worst = largest.loc[("restricted mean", engines.LIFELINES), "difference"]
    assert largest.loc[("all", engines.LIFELINES), "difference"] == worst
    # Plain Cox models agree everywhere; clustered errors and late entry stand apart from them.
    plain, clustered, late = (
        largest.loc[f"log hazard ratio{form}", "difference"]
        for form in ("", ", clustered errors", ", late entry")
    )
    assert plain.max() < 1e-5
    assert clustered[engines.LIFELINES] > 0.01 > late[engines.LIFELINES]
    assert late[engines.STATSMODELS] > 0.001
    counts = largest.drop("all")["answers"].groupby("engine").sum()
    assert counts.to_dict() == largest.loc["all", "answers"].to_dict()
    # The multiple of R's that is told is that of the error of a restricted mean.
    compared = compared[compared["measure"] == "restricted mean to 365"].set_index("engine")
    error = compared["standard_error"]
    told = largest.loc[("restricted mean", engines.LIFELINES), "estimate"]
    assert told == pytest.approx(error[engines.LIFELINES] / error[engines.R])


def test_the_headline_models_of_the_cohort_are_those_of_r(monkeypatch):
    for variable in ("COHORT", "KIND", "STUDY"):
        monkeypatch.delenv(f"DISTANCE_TO_CARE_{variable}", raising=False)
    people = cohort.load()
    ready = people.people
    models = people.adjustments("deprivation_quintile")
    for column, first in people.references.items():
        values = ready[column].astype("string")
        levels = [str(first), *sorted(set(values.dropna()) - {str(first)})]
        ready[column] = pd.Categorical(values, levels)
    exposure = "deprivation_quintile"
    asked = [
        engines.cox(ready, "follow_up_years", "died", [exposure, *models[name]], name)
        for name in ("joint", "as_published")
    ]
    found = engines.beside_r(
        pd.concat(asked, ignore_index=True), tables.read("synthetic_r_answers"), "synthetic"
    )
    ours = found[found["engine"] == engines.OURS]
    assert len(ours) == 10 + 12
    assert ours["difference"].max() < engines.ESTIMATE_BAR
    assert found.loc[found["engine"] != engines.R, "difference"].max() < 1e-4
