"""People on treatment, from the quantities of medicines that hospitals issue, against expected.

Quantities come from pharmacy stock control and not from prescriptions: nobody is counted. A number
of people on treatment is what the quantity would supply at a stated daily dose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import access, geography
from distance_to_care.problems import Problem

EVERY = "every medicine listed"
ONE = "only medicines for this disease alone"
EXPECTED, TREATED = "expected people", "people on treatment"
RATIO = "on treatment for every 100 expected"
PLACES = ("all", "region", "board")
NOT_SUPPLIED = "data not yet supplied"
ROUNDED = "people expected in England, to the nearest thousand"
MONTHS = 12
# Fewer people than this are withheld for a place, though the quantities are open data.
THRESHOLD = 10
_ENDS = ["estimate", "low", "high"]
_FINAL = "final"
# A month in which so small a part of the usual number of trusts stands may have been cut off.
_SHORT = 0.8
# Where more than this part of what was issued has no dose, no number of people is given.
_MOST = 0.5


def treated_days(quantities: pd.DataFrame, doses: pd.DataFrame) -> pd.DataFrame:
    """Turn quantities of products into days for which they treat one person.

    Parameters
    ----------
    quantities : `month` (`2026-07`), `trust_code`, `product`, `quantity` (capsules or tablets,
        below 0 where more came back than went out).
    doses : `product`, `medicine`, `one_disease`, and capsules or tablets that one person takes a
        day: `value`, `low`, `high`.

    Returns
    -------
    One row a month, trust and medicine: `month`, `trust_code`, `medicine`, `one_disease`,
    `estimate`, `low`, `high` (days of treatment; the most units a day make the fewest days).
    Products without a dose are left out: `without_dose` names them.

    Raises
    ------
    Problem : a dose that is not above 0, a range that does not hold its value, or a product twice.
    """
    ends = doses[["low", "value", "high"]].astype(float)
    wrong = ~((ends["low"] > 0) & (ends["low"] <= ends["value"]) & (ends["value"] <= ends["high"]))
    if wrong.any() or doses["product"].duplicated().any():
        raise Problem(
            "Every product needs one dose above 0, in units a day, within its range: "
            f"{int(wrong.sum()):,} doses are not, and {int(doses['product'].duplicated().sum()):,} "
            "products stand there twice."
        )
    each = quantities.merge(doses, on="product", validate="many_to_one")
    days = each[["month", "trust_code", "medicine", "one_disease"]].assign(
        estimate=each["quantity"] / each["value"],
        low=each["quantity"] / each["high"],
        high=each["quantity"] / each["low"],
    )
    keys = ["month", "trust_code", "medicine", "one_disease"]
    return days.groupby(keys, as_index=False)[_ENDS].sum()


def without_dose(quantities: pd.DataFrame, doses: pd.DataFrame) -> list[str]:
    """Name the products that no dose is known for, in order of the alphabet.

    Parameters
    ----------
    quantities, doses : as for `treated_days`.

    Returns
    -------
    Names of products.
    """
    return sorted(set(quantities["product"]) - set(doses["product"]))


def latest_months(quantities: pd.DataFrame, months: int = MONTHS) -> list[str]:
    """List the months with data among so many calendar months that end with the last one.

    Parameters
    ----------
    quantities : `month`.
    months : how many calendar months are looked back, the last one included.

    Returns
    -------
    Months such as `2026-07`, in order; fewer than asked for where some are missing.
    """
    last = pd.Period(quantities["month"].max(), "M")
    window = {str(last - back) for back in range(months)}
    return sorted(window & set(quantities["month"]))


def average_people(days: pd.DataFrame, months: Sequence[str], by: Sequence[str]) -> pd.DataFrame:
    """Average the number of people on treatment over months, for groups of rows.

    Parameters
    ----------
    days : as `treated_days` returns it, with the columns `by`.
    months : the months that count, such as `2026-07`.
    by : columns whose groups get rows; one row for all where there are none.

    Returns
    -------
    The columns `by`, and `estimate`, `low`, `high` (people): days of treatment over days of the
    calendar. A group that gave more back than it issued has 0. Where it gave back more of one
    medicine, the ends are the least and the most of the three, so that they hold the estimate.
    """
    length = sum(pd.Period(month, "M").days_in_month for month in set(months))
    rows = days[days["month"].isin(list(months))]
    if by:
        out = rows.groupby(list(by), as_index=False)[_ENDS].sum()
    else:
        out = rows[_ENDS].sum().to_frame().T
    out[_ENDS] = (out[_ENDS] / length).clip(lower=0)
    out["low"], out["high"] = out[_ENDS].min(axis=1), out[_ENDS].max(axis=1)
    return out


def located(
    trusts: pd.DataFrame, postcodes: pd.DataFrame, areas: pd.DataFrame, boards: pd.DataFrame
) -> pd.DataFrame:
    """Find the area, region and care board in which each trust has its postcode.

    Parameters
    ----------
    trusts : `trust_code`, `postcode` (capital letters, no space).
    postcodes : the table `postcodes`: `postcode`, `area_code`.
    areas : the table `areas`: `area_code`, `region`, `sub_icb_code`, `local_authority_code`.
    boards : one edition of the table `care_boards`.

    Returns
    -------
    One row a trust: `trust_code`, `area_code`, `region`, `board`; missing where its postcode is
    not known, has ended, or is not in England.
    """
    wanted = postcodes[postcodes["postcode"].isin(trusts["postcode"])]
    of_area = areas[["area_code", "region"]].merge(access.board_of_areas(areas, boards))
    out = trusts[["trust_code", "postcode"]].merge(
        wanted[["postcode", "area_code"]].drop_duplicates("postcode"), how="left"
    )
    out = out.merge(of_area[["area_code", "region", "board"]], on="area_code", how="left")
    # An area beyond England is no area of the table: its trust has no place here.
    out["area_code"] = out["area_code"].where(out["region"].notna())
    return out[["trust_code", "area_code", "region", "board"]]


def withhold(table: pd.DataFrame) -> pd.DataFrame:
    """Take away small numbers of people, and a second one where a total would give the first back.

    Parameters
    ----------
    table : one row a place: `group`, `parent` (the total it is part of), and the people on
        treatment there at the stated dose: `every` (all medicines), `one` (one disease alone).

    Returns
    -------
    The same rows with `hide_every` and `hide_one`: true where the number is below 10 but not 0,
    where the other medicines alone are (for `one`), and for the smallest other place of a total
    in which just one place is hidden.
    """
    few = {
        "every": _few(table["every"]),
        "one": _few(table["one"]) | _few(table["every"] - table["one"]),
    }
    out = table.copy()
    for name in ("every", "one"):
        hidden = few[name].copy()
        for _, rows in table.groupby("parent"):
            # A place with nobody hides nothing: the smallest with somebody goes as well.
            hidden |= _second(hidden, rows[name])
        out[f"hide_{name}"] = hidden
    out["hide_one"] |= out["hide_every"]
    return out


def _few(people: pd.Series) -> pd.Series:
    return (people > 1e-9) & (people < THRESHOLD)


def against_expected(
    days: pd.DataFrame,
    months: Sequence[str],
    place: pd.Series,
    expected: pd.DataFrame,
    parent: Mapping[str, str],
) -> pd.DataFrame:
    """Set people on treatment, by the place of the trust that issued, against expected people.

    Parameters
    ----------
    days : as `treated_days` returns it.
    months : the months that count.
    place : place of each trust; index `trust_code`. Trusts without a place play no part.
    expected : `group` (the place), `estimate`, `low`, `high` (expected people who live there).
    parent : place -> the total that it is part of, for `withhold`.

    Returns
    -------
    Tidy table `measure` (expected people; people on treatment; on treatment for every 100
    expected), `scenario` (every medicine; only medicines for one disease), `group`, `estimate`,
    `low`, `high`, `unit`, `suppressed`. The range of the ratio takes both at their far ends: fewest
    treated over most expected, and most over fewest.
    """
    here = days.assign(group=days["trust_code"].map(place)).dropna(subset="group")
    places = pd.Index(expected["group"], name="group")
    people = {
        scenario: average_people(rows, months, ["group"])
        .set_index("group")
        .reindex(places, fill_value=0.0)
        for scenario, rows in {EVERY: here, ONE: here[here["one_disease"].astype(bool)]}.items()
    }
    hidden = withhold(
        pd.DataFrame(
            {
                "group": places,
                "parent": [parent.get(group, "all") for group in places],
                "every": people[EVERY]["estimate"].to_numpy(),
                "one": people[ONE]["estimate"].to_numpy(),
            }
        )
    )
    base = expected.set_index("group")[_ENDS].astype(float)
    parts = [_rows(base, EXPECTED, "all", "people")]
    for scenario, hide in ((EVERY, hidden["hide_every"]), (ONE, hidden["hide_one"])):
        found = people[scenario][_ENDS].copy()
        found.loc[hide.to_numpy()] = np.nan
        ratio = pd.DataFrame(
            {
                "estimate": 100 * found["estimate"] / base["estimate"],
                "low": 100 * found["low"] / base["high"],
                "high": 100 * found["high"] / base["low"],
            }
        )
        for measure, values, unit in (
            (TREATED, found, "people"),
            (RATIO, ratio, "per 100 expected"),
        ):
            parts.append(_rows(values, measure, scenario, unit, hide.to_numpy()))
    return pd.concat(parts, ignore_index=True)


def _rows(
    values: pd.DataFrame, measure: str, scenario: str, unit: str, suppressed: object = False
) -> pd.DataFrame:
    out = values.rename_axis("group").reset_index()
    return out.assign(measure=measure, scenario=scenario, unit=unit, suppressed=suppressed)


def by_place(
    days: pd.DataFrame, months: Sequence[str], where: pd.DataFrame | None, expected: pd.DataFrame
) -> pd.DataFrame:
    """Set people on treatment against expected people: England, its regions and care boards.

    Parameters
    ----------
    days, months : as for `against_expected`.
    where : as `located` returns it; None where no list of trusts is at hand.
    expected : `group_by` (all, region, board), `group`, `estimate`, `low`, `high`.

    Returns
    -------
    As `against_expected`, with `group_by` and `note`. Trusts without a known place count for
    England only. Without a list of trusts, regions and boards have expected people alone.
    """
    everywhere = pd.Series("all", index=days["trust_code"].unique())
    parts = []
    for group_by, rows in expected.groupby("group_by", sort=False):
        if group_by == "all":
            place, parent = everywhere, {}
        elif where is None:
            parts.append(_only_expected(rows).assign(group_by=group_by))
            continue
        else:
            known = where.dropna(subset=group_by).set_index("trust_code")
            place = known[group_by]
            regions = known.groupby("board")["region"].agg(lambda region: region.mode().iloc[0])
            parent = regions.to_dict() if group_by == "board" else {}
        found = against_expected(days, months, place, rows, parent)
        parts.append(found.assign(group_by=group_by, note=""))
    return pd.concat(parts, ignore_index=True)


def _only_expected(expected: pd.DataFrame) -> pd.DataFrame:
    """Expected people by place, with a note that nothing is known of treatment there."""
    base = expected.set_index("group")[_ENDS].astype(float)
    rows = _rows(base, EXPECTED, "all", "people")
    return rows.assign(note=f"{TREATED}: {NOT_SUPPLIED}")


def nearest_of_lists(
    minutes: pd.DataFrame, centres: pd.DataFrame, expected: pd.Series
) -> pd.DataFrame:
    """Give every area its nearest centre under every way to read the list of centres.

    Parameters
    ----------
    minutes : one-way minutes by car; index `area_code`, one column a site.
    centres : the list: `site`, `certainty` (A, B, C).
    expected : expected people by area code.

    Returns
    -------
    `centre_list` (A, AB, ABC), `area_code`, `centre`, `expected`.
    """
    parts = []
    for grades in access.LISTS:
        sites = centres.loc[centres["certainty"].isin(list(grades)), "site"]
        found = geography.nearest(minutes.loc[expected.index, list(sites)])
        parts.append(
            pd.DataFrame(
                {
                    "centre_list": grades,
                    "area_code": expected.index,
                    "centre": found["site"].to_numpy(),
                    "expected": expected.to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def by_catchment(
    days: pd.DataFrame,
    months: Sequence[str],
    where: pd.DataFrame,
    nearest: pd.DataFrame,
    spread: Mapping[str, float],
) -> pd.DataFrame:
    """Set people on treatment against expected people in the catchment of each centre.

    A catchment is every area whose nearest centre it is. A trust counts where it stands, so a
    hospital that prescribes under a centre's guidance is set against the same people as the centre.

    Parameters
    ----------
    days, months, where : as for `by_place`.
    nearest : as `nearest_of_lists` returns it.
    spread : `low` and `high` prevalence as a multiple of the one assumed.

    Returns
    -------
    As `against_expected`, with `centre_list`, `centre` (for `group`). A number that differs from
    that of the same centre in another list by fewer than 10 people is hidden too.
    """
    parts = []
    for name, rows in nearest.groupby("centre_list", sort=False):
        centre = rows.set_index("area_code")["centre"]
        place = where.dropna(subset="area_code").set_index("trust_code")["area_code"].map(centre)
        people = rows.groupby("centre")["expected"].sum()
        expected = pd.DataFrame(
            {
                "group": people.index,
                "estimate": people.to_numpy(),
                "low": people.to_numpy() * spread["low"],
                "high": people.to_numpy() * spread["high"],
            }
        )
        found = against_expected(days, months, place, expected, {})
        parts.append(found.rename(columns={"group": "centre"}).assign(centre_list=name))
    return between_lists(pd.concat(parts, ignore_index=True))


def between_lists(catchments: pd.DataFrame) -> pd.DataFrame:
    """Hide what would give a small number back when one list of centres is taken from another.

    Parameters
    ----------
    catchments : as `by_catchment` makes it of each list by itself.

    Returns
    -------
    The same rows. Where the people of a centre, on all medicines, on those for one disease, or on
    the others, differ between two lists by fewer than 10 but not by 0, only the first list that
    shows them keeps them.
    """
    out = catchments.copy()
    people = out[out["measure"] == TREATED].set_index("scenario")
    keys = ["centre", "centre_list"]
    every, one = (people.loc[name].set_index(keys)["estimate"] for name in (EVERY, ONE))
    told = pd.DataFrame({"every": every, "one": one, "rest": every - one})
    hide = pd.Series(False, index=told.index)
    for _, rows in told.groupby(level="centre", sort=False):
        kept: list[pd.Series] = []
        for place, row in rows.iterrows():
            hide[place] = any(_few((row - other).abs()).any() for other in kept)
            if not hide[place]:
                kept.append(row)
    for _, rows in told.groupby(level="centre_list", sort=False):
        # The rest of England must not give a lone hidden number back.
        hide |= _second(hide | every.isna(), rows["every"])
    here = pd.MultiIndex.from_frame(out[keys]).isin(hide.index[hide])
    here &= (out["measure"] != EXPECTED).to_numpy()
    out.loc[here, _ENDS] = np.nan
    out.loc[here, "suppressed"] = True
    return out


def by_quarter(days: pd.DataFrame) -> pd.DataFrame:
    """Average the people on treatment in England over every calendar quarter that is whole.

    Parameters
    ----------
    days : as `treated_days` returns it.

    Returns
    -------
    Tidy table `measure`, `group_by`, `group` (the medicine; all means every medicine), `level` (the
    quarter, such as `2026 Q2`), `estimate`, `low`, `high`, `unit`, `suppressed` (fewer than 10
    people, and the smallest other medicine where only one is hidden); empty where no quarter is
    whole.
    """
    months = pd.Series(sorted(days["month"].unique()))
    quarter = pd.PeriodIndex(months, freq="M").asfreq("Q")
    parts = []
    for each in quarter.unique():
        inside = list(months[quarter == each])
        if len(inside) < 3:
            continue
        level = f"{each.year} Q{each.quarter}"
        every = average_people(days, inside, []).assign(group="all")
        split = average_people(days, inside, ["medicine"]).rename(columns={"medicine": "group"})
        parts.append(pd.concat([every, split]).assign(level=level))
    columns = ["group", *_ENDS, "level"]
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    few = _few(out["estimate"].astype(float))
    for _, rows in out[out["group"] != "all"].groupby("level"):
        few |= _second(few, rows["estimate"])
    out.loc[few, _ENDS] = np.nan
    return out.assign(measure=TREATED, group_by="medicine", unit="people", suppressed=few)


def _second(hidden: pd.Series, parts: pd.Series) -> pd.Series:
    """Mark a second part of a total where just one is hidden: the smallest that has somebody."""
    inside = hidden.loc[parts.index]
    some = parts[~inside & (parts > 0)]
    out = pd.Series(False, index=hidden.index)
    if inside.sum() == 1 and len(some):
        out.loc[some.idxmin()] = True
    return out


def gaps(quantities: pd.DataFrame, months: Sequence[str]) -> int:
    """Count the months in which a trust has no row, though it has rows before and after.

    Parameters
    ----------
    quantities : `month`, `trust_code`.
    months : the months that count.

    Returns
    -------
    Number of months of trusts; a month in which no trust has a row is not counted. Such a month may
    be a late return, or one in which nothing went out.
    """
    rows = quantities[quantities["month"].isin(list(months))]
    order = {month: place for place, month in enumerate(sorted(months))}
    found = rows.assign(at=rows["month"].map(order)).groupby("trust_code")["at"]
    return int((found.max() - found.min() + 1 - found.nunique()).sum())


def short_months(quantities: pd.DataFrame, months: Sequence[str]) -> list[str]:
    """List the months in which far fewer trusts have a row than in the others.

    Parameters
    ----------
    quantities : `month`, `trust_code`.
    months : the months that count.

    Returns
    -------
    Months with fewer than four fifths of the middle number of trusts, in order. Their files may
    have been cut off between two lines, which cannot be seen in the file itself.
    """
    rows = quantities[quantities["month"].isin(list(months))]
    trusts = rows.groupby("month")["trust_code"].nunique()
    return sorted(trusts.index[trusts < _SHORT * trusts.median()])


def without_dose_share(quantities: pd.DataFrame, doses: pd.DataFrame) -> float:
    """Share of all capsules and tablets that are of products without a dose.

    Parameters
    ----------
    quantities, doses : as for `treated_days`.

    Returns
    -------
    From 0 to 1, what came back counted as what went out; 0 where there are none.
    """
    units = quantities["quantity"].abs()
    unknown = quantities["product"].isin(without_dose(quantities, doses))
    return float(units[unknown].sum() / units.sum()) if units.sum() else 0.0


def status(
    quantities: pd.DataFrame | None,
    where: pd.DataFrame | None,
    doses: pd.DataFrame,
    places: pd.DataFrame,
) -> pd.DataFrame:
    """Say what data there are and what is missing, and answer in one sentence.

    Parameters
    ----------
    quantities : as `treated_days` takes it, with `status` (of the month's file); None where absent.
    where : as `located` returns it; None where absent.
    doses : as for `treated_days`.
    places : as `by_place` returns it.

    Returns
    -------
    Tidy table `measure`, `estimate`, `unit`, `note` (in words); the row `answer` has a note only.
    """
    if quantities is None:
        return pd.DataFrame(
            [
                ("answer", np.nan, "", _ABSENT),
                ("months of hospital medicines", 0.0, "months", NOT_SUPPLIED),
                ("trusts on the list of trusts", _count(where), "trusts", _there(where)),
            ],
            columns=["measure", "estimate", "unit", "note"],
        )
    months = latest_months(quantities)
    rows = quantities[quantities["month"].isin(months)]
    window = pd.period_range(end=months[-1], periods=MONTHS, freq="M").astype(str)
    missing = [month for month in window if month not in months]
    final = rows.loc[rows["status"] == _FINAL, "month"].nunique()
    codes = sorted(rows["trust_code"].unique())
    known = set() if where is None else set(where.dropna(subset="area_code")["trust_code"])
    lost = [code for code in codes if code not in known]
    unknown = without_dose(rows, doses)
    short = short_months(rows, months)
    share = without_dose_share(rows, doses)
    first_and_last = " to ".join(
        f"{pd.Timestamp(f'{m}-01'):%B %Y}" for m in (months[0], months[-1])
    )
    return pd.DataFrame(
        [
            ("answer", np.nan, "", _answer(places, first_and_last, unknown, share)),
            ("months of hospital medicines", float(len(months)), "months", first_and_last),
            ("missing among the last months", float(len(missing)), "months", _listed(missing)),
            ("months with far fewer trusts than the others, perhaps cut off", float(len(short)),
             "months", _listed(short)),
            ("final months, which no longer change", float(final), "months", ""),
            ("trusts that issued these medicines", float(len(codes)), "trusts", ""),
            ("trusts that issued these medicines, place not known", float(len(lost)), "trusts",
             _listed(lost)),
            (
                "months in which a trust has no row between others",
                float(gaps(rows, months)),
                "months of trusts",
                "a late return, or nothing went out: people there may be too few",
            ),
            (
                "rows in which more came back than went out",
                float((rows["quantity"] < 0).sum()),
                "rows",
                "taken off what went out",
            ),
            ("products without a dose, left out", float(len(unknown)), "products",
             _listed(unknown)),
            ("capsules and tablets left out with them", 100 * share, "per cent", ""),
            ("trusts on the list of trusts", _count(where), "trusts", _there(where)),
        ],
        columns=["measure", "estimate", "unit", "note"],
    )  # fmt: skip


_ABSENT = (
    "No data on hospital medicines have been supplied to this copy of the book, so there is "
    "nothing yet to set against the people expected"
)


def _count(where: pd.DataFrame | None) -> float:
    return 0.0 if where is None else float(len(where))


def _there(where: pd.DataFrame | None) -> str:
    return NOT_SUPPLIED if where is None else ""


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names) if names else "none"


def _answer(places: pd.DataFrame, when: str, unknown: Sequence[str], share: float) -> str:
    if share > _MOST:
        return (
            f"Hospital data from {when} are there, but {100 * share:.0f} per cent of the capsules "
            "and tablets in them are of products for which this book holds no dose, so no number "
            "of people is given"
        )
    england = places[places["group_by"] == "all"].set_index(["measure", "scenario"])
    every, ratio = england.loc[(TREATED, EVERY)], england.loc[(RATIO, EVERY)]
    alone = england.loc[(RATIO, ONE)]
    told = f"In an average month from {when}, hospitals in England issued enough to treat "
    if pd.isna(every["estimate"]):
        return f"{told}fewer than {THRESHOLD} people, so the number is withheld"
    told += (
        f"about {every['estimate']:,.0f} people ({every['low']:,.0f} to {every['high']:,.0f}, by "
        f"the dose), which is {ratio['estimate']:.0f} for every 100 expected ({ratio['low']:.0f} "
        f"to {ratio['high']:.0f}); with medicines for this disease alone "
    )
    told += (
        f"the number is withheld, since fewer than {THRESHOLD} people could be told from it"
        if pd.isna(alone["estimate"])
        else f"it is {alone['estimate']:.0f} ({alone['low']:.0f} to {alone['high']:.0f})"
    )
    if unknown:
        told += (
            f". Left out are {100 * share:.1f} per cent of the capsules and tablets, of products "
            f"without a dose in this book ({_listed(unknown)})"
        )
    return told


def with_expected(status: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Add the people expected in England, rounded as the range of that model allows.

    Parameters
    ----------
    status : as the function `status` returns it.
    expected : as for `everything`, with one row for England.

    Returns
    -------
    The same rows, and one for the people expected, with `low` and `high`: to the nearest thousand.
    """
    england = expected.loc[expected["group_by"] == "all", _ENDS].astype(float).round(-3)
    note = "a model: nobody was counted"
    return pd.concat(
        [status, england.assign(measure=ROUNDED, unit="people", note=note)], ignore_index=True
    )


def everything(
    quantities: pd.DataFrame | None,
    where: pd.DataFrame | None,
    doses: pd.DataFrame,
    expected: pd.DataFrame,
    nearest: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Make every table of the chapter, with or without the data.

    Parameters
    ----------
    quantities, where, doses : as for `status`.
    expected : `group_by` (all, region, board; others are left out), `group`, `estimate`, `low`,
        `high`.
    nearest : as `nearest_of_lists` returns it; None where it cannot be made.

    Returns
    -------
    Name -> tidy table: `status`, `places`, `quarters`, `catchments`. Where data are absent, or most
    of what was issued has no dose, the tables have expected people only, or one row that says so.
    """
    expected = expected[expected["group_by"].isin(PLACES)]
    absent = pd.DataFrame({"measure": [TREATED], "estimate": [np.nan], "unit": ["people"]})
    absent = absent.assign(low=np.nan, high=np.nan, suppressed=False, note=NOT_SUPPLIED)
    none = {
        "quarters": absent.assign(group_by="medicine", group="all", level="all"),
        "catchments": absent.assign(centre_list="all", centre="all", scenario="all"),
    }
    if quantities is not None and quantities.empty:
        quantities = None
    months = [] if quantities is None else latest_months(quantities)
    if quantities is None or (
        without_dose_share(quantities[quantities["month"].isin(months)], doses) > _MOST
    ):
        parts = [
            _only_expected(rows).assign(group_by=group_by)
            for group_by, rows in expected.groupby("group_by", sort=False)
        ]
        places = pd.concat(parts, ignore_index=True)
        told = with_expected(status(quantities, where, doses, places), expected)
        return {"status": told, "places": places, **none}
    days = treated_days(quantities, doses)
    places = by_place(days, months, where, expected)
    told = with_expected(status(quantities, where, doses, places), expected)
    found = {"status": told, "places": places, **none}
    quarters = by_quarter(days)
    if len(quarters):
        found["quarters"] = quarters.assign(note="")
    if nearest is not None and where is not None:
        england = expected[expected["group_by"] == "all"].iloc[0]
        spread = {end: england[end] / england["estimate"] for end in ("low", "high")}
        catchments = by_catchment(days, months, where, nearest, spread)
        found["catchments"] = catchments.assign(note="")
    return found
