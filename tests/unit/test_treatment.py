"""Treatment that starts later: splitting, landmark, and the size of immortal-time bias."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import survival
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import treatment

# Fourteen invented people; the eighth was treated before follow-up, the thirteenth on its last day.
YEARS = [0.4, 1.1, 2.5, 3.0, 0.9, 4.2, 2.2, 1.6, 5.0, 0.7, 3.3, 2.8, 1.9, 4.6]
DIED = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1]
START = [np.nan, 0.5, 0, np.nan, np.nan, 1.2, np.nan, 0, 2.0, np.nan, 0.8, np.nan, 1.9, 0.3]
AGE = [80, 71, 66, 75, 82, 60, 77, 73, 58, 84, 70, 68, 79, 62]
CLOCK = ("follow_up_years", "died", "start")


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person_id": [f"p{number}" for number in range(1, 15)],
            "follow_up_years": YEARS,
            "died": np.array(DIED, dtype=bool),
            "start": START,
            "age": AGE,
        }
    )


def test_follow_up_is_split_where_treatment_starts(people):
    rows = treatment.split_at_treatment(people, *CLOCK)
    second = rows[rows["person_id"] == "p2"]
    assert second[["from_time", "to_time"]].to_numpy().tolist() == [[0, 0.5], [0.5, 1.1]]
    assert second["treated"].tolist() == [False, True]
    assert second["died"].tolist() == [False, True]
    always = rows[rows["person_id"] == "p8"]
    assert always["treated"].tolist() == [True]
    last_day = rows[rows["person_id"] == "p13"]
    assert last_day["treated"].tolist() == [False]
    assert last_day["died"].tolist() == [True]
    time = rows["to_time"] - rows["from_time"]
    assert time.sum() == pytest.approx(sum(YEARS))
    assert rows["died"].sum() == sum(DIED)
    # Five people start within follow-up.
    assert len(rows) == len(people) + 5
    assert (time > 0).all()


def test_hazard_ratios_agree_with_r(people):
    """survival 3.5-3: m <- tmerge(tmerge(d[c("id", "age")], d, id, death = event(years, died)),
    d, id, treated = tdc(start)); coxph(Surv(tstart, tstop, death) ~ treated + age, m); and
    coxph(Surv(years, died) ~ ever + age, d); and, of those followed beyond a year,
    coxph(Surv(years - 1, died) ~ I(start <= 1) + age)."""
    dated = treatment.split_at_treatment(people, *CLOCK)
    found = survival.cox(dated, "to_time", "died", ["treated", "age"], entry="from_time")
    assert found["coefficient"].tolist() == pytest.approx([3.372534679854, 0.602669167227])
    assert found["standard_error"].tolist() == pytest.approx([1.814361193957, 0.234040682795])
    ratio = treatment.hazard_ratio(dated, "died", ["age"])
    assert np.log(ratio["estimate"].item()) == pytest.approx(3.372534679854)
    assert ratio["people"].item() == 14
    ever = people.assign(treated=people["start"].notna())
    ratio = treatment.hazard_ratio(ever, "died", ["age"])
    assert np.log(ratio["estimate"].item()) == pytest.approx(0.317150779923)
    by_then = treatment.landmark(people, *CLOCK, 1.0)
    assert len(by_then) == 11
    ratio = treatment.hazard_ratio(by_then, "died", ["age"])
    assert np.log(ratio["estimate"].item()) == pytest.approx(4.119467054814)


def started_later(people: int, seed: int, ratio: float) -> pd.DataFrame:
    """Nobody is treated at first; half would start after half a year on average."""
    random = np.random.default_rng(seed)
    start = np.where(random.random(people) < 0.5, random.exponential(0.5, people), 1e6)
    needed = random.exponential(1, people) / 0.4
    years = np.where(needed <= start, needed, start + (needed - start) / ratio)
    end = random.uniform(1, 5, people)
    followed = np.minimum(years, end)
    return pd.DataFrame(
        {
            "person_id": np.arange(people),
            "follow_up_years": followed,
            "died": years <= end,
            "start": np.where(start <= followed, start, np.nan),
            "age": random.normal(70, 8, people),
        }
    )


@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_the_built_in_ratio_is_found_and_the_wrong_way_is_wrong(ratio):
    people = started_later(40_000, 1, ratio)
    dated = treatment.split_at_treatment(people, *CLOCK)
    right = treatment.hazard_ratio(dated, "died", ["age"])
    assert right["estimate"].item() == pytest.approx(ratio, rel=0.04)
    assert right["ci_low"].item() < ratio < right["ci_high"].item()
    later = treatment.landmark(people, *CLOCK, 1)
    # Those who start after the landmark count as untreated, which pulls the ratio towards one.
    found = treatment.hazard_ratio(later, "died", ["age"])["estimate"].item()
    assert ratio - 0.04 < found < (1 + ratio) / 2 + 0.04
    wrong = treatment.hazard_ratio(people.assign(treated=people["start"].notna()), "died", ["age"])
    assert wrong["ci_high"].item() < 0.92 * ratio


def test_small_groups_are_counted_for_disclosure_and_told(people):
    row = treatment.hazard_ratio(treatment.split_at_treatment(people, *CLOCK), "died", ["age"])
    assert row["level_people"].item() == 7
    assert row["level_deaths"].item() == 4
    nobody = people.assign(treated=False)
    row = treatment.hazard_ratio(nobody, "died", ["age"]).iloc[0]
    assert np.isnan(row["estimate"])
    assert "treated" in row["note"]
    assert row["level_people"] == 0


def test_misuse_is_told_in_a_sentence(people):
    with pytest.raises(AnalysisError, match="must be known and above nought"):
        treatment.split_at_treatment(people.assign(follow_up_years=0.0), *CLOCK)
    with pytest.raises(AnalysisError, match="must be known and above nought"):
        treatment.landmark(people.assign(follow_up_years=np.nan), *CLOCK, 1.0)
    with pytest.raises(AnalysisError, match="beyond the landmark"):
        treatment.landmark(people, *CLOCK, 10.0)
    # Landmarks that lie close leave people out one by one.
    for at in (0, 0.5, 6.35):
        with pytest.raises(AnalysisError, match="whole number of years"):
            treatment.landmark(people, *CLOCK, at)


def test_the_size_of_the_bias_is_one_ratio_over_the_other_in_the_same_people():
    people = started_later(3000, 1, 0.7)
    found = treatment.immortal_time_bias(people, "died", "start", ["age"], replicates=100).iloc[0]
    ever = people.assign(treated=people["start"].notna())
    wrong = treatment.hazard_ratio(ever, "died", ["age"]).iloc[0]
    dated = treatment.split_at_treatment(people, *CLOCK)
    right = treatment.hazard_ratio(dated, "died", ["age"]).iloc[0]
    assert found["estimate"] == pytest.approx(wrong["estimate"] / right["estimate"])
    # Half the people start after half a year on average: the bias is far from none.
    assert found["ci_high"] < 0.92
    assert found["ci_low"] < found["estimate"] < found["ci_high"]
    # The two models share their people: were they taken as apart, the interval would be wider.
    apart = np.hypot(*(np.log(row["ci_high"] / row["ci_low"]) for row in (wrong, right)))
    assert np.log(found["ci_high"] / found["ci_low"]) < 0.6 * apart
    again = treatment.immortal_time_bias(people, "died", "start", ["age"], replicates=100).iloc[0]
    assert again["ci_low"] == found["ci_low"]
    assert found["people"] == 3000


def test_the_interval_of_the_bias_has_the_width_of_chance():
    spread, width = [], []
    for seed in range(25):
        people = started_later(400, seed, 0.7)
        row = treatment.immortal_time_bias(people, "died", "start", ["age"], replicates=40).iloc[0]
        spread.append(np.log(row["estimate"]))
        width.append(np.log(row["ci_high"] / row["ci_low"]))
    # The standard deviation of 25 cohorts is known to about a seventh.
    assert np.mean(width) / 3.92 == pytest.approx(np.std(spread, ddof=1), rel=0.35)


def test_too_few_people_give_no_size_of_the_bias_and_the_reason(people):
    row = treatment.immortal_time_bias(people.assign(start=np.nan), "died", "start", ["age"])
    assert np.isnan(row["estimate"].item())
    assert "treated" in row["note"].item()
    assert row["level_people"].item() == 0


def test_whoever_was_treated_at_the_start_is_left_out_and_no_other(people):
    left = treatment.not_yet_treated(people, "start")["person_id"].tolist()
    assert sorted({*people["person_id"]} - {*left}) == ["p3", "p8"]


def test_whoever_lacks_what_is_held_equal_is_in_neither_model(people):
    """As if the extract had not held them: the same answers from the people that are left."""
    lacking = people.assign(age=people["age"].mask(people["person_id"] == "p6"))
    without = people[people["person_id"] != "p6"]
    for answer in (
        lambda rows: treatment.hazard_ratio(
            treatment.split_at_treatment(rows, *CLOCK), "died", ["age"]
        ),
        lambda rows: treatment.immortal_time_bias(rows, *CLOCK[1:], ["age"], replicates=3),
    ):
        pd.testing.assert_frame_equal(answer(lacking), answer(without))
        assert answer(lacking)["people"].item() == len(people) - 1


def test_people_are_not_chosen_by_another_column_under_the_name_of_a_time(people):
    with pytest.raises(AnalysisError, match="it is counted in 'follow_up_years'"):
        treatment.landmark(people, "age", "died", "start", 60)
    with pytest.raises(AnalysisError, match="'young' says yes or no"):
        treatment.not_yet_treated(people.assign(young=people["age"] < 80), "young")
