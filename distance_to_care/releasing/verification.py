"""Verifying a release: nothing missing, nothing extra, nothing altered, every rule kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from distance_to_care.disclosure import PERSON_KINDS
from distance_to_care.problems import Problem
from distance_to_care.releasing import content, crate, folder_files, request_form, sealing
from distance_to_care.releasing import manifest as manifests

TABLES = "tables"
# Those that describe the release; all others stand in the manifest.
_FORMS = (request_form.SUMMARY_NAME, request_form.CSV_NAME)
_LAYOUT = (
    " A reviewer fills in their field with a text editor, and keeps spaces, lines and order as "
    "they are: a program that writes JSON lays it out anew."
)
DESCRIBING = (manifests.NAME, *_FORMS, request_form.JSON_NAME, crate.NAME)


def faults(folder: Path) -> list[str]:
    """Say everything that is wrong with a release, as sentences; empty where it is whole.

    What this cannot see: a person who changes a table and then the manifest, the form and the
    crate with it. Against that, requester and checker compare `digest`.
    """
    return [_printable(sentence) for sentence in _faults(Path(folder))]


def digest(folder: Path) -> str:
    """Digest a release in one line, with an empty reviewer, for two people to compare."""
    files, _ = folder_files.read_all(folder, content.LARGEST_BYTES, (TABLES,))
    digests = {name: sealing.digest(text) for name, text in files.items()}
    if manifests.NAME in files:
        digests[manifests.NAME] = sealing.manifest_digest(manifests.read(folder))
    return sealing.of_release(digests)


def _faults(folder: Path) -> list[str]:
    if folder.is_symlink() or not folder.is_dir():
        return [f"{folder} is not a folder that holds a release."]
    files, found = folder_files.read_all(folder, content.LARGEST_BYTES, (TABLES,))
    if manifests.NAME not in files:
        return [*found, f"{manifests.NAME} is missing: nothing else can be told."]
    try:
        manifest = sealing.parsed(files[manifests.NAME], manifests.NAME)
    except Problem as problem:
        # A byte of its form has changed; what it says can still be held against the files.
        manifest = _as_far_as_readable(files[manifests.NAME])
        found.append(f"{problem}{'' if manifest is None else _LAYOUT}")
    if not isinstance(manifest, dict):
        # What follows from that is no fault of its own.
        return found or [f"{manifests.NAME} is not that of a release."]
    wrong_form = manifests.faults(manifest)
    if wrong_form and not {request_form.CSV_NAME, crate.NAME} & set(files):
        return [
            f"{folder} is not a release: neither a request form nor a crate is in it. "
            "Name the folder that 'distance-to-care release' wrote, not the work folder."
        ]
    found += wrong_form
    if wrong_form:
        return found
    found += _presence(manifest, files)
    found += _tables(manifest, files)
    found += _form(manifest, files)
    if crate.NAME in files:
        others = {name: text for name, text in files.items() if name != crate.NAME}
        found += crate.faults(files[crate.NAME], manifest, others)
    return found


def _printable(sentence: str) -> str:
    """Escape what a terminal would act on: the names of files are somebody else's."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in sentence)


def _as_far_as_readable(text: bytes) -> object:
    try:
        read = json.loads(text.decode())
        # What cannot be written again, such as half a character, is not read on.
        sealing.canonical(read)
    except (ValueError, RecursionError):
        return None
    return read


def _presence(manifest: Mapping, files: Mapping[str, bytes]) -> list[str]:
    expected = {*manifest["files"], *DESCRIBING}
    found = [f"{name} is missing." for name in sorted(expected - {*files})]
    found += [f"{ascii(name)[1:-1]} is extra: the manifest does not list it."
              for name in sorted({*files} - expected)]  # fmt: skip
    for name, entry in sorted(manifest["files"].items()):
        if name in files and sealing.digest(files[name]) != entry["sha256"]:
            found.append(f"{name} is altered: its bytes are not those that the manifest lists.")
        elif name in files and len(files[name]) != entry["bytes"]:
            found.append(f"{name} does not have the number of bytes that the manifest lists.")
    return found


def _tables(manifest: Mapping, files: Mapping[str, bytes]) -> list[str]:
    """Check again that the content of each table keeps the rules of its receipt."""
    found = []
    cells = {}
    for name, entry in manifests.tables(manifest).items():
        where = f"{TABLES}/{name}.csv"
        if where not in files:
            continue
        try:
            rows = cells[name] = content.rows_of(files[where], where)
        except Problem as problem:
            found.append(str(problem))
            continue
        receipt = entry["receipt"]
        about_people = receipt["shape"] != content.NOT_ABOUT_PEOPLE
        found += content.limits(files[where], rows, where)
        found += content.cells(rows, where, about_people)
        found += content.counts(rows, receipt, where)
        if entry["rows"] != len(rows) - 1:
            found.append(f"{where} does not have the number of rows that the manifest lists.")
        if entry["smallest_count"] != content.smallest_count(rows):
            found.append(f"{where} does not have the smallest count that the manifest lists.")
        if entry["kind"] in PERSON_KINDS and not about_people:
            found.append(f"{where} is about people, and its receipt says that it is not.")
        wanted = manifest["profile"]["numbers"]
        if about_people and any(receipt["numbers"].get(k, -1) < v for k, v in wanted.items()):
            found.append(f"{where} was checked with a looser profile than the release.")
    if "numbers.csv" in files:
        try:
            rows = content.rows_of(files["numbers.csv"], "numbers.csv")
            found += content.cells(rows, "numbers.csv", about_people=True)
            found += content.numbers(rows, cells, "numbers.csv")
        except Problem as problem:
            found.append(str(problem))
    return found


def _form(manifest: Mapping, files: Mapping[str, bytes]) -> list[str]:
    """Check that the form for output checkers is about this manifest and these files."""
    if request_form.JSON_NAME not in files:
        return []
    name = request_form.JSON_NAME
    try:
        form = sealing.parsed(files[name], name)
        rows = form["files"]
        listed = {row["file"]: row["sha256"] for row in rows}
        seal = form["manifest_sha256_with_empty_reviewer"]
        of_tables = {name: form["sha256"][name] for name in _FORMS}
        asked = form["reviewer_asked"]
    except (Problem, KeyError, TypeError) as problem:
        said = str(problem) if isinstance(problem, Problem) else f"{name} lacks an answer."
        return [said]
    found = []
    if seal != sealing.manifest_digest(manifest):
        found.append(f"{manifests.NAME} is altered: {name} was written for another one.")
    if listed != {file: entry["sha256"] for file, entry in manifest["files"].items()}:
        found.append(f"{name} does not describe the files that the manifest lists.")
    found += [
        f"{table} is altered: {name} was written with another."
        for table, digest in of_tables.items()
        if table in files and sealing.digest(files[table]) != digest
    ]
    if any(not str(row.get(question, "")) for row in rows for question in request_form.COLUMNS):
        found.append(f"{name} leaves a question of the form unanswered.")
    if asked and asked != manifest["reviewer"]["name"]:
        found.append(f"{manifests.NAME} names another reviewer than the one who was asked.")
    return found
