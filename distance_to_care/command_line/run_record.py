"""What run.json says of a run: program, study, profile, people in a band, versions and times."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from distance_to_care import __version__, disclosure, second_opinion, tables
from distance_to_care.disclosure.profiles import Profile
from distance_to_care.releasing import sealing
from distance_to_care.study import Study
from distance_to_care.whole_file import whole

NAME = "distance-to-care"
FILE = "run.json"


def record(
    study: Study,
    people: int,
    kind: str,
    profile: Profile,
    source_sha256: str,
    started: str,
    seconds: Mapping[str, float],
    left_out: Sequence[str] = (),
    opinion: Mapping = second_opinion.NOT_ASKED,
) -> dict:
    """Describe a run so that it can be done again; times stand here and nowhere else.

    Parameters
    ----------
    study : the study of the run.
    people : how many people; a band of five is written.
    kind : what they are: synthetic, registry or open.
    profile : the disclosure profile that held.
    source_sha256 : digest of the program and its chapters.
    started : when the run began, as `now` writes it.
    seconds : how long each chapter took.
    left_out : chapters that could not be done with these people.
    opinion : what `second_opinion.of_published` found.
    """
    content, digest = tables.study_content(study)
    return {
        "software": {
            "name": NAME,
            "version": __version__,
            "source_sha256": source_sha256,
            "modules_sha256": sealing.of_source(),
        },
        "study": {
            "name": study.name,
            "title": study.title,
            "sha256": digest,
            "content": content,
        },
        "profile": {"name": profile.name, "numbers": profile.numbers},
        "people": disclosure.band(people),
        "record_kind": kind,
        "python": platform.python_version(),
        "packages": packages(),
        "started": started,
        "seconds": dict(seconds),
        "left_out": list(left_out),
        "second_opinion": opinion,
    }


def write(folder: Path, content: Mapping) -> None:
    """Write run.json into a folder of results, whole or not at all."""
    with whole(folder / FILE) as part:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")


def now() -> str:
    """The time now, to the second, in universal time."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def packages() -> dict[str, str]:
    """Versions of the installed packages that the analyses stand on."""
    versions = {}
    for line in metadata.requires(NAME) or ():
        if "extra ==" in line:
            continue
        name = re.match(r"[A-Za-z0-9._-]+", line).group(0)
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return dict(sorted(versions.items()))
