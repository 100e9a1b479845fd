"""The inputs that are committed: each keeps its schema and is the file that is described."""

from __future__ import annotations

import pandas as pd
import pytest

from distance_to_care import places, tables

TABLES = [
    entry["name"]
    for entry in tables.descriptor()["resources"]
    if entry.get("schema", {}).get("fields")
]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_keeps_its_schema(name):
    frame = tables.read(name)
    assert len(frame) > 0
    assert frame.attrs["resource"] == name
    assert frame.attrs["kind"] in ("open", "published", "synthetic", "modelled", "assumed")


def test_rows_that_are_asked_for_are_those_of_the_whole_table():
    whole = tables.read("hospitals")
    asked = ["ZZ99ZZ", *whole["postcode"].iloc[[7, 3, 3]]]
    found = tables.read("hospitals", only=("postcode", asked))
    rows = whole[whole["postcode"].isin(asked)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, rows)
    assert len(found) == 2
    assert list(tables.read("hospitals", only=("postcode", [])).columns) == list(whole.columns)


def test_the_descriptor_is_read_again_when_it_changes(tmp_path):
    file = tmp_path / "datapackage.json"
    file.write_text('{"resources": [{"name": "one", "kind": "open", "schema": {"fields": []}}]}')
    assert tables.kind_of("one", file) == "open"
    # Nobody can change what is kept of it.
    tables.resource("one", file)["kind"] = "synthetic"
    assert tables.kind_of("one", file) == "open"
    file.write_text(file.read_text().replace("open", "assumed"))
    assert tables.kind_of("one", file) == "assumed"


def test_no_input_differs_from_its_description():
    assert tables.altered() == []


@pytest.mark.parametrize("study", tables.study_names())
def test_the_synthetic_cohort_of_every_study_keeps_the_contract(study, monkeypatch):
    monkeypatch.delenv(places.COHORT_VARIABLE, raising=False)
    monkeypatch.delenv(places.KIND_VARIABLE, raising=False)
    people = tables.read_cohort(None, study)
    assert tables.cohort_kind(people) == "synthetic"
    assert people.attrs["kind"] == "synthetic"
    assert list(people.columns) == list(tables.read_study(study).columns)
    assert tables.read_parameters(study)["study"] == study


def test_every_score_of_the_synthetic_cohort_is_within_its_range():
    study = tables.read_study()
    people = tables.read_cohort(None, study)
    for score in study.scores:
        points = score.points(people)
        lowest, highest = score.range
        assert points.dropna().between(lowest, highest).all()
        if score.stages:
            assert pd.Series(score.stage(points)).notna().equals(points.notna())
