"""Newborn screening: a tree worked by hand, babies drawn one by one, limits and invariances."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from distance_to_care import tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions
from distance_to_care.scenarios import newborn_screening as screening
from distance_to_care.scenarios.newborn_screening import OUTCOMES, Plan

# Invented counts: large and even, so that the half child of Jeffreys hardly shows.
COUNTS = pd.DataFrame(
    [
        ("copies_two", 6000, 10_000),
        ("early_without_event", 9900, 10_000),
        ("early_two_sit", 9000, 10_000),
        ("early_two_walk", 7000, 10_000),
        ("early_three_sit", 9500, 10_000),
        ("early_three_walk", 9000, 10_000),
        ("severe_without_event", 8000, 10_000),
        ("severe_sit", 5000, 10_000),
        ("severe_walk", 1000, 10_000),
    ],
    columns=["term", "value", "people"],
)
# A tree with round numbers; no baby is known from a relative and the test finds all.
ROUND = {
    "births_for_each_affected_birth": 5_000,
    "four_or_more_copies": 0.5,
    "screening_uptake": 1,
    "screening_finds": 1,
    "screening_false_alarms": 1,
    "screening_treated_days": 30,
    "severe_treated_months": 5,
    "middle_treated_months": 18,
    "severe_of_two_copies": 0.8,
    "middle_of_other_two_copies": 0.5,
    "severe_of_three_copies": 0.2,
    "middle_of_three_copies": 0.5,
    "late_of_four_copies": 1,
    "family_already_known": 0,
    "severe_lost_before_treatment": 0,
    "middle_without_event": 1,
    "middle_sit": 1,
    "middle_walk": 0.2,
    "late_walk": 1,
    "timing_share_causal": 1,
    "timing_curve": 1,
}
UK = Plan(660_000)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return assumptions.of(tables.read("scenario_assumptions"), "newborn_screening")


@pytest.fixture(scope="module")
def drawn(rows) -> pd.DataFrame:
    return screening.draws(rows, COUNTS, number=300)


def at(drawn: pd.DataFrame, **known: float) -> pd.DataFrame:
    """The same draws with some numbers taken for known; shares of counts are set to round ones."""
    shares = dict(zip(COUNTS["term"], COUNTS["value"] / COUNTS["people"], strict=True))
    return drawn.assign(**(shares | ROUND | known))


def one(table: pd.DataFrame, column: str = "estimate", **where) -> float:
    (row,) = table.loc[(table[list(where)] == pd.Series(where)).all(axis=1)].to_dict("records")
    return row[column]


# --- known answers ------------------------------------------------------------------------------


def test_a_tree_worked_by_hand(drawn):
    """1,000,000 births, 200 affected: 100 with two or three copies, 60 with two; 100 with four.

    Two copies, late: 48 severe, of whom 48 x 0.8 x 0.5 x 0.1 = 1.92 walk; 6 in the middle, of whom
    1.2 walk; 6 late, who walk: 9.12. Early: 60 x 0.99 x 0.9 x 0.7 = 37.422.
    Three copies, late: 8 severe, 0.32 walk; 20 in the middle, 4 walk; 12 late walk: 16.32.
    Early: 40 x 0.99 x 0.95 x 0.9 = 33.858. With four copies all 100 walk in both.
    """
    table = screening.compare(at(drawn), {"it": Plan(1_000_000)})
    walk = {group: one(table, measure="walks", group=group) for group in
            (screening.WITHOUT, screening.WITH, screening.CHANGE)}  # fmt: skip
    assert walk[screening.WITHOUT] == pytest.approx(100 + 9.12 + 16.32)
    assert walk[screening.WITH] == pytest.approx(100 + 37.422 + 33.858)
    assert walk[screening.CHANGE] == pytest.approx(45.84)
    # Dead or ventilated: (48 + 8) x 0.2 = 11.2 late; 100 x 0.01 = 1 early.
    dead = one(table, measure=OUTCOMES[0], group=screening.CHANGE)
    assert dead == pytest.approx(1 - 11.2)
    assert one(table, measure="born with any number of copies") == pytest.approx(200)
    # Of 999,800 healthy babies, 1 of 100,000 has a false alarm.
    assert one(table, measure="positive, and not affected") == pytest.approx(9.998)
    assert one(table, measure="found by the test, four or more copies") == pytest.approx(100)
    assert one(table, measure="thousand babies tested") == pytest.approx(1_000 / 45.84)
    assert one(table, measure="born with the severe course") == pytest.approx(48 + 8)
    assert one(table, measure="babies found") == pytest.approx(200 / 45.84)


def test_half_the_difference_remains_half_way_between_the_ages(drawn):
    """Early until 42 days, late from 5 months = 152.19 days: 97.09 days is half way."""
    half_way = (42 + 5 * 365.25 / 12) / 2 / 7
    table = screening.by_age(at(drawn), [half_way], powers=[0.5, 1, 2])
    early, late = 100 * 0.99 * 0.9 * 0.7, 100 * 9.12 / 60
    for power, kept in ((0.5, 1 - 0.5**0.5), (1, 0.5), (2, 0.75)):
        walk = one(table, group=f"{power:g}")
        assert walk == pytest.approx(late + kept * (early - late))
    week = screening.a_week(at(drawn))
    weeks = (5 * 365.25 / 12 - 42) / 7
    assert one(week, measure="weeks between") == pytest.approx(weeks)
    assert one(week, measure="lost with each week") == pytest.approx((early - late) / weeks)


def test_counted_shares_have_exact_doubt():
    """Jeffreys for 15 of 21: the density is x^14.5 (1 - x)^5.5, integrated by scipy's quad."""
    counts = COUNTS.assign(value=15, people=21)
    row = screening.counted(counts).iloc[0]
    # By hand: (15 + 1/2) of (21 + 1).
    assert row["estimate"] == pytest.approx(100 * 15.5 / 22)

    def below(share: float) -> float:
        return integrate.quad(lambda x: x**14.5 * (1 - x) ** 5.5, 0, share)[0]

    assert below(row["ci_low"] / 100) / below(1) == pytest.approx(0.025, rel=1e-6)
    assert below(row["ci_high"] / 100) / below(1) == pytest.approx(0.975, rel=1e-6)
    with pytest.raises(AnalysisError, match="each of these"):
        screening.counted(counts.iloc[1:])
    with pytest.raises(AnalysisError, match="none to all"):
        screening.counted(counts.assign(value=22))


def test_babies_drawn_one_by_one_agree_with_the_closed_form(rows):
    table = screening.drawn_one_by_one(rows, COUNTS, Plan(660_000, 0.6), babies=200_000, seed=3)
    away = (table["value"] - table["estimate"]).abs() / table["standard_error"]
    assert (away < 3.5).all()
    # The test can fail: without screening the outcomes lie far away.
    base = screening.draws(rows, COUNTS, number=1)
    none = screening.compare(base, {"none": Plan(660_000, 0)})
    walk = one(none, measure="walks", group=screening.WITH)
    row = table[table["measure"] == "walks"].iloc[0]
    assert abs(row["value"] - walk) > 10 * row["standard_error"]


# --- limits and invariances ---------------------------------------------------------------------


def test_outcomes_of_every_branch_and_year_add_up(drawn):
    by = screening.outcomes_by(drawn)
    for name in ("early", "late", "screened", "courses"):
        assert np.allclose(by[name].sum(axis=2), 1)
        assert (by[name] >= 0).all()
    table = screening.compare(drawn, {"it": UK})
    change = table[table["group"] == screening.CHANGE]["estimate"].sum()
    assert change == pytest.approx(0, abs=1e-9)
    found = table[table["group"] == "found"].set_index("measure")["estimate"]
    born = found["born with two or three copies"] + found["born with four or more copies"]
    ways = [each for each in found.index if not each.startswith(("born", "positive"))]
    assert found["born with any number of copies"] == pytest.approx(born)
    assert found[ways].sum() == pytest.approx(born)


@pytest.mark.parametrize(
    "known",
    [
        {"screening_finds": 0},
        {"screening_uptake": 0},
        {"timing_share_causal": 0},
        {"family_already_known": 1},
        {"screening_treated_days": 3000},
    ],
)
def test_nothing_changes_where_nothing_can(drawn, known):
    table = screening.compare(drawn.assign(**known), {"it": UK})
    change = table[table["group"] == screening.CHANGE]
    assert np.allclose(change[["estimate", "low", "high"]], 0, atol=1e-9)
    assert np.isnan(one(table, measure="thousand babies tested"))


def test_no_share_no_change_and_all_else_in_proportion(drawn):
    plans = {"none": Plan(600_000, 0), "half": Plan(600_000, 0.5), "all": Plan(600_000)}
    plans |= {"twice": Plan(1_200_000)}
    table = screening.compare(drawn, plans)
    more = {name: one(table, scenario=name, measure="walks", group=screening.CHANGE)
            for name in plans}  # fmt: skip
    assert more["none"] == 0
    assert more["all"] > 0
    assert more["half"] == pytest.approx(more["all"] / 2)
    assert more["twice"] == pytest.approx(2 * more["all"])
    # As many babies are tested for each of them, however many are offered the test.
    tested = {name: one(table, scenario=name, measure="thousand babies tested") for name in plans}
    assert tested["half"] == pytest.approx(tested["all"])
    uptake = drawn["screening_uptake"].iloc[0]
    assert tested["all"] == pytest.approx(600 * uptake / more["all"])
    assert tested["half"] == pytest.approx(300 * uptake / more["half"])


def test_treatment_within_the_early_age_loses_nothing_and_later_never_gains(drawn):
    weeks = np.arange(0, 40, 2.0)
    table = screening.by_age(drawn, weeks, powers=[1])
    walk = table.sort_values("value")["estimate"].to_numpy()
    assert (np.diff(walk) <= 1e-12).all()
    assert walk[0] == walk[3] > walk[4]  # up to week 6, then less
    assert walk[-1] == pytest.approx(one(screening.a_week(drawn), measure="walk, treated late"))


def test_draws_of_one_number_hang_on_its_name_alone(rows):
    first = screening.draws(rows, COUNTS, number=50)
    turned = screening.draws(rows.iloc[::-1], COUNTS.iloc[::-1], number=50)
    pd.testing.assert_frame_equal(first, turned[first.columns])
    fewer = screening.draws(rows, COUNTS.assign(people=COUNTS["people"] * 2), number=50)
    assert (first["late_walk"] == fewer["late_walk"]).all()


def test_children_with_four_copies_neither_gain_nor_lose_by_two_years(drawn):
    by = screening.outcomes_by(drawn)
    assert np.array_equal(by["screened"][:, 2], by["late"][:, 2])


# --- one at a time ------------------------------------------------------------------------------


def test_each_assumption_moves_from_the_same_base(rows, drawn):
    table = screening.moved(rows, COUNTS, UK)
    base = one(table, level="base")
    more = screening.compare(drawn, {"it": UK})
    assert base == pytest.approx(one(more, measure="walks", group=screening.CHANGE))
    # More births for each affected one, fewer children: in exact proportion.
    births = rows.set_index("name").loc["births_for_each_affected_birth"]
    high = one(table, term="births_for_each_affected_birth", level="high")
    assert high == pytest.approx(base * births["value"] / births["high"])
    walk = {end: one(table, term="early_two_walk", level=end) for end in ("low", "high")}
    assert walk["low"] < base < walk["high"]
    # Every name has few words, which fit beside a bar.
    assert table.loc[1:, "title"].str.len().between(5, 40).all()
    assert set(screening.SHORT) >= set(table["term"]) - {"base"}
    # What babies with four copies can do is the same with and without.
    assert np.allclose(table[table["term"] == "late_of_four_copies"]["estimate"], base)
    # The more of all have four copies, the fewer have two or three: in exact proportion.
    four = rows.set_index("name").loc["four_or_more_copies"]
    many = one(table, term="four_or_more_copies", level="high")
    assert many == pytest.approx(base * (1 - four["high"]) / (1 - four["value"]))


def test_the_rate_of_births_counts_every_number_of_copies(drawn):
    """660,000 births at 1 in 10,000 are 66 babies, of whom a quarter have four copies or more.

    Where the rate is of two and three copies only, 1 in 10,000 of those is 1 in 7,500 of all: 88.
    """
    known = {"births_for_each_affected_birth": 10_000, "four_or_more_copies": 0.25}
    two_or_three = 10_000 * (1 - drawn["four_or_more_copies"])
    table = screening.variants(
        drawn,
        UK,
        {
            "all": known,
            "two or three": known | {"births_for_each_affected_birth": 7_500},
            "drawn": {"births_for_each_affected_birth": two_or_three},
        },
    )
    born = {name: one(table, scenario=name, measure="born with any number of copies")
            for name in ("all", "two or three")}  # fmt: skip
    assert born == {"all": pytest.approx(66), "two or three": pytest.approx(88)}
    four = "born with four or more copies"
    assert one(table, scenario="all", measure=four) == pytest.approx(16.5)
    # However many have four copies, 66 have two or three: in every draw.
    for end in ("estimate", "low", "high"):
        held = one(table, end, scenario="drawn", measure="born with two or three copies")
        assert held == pytest.approx(66)


def test_variants_take_numbers_for_known(drawn):
    known = {"as drawn": {}, "none causal": {"timing_share_causal": 0.0}}
    table = screening.variants(drawn, UK, known)
    change = screening.CHANGE
    assert one(table, scenario="none causal", measure="walks", group=change) == 0
    more = one(screening.compare(drawn, {"it": UK}), measure="walks", group=change)
    told = one(table, scenario="as drawn", measure="walks", group=change)
    assert told == pytest.approx(more)
    with pytest.raises(AnalysisError, match="is named nonsense"):
        screening.variants(drawn, UK, {"it": {"nonsense": 1.0}})
    for known, allowed in (
        ({"severe_walk": 1.7}, "from 0 to 1"),
        ({"screening_uptake": 3}, "from 0 to 1"),
        ({"four_or_more_copies": drawn["four_or_more_copies"] - 0.2}, "from 0 to 1"),
        ({"timing_share_causal": np.nan}, "from 0 to 1"),
        ({"births_for_each_affected_birth": 0}, "above 0"),
        ({"screening_false_alarms": -1}, "from 0"),
    ):
        with pytest.raises(AnalysisError, match=f"'it' needs {next(iter(known))} {allowed}"):
            screening.variants(drawn, UK, {"it": known})


def test_counts_give_variants_and_ends_as_they_were_counted():
    """Invented: 3 of 4 and 1 of 5 children."""
    counts = pd.DataFrame(
        {
            "variant": ["one", "one", "two"],
            "term": ["severe_sit", "severe_walk", "severe_sit"],
            "value": [3, 1, 0],
            "people": [4, 5, 7],
        }
    )
    known = screening.of_counts(counts)
    assert known == {"one": {"severe_sit": 0.75, "severe_walk": 0.2}, "two": {"severe_sit": 0.0}}
    marks = screening.ends(counts[:2], {"severe_walk": ("late", 23.0), "severe_sit": ("all", 6)})
    assert marks["title"].tolist() == ["late", "all"]
    assert marks["value"].tolist() == [23, 6]
    assert marks["estimate"].tolist() == [20, 75]


def test_what_was_recorded_stands_beside_what_the_model_has_without_screening(drawn):
    compared = screening.compare(drawn, {"it": UK})
    table = screening.beside(compared, {OUTCOMES[0]: 2.5, screening.SEVERE: 41})
    assert len(table) == 2
    dead = table.set_index("measure").loc[OUTCOMES[0]]
    assert dead["estimate"] == 2.5
    assert dead["value"] == one(compared, measure=OUTCOMES[0], group=screening.WITHOUT)
    assert table.set_index("measure").loc[screening.SEVERE, "estimate"] == 41


def test_what_cannot_be_is_refused(drawn):
    for plan in (Plan(0), Plan(1000, 1.2)):
        with pytest.raises(AnalysisError, match="births above 0"):
            screening.compare(drawn, {"it": plan})
    with pytest.raises(AnalysisError, match="exceed one"):
        screening.outcomes_by(drawn.assign(severe_of_three_copies=0.8))
    with pytest.raises(AnalysisError, match="begins later"):
        screening.outcomes_by(drawn.assign(severe_treated_months=1.0))


# --- the counted children -----------------------------------------------------------------------

FACTS = {row["id"]: row for row in tables.read("published_estimates").to_dict("records")}


def fact(name: str) -> float:
    return FACTS[f"sma_{name}"]["estimate"]


def of(name: str, people: str) -> int:
    """A count from a share that was printed."""
    return round(fact(name) / 100 * fact(people))


def taken_from_the_facts() -> dict[tuple[str, str], tuple[float, float]]:
    two, three, four, five = (of(f"screened_{n}_copies", "screened_people") for n in (2, 3, 4, 5))
    free = of("firefish_no_ventilator", "firefish_people")
    early = ("spr1nt_2", "spr1nt_3", "nurture")
    german = fact("german_2_on_time") + fact("german_2_after_delay")
    sat, stood = fact("firefish_sit_30_seconds"), fact("spr1nt_3_stand")
    eu = fact("str1ve_eu_no_ventilator_count")
    return {
        ("copies_two", "base"): (two, two + three),
        ("four_or_more_copies", "german_copies"): (four + five, fact("screened_people")),
        ("four_or_more_copies", "new_york_copies"): (
            fact("new_york_four_copies"),
            fact("new_york_found"),
        ),
        ("early_without_event", "base"): (
            sum(fact(f"{one}_alive") for one in early),
            sum(fact(f"{one}_people") for one in early),
        ),
        ("early_two_sit", "base"): (fact("spr1nt_2_sit"), fact("spr1nt_2_people")),
        ("early_two_walk", "base"): (german, fact("german_2_people")),
        ("early_three_sit", "base"): (stood, fact("spr1nt_3_people")),
        ("early_three_walk", "base"): (fact("spr1nt_3_walk"), stood),
        ("severe_without_event", "base"): (free, fact("firefish_people")),
        ("severe_sit", "base"): (sat, free),
        ("severe_walk", "base"): (fact("firefish_walk"), sat),
        ("severe_without_event", "gene_therapy"): (eu, fact("str1ve_eu_analysed")),
        ("severe_sit", "gene_therapy"): (fact("str1ve_eu_sit_count"), eu),
        ("severe_without_event", "endear"): (fact("endear_no_event"), fact("endear_treated")),
        ("severe_sit", "endear"): (fact("endear_sit"), fact("endear_no_event")),
        ("early_two_walk", "nurture"): (fact("nurture_2_walk"), fact("nurture_2_people")),
        ("early_two_walk", "spr1nt"): (fact("spr1nt_2_walk"), fact("spr1nt_2_people")),
    }


def test_every_count_follows_from_the_published_rows_that_it_names():
    listed = tables.read("screening_counts")
    taken = taken_from_the_facts()
    found = {
        (r["term"], r["variant"]): (r["value"], r["people"]) for r in listed.to_dict("records")
    }
    assert found == taken
    named = {name for facts in listed["facts"] for name in facts.split(";")}
    assert named <= set(FACTS)


def test_the_share_with_four_copies_spans_the_programmes_that_were_seen(rows):
    """Two programmes together for the value; the lowest and the highest of three for the limits."""
    four = rows.set_index("name").loc["four_or_more_copies"]
    taken = taken_from_the_facts()
    german, new_york = (
        taken["four_or_more_copies", f"{one}_copies"] for one in ("german", "new_york")
    )
    together = (german[0] + new_york[0]) / (german[1] + new_york[1])
    assert four["value"] == pytest.approx(together, abs=0.005)
    assert four["low"] == pytest.approx(new_york[0] / new_york[1], abs=0.005)
    second = FACTS["sma_german_four_copies"]
    highest = max(german[0] / german[1], second["estimate"] / second["people"])
    assert four["high"] == pytest.approx(highest, abs=0.006)


def test_the_types_of_the_tree_agree_with_those_of_children_with_symptoms(rows):
    """Of babies with two or three copies 17 in 27 x 0.79 + 10 in 27 x 0.15 are severe: 55 of 100.

    Published for people with symptoms, before treatment: 58 and 60 per cent have type 1.
    """
    listed = tables.read("screening_counts")
    base = screening.draws(rows, listed[listed["variant"] == "base"], number=1).head(1)
    courses = screening.outcomes_by(base)["courses"][0, :2, 0]
    share = base["copies_two"].iloc[0]
    severe = 100 * (share * courses[0] + (1 - share) * courses[1])
    assert severe == pytest.approx(55, abs=1)
    assert abs(severe - fact("type_1_united_states")) < 5
