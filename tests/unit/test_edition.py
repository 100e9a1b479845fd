"""The edition in the footer: of the sources and never of the clock."""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
import yaml

from distance_to_care import __version__, places, tables
from distance_to_care.problems import Problem
from distance_to_care.publication import build, edition


def test_the_day_is_that_of_the_variable_where_it_is_set():
    assert edition.day_of_sources({"SOURCE_DATE_EPOCH": "1795400000"}) == date(2026, 11, 23)
    # A day ends where it ends in Greenwich, wherever the book is built.
    assert edition.day_of_sources({"SOURCE_DATE_EPOCH": "86399"}) == date(1970, 1, 1)
    assert edition.day_of_sources({"SOURCE_DATE_EPOCH": "86400"}) == date(1970, 1, 2)


def test_a_variable_that_is_no_number_is_refused_in_a_sentence():
    with pytest.raises(Problem, match="SOURCE_DATE_EPOCH is 'today': set it to seconds"):
        edition.day_of_sources({"SOURCE_DATE_EPOCH": "today"})


def test_a_machine_without_git_takes_the_day_of_the_citation(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    released = yaml.safe_load(edition.CITATION.read_text(encoding="utf-8"))["date-released"]
    assert str(edition.day_of_sources({})) == str(released)


def test_the_day_is_else_that_of_the_last_commit():
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],
        cwd=places.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert edition.day_of_sources({}) == datetime.fromtimestamp(int(asked.stdout), UTC).date()


def test_a_copy_without_a_history_takes_the_day_of_the_citation(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(edition, "CITATION", tmp_path / "CITATION.cff")
    (tmp_path / "CITATION.cff").write_text('date-released: "2026-02-01"\n')
    assert edition.day_of_sources({}) == date(2026, 2, 1)


def test_the_day_of_the_data_is_that_of_the_newest_input(monkeypatch):
    others, own = [{"title": "Others"}], [{"title": "Measured by this project: make speed"}]
    resources = [
        {"path": "a.csv", "created": "2026-01-05", "sources": others},
        {"path": "b.csv", "created": "2026-03-01T00:00:00Z", "sources": [*own, *others]},
        {"path": "reporting/c.csv", "created": "2027-01-01", "sources": others},
        {"path": "d.csv", "created": "2027-01-01", "sources": own},
    ]
    monkeypatch.setattr(tables, "descriptor", lambda: {"resources": resources})
    assert edition.day_of_data() == date(2026, 3, 1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert edition.words() == (
        f"Version {__version__}. Data as compiled by 1 March 2026. "
        "Built from the sources of 2 January 1970."
    )


def test_measurements_of_the_book_are_no_data_of_it():
    resources = tables.descriptor()["resources"]
    measured = {
        entry["name"]
        for entry in resources
        if edition._about_the_book(entry) and not entry["path"].startswith("reporting/")
    }
    named = {entry["name"] for entry in resources if entry["name"].startswith(("speed_", "page_"))}
    assert measured == named | {"chapter_costs"}


def test_another_day_is_another_site(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    before = build._state({}, [])
    assert build._state({}, []) == before
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "186400")
    assert build._state({}, []) != before


@pytest.mark.parametrize("found", [set(edition.PAGES), {"book/corrections"}, set()])
def test_the_footer_leads_to_pages_that_are_there(found):
    app = SimpleNamespace(env=SimpleNamespace(found_docs=found), distance_to_care_edition="V")
    context = {"pathto": lambda name: f"../{name}.html"}
    edition.footer(app, "book/index", "page.html", context, None)
    written = context["theme_extra_footer"]
    assert '<p class="edition">V</p>' in written
    assert {name for name in edition.PAGES if f"../{name}.html" in written} == found


def test_every_page_of_the_footer_is_in_the_contents():
    assert set(edition.PAGES) <= set(build.contents())
