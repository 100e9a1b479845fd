"""What an attacker can work out from all tables together, and from this and earlier releases."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from distance_to_care import results
from distance_to_care.disclosure import ESTIMATE_COLUMNS, Profile, attacker, ranges
from distance_to_care.problems import Problem
from distance_to_care.releasing import content
from distance_to_care.study import EXPOSURES, Study

DISTANCE = "distance_quintile"
# Contributions travel with ten digits, and the order of their columns may move the last ones.
ROUNDING = 1e-8


def needs_of(content: Mapping) -> attacker.Needs:
    """Find what the models of a study need of a person, by what its file says.

    Nothing is found out where the file is not that of a study.
    """
    try:
        study = Study.from_dict(content, "the study file")
    except Problem:
        return attacker.Needs()
    scores = {each.name: tuple(item.column for item in each.items) for each in study.scores}
    sources = {each.name: each.column for each in study.derived}
    own = {
        name
        for name, column in study.columns.items()
        if column.required and not column.may_be_missing and not column.empty_when
    }
    never = own | {name for name, items in scores.items() if own.issuperset(items)}

    def lackable(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in names if name not in never))

    models = {}
    for model in study.adjustments:
        asked = (each for exposure in EXPOSURES for each in study.adjustment(model, exposure))
        named = (name if name in EXPOSURES else sources.get(name, name) for name in asked)
        models[model] = lackable((*EXPOSURES, *named))
    return attacker.Needs(
        models,
        {f"{name}_stage": name for name in scores},
        frozenset(never),
    )


def as_tables(tables: Mapping[str, bytes]) -> dict[str, pd.DataFrame]:
    """Read released tables as published tables are read, by name."""
    return {name: results.read_published(io.BytesIO(text), name) for name, text in tables.items()}


def proposed(
    tables: Mapping[str, bytes],
    profile: Profile,
    earlier: Sequence[Mapping[str, bytes]] = (),
    progress: Callable[[str], None] = lambda _: None,
    needs: attacker.Needs | None = None,
) -> dict[str, list[tuple[int, str, str]]]:
    """Find the further cells to withhold so that no withheld count can be worked out.

    `progress` is called with a line after each round; `needs` is as for `ranges.repair`.

    Returns
    -------
    For each table its cells as row (from 0), column and what is shown instead (nothing, or the
    count of everybody where it was added up from groups that are withheld now); no cells for a
    table to leave out whole.
    """
    before = [as_tables(each) for each in earlier]
    found = ranges.repair(as_tables(tables), profile, before, progress, needs)
    cells: dict[str, list[tuple[int, str, str]]] = {}
    for table, proposal in found.groupby("table"):
        whole = (proposal["column"] == "").any()
        shown = ["" if pd.isna(each) else str(int(each)) for each in proposal["shown"]]
        named = zip(proposal["row"], proposal["column"], shown, strict=True)
        cells[str(table)] = [] if whole else [(int(row), *said) for row, *said in named]
    return cells


def grown(
    now: Mapping[str, bytes], before: Mapping[str, bytes], profile: Profile
) -> dict[str, list[tuple[int, str, str]]]:
    """Find the cells that, beside an earlier release, would show how few people were added.

    Parameters
    ----------
    now, before : the tables about people of this and of an earlier release, by name.
    profile : the profile of the release.

    Returns
    -------
    As for `proposed`: for each table its cells to withhold.
    """
    tables = as_tables(now)
    alike = {name: tables[name] for name in tables if not _another_question(name, now, before)}
    changed = ranges.differences(alike, as_tables(before), profile)
    found = changed[changed["narrow"]]
    cells: dict[str, list[tuple[int, str, str]]] = {}
    for each in found.itertuples():
        if "suppressed" in tables[each.table]:
            # An estimate goes with its interval, which would give it back.
            column = "estimate" if each.column in ESTIMATE_COLUMNS else str(each.column)
            cells.setdefault(str(each.table), []).append((int(each.row), column, ""))
    return {name: list(dict.fromkeys(each)) for name, each in cells.items()}


def changed(now: Mapping[str, bytes], before: Mapping[str, bytes], profile: Profile) -> list[str]:
    """Name the tables in which a number stands that was another one in an earlier release.

    now, before : as for `grown`. profile : the profile of the release.
    """
    tables = as_tables(now)
    alike = {name: tables[name] for name in tables if not _another_question(name, now, before)}
    return sorted(set(ranges.differences(alike, as_tables(before), profile)["table"]))


def narrow(
    tables: Mapping[str, bytes],
    profile: Profile,
    earlier: Mapping[str, Mapping[str, bytes]] | None = None,
    needs: attacker.Needs | None = None,
) -> list[str]:
    """Say which tables give a withheld count back within too few values, or who was added.

    Parameters
    ----------
    tables : the tables about people, as they would be released, by name.
    profile : the profile of the release.
    earlier : the tables about people of each earlier release, by the name of its folder.
    needs : what models need of a person.
    """
    now = as_tables(tables)
    texts_of = earlier or {}
    before = [as_tables(each) for each in texts_of.values()]
    hidden = ranges.hidden_ranges(now, profile, before, only_judged=True, needs=needs)
    found = [
        f"{table}: {_cells(len(cells), 'withheld')} of the column '{column}' can be worked out "
        "from what would be released. Join groups of the study into larger ones, or leave it "
        "out."
        for (table, column), cells in _narrow(hidden)
    ]
    for theirs, (named, texts) in zip(before, texts_of.items(), strict=True):
        alike = [name for name in now if not _another_question(name, tables, texts)]
        changed = ranges.differences({name: now[name] for name in alike}, theirs, profile)
        found += [
            f"{table}: {_cells(len(cells), 'changed')} of the column '{column}' would show how "
            f"few people were added since the earlier release {named}. "
            f"{cells['what_to_do'].iloc[0]}"
            for (table, column), cells in _narrow(changed)
        ]
    return found


def moved(
    now: Mapping[str, bytes],
    before: Mapping[str, bytes],
    people: str,
    then: str,
    threshold: int,
    named: str,
) -> list[str]:
    """Say which tables changed since an earlier release of about as many people.

    Where fewer people than the threshold may have been added, every number that moved tells of
    those few: ratios and means as well as counts.

    Parameters
    ----------
    now, before : the tables about people of this and of an earlier release, by name.
    people, then : how many people, as the bands of both (`2,355 to 2,359`).
    threshold : fewest people that a number may tell of.
    named : the earlier release, for the sentence.
    """
    recut = [
        f"{name} cuts distance fifths elsewhere than in the earlier release {named}, and the "
        "difference of the two would describe the people between the cuts. Leave it out: a "
        "registry has one set of cuts."
        for name in sorted({*now} & {*before})
        if _cuts_differ(name, now, before)
    ]
    if apart(people, then) >= threshold:
        return recut
    return recut + [
        f"{name} is not what it was in the earlier release {named}, and so few people may have "
        "been added since that its numbers tell of them. Leave it out, or wait until more people "
        "were added."
        for name in sorted({*now} & {*before})
        if now[name] != before[name]
        and not (_another_question(name, now, before) and sums_agree(now[name], before[name]))
    ]


def _another_question(name: str, now: Mapping[str, bytes], before: Mapping[str, bytes]) -> bool:
    """Say whether a contribution answers another round of a pooled model than the one before.

    Score and information at other coefficients differ for the same people: by design, and not by
    whoever was added.
    """
    if name not in before:
        return False
    asked = [_question(content.rows_of(text[name], name)) for text in (now, before)]
    return None not in asked and asked[0] != asked[1]


def _cuts_differ(name: str, now: Mapping[str, bytes], before: Mapping[str, bytes]) -> bool:
    """Say whether two contributions with distance fifths cut them at different distances."""
    entries = [_entries(text[name], name) for text in (now, before)]
    if not all(entries):
        return False
    # Fifths without a cut are the registry's own.
    fifths = [any(key[1].startswith(DISTANCE) for key in each) for each in entries]
    cuts = [{key: each[key][0] for key in each if key[0] == "cut"} for each in entries]
    return all(fifths) and cuts[0] != cuts[1]


def sums_agree(one: bytes, other: bytes) -> bool:
    """Say whether two contributions agree in all that must be equal for the same people.

    That is, whatever the models are called: how many people and deaths; and at equal coefficients
    (a term that a model does not have is at nought) the entries of terms that both have. Nothing
    is said of two tables that are not both contributions.
    """
    ours, theirs = (_entries(text, "a contribution") for text in (one, other))
    if not ours or not theirs:
        return True
    at = [
        {key[1]: number for key, (number, _) in each.items() if key[0] == "coefficient"}
        for each in (ours, theirs)
    ]
    equal = all(at[0].get(term, 0.0) == at[1].get(term, 0.0) for term in {*at[0], *at[1]})
    people = {each for _, each in (*ours.values(), *theirs.values())}
    return len(people) == 1 and not (
        equal
        and any(
            not math.isclose(ours[key][0], theirs[key][0], rel_tol=ROUNDING, abs_tol=ROUNDING)
            for key in {*ours} & {*theirs}
            if key[0] not in ("round", "cut")
        )
    )


def _entries(text: bytes, name: str) -> dict[tuple[str, ...], tuple[float, tuple[str, ...]]]:
    """Entries of a contribution by measure and terms, each with people and deaths behind it."""
    head, *rows = content.rows_of(text, name)
    if not {"with_term", "measure", "term", "estimate"} <= set(head):
        return {}
    place = {column: head.index(column) for column in head}
    sizes = [place[column] for column in ("people", "deaths") if column in place]
    found = {}
    for row in rows:
        terms = sorted((row[place["term"]], row[place["with_term"]]), reverse=True)
        try:
            number = float(row[place["estimate"]])
        except ValueError:
            # Equal to nothing, so that nothing passes as the same.
            number = math.nan
        found[(row[place["measure"]], *terms)] = number, tuple(row[size] for size in sizes)
    return found


def _question(rows: Sequence[Sequence[str]]) -> list[Sequence[str]] | None:
    """The coefficients and cuts at which a contribution is worked out; None for other tables."""
    head = rows[0]
    if not {"with_term", "measure"} <= set(head):
        return None
    return sorted(row for row in rows[1:] if row[head.index("measure")] in ("coefficient", "cut"))


def apart(people: str, then: str) -> int:
    """The fewest people by which two bands may differ; none where a band cannot be read."""
    try:
        a, b = (int(end.replace(",", "")) for end in people.split(" to "))
        c, d = (int(end.replace(",", "")) for end in then.split(" to "))
    except ValueError:
        return 0
    return max(a - d, c - b, 0)


def _narrow(found: pd.DataFrame):
    cells = found[found["narrow"]].replace({"column": {attacker.OTHERS: "estimate"}})
    return cells.drop_duplicates(["table", "row", "column"]).groupby(["table", "column"])


def _cells(count: int, which: str) -> str:
    return f"{count} {which} cell{'' if count == 1 else 's'}"
