"""Which values of a chapter are people's own rows, still one each, and not counts or estimates."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

OURS = "distance_to_care."
# What of the package hands back people's rows, with more columns.
WITH_MORE = frozenset({f"{OURS}statistics.severity.parts_with_whole"})
# What hands back some of the rows, or each in parts: for the models of its own module only.
CHOSEN = frozenset(
    f"{OURS}statistics.treatment.{name}"
    for name in ("landmark", "not_yet_treated", "split_at_treatment")
)
ROWS_AGAIN = WITH_MORE | CHOSEN


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
        # Which columns of people a name ever stood for, and which names for anything else.
        self.columns: dict[str, set[str]] = {}
        self.others: set[str] = set()
        self.judging = False
        # Of which functions' tables a name was ever made.
        self.made: dict[str, set[str]] = {}

    def knowing(self, names: Iterable[str]) -> Rows:
        """Return the same knowledge, with more names that stand for people's own rows."""
        more = Rows(self.dotted)
        more.cohorts, more.pages = self.cohorts, self.pages
        more.names, more.keyed, more.unkeyed = self.names | set(names), self.keyed, self.unkeyed
        more.columns, more.others, more.made = self.columns, self.others, self.made
        return more

    def learn(self, tree: ast.Module) -> None:
        """Learn from the assignments of a cell, until another look teaches nothing."""
        # What is no column is told last: before, a name may not be known as one yet.
        for self.judging in (False, True):
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
        made = {f"{name} {each}" for name, found in self.made.items() for each in found}
        columns = {f"{name} {each}" for name, found in self.columns.items() for each in found}
        known = (self.names, self.cohorts, self.pages, self.keyed, self.unkeyed, self.others)
        return *known, made, columns

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

    def of_column(self, node: ast.AST) -> set[str]:
        """Name the columns of people that an expression may be; none where it is something else."""
        if isinstance(node, ast.Name):
            return set() if node.id in self.others else self.columns.get(node.id, set())
        named = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        if named and self.hold(node.value) and not self.of_column(node.value):
            return {str(node.slice.value)}
        return set()

    def keeps(self, node: ast.AST) -> bool:
        """Say whether an expression is a dictionary written out, whose keys are not of people."""
        if isinstance(node, ast.Name):
            return node.id in self.keyed - self.unkeyed
        return isinstance(node, ast.Dict)

    def makers(self, node: ast.AST) -> set[str]:
        """Name the functions of the package in whose tables, or rows, an expression consists."""
        if isinstance(node, ast.Name):
            return self.made.get(node.id, set())
        if isinstance(node, ast.Call):
            dotted = self.dotted(node.func)
            if dotted.startswith(OURS):
                return {dotted}
            if isinstance(node.func, ast.Attribute) and self._a_page(node.func.value):
                return set()
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self.makers(node.elt)
        return set().union(*map(self.makers, ast.iter_child_nodes(node)))

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
            self.made.setdefault(target.id, set()).update(self.makers(value))
            if of := self.of_column(value):
                self.columns.setdefault(target.id, set()).update(of)
            elif self.judging:
                self.others.add(target.id)
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
        elif not (isinstance(over, ast.Name) and self.keeps(over)):
            # Keys of a dictionary are not about the people in it.
            self._assigned(target, over)
