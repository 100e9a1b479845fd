"""Published tables in a page: captions and scopes, ranges in one column, and words for names."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pandas as pd

LONG_TABLE = 30
HEADINGS = {
    "measure": "what is measured",
    "scenario": "what is assumed",
    "term": "name",
    "group_by": "groups of",
    "group": "people or places",
    "level": "which of them",
    "value": "at",
    "rank_by": "ranked by",
    "centre_list": "list of centres",
    "certainty": "seen or derived",
    "travel_minutes": "minutes by car",
    "distance_km": "kilometres in a straight line",
    "low": "lowest",
    "high": "highest",
    "steady": "the lists agree within ten minutes",
    "time_years": "years",
    "at_risk": "still followed",
    "ci_low": "95% CI from",
    "ci_high": "to",
    "p_value": "p",
    "published_estimate": "published",
    "published_low": "published from",
    "published_high": "to",
    "degrees_of_freedom": "degrees of freedom",
}
# The column that a range belongs to, where a table has several that it could: the first.
MIDDLES = ("published_estimate", "estimate", "value", "travel_minutes")


RANGED = {"published_estimate": "published", "travel_minutes": "minutes by car"}


# Columns whose cells may hold names of the code in a sentence or a list; readers get words instead.
NAMES = ("model", "term", "group_by", "variable", "exposure", "scenario", "method", "note",
         "measure", "adjusted_for", "source")  # fmt: skip
# A column about names of the code, which readers look up as they are.
OF_THE_CODE = "column"
# A name of the code in a text, and no part of an address, of a file's name or of a formula.
CODE = re.compile(r"(?<![\w./?=&-])[a-z]+(?:_[a-z0-9]+)+(?![\w/(-]|\.\w)")


def table_html(
    table: pd.DataFrame,
    caption: str,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    anchors: Sequence[str] = (),
) -> str:
    """Write a published table as an accessible HTML table: caption, scopes, no empty heading.

    Columns that hold nothing are left out; the file has them. A range stands in one column with
    its estimate, so that no screen is too narrow for the whole of it. `columns` may give headings
    as well: `{"group": "region", "estimate": "minutes"}`. `words` says how names of the code are
    written for readers. `anchors` gives each row an address on its page, in the order of the rows.
    """
    headings = dict(columns) if isinstance(columns, Mapping) else {}
    shown = table[list(columns)] if columns else table.drop(columns=["kind"], errors="ignore")
    shown, ranged = _with_ranges(shown)
    shown = shown.loc[:, [c for c in shown if not (shown[c].isna() | (shown[c] == "")).all()]]
    if "suppressed" in shown and not shown["suppressed"].any():
        shown = shown.drop(columns="suppressed")
    # Beside a truth that was built in, an estimate is what the method recovered.
    known = {}
    if "built_in" in shown:
        known = {"estimate": "recovered", "ci_low": "recovered, 95% CI from"}
    if ranged:
        known[ranged] = "range" if ranged == "low" else f"{RANGED.get(ranged, ranged)} (range)"
    known |= {c: html.escape(heading) for c, heading in headings.items() if heading}
    classes = {c: ' class="number"' if c == ranged else _numeric(shown[c]) for c in shown}
    heads = "".join(
        f'<th scope="col"{classes[c]}>{known.get(c) or _heading(c)}</th>' for c in shown
    )
    formats = {c: _format(shown[c], words or {}) for c in shown}
    opened = [f'<tr id="{html.escape(name)}">' for name in anchors] or ["<tr>"] * len(shown)
    body = "".join(
        start
        + "".join(
            f"<td{classes[c]}>{html.escape(formats[c](value))}</td>"
            for c, value in zip(shown, row, strict=True)
        )
        + "</tr>"
        for start, row in zip(opened, shown.itertuples(index=False), strict=True)
    )
    label = html.escape(caption, quote=True)
    return (
        f'<div class="table-scroll" role="region" aria-label="Table: {label}" tabindex="0">'
        f'<table class="published-table"><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _with_ranges(shown: pd.DataFrame) -> tuple[pd.DataFrame, str | None]:
    """Join the ends of a range, and the estimate that it belongs to, into one column of text.

    Returns the table and the name of that column; None where nothing was joined.
    """
    # Where an interval stands as well, nobody could tell the two pairs apart in one column.
    if not {"low", "high"} <= set(shown) or "ci_low" in shown:
        return shown, None
    middle = [c for c in MIDDLES if c in shown][:1]
    parts = shown[[*middle, "low", "high"]]
    if parts[["low", "high"]].isna().all(axis=None) or not all(
        pd.api.types.is_numeric_dtype(parts[c]) for c in parts
    ):
        return shown, None
    place = middle[0] if middle else "low"
    texts = [_joined(*row) for row in parts.astype(float).itertuples(index=False)]
    joined = shown.drop(columns=[c for c in ("low", "high") if c != place])
    joined[place] = pd.Series(texts, index=shown.index, dtype=object)
    return joined, place


def _joined(*numbers: float) -> str:
    """Write an estimate (if there is one) and its range, all with the same decimals."""
    *estimate, low, high = numbers
    known = [value for value in numbers if pd.notna(value)]
    if not known:
        return ""
    largest = max(abs(value) for value in known)
    if all(float(value).is_integer() for value in known):
        digits = 0
    else:
        digits = 0 if largest >= 100 else 1 if largest >= 10 else 2 if largest >= 1 else 3
        digits = min(digits, _decimals(known))
    texts = ["" if pd.isna(value) else f"{value:,.{digits if value else 0}f}" for value in numbers]
    # A small number beside a large one keeps its figures rather than turn into zero.
    texts = [
        _three_figures(value) if pd.notna(value) and value and not float(text.replace(",", ""))
        else text
        for text, value in zip(texts, numbers, strict=True)
    ]  # fmt: skip
    *middle, low, high = texts
    middle = middle[0] if middle else ""
    if not (low and high) or low == high == (middle or low):
        return middle or low or high
    return f"{middle} ({low} to {high})" if middle else f"{low} to {high}"


def _heading(column: str) -> str:
    return html.escape(HEADINGS.get(column, column.replace("_", " ")))


def _numeric(column: pd.Series) -> str:
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return ' class="number"' if number else ""


def _format(column: pd.Series, words: Mapping[str, str]) -> Callable[[object], str]:
    if pd.api.types.is_bool_dtype(column):
        return lambda value: "yes" if value else "no"
    if pd.api.types.is_integer_dtype(column):
        return lambda value: "" if pd.isna(value) else f"{value:,}"
    if pd.api.types.is_float_dtype(column):
        if column.dropna().apply(float.is_integer).all():
            return lambda value: "" if pd.isna(value) else f"{value:,.0f}"
        said = _decimals(column.dropna())
        return lambda value: "" if pd.isna(value) else _three_figures(value, said)
    if column.name == "estimand":
        return lambda value: _in_words(str(value).replace(".", ", "), words)
    if column.name == OF_THE_CODE:
        return lambda value: "" if pd.isna(value) else str(value)
    if column.name not in NAMES:
        return lambda value: "" if pd.isna(value) else _name_in_words(str(value), words)
    return lambda value: "" if pd.isna(value) else _in_words(str(value), words)


def _in_words(text: str, words: Mapping[str, str]) -> str:
    """Write a name of the code, or a sentence or a list that holds some, in words."""
    if text in words:
        return words[text]
    return CODE.sub(lambda name: words.get(name[0], name[0].replace("_", " ")), text)


def _name_in_words(text: str, words: Mapping[str, str]) -> str:
    """Write a cell that is a name of the code in words, and any other as it is."""
    return _in_words(text, words) if CODE.fullmatch(text) else text


def _decimals(values: Iterable[float]) -> int:
    """Say how many decimals numbers have, four at most; a further nought would claim a figure."""
    return max((max(0, -_exponent(value)) for value in values), default=0)


def _exponent(value: float) -> int:
    # Four decimals are the most that are written, and nought has none.
    exponent = Decimal(f"{value:.4f}").normalize().as_tuple().exponent
    return int(exponent) if value and math.isfinite(value) else 0


def _three_figures(value: float, decimals: int = 4) -> str:
    """Three figures, with the same decimals for numbers of the same size.

    decimals : no more than these, where all numbers beside it have no more.
    """
    size = abs(value)
    if value == 0 or size >= 100:
        return f"{value:,.0f}"
    if size < 1e-6:
        # What is left of nought by rounding, or a chance that nobody can tell from none.
        return "<0.000001" if value > 0 else ">-0.000001"
    if size < 0.0001:
        return f"{value:.1e}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.001 else 4
    return f"{value:.{min(digits, decimals)}f}"


def downloads(name: str, figure: str | None = None) -> str:
    """Link the files of a table, and the image of a figure."""
    svg = f' · <a href="../downloads/{figure}.svg" download>Figure (SVG)</a>' if figure else ""
    return (
        f'<p class="downloads">Download: <a href="../downloads/{name}.csv" download>Data (CSV)</a>'
        f' · <a href="../downloads/{name}.json" download>What the columns mean (JSON)</a>{svg}</p>'
    )


# How a description of people is written in one cell; the names in brackets are measures.
SUMMARIES = {
    "": "{people}",
    ", mean (standard deviation)": "{mean} ({standard deviation})",
    ", median (quartiles)": "{median} ({lower quartile} to {upper quartile})",
    ", per cent": "{share}",
    ", not known: people (per cent)": "{missing} ({not known})",
}


def _or_withheld(value: float | int | None) -> str:
    if pd.isna(value):
        return "withheld"
    # From a hundred on, three figures leave no decimal.
    decimals = 1 if isinstance(value, float) and abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


@dataclass(frozen=True)
class ShownTable:
    """A published table in a page, with its downloads."""

    table: pd.DataFrame
    name: str
    title: str
    columns: Sequence[str] | Mapping[str, str] | None = None
    words: Mapping[str, str] | None = None
    anchors: Sequence[str] = ()
    folded: bool = False

    def side_by_side(self, groups: dict[str, str], names: dict[str, str]) -> ShownTable:
        """Set the groups of a description of people side by side, one column a group.

        Parameters
        ----------
        groups : the groups to show and their headings.
        names : the variables to show, in order, and how they are named.

        Where all that is not known is withheld, that has no line: it stands in the files.
        """
        lines = []
        for variable, name in names.items():
            of_variable = self.table[self.table["variable"] == variable]
            for level, rows in of_variable.groupby("level", sort=False):
                cells = {}
                for row in rows.itertuples():
                    counted = row.measure == "people"
                    cells[row.group, row.measure] = row.people if counted else row.estimate
                    if row.measure == "not known":
                        cells[row.group, "missing"] = row.missing
                measured = {measure for _, measure in cells}
                for what, form in SUMMARIES.items():
                    measures = re.findall(r"{([^}]*)}", form)
                    if not set(measures) <= measured:
                        continue
                    told = any(pd.notna(cells.get((g, m))) for g in groups for m in measures)
                    if "missing" in measures and not told:
                        continue
                    line = {"when first seen": (f"{name}: {level}" if level else name) + what}
                    for group, heading in groups.items():
                        values = {m: _or_withheld(cells.get((group, m))) for m in measures}
                        line[heading] = form.format(**values)
                    lines.append(line)
        return replace(self, table=pd.DataFrame(lines), columns=None, anchors=())

    def _repr_html_(self) -> str:
        table = table_html(self.table, self.title, self.columns, self.words, self.anchors)
        links = downloads(self.name)
        if self.folded:
            # Parts of one table would repeat its downloads down the page: they open with the part.
            table, links = table + links, ""
        if self.folded or len(self.table) > LONG_TABLE:
            # A reader who wants one row of many opens the table; the others read on.
            table = (
                f"<details><summary>{html.escape(self.title)} ({len(self.table):,} rows)</summary>"
                f"{table}</details>"
            )
        return table + links

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table.to_string(index=False)}"
