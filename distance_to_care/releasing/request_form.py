"""The form for output checkers: for each file what it shows, of whom, with which controls, why."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from distance_to_care.releasing import manifest as manifests
from distance_to_care.releasing import sealing
from distance_to_care.releasing.content import COUNTS, NOT_ABOUT_PEOPLE

CSV_NAME = "request.csv"
JSON_NAME = "request.json"
# In the order in which the form asks; every one is filled for every file.
COLUMNS = {
    "file": "Name of the file in the release",
    "title": "What it shows",
    "output": "What sort of output it is",
    "variables": "The columns and what each one means",
    "population": "Whom it is about",
    "people": "How many people stand behind it, as a band",
    "counts_beneath": "Where the counts beneath its estimates stand",
    "related": "Other outputs and earlier releases that it has to be read together with",
    "controls": "The disclosure controls that were applied, and what came of each",
    "cells_withheld": "How many cells are withheld",
    "needed_for": "Why it is needed",
    "sha256": "Digest of the file",
}
# Whoever asks for a release says this by naming none; nothing in the folder could prove it.
FIRST = "none; whoever asks states that nothing about these people was released before"
_SHAPES = {
    "counts": "Table of counts, and of what is worked out from them",
    "curve": "Survival curve, at merged steps",
    "model": "Estimates of a model",
    "contribution": "Score and information of a model at given coefficients",
    "derived": "Worked out from released tables",
    NOT_ABOUT_PEOPLE: "Not about people: open data, published figures or assumptions",
}


def rows(manifest: Mapping) -> list[dict[str, str]]:
    """Fill the form from the manifest of a release: one row a file, columns of `COLUMNS`."""
    entries = manifests.tables(manifest)
    filled = [_table(name, entries, manifest) for name in sorted(entries)]
    for name in ("numbers.csv", "study.json"):
        entry = manifest["files"][name]
        made_from = ", ".join(entry["tables"]) or "none: it was written by the researcher"
        filled.append(
            {
                "file": name,
                "title": entry["title"],
                "output": "Numbers for the text" if entry["tables"] else "Definitions",
                "variables": "key, text, value, unit, kind, table, page"
                if entry["tables"]
                else "Names, limits and codes of the columns; adjustments; no data",
                "population": _population(manifest) if entry["tables"] else "Nobody",
                "people": manifest["people"] if entry["tables"] else "nobody",
                "counts_beneath": f"In the released tables: {made_from}"
                if entry["tables"]
                else "It has no estimates",
                "related": "Every table of this release" if entry["tables"] else "None",
                "controls": "Every number is read from a released table; this was checked."
                if entry["tables"]
                else "It is made from no record. A person has to read it.",
                "cells_withheld": "0",
                "needed_for": "The sentences of the book quote these numbers."
                if entry["tables"]
                else "It says how the outputs are defined, and lets others run the same.",
                "sha256": entry["sha256"],
            }
        )
    return filled


def to_csv(manifest: Mapping) -> bytes:
    """Write the form as a table, one row a file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(manifest))
    return out.getvalue().encode()


def to_json(manifest: Mapping, csv_form: bytes) -> bytes:
    """Write the form with its questions, and with the digests that seal manifest and table."""
    return sealing.canonical(
        {
            "questions": COLUMNS,
            "files": rows(manifest),
            "earlier_releases": [each["digest"] for each in manifest["earlier"]] or FIRST,
            "released_on": manifest["released_on"],
            "reviewer_asked": manifest["reviewer"]["name"],
            "manifest_sha256_with_empty_reviewer": sealing.manifest_digest(manifest),
            "request_csv_sha256": sealing.digest(csv_form),
        }
    )


def _table(name: str, entries: Mapping[str, Mapping], manifest: Mapping) -> dict[str, str]:
    entry = entries[name]
    receipt = entry["receipt"]
    about_people = receipt["shape"] != NOT_ABOUT_PEOPLE
    return {
        "file": f"tables/{name}.csv",
        "title": entry["title"],
        "output": _SHAPES[receipt["shape"]],
        "variables": "; ".join(f"{c}: {words}" for c, words in sorted(entry["columns"].items())),
        "population": _population(manifest) if about_people else "Nobody",
        "people": _people(receipt, manifest) if about_people else "nobody",
        "counts_beneath": _counts(name, entries) if about_people else "It is about no people",
        "related": _related(name, entries, manifest),
        "controls": _controls(receipt),
        "cells_withheld": str(receipt["cells_withheld"]),
        "needed_for": _needed(entry),
        "sha256": entry["sha256"],
    }


def _population(manifest: Mapping) -> str:
    return f"The {manifest['kind']} people of the study '{manifest['study']['title']}'"


def _people(receipt: Mapping, manifest: Mapping) -> str:
    return receipt["people"] or f"all or part of {manifest['people']}"


def _counts(name: str, entries: Mapping[str, Mapping]) -> str:
    entry = entries[name]
    own = [column for column in COUNTS if column in entry["columns"]]
    if own:
        return f"In the file itself: {', '.join(own)}"
    beside = [
        other
        for other in sorted(entries)
        if entries[other]["page"] == entry["page"] and "people" in entries[other]["columns"]
    ]
    if beside:
        return f"In other files of the same chapter: {', '.join(beside)}"
    return "The file holds no counts; the receipt says how many people stand behind it"


def _related(name: str, entries: Mapping[str, Mapping], manifest: Mapping) -> str:
    page = entries[name]["page"]
    beside = [o for o in sorted(entries) if o != name and entries[o]["page"] == page]
    parts = [f"Same chapter ({page}): {', '.join(beside) or 'no other file'}"]
    parts.append(f"made from: {', '.join(entries[name]['sources'])}")
    before = [f"{each['released_on']} ({each['digest'][:12]})" for each in manifest["earlier"]]
    parts.append(f"compared with earlier releases: {', '.join(before) or FIRST}")
    return "; ".join(parts)


def _controls(receipt: Mapping) -> str:
    said = [f"{rule['rule']} ({rule['result']})" for rule in receipt["rules"]]
    if receipt["shape"] == NOT_ABOUT_PEOPLE:
        return "; ".join(said) or "None is needed: it is about no people"
    numbers = ", ".join(f"{name} {str(n).lower()}" for name, n in receipt["numbers"].items())
    return f"Profile {receipt['profile']} ({numbers}); {'; '.join(said)}"


def _needed(entry: Mapping) -> str:
    parts = [f"The chapter '{entry['page']}' shows it"]
    if entry["figures"]:
        parts.append(f"these figures are drawn from it: {'; '.join(entry['figures'])}")
    if entry["numbers"]:
        one = entry["numbers"] == 1
        parts.append(
            "one number of the text is read from it"
            if one
            else f"{entry['numbers']} numbers of the text are read from it"
        )
    return "; ".join(parts)
