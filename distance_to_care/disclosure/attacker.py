"""What somebody who reads a release can know: unknown counts, and the relations between them.

Every count of a released table is an unknown whole number: the number of people who meet a set of
conditions (in the most deprived fifth; of a stage; died). The same conditions in two tables are
the same unknown. A released number bounds its unknown by how it was rounded; a printed share
bounds the count behind it; groups add up to everybody, and ends of follow-up to people. The
reader is taken to know all of this, and the rules of disclosure control besides: what is proved
against him holds against anybody who knows less.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pandas as pd

from distance_to_care.disclosure.counts import bounds
from distance_to_care.disclosure.profiles import Profile

# The kinds of tables that are about people.
KINDS = ("synthetic", "registry")
COUNTS = ("people", "at_risk", "deaths", "transplants", "censored", "missing")
ENDS = ("deaths", "transplants", "censored")
# Columns that say what a row is about, for a person who looks a cell up.
ROW_KEYS = (
    "measure", "estimand", "scenario", "method", "model", "exposure", "variable", "group_by",
    "group", "term", "level", "value", "reference", "time_years", "outcome",
)  # fmt: skip
# Decimals that a share is printed with, and how many of it make the whole.
SHARES = {"per cent": (1, 100.0), "probability": (3, 1.0)}
KNOWN = "(known)"
# The people behind a withheld share who are not of it.
OTHERS = "others"
# What tables of missing values say of those for whom a variable is not known.
GAPS = ("(not known)", "(not applicable)")
# A share that would hold under an assumption counts nobody.
ASSUMED = ", if "
# Where nothing released bounds a count: no registry of one disease holds more people.
MOST = 1_000_000

Conditions = frozenset
Key = tuple


@dataclass(frozen=True)
class Needs:
    """What has to be known of a person to be in a model, by a study file.

    models : the columns and scores that people may lack, by the name of the model.
    same : a column that is known of the same people as another, by its name (a stage of a score).
    never_lacking : columns that the contract wants of everybody.
    """

    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    never_lacking: frozenset[str] = frozenset()


@dataclass
class Cell:
    """A place in a released table: its unknown, and whether the number there is withheld."""

    table: str
    row: int
    column: str
    unknown: int
    hidden: bool
    release: int


@dataclass
class Relation:
    """A sum of unknowns, each times a number, that lies between two bounds."""

    terms: dict[int, float]
    low: float
    high: float


@dataclass
class Knowledge:
    """Everything that a reader of one or several releases knows of counts."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    numbers: dict[Key, int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)

    def unknown(self, key: Key) -> int:
        """The number of an unknown, which is made where it is new."""
        if key not in self.numbers:
            self.numbers[key] = len(self.keys)
            self.keys.append(key)
            self.low.append(0.0)
            self.high.append(float(MOST))
        return self.numbers[key]

    def bound(self, unknown: int, low: float, high: float) -> bool:
        """Narrow an unknown to an interval; False, and nothing done, where none of it is left."""
        low, high = max(low, self.low[unknown]), min(high, self.high[unknown])
        if low > high:
            return False
        self.low[unknown], self.high[unknown] = low, high
        return True

    def relate(self, terms: Mapping[int, float], low: float, high: float) -> None:
        """Add a relation; a term that stands twice is added up."""
        self.relations.append(Relation(dict(terms), low, high))

    def at_most(self, small: int, large: int) -> None:
        """The first unknown is no larger than the second."""
        if small != large:
            self.relate({small: 1.0, large: -1.0}, -math.inf, 0.0)


def read(
    tables: Mapping[str, pd.DataFrame],
    profile: Profile,
    knowledge: Knowledge | None = None,
    release: int = 0,
    needs: Needs | None = None,
) -> Knowledge:
    """Take down everything that released tables say of counts of people.

    Parameters
    ----------
    tables : released tables by name, in the columns of published tables. Tables that are not about
        people (by their column `kind`) are passed over; one without that column is about people.
    profile : how counts were withheld and rounded.
    knowledge : what is known already, from another release.
    release : number of the release; 0 is the one at hand.
    needs : what models need of a person, which the released study file says.
    """
    knowledge = knowledge or Knowledge()
    needs = needs or Needs()
    found: dict[Key, list] = defaultdict(list)
    shares = []
    for name, table in tables.items():
        if not about_people(table):
            continue
        steps = _steps(table)
        if "group" in table and "group_by" not in table and (table["group"] == "all").any():
            # Groups beside everybody are taken to add up, whatever they are groups of.
            table = table.assign(group_by=f"groups of {name}")
        records = table.to_dict("records")
        added_up = sums(records)
        applies = {column: _applies(records, column) for column in COUNTS if column in table}
        everybody = _told_as_everybody(records, applies)
        for row, record in enumerate(records):
            keys = _keys(name, row, record, steps.get(row))
            if row in everybody:
                # The share is still one of those for whom the variable is known.
                if "variable" not in record:
                    # Who is left out of a step of the flow is not told: the row is the file's.
                    lacking = keys.get("missing")
                    record = {**record, "model": "all"}
                    keys = _keys(name, row, record, steps.get(row))
                    if lacking is not None:
                        # It is still withheld how many this model leaves out.
                        keys["missing"] = lacking
                keys["whole"], keys["people"] = (
                    keys["people"],
                    ("people", _who(name, row, record)[0]),
                )
            withheld = bool(record.get("suppressed", True))
            if _text(record, "exposure") and _text(record, "reference"):
                # The group that all are compared with is a group, and has no row of its own.
                beside, _ = _who(name, row, {**record, "level": record["reference"]})
                knowledge.unknown((release, "people", beside))
            for column, key in keys.items():
                if column in ("share", "whole"):
                    continue
                value = record[column]
                if pd.isna(value) and not withheld and row in steps and column in ENDS:
                    # An empty count of a step of a curve is none.
                    found[(release, *key)].append((name, row, column, 0, (0, 0)))
                elif not pd.isna(value):
                    interval = _interval(record, column, (row, column) in added_up, profile)
                    found[(release, *key)].append((name, row, column, value, interval))
                elif withheld and applies[column][row]:
                    found[(release, *key)].append((name, row, column, value, None))
            if "share" in keys and "estimate" in record:
                shares.append((name, row, record, keys["share"], keys.get("whole"), withheld))
    places = _identify(found, knowledge)
    _take_shares(shares, places, profile, knowledge, release)
    _relate(knowledge, release, profile, needs)
    return knowledge


def _told_as_everybody(records: list[dict], applies: Mapping[str, list[bool]]) -> set[int]:
    """Find the rows that count everybody, since it is withheld for how many a value is not known.

    The gate does so: beside everybody, those for whom it is known would give the others back.
    """
    if not applies.get("missing"):
        return set()
    if "variable" not in records[0]:
        whole = [each.get("people") for each in records if _text(each, "model") == "all"]
        return {
            row
            for row, each in enumerate(records)
            if pd.isna(each["missing"])
            and each.get("suppressed")
            and _text(each, "model") != "all"
            # What is withheld is in no list of what is shown.
            and not pd.isna(each.get("people"))
            and each["people"] in whole[:1]
        }

    def about(record: Mapping) -> tuple:
        return tuple(_text(record, key) for key in ("variable", "group_by", "group"))

    gaps = {row for row, there in enumerate(applies["missing"]) if there}
    told = {
        about(records[row]): records[row].get("people")
        for row in gaps
        if pd.isna(records[row]["missing"])
    }
    return {
        row
        for row, record in enumerate(records)
        if row not in gaps
        and about(record) in told
        and not pd.isna(told[about(record)])
        and record.get("people") == told[about(record)]
    }


def _interval(record: Mapping, column: str, is_sum: bool, profile: Profile) -> tuple[float, float]:
    """The smallest and the largest count that a released one can have been."""
    value = int(record[column])
    if is_sum:
        # It was added up from its released parts, and says nothing beyond them.
        return 0.0, float(MOST)
    low, high = _shown_as(value, profile)
    people = record.get("people")
    if column != "people" and not pd.isna(people) and people is not None and people == value:
        # No count is shown that is larger than its people, so it may have been rounded down to it.
        high += profile.round_to
    return float(low), float(high)


@cache
def _shown_as(value: int, profile: Profile) -> tuple[int, int]:
    """The smallest and the largest count that is shown as a number."""
    step = profile.round_to
    if 0 < value < profile.threshold or value % step:
        # No gate of ours showed this number: it is taken to be rounded, and no more.
        return max(0, value - step // 2), value + step // 2
    return bounds(value, profile)


def sums(records: list[dict]) -> set[tuple[int, str]]:
    """Find the counts of everybody that are just the sum of what was released of the groups."""
    if not records or "group" not in records[0]:
        return set()
    keys = [key for key in ROW_KEYS if key in records[0] and key != "group"]
    families: dict[tuple, list] = defaultdict(list)
    for row, record in enumerate(records):
        families[tuple(str(record[key]) for key in keys)].append(row)
    found = set()
    for family in families.values():
        whole = [row for row in family if str(records[row]["group"]) == "all"]
        if len(whole) != 1 or len(family) == 1:
            continue
        for column in COUNTS:
            if column not in records[0]:
                continue
            shown = [records[row][column] for row in family if row != whole[0]]
            total = records[whole[0]][column]
            if not any(map(pd.isna, (*shown, total))) and sum(shown) == total:
                found.add((whole[0], column))
    return found


def about_people(table: pd.DataFrame) -> bool:
    """Say whether a released table counts people of a cohort."""
    kind = table["kind"].iloc[0] if "kind" in table and len(table) else KINDS[0]
    return kind in KINDS and any(column in table for column in COUNTS)


def _identify(found: Mapping[Key, list], knowledge: Knowledge) -> dict[tuple[str, int, str], int]:
    """Give each cell its unknown; numbers that cannot be one count are counts of their own."""
    places = {}
    for key, cells in found.items():
        # The largest first: the fullest set of people keeps the name.
        for name, row, column, _, interval in sorted(cells, key=_largest_first):
            hidden = interval is None
            unknown = knowledge.unknown(key)
            if not hidden:
                for other in (key, (*key, name), (*key, name, row)):
                    unknown = knowledge.unknown(other)
                    if knowledge.bound(unknown, *interval):
                        break
            knowledge.cells.append(Cell(name, row, column, unknown, hidden, key[0]))
            places[name, row, column] = unknown
    return places


def _largest_first(cell: tuple) -> float:
    return -(-1.0 if pd.isna(cell[3]) else float(cell[3]))


def _take_shares(
    shares: list, places: Mapping, profile: Profile, knowledge: Knowledge, release: int
) -> None:
    """Bound the count behind each printed share: its people times the share, as far as printed."""
    for name, row, record, key, known, withheld in shares:
        unit = SHARES.get(record.get("unit"))
        told = whole = places.get((name, row, "people"))
        if known is not None:
            whole = knowledge.unknown((release, *known))
        if unit is None or whole is None:
            continue
        decimals, full = unit
        share = record["estimate"]
        hidden = bool(pd.isna(share))
        if hidden and not withheld:
            continue
        part = knowledge.unknown((release, *key))
        knowledge.cells.append(Cell(name, row, "estimate", part, hidden, release))
        if hidden:
            # A share may be withheld for the sake of those who are not of it.
            others = knowledge.unknown((release, OTHERS, part, whole))
            knowledge.cells.append(Cell(name, row, OTHERS, others, hidden, release))
            knowledge.relate({part: 1.0, others: 1.0, whole: -1.0}, 0.0, 0.0)
            continue
        knowledge.at_most(part, whole)
        half = 0.5 * 10.0**-decimals
        low, high = (share - half) / full, (share + half) / full
        people = record["people"]
        if profile.shares_from_rounded and not pd.isna(people):
            step = profile.round_to
            rounded = np.arange(0, people + step, step)
            fits = rounded[(rounded >= low * people - 1e-9) & (rounded <= high * people + 1e-9)]
            if len(fits):
                least, most = (_shown_as(int(fits[end]), profile) for end in (0, -1))
                if known is None:
                    knowledge.bound(part, least[0], most[1])
                elif told is not None:
                    _share_of_known(knowledge, part, (whole, told), (least[0], most[1]))
                continue
        knowledge.relate({part: 1.0, whole: -low}, 0.0, math.inf)
        knowledge.relate({part: 1.0, whole: -high}, -math.inf, 0.0)


def _share_of_known(
    knowledge: Knowledge, part: int, whole: tuple[int, int], ends: tuple[float, float]
) -> None:
    """Bound a count by a share of those known that was worked out as if of everybody.

    The share times everybody lies between the two ends; times those known, as the count is, it may
    be less, by the share of those who are not known.
    """
    known, everybody = whole
    half = 0.5
    knowledge.bound(part, 0.0, ends[1])
    share = min(1.0, (ends[1] + half) / max(knowledge.low[everybody], 1.0))
    knowledge.relate({part: 1.0, everybody: share, known: -share}, ends[0] - half, math.inf)


def _keys(name: str, row: int, record: Mapping, step: tuple | None) -> dict[str, Key]:
    """Say which people each number of a row counts: what is counted, and under which conditions."""
    conditions, own = _who(name, row, record)
    variable, level = _text(record, "variable"), _text(record, "level")
    measure = _text(record, "measure")
    keys: dict[str, Key] = {}
    people = conditions
    lacking = "missing" in record and (
        not pd.isna(record["missing"]) or measure.startswith("not ") or not variable
    )
    if variable and variable != "people" and not own:
        if lacking:
            gap = conditions | {(variable, f"({measure})")}
            keys["missing"] = ("people", gap)
            keys["share"] = ("people", gap)
        elif level and _text(record, "unit") == "people":
            people = conditions | {(variable, level)}
        else:
            people = conditions | {(variable, KNOWN)}
            if level:
                keys["share"] = ("people", conditions | {(variable, level)})
    elif lacking:
        model = _text(record, "model") or name
        keys["missing"] = ("people", Conditions({("model", f"not in {model}")}))
    elif measure.startswith("share") and not own:
        if ASSUMED not in _text(record, "group"):
            keys["share"] = ("people", conditions)
        people = Conditions()
    if "people" in record:
        keys["people"] = ("people", people)
    time = record.get("time_years")
    if step is not None:
        start, end = step
        # Everybody is followed at the start.
        keys["at_risk"] = ("at_risk in step", conditions, start, end)
        for column in ENDS:
            if column in record:
                keys[column] = (f"{column} in step", conditions, start, end)
        if end == 0:
            keys = {"at_risk": ("people", conditions)}
        return keys
    if "at_risk" in record and time is not None and not pd.isna(time):
        at_start = float(time) == 0
        keys["at_risk"] = (
            ("people", conditions) if at_start else ("at_risk", conditions, float(time))
        )
    for column in ENDS:
        if column in record:
            keys[column] = (column, people)
    return keys


def _who(name: str, row: int, record: Mapping) -> tuple[Conditions, bool]:
    """The conditions that people of a row meet, and whether these are of that table alone."""
    by, group = _text(record, "group_by"), _text(record, "group")
    model, level = _text(record, "model"), _text(record, "level")
    exposure = _text(record, "exposure")
    if exposure and _text(record, "variable"):
        # A comparison of groups: those of the group of whom all that it needs is known.
        adjusted = _text(record, "adjusted_for").replace("nothing", "")
        needed = (exposure, *filter(None, adjusted.split(", ")))
        met = {(_text(record, "variable"), KNOWN), ("given", needed)}
        whole = _text(record, "method") == "gradient"
        return Conditions(met if whole else met | {(exposure, level)}), True
    if model and exposure and level and "hazard_ratio" in record:
        # Such a row counts the people of the group, and not those of the model.
        return Conditions({("model", model), (exposure, level)}), True
    if model or _text(record, "term") or exposure:
        if not model:
            return Conditions({("table", name)}), True
        met = {("model", model)}
        method = _text(record, "method")
        if method:
            met.add(("method", method))
        if level and not _text(record, "variable") and not exposure:
            met.add(("period", level))
        if group and by and not _text(record, "reference"):
            met |= _group(by, group)
        return Conditions(met) - {("model", "all")}, True
    if "group_by" in record:
        if _text(record, "reference"):
            return Conditions({("table", name), ("measure", _text(record, "measure"))}), True
        if "group" not in record:
            return Conditions({(by, KNOWN)}), False
        return Conditions(_group(by, group)), False
    if "group" in record:
        met = set() if group in ("", "all") else {("group", group)}
        return Conditions(met), False
    if _text(record, "variable"):
        return Conditions(), False
    return Conditions({("table", name)}), True


def _group(by: str, group: str) -> set:
    if group in ("", "all") or by in ("", "all", "method"):
        return set()
    # Groups of two columns at once are named by both: "deprivation, sex" and "1, female".
    columns, levels = by.split(", "), group.split(", ")
    if len(columns) == len(levels):
        return set(zip(columns, levels, strict=True))
    return {(by, group)}


def _text(record: Mapping, column: str) -> str:
    value = record.get(column, "")
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _steps(table: pd.DataFrame) -> dict[int, tuple[float, float]]:
    """The start and end of the step that each row of a curve counts; none in other tables."""
    if not {"time_years", "at_risk", "deaths"} <= set(table) or "people" in table:
        return {}
    keys = [k for k in ("measure", "method", "group_by", "group") if k in table]
    numbered = table.reset_index(drop=True)
    parts = numbered.groupby(keys, dropna=False, sort=False) if keys else [("", numbered)]
    steps = {}
    for _, part in parts:
        before = 0.0
        for row, time in part["time_years"].astype(float).sort_values().items():
            steps[row] = (before, time)
            before = time
    return steps


def _applies(records: list[dict], column: str) -> list[bool]:
    """Where an empty cell of a column means a withheld count, and not one that does not exist.

    In rows of one measure a column exists if it does in any, and does not if it is empty in a row
    of which nothing is withheld.
    """
    there, absent = set(), set()
    kinds = []
    if column == "missing" and records and "model" in records[0] and "variable" not in records[0]:
        # Each step of the flow leaves people out, and everybody is the step before.
        return [
            not pd.isna(each[column]) or _text(each, "model") not in ("", "all") for each in records
        ]
    for record in records:
        time = record.get("time_years")
        when = "never" if time is None or pd.isna(time) else "start" if time == 0 else "later"
        kind = (_text(record, "measure"), when)
        kinds.append(kind)
        if not pd.isna(record[column]):
            there.add(kind)
        elif not record.get("suppressed", True):
            absent.add(kind)
    return [_exists(column, *kind, kind in there, kind in absent) for kind in kinds]


def _exists(column: str, measure: str, when: str, there: bool, absent: bool) -> bool:
    """Whether a column has counts in the rows of a measure."""
    if column == "at_risk" and when == "never":
        return False
    if there:
        return True
    if absent or (column == "missing" and not measure.startswith("not ")):
        return False
    # A row about one way in which follow-up ends counts that one.
    others = [end.removesuffix("s") for end in ENDS if end != column]
    about_another = any(end in measure for end in others)
    return column not in ENDS or not about_another or column.removesuffix("s") in measure


def _relate(knowledge: Knowledge, release: int, profile: Profile, needs: Needs) -> None:
    """Add what follows from the meaning of the counts of one release."""
    mine = [key for key in knowledge.keys if key[0] == release and _shared(key)]
    for key in mine:
        _steps_add_up(knowledge, key)
        _need_more(knowledge, key, profile.threshold, needs.never_lacking)
    _lack_something(knowledge, mine, profile.threshold, needs)
    mine = [key for key in knowledge.keys if key[0] == release and _shared(key)]
    levels = _levels(mine)
    _families(mine, knowledge, levels)
    for key in mine:
        _parts(knowledge, key, levels)
    _ends(knowledge, mine)
    _overlaps(knowledge, mine)
    _followed(knowledge, mine, release)


def _shared(key: Key) -> bool:
    """Whether an unknown has the name of its conditions, and is no count of one table alone."""
    kind = key[1]
    return len(key) == (4 if kind in ("at_risk", "by") or kind.endswith(" by") else
                        5 if kind.endswith("in step") else 3)  # fmt: skip


def _levels(keys: list[Key]) -> dict[str, set]:
    levels = defaultdict(set)
    for key in keys:
        for variable, level in key[2]:
            if not (isinstance(level, str) and level.startswith("(")):
                levels[variable].add(level)
    return levels


LABELS = ("model", "method", "period", "group", "table", "measure", "given")


def _families(keys: list[Key], knowledge: Knowledge, levels: Mapping[str, set]) -> None:
    """Groups add up to a whole: all levels of a variable, everything else alike.

    Where those of everybody do not, for some people have no group, the groups of any part of the
    people may leave as many of them out.
    """
    families: dict[tuple, dict] = defaultdict(dict)
    for key in keys:
        for condition in key[2]:
            variable, level = condition
            if variable in LABELS or level not in levels[variable] or key[1] == "censored by":
                continue
            rest = key[2] - {condition}
            families[key[:2] + key[3:], rest, variable][level] = knowledge.numbers[key]
    without = _without_group(families, knowledge)
    for (what, rest, variable), members in families.items():
        for whole in (rest | {(variable, KNOWN)}, rest):
            number = knowledge.numbers.get((*what[:2], whole, *what[2:]))
            if number is None:
                continue
            if set(members) == levels[variable] and len(members) > 1:
                terms = dict.fromkeys(members.values(), 1.0) | {number: -1.0}
                left = 0.0 if whole != rest else without.get((what[0], variable), 0.0)
                knowledge.relate(terms, -left, 0.0)
            else:
                # Some of its groups are said nowhere: the others are no more than the whole.
                knowledge.relate(
                    dict.fromkeys(members.values(), 1.0) | {number: -1.0}, -math.inf, 0.0
                )
            break


def _without_group(families: Mapping, knowledge: Knowledge) -> dict[tuple, float]:
    """The most people that have no group of a variable, where those who have do not add up."""
    found = {}
    for (what, rest, variable), members in families.items():
        everybody = knowledge.numbers.get((*what, Conditions()))
        if rest or what[1] != "people" or everybody is None:
            continue
        if sum(knowledge.high[each] for each in members.values()) < knowledge.low[everybody]:
            fewest = sum(knowledge.low[each] for each in members.values())
            found[what[0], variable] = knowledge.high[everybody] - fewest
    return found


def _parts(knowledge: Knowledge, key: Key, levels: Mapping[str, set]) -> None:
    """Those of whom something is known and those of whom it is not are everybody."""
    release, what, conditions, *rest = key
    for condition in conditions:
        variable, level = condition
        whole = knowledge.numbers.get((release, what, conditions - {condition}, *rest))
        if whole is None:
            continue
        if level == KNOWN:
            gaps = (conditions - {condition} | {(variable, gap)} for gap in GAPS)
            lacking = [knowledge.numbers.get((release, what, gap, *rest)) for gap in gaps]
            there = {number: 1.0 for number in lacking if number is not None}
            low = 0.0 if there else -math.inf
            known = knowledge.numbers[key]
            knowledge.relate({known: 1.0, **there, whole: -1.0}, low, 0.0)
        elif variable == "model" and str(level).startswith("not in "):
            inside = Conditions({("model", str(level).removeprefix("not in "))})
            modelled = knowledge.numbers.get((release, what, inside))
            if modelled is not None:
                lacking = knowledge.numbers[key]
                knowledge.relate({modelled: 1.0, lacking: 1.0, whole: -1.0}, 0.0, 0.0)
        elif variable in LABELS or str(level).startswith("("):
            knowledge.at_most(knowledge.numbers[key], whole)
            everybody = knowledge.numbers.get((release, what, Conditions(), *rest))
            modelled = knowledge.numbers.get((release, what, Conditions({condition}), *rest))
            if variable == "model" and len(conditions) > 1 and None not in (everybody, modelled):
                # A group loses no more people to a model than everybody together.
                lost = {whole: 1.0, knowledge.numbers[key]: -1.0, everybody: -1.0, modelled: 1.0}
                knowledge.relate(lost, -math.inf, 0.0)
            if variable == "model" and what == "deaths":
                # No more of them died than there are of those whom the model leaves out.
                there = (knowledge.numbers.get((release, "people", c, *rest))
                         for c in (conditions - {condition}, conditions))  # fmt: skip
                people, inside = there
                if None not in (people, inside):
                    left_out = {whole: 1.0, knowledge.numbers[key]: -1.0, people: -1.0, inside: 1.0}
                    knowledge.relate(left_out, -math.inf, 0.0)


def _ends(knowledge: Knowledge, keys: list[Key]) -> None:
    """Follow-up ends by death, by transplant or without either."""
    for key in keys:
        if key[1] != "people":
            continue
        ends = [knowledge.numbers.get((key[0], end, *key[2:])) for end in ENDS]
        there = {number: 1.0 for number in ends if number is not None}
        if there:
            low = 0.0 if len(there) == len(ENDS) else -math.inf
            knowledge.relate(there | {knowledge.numbers[key]: -1.0}, low, 0.0)


def _overlaps(knowledge: Knowledge, keys: list[Key]) -> None:
    """People who are one thing are those who are it only, and those who are the other too."""
    named = {
        level: knowledge.numbers[key]
        for key in keys
        if key[1] == "people" and len(key[2]) == 1
        for variable, level in key[2]
        if variable == "group"
    }
    for both, number in named.items():
        pair = re.fullmatch(r"(.+) and (.+)", both)
        if not pair:
            continue
        for one in pair.groups():
            if one in named and f"{one} only" in named:
                knowledge.relate({number: 1.0, named[f"{one} only"]: 1.0, named[one]: -1.0}, 0, 0)
        alone = [named.get(f"{one} only") for one in pair.groups()]
        everybody = knowledge.numbers.get((keys[0][0], "people", Conditions()))
        if "neither" in named and everybody is not None and None not in alone:
            four = dict.fromkeys([number, *alone, named["neither"]], 1.0)
            knowledge.relate(four | {everybody: -1.0}, 0.0, 0.0)


def _steps_add_up(knowledge: Knowledge, key: Key) -> None:
    """A step of a curve counts those whose follow-up ended between its two times."""
    if not key[1].endswith(" in step") or key[1].startswith("at_risk"):
        return
    release, what, conditions, start, end = key
    column = what.removesuffix(" in step")
    terms = {knowledge.numbers[key]: 1.0}
    terms[knowledge.unknown((release, f"{column} by", conditions, end))] = -1.0
    if start > 0:
        terms[knowledge.unknown((release, f"{column} by", conditions, start))] = 1.0
    knowledge.relate(terms, 0.0, 0.0)


def _need_more(
    knowledge: Knowledge, key: Key, threshold: int, never_lacking: frozenset[str]
) -> None:
    """Of those known, a comparison leaves out no more than lack something else that it needs.

    A variable of which no table says for how many it is not known is lacked by fewer people than
    the threshold, and not by nobody; but nobody of a group lacks what it is a group of.
    """
    release, what, conditions, *rest = key
    for given in [each for each in conditions if each[0] == "given"]:
        known = conditions - {given}
        terms = {
            knowledge.unknown((release, what, known, *rest)): 1.0,
            knowledge.numbers[key]: -1.0,
        }
        group = Conditions(each for each in known if each[1] != KNOWN)
        of_everybody = never_lacking | {variable for variable, _ in group}
        untold = 0
        for variable in given[1]:
            gaps = [(release, what, group | {(variable, gap)}, *rest) for gap in GAPS]
            lacking = [knowledge.numbers[gap] for gap in gaps if gap in knowledge.numbers]
            terms |= dict.fromkeys(lacking, -1.0)
            untold += not lacking and variable not in of_everybody
        knowledge.relate(terms, -math.inf, float(untold * (threshold - 1)))


def _lack_something(knowledge: Knowledge, keys: list[Key], threshold: int, needs: Needs) -> None:
    """Whom a model leaves out lacks one of the things that it needs.

    How many lack something is told where they are enough, thing by thing; those who lack only what
    is told nowhere are a withheld count, as each of those things is.
    """
    places = {(cell.release, cell.unknown): cell for cell in reversed(knowledge.cells)}

    def not_known(release: int, name: str) -> int | None:
        """The unknown that counts for whom a thing is not known, where a table tells it."""
        for condition in ((name, GAPS[0]), ("model", f"not in {name}")):
            found = knowledge.numbers.get((release, "people", Conditions({condition})))
            if (release, found) in places:
                return found
        return None

    for release, what, conditions, *_ in keys:
        for variable, level in conditions if what == "people" else ():
            same = needs.same.get(variable)
            rest = conditions - {(variable, level)}
            if level == GAPS[0] and same:
                there = knowledge.numbers.get((release, what, rest | {(same, level)}))
                if there is not None:
                    own = knowledge.numbers[release, what, conditions]
                    knowledge.relate({own: 1.0, there: -1.0}, 0.0, 0.0)
    for model, needed in needs.models.items():
        for release in {key[0] for key in keys}:
            left_out = not_known(release, model)
            place = left_out
            if left_out is None:
                # Where it is withheld, everybody and those in the model are its two sides.
                everybody = knowledge.numbers.get((release, "people", Conditions()))
                inside = (release, "people", Conditions({("model", model)}))
                place = knowledge.numbers.get(inside)
                if everybody is None or (release, place) not in places:
                    continue
                out = Conditions({("model", f"not in {model}")})
                left_out = knowledge.unknown((release, "people", out))
                knowledge.relate({place: 1.0, left_out: 1.0, everybody: -1.0}, 0.0, 0.0)
            told = [not_known(release, name) for name in needed]
            lacking = {number for number in told if number is not None}
            if not lacking or None not in told:
                continue
            named = Conditions({("model", f"not in {model}"), ("lacking", "(not told)")})
            others = knowledge.unknown((release, "people", named))
            knowledge.bound(others, 0, told.count(None) * (threshold - 1))
            each_of = dict.fromkeys(lacking, -1.0)
            knowledge.relate({left_out: 1.0, others: -1.0} | each_of, -math.inf, 0.0)
            for each in lacking:
                knowledge.relate({left_out: 1.0, others: -1.0, each: -1.0}, 0.0, math.inf)
            cell = places[release, place]
            knowledge.cells.append(replace(cell, unknown=others, hidden=True))


def _followed(knowledge: Knowledge, keys: list[Key], release: int) -> None:
    """Nobody comes back: those still followed grow fewer, by those whose follow-up ended."""
    numbers = knowledge.numbers
    by_people: dict[Conditions, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for key in keys:
        if key[1] in ("at_risk", "deaths by", "censored by", "at_risk in step"):
            by_people[key[2]][key[1]].append((*key[3:], numbers[key]))
    for conditions, known in by_people.items():
        people = numbers.get((release, "people", conditions))
        deaths = numbers.get((release, "deaths", conditions))
        followed = sorted(known["at_risk"])
        died = sorted(known["deaths by"])
        steps = sorted(known["at_risk in step"], key=lambda step: step[1])
        for chain, falls in ((followed, True), (died, False)):
            for (_, one), (_, other) in zip(chain, chain[1:], strict=False):
                knowledge.at_most(*((other, one) if falls else (one, other)))
        if people is not None and followed:
            knowledge.at_most(followed[0][1], people)
        if deaths is not None and died:
            knowledge.at_most(died[-1][1], deaths)
        for time, number in followed:
            gone = [dead for when, dead in died if when < time]
            if gone and people is not None:
                knowledge.relate({number: 1.0, gone[-1]: 1.0, people: -1.0}, -math.inf, 0.0)
            later = [dead for when, dead in died if when >= time]
            if later and deaths is not None:
                # Those who die later are still followed now.
                knowledge.relate({number: 1.0, later[0]: 1.0, deaths: -1.0}, 0.0, math.inf)
        for start, end, number in steps:
            gone = dict(died).get(start)
            if people is not None:
                terms = {number: 1.0, people: -1.0} | ({gone: 1.0} if gone is not None else {})
                knowledge.relate(terms, -math.inf, 0.0)
            for time, still in followed:
                if time >= end:
                    knowledge.at_most(still, number)
                    break
            earlier = [still for time, still in followed if time <= start]
            if earlier:
                knowledge.at_most(number, earlier[-1])
        left = dict(known["censored by"])
        for start, end, number in steps:
            if people is None or end not in dict(died) or end not in left:
                continue
            # Who is neither followed nor gone died at the very end of the step: at least one did.
            gone = {number: 1.0, dict(died)[end]: 1.0, left[end]: 1.0, people: -1.0}
            knowledge.relate(gone, 1.0, math.inf)
            step = numbers.get((release, "deaths in step", conditions, start, end))
            if step is not None:
                knowledge.relate(gone | {step: -1.0}, -math.inf, 0.0)


def lasting_name(knowledge: Knowledge, unknown: int) -> Key:
    """The name of an unknown that is the same in another reading, where numbers may differ."""
    release, what, *rest = knowledge.keys[unknown]
    if what != OTHERS:
        return knowledge.keys[unknown]
    return release, what, *(lasting_name(knowledge, number) for number in rest)


def link_releases(knowledge: Knowledge, before: int, now: int) -> None:
    """A cohort that grew: nobody leaves it, and no group grows by more than the whole."""
    everybody = [knowledge.numbers.get((each, "people", Conditions())) for each in (now, before)]
    for key in list(knowledge.keys):
        if key[0] != now or key[1] not in ("people", "deaths", "transplants") or not _shared(key):
            continue
        if any(str(level).startswith(("(not", "not in")) for _, level in key[2]):
            continue
        earlier = knowledge.numbers.get((before, *key[1:]))
        if earlier is None:
            continue
        number = knowledge.numbers[key]
        knowledge.at_most(earlier, number)
        if key[1] == "people" and None not in everybody and number != everybody[0]:
            grown = {number: 1.0, earlier: -1.0, everybody[0]: -1.0, everybody[1]: 1.0}
            knowledge.relate(grown, -math.inf, 0.0)
