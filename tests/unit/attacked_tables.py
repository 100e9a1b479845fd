"""Random tables of people, released with and without protection, and attacked."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from distance_to_care import disclosure
from distance_to_care.disclosure import attacker, ranges
from distance_to_care.disclosure.profiles import DEFAULT

# The rule book of an environment that withholds what is small and rounds nothing.
UNROUNDED = replace(DEFAULT, round_to=1)
PEOPLE = {"unit": "people", "kind": "synthetic"}


def random_people(seed):
    """People of two or three columns, from 40 to 600 of them, unevenly spread over the levels."""
    draw = np.random.default_rng(seed)
    sides = {"deprivation": draw.integers(3, 6), "stage": 3, "sex": 2}
    if seed % 2:
        sides.pop("sex")
    size = draw.integers(40, 600)
    people = {}
    for name, levels in sides.items():
        people[name] = draw.choice(levels, size, p=draw.dirichlet(np.full(levels, 2.0))) + 1
    return pd.DataFrame(people).astype(str)


def exact_tables(people):
    """Every margin and the whole cross-tabulation of people, as exact published tables."""
    columns = list(people)
    tables = {}
    for size in range(1, len(columns) + 1):
        for sub in itertools.combinations(columns, size):
            *by, last = sub
            every = pd.MultiIndex.from_product(
                [sorted(people[each].unique()) for each in sub], names=sub
            )
            n = people.value_counts(list(sub)).reindex(every, fill_value=0)
            counts = n.rename("people").reset_index()
            if by:
                whole = counts.assign(
                    group_by=", ".join(by), group=counts[by].agg(", ".join, axis=1),
                    variable=last, level=counts[last],
                )  # fmt: skip
                keys = ["variable", "level", "group_by", "group"]
            else:
                rows = pd.DataFrame({last: ["all"], "people": [len(people)]})
                whole = pd.concat([rows, counts]).assign(group_by=last)
                whole["group"] = whole[last]
                keys = ["group_by", "group"]
            name = "_".join(sub)
            tables[name] = whole[[*keys, "people"]].reset_index(drop=True).assign(measure="people")
    return tables


def protected(tables):
    """What the gate and the release leave: withheld, rounded, repaired until none is narrow."""
    gated = {
        name: disclosure.counts.protect(table).assign(**PEOPLE) for name, table in tables.items()
    }
    return ranges.withhold(gated, ranges.repair(gated, DEFAULT))


def unprotected(tables):
    """The control: small counts are withheld, and nothing else is done."""
    out = {}
    for name, table in tables.items():
        small = table["people"] < DEFAULT.threshold
        people = table["people"].astype("Int64").mask(small)
        out[name] = table.assign(people=people, suppressed=small, **PEOPLE)
    return out


def recovered(released, exact, profile, knows_the_small=False):
    """How many withheld counts there are, how many an attack gives exactly, and the fewest values.

    The fewest values are those of counts that may be small.
    """
    known = attacker.read(released, profile)
    truth = {}
    for cell in known.cells:
        if cell.hidden:
            truth[cell.unknown] = int(exact[cell.table]["people"].iloc[cell.row])
    if knows_the_small:
        for unknown, people in truth.items():
            if people < DEFAULT.threshold:
                known.bound(unknown, 0, DEFAULT.threshold - 1)
    ends = ranges.tightest(known, sorted(truth))
    widths = [ends[unknown][1] - ends[unknown][0] + 1 for unknown in truth]
    small = [w for u, w in zip(truth, widths, strict=True) if ends[u][0] < DEFAULT.threshold]
    return len(truth), sum(width == 1 for width in widths), min(small, default=np.inf)
