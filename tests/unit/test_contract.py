"""The data contract: each rule rejects a bad row, all at once, and no message holds a value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_people import people, raw

from distance_to_care import contract, tables
from distance_to_care.problems import Problem
from distance_to_care.study import Column

IPF = tables.read_study("ipf")
FIELDS = tuple(IPF.columns.values())


def faults(frame, fields=FIELDS, **keywords):
    return contract.faults(frame, fields, **keywords)


def rules(frame, fields=FIELDS, **keywords):
    return [(fault.column, fault.rule, fault.rows) for fault in faults(frame, fields, **keywords)]


def changed(column, *values):
    """The ten people with the first cells of one column replaced."""
    frame = raw()
    for row, value in enumerate(values):
        frame.loc[row, column] = value
    return frame


# ------------------------------------------------------------------------------- what is accepted


def test_the_ten_people_keep_the_contract():
    assert faults(raw()) == []
    assert faults(raw().infer_objects()) == []
    assert faults(people(IPF)) == []


def test_text_and_typed_cells_give_the_same_table():
    typed = people(IPF)
    text = raw().map(lambda cell: "" if cell is None else f" {cell}\t")
    again, found = contract.examine(text, FIELDS)
    assert found == []
    pd.testing.assert_frame_equal(again, typed, check_flags=False)


def test_types_of_the_checked_table():
    typed = people(IPF)
    assert list(typed.columns) == list(IPF.columns)
    assert typed["deprivation_quintile"].dtype == "Int64"
    assert typed["follow_up_years"].dtype == "float64"
    assert typed["oxygen"].dtype == bool
    assert typed["sex"].dtype == object
    complete, _ = contract.examine(raw().assign(deprivation_quintile=2), FIELDS)
    assert complete["deprivation_quintile"].dtype == "int64"
    absent, _ = contract.examine(raw().drop(columns=["travel_minutes", "region"]), FIELDS)
    assert absent["travel_minutes"].dtype == "float64"
    assert absent["travel_minutes"].isna().all()
    assert absent["region"].isna().all()


def test_the_index_of_the_table_is_kept():
    frame = raw().set_index(pd.Index(range(100, 110)))
    typed, _ = contract.examine(frame, FIELDS)
    assert typed.index.tolist() == list(range(100, 110))
    assert typed["person_id"].tolist() == frame["person_id"].tolist()


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("deprivation_quintile", "1.0", 1),
        ("deprivation_quintile", 4.0, 4),
        ("fvc_percent", "+7.85e1", 78.5),
        ("fvc_percent", " 78 ", 78.0),
        ("fvc_percent", ".5e2", 50.0),
        ("fvc_percent", "78.", 78.0),
        ("oxygen", "TRUE", True),
        ("oxygen", "True", True),
        ("oxygen", "1", True),
        ("oxygen", "0.0", False),
        ("oxygen", 0, False),
        ("person_id", 12345, "12345"),
        ("centre", 7.0, "7.0"),
        ("symptom_months", "   ", None),
        ("symptom_months", "\u00a0", None),
        ("symptom_months", float("nan"), None),
        ("area_code", "W01001234", "W01001234"),
    ],
)
def test_spellings_that_are_accepted(column, cell, expected):
    typed, found = contract.examine(changed(column, cell), FIELDS)
    assert found == []
    got = typed.loc[0, column]
    assert pd.isna(got) if expected is None else got == expected


def test_whole_numbers_from_a_file_of_numbers_are_codes_without_decimals():
    typed, found = contract.examine(raw().assign(person_id=np.arange(10.0)), FIELDS)
    assert found == []
    assert typed["person_id"].tolist() == [str(each) for each in range(10)]


# ---------------------------------------------------------------------------- one rule, one fault


@pytest.mark.parametrize(
    ("column", "cells", "rule", "rows"),
    [
        ("person_id", ("invented_02",), "values that are in more than one row", 2),
        ("person_id", (None,), "missing values", 1),
        ("person_id", ("  ", ""), "missing values", 2),
        ("follow_up_years", (None,), "missing values", 1),
        ("follow_up_years", (61,), "above the maximum of 60 years", 1),
        ("follow_up_years", ("two", "x"), "text where a number is expected", 2),
        ("follow_up_years", ("inf",), "infinite values", 1),
        ("follow_up_years", ("-Infinity", "1e999"), "infinite values", 2),
        ("follow_up_years", (np.inf,), "infinite values", 1),
        ("follow_up_years", ("nan",), "text where a number is expected", 1),
        ("follow_up_years", (True,), "text where a number is expected", 1),
        ("age_years", (-0.1,), "below the minimum of 0 years", 1),
        ("age_years", (110.1, 111), "above the maximum of 110 years", 2),
        ("outcome", ("dead",), "unknown category", 1),
        ("outcome", ("Died",), "unknown category", 1),
        ("sex", ("f", "m", "F"), "unknown category", 3),
        ("deprivation_quintile", (0,), "below the minimum of 1", 1),
        ("deprivation_quintile", (6,), "above the maximum of 5", 1),
        ("deprivation_quintile", ("2.5",), "not a whole number", 1),
        ("deprivation_quintile", (None,), "missing where 'area_code' is missing too", 1),
        ("distance_km", (None, None), "missing where 'area_code' is missing too", 2),
        ("distance_km", (1000.5,), "above the maximum of 1,000 km", 1),
        ("travel_minutes", (601,), "above the maximum of 600 minutes", 1),
        ("area_code", ("S01000001", "E0100001"), "codes that are not of the right form", 2),
        ("record_kind", (None,), "not the same in every row", 1),
        ("smoking", ("vapes",), "unknown category", 1),
        ("fvc_percent", (14.9,), "below the minimum of 15 per cent of predicted", 1),
        ("fvc_percent", (200.1,), "above the maximum of 200 per cent of predicted", 1),
        ("dlco_percent", (4,), "below the minimum of 5 per cent of predicted", 1),
        ("dlco_unable", (None,), "missing values", 1),
        ("oxygen", ("yes", "2"), "neither true nor false", 2),
        ("antifibrotic_start_years", (-1,), "below the minimum of 0 years", 1),
        ("antifibrotic_start_years", (0.1,), "above 'follow_up_years' of the same row", 1),
        ("symptom_months", (600.5,), "above the maximum of 600 months", 1),
        ("referral_wait_days", (2001,), "above the maximum of 2,000 days", 1),
    ],
)
def test_each_rule_gives_one_fault_with_its_rows(column, cells, rule, rows):
    frame = changed(column, *cells)
    assert rules(frame) == [(column, rule, rows)]


def test_follow_up_has_to_be_above_nought():
    frame = changed("follow_up_years", 0)  # the first person was never treated
    assert rules(frame) == [("follow_up_years", "not above 0 years", 1)]
    assert "half a day: 0.00137 years" in str(faults(frame)[0])


def test_a_person_who_could_not_do_the_test_has_no_result():
    frame = changed("dlco_unable", True, True)
    assert rules(frame) == [("dlco_percent", "given although 'dlco_unable' is true", 2)]


def test_an_area_stands_in_for_deprivation_and_distance():
    given_area = raw().assign(area_code="E01000001", deprivation_quintile=None, distance_km=None)
    assert faults(given_area) == []
    assert faults(given_area.drop(columns=["deprivation_quintile", "distance_km"])) == []
    without = raw().drop(columns=["deprivation_quintile", "distance_km", "area_code"])
    assert rules(without) == [
        ("deprivation_quintile", "the column is missing", None),
        ("distance_km", "the column is missing", None),
    ]
    assert "or add 'area_code' or 'postcode' to work it out from" in str(faults(without)[0])
    # The column is absent and the area is known for one person of ten only.
    assert rules(raw().drop(columns=["distance_km"])) == []
    partly = raw().assign(distance_km=None)
    assert rules(partly) == [("distance_km", "missing where 'area_code' is missing too", 9)]


def test_synthetic_and_other_people_are_not_mixed():
    assert faults(raw().drop(columns=["record_kind"])) == []
    assert faults(raw().assign(record_kind="")) == []
    mixed = rules(changed("record_kind", "registry", "registry"))
    assert mixed == [
        ("record_kind", "not the same in every row", 2),
        ("record_kind", "unknown category", 2),
    ]


def test_values_of_other_types_are_counted():
    dates = raw().assign(age_years=pd.Timestamp("1950-05-05"))
    assert rules(dates) == [("age_years", "values of another type", 10)]
    assert rules(raw().assign(age_years=True)) == [
        ("age_years", "true or false where a number is expected", 10)
    ]


def test_huge_whole_numbers_are_refused_without_an_error_that_quotes_them():
    fields = (Column("count", "integer"), Column("size", "number"))
    frame = pd.DataFrame({"count": np.array([2**63 + 7, 1], "uint64"), "size": [2**60 + 1, 2]})
    assert rules(frame, fields) == [("count", "too large to be exact", 1)]


def test_empty_rows_are_one_fault_of_the_file():
    frame = pd.concat([raw(), pd.DataFrame([{}, {}])], ignore_index=True)
    assert rules(frame) == [("", "rows without any value", 2)]


# ------------------------------------------------------------------------------------ column names


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("follow_up_years", "followup_years"),
        ("follow_up_years", "Follow up (years)"),
        ("age_years", "age"),
        ("person_id", "PERSON_ID"),
        ("centre", "center"),
        ("referral_wait_days", "refferal_wait_days"),
        ("record_kind", "record_kinds"),
    ],
)
def test_a_misspelt_column_gets_the_near_name(column, written):
    found = faults(raw().rename(columns={column: written}))
    assert [(fault.column, fault.rule) for fault in found] == [(column, "the column is missing")]
    assert f"Is it the column '{written}'? Then rename that one to '{column}'" in str(found[0])


def test_required_columns_are_missed_and_unknown_ones_passed_over():
    frame = raw().drop(columns=["oxygen", "centre", "region", "travel_minutes"])
    frame["surname"] = "x"
    assert rules(frame) == [("oxygen", "the column is missing", None)]
    assert rules(frame, strict=True)[-1] == ("surname", "the column is not in the schema", None)
    assert "surname" not in str(faults(frame))


def test_a_column_that_is_there_twice():
    frame = pd.concat([raw(), raw()[["sex"]]], axis=1)
    assert rules(frame) == [("sex", "the column is there more than once", None)]


# ----------------------------------------------------------------------------------- how to mend it


@pytest.mark.parametrize(
    ("column", "change", "hint"),
    [
        ("fvc_percent", lambda cell: cell / 100, "Looks like fractions: multiply by 100."),
        ("dlco_percent", lambda cell: cell / 100, "Looks like fractions: multiply by 100."),
        ("age_years", lambda cell: cell * 365.25, "Looks like days: divide by 365.25."),
        ("age_years", lambda cell: 111 + cell * 10, "days (divide by 365.25) or months (divide"),
        ("distance_km", lambda cell: 2000 + cell * 1000, "Looks like metres: divide by 1,000."),
        ("travel_minutes", lambda cell: 700 + cell * 60, "Looks like seconds: divide by 60."),
        ("symptom_months", lambda cell: 700 + cell * 30, "Looks like days: divide by 30.44."),
        ("follow_up_years", lambda cell: cell * 365.25 + 61, "Looks like days: divide by 365.25."),
        ("fvc_percent", lambda cell: cell * 1000, ""),
    ],
)
def test_likely_mistakes_of_unit_are_named(column, change, hint):
    frame = raw()
    frame[column] = [None if cell is None else change(cell) for cell in frame[column]]
    found = [fault for fault in faults(frame) if fault.column == column]
    assert len(found) == 1
    assert hint in found[0].mend
    assert bool(hint) == ("Looks like" in found[0].mend)


@pytest.mark.parametrize(
    ("column", "cell", "hint"),
    [
        ("fvc_percent", "78,5", "Write a decimal point instead of a decimal comma."),
        ("follow_up_years", "NA", "Codes such as NA do not do, and this column has a value"),
        ("symptom_months", "NA", "leave the cell empty: codes such as NA do not do"),
        ("sex", "Female", "In 1 of them only the capital letters differ."),
        ("sex", "woman", "Use exactly female, male."),
        ("oxygen", "yes", "Write true or false (1 and 0 will do)."),
    ],
)
def test_the_mend_says_what_to_write(column, cell, hint):
    (found,) = faults(changed(column, cell))
    assert hint in found.mend


# -------------------------------------------------------------------------- fields of a descriptor


def test_fields_of_a_table_schema_are_the_same_rules():
    schema = [
        {"name": "area_code", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "minutes", "type": "number", "constraints": {"minimum": 0, "maximum": 600}},
        {"name": "grade", "type": "string", "constraints": {"enum": ["A", "B"]}},
        {"name": "on", "type": "date"},
        {"name": "year", "type": "year", "unit": "years"},
    ]
    fields = [Column.from_field(entry, "The resource 'x'") for entry in schema]
    good = pd.DataFrame(
        {"area_code": ["a", "b"], "minutes": [0, None], "grade": ["A", None],
         "on": ["2024-01-31", ""], "year": ["2019", "2020"]}
    )  # fmt: skip
    assert faults(good, fields, strict=True) == []
    bad = pd.DataFrame(
        {"area_code": ["a", "a"], "minutes": [-1, 601], "grade": ["A", "C"],
         "on": ["31/01/2024", ""], "year": ["2019.5", ""]}
    )  # fmt: skip
    assert rules(bad, fields) == [
        ("area_code", "values that are in more than one row", 2),
        ("minutes", "below the minimum of 0", 1),
        ("minutes", "above the maximum of 600", 1),
        ("grade", "unknown category", 1),
        ("on", "codes that are not of the right form", 1),
        ("year", "not a whole number", 1),
    ]


def test_a_schema_that_would_not_be_checked_is_refused():
    with pytest.raises(Problem, match="the type 'geopoint', which is not checked here"):
        Column.from_field({"name": "place", "type": "geopoint"}, "The resource 'x'")
    with pytest.raises(Problem, match="the constraint 'maxLength', which is not checked here"):
        Column.from_field({"name": "a", "constraints": {"maxLength": 3}}, "The resource 'x'")


def test_numeric_levels():
    fields = [Column("decile", "integer", levels=(1, 2, 10))]
    assert rules(pd.DataFrame({"decile": [1, 10]}), fields) == []
    assert rules(pd.DataFrame({"decile": ["1", "3"]}), fields) == [
        ("decile", "unknown category", 1)
    ]


def test_exclusive_maximum():
    fields = [Column("share", "number", exclusive_maximum=1)]
    assert rules(pd.DataFrame({"share": [0.999, 1.0]}), fields) == [("share", "not below 1", 1)]


# -------------------------------------------------------------------------------------- properties

BAD_CELLS = {
    "follow_up_years": [61, "x", 0, "inf", ""],
    "age_years": [-1, 111, "old", ""],
    "sex": ["F", ""],
    "deprivation_quintile": [0, 6, 1.5, "most"],
    "distance_km": [-1, 1001],
    "smoking": ["pipe", ""],
    "fvc_percent": [14, 201, "78%", ""],
    "oxygen": ["maybe", ""],
    "symptom_months": [-1, 601],
    "referral_wait_days": [-1, 2001],
}


@st.composite
def spoilt(draw):
    """The ten people with any number of cells spoilt."""
    frame = raw()
    cells = st.tuples(st.sampled_from(sorted(BAD_CELLS)), st.integers(0, 9), st.integers(0, 4))
    for column, row, which in draw(st.lists(cells, max_size=12)):
        options = BAD_CELLS[column]
        frame.loc[row, column] = options[which % len(options)]
    return frame


@settings(max_examples=20, deadline=None)
@given(spoilt(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_makes_no_difference(frame, random):
    rows = random.sample(range(10), 10)
    columns = random.sample(list(frame.columns), len(frame.columns))
    assert faults(frame.iloc[rows][columns]) == faults(frame)


NUMERIC = [field for field in FIELDS if field.type in ("number", "integer")]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(NUMERIC),
    st.integers(0, 9),
    st.floats(1e-6, 1e12, allow_nan=False),
    st.booleans(),
    st.booleans(),
)
def test_any_single_value_out_of_range_is_found(field, row, beyond, below, as_text):
    lowest = field.minimum if field.minimum is not None else field.exclusive_minimum
    value = lowest - beyond if field.maximum is None or below else field.maximum + beyond
    if field.type == "integer":
        value = float(np.floor(value) if value < lowest else np.ceil(value))
    frame = raw()
    frame.loc[row, field.name] = repr(value) if as_text else value
    found = [
        fault
        for fault in faults(frame)
        if fault.column == field.name
        and fault.rule.startswith(("below the minimum", "above the maximum", "not above"))
    ]
    assert [fault.rows for fault in found] == [1]


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=6, max_size=20), st.sampled_from([field.name for field in FIELDS]))
def test_no_message_holds_what_a_cell_holds(text, column):
    canary = f"⟦{text}⟧"
    frame = raw()
    frame[column] = canary
    assert canary not in "\n".join(str(fault) for fault in faults(frame))
