"""The work folder that `analyse` wrote, read once, and refused for everything that is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distance_to_care.disclosure import PERSON_KINDS, Profile
from distance_to_care.problems import Problem
from distance_to_care.releasing import content, folder_files, sealing
from distance_to_care.releasing import manifest as manifests

RUN = "run.json"
SOFTWARE = ("name", "version", "source_sha256", "modules_sha256")
# What `analyse` keeps to resume by, and nothing that is ever read here.
RESUMING = ".chapters"
_LARGEST = 200_000_000
# What a release reads of each entry of the manifest that `analyse` wrote.
_SAID = {
    "tables": {"title": str, "kind": str, "page": str, "sources": list, "columns": dict},
    "figures": {"title": str, "table": str},
    "pages": {"kinds": list},
}


@dataclass(frozen=True)
class Work:
    """What a work folder holds: tables and numbers as bytes, its manifest, and how it was made."""

    tables: Mapping[str, bytes]
    numbers: bytes
    manifest: Mapping
    run: Mapping


def read(folder: Path, asked: Profile | None = None) -> Work:
    """Read a work folder, and say everything that keeps it from being released.

    Parameters
    ----------
    folder : what `analyse` wrote.
    asked : the profile that the release is asked for; the run's own where None.

    Raises
    ------
    Problem : one sentence for each thing that is wrong; never a value from a table.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise Problem(f"{folder} is not a folder. Name the folder that 'analyse' wrote.")
    files, faults = folder_files.read_all(folder, _LARGEST, passed_over=(RESUMING,))
    manifest, run = _described(folder, files)
    unsaid = _unsaid(manifest)
    if unsaid:
        raise Problem(f"{folder / manifests.NAME} does not say {', '.join(unsaid)}.")
    faults += _run_faults(run)
    tables = {name: files.get(f"{name}.csv") for name in manifest["tables"]}
    faults += _names(manifest, files)
    cells = {}
    for name, entry in manifest["tables"].items():
        if tables[name] is None or not folder_files.plain(name):
            continue
        found, rows = _table_faults(name, entry, tables[name])
        faults += found + ([] if found else _receipt_faults(name, entry, rows, run, asked))
        cells[name] = rows
    readable = len(cells) == len(manifest["tables"]) and all(cells.values())
    faults += _number_faults(files.get("numbers.csv"), cells if readable else None)
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise Problem(f"{folder} cannot be released:\n{lines}")
    return Work(tables, files["numbers.csv"], manifest, run)


def without(work: Work, names: Sequence[str]) -> Work:
    """Leave tables out of what would be released, with their figures and numbers.

    Raises
    ------
    Problem : for a table that is not there, or where none would be left.
    """
    unknown = sorted({*names} - {*work.tables})
    if unknown:
        raise Problem(f"The work folder has no table '{unknown[0]}' to leave out.")
    kept = {name: text for name, text in work.tables.items() if name not in names}
    if not kept:
        raise Problem("No table would be left to release.")
    entries, figures = work.manifest["tables"], work.manifest["figures"]
    manifest = {
        **work.manifest,
        "tables": {name: entries[name] for name in kept},
        "figures": {name: each for name, each in figures.items() if each["table"] in kept},
    }
    head, *rows = content.rows_of(work.numbers, "numbers.csv")
    table = head.index("table")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *(r for r in rows if r[table] in kept)])
    return replace(work, tables=kept, manifest=manifest, numbers=out.getvalue().encode())


def about_built_in(work: Work) -> list[str]:
    """Name the tables of patients whose rows all ask for what was built in: nothing was."""
    found = []
    for name, entry in work.manifest["tables"].items():
        head, *rows = content.rows_of(work.tables[name], name)
        if entry["kind"] == "registry" and "measure" in head and rows:
            asked = [row[head.index("measure")] for row in rows]
            found += [name] if all("built in" in measure for measure in asked) else []
    return found


def people_of(work: Work) -> dict[str, bytes]:
    """The tables about people, by name."""
    entries = work.manifest["tables"]
    return {name: text for name, text in work.tables.items() if about_people(entries[name])}


def about_people(entry: Mapping) -> bool:
    """Say whether a table is about people: by its kind, whatever its receipt says."""
    receipt = entry["disclosure"]
    return entry["kind"] in PERSON_KINDS or receipt["shape"] != content.NOT_ABOUT_PEOPLE


def _described(folder: Path, files: Mapping[str, bytes]) -> tuple[dict, dict]:
    read = []
    for name in (manifests.NAME, RUN):
        if name not in files:
            raise Problem(f"{folder} has no {name}: run 'distance-to-care analyse' first.")
        read.append(sealing.parsed(files[name], f"{folder / name}"))
    manifest, run = read
    whole = isinstance(manifest, dict) and isinstance(run, dict)
    parts = [manifest.get(part) if whole else None for part in ("tables", "figures", "pages")]
    fits = all(isinstance(part, dict) for part in parts) and all(
        isinstance(entry, dict) for part in parts for entry in part.values()
    )
    if not fits or not manifest["tables"]:
        raise Problem(f"{folder / manifests.NAME} lists no tables as 'analyse' does.")
    return manifest, run


def _unsaid(manifest: Mapping) -> list[str]:
    """Name what the manifest of a work folder leaves out, or says in another form."""
    return [
        f"{part}/{ascii(name)[1:-1]}/{key}"
        for part, keys in _SAID.items()
        for name, entry in manifest[part].items()
        for key, form in keys.items()
        if not isinstance(entry.get(key), form)
    ]


def _run_faults(run: Mapping) -> list[str]:
    """Say what a release needs to know of the run and is not told."""
    needed = {
        "software": SOFTWARE,
        "study": ("name", "title", "sha256", "content"),
        "profile": ("name", "numbers"),
        "second_opinion": ("library",),
    }
    missing = [
        f"{part}/{key}"
        for part, keys in needed.items()
        for key in keys
        if not isinstance(run.get(part), dict) or not run[part].get(key)
    ]
    missing += [key for key in ("people", "record_kind") if not isinstance(run.get(key), str)]
    if missing:
        return [f"{RUN} does not say {', '.join(missing)}."]
    if not manifests.opinion_holds(run["second_opinion"]):
        return [f"{RUN} does not say what the second opinion was: run 'analyse' again."]
    if not manifests.profile_holds(run["profile"]):
        return [f"{RUN} names a profile that this version does not know: run 'analyse' again."]
    return []


def _names(manifest: Mapping, files: Mapping[str, bytes]) -> list[str]:
    found = [
        "manifest.json names a table by no plain name of small letters, digits and underscores."
        for name in manifest["tables"]
        if not folder_files.plain(name) or name == "numbers"
    ]
    expected = {f"{name}.csv" for name in manifest["tables"]}
    expected |= {f"{name}.svg" for name in manifest["figures"]}
    expected |= {"numbers.csv", manifests.NAME, RUN}
    missing = sorted(name for name in expected - {*files} if _is_plain_file(name))
    found += [f"{name} is named in manifest.json and is not there." for name in missing]
    extra = [ascii(name)[1:-1] for name in sorted({*files} - expected)]
    found += [f"{name} is in the folder, and manifest.json does not name it." for name in extra]
    return found


def _is_plain_file(name: str) -> bool:
    return folder_files.plain(name.partition(".")[0])


def _table_faults(name: str, entry: Mapping, table: bytes) -> tuple[list[str], list[list[str]]]:
    where = f"{name}.csv"
    if sealing.digest(table) != entry.get("sha256"):
        return [f"{where} is not the table that was written: its bytes have changed."], []
    try:
        rows = content.rows_of(table, where)
    except Problem as problem:
        return [str(problem)], []
    return content.limits(table, rows, where), rows


def _receipt_faults(
    name: str, entry: Mapping, rows: Sequence, run: Mapping, asked: Profile | None
) -> list[str]:
    where = f"{name}.csv"
    receipt = entry.get("disclosure")
    if receipt is None:
        return [f"{where} has no receipt of disclosure control: run 'analyse' again."]
    if not manifests.receipt_holds(receipt):
        return [f"{where} has a receipt that is not of the form that disclosure control writes."]
    if entry["kind"] in PERSON_KINDS and receipt["shape"] == content.NOT_ABOUT_PEOPLE:
        return [f"{where} is about people, and its receipt says that it is not."]
    found = content.cells(rows, where, about_people(entry)) + content.counts(rows, receipt, where)
    if about_people(entry):
        said = run.get("profile")
        wanted = dict(said["numbers"]) if manifests.profile_holds(said) else {}
        for key, value in (asked.numbers if asked else {}).items():
            wanted[key] = max(value, wanted.get(key, value))
        looser = sorted(
            key for key, value in wanted.items() if receipt["numbers"].get(key, -1) < value
        )
        if looser:
            found.append(
                f"{where} was checked with a looser profile than the one asked for "
                f"({', '.join(looser)}): run 'analyse' again with that profile."
            )
    return found


def _number_faults(numbers: bytes | None, cells: Mapping[str, Sequence] | None) -> list[str]:
    """Say what is wrong with the numbers for the text; against tables where all can be read."""
    if numbers is None:
        return []
    try:
        rows = content.rows_of(numbers, "numbers.csv")
    except Problem as problem:
        return [str(problem)]
    found = content.limits(numbers, rows, "numbers.csv")
    found += content.cells(rows, "numbers.csv", about_people=True)
    return found if cells is None else found + content.numbers(rows, cells, "numbers.csv")
