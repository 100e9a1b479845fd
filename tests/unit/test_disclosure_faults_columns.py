"""What each column of a table of people may hold, rule by rule: faults that mutation put in."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care.disclosure import columns, groups


def table(**values) -> pd.DataFrame:
    return pd.DataFrame({"measure": ["mean", "median"], "people": [60, 70], **values})


def unjudged(column: str) -> list[str]:
    return [
        f"its column '{column}' holds what no rule for tables of people judges: counts go into "
        "columns of counts, numbers worked out into columns of estimates, and text names things "
        "without numbers of people"
    ]


@pytest.mark.parametrize(
    ("column", "values", "beside", "shape", "fit"),
    [
        # Where a curve along a value is read off: whole steps, of a model only.
        ("value", [45, 50], {}, "model", True),
        ("value", [45, 51], {}, "model", False),
        ("value", [45, 50], {}, "counts", False),
        # A horizon outside curves is a whole quarter of a year.
        ("time_years", [0.25, 5.0], {}, "counts", True),
        ("time_years", [0.25, 5.1], {}, "counts", False),
        ("time_years", [0.3, 5.1], {}, "curve", True),
        # Degrees of freedom stand beside a test, and are few.
        ("degrees_of_freedom", [1, 50], {"statistic": 3.2}, "counts", True),
        ("degrees_of_freedom", [1, 3], {"p_value": 0.2}, "counts", True),
        ("degrees_of_freedom", [1, 3], {}, "counts", False),
        ("degrees_of_freedom", [0, 3], {"p_value": 0.2}, "counts", False),
        ("degrees_of_freedom", [2, 51], {"p_value": 0.2}, "counts", False),
        ("degrees_of_freedom", [1.5, 3], {"p_value": 0.2}, "counts", False),
        # The largest error is that of a curve.
        ("largest_error", [0.005, 0.01], {}, "curve", True),
        ("largest_error", [0.005, 0.01], {}, "model", False),
        ("largest_error", [0.0, 1.0], {}, "curve", True),
        ("largest_error", [0.005, 0.012], {}, "curve", False),
        ("largest_error", [0.005, 1.005], {}, "curve", False),
        ("largest_error", [0.005, -0.005], {}, "curve", False),
        ("anything", [np.nan, np.nan], {}, "counts", True),
        ("anything", [1, np.nan], {}, "counts", False),
        ("anything", ["", " "], {}, "counts", True),
        ("anything", ["", "x"], {}, "counts", False),
        # Counts and estimates are numbers, or nothing.
        ("deaths", [12, None], {}, "counts", True),
        ("deaths", [None, None], {}, "counts", True),
        ("deaths", ["12", "13"], {}, "counts", False),
        ("deaths", [True, False], {}, "counts", False),
        ("suppressed", [True, False], {}, "counts", True),
    ],
)
def test_a_column_is_judged_by_what_it_is_for(column, values, beside, shape, fit):
    found = columns.faults(table(**beside, **{column: values}), shape)
    assert found == ([] if fit else unjudged(column))


@pytest.mark.parametrize(
    ("column", "values", "beside", "fit"),
    [
        ("group", ["0", "10"], {}, True),
        ("group", [0, 10], {}, True),
        ("group", [0.0, None], {}, True),
        ("group", ["0", "11"], {}, False),
        ("group", ["-1", "2"], {}, False),
        ("group", ["1.5", "2"], {}, False),
        ("group", [" 11 ", "all"], {}, False),
        ("group", ["all", "aged 70 to 79"], {}, True),
        ("group", ["all", "aged 70.5"], {}, False),
        ("level", ["all", "on day 417"], {}, False),
        ("level", ["all", "since 1998"], {}, True),
        ("level", ["all", "since 2104"], {}, False),
        # What a curve along a value is compared with is one of its steps.
        ("reference", ["65", "65"], {"value": [60, 70]}, True),
        ("reference", ["3", "65"], {"value": [60, 70]}, True),
        ("reference", ["66", "65"], {"value": [60, 70]}, False),
        ("reference", ["65", "65"], {}, False),
        ("group", ["65", "65"], {"value": [60, 70]}, False),
        ("level", ["65", "65"], {"value": [60, 70]}, False),
    ],
)
def test_a_group_is_a_small_whole_number_or_words_without_one(column, values, beside, fit):
    found = columns.faults(table(**beside, **{column: values}), "model")
    assert found == ([] if fit else unjudged(column))


@pytest.mark.parametrize(
    ("column", "said", "fit"),
    [
        ("note", "Withheld", True),
        ("note", "Of 3", False),
        ("method", "spline of 3 knots", True),
        ("method", "3", False),
        ("method", " 3.5e2 ", False),
        ("method", "since 1998", True),
        ("method", "of 417 in all", False),
        ("method", "1,5", False),
        ("scenario", "12 patients", False),
        ("scenario", "12 clinics", True),
        ("scenario", "three men", False),
        ("scenario", "no deaths", False),
        ("scenario", "nobody", False),
        ("scenario", "everyone deaths", True),
        ("scenario", "on 12/3", False),
        ("remark", "Withheld", False),
    ],
)
def test_text_names_things_in_columns_of_text_and_counts_nobody(column, said, fit):
    found = columns.faults(table(**{column: ["x" if column in columns.TEXT else "", said]}), "c")
    assert found == ([] if fit else unjudged(column))


@pytest.mark.parametrize("column", columns.NAMES_OF_ESTIMATES)
@pytest.mark.parametrize(
    ("said", "fit"),
    [("median age", True), ("Longest_follow_up", False), ("max", False), ("age range", False),
     ("interquartile range", True), ("maximal effort", False), ("climax", True)],
)  # fmt: skip
def test_a_smallest_or_largest_value_is_somebodys_own(column, said, fit):
    refusal = f"its column '{column}' names a smallest or largest value, which is somebody's own"
    found = columns.extremes(table().assign(**{column: ["mean", said]}))
    assert found == ([] if fit else [refusal])
    assert columns.extremes(pd.DataFrame({column: [None, None]})) == []


def test_units_and_groups_are_those_of_the_study_but_in_a_contribution():
    share = ["its column 'unit' names a share otherwise than 'per cent' or 'probability'"]
    of_a_share = table(estimate=[0.3, 0.4], unit="proportion")
    assert columns.faults(of_a_share, "counts") == share
    assert columns.faults(of_a_share, "model") == []
    assert columns.faults(of_a_share, "contribution") == []
    nothing = groups.Known({}, {})
    assert columns.faults(table(estimate=[3.0, 4.0]), "counts") == []
    assert columns.faults(table(estimate=[3.0, 4.0]), "counts", nothing) == [
        "it has estimates and does not say in which unit"
    ]
    total = table(group="everybody")
    assert columns.faults(total, "counts") == columns.faults(total, "model", nothing) == []
    assert len(columns.faults(total, "counts", nothing)) == 1
    assert columns.faults(total, "contribution", nothing) == []


def test_no_two_rows_are_about_the_same():
    said = ["it has several rows about the same, which could be one a person"]
    alike = table().assign(measure="mean")
    assert columns.faults(alike, "counts") == said
    assert columns.faults(alike.assign(note=["a", "b"]), "counts") == said
    assert columns.faults(alike.iloc[:1], "counts") == []
    for column, values in (("level", ["a", "b"]), ("time_years", [1, 2]), ("value", [60, 65])):
        assert columns.faults(alike.assign(**{column: values}), "model") == []
    nameless = alike[["people"]]
    assert columns.faults(nameless, "counts") == said
    assert columns.faults(nameless.iloc[:1], "counts") == []


# --- Contributions: the sums of one model, and no more --------------------------------------------

CUTS = [("cut", f"distance_quintile[{place}]", "", 10.0 * place) for place in range(1, 5)]
ROUND = [("round", "all", "", 2.0)]
ANOTHER_QUESTION = ["its round or its cuts are not those of one question"]
OTHER_SUMS = ["it holds rows or columns that are not the sums of one model"]
NO_MATRIX = ["its matrix of information is not that of a model"]


def sums(*besides, information=(4.0, 1.0, 4.0)) -> pd.DataFrame:
    rows = [
        ("coefficient", "age", "", 0.1),
        ("coefficient", "sex", "", 0.2),
        ("score", "age", "", -0.3),
        ("score", "sex", "", 0.4),
        ("information", "age", "age", information[0]),
        ("information", "age", "sex", information[1]),
        ("information", "sex", "sex", information[2]),
        *besides,
    ]
    return pd.DataFrame(rows, columns=["measure", "term", "with_term", "estimate"])


@pytest.mark.parametrize("besides", [[], ROUND, [*ROUND, *CUTS], [*CUTS[::-1], *ROUND]])
def test_the_sums_of_a_model_its_round_and_its_cuts_may_leave(besides):
    assert columns.contribution(sums(*besides)) == []
    assert columns.contribution(sums(*besides).assign(people=100, kind="registry")) == []
    assert columns.contribution(sums(*besides).replace({"with_term": {"": None}})) == []


def test_a_pair_of_terms_stands_in_either_order():
    turned = sums().replace({"term": {"age": "sex", "sex": "age"}})
    turned["with_term"] = turned["with_term"].replace({"age": "sex", "sex": "age"})
    assert columns.contribution(turned) == []
    other = sums()
    other.loc[5, ["term", "with_term"]] = ["sex", "age"]
    assert columns.contribution(other) == []


@pytest.mark.parametrize("column", ["measure", "term", "with_term", "estimate"])
def test_a_contribution_says_which_sum_each_row_is(column):
    said = ["it does not say which sum of a model each row is"]
    assert columns.contribution(sums().drop(columns=column)) == said


@pytest.mark.parametrize(
    "besides",
    [
        CUTS,
        [*ROUND, *CUTS[:3]],
        [*ROUND, *CUTS, ("cut", "distance_quintile[5]", "", 50.0)],
        [*ROUND, *CUTS[1:], ("cut", "distance_quintile[0]", "", 50.0)],
        [("round", "age", "", 2.0)],
        [("round", "all", "age", 2.0)],
        [("round", "all", "", 2.5)],
        [("round", "all", "", 0.0)],
        [("round", "all", "", -1.0)],
        [("round", "all", "", np.nan)],
        [*ROUND, *CUTS[:3], ("cut", "distance_quintile[4]", "", 40.25)],
    ],
)
def test_a_round_and_its_cuts_are_whole_and_of_one_question(besides):
    assert columns.contribution(sums(*besides)) == ANOTHER_QUESTION


def test_the_first_round_is_a_round():
    assert columns.contribution(sums(("round", "all", "", 1.0))) == []


@pytest.mark.parametrize(
    "changed",
    [
        sums().assign(statistic=1.0),
        sums().assign(ci_low=1.0),
        sums().iloc[1:],
        sums().drop(index=3),
        sums().drop(index=5),
        sums(*ROUND, *ROUND),
        sums(("score", "sex", "", 0.4)),
        sums(("information", "sex", "age", 1.0)),
        sums(("follow-up", "all", "", 1.0)),
        # With ten digits it tells when a few people left.
        sums(("log partial likelihood", "all", "", -7.0)),
    ],
)
def test_what_is_no_sum_of_the_model_stays(changed):
    assert columns.contribution(changed) == OTHER_SUMS


@pytest.mark.parametrize(
    ("information", "fit"),
    [
        ((4.0, 1.0, 4.0), True),
        ((1.0, 0.5, 1.0), True),
        ((4.0, 4.0, 4.0), False),
        ((4.0, 4.1, 4.0), False),
        ((4.0, np.nan, 4.0), False),
        ((np.inf, 1.0, 4.0), False),
        ((-4.0, 0.0, -4.0), False),
    ],
)
def test_the_information_is_that_of_a_model(information, fit):
    assert columns.contribution(sums(information=information)) == ([] if fit else NO_MATRIX)
