"""Missing values of a cohort: counted, left out, and filled in."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import cohort, tables
from distance_to_care.statistics import cohort_missing, cohort_survival, severity

MODEL = "as_published"
FIFTHS = ["deprivation_quintile", "distance_quintile"]


@pytest.fixture(scope="module")
def shipped():
    return cohort.load()


def imputed(shipped, people, **asked):
    chosen = {"imputations": 4, "seed": 1} | asked
    return cohort_missing.imputed(people, shipped.study, MODEL, shipped.references, **chosen)


def test_missing_values_are_counted_by_group(shipped):
    people = shipped.people
    columns = ["dlco_percent", "symptom_months"]
    found = cohort_missing.missing_values(people, shipped.study, columns, FIFTHS[0])
    found = found.set_index(["measure", "variable", "group"])
    # Who could not do the test has no value, and none is missing.
    empty, unable = people["dlco_percent"].isna(), people["dlco_unable"]
    assert unable.sum() > 0
    missing = found.loc[("not known", "dlco_percent", "all"), "missing"]
    assert missing == empty.sum() - unable.sum()
    assert found.loc[("not applicable", "dlco_percent", "all"), "missing"] == unable.sum()
    first = people[people[FIFTHS[0]] == 1]
    either = (first["dlco_percent"].isna() & ~first["dlco_unable"]) | first["symptom_months"].isna()
    row = found.loc[("not known", "any", "1")]
    assert (row["people"], row["missing"]) == (len(first), either.sum())
    assert row["estimate"] == pytest.approx(100 * either.mean())


def test_a_column_outside_the_model_is_counted_by_itself(shipped):
    people, columns = shipped.people, ["dlco_percent", "symptom_months"]
    asked = (people, shipped.study, columns, FIFTHS[0])
    alone = cohort_missing.missing_values(*asked)
    found = cohort_missing.missing_values(*asked, also=["referral_wait_days"])
    wait = found[(found["variable"] == "referral_wait_days") & (found["group"] == "all")]
    assert wait["missing"].tolist() == [people["referral_wait_days"].isna().sum()]
    rest = found[found["variable"] != "referral_wait_days"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, alone)


def test_a_column_that_is_seldom_missing_is_counted_where_enough_lack_it(shipped):
    study, columns, by = shipped.study, ["dlco_percent"], FIFTHS[0]
    usual = cohort_missing.missing_values(shipped.people, study, columns, by)
    for gaps, there in ((0, False), (9, False), (31, True)):
        people = shipped.people.copy()
        people.loc[people.index[:gaps], "smoking"] = None
        found = cohort_missing.missing_values(
            people, study, columns, by, where_missing=["sex", "smoking"]
        )
        # A row that came with the first of them would tell one from nobody.
        assert ("smoking" in set(found["variable"])) == there
        if not there:
            pd.testing.assert_frame_equal(found, usual)
    everybody = found[found["group"] == "all"].set_index(["measure", "variable"])["missing"]
    assert everybody["not known", "smoking"] == 31
    assert "sex" not in everybody["not known"].index
    first = people.iloc[:31]
    both = int((first["dlco_percent"].isna() & ~first["dlco_unable"]).sum())
    assert everybody["not known", "any"] == 31 + everybody["not known", "dlco_percent"] - both


def test_a_registry_with_gaps_passes_the_check_and_keeps_complete_cases_by_model(tmp_path):
    """A missing smoking status or lung function refuses nobody: each model leaves out its own."""
    gaps = {"smoking": 20, "fvc_percent": 15, "oxygen": 10, "sex": 8, "age_years": 5}
    frame = pd.read_csv(tables.cohort_file(tables.read_study("ipf")), dtype=str).head(600)
    place = 0
    for name, lacking in gaps.items():
        frame.loc[place : place + lacking - 1, name] = None
        place += lacking
    file = tmp_path / "people.csv"
    frame.to_csv(file, index=False)
    study = tables.read_study("ipf")
    people = cohort.prepare(tables.read_cohort(file, study), study)
    known = people["gap_index"].notna() & people["symptom_months"].notna()
    needs = {
        "unadjusted": len(people),
        "age_sex": len(people) - gaps["sex"] - gaps["age_years"],
        "as_published": int((known & people["smoking"].notna()).sum()),
    }
    needs["unadjusted_same_people"] = needs["as_published"]
    against = {"smoking": "never", "sex": "female", **cohort.REFERENCE}
    sets = {
        "unadjusted": (),
        **{n: study.adjustment(n, FIFTHS[0]) for n in ("age_sex", "as_published")},
    }
    found = cohort_survival.cox_models(people, FIFTHS[0], sets, against)
    assert found.groupby("model")["people"].unique().str[0].to_dict() == needs
    assert found["estimate"].notna().all()
    filled = cohort_missing.imputed(people, study, MODEL, against, imputations=2)
    assert (filled.loc[filled["measure"] == "hazard ratio", "people"] == len(people)).all()
    # A column of yes and no with gaps is typed otherwise than a whole one.
    odds = severity.logistic(people, "oxygen", FIFTHS[0], adjust=["age_years", "sex"])
    assert (odds["people"] <= len(people) - 23).all() and odds["estimate"].notna().any()


def test_with_nothing_missing_imputation_is_complete_cases(shipped):
    whole = shipped.people.dropna(subset=["gap_index", "log_symptom_months"])
    complete = cohort_missing.complete_cases(whole, shipped.study, MODEL, shipped.references)
    filled = imputed(shipped, whole)
    ratios = filled[filled["measure"] == "hazard ratio"]
    counts = ["people", "deaths", "level_people", "level_deaths"]
    assert ratios[counts].astype(int).equals(complete[counts])
    np.testing.assert_allclose(ratios["estimate"], complete["estimate"], rtol=1e-7)
    # The interval is t, on deaths less terms.
    assert (ratios["ci_high"] > complete["ci_high"]).all()
    np.testing.assert_allclose(ratios["ci_high"], complete["ci_high"], rtol=2e-3)
    lost = filled[filled["measure"] == "information missing"]["estimate"]
    assert lost.between(0, 0.5).all()


def test_everybody_with_a_known_exposure_is_in_the_imputed_model(shipped):
    people = shipped.people.copy()
    people.loc[people.index[:50], FIFTHS[0]] = np.nan
    filled = imputed(shipped, people, also=["oxygen", "referral_wait_days", "region"])
    assert (filled.loc[filled["measure"] == "hazard ratio", "people"] == len(people) - 50).all()
    assert filled["estimate"].notna().all()
    assert (filled["note"] == "").all()


def test_scores_are_computed_again_from_what_was_filled(shipped):
    terms = [FIFTHS[0], *shipped.study.adjustment(MODEL, FIFTHS[0])]
    asked = (shipped.people, shipped.study, terms, shipped.references, [], 2, 1)
    sets = cohort_missing._completed(*asked, {})
    assert sets["gap_index"].notna().all()
    physiology = shipped.study.score("gap_physiology")
    assert sets["gap_physiology"].equals(physiology.points(sets).rename("gap_physiology"))
    unable = sets["dlco_unable"]
    assert sets.loc[unable, "dlco_percent"].isna().all()
    points = sets.loc[unable, "gap_physiology"]
    assert points.min() >= 3
    # Values that were filled, and no others, are shifted, and not out of their range.
    lower = cohort_missing._completed(*asked, {"dlco_percent": -30})
    missing = np.tile(shipped.people["dlco_percent"].isna(), 2) & ~unable
    assert lower.loc[~missing, "dlco_percent"].equals(sets.loc[~missing, "dlco_percent"])
    expected = (sets.loc[missing, "dlco_percent"] - 30).clip(lower=5)
    assert lower.loc[missing, "dlco_percent"].equals(expected)
    assert lower.loc[missing, "gap_index"].mean() > sets.loc[missing, "gap_index"].mean() + 0.5


def test_three_methods_stand_side_by_side(shipped):
    found = cohort_missing.compare_methods(
        shipped.people, shipped.study, MODEL, shipped.references, imputations=2,
        shift={"dlco_percent": -10},
    )  # fmt: skip
    ratios = found[found["measure"] == "hazard ratio"]
    methods = ["complete cases", "imputation", "imputation, shifted"]
    assert list(ratios["method"].unique()) == methods
    direct = cohort_survival.cox_models(
        shipped.people, FIFTHS[0], shipped.adjustments(FIFTHS[0]), shipped.references
    )
    direct = direct[direct["model"] == MODEL].set_index("group").loc["1", "estimate"]
    assert ratios.iloc[0]["estimate"] == direct
    assert ratios["estimate"].nunique() == len(ratios) == 24


def test_what_cannot_be_estimated_says_why(shipped):
    few = shipped.people.head(24)
    found = imputed(shipped, few)
    assert found["estimate"].isna().all()
    assert (found["note"] != "").all()
    assert set(found["measure"]) == {"hazard ratio", "information missing"}
    unknown = shipped.people.assign(dlco_percent=np.nan)
    found = imputed(shipped, unknown)
    assert found["estimate"].isna().all()
    assert found["note"].str.contains("'dlco_percent' is known for too few people").all()


def test_the_same_seed_gives_the_same_answer(shipped):
    pd.testing.assert_frame_equal(
        imputed(shipped, shipped.people), imputed(shipped, shipped.people)
    )
