"""What the book says of itself: every tick is asked again, every assumption is somebody's."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pandas as pd
import pytest
import statement_checks
from docutils import nodes

from distance_to_care import places, results, tables
from distance_to_care.publication import assumption_register, build, ledger, statements
from distance_to_care.publication.ledger import NUMBER, TABLE, Change, Entry

ROOT = places.ROOT
ITEMS = [
    (name, row)
    for name in statements.CHECKLISTS
    for row in tables.read(name).fillna("").to_dict("records")
]
IDS = [f"{name}-{row['id']}" for name, row in ITEMS]
# So many items have the two statements, and the levels as NHS England words them.
ITEMS_OF = {"strobe": 22, "record": 13, "rap": 18}


def anchors(page: str) -> set[str]:
    return {nodes.make_id(heading) for heading in statements.headings(page)}


def missing(where: str) -> list[str]:
    """Places of an answer that are not there: pages of the contents, headings, files."""
    found = []
    for place in (each.strip() for each in where.split(";") if each.strip()):
        page, _, anchor = place.partition("#")
        if page in build.contents():
            if anchor and anchor not in anchors(page):
                found.append(place)
        elif not (ROOT / place).is_file():
            found.append(place)
    return found


def wrong(row: dict[str, str]) -> list[str]:
    """Say what is not so of an item: a place that is not there, a tick that does not hold."""
    said = [f"{place} is not there" for place in missing(row["where"])]
    if not row["where"]:
        said.append("it names no place")
    way, _, what = row["checked"].partition(": ")
    if way == statements.READ:
        return said + ([f"read on {what}"] if date.fromisoformat(what) > date.today() else [])
    faults = statement_checks.check(what)
    if faults is None:
        return [*said, f"no check is called {what}"]
    if row["status"] == "yes":
        return said + [f"{what}: {fault}" for fault in faults[:5]]
    return said + ([] if faults else [f"{what} holds by now, and the item says {row['status']}"])


# -- the checklists ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "row"), ITEMS, ids=IDS)
def test_every_tick_holds(name, row):
    assert wrong(row) == []


def test_the_checklists_are_whole():
    for name, items in ITEMS_OF.items():
        assert len(tables.read(name)) == items
    assert [str(n) for n in range(1, 23)] == list(tables.read("strobe")["id"].astype(str))


def test_every_check_is_named_by_an_item():
    named = {row["checked"].partition(": ")[2] for _, row in ITEMS}
    asked = {
        name
        for name, found in vars(statement_checks).items()
        if getattr(found, "__module__", "") == statement_checks.__name__ and callable(found)
    }
    helping = {"text", "chapters", "prose", "listed", "check"}
    checks = {name for name in asked - helping if not name.startswith("_")}
    assert checks == {name for name in named if not name.startswith("20")}


GOOD = {
    "where": "book/methods#survival; Makefile",
    "status": "yes",
    "checked": "machine: one_command_makes_every_page",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"where": "book/methods#no-such-heading"}, "is not there"),
        ({"where": "book/no_such_page"}, "is not there"),
        ({"where": "tests/unit/test_no_such.py"}, "is not there"),
        ({"where": ""}, "names no place"),
        ({"checked": "machine: no_such_check"}, "no check is called"),
        ({"checked": "machine: text"}, "no check is called"),
        ({"checked": "read: 2999-01-01"}, "read on"),
        # A tick that no longer holds, and a cross that has come to hold.
        ({"checked": "machine: the_project_has_a_public_address"}, "CITATION.cff"),
        ({"status": "no"}, "holds by now"),
    ],
)
def test_a_tick_can_fail(change, words):
    said = wrong(GOOD | change)
    assert (words is None and said == []) or any(words in each for each in said)


def test_evidence_that_is_taken_away_turns_ticks(monkeypatch):
    """Each of these takes one thing away from what the checks read, and its check says so."""
    real = statement_checks.text

    def without(file: str, what: str):
        return lambda name: real(name).replace(what, "") if name == file else real(name)

    taken = {
        "the_linter_runs_before_the_tests": ("Makefile", "ruff check ."),
        "one_command_makes_every_page": ("Makefile", "build $(if"),
        "the_readme_gives_commands_that_exist": ("Makefile", "bench:"),
        "every_package_is_pinned_with_a_checksum": ("requirements.txt", "--hash=sha256:"),
        "the_project_is_a_package_with_a_command": ("pyproject.toml", "[project.scripts]"),
        "there_are_unit_tests_and_back_tests": ("Makefile", "pytest tests/unit tests/book"),
        "folders_are_those_that_the_readme_names": ("README.md", "| `tests/`"),
        "make_fetches_makes_and_proves_the_numbers": ("Makefile", "data: environment"),
        "assurance_is_on_pages_and_no_review_is_late": (
            "book/quality_log.md",
            "{statement} quality-log",
        ),
    }
    for name, (file, what) in taken.items():
        assert what in real(file), (name, what)
        monkeypatch.setattr(statement_checks, "text", without(file, what))
        assert statement_checks.check(name), name
        monkeypatch.setattr(statement_checks, "text", real)
        assert statement_checks.check(name) == [], name


@pytest.mark.parametrize(
    "name",
    [
        "people_are_counted_at_each_stage",
        "people_and_missing_values_are_in_tables",
        "survival_is_told_by_time_with_people_at_risk",
        "every_chapter_has_its_method_and_missing_values_have_several",
        "each_other_analysis_has_published_estimates",
    ],
)
def test_a_table_that_is_gone_or_empty_turns_the_tick(monkeypatch, name):
    real = results.accepted_manifest()["tables"]
    assert statement_checks.check(name) == []
    for change in ({"rows": 0}, {"columns": {}}):
        changed = {table: entry | change for table, entry in real.items()}
        monkeypatch.setattr(results, "accepted_manifest", lambda tables=changed: {"tables": tables})
        assert statement_checks.check(name), (name, change)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("every_chapter_asks_below_its_title", "?\n\n", "?\nIt says so.\n\n"),
        ("every_chapter_says_what_it_does_not_show", "## What this does not show\n", "## Help\n"),
        ("every_chapter_has_its_method_and_missing_values_have_several", "## Method\n", ""),
    ],
)
def test_a_chapter_without_one_of_its_parts_turns_the_tick(monkeypatch, name, old, new):
    real = statement_checks.prose
    assert statement_checks.check(name) == []
    monkeypatch.setattr(statement_checks, "prose", lambda chapter: real(chapter).replace(old, new))
    assert len(statement_checks.check(name)) == len(statement_checks.chapters())


@pytest.mark.parametrize(
    ("page", "column"), [("hazard_ratios", "model"), ("hazard_ratio_to_lives", "unit")]
)
def test_a_ratio_without_adjustment_or_lives_turns_the_tick(monkeypatch, page, column):
    real, name = results.accepted_manifest(), "hazard_ratios_have_intervals_adjustments_and_lives"
    assert statement_checks.check(name) == []
    without = {
        table: entry | {"columns": {}} if entry["page"] == page else entry
        for table, entry in real["tables"].items()
    }
    monkeypatch.setattr(results, "accepted_manifest", lambda: {"tables": without})
    assert len(statement_checks.check(name)) == 2, column


def test_a_ratio_without_its_limits_turns_the_tick(monkeypatch):
    name, real = "hazard_ratios_have_intervals_adjustments_and_lives", results.read_published
    for table in ("synthetic_ipf_hazard_ratios", "synthetic_survival_by_distance_models"):

        def without(path, read, altered=table):
            frame = real(path, read)
            return frame.drop(columns="ci_low") if read == altered else frame

        monkeypatch.setattr(results, "read_published", without)
        assert statement_checks.check(name) == [table]


def test_a_column_that_says_nothing_of_its_cells_turns_the_tick(monkeypatch):
    name = "every_column_of_a_study_says_what_it_may_hold"
    real = statement_checks._dictionary
    for part in ("description", "allowed"):
        bare = [row | {part: ""} for row in real("ipf") if row["column"] == "sex"]
        monkeypatch.setattr(statement_checks, "_dictionary", lambda study, bare=bare: bare)
        assert "ipf: sex" in statement_checks.check(name)


def test_real_people_with_one_of_the_diseases_turn_the_tick(monkeypatch):
    name, real = "no_record_of_the_two_diseases_is_of_a_real_person", statement_checks.text
    assert statement_checks.check(name) == []
    for study in tables.study_names():
        disease = tables.read_study(study).disease
        brought = f'[others]\ntitle = "A cohort of {disease.capitalize()}"\n'
        monkeypatch.setattr(statement_checks, "text", lambda _, brought=brought: brought)
        assert statement_checks.check(name) == (["others"] if disease else [])
        monkeypatch.setattr(statement_checks, "text", real)


def test_a_synthetic_table_with_another_name_turns_the_tick(monkeypatch):
    entry = {"kind": "synthetic", "page": "p", "columns": {}, "rows": 1}
    monkeypatch.setattr(results, "accepted_manifest", lambda: {"tables": {"ratios": entry}})
    assert statement_checks.check("synthetic_results_say_so_in_their_names") == ["ratios"]


def test_how_many_hold_is_counted():
    assert statements.counted(pd.Series(["no", "yes", "yes"])) == "2 yes, 1 no"


def test_the_level_follows_from_the_items():
    items = pd.DataFrame(
        [("Low", "a", "yes"), ("Low", "b", "no"), ("High", "c", "yes"), ("High", "d", "partly")],
        columns=["part", "asks", "status"],
    )
    shown = statements.level_html(items)
    assert "The answer is none of them yet." in shown
    assert "<li>b: no</li>" in shown
    assert "low 1 of 2, high 1 of 2" in shown
    assert "d: partly" not in shown
    shown = statements.level_html(items.assign(status=["yes", "not applicable", "yes", "partly"]))
    assert "The answer is low." in shown
    assert "<li>d: partly</li>" in shown
    shown = statements.level_html(items.assign(status="yes"))
    assert "The answer is high." in shown
    assert "<li>" not in shown
    # A level above one that does not hold is not reached.
    shown = statements.level_html(items.assign(status=["yes", "no", "yes", "yes"]))
    assert "The answer is none of them yet." in shown


def test_the_page_of_levels_says_none_by_hand():
    page = (places.BOOK / "rap_levels.md").read_text(encoding="utf-8")
    assert "```{statement} level-reached\n" in page
    assert "answer is" not in page


def test_a_tick_says_how_it_is_checked():
    assert "each time they run: `one_command`" in statements.how_checked("machine: one_command")
    assert statements.how_checked("read: 2026-11-05").startswith("By reading, on 5 November 2026")


def test_places_become_links_and_files_code():
    written = statements.links("notebooks/missing_data#method; book/index; Makefile", "book/strobe")
    assert written == (
        "[Missing data: Method](../notebooks/missing_data.ipynb#method); "
        "[Distance to Care](index.md); `Makefile`"
    )
    # A page that a site leaves out has a title there, and no headings.
    written = statements.links("notebooks/missing_data#method", "book/strobe", ["missing_data"])
    assert written == "[Missing data](../notebooks/missing_data.ipynb)"


# -- the register of assumptions -----------------------------------------------------------------


@pytest.fixture(scope="module")
def register() -> pd.DataFrame:
    return assumption_register.register()


def reviewed() -> set[str]:
    return set(tables.read("assumption_reviews")["id"])


def test_every_assumption_has_an_owner_and_a_review_in_time(register):
    assert assumption_register.faults(register, reviewed(), date.today()) == []
    assert register["id"].is_unique
    assert not register[list(assumption_register.COLUMNS)].isna().any(axis=None)


def test_the_register_holds_whatever_code_may_assume(register):
    for name, (prefix, _) in assumption_register.ROW_BY_ROW.items():
        assert {f"{prefix}.{row}" for row in tables.read(name)["name"]} <= set(register["id"])
    files = {entry["path"] for entry in assumption_register.wholes()}
    assumed = {
        entry["path"] for entry in tables.descriptor()["resources"] if entry["kind"] == "assumed"
    }
    drawn = {f"studies/{file.name}" for file in places.STUDIES.glob("*_parameters.toml")}
    row_by_row = {f"{name}.csv" for name in assumption_register.ROW_BY_ROW}
    assert files == (assumed | drawn) - row_by_row


def test_each_fault_of_the_register_is_named(register):
    ids, today = set(register["id"]), date.today()
    unowned = register.assign(owner=register["owner"].mask(register["id"] == "atlas.coast_km"))
    said = assumption_register.faults(unowned, ids, today)
    assert said == ["atlas.coast_km: nobody has reviewed it"]
    said = assumption_register.faults(register, ids | {"atlas.gone"}, today)
    assert said == ["atlas.gone: a review of what nobody assumes"]
    latest = max(date.fromisoformat(day) for day in register["review_by"].astype(str))
    said = assumption_register.faults(register, ids, latest + timedelta(days=1))
    assert len(said) == len(register)
    assert "its review was due on" in said[0]
    backwards = register.assign(review_by=register["last_review"])
    assert any("due before" in s for s in assumption_register.faults(backwards, ids, today))


def test_moves_are_shares_of_the_result_and_the_largest_counts():
    ends = pd.DataFrame(
        {"term": ["a", "b"], "estimate": [10.0, -4.0], "low": [9.0, -4.0], "high": [12.0, -1.0]}
    )
    rows = pd.DataFrame(
        {"term": ["base", "a", "a", "c"], "group": ["x"] * 4, "estimate": [10.0, 4.0, 9.0, 10.5]}
    )
    moves = assumption_register.largest_moves({"waiting_moved": ends, "screening_moved": rows})
    assert moves == pytest.approx({"a": 0.6, "b": 0.75, "c": 0.05})
    ratings = [assumption_register.rated(share) for share in (0.5, 0.49, 0.1, 0.09, None)]
    assert ratings == ["high", "moderate", "moderate", "low", assumption_register.NOT_MEASURED]


def test_the_impact_of_one_assumption_is_that_of_its_table(register):
    effects = pd.read_csv(places.ACCEPTED / "assumption_effects.csv")
    of = effects[effects["term"] == "People with IPF per 100 000 people of all ages"]
    base = of[(of["measure"] == "expected patients") & (of["difference"] == 0)]["estimate"].item()
    share = of[of["measure"] == "expected patients"]["difference"].abs().max() / base
    impact = register.set_index("id").loc["atlas.prevalence_per_100000", "impact"]
    assert impact == assumption_register.rated(share) == "high"


# -- the quality log -----------------------------------------------------------------------------


def of_tables() -> dict[str, str]:
    """Figures of the log that stand in tables, worked out from them."""
    with (ROOT / "tests" / "mutation_figures.csv").open(encoding="utf-8", newline="") as file:
        modules = list(csv.DictReader(file))
    seen, faults = (sum(int(m[column]) for m in modules) for column in ("seen", "faults"))
    verdicts = tables.read("recovery_certificate")["verdict"].value_counts()
    judged = verdicts["pass"] + verdicts["fail"]
    return {
        "mutation": f"{seen:,} of {faults:,} faults seen",
        "certificate": f"{verdicts['pass']:,} of {judged:,} verdicts pass",
    }


@pytest.mark.parametrize(
    "row", tables.read("quality_log").to_dict("records"), ids=lambda r: r["id"]
)
def test_a_figure_of_the_quality_log_is_the_one_that_is_recorded(row):
    worked_out = of_tables()
    if row["id"] in worked_out:
        assert row["figure"] == worked_out[row["id"]]
    else:
        # In a table of seconds the number stands alone.
        alone = f"| {row['figure'].removesuffix(' seconds')} |"
        recorded = (ROOT / row["recorded_in"]).read_text(encoding="utf-8")
        assert row["figure"] in recorded or alone in recorded
    assert (ROOT / row["recorded_in"]).is_file()
    assert date.fromisoformat(str(row["checked_on"])) <= date.today()


def test_a_run_is_called_older_than_another_while_it_is():
    log = tables.read("quality_log").set_index("id")
    older = str(log.loc["whole_test", "checked_on"]) < str(log.loc["quick_test", "checked_on"])
    assert log.loc["whole_test", "outcome"].startswith("Older than the run of the quick") == older


# -- what the pages show -------------------------------------------------------------------------


def test_changes_are_shown_by_their_reason(monkeypatch):
    moved = Entry("1", Change(NUMBER, "a.half", "0.5", "0.6"), why="a better count", date="d")
    table = Entry("1", Change(TABLE, "t", "a" * 40, "b" * 40), "3", "12", "a better count", "d")
    other = Entry("1", Change(NUMBER, "b", "1", "2"), why="new <data>", date="d")
    monkeypatch.setattr(ledger, "read", lambda: [moved, table, other])
    shown = statements.changes_html()
    assert shown.count("<details>") == 2
    assert "new &lt;data&gt;" in shown
    assert shown.index("new &lt;data&gt;") < shown.index("a better count")
    assert "After version 1: 2 changes" in shown
    assert f"<td>{'a' * 10}</td>" in shown
    monkeypatch.setattr(ledger, "read", list)
    assert (
        f"No number has changed after version {ledger.last_version()}" in statements.changes_html()
    )


def test_the_register_shows_first_what_is_weak_and_moves_much(register):
    shown = statements.assumptions_html()
    assert f"{len(register)} assumptions." in shown
    first, *folded = shown.split("<details>")
    weak = register[register["quality"].str.startswith("weak") & (register["impact"] == "high")]
    assert len(weak)
    assert {name for name in register["id"] if f"<td>{name}</td>" in first} == set(weak["id"])
    assert all(f"<td>{name}</td>" in "".join(folded) for name in register["id"])
