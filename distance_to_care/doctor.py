"""What of this environment an analysis needs, and whether it is there: one finding a line.

No data about people are looked at, nothing is sent anywhere, and no finding names a user, a
computer or a folder.
"""

from __future__ import annotations

import locale
import os
import platform
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from distance_to_care import official, places, wheelhouse

WELL, LOOK, STOPS = "well", "look at this", "stops you"
PROJECT = "distance-to-care"
FONT = "DejaVu Sans"
GIGABYTE = 1e9
# An analysis writes some ten megabytes, and a build of the site some hundred.
LEAST_DISK, GOOD_DISK = 0.2, 2.0
LEAST_MEMORY, GOOD_MEMORY = 0.7, 2.0
# Official files that a study's chapters about people may draw on.
FOR_PEOPLE = ("imd_2019", "imd_2025", "lookup_lsoa11_lsoa21")
# An address kept for documentation: nobody is there, and nothing is sent to it.
_NOBODY = ("192.0.2.1", 9)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it is, what was seen, and what to do about it."""

    title: str
    state: str
    seen: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.state:>12}  {self.title}: {self.seen}" + (f" {self.do}" if self.do else "")


def examine(folder: Path) -> list[Finding]:
    """Look at everything that an analysis needs.

    Parameters
    ----------
    folder : where results are to be written.

    Returns
    -------
    One finding a thing, in a fixed order.
    """
    looks: tuple[Callable[[Path], Finding], ...] = (
        _python, _packages, _other_versions, _site, _disk, _memory, _cores, _writable,
        _temporary, _encoding, _clock, _fonts, _official_files, _network,
    )  # fmt: skip
    found = []
    for look in looks:
        try:
            found.append(look(folder))
        except Exception as error:
            # One thing that cannot be looked at must not hide the others.
            title = look.__name__.strip("_").replace("_", " ")
            found.append(Finding(title, LOOK, f"could not be looked at ({type(error).__name__})."))
    return found


def _python(folder: Path) -> Finding:
    asked = metadata.metadata(PROJECT).get("Requires-Python", "")
    seen = platform.python_version()
    from packaging.specifiers import SpecifierSet

    if seen in SpecifierSet(asked):
        return Finding("Python", WELL, f"version {seen}.")
    return Finding("Python", STOPS, f"version {seen}.", f"Ask for a version {asked}.")


def pins(text: str) -> dict[str, str]:
    """Read name and version of every package in a requirements file that holds on this machine."""
    found = {}
    for line in text.splitlines():
        words = line.split("#")[0].split("--hash")[0].rstrip(" \\")
        if "==" not in words or line[:1].isspace():
            continue
        need = Requirement(words)
        if need.marker is None or need.marker.evaluate():
            found[canonicalize_name(need.name)] = next(iter(need.specifier)).version
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pinned() -> dict[str, str]:
    return pins((places.ROOT / "requirements.txt").read_text(encoding="utf-8"))


def _packages(folder: Path) -> Finding:
    missing = sorted(name for name in wheelhouse.needed() if _installed(name) is None)
    if missing:
        return Finding(
            "packages for analysis",
            STOPS,
            f"{len(missing)} missing: {', '.join(missing)}.",
            "Install them from the wheelhouse ('distance-to-care wheelhouse' makes one outside).",
        )
    return Finding("packages for analysis", WELL, "all are installed.")


def _other_versions(folder: Path) -> Finding:
    pinned = _pinned()
    other = {
        name: found
        for name in sorted(wheelhouse.needed() & set(pinned))
        if (found := _installed(name)) not in (None, pinned[name])
    }
    if other:
        told = ", ".join(f"{name} {found} ({pinned[name]})" for name, found in other.items())
        return Finding(
            "versions of packages",
            LOOK,
            f"{len(other)} differ from requirements.txt: {told}.",
            "Results may differ in late digits; install the versions in brackets.",
        )
    return Finding("versions of packages", WELL, "as in requirements.txt.")


def _site(folder: Path) -> Finding:
    missing = [name for name in _pinned() if _installed(name) is None]
    if missing:
        return Finding(
            "packages for the site",
            LOOK,
            f"{len(missing)} are not installed.",
            "Not needed for 'check', 'analyse' and 'release'; only for 'build'.",
        )
    return Finding("packages for the site", WELL, "all are installed.")


def _amount(title: str, size: float, least: float, good: float, more: str) -> Finding:
    state = STOPS if size < least else LOOK if size < good else WELL
    return Finding(title, state, f"{size:.1f} GB.", "" if state == WELL else more)


def _disk(folder: Path) -> Finding:
    at = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(at).free / GIGABYTE
    return _amount("free disk", free, LEAST_DISK, GOOD_DISK, "Free some, or ask for more.")


def _memory(folder: Path) -> Finding:
    sizes = []
    about = Path("/proc/meminfo")
    if about.exists():
        lines = about.read_text().splitlines()
        words = next((line.split() for line in lines if line.startswith("MemAvailable")), None)
        sizes += [int(words[1]) * 1024] if words else []
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and limit.read_text().strip().isdigit():
        used = limit.with_name("memory.current")
        taken = int(used.read_text()) if used.exists() else 0
        sizes.append(int(limit.read_text()) - taken)
    if not sizes:
        do = "Two gigabytes are plenty for a few thousand people."
        return Finding("free memory", LOOK, "not known on this system.", do)
    free = min(sizes) / GIGABYTE
    return _amount("free memory", free, LEAST_MEMORY, GOOD_MEMORY, "Close other programs.")


def _cores(folder: Path) -> Finding:
    known = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    return Finding("cores", WELL, f"{count}; an analysis uses one.")


def _writable(folder: Path) -> Finding:
    at = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=at) as stream:
            stream.write(b"x")
    except OSError:
        do = "Name a folder with --folder in which you may write."
        return Finding("folder for results", STOPS, "cannot be written to.", do)
    if folder.absolute().resolve().is_relative_to(places.ROOT):
        return Finding(
            "folder for results",
            LOOK,
            "can be written to, but lies inside the repository.",
            "Results about patients need a folder outside it: name one with --folder.",
        )
    return Finding("folder for results", WELL, "can be written to.")


def _temporary(folder: Path) -> Finding:
    at = Path(tempfile.gettempdir())
    mode = at.stat().st_mode
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(
            "temporary folder",
            LOOK,
            "is shared with other users of this computer.",
            "Analyses write nothing about people there; to be sure set TMPDIR to a folder of your "
            "own.",
        )
    return Finding("temporary folder", WELL, "is your own.")


def _encoding(folder: Path) -> Finding:
    found = locale.getpreferredencoding(False)
    output = getattr(sys.stdout, "encoding", None) or found
    if {found.lower().replace("-", ""), output.lower().replace("-", "")} == {"utf8"}:
        return Finding("text encoding", WELL, "UTF-8.")
    return Finding(
        "text encoding",
        LOOK,
        f"{found}, and {output} on the screen.",
        "Set PYTHONUTF8=1. Files are read and written as UTF-8 in any case.",
    )


def _clock(folder: Path) -> Finding:
    newest = max(path.stat().st_mtime for path in Path(__file__).parent.rglob("*.py"))
    if time.time() < newest - 3600:
        return Finding(
            "clock",
            LOOK,
            "is earlier than the files of this program.",
            "The day of a run would be wrong: ask for the clock to be set.",
        )
    return Finding("clock", WELL, "is later than the files of this program.")


def _fonts(folder: Path) -> Finding:
    from matplotlib import font_manager

    try:
        font_manager.findfont(FONT, fallback_to_default=False)
    except ValueError:
        do = "Figures would have other widths: install matplotlib afresh."
        return Finding("font for figures", LOOK, f"{FONT} was not found.", do)
    return Finding("font for figures", WELL, f"{FONT}, which matplotlib brings along.")


def _official_files(folder: Path) -> Finding:
    there = places.official_folder()
    found = official.find(there) if there else {}
    missing = [name for name in FOR_PEOPLE if name not in found]
    if not missing:
        return Finding("official files", WELL, "what area codes and postcodes need is there.")
    return Finding(
        "official files",
        LOOK,
        f"not here: {', '.join(missing)}.",
        "Needed only where deprivation is to follow from area codes or postcodes. Run 'make data' "
        f"outside, carry its folder in and name it in {places.OFFICIAL_VARIABLE}.",
    )


def _network(folder: Path) -> Finding:
    # Joining a datagram socket asks this computer for a route and sends nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(_NOBODY)
            route = True
        except OSError:
            route = False
    seen = "there is a way out" if route else "there is none"
    return Finding("network", WELL, f"{seen}; none is needed (nothing was sent to find out).")
