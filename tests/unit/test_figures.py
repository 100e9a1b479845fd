"""Figures show what their tables say."""

import dis
import html
import inspect
import pkgutil
import re
import sys

import numpy as np
import pandas as pd
import pytest

from distance_to_care import cohort, disclosure, figures, results
from distance_to_care.figures import canvas, diagrams, tables, written
from distance_to_care.figures.written import sides
from distance_to_care.problems import Problem
from distance_to_care.statistics import cohort_survival


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    people = cohort.load().people
    page = results.Page(
        "figures", sources=["cohort"], kind="synthetic", root=tmp_path_factory.mktemp("results")
    )
    by = "deprivation_quintile"
    return {
        "curves": page.publish(
            disclosure.merge_steps(cohort_survival.kaplan_meier(people, by)), "curves", "Curves"
        ),
        "at_risk": page.publish(cohort_survival.at_risk(people, by), "at_risk", "Followed"),
        "summary": page.publish(cohort_survival.summary(people, by), "summary", "Summary"),
        "models": page.publish(
            cohort_survival.cox_models(people, by, {"unadjusted": ()}, cohort.REFERENCE),
            "m",
            "Models",
        ),
    }


def test_a_curve_is_drawn_where_the_summary_says(published):
    """Merged steps must not lift the curve: what is drawn agrees with what is read off."""
    summary = published["summary"]
    read_off = summary[(summary["measure"] == "survival") & summary["estimate"].notna()]
    assert len(read_off) > 10
    compared = 0
    for row in read_off.itertuples():
        points = figures.curve_points(published["curves"], summary, row.group)
        assert points["time_years"].is_monotonic_increasing
        assert points["estimate"].is_monotonic_decreasing
        if row.time_years <= points["time_years"].max():
            drawn = np.interp(row.time_years, points["time_years"], points["estimate"])
            assert drawn == pytest.approx(row.estimate, abs=1e-9)
            compared += 1
    assert compared > 10


def test_the_alternative_text_takes_its_numbers_from_the_summary(published):
    fifths = cohort.FIFTHS["deprivation_quintile"]
    drawing = figures.survival_curves(
        published["curves"], published["at_risk"], published["summary"], fifths, "people alive"
    )
    summary = published["summary"].set_index(["measure", "group", "time_years"])["estimate"]
    for group, name in fifths.items():
        at_three = 100 * summary[("survival", group, 3.0)]
        assert f"{at_three:.0f}% at 3 years" in drawing.alt.split(f"{name}: ")[1]
        assert "at 1 year," in drawing.alt and "at 1 years" not in drawing.alt
    # The table under a figure has every group, of which first, middle and last are drawn.
    assert set(drawing.rows["group"]) == set(fifths)


def test_of_five_curves_first_middle_and_last_are_drawn(published):
    fifths = cohort.FIFTHS["deprivation_quintile"]
    tables = [published[name] for name in ("curves", "at_risk", "summary")]
    drawing = figures.survival_curves(*tables, fifths, "people alive")
    assert "Not drawn, in the data table: 2, 4." in words_in(drawing.svg)
    # A band for each curve that is drawn.
    assert drawing.svg.count("FillBetween") == 3
    four = dict(list(fifths.items())[:4])
    whole = figures.survival_curves(*tables, four, "people alive")
    assert "Not drawn" not in words_in(whole.svg)
    assert whole.svg.count("FillBetween") == 4


def test_withheld_numbers_at_risk_are_not_given_a_reason(published):
    at_risk = published["at_risk"].copy()
    at_risk.attrs["published"] = "at_risk"
    at_risk.loc[at_risk["time_years"] == 1, "at_risk"] = pd.NA
    drawing = figures.survival_curves(
        published["curves"],
        at_risk,
        published["summary"],
        cohort.FIFTHS["deprivation_quintile"],
        "people alive",
    )
    assert "&lt;10" not in drawing.svg
    assert "none shown where withheld" in drawing.svg
    assert "–" not in drawing.svg


def test_the_largest_error_stands_under_the_curves(published):
    fifths = cohort.FIFTHS["deprivation_quintile"]
    tables = [published[name] for name in ("curves", "at_risk", "summary")]
    curves, *others = tables
    drawing = figures.survival_curves(curves, *others, fifths, "people alive")
    largest = 100 * curves.loc[curves["group"].isin(list(fifths)), "largest_error"].max()
    assert f"up to {largest:g} percentage points from the line" in drawing.svg


def test_no_line_is_drawn_that_the_exact_curve_may_leave_far(published):
    fifths = cohort.FIFTHS["deprivation_quintile"]
    others = [published[name] for name in ("at_risk", "summary")]
    curves = published["curves"].copy()
    curves.attrs["published"] = "curves"
    curves["largest_error"] = 0.1
    curves.loc[curves["group"] == "3", "largest_error"] = 0.101
    one = figures.survival_curves(curves, *others, fifths, "people alive")
    # Its points stand alone; the bands and the words on lines are of the two others.
    assert one.svg.count("FillBetween") == 2
    assert "Points alone" in words_in(one.svg)
    assert "up to 10 percentage points from the line" in words_in(one.svg)
    curves["largest_error"] = 0.41
    none = figures.survival_curves(curves, *others, fifths, "people alive")
    assert "FillBetween" not in none.svg
    assert "from the line" not in words_in(none.svg) and "Band" not in words_in(none.svg)
    assert none.alt.startswith("Synthetic people: not findings about patients. Points of")
    curves["largest_error"] = 0.1
    joined = figures.survival_curves(curves, *others, fifths, "people alive")
    assert joined.svg.count("FillBetween") == 3
    assert "Points" not in words_in(joined.svg)


def test_a_forest_names_rows_that_do_not_fit(published):
    with pytest.raises(ValueError, match="fits 0 rows"):
        figures.forest(published["models"], [({"group": "9"}, "Ninth")], "ratios")


def test_a_derived_interval_is_drawn_hollow_and_told(tmp_path):
    page = results.Page("p", root=tmp_path, kind="published", sources=["published_estimates"])
    table = page.publish(
        pd.DataFrame(
            {
                "term": ["a", "b", "c"], "estimate": [1.39, 1.51, np.nan],
                "ci_low": [1.11, 1.16, np.nan], "ci_high": [1.73, 1.96, np.nan],
                "status": ["as published", "from p", "none"],
                "how_read": ["full_text", "press", "press"],
            }
        ),
        "ratios", "Ratios",
    )  # fmt: skip
    rows = [({"term": term}, term.upper()) for term in "abc"]
    words = {"missing": "no number", "after": "how_read"}
    drawing = figures.forest(table, rows, "ratios", derived="from p", **words)
    assert (
        "A: 1.39 (1.11 to 1.73), full text; B: 1.51 (1.16 to 1.96), press, from p;" in drawing.alt
    )
    assert "C: no number, press." in drawing.alt
    assert "Hollow and dashed: from p." in words_in(drawing.svg)
    assert drawing.svg.count("stroke-dasharray: 6") == 1
    # A row without a number is marked, and there is room below one although none lies there.
    assert drawing.svg.count(">?<") == 1
    assert ">0.7<" in drawing.svg
    by_column = figures.forest(table, rows, "ratios", missing="status")
    assert "C: none." in by_column.alt
    without = figures.forest(table, rows[:1], "ratios", derived="from p", **words)
    assert ">?<" not in without.svg
    assert "Hollow" not in without.svg
    assert "stroke-dasharray: 6" not in without.svg


def test_the_same_table_gives_the_same_bytes(published):
    rows = [({"group": "1", "model": "unadjusted"}, "Most deprived")]
    one, two = (figures.forest(published["models"], rows, "ratios") for _ in range(2))
    assert one.svg == two.svg
    assert 'aria-label="Synthetic people' in one.svg


def test_a_withheld_bar_is_named_and_not_drawn(tmp_path):
    page = results.Page("p", root=tmp_path, kind="registry", sources=["cohort"])
    few = {"group": ["1", "2"], "people": [3, 4], "estimate": [33.3, 50.0], "unit": "per cent"}
    table = page.publish(
        pd.DataFrame(few),
        "withheld",
        "Nothing to show",
    )
    drawing = figures.bars(table, "Per cent", {"1": "one", "2": "two"}, "shares")
    assert "one: withheld; two: withheld" in drawing.alt


def test_tables_speak_in_words_and_not_in_names_of_the_code():
    table = pd.DataFrame(
        {
            "model": ["as_published"],
            "note": ["not known in some: gap_index, log_symptom_months"],
            "built_in": [1.0026],
            "estimate": [0.0004],
            "ci_low": [-12.345],
        }
    )
    words = {"as_published": "as published", "gap_index": "GAP index"}
    shown = figures.table_html(table, "A table", words=words)
    assert "as published" in shown
    assert "GAP index, log symptom months" in shown
    assert ">1.00<" in shown
    assert ">0.0004<" in shown
    assert ">-12.3<" in shown
    assert "recovered, 95% CI from" in shown


def test_a_cell_that_is_a_name_of_the_code_is_written_in_words():
    table = pd.DataFrame(
        {
            "outcome": ["hazard_ratio", "see a_file.csv and first_half"],
            "machine": ["x86_64", "aarch64"],
            "source": ["the table one_two, https://example.org/a_b?c_d", "three_four."],
            "column": ["age_years", "sex"],
            "estimand": ["first_fifth.alive.3", "all.alive.3"],
        }
    )
    shown = figures.table_html(table, "A table", words={"hazard_ratio": "ratio of rates"})
    cells = re.findall(r"<td>([^<]*)</td>", shown)
    assert cells == [
        "ratio of rates", "x86_64", "the table one two, https://example.org/a_b?c_d", "age_years",
        "first fifth, alive, 3",
        # Only a cell that is nothing else: a sentence may name a file.
        "see a_file.csv and first_half", "aarch64", "three four.", "sex", "all, alive, 3",
    ]  # fmt: skip


@pytest.mark.parametrize("draw", ["icon_array", "ranges", "grouped_bars"])
def test_the_data_table_of_a_figure_has_the_labels_that_are_drawn(tmp_path, draw):
    rows = {"group": ["seen_late"], "level": ["all"], "estimate": [38.0], "low": [30.0]}
    table = pd.DataFrame(rows | {"high": [40.0], "measure": ["per_hundred"]})
    page = results.Page("r", root=tmp_path, sources=["published_estimates"])
    read = page.publish(table, "late", "Late", kind="published")
    labels = {"seen_late": "Seen\nlate"}
    drawing = {
        "icon_array": lambda: figures.icon_array(read, labels, "were late", "people"),
        "ranges": lambda: figures.ranges(read, "People", labels, "people"),
        "grouped_bars": lambda: figures.grouped_bars(read, "x", labels, {"all": "All"}, "people"),
    }[draw]()
    shown = page.figure(drawing, "late", "Many were late")._repr_html_()
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown)
    assert "Seen late" in cells and "per hundred" in cells
    assert "seen_late" not in shown
    assert "seen_late" in (tmp_path / "r" / "late.csv").read_text(encoding="utf-8")


@pytest.fixture
def ranged(tmp_path):
    page = results.Page("r", root=tmp_path, sources=["areas"])
    table = pd.DataFrame(
        {
            "group": ["a", "b", "c"],
            "estimate": [11.68, np.nan, 24.0],
            "low": [9.23, 8.51, 24.0],
            "high": [33.07, 22.02, 24.0],
            "people": [1_234_567, 10, 20],
        }
    )
    return page.publish(table, "ranged", "Ranges")


def test_a_range_stands_in_one_column_with_its_estimate(ranged):
    """Two columns of ends lose the second one on a phone, and the reader one end of the range."""
    shown = figures.table_html(ranged, "Ranges")
    assert '<th scope="col" class="number">estimate (range)</th>' in shown
    assert '<td class="number">11.7 (9.2 to 33.1)</td>' in shown
    assert '<td class="number">8.5 to 22.0</td>' in shown
    assert '<td class="number">24</td>' in shown
    assert "lowest" not in shown
    headings = {"group": "region", "estimate": "per cent", "low": "", "high": ""}
    named = figures.table_html(ranged, "Ranges", headings)
    assert '<th scope="col">region</th><th scope="col" class="number">per cent</th>' in named
    # Beside a confidence interval nobody could tell the pairs apart: the columns stay.
    beside = figures.table_html(ranged.assign(ci_low=1.0, ci_high=2.0), "Ranges")
    assert ">lowest</th>" in beside
    assert ">highest</th>" in beside


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ((28_275.1, 15_664.2, 48_633.3), "28,275 (15,664 to 48,633)"),
        ((0.05, 0.0, 0.2), "0.05 (0 to 0.20)"),
        ((0.9, 0.5, 1.4), "0.9 (0.5 to 1.4)"),
        ((1500.0, 0.02, 3000.5), "1,500 (0.020 to 3,000)"),
        ((np.nan, np.nan, np.nan), ""),
        ((3.0, np.nan, np.nan), "3"),
        ((2.44, 81.6), "2.4 to 81.6"),
    ],
)
def test_a_range_has_the_same_decimals_throughout(numbers, written):
    assert tables._joined(*numbers) == written


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ([0.2, 1.0, 2.4], ["0.2", "1.0", "2.4"]),
        ([0.25, 1.0, 12.3], ["0.25", "1.00", "12.3"]),
        ([110.0, 8.7], ["110", "8.7"]),
        ([0.00004, 0.5], ["4.0e-05", "0.5"]),
        ([2.2e-16, 0.5], ["&lt;0.000001", "0.5"]),
        ([-1.8e-9, 0.5], ["&gt;-0.000001", "0.5"]),
    ],
)
def test_no_column_has_a_further_nought_that_claims_a_figure(numbers, written):
    shown = figures.table_html(pd.DataFrame({"estimate": numbers}), "A table")
    assert re.findall(r'<td class="number">(.*?)</td>', shown) == written


@pytest.mark.parametrize(("kind", "high"), [("registry", "12.5"), ("open", "12.50")])
def test_a_line_of_a_figure_has_no_figure_that_was_rounded_away(kind, high):
    assert figures.ROUNDED == disclosure.PERSON_KINDS
    table = pd.DataFrame({"level": ["1"], "estimate": [1.5], "ci_low": [0.4], "ci_high": [12.5]})
    table = table.assign(kind=kind)
    table.attrs["published"] = "t"
    drawing = figures.forest(table, [({"level": "1"}, "one")], "one against two")
    assert f"one: 1.50 (0.40 to {high})" in drawing.alt


@pytest.mark.parametrize(
    ("value", "written"), [(110.0, "110"), (1530.0, "1,530"), (73.8, "73.8"), (12, "12")]
)
def test_a_described_value_has_three_figures(value, written):
    assert tables._or_withheld(value) == written


def width_of(svg: str) -> float:
    return float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)[1])


def words_in(svg: str) -> str:
    """All text of an image, its lines joined."""
    return html.unescape(" ".join(re.findall(r">([^<>]+)</text>", svg)))


def test_a_range_chart_says_inside_what_its_marks_are(ranged):
    groups = {name: name.upper() for name in ranged["group"]}
    what = "minutes by deprivation, car ownership not included"
    drawing = figures.ranges(ranged, "Minutes", groups, what)
    assert f"{figures.LISTS_MARK} Car ownership not included." in words_in(drawing.svg)
    assert f"{figures.LISTS_MARK} Car ownership not included." in words_in(drawing.phone)
    assert "A: 12 (9 to 33); B: 9 to 22; C: 24 on every list." in drawing.alt
    # The words on cars stand once in an image, wherever they came from.
    of_axis = figures.ranges(ranged, "Minutes, car ownership not included", groups, "minutes")
    assert words_in(of_axis.svg).lower().count("car ownership not included") == 1
    other = figures.ranges(ranged, "Minutes", groups, "minutes", mark="Bar: error of the model.")
    assert "Bar: error of the model." in words_in(other.svg)
    assert "on every list" not in other.alt
    assert "ar ownership" not in other.svg


def test_every_chart_has_a_second_drawing_for_phones(ranged):
    names = {"a": "The first of the three groups, which has a very long name", "b": "B", "c": "C"}
    what = "minutes by deprivation, car ownership not included"
    drawing = figures.ranges(ranged, "Minutes by car to the nearest of all centres", names, what)
    assert width_of(drawing.phone) == pytest.approx(72 * canvas.PHONE_INCHES)
    assert width_of(drawing.svg) == pytest.approx(72 * canvas.WIDTH_INCHES)
    said = words_in(drawing.phone)
    for text in ("12 (9 to 33)", "9 to 22", "24 on every list", "not included", "very long name"):
        assert text in said, text
    assert max(map(len, re.findall(r">([^<>]+)</text>", drawing.phone))) <= 68
    shown = figures.Shown(drawing, "minutes", "Minutes")._repr_html_()
    assert '<picture><source media="(max-width: 600px)"' in shown
    assert 'class="published-figure phone-figure"' in shown


@pytest.mark.parametrize(
    ("value", "said"),
    [(4388.583274, "4,389"), (23.04553571, "23"), (3.0, "3"), (0.256, "0.26"), (0.001, "0.001")],
)
def test_a_place_on_an_axis_is_said_with_few_digits(value, said):
    assert written.spoken(value) == said


def test_an_axis_of_shares_ends_at_all_of_them(tmp_path):
    page = results.Page("r", root=tmp_path, sources=["areas"])
    table = pd.DataFrame({"group": ["a"], "estimate": [80.0], "low": [50.0], "high": [98.0]})
    table = page.publish(table, "shares", "Shares")
    drawing = figures.ranges(table, "Per cent of people", {"a": "A"}, "people")
    for svg in (drawing.svg, drawing.phone):
        assert max(map(float, re.findall(r">([0-9]+)</text>", svg))) == 100


def test_large_numbers_on_an_axis_have_commas(tmp_path):
    page = results.Page("r", root=tmp_path, sources=["areas"])
    table = pd.DataFrame({"group": ["a"], "estimate": [9e4], "low": [4e4], "high": [2e5]})
    table = page.publish(table, "large", "Large")
    drawing = figures.ranges(table, "People", {"a": "A"}, "people", form="{:,.0f}")
    assert ">100,000</text>" in drawing.svg
    assert ">100000</text>" not in drawing.svg


def grid_of(tmp_path, **changes):
    rows = [
        ("a", "deprivation", "death", "worse", "France", "numbers"),
        ("b", "deprivation", "death", "no difference", "Canada", "words only"),
        ("c", "distance", "treatment", "worse", "France", "words only"),
    ]
    columns = ["term", "exposure", "outcome", "finding", "country", "seen_as"]
    page = results.Page("grid", sources=["published_estimates"], root=tmp_path)
    table = page.publish(pd.DataFrame(rows, columns=columns), "map", "Map")
    return table, figures.findings_grid(
        table,
        {"deprivation": "Deprivation", "distance": "Distance"},
        {"death": "Death", "treatment": "Treatment"},
        **{
            "findings": ["worse", "no difference"],
            "countries": {"France": "Fr", "Canada": "Can"},
            "what": "findings",
        }
        | changes,
    )


def test_a_grid_of_findings_says_what_was_found_and_how_much_is_empty(tmp_path):
    table, drawing = grid_of(tmp_path)
    assert drawing.alt == (
        "Grid of findings. deprivation: 1 of 2 outcomes (1 worse, 1 no difference); "
        "distance: 1 of 2 outcomes (1 worse)."
    )
    assert len(drawing.rows) == len(table)
    # Two grey cells, and the grey mark of the key.
    assert drawing.svg.count("fill: #e4e4e4") == 3
    # A finding in words only is hollow: its mark has a white face.
    assert drawing.svg.count(">Fr<") == 2


def test_a_grid_of_more_findings_than_shapes_is_refused_in_a_sentence(tmp_path):
    findings = ["worse", "no difference", *"abcd"]
    grid_of(tmp_path, findings=findings)
    with pytest.raises(Problem, match="7 findings and a shape for 6"):
        grid_of(tmp_path, findings=[*findings, "e"])


def test_a_grid_of_findings_is_a_list_by_question_on_a_phone(tmp_path):
    _, drawing = grid_of(tmp_path)
    assert width_of(drawing.phone) <= 0.6 * width_of(drawing.svg)
    told = drawing.phone
    assert told.index(">Deprivation<") < told.index(">Death<") < told.index(">Distance<")
    assert told.count(">Fr<") == 2 and told.count(">Can<") == 1
    # A gap is a sentence, where the grid has a grey cell.
    assert ">No study seen: treatment.<" in told and ">No study seen: death.<" in told


def arrows_of(tmp_path) -> pd.DataFrame:
    rows = [("place", "delay", "measured"), ("place", "survival", "measured"),
            ("delay", "survival", "measured"), ("work", "place", "not measured")]  # fmt: skip
    page = results.Page("arrows", sources=["areas"], kind="scenario", root=tmp_path)
    table = pd.DataFrame(rows, columns=["term", "outcome", "level"])
    return page.publish(table.assign(measure=table["term"]), "arrows", "Arrows")


def test_a_diagram_shows_each_arrow_in_the_part_where_it_begins(tmp_path):
    chain = ["place", "delay", "survival"]
    parts = {"Split": chain[:2], "Not seen": ["work"]}
    drawing = figures.diagram(arrows_of(tmp_path), chain, parts, "what is assumed")
    assert "Not seen: work to place (not measured)." in drawing.alt
    split = drawing.alt.split("Split: ")[1].split(". ")[0]
    assert split.count(" to ") == 3 and "work" not in split
    # The chain stands in each part, and what lies beside it in its own.
    assert drawing.svg.count(">survival<") == drawing.phone.count(">survival<") == 2
    assert drawing.svg.count(">work<") == 1
    with pytest.raises(ValueError, match="no part for the arrows from work"):
        figures.diagram(arrows_of(tmp_path), chain, {"Split": chain[:2]}, "what is assumed")


def test_a_grid_refuses_a_finding_that_has_no_shape(tmp_path):
    with pytest.raises(ValueError, match="no difference"):
        grid_of(tmp_path, findings=["worse"])


def test_long_labels_of_a_grid_stand_on_lines_of_their_own():
    assert diagrams._slots(["UK", "US", "Can"]) == [(0, 0), (0, 1), (1, 0)]
    assert diagrams._slots(["UK", "US+Can", "Fr"]) == [(0, 0), (1, 0), (2, 0)]
    assert diagrams._slots(["US+Can", "UK"]) == [(0, 0), (1, 0)]
    assert diagrams._slots([]) == []


def test_a_timeline_tells_what_has_not_happened_and_shortens_dates(tmp_path):
    page = results.Page("p", root=tmp_path, sources=["policy_timeline"])
    events = pd.DataFrame(
        {
            "date": ["2025-09-14", "2027-04-01"],
            "when": ["14 September 2025", "April 2027"],
            "event": ["A began", "B begins"],
            "what": ["body", "money"],
            "status": ["happened", "planned"],
        }
    )
    table = page.publish(events, "events", "Events")
    drawing = figures.timeline(table, {"body": "Bodies", "money": "Money"}, "two things", "Not yet")
    assert drawing.alt == (
        "Timeline of two things. 14 September 2025: A began. April 2027: B begins (planned)."
    )
    assert "14 Sep 2025" in drawing.svg
    assert "Not yet" in drawing.svg


def test_lines_are_read_off_with_their_axes_and_intervals(tmp_path):
    page = results.Page("p", root=tmp_path, kind="published", sources=["published_estimates"])
    table = page.publish(
        pd.DataFrame(
            {
                "group": ["a", "a"], "time_years": [1.0, 3.0], "estimate": [86.73, 66.44],
                "ci_low": [82.1, np.nan], "ci_high": [90.4, np.nan],
            }
        ),
        "alive", "People alive",
    )  # fmt: skip
    axes = ("Years since diagnosis", "Of 100 people,\nalive")
    drawing = figures.lines(table, "time_years", {"a": "All"}, "people alive", axes, at=[1, 3])
    assert "Of 100 people, alive, by years since diagnosis: All: 87 (82 to 90) at 1, 66 at 3." in (
        drawing.alt
    )


def ways(page, times) -> pd.DataFrame:
    """A curve, and another method's points at some times."""
    curve = pd.DataFrame({"group": "a", "time_years": [0.0, 1, 2], "estimate": [0.0, 0.2, 0.3],
                          "largest_error": 0.02})  # fmt: skip
    other = pd.DataFrame({"group": "b", "time_years": times}).assign(estimate=0.1)
    rows = pd.concat([curve, other.assign(estimate=other["time_years"] / 10)])
    rows = rows.assign(ci_low=rows["estimate"] - 0.05, ci_high=rows["estimate"] + 0.05)
    return page.publish(rows, f"ways_{len(times)}", "Ways")


def test_points_that_no_line_joins_are_drawn_and_said_each(tmp_path):
    page = results.Page("w", root=tmp_path, kind="published", sources=["published_estimates"])
    groups, axes = {"b": "Points", "a": "Line"}, ("Years", "Share")
    table = ways(page, [0.0, 1.0, 2.0])
    drawing = figures.lines(table, "time_years", groups, "both", axes, points=["b"])
    assert "Points: 0.10 (0.05 to 0.15) at 1, 0.20 (0.15 to 0.25) at 2; Line: 0.00" in drawing.alt
    assert "is up to 2 percentage points from the line" in drawing.svg
    # Where no point is shown, the line stands alone.
    alone = figures.lines(ways(page, [0.0]), "time_years", groups, "both", axes, points=["b"])
    assert "Points: withheld, too few people; Line: 0.00" in alone.alt
    assert ">Points<" not in alone.svg


@pytest.mark.parametrize("draw", [figures.lines, figures.curves, figures.frontier, figures.funnel])
def test_both_images_name_both_axes(tmp_path, draw):
    axes = ("Years since then", "Of 100 people")
    rows = pd.DataFrame(
        {"group": "a", "measure": ["share", "limits", "all"], "value": [10.0, 20.0, np.nan],
         "estimate": [7.0, 8.0, 7.5], "low": 6.0, "high": 9.0, "level": 95, "board": "Anton",
         "verdict": "within"}
    )  # fmt: skip
    page = results.Page("a", root=tmp_path, kind="scenario", sources=["areas"])
    table = page.publish(rows, "axes", "Axes")
    drawing = {
        figures.lines: lambda: draw(table.dropna(), "value", {"a": "All"}, "people", axes),
        figures.curves: lambda: draw(table.dropna(), "value", {"a": "All"}, "people", axes),
        figures.frontier: lambda: draw(table, {"a": "All"}, "people", axes, group="group"),
        figures.funnel: lambda: draw(table, "people", axes),
    }[draw]()
    for image in (drawing.svg, drawing.phone):
        words = re.findall(r"<text[^>]*>([^<]*)</text>", image)
        assert set(axes) <= set(words)


def test_no_figure_changes_an_argument_that_it_draws_with_later():
    """The images are drawn when all else is done: by then a name must still mean what it meant."""
    seen = 0
    for module in pkgutil.iter_modules(figures.__path__, f"{figures.__name__}."):
        for name, function in inspect.getmembers(sys.modules[module.name], inspect.isfunction):
            code = inspect.unwrap(function).__code__
            arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            read_later = set(arguments) & set(code.co_cellvars)
            steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
            if not read_later or ("STORE_FAST", "draw") not in steps:
                continue
            after = steps[steps.index(("STORE_FAST", "draw")) :]
            changed = {named for act, named in after if act == "STORE_DEREF"}
            assert not read_later & changed, f"{module.name}.{name}"
            seen += 1
    assert seen > 10


def test_lines_of_nobody_say_so(tmp_path):
    page = results.Page("n", root=tmp_path, kind="published", sources=["published_estimates"])
    start = pd.DataFrame({"group": ["a"], "time_years": [0.0], "estimate": [0.0]})
    table = page.publish(start, "nobody", "Nobody")
    drawing = figures.lines(table, "time_years", {"a": "Line"}, "x", ("Years", "Share"))
    assert "Line: withheld, too few people." in drawing.alt
    assert "Withheld: too few people" in drawing.svg


@pytest.fixture
def risks(tmp_path):
    page = results.Page("c", root=tmp_path, kind="scenario", sources=["areas"])
    rows = [
        {"group": group, "value": value, "estimate": top / value**0.5,
         "low": 0.8 * top / value**0.5, "high": 1.2 * top / value**0.5}
        for group, top in (("a", 900.0), ("b", 920.0), ("c", 5.0))
        for value in (1e4, 1e5, 1e6)
    ]  # fmt: skip
    return page.publish(pd.DataFrame(rows), "risks", "Risks")


def test_curves_are_named_at_their_ends_and_read_off_in_words(risks):
    groups = {"a": "One cost", "b": "Many costs"}
    axes = ("People", "Chance (%)")
    drawing = figures.curves(
        risks, "value", groups, "a chance", axes, at=(1e4,), logarithmic=True, level=(5, "In 20")
    )
    assert drawing.alt == (
        "Line chart of a chance. Chance (%), by people, with the range over draws of the "
        "assumptions: One cost: 9.0 (7.2 to 10.8) at 10,000; Many costs: 9.2 (7.4 to 11.0) at "
        "10,000."
    )
    for said in ("One cost", "Many costs", "1 million", "In 20", "Band: the range over draws"):
        assert f">{said}" in drawing.svg, said
    # Without a band nothing is said of one.
    bare = risks.assign(low=np.nan, high=np.nan)
    bare.attrs["published"] = "risks"
    drawing = figures.curves(bare, "value", {"a": "One cost"}, "a chance", axes)
    assert "Band" not in drawing.svg
    assert "9.0 at 10,000, 0.9 at 1 million" in drawing.alt


def test_points_on_a_curve_are_marked_and_named(risks):
    marks = risks[(risks["group"] == "a") & (risks["value"] == 1e4)].assign(title="a small town")
    plain, marked = (
        figures.curves(risks, "value", {"a": "One cost"}, "a chance", ("People", "Chance (%)"),
                       logarithmic=True, marks=each)
        for each in (None, marks)
    )  # fmt: skip
    assert marked.alt == plain.alt.removesuffix(".") + (
        "; marked, a small town: 9.0 (7.2 to 10.8) at 10,000."
    )
    assert ">a small town: 9.0<" in marked.svg
    assert "small town" not in plain.svg


def test_places_of_a_curve_are_told_as_the_table_has_them(risks):
    moved = risks.assign(value=risks["value"].replace(1e6, 1_415_054.0))
    moved.attrs["published"] = "risks"
    alt = figures.curves(moved, "value", {"a": "One"}, "a chance", ("People", "Chance (%)")).alt
    assert "at 10,000, 0.9 (0.7 to 1.1) at 1,415,054." in alt


def test_a_part_of_a_table_opens_under_its_own_words():
    table = pd.DataFrame({"title": ["a", "b"], "estimate": [1.0, 2.0]})
    shown = figures.ShownTable(table, "whole", "Waiting", folded=True)._repr_html_()
    assert "<details><summary>Waiting (2 rows)</summary>" in shown
    assert shown.count("whole.csv") == 1
    assert shown.index("whole.csv") < shown.index("</details>")
    # A short table that nobody folds stands open.
    assert "<details><summary>" not in figures.ShownTable(table, "whole", "W")._repr_html_()


def test_curves_that_end_together_are_named_apart_and_above_the_axis(risks):
    groups = {"a": "One cost", "b": "Many costs", "c": "No cost"}
    axes = ("People", "Chance (%)")
    svg = figures.curves(risks, "value", groups, "a chance", axes, logarithmic=True).svg
    places = {
        name: float(re.search(rf'<text[^>]*\by="([\d.]+)"[^>]*>{name}<', svg)[1])
        for name in (*groups.values(), "0")
    }
    # A line of text is some twelve units high; heights are counted from the top.
    heights = sorted(places[name] for name in groups.values())
    assert np.diff(heights).min() > 11
    assert heights[-1] < places["0"]


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((5e4, 1e6), [5e4, 1e5, 2e5, 5e5, 1e6]), ((1e3, 1e9), [10.0**k for k in range(3, 10)])],
)
def test_ticks_of_a_logarithmic_axis_are_few_and_round(ends, ticks):
    assert written.plain_ticks(*ends) == ticks


def test_a_frontier_has_a_mark_for_every_choice_and_says_both_ends(tmp_path):
    rows = [("AB", 100.0, 75.0), ("AB", 92.0, 90.0), ("AB", 80.0, 100.0), ("A", 100.0, 100.0)]
    table = pd.DataFrame(rows, columns=["centre_list", "value", "estimate"])
    page = results.Page("frontier", sources=["centres_ild"], kind="scenario", root=tmp_path)
    read = page.publish(table.assign(unit="per cent"), "trade_off", "Trade-off")
    drawing = figures.frontier(
        read, {"AB": "Base list", "A": "Surest"}, "sets of clinics", ("For everybody", "For some")
    )
    assert "For everybody and for some: " in drawing.alt
    assert "Base list: 3 choices, from 100.0 and 75.0 to 80.0 and 100.0" in drawing.alt
    assert "Surest: 1 choice, from 100.0 and 100.0." in drawing.alt
    assert "Each mark is one choice." in drawing.svg
    # Three round marks, one square, and one of each in the key.
    assert drawing.svg.count("<use ") >= 6
    only = figures.frontier(read, {"A": "Surest"}, "sets", ("x", "y"))
    assert set(only.rows["centre_list"]) == {"A"}
    with pytest.raises(ValueError, match="published table"):
        figures.frontier(table, {"A": "Surest"}, "sets", ("x", "y"))


def test_shares_of_small_groups_stand_under_headings_with_their_counts(tmp_path):
    table = pd.DataFrame(
        [("early", 9.0, 14, 64.3, 35.1, 87.2), ("late", 0.0, 41, 0.0, 0.0, 8.6),
         ("other", 1.0, 2, 50.0, 1.3, 98.7)],
        columns=["term", "value", "people", "estimate", "ci_low", "ci_high"],
    )  # fmt: skip
    page = results.Page("s", sources=["policy_timeline"], root=tmp_path)
    read = page.publish(table.assign(unit="per cent"), "small", "Small groups")
    groups = {"Late": {"late": "A trial"}, "Early": {"early": "Another"}}
    drawing = figures.shares(read, groups, "children who walked", "Children (%)")
    assert "Late: A trial 0 of 41, 0% (0 to 9)." in drawing.alt
    assert "Early: Another 9 of 14, 64% (35 to 87)." in drawing.alt
    assert ">9 of 14<" in drawing.svg and "1 of 2" not in drawing.svg
    # The drawing for a phone is narrower, and has every name, count and mark as well.
    assert ">9 of 14<" in drawing.phone and ">A trial<" in drawing.phone
    assert drawing.phone.index(">Late<") < drawing.phone.index(">Another<")
    assert width_of(drawing.phone) <= 0.6 * width_of(drawing.svg)
    assert drawing.svg.index(">Late<") < drawing.svg.index(">Another<")
    assert set(drawing.rows["term"]) == {"early", "late"}
    with pytest.raises(ValueError, match="published table"):
        figures.shares(table, groups, "children", "x")


def test_a_funnel_marks_and_names_what_chance_does_not_explain(tmp_path):
    places = pd.DataFrame(
        [("Small", 50, 30.0, "within what chance explains"),
         ("Large", 900, 18.0, "within what chance explains"),
         ("Far out", 800, 31.5, "higher than chance")],
        columns=["board", "value", "estimate", "verdict"],
    )  # fmt: skip
    limits = pd.DataFrame({"value": [50, 900] * 2, "level": ["95", "95", "99.8", "99.8"]})
    limits = limits.assign(low=[8.0, 17.0, 3.0, 15.0], high=[32.0, 23.0, 38.0, 25.0])
    table = pd.concat(
        [places.assign(measure="share"), limits.assign(measure="limits"),
         pd.DataFrame([{"measure": "all", "estimate": 20.0}])]
    )  # fmt: skip
    page = results.Page("funnel", sources=["areas"], kind="scenario", root=tmp_path)
    read = page.publish(table.assign(unit="per cent"), "late", "Late")
    drawing = figures.funnel(read, "boards", ("People who waited", "Late (%)"))
    assert "20.0 for all together; 3 marks from 18.0 to 31.5, 1 outside" in drawing.alt
    assert "Far out 31.5 (higher than chance)" in drawing.alt
    assert ">Far out<" in drawing.svg and ">Small<" not in drawing.svg
    assert "Diamonds: outside both" in drawing.svg
    # A name that would lie on another mark is left out; the alternative text has it all the same.
    beside = read.assign(value=read["value"].replace(900, 760)).assign(
        estimate=read["estimate"].replace(18.0, 31.9)
    )
    beside.attrs = read.attrs
    drawing = figures.funnel(beside, "boards", ("People who waited", "Late (%)"))
    assert ">Far out<" not in drawing.svg and "Far out 31.5" in drawing.alt
    with pytest.raises(ValueError, match="published table"):
        figures.funnel(table, "boards", ("x", "y"))
    third = limits[limits["level"] == "95"].assign(measure="limits", level="68")
    page = results.Page("funnel_of_three", sources=["areas"], kind="scenario", root=tmp_path)
    read = page.publish(pd.concat([table, third]).assign(unit="per cent"), "three", "Late")
    with pytest.raises(Problem, match="3 levels of limits and a kind of line for 2"):
        figures.funnel(read, "boards", ("x", "y"))


@pytest.fixture
def moved_one_by_one(tmp_path):
    """A lead of 20 that the cost turns round, the reach widens, and the wait leaves alone."""
    rows = [
        ("base", "base", np.nan, 20.0, "a", "All at their values"),
        ("cost", "low", 300.0, 120.0, "a", "Pounds a person"),
        ("cost", "high", 3300.0, -80.0, "b", "Pounds a person"),
        ("reach", "low", 0.5, 10.0, "a", "Reach"),
        ("reach", "high", 2.0, 40.0, "a", "Reach"),
        ("list", "A", np.nan, -5.0, "b", "List of centres"),
        ("wait", "low", 60.0, 20.0, "a", "Days of wait"),
        ("wait", "high", 140.0, 20.0, "a", "Days of wait"),
    ]
    names = ["term", "level", "value", "estimate", "group", "title"]
    table = pd.DataFrame(rows, columns=names).assign(reference="a", unit="life years")
    page = results.Page("lead", kind="scenario", sources=["areas"], root=tmp_path)
    return page.publish(table, "lead", "Lead")


def test_a_tornado_has_the_widest_bar_on_top_and_says_who_ranks_first(moved_one_by_one):
    names = {"a": "Lever A", "b": "Lever B"}
    drawing = figures.tornado(moved_one_by_one, "Life years", names, "the lead of A")
    assert drawing.alt.startswith("Tornado chart of the lead of A: 20 with all assumptions")
    order = [drawing.alt.index(title) for title in ("Pounds a person", "Reach", "List of centres")]
    # 200 wide, 30 wide and 25 wide.
    assert order == sorted(order)
    assert "Pounds a person 3,300: Lever B: -80" in drawing.alt
    assert "Pounds a person 300: 120" in drawing.alt
    assert "List of centres A: Lever B: -5" in drawing.alt
    # What moves nothing is not drawn, and stands in no row beneath the figure.
    assert "Days of wait" not in drawing.alt + drawing.svg
    assert set(drawing.rows["term"]) == {"base", "cost", "reach", "list"}
    assert "Lever B" in drawing.svg


@pytest.mark.parametrize(
    ("intervals", "none", "said"),
    [
        ([(1.1, 2), (0.9, 2), (1.2, 3)], 1, "2 of 3 intervals above one"),
        ([(1.1, 2), (1.2, 3)], 1, "both intervals above one"),
        ([(-3, -1)], 0, "the interval below zero"),
        ([(-3, -1), (1, 2), (-1, 1)], 0, "1 of 3 intervals above zero, 1 below"),
        ([(-1, 1), (None, None)], 0, "no interval clear of zero"),
        ([(None, None)], 1, "no interval to go by"),
    ],
)
def test_a_forest_counts_on_which_side_its_intervals_lie(tmp_path, intervals, none, said):
    rows = [
        {"level": str(i), "estimate": (low + high) / 2 if low is not None else np.nan,
         "ci_low": low, "ci_high": high}
        for i, (low, high) in enumerate(intervals)
    ]  # fmt: skip
    page = results.Page("sides", sources=["areas"], kind="open", root=tmp_path)
    table = page.publish(pd.DataFrame(rows).astype({"ci_low": float, "ci_high": float})
                         .assign(unit="ratio"), "sides", "Sides")  # fmt: skip
    lines = [({"level": str(i)}, f"Row {i}") for i in range(len(rows))]
    drawing = figures.forest(table, lines, "ratios of a and b", none=none)
    assert drawing.says == said
    assert drawing.headline == (f"Ratios of a and b: {said}" if said else "")
    if said:
        assert page.figure(drawing, "sides").title == drawing.headline
    else:
        with pytest.raises(ValueError, match="no headline"):
            page.figure(drawing, "sides")


def test_ranges_may_be_intervals_on_both_sides_of_nothing(tmp_path):
    table = pd.DataFrame({"group": ["town", "country"], "level": ["A", "A"],
                          "estimate": [10.0, -20.0], "ci_low": [4.0, -30.0],
                          "ci_high": [16.0, -9.0], "unit": ["minutes"] * 2})  # fmt: skip
    page = results.Page("slopes", sources=["areas"], kind="open", root=tmp_path)
    read = page.publish(table, "slopes", "Slopes")
    names = {"town": "Town", "country": "Country"}
    drawing = figures.ranges(read, "Minutes", names, "slopes", {"A": "One list"}, mark="Mark.")
    assert "Town: 10 (4 to 16); Country: -20 (-30 to -9)." in drawing.alt
    # What is drawn has no columns that the published table does not have.
    assert list(drawing.rows.columns) == list(read.columns)


def test_a_tornado_without_ranks_names_nobody(moved_one_by_one):
    alone = moved_one_by_one.assign(group="all", reference="all")
    drawing = figures.tornado(alone, "Life years", {}, "life years")
    assert "ranks first" not in drawing.svg
    assert "the value of the assumption." in drawing.svg


def test_a_tornado_draws_as_many_as_it_is_asked_for(moved_one_by_one):
    names = {"a": "Lever A", "b": "Lever B"}
    drawing = figures.tornado(moved_one_by_one, "Life years", names, "the lead of A", most=1)
    assert "Reach" not in drawing.svg
    assert set(drawing.rows["term"]) == {"base", "cost"}


def test_lines_against_no_effect_count_their_intervals_far_out(tmp_path):
    def drawn(low: float, at: tuple[float, ...] = (20, 60)):
        page = results.Page("p", root=tmp_path / f"{low}{at}", sources=["published_estimates"])
        rows = [
            {"group": group, "value": value, "estimate": 1.5, "ci_low": low, "ci_high": 2.0,
             "unit": "ratio"}
            for group, end in (("a", 40), ("b", 60)) for value in range(20, end + 1, 20)
        ]  # fmt: skip
        table = page.publish(pd.DataFrame(rows), "along", "Along")
        axes = ("Minutes", "Hazard ratio")
        names = {"a": "nearest", "b": "attended"}
        return figures.lines(table, "value", names, "ratio along minutes", axes, none=1, at=at)

    # Where the shorter line ends, both are counted.
    assert drawn(1.1).headline == "Ratio along minutes: at 40 both intervals above one"
    assert drawn(1.1, (20,)).headline.endswith("at 20 both intervals above one")
    assert drawn(0.9).headline.endswith("at 40 no interval clear of one")


def test_a_headline_without_an_interval_says_so():
    rows = pd.DataFrame({"ci_low": [None], "ci_high": [None]})
    assert sides(rows, 1) == sides(rows, 0) == "no interval to go by"
    # Of a line that has no name nothing is counted.
    assert sides(rows, 0.5) == ""
