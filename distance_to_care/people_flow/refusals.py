"""What a chapter about a cohort may not do with people: the check of its code before it runs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from distance_to_care.people_flow import choices, grammar, made_tables
from distance_to_care.people_flow.flow import About, Flow, copied, parsed, written
from distance_to_care.people_flow.rows import Rows
from distance_to_care.problems import Problem

PACKAGE = Path(__file__).resolve().parents[1]
OF_A_PAGE = frozenset(
    {"publish", "republish", "read", "number", "number_each", "numbers", "figure", "show"}
)
# Modules a cohort's chapter may import, and what it may use of those that read, write or draw.
ROOMS = ("statistics", "scenarios")
CALCULATION = frozenset(
    {"encounters", "excess_mortality", "funnel", "imputation", "inequality"}
    | {"lives", "mediation", "sensitivity", "survival", "synthesis"}
)
USED_OF = {
    "cohort": frozenset({"load", "REFERENCE", "FIFTHS"}),
    "disclosure": frozenset({"merge_steps"}),
    "figures": None,
    "results": frozenset({"Page"}),
    "tables": frozenset({"read"}),
}
LIBRARIES = frozenset({"numpy", "pandas"})
# What hands out people, or a page, is called where it stands: another name would hide it.
CALLED_ONLY = frozenset({"cohort.load", "results.Page", "tables.read"})
# Built-in names that show something, read or write a file, or reach a name around this check.
REFUSED_NAMES = frozenset(
    {"print", "display", "input", "open", "help", "breakpoint", "get_ipython", "exit", "quit"}
    | {"exec", "eval", "compile", "getattr", "setattr", "delattr", "hasattr", "vars", "dir"}
    | {"globals", "locals", "type", "object", "super", "memoryview", "copyright", "credits"}
)
# Methods and functions of the libraries that write, show, or read a file.
KEPT_IN_MEMORY = frozenset(
    {"to_dict", "to_frame", "to_list", "to_numpy", "to_numeric", "to_datetime", "to_timedelta"}
    | {"to_flat_index", "to_period", "to_timestamp", "to_string"}
)
REFUSED_STARTS = ("read_", "save", "dump", "write", "load", "from_regex", "genfrom", "fromfile")
REFUSED_ATTRIBUTES = frozenset(
    {"plot", "hist", "boxplot", "style", "info", "attrs", "tofile", "memmap", "tobytes", "eval"}
    | {"ExcelWriter", "ExcelFile", "HDFStore", "DataSource", "ctypeslib", "f2py", "testing"}
    | {"io", "compat", "core", "util", "plotting", "lib", "options", "set_option", "copyto"}
    | {"putmask", "place", "distutils", "format_map", "fromregex", "open", "system"}
)
STATEMENTS = {
    ast.FunctionDef: "defines a function",
    ast.AsyncFunctionDef: "defines a function",
    ast.ClassDef: "defines a class",
    ast.Raise: "raises an error of its own, whose text may quote a row",
    ast.Assert: "asserts something, and the text of its error may quote a row",
    ast.Try: "catches errors",
    ast.TryStar: "catches errors",
    ast.Global: "changes a global name",
    ast.Nonlocal: "changes a name of another scope",
    ast.Await: "waits for something",
    ast.While: "repeats until something about the data holds",
}


def violations(cells: Iterable[str], name: str, columns: Collection[str] = ()) -> list[str]:
    """List every way in which a notebook about a cohort could show, save or send people.

    Parameters
    ----------
    cells : source of the code cells, in order.
    name : the notebook's file name without its ending.
    columns : the columns and scores of its study, beside those that every study has.

    Returns
    -------
    One sentence a fault, with the notebook, the code cell and what to do; empty where the
    notebook publishes its results through its page and does nothing else with people.
    """
    guard = _Guard(columns)
    for place, cell in enumerate(cells, start=1):
        guard.where = f"notebooks/{name}.ipynb, code cell {place}"
        try:
            tree = parsed(cell, guard.where)
        except Problem as problem:
            guard.found[str(problem)] = None
            continue
        guard.examine(tree)
    return list(guard.found)


class _Guard(Flow):
    """Follows people and files a sentence wherever they could come out."""

    def __init__(self, columns: Collection[str] = ()) -> None:
        super().__init__()
        self.columns = columns
        self.where = ""
        self.decided = False
        self.found: dict[str, None] = {}
        self.rows = Rows(self.dotted)
        # What each expression was about, at any time of a loop.
        self.met: dict[ast.AST, set[About]] = {}
        # Dictionaries that the chapter has written out, with keys in so many words.
        self.written_out: dict[str, ast.Dict] = {}

    def fault(self, what: str, mend: str) -> None:
        self.found[f"{self.where}: {what}. {mend}"] = None

    def examine(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            self._written_as(node)
        self.follow(tree.body)
        self.rows.learn(tree)
        for node in ast.walk(tree):
            self._own_rows(node)
        for what, mend in choices.faults(tree, self.rows, self.columns):
            self.fault(what, mend)
        for what, mend in made_tables.faults(tree, self.rows, self._ever_people, self._ever_keyed):
            self.fault(what, mend)
        for what, mend in grammar.faults(tree, self.dotted, self.modules):
            self.fault(what, mend)
        above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                self._of_module(node)
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
                self._under_its_name(node, above)
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr) and copied(self).value(last.value).people:
            self.fault(
                f"its last line shows '{ast.unparse(last.value)[:60]}', which is about people",
                "Publish the table with page.publish and show it with page.show.",
            )

    def _ever_people(self, node: ast.AST) -> bool:
        return any(about.people for about in self.met.get(node, ()))

    def _ever_keyed(self, node: ast.AST) -> bool:
        """Say whether an expression was a cohort or a dictionary of people, and nothing else."""
        about = {each for each in self.met.get(node, ()) if each.people}
        return bool(about) and about <= {About.COHORT, About.KEYED}

    def _written_as(self, node: ast.AST) -> None:
        """Refuse what could show or write anything, whoever it is about."""
        if type(node) in STATEMENTS:
            mend = "Keep to assignments, loops and calls; a calculation belongs into the package."
            self.fault(f"it {STATEMENTS[type(node)]}", mend)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._imported(node)
        elif isinstance(node, ast.Name) and (node.id in REFUSED_NAMES or node.id.startswith("__")):
            mend = "A chapter publishes with page.publish and shows with page.show or page.figure."
            self.fault(f"it uses '{node.id}'", mend)
        elif isinstance(node, ast.Attribute):
            writes = node.attr.startswith("to_") and node.attr not in KEPT_IN_MEMORY
            # `page.show` and `tables.read` are ours; `_anything` is nobody's but its own module's.
            if (
                writes
                or node.attr in REFUSED_ATTRIBUTES
                or node.attr.startswith(("_", *REFUSED_STARTS))
                and not (node.attr == "load" and self._names_cohort(node))
            ):
                mend = "Tables are written by page.publish and by nothing else."
                self.fault(f"it uses '.{node.attr}'", mend)

    def _names_cohort(self, node: ast.Attribute) -> bool:
        return isinstance(node.value, ast.Name) and node.value.id == "cohort"

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            module = node.module if isinstance(node, ast.ImportFrom) else alias.name
            top, _, inside = (module or "").partition(".")
            if top in LIBRARIES and not inside and isinstance(node, ast.Import):
                continue
            if top == "distance_to_care":
                whole = f"{inside}.{alias.name}" if isinstance(node, ast.ImportFrom) else inside
                parts = whole.strip(".").split(".")
                if parts[0] in ROOMS and alias.name != "*":
                    continue
                if len(parts) == 1 and parts[0] in CALCULATION | set(USED_OF):
                    continue
            self.fault(
                f"it imports '{ast.unparse(node)[:60]}'",
                "A chapter about a cohort may import numpy, pandas, and of this package cohort, "
                "results, figures, tables and the modules that calculate.",
            )

    def _of_module(self, node: ast.Attribute) -> None:
        """Refuse what a module imported for itself: its own paths, its own files."""
        dotted = self.dotted(node).split(".")
        if dotted[0] != "distance_to_care" or len(dotted) < 3:
            return
        module = ".".join(dotted[1:-1])
        known = _own_names(module)
        if known is None:
            return
        allowed = USED_OF.get(module)
        if dotted[-1] not in known or (allowed is not None and dotted[-1] not in allowed):
            self.fault(
                f"it uses '{module}.{dotted[-1]}'",
                "A chapter about a cohort uses cohort.load, results.Page, tables.read, figures "
                "and functions that calculate.",
            )

    def _under_its_name(self, node: ast.expr, above: Mapping[ast.AST, ast.AST]) -> None:
        """Refuse another name for a module, a page, or what hands out either or people."""
        used, dotted = above.get(node), self.dotted(node).removeprefix("distance_to_care.")
        called = isinstance(used, ast.Call) and used.func is node
        asked = isinstance(used, ast.Attribute)
        if isinstance(node, ast.Name):
            module = dotted in LIBRARIES | {"distance_to_care"} or _own_names(dotted) is not None
            page = self.names.get(node.id) is About.PAGE
            wrong = (page or (dotted != "" and module)) and not asked
        else:
            of_page = isinstance(node.value, ast.Name) and (
                self.names.get(node.value.id) is About.PAGE
            )
            wrong = (of_page or dotted in CALLED_ONLY) and not called
        if wrong:
            self.fault(
                f"it hands '{ast.unparse(node)}' on",
                "Use modules and the page under their own names, and call what they have.",
            )

    def called(self, node: ast.Call, receiver: About, arguments: Sequence[About]) -> None:
        method = getattr(node.func, "attr", "")
        dotted = self.dotted(node.func).removeprefix("distance_to_care.")
        shown = ast.unparse(node)[:60]
        people = any(about.people for about in arguments)
        if method == "append" and not dotted and (people or self.decided):
            self._put_in(shown)
        if dotted == "cohort.load" and not _of_the_build(node):
            self.fault(
                f"'{shown}' reads other people, or by another study, than the run was given",
                "Write cohort.load(), or name a study of the book.",
            )
        if dotted == "results.Page":
            self._opened(node, shown)
        if dotted == "pandas.DataFrame" and people:
            self.fault(
                f"'{shown}' makes a table of people's numbers by hand",
                "A table about people is made by a function of the package, which counts the "
                "people behind each row.",
            )
        if receiver is About.PAGE:
            if self.decided:
                self.fault(
                    f"whether '{shown}' runs depends on people",
                    "Publish the table first, and loop over what page.publish hands back.",
                )
            self._of_page(node, method, arguments, shown)
        elif people and dotted.split(".")[0] in USED_OF and dotted != "disclosure.merge_steps":
            self.fault(
                f"'{shown}' is given people",
                "Publish them with page.publish, and give what it hands back.",
            )

    def _of_page(self, node: ast.Call, method: str, arguments: Sequence[About], shown: str) -> None:
        if method not in OF_A_PAGE:
            self.fault(f"it uses 'page.{method}'", f"A page has {', '.join(sorted(OF_A_PAGE))}.")
        if method == "publish" and arguments and arguments[0].people:
            self._as_what_they_are(node, shown)
        beside = arguments[1:] if method == "publish" and node.args else arguments
        if any(about.people for about in beside):
            self.fault(
                f"'{shown}' is given people",
                "Only the first argument of page.publish may be about people: publish the table, "
                "and show or number what it hands back.",
            )

    def _as_what_they_are(self, node: ast.Call, shown: str) -> None:
        """Refuse people's numbers under another kind, or from other sources, than the people."""
        said = {keyword.arg: keyword.value for keyword in node.keywords}
        hidden = None in said or any(isinstance(each, ast.Starred) for each in node.args)
        other = "kind" in said and not self._own_kind(said["kind"])
        other |= "sources" in said and not _names_people(said["sources"])
        if hidden or other or len(node.args) > 3:
            self.fault(
                f"'{shown}' publishes what is about people as something else, or may do so",
                "Leave out its sources and its kind: the page says them. Write out made_from.",
            )

    def _own_rows(self, node: ast.AST) -> None:
        publishes = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "publish"
        if publishes and any(self.rows.hold(each) for each in node.args[:1]):
            self.fault(
                f"'{ast.unparse(node)[:60]}' publishes people's own rows",
                "Publish what a function of the package counts or estimates of them.",
            )

    def _own_kind(self, node: ast.expr) -> bool:
        of_cohort = isinstance(node, ast.Attribute) and node.attr == "kind"
        return of_cohort and copied(self).value(node.value) is About.COHORT

    def _opened(self, node: ast.Call, shown: str) -> None:
        """Refuse a page that does not say, in so many words, that it is about the cohort."""
        said: dict[str | None, ast.expr] = {}
        for keyword in node.keywords:
            named = keyword.value.id if isinstance(keyword.value, ast.Name) else ""
            if keyword.arg is None and named in self.written_out:
                parts = self.written_out[named]
                said |= {key.value: v for key, v in zip(parts.keys, parts.values, strict=True)}
            else:
                said[keyword.arg] = keyword.value
        plain = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
        plain &= set(said) <= {"reads", "sources", "kind"}
        about = "sources" in said and _names_people(said["sources"])
        if not (plain and about and "kind" in said and self._own_kind(said["kind"])):
            self.fault(
                f"'{shown}' opens a page that does not say whom it is about",
                'Open it with its name, sources=["cohort"] and kind= the kind of what cohort.load '
                "hands out.",
            )

    def _put_in(self, shown: str) -> None:
        self.fault(
            f"'{shown}' puts people into something that may have another name",
            "Write a list or a dictionary of people out in one line, and do not change it.",
        )

    def value(self, node: ast.expr) -> About:
        about = super().value(node)
        self.met.setdefault(node, set()).add(about)
        deciding = ast.IfExp | ast.BoolOp | ast.ListComp | ast.SetComp | ast.DictComp
        if isinstance(node, deciding | ast.GeneratorExp | ast.Lambda) and about.people:
            for each in ast.walk(node):
                name = getattr(getattr(each, "func", None), "value", None)
                if isinstance(name, ast.Name) and self.names.get(name.id) is About.PAGE:
                    self.fault(
                        f"whether '{ast.unparse(each)[:60]}' runs depends on people",
                        "Publish the table first, and loop over what page.publish hands back.",
                    )
        return about

    def _remember(self, statement: ast.Assign | ast.AugAssign) -> None:
        targets = getattr(statement, "targets", None) or [statement.target]
        for each in (part for target in targets for part in ast.walk(target)):
            if isinstance(each, ast.Name):
                self.written_out.pop(each.id, None)
        value, target = statement.value, targets[0]
        plain = isinstance(value, ast.Dict) and all(
            isinstance(key, ast.Constant) for key in value.keys
        )
        if plain and len(targets) == 1 and isinstance(target, ast.Name):
            self.written_out[target.id] = value

    def _changes(self, statement: ast.stmt, decided: bool) -> None:
        """Refuse to change what is there by people: it may be known by another name as well."""
        added = isinstance(statement, ast.AugAssign)
        targets = getattr(statement, "targets", [statement.target] if added else [])
        parts = [each for target in targets for each in ast.walk(target)]
        rows = [each for each in parts if isinstance(each, ast.Subscript)]
        rows = [each for each in rows if isinstance(each.ctx, ast.Store)]
        if rows or added:
            asked = [statement.value, *(row.slice for row in rows)]
            if decided or any(copied(self).value(each).people for each in asked):
                self._put_in(ast.unparse(statement)[:60])

    def _statement(self, statement: ast.stmt, decided: bool) -> None:
        if isinstance(statement, ast.Assign | ast.AugAssign):
            self._changes(statement, decided)
            self._remember(statement)
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        for target in targets:
            inside = [n for n in ast.walk(target) if isinstance(n, ast.Attribute)] if target else []
            if any(isinstance(n.ctx, ast.Store) for n in inside):
                self.fault(
                    f"it changes '{ast.unparse(target)[:60]}'",
                    "Assign to names and to rows of tables only.",
                )
        if isinstance(statement, ast.If) and copied(self).value(statement.test).people:
            self.fault(
                f"what it does depends on people: 'if {ast.unparse(statement.test)[:60]}'",
                "Publish the table first, and decide by what page.publish hands back.",
            )
        before, self.decided = self.decided, decided
        super()._statement(statement, decided)
        self.decided = before

    def _attribute(self, node: ast.Attribute) -> About:
        if self.value(node.value) is About.PAGE and node.attr not in OF_A_PAGE:
            self.fault(f"it uses 'page.{node.attr}'", f"A page has {', '.join(sorted(OF_A_PAGE))}.")
        return super()._attribute(node)


def _of_the_build(node: ast.Call) -> bool:
    """Say whether a cohort is the build's own: at most the name of a study, which is no path."""
    if node.args or [keyword.arg for keyword in node.keywords] not in ([], ["study"]):
        return False
    named = [getattr(keyword.value, "value", None) for keyword in node.keywords]
    return all(isinstance(each, str) and each.isidentifier() for each in named)


def _names_people(sources: ast.expr) -> bool:
    """Say whether sources are written out, and the cohort is one of them."""
    if not isinstance(sources, ast.List | ast.Tuple):
        return False
    words = [each.value for each in sources.elts if isinstance(each, ast.Constant)]
    return len(words) == len(sources.elts) and "cohort" in words


@cache
def _own_names(module: str) -> frozenset[str] | None:
    """Name what a module of the package defines itself; None where it is no module."""
    path = PACKAGE / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    if not file.is_file():
        return None
    names = set(_defined(ast.parse(file.read_text(encoding="utf-8")), module))
    names |= {inside.stem for inside in path.glob("*.py")}
    return frozenset(names)


def _defined(tree: ast.Module, module: str) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from written(statement)
        elif isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(
            # A room shows what its own modules define.
            f"distance_to_care.{module}."
        ):
            yield from (alias.asname or alias.name for alias in statement.names)
