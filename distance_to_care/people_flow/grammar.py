"""The small part of Python that a chapter about people is written in; all else is refused.

A list of what may be written is shorter than a list of what may not, and holds against what nobody
thought of. The lists hold what the chapters of this book need and little more.
"""

from __future__ import annotations

import ast
import builtins
import string
from collections.abc import Callable, Iterator, Mapping

# What is said in a sentence of a construct that is refused by name.
SPOKEN = {
    ast.Match: "uses 'match'",
    ast.NamedExpr: "assigns within an expression, with ':='",
    ast.Lambda: "defines a function, with 'lambda'",
    ast.Delete: "deletes something, with 'del'",
    ast.With: "uses 'with'",
    ast.AsyncFor: "uses 'async'",
    ast.AsyncWith: "uses 'async'",
    ast.Yield: "uses 'yield'",
    ast.YieldFrom: "uses 'yield'",
    ast.AnnAssign: "notes the type of a name",
    ast.Starred: "takes the rest of something apart, with '*'",
}
WRITTEN = (
    (ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.For, ast.If, ast.Pass)
    + (ast.Import, ast.ImportFrom, ast.alias, ast.Name, ast.Constant, ast.Attribute)
    + (ast.Call, ast.keyword, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.Slice)
    + (ast.JoinedStr, ast.FormattedValue, ast.ListComp, ast.SetComp, ast.DictComp)
    + (ast.GeneratorExp, ast.comprehension, ast.IfExp, ast.Compare, ast.BinOp, ast.UnaryOp)
    + (ast.BoolOp, ast.Set, ast.arguments, ast.arg, ast.expr_context, ast.operator)
    + (ast.unaryop, ast.cmpop, ast.boolop)
)
BUILT_IN = frozenset(
    {"abs", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range"}
    | {"reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"}
)
# Functions of the libraries, each of which makes something new; those of numpy take one array.
OF_LIBRARIES = frozenset(
    {"numpy.exp", "numpy.log", "numpy.log1p", "numpy.log2", "numpy.sqrt"}
    | {"pandas.DataFrame", "pandas.concat"}
)
# Every name that Python knows by itself.
NAMES = frozenset(dir(builtins))
CONSTANTS = frozenset({"numpy.nan", "numpy.inf", "numpy.pi", "pandas.NA"})
METHODS = frozenset(
    # Of a cohort and of what it says of its study.
    {"adjustments", "column", "score", "stage"}
    # Of a page and of what it shows.
    | {"publish", "republish", "read", "number", "number_each", "numbers", "figure", "show"}
    | {"side_by_side"}
    # Of tables; each makes something new.
    | {"assign", "between", "copy", "dropna", "eq", "fillna", "ge", "gt", "head", "isin", "isna"}
    | {"le", "lt", "ne", "notna", "query", "replace", "set_index", "to_dict", "where"}
    # Of words, lists and dictionaries.
    | {"append", "capitalize", "format", "fromkeys", "get", "items", "join", "keys", "lower"}
    | {"split", "title", "upper", "values"}
)
ATTRIBUTES = frozenset(
    {"columns", "empty", "iloc", "index", "kind", "loc", "name", "people", "references", "study"}
    | {"title"}
)
# Methods whose arguments by name may stand in a dictionary.
SPREAD = frozenset({"assign", "format", "number", "publish", "show"})
IN_QUERIES = (
    (ast.Expression, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Name, ast.Constant)
    + (ast.Tuple, ast.List, ast.Load, ast.cmpop, ast.boolop, ast.Not, ast.Invert, ast.USub)
    + (ast.BitAnd, ast.BitOr)
)
PLAINLY = "Keep to assignments, loops and calls; a calculation belongs into the package."
NEW_TABLE = "Make a new table, with assign or with a function of the package."


def faults(
    tree: ast.Module, dotted: Callable[[ast.expr], str], imported: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Find what a cell holds that is not of the small part of Python.

    Parameters
    ----------
    tree : the cell.
    dotted : names what an expression refers to inside an imported module; empty where none.
    imported : names under which the chapter knows modules and their parts.

    Returns
    -------
    Pairs: what the cell does, and what to do instead.
    """
    grammar = _Grammar(tree, dotted, imported)
    for node in ast.walk(tree):
        yield from grammar.examine(node)


class _Grammar:
    def __init__(
        self, tree: ast.Module, dotted: Callable[[ast.expr], str], imported: Mapping[str, str]
    ):
        self.above = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        self.dotted, self.imported = dotted, imported

    def examine(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Lambda | ast.Starred):
            makes_column = isinstance(node, ast.Lambda) and self._for_assign(node)
            given = isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load)
            if not makes_column and not given:
                yield f"it {SPOKEN[type(node)]}", PLAINLY
        elif not isinstance(node, WRITTEN):
            spoken = SPOKEN.get(type(node), f"uses '{type(node).__name__}'")
            yield f"it {spoken}", PLAINLY
        elif isinstance(node, ast.comprehension) and node.is_async:
            yield "it uses 'async'", PLAINLY
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.For | ast.comprehension):
            for target in getattr(node, "targets", None) or [node.target]:
                yield from self._target(target, isinstance(node, ast.Assign))
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Attribute):
            yield from self._attribute(node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used = self.above.get(node)
            called = isinstance(used, ast.Call) and used.func is node
            keyed = isinstance(used, ast.Attribute) and used.attr == "fromkeys"
            if node.id in NAMES and not (called or (keyed and node.id == "dict")):
                yield f"it hands '{node.id}' on", PLAINLY

    def _called(self, node: ast.expr) -> bool:
        used = self.above.get(node)
        if isinstance(used, ast.Attribute):
            return True
        return isinstance(used, ast.Call) and used.func is node

    def _for_assign(self, node: ast.Lambda) -> bool:
        """Say whether a `lambda` only makes a column of the table it is given."""
        named = self.above.get(node)
        call = self.above.get(named) if named else None
        taken = node.args
        others = (taken.posonlyargs, taken.kwonlyargs, taken.defaults, taken.kw_defaults)
        return (
            isinstance(named, ast.keyword)
            and isinstance(call, ast.Call)
            and getattr(call.func, "attr", "") == "assign"
            and len(taken.args) == 1
            and not any((*others, taken.vararg, taken.kwarg))
        )

    def _target(self, target: ast.expr, assigned: bool) -> Iterator[tuple[str, str]]:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                yield from self._target(part, False)
            return
        row = assigned and isinstance(target, ast.Subscript)
        name = target.value if row else target
        if not isinstance(name, ast.Name):
            shown = ast.unparse(target)[:60]
            if not isinstance(target, ast.Starred):
                yield f"it changes '{shown}'", "Assign to names and to keys of dictionaries only."
        elif name.id in self.imported or name.id in NAMES:
            yield (
                f"it changes '{name.id}', which is not the chapter's own",
                "Take another name; what is imported stays as it is.",
            )

    def _call(self, node: ast.Call) -> Iterator[tuple[str, str]]:
        function, spread = node.func, any(keyword.arg is None for keyword in node.keywords)
        dotted = self.dotted(function)
        for keyword in node.keywords:
            if keyword.arg in ("out", "inplace"):
                yield f"it calls something with '{keyword.arg}='", NEW_TABLE
        if isinstance(function, ast.Name):
            if function.id not in BUILT_IN and not dotted:
                yield f"it calls '{function.id}'", "Call functions under their modules' names."
            return
        if not isinstance(function, ast.Attribute):
            yield f"it calls '{ast.unparse(function)[:60]}'", "Call functions by their names."
            return
        method = function.attr
        if dotted:
            if dotted.startswith("numpy.") and (len(node.args) != 1 or node.keywords):
                yield f"it gives '{ast.unparse(function)}' more than an array", NEW_TABLE
            return
        if method not in METHODS:
            yield (
                f"it uses '.{method}'",
                "A chapter about people has a short list of methods; a calculation belongs into "
                "the package.",
            )
        elif spread and method not in SPREAD:
            yield f"it calls '.{method}' with '**'", "Write its arguments out."
        elif method == "append" and not isinstance(self.above.get(node), ast.Expr):
            yield "it appends within an expression", "Append in a line of its own."
        elif method == "format" and not _plain_form(function.value):
            yield (
                "it uses '.format' on a text that is not written out, or with '.' or '[' in a name",
                "Use an f-string.",
            )
        elif method == "query" and (
            len(node.args) != 1 or node.keywords or not _plain_query(node.args[0])
        ):
            yield (
                "it runs a query that is put together, or that does more than compare columns",
                "Write the condition out: names of columns, numbers, words, 'in', 'and', 'or'.",
            )

    def _attribute(self, node: ast.Attribute) -> Iterator[tuple[str, str]]:
        if self._called(node):
            used = self.above[node]
            if isinstance(used, ast.Call):
                dotted = self.dotted(node)
                library = dotted.split(".")[0] in ("numpy", "pandas")
                if library and dotted not in OF_LIBRARIES:
                    yield f"it uses '{dotted}'", "Use a function of the package instead."
                return
        dotted = self.dotted(node)
        if not dotted:
            if node.attr not in ATTRIBUTES:
                yield f"it uses '.{node.attr}' without calling it", PLAINLY
        elif dotted.split(".")[0] in ("numpy", "pandas"):
            if dotted not in CONSTANTS:
                yield f"it uses '{dotted}' without calling it", "Call functions where they stand."
        elif not node.attr.isupper() and not self._derives(node):
            yield (
                f"it hands '{ast.unparse(node)}' on",
                "A function of the package is called where it stands, or given to page.publish.",
            )

    def _derives(self, node: ast.Attribute) -> bool:
        """Say whether a function is given to `publish`, which calls it on published tables."""
        used = self.above.get(node)
        return (
            isinstance(used, ast.Call)
            and getattr(used.func, "attr", "") == "publish"
            and bool(used.args)
            and used.args[0] is node
        )


def _plain_form(node: ast.expr) -> bool:
    """Say whether a form is written out and asks for names only, not for what they hold."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    try:
        parts = list(string.Formatter().parse(node.value))
    except ValueError:
        return False
    asked = [name for _, name, _, _ in parts if name is not None]
    nested = any("{" in (form or "") for _, _, form, _ in parts)
    return not nested and all(name.isidentifier() and "__" not in name for name in asked)


def _plain_query(node: ast.expr) -> bool:
    """Say whether a query is written out and does nothing but compare columns."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    try:
        tree = ast.parse(node.value.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    parts = list(ast.walk(tree))
    names = [each.id for each in parts if isinstance(each, ast.Name)]
    return all(isinstance(each, IN_QUERIES) for each in parts) and not any("__" in n for n in names)
