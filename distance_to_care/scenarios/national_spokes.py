"""Spokes for all England: the tables of the question where to put them.

The sites are chosen by `location`, to proven optimality, on every list of centres. Here stands what
they would give, to whom, and how much of it hangs on the list of centres and on the assumptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists
from distance_to_care.scenarios.location import Choice, after, choose, value_of, without_each

MEASURES = {
    "mean": "mean minutes",
    "within": "people within {within:g} minutes",
    "worst": "minutes of the area that is furthest away",
}
ADDED, CHOSEN = "spokes added", "lists on which it is chosen"
NOW, THEN, SAVED = "mean minutes now", "mean minutes then", "mean minutes saved"
SHORTER = "people with a shorter drive"
HOUR, HOUR_NOW, HOUR_THEN = 60.0, "people within an hour now", "people within an hour then"
CHOICES, PROVEN = "choices of sites", "choices of sites proven to be the best"
BOARDS, LITTLE = "care boards", "care boards that would save a minute or less"
DRAWN = ("share_seen_at_spoke", "minutes_against_model", "prevalence_per_100000")
# Who comes within a limit, and the column that counts them.
REACHED = {
    "people aged 65 and over brought within {limit:g} minutes": "people",
    "expected patients brought within {limit:g} minutes": "expected_patients",
}
LISTS, BOTH = "over the lists", "over the lists and the assumptions"
# Limits that hold 95 per cent of the draws.
MOST_DRAWS = (0.025, 0.975)
# What `everything` returns: how many spokes are added, and for how many the rest is worked out.
NUMBERS, FEW = (1, 2, 3, 5, 10), 5
PATIENTS = "expected_patients"
TITLES = {
    "spoke_values": "What the best spokes would give on each list of centres, and the proof",
    "spoke_sites": "Which hospitals are chosen, and on how many lists of centres",
    "spoke_crossed": "The five spokes with the least mean, judged by other goals",
    "spoke_gains": "Drive of expected patients now and with the best five spokes (car ownership "
    "not included)",
    "spoke_boards": "Drive by care board if the five spokes of the base list were added",
    "spoke_counted": "How many choices of sites are proven, and how many care boards would save "
    "little",
    "spoke_without": "The best five spokes without each of the five, base list",
    "spoke_moved": "Minutes saved and people brought within reach by the best spokes, over the "
    "lists and the draws",
    "spoke_from_nothing": "The centres of the base list and as many chosen from nothing",
}
FIFTHS = {"1": "the most deprived fifth", "5": "the least deprived fifth"}


def everything(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    to_base: pd.DataFrame,
    by_road: pd.Series,
    drawn: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Work out every table of the question where to put a spoke.

    Parameters
    ----------
    minutes, near : as for `plans`.
    areas : `area_code`, `people` (aged 65 and over), `people_all_ages`, `expected_patients`,
        `deprivation_quintile`, `rural_urban`, `board_code`, `board`.
    to_base : minutes to the sites of the base list; index `area_code`, one column a site.
    by_road : whether an area, in the order of `areas`, has a road: the others play no part in the
        worst case.
    drawn : as for `moved`.

    Returns
    -------
    Tidy tables by their names in `TITLES`.
    """
    mainland = areas.assign(**{PATIENTS: areas[PATIENTS].where(by_road, 0.0)})
    chosen = plans(minutes, near, areas, [("mean", PATIENTS, new) for new in NUMBERS])
    goals = [("mean", "people_all_ages", FEW), ("within", PATIENTS, FEW), ("worst", PATIENTS, FEW)]
    others = plans(minutes, near, mainland, goals)
    few = {name: chosen["mean", PATIENTS, FEW, name] for name in near}
    on_each = {name: choice.sites for name, choice in few.items()}
    base = few[centre_lists.BASE]
    weight = areas.set_index("area_code")[PATIENTS]
    asked = [("mean", PATIENTS, new) for new in NUMBERS] + goals[1:]
    cuts = ("", "deprivation_quintile", "rural_urban")
    told = [values(chosen, near, areas), values(others, near, mainland)]
    by_board = gains(minutes, near, areas, dict.fromkeys(near, base.sites), "board_code")
    return {
        "spoke_values": pd.concat(told, ignore_index=True),
        "spoke_sites": pd.concat(
            [sites(chosen | others, *question) for question in asked], ignore_index=True
        ),
        "spoke_crossed": crossed(minutes, near, mainland, chosen | others, ("mean", PATIENTS, FEW)),
        "spoke_gains": pd.concat(
            [gains(minutes, near, areas, on_each, by) for by in cuts], ignore_index=True
        ),
        "spoke_boards": of_boards(minutes, near, areas, base.sites),
        "spoke_counted": counted(chosen | others, by_board),
        "spoke_without": without_each(minutes, near[centre_lists.BASE], weight, base),
        "spoke_moved": moved(minutes, near, areas, chosen, drawn),
        "spoke_from_nothing": from_nothing(
            minutes.join(to_base), near, areas, {centre_lists.BASE: to_base.shape[1]}
        ),
    }


def plans(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    asked: Iterable[tuple[str, str, int]],
    within: float = 60.0,
    seconds: float = 60.0,
) -> dict[tuple[str, str, int, str], Choice]:
    """Choose sites for several questions, each on every list of centres.

    Parameters
    ----------
    minutes : as for `choose`.
    near : minutes to the nearest centre now; index `area_code`, one column a list.
    areas : `area_code` and the columns of people that are asked for.
    asked : goal, column of people, and how many sites to add.
    within, seconds : as for `choose`.

    Returns
    -------
    The choice by goal, column of people, number of sites and list.
    """
    known = areas.set_index("area_code")
    return {
        (goal, column, new, name): choose(
            minutes, near[name], known[column], new, goal, within, seconds
        )
        for goal, column, new in asked
        for name in near
    }


def values(
    chosen: Mapping[tuple, Choice], near: pd.DataFrame, areas: pd.DataFrame, within: float = 60.0
) -> pd.DataFrame:
    """Tabulate what the sites give on each list, and how sure it is that none give more.

    Parameters
    ----------
    chosen : as `plans` returns it.
    near, areas, within : as for `plans`.

    Returns
    -------
    One row a question and list: `measure` (the goal), `level` (the people), `group_by`, `group`
    (spokes added), `centre_list`, `estimate`, `difference` (from today), `low` and `high` (the
    value and its bound, the same where it is proven), `unit`, `note`.
    """
    known = areas.set_index("area_code")
    rows = []
    for (goal, column, new, name), choice in chosen.items():
        now = value_of(near[name], known[column], goal, within)
        rows.append(
            {
                "measure": MEASURES[goal].format(within=within),
                "level": column.replace("_", " "),
                "group_by": ADDED,
                "group": str(new),
                "centre_list": name,
                "estimate": choice.value,
                "difference": choice.value - now,
                "low": min(choice.value, choice.bound),
                "high": max(choice.value, choice.bound),
                "unit": "people" if goal == "within" else "minutes",
                "note": "proven: no other sites do better" if choice.proven
                else f"not proven: others could be better by {100 * choice.gap:.2g} per cent",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def sites(
    chosen: Mapping[tuple, Choice], goal: str, column: str, new: int, within: float = 60.0
) -> pd.DataFrame:
    """Count on how many lists of centres each site is chosen.

    Parameters
    ----------
    chosen : as `plans` returns it.
    goal, column, new : the question.
    within : minutes of the goal `within`.

    Returns
    -------
    One row a site: `centre`, `measure`, `level`, `group_by`, `group`, `estimate` (lists), `unit`,
    `note` (which), `steady` (all of them). And one row a number of lists, and one for any number,
    with `centre` all: `estimate` (sites that are chosen on so many), `note` (their names).
    """
    lists = {key[3]: one.sites for key, one in chosen.items() if key[:3] == (goal, column, new)}
    count = {
        site: [name for name, found in lists.items() if site in found]
        for site in sorted({site for found in lists.values() for site in found})
    }
    question = {
        "level": column.replace("_", " "),
        "group_by": f"{ADDED}: {MEASURES[goal].format(within=within)}",
        "group": str(new),
    }
    rows = []
    for site, on in count.items():
        every = len(on) == len(lists)
        words = " and ".join(access.LISTS.get(name, name) for name in on)
        said = f"on {len(on)} of {len(lists)} lists: {words}"
        rows.append(
            {"measure": CHOSEN, "centre": site, "estimate": float(len(on)), "unit": "lists",
             "steady": every, "note": "on every list" if every else said}
        )  # fmt: skip
    for number in range(1, len(lists) + 1):
        some = [site for site, on in count.items() if len(on) == number]
        rows.append(
            {"measure": f"sites on {number} of {len(lists)} lists", "centre": "all",
             "estimate": float(len(some)), "unit": "sites", "steady": number == len(lists),
             "note": "; ".join(some) or "none"}
        )  # fmt: skip
    rows.append({"measure": "sites on any list", "centre": "all", "estimate": float(len(count)),
                 "unit": "sites", "steady": False, "note": "; ".join(count)})  # fmt: skip
    return pd.DataFrame(rows).assign(**question)


def crossed(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    chosen: Mapping[tuple, Choice],
    question: tuple[str, str, int],
    within: float = 60.0,
) -> pd.DataFrame:
    """Say how good the sites chosen for one question are for the other questions.

    Parameters
    ----------
    minutes, near, areas, within : as for `plans`.
    chosen : as `plans` returns it.
    question : goal, column of people and number of sites whose sites are judged.

    Returns
    -------
    One row another question with as many sites: `measure`, `level`, `group_by`, `group`, `estimate`
    (what the judged sites give, base list), `low`, `high` (over the lists), `unit`, `difference`
    (from the best there is, base list).
    """
    known = areas.set_index("area_code")
    rows = []
    for (goal, column, new, name), best in chosen.items():
        if new != question[2] or (goal, column) == question[:2]:
            continue
        then = after(minutes, near[name], chosen[(*question, name)].sites)
        rows.append(
            {
                "measure": MEASURES[goal].format(within=within),
                "level": column.replace("_", " "),
                "group_by": ADDED,
                "group": str(new),
                "unit": "people" if goal == "within" else "minutes",
                "centre_list": name,
                "estimate": value_of(then, known[column], goal, within),
                "best": best.value,
            }
        )
    table = pd.DataFrame(rows)
    found = over_lists(table.drop(columns="best"))
    best = over_lists(table.drop(columns="estimate").rename(columns={"best": "estimate"}))
    return found.assign(difference=found["estimate"] - best["estimate"])


def gains(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    chosen: Mapping[str, Sequence[str]],
    by: str = "",
    column: str = "expected_patients",
) -> pd.DataFrame:
    """Work out the drive now and then, and what is saved, group by group, over the lists.

    Parameters
    ----------
    minutes, near, areas : as for `plans`; `areas` also with the column `by`.
    chosen : the sites by list.
    by : column whose groups get rows; everybody where not given.
    column : the people that weigh.

    Returns
    -------
    `group_by`, `group`, `measure` (mean minutes now, then, and saved; per cent whose drive is
    shorter, and who are within an hour now and then), `expected_patients` (or the other column:
    those that weigh), `estimate` (base list), `low` and `high` over the lists, `unit`.
    """
    known = areas.set_index("area_code").loc[minutes.index]
    weight = known[column].astype(float)
    group = known[by].astype(str) if by else pd.Series("all", minutes.index)
    total = weight.groupby(group).sum()
    parts = []
    for name, added in chosen.items():
        before = near[name].reindex(minutes.index)
        then = after(minutes, before, added)
        told = {NOW: before, THEN: then, SAVED: before - then, SHORTER: 100.0 * (then < before)}
        told |= {HOUR_NOW: 100.0 * (before <= HOUR), HOUR_THEN: 100.0 * (then <= HOUR)}
        for measure, found in told.items():
            mean = (found * weight).groupby(group).sum() / total
            table = mean.rename_axis("group").rename("estimate").reset_index()
            unit = "minutes" if measure in (NOW, THEN, SAVED) else "per cent"
            parts.append(table.assign(measure=measure, centre_list=name, unit=unit))
    table = over_lists(pd.concat(parts, ignore_index=True))
    return table.assign(**{"group_by": by or "all", column: table["group"].map(total)})


def of_boards(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    added: Sequence[str],
) -> pd.DataFrame:
    """Work out what the same sites would save each care board, over the lists of centres.

    Parameters
    ----------
    minutes, near, areas : as for `plans`; `areas` with `board_code`, `board`.
    added : the sites, the same on every list.

    Returns
    -------
    As `gains`, with `board_code` and `board` for the group, and `steady`: the minutes of the row
    (or, for a share, the minutes saved) move by no more than ten between the lists. What is not
    steady has no `estimate`.
    """
    table = gains(minutes, near, areas, dict.fromkeys(near, added), "board_code")
    names = areas.drop_duplicates("board_code").set_index("board_code")["board"]
    wide = table["high"] - table["low"] > centre_lists.STEADY_MINUTES
    saved = table["measure"] == SAVED
    of_saved = wide[saved].set_axis(table.loc[saved, "group"])
    wide = wide.where(table["unit"] == "minutes", table["group"].map(of_saved))
    table["steady"] = ~wide.astype(bool)
    table["estimate"] = table["estimate"].where(table["steady"])
    table["board"] = table["group"].map(names)
    return table.rename(columns={"group": "board_code"}).drop(columns="group_by")


def over_lists(table: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of all lists of centres into one: the base list, and the range over the lists.

    Parameters
    ----------
    table : `centre_list`, `estimate` and columns that are the same on every list.

    Returns
    -------
    The other columns, `estimate` (base list), `low`, `high`.
    """
    keys = [column for column in table if column not in ("centre_list", "estimate")]
    wide = table.pivot_table("estimate", index=keys, columns="centre_list", sort=False)
    out = wide.index.to_frame(index=False)
    base = wide[centre_lists.BASE].to_numpy()
    return out.assign(
        estimate=base, low=wide.min(axis=1).to_numpy(), high=wide.max(axis=1).to_numpy()
    )


def moved(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    chosen: Mapping[tuple, Choice],
    drawn: pd.DataFrame,
    limits: Sequence[float] = (30.0, 60.0),
) -> pd.DataFrame:
    """Say what is saved and who comes within reach, over the lists and over the assumptions.

    Of those for whom a clinic is nearer, only a share is seen there, and minutes may be longer than
    the model's: both are drawn, and how common the disease is. The sites stay as they were chosen.

    Parameters
    ----------
    minutes, near, areas : as for `plans`; `areas` with `people` and `expected_patients`.
    chosen : as `plans` returns it, of one goal and one column of people.
    drawn : draws of the assumptions `DRAWN`; the first row is the base.
    limits : minutes within which people are counted.

    Returns
    -------
    `group_by`, `group` (spokes added), `measure`, `scenario` (which range), `estimate` (base list,
    assumptions at their values), `low`, `high` (least and most over the lists; or, of each list,
    the limits that hold 95 per cent of the draws and the base, and the least and most of those),
    `unit`.
    """
    known = areas.set_index("area_code").loc[minutes.index]
    share, times, common = (drawn[name].to_numpy(float) for name in DRAWN)
    # Expected patients are in proportion to how common the disease is, and people are not.
    often = {"people": np.ones(len(drawn)), PATIENTS: common / common[0]}
    weight = known["expected_patients"].to_numpy(float)
    rows = []
    for (_, _, new, name), choice in chosen.items():
        before = near[name].reindex(minutes.index).to_numpy(float)
        then = after(minutes, near[name], choice.sites).to_numpy()
        some = then < before
        told = {SAVED: share * times * (weight @ (before - then)) / weight.sum()}
        for limit in limits:
            # Short of the limit now, or only then: minutes grow with the multiplier.
            come = (before[some] * times[:, None] > limit) & (then[some] * times[:, None] <= limit)
            for words, column in REACHED.items():
                reached = come @ known[column].to_numpy(float)[some]
                told[words.format(limit=limit)] = share * often[column] * reached
        for measure, found in told.items():
            ends = between(found)
            rows.append({"group": str(new), "measure": measure, "centre_list": name,
                         "estimate": found[0], "from": ends[0], "to": ends[1]})  # fmt: skip
    table = pd.DataFrame(rows)
    lists = over_lists(table.drop(columns=["from", "to"])).assign(scenario=LISTS)
    ends = table.groupby(["group", "measure"], sort=False).agg(
        low=("from", "min"), high=("to", "max")
    )
    both = lists.drop(columns=["low", "high"]).merge(ends.reset_index())
    out = pd.concat([lists, both.assign(scenario=BOTH)], ignore_index=True)
    unit = np.where(out["measure"] == SAVED, "minutes", "people")
    return out.assign(group_by=ADDED, unit=unit)


def between(found: np.ndarray) -> tuple[float, float]:
    """Find the limits that hold 95 per cent of the draws and the base.

    The assumed values may lie at an end of their ranges, so that the base is part of the range.

    Parameters
    ----------
    found : a result, first with the assumptions at their values and then with each draw of them.

    Returns
    -------
    The lower limit and the upper.
    """
    low, high = np.quantile(found[1:], MOST_DRAWS)
    return float(min(low, found[0])), float(max(high, found[0]))


def counted(chosen: Mapping[tuple, Choice], by_board: pd.DataFrame) -> pd.DataFrame:
    """Count the choices that are proven, and the care boards that the spokes would do little for.

    Parameters
    ----------
    chosen : as `plans` returns it.
    by_board : as `gains` returns it by care board, the same sites on every list.

    Returns
    -------
    One row a `measure`: `estimate` (of the boards: on the base list), `low` (boards that would save
    a minute or less on every list), `high` (on at least one list), `unit`.
    """
    saved = by_board[by_board["measure"] == SAVED]
    ends = {"estimate": "estimate", "low": "high", "high": "low"}
    little = {end: float((saved[of] <= 1).sum()) for end, of in ends.items()}
    whole = {CHOICES: len(chosen), PROVEN: sum(one.proven for one in chosen.values())}
    rows = [
        {"measure": measure, "unit": "choices", **dict.fromkeys(little, float(number))}
        for measure, number in whole.items()
    ]
    boards = dict.fromkeys(little, float(len(saved)))
    rows += [{"measure": BOARDS, "unit": "boards", **boards},
             {"measure": LITTLE, "unit": "boards", **little}]  # fmt: skip
    return pd.DataFrame(rows)


def in_words(row: Mapping) -> str:
    """Write an estimate and its range for prose: three digits of people, one decimal of minutes.

    Parameters
    ----------
    row : `estimate` (perhaps missing: then the range stands alone), `low`, `high`, `unit`.

    Returns
    -------
    For example `5.5 (4.7 to 14.4)`; one number where the range has no width as it is written.
    """
    low, high, estimate = (_written(row[end], row["unit"]) for end in ("low", "high", "estimate"))
    apart = f"{low} to {high}"
    if pd.isna(row["estimate"]):
        return low if low == high else apart
    return estimate if low == estimate == high else f"{estimate} ({apart})"


def _written(value: float, unit: str) -> str:
    if pd.isna(value):
        return ""
    if unit == "people" and abs(value) >= 1000:
        # Whole people of a model would claim more than it knows.
        digits = len(f"{abs(value):.0f}") - 3
        return f"{round(value, -digits):,.0f}"
    if unit in ("minutes", "per cent", "times"):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{value:,.0f}"


def quoted(key: str, table: pd.DataFrame) -> list[tuple[str, str, dict[str, str]]]:
    """List the numbers that prose may quote from a table: key, words, and the row's columns.

    Parameters
    ----------
    key : how the numbers are named, with the columns that pick a row: `spokes.gains.{group}`.
    table : the published table, as for `in_words`.

    Returns
    -------
    For each row its key, its words, and the columns of the key with their values.
    """
    columns = [word.split("}")[0] for word in key.split("{")[1:]]
    return [
        (key.format(**row), in_words(row), {column: row[column] for column in columns})
        for row in table.to_dict("records")
    ]


def headlines(few: pd.DataFrame, by_fifth: pd.DataFrame) -> tuple[str, str]:
    """Head the map and the figure of the fifths with what their tables hold.

    Parameters
    ----------
    few : as `counted` returns it.
    by_fifth : rows of `gains` by deprivation quintile.

    Returns
    -------
    The titles: in how many care boards five spokes would save little, and which fifth they would
    save the least (base list).
    """
    boards = few.set_index("measure")["estimate"]
    saved = by_fifth[by_fifth["measure"] == SAVED].set_index("group")["estimate"]
    least = str(saved.idxmin())
    named = FIFTHS.get(least, f"deprivation quintile {least}")
    return (
        f"Five spokes would save a minute or less in {boards[LITTLE]:.0f} of {boards[BOARDS]:.0f} "
        "care boards (base list)",
        f"Five spokes would save {named} the least (car ownership not included)",
    )


def from_nothing(
    minutes: pd.DataFrame,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    centres: Mapping[str, int],
    column: str = "expected_patients",
    seconds: float = 60.0,
) -> pd.DataFrame:
    """Compare today's pattern of centres with the best one of as many, chosen from nothing.

    Parameters
    ----------
    minutes : one-way minutes to every candidate, today's sites among them.
    near, areas, seconds : as for `plans`.
    centres : how many centres each list has.
    column : the people that weigh.

    Returns
    -------
    One row a list and pattern: `scenario` (today, from nothing), `centre_list`, `group` (centres),
    `estimate` (mean minutes), `low` and `high` (value and bound), `unit`, `note`.
    """
    weight = areas.set_index("area_code")[column]
    nothing = pd.Series(np.inf, minutes.index)
    rows = []
    for name, count in centres.items():
        now = value_of(near[name], weight)
        best = choose(minutes, nothing, weight, count, seconds=seconds)
        note = "proven: no other sites do better" if best.proven else (
            f"not proven: others could be better by {100 * best.gap:.2g} per cent")  # fmt: skip
        for scenario, value, bound, said in (
            ("today", now, now, ""), ("from nothing", best.value, best.bound, note)
        ):  # fmt: skip
            rows.append({"scenario": scenario, "centre_list": name, "group_by": "centres",
                         "group": str(count), "measure": MEASURES["mean"], "estimate": value,
                         "low": bound, "high": value, "unit": "minutes", "note": said,
                         "difference": value - now})  # fmt: skip
    return pd.DataFrame(rows)
