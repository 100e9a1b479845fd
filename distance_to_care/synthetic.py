"""Draws synthetic people whose truth is known: every effect is a number in a parameters file.

People are drawn from an aggregate of the real population (deprivation, distance, minutes), then
given what the parameters file declares, in its order: variables, events, treatment, follow-up,
missing values. Survival times are inverted from the cumulative hazard (Bender, Augustin & Blettner
2005, Stat Med 24:1713), with one change of hazard at treatment start (Crowther & Lambert 2013,
Stat Med 32:4118). The words of one disease stand in its parameters file, never here.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

from distance_to_care.problems import Problem

RECORD_KIND = "synthetic"
MOST_PEOPLE = 9_999_999  # in one table
MOST_IN_PARTS = 50_000_000
# Drawn at once where people are many: a quarter of a gigabyte, and no number depends on it.
PART_PEOPLE = 250_000
SHORTEST_FOLLOW_UP_YEARS = 0.0027  # one day: a follow-up of nought years is no follow-up

# What a person's place decides. An effect "of" one of these is an effect of deprivation or of
# distance: `effects="none"` turns exactly these off.
EXPOSURES = (
    "deprivation_steps",
    "distance_steps",
    "deprivation_quintile",
    "distance_km",
    "travel_minutes",
)
CORE_COLUMNS = (
    "person_id",
    "follow_up_years",
    "outcome",
    "age_years",
    "sex",
    "deprivation_quintile",
    "distance_km",
    "travel_minutes",
    "nearest_distance_km",
    "nearest_travel_minutes",
    "centre",
    "record_kind",
)
POPULATION_COLUMNS = (
    "imd_decile",
    "distance_band_km_low",
    "distance_band_km_high",
    "minutes_band_low",
    "minutes_band_high",
    "people",
    "mean_distance_km",
    "mean_minutes",
)
# The population whose places people are given, where a parameters file names no other.
POPULATION = "population_aged_50_plus"
SECTIONS = (
    "cohort",
    "places",
    "centres",
    "variables",
    "events",
    "treatment",
    "follow_up",
    "missing",
    "targets",
)

Parameters = Mapping[str, Any]
People = dict[str, np.ndarray]


def draw(
    people: int,
    seed: int,
    parameters: Parameters,
    population: pd.DataFrame,
    study: Any = None,
    effects: str = "published",
) -> pd.DataFrame:
    """Draw synthetic people by inverting the hazards that a parameters file declares.

    Parameters
    ----------
    people : how many people, 1 to 9,999,999.
    seed : whole number, 0 or more; the same seed gives the same table to the last byte.
    parameters : the parsed parameters file of a study (`tables.read_parameters`).
    population : aggregate of the population: one row a deprivation decile, band of distance (km)
        and band of minutes, with `people`, `mean_distance_km` and `mean_minutes`.
    study : the study whose contract the columns must meet; None leaves that unchecked.
    effects : "published" as the file has them; "none" with every effect of deprivation and of
        distance, on hazards and on every other variable, set to nought (true hazard ratio 1).

    Returns
    -------
    One row a person, in the cohort contract: `person_id`, `follow_up_years`, `outcome`,
    `age_years`, `sex`, `deprivation_quintile` (1 = most deprived), `distance_km` (straight line to
    the centre attended), `travel_minutes`, `nearest_distance_km` and `nearest_travel_minutes` (to
    the nearest centre), `centre` (an invented code), `record_kind` (synthetic), then the study's
    own columns. `region` and `area_code` are left out: the aggregate has no place names, so that
    no synthetic person lives in a named place.

    Raises
    ------
    Problem : a number out of range, an unknown `effects`, or a population without its columns.
    """
    _check_request(people, seed, parameters, population, effects)
    (everybody,) = draw_in_parts(people, seed, parameters, population, study, effects, people)
    return everybody


def draw_in_parts(
    people: int,
    seed: int,
    parameters: Parameters,
    population: pd.DataFrame,
    study: Any = None,
    effects: str = "published",
    part_people: int = PART_PEOPLE,
) -> Iterator[pd.DataFrame]:
    """Draw the people of `draw` a part at a time, so that any number of them fits into memory.

    Every stream of random numbers goes on where the part before it ended, and centres are drawn
    once: the parts one after the other are the table of `draw`, to the last byte.

    Parameters
    ----------
    people : how many people, 1 to 50,000,000.
    seed, parameters, population, study, effects : as for `draw`.
    part_people : how many people a part has; the last may have fewer.

    Returns
    -------
    The parts, each with the columns of `draw`.

    Raises
    ------
    Problem : as `draw`, before the first part.
    """
    _check_request(people, seed, parameters, population, effects, MOST_IN_PARTS)
    if effects == "none":
        parameters = without_effects(parameters)
    streams = _Streams(seed)
    for before in range(0, people, part_people):
        count = min(part_people, people - before)
        yield _part(before, count, streams, parameters, population, study)
        streams.go_on()


def _part(
    before: int,
    people: int,
    streams: _Streams,
    parameters: Parameters,
    population: pd.DataFrame,
    study: Any,
) -> pd.DataFrame:
    """Draw the next people, of whom `before` others have been drawn."""
    drawn = _places(people, streams, parameters, population)
    for name, variable in parameters["variables"].items():
        drawn[name] = _variable(name, variable, drawn, streams)
    centre_effect = _centre_effects(streams, parameters)[drawn["centre_number"]]
    _follow(drawn, streams, parameters, centre_effect)
    _remove_missing(drawn, streams, parameters)
    return _table(drawn, before, parameters, study)


def survival_if(
    people: int,
    seed: int,
    parameters: Parameters,
    population: pd.DataFrame,
    times_years: np.ndarray,
    exposure: str,
    answers_to: Mapping[str, float],
) -> np.ndarray:
    """Average the true survival of the people of a draw, were an exposure set to other values.

    Everybody keeps the random numbers of `draw` with the same seed. Each person's probability of
    being alive is worked out from the hazard and not drawn, and nobody is censored.

    Parameters
    ----------
    people, seed, parameters, population : as for `draw`.
    times_years : times at which survival is worked out (years).
    exposure : the variable that is set, for example `deprivation_steps`.
    answers_to : for a variable, `treatment` or `died`: the value of the exposure that it answers
        to. What is not named answers to the person's own.

    Returns
    -------
    The mean probability of being alive at each time.
    """
    _check_request(people, seed, parameters, population, "published")
    streams = _Streams(seed)
    drawn = _places(people, streams, parameters, population)

    def seen_by(name: str) -> People:
        if name not in answers_to:
            return drawn
        return drawn | {exposure: np.full(people, answers_to[name])}

    for name, variable in parameters["variables"].items():
        drawn[name] = _variable(name, variable, seen_by(name), streams)
    treatment, event = parameters["treatment"], parameters["events"]["died"]
    start = _treatment_start(seen_by("treatment"), streams, treatment)
    centre_effect = _centre_effects(streams, parameters)[drawn["centre_number"]]
    hazard = np.exp(_linear(event, seen_by("died"), people) + centre_effect)
    ratio = np.exp(_value(treatment["log_hazard_ratio"]))
    shape, scale = _weibull(event)
    alive = np.empty(len(times_years))
    for place, time in enumerate(times_years):
        before = (np.minimum(start, time) / scale) ** shape
        after = (time / scale) ** shape - before
        alive[place] = np.exp(-hazard * (before + ratio * after)).mean()
    return alive


def population_name(parameters: Parameters) -> str:
    """Name of the aggregate of the population from which people are drawn."""
    return str(parameters["cohort"].get("population", POPULATION))


def default_people(parameters: Parameters) -> int:
    """Size of the cohort that the project keeps as a file."""
    return int(_value(parameters["cohort"]["people"]))


def default_seed(parameters: Parameters) -> int:
    """Seed of the cohort that the project keeps as a file."""
    return int(_value(parameters["cohort"]["seed"]))


def changed(parameters: Parameters, values: Mapping[str, float]) -> dict[str, Any]:
    """Copy the parameters with other values, each named by its path in the file.

    For example `changed(parameters, {"events.died.effects.deprivation_steps": 0.2})`.
    Raises Problem where there is no such parameter.
    """
    result = copy.deepcopy(dict(parameters))
    for path, value in values.items():
        entry: Any = result
        for key in path.split("."):
            entry = entry.get(key) if isinstance(entry, dict) else None
        if not _is_scalar(entry):
            raise Problem(f"The parameters have no '{path}'. Look at the names in the file.")
        entry["value"] = value
    return result


def without_effects(parameters: Parameters) -> dict[str, Any]:
    """Copy the parameters with every effect of deprivation and of distance set to nought."""
    paths = [
        path
        for path, entry in _scalars(parameters)
        if ".effects." in path and entry.get("of", path.rsplit(".", 1)[1]) in EXPOSURES
    ]
    return changed(parameters, dict.fromkeys(paths, 0.0))


def truth(parameters: Parameters) -> pd.DataFrame:
    """List every generating parameter, one row each.

    Returns columns `parameter`, `value`, `low`, `high`, `unit`, `status` (published, assumed or
    calibrated), `source`, `meaning`, in the order of the parameters file.
    """
    columns = ["value", "low", "high", "unit", "status", "source", "meaning"]
    rows = [
        {"parameter": path} | {column: entry[column] for column in columns}
        for path, entry in _scalars(parameters)
        if not path.startswith("targets.")
    ]
    return pd.DataFrame(rows, columns=["parameter", *columns])


def distance_cuts(population: pd.DataFrame) -> np.ndarray:
    """Find the four distances (km) that cut the whole population into fifths.

    Reads the cumulative count of people over the edges of the distance bands, straight between
    edges. Steps of distance are counted from these national cuts, so that a person's true hazard
    does not depend on who else is in the cohort.
    """
    low = population["distance_band_km_low"].to_numpy(float)
    high = _upper_edge(population, "distance_band_km", "mean_distance_km")
    weight = population["people"].to_numpy(float)
    edges = np.unique(np.concatenate([low, high]))
    share = (edges[:, None] - low) / (high - low)
    below = (np.clip(share, 0.0, 1.0) * weight).sum(axis=1)
    return np.round(np.interp(weight.sum() * np.arange(1, 5) / 5, below, edges), 1)


def calibration_report(frame: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Compare the people drawn with the published marginals that they were made from.

    Parameters
    ----------
    frame : people in the cohort contract; columns of scores (such as stages) may have been added.
    parameters : the parameters file, whose `targets` name a statistic of a column.

    Returns one row a target: `measure`, `target`, `low`, `high` (the published range, or the
    tolerance of the calibration), `reached` (missing where the column is not in the frame), `unit`,
    `status` (published, derived, discrepancy) and `source`. Hazard ratios are not marginals: see
    `distance_to_care.calibration`.
    """
    rows = []
    for target in parameters["targets"].values():
        if target["statistic"] == "hazard_ratio":
            continue
        reached = statistic(frame, target) if target["column"] in frame else float("nan")
        rows.append(
            {
                "measure": target["meaning"],
                "target": target["value"],
                "low": target["low"],
                "high": target["high"],
                "reached": reached,
                "unit": target["unit"],
                "status": target["status"],
                "source": target["source"],
            }
        )
    return pd.DataFrame(rows)


def statistic(frame: pd.DataFrame, target: Mapping[str, Any]) -> float:
    """Compute the one number of a column that a target names.

    `statistic` is mean, sd, median, share (of a `level`, or `above` and `at_most` a value),
    share_missing, survival (at `years`) or median_survival; shares and survival in per cent.
    """
    column = frame[target["column"]]
    name = target["statistic"]
    if name in ("median_survival", "survival"):
        years, alive = _survival(frame["follow_up_years"], column == target["level"])
        if name == "survival":
            return float(alive[np.searchsorted(years, target["years"], side="right") - 1] * 100)
        below = np.flatnonzero(alive <= 0.5)
        return float(years[below[0]]) if len(below) else float("nan")
    if name == "share_missing":
        return float(column.isna().mean() * 100)
    known = column.dropna()
    if name == "share":
        everyone = len(column) if target.get("of_everyone") else len(known)
        return float(_chosen(known.to_numpy(), target).sum() / everyone * 100)
    return float({"mean": known.mean, "sd": known.std, "median": known.median}[name]())


def to_csv_bytes(frame: pd.DataFrame) -> bytes:
    """Write people as CSV, the same bytes for the same people on every machine.

    UTF-8, LF line ends, an empty cell for a missing value, `true` and `false`, and every number
    with the fewest digits that give it back. No text of a draw holds a comma or a quotation mark.
    """
    rows = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(frame, preserve_index=False), rows, options)
    return f"{','.join(frame.columns)}\n".encode() + rows.getvalue().to_pybytes()


# ----------------------------------------------------------------------------- random streams


class _Streams:
    """Random numbers for every variable by its name, going on from one part of people to the next.

    A new or a changed variable then leaves the draws of all others as they were.
    """

    def __init__(self, seed: int):
        self.seed = seed
        self._begins: dict[str, Any] = {}  # where each stream stands as the part begins
        self._drawn: dict[str, np.random.Generator] = {}

    def __call__(self, name: str) -> np.random.Generator:
        """The stream of a variable; asked for again in one part it gives the same numbers."""
        stream = self.from_the_start(name)
        if name in self._begins:
            stream.bit_generator.state = self._begins[name]
        self._drawn[name] = stream
        return stream

    def from_the_start(self, name: str) -> np.random.Generator:
        """The stream of what is drawn once for everybody, such as a centre's size."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(name.encode()),))
        return np.random.Generator(np.random.PCG64(sequence))

    def go_on(self) -> None:
        """Begin the next part of people where this one has ended."""
        for name, stream in self._drawn.items():
            self._begins[name] = stream.bit_generator.state


# ------------------------------------------------------------------------------ people's places


def _places(
    people: int, streams: _Streams, parameters: Parameters, population: pd.DataFrame
) -> People:
    """Draw cells of the aggregate, then distance and minutes within each cell's bands."""
    weight = population["people"].to_numpy(float)
    chosen = streams("cell").random(people) * weight.sum()
    cell = np.searchsorted(np.cumsum(weight), chosen, side="right").clip(max=len(weight) - 1)
    # Within a band, who is far is mostly also long on the way: the two share one draw in the
    # assumed share of people.
    place = parameters["places"]
    near = streams("distance_km").random(people)
    other = streams("travel_minutes").random(people)
    together = streams("together").random(people) < _value(place["same_draw_share"])
    km = _within_band(population, "distance_band_km", "mean_distance_km", cell, near)
    minutes = _within_band(
        population, "minutes_band", "mean_minutes", cell, np.where(together, near, other)
    )
    farther = streams("farther").random(people) < _value(place["farther_share"])
    extra = _value(place["farther_km_median"]) * np.exp(
        _value(place["farther_km_log_sd"]) * streams("farther_km").standard_normal(people)
    )
    nearest = {
        "nearest_distance_km": np.round(km, 1).clip(0.0, 1000.0),
        "nearest_travel_minutes": np.round(minutes, 1).clip(0.0, 600.0),
    }
    km = km + np.where(farther, extra, 0.0)
    minutes = minutes + np.where(farther, extra * _value(place["farther_minutes_per_km"]), 0.0)
    quintile = (population["imd_decile"].to_numpy(int)[cell] + 1) // 2
    drawn: People = {
        "deprivation_quintile": quintile,
        "distance_km": np.round(km, 1).clip(0.0, 1000.0),
        "travel_minutes": np.round(minutes, 1).clip(0.0, 600.0),
        **nearest,
        "deprivation_steps": 5 - quintile,
    }
    drawn["distance_steps"] = np.searchsorted(
        distance_cuts(population), drawn["distance_km"], side="left"
    )
    drawn["centre_number"] = _centres(people, streams, parameters)
    return drawn


def _within_band(
    population: pd.DataFrame, band: str, mean: str, cell: np.ndarray, uniform: np.ndarray
) -> np.ndarray:
    """Spread people over a band so that the mean of the cell is kept.

    People are even between the lower edge and the mean, and even between the mean and the upper
    edge. A share (high - mean) / (high - low) below the mean makes it the mean.
    """
    low = population[f"{band}_low"].to_numpy(float)
    width = _upper_edge(population, band, mean) - low
    middle = ((population[mean].to_numpy(float) - low) / width).clip(0.02, 0.98)[cell]
    below = 1.0 - middle
    position = np.where(
        uniform < below,
        uniform / below * middle,
        middle + (uniform - below) / middle * below,
    )
    return low[cell] + width[cell] * position


def _upper_edge(population: pd.DataFrame, band: str, mean: str) -> np.ndarray:
    """Close an open last band at twice the way from its lower edge to its mean."""
    low = population[f"{band}_low"].to_numpy(float)
    high = population[f"{band}_high"].to_numpy(float)
    closed = low + 2.0 * np.maximum(population[mean].to_numpy(float) - low, 0.5)
    return np.where(np.isfinite(high), high, closed)


def _centres(people: int, streams: _Streams, parameters: Parameters) -> np.ndarray:
    """Give people invented centres of unequal size, unrelated to where they live."""
    count = int(_value(parameters["centres"]["count"]))
    spread = _value(parameters["centres"]["size_log_sd"])
    size = np.exp(spread * streams.from_the_start("centre_size").standard_normal(count))
    edges = np.cumsum(size) / size.sum()
    uniform = streams("centre").random(people)
    return np.searchsorted(edges, uniform, side="right").clip(max=count - 1)


def _centre_effects(streams: _Streams, parameters: Parameters) -> np.ndarray:
    """Draw each centre's own small addition to the log hazard."""
    count = int(_value(parameters["centres"]["count"]))
    spread = _value(parameters["centres"]["log_hazard_sd"])
    return spread * streams.from_the_start("centre_effect").standard_normal(count)


# ----------------------------------------------------------------------------------- variables


def _variable(
    name: str, variable: Mapping[str, Any], drawn: People, streams: _Streams
) -> np.ndarray:
    """Draw one declared variable from its distribution, shifted by its effects."""
    people = len(drawn["distance_km"])
    stream = streams(name)
    distribution = variable["distribution"]
    if distribution == "bernoulli":
        return stream.random(people) < _probability(variable, drawn)
    if distribution == "categorical":
        return _category(variable, drawn, stream.random(people))
    shift = _linear(variable, drawn, people)
    normal = stream.standard_normal(people)
    if distribution == "normal":
        values = _value(variable["mean"]) + shift + _value(variable["sd"]) * normal
    elif distribution == "lognormal":
        log_sd = _value(variable["log_sd"])
        values = _value(variable["median"]) * np.exp(shift + log_sd * normal)
    else:
        raise Problem(
            f"The variable '{name}' has the distribution '{distribution}'. "
            "Use normal, lognormal, bernoulli or categorical."
        )
    limited = values.clip(_value(variable["minimum"]), _value(variable["maximum"]))
    # Rounded before anything depends on it, so that the last digits of a machine's mathematics
    # cannot reach another column.
    return np.round(limited, variable["decimals"])


def _category(variable: Mapping[str, Any], drawn: People, uniform: np.ndarray) -> np.ndarray:
    """Draw a level; effects change the log odds of a level against the first."""
    levels = list(variable["levels"])
    odds = np.stack(
        [
            _value(level["share"]) * np.exp(_linear(level, drawn, len(uniform)))
            for level in variable["levels"].values()
        ]
    )
    edges = np.cumsum(odds, axis=0)
    chosen = (uniform * edges[-1] >= edges[:-1]).sum(axis=0)
    return np.array(levels, dtype=object)[chosen]


def _probability(variable: Mapping[str, Any], drawn: People) -> np.ndarray:
    """Probability from the share where all effects are nought, and effects on the log odds."""
    share = _value(variable["share"])
    people = len(drawn["distance_km"])
    odds = share / (1.0 - share) * np.exp(_linear(variable, drawn, people))
    return odds / (1.0 + odds)


def _linear(owner: Mapping[str, Any], drawn: People, people: int) -> np.ndarray:
    """Add up the effects that are declared for a variable, a level or an event."""
    total = np.zeros(people)
    for name, effect in owner.get("effects", {}).items():
        cause = effect.get("of", name)
        if cause not in drawn:
            raise Problem(
                f"An effect is declared of '{cause}', which is not drawn before it. "
                "Look at the names and the order of the parameters file."
            )
        if _value(effect) != 0.0:
            total += _value(effect) * multiplier(drawn[cause], effect)
    return total


def multiplier(values: np.ndarray, effect: Mapping[str, Any]) -> np.ndarray:
    """What an effect is multiplied by: an indicator, doublings, or steps from a centre."""
    if "level" in effect or "above" in effect or "at_most" in effect:
        return _chosen(values, effect).astype(float)
    centre = effect.get("centre", 0.0)
    if effect.get("scale") == "doublings":
        return np.log2(np.maximum(values, 1.0) / centre)
    return (values.astype(float) - centre) / effect.get("per", 1.0)


def _chosen(values: np.ndarray, rule: Mapping[str, Any]) -> np.ndarray:
    """Who is at a level, or above a value, or at most a value, or between the two."""
    if "level" in rule:
        return values == rule["level"]
    chosen = np.ones(len(values), dtype=bool)
    if "above" in rule:
        chosen &= values > rule["above"]
    if "at_most" in rule:
        chosen &= values <= rule["at_most"]
    return chosen


# ------------------------------------------------------------------------------- time and events


def _follow(
    drawn: People, streams: _Streams, parameters: Parameters, centre_effect: np.ndarray
) -> None:
    """Add follow-up years, outcome and treatment start: whatever comes first ends follow-up."""
    treatment = parameters["treatment"]
    start = _treatment_start(drawn, streams, treatment)
    died = _death_years(
        drawn, streams, parameters["events"]["died"], start, treatment, centre_effect
    )
    transplanted = np.full(len(start), np.inf)
    if "transplanted" in parameters["events"]:
        transplanted = _transplant_years(drawn, streams, parameters["events"]["transplanted"])
    censored = _censoring_years(len(start), streams, parameters["follow_up"])
    years = np.minimum(np.minimum(died, transplanted), censored)
    drawn["outcome"] = np.select(
        [years == died, years == transplanted],
        np.array(["died", "transplanted"], dtype=object),
        np.array("censored", dtype=object),
    )
    drawn["follow_up_years"] = np.round(years, 4).clip(SHORTEST_FOLLOW_UP_YEARS)
    # A start that follow-up did not live to see was never recorded.
    start = np.round(start, 4)
    drawn[treatment["column"]] = np.where(start <= drawn["follow_up_years"], start, np.nan)


def _treatment_start(drawn: People, streams: _Streams, treatment: Mapping[str, Any]) -> np.ndarray:
    """Years from entry to treatment: nought at presentation, later for some, never (infinite)."""
    people = len(drawn["distance_km"])
    at_entry = streams("treated_at_entry").random(people) < _probability(
        treatment["at_entry"], drawn
    )
    later = streams("treated_later").random(people) < _probability(treatment["later"], drawn)
    delay = _value(treatment["later"]["median_years"]) * np.exp(
        _value(treatment["later"]["log_sd"]) * streams("treatment_delay").standard_normal(people)
    )
    return np.where(at_entry, 0.0, np.where(later, delay, np.inf))


def _death_years(
    drawn: People,
    streams: _Streams,
    event: Mapping[str, Any],
    start: np.ndarray,
    treatment: Mapping[str, Any],
    centre_effect: np.ndarray,
) -> np.ndarray:
    """Invert a Weibull cumulative hazard that changes by a constant ratio at treatment start.

    With H(t) = g (t / scale)**shape until `start` and the ratio r after it, the time of death
    solves H(min(t, start)) + r (H(t) - H(start)) = E, E exponential.
    """
    people = len(start)
    shape, scale = _weibull(event)
    hazard = np.exp(_linear(event, drawn, people) + centre_effect)
    ratio = np.exp(_value(treatment["log_hazard_ratio"]))
    needed = streams("died").standard_exponential(people) / hazard
    at_start = (start / scale) ** shape
    after = np.where(np.isfinite(at_start), at_start, 0.0)
    total = np.where(needed <= at_start, needed, after + (needed - after) / ratio)
    return scale * total ** (1.0 / shape)


def _weibull(event: Mapping[str, Any]) -> tuple[float, float]:
    """Shape, and scale (years) at which the cumulative hazard is one, of the file's median."""
    shape = _value(event["shape"])
    return shape, _value(event["median_years"]) / np.log(2.0) ** (1.0 / shape)


def _transplant_years(drawn: People, streams: _Streams, event: Mapping[str, Any]) -> np.ndarray:
    """Draw years to transplant at a constant rate, never for people above the age limit."""
    people = len(drawn["distance_km"])
    rate = _value(event["rate_per_year"]) * np.exp(_linear(event, drawn, people))
    years = streams("transplanted").standard_exponential(people) / rate
    return np.where(drawn["age_years"] <= _value(event["age_limit_years"]), years, np.inf)


def _censoring_years(people: int, streams: _Streams, follow_up: Mapping[str, Any]) -> np.ndarray:
    """Years to the end of follow-up after staggered entry, or to an earlier last contact."""
    first, last = _value(follow_up["first_entry"]), _value(follow_up["last_entry"])
    entry = first + (last - first) * streams("entry").random(people)
    lost = streams("lost").standard_exponential(people) / _value(follow_up["loss_per_year"])
    return np.minimum(_value(follow_up["end"]) - entry, lost)


def _remove_missing(drawn: People, streams: _Streams, parameters: Parameters) -> None:
    """Take values away at the declared rates, which depend on what was observed.

    All rates are worked out first: one missing value must not change another's chance.
    """
    gone = {}
    for name, rule in parameters["missing"].items():
        uniform = streams(f"missing {name}").random(len(drawn[name]))
        gone[name] = uniform < _probability(rule, drawn)
        if "always_if" in rule:
            gone[name] |= drawn[rule["always_if"]]
    for name, rows in gone.items():
        drawn[name] = np.where(rows, np.nan, drawn[name])


# ------------------------------------------------------------------------------------ the table


def _table(drawn: People, before: int, parameters: Parameters, study: Any) -> pd.DataFrame:
    """Put the columns in the order of the contract, core columns first, then the study's."""
    people = len(drawn["distance_km"])
    count = int(_value(parameters["centres"]["count"]))
    codes = np.array([f"centre_{number:02d}" for number in range(1, count + 1)], dtype=object)
    drawn["centre"] = codes[drawn["centre_number"]]
    drawn["person_id"] = np.array(
        [f"synthetic_{before + number:07d}" for number in range(1, people + 1)], dtype=object
    )
    drawn["record_kind"] = np.full(people, RECORD_KIND, dtype=object)
    columns = [*CORE_COLUMNS, *parameters["cohort"]["columns"]]
    if study is not None:
        undeclared = [name for name in parameters["cohort"]["columns"] if name not in study.columns]
        if undeclared:
            raise Problem(
                f"The parameters draw {', '.join(undeclared)}, which the study does not declare. "
                "Declare the column in the study file, or leave it out of the parameters."
            )
    return pd.DataFrame({name: drawn[name] for name in columns})


# ------------------------------------------------------------------------- reading the parameters


def _value(entry: Mapping[str, Any]) -> float:
    return entry["value"]


def _is_scalar(entry: Any) -> bool:
    return isinstance(entry, dict) and "value" in entry and "status" in entry


def _scalars(parameters: Parameters, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every scalar of the file with its path, in the file's order."""
    found = []
    for key, entry in parameters.items():
        here = f"{path}.{key}" if path else key
        if _is_scalar(entry):
            found.append((here, entry))
        elif isinstance(entry, dict):
            found.extend(_scalars(entry, here))
    return found


def _survival(years: pd.Series, event: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Kaplan-Meier estimate after each person's last day, in order of follow-up."""
    order = np.argsort(years.to_numpy(), kind="stable")
    time, happened = years.to_numpy()[order], event.to_numpy()[order]
    at_risk = len(time) - np.searchsorted(time, time, side="left")
    # Tied events are taken one by one from the same risk set n: (1 - 1/n)**d for 1 - d/n, which
    # times to four decimals make all but equal.
    return time, np.cumprod(1.0 - happened / at_risk)


def _check_request(
    people: int,
    seed: int,
    parameters: Parameters,
    population: pd.DataFrame,
    effects: str,
    most: int = MOST_PEOPLE,
) -> None:
    if not 1 <= people <= most:
        raise Problem(f"Cannot draw {people:,} people. Ask for 1 to {most:,}.")
    if seed < 0:
        raise Problem(f"The seed {seed} is below nought. Use a whole number from 0 up.")
    if effects not in ("published", "none"):
        raise Problem(f"There are no effects '{effects}'. Use 'published' or 'none'.")
    absent = [name for name in SECTIONS if name not in parameters]
    if absent:
        raise Problem(f"The parameters lack the sections {', '.join(absent)}.")
    lacking = [name for name in POPULATION_COLUMNS if name not in population]
    if lacking:
        raise Problem(f"The population table lacks the columns {', '.join(lacking)}.")
    if population.empty:
        raise Problem("The population table has no rows. Read it again from the data folder.")
