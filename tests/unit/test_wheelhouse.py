"""Packages for a place without a network: what is gathered, and what the installer refuses."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
from importlib import metadata

import pytest
from typer.testing import CliRunner

from distance_to_care import places, wheelhouse
from distance_to_care.command_line import app
from distance_to_care.problems import Problem

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
beta==2.0 ; python_version < "3.12" \\
    --hash=sha256:cc
beta==3.0 ; python_version >= "3.12" \\
    --hash=sha256:dd
gamma[extra]==4.0 ; sys_platform == "win32" \\
    --hash=sha256:ee
"""


def test_analyses_need_no_tool_that_builds_a_site():
    core = wheelhouse.needed()
    assert {"pandas", "lifelines", "autograd-gamma", "typer"} <= core
    assert not core & {"jupyter-book", "sphinx", "ipykernel", "nbclient", "pytest", "playwright"}
    # Everything of the core is in what the site needs as well, and that is at least twice as much.
    whole = wheelhouse.needed(["book", "test"])
    assert core < whole
    assert len(whole) > 2 * len(core)


def test_a_package_added_since_the_project_was_installed_is_gathered(tmp_path, monkeypatch):
    text = (places.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    added = text.replace("dependencies = [", 'dependencies = [\n  "newly-added",', 1)
    (tmp_path / "pyproject.toml").write_text(added, encoding="utf-8")
    before = wheelhouse.needed()
    monkeypatch.setattr(places, "ROOT", tmp_path)
    assert wheelhouse.needed() == before | {"newly-added"}


def test_the_size_that_is_written_down_is_that_of_today(tmp_path, monkeypatch):
    _, line = (places.BOOK / "wheelhouse.csv").read_text(encoding="utf-8").splitlines()
    packages, megabytes = map(int, line.split(","))
    # A package more or less for another version of Python; the size itself is a slow test's.
    assert abs(packages - len(wheelhouse.needed())) <= 3
    for name in ("README.md", "CHANGELOG.md"):
        text = (places.ROOT / name).read_text(encoding="utf-8")
        assert re.search(rf"\b{packages} packages\b.{{0,14}} {megabytes} MB", text), name
    found = {"packages": packages, "built": 1, "bytes": megabytes * 10**6 + 4_999_999}
    monkeypatch.setattr(wheelhouse, "gather", lambda *arguments: found)
    record = tmp_path / "size.csv"
    run = CliRunner().invoke(app, ["wheelhouse", str(tmp_path / "new"), "--record", str(record)])
    assert run.exit_code == 0, run.output
    assert record.read_text() == (places.BOOK / "wheelhouse.csv").read_text()


def test_the_command_line_and_all_analyses_import_without_the_tools_of_the_book():
    # The names of modules that the other packages bring are refused by an importer of our own.
    core = wheelhouse.needed()
    others = sorted(
        module
        for module, packages in metadata.packages_distributions().items()
        if not any(wheelhouse.canonicalize_name(package) in core for package in packages)
        and module not in {"distance_to_care", "pip", "_distutils_hack", "pkg_resources"}
        and not module.startswith("__editable__")
    )
    assert "sphinx" in others
    code = (
        "import sys\n"
        f"refused = set({others!r})\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in refused:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import distance_to_care.command_line\n"
        "from distance_to_care import analyses, cohort, figures, results\n"
        "from distance_to_care.statistics import (cohort_missing, cohort_people, cohort_survival,\n"
        "    comparison, competing_events, joint, severity, structures, treatment)\n"
        "print(len(analyses.cohort_notebooks('ipf')))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=places.ROOT
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 5


def test_the_lock_file_gives_the_entry_of_the_version_of_python_that_is_there():
    old = wheelhouse.pinned(LOCK, ["alpha", "beta"], wheelhouse.Target("3.11"))
    assert "alpha==1.0" in old
    assert "sha256:bb" in old
    assert "beta==2.0" in old
    assert "beta==3.0" not in old
    new = wheelhouse.pinned(LOCK, ["beta"], wheelhouse.Target("3.13"))
    assert "beta==3.0" in new
    assert "sha256:cc" not in new


def test_the_lock_file_gives_the_entry_of_the_kind_of_computer_that_is_there():
    windows = wheelhouse.Target("3.12", ("win_amd64",))
    assert "gamma[extra]==4.0" in wheelhouse.pinned(LOCK, ["gamma"], windows)
    with pytest.raises(Problem, match="does not pin gamma"):
        wheelhouse.pinned(LOCK, ["gamma"], wheelhouse.Target("3.12", ("manylinux_2_28_x86_64",)))


def test_every_package_of_the_core_is_pinned_with_hashes():
    lock = (places.ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = wheelhouse.needed()
    found = wheelhouse.pinned(lock, names)
    assert found.count("==") == len(names)
    assert found.count("--hash=sha256:") >= len(names)


def test_a_folder_that_holds_something_is_refused_and_keeps_it(tmp_path):
    kept = tmp_path / "wheels" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    run = CliRunner().invoke(app, ["wheelhouse", str(kept.parent)])
    assert run.exit_code == 2
    assert "holds something" in run.output
    assert kept.read_text() == "mine"


def test_a_package_that_cannot_be_had_leaves_no_folder(tmp_path, monkeypatch):
    def none(*_):
        return subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution\n")

    monkeypatch.setattr(wheelhouse, "_pip", none)
    with pytest.raises(Problem, match="No matching distribution"):
        wheelhouse.gather(tmp_path / "wheels", lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_the_project_travels_without_what_was_built():
    names = {path.relative_to(places.ROOT).as_posix() for path in wheelhouse.project_files()}
    assert {"Makefile", "data/studies/ipf.toml", "notebooks/hazard_ratios.ipynb"} <= names
    assert not [name for name in names if name.startswith(("_build/", ".venv/", ".git/"))]


def test_a_project_without_version_control_travels_without_what_was_built(tmp_path):
    for name in ("Makefile", "data/a.csv", "_build/results/b.csv", ".venv/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = [path.relative_to(tmp_path).as_posix() for path in wheelhouse.project_files(tmp_path)]
    assert found == ["Makefile", "data/a.csv"]


def test_the_archive_is_the_same_bytes_whenever_the_files_are(tmp_path, monkeypatch):
    some = [places.ROOT / "Makefile", places.DATA / "studies" / "ipf.toml"]
    monkeypatch.setattr(wheelhouse, "project_files", lambda: some)
    first, second = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"
    wheelhouse._archive(first)
    with tarfile.open(first) as archive:
        assert archive.getnames() == [
            "distance-to-care/Makefile",
            "distance-to-care/data/studies/ipf.toml",
        ]
    time.sleep(1.1)
    wheelhouse._archive(second)
    assert first.read_bytes() == second.read_bytes()


@pytest.fixture
def gathered(tmp_path, monkeypatch):
    """A folder with one small package in it, gathered without a network."""
    source = tmp_path / "source"
    source.mkdir()
    package = source / "tiny-1.0-py3-none-any.whl"
    package.write_bytes(b"not opened before its checksum is seen")

    def fetch(asked, wheels, target):
        shutil.copyfile(package, wheels / package.name)

    monkeypatch.setattr(wheelhouse, "_fetch", fetch)
    monkeypatch.setattr(wheelhouse, "project_files", lambda: [places.ROOT / "LICENSE"])
    wheelhouse.gather(tmp_path / "wheels", lambda line: None)
    return tmp_path / "wheels"


def install(gathered, *arguments):
    return subprocess.run(
        [sys.executable, str(gathered / "install.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_every_file_is_listed_with_its_checksum_and_size(gathered):
    listed = (gathered / "contents.csv").read_text().splitlines()
    assert listed[0] == ",".join(wheelhouse.CONTENTS)
    row = next(line for line in listed if "tiny" in line)
    assert row.split(",")[4] == str(len(b"not opened before its checksum is seen"))
    summed = {line.split("  ")[1] for line in (gathered / "SHA256SUMS").read_text().splitlines()}
    present = {p.relative_to(gathered).as_posix() for p in gathered.rglob("*") if p.is_file()}
    assert summed == present - {"SHA256SUMS"}


@pytest.mark.parametrize("harm", ["altered", "missing", "added"])
def test_the_installer_refuses_a_folder_that_is_not_whole(gathered, tmp_path, harm):
    package = gathered / "wheels" / "tiny-1.0-py3-none-any.whl"
    if harm == "altered":
        content = bytearray(package.read_bytes())
        content[3] ^= 1
        package.write_bytes(bytes(content))
    elif harm == "missing":
        package.unlink()
    else:
        (gathered / "wheels" / "other-1.0-py3-none-any.whl").write_bytes(b"")
    run = install(gathered, tmp_path / "there")
    assert run.returncode == 2
    assert "not whole" in run.stderr
    assert "tiny" in run.stderr or "other" in run.stderr
    assert not (tmp_path / "there").exists()


def test_the_installer_refuses_another_version_of_python(gathered, tmp_path):
    told = json.loads((gathered / "made_for.json").read_text())
    (gathered / "made_for.json").write_text(json.dumps(told | {"python": "3.99"}))
    run = install(gathered, tmp_path / "there")
    assert run.returncode == 2
    assert "gathered for Python 3.99" in run.stderr


def test_the_installer_refuses_a_folder_that_holds_something(gathered, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    run = install(gathered, tmp_path / "there")
    assert run.returncode == 2
    assert "holds something" in run.stderr
    assert [p.name for p in (tmp_path / "there").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("version", ["3.9", "3.99", "2.7", "3", "three"])
def test_a_version_of_python_that_the_project_does_not_run_on_is_refused_at_once(version):
    with pytest.raises(Problem, match="the project needs"):
        wheelhouse.Target(version)


def test_a_platform_that_is_none_is_refused_at_once():
    assert wheelhouse.Target("3.12", ("win_amd64", "macosx_12_0_arm64")).platforms
    with pytest.raises(Problem, match="not the name of a platform"):
        wheelhouse.Target("", ("solaris",))
