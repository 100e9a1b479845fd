"""What it would take to change a result: absolute size, unmeasured causes, who is seen, and when.

Every function takes numbers or a table and returns a tidy table; the simulations take a seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from distance_to_care.problems import AnalysisError
from distance_to_care.statistics import engine


def absolute_survival(
    survival: float,
    hazard_ratio: float,
    ci_low: float = np.nan,
    ci_high: float = np.nan,
    others: Sequence[float] = (),
) -> pd.DataFrame:
    """Turn a hazard ratio into people of 100 by proportional hazards: S in one group, S**HR.

    Parameters
    ----------
    survival : share of the reference group that is alive at some time (0 to 1).
    hazard_ratio, ci_low, ci_high : the ratio and its 95% interval; no interval where not given.
    others : other values that the reference group's survival may have; they give the range.

    Returns
    -------
    `group, estimate, ci_low, ci_high, low, high`, of 100 people: alive in the `reference` group,
    alive among the `exposed`, and how many `fewer` (or `more`, for a ratio below 1). The interval
    carries the ratio's uncertainty only; `low` and `high` are the estimate's range over `others`.

    Raises
    ------
    AnalysisError : for a survival outside 0 to 1 or a ratio that is not positive.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    if not all(0 < share < 1 for share in (survival, *others)):
        raise AnalysisError("Survival is a share of people between 0 and 1, both excluded.")
    # A higher hazard is a lower survival, so the ends of the interval change places.
    exposed = 100 * survival ** ratios[[0, 2, 1]]
    sign = 1 if hazard_ratio >= 1 else -1
    difference = sign * (100 * survival - exposed)[[0, 2, 1] if sign == 1 else [0, 1, 2]]
    shares = np.array([survival, *others])
    rows = {
        "reference": ([100 * survival, np.nan, np.nan], 100 * shares),
        "exposed": (exposed, 100 * shares**hazard_ratio),
        "fewer" if sign == 1 else "more": (
            difference,
            sign * 100 * (shares - shares**hazard_ratio),
        ),
    }
    return pd.DataFrame(
        [(group, *values, spread.min(), spread.max()) for group, (values, spread) in rows.items()],
        columns=["group", "estimate", "ci_low", "ci_high", "low", "high"],
    )


def _ratios(hazard_ratio: float, ci_low: float, ci_high: float) -> np.ndarray:
    """Check a ratio and its interval: both ends or none, in their order, all positive."""
    ratios = np.array([hazard_ratio, ci_low, ci_high], dtype=float)
    if np.isnan(ratios[1:]).sum() == 1:
        raise AnalysisError("An interval has two ends: give both, or neither.")
    if not ratios[0] > 0 or (ratios[1:] <= 0).any():
        raise AnalysisError("A ratio and the ends of its interval are above 0.")
    if ratios[1] > ratios[0] or ratios[2] < ratios[0]:
        raise AnalysisError("The ratio lies outside its interval.")
    return ratios


# --- unmeasured causes --------------------------------------------------------------------------


def e_value(
    hazard_ratio: float,
    ci_low: float = np.nan,
    ci_high: float = np.nan,
    common_outcome: bool = True,
) -> pd.DataFrame:
    """Work out how strong an unmeasured cause must be to remove a ratio: the E-value.

    Source: VanderWeele & Ding 2017, doi 10.7326/M16-2607. It is the least risk ratio that the
    cause must have both with the exposure and with the outcome, beyond what was adjusted for.

    Parameters
    ----------
    hazard_ratio, ci_low, ci_high : the ratio and its 95% interval; no interval where not known.
    common_outcome : True where more than 15% have the event by the end of follow-up: the hazard
        ratio is then first turned into an approximate risk ratio.

    Returns
    -------
    One row: `hazard_ratio, ci_low, ci_high, risk_ratio, e_value, e_value_limit`. The last is that
    of the limit nearest to 1: it is 1 where the interval holds 1, and empty without an interval.

    Raises
    ------
    AnalysisError : for a ratio that is not positive or lies outside its interval.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    risks = _risk_ratio(ratios) if common_outcome else ratios
    return pd.DataFrame(
        {
            **dict(zip(["hazard_ratio", "ci_low", "ci_high"], ratios, strict=True)),
            "risk_ratio": risks[0],
            "e_value": _e_value(risks[0]),
            "e_value_limit": _e_value(_limit(risks)),
        },
        index=[0],
    )


def bounded(
    hazard_ratio: float,
    ci_low: float,
    ci_high: float,
    exposure_ratios: Sequence[float],
    outcome_ratios: Sequence[float],
    common_outcome: bool = True,
) -> pd.DataFrame:
    """Work out the least that could remain of a ratio above 1: divide by the bounding factor.

    Source: Ding & VanderWeele 2016, doi 10.1097/EDE.0000000000000457.

    Parameters
    ----------
    hazard_ratio, ci_low, ci_high, common_outcome : as for `e_value`.
    exposure_ratios : risk ratios (1 or more) between the exposure and the unmeasured cause.
    outcome_ratios : risk ratios (1 or more) between the unmeasured cause and the outcome.

    Returns
    -------
    One row a pair: `exposure_ratio, outcome_ratio, bounding_factor, risk_ratio, ci_low, ci_high`.

    Raises
    ------
    AnalysisError : for a ratio below 1.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    risks = _risk_ratio(ratios) if common_outcome else ratios
    if min(hazard_ratio, *exposure_ratios, *outcome_ratios) < 1:
        raise AnalysisError("A bound is for ratios of 1 or more: turn the groups round.")
    rows = []
    for exposure, outcome in itertools.product(exposure_ratios, outcome_ratios):
        factor = exposure * outcome / (exposure + outcome - 1)
        rows.append((exposure, outcome, factor, *risks / factor))
    columns = ["exposure_ratio", "outcome_ratio", "bounding_factor", "risk_ratio"]
    return pd.DataFrame(rows, columns=[*columns, "ci_low", "ci_high"])


def adjusted_for_confounder(
    hazard_ratio: float,
    ci_low: float,
    ci_high: float,
    prevalence_exposed: Sequence[float],
    prevalence_reference: Sequence[float],
    confounder_hazard_ratio: Sequence[float],
) -> pd.DataFrame:
    """Take an unmeasured cause of stated strength out of a ratio, by the array approach.

    Source: Schneeweiss 2006, doi 10.1002/pds.1200. The cause is taken to multiply the hazard alike
    in both groups. Hazard ratios are taken as risk ratios, which holds early in follow-up only:
    later on, those with the cause have died first and the groups have grown alike.

    Parameters
    ----------
    hazard_ratio, ci_low, ci_high : the ratio and its 95% interval; no interval where not known.
    prevalence_exposed, prevalence_reference : shares (0 to 1) with the cause in each group.
    confounder_hazard_ratio : hazard ratios of death between people with and without the cause.

    Returns
    -------
    One row a combination: `prevalence_exposed, prevalence_reference, confounder_hazard_ratio,
    bias, hazard_ratio, ci_low, ci_high`; `bias` is what was divided by.

    Raises
    ------
    AnalysisError : for a share outside 0 to 1 or a ratio that is not positive.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    _shares(*prevalence_exposed, *prevalence_reference)
    if min(confounder_hazard_ratio) <= 0:
        raise AnalysisError("A ratio and the ends of its interval are above 0.")
    rows = []
    for exposed, reference, strength in itertools.product(
        prevalence_exposed, prevalence_reference, confounder_hazard_ratio
    ):
        bias = (1 + exposed * (strength - 1)) / (1 + reference * (strength - 1))
        rows.append((exposed, reference, strength, bias, *ratios / bias))
    columns = ["prevalence_exposed", "prevalence_reference", "confounder_hazard_ratio", "bias"]
    return pd.DataFrame(rows, columns=[*columns, "hazard_ratio", "ci_low", "ci_high"])


def remaining(
    findings: pd.DataFrame,
    prevalence_exposed: float,
    prevalence_reference: float,
    confounder_hazard_ratios: Sequence[float],
) -> pd.DataFrame:
    """Take causes of growing strength out of several ratios, by the array approach.

    Parameters
    ----------
    findings : one row a finding, its name as the index: `estimate, ci_low, ci_high`.
    prevalence_exposed, prevalence_reference : shares (0 to 1) with the cause in each group.
    confounder_hazard_ratios : strengths to be tried one by one.

    Returns
    -------
    One row a finding (`group`) and strength (`value`): `scenario, group, value, estimate, ci_low,
    ci_high`; `scenario` says the strength in words.

    Raises
    ------
    AnalysisError : as `adjusted_for_confounder`.
    """
    pair = [prevalence_exposed], [prevalence_reference]
    left = {
        name: adjusted_for_confounder(*ratio, *pair, confounder_hazard_ratios)
        for name, ratio in findings[["estimate", "ci_low", "ci_high"]].iterrows()
    }
    table = pd.concat(left, names=["group", None]).reset_index("group")
    names = {"confounder_hazard_ratio": "value", "hazard_ratio": "estimate"}
    columns = ["scenario", "group", "value", "estimate", "ci_low", "ci_high"]
    table["scenario"] = [
        f"a cause with a hazard ratio of death of {strength:g}"
        for strength in table["confounder_hazard_ratio"]
    ]
    return table.rename(columns=names)[columns].reset_index(drop=True)


def confounder_needed(
    hazard_ratio: float,
    ci_low: float,
    ci_high: float,
    prevalence_exposed: float,
    prevalence_reference: float,
) -> pd.DataFrame:
    """Work out how deadly an unmeasured cause must be to remove a ratio: `bias` solved for it.

    Source: Schneeweiss 2006, doi 10.1002/pds.1200; early in follow-up only, as there.

    Parameters
    ----------
    As for `adjusted_for_confounder`, with one share a group.

    Returns
    -------
    One row: `prevalence_exposed, prevalence_reference, confounder_hazard_ratio,
    confounder_hazard_ratio_limit`: what removes the ratio, and what moves the limit nearest to 1
    to 1. Infinite where no cause with these shares can; empty without an interval.

    Raises
    ------
    AnalysisError : for a share outside 0 to 1 or a ratio that is not positive.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    _shares(prevalence_exposed, prevalence_reference)
    needed = []
    for ratio in (ratios[0], _limit(ratios)):
        # A cause too evenly spread reaches at most the ratio of the two shares.
        left = prevalence_exposed - ratio * prevalence_reference
        solved = 1 + (ratio - 1) / left if left else np.inf
        solved = 1.0 if ratio == 1 else solved
        needed.append(np.inf if solved <= 0 else solved)
    return pd.DataFrame(
        [(prevalence_exposed, prevalence_reference, *needed)],
        columns=[
            *("prevalence_exposed", "prevalence_reference"),
            *("confounder_hazard_ratio", "confounder_hazard_ratio_limit"),
        ],
    )


def _risk_ratio(hazard_ratio: np.ndarray) -> np.ndarray:
    """Approximate the risk ratio where the outcome is common (VanderWeele & Ding 2017)."""
    root = np.sqrt(hazard_ratio)
    return (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def _e_value(risk_ratio: float) -> float:
    risk_ratio = max(risk_ratio, 1 / risk_ratio)
    return risk_ratio + np.sqrt(risk_ratio * (risk_ratio - 1))


def _limit(ratios: np.ndarray) -> float:
    """Pick the end of an interval that is nearest to 1, or 1 where the interval holds it."""
    _, low, high = ratios
    if low <= 1 <= high:
        return 1.0
    return low if low > 1 else high


def _shares(*shares: float) -> None:
    if not all(0 <= share <= 1 for share in shares):
        raise AnalysisError("A share of people lies between 0 and 1.")


# --- who is seen, when, and under which distance ------------------------------------------------


def simulate_referral(
    people: int,
    seed: int,
    hazard_ratio: float,
    severity_hazard_ratio: float,
    referral_odds_ratio: float,
    share_referred: float,
    median_years: float,
    years: float = 5.0,
) -> pd.DataFrame:
    """Draw people of whom a service sees a part, chosen among the exposed by how ill they are.

    Half are exposed. Survival is exponential; severity is normal and unmeasured. In both groups
    the same share is referred: at random in the reference group, by severity among the exposed.
    The same seed gives the same people whatever the ratios, so that draws can be compared.

    Parameters
    ----------
    people, seed : how many people are drawn, and the seed.
    hazard_ratio : the true ratio between exposed and reference, at equal severity.
    severity_hazard_ratio : of one standard deviation of severity.
    referral_odds_ratio : of being referred, among the exposed, for one standard deviation of
        severity; below 1 where the fitter are referred.
    share_referred : share of either group that is referred (0 to 1).
    median_years : median survival of the reference group at average severity.
    years : follow-up.

    Returns
    -------
    One row a person: `exposed` (0 or 1), `severity`, `referred`, `follow_up_years`, `died`.

    Raises
    ------
    AnalysisError : for a ratio or a time that is not positive, or a share outside 0 to 1.
    """
    _positive(hazard_ratio, severity_hazard_ratio, referral_odds_ratio, median_years, years)
    if not 0 < share_referred < 1:
        raise AnalysisError("The share that is referred lies between 0 and 1, both excluded.")
    random = np.random.default_rng(seed)
    exposed = np.arange(people) % 2
    severity, lot = random.standard_normal(people), random.random(people)
    hazard = np.log(2) / median_years * hazard_ratio**exposed * severity_hazard_ratio**severity
    time = random.standard_exponential(people) / hazard
    slope = np.log(referral_odds_ratio) * exposed * severity
    chance = np.where(
        exposed == 1, expit(_intercept(slope[exposed == 1], share_referred) + slope), share_referred
    )
    return pd.DataFrame(
        {
            "exposed": exposed,
            "severity": severity,
            "referred": lot < chance,
            "follow_up_years": np.minimum(time, years),
            "died": time <= years,
        }
    )


def referral_bias(
    people: int,
    seed: int,
    hazard_ratios: Sequence[float],
    referral_odds_ratios: Sequence[float],
    **how: float,
) -> pd.DataFrame:
    """Find what a service would see of a true ratio if it saw people by how ill they are (Cox).

    Parameters
    ----------
    people, seed : of each draw.
    hazard_ratios : true ratios.
    referral_odds_ratios : how strongly the exposed are chosen.
    how : the other parameters of `simulate_referral`.

    Returns
    -------
    One row a pair: `scenario, measure, method, unit, built_in` (the true ratio), `value` (the odds
    ratio), `estimate` (the hazard ratio that is found), `ci_low, ci_high`; the interval is that of
    the simulation. `scenario` and `measure` are words for readers.
    """
    return pd.DataFrame(
        {
            "scenario": f"odds ratio of being referred {odds:g}",
            "measure": "hazard ratio among those referred",
            "method": "referred",
            "unit": "ratio",
            "built_in": truth,
            "value": odds,
            **_cox(
                simulate_referral(
                    people, seed, hazard_ratio=truth, referral_odds_ratio=odds, **how
                ).query("referred")
            ),
        }
        for truth, odds in itertools.product(hazard_ratios, referral_odds_ratios)
    )


def referral_needed(
    bias: pd.DataFrame, hazard_ratio: float, ci_low: float = np.nan, ci_high: float = np.nan
) -> pd.DataFrame:
    """Read off how strong a selection by severity would make a ratio where there is none.

    Parameters
    ----------
    bias : what `referral_bias` returned; its rows with a true ratio of 1 are read, and 1 at an
        odds ratio of 1 is one of them.
    hazard_ratio, ci_low, ci_high : the ratio and its 95% interval; no interval where not known.

    Returns
    -------
    One row: `referral_odds_ratio, referral_odds_ratio_limit`; empty where no selection that was
    simulated is strong enough, or without an interval.

    Raises
    ------
    AnalysisError : for a table without a true ratio and an odds ratio of 1.
    """
    ratios = _ratios(hazard_ratio, ci_low, ci_high)
    null = bias[bias["built_in"] == 1].sort_values("value")
    nothing = null.loc[null["value"] == 1, "estimate"]
    if len(nothing) != 1:
        raise AnalysisError("The table needs one row with a true ratio of 1 and odds ratio of 1.")
    # Draws share their lots, so that what chance adds is nearly the same in each: take it off.
    made, odds = np.log(null["estimate"] / nothing.item()), np.log(null["value"])
    needed = [
        np.exp(np.interp(np.log(ratio), made, odds, left=np.nan, right=np.nan))
        for ratio in (ratios[0], _limit(ratios))
    ]
    return pd.DataFrame([needed], columns=["referral_odds_ratio", "referral_odds_ratio_limit"])


def simulate_late_entry(
    people: int,
    seed: int,
    hazard_ratio: float,
    wait_reference_years: float,
    wait_exposed_years: float,
    median_years: float,
    shape: float,
    years: float = 5.0,
) -> pd.DataFrame:
    """Draw people who are seen some time after their illness began, if they live that long.

    Half are exposed. Survival since the beginning is Weibull, waits are exponential.

    Parameters
    ----------
    people, seed : how many people are drawn, and the seed.
    hazard_ratio : the true ratio between exposed and reference at equal time since the beginning.
    wait_reference_years, wait_exposed_years : mean wait of each group until the first visit.
    median_years : median survival of the reference group since the beginning.
    shape : of the Weibull curve; above 1 the hazard rises as the illness goes on.
    years : follow-up after the first visit.

    Returns
    -------
    One row a person: `exposed` (0 or 1), `seen` (False: died before the first visit),
    `entry_years` and `exit_years` (since the beginning), `follow_up_years` (since the first
    visit), `died`.

    Raises
    ------
    AnalysisError : for a ratio or a time that is not positive.
    """
    _positive(hazard_ratio, wait_reference_years, wait_exposed_years, median_years, shape, years)
    random = np.random.default_rng(seed)
    exposed = np.arange(people) % 2
    scaled = random.standard_exponential(people) / (np.log(2) * hazard_ratio**exposed)
    death = median_years * scaled ** (1 / shape)
    wait = np.where(exposed == 1, wait_exposed_years, wait_reference_years)
    entry = wait * random.standard_exponential(people)
    leaving = np.minimum(death, entry + years)
    return pd.DataFrame(
        {
            "exposed": exposed,
            "seen": death > entry,
            "entry_years": entry,
            "exit_years": leaving,
            "follow_up_years": leaving - entry,
            "died": death <= entry + years,
        }
    )


# The clock of an analysis: its name, its time, and when people begin to be at risk.
CLOCKS = {
    "first-visit": ("counted from the first visit", "follow_up_years", None),
    "always-watched": ("counted from the first symptom", "exit_years", None),
    "entry-times": ("from the first symptom, with the time of entry", "exit_years", "entry_years"),
}


def late_entry_bias(
    people: int,
    seed: int,
    hazard_ratios: Sequence[float],
    wait_reference_years: float,
    times_as_long: Sequence[float],
    **how: float,
) -> pd.DataFrame:
    """Find what each clock makes of a true ratio if the exposed are seen later (Cox).

    The last clock takes late entry into account (left truncation), as `survival.cox` with `entry`.

    Parameters
    ----------
    people, seed, wait_reference_years : as for `simulate_late_entry`.
    hazard_ratios : true ratios.
    times_as_long : waits of the exposed, as multiples of the reference group's.
    how : the other parameters of `simulate_late_entry`.

    Returns
    -------
    `scenario, measure, method, built_in, value, estimate, ci_low, ci_high, unit`: for each true
    ratio (`built_in`) and wait (`value`, times as long), the hazard ratio by each clock, whose
    interval is that of the simulation, and how many of 100 exposed die before their first visit
    (`died-unseen`). `scenario` and `measure` are words for readers.
    """
    rows = []
    for truth, longer in itertools.product(hazard_ratios, times_as_long):
        drawn = simulate_late_entry(
            people,
            seed,
            hazard_ratio=truth,
            wait_reference_years=wait_reference_years,
            wait_exposed_years=longer * wait_reference_years,
            **how,
        )
        as_long = "as long" if longer == 1 else f"{longer:g} times as long"
        setting = {
            "scenario": f"the exposed wait {as_long} as the others",
            "built_in": truth,
            "value": longer,
        }
        seen = drawn[drawn["seen"]]
        rows += [
            {
                "measure": f"hazard ratio, {words}",
                "method": method,
                **setting,
                **_cox(seen, *clock),
                "unit": "ratio",
            }
            for method, (words, *clock) in CLOCKS.items()
        ]
        rows.append(
            {
                "measure": "of 100 exposed, died before their first visit",
                "method": "died-unseen",
                **setting,
                "estimate": 100 * (1 - drawn.loc[drawn["exposed"] == 1, "seen"].mean()),
                "unit": "of 100 exposed",
            }
        )
    return pd.DataFrame(rows)


def simulate_misclassification(
    people: int,
    seed: int,
    hazard_ratio: float,
    furthest_edge_km: float,
    median_years: float,
    misplaced: float = 0.0,
    error_km: float = 0.0,
    years: float = 5.0,
) -> pd.DataFrame:
    """Draw people whose fifth of distance is recorded with error, alike in those who die or live.

    Distances are exponential, survival is exponential, and the logarithm of the hazard rises
    evenly over the fifths.

    Parameters
    ----------
    people, seed : how many people are drawn, and the seed.
    hazard_ratio : the true ratio between the furthest and the nearest fifth.
    furthest_edge_km : distance beyond which a fifth of people live.
    median_years : median survival of the nearest fifth.
    misplaced : share of people (0 to 1) who are recorded in a neighbouring fifth.
    error_km : how far the recorded home lies from the true one, in a random direction, as with
        the middle of a postcode sector.
    years : follow-up.

    Returns
    -------
    One row a person: `distance_km`, `recorded_km`, `fifth` and `recorded_fifth` (1 to 5, 5 the
    furthest), `follow_up_years`, `died`.

    Raises
    ------
    AnalysisError : for a ratio, a distance or a time that is not positive, or a share outside 0
        to 1.
    """
    _positive(hazard_ratio, furthest_edge_km, median_years, years)
    _shares(misplaced)
    if error_km < 0:
        raise AnalysisError("An error of the recorded home is a distance of 0 km or more.")
    random = np.random.default_rng(seed)
    distance = furthest_edge_km / np.log(5) * random.standard_exponential(people)
    angle, lot = 2 * np.pi * random.random(people), random.random(people)
    recorded = np.sqrt(distance**2 + error_km**2 + 2 * distance * error_km * np.cos(angle))
    fifth, recorded_fifth = _fifths(distance), _fifths(recorded)
    step = np.where(random.random(people) < 0.5, -1, 1)
    step = np.where(recorded_fifth == 1, 1, np.where(recorded_fifth == 5, -1, step))
    hazard = np.log(2) / median_years * hazard_ratio ** ((fifth - 1) / 4)
    time = random.standard_exponential(people) / hazard
    return pd.DataFrame(
        {
            "distance_km": distance,
            "recorded_km": recorded,
            "fifth": fifth,
            "recorded_fifth": recorded_fifth + step * (lot < misplaced),
            "follow_up_years": np.minimum(time, years),
            "died": time <= years,
        }
    )


def misclassification_bias(
    people: int, seed: int, misplaced: Sequence[float], error_km: Sequence[float], **how: float
) -> pd.DataFrame:
    """Find what is left of a true ratio, furthest to nearest fifth, under recorded fifths (Cox).

    Parameters
    ----------
    people, seed : of each draw.
    misplaced : shares of people in a neighbouring fifth, to be tried one by one.
    error_km : errors of the home (km), to be tried one by one.
    how : the other parameters of `simulate_misclassification`.

    Returns
    -------
    `scenario, measure, method, built_in, value, estimate, ci_low, ci_high, unit`: for each error
    (`method`) and its size (`value`), the hazard ratio, whose interval is that of the simulation,
    and how many of 100 people are recorded in a fifth that is not theirs (`-moved`). `scenario` and
    `measure` are words for readers.
    """
    rows = []
    tried = [
        *(("misplaced", s, f"{100 * s:g} of 100 in a neighbouring fifth") for s in misplaced),
        *(("error-km", km, f"home placed {km:g} km off") for km in error_km),
    ]
    for error, size, words in tried:
        sizes = {error.replace("-", "_"): size}
        drawn = simulate_misclassification(people, seed, **sizes, **how)
        setting = {"scenario": words, "built_in": how["hazard_ratio"], "value": size}
        ends = drawn[drawn["recorded_fifth"].isin([1, 5])]
        ratio = {
            "measure": "hazard ratio, furthest recorded fifth against nearest",
            "method": error,
            **_cox(ends.assign(exposed=ends["recorded_fifth"] == 5)),
            "unit": "ratio",
        }
        moved = {
            "measure": "of 100 people, recorded in another fifth",
            "method": f"{error}-moved",
            "estimate": 100 * (drawn["fifth"] != drawn["recorded_fifth"]).mean(),
            "unit": "of 100 people",
        }
        rows += [setting | ratio, setting | moved]
    return pd.DataFrame(rows)


def removal(
    findings: pd.DataFrame,
    prevalences: Sequence[tuple[float, float]] = (),
    selection: pd.DataFrame | None = None,
    no_groups: Sequence[str] = (),
) -> pd.DataFrame:
    """Gather what would remove each of several ratios: E-values, causes, selection.

    Parameters
    ----------
    findings : one row a finding, its slug as the index: `name` (for readers), `estimate, ci_low,
        ci_high`.
    prevalences : pairs of shares, exposed and reference, for `confounder_needed`.
    selection : what `referral_bias` returned, for `referral_needed`.
    no_groups : slugs of ratios that do not compare two groups of people (such as a ratio for a
        doubling): they get E-values alone, since there are no shares of the exposed.

    Returns
    -------
    `estimand, term` (the name), `measure` (in words), `hazard_ratio, ci_low, ci_high, estimate,
    unit, note`: for each answer a row of what would remove the ratio, and with an interval one of
    what would reach the limit nearest to 1. `estimand` is the answer (`e_value` for a common
    outcome, `e_value_rare`, `cause_40_20`, `referral`), the slug, and `ratio` or `limit`. The
    estimate is empty where nothing is strong enough.

    Raises
    ------
    AnalysisError : as each of the three.
    """
    rows = []
    for slug, finding in findings.iterrows():
        ratio = finding[["estimate", "ci_low", "ci_high"]].to_numpy(float)
        answers = {
            "e_value": ("E-value", "risk ratio", e_value(*ratio)),
            "e_value_rare": ("E-value if death were rare", "risk ratio", e_value(*ratio, False)),
        }
        compares = slug not in no_groups
        for exposed, reference in prevalences if compares else ():
            shares = f"{100 * exposed:.0f}", f"{100 * reference:.0f}"
            answers["cause_" + "_".join(shares)] = (
                f"A cause in {' against '.join(shares)} of 100",
                "hazard ratio of death with the cause",
                confounder_needed(*ratio, exposed, reference),
            )
        if selection is not None and compares:
            answers["referral"] = (
                "Referral of the sicker",
                "odds ratio for one standard deviation of severity",
                referral_needed(selection, *ratio),
            )
        goals = {"ratio": "to remove the ratio"}
        if not np.isnan(ratio[1]):
            end = "lower" if ratio[0] >= 1 else "upper"
            goals["limit"] = f"to reach its {end} limit"
        rows += [
            (f"{answer}.{slug}.{goal}", finding["name"], f"{words}, {aim}", *ratio, needed, unit)
            for answer, (words, unit, found) in answers.items()
            for (goal, aim), needed in zip(goals.items(), found.iloc[0, -2:], strict=False)
        ]
    columns = ["estimand", "term", "measure", "hazard_ratio", "ci_low", "ci_high"]
    table = pd.DataFrame(rows, columns=[*columns, "estimate", "unit"]).replace(np.inf, np.nan)
    bare = np.where(table["ci_low"].isna(), "printed without an interval", "")
    return table.assign(
        note=np.where(table["estimate"].isna(), "nothing of the kind is strong enough", bare)
    )


def gather(simulated: Sequence[pd.DataFrame], truths: pd.DataFrame) -> pd.DataFrame:
    """Put tables of what each bias would do under each other, and name the true ratios in them.

    Parameters
    ----------
    simulated : what `referral_bias`, `late_entry_bias` and `misclassification_bias` returned.
    truths : one row a published ratio that was simulated, its word as the index (`distance`):
        `estimate, ci_low, ci_high`.

    Returns
    -------
    Their rows with `estimand` (method, word of the true ratio or `none`, size), `group` (the true
    ratio in words) and `note` (the published interval, and how little would remove a ratio whose
    E-value for the limit is below 1.2); `built_in` is empty where the row is not a ratio.
    """
    table = pd.concat(simulated, ignore_index=True)
    words = {1.0: "none"} | {ratio: word for word, ratio in truths["estimate"].items()}
    notes = {}
    for word, row in truths.iterrows():
        ratio = row[["estimate", "ci_low", "ci_high"]].to_numpy(float)
        notes[word] = "true ratio published as {:.2f} ({:.2f} to {:.2f})".format(*ratio)
        if e_value(*ratio)["e_value_limit"].item() < 1.2:
            notes[word] += ": weak confounding could remove it"
    truth = table["built_in"].map(words)
    return table.assign(
        estimand=table["method"] + "." + truth + "." + table["value"].map("{:g}".format),
        group=("true ratio as published for " + truth).where(truth != "none", "no true difference"),
        note=truth.map(notes).fillna(""),
        built_in=table["built_in"].where(table["unit"] == "ratio"),
    )


def _cox(
    people: pd.DataFrame, time: str = "follow_up_years", entry: str | None = None
) -> dict[str, float]:
    """Fit Cox's model with the exposure alone."""
    fit = engine.cox(
        people[time].to_numpy(),
        people["died"].to_numpy(),
        people["exposed"].to_numpy(float),
        entry=None if entry is None else people[entry].to_numpy(),
    )
    middle, error = fit.coefficients[0], fit.standard_errors[0]
    ends = np.exp(middle + np.array([0, -1, 1]) * engine.Z95 * error)
    return dict(zip(["estimate", "ci_low", "ci_high"], ends, strict=True))


def _intercept(slope: np.ndarray, share: float) -> float:
    """Find the level of a logistic chance at which the mean chance is the stated share."""
    reach = 10 + np.abs(slope).max(initial=0)
    return brentq(lambda level: expit(level + slope).mean() - share, -reach, reach)


def _fifths(values: np.ndarray) -> np.ndarray:
    """Cut values at their own fifths, closed on the right: 1 to 5."""
    return 1 + np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values, side="left")


def _positive(*values: float) -> None:
    if not min(values) > 0:
        raise AnalysisError("Ratios, distances and times of a simulation are above 0.")
