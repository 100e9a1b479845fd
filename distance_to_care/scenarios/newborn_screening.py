"""Newborn screening: what treating babies before symptoms would change by about two years of age.

A decision tree, closed form. Babies who are born with the gene change have two, three, or four or
more copies of a second gene, which says roughly which course they would have without treatment:
severe, middle or late. The rate of births is of all of them, whatever their copies; the tree
splits it. They are found by the test, by an affected relative, or by their symptoms,
and so treated early or late. Every branch ends in one of four outcomes.

What is known from counts of children is drawn from a beta distribution (Jeffreys: half a child is
added to those with and to those without the outcome); everything else is a row of
`scenario_assumptions`. Outcomes are given step by step, each step of those who took the last one:
alive without a permanent ventilator, then sits, then walks; so they always add up to one.

The groups and the outcomes are fixed: the tree serves diseases of one gene whose course hangs on
the copies of a second, and which show in how a child moves.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from distance_to_care.problems import AnalysisError
from distance_to_care.scenarios import assumptions

COPIES = ("two copies", "three copies", "four or more copies")
COURSES = ("severe", "middle", "late")
OUTCOMES = (
    "dead or on a permanent ventilator",
    "alive, does not sit",
    "sits, does not walk",
    "walks",
)
COUNTS = {
    "copies_two": "of babies with two or three copies: have two",
    "early_without_event": "treated early: alive without a permanent ventilator",
    "early_two_sit": "treated early, two copies: sit, of those",
    "early_two_walk": "treated early, two copies: walk, of those who sit",
    "early_three_sit": "treated early, three copies: sit",
    "early_three_walk": "treated early, three copies: walk, of those who sit",
    "severe_without_event": "severe course, treated late: alive without a permanent ventilator",
    "severe_sit": "severe course, treated late: sit, of those",
    "severe_walk": "severe course, treated late: walk, of those who sit",
}
# When treatment is late, by copies; with four or more, by two years, it makes no difference.
LATE_AGES = ("severe_treated_months", "middle_treated_months", "middle_treated_months")
# What is moved one at a time, in few words.
SHORT = {
    "births_for_each_affected_birth": "births for each affected birth",
    "copies_two": "have two copies, of two or three (%)",
    "four_or_more_copies": "four or more copies, of all",
    "early_without_event": "early: alive, no ventilator (%)",
    "early_two_sit": "early, two copies: sit (%)",
    "early_two_walk": "early, two copies: walk (%)",
    "early_three_sit": "early, three copies: sit (%)",
    "early_three_walk": "early, three copies: walk (%)",
    "severe_without_event": "late, severe: alive, no ventilator (%)",
    "severe_sit": "late, severe: sit (%)",
    "severe_walk": "late, severe: walk (%)",
    "severe_lost_before_treatment": "severe: lost before treatment",
    "middle_without_event": "late, middle: alive, no ventilator",
    "middle_sit": "late, middle: sit",
    "middle_walk": "late, middle: walk",
    "late_walk": "late course: walk",
    "severe_of_two_copies": "two copies: severe course",
    "middle_of_other_two_copies": "two copies, not severe: middle",
    "severe_of_three_copies": "three copies: severe course",
    "middle_of_three_copies": "three copies: middle course",
    "late_of_four_copies": "four copies: late course",
    "family_already_known": "known from an affected relative",
    "screening_uptake": "tested, of those offered",
    "screening_finds": "found, of those affected",
    "screening_false_alarms": "false alarms of 100,000",
    "screening_treated_days": "days to treatment, screened",
    "severe_treated_months": "months to treatment, severe",
    "middle_treated_months": "months to treatment, middle",
    "timing_share_causal": "share that timing makes",
    "timing_curve": "how soon the benefit is lost",
}
TITLES = {
    "shares": "Shares that were counted, with their doubt",
    "compared": "A year of births with screening and without",
    "by_age": "Children of 100 with two copies who would walk, by age at treatment",
    "ends": "Children who walked, by age at treatment, in the two cohorts at the ends",
    "week": "What each week between early and late treatment would cost, if it is lost evenly",
    "moved": "More children who walk, one assumption at a time",
    "variants": "What screening would change if some numbers were others",
    "fit": "What was recorded, beside what the model has",
    "checked": "The closed form beside babies drawn one by one",
}
MORE_WALK = "one more child who walks"
SEVERE = "born with the severe course"
WITHOUT, WITH = "without screening", "with screening"
CHANGE, FEWER = "difference", "fewer with screening"
# What is moved and is no share from 0 to 1; only the false alarms and the ages may be 0.
AMOUNTS = ("screening_false_alarms", "screening_treated_days")
ABOVE_ZERO = (
    "births_for_each_affected_birth",
    "severe_treated_months",
    "middle_treated_months",
    "timing_curve",
)
DAYS_A_MONTH, DAYS_A_WEEK, HUNDRED = 365.25 / 12, 7, 100
DRAWS = 2000


class Plan(NamedTuple):
    """A year of births, and the share of them to whom the test is offered."""

    births: float
    share: float = 1.0


def counted(counts: pd.DataFrame) -> pd.DataFrame:
    """Say what the counted children tell about each share, with its exact doubt.

    Parameters
    ----------
    counts : `term` (one row for each of `COUNTS`), `value` (children with the outcome), `people`
        (children counted).

    Returns
    -------
    The rows with `title`, `estimate` (mean of the beta distribution), `ci_low`, `ci_high` (95 per
    cent of it), `unit`: per cent.

    Raises
    ------
    AnalysisError : a share that is missing or stands twice, or a count that cannot be.
    """
    if sorted(counts["term"]) != sorted(COUNTS):
        raise AnalysisError(f"Counts are needed of each of these, once: {', '.join(COUNTS)}.")
    value, people = counts["value"].to_numpy(float), counts["people"].to_numpy(float)
    if not ((value >= 0) & (value <= people) & (people > 0)).all():
        raise AnalysisError("Of a number of children above 0, from none to all have an outcome.")
    spread = stats.beta(value + 0.5, people - value + 0.5)
    return counts.assign(
        title=counts["term"].map(COUNTS),
        estimate=HUNDRED * spread.mean(),
        ci_low=HUNDRED * spread.ppf(0.025),
        ci_high=HUNDRED * spread.ppf(0.975),
        unit="per cent",
    )


def draws(
    assumed: pd.DataFrame, counts: pd.DataFrame, number: int = DRAWS, seed: int = 1
) -> pd.DataFrame:
    """Draw every assumption and every counted share, independently of one another.

    Parameters
    ----------
    assumed : rows of the assumptions of this scenario.
    counts : as for `counted`.
    number, seed : draws, and their seed.

    Returns
    -------
    One column each; the first row has the assumed values and the means of the counted shares.
    """
    known = counted(counts).set_index("term")
    # As for the assumptions: the stream hangs on the name and the seed alone.
    u = {
        term: np.random.default_rng([seed, zlib.crc32(term.encode())]).random(number)
        for term in COUNTS
    }
    drawn = assumptions.draws(assumed, number, seed).assign(
        **{
            term: stats.beta.ppf(
                u[term],
                known.loc[term, "value"] + 0.5,
                known.loc[term, "people"] - known.loc[term, "value"] + 0.5,
            )
            for term in COUNTS
        }
    )
    return pd.concat([_base(assumed, counts), drawn], ignore_index=True)


def outcomes_by(
    drawn: pd.DataFrame, treated_days: Sequence[float] | np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Chances of the four outcomes, by copies, after treatment early, at an age, and late.

    Between the early and the late age the benefit is lost along a power of the share of the time
    that has passed. Of the difference between the two, only the share that timing makes counts.

    Parameters
    ----------
    drawn : as `draws` returns it.
    treated_days : age at treatment of babies found by screening, a number a draw; as drawn by
        default.

    Returns
    -------
    `early`, `late`, `screened`: arrays of draws x copies x outcomes; `courses`: draws x copies x
    courses, of babies without treatment.
    """
    p = _columns(drawn)
    one, none = np.ones(len(drawn)), np.zeros(len(drawn))
    severe_two, severe_three = p["severe_of_two_copies"], p["severe_of_three_copies"]
    middle_two = (1 - severe_two) * p["middle_of_other_two_copies"]
    middle_three = p["middle_of_three_copies"]
    late_four = p["late_of_four_copies"]
    shares = [
        [severe_two, middle_two, 1 - severe_two - middle_two],
        [severe_three, middle_three, 1 - severe_three - middle_three],
        [none, 1 - late_four, late_four],
    ]
    courses = np.moveaxis(np.array(shares), 2, 0)
    if (courses < -1e-12).any():
        raise AnalysisError("The shares of the courses of babies with three copies exceed one.")
    lived = p["severe_without_event"] * (1 - p["severe_lost_before_treatment"])
    by_course = np.stack(
        [
            _steps(lived, p["severe_sit"], p["severe_walk"]),
            _steps(p["middle_without_event"], p["middle_sit"], p["middle_walk"]),
            _steps(one, one, p["late_walk"]),
        ],
        axis=1,
    )
    late = courses @ by_course
    well = p["early_without_event"]
    seen = np.stack(
        [
            _steps(well, p["early_two_sit"], p["early_two_walk"]),
            _steps(well, p["early_three_sit"], p["early_three_walk"]),
            # Whether these children gain by early treatment cannot be seen at two years.
            late[:, 2],
        ],
        axis=1,
    )
    early = late + p["timing_share_causal"][:, None, None] * (seen - late)
    days = p["screening_treated_days"] if treated_days is None else np.asarray(treated_days, float)
    kept = np.stack(
        [
            _kept(days, p["early_cohorts_treated_days"], p[months] * DAYS_A_MONTH, p)
            for months in LATE_AGES
        ],
        axis=1,
    )
    screened = late + kept[:, :, None] * (early - late)
    return {"early": early, "late": late, "screened": screened, "courses": courses}


def compare(drawn: pd.DataFrame, plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Set a year of births with screening beside the same year without it.

    Parameters
    ----------
    drawn : as `draws` returns it.
    plans : for each name the births and the share of them that are offered the test.

    Returns
    -------
    `scenario` (the plan), `measure`, `group`, `estimate, low, high, unit`. The measures are the
    four outcomes of all babies born with the gene change (without screening, with screening, the
    difference, and how many fewer); who is found, and how; and how many babies are tested, and
    found, for one more child who walks: empty where none more would walk. The ranges hold 95 in 100
    draws; they are doubt of the mean, and chance from year to year comes on top.

    Raises
    ------
    AnalysisError : births or a share that cannot be.
    """
    _check(plans)
    p, by = _columns(drawn), outcomes_by(drawn)
    said = []
    for name, plan in plans.items():
        year = _Year(plan, p, by)
        for group, ends in ((WITHOUT, year.without), (WITH, year.screened)):
            said += [_row(name, one, group, ends[:, i]) for i, one in enumerate(OUTCOMES)]
        gained = year.screened - year.without
        said += [_row(name, one, CHANGE, gained[:, i]) for i, one in enumerate(OUTCOMES)]
        said += [_row(name, one, FEWER, -gained[:, i]) for i, one in enumerate(OUTCOMES[:-1])]
        for measure, values in year.found().items():
            said.append(_row(name, measure, "found", values))
        more = gained[:, -1]
        tested = np.broadcast_to(plan.births * plan.share * p["screening_uptake"], more.shape)
        said.append(_row(name, "thousand babies tested", MORE_WALK, _over(tested / 1000, more)))
        said.append(_row(name, "babies found", MORE_WALK, _over(year.by_test.sum(axis=1), more)))
    return pd.DataFrame(said)


def by_age(
    drawn: pd.DataFrame, weeks: Sequence[float], powers: Sequence[float] = (0.5, 1, 2)
) -> pd.DataFrame:
    """Draw out how the chance to walk would fall with age at treatment, for babies with two copies.

    The ends rest on published cohorts; what lies between is assumed, in as many ways as there are
    powers.

    Parameters
    ----------
    drawn : as `draws` returns it.
    weeks : ages at treatment.
    powers : of the curve; 1 is an even loss.

    Returns
    -------
    `group` (the power), `value` (weeks), `estimate, low, high, unit`: walk, of 100 children.
    """
    said = []
    for power in powers:
        held = drawn.assign(timing_curve=float(power))
        for week in weeks:
            days = np.full(len(held), DAYS_A_WEEK * float(week))
            walk = HUNDRED * outcomes_by(held, days)["screened"][:, 0, -1]
            row = {"group": f"{power:g}", "value": float(week), "unit": "of 100 children"}
            said.append(row | _ranged(walk))
    return pd.DataFrame(said)


def a_week(drawn: pd.DataFrame) -> pd.DataFrame:
    """Spread what is lost between early and late treatment over the weeks between, evenly.

    Parameters
    ----------
    drawn : as `draws` returns it.

    Returns
    -------
    `measure` (walk after early treatment, walk after late treatment, weeks between, lost with each
    week), `estimate, low, high, unit`: of children with two copies.
    """
    p, by = _columns(drawn), outcomes_by(drawn)
    early, late = (HUNDRED * by[when][:, 0, -1] for when in ("early", "late"))
    days = p["severe_treated_months"] * DAYS_A_MONTH - p["early_cohorts_treated_days"]
    weeks = days / DAYS_A_WEEK
    rows = [
        ("walk, treated early", early, "of 100 children"),
        ("walk, treated late", late, "of 100 children"),
        ("weeks between", weeks, "weeks"),
        ("lost with each week", (early - late) / weeks, "of 100 children"),
    ]
    return pd.DataFrame([{"measure": m, "unit": u} | _ranged(v) for m, v, u in rows])


def moved(assumed: pd.DataFrame, counts: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Move one assumption or counted share at a time and see how many more children would walk.

    Parameters
    ----------
    assumed, counts : as for `draws`.
    plan : the year of births.

    Returns
    -------
    Rows as `figures.tornado` draws them: `term`, `title`, `level` (base, low, high), `value`
    (shares of counts in per cent), `estimate`, `group` and `reference` (all), `unit`.
    """
    _check({"": plan})
    base = _base(assumed, counts)
    rows, frames = [], [base]
    # A row that only another page of the scenario uses moves nothing here.
    for one in assumptions.one_at_a_time(assumed, SHORT):
        rows.append((one.name, one.end, one.assumed[one.name]))
        frames.append(base.assign(**{one.name: one.assumed[one.name]}))
    for one in counted(counts).to_dict("records"):
        for end in ("low", "high"):
            # The value that is told is the value that is used.
            value = round(one[f"ci_{end}"], 1)
            rows.append((one["term"], end, value))
            frames.append(base.assign(**{one["term"]: value / HUNDRED}))
    gained = _more_walk(pd.concat(frames, ignore_index=True), plan)
    table = pd.DataFrame(rows, columns=["term", "level", "value"])
    table = table.assign(title=table["term"].map(SHORT), estimate=gained[1:])
    first = pd.DataFrame([{"term": "base", "level": "base", "estimate": gained[0], "title": ""}])
    table = pd.concat([first, table], ignore_index=True)
    return table.assign(group="all", reference="all", unit="children a year")


def variants(
    drawn: pd.DataFrame, plan: Plan, changed: Mapping[str, Mapping[str, float | pd.Series]]
) -> pd.DataFrame:
    """Take some numbers for known, and leave all others as they are drawn.

    Parameters
    ----------
    drawn : as `draws` returns it.
    plan : the year of births.
    changed : for each variant the numbers that are taken for known, by name; or one a draw.

    Returns
    -------
    As `compare`, with the variant as `scenario`.

    Raises
    ------
    AnalysisError : a name that is none of the assumptions or counted shares, or a number that it
        cannot be.
    """
    said = []
    for name, known in changed.items():
        _check_known(name, known)
        said.append(compare(drawn.assign(**known), {name: plan}))
    return pd.concat(said, ignore_index=True)


def of_counts(counts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Read variants off counted children, as they were counted.

    Parameters
    ----------
    counts : `variant`, `term`, `value` (children with the outcome), `people` (children counted).

    Returns
    -------
    For each variant the shares by name, as `variants` takes them.
    """
    shares = counts["value"] / counts["people"]
    return {
        name: dict(zip(rows["term"], shares[rows.index], strict=True))
        for name, rows in counts.groupby("variant")
    }


def ends(counts: pd.DataFrame, cohorts: Mapping[str, tuple[str, float]]) -> pd.DataFrame:
    """Give the children who took a step, as they were counted, by age at treatment.

    Parameters
    ----------
    counts : as for `counted`.
    cohorts : for each step the name of the cohort and its age at treatment, in weeks.

    Returns
    -------
    `title` (the cohort), `value` (weeks), `estimate`, `low`, `high` (none), `unit`: per cent.
    """
    rows = counts.set_index("term").loc[list(cohorts)]
    titles, weeks = zip(*cohorts.values(), strict=True)
    share = (HUNDRED * rows["value"] / rows["people"]).to_numpy(float)
    table = pd.DataFrame({"title": titles, "value": weeks, "estimate": share})
    return table.assign(low=np.nan, high=np.nan, unit="per cent")


def beside(compared: pd.DataFrame, recorded: Mapping[str, float]) -> pd.DataFrame:
    """Set what was recorded beside what the model has where nobody is screened.

    Parameters
    ----------
    compared : as `compare` or `variants` returns it.
    recorded : for a measure the number that was recorded in a year.

    Returns
    -------
    `scenario`, `measure`, `group`, `unit`; `estimate` (what was recorded) and `value` (the model).
    """
    before = compared["group"].isin(["found", WITHOUT]) & compared["measure"].isin(list(recorded))
    rows = compared[before].drop(columns=["low", "high"]).rename(columns={"estimate": "value"})
    return rows.assign(estimate=rows["measure"].map(dict(recorded)).astype(float))


def drawn_one_by_one(
    assumed: pd.DataFrame, counts: pd.DataFrame, plan: Plan, babies: int, seed: int = 1
) -> pd.DataFrame:
    """Follow babies one by one through the tree, and set them beside the closed form.

    Parameters
    ----------
    assumed, counts : as for `draws`.
    plan : the year of births.
    babies : affected babies to follow; they stand for a year of births.
    seed : of the chance.

    Returns
    -------
    `measure` (an outcome, with screening), `estimate` (closed form), `value` (one by one),
    `standard_error` of the latter, `unit`.
    """
    _check({"": plan})
    rng = np.random.default_rng(seed)
    base = _base(assumed, counts)
    p, by = {name: float(base[name].iloc[0]) for name in base}, outcomes_by(base)
    year = _Year(plan, _columns(base), by)
    copies = rng.choice(3, babies, p=year.affected[0] / year.affected[0].sum())
    known = rng.random(babies) < p["family_already_known"]
    offered = rng.random(babies) < plan.share
    tested = offered & (rng.random(babies) < p["screening_uptake"])
    found = tested & (rng.random(babies) < p["screening_finds"])
    course_after = np.array([rng.choice(3, babies, p=by["courses"][0, c]) for c in range(3)])
    course = course_after[copies, np.arange(babies)]
    ends = np.empty(babies, dtype=int)
    for at, chances in _tree(copies, known, found, course, by, p):
        ends[at] = rng.choice(4, at.sum(), p=chances)
    scale = year.affected[0].sum()
    shares = np.bincount(ends, minlength=4) / babies
    return pd.DataFrame(
        {
            "measure": OUTCOMES,
            "estimate": year.screened[0],
            "value": scale * shares,
            "standard_error": scale * np.sqrt(shares * (1 - shares) / babies),
            "unit": "children a year",
        }
    )


class _Year:
    """One year of births under one plan; arrays of draws x copies or draws x outcomes."""

    def __init__(self, plan: Plan, p: Mapping[str, np.ndarray], by: Mapping[str, np.ndarray]):
        self.plan, self.p, self.by = plan, p, by
        born = plan.births / p["births_for_each_affected_birth"]
        four = born * p["four_or_more_copies"]
        with_two_or_three = born - four
        two = with_two_or_three * p["copies_two"]
        self.affected = np.stack([two, with_two_or_three - two, four], axis=1)
        known = p["family_already_known"][:, None, None]
        self.tested = plan.share * p["screening_uptake"]
        self.finds = self.tested * p["screening_finds"]
        self.by_test = self.affected * (self.finds * (1 - p["family_already_known"]))[:, None]
        finds = self.finds[:, None, None]
        unknown_late = (1 - known) * by["late"] + known * by["early"]
        found_too = finds * by["screened"] + (1 - finds) * by["late"]
        unknown_found = (1 - known) * found_too + known * by["early"]
        self.without = (self.affected[:, :, None] * unknown_late).sum(axis=1)
        self.screened = (self.affected[:, :, None] * unknown_found).sum(axis=1)

    def found(self) -> dict[str, np.ndarray]:
        """Count babies by how they are found."""
        unknown = self.affected.sum(axis=1) * (1 - self.p["family_already_known"])
        healthy = self.plan.births - self.affected.sum(axis=1)
        alarms = healthy * self.tested * self.p["screening_false_alarms"] / 100_000
        severe = (self.affected * self.by["courses"][:, :, 0]).sum(axis=1)
        return {
            "born with any number of copies": self.affected.sum(axis=1),
            SEVERE: severe,
            "born with two or three copies": self.affected[:, :2].sum(axis=1),
            "born with four or more copies": self.affected[:, 2],
            "found by the test, two or three copies": self.by_test[:, :2].sum(axis=1),
            "found by the test, four or more copies": self.by_test[:, 2],
            "known from an affected relative": self.affected.sum(axis=1) - unknown,
            "tested and not found": unknown * self.tested * (1 - self.p["screening_finds"]),
            "not tested": unknown * (1 - self.tested),
            "positive, and not affected": alarms,
        }


def _tree(copies, known, found, course, by, p):
    """Branches of the tree: who is on each, and the chances of the outcomes there."""
    lived = p["severe_without_event"] * (1 - p["severe_lost_before_treatment"])
    steps = {
        0: (lived, p["severe_sit"], p["severe_walk"]),
        1: (p["middle_without_event"], p["middle_sit"], p["middle_walk"]),
        2: (1.0, 1.0, p["late_walk"]),
    }
    for c in range(3):
        yield (copies == c) & known, by["early"][0, c]
        yield (copies == c) & ~known & found, by["screened"][0, c]
    for k, (well, sit, walk) in steps.items():
        chances = np.array([1 - well, well * (1 - sit), well * sit * (1 - walk), well * sit * walk])
        yield (course == k) & ~known & ~found, chances


def _base(assumed: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """The assumed values and the means of the counted shares, in one row."""
    known = counted(counts)
    shares = dict(zip(known["term"], known["estimate"] / HUNDRED, strict=True))
    return pd.DataFrame([assumptions.values(assumed) | shares])


def _columns(drawn: pd.DataFrame) -> dict[str, np.ndarray]:
    return {name: drawn[name].to_numpy(dtype=float) for name in drawn}


def _steps(well: np.ndarray, sit: np.ndarray, walk: np.ndarray) -> np.ndarray:
    """Chances of the four outcomes from the chance of each step, of those who took the last."""
    ends = [1 - well, well * (1 - sit), well * sit * (1 - walk), well * sit * walk]
    return np.stack(ends, axis=-1)


def _kept(days: np.ndarray, first: np.ndarray, last: np.ndarray, p: Mapping) -> np.ndarray:
    """Share of the benefit of early treatment that is left at an age at treatment."""
    if (last <= first).any():
        raise AnalysisError("Late treatment begins later than early treatment.")
    gone = np.clip((days - first) / (last - first), 0, 1)
    return 1 - gone ** p["timing_curve"]


def _more_walk(drawn: pd.DataFrame, plan: Plan) -> np.ndarray:
    year = _Year(plan, _columns(drawn), outcomes_by(drawn))
    return (year.screened - year.without)[:, -1]


def _row(scenario: str, measure: str, group: str, values: np.ndarray) -> dict:
    unit = "children a year" if group != MORE_WALK else measure.rsplit(" ", 1)[0]
    return {"scenario": scenario, "measure": measure, "group": group, "unit": unit} | _ranged(
        values
    )


def _ranged(values: np.ndarray) -> dict[str, float]:
    """The result at the assumed values, and the range that holds 95 in 100 draws."""
    drawn = values[1:] if len(values) > 1 else values
    # One of the draws each, since a number of babies has no middle with infinity.
    low, high = np.quantile(drawn, [0.025, 0.975], method="nearest")
    told = {"estimate": float(values[0]), "low": float(low), "high": float(high)}
    return {name: each if np.isfinite(each) else np.nan for name, each in told.items()}


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; without any gain no number of babies brings one."""
    return np.divide(above, below, out=np.full_like(above, np.inf), where=below > 1e-12)


def _check_known(name: str, known: Mapping[str, float | pd.Series]) -> None:
    """Refuse a number that is none of the model's, or that it cannot be."""
    for term, given in known.items():
        if term not in SHORT:
            raise AnalysisError(f"No assumption and no counted share is named {term}.")
        values = np.asarray(given, dtype=float)
        most = np.inf if term in AMOUNTS + ABOVE_ZERO else 1.0
        sound = (values >= 0) & (values <= most) & np.isfinite(values)
        if not (sound & ((values > 0) | (term not in ABOVE_ZERO))).all():
            allowed = "from 0 to 1" if most == 1 else "above 0" if term in ABOVE_ZERO else "from 0"
            raise AnalysisError(f"The variant '{name}' needs {term} {allowed}.")


def _check(plans: Mapping[str, Plan]) -> None:
    for name, plan in plans.items():
        if not (0 < plan.births < np.inf and 0 <= plan.share <= 1):
            raise AnalysisError(f"The plan '{name}' needs births above 0 and a share from 0 to 1.")
