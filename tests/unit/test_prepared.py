"""People in a file of a run's own: the same tables as from people in memory."""

import os
import tempfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from commands import run
from pandas.testing import assert_frame_equal

from distance_to_care import cohort, long_cohort, places, prepared, synthetic, tables
from distance_to_care.disclosure import many_words, words
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_people, cohort_survival


@pytest.fixture(scope="module")
def study():
    return tables.read_study("ipf")


@pytest.fixture(scope="module")
def people(study):
    """3,000 synthetic people, some of whom nobody knows where they live."""
    parameters = tables.read_parameters("ipf")
    population = tables.read(synthetic.population_name(parameters))
    drawn = synthetic.draw(3_000, 5, parameters, population, study)
    unknown = {"deprivation_quintile": drawn["deprivation_quintile"].astype("Int64")}
    drawn = drawn.assign(**unknown, region=None, area_code=None)[list(study.columns)]
    drawn.loc[::40, "deprivation_quintile"] = pd.NA
    drawn.loc[7::50, "distance_km"] = np.nan
    drawn["dlco_unable"] = drawn["dlco_unable"].astype("boolean")
    return cohort.prepare(drawn, study)


@pytest.fixture(scope="module")
def in_file(people, study, tmp_path_factory):
    """The same people in a file, in four parts."""
    file = tmp_path_factory.mktemp("private") / "people.parquet"
    with prepared.Writer(file, study) as writer:
        for part in np.array_split(np.arange(len(people)), 4):
            writer.add(people.iloc[part])
    return prepared.People(file)


def models(study, by):
    return cohort.Cohort(None, study, "synthetic").adjustments(by)


def alike(found: pd.DataFrame, expected: pd.DataFrame, tolerance: float = 1e-12) -> None:
    assert_frame_equal(found, expected, check_dtype=False, rtol=tolerance, atol=1e-14)


def test_a_full_disk_is_named_with_what_to_do(people, study, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")

    monkeypatch.setattr(prepared.pyarrow.parquet.ParquetWriter, "write_table", full)
    with (
        pytest.raises(Problem, match="kept in .*: No space left on device. .* TMPDIR"),
        prepared.Writer(tmp_path / "people.parquet", study) as writer,
    ):
        writer.add(people)


def test_a_page_that_is_damaged_is_not_counted(people, study, tmp_path):
    file = tmp_path / "people.parquet"
    with prepared.Writer(file, study) as writer:
        writer.add(people)
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 255
    file.write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum"):
        list(prepared.People(file).parts(study.columns))


def test_counts_are_those_of_the_people_and_nobody_is_lost(people, in_file):
    found = in_file.counts(["sex", "deprivation_quintile"], ["fvc_percent"])
    known = people[["sex", "deprivation_quintile"]].assign(
        fvc_percent=people["fvc_percent"].notna()
    )
    expected = known.groupby(list(known), dropna=False).size()
    assert found[prepared.COUNT].sum() == len(people) == len(in_file)
    assert sorted(found[prepared.COUNT]) == sorted(expected[expected > 0])
    assert found["deprivation_quintile"].isna().any()


def test_who_is_in_each_analysis(people, in_file, study):
    asked = {name: name for name in study.adjustments}
    alike(cohort_people.flow(in_file, study, asked), cohort_people.flow(people, study, asked))


@pytest.mark.parametrize("by", ["deprivation_quintile", "distance_quintile", "sex"])
def test_what_people_were_like(people, in_file, study, by):
    found = cohort_people.table_one(in_file, study, by)
    alike(found, cohort_people.table_one(people, study, by))
    assert {"median", "share", "not known"} <= set(found["measure"])


@pytest.mark.parametrize("by", ["deprivation_quintile", "distance_quintile"])
@pytest.mark.parametrize("name", ["kaplan_meier", "at_risk", "summary", "log_rank"])
def test_curves_fixed_times_and_tests(people, in_file, name, by):
    function = getattr(cohort_survival, name)
    alike(function(in_file, by), function(people, by), 1e-9)


@pytest.mark.parametrize(
    "by", ["deprivation_quintile", pytest.param("distance_quintile", marks=pytest.mark.slow)]
)
def test_hazard_ratios_of_every_model(people, in_file, study, by):
    against = cohort.Cohort(None, study, "synthetic").references
    expected = cohort_survival.cox_models(people, by, models(study, by), against)
    found = cohort_survival.cox_models(in_file, by, models(study, by), against)
    assert set(found.columns) == set(expected.columns)
    assert expected["estimate"].notna().all()
    # lifelines stops at its own precision: a p-value differs in the seventh digit.
    alike(found[expected.columns], expected, 2e-6)
    assert [path.name for path in in_file.file.parent.iterdir()] == ["people.parquet"]


def test_the_same_people_of_a_file_are_those_of_the_last_model(people, in_file, study):
    by = "deprivation_quintile"
    against = cohort.Cohort(None, study, "synthetic").references
    # The last has fewer columns than the one before it, and more people.
    asked = {"more columns": ("age_years", "sex", "distance_quintile"), "last": ("sex",)}
    given = {name: cohort_survival.cox_models(of, by, asked, against).groupby("model")["people"]
             for name, of in (("memory", people), ("file", in_file))}  # fmt: skip
    for counted in given.values():
        size = counted.max()
        assert size["more columns"] < size["unadjusted_same_people"] == size["last"]
    assert given["file"].max().to_dict() == given["memory"].max().to_dict()


def test_a_model_that_cannot_be_estimated_says_so_as_from_memory(people, study, tmp_path):
    against = cohort.Cohort(None, study, "synthetic").references
    few = people.head(400).copy()
    few.loc[few["sex"] == "female", "outcome"] = "censored"
    few["died"] = few["outcome"] == "died"
    few["fvc_percent"] = 70.0
    with prepared.Writer(tmp_path / "few.parquet", study) as writer:
        writer.add(few)
    asked = {"unadjusted": (), "one sex": ("sex",), "alike": ("fvc_percent",),
             "full": ("age_years", "sex", "smoking")}  # fmt: skip
    by = "deprivation_quintile"
    expected = cohort_survival.cox_models(few, by, asked, against)
    found = cohort_survival.cox_models(
        prepared.People(tmp_path / "few.parquet"), by, asked, against
    )
    assert expected["note"].notna().any()
    alike(found[expected.columns], expected, 1e-6)


def test_the_words_of_people_in_parts_are_refused_as_those_of_a_table(people, study):
    named = people.assign(centre=[f"Ward {n % 90} / St. Élise" for n in range(len(people))])
    free = [name for name, column in study.columns.items()
            if column.type == "string" and not column.levels]  # fmt: skip
    whole = words.of_cohort(named, study)
    parts = words.of_parts((named[free].iloc[at] for at in np.array_split(range(3_000), 3)), study)
    assert parts.people == whole.people and bool(parts.typed)
    assert all(word in parts.typed for word in whole.typed)
    assert all(word in parts.run_together for word in whole.run_together)
    assert parts.run_together.longest == max(map(len, whole.run_together))
    for text in ("synthetic_0000007", "in WARD 7 st elise", "centre 3", "female", "nobody", ""):
        table = pd.DataFrame({"note": [text]})
        assert words.typed_words(table, parts) == words.typed_words(table, whole), text
    assert {"x"} & many_words.Many() == set()


@pytest.fixture
def long(monkeypatch):
    """Everything with more than 60 people is long."""
    monkeypatch.setattr(long_cohort, "PEOPLE", 60)
    monkeypatch.setattr(tables, "PART_ROWS", 500)


NORTH = 'name = "north"\nbased_on = "ipf"\nchapters = "any"\n'


@pytest.fixture
def registry(tmp_path):
    """An extract of 1,200 invented people, whose codes may stand nowhere."""
    (tmp_path / "north.toml").write_text(NORTH)
    drawn = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(1_200)
    codes = [f"canary{number}" for number in range(len(drawn))]
    extract = drawn.drop(columns="record_kind").assign(person_id=codes)
    extract.to_parquet(tmp_path / "extract.parquet", index=False)
    return tmp_path


@pytest.mark.slow
def test_the_same_tables_are_published_and_nobody_is_left_behind(registry, request, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(registry / "temporary"))
    (registry / "temporary").mkdir()
    asked = (registry / "extract.parquet", "--study", registry / "north.toml", "--kind", "registry")
    at_once = run("analyse", *asked, "--output", registry / "at_once")
    assert at_once.returncode == 0, at_once.stderr
    request.getfixturevalue("long")
    from_file = run("analyse", *asked, "--output", registry / "from_file")
    assert from_file.returncode == 0, from_file.stderr
    assert "Preparing: 1,200 of 1,200 rows" in from_file.stderr
    names = sorted(path.name for path in (registry / "at_once").glob("*.csv"))
    assert names == sorted(path.name for path in (registry / "from_file").glob("*.csv"))
    for name in names:
        found, expected = (
            pd.read_csv(registry / folder / name) for folder in ("from_file", "at_once")
        )
        alike(found, expected, 1e-6)
    assert not list((registry / "temporary").iterdir())
    written = [path for path in (registry / "from_file").rglob("*") if path.is_file()]
    assert not any(b"canary" in path.read_bytes() for path in written)
    assert places.PREPARED_VARIABLE not in os.environ


def test_people_are_deleted_when_the_run_fails(registry, long, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(registry / "temporary"))
    (registry / "temporary").mkdir()
    seen = []

    def fails(*_: object):
        seen.extend(path.name for path in (registry / "temporary").rglob("*.parquet"))
        raise RuntimeError("canary5")

    monkeypatch.setattr(cohort_survival, "log_rank", fails)
    asked = (registry / "extract.parquet", "--study", registry / "north.toml", "--kind", "registry")
    found = run("analyse", *asked, "--output", registry / "out")
    assert found.returncode == 2 and "canary" not in found.stderr
    assert seen == ["people.parquet"]
    assert not list((registry / "temporary").iterdir())


def test_what_a_killed_run_left_is_deleted_and_what_lives_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, lives = (tmp_path / f"{prepared.FOLDER}{each}-x" for each in ("999999999", os.getpid()))
    for folder in (dead, lives):
        folder.mkdir()
    with prepared.private_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert not dead.exists() and lives.exists()
    assert not folder.exists()


@pytest.mark.slow
def test_memory_is_that_of_counts_and_not_of_people(study, in_file, tmp_path):
    """Ten times the people take no more of Arrow's and NumPy's memory at the peak."""
    import tracemalloc

    peaks = []
    for times in (1, 10):
        file = tmp_path / f"{times}.parquet"
        parts = [part for _ in range(times) for part in in_file.parts(in_file.columns)]
        with prepared.Writer(file, study) as writer:
            for part in parts:
                writer.add(part)
        del parts
        many = prepared.People(file)
        assert len(many) == 3_000 * times
        pool = pa.proxy_memory_pool(pa.default_memory_pool())
        before = pa.default_memory_pool()
        pa.set_memory_pool(pool)
        tracemalloc.start()
        cohort_people.table_one(many, study, "distance_quintile")
        cohort_survival.kaplan_meier(many, "distance_quintile")
        peaks.append(tracemalloc.get_traced_memory()[1] + pool.max_memory())
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert peaks[1] < 1.2 * peaks[0]
