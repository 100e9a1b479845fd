"""Real people: the data of packages are what they say, and give the known answers."""

import importlib.util
import tomllib

import numpy as np
import pandas as pd
import pytest

from distance_to_care import cohort, places, survival, tables
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival

EXPOSURE = "deprivation_quintile"
TERMS = ["townsend_score", "age_years", "sex", "white_cell_count"]
FOLLOWED = ("follow_up_years", "died")
DAYS = 365.25


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    found = tables.read_packaged("leukaemia")
    found[EXPOSURE] = 6 - cohort.quintile(found["townsend_score"])
    return found.assign(died=found["outcome"] == "died")


def catalogue() -> dict:
    return tomllib.loads(places.PACKAGED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", tables.packaged_names())
def test_every_data_set_of_the_catalogue_is_read(name):
    entry = catalogue()[name]
    found = tables.read_packaged(name)
    assert len(found) == entry["rows"]
    assert found.attrs == {"kind": "open", "resource": name}
    assert tables.kind_of(name) == "open"
    for column in ("title", "licence", "source", "version"):
        assert entry[column]


def test_what_is_read_is_in_our_words_and_places_nobody(people):
    read = tables.read_packaged("leukaemia")
    assert set(read) == {
        "age_years", "white_cell_count", "townsend_score", "district",
        "follow_up_years", "sex", "outcome",
    }  # fmt: skip
    assert read.notna().all().all()
    assert set(read["outcome"]) == {"died", "censored"}
    assert people["died"].sum() == 879
    assert read["district"].nunique() == 24


def test_a_data_set_that_is_not_the_one_described_is_not_unpickled(tmp_path, monkeypatch):
    text = places.PACKAGED.read_text(encoding="utf-8")
    digest = catalogue()["leukaemia"]["sha256"]
    (tmp_path / "package_data.toml").write_text(text.replace(digest, "0" * 64))
    monkeypatch.setattr(places, "PACKAGED", tmp_path / "package_data.toml")

    def never(*_, **__):
        raise AssertionError("it was unpickled")

    monkeypatch.setattr(pd, "read_pickle", never)
    with pytest.raises(Problem, match="is not the one that package_data.toml describes"):
        tables.read_packaged("leukaemia")


def test_a_package_that_is_not_installed_is_a_sentence(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Problem, match=r"pip install SurvSet=="):
        tables.read_packaged("leukaemia")


def test_an_unknown_data_set_is_a_sentence():
    with pytest.raises(Problem, match="leukaemia"):
        tables.read_packaged("leukemia")


@pytest.mark.parametrize(
    ("form", "known"),
    [
        # R: coxph(Surv(time, event) ~ tpi + age + sex + wbc), then + strata(district), and
        # cluster = district; exp(confint()).
        ({}, (1.0297, 1.0116, 1.0481)),
        ({"strata": "district"}, (1.0333, 1.0122, 1.0549)),
        ({"cluster": "district"}, (1.0297, 1.0097, 1.0501)),
    ],
)
def test_hazard_ratio_of_the_townsend_score(people, form, known):
    row = survival.cox(people, *FOLLOWED, TERMS, **form).set_index("term").loc["townsend_score"]
    found = row[["hazard_ratio", "ci_low", "ci_high"]].astype(float)
    assert found.to_numpy() == pytest.approx(known, abs=5e-5)


def test_the_score_is_the_same_to_many_digits_in_r(people):
    asked = tables.read("r_answers")
    asked = asked[(asked["dataset"] == "leukaemia") & (asked["quantity"] == "log hazard ratio")]
    forms = {
        "adjusted": {},
        "stratified by district": {"strata": "district"},
        "clustered by district": {"cluster": "district"},
    }
    for model, form in forms.items():
        r = asked[asked["model"] == model].set_index("term")
        ours = survival.cox(people, *FOLLOWED, TERMS, **form).set_index("term").loc[r.index]
        assert ours["coefficient"].to_numpy() == pytest.approx(r["value"].to_numpy(), rel=1e-6)
        errors = r["standard_error"].to_numpy()
        assert ours["standard_error"].to_numpy() == pytest.approx(errors, rel=1e-4)


def test_median_survival_by_fifth_of_townsend(people):
    found = cohort_survival.summary(people, EXPOSURE)
    medians = found[found["measure"] == "median survival"].set_index("group")["estimate"] * DAYS
    # Least deprived fifth first; quantile(survfit(..., conf.type = "log-log"), 0.5) in R. The curve
    # of fifth 2 runs along a half from 112 to 115 days, whose middle is the median in R; lifelines
    # says 112.
    expected = [328, 261, 182, 113.5, 127]
    assert [medians[str(fifth)] for fifth in (5, 4, 3, 2, 1)] == pytest.approx(expected, abs=0.01)
    year = found[(found["measure"] == "survival") & (found["time_years"] == 1)]
    alive = year.set_index("group")["estimate"]
    per_cent = [100 * alive[str(fifth)] for fifth in (5, 4, 3, 2, 1)]
    assert per_cent == pytest.approx([46.0, 42.2, 32.5, 31.0, 32.6], abs=0.06)


def test_fifths_run_from_the_most_deprived(people):
    by_fifth = people.groupby(EXPOSURE)["townsend_score"]
    assert by_fifth.min().loc[1] >= by_fifth.max().loc[2]
    assert by_fifth.size().between(207, 210).all()


def test_the_chapters_functions_take_real_people_as_they_take_synthetic_ones(people):
    models = {"unadjusted": (), "clinical": ("age_years", "sex", "white_cell_count")}
    against = {EXPOSURE: 5, "sex": "female"}
    ratios = cohort_survival.cox_models(people, EXPOSURE, models, against)
    means = cohort_survival.restricted_means(people, EXPOSURE, models, against, (5,))
    periods = cohort_survival.hazard_ratios_by_period(people, EXPOSURE, models, against)
    tests = cohort_survival.log_rank(people, EXPOSURE)
    most = ratios[(ratios["model"] == "clinical") & (ratios["group"] == "1")].iloc[0]
    assert most["ci_low"] > 1
    slope = means[means["measure"] == "slope of restricted mean survival"].iloc[0]
    assert slope["ci_low"] > 0
    first = periods[(periods["group"] == "1") & (periods["level"] == "0 to 1 years")]
    later = periods[(periods["group"] == "1") & (periods["level"] == "3 years and later")]
    # R: survSplit() at 1 and 3 years: the ratio is one of the first year.
    assert (first["estimate"].to_numpy() > 1.3).all()
    assert (later["estimate"].to_numpy() < 1).all()
    assert tests["p_value"].max() < 0.01
    # R: survdiff(Surv(time, event) ~ fifth), as in data/reference/r_answers.csv.
    assert np.isclose(tests["estimate"].iloc[0], 13.9258627, atol=1e-6)
