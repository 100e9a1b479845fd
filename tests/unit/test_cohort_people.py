"""Who is in a cohort: invented people, and the rule that what has to be empty is not missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented_people import people as invented_people

from distance_to_care import cohort, disclosure, places, results, synthetic, tables
from distance_to_care.disclosure import attacker
from distance_to_care.statistics import cohort_missing, cohort_people


@pytest.fixture(scope="module")
def study():
    return tables.read_study("ipf")


@pytest.fixture(scope="module")
def ten(study) -> pd.DataFrame:
    """The ten invented people, prepared as every cohort is."""
    return cohort.prepare(invented_people(study), study)


def one(table: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


# --------------------------------------------------------------------------------------- the flow


def test_each_step_counts_who_is_in_it_and_how_their_follow_up_ended(ten, study):
    models = {"age_sex": "age and sex known", "as_published": "the whole model known"}
    flow = cohort_people.flow(ten, study, models).set_index("model")
    assert flow["measure"].tolist() == [
        "1: in the file",
        "2: deprivation known",
        "3: distance known",
        "4: age and sex known",
        "5: the whole model known",
    ]
    everybody = flow.loc["all"]
    assert everybody[["people", "deaths", "transplants", "censored"]].tolist() == [10, 3, 1, 6]
    assert pd.isna(everybody["missing"])
    assert everybody["note"] == ""
    assert flow["missing"].notna().sum() == 4
    # One person has an area instead of deprivation and distance.
    for step in ("deprivation_quintile", "distance_quintile", "age_sex"):
        assert flow.loc[step, ["people", "missing"]].tolist() == [9, 1]
    assert flow.loc["distance_quintile", "note"] == "needs: Distance"
    # One more never had a gas transfer, and one more has no length of symptoms.
    assert flow.loc["as_published", ["people", "missing", "deaths"]].tolist() == [7, 3, 3]
    # What is needed is called what the study calls it, whether somebody lacks it or not.
    needed = "Deprivation, Distance, Smoking, GAP index, Duration of symptoms"
    assert flow.loc["as_published", "note"] == f"needs: {needed}"


def test_a_model_takes_those_for_whom_both_exposures_are_known(ten, study):
    ten = ten.copy()
    ten.loc[ten["deprivation_quintile"] == 5, "distance_quintile"] = pd.NA
    flow = cohort_people.flow(ten, study, {"age_sex": "age and sex known"}).set_index("model")
    assert flow["people"].tolist() == [10, 9, 8, 8]


# ------------------------------------------------------------------------------------ the table


def test_measurements_have_mean_spread_and_quartiles_of_those_who_were_measured(ten, study):
    table = cohort_people.table_one(ten, study, "deprivation_quintile")
    ages = [72.4] * 8 + [58.0, 110.0]
    wanted = {
        "mean": np.mean(ages),
        "standard deviation": np.std(ages, ddof=1),
        "median": 72.4,
        "lower quartile": 72.4,
        "upper quartile": 72.4,
    }
    for measure, value in wanted.items():
        row = one(table, measure=measure, variable="age_years", group="all")
        assert row["estimate"] == pytest.approx(value)
        assert (row["people"], row["unit"]) == (10, "years")
    of_group = one(table, measure="mean", variable="age_years", group="1")
    assert of_group["estimate"] == pytest.approx((72.4 + 110) / 2)
    assert not table["measure"].str.contains("min|max|range", regex=True).any()


def test_shares_are_of_those_for_whom_it_is_known(ten, study):
    table = cohort_people.table_one(ten, study, "deprivation_quintile")
    women = one(table, measure="share", variable="sex", level="female", group="all")
    assert women["estimate"] == pytest.approx(20)
    stages = table.query("variable == 'gap_index_stage' and group == 'all' and measure == 'share'")
    assert stages["level"].tolist() == ["I", "II", "III"]
    assert stages["estimate"].sum() == pytest.approx(100)
    assert (stages["people"] == 9).all()
    oxygen = one(table, measure="share", variable="oxygen", group="all")
    assert (oxygen["level"], oxygen["estimate"]) == ("yes", pytest.approx(10))
    # Eight live at 18 km or nearer, one at 25 km; of the tenth it is not known.
    furthest = one(table, variable="distance_quintile", level="5", group="all")
    assert (furthest["people"], furthest["estimate"]) == (9, pytest.approx(100 / 9))


def test_a_cell_that_has_to_be_empty_is_not_missing(ten, study):
    hundred = pd.concat([ten] * 10, ignore_index=True)
    table = cohort_people.table_one(hundred, study, "deprivation_quintile")
    # Of ten, two have no gas transfer: one could not do the test, and one was never tested.
    gas = one(table, measure="not known", variable="dlco_percent", group="all")
    assert (gas["missing"], gas["people"], gas["estimate"]) == (10, 100, pytest.approx(10))
    assert one(table, measure="mean", variable="dlco_percent", group="all")["people"] == 80
    score = one(table, measure="not known", variable="gap_index", group="all")
    assert score["missing"] == 10
    # Two never started treatment, which is an answer and not a gap; one began on the first day.
    started = table[(table["variable"] == "antifibrotic_start_years") & (table["group"] == "all")]
    assert started[["measure", "level", "people"]].to_numpy().tolist() == [
        ["share", "when first seen", 100]
    ]
    assert started["estimate"].iloc[0] == pytest.approx(10)


def test_where_empty_says_something_it_has_a_share_and_is_not_missing(ten, study):
    columns = [
        replace(column, at_most="") if column.at_most else column for column in study.own_columns
    ]
    never = "never started during follow-up"
    table = cohort_people.table_one(
        ten, replace(study, own_columns=tuple(columns)), "deprivation_quintile"
    )
    rows = table[(table["variable"] == "antifibrotic_start_years") & (table["group"] == "all")]
    assert rows["measure"].tolist()[:2] == ["share", "mean"]
    assert "not known" not in rows["measure"].tolist()
    share = one(rows, level=never)
    assert (share["people"], share["estimate"]) == (10, pytest.approx(20))


def test_what_happened_later_and_who_somebody_is_are_not_described(ten, study):
    described = set(cohort_people.table_one(ten, study, "deprivation_quintile")["variable"])
    assert {"person_id", "centre", "region", "area_code", "record_kind"}.isdisjoint(described)
    assert {"follow_up_years", "outcome", "died", "deprivation_quintile"}.isdisjoint(described)
    other = set(cohort_people.table_one(ten, study, "distance_quintile")["variable"])
    assert "deprivation_quintile" in other
    assert "distance_quintile" not in other


def test_an_optional_column_that_nobody_filled_in_is_not_described(drawn, study):
    known = cohort_people.table_one(drawn, study, "distance_quintile")
    assert {"distance_km", "travel_minutes", "referral_wait_days"} <= set(known["variable"])
    without = drawn.assign(travel_minutes=np.nan)
    without = cohort_people.table_one(without, study, "distance_quintile")
    assert set(known["variable"]) - set(without["variable"]) == {"travel_minutes"}


# ------------------------------------------------------------------------------------- follow-up


def test_follow_up_is_the_reverse_of_survival():
    # Followed 1, 2, 3, 4 and 5 years; those of 2 and 3 years died, so they say only "at least".
    people = pd.DataFrame(
        {
            "follow_up_years": [1.0, 2.0, 3.0, 4.0, 5.0],
            "outcome": ["censored", "died", "died", "transplanted", "censored"],
            "group": ["a", "a", "b", "b", "b"],
        }
    )
    found = cohort_people.follow_up(people, "group")
    # Still followed: 4/5 after year 1, and 4/5 x 1/2 after year 4, where it passes one half.
    median = one(found, measure="median follow-up", group="all")
    assert median["estimate"] == 4
    # Plainly the median of all follow-up times would be 3.
    assert median["estimate"] != people["follow_up_years"].median()
    assert one(found, measure="person-years", group="all")["estimate"] == 15
    assert one(found, measure="person-years", group="b")["estimate"] == 12
    assert one(found, measure="median follow-up", group="b")["deaths"] == 1
    everybody_died = people.assign(outcome="died")
    nobody_left = cohort_people.follow_up(everybody_died, "group")
    assert nobody_left["measure"].value_counts().tolist() == [3, 3]
    assert nobody_left.loc[nobody_left["measure"] == "median follow-up", "estimate"].isna().all()


# ------------------------------------------------------------------------ what may be published


def told(people: pd.DataFrame, study) -> list[pd.DataFrame]:
    """Every table of this module, as it would leave."""
    models = {"age_sex": "age and sex known", "as_published": "the whole model known"}
    made = [cohort_people.flow(people, study, models)]
    for by in cohort.REFERENCE:
        made += [cohort_people.table_one(people, study, by), cohort_people.follow_up(people, by)]
        seldom = ["age_years", "sex", "smoking", "fvc_percent"]
        made.append(cohort_missing.missing_values(people, study, ["dlco_percent"], by, (), seldom))
    return [results.prepare(each, "registry", "people").table for each in made]


@pytest.mark.parametrize("column", ["sex", "smoking", "fvc_percent", "age_years", "distance_km"])
def test_one_gap_in_a_whole_column_changes_no_row_and_no_count_of_gaps(drawn, study, column):
    """Withheld is nought to nine: a row that came with the first gap would tell it from none."""
    raw = drawn.drop(columns=["distance_quintile", "died"])
    keys = ["measure", "variable", "level", "group_by", "group", "note"]
    tables = []
    for gaps in (0, 1):
        people = raw.copy()
        people.loc[people.index[:gaps], column] = None
        tables.append(told(cohort.prepare(people, study), study))
    assert len(tables[0]) == 7
    for without, with_one in zip(*tables, strict=True):
        there = [key for key in keys if key in without]
        pd.testing.assert_frame_equal(without[there], with_one[there])
        if "variable" in without:
            for table in (without, with_one):
                of_column = table[table["variable"] == column]
                assert of_column["missing"].isna().all()
                assert "not known" not in set(of_column["measure"])


def test_gaps_are_told_where_enough_lack_a_value_but_never_those_of_an_exposure(drawn, study):
    """A test by the fifths of an exposure tells how many have one, and so how many have none."""
    people = drawn.copy()
    people.loc[people.index[:40], ["sex", "distance_quintile"]] = None
    table = cohort_people.table_one(people, study, "deprivation_quintile")
    gaps = set(table.loc[table["measure"] == "not known", "variable"])
    assert "sex" in gaps
    assert not gaps & set(cohort.REFERENCE)


def test_a_fifth_and_a_level_that_nobody_has_stand_in_the_tables(drawn, study):
    one_there = drawn.assign(deprivation_quintile=1, smoking="never")
    one_there.loc[drawn.index[0], ["deprivation_quintile", "smoking"]] = [4, "current"]
    nobody = drawn.assign(deprivation_quintile=1, smoking="never")
    for with_one, without in zip(told(one_there, study), told(nobody, study), strict=True):
        there = [k for k in ("measure", "variable", "level", "group_by", "group") if k in without]
        pd.testing.assert_frame_equal(without[there], with_one[there])


def test_an_optional_column_known_for_few_is_as_if_it_were_not_in_the_file(drawn, study):
    few, many = (drawn.copy(), drawn.copy())
    few.loc[few.index[9:], "travel_minutes"] = np.nan
    many.loc[many.index[10:], "travel_minutes"] = np.nan
    for people, there in ((few, False), (many, True)):
        table = cohort_people.table_one(people, study, "distance_quintile")
        assert ("travel_minutes" in set(table["variable"])) == there


def test_whoever_leaves_out_few_is_counted_as_everybody(drawn, study):
    """Those left in, beside everybody, would give back how many are left out, and who died."""
    for gaps, missing in ((0, None), (9, None), (12, 10)):
        people = drawn.copy()
        people.loc[people.index[people["died"]][:gaps], "sex"] = None
        flow = results.prepare(
            cohort_people.flow(people, study, {"age_sex": "known"}), "registry", "flow"
        ).table.set_index("model")
        counts = ["people", "deaths", "transplants", "censored"]
        step, everybody = flow.loc["age_sex"], flow.loc["all"]
        if missing is None:
            assert pd.isna(step["missing"])
            pd.testing.assert_series_equal(step[counts], everybody[counts], check_names=False)
        else:
            assert flow.loc["age_sex", "missing"] == missing
            assert step["people"] < everybody["people"]


@pytest.mark.parametrize("gaps", [0, 4])
def test_who_is_in_a_step_that_counts_everybody_is_taken_to_be_unknown(drawn, study, gaps):
    people = drawn.copy()
    people.loc[people.index[:gaps], "sex"] = None
    flow = cohort_people.flow(people, study, {"age_sex": "known"})
    flow = results.prepare(flow, "registry", "flow").table
    known = attacker.read({"flow": flow}, disclosure.DEFAULT)
    step = (0, "people", frozenset({("model", "age_sex")}))
    everybody = (0, "people", frozenset())
    assert step not in known.numbers
    assert known.low[known.numbers[everybody]] >= 298


def test_a_median_follow_up_rests_on_enough_who_left_alive(drawn):
    for left, shown in ((9, False), (12, True)):
        people = drawn.assign(outcome="died", deprivation_quintile=1, follow_up_years=0.1)
        last = people.index[:left]
        people.loc[last, "outcome"] = "censored"
        people.loc[last, "follow_up_years"] = 2 + np.arange(left) / 10
        table = cohort_people.follow_up(people, "deprivation_quintile")
        out = results.prepare(table, "registry", "followed").table
        median = one(out, measure="median follow-up", group="all")
        assert pd.notna(median["estimate"]) == shown


@pytest.fixture(scope="module")
def drawn(study) -> pd.DataFrame:
    population = tables.read("population_aged_50_plus")
    people = synthetic.draw(300, 4, tables.read_parameters("ipf"), population, study)
    return cohort.prepare(people, study)


@pytest.mark.parametrize("by", cohort.REFERENCE)
def test_every_table_can_be_published_and_gives_no_small_count_back(drawn, study, by):
    models = {"as_published": "the whole model known"}
    for table in (
        cohort_people.flow(drawn, study, models),
        cohort_people.table_one(drawn, study, by),
        cohort_people.follow_up(drawn, by),
    ):
        ready = results.prepare(table, "registry", "people").table
        shown = ready.dropna(subset="estimate") if "estimate" in ready else ready
        for column in ("people", "missing", "deaths", "transplants", "censored"):
            counts = ready[column].dropna() if column in ready else []
            assert all(count >= disclosure.DEFAULT.threshold for count in counts)
            assert all(count % disclosure.DEFAULT.round_to == 0 for count in counts)
        if "level" in ready:
            shares = shown[shown["unit"] == "per cent"].astype({"people": float})
            smaller = np.minimum(shares["estimate"], 100 - shares["estimate"])
            assert (smaller / 100 * shares["people"] > disclosure.DEFAULT.threshold - 3).all()
            assert ready["suppressed"].any()
            assert len(shares) > 10


def test_side_by_side_says_what_was_published_and_what_was_withheld(drawn, study, tmp_path):
    page = results.Page("people", sources=["cohort"], kind="registry", root=tmp_path)
    table = cohort_people.table_one(drawn, study, "deprivation_quintile")
    table = page.publish(table, "people_when_first_seen", "People when first seen")
    groups = {"all": "everybody", "1": "most deprived"}
    names = {"people": "People", "smoking": "Smoking", "age_years": "Age"}
    shown = page.show("people_when_first_seen").side_by_side(groups, names)
    wide = shown.table.set_index("when first seen")
    assert list(wide.columns) == ["everybody", "most deprived"]
    # In the order asked for, and nothing that was not.
    assert [line.split(",")[0].split(":")[0] for line in wide.index] == [
        "People", "Smoking", "Smoking", "Smoking", "Age", "Age",
    ]  # fmt: skip
    assert wide.loc["People", "everybody"] == "300"
    mean, spread = wide.loc["Age, mean (standard deviation)", "everybody"].split(" (")
    assert float(mean) == pytest.approx(drawn["age_years"].mean(), abs=0.05)
    assert float(spread.removesuffix(")")) == pytest.approx(drawn["age_years"].std(), abs=0.05)
    current = one(table, variable="smoking", level="current", group="1")
    assert current["suppressed"]
    assert wide.loc["Smoking: current, per cent", "most deprived"] == "withheld"
    assert "withheld" in shown._repr_html_()
    # What is not known stands as people and as their share of the rounded people.
    gaps = page.show("people_when_first_seen").side_by_side(groups, {"dlco_percent": "Gas"})
    wide = gaps.table.set_index("when first seen")
    unknown = drawn["dlco_percent"].isna() & ~drawn["dlco_unable"]
    number, share = wide.loc["Gas, not known: people (per cent)", "everybody"].split(" (")
    assert int(number) == 5 * round(unknown.sum() / 5) > 0
    assert float(share.removesuffix(")")) == pytest.approx(100 * int(number) / 300, abs=0.05)
    assert wide.loc["Gas, not known: people (per cent)", "most deprived"] != number
    assert "people_when_first_seen.csv" in shown._repr_html_()


def test_rows_of_gaps_stand_by_the_threshold_in_force_and_not_by_the_default(
    drawn, study, monkeypatch
):
    # Twelve lack it: enough for ten, and too few where twenty is the threshold.
    people = drawn.assign(symptom_months=5.0)
    people.loc[people.index[:12], "symptom_months"] = None
    told = []
    for words in ("", "minimum_10 threshold=20"):
        monkeypatch.setenv(places.PROFILE_VARIABLE, words)
        table = cohort_people.table_one(people, study, "deprivation_quintile")
        gaps = table[table["measure"] == "not known"]
        told.append("symptom_months" in set(gaps["variable"]))
    assert told == [True, False]
