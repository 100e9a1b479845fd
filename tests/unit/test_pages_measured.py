"""Pages as measured: sums of a small table that can be checked by hand."""

import pandas as pd

from distance_to_care import pages_measured as measured


def visit(site, page, bare, readable=1.0):
    others = dict.fromkeys(measured.MEASURES, 0) | {"requests": 4}
    times = {"readable_seconds": readable, "bytes_without_figures": bare}
    return {"site": site, "page": f"{page}.html", **others, **times}


# Two pages in two ways, and a third that only this book has.
WEIGHTS = pd.DataFrame(
    [
        visit("ours", "book/index", 50_000, 0.5),
        visit("ours", "notebooks/map", 100_000, 2.0),
        visit("ours", "notebooks/long", 120_000, 1.0),
        visit("another theme", "book/index", 200_000),
        visit("another theme", "notebooks/map", 900_000),
    ]
)


def test_one_row_a_page_site_and_measure_in_the_units_that_it_says():
    pages = measured.long(WEIGHTS)
    assert len(pages) == len(WEIGHTS) * len(measured.MEASURES)
    first = pages.query("measure == @measured.BARE").iloc[0]
    assert (first["estimate"], first["unit"], first["group"]) == (50.0, "kB", "book/index")
    assert set(pages["level"]) == {measured.OURS, "another theme"}


def test_only_pages_that_were_measured_in_every_way_are_set_beside_one_another():
    assert set(measured.beside(measured.long(WEIGHTS))["group"]) == {"book/index", "notebooks/map"}


def test_the_middle_page_and_the_worst_one_by_name():
    ours = measured.long(WEIGHTS).query("level == @measured.OURS")
    row = measured.summary(ours).set_index("measure").loc[measured.BARE]
    assert row[["answers", "estimate", "high", "group"]].tolist() == [
        3, 100.0, 120.0, "notebooks/long",
    ]  # fmt: skip
    slow = measured.summary(ours).set_index("measure").loc[measured.READABLE]
    assert slow[["estimate", "high", "group"]].tolist() == [1.0, 2.0, "notebooks/map"]


def test_a_page_of_more_than_was_set_out_is_told():
    ours = measured.long(WEIGHTS).query("level == @measured.OURS")
    assert measured.heaviest(measured.summary(ours))["verdict"].tolist() == ["fail"]
    light = ours.query("group != 'notebooks/long'")
    assert measured.heaviest(measured.summary(light))["verdict"].tolist() == ["pass"]


def test_times_as_heavy_is_the_geometric_mean_over_the_same_pages():
    (row,) = measured.times_as_heavy(measured.beside(measured.long(WEIGHTS))).to_dict("records")
    # Four times and nine times: six times in the middle.
    assert (round(row["estimate"], 9), row["low"], row["high"]) == (6.0, 4.0, 9.0)


def test_scores_are_held_against_what_was_set_out():
    found = pd.DataFrame(
        [{"page": "book/index.html", "runs": 3, "performance": 94, "accessibility": 100}]
    )
    told = measured.scores(found, {"performance": "speed", "accessibility": "access"})
    assert told["verdict"].tolist() == ["fail", "pass"]
    assert told["low"].tolist() == [95.0, 100.0]
