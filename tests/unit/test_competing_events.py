"""Competing events: R's answers on real data, closed forms at raised rates, and few events."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import disclosure, tables
from distance_to_care.statistics import competing_events
from distance_to_care.statistics.competing_events import COMPETING, NAIVE

TIMES = (60, 120, 240)


@pytest.fixture(scope="module")
def mgus() -> pd.DataFrame:
    """Real people with two competing events; progression stands where a transplant would."""
    found = tables.read_packaged("mgus")
    progressed = found["progressed"] == 1
    return pd.DataFrame(
        {
            "follow_up_years": found["months"].where(~progressed, found["progression_months"]),
            "outcome": np.select(
                [progressed, found["died"] == 1], ["transplanted", "died"], "censored"
            ),
            "age_decades": found["age"] / 10,
            "sex": found["sex"].map({"F": "female", "M": "male"}),
        }
    )


def people_at(death, transplant, each=20_000, seed=4, lost=0.05) -> pd.DataFrame:
    """People with constant hazards a year (scalar or one a person), and some lost to follow-up."""
    draws = np.random.default_rng(seed)
    times = np.stack(
        [draws.exponential(1 / np.broadcast_to(np.maximum(rate, 1e-12), each))
         for rate in (death, transplant, lost)]
    )  # fmt: skip
    first = times.argmin(axis=0)
    return pd.DataFrame(
        {
            "follow_up_years": times.min(axis=0),
            "outcome": np.array(["died", "transplanted", "censored"])[first],
        }
    )


def picked(table: pd.DataFrame, measure: str, method: str, group: str = "all") -> pd.Series:
    rows = table[(table["measure"] == measure) & (table["group"] == group)]
    return rows[rows["method"].str.startswith(method)].set_index("time_years")["estimate"]


def test_incidence_on_real_people_is_that_of_r(mgus):
    found = competing_events.incidence(mgus, times_years=TIMES)
    r = tables.read("r_answers")
    r = r[r["dataset"] == "mgus"].set_index(["quantity", "term"])["value"]
    for time in TIMES:
        for measure, term in (("death", "died"), ("transplant", "progressed")):
            known = r[f"cumulative incidence at {time}", term]
            assert picked(found, measure, COMPETING)[time] == pytest.approx(known, rel=1e-6)
    # R: 1 - summary(survfit(Surv(months, state == k) ~ 1), times = c(60, 120, 240))$surv
    naive = {
        "death": (0.325891990538, 0.552700132326, 0.776689397278),
        "transplant": (0.0421538616850, 0.0952216593504, 0.2095616244904),
    }
    for measure, known in naive.items():
        assert picked(found, measure, NAIVE).to_numpy() == pytest.approx(known, rel=1e-6)


def test_shares_become_per_cent_and_points_stay_points(mgus):
    before = competing_events.incidence(mgus, times_years=TIMES)
    after = competing_events.in_per_cent(before)
    assert set(after["unit"]) == {"per cent", "percentage points"}
    shares = after["unit"] == "per cent"
    for column in ("estimate", "ci_low", "ci_high"):
        assert after.loc[shares, column].to_numpy() == pytest.approx(100 * before[column][shares])
    assert after.loc[~shares, "estimate"].equals(before.loc[~shares, "estimate"])


def test_cause_specific_hazards_on_real_people_are_those_of_r(mgus):
    found = competing_events.cause_specific(
        mgus, "sex", {"age": ("age_decades",)}, {"sex": "female"}
    ).set_index("measure")["estimate"]
    # R: coxph(Surv(months, state == k) ~ I(age / 10) + sex, mgus2), k = died, then progressed.
    known = {"death": np.exp(0.3932258637), "transplant": np.exp(-0.02513778927)}
    for name, ratio in known.items():
        assert found[f"cause-specific hazard ratio of {name}"] == pytest.approx(ratio, rel=1e-6)


@pytest.mark.parametrize(("transplant", "low", "high"), [(0.003, 0.1, 1), (0.3, 15, 30)])
def test_how_much_the_naive_answer_overstates_is_a_matter_of_the_rate(transplant, low, high):
    # Closed forms: one less exp(-0.2 t), and the share of all events that are deaths.
    found = competing_events.incidence(people_at(0.2, transplant), times_years=(3, 5))
    both = 0.2 + transplant
    for time in (3, 5):
        naive, true = 1 - np.exp(-0.2 * time), 0.2 / both * (1 - np.exp(-both * time))
        assert picked(found, "death", NAIVE)[time] == pytest.approx(naive, abs=0.012)
        assert picked(found, "death", COMPETING)[time] == pytest.approx(true, abs=0.012)
        excess = picked(found, "overstatement of death", NAIVE)[time]
        assert excess == pytest.approx(100 * (naive - true), abs=0.35)
        assert 0 < excess < picked(found, "most that death can be overstated", NAIVE)[time]
    # At one in a hundred or so it hardly differs; at a raised rate it is far out.
    assert low < picked(found, "overstatement of death", NAIVE)[5] < high


def test_naive_risks_can_add_up_to_more_than_everybody(mgus):
    raised = competing_events.incidence(people_at(0.5, 0.5), times_years=(4,))
    parts = raised[raised["measure"].isin(["death", "transplant"])]
    total = parts.groupby("method")["estimate"].sum()
    assert total[COMPETING] < 1 < total[NAIVE]


def test_fewer_transplants_raise_the_share_that_dies_at_the_same_hazard_of_death():
    fewer = np.arange(4_000) % 2
    people = people_at(0.2, np.where(fewer == 1, 0.05, 0.4), each=4_000).assign(deprived=fewer + 1)
    found = competing_events.incidence(people, "deprived", (5,))
    died = {group: picked(found, "death", COMPETING, group)[5] for group in ("1", "2")}
    assert died["2"] - died["1"] > 0.15
    ratios = competing_events.cause_specific(
        people, "deprived", {"unadjusted": ()}, {"deprived": 1}
    )
    rows = ratios.set_index("measure")
    death = rows.loc["cause-specific hazard ratio of death"]
    assert death["ci_low"] < 1 < death["ci_high"]
    transplant = rows.loc["cause-specific hazard ratio of transplant"]
    assert transplant["estimate"] == pytest.approx(0.125, rel=0.2)
    assert pd.isna(transplant["deaths"])
    assert transplant["transplants"] == (people["outcome"] == "transplanted").sum()


def test_constant_rates_turn_shares_into_the_naive_answer():
    death, transplant, time = 0.11, 0.07, 2.0
    happened = 1 - np.exp(-(death + transplant) * time)
    shares = [happened * rate / (death + transplant) for rate in (death, transplant)]
    found = competing_events.naive_at_constant_rates(*shares)
    assert found == pytest.approx(1 - np.exp(-death * time), rel=1e-12)
    assert competing_events.naive_at_constant_rates(0.2, 0.0) == pytest.approx(0.2)


def test_few_transplants_are_shown_nowhere():
    people = people_at(0.2, 0.001, each=800).assign(fifth=np.arange(800) % 5 + 1)
    assert (people["outcome"] == "transplanted").sum() < 10
    shown = disclosure.counts.protect(competing_events.incidence(people, "fifth"))
    about = shown["measure"] != "death"
    assert shown.loc[about, "estimate"].isna().all()
    assert shown.loc[~about & (shown["group"] == "all"), "estimate"].notna().all()
    ratios = competing_events.cause_specific(people, "fifth", {"unadjusted": ()}, {"fifth": 5})
    hidden = disclosure.counts.protect(ratios)
    of_transplant = hidden["measure"].str.endswith("transplant")
    assert hidden.loc[of_transplant, "estimate"].isna().all()


def test_where_nobody_dies_or_is_transplanted_there_is_nought_and_no_interval():
    people = people_at(0.2, 0.1, each=300)
    quiet = people.assign(outcome=people["outcome"].replace("transplanted", "censored"))
    found = competing_events.incidence(quiet, times_years=(1,))
    given = found[found["measure"] == "transplant"]
    assert (given["estimate"] == 0).all()
    assert given[["ci_low", "ci_high"]].isna().all().all()
    assert picked(found, "overstatement of death", NAIVE)[1.0] == pytest.approx(0, abs=1e-9)
    nobody = people.assign(outcome="censored")
    assert (competing_events.incidence(nobody, times_years=(1,))["estimate"] == 0).all()
    assert (competing_events.curves_of_death(nobody)["time_years"] == 0).all()


def test_beyond_the_last_follow_up_nothing_is_said():
    people = people_at(0.2, 0.1, each=300)
    people["follow_up_years"] = people["follow_up_years"].clip(upper=2.0)
    found = competing_events.incidence(people, times_years=(1, 3))
    assert found.loc[found["time_years"] == 3, "estimate"].isna().all()
    assert found.loc[found["time_years"] == 1, "estimate"].notna().all()


def test_curves_are_those_of_the_table_and_merge_into_steps(mgus):
    years = mgus.assign(follow_up_years=mgus["follow_up_years"] / 12)
    curves = competing_events.curves_of_death(years)
    found = competing_events.incidence(years, times_years=(5,))
    for method in (COMPETING, NAIVE):
        curve = curves[(curves["group"] == method) & (curves["time_years"] <= 5)]
        assert curve["estimate"].iloc[-1] == pytest.approx(picked(found, "death", method)[5])
        assert curve["estimate"].is_monotonic_increasing
        assert (curve["ci_low"] <= curve["estimate"]).all()
    steps = disclosure.merge_steps(curves)
    assert set(steps["group"]) == {COMPETING, NAIVE}
    assert (steps["deaths"].dropna() >= 10).all()
