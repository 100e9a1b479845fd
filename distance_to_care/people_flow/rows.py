"""Which values of a chapter are people's own rows, still one each, and not counts or estimates."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

OURS = "distance_to_care."
# What of the package hands back the rows it was given, or some of them.
ROWS_AGAIN = frozenset(
    OURS + name
    for name in (
        "cohort.quintile",
        "disclosure.merge_steps",
        "imputation.impute",
        "statistics.engines_compared.design",
        "statistics.pooled_cox.complete",
        "statistics.pooled_cox.design",
        "statistics.pooled_cox.reach",
        "statistics.severity.parts_with_whole",
        "statistics.treatment.landmark",
        "statistics.treatment.not_yet_treated",
        "statistics.treatment.split_at_treatment",
        "survival.design",
    )
)


class Rows:
    """Remembers every name that ever stood for people's own rows."""

    def __init__(self, dotted: Callable[[ast.expr], str]):
        self.dotted = dotted
        self.cohorts: set[str] = set()
        self.pages: set[str] = set()
        self.names: set[str] = set()
        # Of those, what was ever a dictionary written out, and what was ever anything else.
        self.keyed: set[str] = set()
        self.unkeyed: set[str] = set()

    def knowing(self, names: Iterable[str]) -> Rows:
        """Return the same knowledge, with more names that stand for people's own rows."""
        more = Rows(self.dotted)
        more.cohorts, more.pages = self.cohorts, self.pages
        more.names = self.names | set(names)
        return more

    def learn(self, tree: ast.Module) -> None:
        """Learn from the assignments of a cell, until another look teaches nothing."""
        known = -1
        while known != sum(map(len, self._known())):
            known = sum(map(len, self._known()))
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        self._assigned(target, node.value)
                elif isinstance(node, ast.For | ast.comprehension):
                    self._looped(node.target, node.iter)

    def _known(self) -> tuple[set[str], ...]:
        return self.names, self.cohorts, self.pages, self.keyed, self.unkeyed

    def hold(self, node: ast.AST) -> bool:
        """Say whether an expression holds people's own rows, or a column of them."""
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute) and (
            node.attr == "people" or self._a_cohort(node.value)
        ):
            return node.attr == "people"
        if isinstance(node, ast.Call):
            dotted = self.dotted(node.func)
            if dotted.startswith(OURS) and dotted not in ROWS_AGAIN:
                return False
            if isinstance(node.func, ast.Attribute) and self._a_page(node.func.value):
                return False
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self.hold(node.elt)
        if isinstance(node, ast.DictComp):
            return self.hold(node.key) or self.hold(node.value)
        if isinstance(node, ast.Lambda):
            # A column made of the rows it stands beside is what they are.
            return False
        return any(self.hold(child) for child in ast.iter_child_nodes(node))

    def _a_cohort(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.cohorts
        return isinstance(node, ast.Call) and self.dotted(node.func) == f"{OURS}cohort.load"

    def _a_page(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self.pages

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        sequence = ast.Tuple | ast.List
        if isinstance(target, sequence):
            alike = isinstance(value, sequence) and len(value.elts) == len(target.elts)
            for place, part in enumerate(target.elts):
                self._assigned(part, value.elts[place] if alike else value)
        elif isinstance(target, ast.Name):
            if self._a_cohort(value):
                self.cohorts.add(target.id)
            if isinstance(value, ast.Call) and self.dotted(value.func) == f"{OURS}results.Page":
                self.pages.add(target.id)
            if self.hold(value):
                self.names.add(target.id)
                (self.keyed if isinstance(value, ast.Dict) else self.unkeyed).add(target.id)

    def _looped(self, target: ast.expr, over: ast.expr) -> None:
        function = over.func if isinstance(over, ast.Call) else None
        parts = target.elts if isinstance(target, ast.Tuple) else []
        if isinstance(function, ast.Attribute) and function.attr == "items" and len(parts) == 2:
            self._assigned(parts[1], function.value)
        elif isinstance(function, ast.Name) and function.id == "zip" and parts:
            for part, each in zip(parts, over.args, strict=False):
                self._looped(part, each)
        elif isinstance(function, ast.Name) and function.id == "enumerate" and len(parts) == 2:
            self._looped(parts[1], over.args[0])
        elif isinstance(over, ast.Tuple | ast.List):
            for each in over.elts:
                self._assigned(target, each)
        elif not (isinstance(over, ast.Name) and over.id in self.keyed - self.unkeyed):
            # Keys of a dictionary are not about the people in it.
            self._assigned(target, over)
