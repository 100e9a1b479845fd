"""Words, groups and units of tables of people, case by case: faults that mutation put in."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from distance_to_care.disclosure import groups, units, words
from distance_to_care.disclosure.profiles import DEFAULT


@dataclasses.dataclass
class Column:
    type: str
    levels: tuple = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


@dataclasses.dataclass
class Stage:
    label: object


@dataclasses.dataclass
class Score:
    name: str
    stages: tuple = ()


@dataclasses.dataclass
class Derived:
    name: str


class Study:
    columns = {
        "person_id": Column("string"),
        "sex": Column("string", ("female", "male")),
        "smokes": Column("boolean"),
        "age_years": Column("number", minimum=18, maximum=100, unit="years"),
        "copies": Column("integer", minimum=0, maximum=3, unit="copies"),
        "visits": Column("integer", minimum=0, maximum=11, unit="visits"),
        "falls": Column("integer", minimum=0, unit="falls"),
        "grade": Column("integer", minimum=8, maximum=10),
        "weight": Column("number", minimum=1, maximum=3, unit="kg"),
    }
    scores = (Score("gap", (Stage("I"), Stage(2))),)
    derived = (Derived("total"),)
    disclosure = DEFAULT


KNOWN = groups.of_study(Study())


# --- Words ----------------------------------------------------------------------------------------


def of_ids(*ids: str) -> words.Analysed:
    return words.of_cohort(pd.DataFrame({"person_id": ids}), Study())


def refused(text: object, analysed: words.Analysed) -> bool:
    table = pd.DataFrame({"measure": ["mean", text], "people": 60})
    found = words.typed_words(table, analysed)
    assert found in ([], ["its column 'measure' holds a value from a person's record"])
    return bool(found)


@pytest.mark.parametrize(
    ("typed", "said", "found"),
    [
        ("AB", "ab", True),
        ("AB", " ab ", True),
        ("AB", "ab here", False),
        ("ABC", "abc here", True),
        ("A1", "here a1", True),
        ("12-34", "12-34", True),
        ("12-34", "1234", False),
        ("123-45", "of 12 345", True),
        ("1234", "1234", False),
        ("12345", "no. 12345", True),
        ("12345", "no. 123456", False),
        ("A-B-C-9", "abc 9", True),
        ("A-B-C-9", "abc9d", False),
        ("RX-1 RX-2", "(rx1-rx2)", True),
        ("-", "a - b", False),
        ("-", "-", True),
    ],
)
def test_a_value_of_a_record_is_found_whole(typed, said, found):
    assert refused(said, of_ids(typed)) == found


def test_the_longest_value_of_a_record_is_found_beside_a_short_one():
    analysed = of_ids("Q77", "Long-Name-Of-A-Place")
    assert analysed.run_together == {"q77", "longnameofaplace"}
    assert refused("at long name of a place", analysed)
    assert refused("q 77", analysed)
    assert not refused("long name of a", analysed)


def test_each_column_that_holds_a_value_is_named_once():
    table = pd.DataFrame({"people": [60, 70], "level": ["Q77", "q-77"], "group": ["Q77", None]})
    assert words.typed_words(table, of_ids("Q77")) == [
        f"its column '{column}' holds a value from a person's record"
        for column in ("level", "group")
    ]
    assert words.typed_words(table[["people"]], of_ids("60000")) == []
    assert words.typed_words(table, words.Analysed()) == []


def test_what_is_known_of_people_and_study_is_gathered():
    people = pd.DataFrame(
        {"person_id": ["Q77"], "sex": ["female"], "age_years": [61.0], "typed": ["a remark"],
         "seen": pd.to_datetime(["2020-01-01"]), "number": [12345.0]}
    )  # fmt: skip
    found = words.of_cohort(people, Study())
    assert found.typed == {"q77", "a remark"}
    assert (found.people, found.profile, found.known) == (1, DEFAULT, KNOWN)


# --- Groups ---------------------------------------------------------------------------------------


def test_a_study_says_what_people_may_be_counted_by():
    assert {name: set(levels) for name, levels in KNOWN.levels.items()} == {
        "distance_quintile": set("12345"),
        "died": {"true", "false"},
        "treated_at_start": {"true", "false"},
        "person_id": set(),
        "sex": {"female", "male"},
        "smokes": {"true", "false"},
        "age_years": set("12345"),
        "copies": set("0123"),
        "visits": set("12345"),
        "falls": set("12345"),
        "grade": {"8", "9", "10"},
        "weight": set("12345"),
        "gap": set("12345"),
        "gap_stage": {"I", "2"},
        "total": set("12345"),
    }
    assert dict(KNOWN.measured) == {
        "distance_quintile": "", "age_years": "years", "copies": "copies", "visits": "visits",
        "falls": "falls", "grade": "", "weight": "kg", "gap": "points", "total": "points",
    }  # fmt: skip


def test_a_study_without_scores_has_its_columns():
    class Bare:
        type, levels = "number", ()

    class Plain:
        columns = {"sex": Column("string", ("female", "male")), "weight": Bare()}

    found = groups.of_study(Plain())
    assert set(found.levels) == {"distance_quintile", "died", "treated_at_start", "sex", "weight"}
    assert dict(found.measured) == {"distance_quintile": "", "weight": ""}


def test_two_columns_make_pairs_of_their_groups():
    assert KNOWN.of("sex, smokes") == {
        "female, true", "female, false", "male, true", "male, false",
    }  # fmt: skip
    assert KNOWN.of("sex, nothing") == KNOWN.of("nothing") == frozenset()
    assert KNOWN.names("sex") and KNOWN.names("sex, smokes")
    assert not KNOWN.names("sex, nothing") and not KNOWN.names("")


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, ""), (np.nan, ""), (pd.NA, ""), ("", ""), ("a", "a"), (1.0, "1"), (1.5, "1.5"),
     (3, "3"), (True, "True"), ("nan", "nan")],
)  # fmt: skip
def test_what_a_cell_names(value, said):
    assert groups.text(value) == said


def counted_by(column: str) -> str:
    return f"its column '{column}' counts people by what is no column of the study file"


def no_level(column: str) -> str:
    return (
        f"its column '{column}' holds a group that is no level of a column of the study file: "
        "everybody is 'all', and groups are not put together"
    )


@pytest.mark.parametrize(
    ("row", "shape", "found"),
    [
        ({"group_by": "sex", "group": "female"}, "counts", []),
        ({"group_by": "sex", "group": "all"}, "counts", []),
        ({"group_by": "sex", "group": None}, "counts", []),
        ({"group_by": "all", "group": "female"}, "counts", [no_level("group")]),
        ({"group_by": None, "group": "female"}, "counts", [no_level("group")]),
        ({"group_by": "method", "group": "attended"}, "counts", []),
        ({"variable": "method"}, "counts", [counted_by("variable")]),
        ({"variable": "any"}, "counts", []),
        ({"variable": "people"}, "counts", []),
        ({"group_by": "people"}, "counts", [counted_by("group_by")]),
        ({"exposure": "any"}, "counts", [counted_by("exposure")]),
        ({"exposure": "sex"}, "counts", []),
        ({"group_by": "sex, smokes", "group": "male, true"}, "counts", []),
        ({"group_by": "sex, smokes", "group": "male"}, "counts", [no_level("group")]),
        ({"group_by": "sex", "group": "attended"}, "counts", [no_level("group")]),
        ({"group_by": "sex", "group": "1"}, "counts", [no_level("group")]),
        ({"group_by": "smokes", "group": True}, "counts", []),
        ({"group_by": "smokes", "group": "FALSE"}, "counts", []),
        ({"group_by": "sex", "group": "FEMALE"}, "counts", []),
        ({"group_by": "copies", "group": 3.0}, "counts", []),
        ({"group_by": "copies", "group": 4}, "counts", [no_level("group")]),
        ({"group_by": "age_years", "group": "old"}, "counts", [no_level("group")]),
        ({"group": "1"}, "counts", [no_level("group")]),
        ({"group": "6"}, "counts", [no_level("group")]),
        ({"group": "male"}, "counts", [no_level("group")]),
        ({"term": "sex", "group": "male"}, "model", []),
        ({"group": "old"}, "counts", [no_level("group")]),
        ({"group": "everybody"}, "counts", [no_level("group")]),
        ({"group": "everybody"}, "model", []),
        ({"group": "attended"}, "counts", []),
        ({"variable": "sex", "level": "male"}, "counts", []),
        ({"variable": "sex", "level": "true"}, "counts", [no_level("level")]),
        ({"exposure": "smokes", "level": "true"}, "counts", []),
        ({"term": "smokes", "level": "male"}, "model", [no_level("level")]),
        ({"term": "smokes", "reference": "false"}, "model", []),
        ({"term": "smokes", "reference": "male"}, "model", [no_level("reference")]),
        ({"term": "something", "level": "male"}, "model", [no_level("level")]),
        ({"group_by": "sex", "level": "true"}, "counts", [no_level("level")]),
        ({"group_by": "sex", "reference": "true"}, "counts", [no_level("reference")]),
        ({"group_by": "sex", "reference": "male"}, "counts", []),
        ({"term": "smokes", "group": "male"}, "model", [no_level("group")]),
        ({"term": "smokes", "group": "true"}, "model", []),
        ({"group_by": "sex", "term": "smokes", "group": "true"}, "model", [no_level("group")]),
        ({"group_by": "age_years", "group": "5"}, "counts", []),
        ({"group_by": "age_years", "group": "6"}, "counts", [no_level("group")]),
        ({"group_by": "sex", "level": "yes"}, "counts", []),
        # Along a value the reference is one of its steps, chosen beforehand.
        ({"term": "age_years", "value": 60.0, "reference": 65}, "model", []),
        ({"term": "age_years", "value": 60.0, "level": 65}, "model", [no_level("level")]),
        ({"term": "age_years", "reference": 65}, "model", [no_level("reference")]),
        (
            {"group_by": "old", "group": "old"}, "counts",
            [counted_by("group_by"), no_level("group")],
        ),
        ({}, "counts", []),
    ],
)  # fmt: skip
def test_a_group_is_one_of_what_its_row_names(row, shape, found):
    table = pd.DataFrame([{"people": 60, **row}, {"people": 60}]).astype(object)
    assert groups.faults(table, KNOWN, shape) == found


def test_a_number_that_no_column_explains_may_be_groups_put_together():
    nothing = groups.Known({}, {})
    for said in ("0", "1", "10", "11"):
        found = groups.faults(pd.DataFrame({"group": [said]}), nothing, "counts")
        assert found == [no_level("group")]


# --- Units ----------------------------------------------------------------------------------------

SPELT = "its column 'unit' names a share otherwise than 'per cent' or 'probability'"
PEOPLE = "it has a number of people as an estimate: counts have columns of their own"
OTHER_TIME = "it has a time at which follow-up ends in another unit than 'years'"
NOT_SAID = "it has a time at which follow-up ends, and does not say how many died"
ALONE = "it has an interval or a test without its estimate"
BESIDE = "it has the result of a test beside what is no test"
UNSAID = "it has estimates and does not say in which unit"
OF_HOW_MANY = "it has a share, and does not say of how many people"
A_SHARE = (
    "it tells a column of yes and no, or of levels, in the unit of a number: a mean of such a "
    "column is a share, in 'per cent'"
)
NOT_ITS_OWN = (
    "its column 'unit' is not that of a share, of a test, of a time at which follow-up ends, or of "
    "the column of the study that 'variable' names"
)


def told(**row) -> pd.DataFrame:
    return pd.DataFrame([{"people": 60, "estimate": 3.0, **row}])


@pytest.mark.parametrize(
    ("unit", "shape", "found"),
    [
        ("per cent", "counts", []),
        ("per cent of predicted", "counts", []),
        ("probability", "counts", []),
        ("points", "counts", []),
        (None, "counts", []),
        ("percentage points", "counts", []),
        ("rate ratio", "counts", []),
        ("proportion", "model", []),
        ("proportion", "counts", [SPELT]),
        ("%", "counts", [SPELT]),
        ("%", "model", [SPELT]),
        ("Per Cent", "counts", [SPELT]),
        ("per cent ", "counts", [SPELT]),
        ("per hundred", "counts", [SPELT]),
        ("of 100", "counts", [SPELT]),
        ("risk", "counts", [SPELT]),
        ("people", "counts", [PEOPLE]),
        (" Deaths", "counts", [SPELT, PEOPLE]),
        ("points per people", "counts", []),
    ],
)
def test_a_share_and_a_count_are_named_as_the_rules_name_them(unit, shape, found):
    assert units.faults(told(unit=unit), shape) == found
    nothing = told(unit=unit).assign(estimate=np.nan)
    assert units.faults(nothing, shape, KNOWN) == []


@pytest.mark.parametrize(
    ("row", "shape", "found"),
    [
        ({"unit": "years", "deaths": 20}, "counts", []),
        ({"unit": "years", "deaths": None}, "counts", [NOT_SAID]),
        ({"unit": "years"}, "counts", [NOT_SAID]),
        ({"unit": "years"}, "model", []),
        ({"unit": "years", "suppressed": True}, "counts", [NOT_SAID]),
        ({"unit": "years", "variable": "age_years"}, "counts", []),
        ({"unit": "years", "variable": "follow_up_years"}, "counts", [NOT_SAID]),
        ({"unit": "months", "deaths": 20}, "counts", [OTHER_TIME]),
        ({"unit": "months", "deaths": 20, "variable": "wait"}, "counts", []),
        ({"unit": "points", "estimate": None, "ci_low": 1.0}, "counts", [ALONE]),
        ({"unit": "points", "estimate": None, "ci_low": 1.0}, "model", []),
        ({"unit": "points", "estimate": None, "hazard_ratio": 1.0}, "counts", []),
        ({"unit": "years", "estimate": None, "ci_low": 1.0, "deaths": 20}, "counts", []),
        ({"unit": "chi-squared", "estimate": None, "p_value": 0.2}, "counts", [ALONE]),
        ({"unit": "chi-squared", "p_value": 0.2}, "counts", []),
        ({"unit": "correlation", "statistic": 2.0}, "counts", []),
        ({"unit": "points", "p_value": 0.2}, "counts", [BESIDE]),
        ({"unit": "points", "statistic": 2.0}, "counts", [BESIDE]),
        ({"unit": "points", "statistic": None}, "counts", []),
        ({"unit": "points", "statistic": 2.0}, "model", []),
    ],
)
def test_a_time_is_in_years_and_says_how_many_died(row, shape, found):
    assert units.faults(told(**row), shape) == found


@pytest.mark.parametrize(
    ("row", "shape", "found"),
    [
        ({}, "counts", [UNSAID]),
        ({}, "curve", [UNSAID]),
        ({}, "model", []),
        ({"unit": "per cent"}, "counts", []),
        ({"unit": "probability"}, "counts", []),
        ({"unit": "per cent", "people": None}, "counts", [OF_HOW_MANY]),
        ({"unit": "per cent", "people": None}, "model", []),
        ({"unit": "per cent", "people": None, "suppressed": True}, "counts", [OF_HOW_MANY]),
        ({"unit": "kg", "variable": "weight", "people": None}, "counts", []),
        ({"unit": "kg", "variable": "weight"}, "counts", []),
        ({"unit": "kg", "variable": "age_years"}, "counts", [NOT_ITS_OWN]),
        ({"unit": "kg", "variable": "age_years"}, "model", []),
        ({"unit": "kg", "variable": "sex"}, "counts", [A_SHARE, NOT_ITS_OWN]),
        ({"unit": "kg", "variable": "sex"}, "model", [A_SHARE]),
        ({"unit": "weeks", "variable": "died"}, "model", [A_SHARE]),
        ({"unit": "per cent", "variable": "sex"}, "counts", []),
        ({"unit": "points", "variable": "gap"}, "counts", []),
        ({"unit": "kg"}, "counts", [NOT_ITS_OWN]),
        ({"unit": "", "variable": "grade"}, "counts", []),
        ({"unit": None}, "counts", [NOT_ITS_OWN]),
        ({"unit": "proportion"}, "counts", [SPELT, NOT_ITS_OWN]),
        ({"unit": "chi-squared"}, "counts", []),
        ({"unit": "correlation"}, "counts", []),
        ({"unit": "percentage points"}, "curve", []),
        ({"unit": "percentage points"}, "counts", [NOT_ITS_OWN]),
        ({"unit": "years", "deaths": 20}, "counts", []),
        ({"unit": "years", "deaths": 20, "variable": "follow_up_years"}, "counts", []),
        ({"unit": "years", "deaths": 20, "variable": "weight"}, "counts", [NOT_ITS_OWN]),
    ],
)
def test_a_unit_is_that_of_the_column_that_its_row_names(row, shape, found):
    assert units.faults(told(**row), shape, KNOWN) == found


def test_a_share_in_a_table_without_people_says_of_nobody():
    bare = told(unit="per cent").drop(columns="people")
    assert units.faults(bare, "counts", KNOWN) == [OF_HOW_MANY]
    assert units.faults(bare, "counts") == []
    # One row that does not say it is enough.
    both = pd.concat([told(unit="per cent"), told(unit="per cent", people=None)])
    assert units.faults(both.reset_index(drop=True), "counts", KNOWN) == [OF_HOW_MANY]
