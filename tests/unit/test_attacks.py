"""Attacks on our releases: each gives people back from a bare table, and none from a release."""

import gzip
import io
import struct
import zipfile
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import attacks, attacks_tried, cohort, disclosure, results
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_people, cohort_survival, competing_events

PROFILE = disclosure.DEFAULT
TENTH = 1 / disclosure.GRID
BY = "deprivation_quintile"
CONTROL, RELEASE = attacks_tried.CONTROL, attacks_tried.RELEASE


@pytest.fixture(scope="module")
def read():
    return cohort.load()


def harmful_and_harmless(table: pd.DataFrame) -> list[float]:
    return [given_back(table, group) for group in (attacks_tried.HARMFUL, attacks_tried.HARMLESS)]


def given_back(table: pd.DataFrame, group: str) -> float:
    return table.set_index("group")["estimate"][group]


# --- Curves turned back into people -------------------------------------------------------------


def test_a_curve_worked_by_hand_is_turned_back_into_its_people():
    # Ten people: one dies at 1, two leave between 1 and 2, one dies at 2, two at 3, four stay.
    curve = pd.DataFrame(
        {"time_years": [0.0, 1, 2, 3], "at_risk": [10, 10, 7, 6],
         "estimate": [1, 0.9, 0.9 * 6 / 7, 0.9 * 6 / 7 * 4 / 6]}
    )  # fmt: skip
    found = attacks.reconstruct(curve)
    died = found[found["died"]].set_index("time_years")["people"].to_dict()
    assert died == {1.0: 1, 2.0: 1, 3.0: 2}
    left = found[~found["died"]]
    assert left["people"].sum() == 6
    assert left["time_years"].between(1, 2, inclusive="neither").sum() == 2


def test_numbers_at_risk_at_few_times_are_enough_as_guyot_found():
    # As the curve above, with numbers at risk at the start and the end only.
    curve = pd.DataFrame(
        {"time_years": [0.0, 1, 2, 3], "at_risk": [10, None, None, 6],
         "estimate": [1, 0.9, 0.9 * 6 / 7, 0.9 * 6 / 7 * 4 / 6]}
    )  # fmt: skip
    found = attacks.reconstruct(curve)
    assert found.loc[found["died"] & (found["time_years"] < 3), "people"].sum() == 2
    assert found["people"].sum() == 10


def test_days_of_death_are_read_off_a_bare_curve_and_not_off_a_released_one(read):
    bare = cohort_survival.kaplan_meier(read.people, BY, deaths_only=True)
    control = attacks.pinned(read.people, bare, PROFILE.threshold, TENTH, BY)
    assert (control["share"] == 1).all()
    assert np.allclose(control["median"], control["rebuilt"])
    released = attacks_tried.released_curve(cohort_survival.kaplan_meier(read.people, BY), PROFILE)
    assert set(released["group"]) == set(bare["group"])
    found = attacks.pinned(read.people, released, PROFILE.threshold, TENTH, BY)
    assert len(found) == len(control)
    assert (found["pinned"] == 0).all()


def test_a_curve_of_fine_rounding_alone_is_no_protection(read):
    # Times to two decimals and counts to five, and every step published: what journals print.
    bare = cohort_survival.kaplan_meier(read.people.head(400), deaths_only=True)
    rounded = bare.assign(
        time_years=bare["time_years"].round(2), estimate=bare["estimate"].round(3)
    ).drop_duplicates("time_years", keep="last")
    found = attacks.pinned(read.people.head(400), rounded, PROFILE.threshold, TENTH)
    assert found["share"].iloc[0] > 0.5


def test_a_curve_without_numbers_at_risk_gives_nobody_back():
    curve = pd.DataFrame({"time_years": [0.0], "at_risk": [np.nan], "estimate": [1.0]})
    assert attacks.reconstruct(curve).empty
    with pytest.raises(Problem, match="turned back into people"):
        attacks.possible_people(curve.assign(group="1"), "1")


# --- Random cohorts -----------------------------------------------------------------------------

KINDS = ("usual", "all censored", "one group empty", "heavy ties", "everybody died")
SIZES = (1, 9, 10, 60, 61, 300, 2000)


def random_people(seed: int, size: int, sort: str) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    # Rounded last: a sum may end a hair after a tenth of a year, which the gate counts as that.
    years = (rng.exponential(3, size) + 0.0001).round(4)
    if sort == "heavy ties":
        years = np.ceil(years * 2) / 2
    died = {"all censored": 0.0, "everybody died": 1.0}.get(sort, rng.uniform(0.05, 0.95))
    outcome = np.where(rng.random(size) < died, "died", "censored")
    groups = rng.integers(2 if sort == "one group empty" else 1, 6, size)
    people = pd.DataFrame({"follow_up_years": years, "outcome": outcome, BY: groups})
    return people.assign(died=people["outcome"] == "died")


def curve_faults(people: pd.DataFrame) -> list[str]:
    """What a released curve of these people would give away; empty where nothing."""
    bare = cohort_survival.kaplan_meier(people, BY)
    released = attacks_tried.released_curve(bare, PROFILE)
    found = []
    pinned = attacks.pinned(people, released, PROFILE.threshold, TENTH, BY)
    if (pinned["pinned"] > 0).any():
        found.append("a day of death is told")
    for group, points in released.dropna(subset="estimate").groupby("group"):
        members = people if group == "all" else people[people[BY].astype(str) == group]
        times = np.sort(points["time_years"].to_numpy(float))
        for ended, name in ((True, "deaths"), (False, "censorings")):
            ends = members.loc[members["died"] == ended, "follow_up_years"].to_numpy(float)
            between = np.array(
                [((ends > a) & (ends <= b)).sum() for a, b in zip(times, times[1:], strict=False)]
            )
            if name == "deaths" and ((between > 0) & (between < PROFILE.threshold)).any():
                found.append(f"{group}: a step of few {name}")
        if (members["follow_up_years"] >= times[-1]).sum() == 0 and len(times) > 1:
            found.append(f"{group}: the curve runs past everybody")
        if not points.sort_values("time_years")["estimate"].is_monotonic_decreasing:
            found.append(f"{group}: the curve rises")
        if not points["estimate"].between(0, 1).all():
            found.append(f"{group}: no probability")
    for column in ("at_risk", "deaths", "censored"):
        if released[column].dropna().between(1, PROFILE.threshold - 1).any():
            found.append(f"a small count of {column}")
    return found


def count_faults(seed: int) -> bool:
    return bool((attacks_tried.hidden_counts(1, PROFILE, seed)["estimate"] != [100, 0]).any())


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from([1, 9, 10, 60, 61, 300, 2000]), st.sampled_from(KINDS)
)
def test_no_released_curve_of_random_people_gives_anybody_back(seed, size, sort):
    assert curve_faults(random_people(seed, size, sort)) == []


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_withheld_counts_of_random_tables_are_found_in_the_control_only(seed):
    assert not count_faults(seed)


# --- A withheld number, from two curves that tell of it together ----------------------------------


def test_one_transplant_in_three_hundred_people_is_told_by_bare_curves_and_not_by_a_release(read):
    found = attacks_tried.other_events(read.people, 300, PROFILE, 4, seed=3)
    assert [given_back(found, group) for group in (CONTROL, RELEASE)] == [100, 0]


def test_transplants_worked_by_hand_are_found_between_two_curves():
    # Half die from the first to the second year; ten of a hundred are lost before, to something.
    naive = pd.DataFrame({"time_years": [0.0, 1, 2], "estimate": [0.0, 0.0, 0.5],
                          "at_risk": [100, 100, np.nan], "deaths": [np.nan, np.nan, 45],
                          "censored": [np.nan, 20, np.nan]})  # fmt: skip
    # Each is one of a hundred, and stands for a half: ten move the share by 0.05.
    competing = naive.assign(estimate=[0.0, 0.0, 0.45])
    found = attacks.other_events(naive, competing).set_index("time_years")
    assert found["fewest"][1] <= 10 <= found["most"][1] < 13
    assert found["fewest"][2] >= 8
    # Where the curves lie upon each other, nobody had it but at the very end.
    nobody = attacks.other_events(naive, naive).set_index("time_years")
    assert nobody["most"][1] == 0
    assert attacks.other_events(naive, naive.head(1)).empty


def test_what_the_curves_tell_is_true(read):
    rng = np.random.default_rng(5)
    for _ in range(3):
        people = read.people.sample(300, random_state=rng)
        people["outcome"] = people["outcome"].where(rng.random(300) < 0.95, "transplanted")
        exact = competing_events.curves_of_death(people).drop(columns="left_for_another_event")
        shown = attacks_tried.released_curve(exact, PROFILE)
        curves = [shown[shown["group"] == method] for method in
                  (competing_events.NAIVE, competing_events.COMPETING)]  # fmt: skip
        found = attacks.other_events(*curves)
        given = people.loc[people["outcome"] == "transplanted", "follow_up_years"]
        true = found["time_years"].map(lambda time: (given < time).sum())  # noqa: B023
        assert true.between(found["fewest"], found["most"]).all()
        assert len(found) > 3


def test_where_many_had_a_transplant_a_release_leaves_more_numbers_than_the_threshold(read):
    shown = attacks_tried.released_curve(competing_events.curves_of_death(read.people), PROFILE)
    curves = [shown[shown["group"] == method] for method in
              (competing_events.NAIVE, competing_events.COMPETING)]  # fmt: skip
    found = attacks.other_events(*curves)
    assert len(found)
    assert (found["most"] - found["fewest"] + 1 >= PROFILE.threshold).all()


# --- Two releases, and one person between them --------------------------------------------------


def test_changes_between_two_releases_are_found_and_nothing_else():
    before = pd.DataFrame({"group": ["1", "2"], "people": [20, 30], "estimate": [0.5, np.nan]})
    after = before.assign(people=[20, 35])
    found = attacks.changed({"a": before, "b": before}, {"a": after, "b": before})
    assert found[["table", "group", "column", "before", "after"]].to_numpy().tolist() == [
        ["a", "2", "people", 30, 35]
    ]
    assert attacks.changed({}, {}).empty


def test_tables_of_one_person_more_tell_who_it_was():
    rows = [("count", "fifth", g, None, None, n) for g, n in (("all", 60), ("1", 20), ("2", 40))]
    before = pd.DataFrame(
        rows, columns=["measure", "group_by", "group", "variable", "level", "people"]
    )
    after = before.assign(people=[61, 21, 40])
    assert attacks.told_by_tables({"a": before}, {"a": after}) == {"fifth": "1"}
    # Two groups that grew are two people, or one of whom nothing is told.
    assert attacks.told_by_tables({"a": before}, {"a": before.assign(people=[62, 21, 41])}) == {}


def test_shares_that_grew_tell_a_level():
    before = pd.DataFrame(
        {"measure": "share of people", "variable": "sex", "level": ["female", "male"],
         "people": [100, 100], "estimate": [30.0, 70.0]}
    )  # fmt: skip
    after = before.assign(people=[101, 101], estimate=[30.7, 69.3])
    assert attacks.told_by_tables({"a": before}, {"a": after}) == {"sex": "female"}


def test_one_person_more_is_told_by_two_releases_unless_the_second_names_the_first(read):
    found, refused = attacks_tried.one_more(read.people, read.study, BY, PROFILE, 3, seed=1)
    assert given_back(found, CONTROL) == 100
    assert found["group"].tolist() == [CONTROL, attacks_tried.TWO, attacks_tried.GUESS]
    assert given_back(found, attacks_tried.GUESS) == pytest.approx(
        100 * read.people[BY].value_counts(normalize=True).max()
    )
    assert harmful_and_harmless(refused) == [100, 0]


def test_only_the_fifth_counts_as_told(read, monkeypatch):
    monkeypatch.setattr(attacks, "told_by_tables", lambda *_: {"sex": "male", BY: "none"})
    found, _ = attacks_tried.one_more(read.people, read.study, BY, PROFILE, 3, seed=1)
    assert [given_back(found, group) for group in (CONTROL, attacks_tried.TWO)] == [0, 0]


def test_guessing_the_commonest_group_and_outcome_by_hand():
    people = pd.DataFrame({BY: [1, 1, 1, 2, None], "died": [True, True, False, True, False]})
    assert given_back(attacks_tried.guessed(people, BY), attacks_tried.GUESS) == 50


@pytest.mark.slow
def test_ten_digits_of_hazard_ratios_tell_one_person_more_and_three_tell_less(read):
    found = attacks_tried.ratios(read.people, BY, 5, (10, 3, 2), PROFILE, 40, seed=2)
    right = found.set_index("value")["estimate"]
    # Guessing the commonest fifth and outcome would be right in less than one of five.
    assert right[10] > 80
    assert right[3] < 60
    assert right[2] < 20
    assert ((found["low"] <= found["estimate"]) & (found["estimate"] <= found["high"])).all()


def test_ratios_that_did_not_move_tell_nothing():
    ratios = pd.Series([1.2, 1.3], ["1", "2"])
    possible = pd.DataFrame({"group": ["1"], "died": [True], "1": [0.1], "2": [0.0]})
    assert attacks.told_by_ratios(ratios, ratios, possible) is None
    assert attacks.told_by_ratios(ratios, ratios * [1.1, 1], possible)["group"] == "1"


def test_released_estimates_of_models_have_three_digits(read):
    models = read.adjustments(BY)
    table = cohort_survival.cox_models(
        read.people, BY, {"unadjusted": models["unadjusted"]}, read.references
    )
    released = disclosure.check(table, "synthetic", PROFILE).table
    for column in ("estimate", "ci_low", "ci_high"):
        shown = released[column].dropna().astype(float)
        assert len(shown)
        assert np.allclose(shown, attacks.with_digits(shown, 3), rtol=1e-12)


# --- Means, planted values, formulas, paths -----------------------------------------------------


def test_ten_digits_of_a_mean_tell_the_exact_count_and_three_do_not():
    rng = np.random.default_rng(3)
    values = rng.integers(0, 1000, 387) / 10
    assert attacks.counts_behind(float(f"{values.mean():.10g}"), 1, 385, 2) == [387]
    assert len(attacks.counts_behind(float(f"{values.mean():.3g}"), 1, 385, 2)) == 5


def test_means_that_are_released_leave_every_count_of_the_band_possible(read):
    found = attacks_tried.exact_counts(read.people, read.study, BY, {"distance_km": 1}, PROFILE)
    assert given_back(found, CONTROL) > 50
    assert given_back(found, RELEASE) == 0


def packed(text: bytes) -> dict[str, bytes]:
    folder = io.BytesIO()
    with zipfile.ZipFile(folder, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner.csv", text)
    body = b"Comment\x00\x00" + zlib.compress(text)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(body))
    return {
        "text": text,
        "utf-16": text.decode().encode("utf-16"),
        "gzip": gzip.compress(text),
        "zip": folder.getvalue(),
        "gzip in zip": packed_twice(text),
        "png": attacks.PNG + chunk,
    }


def packed_twice(text: bytes) -> bytes:
    folder = io.BytesIO()
    with zipfile.ZipFile(folder, "w") as file:
        file.writestr("inner.gz", gzip.compress(text))
    return folder.getvalue()


@pytest.mark.parametrize("how", packed(b"-"))
def test_a_planted_value_is_found_wherever_it_is_packed(how):
    content = packed(b"a,b\n161.255,3.14159265\n")[how]
    assert attacks.hidden_in(content, ["3.14159265", "61.25", "absent"]) == {"3.14159265"}


def test_what_is_cut_short_is_searched_as_far_as_it_goes():
    for start in (b"\x1f\x8b", b"PK\x03\x04", attacks.PNG):
        assert attacks.hidden_in(start + b" 61.8033 ", ["61.8033"]) == {"61.8033"}


def test_planted_values_stand_in_the_rows_and_in_no_release(read):
    found = attacks_tried.planted(read.people, read.study, BY, PROFILE)
    assert given_back(found, CONTROL) == 100
    assert given_back(found, RELEASE) == 0


def test_cells_that_a_spreadsheet_would_run_are_found_and_negative_numbers_are_not():
    table = pd.DataFrame({"level": ["=1+1", "-1.5", "+4", "plain", "@SUM(1)"], "people": 20})
    assert attacks.formula_cells(table) == ["=1+1", "@SUM(1)"]


def test_formula_cells_are_no_part_of_a_release_and_plain_ones_are():
    assert harmful_and_harmless(attacks_tried.formulas()) == [100, 0]


@pytest.mark.parametrize(("answer", "expected"), [([], [0, 0]), (["a fault"], [100, 100])])
def test_the_checks_can_fail_both_ways(monkeypatch, answer, expected):
    monkeypatch.setattr(attacks_tried.content, "cells", lambda *_: answer)
    monkeypatch.setattr(attacks_tried.people_flow, "violations", lambda *_: answer)
    assert harmful_and_harmless(attacks_tried.formulas()) == expected
    assert harmful_and_harmless(attacks_tried.notebooks()) == expected


@pytest.mark.parametrize("name", attacks_tried.PATHS)
def test_names_that_are_paths_write_nothing_outside_the_results(name, tmp_path):
    inside = tmp_path / "inside" / "deeper"
    page = results.Page("page", sources=["synthetic_ipf"], kind="synthetic", root=inside)
    table = pd.DataFrame({"group_by": "fifth", "group": ["1", "2"], "people": [200, 300]})
    with pytest.raises(Problem):
        page.publish(table, name, "A table")
    with pytest.raises(Problem):
        results.Page(name, sources=["synthetic_ipf"], kind="synthetic", root=inside)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and inside not in p.parents]
    assert outside == []


# --- Notebooks ----------------------------------------------------------------------------------


def test_notebooks_that_show_people_are_refused_and_harmless_ones_are_not():
    assert harmful_and_harmless(attacks_tried.notebooks()) == [100, 0]


@pytest.mark.parametrize(
    "name", ["prints people", "raises a person", "warns of a person", "saves people"]
)
def test_the_control_notebooks_do_show_people(name, capsys, tmp_path, monkeypatch, read):
    monkeypatch.chdir(tmp_path)
    person = str(read.people["person_id"].iloc[0])
    said = ""
    try:
        with pytest.warns(UserWarning) if name.startswith("warns") else memory() as told:
            exec(attacks_tried.NOTEBOOKS[name], {"people": read.people})  # noqa: S102
        said = " ".join(str(each.message) for each in told or ())
    except ValueError as error:
        said = str(error)
    said += capsys.readouterr().out
    said += "".join(path.read_text() for path in tmp_path.iterdir())
    assert person in said


def memory():
    import contextlib

    return contextlib.nullcontext()


# --- All together -------------------------------------------------------------------------------


def test_all_attacks_stand_in_one_table(read):
    by_size = attacks_tried.curves(read.people, (100, 200), PROFILE, TENTH, seed=1)
    by_digits = pd.DataFrame(
        {"measure": "m", "group": "guessed", "value": [10.0, 4.0, 3.0], "estimate": [9.0, 5, 1],
         "answers": 7, "low": 0.0, "high": 99.0, "unit": "per cent"}
    )  # fmt: skip
    found = attacks_tried.together(
        by_size, by_digits, [attacks_tried.hidden_counts(1, PROFILE, seed=8)]
    )
    # Ratios need two releases, and the row says so.
    assert found["group"].tolist() == [CONTROL, RELEASE, CONTROL, attacks_tried.TWO] + [
        CONTROL, RELEASE
    ]  # fmt: skip
    assert found["estimate"].tolist() == [100, 0, 9, 1, 100, 0]
    assert list(found) == ["measure", "group", "estimate", "answers", "low", "high", "unit"]
    few = found[found["answers"].notna()]
    assert few[["low", "high"]].notna().all(axis=None)


def test_table_one_still_has_what_the_attacks_look_for(read):
    table = cohort_people.table_one(read.people, read.study, BY)
    assert {"mean", "share"} <= set(table["measure"])
    assert {"variable", "level", "group", "people", "estimate"} <= set(table)
