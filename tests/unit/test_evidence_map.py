"""The evidence map: every comparison has its place, nulls as well, and gaps are counted."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from distance_to_care import evidence_map, places, problems, tables

ENTRIES = tables.read("evidence_map")
ESTIMATES = tables.read("published_estimates")
FOUND = evidence_map.findings(ENTRIES, ESTIMATES)
FIELDS = {field["name"]: field for field in tables.resource("evidence_map")["schema"]["fields"]}
QUESTIONS = FIELDS["question"]["constraints"]["enum"]
OUTCOMES = FIELDS["outcome"]["constraints"]["enum"]

# Comparisons that answer none of the questions of the map, and why.
LEFT_OUT = {
    "Goobie 2021": "the same people as the American part of Goobie 2022",
    "Goobie 2022 sarcoidosis": "another disease",
    "Sweden 2021": "treatment, not place",
    "Snyder 2019": "lung function, oxygen and age",
    "Oxygen titration study": "oxygen",
    "Jo 2017": "stage and treatment",
    "Petnak 2021": "treatment",
    "Japan target-trial emulation 2024": "treatment",
    "IPF-PRO causal analysis": "treatment",
    "Hoyer 2019": "sex, age and inhalers",
    "ENDEAR 2017": "another disease",
    "Muni-Lofra 2022": "another disease",
    "BTS ILD Registry 2013 to 2023": "no comparison of groups",
    "Gupta 2024": "years compared",
}
ROWS_LEFT_OUT = {
    "johannson_2022_distance_connective_tissue": "a part of the people of johannson_2022_distance",
    "goobie_2022_deprivation_united_states_reported": "the same ratio without its interval",
    "goobie_2022_transplant_united_states_reported": "the same ratio without its interval",
}


def named_rows() -> set[str]:
    return {name for rows in ENTRIES["rows"] for name in rows.split(evidence_map.BETWEEN_ROWS)}


def test_every_comparison_is_on_the_map_or_left_out_with_a_reason():
    compares = ESTIMATES[ESTIMATES["measure"].isin(evidence_map.COMPARING)]
    compares = compares[~compares["study"].isin(LEFT_OUT)]
    missing = set(compares["id"]) - named_rows() - set(ROWS_LEFT_OUT)
    assert missing == set()
    assert not named_rows() & set(ROWS_LEFT_OUT)
    assert not set(FOUND["study"]) & set(LEFT_OUT)
    # A study that is left out exists, so that the list does not outlive it.
    assert set(LEFT_OUT) <= set(ESTIMATES["study"])
    assert set(ROWS_LEFT_OUT) <= set(ESTIMATES["id"])


def test_every_finding_that_no_number_was_found_for_is_on_the_map():
    """A study that printed no number is the one that is easily forgotten."""
    without = ESTIMATES[ESTIMATES["estimate"].isna() & ~ESTIMATES["study"].isin(LEFT_OUT)]
    assert set(without["id"]) - named_rows() == set()
    assert len(without) >= 20


def test_what_found_no_difference_says_so():
    by_row = {
        name: entry.finding
        for entry in ENTRIES.itertuples()
        for name in entry.rows.split(evidence_map.BETWEEN_ROWS)
    }
    says_null = re.compile(r"no association|did not differ|not linked|no greater risk|not seen in")
    null = ESTIMATES[ESTIMATES["note"].str.contains(says_null, na=False)]
    null = null[~null["study"].isin(LEFT_OUT)]
    assert len(null) >= 8
    assert {by_row[name] for name in null["id"]} <= {"no clear difference", "mixed"}
    # A ratio whose interval leaves one out is no null.
    clear = ESTIMATES[ESTIMATES["unit"].eq("ratio") & ESTIMATES["ci_low"].notna()]
    clear = clear[(clear["ci_low"] > 1) | (clear["ci_high"] < 1)]
    assert {by_row[n] for n in clear["id"] if n in by_row} <= {"worse", "better"}


def test_the_page_asks_the_questions_of_the_table():
    text = (places.NOTEBOOKS / "evidence_map.ipynb").read_text(encoding="utf-8")
    code = "\n".join(
        "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"
    )
    for words in (*QUESTIONS, *OUTCOMES, *FIELDS["finding"]["constraints"]["enum"]):
        assert f'"{words}"' in code


def test_the_headline_of_the_figure_is_true():
    covered = evidence_map.coverage(FOUND, QUESTIONS, OUTCOMES)
    counted = covered[covered["measure"] == "findings"]
    by_question = counted.groupby("exposure")["estimate"].sum()
    assert by_question.idxmax() == "deprivation of the area"
    distance = counted[counted["exposure"] == "distance to care"].set_index("outcome")["estimate"]
    assert (distance == 0).sum() > len(OUTCOMES) / 2
    # What the answer says that nobody was seen to ask.
    assert not distance[["treatment", "delay", "progression"]].any()


def entry(**changes) -> pd.DataFrame:
    row = {"id": "a_b", "question": "delay", "outcome": "death", "finding": "worse",
           "rows": "lamas_2011_delay", "reason": ""}  # fmt: skip
    return pd.DataFrame([row | changes])


def test_a_finding_carries_the_number_of_its_leading_row():
    row = evidence_map.findings(entry(), ESTIMATES).iloc[0]
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == (1.3, 1.03, 1.6)
    assert (row["study"], row["people"], row["seen_as"]) == ("Lamas 2011", 129, "numbers")


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        ("lamas_2011_delay_transplant", "words only"),
        ("lamas_2011_delay_transplant; lamas_2011_median_delay", "numbers"),
        ("redfern_2017_deprivation_p_value", "words only"),
    ],
)
def test_words_are_told_from_numbers(rows, seen):
    row = evidence_map.findings(entry(rows=rows), ESTIMATES).iloc[0]
    assert row["seen_as"] == seen
    # No mean, share or p value stands in the place of a comparison.
    assert pd.isna(row["estimate"])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("no_such_row", "no_such_row"),
        ("", "no row"),
        ("lamas_2011_delay; sese_2021_death", "several studies"),
    ],
)
def test_a_finding_that_stands_on_nothing_is_refused(rows, says):
    with pytest.raises(problems.Problem, match=says):
        evidence_map.findings(entry(rows=rows), ESTIMATES)


def test_a_gap_is_a_row_that_says_zero():
    found = evidence_map.findings(entry(finding="no clear difference"), ESTIMATES)
    covered = evidence_map.coverage(found, ["delay", "distance"], ["death", "transplant"])
    counts = covered.set_index(["measure", "exposure", "outcome"])["estimate"]
    assert len(counts) == 3 * 2 * 2
    assert counts["findings", "delay", "death"] == 1
    assert counts["findings of no clear difference", "delay", "death"] == 1
    assert counts.drop("delay", level="exposure").sum() == 0
    totals = evidence_map.totals(found, covered).set_index(["measure", "group"])["estimate"]
    assert totals["cells", "all"] == 4
    assert totals["cells", "no study"] == 3
    assert totals["cells", "one finding"] == 1


def test_the_counts_add_up():
    covered = evidence_map.coverage(FOUND, QUESTIONS, OUTCOMES)
    counts = covered.groupby("measure")["estimate"].sum()
    assert counts["findings"] == len(FOUND) == len(ENTRIES)
    totals = evidence_map.totals(FOUND, covered).set_index(["measure", "group"])["estimate"]
    for measure in ("finding", "how_read", "seen_as", "country"):
        assert totals[measure].sum() == len(FOUND)


def test_a_question_that_is_not_on_the_map_is_refused():
    # The delay is a question as well as an outcome: either one missing is told.
    for questions, outcomes in ((["distance"], ["delay", "death"]), (["delay"], ["transplant"])):
        with pytest.raises(problems.Problem, match=r"no place for (?:delay|death)\."):
            evidence_map.coverage(evidence_map.findings(entry(), ESTIMATES), questions, outcomes)
