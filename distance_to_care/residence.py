"""Deprivation and distance of people of whom only the area or the postcode of the home is known.

Areas and postcodes are dropped as soon as they are used: no message holds one, and no frame that
leaves this module does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import disclosure, geography, places, tables, travel
from distance_to_care.problems import Fault, Problems
from distance_to_care.study import AREA_VINTAGES, CORE, Study

OLD, NEW = AREA_VINTAGES
# The official table of each edition of the index, and the one that leads from old areas to new.
EDITIONS = {"IMD 2019": "imd_2019", "IMD 2025": "imd_2025"}
LOOKUP = "lookup_lsoa11_lsoa21"
_AREA = next(column for column in CORE if column.name == "area_code")
# What follows from where people live and which centre they attended, and from where they live only.
TO_ATTENDED = {"km": "distance_km", "minutes": "travel_minutes"}
TO_NEAREST = {"km": "nearest_distance_km", "minutes": "nearest_travel_minutes"}


def read_people(path: str | Path | None = None, study: str | Study | None = None) -> pd.DataFrame:
    """Read a cohort file, check it, and work out what follows from areas and postcodes.

    Parameters
    ----------
    path, study : as for `tables.read_cohort`.

    Returns
    -------
    One row a person in the columns of the contract; `area_code` is empty throughout once used.
    attrs["notes"] holds sentences on what was worked out and what could not be, with counts in
    bands.

    Raises
    ------
    Problem : as `tables.read_cohort`, with the area codes of another vintage in the same list.
    """
    study = tables.read_study(study)
    people, faults = tables.examine_cohort(path, study)
    attrs = dict(people.attrs)
    faults += area_faults(people["area_code"], study.area_vintage)
    if faults:
        raise Problems(attrs["resource"], faults)
    placed, notes = place(people, study)
    placed.attrs.update(attrs, notes=tuple(notes))
    return placed


def area_faults(area: pd.Series, vintage: str) -> list[Fault]:
    """Count the area codes that the vintage of the study does not have.

    Parameters
    ----------
    area : area codes, missing where none is known. Those of another form are passed over, since
        the contract counts them.
    vintage : one of `AREA_VINTAGES`.

    Returns
    -------
    One fault for codes of the other vintage and one for codes of neither. None where the official
    look-up that the vintage needs is not at hand: then nothing is known of them.
    """
    given = area.astype("string").str.fullmatch(_AREA.pattern).fillna(False).to_numpy(bool)
    lookup = tables.official(LOOKUP) if given.any() else None
    if not given.any() or (vintage == NEW and lookup is None):
        return []
    old = set(_known_areas()["area_code"])
    new = set(lookup["area_code_2021"]) if lookup is not None else set()
    right, other, other_name = (old, new, NEW) if vintage == OLD else (new, old, OLD)
    wrong = given & ~area.isin(right).to_numpy()
    swapped = wrong & area.isin(other).to_numpy()
    none = f"codes of no area of {vintage} in England or Wales"
    if not new:
        none += f" (they may be of {other_name})"
    advice = f"The study file says area_vintage = '{vintage}': use its codes throughout."
    found = (
        (f"codes of {other_name}, which {vintage} does not have", swapped),
        (none, wrong & ~swapped),
    )
    return [Fault(_AREA.name, rule, int(at.sum()), advice) for rule, at in found if at.any()]


def _known_areas() -> pd.DataFrame:
    """The areas of 2011 in England and Wales, with their centre points."""
    return pd.concat([tables.read("areas"), tables.read("wales_areas")], ignore_index=True)


class Notes:
    """Sentences on homes, each with the people that it is about, added up over parts of a file."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, ...]] = {}

    def add(self, sentence: str, *people: int) -> None:
        """Say a sentence, with as many `{}` in it as there are counts of people."""
        before = self._counts.get(sentence, (0,) * len(people))
        self._counts[sentence] = tuple(map(sum, zip(before, people, strict=True)))

    def sentences(self) -> list[str]:
        """The sentences in the order in which they were first said, with counts in bands."""
        return [
            sentence.format(*map(_people, people)) if people else sentence
            for sentence, people in self._counts.items()
        ]


def place(
    people: pd.DataFrame, study: Study, notes: Notes | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Fill in deprivation and distances where they are missing and the home is known.

    Parameters
    ----------
    people : one row a person, in the contract with the column `postcode` last; no area code has a
        fault.
    study : the study, with the vintage of its areas, the edition of its index and its centres.
    notes : what was said of people who came before these in the same file.

    Returns
    -------
    The people without `postcode` and with an empty `area_code`, and sentences about them.
    `deprivation_quintile` comes from the edition of the index that the study names.
    `distance_km` (straight line) and `travel_minutes` (drive) lead to the centre attended where the
    study's list knows it by name; `nearest_distance_km` and `nearest_travel_minutes` to the centre
    with the shortest drive. Both are measured from the centre point of the area (LSOA 2011).
    """
    out = people.drop(columns="postcode")
    area, postcode = people["area_code"], _plain(people["postcode"])
    if area.isna().all() and postcode.isna().all():
        return out, notes.sentences() if notes else []
    notes = notes if notes is not None else Notes()
    lookup = tables.official(LOOKUP)
    if study.area_vintage == NEW and lookup is None and area.notna().any():
        notes.add(
            f"Area codes of {NEW} were neither checked nor used: the official look-up of areas "
            f"('{LOOKUP}') is not at hand. Run 'make data' outside and bring its folder along "
            f"({places.OFFICIAL_VARIABLE})."
        )
        area = area.mask(area.notna())
    of_postcode = _areas_of(postcode[area.isna()], notes).reindex(people.index)
    out["area_code"] = pd.Series(None, index=out.index, dtype=object)
    _fill_deprivation(out, area, of_postcode, study, lookup, notes)
    if study.centres:
        _fill_distances(out, area, of_postcode, study, lookup, notes)
    elif out[TO_ATTENDED["km"]].isna().any():
        notes.add(
            "Distances were not worked out: the study file names no list of centres. Add "
            'centres = "..." under [places].'
        )
    return out, notes.sentences()


def _plain(postcodes: pd.Series) -> pd.Series:
    return postcodes.astype("string").str.replace(r"\s", "", regex=True).str.upper().astype(object)


def _areas_of(postcode: pd.Series, notes: Notes) -> pd.Series:
    """The area (LSOA 2011) of each postcode; missing where the postcode is not a live one."""
    given = postcode.dropna()
    if given.empty:
        return pd.Series(None, index=postcode.index, dtype=object)
    live = tables.read("postcodes", only=("postcode", frozenset(given)))
    found = postcode.map(live.set_index("postcode")["area_code"])
    lost = int((postcode.notna() & found.isna()).sum())
    if lost:
        notes.add(
            "Postcodes of {} are not live ones of England or Wales (they may have "
            "ended, be new, or lie in Scotland or Northern Ireland): nothing follows from them.",
            lost,
        )
    return found


def _people(count: int) -> str:
    return f"{disclosure.band(count)} people"


def _fill(out: pd.DataFrame, column: str, values: pd.Series) -> int:
    """Fill the empty cells of a column and count those that were filled."""
    filled = out[column].isna() & values.notna()
    if filled.any():
        kind = "Int64" if column == "deprivation_quintile" else float
        out[column] = out[column].astype(kind).mask(filled, values.astype(kind))
    return int(filled.sum())


def _fill_deprivation(out, area, of_postcode, study: Study, lookup, notes: Notes) -> None:
    empty = out["deprivation_quintile"].isna() & (area.notna() | of_postcode.notna())
    if not empty.any():
        return
    edition = study.deprivation
    index = tables.official(EDITIONS[edition])
    if index is None:
        notes.add(
            f"Deprivation was not worked out: the official file of {edition} "
            f"('{EDITIONS[edition]}') is not at hand. Run 'make data' outside and bring its folder "
            f"along ({places.OFFICIAL_VARIABLE})."
        )
        return
    at = of_postcode
    if study.area_vintage == NEW:
        at = pd.Series(None, index=out.index, dtype=object)
        if lookup is not None:
            # An area of 2011 that became several does not say which of them a postcode is in.
            one = lookup[~lookup["area_code"].duplicated(keep=False)]
            at = of_postcode.map(one.set_index("area_code")["area_code_2021"])
        split = int((empty & of_postcode.notna() & at.isna()).sum())
        if split:
            notes.add(
                "Postcodes of {} lie in areas that were divided in 2021: their "
                "deprivation stays empty. Give area codes instead.",
                split,
            )
    home = area.where(area.notna(), at)
    decile = index.set_index("area_code")["imd_decile"]
    quintile = geography.quintile_from_decile(home.map(decile).astype("Float64"))
    filled = _fill(out, "deprivation_quintile", quintile)
    notes.add(f"Deprivation of {{}} follows from where they live ({edition}).", filled)
    abroad = int((empty & home.notna() & quintile.isna()).sum())
    if abroad:
        notes.add(f"{edition} covers England only: {{}} live elsewhere.", abroad)


def _fill_distances(out, area, of_postcode, study: Study, lookup, notes: Notes) -> None:
    placed = area.notna() | of_postcode.notna()
    columns = [*TO_ATTENDED.values(), *TO_NEAREST.values()]
    if not (placed & out[columns].isna().any(axis=1)).any():
        return
    centres = _centres(study)
    sites = travel.places_of(centres)
    # Areas of 2021 are measured as the mean of the areas of 2011 that they were made from.
    new = study.area_vintage == NEW
    home = area.where(area.notna(), of_postcode)
    old = pd.DataFrame({"home": home[home.notna()].unique()})
    old["area_code"] = old["home"]
    if new and lookup is not None:
        made = lookup.rename(columns={"area_code_2021": "home"})[["home", "area_code"]]
        of_new = made[made["home"].isin(area.dropna())]
        # A postcode leads to an area of 2011, whatever the study's vintage is.
        rest = old[~old["home"].isin(of_new["home"])]
        old = pd.concat([of_new, rest], ignore_index=True)
    points = _known_areas().set_index("area_code").loc[old["area_code"].unique()].reset_index()
    measured = {
        "minutes": travel.minutes_to(centres, points),
        "km": geography.distances_km(sites, points),
    }
    measured = {
        what: table.loc[old["area_code"]].groupby(old["home"].to_numpy()).mean()
        for what, table in measured.items()
    }
    first = measured["minutes"].to_numpy().argmin(axis=1)
    rows = measured["minutes"].index.get_indexer(home)
    attended = _site_numbers(out["centre"], centres, list(sites["site"]))
    counted = {}
    for what, table in measured.items():
        values = table.to_numpy()
        nearest = np.where(rows >= 0, values[rows, first[rows]], np.nan)
        there = (rows >= 0) & (attended >= 0)
        to_own = np.where(there, values[rows, attended], np.nan)
        _fill(out, TO_NEAREST[what], pd.Series(nearest, out.index).round(1))
        counted[what] = _fill(out, TO_ATTENDED[what], pd.Series(to_own, out.index).round(1))
    notes.add(
        "Distance to the centre attended was worked out for {}, to the "
        "nearest centre for {} (from the centre point of the area).",
        counted["km"],
        int((rows >= 0).sum()),
    )
    lost = out["distance_km"].isna() & (rows >= 0)
    unnamed, unknown = lost & out["centre"].isna(), lost & out["centre"].notna()
    if unnamed.any():
        notes.add(
            "The column 'centre' is empty for {}, so their distance to "
            "the centre attended stays empty. Add the name of the centre.",
            int(unnamed.sum()),
        )
    if unknown.any():
        notes.add(
            "The study's list of centres does not know the centre of "
            "{}: their distance to it stays empty. Map names to those "
            "of the list under [mapping.codes.centre], or name a list of your own with centres "
            "under [places].",
            int(unknown.sum()),
        )
        for sentence in _unknown_of_study(study, centres, list(sites["site"])):
            notes.add(sentence)


def _whole_list(study: Study) -> pd.DataFrame:
    """The study's list of centres: a table of the book, or a file beside the study file."""
    if study.centres.endswith((".csv", ".parquet")):
        return travel.read_centres(Path(study.file).parent / study.centres)
    return tables.read(study.centres)


def _centres(study: Study) -> pd.DataFrame:
    """The centres of the study's list that distances are measured to, one row a site."""
    centres = _whole_list(study)
    if study.centres.endswith((".csv", ".parquet")):
        return centres
    if "certainty" in centres:
        centres = geography.base_list(centres)
    return centres.drop_duplicates("site").reset_index(drop=True)


def _unknown_of_study(study: Study, centres: pd.DataFrame, sites: list[str]) -> list[str]:
    """Say which names of centres that the study file maps to the list does not know, and why.

    They are the study file's own words, and none of a row.
    """
    source = study.mapping.sources.get("centre")
    named = pd.Series(sorted({*source.codes.values()} if source else ()), dtype=object)
    unknown = named[_site_numbers(named, centres, sites) < 0]
    if unknown.empty:
        return []
    listed = _whole_list(study)
    known = {_said(name) for column in ("site", "centre") if column in listed
             for name in listed[column]}  # fmt: skip
    several = centres.get("centre", pd.Series(dtype=object)).astype(str)
    several = {_said(name) for name in several[several.duplicated(keep=False)]}
    reasons = {
        "trusts with several sites (name the site)": lambda name: name in several,
        "of certainty C or lower, which distances are not measured to": lambda name: (
            name in known and name not in several
        ),
        "not on the list": lambda name: name not in known,
    }
    words = [
        f"{why}: {', '.join(names)}"
        for why, holds in reasons.items()
        if (names := [name for name in unknown if holds(_said(name))])
    ]
    return [
        "The study file maps to names of centres that the list "
        f"'{study.centres}' does not know in its column 'site': {'; '.join(words)}."
    ]


def _site_numbers(attended: pd.Series, centres: pd.DataFrame, sites: list[str]) -> np.ndarray:
    """Number of the site that each person attended; -1 where the list does not know it.

    A site goes by its own name, and by that of its hospital trust where that has no other site.
    """
    named: dict[str, int] = {}
    if "centre" in centres:
        trusts = centres["centre"].astype(str)
        for number in np.flatnonzero(~trusts.duplicated(keep=False)):
            named[_said(trusts.iloc[number])] = number
    named |= {_said(site): number for number, site in enumerate(sites)}
    words = attended.map(_said, na_action="ignore")
    return words.map(named).fillna(-1).to_numpy(dtype=int)


def _said(name: object) -> str:
    return " ".join(str(name).split()).casefold()
