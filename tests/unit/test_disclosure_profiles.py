"""Profiles: named numbers that can be tightened, never loosened; the strictest of them wins."""

import dataclasses

import pytest

from distance_to_care import disclosure, places, tables
from distance_to_care.disclosure import profiles
from distance_to_care.problems import Problem
from distance_to_care.study import Study


def test_each_named_profile_has_the_numbers_of_its_rule_book():
    ten = {"threshold", "smallest_step_events", "smallest_step_censored", "smallest_at_risk"}
    for name in ("minimum_10", "custom"):
        numbers = disclosure.profile(name).numbers
        assert {numbers[key] for key in ten} == {10}
        assert numbers["zero_is_small"]
    # Redact up to seven, so eight is the smallest that is shown.
    for name in ("opensafely", "nhs_england_hes"):
        assert {disclosure.profile(name).numbers[key] for key in ten} == {8}
    assert disclosure.profile("opensafely").zero_is_small
    assert not disclosure.profile("nhs_england_hes").zero_is_small
    for each in disclosure.PROFILES.values():
        assert each.round_to == 5 and each.shares_from_rounded
        assert each.smallest_group_for_curve == 60
        assert each.residual_degrees_of_freedom == 10
    assert disclosure.DEFAULT == disclosure.profile() == disclosure.profile("minimum_10")


def test_a_profile_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        disclosure.DEFAULT.threshold = 1


def test_no_profile_is_put_in_the_place_of_another():
    with pytest.raises(TypeError):
        disclosure.PROFILES["minimum_10"] = profiles.Profile("minimum_10", threshold=1)


@pytest.mark.parametrize("key", profiles.NUMBERS)
def test_every_number_can_be_tightened_and_none_loosened(key):
    loosest = disclosure.profile("nhs_england_hes")
    now = getattr(loosest, key)
    stricter = True if isinstance(now, bool) else now + 1
    assert getattr(disclosure.profile("nhs_england_hes", **{key: stricter}), key) == stricter
    base = disclosure.profile("nhs_england_hes", **{key: stricter})
    if isinstance(now, bool):
        name = "minimum_10" if key == "zero_is_small" else "opensafely"
        with pytest.raises(Problem, match=f"'{key}' would loosen .* '{name}'.* asks for true"):
            disclosure.profile(name, **{key: False})
    else:
        with pytest.raises(Problem, match=f"'{key}' would loosen the disclosure profile"):
            disclosure.profile("nhs_england_hes", **{key: now - 1})
        assert disclosure.profile("nhs_england_hes", **{key: now}) == loosest
    assert base.name == "nhs_england_hes"


@pytest.mark.parametrize(
    ("name", "numbers", "said"),
    [
        ("minimum_20", {}, "no disclosure profile 'minimum_20'. Did you mean 'minimum_10'?"),
        ("zzz", {}, "Known: minimum_10, opensafely, nhs_england_hes, custom"),
        ("custom", {"treshold": 12}, "no number 'treshold'. Did you mean 'threshold'?"),
        ("custom", {"threshold": "12"}, "'threshold' of a disclosure profile must be a whole"),
        ("custom", {"threshold": 12.0}, "must be a whole number"),
        ("custom", {"threshold": True}, "must be a whole number"),
        ("custom", {"zero_is_small": 1}, "must be true or false"),
        ("custom", {"threshold": 1001}, "is above 1000: nothing would be published"),
    ],
)
def test_a_fault_of_a_profile_is_a_sentence(name, numbers, said):
    with pytest.raises(Problem) as problem:
        disclosure.profile(name, **numbers)
    assert said in str(problem.value)


def test_the_largest_number_is_allowed():
    assert disclosure.profile("custom", threshold=1000).threshold == 1000


def test_words_say_a_profile_and_are_read_back():
    said = "opensafely threshold=12, zero_is_small=true"
    chosen = disclosure.from_words(said)
    assert (chosen.name, chosen.threshold, chosen.round_to) == ("opensafely", 12, 5)
    assert disclosure.to_words(chosen) == "opensafely threshold=12"
    for each in (*disclosure.PROFILES.values(), chosen):
        assert disclosure.from_words(disclosure.to_words(each)) == each


@pytest.mark.parametrize("text", ["custom threshold", "custom threshold=", "custom threshold=-3",
                                  "custom =3", "custom threshold=1e3"])  # fmt: skip
def test_a_word_of_another_form_is_a_sentence(text):
    with pytest.raises(Problem, match="of the form number=value|no number ''"):
        disclosure.from_words(text)


def test_no_words_name_no_profile():
    with pytest.raises(Problem, match="no disclosure profile ''"):
        disclosure.from_words("")


def test_the_strictest_of_several_wins_number_by_number():
    one = disclosure.profile("opensafely", round_to=10)
    other = disclosure.profile("minimum_10", smallest_at_risk=20)
    both = disclosure.strictest(one, None, other)
    assert both == disclosure.strictest(other, one)
    assert (both.threshold, both.round_to, both.smallest_at_risk) == (10, 10, 20)
    assert both.shares_from_rounded and both.zero_is_small
    assert both.name == "minimum_10+opensafely"
    assert disclosure.from_words(disclosure.to_words(both)).numbers == both.numbers
    # Where one is at least as strict in everything, it keeps its name.
    assert disclosure.strictest(disclosure.profile("nhs_england_hes"), other) == other
    assert disclosure.strictest() == disclosure.strictest(None) == disclosure.DEFAULT
    # A looser profile that somebody chose holds where nobody names another.
    assert disclosure.strictest(disclosure.profile("opensafely")).threshold == 8


def test_study_option_and_environment_are_all_asked(monkeypatch):
    study = tables.read_study("ipf")
    assert disclosure.in_force(study) == disclosure.DEFAULT
    monkeypatch.setenv(places.PROFILE_VARIABLE, "custom smallest_at_risk=15")
    assert disclosure.in_force(study).smallest_at_risk == 15
    found = disclosure.in_force(study, "custom threshold=11")
    assert (found.threshold, found.smallest_at_risk) == (11, 15)
    own = dataclasses.replace(study, disclosure=disclosure.profile("custom", round_to=20))
    found = disclosure.in_force(own, "opensafely")
    assert (found.threshold, found.round_to, found.smallest_at_risk) == (10, 20, 15)
    monkeypatch.setenv(places.PROFILE_VARIABLE, "nonsense")
    with pytest.raises(Problem, match="no disclosure profile 'nonsense'"):
        disclosure.in_force(study)


def entries(**disclosed) -> dict:
    return {"name": "x", "title": "X", "disease": "x", "area_vintage": "LSOA 2011"} | disclosed


def test_a_study_file_names_a_profile_and_tighter_numbers():
    read = Study.from_dict(
        entries(disclosure={"profile": "opensafely", "threshold": 9}), "x.toml"
    ).disclosure
    assert (read.name, read.threshold) == ("opensafely", 9)
    assert Study.from_dict(entries(), "x.toml").disclosure is None
    assert Study.from_dict(entries(disclosure={"threshold": 12}), "x").disclosure.threshold == 12


@pytest.mark.parametrize("wrong", [{"profile": "loose"}, {"threshold": 3}, {"round": 5}])
def test_a_fault_of_a_study_file_is_told_with_its_others(wrong):
    with pytest.raises(Problem, match="2 problems") as problem:
        Study.from_dict(entries(disclosure=wrong, area_vintage="LSOA"), "x.toml")
    assert "'disclosure' is not a disclosure profile." in str(problem.value)


def test_the_page_says_the_numbers_of_every_profile():
    text = (places.BOOK / "disclosure_control.md").read_text(encoding="utf-8")
    table = text.split("```{list-table}")[1].split("```")[0]
    rows = [row.split("\n  - ") for row in table.split("\n* - ")[1:]]
    names = [name.strip("`\n") for name in rows[0][1:]]
    # A profile called custom has the numbers of the first, so that a column would say nothing.
    assert names == [name for name in disclosure.PROFILES if name != "custom"]
    assert disclosure.PROFILES["custom"].numbers == disclosure.PROFILES[names[0]].numbers
    for column, name in enumerate(names, start=1):
        said = [row[column].strip("`\n") for row in rows[1:]]
        words = {True: "yes", False: "no"}
        numbers = disclosure.PROFILES[name].numbers.values()
        assert said == [words.get(n, str(n)) if isinstance(n, bool) else str(n) for n in numbers]
