"""A file is written whole or not at all, and what a killed program left of it goes."""

import os
import signal
import subprocess
import sys
from unittest import mock

import pytest

from distance_to_care import locks, places
from distance_to_care.whole_file import whole

# Begins to write a file, says so, and then waits or is killed.
WRITES = """
import os, signal, sys
from pathlib import Path
from distance_to_care.whole_file import whole
with whole(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("begun", flush=True)
    if sys.argv[2] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def writing(path, how):
    given = os.environ | {"PYTHONPATH": str(places.ROOT)}
    found = subprocess.Popen([sys.executable, "-c", WRITES, str(path), how], env=given, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert found.stdout.readline() == "begun\n"
    return found


@pytest.mark.skipif(os.name != "posix", reason="locks end with a program where there are some")
@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),
    ],
)
def test_a_full_disk_is_told_with_the_name_of_the_file(error, tmp_path):
    path = tmp_path / "people.parquet"
    with pytest.raises(OSError) as found, whole(path):
        raise error
    assert (found.value.filename, found.value.strerror) == (str(path), "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_goes_and_what_one_still_writes_stays(tmp_path):
    people = tmp_path / "people.csv"
    with writing(people, "dies") as killed:
        pass
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    # Files of the user's, whatever their names.
    others = [
        ".people.csv-notes",
        ".people.csv-abcdefgh",
        "people.csv-abcdefgh.part",
        ".other.part",
    ]
    for name in others:
        (tmp_path / name).write_text("mine")
    with whole(tmp_path / "another.csv") as part:
        part.write_text("whole")
    assert left.exists()
    lives = writing(people, "waits")
    assert not left.exists()
    with whole(people) as part:
        part.write_text("whole")
    assert people.read_text() == "whole"
    with lives:
        lives.communicate("")
    assert lives.returncode == 0
    assert people.read_text() == "half"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["people.csv", "another.csv", *others]
    )


@pytest.mark.skipif(os.name != "posix", reason="locks end with a program where there are some")
def test_a_new_file_that_another_program_takes_for_left_over_is_begun_again(tmp_path):
    hold, looked = locks.hold, []

    def looks_first(opened, wait=False):
        # Another program has the lock of the first file, and had that of the second and removed it.
        looked.append(opened)
        if len(looked) == 2:
            (second,) = (
                f for f in tmp_path.iterdir() if f.stat().st_ino == os.fstat(opened).st_ino
            )
            second.unlink()
        return len(looked) > 1 and hold(opened, wait)

    with mock.patch.object(locks, "hold", looks_first), whole(tmp_path / "people.csv") as part:
        part.write_text("whole")
    assert len(looked) == 3
    assert (tmp_path / "people.csv").read_text() == "whole"
