"""The line of a figure that says where its numbers come from.

Inputs that only carry others (names of areas, outlines, look-ups) are not in the line, and neither
is a cohort, of which the kind says who its people are; the manifest names every input.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache

from distance_to_care import places

TABLE = places.DATA / "source_lines.toml"


@cache
def _table() -> dict[str, dict]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def inputs() -> dict[str, str]:
    """What a source line says of each input, by its name."""
    return _table()["inputs"]


def carriers() -> frozenset[str]:
    """Inputs that only carry others."""
    return frozenset(_table()["carriers"]["names"])


def source_line(kind_words: str, sources: Iterable[str], studies: Sequence[str] = ()) -> str:
    """Say in one sentence what a figure rests on.

    Parameters
    ----------
    kind_words : what a page says of the kind of the result.
    sources : names of the inputs of its table.
    studies : the publications that it is drawn from, where they are few enough to be named.
    """
    named = dict.fromkeys(inputs().get(source, "") for source in sources)
    # What the kind says already is not said again.
    rests_on = "; ".join(name for name in named if name and name not in kind_words)
    rests_on = ": ".join(filter(None, (rests_on, "; ".join(studies))))
    made = f" Made from {rests_on}." if rests_on else ""
    return f"Source: Distance to Care. {kind_words}.{made}"
