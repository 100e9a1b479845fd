"""What every scenario assumes: one table of values with ranges, drawn from or moved one by one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError, Problem

# Limits hold 95 per cent of a normal, log-normal or beta assumption, and all of the others.
WIDTH = 2 * stats.norm.ppf(0.975)
# A value may stand this far from the middle of its limits, as a share of their width: then they
# still hold 94 per cent of its draws.
OFF_CENTRE = 0.06
DISTRIBUTIONS = ("fixed", "uniform", "triangular", "normal", "lognormal", "beta")
CERTAINTY = {
    "S": "seen in a source",
    "D": "derived from figures that were seen",
    "J": "our judgement",
    "U": "not checked against a source",
}
# What no value and no limit may leave, by unit; all others may not be below zero.
BETWEEN = {
    "share": (0.0, 1.0),
    "correlation": (-1.0, 1.0),
    "log points a year": (-np.inf, np.inf),
}
# What is divided by, or has a logarithm, is above zero.
ABOVE_ZERO = {
    "days", "miles an hour", "months", "number", "people a post", "people a year",
    "people per 100 000", "people per million a year", "pounds a day", "pounds a person",
    "pounds a year", "pounds an hour", "power", "ratio", "years",
}  # fmt: skip
# A visit may cost nothing to park for; what else is divided by, whatever its unit.
DIVIDES = {"clinic_visit_pounds", "bed_days_a_year", "clinic_visits_a_year"}


class Moved(NamedTuple):
    """One assumption at one end of its range, with all values that go with it."""

    name: str
    end: str
    assumed: dict[str, float]


def of(table: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Return the assumptions of one scenario.

    Parameters
    ----------
    table : the table `scenario_assumptions`: `name`, `scenarios` (separated by `;`), `value`,
        `low`, `high`, `distribution` and more.
    scenario : name of the scenario.

    Returns
    -------
    Its rows, in the order of the table.

    Raises
    ------
    Problem : no row names the scenario, or rows of it are not sound; all faulty ones are named.
    """
    rows = table[table["scenarios"].str.split(";").map(lambda names: scenario in names)]
    if rows.empty:
        raise Problem(
            f"data/scenario_assumptions.csv, column 'scenarios': no row is of '{scenario}'. "
            "Write the name of the scenario into the rows that it uses."
        )
    _refuse(rows)
    return rows.reset_index(drop=True)


def values(table: pd.DataFrame) -> dict[str, float]:
    """Read the assumed value of each row.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.

    Returns
    -------
    Name -> value.
    """
    return dict(zip(table["name"], table["value"].astype(float), strict=True))


def draws(table: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Draw each assumption from its distribution, independently of the others.

    The stream of an assumption hangs on its name and the seed alone, so that a new row leaves the
    draws of the others as they are. A log-normal keeps its value as the median, a normal and a
    beta as the mean; their limits hold 95 per cent. A uniform and a triangular stay between them.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    number : draws of each assumption.
    seed : whole number from 0.

    Returns
    -------
    One row a draw, one column an assumption.

    Raises
    ------
    Problem : a distribution that is not known, or limits that it cannot have; all faulty rows.
    """
    _refuse(table)
    return pd.DataFrame(
        {
            row["name"]: _quantiles(
                row, np.random.default_rng([seed, zlib.crc32(row["name"].encode())]).random(number)
            )
            for _, row in table.iterrows()
        }
    )


def one_at_a_time(table: pd.DataFrame, names: Iterable[str] | None = None) -> list[Moved]:
    """Move one assumption at a time to either end of its range, and leave the others alone.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    names : the assumptions to move; all that have a range by default.

    Returns
    -------
    Two entries an assumption, `low` and `high`.
    """
    base = values(table)
    ranged = table[table["low"] < table["high"]]
    if names is not None:
        ranged = ranged[ranged["name"].isin(list(names))]
    return [
        Moved(row["name"], end, base | {row["name"]: float(row[end])})
        for _, row in ranged.iterrows()
        for end in ("low", "high")
    ]


def faults_of(table: pd.DataFrame, scenarios: Sequence[str] = ()) -> list[str]:
    """Say in sentences what is wrong with a table of assumptions; nothing if it is sound.

    Parameters
    ----------
    table : the whole table.
    scenarios : scenarios that must each have a row.

    Returns
    -------
    One sentence a fault.
    """
    said = [fault for _, row in table.iterrows() if (fault := _fault(row))]
    twice = sorted(table["name"][table["name"].duplicated()])
    said += [f"The name '{name}' stands twice." for name in twice]
    named = set(";".join(table["scenarios"]).split(";"))
    return said + [f"No row is of the scenario '{one}'." for one in scenarios if one not in named]


def _refuse(table: pd.DataFrame) -> None:
    faults = [fault for _, row in table.iterrows() if (fault := _fault(row))]
    if faults:
        raise Problem("data/scenario_assumptions.csv: " + " ".join(faults))


def _outside(row: pd.Series) -> str | None:
    """Name the first of value and limits that its unit cannot have."""
    unit = row.get("unit", "")
    least, most = BETWEEN.get(unit, (0.0, np.inf))
    above = unit in ABOVE_ZERO or row["name"] in DIVIDES
    for column in ("value", "low", "high"):
        number = float(row[column])
        if not least <= number <= most or (above and number <= 0):
            allowed = "above 0" if above else f"from {least:g}"
            allowed += f" to {most:g}" if np.isfinite(most) else "" if above else " up"
            return (
                f"Row '{row['name']}', column '{column}': {number:g} cannot be; "
                f"the unit is '{unit}', and numbers {allowed} are allowed."
            )
    return None


def _fault(row: pd.Series) -> str | None:
    name, shape = row["name"], row["distribution"]
    low, value, high = (float(row[column]) for column in ("low", "value", "high"))
    if shape not in DISTRIBUTIONS:
        return f"Row '{name}': the distribution is none of {', '.join(DISTRIBUTIONS)}."
    if not low <= value <= high:
        return f"Row '{name}': the value is not between 'low' and 'high'."
    if outside := _outside(row):
        return outside
    if (shape == "fixed") != (low == high):
        return f"Row '{name}': a fixed value has no range, and every other one has a range."
    if shape == "lognormal" and low <= 0:
        return f"Row '{name}': a log-normal needs limits above zero."
    if shape == "beta" and not (low >= 0 and high <= 1):
        return f"Row '{name}': a beta needs limits from zero to one."
    if shape in ("normal", "lognormal", "beta"):
        ends = np.log([low, value, high]) if shape == "lognormal" else np.array([low, value, high])
        off = abs(ends[1] - (ends[0] + ends[2]) / 2) / (ends[2] - ends[0])
        if off > OFF_CENTRE:
            return (
                f"Row '{name}': the value is too far from the middle of its limits for a {shape}; "
                "use triangular."
            )
    return None


def _quantiles(row: pd.Series, u: np.ndarray) -> np.ndarray:
    low, value, high = (float(row[column]) for column in ("low", "value", "high"))
    match row["distribution"]:
        case "fixed":
            return np.full(len(u), value)
        case "uniform":
            return low + (high - low) * u
        case "triangular":
            return stats.triang.ppf(u, (value - low) / (high - low), low, high - low)
        case "normal":
            return stats.norm.ppf(u, value, (high - low) / WIDTH)
        case "lognormal":
            return value * np.exp(stats.norm.ppf(u) * np.log(high / low) / WIDTH)
        case _:
            spread = ((high - low) / WIDTH) ** 2
            size = value * (1 - value) / spread - 1
            return stats.beta.ppf(u, value * size, (1 - value) * size)


def by_fifth(share: np.ndarray, ratio: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Spread a share over the fifths of deprivation by equal steps of ratio, its mean kept.

    Parameters
    ----------
    share : share of all people, from 0 to 1; one a draw.
    ratio : share in the most deprived fifth over that in the least deprived; one a draw.
    people : people of the five fifths, the most deprived first.

    Returns
    -------
    Shares; one row a draw, one column a fifth.

    Raises
    ------
    AnalysisError : more than everybody in a fifth.
    """
    steps = np.asarray(ratio, float)[:, None] ** (np.arange(2, -3, -1) / 4)
    mean = steps @ (np.asarray(people, float) / np.sum(people))
    found = np.asarray(share, float)[:, None] * steps / mean[:, None]
    if (found > 1 + 1e-12).any():
        raise AnalysisError(
            "The share of a fifth would be above one. Lower the share of all people or the ratio "
            "between the fifths."
        )
    return np.minimum(found, 1.0)
