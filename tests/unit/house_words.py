"""The words of the house: rules in the form of Vale, applied wherever the tests run.

Vale cannot be had from the index of Python packages; where it is installed, `vale .` reads the same
files by `.vale.ini`. Of its kinds of rule these files use two: words that may not stand
(existence), and words with what to say instead (substitution).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from distance_to_care import places

STYLE = places.ROOT / "tests" / "vale" / "DistanceToCare"
COMMON = {"extends", "message", "level", "ignorecase"}
OF_A_KIND = {"existence": "tokens", "substitution": "swap"}


class Rule(NamedTuple):
    """One pattern of a rule file, and what is said where it is found."""

    name: str
    pattern: re.Pattern
    message: str
    instead: str = ""

    def said(self, found: str) -> str:
        """Say what is wrong, as Vale would."""
        words = (self.instead, found) if self.instead else (found,)
        return f"{self.name}: {self.message % words}"


def of_file(path: Path) -> list[Rule]:
    """Read the patterns of a rule file.

    Raises ValueError for a file that Vale would read in another way than these tests.
    """
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    listed = OF_A_KIND.get(rule["extends"])
    if listed is None or set(rule) != COMMON | {listed} or rule["level"] != "error":
        raise ValueError(f"{path.name}: only existence and substitution rules, at level error")
    case = re.IGNORECASE if rule["ignorecase"] else re.NOFLAG
    patterns = rule[listed]
    pairs = patterns.items() if isinstance(patterns, dict) else ((each, "") for each in patterns)
    rules = []
    for pattern, instead in pairs:
        compiled = re.compile(rf"\b(?:{pattern})\b", case)
        if compiled.groups:
            raise ValueError(f"{path.name}: '{pattern}': Vale counts groups, so write (?:...)")
        rules.append(Rule(path.stem, compiled, rule["message"], instead))
    return rules


@cache
def rules() -> tuple[Rule, ...]:
    """Read every rule of the house."""
    return tuple(rule for path in sorted(STYLE.glob("*.yml")) for rule in of_file(path))


def faults(words: str) -> list[str]:
    """Say what is wrong with a line of prose, without code, roles and addresses."""
    return [rule.said(found[0]) for rule in rules() if (found := rule.pattern.search(words))]
