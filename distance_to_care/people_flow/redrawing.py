"""The code of a chapter without the statements that need people."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from distance_to_care.people_flow.flow import About, Flow, copied, parsed, written


def without_people(cells: Iterable[str]) -> list[str]:
    """Return the cells of a notebook without the statements that need people.

    Parameters
    ----------
    cells : source of the code cells, in order.

    Returns
    -------
    As many cells. `name = page.publish(<people>, "table", ...)` stays, with nothing in the place
    of the people, so that the page takes the released table; a dictionary that holds people keeps
    its keys. Where a table was not released, what needs it says so, and the rest goes on.

    Raises
    ------
    Problem : for a cell that is not plain Python.
    """
    flow, out = Flow(), []
    for place, cell in enumerate(cells, start=1):
        tree = parsed(cell, f"code cell {place}")
        kept = [new for statement in tree.body for new in _pruned(statement, flow)]
        shown = isinstance(tree.body[-1], ast.Expr) if tree.body else False
        if shown and isinstance(kept[-1], ast.Expr):
            # A cell shows its last line, and a line inside `try` is not one.
            show = ast.Assign([ast.Name("_shown", ast.Store())], kept.pop().value)
            last = [_tolerant(show), ast.Expr(ast.Name("_shown", ast.Load()))]
        else:
            last = [ast.Pass()]
        kept = [_tolerant(each) for each in kept if not isinstance(each, ast.Pass)]
        tolerant = ast.Module([_LACKING, *kept, *last], [])
        out.append(ast.unparse(ast.fix_missing_locations(tolerant)))
    return out


_LACKING = ast.parse("from distance_to_care.released import absent_after as _absent_after").body[0]


def _tolerant(statement: ast.stmt) -> ast.stmt:
    """Let a table that was not released stop a statement, and nothing else."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
        return statement
    if isinstance(statement, ast.For | ast.If | ast.With):
        statement.body = [_tolerant(each) for each in statement.body]
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", ast.Pass())]
    names = set().union(*map(written, targets))
    instead = "".join(f"{name} = " for name in sorted(names)) + "_absent_after(_error)"
    stopped = ast.ExceptHandler(
        ast.Name("Exception", ast.Load()), "_error", ast.parse(instead).body
    )
    return ast.Try([statement], [stopped], [], [])


def _pruned(statement: ast.stmt, flow: Flow) -> list[ast.stmt]:
    """Return what is left of a statement without people, and follow the whole of it."""
    known, left = copied(flow), _Emptied(flow).visit(_fresh(statement))
    if isinstance(statement, ast.For):
        apart = flow.taken_apart(statement.iter)
        flow.follow([statement])
        if not _loops(left.iter, known):
            return [ast.Pass()]
        # The body is judged by what the whole loop has taught of its names.
        inside = copied(flow)
        inside.bind(statement.target, apart)
        left.body = [new for each in statement.body for new in _pruned(each, inside)]
        left.orelse = []
        return [left]
    if isinstance(statement, ast.If | ast.With):
        asked = (
            [statement.test]
            if isinstance(statement, ast.If)
            else [item.context_expr for item in statement.items]
        )
        needed = any(_needs(each, known) for each in asked)
        inside = copied(flow)
        flow.follow([statement])
        if needed:
            return [ast.Pass()]
        left.body = [new for each in statement.body for new in _pruned(each, inside)]
        if isinstance(statement, ast.If):
            left.orelse = [new for each in statement.orelse for new in _pruned(each, copied(known))]
        return [left]
    flow.follow([statement])
    if isinstance(statement, ast.Assign) and isinstance(left.value, ast.Tuple):
        same = all(
            isinstance(target, ast.Tuple) and len(target.elts) == len(left.value.elts)
            for target in left.targets
        )
        if same:
            nothing = ast.Constant(None)
            elements = [nothing if _needs(e, known) else e for e in left.value.elts]
            left.value = ast.Tuple(elements, ast.Load())
            return [ast.fix_missing_locations(left)]
    if any(_needs(child, known) for child in ast.iter_child_nodes(left)):
        return [ast.Pass()]
    return [ast.fix_missing_locations(left)]


def _needs(node: ast.AST, flow: Flow) -> bool:
    """Say whether what is left of code still needs people."""
    if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
        about = copied(flow).value(node)
        # A cohort without its people is still there: only its people are not.
        made = isinstance(node, ast.Call) and about is About.COHORT
        named = isinstance(node, ast.Name) and about is About.COHORT
        return about.people and not made and not named
    if isinstance(node, ast.stmt):
        return any(_needs(child, flow) for child in ast.iter_child_nodes(node))
    return False


def _loops(node: ast.expr, flow: Flow) -> bool:
    """Say whether a loop can run over what is left without people."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("zip", "enumerate"):
            return all(_loops(argument, flow) for argument in node.args)
        if getattr(node.func, "attr", "") == "items":
            return _loops(node.func.value, flow)
    return copied(flow).value(node) in (About.NOTHING, About.KEYED) or not _needs(node, flow)


def _fresh(statement: ast.stmt) -> ast.stmt:
    return ast.parse(ast.unparse(statement)).body[0]


class _Emptied(ast.NodeTransformer):
    """Put nothing in the place of people that are published, or that a dictionary holds.

    What is published and not about people is worked out only if it was not released.
    """

    def __init__(self, flow: Flow):
        self.flow = flow

    def visit_Call(self, node: ast.Call) -> ast.AST:
        method = getattr(node.func, "attr", "")
        if (
            method == "publish"
            and copied(self.flow).value(node.func.value) is About.PAGE
            and node.args
        ):
            needed, nobody = _needs(node.args[0], self.flow), ast.parse("lambda: 0").body[0].value
            nobody.body = node.args[0]
            node.args[0] = ast.Constant(None) if needed else nobody
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        for place, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            if key is not None and _needs(value, self.flow) and not _needs(key, self.flow):
                node.values[place] = ast.Constant(None)
        return self.generic_visit(node)
