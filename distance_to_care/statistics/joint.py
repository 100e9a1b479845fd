"""Two exposures together: who has both, and whether they do more together than apart.

People are cut in two by each exposure (deprived or not, far or not), which makes four groups. The
interaction is measured on both scales: as a ratio of hazard ratios, and as an excess (Rothman's
measures, and the difference in survival). One need not follow from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine

DEPRIVED_AND_FAR = {"deprivation_quintile": (1, 2), "distance_quintile": (4, 5)}
NAMES = ("deprived", "far")
PER_STEP = {
    "measure": "factor on one hazard ratio for each step of the other",
    "estimand": "interaction.per_step",
    "unit": "ratio",
}
BEYOND = "survival of those who are both, less what the two losses would leave"
Z95 = norm.ppf(0.975)


def cross_classify(
    people: pd.DataFrame,
    first: str = "deprivation_quintile",
    second: str = "distance_quintile",
) -> pd.DataFrame:
    """Cross-classify people by two exposures: how each group of the first spreads over the second.

    Parameters
    ----------
    people : one row a person with the columns `first` and `second`; where one of them is missing
        the person is left out.

    Returns
    -------
    One row a cell: `measure`, `group_by`, `group` (of the first), `variable`, `level` (of the
    second), `people` (of the group), `estimate` (per cent of the group), `unit`.
    """
    known = people[[first, second]].dropna().astype(int)
    counts = pd.crosstab(known[first], known[second])
    share = counts.div(counts.sum(axis=1), axis=0).mul(100).reset_index()
    share = share.melt(first, value_name="estimate").sort_values([first, second])
    return pd.DataFrame(
        {
            "measure": "share",
            "group_by": first,
            "group": share[first].astype(str),
            "variable": second,
            "level": share[second].astype(str),
            "people": share[first].map(counts.sum(axis=1)),
            "estimate": share["estimate"],
            "unit": "per cent",
        }
    )


def overlap(
    people: pd.DataFrame,
    exposures: Mapping[str, Sequence[int]] = DEPRIVED_AND_FAR,
    names: tuple[str, str] = NAMES,
) -> pd.DataFrame:
    """Count who has both exposures, and how many would if the two were unrelated.

    Parameters
    ----------
    people : one row a person; where one exposure is missing the person is left out.
    exposures : for each of two columns, the levels that count as exposed.
    names : what the two are called.

    Returns
    -------
    One row a measure and group: shares of everybody (each exposure, both, neither, one only, and
    both if the two were unrelated), `people`, `estimate`, `unit`, and for disclosure control
    `level_people` (the smallest of the four groups); and Spearman's correlation of the two columns
    with its 95% interval (Bonett and Wright 2000, doi 10.1007/BF02294183).
    """
    known = people[list(exposures)].dropna()
    one, two = _exposed(known, exposures)
    both = one & two
    a, b = names
    everybody = {
        a: one,
        b: two,
        f"{a} and {b}": both,
        f"{a} only": one & ~two,
        f"{b} only": two & ~one,
        "neither": ~one & ~two,
    }
    rows = [
        ("share of all", group, len(known), 100 * inside.mean())
        for group, inside in everybody.items()
    ]
    rows.append(
        ("share of all", f"{a} and {b}, if unrelated", len(known), 100 * one.mean() * two.mean())
    )
    table = pd.DataFrame(rows, columns=["measure", "group", "people", "estimate"])
    table["unit"] = "per cent"
    # The rows add up, so one small group would show in the others: all or none.
    four = [both, one & ~two, two & ~one, ~one & ~two]
    table["level_people"] = min(int(inside.sum()) for inside in four)
    rank, low, high = _rank_correlation(known)
    correlation = {
        "measure": "rank correlation", "group": "all", "people": len(known),
        "estimate": rank, "ci_low": low, "ci_high": high, "unit": "correlation",
    }  # fmt: skip
    return pd.concat([table, pd.DataFrame([correlation])], ignore_index=True)


def _rank_correlation(known: pd.DataFrame) -> tuple[float, float, float]:
    if len(known) < 4 or (known.nunique() < 2).any():
        return np.nan, np.nan, np.nan
    rank = known.astype(float).rank().corr().iloc[0, 1]
    error = np.sqrt((1 + rank**2 / 2) / (len(known) - 3))
    # A perfect correlation has no interval on this scale: it is its own.
    inside = np.arctanh(np.clip(rank, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh(inside + Z95 * error * np.array([-1, 1]))
    return rank, low, high


def interaction(
    people: pd.DataFrame,
    adjust: Sequence[str] = (),
    exposures: Mapping[str, Sequence[int]] = DEPRIVED_AND_FAR,
    names: tuple[str, str] = NAMES,
) -> pd.DataFrame:
    """Measure interaction of two exposures in one Cox model, as a ratio and as an excess.

    Parameters
    ----------
    people : one row a person; `follow_up_years`, `died`, the columns of the exposures and of
        `adjust` (numbers enter as they are, text as categories); complete cases.
    exposures, names : as for `overlap`.

    Returns
    -------
    One row a measure: `measure`, `estimand`, `group`, `reference`, `people`, `deaths`, `estimate`,
    `ci_low`, `ci_high` (95%), `p_value`, `unit`, `note`, and for disclosure control `level_people`
    and `level_deaths` (the smallest of the groups concerned). Hazard ratios of the three exposed
    groups against neither; the ratio of hazard ratios (one where the two multiply; p-value of the
    likelihood ratio); and, from the hazard ratios, the relative excess risk due to interaction
    (nought where the two add), the proportion attributable to it, and the synergy index (one where
    they add), with delta-method intervals, the last on the logarithmic scale.

    Raises
    ------
    AnalysisError : where a group has nobody or no death.

    Rothman 1986; Hosmer and Lemeshow 1992, doi 10.1097/00001648-199209000-00012.
    """
    known, groups, matrix = _prepared(people, adjust, exposures, names)
    labels = _labels(names)
    four = pd.DataFrame({label: (groups == label) * 1.0 for label in labels[1:]})
    one, two = _exposed(known, exposures)
    apart = pd.DataFrame({names[0]: one * 1.0, names[1]: two * 1.0})
    fit = _fit(known, pd.concat([four, matrix], axis=1))
    without = _fit(known, pd.concat([apart, matrix], axis=1))
    beta, variance = fit.coefficients[:3], fit.variance[:3, :3]
    a, b, both = ratio = np.exp(beta)
    excess, together, added = both - a - b + 1, both - 1, a + b - 2
    defined = together > 0 and added > 0
    # Each estimate with its gradient in the three log hazard ratios; True: a logarithm.
    asked = [(beta[place], np.eye(3)[place], True) for place in range(3)] + [
        (beta[2] - beta[0] - beta[1], np.array([-1.0, -1, 1]), True),
        (excess, ratio * [-1, -1, 1], False),
        (excess / both, np.array([-a, -b, a + b - 1]) / both, False),
        (np.log(together / added), np.array([-a / added, -b / added, both / together]), True)
        if defined else (np.nan, np.zeros(3), True),
    ]  # fmt: skip
    rows = []
    for estimate, gradient, logarithmic in asked:
        error = np.sqrt(gradient @ variance @ gradient)
        values = estimate + error * np.array([0, -Z95, Z95])
        rows.append(np.exp(values) if logarithmic else values)
    table = _measures(names)
    table[["estimate", "ci_low", "ci_high"]] = rows
    counts = known["died"].astype(int).groupby(groups).agg(["size", "sum"]).loc[list(labels)]
    smallest = counts.iloc[1:].clip(upper=counts.iloc[0], axis=1).to_numpy()
    people_of, deaths_of = counts.iloc[1:].to_numpy().T
    p_values = [*2 * norm.sf(np.abs(beta) / np.sqrt(np.diag(variance)))]
    p_values.append(chi2.sf(2 * (fit.log_likelihood - without.log_likelihood), 1))
    return table.assign(
        people=[*people_of, *[len(known)] * 4],
        deaths=[*deaths_of, *[int(known["died"].sum())] * 4],
        p_value=[*p_values, *[np.nan] * 3],
        note=[""] * 6 + ["" if defined else "not defined where an exposure lowers the hazard"],
        level_people=[*smallest[:, 0], *[counts["size"].min()] * 4],
        level_deaths=[*smallest[:, 1], *[counts["sum"].min()] * 4],
        model_events=int(known["died"].sum()),
        model_parameters=len(fit.coefficients),
    )


def _measures(names: tuple[str, str]) -> pd.DataFrame:
    """Name what `interaction` estimates: measure, estimand, group, reference, unit."""
    labels = _labels(names)
    rows = [
        ("hazard ratio", f"hazard_ratio.{label.replace(' ', '_')}", label, "ratio")
        for label in labels[1:]
    ] + [
        ("ratio of hazard ratios", "ratio_of_hazard_ratios", "all", "ratio"),
        ("relative excess risk due to interaction", "relative_excess_risk", "all",
         "hazard of the reference"),
        ("proportion attributable to interaction", "attributable_proportion", "all", "proportion"),
        ("synergy index", "synergy_index", "all", "ratio"),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["measure", "estimand", "group", "unit"])
    return table.assign(estimand="interaction." + table["estimand"], reference=labels[0])


def measures_of_interaction(people: pd.DataFrame, adjust: Sequence[str] = ()) -> pd.DataFrame:
    """Tabulate `interaction` and `product_of_steps` for a cohort of any size.

    What cannot be estimated with these people has no estimate, and a `note` that says why.
    """
    found = []
    for ask, rows in (
        (interaction, _measures(NAMES)),
        (product_of_steps, pd.DataFrame([PER_STEP])),
    ):
        try:
            found.append(ask(people, adjust))
        except AnalysisError as problem:
            found.append(_not_estimated(rows, problem))
    return pd.concat(found, ignore_index=True)


def _not_estimated(rows: pd.DataFrame, problem: AnalysisError) -> pd.DataFrame:
    nothing = dict.fromkeys(("estimate", "ci_low", "ci_high"), np.nan)
    return rows.assign(note=str(problem), **nothing)


def product_of_steps(
    people: pd.DataFrame,
    adjust: Sequence[str] = (),
    steps: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Test whether the hazard ratio of one exposure changes with each step of the other.

    Parameters
    ----------
    people : as for `interaction`.
    steps : for each of two columns of numbers, the level that counts as no step; the others count
        by how far they are from it. Least deprived and nearest where not given.

    Returns
    -------
    One row: `measure`, `estimand`, `people`, `deaths`, `estimate` (the factor by which the hazard
    ratio of one exposure changes for one step of each), `ci_low`, `ci_high`, `statistic`
    (likelihood ratio, both exposures in as categories), `degrees_of_freedom`, `p_value`, `unit`.
    """
    steps = steps or {"deprivation_quintile": 5, "distance_quintile": 1}
    known = people.dropna(subset=[*steps, *adjust, "follow_up_years", "died"])
    parts = [_matrix(known, adjust)]
    product = pd.Series(1.0, index=known.index)
    for column, base in steps.items():
        away = (known[column].astype(float) - base).abs()
        product *= away
        parts += [((away == step) * 1.0).rename(f"{column} {step:g}")
                  for step in sorted(away.unique()) if step]  # fmt: skip
    apart = pd.concat(parts, axis=1)
    together = _fit(known, pd.concat([apart, product.rename("product")], axis=1))
    statistic = 2 * (together.log_likelihood - _fit(known, apart).log_likelihood)
    log_ratio = together.coefficients[-1]
    error = together.standard_errors[-1]
    low, high = np.exp(log_ratio + Z95 * error * np.array([-1, 1]))
    return pd.DataFrame(
        [
            {
                **PER_STEP,
                "people": len(known),
                "deaths": int(known["died"].sum()),
                "estimate": np.exp(log_ratio),
                "ci_low": low,
                "ci_high": high,
                "statistic": statistic,
                "degrees_of_freedom": 1.0,
                "p_value": chi2.sf(statistic, 1),
                "level_people": len(known),
                "level_deaths": int(known["died"].sum()),
                "model_events": int(known["died"].sum()),
                "model_parameters": len(together.coefficients),
            }
        ]
    )


def standardised_survival(
    people: pd.DataFrame,
    adjust: Sequence[str],
    years: float,
    exposures: Mapping[str, Sequence[int]] = DEPRIVED_AND_FAR,
    names: tuple[str, str] = NAMES,
    replicates: int = 500,
    seed: int = 20261122,
) -> pd.DataFrame:
    """Estimate survival in each of the four groups, if all four were alike in the other columns.

    The g-formula: a Cox model with a baseline of its own for each group, so that the groups need
    not have proportional hazards, predicts everybody's survival as if in that group, and the
    predictions are averaged. Intervals are percentiles of a bootstrap of people.

    Parameters
    ----------
    people : as for `interaction`. adjust : columns in which the groups are made alike.
    years : when survival is read off, within everybody's reach.
    replicates : bootstrap samples; none and no interval where 0.

    Returns
    -------
    One row a measure and group: `measure`, `estimand`, `group`, `reference`, `time_years`,
    `estimate`, `ci_low`, `ci_high`, `unit`, `level_people`, `level_deaths`. `survival` is a
    probability; `difference in survival` (against neither) and what survival of those who are both
    is above what the two differences would leave (`BEYOND`) are percentage points.

    Raises
    ------
    AnalysisError : where a group has nobody or no death.

    Robins 1986, doi 10.1016/0270-0255(86)90088-6.
    """
    known, groups, matrix = _prepared(people, adjust, exposures, names)
    labels = _labels(names)
    time, died = known["follow_up_years"].to_numpy(float), known["died"].to_numpy(bool)
    X = matrix.to_numpy()
    codes = np.array([labels.index(label) for label in groups])
    if min(time[codes == place].max() for place in range(4)) < years:
        raise AnalysisError("Nobody of a group is followed that long, so survival is not known.")
    estimates = _standardised(time, died, X, codes, years, list(matrix.columns))
    draws = np.random.default_rng(seed)
    sampled = []
    for _ in range(replicates):
        rows = draws.integers(0, len(known), len(known))
        try:
            drawn = _standardised(
                time[rows], died[rows], X[rows], codes[rows], years, list(matrix.columns)
            )
        except AnalysisError:
            raise AnalysisError(
                "So few people died in a group that a resample can hold none: no interval."
            ) from None
        sampled.append(drawn)
    low, high = np.full((2, len(estimates)), np.nan)
    if replicates:
        low, high = np.percentile(sampled, [2.5, 97.5], axis=0)
    return _survivals(names, years).assign(
        estimate=estimates,
        ci_low=low,
        ci_high=high,
        level_people=int(groups.value_counts().min()),
        level_deaths=int(known["died"].groupby(groups).sum().min()),
        model_events=int(died.sum()),
        model_parameters=X.shape[1] + len(labels) - 1,
    )


def _survivals(names: tuple[str, str], years: float) -> pd.DataFrame:
    """Name what `standardised_survival` estimates."""
    labels = _labels(names)
    slugs = {label: label.replace(" ", "_") for label in labels}
    rows = [("survival", f"standardised_survival.{years:g}.{slugs[label]}", label, "",
             "probability") for label in labels]  # fmt: skip
    rows += [("difference in survival", f"standardised_difference.{years:g}.{slugs[label]}", label,
              labels[0], "percentage points") for label in labels[1:]]  # fmt: skip
    rows.append((BEYOND, f"survival_interaction.{years:g}", "all", labels[0],
                 "percentage points"))  # fmt: skip
    table = pd.DataFrame(rows, columns=["measure", "estimand", "group", "reference", "unit"])
    return table.assign(time_years=float(years))


def survival_in_groups(people: pd.DataFrame, adjust: Sequence[str], years: float) -> pd.DataFrame:
    """Tabulate `standardised_survival` for a cohort of any size.

    Where it cannot be estimated the rows have no estimate, and a `note` that says why.
    """
    try:
        return standardised_survival(people, adjust, years)
    except AnalysisError as problem:
        return _not_estimated(_survivals(NAMES, years), problem)


def beyond_the_sum(alive: pd.DataFrame) -> pd.DataFrame:
    """Say in words whether those who are both lose more or less than the sum of the two losses.

    Parameters
    ----------
    alive : a table of `survival_in_groups` that was published and read back, so that what
        disclosure control withheld there is withheld here.

    Returns
    -------
    One row: `measure`, `time_years`, `estimate` (percentage points lost beyond the sum), `ci_low`,
    `ci_high`, `unit`, and the same as words in `note`, empty where there is no estimate.
    """
    row = alive[alive["measure"] == BEYOND].iloc[0]
    lost, low, high = (-float(row[column]) for column in ("estimate", "ci_high", "ci_low"))
    point, start, end = (
        (f"{abs(points):.0f}", "more" if points > 0 else "less") for points in (lost, low, high)
    )
    words = f"{' percentage points '.join(point)} (95% CI {' '.join(start)} to {' '.join(end)})"
    return pd.DataFrame(
        [
            {
                "measure": "lost beyond the sum of the two losses",
                "time_years": row["time_years"],
                "estimate": lost,
                "ci_low": low,
                "ci_high": high,
                "unit": "percentage points",
                "note": "" if np.isnan(lost) else words,
            }
        ]
    )


def by_group(together: pd.DataFrame, alive: pd.DataFrame) -> pd.DataFrame:
    """Name each measure with its group, one row an answer, as `comparison.beside_truth` takes them.

    together, alive : tables of `measures_of_interaction` and `survival_in_groups`, read back.
    Returns both, with the group in `measure` and an empty `published`: nobody published any.
    """
    answers = pd.concat([together, alive], ignore_index=True).assign(published="")
    whose = (", " + answers["group"]).where(answers["group"].isin(_labels(NAMES)), "")
    return answers.assign(measure=answers["measure"] + whose)


def _standardised(time, died, X, codes, years, columns) -> np.ndarray:
    """Survival of the four groups, three differences and the interaction."""
    if len(np.unique(codes[died])) < 4:
        raise AnalysisError("Nobody died in one of the groups.")
    fit = engine.cox(time, died, X, strata=codes, names=columns)
    relative = fit.relative_hazard(X)
    alive = np.empty(4)
    for place in range(4):
        times, hazard = fit.baseline(place)
        reached = np.searchsorted(times, years, side="right")
        cumulative = hazard[reached - 1] if reached else 0.0
        alive[place] = np.exp(-cumulative * relative).mean()
    neither, one, two, both = alive
    differences = 100 * (alive[1:] - neither)
    return np.array([*alive, *differences, 100 * (both - one - two + neither)])


def _labels(names: tuple[str, str]) -> tuple[str, ...]:
    a, b = names
    return ("neither", f"{a} only", f"{b} only", f"{a} and {b}")


def _exposed(people: pd.DataFrame, exposures: Mapping[str, Sequence[int]]):
    one, two = (people[column].isin(list(levels)) for column, levels in exposures.items())
    return one, two


def _prepared(people, adjust, exposures, names):
    """Complete cases, the group of each person, and the matrix of what is adjusted for."""
    known = people.dropna(subset=[*exposures, *adjust, "follow_up_years", "died"])
    one, two = _exposed(known, exposures)
    labels = _labels(names)
    groups = pd.Series(np.array(labels, dtype=object)[one + 2 * two], index=known.index)
    deaths = known["died"].astype(int).groupby(groups).sum()
    for label in labels:
        if deaths.get(label, 0) == 0:
            raise AnalysisError(f"Nobody died in the group '{label}', so it cannot be compared.")
    return known, groups, _matrix(known, adjust)


def _matrix(known: pd.DataFrame, adjust: Sequence[str]) -> pd.DataFrame:
    """Numbers as they are; text, categories and yes-no columns against their first level."""
    parts = [pd.DataFrame(index=known.index)]
    for column in adjust:
        values = known[column]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            parts.append(values.astype(float))
            continue
        levels = sorted(values.unique())
        parts += [((values == level) * 1.0).rename(f"{column} {level}") for level in levels[1:]]
    return pd.concat(parts, axis=1)


def _fit(known: pd.DataFrame, matrix: pd.DataFrame):
    return engine.cox(
        known["follow_up_years"].to_numpy(float),
        known["died"].to_numpy(bool),
        matrix.to_numpy(),
        names=list(matrix.columns),
    )
