"""What an analysis of a cohort will show, what will be withheld, and how long it will take.

It is foretold from counts in bands, from what each chapter published of the book's own cohort, and
from measured seconds. It withholds nothing itself: the gate decides when a table is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from distance_to_care import cohort, disclosure
from distance_to_care.disclosure.profiles import Profile
from distance_to_care.mapping import DAYS_IN_A_YEAR
from distance_to_care.problems import Problem
from distance_to_care.study import EXPOSURES, Study

NAMES = {"deprivation_quintile": "deprivation", "distance_quintile": "distance"}
# What a column with counts of an event counts.
EVENTS = {"deaths": "died", "transplants": "transplanted"}
FIFTHS = 5
A_DAY = 1 / DAYS_IN_A_YEAR
# Measured with the chapters of the book on invented people, some of them with gaps.
RELEASE = (
    "'release' then looks at all tables together, and withholds further cells so that no withheld "
    "count can be worked out: of 300 or 400 people with gaps in their columns about 100, most of "
    "them in the tables of people and of severity by fifth; of 120 people many hundreds, and "
    "perhaps whole tables. It takes up to half as long again as the analysis, beside earlier "
    "releases several minutes, and says how far it is."
)


# Chapter, people, seconds of one core, megabytes: `analyse` measured whole with synthetic people.
FROM_FILE = (
    ("any_registry", 250_000, 30.0, 850.0),
    ("any_registry", 10_000_000, 310.0, 1750.0),
)


@dataclass(frozen=True)
class Contents:
    """What one chapter publishes: groups that it compares, columns, models, events, curves."""

    name: str
    groups: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    models: frozenset[tuple[str, str]] = frozenset()  # name of the adjustment set, exposure
    events: frozenset[str] = frozenset()
    curves: bool = False


@dataclass(frozen=True)
class Chapter:
    """One chapter of a forecast: whether it runs, what of it is withheld, and its seconds."""

    name: str
    runs: bool
    withheld: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Forecast:
    """What `analyse` will do with a cohort."""

    people: str
    study: str
    profile: Profile
    chapters: tuple[Chapter, ...]
    memory_mb: float | None = None
    stops: str = ""
    doubts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    measured_on: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of the chapters that were measured."""
        return sum(chapter.seconds or 0.0 for chapter in self.chapters)

    def lines(self) -> list[str]:
        """The forecast in sentences."""
        said = [
            f"Disclosure profile {self.profile.name}: counts below {self.profile.threshold} are "
            f"withheld, others are rounded to {self.profile.round_to}."
        ]
        if self.stops:
            return [*said, f"No chapter will run. {self.stops}"]
        if self.gaps:
            said.append(
                f"Not known in some: {', '.join(self.gaps)}. Each model leaves out those of whom "
                "it lacks a value, and says how many it is about."
            )
        running = [chapter for chapter in self.chapters if chapter.runs]
        verb = "may" if self.doubts else "will"
        said.append(f"{len(running)} of {len(self.chapters)} chapters {verb} run{self._cost()}.")
        if self.doubts:
            said += self.doubts
            said.append(
                "A chapter that cannot be done with these people is left out, and 'analyse' names "
                "it."
            )
        if self.left_out:
            said.append(
                "So many people are analysed from the file, a part at a time. Left out, because "
                f"they hold everybody in memory: {', '.join(self.left_out)}."
            )
        in_full = [chapter.name for chapter in running if not chapter.withheld]
        if in_full:
            said.append(
                f"Nothing is likely to be withheld in {len(in_full)}: {', '.join(in_full)}."
            )
        reasons: dict[str, list[str]] = {}
        for chapter in running:
            for reason in chapter.withheld:
                reasons.setdefault(reason, []).append(chapter.name)
        if reasons:
            said.append(
                f"{'Of the others' if in_full else 'Of every chapter'} this will be withheld or "
                "cannot be estimated, and perhaps more, for the gate decides when a table is "
                "published:"
            )
        said += [f"  - {reason} [{', '.join(names)}]" for reason, names in reasons.items()]
        said.append(RELEASE)
        unmeasured = [chapter.name for chapter in running if chapter.seconds is None]
        if unmeasured:
            said.append(f"Not measured, so not in the time: {', '.join(unmeasured)}.")
        return said

    def _cost(self) -> str:
        if not self.seconds:
            return ""
        memory = "" if self.memory_mb is None else f", with about {_memory(self.memory_mb)}"
        return f", in about {_duration(self.seconds)} on one core{memory}"

    def as_dict(self, file: str, notes: Sequence[str] = ()) -> dict:
        """The forecast as JSON has it."""
        return {
            "file": file,
            "study": self.study,
            "people": self.people,
            "notes": list(notes),
            "profile": {"name": self.profile.name, "numbers": self.profile.numbers},
            "stops": self.stops,
            "doubts": list(self.doubts),
            "gaps": list(self.gaps),
            "left_out": list(self.left_out),
            "seconds": round(self.seconds, 1),
            "memory_mb": None if self.memory_mb is None else round(self.memory_mb),
            "chapters": [
                {
                    "chapter": chapter.name,
                    "runs": chapter.runs,
                    "withheld": list(chapter.withheld),
                    "seconds": None if chapter.seconds is None else round(chapter.seconds, 1),
                }
                for chapter in self.chapters
            ],
        }


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _memory(megabytes: float) -> str:
    if megabytes < 1000:
        return f"{np.ceil(megabytes / 50) * 50:.0f} MB of memory"
    return f"{megabytes / 1000:.1f} GB of memory"


def of(
    people: pd.DataFrame,
    study: Study,
    profile: Profile,
    chapters: Sequence[Contents],
    costs: pd.DataFrame,
) -> Forecast:
    """Foretell an analysis from counts of people and events in bands.

    Parameters
    ----------
    people : one row a person, in the cohort contract.
    study, profile : the study, and the disclosure profile that will hold.
    chapters : what each chapter publishes, in the order in which they run.
    costs : measured `seconds` and `memory_mb` by `chapter` and number of `people`.

    Returns
    -------
    A `Forecast`; where the analyses cannot begin, `stops` says why.
    """
    try:
        ready = cohort.prepare(people, study)
    except Problem as problem:
        return stopped(len(people), study, profile, chapters, problem)
    counts = Counts(study, profile, chapters)
    counts.add(ready)
    return of_counts(counts, costs)


def stopped(
    people: int,
    study: Study,
    profile: Profile,
    chapters: Sequence[Contents],
    problem: Problem,
) -> Forecast:
    """The forecast of an analysis that cannot begin, and why."""
    none = tuple(Chapter(contents.name, runs=False) for contents in chapters)
    return Forecast(disclosure.band(people), study.name, profile, none, stops=str(problem))


def of_counts(counts: Counts, costs: pd.DataFrame, left_out: Sequence[str] = ()) -> Forecast:
    """Foretell an analysis as `of` does, from people who were counted part by part.

    Parameters
    ----------
    counts : the counts of all people.
    costs : as for `of`.
    left_out : chapters that hold everybody in memory, of more people than that is done for.

    Returns
    -------
    A `Forecast`.
    """
    told = tuple(
        Chapter(
            contents.name,
            runs=True,
            withheld=tuple(counts.withheld(contents)),
            seconds=scaled(costs, contents.name, counts.people, "seconds"),
        )
        for contents in counts.chapters
    )
    memory = [scaled(costs, each.name, counts.people, "memory_mb") for each in counts.chapters]
    known = [each for each in memory if each is not None]
    return Forecast(
        disclosure.band(counts.people),
        counts.study.name,
        counts.profile,
        told,
        max(known, default=None),
        doubts=tuple(counts.doubts()),
        gaps=tuple(counts.gaps()),
        left_out=tuple(left_out),
    )


def from_file() -> pd.DataFrame:
    """Costs of the chapters that work from a file of people, its preparation included.

    Returns
    -------
    `chapter`, `people`, `seconds`, `memory_mb`.
    """
    return pd.DataFrame(FROM_FILE, columns=["chapter", "people", "seconds", "memory_mb"])


def scaled(costs: pd.DataFrame, chapter: str, people: int, what: str) -> float | None:
    """Scale a measured cost to a number of people: a fixed part, and a part for each person.

    Parameters
    ----------
    costs : `chapter`, `people` (a number of each measurement) and the column `what`.
    chapter : the chapter.
    people : how many people are to be analysed.
    what : `seconds` or `memory_mb`.

    Returns
    -------
    The cost on the line through the least and the largest measurement, and never less than the
    smallest that was measured; None where the chapter was not measured.
    """
    measured = costs[costs["chapter"] == chapter].sort_values("people")
    if measured.empty:
        return None
    first, last = measured.iloc[0], measured.iloc[-1]
    if first["people"] == last["people"]:
        return float(last[what] * max(1.0, people / last["people"]))
    each = max(0.0, (last[what] - first[what]) / (last["people"] - first["people"]))
    return float(max(first[what], first[what] + each * (people - first["people"])))


class Counts:
    """Counts of a cohort, which leave it in bands only, and what follows from them.

    People are added part by part; nothing of a person is kept.
    """

    def __init__(self, study: Study, profile: Profile, chapters: Sequence[Contents]):
        self.study, self.profile, self.chapters = study, profile, tuple(chapters)
        self.people = 0
        self._longest = 0.0  # years that anybody was followed
        self._outcomes: Counter[str] = Counter()
        self._known: Counter[str] = Counter()  # people of whom a column is known
        self._columns: frozenset[str] = frozenset()
        self._gaps: Counter[str] = Counter()
        self._fifths = {exposure: _no_fifths() for exposure in EXPOSURES}
        # People by fifth of an exposure (a row each) and by level of a column.
        self._levels: dict[tuple[str, str], np.ndarray] = {}
        models = {model for contents in chapters for model in contents.models}
        self._models = {model: _no_fifths() for model in models}

    def add(self, people: pd.DataFrame) -> None:
        """Count people, as `cohort.prepare` returns them."""
        self.people += len(people)
        self._columns |= set(people)
        self._longest = max(self._longest, float(people["follow_up_years"].max()))
        self._outcomes.update(people["outcome"].value_counts().to_dict())
        self._known.update(people.notna().sum().to_dict())
        for name, column in self.study.columns.items():
            if column.empty_when:
                empty = people[name].isna()
                empty &= ~people[column.empty_when].fillna(False).astype(bool)
                self._gaps[name] += int(empty.sum())
        died = people["died"].to_numpy(bool)
        known = {name: people[name].notna().to_numpy() for name in people}
        own = {
            name: pd.Categorical(people[name], categories=self.levels(name)).codes
            for name in people.columns.intersection(list(self.study.columns))
            if self.levels(name)
        }
        fifths = {
            exposure: people[exposure].to_numpy(float, na_value=0).astype(int)
            for exposure in EXPOSURES
        }
        for exposure, of_each in fifths.items():
            self._fifths[exposure] = self._fifths[exposure] + _by_fifth(of_each, died)
            for name, codes in own.items():
                counts = _crossed(of_each, codes, len(self.levels(name)))
                self._levels[exposure, name] = self._levels.get((exposure, name), 0) + counts
        for model, exposure in self._models:
            inside = np.logical_and.reduce(
                [known[term] for term in self.terms(model, exposure)], axis=0
            )
            counts = _by_fifth(fifths[exposure][inside], died[inside])
            self._models[model, exposure] = self._models[model, exposure] + counts

    def levels(self, name: str) -> list:
        """The levels of a column of the study, yes and no included."""
        column = self.study.columns[name]
        return [False, True] if column.type == "boolean" else list(column.levels)

    def terms(self, model: str, exposure: str) -> list[str]:
        """The columns of a model that these people have."""
        adjusted = self.study.adjustment(model, exposure) if model in self.study.adjustments else ()
        return [exposure, *(term for term in adjusted if term in self._columns)]

    def nobody(self, name: str) -> bool:
        """Say whether a column that describes people is there and is known of nobody."""
        column = self.study.columns.get(name)
        # Where people live is used up by now: its column is empty whatever the file holds.
        if column is not None and not column.describes:
            return False
        return name in self._columns and not self._known[name]

    def withheld(self, contents: Contents) -> Iterable[str]:
        """What of a chapter will be withheld or cannot be estimated, a sentence each."""
        found: list[str] = []
        for column in sorted(contents.variables | contents.groups):
            if self.nobody(column):
                found.append(f"'{column}' is empty in every row: nothing is said of it")
        for event in sorted(contents.events):
            found += self.few_events(EVENTS[event], event)
        for group in sorted(contents.groups & set(EXPOSURES)):
            found += self.small_fifths(group, contents)
        for group in sorted(contents.groups & set(EXPOSURES)):
            found += self.small_levels(group, contents)
        for model, exposure in sorted(contents.models):
            found += self.small_model(model, exposure)
        return list(dict.fromkeys(found))

    def doubts(self) -> Iterable[str]:
        """Why chapters may be left out altogether, a sentence each."""
        if self._longest <= A_DAY:
            yield (
                "Nobody was followed for longer than a day: look at the column and the unit that "
                "'follow_up_years' is made from."
            )
        deaths = self._outcomes["died"]
        if deaths < self.profile.threshold:
            yield (
                "Most of what is published rests on deaths, and there are "
                f"{disclosure.band(deaths)}: fewer than may be published."
            )
        for exposure in EXPOSURES:
            counts = self.fifths(exposure)
            empty = [fifth for fifth, (people, _) in counts.items() if not people]
            if empty and self.people >= self.profile.threshold:
                which = _fifths(exposure, empty)
                yield f"Nobody is in {which}, and some chapters draw every fifth."

    def gaps(self) -> Iterable[str]:
        """Columns that are not known in some people, and how many those are."""
        for name, column in self.study.columns.items():
            if column.missing_means or not (column.required or column.unless):
                continue
            empty = self._gaps[name] if column.empty_when else self.people - self._known[name]
            if empty:
                yield f"{name} ({disclosure.band(empty)} people)"

    def few_events(self, outcome: str, words: str) -> list[str]:
        """Say so where an event is too rare in everybody."""
        count = self._outcomes[outcome]
        if count >= self.profile.threshold:
            return []
        return [f"{words}: {disclosure.band(count)} in everybody, fewer than may be published"]

    def small_fifths(self, exposure: str, contents: Contents) -> list[str]:
        """Say which fifths have too few people or deaths, those alike in one sentence."""
        least, curve = self.profile.threshold, self.profile.smallest_group_for_curve
        few: dict[str, list[int]] = {}
        for fifth, (people, deaths) in self.fifths(exposure).items():
            said = []
            if people < least:
                said.append(
                    f"{disclosure.band(people)} people: withheld, with the next smallest fifth "
                    "where the count could be worked out"
                )
            elif "deaths" in contents.events and deaths < least:
                said.append(
                    f"{disclosure.band(deaths)} deaths: their number, the median and the hazard "
                    "ratio are withheld"
                )
            if contents.curves and least <= people < curve:
                said.append(f"{disclosure.band(people)} people: survival at whole milestones only")
            for reason in said:
                few.setdefault(reason, []).append(fifth)
        return [f"{_fifths(exposure, which)}: {reason}" for reason, which in few.items()]

    def small_levels(self, exposure: str, contents: Contents) -> list[str]:
        """Say which columns have levels that few people of a fifth are at."""
        small = []
        for name in sorted(contents.variables):
            counts = self._levels.get((exposure, name))
            if counts is None:
                continue
            # A fifth of whom the column is known in nobody is no small count.
            counts = counts[counts.sum(axis=1) > 0]
            few = counts < self.profile.threshold
            if not self.profile.zero_is_small:
                few &= counts > 0
            if few.any():
                small.append(name)
        if not small:
            return []
        return [f"levels of {', '.join(small)}: too few people in some fifth of {NAMES[exposure]}"]

    def fifths(self, exposure: str) -> dict[int, tuple[int, int]]:
        """People and deaths of every fifth, also of those that nobody is in."""
        return _each_fifth(self._fifths[exposure])

    def small_model(self, model: str, exposure: str) -> list[str]:
        """Say which model has too few deaths, or fifths that are small among those it can use."""
        terms = self.terms(model, exposure)
        name = f"model {model} of {NAMES[exposure]}"
        empty = [term for term in terms if self.nobody(term)]
        if empty:
            return [f"{name}: '{empty[0]}' is empty in every row, so it cannot be estimated"]
        known = self._models[model, exposure]
        deaths = int(known["died"].sum())
        parameters = sum(self.parameters(term) for term in terms)
        if deaths - parameters < self.profile.residual_degrees_of_freedom:
            return [f"{name}: {disclosure.band(deaths)} deaths for {parameters} parameters"]
        least = self.profile.threshold
        before = self.fifths(exposure)
        small = [
            fifth
            for fifth, counts in _each_fifth(known).items()
            if min(counts) < least <= min(before[fifth])
        ]
        if not small:
            return []
        return [
            f"{name}: too few people or deaths in {_fifths(exposure, small)} among those with "
            "every value known"
        ]

    def categories(self, term: str) -> list:
        """The levels of a category; none for a number."""
        if term in EXPOSURES:
            return list(range(1, FIFTHS + 1))
        column = self.study.columns.get(term)
        return list(column.levels) if column else []

    def parameters(self, term: str) -> int:
        """How many parameters a term of a model has."""
        return max(1, len(self.categories(term)) - 1)


def _by_fifth(fifths: np.ndarray, died: np.ndarray) -> pd.DataFrame:
    """People and deaths of every fifth; 0 is none."""
    people, deaths = (
        np.bincount(each, minlength=FIFTHS + 1)[1:] for each in (fifths, fifths[died])
    )
    return pd.DataFrame({"people": people, "died": deaths}, index=range(1, FIFTHS + 1))


def _crossed(fifths: np.ndarray, codes: np.ndarray, levels: int) -> np.ndarray:
    """People of every fifth at every level; who has none of either is left out."""
    cells = fifths * (levels + 1) + codes + 1
    counts = np.bincount(cells, minlength=(FIFTHS + 1) * (levels + 1))
    return counts.reshape(FIFTHS + 1, levels + 1)[1:, 1:]


def _no_fifths() -> pd.DataFrame:
    return pd.DataFrame({"people": 0, "died": 0}, index=range(1, FIFTHS + 1))


def _each_fifth(counts: pd.DataFrame) -> dict[int, tuple[int, int]]:
    return {fifth: (int(row["people"]), int(row["died"])) for fifth, row in counts.iterrows()}


def _fifths(exposure: str, which: Sequence[int]) -> str:
    numbers = ", ".join(map(str, which))
    return f"{'fifth' if len(which) == 1 else 'fifths'} {numbers} of {NAMES[exposure]}"
