"""Multiple imputation: fill missing values in several times, and pool what each set says.

The filling is by chained equations (van Buuren 2007, doi 10.1177/0962280206074463): each column in
turn is drawn from a model of it given all the others, with the model's own parameters drawn first,
so that what is not known stays not known. It is written here because statsmodels' MICE takes no
categories and fails with a proportional hazards model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError

# People whose value may be lent to one whose value is missing (Morris, White and Royston 2014).
DONORS = 10
# As in R's mice: what keeps predictors that follow from each other estimable.
RIDGE = 1e-5
# What is known of a parameter at the least, so that a level which nobody known has is not drawn
# from anywhere: a tenth of what one person tells.
LEAST_INFORMATION = 0.1
# Fewer people than this with a value cannot say what the others' values might be.
FEWEST_KNOWN = 10


def pool(
    estimates: pd.DataFrame | Sequence,
    variances: pd.DataFrame | Sequence,
    complete_degrees_of_freedom: float | None = None,
) -> pd.DataFrame:
    """Pool the estimates of several imputed sets by Rubin's rules.

    Parameters
    ----------
    estimates : one row an imputed set, one column a term; a plain list for one term. On a scale on
        which estimates are about normal: log hazard ratios, not hazard ratios.
    variances : squared standard errors, in the same shape.
    complete_degrees_of_freedom : those of the analysis had nothing been missing (for a Cox model,
        deaths less terms, as R's mice has it): Barnard and Rubin's small-sample degrees of freedom
        then, Rubin's of 1987 where not given.

    Returns
    -------
    One row a term: `term`, `estimate`, `standard_error`, `ci_low`, `ci_high` (95%, t interval),
    `degrees_of_freedom`, `fraction_missing` (of the information on the term, 0 to 1).

    Raises
    ------
    AnalysisError : for fewer than two sets, different shapes, values that are missing, negative
        variances.

    Rubin 1987, doi 10.1002/9780470316696; Barnard and Rubin 1999, doi 10.1093/biomet/86.4.948.
    """
    try:
        values = pd.DataFrame(estimates).astype(float)
        squares = pd.DataFrame(variances).astype(float)
    except (TypeError, ValueError):
        raise AnalysisError(
            "Estimates and variances must be numbers, a row an imputed set and a column a term."
        ) from None
    if values.shape != squares.shape or not values.columns.equals(squares.columns):
        raise AnalysisError("Estimates and variances must have the same sets and the same terms.")
    sets = len(values)
    if sets < 2:
        raise AnalysisError("Pooling needs the estimates of at least two imputed sets.")
    each, within_each = values.to_numpy(dtype=float), squares.to_numpy(dtype=float)
    if not (np.isfinite(each).all() and np.isfinite(within_each).all()):
        raise AnalysisError("An imputed set has no estimate or no variance for some term.")
    if (within_each <= 0).any():
        raise AnalysisError("Variances must be above 0.")
    if complete_degrees_of_freedom is not None and not complete_degrees_of_freedom > 0:
        raise AnalysisError("The degrees of freedom of the complete analysis must be above 0.")
    within, between = within_each.mean(axis=0), each.var(axis=0, ddof=1)
    added = (1 + 1 / sets) * between
    total = within + added
    share = added / total
    with np.errstate(divide="ignore"):
        # Sets that agree wholly have nothing missing: infinite degrees of freedom.
        degrees = (sets - 1) / share**2
    if complete_degrees_of_freedom is not None:
        complete = complete_degrees_of_freedom
        observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        degrees = 1 / (1 / degrees + 1 / observed)
    increase = added / within
    reach = stats.t.ppf(0.975, degrees) * np.sqrt(total)
    return pd.DataFrame(
        {
            "term": values.columns.to_numpy(),
            "estimate": each.mean(axis=0),
            "standard_error": np.sqrt(total),
            "ci_low": each.mean(axis=0) - reach,
            "ci_high": each.mean(axis=0) + reach,
            "degrees_of_freedom": degrees,
            "fraction_missing": (increase + 2 / (degrees + 3)) / (increase + 1),
        }
    )


def impute(
    people: pd.DataFrame,
    columns: Sequence[str],
    predictors: Sequence[str] = (),
    imputations: int = 20,
    seed: int = 0,
    duration: str | None = None,
    event: str | None = None,
    empty_when: Mapping[str, str] | None = None,
    iterations: int = 10,
) -> pd.DataFrame:
    """Fill missing values several times by chained equations.

    Numbers are filled by predictive mean matching (ten donors), so only with values that somebody
    has; booleans and two levels by logistic regression; more levels by a chain of logistic
    regressions, each level against those after it. Where `duration` and `event` are given, the
    event and the Nelson-Aalen cumulative hazard are among the predictors: without the outcome a
    later Cox model would be biased towards no effect.

    Parameters
    ----------
    people : one row a person.
    columns : columns to fill; each also predicts the others.
    predictors : further columns that predict, nothing missing: all that the later model holds, and
        what says why values are missing. Numbers enter as they are, others by level.
    imputations : number of completed sets.
    seed : the same seed gives the same sets; the first sets do not depend on how many follow.
    duration, event : follow-up time, and the 0-1 or boolean column that says who had the event.
    empty_when : for a column, the boolean column that, where true, says that the cell is empty by
        nature (a test that the person could not do). Such cells are not missing and stay empty.
    iterations : rounds through the columns before a set is taken.

    Returns
    -------
    The completed people of every set, one below the other, with `imputation` (1, 2, ...) before
    their columns. A score of filled columns must be computed from them again.

    Raises
    ------
    AnalysisError : for a column that is not there, a predictor with missing values, a column known
        for too few people or with one value only, a duration without an event.

    White and Royston 2009, doi 10.1002/sim.3618; White, Royston and Wood 2011, doi
    10.1002/sim.4067; White, Daniel and Royston 2010, doi 10.1016/j.csda.2010.04.005; Morris, White
    and Royston 2014, doi 10.1186/1471-2288-14-75.
    """
    empty_when = dict(empty_when or {})
    predictors = [column for column in predictors if column not in columns]
    _check(people, columns, predictors, imputations, iterations, duration, event, empty_when)
    variables = [_variable(people, column, empty_when.get(column)) for column in columns]
    fixed = [
        variable.block(variable.values)
        for variable in (_variable(people, name, empty_when.get(name)) for name in predictors)
    ]
    flags = {flag for flag in empty_when.values() if flag not in (*predictors, *columns)}
    fixed += [people[flag].to_numpy(dtype=float)[:, None] for flag in sorted(flags)]
    if duration is not None:
        time, died = people[duration].to_numpy(float), people[event].to_numpy(float)
        hazard = nelson_aalen(time, died)
        fixed += [died[:, None], (hazard / (hazard.std() or 1.0))[:, None]]
    fixed = np.column_stack([np.ones(len(people)), *fixed])
    # The columns with least missing go first, so that the others are predicted from more.
    filled = sorted((v for v in variables if v.missing.any()), key=lambda v: v.missing.sum())
    sets = []
    for number, source in enumerate(np.random.SeedSequence(seed).spawn(imputations), 1):
        random = np.random.default_rng(source)
        now = {variable.name: variable.start(random) for variable in variables}
        for _ in range(iterations if len(filled) > 1 else 1):
            for variable in filled:
                others = [v.block(now[v.name]) for v in variables if v.name != variable.name]
                design = np.column_stack([fixed, *others])
                now[variable.name][variable.missing] = variable.draw(design, random)
        completed = people.copy()
        for variable in filled:
            completed[variable.name] = variable.written(people, now[variable.name])
        completed.insert(0, "imputation", number)
        sets.append(completed)
    return pd.concat(sets, ignore_index=True)


def nelson_aalen(duration: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Estimate the cumulative hazard up to each person's own time (Nelson-Aalen).

    Parameters
    ----------
    duration : follow-up of each person.
    event : 1 where it ended in the event, else 0.

    Returns
    -------
    The cumulative hazard of each person, in their order.

    Aalen 1978, doi 10.1214/aos/1176344247.
    """
    times, place = np.unique(duration, return_inverse=True)
    events = np.bincount(place, weights=event)
    leaving = np.bincount(place)
    at_risk = leaving[::-1].cumsum()[::-1]
    return (events / at_risk).cumsum()[place]


@dataclass(frozen=True)
class _Variable:
    """A column as numbers: NaN where missing, the place of its level where it has levels."""

    name: str
    values: np.ndarray
    levels: np.ndarray | None
    applies: np.ndarray  # false where the cell is empty by nature

    @property
    def missing(self) -> np.ndarray:
        return np.isnan(self.values) & self.applies

    @property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.values) & self.applies

    def start(self, random: np.random.Generator) -> np.ndarray:
        """Fill with values of other people, drawn at random."""
        now = self.values.copy()
        now[self.missing] = random.choice(self.values[self.known], self.missing.sum())
        return now

    def block(self, now: np.ndarray) -> np.ndarray:
        """Columns of a design matrix: a standardised number, or one 0-1 column a level."""
        if self.levels is not None:
            return (now[:, None] == np.arange(1, len(self.levels))).astype(float)
        known = self.values[self.known]
        scaled = (now - known.mean()) / (known.std() or 1.0)
        return np.where(self.applies, scaled, 0.0)[:, None]

    def draw(self, design: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draw the missing values given the other columns."""
        known, missing = design[self.known], design[self.missing]
        values = self.values[self.known]
        if self.levels is None:
            return _matched(values, known, missing, random)
        drawn = np.full(len(missing), len(self.levels) - 1.0)
        open_ = np.ones(len(missing), dtype=bool)
        for level in range(len(self.levels) - 1):
            after = values >= level
            chance = _logistic_draw(values[after] == level, known[after], missing, random)
            here = open_ & (random.random(len(missing)) < chance)
            drawn[here] = level
            open_ &= ~here
        return drawn

    def written(self, people: pd.DataFrame, now: np.ndarray) -> pd.Series:
        """The column with its missing cells filled, in its own type."""
        column = people[self.name].copy()
        values = now[self.missing]
        if self.levels is not None:
            values = self.levels[values.astype(int)]
        column[self.missing] = values
        return column.infer_objects()


def _variable(people: pd.DataFrame, name: str, flag: str | None) -> _Variable:
    column = people[name]
    applies = np.ones(len(people), dtype=bool)
    if flag is not None:
        applies = ~people[flag].to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        return _Variable(name, values, None, applies)
    order = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else None
    there = column.dropna().unique()
    levels = sorted(there) if order is None else [level for level in order if level in set(there)]
    values = pd.Categorical(column, levels).codes.astype(float)
    values[values < 0] = np.nan
    return _Variable(name, values, np.array(levels, dtype=object), applies)


def _matched(values, known, missing, random) -> np.ndarray:
    """Lend each missing row the value of one of the nearest known rows (predictive mean matching).

    The known rows are predicted by the estimate, the missing by a draw of the parameters.
    """
    centre = values.mean()
    cross = known.T @ known
    cross += np.diag(np.maximum(np.diag(cross) * RIDGE, LEAST_INFORMATION))
    root = np.linalg.cholesky(cross)
    estimate = np.linalg.solve(cross, known.T @ (values - centre))
    left = values - centre - known @ estimate
    freedom = max(len(values) - known.shape[1], 1)
    spread = np.sqrt(left @ left / random.chisquare(freedom)) or 1.0
    drawn = estimate + spread * np.linalg.solve(root.T, random.standard_normal(len(estimate)))
    # In units of the spread and rounded, so that rows which are alike are predicted alike.
    of_known = np.round(known @ estimate / spread, 9)
    of_missing = np.round(missing @ drawn / spread, 9)
    order = np.argsort(of_known, kind="stable")
    of_known = of_known[order]
    after = np.clip(np.searchsorted(of_known, of_missing), 1, len(values) - 1)
    below, above = of_known[after - 1], of_known[after]
    nearest = np.where(of_missing - below < above - of_missing, below, above)
    # Among rows that are predicted alike, chance decides who lends.
    place = random.integers(
        np.searchsorted(of_known, nearest, "left"),
        np.searchsorted(of_known, nearest, "right"),
        endpoint=True,
    )
    width = min(DONORS, len(values) // 2)
    first = np.clip(place - width, 0, len(values) - 2 * width)
    window = first[:, None] + np.arange(2 * width)
    apart = np.abs(of_known[window] - of_missing[:, None])
    # A stable order, so that every processor picks the same donors.
    donors = np.argsort(apart, axis=1, kind="stable")[:, :width]
    chosen = donors[np.arange(len(missing)), random.integers(width, size=len(missing))]
    return values[order[window[np.arange(len(missing)), chosen]]]


def _logistic_draw(happened, known, missing, random) -> np.ndarray:
    """Draw the parameters of a logistic regression, and return the chances of the missing rows.

    A few made-up rows of small weight, as R's mice adds them, keep a column that separates the
    two outcomes from giving chances of 0 and 1.
    """
    terms = known.shape[1]
    middle, spread = known.mean(axis=0), known.std(axis=0)
    steps = np.diag(spread)[spread > 0]
    steps = np.concatenate([steps, -steps])
    made_up = np.tile(middle + steps, (2, 1))
    design = np.concatenate([known, made_up])
    outcome = np.concatenate([happened, np.repeat([0.0, 1.0], len(steps))])
    small = terms / max(len(made_up), 1)
    weights = np.concatenate([np.ones(len(known)), np.full(len(made_up), small)])
    estimate = np.zeros(terms)
    for _ in range(100):
        chance = _chance(design @ estimate)
        information = (design * (weights * chance * (1 - chance))[:, None]).T @ design
        information += np.diag(np.maximum(np.diag(information) * RIDGE, LEAST_INFORMATION))
        step = np.linalg.solve(information, design.T @ (weights * (outcome - chance)))
        estimate += step * min(1.0, 5 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    root = np.linalg.cholesky(information)
    drawn = estimate + np.linalg.solve(root.T, random.standard_normal(terms))
    return _chance(missing @ drawn)


def _chance(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(score, -30, 30)))


def _check(people, columns, predictors, imputations, iterations, duration, event, empty_when):
    if isinstance(columns, str) or not len(columns):
        raise AnalysisError("Name the columns to fill as a list of at least one.")
    if imputations < 1 or iterations < 1:
        raise AnalysisError("Ask for at least one imputed set and one iteration.")
    if (duration is None) != (event is None):
        raise AnalysisError("Give both the duration and the event, or neither.")
    if "imputation" in people:
        raise AnalysisError("The people already have a column 'imputation': rename it.")
    outcome = [] if duration is None else [duration, event]
    for column in (*columns, *predictors, *outcome, *empty_when, *empty_when.values()):
        if column not in people:
            raise AnalysisError(f"The people have no column '{column}'.")
    for flag in empty_when.values():
        if not people[flag].isin([0, 1]).all():
            raise AnalysisError(f"'{flag}' must be true or false for everybody.")
    for column in (*predictors, *outcome):
        by_nature = people[empty_when[column]].astype(bool) if column in empty_when else False
        if (people[column].isna() & ~np.asarray(by_nature)).any():
            raise AnalysisError(
                f"'{column}' predicts and is itself missing for some: add it to the columns to "
                "fill, or leave it out."
            )
    if event is not None and not people[event].isin([0, 1]).all():
        raise AnalysisError(f"The event '{event}' must be true or false for everybody.")
    for column in columns:
        known = people[column].notna()
        if known.sum() < FEWEST_KNOWN:
            raise AnalysisError(f"'{column}' is known for too few people to fill it for others.")
        if people[column].nunique() < 2:
            raise AnalysisError(f"'{column}' has one value only: there is nothing to draw from.")
