"""Rows chosen out of people, and columns of their study written over: both are refused.

Two answers about nearly the same people tell of those in whom they differ, however well each of
them is protected. Who is analysed is therefore no choice of a chapter.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from distance_to_care.disclosure import columns
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
    "A chapter compares columns of people, and takes their logarithm with numpy.log1p: any other "
    "calculation belongs into a function of the package."
)
# What is asked of one column; of a number, beside nought, in steps that nobody's value chose.
OF_A_COLUMN = frozenset({"between", "eq", "ge", "gt", "isin", "isna", "le", "lt", "ne", "notna"})
STEP = columns.VALUE_STEP
ONE_AT_A_TIME = (
    "A chapter compares one column of people, by its name, with a word, with nought or with a "
    f"multiple of {STEP}, written out. Give the extract and the study file a column of your own "
    "for anything finer."
)
# What names one person, and what is written freely and may single out few.
WHO = "person_id"
FREELY = frozenset(column.name for column in CORE if column.type == "string" and not column.levels)
ALL_TOGETHER = (
    "Give all of them to a function of the package; of several tables write a dictionary out, and "
    "loop over .items() of it."
)
NOBODY_NAMED = (
    "A chapter names nobody. Leave people out of the extract itself, for all tables alike."
)
WRITTEN_OUT = (
    'Write the names of columns out, as in people[["age_years", "sex"]], and loop over .items() '
    "of a dictionary."
)


def faults(
    tree: ast.Module, rows: Rows, of_study: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Find where a cell chooses rows out of people, or writes over a column of their study.

    Parameters
    ----------
    tree : the cell.
    rows : knows which values are people's own rows, and has learnt from the cell.
    of_study : the study's own columns and scores, beside those of every study.

    Returns
    -------
    Pairs: what the cell does, and what to do instead.
    """
    kept = EVERY_STUDY | frozenset(of_study)
    for node in ast.walk(tree):
        yield from _examine(node, rows)
        if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign"):
            continue
        if rows.hold(node.func.value):
            yield from _assigned(node, kept, rows)
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
    elif isinstance(node, ast.Compare):
        yield from _compared(node, node.left, node.comparators, rows)
    elif isinstance(node, ast.Call):
        yield from _called(node, shown, rows)
    elif isinstance(node, ast.For | ast.comprehension) and _gone_through(node.iter, rows):
        yield f"it goes through '{ast.unparse(node.iter)[:60]}' one by one", ALL_TOGETHER
    if isinstance(node, ast.Constant) and node.value == WHO:
        yield f"it names '{WHO}'", NOBODY_NAMED


def _called(node: ast.Call, shown: str, rows: Rows) -> Iterator[tuple[str, str]]:
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    held = [each for each in given if rows.hold(each)]
    method = getattr(node.func, "attr", "")
    dotted = rows.dotted(node.func)
    if dotted.startswith("pandas.") and held:
        yield f"'{shown}' puts people's own rows together anew", EVERYBODY
    elif dotted.startswith("numpy.") and held:
        # Of any other function, or of what a chapter made, one person could weigh as much as all.
        if dotted != "numpy.log1p" or not all(map(rows.of_column, held)):
            yield f"'{shown}' works out other values of people", COMPARED
    elif isinstance(node.func, ast.Name) and node.func.id != "len":
        if not all(map(rows.keeps, held)):
            yield f"'{shown}' works out other values of people", COMPARED
    elif method == "fromkeys" and held:
        yield f"'{shown}' takes people's own rows apart", WRITTEN_OUT
    elif method in OF_A_COLUMN and rows.hold(node.func.value):
        yield from _compared(node, node.func.value, given, rows)
    elif (
        method in ("items", "values", "get", "keys")
        and rows.hold(node.func.value)
        and not rows.keeps(node.func.value)
    ):
        yield f"'{shown}' takes people's own rows apart", WRITTEN_OUT


def _gone_through(over: ast.expr, rows: Rows) -> bool:
    """Say whether a loop goes through people, and not through tables of them."""
    if not rows.hold(over) or rows.keeps(over) or isinstance(over, ast.Tuple | ast.List):
        return False
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name):
        return False
    within = over.func if isinstance(over, ast.Call) else over
    of = isinstance(within, ast.Attribute) and within.attr
    return not (of == "columns" or of in ("items", "values", "keys") and rows.keeps(within.value))


def _compared(
    node: ast.expr, column: ast.expr, others: Collection[ast.expr], rows: Rows
) -> Iterator[tuple[str, str]]:
    """Refuse a comparison that could be of a few people only."""
    if isinstance(node, ast.Compare):
        names = [each for each in others if getattr(each, "attr", "") == "columns"]
        if names or not any(rows.hold(each) for each in (column, *others)):
            return
        plain = len(others) == 1 and not isinstance(node.ops[0], ast.In | ast.NotIn | ast.Is)
    else:
        plain = True
    listed = [part for each in others for part in getattr(each, "elts", [each])]
    of = rows.of_column(column)
    if not (plain and of and not of & FREELY and all(map(_in_steps, listed))):
        yield f"'{ast.unparse(node)[:60]}' divides people in a way of its own", ONE_AT_A_TIME


def _in_steps(node: ast.expr) -> bool:
    """Say whether a value is written out: a word, yes or no, or a number of whole steps."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    return isinstance(value, str | bool) or isinstance(value, int | float) and value % STEP == 0


def _reckoned(node: ast.AST) -> tuple[ast.expr, ...]:
    """Return what is added up, multiplied, put together or the like, and not what is compared."""
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    if isinstance(node, ast.UnaryOp):
        return (node.operand,)
    listed = isinstance(getattr(node, "value", None), ast.List | ast.Dict)
    return (node.target,) if isinstance(node, ast.AugAssign) and not listed else ()


def _assigned(node: ast.Call, kept: Collection[str], rows: Rows) -> Iterator[tuple[str, str]]:
    for keyword in node.keywords:
        if keyword.arg is None:
            yield f"'{ast.unparse(node)[:60]}' assigns columns with '**'", "Write them out."
        elif keyword.arg in kept:
            yield f"it assigns '{keyword.arg}', a column of the study", ANOTHER_NAME
        value, inside = keyword.value, rows
        if isinstance(value, ast.Lambda):
            inside = rows.knowing(argument.arg for argument in value.args.args)
            value = value.body
        made = isinstance(value, ast.Compare | ast.Call | ast.Name | ast.Subscript)
        if not (isinstance(value, ast.Constant) or made and inside.hold(value)):
            # A list has a value for each person, by place.
            yield f"it assigns '{ast.unparse(value)[:60]}' to people", ONE_AT_A_TIME


def _names(asked: ast.expr) -> bool:
    """Say whether what stands in brackets is a word or a list of words, in so many words."""
    words = asked.elts if isinstance(asked, ast.List) else [asked]
    return all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in words)
