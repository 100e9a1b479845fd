"""Recovery: do the methods return the truth that synthetic people were made with?

Every quantity (estimand) has a true value: in closed form where there is one, or else its value in
a seeded cohort of 5,000,000. Replicated cohorts are drawn, every method estimates in each of them,
and the estimates are summarised as bias, empirical and model standard error, coverage and power,
each with its Monte Carlo error (ADEMP: Morris, White and Crowther 2019, Stat Med 38:2074,
doi 10.1002/sim.8086). Methods that are known to be wrong stand beside the right ones and have to
fail.

The seed of a replicate follows from its number alone, so that the answer is the same for any number
of processes and in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2

from distance_to_care import cohort, imputation, inequality, mediation, scheduler, synthetic
from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine, joint, severity, structures
from distance_to_care.study import EXPOSURES, Study

SEED = 20261122  # fixed once: a method that fails with it is shown failing
SCENARIOS = {"published effects": "published", "no effect": "none"}
TRUTH_PEOPLE = 5_000_000
BLOCKS = 10  # the large cohort is worked through in blocks, whose values are averaged
CHUNK_PEOPLE = 25_000  # drawn at once, each with centres of its own
FIRST = 10  # cohorts whose estimates are kept, so that anybody can estimate them again
BATCH = 10  # cohorts that a process works through between two reports
YEARS = (1, 3, 5)
HORIZONS = (3, 5)
CAUSES = ("died", "transplanted")
# The extreme fifths: which level is compared with the reference level.
EXTREME = {"deprivation_quintile": 1, "distance_quintile": 5}
MODELS = ("unadjusted", "age_sex", "joint", "as_published")
PER_TEN = ("distance_km", "travel_minutes", "nearest_distance_km", "nearest_travel_minutes")
IMPUTATIONS, ROUNDS = 5, 5  # completed sets, and rounds of chained equations for each
STEPS = 4.0  # from the least to the most deprived fifth, in the generator's steps
MEDIATION_YEARS = 3
BOOTSTRAPS = 100
BAND = (93.0, 97.0)  # per cent: where the coverage of a 95% interval should lie
# Whose truth is 1, and whose is nought, where no effect is built in.
INTERACTIONS = (
    "interaction.ratio_of_hazard_ratios", "interaction.per_step",
    "interaction.relative_excess_risk", "interaction.attributable_proportion",
)  # fmt: skip
RATIOS = ("hazard_ratio.", "odds_ratio.", "ratio.", "relative_index.", *INTERACTIONS[:2])
DIFFERENCES = (
    "difference.", "median_difference.", "restricted_mean_difference.", "slope_index.",
    "survival_difference.", *INTERACTIONS[2:],
)  # fmt: skip
CLOSED_FORM = "closed form"
TRUTH_COLUMNS = ["estimand", "scenario", "value", "standard_error", "unit", "how"]
ANSWER_COLUMNS = ["estimate", "standard_error", "ci_low", "ci_high", "p_value"]
REPLICATE_COLUMNS = ["scenario", "replicate", "estimand", "method", *ANSWER_COLUMNS]
CERTIFICATE_COLUMNS = [
    "estimand", "scenario", "method", "measure", "replicates", "estimate", "ci_low", "ci_high",
    "unit", "built_in", "verdict", "note",
]  # fmt: skip
# Nobody is lost before death; nobody is transplanted either.
NEVER_LOST = {"follow_up.loss_per_year": 1e-9, "follow_up.end": 1e6}
UNTIL_DEATH = NEVER_LOST | {"events.transplanted.rate_per_year": 1e-12}
TREATED = "treated_at_start"
YES_OR_NO = ("linear", "logistic", "gradient")
# Slow models see one of so many people of the large cohort.
LONG = {"ordinal": "odds_ratio", "median": "median_difference"}
FEWER = 25
GENERATOR = "Cox model with every cause, treatment from its start"
EVER_TREATED = "Cox model, ever treated as if from the first day"
NAIVE_INCIDENCE = "one minus Kaplan-Meier, the other event as censoring"
NAIVE_SHARE = "share not known to have died, censoring ignored"
NAIVE_SPREAD = "restricted mean, spread between people taken for its error"
WRONG = {
    EVER_TREATED: "wrong on purpose: who starts later has to live until then (immortal time)",
    NAIVE_INCIDENCE: "wrong on purpose: counts events of people who have already died",
    NAIVE_SHARE: "wrong on purpose: people who were lost are counted as alive",
    NAIVE_SPREAD: "wrong on purpose: the spread of lifetimes is not the error of their mean",
}

# What the page draws: (estimand, method) -> in words.
HEADLINES = {
    (f"hazard_ratio.{model}.{exposure}.{level}", "Cox model"): (
        f"{exposure.removesuffix('_quintile')} hazard ratio, {model.replace('_', ' ')}"
    )
    for exposure, level in EXTREME.items()
    for model in MODELS
} | {
    ("hazard_ratio.generator.treatment", GENERATOR): "treatment hazard ratio, from its start",
    ("survival.3.all", "Kaplan-Meier"): "alive at three years",
    ("median_survival.all", "Kaplan-Meier"): "median survival",
    ("restricted_mean_difference.5.deprivation_quintile", "difference of restricted means"): (
        "deprivation, years lived of five"
    ),
    ("restricted_mean_difference.5.distance_quintile", "difference of restricted means"): (
        "distance, years lived of five"
    ),
    ("cumulative_incidence.transplanted.5.all", "Aalen-Johansen"): "transplanted by five years",
}
WRONG_HEADLINES = {
    ("hazard_ratio.generator.treatment", EVER_TREATED): "treatment, counted from the first day",
    ("cumulative_incidence.transplanted.5.all", NAIVE_INCIDENCE): "transplants, one minus survival",
    ("survival.3.all", NAIVE_SHARE): "alive at three years, censoring ignored",
    ("restricted_mean.5.all", NAIVE_SPREAD): "years lived of five, spread as error",
}


@dataclass(frozen=True)
class Setting:
    """What cohorts are drawn from, and through what an effect may run.

    The generating parameters, the population, the study, and the study's causal structures.
    """

    parameters: Mapping[str, Any]
    population: pd.DataFrame
    study: Study
    structures: Mapping[str, Any]


def seed_of(*key: int) -> int:
    """Derive the seed of a replicate, or of a chunk of the large cohort, from its number."""
    return int(np.random.SeedSequence(SEED, spawn_key=key).generate_state(1, np.uint64)[0])


def levels(exposure: str) -> tuple[int, ...]:
    """List the fifths of an exposure, the one that the others are compared with first."""
    reference = cohort.REFERENCE[exposure]
    return (reference, *(level for level in range(1, 6) if level != reference))


# ------------------------------------------------------------------------------- the true values


def true_values(
    setting: Setting,
    people: int = TRUTH_PEOPLE,
    workers: int = 1,
    done: Callable[[int], None] = lambda count: None,
    address: str | None = None,
) -> pd.DataFrame:
    """Work out the true value of every estimand, in closed form or in a large seeded cohort.

    Parameters
    ----------
    setting : what is drawn; values are complete (nothing is missing), so that scores are true.
    people : size of the cohort; it is worked through in ten blocks, whose values are averaged.
    workers : processes; the answer is the same for any number.
    done : called with the number of blocks that are finished, for a progress bar.
    address : of a running Dask scheduler, instead of processes here; the answer is the same.

    Returns
    -------
    One row an estimand and scenario: `estimand`, `scenario`, `value`, `standard_error` (nought for
    a closed form, else from the spread between blocks), `unit`, `how`.

    Survival, medians and restricted means are those of people who are followed until they die and
    of whom nobody is transplanted; incidences those of people who are never lost. Hazard ratios of
    a model are what it comes to in people followed as the cohort is; those of the generator are its
    parameters. Where no effect is built in, every hazard ratio is 1 and every difference 0.
    """
    rows, units = [], {}
    fewer = {
        f"{LONG[method]}.{outcome}.{exposure}"
        for method, outcome, _ in severity_plan(setting)
        for exposure in EXPOSURES
        if method in LONG
    }
    for scenario in SCENARIOS:
        jobs = [(setting, scenario, number, people // BLOCKS) for number in range(BLOCKS)]
        values: dict[str, list[float]] = {}
        for found in scheduler.spread(_block_values, jobs, workers, address):
            for name, (value, unit) in found.items():
                values.setdefault(name, []).append(value)
                units[name] = unit
            done(1)
        exact = closed_forms(setting, scenario, units)
        for name, each in values.items():
            if name not in exact:
                error = np.std(each, ddof=1) / np.sqrt(len(each))
                how = f"seeded cohort of {people // (FEWER if name in fewer else 1):,}"
                rows.append((name, scenario, np.mean(each), error, units[name], how))
        for name, value in exact.items():
            rows.append((name, scenario, value, 0.0, units.get(name, "ratio"), CLOSED_FORM))
    table = pd.DataFrame(rows, columns=TRUTH_COLUMNS)
    lost = table.loc[table["value"].isna(), "estimand"].tolist()
    if lost:
        raise AnalysisError(f"No true value was found for {', '.join(lost)}.")
    return table.sort_values(["scenario", "estimand"], kind="stable", ignore_index=True)


def closed_forms(setting: Setting, scenario: str, units: Mapping[str, str]) -> dict[str, float]:
    """Name the true values that need no cohort.

    The hazard ratio of each cause of death in the generator, holding all the others, is a parameter
    of it. Where no effect is built in, every contrast between fifths (a name among `units`) is
    nought on its scale.
    """
    none = SCENARIOS[scenario] == "none"
    parameters = synthetic.without_effects(setting.parameters) if none else setting.parameters
    effects = parameters["events"]["died"]["effects"]
    found = {f"hazard_ratio.generator.{name}": effect["value"] for name, effect in effects.items()}
    found["hazard_ratio.generator.treatment"] = parameters["treatment"]["log_hazard_ratio"]["value"]
    found = {name: float(np.exp(value)) for name, value in found.items()}
    if none:
        found |= {name: 1.0 for name in units if name.startswith(RATIOS) and name not in found}
        found |= {name: 0.0 for name in units if name.startswith(DIFFERENCES)}
    return found


def _block_values(job: tuple[Setting, str, int, int]) -> dict[str, tuple[float, str]]:
    """Work out every estimand in one block of the large cohort: name -> value and unit."""
    setting, scenario, number, size = job
    found: dict[str, tuple[float, str]] = {}
    none = SCENARIOS[scenario] == "none"
    dead = _large(setting, scenario, number, size, UNTIL_DEATH)
    for name, group in _groups(dead, none):
        years = group["follow_up_years"].to_numpy()
        for time in YEARS:
            found[f"survival.{time}.{name}"] = np.mean(years > time), "probability"
        found[f"median_survival.{name}"] = np.median(years), "years"
        for horizon in HORIZONS:
            lived = np.minimum(years, horizon).mean()
            found[f"restricted_mean.{horizon}.{name}"] = lived, "years"
    for exposure, level in EXTREME.items():
        for horizon in HORIZONS:
            name = f"restricted_mean.{horizon}.{exposure}"
            gap = found[f"{name}.{level}"][0] - found[f"{name}.{cohort.REFERENCE[exposure]}"][0]
            found[f"restricted_mean_difference.{horizon}.{exposure}"] = gap, "years"
            lived = dead.assign(lived=dead["follow_up_years"].clip(upper=horizon))
            slope = inequality.slope_index(lived, "lived", exposure)["estimate"].item()
            found[f"slope_index.restricted_mean.{horizon}.{exposure}"] = slope, "years"
    del dead
    known = _large(setting, scenario, number, size, NEVER_LOST)
    for cause in CAUSES:
        happened = (known["outcome"] == cause).to_numpy()
        years = known["follow_up_years"].to_numpy()
        naive = engine.kaplan_meier(engine.risk_table(years, happened))
        for time in YEARS:
            share = np.mean(happened & (years <= time))
            found[f"cumulative_incidence.{cause}.{time}.all"] = share, "probability"
            wrong = 1 - naive.survival[np.searchsorted(naive.time, time, side="right") - 1]
            found[f"naive_incidence.{cause}.{time}.all"] = wrong, "probability"
    del known
    if not none:
        paths = structures.built_in(
            setting.parameters,
            setting.population,
            setting.structures["mediators"],
            (STEPS, 0.0),
            MEDIATION_YEARS,
            [seed_of(0, number)],
            size,
        )
        for row in paths.itertuples():
            if row.scale == "survival difference" and not row.effect.startswith("share"):
                found[_path_name(row.effect)] = row.estimate, "probability"
    people = _large(setting, scenario, number, size, {})
    for column, unit in _described(setting.study):
        found[f"mean.{column}"] = people[column].mean(), unit
    for name, value, unit in [] if none else _contrasts(people, setting):
        found[name] = value, unit
    return {name: (float(value), unit) for name, (value, unit) in found.items()}


def _contrasts(people: pd.DataFrame, setting: Setting) -> Iterator[tuple[str, float, str]]:
    """What the models of the cohort come to in people followed as it is, with complete values."""
    study, outcome = setting.study, _outcome(people)
    for exposure in EXPOSURES:
        for model, terms in _models(study, exposure).items():
            # Breslow's ties: with so few ties Efron's answer is the same, for twice the work.
            fit = engine.cox(*outcome, _design(people, terms, study), ties="breslow")
            for level, coefficient in zip(levels(exposure)[1:], fit.coefficients, strict=False):
                yield f"hazard_ratio.{model}.{exposure}.{level}", np.exp(coefficient), "ratio"
    for column in PER_TEN:
        for model in ("unadjusted", "age_sex"):
            terms = (column, *_models(study, "distance_quintile")[model][1:])
            fit = engine.cox(*outcome, _design(people, terms, study), ties="breslow")
            yield f"hazard_ratio.{model}.{column}.per_10", np.exp(10 * fit.coefficients[0]), "ratio"
    adjust = study.adjustment("age_sex", "deprivation_quintile")
    found = [
        joint.interaction(people, adjust),
        joint.product_of_steps(people, adjust),
        joint.standardised_survival(people, adjust, 3, replicates=0),
    ]
    people = _when_first_seen(people, setting)
    plan = severity_plan(setting)
    for exposure in EXPOSURES:
        # Ordered levels and medians take long: fewer people of the block answer for them.
        for some, of_people in ((False, people), (True, people.iloc[::FEWER])):
            part = [each for each in plan if (each[0] in LONG) == some]
            found.append(_severity_models(of_people, exposure, part, setting))
    for row in pd.concat(found).itertuples():
        if row.estimand:
            yield row.estimand, row.estimate, row.unit


def _path_name(effect: str) -> str:
    return f"survival_difference.{effect.replace(' ', '_')}.{MEDIATION_YEARS:g}.{EXPOSURES[0]}"


def _large(
    setting: Setting, scenario: str, number: int, size: int, changes: Mapping[str, float]
) -> pd.DataFrame:
    """Draw one block of the large cohort in chunks, with complete values, ready for analysis."""
    parameters = synthetic.changed(setting.parameters, changes) | {"missing": {}}
    chunks = max(size // CHUNK_PEOPLE, 1)
    drawn = [
        synthetic.draw(
            size // chunks,
            seed_of(0, number, chunk),
            parameters,
            setting.population,
            effects=SCENARIOS[scenario],
        ).drop(columns=["person_id", "record_kind"])
        for chunk in range(chunks)
    ]
    return _prepared(pd.concat(drawn, ignore_index=True), setting.study)


def _prepared(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add what the analyses need; nobody's fifth is missing here, so that it is a whole number."""
    ready = cohort.prepare(people, study)
    return ready.assign(distance_quintile=ready["distance_quintile"].astype(int))


def _groups(people: pd.DataFrame, alike: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    """Everybody, then each fifth of each exposure; everybody again where all fifths are alike."""
    yield "all", people
    for exposure in EXPOSURES:
        for level in range(1, 6):
            yield f"{exposure}.{level}", people if alike else people[people[exposure] == level]


def _described(study: Study) -> Iterator[tuple[str, str]]:
    """Columns of the study, and its scores, that have a mean, with their units."""
    for column in study.own_columns:
        if column.type == "number" and not column.at_most:
            yield column.name, column.unit
        elif column.type == "boolean":
            yield column.name, "probability"
    for score in study.scores:
        yield score.name, "points"


def _models(study: Study, exposure: str) -> dict[str, tuple[str, ...]]:
    """Name the terms of each model of an exposure, the exposure first."""
    others = {name: study.adjustment(name, exposure) for name in MODELS if name != "unadjusted"}
    return {name: (exposure, *others.get(name, ())) for name in MODELS}


def _outcome(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Follow-up (years) and whether it ended in death."""
    return people["follow_up_years"].to_numpy(float), people["died"].to_numpy(bool)


def _design(people: pd.DataFrame, terms: Sequence[str], study: Study) -> np.ndarray:
    """Design matrix: numbers as they are, categories as indicators against their first level."""
    columns = []
    for term in terms:
        values = people[term].to_numpy()
        if term in EXPOSURES:
            known = levels(term)
        else:
            known = study.columns[term].levels if term in study.columns else ()
        columns += [values == level for level in known[1:]] if known else [values]
    return np.column_stack(columns).astype(float)


# ----------------------------------------------------------------------------------- the methods


class Estimate(NamedTuple):
    """What one method says of one estimand in one cohort.

    Ratios stand as ratios, with the standard error of their logarithm. A test has a p-value only.
    """

    value: float = np.nan
    standard_error: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan


Answers = dict[tuple[str, str], Estimate]  # (estimand, method) -> what it says


def _normal(value: float, error: float) -> Estimate:
    return Estimate(value, error, value - engine.Z95 * error, value + engine.Z95 * error)


def _ratio(logged: float, error: float) -> Estimate:
    low, high = np.exp([logged - engine.Z95 * error, logged + engine.Z95 * error])
    return Estimate(float(np.exp(logged)), error, low, high)


def _cox(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Cox's model, Efron's ties, complete cases: four models of both exposures."""
    found: Answers = {}
    fits: dict[frozenset, tuple[engine.CoxFit, tuple[str, ...]]] = {}
    for exposure in EXPOSURES:
        for model, terms in _models(setting.study, exposure).items():
            # Both exposures stand in one and the same model where each is the other's covariate.
            if frozenset(terms) not in fits:
                fits[frozenset(terms)] = _fitted(people, terms, setting.study), terms
            fit, order = fits[frozenset(terms)]
            first = _place(order, exposure, setting.study)
            for place, level in enumerate(levels(exposure)[1:], first):
                name = f"hazard_ratio.{model}.{exposure}.{level}"
                found[name, "Cox model"] = _ratio(
                    fit.coefficients[place], fit.standard_errors[place]
                )
            if model == "joint":
                clusters = people["centre"].to_numpy()
                errors = np.sqrt(np.diag(fit.robust_variance(clusters)))
                place = first + levels(exposure)[1:].index(EXTREME[exposure])
                name = f"hazard_ratio.{model}.{exposure}.{EXTREME[exposure]}"
                answer = _ratio(fit.coefficients[place], errors[place])
                found[name, "Cox model, errors clustered by centre"] = answer
    return found


def _fitted(people: pd.DataFrame, terms: Sequence[str], study: Study) -> engine.CoxFit:
    matrix, (years, died) = _design(people, terms, study), _outcome(people)
    known = ~np.isnan(matrix).any(axis=1)
    return engine.cox(years[known], died[known], matrix[known])


def _place(terms: Sequence[str], term: str, study: Study) -> int:
    """Number of the first column of a term in the design matrix."""
    before = terms[: terms.index(term)]
    widths = [len(levels(each)) if each in EXPOSURES else len(study.columns[each].levels)
              if each in study.columns else 0 for each in before]  # fmt: skip
    return sum(max(width - 1, 1) for width in widths)


def _generator(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Cox's model with every cause of death that the generator has, treatment from its start on.

    Complete cases: whether a value is missing depends on other causes in the model, never on
    survival, so that leaving people out does no harm.
    """
    effects = setting.parameters["events"]["died"]["effects"]
    cuts = synthetic.distance_cuts(setting.population)
    steps = {
        "deprivation_steps": 5 - people["deprivation_quintile"].to_numpy(),
        "distance_steps": np.searchsorted(cuts, people["distance_km"].to_numpy(), side="left"),
    }
    causes = []
    for name, effect in effects.items():
        of = effect.get("of", name)
        values = steps[of] if of in steps else people[of].to_numpy()
        causes.append(synthetic.multiplier(values, effect))
    causes = np.column_stack(causes).astype(float)
    years, died = _outcome(people)
    start = people[setting.parameters["treatment"]["column"]].to_numpy(float)
    known = ~np.isnan(causes).any(axis=1)
    causes, years, died, start = causes[known], years[known], died[known], start[known]
    treated = ~np.isnan(start)
    later = treated & (start > 0) & (start < years)
    # Who starts later is two rows: untreated until the start, treated from then on.
    fit = engine.cox(
        np.concatenate([np.where(later, start, years), years[later]]),
        np.concatenate([died & ~later, died[later]]),
        np.vstack([np.column_stack([causes, treated & (start <= 0)]),
                   np.column_stack([causes[later], np.ones(later.sum())])]),
        entry=np.concatenate([np.zeros(len(years)), start[later]]),
    )  # fmt: skip
    found = {
        (f"hazard_ratio.generator.{name}", GENERATOR): _ratio(coefficient, error)
        for name, coefficient, error in zip(
            [*effects, "treatment"], fit.coefficients, fit.standard_errors, strict=True
        )
    }
    wrong = engine.cox(years, died, np.column_stack([causes, treated]))
    answer = _ratio(wrong.coefficients[-1], wrong.standard_errors[-1])
    return found | {("hazard_ratio.generator.treatment", EVER_TREATED): answer}


def _tests(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Log-rank test, test for trend and test of proportional hazards, over the fifths."""
    found: Answers = {}
    years, died = _outcome(people)
    for exposure in EXPOSURES:
        group = people[exposure].to_numpy() - 1
        observed, expected, covariance = engine.log_rank(years, died, group)
        excess = observed - expected
        statistic = excess[1:] @ np.linalg.solve(covariance[1:, 1:], excess[1:])
        p = chi2.sf(statistic, len(excess) - 1)
        found[f"no_difference.{exposure}", "log-rank test"] = Estimate(p_value=p)
        fifth = np.arange(len(excess))
        p = chi2.sf((fifth @ excess) ** 2 / (fifth @ covariance @ fifth), 1)
        found[f"no_difference.{exposure}", "log-rank test for trend"] = Estimate(p_value=p)
        fit = engine.cox(years, died, _design(people, (exposure,), setting.study))
        *_, p = fit.proportional_hazards()[2]
        found[f"proportional_hazards.{exposure}", "score test (cox.zph)"] = Estimate(p_value=p)
    return found


def _survival(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Kaplan-Meier survival and medians, restricted means, their differences and slopes."""
    found: Answers = {}
    years, died = _outcome(people)
    groups = {"all": np.ones(len(people), dtype=bool)}
    for exposure in EXPOSURES:
        fifth = people[exposure].to_numpy()
        groups |= {f"{exposure}.{level}": fifth == level for level in range(1, 6)}
    means = {}
    for name, members in groups.items():
        table = engine.risk_table(years[members], died[members])
        curve = engine.kaplan_meier(table)
        for time in YEARS:
            at = np.searchsorted(curve.time, time, side="right") - 1
            alive = curve.survival[at]
            found[f"survival.{time}.{name}", "Kaplan-Meier"] = Estimate(
                alive, alive * curve.log_error[at], curve.low[at], curve.high[at]
            )
        ends = [engine.reached(curve.time, each) for each in (curve.low, curve.high)]
        # An end that the curve does not reach lies beyond every time: no truth is above it.
        low, high = (np.inf if np.isnan(end) else end for end in ends)
        found[f"median_survival.{name}", "Kaplan-Meier"] = Estimate(
            engine.reached(curve.time, curve.survival), np.nan, low, high
        )
        for horizon in HORIZONS:
            means[horizon, name] = engine.restricted_mean(table, horizon)
            answer = _normal(*means[horizon, name])
            found[f"restricted_mean.{horizon}.{name}", "restricted mean"] = answer
    for horizon in HORIZONS:
        for exposure, level in EXTREME.items():
            mean, error = means[horizon, f"{exposure}.{level}"]
            base, base_error = means[horizon, f"{exposure}.{cohort.REFERENCE[exposure]}"]
            name = f"restricted_mean_difference.{horizon}.{exposure}"
            answer = _normal(mean - base, np.hypot(error, base_error))
            found[name, "difference of restricted means"] = answer
        spread = _spread(engine.risk_table(years, died), horizon)
        found[f"restricted_mean.{horizon}.all", NAIVE_SPREAD] = _normal(
            means[horizon, "all"][0], spread
        )
    for time in YEARS:
        alive = 1 - np.mean(died & (years <= time))
        error = np.sqrt(alive * (1 - alive) / len(years))
        found[f"survival.{time}.all", NAIVE_SHARE] = _normal(alive, error)
    return found


def _slopes(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Slope index of inequality of the restricted mean, from each person's pseudo-value."""
    found: Answers = {}
    for horizon in HORIZONS:
        lived = engine.pseudo_restricted_mean(*_outcome(people), horizon)
        for exposure in EXPOSURES:
            table = people[[exposure]].assign(lived=lived)
            row = inequality.slope_index(table, "lived", exposure).iloc[0]
            name = f"slope_index.restricted_mean.{horizon}.{exposure}"
            found[name, "regression of pseudo-values on ridits"] = Estimate(*row)
    return found


def _spread(table: engine.RiskTable, horizon: float) -> float:
    """Standard deviation of the time lived up to the horizon, from the survival curve."""
    curve = engine.kaplan_meier(table)
    within = curve.time <= horizon
    edges = np.concatenate([[0.0], curve.time[within], [horizon]])
    alive = np.concatenate([[1.0], curve.survival[within]])
    return float(np.sqrt(np.diff(edges**2) @ alive - (np.diff(edges) @ alive) ** 2))


def _incidence(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Aalen-Johansen incidence of each cause, and the wrong answer beside it."""
    found: Answers = {}
    years = people["follow_up_years"].to_numpy(float)
    outcome = people["outcome"].to_numpy()
    codes = sum((outcome == cause) * place for place, cause in enumerate(CAUSES, 1))
    table = engine.risk_table(years, codes, causes=len(CAUSES))
    incidence, errors = engine.aalen_johansen(table)
    for place, cause in enumerate(CAUSES):
        naive = engine.kaplan_meier(engine.risk_table(years, codes == place + 1))
        for time in YEARS:
            name = f"cumulative_incidence.{cause}.{time}.all"
            at = np.searchsorted(table.time, time, side="right") - 1
            share, error = incidence[place, at], errors[place, at]
            with np.errstate(divide="ignore", invalid="ignore"):
                low, high = engine.log_log_interval(share, error / share)
            found[name, "Aalen-Johansen"] = Estimate(share, error, low, high)
            found[name, NAIVE_INCIDENCE] = Estimate(
                1 - naive.survival[at],
                naive.survival[at] * naive.log_error[at],
                1 - naive.high[at],
                1 - naive.low[at],
            )
    return found


def _interaction(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Interaction of the two exposures, as a ratio and as an excess, adjusted for age and sex."""
    adjust = setting.study.adjustment("age_sex", EXPOSURES[0])
    rows = pd.concat([joint.interaction(people, adjust), joint.product_of_steps(people, adjust)])
    return {
        (row.estimand, "Cox model with interaction"): Estimate(
            row.estimate, np.nan, row.ci_low, row.ci_high
        )
        for row in rows.itertuples()
        if row.estimand in INTERACTIONS
    }


def _imputation(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Fullest Cox model after multiple imputation by chained equations, pooled by Rubin's rules."""
    study = setting.study
    own = [column for column in study.own_columns if not column.at_most]
    gone = [column for column in own if people[column.name].isna().any()]
    filled = imputation.impute(
        people.astype(dict.fromkeys(EXPOSURES, "category")),
        [column.name for column in gone],
        [column.name for column in own if column not in gone] + ["age_years", "sex", *EXPOSURES],
        imputations=IMPUTATIONS,
        seed=seed_of(2, number),
        duration="follow_up_years",
        event="died",
        empty_when={column.name: column.empty_when for column in gone if column.empty_when},
        iterations=ROUNDS,
    ).astype(dict.fromkeys(EXPOSURES, int))
    # Scores and derived columns follow from the filled values.
    filled = filled.assign(
        **{score.name: score.points(filled) for score in study.scores},
        **{derived.name: derived.values(filled) for derived in study.derived},
    )
    terms = _models(study, EXPOSURES[0])["as_published"]
    fits = [_fitted(each, terms, study) for _, each in filled.groupby("imputation")]
    pooled = imputation.pool(
        [fit.coefficients for fit in fits],
        [fit.standard_errors**2 for fit in fits],
        people["died"].sum() - fits[0].terms,
    )
    found: Answers = {}
    for exposure in EXPOSURES:
        first = _place(terms, exposure, study)
        for place, level in enumerate(levels(exposure)[1:], first):
            row = pooled.iloc[place]
            answer = Estimate(
                np.exp(row["estimate"]),
                row["standard_error"],
                np.exp(row["ci_low"]),
                np.exp(row["ci_high"]),
            )
            name = f"hazard_ratio.as_published.{exposure}.{level}"
            found[name, "Cox model after multiple imputation"] = answer
    return found


def severity_plan(setting: Setting) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name the models of severity: the method, the outcome and what it is adjusted for.

    They follow from the study: what is measured and whether people were treated at the start,
    adjusted for age, sex and the study's categories; scores, which hold age and sex, unadjusted.
    """
    study = setting.study
    before = study.adjustment("age_sex", EXPOSURES[0])
    before += tuple(column.name for column in study.own_columns if column.levels)
    flags = {column.empty_when for column in study.own_columns}
    parts = {item.column for score in study.scores for item in score.items}
    plan: list[tuple[str, str, tuple[str, ...]]] = []
    for column in study.own_columns:
        if column.type == "number" and column.name in parts:
            plan += [(method, column.name, before) for method in ("linear", "gradient")]
        elif column.type == "boolean" and column.name not in flags:
            plan += [(method, column.name, before) for method in YES_OR_NO]
    plan += [(method, TREATED, before) for method in YES_OR_NO]
    for derived in study.derived:
        methods = ("log_linear", "median", "gradient")
        plan += [(method, derived.column, before) for method in methods]
    for score in study.scores:
        plan += [(method, score.name, ()) for method in ("linear", "gradient")]
        if score.stages:
            plan += [("ordinal", score.name, ()), ("ordinal", f"{score.name}_stage", ())]
    return plan


def _when_first_seen(people: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """Add what severity is judged by: stages of scores, and who was treated at the start."""
    start = people[setting.parameters["treatment"]["column"]]
    staged = [score for score in setting.study.scores if score.stages]
    stages = {f"{score.name}_stage": score.stage(people[score.name]) for score in staged}
    return people.assign(**{TREATED: start == 0}, **stages)


def _severity_models(people, exposure, plan, setting: Setting) -> pd.DataFrame:
    units = {
        column.name: column.unit.replace("per cent", "percentage points")
        for column in setting.study.own_columns
    }
    return severity.models(people, exposure, plan, cohort.REFERENCE[exposure], units)


def _severity(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Severity when first seen: each kind of model, with the first outcome that it has.

    Differences are estimated for every outcome. Of ordered levels the stages, as a score of many
    points takes too long for so many cohorts.
    """
    found: Answers = {}
    people = _when_first_seen(people, setting)
    plan, seen = [], set()
    for method, outcome, adjust in severity_plan(setting):
        chosen = f"{outcome}".endswith("_stage") if method == "ordinal" else method not in seen
        if chosen or (method == "linear" and outcome != TREATED):
            plan.append((method, outcome, adjust))
            seen.add(method)
    for exposure in EXPOSURES:
        for row in _severity_models(people, exposure, plan, setting).itertuples():
            if row.estimand:
                found[row.estimand, row.method] = Estimate(
                    row.estimate, row.standard_error, row.ci_low, row.ci_high
                )
    return found


def _mediation(people: pd.DataFrame, setting: Setting, number: int) -> Answers:
    """Total effect of deprivation on survival, and what runs through each group of mediators.

    By g-computation in complete cases. Times that can be nought enter as log(1 + time), other
    skewed numbers have a model of their logarithm, and a flag that a value is empty is left out.
    """
    study, variables = setting.study, setting.parameters["variables"]
    flags = {column.empty_when for column in study.own_columns}
    ready = _when_first_seen(people, setting)
    groups, log_normal = {}, []
    for group, mechanisms in setting.structures["mediators"].items():
        groups[group] = []
        for name in mechanisms:
            if name not in variables:
                groups[group].append(TREATED)
            elif name in flags:
                continue
            elif (
                variables[name]["distribution"] == "lognormal"
                and not variables[name]["minimum"]["value"]
            ):
                ready[f"log_one_plus_{name}"] = np.log1p(ready[name])
                groups[group].append(f"log_one_plus_{name}")
            else:
                groups[group].append(name)
                if variables[name]["distribution"] == "lognormal":
                    log_normal.append(name)
    before = [*study.adjustment("age_sex", EXPOSURES[0]), EXPOSURES[1]]
    before += [column.name for column in study.own_columns if column.levels]
    used = [column for group in groups.values() for column in group]
    paths = mediation.decompose(
        ready.dropna(subset=used),
        "follow_up_years",
        "died",
        EXPOSURES[0],
        (EXTREME[EXPOSURES[0]], cohort.REFERENCE[EXPOSURES[0]]),
        groups,
        before,
        horizon=MEDIATION_YEARS,
        log_normal=log_normal,
        replicates=BOOTSTRAPS,
        draws=1,
        seed=seed_of(3, number),
    )
    return {
        (_path_name(row.effect), "g-computation, bootstrap"): Estimate(
            row.estimate, row.standard_error, row.ci_low, row.ci_high
        )
        for row in paths.itertuples()
        if row.scale == "survival difference" and not row.effect.startswith("share")
    }


METHODS: dict[str, Callable[[pd.DataFrame, Setting, int], Answers]] = {
    "cox": _cox,
    "generator": _generator,
    "tests": _tests,
    "survival": _survival,
    "incidence": _incidence,
    "slopes": _slopes,
    "interaction": _interaction,
    "imputation": _imputation,
    "severity": _severity,
    "mediation": _mediation,
}
QUICK = ("cox", "generator", "tests", "survival", "incidence")  # 5,000 replicates
RESAMPLED = ("slopes", "interaction", "imputation", "severity", "mediation")  # 500 replicates


# -------------------------------------------------------------------------- replicated cohorts


def replicated(
    setting: Setting,
    replicates: Iterable[int],
    scenario: str,
    methods: Sequence[str],
    workers: int = 1,
    done: Callable[[int], None] = lambda count: None,
    address: str | None = None,
) -> pd.DataFrame:
    """Draw cohorts and let every method estimate in each of them.

    Parameters
    ----------
    setting : what is drawn, with missing values as a registry has them.
    replicates : numbers of the cohorts; a number is always the same people.
    scenario : of `SCENARIOS`.
    methods : names of the groups of methods, of `METHODS`.
    workers : processes; the answer is the same for any number.
    done : called with the number of cohorts that are finished, for a progress bar.
    address : of a running Dask scheduler, instead of processes here; the answer is the same.

    Returns
    -------
    One row a cohort, estimand and method: `scenario`, `replicate`, `estimand`, `method`,
    `estimate`, `standard_error`, `ci_low`, `ci_high`, `p_value`. A method that cannot estimate in
    a cohort (too few events, say) has no row there.
    """
    numbers = list(replicates)
    batches = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
    jobs = [(setting, batch, scenario, tuple(methods)) for batch in batches]
    parts = []
    found = scheduler.spread(_batch, jobs, workers, address)
    for batch, part in zip(batches, found, strict=True):
        parts.append(part)
        done(len(batch))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(scenario=scenario)[REPLICATE_COLUMNS]


def _batch(job: tuple[Setting, list[int], str, tuple[str, ...]]) -> pd.DataFrame:
    """Estimate in a few cohorts: one process's work between two reports."""
    setting, numbers, scenario, methods = job
    rows = []
    for number in numbers:
        people = replicate(setting, number, scenario)
        for method in methods:
            try:
                answers = METHODS[method](people, setting, number)
            except AnalysisError:
                # The cohort counts as one without an estimate; the table says how many had one.
                continue
            for (estimand, name), answer in answers.items():
                rows.append((number, estimand, name, *answer))
    return pd.DataFrame(rows, columns=["replicate", "estimand", "method", *ANSWER_COLUMNS])


def replicate(setting: Setting, number: int, scenario: str) -> pd.DataFrame:
    """Draw the cohort of that number, ready for analysis: as large as the one the book keeps."""
    people = synthetic.draw(
        synthetic.default_people(setting.parameters),
        seed_of(1, number),
        setting.parameters,
        setting.population,
        effects=SCENARIOS[scenario],
    )
    return _prepared(people, setting.study)


def first(estimates: pd.DataFrame) -> pd.DataFrame:
    """Keep what was estimated in the first cohorts, in order; an end beyond every time is empty."""
    kept = estimates[estimates["replicate"] < FIRST].replace(np.inf, np.nan)
    return kept.sort_values(["scenario", "replicate", "estimand", "method"], ignore_index=True)


def agreeing(again: pd.DataFrame, kept: pd.DataFrame, tolerance: float = 1e-8) -> pd.DataFrame:
    """Demand that estimates made again are those that were kept.

    Parameters
    ----------
    again, kept : estimates of the same cohorts, as `replicated` returns them.
    tolerance : largest difference allowed, relative where numbers are large.

    Returns
    -------
    One row a scenario: `scenario`, `measure`, `replicates`, `estimate` (how many estimates were
    compared), `unit` and `term` (the scenario, as the name of a number).

    Raises
    ------
    AnalysisError : where an estimate, its error, its interval or its p-value differs.
    """
    keys = ["scenario", "replicate", "estimand", "method"]
    both = again.merge(kept, on=keys, how="left", suffixes=("", " kept"), indicator=True)
    now = both[ANSWER_COLUMNS].to_numpy(float)
    then = both[[f"{column} kept" for column in ANSWER_COLUMNS]].to_numpy(float)
    now, then = (np.where(np.isfinite(each), each, np.nan) for each in (now, then))
    same = np.isclose(now, then, rtol=tolerance, atol=tolerance, equal_nan=True).all(axis=1)
    same &= (both["_merge"] == "both").to_numpy()
    if not same.all():
        first = both.loc[~same, keys].iloc[0]
        raise AnalysisError(
            f"{int((~same).sum())} of {len(both)} estimates are not those of the certificate, the "
            f"first is '{first['estimand']}' by '{first['method']}'. Find out why before running "
            "the certificate again."
        )
    found = both.groupby("scenario", sort=True).agg(
        replicates=("replicate", "nunique"), estimate=("estimand", "size")
    )
    found = found.astype({"estimate": float}).reset_index()
    return found.assign(
        measure="estimates made again", unit="count", term=found["scenario"].str.replace(" ", "_")
    )


# ----------------------------------------------------------------------------------- summaries


def summarise(estimates: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Summarise replicated estimates against their true values.

    Parameters
    ----------
    estimates : one row a cohort, estimand and method, as `replicated` returns them.
    truth : `estimand`, `scenario`, `value`, `unit`.

    Returns
    -------
    One row an estimand, scenario, method and measure: `estimand`, `scenario`, `method`, `measure`,
    `replicates` (cohorts with an estimate), `estimate`, `ci_low`, `ci_high` (plus and minus 1.96
    Monte Carlo standard errors), `unit`, `built_in` (the true value), `verdict` (of coverage and
    of false positives: pass or fail) and `note`. Ratios are summarised as logarithms, the mean
    estimate excepted. Measures: `mean estimate`, `bias`, `relative bias`, `empirical standard
    error`, `model standard error`, `ratio of model to empirical standard error`, `coverage`,
    and `power`, or `false positive rate` where the truth is that there is no difference.

    Morris, White and Crowther 2019, Stat Med 38:2074, doi 10.1002/sim.8086 (table 6).
    """
    known = truth.set_index(["scenario", "estimand"])[["value", "unit"]]
    rows = []
    groups = estimates.groupby(["scenario", "estimand", "method"], observed=True, sort=True)
    for (scenario, estimand, method), each in groups:
        tests_only = each["estimate"].isna().all()
        if (scenario, estimand) not in known.index and not tests_only:
            raise AnalysisError(f"There is no true value of '{estimand}' ({scenario}).")
        true, unit = (np.nan, "") if tests_only else known.loc[(scenario, estimand)]
        where = {
            "estimand": estimand,
            "scenario": scenario,
            "method": method,
            "built_in": true,
            "note": WRONG.get(method, ""),
        }
        for measure, count, value, error, measure_unit in _measures(
            each, estimand, scenario, true, unit
        ):
            row = {
                "measure": measure,
                "replicates": count,
                "estimate": value,
                "ci_low": value - engine.Z95 * error,
                "ci_high": value + engine.Z95 * error,
                "unit": measure_unit,
                "verdict": verdict(measure, value, count),
            }
            rows.append(where | row)
    return pd.DataFrame(rows)[CERTIFICATE_COLUMNS]


def verdicts(certificate: pd.DataFrame) -> pd.DataFrame:
    """Count the checks that pass and fail, of methods meant to be right and of those wrong.

    certificate : as `summarise` returns it.
    Returns `measure`, `scenario`, `group` (right or wrong), `level` (pass or fail), `estimate`,
    `unit`, and `term`: these words in one, as the name of a number.
    """
    judged = certificate[certificate["verdict"].isin(["pass", "fail"])]
    wrong = judged["method"].isin(list(WRONG))
    rows = []
    for scenario in SCENARIOS:
        for measure in ("coverage", "false positive rate"):
            for group, chosen in (("right", ~wrong), ("wrong", wrong)):
                which = chosen & (judged["scenario"] == scenario) & (judged["measure"] == measure)
                for level in ("pass", "fail"):
                    count = float((judged.loc[which, "verdict"] == level).sum())
                    rows.append((measure, scenario, group, level, count, "count"))
    keys = ["measure", "scenario", "group", "level"]
    table = pd.DataFrame(rows, columns=[*keys, "estimate", "unit"])
    return table.assign(term=table[keys].agg(".".join, axis=1).str.replace(" ", "_"))


def _measures(
    each: pd.DataFrame, estimand: str, scenario: str, true: float, unit: str
) -> Iterator[tuple[str, int, float, float, str]]:
    """Work out each measure of one method: name, cohorts, value, Monte Carlo error, unit."""
    ratio = estimand.startswith(RATIOS)
    contrast = ratio or estimand.startswith(DIFFERENCES)
    values = each[["estimate", "ci_low", "ci_high"]].to_numpy(float)
    error, p = each["standard_error"].to_numpy(float), each["p_value"].to_numpy(float)
    scale = f"log {unit}" if ratio else unit
    if ratio:
        with np.errstate(divide="ignore"):  # a ratio may have a lower end of nought
            values, true = np.log(values), np.log(true)
    value, low, high = values.T
    there = np.isfinite(value)
    if (n := int(there.sum())) > 1:
        mean, spread = value[there].mean(), value[there].std(ddof=1)
        bias, off = mean - true, spread / np.sqrt(n)
        if ratio:
            yield "mean estimate", n, np.exp(mean), np.exp(mean) * off, unit
            yield "relative bias", n, 100 * np.expm1(bias), 100 * np.exp(bias) * off, "per cent"
        else:
            yield "mean estimate", n, mean, off, unit
            if true != 0:
                yield "relative bias", n, 100 * bias / true, 100 * off / abs(true), "per cent"
        yield "bias", n, bias, off, scale
        yield "empirical standard error", n, spread, spread / np.sqrt(2 * (n - 1)), scale
        squares = error[there & np.isfinite(error)] ** 2
        if (m := len(squares)) > 1:
            model = np.sqrt(squares.mean())
            off = np.sqrt(squares.var(ddof=1) / (4 * m * squares.mean()))
            yield "model standard error", m, model, off, scale
            share = model / spread
            off = share * np.sqrt((off / model) ** 2 + 1 / (2 * (n - 1)))
            yield "ratio of model to empirical standard error", m, share, off, "ratio"
    interval = ~np.isnan(low) & ~np.isnan(high)
    low, high = low[interval], high[interval]
    if len(low):
        yield "coverage", len(low), *_share((low <= true) & (true <= high)), "per cent"
    rejected = p[np.isfinite(p)] < 0.05
    if contrast and len(low):
        rejected = (low > 0) | (high < 0)
    if len(rejected):
        none = true == 0 if contrast else SCENARIOS[scenario] == "none"
        name = "false positive rate" if none else "power"
        yield name, len(rejected), *_share(rejected), "per cent"


def _share(happened: np.ndarray) -> tuple[float, float]:
    """Percentage and its Monte Carlo standard error."""
    share = float(happened.mean())
    return share * 100, float(np.sqrt(share * (1 - share) / len(happened))) * 100


def verdict(measure: str, value: float, count: int) -> str:
    """Judge coverage against 93 to 97 per cent, false positives against what that leaves.

    The band is widened by two Monte Carlo standard errors of a coverage of 95 per cent in so many
    cohorts. Other measures have no verdict.
    """
    if measure not in ("coverage", "false positive rate"):
        return ""
    error = 100 * np.sqrt(0.95 * 0.05 / count)
    low, high = BAND if measure == "coverage" else (100 - BAND[1], 100 - BAND[0])
    return "pass" if low - 2 * error <= value <= high + 2 * error else "fail"
