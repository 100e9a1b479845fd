"""A small work folder as `analyse` writes it, about invented registry people, for releases."""

from pathlib import Path

from distance_to_care import disclosure
from distance_to_care.releasing import sealing

SOURCE = "a" * 64
NUMBERS = disclosure.DEFAULT.numbers
# Three groups of people; the middle one is withheld, and the last with it.
PEOPLE = """measure,group_by,group,people,deaths,estimate,unit,kind,suppressed
people,deprivation_quintile,all,120,60,50,per cent,registry,false
people,deprivation_quintile,1,60,30,50,per cent,registry,false
people,deprivation_quintile,2,,,,per cent,registry,true
people,deprivation_quintile,3,,,,per cent,registry,true
change,deprivation_quintile,all,120,60,-2.5,years,registry,false
"""
# A curve of two steps, each of ten deaths.
CURVE = """measure,group,time_years,at_risk,deaths,estimate,unit,kind,suppressed
survival,all,0,120,,1,probability,registry,false
survival,all,0.7,110,10,0.917,probability,registry,false
survival,all,1.4,95,10,0.83,probability,registry,false
"""
# A published table is about nobody here: it may hold small numbers.
PUBLISHED = """study,estimate,people,unit,kind
Somebody 2020,1.39,7,hazard ratio,published
"""
FILED = """key,text,value,unit,kind,table,page
change.all,-2.5 years (95% CI -3.1 to -1.9),-2.5,years,registry,people,who
people.all,120,,people,registry,people,who
published.ratio,1.39,1.39,hazard ratio,published,published,how_long
"""


def receipt(shape: str = "counts", people: str | None = "120 to 124", **changed) -> dict:
    """The receipt of a table as the gate writes it."""
    return {
        "profile": "minimum_10",
        "numbers": dict(NUMBERS),
        "shape": shape,
        "rules": [{"rule": "small counts are withheld", "result": "kept"}],
        "people": people,
        "cells_withheld": 4,
    } | changed


def entry(text: str, kind: str, page: str, receipt: dict) -> dict:
    """What the manifest of a work folder says of a table."""
    return {
        "title": f"What the chapter {page} shows",
        "kind": kind,
        "page": page,
        "sources": ["cohort" if kind == "registry" else "published_estimates"],
        "rows": text.count("\n") - 1,
        "sha256": sealing.digest(text.encode()),
        "redrawn_from_accepted": None,
        "columns": {c: f"What {c} means" for c in text.splitlines()[0].split(",")},
        "disclosure": receipt,
    }


def contents() -> tuple[dict[str, str], dict, dict]:
    """Text of each file, the manifest and the record of the run of a small work folder."""
    files = {
        "people.csv": PEOPLE,
        "curve.csv": CURVE,
        "published.csv": PUBLISHED,
        "numbers.csv": FILED,
        "curve.svg": "<svg/>",
    }
    manifest = {
        "tables": {
            "people": entry(PEOPLE, "registry", "who", receipt()),
            "curve": entry(CURVE, "registry", "how_long", receipt("curve")),
            "published": entry(
                PUBLISHED, "published", "how_long", receipt("not about people", None, rules=[])
            ),
        },
        "figures": {
            "curve": {
                "title": "Half live longer",
                "alt": "A curve",
                "table": "curve",
                "kind": "registry",
                "page": "how_long",
            }
        },
        "pages": {"who": {"kinds": ["registry"]}, "how_long": {"kinds": ["registry", "published"]}},
    }
    run = {
        "software": {
            "name": "distance-to-care",
            "version": "0.1.0",
            "source_sha256": SOURCE,
            "modules_sha256": sealing.of_source(),
        },
        "study": {
            "name": "invented",
            "title": "An invented study",
            "sha256": "b" * 64,
            "content": {"name": "invented", "columns": {"smoking": {"type": "string"}}},
        },
        "profile": {"name": "minimum_10", "numbers": dict(NUMBERS)},
        "people": "120 to 124",
        "record_kind": "registry",
        "second_opinion": {
            "library": "acro",
            "version": "1.0.2",
            "tables": {"people": {"cross_tabulations": 1, "cells": 6, "looser": 0}},
        },
        "seconds": {"who": 1.5},
    }
    return files, manifest, run


def work_folder(folder: Path, change=None) -> Path:
    """Write the small work folder; `change` may alter its files, manifest and run before."""
    files, manifest, run = contents()
    if change:
        change(files, manifest, run)
    (folder / ".chapters").mkdir(parents=True)
    (folder / ".chapters" / "who.json").write_text("{}")
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    (folder / "manifest.json").write_bytes(sealing.canonical(manifest))
    (folder / "run.json").write_bytes(sealing.canonical(run))
    return folder


def retable(files: dict, manifest: dict, name: str, text: str) -> None:
    """Give a table another content, with the digest that belongs to it."""
    files[f"{name}.csv"] = text
    manifest["tables"][name]["sha256"] = sealing.digest(text.encode())


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder by its path, and every folder with empty content."""
    return {
        path.relative_to(folder).as_posix(): b"" if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }
