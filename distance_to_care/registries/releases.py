"""Releases of registries: verified, read, and refused where they cannot stand side by side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from distance_to_care import releasing, results
from distance_to_care.problems import Problem
from distance_to_care.registries.meaning import differing
from distance_to_care.study import Study


@dataclass(frozen=True)
class Release:
    """One verified release: its folder, its manifest and the study that it was made with."""

    folder: Path
    manifest: Mapping[str, Any]
    study: Study

    @property
    def name(self) -> str:
        """How the registry is called: the name of its folder."""
        return self.folder.resolve().name

    @property
    def kind(self) -> str:
        """What its people are: registry, synthetic or open."""
        return str(self.manifest["kind"])

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """What the manifest says of a table; None where the release has none of that name."""
        return self.manifest["files"].get(f"tables/{results.named(name, self.kind)}.csv")

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the release; None where it has none of that name."""
        if self.entry(name) is None:
            return None
        named = results.named(name, self.kind)
        return results.read_published(self.folder / "tables" / f"{named}.csv", named)


def read(folders: Sequence[Path]) -> list[Release]:
    """Read releases, and refuse what is altered, the same twice, or cannot stand side by side.

    Parameters
    ----------
    folders : one a registry.

    Returns
    -------
    One `Release` a folder, in their order.

    Raises
    ------
    Problem : no release in a folder; a file missing, extra or altered; a folder twice; synthetic
        people beside real ones; other versions of this program.
    """
    found = [read_one(folder) for folder in folders]
    for first, second in itertools.combinations(found, 2):
        if first.folder.resolve() == second.folder.resolve():
            raise Problem(f"{second.folder} is named twice. Its people would count twice.")
        if first.name == second.name:
            raise Problem(
                f"{first.folder} and {second.folder} have one name. Rename a folder, so that each "
                "registry can be told apart."
            )
        if first.kind != second.kind:
            raise Problem(
                f"{first.folder} holds {first.kind} results and {second.folder} {second.kind} "
                "ones. They are never pooled."
            )
        versions = [{"software.version": version_of(each)} for each in (first, second)]
        refuse_differing(first, second, *versions)
    return found


def read_one(folder: Path) -> Release:
    """Read one release; a `Problem` where there is none, or where a file was altered."""
    if not folder.is_dir():
        raise Problem(f"{folder} is not a folder. Name folders of releases, or one table (CSV).")
    faults = releasing.faults(folder)
    if faults:
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Problem(
            f"{folder} is not as it was released: {faults[0]}{more} Ask the registry for the "
            "release again."
        )
    found = releasing.read(folder)
    content = json.loads((folder / "study.json").read_text(encoding="utf-8"))["content"]
    return Release(folder, found, Study.from_dict(content, f"{folder}/study.json"))


def version_of(release: Release) -> str:
    """Say which version of this program made a release."""
    return str(release.manifest["software"]["version"])


def remarks(releases: Sequence[Release]) -> list[str]:
    """Say what differs between releases and does not forbid pooling them.

    Parameters
    ----------
    releases : what `read` returned.

    Returns
    -------
    Sentences: other profiles of disclosure control, the same version from other code.
    """
    said = []
    profiles = {each.name: each.manifest["profile"]["name"] for each in releases}
    if len(set(profiles.values())) > 1:
        told = ", ".join(f"{of} {profile}" for of, profile in profiles.items())
        said.append(
            f"The releases were checked with different profiles ({told}): the stricter one "
            "withholds more."
        )
    if len({each.manifest["software"].get("source_sha256") for each in releases}) > 1:
        said.append(
            "The releases have one version but not the same bytes of code. Ask whether a registry "
            "changed the program."
        )
    return said


def read_earlier(folders: Sequence[Path]) -> list[Release]:
    """Read a registry's own earlier releases, each verified.

    Parameters
    ----------
    folders : of releases.

    Returns
    -------
    One `Release` a folder.

    Raises
    ------
    Problem : as for `read`, of each alone.
    """
    return [read_one(folder) for folder in folders]


def refuse_differing(
    first: Release, second: Release, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> None:
    """Refuse two releases whose definitions differ, and name the first key that does."""
    key = differing(ours, theirs)
    if key:
        raise Problem(
            f"{first.folder} and {second.folder} do not mean the same: '{key}' differs. "
            "Agree on one study file and one version, and run both again."
        )
