"""Synthetic people by the million: drawn in parts, and the parts are the people of one draw."""

import re

import pandas as pd
import pyarrow.parquet
import pytest
from commands import run
from pandas.testing import assert_frame_equal

from distance_to_care import places, survival, synthetic, tables
from distance_to_care.problems import Problem


@pytest.fixture(scope="module")
def parameters():
    return tables.read_parameters("ipf")


@pytest.fixture(scope="module")
def population(parameters):
    return tables.read(synthetic.population_name(parameters))


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 70 people, so that a few hundred are many."""
    of_parts = synthetic.draw_in_parts

    def in_small_parts(*arguments, **named):
        return of_parts(*arguments, **{"part_people": 70, **named})

    monkeypatch.setattr(synthetic, "draw_in_parts", in_small_parts)


@pytest.mark.parametrize("part_people", [7, 70, 499, 500])
def test_parts_are_the_people_of_one_draw_whatever_their_size(parameters, population, part_people):
    at_once = synthetic.draw(500, 7, parameters, population)
    parts = synthetic.draw_in_parts(500, 7, parameters, population, part_people=part_people)
    assert_frame_equal(pd.concat(parts, ignore_index=True), at_once)


def test_centres_are_the_same_in_every_part(parameters, population):
    effect = {"events.died.shape": 1.0, "centres.log_hazard_sd": 3.0}
    changed = synthetic.changed(parameters, effect)
    first, second = synthetic.draw_in_parts(8_000, 3, changed, population, part_people=4_000)
    alive = [part.groupby("centre")["follow_up_years"].mean() for part in (first, second)]
    shares = [part["centre"].value_counts(normalize=True) for part in (first, second)]
    assert alive[0].corr(alive[1]) > 0.95
    assert (shares[0] - shares[1]).abs().max() < 0.03
    assert not set(first["person_id"]) & set(second["person_id"])


@pytest.mark.parametrize("ending", [pytest.param("csv", marks=pytest.mark.slow), "parquet"])
def test_a_file_in_parts_holds_what_a_file_at_once_holds(tmp_path, request, ending):
    names = [tmp_path / f"{name}.{ending}" for name in ("once", "parts", "again")]
    asked = ("synthesise", "--people", 500, "--seed", 7, "--output")
    assert run(*asked, names[0]).returncode == 0
    request.getfixturevalue("small_parts")
    made = run(*asked, names[1])
    assert made.returncode == 0, made.stderr
    assert run(*asked, names[2]).returncode == 0
    assert names[1].read_bytes() == names[2].read_bytes()
    if ending == "csv":
        assert names[0].read_bytes() == names[1].read_bytes()
    else:
        one, other = (pyarrow.parquet.ParquetFile(name) for name in names[:2])
        assert other.metadata.num_row_groups == 8
        assert one.schema_arrow.equals(other.schema_arrow)
        assert one.read().equals(other.read())
    assert "Drawing: 500 of 500 rows" in made.stderr
    assert run("check", names[1]).returncode == 0


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_file_that_a_disk_has_damaged_is_not_taken_for_other_people(tmp_path, request, in_parts):
    file = tmp_path / "people.parquet"
    if in_parts:
        request.getfixturevalue("small_parts")
    assert run("synthesise", "--people", 500, "--output", file).returncode == 0
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 255
    file.write_bytes(content)
    told = run("check", file)
    assert told.returncode == 2
    assert "people.parquet is a damaged Parquet file" in told.stderr


def test_a_drawing_that_ends_in_the_middle_leaves_no_file(tmp_path, monkeypatch):
    of_parts = synthetic.draw_in_parts

    def breaks(*arguments, **named):
        parts = of_parts(*arguments, **{"part_people": 70, **named})
        yield next(parts)
        raise Problem("The disk is full.")

    monkeypatch.setattr(synthetic, "draw_in_parts", breaks)
    (tmp_path / "mine.parquet").write_bytes(b"mine")
    asked = ("synthesise", "--people", 500, "--output", tmp_path / "mine.parquet", "--overwrite")
    found = run(*asked)
    assert found.returncode == 2 and "disk is full" in found.stderr
    assert (tmp_path / "mine.parquet").read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.parquet"]


def test_more_people_than_can_be_told_apart_are_refused(parameters, population):
    with pytest.raises(Problem, match="50,000,000"):
        next(synthetic.draw_in_parts(50_000_001, 1, parameters, population))


def test_what_the_readme_asks_of_a_file_is_answered(tmp_path, monkeypatch):
    """Both calls run as they are written: on the file that was drawn, and on one with deaths."""
    readme = (places.ROOT / "README.md").read_text(encoding="utf-8")
    calls = re.findall(r"`(survival\.\w+\(.*?\))`", readme)
    assert len(calls) == 2
    monkeypatch.chdir(tmp_path)
    assert run("synthesise", "--people", 500, "--output", "ten.parquet").returncode == 0
    people = pd.read_parquet("ten.parquet")
    people.assign(died=people["outcome"] == "died").to_parquet("people.parquet")
    for call in calls:
        assert len(eval(call, {"survival": survival})) > 1
