"""The engine out of core gives the answers of the engine in memory, from a Parquet file."""

from __future__ import annotations

import functools
import itertools
import os

import numpy as np
import pandas as pd
import pytest
import survival_data as data

from distance_to_care import survival
from distance_to_care.packed import cox as packed_cox
from distance_to_care.packed import kernels, patterns, shares
from distance_to_care.packed import people as packed
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import compiled, engine

CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def invented(count: int = 600, seed: int = 9) -> pd.DataFrame:
    """Invented people with columns of every kind, late entry, clusters, tied days and ages."""
    rng = np.random.default_rng(seed)
    age = rng.integers(40, 91, count)
    far = rng.random(count)
    hazard = np.exp(0.04 * (age - 65) + 0.5 * (far - 0.5)) / 900
    falls = rng.exponential(1 / hazard)
    leaves = rng.uniform(100, 2_000, count)
    days = np.ceil(np.minimum(falls, leaves))
    return pd.DataFrame(
        {
            "days": days.astype(np.int32),
            "years": np.minimum(falls, leaves) / 365.25,
            "died": falls <= leaves,
            "cause": np.where(falls > leaves, "censored", rng.choice(["lung", "other"], count)),
            "entry": np.where(rng.random(count) < 0.5, 0, np.floor(rng.random(count) * days)),
            "age": age,
            "male": rng.random(count) < 0.6,
            "quintile": rng.integers(1, 6, count),
            "far": far,
            "grade": rng.choice([0.5, 1.5, 2.5], count),
            "smoking": rng.choice(["never", "former", "current"], count),
            "region": pd.Categorical(
                rng.choice(["north", "south", "east"], count),
                categories=["south", "north", "nowhere", "east"],
            ),
            "centre": rng.choice([f"centre {j}" for j in range(40)], count),
        }
    )


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return invented()


@pytest.fixture(scope="module")
def file(people, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "people.parquet"
    people.to_parquet(path, row_group_size=250)
    return path


@pytest.fixture(params=["compiled", "numpy"])
def way(request, monkeypatch):
    """With kernels that are compiled, and without."""
    if request.param == "numpy":
        monkeypatch.setenv(compiled.SWITCH, "no")
    elif not compiled.available():
        pytest.skip("numba is not installed")


def same(of_file: pd.DataFrame, of_table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(of_file, of_table, **CLOSE)


COUNTED = {
    "curve": lambda p: survival.kaplan_meier(p, "days", "died", "region"),
    "curve of all": lambda p: survival.kaplan_meier(p, "years", "died"),
    "medians": lambda p: survival.median_survival(p, "years", "died", "smoking"),
    "follow-up": lambda p: survival.follow_up(p, "days", "died", "male"),
    "at times": lambda p: survival.survival_at(p, "days", "died", [0, 30, 365, 9e5], "grade"),
    "incidence": lambda p: survival.cumulative_incidence(p, "days", "cause", "quintile"),
    "log-rank": lambda p: survival.log_rank(p, "years", "died", "region"),
    "trend": lambda p: survival.trend_test(p, "days", "died", "quintile"),
    "mean": lambda p: survival.restricted_mean(p, "days", "died", 900, "smoking"),
    "difference": lambda p: survival.restricted_mean_difference(
        p, "years", "died", 2.5, "male", False
    ),
    "adjusted mean": lambda p: survival.adjusted_restricted_mean(
        p.head(300) if isinstance(p, pd.DataFrame) else p, "days", "died", "male", ["age"], 900
    ),
    "along": lambda p: survival.hazard_ratio_along(p, "days", "died", "age", ["male"]),
    "bends": lambda p: survival.non_linearity_test(p, "days", "died", "far", strata="region"),
    "periods": lambda p: survival.hazard_ratio_by_period(
        p, "days", "died", ["age", "region"], [365], cluster="centre"
    ),
    "pseudo-values": lambda p: survival.pseudo_restricted_mean(p, "days", "died", 900).to_frame(),
}


@pytest.mark.parametrize("name", [n for n in COUNTED if n != "adjusted mean"])
def test_a_path_gives_what_the_table_gives(name, people, file):
    same(COUNTED[name](str(file)), COUNTED[name](people))


def test_an_adjusted_mean_of_a_path_is_that_of_the_table(people, tmp_path):
    path = tmp_path / "few.parquet"
    people.head(300).to_parquet(path)
    same(COUNTED["adjusted mean"](path), COUNTED["adjusted mean"](people))


@pytest.mark.parametrize("seed", range(3))
def test_curves_agree_with_the_engine_row_by_row(seed):
    # The table comes from counts too, so the engine's own table of people stands against it.
    people = invented(400, seed)
    counted = survival.kaplan_meier(people, "years", "died", "quintile")
    for name, own in people.groupby("quintile"):
        table = engine.risk_table(own["years"], own["died"])
        found = counted[counted["group"] == name]
        assert np.array_equal(found["at_risk"], table.at_risk)
        assert np.array_equal(found["time"], table.time)
        assert np.array_equal(found["events"], table.events[0])
    codes = people["quintile"].to_numpy() - 1
    observed, expected, covariance = engine.log_rank(people["days"], people["died"], codes)
    difference = (observed - expected)[1:]
    statistic = difference @ np.linalg.solve(covariance[1:, 1:], difference)
    assert survival.log_rank(people, "days", "died", "quintile")["statistic"][0] == pytest.approx(
        statistic, rel=1e-12
    )


COVARIATES = ["age", "male", "quintile", "smoking", "region", "grade"]
MODELS = {
    "efron": {},
    "breslow": {"ties": "breslow"},
    "years": {"duration": "years"},
    "with a continuous column": {"covariates": [*COVARIATES, "far"]},
    "one continuous column": {"covariates": ["far"]},
    "late entry": {"entry": "entry"},
    "strata": {"strata": ["region", "smoking"], "covariates": ["age", "male", "far"]},
    "late entry in strata": {
        "strata": "region", "entry": "entry", "covariates": ["smoking", "age"], "ties": "breslow",
    },
    "late entry in many strata": {
        "strata": ["centre", "age"], "entry": "entry", "covariates": ["male", "far"],
    },
    "an age as a stratum": {"strata": "age", "covariates": ["male", "far", "smoking"]},
}  # fmt: skip


def asked(name: str) -> dict:
    return {"duration": "days", "event": "died", "covariates": COVARIATES} | MODELS[name]


@pytest.mark.parametrize("name", MODELS)
def test_hazard_ratios_of_a_path_are_those_of_the_table(name, people, file, way):
    same(survival.cox(file, **asked(name)), survival.cox(people, **asked(name)))


@pytest.mark.parametrize("name", MODELS)
def test_robust_errors_of_a_path_are_those_of_the_table(name, people, file):
    more = asked(name) | {"cluster": "centre"}
    same(survival.cox(file, **more), survival.cox(people, **more))


@pytest.mark.parametrize(
    ("name", "transform"),
    [*((name, "km") for name in MODELS), *(("late entry", g) for g in ("rank", "identity", "log"))],
)
def test_proportional_hazards_of_a_path_are_those_of_the_table(name, transform, people, file):
    more = asked(name) | {"transform": transform}
    of_file = survival.proportional_hazards_test(file, **more)
    same(of_file, survival.proportional_hazards_test(people, **more))


@pytest.mark.parametrize("name", ["with a continuous column", "late entry in strata"])
def test_errors_and_test_without_numba(name, people, file, monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, "no")
    more = asked(name)
    of_file = survival.proportional_hazards_test(file, **more)
    same(of_file, survival.proportional_hazards_test(people, **more))
    same(
        survival.cox(file, **more, cluster="centre"), survival.cox(people, **more, cluster="centre")
    )


@pytest.mark.parametrize("name", MODELS)
def test_who_is_led_there_by_some_arrives_where_all_do(name, people, file, monkeypatch):
    # 150 lead 300, who lead 600.
    monkeypatch.setattr(packed_cox, "MANY", 200)
    monkeypatch.setattr(packed_cox, "SOME", 100)
    monkeypatch.setattr(packed_cox, "SHARE", 2)
    followed = []
    follow = packed_cox.PackedFit._follow
    monkeypatch.setattr(
        packed_cox.PackedFit,
        "_follow",
        lambda fit, *led: followed.append(fit.people) or follow(fit, *led),
    )
    same(survival.cox(file, **asked(name)), survival.cox(people, **asked(name)))
    # Of 150 people in strata of an age and a centre nothing can be said.
    assert followed == ([600] if name == "late entry in many strata" else [300, 600])
    of_file = survival.proportional_hazards_test(file, **asked(name))
    same(of_file, survival.proportional_hazards_test(people, **asked(name)))


def test_what_follows_a_fit_is_worked_out_where_its_last_step_ended(people, monkeypatch):
    # With a long last step it shows: the score is nought there, and not where the step began.
    monkeypatch.setattr(packed_cox, "MANY", 200)
    monkeypatch.setattr(packed_cox, "SOME", 100)
    monkeypatch.setattr(packed_cox, "cox", functools.partial(packed_cox.cox, near=0.01))
    coded = packed.of_table(people, ["days", "died", *COVARIATES])
    fit, _ = survival._fit(coded, "days", "died", COVARIATES)
    began, ended = (np.abs(now.score).max() for now in (fit._final, fit._settled))
    assert began > 0.1 > 100 * ended
    expected = engine.cox(
        people["days"], people["died"], survival.design(people, COVARIATES).matrix
    )
    np.testing.assert_allclose(fit.coefficients, expected.coefficients, rtol=1e-4, atol=1e-6)


def test_robust_errors_by_person(people, file):
    asked_for = (people["days"], people["died"], survival.design(people, COVARIATES).matrix)
    inside = engine.cox(*asked_for)
    coded = packed.read(file, ["days", "died", *COVARIATES])
    outside, _ = survival._fit(coded, "days", "died", COVARIATES)
    np.testing.assert_allclose(outside.robust_variance(), inside.robust_variance(), **CLOSE)
    for name in ("log_likelihood", "log_likelihood_null", "score_statistic"):
        assert getattr(outside, name) == pytest.approx(getattr(inside, name), rel=1e-11)


def test_many_matched_sets_are_many_strata(people, tmp_path, way):
    # Pairs of one person and the next; those of one alone say nothing.
    paired = people.assign(pair=np.arange(len(people)) // 2)
    path = tmp_path / "pairs.parquet"
    paired.to_parquet(path)
    for ask in (
        lambda p: survival.cox(p, "days", "died", ["age", "male"], strata="pair"),
        lambda p: survival.cox(p, "days", "died", ["age"], strata="pair", entry="entry"),
        lambda p: survival.proportional_hazards_test(p, "days", "died", ["age"], strata="pair"),
    ):
        same(ask(path), ask(paired))


def test_strata_of_many_columns_are_those_that_occur(people, tmp_path):
    # 250 levels in each of eight columns: 250^8 strata are more than there are codes for.
    born = np.arange(len(people)) // (len(people) // 250)
    names = [f"matched_on_{j}" for j in range(8)]
    matched = people.assign(**{name: (born * 7 + j) % 250 for j, name in enumerate(names)})
    path = tmp_path / "matched.parquet"
    matched.to_parquet(path)
    by_one = survival.cox(matched, "days", "died", ["age"], strata=names[0])
    same(survival.cox(path, "days", "died", ["age"], strata=names), by_one)
    same(survival.cox(matched, "days", "died", ["age"], strata=names), by_one)


def test_a_large_table_is_packed_with_the_same_answer(people, monkeypatch):
    expected = survival.cox(people, **asked("late entry"), cluster="centre")
    monkeypatch.setattr(survival, "MANY", 100)
    monkeypatch.setattr(engine, "cox", None)
    same(survival.cox(people, **asked("late entry"), cluster="centre"), expected)


# Patterns of two parts together, patterns of one part, values of a covariate.
CROWDED = {
    "every covariate a part of its own": (60, 4, 1 << 13),
    "many parts of a few": (300, 4, 1 << 13),
    "some stand as numbers": (60, 4, 12),
    "all stand as numbers": (0, 0, 0),
}


@pytest.mark.parametrize("crowded", CROWDED)
@pytest.mark.parametrize("name", ["efron", "with a continuous column", "late entry"])
def test_more_values_than_a_pattern_holds(crowded, name, people, file, way, monkeypatch):
    together, few, values = CROWDED[crowded]
    monkeypatch.setattr(patterns, "TOGETHER", together)
    monkeypatch.setattr(patterns, "FEW", few)
    monkeypatch.setattr(patterns, "VALUES", values)
    more = asked(name) | {"cluster": "centre"}
    same(survival.cox(file, **more), survival.cox(people, **more))
    more = asked(name)
    of_file = survival.proportional_hazards_test(file, **more)
    same(of_file, survival.proportional_hazards_test(people, **more))


@pytest.mark.parametrize(
    ("levels", "most", "parts", "dense"),
    [
        # 13 terms of the timed people, and ten million of them: two parts of like sizes.
        ([59, 101, 2, 5, 5, 3], 1 << 20, [[101, 5, 2], [59, 5, 3]], []),
        # Few patterns in all: one part.
        ([2, 5, 5], 1 << 20, [[5, 5, 2]], []),
        # 1,827 x 1,486 are too many together: the one with the most values stands as numbers.
        ([1827, 1486, 3], 1 << 20, [[1486], [3]], [1827]),
        ([9000, 3], 1 << 20, [[3]], [9000]),
        ([30, 20], 100, [[20]], [30]),
    ],
)
def test_covariates_are_divided_among_parts(levels, most, parts, dense):
    covariates = [
        (patterns.Covariate(None, np.zeros((count, 1))), np.array([j]))
        for j, count in enumerate(levels)
    ]
    divided, numbers = patterns._divided(covariates, most)
    assert [[len(x.matrix) for x, _ in part] for part in divided] == parts
    assert [len(x.matrix) for x, _ in numbers] == dense


@pytest.mark.parametrize("name", ["heart", "lung", "pbc_trial"])
def test_data_of_r(name, tmp_path):
    table = getattr(data, name)()
    models = {
        "heart": {"duration": "stop", "event": "event", "entry": "start",
                  "covariates": ["age", "year", "surgery", "transplant"], "cluster": "id"},
        "lung": {"duration": "time", "event": "died", "covariates": ["age", "sex", "ph.ecog"],
                 "strata": "inst"},
        "pbc_trial": {"duration": "time", "event": "died",
                      "covariates": ["age", "edema", "lb", "lp", "la"]},
    }  # fmt: skip
    path = tmp_path / "data.parquet"
    table.to_parquet(path)
    same(survival.cox(path, **models[name]), survival.cox(table, **models[name]))


# -- misuse ----------------------------------------------------------------------------------------


def spoilt(people: pd.DataFrame, **columns) -> pd.DataFrame:
    return people.head(200).assign(**columns)


MISUSE = {
    "missing number": (lambda p: spoilt(p, age=p["age"].where(p["age"] != 70)), {}),
    "missing text": (lambda p: spoilt(p, smoking=p["smoking"].where(p["age"] != 70)), {}),
    "missing category": (lambda p: spoilt(p, region=p["region"].where(p["age"] != 70)), {}),
    "missing event": (lambda p: spoilt(p, died=p["died"].where(p["age"] != 70)), {}),
    "no column": (lambda p: spoilt(p).drop(columns="male"), {}),
    "no duration": (lambda p: spoilt(p).drop(columns="days"), {}),
    "no event column": (lambda p: spoilt(p).drop(columns="died"), {}),
    "too near": (lambda p: spoilt(p, far=p["far"] * 1e-14), {"covariates": ["far"]}),
    "too near from afar": (lambda p: spoilt(p, far=1e15 + p["male"]), {"covariates": ["far"]}),
    "too large": (lambda p: spoilt(p, far=p["far"] * 1e160), {"covariates": ["far"]}),
    "nobody": (lambda p: p.head(0), {}),
    "no event": (lambda p: spoilt(p, died=False), {}),
    "event of three": (lambda p: spoilt(p, died=p["quintile"]), {}),
    "event in parts": (lambda p: spoilt(p, died=p["far"]), {}),
    "text for time": (lambda p: spoilt(p, days="some"), {}),
    "negative": (lambda p: spoilt(p, days=p["days"] - 40), {}),
    "infinite": (lambda p: spoilt(p, age=p["age"].replace(70, np.inf)), {}),
    "constant": (lambda p: spoilt(p, male=True), {}),
    "constant number": (lambda p: spoilt(p, far=0.25), {"covariates": ["far"]}),
    "constant text": (lambda p: spoilt(p, smoking="never"), {}),
    "collinear": (lambda p: spoilt(p, born=2000 - p["age"]), {"covariates": ["age", "born"]}),
    "separated": (lambda p: spoilt(p, male=p["died"]), {"covariates": ["male", "age"]}),
    "no covariates": (spoilt, {"covariates": []}),
    "no covariates at all": (spoilt, {"covariates": None}),
    "late exit": (lambda p: spoilt(p, entry=p["days"]), {"entry": "entry"}),
    "one cluster": (lambda p: spoilt(p, centre="only"), {"cluster": "centre"}),
    "other ties": (spoilt, {"ties": "exact"}),
    "no stratum": (spoilt, {"strata": "nothing"}),
    "only after the events": (
        lambda p: spoilt(p, male=p["days"] > p.head(200).loc[p["died"], "days"].max(),
                         died=p["died"] & (p["days"] < 300)),
        {"covariates": ["male"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_the_sentence_of_the_table(name, people, tmp_path):
    spoil, more = MISUSE[name]
    table = spoil(people)
    path = tmp_path / "people.parquet"
    table.to_parquet(path, row_group_size=64)
    asked_for = asked("efron") | more
    with pytest.raises(AnalysisError) as inside:
        survival.cox(table, **asked_for)
    with pytest.raises(AnalysisError) as outside:
        survival.cox(path, **asked_for)
    assert str(outside.value) == str(inside.value)


def test_other_files_are_refused_in_a_sentence(tmp_path, people):
    path = tmp_path / "people.csv"
    people.head(5).to_csv(path)
    with pytest.raises(AnalysisError, match="write the table as Parquet"):
        survival.kaplan_meier(path, "days", "died")
    with pytest.raises(AnalysisError, match="There is no file"):
        survival.cox(tmp_path / "nothing.parquet", "days", "died", ["age"])


ALTERED = {
    "cut off": lambda content: content[: len(content) // 2],
    "cut off at its very end": lambda content: content[:-1],
    "ends alone": lambda _: b"PAR1" + bytes(40) + b"PAR1",
    "no UTF-8 in a cell": lambda content: content.replace(b"current", b"curr\xffnt"),
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED.keys())
def test_a_damaged_file_is_refused_in_a_sentence(altered, tmp_path, people):
    path = tmp_path / "people.parquet"
    people.to_parquet(path, compression="none")
    whole = path.read_bytes()
    path.write_bytes(altered(whole))
    assert path.read_bytes() != whole
    for asked_for in (
        lambda: survival.median_survival(path, "days", "died", "smoking"),
        lambda: survival.hazard_ratio_along(path, "days", "died", "age", ["smoking"]),
    ):
        with pytest.raises(AnalysisError, match="people.parquet is a damaged or incomplete Par"):
            asked_for()


def test_a_file_replaced_while_it_is_read_is_refused(people, tmp_path, monkeypatch):
    # The same people in another order: columns of two files would be put together.
    path, other = tmp_path / "people.parquet", tmp_path / "other.parquet"
    people.to_parquet(path)
    people.iloc[::-1].to_parquet(other)
    read = packed._read_column

    def replaced(*values):
        column = read(*values)
        if other.exists():
            other.replace(path)
        return column

    monkeypatch.setattr(packed, "_read_column", replaced)
    monkeypatch.setattr(packed, "READERS", 1)
    with pytest.raises(AnalysisError, match="people.parquet changed while it was read"):
        survival.cox(path, "days", "died", ["age"])


def test_a_file_cut_short_while_it_is_read_is_refused(people, tmp_path, monkeypatch):
    # Where the file is a map of memory, the system ends the process here.
    path = tmp_path / "people.parquet"
    pd.concat([people] * 40).to_parquet(path, row_group_size=1_000, compression="none")
    add = packed._add

    def cut(*values):
        os.truncate(path, 4_096)
        add(*values)

    monkeypatch.setattr(packed, "_add", cut)
    monkeypatch.setattr(packed, "BATCH", 500)
    with pytest.raises(AnalysisError, match="people.parquet changed while it was read"):
        survival.cox(path, "days", "died", ["age"])


def test_a_file_that_nobody_may_read_is_refused_in_a_sentence(file, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "open", refused)
    with pytest.raises(AnalysisError, match="people.parquet cannot be opened: Permission denied."):
        survival.cox(file, "days", "died", ["age"])


def test_lists_in_a_column_are_refused_in_a_sentence(people, tmp_path):
    path = tmp_path / "people.parquet"
    people.assign(smoking=[[each] for each in people["smoking"]]).to_parquet(path)
    for asked_for in (
        lambda: survival.cox(path, "days", "died", ["age", "smoking"]),
        lambda: survival.hazard_ratio_along(path, "days", "died", "age", ["smoking"]),
    ):
        with pytest.raises(AnalysisError, match="Column 'smoking' holds lists or records"):
            asked_for()


def test_a_folder_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(AnalysisError, match="is a folder. Name a file in it"):
        survival.cox(tmp_path, "days", "died", ["age"])


def test_a_category_of_numbers_is_refused_in_a_sentence(people, tmp_path):
    # A table has a group each; of a file they would be numbers of one slope.
    path = tmp_path / "people.parquet"
    people.assign(quintile=people["quintile"].astype("category")).to_parquet(path)
    for asked_for in (
        lambda: survival.cox(path, "days", "died", ["age", "quintile"]),
        lambda: survival.hazard_ratio_along(path, "days", "died", "age", ["quintile"]),
    ):
        with pytest.raises(AnalysisError, match="'quintile' was a category of numbers"):
            asked_for()


@pytest.mark.parametrize("index", [["centre"], ["centre", "age"]])
def test_an_index_is_a_column(index, people, tmp_path):
    path = tmp_path / "people.parquet"
    people.set_index(index).to_parquet(path)
    more = asked("efron") | {"cluster": "centre"}
    same(survival.cox(path, **more), survival.cox(people, **more))
    along = ("days", "died", "age", ["male"])
    of_file = survival.hazard_ratio_along(path, *along)
    same(of_file, survival.hazard_ratio_along(people, *along))


@pytest.mark.parametrize("shape", [(7, 900_000, 3), (900_000, 7, 3), (2, 3, 4), (0, 3, 4)])
def test_a_product_in_pieces_is_the_product(shape):
    rows, inner, columns = shape
    random = np.random.default_rng(1)
    left, right = random.normal(size=(rows, inner)), random.normal(size=(inner, columns))
    found = shares.product(left, right)
    np.testing.assert_allclose(found, left @ right, rtol=1e-9, atol=1e-9)


# -- columns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2, 1],
        [-5, 200, -129, 0],
        [2**40, -3, 7, 2**40],
        [1.0, 5.0, 2.0, 5.0],
        [1.0, 2.0, 0.25, 1e30],
        [83.8, 73.9, 68.2, 83.8],
        [2.2955, 0.1, -1.5, 2.2955],
        [0.1 + 0.2, 0.3, 0.3, 0.1],
        [True, False, True, True],
        ["b", "a", "ü", "a"],
        pd.Categorical(["b", "a", "b", "a"], categories=["c", "b", "a"], ordered=True),
        pd.array([1, 2, 2, 70_000], dtype="Int64"),
        pd.array([0.5, 2.0, 2.0, 3.0], dtype="float32"),
        np.array([-128, 127, 0, 127], dtype=np.int8),
    ],
    ids=str,
)
def test_a_column_comes_back_from_its_codes(values, tmp_path):
    table = pd.DataFrame({"x": values})
    path = tmp_path / "x.parquet"
    table.to_parquet(path, row_group_size=1)
    known = pd.read_parquet(path)["x"]
    for found in (packed.read(path, ["x"]), packed.of_table(known.to_frame(), ["x"])):
        column = found.columns["x"].coded()
        again = column.different.iloc[column.codes].reset_index(drop=True)
        assert again.tolist() == known.tolist()
        if column.different.dtype != float:
            assert column.different.dtype == known.dtype or str(known.dtype) == "category"
        assert column.counts.tolist() == [int((known == v).sum()) for v in column.different]


def test_numbers_of_few_decimals_are_coded(tmp_path):
    # As a registry has them: the patterns of the model need codes.
    path = tmp_path / "x.parquet"
    pd.DataFrame({"x": [83.8, 73.9, 68.2, 83.8], "y": [np.pi, 1.0, 2.0, 3.0]}).to_parquet(path)
    columns = packed.read(path, ["x", "y"]).columns
    assert columns["x"].codes.tolist() == [2, 1, 0, 2]
    assert columns["y"].codes is None


def test_whole_numbers_beyond_those_with_a_sign_stay_apart(people, tmp_path):
    # As a floating-point number both would be 2^63.
    far = np.where(people["male"], 2**63 + 1, 2**63 + 2).astype(np.uint64)
    wide = people.assign(number=far)
    path = tmp_path / "wide.parquet"
    wide.to_parquet(path)
    of_table = survival.median_survival(wide, "days", "died", "number")
    assert len(of_table) == 2
    same(survival.median_survival(path, "days", "died", "number"), of_table)


def test_a_category_keeps_the_order_of_the_file(people, file):
    values = packed.read(file, ["region"]).columns["region"].different
    assert survival._levels(values) == ["south", "north", "east"]


def test_a_column_with_a_wide_value_late_in_the_file(tmp_path):
    # Later batches need more room, start lower, or have decimals: some, more, or too many.
    early = ([1, 2] * 3, [5] * 6, [83.8, 61.3, 0.1, -0.7, 5.0, 2.0], [200_000.5] * 6)
    late = ([-7, 3], [70_000, 1], [2**33, 1], [0.5, 1.0], [0.25, 83.8], [2.2955, -1.3852],
            [0.12345, 1.0], [np.pi, 0.1], [1e300, 1.5], [0.30000000000000004, 0.3])  # fmt: skip
    for first, last in itertools.product(early, late):
        table = pd.DataFrame({"x": np.array(first + last)})
        packer = packed._Numbers(len(table), table["x"].dtype.kind == "i")
        for low in range(0, len(table), 2):
            packer.add(table["x"].to_numpy()[low : low + 2])
        column = packer.column("x", pd.Series).coded()
        assert column.different.iloc[column.codes].tolist() == table["x"].tolist()


def test_sums_of_powers_are_those_of_the_terms():
    # Of two, where each of Bernoulli's numbers counts, and of as many as the sums are used for.
    for d, close in ((2, 1e-9), (30, 1e-13)):
        for m, coefficients in enumerate(kernels.FAULHABER):
            polynomial = sum(each * d ** (1.0 - i) for i, each in enumerate(coefficients))
            assert polynomial == pytest.approx(np.sum((np.arange(d) / d) ** m), rel=close), (d, m)


def test_tied_sums_are_those_of_the_rows(way):
    # The last three: many die of very many, as few and as large a share as a series is used for.
    # Before them one with a share that is too large for a series.
    deaths = np.array([1, 2, 40, 3, 40, 24, 24, 3_000])
    at_risk = np.array([5.0, 2.5, 90.0, 3.0, 400.0, 1_200.0, 1_199.0, 150_000.0])
    dying = np.array([0.5, 1.0, 30.0, 3.0, 60.0, 24.0, 24.0, 2_999.0])
    out = np.empty((6, len(deaths)))
    kernels.ties(deaths, at_risk, dying, True, out)
    for k, (d, a, b) in enumerate(zip(deaths, at_risk, dying, strict=True)):
        share = np.arange(d) / d
        total = a - share * b
        rows = [1 / total, share / total, total**-2.0, share / total**2, (share / total) ** 2]
        expected = [row.sum() for row in [*rows, np.log(total)]]
        np.testing.assert_allclose(out[:, k], expected, rtol=1e-13)
