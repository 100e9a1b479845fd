"""Who paid for the sources: how much of the evidence stands on money of companies.

A table of sources has one row a source: `key`, `studies` (names in the column `study` of a table of
estimates, parted by a semicolon), `only_source` (where one such name covers several sources, the
text of the column `source` that this row stands for), `money`, `companies` (parted by a
semicolon), `payer` and `company_staff`. `money` says what was seen: `company` (a company is named
among those who paid for the work or for the registry whose data it uses, started it or took part in
it), `interests` (companies in a list that mixes who paid with other interests of the authors),
`no company` (who paid was seen, and names none) or `not seen`. Not seen is not none. `payer` says
whether who paid was seen, and `company_staff`, apart from it, whether authors of the work were seen
to be staff of a company.
"""

from __future__ import annotations

import re

import pandas as pd

from distance_to_care.problems import AnalysisError

MONEY = ("company", "interests", "no company", "not seen")
PAYER = ("seen", "of the data only", "not seen")
STAFF = ("seen", "not seen")
RATIOS = (
    "hazard_ratio",
    "odds_ratio",
    "rate_ratio",
    "risk_ratio",
    "subdistribution_hazard_ratio",
)
# What this book asks about: exposures whose names hold one of these words.
ASKED = re.compile(r"depriv|disadvant|advantage|vulnerab|income|distance|rural|delay", re.I)


def split(text: str) -> list[str]:
    """Part a list that is written in one cell: `Biogen; Roche` holds two names."""
    return [part.strip() for part in text.split(";") if part.strip()]


def of_estimates(estimates: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """Give every estimate the source that it comes from, and who paid for that source.

    Parameters
    ----------
    estimates : one row an estimate: `id`, `study`, `source` and whatever else.
    sources : see the module.

    Returns
    -------
    The estimates with `key`, `money` and `companies` of their source.

    Raises
    ------
    AnalysisError : for estimates without a source, and for sources that claim the same estimate.
    """
    columns = ["studies", "only_source", "key", "money", "companies"]
    listed = sources[columns].astype(object).fillna("")
    listed = listed.assign(study=listed.pop("studies").map(split)).explode("study")
    listed = listed.dropna(subset="study")
    both = estimates.reset_index(drop=True).reset_index(names="line").merge(listed, on="study")
    both = both[(both["only_source"] == "") | (both["only_source"] == both["source"])]
    homeless = estimates.loc[~estimates["id"].isin(both["id"])]
    if len(homeless):
        named = "; ".join(sorted(set(homeless["study"] + " (" + homeless["source"] + ")")))
        raise AnalysisError(f"No row of the sources has these studies: {named}. Add one for each.")
    if both["line"].duplicated().any():
        named = ", ".join(sorted(set(both.loc[both["line"].duplicated(), "study"])))
        raise AnalysisError(f"More than one source claims the same estimates of: {named}.")
    return both.sort_values("line").drop(columns=["line", "only_source"]).reset_index(drop=True)


def asked_ratios(estimates: pd.DataFrame) -> pd.DataFrame:
    """Keep the ratios that a forest plot of this book can draw.

    estimates : one row an estimate: `measure`, `exposure`, `ci_low`, `ci_high`.
    Returns the ratios with an interval by deprivation, income, distance, rurality or delay.
    """
    drawn = estimates["measure"].isin(RATIOS) & estimates[["ci_low", "ci_high"]].notna().all(axis=1)
    about = estimates["exposure"].fillna("").astype(str).str.contains(ASKED)
    return estimates[drawn & about]


def by_money(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Count rows by what was seen of who paid.

    Parameters
    ----------
    rows : one row a source or an estimate, with `money`.
    level : what is counted, for the column of that name.

    Returns
    -------
    Two rows a word of `MONEY`, also where nothing was counted, and two for all together: `level`,
    `measure` (number or share), `group` (the word, with an underscore for a space, or all),
    `estimate` and `unit` (the share is in per cent of all rows).
    """
    number = _counted(rows, "money", MONEY)
    both = {"number": number, "per cent": 100 * number / max(len(rows), 1)}
    return pd.concat(
        [
            _tidy(counted, level, "number" if unit == "number" else "share", unit)
            for unit, counted in both.items()
        ],
        ignore_index=True,
    )


def by_what_was_seen(sources: pd.DataFrame, level: str) -> pd.DataFrame:
    """Count sources by whether the payer, and staff of a company among the authors, were seen.

    Parameters
    ----------
    sources : one row a source, with `payer` (a word of `PAYER`) and `company_staff` (of `STAFF`).
    level : what is counted, for the column of that name.

    Returns
    -------
    `level`, `measure` (payer or company staff), `group` (the word, with underscores for spaces, or
    all), `estimate` and `unit`; a word that no row has is counted as zero.

    Raises
    ------
    AnalysisError : for a word that is not known.
    """
    return pd.concat(
        [
            _tidy(_counted(sources, column, words), level, column.replace("_", " "), "number")
            for column, words in (("payer", PAYER), ("company_staff", STAFF))
        ],
        ignore_index=True,
    )


def _counted(rows: pd.DataFrame, column: str, words: tuple[str, ...]) -> pd.Series:
    """Count the rows of each word of a column, and all of them."""
    strange = sorted(set(rows[column]) - set(words))
    if strange:
        raise AnalysisError(
            f"The column {column} has words that are not known: {', '.join(strange)}."
        )
    number = rows[column].value_counts().reindex(words, fill_value=0)
    number["all"] = len(rows)
    return number


def _tidy(counted: pd.Series, level: str, measure: str, unit: str) -> pd.DataFrame:
    """Write counts as rows of a published table."""
    return pd.DataFrame(
        {
            "level": level,
            "measure": measure,
            "group": [word.replace(" ", "_") for word in counted.index],
            "estimate": counted.to_numpy(dtype=float),
            "unit": unit,
        }
    )


def by_company(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Count rows by company, where a company paid for, started or took part in the work.

    rows, level : as for `by_money`, with `companies`.
    Returns one row a company: `level`, `term` (small letters, underscores), `source` (the name) and
    `estimate` (their number) and `unit`; a row with two companies counts for both.
    """
    paid = rows[rows["money"] == "company"]
    number = (
        paid["companies"].astype(object).fillna("").map(split).explode().value_counts().sort_index()
    )
    return pd.DataFrame(
        {
            "level": level,
            "term": [re.sub(r"\W+", "_", name.lower()).strip("_") for name in number.index],
            "source": number.index,
            "estimate": number.to_numpy(dtype=float),
            "unit": "number",
        }
    )
