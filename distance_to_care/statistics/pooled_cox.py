"""Cox's model over several registries, without moving a person from one to another.

Each registry is a stratum: it has a baseline hazard of its own. The log partial likelihood of the
stratified model is then a sum over registries, and so are its derivatives. At given coefficients a
registry works out only its score and its information (`contribution`); whoever holds the
contributions adds them up (`added`) and takes Newton's step (`newton`). The likelihood itself stays
inside: with ten digits it tells how many were still followed when each of a few people left. After
some five rounds the coefficients are those of the stratified model on all people together: not
close to them, the same. The cheaper way averages the ratios that each registry released
(`averaged`, `synthesis`), and is an approximation (`ways_compared`).

Lu and others 2015 (WebDISCO), doi 10.1093/jamia/ocv083; Efron 1977, doi 10.2307/2286217; Deuflhard
2011 (the natural monotonicity test), doi 10.1007/978-3-642-23899-4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from distance_to_care import cohort, synthesis
from distance_to_care.disclosure import counts
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics import engine
from distance_to_care.study import Study
from distance_to_care.survival import label

# Newton's method has arrived where the next step is this small, in standard errors. Each step
# squares the distance, so the coefficients are then known to as many digits as a computer keeps.
ARRIVED = 1e-8
# Coefficients travel with the digits of published tables, so that all sites use the same ones.
DIGITS = 10
# So near the maximum, in standard errors, a longer score is rounding of the contributions.
ROUNDING = 1e-5
COEFFICIENT, SCORE, INFORMATION = "coefficient", "score", "information"
UNITS = {COEFFICIENT: "natural logarithm", SCORE: SCORE, INFORMATION: INFORMATION}
PER_UNIT = "per unit"
ALL_PEOPLE = "stratified, all people"
FIXED, RANDOM = "one-round average, fixed", "one-round average, random effects"
# Cells of person-time that hold fewer people than this are too small to leave a registry.
FEW = 5


def rounded(values: Sequence[float]) -> list[float]:
    """Round numbers to the significant digits that published tables keep.

    Parameters
    ----------
    values : numbers.

    Returns
    -------
    The numbers, so rounded that writing and reading a published table leaves them as they are.
    """
    return [float(f"{value:.{DIGITS}g}") for value in values]


def contrasts(study: Study, exposure: str, model: str) -> pd.DataFrame:
    """List the columns of a model's design from the study file alone, so that all sites agree.

    The levels are those that the study file declares, whoever is in a cohort. Numbers are not
    centred: what is taken from a number in everybody cancels out of the partial likelihood.

    Parameters
    ----------
    study : the study.
    exposure : `deprivation_quintile` or `distance_quintile`.
    model : `unadjusted`, or an adjustment set of the study.

    Returns
    -------
    One row a column of the design, in order: `term` (its name), `variable`, `level` (`per unit`
    for numbers), `reference`, `unit`.

    Raises
    ------
    Problem : an exposure, a set or a column that there is not; text without declared levels.
    """
    adjusted = () if model == "unadjusted" else study.adjustment(model, exposure)
    if model == "unadjusted":
        # Asks for the exposure in the same words as the other models.
        study.adjustment(next(iter(study.adjustments)), exposure) if study.adjustments else None
    references = cohort.Cohort(pd.DataFrame(), study, "").references
    computed = {each.name for each in (*study.scores, *study.derived)}
    rows = []
    for variable in (exposure, *adjusted):
        column = None if variable in computed else study.columns.get(variable)
        if variable in cohort.REFERENCE:
            levels = [1, 2, 3, 4, 5]
        elif column is None or (column.type in ("number", "integer") and not column.levels):
            rows.append((variable, variable, PER_UNIT, "", _unit(study, variable)))
            continue
        elif column.type == "boolean":
            levels = [False, True]
        elif column.levels:
            levels = list(column.levels)
        else:
            raise Problem(
                f"The study file declares no levels of '{variable}', so two registries could mean "
                "different things by it. Add its levels to the study file."
            )
        base = references.get(variable, levels[0])
        rows += [
            (f"{variable}[{label(level)}]", variable, label(level), label(base), "0 or 1")
            for level in levels
            if level != base
        ]
    return pd.DataFrame(rows, columns=["term", "variable", "level", "reference", "unit"])


def _unit(study: Study, variable: str) -> str:
    """The unit of a number: a column's own, points of a score, a transform of a column's unit."""
    for derived in study.derived:
        if derived.name == variable:
            return f"{derived.transform} of {study.column(derived.column).unit}"
    return study.columns[variable].unit if variable in study.columns else "points"


def complete(people: pd.DataFrame, terms: pd.DataFrame) -> pd.DataFrame:
    """Keep the people for whom every column of a model is known.

    Parameters
    ----------
    people : one row a person, with the columns of the model.
    terms : what `contrasts` returned.

    Returns
    -------
    Those people.

    Raises
    ------
    AnalysisError : a column of the model is not there.
    """
    variables = list(dict.fromkeys(terms["variable"]))
    missing = [variable for variable in variables if variable not in people]
    if missing:
        raise AnalysisError(f"The people have no column '{missing[0]}', which the model needs.")
    return people.dropna(subset=variables)


def design(people: pd.DataFrame, terms: pd.DataFrame) -> pd.DataFrame:
    """Lay out people in the columns of a model: a level without people is a column of noughts.

    Parameters
    ----------
    people : one row a person, every column of the model known (`complete`).
    terms : what `contrasts` returned.

    Returns
    -------
    One row a person, one column a term.
    """
    columns = {}
    for variable, rows in terms.groupby("variable", sort=False):
        values = people[variable]
        if rows["level"].iloc[0] == PER_UNIT:
            columns[rows["term"].iloc[0]] = values.to_numpy(float)
            continue
        codes, levels = pd.factorize(values)
        named = np.array([label(level) for level in levels], dtype=object)[codes]
        for row in rows.itertuples():
            columns[row.term] = (named == row.level).astype(float)
    return pd.DataFrame(columns, index=people.index)[list(terms["term"])]


def contribution(
    people: pd.DataFrame, terms: pd.DataFrame, coefficients: Sequence[float]
) -> pd.DataFrame:
    """Work out what one registry adds to the stratified partial likelihood at given coefficients.

    Parameters
    ----------
    people : one row a person; `follow_up_years`, `outcome` and the columns of the model. People
        with any of them missing are left out.
    terms : what `contrasts` returned.
    coefficients : one log hazard ratio a term.

    Returns
    -------
    One row a number: `measure` (coefficient, score, information), `term`, `with_term` (of the
    information, each pair once), `estimate`, `unit`, `people`, `deaths`, and for disclosure control
    `level_people`, `level_deaths` and `level_others` (those who did not die): the smaller of a
    level and its reference, everybody for numbers. A level without people or deaths has noughts
    there.

    Raises
    ------
    AnalysisError : a column that is not there; nobody died; coefficients too many, too few or too
        large.
    """
    if len(coefficients) != len(terms):
        raise AnalysisError(
            f"The model has {len(terms)} terms, and {len(coefficients)} coefficients were given."
        )
    known = complete(people, terms)
    matrix, died = design(known, terms), (known["outcome"] == "died").to_numpy()
    _, score, information = engine.derivatives(
        known["follow_up_years"].to_numpy(float), died, matrix.to_numpy(), coefficients
    )
    sides = level_sizes(matrix, died, terms)
    names, rows = list(terms["term"]), []
    for j, term in enumerate(names):
        rows.append({"measure": COEFFICIENT, "term": term, "estimate": coefficients[j], **sides[j]})
        rows.append({"measure": SCORE, "term": term, "estimate": score[j], **sides[j]})
        for k in range(j, len(names)):
            pair = {what: min(sides[j][what], sides[k][what]) for what in sides[j]}
            entry = {"term": term, "with_term": names[k], "estimate": information[j, k]}
            rows.append({"measure": INFORMATION, **entry, **pair})
    table = pd.DataFrame(rows).assign(people=len(known), deaths=int(died.sum()))
    table["unit"] = table["measure"].map(UNITS)
    return table.fillna({"with_term": ""})


def level_sizes(matrix: pd.DataFrame, died: np.ndarray, terms: pd.DataFrame) -> list[dict]:
    """Count who is behind each term, died and did not: the smaller of a level and its reference.

    Parameters
    ----------
    matrix : what `design` returned. died : whether each person died. terms : its terms.

    Returns
    -------
    For each term `level_people`, `level_deaths` and `level_others`; everybody for a number.
    """
    found, values = [], matrix.to_numpy() == 1
    variables = terms["variable"].to_numpy()
    for place, row in enumerate(terms.itertuples()):
        if row.level == PER_UNIT:
            sides = [np.ones(len(matrix), dtype=bool)]
        else:
            sides = [values[:, place], ~values[:, variables == row.variable].any(axis=1)]
        found.append(
            {
                "level_people": min(int(side.sum()) for side in sides),
                "level_deaths": min(int(died[side].sum()) for side in sides),
                "level_others": min(int((~died[side]).sum()) for side in sides),
            }
        )
    return found


def reach(people: pd.DataFrame, terms: pd.DataFrame, coefficients: Sequence[float]) -> pd.Series:
    """Say how far coefficients move a hazard: the ratio that each term makes, or its inverse.

    Parameters
    ----------
    people, terms, coefficients : as for `contribution`.

    Returns
    -------
    One number a term, 1 or more: the ratio of a level to its reference, or of one standard
    deviation of a number among these people.
    """
    matrix = design(complete(people, terms), terms)
    widths = [
        float(matrix[row.term].std(ddof=0)) if row.level == PER_UNIT else 1.0
        for row in terms.itertuples()
    ]
    with np.errstate(over="ignore"):
        ratios = np.exp(np.abs(np.asarray(coefficients, dtype=float)) * widths)
    return pd.Series(ratios, index=list(terms["term"]))


def heaviest(
    people: pd.DataFrame, terms: pd.DataFrame, coefficients: Sequence[float]
) -> pd.DataFrame:
    """Say how much of the weight of those still followed one person has, at each death.

    The score and the information at some coefficients are made of means over those still followed,
    in which a person weighs as much as the exponential of the linear predictor.

    Parameters
    ----------
    people, terms, coefficients : as for `contribution`.

    Returns
    -------
    One row a time of death: `at_risk` (people still followed), `largest_share` (of their weight,
    that of the one who weighs most).
    """
    known = complete(people, terms)
    linear = design(known, terms).to_numpy() @ np.asarray(coefficients, dtype=float)
    # Only ratios count; the largest is 1, so that nothing overflows.
    weights = np.exp(linear - linear.max(initial=-np.inf))
    times = known["follow_up_years"].to_numpy(float)
    order = np.argsort(-times, kind="stable")
    followed, most = np.cumsum(weights[order]), np.maximum.accumulate(weights[order])
    deaths = np.unique(times[(known["outcome"] == "died").to_numpy()])
    at_risk = np.searchsorted(-times[order], -deaths, side="right")
    total = followed[at_risk - 1]
    share = np.divide(most[at_risk - 1], total, out=np.ones(len(deaths)), where=total > 0)
    return pd.DataFrame({"at_risk": at_risk, "largest_share": share})


@dataclass(frozen=True)
class Sums:
    """The derivatives of the log partial likelihood of several registries, at coefficients."""

    terms: tuple[str, ...]
    coefficients: np.ndarray
    score: np.ndarray
    information: np.ndarray


def of_table(table: pd.DataFrame) -> Sums:
    """Read one contribution back from its table.

    Parameters
    ----------
    table : what `contribution` returned, as published.

    Returns
    -------
    A `Sums` of one registry.

    Raises
    ------
    AnalysisError : a number is missing or withheld.
    """
    by = dict(list(table.groupby("measure")))
    wanted = (COEFFICIENT, SCORE, INFORMATION)
    parts = [by.get(measure, table.iloc[:0]) for measure in wanted]
    terms = tuple(parts[0]["term"])
    whole = [len(terms), len(terms), len(terms) * (len(terms) + 1) // 2]
    given = [int(part["estimate"].notna().sum()) for part in parts]
    if given != whole or set(parts[1]["term"]) != set(terms):
        raise AnalysisError("The contribution is not whole: a number is missing or withheld.")
    place = {term: j for j, term in enumerate(terms)}
    score, information = np.zeros(len(terms)), np.zeros((len(terms), len(terms)))
    for row in parts[1].itertuples():
        score[place[row.term]] = row.estimate
    for row in parts[2].itertuples():
        j, k = place[row.term], place[row.with_term]
        information[j, k] = information[k, j] = row.estimate
    return Sums(terms, parts[0]["estimate"].to_numpy(float), score, information)


def added(contributions: Sequence[Sums]) -> Sums:
    """Add up what registries contributed at the same coefficients.

    Parameters
    ----------
    contributions : one `Sums` a registry, with the same terms and coefficients.

    Returns
    -------
    Their sum: that of the model on all people together, with the registry as a stratum.

    Raises
    ------
    AnalysisError : none; other terms; other coefficients.
    """
    if not contributions:
        raise AnalysisError("There is no contribution to add up.")
    first = contributions[0]
    parts = []
    for each in contributions:
        if set(each.terms) != set(first.terms):
            raise AnalysisError("The contributions have different terms.")
        order = [each.terms.index(term) for term in first.terms]
        if not np.array_equal(each.coefficients[order], first.coefficients):
            raise AnalysisError("The contributions were made at different coefficients.")
        parts.append((each.score[order], each.information[np.ix_(order, order)]))
    score, information = (sum(part) for part in zip(*parts, strict=True))
    return Sums(first.terms, first.coefficients, score, information)


@dataclass(frozen=True)
class Newton:
    """Where Newton's method goes next; `distance` is the full step in standard errors."""

    coefficients: np.ndarray
    start: Sums
    fraction: float
    distance: float
    arrived: bool


def newton(now: Sums, last: Newton | None = None) -> Newton:
    """Take Newton's step, or half of the last one where the score grew longer.

    Score and information at the start say how long a score is, in standard errors. Along Newton's
    step it first grows shorter, so some half of it does; at the maximum its length is nought.

    Parameters
    ----------
    now : the sum of the contributions at the present coefficients.
    last : the step that led to them; None in the first round.

    Returns
    -------
    A `Newton`: the next coefficients, the sums from which the step starts, the fraction of the
    full step that it is, its length in standard errors, and whether it is too short to matter.

    Raises
    ------
    AnalysisError : terms that no registry can tell apart, or of which none knows anything.
    """
    start, fraction = now, 1.0
    if last is not None:
        length, before = (_length(last.start, each.score) for each in (now, last.start))
        if length > max(before, ROUNDING):
            start, fraction = last.start, last.fraction / 2
    step = full_step(start)
    distance = _length(start, start.score)
    return Newton(
        start.coefficients + fraction * step,
        start,
        fraction,
        distance,
        fraction == 1.0 and distance < ARRIVED,
    )


def _length(at: Sums, score: np.ndarray) -> float:
    """How long a score is, in the standard errors of the information at some coefficients."""
    step = full_step(Sums(at.terms, at.coefficients, score, at.information))
    return float(np.sqrt(max(step @ score, 0.0)))


def full_step(at: Sums) -> np.ndarray:
    """Solve the information for the score: Newton's step from these coefficients.

    Parameters
    ----------
    at : the sums.

    Returns
    -------
    The change of each coefficient.

    Raises
    ------
    AnalysisError : terms that no registry can tell apart, or of which none knows anything.
    """
    spread = np.diag(at.information)
    for term, value in zip(at.terms, spread, strict=True):
        if not value > 0:
            raise AnalysisError(
                f"No registry knows anything of '{term}': nobody is in it, or everybody."
            )
    width = np.sqrt(spread)
    scaled = at.information / np.outer(width, width)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < engine.COLLINEAR:
        apart = np.abs(vectors[:, 0]) > 1e-3
        names = ", ".join(f"'{t}'" for t, is_in in zip(at.terms, apart, strict=True) if is_in)
        raise AnalysisError(f"These terms determine one another: {names}. Leave one out.")
    return np.linalg.solve(scaled, at.score / width) / width


def hazard_ratios(now: Sums, terms: pd.DataFrame) -> pd.DataFrame:
    """Turn sums into hazard ratios with 95% intervals, after the last step of Newton's method.

    Parameters
    ----------
    now : the sum of the contributions, near the maximum.
    terms : what `contrasts` returned.

    Returns
    -------
    One row a term: `term` (the variable), `level`, `reference`, `coefficient`, `standard_error`,
    `hazard_ratio`, `ci_low`, `ci_high`, `p_value`.

    Raises
    ------
    AnalysisError : as for `full_step`.
    """
    order = [now.terms.index(term) for term in terms["term"]]
    found = (now.coefficients + full_step(now))[order]
    error = np.sqrt(np.diag(np.linalg.inv(now.information)))[order]
    return pd.DataFrame(
        {
            "term": terms["variable"],
            "level": terms["level"],
            "reference": terms["reference"],
            "coefficient": found,
            "standard_error": error,
            "hazard_ratio": np.exp(found),
            "ci_low": np.exp(found - engine.Z95 * error),
            "ci_high": np.exp(found + engine.Z95 * error),
            "p_value": 2 * norm.sf(np.abs(found / error)),
        }
    )


# -- the one-round average -------------------------------------------------------------------------


def averaged(ratios: pd.DataFrame, method: str = "reml") -> pd.DataFrame:
    """Average the released ratios of registries, level by level: fixed and random effects.

    Parameters
    ----------
    ratios : one row a registry, model, exposure and level: `registry, model, exposure, level,
        reference, hazard_ratio, ci_low, ci_high`; the ratio is empty where it was withheld.
    method : of random effects, as `synthesis.pool`; its intervals are those of Hartung and Knapp.

    Returns
    -------
    For each model, exposure and level first its registries (`measure` is `registry`), then the
    rows of `synthesis.pool`, by inverse variance and with random effects: `model, exposure, level,
    reference, registry, method, measure, estimate, ci_low, ci_high, standard_error, statistic,
    degrees_of_freedom, p_value, registries, unit, note`. The note says who withheld a ratio. One
    ratio alone is not averaged.
    """
    parts = []
    keys = ["model", "exposure", "level", "reference"]
    for names, rows in ratios.groupby(keys, sort=False):
        parts.append(_one_level(rows, method).assign(**dict(zip(keys, names, strict=True))))
    columns = [*keys, "registry", "method", "measure", "estimate", "ci_low", "ci_high"]
    columns += ["standard_error", "statistic", "degrees_of_freedom", "p_value", "registries"]
    out = pd.concat(parts, ignore_index=True).reindex(columns=[*columns, "unit", "note"])
    return out.fillna(dict.fromkeys(("registry", "method", "note"), ""))


def _one_level(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """The registries of one level as they are, and their averages."""
    known = rows["hazard_ratio"].notna() & rows["ci_low"].notna() & rows["ci_high"].notna()
    as_is = rows.rename(columns={"hazard_ratio": "estimate"}).assign(
        measure="registry", unit="hazard ratio", note=np.where(known, "", "withheld, not used")
    )
    parts = [as_is[["registry", "measure", "estimate", "ci_low", "ci_high", "unit", "note"]]]
    withheld = list(rows.loc[~known, "registry"])
    told = f"Without {', '.join(withheld)}, which withheld it." if withheld else ""
    if known.sum() > 1:
        published = pd.DataFrame(
            {
                "study": rows.loc[known, "registry"],
                "outcome": "death",
                "measure": "hazard_ratio",
                "estimate": rows.loc[known, "hazard_ratio"],
                "ci_low": rows.loc[known, "ci_low"],
                "ci_high": rows.loc[known, "ci_high"],
            }
        )
        estimates = synthesis.log_estimates(published)
        for way in ("fixed", method):
            found = synthesis.pool(estimates, way).rename(columns={"studies": "registries"})
            notes = [" ".join(filter(None, (note, told))) for note in found["note"]]
            parts.append(found.assign(note=notes))
    filled = [part.dropna(axis="columns", how="all") for part in parts]
    return pd.concat(filled, ignore_index=True)


# -- how far the ways are apart --------------------------------------------------------------------


def ways_compared(
    registries: Mapping[str, pd.DataFrame],
    terms: pd.DataFrame,
    smallest: int = 0,
    rounds: Sequence[int] = (1, 2, 3, 5),
) -> pd.DataFrame:
    """Set every way of pooling beside the stratified model of all people together.

    Parameters
    ----------
    registries : the people of each registry, as for `contribution`.
    terms : what `contrasts` returned; its first variable is the exposure.
    smallest : what may leave a registry: ratios with at least this many people and deaths in the
        level and in its reference, with the decimals that disclosure control leaves, and
        contributions with as many people in every level of the model, as many who died and as many
        who did not; with 0 everything that can be worked out.
    rounds : which rounds of the exact way are shown; those before them are worked out too.

    Returns
    -------
    One row a way and level of the exposure: `method` (`stratified, all people`, the two averages,
    `exact, round k`), `level`, `estimate` (hazard ratio; empty where nobody may release it),
    `ci_low`, `ci_high`, `difference` (relative, from the stratified model of all people), and
    `registries` (how many took part).

    Raises
    ------
    AnalysisError : the stratified model of all people cannot be estimated.
    """
    exposure = terms["variable"].iloc[0]
    shown = terms["variable"] == exposure
    known = {name: complete(people, terms) for name, people in registries.items()}
    stacked = pd.concat(known.values(), ignore_index=True)
    fit = engine.cox(
        stacked["follow_up_years"].to_numpy(float),
        (stacked["outcome"] == "died").to_numpy(),
        design(stacked, terms).to_numpy(),
        strata=np.repeat(np.arange(len(known)), [len(people) for people in known.values()]),
        names=list(terms["term"]),
    )
    levels = list(terms.loc[shown, "level"])
    truth = fit.coefficients[shown]
    rows = _rows(ALL_PEOPLE, levels, truth, fit.standard_errors[shown], len(known))
    ratios, able = [], []
    for name, people in known.items():
        sizes = level_sizes(design(people, terms), _died(people), terms)
        # A ratio needs people and deaths; a contribution needs some who did not die as well.
        ample = np.array(
            [min(s["level_people"], s["level_deaths"]) >= max(smallest, 1) for s in sizes]
        )
        whole = min(min(size.values()) for size in sizes) >= smallest
        if (whole or not smallest) and _died(people).any():
            able.append(people)
        found = _released(name, people, terms, ample)
        # Ratios leave a registry with few decimals.
        ratios.append(counts.significant(found) if smallest else found)
    average = averaged(pd.concat(ratios, ignore_index=True))
    main = average["measure"].isin([synthesis.SUM, synthesis.TWO])
    for way, fixed in ((FIXED, True), (RANDOM, False)):
        its = average[main & ((average["method"] == synthesis.METHODS["fixed"]) == fixed)]
        by = its.set_index("level").reindex(levels)
        rows += [
            {"method": way, "level": level, "estimate": row.estimate, "ci_low": row.ci_low,
             "ci_high": row.ci_high, "registries": row.registries}
            for level, row in zip(levels, by.itertuples(), strict=True)
        ]  # fmt: skip
    rows += _rounds(able, terms, levels, shown, rounds)
    table = pd.DataFrame(rows)
    table["registries"] = table["registries"].fillna(0).astype(int)
    table["difference"] = table["estimate"] / table["level"].map(
        dict(zip(levels, np.exp(truth), strict=True))
    ) - 1  # fmt: skip
    return table


def _died(people: pd.DataFrame) -> np.ndarray:
    return (people["outcome"] == "died").to_numpy()


def _rows(method: str, levels, coefficients, errors, registries: int) -> list[dict]:
    return [
        {
            "method": method,
            "level": level,
            "estimate": np.exp(middle),
            "ci_low": np.exp(middle - engine.Z95 * error),
            "ci_high": np.exp(middle + engine.Z95 * error),
            "registries": registries,
        }
        for level, middle, error in zip(levels, coefficients, errors, strict=True)
    ]


def _released(name: str, people: pd.DataFrame, terms: pd.DataFrame, ample: np.ndarray):
    """The ratios of one registry's own model, empty where they are withheld or not estimable."""
    exposure = terms["variable"].iloc[0]
    matrix = design(people, terms)
    varies = (matrix.max() > matrix.min()).to_numpy()
    found, error = (np.full(len(terms), np.nan) for _ in range(2))
    try:
        fit = engine.cox(
            people["follow_up_years"].to_numpy(float), _died(people), matrix.to_numpy()[:, varies]
        )
        found[varies], error[varies] = fit.coefficients, fit.standard_errors
    except AnalysisError:
        # What a registry cannot estimate it cannot release.
        ample = np.zeros(len(terms), dtype=bool)
    found = np.where(ample, found, np.nan)
    table = pd.DataFrame(
        {
            "registry": name,
            "model": "model",
            "exposure": exposure,
            "level": terms["level"],
            "reference": terms["reference"],
            "hazard_ratio": np.exp(found),
            "ci_low": np.exp(found - engine.Z95 * error),
            "ci_high": np.exp(found + engine.Z95 * error),
        }
    )
    return table[terms["variable"] == exposure]


def _rounds(able, terms, levels, shown, rounds: Sequence[int]) -> list[dict]:
    """The coefficients after each round of the exact way, of those who may contribute."""
    rows, at, last = [], np.zeros(len(terms)), None
    names = tuple(terms["term"])
    as_arrays = [
        (
            people["follow_up_years"].to_numpy(float),
            _died(people),
            design(people, terms).to_numpy(),
        )
        for people in able
    ]
    for number in range(1, max(rounds) + 1):
        nobody = np.full(len(levels), np.nan)
        found, errors = nobody, nobody
        if able:
            # As `contribution`, without the table that would be published.
            now = added(
                [Sums(names, at, *engine.derivatives(*of_one, at)[1:]) for of_one in as_arrays]
            )
            last = newton(now, last)
            at = np.array(rounded(last.coefficients))
            found = last.coefficients[shown]
            errors = np.sqrt(np.diag(np.linalg.inv(last.start.information)))[shown]
        if number in rounds:
            rows += _rows(f"exact, round {number}", levels, found, errors, len(able))
    return rows


def may_leave(
    registries: Mapping[str, pd.DataFrame], terms: pd.DataFrame, smallest: int
) -> pd.DataFrame:
    """Say what each registry could release: how many ratios, and whether a contribution.

    Parameters
    ----------
    registries, terms, smallest : as for `ways_compared`.

    Returns
    -------
    One row a registry: `group` (its name), `people`, `deaths` (those of the model), `contributes`
    (whether a contribution may leave), `note` (that, and how many ratios of the exposure may).
    """
    exposure, rows = (terms["variable"] == terms["variable"].iloc[0]).to_numpy(), []
    for name, people in registries.items():
        known = complete(people, terms)
        died = _died(known)
        sizes = level_sizes(design(known, terms), died, terms)
        ample = np.array([min(s["level_people"], s["level_deaths"]) >= smallest for s in sizes])
        whole = min(min(size.values()) for size in sizes) >= smallest
        row = {"group": name, "people": len(known), "deaths": int(died.sum())}
        row["contributes"] = whole
        answer = "may" if whole else "may not"
        note = f"{int(ample[exposure].sum())} of {int(exposure.sum())} ratios may leave"
        rows.append(row | {"note": f"{note}; it {answer} contribute"})
    return pd.DataFrame(rows)


def agreement(compared: pd.DataFrame) -> pd.DataFrame:
    """Count the digits to which each way agrees with the stratified model of all people.

    Parameters
    ----------
    compared : what `ways_compared` returned, for one set of registries or several together.

    Returns
    -------
    One row a way: `group` (the way), `estimate` (digits that agree: minus the logarithm to base
    ten of the relative difference, the middle one of all levels and sets; from 0 to 10), `low`,
    `high` (the fewest and most), `difference` (the largest, relative, to four decimals),
    `answers` (ratios compared), `unit`. A way that gave no ratio is left out.
    """
    rows = []
    known = compared.dropna(subset="estimate")
    for way, each in known[known["method"] != ALL_PEOPLE].groupby("method", sort=False):
        apart = each["difference"].abs().to_numpy()
        digits = np.clip(-np.log10(np.maximum(apart, 1e-300)), 0, DIGITS)
        # Further decimals of what is nearly nought are the rounding of processors.
        rows.append(
            {
                "group": way,
                "estimate": round(float(np.median(digits)), 1),
                "low": round(float(digits.min()), 1),
                "high": round(float(digits.max()), 1),
                "difference": round(float(apart.max()), 4),
                "answers": len(each),
                "unit": "digits",
            }
        )
    return pd.DataFrame(rows)


def person_time_cells(
    people: pd.DataFrame, by: Sequence[str], width_years: float = 1.0
) -> pd.DataFrame:
    """Count the people in the cells of a table of person-time: interval by covariates.

    Such a table, with its deaths, would be enough for a Poisson model in place of Cox's. It is
    worked out here only to show how small its cells are.

    Parameters
    ----------
    people : one row a person; `follow_up_years` (years) and the columns `by`, all known.
    by : columns whose combinations are cells.
    width_years : length of an interval of follow-up.

    Returns
    -------
    Two rows, all cells with a person in them and those with a death: `measure`, `group`, `cells`
    (how many there are), `estimate` (per cent of them with fewer than five people, or deaths),
    `unit`.
    """
    last = np.floor(people["follow_up_years"].to_numpy(float) / width_years).astype(int)
    row = np.repeat(np.arange(len(people)), last + 1)
    start = np.cumsum(last + 1) - (last + 1)
    interval = np.arange(len(row)) - start[row]
    cells = people[list(by)].iloc[row].reset_index(drop=True).assign(_interval=interval)
    cells["_died"] = _died(people)[row] & (interval == last[row])
    counted = cells.groupby([*by, "_interval"], observed=True)["_died"].agg(["size", "sum"])
    parts = {"all cells": counted["size"]}
    parts["cells with a death"] = counted.loc[counted["sum"] > 0, "sum"]
    return pd.DataFrame(
        [
            {
                "measure": f"fewer than {FEW} people or deaths",
                "group": group,
                "cells": len(part),
                "estimate": 100 * float((part < FEW).mean()) if len(part) else np.nan,
                "unit": "per cent",
            }
            for group, part in parts.items()
        ]
    )
