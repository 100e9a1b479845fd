"""The doctor finds what is missing, says what to do, and names nobody."""

import collections
import getpass
import json
import os
import socket
import stat
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distance_to_care import doctor, places
from distance_to_care.command_line import app


def finding(title: str, folder: Path) -> doctor.Finding:
    found = {each.title: each for each in doctor.examine(folder)}
    return found[title]


def test_every_line_is_well_or_says_what_to_do(tmp_path):
    found = doctor.examine(tmp_path)
    assert len({each.title for each in found}) == len(found) >= 12
    for each in found:
        assert each.state in (doctor.WELL, doctor.LOOK, doctor.STOPS)
        assert each.do or each.state == doctor.WELL, each
        assert "could not be looked at" not in each.seen
    assert finding("folder for results", tmp_path).state == doctor.WELL


def test_nothing_names_a_user_a_computer_or_a_folder(tmp_path):
    said = "\n".join(map(str, doctor.examine(tmp_path)))
    for word in (str(tmp_path), str(Path.home()), socket.gethostname(), str(places.ROOT)):
        assert word not in said
    name = getpass.getuser()
    assert f" {name} " not in said and f"/{name}" not in said


def test_a_package_that_is_missing_stops(tmp_path, monkeypatch):
    known = metadata.version

    def version(name):
        if name == "lifelines":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    found = finding("packages for analysis", tmp_path)
    assert found.state == doctor.STOPS
    assert "lifelines" in found.seen and "wheelhouse" in found.do
    said = CliRunner().invoke(app, ["doctor", "--folder", str(tmp_path)])
    assert said.exit_code == 1
    assert "Something stops you." in said.output


def test_another_version_is_to_be_looked_at(tmp_path, monkeypatch):
    known = metadata.version
    monkeypatch.setattr(metadata, "version", lambda n: "0.1" if n == "pandas" else known(n))
    found = finding("versions of packages", tmp_path)
    assert found.state == doctor.LOOK
    assert "pandas 0.1 (2." in found.seen


def test_pins_are_read_with_their_markers():
    text = (
        "# a comment\n"
        "one==1.2.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n    # via two\n"
        "two_words==2.0 ; sys_platform == 'no_such_system' \\\n    --hash=sha256:abc\n"
        "Three.Words==3.1 ; python_version > '3'\n"
    )
    assert doctor.pins(text) == {"one": "1.2.0", "three-words": "3.1"}


Usage = collections.namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "state"), [(1e6, "stops you"), (1e9, "look at this"), (1e11, "well")]
)
def test_a_full_disk_stops(tmp_path, monkeypatch, free, state):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Usage(1e12, 0, free))
    assert finding("free disk", tmp_path).state == state


def test_a_folder_that_cannot_be_written_to_stops(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "canary")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    found = finding("folder for results", tmp_path)
    assert found.state == doctor.STOPS
    assert "canary" not in str(found)


def test_a_folder_inside_the_repository_is_to_be_looked_at():
    assert finding("folder for results", places.ROOT / "work").state == doctor.LOOK


@pytest.mark.skipif(os.name != "posix", reason="rights of folders are those of POSIX here")
@pytest.mark.parametrize(("mode", "state"), [(0o700, "well"), (0o777, "look at this")])
def test_a_shared_temporary_folder_is_to_be_looked_at(tmp_path, monkeypatch, mode, state):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine").chmod(mode)
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == mode
    monkeypatch.setattr(doctor.tempfile, "gettempdir", lambda: str(tmp_path / "mine"))
    assert finding("temporary folder", tmp_path).state == state


def test_official_files_that_are_absent_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    found = finding("official files", tmp_path)
    assert found.state == doctor.LOOK
    assert "imd_2019" in found.seen


def test_a_clock_that_is_behind_is_to_be_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.time, "time", lambda: 0.0)
    assert finding("clock", tmp_path).state == doctor.LOOK


def test_without_a_way_out_all_is_well(tmp_path, monkeypatch):
    class NoRoute(socket.socket):
        def connect(self, address):
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(doctor.socket, "socket", NoRoute)
    found = finding("network", tmp_path)
    assert found.state == doctor.WELL
    assert "none is needed" in found.seen


def test_one_look_that_fails_does_not_hide_the_others(tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("canary")

    monkeypatch.setattr(doctor.shutil, "disk_usage", fails)
    found = doctor.examine(tmp_path)
    assert len(found) >= 12
    lost = [each for each in found if "could not be looked at (RuntimeError)" in each.seen]
    assert len(lost) == 1
    assert "canary" not in str(lost[0])


def test_json_says_the_same(tmp_path):
    said = CliRunner().invoke(app, ["doctor", "--folder", str(tmp_path), "--json"])
    assert said.exit_code == 0, said.output
    content = json.loads(said.output)
    assert [each["title"] for each in content] == [f.title for f in doctor.examine(tmp_path)]
    assert set(content[0]) == {"title", "state", "seen", "do"}
