"""What a chapter may do with tables about people: have the package make them, and publish them so.

A column written over is one that no rule judges, a row looked up is a withheld number told by being
there, and a label of one's own makes two answers to one question look like two questions. So a
table about people goes from the function that made it to the page as it is, but for what stands
here; and which functions make one is a list too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator

from distance_to_care.people_flow.rows import CHOSEN, OURS, WITH_MORE, Rows


def _of(module: str, *names: str) -> frozenset[str]:
    return frozenset(f"{OURS}{module}.{name}" for name in names)


# Functions that count or estimate: each row of what they make rests on everybody it is about.
OF_ROWS = (
    _of("statistics.cohort_missing", "compare_methods", "complete_cases", "imputed")
    | _of("statistics.cohort_missing", "missing_values")
    | _of("statistics.cohort_people", "flow", "follow_up", "table_one")
    | _of("statistics.cohort_survival", "at_risk", "attended_nearest", "clustered", "cox")
    | _of("statistics.cohort_survival", "cox_models", "distance_forms", "hazard_ratios")
    | _of("statistics.cohort_survival", "hazard_ratios_by_period", "kaplan_meier", "log_rank")
    | _of("statistics.cohort_survival", "proportional_hazards", "restricted_means", "splines")
    | _of("statistics.cohort_survival", "summary")
    | _of("statistics.competing_events", "cause_specific", "curves_of_death", "incidence")
    | _of("statistics.joint", "cross_classify", "interaction", "measures_of_interaction")
    | _of("statistics.joint", "overlap", "product_of_steps", "survival_in_groups")
    | _of("statistics.severity", "gradient", "linear", "log_linear", "logistic", "median")
    | _of("statistics.severity", "models", "ordinal")
    | _of("statistics.structures", "decomposed")
    | _of("statistics.treatment", "hazard_ratio", "immortal_time_bias")
)
# Functions that write such a table in another way.
OF_TABLES = (
    _of("disclosure", "merge_steps")
    | _of("statistics.competing_events", "in_per_cent")
    | _of("statistics.comparison", "answer", "beside_truth")
    | _of("statistics.structures", "in_points")
)
# What may be given the people whom a function chose: its own module, which counts both groups.
OF_CHOSEN = CHOSEN | _of("statistics.treatment", "hazard_ratio", "immortal_time_bias")
# Labels that a function leaves to the chapter, and what a chapter may call otherwise.
LABELS = {
    f"{OURS}statistics.treatment.hazard_ratio": frozenset({"model", "measure"}),
    f"{OURS}statistics.treatment.immortal_time_bias": frozenset({"group", "measure"}),
}
RENAMED = {f"{OURS}statistics.structures.in_points": frozenset({"measure"})}
# What says what a row asks, whatever it answers.
KEYS = frozenset(
    {"contrast", "estimand", "exposure", "group", "group_by", "level", "measure", "method", "model"}
    | {"outcome", "reference", "term", "time_years", "unit", "variable"}
)
# Methods of a dictionary of tables, and of a list of them, which puts no people into it.
OF_SEVERAL = frozenset({"append", "get", "items", "keys", "values"})
RECKONS = ast.Compare | ast.BinOp | ast.UnaryOp
OF_SEVERAL_IN_PYTHON = frozenset({"enumerate", "len", "list", "tuple", "zip"})
AS_IT_IS = (
    "A table about people is published as the function made it: publish it, and pick rows and "
    "columns of what page.publish hands back."
)
BY_KEYS = f"Pick rows of it by what they are about: {', '.join(sorted(KEYS))}."
ON_THE_LIST = (
    "A chapter gives people, first of all arguments, to functions that count or estimate and are "
    "on the list in people_flow/made_tables.py."
)


def faults(
    tree: ast.Module,
    rows: Rows,
    people: Callable[[ast.AST], bool],
    keyed: Callable[[ast.AST], bool],
) -> Iterator[tuple[str, str]]:
    """Find where a cell changes a table about people, or has it made by what is on no list.

    Parameters
    ----------
    tree : the cell.
    rows : knows which values are people's own rows, and has learnt from the cell.
    people : says whether an expression ever was about people.
    keyed : says whether it was a cohort, or a dictionary of people under keys not about them.

    Returns
    -------
    Pairs: what the cell does, and what to do instead.
    """
    within = {part for each in _columns_of_rows(tree, rows) for part in ast.walk(each)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and rows.dotted(node.func).startswith(OURS):
            yield from _given(node, rows, people)
        if node in within:
            continue

        def table(part: ast.AST) -> bool:
            return people(part) and not keyed(part) and not rows.hold(part)

        if isinstance(node, ast.Subscript) and table(node.value):
            yield f"'{ast.unparse(node)[:60]}' takes a table about people apart", AS_IT_IS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            apart = node.func.id not in OF_SEVERAL_IN_PYTHON and not rows.dotted(node.func)
            if apart and any(map(table, node.args)):
                yield f"'{ast.unparse(node)[:60]}' takes a table about people apart", AS_IT_IS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if table(node.func.value) and not rows.dotted(node.func):
                yield from _changed(node, rows, people)
        elif (
            isinstance(node, RECKONS)
            and not _listed(node)
            and any(map(table, ast.iter_child_nodes(node)))
        ):
            yield f"'{ast.unparse(node)[:60]}' reckons with a table about people", AS_IT_IS


def _listed(node: ast.AST) -> bool:
    """Say whether lists or dictionaries of tables are put together."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.Add)


def _columns_of_rows(tree: ast.Module, rows: Rows) -> Iterator[ast.Lambda]:
    """What makes a column of people's own rows has rules of its own."""
    for node in ast.walk(tree):
        assigns = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign"
        if assigns and rows.hold(node.func.value):
            yield from (k.value for k in node.keywords if isinstance(k.value, ast.Lambda))


def _given(
    node: ast.Call, rows: Rows, people: Callable[[ast.AST], bool]
) -> Iterator[tuple[str, str]]:
    """Refuse people in a function that is on no list, or anywhere but in its first argument."""
    dotted, shown = rows.dotted(node.func), ast.unparse(node)[:60]
    others = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    first = node.args[:1]
    if not any(map(people, [*first, *others])):
        return
    of_rows = any(map(rows.hold, first))
    known = OF_ROWS | WITH_MORE | CHOSEN if of_rows else OF_TABLES
    if dotted not in known or any(map(people, others)):
        yield f"'{shown}' is given people", ON_THE_LIST
    elif of_rows and CHOSEN & rows.makers(node.args[0]) and dotted not in OF_CHOSEN:
        yield (
            f"'{shown}' is given some of the people, whom another function chose",
            "Give it everybody: who was chosen goes to the models of treatment only, "
            "under a name that stands for nobody else.",
        )


def _changed(
    node: ast.Call, rows: Rows, people: Callable[[ast.AST], bool]
) -> Iterator[tuple[str, str]]:
    """Refuse what a chapter may not do with a table about people before it is published."""
    method, shown = node.func.attr, ast.unparse(node)[:60]
    makers = rows.makers(node.func.value)
    if method in ("copy", *OF_SEVERAL):
        return
    if method == "query":
        names = _names_in(node.args[0]) if node.args else None
        if names is None or not names <= KEYS:
            yield f"'{shown}' picks rows by what they answer", BY_KEYS
    elif method == "assign":
        labels = _allowed(LABELS, makers)
        for keyword in node.keywords:
            if keyword.arg not in labels or people(keyword.value):
                yield f"'{shown}' writes into a table about people", AS_IT_IS
            elif isinstance(keyword.value, ast.Lambda):
                yield f"'{shown}' works out columns of a table about people", AS_IT_IS
    elif method == "replace":
        if not _renames(node, _allowed(RENAMED, makers)) or any(map(people, node.args)):
            yield f"'{shown}' writes into a table about people", AS_IT_IS
    else:
        yield f"'{shown}' changes a table about people", AS_IT_IS


def _allowed(by_maker: dict[str, frozenset[str]], makers: Collection[str]) -> frozenset[str]:
    """What every function that made a table leaves to the chapter."""
    allowed = [by_maker.get(maker, frozenset()) for maker in makers]
    return frozenset.intersection(*allowed) if allowed else frozenset()


def _renames(node: ast.Call, columns: Collection[str]) -> bool:
    """Say whether a table is only called otherwise, in columns written out."""
    if len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Dict):
        return False
    keys = [getattr(key, "value", None) for key in node.args[0].keys]
    return set(keys) <= set(columns)


def _names_in(query: ast.expr) -> set[str] | None:
    """Name the columns of a query that is written out; None where it is not."""
    if not isinstance(query, ast.Constant) or not isinstance(query.value, str):
        return None
    try:
        tree = ast.parse(query.value.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return None
    return {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
