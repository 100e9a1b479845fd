"""From a hazard ratio to lives: closed forms, a delta method, simulated people, and limits."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from distance_to_care import lives, places, sensitivity, tables
from distance_to_care.problems import AnalysisError

HOW = {"times": [1, 3, 5], "horizons": [3, 5]}
RATIO = (1.39, 1.11, 1.73)
# 544 of 2,359 people in the least deprived fifth and 469 in the most deprived (Shankar 2024).
FIFTHS = pd.DataFrame(
    {"share": np.array([544, *[1346 / 3] * 3, 469]) / 2359, "place": [0, 0.25, 0.5, 0.75, 1]}
)


def points(*rows):
    """Points of a curve: time, share alive, and its interval where one is given."""
    rows = [(*row, np.nan, np.nan)[:4] for row in rows]
    return pd.DataFrame(rows, columns=["time_years", "estimate", "ci_low", "ci_high"])


def told(table, measure, group, time, column="estimate"):
    keys = {"measure": measure, "group": group, "time_years": time}
    (row,) = table.loc[(table[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
    return row[column]


PROFILE = points((3.7, 0.5))
SHAPE = np.log(np.log(0.456) / np.log(0.618)) / np.log(5 / 3)
ZHENG = points((3, 0.618, 0.587, 0.649), (5, 0.456, 0.415, 0.497))
CPRD = points((3.0, 0.5, 0.5 ** (3.0 / 2.8), 0.5 ** (3.0 / 3.1)))
AUSTRALIA = points((1, 0.95), (2, 0.76), (3, 0.63), (4, 0.56))
ALL = {"profile": PROFILE, "zheng": ZHENG, "cprd": CPRD, "australia": AUSTRALIA}


# --- known answers ------------------------------------------------------------------------------


def test_constant_death_rates_have_a_closed_form():
    """Alive exp(-rate t); time lived up to h (1 - exp(-rate h)) / rate."""
    table = lives.gap(PROFILE, 1.39, **HOW)
    for group, rate in (("reference", np.log(2) / 3.7), ("exposed", 1.39 * np.log(2) / 3.7)):
        for time in (1.0, 3.0, 5.0):
            alive = 100 * np.exp(-rate * time)
            assert told(table, "alive", group, time) == pytest.approx(alive, abs=1e-10)
        for horizon in (3.0, 5.0):
            months = 12 * (1 - np.exp(-rate * horizon)) / rate
            assert told(table, "restricted mean", group, horizon) == pytest.approx(
                months, abs=1e-10
            )
    # By hand: 3.2459 against 2.7958 years of the first five.
    assert told(table, "restricted mean", "fewer", 5.0) == pytest.approx(5.4016, abs=1e-4)
    assert table["ci_low"].isna().all()  # nothing is in doubt, so nothing has an interval


def test_people_of_100_agree_with_the_older_function():
    table = lives.gap(points((3, 0.618)), 1.39, **HOW)
    older = sensitivity.absolute_survival(0.618, 1.39).set_index("group")["estimate"]
    for group in ("reference", "exposed", "fewer"):
        assert told(table, "alive", group, 3.0) == pytest.approx(older[group])


def test_two_points_make_the_weibull_curve_through_them():
    """Shape 0.96 and scale 6.43: the rows of the published table, to their decimals."""
    table = lives.gap(ZHENG, 1.39, times=[1, 3, 5], horizons=[])
    alive = [told(table, "alive", "reference", t) for t in (1.0, 3.0, 5.0)]
    assert alive == pytest.approx([84.5, 61.8, 45.6], abs=0.05)
    again = lives.gap(points((3, 0.618)), 1.39, times=[5], horizons=[], shape=SHAPE)
    assert told(again, "alive", "reference", 5.0) == pytest.approx(45.6, abs=1e-9)


def test_more_points_are_joined_by_constant_death_rates():
    table = lives.gap(AUSTRALIA, 1.39, times=[0, 0.5, 1, 2, 3, 4, 5], horizons=[2])
    alive = {t: told(table, "alive", "reference", t) for t in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)}
    assert alive == pytest.approx(
        {0: 100, 0.5: 100 * 0.95**0.5, 1: 95, 2: 76, 3: 63, 4: 56, 5: 56 * 56 / 63}
    )
    # Two years in closed form: the first at one rate, the second at another.
    first, second = -np.log(0.95), np.log(0.95 / 0.76)
    months = 12 * (0.05 / first + 0.19 / second)
    assert told(table, "restricted mean", "reference", 2.0) == pytest.approx(months, abs=1e-10)


def test_a_mix_of_two_halves_is_a_quadratic():
    """Half live at S, half at S squared: S + S**2 = 2 x 0.5, so S is (sqrt(5) - 1) / 2."""
    halves = pd.DataFrame({"share": [0.5, 0.5], "place": [0, 1]})
    table = lives.gap(points((3, 0.5)), 2.0, times=[3], horizons=[], mix=halves)
    golden = (np.sqrt(5) - 1) / 2
    assert told(table, "alive", "reference", 3.0) == pytest.approx(100 * golden, abs=1e-9)
    assert told(table, "alive", "exposed", 3.0) == pytest.approx(100 * golden**2, abs=1e-9)


# R 4.2.2, with uniroot and integrate in place of Newton's steps and Gauss's nodes:
# s3 <- 0.618; s5 <- 0.456; r <- 1.39
# k <- log(log(s5) / log(s3)) / log(5 / 3); l <- 3 / (-log(s3))^(1 / k)
# w <- c(544, rep(1346 / 3, 3), 469) / 2359; p <- seq(0, 1, 0.25)
# h0 <- Vectorize(function(t) if (t == 0) 0 else uniroot(function(h)
#   sum(w * exp(-r^p * h)) - exp(-(t / l)^k), c(0, 10), tol = 1e-14)$root)
# alive <- function(t, x) 100 * exp(-x * h0(t))
# months <- function(h, x)
#   12 * integrate(function(t) exp(-x * h0(t)), 0, h, rel.tol = 1e-10)$value
# alive(3, 1); alive(3, r); alive(5, 1); alive(5, r); months(3, 1); ...; months(5, r)
FROM_R = {
    ("alive", "reference", 3.0): 66.4418144716,
    ("alive", "exposed", 3.0): 56.6491845896,
    ("alive", "reference", 5.0): 51.2456077217,
    ("alive", "exposed", 5.0): 39.4841452103,
    ("restricted mean", "reference", 3.0): 29.4253611012,
    ("restricted mean", "exposed", 3.0): 27.3008859141,
    ("restricted mean", "reference", 5.0): 43.4639218109,
    ("restricted mean", "exposed", 5.0): 38.7074798556,
}


@pytest.mark.parametrize(("key", "value"), FROM_R.items(), ids=str)
def test_the_least_deprived_of_a_mix_agree_with_r(key, value):
    table = lives.gap(ZHENG, 1.39, **HOW, mix=FIFTHS)
    # Gauss's nodes meet the steep start of a Weibull curve: good to two millionths of a month.
    assert told(table, *key) == pytest.approx(value, rel=1e-9 if key[0] == "alive" else 1e-7)


# --- doubt --------------------------------------------------------------------------------------


def test_the_interval_of_the_ratio_alone_is_that_of_its_ends():
    """What is lost grows with the ratio, so its interval comes from the ratio's own ends."""
    error = np.log(1.73 / 1.11) / (2 * 1.959963984540054)
    ends = 1.39 * np.exp(np.array([-1, 1]) * 1.959963984540054 * error)
    table = lives.gap(PROFILE, *RATIO, **HOW, draws=200_000)
    for measure, time in (("alive", 3.0), ("restricted mean", 5.0)):
        exact = [told(lives.gap(PROFILE, end, **HOW), measure, "fewer", time) for end in ends]
        drawn = [told(table, measure, "fewer", time, c) for c in ("ci_low", "ci_high")]
        assert drawn == pytest.approx(exact, rel=0.015)


def test_both_doubts_together_agree_with_the_delta_method():
    """The variance of log(-log S) in the exposed is the sum of both variances on that scale."""
    table = lives.gap(points((3, 0.618, 0.587, 0.649)), *RATIO, **HOW, draws=200_000)
    hazard = np.log(-np.log(0.618)) + np.log(1.39)
    ratio_error = np.log(1.73 / 1.11) / (2 * 1.959963984540054)
    survival_error = np.log(np.log(0.587) / np.log(0.649)) / (2 * 1.959963984540054)
    error = np.hypot(ratio_error, survival_error)
    exact = 100 * np.exp(-np.exp(hazard + np.array([1, -1]) * 1.959963984540054 * error))
    drawn = [told(table, "alive", "exposed", 3.0, c) for c in ("ci_low", "ci_high")]
    assert drawn == pytest.approx(exact, abs=0.15)
    # The difference itself, to first order in both.
    total, ratio = -np.log(0.618), 1.39
    by_ratio = 0.618**ratio * total * ratio * ratio_error
    by_survival = (0.618**ratio * ratio - 0.618) * total * survival_error
    width = 2 * 1.959963984540054 * 100 * np.hypot(by_ratio, by_survival)
    low, high = (told(table, "alive", "fewer", 3.0, c) for c in ("ci_low", "ci_high"))
    assert high - low == pytest.approx(width, rel=0.02)


def test_a_published_interval_comes_out_again():
    table = lives.gap(ZHENG, *RATIO, **HOW, draws=100_000)
    for time, low, high in ((3.0, 58.7, 64.9), (5.0, 41.5, 49.7)):
        drawn = [told(table, "alive", "reference", time, c) for c in ("ci_low", "ci_high")]
        assert drawn == pytest.approx([low, high], abs=0.25)


def test_most_of_the_doubt_is_the_ratios():
    table = lives.doubt(ZHENG, *RATIO, **HOW).set_index("scenario")
    fewer = table[(table["group"] == "fewer") & (table["measure"] == "restricted mean")]
    width = (fewer["ci_high"] - fewer["ci_low"])[fewer["time_years"] == 5]
    assert width["both"] == pytest.approx(width["ratio_only"], rel=0.05)
    assert width["survival_only"] < 0.2 * width["ratio_only"]
    assert table.loc["ratio_only", "estimate"].tolist() == pytest.approx(
        table.loc["survival_only", "estimate"].tolist()
    )


def test_the_same_seed_gives_the_same_bytes_and_another_nearly_the_same():
    one, two, other = (lives.gap(ZHENG, *RATIO, **HOW, mix=FIFTHS, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    # Of 10,000 draws an end is known to about a fiftieth of the interval's width.
    moved = (other["ci_high"] - one["ci_high"]).abs() / (one["ci_high"] - one["ci_low"])
    assert 0 < moved.max() < 0.05
    assert other["estimate"].equals(one["estimate"])


# --- properties ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", [None, FIFTHS], ids=["reference", "everybody"])
@pytest.mark.parametrize("name", ALL)
def test_a_ratio_of_one_loses_nothing_and_a_higher_one_loses_more(name, mix):
    tables_ = [lives.gap(ALL[name], r, **HOW, mix=mix) for r in (0.8, 1.0, 1.2, 1.39, 2.0)]
    lost = np.array([t.loc[t["group"] == "fewer", "estimate"] for t in tables_])
    assert np.allclose(lost[1], 0, atol=1e-9)
    assert (np.diff(lost, axis=0) > 0).all()
    assert (lost[0] < 0).all()


@pytest.mark.parametrize("name", ALL)
def test_the_groups_together_have_the_published_survival(name):
    mixed = lives.gap(ALL[name], 1.39, **HOW, mix=FIFTHS)
    plain = lives.gap(ALL[name], 1.39, **HOW)
    for time in HOW["times"]:
        reference = told(mixed, "alive", "reference", time) / 100
        everybody = (FIFTHS["share"] * reference ** (1.39 ** FIFTHS["place"])).sum()
        assert 100 * everybody == pytest.approx(told(plain, "alive", "reference", time), abs=1e-9)
    for measure, time in (("alive", 5.0), ("restricted mean", 5.0)):
        # The better-off live longer than everybody together, the worse-off less long.
        assert told(mixed, measure, "reference", time) > told(plain, measure, "reference", time)
        assert told(mixed, measure, "exposed", time) < told(plain, measure, "reference", time)


def test_a_mix_of_one_group_is_the_first_reading():
    alone = pd.DataFrame({"share": [1.0], "place": [0.0]})
    one, two = (lives.gap(ZHENG, *RATIO, **HOW, mix=mix) for mix in (None, alone))
    pd.testing.assert_frame_equal(one, two)


def test_simulated_people_live_as_the_sum_says():
    """Half a million people in five groups, one by one, against the integrals."""
    random = np.random.default_rng(3)
    table = lives.gap(ZHENG, 1.39, **HOW, mix=FIFTHS)
    group = random.choice(5, size=500_000, p=FIFTHS["share"])
    # The least deprived group's own curve, read off the function itself at fine steps.
    steps = np.arange(0, 8.001, 0.04)
    fine = lives.gap(ZHENG, 1.39, times=steps, horizons=[], mix=FIFTHS)
    reference = fine.loc[fine["group"] == "reference", "estimate"].to_numpy() / 100
    threshold = random.random(len(group)) ** (1 / 1.39 ** (group / 4))
    death = np.interp(-threshold, -reference, steps)
    # Everybody together dies as the review says; the ends live as the sum says.
    assert (death > 3).mean() == pytest.approx(0.618, abs=0.002)
    assert (death > 5).mean() == pytest.approx(0.456, abs=0.002)
    for number, name in ((0, "reference"), (4, "exposed")):
        own = death[group == number]
        assert 100 * (own > 3).mean() == pytest.approx(told(table, "alive", name, 3.0), abs=0.4)
        assert 12 * np.minimum(own, 5).mean() == pytest.approx(
            told(table, "restricted mean", name, 5.0), abs=0.15
        )


# --- every survival and every reading -----------------------------------------------------------


def test_every_survival_is_worked_out_under_every_reading():
    findings = pd.DataFrame([RATIO, (1.2, 1.0, 1.44)], columns=["estimate", *lives.LIMITS])
    findings.index = ["deprivation", "distance"]
    people = {"deprivation": [544, *[1346 / 3] * 3, 469], "distance": [1] * 5}
    readings = {"first": [], "everybody": [0, 0.25, 0.5, 0.75, 1]}
    table = lives.gaps(ALL, findings, people, readings, **HOW, draws=500)
    assert len(table) == 2 * len(ALL) * 2 * 3 * 5
    assert table["estimand"].is_unique
    row = table.set_index("estimand").loc["deprivation.zheng.everybody.months.fewer.5"]
    alone = lives.gap(ZHENG, *RATIO, **HOW, mix=FIFTHS, draws=500)
    for column in ("estimate", "ci_low", "ci_high"):
        assert row[column] == told(alone, "restricted mean", "fewer", 5.0, column)
    over = lives.lowest_to_highest(table, "zheng", "everybody").set_index("estimand")
    assert len(over) == 2 * 3 * 5
    of = table["estimand"].str.match(r"deprivation\..*\.alive\.fewer\.3$")
    assert of.sum() == 8
    assert over.loc["deprivation.alive.fewer.3", "low"] == table.loc[of, "estimate"].min()
    assert over.loc["deprivation.alive.fewer.3", "high"] == table.loc[of, "estimate"].max()
    assert over.loc["deprivation.months.fewer.5", "estimate"] == row["estimate"]
    with pytest.raises(AnalysisError, match="No survival is named nobody"):
        lives.lowest_to_highest(table, "nobody", "everybody")
    assert over.loc["deprivation.alive.fewer.3", "ci_low"] == table.loc[of, "ci_low"].min()
    assert over.loc["deprivation.alive.fewer.3", "ci_high"] == table.loc[of, "ci_high"].max()


def test_a_mixture_counts_its_people():
    mix = lives.mixture([3, 1], [0, 1])
    assert mix["share"].tolist() == [0.75, 0.25]
    wrong = [([1, 1], [0]), ([0, 0], [0, 1]), ([1, 1], [0, 1.5])]
    wrong += [([10, -5], [0, 1]), ([10, 5], [0, np.nan]), ([np.inf, 1], [0, 1])]
    for people, group_places in wrong:
        with pytest.raises(AnalysisError):
            lives.mixture(people, group_places)


# --- points from the published table ------------------------------------------------------------


def test_published_rows_become_points():
    published = tables.read("published_estimates")
    read = lives.survival_points(published, {"strongman_2018_median_survival_broad": None})
    pd.testing.assert_frame_equal(read, CPRD, check_dtype=False)
    years = {"zheng_2022_survival_5_years": 5, "zheng_2022_survival_3_years": 3}
    read = lives.survival_points(published, years)
    pd.testing.assert_frame_equal(read, ZHENG, check_dtype=False)
    # A mortality becomes survival, and its interval changes ends.
    read = lives.survival_points(published, {"khor_2020_mortality_1_year_cohorts": 1})
    assert read.iloc[0].tolist() == pytest.approx([1, 0.86, 0.83, 0.88])


@pytest.mark.parametrize(
    ("years", "words"),
    [
        ({"nobody_2020_survival": 3}, "No published row is named nobody_2020_survival"),
        ({"zheng_2022_survival_3_years": None}, "no point of a survival curve"),
        ({"zheng_2022_weibull_shape": 3}, "no point of a survival curve"),
        ({"profile_median_survival": 3}, "no point of a survival curve"),
    ],
)
def test_rows_that_say_nothing_of_survival_are_refused(years, words):
    with pytest.raises(AnalysisError, match=words):
        lives.survival_points(tables.read("published_estimates"), years)


@pytest.mark.parametrize(
    ("curve", "ratio", "how", "words"),
    [
        (points((3, 1.0)), RATIO, {}, "between 0 and 1"),
        (points((3, np.nan)), RATIO, {}, "between 0 and 1"),
        (points((3, 0.5), (5, 0.6)), RATIO, {}, "falls from point to point"),
        (points((3, 0.5), (3, 0.4)), RATIO, {}, "falls from point to point"),
        (points((0, 0.5)), RATIO, {}, "falls from point to point"),
        (points((3, 0.5, 0.4, np.nan)), RATIO, {}, "two ends"),
        (points((3, 0.5, 0.6, 0.7)), RATIO, {}, "outside its interval"),
        (points((3, 0.5, 0.4, 0.6), (5, 0.3)), RATIO, {}, "every point"),
        (PROFILE, (0.0, np.nan, np.nan), {}, "above 0"),
        (PROFILE, (1.39, 1.11, np.nan), {}, "two ends"),
        (PROFILE, (1.39, 1.5, 1.73), {}, "outside its interval"),
        (PROFILE, RATIO, {"times": [-1]}, "zero years or later"),
        (PROFILE, RATIO, {"times": [np.nan]}, "zero years or later"),
        (PROFILE, RATIO, {"draws": 0}, "draws"),
        (PROFILE, (1.39, 1.11, np.inf), {}, "finite"),
        (PROFILE, RATIO, {"mix": FIFTHS.assign(place=[0, 1, 1, 1, 2])}, "between 0"),
        (points((3, 0.5, 0.4, 0.99)), RATIO, {}, "much farther to one side"),
        (PROFILE, RATIO, {"shape": 0}, "shape"),
        (PROFILE, RATIO, {"mix": FIFTHS.assign(share=0.3)}, "add up to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(curve, ratio, how, words):
    with pytest.raises(AnalysisError, match=words):
        lives.gap(curve, *ratio, **{**HOW, **how})


def test_no_draw_of_survival_rises():
    wide = points((3, 0.6, 0.5, 0.69), (3.5, 0.58, 0.3, 0.79), (5, 0.5, 0.4, 0.59))
    logs = lives._curve(wide, 1.0).draw(2000, np.random.default_rng(1))
    assert (np.diff(logs, axis=1) >= 0).all()


@pytest.mark.parametrize("ratio", [0.05, 3.0, 20.0])
def test_the_groups_together_have_the_published_survival_also_for_ratios_far_from_one(ratio):
    found = lives.gap(points((3, 0.02)), ratio, times=[3], horizons=[], mix=FIFTHS)
    low = -np.log(told(found, "alive", "reference", 3) / 100)
    each = np.exp(-low * ratio ** FIFTHS["place"].to_numpy())
    assert (FIFTHS["share"] * each).sum() == pytest.approx(0.02, abs=1e-10)


# --- the pages ----------------------------------------------------------------------------------

PAGES = sorted([*places.BOOK.glob("*.md"), *places.NOTEBOOKS.glob("*.ipynb")])
FRAGILE = re.compile(r"\{number\}`lives\.(?:\w+\.)?distance\.")
CAUTION = "weak confounding"


def paragraphs(path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return re.split(r"\n\s*\n", text)


def test_the_rule_on_distance_finds_its_fault():
    said = "{number}`lives.range.distance.months.fewer.5`", "{number}`lives.distance.review.x`"
    assert all(FRAGILE.search(text) for text in said)
    assert not FRAGILE.search("{number}`lives.deprivation.review.x`")


def test_lives_by_distance_never_stand_without_what_makes_them_fragile():
    quoted = [(path.stem, p) for path in PAGES for p in paragraphs(path) if FRAGILE.search(p)]
    assert "hazard_ratio_to_lives" in {page for page, _ in quoted}
    assert [(page, p[:60]) for page, p in quoted if CAUTION not in p] == []


def test_the_page_says_would_and_never_what_is_to_come():
    prose = "\n".join(paragraphs(places.NOTEBOOKS / "hazard_ratio_to_lives.ipynb"))
    assert not re.search(r"\b(will|shall)\b", prose, flags=re.I)
    assert "would" in prose
