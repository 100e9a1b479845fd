"""A folder is locked by one at a time, and by nobody where there are no locks."""

import errno
import fcntl
import os
from unittest import mock

import pytest

from distance_to_care import locks
from distance_to_care.publication import build


def test_a_folder_is_locked_until_it_is_let_go(tmp_path):
    locked, first = locks.folder(tmp_path)
    assert locked
    assert locks.folder(tmp_path) == (False, None)
    os.close(first)
    locked, second = locks.folder(tmp_path)
    assert locked
    os.close(second)


@pytest.mark.parametrize(
    "without",
    [
        mock.patch.object(locks, "fcntl", None),
        mock.patch.object(fcntl, "flock", side_effect=OSError(errno.ENOLCK, "No locks available")),
    ],
    ids=["system", "file system"],
)
def test_where_there_are_no_locks_nobody_is_kept_out_and_a_build_goes_on(without, tmp_path):
    said = []
    with without:
        assert locks.folder(tmp_path) == (True, None)
        with build._turn(tmp_path / "base", said.append):
            assert (tmp_path / "base").is_dir()
    assert said == []
