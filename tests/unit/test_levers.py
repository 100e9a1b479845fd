"""What a sum of money would do, lever by lever: by hand, by a slow twin, and by its properties."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.integrate import quad
from typer.testing import CliRunner

from distance_to_care import command_line, places, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, levers, outcomes

# People who differ in nothing: every ratio is 1, everybody waits 2 years, half are treated.
ALIKE = {
    "clinic_pounds_a_year": 250_000.0,
    "clinic_visits_a_year": 4.0,
    "coordination_years": 2.0,
    "coordinator_people": 150.0,
    "coordinator_pounds_a_year": 55_000.0,
    "delay_before_referral_spread": 1e-9,
    "delay_before_referral_years": 2.0,
    "delay_most_against_least_deprived": 1.0,
    "delay_share_causal": 1.0,
    "deprivation_ratio_shape": 1.0,
    "distance_ratio_shape": 1.0,
    "distance_share_causal": 1.0,
    "hazard_ratio_coordination": 1.0,
    "hazard_ratio_delay_doubling": 1.0,
    "hazard_ratio_deprivation": 1.0,
    "hazard_ratio_distance": 1.0,
    "hazard_ratio_treatment": 1.0,
    "median_survival_years": 3.7,
    "minutes_against_model": 1.0,
    "new_patients_a_year": 8500.0,
    "prevalence_per_100000": 50.0,
    "reach_coordination_most_against_least_deprived": 1.0,
    "reach_referral_most_against_least_deprived": 1.0,
    "reach_treatment_most_against_least_deprived": 1.0,
    "referral_months_earlier": 12.0,
    "referral_pounds_a_person": 1000.0,
    "referral_share_reachable": 0.5,
    "share_months_won_treated": 0.0,
    "share_seen_at_spoke": 1.0,
    "share_treatable": 0.75,
    "share_treated": 0.5,
    "shortest_delay_days": 1.0,
    "survival_shape": 1.0,
    "travel_time_pounds_an_hour": 7.0,
    "treatment_finding_pounds": 500.0,
    "treatment_pounds_a_year": 10_000.0,
    "treatment_share_causal": 1.0,
    "treatment_years": 2.0,
    "wait_referral_to_clinic_days": 0.0,
}


def lived(ratio: float, median: float = 3.7) -> float:
    """Years of the first ten with a constant death rate, by hand."""
    rate = ratio * np.log(2) / median
    return (1 - np.exp(-10 * rate)) / rate


def lived_while(ratio: float, change: float, years: float) -> float:
    """The same where the death rate is changed for the first years, by hand."""
    rate = ratio * np.log(2) / 3.7
    first = (1 - np.exp(-rate * change * years)) / (rate * change)
    alive = np.exp(-rate * change * years)
    return first + alive * (1 - np.exp(-rate * (10 - years))) / rate


def invented() -> pd.DataFrame:
    """Each fifth has half of its people in the nearest band and half in the furthest.

    With four clinics the half of the most deprived fifth that lives furthest comes to live
    nearest; nobody else moves, whatever the number of clinics.
    """
    rows = []
    for clinics, (fifth, band) in itertools.product((0, 4), itertools.product(range(1, 6), (1, 5))):
        moved = clinics == 4 and fifth == 1 and band == 5
        minutes = 10.0 if band == 1 or moved else 90.0
        # A million people live in each.
        rows.append((clinics, fifth, band, 1.0 if moved else float(band), 0.1, 10**6, minutes))
    names = ["term", "group", "level", "value", "estimate", "people", "travel_minutes"]
    return pd.DataFrame(rows, columns=names)


def worked(measure: str = levers.LIFE, pounds: float = 1e6, **changes) -> pd.Series:
    """The answer for people who are alike but for what is changed, by lever."""
    found = levers.gains(ALIKE | changes, invented(), pounds)
    return found[found["measure"] == measure].set_index("group")["estimate"]


@pytest.fixture(scope="module")
def assumed() -> pd.DataFrame:
    return assumptions.of(tables.read("scenario_assumptions"), levers.SCENARIO)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Invented people of two lists: as above, and with a clinic that reaches everybody far."""
    first = invented().assign(centre_list="AB")
    second = first.assign(centre_list="A")
    second.loc[second["term"] == 4, "value"] = 1.0
    return pd.concat([first, second], ignore_index=True)


@pytest.fixture(scope="module")
def draws(assumed, people) -> pd.DataFrame:
    return levers.drawn(assumed, people, 700)


# --- by hand ------------------------------------------------------------------------------------


def test_co_ordination_by_hand():
    # 1 000 000 / (55 000 / 150 x 2) = 1363.6 people, each with 0.9 of the hazard for two years,
    # which are paid for; who is alive after them lives on as long as anybody.
    by_hand = 1e6 / (55_000 / 150 * 2) * (lived_while(1, 0.9, 2) - lived(1))
    # 0.026 more are alive after two years, for 4.15 years each, and 0.03 years before: 0.1385.
    assert by_hand == pytest.approx(188.8, abs=0.1)
    assert worked(hazard_ratio_coordination=0.9)["coordination"] == pytest.approx(by_hand)
    assert worked()["coordination"] == 0


def test_earlier_referral_by_hand():
    # 1 000 people for a million; 2 years of delay become 1, which is one halving.
    by_hand = 1000 * (lived(1 / 1.3) - lived(1))
    found = worked(hazard_ratio_delay_doubling=1.3)["referral"]
    assert found == pytest.approx(by_hand, rel=1e-6)
    # Half of the ratio, on the scale of its logarithm, is its square root.
    half = worked(hazard_ratio_delay_doubling=1.3, delay_share_causal=0.5)["referral"]
    assert half == pytest.approx(1000 * (lived(1.3**-0.5) - lived(1)), rel=1e-6)


def test_months_won_on_treatment_are_paid_for():
    # A year is won by everybody; half are treated, for 0.4 of it, at 10 000: 2 000 pounds more.
    more = {"hazard_ratio_delay_doubling": 1.3, "share_months_won_treated": 0.4}
    found = worked(**more)["referral"]
    assert found == pytest.approx(1e6 / 3000 * (lived(1 / 1.3) - lived(1)), rel=1e-6)
    assert worked(levers.BOUGHT, **more)["referral"] == pytest.approx(1e6 / 3000)


def test_no_more_is_gained_below_the_shortest_delay():
    # Seen after 1.5 years at the earliest: 2 years become 1.5 and not 1.
    found = worked(hazard_ratio_delay_doubling=1.3, shortest_delay_days=1.5 * 365.25)["referral"]
    by_hand = 1000 * (lived(1.3 ** np.log2(1.5 / 2)) - lived(1))
    assert found == pytest.approx(by_hand, rel=1e-6)


def test_nearer_clinics_by_hand():
    # Half live nearest and half furthest, with 1.29 of the hazard; x + x^1.29 = 1 at the median.
    near = -np.log(optimize.brentq(lambda x: x + x**1.29 - 1, 0.1, 0.9, xtol=1e-14)) / np.log(2)
    # A million pays four clinics, and a tenth of all people come to live nearest.
    by_hand = 850 * (lived(near) - lived(1.29 * near))
    found = worked(hazard_ratio_distance=1.29)
    assert found["clinics"] == pytest.approx(by_hand, rel=1e-9)
    # Two clinics lie half way between none and four.
    two = worked(hazard_ratio_distance=1.29, clinic_pounds_a_year=500_000.0)
    assert two["clinics"] == pytest.approx(by_hand / 2, rel=1e-9)
    assert worked(levers.REACHED)["clinics"] == pytest.approx(850)
    # Ten more life years of the fifth that is reached flatten the slope by its weight, -1.
    slope = worked(levers.SLOPE, hazard_ratio_distance=1.29)["clinics"]
    assert slope == pytest.approx(-by_hand / 8500 * 5 * 365.25, rel=1e-9)
    # A tenth of the people are 80 minutes nearer: 8 minutes on average, 4 visits there and back;
    # of 10 million people 50 in 100 000 have the disease.
    hours = worked(levers.HOURS)["clinics"]
    assert hours == pytest.approx(5000 * 4 * 2 * 8 / 60, rel=1e-9)
    # The four clinics hold the 4 visits of 500 people.
    assert worked(levers.A_VISIT)["clinics"] == pytest.approx(1e6 / 2000)
    # Half of them seen there, half as much of all of it; slower roads, more hours.
    half = {"share_seen_at_spoke": 0.5}
    assert worked(hazard_ratio_distance=1.29, **half)["clinics"] == pytest.approx(by_hand / 2)
    assert worked(levers.HOURS, **half)["clinics"] == pytest.approx(hours / 2)
    assert worked(levers.HOURS, minutes_against_model=1.5)["clinics"] == pytest.approx(1.5 * hours)
    assert worked(levers.WORTH)["clinics"] == pytest.approx(7 * hours)


def test_the_shape_of_a_ratio_is_how_far_the_bands_between_stand():
    # From the furthest band into the second: 1 - 1/4 of the log ratio, or 1 - (1/4)^2, or (..)^0.5.
    people = invented()
    people.loc[(people["term"] == 4) & (people["group"] == 1) & (people["level"] == 5), "value"] = 2
    for shape in (1.0, 2.0, 0.5):
        given = ALIKE | {"hazard_ratio_distance": 1.29, "distance_ratio_shape": shape}
        found = levers.gains(given, people).query("measure == @levers.LIFE").set_index("group")
        near = -np.log(optimize.brentq(lambda x: x + x**1.29 - 1, 0.1, 0.9)) / np.log(2)
        then = near * 1.29 ** (0.25**shape)
        by_hand = 850 * (lived(then) - lived(1.29 * near))
        assert found.loc["clinics", "estimate"] == pytest.approx(by_hand, rel=1e-9)


def test_the_shape_by_deprivation_bends_the_gradient():
    given = ALIKE | {"hazard_ratio_deprivation": 1.39}
    middle = {}
    for shape in (0.25, 1.0, 4.0):
        now = levers.today(given | {"deprivation_ratio_shape": shape}, invented())
        years = now[now["measure"] == levers.MEAN].set_index("group")["estimate"]
        # How far the middle fifth stands from the least deprived, of the whole way.
        middle[shape] = (years["5"] - years["3"]) / (years["5"] - years["1"])
    # The log ratio itself stands at 0.5 ** shape.
    assert middle[0.25] == pytest.approx(0.5**0.25, abs=0.03)
    assert middle[1.0] == pytest.approx(0.5, abs=0.03)
    assert middle[4.0] == pytest.approx(0.5**4, abs=0.03)


def test_treatment_access_by_hand():
    # 2 years at 10 000 and 500 to find somebody: 48.8 people of the untreated half, treated for
    # these two years.
    x = optimize.brentq(lambda x: 0.5 * x + 0.5 * x**0.75 - 0.5, 0.1, 0.9, xtol=1e-14)
    untreated = -np.log(x) / np.log(2)
    by_hand = 1e6 / 20_500 * (lived_while(untreated, 0.75, 2) - lived(untreated))
    found = worked(hazard_ratio_treatment=0.75)["treatment"]
    assert found == pytest.approx(by_hand, rel=1e-9)


def test_no_more_are_treated_than_could_be():
    # A quarter could be treated and are not: the reach of no fifth is above it, however much a
    # programme leans to the most deprived.
    name = "reach_treatment_most_against_least_deprived"
    lean = 2.0 ** np.array([1, 0.75, 0.5, 0.25, 0])
    for share in (0.2, 0.25):
        by_hand = 8500 * np.minimum(share * lean / lean.mean(), 0.25).mean()
        found = worked(levers.REACHED, share * 8500 * 20_500, **{name: 2.0})["treatment"]
        assert found == pytest.approx(by_hand)
        assert found < share * 8500 - 10


def test_who_is_reached_decides_the_slope():
    # Reached twice as often as the least deprived: the log of the reach falls evenly by fifth.
    reach = 2.0 ** np.array([1, 0.75, 0.5, 0.25, 0])
    reach = reach / reach.mean() * 1e6 / (55_000 / 150 * 2) / 8500
    longer = lived_while(1, 0.9, 2) - lived(1)
    by_hand = reach @ outcomes.slope_weights(np.ones(5)) * longer * 365.25
    name = "reach_coordination_most_against_least_deprived"
    more = {"hazard_ratio_coordination": 0.9, name: 2.0}
    found = worked(levers.SLOPE, **more)["coordination"]
    assert by_hand < 0
    assert found == pytest.approx(by_hand, rel=1e-9)
    back = worked(levers.SLOPE, **more | {name: 0.5})
    assert back["coordination"] == pytest.approx(-found, rel=1e-9)
    # Each lever has a reach of its own.
    other = {"hazard_ratio_coordination": 0.9, "reach_referral_most_against_least_deprived": 2.0}
    assert worked(levers.SLOPE, **other)["coordination"] == pytest.approx(0, abs=1e-9)


# --- a slow twin --------------------------------------------------------------------------------


def test_the_fast_way_equals_the_slow_one(assumed):
    """Person by person of the mix, with the survival curve added up by numbers."""
    drawn = assumptions.draws(assumed, 3, 5)
    people = invented()
    fast = levers.gains(drawn, people)
    for draw in (0, 2):
        slow = _slowly(drawn.iloc[draw].to_dict(), people)
        rows = fast[(fast["draw"] == draw) & (fast["measure"] == levers.LIFE)]
        for row in rows.itertuples():
            assert row.estimate == pytest.approx(slow[row.group], rel=1e-6, abs=1e-6), row.group


def _slowly(a: dict[str, float], people: pd.DataFrame) -> dict[str, float]:
    z = stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9])
    mix = []  # share, log hazard, fifth, band, years before referral, treated
    for row in people[people["term"] == 0].itertuples():
        for part, treated in itertools.product(z, (0, 1)):
            place = (5 - row.group) / 4
            lean = a["delay_most_against_least_deprived"] ** (place - 0.5)
            before = a["delay_before_referral_years"] * lean
            before *= np.exp(a["delay_before_referral_spread"] * part)
            share = row.estimate / 5
            share *= a["share_treated"] if treated else 1 - a["share_treated"]
            log = place ** a["deprivation_ratio_shape"] * np.log(a["hazard_ratio_deprivation"])
            far = ((row.level - 1) / 4) ** a["distance_ratio_shape"]
            log += far * np.log(a["hazard_ratio_distance"])
            log += np.log(a["hazard_ratio_delay_doubling"]) * np.log2(_total(a, before))
            log += treated * np.log(a["hazard_ratio_treatment"])
            mix.append((share, log, row.group, row.level, before, treated))

    def half(level: float) -> float:
        return sum(s * np.exp(-np.log(2) * np.exp(level + g)) for s, g, *_ in mix) - 0.5

    level = optimize.brentq(half, -10, 10, xtol=1e-13)

    def years(log: float, change: float = 0.0, until: float = 5.0) -> float:
        hazard = np.exp(level + log) * np.log(2)
        median, shape = a["median_survival_years"], a["survival_shape"]

        def died(t: float) -> float:
            before = min(t, until) / median
            rest = (t / median) ** shape - before**shape
            return hazard * (np.exp(change) * before**shape + rest)

        return quad(lambda t: np.exp(-died(t)), 0, 10, points=[until], epsabs=1e-10)[0]

    new, money = a["new_patients_a_year"], 1e6
    reach, lean = {}, {}
    for lever in ("referral", "treatment", "coordination"):
        ratio = a[f"reach_{lever}_most_against_least_deprived"]
        reach[lever] = {f: ratio ** ((5 - f) / 4) for f in range(1, 6)}
        lean[lever] = sum(reach[lever].values()) / 5
    months = a["referral_months_earlier"] / 12
    won = sum(part[0] * min(part[4], months) for part in mix)
    won *= a["share_months_won_treated"] * a["share_treated"]
    one = a["referral_pounds_a_person"] + won * a["treatment_pounds_a_year"]
    person = a["treatment_pounds_a_year"] * a["treatment_years"] + a["treatment_finding_pounds"]
    room = max(a["share_treatable"] - a["share_treated"], 0)
    list_pounds = a["coordinator_pounds_a_year"] / a["coordinator_people"]
    shares = {
        "referral": min(money / one / new, a["referral_share_reachable"]),
        "treatment": min(money / person / new, room),
        "coordination": min(money / list_pounds / a["coordination_years"] / new, 1),
    }
    moved = min(money / a["clinic_pounds_a_year"], 4) / 4
    total = dict.fromkeys(levers.LEVERS, 0.0)
    for share, log, fifth, band, before, treated in mix:
        sooner = max(before - a["referral_months_earlier"] / 12, 0)
        doublings = np.log2(_total(a, sooner) / _total(a, before))
        change = doublings * a["delay_share_causal"] * np.log(a["hazard_ratio_delay_doubling"])
        reached = {name: part * reach[name][fifth] / lean[name] for name, part in shares.items()}
        longer = years(log + change) - years(log)
        total["referral"] += share * min(reached["referral"], 1) * longer
        if fifth == 1 and band == 5:
            change = -a["distance_share_causal"] * np.log(a["hazard_ratio_distance"])
            there = share * moved * a["share_seen_at_spoke"]
            total["clinics"] += there * (years(log + change) - years(log))
        if not treated:
            change = a["treatment_share_causal"] * np.log(a["hazard_ratio_treatment"])
            started = min(reached["treatment"], room) / (1 - a["share_treated"])
            longer = years(log, change, a["treatment_years"]) - years(log)
            total["treatment"] += share * started * longer
        change = np.log(a["hazard_ratio_coordination"])
        longer = years(log, change, a["coordination_years"]) - years(log)
        total["coordination"] += share * min(reached["coordination"], 1) * longer
    return {name: value * new for name, value in total.items()}


def _total(a: dict[str, float], before: float) -> float:
    whole = before + a["wait_referral_to_clinic_days"] / 365.25
    return max(whole, a["shortest_delay_days"] / 365.25)


# --- properties ---------------------------------------------------------------------------------


def test_what_is_not_causal_gains_nothing(assumed):
    values = assumptions.values(assumed)
    values |= {f"{what}_share_causal": 0.0 for what in ("delay", "distance", "treatment")}
    values["hazard_ratio_coordination"] = 1.0
    found = levers.gains(values, invented())
    kept = found[found["measure"].isin(levers.UNITS)]
    assert len(kept) == 16
    np.testing.assert_allclose(kept["estimate"], 0, atol=1e-9)


def test_more_money_never_gains_less(assumed):
    values = assumptions.values(assumed) | {"hazard_ratio_coordination": 0.95}
    each = [
        levers.gains(values, invented(), pounds).query("measure == @levers.LIFE")["estimate"]
        for pounds in (0, 1e5, 1e6, 3e6, 1e7, 1e8, 1e9)
    ]
    steps = np.diff(np.array(each), axis=0)
    assert (steps >= -1e-9).all()
    # Much money meets the most that can be reached; no money gains nothing.
    np.testing.assert_allclose(each[0], 0, atol=1e-9)
    np.testing.assert_allclose(steps[-1], 0, atol=1e-9)
    assert (steps[0] > 0).all()


def test_everybody_together_has_the_assumed_median(assumed):
    drawn = assumptions.draws(assumed, 20, 3)
    values = {name: drawn[name].to_numpy() for name in levers.USED}
    today = levers._hazards(values, levers._cells(invented()))
    for draw in range(20):
        alive = outcomes.alive(
            values["median_survival_years"][draw],
            values["median_survival_years"][draw],
            values["survival_shape"][draw],
            np.exp(today.logs[draw]),
        )
        assert (alive * today.shares[draw]).sum() == pytest.approx(0.5, abs=1e-12)
    assert today.shares.sum(axis=(1, 2, 3, 4)) == pytest.approx(np.ones(20))


def test_a_steeper_gradient_makes_a_steeper_slope():
    flat = levers.today(ALIKE, invented()).set_index(["measure", "group"])["estimate"]
    assert flat[levers.SLOPE, "all"] == pytest.approx(0, abs=1e-9)
    assert flat[levers.MEAN, "all"] == pytest.approx(12 * lived(1))
    steep = levers.today(ALIKE | {"hazard_ratio_deprivation": 1.39}, invented())
    steep = steep.set_index(["measure", "group"])["estimate"]
    fifths = [steep[levers.MEAN, str(fifth)] for fifth in range(1, 6)]
    assert (np.diff(fifths) > 0).all()
    # The least deprived end lives longer than the most deprived fifth does by more than the gap.
    assert steep[levers.SLOPE, "all"] > fifths[4] - fifths[0] > 6


def test_shares_of_first_ranks_add_up(draws):
    for _, rows in draws.groupby("centre_list"):
        shares = levers.first(rows).groupby(["measure", "scenario"])["estimate"].sum()
        assert len(shares) == 6
        np.testing.assert_allclose(shares, 100)


def test_ties_are_shared_and_nobody_is_first_where_nobody_gains():
    better = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]])
    shares = levers._ranked_first(better)
    expected = [[0.5, 0.5, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0]]
    np.testing.assert_array_equal(shares, expected)


def test_first_and_narrowing_by_hand():
    # Two draws: referral gains most in one, clinics in the other; clinics widen the gap in both.
    rows = []
    for draw, life in enumerate(([5, 1, 0, 0], [1, 5, 0, 0])):
        for place, lever in enumerate(levers.LEVERS):
            slope = {"referral": -1.0, "clinics": 2.0}.get(lever, 0.0)
            rows.append((draw, lever, levers.LIFE, float(life[place])))
            rows += [(draw, lever, measure, slope) for measure in (levers.SLOPE, levers.RELATIVE)]
    table = pd.DataFrame(rows, columns=["draw", "group", "measure", "estimate"])
    shares = levers.first(table).set_index(["measure", "scenario", "group"])["estimate"]
    every = "all four levers"
    assert shares[levers.LIFE, every, "referral"] == 50
    assert shares[levers.LIFE, every, "clinics"] == 50
    assert shares[levers.SLOPE, every, "referral"] == 100
    narrow = levers.narrows(table).set_index(["measure", "group"])["estimate"]
    assert narrow[levers.SLOPE, "referral"] == 100
    assert narrow[levers.SLOPE, "clinics"] == 0
    assert narrow[levers.SLOPE, "treatment"] == 0


# --- draws, lists and workers -------------------------------------------------------------------


def test_blocks_and_workers_make_no_difference(assumed, people, draws):
    at_once = levers.gains(
        assumptions.draws(assumed, 700, levers.SEED), people[people["centre_list"] == "A"]
    )
    of_a = draws[draws["centre_list"] == "A"].drop(columns="centre_list")
    keys = ["draw", "group", "measure"]
    pd.testing.assert_frame_equal(
        of_a.sort_values(keys, ignore_index=True), at_once.sort_values(keys, ignore_index=True)
    )


@pytest.mark.slow
def test_two_processes_give_the_same(assumed, people, draws):
    two = levers.drawn(assumed, people, 700, workers=2)
    pd.testing.assert_frame_equal(two, draws)


def test_every_assumption_of_the_scenario_is_used_and_named(assumed):
    assert set(assumed["name"]) == set(levers.USED)
    assert set(ALIKE) == set(levers.USED)
    values = assumptions.values(assumed)
    del values["survival_shape"]
    with pytest.raises(AnalysisError, match="survival_shape"):
        levers.gains(values, invented())


def test_assumptions_are_counted_by_certainty(assumed):
    table = levers.certainties(assumed).set_index("group")["estimate"]
    assert table.sum() == len(assumed)
    unchecked = (assumed["certainty"] == "U").sum()
    assert table["not checked against a source"] == unchecked


def test_every_assumption_moves_some_answer(assumed, people):
    """A row that nothing depends on would be said to matter and would not."""
    rows = people[people["centre_list"] == "A"].copy()
    # Some come into a band in the middle.
    rows.loc[(rows["term"] == 4) & (rows["group"] == 2), "value"] = 3.0
    rows.loc[(rows["term"] == 4) & (rows["level"] == 1), "value"] = 1.0
    values = assumptions.values(assumed) | {"hazard_ratio_coordination": 0.95}
    moved = assumptions.one_at_a_time(assumed)
    names = [one.name for one in moved]
    every = pd.DataFrame([values] + [values | {one.name: one.assumed[one.name]} for one in moved])
    # Enough money to meet the limits on who can be reached, and little enough not to.
    found = pd.concat(
        levers.gains(every, rows, pounds).assign(pounds=pounds) for pounds in (1e6, 1e9)
    )
    wide = found.pivot_table("estimate", "draw", ["pounds", "group", "measure"]).to_numpy()
    apart = np.abs(wide[1:] - wide[0]).max(axis=1) > 1e-9 * np.abs(wide[0]).max()
    still = {name for name in names if not apart[[n == name for n in names]].any()}
    # A person is never seen sooner after first breathlessness than the wait alone, which is longer.
    assert still <= {"shortest_delay_days"}


def test_ranges_hold_the_estimate_and_lists_are_set_side_by_side(assumed, people):
    found = levers.compare(assumed, people, 300)
    for name in ("gain", "by_list", "first", "narrow"):
        rows = found[name]
        assert (rows["low"] <= rows["high"]).all()
        if name != "gain":
            assert ((rows["low"] <= rows["estimate"]) & (rows["estimate"] <= rows["high"])).all()
    by_list = found["by_list"].set_index(["group", "measure"])
    clinics = by_list.loc[("clinics", levers.LIFE)]
    # On the second list clinics reach five times as many.
    assert clinics["low"] == clinics["estimate"]
    assert clinics["high"] > 4 * clinics["estimate"]
    assert set(found["gain"]["unit"]) == set(levers.UNITS.values()) | set(
        levers.MORE_UNITS.values()
    )
    text = levers.as_text(found)
    assert "Earlier referral" in text
    assert "no lever can be named" in text or "the first is" in text
    assert len(levers.as_table(found)) == sum(len(rows) for rows in found.values())


@pytest.mark.parametrize(
    ("shares", "low", "said"),
    [
        (
            (85.0, 10.0, 5.0),
            None,
            "the first is earlier referral, in 85 of 100 draws of our assumptions",
        ),
        ((80.0, 15.0, 5.0), None, "no lever can be named: most often first is earlier referral"),
        ((85.0, 10.0, 5.0), (79.0, 5.0, 5.0), "no lever can be named"),
        (
            (5.0, 10.0, 85.0),
            None,
            "no lever can be named: in 85 of 100 draws of our assumptions none would",
        ),
    ],
)
def test_a_winner_is_named_only_above_80_per_cent(shares, low, said):
    table = pd.DataFrame(
        {
            "measure": levers.LIFE,
            "scenario": "all four levers",
            "group": ["referral", "clinics", levers.NONE],
            "estimate": shares,
        }
    )
    if low:
        table["low"] = low
    row = levers.verdict(table).iloc[0]
    assert row["note"].startswith(said)


def test_one_at_a_time_says_who_leads(assumed, people):
    table = levers.one_at_a_time(assumed, people)
    assert (table["level"] == "base").sum() == 1
    assert len(table) == 2 + 2 * (assumed["low"] < assumed["high"]).sum()
    behind = table["estimate"] < 0
    assert behind.any()
    assert (table.loc[behind, "group"] != table.loc[behind, "reference"]).all()
    assert (table.loc[~behind, "group"] == table.loc[~behind, "reference"]).all()
    assert table["title"].notna().all()
    none = table[(table["term"] == "delay_share_causal") & (table["level"] == "low")].iloc[0]
    assert none["group"] != "referral"


def test_a_break_even_is_where_the_levers_draw_level(assumed, people):
    rows = people[people["centre_list"] == "A"]
    table = levers.break_even(assumed, rows)
    assert set(table["group"]) == set(levers.LEVERS)
    known = table.dropna(subset="estimate")
    assert len(known) >= 3
    for row in known.itertuples():
        values = assumptions.values(assumed) | {row.term: row.estimate}
        found = levers.gains(values, rows).query("measure == @levers.LIFE")
        life = found.set_index("group")["estimate"]
        assert life[row.group] == pytest.approx(life.drop(row.group).max(), rel=1e-6)
    none = table[table["estimate"].isna()]
    assert (none["level"] == "no value").all()
    assert none["note"].str.startswith("nowhere in ").all()
    inside = known["estimate"].between(known["low"], known["high"])
    assert known["note"].str.startswith("inside ").tolist() == inside.tolist()
    assert known.loc[~inside, "note"].str.startswith("beyond ").all()


# --- people, from areas -------------------------------------------------------------------------

# Ten areas of 10 people each, 10, 20 ... 100 minutes away; two in each fifth, the most deprived
# furthest.
AREAS = pd.DataFrame(
    {
        "area_code": [f"E{n:02d}" for n in range(10)],
        "deprivation_quintile": np.repeat([5, 4, 3, 2, 1], 2),
        "expected_patients": 10.0,
        "people_all_ages": 1600.0,
    }
)
NOW = pd.Series(np.arange(10, 101, 10.0), index=AREAS["area_code"])
# A hospital near the two furthest areas, and one near the two in the middle.
FAR = NOW.where(NOW < 90, 5.0)
MIDDLE = NOW.where(~NOW.between(50, 60), 5.0)
HOSPITALS = pd.DataFrame({"far": FAR, "middle": MIDDLE})


def test_people_are_counted_by_band_and_moved_by_the_best_clinics():
    table = levers.moves(AREAS, NOW, HOSPITALS, clinics=(0, 1))
    today = table[table["term"] == 0]
    # Each fifth is a band of its own, since bands hold a fifth of the people each.
    assert today["group"].tolist() == [1, 2, 3, 4, 5]
    assert today["level"].tolist() == [5, 4, 3, 2, 1]
    assert (today["value"] == today["level"]).all()
    assert today["estimate"].tolist() == pytest.approx([0.2] * 5)
    assert today["people"].tolist() == [3200] * 5
    assert today["travel_minutes"].tolist() == pytest.approx([95, 75, 55, 35, 15])
    one = table[table["term"] == 1].set_index("group")
    # The one best clinic is the far one, and takes the most deprived to the nearest band.
    assert one.loc[1, "value"] == 1
    assert one.loc[1, "travel_minutes"] == pytest.approx(5)
    assert (one["value"].drop(1) == one["level"].drop(1)).all()


def test_clinics_can_be_chosen_for_some():
    table = levers.moves(AREAS, NOW, HOSPITALS, clinics=(0, 1), fifths=[3])
    one = table[table["term"] == 1].set_index("group")
    assert one.loc[3, "value"] == 1
    assert one.loc[1, "value"] == 5


def test_lists_and_choices_stand_in_one_table(assumed):
    near = pd.DataFrame({"AB": NOW, "A": NOW + 5})
    many = pd.DataFrame({f"h{n}": FAR + n for n in range(9)}).assign(middle=MIDDLE)
    table = levers.by_list(AREAS, near, many)
    assert len(table.groupby(["centre_list", "scenario", "term"])) == 2 * 2 * len(levers.CLINICS)
    sums = table.groupby(["centre_list", "scenario", "term"])["estimate"].sum()
    np.testing.assert_allclose(sums, 1)
    found = levers.clinics_by_choice(assumed, table)
    assert set(found["scenario"]) == set(levers.CHOSEN_FOR)
    kept = levers.chosen_for(table, levers.MOST_DEPRIVED)
    assert set(kept["scenario"]) == {levers.MOST_DEPRIVED}
    base = kept[kept["centre_list"] == "AB"]
    reach = levers.by_reach(assumed, base, number=60)
    for _, rows in reach.groupby("group"):
        # The more a programme leans to the most deprived, the flatter the slope.
        assert rows.sort_values("value")["estimate"].is_monotonic_decreasing
        assert ((rows["low"] <= rows["estimate"]) & (rows["estimate"] <= rows["high"])).all()
        assert (rows["low"] < rows["high"]).all()


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(AnalysisError, match="begin with 0"):
        levers.moves(AREAS, NOW, HOSPITALS, clinics=(1, 2))
    with pytest.raises(AnalysisError, match="add up to 1"):
        levers.gains(ALIKE, invented().query("level == 5"))
    with pytest.raises(AnalysisError, match="not here: people"):
        levers.gains(ALIKE, invented().drop(columns="people"))


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "sign", "said"),
    [
        ((130.095, 1.842, 833.46), False, "130 (2 to 833)"),
        ((24785.9, 10672.8, 43852.9), False, "24,800 (10,700 to 43,900)"),
        ((0.5, 0.0, 1.0), False, "0.5 (0.0 to 1.0)"),
        ((100.0, 100.0, 100.0), False, "100"),
        ((-4.644, -4.644, 9.06), True, "-4.6 (-4.6 to +9.1)"),
        ((1e-14, 0.0, 99.6), True, "0 (0 to +100)"),
    ],
)
def test_ranges_are_told_in_two_or_three_digits(numbers, sign, said):
    assert levers.told(*numbers, sign=sign) == said


@pytest.mark.parametrize(
    ("numbers", "sign", "said"),
    [
        ((0.0272, -0.862, 0.543), True, "0.0 (-0.9 to +0.5)"),
        ((46.6, 0.566, 281.4), False, "47 (1 to 281)"),
        ((-1.663, -13.61, -0.0105), True, "-2 (-14 to 0)"),
        ((0.0, 0.0, 0.0), True, "0"),
    ],
)
def test_what_is_less_than_a_tenth_is_not_told_with_more_digits(numbers, sign, said):
    assert levers.told(*numbers, sign=sign, places=1) == said
    row = pd.DataFrame([(*numbers, levers.SLOPE, "days" if sign else "months")])
    row.columns = ["estimate", "low", "high", "measure", "unit"]
    assert levers.as_told(row)["note"].tolist() == [said]


def test_the_summary_holds_the_prices_with_their_ranges_and_letters(assumed, people):
    found = levers.compare(assumed, people, 60)
    table = levers.summary(found["gain"], assumed).set_index("group")
    assert set(table.index) == set(levers.LEVERS)
    row = assumed.set_index("name").loc["clinic_pounds_a_year"]
    ends = f"{row['value']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f}), {row['certainty']}"
    assert table.loc["clinics", "prices"].endswith(ends)
    gain = found["gain"].set_index(["group", "measure"])
    clinics = gain.loc[("clinics", levers.BOUGHT), "estimate"]
    assert clinics == pytest.approx(1e6 / row["value"])
    assert table.loc["clinics", "a_million_buys"].startswith(f"{clinics:g} (")
    # Each lever is told with all that makes its price.
    assert (
        table["prices"].str.count(":") == [len(levers.PRICES[name]) for name in table.index]
    ).all()
    assert list(levers.inputs(assumed)["term"]) == list(assumed["name"])


def test_what_moves_the_gap_is_found(assumed, people):
    base = people[people["centre_list"] == "AB"]
    table = levers.gap_moved(assumed, base)
    assert table.groupby("group").size().tolist() == [3, 3, 3]
    assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()
    first = table.drop_duplicates("group").set_index("group")
    # An even reach leaves the gap nearly alone, an uneven one does not.
    assert first.loc["referral", "term"] == "reach_referral_most_against_least_deprived"
    values = assumptions.values(assumed) | {first.loc["referral", "term"]: 2.0}
    found = levers.gains(values, base).query("measure == @levers.SLOPE").set_index("group")
    assert first.loc["referral", "low"] == pytest.approx(found.loc["referral", "estimate"])


def test_one_belief_held_changes_who_ranks_first(assumed, people):
    table = levers.variants(assumed, people, base="A", number=40)
    shares = table.set_index(["term", "group"])["estimate"]
    # The dearer a lever, the less often it is first.
    assert shares["untreated", "referral"] > shares["treated", "referral"]
    assert shares["dear", "clinics"] < 100
    # The same by the whole comparison, with the belief held in every draw.
    drawn = assumptions.draws(assumed, 40, levers.SEED)
    dear = assumed.set_index("name").loc["clinic_pounds_a_year", "high"]
    held = {
        "untreated": drawn.assign(share_months_won_treated=0.0),
        "treated": drawn.assign(share_months_won_treated=1.0),
        "dear": drawn.assign(clinic_pounds_a_year=float(dear)),
        "one": drawn.assign(distance_share_causal=drawn["delay_share_causal"]),
    }
    of_lists = dict(list(levers.chosen_for(people, levers.EVERYBODY).groupby("centre_list")))
    for term, every in held.items():
        by_list = {}
        for name, rows in of_lists.items():
            first = levers.first(levers.gains(every, rows))
            first = first.query("measure == @levers.LIFE and scenario == 'without co-ordination'")
            by_list[name] = first.set_index("group")["estimate"]
        for row in table[table["term"] == term].itertuples():
            assert row.estimate == pytest.approx(by_list["A"][row.group])
            assert row.low == pytest.approx(min(of[row.group] for of in by_list.values()))
            assert row.high == pytest.approx(max(of[row.group] for of in by_list.values()))


# --- the command --------------------------------------------------------------------------------


def test_the_command_prints_and_writes(tmp_path, monkeypatch, people):
    people.to_csv(tmp_path / f"{levers.PEOPLE}.csv", index=False)
    monkeypatch.setattr(places, "ACCEPTED", tmp_path)
    run = CliRunner().invoke(command_line.app, ["levers", "--draws", "100"])
    assert run.exit_code == 0, run.output
    assert "Which ranks first" in run.stdout
    assert "not a finding" in run.stderr
    out = tmp_path / "levers.csv"
    run = CliRunner().invoke(command_line.app, ["levers", "--draws", "100", "--output", str(out)])
    assert run.exit_code == 0, run.output
    assert "100 draws" in run.stdout
    written = pd.read_csv(out)
    assert set(written["variable"]) == {"gain", "by_list", "first", "narrow", "verdict"}
    assert set(written["kind"]) == {"scenario"}
    assert set(written["draws"]) == {100}
    run = CliRunner().invoke(command_line.app, ["levers", "--draws", "100", "--output", str(out)])
    assert run.exit_code == 2
    assert "exists" in run.stderr


def test_without_people_the_command_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "ACCEPTED", tmp_path)
    run = CliRunner().invoke(command_line.app, ["levers"])
    assert run.exit_code == 2
    assert "make accept" in run.stderr
    assert "Traceback" not in run.output
