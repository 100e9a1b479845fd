"""Estimates of a cohort beside what was published and what was built in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics.cohort_survival import SAME_PEOPLE

SCENARIO = "published effects"
# Units of one quantity, and how many of each make the same whole.
SAME_QUANTITY = ({"per cent", "probability"}, {"months", "years"})
PER_WHOLE = {"per cent": 100, "probability": 1, "months": 12, "years": 1}
# An interval that ends this close to one is said to be fragile.
NEXT_TO_ONE = 0.05
FRAGILE = "weak confounding could remove it"
WITHHELD = "withheld: too few people"
TURNED = "the file of true values has the other sign"


def answer(
    table: pd.DataFrame, measure: str, /, estimand: str, published: str = "", **where: object
) -> dict[str, object]:
    """Pick the one row of a published table that answers to a published or a built-in value.

    Parameters
    ----------
    table : a table that was published and read back, so that what disclosure control withheld
        there is withheld here; `estimate` or `hazard_ratio`, `ci_low`, `ci_high`, and `unit`
        (`ratio` where there is none).
    measure : what is estimated, in words.
    estimand : its name among the true values; empty where nothing was built in.
    published : id of the published estimate that it answers to; empty where there is none.
    where : column=value pairs that pick exactly one row.

    Returns
    -------
    `measure`, `estimand`, `published`, `estimate`, `ci_low`, `ci_high`, `unit`, and `note`: why
    there is no estimate.

    Raises
    ------
    Problem : where not exactly one row fits.
    """
    rows = table
    for column, value in where.items():
        rows = rows[rows[column].astype(str) == str(value)]
    if len(rows) != 1:
        wrong = Problem if len(rows) else AnalysisError
        raise wrong(f"'{measure}' must come from one row of a table, and {len(rows)} rows fit.")
    row = rows.iloc[0]
    return {
        "measure": measure,
        "estimand": estimand,
        "published": published,
        "estimate": row["estimate" if "estimate" in rows else "hazard_ratio"],
        "ci_low": row.get("ci_low", np.nan),
        "ci_high": row.get("ci_high", np.nan),
        "unit": row.get("unit", "ratio"),
        "note": _why_empty(row),
    }


def _why_empty(row: pd.Series) -> str:
    """Say why a row of a published table has no estimate; nothing where it has one."""
    if pd.notna(row["estimate" if "estimate" in row else "hazard_ratio"]):
        return ""
    if row.get("suppressed", False):
        return WITHHELD
    if _text(row.get("note")):
        return row["note"]
    return "not reached" if row.get("unit") == "years" else "not estimated"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _turned(row: dict[str, object]) -> dict[str, object]:
    """Read a difference from its other end."""
    ends = {"estimate": "estimate", "ci_low": "ci_high", "ci_high": "ci_low"}
    return row | {name: -row[other] for name, other in ends.items()} | {"turned": True}


def survival_answers(
    summary: pd.DataFrame,
    means: pd.DataFrame,
    models: pd.DataFrame,
    exposure: str,
    ends: dict[str, str],
    names: dict[str, str],
    papers: dict[str, str],
) -> list[dict[str, object]]:
    """Pick what a chapter on survival has to answer: survival, time lived and hazard ratios.

    Parameters
    ----------
    summary, means, models : published tables of `cohort_survival.summary`, `restricted_means` and
        `cox_models`.
    exposure : the exposure that they compare.
    ends : the exposed level and the reference, each with its name in words; months are always
        those of the exposed end less those of the other.
    names : for each model its name in words.
    papers : for an estimand, the id of the published estimate that it answers to.

    Returns
    -------
    One dictionary an answer, as `answer` returns them.
    """
    (exposed, _), (against, _) = ends.items()
    groups = {"all": ("all", "all people")}
    groups |= {level: (f"{exposure}.{level}", name) for level, name in ends.items()}
    asked = [
        (summary, f"probability of being alive at {years} {unit}, {name}", f"survival.{years}.{of}",
         {"measure": "survival", "time_years": float(years), "group": group})
        for years, unit in ((1, "year"), (3, "years"), (5, "years"))
        for group, (of, name) in groups.items()
    ]  # fmt: skip
    asked += [
        (summary, f"median survival in years, {name}", f"median_survival.{of}",
         {"measure": "median survival", "group": group})
        for group, (of, name) in groups.items()
    ]  # fmt: skip
    asked += [
        (means, f"months lived of {years} years, {ends[exposed]} less {ends[against]}",
         f"restricted_mean_difference.{years}.{exposure}",
         {"measure": "difference in restricted mean survival", "model": "unadjusted",
          "group": exposed, "time_years": float(years)})
        for years in (3, 5)
    ]  # fmt: skip
    asked += [
        (models, f"hazard ratio, {ends[exposed]} against {ends[against]}: {names[model].lower()}",
         f"hazard_ratio.{model}.{exposure}.{exposed}", {"model": model, "group": exposed})
        for model in models["model"].unique()
        if model != SAME_PEOPLE
    ]  # fmt: skip
    answers = [
        answer(table, measure, estimand, papers.get(estimand, ""), **where)
        for table, measure, estimand, where in asked
    ]
    first, last = (ends[level].replace("fifth", "end") for level in (exposed, against))
    slope = answer(
        means, f"months lived of 5 years, {first} of the ranking less {last}",
        f"slope_index.restricted_mean.5.{exposure}",
        measure="slope of restricted mean survival", time_years=5.0,
    )  # fmt: skip
    # The slope is that of the last level less the first, and the exposed may be the first.
    return [*answers, slope if float(exposed) > float(against) else _turned(slope)]


def beside_truth(
    estimates: Sequence[dict[str, object]] | pd.DataFrame,
    truth: pd.DataFrame,
    published: pd.DataFrame,
    kind: str,
) -> pd.DataFrame:
    """Set estimates of a cohort beside the published and the built-in values, in three columns.

    Parameters
    ----------
    estimates : one row an estimate, as `answer` returns them; where `turned` is true, the estimate
        has the other sign than the true values have it.
    truth : the true values of the synthetic people; `estimand`, `scenario`, `value`, `unit`.
    published : the published estimates; `id`, `study`, `how_read`, `estimate`, `unit`, and
        `ci_low` and `ci_high` where an interval was read.
    kind : kind of the cohort. Only synthetic people have built-in values: for any other kind there
        is no such column.

    Returns
    -------
    One row an estimate, in the order given: `measure`, `estimand`, `published_estimate`,
    `built_in`, `estimate`, `ci_low`, `ci_high` (of the estimate), `unit`, `source` (of the
    published value, how it was read, and its interval), `note` (why there is no estimate, or that
    the published interval ends next to one).

    Raises
    ------
    Problem : for an estimand or an id that the tables do not have, or units that do not agree.
    """
    built = truth[truth["scenario"] == SCENARIO].set_index("estimand")
    papers = published.set_index("id")
    rows = []
    for row in pd.DataFrame(estimates).to_dict("records"):
        paper, name = row.pop("published"), row["estimand"]
        turned, notes = row.get("turned") is True, [_text(row.get("note"))]
        row |= {"published_estimate": np.nan, "built_in": np.nan, "source": ""}
        if paper:
            found = _row(papers, paper, "published estimates")
            row["published_estimate"], *limits = (
                _in_unit(found.get(column, np.nan), found["unit"], row)
                for column in ("estimate", "ci_low", "ci_high")
            )
            row["source"] = f"{found['study']} ({found['how_read']}){_interval(*limits)}"
            if row["unit"] == "ratio" and _ends_next_to_one(*limits):
                notes.append(FRAGILE)
        if name and kind == "synthetic":
            found = _row(built, name, "true values")
            value = _in_unit(found["value"], found["unit"], row)
            row["built_in"] = -value if turned else value
            notes += [TURNED] if turned else []
        rows.append(row | {"note": "; ".join(filter(None, notes))})
    columns = [
        "measure", "estimand", "published_estimate", "built_in", "estimate", "ci_low", "ci_high",
        "unit", "source", "note",
    ]  # fmt: skip
    table = pd.DataFrame(rows)[columns]
    # What was withheld is missing in another way than what was never there.
    numbers = columns[2:7]
    table = table.assign(**{name: pd.to_numeric(table[name]).astype(float) for name in numbers})
    return table if kind == "synthetic" else table.drop(columns="built_in")


def _interval(low: float, high: float) -> str:
    """Write a published interval after its source: what stands in columns is the estimate's."""
    return "" if np.isnan([low, high]).any() else f", {low:.3g} to {high:.3g}"


def _ends_next_to_one(low: float, high: float) -> bool:
    """Say whether an interval leaves out one, and only just."""
    return 1 < low <= 1 + NEXT_TO_ONE or 1 - NEXT_TO_ONE <= high < 1


def _row(table: pd.DataFrame, name: str, what: str) -> pd.Series:
    if table.index.tolist().count(name) != 1:
        raise Problem(f"The {what} must have exactly one row named '{name}'.")
    return table.loc[name]


def _in_unit(value: object, unit: str, row: dict[str, object]) -> float:
    """Read a value in the unit of its row: a percentage can be read as a probability."""
    if unit == row["unit"]:
        return float(value)
    if {unit, row["unit"]} not in SAME_QUANTITY:
        raise Problem(
            f"'{row['measure']}' is in '{row['unit']}', and the value beside it in '{unit}'."
        )
    return float(value) * PER_WHOLE[row["unit"]] / PER_WHOLE[unit]
