"""Expected births: how many babies a published rate would give, and how far chance moves a year.

Nobody is counted here. Births are open counts, a rate is read off a publication, and births with a
rare disease are taken to come independently of each other, so that their number in a year is
Poisson. Every function takes tables and returns a tidy one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError

DAYS_A_YEAR = 365.25
# Of all years, the share whose count a range should hold at least.
SHARE = 0.95
EXPECTED = "births expected in a year"
COUNTS = "births in nineteen years of twenty"
DAYS = "days from one birth to the next"
YEARS = "years from one birth to the next"
NONE = "years without any birth"
UNITS = {
    EXPECTED: "births a year",
    COUNTS: "births a year",
    DAYS: "days",
    YEARS: "years",
    NONE: "of 100 years",
}
# What a place would have in a year: the mean, and what chance does to it.
A_YEAR = (EXPECTED, COUNTS)
NOT_TOLD = "not told"
# Chances in per cent are told to so many decimals: what is smaller is nothing.
FINE = 4
# An interval from fewer draws is not worth its name.
FEWEST_DRAWS = 100


def count_range(mean: float, share: float = SHARE) -> tuple[int, int]:
    """Give the range that the count of a year would fall into, if the mean were known: exact.

    The ends are quantiles of a Poisson distribution, so that not more than half of what is left
    over lies on either side. A count is whole, so the range holds at least `share` of years.

    Parameters
    ----------
    mean : births expected in a year.
    share : share of years that the range holds at least (0 to 1).

    Returns
    -------
    The lowest and the highest count.

    Raises
    ------
    AnalysisError : a mean below zero, or a share outside of 0 to 1.
    """
    if not (0 <= mean < np.inf and 0 < share < 1):
        raise AnalysisError("A range of counts needs a mean from 0 up and a share between 0 and 1.")
    low, high = stats.poisson.ppf([(1 - share) / 2, (1 + share) / 2], mean)
    return int(low), int(high)


def rate_of_count(count: int, births: float, share: float = SHARE) -> tuple[float, float, float]:
    """Estimate births for each birth with the disease from a count, with its exact interval.

    The interval is that of Garwood (Biometrika 1936;28:437): limits of a Poisson mean from
    quantiles of chi-squared.

    Parameters
    ----------
    count : births with the disease among `births`; one at least.
    births : all births looked at.
    share : confidence of the interval.

    Returns
    -------
    Births for each one: estimate, lower and upper limit.

    Raises
    ------
    AnalysisError : no birth was counted, or more than there were.
    """
    if not 1 <= count <= births:
        raise AnalysisError("A rate needs one birth at least, and not more than all births.")
    least = stats.chi2.ppf((1 - share) / 2, 2 * count) / 2
    most = stats.chi2.ppf((1 + share) / 2, 2 * count + 2) / 2
    return births / count, births / most, births / least


def counted(counts: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Estimate the rates of several counts, each with its exact interval.

    Parameters
    ----------
    counts : name -> births with the disease, and all births looked at.

    Returns
    -------
    `term`, `estimate`, `low`, `high` (births for each one: `rate_of_count`), `unit`.
    """
    rows = [(name, *rate_of_count(count, births)) for name, (count, births) in counts.items()]
    return pd.DataFrame(rows, columns=["term", "estimate", "low", "high"]).assign(unit="births")


def of_rates(rates: pd.DataFrame, births: float) -> pd.DataFrame:
    """Work out what each published rate would mean for one population.

    Parameters
    ----------
    rates : `term`, `group` (how it is named), and either `births_for_each` (births for each birth
        with the disease) or `births_a_year` (births with the disease in a year, as published).
    births : births of the population in a year.

    Returns
    -------
    One row a rate and measure: `term`, `group`, `measure`, `value` (births for each one),
    `estimate`, `low`, `high` (`count_range`: what chance alone would do from year to year, and the
    days between births in such years; empty where a year may have none), `unit`.

    Raises
    ------
    AnalysisError : no births, a row that gives neither or both, or a number that is not above zero.
    """
    if not births > 0:
        raise AnalysisError("A population without births has no expected births.")
    given = rates[["births_for_each", "births_a_year"]].astype(float)
    if not ((given.notna().sum(axis=1) == 1) & (given.max(axis=1) > 0)).all():
        raise AnalysisError(
            "Each published rate needs births for each birth with the disease, or births with the "
            "disease in a year: one of the two, above zero."
        )
    for_each = given["births_for_each"].fillna(births / given["births_a_year"])
    rows = []
    for (_, row), each in zip(rates.iterrows(), for_each, strict=True):
        mean = births / each
        low, high = count_range(mean)
        of = {"term": row["term"], "group": row["group"], "value": each}
        rows += [
            of | {"measure": EXPECTED, "estimate": mean, "low": low, "high": high},
            of
            | {
                "measure": DAYS,
                "estimate": DAYS_A_YEAR / mean,
                "low": DAYS_A_YEAR / max(high, 1),
                "high": DAYS_A_YEAR / low if low else np.nan,
            },
        ]
    table = pd.DataFrame(rows, columns=[*of, "measure", "estimate", "low", "high"])
    return table.assign(unit=table["measure"].map(UNITS))


def by_rate_and_place(rates: pd.DataFrame, places: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Work out the expected births of every place under every published rate.

    Parameters
    ----------
    rates : as `of_rates` returns it, of the population from which the rates were read.
    places : kind of place -> table with `group` (the place) and `births` in a year.

    Returns
    -------
    One row a place and rate: `group_by` (kind of place), `group`, `term`, `note` (how the rate is
    named), `value` (births for each one), `measure` (`EXPECTED`), `estimate`, `low`, `high`
    (`count_range`: what chance alone would do from year to year), `unit`.

    Raises
    ------
    AnalysisError : births of a place that are not above zero.
    """
    columns = ["group_by", "group", "births"]
    every = pd.concat(
        [table.assign(group_by=kind)[columns] for kind, table in places.items()], ignore_index=True
    )
    if not (every["births"] > 0).all():
        raise AnalysisError("Births of a place must be above zero.")
    known = rates.loc[rates["measure"] == EXPECTED, ["term", "group", "value"]]
    table = every.merge(known.rename(columns={"group": "note"}), how="cross")
    means = table.pop("births") / table["value"]
    ends = np.array([count_range(mean) for mean in means], float).reshape(-1, 2)
    return table.assign(
        measure=EXPECTED, estimate=means, low=ends[:, 0], high=ends[:, 1], unit=UNITS[EXPECTED]
    )


def of_places(places: pd.DataFrame, births_for_each: Sequence[float]) -> pd.DataFrame:
    """Work out the expected births of places, and how often there would be none.

    Parameters
    ----------
    places : `births` in a year, and columns that name a place.
    births_for_each : births for each birth with the disease: the value, and the ends of its range.

    Returns
    -------
    One row a place and measure: the columns that name it, `measure`, `estimate` (at the value),
    `low`, `high` (over the range of the rate; of `COUNTS`, the ends of `count_range` at the value),
    `unit`.

    Raises
    ------
    AnalysisError : births or a rate that are not above zero.
    """
    rates = np.asarray(births_for_each, float)
    if not ((places["births"] > 0).all() and (rates > 0).all()):
        raise AnalysisError("Births of a place, and births for each one, must be above zero.")
    means = places["births"].to_numpy(float)[:, None] / rates
    found = {
        EXPECTED: means,
        YEARS: 1 / means,
        DAYS: DAYS_A_YEAR / means,
        NONE: np.round(100 * np.exp(-means), FINE),
    }
    names = places.drop(columns="births").reset_index(drop=True)
    tables = [
        names.assign(
            measure=measure,
            estimate=values[:, 0],
            low=values.min(axis=1),
            high=values.max(axis=1),
        )
        for measure, values in found.items()
    ]
    ends = np.array([count_range(mean) for mean in means[:, 0]], float).reshape(-1, 2)
    counts = names.assign(measure=COUNTS, estimate=means[:, 0], low=ends[:, 0], high=ends[:, 1])
    table = pd.concat([*tables, counts], ignore_index=True)
    return table.assign(unit=table["measure"].map(UNITS))


def shared_out(babies: pd.DataFrame, names: Sequence[str], births: float) -> pd.DataFrame:
    """Share the births of a nation among its places, by the babies who live in each.

    Parameters
    ----------
    babies : one row an area: `babies` (people aged under one) and the columns of `names`.
    names : columns that name a place.
    births : births of the nation in a year.

    Returns
    -------
    One row a place: its names and `births`, which add up to the nation's.

    Raises
    ------
    AnalysisError : there are no babies at all, an area has fewer than none or an unknown number,
        or an area with babies lies in no place.
    """
    total = babies["babies"].sum()
    if not (total > 0 and (babies["babies"] >= 0).all()):
        raise AnalysisError("Births are shared out by babies, and no area has any.")
    if babies.loc[babies["babies"] > 0, list(names)].isna().any(axis=None):
        raise AnalysisError("An area with babies lies in no place, so that births would be lost.")
    places = babies.groupby(list(names), as_index=False)["babies"].sum()
    return places.assign(births=births * places["babies"] / total).drop(columns="babies")


def chance_of_count(count: int, mean: float) -> dict[str, float]:
    """Say how often a year would have so few births, or so many, if the mean were known.

    Parameters
    ----------
    count : births in a year.
    mean : births expected in a year.

    Returns
    -------
    `so few` and `so many` (that count included), as shares of years from 0 to 1.
    """
    return {
        "so few": float(stats.poisson.cdf(count, mean)),
        "so many": float(stats.poisson.sf(count - 1, mean)),
    }


def mix(found: Mapping[object, int], becomes: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Work out which kinds the babies found by screening would have come to, and how sure that is.

    Babies found are counted by a marker, such as copies of a gene; what each marker comes to is
    published for other people. The doubt of the counts is that of a multinomial with Jeffreys'
    prior (a Dirichlet distribution); what a marker comes to is held fixed, as published, and what
    is not told of it stays a kind of its own.

    Parameters
    ----------
    found : marker -> babies found with it.
    becomes : index the markers, one column a kind: share (0 to 1); a row may add up to less
        than 1.
    number, seed : draws for the interval, and their seed.

    Returns
    -------
    One row a kind, and one for `not told`: `group`, `estimate`, `low`, `high` (95 per cent of
    draws), `unit` (per cent of the babies found).

    Raises
    ------
    AnalysisError : shares of a marker that are below zero or add up to more than one, a marker
        without a row, no baby, or too few draws.
    """
    counts = pd.Series(found, dtype=float)
    lost = set(counts.index) - set(becomes.index)
    if lost or counts.sum() <= 0 or (counts < 0).any() or number < FEWEST_DRAWS:
        raise AnalysisError(
            "A mix needs babies found, a row of shares for each marker, and "
            f"{FEWEST_DRAWS} draws or more."
        )
    shares = becomes.loc[counts.index].astype(float).fillna(0.0)
    told = shares.sum(axis=1)
    if (shares < 0).any(axis=None) or (told > 1 + 1e-9).any():
        raise AnalysisError("Shares of a marker must be from 0 up and add up to 1 at most.")
    shares[NOT_TOLD] = (1 - told).clip(lower=0)
    drawn = np.random.default_rng(seed).dirichlet(counts.to_numpy() + 0.5, number)
    ends = np.quantile(drawn @ shares.to_numpy(), [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "group": list(shares.columns),
            "estimate": 100 * (counts / counts.sum()).to_numpy() @ shares.to_numpy(),
            "low": 100 * ends[0],
            "high": 100 * ends[1],
            "unit": "per cent",
        }
    )


def published_rates(
    published: pd.DataFrame, terms: Sequence[str], share: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Read rates and numbers a year off rows of published estimates, for `of_rates`.

    Parameters
    ----------
    published : `id`, `study`, `estimate`, `unit`: `births` for births for each birth with the
        disease; any other unit is that of a number a year.
    terms : the rows to read.
    share : row of a rate that is of one kind only -> share of that kind among all (0 to 1).

    Returns
    -------
    One row a rate, in the order of `terms`: `term`, `group` (the study), `births_for_each`,
    `births_a_year` (the one that was not published is empty).

    Raises
    ------
    AnalysisError : for a row that is not there.
    """
    rows = published.set_index("id")
    lost = sorted(set(terms) - set(rows.index))
    if lost:
        raise AnalysisError(f"No published row is named {', '.join(lost)}.")
    read = rows.loc[list(terms)]
    is_rate = read["unit"] == "births"
    times = pd.Series(share or {}, dtype=float).reindex(read.index).fillna(1.0)
    return pd.DataFrame(
        {
            "term": list(terms),
            "group": read["study"].to_numpy(),
            "births_for_each": (read["estimate"].where(is_rate) * times).to_numpy(),
            "births_a_year": read["estimate"].mask(is_rate).to_numpy(),
        }
    )


def read_off(published: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """Read the estimates whose names follow a pattern, with what the names say.

    Parameters
    ----------
    published : `id`, `estimate`.
    pattern : regular expression of the whole name, with named groups.

    Returns
    -------
    One column a named group, and `estimate`; one row a name that fits.

    Raises
    ------
    AnalysisError : no name fits.
    """
    said = published["id"].str.extract(f"^{pattern}$")
    fits = said.notna().all(axis=1)
    if not fits.any():
        raise AnalysisError(f"No published row has a name like {pattern}.")
    return said[fits].assign(estimate=published["estimate"][fits])


def typical(boards: pd.DataFrame) -> pd.DataFrame:
    """Pick three boards by their births: the smallest, one in the middle, and the largest.

    Parameters
    ----------
    boards : `births` of each board in a year.

    Returns
    -------
    One row each: `title`, `births` a year, and `value` (the same as a whole number).
    """
    ordered = boards["births"].sort_values().to_numpy()
    births = ordered[[0, len(ordered) // 2, -1]]
    titles = ["the smallest board", "a board in the middle", "the largest board"]
    return pd.DataFrame({"title": titles, "value": births.round(), "births": births})


def rising(least: float, most: float, steps: int = 40) -> pd.DataFrame:
    """List places of rising size, each larger than the one before by the same ratio.

    Parameters
    ----------
    least, most : births a year of the smallest and of the largest place.
    steps : steps from one to the other.

    Returns
    -------
    One row a place: `group` (`place`), `births` a year, and `value` (the same as a whole number).
    """
    births = np.geomspace(least, most, steps + 1)
    return pd.DataFrame({"group": "place", "value": births.round(), "births": births})


def of_boards(
    boards: pd.DataFrame,
    nations: pd.DataFrame,
    births_for_each: Sequence[float],
    rates: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Make the tables of a nation's care boards: each board, three of them, and places by size.

    Parameters
    ----------
    boards : `board`, `births` in a year, and further columns that name a board.
    nations : `group` (the nation), `births` in a year.
    births_for_each : births for each birth with the disease: the value, and the ends of its range.
    rates : as `of_rates` returns it.

    Returns
    -------
    `by_board`, `typical` and `by_size` (`of_places` of each), `by_rate_and_place`.
    """
    places = rising(boards["births"].min(), 2 * boards["births"].max())
    kinds = {"nation": nations, "care board": boards.rename(columns={"board": "group"})}
    return {
        "by_board": of_places(boards, births_for_each),
        "by_size": of_places(places, births_for_each),
        "typical": of_places(typical(boards), births_for_each),
        "by_rate_and_place": by_rate_and_place(rates, kinds),
    }


def chances(counts: Mapping[str, int], mean: float) -> pd.DataFrame:
    """Say of each count how often chance alone would give so few, or so many, at one mean.

    Parameters
    ----------
    counts : name -> births in a year.
    mean : births expected in a year.

    Returns
    -------
    `term`, `measure` (`so few` or `so many`, that count included), `estimate`, `unit`.
    """
    return pd.DataFrame(
        [
            {"term": name, "measure": measure, "estimate": 100 * chance, "unit": UNITS[NONE]}
            for name, count in counts.items()
            for measure, chance in chance_of_count(count, mean).items()
        ]
    )


def mix_of_published(
    published: pd.DataFrame,
    found: str,
    becomes: str,
    people: float,
    number: int = 4_000,
    seed: int = 1,
) -> pd.DataFrame:
    """Work out `mix` from rows of published estimates in per cent, named by two patterns.

    Parameters
    ----------
    published : `id`, `estimate`.
    found : pattern of the rows that say which share was found with each marker; its one named
        group is the marker.
    becomes : pattern of the rows that say what a marker comes to; its named groups are the marker
        (named as in `found`) and `kind`.
    people : babies found, of whom the shares are.
    number, seed : as for `mix`.

    Returns
    -------
    As `mix`, with `title`: the kind in words.
    """
    with_marker = read_off(published, found)
    marker = with_marker.columns[0]
    counts = (with_marker.set_index(marker)["estimate"] * people / 100).round()
    told = read_off(published, becomes).pivot_table("estimate", marker, "kind")
    table = mix(counts, told.reindex(counts.index) / 100, number, seed)
    return table.assign(title=table["group"].str.replace("_", " "))
