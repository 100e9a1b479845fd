"""Multiple imputation: R's answers, and what proper imputation must do."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from distance_to_care import imputation, survival
from distance_to_care.problems import AnalysisError

KNOWN = json.loads(
    (Path(__file__).parents[1] / "known_answers" / "imputation.json").read_text(encoding="utf-8")
)["entries"]
COLUMNS = ["term", "estimate", "standard_error", "ci_low", "ci_high", "degrees_of_freedom"]


def answer(entry):
    return KNOWN[entry]["value"]


def of_imputations(entry):
    return pd.DataFrame(answer(entry)).T


# --- Pooling ------------------------------------------------------------------------------------


def test_pooling_is_that_of_mice():
    pooled = imputation.pool(of_imputations("mi.pbc.Q"), of_imputations("mi.pbc.U"), 121)
    assert list(pooled) == [*COLUMNS, "fraction_missing"]
    for row in pooled.itertuples():
        known = answer("mi.pbc.pooled.mice")[row.term]
        assert row.estimate == pytest.approx(known["estimate"], rel=1e-12)
        assert row.standard_error == pytest.approx(known["se"], rel=1e-12)
        assert row.degrees_of_freedom == pytest.approx(known["df"], rel=1e-10)
        assert row.fraction_missing == pytest.approx(known["fmi"], rel=1e-10)
    # qt(.975, 118.416630114649): the interval is t, not normal.
    age = pooled.iloc[0]
    half = (age["ci_high"] - age["ci_low"]) / 2 / age["standard_error"]
    assert half == pytest.approx(1.98020007621, rel=1e-10)


def test_pooling_is_that_of_mitools_without_complete_degrees_of_freedom():
    pooled = imputation.pool(of_imputations("mi.pbc.Q"), of_imputations("mi.pbc.U"))
    for row in pooled.itertuples():
        known = answer("mi.pbc.pooled.mitools")[row.term]
        assert row.estimate == pytest.approx(known["est"], rel=1e-12)
        assert row.standard_error == pytest.approx(known["se"], rel=1e-12)
        assert row.degrees_of_freedom == pytest.approx(known["df"], rel=1e-9)


def test_lists_arrays_and_frames_pool_alike():
    estimates, variances = of_imputations("mi.pbc.Q"), of_imputations("mi.pbc.U")
    frame = imputation.pool(estimates, variances)
    array = imputation.pool(estimates.to_numpy(), variances.to_numpy())
    pd.testing.assert_frame_equal(frame.drop(columns="term"), array.drop(columns="term"))
    series = imputation.pool(
        [row for _, row in estimates.iterrows()], [row for _, row in variances.iterrows()]
    )
    pd.testing.assert_frame_equal(frame, series)
    one = imputation.pool(estimates["age"].tolist(), variances["age"].tolist())
    assert len(one) == 1
    assert one["standard_error"].iloc[0] == frame["standard_error"].iloc[0]


def test_sets_that_agree_have_nothing_missing():
    found = imputation.pool([2.0, 2, 2], [0.25, 0.25, 0.25]).iloc[0]
    assert found["standard_error"] == 0.5
    assert found["degrees_of_freedom"] == np.inf
    assert found["fraction_missing"] == 0
    assert found["ci_high"] == pytest.approx(2 + 0.5 * 1.959963984540054, rel=1e-12)


@pytest.mark.parametrize(
    ("estimates", "variances", "complete", "sentence"),
    [
        ([1.0], [1.0], None, "at least two"),
        ([1.0, 2], [1.0, 2, 3], None, "same sets"),
        ([1.0, np.nan], [1.0, 2], None, "no estimate"),
        ([1.0, 2], [1.0, 0], None, "above 0"),
        ([1.0, 2], [1.0, 2], 0, "degrees of freedom"),
        ([[1.0, 2]], [[1.0, 2]], None, "at least two"),
    ],
)
def test_misuse_of_pooling_is_a_sentence(estimates, variances, complete, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        imputation.pool(estimates, variances, complete)


# --- Imputing -----------------------------------------------------------------------------------


def pooled_cox(sets, terms, complete=None):
    fits = [
        survival.cox(one, "time", "dead", terms).set_index("term")
        for _, one in sets.groupby("imputation")
    ]
    return imputation.pool(
        [fit["coefficient"] for fit in fits],
        [fit["standard_error"] ** 2 for fit in fits],
        complete,
    ).set_index("term")


@pytest.fixture(scope="module")
def lung():
    people = load_lung().dropna(subset=["ph.ecog"])
    return people.assign(dead=people["status"] == 1, meal=people["meal.cal"] / 1000)


def test_cox_after_imputation_is_that_of_mice(lung):
    sets = imputation.impute(
        lung,
        ["pat.karno", "meal", "wt.loss"],
        ["age", "sex", "ph.ecog"],
        imputations=100,
        seed=1,
        duration="time",
        event="dead",
    )
    terms = list(answer("mice.lung"))
    pooled = pooled_cox(sets, terms, 158)
    complete = survival.cox(lung.dropna(subset=terms), "time", "dead", terms).set_index("term")
    beyond = 0
    for term, known in answer("mice.lung").items():
        found = pooled.loc[term]
        # Four Monte Carlo errors of the mean of 100 sets.
        chance = 4 * np.sqrt(known["between"] / 100)
        assert found["estimate"] == pytest.approx(known["estimate"], abs=chance)
        assert found["standard_error"] == pytest.approx(known["se"], rel=0.03)
        assert found["fraction_missing"] == pytest.approx(known["fmi"], rel=0.5, abs=0.01)
        beyond += abs(complete.loc[term, "coefficient"] - known["estimate"]) > chance
    assert beyond >= 4  # the tolerance tells complete cases from imputation


def test_nelson_aalen_is_that_of_r(lung):
    # mice::nelsonaalen(cancer, time, status == 2)[1:3] of all 228 people
    everybody = load_lung()
    found = imputation.nelson_aalen(everybody["time"].to_numpy(), everybody["status"].to_numpy())
    known = {90: 0.12555296852674, 365: 0.888324574368183, 730: 2.12504279829714}
    for day, hazard in known.items():
        by_then = everybody["time"].to_numpy() <= day
        assert found[by_then].max() == pytest.approx(hazard, rel=1e-12)


def test_the_spread_of_the_sets_holds_the_doubt_about_the_parameters():
    # For the mean of a 0-1 column with half the values missing the sets vary by
    # (1/2)^2 p(1-p) (1/known + 1/missing); imputing with fixed parameters would give half.
    known = np.arange(200) % 5 == 0
    people = pd.DataFrame({"dead": pd.array([*known, *[None] * 200], dtype="boolean")})
    sets = imputation.impute(people, ["dead"], imputations=600, seed=3)
    means = sets.groupby("imputation")["dead"].mean().astype(float)
    assert means.var() == pytest.approx(0.25 * 0.16 * (1 / 200 + 1 / 200), rel=0.25)
    assert means.mean() == pytest.approx(0.2, abs=0.005)


def test_matching_holds_the_doubt_about_the_line():
    random = np.random.default_rng(5)
    x = random.normal(size=1000)
    y = 3 + 2 * x + random.normal(size=1000)
    missing = np.arange(1000) % 2 == 1
    people = pd.DataFrame({"x": x, "y": np.where(missing, np.nan, y)})
    sets = imputation.impute(people, ["y"], ["x"], imputations=400, seed=6)
    slopes = [np.polyfit(one["x"], one["y"], 1)[0] for _, one in sets.groupby("imputation")]
    squares = (x - x.mean()) ** 2
    of_missing, of_known = squares[missing].sum(), squares[~missing].sum()
    expected = (of_missing / squares.sum()) ** 2 * (1 / of_known + 1 / of_missing)
    assert np.var(slopes) == pytest.approx(expected, rel=0.25)
    assert np.mean(slopes) == pytest.approx(2, abs=0.1)


@pytest.fixture(scope="module")
def drawn():
    """People of known effects (0.3, 0.5, 0.2), whose severity is known for a selected half."""
    random = np.random.default_rng(11)
    count = 4000
    deprived = random.random(count) < 0.4
    age = random.normal(size=count)
    severity = random.normal(size=count) + 0.5 * deprived + 0.2 * age
    time = random.exponential(5 * np.exp(-0.3 * deprived - 0.5 * severity - 0.2 * age))
    people = pd.DataFrame({"deprived": deprived, "severity": severity, "age": age})
    people["dead"], people["time"] = time < 4, np.minimum(time, 4)
    # Who is deprived and died has the test more often: complete cases mislead.
    chance = np.where(people["dead"], np.where(deprived, 0.9, 0.4), 0.5)
    people.loc[random.random(count) > chance, "severity"] = np.nan
    return people


def test_what_complete_cases_get_wrong_imputation_gets_right(drawn):
    terms = ["deprived", "severity", "age"]
    sets = imputation.impute(
        drawn,
        ["severity"],
        ["deprived", "age"],
        imputations=30,
        seed=2,
        duration="time",
        event="dead",
    )
    pooled = pooled_cox(sets, terms)
    complete = survival.cox(drawn.dropna(), "time", "dead", terms).set_index("term")
    for term, truth in zip(terms, (0.3, 0.5, 0.2), strict=True):
        assert pooled.loc[term, "ci_low"] < truth < pooled.loc[term, "ci_high"]
        assert pooled.loc[term, "standard_error"] < 0.05
    assert complete.loc["deprived", "coefficient"] > 0.3 + 4 * 0.05


def test_without_the_outcome_the_effect_fades(drawn):
    blind = imputation.impute(drawn, ["severity"], ["deprived", "age"], imputations=10, seed=2)
    faded = pooled_cox(blind, ["deprived", "severity", "age"])
    assert faded.loc["severity", "estimate"] < 0.4


@pytest.fixture
def mixed():
    """A number, a boolean, a category and a text column, each missing for some."""
    random = np.random.default_rng(8)
    count = 600
    age = random.normal(70, 8, count)
    ill = random.random(count) < 1 / (1 + np.exp(-(age - 70) / 4))
    stage = np.array(["I", "II", "III"])[np.clip(((age - 60) // 8).astype(int), 0, 2)]
    people = pd.DataFrame(
        {
            "age": age,
            "ill": pd.array(ill, dtype="boolean"),
            "stage": pd.Categorical(stage, ["III", "II", "I", "none"]),
            "place": np.where(random.random(count) < 0.5, "north", "south"),
            "score": np.round(age / 10 + random.normal(size=count)),
            "unable": random.random(count) < 0.2,
        }
    )
    for column in ("ill", "stage", "place", "score"):
        people.loc[random.random(count) < 0.3, column] = None
    people.loc[people["unable"], "score"] = np.nan
    return people


FILLED = ["ill", "stage", "place", "score"]


def filled(people, seed=4, imputations=3):
    return imputation.impute(
        people,
        FILLED,
        ["age"],
        imputations=imputations,
        seed=seed,
        empty_when={"score": "unable"},
    )


def test_every_kind_of_column_is_filled_in_its_own_type(mixed):
    sets = filled(mixed)
    assert sets["imputation"].unique().tolist() == [1, 2, 3]
    assert sets[["ill", "stage", "place"]].notna().all().all()
    assert sets["stage"].dtype == mixed["stage"].dtype
    assert sets["ill"].dtype == "boolean"
    assert set(sets["place"]) == {"north", "south"}
    # Known values stay, and numbers are values that somebody has.
    for _, one in sets.groupby("imputation"):
        for column in FILLED:
            known = mixed[column].notna().to_numpy()
            assert one[column].to_numpy()[known].tolist() == mixed[column][known].tolist()
    assert set(sets["score"].dropna()) <= set(mixed["score"].dropna())
    # What is filled follows what predicts it.
    gap = mixed["ill"].isna().to_numpy()
    one = sets[sets["imputation"] == 1].reset_index(drop=True)[gap]
    by_age = one.groupby(one["age"] > 70)["ill"].mean()
    assert by_age[True] - by_age[False] > 0.3
    stages = one.groupby("stage", observed=True)["age"].mean()
    assert stages["III"] > stages["II"] > stages["I"]


def test_cells_that_are_empty_by_nature_stay_empty(mixed):
    sets = filled(mixed)
    assert sets.loc[sets["unable"], "score"].isna().all()
    assert sets.loc[~sets["unable"], "score"].notna().all()


def test_the_same_seed_gives_the_same_sets(mixed):
    one = filled(mixed)
    pd.testing.assert_frame_equal(one, filled(mixed))
    more = filled(mixed, imputations=5)
    first = more[more["imputation"] <= 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, first)
    other = filled(mixed, seed=5)
    assert not one["score"].equals(other["score"])
    # The given people are left as they were.
    assert mixed["score"].isna().any()


def test_complete_people_come_back_as_they_are(mixed):
    whole = mixed.dropna()
    sets = imputation.impute(whole, ["place", "score"], ["age"], imputations=2)
    for _, one in sets.groupby("imputation"):
        again = one.drop(columns="imputation").reset_index(drop=True)
        pd.testing.assert_frame_equal(again, whole.reset_index(drop=True))


def test_a_predictor_that_separates_gives_no_certainty():
    x = np.repeat([0.0, 1.0], 30)
    sick = pd.array([*[False] * 25, *[None] * 5, *[True] * 25, *[None] * 5], dtype="boolean")
    people = pd.DataFrame({"x": x, "sick": sick})
    sets = imputation.impute(people, ["sick"], ["x"], imputations=200, seed=1)
    drawn = sets[np.tile(people["sick"].isna(), 200)].groupby("x")["sick"].mean().astype(float)
    assert 0 < drawn[0.0] < 0.2
    assert 0.8 < drawn[1.0] < 1


def test_people_alike_in_every_predictor_lend_to_each_other_by_chance():
    random = np.random.default_rng(0)
    values = np.where(np.arange(400) < 300, random.normal(size=400), np.nan)
    sets = imputation.impute(pd.DataFrame({"a": values}), ["a"], imputations=1)
    lent = sets["a"].to_numpy()[300:]
    assert len(set(lent)) > 30


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"columns": ["wealth"]}, "no column 'wealth'"),
        ({"columns": "score"}, "as a list"),
        ({"columns": ["score"], "predictors": ["place"]}, "'place' predicts and is itself missing"),
        ({"columns": ["few"]}, "too few people"),
        ({"columns": ["same"]}, "one value only"),
        ({"columns": ["score"], "duration": "age"}, "both the duration and the event"),
        ({"columns": ["score"], "duration": "age", "event": "age"}, "must be true or false"),
        ({"columns": ["score"], "empty_when": {"score": "age"}}, "'age' must be true or false"),
        ({"columns": ["score"], "imputations": 0}, "at least one imputed set"),
    ],
)
def test_misuse_of_imputation_is_a_sentence(mixed, asked, sentence):
    few = mixed.assign(few=mixed["age"].where(mixed.index < 5), same=1.0)
    with pytest.raises(AnalysisError, match=sentence):
        imputation.impute(few, **asked)
    with pytest.raises(AnalysisError, match="rename it"):
        imputation.impute(few.assign(imputation=1), ["score"])


def test_what_is_not_a_number_is_not_pooled():
    with pytest.raises(AnalysisError, match="must be numbers"):
        imputation.pool(["a", "b"], [1.0, 1.0])
    with pytest.raises(AnalysisError, match="must be numbers"):
        imputation.pool(1, 2)
