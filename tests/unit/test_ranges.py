"""The tightest range of every withheld count: worked by hand, by counting, and by attack."""

import itertools

import numpy as np
import pandas as pd
from attacked_tables import (
    UNROUNDED,
    exact_tables,
    protected,
    random_people,
    recovered,
    unprotected,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import cohort, disclosure
from distance_to_care.disclosure import attacker, ranges
from distance_to_care.disclosure.profiles import DEFAULT, Profile
from distance_to_care.statistics import cohort_missing, cohort_people, cohort_survival, joint


def groups(people, column="people", total=None, by="deprivation_quintile", **others):
    """A released table of groups; None is withheld, and a total is the row of everybody."""
    names = [str(i + 1) for i in range(len(people))]
    if total is not None:
        names, people = ["all", *names], [total, *people]
    return pd.DataFrame(
        {
            "group_by": by,
            "group": names,
            column: pd.array(people, dtype="Int64"),
            **others,
            "suppressed": [each is None for each in people],
            "kind": "synthetic",
        }
    )


def found(tables, profile=UNROUNDED, needs=None, **where):
    rows = ranges.hidden_ranges(tables, profile, needs=needs)
    rows = rows[rows["column"] != attacker.OTHERS]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return list(zip(rows["lowest"].tolist(), rows["highest"].tolist(), strict=True))


def test_one_withheld_group_is_the_total_less_the_others():
    table = groups([None, 40, 60], total=107)
    assert found({"t": table}) == [(7, 7)]


def test_rounding_leaves_as_many_numbers_as_the_rounded_ones_allow():
    # By hand: 40 was 38 to 42, 60 was 58 to 62, and 105 was 103 to 107, so that the third group
    # held at least 103 - 42 - 62, which is less than none, and at most 107 - 38 - 58 = 11.
    table = groups([None, 40, 60], total=105)
    assert found({"t": table}, DEFAULT) == [(0, 11)]


def test_somebody_who_is_told_that_a_count_is_small_is_left_unsure():
    # By hand: 115 was 113 to 117, so the third group held 113 - 42 - 62 = 9 to 117 - 38 - 58 = 21.
    # Thirteen numbers agree, but of those below ten nine alone.
    rows = ranges.hidden_ranges({"t": groups([None, 40, 60], total=115)}, DEFAULT)
    assert rows[["lowest", "highest", "values_possible"]].iloc[0].tolist() == [9, 21, 13]
    assert rows["narrow"].tolist() == [True]
    assert rows["why"].iloc[0].startswith("only 1 numbers below the threshold")
    # 120 was 118 to 122: 14 to 26, and it is not small at all.
    rows = ranges.hidden_ranges({"t": groups([None, 40, 60], total=120)}, DEFAULT)
    assert rows["narrow"].tolist() == [False]
    # 105 was 103 to 107: nought to eleven, and any number below ten may be it.
    rows = ranges.hidden_ranges({"t": groups([None, 40, 60], total=105)}, DEFAULT)
    assert rows["narrow"].tolist() == [False]


def three_by_three(hidden):
    """Deprivation by distance, three by three, with the totals of both sides; `hidden` withheld.

                near  middle  far   all
    deprived      12      20    3    35
    average       30      25   15    70
    not           18      15   22    55
    all           60      60   40   160
    """
    counts = np.array([[12, 20, 3], [30, 25, 15], [18, 15, 22]])
    rows = []
    for one, other in itertools.product(range(3), range(3)):
        rows.append((str(one + 1), str(other + 1), counts[one, other], (one, other) in hidden))
    cells = pd.DataFrame(rows, columns=["group", "level", "n", "suppressed"])
    return {
        "near": groups(counts.sum(axis=0).tolist(), total=160, by="distance"),
        "deprived": groups(counts.sum(axis=1).tolist(), total=160, by="deprivation"),
        "cells": crossed(cells),
    }


def crossed(cells: pd.DataFrame) -> pd.DataFrame:
    """Each cell of a cross-tabulation as a share of its row, told with the count behind it."""
    rows = cells.groupby("group")["n"].transform("sum")
    share = (100 * cells["n"] / rows).round(1).astype("Float64").mask(cells["suppressed"])
    return pd.DataFrame(
        {
            "measure": "share",
            "variable": "distance",
            "group_by": "deprivation",
            "group": cells["group"],
            "level": cells["level"],
            "people": rows.astype("Int64"),
            "estimate": share,
            "unit": "per cent",
            "suppressed": cells["suppressed"],
            "kind": "synthetic",
        }
    )


def test_three_by_three_with_one_withheld_cell_has_one_answer():
    # By hand: the first row holds 35 people, and 34.3 per cent (12) and 57.1 per cent (20) of them
    # are released, so that the third cell holds 35 - 12 - 20 = 3; its column says the same.
    assert found(three_by_three({(0, 2)})) == [(3, 3)]


def test_three_by_three_with_four_withheld_cells_has_a_range():
    # By hand: withheld are the corners of a rectangle, a = 20 and b = 3 above c = 25 and d = 15,
    # with a + b = 23, c + d = 40, a + c = 45 and b + d = 18. One number t decides all: b = t,
    # a = 23 - t, d = 18 - t, c = 22 + t; none is below nought for t from 0 to 18. So a is 5 to 23,
    # b 0 to 18, c 22 to 40 and d 0 to 18: nineteen numbers each.
    corners = {(0, 1), (0, 2), (1, 1), (1, 2)}
    assert found(three_by_three(corners)) == [(5, 23), (0, 18), (22, 40), (0, 18)]
    assert not ranges.hidden_ranges(three_by_three(corners), UNROUNDED)["narrow"].any()


def test_a_share_pins_the_count_behind_a_rounded_one():
    # By hand: 33.3 per cent of 28 to 32 people is 9.3 to 10.7 people: ten. 33.3 per cent are ten
    # of thirty and of no other number from 28 to 32, so that the others are twenty exactly.
    rows = {"measure": "share", "variable": "sex", "group_by": "all", "group": "all"}
    table = pd.DataFrame(
        [
            rows | {"level": "f", "people": 30, "estimate": 33.3, "suppressed": False},
            rows | {"level": "m", "people": 30, "estimate": None, "suppressed": True},
        ]
    ).assign(unit="per cent", kind="synthetic")
    exact = Profile("exact shares", shares_from_rounded=False)
    assert found({"t": table}, exact) == [(20, 20)]
    # Worked out from rounded counts, the share says no more than they do: ten to twelve women.
    assert found({"t": table}, DEFAULT) == [(16, 22)]


def test_ends_of_follow_up_add_up_to_people():
    row = {"measure": "1: in the file", "model": "all", "people": 120, "deaths": 45}
    table = pd.DataFrame([row | {"transplants": None, "censored": 70, "missing": None}])
    table = table.assign(unit="people", suppressed=True, kind="synthetic")
    # By hand: at least 118 - 47 - 72, so none; at most 122 - 43 - 68 = 11.
    assert found({"t": table}, DEFAULT, column="transplants") == [(0, 11)]
    assert found({"t": table.assign(censored=71)}, UNROUNDED, column="transplants") == [(4, 4)]


def test_those_not_known_are_everybody_less_those_known():
    base = {"variable": "gas", "group_by": "all", "group": "all"}
    table = pd.DataFrame(
        [
            base | {"measure": "mean", "people": 93, "missing": None, "suppressed": False},
            base | {"measure": "not known", "people": 100, "missing": None, "suppressed": True},
        ]
    ).assign(unit="points", estimate=1.0, level="", kind="synthetic")
    assert found({"t": table}) == [(7, 7)]


def test_the_same_people_in_two_tables_are_one_unknown():
    hidden = groups([None, None, 60], total=107)
    shown = groups([7, 40], by="deprivation_quintile").assign(measure="elsewhere")
    assert found({"one": hidden}) == [(0, 47), (0, 47)]
    assert found({"one": hidden, "other": shown}) == [(7, 7), (40, 40)]


def test_those_still_followed_grow_fewer():
    times = pd.DataFrame(
        {
            "measure": "still followed", "group_by": "all", "group": "all",
            "time_years": [0.0, 1.0, 2.0, 3.0], "at_risk": pd.array([50, 15, None, None], "Int64"),
            "suppressed": [False, False, True, True], "kind": "synthetic",
        }
    )  # fmt: skip
    assert found({"t": times}) == [(0, 15), (0, 15)]


def test_people_who_are_both_are_those_who_are_one_less_those_who_are_it_only():
    shares = {"deprived": 40.0, "deprived only": 33.0, "far": 30.0, "far only": 23.0,
              "neither": 37.0, "deprived and far": None}  # fmt: skip
    table = pd.DataFrame(
        {
            "measure": "share of all", "group": list(shares), "people": 100, "unit": "per cent",
            "estimate": pd.array(list(shares.values()), "Float64"),
            "suppressed": [value is None for value in shares.values()], "kind": "synthetic",
        }
    )  # fmt: skip
    assert found({"t": table}) == [(7, 7)]


def test_groups_that_do_not_add_up_are_taken_to_leave_people_out():
    # Five people have no group: a reader who sees that gives that sum up, and nothing else.
    table = groups([20, 30, 45], total=100)
    hidden = groups([None, 40, 53], total=100, by="sex")
    assert found({"one": table, "two": hidden.assign(measure="x")}) == [(7, 7)]


def test_where_some_have_no_group_a_part_of_the_people_may_have_none_either():
    lacking = groups([40] * 5, total=400, by="distance_quintile").assign(
        measure="not known", variable="symptom_months", unit="per cent",
        missing=pd.array([205, *[None] * 5], dtype="Int64"), suppressed=[False, *[True] * 5],
    )  # fmt: skip
    # Two hundred have no group, and may be nearly all of those of whom it is not known.
    assert found({"t": lacking}, column="missing") == [(0, 40)] * 5
    # Were the groups of everybody, each of them would hold most of the 205.
    everybody = lacking.assign(people=pd.array([210, *[42] * 5], dtype="Int64"))
    assert found({"t": everybody}, column="missing") == [(37, 42)] * 5


def test_tables_that_are_not_about_people_are_passed_over():
    table = groups([None, 40, 60], total=107).assign(kind="open")
    assert ranges.hidden_ranges({"t": table}, UNROUNDED).empty


def by_counting(low, high, relations):
    """Every whole-number table that keeps every relation; the least and the most of each count."""
    spans = [range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    fits = [
        table
        for table in itertools.product(*spans)
        if all(
            each.low <= sum(f * table[u] for u, f in each.terms.items()) <= each.high
            for each in relations
        )
    ]
    return np.array(fits)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_solver_agrees_with_counting_every_table(data):
    """A brute-force twin: up to five counts up to nine, one to four relations among them."""
    size = data.draw(st.integers(2, 5))
    truth = data.draw(st.lists(st.integers(0, 6), min_size=size, max_size=size))
    known = attacker.Knowledge()
    for number, value in enumerate(truth):
        unknown = known.unknown((0, "people", number))
        below, above = (data.draw(st.integers(0, 3)) for _ in range(2))
        known.bound(unknown, max(0, value - below), value + above)
    for _ in range(data.draw(st.integers(1, 4))):
        members = data.draw(st.sets(st.integers(0, size - 1), min_size=2))
        factors = {each: float(data.draw(st.sampled_from([1, 1, -1, 2]))) for each in members}
        total = sum(f * truth[u] for u, f in factors.items())
        slack = data.draw(st.integers(0, 2))
        known.relate(factors, total - slack, total)
    tables = by_counting(known.low, known.high, known.relations)
    ends = ranges.tightest(known, range(size))
    for unknown in range(size):
        assert ends[unknown] == (tables[:, unknown].min(), tables[:, unknown].max())


def test_no_withheld_count_of_protected_tables_can_be_recovered():
    for seed in range(8):
        exact = exact_tables(random_people(seed))
        released = protected(exact)
        _, exactly, fewest = recovered(released, exact, DEFAULT)
        assert exactly == 0
        assert fewest >= DEFAULT.threshold
        assert not ranges.hidden_ranges(released)["narrow"].any()


def test_the_same_attack_recovers_counts_that_were_only_withheld():
    hidden = exactly = 0
    for seed in range(12):
        exact = exact_tables(random_people(seed))
        some, of_them, _ = recovered(unprotected(exact), exact, UNROUNDED)
        hidden, exactly = hidden + some, exactly + of_them
    assert exactly > hidden / 2


def chapters(people, study):
    """The tables of people that the chapters publish, from their own functions, exact."""
    missing = ["dlco_percent", "symptom_months", "referral_wait_days"]
    tables = {"flow": cohort_people.flow(people, study, {"as_published": "all known"})}
    for by in cohort.REFERENCE:
        tables[f"people_{by}"] = cohort_people.table_one(people, study, by)
        tables[f"summary_{by}"] = cohort_survival.summary(people, by)
        tables[f"at_risk_{by}"] = cohort_survival.at_risk(people, by)
        tables[f"missing_{by}"] = cohort_missing.missing_values(people, study, missing, by)
    tables["cells"] = joint.cross_classify(people)
    tables["overlap"] = joint.overlap(people)
    return tables


def test_what_is_taken_to_be_known_of_the_chapters_tables_is_true():
    read = cohort.load()
    people = read.people.sample(120, random_state=2).reset_index(drop=True)
    exact = chapters(people, read.study)
    released = {n: disclosure.counts.protect(t).assign(kind="synthetic") for n, t in exact.items()}
    rows = ranges.hidden_ranges(released)
    assert len(rows) > 300
    for row in rows.itertuples():
        true = exact[row.table].iloc[row.row]
        count = true["people" if row.column == attacker.OTHERS else row.column]
        if row.column in ("estimate", attacker.OTHERS):
            share = round(true["people"] * true["estimate"] / 100)
            count = share if row.column == "estimate" else count - share
        assert row.lowest <= count
        assert pd.isna(row.highest) or count <= row.highest


def test_what_is_proposed_is_withheld_and_nothing_else():
    table = groups([None, 40, 60], total=105)
    wide = groups([None, 40, 60], total=105).assign(people=pd.array([None, None, 40, 60], "Int64"))
    assert ranges.repair({"t": table}).empty
    assert ranges.repair({"t": wide.assign(suppressed=[True, True, False, False])}).empty
    narrow = groups([None, 40, 60], total=107)
    proposed = ranges.repair({"t": narrow}, UNROUNDED)
    assert proposed[["table", "group", "column"]].to_numpy().tolist() == [["t", "2", "people"]]
    assert proposed["shown"].isna().all()
    left = ranges.withhold({"t": narrow}, proposed)["t"]
    assert left["people"].isna().tolist() == [False, True, True, False]
    assert left["suppressed"].tolist() == [False, True, True, False]
    assert found({"t": left}) == [(0, 47), (0, 47)]


def test_only_a_count_that_holds_a_range_is_withheld_for_it():
    narrow = groups([None, 40, 60], total=107)
    # Deaths stand in fewer cells, and nothing of the range hangs on them.
    deaths = groups([3, 10, 20], column="deaths", total=33)
    tables = {"t": narrow, "again": narrow, "deaths": deaths}
    proposed = ranges.repair(tables, UNROUNDED)
    assert sorted(proposed["table"]) == ["again", "t"]
    assert set(proposed["column"]) == {"people"}


def test_a_printed_share_may_hold_a_range():
    known = attacker.Knowledge()
    part, whole = (known.unknown((0, "people", attacker.Conditions({x}))) for x in "ab")
    known.bound(whole, 48, 52)
    known.relate({part: 1.0, whole: -0.075}, 0.0, np.inf)
    known.relate({part: 1.0, whole: -0.085}, -np.inf, 0.0)
    assert ranges._holding(known, [part]) == {part: {part, whole}}


def test_a_range_that_is_wide_is_worked_out_at_the_start_and_at_the_end_only(monkeypatch):
    asked, lines = [], []
    tightest = ranges.tightest

    def counted(known, wanted, enough):
        asked.append(len(wanted))
        return tightest(known, wanted, enough)

    monkeypatch.setattr(ranges, "tightest", counted)
    wide = groups([None, None, 60], total=107, by="sex")
    tables = {"t": groups([None, 40, 60], total=107), "wide": wide}
    ranges.repair(tables, UNROUNDED, progress=lines.append)
    assert asked == [3, 2, 4]
    assert lines == [
        "3 withheld counts, 1 of them can be worked out too closely",
        "4 withheld counts, 0 of them can be worked out too closely",
    ]


def test_the_name_of_an_unknown_outlasts_its_number():
    known = attacker.Knowledge()
    part, whole = (known.unknown((0, "people", attacker.Conditions({x}))) for x in "ab")
    others = known.unknown((0, attacker.OTHERS, part, whole))
    assert attacker.lasting_name(known, part) == known.keys[part]
    named = (0, attacker.OTHERS, known.keys[part], known.keys[whole])
    assert attacker.lasting_name(known, others) == named


def test_a_count_that_is_not_small_may_be_told_as_closely_as_by_rounding():
    # By hand: 107 less 40 is 65 to 69, and less than ten numbers; no small count is among them.
    hidden = groups([None, 40], total=105)
    assert found({"t": hidden}, DEFAULT) == [(61, 69)]
    assert not ranges.hidden_ranges({"t": hidden})["narrow"].any()
    # Rounding would tell five numbers, and not just the three of 63 to 65.
    assert ranges._judged(63, 65, DEFAULT, plain=True)["narrow"]
    assert not ranges._judged(63, 67, DEFAULT, plain=True)["narrow"]
    # Ten to twelve are what is shown as ten; nine to thirteen may be small.
    assert not ranges._judged(10, 12, DEFAULT, plain=True)["narrow"]
    assert ranges._judged(10, 11, DEFAULT, plain=True)["narrow"]
    assert ranges._judged(9, 13, DEFAULT, plain=True)["narrow"]
    assert ranges._judged(0, 6, DEFAULT, plain=True)["narrow"]
    # Who is still followed tells of those who left in between: as unsure as a small count.
    assert ranges._judged(63, 67, DEFAULT, plain=False)["narrow"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=5), st.data())
def test_the_quick_look_misses_no_range_that_is_narrow(truth, data):
    known = attacker.Knowledge()
    for number, value in enumerate(truth):
        unknown = known.unknown((0, "people", number))
        wide = data.draw(st.integers(0, 15))
        known.bound(unknown, max(0, value - wide), value + data.draw(st.integers(0, 15)))
    for _ in range(data.draw(st.integers(1, 3))):
        members = data.draw(st.sets(st.integers(0, len(truth) - 1), min_size=2))
        total, slack = sum(truth[u] for u in members), data.draw(st.integers(0, 6))
        known.relate(dict.fromkeys(members, 1.0), total - slack, total + slack)
    ends, quick = (ranges.tightest(known, range(len(truth)), each) for each in (None, DEFAULT))
    for unknown in range(len(truth)):
        narrow = [
            ranges._judged(*each[unknown], DEFAULT, plain=True)["narrow"] for each in (ends, quick)
        ]
        assert narrow[1] or not narrow[0]


def test_the_quick_look_goes_on_while_few_small_numbers_may_be_left():
    known = attacker.Knowledge()
    known.bound(known.unknown((0, "people", 0)), 6, 30)
    known.relate({0: 1.0}, 6, 30)
    block = ranges._Block([0], known.relations, np.array(known.low), np.array(known.high))
    block.least[0], block.most[0] = 10, 20
    # Ten to twenty are eleven numbers; were six the least, four of them would be small.
    assert not block._wide(0, 6, DEFAULT, plain=True)
    assert block._wide(0, 10, DEFAULT, plain=True)
    block.least[0] = 5
    assert block._wide(0, 0, DEFAULT, plain=True)


def test_a_repair_says_with_which_number_a_total_is_shown(monkeypatch):
    tables = {
        "t": groups([65, 40, 20], total=125),
        "n": groups([None, 40, 85], total=125, by="sex"),
    }
    chosen = [{"table": "t", "row": 1, "column": "people"}]
    chosen += [{"table": "n", "row": 2, "column": "people"}]
    monkeypatch.setattr(ranges, "_next_to_withhold", lambda *_, **__: chosen)
    proposed = ranges.repair(tables)
    last = proposed.iloc[-1]
    assert len(proposed) == 3
    assert (last["table"], last["row"], last["column"], last["shown"]) == ("t", 0, "people", 125)


def test_a_share_may_be_withheld_for_those_who_are_not_of_it():
    # By hand: 58 to 62 of 63 to 67 people leave one to nine others.
    whole = groups([65], by="sex").assign(measure="people")
    share = groups([65], by="sex").assign(
        measure="share", variable="oxygen", level="yes", unit="per cent",
        estimate=pd.array([None], dtype="Float64"), suppressed=True,
    )  # fmt: skip
    told = share.assign(people=60, estimate=1.0, unit="people", suppressed=False)
    rows = ranges.hidden_ranges({"whole": whole, "share": share, "told": told})
    rows = rows[rows["table"] == "share"].set_index("column")
    assert rows.loc["estimate", ["lowest", "highest", "narrow"]].tolist() == [58, 62, False]
    assert rows.loc["others", ["lowest", "highest", "narrow"]].tolist() == [1, 9, True]


def compared(people, **others):
    """Differences between fifths in a value, as the chapters on severity publish them."""
    return pd.DataFrame(
        {
            "measure": "difference in means", "method": "linear", "variable": "symptom_months",
            "exposure": "deprivation_quintile", "level": ["1", "2"], "reference": "5",
            "people": pd.array(people, dtype="Int64"), "estimate": 1.0, "unit": "months",
            "adjusted_for": "age_years", "suppressed": [each is None for each in people],
            "kind": "synthetic",
        } | others
    )  # fmt: skip


def not_known(people, variable="symptom_months"):
    """For how many of the first fifth a variable is known, and for how many it is not: withheld."""
    base = {"variable": variable, "group_by": "deprivation_quintile", "group": "1", "level": ""}
    rows = [
        base | {"measure": "mean", "people": people, "missing": None, "suppressed": False},
        base | {"measure": "not known", "people": people, "missing": None, "suppressed": True},
    ]
    return pd.DataFrame(rows).assign(unit="months", estimate=1.0, kind="synthetic")


def test_a_comparison_tells_for_how_many_of_a_group_a_value_is_known():
    tables = {"missing": not_known(65), "people": groups([65])}
    # Everybody is counted in place of those known, so that any number may be missing.
    assert found(tables, DEFAULT, column="missing") == [(0, 67)]
    # By hand: a comparison of 58 to 62 of them leaves at most nine. It may be for the age that they
    # are left out: where no table says how many have none, fewer than ten have none.
    both = tables | {"compared": compared([60, 80])}
    told = both | {"missing": not_known(None)}
    assert found(told, DEFAULT, column="missing") == [(0, 9)]
    # Where the contract wants an age of everybody it is for this value: of at least one. Nobody of
    # a fifth lacks the fifth.
    contract = attacker.Needs(never_lacking=frozenset({"age_years"}))
    assert found(told, DEFAULT, contract, column="missing") == [(1, 9)]
    # Were the age of some not known, it could be for that.
    ages = not_known(None, "age_years").assign(people=pd.array([None, None], dtype="Int64"))
    unsure = found(both | {"missing": not_known(None), "ages": ages}, DEFAULT, column="missing")
    assert unsure[0][0] == 0


def flow(*left_out):
    """Who is left in after each step, where the first leaves out so few that all are counted."""
    rows = [("in the file", "all", 110, None), ("ages known", "base", 110, None), *left_out]
    table = pd.DataFrame(rows, columns=["measure", "model", "people", "missing"])
    table = table.astype({"people": "Int64", "missing": "Int64"})
    return table.assign(suppressed=table["model"] == "base", unit="people", kind="synthetic")


def modelled(people):
    """The coefficients of the model of the first step, with the people in it."""
    counts = pd.array([people] * 2, dtype="Int64")
    rows = {"measure": "hazard ratio", "model": "base", "term": ["age", "sex"], "people": counts}
    return pd.DataFrame(rows).assign(estimate=1.1, suppressed=False, kind="synthetic")


def test_whom_a_step_told_as_everybody_leaves_out_is_told_by_its_model():
    """By hand: 108 to 112 people, of whom 98 to 102 are in the model, leave 6 to 14."""
    steps = flow(("all known", "full", 80, 30)).assign(measure="people")
    tables = {"flow": steps, "models": modelled(100)}
    assert found(tables, DEFAULT, column="missing") == [(6, 14)]
    # Too narrow: a small one is 6 to 9. Further cells go until nobody can tell.
    now = ranges.withhold(tables, ranges.repair(tables, DEFAULT))
    assert not ranges.hidden_ranges(now, DEFAULT)["narrow"].any()


def test_how_many_a_step_leaves_out_is_withheld_though_no_step_tells_a_number():
    """As above; each step has a measure of its own, so that no row beside it shows a number."""
    tables = {"flow": flow(), "models": modelled(100)}
    told = ranges.hidden_ranges(tables, DEFAULT)
    # Everybody in the file is left out of nothing, so that row has no such count.
    assert told[["row", "column", "lowest", "highest"]].to_numpy().tolist() == [
        [1, "missing", 6, 14]
    ]
    assert told["narrow"].all()
    now = ranges.withhold(tables, ranges.repair(tables, DEFAULT))
    assert not ranges.hidden_ranges(now, DEFAULT)["narrow"].any()


def test_a_hazard_ratio_counts_its_group_and_not_the_model():
    ratios = pd.DataFrame(
        {
            "model": "unadjusted", "exposure": "deprivation_quintile", "level": ["1", "2"],
            "reference": "5", "people": pd.array([None, 60], dtype="Int64"), "hazard_ratio": 1.2,
            "suppressed": [True, False], "kind": "synthetic",
        }
    )  # fmt: skip
    whole = pd.DataFrame(
        [{"measure": "test", "model": "unadjusted", "term": "GLOBAL", "people": 300}]
    ).assign(suppressed=False, kind="synthetic")
    # By hand: at most 302 people in the model, less the 58 at least of the second group.
    assert found({"ratios": ratios, "whole": whole}, DEFAULT) == [(0, 244)]
    assert ranges.repair({"ratios": ratios, "whole": whole}).empty


def test_a_group_loses_no_more_people_to_a_model_than_everybody_together():
    ratios = pd.DataFrame(
        {
            "model": "unadjusted", "exposure": "deprivation_quintile", "level": ["1"],
            "reference": "5", "people": pd.array([None], dtype="Int64"), "hazard_ratio": 1.2,
            "suppressed": True, "kind": "synthetic",
        }
    )  # fmt: skip
    whole = pd.DataFrame(
        [{"measure": "test", "model": "unadjusted", "term": "GLOBAL", "people": 298}]
    ).assign(suppressed=False, kind="synthetic")
    # By hand: two of three hundred are not in the model, so of the 65 are at least 63.
    tables = {"ratios": ratios, "whole": whole, "people": groups([65], total=300)}
    assert found(tables) == [(63, 65)]


def test_a_total_that_was_added_up_goes_with_its_groups():
    shown = groups([65, 40, 20], total=125)
    few = groups([None, 40, 20], total=125, by="deprivation_quintile").assign(measure="elsewhere")
    hidden = pd.DataFrame({"row": [1], "column": ["people"], "table": "t", "why": ""})
    now = ranges.withhold({"t": shown}, hidden)
    known = attacker.read({"t": shown, "few": few}, DEFAULT)
    again = ranges._totals_again(known, {"t": shown, "few": few}, now | {"few": few})
    # Another table says the count with its own rounding.
    assert [(each["table"], each["row"], each["shown"]) for each in again] == [("t", 0, 125)]
    alone = ranges._totals_again(attacker.read({"t": shown}, DEFAULT), {"t": shown}, now)
    assert [(each["row"], each["shown"]) for each in alone] == [(0, None)]
    left = ranges.withhold(now, pd.DataFrame(alone))["t"]
    assert left["people"].isna().tolist() == [True, True, False, False]
    own = ranges.withhold(now, pd.DataFrame([{**again[0], "shown": 120}]))["t"]
    assert (own["people"].iloc[0], own["suppressed"].iloc[0]) == (120, False)


def test_groups_beside_everybody_add_up_whatever_they_are_groups_of():
    table = groups([None, 40, 60], total=107).drop(columns="group_by")
    assert found({"t": table}) == [(7, 7)]


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 90), st.integers(0, 9), st.data())
def test_the_share_of_those_known_never_leaves_the_truth_out(known, lacking, data):
    """The gate prints everybody where it withholds how many are not known."""
    yes = data.draw(st.integers(0, known))
    base = {"variable": "oxygen", "group_by": "all", "group": "all", "unit": "per cent"}
    counts = {"yes": yes, "no": known - yes}
    rows = [
        base | {"measure": "share", "level": level, "people": known, "estimate": 100 * n / known}
        for level, n in counts.items()
    ]
    rows.append(base | {"measure": "not known", "level": "", "people": known + lacking})
    exact = pd.DataFrame(rows).assign(missing=pd.array([None, None, lacking], dtype="Int64"))
    gated = disclosure.counts.protect(exact).assign(kind="synthetic")
    one = gated.assign(
        estimate=gated["estimate"].mask(gated["level"] == "no"),
        suppressed=gated["suppressed"] | (gated["level"] == "no"),
    )
    rows = ranges.hidden_ranges({"t": one})
    truth = {"estimate": known - yes, "others": yes, "missing": lacking}
    for row in rows[(rows["level"] == "no") | (rows["column"] == "missing")].itertuples():
        assert row.lowest <= truth[row.column]
        assert pd.isna(row.highest) or truth[row.column] <= row.highest


def test_tables_are_left_out_where_withholding_cells_does_not_help(monkeypatch):
    monkeypatch.setattr(ranges, "ROUNDS", 0)
    monkeypatch.setattr(ranges, "WIDE_ROUNDS", 0)
    tables = {"t": groups([None, 40, 60], total=107), "u": groups([50, 60], total=110, by="sex")}
    proposed = ranges.repair(tables, UNROUNDED)
    assert proposed[["table", "column"]].to_numpy().tolist() == [["t", ""]]
    assert ranges.withhold(tables, proposed).keys() == {"u"}


def test_an_earlier_release_that_showed_a_count_now_withheld_bounds_it_from_below():
    now = groups([None, None, 60], total=125)
    before = groups([15, 40, 55], total=110)
    alone = ranges.hidden_ranges({"t": now})
    both = ranges.hidden_ranges({"t": now}, earlier=[{"t": before}])
    assert alone["lowest"].tolist() == [0, 0]
    # By hand: 15 was at least 13 and 40 at least 38, and nobody leaves a cohort.
    assert both["lowest"].tolist() == [13, 38]
    assert (both["highest"] <= alone["highest"]).all()


def test_equal_releases_say_nothing_new():
    table = {"t": groups([15, 40, 55], total=110, estimate=[1.0, 2.0, 3.0, 4.0])}
    assert ranges.differences(table, table).empty


def test_a_count_that_grew_by_fewer_than_the_threshold_is_named():
    before, now = groups([15, 40, 55], total=110), groups([15, 45, 55], total=115)
    change = ranges.differences({"t": now}, {"t": before})
    cell = change[change["group"] == "2"].iloc[0]
    # By hand: 43 to 47 less 38 to 42 is one to nine people.
    assert (cell["lowest"], cell["highest"], cell["narrow"]) == (1, 9, True)
    assert cell["what_to_do"] == ranges.ADVICE


def test_a_count_that_grew_by_many_is_not():
    before, now = groups([15, 40, 55], total=110), groups([115, 140, 155], total=410)
    assert not ranges.differences({"t": now}, {"t": before})["narrow"].any()


def test_an_estimate_that_moved_though_hardly_anybody_was_added_is_named():
    # The mean of one more person is that person's own value.
    before = groups([50, 60], total=110, estimate=[70.0, 71.0, 69.0])
    now = groups([50, 60], total=110, estimate=[70.1, 71.2, 69.0])
    change = ranges.differences({"t": now}, {"t": before})
    assert change[["group", "column"]].to_numpy().tolist() == [
        ["all", "estimate"],
        ["1", "estimate"],
    ]
    assert change["narrow"].all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=7), st.data())
def test_the_truth_is_always_inside(people, data):
    """No range ever leaves the true count out, whatever is withheld and rounded."""
    exact = groups(people, total=sum(people))
    hide = data.draw(st.lists(st.booleans(), min_size=len(people), max_size=len(people)))
    gated = disclosure.counts.protect(exact.drop(columns="suppressed")).assign(kind="synthetic")
    mask = np.array([False, *hide])
    released = gated.assign(
        people=gated["people"].mask(mask), suppressed=gated["suppressed"] | mask
    )
    rows = ranges.hidden_ranges({"t": released})
    for row in rows.itertuples():
        truth = exact["people"].iloc[row.row]
        assert row.lowest <= truth
        assert pd.isna(row.highest) or truth <= row.highest


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 80), min_size=3, max_size=6), st.integers(1, 5))
def test_withholding_one_more_never_narrows_a_range(people, one):
    gated = disclosure.counts.protect(groups(people, total=sum(people)).drop(columns="suppressed"))
    gated = gated.assign(kind="synthetic")
    place = min(one, len(people))
    more = gated.assign(
        people=gated["people"].mask(np.arange(len(gated)) == place),
        suppressed=gated["suppressed"] | (np.arange(len(gated)) == place),
    )
    least = ranges.hidden_ranges({"t": gated}).set_index("row")
    widest = ranges.hidden_ranges({"t": more}).set_index("row")
    for row in least.index:
        assert widest.loc[row, "lowest"] <= least.loc[row, "lowest"]
        high = (widest.loc[row, "highest"], least.loc[row, "highest"])
        assert pd.isna(high[0]) or high[0] >= high[1]


def test_who_lacks_only_what_no_table_tells_is_a_withheld_count():
    # Of 799 people 105 have no score, and seven more lack only the duration of symptoms: too few
    # for rows of their own. What is told of the others leaves six numbers for them.
    flow = pd.DataFrame(
        {
            "measure": ["1: in the file", "2: everything known"],
            "model": ["all", "adjusted"],
            "people": [800, 685],
            "missing": [None, 110],
            "suppressed": [False, False],
        }
    )
    one = pd.DataFrame(
        {
            "measure": ["not known"],
            "variable": ["score"],
            "group_by": ["sex"],
            "group": ["all"],
            "people": [800],
            "missing": [105],
            "estimate": [13.1],
            "unit": ["per cent"],
            "suppressed": [False],
        }
    )
    tables = {"flow": flow.astype({"missing": "Int64"}), "one": one.astype({"missing": "Int64"})}
    assert ranges.hidden_ranges(tables).empty
    needs = attacker.Needs({"adjusted": ("score", "months")})
    found = ranges.hidden_ranges(tables, needs=needs)
    assert found[["table", "row"]].to_numpy().tolist() == [["flow", 1]]
    assert (found["lowest"] <= 7).all() and (found["highest"] >= 7).all()
    assert found["narrow"].all()
    # What is told of the model's people, on either side, goes as well.
    mended = ranges.withhold(tables, ranges.repair(tables, needs=needs))
    assert not ranges.hidden_ranges(mended, needs=needs)["narrow"].any()
    assert pd.isna(mended["flow"]["missing"].iloc[1])
