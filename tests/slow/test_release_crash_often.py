"""Many more runs killed, at random moments and before every single step on the disk."""

from __future__ import annotations

import pytest
import small_release
from test_release_crash import POSIX, crashes

pytestmark = [pytest.mark.slow, POSIX]


def test_two_hundred_killed_runs_leave_a_whole_release_or_none(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    runs = crashes(work, tmp_path / "runs", "moments", 200, 8)
    assert sum(run["killed"] and not run["there"] for run in runs) >= 50


def test_a_run_killed_before_every_step_leaves_a_whole_release_or_none(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    runs = crashes(work, tmp_path / "runs", "steps", 1)
    assert not runs[-1]["killed"]
    assert sum(run["left"] and not run["there"] for run in runs) >= 20
