"""Where things are: the one module that knows folders."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
STUDIES = DATA / "studies"
OPEN = DATA / "open"
DESCRIPTOR = DATA / "datapackage.json"
PACKAGED = DATA / "package_data.toml"
# What the publication says of itself: checklists, logs, the change ledger. No notebook reads it.
REPORTING = DATA / "reporting"
NOTEBOOKS = ROOT / "notebooks"
BOOK = ROOT / "book"
ACCEPTED = BOOK / "results"
# The numbers of the last version, by which changes are told.
VERSIONS = BOOK / "versions"
BUILD = ROOT / "_build"
NBVAL = BUILD / "nbval"

# The environment variables with which a build or a test points the same notebooks elsewhere.
RESULTS_VARIABLE = "DISTANCE_TO_CARE_RESULTS"
COHORT_VARIABLE = "DISTANCE_TO_CARE_COHORT"
KIND_VARIABLE = "DISTANCE_TO_CARE_KIND"
STUDY_VARIABLE = "DISTANCE_TO_CARE_STUDY"
OFFICIAL_VARIABLE = "DISTANCE_TO_CARE_OPEN_DATA"
# The release from which a book outside is redrawn.
RELEASED_VARIABLE = "DISTANCE_TO_CARE_RELEASED"
# Set for the kernels of a build whose people are a registry's.
GUARDED_VARIABLE = "DISTANCE_TO_CARE_GUARDED"
# The disclosure profile that a command tells its kernels.
PROFILE_VARIABLE = "DISTANCE_TO_CARE_PROFILE"
# The file of prepared people that `analyse` makes where they are too many for memory.
PREPARED_VARIABLE = "DISTANCE_TO_CARE_PREPARED"


def prepared_folders() -> list[Path]:
    """The private folder of a run's prepared people, where there is one."""
    named = os.environ.get(PREPARED_VARIABLE)
    return [Path(named).parent] if named else []


def results_root() -> Path:
    """Folder in which every notebook has a folder of its own for what it publishes."""
    return Path(os.environ.get(RESULTS_VARIABLE) or BUILD / "results")


def official_cache() -> Path:
    """Folder outside the repository in which `make data` keeps the official files."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "distance-to-care" / "open-data"


def official_folder() -> Path | None:
    """Folder that holds the official files, or None where there is none."""
    named = os.environ.get(OFFICIAL_VARIABLE)
    folder = Path(named) if named else official_cache()
    return folder if folder.is_dir() else None


def released_folder() -> Path | None:
    """Folder of the release that the book is redrawn from; None where people are there."""
    named = os.environ.get(RELEASED_VARIABLE)
    return Path(named) if named else None
