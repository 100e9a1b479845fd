"""Curves: every published step rests on enough people, and the price of that is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import cohort, disclosure, synthetic, tables
from distance_to_care.disclosure import curves
from distance_to_care.disclosure.counts import STEP_COLUMNS
from distance_to_care.problems import Problem
from distance_to_care.releasing import fixed_times
from distance_to_care.statistics import cohort_survival, competing_events


@st.composite
def cohorts(draw) -> pd.DataFrame:
    """People of any number: all censored, heavy ties, or one group of one person among them."""
    size = draw(st.one_of(st.integers(1, 80), st.integers(80, 300), st.just(2000)))
    seed = draw(st.integers(0, 2**32 - 1))
    dying = draw(st.sampled_from([0.0, 0.05, 0.4, 0.95, 1.0]))
    random = np.random.default_rng(seed)
    years = random.exponential(draw(st.sampled_from([0.3, 3.0])), size) + 0.001
    ties = draw(st.sampled_from([0.02, 0.25, 1.0]))
    outcome = random.choice(["died", "transplanted", "censored"], size,
                            p=[dying, (1 - dying) / 10, 0.9 * (1 - dying)])  # fmt: skip
    group = random.integers(1, draw(st.sampled_from([2, 4, 6])), size)
    group[0] = 9
    return pd.DataFrame(
        {"follow_up_years": np.ceil(years / ties) * ties, "outcome": outcome, "fifth": group}
    )


@settings(max_examples=15, deadline=None)
@given(cohorts())
def test_curves_of_any_cohort_keep_every_rule(people):
    exact = cohort_survival.kaplan_meier(people, "fifth")
    checked = disclosure.check(disclosure.merge_steps(exact), "registry", name="curves")
    table = checked.table
    assert checked.shape == "curve"
    later = table[table["time_years"] > 0]
    for column in ("at_risk", "deaths", "censored"):
        shown = table[column].dropna()
        assert (shown >= 10).all()
        assert (shown % 5 == 0).all()
    assert later["at_risk"].notna().all()
    size = people.groupby(people["fifth"].astype(str)).size()
    size["all"] = len(people)
    for group, steps in table.groupby("group"):
        assert steps["time_years"].is_monotonic_increasing
        alive = steps["estimate"].dropna().astype(float)
        assert alive.between(0, 1).all()
        assert (np.diff(alive) <= 0).all()
        whole = exact[exact["group"] == group]
        before = 0.0
        for row in steps[steps["time_years"] > 0].itertuples():
            inside = whole[whole["time_years"].between(before, row.time_years + 1e-9, "right")]
            # What happened in the step, in whole people: enough, or nobody.
            died = inside["deaths"].sum()
            assert died == 0 or died >= 10
            # Where nothing happened since the point before, the curve stands as it stood.
            exactly = whole.loc[whole["time_years"] <= row.time_years + 1e-9, "estimate"].iloc[-1]
            assert row.estimate == pytest.approx(exactly, abs=0.0006)
            before = row.time_years + 1e-9
            if size[group] < 60:
                assert row.time_years in (1, 2, 3, 5)
    again = disclosure.check(table, "registry", name="curves").table
    pd.testing.assert_frame_equal(again, table)
    repeated = disclosure.check(disclosure.merge_steps(exact), "registry", name="curves").table
    pd.testing.assert_frame_equal(repeated, table)


@settings(max_examples=6, deadline=None)
@given(cohorts())
def test_fixed_times_of_any_cohort_keep_every_rule(people):
    for made in (
        cohort_survival.summary(people, "fifth", (1, 2, 3, 5)),
        cohort_survival.at_risk(people, "fifth"),
        competing_events.incidence(people, "fifth", (1, 2, 3, 5)),
    ):
        table = disclosure.check(made, "registry", name="fixed").table
        for column in ("people", "at_risk", "deaths", "step_events", "step_censored"):
            shown = table[column].dropna() if column in table else pd.Series(dtype=int)
            assert (shown >= 10).all()
            assert (shown % 5 == 0).all()
        if "at_risk" in table and "people" in table:
            known = table.dropna(subset=["people", "at_risk"])
            assert (known["at_risk"] <= known["people"]).all()
        # An empty step of a published row says nobody, which has to be said before.
        told = table[[c for c in ("estimate", "at_risk") if c in table]].notna().any(axis=1)
        nobody = {c: table[c].mask(told & table[c].isna(), 0) for c in STEP_COLUMNS}
        # A median whose deaths are withheld for another's sake no longer says what it rests on.
        if "deaths" not in table or not (told & table["deaths"].isna()).any():
            again = disclosure.check(table.assign(**nobody), "registry", name="fixed").table
            pd.testing.assert_frame_equal(again, table)


def one_curve(times, deaths, left) -> pd.DataFrame:
    """A curve of a hundred people by hand: who dies at each time, and who leaves after it."""
    followed, alive, rows = 100, 1.0, []
    for time, died, gone in zip([0.0, *times], [0, *deaths], [0, *left], strict=True):
        alive *= 1 - died / followed
        rows.append((time, followed, died, alive))
        followed -= died + gone
    table = pd.DataFrame(rows, columns=["time_years", "at_risk", "deaths", "estimate"])
    return table.assign(group="all", ci_low=0.0, ci_high=1.0)


def test_a_step_waits_for_enough_censorings_as_it_does_for_deaths():
    # Ten die at each time. Four leave after the first, so the step waits for six more.
    found = disclosure.merge_steps(one_curve([0.5, 1.0, 1.5], [10, 10, 10], [4, 6, 0]))
    assert found["time_years"].tolist() == [0, 0.5, 1.5]
    assert found["deaths"].tolist()[1:] == [10, 20]
    assert found["censored"].isna().tolist() == [True, True, False]
    assert found["censored"].tolist()[2] == 10
    # Nobody leaves: every step may stand.
    found = disclosure.merge_steps(one_curve([0.5, 1.0, 1.5], [10, 10, 10], [0, 0, 0]))
    assert found["time_years"].tolist() == [0, 0.5, 1.0, 1.5]
    assert found["at_risk"].tolist() == [100, 100, 90, 80]


def test_a_curve_ends_where_too_few_are_followed():
    # At the third time 9 are followed, one fewer than the rule asks for.
    found = disclosure.merge_steps(one_curve([1, 2, 3], [10, 10, 9], [30, 41, 0]))
    assert found["time_years"].tolist() == [0, 1, 2]
    found = disclosure.merge_steps(one_curve([1, 2, 3], [10, 10, 10], [30, 40, 0]))
    assert found["time_years"].tolist() == [0, 1, 2, 3]
    assert found["at_risk"].tolist() == [100, 100, 60, 10]


def test_a_group_below_sixty_has_milestones_only():
    times, none = [0.4, 0.9, 1.4, 2.5, 4.0, 5.5], [0] * 6
    whole = one_curve(times, [10] * 6, none)
    # Nobody dies from 0.9 to 1 years: the step that could end at either ends at the milestone.
    merged = [0, 0.4, 1, 2, 3, 5, 5.5]
    assert disclosure.merge_steps(whole)["time_years"].tolist() == merged
    for followed, expected in ((59, [0, 1, 2, 3, 5]), (60, merged)):
        fewer = whole.assign(at_risk=whole["at_risk"] - 100 + followed)
        fewer = fewer[fewer["at_risk"] >= 10]
        found = disclosure.merge_steps(fewer)["time_years"].tolist()
        assert found == [each for each in expected if each <= max(found)]
        assert len(found) >= 4
    # At one year all of the first are counted, and nobody is at 1.4 years.
    fewer = whole.assign(at_risk=whole["at_risk"] - 41)
    found = disclosure.merge_steps(fewer[fewer["at_risk"] >= 10])
    assert found["deaths"].tolist()[1] == 20
    assert found["estimate"].tolist()[1] == whole["estimate"][2]


def test_times_are_rounded_up_to_tenths():
    found = disclosure.merge_steps(one_curve([0.31, 0.39, 0.4], [10, 10, 10], [0, 0, 0]))
    assert found["time_years"].tolist() == [0, 0.4]
    assert found["deaths"].tolist()[1] == 30


def test_the_largest_error_is_a_band_and_is_told():
    # Ten of a hundred die at one year: until then the line has gone down by a tenth, the curve not.
    found = disclosure.merge_steps(one_curve([1.0], [10], [0]))
    assert found["largest_error"].unique().tolist() == [0.1]
    # Where the curve falls day by day a line follows it, and the lowest band is said.
    days = [round(day / 20, 3) for day in range(1, 21)]
    falling = one_curve(days, [1] * 20, [0] * 20)
    assert disclosure.merge_steps(falling)["largest_error"].unique().tolist() == [0.01]
    nothing = disclosure.merge_steps(one_curve([], [], []))
    assert nothing["largest_error"].tolist() == [0.005]
    checked = disclosure.check(found, "registry", name="curve")
    told = {rule["rule"]: rule["result"] for rule in checked.receipt["rules"]}
    assert told["largest error against the exact curve"] == "up to 0.100"


@pytest.mark.parametrize(("people", "largest"), [(120, 0.08), (470, 0.06), (2359, 0.025)])
def test_what_protection_costs_is_known(people, largest):
    """At its points the curve is exact; between them it is off by no more than part of a step."""
    drawn = synthetic.draw(
        people, 7, tables.read_parameters("ipf"), tables.read("population_aged_50_plus")
    )
    exact = cohort_survival.kaplan_meier(drawn)
    found = disclosure.check(disclosure.merge_steps(exact), "registry", name="c").table
    at = np.searchsorted(exact["time_years"], found["time_years"] + 1e-9) - 1
    off = np.abs(found["estimate"].astype(float) - exact["estimate"].to_numpy()[at])
    assert off.max() <= 0.0006
    assert found["largest_error"].max() <= largest
    assert len(found) > 2


RAW = {"time_years": [0.0, 0.123, 0.456], "at_risk": [80, 79, 60], "estimate": [1.0, 0.98, 0.97]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "do not say the people behind each step (deaths, censored)"),
        ({"deaths": [None, 1, 1], "censored": [None, 15, 20]}, "fewer than 10 people (deaths)"),
        ({"deaths": [None, 15, 20], "censored": [None, 1, 1]}, "fewer than 10 people (censored)"),
        ({"deaths": [None, 15, 20], "censored": [None, 10, 10]}, "not a whole tenth of a year"),
        ({"deaths": [5, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2]},
         "something is counted at the start"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [59, 50, 40]}, "points besides the milestones"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [80, 50, 9]}, "fewer than 10 people (at_risk)"),
        ({"deaths": [None, 15, 20], "censored": [None] * 3, "time_years": [0, 0.1, 0.2],
          "at_risk": [80, 50, None]}, "does not say how many people are followed"),
    ],
)  # fmt: skip
def test_a_curve_that_is_not_merged_is_refused(change, said):
    table = pd.DataFrame(RAW | change).assign(measure="survival", group="all", unit="probability")
    for column in ("deaths", "censored", "at_risk"):
        if column in table:
            table[column] = table[column].astype("Int64")
    with pytest.raises(Problem) as problem:
        disclosure.check(table, "registry", name="raw_curve")
    assert said in str(problem.value)
    assert "'raw_curve' may not be published" in str(problem.value)


def test_a_curve_cannot_pass_for_a_plain_table():
    people = pd.DataFrame({"time_years": [1.0, 2.0], "people": 80, "estimate": [0.9, 0.8]})
    with pytest.raises(Problem, match="steps in time that are not merged"):
        disclosure.check(people.assign(unit="probability", group="all"), "registry", name="t")
    # One time is no curve.
    disclosure.check(people.head(1).assign(unit="probability", group="all"), "registry", name="t")
    # Nor are two groups at one time each.
    apart = people.assign(unit="probability", group=["1", "2"])
    disclosure.check(apart, "registry", name="t")
    # Before the first milestone every time is a step of a curve.
    early = people.assign(time_years=0.2).head(1)
    with pytest.raises(Problem, match="do not say the people behind each step"):
        disclosure.check(early, "registry", name="t")


def fixed(events, censored) -> pd.DataFrame:
    return pd.DataFrame(
        {"measure": "survival", "group": "all", "time_years": [1.0, 2.0, 3.0, 5.0],
         "people": 300, "at_risk": [200, 150, 100, 50], "step_events": events,
         "step_censored": censored, "estimate": [0.8, 0.7, 0.6, 0.5], "unit": "probability"}
    )  # fmt: skip


def test_a_fixed_time_since_which_too_little_happened_is_withheld_and_counts_for_the_next():
    checked = disclosure.check(fixed([20, 9, 6, 10], [30, 30, 30, 9]), "registry", name="t")
    table = checked.table
    assert checked.shape == "curve"
    assert table["estimate"].isna().tolist() == [False, True, False, True]
    assert table["at_risk"].isna().tolist() == [False, True, False, True]
    assert table["suppressed"].tolist() == [False, True, False, True]
    assert table["step_events"].tolist()[2] == 15
    assert table["step_censored"].tolist()[2] == 60
    assert table["people"].tolist() == [300] * 4


def test_nothing_that_happened_is_no_small_step():
    table = disclosure.check(fixed([20, 0, 10, 10], [0, 30, 0, 10]), "registry", name="t").table
    assert table["estimate"].notna().all()
    assert table["step_events"].isna().tolist() == [False, True, False, False]
    assert not table["suppressed"].any()


def test_tighter_numbers_are_kept_by_curves():
    strict = disclosure.profile("custom", smallest_step_events=25, smallest_at_risk=70)
    exact = one_curve([0.5, 1.0, 1.5, 2.0], [10, 10, 10, 10], [0, 0, 0, 0])
    merged = disclosure.merge_steps(exact, strict)
    # Thirty die by 1.5, but a step to there would leave too few for one to 2 years.
    assert merged["time_years"].tolist() == [0, 2.0]
    assert merged["deaths"].tolist()[1] == 40
    disclosure.check(merged, "registry", strict, name="t")
    with pytest.raises(Problem, match="fewer than 25 people"):
        disclosure.check(disclosure.merge_steps(exact), "registry", strict, name="t")
    kept = disclosure.check(fixed([20, 20, 20, 20], [20] * 4), "registry", strict, name="t").table
    assert kept["estimate"].isna().tolist() == [True, True, False, True]
    assert kept["at_risk"].isna().tolist() == [True, True, False, True]


def test_what_a_curve_is():
    curve = pd.DataFrame({"time_years": [1.0, 5.0], "estimate": 0.5})
    assert not curves.is_curve(curve)
    assert not curves.is_curve(curve.drop(columns="time_years"))
    assert not curves.is_curve(curve.assign(time_years=np.nan))
    assert curves.is_curve(curve.assign(time_years=[0, 1.0]))
    assert curves.is_curve(curve.assign(time_years=[1.0, 4.0]))
    assert curves.is_curve(curve.assign(largest_error=0.01))
    assert not curves.is_curve(curve.assign(time_years=[0, 1.0], step_events=1, step_censored=1))


# --- One set of points for all tables of a group --------------------------------------------------


def every_table(people: pd.DataFrame, by: str) -> dict[str, pd.DataFrame]:
    """All tables that tell the survival of groups, as they would be released."""
    made = {
        "curves": disclosure.merge_steps(cohort_survival.kaplan_meier(people, by)),
        "summary": cohort_survival.summary(people, by),
        "at_risk": cohort_survival.at_risk(people, by),
        "incidence": competing_events.incidence(people, by, (1, 2, 3, 5)),
        "ways": disclosure.merge_steps(competing_events.curves_of_death(people)),
    }
    return {name: disclosure.check(table, "synthetic").table for name, table in made.items()}


def published_times(table: pd.DataFrame, group: str) -> set[float]:
    shown = table[[c for c in ("estimate", "at_risk") if c in table]].notna().any(axis=1)
    return set(table.loc[shown & (table["group"] == group), "time_years"].dropna().astype(float))


def small_intervals(people: pd.DataFrame, times: set[float]) -> list[tuple[float, float]]:
    """The intervals between neighbouring times in which one to nine people died, or left."""
    years, died, points = people["follow_up_years"], people["outcome"] == "died", sorted(times)
    found = []
    for start, end in zip(points[:-1], points[1:], strict=True):
        inside = (years > start) & (years <= end)
        if 0 < (inside & died).sum() < 10 or 0 < (inside & ~died).sum() < 10:
            found.append((start, end))
    return found


def eight_hundred() -> pd.DataFrame:
    return synthetic.draw(
        800, 11, tables.read_parameters("ipf"), tables.read("population_aged_50_plus")
    )


@pytest.mark.parametrize("by", ["deprivation_quintile", "distance_quintile"])
@pytest.mark.parametrize("drawn", [eight_hundred, lambda: cohort.load().people])
def test_no_tables_together_tell_of_fewer_than_ten(drawn, by):
    people = drawn()
    if by not in people:
        people = people.assign(**{by: cohort.quintile(people["distance_km"])})
    told, fixed = every_table(people, by), 0
    for group in told["curves"]["group"].unique():
        members = people if group == "all" else people[people[by].astype(str) == group]
        times = {name: published_times(table, group) for name, table in told.items()}
        if group == "all":
            times["ways"] = published_times(told["ways"], competing_events.NAIVE)
        assert small_intervals(members, set().union(*times.values())) == []
        points = times.pop("curves")
        assert all(each <= points for each in times.values())
        fixed += len(times["summary"] & {1, 3, 5})
    assert fixed >= 12
    assert fixed_times.crossing(told) == []


def test_a_release_is_refused_where_a_fixed_time_cuts_a_merged_step():
    told = every_table(eight_hundred(), "deprivation_quintile")
    curve = told["curves"]
    without = curve[~((curve["group"] == "1") & (curve["time_years"] == 3))]
    (said,) = fixed_times.crossing({**told, "curves": without})
    assert said.startswith("at_risk, incidence, summary: survival is told at 3 years")
    # Everybody is one group, whatever column the others are told by, and by either method.
    ways = told["ways"][told["ways"]["time_years"] != 1]
    added = ways.assign(time_years=ways["time_years"].mask(ways["time_years"] == 2, 2.05))
    assert "2.05 years" in fixed_times.crossing({**told, "ways": added})[0]
    assert fixed_times.crossing({"ways": added}) == []


def test_a_merged_step_does_not_jump_over_a_milestone():
    # Ten die by 0.8 and five by 1.0; the next five by 1.3: a step to 0.8 would leave five.
    steps = one_curve([0.8, 1.0, 1.3, 2.4], [10, 5, 5, 10], [0] * 4)
    found = disclosure.merge_steps(steps)
    assert found["time_years"].tolist() == [0, 1.0, 2.4]
    assert found["deaths"].tolist()[1:] == [15, 15]


def test_as_many_fixed_times_stand_as_can_and_the_earliest_of_them():
    def chosen(events, times=(1.0, 2.0, 3.0, 5.0)):
        happened = np.column_stack([np.cumsum(events), np.zeros(len(events))])
        places = curves.standing(times, happened, np.full(len(events), 50.0), disclosure.DEFAULT)
        return [times[place] for place in places]

    assert chosen([10, 10, 10, 10]) == [1, 2, 3, 5]
    # Two years would stand alone beside one, and would take three years away.
    assert chosen([10, 10, 5, 10]) == [1, 3, 5]
    assert chosen([10, 2, 2, 6]) == [1, 5]
    assert chosen([10, 2, 2, 2]) == [1]
    # What is no milestone never stands; nor where too few are followed.
    assert chosen([10, 10], (1.0, 4.0)) == [1]
    few = curves.standing([1.0], np.array([[10.0, 0]]), np.array([9.0]), disclosure.DEFAULT)
    assert few == []


def test_transplants_are_told_at_points_of_the_survival_curve_and_of_few_nowhere():
    table = fixed([20] * 4, [30] * 4).assign(step_others=[12, 4, 12, 15])
    shown = disclosure.check(table, "registry", name="t").table
    # Four had one from one to two years; by three years sixteen since one year.
    assert shown["estimate"].isna().tolist() == [False, True, False, False]
    assert "step_others" not in shown
    # At a time at which survival may not stand nothing else does.
    table = fixed([20, 5, 20, 20], [30] * 4).assign(step_others=20)
    assert disclosure.check(table, "registry", name="t").table["estimate"].isna()[1]
    followed = (
        fixed([20] * 4, [20] * 4).drop(columns="at_risk").assign(step_followed=[90, 40, 9, 9])
    )
    shown = disclosure.check(followed, "registry", name="t").table
    assert shown["estimate"].isna().tolist() == [False, False, True, True]


def test_who_leaves_on_the_last_day_is_counted_once_the_day_is_over():
    people = pd.DataFrame({"follow_up_years": [1.0] * 12 + [2.0] * 12 + [3.0] * 30,
                           "outcome": ["died", "censored"] * 27})  # fmt: skip
    found = cohort_survival.at_risk(people)
    assert found["at_risk"].tolist() == [54, 54, 42, 30, 0]
    assert found["step_events"].tolist() == [0, 6, 6, 15, 0]
    assert found["step_censored"].tolist() == [0, 0, 6, 6, 15]


# --- Another event, told by two methods -----------------------------------------------------------


def by_group(counts: dict[str, list[int]], everybody: list[int] | None = None) -> pd.DataFrame:
    """Fixed times of groups that tell of another event: how many had it since the time before."""
    rows = {name: fixed([20] * 4, [40] * 4).assign(group=name, step_others=n, method="both")
            for name, n in counts.items()}  # fmt: skip
    told = everybody or [sum(each) for each in zip(*counts.values(), strict=True)]
    rows["all"] = fixed([80] * 4, [160] * 4).assign(step_others=told, method="both", people=900)
    # As in the table of competing events, the numbers still followed decide and are not told.
    return pd.concat(rows.values(), ignore_index=True).rename(columns={"at_risk": "step_followed"})


def shown_times(table: pd.DataFrame, group: str) -> list[float]:
    told = disclosure.check(table, "registry", name="t").table.dropna(subset="estimate")
    return told.loc[told["group"] == group, "time_years"].tolist()


def test_nobody_who_had_another_event_is_a_small_number_where_nought_is():
    table = fixed([20] * 4, [30] * 4).assign(step_others=[12, 0, 0, 12])
    shown = disclosure.check(table, "registry", name="t").table
    assert shown["estimate"].isna().tolist() == [False, True, True, False]
    lenient = disclosure.PROFILES["nhs_england_hes"]
    shown = disclosure.check(table, "registry", lenient, name="t").table
    assert shown["estimate"].notna().all()


def test_a_raised_threshold_holds_for_another_event_too():
    table = fixed([30] * 4, [60] * 4).assign(step_others=[12, 12, 12, 12])
    raised = replace(disclosure.DEFAULT, threshold=20)
    shown = disclosure.check(table, "registry", raised, name="t").table
    assert shown["estimate"].isna().tolist() == [True, True, False, True]


def test_where_one_group_may_not_tell_of_another_event_none_does():
    enough = by_group({"1": [12] * 4, "2": [12] * 4})
    assert shown_times(enough, "1") == shown_times(enough, "all") == [1, 2, 3, 5]
    # The second group may at three years only: else everybody less the first would be the second.
    one = by_group({"1": [12] * 4, "2": [4, 4, 4, 1]})
    assert shown_times(one, "1") == shown_times(one, "2") == [3]
    assert shown_times(one, "all") == [1, 2, 3, 5]
    none = by_group({"1": [12] * 4, "2": [1] * 4})
    assert shown_times(none, "1") == shown_times(none, "2") == []
    assert shown_times(none, "all") == [1, 2, 3, 5]


def test_people_in_no_group_are_a_group_that_may_not_be_told():
    # Three in no group had the other event in each step: twelve by five years, and few before.
    table = by_group({"1": [12] * 4, "2": [12] * 4}, everybody=[27] * 4)
    assert shown_times(table, "1") == shown_times(table, "2") == [5]
    assert shown_times(table, "all") == [1, 2, 3, 5]


def test_groups_of_other_rows_do_not_decide():
    table = by_group({"1": [12] * 4, "2": [1] * 4})
    other = by_group({"1": [12] * 4, "2": [12] * 4}).assign(measure="relapse")
    naive = by_group({"1": [12] * 4, "2": [1] * 4}).assign(method="one", step_others=np.nan)
    shown = disclosure.check(pd.concat([table, other, naive]), "registry", name="t").table
    known = shown.groupby(["measure", "method", "group"])["estimate"].count()
    assert known["survival", "both"].to_dict() == {"1": 0, "2": 0, "all": 4}
    assert (known["relapse", "both"] == 4).all()
    assert (known["survival", "one"] == 4).all()


def two_ways(transplants: int) -> pd.DataFrame:
    """Curves by both methods of four hundred people, some of whom had a transplant."""
    random = np.random.default_rng(2)
    people = pd.DataFrame({"follow_up_years": random.exponential(3, 400),
                           "outcome": random.choice(["died", "censored"], 400)})  # fmt: skip
    left = people.index[people["outcome"] == "censored"]
    people.loc[left[:transplants], "outcome"] = "transplanted"
    people.loc[left[:transplants], "follow_up_years"] = np.linspace(0.1, 2.9, transplants)
    return competing_events.curves_of_death(people)


@pytest.mark.parametrize(("transplants", "times"), [(0, [0]), (9, [0]), (10, [0, 3]),
                                                    (60, [0, 1, 2, 3])])  # fmt: skip
def test_a_curve_that_tells_of_another_event_has_points_where_enough_had_it(transplants, times):
    made = disclosure.merge_steps(two_ways(transplants))
    table = disclosure.check(made, "registry", name="c").table.set_index("group")
    competing = table.loc[[competing_events.COMPETING]]
    assert competing["time_years"].tolist() == times
    # No line joins its points, so that none can be off.
    assert competing["largest_error"].isna().all()
    naive = table.loc[[competing_events.NAIVE]]
    assert len(naive) > 10
    assert naive["largest_error"].notna().all()
    assert set(times) <= set(naive["time_years"])
    assert {"left", "left_for_another_event"}.isdisjoint(table)


@pytest.mark.parametrize(("size", "share"), [(40, 0.5), (200, 0.1), (600, 0.05), (600, 0.3)])
def test_curve_and_fixed_times_tell_of_another_event_at_the_same_times(size, share):
    random = np.random.default_rng(size)
    chances = [0.4, share, 0.6 - share]
    people = pd.DataFrame({"follow_up_years": random.exponential(3, size),
                           "outcome": random.choice(["died", "transplanted", "censored"], size,
                                                    p=chances),
                           "deprivation_quintile": random.integers(1, 3, size)})  # fmt: skip
    tables = every_table(people, "deprivation_quintile")
    given = people.loc[people["outcome"] == "transplanted", "follow_up_years"]
    rows = tables["incidence"]
    rows = rows[(rows["measure"] == "death") & (rows["method"] == competing_events.COMPETING)]
    shown = rows.dropna(subset="estimate")
    times = set(shown.loc[shown["group"] == "all", "time_years"])
    points = published_times(tables["ways"], competing_events.COMPETING) - {0}
    assert times == points
    assert bool(points) == (size > 40)
    by_then = [0, *((given < time).sum() for time in sorted(points))]
    assert (np.diff(by_then) >= 10).all()
    in_groups = shown[shown["group"] != "all"].groupby("time_years")["group"].nunique()
    assert (in_groups == 2).all()
    assert len(in_groups) == (len(points) if share == 0.3 else 0)
    assert fixed_times.crossing(tables) == []
