"""An evidence map: which question was asked for which outcome, by whom, and what was found.

A map says what was looked at and where nothing is, before anybody asks how large an effect is. It
keeps studies that found no difference, and studies that printed no number, beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from distance_to_care.problems import Problem

BETWEEN_ROWS = "; "
NUMBERS, WORDS = "numbers", "words only"
# Measures that compare groups by themselves; a mean or a share of one group does not.
COMPARING = (
    "difference",
    "hazard_ratio",
    "odds_ratio",
    "percentage_difference",
    "rate_ratio",
    "regression_coefficient",
    "risk_ratio",
    "subdistribution_hazard_ratio",
)
OF_THE_STUDY = ["study", "country", "disease", "people", "contrast", "how_read", "source"]
OF_THE_NUMBER = ["measure", "estimate", "ci_low", "ci_high", "unit", "certainty"]


def findings(entries: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Join each finding with the study and the number that it was read from.

    Parameters
    ----------
    entries : one row a finding; `id`, `question`, `outcome`, `finding`, `rows` (ids of rows of
        `estimates`, the leading one first, separated by a semicolon and a space), `reason`.
    estimates : one row a published figure; `id`, `study`, `country`, `disease`, `people`,
        `contrast`, `how_read`, `source`, `measure`, `estimate`, `ci_low`, `ci_high`, `unit`,
        `certainty`.

    Returns
    -------
    One row a finding, in the order of `entries`: `term`, `exposure` (the question), `outcome`,
    `finding`, the study's own columns, `seen_as` (numbers; or words only, a p value being no
    more), `note`; and the leading row's number with its interval, where it compares groups.

    Raises
    ------
    Problem : where a finding names an unknown row, no row, or rows of two studies.
    """
    known = estimates.set_index("id")
    joined = []
    for entry in entries.itertuples():
        names = [name for name in str(entry.rows).split(BETWEEN_ROWS) if name]
        unknown = [name for name in names if name not in known.index]
        if unknown or not names:
            raise Problem(
                f"The finding '{entry.id}' of the evidence map names "
                f"{', '.join(unknown) or 'no row'}: name rows of the published estimates."
            )
        rows = known.loc[names]
        if len(studies := rows["study"].unique()) > 1:
            raise Problem(
                f"The finding '{entry.id}' of the evidence map names rows of several studies: "
                f"{', '.join(studies)}. Split it, one row a study."
            )
        counted = rows["estimate"].notna() & (rows["measure"] != "p_value")
        lead = rows.iloc[0]
        compares = lead["measure"] in COMPARING and pd.notna(lead["estimate"])
        joined.append(
            {
                "term": entry.id,
                "exposure": entry.question,
                "outcome": entry.outcome,
                "finding": entry.finding,
                **{column: lead[column] for column in OF_THE_STUDY},
                "seen_as": NUMBERS if counted.any() else WORDS,
                **{column: lead[column] if compares else pd.NA for column in OF_THE_NUMBER},
                "note": entry.reason,
            }
        )
    table = pd.DataFrame(joined)
    numbers = ["estimate", "ci_low", "ci_high"]
    return table.astype(dict.fromkeys(numbers, "Float64")).astype(dict.fromkeys(numbers, float))


def coverage(
    found: pd.DataFrame, questions: Sequence[str], outcomes: Sequence[str]
) -> pd.DataFrame:
    """Count the findings for every question and outcome, so that a gap is a row that says zero.

    Parameters
    ----------
    found : as `findings` returns it.
    questions, outcomes : every question and outcome of the map, asked or not.

    Returns
    -------
    `exposure`, `outcome`, `measure` (findings; studies; findings of no clear difference),
    `estimate` and `unit`: one row each for every pair.

    Raises
    ------
    Problem : where a finding has a question or an outcome that is not on the map.
    """
    strange = sorted(
        (set(found["exposure"]) - set(questions)) | (set(found["outcome"]) - set(outcomes))
    )
    if strange:
        raise Problem(f"The evidence map has no place for {', '.join(strange)}.")
    counted = []
    for question in questions:
        for outcome in outcomes:
            here = found[(found["exposure"] == question) & (found["outcome"] == outcome)]
            for measure, count in {
                "findings": len(here),
                "studies": here["study"].nunique(),
                "findings of no clear difference": (here["finding"] == "no clear difference").sum(),
            }.items():
                counted.append((question, outcome, measure, float(count), measure.split()[0]))
    return pd.DataFrame(counted, columns=["exposure", "outcome", "measure", "estimate", "unit"])


def totals(found: pd.DataFrame, covered: pd.DataFrame) -> pd.DataFrame:
    """Count what the whole map holds: findings by kind, studies, and pairs that nobody asked.

    Parameters
    ----------
    found, covered : as `findings` and `coverage` return them.

    Returns
    -------
    `measure`, `group`, `estimate` and `unit`, one row a count.
    """
    cells = covered[covered["measure"] == "findings"]["estimate"]
    counts: list[tuple[str, str, float]] = [
        ("findings", "all", len(found)),
        ("studies", "all", found["study"].nunique()),
        ("cells", "all", len(cells)),
        ("cells", "no study", (cells == 0).sum()),
        ("cells", "one finding", (cells == 1).sum()),
    ]
    for column in ("finding", "how_read", "seen_as", "country"):
        counts += [(column, name, n) for name, n in found[column].value_counts().items()]
    table = pd.DataFrame(counts, columns=["measure", "group", "estimate"])
    return table.assign(estimate=table["estimate"].astype(float), unit="number")
