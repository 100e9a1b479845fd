"""The register of assumptions: every one that code may use, how sure, how much it moves, whose.

Values stand in the tables of assumptions, reviews in one table beside them, and what an assumption
moves is read from the published tables in which one was moved at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from distance_to_care import places, results, tables

# Tables of assumptions, a row each, and what they are called; `{name}` of a row makes its id.
ROW_BY_ROW = {
    "atlas_assumptions": ("atlas", "Places and drives"),
    "medicines_assumptions": ("medicine", "Doses of medicines"),
    "scenario_assumptions": ("scenario", "Scenarios"),
}
WHOLE = "Lists and files that are assumed as a whole"
# How good a value is, by the mark of its row.
QUALITY = {
    "S": "good: seen in a source",
    "D": "fair: derived, or a convention",
    "J": "weak: our judgement",
    "U": "weak: not checked against a source",
}
# An inventory that nobody has checked line by line is a judgement.
IN_FILE = "Named in the file, value by value"
QUALITY_OF_A_WHOLE = "weak: compiled by us"
# Published tables in which one assumption was moved at a time: those that give the result at both
# ends of the range in one row, and those that give one row an end.
ENDS = ("coordinator_moved", "one_stop_moves", "virtual_review_moves", "waiting_moved")
ROWS = ("levers_moved", "screening_moved", "assumption_effects")
# Moves of a result, as a share of it, from which an assumption matters much, and somewhat.
MUCH, SOMEWHAT = 0.5, 0.1
NOT_MEASURED = "not measured"
REVIEW = ("owner", "last_review", "review_by")
COLUMNS = ("id", "part", "statement", "value", "source", "quality", "impact", *REVIEW)


def register() -> pd.DataFrame:
    """Gather the register, a row an assumption; columns as in `COLUMNS`."""
    reviews = tables.read("assumption_reviews").set_index("id")
    moves = largest_moves({name: _accepted(name) for name in (*ENDS, *ROWS)})
    rows = [
        {
            "id": f"{prefix}.{row['name']}",
            "part": part,
            "statement": row["title"],
            "value": _value(row),
            "source": row["source"],
            "quality": QUALITY[row["certainty"]],
            "impact": rated(_largest(moves, row["name"], row["title"])),
        }
        for name, (prefix, part) in ROW_BY_ROW.items()
        for row in tables.read(name).to_dict("records")
    ]
    rows += [
        {
            "id": f"whole.{entry['name']}",
            "part": WHOLE,
            "statement": entry["title"],
            "value": f"data/{entry['path']}",
            "source": "; ".join(source["title"] for source in entry["sources"]),
            "quality": QUALITY_OF_A_WHOLE,
            "impact": NOT_MEASURED,
        }
        for entry in wholes()
    ]
    found = pd.DataFrame(rows).join(reviews, on="id")
    return found[list(COLUMNS)]


def wholes() -> list[dict]:
    """List the inputs that are assumed and have no rows with a value each.

    They are those that the descriptor calls assumed, and the parameters of synthetic people.
    """
    described = [
        entry
        for entry in tables.descriptor()["resources"]
        if entry["kind"] == "assumed" and entry["name"] not in ROW_BY_ROW
    ]
    known = {entry["path"] for entry in described}
    files = {
        f"studies/{name}_parameters.toml": tables.read_parameters(name)["title"]
        for name in tables.study_names()
    }
    return described + [
        {"name": Path(path).stem, "title": title, "path": path, "sources": [{"title": IN_FILE}]}
        for path, title in files.items()
        if path not in known
    ]


def faults(register: pd.DataFrame, reviewed: set[str], today: date) -> list[str]:
    """Say which assumptions have no review, which review is past its day, and which has no object.

    register : as `register` gives it. reviewed : ids of the table of reviews. today : the day.
    """
    known = set(register["id"])
    without = register[register["owner"].isna()]
    said = [f"{name}: nobody has reviewed it" for name in without["id"]]
    said += [f"{name}: a review of what nobody assumes" for name in sorted(reviewed - known)]
    due = register.dropna(subset=["review_by"])
    late = due[due["review_by"].astype(str) < today.isoformat()]
    said += [
        f"{row.id}: its review was due on {row.review_by}" for row in late.itertuples(index=False)
    ]
    backwards = due[due["review_by"].astype(str) <= due["last_review"].astype(str)]
    return said + [f"{name}: due before it was reviewed" for name in backwards["id"]]


def _accepted(name: str) -> pd.DataFrame:
    return results.read_published(places.ACCEPTED / f"{name}.csv", name)


def _value(row: Mapping) -> str:
    ends = f" ({row['low']:,.10g} to {row['high']:,.10g})" if row["low"] < row["high"] else ""
    return f"{row['value']:,.10g}{ends} {row['unit']}".strip()


def largest_moves(moved: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Find the largest move of any result by each assumption, as a share of the result.

    moved : published tables by name, those of `ENDS` and of `ROWS`.

    Returns
    -------
    What the tables call the assumption (its name or its title) -> share.
    """
    shares = [share for name in ENDS if name in moved for share in _of_ends(moved[name])]
    shares += [share for name in ROWS if name in moved for share in _of_rows(moved[name])]
    found: dict[str, float] = {}
    for term, share in shares:
        found[term] = max(share, found.get(term, 0.0))
    return found


def _of_ends(table: pd.DataFrame) -> list[tuple[str, float]]:
    kept = table[table["estimate"] != 0]
    away = pd.concat([kept["low"] - kept["estimate"], kept["high"] - kept["estimate"]], axis=1)
    share = away.abs().max(axis=1) / kept["estimate"].abs()
    return list(zip(kept["term"], share, strict=True))


def _of_rows(table: pd.DataFrame) -> list[tuple[str, float]]:
    by = [column for column in ("measure", "group") if column in table]
    shares = []
    for _, part in table.groupby(by):
        base = part[part["difference"] == 0] if "difference" in part else part.query("term=='base'")
        used = base["estimate"].abs().max()
        if len(base) and used:
            away = (part["estimate"] - base["estimate"].iloc[0]).abs() / used
            shares += [pair for pair in zip(part["term"], away, strict=True) if pair[0] != "base"]
    return shares


def _largest(moves: Mapping[str, float], *called: str) -> float | None:
    return max((moves[name] for name in called if name in moves), default=None)


def rated(share: float | None) -> str:
    """Rate a move: high from half of the result, moderate from a tenth of it, low below."""
    if share is None:
        return NOT_MEASURED
    return "high" if share >= MUCH else "moderate" if share >= SOMEWHAT else "low"
