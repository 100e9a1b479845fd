"""Two tables about people that answer the same question agree, or one of them stays."""

import pandas as pd
import pytest

from distance_to_care import cohort, disclosure
from distance_to_care.releasing import agreement
from distance_to_care.statistics import cohort_survival

SURVIVAL = {
    "measure": "survival", "group_by": "deprivation_quintile", "group": "all", "time_years": 1,
    "people": 200, "estimate": 0.855, "ci_low": 0.79, "unit": "probability", "kind": "registry",
}  # fmt: skip


def table(*rows: dict) -> bytes:
    return pd.DataFrame(rows).to_csv(index=False).encode()


def disagree(one: dict, other: dict) -> bool:
    return bool(agreement.within({"one": table(one), "other": table(other)}))


def test_people_and_people_without_one_may_not_be_told_beside_each_other():
    # The oldest is left out, as in an ordinary sensitivity analysis.
    people = cohort.load().people.head(200)
    younger = people[people["age_years"] < people["age_years"].max()]
    made = [
        disclosure.check(cohort_survival.summary(each, "deprivation_quintile"), "registry").table
        for each in (people, people.sample(frac=1, random_state=1), younger)
    ]
    everybody, again, without = (each.to_csv(index=False).encode() for each in made)
    assert agreement.within({"all": everybody, "again": again}) == []
    assert agreement.within({"all": everybody, "younger": without}) == [
        "all and younger answer the same question with different numbers, so that together they "
        "tell of the few people who are in one of them only. Leave one of them out."
    ]


@pytest.mark.parametrize("column", ["estimate", "ci_low"])
def test_every_estimate_of_equal_keys_is_compared(column):
    assert not disagree(SURVIVAL, SURVIVAL)
    assert disagree(SURVIVAL, SURVIVAL | {column: 0.861})
    # A withheld estimate says nothing beside another.
    assert not disagree(SURVIVAL, SURVIVAL | {column: None})


@pytest.mark.parametrize(
    "key",
    [
        {"measure": "death"}, {"group": "1"}, {"time_years": 3}, {"unit": "per cent"},
        {"method": "Kaplan-Meier"}, {"model": "dated"}, {"term": "sex"}, {"level": "female"},
        {"variable": "sex"}, {"reference": "5"}, {"adjusted_for": "age"}, {"exposure": "far"},
    ],
)  # fmt: skip
def test_tables_that_differ_in_a_key_ask_different_questions(key):
    other = SURVIVAL | {"estimate": 0.5}
    assert disagree(SURVIVAL, other)
    assert not disagree(SURVIVAL, other | key)


def test_what_names_nothing_makes_no_question_of_its_own():
    other = SURVIVAL | {"estimate": 0.5}
    for more in (
        {"note": "younger"},
        {"scenario": "richer"},
        {"model": ""},
        {"largest_error": 0.03},
        {"deaths": 30},
    ):
        assert disagree(SURVIVAL, other | more)
    # Counts differ by how they were rounded and added up.
    assert not disagree(SURVIVAL, SURVIVAL | {"people": 195})


def test_everybody_is_everybody_beside_whatever_groups():
    by_distance = SURVIVAL | {"estimate": 0.5, "group_by": "distance_quintile"}
    assert disagree(SURVIVAL, by_distance)
    assert not disagree(SURVIVAL | {"group": "1"}, by_distance | {"group": "1"})
    # A share may rest on a number of people that was rounded with the groups beside it.
    share = {"variable": "sex", "level": "female"}
    assert not disagree(SURVIVAL | share, by_distance | share)
    slope = {"contrast": "last end of the ranking less first"}
    assert not disagree(SURVIVAL | slope, by_distance | slope)


def whole_model(*terms: str, estimate: float = 2.5) -> bytes:
    row = {"measure": "test of proportional hazards", "model": "age_sex", "unit": "chi-squared"}
    return table(*({**row, "term": term, "estimate": estimate} for term in ("GLOBAL", *terms)))


def test_a_test_of_a_whole_model_is_known_by_its_terms():
    one = whole_model("age_years", "deprivation_quintile")
    assert not agreement.within(
        {"a": one, "b": whole_model("age_years", "distance_km", estimate=1)}
    )
    assert agreement.within(
        {"a": one, "b": whole_model("deprivation_quintile", "age_years", estimate=1)}
    )


def test_what_was_built_in_tells_of_nobody():
    missed = {"measure": "intervals that miss what was built in", "unit": "intervals"}
    assert not disagree(missed | {"estimate": 0}, missed | {"estimate": 2})


def contribution(score: float, coefficient: float = 0, people: int = 200) -> bytes:
    row = {"term": "far", "with_term": "", "people": people, "deaths": 60}
    return table(
        row | {"measure": "coefficient", "estimate": coefficient},
        row | {"measure": "score", "estimate": score},
    )


def test_contributions_are_compared_as_sums_whatever_their_names():
    one = contribution(1.5)
    assert not agreement.within({"a": one, "b": contribution(1.5)})
    assert not agreement.within({"a": one, "b": contribution(0.2, 0.3)})
    assert agreement.within({"a": one, "b": contribution(1.6)})
    assert agreement.within({"a": one, "b": contribution(0.2, 0.3, people=195)})


def test_an_earlier_table_is_compared_whatever_its_name():
    before = {"then": table(SURVIVAL), "curve": table(SURVIVAL), "sums": contribution(1.5)}
    assert not agreement.with_earlier({"now": table(SURVIVAL)}, before, "abc")
    (said, again) = agreement.with_earlier(
        {"now": table(SURVIVAL | {"estimate": 0.861})}, before, "abc"
    )
    assert said.startswith("now answers the same question as curve in the earlier release abc")
    assert "as then in" in again
    assert agreement.with_earlier({"now": contribution(1.6)}, before, "abc")
    # One of the same name is told by its bytes already.
    assert not agreement.with_earlier({"sums": contribution(1.6)}, before, "abc")
