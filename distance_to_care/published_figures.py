"""Figures quoted from publications: how they were read, their labels, and people of 100.

Nothing here is computed from people: each function takes the table of published figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from distance_to_care import sensitivity
from distance_to_care.evidence_map import BETWEEN_ROWS
from distance_to_care.problems import Problem

DERIVED_INTERVAL = "interval derived"
FROM_P = "interval from the p value"
OF_THE_RATIO = ["study", "exposure", "contrast", "outcome", "how_read", "source"]
OF_THE_SHARE = ["people", "estimate", "ci_low", "ci_high", "adjusted_for", "certainty", "note"]
UNIT = "of 100 people"


def as_published(estimates: pd.DataFrame) -> pd.DataFrame:
    """Put the table of published figures into the columns of a published table.

    Parameters
    ----------
    estimates : one row a published figure, with the columns of `published_estimates`.

    Returns
    -------
    The same rows: `id` is called `term`, the year and the address are left out, and `status` says
    whether a figure was printed (published), derived here, or printed without the interval that
    was derived from its p value.
    """
    from_p = estimates["note"].str.contains(DERIVED_INTERVAL, na=False)
    status = estimates["certainty"].map({"S": "published", "D": "derived"}).mask(from_p, FROM_P)
    kept = estimates.rename(columns={"id": "term"}).drop(columns=["year", "doi_or_address"])
    return kept.assign(status=status)


def reading(estimates: pd.DataFrame) -> pd.DataFrame:
    """Count the published figures by how they were read and how sure they are.

    Parameters
    ----------
    estimates : one row a published figure; `how_read`, `certainty`, `estimate`.

    Returns
    -------
    `measure` (rows, how_read, certainty), `group`, `estimate` and `unit`, one row a count.
    """
    counts: list[tuple[str, str, float]] = [
        ("rows", "all", len(estimates)),
        ("rows", "without a number", estimates["estimate"].isna().sum()),
    ]
    for column in ("how_read", "certainty"):
        counts += [(column, name, n) for name, n in estimates[column].value_counts().items()]
    table = pd.DataFrame(counts, columns=["measure", "group", "estimate"])
    return table.assign(estimate=table["estimate"].astype(float), unit="rows")


def labels(
    estimates: pd.DataFrame, entries: pd.DataFrame, terms: Sequence[str]
) -> list[tuple[dict[str, str], str]]:
    """Name the lines of a figure: what is compared, where, in which study, and how it was read.

    Parameters
    ----------
    estimates : one row a published figure; `id`, `study`, `country`, `how_read`.
    entries : rows of the evidence map, which say what question a figure answers: `question`,
        `rows`.
    terms : ids of the figures, top to bottom.

    Returns
    -------
    For each figure the pair that picks its row of the published table, and its label.

    Raises
    ------
    Problem : where a figure is unknown or on no row of the evidence map.
    """
    question = {
        name: entry.question for entry in entries.itertuples()
        for name in entry.rows.split(BETWEEN_ROWS)
    }  # fmt: skip
    known = estimates.set_index("id")
    unknown = [term for term in terms if term not in known.index or term not in question]
    if unknown:
        raise Problem(f"No published figure on the evidence map is named {', '.join(unknown)}.")
    lines = []
    for term in terms:
        row = known.loc[term]
        asked = question[term][:1].upper() + question[term][1:]
        read = f"{row['study']}, {row['how_read']}"
        lines.append(({"term": term}, f"{asked}, {row['country']},\n{read}"))
    return lines


def ratios_of_100(
    ratios: pd.DataFrame, survival: float, others: Sequence[float], note: str
) -> pd.DataFrame:
    """Turn published hazard ratios into people of 100, by `sensitivity.absolute_survival`.

    Parameters
    ----------
    ratios : hazard ratios; `id`, `estimate`, `ci_low`, `ci_high`, and what they compare.
    survival, others : share of the reference group that is alive (0 to 1), and other values that
        it may have.
    note : how the sum is done, for every row.

    Returns
    -------
    Three rows a ratio: `term`, `group` (reference, exposed, fewer or more), `estimate`, `ci_low`,
    `ci_high`, `low`, `high`, with what the ratio compares; marked as derived.
    """
    return pd.concat(
        sensitivity.absolute_survival(
            survival, row["estimate"], row["ci_low"], row["ci_high"], others
        ).assign(term=row["id"], **row[OF_THE_RATIO])
        for _, row in ratios.iterrows()
    ).assign(status="derived", certainty="D", note=note, unit=UNIT)


def shares_of_100(estimates: pd.DataFrame, studies: Mapping[str, str]) -> pd.DataFrame:
    """Pick the published percentages of some studies, as people of 100.

    Parameters
    ----------
    estimates : one row a published figure; `id`, `measure`, `estimate`, its interval and source.
    studies : how the ids of a study begin, and how the study is named in the result.

    Returns
    -------
    `term` (the study), `group` (the rest of the id), `estimate`, `ci_low`, `ci_high` and the
    source, one row a percentage.
    """
    known = estimates[(estimates["measure"] == "percentage") & estimates["estimate"].notna()]
    picked = [
        known[known["id"].str.startswith(f"{start}_")].assign(
            term=name, group=lambda rows, start=start: rows["id"].str.removeprefix(f"{start}_")
        )
        for start, name in studies.items()
    ]
    shares = pd.concat(picked)[["term", "group", *OF_THE_RATIO, *OF_THE_SHARE]]
    return shares.assign(status="published", unit=UNIT)
