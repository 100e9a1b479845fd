"""One house style: what stands in the image, four series at most, and no colour that says alone."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from distance_to_care import figures, places, results
from distance_to_care.figures import canvas, frame, placing, style
from distance_to_care.problems import Problem

CARD = "#ffffff"


def published(rows, kind: str = "open", name: str = "invented") -> pd.DataFrame:
    """A table as the waist would hand it back."""
    table = pd.DataFrame(rows).assign(kind=kind)
    table.attrs["published"] = name
    return table


def words_in(svg: str) -> str:
    return html.unescape(" ".join(re.findall(r">([^<>]+)</text>", svg)))


def brightness(colour: str) -> float:
    """Relative luminance, as the guidelines for accessible content define it."""
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


# --- without colour -----------------------------------------------------------------------------


@pytest.mark.parametrize("colour", style.colours()[: style.MOST_SERIES])
def test_a_series_stands_out_from_the_card_in_both_schemes(colour):
    css = (places.BOOK / "_static" / "distance-to-care.css").read_text(encoding="utf-8")
    # Figures stand on the same white in the dark scheme.
    assert re.search(r"background: #fff !important", css)
    assert contrast(colour, CARD) >= 3


@pytest.mark.parametrize("ink", [style.INK, style.MUTED, style.WARNING])
def test_words_are_legible(ink):
    assert contrast(ink, CARD) >= 4.5


def test_neighbours_differ_in_lightness_and_all_in_line_mark_and_hatch():
    colours = style.colours()[: style.MOST_SERIES]
    for one, other in zip(colours[:-1], colours[1:], strict=True):
        assert contrast(one, other) >= 2
    for looks in (style.LINES, style.MARKS, style.HATCHES):
        assert len(set(looks)) == len(looks) == style.MOST_SERIES


def lines_of(count: int) -> pd.DataFrame:
    return published(
        [
            {"group": f"g{i}", "value": float(x), "estimate": 1.0 + i + x / 9, "low": 0.5 + i,
             "high": 2.0 + i, "ci_low": 0.5 + i, "ci_high": 2.0 + i}
            for i in range(count)
            for x in range(3)
        ]
    )  # fmt: skip


def named(count: int) -> dict[str, str]:
    return {f"g{i}": f"Group {i}" for i in range(count)}


@pytest.mark.parametrize("draw", [figures.lines, figures.curves])
def test_four_lines_are_told_apart_without_colour_and_named_in_the_plot(draw):
    drawing = draw(lines_of(4), "value", named(4), "four groups", ("Years", "People"))
    for svg in (drawing.svg, drawing.phone):
        # Three dashed lines, each its own way, beside a full one.
        dashes = set(re.findall(r"stroke-dasharray: ([^;\"]+)", svg)) - {"none"}
        assert len(dashes) >= 3
        for name in named(4).values():
            assert f">{name}</text>" in svg


def flat(count: int) -> pd.DataFrame:
    return published(
        [
            {"group": group, "level": f"g{i}", "estimate": 2.0 + i, "low": 1.0, "high": 9.0,
             "value": 1.0 + i, "people": 10, "term": f"{group}{i}", "ci_low": 1.0, "ci_high": 9.0}
            for i in range(count)
            for group in ("x", "y")
        ]
    )  # fmt: skip


AXES = ("Years", "People")
PAIR = {"x": "X", "y": "Y"}
KINDS = {
    "lines": lambda n: figures.lines(lines_of(n), "value", named(n), "what", AXES),
    "curves": lambda n: figures.curves(lines_of(n), "value", named(n), "what", AXES),
    "ranges": lambda n: figures.ranges(flat(n), "People", PAIR, "what", named(n)),
    "grouped bars": lambda n: figures.grouped_bars(flat(n), "People", PAIR, named(n), "what"),
    "frontier": lambda n: figures.frontier(flat(n), named(n), "what", AXES, "level"),
    "slope": lambda n: figures.slope(
        flat(n), named(n), PAIR, "what", "People", by="level", state="group"
    ),
    "shares": lambda n: figures.shares(
        flat(n), {f"H{i}": {f"x{i}": f"X{i}"} for i in range(n)}, "what", "People (%)"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fifth_series_is_refused(kind):
    assert KINDS[kind](4).svg
    with pytest.raises(Problem, match="4 series at most"):
        KINDS[kind](5)


def test_bars_show_the_intervals_that_their_table_has():
    rows = flat(2)
    drawing = figures.grouped_bars(rows, "People", PAIR, named(2), "what")
    assert words_in(drawing.svg).count("(1 to 9)") == 4
    assert "95% interval" in words_in(drawing.phone)
    bare = rows.drop(columns=["ci_low", "ci_high"])
    bare.attrs["published"] = "bare"
    assert "interval" not in words_in(figures.grouped_bars(bare, "People", PAIR, named(2), "w").svg)


def test_curves_that_end_together_are_named_where_they_lie_apart():
    rows = [
        {"group": f"g{i}", "value": float(x), "estimate": 50.0 + (10 - x) * (i - 1), "low": np.nan,
         "high": np.nan}
        for i in range(3)
        for x in range(11)
    ]  # fmt: skip
    svg = figures.curves(published(rows), "value", named(3), "what", AXES).svg
    across = [float(re.search(rf'<text[^>]* x="([\d.]+)"[^>]*>{n}<', svg)[1])
              for n in named(3).values()]  # fmt: skip
    # In the left part of a plot that is some five hundred points wide.
    assert max(across) < 250


def ending(*ends: float) -> str:
    """Falling lines that end at the given places, of ten."""
    rows = [
        {"group": f"g{i}", "value": float(x), "estimate": 90.0 - 4 * x - 9 * i * (x > 0),
         "low": np.nan, "high": np.nan}
        for i, end in enumerate(ends)
        for x in range(int(end) + 1)
    ]  # fmt: skip
    return figures.curves(published(rows), "value", named(len(ends)), "what", AXES).svg


def place_of(name: str, svg: str) -> float:
    return float(re.search(rf'<text[^>]* x="([\d.]+)"[^>]*>{name}<', svg)[1])


def test_a_curve_that_ends_early_is_named_at_its_end_without_a_leader():
    svg = ending(10, 4)
    # The other reaches the edge, and its name stands beyond it.
    assert place_of("Group 1", svg) < 300 < place_of("Group 0", svg)
    # The only dotted lines of a plot were leaders that ran across it.
    assert "stroke-dasharray: 0.8" not in svg


def test_the_name_of_a_curve_that_ends_near_the_edge_is_not_cut_off():
    rows = [
        {"group": f"g{i}", "value": float(x), "estimate": 60.0 - x + 9 * i * (x > 0),
         "low": np.nan, "high": np.nan}
        for i, end in enumerate((10, 9))
        for x in range(end + 1)
    ]  # fmt: skip
    drawing = figures.curves(published(rows), "value", named(2), "what", AXES)
    for svg in (drawing.svg, drawing.phone):
        style = re.search(r'<text style="([^"]*)"[^>]*>Group 1<', svg)[1]
        # It ends where the curve ends.
        assert "text-anchor: end" in style


def test_curves_that_end_early_at_one_place_have_a_key():
    svg = ending(10, 4, 4)
    together = figures.curves(
        published(
            [
                {"group": f"g{i}", "value": float(x), "estimate": 50.0 - x, "low": np.nan,
                 "high": np.nan}
                for i, end in enumerate((10, 4, 4))
                for x in range(end + 1)
            ]
        ),
        "value", named(3), "what", AXES,
    ).svg  # fmt: skip
    assert 'id="legend_1"' in together and 'id="legend_1"' not in svg
    assert all(together.count(f">Group {i}<") == 1 for i in range(3))


def test_labels_on_a_line_are_moved_apart_and_no_further():
    assert placing.apart([0.5], [0.1], 0, 1) == [0.5]
    found = placing.apart([0.5, 0.52, 0.9], [0.1, 0.1, 0.1], 0, 1)
    assert np.diff(found).min() >= 0.1 - 1e-9
    assert found[2] == 0.9
    assert placing.apart([1.0, 1.0], [0.2, 0.2], 0, 1) == pytest.approx([0.7, 0.9])


# --- what stands in the image -------------------------------------------------------------------


def test_headline_subtitle_notes_and_source_stand_in_both_images():
    drawing = figures.ranges(flat(2), "People", PAIR, "people < 5 by level", named(2))
    headed = figures.headed(drawing, "More & more", "England, 2020", "Source: invented.")
    for svg in (headed.svg, headed.phone):
        said = words_in(svg)
        assert "More & more" in said
        assert "People < 5 by level · England, 2020" in said
        assert figures.LISTS_MARK in said
        assert said.endswith("Source: invented.")
        # In the order in which they are read.
        order = [said.index(words) for words in ("More", "People <", "Mark: base", "Source:")]
        assert order == sorted(order)
    # The alternative text says what is drawn; the headline is the caption's.
    assert headed.alt == drawing.alt
    assert "More & more" not in headed.alt


def test_a_subtitle_does_not_say_the_headline_again():
    drawing = figures.bars(flat(1), "People", {"x": "X"}, "people of a place")
    assert words_in(figures.headed(drawing, "People of a place").svg).count("eople of a place") == 1


def test_words_around_a_drawing_fit_its_width_and_make_it_higher():
    size = 'width="280pt" height="100pt" viewBox="0 0 280 100"'
    plain = f'<svg role="img" {size} version="1.1"><g/></svg>'
    long = frame.headline("A headline of many words " * 5, narrow=True)
    once, twice = frame.around(plain, [long]), frame.around(plain, [long, long])
    heights = [float(re.search(r'height="([\d.]+)pt"', svg)[1]) for svg in (plain, once, twice)]
    assert heights[1] - heights[0] > 50
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0], abs=8)
    lines = re.findall(r">([^<>]+)</text>", once)
    assert len(lines) > 2
    # About half of the size is the width of a bold letter.
    assert max(map(len, lines)) * 13 * 0.5 < 280
    assert 'viewBox="0 0 280 ' in once


def test_synthetic_people_are_named_in_both_images_and_in_words(tmp_path):
    table = flat(1).assign(kind="synthetic")
    table.attrs["published"] = "synthetic_invented"
    drawing = figures.bars(table, "People", {"x": "X"}, "people")
    headed = figures.headed(drawing, "A headline")
    for svg in (drawing.svg, drawing.phone, headed.svg, headed.phone):
        assert canvas.SYNTHETIC.upper() in words_in(svg)
    assert drawing.alt.startswith(canvas.SYNTHETIC)


def test_the_words_on_cars_leave_the_headline_and_stay_below_the_drawing():
    drawing = figures.bars(flat(1), "Minutes", {"x": "X"}, "minutes, car ownership not included")
    title = "Far away (car ownership not included)"
    said = words_in(figures.headed(drawing, title).svg)
    assert said.lower().count("car ownership not included") == 1
    assert said.index("Far away") < said.index("Car ownership not included.")


def test_a_page_files_where_the_numbers_come_from(tmp_path):
    page = results.Page("p", root=tmp_path, sources=["areas", "imd_2019", "centres_ild"])
    table = page.publish(pd.DataFrame({"group": ["x"], "estimate": [1.0]}), "one", "One")
    drawing = figures.bars(table, "People", {"x": "X"}, "people")
    shown = page.figure(drawing, "first", "A headline", "England")
    said = words_in(shown.drawing.svg)
    assert "Source: Distance to Care. Modelled from open data" in said
    assert "Made from English indices of deprivation 2019 (MHCLG)." in said
    # A table that another page has published brings its sources along.
    other = results.Page("q", root=tmp_path, reads=["one"])
    again = figures.bars(other.read("one"), "People", {"x": "X"}, "people")
    assert "indices of deprivation" in words_in(other.figure(again, "second", "B").drawing.svg)


def test_the_caption_is_for_those_who_do_not_see_the_image():
    drawing = figures.bars(flat(1), "People", {"x": "X"}, "people")
    shown = figures.Shown(drawing, "f", "A headline")._repr_html_()
    assert '<figcaption class="visually-hidden">A headline</figcaption>' in shown
    alt = re.search(r'alt="([^"]*)"', shown)[1]
    assert "A headline" not in alt


# --- slopes and people of a hundred -------------------------------------------------------------


def test_a_slope_names_its_groups_once_and_its_numbers_at_both_ends():
    drawing = KINDS["slope"](2)
    assert drawing.alt == (
        "Slope chart of what. Group 0: X 2 (1 to 9), Y 2 (1 to 9); "
        "Group 1: X 3 (1 to 9), Y 3 (1 to 9)."
    )
    for svg in (drawing.svg, drawing.phone):
        said = words_in(svg)
        assert said.count("Group 1") == 1
        assert said.count("(1 to 9)") == 4
    with pytest.raises(Problem, match="two states, not 1"):
        figures.slope(flat(2), named(2), {"x": "X"}, "w", "P", by="level", state="group")
    with pytest.raises(Problem, match="'z' of the group 'g0' fits 0 rows"):
        figures.slope(flat(2), named(2), {"x": "X", "z": "Z"}, "w", "P", by="level", state="group")


def test_lines_of_a_slope_that_begin_together_are_named_there_too():
    rows = flat(3)
    rows.loc[(rows["level"] == "g1") & (rows["group"] == "x"), "estimate"] = 2.1
    drawing = figures.slope(rows, named(3), PAIR, "what", "P", by="level", state="group")
    for svg in (drawing.svg, drawing.phone):
        said = words_in(svg)
        assert said.count("Group 0") == said.count("Group 1") == 2
        assert said.count("Group 2") == 1


def of_hundred(kind: str = "published", **changes) -> pd.DataFrame:
    row = {"group": "a", "estimate": 24.4, "ci_low": 17.0, "ci_high": 33.0} | changes
    return published([row, {**row, "group": "b", "estimate": 51.6}], kind)


def test_people_of_a_hundred_are_filled_or_hollow():
    groups = {"a": "Without", "b": "With"}
    drawing = figures.icon_array(of_hundred(), groups, "alive after three years", "people alive")
    assert drawing.alt == (
        "Icon array of people alive. Without: 24 of 100 (95% interval 17 to 33) alive after three "
        "years; With: 52 of 100 (95% interval 17 to 33) alive after three years."
    )
    for svg in (drawing.svg, drawing.phone):
        # A hundred people a group; how many are filled is told by their face.
        assert svg.count("<use ") == 200
        faces = re.findall(r'<use [^>]*style="fill: (#\w+); stroke: (#\w+)', svg)
        filled = [face for face, _ in faces if face != "#ffffff"]
        assert len(faces) == 200
        assert len(filled) == 24 + 52
        # Without colour: dark against white.
        assert brightness(filled[0]) < 0.1
        assert "Filled: alive after three years. Hollow: not." in words_in(svg)
        assert "24 of 100 (95% interval 17 to 33)" in words_in(svg)


def test_without_an_interval_none_is_said():
    drawing = figures.icon_array(
        of_hundred(ci_low=np.nan), {"a": "Without"}, "alive", "people alive"
    )
    assert "Without: 24 of 100 alive." in drawing.alt


@pytest.mark.parametrize("kind", [kind for kind in results.BANNERS if kind != "published"])
def test_people_of_a_hundred_are_drawn_from_published_figures_only(kind):
    with pytest.raises(Problem, match=f"published figures only, and this table is '{kind}'"):
        figures.icon_array(of_hundred(kind), {"a": "A"}, "alive", "people")


@pytest.mark.parametrize(
    ("table", "groups", "said"),
    [
        (of_hundred(), {}, "one group or two, not 0"),
        (of_hundred(), {"a": "A", "b": "B", "c": "C"}, "one group or two, not 3"),
        (of_hundred(), {"z": "Z"}, "'z' of an icon array fits 0 rows"),
        (of_hundred(estimate=101.0), {"a": "A"}, "no number from 0 to 100"),
        (of_hundred(estimate=np.nan), {"a": "A"}, "no number from 0 to 100"),
    ],
)
def test_what_is_not_people_of_a_hundred_is_refused(table, groups, said):
    with pytest.raises(Problem, match=said):
        figures.icon_array(table, groups, "alive", "people")
