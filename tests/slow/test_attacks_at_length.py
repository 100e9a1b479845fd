"""Attacks tried thousands of times: what 'make test' tries on a few cohorts, on many."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_attacks import BY, KINDS, PROFILE, count_faults, curve_faults, given_back, random_people

from distance_to_care import attacks, attacks_tried, cohort, places, tables

pytestmark = pytest.mark.slow


@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9), st.integers(1, 500), st.sampled_from(KINDS))
def test_no_released_curve_of_five_thousand_cohorts_gives_anybody_back(seed, size, sort):
    assert curve_faults(random_people(seed, size, sort)) == []


@pytest.mark.parametrize("sort", KINDS)
@pytest.mark.parametrize("size", [1000, 5000, 20_000])
def test_no_released_curve_of_a_large_cohort_gives_anybody_back(size, sort):
    assert curve_faults(random_people(size, size, sort)) == []


def test_no_withheld_count_of_a_thousand_tables_is_told():
    assert [seed for seed in range(1000) if count_faults(seed)] == []


def test_planted_values_of_a_hundred_cohorts_stand_in_no_released_table():
    read = cohort.load()
    for seed in range(100):
        people = read.people.sample(400, random_state=seed)
        found = attacks_tried.planted(people, read.study, BY, PROFILE)
        assert given_back(found, attacks_tried.CONTROL) == 100, seed
        assert given_back(found, attacks_tried.RELEASE) == 0, seed


def test_one_person_more_is_told_in_no_release_that_names_the_earlier_one():
    read = cohort.load()
    found, refused = attacks_tried.one_more(read.people, read.study, BY, PROFILE, 40, seed=11)
    assert given_back(found, attacks_tried.CONTROL) == 100
    assert given_back(refused, attacks_tried.HARMFUL) == 100


def run(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "distance_to_care", *words]
    return subprocess.run(command, cwd=places.ROOT, capture_output=True, check=False, timeout=3000)


def test_planted_values_stand_in_no_byte_of_a_run_and_its_release(tmp_path):
    """A registry extract with planted people, through analyse, release and verify."""
    read = cohort.load()
    rows = tables.read_cohort(None, read.study)
    rows = rows[[column for column in rows if column not in ("record_kind", "area_code")]]
    planted = attacks_tried.PLANTED_NUMBERS | {
        name: value for name, value in attacks_tried.PLANTED.items() if name in rows
    }
    # Ages and times are written as the contract asks, with one and four decimals.
    planted |= {"age_years": 61.9, "follow_up_years": 3.1415}
    rows = rows.assign(centre=rows["centre"].where(rows.index != 0, planted["centre"]))
    for column in ("person_id", "age_years", "follow_up_years"):
        kept = rows[column].astype(object) if column == "person_id" else rows[column].copy()
        kept.iloc[0] = planted[column]
        rows[column] = kept
    extract = tmp_path / "extract.csv"
    rows.to_csv(extract, index=False)
    work, released = tmp_path / "work", tmp_path / "released"
    values = [planted["person_id"], planted["centre"], str(planted["follow_up_years"])]
    assert attacks.hidden_in(extract.read_bytes(), values) == set(values)

    words = ("--study", "ipf", "--kind", "registry", "--output", str(work))
    ran = run("analyse", str(extract), *words)
    assert ran.returncode == 0, ran.stderr[-500:]
    made = run("release", str(work), str(released), "--first")
    assert made.returncode == 0, made.stderr[-500:]
    proved = run("verify", str(released))
    assert proved.returncode == 0, proved.stderr[-500:]

    said = b"".join(each.stdout + each.stderr for each in (ran, made, proved))
    assert attacks.hidden_in(said, values) == set()
    files = [path for folder in (work, released) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert attacks.hidden_in(path.read_bytes(), values) == set(), path.name
        assert attacks.hidden_in(path.name.encode(), values) == set()
