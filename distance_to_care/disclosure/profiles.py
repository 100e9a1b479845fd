"""Profiles of disclosure control: the numbers of a rule book, which may be tightened, not loosened.

`minimum_10` holds where nobody names another. `opensafely` and `nhs_england_hes` are the rules of
two environments as far as they were published; `custom` starts from `minimum_10`. A study file
(`[disclosure]`), an option of a command and the environment that commands set for notebooks may
each name one: the strictest wins, number by number.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import reduce
from types import MappingProxyType

from distance_to_care import places
from distance_to_care.problems import Problem

# A number above this hides every group of any cohort, and is a slip of the pen.
LARGEST = 1000


@dataclass(frozen=True)
class Profile:
    """What must hold before a number may leave; a larger number and a true are stricter.

    threshold : fewest people, deaths or other events that a published count may say.
    round_to : counts are rounded to a multiple of this.
    smallest_step_events, smallest_step_censored : fewest events, and fewest people whose follow-up
        ended without one, between two published points of a curve; or none at all.
    smallest_at_risk : fewest people still followed at a published point of a curve.
    smallest_group_for_curve : a smaller group has survival at whole milestones only.
    residual_degrees_of_freedom : fewest events of a model beyond one for each parameter.
    zero_is_small : whether a count of nought is withheld like other small counts.
    shares_from_rounded : whether a share is worked out again from the rounded counts. Five exact
        shares of a group, to one decimal, give back its exact size and each of their counts.
    """

    name: str
    threshold: int = 10
    round_to: int = 5
    smallest_step_events: int = 10
    smallest_step_censored: int = 10
    smallest_at_risk: int = 10
    smallest_group_for_curve: int = 60
    residual_degrees_of_freedom: int = 10
    zero_is_small: bool = True
    shares_from_rounded: bool = True

    @property
    def numbers(self) -> dict[str, int | bool]:
        """The numbers of the profile by their names, for a receipt."""
        return {name: value for name, value in asdict(self).items() if name != "name"}


# In published rules seven is the largest count that is withheld.
_UP_TO_SEVEN = {
    "threshold": 8,
    "smallest_step_events": 8,
    "smallest_step_censored": 8,
    "smallest_at_risk": 8,
}
PROFILES = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("minimum_10"),
            Profile("opensafely", **_UP_TO_SEVEN),
            Profile("nhs_england_hes", **_UP_TO_SEVEN, zero_is_small=False),
            Profile("custom"),
        )
    }
)
DEFAULT = PROFILES["minimum_10"]
NUMBERS = tuple(each.name for each in fields(Profile) if each.name != "name")


def profile(name: str = DEFAULT.name, **tighter: int | bool) -> Profile:
    """Return the named profile, with any of its numbers made stricter.

    Parameters
    ----------
    name : one of `PROFILES`, or several joined by `+`, whose strictest numbers hold.
    tighter : numbers of `Profile` that replace those of the profile.

    Raises
    ------
    Problem : for an unknown profile or number, a number that is none, or one that would loosen.
    """
    base = _named(name)
    for key, value in tighter.items():
        if key not in NUMBERS:
            raise Problem(
                f"Disclosure profiles have no number '{key}'. {_nearest(str(key), NUMBERS)}"
            )
        known = getattr(base, key)
        if isinstance(known, bool) != isinstance(value, bool) or not isinstance(value, int):
            kind = "true or false" if isinstance(known, bool) else "a whole number"
            raise Problem(f"The number '{key}' of a disclosure profile must be {kind}.")
        if value < known:
            raise Problem(
                f"The number '{key}' would loosen the disclosure profile '{name}', which asks for "
                f"{str(known).lower()}. A profile can be tightened, never loosened."
            )
        if value > LARGEST:
            raise Problem(
                f"The number '{key}' of a disclosure profile is above {LARGEST}: nothing would be "
                "published."
            )
    return replace(base, **tighter)


def from_entries(entries: Mapping[str, object]) -> Profile:
    """Read the table `[disclosure]` of a study file: `profile`, and numbers that are tighter.

    Raises
    ------
    Problem : as `profile` does.
    """
    entries = dict(entries)
    return profile(str(entries.pop("profile", DEFAULT.name)), **entries)


def from_words(text: str) -> Profile:
    """Read a profile as an option says it: its name, then `number=value` for tighter numbers.

    For example `opensafely threshold=10 round_to=10`; `to_words` writes what this reads.

    Raises
    ------
    Problem : as `profile` does, and where a word is not of that form.
    """
    name, *rest = text.replace(",", " ").split() or [""]
    tighter: dict[str, int | bool] = {}
    for word in rest:
        key, sign, value = word.partition("=")
        if value in ("true", "false"):
            tighter[key] = value == "true"
        elif sign and value.isascii() and value.isdigit():
            tighter[key] = int(value)
        else:
            raise Problem(
                f"The disclosure profile '{name}' is followed by a word that is not of the form "
                "number=value, for example threshold=12."
            )
    return profile(name, **tighter)


def to_words(chosen: Profile) -> str:
    """Write a profile as `from_words` reads it, for the environment of notebooks."""
    base = _named(chosen.name)
    words = [base.name]
    for key in NUMBERS:
        value = getattr(chosen, key)
        if value != getattr(base, key):
            words.append(f"{key}={str(value).lower()}")
    return " ".join(words)


def _named(name: str) -> Profile:
    """The profile of that name, or of the names that the strictest of several bears."""
    for each in name.split("+"):
        if each not in PROFILES:
            raise Problem(f"There is no disclosure profile '{each}'. {_nearest(each, PROFILES)}")
    return strictest(*(PROFILES[each] for each in name.split("+")))


def strictest(*chosen: Profile | None) -> Profile:
    """Take the strictest of each number; the default where no profile is given."""
    given = [each for each in chosen if each is not None]
    return reduce(_stricter, given) if given else DEFAULT


def _stricter(one: Profile, other: Profile) -> Profile:
    numbers = {key: max(getattr(one, key), getattr(other, key)) for key in NUMBERS}
    for each in (one, other):
        if numbers == each.numbers:
            return each
    names = {*one.name.split("+"), *other.name.split("+")}
    return Profile("+".join(sorted(names)), **numbers)


def in_force(study: object = None, option: str = "") -> Profile:
    """Find the profile that holds: the strictest of the study's, an option's and the environment's.

    Parameters
    ----------
    study : a study, whose `disclosure` is a profile or None.
    option : what a command was asked for, as `from_words` reads it.

    Raises
    ------
    Problem : where the option or the environment names no profile, or a looser number.
    """
    said = (option, os.environ.get(places.PROFILE_VARIABLE, ""))
    return strictest(
        getattr(study, "disclosure", None), *(from_words(t) for t in said if t.strip())
    )


def _nearest(name: str, known) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
