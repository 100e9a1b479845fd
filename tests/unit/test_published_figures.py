"""Published figures: counted, labelled and told of 100 people, by hand on a few invented rows."""

import json
import re

import pandas as pd
import pytest

from distance_to_care import places, problems, published_figures, tables

ESTIMATES = tables.read("published_estimates")
ENTRIES = tables.read("evidence_map")


def test_reading_counts_every_row_once():
    counts = published_figures.reading(ESTIMATES).set_index(["measure", "group"])["estimate"]
    assert counts["rows", "all"] == len(ESTIMATES)
    assert counts["rows", "without a number"] == ESTIMATES["estimate"].isna().sum() > 20
    for measure in ("how_read", "certainty"):
        assert counts[measure].sum() == len(ESTIMATES)
    # No study has been read in full: the pages say so in words.
    assert ("how_read", "full_text") not in counts


def test_a_line_says_question_country_study_and_how_it_was_read():
    terms = ["lamas_2011_delay", "goobie_2022_deprivation_united_states"]
    lines = published_figures.labels(ESTIMATES, ENTRIES, terms)
    assert lines == [
        ({"term": terms[0]}, "Delay, United States,\nLamas 2011, abstract"),
        (
            {"term": terms[1]},
            "Deprivation of the area, United States,\nGoobie 2022, press",
        ),
    ]


@pytest.mark.parametrize("term", ["no_such_row", "zheng_2022_survival_3_years"])
def test_a_figure_that_answers_no_question_has_no_line(term):
    with pytest.raises(problems.Problem, match=term):
        published_figures.labels(ESTIMATES, ENTRIES, ["lamas_2011_delay", term])


def test_a_ratio_of_two_squares_the_survival():
    ratios = ESTIMATES[ESTIMATES["id"] == "lamas_2011_delay"].assign(
        estimate=2.0, ci_low=1.0, ci_high=3.0
    )
    table = published_figures.ratios_of_100(ratios, 0.8, [0.5], "Derived: by hand.")
    row = table.set_index("group").loc["exposed"]
    assert row["estimate"] == pytest.approx(64)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((51.2, 80))
    assert (row["low"], row["high"]) == pytest.approx((25, 64))
    assert set(table["term"]) == {"lamas_2011_delay"}
    assert set(table["status"]) == {"derived"}
    assert set(table["certainty"]) == {"D"}


def test_shares_take_percentages_of_the_named_studies_only():
    rows = pd.DataFrame(
        {
            "id": ["a_2020_men", "a_2020_people", "a_2021_men", "a_2020_lost"],
            "measure": ["percentage", "count", "percentage", "percentage"],
            "estimate": [60.0, 5.0, 70.0, float("nan")],
        }
    ).reindex(columns=ESTIMATES.columns.union(["id", "measure", "estimate"]))
    table = published_figures.shares_of_100(rows, {"a_2020": "first"})
    assert table[["term", "group", "estimate"]].to_numpy().tolist() == [["first", "men", 60.0]]
    assert table["unit"].unique().tolist() == ["of 100 people"]


def code_of(notebook: str) -> str:
    cells = json.loads((places.NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))[
        "cells"
    ]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def test_the_captions_of_the_figures_are_true():
    """Worse in every ratio drawn of death and of the composites; the transplant ratios part."""
    code = code_of("published_evidence")
    known = ESTIMATES.set_index("id")
    drawn = re.findall(r"[a-z]+(?:_[a-z0-9]+)+", code.partition("lines = {")[2].partition("}")[0])
    worse = [
        term for term in drawn if pd.notna(known.loc[term, "ci_low"]) and "transplant" not in term
    ]
    assert len(worse) == 7
    for term in worse:
        assert known.loc[term, "ci_low"] > 1
    assert "all four ratios of three studies, one fragile; four reports without one" in code
    death = re.findall(
        r"[a-z]+(?:_[a-z0-9]+)+", code.partition('"death": ')[2].partition('"joined"')[0]
    )
    assert len({known.loc[term, "study"] for term in death if term in worse}) == 3
    assert sum(pd.isna(known.loc[term, "estimate"]) for term in death) == 4
    assert known.loc["shankar_2024_distance_adjusted", "ci_low"] < 1.02
    assert known.loc["goobie_2022_transplant_united_states", "ci_high"] < 1
    assert known.loc["tsuang_2020_transplant", "ci_low"] > 1
    # All ratios of death with an interval that the map knows are drawn.
    rows = {
        name for rows in ENTRIES[ENTRIES["outcome"] == "death"]["rows"] for name in rows.split("; ")
    }
    usable = known.loc[sorted(rows)]
    usable = usable[usable["ci_low"].notna() & (usable["measure"] == "hazard_ratio")]
    assert set(usable.index) == set(worse[:4])
    # A line without a number is a report of no clear difference, or one of the two mixed ones.
    finding = {
        name: entry.finding for entry in ENTRIES.itertuples() for name in entry.rows.split("; ")
    }
    without = [term for term in drawn if pd.isna(known.loc[term, "estimate"])]
    assert len(without) == 9
    mixed = {term for term in without if finding[term] == "mixed"}
    assert mixed == {"avitzur_2022_death", "dedent_2024_death_mild_fvc"}
    assert {finding[term] for term in without} == {"no clear difference", "mixed"}


def test_the_status_tells_what_was_derived():
    table = published_figures.as_published(ESTIMATES).set_index("term")
    assert table.loc["lamas_2011_delay", "status"] == "published"
    assert table.loc["lamas_2011_delay_log", "status"] == "derived"
    from_p = table[table["status"] == published_figures.FROM_P]
    assert sorted(from_p.index) == [
        "goobie_2022_deprivation_united_states",
        "goobie_2022_transplant_united_states",
    ]
    assert not {"year", "doi_or_address", "id"} & set(table)
