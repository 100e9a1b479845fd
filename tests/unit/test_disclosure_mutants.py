"""Disclosure control, rule by rule on exact tables: faults that mutation testing put in.

Each test here was written because a small change of the code had passed all others.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from distance_to_care import disclosure, places
from distance_to_care.disclosure import counts, curves, gate, models, profiles, words
from distance_to_care.disclosure.profiles import DEFAULT, Profile
from distance_to_care.problems import Problem

# --- Profiles -----------------------------------------------------------------------------------


def test_the_numbers_of_the_named_profiles():
    minimum = {
        "threshold": 10, "round_to": 5, "smallest_step_events": 10, "smallest_step_censored": 10,
        "smallest_at_risk": 10, "smallest_group_for_curve": 60, "residual_degrees_of_freedom": 10,
        "zero_is_small": True, "shares_from_rounded": True,
    }  # fmt: skip
    up_to_seven = {
        "threshold": 8, "smallest_step_events": 8, "smallest_step_censored": 8,
        "smallest_at_risk": 8,
    }  # fmt: skip
    assert disclosure.profile().numbers == minimum
    assert disclosure.profile("custom").numbers == minimum
    assert disclosure.profile("opensafely").numbers == minimum | up_to_seven
    assert disclosure.profile("nhs_england_hes").numbers == minimum | up_to_seven | {
        "zero_is_small": False
    }
    assert set(disclosure.PROFILES) == {"minimum_10", "opensafely", "nhs_england_hes", "custom"}
    assert disclosure.profile().name == "minimum_10"


def test_a_profile_is_tightened_number_by_number_and_keeps_the_others():
    tight = disclosure.profile("opensafely", threshold=12, zero_is_small=True)
    assert (tight.threshold, tight.round_to, tight.name) == (12, 5, "opensafely")
    assert tight.shares_from_rounded
    assert disclosure.profile("minimum_10", threshold=10) == disclosure.DEFAULT
    assert disclosure.profile("minimum_10", threshold=1000).threshold == 1000


@pytest.mark.parametrize(
    ("name", "tighter", "said"),
    [
        ("minimum_1", {}, "There is no disclosure profile 'minimum_1'. Did you mean 'minimum_10'?"),
        ("zzz", {}, "There is no disclosure profile 'zzz'. Known: minimum_10, opensafely, "
         "nhs_england_hes, custom."),
        ("custom", {"treshold": 12}, "Disclosure profiles have no number 'treshold'. Did you mean "
         "'threshold'?"),
        ("custom", {"qqq": 12}, "Disclosure profiles have no number 'qqq'. Known: threshold, "),
        ("custom", {"threshold": 12.0}, "The number 'threshold' of a disclosure profile must be a "
         "whole number."),
        ("custom", {"threshold": True}, "must be a whole number."),
        ("custom", {"threshold": "12"}, "must be a whole number."),
        ("custom", {"zero_is_small": 1}, "The number 'zero_is_small' of a disclosure profile must "
         "be true or false."),
        ("custom", {"threshold": 9}, "The number 'threshold' would loosen the disclosure profile "
         "'custom', which asks for 10. A profile can be tightened, never loosened."),
        ("custom", {"zero_is_small": False}, "'custom', which asks for true."),
        ("custom", {"threshold": 1001}, "The number 'threshold' of a disclosure profile is above "
         "1000: nothing would be published."),
    ],
)  # fmt: skip
def test_what_no_profile_may_be_is_told(name, tighter, said):
    with pytest.raises(Problem) as told:
        disclosure.profile(name, **tighter)
    assert said in str(told.value)


def test_a_profile_is_read_from_the_entries_of_a_study_file():
    assert profiles.from_entries({}) == DEFAULT
    entries = {"profile": "nhs_england_hes", "threshold": 9}
    assert profiles.from_entries(entries).threshold == 9
    assert not profiles.from_entries(entries).zero_is_small
    assert entries == {"profile": "nhs_england_hes", "threshold": 9}


def test_words_of_a_profile_are_read_as_they_are_written():
    assert disclosure.from_words("opensafely") == disclosure.profile("opensafely")
    tight = disclosure.from_words("opensafely threshold=12,zero_is_small=true round_to=10")
    assert (tight.threshold, tight.round_to) == (12, 10)
    hes = disclosure.from_words("nhs_england_hes zero_is_small=true")
    assert hes.zero_is_small
    assert disclosure.to_words(tight) == "opensafely threshold=12 round_to=10"
    assert disclosure.to_words(hes) == "nhs_england_hes zero_is_small=true"
    for each in (tight, hes, DEFAULT):
        assert disclosure.from_words(disclosure.to_words(each)) == each
    both = disclosure.strictest(disclosure.profile("opensafely"), disclosure.profile())
    assert disclosure.from_words(disclosure.to_words(both)) == both


@pytest.mark.parametrize(
    "text",
    ["custom threshold", "custom threshold=", "custom threshold=x", "custom threshold=-1",
     "custom threshold=٣", "custom threshold=1=2"],
)  # fmt: skip
def test_words_that_are_no_number_are_told(text):
    with pytest.raises(Problem) as told:
        disclosure.from_words(text)
    assert str(told.value) == (
        "The disclosure profile 'custom' is followed by a word that is not of the form "
        "number=value, for example threshold=12."
    )


def test_words_may_say_false_where_that_is_no_loosening():
    assert not disclosure.from_words("nhs_england_hes zero_is_small=false").zero_is_small
    with pytest.raises(Problem, match="would loosen"):
        disclosure.from_words("custom zero_is_small=false")
    with pytest.raises(Problem, match="no disclosure profile ''"):
        disclosure.from_words(" ")


def test_the_strictest_of_profiles_wins_number_by_number():
    opensafely, hes = disclosure.profile("opensafely"), disclosure.profile("nhs_england_hes")
    assert disclosure.strictest() == DEFAULT
    assert disclosure.strictest(None, opensafely) is opensafely
    both = disclosure.strictest(opensafely, hes)
    assert both is opensafely
    loose = disclosure.profile("nhs_england_hes", threshold=20)
    joined = disclosure.strictest(opensafely, loose, None)
    assert joined.name == "nhs_england_hes+opensafely"
    assert (joined.threshold, joined.zero_is_small, joined.shares_from_rounded) == (20, True, True)
    assert disclosure.strictest(loose, opensafely) == joined
    tight = disclosure.profile("opensafely", round_to=10)
    assert disclosure.strictest(joined, tight).name == "nhs_england_hes+opensafely"
    assert disclosure.strictest(tight, joined).name == "nhs_england_hes+opensafely"
    thrice = disclosure.strictest(joined, disclosure.profile("custom", round_to=10))
    assert thrice.name == "custom+nhs_england_hes+opensafely"


def test_the_profile_in_force_is_the_strictest_of_study_option_and_environment(monkeypatch):
    class Said:
        disclosure = disclosure.profile("custom", threshold=15)

    monkeypatch.delenv(places.PROFILE_VARIABLE, raising=False)
    assert disclosure.in_force() == DEFAULT
    assert disclosure.in_force(Said(), "opensafely round_to=10").threshold == 15
    assert disclosure.in_force(Said(), "opensafely round_to=10").round_to == 10
    assert disclosure.in_force(object(), "opensafely").threshold == 8
    monkeypatch.setenv(places.PROFILE_VARIABLE, "custom threshold=30")
    assert disclosure.in_force(Said(), "opensafely").threshold == 30
    assert disclosure.in_force().threshold == 30
    monkeypatch.setenv(places.PROFILE_VARIABLE, " ")
    assert disclosure.in_force() == DEFAULT


def test_a_profile_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT.threshold = 1


# --- Curves -------------------------------------------------------------------------------------

LOOSE = Profile("loose", smallest_step_events=3, smallest_step_censored=2, smallest_at_risk=4,
                smallest_group_for_curve=20)  # fmt: skip


def exact_curve(*steps, people=40, group="1") -> pd.DataFrame:
    """A curve from (time, deaths, left after it) for each death time; all are followed at first."""
    rows, still, alive = [(0.0, people, 0, 1.0)], people, 1.0
    for time, deaths, left in steps:
        alive *= 1 - deaths / still
        rows.append((time, still, deaths, alive))
        still -= deaths + left
    table = pd.DataFrame(rows, columns=["time_years", "at_risk", "deaths", "estimate"])
    return table.assign(
        measure="survival", group_by="fifth", group=group, ci_low=table["estimate"] - 0.1,
        ci_high=1.0, unit="probability",
    )  # fmt: skip


def test_a_step_ends_at_the_first_tenth_with_enough_deaths_and_enough_who_left():
    curve = exact_curve(
        (0.04, 1, 0), (0.12, 2, 1), (0.17, 1, 1), (0.33, 3, 0), (0.36, 1, 2), (0.41, 3, 0)
    )
    found = disclosure.merge_steps(curve, LOOSE)
    # By 0.1 one died; by 0.2 four died and two left, and by 0.4 as many more; then three died.
    assert found["time_years"].tolist() == [0, 0.2, 0.4, 0.5]
    assert found["deaths"].tolist() == [pd.NA, 4, 4, 3]
    assert found["censored"].tolist() == [pd.NA, 2, 2, pd.NA]
    assert found["at_risk"].tolist() == [40, 34, 28, 25]
    exact = curve.set_index("time_years")["estimate"]
    assert found["estimate"].tolist() == [1, exact[0.17], exact[0.36], exact[0.41]]
    assert found["ci_low"].iloc[2] == exact[0.36] - 0.1
    assert str(found["deaths"].dtype) == str(found["censored"].dtype) == "Int64"


def test_nobody_who_left_is_as_good_as_enough():
    found = disclosure.merge_steps(exact_curve((0.1, 3, 0), (0.2, 3, 2), (0.3, 3, 0)), LOOSE)
    assert found["time_years"].tolist() == [0, 0.1, 0.2, 0.3]
    assert found["deaths"].tolist() == [pd.NA, 3, 3, 3]
    # Those who leave after a death are counted with the step of the next one.
    assert found["censored"].tolist() == [pd.NA, pd.NA, pd.NA, 2]


def test_people_who_leave_before_the_first_death_are_counted():
    curve = exact_curve((0.1, 3, 0), people=40)
    curve.loc[1, "at_risk"] = 38
    found = disclosure.merge_steps(curve, LOOSE)
    assert found["censored"].tolist() == [pd.NA, 2]
    curve.loc[1, "at_risk"] = 39
    assert disclosure.merge_steps(curve, LOOSE)["time_years"].tolist() == [0]


def test_one_too_few_deaths_or_one_who_left_alone_makes_no_step():
    assert len(disclosure.merge_steps(exact_curve((0.1, 2, 0)), LOOSE)) == 1
    assert len(disclosure.merge_steps(exact_curve((0.1, 3, 1), (0.2, 3, 0)), LOOSE)) == 2
    later = disclosure.merge_steps(exact_curve((0.1, 3, 1), (0.2, 3, 1), (0.3, 3, 0)), LOOSE)
    assert later["time_years"].tolist() == [0, 0.1, 0.3]
    assert later["deaths"].tolist() == [pd.NA, 3, 6]


def test_a_curve_ends_where_too_few_are_followed():
    steps = (0.1, 18, 0), (0.2, 18, 0), (0.3, 3, 0)
    ends = disclosure.merge_steps(exact_curve(*steps), LOOSE)
    assert ends["time_years"].tolist() == [0, 0.1, 0.2, 0.3]
    strict = dataclasses.replace(LOOSE, smallest_at_risk=5)
    assert disclosure.merge_steps(exact_curve(*steps), strict)["time_years"].tolist() == [
        0, 0.1, 0.2,
    ]  # fmt: skip


def test_a_small_group_has_steps_at_milestones_only():
    steps = (0.5, 3, 0), (1.5, 3, 0), (2.0, 3, 0), (4.5, 3, 0), (6.0, 3, 0)
    small = disclosure.merge_steps(exact_curve(*steps, people=19), LOOSE)
    assert small["time_years"].tolist() == [0, 1, 2, 3, 5]
    assert small["deaths"].tolist() == [pd.NA, 3, 6, pd.NA, 3]
    large = disclosure.merge_steps(exact_curve(*steps, people=20), LOOSE)
    assert large["time_years"].tolist() == [0, 1, 1.5, 2, 3, 5, 6]


def test_groups_are_merged_each_by_itself():
    both = pd.concat([exact_curve((0.1, 2, 0)), exact_curve((0.1, 3, 0), group="2")])
    found = disclosure.merge_steps(both, LOOSE)
    assert found[["group", "time_years"]].to_numpy().tolist() == [["1", 0], ["2", 0], ["2", 0.1]]


def test_who_is_followed_is_looked_up_at_the_step_itself():
    found = disclosure.merge_steps(exact_curve((0.1, 37, 0), (0.2, 3, 0)), LOOSE)
    assert found["time_years"].tolist() == [0, 0.1]
    # Twenty are a group of twenty, also where one leaves before the first death.
    curve = exact_curve((0.1, 3, 0), people=20)
    curve.loc[1, "at_risk"] = 18
    assert disclosure.merge_steps(curve, LOOSE)["time_years"].tolist() == [0, 0.1]


def test_a_group_in_which_nobody_died_has_its_start_only():
    found = disclosure.merge_steps(exact_curve(), LOOSE)
    assert found["time_years"].tolist() == [0]
    assert found["at_risk"].tolist() == [40]


def test_groups_keep_their_order_and_one_without_a_name_is_a_group():
    parts = [exact_curve((0.1, 3, 0), group=group) for group in ("2", "1", None)]
    found = disclosure.merge_steps(pd.concat(parts).convert_dtypes(), LOOSE)
    assert found["group"].fillna("none").tolist() == ["2", "2", "1", "1", "none", "none"]
    assert found["deaths"].tolist() == [pd.NA, 3] * 3
    assert found.index.tolist() == list(range(6))


def test_the_largest_error_is_the_end_of_a_band():
    # The line from 1 to 0.925 is at most 0.075 above or below the step: the band ends there.
    found = disclosure.merge_steps(exact_curve((0.1, 3, 0)), LOOSE)
    assert found["largest_error"].tolist() == [0.075, 0.075]
    none = disclosure.merge_steps(exact_curve((0.1, 1, 0)), LOOSE)
    assert none["largest_error"].tolist() == [0.005]
    # A death at 0.12 inside the step to 0.2: the line there is at 0.955, the curve before it at 1.
    inner = disclosure.merge_steps(exact_curve((0.12, 2, 0), (0.2, 1, 0)), LOOSE)
    assert inner["largest_error"].tolist() == [0.045, 0.045]


def test_a_time_is_rounded_up_to_the_next_tenth_and_no_further():
    found = disclosure.merge_steps(exact_curve((0.3, 3, 0), (0.30000000001, 3, 0)), LOOSE)
    assert found["time_years"].tolist() == [0, 0.3]
    assert found["deaths"].tolist() == [pd.NA, 6]
    assert disclosure.merge_steps(exact_curve((0.31, 3, 0)), LOOSE)["time_years"].tolist() == [
        0, 0.4,
    ]  # fmt: skip


def published_curve(**changes) -> pd.DataFrame:
    table = pd.DataFrame(
        {"measure": "survival", "group_by": "fifth", "group": "1", "time_years": [0.0, 0.1, 0.3],
         "at_risk": [40, 30, 10], "deaths": [pd.NA, 10, 10], "censored": [pd.NA, pd.NA, 10]}
    )  # fmt: skip
    return table.assign(**changes).astype({"deaths": "Int64", "censored": "Int64"})


FEWER = Profile("fewer", smallest_group_for_curve=40)


def test_a_curve_that_keeps_the_rules_has_no_faults():
    assert curves.faults(published_curve(), FEWER) == []
    assert curves.faults(published_curve().iloc[::-1], FEWER) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deaths": [pd.NA, 9, 10]}, ["a step rests on fewer than 10 people (deaths)"]),
        ({"censored": [pd.NA, 10, 9]}, ["a step rests on fewer than 10 people (censored)"]),
        ({"at_risk": [40, 30, 9]}, ["a step rests on fewer than 10 people (at_risk)"]),
        ({"at_risk": [40, 30, None]}, ["a step does not say how many people are followed"]),
        ({"time_years": [0, 0.1, 0.31]},
         ["a time is not a whole tenth of a year, and may be somebody's day"]),
        ({"at_risk": [39, 30, 10]},
         ["a group of fewer than 40 people, or of an unknown number, has points besides the "
          "milestones"]),
        ({"at_risk": [None, 30, 10]},
         ["a group of fewer than 40 people, or of an unknown number, has points besides the "
          "milestones"]),
        ({"at_risk": [39, 30, 10], "time_years": [0.0, 1, 5]}, []),
        ({"deaths": [10, 10, 10]},
         ["something is counted at the start, before anything can have happened"]),
        ({"censored": [10, 10, 10]},
         ["something is counted at the start, before anything can have happened"]),
    ],
)  # fmt: skip
def test_each_rule_of_a_curve_has_its_fault(changes, said):
    assert curves.faults(published_curve(**changes), FEWER) == said


def test_a_curve_that_does_not_say_who_stands_behind_it_has_a_fault():
    bare = published_curve().drop(columns=["deaths", "censored"])
    assert curves.faults(bare, FEWER) == [
        "its points in time do not say the people behind each step (deaths, censored)"
    ]


def test_what_is_a_curve():
    assert curves.is_curve(published_curve())
    assert not curves.is_curve(published_curve().drop(columns="time_years"))
    assert not curves.is_curve(published_curve(time_years=[None, None, None]))
    assert not curves.is_curve(published_curve(time_years=[1.0, 2.0, 5.0]))
    assert curves.is_curve(published_curve(time_years=[1.0, 2.0, 4.0]))
    assert curves.is_curve(published_curve(time_years=[1.0, 2.0, 5.0], largest_error=0.1))
    assert curves.is_curve(published_curve(time_years=[1.0, None, 0.0]))
    assert not curves.is_curve(published_curve(step_events=1))


def test_fixed_times_are_withheld_until_enough_has_happened():
    table = pd.DataFrame(
        {"group": ["1"] * 4 + ["2"], "time_years": [3.0, 1.0, 2.0, None, 1.0],
         "step_events": [10, 4, 6, None, 0], "step_censored": [0, 10, 1, None, 0]},
        index=[5, 6, 7, 8, 9],
    )  # fmt: skip
    found, withheld = curves.milestones(table, DEFAULT)
    # At 1 four died, at 2 ten and eleven left; from there ten died until 3.
    assert withheld.to_dict() == {5: False, 6: True, 7: False, 8: False, 9: False}
    assert found["step_events"].tolist() == [10, 4, 10, pd.NA, pd.NA]
    assert found["step_censored"].tolist() == [pd.NA, 10, 11, pd.NA, pd.NA]


def test_rows_that_say_nothing_of_a_step_are_left_alone():
    table = pd.DataFrame(
        {"group": [None, None, "1", "1", "1", "1"], "time_years": [1.0, 2.0, 1.0, 2.0, 3.0, None],
         "step_events": [4, 6, 4, None, None, 3], "step_censored": [0, 0, None, None, 10, 0]}
    )  # fmt: skip
    found, withheld = curves.milestones(table, DEFAULT)
    # A group without a name is a group; a time of which nothing is said counts nothing.
    assert withheld.tolist() == [True, False, True, False, True, False]
    assert found["step_events"].tolist() == [4, 10, 4, pd.NA, 4, 3]
    assert found["step_censored"].tolist() == [pd.NA, pd.NA, pd.NA, pd.NA, 10, pd.NA]


def test_rows_alike_but_for_time_are_one_group():
    table = pd.DataFrame(columns=["measure", "group", "time_years", "people", "outcome", "value"])
    assert curves.keys(table) == ["measure", "group", "outcome", "value"]
    assert curves.keys(pd.DataFrame(columns=["time_years", "people"])) == ["time_years"]


# --- Models -------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["term", "reference", "standard_error", "adjusted_for", "model"])
def test_what_looks_like_a_model(column):
    table = pd.DataFrame({"estimate": [1.5], column: ["x"]})
    assert models.looks_like_one(table)
    assert models.looks_like_one(table.rename(columns={"estimate": "hazard_ratio"}))
    assert not models.looks_like_one(table.drop(columns=column))
    assert not models.looks_like_one(table.drop(columns="estimate"))


def test_counts_of_a_model_make_a_model():
    assert models.looks_like_one(pd.DataFrame({"estimate": [1.5], "model_events": [20]}))
    assert models.looks_like_one(
        pd.DataFrame({"estimate": [1.5, np.nan], "hazard_ratio": [1.0, np.nan]})
    )


@pytest.mark.parametrize(
    "said",
    ["baseline hazard", "baseline_cumulative_hazard", "Schoenfeld test of a person", "dfbeta",
     "martingale", "deviance residual", "leverage", "influence", "cook's distance",
     "linear predictor", "frailty", "risk per person", "of each person", "individual risk",
     "predicted survival", "pseudo-value", "propensity score", "random effect"],
)  # fmt: skip
@pytest.mark.parametrize("column", models.WORDS)
def test_what_is_about_single_people_is_never_said(said, column):
    table = pd.DataFrame({column: ["hazard ratio", said], "people": 100})
    assert models.never(table) == [
        f"its column '{column}' names what is about single people (baseline hazards, residuals, "
        "influence or predictions)"
    ]
    assert models.never(table.iloc[:1]) == []
    assert models.never(table.rename(columns={column: "note"})) == []


def test_events_beyond_the_parameters_decide():
    table = pd.DataFrame({"model_events": [19, 20, None], "model_parameters": [10, 10, 1]})
    assert models.withheld(table, DEFAULT).tolist() == [True, False, False]


def test_a_row_that_says_nothing_of_a_model_is_not_withheld():
    unknown = pd.DataFrame(
        {"model_events": pd.array([None, 5], "Int64"), "model_parameters": [1, 1]}, index=[3, 7]
    )
    found = models.withheld(unknown, DEFAULT)
    assert found.to_dict() == {3: False, 7: True}
    assert found.dtype == bool
    of_none = models.withheld(unknown[["model_events"]], DEFAULT)
    assert of_none.to_dict() == {3: False, 7: False}


def test_a_model_says_what_stands_behind_it():
    table = pd.DataFrame({"estimate": [1.5], "level_people": 20, "model_events": 9})
    assert models.faults(table) == [
        "it holds estimates of a model, and does not say what stands behind them (model_parameters)"
    ]
    assert models.faults(table.assign(model_parameters=1)) == []
    bare = pd.DataFrame({"hazard_ratio": [1.5], "level_people": 20})
    assert models.faults(bare)[0].endswith("behind them (model_events, model_parameters)")
    assert models.faults(bare.assign(hazard_ratio=np.nan)) == []
    assert len(models.faults(table.assign(model_parameters=1, measure="leverage"))) == 1


def contribution(**changes) -> pd.DataFrame:
    return pd.DataFrame(
        {"measure": ["coefficient", "score"], "people": 100, "deaths": [30, 11],
         "level_people": 20, "level_deaths": 10, "level_others": 10}
    ).assign(**changes)  # fmt: skip


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (contribution(), []),
        (contribution(deaths=[30, 10]), ["its model has too few deaths for its terms"]),
        (contribution(people=[100, 9]),
         ["fewer than 10 stand behind a row ('people')", "fewer than 10 did not die"]),
        (contribution(people=[40, 20]), ["fewer than 10 did not die"]),
        (contribution(people=[40, 21]), []),
        (contribution(level_others=[10, 9]), ["fewer than 10 stand behind a row ('level_others')"]),
        (contribution(level_deaths=[9, 10]), ["fewer than 10 stand behind a row ('level_deaths')"]),
        (contribution(level_people=[None, 10]),
         ["fewer than 10 stand behind a row ('level_people')"]),
        (contribution().drop(columns="level_people"), ["it does not say 'level_people'"]),
        (contribution().drop(columns="measure"), []),
        (pd.concat([contribution(), contribution().iloc[1:]]), []),
    ],
)  # fmt: skip
def test_a_contribution_leaves_whole_or_not_at_all(table, said):
    assert models.contribution_faults(table, DEFAULT) == said


# --- Words --------------------------------------------------------------------------------------


class _Column:
    def __init__(self, kind, levels=()):
        self.type, self.levels = kind, levels


class _Study:
    columns = {
        "person_id": _Column("string"),
        "sex": _Column("string", ("female", "male")),
        "age_years": _Column("number"),
        "hospital": _Column("string"),
    }
    disclosure = DEFAULT


def analysed() -> words.Analysed:
    people = pd.DataFrame(
        {"person_id": ["Q7-1", "1234", "12345"], "sex": ["female", "male", "male"],
         "age_years": [61.2, 70.0, 80.0], "hospital": ["St Elsewhere ", "male", None],
         "typed": ["a remark", "x", "y"], "flag": [True, False, True]}
    )  # fmt: skip
    return words.of_cohort(people, _Study())


def test_only_words_of_records_are_gathered():
    found = analysed()
    assert found.typed == {"q7-1", "12345", "st elsewhere", "a remark", "x", "y"}
    assert found.people == 3
    assert found.profile is DEFAULT
    assert "q7-1" not in repr(found)


def test_words_of_the_study_and_of_every_table_are_nobodys():
    people = pd.DataFrame({"hospital": ["All", "TRUE", "false", "Person_ID", "MALE", " ", "b c"]})
    assert words.of_cohort(people, _Study()).typed == {"b c"}

    class Plain:
        columns = {"hospital": _Column("string")}

    assert words.of_cohort(people, Plain()).profile is None
    assert words.of_cohort(people, Plain()).people == 7


@pytest.mark.parametrize(
    ("text", "refused"),
    [("Q7-1", True), ("person q7-1.", True), ("(12345)", True), ("at st elsewhere today", True),
     ("1234", False), ("male", False), ("q7-12", False), ("elsewhere", False)],
)  # fmt: skip
def test_a_word_of_a_record_is_found_in_text(text, refused):
    table = pd.DataFrame({"level": ["plain", text], "people": [12345, 20]})
    said = ["its column 'level' holds a value from a person's record"]
    assert words.typed_words(table, analysed()) == (said if refused else [])
    assert words.typed_words(table, words.Analysed()) == []


def test_places_below_a_region_are_refused():
    table = pd.DataFrame({"centre": ["a"], "people": [100]})
    said = ["it has a column 'centre', and nothing below a region is published from people"]
    assert words.small_areas(table) == said
    assert words.small_areas(table.assign(centre="")) == []
    assert words.small_areas(table.assign(centre=None)) == []
    assert words.small_areas(table.rename(columns={"centre": "region"})) == []
    assert len(words.small_areas(table.assign(ward="b"))) == 2


@pytest.mark.parametrize("naming", words.NAMING)
@pytest.mark.parametrize("value", words.VALUES)
def test_a_variable_that_names_a_place_has_no_values(naming, value):
    table = pd.DataFrame({naming: ["sex", "Centre"], value: ["female", "x"]})
    assert words.small_areas(table) == [
        f"its column '{naming}' names a place below a region, whose values stand beside it"
    ]
    assert words.small_areas(table.assign(**{value: ["female", "all"]})) == []
    assert words.small_areas(table.assign(**{value: ["female", ""]})) == []
    assert words.small_areas(table.assign(**{value: ["female", None]})) == []
    assert words.small_areas(table[[naming]]) == []


# --- Counts and the gate ------------------------------------------------------------------------


def table_of(people, **others) -> pd.DataFrame:
    groups = [str(place + 1) for place in range(len(people))]
    return pd.DataFrame({"group_by": "fifth", "group": groups, "people": people, **others})


def test_counts_are_rounded_and_never_to_below_the_threshold():
    numbers = pd.Series([10, 11, 12, 13, 17, 18, 9, None], dtype="Int64")
    assert counts.rounded(numbers, DEFAULT).tolist() == [10, 10, 10, 15, 15, 20, 10, pd.NA]
    eight = disclosure.profile("opensafely")
    assert counts.rounded(pd.Series([8, 9, 12]), eight).tolist() == [10, 10, 10]
    seven = dataclasses.replace(DEFAULT, threshold=7)
    assert counts.rounded(pd.Series([7, 6]), seven).tolist() == [10, 5]
    assert counts.lowest_shown(DEFAULT) == 10
    assert counts.lowest_shown(eight) == 10
    assert counts.lowest_shown(dataclasses.replace(DEFAULT, threshold=11)) == 15


@pytest.mark.parametrize("profile", [DEFAULT, disclosure.profile("opensafely")])
def test_bounds_hold_every_count_that_is_shown_so_and_no_other(profile):
    every = pd.Series(range(profile.threshold, 60))
    shown = counts.rounded(every, profile)
    for value in shown[shown < 55].unique():
        of_it = every[(shown == value).to_numpy(bool)]
        assert counts.bounds(int(value), profile) == (of_it.min(), of_it.max())
    assert counts.bounds(0, profile) == (0, 0)


def test_small_counts_and_nought():
    numbers = pd.Series([0, 1, 9, 10, None], dtype="Int64")
    assert counts.is_small(numbers, DEFAULT).tolist() == [True, True, True, False, False]
    hes = disclosure.profile("nhs_england_hes")
    assert counts.is_small(numbers, hes).tolist() == [False, True, False, False, False]


def test_the_gate_alone_makes_what_may_be_published():
    with pytest.raises(Problem, match="made by disclosure.check and by nothing else"):
        disclosure.Checked(table_of([20]), "registry", "x", {"shape": "counts"})
    checked = disclosure.check(table_of([20, 30]), "registry", name="x")
    copy = checked.table
    copy.loc[0, "people"] = 3
    assert checked.table["people"].tolist() == [20, 30]
    assert (checked.shape, checked.kind, checked.name) == ("counts", "registry", "x")
    assert checked.receipt["profile"] == "minimum_10"
    assert checked.receipt["numbers"] == DEFAULT.numbers
    assert checked.receipt["people"] == "30 to 34"
    assert checked.receipt["cells_withheld"] == 0
    assert disclosure.check(table_of([3, 20, 30]), "registry").receipt["cells_withheld"] == 2
    assert disclosure.check(table_of([3]), "registry").receipt["people"] == "fewer than 10"
    assert disclosure.check(table_of([3]), "registry", DEFAULT).table["people"].isna().all()


def test_tables_about_nobody_pass_and_lose_what_only_decides():
    table = table_of([3], kind="open", level_people=1, model_events=1)
    checked = disclosure.check(table, "open")
    assert checked.shape == "not about people"
    assert checked.receipt["people"] is None
    assert checked.table["people"].tolist() == [3]
    assert list(checked.table) == ["group_by", "group", "people", "kind"]
    with pytest.raises(Problem, match="rows about people, and is published as 'open'"):
        disclosure.check(table.assign(kind="registry"), "open")


def test_bands_are_of_five():
    assert [disclosure.band(n) for n in (0, 4, 5, 2359)] == [
        "0 to 4", "0 to 4", "5 to 9", "2,355 to 2,359",
    ]  # fmt: skip
    assert disclosure.band(pd.NA) is None


def test_each_shape_is_told_from_its_columns():
    curve = disclosure.merge_steps(exact_curve((0.1, 10, 0), people=90), DEFAULT)
    assert disclosure.check(curve, "registry").shape == "curve"
    model = pd.DataFrame(
        {"measure": "hazard ratio", "term": ["sex"], "people": 100, "estimate": 1.5,
         "level_people": 20, "level_deaths": 20, "model_events": 30, "model_parameters": 1}
    )  # fmt: skip
    checked = disclosure.check(model, "registry")
    assert checked.shape == "model"
    assert checked.table["estimate"].tolist() == [1.5]
    assert set(checked.table) & set(counts.HIDDEN_COLUMNS) == set()
    few = disclosure.check(model.assign(model_events=10), "registry")
    assert few.table["estimate"].isna().all()
    assert disclosure.check(model.assign(level_deaths=9), "registry").table["estimate"].isna().all()
    with pytest.raises(Problem, match="does not say what stands behind them"):
        disclosure.check(model.drop(columns="model_events"), "registry")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (table_of([20], centre="x"), "nothing below a region"),
        (table_of([20], measure="martingale"), "about single people"),
        (pd.DataFrame({"group": ["1"], "estimate": [0.5]}), "does not say how many people"),
        (pd.DataFrame({"group": ["1", "2"], "people": [20, None], "estimate": [0.5, 0.5]}),
         "some rows have estimates and do not say"),
        (table_of([50, 40], time_years=[1.0, 2.0]).assign(group="1"), "not merged"),
        (exact_curve((0.1, 3, 0)), "do not say the people behind each step"),
    ],
)  # fmt: skip
def test_what_cannot_be_mended_is_refused(table, said):
    with pytest.raises(Problem, match=said) as told:
        disclosure.check(table, "registry", name="mine")
    assert str(told.value).startswith("The table 'mine' may not be published: ")


def test_a_derived_table_holds_published_numbers_only():
    published = table_of([20, 30])
    with pytest.raises(Problem, match="was not read back"):
        disclosure.check(published, "registry", made_from={"a": published})
    published.attrs["published"] = "a"
    copied = disclosure.check(published.iloc[:1], "registry", made_from={"a": published})
    assert copied.shape == "derived"
    assert copied.table["suppressed"].tolist() == [False]
    with pytest.raises(Problem, match="holds numbers that none of the published tables holds"):
        disclosure.check(table_of([21]), "registry", made_from={"a": published})


def test_the_gate_looks_for_words_of_those_who_are_analysed():
    before = gate._analysed
    try:
        gate._analysed = analysed()
        with pytest.raises(Problem, match="holds a value from a person's record") as told:
            disclosure.check(table_of([20], level="Q7-1"), "registry")
        assert "q7-1" not in str(told.value).casefold()
    finally:
        gate._analysed = before
