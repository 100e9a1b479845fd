"""Which lever: what a sum of money a year would do for survival, and for whom, lever by lever.

Four levers act on the same people: earlier referral, nearer clinics, treatment access and care
co-ordination. People are the new patients of a year, by fifth of deprivation and band of minutes
to the nearest centre. Their hazard of death is a product of published or assumed ratios (by
deprivation, by band, for each doubling of the delay, with or without treatment), and its level is
solved for, so that everybody together has the published median survival. A lever changes the
hazard of those whom its money reaches; only the share of a ratio that is assumed to be causal
counts, and what is paid for some years works for these years. Time is counted from the day on
which people are seen today, so that being seen earlier adds no life by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care import scheduler
from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions, location, outcomes

SCENARIO = "levers"
# The published table of people, by deprivation and minutes.
PEOPLE = "levers_people"
CAUTION = (
    "A model of assumptions, not a finding: deprivation, distance and delay are associations from "
    "single studies, and no effect of co-ordination is published. Car ownership not included."
)
LEVERS = {
    "referral": "Earlier referral",
    "clinics": "Nearer spokes",
    "treatment": "Treatment access",
    "coordination": "Co-ordination",
}
NONE = "none"
# How levers are written in tables.
WORDS = {lever: words.lower() for lever, words in LEVERS.items()} | {NONE: "no lever"}
# The effect of every lever but the last has been measured somewhere, if not as a cause.
WITHOUT_COORDINATION = ("referral", "clinics", "treatment")
SETS = {"all four levers": tuple(LEVERS), "without co-ordination": WITHOUT_COORDINATION}
FIFTHS, BANDS, DELAYS = 5, 5, 5
HORIZON_YEARS = 10.0
POUNDS = 1_000_000.0
CLINICS = (0, 1, 2, 4, 7, 10)
# For whom clinics are chosen: the first choice is the one that the levers are compared with.
EVERYBODY, MOST_DEPRIVED = "chosen for everybody", "chosen for the most deprived fifth"
CHOSEN_FOR = {EVERYBODY: (1, 2, 3, 4, 5), MOST_DEPRIVED: (1,)}
DAYS = 365.25
# A winner is named only if it ranks first in more than this share of the draws.
ENOUGH = 0.8
BLOCK = 500
SEED = 20261122
# Differences in the last digits are none.
LEAST = 1e-9
# The most digits after the point that a number is told with.
PLACES = 6
LIFE, MEAN, SLOPE, RELATIVE = (
    "life years",
    "mean survival",
    "slope index of inequality",
    "relative slope index",
)
UNITS = {
    LIFE: "life years",
    MEAN: "days a person",
    SLOPE: "days",
    RELATIVE: "per cent of the mean",
}
REACHED, HOURS, WORTH = "people reached", "hours on the road saved", "worth of these hours"
BOUGHT, A_VISIT = "what the money buys", "pounds a visit held at a spoke"
MORE_UNITS = {
    REACHED: "people a year",
    HOURS: "hours a year",
    WORTH: "pounds a year",
    BOUGHT: "people, spokes or posts",
    A_VISIT: "pounds a visit",
}
# For each lever what its money buys, and the assumptions that make its price.
BUYS = {
    "referral": "people referred earlier",
    "clinics": "spokes",
    "treatment": "people treated",
    "coordination": "posts",
}
PRICES = {
    "referral": (
        "referral_pounds_a_person",
        "share_months_won_treated",
        "treatment_pounds_a_year",
    ),
    "clinics": ("clinic_pounds_a_year",),
    "treatment": ("treatment_pounds_a_year", "treatment_years", "treatment_finding_pounds"),
    "coordination": ("coordinator_pounds_a_year", "coordinator_people", "coordination_years"),
}
# Whom a lever reaches, for those that reach people one by one.
REACHES = {
    lever: f"reach_{lever}_most_against_least_deprived"
    for lever in ("referral", "treatment", "coordination")
}
# How the assumptions are called in a figure.
SHORT = {
    "base": "All assumptions at their values",
    "centre_list": "List of centres",
    "clinic_pounds_a_year": "Pounds a year for a spoke",
    "clinic_visits_a_year": "Visits in a year",
    "coordination_years": "Years with a co-ordinator",
    "coordinator_people": "People on a co-ordinator's list",
    "coordinator_pounds_a_year": "Pounds a year for a co-ordinator",
    "delay_before_referral_spread": "Spread of the delay before referral",
    "delay_before_referral_years": "Median years of delay before referral",
    "delay_most_against_least_deprived": "Delay, most deprived against least",
    "delay_share_causal": "Share of the delay ratio that is causal",
    "deprivation_ratio_shape": "Steps of the ratio by deprivation (power)",
    "distance_ratio_shape": "Steps of the ratio by distance (power)",
    "distance_share_causal": "Share of the distance ratio that is causal",
    "hazard_ratio_coordination": "Hazard ratio with a co-ordinator",
    "hazard_ratio_delay_doubling": "Hazard ratio for a doubled delay",
    "hazard_ratio_deprivation": "Hazard ratio, most deprived against least",
    "hazard_ratio_distance": "Hazard ratio, furthest against nearest",
    "hazard_ratio_treatment": "Hazard ratio on treatment",
    "median_survival_years": "Median survival in years",
    "minutes_against_model": "Minutes by car against the model",
    "new_patients_a_year": "New patients a year",
    "prevalence_per_100000": "People with the disease per 100,000",
    "reach_coordination_most_against_least_deprived": "Reach of co-ordination, most deprived "
    "against least",
    "reach_referral_most_against_least_deprived": "Reach of earlier referral, most deprived "
    "against least",
    "reach_treatment_most_against_least_deprived": "Reach of treatment, most deprived against "
    "least",
    "referral_months_earlier": "Months that a referral is earlier",
    "referral_pounds_a_person": "Pounds to reach one person earlier",
    "referral_share_reachable": "Most people to be reached earlier",
    "share_months_won_treated": "Share of months won that are treated",
    "share_seen_at_spoke": "Share seen at the nearer spoke",
    "share_treatable": "People who could be treated",
    "share_treated": "People who are treated",
    "shortest_delay_days": "Days of delay below which nothing is gained",
    "survival_shape": "Shape of the survival curve",
    "travel_time_pounds_an_hour": "Pounds that an hour on the road is worth",
    "treatment_finding_pounds": "Pounds to find one more to treat",
    "treatment_pounds_a_year": "Pounds a year for treatment",
    "treatment_share_causal": "Share of the treatment ratio that is causal",
    "treatment_years": "Years on treatment",
    "wait_referral_to_clinic_days": "Days from referral to clinic",
}
USED = tuple(name for name in SHORT if name not in ("base", "centre_list"))
# More life is better, and so is a smaller slope.
BETTER = {LIFE: 1, SLOPE: -1, RELATIVE: -1}
# For each lever what a break-even is looked for in: name, least and most value.
BREAK_EVEN = {
    "referral": (("referral_pounds_a_person", 1, 1e6), ("delay_share_causal", 0, 1)),
    "clinics": (("clinic_pounds_a_year", 1e3, 1e9), ("distance_share_causal", 0, 1)),
    "treatment": (("treatment_pounds_a_year", 1, 1e6), ("hazard_ratio_treatment", 0.2, 1)),
    "coordination": (
        ("coordinator_pounds_a_year", 1e3, 1e9),
        ("hazard_ratio_coordination", 0.2, 1),
    ),
}


class _Cells(NamedTuple):
    """People by fifth, band today and band afterwards (first axis: how many clinics), as arrays."""

    counts: np.ndarray
    shares: np.ndarray
    minutes: np.ndarray
    people: float

    @property
    def today(self) -> np.ndarray:
        """Share of all people by fifth and band today."""
        return self.shares[0].sum(axis=2)

    @property
    def fifths(self) -> np.ndarray:
        """Share of all people in each fifth."""
        return self.today.sum(axis=1)


class _People(NamedTuple):
    """Everybody by fifth, band, delay and treatment, a row a draw: log hazard and life today."""

    logs: np.ndarray
    shares: np.ndarray
    years: np.ndarray
    median: np.ndarray
    shape: np.ndarray

    def lived(self, logs: np.ndarray) -> np.ndarray:
        """Restricted mean survival in years for log hazards in the shape of `logs`."""
        more = (slice(None),) + (None,) * (logs.ndim - 1)
        return outcomes.restricted_mean(
            self.median[more], self.shape[more], np.exp(logs), HORIZON_YEARS
        )

    def lived_while(self, logs: np.ndarray, change: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Do the same where the log hazard is changed for some years; both are one value a draw."""
        more = (slice(None),) + (None,) * (logs.ndim - 1)
        return outcomes.restricted_mean_while(
            self.median[more],
            self.shape[more],
            np.exp(logs),
            np.exp(change[more]),
            years[more],
            HORIZON_YEARS,
        )


# --- the people, from the real geography --------------------------------------------------------


def moves(
    areas: pd.DataFrame,
    now: pd.Series,
    minutes: pd.DataFrame,
    clinics: Sequence[int] = CLINICS,
    fifths: Sequence[int] = (1, 2, 3, 4, 5),
) -> pd.DataFrame:
    """Count expected patients by deprivation and minutes, today and after the best new clinics.

    The clinics are those that lower the mean minutes of expected patients of some or all fifths
    most (`location.swap`). Bands hold a fifth of all expected patients each, by minutes today, and
    stay where they are afterwards.

    Parameters
    ----------
    areas : `area_code`, `deprivation_quintile` (1 = most deprived), `people_all_ages`,
        `expected_patients`.
    now : one-way minutes to the nearest centre today, by `area_code`.
    minutes : one-way minutes to hospitals that could have a clinic; index `area_code`.
    clinics : numbers of clinics, 0 first.
    fifths : the fifths of deprivation for which the clinics are chosen.

    Returns
    -------
    `term` (number of clinics), `group` (fifth), `level` (band today), `value` (band afterwards),
    `estimate` (share of all expected patients), `people` (of all ages, with the disease or without
    it), `travel_minutes` (mean minutes afterwards of those in the row), `unit`; rows with nobody
    are left out.

    Raises
    ------
    AnalysisError : where the first number of clinics is not 0.
    """
    if not clinics or clinics[0] != 0:
        raise AnalysisError("Numbers of clinics begin with 0: how it is today.")
    of_area = areas.set_index("area_code")
    people = of_area["expected_patients"].astype(float)
    everybody = of_area["people_all_ages"].to_numpy(float)
    today, minutes = now.reindex(people.index), minutes.reindex(people.index)
    edges = _edges(today.to_numpy(float), people.to_numpy())
    fifth = of_area["deprivation_quintile"].to_numpy(int) - 1
    band = np.searchsorted(edges, today)
    # Where no hospital is nearer than what is open, clinics change nothing.
    gains_by = (minutes.min(axis=1) < today) & of_area["deprivation_quintile"].isin(list(fifths))
    asked = minutes[gains_by], today[gains_by], people[gains_by]
    parts = []
    for number in clinics:
        sites = location.swap(*asked, number)[0] if number and gains_by.any() else ()
        then = location.after(minutes, today, sites).to_numpy(float)
        cells = (fifth * BANDS + band) * BANDS + np.searchsorted(edges, then)
        share = people.to_numpy() / people.sum()
        shares, minutes_there, all_ages = (
            np.bincount(cells, weights, FIFTHS * BANDS * BANDS)
            for weights in (share, then * share, everybody)
        )
        there = np.flatnonzero(shares)
        parts.append(
            pd.DataFrame(
                {
                    "term": number,
                    "group": there // BANDS**2 + 1,
                    "level": there // BANDS % BANDS + 1,
                    "value": there % BANDS + 1.0,
                    "estimate": shares[there],
                    "people": all_ages[there].round().astype(int),
                    "travel_minutes": minutes_there[there] / shares[there],
                }
            )
        )
    return pd.concat(parts, ignore_index=True).assign(unit="share of expected patients")


def by_list(
    areas: pd.DataFrame, near: pd.DataFrame, minutes: pd.DataFrame, fifths: Mapping | None = None
) -> pd.DataFrame:
    """Count people as `moves` does, for every list of centres.

    Parameters
    ----------
    areas, minutes : as for `moves`.
    near : minutes to the nearest centre today, one column a list; index `area_code`.
    fifths : for each name of a choice the fifths for which clinics are chosen; by default for
        everybody, and for the most deprived fifth only.

    Returns
    -------
    The rows of `moves` with `centre_list` and `scenario` (the choice).

    Raises
    ------
    AnalysisError : as `moves`.
    """
    parts = [
        moves(areas, near[name], minutes, fifths=of).assign(centre_list=name, scenario=choice)
        for name in near
        for choice, of in (fifths or CHOSEN_FOR).items()
    ]
    return pd.concat(parts, ignore_index=True)


def _edges(minutes: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Minutes that cut people into bands of as many each."""
    order = np.argsort(minutes, kind="stable")
    along = people[order].cumsum() / people.sum()
    return minutes[order][np.searchsorted(along, np.arange(1, BANDS) / BANDS)]


def _cells(table: pd.DataFrame) -> _Cells:
    """Read the table of moves as arrays."""
    needed = ("term", "group", "level", "value", "estimate", "people", "travel_minutes")
    absent = [column for column in needed if column not in table]
    if absent:
        raise AnalysisError(f"A table of moves has columns that are not here: {', '.join(absent)}.")
    counts = np.sort(table["term"].astype(int).unique())
    shares = np.zeros((len(counts), FIFTHS, BANDS, BANDS))
    place = (
        np.searchsorted(counts, table["term"].astype(int)),
        *(table[column].astype(int).to_numpy() - 1 for column in ("group", "level", "value")),
    )
    shares[place] = table["estimate"]
    totals = shares.sum(axis=(1, 2, 3))
    if counts[0] != 0 or not np.allclose(totals, 1):
        raise AnalysisError(
            "A table of moves begins with no clinic, and the shares of each number of clinics add "
            "up to 1."
        )
    mean = np.bincount(place[0], table["estimate"] * table["travel_minutes"], len(counts))
    everybody = float(table.loc[table["term"].astype(int) == 0, "people"].sum())
    return _Cells(counts.astype(float), shares, mean, everybody)


def _hazards(assumed: Mapping[str, np.ndarray], cells: _Cells) -> _People:
    """Lay out everybody's hazard today, with its level solved for."""
    log = {name: np.log(assumed[name]) for name in assumed if name.startswith("hazard_ratio_")}
    delay = _effective(assumed, _before(assumed))
    draws = len(delay)
    parts = (
        log["hazard_ratio_deprivation"][:, None]
        * _deprived() ** assumed["deprivation_ratio_shape"][:, None],
        log["hazard_ratio_distance"][:, None] * _far(assumed),
        log["hazard_ratio_delay_doubling"][:, None, None] * np.log2(delay),
        log["hazard_ratio_treatment"][:, None] * np.array([0.0, 1.0]),
    )
    logs = (
        parts[0][:, :, None, None, None]
        + parts[1][:, None, :, None, None]
        + parts[2][:, :, None, :, None]
        + parts[3][:, None, None, None, :]
    )
    treated = np.stack([1 - assumed["share_treated"], assumed["share_treated"]], axis=1)
    shares = cells.today[None, :, :, None, None] / DELAYS * treated[:, None, None, None, :]
    shares = np.broadcast_to(shares, logs.shape)
    level = outcomes.base_ratio(np.exp(logs).reshape(draws, -1), shares.reshape(draws, -1))
    logs = logs + np.log(level)[:, None, None, None, None]
    people = _People(
        logs, shares, logs, assumed["median_survival_years"], assumed["survival_shape"]
    )
    return people._replace(years=people.lived(logs))


def _deprived() -> np.ndarray:
    """Where each fifth stands: 1 for the most deprived, 0 for the least."""
    return 1 - np.arange(FIFTHS) / (FIFTHS - 1)


def _far(assumed: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where each band stands, a row a draw: 0 for the nearest, 1 for the furthest."""
    return (np.arange(BANDS) / (BANDS - 1)) ** assumed["distance_ratio_shape"][:, None]


def _before(assumed: Mapping[str, np.ndarray]) -> np.ndarray:
    """Years from first breathlessness to referral: a row a draw, by fifth and part of the curve.

    The parts are as many people each, and stand at their own middle.
    """
    middle = stats.norm.ppf((np.arange(DELAYS) + 0.5) / DELAYS)
    median = assumed["delay_before_referral_years"][:, None] * assumed[
        "delay_most_against_least_deprived"
    ][:, None] ** (_deprived() - 0.5)
    return median[:, :, None] * np.exp(
        assumed["delay_before_referral_spread"][:, None, None] * middle
    )


def _effective(assumed: Mapping[str, np.ndarray], before: np.ndarray) -> np.ndarray:
    """Years from first breathlessness to the specialist, as far as they count."""
    delay = before + assumed["wait_referral_to_clinic_days"][:, None, None] / DAYS
    return np.maximum(delay, assumed["shortest_delay_days"][:, None, None] / DAYS)


# --- the levers ---------------------------------------------------------------------------------


def gains(
    assumed: pd.DataFrame | Mapping[str, float], people: pd.DataFrame, pounds: float = POUNDS
) -> pd.DataFrame:
    """Work out what a sum of money a year would do if it were spent on one lever.

    Parameters
    ----------
    assumed : one row a draw and one column an assumption (`assumptions.draws`), or one value each
        (`assumptions.values`).
    people : as `moves` returns it.
    pounds : money a year; the gain is that of the new patients of a year, year after year.

    Returns
    -------
    `draw`, `group` (lever), `measure`, `estimate`: life years gained within ten years of all new
    patients of a year; the change of mean survival in days a person; the change of its slope index
    of inequality (least deprived end minus most deprived end, in days; in per cent of the mean);
    people reached; what the money buys (`BUYS`); for clinics also hours on the road saved a year,
    their worth in pounds, and what the money is for each visit that the clinics would hold.

    Raises
    ------
    AnalysisError : an assumption that is missing, or a table of people that does not fit.
    """
    if isinstance(assumed, Mapping):
        assumed = pd.DataFrame([assumed])
    absent = sorted(set(USED) - set(assumed))
    if absent:
        raise AnalysisError(f"The levers need assumptions that are not there: {', '.join(absent)}.")
    values = {name: assumed[name].to_numpy(float) for name in USED}
    cells = _cells(people)
    today = _hazards(values, cells)
    slope = outcomes.slope_weights(cells.fifths)
    now = _by_fifth(today.years, today.shares)
    mean, steep = now @ cells.fifths, now @ slope
    rows = {}
    for lever, work in _WORK.items():
        better, reached, bought = work(values, today, cells, pounds)
        longer, flatter = better @ cells.fifths, better @ slope
        rows[lever, LIFE] = longer * values["new_patients_a_year"]
        rows[lever, MEAN] = longer * DAYS
        rows[lever, SLOPE] = flatter * DAYS
        rows[lever, RELATIVE] = 100 * ((steep + flatter) / (mean + longer) - steep / mean)
        rows[lever, REACHED] = reached * values["new_patients_a_year"]
        rows[lever, BOUGHT] = bought
    hours = _hours(values, cells, pounds)
    rows["clinics", HOURS] = hours
    rows["clinics", WORTH] = hours * values["travel_time_pounds_an_hour"]
    # Those who come into a nearer band; who stays in his band makes it less.
    share = rows["clinics", REACHED] / values["new_patients_a_year"]
    held = share * _living(values, cells) * values["clinic_visits_a_year"]
    spent = np.minimum(pounds, cells.counts[-1] * values["clinic_pounds_a_year"])
    rows["clinics", A_VISIT] = np.divide(spent, held, np.zeros_like(held), where=held > 0)
    wide = pd.DataFrame(rows, index=pd.RangeIndex(len(assumed), name="draw"))
    wide.columns.names = ["group", "measure"]
    return wide.melt(value_name="estimate", ignore_index=False).reset_index()


def today(assumed: pd.DataFrame | Mapping[str, float], people: pd.DataFrame) -> pd.DataFrame:
    """Work out survival as the assumptions have it today, before any lever.

    Parameters
    ----------
    assumed, people : as for `gains`.

    Returns
    -------
    `draw`, `measure`, `group` (fifth, or all), `estimate`, `unit`: mean survival within ten years
    by fifth and of all, in months; its slope index, in months and in per cent of the mean.
    """
    if isinstance(assumed, Mapping):
        assumed = pd.DataFrame([assumed])
    cells = _cells(people)
    found = _hazards({name: assumed[name].to_numpy(float) for name in USED}, cells)
    fifths = 12 * _by_fifth(found.years, found.shares)
    mean, steep = fifths @ cells.fifths, fifths @ outcomes.slope_weights(cells.fifths)
    columns = {(MEAN, str(place + 1), "months"): fifths[:, place] for place in range(FIFTHS)}
    columns[MEAN, "all", "months"] = mean
    columns[SLOPE, "all", "months"] = steep
    columns[RELATIVE, "all", UNITS[RELATIVE]] = 100 * steep / mean
    wide = pd.DataFrame(columns, index=pd.RangeIndex(len(assumed), name="draw"))
    wide.columns.names = ["measure", "group", "unit"]
    return wide.melt(value_name="estimate", ignore_index=False).reset_index()


def _by_fifth(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean of people's values in each fifth: a row a draw."""
    inner = tuple(range(2, values.ndim))
    return (values * shares).sum(axis=inner) / shares.sum(axis=inner)


def _reach(
    lever: str, share: np.ndarray, assumed: Mapping[str, np.ndarray], fifths: np.ndarray
) -> np.ndarray:
    """Spread the share of people that a programme reaches over the fifths."""
    lean = assumed[REACHES[lever]][:, None] ** _deprived()
    return share[:, None] * lean / (lean @ fifths)[:, None]


def _referral(assumed, people: _People, cells: _Cells, pounds: float):
    before = _before(assumed)
    sooner = np.maximum(before - assumed["referral_months_earlier"][:, None, None] / 12, 0)
    won = (before - sooner).mean(axis=2) @ cells.fifths
    # Who is referred earlier is treated earlier, and perhaps for longer.
    treated = won * assumed["share_months_won_treated"] * assumed["share_treated"]
    cost = assumed["referral_pounds_a_person"] + treated * assumed["treatment_pounds_a_year"]
    bought = pounds / cost
    share = np.minimum(bought / assumed["new_patients_a_year"], assumed["referral_share_reachable"])
    reach = np.minimum(_reach("referral", share, assumed, cells.fifths), 1)
    doublings = np.log2(_effective(assumed, sooner) / _effective(assumed, before))
    slope = assumed["delay_share_causal"] * np.log(assumed["hazard_ratio_delay_doubling"])
    change = slope[:, None, None] * doublings
    more = people.lived(people.logs + change[:, :, None, :, None]) - people.years
    return reach * _by_fifth(more, people.shares), reach @ cells.fifths, bought


def _clinics(assumed, people: _People, cells: _Cells, pounds: float):
    bought = pounds / assumed["clinic_pounds_a_year"]
    share = _between(cells, cells.shares, bought)
    slope = assumed["distance_share_causal"] * np.log(assumed["hazard_ratio_distance"])
    # Nobody comes to be further away, so the bands afterwards are at most that of today.
    first, then = np.tril_indices(BANDS, -1)
    far = _far(assumed)
    change = slope[:, None] * (far[:, then] - far[:, first])
    logs = people.logs[:, :, first] + change[:, None, :, None, None]
    within = people.shares[:, :, first]
    # Delay and treatment have the same shares in every band.
    more = ((people.lived(logs) - people.years[:, :, first]) * within).sum(axis=(3, 4))
    more = more / np.maximum(within.sum(axis=(3, 4)), np.finfo(float).tiny)
    moved = share[:, :, first, then] * assumed["share_seen_at_spoke"][:, None, None]
    return (more * moved).sum(axis=2) / cells.fifths, moved.sum(axis=(1, 2)), bought


def _between(cells: _Cells, table: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Read a table by numbers of clinics off between its rows, and at its end beyond it."""
    number = np.minimum(number, cells.counts[-1])
    above = np.clip(np.searchsorted(cells.counts, number), 1, len(cells.counts) - 1)
    low, high = cells.counts[above - 1], cells.counts[above]
    along = ((number - low) / (high - low)).reshape(-1, *[1] * (table.ndim - 1))
    return (1 - along) * table[above - 1] + along * table[above]


def _hours(assumed, cells: _Cells, pounds: float) -> np.ndarray:
    """Hours on the road that clinics save all who have the disease in a year, there and back."""
    number = pounds / assumed["clinic_pounds_a_year"]
    minutes = cells.minutes[0] - _between(cells, cells.minutes, number)
    minutes = minutes * assumed["minutes_against_model"] * assumed["share_seen_at_spoke"]
    return _living(assumed, cells) * assumed["clinic_visits_a_year"] * 2 * minutes / 60


def _living(assumed, cells: _Cells) -> np.ndarray:
    """People who have the disease, new or not."""
    return cells.people / 100_000 * assumed["prevalence_per_100000"]


def _treatment(assumed, people: _People, cells: _Cells, pounds: float):
    cost = (
        assumed["treatment_pounds_a_year"] * assumed["treatment_years"]
        + assumed["treatment_finding_pounds"]
    )
    room = np.maximum(assumed["share_treatable"] - assumed["share_treated"], 0)
    share = np.minimum(pounds / cost / assumed["new_patients_a_year"], room)
    reach = np.minimum(_reach("treatment", share, assumed, cells.fifths), room[:, None])
    change = assumed["treatment_share_causal"] * np.log(assumed["hazard_ratio_treatment"])
    untreated = people._replace(logs=people.logs[..., :1], shares=people.shares[..., :1])
    more = untreated.lived_while(untreated.logs, change, assumed["treatment_years"])
    more = more - people.years[..., :1]
    return reach * _by_fifth(more, untreated.shares), reach @ cells.fifths, pounds / cost


def _coordination(assumed, people: _People, cells: _Cells, pounds: float):
    posts = pounds / assumed["coordinator_pounds_a_year"]
    share = posts * assumed["coordinator_people"] / assumed["coordination_years"]
    share = np.minimum(share / assumed["new_patients_a_year"], 1)
    reach = np.minimum(_reach("coordination", share, assumed, cells.fifths), 1)
    change = np.log(assumed["hazard_ratio_coordination"])
    more = people.lived_while(people.logs, change, assumed["coordination_years"]) - people.years
    return reach * _by_fifth(more, people.shares), reach @ cells.fifths, posts


_WORK = {
    "referral": _referral,
    "clinics": _clinics,
    "treatment": _treatment,
    "coordination": _coordination,
}


def certainties(table: pd.DataFrame) -> pd.DataFrame:
    """Count the assumptions by whether their value was seen.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.

    Returns
    -------
    `group` (whether it was seen, in words), `estimate`, `unit`.
    """
    counts = table["certainty"].value_counts().reindex(list(assumptions.CERTAINTY), fill_value=0)
    return pd.DataFrame(
        {
            "group": [assumptions.CERTAINTY[letter] for letter in counts.index],
            "estimate": counts.to_numpy(float),
            "unit": "assumptions",
        }
    )


def inputs(table: pd.DataFrame) -> pd.DataFrame:
    """List what the levers assume, as a table that can be published.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.

    Returns
    -------
    Its rows: `term` (name), `title`, `value`, `low`, `high`, `unit`, `certainty`, `source`, `note`.
    """
    return table.rename(columns={"name": "term"}).drop(columns=["scenarios", "distribution"])


# --- many draws, and what follows from them -----------------------------------------------------


class Job(NamedTuple):
    """Some draws of the assumptions, the people, and the money: all that one worker needs."""

    centre_list: str
    start: int
    assumed: pd.DataFrame
    people: pd.DataFrame
    pounds: float


def drawn(
    table: pd.DataFrame,
    people: pd.DataFrame,
    number: int,
    seed: int = SEED,
    pounds: float = POUNDS,
    workers: int = 1,
    address: str | None = None,
) -> pd.DataFrame:
    """Work out `gains` for many draws of all assumptions; the answer does not hang on workers.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    people : as `by_list` returns it.
    number, seed : how many draws, and their seed; the same draws for every list.
    pounds : money a year.
    workers, address : as for `scheduler.spread`.

    Returns
    -------
    As `gains`, with `centre_list`, and draws numbered from 0.

    Raises
    ------
    Problem : as `assumptions.draws`, and where the scheduler cannot be reached.
    """
    every = assumptions.draws(table, number, seed)
    jobs = [
        Job(str(name), start, every.iloc[start : start + BLOCK], of_list, pounds)
        for name, of_list in people.groupby("centre_list")
        for start in range(0, number, BLOCK)
    ]
    return pd.concat(scheduler.spread(block, jobs, workers, address), ignore_index=True)


def block(job: Job) -> pd.DataFrame:
    """Do one job of `drawn`.

    Parameters
    ----------
    job : draws, people and money.

    Returns
    -------
    As `drawn`.
    """
    found = gains(job.assumed, job.people, job.pounds)
    return found.assign(draw=found["draw"] + job.start, centre_list=job.centre_list)


def compare(
    table: pd.DataFrame,
    people: pd.DataFrame,
    number: int,
    base: str = "AB",
    seed: int = SEED,
    pounds: float = POUNDS,
    workers: int = 1,
    address: str | None = None,
) -> dict[str, pd.DataFrame]:
    """Compare the levers: what each gains, how often each ranks first, and whether one is named.

    Parameters
    ----------
    table, people, number, seed, pounds, workers, address : as for `drawn`; where there are
        several choices of clinics, people are those of the first, `EVERYBODY`.
    base : the base list of centres.

    Returns
    -------
    Tables by name. `gain`: at the assumed values, with the range of 95 in 100 draws, on the base
    list. `by_list`: the same at the assumed values, with the lowest and highest of the lists.
    `first` and `narrow`: per cent of draws in which a lever ranks first, or narrows the gap, on
    the base list, with the lowest and highest of the lists. `verdict`: whether a lever is named.

    Raises
    ------
    AnalysisError, Problem : as `drawn`.
    """
    people = chosen_for(people, EVERYBODY)
    draws = drawn(table, people, number, seed, pounds, workers, address)
    values = assumptions.values(table)
    at_values = {
        str(name): gains(values, rows, pounds) for name, rows in people.groupby("centre_list")
    }
    of_lists = {str(name): rows for name, rows in draws.groupby("centre_list")}
    firsts = over_lists({name: first(rows) for name, rows in of_lists.items()}, base)
    units = UNITS | MORE_UNITS
    each = over_lists({name: rows.drop(columns="draw") for name, rows in at_values.items()}, base)
    return {
        "gain": ranged(at_values[base], of_lists[base].drop(columns="centre_list")),
        "by_list": each.assign(unit=each["measure"].map(units)),
        "first": firsts,
        "narrow": over_lists({name: narrows(rows) for name, rows in of_lists.items()}, base),
        "verdict": verdict(firsts),
    }


def chosen_for(people: pd.DataFrame, choice: str) -> pd.DataFrame:
    """Keep the people for one choice of clinics, where the table has several.

    Parameters
    ----------
    people : as `by_list` returns it.
    choice : `EVERYBODY` or `MOST_DEPRIVED`.

    Returns
    -------
    Its rows.
    """
    return people[people["scenario"] == choice] if "scenario" in people else people


def clinics_by_choice(
    table: pd.DataFrame, people: pd.DataFrame, base: str = "AB", pounds: float = POUNDS
) -> pd.DataFrame:
    """Set clinics chosen for everybody beside those chosen for the most deprived fifth.

    Parameters
    ----------
    table, people, base, pounds : as for `compare`.

    Returns
    -------
    `scenario` (the choice), `measure` (`SLOPE`), `group` (clinics), `estimate` (base list),
    `low`, `high` (over the lists), `unit`; all assumptions stand at their values.
    """
    values, parts = assumptions.values(table), []
    for choice, rows in people.groupby("scenario"):
        found = {
            str(name): gains(values, of_list, pounds).drop(columns="draw")
            for name, of_list in rows.groupby("centre_list")
        }
        each = over_lists(found, base)
        kept = (each["group"] == "clinics") & (each["measure"] == SLOPE)
        parts.append(each[kept].assign(scenario=choice))
    out = pd.concat(parts, ignore_index=True)
    return out.assign(unit=UNITS[SLOPE])


def by_reach(
    table: pd.DataFrame,
    people: pd.DataFrame,
    number: int = 300,
    seed: int = SEED,
    pounds: float = POUNDS,
) -> pd.DataFrame:
    """Work out how the gap would change, by whom a programme reaches.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    people : as `moves` returns it, for one list and choice.
    number, seed : draws of all other assumptions, and their seed.
    pounds : money a year.

    Returns
    -------
    `value` (how often the most deprived fifth is reached against the least: at the low end of its
    range, at its value, at the high end), `group` (lever that reaches people one by one),
    `measure` (`SLOPE`), `estimate`, `low`, `high` (95 in 100 draws), `unit`.
    """
    row = table.set_index("name").loc[REACHES["referral"]]
    base = pd.DataFrame([assumptions.values(table)])
    every = assumptions.draws(table, number, seed)
    parts = []
    for end in ("low", "value", "high"):
        held = dict.fromkeys(REACHES.values(), float(row[end]))
        found = ranged(
            gains(base.assign(**held), people, pounds), gains(every.assign(**held), people, pounds)
        )
        kept = (found["measure"] == SLOPE) & found["group"].isin(["referral", "treatment"])
        parts.append(found[kept].assign(value=float(row[end])))
    return pd.concat(parts, ignore_index=True)


def gap_moved(
    table: pd.DataFrame,
    people: pd.DataFrame,
    levers: Sequence[str] = WITHOUT_COORDINATION,
    most: int = 3,
    pounds: float = POUNDS,
) -> pd.DataFrame:
    """Find which assumptions, each moved alone, change what a lever does to the gap most.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    people : as `moves` returns it, for one list and choice.
    levers : the levers.
    most : how many assumptions for each.
    pounds : money a year.

    Returns
    -------
    `measure` (`SLOPE`), `group` (lever), `term` (assumption), `title`, `estimate` (change of the
    gap with all assumptions at their values), `low`, `high` (the lowest and the highest over the
    range of the one), `unit`, `note` (these as they are told); the widest first for each lever.
    """
    moved = assumptions.one_at_a_time(table)
    every = pd.DataFrame([assumptions.values(table), *(one.assumed for one in moved)])
    found = gains(every, people, pounds)
    wide = found[found["measure"] == SLOPE].pivot_table("estimate", "draw", "group")
    names = pd.Series([one.name for one in moved])
    parts = []
    for lever in levers:
        ends = wide[lever].iloc[1:].reset_index(drop=True).groupby(names).agg(["min", "max"])
        at_values = wide[lever].iloc[0]
        ends = ends.clip(lower=at_values).assign(min=ends["min"].clip(upper=at_values))
        widest = (ends["max"] - ends["min"]).sort_values(ascending=False, kind="stable")[:most]
        parts.append(
            pd.DataFrame(
                {
                    "group": lever,
                    "term": widest.index,
                    "title": widest.index.map(SHORT),
                    "estimate": at_values,
                    "low": ends.loc[widest.index, "min"].to_numpy(),
                    "high": ends.loc[widest.index, "max"].to_numpy(),
                }
            )
        )
    return as_told(pd.concat(parts, ignore_index=True).assign(measure=SLOPE, unit=UNITS[SLOPE]))


def told(estimate: float, low: float, high: float, sign: bool = False, places: int = PLACES) -> str:
    """Write an estimate and its range with two or three digits; one number where it has no range.

    All three have as many digits after the point as the one with the fewest.

    Parameters
    ----------
    estimate, low, high : the three.
    sign : whether a plus stands before what is above 0.
    places : the most digits after the point.

    Returns
    -------
    Words such as `130 (2 to 833)`.
    """
    values = (estimate, low, high)
    digits = [_digits(value, places) for value in values]
    after = max(0, min(digits))
    texts = [
        _written(value, min(own, after), sign) for value, own in zip(values, digits, strict=True)
    ]
    # No zeros at the end of a fraction, unless one of the three needs the place.
    while after and all(text.endswith("0") for text in texts):
        texts, after = [text[:-1].removesuffix(".") for text in texts], after - 1
    middle, least, most = texts
    return middle if least == most == middle else f"{middle} ({least} to {most})"


def _alone(value: float) -> str:
    return told(value, value, value)


def _digits(value: float, places: int) -> int:
    """Count the digits after the point that give two in all, or three from a hundred on."""
    if abs(value) < LEAST:
        return places
    digits = (2 if abs(value) >= 100 else 1) - int(np.floor(np.log10(abs(value))))
    return min(digits, places)


def _written(value: float, digits: int, sign: bool) -> str:
    rounded, after = round(value, digits), max(digits, 0)
    # Nought has no sign.
    return f"{rounded:{'+' if sign else ''},.{after}f}" if rounded else f"{0:.{after}f}"


def as_told(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the words of `told` to a table of estimates with ranges.

    Parameters
    ----------
    rows : `measure`, `estimate`, `low`, `high`, `unit`.

    Returns
    -------
    The rows with `note`, to a tenth at most; changes of the gap have a sign.
    """
    signed = (UNITS[SLOPE], UNITS[RELATIVE])
    notes = [
        told(row.estimate, row.low, row.high, row.unit == UNITS.get(row.measure) in signed, 1)
        for row in rows.itertuples()
    ]
    return rows.assign(note=notes)


def summary(gain: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Set the levers side by side: prices, what a sum buys, who is reached, life and the gap.

    Parameters
    ----------
    gain : the table `gain` of `compare`.
    table : rows of `scenario_assumptions`.

    Returns
    -------
    A row a lever, in words with ranges: `group`, `lever`, `prices` (with the mark of each),
    `a_million_buys`, `people_reached`, `life_years`, `change_of_gap_in_days`.
    """
    rows = table.set_index("name")
    cells = as_told(gain).set_index(["group", "measure"])["note"]
    out = []
    for lever, names in PRICES.items():
        prices = [
            f"{SHORT[name]}: {told(*rows.loc[name, ['value', 'low', 'high']].astype(float))}, "
            f"{rows.loc[name, 'certainty']}"
            for name in names
        ]
        out.append(
            {
                "group": lever,
                "lever": LEVERS[lever],
                "prices": "; ".join(prices),
                "a_million_buys": f"{cells[lever, BOUGHT]} {BUYS[lever]}",
                "people_reached": cells[lever, REACHED],
                "life_years": cells[lever, LIFE],
                "change_of_gap_in_days": cells[lever, SLOPE],
            }
        )
    return pd.DataFrame(out)


def over_lists(tables: Mapping[str, pd.DataFrame], base: str) -> pd.DataFrame:
    """Set the estimate on the base list beside the lowest and the highest of all lists.

    Parameters
    ----------
    tables : for each list a table with the same rows and an `estimate`.
    base : the base list.

    Returns
    -------
    The rows of the base list with `low` and `high`.
    """
    keys = [column for column in tables[base] if column != "estimate"]
    every = pd.concat(tables.values()).groupby(keys)["estimate"]
    ends = pd.DataFrame({"low": every.min(), "high": every.max()})
    return tables[base].join(ends, on=keys)


def narrows(draws: pd.DataFrame) -> pd.DataFrame:
    """Count how often each lever would narrow the gap between the fifths.

    Parameters
    ----------
    draws : as `gains` returns it.

    Returns
    -------
    `measure` (both slope indices), `group` (lever), `estimate` (per cent of draws), `unit`.
    """
    slopes = draws[draws["measure"].isin([SLOPE, RELATIVE])]
    less = (slopes["estimate"] < -LEAST).groupby([slopes["measure"], slopes["group"]]).mean()
    return (100 * less).reset_index().assign(unit="per cent of draws")


def ranged(base: pd.DataFrame, draws: pd.DataFrame) -> pd.DataFrame:
    """Set the answer at the assumed values beside the range that holds 95 in 100 of the draws.

    Where the assumed value is the end of its range, the answer is an end of the range as well.

    Parameters
    ----------
    base : `gains` or `today` of the assumed values.
    draws : the same of many draws.

    Returns
    -------
    `group`, `measure`, `estimate`, `low`, `high`, `unit`.
    """
    keys = [column for column in base if column not in ("draw", "estimate")]
    grouped = draws.groupby(keys)["estimate"]
    spread = pd.DataFrame({"low": grouped.quantile(0.025), "high": grouped.quantile(0.975)})
    out = base.drop(columns="draw").set_index(keys).join(spread)
    out = out.reset_index()
    out["low"] = out[["low", "estimate"]].min(axis=1)
    out["high"] = out[["high", "estimate"]].max(axis=1)
    return out if "unit" in out else out.assign(unit=out["measure"].map(UNITS | MORE_UNITS))


def first(draws: pd.DataFrame) -> pd.DataFrame:
    """Count how often each lever ranks first: among all four, and without co-ordination.

    A lever ranks first if it gains the most life years, or lowers the slope index most; levers
    that tie share the draw. Where no lever gains anything, `none` ranks first.

    Parameters
    ----------
    draws : as `gains` returns it.

    Returns
    -------
    `measure`, `scenario` (which levers were compared), `group` (lever, or none), `estimate` (per
    cent of the draws), `unit`.
    """
    wide = draws.pivot_table("estimate", "draw", ["measure", "group"])
    rows = []
    for measure, sign in BETTER.items():
        for scenario, levers in SETS.items():
            shares = _ranked_first(sign * wide[measure][list(levers)].to_numpy())
            for group, share in zip((*levers, NONE), shares.mean(axis=0), strict=True):
                rows.append((measure, scenario, group, 100 * share))
    table = pd.DataFrame(rows, columns=["measure", "scenario", "group", "estimate"])
    return table.assign(unit="per cent of draws")


def _ranked_first(better: np.ndarray) -> np.ndarray:
    """Who ranks first in each row, ties shared; the last column is nobody."""
    best = better.max(axis=1)
    nobody = best <= LEAST
    close = np.isclose(better, best[:, None], rtol=1e-9, atol=LEAST) & ~nobody[:, None]
    close = np.column_stack([close, nobody])
    return close / close.sum(axis=1, keepdims=True)


def variants(
    table: pd.DataFrame,
    people: pd.DataFrame,
    base: str = "AB",
    number: int = 1000,
    seed: int = SEED,
    pounds: float = POUNDS,
) -> pd.DataFrame:
    """Count again how often each lever ranks first by life years, with one belief held fixed.

    Parameters
    ----------
    table, people, base, number, seed, pounds : as for `compare`.

    Returns
    -------
    `term` and `scenario` (what is held, as a name and in words), `group` (lever but for
    co-ordination), `measure` (`LIFE`), `estimate` (per cent of the draws on the base list), `low`,
    `high` (the lowest and the highest of the lists), `unit`.
    """
    every, rows = assumptions.draws(table, number, seed), table.set_index("name")
    dear = float(rows.loc["clinic_pounds_a_year", "high"])
    alike = every["delay_share_causal"].to_numpy(float)
    # A belief that is held changes one lever, and nothing about how people live today.
    months, price, share = (
        "share_months_won_treated",
        "clinic_pounds_a_year",
        "distance_share_causal",
    )
    held = {
        ("untreated", "no month won is a month on treatment more"): ("referral", months, 0.0),
        ("treated", "all months won are months on treatment more"): ("referral", months, 1.0),
        ("dear", "a spoke costs the upper end of our range"): ("clinics", price, dear),
        ("one", "the causal shares of delay and distance are one"): ("clinics", share, alike),
    }
    people = chosen_for(people, EVERYBODY)
    found = {
        str(name): _first_while_held(every, of_list, held, pounds)
        for name, of_list in people.groupby("centre_list")
    }
    return over_lists(found, base).assign(measure=LIFE, unit="per cent of draws")


def _first_while_held(every, people, held, pounds) -> pd.DataFrame:
    """Count who ranks first by life years on one list, for each belief that is held."""
    values = {name: every[name].to_numpy(float) for name in USED}
    cells = _cells(people)
    people_today = _hazards(values, cells)

    def life(lever: str, assumed: Mapping[str, np.ndarray]) -> np.ndarray:
        better = _WORK[lever](assumed, people_today, cells, pounds)[0]
        return better @ cells.fifths * values["new_patients_a_year"]

    drawn = {lever: life(lever, values) for lever in WITHOUT_COORDINATION}
    rows = []
    for (term, scenario), (changed, name, value) in held.items():
        fixed = values | {name: np.broadcast_to(value, len(every))}
        each = drawn | {changed: life(changed, fixed)}
        shares = _ranked_first(np.column_stack([each[lever] for lever in WITHOUT_COORDINATION]))
        rows += [
            (term, scenario, lever, 100 * share)
            for lever, share in zip(WITHOUT_COORDINATION, shares.mean(axis=0)[:-1], strict=True)
        ]
    return pd.DataFrame(rows, columns=["term", "scenario", "group", "estimate"])


def verdict(shares: pd.DataFrame, enough: float = ENOUGH) -> pd.DataFrame:
    """Name a lever where it ranks first in more than 80 per cent of the draws, and none otherwise.

    Parameters
    ----------
    shares : `measure`, `scenario`, `group`, `estimate` (per cent); with `low` where there are
        several lists of centres: a lever is named only if its lowest share is enough.
    enough : the share that is needed.

    Returns
    -------
    `measure`, `scenario`, `estimate` (the largest share), `group` (whose it is), `note` (words
    that name a winner or say that there is none), `unit`.
    """
    sure = shares["low"] if "low" in shares else shares["estimate"]
    rows = []
    for (measure, scenario), part in shares.groupby(["measure", "scenario"], sort=False):
        row = part.loc[part["estimate"].idxmax()]
        named = sure[row.name] > 100 * enough and row["group"] != NONE
        rows.append((measure, scenario, row["estimate"], row["group"], _told(row, measure, named)))
    columns = ["measure", "scenario", "estimate", "group", "note"]
    return pd.DataFrame(rows, columns=columns).assign(unit="per cent of draws")


def _told(row: pd.Series, measure: str, named: bool) -> str:
    share = f"in {row['estimate']:.0f} of 100 draws of our assumptions"
    if row["group"] == NONE:
        less = "gain life" if measure == LIFE else "narrow the gap"
        return f"no lever can be named: {share} none would {less}"
    lever = LEVERS[row["group"]].lower()
    if named:
        return f"the first is {lever}, {share}"
    return f"no lever can be named: most often first is {lever}, {share}"


def as_table(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of `compare` into one.

    Parameters
    ----------
    found : as `compare` returns it.

    Returns
    -------
    The rows of all, with `variable` (the name of the table) first, and `kind` last.
    """
    parts = [rows.assign(variable=name) for name, rows in found.items()]
    table = pd.concat(parts, ignore_index=True).assign(kind="scenario")
    order = ["variable", "measure", "scenario", "group", "estimate", "low", "high", "unit", "note"]
    return table[[*order, "kind"]]


def as_text(found: Mapping[str, pd.DataFrame]) -> str:
    """Write the tables of `compare` for a terminal.

    Parameters
    ----------
    found : as `compare` returns it.

    Returns
    -------
    What each lever would gain, and whether one is named.
    """
    gain = found["gain"][found["gain"]["measure"].isin([LIFE, SLOPE])]
    lines = [
        "For a million pounds a year, on the base list (in brackets 95 in 100 draws of the "
        "assumptions; a slope of + is a wider gap, of - a narrower one):"
    ]
    lines += [
        f"  {LEVERS[row.group]:<18}{row.measure:<27}{row.note} {row.unit}"
        for row in as_told(gain).sort_values("measure", kind="stable").itertuples()
    ]
    lines.append("Which ranks first:")
    lines += [
        f"  {row.measure}, {row.scenario}: {row.note}" for row in found["verdict"].itertuples()
    ]
    return "\n".join(lines)


def one_at_a_time(
    table: pd.DataFrame,
    people: pd.DataFrame,
    base: str = "AB",
    measure: str = LIFE,
    levers: Sequence[str] = tuple(LEVERS),
    pounds: float = POUNDS,
) -> pd.DataFrame:
    """Move one assumption at a time, and see by how much the first lever still leads.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    people : as `by_list` returns it.
    base : the base list.
    measure : a name in `BETTER`.
    levers : the levers that are compared.
    pounds : money a year.

    Returns
    -------
    `measure`, `term` (assumption, `centre_list`, or `base` for all at their values), `level` (low
    or high; the list), `value` (that of the assumption), `estimate` (how far the lever that ranks
    first at the assumed values is ahead of the best other one; below 0 where it no longer is),
    `group` (who ranks first), `reference` (the lever whose lead it is), `title`, `unit`.
    """
    moved = assumptions.one_at_a_time(table)
    every = pd.DataFrame([assumptions.values(table), *(one.assumed for one in moved)])
    labels = [("base", "base", np.nan)]
    labels += [(one.name, one.end, one.assumed[one.name]) for one in moved]
    of_list = dict(list(chosen_for(people, EVERYBODY).groupby("centre_list")))
    found = [_scores(every, of_list.pop(base), measure, levers, pounds)]
    for name, rows in of_list.items():
        found.append(_scores(every.iloc[:1], rows, measure, levers, pounds))
        labels.append(("centre_list", str(name), np.nan))
    scores = pd.concat(found, ignore_index=True)
    leader = scores.iloc[0].idxmax()
    lead = scores[leader] - scores.drop(columns=leader).max(axis=1)
    out = pd.DataFrame(labels, columns=["term", "level", "value"])
    return out.assign(
        measure=measure,
        estimate=lead.to_numpy(),
        group=scores.idxmax(axis=1).to_numpy(),
        reference=leader,
        title=out["term"].map(SHORT),
        unit=UNITS[measure],
    )


def turns(moved: pd.DataFrame) -> pd.DataFrame:
    """Count the assumptions that change who ranks first when they alone are moved.

    Parameters
    ----------
    moved : as `one_at_a_time` returns it.

    Returns
    -------
    One row: `measure`, `estimate`, `unit`, `note` (which ones).
    """
    other = moved[moved["group"] != moved["reference"]]
    names = other["title"].drop_duplicates()
    return pd.DataFrame(
        {
            "measure": ["assumptions that change who ranks first"],
            "estimate": float(len(names)),
            "unit": "assumptions",
            "note": "; ".join(names),
        }
    )


def _scores(assumed, people, measure, levers, pounds) -> pd.DataFrame:
    """How good each lever is, a row a draw: more is better."""
    found = gains(assumed, people, pounds)
    wide = found[found["measure"] == measure].pivot_table("estimate", "draw", "group")
    return BETTER[measure] * wide[list(levers)]


def break_even(table: pd.DataFrame, people: pd.DataFrame, pounds: float = POUNDS) -> pd.DataFrame:
    """Find at what cost or effect a lever would gain as many life years as the best other one.

    All other assumptions stand at their values.

    Parameters
    ----------
    table : rows of `scenario_assumptions`.
    people : as `moves` returns it.
    pounds : money a year.

    Returns
    -------
    `group` (lever), `reference` (the best other lever), `term` (assumption), `value` (assumed),
    `estimate` (break-even; missing where no value within reason gives one), `low`, `high` (the
    range of the assumption), `unit`, `title`, `level` (the break-even in words), `note` (inside or
    outside the range, or none).
    """
    rows = table.set_index("name")
    base = assumptions.values(table)
    scores = _scores(pd.DataFrame([base]), people, LIFE, tuple(LEVERS), pounds).iloc[0]
    found = []
    for lever, asked in BREAK_EVEN.items():
        best = scores.drop(lever).idxmax()
        for name, least, most in asked:

            def ahead(values: np.ndarray, lever=lever, name=name) -> np.ndarray:
                each = pd.DataFrame([base]).loc[[0] * len(values)].assign(**{name: values})
                each = _scores(each, people, LIFE, tuple(LEVERS), pounds)
                return (each[lever] - each.drop(columns=lever).max(axis=1)).to_numpy()

            even = _root(ahead, least, most)
            row = rows.loc[name]
            found.append(
                {
                    "group": lever,
                    "reference": best,
                    "term": name,
                    "title": SHORT[name],
                    "value": float(row["value"]),
                    "estimate": even,
                    "low": float(row["low"]),
                    "high": float(row["high"]),
                    "unit": row["unit"],
                    "level": "no value" if np.isnan(even) else _alone(even),
                    "note": _where(even, float(row["low"]), float(row["high"])),
                }
            )
    return pd.DataFrame(found)


def _root(
    ahead: Callable[[np.ndarray], np.ndarray], least: float, most: float, points: int = 65
) -> float:
    """Find where a function of an assumption is zero; missing where it has one sign throughout.

    Each round looks at many values at once and keeps those on both sides of the zero; a straight
    line between the last two is exact to ten digits.
    """
    # Costs may differ by orders of size.
    spaced = np.geomspace if least > 0 and most / least > 1000 else np.linspace
    for _ in range(3):
        values = spaced(least, most, points)
        found = ahead(values)
        turns = np.flatnonzero(np.diff(found > 0))
        if not len(turns):
            return np.nan
        least, most = values[turns[0]], values[turns[0] + 1]
        before, after = found[turns[0]], found[turns[0] + 1]
    return float(least + (most - least) * before / (before - after))


def _where(even: float, low: float, high: float) -> str:
    where = "inside" if low <= even <= high else "beyond"
    return f"{'nowhere in' if np.isnan(even) else where} {_alone(low)} to {_alone(high)}"
