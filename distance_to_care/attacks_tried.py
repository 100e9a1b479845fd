"""The attacks of `attacks`, tried on synthetic people: on bare tables, and on what a release holds.

Every attack returns the share of its tries that gave a person back, once for a control, which is
the same table before disclosure control, and once for the release, or for two releases. A check is
no attack: it returns the share of what is harmful that is refused, and that of what is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from distance_to_care import attacks, disclosure, people_flow
from distance_to_care.disclosure import Profile, ranges
from distance_to_care.disclosure.curves import LEFT_FOR_ANOTHER
from distance_to_care.releasing import content
from distance_to_care.results import to_csv
from distance_to_care.statistics import (
    cohort_people,
    cohort_survival,
    competing_events,
    engine,
)
from distance_to_care.study import Study

CONTROL, RELEASE = "control", "release"
# Where the attacker needs a release of all people and one of all but one.
TWO, GUESS = "two releases", "guessing the commonest"
HARMFUL, HARMLESS = "harmful", "harmless"
# Tables as they are: exact counts, and small ones left blank.
BARE = Profile("bare", round_to=1)
KIND = "synthetic"
# How much a percentage is told from another.
WHOLE = 100.0
ONE_MORE = "group and outcome of one person more"
# Values that no release may hold: nobody has them but the planted people.
PLANTED = {"person_id": "planted_7f3a9", "area_code": "E01999999", "centre": "centre_q7zx"}
PLANTED_NUMBERS = {"follow_up_years": 3.14159265, "age_years": 61.8033}
PLAIN = ("female", "north-east", "-1.5", "60 to 69", "1, most deprived")
FORMULAS = ("=1+1", '=HYPERLINK("http://x")', "@SUM(1)", "+cmd", "-cmd", "\t=1")
PATHS = ("../../x", "/etc/x", "x/../../y", "..\\x", "~/x", "x\x00y", "CON/../x")
# Each shows a row of people in an ordinary notebook.
NOTEBOOKS = {
    "prints people": "print(people.head())",
    "ends with people": "people",
    "displays people": "from IPython.display import display\ndisplay(people)",
    "describes people": "people.describe()",
    "saves people": 'people.to_csv("people.csv")',
    "pickles people": 'import pickle\npickle.dump(people, open("people.bin", "wb"))',
    "writes people's text": 'open("people.txt", "w").write(people.to_string())',
    "draws people": "people.plot()",
    "glues a person": 'from myst_nb import glue\nglue("person", people.iloc[0])',
    "stores people": "%store people",
    "raises a person": "raise ValueError(str(people.iloc[0]))",
    "warns of a person": "import warnings\nwarnings.warn(str(people.iloc[0]))",
    "logs a person": "import logging\nlogging.error(people.iloc[0])",
    "sends a person to a shell": "!echo {people.iloc[0]}",
    "titles a table with a person": 'filed = page.publish(counts, "x", str(people.iloc[0]))',
    "files a person's number": 'page.number("x", "counts", str(people["age_years"].max()))',
}
# Each publishes a table, or a number of one that was read back.
HARMLESS_NOTEBOOKS = {
    "publishes counts": 'page.publish(counts, "x", "Follow-up")',
    "shows a published table": 'page.publish(counts, "x", "Follow-up")\npage.show("x")',
    "files a published number": """page.publish(counts, "x", "Follow-up")
page.number("x", "x", "{people}", "people", group="1")""",
}
LOADED = """from distance_to_care import cohort, results
from distance_to_care.statistics import cohort_people

read = cohort.load()
people = read.people
page = results.Page("attack", sources=["cohort"], kind=read.kind)
counts = cohort_people.follow_up(people, "deprivation_quintile")"""


def curves(
    people: pd.DataFrame, sizes: Sequence[int], profile: Profile, step_years: float, seed: int
) -> pd.DataFrame:
    """Rebuild people from the curve of random groups of each size, and count who is pinned.

    Returns
    -------
    One row a size, control and release: `measure`, `group`, `value` (people), `estimate` (per cent
    of the deaths whose day is told), `difference` (years between the median rebuilt and the exact
    one; empty where there is none), `unit`.
    """
    rows = []
    for size in sizes:
        members = people.sample(min(size, len(people)), random_state=seed)
        bare = cohort_survival.kaplan_meier(members, deaths_only=True)
        guarded = released_curve(cohort_survival.kaplan_meier(members), profile)
        for group, table in {CONTROL: bare, RELEASE: guarded}.items():
            found = attacks.pinned(members, table, profile.threshold, step_years)
            share = found["share"].iloc[0] if len(found) else 0.0
            apart = (found["rebuilt"] - found["median"]).abs().iloc[0] if len(found) else np.nan
            rows.append((group, float(size), WHOLE * share, apart))
    table = pd.DataFrame(rows, columns=["group", "value", "estimate", "difference"])
    return table.assign(measure="deaths whose day is told", unit="per cent")


def released_curve(curve: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Put a curve through disclosure control as a page does."""
    return disclosure.check(disclosure.merge_steps(curve, profile), KIND, profile).table


def ratios(
    people: pd.DataFrame,
    by: str,
    reference: object,
    digits: Sequence[int],
    profile: Profile,
    tries: int,
    seed: int,
) -> pd.DataFrame:
    """Guess one person more from how the hazard ratios of the groups moved, by digits printed.

    The attacker holds the released curves of the groups and the ratios of both releases.

    Returns
    -------
    One row a number of digits: `measure`, `group`, `value` (digits), `estimate` (per cent of tries
    in which group and outcome are right), `low`, `high` (95%), `answers` (tries), `unit`.
    """
    known = people[people[by].notna()]
    bare = cohort_survival.kaplan_meier(known, by)
    possible = attacks.possible_people(released_curve(bare, profile), str(reference))
    after = _ratios(known, by, reference)
    chosen = np.random.default_rng(seed).choice(len(known), tries, replace=False)
    right = dict.fromkeys(digits, 0)
    for place in chosen:
        person, before = known.iloc[place], _ratios(known.drop(known.index[place]), by, reference)
        for each in digits:
            sides = [
                pd.Series(attacks.with_digits(side, each), side.index) for side in (before, after)
            ]
            guess = attacks.told_by_ratios(*sides, possible)
            if guess is not None:
                same = guess["group"] == str(person[by])
                right[each] += bool(same and guess["died"] == person["died"])
    found = [
        (float(each), WHOLE * right[each] / tries, *_interval(right[each], tries))
        for each in digits
    ]
    table = pd.DataFrame(found, columns=["value", "estimate", "low", "high"])
    return table.assign(measure=ONE_MORE, group="guessed", answers=tries, unit="per cent")


def _interval(right: int, tries: int) -> tuple[float, float]:
    """Wilson's 95 per cent interval of a share, in per cent."""
    low, high = proportion_confint(right, tries, method="wilson")
    return WHOLE * max(low, 0.0), WHOLE * high


def _ratios(people: pd.DataFrame, by: str, reference: object) -> pd.Series:
    levels = [level for level in sorted(people[by].unique()) if level != reference]
    X = np.column_stack([people[by] == level for level in levels]).astype(float)
    fit = engine.cox(people["follow_up_years"].to_numpy(), people["died"].to_numpy(bool), X)
    return pd.Series(np.exp(fit.coefficients), index=[str(level) for level in levels])


def one_more(
    people: pd.DataFrame, study: Study, by: str, profile: Profile, tries: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare tables of groups of n and n + 1 people, and say whether they tell who was added.

    Then hand in the second table as one that names the first, and count how often it is refused.

    Parameters
    ----------
    by : column of the groups, which the attacker wants to know of the person.

    Returns
    -------
    Who was told: one row for the control, for two releases, and for naming the commonest group
    every time: `measure`, `group`, `estimate` (per cent of tries that tell the person's group),
    `answers` (tries), `low`, `high` (95%), `unit`. And what was refused, as `formulas`: harmful are
    tables of one person more, and harmless are the same tables again.
    """
    told = dict.fromkeys((CONTROL, TWO), 0)
    refused = dict.fromkeys((HARMFUL, HARMLESS), 0)
    for person, bare, (earlier, released) in _one_less(people, study, by, profile, tries, seed):
        for group, (before, after) in ((CONTROL, bare), (TWO, (earlier, released))):
            found = attacks.told_by_tables({"people": before}, {"people": after})
            told[group] += found.get(by) == str(person[by])
        for group, second in ((HARMFUL, released), (HARMLESS, earlier)):
            found = ranges.differences({"people": second}, {"people": earlier}, profile)
            refused[group] += bool(found["narrow"].any())
    measure = "fifth of one person more"
    guess = _commonest(people[by].dropna().astype(str), measure)
    shares = pd.concat([_shares(measure, told, tries), guess], ignore_index=True)
    return shares, _shares("second releases that name the first", refused, tries)


def _one_less(
    people: pd.DataFrame, study: Study, by: str, profile: Profile, tries: int, seed: int
) -> Iterator[tuple[pd.Series, tuple, tuple]]:
    """Give a person, and the tables without and with them: as they are, and as released."""
    after = cohort_people.table_one(people, study, by)
    released = disclosure.check(after, KIND, profile).table
    for place in np.random.default_rng(seed).choice(len(people), tries, replace=False):
        before = cohort_people.table_one(people.drop(people.index[place]), study, by)
        earlier = disclosure.check(before, KIND, profile).table
        yield people.iloc[place], (before, after), (earlier, released)


def _commonest(values: pd.Series, measure: str) -> pd.DataFrame:
    """How often somebody is right who names the commonest value every time, in one row."""
    share = WHOLE * values.value_counts(normalize=True).max()
    row = {"measure": measure, "group": GUESS, "estimate": share, "unit": "per cent"}
    return pd.DataFrame([row])


def hidden_counts(tables: int, profile: Profile, seed: int) -> pd.DataFrame:
    """Work withheld counts out of random tables of groups and levels by linear programmes.

    The control leaves small counts blank and nothing else; the release went through disclosure
    control. A count is told where fewer numbers fit than the threshold, and for the control where
    one alone fits.

    Returns
    -------
    As `one_more`: per cent of the tables in which a withheld count is told.
    """
    rng = np.random.default_rng(seed)
    told = dict.fromkeys((CONTROL, RELEASE), 0)
    for _ in range(tables):
        table = _random_table(rng)
        blank = table["people"] < profile.threshold
        bare = table.assign(
            people=table["people"].astype("Int64").mask(blank), suppressed=blank, kind=KIND
        )
        # Random groups are of no column of the study, and the gate refuses those.
        guarded = disclosure.counts.protect(table, profile)
        found = ranges.hidden_ranges({"people": bare}, BARE)
        told[CONTROL] += bool((found["values_possible"] == 1).fillna(False).any())
        told[RELEASE] += bool(ranges.hidden_ranges({"people": guarded}, profile)["narrow"].any())
    return _shares("withheld counts of random tables", told, tables)


def other_events(
    people: pd.DataFrame, size: int, profile: Profile, tries: int, seed: int
) -> pd.DataFrame:
    """Give one person of a random group another event, and narrow the number from two curves.

    The attacker holds the share who died by both methods, the other event as loss to follow-up and
    as what it is. The control is the curves as merged for deaths and censorings alone. The number
    is told where, before some time, fewer numbers fit than the threshold, and the true one does.

    Parameters
    ----------
    people : of those drawn from them one, who left without dying, is given the other event.
    size : people in each group.

    Returns
    -------
    As `one_more`: per cent of the groups in which the number is told.
    """
    rng, told = np.random.default_rng(seed), dict.fromkeys((CONTROL, RELEASE), 0)
    for _ in range(tries):
        members = people.sample(size, random_state=rng).reset_index(drop=True)
        outcome = members["outcome"].where(members["died"], "censored")
        chosen = rng.choice(np.flatnonzero(~members["died"]))
        members["outcome"] = outcome.mask(outcome.index == chosen, "transplanted")
        exact = competing_events.curves_of_death(members)
        for group, curve in ((CONTROL, exact.drop(columns=LEFT_FOR_ANOTHER)), (RELEASE, exact)):
            shown = released_curve(curve, profile)
            naive, competing = (
                shown[shown["group"] == method]
                for method in (competing_events.NAIVE, competing_events.COMPETING)
            )
            found = attacks.other_events(naive, competing)
            true = (found["time_years"] > members["follow_up_years"][chosen]).astype(int)
            narrow = found["most"] - found["fewest"] + 1 < profile.threshold
            told[group] += bool((narrow & true.between(found["fewest"], found["most"])).any())
    return _shares("withheld number of transplants", told, tries)


def _random_table(rng: np.random.Generator) -> pd.DataFrame:
    """People by group and in all, with one group too small to be told."""
    counts = rng.integers(10, 200, rng.integers(3, 7))
    counts[rng.integers(len(counts))] = rng.integers(1, 10)
    groups = ["all", *(str(number + 1) for number in range(len(counts)))]
    return pd.DataFrame(
        {"group_by": "quintile", "group": groups, "people": [counts.sum(), *counts]}
    ).astype({"people": "Int64"})


def exact_counts(
    people: pd.DataFrame, study: Study, by: str, columns: Mapping[str, int], profile: Profile
) -> pd.DataFrame:
    """Work exact counts of groups out of the printed means of columns.

    The control prints ten digits beside a rounded count.

    Parameters
    ----------
    columns : number of decimals of each column's values.

    Returns
    -------
    As `one_more`: per cent of the means that tell the exact count of their people.
    """
    bare = cohort_people.table_one(people, study, by)
    guarded = disclosure.check(bare, KIND, profile).table
    chosen = (bare["measure"] == "mean") & bare["variable"].isin(list(columns))
    told = dict.fromkeys((CONTROL, RELEASE), 0)
    for row in np.flatnonzero(chosen):
        exact, decimals = int(bare["people"].iloc[row]), columns[bare["variable"].iloc[row]]
        near = profile.round_to * round(exact / profile.round_to)
        for group, mean in ((CONTROL, bare), (RELEASE, guarded)):
            printed = mean["estimate"].iloc[row]
            if pd.notna(printed):
                fits = attacks.counts_behind(float(printed), decimals, near, profile.round_to // 2)
                told[group] += fits == [exact]
    return _shares("exact counts behind means", told, int(chosen.sum()))


def planted(people: pd.DataFrame, study: Study, by: str, profile: Profile) -> pd.DataFrame:
    """Plant values that nobody else has, and search for them in the text of what is released.

    The control is the text of the rows, which a notebook that shows people would print.
    """
    people = plant(people)
    tables = (
        cohort_people.table_one(people, study, by),
        disclosure.merge_steps(cohort_survival.kaplan_meier(people, by), profile),
        cohort_survival.summary(people, by),
    )
    text = "".join(to_csv(disclosure.check(table, KIND, profile)) for table in tables)
    values = [*PLANTED.values(), *map(str, PLANTED_NUMBERS.values())]
    told = {
        CONTROL: len(attacks.hidden_in(people.to_string(float_format=str).encode(), values)),
        RELEASE: len(attacks.hidden_in(text.encode(), values)),
    }
    return _shares("planted values", told, len(values))


def plant(people: pd.DataFrame) -> pd.DataFrame:
    """Give the first person values that nobody else has, and let them die."""
    out = people.assign(outcome=people["outcome"].mask(people.index == people.index[0], "died"))
    for column, value in {**PLANTED, **PLANTED_NUMBERS}.items():
        kept = out[column].astype(object) if isinstance(value, str) else out[column].copy()
        kept.iloc[0] = value
        out[column] = kept
    return out.assign(died=out["outcome"] == "died")


def formulas() -> pd.DataFrame:
    """Put cells that are formulas, and plain ones, into a table, and count those refused.

    Returns
    -------
    One row for what is harmful and one for what is harmless: `measure`, `group`, `estimate` (per
    cent refused), `answers` (tries), `low`, `high` (95%), `unit`.
    """
    return _refused(
        "cells of a table",
        {HARMFUL: FORMULAS, HARMLESS: PLAIN},
        lambda text: content.cells([["level", "people"], [text, "20"]], "table", True),
    )


def notebooks() -> pd.DataFrame:
    """Read notebooks that would show people, and harmless ones, and count those refused.

    Returns
    -------
    As `formulas`.
    """
    return _refused(
        "notebooks",
        {HARMFUL: NOTEBOOKS.values(), HARMLESS: HARMLESS_NOTEBOOKS.values()},
        lambda cell: people_flow.violations([LOADED, cell], "attack"),
    )


def _refused(
    measure: str, tried: Mapping[str, Collection[str]], faults: Callable[[str], object]
) -> pd.DataFrame:
    found = [
        _shares(measure, {group: sum(bool(faults(text)) for text in texts)}, len(texts))
        for group, texts in tried.items()
    ]
    return pd.concat(found, ignore_index=True)


def together(
    by_size: pd.DataFrame, by_digits: pd.DataFrame, others: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Set all attacks beside each other: `measure`, `group`, `estimate`, `answers`, `low`, `high`.

    by_size, by_digits : what `curves` and `ratios` return; the largest group, and ten digits for
        the control and three for two releases.
    """
    largest = by_size[by_size["value"] == by_size["value"].max()]
    printed = {10.0: CONTROL, 3.0: TWO}
    digits = by_digits[by_digits["value"].isin(list(printed))]
    digits = digits.assign(group=digits["value"].map(printed))
    columns = ["measure", "group", "estimate", "answers", "low", "high", "unit"]
    tables = [table.reindex(columns=columns) for table in (largest, digits, *others)]
    return pd.concat(tables, ignore_index=True).astype({"answers": "Int64"})


def guessed(people: pd.DataFrame, by: str) -> pd.DataFrame:
    """Say how often the commonest group and outcome are right of one person more, in one row."""
    known = people[people[by].notna()]
    values = known[by].astype(str) + " " + known["died"].astype(str)
    return _commonest(values, ONE_MORE)


def _shares(measure: str, told: Mapping[str, int], tries: int) -> pd.DataFrame:
    rows = [
        (group, WHOLE * int(count) / tries, *_interval(int(count), tries))
        for group, count in told.items()
    ]
    table = pd.DataFrame(rows, columns=["group", "estimate", "low", "high"])
    return table.assign(measure=measure, answers=tries, unit="per cent")
