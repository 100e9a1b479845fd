"""The study file: what it may say, what it may not, and the scores that it defines."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pandas as pd
import pytest
from invented_people import people, raw

from distance_to_care import places, study, tables
from distance_to_care.problems import Problem
from distance_to_care.study import Study

# Key by key, since a key that stands on no page is learnt from an error only.
KEYS = (*study._StudyFile.TOP, "based_on", *study.AREA_VINTAGES)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_study_file_stands_on_the_page(key):
    said = (places.BOOK / "data_dictionary.md").read_text(encoding="utf-8")
    table = said.split("Every key that a study file may have")[1].split("Times come from")[0]
    assert any(f"`{form}`" in table for form in (key, f"[{key}]", f'"{key}"'))


# A second disease with other columns and another kind of score: no line of code knows of it.
SMA = """
name = "sma"
title = "Spinal muscular atrophy and neuromuscular centres"
disease = "spinal muscular atrophy"
area_vintage = "LSOA 2021"

[columns.smn2_copies]
type = "integer"
unit = "count"
minimum = 1
maximum = 6
required = true
may_be_missing = true
description = "Copies of the SMN2 gene."

[columns.motor_milestone]
type = "string"
levels = ["none", "sitting", "walking"]
required = true
may_be_missing = false
description = "Highest motor milestone when first seen."

[columns.ventilated]
type = "boolean"
required = true
may_be_missing = false
description = "Whether the person was ventilated when first seen."

[columns.treatment_start_years]
type = "number"
unit = "years"
minimum = 0
at_most = "follow_up_years"
required = true
may_be_missing = true
description = "Years from the first day to the first treatment."

[scores.severity]
title = "Severity"
[[scores.severity.items]]
column = "motor_milestone"
points = { none = 2, sitting = 1, walking = 0 }
[[scores.severity.items]]
column = "ventilated"
points = { true = 3, false = 0 }

[adjustments]
age_sex = ["age_years", "sex"]
full = ["severity", "other_exposure"]
"""


@pytest.fixture
def ipf() -> Study:
    return tables.read_study("ipf")


@pytest.fixture
def entries() -> dict:
    return tomllib.loads((places.STUDIES / "ipf.toml").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------ the IPF file


def test_the_ipf_study_has_the_columns_of_the_contract(ipf):
    assert list(ipf.columns) == [
        *("person_id", "follow_up_years", "outcome", "age_years", "sex", "deprivation_quintile"),
        *("distance_km", "travel_minutes", "nearest_distance_km", "nearest_travel_minutes"),
        *("centre", "region", "area_code", "record_kind"),
        *("smoking", "fvc_percent", "dlco_percent", "dlco_unable", "oxygen"),
        *("antifibrotic_start_years", "symptom_months", "referral_wait_days"),
    ]
    ranges = {name: (each.minimum, each.maximum) for name, each in ipf.columns.items()}
    assert ranges["fvc_percent"] == (15, 200)
    assert ranges["dlco_percent"] == (5, 200)
    assert ranges["symptom_months"] == (0, 600)
    assert ranges["referral_wait_days"] == (0, 2000)
    assert ranges["antifibrotic_start_years"] == (0, None)
    assert ranges["age_years"] == (0, 110)
    assert ranges["distance_km"] == (0, 1000)
    assert ranges["travel_minutes"] == (0, 600)
    assert ranges["deprivation_quintile"] == (1, 5)
    assert ipf.column("follow_up_years").exclusive_minimum == 0
    assert ipf.column("follow_up_years").maximum == 60
    assert ipf.column("smoking").levels == ("never", "ex", "current")
    assert ipf.column("outcome").levels == ("censored", "died", "transplanted")
    may_be_empty = [name for name, each in ipf.columns.items() if each.may_be_missing]
    # A registry has gaps: only who it is, what became of them, and a flag that is made from the
    # others are known of everybody.
    always = ["person_id", "follow_up_years", "outcome", "dlco_unable"]
    assert may_be_empty == [name for name in ipf.columns if name not in always]


def test_the_study_is_frozen(ipf):
    with pytest.raises(AttributeError):
        ipf.name = "other"


def test_adjustment_replaces_the_other_exposure(ipf):
    assert ipf.adjustment("age_sex", "distance_quintile") == ("age_years", "sex")
    assert ipf.adjustment("as_published", "deprivation_quintile") == (
        *("smoking", "gap_index", "log_symptom_months", "distance_quintile"),
    )
    assert ipf.adjustment("as_published", "distance_quintile")[-1] == "deprivation_quintile"
    with pytest.raises(Problem, match="no adjustment set 'full'. It has age_sex"):
        ipf.adjustment("full", "distance_quintile")
    with pytest.raises(Problem, match="no exposure 'centre'"):
        ipf.adjustment("age_sex", "centre")


def test_a_derived_column_is_computed_and_stays_missing_where_its_column_is(ipf):
    (derived,) = ipf.derived
    months = pd.DataFrame({"symptom_months": [0.0, 11.0, None]})
    assert derived.values(months).tolist()[:2] == pytest.approx([0.0, 2.4849066497880004])
    assert derived.values(months).isna().tolist() == [False, False, True]
    assert derived.values(months).name == "log_symptom_months"


def test_a_name_that_is_not_there_gets_the_nearest(ipf):
    with pytest.raises(Problem, match="no column 'fvc'. Did you mean 'fvc_percent'"):
        ipf.column("fvc")
    with pytest.raises(Problem, match="no score 'gap'"):
        ipf.score("gap")


def test_the_dictionary_has_every_column_with_a_description(ipf):
    rows = study.dictionary(ipf)
    assert list(rows.columns) == [
        *("column", "type", "unit", "allowed", "required", "may_be_missing", "description"),
    ]
    named = list(ipf.columns)
    # A file may hold postcodes, which no cohort keeps.
    named.insert(named.index("area_code") + 1, "postcode")
    assert list(rows["column"]) == named
    assert (rows["description"].str.len() > 20).all()
    assert not rows.duplicated("description").any()
    numbers = rows[rows["type"] == "number"]
    assert (numbers["unit"] != "").all()
    assert (numbers["allowed"] != "").all()
    rows = rows.set_index("column")
    assert rows.loc["fvc_percent", "allowed"] == "15 to 200"
    assert rows.loc["follow_up_years", "allowed"] == "above 0; 60 or less"
    assert rows.loc["sex", "allowed"] == "female, male"
    assert rows.loc["dlco_percent", "allowed"] == "5 to 200; empty where dlco_unable is true"
    assert rows.loc["deprivation_quintile", "required"] == "unless area_code or postcode is given"
    assert "Empty means: never started" in rows.loc["antifibrotic_start_years", "description"]
    assert "LSOA 2011" in rows.loc["area_code", "description"]


# ------------------------------------------------------------------------------------------ scores


# Points of the GAP index: Ley 2012, doi:10.7326/0003-4819-156-10-201205150-00004, table 2.
@pytest.mark.parametrize(
    ("sex", "age", "fvc", "dlco", "unable", "expected", "stage"),
    [
        ("female", 50, 80, 60, False, 0, "I"),
        ("male", 50, 80, 60, False, 1, "I"),
        ("female", 60, 80, 60, False, 0, "I"),
        ("female", 60.9, 80, 60, False, 0, "I"),  # 60 completed years
        ("female", 61, 80, 60, False, 1, "I"),
        ("female", 65.9, 80, 60, False, 1, "I"),  # 65 completed years
        ("female", 66, 80, 60, False, 2, "I"),
        ("female", 50, 75.1, 60, False, 0, "I"),
        ("female", 50, 75, 60, False, 1, "I"),
        ("female", 50, 50, 60, False, 1, "I"),
        ("female", 50, 49.9, 60, False, 2, "I"),
        ("female", 50, 80, 55.1, False, 0, "I"),
        ("female", 50, 80, 55, False, 1, "I"),
        ("female", 50, 80, 35.1, False, 1, "I"),
        ("female", 50, 80, 35, False, 2, "I"),
        ("female", 50, 80, None, True, 3, "I"),
        ("male", 70, 80, 50, False, 4, "II"),
        ("male", 70, 70, 50, False, 5, "II"),
        ("male", 70, 70, 30, False, 6, "III"),
        ("male", 70, 40, None, True, 8, "III"),
    ],
)
def test_gap_index_has_the_published_points(ipf, sex, age, fvc, dlco, unable, expected, stage):
    person = pd.DataFrame(
        {
            "sex": [sex],
            "age_years": [float(age)],
            "fvc_percent": [float(fvc)],
            "dlco_percent": [np.nan if dlco is None else float(dlco)],
            "dlco_unable": [unable],
        }
    )
    gap = ipf.score("gap_index")
    points = gap.points(person)
    assert points.tolist() == [expected]
    assert gap.stage(points).tolist() == [stage]
    parts = [ipf.score(name).points(person)[0] for name in ("gap_demographic", "gap_physiology")]
    assert sum(parts) == expected


def test_a_score_is_missing_where_a_part_was_never_measured(ipf):
    ten = people(ipf)
    gap = ipf.score("gap_index")
    never_measured = ten["dlco_percent"].isna() & ~ten["dlco_unable"]
    assert never_measured.sum() == 1
    assert gap.points(ten).isna().equals(never_measured.rename("gap_index"))
    assert gap.stage(gap.points(ten)).isna().equals(never_measured.rename("gap_index_stage"))
    assert ipf.score("gap_demographic").points(ten).notna().all()
    assert gap.range == (0, 8)


def test_points_of_levels_of_every_type():
    answers = pd.DataFrame(
        {
            "flag": [True, False, True],
            "unsure": pd.array([True, None, False], dtype="boolean"),
            "type": [1, 2, 3],
            "grade": pd.array([1, None, 3], dtype="Int64"),
            "word": ["low", None, "high"],
        }
    )

    def points(column, **levels):
        return study.Item(column, levels=tuple(levels.items())).points(answers).tolist()

    numbers = {"1": 5, "2": 6, "3": 7}
    assert points("flag", true=2, false=1) == [2, 1, 2]
    assert points("unsure", true=2, false=1) == pytest.approx([2, np.nan, 1], nan_ok=True)
    assert points("type", **numbers) == [5, 6, 7]
    assert points("grade", **numbers) == pytest.approx([5, np.nan, 7], nan_ok=True)
    assert points("word", low=0, high=9) == pytest.approx([0, np.nan, 9], nan_ok=True)


# --------------------------------------------------------------------------------- a later disease


def test_another_disease_needs_no_code(tmp_path):
    file = tmp_path / "sma.toml"
    file.write_text(SMA, encoding="utf-8")
    sma = tables.read_study(file)
    assert "fvc_percent" not in sma.columns
    babies = raw()[[column for column in study.dictionary(sma)["column"] if column in raw()]]
    babies = babies.drop(columns=["area_code"]).assign(
        deprivation_quintile=1, distance_km=3.5, smn2_copies=2, motor_milestone="none",
        ventilated=True, treatment_start_years=0.0,
    )  # fmt: skip
    babies.to_csv(tmp_path / "extract.csv", index=False)
    read = tables.read_cohort(tmp_path / "extract.csv", sma)
    assert sma.score("severity").points(read).eq(5).all()
    assert read["smn2_copies"].dtype == "int64"
    babies["treatment_start_years"] = 59.0
    babies.to_csv(tmp_path / "extract.csv", index=False)
    with pytest.raises(Problem, match=r"above 'follow_up_years' of the same row \(10 rows\)"):
        tables.read_cohort(tmp_path / "extract.csv", sma)


# ------------------------------------------------------------------------------- what is not a file


def test_there_is_one_default_study(monkeypatch):
    monkeypatch.delenv(places.STUDY_VARIABLE, raising=False)
    assert tables.read_study().default
    monkeypatch.setenv(places.STUDY_VARIABLE, "nothing_like_it")
    with pytest.raises(Problem, match="no study 'nothing_like_it'"):
        tables.read_study()


def test_two_default_studies_are_refused(monkeypatch, tmp_path):
    monkeypatch.delenv(places.STUDY_VARIABLE, raising=False)
    monkeypatch.setattr(places, "STUDIES", tmp_path)
    (tmp_path / "sma.toml").write_text(SMA, encoding="utf-8")
    assert tables.read_study().name == "sma"  # the only one
    for name in ("one", "two"):
        text = SMA.replace('name = "sma"', f'name = "{name}"\ndefault = true', 1)
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Problem, match="2 study files say `default = true`.*one, sma, two"):
        tables.read_study()


def test_a_study_that_is_not_there_is_answered_with_what_is():
    with pytest.raises(Problem, match="no study 'ifp' in data/studies. Did you mean 'ipf'"):
        tables.read_study("ifp")
    with pytest.raises(Problem, match="Known: .*ipf"):
        tables.read_study("zzz")
    with pytest.raises(Problem, match="study file nowhere.toml is not in /tmp"):
        tables.read_study("/tmp/nowhere.toml")


def test_a_syntax_error_names_the_line(tmp_path):
    (tmp_path / "bad.toml").write_text('name = "bad"\ntitle = \n', encoding="utf-8")
    with pytest.raises(Problem, match=r"bad.toml is not valid TOML: .*line 2"):
        tables.read_study(tmp_path / "bad.toml")


def test_a_study_that_calls_itself_otherwise_is_refused(tmp_path):
    (tmp_path / "other.toml").write_text(SMA, encoding="utf-8")
    with pytest.raises(Problem, match="other.toml calls itself 'sma'"):
        tables.read_study(tmp_path / "other.toml")


def test_parameters_stand_beside_the_study_file(tmp_path):
    (tmp_path / "sma.toml").write_text(SMA, encoding="utf-8")
    with pytest.raises(Problem, match="parameter file sma_parameters.toml is not in"):
        tables.read_parameters(tmp_path / "sma.toml")
    (tmp_path / "sma_parameters.toml").write_text("people = 12\n", encoding="utf-8")
    assert tables.read_parameters(tmp_path / "sma.toml") == {"people": 12}
    assert tables.read_parameters(tables.read_study(tmp_path / "sma.toml")) == {"people": 12}


def _remove(key):
    return lambda entries: entries.pop(key)


def _set(path, value):
    def change(entries):
        *way, last = path.split(".")
        for step in way:
            entries = entries[int(step)] if step.isdigit() else entries[step]
        entries[int(last) if last.isdigit() else last] = value

    return change


FVC = {"column": "fvc_percent", "bands": [{"below": 50, "points": 2}, {"points": 0}]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_remove("disease"), "'disease' is missing. Add it."),
        (_set("titel", "x"), "'titel' is not a known key. Did you mean 'title'?"),
        (_set("title", 3), "'title' must be text."),
        (_set("name", "I P F"), "'name' is not a short name."),
        (_set("default", "yes"), "'default' must be true or false."),
        (_set("area_vintage", "LSOA 2001"), "'area_vintage' is not known. Use one of LSOA 2011"),
        (_set("paper.year", 2024), "'paper.year' is not a known key."),
        (_set("columns", ["a"]), "'columns' must be a table."),
        (_set("columns.oxygen", 3), "'columns.oxygen' must be a table of keys and values."),
        (_set("columns.oxygen.type", "bool"), "'columns.oxygen.type' is not a type. Use one of"),
        (_set("columns.oxygen.minimum", 1), "'columns.oxygen.minimum' means nothing in a column"),
        (_set("columns.oxygen.levels", ["a"]), "'columns.oxygen.levels' means nothing"),
        (_set("columns.fvc_percent.minimun", 1), "'columns.fvc_percent.minimun' is not a known"),
        (_set("columns.fvc_percent.minimum", "15"), "'columns.fvc_percent.minimum' must be a num"),
        (_set("columns.fvc_percent.minimum", 999), "'columns.fvc_percent.minimum' is above the"),
        (_set("columns.smoking.levels", ["never", 1]), "'columns.smoking.levels' must hold values"),
        (_set("columns.smoking.levels", ["ex", "ex"]), "'columns.smoking.levels' names a level tw"),
        (_set("columns.smoking.levels", ["never "]), "begins or ends with a space"),
        (_set("columns.age_years", {}), "'columns.age_years' is a column that every study shares"),
        (_set("columns.Age", {}), "'columns.Age' is not a column name."),
        (
            _set("columns.dlco_percent.empty_when", "oxygn"),
            "names no column. Did you mean 'oxygen'",
        ),
        (_set("columns.dlco_percent.empty_when", "smoking"), "must name a column of type boolean"),
        (_set("columns.symptom_months.at_most", "sex"), "must name a column of type number"),
        (_set("columns.new", {"type": "number"}), "'columns.new.description' is missing"),
        (_set("columns.new", {"type": "number"}), "'columns.new.unit' is missing"),
        (
            _set("scores.gap_index.items", [FVC]),
            "'scores.gap_index' must have either items or parts",
        ),
        (
            _set("scores.gap_index.parts", ["gap_demo"]),
            "no score with items of its own. Did you me",
        ),
        (_set("scores.gap_index.stages.1.to", 4), "must cover every score from 0 to 8 once"),
        (_set("scores.gap_index.stages.1.from", 5), "must cover every score from 0 to 8 once"),
        (_set("scores.gap_demographic.items.0.points", {"male": 1}), "points to each level"),
        (_set("scores.gap_demographic.items.0.points.male", "1"), "must be numbers"),
        (_set("scores.gap_demographic.items.0.column", "gender"), "names no column."),
        (_set("scores.gap_physiology.items.0.bands.0.below", 80), "must rise"),
        (
            _set("scores.gap_physiology.items.0.bands.0.under", 80),
            "items[1].bands[1].under' is not a known",
        ),
        (_set("scores.gap_physiology.items.1.when", "sex"), "must name a column of type boolean"),
        (_set("scores.fvc_percent", {"title": "x", "items": [FVC]}), "is also the name of a col"),
        (_set("derived.log_symptom_months.column", "smoking"), "must name a column of numbers"),
        (
            _set("derived.log_symptom_months.transform", "log"),
            "is not known. Did you mean 'log_one_plus'",
        ),
        (_set("derived.gap_index", {"column": "age_years"}), "also the name of a column or a"),
        (_set("adjustments.age_sex", ["age"]), "'adjustments.age_sex' names 'age'"),
        (_set("adjustments.age_sex", "age_years"), "must be a list of columns and scores"),
    ],
)
def test_a_wrong_study_file_is_refused_with_a_sentence(entries, change, sentence):
    before = copy.deepcopy(entries)
    Study.from_dict(entries, "ipf.toml")
    assert entries == before  # reading changes nothing
    change(entries)
    with pytest.raises(Problem) as caught:
        Study.from_dict(entries, "ipf.toml")
    assert str(caught.value).startswith("The study file ipf.toml has ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("key", ["based_onn", "base_on", "based"])
def test_a_misspelt_base_is_one_fault_and_brings_no_others(tmp_path, key):
    file = tmp_path / "ours.toml"
    file.write_text(f'name = "ours"\n{key} = "ipf"\n')
    with pytest.raises(Problem) as caught:
        tables.read_study(file)
    assert str(caught.value).endswith(
        f"ours.toml has 1 problem:\n  - '{key}' is not a known key. Did you mean 'based_on'?"
    )


def test_all_faults_of_a_study_file_come_at_once(entries):
    entries["colour"] = "red"
    entries["columns"]["oxygen"]["type"] = "bool"
    entries["adjustments"]["age_sex"] = ["age"]
    with pytest.raises(Problem, match="has 3 problems") as caught:
        Study.from_dict(entries, "ipf.toml")
    assert str(caught.value).count("\n  - ") == 3


def test_a_name_a_code_and_what_is_the_same_for_all_describe_nobody():
    for name in tables.study_names():
        columns = tables.read_study(name).columns
        silent = {column for column, each in columns.items() if not each.describes}
        assert silent == {"person_id", "centre", "region", "area_code", "record_kind"}
