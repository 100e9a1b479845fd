"""Words of the prose that hang on numbers: higher, nearer, one in ten, moderate.

A number in the prose comes from a published table and cannot be wrong by itself, but the words
around it can: what was higher may be lower after the next data. So such words stand in a role with
what has to be true of published numbers:

    a {holds}`higher when [published.shankar_2024_distance_adjusted] > 1` death rate

A condition compares numbers by their keys, in square brackets, with one another or with a number
that is written out. `low([key])` and `high([key])` are the ends of the range in brackets that the
number is printed with; `each([key])` asks for the number and for both ends of its range, which
stands beside it or under `key.range`: what is compared has to hold end with end (a longer list of
centres shortens every drive, so that the ends of two ranges are of the same list); `text([key])` is
its words; `one_in([key])` is how many people there are to one of them, of a number in per cent or
of 100 people; `about([key])` is the number to one digit; `out_of([key])` is how many there were in
all, of a number printed as `6 of 73`; `signed([key])` is less than nought where the number is
printed as `9 minutes shorter`, and more where it is longer.
A star in a key stands for every number whose key fits, and the condition has to be true of each:

    {holds}`below zero under every measure when high([measures.gap.*.urban.mean]) < 0`

A word of how sure we are is read from the table of judgements, with its condition: see `certainty`.
"""

from __future__ import annotations

import ast
import operator
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import certainty
from distance_to_care.publication.notebooks import Notebook

HEADLINES = "headlines.toml"
ROLE = re.compile(r"\{holds\}`(?P<content>[^`]+)`")
KEY = re.compile(r"\[(?P<key>[^\[\]]+)\]")
STAR = "*"
WHEN = " when "
# A number as it is printed, and the range that follows it in brackets.
NUMBER = r"[-−+]?\d[\d,]*(?:\.\d+)?"
RANGE = re.compile(rf"(?:^|\((?:95% \w+ )?)({NUMBER}) to ({NUMBER})(?:\)|$)")
# A count and what it is a part of: 6 of 73.
OUT_OF = re.compile(rf"^{NUMBER} of (?P<all>{NUMBER})$")
# A change that is told in words: 9 minutes shorter.
CHANGE = re.compile(
    rf"^(?P<size>{NUMBER})(?: [a-z]+)* (?:(?P<less>lower|shorter|fewer)|higher|longer|more)$"
)
# What is counted and not compared: more than {number}, fewer than five, less than a minute.
THAN_A_NUMBER = r" than(?:\s\s|\s(?:an?|one|two|three|four|five|ten|fifteen|thirty|half|sixty)\b)"
# Words that say which way a number points, or how much it is of something.
POINTING = re.compile(
    r"\b(higher|lower|nearer|farther|further|longer|shorter|larger|smaller|rose|fell|grew|halves|"
    r"(?<!hour and a )half(?! an? (?:hour|year))|halved|twice|doubled?|thirds?|quarters?|majority|"
    r"hardly|one in (?!a\b|the\b)[a-z]+|nine in ten|above one|below one|next to one|reaches one|"
    rf"(?<!or )(?:fewer|sooner)(?!{THAN_A_NUMBER})|"
    r"(?<!at )(?<!the )most(?! deprived| to the least| against)|"
    rf"(?<!no )(?<!or )(?<!once )(?<!read )(?<!what is )more(?! deprived|{THAN_A_NUMBER})|"
    rf"(?<!or )(?<!no )less(?! deprived| those| that|{THAN_A_NUMBER})|no clear difference|"
    # Words of size, and what is saved or gained, which the next data may turn into a loss.
    r"(?<!as )few|small|only(?=\s\s| an? few| one in)|widely|says? little|all agree|nearly|almost|"
    r"(?<!as )rare(?:ly)?|save[sd]?|falls?|would (?:add|gain)|"
    # Words that explain a number or judge it: what they say may part from it as well.
    r"because|since(?![:,]|\s(?-i:[A-Z]))|so that|(?<=, )so|as it should|(?<!as )(?<!how )much of|"
    r"(?<!lived )(?<!the )near(?! the coast| a centre| home)|averages? out|goes? with|decides?|"
    r"(?:does|do) not (?:hold|fit)|too|believe)\b",
    re.IGNORECASE,
)
# What `each` asks for of a number, one after another.
PARTS = ("low", "number", "high")
# Words of all, of most and of least: what they say hangs on numbers that need not stand beside it.
OF_ALL = re.compile(
    r"\b(?:(?:every|each) (?:list|measure|pair)|stays? the same|no other|"
    r"no single(?! best| number)|the one of|mainly|not proportional|least to|moves nothing|"
    r"(?:moves?|depends?|gains?|hangs?|errs?|misleads?|saves?|decides?)\b[^.,;:]*?"
    r"\b(?:most|least)(?! deprived))\b",
    re.IGNORECASE,
)
# Where a page says what was found: its two layers, and the section of that title.
LAYER = re.compile(r"^(?P<fence>:{3,})\s*\{in-(?:30-seconds|3-minutes)\}\s*$")
SECTION = re.compile(r"^## ")
FOUND = re.compile(r"^## Result\b")
ASKS = re.compile(r"\{number\}`")
COMPARED: Mapping[type, Callable] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
RECKONED: Mapping[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Held:
    """Words on a page, what has to be true for them, and the sentence in which they stand."""

    page: str
    words: str
    condition: str
    sentence: str

    @property
    def keys(self) -> list[str]:
        """The numbers on which the words hang, as the condition has them, stars and all."""
        return KEY.findall(self.condition)


def parted(content: str) -> tuple[str, str]:
    """Part the content of the role into the words and the condition.

    Raises
    ------
    Problem : there is no ` when `, or no key in what follows.
    """
    words, found, condition = content.rpartition(WHEN)
    if not found or not words.strip() or not KEY.search(condition):
        raise Problem(
            f"'{content}' does not say when its words hold: write the words, 'when', and a "
            "condition with the key of a number in square brackets."
        )
    return words.strip(), condition.strip()


def prose(path: Path) -> str:
    """Read the prose of a page, without its code."""
    if path.suffix == ".ipynb":
        cells = Notebook(path).node.cells
        return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return path.read_text(encoding="utf-8")


def held(page: str, text: str) -> Iterator[Held]:
    """Find all words of a page that say when they hold; a sentence stands on a line of its own."""
    for line in text.splitlines():
        for match in ROLE.finditer(certainty.written(line)):
            words, condition = parted(match["content"])
            yield Held(page, words, condition, bare(line))


def headlines() -> dict[str, str]:
    """Read what has to be true for the headlines of figures that point somewhere, by their names.

    It stands apart from the notebooks, which would run anew for every change of a condition.
    """
    path = places.BOOK / HEADLINES
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def of_figures(figures: Mapping[str, Mapping], page: str) -> list[Held]:
    """List the headlines of a page's figures that say when they hold.

    figures : what the manifest has of each; page : name of the notebook that drew them.
    """
    conditions = headlines()
    return [
        Held(page, entry["title"], conditions[name], f"headline of the figure {name}")
        for name, entry in figures.items()
        if entry["page"] == page and name in conditions
    ]


def bare(line: str) -> str:
    """Write a sentence without its markup: numbers as their keys, words as they stand."""
    line = certainty.written(line)
    line = ROLE.sub(lambda match: parted(match["content"])[0], line)
    line = re.sub(r"\{number\}`([^`]+)`", r"[\1]", line)
    line = re.sub(r"\{[\w:+-]+\}`([^`<]+?)(?:\s*<[^`>]*>)?`", r"\1", line)
    line = re.sub(r"\[([^\[\]]*)\]\(([^()]*)\)", r"\1", line)
    return re.sub(r"[*_#]{1,2}", "", line).strip(" -")


def unbound(page: str, text: str) -> list[str]:
    """Find sentences that point somewhere with nothing that binds the word.

    A sentence with a number is asked for every word that points; one without, for words of all and
    of most, where the page says what was found.
    """
    return [
        bare(line)
        for line, finding in _lines(text)
        if (ASKS.search(line) and POINTING.search(_free(line)))
        or (finding and not line.startswith("#") and OF_ALL.search(_free(line)))
    ]


def _free(line: str) -> str:
    """A line without its roles and addresses, and so without the words that are bound."""
    return re.sub(r"\{[\w:+-]+\}`[^`]*`|\]\([^()]*\)", " ", line)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of a page, and whether it stands where the page says what was found."""
    fence, in_result = "", False
    for line in text.splitlines():
        opened = LAYER.match(line)
        if opened:
            fence = opened["fence"]
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence and SECTION.match(line):
            in_result = bool(FOUND.match(line))
        yield line, bool(fence) or in_result


# -- whether conditions hold -----------------------------------------------------------------------


class Numbers:
    """Published numbers by their keys, as the table of numbers has them: `key` and `text`."""

    def __init__(self, numbers: pd.DataFrame):
        keys = numbers.get("key", numbers.index)
        self._texts = dict(zip(keys.tolist(), numbers["text"].tolist(), strict=True))

    def text(self, key: str) -> str:
        """A number as it is printed."""
        if key not in self._texts:
            raise Problem(f"no notebook files the number '{key}'")
        return str(self._texts[key])

    def fitting(self, key: str) -> list[str]:
        """The numbers for which a key with a star stands.

        Raises
        ------
        Problem : there is none, of which anything would be true.
        """
        found = fitting(key, self._texts)
        if not found:
            raise Problem(f"no notebook files a number that fits '{key}'")
        return found

    def value(self, key: str) -> float:
        """A number as it is printed, since readers compare what they see."""
        text = self.text(key)
        first = re.match(NUMBER, text)
        if first is None or RANGE.match(text):
            raise Problem(f"the number '{key}' is '{text}', which is not one number")
        return read_number(first[0])

    def end(self, key: str, side: int) -> float:
        """One end of the range that a number is printed with."""
        found = RANGE.search(self.text(key))
        if found is None:
            raise Problem(f"the number '{key}' is printed without a range")
        return read_number(found[1 + side])

    def at(self, key: str, part: str) -> float:
        """A number, or the `low` or `high` end of its range, in brackets or under `key.range`."""
        if part == "number":
            return self.value(key)
        ranged = key if RANGE.search(self.text(key)) else f"{key}.range"
        return self.end(ranged, ("low", "high").index(part))

    def out_of(self, key: str) -> float:
        """How many there were in all, of a number that is printed as so many of them."""
        found = OUT_OF.match(self.text(key))
        if found is None:
            raise Problem(f"the number '{key}' is printed without a count of all")
        return read_number(found["all"])

    def signed(self, key: str) -> float:
        """A change that is printed in words, below nought where it is shorter, lower or fewer."""
        found = CHANGE.match(self.text(key))
        if found is None:
            raise Problem(f"the number '{key}' is printed without a change that goes one way")
        return read_number(found["size"]) * (-1 if found["less"] else 1)


def fitting(key: str, keys: Iterable[str]) -> list[str]:
    """List the keys that a key with a star stands for; one without stands for itself."""
    if STAR not in key:
        return [key]
    pattern = re.compile(".*".join(map(re.escape, key.split(STAR))))
    return [each for each in keys if pattern.fullmatch(each)]


def read_number(printed: str) -> float:
    """A number from its printed text, with marks of thousands and a minus sign."""
    return float(printed.replace(",", "").replace("−", "-"))


def holds(condition: str, numbers: Numbers) -> bool:
    """Say whether a condition is true of published numbers: of each, where a key has a star.

    Raises
    ------
    Problem : it cannot be read, or a number is not there or cannot be compared.
    """
    starred = next((key for key in KEY.findall(condition) if STAR in key), None)
    if starred is not None:
        each = [of_one(condition, starred, key) for key in numbers.fitting(starred)]
        return all(holds(one, numbers) for one in each)
    tree, keys = _parsed(condition)
    try:
        return all(_Reader(numbers, keys, condition, part).true(tree) for part in PARTS)
    except TypeError:
        raise Problem(f"the condition '{condition}' compares or reckons with words") from None
    except ZeroDivisionError:
        raise Problem(f"the condition '{condition}' divides by a number that is 0") from None


def of_one(condition: str, starred: str, key: str) -> str:
    """Write one key into a condition in the place of a key with a star."""
    return condition.replace(f"[{starred}]", f"[{key}]")


@cache
def _parsed(condition: str) -> tuple[ast.expr, list[str]]:
    """A condition as Python reads it, and the keys that stand in it, in their order."""
    keys: list[str] = []

    def placed(match: re.Match) -> str:
        keys.append(match["key"])
        return f"key_{len(keys) - 1}"

    try:
        return ast.parse(KEY.sub(placed, condition), mode="eval").body, keys
    except SyntaxError:
        raise Problem(f"the condition '{condition}' cannot be read") from None


class _Reader:
    """Works a condition out: comparisons, sums and the few functions of the module, no more."""

    def __init__(self, numbers: Numbers, keys: list[str], condition: str, part: str):
        self.numbers, self.keys, self.condition = numbers, keys, condition
        self.functions: Mapping[str, Callable] = {
            "low": lambda key: numbers.end(key, 0),
            "high": lambda key: numbers.end(key, 1),
            "each": lambda key: numbers.at(key, part),
            "text": numbers.text,
            "one_in": lambda key: round(100 / numbers.value(key)),
            "out_of": numbers.out_of,
            "signed": numbers.signed,
            "about": lambda key: float(f"{numbers.value(key):.1g}"),
        }

    def true(self, node: ast.expr) -> bool:
        """Say whether a comparison is true, or each of those that 'and' joins."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return all(self.true(each) for each in node.values)  # noqa: PD011 (no table)
        if isinstance(node, ast.Compare):
            sides = [self.of(each) for each in (node.left, *node.comparators)]
            if all(type(each) in COMPARED for each in node.ops):
                return all(
                    COMPARED[type(each)](left, right)
                    for each, left, right in zip(node.ops, sides, sides[1:], strict=False)
                )
        raise self._refused("holds what no condition may hold, or compares nothing")

    def of(self, node: ast.expr) -> float | str:
        """Work out a side of a comparison."""
        if isinstance(node, ast.BinOp) and type(node.op) in RECKONED:
            return RECKONED[type(node.op)](self.of(node.left), self.of(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.of(node.operand)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            return node.value
        if isinstance(node, ast.Name) and node.id.startswith("key_"):
            return self.numbers.value(self._key(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
            (given,) = node.args
            named = isinstance(given, ast.Name) and given.id.startswith("key_")
            if node.func.id in self.functions and named:
                return self.functions[node.func.id](self._key(given))
        raise self._refused("holds what no condition may hold")

    def _refused(self, why: str) -> Problem:
        return Problem(f"the condition '{self.condition}' {why}")

    def _key(self, node: ast.Name) -> str:
        return self.keys[int(node.id.removeprefix("key_"))]


def faults(found: Iterable[Held], numbers: Numbers) -> list[str]:
    """Say which sentences no longer fit the published numbers.

    Parameters
    ----------
    found : words that say when they hold; numbers : published numbers.

    Returns
    -------
    A sentence each: the page, the words, the sentence, and what is not so.
    """
    out = []
    for each in found:
        try:
            true, why = holds(each.condition, numbers), f"it is not so that {each.condition}"
        except Problem as problem:
            true, why = False, str(problem)
        if not true:
            keys = dict.fromkeys(key for told in each.keys for key in _apart(each, told, numbers))
            values = "; ".join(f"{key} is {_shown(numbers, key)}" for key in keys)
            out.append(
                f"{each.page}: the sentence '{each.sentence}' says '{each.words}', and {why} "
                f"({values}). Change the words."
            )
    return out


def _apart(words: Held, told: str, numbers: Numbers) -> list[str]:
    """List what a key of a condition stands for: of those with a star, only what breaks it."""
    if STAR not in told:
        return [told]
    found = []
    try:
        for key in numbers.fitting(told):
            if not holds(of_one(words.condition, told, key), numbers):
                found.append(key)
    except Problem:
        return [told]
    return found


def _shown(numbers: Numbers, key: str) -> str:
    try:
        return numbers.text(key)
    except Problem:
        return "not there"
