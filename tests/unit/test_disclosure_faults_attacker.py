"""What a reader can know, case by case: faults that mutation testing put in."""

import math

import pandas as pd
import pytest

from distance_to_care.disclosure import attacker
from distance_to_care.disclosure.attacker import KNOWN, MOST, Cell
from distance_to_care.disclosure.profiles import DEFAULT

INF = math.inf
ALL = frozenset()


def who(*conditions):
    """People who meet these conditions."""
    return frozenset(conditions)


FEMALE, MALE = ("sex", "female"), ("sex", "male")


def knowing(keys, bounds=()):
    """What a reader knows who has unknowns of these keys, and a way to name them again."""
    known = attacker.Knowledge()
    for key in keys.values():
        known.unknown(key)
    for name, (low, high) in dict(bounds).items():
        known.bound(known.numbers[keys[name]], low, high)
    return known


def related(known, keys):
    """Relations in words, in no order: each is its terms by name, its low and its high."""
    names = {key: name for name, key in keys.items()}

    def name(number):
        return names.get(known.keys[number], known.keys[number])

    return in_no_order(
        ({name(number): times for number, times in each.terms.items()}, each.low, each.high)
        for each in known.relations
    )


def in_no_order(relations):
    return sorted(((sorted(terms.items(), key=str), *ends) for terms, *ends in relations), key=str)


# --- Whom a row is about --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, ""), (pd.NA, ""), (3.0, "3"), (2.5, "2.5"), (3, "3"), ("all", "all")],
)
def test_a_word_of_a_row_is_the_same_in_every_table(value, text):
    """A level 3 that one table holds as 3.0 is the same people; what is empty says nothing."""
    assert attacker._text({"level": value}, "level") == text
    assert attacker._text({}, "level") == ""


@pytest.mark.parametrize(
    ("by", "group", "met"),
    [
        ("sex", "female", {FEMALE}),
        ("sex", "all", set()),
        ("sex", "", set()),
        ("", "female", set()),
        ("all", "female", set()),
        ("method", "gradient", set()),
        ("deprivation, sex", "1, female", {("deprivation", "1"), FEMALE}),
        # The comma is in the name of one group, and not between two columns.
        ("stage", "II, late", {("stage", "II, late")}),
    ],
)
def test_a_group_is_its_columns_and_levels(by, group, met):
    """Cells of two columns at once are tied to the margins of each; everybody is no group."""
    assert attacker._group(by, group) == met


COMPARED = {"exposure": "deprivation", "variable": "walk", "level": 2.0}
MODEL = {"model": "base", "level": "", "group_by": "", "group": ""}


@pytest.mark.parametrize(
    ("record", "met", "own"),
    [
        # A comparison of groups: those of the group for whom all that it needs is known.
        (
            COMPARED | {"adjusted_for": "nothing", "method": "difference"},
            who(("walk", KNOWN), ("given", ("deprivation",)), ("deprivation", "2")),
            True,
        ),
        (
            COMPARED | {"adjusted_for": "age at first visit, sex"},
            who(
                ("walk", KNOWN),
                ("given", ("deprivation", "age at first visit", "sex")),
                ("deprivation", "2"),
            ),
            True,
        ),
        # A gradient is of all groups at once.
        (
            COMPARED | {"method": "gradient"},
            who(("walk", KNOWN), ("given", ("deprivation",))),
            True,
        ),
        # A row of a model that counts the people of a group.
        (
            {"model": "base", "exposure": "deprivation", "level": "2", "hazard_ratio": 1.2},
            who(("model", "base"), ("deprivation", "2")),
            True,
        ),
        # Without a hazard ratio, a level or an exposure the row counts those of the model.
        ({"model": "base", "exposure": "deprivation", "level": "2"}, who(("model", "base")), True),
        (
            {"model": "base", "exposure": "deprivation", "level": "", "hazard_ratio": 1.2},
            who(("model", "base")),
            True,
        ),
        ({"model": "base", "term": "age", "hazard_ratio": 1.2}, who(("model", "base")), True),
        ({"model": "base", "method": "Cox"}, who(("model", "base"), ("method", "Cox")), True),
        (
            {"model": "base", "level": "first year"},
            who(("model", "base"), ("period", "first year")),
            True,
        ),
        ({"model": "base", "level": "high", "variable": "age"}, who(("model", "base")), True),
        (MODEL | {"group_by": "sex", "group": "female"}, who(("model", "base"), FEMALE), True),
        (
            MODEL | {"group_by": "sex", "group": "female", "reference": "male"},
            who(("model", "base")),
            True,
        ),
        (MODEL | {"group": "female"}, who(("model", "base")), True),
        # The model of everybody is everybody.
        ({"model": "all", "method": "Cox"}, who(("method", "Cox")), True),
        # A term or an exposure of no model is a count of its own table.
        ({"term": "age", "group_by": "sex", "group": "female"}, who(("table", "t")), True),
        ({"exposure": "sex", "group_by": "sex", "group": "female"}, who(("table", "t")), True),
        # A group against another, of some measure of the table.
        (
            {"group_by": "sex", "group": "female", "reference": "male", "measure": "median"},
            who(("table", "t"), ("measure", "median")),
            True,
        ),
        ({"group_by": "sex", "group": "female", "reference": ""}, who(FEMALE), False),
        # All groups of a column together: everybody who has one.
        ({"group_by": "sex"}, who(("sex", KNOWN)), False),
        # A group that says not of what.
        ({"group": "kidney"}, who(("group", "kidney")), False),
        ({"group": "all"}, ALL, False),
        ({"group": ""}, ALL, False),
        ({"variable": "age"}, ALL, False),
        # A row that says nothing of people is a count of its own table.
        ({"measure": "people"}, who(("table", "t")), True),
    ],
)
def test_a_row_says_which_people_it_counts(record, met, own):
    """Two rows are one unknown only where they are about the same people."""
    assert attacker._who("t", 0, record) == (met, own)


GROUP = {"group_by": "sex", "group": "female"}


@pytest.mark.parametrize(
    ("record", "keys"),
    [
        (
            GROUP | {"people": 50, "deaths": 20, "censored": 30},
            {
                "people": ("people", who(FEMALE)),
                "deaths": ("deaths", who(FEMALE)),
                "censored": ("censored", who(FEMALE)),
            },
        ),
        # For how many a variable is not known, shown and withheld, and of how many.
        *(
            (
                GROUP | {"variable": "walk", "measure": measure, "missing": count, "people": 50},
                {
                    "missing": ("people", who(FEMALE, ("walk", f"({measure})"))),
                    "share": ("people", who(FEMALE, ("walk", f"({measure})"))),
                    "people": ("people", who(FEMALE)),
                },
            )
            for measure, count in [("not known", 12), ("not known", None), ("unsure", 12)]
        ),
        # A mean beside these is one of those for whom the variable is known.
        (
            GROUP | {"variable": "walk", "measure": "mean", "missing": None, "people": 50},
            {"people": ("people", who(FEMALE, ("walk", KNOWN)))},
        ),
        # A count of a level, and a share of those known.
        (
            {"variable": "stage", "level": "I", "unit": "people", "people": 50, "deaths": 20},
            {
                "people": ("people", who(("stage", "I"))),
                "deaths": ("deaths", who(("stage", "I"))),
            },
        ),
        (
            {"variable": "stage", "level": "I", "unit": "per cent", "people": 50},
            {
                "people": ("people", who(("stage", KNOWN))),
                "share": ("people", who(("stage", "I"))),
            },
        ),
        # The variable "people" is no column of theirs.
        (GROUP | {"variable": "people", "people": 50}, {"people": ("people", who(FEMALE))}),
        # How many a model leaves out, by its name or by that of its table.
        (
            {"model": "base", "missing": 12, "people": 90},
            {
                "missing": ("people", who(("model", "not in base"))),
                "people": ("people", who(("model", "base"))),
            },
        ),
        (
            {"missing": None, "people": 90},
            {
                "missing": ("people", who(("model", "not in t"))),
                "people": ("people", who(("table", "t"))),
            },
        ),
        # A comparison of groups has no share, and counts those of whom all is known.
        (
            COMPARED | {"missing": None, "measure": "share", "people": 50},
            {
                "people": (
                    "people",
                    who(("walk", KNOWN), ("given", ("deprivation",)), ("deprivation", "2")),
                )
            },
        ),
        # A share of everybody; one that would hold under an assumption counts nobody.
        (
            GROUP | {"measure": "share of people", "people": 90},
            {"share": ("people", who(FEMALE)), "people": ("people", ALL)},
        ),
        (
            {"group": "listed, if all live near", "measure": "share of people", "people": 90},
            {"people": ("people", ALL)},
        ),
        (
            {"model": "base", "measure": "share of people", "people": 90},
            {"people": ("people", who(("model", "base")))},
        ),
        # Who is followed at a time: everybody at the start.
        (
            GROUP | {"at_risk": 40, "time_years": 2, "people": 50},
            {"at_risk": ("at_risk", who(FEMALE), 2.0), "people": ("people", who(FEMALE))},
        ),
        (GROUP | {"at_risk": 50, "time_years": 0.0}, {"at_risk": ("people", who(FEMALE))}),
        (GROUP | {"at_risk": 50, "time_years": math.nan}, {}),
        (GROUP | {"at_risk": 50, "time_years": None}, {}),
        (GROUP | {"at_risk": 50}, {}),
        (GROUP | {"time_years": 2.0}, {}),
        ({"group": "all", "measure": "people", "time_years": 2.0}, {}),
    ],
)
def test_each_number_of_a_row_is_the_count_of_some_people(record, keys):
    """What stands for one unknown is what ties a withheld number to the numbers beside it."""
    assert attacker._keys("t", 0, record, None) == keys


def test_a_step_of_a_curve_counts_who_leaves_between_two_times():
    """Curves are attacked by their steps; at time nought nothing has happened yet."""
    record = GROUP | {"at_risk": 40, "deaths": 10, "censored": 12, "time_years": 2.0}
    assert attacker._keys("t", 0, record, (1.0, 2.0)) == {
        "at_risk": ("at_risk in step", who(FEMALE), 1.0, 2.0),
        "deaths": ("deaths in step", who(FEMALE), 1.0, 2.0),
        "censored": ("censored in step", who(FEMALE), 1.0, 2.0),
    }
    assert attacker._keys("t", 0, record, (0.0, 0.0)) == {"at_risk": ("people", who(FEMALE))}
    # A step that begins at the start is a step nevertheless.
    assert attacker._keys("t", 0, record, (0.0, 1.0))["at_risk"] == (
        "at_risk in step", who(FEMALE), 0.0, 1.0,
    )  # fmt: skip


def test_the_steps_of_curves_follow_each_other_in_time():
    """Each curve has its own steps, in the order of time, whatever order its rows are in."""
    curve = pd.DataFrame(
        {"time_years": [2.0, 0.0, 1.0], "at_risk": 1, "deaths": 1}, index=[7, 8, 9]
    )
    one = {0: (1.0, 2.0), 1: (0.0, 0.0), 2: (0.0, 1.0)}
    assert attacker._steps(curve) == one
    # Any word in front of a row makes it a curve of its own, an empty one also.
    for column in ("measure", "method", "group_by", "group"):
        two = pd.concat([curve.assign(**{column: "a"}), curve.assign(**{column: None})])
        assert attacker._steps(two) == one | {row + 3: step for row, step in one.items()}
    # No other word does.
    two = pd.concat([curve.assign(unit="a"), curve.assign(unit="b", time_years=[5.0, 3.0, 4.0])])
    assert attacker._steps(two) == one | {3: (4.0, 5.0), 4: (2.0, 3.0), 5: (3.0, 4.0)}
    # What counts people, or lacks one of the three, is no curve.
    assert attacker._steps(curve.assign(people=1)) == {}
    for column in curve:
        assert attacker._steps(curve.drop(columns=column)) == {}


@pytest.mark.parametrize(
    ("column", "measure", "when", "there", "absent", "exists"),
    [
        # Nobody is at risk at no time.
        ("at_risk", "survival", "never", True, False, False),
        ("at_risk", "survival", "later", False, False, True),
        ("deaths", "survival", "never", False, False, True),
        # A number in a row of the measure shows it, an empty one that is not withheld denies it.
        ("deaths", "transplant", "later", True, True, True),
        ("deaths", "survival", "later", False, True, False),
        ("people", "survival", "later", False, True, False),
        # For whom a variable is not known is counted in rows that say so.
        ("missing", "mean", "never", False, False, False),
        ("missing", "not known", "never", False, False, True),
        ("missing", "not known", "never", False, True, False),
        ("missing", "mean", "never", True, False, True),
        # A row about one way in which follow-up ends counts that one.
        ("deaths", "transplant", "later", False, False, False),
        ("deaths", "death", "later", False, False, True),
        ("deaths", "death or transplant", "later", False, False, True),
        ("transplants", "death", "later", False, False, False),
        ("censored", "death", "later", False, False, False),
        ("transplants", "censored", "later", False, False, False),
        ("people", "death", "later", False, False, True),
    ],
)
def test_a_column_has_counts_in_rows_that_it_fits(column, measure, when, there, absent, exists):
    """A count that does not exist is not protected; one that does and is withheld must be."""
    assert attacker._exists(column, measure, when, there, absent) is exists


def test_an_empty_cell_is_a_withheld_count_where_the_measure_has_that_column():
    """What other rows of the measure show at the same kind of time tells which cells exist."""
    rows = [
        # A count is shown of one row of the measure: the empty one is withheld.
        ("a", 1.0, 20, False, True),
        ("a", 2.0, None, True, True),
        # At the start, and at no time, are other kinds of rows: here nothing was withheld.
        ("a", 0.0, None, False, False),
        ("a", 0, None, True, False),
        ("a", None, None, False, False),
        ("a", math.nan, None, True, False),
        # Of another measure nothing is known: what is withheld may exist.
        ("b", 1.0, None, True, True),
    ]
    records = [
        {"measure": measure, "time_years": time, "deaths": deaths, "suppressed": withheld}
        for measure, time, deaths, withheld, _ in rows
    ]
    assert attacker._applies(records, "deaths") == [row[-1] for row in rows]
    # A table that does not say what is withheld, and one without times: every empty cell may be.
    assert attacker._applies([{"deaths": None, "time_years": 1.0}], "deaths") == [True]
    assert attacker._applies([{"deaths": None}], "deaths") == [True]
    assert attacker._applies([{"at_risk": None}], "at_risk") == [False]
    # A withheld row says nothing of which columns there are, a shown one does.
    shown = {"measure": "a", "suppressed": False, "deaths": None}
    assert attacker._applies([shown, shown | {"suppressed": True}], "deaths") == [False, False]


# --- What a number says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "column", "is_sum", "interval"),
    [
        # Rounded to five: 48 to 52; the lowest that is shown is 10 to 12; nought is nought.
        ({"people": 50}, "people", False, (48, 52)),
        ({"people": 10}, "people", False, (10, 12)),
        ({"people": 0}, "people", False, (0, 0)),
        ({"people": 100, "deaths": 50}, "deaths", False, (48, 52)),
        ({"people": None, "deaths": 50}, "deaths", False, (48, 52)),
        ({"people": pd.NA, "deaths": 50}, "deaths", False, (48, 52)),
        ({"deaths": 50}, "deaths", False, (48, 52)),
        # As many deaths as people: more may have been rounded down to the people.
        ({"people": 50, "deaths": 50}, "deaths", False, (48, 57)),
        # A sum of released numbers says nothing more than these.
        ({"people": 50}, "people", True, (0, MOST)),
        # Numbers that no gate of ours shows are taken to be rounded, and no more.
        ({"people": 7}, "people", False, (5, 9)),
        ({"people": 1}, "people", False, (0, 3)),
        ({"people": 53}, "people", False, (51, 55)),
    ],
)
def test_a_released_count_is_one_of_an_interval(record, column, is_sum, interval):
    """The ranges rest on these: too narrow and a repair is made for nothing, too wide and not."""
    found = attacker._interval(record, column, is_sum, DEFAULT)
    assert found == interval
    assert all(isinstance(end, float) for end in found)


def test_a_total_that_its_groups_add_up_to_is_a_sum():
    """Only such a total was worked out from released numbers; any other says more."""
    rows = [
        # Without everybody nothing adds up; the next family is looked at nevertheless.
        ("z", "1", 10, 5),
        ("a", "all", 30, 20),
        ("a", "1", 10, 10),
        ("a", "2", 20, 5),
        # One group and everybody.
        ("b", "all", 15, None),
        ("b", "1", 15, 15),
        # Everybody alone is no sum of nothing.
        ("c", "all", 0, 0),
        # Everybody twice.
        ("d", "all", 10, 10),
        ("d", "all", 0, 0),
        ("d", "1", 10, 10),
        # A withheld group.
        ("e", "all", 20, 20),
        ("e", "1", 20, None),
        ("e", "2", None, 20),
    ]
    records = [
        {"measure": measure, "group": group, "unit": row, "at_risk": at_risk, "deaths": deaths}
        for row, (measure, group, at_risk, deaths) in enumerate(rows)
    ]
    # There is no column of people, and the others are looked at nevertheless.
    assert attacker.sums(records) == {(1, "at_risk"), (4, "at_risk")}
    assert attacker.sums([]) == set()
    assert attacker.sums([{"people": 5}, {"people": 5}]) == set()


@pytest.mark.parametrize(
    ("columns", "about"),
    [
        ({"people": [50], "kind": ["synthetic"]}, True),
        ({"deaths": [50], "kind": ["registry"]}, True),
        ({"people": [50]}, True),
        ({"people": [], "kind": []}, True),
        ({"people": [50], "kind": ["open"]}, False),
        ({"estimate": [50.0], "kind": ["registry"]}, False),
    ],
)
def test_a_table_is_about_people_by_its_kind_and_its_counts(columns, about):
    """A table that is wrongly passed over is not attacked at all."""
    assert attacker.about_people(pd.DataFrame(columns)) is about


def test_rows_of_models_that_count_everybody_are_told_as_the_gate_makes_them():
    """Where it is withheld for how many a model is not known, its row shows everybody."""
    rows = [
        ("c", 90, None, True, False),
        ("all", 100, None, True, False),
        ("base", 100, None, True, True),
        # Nothing is withheld; the missing are shown; no people are (and in the first row, others).
        ("a", 100, None, False, False),
        ("b", 100, 12, True, False),
        ("d", pd.NA, None, True, False),
        # Everybody is who stands first.
        ("all", 90, 0, False, False),
    ]
    records = [
        {"model": model, "people": people, "missing": missing, "suppressed": withheld}
        for model, people, missing, withheld, _ in rows
    ]
    told = {row for row, values in enumerate(rows) if values[-1]}
    assert attacker._told_as_everybody(records, {"missing": [True] * len(rows)}) == told
    assert attacker._told_as_everybody(records, {}) == set()


def test_rows_of_variables_that_count_everybody_are_told_by_the_row_of_their_gaps():
    """They are of the same variable, of the same group and of as many people as that row."""
    rows = [
        ("walk", "sex", "female", None, 100, True, False),
        ("walk", "sex", "female", None, 100, False, True),
        ("walk", "sex", "female", None, 90, False, False),
        # Of another variable, column or group.
        ("gait", "sex", "female", None, 100, False, False),
        ("walk", "age", "female", None, 100, False, False),
        ("walk", "sex", "male", None, 100, False, False),
        # Here the gaps are shown; here the people behind them are not.
        ("speech", "sex", "female", 12, 100, True, False),
        ("speech", "sex", "female", None, 100, False, False),
        ("reach", "sex", "female", None, pd.NA, True, False),
        ("reach", "sex", "female", None, 100, False, False),
    ]
    records = [
        dict(zip(("variable", "group_by", "group", "missing", "people"), row, strict=False))
        for row in rows
    ]
    applies = {"missing": [row[5] for row in rows]}
    told = {row for row, values in enumerate(rows) if values[-1]}
    assert attacker._told_as_everybody(records, applies) == told


def test_numbers_that_cannot_be_one_count_are_counts_of_their_own():
    """The fullest set of people keeps the name, and what is withheld comes after all numbers."""
    key = (0, "people", who(FEMALE))
    found = {
        key: [
            ("w", 3, "people", pd.NA, None),
            ("t", 0, "people", 50, (48.0, 52.0)),
            ("u", 1, "people", 100, (98.0, 102.0)),
            ("t", 2, "people", 20, (18.0, 22.0)),
            ("v", 4, "people", 100, (100.0, 104.0)),
            ("v", 5, "people", 0, (0.0, 0.0)),
        ]
    }
    known = attacker.Knowledge()
    places = attacker._identify(found, known)
    # By hand: the two hundreds are one count of 100 to 102; each of the others is its own.
    assert known.keys == [key, (*key, "t"), (*key, "t", 2), (*key, "v")]
    assert (known.low, known.high) == ([100, 48, 18, 0], [102, 52, 22, 0])
    assert known.cells == [
        Cell("u", 1, "people", 0, False, 0),
        Cell("v", 4, "people", 0, False, 0),
        Cell("t", 0, "people", 1, False, 0),
        Cell("t", 2, "people", 2, False, 0),
        Cell("v", 5, "people", 3, False, 0),
        Cell("w", 3, "people", 0, True, 0),
    ]
    assert places == {(each.table, each.row, each.column): each.unknown for each in known.cells}


def test_an_unknown_is_made_once_and_only_grows_narrower():
    """What contradicts all that is known is not taken down, and says so."""
    known = attacker.Knowledge()
    key = (0, "people", ALL)
    assert [known.unknown(key), known.unknown((0, "deaths", ALL)), known.unknown(key)] == [0, 1, 0]
    assert (known.low, known.high) == ([0.0, 0.0], [float(MOST), float(MOST)])
    assert known.bound(0, 10, 20) is True
    assert known.bound(0, 5, 15) is True
    assert (known.low[0], known.high[0]) == (10, 15)
    assert known.bound(0, 16, 18) is False
    assert (known.low[0], known.high[0]) == (10, 15)
    assert known.bound(0, 15, 30) is True
    assert (known.low[0], known.high[0]) == (15, 15)
    known.at_most(0, 0)
    known.at_most(0, 1)
    assert known.relations == [attacker.Relation({0: 1.0, 1: -1.0}, -INF, 0.0)]


# --- Shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("everybody", "ends", "share"),
    [
        # About half of a hundred: at most 52.5 of at least 98.
        (98, (48, 52), 52.5 / 98),
        # It is no more than the whole, and of nobody known it is one of one at most.
        (98, (98, 102), 1.0),
        (0, (0, 0), 0.5),
    ],
)
def test_a_share_of_those_known_that_was_worked_out_of_everybody(everybody, ends, share):
    """The count may be less than the share of everybody by the share of those not known."""
    names = {"part": (0, 1), "known": (0, 2), "all": (0, 3)}
    known = knowing(names, {"all": (everybody, everybody + 4)})
    attacker._share_of_known(known, 0, (1, 2), ends)
    assert (known.low[0], known.high[0]) == (0, ends[1])
    assert related(known, names) == in_no_order(
        [({"part": 1.0, "all": share, "known": -share}, ends[0] - 0.5, INF)]
    )


PART, WHOLE = ("people", who(("stage", "I"))), ("people", ALL)
SHARE = {"people": 60, "unit": "per cent"}


def taken(profile, *shares, known=None, whole=True):
    """What is known of the count behind each share of sixty people, taken down one by one."""
    knowledge = attacker.Knowledge()
    knowledge.unknown((0, *WHOLE))
    listed = [
        ("t", row, record, (*PART, row), known, withheld)
        for row, (record, withheld) in enumerate(shares)
    ]
    places = {("t", row, "people"): 0 for row in range(len(shares))} if whole else {}
    attacker._take_shares(listed, places, profile, knowledge, 0)
    names = {"whole": (0, *WHOLE)} | {row: (0, *PART, row) for row in range(len(shares))}
    return knowledge, names


def test_a_share_bounds_the_count_behind_it():
    """Printed shares give counts back: a share of rounded counts only rounded ones."""
    known, names = taken(
        DEFAULT,
        # Nothing to be worked out: no unit; an empty share that is not withheld.
        (SHARE | {"unit": "years", "estimate": 2.0}, False),
        (SHARE | {"estimate": pd.NA}, False),
        # By hand: 33.25 to 33.35 per cent of 60 are 19.95 to 20.01, so 20 as rounded: 18 to 22.
        (SHARE | {"estimate": 33.3}, False),
        (SHARE | {"estimate": 0.333, "unit": "probability"}, False),
        # All of them: 60, which is 58 to 62.
        (SHARE | {"estimate": 100.0}, True),
        # 49.95 to 50.05 per cent of 10,000: 4,995, 5,000 or 5,005, ends and all.
        (SHARE | {"estimate": 50.0, "people": 10_000}, False),
        (SHARE | {"estimate": 0.0}, False),
        # 1,498.5 to 1,501.5, and only 1,500 of these is a rounded count.
        (SHARE | {"estimate": 50.0, "people": 3_000}, False),
    )
    made = [0, 2, 3, 4, 5, 6, 7]
    assert known.keys == [(0, *WHOLE), *((0, *PART, row) for row in made[1:])]
    assert list(zip(known.low, known.high, strict=True)) == [
        (0, MOST), (18, 22), (18, 22), (58, 62), (4993, 5007), (0, 0), (1498, 1502),
    ]  # fmt: skip
    assert known.cells == [
        Cell("t", row, "estimate", number, False, 0) for number, row in enumerate(made) if row
    ]
    assert related(known, names) == in_no_order(
        ({row: 1.0, "whole": -1.0}, -INF, 0.0) for row in made[1:]
    )


@pytest.mark.parametrize(
    ("profile", "record", "share"),
    [
        # 33.35 to 33.45 per cent of 60 are 20.01 to 20.07, and 33.15 to 33.25 are 19.89 to 19.95:
        # no rounded count has these shares.
        (DEFAULT, SHARE, 33.4),
        (DEFAULT, SHARE, 33.2),
        (attacker.Profile("exact", shares_from_rounded=False), SHARE, 33.3),
        (DEFAULT, SHARE | {"people": pd.NA}, 33.3),
    ],
)
def test_a_share_of_exact_counts_ties_the_count_to_its_people(profile, record, share):
    """A share that is none of rounded counts is taken for one of exact ones."""
    known, _ = taken(profile, (record | {"estimate": share}, False))
    assert (known.low, known.high) == ([0, 0], [MOST, MOST])
    relations = [(each.low, each.high, *each.terms.values()) for each in known.relations]
    assert [[*each.terms] for each in known.relations] == [[1, 0]] * 3
    # At most the whole, and at least and at most so many per cent of it, by half a decimal.
    assert relations == [
        (-INF, 0.0, 1.0, -1.0),
        (0.0, INF, 1.0, pytest.approx(-(share - 0.05) / 100)),
        (-INF, 0.0, 1.0, pytest.approx(-(share + 0.05) / 100)),
    ]


def test_a_withheld_share_hides_those_of_it_and_the_others():
    """Either may be the few for whose sake it is withheld: together they are the whole."""
    known, names = taken(DEFAULT, (SHARE | {"estimate": pd.NA}, True))
    others = (0, attacker.OTHERS, 1, 0)
    assert known.cells == [
        Cell("t", 0, "estimate", 1, True, 0),
        Cell("t", 0, attacker.OTHERS, 2, True, 0),
    ]
    assert known.keys == [(0, *WHOLE), (0, *PART, 0), others]
    assert related(known, names | {"others": others}) == in_no_order(
        [({0: 1.0, "others": 1.0, "whole": -1.0}, 0.0, 0.0)]
    )


def test_a_share_of_nobody_known_says_nothing():
    """Without the people behind it a share is a number of no count."""
    known, _ = taken(DEFAULT, (SHARE | {"estimate": 33.3}, False), whole=False)
    assert known.keys == [(0, *WHOLE)]
    assert not known.cells
    assert not known.relations


def test_a_share_of_those_known_is_bounded_by_both_wholes():
    """Its people are shown as everybody: the count behind it is one of those known."""
    kept = ("people", who(("stage", KNOWN)))
    known, names = taken(DEFAULT, (SHARE | {"estimate": 50.0}, False), known=kept)
    names["known"] = (0, *kept)
    # By hand: 30 of 60, which is 28 to 32 of everybody, of whom none need be: at most one in one.
    assert (known.low[2], known.high[2]) == (0, 32)
    assert related(known, names) == in_no_order(
        [
            ({0: 1.0, "known": -1.0}, -INF, 0.0),
            ({0: 1.0, "whole": 1.0, "known": -1.0}, 27.5, INF),
        ]
    )
    # Where everybody is not told either, there is only the whole of those known.
    known, _ = taken(DEFAULT, (SHARE | {"estimate": 50.0}, False), known=kept, whole=False)
    assert (known.high[2], len(known.relations)) == (MOST, 1)


# --- How counts are related -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shared"),
    [
        ((0, "people", ALL), True),
        ((0, "people", ALL, "t"), False),
        ((0, "people", ALL, "t", 1), False),
        ((0, "at_risk", ALL, 1.0), True),
        ((0, "at_risk", ALL, 1.0, "t"), False),
        ((0, "deaths by", ALL, 1.0), True),
        ((0, "deaths by", ALL), False),
        ((0, "deaths in step", ALL, 0.0, 1.0), True),
        ((0, "deaths in step", ALL, 0.0, 1.0, "t"), False),
        ((0, attacker.OTHERS, 1, 2), False),
    ],
)
def test_a_count_of_one_table_alone_is_shared_with_no_other(key, shared):
    """Numbers that contradict each other must not be tied to what is known of their name."""
    assert attacker._shared(key) is shared


def test_a_variable_has_the_levels_that_are_named():
    """Those for whom it is known or not are no level: they would be added up as one."""
    keys = [
        (0, "people", who(FEMALE, ("stage", "I"))),
        (0, "deaths", who(MALE)),
        (0, "people", who(("sex", KNOWN))),
        (0, "people", who(("walk", "(not known)"), ("level", 2))),
    ]
    assert attacker._levels(keys) == {"sex": {"female", "male"}, "stage": {"I"}, "level": {2}}


def added_up(keys, bounds=()):
    known = knowing(keys, bounds)
    attacker._families(list(keys.values()), known, attacker._levels(list(keys.values())))
    return related(known, keys)


def test_the_groups_of_a_column_add_up_to_everybody():
    """The oldest attack of all: a withheld group is everybody without the others."""
    near = ("near", "yes")
    keys = {
        "all": (0, "people", ALL),
        "f": (0, "people", who(FEMALE)),
        "m": (0, "people", who(MALE)),
        # Of those near only one sex is told: she is no more than all near.
        "near": (0, "people", who(near)),
        "near f": (0, "people", who(near, FEMALE)),
        # Those followed at a time add up too, at that time; what is told of no whole does not.
        "1": (0, "at_risk", ALL, 1.0),
        "f 1": (0, "at_risk", who(FEMALE), 1.0),
        "m 1": (0, "at_risk", who(MALE), 1.0),
        "f 2": (0, "at_risk", who(FEMALE), 2.0),
        # Another release is another cohort.
        "all then": (1, "people", ALL),
        "f then": (1, "people", who(FEMALE)),
        "m then": (1, "people", who(MALE)),
        # A name of a table or a model is no group.
        "t": (0, "people", who(("table", "t"))),
        "base": (0, "people", who(("model", "base"))),
        # Those who left are counted by step and no more.
        "left": (0, "censored by", ALL, 1.0),
        "f left": (0, "censored by", who(FEMALE), 1.0),
        "m left": (0, "censored by", who(MALE), 1.0),
    }
    assert added_up(keys) == in_no_order(
        [
            ({"f": 1.0, "m": 1.0, "all": -1.0}, 0.0, 0.0),
            ({"f then": 1.0, "m then": 1.0, "all then": -1.0}, 0.0, 0.0),
            ({"f 1": 1.0, "m 1": 1.0, "1": -1.0}, 0.0, 0.0),
            # Near has one level that is told, of everybody and of one sex.
            ({"near": 1.0, "all": -1.0}, -INF, 0.0),
            ({"near f": 1.0, "f": -1.0}, -INF, 0.0),
            ({"near f": 1.0, "near": -1.0}, -INF, 0.0),
        ]
    )


def test_the_groups_of_a_column_add_up_to_those_for_whom_it_is_known():
    """Where these are told apart from everybody, they are the whole, to a person."""
    keys = {
        "all": (0, "people", ALL),
        "known": (0, "people", who(("sex", KNOWN))),
        "f": (0, "people", who(FEMALE)),
        "m": (0, "people", who(MALE)),
    }
    # By hand: at most 42 and 32 of at least 98 have a sex, so that some have none.
    bounds = {"all": (98, 102), "f": (38, 42), "m": (28, 32)}
    assert added_up(keys, bounds) == in_no_order([({"f": 1.0, "m": 1.0, "known": -1.0}, 0.0, 0.0)])


def test_groups_that_do_not_add_up_leave_as_many_out_of_any_part():
    """Some people have no group: so many may be missing from the groups of the dead, too."""
    keys = {
        "left": (0, "censored", ALL),
        "f left": (0, "censored", who(FEMALE)),
        "m left": (0, "censored", who(MALE)),
        "all": (0, "people", ALL),
        "f": (0, "people", who(FEMALE)),
        "m": (0, "people", who(MALE)),
        "dead": (0, "deaths", ALL),
        "f dead": (0, "deaths", who(FEMALE)),
        "m dead": (0, "deaths", who(MALE)),
        "all then": (1, "people", ALL),
        "f then": (1, "people", who(FEMALE)),
        "m then": (1, "people", who(MALE)),
    }
    # By hand: 98 to 102 people, and at most 74 of a sex: up to 102 - 66 = 36 have none. In the
    # other release the groups can be all: 70 and 32 are 102. That fewer of the dead have no group
    # says nothing of others.
    bounds = {"all": (98, 102), "f": (38, 42), "m": (28, 32)}
    bounds |= {"all then": (102, 104), "f then": (68, 70), "m then": (28, 32)}
    bounds |= {"dead": (30, 32), "f dead": (3, 4), "m dead": (3, 4)}
    assert added_up(keys, bounds) == in_no_order(
        [
            ({"f": 1.0, "m": 1.0, "all": -1.0}, -36.0, 0.0),
            ({"f left": 1.0, "m left": 1.0, "left": -1.0}, -36.0, 0.0),
            ({"f dead": 1.0, "m dead": 1.0, "dead": -1.0}, -36.0, 0.0),
            ({"f then": 1.0, "m then": 1.0, "all then": -1.0}, 0.0, 0.0),
        ]
    )


def test_the_groups_of_a_model_add_up_to_those_in_it():
    """The name of a model is no group, and its groups are of a family nevertheless."""
    # Twelve, for the order of conditions is one of chance.
    base = ("model", "base")
    keys = {number: (0, "people", who(base, ("stage", number))) for number in range(12)}
    keys["base"] = (0, "people", who(base))
    assert added_up(keys) == in_no_order([(dict.fromkeys(range(12), 1.0) | {"base": -1.0}, 0, 0)])


def parts(keys, of=None):
    known = knowing(keys)
    for name in [of] if of else keys:
        attacker._parts(known, keys[name], {})
    return related(known, keys)


def test_those_known_and_those_not_known_are_everybody():
    """Of three numbers two give the third; with no gap told those known are only no more."""
    keys = {
        "f": (0, "people", who(FEMALE)),
        "known": (0, "people", who(FEMALE, ("walk", KNOWN))),
        "not known": (0, "people", who(FEMALE, ("walk", "(not known)"))),
        "cannot": (0, "people", who(FEMALE, ("walk", "(not applicable)"))),
    }
    three = {"known": 1.0, "not known": 1.0, "f": -1.0}
    assert parts(keys, "known") == in_no_order([(three | {"cannot": 1.0}, 0.0, 0.0)])
    assert parts({k: v for k, v in keys.items() if k != "cannot"}, "known") == in_no_order(
        [(three, 0.0, 0.0)]
    )
    assert parts({k: keys[k] for k in ("f", "known")}, "known") == in_no_order(
        [({"known": 1.0, "f": -1.0}, -INF, 0.0)]
    )
    assert parts({"known": keys["known"]}) == []
    # Those not known are some of everybody, and a level is told with its family.
    assert parts(keys, "cannot") == in_no_order([({"cannot": 1.0, "f": -1.0}, -INF, 0.0)])
    at = {name: (0, "at_risk", key[2], 1.0) for name, key in keys.items()}
    assert parts(at, "known") == in_no_order([(three | {"cannot": 1.0}, 0.0, 0.0)])


def test_every_condition_of_a_count_is_a_part_of_some_whole():
    """A condition without a whole must not hide that another one has one."""
    # Twelve, for the order of conditions is one of chance.
    keys = {}
    for number in range(12):
        stage = ("stage", number)
        keys[f"{number}"] = (0, "people", who(stage))
        keys[f"{number} known"] = (0, "people", who(stage, ("walk", KNOWN)))
        keys[f"{number} in both"] = (1, "deaths", who(stage, ("walk", KNOWN), ("table", "t")))
        keys[f"{number} walk"] = (1, "deaths", who(stage, ("walk", KNOWN)))
        keys[f"{number} in"] = (2, "people", who(("model", f"not in {number}"), ("table", "t")))
        keys[f"{number} out"] = (2, "people", who(("model", f"not in {number}")))
    assert parts(keys) == in_no_order(
        relation
        for number in range(12)
        for relation in (
            ({f"{number} known": 1.0, f"{number}": -1.0}, -INF, 0.0),
            ({f"{number} in both": 1.0, f"{number} walk": -1.0}, -INF, 0.0),
            ({f"{number} in": 1.0, f"{number} out": -1.0}, -INF, 0.0),
        )
    )


def test_those_in_a_model_and_those_left_out_are_everybody():
    """So many a model leaves out, and so many of any group, of the dead, at most."""
    keys = {
        "all": (0, "people", ALL),
        "base": (0, "people", who(("model", "base"))),
        "out": (0, "people", who(("model", "not in base"))),
        "f": (0, "people", who(FEMALE)),
        "f base": (0, "people", who(FEMALE, ("model", "base"))),
        "dead": (0, "deaths", ALL),
        "dead base": (0, "deaths", who(("model", "base"))),
        "f dead": (0, "deaths", who(FEMALE)),
        "f dead base": (0, "deaths", who(FEMALE, ("model", "base"))),
        "t": (0, "people", who(FEMALE, ("table", "t"))),
    }
    assert parts(keys, "out") == in_no_order([({"base": 1.0, "out": 1.0, "all": -1.0}, 0.0, 0.0)])
    no_base = {name: key for name, key in keys.items() if name != "base"}
    assert parts(no_base, "out") == []
    assert parts(keys, "base") == in_no_order([({"base": 1.0, "all": -1.0}, -INF, 0.0)])
    assert parts(keys, "t") == in_no_order([({"t": 1.0, "f": -1.0}, -INF, 0.0)])
    fewer = ({"f base": 1.0, "f": -1.0}, -INF, 0.0)
    # The group loses no more to the model than everybody does.
    lost = ({"f": 1.0, "f base": -1.0, "all": -1.0, "base": 1.0}, -INF, 0.0)
    assert parts(keys, "f base") == in_no_order([fewer, lost])
    assert parts(no_base, "f base") == in_no_order([fewer])
    assert parts({k: v for k, v in keys.items() if k != "all"}, "f base") == in_no_order([fewer])
    # No more of the dead are left out than of the people.
    fewer = ({"dead base": 1.0, "dead": -1.0}, -INF, 0.0)
    lost = ({"dead": 1.0, "dead base": -1.0, "all": -1.0, "base": 1.0}, -INF, 0.0)
    assert parts(keys, "dead base") == in_no_order([fewer, lost])
    assert parts(no_base, "dead base") == in_no_order([fewer])
    assert parts(keys, "f dead base") == in_no_order(
        [
            ({"f dead base": 1.0, "f dead": -1.0}, -INF, 0.0),
            ({"f dead": 1.0, "f dead base": -1.0, "dead": -1.0, "dead base": 1.0}, -INF, 0.0),
            ({"f dead": 1.0, "f dead base": -1.0, "f": -1.0, "f base": 1.0}, -INF, 0.0),
        ]
    )


def test_follow_up_ends_in_one_of_three_ways():
    """All three are the people; two of them are no more than the people."""
    keys = {
        f"{what} {name}": (0, what, conditions)
        for name, conditions, ends in (
            ("f", who(FEMALE), ("deaths", "transplants", "censored")),
            ("m", who(MALE), ("deaths", "censored")),
            ("all", ALL, ()),
        )
        for what in ("people", *ends)
    }
    # Deaths without their people are the whole of nothing.
    keys["alone"] = (1, "deaths", ALL)
    known = knowing(keys)
    attacker._ends(known, [keys["alone"], *keys.values()])
    assert related(known, keys) == in_no_order(
        [
            (
                {"deaths f": 1.0, "transplants f": 1.0, "censored f": 1.0, "people f": -1.0},
                0.0,
                0.0,
            ),
            ({"deaths m": 1.0, "censored m": 1.0, "people m": -1.0}, -INF, 0.0),
        ]
    )


def test_people_of_two_groups_are_those_of_one_only_and_of_both():
    """Overlaps give counts back: who is both is who is one, without who is that one only."""
    names = ["gait", "gait and reach", "gait only", "reach", "reach only", "neither"]
    keys = {name: (0, "people", who(("group", name))) for name in names}
    keys["all"] = (0, "people", ALL)
    # None of these counts a group of people by itself.
    keys["sex"] = (0, "people", who(("sex", "gait and reach")))
    keys["dead"] = (0, "deaths", who(("group", "gait and reach")))
    keys["two"] = (0, "people", who(("group", "a and b"), FEMALE))

    def overlaps(*without):
        there = {name: key for name, key in keys.items() if name not in without}
        known = knowing(there)
        attacker._overlaps(known, list(there.values()))
        return related(known, there)

    gait = ({"gait and reach": 1.0, "gait only": 1.0, "gait": -1.0}, 0.0, 0.0)
    reach = ({"gait and reach": 1.0, "reach only": 1.0, "reach": -1.0}, 0.0, 0.0)
    four = {"gait and reach": 1.0, "gait only": 1.0, "reach only": 1.0, "neither": 1.0}
    everybody = (four | {"all": -1.0}, 0.0, 0.0)
    assert overlaps() == in_no_order([gait, reach, everybody])
    assert overlaps("neither") == overlaps("all") == in_no_order([gait, reach])
    assert overlaps("gait") == in_no_order([reach, everybody])
    assert overlaps("gait only") == in_no_order([reach])
    assert overlaps("gait and reach") == []
    # Who is both, and nothing else, is told of nobody beside.
    assert overlaps(*(name for name in keys if name != "gait and reach")) == []


def test_a_step_is_what_happened_by_its_end_and_not_by_its_start():
    """Steps of two curves with other times are tied by what happened until each time."""
    keys = {
        "step": (0, "deaths in step", who(FEMALE), 1.0, 2.0),
        "first": (0, "censored in step", who(FEMALE), 0.0, 1.0),
        "followed": (0, "at_risk in step", who(FEMALE), 1.0, 2.0),
        "dead": (0, "deaths", who(FEMALE)),
        "dead by": (0, "deaths by", who(FEMALE), 5.0),
    }
    known = knowing(keys)
    for key in keys.values():
        attacker._steps_add_up(known, key)
    by = {
        "by 2": (0, "deaths by", who(FEMALE), 2.0),
        "by 1": (0, "deaths by", who(FEMALE), 1.0),
        "left by 1": (0, "censored by", who(FEMALE), 1.0),
    }
    assert known.keys == [*keys.values(), *by.values()]
    assert related(known, keys | by) == in_no_order(
        [
            ({"step": 1.0, "by 2": -1.0, "by 1": 1.0}, 0.0, 0.0),
            ({"first": 1.0, "left by 1": -1.0}, 0.0, 0.0),
        ]
    )


def test_those_still_followed_grow_fewer_by_those_whose_follow_up_ended():
    """Curves and counts at times are one story: each relation between them is taken down once."""
    keys = {"people": (0, "people", ALL), "deaths": (0, "deaths", ALL)}
    for time in (1.0, 2.0, 3.0):
        keys[f"n{time:.0f}"] = (0, "at_risk", ALL, time)
        keys[f"d{time:.0f}"] = (0, "deaths by", ALL, time)
        keys[f"c{time:.0f}"] = (0, "censored by", ALL, time)
        keys[f"s{time:.0f}"] = (0, "at_risk in step", ALL, time - 1, time)
        keys[f"e{time:.0f}"] = (0, "deaths in step", ALL, time - 1, time)

    def followed(*without):
        # Times are put in order, whatever order they are found in.
        there = {name: keys[name] for name in reversed(keys) if name not in without}
        known = knowing(there)
        attacker._followed(known, list(there.values()), 0)
        return related(known, there)

    def no_more(small, large):
        return {small: 1.0, large: -1.0}, -INF, 0.0

    falling = [no_more("n2", "n1"), no_more("n3", "n2")]
    rising = [no_more("d1", "d2"), no_more("d2", "d3")]
    of_people = [
        no_more("n1", "people"),
        # Who is followed at two years did not die by one year, and so on.
        ({"n2": 1.0, "d1": 1.0, "people": -1.0}, -INF, 0.0),
        ({"n3": 1.0, "d2": 1.0, "people": -1.0}, -INF, 0.0),
    ]
    of_deaths = [
        no_more("d3", "deaths"),
        # Who died later than a year is followed at one year.
        ({"n1": 1.0, "d1": 1.0, "deaths": -1.0}, 0.0, INF),
        ({"n2": 1.0, "d2": 1.0, "deaths": -1.0}, 0.0, INF),
        ({"n3": 1.0, "d3": 1.0, "deaths": -1.0}, 0.0, INF),
    ]
    of_steps = [
        no_more("n1", "s1"), no_more("n2", "s2"), no_more("n3", "s3"),
        no_more("s2", "n1"), no_more("s3", "n2"),
    ]  # fmt: skip
    people_of_steps = [
        no_more("s1", "people"),
        ({"s2": 1.0, "d1": 1.0, "people": -1.0}, -INF, 0.0),
        ({"s3": 1.0, "d2": 1.0, "people": -1.0}, -INF, 0.0),
    ]
    gone = [{f"s{end}": 1.0, f"d{end}": 1.0, f"c{end}": 1.0, "people": -1.0} for end in (1, 2, 3)]
    # Who is neither followed nor gone died at the very end of the step: one did, and no more than
    # died in the step.
    last = [(terms, 1.0, INF) for terms in gone]
    at_the_end = [(terms | {f"e{end}": -1.0}, -INF, 0.0) for end, terms in enumerate(gone, 1)]
    chains = falling + rising + of_steps
    everything = chains + of_people + of_deaths + people_of_steps + last + at_the_end
    assert followed() == in_no_order(everything)
    assert followed("people") == in_no_order(chains + of_deaths)
    assert followed("deaths") == in_no_order(
        chains + of_people + people_of_steps + last + at_the_end
    )
    assert followed("e1", "e2", "e3") == in_no_order(
        chains + of_people + of_deaths + people_of_steps + last
    )
    assert followed("c1") == in_no_order(
        each for each in everything if each not in (last[0], at_the_end[0])
    )
    # Nobody known to have died: steps are steps of people, and followed is followed.
    assert followed("d1", "d2", "d3", "deaths") == in_no_order(
        falling + of_steps + [no_more(small, "people") for small in ("n1", "s1", "s2", "s3")]
    )
    assert followed("n1", "n2", "n3", "c1", "c2", "c3", "deaths") == in_no_order(
        rising + people_of_steps
    )


def test_a_cohort_that_grew_loses_nobody():
    """Two releases tell who was added: no more to a group than to everybody."""
    keys = {
        f"{name} {release}": (release, what, conditions)
        for release in (1, 0)
        for name, what, conditions in (
            ("gaps", "people", who(FEMALE, ("walk", "(not known)"))),
            ("out", "people", who(("model", "not in base"))),
            ("all", "people", ALL),
            ("f", "people", who(FEMALE)),
            ("dead", "deaths", who(FEMALE)),
            ("new organ", "transplants", who(FEMALE)),
            ("left", "censored", who(FEMALE)),
        )
    }
    # What only one of the releases has, and a count of one table alone.
    keys["m 0"] = (0, "people", who(MALE))
    for release in (1, 0):
        keys[f"t {release}"] = (release, "people", who(FEMALE), "t")
    keys["near 1"] = (1, "people", who(("near", "yes")))
    keys["near 0"] = (0, "people", who(("near", "yes")))

    def linked(*without):
        there = {name: key for name, key in keys.items() if name not in without}
        known = knowing(there)
        attacker.link_releases(known, 1, 0)
        return related(known, there)

    grew = [
        ({f"{name} 1": 1.0, f"{name} 0": -1.0}, -INF, 0.0)
        for name in ("all", "f", "dead", "new organ", "near")
    ]
    no_more = [
        ({f"{name} 0": 1.0, f"{name} 1": -1.0, "all 0": -1.0, "all 1": 1.0}, -INF, 0.0)
        for name in ("f", "near")
    ]
    assert linked() == in_no_order(grew + no_more)
    assert linked("all 1") == linked("all 0") == in_no_order(grew[1:])
    assert linked("f 1") == in_no_order(each for each in grew + no_more if "f 1" not in each[0])


# --- A whole reading ------------------------------------------------------------------------------


def table(**columns):
    counts = {"people", "deaths", "censored", "at_risk", "missing"} & set(columns)
    return pd.DataFrame(columns | {name: pd.array(columns[name], dtype="Int64") for name in counts})


def test_a_reading_takes_down_every_cell_under_its_release():
    """Each number is a cell with its unknown, and each withheld one is, which a reader asks for."""
    tables = {
        # Nothing is said of people here, and the next table is read nevertheless.
        "open": table(group=["all"], people=[5], kind="open"),
        "sizes": table(
            group_by="sex",
            group=["all", "female", "male"],
            people=[100, 60, None],
            deaths=[50, None, None],
            suppressed=[False, False, True],
            kind="registry",
        ),
    }
    known = attacker.Knowledge()
    assert attacker.read(tables, DEFAULT, known, release=3) is known
    keys = {
        "all": (3, "people", ALL),
        "dead": (3, "deaths", ALL),
        "f": (3, "people", who(FEMALE)),
        "m": (3, "people", who(MALE)),
        "m dead": (3, "deaths", who(MALE)),
    }
    assert set(known.keys) == set(keys.values())
    number = {name: known.numbers[key] for name, key in keys.items()}
    # An empty cell of a row of which nothing is withheld is no count.
    assert sorted(known.cells, key=str) == sorted(
        [
            Cell("sizes", 0, "people", number["all"], False, 3),
            Cell("sizes", 0, "deaths", number["dead"], False, 3),
            Cell("sizes", 1, "people", number["f"], False, 3),
            Cell("sizes", 2, "people", number["m"], True, 3),
            Cell("sizes", 2, "deaths", number["m dead"], True, 3),
        ],
        key=str,
    )
    bounds = {name: (known.low[each], known.high[each]) for name, each in number.items()}
    assert bounds == {
        "all": (98, 102), "dead": (48, 52), "f": (58, 62), "m": (0, MOST), "m dead": (0, MOST),
    }  # fmt: skip
    assert related(known, keys) == in_no_order(
        [
            ({"f": 1.0, "m": 1.0, "all": -1.0}, 0.0, 0.0),
            ({"m dead": 1.0, "dead": -1.0}, -INF, 0.0),
            ({"dead": 1.0, "all": -1.0}, -INF, 0.0),
            ({"m dead": 1.0, "m": -1.0}, -INF, 0.0),
        ]
    )


def test_a_table_that_does_not_say_what_is_withheld_may_withhold_what_is_empty():
    """The reader is taken to know the worst: an empty cell is a count."""
    known = attacker.read({"t": table(group=["all"], people=[None])}, DEFAULT)
    assert known.cells == [Cell("t", 0, "people", 0, True, 0)]


def test_groups_of_nothing_named_are_taken_to_add_up_beside_everybody():
    """A table of groups without their column is attacked like any other, under its own name."""
    shown = table(group=["all", "gait", "reach"], people=[100, 60, None], suppressed=True)
    known = attacker.read({"t": shown}, DEFAULT)
    by = "groups of t"
    keys = {
        "all": (0, "people", ALL),
        "gait": (0, "people", who((by, "gait"))),
        "reach": (0, "people", who((by, "reach"))),
    }
    assert set(known.keys) == set(keys.values())
    assert related(known, keys) == in_no_order(
        [({"gait": 1.0, "reach": 1.0, "all": -1.0}, 0.0, 0.0)]
    )
    # Without everybody they may overlap, and are groups of anything.
    known = attacker.read({"t": shown[1:]}, DEFAULT)
    assert known.keys == [(0, "people", who(("group", name))) for name in ("gait", "reach")]
    assert known.relations == []


def test_a_total_that_was_added_up_is_known_by_its_groups_only():
    """100 is 60 and 40, which are 58 to 62 and 38 to 42: it is not 98 to 102, but more."""
    shown = table(
        group_by="sex", group=["all", "female", "male"], people=[100, 60, 40], suppressed=False
    )
    known = attacker.read({"t": shown}, DEFAULT)
    assert list(zip(known.low, known.high, strict=True)) == [(0, MOST), (58, 62), (38, 42)]


def test_an_empty_count_of_a_step_that_is_not_withheld_is_none():
    """Between two published times nobody need have died, and then the cell is empty."""
    curve = table(
        measure="survival",
        group_by="sex",
        group="female",
        time_years=[0.0, 1.0, 2.0, 3.0],
        at_risk=[60, 50, 40, None],
        deaths=[None, None, 10, None],
        suppressed=[False, False, False, True],
    )
    known = attacker.read({"t": curve}, DEFAULT)
    keys = {"people": (0, "people", who(FEMALE))}
    for end in (1, 2, 3):
        for name, what in (("s", "at_risk in step"), ("e", "deaths in step")):
            keys[f"{name}{end}"] = (0, what, who(FEMALE), end - 1.0, float(end))
        keys[f"d{end}"] = (0, "deaths by", who(FEMALE), float(end))
    assert set(known.keys) == set(keys.values())
    number = {name: known.numbers[key] for name, key in keys.items()}
    # The last row withholds who is followed and who died.
    assert [(each.row, each.column, each.unknown, each.hidden) for each in known.cells] == [
        (0, "at_risk", number["people"], False),
        (1, "at_risk", number["s1"], False),
        (1, "deaths", number["e1"], False),
        (2, "at_risk", number["s2"], False),
        (2, "deaths", number["e2"], False),
        (3, "at_risk", number["s3"], True),
        (3, "deaths", number["e3"], True),
    ]
    bounds = {name: (known.low[each], known.high[each]) for name, each in number.items()}
    unbounded = dict.fromkeys(("s3", "e3", "d1", "d2", "d3"), (0, MOST))
    assert bounds == unbounded | {
        "people": (58, 62), "s1": (48, 52), "e1": (0, 0), "s2": (38, 42), "e2": (10, 12),
    }  # fmt: skip
    assert related(known, keys) == in_no_order(
        [
            # A step is what happened by its end and not by its start.
            ({"e1": 1.0, "d1": -1.0}, 0.0, 0.0),
            ({"e2": 1.0, "d2": -1.0, "d1": 1.0}, 0.0, 0.0),
            ({"e3": 1.0, "d3": -1.0, "d2": 1.0}, 0.0, 0.0),
            ({"d1": 1.0, "d2": -1.0}, -INF, 0.0),
            ({"d2": 1.0, "d3": -1.0}, -INF, 0.0),
            # Who is followed has not died.
            ({"s1": 1.0, "people": -1.0}, -INF, 0.0),
            ({"s2": 1.0, "d1": 1.0, "people": -1.0}, -INF, 0.0),
            ({"s3": 1.0, "d2": 1.0, "people": -1.0}, -INF, 0.0),
        ]
    )


def test_an_estimate_that_is_no_share_counts_nobody():
    """A mean is taken down by the gate alone: a reader knows its people, and no count behind it."""
    means = table(variable="walk", measure="mean", people=[60], estimate=[50.0], unit="per cent")
    known = attacker.read({"t": means}, DEFAULT)
    assert known.keys == [(0, "people", who(("walk", KNOWN)))]
    assert known.cells == [Cell("t", 0, "people", 0, False, 0)]


def test_a_count_that_says_nothing_of_people_is_one_of_its_table():
    """Two tables of which nothing says whom they count are not about the same people."""
    known = attacker.read({"t": table(people=[60]), "u": table(people=[50])}, DEFAULT)
    assert known.keys == [(0, "people", who(("table", name))) for name in ("t", "u")]
    assert (known.low, known.high) == ([58, 48], [62, 52])


def test_the_group_that_others_are_compared_with_is_a_group_too():
    """It has no row of its own, and is a part of all groups nevertheless."""
    record = COMPARED | {"level": "2", "reference": "1", "people": 50, "suppressed": False}

    def read(**other):
        return set(attacker.read({"t": pd.DataFrame([record | other])}, DEFAULT).keys)

    known, given = ("walk", KNOWN), ("given", ("deprivation",))
    own, its_known, beside, known_beside = (
        (0, "people", who(known, *others, ("deprivation", level)))
        for level in ("2", "1")
        for others in ((given,), ())
    )
    assert read() == {own, its_known, beside, known_beside}
    # A row without the one or the other has no such group.
    assert read(reference="") == {own, its_known}
    assert read(exposure="") == {(0, "people", who(known))}
    # Of a table that names neither variable nor model it is a count of that table.
    assert read(variable="") == {(0, "people", who(("table", "t")))}


def test_a_model_that_tells_everybody_counts_everybody():
    """Whom it leaves out is withheld: its people are the file's, and not its own."""
    flow = table(
        model=["all", "base", "full"],
        people=[100, 100, 80],
        missing=[None, None, 20],
        suppressed=[False, True, False],
    )
    known = attacker.read({"flow": flow}, DEFAULT)
    of = {(each.row, each.column): known.keys[each.unknown] for each in known.cells}
    assert [of[row, "people"] for row in range(3)] == [
        (0, "people", ALL),
        (0, "people", ALL),
        (0, "people", who(("model", "full"))),
    ]
    assert of[2, "missing"] == (0, "people", who(("model", "not in full")))


def test_a_share_beside_withheld_gaps_is_one_of_those_known():
    """Its people are told as everybody, and its count is still one of those known."""
    rows = table(
        variable="walk",
        level=["", "unaided"],
        measure=["not known", "walk"],
        unit="per cent",
        people=[100, 100],
        missing=[None, None],
        estimate=[None, 50.0],
        suppressed=[True, False],
    )
    known = attacker.read({"t": rows}, DEFAULT)
    keys = {
        "all": (0, "people", ALL),
        "gaps": (0, "people", who(("walk", "(not known)"))),
        "known": (0, "people", who(("walk", KNOWN))),
        "unaided": (0, "people", who(("walk", "unaided"))),
    }
    keys["rest"] = (0, attacker.OTHERS, known.numbers[keys["gaps"]], known.numbers[keys["all"]])
    assert set(known.keys) == set(keys.values())
    of = {(each.row, each.column): known.keys[each.unknown] for each in known.cells}
    assert of == {
        (0, "people"): keys["all"], (0, "missing"): keys["gaps"],
        (0, "estimate"): keys["gaps"], (0, attacker.OTHERS): keys["rest"],
        (1, "people"): keys["all"], (1, "estimate"): keys["unaided"],
    }  # fmt: skip
    # By hand: half of 98 to 102 are shown as 50, 48 to 52.
    part = known.numbers[keys["unaided"]]
    assert (known.low[part], known.high[part]) == (0, 52)
    share = 52.5 / 98
    assert related(known, keys) == in_no_order(
        [
            ({"gaps": 1.0, "rest": 1.0, "all": -1.0}, 0.0, 0.0),
            ({"unaided": 1.0, "known": -1.0}, -INF, 0.0),
            ({"unaided": 1.0, "all": share, "known": -share}, 47.5, INF),
            ({"unaided": 1.0, "known": -1.0}, -INF, 0.0),
            ({"known": 1.0, "gaps": 1.0, "all": -1.0}, 0.0, 0.0),
            ({"gaps": 1.0, "all": -1.0}, -INF, 0.0),
        ]
    )


def test_a_comparison_that_tells_everybody_is_a_count_of_its_table():
    """A group against another is named by its table and measure, also where its people are all."""
    rows = table(
        variable="walk",
        group_by="sex",
        group="female",
        reference=["", "male"],
        measure=["not known", "difference"],
        people=[100, 100],
        missing=[None, None],
        suppressed=[True, False],
    )
    known = attacker.read({"t": rows}, DEFAULT)
    assert {(each.row, each.column): known.keys[each.unknown] for each in known.cells} == {
        (0, "people"): (0, "people", who(FEMALE)),
        (0, "missing"): (0, "people", who(FEMALE, ("walk", "(not known)"))),
        (1, "people"): (0, "people", who(("table", "t"), ("measure", "difference"))),
    }
