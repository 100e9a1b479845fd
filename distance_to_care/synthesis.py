"""What several publications say together: estimates on one scale, kept apart, and averaged.

Every function takes a table of published ratios and returns a tidy table. Ratios are averaged as
logarithms, weighted. Fewer than three studies never give a pooled headline: their average is called
a two-study sensitivity. Sources: DerSimonian & Laird 1986; Hartung & Knapp 2001; Viechtbauer 2005
(REML); Paule & Mandel 1982; Riley, Higgins & Deeks 2011 (prediction); Tierney and others 2007
(intervals).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from distance_to_care.problems import AnalysisError, Fault, Problem, Problems
from distance_to_care.study import Column

RATIOS = (
    "hazard_ratio",
    "odds_ratio",
    "risk_ratio",
    "rate_ratio",
    "subdistribution_hazard_ratio",
)
METHODS = {
    "fixed": "inverse variance",
    "dersimonian_laird": "DerSimonian-Laird",
    "reml": "REML",
    "paule_mandel": "Paule-Mandel",
}
# With fewer studies nothing can be said of how much they differ.
FEWEST = 3
Z_95 = float(stats.norm.ppf(0.975))
# Standard errors that a study without numbers may have had: from large and precise to small.
STANDARD_ERRORS = (0.1, 0.15, 0.2, 0.3, 0.4)
# Above it a ratio may be a percentage in the wrong column.
UNLIKELY = 20.0
# What a lopsided interval may owe to rounding of intermediate steps, on the logarithmic scale.
ROUNDING = 0.012
AS_PUBLISHED, FROM_P = "as published", "interval from p value"
NO_INTERVAL, NO_NUMBER = "no interval", "no number"
INVENTED = "Invented reports narrow this interval: read the one by inverse variance."
NARROW = "The studies agree more than chance would have it: read the normal interval."
TWO, SUM, BOUND = "two-study sensitivity", "pooled ratio", "what-if with missing nulls"
LESS_THAN = "For 'less than 0.001' leave the cell empty: no interval follows from it."
# What the doubts about a study have in common, where a number may be misread.
AGAIN = "misread|is it per cent"
# The columns of a reader's own table of estimates: one row a study.
TABLE = (
    Column("study", "string", title="Study"),
    Column("question", "string", title="Question", required=False, may_be_missing=True),
    Column("outcome", "string", title="Outcome"),
    Column("measure", "string", title="Kind of ratio", levels=RATIOS),
    # Names that others use for a question: read so that a table without one can be refused.
    *(
        Column(name, "string", title=name, required=False, may_be_missing=True)
        for name in ("exposure", "contrast")
    ),
    *(
        Column(name, "number", title=name, required=name == "estimate", may_be_missing=True)
        for name in ("estimate", "ci_low", "ci_high", "p_value")
    ),
)
# Outcomes that are not the same outcome. Only these forms, from end to end: any other text names an
# outcome of its own, so that "death, transplant censored" is not taken for death or transplant.
_DEATH = r"(all[- ]cause )?(deaths?|mortality)( from any cause)?"
_TRANSPLANT = r"(a )?(lung )?transplant(ation)?"
_PROGRESSION = r"(disease )?progression"
OUTCOMES = {
    "death rate of a population": r"(death|mortality) rate (of|in) (the|a) population"
    r"|population (death|mortality)( rate)?",
    "death or transplant": rf"{_DEATH}( or |/){_TRANSPLANT}|{_TRANSPLANT}( or |/){_DEATH}"
    r"|transplant(ation)?-free survival",
    "progression or death": rf"{_PROGRESSION}( or |/){_DEATH}|{_DEATH}( or |/){_PROGRESSION}"
    r"|progression-free survival",
    "death": _DEATH,
}
DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias")
CONCERNS = {"none": 0, "serious": 1, "very serious": 2}
LEVELS = ("high", "moderate", "low", "very low")


# --- from what a paper prints to a logarithm and its standard error ------------------------------


def faults(table: pd.DataFrame) -> list[Fault]:
    """List everything that is wrong with a table of published ratios, all at once.

    Parameters
    ----------
    table : `study, outcome, measure, estimate`, and where known `question, ci_low, ci_high,
        p_value`; one row a study, its question and its outcome.

    Returns
    -------
    One `Fault` a broken rule, with the first rows that break it; an empty list where all is well.
    """
    needed = [c for c in ("study", "outcome", "measure", "estimate") if c not in table]
    if needed:
        mend = "Add it: one row a study."
        return [Fault(name, "the column is missing", None, mend) for name in needed]
    others = [c for c in ("exposure", "contrast") if c in table and table[c].notna().any()]
    if others and ("question" not in table or table["question"].isna().all()):
        mend = "Call it 'question': ratios of different questions are never averaged."
        return [Fault(others[0], "a column that no column 'question' stands beside", None, mend)]
    given = _completed(table)
    value, low, high, p = (
        given[c].to_numpy(float) for c in ("estimate", "ci_low", "ci_high", "p_value")
    )
    known, ends = ~np.isnan(value), ~np.isnan(low) & ~np.isnan(high)
    same = given[["study", "question", "measure"]].assign(
        outcome=given["outcome"].map(_outcome_kind)
    )
    same = same.astype(str).apply(lambda column: column.map(_one_way))
    texts = given[["study", "question", "outcome"]].astype(str)
    rules = (
        ("study", "no name of the study", _blank(given["study"]), "Give author and year."),
        ("study", "a text with a line break or another character that is not shown",
         texts.apply(lambda c: ~c.map(str.isprintable)).any(axis=1).to_numpy(),
         "Write study, question and outcome on one line."),
        ("study", "a text that a spreadsheet takes for a formula",
         texts.apply(lambda c: c.str.strip().str.match(r"[=+@-]")).any(axis=1).to_numpy(),
         "Begin it with a letter or a figure."),
        ("outcome", "no outcome", _blank(given["outcome"]), "Say what was followed: death, say."),
        ("measure", "not a ratio that can be added up",
         ~given["measure"].isin(RATIOS).to_numpy(), f"Use one of {', '.join(RATIOS)}."),
        ("study", "the same study twice for one question and outcome",
         same.duplicated().to_numpy(),
         "Keep one row, or name parts that have no person in common."),
        *(
            (other, f"several of column '{other}' in one question, outcome and kind of ratio",
             _several(same, given[other]),
             "Give each a question of its own, or take the column out if its words mean the same.")
            for other in others
        ),
        ("estimate", "a ratio that is zero, negative or endless",
         known & ~((value > 0) & np.isfinite(value)),
         "Give the ratio itself, not its logarithm or a difference."),
        ("ci_low", "one end of an interval without the other",
         np.isnan(low) != np.isnan(high), "Give both ends, or neither."),
        ("ci_low", "an interval that is not above zero and finite",
         ends & ~((low > 0) & np.isfinite(high)), "Give the ends as ratios."),
        ("ci_low", "an interval without width, or with its ends turned round",
         ends & (low >= high), "Give the lower end first, with more decimals if need be."),
        ("estimate", "a ratio outside its own interval",
         ends & known & (low < high) & ((value < low) | (value > high)),
         "Look at the three numbers again: one is misread."),
        ("estimate", "an interval or a p value without its ratio",
         ~known & (~np.isnan(low) | ~np.isnan(p)), "Add the ratio, or empty the cells beside it."),
        ("p_value", "a p value that is not above 0 and at most 1",
         ~np.isnan(p) & ~((p > 0) & (p <= 1)),
         LESS_THAN),
        ("p_value", "a p value from which no interval follows: the ratio or the p value is 1",
         ~ends & known & ~np.isnan(p) & ((value == 1) | (p == 1)),
         "Give the interval, or leave the p value empty."),
    )  # fmt: skip
    return [
        Fault(column, rule, int(broken.sum()), f"{mend} {_which(broken)}")
        for column, rule, broken, mend in rules
        if broken.any()
    ]


def remarks(table: pd.DataFrame, not_used: int = 0) -> list[str]:
    """Say what a reader may not expect of a table without faults.

    Parameters
    ----------
    table : as for `log_estimates`.
    not_used : how many columns of the file were not looked at.

    Returns
    -------
    Sentences: no question given, no interval in any row, ratios of survival, columns not used. An
    empty list where there is nothing to say.
    """
    given = _completed(table)
    said = []
    if len(given) > 1 and (given["question"] == "").all():
        said.append(
            "No question given: all rows are taken for one question. A column 'question' keeps "
            "others apart."
        )
    if given[["ci_low", "p_value"]].isna().all(axis=None) and given["estimate"].notna().any():
        said.append(
            "Not one row has an interval or a p value, so nothing is averaged. The columns are "
            "called ci_low and ci_high, or p_value."
        )
    if given["outcome"].astype(str).str.contains("survival", case=False).any():
        said.append(
            "An outcome is named after survival: look whether its ratio counts those who live or "
            "those who die. Above 1 must mean the same in every row of a set."
        )
    if not_used:
        of = "1 column was" if not_used == 1 else f"{not_used} columns were"
        said.append(f"{of} not used: only {', '.join(c.name for c in TABLE)} are read.")
    return said


def _several(same: pd.DataFrame, column: pd.Series) -> np.ndarray:
    """Mark rows of a set (question, outcome, kind of ratio) in which a column says many things."""
    sets = [same[name] for name in ("question", "outcome", "measure")]
    return (column.fillna("").map(_one_way).groupby(sets).transform("nunique") > 1).to_numpy()


def _completed(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table the columns that it may leave out."""
    given = table.reset_index(drop=True).copy()
    for column in ("ci_low", "ci_high", "p_value"):
        given[column] = given[column].astype(float) if column in given else np.nan
    given["estimate"] = given["estimate"].astype(float)
    given["question"] = given["question"].fillna("") if "question" in given else ""
    return given


def _one_way(text: object) -> str:
    """Write a text in one way: single spaces, small letters."""
    return " ".join(str(text).split()).casefold()


def _blank(column: pd.Series) -> np.ndarray:
    return (column.isna() | (column.astype(str).str.strip() == "")).to_numpy()


def _which(rows: np.ndarray) -> str:
    """Say which rows break a rule: numbers of rows, not what stands in them."""
    first = [str(row + 1) for row in np.flatnonzero(rows)[:3]]
    return f"{'Row' if rows.sum() == 1 else 'First rows'}: {', '.join(first)}."


def log_estimates(table: pd.DataFrame) -> pd.DataFrame:
    """Turn published ratios into logarithms with standard errors, and say how each was known.

    Source: Tierney and others 2007, doi:10.1186/1745-6215-8-16. Intervals are 95% intervals. Where
    a paper gives a p value and no interval, the interval follows from it (`interval_from_p`).

    Parameters
    ----------
    table : `study, outcome, measure, estimate`, and where known `question, ci_low, ci_high,
        p_value`; one row a study, its question and its outcome. An empty estimate means that a
        paper reports no association, without a number. Other columns are handed on.

    Returns
    -------
    The table with `log_estimate, standard_error`, `interval` (as published, interval from p value,
    no interval, no number) and `lopsided`: True where the ratio is not in the middle of its
    interval and rounding does not explain it, which often is a misread digit. `ci_low` and
    `ci_high` are filled where they follow from a p value.

    Raises
    ------
    Problems : every fault of the table at once.
    """
    found = faults(table)
    if found:
        raise Problems("The table of estimates", found)
    out = _completed(table)
    published = out["ci_low"].notna() & out["ci_high"].notna()
    derived = ~published & out["p_value"].notna()
    out["interval"] = np.select(
        [published, derived, out["estimate"].notna()],
        [AS_PUBLISHED, FROM_P, NO_INTERVAL],
        NO_NUMBER,
    )
    out["log_estimate"] = np.log(out["estimate"])
    width = np.log(out["ci_high"]) - np.log(out["ci_low"])
    from_p = _error_from_p(out["log_estimate"], out["p_value"].where(derived))
    error = np.where(published, width / (2 * Z_95), from_p)
    out["standard_error"] = error
    out["lopsided"] = [
        bool(seen) and _lopsided(*numbers)
        for seen, numbers in zip(
            published, out[["estimate", "ci_low", "ci_high"]].to_numpy(), strict=True
        )
    ]
    for column, sign in (("ci_low", -1), ("ci_high", 1)):
        follows = np.exp(out["log_estimate"] + sign * Z_95 * out["standard_error"])
        out[column] = out[column].where(~derived, follows)
    return out


def _lopsided(estimate: float, low: float, high: float) -> bool:
    """Say whether an interval's middle lies farther from the ratio than rounding explains."""
    half = 0.5 * 10.0 ** -max(_decimals(value) for value in (estimate, low, high))
    slack = half / estimate + half / (2 * low) + half / (2 * high)
    return bool(abs(np.log(estimate) - (np.log(low) + np.log(high)) / 2) > slack + ROUNDING)


def _decimals(value: float) -> int:
    return len(f"{value:.10g}".partition(".")[2])


def interval_from_p(estimate: float, p_value: float) -> pd.DataFrame:
    """Work out the 95% interval of a ratio from its two-sided p value, and what rounding leaves.

    Source: Tierney and others 2007, doi:10.1186/1745-6215-8-16; Altman & Bland 2011, doi
    10.1136/bmj.d2090. The test behind the p value is taken to be a test of the logarithm against
    zero with a normal distribution.

    Parameters
    ----------
    estimate : the ratio, above 0 and not 1.
    p_value : the two-sided p value as printed, between 0 and 1, both excluded.

    Returns
    -------
    One row: `estimate, ci_low, ci_high, log_estimate, standard_error`, and `standard_error_low,
    standard_error_high`: what the standard error may be since the p value was rounded when it was
    printed (its last decimal tells by how much).

    Raises
    ------
    AnalysisError : for a ratio or a p value from which no interval follows.
    """
    if not (estimate > 0 and estimate != 1 and 0 < p_value < 1):
        raise AnalysisError(
            "No interval follows from these: a ratio above 0 that is not 1 is needed, and a p "
            "value between 0 and 1."
        )
    middle = float(np.log(estimate))
    error, low, high = (
        float(_error_from_p(middle, p)) for p in (p_value, *_before_rounding(p_value))
    )
    return pd.DataFrame(
        {
            "estimate": estimate,
            "ci_low": np.exp(middle - Z_95 * error),
            "ci_high": np.exp(middle + Z_95 * error),
            "log_estimate": middle,
            "standard_error": error,
            "standard_error_low": low,
            "standard_error_high": high,
        },
        index=[0],
    )


def _error_from_p(log_estimate, p_value):
    """The standard error with which a two-sided normal test of a logarithm gives a p value."""
    return np.abs(log_estimate) / stats.norm.isf(p_value / 2)


def _before_rounding(p_value: float) -> tuple[float, float]:
    """The lowest and highest p value that is printed as this one."""
    half = 0.5 * 10.0 ** -_decimals(p_value)
    return max(p_value - half, np.finfo(float).tiny), min(p_value + half, 1 - 1e-12)


def _doubts(row: pd.Series) -> str:
    """What a reader should look at again in one row of `log_estimates`."""
    said = [] if row["interval"] == AS_PUBLISHED else [row["interval"]]
    if row["interval"] == FROM_P:
        known = interval_from_p(row["estimate"], row["p_value"]).iloc[0]
        low, high = (_written(known[f"standard_error_{end}"]) for end in ("low", "high"))
        said = [f"{FROM_P} (standard error {low} to {high}, as the p value was rounded)"]
    if row["lopsided"]:
        said.append(
            "The ratio is not in the middle of its interval (as logarithms): "
            "look for a misread digit."
        )
    if row["interval"] == AS_PUBLISHED and pd.notna(row["p_value"]):
        z = abs(row["log_estimate"]) / row["standard_error"]
        least, most = (float(stats.norm.isf(p / 2)) for p in _before_rounding(row["p_value"])[::-1])
        # Other tests than that of the logarithm give somewhat other p values.
        if not 0.8 * least - 0.3 < z < 1.2 * most + 0.3:
            said.append("The p value does not go with the interval: one of them is misread.")
    if row["estimate"] > UNLIKELY:
        said.append("A ratio this high is rare: is it per cent?")
    return " ".join(said)


# --- what may be averaged ------------------------------------------------------------------------


def combinable(estimates: pd.DataFrame) -> pd.DataFrame:
    """Sort estimates into sets that may be added up, and say of each set what may be done with it.

    Two estimates belong to one set where the question (exposure and contrast, as the reader calls
    it), the kind of outcome and the kind of ratio are the same. Death, death or transplant,
    progression or death, and the death rate of a population are four outcomes; an outcome of
    another name is its own kind, also where the name holds one of these words.

    Parameters
    ----------
    estimates : what `log_estimates` returned.

    Returns
    -------
    The estimates with `outcome_kind`, `set` (question, outcome and ratio in one text), `studies`
    (those of the set with an interval) and `allowed`: pooling, two-study sensitivity only, no
    pooling (alone in its set), what-if only (no number, beside studies with an interval), shown
    only: no number, or not used: no interval. The question is written in small letters.
    """
    out = _logs(estimates)
    out["outcome_kind"] = out["outcome"].map(_outcome_kind)
    out["set"] = [
        ", ".join(part for part in (row.question, row.outcome_kind, _plain(row.measure)) if part)
        for row in out.itertuples()
    ]
    usable = out["standard_error"].notna()
    out["studies"] = usable.groupby(out["set"]).transform("sum").astype(int)
    numbered = out["log_estimate"].notna()
    allowed = {
        "not used: no interval": ~usable & numbered,
        "shown only: no number": ~usable & (out["studies"] == 0),
        "what-if only": ~usable,
        "pooling": out["studies"] >= FEWEST,
        "two-study sensitivity only": out["studies"] == 2,
    }
    out["allowed"] = np.select(list(allowed.values()), list(allowed), "no pooling")
    return out


def _logs(estimates: pd.DataFrame) -> pd.DataFrame:
    missing = [c for c in ("study", "outcome", "measure", "log_estimate", "standard_error")
               if c not in estimates]  # fmt: skip
    if missing:
        raise AnalysisError(
            f"These estimates have no column {', '.join(missing)}: give what 'log_estimates' hands "
            "back."
        )
    out = estimates.reset_index(drop=True).copy()
    out["question"] = out["question"].fillna("").map(_one_way) if "question" in out else ""
    return out


def _outcome_kind(outcome: str) -> str:
    plain = _one_way(outcome)
    for kind, form in OUTCOMES.items():
        if re.fullmatch(form, plain):
            return kind
    return plain


def _plain(text: str) -> str:
    return text.replace("_", " ")


def _checked(estimates: pd.DataFrame, mixed: str) -> pd.DataFrame:
    """Refuse estimates that must not be added up, and those that cannot be."""
    out = combinable(estimates)
    without = out["standard_error"].isna()
    if without.any():
        raise AnalysisError(
            f"{without.sum()} of {len(out)} estimates have no interval. Leave them out and say so, "
            "or use 'with_missing_nulls' for reports of no association."
        )
    if not (np.isfinite(out["log_estimate"]).all() and (out["standard_error"] > 0).all()):
        raise AnalysisError("Every estimate needs a logarithm and a standard error above 0.")
    if out["study"].duplicated().any():
        raise AnalysisError(
            "A study stands here twice, so people would count twice. Keep one estimate a study."
        )
    for column, what in (("question", "questions"), ("measure", "kinds of ratio")):
        if len(out[column].unique()) > 1:
            raise AnalysisError(f"These estimates answer several {what}: they are not added up.")
    kinds = sorted(out["outcome_kind"].unique())
    if len(kinds) > 1 and not mixed:
        raise AnalysisError(
            f"These are different outcomes: {'; '.join(kinds)}. They are not added up, unless "
            "'mixed' says why."
        )
    if len(out) < 2:
        raise AnalysisError("One study is not added up with itself. Show it as it is.")
    return out


# --- adding up -----------------------------------------------------------------------------------


def pool(
    estimates: pd.DataFrame,
    method: str = "reml",
    hartung_knapp: bool = True,
    mixed: str = "",
) -> pd.DataFrame:
    """Average ratios: one answer (inverse variance), or the middle of several (random effects).

    All agree with R's metafor (prediction intervals with its `pi.type="riley"`), and with
    statsmodels' `combine_effects` where that serves (see the tests). It is not called here: it has
    no REML, warns where studies agree, and can end its Paule-Mandel search at zero.

    Parameters
    ----------
    estimates : what `log_estimates` returned, of one question and one kind of ratio.
    method : `fixed`, `dersimonian_laird`, `reml` or `paule_mandel`.
    hartung_knapp : intervals of random effects from a t distribution with an estimated scale
        (Hartung & Knapp 2001), which hold what they promise for few studies; False for the normal
        distribution. Fixed sums always have the normal one.
    mixed : why estimates of different outcomes are added up nevertheless; empty forbids it.

    Returns
    -------
    Rows of `measure`: `pooled ratio`, or `two-study sensitivity` for two studies; `q` (statistic,
    degrees of freedom, p value); and for three studies or more under random effects `prediction
    interval` (of a new study, t with studies - 2 degrees of freedom: Riley 2011; for five studies
    that differ it held 90 of 100 new ones in our simulations, less than it says), `tau squared`
    (variance between studies, with Viechtbauer's Q-profile interval) and `i squared` (per cent).
    Where Hartung-Knapp gives a narrower interval than the normal distribution, a row `..., normal
    interval` stands second.
    Columns: `method, measure, estimate, ci_low, ci_high, standard_error` (of the logarithm),
    `statistic, degrees_of_freedom, p_value, studies, unit, note`.

    Raises
    ------
    AnalysisError : for other questions, ratios or outcomes side by side, a study twice, an
        estimate without interval, fewer than two studies, or an unknown method.
    """
    if method not in METHODS:
        raise AnalysisError(f"There is no method '{method}'. Use one of {', '.join(METHODS)}.")
    chosen = _checked(estimates, mixed)
    y, v = chosen["log_estimate"].to_numpy(float), chosen["standard_error"].to_numpy(float) ** 2
    return _summed(y, v, method, hartung_knapp and method != "fixed", chosen["measure"][0], mixed)


def _summed(
    y: np.ndarray, v: np.ndarray, method: str, knapp: bool, measure: str, note: str
) -> pd.DataFrame:
    studies = len(y)
    heterogeneity = _q(y, v, 0)
    tau2 = _tau_squared(y, v, method)
    first = _headline(y, v, tau2, method, knapp, measure, note)
    q = {
        "measure": "q",
        "statistic": heterogeneity,
        "degrees_of_freedom": studies - 1,
        "p_value": stats.chi2.sf(heterogeneity, studies - 1),
        "unit": "chi-squared",
    }
    rows = [first]
    narrow = NARROW in first["note"]
    if narrow:
        normal = _headline(y, v, tau2, method, False, measure, note)
        rows.append(normal | {"measure": f"{first['measure']}, normal interval"})
    rows.append(q)
    if studies >= FEWEST and method != "fixed":
        middle, error, _ = _middle(y, v, tau2, knapp)
        rows += _spread(y, v, tau2, middle, error, measure)
    if narrow:
        for row in rows:
            if row["measure"] == "prediction interval":
                row["note"] = f"{note} {NARROW}".strip()
    columns = ["method", "measure", "estimate", "ci_low", "ci_high", "standard_error", "statistic"]
    columns += ["degrees_of_freedom", "p_value", "studies", "unit", "note"]
    out = pd.DataFrame(rows).assign(studies=studies).reindex(columns=columns)
    return out.fillna({"method": first["method"], "note": note})


def _headline(
    y: np.ndarray, v: np.ndarray, tau2: float, method: str, knapp: bool, measure: str, note: str
) -> dict:
    """The row of the average itself, with what is to be said of it."""
    studies = len(y)
    middle, error, quantile = _middle(y, v, tau2, knapp)
    notes = [note] if note else []
    if knapp and quantile * error < Z_95 * np.sqrt(1 / (1 / (v + tau2)).sum()):
        notes.append(NARROW)
    if studies < FEWEST:
        notes.append("Two studies: no sum of the evidence, and nothing on how studies differ.")
    distribution = stats.t(studies - 1) if knapp else stats.norm
    # Studies with the very same ratio leave no error at all to Hartung and Knapp.
    statistic = middle / error if error > 0 else np.nan
    return {
        "method": f"{METHODS[method]}{', Hartung-Knapp' if knapp else ''}",
        "measure": SUM if studies >= FEWEST else TWO,
        **_ratio(middle, quantile * error),
        "standard_error": error,
        "statistic": statistic,
        "degrees_of_freedom": studies - 1 if knapp else np.nan,
        "p_value": 2 * distribution.sf(abs(statistic)),
        "studies": studies,
        "unit": _plain(measure),
        "note": " ".join(notes),
    }


def _ratio(middle: float, half: float) -> dict[str, float]:
    ends = np.exp([middle, middle - half, middle + half])
    return dict(zip(("estimate", "ci_low", "ci_high"), ends, strict=True))


def _middle(y: np.ndarray, v: np.ndarray, tau2: float, knapp: bool) -> tuple[float, float, float]:
    """Return the weighted mean of the logarithms, its standard error, and the quantile to use."""
    w = 1 / (v + tau2)
    middle = float((w * y).sum() / w.sum())
    if not knapp:
        return middle, float(np.sqrt(1 / w.sum())), Z_95
    scale = (w * (y - middle) ** 2).sum() / (len(y) - 1)
    # What rounding leaves of studies with the very same ratio is nothing.
    scale = scale if scale > 1e-20 else 0.0
    return middle, float(np.sqrt(scale / w.sum())), float(stats.t.ppf(0.975, len(y) - 1))


def _spread(y, v, tau2: float, middle: float, error: float, measure: str) -> list[dict]:
    """Say how much studies differ: prediction interval, tau squared, I squared."""
    studies = len(y)
    half = stats.t.ppf(0.975, studies - 2) * np.sqrt(tau2 + error**2)
    low, high = _q_profile(y, v)
    w = 1 / v
    typical = (studies - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    shares = [100 * value / (value + typical) for value in (tau2, low, high)]
    named = ("estimate", "ci_low", "ci_high")
    return [
        {
            "measure": "prediction interval",
            **_ratio(middle, half),
            "degrees_of_freedom": studies - 2,
            "unit": _plain(measure),
        },
        {"measure": "tau squared", **dict(zip(named, (tau2, low, high), strict=True)),
         "unit": "logarithm squared"},
        {"measure": "i squared", **dict(zip(named, shares, strict=True)), "unit": "per cent"},
    ]  # fmt: skip


def _tau_squared(y: np.ndarray, v: np.ndarray, method: str) -> float:
    if method == "fixed":
        return 0.0
    if method == "dersimonian_laird":
        w = 1 / v
        return max(0.0, (_q(y, v, 0) - len(y) + 1) / (w.sum() - (w**2).sum() / w.sum()))
    if method == "paule_mandel":
        return _where_q_is(y, v, len(y) - 1)
    return _reml(y, v)


def _q(y: np.ndarray, v: np.ndarray, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())


def _where_q_is(y: np.ndarray, v: np.ndarray, value: float) -> float:
    """Find the tau squared at which the generalised Q falls to a value; 0 where it starts below."""
    if _q(y, v, 0) <= value:
        return 0.0
    top = max(v.max(), np.var(y))
    while _q(y, v, top) > value:
        top *= 2
    return float(brentq(lambda tau2: _q(y, v, tau2) - value, 0, top, xtol=1e-14, rtol=1e-13))


def _q_profile(y: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """The 95% interval of tau squared: Viechtbauer 2007, doi:10.1002/sim.2514."""
    limits = stats.chi2.ppf((0.975, 0.025), len(y) - 1)
    low, high = (_where_q_is(y, v, limit) for limit in limits)
    return low, high


def _reml(y: np.ndarray, v: np.ndarray) -> float:
    """Find the tau squared of the highest restricted likelihood: a grid, then the score's root."""

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        away = y - (w * y).sum() / w.sum()
        return float((w**2 * away**2).sum() - w.sum() + (w**2).sum() / w.sum())

    widest = 10 * (np.var(y, ddof=1) + v.max())
    grid = np.concatenate([[0], np.geomspace(v.min() * 1e-6, widest, 120)])
    w = 1 / (v[:, None] + grid)
    away = y[:, None] - (w * y[:, None]).sum(axis=0) / w.sum(axis=0)
    likelihood = np.log(w).sum(axis=0) - np.log(w.sum(axis=0)) - (w * away**2).sum(axis=0)
    best = int(np.argmax(likelihood))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if score(low) <= 0:
        return float(low)
    return float(brentq(score, low, high, xtol=1e-14, rtol=1e-13))


def leave_one_out(
    estimates: pd.DataFrame,
    method: str = "reml",
    hartung_knapp: bool = True,
    mixed: str = "",
) -> pd.DataFrame:
    """Average again without each study in turn, to see whether the answer hangs on one of them.

    Parameters
    ----------
    estimates, method, hartung_knapp, mixed : as for `pool`.

    Returns
    -------
    One row a study: `left_out, measure, method, estimate, ci_low, ci_high, standard_error, studies,
    unit, note`. Where two studies stand, each row is the other study as it is (`one study`).
    """
    if method not in METHODS:
        raise AnalysisError(f"There is no method '{method}'. Use one of {', '.join(METHODS)}.")
    chosen = _checked(estimates, mixed)
    y, v = chosen["log_estimate"].to_numpy(float), chosen["standard_error"].to_numpy(float) ** 2
    knapp, measure = hartung_knapp and method != "fixed", chosen["measure"].iloc[0]
    rows = []
    for place, study in enumerate(chosen["study"]):
        if len(chosen) == 2:
            only = chosen.iloc[1 - place].to_dict()
            row = {
                "measure": "one study",
                **_as_it_is(only),
                "standard_error": only["standard_error"],
                "studies": 1,
                "unit": _plain(measure),
            }
        else:
            others = np.arange(len(y)) != place
            tau2 = _tau_squared(y[others], v[others], method)
            row = _headline(y[others], v[others], tau2, method, knapp, measure, mixed)
        rows.append({"left_out": study, **row})
    columns = ["left_out", "measure", "method", "estimate", "ci_low", "ci_high", "standard_error"]
    out = pd.DataFrame(rows).reindex(columns=[*columns, "studies", "unit", "note"])
    return out.fillna({"method": "", "note": ""})


def _as_it_is(only: dict) -> dict[str, float]:
    """The ratio of one study with its interval: the printed one, where it is known."""
    ratio = _ratio(only["log_estimate"], Z_95 * only["standard_error"])
    return {name: only.get(name, value) for name, value in ratio.items()}


def with_missing_nulls(
    estimates: pd.DataFrame,
    nulls: Sequence[str],
    standard_errors: Sequence[float] = STANDARD_ERRORS,
    ratio: float = 1.0,
    method: str = "fixed",
    hartung_knapp: bool = True,
    mixed: str = "",
) -> pd.DataFrame:
    """Put studies of no clear difference and without a number back: a what-if of the average.

    An average without them looks stronger than the evidence is. Nobody knows how precise they were
    or on which side of 1 they lay, so the answer is a function of both: it is a what-if, neither a
    bound nor an estimate.

    Parameters
    ----------
    estimates : what `log_estimates` returned, with intervals; one study is enough.
    nulls : the studies to put in.
    standard_errors : standard errors of the logarithm that each of them may have had.
    ratio : the ratio that they are put in with: 1, or what else 'no clear difference' may hide.
    method, hartung_knapp, mixed : as for `pool`.

    Returns
    -------
    One row a standard error: `null_standard_error, null_deaths, measure` (what-if with missing
    nulls, and first the average without them), `method, estimate, ci_low, ci_high, standard_error,
    studies, unit, note`. `null_deaths` are the deaths, in the two groups that are compared, that
    give about this standard error where the groups are of one size: 4 over its square
    (Schoenfeld 1981).

    Raises
    ------
    AnalysisError : as for `pool`; for a null that is among the estimates, and for none.
    """
    nulls = list(dict.fromkeys(nulls))
    if not nulls or set(nulls) & set(estimates["study"]):
        raise AnalysisError(
            "Name the studies to put in: at least one, none of them pooled already."
        )
    if not ratio > 0 or not all(0 < error < np.inf for error in standard_errors):
        raise AnalysisError("The ratio and the standard errors of the nulls are above 0.")
    rows = []
    if len(estimates) > 1:
        rows.append(pool(estimates, method, hartung_knapp, mixed).iloc[0].to_dict())
    for error in standard_errors:
        put_in = pd.DataFrame([estimates.iloc[0].to_dict()] * len(nulls)).assign(
            study=nulls, estimate=ratio, log_estimate=np.log(ratio), standard_error=error
        )
        both = pd.concat([estimates, put_in], ignore_index=True)
        row = pool(both, method, hartung_knapp, mixed).iloc[0].to_dict()
        row |= {"measure": BOUND, "null_standard_error": error, "null_deaths": round(4 / error**2)}
        if hartung_knapp and method != "fixed":
            # Each report put in adds a degree of freedom, as if it had been observed.
            row["note"] = INVENTED
        rows.append(row)
    columns = ["null_standard_error", "null_deaths", "measure", "method", "estimate", "ci_low"]
    columns += ["ci_high", "standard_error", "studies", "unit", "note"]
    return pd.DataFrame(rows).reindex(columns=columns)


# --- how sure ------------------------------------------------------------------------------------


def certainty(domains: pd.DataFrame, start: str = "high") -> pd.DataFrame:
    """Go down from a starting level, one domain after the other, and say why at every step.

    After the domains of GRADE (Guyatt and others 2008, doi:10.1136/bmj.39489.470347.AD). The
    judgements are the reader's: this keeps the account, and refuses one without a reason.

    Parameters
    ----------
    domains : `domain` (risk of bias, inconsistency, indirectness, imprecision, publication bias:
        each once a question), `concern` (none, serious, very serious), `reason` (a sentence) and,
        for several questions, `question`.
    start : the level before any concern; GRADE starts studies of exposures at `high` where the
        risk of bias is judged strictly, and at `low` otherwise.

    Returns
    -------
    One row a question and step: `question, step` (0 to 6), `domain` (start, the five, overall),
    `concern, certainty_after` (high, moderate, low, very low) and `reason`.

    Raises
    ------
    Problems : a domain missing, twice or unknown; an unknown concern; a judgement without reason.
    """
    missing = [c for c in ("domain", "concern", "reason") if c not in domains]
    found = [Fault(c, "the column is missing", None, "Add it.") for c in missing]
    judged = domains if "question" in domains else domains.assign(question="")
    if not missing:
        found = _judgement_faults(judged)
    if start not in LEVELS:
        found.append(Fault("", "unknown level to start from", None, f"Use {', '.join(LEVELS)}."))
    if found:
        raise Problems("The table of judgements", found)
    parts = [_steps(rows, start) for _, rows in judged.groupby("question", sort=False)]
    return pd.concat(parts, ignore_index=True)


def _steps(judged: pd.DataFrame, start: str) -> pd.DataFrame:
    at = LEVELS.index(start)
    rows = [("start", "", start, "Before any concern.")]
    by_domain = judged.set_index("domain")
    for domain in DOMAINS:
        concern, reason = by_domain.loc[domain, ["concern", "reason"]]
        at = min(at + CONCERNS[concern], len(LEVELS) - 1)
        rows.append((domain, concern, LEVELS[at], reason))
    down = sum(CONCERNS[concern] for concern in by_domain["concern"])
    rows.append(("overall", "", LEVELS[at], f"Steps down: {down}; never below very low."))
    out = pd.DataFrame(rows, columns=["domain", "concern", "certainty_after", "reason"])
    out.insert(0, "step", range(len(out)))
    out.insert(0, "question", judged["question"].iloc[0])
    return out


def _judgement_faults(domains: pd.DataFrame) -> list[Fault]:
    lacking = [
        domain
        for domain in DOMAINS
        if not (domains["domain"] == domain).groupby(domains["question"]).sum().eq(1).all()
    ]
    rules = (
        ("domain", "unknown domain", ~domains["domain"].isin(DOMAINS).to_numpy(),
         f"Use {', '.join(DOMAINS)}."),
        ("concern", "unknown concern", ~domains["concern"].isin(CONCERNS).to_numpy(),
         f"Use {', '.join(CONCERNS)}."),
        ("reason", "a judgement without its reason", _blank(domains["reason"]),
         "Say why in a sentence, also where there is no concern."),
    )  # fmt: skip
    found = [
        Fault(column, rule, int(broken.sum()), f"{mend} {_which(broken)}")
        for column, rule, broken, mend in rules
        if broken.any()
    ]
    if lacking:
        mend = f"Judge once for each question: {', '.join(lacking)}."
        found.append(Fault("domain", "a domain that is not judged exactly once", None, mend))
    return found


# --- a whole table -------------------------------------------------------------------------------


def whole(
    table: pd.DataFrame,
    method: str = "reml",
    standard_errors: Sequence[float] = STANDARD_ERRORS,
    null_ratios: Sequence[float] = (1.0,),
) -> pd.DataFrame:
    """Do with a table of published ratios all that may be done with it, set by set.

    Parameters
    ----------
    table : as for `log_estimates`.
    method : how the studies of a set are added up under random effects, with Hartung-Knapp
        intervals; the inverse-variance sum stands beside it.
    standard_errors : as for `with_missing_nulls`.
    null_ratios : the ratios that reports without a number are put back with, one after the other.

    Returns
    -------
    For each set of `combinable` the rows of its studies (`measure` is `study`), then, as far as
    allowed, of `pool`, `leave_one_out` and `with_missing_nulls`. Columns: `set, question, outcome,
    allowed, study, left_out, null_ratio, null_standard_error, null_deaths, method, measure,
    estimate, ci_low, ci_high, standard_error, statistic, degrees_of_freedom, p_value, studies,
    unit, note`.

    Raises
    ------
    Problems : every fault of the table at once.
    """
    if method not in METHODS or method == "fixed":
        others = ", ".join(name for name in METHODS if name != "fixed")
        raise Problem(f"There is no random-effects method '{method}'. Use one of {others}.")
    sorted_out = combinable(log_estimates(table))
    parts = [
        _one_set(rows, method, standard_errors, null_ratios)
        for _, rows in sorted_out.groupby("set", sort=False)
    ]
    columns = ["set", "question", "outcome", "allowed", "study", "left_out", "null_ratio"]
    columns += [
        "null_standard_error",
        "null_deaths",
        "method",
        "measure",
        "estimate",
        "ci_low",
        "ci_high",
    ]
    columns += ["standard_error", "statistic", "degrees_of_freedom", "p_value", "studies"]
    out = pd.concat(parts, ignore_index=True).reindex(columns=[*columns, "unit", "note"])
    texts = ["allowed", "study", "left_out", "method", "note"]
    return out.fillna(dict.fromkeys(texts, ""))


def _one_set(
    rows: pd.DataFrame, method: str, standard_errors: Sequence[float], null_ratios: Sequence[float]
) -> pd.DataFrame:
    shown = rows.assign(
        unit=rows["measure"].map(_plain),
        measure="study",
        note=rows.apply(_doubts, axis=1),
        studies=1,
    )
    parts = [shown.drop(columns=["p_value"])]
    usable = rows[rows["standard_error"].notna()]
    nulls = rows.loc[rows["interval"] == NO_NUMBER, "study"].tolist()
    if len(usable) > 1:
        without = leave_one_out(usable, method if len(usable) > FEWEST else "fixed")
        averages = [pool(usable, "fixed").head(1), pool(usable, method)]
        doubtful = shown.loc[usable.index[shown.loc[usable.index, "note"].str.contains(AGAIN)]]
        if len(doubtful):
            told = f"Look again at {', '.join(doubtful['study'])} first."
            averages = [
                part.assign(note=[f"{note} {told}".strip() for note in part["note"]])
                for part in averages
            ]
        parts += [*averages, without]
    if len(usable) and nulls:
        for ratio, way in itertools.product(null_ratios, ("fixed", method)):
            what_if = with_missing_nulls(usable, nulls, standard_errors, ratio, way)
            # The average without the nulls stands above already.
            parts.append(what_if[what_if["measure"] == BOUND].assign(null_ratio=ratio))
    return pd.concat([_filled(part) for part in parts], ignore_index=True).assign(
        set=rows["set"].iloc[0],
        question=rows["question"].iloc[0],
        outcome=rows["outcome_kind"].iloc[0],
    )


def _filled(part: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns without any value, so that tables join without guessing a type."""
    return part.dropna(axis="columns", how="all")


def as_text(found: pd.DataFrame) -> str:
    """Write what `whole` found as lines of text, set by set.

    Parameters
    ----------
    found : what `whole` returned.

    Returns
    -------
    The lines as one text: for each set its name and what is allowed, then one line a row.
    """
    blocks = []
    for name, rows in found.groupby("set", sort=False):
        told = [(_line_name(row), _line_value(row), row["note"]) for _, row in rows.iterrows()]
        wide, wider = (max(len(line[k]) for line in told) for k in (0, 1))
        lines = [f"  {a:<{wide}}  {b:<{wider}}  {note}".rstrip() for a, b, note in told]
        allowed = " and ".join(dict.fromkeys(rows.loc[rows["measure"] == "study", "allowed"]))
        blocks.append("\n".join([f"{name}: {allowed}", *lines]))
    return "\n\n".join(blocks)


def _line_name(row: pd.Series) -> str:
    if row["measure"] == "study":
        return row["study"]
    if row["left_out"]:
        way = f" ({row['method']})" if row["method"] else ""
        return f"without {row['left_out']}: {row['measure']}{way}"
    if row["measure"] == BOUND:
        each = f"ratio {row['null_ratio']:g} and standard error {row['null_standard_error']:g} each"
        return f"{BOUND}, {each} ({row['method']})"
    return f"{row['measure']} ({row['method']})"


def _line_value(row: pd.Series) -> str:
    if row["measure"] == "q":
        freedom = row["degrees_of_freedom"]
        return f"{row['statistic']:.2f} (p {row['p_value']:.3g}, {freedom:g} degrees of freedom)"
    if pd.isna(row["estimate"]):
        return NO_NUMBER
    form = "{:.0f}".format if row["unit"] == "per cent" else _written
    if pd.isna(row["ci_low"]):
        return form(row["estimate"])
    ends = f"{form(row['ci_low'])} to {form(row['ci_high'])}"
    if row["measure"] == "prediction interval":
        return ends
    return f"{form(row['estimate'])} ({ends})"


def _written(value: float) -> str:
    """Write a ratio with two decimals, and a small or a large number with three figures."""
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:.3g}"
