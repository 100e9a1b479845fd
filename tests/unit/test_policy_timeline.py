"""The policy timeline: every event dated as well as it is known, sourced, and never too sure."""

from __future__ import annotations

import csv
import re
from datetime import date

import pandas as pd
import pytest

from distance_to_care import figures, places, results
from distance_to_care.problems import Problem

COLUMNS = [
    *("id", "date", "date_precision", "event", "what", "status", "certainty", "how_read"),
    *("source", "address", "citation", "note"),
]
# The day on which the sources were last looked at: nothing after it can have happened.
LOOKED = date(2026, 11, 22)
KINDS = {"delegated": "Boards", "national": "National", "body": "Bodies", "money": "Bodies"}
KINDS |= {"screening": "Screening"}


def read_rows(name: str) -> list[dict[str, str]]:
    with (places.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read_rows("policy_timeline")
NUMBERS = {row["id"]: row["estimate"] for row in read_rows("published_estimates")}
BY_ID = {row["id"]: row for row in ROWS}


def test_the_file_is_plain_and_in_order_of_time():
    raw = (places.DATA / "policy_timeline.csv").read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert list(ROWS[0]) == COLUMNS
    assert [r["id"] for r in ROWS if any(v != v.strip() for v in r.values())] == []
    assert [r["date"] for r in ROWS] == sorted(r["date"] for r in ROWS)
    assert len(BY_ID) == len(ROWS) >= 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_no_date_pretends_to_be_better_known_than_it_is(row):
    day = date.fromisoformat(row["date"])
    assert 2013 <= day.year <= 2027
    if row["date_precision"] != "day":
        assert day.day == 1
    if row["date_precision"] == "year":
        assert day.month == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_only_the_past_has_happened_and_a_plan_is_called_one(row):
    if row["status"] == "happened":
        assert date.fromisoformat(row["date"]) <= LOOKED
    else:
        # What was planned or reported only says what was not seen, or whose word it is.
        assert re.search(r"not seen|Subject to|No list|No official|was seen", row["note"])
    if row["certainty"] == "D":
        assert re.search(r"Derived: .{8,}", row["note"])
    else:
        assert "Derived:" not in row["note"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_event_says_where_it_was_seen(row):
    assert row["source"]
    assert "." in row["address"]
    assert not re.search(r"\[[SKD][\]:;/]", " ".join(row.values()))


def test_citations_are_in_the_bibliography():
    keys = set(re.findall(r"@\w+\{(\w+),", (places.BOOK / "references.bib").read_text("utf-8")))
    assert [row["id"] for row in ROWS if not row["citation"]] == []
    assert {row["citation"] for row in ROWS} - keys == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_an_event_was_read_as_the_table_of_sources_says(row):
    (source,) = [each for each in read_rows("sources") if each["key"] == row["citation"]]
    assert row["how_read"] in source["how_read"].split("; ")


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("boards_established", "policy_boards_2022"),
        ("services_sorted", "policy_services_suitable_and_ready"),
        ("joint_committees", "policy_services_suitable_and_ready"),
        ("delegated_three_regions", "policy_services_delegated_2024"),
        ("all_regions_approved", "policy_services_delegated_2025"),
        ("delegated_everywhere", "policy_services_delegated_2025"),
        ("clusters", "policy_leadership_teams"),
        ("fewer_boards", "policy_boards_2026"),
        ("fewer_boards", "policy_boards_2022"),
    ],
)
def test_numbers_agree_with_the_published_estimates(event, number):
    assert NUMBERS[number] in re.findall(r"\d+", BY_ID[event]["event"])


def test_every_number_in_an_event_is_one_of_those():
    known = {value for name, value in NUMBERS.items() if name.startswith("policy_")}
    typed = {n for row in ROWS for n in re.findall(r"\d+", row["event"].replace("10 Year", ""))}
    assert typed
    assert typed <= known


# --- the picture --------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path):
    page = results.Page("p", root=tmp_path, sources=["policy_timeline"])
    table = pd.DataFrame(ROWS).rename(columns={"id": "term"}).drop(columns="citation")
    return page.publish(table.assign(when=table["date"]), "events", "Events")


def test_the_published_table_keeps_the_order_of_time(published):
    assert list(published["date"]) == sorted(row["date"] for row in ROWS)


def test_the_picture_says_every_event_and_what_has_not_happened(published):
    drawing = figures.timeline(published, KINDS, "events", "Not confirmed")
    for row in ROWS:
        ending = {"planned": " (planned)", "reported": " (reported only)"}.get(row["status"], "")
        assert f"{row['date']}: {row['event']}{ending}." in drawing.alt
    assert drawing.alt.count("(planned)") == sum(row["status"] == "planned" for row in ROWS) > 0
    assert "Not confirmed" in drawing.svg
    assert drawing.narrow
    assert len(drawing.rows) == len(ROWS)


def test_the_line_stands_only_where_something_is_still_to_come(published):
    past = published[published["status"] == "happened"]
    past.attrs["published"] = "events"
    assert "Not confirmed" not in figures.timeline(past, KINDS, "events", "Not confirmed").svg


def test_five_shapes_are_too_many(published):
    with pytest.raises(Problem, match="at most"):
        figures.timeline(published, {k: k for k in KINDS}, "events", "Not confirmed")
