"""The form for output checkers: a summary to read first, then what each file shows, of whom, why.

Whoever checks fills `decision` and `reason` in a copy of the form: the release stays as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from distance_to_care import second_opinion
from distance_to_care.releasing import manifest as manifests
from distance_to_care.releasing import sealing
from distance_to_care.releasing.content import COUNTS, NOT_ABOUT_PEOPLE

SUMMARY_NAME = "summary.csv"
CSV_NAME = "request.csv"
JSON_NAME = "request.json"
# In the order in which the form asks; every one is answered for every file.
COLUMNS = {
    "file": "Name of the file in the release",
    "title": "What it shows",
    "output": "What sort of output it is",
    "variables": "The columns; summary.csv says what each one means",
    "population": "Whom it is about",
    "people": "How many people are analysed, as a band",
    "smallest_count": "The smallest count that it shows",
    "rows": "How many rows it has",
    "cells_withheld": "How many cells are withheld",
    "counts_beneath": "Where the counts beneath its estimates stand",
    "related": "Other outputs and earlier releases that it has to be read together with",
    "controls": "The disclosure controls that were applied, and what came of each",
    "needed_for": "Why it is needed",
    "sha256": "Digest of the file",
}
# Left blank for whoever checks.
BLANK = {
    "decision": "What was decided: " + ", ".join(manifests.DECISIONS),
    "reason": "Why it was decided so",
}
# Whoever asks for a release says this by naming none; nothing in the folder could prove it.
FIRST = "none; whoever asks states that nothing about these people was released before"
TOTALS = (
    "Counts are rounded one by one, and where all groups are shown, everybody is counted as the "
    "sum of the rounded groups. So the same people can have two totals in two tables, which differ "
    "by rounding only."
)
_SHAPES = {
    "counts": "Table of counts, and of what is worked out from them",
    "curve": "Survival curve, at merged steps",
    "model": "Estimates of a model",
    "contribution": "Score and information of a model at given coefficients",
    "derived": "Worked out from released tables",
    NOT_ABOUT_PEOPLE: "Not about people: open data, published figures or assumptions",
}


def summary(manifest: Mapping) -> bytes:
    """Write what a checker reads first as a table: `part`, `what`, `answer`, one row an answer.

    What is asked for, the profile with its numbers, what was proved of all tables together, and
    what each column means.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["part", "what", "answer"])
    for part, answers in _parts(manifest).items():
        writer.writerows([part, what, answer] for what, answer in answers)
    return out.getvalue().encode()


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
                "smallest_count": "as in the tables" if entry["tables"] else "none",
                "rows": "as many as numbers in the text" if entry["tables"] else "none",
                "cells_withheld": "0",
                "counts_beneath": f"In the released tables: {made_from}"
                if entry["tables"]
                else "It has no estimates",
                "related": "Every table of this release" if entry["tables"] else "None",
                "controls": "Every number is read from a released table; this was checked."
                if entry["tables"]
                else "It is made from no record. A person has to read it.",
                "needed_for": "The sentences of the book quote these numbers."
                if entry["tables"]
                else "It says how the outputs are defined, and lets others run the same.",
                "sha256": entry["sha256"],
            }
        )
    return filled


def to_csv(manifest: Mapping) -> bytes:
    """Write the form as a table, one row a file, with blanks for decision and reason."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, *BLANK], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(manifest))
    return out.getvalue().encode()


def to_json(manifest: Mapping, tables: Mapping[str, bytes]) -> bytes:
    """Write the form with its questions, and with the digests that seal the files beside it.

    tables : the summary and the form as tables, by their names.
    """
    return sealing.canonical(
        {
            "questions": COLUMNS,
            "left_blank_for_whoever_checks": BLANK,
            "profile": manifest["profile"],
            "files": rows(manifest),
            "earlier_releases": [each["digest"] for each in manifest["earlier"]] or FIRST,
            "released_on": manifest["released_on"],
            "reviewer_asked": manifest["reviewer"]["name"],
            "manifest_sha256_with_empty_reviewer": sealing.manifest_digest(manifest),
            "sha256": {name: sealing.digest(tables[name]) for name in (SUMMARY_NAME, CSV_NAME)},
        }
    )


def _parts(manifest: Mapping) -> dict[str, list[tuple[str, str]]]:
    """What the summary says, by its parts, as questions with their answers."""
    entries = manifests.tables(manifest)
    about = [e for e in entries.values() if e["receipt"]["shape"] != NOT_ABOUT_PEOPLE]
    shown = [e["smallest_count"] for e in about if e["smallest_count"] is not None]
    software, profile = manifest["software"], manifest["profile"]
    same = software["modules_sha256"] == software["released_with_source_sha256"]
    return {
        "request": [
            ("study", manifest["study"]["title"]),
            ("people", f"{manifest['people']}, {manifest['kind']}"),
            ("day of the release", manifest["released_on"]),
            ("tables", f"{len(entries)}, of which {len(about)} are about people"),
            ("smallest count that is shown", str(min(shown)) if shown else "none"),
            ("cells withheld", str(sum(e["receipt"]["cells_withheld"] for e in about))),
            ("earlier releases", _earlier(manifest)),
            ("why two totals may differ", TOTALS),
            (
                "second opinion on cross-tabulations",
                second_opinion.said(manifest["second_opinion"]),
            ),
            (
                "software",
                f"{software['name']} {software['version']}; the release was written by "
                + ("the modules that" if same else "OTHER modules than those that")
                + " computed the tables",
            ),
            (
                "decision",
                f"one for each file, in a copy of {CSV_NAME}; one for the whole, in the field "
                f"'reviewer' of {manifests.NAME}",
            ),
        ],
        f"profile {profile['name']}": [
            (name.replace("_", " "), str(number).lower())
            for name, number in profile["numbers"].items()
        ],
        "proved of all tables together": [
            (each["rule"], each["result"]) for each in manifest["checks"]
        ],
        "columns": sorted({item for e in entries.values() for item in e["columns"].items()}),
    }


def _table(name: str, entries: Mapping[str, Mapping], manifest: Mapping) -> dict[str, str]:
    entry = entries[name]
    receipt = entry["receipt"]
    about_people = receipt["shape"] != NOT_ABOUT_PEOPLE
    smallest = entry["smallest_count"]
    return {
        "file": f"tables/{name}.csv",
        "title": entry["title"],
        "output": _SHAPES[receipt["shape"]],
        "variables": ", ".join(sorted(entry["columns"])),
        "population": _population(manifest) if about_people else "Nobody",
        "people": manifest["people"] if about_people else "nobody",
        "smallest_count": "none" if smallest is None or not about_people else str(smallest),
        "rows": str(entry["rows"]),
        "cells_withheld": str(receipt["cells_withheld"]),
        "counts_beneath": _counts(name, entries) if about_people else "It is about no people",
        "related": _related(name, entries, manifest),
        "controls": _controls(receipt),
        "needed_for": _needed(entry),
        "sha256": entry["sha256"],
    }


def _population(manifest: Mapping) -> str:
    return f"The {manifest['kind']} people of the study '{manifest['study']['title']}'"


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


def _earlier(manifest: Mapping) -> str:
    before = [f"{each['released_on']} ({each['digest'][:12]})" for each in manifest["earlier"]]
    return f"compared with {', '.join(before)}" if before else FIRST


def _related(name: str, entries: Mapping[str, Mapping], manifest: Mapping) -> str:
    page = entries[name]["page"]
    beside = [o for o in sorted(entries) if o != name and entries[o]["page"] == page]
    parts = [f"Same chapter ({page}): {', '.join(beside) or 'no other file'}"]
    parts.append(f"made from: {', '.join(entries[name]['sources'])}")
    if manifest["earlier"]:
        parts.append(_earlier(manifest))
    return "; ".join(parts)


def _controls(receipt: Mapping) -> str:
    said = [f"{rule['rule']} ({rule['result']})" for rule in receipt["rules"]]
    if receipt["shape"] == NOT_ABOUT_PEOPLE:
        return "; ".join(said) or "None is needed: it is about no people"
    return "; ".join([f"Profile {receipt['profile']}", *said])


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
