"""Rows chosen out of people, and columns of their study written over: both are refused.

Two answers about nearly the same people tell of those in whom they differ, however well each of
them is protected. Who is analysed is therefore no choice of a chapter.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from distance_to_care.people_flow.rows import Rows
from distance_to_care.study import CORE

# What is worked out of every cohort, beside the columns that every study has.
EVERY_STUDY = frozenset({column.name for column in CORE} | {"died", "distance_quintile"})
# What may be asked of people's own rows, of a column of them, or of a dictionary of such tables.
ASKED = frozenset(
    {"assign", "columns", "copy"}
    | {"between", "eq", "ge", "gt", "isin", "isna", "le", "lt", "ne", "notna"}
    | {"get", "items", "keys", "values"}
    # Of a word that stands beside them, such as the key of a dictionary.
    | {"capitalize", "format", "join", "lower", "split", "title", "upper"}
)
EVERYBODY = (
    "Two tables of nearly the same people tell of those in whom they differ. Leave people out of "
    "the extract itself, for all tables alike, or give everybody to a function of the package: it "
    "leaves out whoever lacks a value that it needs."
)
ANOTHER_NAME = (
    "A column of the study stays what the extract says. Give a new column a name of its own, or "
    "change the extract, for all tables alike."
)
COMPARED = (
    "A chapter compares columns of people, and takes their logarithm: any other calculation "
    "belongs into a function of the package."
)
WRITTEN_OUT = (
    'Write the names of columns out, as in people[["age_years", "sex"]], and loop over .items() '
    "of a dictionary."
)


def faults(
    tree: ast.Module, rows: Rows, columns: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Find where a cell chooses rows out of people, or writes over a column of their study.

    Parameters
    ----------
    tree : the cell.
    rows : knows which values are people's own rows, and has learnt from the cell.
    columns : the study's own columns and scores, beside those of every study.

    Returns
    -------
    Pairs: what the cell does, and what to do instead.
    """
    kept = EVERY_STUDY | frozenset(columns)
    for node in ast.walk(tree):
        yield from _examine(node, rows)
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign"):
            continue
        if rows.hold(node.func.value):
            yield from _assigned(node, kept)
            for each in (keyword.value for keyword in node.keywords):
                if isinstance(each, ast.Lambda):
                    inside = rows.knowing(argument.arg for argument in each.args.args)
                    for part in ast.walk(each.body):
                        yield from _examine(part, inside)


def _examine(node: ast.AST, rows: Rows) -> Iterator[tuple[str, str]]:
    shown = ast.unparse(node)[:60] if isinstance(node, ast.expr) else ""
    if isinstance(node, ast.Attribute) and rows.hold(node.value) and node.attr not in ASKED:
        yield f"'{shown}' chooses or changes people's own rows", EVERYBODY
    elif isinstance(node, ast.Subscript) and rows.hold(node.value):
        if isinstance(node.ctx, ast.Store):
            yield f"it changes '{shown}', which holds people's own rows", ANOTHER_NAME
        elif not _names(node.slice):
            yield f"'{shown}' may choose rows out of people", f"{WRITTEN_OUT} {EVERYBODY}"
    elif any(rows.hold(each) for each in _reckoned(node)):
        # A value made missing, or moved past an end, would leave its person out of a model.
        yield f"'{ast.unparse(node)[:60]}' works out other values of people", COMPARED
    elif isinstance(node, ast.Call) and rows.dotted(node.func).startswith("pandas."):
        given = (*node.args, *(keyword.value for keyword in node.keywords))
        if any(rows.hold(each) for each in given):
            yield f"'{shown}' puts people's own rows together anew", EVERYBODY


def _reckoned(node: ast.AST) -> tuple[ast.expr, ...]:
    """Return what is added up, multiplied or the like, and not what is compared."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitAnd | ast.BitOr):
        return node.left, node.right
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return (node.operand,)
    listed = isinstance(getattr(node, "value", None), ast.List | ast.Dict)
    return (node.target,) if isinstance(node, ast.AugAssign) and not listed else ()


def _assigned(node: ast.Call, kept: Collection[str]) -> Iterator[tuple[str, str]]:
    for keyword in node.keywords:
        if keyword.arg is None:
            yield f"'{ast.unparse(node)[:60]}' assigns columns with '**'", "Write them out."
        elif keyword.arg in kept:
            yield f"it assigns '{keyword.arg}', a column of the study", ANOTHER_NAME


def _names(asked: ast.expr) -> bool:
    """Say whether what stands in brackets is a word or a list of words, in so many words."""
    words = asked.elts if isinstance(asked, ast.List) else [asked]
    return all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in words)
