"""The manifest of a release: what each file is, which rules it passed, and who looked at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from distance_to_care.disclosure import DEFAULT, SHAPES
from distance_to_care.problems import Problem
from distance_to_care.releasing import sealing

NAME = "manifest.json"
FORMAT = 1
DECISIONS = ("accepted", "refused", "changes asked for")

_TEXT = {"type": "string", "minLength": 1}
_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DAY = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_COUNT = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": _TEXT, "uniqueItems": True}


def _object(required: Mapping[str, Any], described: str = "", **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": described,
        "properties": {**required, **optional},
        "required": sorted(required),
        "additionalProperties": False,
    }


_NUMBERS = {
    "type": "object",
    "properties": {
        "threshold": {"type": "integer", "minimum": 1},
        "round_to": {"type": "integer", "minimum": 1},
        "zero_is_small": {"type": "boolean"},
    },
    "required": ["threshold", "round_to", "zero_is_small"],
    "additionalProperties": {"type": ["integer", "boolean"]},
}
PROFILE = _object(
    {"name": _TEXT, "numbers": _NUMBERS}, "Name and numbers of the disclosure profile"
)
_LIBRARY = {"library": _TEXT, "version": {"type": "string"}}
_ASKED = {"cross_tabulations": _COUNT, "cells": _COUNT, "looser": _COUNT}
OPINION = _object(
    {**_LIBRARY, "tables": {"type": "object", "additionalProperties": _object(_ASKED)}},
    "What a second opinion found of each table of a run",
)
RULE = {
    "type": "object",
    "description": "A rule in words, and what came of it",
    "properties": {"rule": _TEXT, "result": _TEXT},
    "required": ["rule", "result"],
    "additionalProperties": {"type": ["string", "integer", "number", "boolean", "null"]},
}
RECEIPT = {
    "type": "object",
    "description": "What the gate did to a table before it let it through",
    "properties": {
        "profile": _TEXT,
        "numbers": _NUMBERS,
        "shape": {"enum": list(SHAPES)},
        "rules": {"type": "array", "items": RULE},
        "people": {"type": ["string", "null"]},
        "cells_withheld": _COUNT,
    },
    "required": ["profile", "numbers", "shape", "rules", "people", "cells_withheld"],
}
TABLE = _object(
    {
        "sha256": _DIGEST,
        "bytes": _COUNT,
        "rows": _COUNT,
        "title": _TEXT,
        "kind": _TEXT,
        "page": _TEXT,
        "sources": {**_TEXTS, "minItems": 1},
        "columns": {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
        "receipt": RECEIPT,
        "smallest_count": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "The smallest count that it shows",
        },
        "figures": {**_TEXTS, "description": "Titles of the figures that are drawn from it"},
        "numbers": {**_COUNT, "description": "How many numbers of the prose are read from it"},
        "redrawn_from_accepted": {"type": ["string", "null"]},
    },
    "A released table",
)
OTHER = _object(
    {"sha256": _DIGEST, "bytes": _COUNT, "title": _TEXT, "tables": _TEXTS},
    "A released file that is no table of results, and the tables that it was made from",
)
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Manifest of a release of Distance to Care",
    **_object(
        {
            "format": {"const": FORMAT, "description": "Number of this form"},
            "released_on": {**_DAY, "description": "Day of the release"},
            "kind": {
                "enum": ["registry", "synthetic", "open"],
                "description": "What the people are",
            },
            "people": {**_TEXT, "description": "How many people, as a band"},
            "study": _object({"name": _TEXT, "title": _TEXT, "sha256": _DIGEST}, "The study file"),
            "software": _object(
                {
                    "name": _TEXT,
                    "version": _TEXT,
                    "source_sha256": {
                        **_DIGEST,
                        "description": "Program and chapters that computed the tables",
                    },
                    "modules_sha256": {
                        **_DIGEST,
                        "description": "The same program without its chapters",
                    },
                    "released_with_source_sha256": {
                        **_DIGEST,
                        "description": "Modules that wrote the release: equal to the line above "
                        "where nothing was changed in between",
                    },
                },
                "The software",
            ),
            "profile": {**PROFILE, "description": "The profile that the release was held to"},
            "pages": {
                "type": "object",
                "description": "The chapters that the tables come from, and their kinds",
                "additionalProperties": _object({"kinds": _TEXTS}),
            },
            "first_release": {
                "type": "boolean",
                "description": "That nothing about these people was released before, as whoever "
                "asked for the release stated",
            },
            "earlier": {
                "type": "array",
                "description": "The earlier releases that this one was compared with",
                "items": _object({"digest": _DIGEST, "released_on": _DAY}),
            },
            "checks": {
                "type": "array",
                "description": "What was proved of all tables together before they were written",
                "items": RULE,
            },
            "second_opinion": {
                **_object({**_LIBRARY, **_ASKED, "looser": {"const": 0}}),
                "description": "The library that was asked which cells of the cross-tabulations it "
                "withholds, how many cells the tables showed it, and how many of these it "
                "withholds; no version where it was not installed",
            },
            "files": {
                "type": "object",
                "description": "Every released file but those that describe the release",
                "properties": {"numbers.csv": OTHER, "study.json": OTHER},
                "required": ["numbers.csv", "study.json"],
                "patternProperties": {"^tables/[a-z0-9][a-z0-9_]*\\.csv$": TABLE},
                "additionalProperties": False,
            },
            "reviewer": {
                **_object(
                    {
                        "name": {"type": "string", "maxLength": 200},
                        "decision": {"enum": ["", *DECISIONS]},
                        "date": {"type": "string"},
                    }
                ),
                "description": "Who looked at the release, what was decided and when; empty until "
                "a person fills it in. It stands outside the seal.",
            },
        }
    ),
}
_VALIDATOR = Draft202012Validator(SCHEMA)
_RECEIPT_VALIDATOR = Draft202012Validator(RECEIPT)
_PROFILE_VALIDATOR = Draft202012Validator(PROFILE)
_OPINION_VALIDATOR = Draft202012Validator(OPINION)


def faults(content: object) -> list[str]:
    """Say what is wrong with a manifest: where, and which rule it breaks, never what stands there.

    content : the manifest as it was read from JSON.
    """
    broken = sorted(_VALIDATOR.iter_errors(content), key=lambda error: error.json_path)
    found = list(dict.fromkeys(_fault(error) for error in broken))
    if not found and content["first_release"] == bool(content["earlier"]):
        found.append(f"{NAME}: a first release names no earlier one, and any other does.")
    return found or _reviewer_faults(content["reviewer"]) + _day_faults(content)


def _fault(error: ValidationError) -> str:
    """Say one fault of a manifest; what is missing is named, since its form names it too."""
    where = "/".join(map(str, error.absolute_path))
    if error.validator == "required":
        missing = ", ".join(sorted({*error.validator_value} - {*error.instance}))
        return f"{NAME}{f', {where},' if where else ''} does not say: {missing}."
    return f"{NAME}: '{where or 'the whole'}' breaks the rule '{error.validator}' of its form."


def receipt_holds(receipt: object) -> bool:
    """Say whether a receipt has the form that the gate writes."""
    return _RECEIPT_VALIDATOR.is_valid(receipt)


def profile_holds(profile: object) -> bool:
    """Say whether a profile has the form that a run records, with the numbers known today."""
    return _PROFILE_VALIDATOR.is_valid(profile) and set(profile["numbers"]) <= set(DEFAULT.numbers)


def opinion_holds(opinion: object) -> bool:
    """Say whether a second opinion has the form that a run records."""
    return _OPINION_VALIDATOR.is_valid(opinion)


def tables(manifest: Mapping) -> dict[str, Mapping]:
    """List the entries of the released tables by the names of the tables."""
    return {
        name.removeprefix("tables/").removesuffix(".csv"): entry
        for name, entry in manifest["files"].items()
        if name.startswith("tables/")
    }


def read(folder: Path) -> dict:
    """Read the manifest of a release.

    Raises
    ------
    Problem : where there is none, it cannot be read, or it breaks a rule of its form. Whether
        the files are those that it lists is what `verification.faults` says.
    """
    path = Path(folder) / NAME
    if path.is_symlink() or not path.is_file():
        raise Problem(f"{folder} has no {NAME}: it is no release.")
    content = sealing.parsed(path.read_bytes(), NAME)
    found = faults(content)
    if found:
        raise Problem(found[0])
    return content


def _reviewer_faults(reviewer: Mapping[str, str]) -> list[str]:
    if not reviewer["decision"] and not reviewer["date"]:
        return []
    if not all(reviewer.values()):
        return [f"{NAME}: a reviewer has a name, a decision and a date, or no decision yet."]
    return [] if is_day(reviewer["date"]) else [f"{NAME}: the reviewer's date is no day."]


def _day_faults(manifest: Mapping) -> list[str]:
    days = [manifest["released_on"], *(earlier["released_on"] for earlier in manifest["earlier"])]
    return [] if all(map(is_day, days)) else [f"{NAME}: a day of release is no day."]


def is_day(text: str) -> bool:
    """Say whether a text is a day, as year-month-day."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def of_kind(kinds: Sequence[str], record_kind: str) -> str:
    """Name what the people of a release are; registry and synthetic never stand together."""
    about = {"registry", "synthetic"} & {*kinds, record_kind}
    if len(about) > 1:
        raise Problem("The work folder holds tables about registry and about synthetic people.")
    return about.pop() if about else record_kind
