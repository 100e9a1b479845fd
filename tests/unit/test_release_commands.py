"""The commands release and verify: sentences, exit codes, one digest, JSON for machines."""

import json
import os
from unittest import mock

import pytest
import small_release
from typer.testing import CliRunner

from distance_to_care import places, releasing
from distance_to_care.command_line import app


@pytest.fixture(autouse=True)
def environment():
    """Give back the environment as it was, whatever a command sets."""
    with mock.patch.dict(os.environ):
        yield


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def work(tmp_path):
    return small_release.work_folder(tmp_path / "work")


def test_release_then_verify_give_the_same_digest(work, tmp_path):
    release = tmp_path / "release"
    made = run("release", work, release, "--first", "--date", "2026-05-31")
    assert made.exit_code == 0, made.output
    said, digest = made.stdout.splitlines()
    assert said == f"{release}: 3 tables, to be read before it leaves."
    assert digest == f"Digest of the release: {releasing.digest(release)}"
    whole = run("verify", release)
    assert whole.exit_code == 0
    assert whole.stdout.splitlines() == [
        f"{release}: whole, and every rule is kept.",
        digest,
        "Reviewer: nobody has decided yet.",
    ]


def test_the_day_comes_from_the_environment(work, tmp_path):
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    assert run("release", work, tmp_path / "release", "--first").exit_code == 0
    assert releasing.read(tmp_path / "release")["released_on"] == "1970-01-01"


def test_a_release_says_whether_it_is_the_first(work, tmp_path):
    asked = run("release", work, tmp_path / "release")
    assert asked.exit_code == 2
    assert "--earlier" in asked.stderr
    assert "--first" in asked.stderr


def test_an_earlier_release_and_tables_left_out_are_named(work, tmp_path):
    run("release", work, tmp_path / "one", "--first")
    done = run("release", work, tmp_path / "two", "--earlier", tmp_path / "one",
               "--without", "curve")  # fmt: skip
    assert done.exit_code == 0, done.output
    said = releasing.read(tmp_path / "two")
    assert [each["digest"] for each in said["earlier"]] == [releasing.digest(tmp_path / "one")]
    assert "tables/curve.csv" not in said["files"]


def test_tables_that_ask_for_a_truth_that_patients_have_not_are_named(work, tmp_path, monkeypatch):
    done = releasing.Released(tmp_path, 3, "d" * 64, {}, (), ("missed", "recovered"))
    monkeypatch.setattr(releasing, "release", lambda *_: done)
    said = run("release", work, tmp_path / "one", "--first").output
    assert "Not in it, since they ask what was built into synthetic people: missed, recov" in said


def test_a_work_folder_that_is_refused_is_a_wrong_input(work, tmp_path):
    (work / "extra.txt").write_text("x")
    refused = run("release", work, tmp_path / "release", "--first")
    assert refused.exit_code == 2
    assert "extra.txt is in the folder" in refused.stderr
    assert "Traceback" not in refused.output
    assert not (tmp_path / "release").exists()


def test_a_profile_that_would_loosen_is_refused(work, tmp_path):
    for profile in ("minimum_10 threshold=5", "no_such"):
        refused = run("release", work, tmp_path / "release", "--first", "--profile", profile)
        assert refused.exit_code == 2
    assert not (tmp_path / "release").exists()


def test_registry_people_do_not_enter_the_repository(work):
    refused = run("release", work, places.ROOT / "release_of_a_test", "--first")
    assert refused.exit_code == 2
    assert "inside the repository" in refused.stderr


def test_verify_says_every_fault_and_fails(work, tmp_path):
    release = tmp_path / "release"
    run("release", work, release, "--first")
    (release / "tables" / "curve.csv").unlink()
    (release / "extra.txt").write_text("x")
    found = run("verify", release)
    assert found.exit_code == 1
    assert found.stdout == ""
    lines = found.stderr.splitlines()
    assert lines[0] == f"{release} is not the release that was written:"
    assert "  - tables/curve.csv is missing." in lines
    assert "  - extra.txt is extra: the manifest does not list it." in lines


def test_verify_answers_machines(work, tmp_path):
    release = tmp_path / "release"
    run("release", work, release, "--first", "--reviewer", "A. Checker")
    said = run("verify", release, "--json")
    assert said.exit_code == 0
    assert json.loads(said.stdout) == {
        "faults": [],
        "digest": releasing.digest(release),
        "reviewer": {"name": "A. Checker", "decision": "", "date": ""},
    }
    assert "(A. Checker was asked)" in run("verify", release).stdout
    (release / "study.json").unlink()
    said = run("verify", release, "--json")
    assert said.exit_code == 1
    assert "study.json is missing." in json.loads(said.stdout)["faults"]


def test_a_decision_is_told_as_what_the_manifest_says(work, tmp_path):
    release = tmp_path / "release"
    run("release", work, release, "--first", "--reviewer", "A. Checker")
    path = release / "manifest.json"
    text = path.read_text().replace('"decision": ""', '"decision": "accepted"')
    path.write_text(text.replace('"date": ""', '"date": "2026-06-02"'))
    told = run("verify", release)
    assert told.exit_code == 0
    assert "as the manifest says: A. Checker, accepted on 2026-06-02." in told.stdout


def test_what_is_no_folder_fails(tmp_path):
    assert run("verify", tmp_path / "nowhere").exit_code == 1
    assert run("release", tmp_path / "nowhere", tmp_path / "release", "--first").exit_code == 2


def test_a_release_inside_a_release_is_refused_and_the_outer_one_stays_whole(work, tmp_path):
    release = tmp_path / "release"
    assert run("release", work, release, "--first").exit_code == 0
    refused = run("release", work, release / "inner", "--first")
    assert refused.exit_code == 2
    assert "inside the release" in refused.stderr
    assert run("verify", release).exit_code == 0


def test_a_work_folder_is_not_taken_for_a_release(work):
    said = run("verify", work)
    assert said.exit_code == 1
    assert "is not a release" in said.output
    assert len(said.output.strip().splitlines()) <= 2
