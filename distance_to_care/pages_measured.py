"""Pages of the site as a browser measured them: what a first visit sends, and when it can be read.

The measurements were made once by `make pages` and are read as tables; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

OURS = "this book"
# How the sites are told apart in the table of measurements, and here.
SITES = {"ours": OURS}
BARE = "sent without figures"
READABLE = "until it can be read"
# Column of the measurements: the measure in words, its unit, and units of the column to one of it.
MEASURES = {
    "bytes_without_figures": (BARE, "kB", 1000),
    "bytes_figures": ("sent as figures", "kB", 1000),
    "requests": ("requests", "", 1),
    "other_hosts": ("other hosts that are asked", "", 1),
    "readable_seconds": (READABLE, "seconds", 1),
    "largest_seconds": ("until the largest part is there", "seconds", 1),
    "shift": ("cumulative layout shift", "", 1),
}
# What was set out to be reached, before anything was measured.
MOST_KILOBYTES = 100.0
LEAST_SCORE = {"performance": 95, "accessibility": 100, "best_practices": 100}


def long(weights: pd.DataFrame) -> pd.DataFrame:
    """Write the measurements one row a page, site and measure.

    weights : one row a site and page as `make pages` writes it, with the columns of MEASURES.

    Returns
    -------
    `group` (page), `level` (site), `measure`, `estimate`, `unit`.
    """
    parts = [
        pd.DataFrame(
            {
                "group": weights["page"].str.removesuffix(".html"),
                "level": weights["site"].replace(SITES),
                "measure": words,
                "estimate": weights[column] / units,
                "unit": unit,
            }
        )
        for column, (words, unit, units) in MEASURES.items()
    ]
    return pd.concat(parts, ignore_index=True)


def beside(pages: pd.DataFrame) -> pd.DataFrame:
    """Keep the pages that were measured in every way in which any page was.

    pages : as `long` returns them; the same columns are returned.
    """
    ways = pages.groupby("group")["level"].nunique()
    shared = ways.index[ways == pages["level"].nunique()]
    return pages[pages["group"].isin(shared)].reset_index(drop=True)


def summary(pages: pd.DataFrame) -> pd.DataFrame:
    """Say of each measure and site how the middle page does, and the worst.

    pages : as `long` returns them.

    Returns
    -------
    `level`, `measure`, `unit`, `answers` (pages), `estimate` (median), `high` (the worst page's),
    `group` (the worst page).
    """
    rows = []
    for (level, measure, unit), found in pages.groupby(["level", "measure", "unit"], sort=False):
        worst = found.loc[found["estimate"].idxmax()]
        rows.append(
            {
                "level": level,
                "measure": measure,
                "unit": unit,
                "answers": len(found),
                "estimate": found["estimate"].median(),
                "high": worst["estimate"],
                "group": worst["group"],
            }
        )
    return pd.DataFrame(rows)


def heaviest(summed: pd.DataFrame) -> pd.DataFrame:
    """Hold the heaviest first visit without figures against the most that was set out.

    summed : as `summary` returns it, of one site.

    Returns
    -------
    One row: `measure`, `unit`, `group` (page), `estimate`, `high` (the most that was set out),
    `verdict` (`pass` or `fail`).
    """
    row = summed.set_index("measure").loc[BARE]
    return pd.DataFrame(
        [
            {
                "measure": BARE,
                "unit": row["unit"],
                "group": row["group"],
                "estimate": row["high"],
                "high": MOST_KILOBYTES,
                "verdict": _verdict(row["high"] <= MOST_KILOBYTES),
            }
        ]
    )


def times_as_heavy(pages: pd.DataFrame) -> pd.DataFrame:
    """Say how many times as much as this book's each other site's pages send, without figures.

    pages : the same pages in every way, as `beside` returns them.

    Returns
    -------
    `level` (site), `measure`, `answers` (pages), `estimate` (geometric mean over the pages of the
    ratio to the same page of this book), `low` and `high` (the least and the largest ratio).
    """
    sent = pages[pages["measure"] == BARE].pivot_table("estimate", "group", "level")
    ratios = sent.drop(columns=OURS).div(sent[OURS], axis=0)
    return pd.DataFrame(
        [
            {
                "level": site,
                "measure": "times as much as this book, without figures",
                "answers": int(of.notna().sum()),
                "estimate": of.prod() ** (1 / len(of)),
                "low": of.min(),
                "high": of.max(),
            }
            for site, of in ratios.items()
        ]
    )


def scores(found: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    """Hold the scores of Lighthouse against the least that was set out.

    found : one row a page as `make pages` writes it: `page`, `runs`, a column a category.
    words : names of the categories in words, by column.

    Returns
    -------
    `group` (page), `measure` (category), `answers` (runs), `estimate`, `low` (the least that was
    set out), `verdict`.
    """
    return pd.DataFrame(
        [
            {
                "group": row["page"].removesuffix(".html"),
                "measure": name,
                "answers": row["runs"],
                "estimate": float(row[category]),
                "low": float(LEAST_SCORE[category]),
                "verdict": _verdict(row[category] >= LEAST_SCORE[category]),
            }
            for row in found.to_dict("records")
            for category, name in words.items()
        ]
    )


def _verdict(reached: bool) -> str:
    return "pass" if reached else "fail"
