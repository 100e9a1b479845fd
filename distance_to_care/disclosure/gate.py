"""The gate: the only maker of what may be published.

`check` decides from a table's content what it is (counts, a curve, a model, a contribution to a
model of several registries, a table derived from published tables, or a table not about people),
applies the rules of that shape, and returns a `Checked`, which nothing else can make. What cannot
be mended by withholding cells is refused. What was done stands in the receipt.
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field

import pandas as pd

from distance_to_care.disclosure import columns, counts, curves, groups, models, words
from distance_to_care.disclosure.profiles import Profile, in_force, strictest
from distance_to_care.problems import Problem

PERSON_KINDS = frozenset({"synthetic", "registry"})
SHAPES = ("counts", "curve", "model", "contribution", "derived", "not about people")
# How wide the bands are in which receipts and logs say how many people there are.
BAND = 5
# What a derived table may hold besides numbers of the tables it was made from.
OPENLY_KNOWN = {
    "registry": ("published_estimate",),
    "synthetic": ("published_estimate", "built_in"),
}
# Columns that say how many people stand behind a row.
BEHIND = ("people", "at_risk", *counts.LEVEL_COLUMNS[:1])
PACKAGE = __name__.split(".")[0]

# Why a row has no estimate: one sentence for every reason, since each reason tells a count.
NO_ESTIMATE = "No estimate: too few people or events, or they were not followed long enough"

_SEAL = object()
_analysed = words.Analysed()


@dataclass(frozen=True, eq=False)
class Checked:
    """A table that may be published, as `check` left it; nothing but `check` makes one.

    `table` and `receipt` are copies each time, so that what was checked cannot be changed
    afterwards. The receipt says the profile and its numbers, the shape, the rules and what they
    did, how many people stand behind the table (a band), and how many cells are withheld.
    """

    # Bytes and text, which nobody can change in place.
    content: bytes = field(repr=False)
    kind: str
    name: str
    said: str = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise Problem(
                "A checked table is made by disclosure.check and by nothing else: pass it the "
                "table and its kind."
            )

    @property
    def table(self) -> pd.DataFrame:
        """The table, as a copy."""
        return pickle.loads(self.content)

    @property
    def receipt(self) -> dict:
        """What was done to the table, as a copy."""
        return json.loads(self.said)

    @property
    def shape(self) -> str:
        """What the table is: one of `SHAPES`."""
        return self.receipt["shape"]


def analysing(people: pd.DataFrame | Iterable[pd.DataFrame], study: object) -> None:
    """Tell the gate who is analysed from now on: whose words to refuse, and whose profile holds.

    people : one row a person; or, of people who are too many for memory, the columns that they
        put into words, part by part. study : its `columns` and its `disclosure`.
    """
    global _analysed
    whole = isinstance(people, pd.DataFrame)
    _analysed = words.of_cohort(people, study) if whole else words.of_parts(people, study)


def check(
    table: pd.DataFrame | Callable[..., pd.DataFrame],
    kind: str,
    profile: Profile | None = None,
    name: str = "",
    study: object = None,
    made_from: Mapping[str, pd.DataFrame] | None = None,
    about_people: bool = True,
    arrange: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Checked:
    """Make a table publishable: find its shape, apply the rules of that shape, and say so.

    Parameters
    ----------
    table : tidy, in columns of published tables; what decides and is not published in columns
        that the gate takes away again (`counts.HIDDEN_COLUMNS`). Or a function of this package
        that makes such a table out of the tables of `made_from`, in their order.
    kind : what the rows are: `registry` and `synthetic` are about people.
    profile : the numbers that hold; those of the study, the cohort that is analysed and the
        environment where none is given.
    name : how messages name the table.
    study : a study whose profile holds as well.
    made_from : published tables by name, where the table is made from nothing else.
    about_people : false where rows of synthetic kind come from files that everybody has.
    arrange : puts rows and columns in order before anything is decided.

    Raises
    ------
    Problem : where a rule cannot be kept by withholding cells; a sentence for each broken rule.
    """
    profile = profile or in_force(_Said(_said(study)))
    if callable(table):
        table = _computed(table, made_from, name)
        copied = False
    else:
        copied = made_from is not None
    out = (arrange(table) if arrange else table).reset_index(drop=True)
    rules: list[dict[str, str]] = []
    if kind not in PERSON_KINDS:
        _refuse(name, _mixed_kinds(out, kind))
        shape, out = "not about people", _without_hidden(out)
    elif not about_people and kind != "registry":
        shape, out = (
            "not about people",
            counts.protect(_without_hidden(out, counts.LEVEL_COLUMNS), profile),
        )
    else:
        # Sources of derived tables name papers, and their authors may bear the name of a place.
        own = out if made_from is None else out.drop(columns="source", errors="ignore")
        faults = [*words.small_areas(out), *words.typed_words(own, _analysed), *models.never(out)]
        _refuse(name, faults)
        _kept(rules, "no place below a region", "no words of a record", "nothing of one person")
        if made_from is not None:
            shape = "derived"
            _refuse(
                name, _not_published(made_from) + (_strange(out, made_from, kind) if copied else [])
            )
            out = _marked(_without_hidden(out))
            _kept(rules, "made from published tables only: " + ", ".join(made_from))
        else:
            shape, out = _shaped(_one_reason(out), profile, name, rules)
            out = _one_reason(out)
    if "kind" in out:
        # What a row is stands last in every published table.
        out["kind"] = out.pop("kind")
    receipt = {
        "profile": profile.name,
        "numbers": profile.numbers,
        "shape": shape,
        "rules": rules,
        "people": _people(table, profile) if kind in PERSON_KINDS else None,
        "cells_withheld": int(out["suppressed"].sum()) if "suppressed" in out else 0,
    }
    return Checked(pickle.dumps(out), kind, name, json.dumps(receipt), seal=_SEAL)


def merge_steps(curve: pd.DataFrame, profile: Profile | None = None) -> pd.DataFrame:
    """Merge the steps of curves by `curves.merge_steps`, under the profile that `check` will use.

    curve : as `curves.merge_steps` takes it. profile : that of the study, the cohort that is
    analysed and the environment where none is given.
    """
    return curves.merge_steps(curve, profile or in_force(_Said(_said(None))))


def band(people: float) -> str | None:
    """Write a number of people as the band of five that it lies in; None where it is not known."""
    if pd.isna(people):
        return None
    low = int(people) // BAND * BAND
    return f"{low:,} to {low + BAND - 1:,}"


def _shaped(
    out: pd.DataFrame, profile: Profile, name: str, rules: list[dict[str, str]]
) -> tuple[str, pd.DataFrame]:
    """Find the shape of a table of people and apply its rules."""
    lowest: dict[str, int] = {}
    withhold = None
    if models.CONTRIBUTION in out:
        shape = "contribution"
        _refuse(name, models.contribution_faults(out, profile) + columns.contribution(out))
        _kept(
            rules,
            "enough people behind every row, of whom enough died and enough did not, and enough "
            "degrees of freedom, or none leaves",
        )
    elif curves.is_curve(out):
        shape = "curve"
        _refuse(name, curves.faults(out, profile))
        lowest = {
            "deaths": profile.smallest_step_events,
            "censored": profile.smallest_step_censored,
            "at_risk": profile.smallest_at_risk,
        }
        _kept(rules, "every step rests on enough events and censorings, or none")
        _kept(rules, "the curve ends where too few are followed", "no time is anybody's day")
        if curves.ERROR in out and out[curves.ERROR].notna().any():
            largest = float(out[curves.ERROR].max())
            rules.append(
                {"rule": "largest error against the exact curve", "result": f"up to {largest:.3f}"}
            )
    elif set(counts.STEP_COLUMNS) <= set(out):
        shape = "curve"
        _refuse(name, _steps_unsaid(out))
        lowest = {
            "step_events": profile.smallest_step_events,
            "step_censored": profile.smallest_step_censored,
            "at_risk": profile.smallest_at_risk,
        }
        out, withhold = curves.milestones(out, profile)
        _kept(rules, "every fixed time rests on enough events and censorings, or is withheld")
    elif models.looks_like_one(out):
        shape = "model"
        _refuse(name, models.faults(out))
        withhold = models.withheld(out, profile)
        _kept(
            rules,
            "enough events beyond the parameters of each model, or its estimates are withheld",
            "enough people and events behind each level, or its estimates are withheld",
        )
    else:
        shape = "counts"
        _refuse(name, _nobody_behind(out) + _several_times(out))
    _refuse(name, columns.faults(out, shape, _analysed.known))
    _kept(rules, "every column of numbers is judged, and text holds no numbers of people")
    out = _without_hidden(out, counts.LEVEL_COLUMNS)
    out = counts.protect(out, profile, lowest, withhold)
    if shape != "contribution":
        out = counts.significant(out)
        _kept(rules, "no more digits of an estimate than tell nobody")
    _kept(rules, "small counts withheld, with a second one in each family; the others rounded")
    return shape, out


def _one_reason(out: pd.DataFrame) -> pd.DataFrame:
    """Give every row that has no estimate the same note, and mark it as withheld."""
    estimates = [c for c in counts.RATIOS if c in out]
    if "note" not in out or not estimates:
        return out
    noted = out["note"].fillna("").astype(str) != ""
    before = out["suppressed"].astype(bool) if "suppressed" in out else False
    alike = out[estimates].isna().all(axis=1) & (noted | before)
    note = out["note"].mask(alike, NO_ESTIMATE)
    if "suppressed" in out or alike.any():
        out = out.assign(suppressed=pd.Series(False, index=out.index) | before | alike)
    return out.assign(note=note)


def _marked(out: pd.DataFrame) -> pd.DataFrame:
    before = out["suppressed"].astype(bool) if "suppressed" in out else False
    return out.assign(suppressed=pd.Series(False, index=out.index) | before)


def _without_hidden(table: pd.DataFrame, besides: tuple[str, ...] = ()) -> pd.DataFrame:
    """Drop what decides and is not published, besides some columns."""
    return table.drop(columns=[c for c in counts.HIDDEN_COLUMNS if c in table and c not in besides])


def _kept(rules: list[dict[str, str]], *sentences: str) -> None:
    rules += [{"rule": sentence, "result": "kept"} for sentence in sentences]


def _refuse(name: str, faults: list[str]) -> None:
    if faults:
        raise Problem(
            f"The table '{name}' may not be published: {'; '.join(dict.fromkeys(faults))}."
        )


def _mixed_kinds(table: pd.DataFrame, kind: str) -> list[str]:
    if "kind" in table and set(table["kind"].dropna().astype(str)) & PERSON_KINDS:
        return [f"it has rows about people, and is published as '{kind}'"]
    return []


def _nobody_behind(table: pd.DataFrame) -> list[str]:
    """Say whether a table has estimates, and nothing that says how many people they rest on."""
    estimates = [c for c in counts.ESTIMATE_COLUMNS if c in table]
    told = table[estimates].notna().any(axis=1)
    behind = [c for c in BEHIND if c in table]
    if not told.any():
        return []
    if not behind:
        return ["it has estimates and does not say how many people stand behind them"]
    if (told & table[behind].isna().all(axis=1)).any():
        return ["some rows have estimates and do not say how many people stand behind them"]
    return []


def _several_times(table: pd.DataFrame) -> list[str]:
    """Say whether a table tells at several times how many live, and not what happened between."""
    if curves.TIME not in table:
        return []
    shown = [c for c in ("estimate", "at_risk", "people", "deaths", "censored") if c in table]
    told = table[table[curves.TIME].notna() & table[shown].notna().any(axis=1)]
    keys = [k for k in curves.keys(told) if k in told]
    if len(told) and told.groupby(keys, dropna=False)[curves.TIME].nunique().max() > 1:
        return [
            "it has steps in time that are not merged, and does not say how many had the event and "
            "how many left in between: pass a curve through disclosure.merge_steps, and give "
            f"fixed times the columns {' and '.join(counts.STEP_COLUMNS)}"
        ]
    return []


def _steps_unsaid(table: pd.DataFrame) -> list[str]:
    """Say whether a fixed time does not say what happened since the one before, if only nought."""
    if curves.TIME not in table:
        return ["it says what happened since a time before, and no time"]
    shown = [c for c in (*counts.ESTIMATE_COLUMNS, "at_risk") if c in table]
    later = (table[curves.TIME] > 0).fillna(False).astype(bool)
    told = table[shown].notna().any(axis=1) & later
    if (told & table[list(counts.STEP_COLUMNS)].isna().any(axis=1)).any():
        return [
            "a fixed time does not say how many had the event and how many left since the one "
            f"before ({' and '.join(counts.STEP_COLUMNS)})"
        ]
    return []


def _computed(
    make: Callable[..., pd.DataFrame], made_from: Mapping[str, pd.DataFrame] | None, name: str
) -> pd.DataFrame:
    """Let a function of the package make a table, so that it can see nothing but published ones."""
    if not made_from:
        raise Problem(f"The table '{name}' is made by a function, and from no published table.")
    _refuse(name, _not_published(made_from))
    of_package = (getattr(make, "__module__", None) or "").split(".")[0] == PACKAGE
    if not inspect.isfunction(make) or not of_package or make.__closure__:
        raise Problem(
            f"The table '{name}' is made by something that is not a plain function of the package: "
            "it could see more than published tables."
        )
    return make(*(table.copy() for table in made_from.values()))


def _not_published(made_from: Mapping[str, pd.DataFrame]) -> list[str]:
    return [
        f"it names '{name}', which was not read back from a published table"
        for name, table in made_from.items()
        if table.attrs.get("published") is None
    ]


def _strange(table: pd.DataFrame, made_from: Mapping[str, pd.DataFrame], kind: str) -> list[str]:
    """Say which columns hold a number, or words, that none of the published tables holds."""
    known: set[str] = set()
    counted: dict[str, set[str]] = {}
    for each in made_from.values():
        for column in each.select_dtypes("number"):
            said = set(_digits(each[column]))
            known |= said
            counted[column] = counted.get(column, set()) | said
    found = columns.extremes(table) + columns.telling(table)
    found += groups.faults(table, _analysed.known, "derived") if _analysed.known else []
    for column in table:
        # A number written as text is a number.
        numbers = pd.to_numeric(table[column], errors="coerce").astype("Float64")
        few = numbers.dropna().isin(range(groups.HIGHEST + 1)).all()
        of_groups = column in groups.COLUMNS and few
        open_to_all = column in OPENLY_KNOWN[kind] or column == "suppressed" or of_groups
        # A count stays a count of the same: people are not published again as deaths.
        there = counted.get(column, set()) if column in counts.COUNT_COLUMNS else known
        if not open_to_all and not set(_digits(numbers)) <= there:
            found.append(
                f"its column '{column}' holds numbers that none of the published tables holds "
                "from which it is said to be made"
            )
    return found


def _digits(numbers: pd.Series) -> list[str]:
    # A difference the other way round has the other sign.
    return [f"{abs(value):.8g}" for value in numbers.dropna().astype(float)]


def _people(table: pd.DataFrame, profile: Profile) -> str | None:
    """How many people stand behind a table, as a band; none that would say a small number."""
    found = [table[c].max() for c in ("people", "at_risk") if c in table]
    found = [each for each in found if pd.notna(each)]
    if not found:
        return None
    if max(found) < profile.threshold:
        return f"fewer than {profile.threshold}"
    return band(max(found))


def _said(study: object) -> Profile | None:
    """What the studies say: the one that is given, and that of the cohort that is analysed."""
    said = [getattr(study, "disclosure", None), _analysed.profile]
    return strictest(*said) if any(said) else None


@dataclass(frozen=True)
class _Said:
    """The profile that the study of the analysed cohort says, where `in_force` asks a study."""

    disclosure: Profile | None
