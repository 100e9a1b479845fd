"""Mediation: closed forms, conventions, what a wrong method would give, and misuse."""

import itertools

import numpy as np
import pandas as pd
import pytest

from distance_to_care import mediation, survival
from distance_to_care.problems import AnalysisError

RATE = 0.25  # per year, at nought of everything
HORIZON = 3.0
ON_HAZARD = {"exposed": 0.4, "late": 0.5, "ill": 0.9}
LATE = (0.2, 0.5)  # chance of being late, unexposed and exposed
# Chance of being ill, by late (rows) and exposed (columns).
ILL = ((0.15, 0.25), (0.35, 0.45))
GROUPS = {"delay": ["late"], "severity": ["ill"]}


def drawn(people: int, seed: int, on_hazard=ON_HAZARD, late=LATE, ill=ILL) -> pd.DataFrame:
    """Two mediators that are true or false, one after the other, and exponential survival."""
    random = np.random.default_rng(seed)
    exposed = random.integers(2, size=people)
    is_late = random.random(people) < np.array(late)[exposed]
    is_ill = random.random(people) < np.array(ill)[is_late.astype(int), exposed]
    log_hazard = on_hazard["exposed"] * exposed + on_hazard["late"] * is_late
    hazard = RATE * np.exp(log_hazard + on_hazard["ill"] * is_ill)
    years = random.exponential(1 / hazard)
    end = random.uniform(2, 6, people)
    return pd.DataFrame(
        {
            "years": np.minimum(years, end),
            "died": years <= end,
            "exposed": exposed,
            "late": is_late,
            "ill": is_ill,
        }
    )


def closed_form(direct: int, delay: int, severity: int) -> np.ndarray:
    """Survival at the horizon and mean time alive, with each mechanism at a level of exposure."""
    out = np.zeros(2)
    for late, ill in itertools.product((0, 1), repeat=2):
        chance = (LATE[delay] if late else 1 - LATE[delay]) * (
            ILL[late][severity] if ill else 1 - ILL[late][severity]
        )
        hazard = RATE * np.exp(
            ON_HAZARD["exposed"] * direct + ON_HAZARD["late"] * late + ON_HAZARD["ill"] * ill
        )
        alive = np.exp(-hazard * HORIZON)
        out += chance * np.array([alive, (1 - alive) / hazard])
    return out


def split(people: pd.DataFrame, **options) -> pd.DataFrame:
    options = {"horizon": HORIZON, "replicates": 0} | options
    return mediation.decompose(
        people, "years", "died", "exposed", (1, 0), options.pop("mediators", GROUPS), **options
    )


def value(table: pd.DataFrame, effect: str, column: str = "estimate", scale=0) -> float:
    rows = table[(table["effect"] == effect) & (table["scale"] == mediation.SCALES[scale])]
    return rows[column].item()


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return drawn(100_000, 1)


@pytest.fixture(scope="module")
def found_in_many(many) -> pd.DataFrame:
    return split(many, draws=3)


def test_effects_agree_with_their_closed_forms(found_in_many):
    found = found_in_many
    steps = [closed_form(*world) for world in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))]
    truth = np.diff(steps, axis=0)
    # Standard errors are near 0.003 and 0.006; the smallest effects 0.02 and 0.07.
    for scale, tolerance in ((0, 0.007), (1, 0.015)):
        for place, effect in enumerate(("direct", "through delay", "through severity")):
            assert value(found, effect, scale=scale) == pytest.approx(
                truth[place, scale], abs=tolerance
            )
        total = steps[3][scale] - steps[0][scale]
        assert value(found, "total", scale=scale) == pytest.approx(total, abs=tolerance)
        share = truth[1:, scale].sum() / total
        assert value(found, "share", scale=scale) == pytest.approx(share, abs=0.03)


def test_the_groups_in_another_order_are_another_decomposition(many):
    """Severity first, its model without delay, takes what delay carries: not the closed form."""
    found = split(many, mediators={"severity": ["ill"], "delay": ["late"]}, draws=3)
    severity = closed_form(1, 1, 1)[0] - closed_form(1, 1, 0)[0]
    assert abs(value(found, "through severity") - severity) > 0.015


def test_the_change_of_a_coefficient_is_not_the_share(many, found_in_many):
    """The log hazard ratio with and without mediators: a common method, and not this estimand."""
    crude, adjusted = (
        survival.cox(many, "years", "died", covariates)["coefficient"].iloc[0]
        for covariates in (["exposed"], ["exposed", "late", "ill"])
    )
    truth = 1 - (closed_form(1, 0, 0) - closed_form(0, 0, 0)) / (
        closed_form(1, 1, 1) - closed_form(0, 0, 0)
    )
    # On the scale of time alive.
    assert abs((1 - adjusted / crude) - truth[1]) > 0.07
    assert value(found_in_many, "share", scale=1) == pytest.approx(truth[1], abs=0.03)


def test_nothing_runs_through_what_does_not_act(found_in_many):
    without = drawn(50_000, 2, on_hazard=ON_HAZARD | {"late": 0.0, "ill": 0.0})
    assert value(split(without), "indirect") == pytest.approx(0, abs=0.004)
    same = drawn(50_000, 3, late=(0.3, 0.3), ill=((0.2, 0.2), (0.4, 0.4)))
    assert value(split(same), "indirect") == pytest.approx(0, abs=0.004)
    none = drawn(50_000, 4, on_hazard=ON_HAZARD | {"exposed": 0.0})
    assert value(split(none), "direct") == pytest.approx(0, abs=0.012)
    assert abs(value(found_in_many, "indirect")) > 0.05
    assert abs(value(found_in_many, "direct")) > 0.05


def numbers(people: int, seed: int) -> pd.DataFrame:
    """A number with normal residuals, one whose logarithm has them, and a confounder of all."""
    random = np.random.default_rng(seed)
    age = random.normal(0, 1, people)
    exposed = (random.random(people) < 1 / (1 + np.exp(-age))).astype(int)
    months = 1.0 + 0.5 * exposed + 0.3 * age + random.normal(0, 0.8, people)
    lungs = 80 * np.exp(-0.06 * exposed - 0.05 * months - 0.04 * age)
    lungs = lungs * np.exp(0.2 * random.normal(0, 1, people))
    log_hazard = 0.1 * exposed + 0.2 * months - 0.02 * (lungs - 75) + 0.25 * age
    years = random.exponential(1 / (0.2 * np.exp(log_hazard)))
    return pd.DataFrame(
        {
            "years": np.minimum(years, 5.0),
            "died": years < 5.0,
            "exposed": exposed,
            "age": age,
            "months": months,
            "lungs": lungs,
        }
    )


def numbers_truth() -> dict[str, float]:
    """The same equations with each mechanism set, on other random numbers."""
    random = np.random.default_rng(99)
    size = 400_000
    age, first, second = random.normal(0, 1, (3, size))

    def alive(direct, delay, severity):
        months = 1.0 + 0.5 * delay + 0.3 * age + 0.8 * first
        lungs = 80 * np.exp(-0.06 * severity - 0.05 * months - 0.04 * age + 0.2 * second)
        log_hazard = 0.1 * direct + 0.2 * months - 0.02 * (lungs - 75) + 0.25 * age
        return np.exp(-HORIZON * 0.2 * np.exp(log_hazard)).mean()

    worlds = [alive(*world) for world in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))]
    names = ("direct", "through delay", "through severity")
    return dict(zip(names, np.diff(worlds), strict=True))


def test_numbers_logarithms_and_confounders():
    people = numbers(80_000, 5)
    groups = {"delay": ["months"], "severity": ["lungs"]}
    found = split(people, mediators=groups, confounders=["age"], log_normal=["lungs"], draws=3)
    truth = numbers_truth()
    for effect, true in truth.items():
        assert value(found, effect) == pytest.approx(true, abs=0.007)
    # Without the confounder it is another answer, and a wrong one.
    bare = split(people, mediators=groups, log_normal=["lungs"])
    assert abs(value(bare, "total") - sum(truth.values())) > 0.05


def test_the_table_and_its_sums():
    found = split(drawn(2000, 6), replicates=20)
    effects = ["total", "direct", "indirect", "through delay", "through severity"]
    shares = ["share", "share through delay", "share through severity"]
    assert list(found["effect"]) == 2 * (effects + shares)
    assert list(found) == [
        "effect", "scale", "horizon", "estimate", "standard_error", "ci_low", "ci_high",
    ]  # fmt: skip
    for scale in (0, 1):
        parts = [value(found, effect, scale=scale) for effect in effects]
        assert parts[0] == pytest.approx(parts[1] + parts[2], abs=1e-12)
        assert parts[2] == pytest.approx(parts[3] + parts[4], abs=1e-12)
        share = value(found, "share", scale=scale)
        assert share == pytest.approx(parts[2] / parts[0], abs=1e-12)
    assert (found["ci_low"] < found["estimate"]).all()
    assert (found["estimate"] < found["ci_high"]).all()


def test_a_seed_gives_the_same_answer_and_replicates_do_not_move_it():
    people = drawn(800, 7)
    once, again = split(people, replicates=5, seed=3), split(people, replicates=5, seed=3)
    pd.testing.assert_frame_equal(once, again)
    assert split(people, replicates=5, seed=4)["standard_error"].ne(once["standard_error"]).all()
    longer = split(people, replicates=9, seed=3)
    assert (longer["estimate"] == once["estimate"]).all()


def test_a_share_of_an_effect_that_may_be_none_is_not_given():
    none = drawn(300, 8, on_hazard=dict.fromkeys(ON_HAZARD, 0.0))
    found = split(none, replicates=60)
    assert value(found, "total", "ci_low") < 0 < value(found, "total", "ci_high")
    share = found[found["effect"].str.startswith("share") & (found["scale"] == mediation.SCALES[0])]
    assert share[["estimate", "standard_error", "ci_low", "ci_high"]].isna().all(axis=None)
    some = split(drawn(4000, 9), replicates=60)
    assert value(some, "total", "ci_high") < 0
    assert some["estimate"].notna().all()


def test_levels_beyond_the_contrast_are_used_but_not_compared():
    two = drawn(6000, 10)
    middle = drawn(3000, 11).assign(exposed=7)
    found = split(pd.concat([two, middle], ignore_index=True))
    alone = split(two)
    assert value(found, "total") == pytest.approx(value(alone, "total"), abs=0.02)
    assert value(found, "total") != value(alone, "total")


def test_text_confounders_enter_by_level():
    people = numbers(3000, 12)
    people["band"] = np.where(people["age"] > 0, "old", "young")
    groups = {"delay": ["months"], "severity": ["lungs"]}
    by_text = split(people, mediators=groups, confounders=["band"])
    people["old"] = (people["band"] == "old").astype(float)
    by_number = split(people, mediators=groups, confounders=["old"])
    assert by_text["estimate"].to_numpy() == pytest.approx(by_number["estimate"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"mediators": {}}, "at least one mediator"),
        ({}, {"mediators": {"a": ["late"], "b": ["late"]}}, "every column once"),
        ({}, {"mediators": {"a": ["lost"]}}, "no column 'lost'"),
        ({}, {"confounders": ["late"]}, "every column once"),
        ({}, {"horizon": 99.0}, "within follow-up"),
        ({}, {"horizon": 0.0}, "within follow-up"),
        ({"late": True}, {}, "same value of the mediator 'late'"),
        ({"late": "yes"}, {}, "same value of the mediator"),
        ({"exposed": 0}, {}, "Nobody has one of the two levels"),
        ({"died": False}, {}, "Nobody has the event"),
        ({"age": np.nan}, {"confounders": ["age"]}, "'age' are missing"),
        ({"age": 5.0}, {"confounders": ["age"]}, "same value"),
        ({}, {"log_normal": ["late"]}, "no logarithm"),
    ],
)
def test_misuse_is_told_in_a_sentence(change, options, words):
    with pytest.raises(AnalysisError, match=words):
        split(drawn(300, 13).assign(**change), **options)


def test_a_mediator_of_text_and_one_that_is_separated_are_refused():
    people = drawn(400, 14)
    people["late"] = np.where(people["late"], "yes", "no")
    with pytest.raises(AnalysisError, match="neither a number nor true or false"):
        split(people)
    people = drawn(400, 15)
    people["late"] = (people["exposed"] == 1) & (np.arange(400) % 3 > 0)
    with pytest.raises(AnalysisError, match="separated"):
        split(people)


def test_too_few_people_for_the_models_are_refused():
    people = drawn(24, 16).assign(late=np.arange(24) % 12 == 0)
    with pytest.raises(AnalysisError):
        split(people, replicates=40)


def test_the_arrows_are_those_of_the_models():
    arrows = mediation.assumptions("place", ["delay", "illness"], "death", "age", "luck")
    measured = arrows[arrows["level"] == "measured"]
    pairs = set(zip(measured["term"], measured["outcome"], strict=True))
    assert ("delay", "illness") in pairs
    assert ("illness", "delay") not in pairs
    # Four variables in a row have six arrows between them; age points at each of the four.
    assert len(pairs) == len(measured) == 10
    hidden = arrows[arrows["level"] == "not measured"]
    assert set(hidden["term"]) == {"luck"}
    assert len(hidden) == 4
    assert "luck to death" in set(arrows["measure"])


def test_what_follows_from_the_exposure_and_is_held_equal_has_its_arrow():
    shown = ("place", ["delay", "illness"], "death", "sex", "luck")
    more = mediation.assumptions(*shown, "smoking")
    added = set(more["measure"]) - set(mediation.assumptions(*shown)["measure"])
    assert added == {
        "place to smoking", "sex to smoking", "smoking to delay", "smoking to illness",
        "smoking to death",
    }  # fmt: skip
    assert "smoking to place" not in set(more["measure"])


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("died", lambda v: v + 1, "must be 0 or 1"),
        ("died", lambda v: v.map({True: "yes", False: "no"}), "must hold numbers"),
        ("years", lambda v: -v, "negative times"),
        ("years", lambda v: v.astype(str), "must hold numbers"),
    ],
)
def test_times_and_events_are_checked(column, values, sentence):
    people = drawn(400, 1)
    people[column] = values(people[column])
    with pytest.raises(AnalysisError, match=sentence):
        mediation.decompose(
            people, "years", "died", "exposed", (1, 0), GROUPS, [], horizon=HORIZON, replicates=0
        )


def test_a_level_that_nobody_has_does_not_count_as_a_confounder():
    people = drawn(400, 1)
    place = pd.Series(np.where(np.arange(400) % 2, "a", "b"))
    asked = ("years", "died", "exposed", (1, 0), GROUPS, ["place"])
    plain, unused = (
        mediation.decompose(
            people.assign(place=pd.Categorical(place, levels)), *asked, horizon=3, replicates=0
        )
        for levels in (["a", "b"], ["a", "b", "c"])
    )
    assert plain.equals(unused)
