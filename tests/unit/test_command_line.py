"""The command line: exit codes, sentences, and nothing half-written."""

import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
from commands import run
from invented_people import csv_text
from typer.testing import CliRunner

from distance_to_care import __version__, places, synthetic, tables
from distance_to_care.command_line import app, cohort_files

COMMANDS = ["check", "synthesise", "analyse", "build", "accept", "compare", "data", "serve"]
COMMANDS += ["certify", "describe", "travel", "atlas", "spokes", "levers", "pool", "contribute"]
COMMANDS += ["doctor", "measure", "ledger"]


def start(*arguments, **environment):
    """Call a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "distance_to_care", *map(str, arguments)],
        cwd=places.ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_version_and_help():
    assert start("--version").stdout.strip() == __version__
    shown = start("--help").stdout
    for command in COMMANDS:
        assert command in shown
    assert "Exit codes" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    shown = run(command, "--help")
    assert shown.returncode == 0
    assert "Exit codes" in shown.stdout
    assert "Usage:" in shown.stdout


def test_an_unknown_command_or_option_is_refused_with_code_2():
    assert run("no-such").returncode == 2
    assert run("check", "x.csv", "--no-such").returncode == 2


def test_a_good_file_passes(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(csv_text(), encoding="utf-8")
    found = run("check", file)
    assert found.returncode == 0, found.stderr
    assert "no problems" in found.stdout


def test_a_bad_file_fails_with_every_fault_and_no_traceback(tmp_path):
    file = tmp_path / "people.csv"
    text = csv_text().replace("fvc_percent", "fvc_per_cent").replace("female", "Ada Canary")
    file.write_text(text, encoding="utf-8")
    found = start("check", file)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert "Canary" not in found.stderr + found.stdout
    assert "fvc_percent" in found.stderr
    assert "'sex'" in found.stderr


@pytest.mark.parametrize("study", ["no_such_study", "no/such/path.toml"])
def test_an_unknown_study_is_a_sentence(tmp_path, study):
    found = run("check", tmp_path / "x.csv", "--study", study)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert found.stderr.strip()


def test_synthesise_writes_the_same_bytes_for_the_same_seed(tmp_path):
    for name in ("one.csv", "two.csv"):
        made = run("synthesise", "--people", 60, "--seed", 7, "--output", tmp_path / name)
        assert made.returncode == 0, made.stderr
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    made = run("synthesise", "--people", 60, "--seed", 8, "--output", tmp_path / "three.csv")
    assert (tmp_path / "one.csv").read_bytes() != (tmp_path / "three.csv").read_bytes()
    assert run("check", tmp_path / "one.csv").returncode == 0


def test_the_committed_cohort_is_what_the_command_writes(tmp_path):
    parameters = tables.read_parameters("ipf")
    seed = synthetic.default_seed(parameters)
    made = start("synthesise", "--people", 2359, "--seed", seed, "--output", tmp_path / "c.csv",
               DISTANCE_TO_CARE_OPEN_DATA=str(tmp_path))  # fmt: skip
    assert made.returncode == 0, made.stderr
    committed = places.DATA / "synthetic" / "synthetic_ipf.csv"
    assert (tmp_path / "c.csv").read_bytes() == committed.read_bytes()
    made = run("synthesise", "--people", 2359, "--output", tmp_path / "d.parquet")
    assert made.returncode == 0, made.stderr
    parquet = pd.read_parquet(tmp_path / "d.parquet")
    assert (parquet["record_kind"] == "synthetic").all()
    assert len(parquet) == 2359


def test_effects_none_draws_other_people(tmp_path):
    for effects in ("published", "none"):
        made = run("synthesise", "--people", 60, "--effects", effects,
                   "--output", tmp_path / f"{effects}.csv")  # fmt: skip
        assert made.returncode == 0, made.stderr
    assert (tmp_path / "none.csv").read_bytes() != (tmp_path / "published.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "exists.csv"), "exists"),
        (("--output", "no/such/folder/x.csv"), "does not exist"),
        (("--output", "x.xlsx"), "must end in"),
        (("--output", "folder.csv"), "is a folder"),
    ],
)
def test_synthesise_never_writes_over_anything(tmp_path, arguments, sentence):
    (tmp_path / "exists.csv").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    found = run("synthesise", "--people", 10, "--output", tmp_path / arguments[1])
    assert found.returncode == 2
    assert sentence in found.stderr
    assert (tmp_path / "exists.csv").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["exists.csv", "folder.csv"]


@pytest.mark.parametrize("people", ["0", "-5", "many", "1.5"])
def test_a_number_of_people_that_is_none_is_refused(tmp_path, people):
    found = run("synthesise", "--people", people, "--output", tmp_path / "x.csv")
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def registry_file(tmp_path, number=700):
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(number)
    people = people.drop(columns="record_kind")
    file = tmp_path / "extract.csv"
    people.assign(person_id=[f"canary_{i}" for i in range(len(people))]).to_csv(file, index=False)
    return file


def test_a_file_that_does_not_say_its_kind_needs_the_option(tmp_path):
    found = run("analyse", registry_file(tmp_path), "--output", tmp_path / "out")
    assert found.returncode == 2
    assert "--kind" in found.stderr
    assert not (tmp_path / "out").exists()


def test_synthetic_people_cannot_be_passed_off_as_a_registry(tmp_path):
    cohort = places.DATA / "synthetic" / "synthetic_ipf.csv"
    found = run("analyse", cohort, "--output", tmp_path / "out", "--kind", "registry")
    assert found.returncode == 2
    assert "synthetic" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value"),
    [("outcome", "censored"), ("age_years", 70), ("referral_wait_days", None), ("sex", "male")],
)
def test_analyse_copes_with_what_the_check_accepts(tmp_path, column, value):
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(700)
    people.assign(**{column: value}).to_csv(tmp_path / "people.csv", index=False)
    assert run("check", tmp_path / "people.csv").returncode in (0, 2)
    found = start("analyse", tmp_path / "people.csv", "--output", tmp_path / "out")
    assert "Traceback" not in found.stderr
    assert "Warning" not in found.stderr
    if column != "outcome":  # the treatment of somebody censored may start at their end
        assert found.returncode == 0, found.stderr
        models = pd.read_csv(tmp_path / "out" / "synthetic_survival_by_distance_models.csv")
        assert models["estimate"].notna().any()


@pytest.fixture(
    scope="module", params=[pytest.param(each, marks=pytest.mark.slow) for each in (60, 120)]
)
def small_run(request, tmp_path_factory):
    """One run of every chapter on a small cohort; how it ended, the cohort and the results."""
    folder = tmp_path_factory.mktemp("small")
    cohort, out = folder / "s.csv", folder / "out"
    made = run("synthesise", "--people", request.param, "--seed", 3, "--output", cohort)
    assert made.returncode == 0, made.stderr
    return start("analyse", cohort, "--output", out), cohort, out


def test_a_small_cohort_is_analysed_without_rubbish(small_run):
    found, _, out = small_run
    assert found.returncode == 0, found.stderr
    assert "Warning" not in found.stderr
    everything = "".join(p.read_text() for p in out.glob("*.csv"))
    assert everything
    assert not re.search(r"\binf\b", everything)
    assert "e-09" not in everything


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("small_run", [60], indirect=True)
def test_a_folder_of_results_may_be_replaced_by_the_same_kind(small_run):
    _, cohort, out = small_run
    # Times stand in run.json only.
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.name != "run.json"}
    found = start("analyse", cohort, "--output", out)
    assert found.returncode == 0, found.stderr
    after = {p.name: p.read_bytes() for p in out.iterdir() if p.name != "run.json"}
    assert after == before


def test_results_about_patients_stay_out_of_the_repository(tmp_path):
    file = registry_file(tmp_path)
    inside = places.ROOT / "patients_here"
    found = run("analyse", file, "--output", inside, "--kind", "registry")
    assert found.returncode == 2
    assert "inside the repository" in found.stderr
    assert not inside.exists()


def test_analyse_refuses_a_folder_with_other_things(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("mine")
    cohort = places.DATA / "synthetic" / "synthetic_ipf.csv"
    found = run("analyse", cohort, "--output", tmp_path / "out")
    assert found.returncode == 2
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.docx"]
    found = run("analyse", cohort, "--output", places.ACCEPTED)
    assert found.returncode == 2
    assert "folder of the project" in found.stderr


def test_build_with_a_cohort_needs_a_folder_of_its_own(tmp_path):
    cohort = places.DATA / "synthetic" / "synthetic_ipf.csv"
    assert run("build", "--cohort", cohort).returncode == 2
    assert run("build", "--output", tmp_path / "x").returncode == 2
    found = run("build", "--cohort", cohort, "--output", places.ACCEPTED)
    assert found.returncode == 2
    found = run("build", "--cohort", tmp_path / "none.csv", "--output", tmp_path / "x")
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_serve_without_a_site_is_a_sentence(tmp_path):
    found = run("serve", "--site", tmp_path)
    assert found.returncode == 2
    assert "make book" in found.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "people.csv"], "Stopped before the end. A check writes nothing"),
        (
            ["synthesise", "--people", "10", "--overwrite", "--output", "people.csv"],
            "people.csv is as it was before.",
        ),
        (["analyse", "people.csv", "--output", "out"], "Stopped before the end. The same command"),
    ],
)
def test_being_stopped_is_a_sentence_and_code_130(tmp_path, monkeypatch, how, words, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("as before")

    def stopped(*_):
        os.kill(os.getpid(), how)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(tables, "read_study", stopped)
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 130, found.output
    assert sentence in found.output
    assert "Aborted" not in found.output and "Traceback" not in found.output
    assert signal.getsignal(signal.SIGTERM) == before
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    assert (tmp_path / "people.csv").read_text() == "as before"


def test_synthesise_that_is_stopped_while_it_writes_leaves_no_part(tmp_path, monkeypatch):
    def stopped(*_):
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(cohort_files, "_write_one", stopped)
    words = ["synthesise", "--people", "10", "--output", str(tmp_path / "people.csv")]
    assert CliRunner().invoke(app, words).exit_code == 130
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told_before_the_file_is_read(tmp_path, monkeypatch):
    def read(*_):
        raise AssertionError("the file was read")

    monkeypatch.setattr(tables, "cohort_rows", read)
    (tmp_path / "people.csv").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("")
    cases = {
        tmp_path / "full": "holds other things",
        tmp_path / "people.csv": "is a file. Name a folder",
        tmp_path / "people.csv" / "out": "is no folder that you may write to",
        places.DATA / "out": "is a folder of the project",
    }
    for output, sentence in cases.items():
        found = run("analyse", tmp_path / "people.csv", "--output", output)
        assert found.returncode == 2
        assert sentence in found.stderr
    outside = ("--output", places.ROOT / "out", "--kind", "registry")
    assert "inside the repository" in run("analyse", tmp_path / "people.csv", *outside).stderr
