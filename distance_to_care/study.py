"""What a study is: its columns, scores and adjustments, and the columns that all studies share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from distance_to_care import mapping
from distance_to_care.disclosure import profiles
from distance_to_care.problems import Problem

# The key of a study file that names the study whose words stand where its own say nothing.
BASED_ON = "based_on"
TYPES = ("string", "number", "integer", "boolean")
AREA_VINTAGES = ("LSOA 2011", "LSOA 2021")
# Each edition of the Index of Multiple Deprivation is published for areas of one vintage.
DEPRIVATION_EDITIONS = {"IMD 2019": "LSOA 2011", "IMD 2025": "LSOA 2021"}
# The two exposures of every study; distance quintiles are formed within the cohort.
EXPOSURES = ("deprivation_quintile", "distance_quintile")
OTHER_EXPOSURE = "other_exposure"
# How a derived column is made from the column that it names.
TRANSFORMS = {"log_one_plus": np.log1p}


@dataclass(frozen=True)
class Column:
    """One column of a table: its type, its unit and what its cells may hold."""

    name: str
    type: str
    title: str = ""
    description: str = ""
    unit: str = ""
    levels: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    pattern: str = ""
    unique: bool = False
    constant: bool = False
    required: bool = True
    may_be_missing: bool = False
    unless: tuple[str, ...] = ()  # columns that may stand in where this one is missing
    empty_when: str = ""  # a boolean column that, where true, demands an empty cell here
    at_most: str = ""  # a column that this one may not exceed
    missing_means: str = ""
    advice: str = ""  # how to mend a broken form, level or lower end, where more is to be said

    @property
    def describes(self) -> bool:
        """Whether it describes people: a name or code of a person or place describes nobody."""
        return not self.constant and (self.type != "string" or bool(self.levels))

    @property
    def allowed(self) -> str:
        """What a cell may hold, in words."""
        if self.type == "boolean":
            return "true or false"
        if self.levels:
            return ", ".join(str(level) for level in self.levels)
        parts = []
        if self.exclusive_minimum is not None:
            parts.append(f"above {number(self.exclusive_minimum)}")
        if self.minimum is not None:
            parts.append(f"{number(self.minimum)} or more")
        if self.exclusive_maximum is not None:
            parts.append(f"below {number(self.exclusive_maximum)}")
        if self.maximum is not None:
            parts.append(f"{number(self.maximum)} or less")
        if self.minimum is not None and self.maximum is not None:
            parts = [f"{number(self.minimum)} to {number(self.maximum)}"]
        if self.at_most:
            parts.append(f"at most {self.at_most}")
        if self.empty_when:
            parts.append(f"empty where {self.empty_when} is true")
        if self.pattern:
            parts.append(f"of the form {self.pattern}")
        if self.unique:
            parts.append("different in every row")
        return "; ".join(parts)

    @classmethod
    def from_field(cls, entry: Mapping[str, Any], where: str) -> Column:
        """Read one field of a Frictionless table schema as a column.

        A field of a schema has to be in the file, so every column is required; the constraint
        `required` says that no cell may be empty. Properties that are not rules are passed over;
        a constraint or type that is not known here raises Problem, since it would not be checked.
        """
        name = str(entry.get("name", ""))
        kind = entry.get("type", "string")
        pattern = ""
        if kind == "date":
            kind, pattern = "string", r"\d{4}-\d{2}-\d{2}"
        kind = {"any": "string", "year": "integer"}.get(kind, kind)
        if not name or kind not in TYPES:
            raise Problem(
                f"{where}: the field '{name}' has the type '{kind}', which is not checked here. "
                f"Use one of {', '.join(TYPES)}, date, year."
            )
        constraints = dict(entry.get("constraints", {}))
        rules = {
            "may_be_missing": not constraints.pop("required", False),
            "unique": bool(constraints.pop("unique", False)),
            "levels": tuple(constraints.pop("enum", ())),
            "minimum": constraints.pop("minimum", None),
            "maximum": constraints.pop("maximum", None),
            "exclusive_minimum": constraints.pop("exclusiveMinimum", None),
            "exclusive_maximum": constraints.pop("exclusiveMaximum", None),
            "pattern": constraints.pop("pattern", pattern),
        }
        if constraints:
            raise Problem(
                f"{where}: the field '{name}' has the constraint '{sorted(constraints)[0]}', which "
                "is not checked here. Use required, unique, enum, minimum, maximum, "
                "exclusiveMinimum, exclusiveMaximum or pattern."
            )
        return cls(
            name=name,
            type=kind,
            title=str(entry.get("title", "")),
            description=str(entry.get("description", "")),
            unit=str(entry.get("unit", "")),
            **rules,
        )


# The columns that every study shares: the cohort contract, one row a person.
CORE = (
    Column(
        "person_id",
        "string",
        title="Person",
        description="A code for the person that nobody outside can trace: no name, no NHS number.",
        unique=True,
    ),
    Column(
        "follow_up_years",
        "number",
        title="Follow-up",
        unit="years",
        description="Years from the day first seen in the clinic to the outcome.",
        exclusive_minimum=0,
        maximum=60,
        advice="Somebody who died on the first day was followed for half a day: 0.00137 years.",
    ),
    Column(
        "outcome",
        "string",
        title="Outcome",
        levels=("censored", "died", "transplanted"),
        description="How follow-up ended. Censored: alive and without a transplant when last seen.",
    ),
    Column(
        "age_years",
        "number",
        title="Age",
        unit="years",
        description="Age on the day first seen in the clinic.",
        minimum=0,
        maximum=110,
        may_be_missing=True,
    ),
    Column(
        "sex",
        "string",
        title="Sex",
        levels=("female", "male"),
        may_be_missing=True,
        description="Sex as recorded by the clinic.",
    ),
    Column(
        "deprivation_quintile",
        "integer",
        title="Deprivation quintile",
        minimum=1,
        maximum=5,
        required=False,
        may_be_missing=True,
        unless=("area_code", "postcode"),
        description="National fifth of the Index of Multiple Deprivation of the area of residence: "
        "1 is the most deprived, 5 the least.",
    ),
    Column(
        "distance_km",
        "number",
        title="Distance",
        unit="km",
        minimum=0,
        maximum=1000,
        required=False,
        may_be_missing=True,
        unless=("area_code", "postcode"),
        description="Straight line from the home to the centre that the person attended.",
    ),
    Column(
        "travel_minutes",
        "number",
        title="Travel time",
        unit="minutes",
        minimum=0,
        maximum=600,
        required=False,
        may_be_missing=True,
        description="Drive one way from the home to the centre that the person attended.",
    ),
    Column(
        "nearest_distance_km",
        "number",
        title="Distance to the nearest centre",
        unit="km",
        minimum=0,
        maximum=1000,
        required=False,
        may_be_missing=True,
        description="Straight line from the home to the nearest specialist centre, attended or "
        "not.",
    ),
    Column(
        "nearest_travel_minutes",
        "number",
        title="Travel time to the nearest centre",
        unit="minutes",
        minimum=0,
        maximum=600,
        required=False,
        may_be_missing=True,
        description="Drive one way from the home to the nearest specialist centre, attended or "
        "not.",
    ),
    Column(
        "centre",
        "string",
        title="Specialist centre",
        required=False,
        may_be_missing=True,
        description="Code or name of the centre that the person attended.",
    ),
    Column(
        "region",
        "string",
        title="Region",
        required=False,
        may_be_missing=True,
        description="Region in which the person lives.",
    ),
    Column(
        "area_code",
        "string",
        title="Area",
        pattern=r"[EW]01\d{6}",
        required=False,
        may_be_missing=True,
        description="Code of the Lower layer Super Output Area (LSOA) in which the person lives, "
        "of the vintage that the study file names.",
        advice="An LSOA code is E01 or W01 and six digits; leave the cell empty for people who "
        "live elsewhere.",
    ),
    Column(
        "record_kind",
        "string",
        title="Kind of record",
        levels=("synthetic",),
        constant=True,
        required=False,
        may_be_missing=True,
        description="The word synthetic in every row of a file of synthetic people. Files about "
        "real people do not have this column.",
        advice="A file holds synthetic people only, with the word synthetic in every row, or none: "
        "leave the column out for people who are real.",
    ),
)

# What a file may hold to place people by; it is dropped as soon as it is used.
POSTCODE = Column(
    "postcode",
    "string",
    title="Postcode",
    pattern=r"[A-Za-z]{1,2}\d[A-Za-z\d]? *\d[A-Za-z]{2}",
    required=False,
    may_be_missing=True,
    description="Postcode of the home, from which area, deprivation and distance follow where they "
    "are not given. It is dropped as soon as it is used.",
    advice="A postcode has the form AB1 2CD; leave the cell empty for people without one.",
)


@dataclass(frozen=True)
class Band:
    """Points for values up to an end, which `below` excludes and `up_to` includes."""

    points: float
    below: float | None = None
    up_to: float | None = None


@dataclass(frozen=True)
class Item:
    """What one column adds to a score."""

    column: str
    levels: tuple[tuple[str, float], ...] = ()
    bands: tuple[Band, ...] = ()
    when: str = ""
    when_points: float = 0.0

    def points(self, people: pd.DataFrame) -> pd.Series:
        """Points of each person (float; NaN where they cannot be given)."""
        values = people[self.column]
        if self.levels:
            # A study file writes levels as words, also true, false and whole numbers.
            words = values.astype(object).map(_word, na_action="ignore")
            points = words.map(dict(self.levels)).to_numpy(dtype=float)
        else:
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            points = np.full(len(people), np.nan)
            # From the last band to the first, so that the first that fits has the last word.
            for band in reversed(self.bands):
                fits = ~np.isnan(numbers)
                if band.below is not None:
                    fits &= numbers < band.below
                if band.up_to is not None:
                    fits &= numbers <= band.up_to
                points[fits] = band.points
        if self.when:
            points[people[self.when].to_numpy(dtype=bool, na_value=False)] = self.when_points
        return pd.Series(points, index=people.index, dtype=float)

    @property
    def extremes(self) -> tuple[float, float]:
        """Fewest and most points that the item can give."""
        every = [points for _, points in self.levels] + [band.points for band in self.bands]
        if self.when:
            every.append(self.when_points)
        return min(every), max(every)


@dataclass(frozen=True)
class Stage:
    """A named range of a score, both ends included."""

    label: str
    lowest: float
    highest: float


@dataclass(frozen=True)
class Score:
    """A sum of points, as a study file defines it."""

    name: str
    title: str
    description: str = ""
    source: str = ""
    items: tuple[Item, ...] = ()
    parts: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest score that anybody can have."""
        lowest, highest = zip(*(item.extremes for item in self.items), strict=True)
        return sum(lowest), sum(highest)

    def points(self, people: pd.DataFrame) -> pd.Series:
        """Add the points of every item.

        people: one row a person, with the columns that the score names.
        Returns a float series named after the score, NaN where an item cannot be scored.
        """
        total = sum(item.points(people) for item in self.items)
        return total.rename(self.name)

    def stage(self, points: pd.Series) -> pd.Series:
        """Label of the stage of each score in `points` (text; None where there is no score)."""
        nobody = np.full(len(points), None, dtype=object)
        labels = pd.Series(nobody, index=points.index, name=f"{self.name}_stage")
        for stage in self.stages:
            labels[points.between(stage.lowest, stage.highest)] = stage.label
        return labels


@dataclass(frozen=True)
class Derived:
    """A column that is computed from another one, for models: for example its logarithm."""

    name: str
    column: str
    transform: str
    title: str = ""

    def values(self, people: pd.DataFrame) -> pd.Series:
        """Transform the column (float; NaN where it is missing)."""
        numbers = people[self.column].astype(float)
        return TRANSFORMS[self.transform](numbers).rename(self.name)


@dataclass(frozen=True)
class Study:
    """One disease and its specialist service: what data/studies/<name>.toml says."""

    name: str
    title: str
    disease: str
    area_vintage: str
    disease_short: str = ""
    service: str = ""
    chapters: str = ""
    default: bool = False
    own_columns: tuple[Column, ...] = ()
    scores: tuple[Score, ...] = ()
    derived: tuple[Derived, ...] = ()
    adjustments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paper: Mapping[str, str] = field(default_factory=dict)
    disclosure: profiles.Profile | None = None
    mapping: mapping.ColumnMap = field(default_factory=mapping.ColumnMap)
    deprivation: str = ""  # the edition of the index that area codes are turned into
    centres: str = ""  # the list of centres that distances are worked out to
    file: str = ""

    @property
    def chapters_of(self) -> str:
        """Name of the study whose chapters serve this one: its own, unless its file says other."""
        return self.chapters or self.name

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of the study's cohort by its name: the shared ones, then its own."""
        return {column.name: column for column in CORE + self.own_columns}

    def column(self, name: str) -> Column:
        """The column of that name; Problem where the study has none."""
        return _named(self.columns.values(), name, "column", self.name)

    def score(self, name: str) -> Score:
        """The score of that name; Problem where the study has none."""
        return _named(self.scores, name, "score", self.name)

    def adjustment(self, name: str, exposure: str) -> tuple[str, ...]:
        """Columns and scores that the named set adjusts `exposure` for, in the file's order.

        The word `other_exposure` is replaced by the exposure that is not under study.
        Raises Problem for a set or an exposure that there is not.
        """
        if exposure not in EXPOSURES:
            raise Problem(f"There is no exposure '{exposure}'. Use one of {', '.join(EXPOSURES)}.")
        if name not in self.adjustments:
            raise Problem(
                f"The study '{self.name}' has no adjustment set '{name}'. "
                f"It has {', '.join(self.adjustments)}."
            )
        other = EXPOSURES[1 - EXPOSURES.index(exposure)]
        return tuple(other if term == OTHER_EXPOSURE else term for term in self.adjustments[name])

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any], where: str) -> Study:
        """Build a study from the parsed content of a study file.

        entries: what the TOML file holds. where: how to name the file in a message.
        Raises Problem with every fault of the file: unknown or missing keys, wrong types, clashes
        with shared columns, scores and adjustments that name a column that there is not.
        """
        return _StudyFile(where).read(entries)


def dictionary(study: Study) -> pd.DataFrame:
    """List every column of a study's cohort for the data dictionary.

    Returns text columns column, type, unit, allowed, required, may_be_missing, description: the
    shared columns first, then the study's own, in the order of the contract.
    """
    rows = []
    columns = list(study.columns.values())
    after = [column.name for column in columns].index("area_code") + 1
    for column in [*columns[:after], POSTCODE, *columns[after:]]:
        others = " or ".join(column.unless)
        stand_in = f"unless {others} is given" if others else ""
        description = column.description
        if column.missing_means:
            description = f"{description} Empty means: {column.missing_means}."
        if column.name == "area_code":
            description = f"{description} Here: {study.area_vintage}."
        rows.append(
            {
                "column": column.name,
                "type": column.type,
                "unit": column.unit,
                "allowed": column.allowed,
                "required": stand_in or ("yes" if column.required else "no"),
                "may_be_missing": (
                    f"where {others} is given"
                    if others
                    else "yes"
                    if column.may_be_missing
                    else "no"
                ),
                "description": description,
            }
        )
    return pd.DataFrame(rows)


def number(value: float) -> str:
    """Write a limit as people do: 1,000 and 0.5, without trailing zeros."""
    return f"{value:,.10g}"


def nearest(name: str, known: Any) -> str:
    """A clause that suggests the nearest known name, or lists all where none is near."""
    known = list(dict.fromkeys(str(each) for each in known))
    near = _near(name, known)
    return f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}."


def _near(name: str, known: list[str]) -> str | None:
    near = [each for each in known if name and each.startswith(f"{name}_")]
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return near[0] if near else None


def _word(level: Any) -> str:
    return str(level).lower() if isinstance(level, (bool, np.bool_)) else str(level)


def _named(things, name: str, what: str, study_name: str):
    by_name = {thing.name: thing for thing in things}
    if name not in by_name:
        raise Problem(f"The study '{study_name}' has no {what} '{name}'. {nearest(name, by_name)}")
    return by_name[name]


_TEXT, _FLAG, _LIST, _TABLE, _NUMBER = "text", "true or false", "a list", "a table", "a number"


def _is(value: Any, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == _FLAG:
        return isinstance(value, bool)
    if kind == _LIST:
        return isinstance(value, list) and bool(value)
    if kind == _TABLE:
        return isinstance(value, dict)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


class _StudyFile:
    """Reads the parsed content of a study file and collects every fault on the way."""

    TOP = {
        "name": _TEXT,
        "title": _TEXT,
        "disease": _TEXT,
        "disease_short": _TEXT,
        "service": _TEXT,
        "chapters": _TEXT,
        "area_vintage": _TEXT,
        "default": _FLAG,
        "paper": _TABLE,
        "disclosure": _TABLE,
        "mapping": _TABLE,
        "places": _TABLE,
        "columns": _TABLE,
        "scores": _TABLE,
        "derived": _TABLE,
        "adjustments": _TABLE,
    }
    DERIVED = {"column": _TEXT, "transform": _TEXT, "title": _TEXT}
    COLUMN = {
        "type": _TEXT,
        "title": _TEXT,
        "description": _TEXT,
        "unit": _TEXT,
        "levels": _LIST,
        "minimum": _NUMBER,
        "maximum": _NUMBER,
        "exclusive_minimum": _NUMBER,
        "required": _FLAG,
        "may_be_missing": _FLAG,
        "missing_means": _TEXT,
        "empty_when": _TEXT,
        "at_most": _TEXT,
        "advice": _TEXT,
    }
    SCORE = {
        "title": _TEXT,
        "description": _TEXT,
        "source": _TEXT,
        "items": _LIST,
        "parts": _LIST,
        "stages": _LIST,
    }
    ITEM = {
        "column": _TEXT,
        "points": _TABLE,
        "bands": _LIST,
        "when": _TEXT,
        "when_points": _NUMBER,
    }
    BAND = {"points": _NUMBER, "below": _NUMBER, "up_to": _NUMBER}
    STAGE = {"label": _TEXT, "from": _NUMBER, "to": _NUMBER}
    PLACES = {"deprivation": _TEXT, "centres": _TEXT}
    PAPER = {"question": _TEXT, "citation": _TEXT, "doi": _TEXT}

    def __init__(self, where: str):
        self.where = where
        self.faults: list[str] = []

    def read(self, entries: Mapping[str, Any]) -> Study:
        for key in entries:
            if key not in self.TOP and _near(key, [*self.TOP, BASED_ON]) == BASED_ON:
                # All that the other study would have brought is missing: no fault of its own.
                raise Problem(
                    f"The study file {self.where} has 1 problem:\n"
                    f"  - '{key}' is not a known key. Did you mean '{BASED_ON}'?"
                )
        top = self.table(entries, "", self.TOP, ("name", "title", "disease", "area_vintage"))
        if "name" in top and not re.fullmatch(r"[a-z][a-z0-9_]*", top["name"]):
            self.fault("name", "is not a short name. Use lower-case letters, digits and _.")
        if "area_vintage" in top and top["area_vintage"] not in AREA_VINTAGES:
            self.fault("area_vintage", f"is not known. Use one of {', '.join(AREA_VINTAGES)}.")
        columns = self.columns(top.get("columns", {}))
        scores = self.scores(top.get("scores", {}), columns)
        derived = self.derived(top.get("derived", {}), columns, scores)
        adjustments = self.adjustments(top.get("adjustments", {}), columns, scores, derived)
        paper = self.table(top.get("paper", {}), "paper", self.PAPER, ())
        known = {column.name: column for column in (*CORE, POSTCODE, *columns)}
        mapped = mapping.read(top.get("mapping", {}), known, self.fault, nearest)
        places = self.places(top.get("places", {}), top.get("area_vintage", ""))
        disclosure = self.disclosure(top["disclosure"]) if "disclosure" in top else None
        if self.faults:
            count = len(self.faults)
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise Problem(
                f"The study file {self.where} has {count} problem{'s' if count != 1 else ''}:\n"
                f"{lines}"
            )
        optional = ("disease_short", "service", "chapters", "default")
        given = {name: top[name] for name in optional if name in top}
        return Study(
            name=top["name"],
            title=top["title"],
            disease=top["disease"],
            area_vintage=top["area_vintage"],
            own_columns=columns,
            scores=scores,
            derived=derived,
            adjustments=adjustments,
            paper=paper,
            disclosure=disclosure,
            mapping=mapped,
            **places,
            file=self.where,
            **given,
        )

    def fault(self, key: str, sentence: str) -> None:
        self.faults.append(f"'{key}' {sentence}")

    def table(self, entries, path: str, kinds: Mapping[str, str], needed) -> dict[str, Any]:
        """The entries that are known and of the right kind; a fault for each of the others."""
        prefix = f"{path}." if path else ""
        if not isinstance(entries, dict):
            self.fault(path, "must be a table of keys and values.")
            return {}
        good = {}
        for key, value in entries.items():
            if key not in kinds:
                self.fault(f"{prefix}{key}", f"is not a known key. {nearest(key, kinds)}")
            elif not _is(value, kinds[key]):
                self.fault(f"{prefix}{key}", f"must be {kinds[key]}.")
            else:
                good[key] = value.strip() if isinstance(value, str) else value
        for key in needed:
            if key not in entries:
                self.fault(f"{prefix}{key}", "is missing. Add it.")
        return good

    def disclosure(self, entries: Mapping[str, Any]) -> profiles.Profile | None:
        try:
            return profiles.from_entries(entries)
        except Problem as problem:
            self.fault("disclosure", f"is not a disclosure profile. {problem}")
            return None

    def places(self, entries: Mapping[str, Any], vintage: str) -> dict[str, str]:
        given = self.table(entries, "places", self.PLACES, ())
        edition = given.get("deprivation", "")
        if edition and edition not in DEPRIVATION_EDITIONS:
            known = ", ".join(DEPRIVATION_EDITIONS)
            self.fault("places.deprivation", f"is not an edition. Use one of {known}.")
        elif edition and vintage and DEPRIVATION_EDITIONS[edition] != vintage:
            self.fault(
                "places.deprivation",
                f"is published for areas of {DEPRIVATION_EDITIONS[edition]}, and area_vintage is "
                f"{vintage}. Choose two that go together.",
            )
        usual = [name for name, of in DEPRIVATION_EDITIONS.items() if of == vintage]
        return {"deprivation": edition or "".join(usual), "centres": given.get("centres", "")}

    def columns(self, entries: Mapping[str, Any]) -> tuple[Column, ...]:
        shared = {column.name for column in CORE}
        columns = []
        for name, entry in entries.items():
            path = f"columns.{name}"
            if name in shared or name in EXPOSURES:
                self.fault(path, "is a column that every study shares. Leave it out here.")
                continue
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                self.fault(path, "is not a column name. Use lower-case letters, digits and _.")
            needed = ("type", "description", "required", "may_be_missing")
            rules = self.table(entry, path, self.COLUMN, needed)
            kind = rules.get("type", "string")
            if kind not in TYPES:
                self.fault(f"{path}.type", f"is not a type. Use one of {', '.join(TYPES)}.")
                continue
            self.column_rules(path, kind, rules)
            rules["type"] = kind
            rules["levels"] = tuple(rules.get("levels", ()))
            columns.append(Column(name=name, **rules))
        known = {column.name: column for column in CORE + tuple(columns)}
        for column in columns:
            path = f"columns.{column.name}"
            for key, kind in (("empty_when", ("boolean",)), ("at_most", ("number", "integer"))):
                other = getattr(column, key)
                if not other:
                    continue
                if other not in known:
                    self.fault(f"{path}.{key}", f"names no column. {nearest(other, known)}")
                elif known[other].type not in kind:
                    self.fault(f"{path}.{key}", f"must name a column of type {kind[0]}.")
        return tuple(columns)

    def column_rules(self, path: str, kind: str, rules: dict[str, Any]) -> None:
        numeric = kind in ("number", "integer")
        for key in ("minimum", "maximum", "exclusive_minimum", "at_most"):
            if key in rules and not numeric:
                self.fault(f"{path}.{key}", f"means nothing in a column of type {kind}.")
        if numeric and "unit" not in rules:
            self.fault(f"{path}.unit", "is missing. A number has a unit (or the word 'count').")
        if rules.get("minimum", -np.inf) > rules.get("maximum", np.inf):
            self.fault(f"{path}.minimum", "is above the maximum.")
        levels = rules.get("levels", [])
        right = {"string": str, "integer": int}.get(kind)
        if levels and right is None:
            self.fault(f"{path}.levels", f"means nothing in a column of type {kind}.")
        elif any(not isinstance(level, right) or isinstance(level, bool) for level in levels):
            self.fault(f"{path}.levels", f"must hold values of type {kind} only.")
        elif len(set(levels)) != len(levels):
            self.fault(f"{path}.levels", "names a level twice.")
        elif any(isinstance(level, str) and level != level.strip() for level in levels):
            self.fault(f"{path}.levels", "has a level that begins or ends with a space.")

    def scores(self, entries: Mapping[str, Any], columns) -> tuple[Score, ...]:
        known = {column.name: column for column in CORE + tuple(columns)}
        scores: dict[str, Score] = {}
        composed = []
        for name, entry in entries.items():
            path = f"scores.{name}"
            if name in known:
                self.fault(path, "is also the name of a column. Choose another.")
            rules = self.table(entry, path, self.SCORE, ("title",))
            if ("items" in rules) == ("parts" in rules):
                self.fault(path, "must have either items or parts.")
                continue
            items = tuple(
                item
                for place, part in enumerate(rules.get("items", []), 1)
                for item in self.item(part, f"{path}.items[{place}]", known)
            )
            stages = tuple(
                stage
                for place, part in enumerate(rules.get("stages", []), 1)
                for stage in self.stage(part, f"{path}.stages[{place}]")
            )
            scores[name] = Score(
                name=name,
                title=rules.get("title", name),
                description=rules.get("description", ""),
                source=rules.get("source", ""),
                items=items,
                parts=tuple(str(part) for part in rules.get("parts", [])),
                stages=stages,
            )
            composed.append(name)
        simple = [name for name, score in scores.items() if not score.parts]
        for name, score in scores.items():
            if score.parts:
                wrong = [part for part in score.parts if part not in simple]
                if wrong:
                    self.fault(
                        f"scores.{name}.parts",
                        f"names '{wrong[0]}', which is no score with items of its own. "
                        f"{nearest(wrong[0], simple)}",
                    )
                    continue
                items = tuple(item for part in score.parts for item in scores[part].items)
                # Values only: the keys, and so the order, stay as the file has them.
                scores[name] = Score(
                    **{each.name: getattr(score, each.name) for each in fields(Score)}
                    | {"items": items}
                )
            if scores[name].stages and scores[name].items:
                self.stages_cover(scores[name])
        return tuple(scores.values())

    def item(self, entry, path: str, known: Mapping[str, Column]) -> list[Item]:
        rules = self.table(entry, path, self.ITEM, ("column",))
        column = known.get(rules.get("column", ""))
        if column is None:
            if "column" in rules:
                hint = nearest(rules["column"], known)
                self.fault(f"{path}.column", f"names no column. {hint}")
            return []
        when = rules.get("when", "")
        if when and (when not in known or known[when].type != "boolean"):
            self.fault(f"{path}.when", "must name a column of type boolean.")
        if bool(when) != ("when_points" in rules):
            self.fault(path, "must have both when and when_points, or neither.")
        if ("points" in rules) == ("bands" in rules):
            self.fault(path, "must have either points or bands.")
            return []
        levels = rules.get("points", {})
        faults_before = len(self.faults)
        bands = []
        for place, entry_band in enumerate(rules.get("bands", []), 1):
            band = self.table(entry_band, f"{path}.bands[{place}]", self.BAND, ("points",))
            if "points" in band:
                bands.append(Band(**band))
        if len(self.faults) > faults_before:
            return []
        if levels:
            expected = ("true", "false") if column.type == "boolean" else column.levels
            if sorted(map(str, levels)) != sorted(map(str, expected)):
                self.fault(f"{path}.points", "must give points to each level of the column, once.")
            if not all(_is(points, _NUMBER) for points in levels.values()):
                self.fault(f"{path}.points", "must be numbers.")
                return []
        else:
            ends = [band.below if band.up_to is None else band.up_to for band in bands]
            if column.type not in ("number", "integer"):
                self.fault(f"{path}.bands", "mean nothing in a column that is not a number.")
            if (
                any(band.below is not None and band.up_to is not None for band in bands)
                or ends[-1] is not None
                or any(end is None for end in ends[:-1])
                or ends[:-1] != sorted(set(ends[:-1]))
            ):
                self.fault(
                    f"{path}.bands",
                    "must rise, each with points and either below or up_to; the last has points "
                    "alone.",
                )
                return []
        return [
            Item(
                column=column.name,
                levels=tuple(levels.items()),
                bands=tuple(bands),
                when=when,
                when_points=rules.get("when_points", 0.0),
            )
        ]

    def stage(self, entry, path: str) -> list[Stage]:
        rules = self.table(entry, path, self.STAGE, tuple(self.STAGE))
        if len(rules) < len(self.STAGE):
            return []
        return [Stage(rules["label"], rules["from"], rules["to"])]

    def stages_cover(self, score: Score) -> None:
        expected, highest = score.range
        for stage in score.stages:
            if stage.lowest != expected or stage.highest < stage.lowest:
                break
            expected = stage.highest + 1
        if expected != highest + 1:
            self.fault(
                f"scores.{score.name}.stages",
                f"must cover every score from {number(score.range[0])} to {number(highest)} once, "
                "in order.",
            )

    def derived(self, entries: Mapping[str, Any], columns, scores) -> tuple[Derived, ...]:
        known = {column.name: column for column in CORE + tuple(columns)}
        taken = {*known, *(score.name for score in scores), *EXPOSURES}
        found = []
        for name, entry in entries.items():
            path = f"derived.{name}"
            if name in taken:
                self.fault(path, "is also the name of a column or a score. Choose another.")
            rules = self.table(entry, path, self.DERIVED, ("column", "transform"))
            column, transform = rules.get("column", ""), rules.get("transform", "")
            if column and (column not in known or known[column].type not in ("number", "integer")):
                self.fault(f"{path}.column", "must name a column of numbers.")
            elif transform and transform not in TRANSFORMS:
                self.fault(f"{path}.transform", f"is not known. {nearest(transform, TRANSFORMS)}")
            elif column and transform == "log_one_plus" and (known[column].minimum or 0) < 0:
                self.fault(f"{path}.column", "may be below nought: it has no such logarithm.")
            elif column and transform:
                found.append(Derived(name, column, transform, rules.get("title", name)))
        return tuple(found)

    def adjustments(self, entries: Mapping[str, Any], columns, scores, derived) -> dict:
        known = [column.name for column in CORE + tuple(columns)]
        known += [each.name for each in (*scores, *derived)] + [*EXPOSURES, OTHER_EXPOSURE]
        sets = {}
        for name, terms in entries.items():
            if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
                self.fault(f"adjustments.{name}", "must be a list of columns and scores.")
                continue
            for term in terms:
                if term not in known:
                    hint = nearest(term, known)
                    self.fault(f"adjustments.{name}", f"names '{term}', which is no column. {hint}")
            sets[name] = tuple(terms)
        return sets
