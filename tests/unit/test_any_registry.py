"""A disease that no chapter was written for: one study file, and its registry is analysed."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import analyses, places, releasing, tables
from distance_to_care.command_line import app
from distance_to_care.disclosure import columns, groups
from distance_to_care.problems import Problem
from distance_to_care.registries import hazard_ratios

STUDY = """name = "third"
title = "A third disease"
disease = "a third disease"
area_vintage = "LSOA 2021"

[columns.fev1]
type = "number"
title = "FEV1"
unit = "per cent of predicted"
minimum = 5
maximum = 200
required = true
may_be_missing = true
description = "Forced expiratory volume in one second."

[columns.stage]
type = "string"
levels = ["early", "late"]
required = true
may_be_missing = false
description = "Stage when first seen."

[adjustments]
age_sex = ["age_years", "sex"]
stage = ["age_years", "fev1", "stage", "other_exposure"]
"""
CORE = ["person_id", "follow_up_years", "outcome", "age_years", "sex", "deprivation_quintile",
        "distance_km", "record_kind"]  # fmt: skip


@pytest.fixture
def third(tmp_path):
    """The study file of a disease with columns of its own, made from nothing, and its people."""
    (tmp_path / "third.toml").write_text(STUDY, encoding="utf-8")
    drawn = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv")
    late = drawn["age_years"].gt(75).map({True: "late", False: "early"})
    people = drawn[CORE].assign(fev1=drawn["fvc_percent"], stage=late).head(900)
    people.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_disease_without_chapters_is_analysed_with_its_own_columns_and_models(third):
    command = (third / "people.csv", "--study", third / "third.toml")
    checked = run("check", *command)
    assert checked.exit_code == 0, checked.output
    assert "No chapter of this book is written for the study 'third'." in checked.output
    assert "1 of 1 chapters will run" in checked.output
    done = run("analyse", *command, "--output", third / "work")
    assert done.exit_code == 0, done.output

    def table(name: str) -> pd.DataFrame:
        return pd.read_csv(third / "work" / f"synthetic_any_registry_{name}.csv", dtype=str)

    flow = table("flow")
    assert {"all", "age_sex", "stage"} <= set(flow["model"])
    assert flow["note"].str.contains("FEV1").any()
    for by in ("deprivation", "distance"):
        assert {"fev1", "stage", "sex"} <= set(table(f"{by}_people")["variable"])
        assert table(f"{by}_curves")["estimate"].notna().any()
        shown = table(f"{by}_models").dropna(subset="estimate")
        assert {"unadjusted", "age_sex", "stage"} <= set(shown["model"])


@pytest.fixture
def two(third):
    """Two releases of the disease, as far as their ratios are read: the second a little larger."""
    study = tables.read_study(third / "third.toml")

    def release(name: str, more: float) -> SimpleNamespace:
        def table(asked: str) -> pd.DataFrame | None:
            if asked not in hazard_ratios.OF_ANY_DISEASE:
                return None
            of = "deprivation" if "deprivation" in asked else "distance"
            rows = [
                (
                    "hazard ratio",
                    model,
                    level,
                    f"{of}_quintile",
                    "5" if of == "deprivation" else "1",
                )
                for model in ("unadjusted", "age_sex", "unadjusted_same_people")
                for level in ("2", "3")
            ]
            found = pd.DataFrame(rows, columns=["measure", "model", "group", "term", "reference"])
            return found.assign(estimate=1.2 + more, ci_low=1.0 + more, ci_high=1.5 + more)

        return SimpleNamespace(
            name=name, folder=third / name, study=study, table=table, kind="registry"
        )

    return [release("west", 0.0), release("east", 0.1)]


def test_ratios_of_any_disease_are_gathered_from_the_table_of_each_exposure(two):
    found = hazard_ratios.ratios(two)
    asked = found[["model", "exposure", "level", "reference"]].drop_duplicates()
    # What sets two ways of asking beside one another is no model.
    assert sorted(map(tuple, asked.to_numpy())) == [
        (model, f"{of}_quintile", level, reference)
        for model in ("age_sex", "unadjusted")
        for of, reference in (("deprivation", "5"), ("distance", "1"))
        for level in ("2", "3")
    ]
    assert found.groupby("registry")["hazard_ratio"].unique().map(list).to_dict() == {
        "west": [1.2], "east": [1.3]
    }  # fmt: skip


@pytest.mark.slow
def test_ratios_of_any_disease_are_pooled_as_those_of_the_book_are(third):
    people = pd.read_csv(third / "people.csv")
    folders = []
    for name, part in (("west", people.head(450)), ("east", people.tail(450))):
        file, work = third / f"{name}.csv", third / f"work_{name}"
        part.to_csv(file, index=False)
        done = run("analyse", file, "--study", third / "third.toml", "--output", work)
        assert done.exit_code == 0, done.output
        folders.append(third / name)
        releasing.release(work, folders[-1], first=True)
    pooled = run("pool", *folders, "--output", third / "pooled.csv")
    assert pooled.exit_code == 0, pooled.output
    found = pd.read_csv(third / "pooled.csv", dtype=str)
    assert {"unadjusted", "age_sex", "stage"} == set(found["model"])
    assert {"deprivation_quintile", "distance_quintile"} == set(found["exposure"])
    # By hand: the first row of each registry, weighted by its error.
    of = found.query("model == 'age_sex' and exposure == 'deprivation_quintile' and level == '1'")
    assert set(of["registry"].dropna()) >= {"west", "east"}
    released = {
        folder.name: pd.read_csv(
            folder / "tables" / "synthetic_any_registry_deprivation_models.csv", dtype=str
        )
        for folder in folders
    }
    for name, table in released.items():
        own = table[(table["model"] == "age_sex") & (table["group"] == "1")].iloc[0]
        assert float(of.set_index("registry").loc[name, "estimate"]) == pytest.approx(
            float(own["estimate"])
        )


def test_a_release_without_ratios_says_which_tables_it_lacks(third):
    release = SimpleNamespace(
        study=tables.read_study(third / "third.toml"), folder=third, table=lambda name: None
    )
    with pytest.raises(Problem, match="neither 'third_hazard_ratios' nor 'any_registry_depriv"):
        hazard_ratios._released(release)


def test_nothing_is_said_of_columns_that_describe_nobody(third):
    """Where people live is used up before anything is counted, and is in every row of the file."""
    people = pd.read_csv(third / "people.csv").assign(area_code="E01000001")
    people.to_csv(third / "homes.csv", index=False)
    checked = run("check", third / "homes.csv", "--study", third / "third.toml")
    assert checked.exit_code == 0, checked.output
    for column in ("area_code", "region", "record_kind"):
        assert f"'{column}' is empty" not in checked.output


def test_what_a_forecast_says_of_any_disease_is_about_its_own_columns(third):
    (contents,) = analyses.chapters(tables.read_study(third / "third.toml"))
    assert {"fev1", "stage"} <= contents.variables and "fvc_percent" not in contents.variables
    assert ("stage", "distance_quintile") in contents.models and contents.curves


def test_a_file_that_is_based_on_such_a_study_is_served_by_the_same_chapter(third):
    base = third / "third.toml"
    (third / "north.toml").write_text(f'name = "north"\nbased_on = "{base}"\n', encoding="utf-8")
    assert analyses.chapters_for(tables.read_study(third / "north.toml")) == "any"
    assert analyses.chapters_for(tables.read_study("ipf")) == "ipf"
    assert analyses.about(tables.read_study("sma")) == []


def test_chapters_that_there_are_not_stop_the_check_and_the_first_round_alike(third):
    wrong = STUDY.replace('"third"', '"wrong"', 1) + ""
    (third / "wrong.toml").write_text(f'chapters = "ipff"\n{wrong}', encoding="utf-8")
    with pytest.raises(Problem, match="study 'ipff'.*Leave 'chapters' out"):
        analyses.chapters_for(tables.read_study(third / "wrong.toml"))
    asked = ("--start", "--model", "age_sex", "--exposure", "distance_quintile", "--rounds", third)
    assert run("pool", *asked, "--study", third / "third.toml").exit_code == 0
    assert json.loads((third / "round_1.json").read_text())
    (third / "round_1.json").unlink()
    refused = run("pool", *asked, "--study", third / "wrong.toml")
    assert refused.exit_code == 2 and "'ipff'" in refused.output
    assert not (third / "round_1.json").exists()


def test_a_title_with_a_digit_may_be_named_and_no_other_number(third):
    known = groups.of_study(tables.read_study(third / "third.toml"))
    row = {"measure": "1: in the file", "model": "all", "people": 100, "unit": "people"}

    def faults(note: str) -> list[str]:
        return columns.faults(pd.DataFrame([{**row, "note": note}]), "counts", known)

    assert faults("needs: Age, FEV1") == []
    for note in ("needs: Age, FEV2", "FEV1 of 7", "FEV1, 7", "FEV17"):
        assert any("'note'" in fault for fault in faults(note)), note
