"""What the checklists of the book say a machine checks: each function lists what is not so.

A row of `data/reporting/` names one of these. Where it says yes, the list has to be empty; where it
says no or partly, it may not be, so that a tick follows what is true in both directions.
"""

from __future__ import annotations

import ast
import csv
import re
import subprocess
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from distance_to_care import disclosure, places, results, tables
from distance_to_care.publication import assumption_register, build, ledger, sentences
from distance_to_care.publication.notebooks import Notebook

ROOT = places.ROOT
# Endings of code that a program of an open language reads, and of text that nobody runs.
OPEN_LANGUAGES = {".py", ".ipynb", ".R", ".js", ".css", ".toml", ".yml"}
# Columns of a study that hold names of places.
FREE = {"centre", "region"}
CLOSED = {".sas", ".do", ".sps", ".xlsm", ".mdb", ".m", ".vba"}


def text(name: str) -> str:
    """Read a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def chapters() -> list[Notebook]:
    """The notebooks of the book, in reading order."""
    return [
        Notebook(ROOT / f"{name}.ipynb")
        for name in build.contents()
        if name.startswith("notebooks/")
    ]


def prose(chapter: Notebook) -> str:
    """The prose of a chapter."""
    return sentences.prose(chapter.path)


@cache
def listed() -> list[str]:
    """Files of the project, whether git knows them already or not."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return asked.stdout.splitlines()


def every_chapter_asks_below_its_title() -> list[str]:
    """The paragraph below the title of a chapter ends with a question."""
    below = {chapter.name: prose(chapter).split("\n\n")[1] for chapter in chapters()}
    return [name for name, paragraph in below.items() if not paragraph.endswith("?")]


def every_chapter_says_what_it_does_not_show() -> list[str]:
    """A chapter has a section on its limits, with something in it."""
    return _without_a_section("What this does not show")


def _without_a_section(heading: str) -> list[str]:
    """List the chapters that have no section of this heading, or nothing in it."""
    section = re.compile(rf"^## {heading}\n+[^#\s]", re.MULTILINE)
    return [chapter.name for chapter in chapters() if not section.search(prose(chapter))]


def every_column_of_a_study_says_what_it_may_hold() -> list[str]:
    """Columns of both studies have words that say what they are, and a range or codes."""
    return [
        f"{name}: {row['column']}"
        for name in tables.study_names()
        for row in _dictionary(name)
        if not (row["description"].strip() and (row["allowed"] or row["column"] in FREE))
    ]


def _dictionary(name: str) -> list[dict]:
    from distance_to_care import study

    return study.dictionary(tables.read_study(name)).to_dict("records")


def every_input_names_source_and_licence() -> list[str]:
    """Each input of the descriptor has a source, a licence and a digest."""
    return [
        entry["name"]
        for entry in tables.descriptor()["resources"]
        if not (entry.get("sources") and entry.get("licenses") and entry.get("hash"))
    ]


def hazard_ratios_have_intervals_adjustments_and_lives() -> list[str]:
    """Ratios stand between limits, beside adjusted ones; a chapter has months and people."""
    models = {"unadjusted", "as_published"} - _values("hazard_ratios", "model")
    units = {"months", "of 100 people"} - _values("hazard_ratio_to_lives", "unit")
    return [*_hazard_ratios_without_an_interval(), *sorted(models | units)]


def _values(page: str, column: str) -> set[str]:
    """Gather what stands in a column of the published tables of a page."""
    return {
        value
        for name, entry in results.accepted_manifest()["tables"].items()
        if entry["page"] == page and column in entry["columns"]
        for value in results.read_published(places.ACCEPTED / f"{name}.csv", name)[column]
    }


def _hazard_ratios_without_an_interval() -> list[str]:
    """List accepted tables about people in which a hazard ratio lacks one of its limits."""
    bare = []
    for name, entry in results.accepted_manifest()["tables"].items():
        if entry["kind"] not in disclosure.PERSON_KINDS:
            continue
        table = results.read_published(places.ACCEPTED / f"{name}.csv", name)
        told = _hazard_ratios(table)
        if not {"ci_low", "ci_high"} <= set(told):
            bare += [name] * (len(told) > 0)
        elif told[["ci_low", "ci_high"]].isna().any(axis=None):
            bare.append(name)
    return bare


def _hazard_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Pick the rows that give a hazard ratio, in its own column or as the estimate."""
    if "hazard_ratio" in table:
        ratios = table["hazard_ratio"]
    elif {"measure", "estimate"} <= set(table):
        ratios = table["estimate"].where(table["measure"].str.startswith("hazard ratio"))
    else:
        return table.iloc[:0]
    return table[ratios.notna() & ((ratios != 1) | ("reference" not in table))]


def _without_a_table(page: str, *columns: str) -> list[str]:
    """Say of a page that it has published no table with these columns and rows in it."""
    entries = results.accepted_manifest()["tables"].values()
    held = [e for e in entries if e["page"] == page and set(columns) <= set(e["columns"])]
    told = any(entry["rows"] for entry in held)
    return [] if told else [f"{page} has no table with {', '.join(columns)}"]


def people_are_counted_at_each_stage() -> list[str]:
    """A published table counts people, events and gaps from the file to each model."""
    stages = ("people", "deaths", "censored", "missing", "model")
    return _without_a_table("who_is_in_the_cohort", *stages)


def people_and_missing_values_are_in_tables() -> list[str]:
    """Published tables describe the people by group, and count what is not known of them."""
    pages = ("who_is_in_the_cohort", "missing_data")
    described = ("variable", "level", "people", "missing", "estimate")
    return [fault for page in pages for fault in _without_a_table(page, *described)]


def survival_is_told_by_time_with_people_at_risk() -> list[str]:
    """Both chapters on survival publish it by time, with its interval and the people at risk."""
    pages = ("survival_by_deprivation", "survival_by_distance")
    columns = ("time_years", "at_risk", "estimate", "ci_low", "ci_high")
    return [fault for page in pages for fault in _without_a_table(page, *columns)]


def every_chapter_has_its_method_and_missing_values_have_several() -> list[str]:
    """Chapters have a section on their method, that on missing values estimates by several."""
    found = _without_a_table("missing_data", "method", "estimate", "ci_low", "ci_high")
    several = len(_values("missing_data", "method")) > 1
    return [*_without_a_section("Method"), *found, *([] if several else ["one way for gaps"])]


def each_other_analysis_has_published_estimates() -> list[str]:
    """Joint gradients, forms of distance, competing events: each publishes intervals."""
    pages = ("deprived_and_far", "distance_as_spline_and_minutes", "transplant_as_competing_event")
    return [
        fault
        for page in (*pages, "three_causal_structures")
        for fault in _without_a_table(page, "estimate", "ci_low", "ci_high")
    ]


def every_chapter_begins_with_its_answer() -> list[str]:
    """The answer of a chapter stands before its method."""
    before = {chapter.name: prose(chapter).partition("\n## Method")[0] for chapter in chapters()}
    return [name for name, opening in before.items() if "**Answer.**" not in opening]


def synthetic_results_say_so_in_their_names() -> list[str]:
    """A table about synthetic people cannot be taken for a finding, not even by its name."""
    entries = results.accepted_manifest()["tables"]
    return [
        name
        for name, entry in entries.items()
        if (entry["kind"] == "synthetic") != name.startswith("synthetic_")
    ]


def every_table_names_its_kind() -> list[str]:
    """Each accepted table has a kind with a banner: true, and so no title has to say it."""
    # The item asks for the title; it is met where every title of a table holds its kind.
    entries = results.accepted_manifest()["tables"]
    return [name for name, entry in entries.items() if entry["kind"] not in entry["title"].lower()]


def every_accepted_table_has_known_columns() -> list[str]:
    """An accepted table has no column outside the one list of columns."""
    return [
        name
        for name, entry in results.accepted_manifest()["tables"].items()
        if not set(entry["columns"]) <= set(results.COLUMNS)
    ]


def code_is_in_open_languages() -> list[str]:
    """No file of the project needs a program that is not open."""
    return [name for name in listed() if Path(name).suffix in CLOSED]


def code_is_under_version_control() -> list[str]:
    """Git has a history of the project, and each change in it says something."""
    asked = subprocess.run(
        ["git", "log", "--format=%s"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = asked.stdout.splitlines()
    return [] if said and all(line.strip() for line in said) else ["no history, or silent commits"]


def the_readme_gives_commands_that_exist() -> list[str]:
    """Each command of make that the README names is a target of the make file."""
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", text("README.md"), flags=re.MULTILINE))
    return sorted(named - targets) if {"book", "test"} <= named else ["book and test are not named"]


def the_project_has_a_public_address() -> list[str]:
    """The citation file and the book name an address at which the code can be read."""
    citation = yaml.safe_load(text("CITATION.cff"))
    config = yaml.safe_load(text("_config.yml"))
    missing = [] if citation.get("repository-code") or citation.get("url") else ["CITATION.cff"]
    return missing + ([] if config["repository"]["url"] else ["_config.yml"])


def one_command_makes_every_page() -> list[str]:
    """`make book` builds, and every page of the contents is a file that it builds from."""
    missing = [
        name
        for name in build.contents()
        if not (ROOT / f"{name}.md").exists() and not (ROOT / f"{name}.ipynb").exists()
    ]
    rule = re.search(r"^book: .*\n\t@\$\(COMMAND\) build\b", text("Makefile"), flags=re.MULTILINE)
    return missing if rule else ["make book does not build"]


def make_fetches_makes_and_proves_the_numbers() -> list[str]:
    """Three commands of make fetch, build and test, and the page that follows a number has them."""
    page, rule = text("book/check_one_number.md"), r"^data: .*\n\t@\$\(COMMAND\) data\b"
    unsaid = [f"make {name}" for name in ("data", "book", "test") if f"\nmake {name}\n" not in page]
    fetched = re.search(rule, text("Makefile"), flags=re.MULTILINE)
    proved = one_command_makes_every_page() + there_are_unit_tests_and_back_tests()
    return [*unsaid, *([] if fetched else ["make data does not fetch"]), *proved]


def everything_public_has_a_docstring() -> list[str]:
    """Each module, and each class and function in it that others may call, says what it is."""
    silent = []
    for path in sorted((ROOT / "distance_to_care").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        nodes = [tree, *public] if tree.body else []
        silent += [
            f"{path.name}: {getattr(n, 'name', 'module')}"
            for n in nodes
            if not ast.get_docstring(n)
        ]
    return silent


def folders_are_those_that_the_readme_names() -> list[str]:
    """The rooms of the README are folders of the project, and there are no others."""
    named = set(re.findall(r"^\| `([a-z_]+)/`", text("README.md"), flags=re.MULTILINE))
    there = {name.split("/")[0] for name in listed() if "/" in name and not name.startswith(".")}
    return sorted(named ^ there)


def no_notebook_defines_a_function() -> list[str]:
    """Notebooks define nothing, and each calls the package."""
    found = []
    for chapter in chapters():
        trees = [ast.parse(source) for source in chapter.code]
        defines = any(
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            for tree in trees
            for node in ast.walk(tree)
        )
        if defines or "distance_to_care" not in "".join(chapter.code):
            found.append(chapter.name)
    return found


def the_linter_runs_before_the_tests() -> list[str]:
    """`make test` needs `lint`, which checks rules and form."""
    makefile = text("Makefile")
    needed = {
        "test needs lint": re.search(r"^test:.*\blint\b", makefile, flags=re.MULTILINE),
        "rules": "ruff check ." in makefile,
        "form": "ruff format --check ." in makefile,
    }
    return [what for what, there in needed.items() if not there]


def there_are_unit_tests_and_back_tests() -> list[str]:
    """`make test` runs the unit tests, and the test that compares published tables."""
    back = ast.parse(text("tests/book/test_published_tables.py"))
    names = {node.name for node in back.body if isinstance(node, ast.FunctionDef)}
    needed = {
        "units": len(list((ROOT / "tests" / "unit").glob("test_*.py"))) > 50,
        "back": "test_the_notebooks_published_what_was_accepted" in names,
        "both are run": "pytest tests/unit tests/book" in text("Makefile"),
    }
    return [what for what, there in needed.items() if not there]


def every_package_is_pinned_with_a_checksum() -> list[str]:
    """Each package of the lock has one version and a digest."""
    pins = re.split(r"\n(?=[a-z0-9])", text("requirements.txt"))[1:]
    return [p.split()[0] for p in pins if "==" not in p.split()[0] or "--hash=sha256:" not in p]


def the_project_is_a_package_with_a_command() -> list[str]:
    """The project has a build system and a command."""
    project = tomllib.loads(text("pyproject.toml"))
    needed = {
        "build system": "build-system" in project,
        "command": project["project"].get("scripts"),
    }
    return [what for what, there in needed.items() if not there]


def the_ledger_explains_every_change() -> list[str]:
    """No published number differs from the last version's without an entry and a reason."""
    found = ledger.changes(ledger.read_record(), ledger.published())
    return ledger.faults(found, ledger.read(), ledger.last_version())


def assurance_is_on_pages_and_no_review_is_late() -> list[str]:
    """The quality log and the register of assumptions are pages, the latter whole and in time."""
    pages = {"book/quality_log": "quality-log", "book/assumptions_register": "assumptions"}
    missing = [
        page
        for page, part in pages.items()
        if page not in build.contents() or f"{{statement}} {part}\n" not in text(f"{page}.md")
    ]
    reviewed = set(tables.read("assumption_reviews")["id"])
    register = assumption_register.register()
    return missing + assumption_register.faults(register, reviewed, date.today())


def no_record_of_the_two_diseases_is_of_a_real_person() -> list[str]:
    """People of the studies are synthetic; real ones that packages bring have other diseases."""
    files = sorted((places.DATA / "synthetic").glob("*.csv"))
    lying = []
    for file in files:
        head, *rows = file.read_text(encoding="utf-8").splitlines()
        place = head.split(",").index("record_kind")
        lying += [file.name for row in rows if row.split(",")[place] != "synthetic"][:1]
    kinds = {entry["kind"] for entry in tables.descriptor()["resources"]}
    about_people = disclosure.PERSON_KINDS - {"synthetic"}
    studies = [study for study in map(tables.read_study, tables.study_names()) if study.disease]
    ours = {name for study in studies for name in (study.disease, study.disease_short) if name}
    disease = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(ours)))})\b", re.IGNORECASE)
    brought = tomllib.loads(text("data/package_data.toml"))
    same = [name for name, entry in brought.items() if disease.search(entry["title"])]
    return lying + sorted(kinds & about_people) + same


def words_that_point_are_held_to_the_numbers() -> list[str]:
    """Each sentence with a number and a word that points is bound, or has its reason in a list."""
    with (ROOT / "tests/unit/sentences_left_unbound.tsv").open(
        encoding="utf-8", newline=""
    ) as file:
        left = {(row["page"], row["sentence"]) for row in csv.DictReader(file, delimiter="\t")}
    pages = [ROOT / f"{name}.md" for name in build.contents() if (ROOT / f"{name}.md").exists()]
    return [
        sentence
        for path in [*pages, *(chapter.path for chapter in chapters())]
        for sentence in sentences.unbound(path.stem, sentences.prose(path))
        if (path.stem, sentence[:60]) not in left
    ]


def check(name: str) -> list[str] | None:
    """Ask a check by its name; None where there is none of that name."""
    found = globals().get(name)
    asked = callable(found) and getattr(found, "__module__", "") == __name__
    return found() if asked and found.__code__.co_argcount == 0 else None
