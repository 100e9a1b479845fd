"""The pages of public functions, read from the source so that they cannot be out of date."""

from __future__ import annotations

import ast
from html import escape
from typing import NamedTuple

from distance_to_care import places

# The functions that take any table and hand back a tidy one, in the order of their pages: a page
# holds so many that a first visit weighs less than 100 kB.
PEOPLE = (
    "survival",
    "inequality",
    "mediation",
    "imputation",
    "sensitivity",
    "lives",
    "excess_mortality",
    "synthesis",
    "evidence_map",
)
PLACES = (
    "travel",
    "access",
    "centre_lists",
    "deprived_and_far",
    "two_services",
    "hospital_medicines",
    "expected_births",
    "published_outcomes",
    "encounters",
)
SCENARIOS = (
    "scenarios.assumptions",
    "scenarios.location",
    "scenarios.national_spokes",
    "scenarios.spokes",
    "scenarios.outcomes",
    "scenarios.budgets",
    "scenarios.coordination",
    "scenarios.centre_volume",
    "scenarios.natural_experiment",
    "scenarios.one_stop",
    "scenarios.newborn_screening",
)
PARTS = {"people": PEOPLE, "places": PLACES, "scenarios": SCENARIOS}
MODULES = PEOPLE + PLACES + SCENARIOS


class Function(NamedTuple):
    """A public function: its call, what it does in a line, and the rest of its docstring."""

    name: str
    call: str
    summary: str
    details: str


def of_module(module: str) -> tuple[str, list[Function]]:
    """Read the docstring of a module and its public functions, without importing it."""
    source = (places.ROOT / "distance_to_care" / f"{module.replace('.', '/')}.py").read_text(
        encoding="utf-8"
    )
    tree = ast.parse(source)
    functions = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            # Types are left out of the call: the parameters are described below it.
            for argument in (*node.args.args, *node.args.kwonlyargs):
                argument.annotation = None
            call = f"{module}.{node.name}({ast.unparse(node.args)})"
            summary, _, details = (ast.get_docstring(node) or "").partition("\n\n")
            functions.append(Function(node.name, call, " ".join(summary.split()), details))
    return ast.get_docstring(tree) or "", functions


def as_html(function: Function) -> str:
    """Write one function: its call, its act, and its parameters and columns to open."""
    return (
        f"<p><code>{escape(function.call)}</code></p><p>{escape(function.summary)}</p>"
        f"<details><summary>Parameters and columns of {function.name}</summary>"
        f'<pre tabindex="0">{escape(function.details)}</pre></details>'
    )
