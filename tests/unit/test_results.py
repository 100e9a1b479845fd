"""The waist: one writer, the same bytes, kinds that never mix, numbers that come from tables."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import disclosure, figures, results
from distance_to_care.problems import Problem


@pytest.fixture
def root(tmp_path):
    return tmp_path / "results"


def minutes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": "mean",
            "group_by": "decile",
            "group": ["10", "2", "all", "1"],
            "people": [9, 20, 41, 12],
            "estimate": [33.75, 30.0, 31.123456789012, -0.0],
            "unit": "minutes",
        }
    )


def of_people() -> pd.DataFrame:
    """The same of people: by a column of the study, whatever cohort a test before has loaded."""
    named = {"variable": "travel_minutes", "group_by": "deprivation_quintile"}
    return minutes().assign(**named).replace({"group": {"10": "5"}})


def publish(page, table=None, name="travel", **kwargs):
    if table is None:
        table = of_people() if kwargs.get("sources") == ["cohort"] else minutes()
    given = {"title": "Minutes", "sources": ["imd_2019"], **kwargs}
    return page.publish(table, name, **given)


def test_everybody_first_then_groups_in_order_of_number_and_ten_digits(root):
    found = publish(results.Page("one", root=root))
    assert found["group"].tolist() == ["all", "1", "2", "10"]
    text = (root / "one" / "travel.csv").read_text()
    assert "31.12345679," in text
    assert ",-0," not in text
    assert "\r" not in text


def test_open_tables_keep_small_counts_and_people_do_not(root):
    assert publish(results.Page("one", root=root))["people"].tolist() == [41, 12, 20, 9]
    people = publish(results.Page("two", root=root), sources=["cohort"], kind="synthetic")
    assert people["suppressed"].any()
    assert people["people"].dropna().tolist() == [40, 20]


@settings(max_examples=30, deadline=None)
@given(st.permutations([0, 1, 2, 3]))
def test_the_order_of_rows_does_not_change_a_byte(order):
    straight = results.to_csv(results.prepare(minutes(), "open", "t"))
    shuffled = results.to_csv(results.prepare(minutes().iloc[order], "open", "t"))
    assert straight == shuffled


def test_what_is_read_back_is_what_was_written(root):
    page = results.Page("one", root=root)
    found = publish(page)
    again = results.read_published(root / "one" / "travel.csv", "travel")
    pd.testing.assert_frame_equal(found, again)
    assert (
        results.to_csv(disclosure.check(found, "open")) == (root / "one" / "travel.csv").read_text()
    )


def test_the_kind_follows_from_the_inputs(root):
    page = results.Page("one", root=root)
    assert publish(page, name="a", sources=["imd_2019"])["kind"].unique() == ["open"]
    assert (
        publish(page, name="b", sources=["imd_2019", "centres_ild"])["kind"].iloc[0] == "modelled"
    )
    with pytest.raises(Problem, match="made from synthetic people: it is not 'open'"):
        publish(page, name="c", sources=["synthetic_ipf"], kind="open")


def test_synthetic_and_registry_results_never_stand_side_by_side(root):
    publish(results.Page("one", root=root), sources=["cohort"], kind="synthetic")
    with pytest.raises(Problem, match="never stand side by side"):
        publish(results.Page("two", root=root), sources=["cohort"], kind="registry")


@pytest.mark.parametrize("first", ["synthetic", "registry"])
def test_a_scenario_of_synthetic_people_does_not_stand_beside_a_registry(root, first):
    about = {
        "synthetic": {"sources": ["synthetic_ipf"], "kind": "scenario"},
        "registry": {"sources": ["cohort"], "kind": "registry"},
    }
    publish(results.Page("one", root=root), **about.pop(first))
    with pytest.raises(Problem, match="never stand side by side"):
        publish(results.Page("two", root=root), **next(iter(about.values())))


def test_a_cohort_has_to_say_its_kind(root):
    with pytest.raises(Problem, match="not a kind"):
        publish(results.Page("one", root=root), sources=["cohort"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.assign(patient_name="x"), "columns that published tables do not have"),
        (lambda t: pd.concat([t, t]), "two rows for the same"),
    ],
)
def test_tables_that_are_not_tidy_are_refused(root, change, sentence):
    with pytest.raises(Problem, match=sentence):
        publish(results.Page("one", root=root), change(minutes()))


def test_a_name_is_published_once(root):
    page = results.Page("one", root=root)
    publish(page)
    with pytest.raises(Problem, match="second table"):
        publish(page)
    publish(results.Page("two", root=root))
    with pytest.raises(Problem, match="both publish table 'travel'"):
        results.merge(["one", "two"], root)


def test_a_number_comes_from_one_row(root):
    page = results.Page("one", root=root)
    publish(page)
    assert page.number("mean.all", "travel", "{estimate:.1f} {unit}", group="all") == "31.1 minutes"
    with pytest.raises(Problem, match="0 rows fit"):
        page.number("mean.3", "travel", "{estimate}", group="3")
    with pytest.raises(Problem, match="4 rows fit"):
        page.number("mean.x", "travel", "{estimate}", measure="mean")
    with pytest.raises(Problem, match="twice"):
        page.number("mean.all", "travel", "{estimate}", group="1")
    merged = results.merge(["one"], root)
    filed = results.read_published(merged / "numbers.csv", "numbers").iloc[0]
    assert (filed["key"], filed["text"], filed["kind"]) == ("mean.all", "31.1 minutes", "open")


def test_a_withheld_number_says_so_in_words(root):
    page = results.Page("one", root=root)
    table = of_people().assign(people=[3, 200, 410, 207])
    publish(page, table, sources=["cohort"], kind="synthetic")
    text = page.number("mean.5", "travel", "{estimate:.1f}", group="5")
    assert text == "withheld (too few people)"


@pytest.mark.parametrize(
    ("kind", "form", "estimate", "written"),
    [
        # About people: rounded to three figures, so a further nought would be made up.
        ("synthetic", "{estimate:.2f}", 11.9, "11.9"),
        ("synthetic", "{estimate:.2f}", -10.2, "-10.2"),
        ("synthetic", "{estimate:.1f}", 153.0, "153"),
        ("synthetic", "{estimate:,.1f}", 1530.0, "1,530"),
        ("synthetic", "{estimate:.2f}", 1.5, "1.50"),
        ("synthetic", "{estimate:.3f}", 0.09, "0.090"),
        ("synthetic", "{estimate:.0f}", 0.0, "0"),
        # Of five million simulated people, and not rounded: every figure is one.
        ("synthetic", "{estimate:.3f}", 13.39940096, "13.399"),
        # About nobody: as the page says.
        ("open", "{estimate:.2f}", 11.9, "11.90"),
        # No minus before nought, whatever the kind.
        ("modelled", "{estimate:.2f}", -0.00002, "0.00"),
        ("modelled", "{estimate:.0f} to {estimate:.1f}", -0.04, "0 to 0.0"),
        ("modelled", "{estimate:.2f}", -0.006, "-0.01"),
    ],
)
def test_a_number_has_no_figure_that_it_does_not_have(kind, form, estimate, written):
    assert results._formatted(form, {"estimate": estimate, "kind": kind}) == written


def test_a_table_of_another_page_has_to_be_declared(root):
    publish(results.Page("one", root=root))
    with pytest.raises(Problem, match="without declaring it"):
        results.Page("two", root=root).read("travel")
    assert len(results.Page("two", reads=["travel"], root=root).read("travel")) == 4


def test_figures_refuse_anything_that_was_not_published(root):
    with pytest.raises(Problem, match="drawn from a published table only"):
        figures.bars(minutes().assign(kind="open"), "Minutes", {"all": "All"}, "minutes")


def test_a_synthetic_figure_carries_the_word_in_the_image_and_in_its_alternative_text(root):
    page = results.Page("one", root=root)
    table = publish(page, of_people().assign(people=500), sources=["cohort"], kind="synthetic")
    drawing = figures.bars(table, "Minutes", {"all": "All", "1": "One"}, "minutes by decile")
    assert "SYNTHETIC PEOPLE" in drawing.svg
    assert drawing.alt.startswith("Synthetic people: not findings about patients.")
    # The numbers of the alternative text are those of the table.
    assert "All: 31" in drawing.alt
    shown = page.figure(drawing, "minutes", "Minutes by decile")._repr_html_()
    assert "<caption>" in shown
    assert 'scope="col"' in shown
    assert "../downloads/synthetic_travel.csv" in shown
    again = figures.bars(table, "Minutes", {"all": "All", "1": "One"}, "minutes by decile")
    assert again.svg == drawing.svg


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        (["B 2021", "A 2020", "B 2021"], ["A 2020", "B 2021"]),
        # Too many for the line, and one without a name.
        (["A 2020", "B 2021", "C 2022"], []),
        (["A 2020", "A 2020", None], []),
    ],
)
def test_a_figure_of_few_publications_names_those_of_the_rows_that_it_draws(root, sources, named):
    page = results.Page("one", root=root, sources=["published_estimates"])
    told = pd.DataFrame({"group": list("abcd"), "estimate": [10.0, 20.0, 30.0, 40.0]})
    told = told.assign(unit="of 100 people", source=[*sources, "Not drawn 1999"])
    table = page.publish(told, "told", "Of 100 people")
    page.figure(figures.bars(table, "People", {each: each for each in "abc"}, "people"), "t", "T")
    assert page.manifest["figures"]["t"].get("studies", []) == named
    drawn = (root / "one" / "t.svg").read_text()
    assert ("A 2020; B 2021" in drawn) == bool(named)


def test_a_model_on_modelled_drives_says_that_the_list_is_unofficial(root):
    page = results.Page("one", root=root, kind="scenario")
    publish(page, sources=["scenario_assumptions"])
    assert page.manifest["kinds"] == ["scenario"]
    publish(page, name="drives", sources=["scenario_assumptions", "travel_minutes"])
    assert page.manifest["kinds"] == ["scenario", "modelled"]
    assert page.manifest["tables"]["drives"]["kind"] == "scenario"


def test_comparison_sees_a_changed_number_and_forgives_the_last_digits(root, tmp_path):
    page = results.Page("one", root=root)
    publish(page)
    merged = results.merge(["one"], root)
    accepted = tmp_path / "accepted"
    accepted.mkdir()
    for path in merged.glob("*.csv"):
        (accepted / path.name).write_text(path.read_text())
    assert results.compare(merged, accepted) == []
    text = (accepted / "travel.csv").read_text()
    (accepted / "travel.csv").write_text(text.replace("31.12345679", "31.12345680"))
    assert results.compare(merged, accepted) == []
    (accepted / "travel.csv").write_text(text.replace("31.12345679", "31.1235"))
    (found,) = results.compare(merged, accepted)
    assert found.startswith("travel.csv: column 'estimate' differs in 1 rows, first in row 1")
    (accepted / "travel.csv").write_text(text.replace("minutes", "hours"))
    assert "column 'unit' differs" in results.compare(merged, accepted)[0]
    (accepted / "travel.csv").unlink()
    assert results.compare(merged, accepted) == ["travel.csv: published now, but not accepted"]


def test_a_page_starts_from_nothing(root):
    publish(results.Page("one", root=root))
    results.Page("one", root=root)
    assert json.loads((root / "one" / "manifest.json").read_text())["tables"] == {}
    assert not (root / "one" / "travel.csv").exists()


def test_an_unpublished_page_is_named_when_results_are_merged(root):
    publish(results.Page("one", root=root))
    with pytest.raises(Problem, match="'two' has published nothing"):
        results.merge(["one", "two"], root)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e300, 1e300))
def test_numbers_survive_the_file_to_ten_digits(value):
    text = results.to_csv(
        disclosure.check(pd.DataFrame({"estimate": [value]}), "open")
    ).splitlines()[1]
    assert np.isclose(float(text), value, rtol=1e-9, atol=0) or value == 0


@pytest.mark.parametrize(
    ("title", "of_patients"),
    [
        ("Hazard ratios: published, built in, and found", "Hazard ratios: published and found"),
        ("Survival by fifth: published, built in, found", "Survival by fifth: published and found"),
        ("Published, built in, and found", "Published and found"),
        ("Interaction: built in and found", "Interaction: found"),
        ("Survival by fifth", "Survival by fifth"),
    ],
)
def test_a_title_about_patients_does_not_speak_of_what_was_built_in(title, of_patients):
    assert results.titled(title, "registry") == of_patients
    assert results.titled(title, "synthetic") == f"Synthetic people: {title}"
    assert results.titled(title, "scenario") == title


def test_a_column_of_what_was_built_in_is_shown_where_there_is_one(tmp_path):
    page = results.Page("shown", sources=["published_estimates"], root=tmp_path)
    table = pd.DataFrame({"measure": ["a"], "estimate": [1.5], "unit": ["ratio"]})
    page.publish(table, "without", "Without")
    page.publish(table.assign(built_in=1.4), "beside", "Beside")
    asked = ["measure", "built_in", "estimate"]
    assert page.show("beside", asked).columns == asked
    assert page.show("without", asked).columns == ["measure", "estimate"]
    headed = {"measure": "What", "built_in": "Built in"}
    assert page.show("without", headed).columns == {"measure": "What"}
