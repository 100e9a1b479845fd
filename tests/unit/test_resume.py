"""An interrupted analysis goes on with the chapters that are whole, and never mixes two runs.

Three small chapters stand in for the book's. The program under test notes which of them run, and
ends in one of them, between its last table and its end, where a test asks for it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distance_to_care import analyses, cohort, long_cohort, places, prepared, second_opinion
from distance_to_care.command_line import app, chapters
from distance_to_care.problems import AnalysisError, Problem

CHAPTERS = ("a_first", "b_second", "c_third")
# Runs the command line on the chapters of a test, and kills it in one of them.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from distance_to_care import long_cohort, places
places.NOTEBOOKS = Path(sys.argv.pop(1))
long_cohort.PEOPLE = int(sys.argv.pop(1))
from distance_to_care import analyses
from distance_to_care.command_line import main
run = analyses.run
def killed(path, progress):
    run(path, progress)
    if path.stem == "b_second":
        os.kill(os.getpid(), signal.SIGKILL)
analyses.run = killed
main()
"""
CODE = """
from distance_to_care import cohort, results
from distance_to_care.statistics import cohort_people
read = cohort.load()
page = results.Page("{name}", sources=["cohort"], kind=read.kind)
followed = cohort_people.follow_up(read.people, "deprivation_quintile")
filed = page.publish(followed, "{name}_people", "People and their follow-up")
"""


def notebook(name: str) -> str:
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "execution_count": None,
            "outputs": [], "source": CODE.format(name=name)}  # fmt: skip
    about = {"distance_to_care": {"cohort": True, "study": "ipf"}}
    return json.dumps({"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5})


class Killed(BaseException):
    """Stands in for the end of the process: nothing of the program catches it."""


@pytest.fixture
def room(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    for name in CHAPTERS:
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(notebook(name))
    lines = (places.DATA / "synthetic" / "synthetic_ipf.csv").read_text().splitlines()
    (tmp_path / "people.csv").write_text("\n".join(lines[:201]) + "\n")
    shutil.copy(places.STUDIES / "ipf.toml", tmp_path / "ipf.toml")
    monkeypatch.setattr(places, "NOTEBOOKS", tmp_path / "notebooks")
    # Nobody is asked for a second opinion: that takes longer than these chapters.
    monkeypatch.setattr(second_opinion, "version", str)
    # The command points notebooks by its environment, which must not outlive a test.
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


RUN = analyses.run


def arguments(room: Path, *options, output="out") -> list[str]:
    named = ("--output", room / output, "--study", room / "ipf.toml", *options)
    return [*map(str, ("analyse", room / "people.csv", *named))]


def analyse(room: Path, *options, output="out", ends_in="", how: type[BaseException] = Killed):
    """Run the command; how it ended, and which chapters ran.

    It ends in the chapter that is named, between its last table and its end.
    """
    ran = []

    def noted(path, progress):
        ran.append(path.stem)
        RUN(path, progress)
        if path.stem == ends_in:
            raise how

    os.environ.pop(places.PROFILE_VARIABLE, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyses, "run", noted)
        try:
            said = CliRunner().invoke(app, arguments(room, *options, output=output))
        except Killed:
            said = None
    return said, ran


def written(folder: Path) -> dict[str, bytes]:
    """The files of a folder of results; times stand in run.json only."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "run.json"}


def test_a_killed_run_goes_on_and_gives_the_same_bytes(room):
    whole, ran = analyse(room, output="undisturbed")
    assert whole.exit_code == 0, whole.output
    assert ran == [*CHAPTERS]
    assert "chapter 2 of 3: b_second" in whole.output
    command = [sys.executable, "-c", PROGRAM, str(room / "notebooks"), "1000000"]
    command += arguments(room)
    os.environ.pop(places.PROFILE_VARIABLE, None)
    killed = subprocess.run(command, cwd=places.ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [p.name for p in (room / "out").iterdir()] == [chapters.FOLDER]
    again, ran = analyse(room)
    assert again.exit_code == 0, again.output
    # The second had written its table, but not ended: it is not whole, and runs again.
    assert ran == ["b_second", "c_third"]
    assert "a_first (kept from the interrupted run)" in again.output
    assert written(room / "out") == written(room / "undisturbed")
    assert not (room / "out" / chapters.FOLDER).exists()
    record = json.loads((room / "out" / "run.json").read_text())
    assert set(record["seconds"]) == set(CHAPTERS)
    assert record["people"] == "200 to 204"
    assert record["record_kind"] == "synthetic"
    assert record["profile"]["numbers"]["threshold"] == 10
    assert record["study"]["content"]["name"] == "ipf"
    assert [p.name for p in room.glob(".out*")] == []


COUNTS = """
from distance_to_care import cohort, results
from distance_to_care.statistics import cohort_people
read = cohort.load()
page = results.Page("{name}", sources=["cohort"], kind=read.kind)
flow = cohort_people.flow(read.people, read.study, {{}})
filed = page.publish(flow, "{name}_flow", "Who is in the file")
"""


@pytest.fixture
def many(room, monkeypatch):
    """The people of `room` are too many for memory, and its chapters work from a file."""
    monkeypatch.setattr(long_cohort, "PEOPLE", 60)
    monkeypatch.setattr(tempfile, "tempdir", str(room / "temporary"))
    monkeypatch.setenv("TMPDIR", str(room / "temporary"))
    (room / "temporary").mkdir()
    for name in CHAPTERS:
        content = json.loads(notebook(name))
        content["cells"][0]["source"] = COUNTS.format(name=name)
        content["metadata"]["distance_to_care"] |= {"study": "any", "from_file": True}
        (room / "notebooks" / f"{name}.ipynb").write_text(json.dumps(content))
    study = (room / "ipf.toml").read_text()
    (room / "ipf.toml").write_text(f'chapters = "any"\n{study}')
    return room


def kept_people(room: Path) -> list[str]:
    folders = list((room / "temporary").glob(f"{prepared.FOLDER}*"))
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)
    return sorted(path.name for folder in folders for path in folder.iterdir())


def test_a_killed_run_of_many_people_prepares_nobody_twice_and_gives_the_same_bytes(many):
    undisturbed, ran = analyse(many, output="undisturbed")
    assert undisturbed.exit_code == 0, undisturbed.output
    assert ran == [*CHAPTERS]
    for line in ("Checking: 200 of 200 rows", "Preparing: 200 of 200 rows"):
        assert line in undisturbed.output
    # A line for each question that the file is asked, which names columns.
    assert undisturbed.output.count("seconds: counting people by outcome") == 3
    assert kept_people(many) == []
    command = [sys.executable, "-c", PROGRAM, str(many / "notebooks"), "60", *arguments(many)]
    os.environ.pop(places.PROFILE_VARIABLE, None)
    killed = subprocess.run(command, cwd=places.ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert kept_people(many) == ["checked.json", "people.parquet"]
    again, ran = analyse(many)
    assert again.exit_code == 0, again.output
    assert "The 200 people that the interrupted run had prepared are used again." in again.output
    assert "Checking" not in again.output and "Preparing" not in again.output
    assert ran == ["b_second", "c_third"]
    assert written(many / "out") == written(many / "undisturbed")
    assert kept_people(many) == []


def test_people_of_a_stopped_run_wait_for_the_same_run_only_and_are_told_of(many):
    stopped, _ = analyse(many, ends_in="a_first", how=KeyboardInterrupt)
    assert stopped.exit_code == 130
    (folder,) = (many / "temporary").iterdir()
    assert f"in {folder}, which only you can read, for the same command" in stopped.output
    assert "Stopped with 0 of 3 chapters done" in stopped.output
    # The run that left them lives still (it is this process): nobody takes them from it.
    dead = folder.with_name(folder.name.replace(str(os.getpid()), "999999999"))
    folder.rename(dead)
    change_people(many)
    changed, ran = analyse(many)
    assert changed.exit_code == 0, changed.output
    assert "Preparing: 199 of 199 rows" in changed.output
    assert ran == [*CHAPTERS]
    assert kept_people(many) == []


def test_a_run_that_is_stopped_while_it_reads_leaves_nobody(many, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "require", stopped)
        said, _ = analyse(many)
    assert said.exit_code == 130
    assert kept_people(many) == []


def test_people_in_a_folder_that_others_may_open_are_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{prepared.FOLDER}999999999-key-abc"
    left.mkdir(mode=0o755)
    (left / "planted").touch()
    with prepared.private_folder("key") as folder:
        assert not list(folder.iterdir())
    left.mkdir(mode=0o700)
    (left / "own").touch()
    with prepared.private_folder("key") as folder:
        assert [path.name for path in folder.iterdir()] == ["own"]
        with prepared.private_folder("key") as other:
            assert not list(other.iterdir())
    assert not list(tmp_path.iterdir())


def test_stopping_by_hand_says_how_to_go_on(room):
    stopped, _ = analyse(room, ends_in="b_second", how=KeyboardInterrupt)
    assert stopped.exit_code == 130
    assert "Stopped with 1 of 3 chapters done" in stopped.output
    assert "Traceback" not in stopped.output
    assert analyse(room)[1] == ["b_second", "c_third"]


@pytest.mark.parametrize("how", [KeyboardInterrupt, signal.SIGTERM])
def test_an_end_before_the_first_chapter_says_a_sentence_and_how_to_go_on(room, monkeypatch, how):
    def stopped(*_):
        if how is KeyboardInterrupt:
            raise KeyboardInterrupt
        os.kill(os.getpid(), how)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(chapters, "of_program", stopped)
    said, ran = analyse(room)
    assert said.exit_code == 130
    assert "Stopped before the end. The same command goes on" in said.output
    assert not ran
    assert signal.getsignal(signal.SIGTERM) == before
    assert "130" in CliRunner().invoke(app, ["analyse", "--help"]).output


def test_what_is_half_made_is_for_nobody_else_on_a_shared_computer(room):
    analyse(room, ends_in="b_second")
    for folder in (room / "out", room / "out" / chapters.FOLDER):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def change_study(room):
    text = (room / "ipf.toml").read_text()
    (room / "ipf.toml").write_text(text.replace('service = "', 'service = "another '))


def change_people(room):
    lines = (room / "people.csv").read_text().splitlines()
    (room / "people.csv").write_text("\n".join(lines[:-1]) + "\n")


def change_chapter(room):
    path = room / "notebooks" / "c_third.ipynb"
    path.write_text(path.read_text().replace("People and their", "People with their"))


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (change_study, (), "the study file has changed"),
        (change_people, (), "the file of people has changed"),
        (change_chapter, (), "the program has changed"),
        (lambda room: None, ("--threshold", "20"), "the disclosure profile has changed"),
    ],
)
def test_a_run_with_anything_changed_starts_anew_and_says_why(room, change, options, reason):
    analyse(room, ends_in="b_second")
    change(room)
    again, ran = analyse(room, *options)
    assert again.exit_code == 0, again.output
    assert reason in again.output
    assert ran == [*CHAPTERS]
    assert not (room / "out" / chapters.FOLDER).exists()


def test_a_comment_in_the_study_file_changes_nothing(room):
    analyse(room, ends_in="b_second")
    (room / "ipf.toml").write_text((room / "ipf.toml").read_text() + "\n# as agreed in May\n")
    assert analyse(room)[1] == ["b_second", "c_third"]


def test_a_chapter_whose_files_were_touched_runs_again(room):
    analyse(room, ends_in="c_third")
    table = next((room / "out" / chapters.FOLDER).glob("*/a_first/*.csv"))
    table.write_text(table.read_text() + "\n")
    assert analyse(room)[1] == ["a_first", "c_third"]


def test_the_old_results_stay_until_the_new_ones_are_ready(room):
    assert analyse(room)[0].exit_code == 0
    before = written(room / "out")
    change_people(room)
    analyse(room, ends_in="b_second")
    left = {name: (room / "out" / name).read_bytes() for name in before}
    assert left == before
    assert analyse(room)[0].exit_code == 0
    assert written(room / "out")["manifest.json"] is not None
    assert not (room / "out" / chapters.FOLDER).exists()


def test_results_that_were_set_aside_are_put_back(tmp_path):
    old = tmp_path / ".out.before"
    old.mkdir()
    (old / "manifest.json").write_text("{}")
    chapters.recover(tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").read_text() == "{}"
    assert not old.exists()
    chapters.recover(tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").exists()


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    with chapters.Kept(tmp_path / "out", {"the file of people": "1"}) as first:
        first.begin()
        second = chapters.Kept(tmp_path / "out", {"the file of people": "2"})
        with pytest.raises(Problem, match="Another analysis is writing"):
            second.begin()
    with second:
        assert "the file of people has changed" in second.begin()


def test_a_threshold_may_only_be_raised(room):
    refused, ran = analyse(room, "--threshold", "5")
    assert refused.exit_code == 2
    assert "never loosened" in refused.output
    assert ran == []
    refused, _ = analyse(room, "--profile", "no_such")
    assert refused.exit_code == 2
    assert "no disclosure profile" in refused.output


def test_nothing_that_is_kept_or_written_holds_a_value_from_a_row(room):
    lines = (room / "people.csv").read_text().splitlines()
    names = lines[0].split(",")
    planted = []
    for number in range(1, len(lines)):
        cells = dict(zip(names, lines[number].split(","), strict=True))
        years = f"{float(cells['follow_up_years']):.4f}13579"
        cells |= {"person_id": f"canary_{number}", "centre": "canary clinic"}
        cells |= {"follow_up_years": years}
        planted.append(years)
        lines[number] = ",".join(cells.values())
    (room / "people.csv").write_text("\n".join(lines) + "\n")
    stopped, _ = analyse(room, ends_in="b_second", how=KeyboardInterrupt)
    searched = 0
    for folder in ("out", "done"):
        if folder == "done":
            assert analyse(room, output="done")[0].exit_code == 0
        for path in (room / folder).rglob("*"):
            if path.is_file():
                content = path.read_text()
                assert "canary" not in content, path
                assert not any(years in content for years in planted), path
                searched += 1
    assert searched > 12
    assert "canary" not in stopped.output


class Impossible(AnalysisError):
    """Stands in for an analysis that cannot be done with these people."""

    def __init__(self):
        super().__init__("Nobody has the event.")


def test_a_chapter_that_cannot_be_done_is_left_out_whole_and_named(room):
    said, ran = analyse(room, ends_in="b_second", how=Impossible)
    assert said.exit_code == 0, said.output
    assert ran == [*CHAPTERS]
    assert "left out: Nobody has the event." in said.output
    assert "1 chapter of 3 could not be done with these people" in said.output
    names = {path.name for path in (room / "out").glob("*.csv")}
    # The second had published its table before it ended: nothing of it stays.
    assert names == {
        "synthetic_a_first_people.csv",
        "synthetic_c_third_people.csv",
        "numbers.csv",
    }
    record = json.loads((room / "out" / "run.json").read_text())
    assert record["left_out"] == ["b_second"]


def test_a_chapter_that_reads_the_tables_of_one_left_out_is_left_out_too(room):
    third = notebook("c_third").replace(
        "kind=read.kind)", "kind=read.kind, reads=['b_second_people'])"
    )
    (room / "notebooks" / "c_third.ipynb").write_text(third)
    said, ran = analyse(room, ends_in="b_second", how=Impossible)
    assert said.exit_code == 0, said.output
    assert ran == ["a_first", "b_second"]
    assert "left out: c_third, which reads the tables of b_second" in said.output
    record = json.loads((room / "out" / "run.json").read_text())
    assert record["left_out"] == ["b_second", "c_third"]


def test_a_run_of_which_no_chapter_can_be_done_leaves_no_results(room):
    for name in CHAPTERS[1:]:
        (room / "notebooks" / f"{name}.ipynb").unlink()
    said, _ = analyse(room, ends_in="a_first", how=Impossible)
    assert said.exit_code == 2
    assert "No chapter could be done" in said.output
    assert not (room / "out" / "manifest.json").exists()
