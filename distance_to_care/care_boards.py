"""Every integrated care board: who is far, who is deprived and far, where a spoke would help.

Boards are those of a named edition of the boundaries (the table `care_boards`). Every result is
worked out under each way to read the list of centres. Where the mean of a board moves by more than
`centre_lists.STEADY_MINUTES` between the lists, its results are told as ranges: the column
`estimate` is then empty. The rule is for named places: England keeps its value on the base list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from distance_to_care import access, centre_lists, deprived_and_far, geography
from distance_to_care.problems import Problem

ENGLAND = {"board_code": "all", "board": "England"}
BOARD = ["board_code", "board"]
ORDINARY, SLOWER = "ordinary driving", "slower driving"
MEAN, SHARE = "mean", "beyond {limit:g} minutes"
PEOPLE, PATIENTS = "people beyond {limit:g} minutes", "expected patients beyond {limit:g} minutes"
UNNAMED = "nearest centre that no source names"
COUNTED = "{measure}, however the disease is counted"
PLACED = ["board_code"]
# Columns that cut a board into groups.
CUTS = ("deprivation_quintile", "rural_urban", "place")
# What a row must not be taken for.
ONE_READING = "one reading of a range, never to be quoted alone"
ONLY_A_PART = "only the part in this board"
STEADY_MINUTES = centre_lists.STEADY_MINUTES
# A centre that is nearest for fewer of a board's people on every list is not named beside it.
FEWEST_PER_CENT = 0.5
# What the tables of `everything` are made from beside official files, and what they show.
SOURCES = (
    "areas", "area_coast", "travel_minutes", "travel_estimator", "hospitals", "hospital_names",
    "centres_ild", "care_boards", "atlas_assumptions",
)  # fmt: skip
TITLES = {
    "care_boards": "How far people live, by care board of {edition}",
    "care_boards_by_list": "How far under each list of centres, by care board of {edition}: of a "
    "board that is not steady each row is one reading of a range, never to be quoted alone",
    "care_boards_by_deprivation": "How far by deprivation quintile and rurality in each care board "
    "of {edition} (car ownership not included)",
    "care_boards_centres": "The nearest centres of each care board of {edition}",
    "care_boards_deprived_and_far": "Deprived and more than an hour away, by care board of "
    "{edition} and local authority (car ownership not included)",
    "care_boards_spokes": "If one clinic were added: minutes saved in each care board of {edition}",
    "care_boards_of_2022": "Care boards of July 2022 and of {edition}",
    "care_boards_summary": "How many care boards of {edition} are steady, and how many are far",
}


def edition_name(version: str) -> str:
    """Write an edition of the boundaries in words.

    Parameters
    ----------
    version : year and month, such as `2026-04`.

    Returns
    -------
    The month and the year, such as `April 2026`.
    """
    return f"{pd.Timestamp(f'{version}-01'):%B %Y}"


def edition(boards: pd.DataFrame, version: str | None = None) -> pd.DataFrame:
    """Take one edition of the boundaries out of the table of care boards.

    Parameters
    ----------
    boards : the table `care_boards`: `version`, `sub_icb_code`, `local_authority_code`,
        `board_code`, `board`.
    version : year and month; the newest edition where not given.

    Returns
    -------
    The rows of that edition.

    Raises
    ------
    Problem : there is no such edition, a board has two names, or a sub-ICB location goes to a board
        whole and in parts, or twice.
    """
    version = version or str(boards["version"].max())
    found = boards[boards["version"] == version].reset_index(drop=True)
    if found.empty:
        raise Problem(
            f"data/care_boards.csv has no edition '{version}'. It has "
            f"{', '.join(sorted(set(boards['version'])))}."
        )
    names = found.groupby("board_code")["board"].nunique()
    if (names > 1).any():
        raise Problem(
            f"data/care_boards.csv, column 'board': {names.idxmax()} has more than one name. "
            "Give a board one name."
        )
    part = found["local_authority_code"].fillna("")
    keys = found["sub_icb_code"]
    mixed = (part == "").groupby(keys).transform("nunique") > 1
    twice = pd.DataFrame({"keys": keys, "part": part}).duplicated(keep=False)
    if (mixed | twice).any():
        raise Problem(
            f"data/care_boards.csv, column 'sub_icb_code': {keys[mixed | twice].iloc[0]} is given "
            "to a board twice, or both whole and in parts. Keep one."
        )
    return found


def correspondence(areas: pd.DataFrame, version: str) -> pd.DataFrame:
    """Say which board of the edition each board of July 2022 has become, wholly or in part.

    Parameters
    ----------
    areas : one row an area: `icb` (its board of July 2022), `board_code`, `board`, `people`,
        `expected_patients`.
    version : the edition of `board`, year and month.

    Returns
    -------
    One row an old and a new board that share areas: `group_by`, `group` (the old board, without
    NHS and Integrated Care Board), `level` (whole or part of it), `board_code`, `board`, `areas`,
    `people`, `expected_patients`, `edition`.
    """
    old = areas["icb"].str.replace(r"^NHS | Integrated Care Board$", "", regex=True)
    table = _sums(areas.assign(group=old), ["group", *BOARD])
    parts = table.groupby("group")["board_code"].transform("size")
    return table.assign(
        group_by="integrated care board of July 2022",
        level=np.where(parts == 1, "whole", "part"),
        edition=version,
    )


def _sums(areas: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Count areas and add up their people, group by group."""
    counted = areas.assign(areas=1).groupby(list(keys), sort=True)
    table = counted[["areas", "people", "expected_patients"]].sum().reset_index()
    return table.assign(people=table["people"].round().astype("Int64"))


def by_list(
    areas: pd.DataFrame,
    near: pd.DataFrame,
    groups: Sequence[str] = (),
    driving: Mapping[str, float] | None = None,
    limits: Sequence[float] = geography.BEYOND_MINUTES,
) -> pd.DataFrame:
    """Summarise minutes to the nearest centre by care board under every list of centres.

    Parameters
    ----------
    areas : one row an area: `area_code`, `board_code`, `board`, `people` (aged 65 and over),
        `expected_patients`, and the columns of `groups`.
    near : minutes as `access.minutes_by_list` returns them.
    groups : columns that cut every board again; each also has the group `all`.
    driving : names of ways to drive, and what minutes are multiplied by in each.
    limits : minutes beyond which people are counted.

    Returns
    -------
    Tidy table, all England (`board_code` all) and every board: `board_code`, `board`, the columns
    of `groups`, `scenario` (the driving), `centre_list`, `measure` (mean; share, people and
    expected patients beyond each limit), `areas`, `people`, `expected_patients` (of the whole
    group), `estimate`, `unit`. Means and shares are weighted by `people`; a mean of nobody is
    missing.

    Raises
    ------
    Problem : areas without minutes.
    """
    minutes = near.reindex(areas["area_code"]).set_axis(areas.index)
    lost = int(minutes.isna().any(axis=1).sum())
    if lost:
        raise Problem(f"{lost:,} areas have no minutes. Model the drive from all areas first.")
    keys = [*BOARD, *groups]
    frames = [areas, areas.assign(**ENGLAND)]
    for column in groups:
        frames += [frame.assign(**{column: "all"}) for frame in frames]
    everywhere = pd.concat(frames)
    whole = _sums(everywhere, keys)
    parts = []
    for scenario, multiplier in (driving or {ORDINARY: 1.0}).items():
        for name in access.LISTS:
            amounts, units = _amounts(areas, minutes[name] * multiplier, limits)
            summed = (
                everywhere[keys]
                .join(amounts)
                .groupby(keys, sort=True)[list(amounts)]
                .sum()
                .reset_index()
            )
            for measure, unit in units.items():
                value = summed[measure]
                if unit in ("minutes", "per cent"):
                    value = value / whole["people"].astype(float).replace(0, np.nan)
                parts.append(
                    whole.assign(scenario=scenario, centre_list=name, measure=measure,
                                 estimate=value, unit=unit)
                )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _amounts(
    areas: pd.DataFrame, minutes: pd.Series, limits: Sequence[float]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Work out what each area adds to every measure, and the units of the measures."""
    people, patients = areas["people"].astype(float), areas["expected_patients"]
    amounts, units = {MEAN: people * minutes}, {MEAN: "minutes"}
    for limit in limits:
        far = minutes > limit
        for measure, amount, unit in (
            (SHARE, 100 * people * far, "per cent"),
            (PEOPLE, people * far, "people"),
            (PATIENTS, patients * far, "people"),
        ):
            amounts[measure.format(limit=limit)] = amount
            units[measure.format(limit=limit)] = unit
    return pd.DataFrame(amounts), units


def steadiness(table: pd.DataFrame) -> pd.Series:
    """Say which boards are steady: their mean moves by no more than ten minutes between lists.

    Parameters
    ----------
    table : as `by_list` returns it without groups, all lists in it.

    Returns
    -------
    True or false by `board_code`, all England among them, by the rule of `centre_lists`.
    """
    first = table[table["scenario"] == table["scenario"].iloc[0]]
    placed = first.drop(columns=["group", "level"], errors="ignore")
    placed = placed.rename(columns={"centre_list": "group", "board_code": "level"})
    return centre_lists.over_lists(placed).set_index("level")["steady"]


def in_ranges(
    table: pd.DataFrame, steady: pd.Series, steady_authority: pd.Series | None = None
) -> pd.DataFrame:
    """Put the results under all lists into one row: the base list and the range.

    Parameters
    ----------
    table : `board_code`, `measure`, `unit`, `centre_list`, `estimate`, and further columns that are
        the same under every list; as `by_list` returns it.
    steady : as `steadiness` returns it.
    steady_authority : the same by local authority, where the table has a column of these.

    Returns
    -------
    One row a group and measure: the other columns, `measure`, `estimate` (base list; missing where
    the board or the local authority is not steady, or where the mean of the group, in the driving
    of the row, moves by more than ten minutes; England, which is no named place, always has it),
    `low`, `high`, `unit`, `steady`.
    """
    keys = [column for column in table if column not in ("centre_list", "estimate")]
    wide = table.pivot_table(index=keys, columns="centre_list", values="estimate", sort=False)
    out = wide.index.to_frame(index=False)
    out["low"], out["high"] = wide.min(axis=1).to_numpy(), wide.max(axis=1).to_numpy()
    out["steady"] = out["board_code"].map(steady).to_numpy(bool)
    if steady_authority is not None:
        known = {**steady_authority, "all": True}
        out["steady"] &= out["local_authority"].map(known).to_numpy(bool)
    if "scenario" in out:
        # Slower driving widens a range, so a place can be steady in ordinary driving alone.
        cut = [*PLACED, "scenario", *(c for c in keys if c in CUTS)]
        means = out[out["measure"] == MEAN]
        moves = (means["high"] - means["low"]) > STEADY_MINUTES
        judged = out[cut].merge(means[cut].assign(moves=moves), how="left", validate="many_to_one")
        out["steady"] &= ~judged["moves"].to_numpy(bool)
    given = (out["steady"] | (out["board_code"] == ENGLAND["board_code"])).to_numpy(bool)
    out["estimate"] = wide[centre_lists.BASE].where(given).to_numpy()
    return out


def one_reading_each(table: pd.DataFrame, steady: pd.Series) -> pd.DataFrame:
    """Say in each row of a board that is not steady that it is one reading of a range.

    Parameters
    ----------
    table : as `by_list` returns it.
    steady : as `steadiness` returns it.

    Returns
    -------
    The same rows with `note`: empty for steady boards and for England.
    """
    firm = table["board_code"].map(steady).to_numpy(bool)
    firm |= (table["board_code"] == ENGLAND["board_code"]).to_numpy()
    return table.assign(note=np.where(firm, "", ONE_READING))


def nearest_centres(
    minutes: pd.DataFrame, centres: pd.DataFrame, areas: pd.DataFrame
) -> pd.DataFrame:
    """Find whose nearest centre each centre is, board by board and list by list.

    Parameters
    ----------
    minutes : one-way minutes; index `area_code`, one column a site.
    centres : the list: `site`, `certainty` (A, B, C).
    areas : as for `by_list`.

    Returns
    -------
    One row a board, centre and list on which the centre is the nearest for somebody: `board_code`,
    `board`, `centre`, `certainty`, `centre_list`, `measure`, `estimate` (per cent of the board's
    people aged 65 and over), `unit`.
    """
    people = areas["people"].astype(float)
    of_board = people.groupby(areas["board_code"]).sum()
    parts = []
    for name in access.LISTS:
        sites = centres.loc[centres["certainty"].isin(list(name)), "site"]
        found = geography.nearest(minutes.loc[areas["area_code"], list(sites)])
        here = areas[BOARD].assign(centre=found["site"].to_numpy(), estimate=100 * people)
        table = here.groupby([*BOARD, "centre"])["estimate"].sum().reset_index()
        table["estimate"] /= table["board_code"].map(of_board)
        parts.append(table.assign(centre_list=name))
    out = pd.concat(parts, ignore_index=True)
    grade = centres.set_index("site")["certainty"]
    return out.assign(
        certainty=out["centre"].map(grade), measure="nearest for", unit="per cent"
    ).pipe(_filled)


def no_source_names_it(nearest: pd.DataFrame, ranges: pd.DataFrame) -> pd.DataFrame:
    """Say for how many the nearest centre is a site that no source names (grade B or C).

    Parameters
    ----------
    nearest : as `nearest_centres` returns it.
    ranges : as `in_ranges` returns it for boards without groups.

    Returns
    -------
    One row a board, and one for England, with the columns of `ranges`: `estimate` on the base list
    (missing where the board is not steady), `low` and `high` over the base list and every candidate
    site. The list of the surest sites has no such site, so it is left out. Per cent of people aged
    65 and over.
    """
    rows = ranges[(ranges["measure"] == MEAN) & (ranges["scenario"] == ORDINARY)]
    rows = rows.set_index("board_code")
    shares = nearest[(nearest["certainty"] != "A") & (nearest["centre_list"] != "A")]
    shares = shares.pivot_table(
        index="board_code", columns="centre_list", values="estimate", aggfunc="sum"
    ).reindex(rows.index, fill_value=0.0)
    heads = rows["people"].astype(float).drop(ENGLAND["board_code"])
    shares.loc[ENGLAND["board_code"]] = shares.mul(heads, axis=0).sum() / heads.sum()
    out = rows.assign(
        measure=UNNAMED,
        low=shares.min(axis=1),
        high=shares.max(axis=1),
        estimate=shares[centre_lists.BASE].where(rows["estimate"].notna()),
        unit="per cent",
    )
    return out.reset_index()


def however_counted(ranges: pd.DataFrame, prevalence: Mapping[str, float]) -> pd.DataFrame:
    """Widen ranges of expected patients by how common the disease may be.

    Parameters
    ----------
    ranges : as `in_ranges` returns it for boards without groups, with `expected_patients`.
    prevalence : `value`, `low` and `high` of the row of `atlas_assumptions` on prevalence.

    Returns
    -------
    Rows as those of `ranges`: all expected patients, and those beyond each limit. `low` is the
    lowest of the lists at the lowest prevalence, `high` the highest at the highest.
    """
    rows = ranges[ranges["scenario"] == ORDINARY]
    whole = rows[rows["measure"] == MEAN].assign(measure="expected patients", unit="people")
    for column in ("low", "high"):
        whole[column] = whole["expected_patients"]
    whole["estimate"] = whole["expected_patients"].where(whole["estimate"].notna())
    far = rows[rows["measure"].str.startswith("expected patients beyond")]
    out = pd.concat([whole, far], ignore_index=True)
    return out.assign(
        measure=[COUNTED.format(measure=measure) for measure in out["measure"]],
        low=out["low"] * prevalence["low"] / prevalence["value"],
        high=out["high"] * prevalence["high"] / prevalence["value"],
    )


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Give every list a row where it has none: there the place or centre counts for nobody."""
    keys = [column for column in table if column not in ("centre_list", "estimate")]
    wide = table.pivot_table(index=keys, columns="centre_list", values="estimate", fill_value=0.0)
    return wide.reset_index().melt(keys, var_name="centre_list", value_name="estimate")


def deprived_and_far_places(
    areas: pd.DataFrame, near: pd.DataFrame, far_minutes: float = 60.0
) -> pd.DataFrame:
    """Count the deprived and far by local authority within every board, list by list.

    Parameters
    ----------
    areas : as for `by_list`, with `deprivation_quintile` and `local_authority`.
    near : as for `by_list`.
    far_minutes : an area is far where the drive takes more than so many minutes, one way.

    Returns
    -------
    Tidy table as `deprived_and_far.count`: `board_code`, `board`, `local_authority` (all: the whole
    board), `group_by` (which fifths are called deprived), `centre_list`, `measure`, `estimate`,
    `unit`, `note` (a local authority that lies in two boards: only the part in this board counts);
    places without any such area are left out, and England has a row in any case.
    """
    frames = [areas, areas.assign(**ENGLAND)]
    both = pd.concat([frames[0], *(f.assign(local_authority="all") for f in frames)])
    both = both.drop(columns="people_all_ages", errors="ignore").reset_index(drop=True)
    parts = [
        deprived_and_far.count(
            both, near, [*BOARD, "local_authority"], most_deprived=fifths, far_minutes=far_minutes
        ).assign(group_by=name)
        for name, fifths in deprived_and_far.MOST_DEPRIVED.items()
    ]
    out = pd.concat(parts, ignore_index=True).rename(columns={"level": "centre_list"})
    boards = areas.groupby("local_authority")["board_code"].nunique()
    divided = out["local_authority"].isin(boards.index[boards > 1])
    return out.assign(note=np.where(divided, ONLY_A_PART, ""))


def by_hospital(hospitals: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Put the hospital in the place of its trust, where the list of hospitals names the trust.

    Parameters
    ----------
    hospitals : the table `hospitals`: `postcode`, `hospital` and more.
    names : the table `hospital_names`: `postcode`, `hospital`.

    Returns
    -------
    The same rows, with the names of `names` where it has the postcode.

    Raises
    ------
    Problem : a postcode of `names` that is no hospital's.
    """
    known = names.set_index("postcode")["hospital"]
    lost = sorted(set(known.index) - set(hospitals["postcode"]))
    if lost:
        raise Problem(
            f"data/hospital_names.csv, column 'postcode': {', '.join(lost)} is the postcode of no "
            "hospital in data/open/hospitals.csv. Write it without a space, or take the row out."
        )
    return hospitals.assign(hospital=hospitals["postcode"].map(known).fillna(hospitals["hospital"]))


def candidates(
    hospitals: pd.DataFrame, centres: pd.DataFrame, same_place_km: float
) -> pd.DataFrame:
    """List the hospitals at which a spoke could be added: those that are no centre already.

    Parameters
    ----------
    hospitals : `postcode`, `hospital`, `country`, `easting`, `northing`, `latitude`, `longitude`,
        `in_matrix`.
    centres : the list: `site`, `latitude`, `longitude`, `certainty`.
    same_place_km : a hospital within so many kilometres of a site is that site.

    Returns
    -------
    `site` (name and postcode), `postcode`, `latitude`, `longitude`, `note` (empty, or that the
    place is on the list with the lowest grade), one row an English hospital of the travel matrix
    that is no site of the base list.
    """
    out = hospitals[hospitals["in_matrix"] & (hospitals["country"] == "England")]
    out = out.sort_values("postcode").reset_index(drop=True)
    spaced = out["postcode"].str[:-3] + " " + out["postcode"].str[-3:]
    out["site"] = out["hospital"] + " (" + spaced + ")"
    km = geography.distances_km(centres, out.rename(columns={"postcode": "area_code"}))
    here = (km <= same_place_km).to_numpy()
    low = (centres["certainty"] == "C").to_numpy()
    out["note"] = np.where(here[:, low].any(axis=1), "already a site of grade C on our list", "")
    columns = ["site", "postcode", "latitude", "longitude", "note"]
    return out.loc[~here[:, ~low].any(axis=1), columns].reset_index(drop=True)


def spokes(
    minutes: pd.DataFrame,
    notes: pd.Series,
    near: pd.DataFrame,
    areas: pd.DataFrame,
    steady: pd.Series,
    far_minutes: float = 60.0,
    top: int = 3,
    least_minutes: float = 0.5,
) -> pd.DataFrame:
    """Work out what one clinic more would save each board, hospital by hospital.

    If a clinic were added at a hospital, and everyone for whom it is nearer went there, then the
    mean drive would fall by so much. This is a model of driving only: no staff, no referral.

    Parameters
    ----------
    minutes : one-way minutes to the hospitals; index `area_code`, one column a hospital.
    notes : what to know of a hospital, by its name.
    near : as for `by_list`.
    areas : as for `by_list`.
    steady : as `steadiness` returns it.
    far_minutes : people beyond it who would come within it are counted.
    top : so many hospitals are kept a board, those that save the most on the base list.
    least_minutes : a hospital that saves less a head on the base list is left out.

    Returns
    -------
    One row a board, hospital and measure (mean minutes saved, over all people of the board; people
    aged 65 and over, and expected patients, brought within `far_minutes`): `board_code`, `board`,
    `centre`, `measure`, `estimate`, `low`, `high`, `unit`, `steady`, `note`. The hospitals of a
    board have no rank: their ranges overlap.
    """
    people = areas["people"].to_numpy(float)
    to_hospital = minutes.loc[areas["area_code"]].to_numpy()
    codes, boards = pd.factorize(areas["board_code"], sort=True)
    member = np.zeros((len(boards), len(areas)))
    member[codes, np.arange(len(areas))] = 1.0
    heads = member @ people
    amounts: dict[str, dict[str, np.ndarray]] = {}
    within = f"brought within {far_minutes:g} minutes"
    for name in access.LISTS:
        now = near.loc[areas["area_code"], name].to_numpy()[:, None]
        saved = np.maximum(now - to_hospital, 0.0)
        moved = (now > far_minutes) & (to_hospital <= far_minutes)
        weights = member * people
        patients = member * areas["expected_patients"].to_numpy(float)
        amounts[name] = {
            "mean minutes saved": weights @ saved / heads[:, None],
            f"people {within}": weights @ moved,
            f"expected patients {within}": patients @ moved,
        }
    names = areas.drop_duplicates("board_code").set_index("board_code")["board"]
    rows = []
    for place, code in enumerate(boards):
        saving = amounts[centre_lists.BASE]["mean minutes saved"][place]
        best = np.argsort(-saving, kind="stable")[:top]
        best = [hospital for hospital in best if saving[hospital] >= least_minutes]
        for hospital in best:
            for measure in amounts[centre_lists.BASE]:
                values = [amounts[name][measure][place, hospital] for name in access.LISTS]
                base = amounts[centre_lists.BASE][measure][place, hospital]
                is_steady = bool(steady[code])
                rows.append(
                    {
                        "board_code": code,
                        "board": names[code],
                        "centre": minutes.columns[hospital],
                        "measure": measure,
                        "estimate": base if is_steady else np.nan,
                        "low": min(values),
                        "high": max(values),
                        "unit": "minutes" if measure == "mean minutes saved" else "people",
                        "steady": is_steady,
                        "note": notes[minutes.columns[hospital]],
                    }
                )
    return pd.DataFrame(rows)


def centres_to_name(centres: pd.DataFrame) -> dict[str, list[str]]:
    """List the centres to name beside each board: nearest for some of its people on some list.

    Parameters
    ----------
    centres : as `in_ranges` returns it for `nearest_centres`.

    Returns
    -------
    The centres by `board_code`, those of `FEWEST_PER_CENT` of its people or more.
    """
    enough = centres[centres["high"] >= FEWEST_PER_CENT]
    return enough.groupby("board_code")["centre"].unique().map(list).to_dict()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Count the boards, those that are not steady, and those that are far on every list.

    Parameters
    ----------
    table : as `in_ranges` returns it for boards without groups.

    Returns
    -------
    `measure`, `estimate`, `unit`, `note` (the boards' names; of those that are far on every list,
    also their minutes, lowest to highest).
    """
    means = table[(table["measure"] == MEAN) & (table["scenario"] == ORDINARY)]
    means = means[means["board_code"] != ENGLAND["board_code"]].sort_values("board")
    found = {
        "boards": means,
        "boards that are not steady": means[~means["steady"]],
        "boards with a mean beyond 60 minutes on the surest list": means[means["high"] > 60],
        "boards with a mean beyond 60 minutes on every list": means[means["low"] > 60],
    }
    notes = {name: "; ".join(rows["board"]) for name, rows in found.items()}
    always = found["boards with a mean beyond 60 minutes on every list"]
    notes["boards with a mean beyond 60 minutes on every list"] = "; ".join(
        f"{row.board} ({row.low:.0f} to {row.high:.0f} minutes)" for row in always.itertuples()
    )
    return pd.DataFrame(
        [
            {"measure": name, "estimate": float(len(rows)), "unit": "boards",
             "note": notes[name] if name != "boards" else ""}
            for name, rows in found.items()
        ]
    )  # fmt: skip


def everything(
    areas: pd.DataFrame,
    minutes: pd.DataFrame,
    centres: pd.DataFrame,
    hospital_minutes: pd.DataFrame,
    hospital_notes: pd.Series,
    assumptions: pd.DataFrame,
    version: str,
) -> dict[str, pd.DataFrame]:
    """Work out every table of the boards at once, so that all stand on the same rule.

    Parameters
    ----------
    areas : as `access.area_table` returns it.
    minutes, centres : as for `nearest_centres`.
    hospital_minutes, hospital_notes : `minutes` and `notes` of `spokes`.
    assumptions : the table `atlas_assumptions` by name: `value`, `low`, `high`.
    version : the edition of the boards, year and month.

    Returns
    -------
    Tidy tables by name: `care_boards` (ranges), and `care_boards_` `by_list`, `by_deprivation`
    (`group` the quintile, `level` urban or rural), `centres`, `deprived_and_far`, `spokes`,
    `of_2022` and `summary`.
    """
    assumed = assumptions["value"]
    near = access.minutes_by_list(minutes, centres)
    driving = {ORDINARY: 1.0, SLOWER: assumed["slower_driving"]}
    lists = by_list(areas, near, driving=driving)
    steady = steadiness(lists)
    places = areas["local_authority"]
    authorities = by_list(areas.assign(board_code=places, board=places), near)
    cut = by_list(areas, near, ["deprivation_quintile", "rural_urban"], limits=(60.0,))
    cut = in_ranges(cut, steady).assign(group_by="deprivation_quintile")
    ranges = in_ranges(lists, steady)
    nearest = nearest_centres(minutes, centres, areas)
    prevalence = assumptions.loc["prevalence_per_100000"]
    more = [no_source_names_it(nearest, ranges), however_counted(ranges, prevalence)]
    far = deprived_and_far_places(areas, near, assumed["far_minutes"])
    return {
        "care_boards": pd.concat([ranges, *more], ignore_index=True),
        "care_boards_by_list": one_reading_each(lists, steady),
        "care_boards_by_deprivation": cut.rename(
            columns={"deprivation_quintile": "group", "rural_urban": "level"}
        ),
        "care_boards_centres": in_ranges(nearest, steady),
        "care_boards_deprived_and_far": in_ranges(far, steady, steadiness(authorities)),
        "care_boards_spokes": spokes(
            hospital_minutes, hospital_notes, near, areas, steady, assumed["far_minutes"]
        ),
        "care_boards_of_2022": correspondence(areas, version),
        "care_boards_summary": summary(ranges),
    }
