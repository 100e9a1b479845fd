"""The library on a second disease: an invented register of SMA whose truth is written here.

Nobody here exists. The register is drawn with hazards that are stated below, put through the
study file data/studies/sma.toml, and every method is asked for the truth that was put in.
"""

from __future__ import annotations

import json
import re
import tomllib

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import (
    analyses,
    cohort,
    places,
    second_opinion,
    survival,
    synthetic,
    tables,
)
from distance_to_care.command_line import app
from distance_to_care.problems import Problem, Problems
from distance_to_care.statistics import (
    cohort_missing,
    cohort_people,
    cohort_survival,
    severity,
    treatment,
)

PEOPLE = 5000
# Hazard ratios that are built in: most against least deprived fifth, a point of severity, and
# treated against untreated time.
DEPRIVED, POINT, TREATED = 1.8, 1.5, 0.5
# A treated person's hazard falls on the day of the first dose, half a year after the first visit.
FIRST_DOSE = 0.5
FOLLOWED = 6.0


def register(people: int = PEOPLE, seed: int = 7) -> pd.DataFrame:
    """Draw people of the study sma: deprived people are more severe, and hazards are as above."""
    rng = np.random.default_rng(seed)
    quintile = rng.integers(1, 6, people)
    # Chances of not sitting: 0.5 in the most deprived fifth, 0.1 in the least.
    movement = np.where(rng.random(people) < 0.6 - 0.1 * quintile, "does not sit", "sits")
    ventilation = rng.choice(
        ["none", "at night", "sixteen hours or more"], people, p=[0.6, 0.3, 0.1]
    )
    tube = rng.random(people) < 0.2
    points = (
        np.where(movement == "sits", 1, 2)
        + pd.Series(ventilation).map({"none": 0, "at night": 1, "sixteen hours or more": 2})
        + tube
    ).to_numpy()
    rate = 0.03 * POINT**points * DEPRIVED ** ((5 - quintile) / 4)
    treated = rng.random(people) < 0.5
    # The time of death by inversion, with the hazard times TREATED after the first dose.
    needed = rng.exponential(size=people) / rate
    late = FIRST_DOSE + (needed - FIRST_DOSE) / TREATED
    dies = np.where(treated & (needed > FIRST_DOSE), late, needed)
    leaves = rng.uniform(0.1, FOLLOWED, people)
    follow_up = np.minimum(dies, leaves).round(5).clip(0.003)
    ventilated = rng.exponential(size=people) / 0.1
    screened = rng.random(people) < 0.2
    kilometres = rng.uniform(1, 150, people).round(1)
    return pd.DataFrame(
        {
            "person_id": [f"invented_{i}" for i in range(people)],
            "follow_up_years": follow_up,
            "outcome": np.where(dies < leaves, "died", "censored"),
            "age_years": rng.gamma(1.5, 6, people).clip(0, 70).round(1),
            "sex": rng.choice(["female", "male"], people),
            "deprivation_quintile": quintile,
            "distance_km": kilometres,
            "travel_minutes": (kilometres * 1.2).round(),
            "record_kind": "synthetic",
            "sma_type": np.where(
                screened, "before symptoms", np.where(points > 2, "type 1", "type 2")
            ),
            "smn2_copies": rng.integers(2, 5, people),
            "found_by_screening": screened,
            "symptom_months": np.where(screened, 0, rng.integers(0, 60, people)),
            "best_movement": movement,
            "ventilation": ventilation,
            "tube_fed": tube,
            "treatment_start_years": np.where(
                treated & (follow_up > FIRST_DOSE), FIRST_DOSE, np.nan
            ),
            "ventilation_years": np.where(ventilated < follow_up, ventilated.round(5), np.nan),
            "referral_wait_days": rng.integers(0, 120, people),
        }
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("register") / "register.csv"
    register().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def people(file) -> cohort.Cohort:
    return cohort.load(file, "sma")


def test_the_register_is_read_by_its_own_contract(people):
    assert people.study.disease_short == "SMA"
    assert people.kind == "synthetic"
    assert len(people.people) == PEOPLE
    assert not {"fvc_percent", "smoking", "gap_index"} & set(people.people)
    # Does not sit 2, ventilated at night 1, fed by tube 1.
    picked = people.people.query("best_movement == 'does not sit' and ventilation == 'at night'")
    assert picked.query("tube_fed")["severity"].eq(4).all()
    stages = people.study.score("severity").stage(people.people["severity"])
    assert set(stages.dropna()) == {"mild", "moderate", "severe"}
    assert people.references["best_movement"] == "walks"


def test_a_fault_of_the_register_is_told_by_column_and_count(tmp_path):
    rows = register(50)
    rows.loc[:2, "smn2_copies"] = 12
    rows.loc[:4, "best_movement"] = "crawls"
    rows.to_csv(tmp_path / "faulty.csv", index=False)
    with pytest.raises(Problems) as found:
        cohort.load(tmp_path / "faulty.csv", "sma")
    assert re.search(r"smn2_copies.*3 rows", str(found.value))
    assert re.search(r"best_movement.*5 rows", str(found.value))
    assert "invented_" not in str(found.value)


def test_the_built_in_ratio_of_deprivation_comes_back(people):
    exposure = "deprivation_quintile"
    found = cohort_survival.hazard_ratios(
        people.people, {exposure: people.adjustments(exposure)}, people.references
    )
    found = found[found["level"] == "1"].set_index("model")
    adjusted = found.loc["as_published"]
    assert adjusted["ci_low"] < DEPRIVED < adjusted["ci_high"]
    assert adjusted["ci_high"] / adjusted["ci_low"] < 1.6  # an interval that says something
    # Severity lies between: without it the ratio is larger, by about 1.5 ** 0.4.
    assert found.loc["unadjusted", "hazard_ratio"] / adjusted["hazard_ratio"] > 1.08


def test_severity_by_deprivation_comes_back(people):
    found = severity.linear(
        people.people, "severity", "deprivation_quintile", reference=5, adjust=("age_years", "sex")
    )
    row = found[found["level"] == "1"].iloc[0]
    # Not sitting is one point, and its chance is 0.5 against 0.1.
    assert row["ci_low"] < 0.4 < row["ci_high"]
    assert row["ci_high"] - row["ci_low"] < 0.25


def test_the_effect_of_treatment_is_found_by_dated_time_only(people):
    clock = ("follow_up_years", "died", "treatment_start_years")
    held = ["severity", "deprivation_quintile"]
    dated = treatment.hazard_ratio(
        treatment.split_at_treatment(people.people, *clock), "died", held
    )
    assert dated["ci_low"].item() < TREATED < dated["ci_high"].item()
    # Whoever lived to the first dose counted as treated from the start: immortal time.
    naive = people.people.assign(treated=people.people["treatment_start_years"].notna())
    naive = treatment.hazard_ratio(naive, "died", held)
    assert naive["estimate"].item() < dated["ci_low"].item()


def test_permanent_ventilation_competes_with_death(people):
    rows = people.people.assign(
        time=people.people["ventilation_years"].fillna(people.people["follow_up_years"]),
        cause=people.people["outcome"]
        .astype(str)
        .mask(people.people["ventilation_years"].notna(), "ventilated"),
    )
    found = survival.cumulative_incidence(rows, "time", "cause")
    last = found[found["time"] <= 2].groupby("cause")["incidence"].last()
    # Ventilation comes at 0.1 a year whatever else happens: less than 1 - exp(-0.2) = 0.181 of
    # all by two years, since the dead cannot need it, and more than that of those who live on.
    assert 0.14 < last["ventilated"] < 0.181
    assert 0.05 < last["died"] < 0.35


def test_tables_of_people_and_of_missing_values_use_the_studys_words(people):
    described = cohort_people.table_one(people.people, people.study, "deprivation_quintile")
    assert {"best_movement", "ventilation", "severity"} <= set(described["variable"])
    known = people.people.copy()
    known.loc[known.index[:500], "smn2_copies"] = pd.NA
    found = cohort_missing.missing_values(
        known, people.study, ["smn2_copies", "symptom_months"], "deprivation_quintile"
    )
    share = found.query("variable == 'smn2_copies' and group == 'all'")["estimate"]
    assert share.iloc[0] == pytest.approx(10.0)


def test_the_synthetic_people_of_the_study_are_drawn_again_to_the_byte():
    parameters, study = tables.read_parameters("sma"), tables.read_study("sma")
    population = tables.read(synthetic.population_name(parameters))
    drawn = synthetic.draw(
        *(synthetic.default_people(parameters), synthetic.default_seed(parameters)),
        *(parameters, population, study),
    )
    committed = places.DATA / "synthetic" / "synthetic_sma.csv"
    assert committed.read_bytes() == synthetic.to_csv_bytes(drawn)
    # No transplant is declared, so nobody has one; babies without symptoms are weeks old.
    assert set(drawn["outcome"]) == {"died", "censored"}
    early = drawn[drawn["sma_type"] == "before symptoms"]
    assert early["age_years"].median() < 0.3
    assert early["symptom_months"].eq(0).all()


def test_what_the_parameters_say_comes_back_from_many_synthetic_people():
    parameters = tables.read_parameters("sma")
    population = tables.read(synthetic.population_name(parameters))
    drawn = synthetic.draw(30_000, 5, parameters, population)
    report = synthetic.calibration_report(drawn, parameters)
    aimed = report[report["status"] != "discrepancy"]
    assert aimed["reached"].between(aimed["low"], aimed["high"]).all()
    drawn = drawn.assign(died=drawn["outcome"].eq("died"))
    split = treatment.split_at_treatment(
        drawn, "follow_up_years", "died", parameters["treatment"]["column"]
    )
    held = ["sma_type", "best_movement", "deprivation_quintile"]
    found = treatment.hazard_ratio(split, "died", held).iloc[0]
    built_in = np.exp(parameters["treatment"]["log_hazard_ratio"]["value"])
    assert found["ci_low"] < built_in < found["ci_high"]
    assert found["ci_high"] / found["ci_low"] < 1.35


def test_check_and_analyse_know_the_study(file, tmp_path):
    checked = CliRunner().invoke(app, ["check", str(file), "--study", "sma"])
    assert checked.exit_code == 0, checked.output
    assert "5,000 to 5,004 people, no problems (study sma)" in checked.output
    output = tmp_path / "out"
    command = ["analyse", str(file), "--study", "sma", "--output", str(output)]
    analysed = CliRunner().invoke(app, command)
    assert analysed.exit_code == 0, analysed.output
    # The chapters of this study and of no other; the truth that was built in comes back.
    named = {path.stem for path in output.glob("*.csv")} - {"numbers"}
    assert named == {f"synthetic_sma_register_{end}" for end in ("people", "severity", "treatment")}
    found = pd.read_csv(output / "synthetic_sma_register_treatment.csv").set_index("model")
    assert found.loc["dated", "ci_low"] < TREATED < found.loc["dated", "ci_high"]
    assert found.loc["ever", "estimate"] < found.loc["dated", "ci_low"]
    # The second opinion knows the columns of this study too, and is asked of what was published.
    opinion = json.loads((output / "run.json").read_text())["second_opinion"]
    assert opinion["version"] == second_opinion.version() != ""
    (asked,) = opinion["tables"].values()
    assert asked["cross_tabulations"] > 5
    assert asked["looser"] == 0
    said = second_opinion.said(second_opinion.total(opinion))
    assert f"Second opinion: {said}." in analysed.output


def test_a_study_whose_chapters_are_not_there_is_told_so_and_nothing_is_written(
    file, tmp_path, monkeypatch
):
    own = tmp_path / "own.toml"
    text = (places.STUDIES / "sma.toml").read_text(encoding="utf-8")
    text = text.replace('name = "sma"', 'name = "own"\nchapters = "smma"')
    own.write_text(text, encoding="utf-8")
    output = tmp_path / "out"
    command = ["analyse", str(file), "--study", str(own), "--output", str(output)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "No chapter analyses a cohort of the study 'smma'" in refused.stderr
    assert "written for ipf, sma" in refused.stderr
    assert not output.exists()
    # A study with the columns of another may say that its chapters serve it.
    own.write_text(text.replace('"smma"', '"sma"'), encoding="utf-8")
    monkeypatch.setattr(second_opinion, "version", str)
    served = CliRunner().invoke(app, command)
    assert served.exit_code == 0, served.output
    assert (output / "synthetic_sma_register_people.csv").exists()


def test_a_register_with_its_own_column_names_is_analysed_by_the_chapter_of_its_disease(
    file, tmp_path, monkeypatch
):
    rows = pd.read_csv(file, nrows=600).rename(columns={"follow_up_years": "jahre"})
    rows.to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "own.toml").write_text(
        'name = "own"\nbased_on = "sma"\ntitle = "A register"\n'
        '[mapping.columns]\nfollow_up_years = "jahre"\n[disclosure]\nthreshold = 12\n'
    )
    monkeypatch.setattr(second_opinion, "version", str)
    output = tmp_path / "out"
    command = ["analyse", str(tmp_path / "own.csv"), "--study", str(tmp_path / "own.toml")]
    analysed = CliRunner().invoke(app, [*command, "--output", str(output)])
    assert analysed.exit_code == 0, analysed.output
    tables = json.loads((output / "manifest.json").read_text())["tables"]
    assert {each["disclosure"]["numbers"]["threshold"] for each in tables.values()} == {12}


def test_a_chapter_runs_for_its_own_study_and_a_general_one_for_all(tmp_path):
    notebook = '{{"cells": [], "metadata": {{"distance_to_care": {0}}}, "nbformat": 4}}'
    for name, about in {
        "ours": '{"cohort": true, "study": "sma"}',
        "theirs": '{"cohort": true, "study": "ipf"}',
        "general": '{"cohort": true}',
        "no_cohort": "{}",
    }.items():
        (tmp_path / f"{name}.ipynb").write_text(notebook.format(about), encoding="utf-8")

    def named(study: str | None) -> set[str]:
        return {path.stem for path in analyses.cohort_notebooks(study, tmp_path)}

    assert named("sma") == {"ours", "general"}
    assert named("ipf") == {"theirs", "general"}
    assert named(None) == {"ours", "theirs", "general"}
    (tmp_path / "general.ipynb").unlink()
    with pytest.raises(Problem, match="study 'other': .* written for ipf, sma"):
        analyses.cohort_notebooks("other", tmp_path)


def own_words() -> set[str]:
    """Every name that only one disease has: of the studies, and of what they alone measure."""
    words = {"gap_index", "nusinersen", "risdiplam", "onasemnogene", "pirfenidone", "nintedanib"}
    for file in sorted(places.STUDIES.glob("*.toml")):
        # Parameters and structures name the study that they belong to; a study names its disease.
        if "disease" not in tomllib.loads(file.read_text(encoding="utf-8")):
            continue
        study = tables.read_study(file.stem)
        words |= {study.name, study.disease, study.disease_short}
        words |= {score.name for score in study.scores} | set(study.disease.split())
    measured = {"ipf": {"fvc_percent", "dlco_percent"}, "sma": {"smn2_copies", "best_movement"}}
    for name, columns in measured.items():
        assert columns <= set(tables.read_study(name).columns)
        words |= columns | {column.split("_")[0] for column in columns - {"best_movement"}}
    return {word.lower() for word in words} - {"severity"} | {"neuromuscular"}


@pytest.mark.parametrize("word", sorted(own_words()))
def test_no_file_of_the_package_names_a_disease(word):
    files = [path for path in (places.ROOT / "distance_to_care").rglob("*") if path.is_file()]
    texts = [
        path for path in files if path.suffix in {".py", ".css", ".js", ".html", ".toml", ".txt"}
    ]
    assert len(texts) > 60
    naming = [
        path.name
        for path in texts
        if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", path.read_text("utf-8").lower())
    ]
    assert naming == [], f"'{word}' belongs in a study file"
