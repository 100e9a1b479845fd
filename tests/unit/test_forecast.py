"""What `check` foretells is what `analyse` then does, and rests on counts in bands."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import analyses, disclosure, forecast, places, tables
from distance_to_care.command_line import app
from distance_to_care.forecast import Contents

COSTS = pd.DataFrame(
    {
        "study": "ipf",
        "chapter": ["one", "one", "two", "two"],
        "people": [500, 1500, 500, 1500],
        "seconds": [2.0, 4.0, 3.0, 1.0],
        "memory_mb": [200, 300, 200, 300],
    }
)


@pytest.fixture(scope="module")
def shipped() -> pd.DataFrame:
    return tables.read_cohort(None, "ipf")


@pytest.fixture(scope="module")
def ipf():
    return tables.read_study("ipf")


def foretold(people, study, *chapters, costs=COSTS, profile=disclosure.DEFAULT):
    return forecast.of(people, study, profile, chapters, costs)


def reasons(people, study, **contents) -> str:
    found = foretold(people, study, Contents("one", **contents))
    return "\n".join(found.chapters[0].withheld)


@pytest.mark.parametrize(
    ("chapter", "people", "seconds"),
    [
        # By hand: one second more each five hundred people; below the smallest, the smallest.
        ("one", 1000, 3.0),
        ("one", 2500, 6.0),
        ("one", 10, 2.0),
        # A chapter that was measured faster with more people does not become free of charge.
        ("two", 100_000, 3.0),
    ],
)
def test_a_cost_is_on_the_line_through_what_was_measured(chapter, people, seconds):
    assert forecast.scaled(COSTS, chapter, people, "seconds") == pytest.approx(seconds)
    assert forecast.scaled(COSTS, "three", people, "seconds") is None


def test_time_adds_up_and_memory_is_the_largest(shipped, ipf):
    found = foretold(shipped.head(1500), ipf, Contents("one"), Contents("two"), Contents("three"))
    assert found.seconds == pytest.approx(4.0 + 3.0)
    assert found.memory_mb == 300
    said = "\n".join(found.lines())
    assert "3 of 3 chapters will run, in about 10 seconds" in said
    assert "Not measured, so not in the time: three." in said
    assert "'release' then looks at all tables together, and withholds further cells" in said
    assert found.people == "1,500 to 1,504"


def test_a_fifth_with_few_people_or_deaths_is_foretold(shipped, ipf):
    people = shipped.copy()
    groups = frozenset({"deprivation_quintile"})
    of_deaths = {"groups": groups, "events": frozenset({"deaths"})}
    assert reasons(people, ipf, **of_deaths) == ""
    second = people.index[people["deprivation_quintile"] == 2]
    few = people.drop(index=second[7:])
    assert "fifth 2 of deprivation: 5 to 9 people: withheld" in reasons(few, ipf, **of_deaths)
    alive = people.copy()
    died = second[people.loc[second, "outcome"] == "died"]
    alive.loc[died[3:], "outcome"] = "censored"
    assert "fifth 2 of deprivation: 0 to 4 deaths" in reasons(alive, ipf, **of_deaths)
    # Deaths decide only where a chapter publishes them.
    assert reasons(alive, ipf, groups=groups) == ""
    nobody = people.drop(index=second)
    assert "fifth 2 of deprivation: 0 to 4 people" in reasons(nobody, ipf, **of_deaths)
    small = people.drop(index=second[30:])
    assert "survival at whole milestones only" in reasons(small, ipf, groups=groups, curves=True)


def test_few_transplants_are_foretold(shipped, ipf):
    none = shipped.assign(outcome=shipped["outcome"].replace("transplanted", "censored"))
    said = reasons(none, ipf, events=frozenset({"transplants"}))
    assert said == "transplants: 0 to 4 in everybody, fewer than may be published"
    assert reasons(shipped, ipf, events=frozenset({"transplants"})) == ""


def test_an_empty_column_is_foretold(shipped, ipf):
    empty = shipped.assign(dlco_percent=np.nan)
    said = reasons(
        empty,
        ipf,
        variables=frozenset({"dlco_percent", "fvc_percent"}),
        models=frozenset({("as_published", "deprivation_quintile")}),
    )
    assert "'dlco_percent' is empty in every row" in said
    assert "'fvc_percent'" not in said
    adjusted = ipf.adjustment("as_published", "deprivation_quintile")
    if any(term.startswith("gap") for term in adjusted):
        # Nobody can be scored without it, but those who could not do the test.
        assert "model as_published of deprivation" in said


def test_a_model_with_few_deaths_for_its_parameters_is_foretold(shipped, ipf):
    people = pd.concat(
        [
            shipped[shipped["outcome"] == "died"].head(15),
            shipped[shipped["outcome"] == "censored"].head(300),
        ]
    )
    models = frozenset({("joint", "distance_quintile"), ("unadjusted", "distance_quintile")})
    said = reasons(people, ipf, models=models)
    # Age, sex and four for each of the two exposures: ten, and fifteen less ten is under ten.
    assert "model joint of distance: 15 to 19 deaths for 10 parameters" in said
    # Unadjusted there are four, which leaves enough.
    assert "for 4 parameters" not in said


def test_a_tighter_profile_foretells_more(shipped, ipf):
    groups = frozenset({"deprivation_quintile"})
    contents = Contents("one", groups=groups, variables=frozenset({"oxygen", "smoking"}))
    people = shipped.head(700)
    mild = foretold(people, ipf, contents)
    strict = foretold(people, ipf, contents, profile=disclosure.profile(threshold=200))
    assert len(strict.chapters[0].withheld) > len(mild.chapters[0].withheld)
    assert "counts below 200" in strict.lines()[0]


@pytest.mark.parametrize("column", ["deprivation_quintile", "distance_km"])
def test_without_an_exposure_no_chapter_runs(shipped, ipf, column):
    found = foretold(shipped.assign(**{column: None}), ipf, Contents("one"))
    assert not found.chapters[0].runs
    assert f"No chapter will run. The analyses need the column '{column}'" in found.lines()[1]
    assert "Add it to the extract" in found.stops
    placed = shipped.assign(**{column: None})
    placed.attrs["notes"] = ("The study's list of centres does not know the centre.",)
    # Homes that are given lead nowhere: to add them again is no advice.
    found = foretold(placed, ipf, Contents("one"))
    assert "does not follow from the homes that are given" in found.stops
    assert "Add it" not in found.stops


def test_where_no_chapter_runs_the_command_says_so_to_a_program_too(tmp_path, monkeypatch):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path / "none"))
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(20)
    file = tmp_path / "people.csv"
    people.assign(deprivation_quintile=None, area_code="E01000001").to_csv(file, index=False)
    for option in ([], ["--json"]):
        said = CliRunner().invoke(app, ["check", str(file), *option])
        assert said.exit_code == 2, said.output
        assert "no problems" not in said.output
        assert "('imd_2019') is not at hand" in said.output


def test_who_lacks_a_value_is_said_in_bands(shipped, ipf):
    people = shipped.head(700)
    before = dict(part.split(" (") for part in foretold(people, ipf, Contents("one")).gaps)
    assert set(before) == {"dlco_percent", "symptom_months", "referral_wait_days"}
    # Who could not do the test lacks no value of it.
    lacking = int((people["dlco_percent"].isna() & ~people["dlco_unable"]).sum())
    assert before["dlco_percent"] == f"{disclosure.band(lacking)} people)"
    smoking = people["smoking"].mask(people.index < 32)
    found = foretold(people.assign(smoking=smoking), ipf, Contents("one"))
    assert "smoking (30 to 34 people)" in found.gaps
    assert "Not known in some: smoking (30 to 34 people), dlco_percent" in found.lines()[1]


def test_people_too_few_to_be_sure_of_a_chapter(shipped, ipf):
    groups = frozenset({"deprivation_quintile"})
    sure = foretold(shipped, ipf, Contents("one", groups=groups))
    assert sure.doubts == () and "1 of 1 chapters will run" in sure.lines()[-3]
    few = foretold(shipped.head(5), ipf, Contents("one", groups=groups))
    said = "\n".join(few.lines())
    assert "1 of 1 chapters may run" in said
    assert "rests on deaths, and there are 0 to 4: fewer than may be published" in said
    assert "left out, and 'analyse' names it" in said
    # Nothing was named before, so there are no others.
    assert "Of every chapter this will be withheld" in said and "Of the others" not in said
    half_a_day = foretold(shipped.assign(follow_up_years=0.00137), ipf, Contents("one"))
    assert "Nobody was followed for longer than a day" in "\n".join(half_a_day.lines())
    assert foretold(shipped.assign(follow_up_years=0.01), ipf, Contents("one")).doubts == ()
    gap = shipped[~shipped["deprivation_quintile"].isin([2, 4])]
    assert foretold(gap, ipf, Contents("one")).doubts == (
        "Nobody is in fifths 2, 4 of deprivation, and some chapters draw every fifth.",
    )


def test_contents_are_those_of_the_published_tables():
    found = {contents.name: contents for contents in analyses.chapters(tables.read_study("ipf"))}
    assert [*found] == [path.stem for path in analyses.cohort_notebooks("ipf")]
    survival = found["survival_by_deprivation"]
    assert survival.curves
    assert "deprivation_quintile" in survival.groups
    assert ("as_published", "deprivation_quintile") in survival.models
    assert "deaths" in survival.events
    assert "transplants" in found["who_is_in_the_cohort"].events
    assert "dlco_percent" in found["missing_data"].variables


def test_every_chapter_about_people_was_measured():
    costs = tables.read("chapter_costs")
    for study in costs["study"].unique():
        chapters = {path.stem for path in analyses.cohort_notebooks(study)}
        assert chapters == set(costs.loc[costs["study"] == study, "chapter"])
    sizes = costs.groupby("chapter")["people"].nunique()
    assert (sizes >= 2).all()


def exact_counts(people: pd.DataFrame) -> set[str]:
    """Exact counts of fifths and outcomes, as they would be written if they slipped out."""
    found = set()
    for by in (["outcome"], ["deprivation_quintile"], ["deprivation_quintile", "outcome"]):
        found |= {f"{n:,}" for n in people.groupby(by).size() if n % 5 not in (0, 4)}
    return {f"{len(people):,}"} | found


def test_the_command_speaks_in_bands(tmp_path):
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(333)
    file = tmp_path / "people.csv"
    people.to_csv(file, index=False)
    said = CliRunner().invoke(app, ["check", str(file)])
    assert said.exit_code == 0, said.output
    assert "330 to 334 people, no problems" in said.output
    shown = set(re.findall(r"\d[\d,]*", said.output.replace(str(file), "")))
    alone = {n for n in exact_counts(people) if n in shown}
    # The ends of bands are multiples of five or one below; the rest are numbers of the rules.
    rules = {"10", "5", "12", "13", "1", "2", "3", "4", "60"}
    assert alone <= rules, alone
    as_json = CliRunner().invoke(app, ["check", str(file), "--json"])
    content = json.loads(as_json.output)
    assert content["people"] == "330 to 334"
    assert content["profile"]["name"] == "minimum_10"
    assert len(content["chapters"]) == len(analyses.cohort_notebooks("ipf"))
    assert content["seconds"] > 0
    assert content["memory_mb"] > 100


@pytest.mark.slow
def test_what_was_foretold_comes_true(tmp_path):
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(150)
    people.loc[people["deprivation_quintile"] == 4, "deprivation_quintile"] = 3
    file, out = tmp_path / "people.csv", tmp_path / "out"
    people.to_csv(file, index=False)
    said = json.loads(CliRunner().invoke(app, ["check", str(file), "--json"]).output)
    done = CliRunner().invoke(app, ["analyse", str(file), "--output", str(out)])
    assert done.exit_code == 0, done.output
    entries = json.loads((out / "manifest.json").read_text())["tables"].values()
    assert (
        "Nobody is in fifth 4 of deprivation, and some chapters draw every fifth."
        in (said["doubts"])
    )
    left_out = json.loads((out / "run.json").read_text())["left_out"]
    for chapter in said["chapters"]:
        if chapter["chapter"] in left_out:
            continue
        mine = [e["disclosure"] for e in entries if e["page"] == chapter["chapter"]]
        if chapter["withheld"]:
            assert sum(each["cells_withheld"] or 0 for each in mine) > 0, chapter["chapter"]
