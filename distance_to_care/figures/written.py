"""How numbers of figures are written."""

from __future__ import annotations

import math
import re
import string

import pandas as pd

# Kinds of people: estimates about them were rounded to three figures.
ROUNDED = frozenset({"synthetic", "registry"})
ENDS = ("ci_low", "ci_high")
NONE_IN_WORDS = {0: "zero", 1: "one"}


class Written(string.Formatter):
    """Writes numbers with no nought that claims a figure, and no minus before nought."""

    def __init__(self, kind: str) -> None:
        """`kind`: what the numbers are about."""
        self.rounded = kind in ROUNDED

    def format_field(self, value: object, format_spec: str) -> str:
        """Write a value."""
        asked = re.fullmatch(r"(,?)\.([1-9])f", format_spec)
        number = asked and isinstance(value, float) and value
        # A number with more than three figures was not rounded, and has them all.
        if self.rounded and number and float(f"{value:.3g}") == value:
            most = max(0, 2 - math.floor(math.log10(abs(value))))
            format_spec = f"{asked[1]}.{min(int(asked[2]), most)}f"
        text = super().format_field(value, format_spec)
        return text[1:] if re.fullmatch(r"-0(\.0+)?", text) else text


def or_withheld(value: float, form: str) -> str:
    """Write a number, or that it was withheld."""
    return form.format(value) if pd.notna(value) else "withheld"


def or_zero(value: float) -> float:
    """The end of a bar: zero where the value was withheld."""
    return float(value) if pd.notna(value) else 0.0


def spoken(value: float) -> str:
    """Write a place on an axis as one would say it: whole, or with few decimals."""
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    if not round(value, digits):
        return f"{value:.10g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(value: float) -> str:
    """Write a number of an axis with commas, or in millions."""
    return f"{value / 1e6:,.4g} million" if abs(value) >= 1e6 else f"{value:,.6g}"


def plain_ticks(low: float, high: float) -> list[float]:
    """Choose ticks of a logarithmic axis that people read easily: at most eight."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**power for power in powers for step in steps]
        kept = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(kept) <= 8:
            return kept
    return kept


def ratio_ticks(low: float, high: float, upright: bool = False) -> list[float]:
    """Choose ticks of a logarithmic axis that people read as ratios."""
    coarse = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 4, 6, 8, 12, 20)
    fine = (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2)
    # Ticks below one another have more room than those side by side.
    between = (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2)
    wide = between if upright and high / low < 3.2 else coarse
    return [tick for tick in (fine if high / low < 1.7 else wide) if low <= tick <= high]


def sides(rows: pd.DataFrame, none: float) -> str:
    """Count the intervals that lie on one side of no effect: `4 of 5 intervals above one`."""
    known = rows.dropna(subset=list(ENDS))
    line = NONE_IN_WORDS.get(none)
    if line is None:
        return ""
    if known.empty:
        return "no interval to go by"
    found = []
    for side, clear in (("above", known["ci_low"] > none), ("below", known["ci_high"] < none)):
        if count := int(clear.sum()):
            whole = count == len(known)
            many = {1: "the interval", 2: "both intervals"}.get(count, f"all {count} intervals")
            part = f"{count} of {len(known)} intervals"
            found.append(f"{count} {side}" if found else f"{many if whole else part} {side} {line}")
    return ", ".join(found) or f"no interval clear of {line}"
