"""The gate: the only maker of what is published, and what it refuses whatever its numbers are."""

import copy
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import disclosure, results, tables
from distance_to_care.disclosure import counts, gate, groups, models, words
from distance_to_care.problems import Problem
from distance_to_care.statistics import severity


def plain(**others) -> pd.DataFrame:
    people = {"group_by": "deprivation_quintile", "group": ["1", "2", "3"], "people": [40, 50, 60]}
    return pd.DataFrame(people | others)


def of_model(**others) -> pd.DataFrame:
    row = {"term": "sex", "group": "male", "people": 200, "deaths": 60, "level_people": 80,
           "level_deaths": 25, "model_events": 60, "model_parameters": 4, "estimate": 1.2345,
           "ci_low": 1.0456, "ci_high": 1.4567, "p_value": 0.01234, "unit": "ratio"}  # fmt: skip
    return pd.DataFrame([row | others])


def refused(table, said, **asked):
    with pytest.raises(Problem) as problem:
        disclosure.check(table, "registry", name="t", **asked)
    assert "'t' may not be published" in str(problem.value)
    assert said in str(problem.value)


def test_nothing_but_the_gate_makes_a_checked_table():
    made = disclosure.check(plain(), "registry", name="t")
    with pytest.raises(Problem, match="made by disclosure.check and by nothing else"):
        disclosure.Checked(plain(), "registry", "t", made.receipt)
    with pytest.raises((Problem, ValueError)):
        dataclasses.replace(made, content=b"")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.content = b""
    with pytest.raises(Problem, match="Only what disclosure.check made is written"):
        results.to_csv(plain())
    assert results.to_csv(made) == results.to_csv(copy.copy(made))


def test_what_was_checked_cannot_be_changed_afterwards():
    made = disclosure.check(plain(), "registry", name="t")
    mine = made.table
    mine.loc[0, "people"] = 3
    assert made.table["people"].tolist() == [40, 50, 60]
    made.receipt["shape"] = "not about people"
    made.receipt["numbers"]["threshold"] = 1
    assert made.shape == "counts"
    assert made.receipt["numbers"]["threshold"] == 10
    # No part of it is an object that could be changed where it stands.
    assert {type(value) for value in vars(made).values()} == {bytes, str}


def test_the_table_that_is_checked_is_left_as_it_was():
    table = plain(people=[4, 50, 60])
    disclosure.check(table, "registry", name="t")
    assert table["people"].tolist() == [4, 50, 60]


def test_a_receipt_says_what_was_done():
    made = disclosure.check(plain(people=[4, 53, 60]), "registry", name="t")
    receipt = made.receipt
    assert (receipt["profile"], receipt["shape"]) == ("minimum_10", "counts")
    assert receipt["numbers"] == disclosure.DEFAULT.numbers
    assert receipt["people"] == "60 to 64"
    assert receipt["cells_withheld"] == 2
    assert all(set(rule) == {"rule", "result"} for rule in receipt["rules"])
    assert "no place below a region" in [rule["rule"] for rule in receipt["rules"]]
    assert json.loads(json.dumps(receipt)) == receipt
    assert made.shape == "counts"


@pytest.mark.parametrize(
    ("people", "band"),
    [(2359, "2,355 to 2,359"), (10, "10 to 14"), (9, "fewer than 10"), (None, None)],
)
def test_how_many_there_are_is_said_as_a_band(people, band):
    table = pd.DataFrame({"group": ["all"], "people": pd.array([people], "Int64")})
    assert disclosure.check(table, "registry", name="t").receipt["people"] == band


def test_the_profile_of_the_study_and_of_the_environment_hold(monkeypatch):
    study = dataclasses.replace(
        tables.read_study("ipf"), disclosure=disclosure.profile("custom", round_to=20)
    )
    given_study = disclosure.check(plain(), "registry", name="t", study=study)
    assert given_study.table["people"].tolist() == [40, 40, 60]
    assert given_study.receipt["profile"] == "custom"
    disclosure.analysing(pd.DataFrame({"sex": ["male"]}), study)
    assert disclosure.check(plain(), "registry", name="t").receipt["numbers"]["round_to"] == 20
    monkeypatch.setenv("DISTANCE_TO_CARE_PROFILE", "custom threshold=45")
    found = disclosure.check(plain(), "registry", name="t")
    assert found.receipt["numbers"] == study.disclosure.numbers | {"threshold": 45}
    # 40 is small, and takes the next smallest with it.
    assert found.table["people"].isna().tolist() == [True, True, False]


def test_tables_that_are_not_about_people_pass_as_they_are():
    table = pd.DataFrame({"area": ["Somewhere"], "people": [3], "estimate": [1.23456]})
    made = disclosure.check(table.assign(level_people=1), "open", name="t")
    assert made.shape == "not about people"
    pd.testing.assert_frame_equal(made.table, table)
    assert made.receipt["people"] is None
    with pytest.raises(Problem, match="rows about people, and is published as 'open'"):
        disclosure.check(table.assign(kind="registry"), "open", name="t")


def test_synthetic_people_of_a_file_that_everybody_has_are_counted_and_no_more():
    table = pd.DataFrame({"term": ["a"], "estimate": [1.23456]})
    made = disclosure.check(table, "synthetic", name="t", about_people=False)
    assert made.shape == "not about people"
    assert made.table["estimate"].tolist() == [1.23456]
    # Nobody can say so of patients.
    refused(table, "does not say what stands behind them", about_people=False)


@pytest.mark.parametrize("column", sorted(words.SMALL_AREAS))
def test_no_small_area_leaves_from_people(column):
    refused(plain(**{column: "Somewhere"}), "nothing below a region")
    refused(plain(group_by=column), "a place below a region")
    refused(plain(variable=column.upper()), "a place below a region")
    # A column without a value, and a count of such places, name no place.
    disclosure.check(plain(**{column: ""}), "registry", name="t")
    disclosure.check(plain(**{column: None}), "registry", name="t")
    number = pd.DataFrame({"variable": [column], "group": ["all"], "people": [60]})
    disclosure.check(number, "registry", name="t")


def analysed() -> pd.DataFrame:
    return pd.DataFrame(
        {"person_id": ["RX-001", "123456", "17"], "centre": ["North", "St Mary, Leeds", "A"],
         "sex": ["male", "female", "male"], "area_code": "E01000001", "typed_in": "Odd Word"}
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["RX-001", "rx-001", "seen: RX-001.", "123456", "North", "at St Mary, Leeds", "E01000001",
     "(E01000001)", "odd word", "the north face", "A"],
)  # fmt: skip
def test_no_word_of_a_record_leaves_and_no_message_says_it(text):
    disclosure.analysing(analysed(), tables.read_study("ipf"))
    for column in ("group", "level", "variable", "term", "note", "measure"):
        with pytest.raises(Problem) as problem:
            disclosure.check(plain(**{column: text}), "registry", name="t")
        assert "a value from a person's record" in str(problem.value)
        assert text not in str(problem.value)


@pytest.mark.parametrize(
    ("text", "of"), [("male", "sex"), ("4", "gap_index"), ("all", "sex"), ("all", "any")]
)
def test_words_of_the_study_and_short_numbers_are_no_record(text, of):
    disclosure.analysing(analysed(), tables.read_study("ipf"))
    disclosure.check(plain(level=text, variable=of), "registry", name="t")
    disclosure.check(plain(measure="deprivation_quintile, a share"), "registry", name="t")


@pytest.mark.parametrize(
    ("typed", "said"),
    [("REGX-SECRET-77", "R E G X S E C R E T 7 7"), ("REGX-SECRET-77", "regx_secret_77"),
     ("REGX-SECRET-77", "seen: RegX/Secret.77"), ("REGXSECRET77", "regx - secret - 77"),
     ("REGXSECRET77", "ＲＥＧＸ－ＳＥＣＲＥＴ－７７"), ("123-456", "12 34 56"),
     ("St Mary, Leeds", "st.mary (leeds)")],
)  # fmt: skip
def test_a_word_of_a_record_is_known_however_it_is_written(typed, said):
    study = tables.read_study("ipf")
    disclosure.analysing(pd.DataFrame({"person_id": [typed, "other"]}), study)
    refused(plain(measure=said), "a value from a person's record")
    disclosure.check(plain(measure="a smart, bleedsafe share"), "registry", name="t")


def test_a_record_that_says_a_word_of_the_study_does_not_close_the_gate():
    disclosure.analysing(pd.DataFrame({"remark": ["Fe-male"]}), tables.read_study("ipf"))
    disclosure.check(plain(level="female", variable="sex"), "registry", name="t")


def somebody(study: str = "ipf") -> None:
    disclosure.analysing(pd.DataFrame({"person_id": ["RX-001"]}), tables.read_study(study))


@pytest.mark.parametrize("said", ["2+3", "2 and 3", "everyone", "everybody", "total", "0", "6"])
def test_groups_are_levels_of_the_study_and_not_put_together(said):
    table = plain(group_by="deprivation_quintile")
    somebody()
    disclosure.check(table, "registry", name="t")
    disclosure.check(table.assign(group=["all", "1", "2"]), "registry", name="t")
    for by in ("deprivation_quintile", "sex", "deprivation_quintile, sex"):
        odd = table.assign(group_by=by, group=[said, "1", "2"])
        refused(odd, "its column 'group' holds a group that is no level")
    nameless = plain().drop(columns="group_by")
    refused(nameless.assign(group=[said, "1", "2"]), "its column 'group' holds a group")
    refused(plain(level=said), "its column 'level' holds a group that is no level")


def test_groups_of_two_columns_are_levels_of_both():
    somebody()
    table = plain(group_by="deprivation_quintile, sex")
    disclosure.check(table.assign(group=["1, female", "2, male", "all"]), "registry", name="t")
    refused(table.assign(group=["1, female", "2+3, male", "all"]), "its column 'group' holds")


@pytest.mark.parametrize("column", ["group_by", "variable", "exposure"])
def test_people_are_counted_by_columns_of_the_study(column):
    somebody()
    table = plain(group_by="sex").assign(**{column: "sex"}, group=["all", "male", "female"])
    disclosure.check(table, "registry", name="t")
    for other in ("older than seventy", "sex, old", "region of mine"):
        refused(table.assign(**{column: other}), f"its column '{column}' counts people by what")


def test_a_study_says_which_groups_there_are():
    known = groups.of_study(tables.read_study("ipf"))
    assert known.of("sex") == {"female", "male"}
    assert known.of("distance_quintile") == known.of("deprivation_quintile") == set("12345")
    assert known.of("gap_index_stage") == {"I", "II", "III"}
    assert known.of("oxygen") == known.of("died") == {"true", "false"}
    assert known.of("centre") == known.of("nothing") == frozenset()
    assert known.measured["age_years"] == "years"
    assert known.measured["gap_index"] == "points"
    assert not {"oxygen", "sex", "died", "centre"} & set(known.measured)
    # Truths are written in either case, and numbers with or without decimals.
    somebody()
    table = plain(group_by="died").assign(group=[True, False, "all"])
    disclosure.check(table, "registry", name="t")
    disclosure.check(plain(group_by="deprivation_quintile").assign(group=[1.0, 2.0, 3.0]),
                     "registry", name="t")  # fmt: skip


def test_words_that_name_a_total_stand_in_tables_of_models_only():
    somebody()
    disclosure.check(of_model(group="everybody"), "registry", name="t")
    refused(plain().assign(group=["everybody", "1", "2"]), "its column 'group' holds a group")


@pytest.mark.parametrize("unit", ["days", "months", "weeks", "hours", "Days", "days of life"])
def test_a_time_at_which_follow_up_ends_is_in_years_and_says_how_many_died(unit):
    table = plain(estimate=[3.1, 4.1, 5.1], deaths=[20, 20, 20], measure="median")
    in_years = disclosure.check(table.assign(unit="years"), "registry", name="t").table
    assert in_years["estimate"].tolist() == [3.1, 4.1, 5.1]
    refused(table.assign(unit=unit), "in another unit than 'years'")
    own = table.assign(unit=unit, variable="follow_up_years")
    refused(own, "in another unit than 'years'")
    bare = table.drop(columns="deaths").assign(unit="years")
    refused(bare, "does not say how many died")
    refused(table.assign(deaths=[20, None, 20], unit="years"), "does not say how many died")
    # Of few deaths it is somebody's own, in whatever unit and of whatever column.
    of_few = table.assign(unit=unit, variable="referral_wait_days", deaths=[9, 20, 30])
    found = disclosure.check(of_few, "registry", name="t").table
    assert found["estimate"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize("unit", ["points", "years", "per cent of predicted", "months"])
def test_a_mean_of_yes_and_no_is_a_share_whatever_its_unit(unit):
    somebody()
    for variable in ("oxygen", "died", "sex"):
        table = plain(variable=variable, measure="mean", unit=unit, estimate=0.03, deaths=20)
        refused(table, "a mean of such a column is a share")
        refused(of_model(variable=variable, unit=unit), "a mean of such a column is a share")
    share = plain(variable="oxygen", unit="per cent", estimate=[3.0, 40.0, 50.0])
    found = disclosure.check(share, "registry", name="t").table
    assert found["estimate"].isna().tolist() == [True, True, False]


def test_a_unit_is_that_of_the_column_that_the_row_names():
    somebody()
    table = plain(estimate=[61.5, 62.5, 63.5], measure="mean")
    for variable, unit in (("age_years", "years"), ("gap_index", "points"), ("distance_km", "km"),
                           ("fvc_percent", "per cent of predicted")):  # fmt: skip
        disclosure.check(table.assign(variable=variable, unit=unit), "registry", name="t")
    for unit in ("points", "km", "copies", "percentage points", ""):
        refused(table.assign(unit=unit), "its column 'unit' is not that of")
        refused(table.assign(unit=unit, variable="age_years"), "its column 'unit' is not that of")
    refused(table, "does not say in which unit")
    for unit in ("chi-squared", "correlation"):
        disclosure.check(table.assign(unit=unit), "registry", name="t")


def test_what_a_page_says_is_withheld_still_needs_people_behind_it():
    table = plain(unit="per cent", estimate=[3.0, 4.0, 5.0], suppressed=True)
    unsaid = pd.array([None] * 3, "Int64")
    refused(table.assign(people=unsaid, at_risk=unsaid), "do not say how many people")
    of_time = table.assign(unit="years", deaths=unsaid)
    refused(of_time, "does not say how many died")


@pytest.mark.parametrize("column", disclosure.HIDDEN_COLUMNS)
def test_what_decides_and_is_not_published_never_leaves(column):
    for table in (plain(), of_model(), plain(step_events=20, step_censored=20, time_years=1.0)):
        made = disclosure.check(table.assign(**{column: 3}), "registry", name="t")
        assert column not in made.table


def test_a_fixed_time_says_what_happened_since_the_one_before():
    table = pd.DataFrame(
        {"measure": "survival", "group": "1", "time_years": [1.0, 2.0, 3.0], "people": 300,
         "at_risk": [250, 249, 248], "estimate": [0.8, 0.797, 0.794], "unit": "probability",
         "step_events": [50, 1, 1], "step_censored": 0}
    )  # fmt: skip
    found = disclosure.check(table, "registry", name="t").table
    assert found["estimate"].isna().tolist() == [False, True, True]
    refused(table.drop(columns="time_years").iloc[:1], "and no time")
    for column in counts.STEP_COLUMNS:
        unsaid = table.assign(**{column: [50, None, None]})
        refused(unsaid, "does not say how many had the event and how many left")


@pytest.mark.parametrize("column", ["statistic", "p_value"])
def test_the_result_of_a_test_stands_beside_its_test(column):
    table = plain(unit="points", **{column: [3.0, 4.0, 5.0]})
    refused(table, "an interval or a test without its estimate")
    refused(table.assign(estimate=1.0), "the result of a test beside what is no test")
    disclosure.check(table.assign(estimate=7.5, unit="chi-squared"), "registry", name="t")


@pytest.mark.parametrize(
    "text",
    ["three people died", "one woman", "no deaths", "nobody died", "2020-03-14", "14/3/2020",
     "12:30"],
)  # fmt: skip
def test_text_holds_no_dates_and_no_numbers_of_people_in_words(text):
    for column in ("measure", "term", "note", "scenario"):
        refused(plain(**{column: text}), f"its column '{column}' holds what no rule")
    disclosure.check(plain(measure="of those who are both, the two losses"), "registry", name="t")


def test_an_error_is_the_end_of_a_band():
    curve = pd.DataFrame(
        {"measure": "survival", "group": "1", "time_years": [0.0, 0.1], "at_risk": [90, 80],
         "deaths": [None, 10], "censored": [None, 10], "estimate": [1.0, 0.9],
         "unit": "probability", "largest_error": 0.035}
    ).astype({"deaths": "Int64", "censored": "Int64"})  # fmt: skip
    disclosure.check(curve, "registry", name="t")
    for own in (0.0313, 61.5):
        refused(curve.assign(largest_error=own), "its column 'largest_error' holds what no rule")


def test_rows_alike_in_all_that_they_name_could_be_one_a_person():
    table = plain(measure="mean", unit="points", estimate=[61.5, 62.5, 63.5])
    disclosure.check(table, "registry", name="t")
    refused(table.assign(group="1"), "several rows about the same")
    refused(pd.DataFrame({"people": [40, 50]}), "several rows about the same")


def test_a_share_says_of_how_many_people():
    somebody()
    table = plain(unit="per cent", estimate=[3.0, 40.0, 50.0])
    of_others = table.rename(columns={"people": "at_risk"})
    refused(of_others, "does not say of how many people")
    refused(table.assign(people=[40, None, 60], at_risk=50), "does not say of how many people")
    refused(table.assign(estimate=np.nan, ci_low=3.0), "an interval or a test without its")


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_words_of_a_record_are_known_whatever_the_type_of_their_column(dtype):
    people = pd.DataFrame({"remark": pd.Series(["oddword", "another"], dtype=dtype)})
    disclosure.analysing(people, tables.read_study("ipf"))
    with pytest.raises(Problem, match="a value from a person's record"):
        disclosure.check(plain(level="oddword"), "registry", name="t")


def test_what_is_typed_is_not_shown_when_the_gate_is_printed():
    found = words.of_cohort(analysed(), tables.read_study("ipf"))
    assert found.people == 3
    assert "rx-001" in found.typed
    assert "male" not in found.typed
    assert "RX-001".casefold() not in repr(found)


@pytest.mark.parametrize(
    "what",
    ["baseline hazard", "baseline_cumulative_hazard", "Schoenfeld residual", "martingale",
     "deviance residuals", "dfbeta", "leverage", "linear predictor", "predicted risk",
     "risk of each person", "individual prediction", "propensity score", "pseudo-value"],
)  # fmt: skip
def test_what_is_about_one_person_is_never_published(what):
    for column in ("measure", "estimand", "term", "unit"):
        refused(of_model(**{column: what}), "about single people")
    refused(plain(measure=what), "about single people")


def test_a_model_says_what_stands_behind_it():
    made = disclosure.check(of_model(), "registry", name="t")
    assert made.shape == "model"
    assert not set(disclosure.HIDDEN_COLUMNS) & set(made.table)
    assert made.table["estimate"].tolist() == [1.23]
    assert not made.table["suppressed"].any()
    for column in ("level_people", "model_events", "model_parameters"):
        refused(of_model().drop(columns=column), f"what stands behind them ({column})")
    for column in (*models.LOOKS, "model"):
        looks = plain(estimate=1.0).assign(**{column: 1.0})
        refused(looks, "what stands behind them")
    # Without an estimate nothing has to stand behind it.
    disclosure.check(plain(estimate=np.nan, term="sex"), "registry", name="t")


@pytest.mark.parametrize(
    ("numbers", "withheld"),
    [
        ({"model_events": 14, "model_parameters": 4}, False),
        ({"model_events": 13, "model_parameters": 4}, True),
        ({"model_events": None, "model_parameters": None}, False),
        ({"level_people": 10}, False),
        ({"level_people": 9}, True),
        ({"level_deaths": 10}, False),
        ({"level_deaths": 9}, True),
    ],
)
def test_a_model_with_too_little_behind_it_is_withheld(numbers, withheld):
    found = disclosure.check(of_model(**numbers), "registry", name="t").table
    for column in ("estimate", "ci_low", "ci_high", "p_value"):
        assert found[column].isna().tolist() == [withheld]
    assert found["suppressed"].tolist() == [withheld]


def test_estimates_need_people_behind_them():
    bare = pd.DataFrame({"measure": ["mean"], "estimate": [3.0]})
    refused(bare, "does not say how many people stand behind them")
    refused(
        pd.DataFrame({"group": ["1", "2"], "people": [60, None], "estimate": [3.0, 4.0]}),
        "some rows have estimates and do not say how many people",
    )
    disclosure.check(bare.assign(estimate=np.nan), "registry", name="t")
    disclosure.check(bare.assign(people=60), "registry", name="t")


def contribution(**changes) -> pd.DataFrame:
    row = {"measure": "score", "term": "sex", "with_term": "", "people": 300, "deaths": 60,
           "level_people": 90, "level_deaths": 20, "level_others": 70, "estimate": 1.23456789,
           "unit": "score"}  # fmt: skip
    rows = []
    for term in ("sex", "age"):
        rows += [row | {"measure": each, "term": term} for each in ("coefficient", "score")]
    for pair in (("sex", "sex"), ("sex", "age"), ("age", "age")):
        value = 1.23456789 if pair[0] == pair[1] else 0.1
        named = {"term": pair[0], "with_term": pair[1], "estimate": value}
        rows.append(row | named | {"measure": "information"})
    return pd.DataFrame([*rows[:-1], rows[-1] | changes])


def test_a_contribution_leaves_whole_with_every_digit_or_not_at_all():
    made = disclosure.check(contribution(), "registry", name="t")
    assert made.shape == "contribution"
    assert set(made.table["estimate"]) == {1.23456789, 0.1}
    assert not set(disclosure.HIDDEN_COLUMNS) & set(made.table)
    for column in ("people", "deaths", *disclosure.LEVEL_COLUMNS):
        refused(contribution(**{column: 9}), f"fewer than 10 stand behind a row ('{column}')")
        refused(contribution(**{column: None}), f"fewer than 10 stand behind a row ('{column}')")
        refused(contribution().drop(columns=column), f"does not say '{column}'")
    refused(contribution(deaths=11), "too few deaths for its terms")
    disclosure.check(contribution(deaths=12), "registry", name="t")
    # Who did not die is told by people less deaths.
    refused(contribution(deaths=291), "fewer than 10 did not die")
    disclosure.check(contribution(deaths=290), "registry", name="t")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(statistic=7.7777),
        lambda t: t.iloc[:-1],
        lambda t: pd.concat([t, t.tail(1)]),
        lambda t: t.assign(measure=t["measure"].replace("score", "follow-up")),
        lambda t: t.assign(estimate=t["estimate"].where(t["with_term"] != "age", -3.0)),
    ],
)
def test_nothing_but_the_sums_of_one_model_keeps_every_digit(change):
    with pytest.raises(Problem, match="may not be published"):
        disclosure.check(change(contribution()), "registry", name="t")


NO_COUNTS = (
    "areas", "replicates", "answers", "degrees_of_freedom", "value", "difference", "low", "high",
    "built_in", "published_estimate", "travel_minutes", "distance_km", "expected_patients",
    "largest_error", "oxygen_users", "group_size",
)  # fmt: skip


@pytest.mark.parametrize("column", NO_COUNTS)
def test_a_number_that_no_rule_judges_is_refused(column):
    for values in ([3, 4, 11], [3.14159, 1.5, 2.5], ["3", "4", "11"]):
        refused(plain(**{column: values}), f"its column '{column}' holds what no rule")


@pytest.mark.parametrize(
    "text",
    ["oldest 97", "3 people died", "3 died on day 417.0", "93.7", "on day 417", "7,7777"],
)
def test_text_holds_no_numbers_of_people(text):
    for column in ("measure", "note", "level", "term", "group", "model"):
        with pytest.raises(Problem, match=f"its column '{column}' (holds what no|names a small)"):
            disclosure.check(plain(**{column: text}), "registry", name="t")
    refused(plain(title="a title"), "its column 'title' holds what no rule")


def test_groups_are_few_and_not_anybodys_age():
    for value in (97, 41.5, "97", "365"):
        refused(plain(level=value), "its column 'level' holds what no rule")
    disclosure.check(plain(level="60 to 69"), "registry", name="t")


@pytest.mark.parametrize(
    "measure", ["maximum", "minimum", "smallest age", "largest", "range", "longest follow-up"]
)
def test_smallest_and_largest_values_are_somebodys_own(measure):
    table = plain(measure=measure, estimate=[97.0, 96.5, 95.0], unit="points")
    refused(table, "names a smallest or largest value")
    disclosure.check(table.assign(measure="interquartile range"), "registry", name="t")


@pytest.mark.parametrize(
    "unit", ["percent", "%", "share", "of 100 people", "per 100", "probability ", "Per cent"]
)
def test_a_share_has_one_of_two_names(unit):
    refused(plain(estimate=3.0, unit=unit), "names a share otherwise")


@pytest.mark.parametrize("unit", ["people", "deaths", "patients", "number"])
def test_a_count_is_no_estimate(unit):
    refused(plain(estimate=3.0, unit=unit), "counts have columns of their own")


def test_no_estimate_has_one_reason_whatever_it_is():
    table = plain(
        estimate=[3.0, None, None], note=["", "Follow-up ends before the horizon", ""],
        unit="years", deaths=20,
    )  # fmt: skip
    found = disclosure.check(table.assign(suppressed=[False, False, True]), "registry", name="t")
    assert found.table["note"].tolist() == ["", gate.NO_ESTIMATE, gate.NO_ESTIMATE]
    assert found.table["suppressed"].tolist() == [False, True, True]


def published(table: pd.DataFrame, name: str = "parent") -> pd.DataFrame:
    table = table.copy()
    table.attrs["published"] = name
    return table


def test_a_derived_table_holds_numbers_of_published_tables_only():
    parent = published(plain(estimate=[0.5, 0.25, 3.0]))
    beside = pd.DataFrame(
        {"measure": ["a", "b"], "estimate": [0.25, -3.0], "published_estimate": [9.0, 8.0]}
    )
    made = disclosure.check(beside, "registry", name="t", made_from={"parent": parent})
    assert made.shape == "derived"
    assert made.table["estimate"].tolist() == [0.25, -3.0]
    assert any("parent" in rule["rule"] for rule in made.receipt["rules"])
    strange = beside.assign(estimate=[0.25, 0.2501])
    refused(strange, "numbers that none of the published", made_from={"parent": parent})
    refused(beside, "was not read back", made_from={"parent": plain(estimate=1.0)})
    # No other name of a column, and no other way of writing it, lets a number of a person through.
    for column in ("value", "low", "high", "built_in", "time_years", "note", "level"):
        for values in ([82.31, 41.3], ["82.31", "41.3"]):
            own = beside.assign(**{column: values})
            refused(own, f"its column '{column}' holds numbers", made_from={"parent": parent})
    refused(beside.assign(people=[40, 41]), "'people' holds numbers", made_from={"parent": parent})
    disclosure.check(beside, "registry", name="t", made_from={"a": published(plain()), "b": parent})


def test_a_copied_table_moves_no_count_and_says_no_more_than_words():
    parent = published(plain(estimate=[0.5, 0.25, 3.0]))
    copied = pd.DataFrame({"measure": ["a"], "estimate": [0.5]})
    disclosure.check(copied, "registry", name="t", made_from={"parent": parent})
    for text in ("3 people died on day 417.0", "2020-03-14", "nobody died"):
        for column in ("measure", "note", "estimand"):
            said = copied.assign(**{column: text})
            refused(said, "text with numbers that could be", made_from={"parent": parent})
    moved = copied.assign(deaths=40)
    refused(moved, "'deaths' holds numbers that none", made_from={"parent": parent})
    somebody()
    of_one = copied.assign(people=40, group="1")
    refused(of_one, "its column 'group' holds a group", made_from={"parent": parent})
    of_one = of_one.assign(group_by="deprivation_quintile")
    disclosure.check(of_one, "registry", made_from={"p": parent})
    odd = copied.assign(people=40, group="everyone")
    refused(odd, "its column 'group' holds a group", made_from={"parent": parent})


def test_a_function_of_the_package_makes_a_derived_table_and_no_other_does():
    beside = published(
        pd.DataFrame({"built_in": [1.0, 2.0], "ci_low": [0.5, 3.0], "ci_high": [2.0, 4.0]})
    )
    made = disclosure.check(severity.missed, "registry", name="t", made_from={"beside": beside})
    assert made.shape == "derived"
    assert made.table["estimate"].tolist() == [1.0]
    for other in (lambda table: table, len, pd.DataFrame):
        with pytest.raises(Problem, match="not a plain function of the package"):
            disclosure.check(other, "registry", name="t", made_from={"beside": beside})
    with pytest.raises(Problem, match="from no published table"):
        disclosure.check(severity.missed, "registry", name="t")
    with pytest.raises(Problem, match="was not read back"):
        disclosure.check(severity.missed, "registry", name="t", made_from={"b": plain()})


def test_a_page_writes_receipts_and_refuses_a_cohort_under_another_kind(tmp_path, monkeypatch):
    page = results.Page("one", sources=["cohort"], kind="registry", root=tmp_path)
    found = page.publish(plain(estimate=[0.5, 0.25, 3.0]), "table", "A table")
    filed = json.loads((tmp_path / "one" / "manifest.json").read_text())["tables"]["table"]
    assert filed["disclosure"]["shape"] == "counts"
    twice = found[["group", "estimate"]]
    page.publish(twice, "copied", "Copied", made_from=["table"])
    filed = json.loads((tmp_path / "one" / "manifest.json").read_text())["tables"]["copied"]
    assert filed["disclosure"]["shape"] == "derived"
    with pytest.raises(Problem, match="numbers and names the cohort among its sources"):
        page.publish(plain(), "hidden", "Hidden", kind="scenario")
    page.publish(plain()[["group"]], "words", "Words", kind="scenario")
    opened = results.Page("two", sources=["cohort"], kind="open", root=tmp_path / "open")
    opened.publish(plain(), "table", "A table")
    monkeypatch.setenv("DISTANCE_TO_CARE_KIND", "registry")
    with pytest.raises(Problem, match="Publish it as what its people are"):
        opened.publish(plain(), "again", "A table")


# --- counts -------------------------------------------------------------------------------------


@st.composite
def count_tables(draw) -> pd.DataFrame:
    """Groups of people and those of them who died, with a row of everybody and their shares."""
    people = draw(st.lists(st.integers(0, 3000) | st.integers(0, 30), min_size=1, max_size=6))
    died = [draw(st.integers(0, each)) for each in people]
    unknown = draw(st.integers(0, 40))
    rows = [(str(place), *each) for place, each in enumerate(zip(people, died, strict=True))]
    rows.insert(0, ("all", sum(people) + unknown, sum(died)))
    table = pd.DataFrame(rows, columns=["group", "people", "deaths"])
    share = 100 * table["deaths"] / table["people"].where(table["people"] > 0)
    return table.assign(group_by="fifth", estimate=share, unit="per cent")


@settings(max_examples=40, deadline=None)
@given(count_tables(), st.sampled_from([*disclosure.PROFILES, "custom threshold=13 round_to=7"]))
def test_counts_of_any_cohort_keep_every_rule(table, named):
    profile = disclosure.from_words(named)
    made = disclosure.check(table, "registry", profile, name="t")
    found = made.table
    for column in ("people", "deaths"):
        shown = found[column].dropna()
        allowed = shown >= profile.threshold
        if not profile.zero_is_small:
            allowed |= shown == 0
        assert allowed.all()
        assert (shown % profile.round_to == 0).all()
        hidden = found[column].isna()[1:]
        if hidden.any() and len(hidden) > 1:
            assert hidden.sum() > 1
    known = found.dropna(subset=["people", "deaths"])
    assert (known["deaths"] <= known["people"]).all()
    if found["people"].notna().all() and len(found) > 1:
        difference = found["people"][0] - found["people"][1:].sum()
        assert difference == 0 or abs(difference) > profile.round_to * len(found) / 2
    # What a reader works out of a share is no small count either.
    shown = found.dropna(subset=["people", "estimate"]).astype({"people": float, "estimate": float})
    for share in (shown["estimate"], 100 - shown["estimate"]):
        worked_out = shown["people"] * share / 100
        small = worked_out < profile.threshold - 0.5
        assert not (small & ((worked_out >= 0.5) | profile.zero_is_small)).any()
    again = disclosure.check(found, "registry", profile, name="t").table
    pd.testing.assert_frame_equal(again, found)
    pd.testing.assert_frame_equal(
        disclosure.check(table, "registry", profile, name="t").table, found
    )


def test_nought_is_shown_where_the_profile_shows_it():
    table = plain(people=[0, 30, 60])
    shown = disclosure.check(
        table, "registry", disclosure.profile("nhs_england_hes"), name="t"
    ).table
    assert shown["people"].tolist() == [0, 30, 60]
    hidden = disclosure.check(table, "registry", name="t").table
    assert hidden["people"].isna().tolist() == [True, True, False]


def test_shares_are_worked_out_of_rounded_counts():
    table = pd.DataFrame(
        {"group": ["all"], "people": [98], "estimate": [100 * 33 / 98], "ci_low": [25.0],
         "ci_high": [43.0], "unit": "per cent"}
    )  # fmt: skip
    found = disclosure.check(table, "registry", disclosure.profile("opensafely"), name="t").table
    # 35 of 100, and not 33 of 98; its interval moves with it.
    assert found["people"].tolist() == [100]
    assert found["estimate"].tolist() == [35.0]
    assert found["ci_low"].tolist() == [26.3]
    # A probability at a time is no share of the people.
    at_a_time = table.assign(
        time_years=1.0, estimate=0.345, ci_low=0.3, ci_high=0.4, unit="probability"
    )
    found = disclosure.check(at_a_time, "registry", name="t").table
    assert found["estimate"].tolist() == [0.345]


def sizes_that_fit(shown: pd.DataFrame) -> list[int]:
    """A controller's attack: sizes, and whole counts, that every printed share of a group fits."""
    people, shares = int(shown["people"].iloc[0]), shown["estimate"].to_numpy(float)
    fits = []
    for size in range(people - 2, people + 3):
        low = np.ceil(size * (shares - 0.05) / 100 - 1e-9)
        high = np.floor(size * (shares + 0.05) / 100 + 1e-9)
        if (low <= high).all() and low.sum() <= size <= high.sum():
            fits.append(size)
    return fits


def test_the_shares_of_a_group_do_not_give_back_its_size_and_its_counts():
    truth = pd.Series([33, 29, 34, 31, 27], dtype=float)
    table = pd.DataFrame(
        {"measure": "share", "group": "1", "variable": "distance_quintile",
         "level": list("12345"), "people": int(truth.sum()),
         "estimate": 100 * truth / truth.sum(), "unit": "per cent"}
    )  # fmt: skip
    bare = table.assign(people=155, estimate=table["estimate"].round(1))
    assert sizes_that_fit(bare) == [154]
    found = disclosure.check(table, "registry", name="t").table
    # Each share says its rounded count and nothing else.
    counts_said = found["estimate"].astype(float) * 155 / 100
    assert np.allclose(counts_said, (truth / 5).round() * 5, atol=0.1)
    assert sizes_that_fit(found) in ([], [155])


def test_the_total_is_the_sum_of_the_groups_that_are_shown():
    table = pd.DataFrame({"group": ["all", "1", "2", "3"], "people": [96, 32, 32, 32]})
    assert disclosure.check(table, "registry", name="t").table["people"].tolist() == [
        90,
        30,
        30,
        30,
    ]
    # Where more people are in no group than rounding explains, the total is its own.
    more = table.assign(people=[116, 32, 32, 32])
    assert disclosure.check(more, "registry", name="t").table["people"].tolist()[0] == 115
    # Where a group is withheld, the total is its own too.
    few = table.assign(people=[68, 32, 32, 4])
    assert disclosure.check(few, "registry", name="t").table["people"].tolist()[0] == 70


@pytest.mark.parametrize(
    ("count", "words_of", "shown"),
    [(10, "minimum_10", 10), (12, "minimum_10", 10), (13, "minimum_10", 15),
     (8, "opensafely", 10), (12, "custom threshold=12", 15),
     (13, "custom threshold=13 round_to=7", 14),
     (52, "custom threshold=13 round_to=20", 60), (13, "custom threshold=13 round_to=20", 20)],
)  # fmt: skip
def test_a_count_is_rounded_and_never_to_below_the_threshold(count, words_of, shown):
    profile = disclosure.from_words(words_of)
    assert counts.rounded(pd.Series([count]), profile).tolist() == [shown]
    low, high = counts.bounds(shown, profile)
    assert low <= count <= high
    inside = counts.rounded(pd.Series(range(low, high + 1)), profile)
    assert (inside == shown).all()
    assert low == profile.threshold or counts.rounded(pd.Series([low - 1]), profile)[0] != shown
    assert counts.rounded(pd.Series([high + 1]), profile)[0] != shown
    assert counts.bounds(0, profile) == (0, 0)


def test_who_is_known_does_not_give_those_back_who_are_not():
    table = pd.DataFrame(
        {"measure": ["not known", "mean", "not known", "mean"], "variable": "lung",
         "group_by": "fifth", "group": ["1", "1", "2", "2"], "people": [100, 95, 200, 150],
         "missing": pd.array([5, None, 50, None], "Int64"), "estimate": [5.0, 40.0, 25.0, 41.0],
         "unit": ["per cent", "points", "per cent", "points"]}
    )  # fmt: skip
    found = disclosure.check(table, "registry", name="t").table
    # Both counts of those not known are withheld, so everybody is counted in both groups.
    assert found["missing"].isna().all()
    assert found["people"].tolist() == [100, 100, 200, 200]
    more = table.assign(missing=pd.array([15, None, 50, None], "Int64"), people=[100, 85, 200, 150])
    found = disclosure.check(more, "registry", name="t").table
    assert found["people"].tolist() == [100, 85, 200, 150]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(1.23456, "ratio", 1.23), (0.98765, "ratio", 0.99), (12.3456, "ratio", 12.3),
     (0.0123, "ratio", 0.01), (46.515432, "points", 46.5), (0.98765, "points", 0.988),
     (1234.5, "points", 1230), (0.0, "points", 0.0), (-5.2715, "points", -5.27)],
)  # fmt: skip
def test_estimates_keep_no_more_digits_than_tell_nobody(value, unit, shown):
    table = plain(estimate=value, unit=unit)
    found = disclosure.check(table, "registry", name="t").table
    assert found["estimate"].tolist() == [shown] * 3
    model = disclosure.check(of_model(p_value=0.012345), "registry", name="t").table
    assert model["p_value"].tolist() == [0.012]
    again = disclosure.check(found, "registry", name="t").table
    pd.testing.assert_frame_equal(again, found)


def test_the_ways_in_which_follow_up_ends_hide_one_another():
    table = pd.DataFrame(
        {"measure": ["file"], "people": [300], "deaths": [90], "transplants": [4],
         "censored": [206]}
    )  # fmt: skip
    found = disclosure.check(table, "registry", name="t").table
    assert found[["deaths", "transplants", "censored"]].isna().to_numpy().tolist() == [
        [True, True, False]
    ]
    enough = disclosure.check(table.assign(transplants=14), "registry", name="t").table
    assert enough[["deaths", "transplants", "censored"]].notna().all(axis=None)
