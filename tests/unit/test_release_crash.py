"""A release is there whole or not at all: killed, interrupted, without room, without a right."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from unittest import mock

import pytest
import small_release

from distance_to_care import locks, places, releasing
from distance_to_care.problems import Problem
from distance_to_care.releasing import hidden_cells, verification, whole_folder

HERE = Path(__file__).parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="forks and signals are of POSIX")
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(places.ROOT), str(HERE)]),
    "OMP_NUM_THREADS": "1",
}


def program(code: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    """Run a little program beside the tests."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.fixture
def work(tmp_path) -> Path:
    return small_release.work_folder(tmp_path / "work")


def others(tmp_path: Path) -> list[str]:
    """What stands beside the work folder."""
    return sorted(path.name for path in tmp_path.iterdir() if path.name != "work")


def crashes(work: Path, parent: Path, *how: object) -> list[dict]:
    """Kill many runs, and check that each left a whole release or none; what each left."""
    parent.mkdir()
    done = subprocess.run(
        [sys.executable, HERE / "release_crashes.py", work, parent, *map(str, how)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)
    for run in runs:
        assert run["faults"] == []
        assert run["killed"] or run["there"]
    return runs


@POSIX
def test_a_run_killed_at_any_of_twenty_moments_leaves_a_whole_release_or_none(work, tmp_path):
    runs = crashes(work, tmp_path / "runs", "moments", 20, 20)
    assert len(runs) == 20
    # Some runs have to have been killed in the act, or the test proves nothing.
    assert sum(run["killed"] and not run["there"] for run in runs) >= 5


@POSIX
def test_a_run_killed_before_a_step_on_the_disk_leaves_a_whole_release_or_none(work, tmp_path):
    runs = crashes(work, tmp_path / "runs", "steps", 4)
    killed, ended = runs[:-1], runs[-1]
    assert not ended["killed"]
    assert ended["left"] == 0
    # Before the rename nothing is there, after it all is.
    there = [run["there"] for run in runs]
    assert there == sorted(there)
    assert sum(run["left"] and not run["there"] for run in killed) >= 5


@POSIX
def test_what_a_killed_run_left_is_removed_at_the_next_start_and_nothing_else(work, tmp_path):
    # Left by a process that is gone: nobody holds its lock.
    left = tmp_path / ".release-staging-abcd_123"
    (left / "release" / "tables").mkdir(parents=True)
    (left / "release" / "tables" / "people.csv").write_text("half")
    # Not left by a run: another name, another target, other content, a link, a file.
    kept = [".release-staging-short", ".other-staging-abcd_123", ".release-staging-content1"]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / ".release-staging-content1" / "mine.txt").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".release-staging-linked12").symlink_to(tmp_path / "elsewhere")
    (tmp_path / ".release-staging-thefile1").write_text("mine")
    kept += ["elsewhere", ".release-staging-linked12", ".release-staging-thefile1"]
    releasing.release(work, tmp_path / "release", first=True)
    assert not left.exists()
    assert others(tmp_path) == sorted([*kept, "release"])


@POSIX
def test_the_staging_of_a_run_at_work_is_left_alone(work, tmp_path):
    staging, lock = whole_folder._staging(tmp_path / "release")
    (staging / "release").mkdir()
    os.utime(staging, (1, 1))
    releasing.release(work, tmp_path / "release", first=True)
    assert staging.is_dir()
    os.close(lock)
    # Of another target it is none of this run's business.
    releasing.release(work, tmp_path / "again", first=True)
    assert staging.is_dir()
    # Once its process is gone, the next run removes it.
    shutil.rmtree(tmp_path / "release")
    releasing.release(work, tmp_path / "release", first=True)
    assert not staging.exists()


@POSIX
def test_an_empty_staging_is_left_until_it_cannot_be_that_of_a_run_about_to_lock(work, tmp_path):
    young = tmp_path / ".release-staging-youngone"
    young.mkdir()
    old = tmp_path / ".release-staging-oldoneee"
    old.mkdir()
    os.utime(old, (1, 1))
    releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == [".release-staging-youngone", "release"]


def test_without_locks_only_what_was_forgotten_for_a_day_is_removed(work, tmp_path):
    recent = tmp_path / ".release-staging-recent12"
    (recent / "release").mkdir(parents=True)
    forgotten = tmp_path / ".release-staging-forgott1"
    (forgotten / "release").mkdir(parents=True)
    os.utime(forgotten, (1, 1))
    with mock.patch.object(locks, "fcntl", None):
        releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == [".release-staging-recent12", "release"]


@POSIX
def test_a_full_disk_leaves_nothing(work, tmp_path):
    code = """
import resource, sys
from pathlib import Path
from distance_to_care import releasing
for limit in (5_000, 200, 1, 0):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        releasing.release(Path(sys.argv[1]), Path(sys.argv[2]), first=True)
    except OSError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        print(limit, error.strerror)
"""
    done = program(code, work, tmp_path / "release")
    assert done.stdout.splitlines() == [
        f"{limit} File too large" for limit in (5_000, 200, 1, 0)
    ], done.stderr
    assert others(tmp_path) == []


@POSIX
def test_a_folder_that_may_not_be_written_is_a_sentence(work, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    # The administrator may write anywhere, unless that right is given up first.
    code = """
import ctypes, os, sys
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "distance_to_care", "release", *sys.argv[1:]])
"""
    done = program(code, work, closed / "release", "--first")
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == f"{closed / 'release'}: Permission denied."
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError, OSError, RuntimeError])
def test_an_interrupted_run_leaves_nothing(work, tmp_path, fault):
    with mock.patch.object(whole_folder, "fill", side_effect=fault), pytest.raises(fault):
        releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == []


def test_a_fault_in_the_last_look_leaves_nothing(work, tmp_path):
    with (
        mock.patch.object(verification, "faults", return_value=["A file is odd."]),
        pytest.raises(Problem, match="The release was not written:\n  - A file is odd."),
    ):
        releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == []


def test_a_fault_in_the_attack_leaves_nothing(work, tmp_path):
    with (
        mock.patch.object(hidden_cells, "narrow", side_effect=RuntimeError("solver")),
        pytest.raises(RuntimeError),
    ):
        releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == []


def test_a_disk_that_is_altered_in_between_is_seen(work, tmp_path):
    fill = whole_folder.fill

    def filled(folder, files):
        fill(folder, files)
        (folder / "tables" / "people.csv").write_text("a\n1\n")

    with (
        mock.patch.object(whole_folder, "fill", filled),
        pytest.raises(Problem, match="tables/people.csv is altered"),
    ):
        releasing.release(work, tmp_path / "release", first=True)
    assert others(tmp_path) == []


def test_of_two_runs_at_once_one_writes_and_the_other_says_so(work, tmp_path):
    together = threading.Barrier(2)
    fill = whole_folder.fill
    ended: list[str] = []

    def filled(folder, files):
        together.wait(timeout=60)
        fill(folder, files)

    def run():
        try:
            releasing.release(work, tmp_path / "release", date="2026-05-31", first=True)
            ended.append("written")
        except (Problem, OSError) as problem:
            ended.append(str(problem))

    with mock.patch.object(whole_folder, "fill", filled):
        runs = [threading.Thread(target=run) for _ in range(2)]
        for each in runs:
            each.start()
        for each in runs:
            each.join(timeout=60)
    assert ended.count("written") == 1
    other = next(said for said in ended if said != "written")
    assert "in the meantime" in other or "not empty" in other
    assert releasing.faults(tmp_path / "release") == []
    assert others(tmp_path) == ["release"]


def test_a_release_that_appeared_in_the_meantime_is_not_touched(work, tmp_path):
    target = tmp_path / "release"
    fill = whole_folder.fill

    def filled(folder, files):
        fill(folder, files)
        target.mkdir()
        (target / "mine.txt").write_text("mine")

    with (
        mock.patch.object(whole_folder, "fill", filled),
        pytest.raises(Problem, match="written by another run in the meantime"),
    ):
        releasing.release(work, target, first=True)
    assert small_release.tree(target) == {"mine.txt": b"mine"}
    shutil.rmtree(target)
    assert others(tmp_path) == []
