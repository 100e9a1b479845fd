"""Who paid for the sources: how much of the evidence stands on money of companies.

A table of sources has one row a source: `key`, `studies` (names in the column `study` of a table of
estimates, parted by a semicolon), `only_source` (where one such name covers several sources, the
text of the column `source` that this row stands for), `money` and `companies` (parted by a
semicolon). `money` says what was seen: `company` (a company is named among those who paid for,
started or took part in the work), `interests` (companies in a list that mixes who paid with other
interests of the authors), `no company` (who paid was seen, and names none) or `not seen`. Not seen
is not none.
"""

from __future__ import annotations

import re

import pandas as pd

from distance_to_care.problems import AnalysisError

MONEY = ("company", "interests", "no company", "not seen")
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
    strange = sorted(set(rows["money"]) - set(MONEY))
    if strange:
        raise AnalysisError(f"The column money has words that are not known: {', '.join(strange)}.")
    number = rows["money"].value_counts().reindex(MONEY, fill_value=0)
    number["all"] = len(rows)
    both = {"number": number, "per cent": 100 * number / max(len(rows), 1)}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "level": level,
                    "measure": "number" if unit == "number" else "share",
                    "group": [word.replace(" ", "_") for word in counted.index],
                    "estimate": counted.to_numpy(dtype=float),
                    "unit": unit,
                }
            )
            for unit, counted in both.items()
        ],
        ignore_index=True,
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
