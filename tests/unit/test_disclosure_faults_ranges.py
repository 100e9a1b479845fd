"""Ranges and repairs, case by case: faults that mutation testing put in."""

import math
from types import SimpleNamespace

import highspy
import numpy as np
import pandas as pd
import pytest
from attacked_tables import UNROUNDED

from distance_to_care.disclosure import attacker, models, ranges
from distance_to_care.disclosure.profiles import DEFAULT
from distance_to_care.problems import Problem

INF = math.inf
NO_KEYS = dict.fromkeys(attacker.ROW_KEYS, "")


def groups(people, total=None, by="deprivation_quintile", **others):
    """A released table of groups; None is withheld, and a total is the row of everybody."""
    names = [str(i + 1) for i in range(len(people))]
    if total is not None:
        names, people = ["all", *names], [total, *people]
    return pd.DataFrame(
        {
            "group_by": by,
            "group": names,
            "people": pd.array(people, dtype="Int64"),
            "suppressed": [each is None for each in people],
            "kind": "synthetic",
        }
        | others
    )


def keyed(by, group):
    return NO_KEYS | {"group_by": by, "group": group}


def reader(*bounds):
    """What a reader knows who has one unknown for each pair of bounds."""
    known = attacker.Knowledge()
    for number, (low, high) in enumerate(bounds):
        known.bound(known.unknown((0, "people", number)), low, high)
    return known


def block(bounds, *relations, unknowns=None, in_fractions=False):
    """Unknowns and relations by hand: each relation is its terms, its low and its high."""
    low, high = np.array(bounds, dtype=float).T
    told = [attacker.Relation(terms, least, most) for terms, least, most in relations]
    unknowns = list(range(len(bounds))) if unknowns is None else unknowns
    return ranges._Block(unknowns, told, low, high, in_fractions)


# What was added between two releases.


def test_what_was_added_between_two_releases_is_told_row_by_row():
    """A keeper decides by these rows whether a release may follow an earlier one."""
    # A new table and one that is not about people say nothing; both stand before the one that does.
    before = {
        "open": groups([50, 60], total=110, kind="open"),
        "t": groups([50, 60, 30], estimate=[1.0, 2.0, 3.0], deaths=[20, 30, 12], adjusted_for="a"),
    }
    now = {
        "new": groups([50], by="sex"),
        "open": groups([55, 60], total=115, kind="open"),
        "t": groups([55, 60, 40], estimate=[1.5, 2.5, 3.0], deaths=[40, 30, 12], adjusted_for="b"),
    }
    found = ranges.differences(now, before, UNROUNDED)
    assert found.columns.tolist() == [
        "table", "row", *attacker.ROW_KEYS, "column", "before", "now", "lowest", "highest",
        "values_possible", "narrow", "why", "what_to_do",
    ]  # fmt: skip
    few = {"values_possible": 1, "narrow": True, "what_to_do": ranges.ADVICE}
    many = {"values_possible": 1, "narrow": False, "why": "", "what_to_do": ""}
    five = few | {"lowest": 5, "highest": 5, "why": "between 5 and 5 people were added to it"}
    none = few | {"lowest": 0, "highest": 0, "why": "between 0 and 0 people were added to it"}
    first, second, third = (
        {"table": "t", "row": row} | keyed("deprivation_quintile", str(row + 1)) for row in range(3)
    )
    # By hand, of exact counts: five people more in the first group, and as many behind its
    # estimate; twenty deaths more; nobody behind the second estimate; ten in the third, which is
    # the threshold, and not below it.
    assert found.to_dict("records") == [
        first | {"column": "people", "before": 50, "now": 55} | five,
        first | {"column": "estimate", "before": 1.0, "now": 1.5} | five,
        first | {"column": "deaths", "before": 20, "now": 40, "lowest": 20, "highest": 20} | many,
        second | {"column": "estimate", "before": 2.0, "now": 2.5} | none,
        third | {"column": "people", "before": 30, "now": 40, "lowest": 10, "highest": 10} | many,
    ]


def test_nobody_leaves_between_two_releases_and_no_group_outgrows_the_whole():
    """What links the two releases is used: without it a change looks less sure than it is."""
    now, before = groups([50], total=115), groups([40], total=110)
    found = ranges.differences({"t": now}, {"t": before})
    # By hand: everybody was 108 to 112 and is 113 to 117, so that one to nine were added; the group
    # was 38 to 42 and is 48 to 52, so that at least six were, and then at least six in all. No more
    # than nine in all leave at most 51 now and at least 39 before in the group, at most twelve
    # apart, and at least 114 now and at most 111 before of everybody, at least three apart.
    assert found[["group", "lowest", "highest"]].to_numpy().tolist() == [
        ["all", 3, 9],
        ["1", 6, 12],
    ]


def test_behind_an_estimate_without_people_stands_everybody():
    """A median without its people is about everybody; without a count of those anything may be."""
    base = {"measure": "median", "deaths": pd.array([20], "Int64"), "suppressed": False}
    before, now = (
        pd.DataFrame(base | {"estimate": [value], "kind": "synthetic"}) for value in (1.0, 1.5)
    )
    wholes = [groups([n - 50, 50], total=n) for n in (110, 117)]
    found = ranges.differences({"m": now, "w": wholes[1]}, {"m": before, "w": wholes[0]}, UNROUNDED)
    row = found[found["table"] == "m"].iloc[0]
    assert (row["lowest"], row["highest"], row["narrow"]) == (7, 7, True)
    alone = ranges.differences({"m": now}, {"m": before}, UNROUNDED).iloc[0]
    assert (alone["lowest"], alone["highest"], alone["narrow"]) == (0, attacker.MOST, False)


def test_a_change_is_narrow_below_the_threshold_at_both_ends():
    """The boundary of the rule: fewer than ten people, and fewer than ten numbers of them."""

    def added(lowest, highest):
        low, high = np.array([lowest + 50.0, 50]), np.array([highest + 50.0, 50])
        return ranges._added([0, 1], low, high, DEFAULT)

    wide = {"narrow": False, "why": "", "what_to_do": ""}
    assert added(9, 17) == {
        "lowest": 9, "highest": 17, "values_possible": 9, "narrow": True,
        "why": "between 9 and 17 people were added to it", "what_to_do": ranges.ADVICE,
    }  # fmt: skip
    assert added(9, 18) == {"lowest": 9, "highest": 18, "values_possible": 10} | wide
    assert added(10, 12) == {"lowest": 10, "highest": 12, "values_possible": 3} | wide


def test_rows_of_two_releases_are_matched_by_the_keys_that_both_have():
    """Groups may change their order, and a release may say more of each row than one before."""
    now = pd.DataFrame({"group": ["a", "b", "c"], "measure": "x"})
    before = pd.DataFrame({"group": ["c", "a"]})
    assert list(ranges._alike(now, before)) == [(0, 1), (2, 0)]


def test_words_and_marks_are_no_numbers_that_changed():
    """Only what is a number in both releases can tell who was added."""
    one = {"group": "a", "people": 50, "suppressed": True, "deaths": None, "adjusted_for": "age"}
    other = one | {"people": 45, "suppressed": False, "deaths": 12, "adjusted_for": "sex"}
    now = pd.DataFrame([one | {"deaths": 7}, one]).assign(group=["a", "b"])
    now = now.astype({"deaths": "Int64"})
    before = pd.DataFrame([other | {"group": "b"}, other]).astype({"deaths": "Int64"})
    assert list(ranges._changed(now.assign(known=True), before.assign(known=False))) == [
        (0, 1, "people", 45, 50), (0, 1, "deaths", 12, 7), (1, 0, "people", 45, 50)
    ]  # fmt: skip


# Ranges as they are told.


def test_a_range_is_told_with_its_release_table_row_and_keys():
    """The whole answer for one count withheld now and one withheld in an earlier release."""
    now, before = groups([None, 40, 60], total=107), groups([87, None], total=90, by="sex")
    found = ranges.hidden_ranges({"t": now}, UNROUNDED, earlier=[{"s": before}])
    assert found.columns.tolist() == [
        "release", "table", "row", *attacker.ROW_KEYS, "column", "lowest", "highest",
        "values_possible", "values_if_small", "narrow", "why",
    ]  # fmt: skip
    told = found[["lowest", "highest", "values_possible", "narrow"]].dtypes.astype(str)
    assert told.tolist() == ["Int64", "Int64", "Int64", "bool"]
    one = {"column": "people", "values_possible": 1, "narrow": True}
    why = "only 1 numbers agree with everything released"
    # By hand: 107 less 40 and 60; 90 less 87.
    assert found.to_dict("records") == [
        {"release": 0, "table": "t", "row": 1} | keyed("deprivation_quintile", "1") | one
        | {"lowest": 7, "highest": 7, "values_if_small": 1, "why": why},
        {"release": 1, "table": "s", "row": 2} | keyed("sex", "2") | one
        | {"lowest": 3, "highest": 3, "values_if_small": 1, "why": why},
    ]  # fmt: skip


def test_the_search_for_ends_stops_early_only_where_that_is_asked(monkeypatch):
    """A range that is printed must be exact; one that is only judged may be found faster."""
    asked = []
    tightest = ranges.tightest

    def seen(known, wanted, enough=None):
        asked.append(enough)
        return tightest(known, wanted, enough)

    monkeypatch.setattr(ranges, "tightest", seen)
    tables = {"t": groups([None, 40, 60], total=107)}
    ranges.hidden_ranges(tables, UNROUNDED)
    ranges.hidden_ranges(tables, UNROUNDED, only_judged=True)
    assert asked == [None, UNROUNDED]
    ranges.repair({"t": groups([None, None, 60], total=107)}, UNROUNDED)
    # One look is enough where nothing is narrow, and it only judges.
    assert asked == [None, UNROUNDED, UNROUNDED]


def test_a_block_is_told_what_is_enough_and_which_count_is_plain(monkeypatch):
    """Those still followed may not be told rounded, so that their search must not stop so early."""
    asked = []
    known = attacker.Knowledge()
    for kind in ("people", "at_risk"):
        known.bound(known.unknown((0, kind, attacker.Conditions())), 0, 50)
    known.relate({0: 1.0, 1: -1.0}, 5.0, 30.0)

    def seen(self, *told):
        asked.append(told)
        return 0, 1

    monkeypatch.setattr(ranges._Block, "range_of", seen)
    assert ranges.tightest(known, [0, 1], DEFAULT) == {0: (0, 1), 1: (0, 1)}
    assert asked == [(0, DEFAULT, True), (1, DEFAULT, False)]


def test_a_range_is_judged_with_all_that_is_told_of_it():
    """The whole answer at the edges: how many numbers, how many of them small, and the words."""
    wide = {"narrow": False, "why": ""}
    assert ranges._judged(0, attacker.MOST - 1, DEFAULT, plain=True) == wide | {
        "lowest": 0, "highest": attacker.MOST - 1, "values_possible": attacker.MOST,
        "values_if_small": 10,
    }  # fmt: skip
    # A range up to the most that there can be has no end.
    assert ranges._judged(4, attacker.MOST, DEFAULT, plain=True) == wide | {
        "lowest": 4, "highest": pd.NA, "values_possible": pd.NA, "values_if_small": 6,
    }  # fmt: skip
    # Ten numbers are as many as the threshold, and enough.
    assert ranges._judged(0, 9, DEFAULT, plain=True) == wide | {
        "lowest": 0, "highest": 9, "values_possible": 10, "values_if_small": 10,
    }  # fmt: skip
    assert ranges._judged(6, 20, DEFAULT, plain=True) == {
        "lowest": 6, "highest": 20, "values_possible": 15, "values_if_small": 4, "narrow": True,
        "why": "only 4 numbers below the threshold agree with everything released",
    }  # fmt: skip
    # Without rounding two small numbers are enough to be unsure.
    assert not ranges._judged(8, 20, UNROUNDED, plain=True)["narrow"]
    assert ranges._judged(9, 20, UNROUNDED, plain=True)["narrow"]
    # Rounding leaves five numbers: four tell more.
    assert ranges._judged(63, 66, DEFAULT, plain=True)["narrow"]


def test_the_keys_of_a_row_are_all_there_and_empty_where_the_table_has_none():
    """Cells of all tables are listed together, so that each names every key."""
    assert ranges._keys_of(groups([20, 30]), 1) == keyed("deprivation_quintile", "2")


def contributions(people, **others):
    """What pairs of terms add to a model's fit, about so many people."""
    return pd.DataFrame(
        {
            "measure": "test", "model": "adjusted", "term": ["a", "b"],
            models.CONTRIBUTION: ["b", ""], "people": pd.array(people, dtype="Int64"),
            "suppressed": [each is None for each in people], "kind": "synthetic",
        } | others
    )  # fmt: skip


def test_contributions_of_another_release_are_read_where_as_many_people_are_shown():
    """Nobody then seems to be left out, so that a reader takes them to be about these people."""
    own = {"whole": groups([60, 40], total=100), "own": contributions([100, 100])}
    same = {"pairs": contributions([100, None]), "whole": groups([60, 40], total=100)}
    fewer = {"pairs": contributions([95, 95])}
    told = ranges._contributions([own, same, fewer], 0)
    assert told == {"pairs of release 1": (1, "pairs")}
    # Its withheld count is looked for among these people too, and told of its own release.
    known = ranges._known(own, UNROUNDED, [same], None)
    hidden = [(cell.release, cell.table, cell.row) for cell in known.cells if cell.hidden]
    assert hidden == [(1, "pairs", 1), (1, "pairs", 1)]


def test_the_most_people_are_those_of_the_largest_count_shown_of_people():
    """Tables about areas, without people, or with all of them withheld say nothing of a cohort."""
    nothing = {"open": groups([900], kind="open"), "shares": pd.DataFrame({"deaths": [30]})}
    assert ranges._most_people(nothing) == 0.0
    hidden = {"hidden": groups([None, None])}
    assert ranges._most_people(nothing | hidden) == 0.0
    assert ranges._most_people(nothing | hidden | {"t": groups([70, None, 20])}) == 70.0


# What relations say, one by one.


def test_one_relation_bounds_each_of_its_counts():
    """By hand: half of x and two of y are one to three, and neither is above ten."""
    low, high = np.array([0.0, 0.0]), np.array([10.0, 10.0])

    def bounds(terms, least, most):
        return ranges._by_one(attacker.Relation(terms, least, most), low, high)

    # Half of x is at most three; two of y are at most three, and y is whole.
    assert bounds({0: 0.5, 1: 2.0}, 1.0, 3.0) == {0: (0, 6), 1: (0, 1)}
    # At least 22 of 25: half of x is at least two, and two of y at least 17.
    assert bounds({0: 0.5, 1: 2.0}, 22.0, 30.0) == {0: (4, 10), 1: (9, 10)}
    # x is at least four below y, with nothing on the other side.
    assert bounds({0: 1.0, 1: -1.0}, -INF, -4.0) == {0: (0, 6), 1: (4, 10)}
    # A relation that says no more than the bounds do says nothing, and one too many is none.
    assert bounds({0: 1.0, 1: 1.0}, 0.0, 20.0) == {}
    assert bounds({0: 1.0, 1: 1.0}, 21.0, 30.0) is None
    assert bounds({0: 2.0}, 5.0, 5.0) is None


def test_relations_are_gone_through_until_nothing_moves_and_those_that_cannot_hold_are_left_out():
    """What an early relation learns from a later one is passed on, whatever stands between them."""
    known = reader((0, 10), (0, 10), (0, 10))
    known.relate({2: 1.0}, 20.0, 20.0)
    known.relate({0: 1.0, 1: -1.0}, 0.0, 0.0)
    known.relate({1: 1.0}, 4.0, INF)
    low, high = np.array(known.low), np.array(known.high)
    kept = ranges._narrowed(known.relations, low, high)
    # By hand: y is at least four, and x is y; z cannot be twenty.
    assert (low.tolist(), high.tolist()) == ([4, 4, 0], [10, 10, 10])
    assert kept == known.relations[1:]


def test_a_count_that_is_known_exactly_ties_nothing_together():
    """Smaller blocks are solved in a fraction of the time."""
    known = reader((0, 9), (5, 5), (0, 9), (0, 9))
    known.relate({0: 1.0, 1: 1.0}, 0.0, 12.0)
    known.relate({2: 1.0, 1: 1.0}, 0.0, 12.0)
    low, high = np.array(known.low), np.array(known.high)
    parts = list(ranges._blocks(known.relations, low, high, [0, 1, 2, 3]))
    assert parts == [({0}, [0]), ({2}, [1])]
    assert list(ranges._blocks(known.relations, low, high, [2])) == [({2}, [1])]


# The programmes.


def test_whole_numbers_may_reach_less_far_than_fractions_do():
    """An end that only a fraction attains is no end: 3x + 5y = 31 is kept by (2, 5) and (7, 2)."""
    both = [(0, 20), (0, 20)]
    line = ({0: 3.0, 1: 5.0}, 31.0, 31.0)
    # In fractions x is from 0 to 10.3 and y from 0 to 6.2.
    assert block(both, line).range_of(0, None, True) == (2, 7)
    assert block(both, line).range_of(1, None, True) == (2, 5)
    fractions = block(both, line)
    assert fractions._fraction(0, -1.0, 20.0) == 10
    assert fractions._fraction(1, -1.0, 20.0) == 6
    # At least 0.4 in fractions is at least one: 5x is at least two.
    above = block([(0, 20), (0, 20)], ({0: 5.0, 1: 1.0}, 22.0, 90.0), ({1: 1.0}, 0.0, 20.0))
    above.least[0] = 2
    assert above._fraction(0, 1.0, 0.0) == 1


def test_an_end_that_was_found_already_is_not_looked_for_again(monkeypatch):
    """Where the numbers found reach a bound, no programme is solved: most time is spent there."""
    found = block([(0, 9), (0, 9)], ({0: 1.0, 1: 1.0}, 3.0, 12.0))
    found.least[0], found.most[0] = 0, 9
    monkeypatch.setattr(found, "_optimum", lambda *_: pytest.fail("it was looked for again"))
    assert found._fraction(0, 1.0, 0.0) == 0
    assert found._fraction(0, -1.0, 9.0) == 9
    assert found.range_of(0, None, True) == (0, 9)


def test_what_is_known_exactly_is_taken_off_a_relation():
    """x and the five of a fixed count are twelve; a count without relations keeps its bounds."""
    fixed = block([(0, 20), (5, 5), (0, 4)], ({0: 1.0, 1: 1.0}, 12.0, 12.0), unknowns=[0, 2])
    assert fixed.range_of(0, None, True) == (7, 7)
    assert fixed.range_of(2, None, True) == (0, 4)


def test_relations_are_given_up_so_that_as_few_people_as_can_be_are_amiss():
    """Of four tables two say seven, one three and one nine: seven is believed, from both sides."""
    told = block([(0, 20)], *(({0: 1.0}, n, n) for n in (3.0, 7.0, 7.0, 9.0)))
    # Three may be more and nine may be less; the other side of each is kept.
    assert told.bottom.tolist() == [3, 7, 7, -INF]
    assert told.top.tolist() == [INF, 7, 7, 9]
    assert told.range_of(0, None, True) == (7, 7)


def test_relations_that_no_whole_number_keeps_are_given_up_for_whole_numbers(monkeypatch):
    """Two counts that are the same cannot add up to eleven, though two fractions can."""
    asked = []
    give_up = ranges._Block._give_up

    def seen(self, whole):
        asked.append(whole)
        give_up(self, whole)

    monkeypatch.setattr(ranges._Block, "_give_up", seen)
    same, eleven = ({0: 1.0, 1: -1.0}, 0.0, 0.0), ({0: 1.0, 1: 1.0}, 11.0, 11.0)
    halves = block([(0, 20), (0, 20)], same, eleven)
    assert asked == [True]
    # One end of one of the two is let go, and no more.
    gone = np.isinf(halves.bottom).sum() + np.isinf(halves.top).sum()
    assert gone == 1
    asked.clear()
    in_fractions = block([(0, 20), (0, 20)], same, eleven, in_fractions=True)
    assert (asked, in_fractions.bottom.tolist()) == ([], [0, 11])
    block([(0, 20)], ({0: 1.0}, 3.0, 3.0), ({0: 1.0}, 7.0, 7.0), ({0: 1.0}, 7.0, 7.0))
    assert asked == [False]


def test_where_only_the_solver_stood_in_the_way_all_relations_are_let_go():
    """The search must end, and a wider range does nobody harm that the bounds would not."""
    free = block([(0, 9), (0, 9)], ({0: 1.0, 1: 1.0}, 3.0, 12.0), ({0: 1.0}, 1.0, 5.0))
    free._give_up(whole=False)
    assert free.bottom.tolist() == [-INF, -INF]
    assert free.top.tolist() == [INF, INF]


def test_counts_that_still_contradict_each_other_are_a_problem_that_is_said(monkeypatch):
    """No range is better than one that was worked out of nothing."""
    monkeypatch.setattr(ranges._Block, "_give_up", lambda self, whole: None)
    said = "^The released counts contradict each other, so no range can be worked out[.]$"
    with pytest.raises(Problem, match=said):
        block([(0, 20)], ({0: 1.0}, 3.0, 3.0), ({0: 1.0}, 7.0, 7.0))


def test_the_solver_is_quiet_repeats_itself_and_stops_by_less_than_one_person():
    """The same tables must give the same ranges on every machine, and no end short of the last."""
    solver = block([(0, 9)], ({0: 1.0}, 3.0, 12.0)).whole
    options = {
        "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.5, "mip_max_nodes": ranges.BRANCHES,
    }  # fmt: skip
    assert {name: solver.getOptionValue(name)[1] for name in options} == options


def test_only_answers_in_whole_numbers_that_keep_every_relation_are_kept():
    """Ends of ranges are attained: a number that a solver hands back is looked at first."""
    feasible = highspy.SolutionStatus.kSolutionStatusFeasible

    def kept(values, status=feasible):
        own = block([(0, 30)], ({0: 1.0}, 3.0, 12.0))
        own.least[:], own.most[:] = INF, -INF
        answer = own._keep(
            SimpleNamespace(
                getInfo=lambda: SimpleNamespace(primal_solution_status=status),
                getSolution=lambda: SimpleNamespace(col_value=values),
            )
        )
        return answer, own.least.tolist(), own.most.tolist()

    nothing = (False, [INF], [-INF])
    assert kept([5.000001]) == (True, [5], [5])
    assert kept([3.0]) == (True, [3], [3])
    assert kept([12.0]) == (True, [12], [12])
    assert kept([5.4]) == nothing
    assert kept([2.0]) == nothing
    assert kept([13.0]) == nothing
    assert kept([5.0], highspy.SolutionStatus.kSolutionStatusInfeasible) == nothing


def test_the_quick_look_may_take_a_plain_count_as_closely_as_rounding_tells_it():
    """Five numbers above the threshold are enough of a plain count, at each stage of the search."""
    first = block([(60, 80)], ({0: 1.0}, 60.0, 80.0))
    first.least[0], first.most[0] = 64, 68
    assert first._wide(0, 64, DEFAULT, plain=True)
    assert not first._wide(0, 64, DEFAULT, plain=False)
    # What was found is enough at once, so that nothing more is looked for.
    assert first.range_of(0, DEFAULT, True) == (64, 68)
    # Only after the least is known to be sixty, for a relation says so.
    second = block([(0, 80)], ({0: 1.0}, 60.0, 80.0))
    second.least[0], second.most[0] = 60, 64
    assert second.range_of(0, DEFAULT, True) == (60, 64)
    # In fractions 60 to 66, which would be enough; of whole numbers only 62: 3 * 62 + 5 * 5 = 211.
    third = block([(60, 66), (0, 20)], ({0: 3.0, 1: 5.0}, 211.0, 211.0))
    assert third.range_of(0, DEFAULT, True) == (62, 62)


# What holds a range, and what is withheld for it.


def test_a_range_is_held_by_what_holds_its_two_ends_and_by_nothing_else():
    """Withholding anything else would cost a number and mend nothing."""
    # x is between b and w, which is at most a; y is between d and c; v is no more than e. All but
    # x, y, v and w are released; x and y are tied by a relation that binds neither.
    x, y, v, w, a, b, c, d, e, f = range(10)
    known = reader(
        (0, 90), (0, 90), (0, 90), (0, 90), (20, 20), (5, 5), (30, 30), (6, 6), (40, 40), (7, 7)
    )
    for small, large in ((x, w), (w, a), (b, x), (y, c), (d, y), (v, e), (f, v)):
        known.at_most(small, large)
    known.relate({x: 1.0, y: 1.0}, 0.0, 100.0)
    assert ranges._holding(known, [x, y, v]) == {x: {a, b}, y: {c, d}, v: {e, f}}


def test_what_holds_a_range_is_looked_for_in_fractions():
    """That no whole number keeps a relation gives up none of those that hold the range."""
    known = reader((0, 20), (0, 20), (11, 11))
    known.relate({0: 1.0, 1: -1.0}, 0.0, 0.0)
    known.relate({0: 1.0, 1: 1.0, 2: -1.0}, 0.0, 0.0)
    assert ranges._holding(known, [0]) == {0: {2}}


def next_of(tables, narrow, widely=False):
    """What is withheld next for the withheld counts of these cells, of exact tables."""
    known = ranges._known(tables, UNROUNDED, (), None)
    numbers = {(c.table, c.row, c.column): c.unknown for c in known.cells}
    return ranges._next_to_withhold(known, [numbers[each] for each in narrow], tables, widely)


def test_for_a_narrow_count_the_smallest_that_holds_it_is_withheld():
    """The whole proposal: of the total of 107, of 40 and of 60 the 40."""
    tables = {"t": groups([None, 40, 60], total=107)}
    why = "the range of a withheld count of 't' is narrow"
    assert next_of(tables, [("t", 1, "people")]) == [
        {"table": "t", "row": 2, "column": "people", "why": why}
        | keyed("deprivation_quintile", "2")
    ]


def test_a_count_that_stands_in_another_table_is_withheld_there():
    """Nothing else can help while the number itself can be read."""
    tables = {
        "one": groups([None, None, 60], total=107),
        "other": groups([17, 30], measure="elsewhere"),
    }
    why = "the range of a withheld count of 'one' is narrow"
    proposed = next_of(tables, [("one", 1, "people"), ("one", 2, "people")])
    assert proposed == [
        {"table": "other", "row": row, "column": "people", "why": why}
        | keyed("deprivation_quintile", str(row + 1))
        | {"measure": "elsewhere"}
        for row in (0, 1)
    ]


def test_a_withheld_count_is_not_withheld_again_and_one_proposal_may_serve_two_counts():
    """By hand: 62 less 60 leaves two for the two withheld ones, and 60 widens both."""
    tables = {"t": groups([None, None, 60], total=62)}
    proposed = next_of(tables, [("t", 1, "people"), ("t", 2, "people")])
    assert [(each["row"], each["column"]) for each in proposed] == [(3, "people")]


def test_widely_everything_related_is_withheld_but_the_count_of_everybody():
    """Where one count at a time does not help: those beside it, and beside what is not shown."""
    first = groups([None, 40, 60], total=107, deaths=pd.array([33, None, 10, 20], "Int64"))
    tables = {"t": first, "u": groups([None, 50], total=107, by="sex")}
    cells = [("t", 1, "people"), ("u", 1, "people")]
    proposed = next_of(tables, cells, widely=True)
    told = {(each["table"], each["row"], each["column"], each["why"]) for each in proposed}
    why = "the range of a withheld count of '{}' is narrow".format
    # The deaths of the first group stand beside its people, and those of the others and of
    # everybody beside them; so do the ends of everybody's follow-up.
    assert told == {
        ("t", 2, "people", why("t")), ("t", 3, "people", why("t")), ("t", 0, "deaths", why("t")),
        ("t", 2, "deaths", why("t")), ("t", 3, "deaths", why("t")), ("u", 2, "people", why("u")),
    }  # fmt: skip


def counted(*times):
    """Withheld counts of seven and a shown one of forty beside each, in so many tables each."""
    known = reader(*[(0, 90), (40, 40)] * len(times))
    tables = {}
    for number, count in enumerate(times):
        known.relate({2 * number: 1.0, 2 * number + 1: 1.0}, 47.0, 47.0)
        known.cells.append(attacker.Cell(f"h{number}", 0, "people", 2 * number, True, 0))
        for each in range(count):
            name = f"s{number}{each}"
            tables[name] = groups([40])
            known.cells.append(attacker.Cell(name, 0, "people", 2 * number + 1, False, 0))
    return known, tables


def test_what_stands_in_many_cells_waits():
    """Others may be narrow only since these are: up to twice as many cells as the fewest go now."""
    known, tables = counted(1, 2, 3)
    proposed = ranges._next_to_withhold(known, [0, 2, 4], tables, widely=False)
    assert [each["table"] for each in proposed] == ["s00", "s10", "s11"]
    widely = ranges._next_to_withhold(known, [0, 2, 4], tables, widely=True)
    assert [each["table"] for each in widely] == ["s00", "s10", "s11", "s20", "s21", "s22"]


def test_a_count_that_is_chosen_serves_every_count_that_it_holds():
    """The second count is held by the first's choice too, so that nothing more is withheld yet."""
    # x is 60 less a; y is 90 less a and the smaller b.
    x, y, a, b = range(4)
    known = reader((0, 90), (0, 90), (50, 50), (20, 20))
    known.relate({x: 1.0, a: 1.0}, 60.0, 60.0)
    known.relate({y: 1.0, a: 1.0, b: 1.0}, 90.0, 90.0)
    for number, hidden in enumerate((True, True, False, False)):
        known.cells.append(attacker.Cell("t", number, "people", number, hidden, 0))
    tables = {"t": groups([None, None, 50, 20])}
    proposed = ranges._next_to_withhold(known, [x, y], tables, widely=False)
    assert [each["row"] for each in proposed] == [a]


def test_where_nothing_is_related_nothing_is_proposed():
    """Its own bounds make the count narrow; tables are left out then."""
    known = reader((3, 5))
    known.cells.append(attacker.Cell("t", 0, "people", 0, True, 0))
    assert ranges._next_to_withhold(known, [0], {"t": groups([None])}, widely=False) == []


def test_whole_tables_are_left_out_that_withhold_a_narrow_count_in_this_release():
    """Not those that withhold another count, that show this one, or that are out already."""
    known = reader((3, 5), (0, 90))
    places = [
        ("b", 0, True, 0), ("a", 0, True, 0), ("wide", 1, True, 0), ("shown", 0, False, 0),
        ("old", 0, True, 1),
    ]  # fmt: skip
    for table, unknown, hidden, release in places:
        known.cells.append(attacker.Cell(table, 0, "people", unknown, hidden, release))
    why = "withholding cell by cell leaves a narrow range"
    assert ranges._left_out(known, [0]) == [
        {"table": name, "row": pd.NA, "column": "", "why": why} for name in ("a", "b")
    ]
    assert ranges._first_table(known, 1) == "wide"


def test_a_repair_asks_widely_after_so_many_rounds_and_leaves_tables_out_after_more(monkeypatch):
    """The order of the three remedies, dearest last, and the columns in which they are told."""
    asked = []

    def nothing_new(known, narrow, tables, widely):
        asked.append(widely)
        return [{"table": "t", "row": 1, "column": "people", "why": "again"}]

    monkeypatch.setattr(ranges, "_next_to_withhold", nothing_new)
    monkeypatch.setattr(ranges, "ROUNDS", 2)
    monkeypatch.setattr(ranges, "WIDE_ROUNDS", 1)
    proposed = ranges.repair({"t": groups([None, 40, 60], total=107)}, UNROUNDED)
    assert asked == [False, False, True]
    assert proposed.columns.tolist() == [
        "table", "row", *attacker.ROW_KEYS, "column", "shown", "why",
    ]  # fmt: skip
    left = "withholding cell by cell leaves a narrow range"
    assert proposed["why"].tolist() == ["again", "again", "again", left]


def test_what_an_earlier_release_gives_away_alone_no_later_one_can_mend():
    """It is said in a sentence, and no table is left out in vain."""
    earlier = [{"t": groups([None, 40, 60], total=107)}]
    said = (
        "^A count that an earlier release withheld can be worked out from it alone, so no "
        "table of this one can mend it[.]$"
    )
    with pytest.raises(Problem, match=said):
        ranges.repair({"u": groups([50, 60], by="sex")}, UNROUNDED, earlier)


def test_a_total_that_was_added_up_is_told_with_its_keys_and_why():
    """A total beside all of its groups but one would give the withheld one back."""
    shown = {"t": groups([65, 40, 20], total=125)}
    known = attacker.read(shown, DEFAULT)
    hidden = pd.DataFrame({"row": [1], "column": ["people"], "table": "t"})
    one = {"table": "t", "row": 0, "column": "people", "shown": None}
    why = {"why": "it was added up from groups that are withheld"}
    now = ranges.withhold(shown, hidden)
    assert ranges._totals_again(known, shown, now) == [
        one | why | keyed("deprivation_quintile", "all")
    ]
    # Where the total is withheld as well, there is nothing left to do.
    both = pd.DataFrame({"row": [0, 1], "column": "people", "table": "t"})
    assert ranges._totals_again(known, shown, ranges.withhold(shown, both)) == []


def test_an_estimate_that_is_withheld_goes_with_all_that_is_told_of_it():
    """An interval would give its estimate back; counts stay counts, and marks stay marks."""
    table = groups(
        [50, 60, 70], estimate=pd.array([1.0, 2.0, 3.0], "Float64"), ci_low=[0.5, 1.5, 2.5],
        suppressed=[True, False, False],
    )  # fmt: skip
    tables = {"gone": groups([10]), "t": table, "kept": groups([30])}
    before = table.copy(deep=True)
    cells = [("gone", pd.NA, ""), ("absent", pd.NA, ""), ("t", 1, "estimate"), ("t", 2, "people")]
    proposed = pd.DataFrame(cells, columns=["table", "row", "column"])
    more = pd.DataFrame([("t", 0, "people", 45)], columns=["table", "row", "column", "shown"])
    once = ranges.withhold(tables, proposed)
    assert list(once) == ["t", "kept"]
    left = ranges.withhold(once, more)["t"]
    expected = before.assign(
        people=pd.array([45, 60, None], "Int64"),
        estimate=pd.array([1.0, None, 3.0], "Float64"),
        ci_low=pd.array([0.5, None, 2.5], "Float64"),
        suppressed=[True, True, True],
    )
    pd.testing.assert_frame_equal(left, expected)
    # The tables that were handed in are as they were.
    pd.testing.assert_frame_equal(table, before)
