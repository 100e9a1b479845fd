"""Expected births: exact ranges of counts, rates from counts, shared-out births, mixes of kinds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from distance_to_care import expected_births
from distance_to_care.problems import AnalysisError

# Three invented nations: a large one, a small one, and one where a birth is rare.
NATIONS = pd.DataFrame({"group": ["large", "small", "tiny"], "births": [600_000, 20_000, 1_000.0]})


def value(table: pd.DataFrame, column: str = "estimate", **where) -> float:
    rows = table
    for name, asked in where.items():
        rows = rows[rows[name] == asked]
    assert len(rows) == 1
    return rows[column].iloc[0]


def test_a_range_of_counts_worked_by_hand():
    # Mean 2: P(0) = 0.1353 is above 0.025; P(N <= 5) = 0.9834 is the first above 0.975.
    assert expected_births.count_range(2.0) == (0, 5)
    # R: qpois(c(0.025, 0.975), 66) is 51 and 82; qpois(c(0.025, 0.975), 4) is 1 and 8.
    assert expected_births.count_range(66) == (51, 82)
    assert expected_births.count_range(4) == (1, 8)
    # Nobody is expected: nobody comes.
    assert expected_births.count_range(0.0) == (0, 0)


@given(st.floats(0.01, 400), st.floats(0.5, 0.99))
def test_a_range_holds_its_share_of_years_and_no_less(mean, share):
    low, high = expected_births.count_range(mean, share)
    held = stats.poisson.cdf(high, mean) - stats.poisson.cdf(low - 1, mean)
    assert held >= share - 1e-12
    # One less on either side leaves more than its half outside.
    assert stats.poisson.cdf(low, mean) >= (1 - share) / 2 * (1 - 1e-9)
    if high > 0:
        assert stats.poisson.cdf(high - 1, mean) <= (1 + share) / 2 + 1e-12


def test_a_rate_from_a_count_is_that_of_garwood():
    # R: poisson.test(38)$conf.int is 26.891062 to 52.157969.
    each, commonest, rarest = expected_births.rate_of_count(38, 278_970)
    assert each == pytest.approx(7341.3, abs=0.1)
    assert commonest == pytest.approx(278_970 / 52.157969, rel=1e-7)
    assert rarest == pytest.approx(278_970 / 26.891062, rel=1e-7)
    # By hand: one birth counted, the least mean m with P(N >= 1) = 0.025 is -log(0.975).
    assert expected_births.rate_of_count(1, 100)[2] == pytest.approx(100 / -np.log(0.975))


def test_several_counts_are_told_as_each_alone():
    table = expected_births.counted({"a": (38, 278_970), "b": (1, 100)}).set_index("term")
    for name, count in {"a": (38, 278_970), "b": (1, 100)}.items():
        ends = table.loc[name, ["estimate", "low", "high"]].tolist()
        assert ends == pytest.approx(expected_births.rate_of_count(*count))


@pytest.mark.parametrize(("count", "births"), [(0, 100), (101, 100)])
def test_a_rate_from_no_count_is_refused(count, births):
    with pytest.raises(AnalysisError, match="one birth at least"):
        expected_births.rate_of_count(count, births)


def test_a_garwood_interval_covers_as_it_claims():
    # True rate one in 5,000 of 100,000 births: mean 20. Exact coverage, summed over counts.
    mean, covered = 20.0, 0.0
    for count in range(1, 80):
        _, commonest, rarest = expected_births.rate_of_count(count, 100_000)
        covered += stats.poisson.pmf(count, mean) * (commonest <= 5_000 <= rarest)
    assert 0.95 <= covered < 0.985


def test_published_rates_and_numbers_a_year_are_brought_together():
    rates = pd.DataFrame(
        {
            "term": ["as_rate", "as_number"],
            "group": ["one in ten thousand", "fifty a year"],
            "births_for_each": [10_000, np.nan],
            "births_a_year": [np.nan, 50],
        }
    )
    table = expected_births.of_rates(rates, 600_000)
    by = {"measure": expected_births.EXPECTED}
    assert value(table, term="as_rate", **by) == 60
    assert value(table, term="as_number", **by) == 50
    # 600,000 births over 50 are 12,000 births for each.
    assert value(table, "value", term="as_number", **by) == 12_000
    assert value(table, term="as_rate", measure=expected_births.DAYS) == pytest.approx(365.25 / 60)
    # R: qpois(c(0.025, 0.975), 50) is 37 and 64.
    ends = [value(table, end, term="as_number", **by) for end in ("low", "high")]
    assert ends == [37, 64]


@pytest.mark.parametrize(
    "broken",
    [
        {"births_for_each": 10_000, "births_a_year": 50},
        {"births_for_each": np.nan, "births_a_year": np.nan},
        {"births_for_each": -1, "births_a_year": np.nan},
    ],
)
def test_a_rate_is_given_in_one_way(broken):
    rates = pd.DataFrame([{"term": "a", "group": "a"} | broken])
    with pytest.raises(AnalysisError, match="one of the two"):
        expected_births.of_rates(rates, 1_000)


def test_places_worked_by_hand():
    table = expected_births.of_places(NATIONS, (10_000, 5_000, 20_000))
    of_small = {"group": "small"}
    for end, births in (("estimate", 2), ("low", 1), ("high", 4)):
        assert value(table, end, measure=expected_births.EXPECTED, **of_small) == births
        # A year without any: exp(-mean); with fewer births it comes more often.
    none = [value(table, e, measure=expected_births.NONE, **of_small) for e in ("low", "high")]
    assert none == pytest.approx([100 * np.exp(-4), 100 * np.exp(-1)], abs=5e-5)
    # Sixty a year: a year without any has no place in four decimals, and is told as none.
    assert value(table, measure=expected_births.NONE, group="large") == 0
    assert value(table, measure=expected_births.YEARS, group="tiny") == pytest.approx(10)
    assert value(table, "low", measure=expected_births.COUNTS, **of_small) == 0
    assert value(table, "high", measure=expected_births.COUNTS, **of_small) == 5
    assert set(table["unit"]) == {"births a year", "years", "days", "of 100 years"}


def test_years_without_any_agree_with_simulated_years():
    table = expected_births.of_places(NATIONS, (10_000, 5_000, 20_000))
    years = np.random.default_rng(7).poisson(2.0, 200_000)
    told = value(table, group="small", measure=expected_births.NONE) / 100
    assert (years == 0).mean() == pytest.approx(told, abs=0.003)
    # Simulated waits between births at two a year last half a year on average.
    waits = np.random.default_rng(8).exponential(1 / 2.0, 200_000)
    years_between = value(table, group="small", measure=expected_births.YEARS)
    assert waits.mean() == pytest.approx(years_between, rel=0.01)


@settings(max_examples=25)
@given(st.floats(1_000, 1e6), st.floats(1.01, 5))
def test_a_rarer_disease_never_means_more_births(births, times):
    place = pd.DataFrame({"group": ["a"], "births": [births]})
    common = expected_births.of_places(place, (8_000, 6_000, 10_000))
    rare = expected_births.of_places(place, (8_000 * times, 6_000 * times, 10_000 * times))
    for measure, sign in ((expected_births.EXPECTED, -1), (expected_births.NONE, 1)):
        moved = value(rare, measure=measure) - value(common, measure=measure)
        assert sign * moved >= -1e-9
    low, middle, high = (value(rare, e, measure=expected_births.EXPECTED)
                         for e in ("low", "estimate", "high"))  # fmt: skip
    assert low <= middle <= high


def test_no_births_are_refused():
    with pytest.raises(AnalysisError, match="above zero"):
        expected_births.of_places(NATIONS.assign(births=0), (10_000, 5_000, 20_000))
    for mean in (-1, np.inf, np.nan):
        with pytest.raises(AnalysisError, match="mean from 0 up"):
            expected_births.count_range(mean)
    rates = pd.DataFrame(
        {"term": ["a"], "group": ["a"], "births_for_each": [10_000], "births_a_year": [np.nan]}
    )
    with pytest.raises(AnalysisError, match="without births"):
        expected_births.of_rates(rates, 0)
    # One birth in a hundred years: most years have none, and no year has a longest wait.
    days = expected_births.of_rates(rates, 100).query("measure == @expected_births.DAYS").iloc[0]
    assert days["low"] == 365.25 and np.isnan(days["high"])


def test_every_place_under_every_rate():
    rates = pd.DataFrame(
        {"term": ["rate", "number"], "group": ["Review", "Charity"],
         "births_for_each": [10_000, np.nan], "births_a_year": [np.nan, 31.05]}
    )  # fmt: skip
    known = expected_births.of_rates(rates, NATIONS["births"].sum())
    table = expected_births.by_rate_and_place(known, {"nation": NATIONS})
    assert len(table) == 6 and set(table["group_by"]) == {"nation"}
    # 31.05 a year of 621,000 births are one in 20,000: one a year of 20,000 births.
    small = {"group": "small", "term": "number"}
    assert value(table, "value", **small) == pytest.approx(20_000)
    assert value(table, **small) == pytest.approx(1)
    # R: qpois(c(0.025, 0.975), 1) is 0 and 3.
    assert [value(table, end, **small) for end in ("low", "high")] == [0, 3]
    assert value(table, group="large", term="rate") == pytest.approx(60)
    # The places of one rate add up to what the rate means for them all.
    added = table.groupby("term")["estimate"].sum()
    assert added.to_dict() == pytest.approx({"rate": 62.1, "number": 31.05})
    with pytest.raises(AnalysisError, match="above zero"):
        expected_births.by_rate_and_place(known, {"nation": NATIONS.assign(births=0)})


def test_births_are_shared_out_by_babies_and_add_up():
    # Four invented areas: two of a board with 30 babies, one with 60, one with 10.
    areas = pd.DataFrame({"board": list("aabc"), "babies": [10, 20, 60, 10]})
    shared = expected_births.shared_out(areas, ["board"], 1_000).set_index("board")["births"]
    assert shared.to_dict() == pytest.approx({"a": 300, "b": 600, "c": 100})
    assert shared.sum() == pytest.approx(1_000)
    with pytest.raises(AnalysisError, match="no area has any"):
        expected_births.shared_out(areas.assign(babies=0), ["board"], 1_000)
    with pytest.raises(AnalysisError, match="no area has any"):
        expected_births.shared_out(areas.assign(babies=[-1, 21, 60, 20]), ["board"], 1_000)
    # An area that lies in no board would lose its births, unless nobody is born there.
    nowhere = areas.assign(board=["a", "a", None, "c"])
    with pytest.raises(AnalysisError, match="would be lost"):
        expected_births.shared_out(nowhere, ["board"], 1_000)
    empty = expected_births.shared_out(nowhere.assign(babies=[1, 2, 0, 1]), ["board"], 1_000)
    assert empty["births"].sum() == pytest.approx(1_000)


def test_the_chance_of_a_count_worked_by_hand():
    # Mean 1: P(0) = P(1) = 0.3679.
    chance = expected_births.chance_of_count(1, 1.0)
    assert chance["so few"] == pytest.approx(2 * np.exp(-1))
    assert chance["so many"] == pytest.approx(1 - np.exp(-1))
    # R: ppois(47, 66) is 0.008734434.
    assert expected_births.chance_of_count(47, 66)["so few"] == pytest.approx(0.008734434, rel=1e-6)


BECOMES = pd.DataFrame(
    {"severe": [0.8, 0.1, 0.0], "middle": [np.nan, 0.6, 0.0], "mild": [np.nan, 0.3, 0.9]},
    index=[2, 3, 4],
)


def test_a_mix_worked_by_hand():
    # 40 of 100 have two copies and 80 per cent of them are severe: 32, and 3 of the thirty others.
    mix = expected_births.mix({2: 40, 3: 30, 4: 30}, BECOMES, 2_000, 1).set_index("group")
    assert mix["estimate"].to_dict() == pytest.approx(
        {"severe": 35, "middle": 18, "mild": 36, "not told": 11}
    )
    assert mix["estimate"].sum() == pytest.approx(100)
    assert ((mix["low"] <= mix["estimate"]) & (mix["estimate"] <= mix["high"])).all()


def test_a_mix_of_few_babies_is_less_sure_and_its_interval_is_that_of_the_beta():
    certain = pd.DataFrame({"severe": [1.0, 0.0], "mild": [0.0, 1.0]}, index=[2, 3])
    few = expected_births.mix({2: 4, 3: 6}, certain, 40_000, 2).set_index("group")
    many = expected_births.mix({2: 400, 3: 600}, certain, 40_000, 2).set_index("group")
    assert few["estimate"].to_dict() == many["estimate"].to_dict()
    widths = (few["high"] - few["low"]) / (many["high"] - many["low"])
    # Ten against a thousand: the root of one hundred, a little less for so few.
    assert 8 < widths["severe"] < 10
    # Two markers alone: Jeffreys' interval of a share, R: qbeta(c(.025, .975), 4.5, 6.5).
    jeffreys = 100 * stats.beta.ppf([0.025, 0.975], 4.5, 6.5)
    assert [few["low"]["severe"], few["high"]["severe"]] == pytest.approx(jeffreys, abs=0.6)


@pytest.mark.parametrize(
    ("found", "becomes"),
    [
        ({2: 1, 9: 1}, BECOMES),
        ({2: 0}, BECOMES),
        ({2: 5, 3: -1}, BECOMES),
        ({2: 5}, BECOMES.assign(mild=0.5)),
    ],
)
def test_a_mix_that_cannot_be_is_refused(found, becomes):
    with pytest.raises(AnalysisError):
        expected_births.mix(found, becomes, 200, 1)


# Rows as they stand among published figures: three rates, one number a year, shares of markers.
PUBLISHED = pd.DataFrame(
    [
        ("x_rate_review", "Review", 10_000.0, "births"),
        ("x_rate_type_1", "Registration", 16_000.0, "births"),
        ("x_births", "Charity", 50.0, "babies"),
        ("x_found_2_copies", "Screening", 40.0, "per cent"),
        ("x_found_3_copies", "Screening", 60.0, "per cent"),
        ("x_2_copies_severe", "Trial", 80.0, "per cent"),
        ("x_3_copies_severe", "Trial", 10.0, "per cent"),
        ("x_3_copies_mild", "Trial", 90.0, "per cent"),
    ],
    columns=["id", "study", "estimate", "unit"],
)


def test_published_rows_become_rates():
    terms = ["x_rate_review", "x_rate_type_1", "x_births"]
    rates = expected_births.published_rates(PUBLISHED, terms, {"x_rate_type_1": 0.5})
    assert rates["group"].tolist() == ["Review", "Registration", "Charity"]
    # Half of all are of that kind: one of all kinds in 8,000 births.
    assert rates["births_for_each"].dropna().tolist() == [10_000, 8_000]
    assert rates["births_a_year"].dropna().tolist() == [50]
    with pytest.raises(AnalysisError, match="No published row is named x_none"):
        expected_births.published_rates(PUBLISHED, ["x_none"])


def test_names_of_rows_are_read_by_a_pattern():
    read = expected_births.read_off(PUBLISHED, r"x_found_(?P<copies>\d)_copies")
    assert read[["copies", "estimate"]].to_numpy().tolist() == [["2", 40], ["3", 60]]
    with pytest.raises(AnalysisError, match="has a name like"):
        expected_births.read_off(PUBLISHED, r"y_(?P<copies>\d)")


def test_a_mix_of_published_rows_is_the_mix_of_its_numbers():
    patterns = r"x_found_(?P<copies>\d)_copies", r"x_(?P<copies>\d)_copies_(?P<kind>[a-z]+)"
    read = expected_births.mix_of_published(PUBLISHED, *patterns, 50, 500, 3)
    becomes = pd.DataFrame({"mild": [0, 0.9], "severe": [0.8, 0.1]}, index=["2", "3"])
    direct = expected_births.mix({"2": 20, "3": 30}, becomes, 500, 3)
    pd.testing.assert_frame_equal(read.drop(columns="title"), direct, check_names=False)
    assert read["title"].tolist() == ["mild", "severe", "not told"]
    # By hand: 0.4 x 80 + 0.6 x 10 are severe, 0.6 x 90 mild, the rest of two copies not told.
    assert read.set_index("group")["estimate"].to_dict() == pytest.approx(
        {"severe": 38, "mild": 54, "not told": 8}
    )


def test_shares_of_babies_are_whole_babies_again():
    # A third of 43 babies printed as 32.6 per cent is 14 babies, not 14.018.
    printed = PUBLISHED.replace({"estimate": {40.0: 32.6, 60.0: 67.4}})
    patterns = r"x_found_(?P<copies>\d)_copies", r"x_(?P<copies>\d)_copies_(?P<kind>[a-z]+)"
    severe = expected_births.mix_of_published(printed, *patterns, 43, 500, 3).set_index("group")
    by_hand = 100 * (14 * 0.8 + 29 * 0.1) / 43
    assert severe.loc["severe", "estimate"] == pytest.approx(by_hand, rel=1e-12)


def test_typical_boards_and_rising_places():
    boards = pd.DataFrame({"births": [500.4, 100, 900, 300, 700]})
    typical = expected_births.typical(boards)
    assert typical["births"].tolist() == [100, 500.4, 900]
    assert typical["value"].tolist() == [100, 500, 900]
    places = expected_births.rising(100, 1_600, 4)["births"]
    assert places.tolist() == pytest.approx([100, 200, 400, 800, 1_600])


def test_the_tables_of_boards_are_those_of_each_function():
    boards = pd.DataFrame({"board_code": list("xyz"), "board": list("abc"),
                           "births": [6_000.0, 10_000, 30_000]})  # fmt: skip
    rates = pd.DataFrame({"term": ["r"], "group": ["Review"], "births_for_each": [10_000.0],
                          "births_a_year": [np.nan]})  # fmt: skip
    known = expected_births.of_rates(rates, NATIONS["births"].sum())
    found = expected_births.of_boards(boards, NATIONS, (10_000, 5_000, 20_000), known)
    mean = {"measure": expected_births.EXPECTED}
    assert value(found["by_board"], board="c", **mean) == 3
    assert value(found["typical"], title="a board in the middle", **mean) == 1
    assert value(found["by_rate_and_place"], group="c", group_by="care board") == 3
    assert value(found["by_rate_and_place"], group="small", group_by="nation") == 2
    assert found["by_size"]["value"].agg(["min", "max"]).tolist() == [6_000, 60_000]


def test_chances_stand_in_a_table():
    table = expected_births.chances({"few": 1}, 1.0).set_index("measure")["estimate"]
    assert table["so few"] == pytest.approx(200 * np.exp(-1))
