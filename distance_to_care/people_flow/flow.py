"""What each name of a notebook is about, statement after statement."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

from distance_to_care.problems import Problem

# What a cohort tells of itself that is not about its people.
OF_THE_COHORT = frozenset({"study", "kind", "references", "adjustments"})
PEOPLE_FROM = frozenset({"cohort.prepare", "cohort.quintile", "tables.read_cohort"})


class About(IntEnum):
    """What a value is about; the larger one decides where values meet."""

    NOTHING = 0
    PAGE = 1
    COHORT = 2
    # A dictionary of people under keys that are not about them.
    KEYED = 3
    PEOPLE = 4

    @property
    def people(self) -> bool:
        """Say whether the value holds people in any way."""
        return self >= About.COHORT


# What a value gives when it is taken apart: one answer, or one for each of its parts.
Parts = About | tuple["Parts", ...]


def _worst(found: Iterable[About]) -> About:
    return About.PEOPLE if any(each.people for each in found) else About.NOTHING


def _whole(parts: Parts) -> About:
    return parts if isinstance(parts, About) else _worst(_whole(part) for part in parts)


class Flow:
    """What each name of a notebook is about, statement after statement."""

    def __init__(self) -> None:
        self.names: dict[str, About] = {}
        self.modules: dict[str, str] = {}

    def called(self, node: ast.Call, receiver: About, arguments: Sequence[About]) -> None:
        """Hear of a call with what its receiver and its arguments are about."""

    def dotted(self, node: ast.expr) -> str:
        """Name what an expression refers to inside an imported module; empty where it is none."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "") if node.id not in self.names else ""
        if isinstance(node, ast.Attribute):
            inside = self.dotted(node.value)
            return f"{inside}.{node.attr}" if inside else ""
        return ""

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        """Remember under which names modules and their parts are known."""
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif alias.asname:
                self.modules[alias.asname] = alias.name
            else:
                top = alias.name.split(".")[0]
                self.modules[top] = top

    def value(self, node: ast.expr) -> About:
        """Say what the value of an expression is about."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, About.NOTHING)
        if isinstance(node, ast.Constant):
            return About.NOTHING
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Dict):
            return self._dictionary(node)
        if isinstance(node, ast.Lambda):
            return self._lambda(node, About.NOTHING)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return self._comprehension(node)
        if isinstance(node, ast.Starred) and self.value(node.value) is About.KEYED:
            return About.NOTHING
        if isinstance(node, ast.NamedExpr):
            about = self.value(node.value)
            self.bind(node.target, about)
            return about
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = {self.value(node.left), self.value(node.right)}
            if About.KEYED in sides and sides <= {About.KEYED, About.NOTHING}:
                return About.KEYED
            return _worst(sides)
        parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        # Every part is looked at, since a part may be a call that somebody wants to hear of.
        return _worst([self.value(part) for part in parts])

    def _attribute(self, node: ast.Attribute) -> About:
        of = self.value(node.value)
        if of is About.COHORT and node.attr in OF_THE_COHORT:
            return About.NOTHING
        return About.PEOPLE if of.people else About.NOTHING

    def _call(self, node: ast.Call) -> About:
        function = node.func
        method = function.attr if isinstance(function, ast.Attribute) else ""
        receiver = self.value(function.value) if method else self.value(function)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        arguments = [
            # `people.assign(column=lambda rows: ...)` calls it with the people.
            self._lambda(argument, receiver)
            if isinstance(argument, ast.Lambda)
            else self.value(argument)
            for argument in given
        ]
        self.called(node, receiver, arguments)
        dotted = self.dotted(function).removeprefix("distance_to_care.")
        if dotted in ("cohort.load", "cohort.Cohort"):
            return About.COHORT
        if dotted == "results.Page":
            return About.PAGE
        if dotted in PEOPLE_FROM:
            return About.PEOPLE
        if receiver is About.PAGE:
            return About.NOTHING
        if receiver is About.COHORT and method in OF_THE_COHORT:
            return _worst(arguments)
        if receiver is About.KEYED and method == "keys":
            return About.NOTHING
        builtin = function.id if isinstance(function, ast.Name) else ""
        keys = {"list", "tuple", "set", "sorted", "len", "zip", "enumerate", "reversed"}
        if builtin in keys and set(arguments) <= {About.NOTHING, About.KEYED}:
            return About.NOTHING
        if method and not dotted and not receiver.people and any(a.people for a in arguments):
            # `answers.append(people)`: what receives people holds them afterwards.
            self._taint(function.value)
        return _worst([receiver, *arguments])

    def _lambda(self, node: ast.Lambda, given: About) -> About:
        """Say what a function written in place hands back when it is given something."""
        taken = node.args
        defaults = [self.value(each) for each in (*taken.defaults, *taken.kw_defaults) if each]
        names = {each.arg for each in ast.walk(taken) if isinstance(each, ast.arg)}
        with _Scope(self, names):
            self.names |= dict.fromkeys(names, _worst([given, *defaults]))
            return _worst([self.value(node.body), *defaults])

    def _dictionary(self, node: ast.Dict) -> About:
        keys = [self.value(key) for key in node.keys if key is not None]
        plain = [self.value(v) for k, v in zip(node.keys, node.values, strict=True) if k]
        spread = [self.value(v) for k, v in zip(node.keys, node.values, strict=True) if not k]
        if _worst(keys).people or any(a.people and a is not About.KEYED for a in spread):
            return About.PEOPLE
        return About.KEYED if any(a.people for a in [*plain, *spread]) else About.NOTHING

    def _comprehension(self, node: ast.expr) -> About:
        own = {name for each in node.generators for name in written(each.target)}
        with _Scope(self, own):
            of_people = False
            for generator in node.generators:
                parts = self.taken_apart(generator.iter)
                of_people |= parts is About.PEOPLE or self.counted(generator.iter)
                self.bind(generator.target, parts)
                of_people |= any(self.value(test).people for test in generator.ifs)
            if isinstance(node, ast.DictComp):
                keys, values = self.value(node.key), self.value(node.value)
                if of_people or keys.people:
                    return About.PEOPLE
                return About.KEYED if values.people else About.NOTHING
            return About.PEOPLE if self.value(node.elt).people or of_people else About.NOTHING

    def taken_apart(self, node: ast.expr) -> Parts:
        """Say what each element is about when an expression is looped over."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "items" and self.value(node.func.value) is About.KEYED:
                return (About.NOTHING, About.PEOPLE)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "zip":
                self.value(node)
                return tuple(self.taken_apart(argument) for argument in node.args)
            if node.func.id == "enumerate" and node.args:
                return (About.NOTHING, self.taken_apart(node.args[0]))
        about = self.value(node)
        return About.NOTHING if about in (About.KEYED, About.PAGE) else _worst([about])

    def counted(self, node: ast.expr) -> bool:
        """Say whether how often something is looped over tells of people."""
        if isinstance(node, ast.Tuple | ast.List | ast.Dict):
            spread = [part.value for part in getattr(node, "elts", ()) if _starred(part)]
            return any(self.counted(part) for part in spread)
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Name) and function.id in ("zip", "enumerate"):
            return any(self.counted(argument) for argument in node.args)
        if isinstance(function, ast.Attribute) and function.attr in ("items", "values", "keys"):
            return self.counted(function.value)
        return self.value(node) in (About.COHORT, About.PEOPLE)

    def bind(self, target: ast.expr, parts: Parts) -> None:
        """Let the names of an assignment stand for what is assigned."""
        if isinstance(target, ast.Name):
            self.names[target.id] = _whole(parts)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, _whole(parts))
        elif isinstance(target, ast.Tuple | ast.List):
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            fits = isinstance(parts, tuple) and len(parts) == len(target.elts) and not starred
            for place, part in enumerate(target.elts):
                self.bind(part, parts[place] if fits else _whole(parts))
        elif _whole(parts).people:
            self._taint(target)

    def _taint(self, node: ast.expr) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
            node = node.func if isinstance(node, ast.Call) else node.value
        # Neither a page nor a cohort, which stays as it was read, keeps what it is asked with.
        kept = (About.PAGE, About.COHORT)
        if isinstance(node, ast.Name) and self.names.get(node.id) not in kept:
            self.names[node.id] = About.PEOPLE

    def assigned(self, target: ast.expr, value: ast.expr) -> None:
        """Follow one assignment; a tuple is taken apart where its parts are written out."""
        self.bind(target, self.parts_of(target, value))

    def parts_of(self, target: ast.expr, value: ast.expr) -> Parts:
        """Say what each part of an assigned value is about."""
        sequence = ast.Tuple | ast.List
        if isinstance(target, sequence):
            if isinstance(value, sequence) and not any(
                isinstance(part, ast.Starred) for part in (*value.elts, *target.elts)
            ):
                pairs = zip(target.elts, value.elts, strict=False)
                return tuple(self._kept(part) for _, part in pairs)
            return self.taken_apart(value)
        return self._kept(value)

    def _kept(self, value: ast.expr) -> About:
        return self.value(value)

    def follow(self, statements: Iterable[ast.stmt], decided: bool = False) -> None:
        """Follow statements in order.

        decided : whether a test about people decides if they run, so that what they assign is
            about people too.
        """
        for statement in statements:
            self._statement(statement, decided)

    def _statement(self, statement: ast.stmt, decided: bool) -> None:
        before = dict(self.names) if decided else {}
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.imports(statement)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                self.assigned(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self.assigned(statement.target, statement.value)
        elif isinstance(statement, ast.AugAssign):
            both = [self.value(statement.value), *self._of_target(statement.target)]
            kept = About.KEYED in both and set(both) <= {About.KEYED, About.NOTHING}
            self.bind(statement.target, About.KEYED if kept else _worst(both))
        elif isinstance(statement, ast.For):
            parts = self.taken_apart(statement.iter)
            decided = decided or parts is About.PEOPLE or self.counted(statement.iter)
            self._until_steady(statement.body, statement.target, parts, decided)
            self.follow(statement.orelse, decided)
        elif isinstance(statement, ast.While):
            decided = decided or self.value(statement.test).people
            self._until_steady(statement.body, None, About.NOTHING, decided)
        elif isinstance(statement, ast.If):
            decided = decided or self.value(statement.test).people
            start = dict(self.names)
            self.follow(statement.body, decided)
            one, self.names = self.names, start
            self.follow(statement.orelse, decided)
            self._meet(one)
        elif isinstance(statement, ast.With):
            for item in statement.items:
                about = self.value(item.context_expr)
                if item.optional_vars is not None:
                    self.bind(item.optional_vars, about)
            self.follow(statement.body, decided)
        elif isinstance(statement, ast.Expr):
            self.value(statement.value)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            held = any(self.names.get(name, About.NOTHING).people for name in _read(statement))
            self.names[statement.name] = About.PEOPLE if held else About.NOTHING
        else:
            for child in ast.iter_child_nodes(statement):
                if isinstance(child, ast.expr):
                    self.value(child)
                elif isinstance(child, ast.stmt):
                    self._statement(child, decided)
        if decided:
            for name, about in self.names.items():
                if before.get(name) is not about or name in written(statement):
                    self.names[name] = max(about, About.PEOPLE) if about != About.PAGE else about

    def _of_target(self, target: ast.expr) -> list[About]:
        return [self.value(target)] if isinstance(target, ast.Name) else []

    def _until_steady(self, body, target, parts: Parts, decided: bool) -> None:
        """Follow a loop until another turn teaches nothing: a name may be used before it is set."""
        while True:
            before = dict(self.names)
            if target is not None:
                self.bind(target, parts)
            self.follow(body, decided)
            self._meet(before)
            if self.names == before:
                return

    def _meet(self, other: Mapping[str, About]) -> None:
        for name, about in other.items():
            self.names[name] = max(about, self.names.get(name, about))


class _Scope:
    """Names that an expression binds for itself are forgotten after it."""

    def __init__(self, flow: Flow, own: Iterable[str]):
        self.flow, self.own = flow, frozenset(own)

    def __enter__(self) -> None:
        self.before = {name: self.flow.names.get(name) for name in self.own}

    def __exit__(self, *error: object) -> None:
        # What became of any other name stays known.
        for name, about in self.before.items():
            self.flow.names.pop(name, None)
            if about is not None:
                self.flow.names[name] = about


def _starred(node: ast.AST) -> bool:
    return isinstance(node, ast.Starred)


def _read(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def written(node: ast.AST) -> set[str]:
    """Name what code assigns to."""
    stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in stored if isinstance(each.ctx, ast.Store)}


def copied(flow: Flow) -> Flow:
    """Return the same knowledge of names, to be followed on its own."""
    new = Flow()
    new.names, new.modules = dict(flow.names), dict(flow.modules)
    return new


def parsed(cell: str, where: str) -> ast.Module:
    """Read a cell as Python; Problem, with the place named, where it is not."""
    try:
        return ast.parse(cell)
    except SyntaxError:
        raise Problem(
            f"{where}: it is not plain Python. A line that begins with % or ! has no place in a "
            "chapter about a cohort. Write it as Python, or leave it out."
        ) from None
