"""Waiting: closed forms against integrals, hand-worked groups, simulated people, and limits."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

from distance_to_care import lives, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, waiting
from distance_to_care.scenarios.waiting import Change

RATE = np.log(2) / 3.7
POWER = np.log2(1.3)
WAIT = 100 / 365.25
HALVED, PILOT, EARLIER = Change(wait_ratio=0.5), Change(as_pilot=True), Change(earlier_years=0.5)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return assumptions.of(tables.read("scenario_assumptions"), "waiting")


def held(rows: pd.DataFrame, **known: float) -> pd.DataFrame:
    """The same assumptions with some of them taken as known."""
    out = rows.copy()
    for name, value in known.items():
        (at,) = out.index[out["name"] == name]
        out.loc[at, ["value", "low", "high"]] = float(value)
        out.loc[at, "distribution"] = "fixed"
    return out


# Everybody is referred 1.05 years after the first breathlessness, and the hazard is constant.
ALIKE = {
    "delay_before_referral_years": 1.05,
    "delay_before_referral_spread": 1e-9,
    "hazard_ratio_delay_doubling": 1.3,
    "delay_share_causal": 0.5,
    "median_survival_years": 3.7,
    "survival_shape": 1,
    "wait_referral_to_clinic_days": 100,
    "visit_to_treatment_days": 26,
    "hazard_ratio_treatment": 0.75,
    "treatment_share_causal": 0.9,
    "share_treated": 0.559,
}


def gain(rows, change, measure="months lived", reading="delay", **how) -> float:
    table = waiting.gains(rows, {"it": change}, number=2, **how)
    (found,) = table[(table["measure"] == measure) & (table["method"] == reading)]["estimate"]
    return found


def one(table: pd.DataFrame, column: str = "estimate", **where) -> float:
    (row,) = table.loc[(table[list(where)] == pd.Series(where)).all(axis=1)].to_dict("records")
    return row[column]


# --- known answers ------------------------------------------------------------------------------


def test_the_gain_of_people_who_are_alike_has_a_closed_form(rows):
    """Constant hazards: (1 - exp(-rate t)) / rate, joined where the first visit is."""
    rows = held(rows, **ALIKE)
    ratio = ((1.05 + WAIT / 2) / (1.05 + WAIT)) ** (POWER * 0.5)
    visit = WAIT / 2
    today = (1 - np.exp(-RATE * 10)) / RATE
    rest = (1 - np.exp(-ratio * RATE * (10 - visit))) / (ratio * RATE)
    changed = (1 - np.exp(-RATE * visit)) / RATE + np.exp(-RATE * visit) * rest
    assert gain(rows, HALVED, times=[]) == pytest.approx(12 * (changed - today), rel=1e-8)
    # By hand: a delay shorter by a tenth, to the power 0.189, is a hazard lower by 2.04 per cent,
    assert ratio == pytest.approx(0.9795, abs=1e-4)
    # and of a hazard lower by one per cent people gain 0.0298 years, of ten.
    assert gain(rows, HALVED, times=[]) == pytest.approx(2.04 * 0.0298 * 12, abs=0.02)


def test_a_curve_with_another_shape_agrees_with_integration(rows):
    """The incomplete gamma functions against scipy.integrate.quad of the survival curve."""
    rows = held(rows, **ALIKE | {"survival_shape": 1.15})

    def hazard(t, level):
        return np.log(2) * (t / level) ** 1.15

    # The level at which half of those alive at the visit are alive 3.7 years later.
    level = ((WAIT + 3.7) ** 1.15 - WAIT**1.15) ** (1 / 1.15)
    ratio = ((1.05 + WAIT - 0.5) / (1.05 + WAIT)) ** (POWER * 0.5)

    def longer(t):
        return np.exp(-ratio * hazard(t, level)) - np.exp(-hazard(t, level))

    exact = 12 * integrate.quad(longer, 0, 10, epsabs=1e-12)[0]
    assert gain(rows, EARLIER, times=[]) == pytest.approx(exact, rel=1e-6)


def test_earlier_treatment_agrees_with_integration(rows):
    rows = held(rows, **ALIKE)
    # Nine tenths of the logarithm of 0.75 are causal.
    ratio = np.exp(0.9 * np.log(0.75))

    def alive(t, start, rate):
        treated = np.exp(-rate * (min(t, start) + ratio * max(t - start, 0)))
        return 0.559 * treated + 0.441 * np.exp(-rate * t)

    def median_off(rate):
        return alive(WAIT + 3.7, 126 / 365.25, rate) / alive(WAIT, 126 / 365.25, rate) - 0.5

    rate = optimize.brentq(median_off, 0.05, 1)
    starts = {"it": 17 / 365.25, "today": 126 / 365.25}
    lived = {
        name: integrate.quad(alive, 0, 10, args=(start, rate), points=[start])[0]
        for name, start in starts.items()
    }
    told = gain(rows, PILOT, reading="treatment", times=[])
    assert told == pytest.approx(12 * (lived["it"] - lived["today"]), rel=1e-6)


def test_deaths_during_a_wait_have_a_closed_form(rows):
    """Half die in 3.7 years, so 1 - 0.5 ** (wait / 3.7) die in the wait: five of 100."""
    table = waiting.while_waiting(held(rows, **ALIKE), {"it": Change(), "half": HALVED}, number=2)
    dead = {"measure": "deaths before the visit", "method": "delay"}
    assert one(table, scenario="it", **dead) == pytest.approx(100 * (1 - 0.5 ** (WAIT / 3.7)))
    assert one(table, scenario="it", **dead) == pytest.approx(5.0, abs=0.01)
    assert one(table, scenario="half", **dead) == pytest.approx(2.53, abs=0.01)
    # Those without treatment die faster than the mix whose median was published.
    assert one(table, scenario="it", **dead | {"method": "treatment"}) > 5.5
    a_year = {"measure": "deaths a year before the visit", "method": "delay"}
    assert one(table, scenario="it", **a_year) == pytest.approx(85 * 5.0, abs=1)


def test_days_are_those_of_the_sources(rows):
    table = waiting.while_waiting(rows, {"today": Change(), "pilot": PILOT}, number=2)
    days = {"measure": "days to treatment", "method": "delay"}
    assert one(table, scenario="today", **days) == pytest.approx(18 * 7)
    assert one(table, scenario="pilot", **days) == pytest.approx(17)


def test_lung_function_follows_the_published_distribution(rows):
    table = waiting.at_first_visit(rows, {"today": Change(), "half": HALVED}, number=2)
    # scipy.stats.lognorm with mean 78.2 and standard deviation 18.3, not fitted to the quartiles.
    sigma = np.sqrt(np.log1p((18.3 / 78.2) ** 2))
    known = stats.lognorm(sigma, scale=78.2 * np.exp(-(sigma**2) / 2))
    assert known.ppf([0.25, 0.5, 0.75]) == pytest.approx([65.8, 76.2, 88.2], abs=1)
    assert one(table, scenario="today", measure="window: below") == pytest.approx(
        100 * known.cdf(50)
    )
    inside = 100 * (known.cdf(80) - known.cdf(50))
    measure = "window: inside"
    assert one(table, scenario="today", measure=measure) == pytest.approx(inside)
    # The registry found 43 per cent outside the rule; nothing was fitted to that.
    assert 100 - inside == pytest.approx(43, abs=3)
    # 50 days at 2.8 points a year.
    more = 2.8 * 50 / 365.25
    mean = "lung function, mean"
    assert one(table, "difference", scenario="half", measure=mean) == pytest.approx(more)
    inside = 100 * (known.cdf(80 - more) - known.cdf(50 - more))
    assert one(table, scenario="half", measure=measure) == pytest.approx(inside)
    kept = one(table, scenario="half", measure=waiting.KEPT)
    assert kept == pytest.approx(0.49 * more)


def test_the_time_before_referral_gives_the_published_shares(rows):
    table = waiting.of_the_delay(rows, number=2)
    assert one(table, measure="over 1 year") == pytest.approx(60, abs=0.3)
    assert one(table, measure="over 2 years") == pytest.approx(36.7, abs=0.3)
    # 100 days of 1.05 years and 100 days.
    assert one(table, measure="after referral") == pytest.approx(100 * WAIT / (1.05 + WAIT))


def test_the_gap_between_fifths_is_worked_out_from_the_median_of_all(rows):
    """Five fifths whose mix has the median 3.7 (scipy.optimize.brentq), constant hazards."""
    known = {"median_survival_years": 3.7, "survival_shape": 1, "hazard_ratio_deprivation": 1.39}
    rows = held(rows, hazard_ratio_delay_doubling=1.3, delay_share_causal=1, **known)
    table = waiting.if_delays_differed(rows, [1, 2], number=2)
    for multiple, ratio in ((1.0, 1.39), (2.0, 1.39 * 1.3)):
        fifths = ratio ** np.array([0, 0.25, 0.5, 0.75, 1])
        rate = optimize.brentq(lambda r, f=fifths: np.exp(-r * f * 3.7).mean() - 0.5, 0.01, 1)
        lived = 12 * (1 - np.exp(-10 * rate * fifths)) / (rate * fifths)
        assert one(table, measure="gap", value=multiple) == pytest.approx(lived[0] - lived[-1])
    # The older function lets all together die at a constant rate, and not each fifth.
    half = pd.DataFrame({"time_years": [3.7], "estimate": 0.5, "ci_low": np.nan, "ci_high": np.nan})
    mix = lives.mixture([1] * 5, [0, 0.25, 0.5, 0.75, 1])
    older = one(lives.gap(half, 1.39, times=[], horizons=[10], mix=mix), group="fewer")
    assert one(table, measure="gap", value=1.0) == pytest.approx(older, rel=0.005)
    assert one(table, measure="closed by equal delays", value=1.0) == 0
    # With the delay of the least deprived, the last fifth has the published ratio alone.
    freed = lived[0] - 12 * (1 - np.exp(-10 * rate * 1.39)) / (rate * 1.39)
    closed = one(table, measure="gap", value=2.0) - freed
    assert one(table, measure="closed by equal delays", value=2.0) == pytest.approx(closed)
    assert one(table, measure="hazard ratio added", value=2.0) == pytest.approx(1.3)


# --- recovery -----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [HALVED, PILOT, EARLIER], ids=["halved", "pilot", "earlier"])
def test_people_drawn_one_by_one_agree(rows, change):
    table = waiting.checked(rows, change, people=60_000)
    assert len(table) == 6
    assert table["statistic"].abs().max() < 3.5
    # The check is sharp: gains that were 4 per cent wrong would not pass it.
    sharp = table[table["measure"] == "months lived"]
    assert (0.04 * sharp["estimate"] > 3.5 * sharp["standard_error"]).all()


def test_drawn_people_carry_the_built_in_median_and_lung_function(rows):
    people = waiting.simulate(rows, EARLIER, "delay", 60_000)
    seen = people[people["died_today"] > people["visit_today"]]
    median = (seen["died_today"] - seen["visit_today"]).median()
    assert median == pytest.approx(3.7, abs=0.1)
    assert people["lung_function_today"].mean() == pytest.approx(78.2, abs=0.3)
    # Nobody is referred before their first breathlessness, and nobody's later than today.
    earlier = people["visit_today"] - people["visit_changed"]
    assert earlier.min() > 0
    assert earlier.max() == pytest.approx(0.5)
    assert (earlier < 0.499).mean() == pytest.approx(
        stats.norm.cdf(np.log(0.5 / 1.05) / 1.46), abs=0.01
    )


@pytest.mark.parametrize("shape", [0.95, 1.15])
def test_the_published_median_is_kept_whatever_the_shape(rows, shape):
    table = waiting.today(held(rows, survival_shape=shape), number=2)
    medians = table.loc[table["measure"] == "median", "estimate"]
    assert medians.to_numpy() == pytest.approx([3.7, 3.7], abs=1e-6)


# --- properties ---------------------------------------------------------------------------------


def test_without_a_change_nothing_changes(rows):
    table = waiting.gains(rows, {"none": Change(), "same": Change(before_ratio=1)}, number=20)
    numbers = table[["estimate", "low", "high"]].to_numpy()
    assert np.abs(numbers).max() < 1e-9


def test_if_nothing_is_causal_nobody_lives_longer_but_it_looks_so(rows):
    none = held(rows, delay_share_causal=0, hazard_ratio_treatment=1)
    table = waiting.gains(none, {"it": EARLIER}, number=20)
    longer = table[table["measure"].isin(["months lived", "people alive"])]
    assert np.abs(longer[["estimate", "low", "high"]].to_numpy()).max() < 1e-9
    # Counted from the visit the same people seem to live months longer.
    seeming = table[table["measure"] == "months since the visit"]["estimate"]
    assert seeming.min() > 4


def test_earliness_has_a_closed_form(rows):
    """Half a year earlier: the wait that people lived through, and the time before today's day."""
    rows = held(rows, **ALIKE)
    lived_in_wait = (1 - np.exp(-RATE * WAIT)) / RATE
    exact = 12 * (0.5 - WAIT + lived_in_wait)
    for share in (0, 1):
        told = gain(held(rows, delay_share_causal=share), EARLIER, "earliness", times=[])
        assert told == pytest.approx(exact, rel=1e-8)


def test_more_of_a_change_brings_more(rows):
    changes = {f"{r}": Change(wait_ratio=r) for r in (1, 0.75, 0.5, 0.25, 0)}
    changes |= {f"{y} years": Change(earlier_years=y) for y in (0, 0.25, 0.5, 1, 2)}
    table = waiting.gains(rows, changes, number=30).set_index("scenario")
    table = table[table["measure"] == "months lived"]
    for reading in waiting.READINGS:
        of = table[table["method"] == reading]
        for names in (list(changes)[:5], list(changes)[5:]):
            for column in ("estimate", "high"):
                assert (np.diff(of.loc[names, column]) > -1e-9).all()
    assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()


def test_a_month_is_a_month_before_and_after_referral(rows):
    # Of people who are alike and long delayed, fifty days are the same wherever they are saved.
    alike = held(rows, **ALIKE)
    sooner = Change(earlier_years=50 / 365.25)
    assert gain(alike, HALVED, times=[]) == pytest.approx(gain(alike, sooner, times=[]))
    # As the chapter says of everybody: nearly so, for those whose delay is shorter.
    each = [gain(rows, change, "months a month", times=[]) for change in (HALVED, EARLIER)]
    assert each[0] == pytest.approx(each[1], rel=0.2)


def test_a_shorter_delay_than_the_shortest_brings_nothing_more(rows):
    no_wait = Change(wait_ratio=0)
    short, long = (held(rows, shortest_delay_days=days) for days in (1, 60))
    assert gain(short, no_wait, times=[]) > gain(long, no_wait, times=[]) > 0


def test_half_of_the_effect_is_the_assumed_value(rows):
    table = waiting.by_share(rows, [0, 0.5, 1], [0, 0.5], number=20)
    half = one(table, group="0.5", value=6.0)
    assert half == pytest.approx(gain(rows, EARLIER, times=[]))
    assert one(table, group="0", value=6.0) == pytest.approx(0, abs=1e-9)
    assert one(table, "low", group="1", value=6.0) > one(table, "low", group="0.5", value=6.0) > 0


def test_under_the_older_rule_fewer_are_eligible_when_seen_earlier_and_more_under_the_later(rows):
    table = waiting.at_first_visit(rows, {"today": Change(), "earlier": EARLIER}, number=2)
    change = table[table["scenario"] == "earlier"].set_index("measure")["difference"]
    assert change["window: inside"] < -1
    assert change["window: inside or above"] > 0.3
    parts = [f"window: {each}" for each in ("below", "inside", "above")]
    parts = [one(table, scenario="earlier", measure=part) for part in parts]
    assert sum(parts) == pytest.approx(100)


def test_two_assumptions_move_the_gain_most_and_idle_ones_do_not(rows):
    table = waiting.moved(rows, EARLIER)
    assert list(table["term"][:2]) == ["delay_share_causal", "hazard_ratio_delay_doubling"]
    assert table["estimate"].to_numpy() == pytest.approx(gain(rows, EARLIER, times=[]))
    assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()
    assert not table["term"].str.contains("lung_function|treat|deprivation").any()
    # By treatment, its hazard ratio moves the gain most.
    assert waiting.moved(rows, PILOT, "treatment")["term"].iloc[0] == "hazard_ratio_treatment"


def test_the_same_seed_gives_the_same_ranges(rows):
    twice = [waiting.of_the_delay(rows, number=50, seed=4) for _ in range(2)]
    pd.testing.assert_frame_equal(*twice)
    other = waiting.of_the_delay(rows, number=50, seed=5)
    assert not other["low"].equals(twice[0]["low"])


def test_a_range_holds_95_of_100_draws_of_a_known_assumption(rows):
    """A wait uniform from a tenth to 1.1 years: its middle 95 are 0.125 to 1.075 years."""
    known = held(rows, delay_before_referral_years=1.0)
    at = known["name"] == "wait_referral_to_clinic_days"
    known.loc[at, ["value", "low", "high"]] = [219.15, 36.525, 401.775]
    known.loc[at, "distribution"] = "uniform"
    table = waiting.of_the_delay(known, number=20_000)
    median = {"measure": "median delay"}
    assert one(table, **median) == pytest.approx(1.6)
    assert one(table, "low", **median) == pytest.approx(1.125, abs=0.005)
    assert one(table, "high", **median) == pytest.approx(2.075, abs=0.005)


def test_the_titles_of_the_page_say_what_the_model_gives(rows):
    """Each headline of the page, as a comparison at the assumed values."""
    year, pilot = Change(earlier_years=1), Change(as_pilot=True)
    changes = {"half": HALVED, "pilot": pilot, "six": EARLIER, "year": year}
    table = waiting.gains(rows, changes, number=2, times=[])
    of = table.set_index(["method", "measure", "scenario"])["estimate"].sort_index()
    lived = of["delay", "months lived"]
    # "If delay's effect is causal, referral a year earlier would add most; if not, little".
    assert lived.idxmax() == "year"
    assert lived["six"] > max(lived["half"], lived["pilot"])
    assert of["treatment", "months lived"].max() < 1
    assert of["treatment", "months lived", "year"] < 0.5 * lived["year"]
    # "By earlier treatment only, a year earlier would add no more than half a year earlier".
    year, half = (of["treatment", "months lived", each] for each in ("year", "six"))
    assert year == pytest.approx(half, abs=0.05)
    # "Counted from the first visit, most of what looks like longer life is earliness".
    assert (of["delay", "earliness"] > 0.5 * of["delay", "months since the visit"]).all()
    # "What earlier referral would bring hangs on how much of delay's effect is causal".
    shares = waiting.by_share(rows, [0, 0.5, 1], [1], number=2)["estimate"]
    assert shares.tolist() == sorted(shares)
    assert shares.iloc[0] == pytest.approx(0, abs=1e-9)
    # "Most of the delay lies before referral".
    assert one(waiting.of_the_delay(rows, number=2), measure="after referral") < 50


# --- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(wait_ratio=-1), "below 0"),
        (Change(wait_days=-3), "below 0"),
        (Change(earlier_years=np.nan), "below 0"),
        (Change(before_ratio=1.5), "later than today"),
    ],
)
def test_a_change_that_cannot_be_is_refused(rows, change, said):
    with pytest.raises(AnalysisError, match=said):
        waiting.gains(rows, {"it": change}, number=2)


def test_other_impossible_questions_are_refused(rows):
    with pytest.raises(AnalysisError, match="some time after"):
        waiting.gains(rows, {"it": HALVED}, horizon=0, number=2)
    with pytest.raises(AnalysisError, match="counted from referral"):
        waiting.while_waiting(rows, {"it": EARLIER}, number=2)
    with pytest.raises(AnalysisError, match="A reading is one of"):
        waiting.moved(rows, HALVED, "hope")
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        waiting.by_share(rows, [1.2], [0.5], number=2)
    with pytest.raises(AnalysisError, match="above 0"):
        waiting.if_delays_differed(rows, [0], number=2)
