"""The run as a Research Object Crate: software, study, extract (unnamed) and results with digests.

The form is that of a Process Run Crate (Leo et al., 2024, doi:10.1371/journal.pone.0309210) on
RO-Crate 1.1, made and read back with the library `rocrate`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from distance_to_care.releasing import manifest as manifests
from distance_to_care.releasing import sealing

NAME = "ro-crate-metadata.json"
VERSION = "1.1"
PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_SOFTWARE, _EXTRACT, _RUN = "#software", "#extract", "#run"
_FORMATS = {".csv": "text/csv", ".json": "application/json"}


def build(manifest: Mapping, files: Mapping[str, bytes]) -> bytes:
    """Describe a release as a crate, sealed with its own digest.

    Parameters
    ----------
    manifest : the manifest of the release.
    files : content of every other file of the release, by its path.
    """
    crate = ROCrate(version=VERSION)
    crate.metadata.extra_contexts.append(RUN_TERMS)
    crate.name = f"Release: {manifest['study']['title']}"
    crate.description = "Tables that passed disclosure control, and what they were made with."
    crate.datePublished = manifest["released_on"]
    crate.license = "To be set by those who hold the records."
    crate.root_dataset["identifier"] = "seal:" + "0" * 64
    crate.add(
        ContextEntity(
            crate,
            PROCESS_RUN,
            {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        )
    )
    crate.root_dataset["conformsTo"] = {"@id": PROCESS_RUN}
    parts = {name: crate.add_file(dest_path=name, properties=_properties(name, manifest, files))
             for name in sorted(files)}  # fmt: skip
    software = crate.add(
        SoftwareApplication(
            crate,
            _SOFTWARE,
            {
                "name": manifest["software"]["name"],
                "softwareVersion": manifest["software"]["version"],
                "identifier": f"sha256:{manifest['software']['source_sha256']}",
            },
        )
    )
    extract = crate.add(
        ContextEntity(
            crate,
            _EXTRACT,
            {
                "@type": "CreativeWork",
                "name": f"The extract of {manifest['kind']} records",
                "description": f"It is not in this crate. Number of people: {manifest['people']}.",
            },
        )
    )
    run = crate.add_action(
        software,
        _RUN,
        object=[extract, parts["study.json"]],
        result=[part for name, part in parts.items() if name != "study.json"],
        properties={
            "@type": "CreateAction",
            "name": "Analysis, disclosure control and release",
            "endTime": manifest["released_on"],
        },
    )
    crate.root_dataset["mentions"] = run
    return sealing.sealed(sealing.canonical(crate.metadata.generate()))


def faults(content: bytes, manifest: Mapping, files: Mapping[str, bytes]) -> list[str]:
    """Say where a crate disagrees with the release that it describes.

    Parameters
    ----------
    content : the crate as bytes.
    manifest, files : as in `build`, as they stand in the folder now.
    """
    found = []
    if not sealing.seal_holds(content):
        found.append(f"{NAME} does not have the bytes with which it was sealed.")
    try:
        with warnings.catch_warnings():
            # The library warns of a broken graph, with a path of this computer.
            warnings.simplefilter("ignore")
            crate = ROCrate(sealing.parsed(content, NAME))
        listed = {part.id: dict(part.properties()) for part in crate.root_dataset["hasPart"]}
        run = crate.dereference(_RUN)
        results = {part.id for part in run["result"]}
        instrument = dict(run["instrument"].properties())
    # The library raises whatever a broken graph leads to; each is the same fault to a reader.
    except Exception:
        return [*found, f"{NAME} cannot be read as a Research Object Crate."]
    found += [
        f"{NAME} lists {n}, which is not in the release." for n in sorted({*listed} - {*files})
    ]
    for name in sorted(files):
        if name not in listed:
            found.append(f"{NAME} does not list {name}.")
            continue
        agrees = all(listed[name].get(key) == value
                     for key, value in _properties(name, manifest, files).items())  # fmt: skip
        if not agrees:
            found.append(f"{NAME} describes another {name} than the one that is here.")
    if results != {*files} - {"study.json"}:
        found.append(f"{NAME} does not name the released files as the results of the run.")
    said = {"softwareVersion": manifest["software"]["version"],
            "identifier": f"sha256:{manifest['software']['source_sha256']}"}  # fmt: skip
    if any(instrument.get(key) != value for key, value in said.items()):
        found.append(f"{NAME} names another software than {manifests.NAME}.")
    return found


def _properties(name: str, manifest: Mapping, files: Mapping[str, bytes]) -> dict[str, str]:
    entry = manifest["files"].get(name, {})
    form = _FORMATS.get(PurePosixPath(name).suffix, "application/octet-stream")
    said = {"encodingFormat": form, "name": entry.get("title", name)}
    if name == manifests.NAME:
        return said | {
            "identifier": f"sha256-with-empty-reviewer:{sealing.manifest_digest(manifest)}"
        }
    return said | {
        "sha256": sealing.digest(files[name]),
        "contentSize": str(len(files[name])),
    }
