"""Every area of England with everything that the atlas knows of it: one wide table.

It holds official data (deprivation, population by age, rurality), so it is never kept in the
repository: a command and the build of the site make it where the official files are present.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from distance_to_care import access, care_boards, how_far, official, places, results, tables, travel
from distance_to_care.problems import Problem

NAME = "atlas_areas"
NEEDED = ("imd_2019", "rural_urban_2011", "population_mid2020")
SOURCES = ("areas", "area_coast", "atlas_assumptions", "care_boards", "centres_ild", "hospitals",
           "travel_estimator", "travel_minutes")  # fmt: skip
# What the columns mean; `{list}` stands for A, AB and ABC, `{band}` for a band of ages.
COLUMNS = {
    "area_code": "Code of the area (LSOA 2011)",
    "area_name": "Name of the area (LSOA 2011)",
    "local_authority_code": "Code of the local authority district (November 2025)",
    "local_authority": "Local authority district (November 2025)",
    "region": "Region of England",
    "sub_icb": "Sub-ICB location (July 2022)",
    "icb_code": "Code of the integrated care board of July 2022",
    "icb": "Integrated care board of July 2022",
    "board_code": "Code of the integrated care board, edition {edition}",
    "board": "Integrated care board, edition {edition}, as compiled by this project",
    "imd_decile": "Decile of the Index of Multiple Deprivation 2019 (1 = most deprived)",
    "imd_rank": "Rank of the Index of Multiple Deprivation 2019 (1 = most deprived)",
    "deprivation_quintile": "Fifth of the Index of Multiple Deprivation 2019 (1 = most deprived)",
    "rural_urban": "Rural or urban (classification of 2011)",
    "rural_urban_class": "Class of the rural-urban classification of 2011",
    "coastal": "Whether the area is within {coast_km:g} km of the coast",
    "place": "Rural or urban, and coastal or inland",
    "people_65_and_over": "People aged 65 and over, mid-2020",
    "people_all_ages": "People of all ages, mid-2020",
    "expected_patients": results.COLUMNS["expected_patients"],
    "people_{band}": "People of these ages in years, mid-2020",
    "centre_{list}": "Nearest centre by car, {words} (unofficial)",
    "travel_minutes_{list}": "Minutes by car, one way, lower end of ordinary traffic, {words}",
    "travel_minutes_slower_{list}": "The same minutes with slower driving (times {slower:g})",
    "distance_km_{list}": "Straight line to that centre in kilometres",
    "modelled_{list}": "Whether the minutes are modelled, and not taken from the travel matrix",
}


def available() -> bool:
    """Whether the official files that the table needs are on this machine."""
    folder = places.official_folder()
    return folder is not None and set(NEEDED) <= set(official.find(folder))


def area_table() -> pd.DataFrame:
    """Make the table of every area of England, as `how_far.area_file` describes it.

    Returns
    -------
    One row an area, one column for each name that `columns` lists.

    Raises
    ------
    Problem : an official file is absent; the sentence names it.
    """
    found = {name: tables.official(name) for name in NEEDED}
    absent = [name for name, frame in found.items() if frame is None]
    if absent:
        raise Problem(
            f"The table of areas needs official files that are not here: {', '.join(absent)}. "
            f"Run 'make data', or name their folder in {places.OFFICIAL_VARIABLE}."
        )
    areas, centres = tables.read("areas"), tables.read("centres_ild")
    assumed = _assumed()
    known = access.area_table(
        areas,
        care_boards.edition(tables.read("care_boards")),
        *found.values(),
        tables.read("area_coast"),
        assumed,
    )
    travelled = {
        grades: travel.nearest_centre(
            areas, centres[centres["certainty"].isin(list(grades))].reset_index(drop=True)
        )
        for grades in access.LISTS
    }
    return how_far.area_file(
        known,
        found["population_mid2020"],
        found["imd_2019"],
        travelled,
        assumed["slower_driving"],
    )


def _assumed() -> pd.Series:
    return tables.read("atlas_assumptions").set_index("name")["value"]


def columns(names: list[str]) -> dict[str, str]:
    """Say what each column of the table means.

    Parameters
    ----------
    names : the columns of the table.

    Returns
    -------
    Name -> meaning, in that order.
    """
    assumed = _assumed()
    edition = care_boards.edition(tables.read("care_boards"))["version"].iloc[0]
    said = {
        "edition": edition,
        "coast_km": assumed["coast_km"],
        "slower": assumed["slower_driving"],
    }
    known = {}
    for column, meaning in COLUMNS.items():
        if "{list}" in column:
            for grades, words in access.LISTS.items():
                known[column.format(list=grades)] = meaning.format(words=words, **said)
        elif "{band}" in column:
            bands = [n for n in names if n.startswith("people_") and n not in COLUMNS]
            known |= dict.fromkeys(bands, meaning)
        else:
            known[column] = meaning.format(**said)
    return {name: known[name] for name in names}


def about(table: pd.DataFrame) -> dict:
    """Describe the table: what it is, how sure, from what, and what its columns mean."""
    return {
        "name": NAME,
        "title": "Every area (LSOA 2011) of England and its drive to a specialist centre",
        "kind": "modelled",
        "banner": results.BANNERS["modelled"],
        "caution": "Car ownership not included; public transport is left out. No official list of "
        "centres was found: read every figure as the range over the lists.",
        "licence": "Open Government Licence v3.0 for the official data; CC BY 4.0 for the rest",
        "sources": [*SOURCES, *NEEDED],
        "rows": len(table),
        "columns": columns(list(table.columns)),
    }


def digest() -> str:
    """Digest what the table is made from, so that it is made anew only when that has changed."""
    total = hashlib.sha256(places.DESCRIPTOR.read_bytes())
    for path in sorted((places.ROOT / "distance_to_care").glob("*.py")):
        total.update(path.read_bytes())
    folder = places.official_folder()
    for name, path in sorted(official.find(folder).items() if folder else ()):
        about_file = path.stat()
        total.update(f"{name} {about_file.st_size} {about_file.st_mtime_ns}".encode())
    return total.hexdigest()[:16]
