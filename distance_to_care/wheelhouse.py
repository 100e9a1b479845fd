"""Gathers all that an installation without a network needs: packages, the project, an installer.

Secure environments admit software through an airlock, as files that somebody looks at. So what is
gathered is one folder with a list of what is in it, each file with its version, licence, size and
checksum; packages that their authors publish as source only are built here. What analyses import
is a small part of what building a site needs, and only that part is gathered unless more is asked.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from distance_to_care import __version__, places
from distance_to_care.problems import Problem

PROJECT = "distance-to-care"
# What puts the project itself into the environment, without a network.
INSTALLS = ("setuptools",)
INSTALLER = places.ROOT / "distance_to_care" / "wheelhouse_install.py"
QUESTIONS = places.BOOK / "ask_your_environment.md"
CONTENTS = ("file", "package", "version", "licence", "bytes", "sha256", "built_here", "page")
# Never part of the project's archive: what was built or downloaded, and so may be about people.
NOT_ARCHIVED = {".git", ".venv", "_build", "__pycache__", ".pytest_cache", ".ruff_cache"}
# Archives and built packages bear this time, so that the same project gives the same bytes.
EPOCH = 1_704_067_200
PYTHON = re.compile(r"3\.\d+")
PLATFORM = re.compile(r"(manylinux|musllinux|linux|macosx|win)[a-z0-9_]*")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """The computer that the packages are for: this one, unless a version or a platform is named."""

    python: str = ""
    platforms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted = SpecifierSet(_own()["requires-python"])
        if self.python and (not PYTHON.fullmatch(self.python) or self.python not in wanted):
            raise Problem(
                f"The packages cannot be gathered for Python '{self.python}': the project needs "
                f"{wanted}. Name a version such as 3.12."
            )
        strange = [name for name in self.platforms if not PLATFORM.fullmatch(name)]
        if strange:
            raise Problem(
                f"'{strange[0]}' is not the name of a platform. Use one such as "
                "manylinux_2_28_x86_64, win_amd64 or macosx_12_0_arm64."
            )

    @property
    def is_here(self) -> bool:
        """Whether the packages are for this computer."""
        return not self.python and not self.platforms

    def environment(self) -> dict[str, str]:
        """What the conditions of requirements are judged by, where it is not this computer."""
        told = {}
        if self.python:
            told = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        if any(name.startswith("win") for name in self.platforms):
            told |= {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
        elif any(name.startswith("macosx") for name in self.platforms):
            told |= {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
        return told

    def options(self) -> list[str]:
        """What pip is told of it."""
        found = ["--python-version", self.python] if self.python else []
        for name in self.platforms:
            found += ["--platform", name]
        return found


def needed(extras: Iterable[str] = (), target: Target | None = None) -> set[str]:
    """Name every package that the project imports, directly or through another.

    Parameters
    ----------
    extras : optional parts of the project that are wanted as well, such as `book`.
    target : the computer that they are for.

    Returns
    -------
    Names as package indexes write them, without the project's own.
    """
    around = (target or Target()).environment()
    seen: set[tuple[str, str]] = set()
    waiting = [(PROJECT, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in _asked_by(name, extra):
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or marker.evaluate({**around, "extra": extra}):
                other = canonicalize_name(requirement.name)
                waiting += [(other, part) for part in ("", *requirement.extras)]
    return {name for name, _ in seen} - {PROJECT} | set(INSTALLS)


def _own() -> Mapping[str, Any]:
    # Not what pip noted when the project was installed: an installation in place, made before a
    # package was added, does not know of it.
    return tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _asked_by(name: str, extra: str) -> Iterable[str]:
    if name == PROJECT:
        own = _own()
        return own["optional-dependencies"][extra] if extra else own["dependencies"]
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        # Another kind of computer may need what this one has not: its own needs are not known.
        return []


def pinned(lock: str, names: Iterable[str], target: Target | None = None) -> str:
    """Pick the entries of a lock file that pin these packages for a target, with their hashes.

    Raises
    ------
    Problem : a package that the lock file does not pin.
    """
    around = (target or Target()).environment()
    entries: dict[str, list[str]] = {}
    for entry in re.findall(r"^[A-Za-z0-9].*(?:\\\n\s+--hash=\S+\s*)+", lock, re.MULTILINE):
        requirement = Requirement(entry.split("\\\n")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(around):
            entries.setdefault(canonicalize_name(requirement.name), []).append(entry.rstrip())
    missing = sorted(set(names) - entries.keys())
    if missing:
        raise Problem(
            f"requirements.txt does not pin {', '.join(missing)}. Run 'make lock', which writes "
            "it from pyproject.toml."
        )
    return "\n".join(entry for name in sorted(names) for entry in entries[name]) + "\n"


def gather(
    folder: Path, say: Progress, extras: Iterable[str] = (), target: Target | None = None
) -> dict[str, int]:
    """Gather every package, the project and an installer into one folder: whole or not at all.

    Parameters
    ----------
    folder : a folder that does not exist yet, or is empty.
    say : called with a line of text as it goes on.
    extras : optional parts of the project: `book` to build the site inside as well.
    target : the computer that the packages are for.

    Returns
    -------
    `packages`, `built` (of them, built here from source), `bytes` of all files.

    Raises
    ------
    Problem : the folder holds something, a package cannot be had, or one cannot be built.
    """
    target = target or Target()
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(f"{folder} exists and holds something. Name an empty or a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # pip may leave files that its user alone can write: gathered aside, and moved when whole.
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        wheels = staging / "wheels"
        wheels.mkdir()
        lock = (places.ROOT / "requirements.txt").read_text(encoding="utf-8")
        asked = staging / "asked.txt"
        asked.write_text(pinned(lock, needed(extras, target), target), encoding="utf-8")
        say("Fetching packages")
        _fetch(asked, wheels, target)
        asked.unlink()
        built = _build_sources(wheels, say)
        say("Writing the project, the installer and the list of what is here")
        _archive(staging / f"{PROJECT}-{__version__}.tar.gz")
        shutil.copyfile(INSTALLER, staging / "install.py")
        if QUESTIONS.exists():
            shutil.copyfile(QUESTIONS, staging / "what_to_ask.md")
        found = _list(staging, wheels, built, target)
        staging.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        staging.replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return found


def size(found: Mapping[str, int]) -> str:
    """Say in a small CSV what `gather` found: packages, and megabytes to the nearest ten."""
    # To ten, since the archive of the project grows and shrinks with every change.
    return f"packages,megabytes\n{found['packages']},{round(found['bytes'], -7) // 1_000_000}\n"


def _pip(*arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "PIP_NO_INPUT": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )


def _fetch(asked: Path, wheels: Path, target: Target) -> None:
    """Download the pinned packages, and check the hashes that the lock file names."""
    options = ["download", "--quiet", "--require-hashes", "--dest", str(wheels)]
    if target.is_here:
        run = _pip(*options, "--no-deps", "--requirement", str(asked))
        if run.returncode:
            raise Problem(f"A package could not be fetched: {_last(run)}")
        return
    # For another computer pip takes built packages only; what is source only is tried after that.
    for entry in re.findall(r"^[A-Za-z0-9].*(?:\\\n\s+--hash=\S+\s*)+", asked.read_text(), re.M):
        one = asked.with_name("one.txt")
        one.write_text(entry, encoding="utf-8")
        run = _pip(*options, "--no-deps", "--only-binary=:all:", *target.options(), "-r", str(one))
        if run.returncode:
            run = _pip(*options, "--no-deps", "--no-binary=:all:", "--requirement", str(one))
        one.unlink()
        if run.returncode:
            name = entry.split("==")[0]
            raise Problem(
                f"'{name}' is not to be had for {', '.join(target.platforms) or 'this platform'} "
                f"and Python {target.python or 'of this version'}: {_last(run)}"
            )


def _last(run: subprocess.CompletedProcess) -> str:
    said = [line for line in (run.stderr or run.stdout).splitlines() if line.strip()]
    return said[-1].strip() if said else "pip gave no reason."


def _build_sources(wheels: Path, say: Progress) -> set[str]:
    """Build what came as source, and put the built package in its place."""
    built = set()
    for source in sorted(wheels.iterdir()):
        if source.suffix == ".whl":
            continue
        name, _ = parse_sdist_filename(source.name)
        say(f"Building {name}, which its authors publish as source only")
        before = set(wheels.iterdir())
        run = _pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(source))
        made = set(wheels.iterdir()) - before
        if run.returncode or not made:
            raise Problem(f"'{name}' could not be built: {_last(run)}")
        source.unlink()
        built |= {path.name for path in made}
    return built


def project_files(root: Path = places.ROOT) -> list[Path]:
    """List the files of the project: those under version control, or all but what was built."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if run.returncode == 0 and run.stdout:
        found = [root / name for name in run.stdout.split("\0") if name]
    else:
        found = [
            path for path in root.rglob("*") if not NOT_ARCHIVED & set(path.relative_to(root).parts)
        ]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _archive(path: Path) -> None:
    """Write the project's files as one archive: the same files, the same bytes."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = EPOCH, 0, 0, "", ""
        entry.mode = 0o755 if entry.mode & 0o100 else 0o644
        return entry

    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in project_files():
            name = Path(PROJECT) / file.relative_to(places.ROOT)
            archive.add(file, str(name), recursive=False, filter=plain)


def _list(folder: Path, wheels: Path, built: set[str], target: Target) -> dict[str, int]:
    """Write the pinned requirements, the list for the airlock, the checksums and the target."""
    rows = []
    lines = []
    for path in sorted(wheels.iterdir()):
        name, version, _, _ = parse_wheel_filename(path.name)
        digest = _sha256(path)
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{digest}")
        about = _about(name)
        rows.append(
            {
                "file": f"wheels/{path.name}",
                "package": name,
                "version": str(version),
                "licence": about["licence"],
                "bytes": path.stat().st_size,
                "sha256": digest,
                "built_here": "yes" if path.name in built else "no",
                "page": f"https://pypi.org/project/{name}/{version}/",
            }
        )
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = {
        "project": PROJECT,
        "version": __version__,
        "python": target.python or "{}.{}".format(*sys.version_info[:2]),
        "platforms": list(target.platforms) or ["the computer that gathered it"],
    }
    (folder / "made_for.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    others = [path for path in sorted(folder.iterdir()) if path.is_file()]
    for path in others:
        own = {"file": path.name, "package": PROJECT, "version": __version__, "licence": "MIT"}
        size = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        rows.append({**own, **size, "built_here": "yes", "page": ""})
    with (folder / "contents.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CONTENTS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    summed = [*sorted(wheels.iterdir()), *others, folder / "contents.csv"]
    sums = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in summed]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"packages": len(lines), "built": len(built), "bytes": size}


def _about(name: str) -> Mapping[str, str]:
    """The licence that a package names, as far as it is installed here and says one."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return {"licence": "see its page"}
    named = told.get("License-Expression") or ""
    classified = [
        line.rsplit("::", 1)[-1].strip()
        for line in told.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    named = named or "; ".join(classified) or (told.get("License") or "").split("\n")[0]
    return {"licence": named[:80] or "see its page"}


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
