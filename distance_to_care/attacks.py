"""Attacks on releases: what published tables give back of the people behind them.

Each function plays somebody who holds published tables and nothing else, and works backwards: from
a curve to people's times, from two releases to the one person between them, from the bytes of a
file to a value that nobody should see. The same functions are turned on tables that went through
disclosure control and on tables that did not; an attack that fails on both proves nothing.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from distance_to_care.problems import Problem
from distance_to_care.statistics import engine

# How often the number of censorings of an interval is tried again, as by Guyot's authors.
ROUNDS = 100
PNG = b"\x89PNG\r\n\x1a\n"
# Columns that name a row of a published table.
KEYS = ("measure", "model", "variable", "group_by", "group", "term", "level", "time_years")
# With these a cell of a spreadsheet begins that is a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# The hazard ratio is tried for a person's time at this many points between the first and the last.
TIMES = 60
# Times at which the other event may have happened, between two points of a curve.
PARTS = 8
# How far a printed share may be from the exact one, and the people followed from those printed.
PRINTED, FOLLOWED = 0.0005, 0.15


def reconstruct(curve: pd.DataFrame) -> pd.DataFrame:
    """Turn published curves back into people, by inverting the Kaplan-Meier equations.

    Between two published numbers at risk, deaths follow from each fall of the curve, and as many
    censorings are spread evenly as make the next number at risk come out.

    Parameters
    ----------
    curve : one row a published point: `time_years`, `estimate` (probability of being alive),
        `at_risk` (people just before; may be missing but at the first point), and `group` where
        there are several curves.

    Returns
    -------
    One row a time at which somebody's follow-up ended: `group`, `time_years`, `died` (true or
    false) and `people` who ended then.

    Guyot, Ades, Ouwens and Welton 2012, doi 10.1186/1471-2288-12-9.
    """
    found = []
    groups = curve.groupby("group", sort=False) if "group" in curve else [("all", curve)]
    for group, points in groups:
        known = points.dropna(subset="estimate").sort_values("time_years")
        if known.empty or pd.isna(known["at_risk"].iloc[0]):
            continue
        numbers = known[["time_years", "estimate", "at_risk"]].astype(float).to_numpy().T
        found.append(_ends(*numbers).assign(group=group))
    if not found:
        return pd.DataFrame(columns=["group", "time_years", "died", "people"])
    return pd.concat(found, ignore_index=True)[["group", "time_years", "died", "people"]]


def _ends(time: np.ndarray, alive: np.ndarray, at_risk: np.ndarray) -> pd.DataFrame:
    """Work out deaths and censorings of one curve, interval by interval."""
    places = np.flatnonzero(~np.isnan(at_risk))
    deaths, curve, ends = np.zeros(len(time)), 1.0, []
    still = at_risk[0]
    for start, stop in zip(places, [*places[1:], len(time)], strict=True):
        still = at_risk[start]
        wanted = at_risk[stop] if stop < len(time) else None
        end = time[stop] if stop < len(time) else time[-1]
        censored = max(0.0, still - wanted) if wanted is not None else 0.0
        for _ in range(ROUNDS):
            when = time[start] + (np.arange(censored) + 0.5) / max(censored, 1) * (
                end - time[start]
            )
            now, level, left = _forward(time, alive, when, start, stop, still, curve)
            if wanted is None or left == wanted:
                break
            if censored == 0 and left < wanted:
                break
            censored = max(0.0, censored + left - wanted)
        deaths[start:stop], curve, still = now, level, left
        ends += [(moment, False, 1) for moment in when]
    ends += [
        (moment, True, int(number)) for moment, number in zip(time, deaths, strict=True) if number
    ]
    if still > 0:
        ends.append((time[-1], False, int(still)))
    return pd.DataFrame(ends, columns=["time_years", "died", "people"])


def _forward(
    time: np.ndarray,
    alive: np.ndarray,
    censored: np.ndarray,
    start: int,
    stop: int,
    still: float,
    curve: float,
) -> tuple[np.ndarray, float, float]:
    """Follow an interval: its deaths, the curve after it, and who is left for the next one."""
    deaths = np.zeros(stop - start)
    for place in range(start, stop):
        fall = 1 - alive[place] / curve if curve > 0 else 0.0
        number = min(still, max(0.0, np.round(still * fall)))
        deaths[place - start] = number
        curve *= 1 - number / still if still > 0 else 1.0
        until = time[place + 1] if place + 1 < len(time) else np.inf
        still -= number + ((censored >= time[place]) & (censored < until)).sum()
        still = max(still, 0.0)
    return deaths, curve, still


def pinned(
    people: pd.DataFrame,
    curve: pd.DataFrame,
    threshold: int,
    step_years: float,
    by: str | None = None,
) -> pd.DataFrame:
    """Count the people whose death a published curve places in one step with too few others.

    Parameters
    ----------
    people : the truth, one row a person: `follow_up_years`, `died` and the column `by`.
    curve : the published curve or curves, as `reconstruct` takes them.
    threshold : fewest people among whom nobody can be told from the others.
    step_years : how near, in years, a day of death counts as known.
    by : column of `people` that holds the groups of the curves; none for one curve of everybody.

    Returns
    -------
    One row a group: `group`, `people`, `deaths`, `pinned` (people who died within a step of a
    time at which the attacker counts fewer than the threshold), `share` (of the deaths), and the
    median survival in years of the truth and of the reconstruction, `median` and `rebuilt`.
    """
    rebuilt = reconstruct(curve)
    rows = []
    for group, found in rebuilt.groupby("group", sort=False):
        whole = group == "all" or by is None
        members = people if whole else people[people[by].astype(str) == group]
        deaths = members.loc[members["died"].astype(bool), "follow_up_years"]
        died = np.sort(deaths.to_numpy(float))
        claims = found[found["died"]].groupby("time_years")["people"].sum()
        points = np.sort(
            (curve if "group" not in curve else curve[curve["group"] == group])["time_years"]
        )
        known = np.zeros(len(died), dtype=bool)
        for time in claims.index[claims < threshold]:
            before = points[points < time]
            last = before[-1] if len(before) else -np.inf
            # A claim that is wrong pins nobody.
            if ((died > last) & (died <= time)).sum() < threshold:
                known |= (died > max(last, time - step_years)) & (died <= time)
        rows.append(
            {
                "group": group,
                "people": len(members),
                "deaths": len(died),
                "pinned": int(known.sum()),
                "share": known.mean() if len(died) else 0.0,
                "median": _median(members["follow_up_years"], members["died"], None),
                "rebuilt": _median(found["time_years"], found["died"], found["people"]),
            }
        )
    columns = ["group", "people", "deaths", "pinned", "share", "median", "rebuilt"]
    return pd.DataFrame(rows, columns=columns)


def _median(years: pd.Series, died: pd.Series, people: pd.Series | None) -> float:
    """The median survival, of people or of numbers of people."""
    times = 1 if people is None else people.to_numpy(int)
    years, died = np.repeat(years.to_numpy(float), times), np.repeat(died.to_numpy(bool), times)
    if not died.any():
        return np.nan
    curve = engine.kaplan_meier(engine.risk_table(years, died))
    return engine.reached(curve.time, curve.survival)


def other_events(naive: pd.DataFrame, competing: pd.DataFrame) -> pd.DataFrame:
    """Find how many people can have had another event, from two published curves of one event.

    Where the other event is taken for loss to follow-up (one less Kaplan-Meier), each of the n(t)
    people from whom one is lost at t stands for more of the later events; where it is not (Aalen
    and Johansen), none does. So the curves are apart by the sum, over the people lost at t, of
    (S(t) - S(T)) / n(t), and a linear programme gives the fewest and the most who fit.

    Parameters
    ----------
    naive : one row a published point: `time_years`, `estimate` (share to whom it happened),
        `at_risk`, `deaths`, `censored` (of the step before; may be missing).
    competing : its points in `time_years` and `estimate`, at times that `naive` has.

    Returns
    -------
    One row a point of `naive` after the start, up to the last of `competing`: `time_years`,
    `fewest` and `most` people who had the other event before it.
    """
    known = naive.dropna(subset="estimate").sort_values("time_years")
    time, share = known[["time_years", "estimate"]].to_numpy(float).T
    ended = known[["deaths", "censored"]].to_numpy(float, na_value=0)
    followed = known["at_risk"].to_numpy(float, na_value=np.nan)
    for place in range(1, len(followed)):
        if np.isnan(followed[place]):
            followed[place] = followed[place - 1] - ended[place].sum()
    points = competing[competing["time_years"].isin(time[1:])].dropna(subset="estimate")
    points = points.sort_values("time_years")
    at = points["time_years"].to_numpy(float)
    if not len(at):
        return pd.DataFrame(columns=["time_years", "fewest", "most"])
    apart = np.interp(at, time, share) - points["estimate"].to_numpy(float)
    tried = np.concatenate([
        np.linspace(start, stop, PARTS, endpoint=False)
        for start, stop in zip(time, time[1:], strict=False)
    ])  # fmt: skip
    before = tried < at[:, None]
    later = np.interp(at, time, share)[:, None] - np.interp(tried, time, share)
    weight = np.where(before, later / np.maximum(np.interp(tried, time, followed), 1), 0)
    steps = np.repeat(np.eye(len(time) - 1), PARTS, axis=1)
    matrix = np.concatenate([(1 - FOLLOWED) * weight, -(1 + FOLLOWED) * weight, steps])
    limit = np.concatenate([apart + 2 * PRINTED, 2 * PRINTED - apart, ended[1:, 1] + 2])
    rows = []
    for moment in time[(time > 0) & (time <= at[-1])]:
        counted = (tried < moment).astype(float)
        found = [linprog(sign * counted, matrix, limit) for sign in (1, -1)]
        if all(each.success for each in found):
            fewest, most = (sign * each.fun for sign, each in zip((1, -1), found, strict=True))
            rows.append((moment, np.ceil(fewest - 1e-6), np.floor(most + 1e-6)))
    return pd.DataFrame(rows, columns=["time_years", "fewest", "most"])


def changed(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Find every number that differs between two releases of the same tables.

    Returns
    -------
    One row a changed cell: `table`, the columns of `KEYS` that the table has, `column`, `before`,
    `after`.
    """
    found = []
    for name in sorted(set(before) & set(after)):
        keys = [key for key in KEYS if key in before[name] and key in after[name]]
        numbers = [
            column
            for column in before[name].select_dtypes("number")
            if column in after[name] and column not in keys
        ]
        sides = [
            side[name].melt(id_vars=keys, value_vars=numbers, var_name="column", value_name=label)
            for label, side in (("before", before), ("after", after))
        ]
        both = sides[0].merge(sides[1], on=[*keys, "column"], how="outer")
        one, other = both["before"].astype("Float64"), both["after"].astype("Float64")
        same = ((one == other) | (one.isna() & other.isna())).fillna(False).astype(bool)
        found.append(both[~same].assign(table=name))
    if not found:
        return pd.DataFrame(columns=["table", "column", "before", "after"])
    return pd.concat(found, ignore_index=True)


def told_by_tables(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]
) -> dict[str, str]:
    """Say what two releases, the second of one person more, tell of that person.

    A person is in the one group whose numbers moved, and in the one level whose share or count
    grew.

    Parameters
    ----------
    before, after : released tables by name; groups in `group_by` and `group`, levels in `variable`
        and `level`, counts in `people`, shares in `estimate` with the unit `per cent`.

    Returns
    -------
    The columns of people that are told, each with the person's level.
    """
    told: dict[str, set] = {}
    for row in changed(before, after).to_dict("records"):
        if _is_level(row.get("group_by"), row.get("group")):
            told.setdefault(row["group_by"], set()).add(str(row["group"]))
        share = str(row.get("measure", "")).startswith("share")
        counts = row["column"] == ("estimate" if share else "people")
        grew = pd.notna(row["before"]) and pd.notna(row["after"]) and row["after"] > row["before"]
        if counts and grew and _is_level(row.get("variable"), row.get("level")):
            told.setdefault(row["variable"], set()).add(str(row["level"]))
    return {column: levels.pop() for column, levels in told.items() if len(levels) == 1}


def _is_level(column: object, level: object) -> bool:
    return isinstance(column, str) and str(level) not in ("all", "", "nan")


def counts_behind(mean: float, decimals: int, people: float, width: int) -> list[int]:
    """Find the exact numbers of people that a published mean can be the mean of.

    The values behind a mean have few decimals, so that the mean times the people is a whole number
    of their last place, and with many digits only the true count makes it one.

    Parameters
    ----------
    mean : the mean as published; how many digits it has is what the attack lives on.
    decimals : of the values behind it.
    people : the rounded count that stands beside it.
    width : how far at most the true count is from the rounded one.
    """
    digits = len(f"{mean:.10g}".replace(".", "").replace("-", "").strip("0")) if mean else 1
    printed = 0.5 * 10 ** (np.floor(np.log10(abs(mean))) - digits + 1) if mean else 0.0
    found = []
    for count in range(max(1, int(people) - width), int(people) + width + 1):
        total, unsure = mean * count * 10**decimals, printed * count * 10**decimals
        if abs(total - np.round(total)) <= max(unsure, 1e-6):
            found.append(count)
    return found


def with_digits(values: Iterable[float], digits: int) -> np.ndarray:
    """Round numbers to so many significant digits, as a table prints them."""
    return np.array([float(f"{value:.{digits}g}") for value in values])


def possible_people(curves: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Work out how one person more would move the hazard ratios, for every possible person.

    The people are rebuilt from published curves, so nothing but published tables is used. A person
    adds to the score of Cox's model what their death and their time at risk add, and the log
    hazard ratios move by that over the information.

    Parameters
    ----------
    curves : published curves of groups, as `reconstruct` takes them.
    reference : the group that the hazard ratios compare with.

    Returns
    -------
    One row a possible person: `group`, `time_years`, `died`, and a column for each group but the
    reference: the change of its log hazard ratio.
    """
    rebuilt = reconstruct(curves[curves["group"] != "all"])
    if rebuilt.empty:
        raise Problem("None of these curves can be turned back into people.")
    rows = rebuilt.loc[rebuilt.index.repeat(rebuilt["people"])]
    groups = sorted(rows["group"].unique())
    terms = [group for group in groups if group != reference]
    X = np.column_stack([rows["group"] == term for term in terms]).astype(float)
    time, died = rows["time_years"].to_numpy(float), rows["died"].to_numpy(bool)
    fit = engine.cox(time, died, X)
    hazard = np.exp(X @ fit.coefficients)
    order = np.argsort(-time, kind="stable")
    moments, deaths = np.unique(time[died], return_counts=True)
    followed = np.searchsorted(-time[order], -moments, side="right")
    total = np.cumsum(hazard[order])[followed - 1]
    mean = np.cumsum((hazard[:, None] * X)[order], axis=0)[followed - 1] / total[:, None]
    jumps = deaths / total
    # Of each possible time: the share of each group among those at risk, and sums up to then.
    tried = np.linspace(moments[0], moments[-1], TIMES)
    upto = np.searchsorted(moments, tried, side="right") - 1
    baseline, weighted = np.cumsum(jumps)[upto], np.cumsum(jumps[:, None] * mean, axis=0)[upto]
    people = []
    for group in groups:
        x = np.array([float(group == term) for term in terms])
        passed = np.exp(x @ fit.coefficients) * (x * baseline[:, None] - weighted)
        for ended in (True, False):
            score = ended * (x - mean[upto]) - passed
            moved = pd.DataFrame(score @ fit.variance, columns=terms)
            people.append(moved.assign(group=group, time_years=tried, died=ended))
    return pd.concat(people, ignore_index=True)[["group", "time_years", "died", *terms]]


def told_by_ratios(before: pd.Series, after: pd.Series, possible: pd.DataFrame) -> pd.Series | None:
    """Find the possible person who moves the hazard ratios most nearly as they moved.

    Parameters
    ----------
    before, after : published hazard ratios by group, the second of one person more.
    possible : what `possible_people` returns.

    Returns
    -------
    The row of that person; None where no ratio moved, so that nothing is told.
    """
    moved = np.log(after.astype(float)) - np.log(before.astype(float))
    if not (moved.abs() > 0).any():
        return None
    effects = possible[list(moved.index)].to_numpy(float)
    apart = ((effects - moved.to_numpy(float)) ** 2).sum(axis=1)
    return possible.iloc[int(np.argmin(apart))]


def hidden_in(content: bytes, values: Iterable[str]) -> set[str]:
    """Search the bytes of a file for values that nobody should see, also where it is packed.

    Parameters
    ----------
    content : bytes of a file: text, gzip, zip (also a workbook) or PNG.
    values : texts to look for, with a letter or digit on neither side.

    Returns
    -------
    The values that are there.
    """
    found = {value for value in values if _stands_in(value, content)}
    for inner in _unpacked(content):
        found |= hidden_in(inner, set(values) - found)
    return found


def _stands_in(value: str, content: bytes) -> bool:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        coded, start = value.encode(encoding), 0
        width = 1 if encoding == "utf-8" else 2
        while (at := content.find(coded, start)) >= 0:
            end = at + len(coded)
            sides = content[max(0, at - width) : at] + content[end : end + width]
            # 61.25 is not told by 161.255.
            if not any(chr(byte).isalnum() and byte < 128 for byte in sides):
                return True
            start = at + 1
    return False


def _unpacked(content: bytes) -> Iterable[bytes]:
    """What is packed inside a file; nothing where it is not packed, or not whole."""
    if content.startswith(b"\x1f\x8b"):
        try:
            yield gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return
    elif content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                for name in packed.namelist():
                    yield name.encode()
                    yield packed.read(name)
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError):
            return
    elif content.startswith(PNG):
        at = len(PNG)
        while at + 8 <= len(content):
            size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
            body = content[at + 8 : at + 8 + size]
            if kind in (b"zTXt", b"iTXt"):
                for start in range(len(body)):
                    if body[start : start + 1] == b"\x78":
                        try:
                            yield zlib.decompress(body[start:])
                        except zlib.error:
                            continue
            at += size + 12


def formula_cells(table: pd.DataFrame) -> list[str]:
    """List the text cells of a table that a spreadsheet would take for formulas."""
    texts = table.select_dtypes(exclude=["number", "bool"]).astype(str).to_numpy().ravel()
    return [text for text in texts if text.startswith(FORMULA) and not _is_number(text)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
