"""Excess mortality: R's answers on an invented cohort and an invented life table.

`invented` and `life_table` are written out here as in R 4.2.2 (survival 3.5-3, relsurv 2.2-9):

    i <- 1:60
    p <- data.frame(age = 55 + (i * 7) %% 30 + 0.25 * (i %% 4),
      sex = ifelse(i %% 5 < 2, "female", "male"), level = factor(i %% 5 + 1, 1:5),
      year = 2005 + ((i * 13) %% 47) / 10,
      follow_up_years = ((i * 17) %% 43 + 1) / 5, died = as.integer(i %% 3 != 0))
    hazard <- function(age, sex, year, level)
      3e-5 * exp(0.1 * age) * ifelse(sex == "male", 1.4, 1) * 0.98^(year - 2000) *
        (1.5 - 0.1 * level)
    g <- expand.grid(age = 50:110, sex = c("female", "male"), year = 2000:2020, level = 1:5)
    table4 <- structure(array(hazard(g$age, g$sex, g$year, g$level), c(61, 2, 21, 5)),
      dimnames = list(50:110, c("female", "male"), 2000:2020, 1:5),
      dimid = c("age", "sex", "year", "level"), type = c(2, 1, 2, 1),
      cutpoints = list(50:110, NULL, 2000:2020, NULL), class = "ratetable")
    who <- list(age = age, sex = sex, year = year, level = level)

For relsurv, which counts in days, D <- 365.241, the level is 3 for everybody, `table3` has the
ages 0:110 * D and the years as.Date("2000-01-01") + 0:20 * D, and `q` holds the same people.
"""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import excess_mortality, survival
from distance_to_care.problems import AnalysisError

ASKED = ("follow_up_years", "died")


@pytest.fixture
def invented():
    i = np.arange(1, 61)
    return pd.DataFrame(
        {
            "age_years": 55 + (i * 7) % 30 + 0.25 * (i % 4),
            "sex": np.where(i % 5 < 2, "female", "male"),
            "deprivation_quintile": i % 5 + 1,
            "start_year": 2005 + ((i * 13) % 47) / 10,
            "follow_up_years": ((i * 17) % 43 + 1) / 5,
            "died": i % 3 != 0,
        }
    )


@pytest.fixture
def life_table():
    axes = {
        "age_years": range(50, 111),
        "sex": ["female", "male"],
        "calendar_year": range(2000, 2021),
        "deprivation_quintile": range(1, 6),
    }
    rows = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
    by_sex = np.where(rows["sex"] == "male", 1.4, 1)
    by_year = 0.98 ** (rows["calendar_year"] - 2000)
    by_level = 1.5 - 0.1 * rows["deprivation_quintile"]
    by_age = 3e-5 * np.exp(0.1 * rows["age_years"])
    return rows.assign(hazard_per_year=by_age * by_sex * by_year * by_level)


@pytest.fixture
def of_middle(life_table):
    """The rates of the middle fifth, for everybody."""
    middle = life_table["deprivation_quintile"] == 3
    return life_table[middle].drop(columns="deprivation_quintile")


def test_expected_deaths_are_those_of_survexp(invented, life_table):
    # survexp(follow_up_years ~ 1, p, ratetable = table4, method = "individual.h", rmap = who)
    answer = [
        0.069502398606758, 0.406503630774372, 0.154879107378303, 0.938225719517110,
        0.179833672865562, 0.105889543499301,
    ]  # fmt: skip
    found = excess_mortality.expected_deaths(invented, life_table, "follow_up_years")
    assert found.head(6).tolist() == pytest.approx(answer, rel=1e-12)
    assert found.sum() == pytest.approx(19.206450574549, rel=1e-12)


def test_mortality_ratio_is_that_of_pyears_and_poisson_test(invented, life_table):
    # pyears(Surv(follow_up_years, died) ~ 1, p, ratetable = table4, scale = 1, rmap = who)
    found = excess_mortality.standardised_mortality_ratio(invented, life_table, *ASKED).iloc[0]
    assert found["person_years"] == pytest.approx(274.2, rel=1e-12)
    assert (found["group"], found["people"], found["observed"]) == ("all", 60, 40)
    assert found["expected"] == pytest.approx(19.206450574549, rel=1e-12)
    assert found["estimate"] == pytest.approx(40 / 19.206450574549, rel=1e-12)
    # poisson.test(40, 19.206450574549)$conf.int
    assert found["ci_low"] == pytest.approx(1.4878640033394, rel=1e-10)
    assert found["ci_high"] == pytest.approx(2.8359559072388, rel=1e-10)


def test_mortality_ratios_of_groups(invented, life_table):
    # pyears(Surv(follow_up_years, died) ~ sex, ...)
    found = excess_mortality.standardised_mortality_ratio(
        invented, life_table, *ASKED, group="sex"
    ).set_index("group")
    assert found["expected"].to_dict() == pytest.approx(
        {"female": 6.8377375327423, "male": 12.3687130418071}, rel=1e-12
    )
    assert found["observed"].to_dict() == {"female": 16, "male": 24}


def test_a_life_table_by_deprivation_takes_out_what_is_expected_of_it(
    invented, life_table, of_middle
):
    own = excess_mortality.expected_deaths(invented, life_table, "follow_up_years")
    middle = excess_mortality.expected_deaths(invented, of_middle, "follow_up_years")
    ratio = (own / middle).groupby(invented["deprivation_quintile"])
    # 1.5 - 0.1 * level, over its value for the middle fifth.
    expected = {1: 1.4 / 1.2, 2: 1.3 / 1.2, 3: 1, 4: 1.1 / 1.2, 5: 1 / 1.2}
    assert ratio.mean().to_dict() == pytest.approx(expected, rel=1e-12)
    assert ratio.std().max() < 1e-12


def test_nobody_died_gives_a_ratio_of_nought_with_an_upper_limit(invented, life_table):
    alive = invented.assign(died=False)
    found = excess_mortality.standardised_mortality_ratio(alive, life_table, *ASKED).iloc[0]
    assert found["estimate"] == found["ci_low"] == 0
    # poisson.test(0, 19.206450574549)$conf.int[2]; -log(0.025) / 19.2
    assert found["ci_high"] == pytest.approx(-np.log(0.025) / 19.206450574549, rel=1e-10)


def at(curve, years):
    return pd.DataFrame([curve[curve["time"] <= year + 1e-9].iloc[-1] for year in years])


def test_net_survival_is_that_of_relsurv(invented, of_middle):
    # rs.surv(Surv(time, died) ~ 1, q, table3, method = "pohar-perme",
    #   rmap = list(age = age, sex = sex, year = year), add.times = seq(0.5, 8.6 * D, by = 0.5))
    # summary(times = c(1, 2, 3, 5, 7) * D + 0.01): surv, std.err of the hazard, lower, upper
    answer = np.array(
        [
            [0.99177255556452, 0.034445836326423, 0.92702562091789, 1.06104165815508],
            [0.96416706074919, 0.055497804118082, 0.86479361391730, 1.07495951181092],
            [0.95394881375561, 0.071577864798281, 0.82908275775764, 1.09762063045069],
            [0.90128513957370, 0.114633575583404, 0.71992281011898, 1.12833610964784],
            [0.47896094611089, 0.289044617024146, 0.27180965476564, 0.84398616413103],
        ]
    )
    found = at(excess_mortality.pohar_perme(invented, of_middle, *ASKED), [1, 2, 3, 5, 7])
    # relsurv adds up half days; Ederer II lies a hundred times further off.
    np.testing.assert_allclose(found["net_survival"], answer[:, 0], rtol=5e-5)
    hazard_error = found["standard_error"] / found["net_survival"]
    np.testing.assert_allclose(hazard_error, answer[:, 1], rtol=5e-5)
    np.testing.assert_allclose(found["ci_low"], answer[:, 2], rtol=5e-5)
    np.testing.assert_allclose(found["ci_high"], answer[:, 3], rtol=5e-5)


def test_relative_survival_is_that_of_relsurv(invented, of_middle):
    # rs.surv(Surv(time, died) ~ 1, q, table3, method = "ederer2", rmap = ...), as above
    answer = np.array(
        [
            [0.99072603860080, 0.034521241462192, 0.92591057313940, 1.06007870742163],
            [0.95899727255664, 0.055510696548658, 0.86013492359054, 1.06922268070688],
            [0.93930967699732, 0.071620668449478, 0.81629130982290, 1.08086740442237],
            [0.84376502465030, 0.114251110772341, 0.67448267303647, 1.05553403413318],
            [0.56554840572962, 0.208577828237433, 0.37577511222966, 0.85116067779346],
        ]
    )
    found = at(excess_mortality.ederer_2(invented, of_middle, *ASKED), [1, 2, 3, 5, 7])
    # relsurv lets the calendar year turn on a whole day.
    np.testing.assert_allclose(found["relative_survival"], answer[:, 0], rtol=1e-4)
    hazard_error = found["standard_error"] / found["relative_survival"]
    np.testing.assert_allclose(hazard_error, answer[:, 1], rtol=1e-10)
    np.testing.assert_allclose(found["ci_low"], answer[:, 2], rtol=1e-4)
    np.testing.assert_allclose(found["ci_high"], answer[:, 3], rtol=1e-4)


def test_where_nobody_else_dies_it_is_kaplan_meier(invented, of_middle):
    immortal = of_middle.assign(hazard_per_year=0.0)
    curve = survival.kaplan_meier(invented, *ASKED)
    for method, name in (("pohar_perme", "net_survival"), ("ederer_2", "relative_survival")):
        found = getattr(excess_mortality, method)(invented, immortal, *ASKED)
        assert list(found)[:4] == ["group", "time", "at_risk", "events"]
        np.testing.assert_allclose(found[name], curve["survival"], rtol=1e-12)
        assert found["at_risk"].tolist() == curve["at_risk"].tolist()
        assert found["events"].tolist() == curve["events"].tolist()


def test_among_people_alike_net_survival_is_survival_over_what_was_expected(invented):
    # A constant rate of 0.05 a year for everybody.
    table = pd.DataFrame({"age_years": range(40, 101), "hazard_per_year": 0.05})
    found = excess_mortality.pohar_perme(invented, table, *ASKED)
    curve = survival.kaplan_meier(invented, *ASKED)
    expected = np.exp(-0.05 * curve["time"])
    np.testing.assert_allclose(found["net_survival"], curve["survival"] / expected, rtol=1e-12)


def test_net_survival_equals_its_slow_twin(invented, life_table):
    """The integral of the weighted hazards, added up over a hundred steps a stretch."""
    found = excess_mortality.pohar_perme(invented, life_table, *ASKED)
    rates = life_table.set_index(["age_years", "sex", "calendar_year", "deprivation_quintile"])[
        "hazard_per_year"
    ]
    people = list(invented.itertuples())
    own = dict.fromkeys(range(len(people)), 0.0)
    left, before = 1.0, 0.0
    for row in found.head(12).itertuples():
        step = (row.time - before) / 100
        there = [k for k, who in enumerate(people) if who.follow_up_years >= row.time]
        for middle in before + step * (np.arange(100) + 0.5):
            now = {
                k: rates[
                    int(people[k].age_years + middle), people[k].sex,
                    int(people[k].start_year + middle), people[k].deprivation_quintile,
                ]
                for k in there
            }  # fmt: skip
            weight = {k: np.exp(own[k] + now[k] * step / 2) for k in there}
            due = sum(weight[k] * now[k] for k in there) / sum(weight.values())
            left *= np.exp(due * step)
            for k in there:
                own[k] += now[k] * step
        gone = [k for k in there if people[k].follow_up_years == row.time and people[k].died]
        weights = {k: np.exp(own[k]) for k in there}
        left *= 1 - sum(weights[k] for k in gone) / sum(weights.values())
        assert row.net_survival == pytest.approx(left, rel=2e-5)
        before = row.time


def test_probabilities_dates_and_groups_say_the_same(invented, life_table):
    plain = excess_mortality.expected_deaths(invented, life_table, "follow_up_years")
    chance = life_table.drop(columns="hazard_per_year").assign(
        probability_of_death=-np.expm1(-life_table["hazard_per_year"])
    )
    again = excess_mortality.expected_deaths(invented, chance, "follow_up_years")
    np.testing.assert_allclose(again, plain, rtol=1e-12)
    dated = invented.assign(start_year=pd.Timestamp("2006-07-02"))
    middle = invented.assign(start_year=2006 + 182 / 365)
    np.testing.assert_allclose(
        excess_mortality.expected_deaths(dated, life_table, "follow_up_years"),
        excess_mortality.expected_deaths(middle, life_table, "follow_up_years"),
        rtol=1e-12,
    )
    groups = excess_mortality.pohar_perme(invented, life_table, *ASKED, group="sex")
    women = invented[invented["sex"] == "female"]
    alone = excess_mortality.pohar_perme(women, life_table, *ASKED)
    of_women = groups[groups["group"] == "female"].drop(columns="group").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_women, alone.drop(columns="group"))


def test_beyond_the_last_age_the_last_rate_stands(invented):
    table = pd.DataFrame({"age_years": [50, 51], "hazard_per_year": [0.1, 0.2]})
    people = invented.assign(age_years=50.5)
    found = excess_mortality.expected_deaths(people, table, "follow_up_years")
    years = invented["follow_up_years"]
    expected = 0.1 * np.minimum(years, 0.5) + 0.2 * np.maximum(years - 0.5, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p, t: (p.assign(start_year=2018.5), t), "calendar years"),
        (lambda p, t: (p.assign(start_year=1999.5), t), "calendar years"),
        (lambda p, t: (p.assign(age_years=49.0), t), "have not reached"),
        (lambda p, t: (p.assign(sex="other"), t), "does not cover some people's sex"),
        (lambda p, t: (p.drop(columns="sex"), t), "goes by 'sex'"),
        (lambda p, t: (p.drop(columns="start_year"), t), "no column 'start_year'"),
        (lambda p, t: (p.assign(age_years=np.nan), t), "a number for everybody"),
        (lambda p, t: (p.assign(follow_up_years=-1.0), t), "must be 0 or more"),
        (lambda p, t: (p.assign(died=2), t), "0 or 1"),
        (lambda p, t: (p.assign(died=False), t), "Nobody has the event"),
        (lambda p, t: (p.head(0), t), "no people"),
        (lambda p, t: (p, t.iloc[1:]), "one row for every combination"),
        (lambda p, t: (p, pd.concat([t.iloc[1:], t.iloc[[1]]])), "two rows"),
        (lambda p, t: (p, t.rename(columns={"hazard_per_year": "rate"})), "has the columns"),
        (lambda p, t: (p, t.assign(hazard_per_year=-1.0)), "negative"),
        (lambda p, t: (p, t.assign(hazard_per_year=np.nan)), "missing values"),
        (lambda p, t: (p, t.rename(columns={"hazard_per_year": "probability_of_death"})
                       .assign(probability_of_death=1.0)), "not below 1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["pohar_perme", "ederer_2"])
def test_misuse_is_a_sentence(invented, life_table, method, change, sentence):
    people, table = change(invented, life_table)
    with pytest.raises(AnalysisError, match=sentence):
        getattr(excess_mortality, method)(people, table, *ASKED)


def test_a_life_table_read_with_years_as_decimals_is_the_same(invented, life_table):
    as_decimals = life_table.astype({excess_mortality.YEAR: float})
    plain = excess_mortality.expected_deaths(invented, life_table, "follow_up_years")
    assert excess_mortality.expected_deaths(invented, as_decimals, "follow_up_years").equals(plain)
    as_text = life_table.astype({excess_mortality.AGE: str})
    with pytest.raises(AnalysisError, match="must hold numbers"):
        excess_mortality.expected_deaths(invented, as_text, "follow_up_years")
