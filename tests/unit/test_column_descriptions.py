"""What a column is said to mean is true of every table that has it."""

import re

import pytest

from distance_to_care import places, results
from distance_to_care.publication import column_metadata
from distance_to_care.publication.notebooks import Notebook

TABLES = results.accepted_manifest()["tables"]
# Columns of codes: whoever reads a table looks up in the description what a code means.
CODED = ("certainty", "date_precision", "how_sure", "kind", "verdict", "what")
# In a table that counts verdicts: all of them, and none.
COUNTED = {"all", "not measured"}


def read(name: str):
    return results.read_published(places.ACCEPTED / f"{name}.csv", name)


def having(column: str) -> list[str]:
    return [name for name, entry in TABLES.items() if column in entry["columns"]]


def said(value: str, description: str) -> bool:
    """Tell whether a description names a code, or a word of what stands in words."""
    words = [value] if len(value) < 3 else re.findall(r"[A-Za-z]{3,}", value)
    return any(re.search(rf"\b{word}", description, re.IGNORECASE) for word in words)


def test_tables_carry_the_descriptions_of_today():
    for name, entry in TABLES.items():
        for column, description in entry["columns"].items():
            assert description == results.COLUMNS[column], f"{name}: {column}"


@pytest.mark.parametrize("column", CODED)
def test_every_code_is_in_the_description_of_its_column(column):
    values = {str(v) for name in having(column) for v in read(name)[column].dropna()}
    assert len(values - {""}) > 1
    lacking = {v for v in values - COUNTED - {""} if not said(v, results.COLUMNS[column])}
    assert lacking == set()


def test_time_counts_from_a_start_that_each_page_names():
    """People are followed from a first visit in one chapter, and from a diagnosis in another."""
    starts = set()
    for name in having("time_years"):
        code = "\n".join(Notebook(places.NOTEBOOKS / f"{TABLES[name]['page']}.ipynb").code)
        starts |= set(re.findall(r'since="([^"]+)"', code)) or {"first clinic visit"}
    assert len(starts) > 1
    assert not any(start in results.COLUMNS["time_years"] for start in starts)


def test_deaths_of_a_curve_are_those_since_the_time_before():
    curve = read("leukaemia_curves").query("group == 'all'").sort_values("time_years")
    deaths = curve["deaths"].fillna(0).astype(int)
    everybody = read("leukaemia_test")["deaths"].iloc[0]
    # Counted anew at each time: they add up, and do not grow.
    assert deaths.sum() <= everybody
    assert deaths.iloc[-1] < deaths.max()
    for column in ("deaths", "censored"):
        assert "in a curve, since the time before" in results.COLUMNS[column]


def test_a_value_is_assumed_in_some_tables_and_a_place_on_a_curve_in_others():
    asked = ("assumptions", "levers_inputs", "screening_fit", "waiting_checked", "budget_curves")
    assert set(asked) <= set(having("value"))
    for word in ("assumed", "recorded", "closed form", "read off"):
        assert word in results.COLUMNS["value"]


def test_the_nearest_quintile_of_distance_is_not_called_the_most_deprived():
    by_distance = {
        name for name in having("group_by") if "distance_quintile" in set(read(name)["group_by"])
    }
    assert by_distance
    assert "of distance, quintile 1 is the nearest" in results.COLUMNS["group"]


def test_a_count_of_pages_is_not_in_answers():
    assert "pages_ours" in having("answers")
    assert column_metadata.unit("answers", read("pages_ours")) == "number without a unit"
