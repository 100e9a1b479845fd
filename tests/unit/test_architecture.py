"""The shape of the package: imports point one way, one reader, one writer."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from distance_to_care import places

PACKAGE = places.ROOT / "distance_to_care"

# Every module may import those on earlier lines only.
LAYERS = [
    {"locks"},
    {"problems", "places", "cells", "counted", "repeated", "whole_file", "__init__"},
    {"disclosure", "mapping", "source_lines"},
    {"study", "scheduler"},
    {"contract", "workbook", "released", "people_flow", "guard"},
    {"official", "wheelhouse", "wheelhouse_install"},
    {"medicine_files", "doctor"},
    {"tables"},
    {"geography", "synthetic", "figures", "needed_facts", "second_opinion"},
    {"access", "results", "travel"},
    {"residence"},
    {"prepared"},
    {"cohort"},
    {"forecast", "long_cohort"},
    {"centre_lists", "travel_error", "maps"},
    {"deprived_and_far", "evidence_map"},
    {"care_boards", "area_travel", "deprivation", "hospital_medicines"},
    {"statistics.compiled"},
    {"statistics.cox_kernels"},
    {"statistics.engine", "statistics.__init__"},
    {"packed"},
    {"survival", "inequality", "imputation", "excess_mortality", "sensitivity", "funding", "lives"},
    {"expected_births", "encounters", "published_outcomes", "two_services", "funnel"},
    {"pages_measured"},
    {"mediation", "how_far", "published_figures", "synthesis"},
    {
        "statistics.cohort_survival",
        "statistics.cohort_people",
        "statistics.severity",
        "statistics.treatment",
    },
    {
        "statistics.comparison",
        "statistics.cohort_missing",
        "statistics.structures",
        "statistics.joint",
        "statistics.engines_compared",
        "statistics.engines_timed",
        "statistics.competing_events",
        "statistics.pooled_cox",
        "statistics.replicates",
    },
    {"scenarios.__init__", "scenarios.assumptions", "scenarios.outcomes", "scenarios.location"},
    {"scenarios.national_spokes"},
    {
        "scenarios.spokes",
        "scenarios.virtual_review",
        "scenarios.waiting",
        "scenarios.coordination",
        "scenarios.budgets",
        "scenarios.natural_experiment",
        "scenarios.newborn_screening",
        "scenarios.one_stop",
        "scenarios.centre_volume",
    },
    {"scenarios.levers"},
    {"statistics.recovery", "attacks"},
    {"calibration"},
    {"causal_structures"},
    {"atlas"},
    {"releasing"},
    {"attacks_tried"},
    {"publication"},
    {"analyses"},
    {"registries"},
    {"command_line"},
    {"__main__"},
]
# Rooms whose modules may import one another.
ROOMS = (
    "people_flow",
    "publication",
    "command_line",
    "disclosure",
    "releasing",
    "registries",
    "packed",
    "figures",
)
# Rooms that read and write files of their own: pages, and what commands are asked to write.
FILING = ("publication", "command_line", "releasing")
# Calculation takes tables and returns tables: it does not read, write, print or plot.
CALCULATION = {
    "needed_facts",
    "geography",
    "access",
    "centre_lists",
    "how_far",
    "deprivation",
    "deprived_and_far",
    "evidence_map",
    "published_figures",
    "travel_error",
    "care_boards",
    "hospital_medicines",
    "synthetic",
    "statistics.engine",
    "survival",
    "inequality",
    "imputation",
    "excess_mortality",
    "funding",
    "sensitivity",
    "lives",
    "mediation",
    "statistics.cohort_survival",
    "statistics.cohort_people",
    "statistics.cohort_missing",
    "statistics.severity",
    "statistics.treatment",
    "statistics.comparison",
    "statistics.structures",
    "statistics.joint",
    "statistics.engines_compared",
    "statistics.engines_timed",
    "pages_measured",
    "statistics.competing_events",
    "statistics.pooled_cox",
    "statistics.recovery",
    "scenarios.assumptions",
    "scenarios.outcomes",
    "scenarios.location",
    "scenarios.national_spokes",
    "scenarios.spokes",
    "scenarios.virtual_review",
    "scenarios.waiting",
    "scenarios.coordination",
    "scenarios.budgets",
    "scenarios.natural_experiment",
    "scenarios.levers",
    "scenarios.newborn_screening",
    "scenarios.one_stop",
    "scenarios.centre_volume",
    "expected_births",
    "encounters",
    "published_outcomes",
    "two_services",
    "funnel",
    "attacks",
    "attacks_tried",
    "disclosure.profiles",
    "disclosure.counts",
    "disclosure.curves",
    "disclosure.models",
    "disclosure.columns",
    "disclosure.words",
    "disclosure.gate",
    "registries.meaning",
    "registries.rounds",
    "registries.answers",
    "contract",
    "counted",
    "repeated",
    "long_cohort",
    "study",
    "mapping",
    "forecast",
}
READERS = {"tables", "official", "medicine_files", "results", "contract"}
READING = {"read_csv", "read_parquet", "read_json", "read_excel", "read_feather", "read_pickle"}
WRITING = {"to_csv", "to_parquet", "to_json", "to_excel", "write_text", "write_bytes", "savefig"}
WRITERS = {
    "results",
    "official",
    "medicine_files",
    "figures.canvas",
    "calibration",
    "causal_structures",
    "synthetic",
    "wheelhouse",
}
DISEASE = ("ipf", "fibrosis", "antifibrotic", "fvc", "dlco", "spinal muscular")


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def layer(module: str) -> int:
    head = module.split(".")[0] if module.startswith(ROOMS) else module
    for place, names in enumerate(LAYERS):
        if head in names:
            return place
    raise AssertionError(f"{module} has no place in the layers: give it one")


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("distance_to_care"):
            inside = node.module.removeprefix("distance_to_care").strip(".")
            for alias in node.names:
                dotted = f"{inside}.{alias.name}".strip(".")
                is_module = (PACKAGE / f"{dotted.replace('.', '/')}.py").exists()
                names.add(dotted if is_module else inside or "__init__")
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix("distance_to_care.")
                for alias in node.names
                if alias.name.startswith("distance_to_care.")
            }
    return names


def attributes(tree: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", modules())
def test_imports_point_one_way(module):
    for other in imported(modules()[module]):
        if module.startswith(ROOMS) and module.split(".")[0] == other.split(".")[0]:
            continue
        assert layer(other) < layer(module), f"{module} imports {other}"


@pytest.mark.parametrize("module", modules())
def test_one_reader_and_one_writer(module):
    if module.startswith(FILING):
        return
    used = attributes(modules()[module])
    if module not in READERS:
        assert not used & READING, f"{module} reads inputs; tables.py is the reader"
    if module not in WRITERS:
        assert not used & WRITING, f"{module} writes; results.py is the writer of results"


@pytest.mark.parametrize("module", sorted(CALCULATION))
def test_calculation_only_calculates(module):
    tree = modules()[module]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not called & {"print", "open"}, f"{module} prints or opens files"
    libraries = {alias.name.split(".")[0] for node in ast.walk(tree)
                 if isinstance(node, ast.Import) for alias in node.names}  # fmt: skip
    assert not libraries & {"matplotlib", "seaborn"}, f"{module} plots"


def test_every_room_is_installed():
    listed = tomllib.loads((places.ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {path.parent.relative_to(places.ROOT) for path in PACKAGE.rglob("__init__.py")}
    assert sorted(listed["packages"]) == sorted(".".join(room.parts) for room in rooms)


def test_the_waist_is_used_by_every_figure():
    # Figures know nothing of people: they import no reader and no calculation.
    room = {name: tree for name, tree in modules().items() if name.startswith("figures.")}
    outside = {other for tree in room.values() for other in imported(tree) if other not in room}
    assert outside == {"problems"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_no_module_names_a_disease(path: Path):
    text = path.read_text().lower()
    for word in DISEASE:
        # "zipfile" holds the letters of a disease too.
        assert not re.search(rf"(?<![a-z]){word}(?![a-z])", text), (
            f"{path.name} names {word}: it belongs in a study file"
        )
