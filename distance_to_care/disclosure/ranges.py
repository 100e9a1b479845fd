"""The tightest range of every withheld count, worked out as somebody who attacks a release would.

For each withheld count two programmes are solved with HiGHS (Huangfu and Hall 2018, doi
10.1007/s12532-017-0130-5): the smallest and the largest whole number that agree with everything
released, in the manner of Fischetti and Salazar-Gonzalez (2000, doi 10.1287/mnsc.46.9.1213.10301).
A range that holds fewer numbers than the profile's threshold is narrow: the count is all but
published. A count that is certain not to be small, and was withheld for the sake of another, may be
known as closely as a rounded count is, and no closer. Both ends are attained by whole numbers for
all counts at once, never by fractions; where the solver stops early, the furthest numbers found
stand, and the range is if anything too narrow.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import highspy
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from distance_to_care.disclosure import attacker, models
from distance_to_care.disclosure.counts import ESTIMATE_COLUMNS, bounds, lowest_shown
from distance_to_care.disclosure.profiles import DEFAULT, Profile
from distance_to_care.problems import Problem

Tables = Mapping[str, pd.DataFrame]
# Relations hold to about this much; counts are whole, so that it decides nothing.
NEAR = 1e-6
# Branches that are tried for one end of one range before the best so far is taken.
BRANCHES = 500
# Passes in which each relation narrows the bounds of its counts.
PASSES = 12
# Rounds of withholding one more count for each narrow one, and then of withholding every count
# that is related to it, before tables with a narrow range are left out whole.
ROUNDS = 20
WIDE_ROUNDS = 3
FOUND = ["lowest", "highest", "values_possible", "values_if_small", "narrow", "why"]
ADVICE = "Leave the table out, or wait until more people were added."


def hidden_ranges(
    tables: Tables,
    profile: Profile = DEFAULT,
    earlier: Sequence[Tables] = (),
    only_judged: bool = False,
    needs: attacker.Needs | None = None,
) -> pd.DataFrame:
    """Find the smallest and largest count that each withheld cell can hold, given all that stands.

    Parameters
    ----------
    tables : the tables of a release by name, in the columns of published tables.
    profile : how counts were withheld and rounded.
    earlier : the tables of releases before, of a cohort that has only grown since.
    only_judged : whether each range is narrow is all that is asked: the search for its ends stops
        when that is known.
    needs : what models need of a person.

    Returns
    -------
    One row a withheld count: `release` (0 is this one, 1 the first of `earlier`), `table`, `row`
    (from 0), the row's keys, `column` (`estimate` for the count behind a withheld share, `others`
    for those who are not of it), `lowest`, `highest` (people; empty where nothing bounds it),
    `values_possible`, `values_if_small` (how many are left for somebody who knows that the count is
    below the threshold), `narrow`, `why`.
    """
    known = _known(tables, profile, earlier, needs)
    hidden = [cell for cell in known.cells if cell.hidden]
    wanted = sorted({cell.unknown for cell in hidden})
    ends = tightest(known, wanted, profile if only_judged else None)
    releases = [tables, *earlier]
    rows = []
    for cell in hidden:
        lowest, highest = ends[cell.unknown]
        table = releases[cell.release][cell.table]
        rows.append(
            {"release": cell.release, "table": cell.table, "row": cell.row}
            | _keys_of(table, cell.row)
            | {"column": cell.column}
            | _judged(lowest, highest, profile, _is_plain(known, cell.unknown))
        )
    columns = ["release", "table", "row", *attacker.ROW_KEYS, "column", *FOUND]
    found = pd.DataFrame(rows, columns=columns)
    return found.astype(
        {"lowest": "Int64", "highest": "Int64", "values_possible": "Int64", "narrow": bool}
    )


def _known(
    tables: Tables,
    profile: Profile,
    earlier: Sequence[Tables],
    needs: attacker.Needs | None,
) -> attacker.Knowledge:
    releases = [tables, *earlier]
    known = attacker.Knowledge()
    for number, own in enumerate(releases):
        others = _contributions(releases, number)
        told = {said: releases[of][name] for said, (of, name) in others.items()}
        attacker.read({**own, **told}, profile, known, number, needs)
        for cell in known.cells:
            if cell.table in others:
                cell.release, cell.table = others[cell.table]
        if number:
            attacker.link_releases(known, number, 0)
    return known


def _contributions(releases: Sequence[Tables], number: int) -> dict[str, tuple[int, str]]:
    """Contributions of other releases that a reader takes to be about the people of this one.

    That is where as many people are shown: nobody then seems to be left out.
    """
    everybody = _most_people(releases[number])
    return {
        f"{name} of release {of}": (of, name)
        for of, tables in enumerate(releases)
        for name, table in tables.items()
        if of != number
        and models.CONTRIBUTION in table
        and _most_people({name: table}) == everybody
    }


def _most_people(tables: Tables) -> float:
    """How many people the largest of released counts shows."""
    shown = [table["people"].max() for table in tables.values()
             if "people" in table and attacker.about_people(table)]  # fmt: skip
    return max((float(each) for each in shown if pd.notna(each)), default=0.0)


def _keys_of(table: pd.DataFrame, row: int) -> dict:
    record = table.iloc[row]
    return {key: record.get(key, "") for key in attacker.ROW_KEYS}


def _is_plain(known: attacker.Knowledge, unknown: int) -> bool:
    """Whether a count may be told rounded: those still followed would tell who left in between."""
    return known.keys[unknown][1] in ("people", attacker.OTHERS, *attacker.ENDS)


def _judged(lowest: int, highest: int, profile: Profile, plain: bool) -> dict:
    """Say whether a range is narrow, and why."""
    open_end = highest >= attacker.MOST
    possible = highest - lowest + 1
    small = max(0, min(highest, profile.threshold - 1) - lowest + 1)
    left = _left(profile)
    why = ""
    if possible < profile.threshold and not (plain and _as_if_rounded(lowest, highest, profile)):
        why = f"only {possible} numbers agree with everything released"
    elif 0 < small < left:
        why = f"only {small} numbers below the threshold agree with everything released"
    return {
        "lowest": lowest,
        "highest": pd.NA if open_end else highest,
        "values_possible": pd.NA if open_end else possible,
        "values_if_small": small,
        "narrow": bool(why),
        "why": why,
    }


def _left(profile: Profile) -> int:
    """How many numbers a count keeps for somebody who is told that it is small."""
    # It stays as unsure as a rounded one, or as one of two.
    return max(2, profile.round_to)


def _as_if_rounded(lowest: int, highest: int, profile: Profile) -> bool:
    """Whether a count is certain not to be small, and told no closer than rounding tells one."""
    first, last = bounds(lowest_shown(profile), profile)
    enough = highest - lowest + 1 >= profile.round_to or (lowest <= first and highest >= last)
    return lowest >= profile.threshold and enough


def tightest(
    known: attacker.Knowledge, wanted: Sequence[int], enough: Profile | None = None
) -> dict[int, tuple[int, int]]:
    """Find the least and the greatest whole number that each wanted unknown can be.

    Unknowns that share no relation, directly or through others, are solved apart. Where what is
    taken to hold contradicts the numbers released (groups that do not add up, since some people
    have no group), the relations that do are given up, the fewest people first.

    Parameters
    ----------
    known : unknowns with their bounds, and relations between them.
    wanted : numbers of unknowns.
    enough : where it is only asked whether a range is narrow by this profile: the search for its
        ends stops when that is known, and the range may be told narrower or wider than it is.

    Returns
    -------
    The least and the greatest number by unknown.
    """
    low, high = np.array(known.low), np.array(known.high)
    relations = _narrowed(known.relations, low, high)
    ends: dict[int, tuple[int, int]] = {}
    for block, rows in _blocks(relations, low, high, wanted):
        asked = [unknown for unknown in wanted if unknown in block]
        solver = _Block(sorted(block), [relations[row] for row in rows], low, high)
        for unknown in asked:
            ends[unknown] = solver.range_of(unknown, enough, _is_plain(known, unknown))
    for unknown in wanted:
        # An unknown without relations keeps its bounds.
        ends.setdefault(unknown, (int(low[unknown]), int(high[unknown])))
    return ends


def _narrowed(relations, low: np.ndarray, high: np.ndarray) -> list[attacker.Relation]:
    """Narrow the bounds of all unknowns, in place, by each relation in turn; drop what cannot hold.

    Returns the relations that still say something.
    """
    kept = list(relations)
    for _ in range(PASSES):
        moved = False
        for place, relation in enumerate(kept):
            if relation is None:
                continue
            narrowed = _by_one(relation, low, high)
            if narrowed is None:
                kept[place] = None
                continue
            for unknown, (least, most) in narrowed.items():
                if least > low[unknown] or most < high[unknown]:
                    moved = True
                    low[unknown], high[unknown] = least, most
        if not moved:
            break
    return [each for each in kept if each is not None]


def _by_one(relation, low, high) -> dict[int, tuple[float, float]] | None:
    """The bounds that one relation leaves to each of its unknowns; None where it cannot hold."""
    terms = relation.terms.items()
    least = sum(c * (low[u] if c > 0 else high[u]) for u, c in terms)
    most = sum(c * (high[u] if c > 0 else low[u]) for u, c in terms)
    if least > relation.high + NEAR or most < relation.low - NEAR:
        return None
    if least >= relation.low and most <= relation.high:
        return {}
    bounds = {}
    for unknown, factor in terms:
        own = sorted((factor * low[unknown], factor * high[unknown]))
        bottom = (relation.low - (most - own[1])) / factor
        top = (relation.high - (least - own[0])) / factor
        if factor < 0:
            bottom, top = top, bottom
        bottom = max(low[unknown], math.ceil(bottom - NEAR) if math.isfinite(bottom) else -math.inf)
        top = min(high[unknown], math.floor(top + NEAR) if math.isfinite(top) else math.inf)
        if bottom > top:
            return None
        bounds[unknown] = (bottom, top)
    return bounds


def _blocks(relations, low, high, wanted):
    """Yield the sets of unknowns that relations tie together, with the numbers of these."""
    rows, columns = [], []
    for row, relation in enumerate(relations):
        for unknown in relation.terms:
            # A count that is known exactly ties nothing together.
            if low[unknown] < high[unknown]:
                rows.append(row)
                columns.append(unknown)
    size = len(relations) + len(low)
    ties = sparse.coo_matrix(
        (np.ones(len(rows)), (rows, [len(relations) + c for c in columns])), shape=(size, size)
    )
    _, label = csgraph.connected_components(ties, directed=False)
    asked = {label[len(relations) + unknown] for unknown in wanted if low[unknown] < high[unknown]}
    members, related = defaultdict(set), defaultdict(list)
    for unknown in range(len(low)):
        mark = label[len(relations) + unknown]
        if mark in asked and low[unknown] < high[unknown]:
            members[mark].add(unknown)
    for row in range(len(relations)):
        if label[row] in asked:
            related[label[row]].append(row)
    for mark in sorted(asked):
        if related[mark]:
            yield members[mark], related[mark]


class _Block:
    """Unknowns that hang together, their relations, and the whole-number tables found so far."""

    def __init__(
        self,
        unknowns: list[int],
        relations: list,
        low: np.ndarray,
        high: np.ndarray,
        in_fractions: bool = False,
    ):
        self.place = {unknown: place for place, unknown in enumerate(unknowns)}
        self.low, self.high = low[unknowns], high[unknowns]
        rows, columns, values, bottom, top = [], [], [], [], []
        for row, relation in enumerate(relations):
            fixed = 0.0
            for unknown, factor in relation.terms.items():
                if unknown in self.place:
                    rows.append(row)
                    columns.append(self.place[unknown])
                    values.append(factor)
                else:
                    fixed += factor * low[unknown]
            bottom.append(relation.low - fixed)
            top.append(relation.high - fixed)
        shape = (len(relations), len(unknowns))
        self.matrix = sparse.csr_matrix((values, (rows, columns)), shape=shape)
        self.bottom, self.top = np.array(bottom), np.array(top)
        self.least = np.full(len(unknowns), np.inf)
        self.most = np.full(len(unknowns), -np.inf)
        self._settle(in_fractions)

    def _settle(self, in_fractions: bool) -> None:
        """Give up relations until the others can hold together, in whole numbers or fractions."""
        for _ in range(PASSES):
            self.fractions, self.whole = self._solver(False), self._solver(True)
            self.fractions.run()
            if self._status(self.fractions) != "infeasible":
                if in_fractions:
                    return
                self.whole.run()
                if self._keep(self.whole):
                    return
                self._give_up(whole=True)
            else:
                self._give_up(whole=False)
        raise Problem("The released counts contradict each other, so no range can be worked out.")

    def _give_up(self, whole: bool) -> None:
        """Let the relations go that stand in the way, so that as few people as can be are amiss."""
        size = self.matrix.shape[0]
        slack = sparse.identity(size, format="csr")
        wide = sparse.hstack([self.matrix, slack, -slack], format="csr")
        solver = self._solver(
            whole,
            wide,
            np.concatenate([np.zeros(self.matrix.shape[1]), np.ones(2 * size)]),
        )
        solver.run()
        amiss = np.array(solver.getSolution().col_value)[self.matrix.shape[1] :]
        below, above = amiss[:size] > NEAR, amiss[size:] > NEAR
        if not (below | above).any():
            # Only rounding of the solver stood in the way.
            below = above = np.full(size, True)
        self.bottom[below], self.top[above] = -np.inf, np.inf

    def _solver(self, whole: bool, matrix=None, cost=None) -> highspy.Highs:
        matrix = self.matrix if matrix is None else matrix
        more = matrix.shape[1] - len(self.low)
        solver = highspy.Highs()
        for option, value in {
            "output_flag": False,
            "threads": 1,
            "random_seed": 0,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 0.5,
            "mip_max_nodes": BRANCHES,
        }.items():
            solver.setOptionValue(option, value)
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(matrix.shape[1]) if cost is None else cost
        model.col_lower_ = np.concatenate([self.low, np.zeros(more)])
        model.col_upper_ = np.concatenate([self.high, np.full(more, np.inf)])
        model.row_lower_, model.row_upper_ = self.bottom, self.top
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data.astype(float)
        if whole:
            kinds = [highspy.HighsVarType.kInteger] * len(self.low)
            model.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * more
        solver.passModel(model)
        return solver

    @staticmethod
    def _status(solver: highspy.Highs) -> str:
        infeasible = (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        )
        return "infeasible" if solver.getModelStatus() in infeasible else "other"

    def _keep(self, solver: highspy.Highs) -> bool:
        """Take down the solver's answer, if it is in whole numbers and keeps every relation."""
        info = solver.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return False
        values = np.array(solver.getSolution().col_value)
        whole = np.round(values)
        if np.abs(values - whole).max(initial=0.0) > 1e-5:
            return False
        sums = self.matrix @ whole
        if (sums < self.bottom - 1e-5).any() or (sums > self.top + 1e-5).any():
            return False
        self.least, self.most = np.minimum(self.least, whole), np.maximum(self.most, whole)
        return True

    def range_of(self, unknown: int, enough: Profile | None, plain: bool) -> tuple[int, int]:
        """The least and the greatest whole number that one unknown of the block can be."""
        place = self.place[unknown]
        if enough is not None and self._wide(place, self.low[place], enough, plain):
            return int(self.least[place]), int(self.most[place])
        # Fractions reach at least as far as whole numbers do.
        bottom = self._fraction(place, 1.0, self.low[place])
        if enough is not None and self._wide(place, bottom, enough, plain):
            return int(self.least[place]), int(self.most[place])
        top = self._fraction(place, -1.0, self.high[place])
        if enough is not None and _judged(bottom, top, enough, plain)["narrow"]:
            return bottom, top
        if self.least[place] != bottom:
            self._optimum(self.whole, place, 1.0)
        if self.most[place] != top:
            self._optimum(self.whole, place, -1.0)
        return int(self.least[place]), int(self.most[place])

    def holding(self, unknown: int) -> set[int]:
        """The unknowns whose bounds have a price in the range of one in fractions.

        Where a printed share holds it, its count and its people do.
        """
        held = np.zeros(len(self.low), dtype=bool)
        place = self.place[unknown]
        for sign in (1.0, -1.0):
            self.fractions.changeColCost(place, sign)
            self.fractions.run()
            solution = self.fractions.getSolution()
            held |= np.abs(solution.col_dual) > NEAR
            priced = self.matrix[np.abs(solution.row_dual) > NEAR]
            in_shares = priced[np.unique(priced.nonzero()[0][np.abs(priced.data) != 1.0])]
            held[in_shares.indices] = True
            self.fractions.changeColCost(place, 0.0)
        return {each for each, at in self.place.items() if held[at]}

    def _wide(self, place: int, lowest: float, profile: Profile, plain: bool) -> bool:
        """Whether the numbers found so far say that a range is not narrow, whatever its ends are.

        lowest : no number that is possible lies below it.
        """
        least, most = self.least[place], self.most[place]
        # A lower least that is yet to be found leaves more small numbers, or makes some possible.
        settled = lowest >= profile.threshold or least <= profile.threshold - _left(profile)
        return settled and not _judged(int(least), int(most), profile, plain)["narrow"]

    def _fraction(self, place: int, sign: float, bound: float) -> int:
        """How far down (sign 1) or up (sign -1) an unknown goes if counts need not be whole."""
        if (self.least if sign > 0 else self.most)[place] == bound:
            return int(bound)
        end = self._optimum(self.fractions, place, sign)
        return math.ceil(end - NEAR) if sign > 0 else math.floor(end + NEAR)

    def _optimum(self, solver: highspy.Highs, place: int, sign: float) -> float:
        solver.changeColCost(place, sign)
        solver.run()
        self._keep(solver)
        value = solver.getSolution().col_value[place]
        solver.changeColCost(place, 0.0)
        return value


def repair(
    tables: Tables,
    profile: Profile = DEFAULT,
    earlier: Sequence[Tables] = (),
    progress: Callable[[str], None] = lambda _: None,
    needs: attacker.Needs | None = None,
) -> pd.DataFrame:
    """Propose further cells to withhold, until no withheld count has a narrow range.

    For each narrow count one that helps to pin it is withheld, wherever it is released: the one
    that stands in the fewest cells, and of those the smallest. Then the ranges are worked out
    again. Where that does not help, all related counts are withheld, and in the end whole tables.

    Parameters
    ----------
    tables, profile, earlier, needs : as for `hidden_ranges`.
    progress : called with a line when all ranges of a round are worked out.

    Returns
    -------
    One row a cell: `table`, `row` (from 0), the row's keys, `column`, `shown` (the count to show
    instead; empty where the cell is withheld), `why`. Nothing where nothing is narrow. A `column`
    that is empty stands for the whole table: no cell of it is left to withhold.
    """
    now = dict(tables)
    proposed: list[dict] = []
    wide: set[tuple] = set()
    for number in itertools.count():
        known = _known(now, profile, earlier, needs)
        hidden = sorted({cell.unknown for cell in known.cells if cell.hidden})
        narrow = _narrow_now(known, hidden, profile, wide)
        if number and not narrow:
            # What was wide before is asked once more, of the tables as they are in the end.
            wide.clear()
            narrow = _narrow_now(known, hidden, profile, wide)
        progress(
            f"{len(hidden)} withheld counts, {len(narrow)} of them can be worked out too closely"
        )
        if not narrow:
            break
        more = []
        if number < ROUNDS + WIDE_ROUNDS:
            more = _next_to_withhold(known, narrow, now, widely=number >= ROUNDS)
        more = more or _left_out(known, narrow)
        if not more:
            raise Problem(
                "A count that an earlier release withheld can be worked out from it alone, so no "
                "table of this one can mend it."
            )
        before, now = now, withhold(now, pd.DataFrame(more))
        again = _totals_again(known, before, now)
        now = withhold(now, pd.DataFrame(again)) if again else now
        proposed += more + again
    columns = ["table", "row", *attacker.ROW_KEYS, "column", "shown", "why"]
    return pd.DataFrame(proposed, columns=columns)


def _narrow_now(
    known: attacker.Knowledge, hidden: list[int], profile: Profile, wide: set[tuple]
) -> list[int]:
    """The withheld counts whose range is narrow; the others are added to those that are wide.

    A range that is wide stays so when more is withheld, and is not worked out again.
    """
    asked = [unknown for unknown in hidden if attacker.lasting_name(known, unknown) not in wide]
    ends = tightest(known, asked, profile)
    narrow = [u for u in asked if _judged(*ends[u], profile, _is_plain(known, u))["narrow"]]
    wide |= {attacker.lasting_name(known, unknown) for unknown in {*asked} - {*narrow}}
    return narrow


def _totals_again(known: attacker.Knowledge, before: Tables, now: Tables) -> list[dict]:
    """Every total that was added up from groups of which some are withheld now.

    It is shown as the count's own rounding where that stands in another table, else withheld.
    """
    added_up = {name: attacker.sums(before[name].to_dict("records")) for name in now}
    own = {
        cell.unknown: now[cell.table][cell.column].iloc[cell.row]
        for cell in reversed(known.cells)
        if cell.release == 0
        and not cell.hidden
        and cell.table in now
        and cell.column in attacker.COUNTS
        and (cell.row, cell.column) not in added_up[cell.table]
        and not pd.isna(now[cell.table][cell.column].iloc[cell.row])
    }
    unknowns = {(c.table, c.row, c.column): c.unknown for c in known.cells if c.release == 0}
    return [
        {"table": name, "row": row, "column": column, "shown": own.get(unknowns[name, row, column])}
        | {"why": "it was added up from groups that are withheld"}
        | _keys_of(now[name], row)
        for name, places in added_up.items()
        for row, column in sorted(places - attacker.sums(now[name].to_dict("records")))
        if attacker.about_people(now[name]) and not pd.isna(now[name][column].iloc[row])
    ]


def _next_to_withhold(
    known: attacker.Knowledge, narrow: list[int], tables: Tables, widely: bool
) -> list[dict]:
    """One more count for each narrow one, or widely all related ones, wherever they are shown."""
    released = defaultdict(list)
    hidden = {cell.unknown for cell in known.cells if cell.hidden}
    for cell in known.cells:
        if cell.release == 0 and not cell.hidden:
            released[cell.unknown].append(cell)
    related = defaultdict(set)
    for relation in known.relations:
        for unknown in relation.terms:
            related[unknown] |= relation.terms.keys()
    holds = {} if widely else _holding(known, narrow)
    chosen: dict[int, str] = {}
    for unknown in narrow:
        why = f"the range of a withheld count of '{_first_table(known, unknown)}' is narrow"
        if released.get(unknown):
            # It is withheld in one table, and stands in another.
            chosen[unknown] = why
            continue
        beside = set(related[unknown])
        # A count beside it that is not shown may be pinned by what is shown beside that one.
        for other in sorted(each for each in beside if not released.get(each)):
            beside |= related[other]
        options = [u for u in sorted(beside - {unknown} - hidden) if released.get(u)]
        if not widely:
            # Unless one of those is withheld that hold its ends, its range stays as it is.
            holding = [u for u in sorted(holds.get(unknown, ())) if u not in hidden and released[u]]
            options = holding or options
        if widely:
            everybody = known.numbers.get((0, "people", attacker.Conditions()))
            chosen |= dict.fromkeys([u for u in options if u != everybody], why)
        elif options and not any(u in chosen for u in options):
            chosen[min(options, key=lambda u: (len(released[u]), known.high[u], u))] = why
    if not widely and chosen:
        # Others may be narrow only since these are: what stands in many cells can wait.
        fewest = min(len(released[unknown]) for unknown in chosen)
        chosen = {u: why for u, why in chosen.items() if len(released[u]) <= 2 * fewest}
    return [
        {"table": cell.table, "row": cell.row, "column": cell.column, "why": why}
        | _keys_of(tables[cell.table], cell.row)
        for unknown, why in chosen.items()
        for cell in released[unknown]
    ]


def _holding(known: attacker.Knowledge, narrow: list[int]) -> dict[int, set[int]]:
    """For each narrow count the counts whose released bounds hold its range where it is.

    They have a price in one of its two programmes (Dantzig 1963, shadow prices): with all others
    released or not, the range in fractions stays as it is.
    """
    low, high = np.array(known.low), np.array(known.high)
    relations = _narrowed(known.relations, low.copy(), high.copy())
    found = {}
    # Also a count that is known exactly may be what holds a range.
    for block, rows in _blocks(relations, low - 1, high, narrow):
        related = [relations[row] for row in rows]
        solver = _Block(sorted(block), related, low, high, in_fractions=True)
        found |= {unknown: solver.holding(unknown) for unknown in narrow if unknown in block}
    return found


def _left_out(known: attacker.Knowledge, narrow: list[int]) -> list[dict]:
    """Every table of this release that withholds a narrow count, whole."""
    tables = {
        cell.table
        for cell in known.cells
        if cell.release == 0 and cell.hidden and cell.unknown in set(narrow)
    }
    why = "withholding cell by cell leaves a narrow range"
    return [{"table": table, "row": pd.NA, "column": "", "why": why} for table in sorted(tables)]


def _first_table(known: attacker.Knowledge, unknown: int) -> str:
    return next(cell.table for cell in known.cells if cell.hidden and cell.unknown == unknown)


def withhold(tables: Tables, proposed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Withhold the cells that `repair` proposes; an estimate goes with all that is told of it.

    Returns
    -------
    The tables by name; those that are left out whole are not among them.
    """
    out = dict(tables)
    for name, cells in proposed.groupby("table", sort=False):
        if (cells["column"] == "").any():
            out.pop(name, None)
            continue
        table = out[name].copy()
        marked = table["suppressed"].astype(bool).to_numpy(copy=True)
        shown = cells["shown"] if "shown" in cells else pd.Series(pd.NA, cells.index)
        for row, column, instead in zip(cells["row"], cells["column"], shown, strict=True):
            place = int(row)
            for each in ESTIMATE_COLUMNS if column == "estimate" else (column,):
                if each in table:
                    values = table[each].astype("object").to_numpy(copy=True)
                    values[place] = pd.NA if pd.isna(instead) else instead
                    kind = "Int64" if each in attacker.COUNTS else "Float64"
                    table[each] = pd.array(values, dtype=kind)
            marked[place] |= pd.isna(instead)
        table["suppressed"] = marked
        out[name] = table
    return out


def differences(now: Tables, earlier: Tables, profile: Profile = DEFAULT) -> pd.DataFrame:
    """Find how closely a release and an earlier one together give away who was added between them.

    Parameters
    ----------
    now, earlier : the tables of two releases by name, of a cohort that has only grown.
    profile : how counts were withheld and rounded.

    Returns
    -------
    One row a number that stands in both and changed: `table`, `row` (from 0, of `now`), the row's
    keys, `column`, `before`, `now`, `lowest`, `highest` (people who were added to the count, or
    to the people behind an estimate), `values_possible`, `narrow`, `why`, `what_to_do`. A change is
    narrow where fewer than the threshold may have been added and fewer than the threshold numbers
    are possible. Numbers that did not change say nothing new.
    """
    known = attacker.read(now, profile)
    attacker.read(earlier, profile, known, release=1)
    attacker.link_releases(known, 1, 0)
    low, high = np.array(known.low), np.array(known.high)
    _narrowed(known.relations, low, high)
    behind = _behind(known)
    rows = []
    for name in now:
        if name not in earlier or not attacker.about_people(now[name]):
            continue
        for row, before, column, was, became in _changed(now[name], earlier[name]):
            pair = behind((name, row), (name, before), column)
            rows.append(
                {"table": name, "row": row}
                | _keys_of(now[name], row)
                | {"column": column, "before": was, "now": became}
                | _added(pair, low, high, profile)
            )
    columns = ["table", "row", *attacker.ROW_KEYS, "column", "before", "now", "lowest", "highest"]
    columns += ["values_possible", "narrow", "why", "what_to_do"]
    return pd.DataFrame(rows, columns=columns).astype({"narrow": bool})


def _added(pair: list, low: np.ndarray, high: np.ndarray, profile: Profile) -> dict:
    """How many people two releases show to have been added to a count."""
    if None in pair:
        lowest, highest = 0, attacker.MOST
    else:
        lowest = int(max(0, low[pair[0]] - high[pair[1]]))
        highest = int(max(lowest, high[pair[0]] - low[pair[1]]))
    possible = highest - lowest + 1
    narrow = lowest < profile.threshold and possible < profile.threshold
    why = f"between {lowest} and {highest} people were added to it" if narrow else ""
    return {
        "lowest": lowest,
        "highest": highest,
        "values_possible": possible,
        "narrow": narrow,
        "why": why,
        "what_to_do": ADVICE if narrow else "",
    }


def _behind(known: attacker.Knowledge):
    """Make the function that finds the unknown behind a number, in this release and the other.

    A count is its own; behind an estimate stands its share, else its people, else everybody.
    """
    places = {(c.release, c.table, c.row, c.column): c.unknown for c in known.cells}
    everybody = [known.numbers.get((each, "people", attacker.Conditions())) for each in (0, 1)]

    def behind(now: tuple[str, int], before: tuple[str, int], column: str) -> list:
        for each in (column, "people"):
            pair = [places.get((0, *now, each)), places.get((1, *before, each))]
            if None not in pair:
                return pair
        return everybody

    return behind


def _alike(now: pd.DataFrame, before: pd.DataFrame):
    """Yield the places of rows that have the same keys in both tables."""
    keys = [key for key in attacker.ROW_KEYS if key in now and key in before]

    def named(table: pd.DataFrame) -> list[tuple]:
        return list(table[keys].astype(str).itertuples(index=False, name=None))

    places = {key: place for place, key in enumerate(named(before))}
    for row, key in enumerate(named(now)):
        if key in places:
            yield row, places[key]


def _changed(now: pd.DataFrame, before: pd.DataFrame):
    """Yield numbers that stand in the rows of both tables that are alike, and are not the same.

    Each with both places, the column, what it was and what it became.
    """
    places = list(_alike(now, before))
    here, there = ([pair[side] for pair in places] for side in (0, 1))
    found = []
    for order, column in enumerate(now.columns):
        if column not in before or column in (*attacker.ROW_KEYS, "suppressed"):
            continue
        became, was = now[column].iloc[here].tolist(), before[column].iloc[there].tolist()
        for place, pair in enumerate(zip(was, became, strict=True)):
            if all(map(_is_number, pair)) and pair[0] != pair[1]:
                found.append((*places[place], order, column, *pair))
    # Row by row, and in each as the columns stand.
    for row, earlier, _, column, was, became in sorted(found, key=lambda each: (each[0], each[2])):
        yield row, earlier, column, was, became


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not pd.isna(value)
