"""Ratios and targets out of the table of times, and the chapter's figure of ratios."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import figures
from distance_to_care.statistics import engines_timed as timing

# Invented times: task, people, engine, outcome, seconds, memory of the process.
ROWS = [
    ("cox_efron", 2_359, "this package", "measured", 0.004, 100),
    ("cox_efron", 2_359, "this package, arrays", "measured", 0.001, 100),
    ("cox_efron", 2_359, "lifelines", "measured", 0.4, 100),
    ("cox_efron", 2_359, "coxstream", "measured", 0.002, 100),
    ("cox_efron", 240_000, "this package", "measured", 0.1, 100),
    ("cox_efron", 1_000_000, "this package", "measured", 0.2, 100),
    ("cox_efron", 1_000_000, "lifelines", "measured", 5.0, 900),
    ("cox_efron", 1_000_000, "R", "not finished within 60 seconds", np.nan, np.nan),
    ("proportional_hazards", 240_000, "this package", "measured", 0.15, 100),
    ("proportional_hazards", 1_000_000, "this package", "measured", 0.5, 100),
    ("cox_robust", 2_359, "this package", "measured", 0.001, 100),
    ("cox_robust", 240_000, "this package", "measured", 0.24, 100),
    ("cox_robust", 1_000_000, "this package", "measured", 1.25, 100),
    ("cox_robust", 1_000_000, "coxstream", "not offered", np.nan, np.nan),
    ("read_columns", 10_000_000, "pyarrow", "measured", 0.4, 800),
    ("read_columns", 10_000_000, "pandas", "measured", 1.0, 800),
    ("cox_of_a_file", 10_000_000, "this package", "measured", 2.0, 2_600),
]


@pytest.fixture
def timed():
    columns = ["task", "people", "engine", "outcome", "seconds", "process_mb"]
    table = pd.DataFrame(ROWS, columns=columns)
    # A first call takes longer, that of a table not as much so.
    first = table["seconds"] * table["engine"].map({"pandas": 1.5}).fillna(1.8)
    table["first_seconds"] = first
    return table.assign(memory_mb=1.0, estimate_difference=np.nan, error_difference=np.nan)


def test_a_ratio_is_that_to_this_package_for_the_same_task_and_people(timed):
    beside = timing.beside_this_package(timed)
    ratio = beside.set_index(["measure", "value", "engine"])["times_as_long"]
    cox = timing.TASKS["cox_efron"]
    assert ratio[cox, 2_359, "lifelines"] == pytest.approx(100)
    assert ratio[cox, 2_359, "this package, arrays"] == pytest.approx(0.25)
    assert ratio[cox, 1_000_000, "lifelines"] == pytest.approx(25)
    # Nobody of this package reads columns only, so there is nothing to compare with.
    assert np.isnan(ratio[timing.TASKS["read_columns"], 10_000_000, "pyarrow"])


def test_who_did_not_finish_is_said_and_who_does_not_offer_is_left_out(timed):
    beside = timing.beside_this_package(timed)
    slow = beside[beside["engine"] == "R"].iloc[0]
    assert slow["note"] == "not finished within 60 seconds"
    assert np.isnan(slow["times_as_long"])
    assert not (beside["note"] == "not offered").any()
    assert (beside.loc[beside["seconds"].notna(), "note"] == "").all()


def test_targets_are_read_from_the_right_rows(timed):
    held = timing.targets(timed).set_index("term")
    reached = held["estimate"].to_dict()
    assert reached["small_fit"] == pytest.approx(0.5)
    assert reached["million_lifelines"] == pytest.approx(25)
    assert reached["million_fastest"] == pytest.approx(0.04)
    # Of first calls: 3.6 over 1.5, and over 0.72.
    assert reached["file_time"] == pytest.approx(2.4)
    assert reached["file_time_columns"] == pytest.approx(5)
    # Of the fastest: 2 over 1, and over 0.4.
    assert reached["file_again"] == pytest.approx(2)
    assert reached["file_again_columns"] == pytest.approx(5)
    assert reached["file_memory"] == 2_600
    # Per person 1.00 and then 1.25 millionths of a second; the small size does not count.
    assert reached["robust_linear"] == pytest.approx(1.25)
    # The test alone: 0.05 of 0.1 at the smaller size, 0.3 of 0.2 at the larger.
    assert reached["test_over_fit"] == pytest.approx(1.5)
    assert held["verdict"].to_dict() == {
        "small_fit": "fail",
        "middle_fit": "not measured",
        "million_lifelines": "pass",
        "million_fastest": "pass",
        "file_time": "pass",
        "file_time_columns": "fail",
        "file_again": "pass",
        "file_again_columns": "fail",
        "file_memory": "fail",
        "robust_linear": "pass",
        "test_over_fit": "fail",
        "simulation": "not measured",
    }
    counted = timing.verdicts(held).set_index("term")["answers"].to_dict()
    assert counted == {"all": 12, "pass": 5, "fail": 5, "not measured": 2}


def test_an_engine_is_summed_up_by_the_geometric_mean(timed):
    found = timing.summary(timing.beside_this_package(timed)).set_index("engine")
    assert list(found.index) == ["coxstream", "lifelines"]
    assert found.loc["lifelines", "estimate"] == pytest.approx(50)
    assert found.loc["lifelines", ["low", "high"]].tolist() == pytest.approx([25, 100])
    assert found.loc["lifelines", "answers"] == 2


def test_the_figure_says_every_ratio_and_who_did_not_finish(timed):
    beside = timing.beside_this_package(timed).assign(kind="synthetic")
    beside.attrs["published"] = "synthetic_engines_timed"
    cox = timing.TASKS["cox_efron"]
    drawing = figures.dots(
        beside,
        [({"measure": cox, "value": size}, f"{size:,}") for size in (2_359, 1_000_000)],
        {"lifelines": "lifelines", "R": "R"},
        "ratios",
        "Times as long",
        column="times_as_long",
    )
    assert "2,359: lifelines 100; 1,000,000: lifelines 25, R not finished within 60" in drawing.alt
    assert len(drawing.rows) == 3
    assert drawing.svg.startswith("<svg")


def test_an_engine_agrees_where_no_answer_of_its_own_is_apart(timed):
    beside = timing.beside_this_package(timed)
    beside["difference"] = np.nan
    beside.loc[beside["engine"] == "coxstream", "difference"] = 9e-5
    lifelines = beside["engine"] == "lifelines"
    beside.loc[lifelines, "difference"] = 1e-9
    found = timing.agreement(beside).set_index("engine")
    assert list(found.index) == ["all", "coxstream", "lifelines"]
    assert tuple(found.loc["all", ["answers", "estimate", "note"]]) == (2, 2, "none")
    # An error alone is enough, in one question of two.
    last = beside.index[lifelines & (beside["value"] == 1_000_000)]
    beside.loc[last, "error_difference"] = 2e-4
    found = timing.agreement(beside).set_index("engine")
    assert tuple(found.loc["all", ["estimate", "note"]]) == (1, "lifelines")
    assert tuple(found.loc["lifelines", ["answers", "verdict"]]) == (2, "fail")
    assert found.loc["lifelines", "note"] == timing.TASKS["cox_efron"]
    assert found.loc["coxstream", "verdict"] == "pass"


def test_what_a_first_call_takes_on_top_is_that_of_the_fewest_people(timed):
    found = timing.first_calls(timed).set_index("engine")
    assert set(found.index) == {"coxstream", "lifelines", timing.OURS, timing.ARRAYS}
    assert found.loc["lifelines", "estimate"] == pytest.approx(0.4 * 0.8)
    ours = found.loc[timing.OURS]
    assert (ours["answers"], ours["low"], ours["high"]) == (
        2,
        pytest.approx(0.001 * 0.8),
        pytest.approx(0.004 * 0.8),
    )


def test_what_building_takes_is_told_with_the_notebook_it_is_about():
    built = pd.DataFrame(
        [
            ("run", "on a Monday", np.nan, np.nan, np.nan, np.nan),
            ("cold", np.nan, 9.0, 8.0, 10.0, "seconds"),
            ("slowest_notebook", "maps", 4.0, 3.0, 5.0, "seconds"),
        ],
        columns=["item", "about", "estimate", "low", "high", "unit"],
    )
    run, cold, slowest = timing.building(built).to_dict("records")
    assert (run["note"], run["term"]) == ("on a Monday", "run")
    assert (cold["term"], cold["high"], cold["note"]) == ("cold", 10.0, "")
    assert slowest["measure"] == f"{timing.STEPS['slowest_notebook']}: maps"
    assert slowest["term"] == "slowest_notebook: maps"
