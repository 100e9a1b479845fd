"""The project's own files: the lock, the make file, and nothing that belongs elsewhere."""

import re
import subprocess
import sys
import tomllib

from distance_to_care import places, tables

ROOT = places.ROOT


def listed() -> list[str]:
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def test_every_package_is_pinned_with_hashes_and_every_need_is_in_the_lock():
    lock = (ROOT / "requirements.txt").read_text()
    entries = re.split(r"\n(?=\S)", lock[lock.index("\n", lock.rindex("#    ")) :].strip())
    entries = [entry for entry in entries if entry and not entry.startswith("#")]
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z]+\])?==", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]
    pinned = {re.match(r"[a-z0-9._-]+", entry)[0] for entry in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    for need in needs:
        assert re.match(r"[A-Za-z0-9._-]+", need)[0].lower() in pinned, need


def test_every_library_has_a_reason():
    reasons = (ROOT / "CONTRIBUTING.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for need in project["dependencies"] + sum(project["optional-dependencies"].values(), []):
        name = re.match(r"[A-Za-z0-9._-]+", need)[0]
        assert re.search(rf"\b{name}\b", reasons), f"CONTRIBUTING.md: why {name}?"


def test_bare_make_prints_help():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("book", "test", "test-all", "accept", "data", "serve", "clean"):
        assert f"make {target} " in shown


def test_another_python_gets_a_sentence_and_code_2(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text(
        "#!/bin/sh\n"
        # Answers the way Python 3.9 would to the check of the make file.
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, 9, 18); exec(sys.argv[1])"'
        ' "$2"\n'
    )
    old.chmod(0o755)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    found = subprocess.run(
        ["make", f"PYTHON={old}", "book"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "needs Python 3.11, 3.12 or 3.13" in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / ".venv").exists()


def test_data_stay_small_and_are_what_the_descriptor_says():
    total = sum((ROOT / name).stat().st_size for name in listed() if name.startswith("data/"))
    assert total < 15_000_000
    assert tables.altered() == []
    described = {f"data/{entry['path']}" for entry in tables.descriptor()["resources"]}
    undescribed = {
        name
        for name in listed()
        if name.startswith("data/") and name.endswith((".csv", ".parquet", ".toml"))
    } - described
    # A study file describes itself: the data dictionary is made from it.
    assert {n for n in undescribed if not n.startswith("data/studies/")} == set()


def test_no_path_of_a_machine_stands_in_the_project():
    # Homes and other top-level folders that are somebody's own.
    pattern = r"(?<![\w.:/])/(?:home|Users|wor[k]|roo[t]|mnt|srv)/[a-z.]"
    for name in listed():
        if name.endswith((".py", ".md", ".ipynb", ".yml", ".toml", ".cff", "Makefile", "run")):
            found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
            assert not found, f"{name}: {found[0]}"


def test_synthetic_files_say_so():
    for path in (places.DATA / "synthetic").iterdir():
        assert path.name.startswith("synthetic_")
        header, first = path.read_text().splitlines()[:2]
        assert first.split(",")[header.split(",").index("record_kind")] == "synthetic"
