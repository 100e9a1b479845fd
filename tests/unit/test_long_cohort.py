"""A cohort file that is checked in parts says what one that is checked at once says."""

import numpy as np
import pandas as pd
import pytest
from commands import run

from distance_to_care import long_cohort, places, residence, tables
from distance_to_care.problems import Problem
from distance_to_care.repeated import Words

PEOPLE = 400


@pytest.fixture
def drawn():
    """Synthetic people that the book ships with: some of them."""
    file = places.DATA / "synthetic" / "synthetic_ipf.csv"
    return pd.read_csv(file, dtype=str, keep_default_na=False).head(PEOPLE)


@pytest.fixture
def in_parts(monkeypatch):
    """Everything with more than 60 people is long, and is read 70 rows at a time."""
    monkeypatch.setattr(long_cohort, "PEOPLE", 60)
    monkeypatch.setattr(tables, "PART_ROWS", 70)
    monkeypatch.setattr(tables, "_PART_BYTES", 9_000)


def save(people: pd.DataFrame, folder, ending: str):
    file = folder / f"people.{ending}"
    if ending == "csv":
        people.to_csv(file, index=False, lineterminator="\n")
    else:
        people.to_parquet(file)
    return file


def spoilt(people: pd.DataFrame) -> pd.DataFrame:
    """Every rule broken, each in another part of the file than the rule's hints."""
    people = people.copy()
    people.loc[[3, 390], "person_id"] = "same"
    people.loc[5, "age_years"] = "NA"
    people.loc[300, "age_years"] = "71,5"
    people.loc[[10, 250], "sex"] = ["Female", "woman"]
    people.loc[[20, 280], "follow_up_years"] = ["400", "900"]
    people.loc[30:40, "fvc_percent"] = "0.8"
    people.loc[310, "fvc_percent"] = "0.0001"
    people.loc[350:, "record_kind"] = ""
    people.loc[75, "deprivation_quintile"] = "2.5"
    people.loc[[76, 399], "oxygen"] = ["perhaps", "-"]
    people.loc[200, "distance_km"] = "1e999"
    people.loc[[77, 377], "antifibrotic_start_years"] = "59"
    people.loc[388] = ""
    return people.rename(columns={"dlco_percent": "dlco_percentage"})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_faults_of_parts_are_those_of_the_whole_word_for_word(drawn, tmp_path, request, ending):
    file = save(spoilt(drawn), tmp_path, ending)
    study = tables.read_study("ipf")
    with pytest.raises(Problem) as at_once:
        residence.read_people(file, study)
    assert str(at_once.value).count("\n") >= 12
    request.getfixturevalue("in_parts")
    with pytest.raises(Problem) as by_part:
        long_cohort.check(file, study)
    assert str(by_part.value) == str(at_once.value)


def test_rows_of_a_csv_file_that_do_not_fit_are_counted_in_every_part(drawn, tmp_path, request):
    file = save(drawn, tmp_path, "csv")
    lines = file.read_text().split("\n")
    for place in (40, 200, 380):
        lines[place] += ",more"
    file.write_text("\n".join(lines))
    study = tables.read_study("ipf")
    with pytest.raises(Problem, match="3 rows") as at_once:
        residence.read_people(file, study)
    request.getfixturevalue("in_parts")
    with pytest.raises(Problem) as by_part:
        long_cohort.check(file, study)
    assert str(by_part.value) == str(at_once.value)


def test_people_of_parts_are_the_people_of_the_whole(drawn, tmp_path, in_parts):
    file = save(drawn, tmp_path, "parquet")
    study = tables.read_study("ipf")
    kept, rows = [], []
    checked = long_cohort.check(file, study, rows.append, kept.append)
    whole = residence.read_people(file, study)
    together = pd.concat(kept, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole, check_dtype=False)
    assert sum(rows) == len(checked) == PEOPLE and max(rows) == 70
    from distance_to_care import cohort

    ready = cohort.prepare(whole, study)
    again = pd.concat(long_cohort.parts(checked, study), ignore_index=True)
    pd.testing.assert_frame_equal(again, ready, check_dtype=False)


def test_notes_on_homes_count_the_people_of_every_part(drawn, tmp_path, request):
    # Three parts; each works out the drive from every area to every centre.
    homes = drawn.head(150).assign(area_code="E01000001", distance_km="", centre="nowhere")
    homes.loc[:3, "area_code"] = "W01000001"
    file = save(homes, tmp_path, "parquet")
    study = tables.read_study("ipf")
    notes = residence.read_people(file, study).attrs["notes"]
    assert any("does not know the centre" in note for note in notes)
    request.getfixturevalue("in_parts")
    checked = long_cohort.check(file, study)
    assert checked.notes == notes
    assert "distance_km" not in checked.known


@pytest.mark.parametrize("ending", [pytest.param("csv", marks=pytest.mark.slow), "parquet"])
def test_the_forecast_of_a_long_file_is_that_of_its_counts(drawn, tmp_path, request, ending):
    text = """name = "north"\nbased_on = "ipf"\nchapters = "any"\n"""
    (tmp_path / "north.toml").write_text(text)
    drawn.loc[:30, "smoking"] = ""
    file = save(drawn, tmp_path, ending)
    at_once = run("check", file, "--study", tmp_path / "north.toml")
    assert at_once.returncode == 0, at_once.stderr
    request.getfixturevalue("in_parts")
    by_part = run("check", file, "--study", tmp_path / "north.toml")
    assert by_part.returncode == 0, by_part.stderr

    def told(found) -> list[str]:
        told = [line for line in found.stdout.split("\n") if " chapters will run" not in line]
        return [line for line in told if not line.startswith("While it runs, 'analyse' keeps")]

    assert told(by_part) == told(at_once)
    assert "Checking: 400 of 400 rows" in by_part.stderr
    assert "Counting: 400 of 400 rows" in by_part.stderr


def test_a_long_file_of_a_study_with_chapters_says_which_are_left_out(drawn, tmp_path, in_parts):
    found = run("check", save(drawn, tmp_path, "parquet"), "--study", "ipf")
    assert found.returncode == 0, found.stderr
    assert "1 of 1 chapters will run" in found.stdout
    assert "Left out, because they hold everybody in memory: " in found.stdout
    assert "survival_by_distance" in found.stdout
    assert "which takes up to 0.0 GB and is deleted" in found.stdout


@pytest.mark.slow
def test_a_long_file_without_distances_stops_as_a_short_one_does(drawn, tmp_path, request):
    homes = drawn.head(150).assign(distance_km="", area_code="E01000001")
    file = save(homes, tmp_path, "parquet")
    at_once = run("check", file)
    request.getfixturevalue("in_parts")
    by_part = run("check", file)
    assert at_once.returncode == by_part.returncode == 2
    assert "distance_km" in by_part.stdout
    stops = [line for line in at_once.stdout.split("\n") if "No chapter will run" in line]
    assert stops and stops[0] in by_part.stdout


def test_words_in_several_parts_are_counted_once_a_row():
    words = Words()
    for part in (["a", "b", None], ["b", "c", "d"], ["c", "b", None]):
        words.add(pd.Series(part, dtype=object))
    assert words.rows_repeated() == 5
    assert Words().rows_repeated() == 0


def test_quantiles_of_counts_are_those_of_people():
    from distance_to_care import counted

    random = np.random.default_rng(4)
    people = np.round(random.gamma(2, 20, 5_003), 1)
    values = counted.Values()
    for part in np.array_split(people, 7):
        values.add(part)
    shares = (0, 0.05, 0.2, 0.25, 1 / 3, 0.5, 0.8, 1)
    assert (counted.quantiles(*values.sorted(), shares) == np.quantile(people, shares)).all()
    assert counted.mean(*values.sorted()) == pytest.approx(people.mean(), rel=1e-14)
    spread = counted.standard_deviation(*values.sorted())
    assert spread == pytest.approx(people.std(ddof=1), rel=1e-13)
