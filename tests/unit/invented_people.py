"""Ten invented people in the cohort contract: one for every corner that the methods turn.

Nobody here exists. Tests import `people()` (typed, as tables.read_cohort hands it back) or
`csv_text()` (as a file would hold it) and change what they need.
"""

from __future__ import annotations

import pandas as pd

from distance_to_care import contract, study

# A centre's nearest fifth ends somewhere; this distance stands exactly on an end of a band.
BAND_EDGE_KM = 25.0
# An LSOA (2011) of the right form; it is in every list of areas of England.
AREA_CODE = "E01000001"

_USUAL = {
    "follow_up_years": 2.5,
    "outcome": "censored",
    "age_years": 72.4,
    "sex": "male",
    "deprivation_quintile": 3,
    "distance_km": 18.0,
    "travel_minutes": 31.0,
    "centre": "centre_01",
    "region": "North",
    "area_code": None,
    "record_kind": "synthetic",
    "smoking": "ex",
    "fvc_percent": 78.0,
    "dlco_percent": 48.0,
    "dlco_unable": False,
    "oxygen": False,
    "antifibrotic_start_years": 0.4,
    "symptom_months": 14.0,
    "referral_wait_days": 96.0,
}

_PEOPLE = [
    # Died on the first day: half a day of follow-up, and nothing could be started in it.
    {
        "person_id": "invented_01",
        "follow_up_years": 0.5 / 365.25,
        "outcome": "died",
        "antifibrotic_start_years": None,
    },
    # Transplanted: an end of follow-up that is neither death nor loss. Young enough for it.
    {
        "person_id": "invented_02",
        "outcome": "transplanted",
        "age_years": 58.0,
        "follow_up_years": 1.2,
    },
    # Lives exactly on the edge of a band of distance.
    {"person_id": "invented_03", "distance_km": BAND_EDGE_KM, "deprivation_quintile": 2},
    # Could not do the gas transfer test: no value, and most points of the score.
    {
        "person_id": "invented_04",
        "outcome": "died",
        "dlco_percent": None,
        "dlco_unable": True,
        "oxygen": True,
    },
    # Gas transfer was never measured: no value and no points, so no score.
    {"person_id": "invented_05", "dlco_percent": None, "sex": "female"},
    # Never treated, though followed for long.
    {
        "person_id": "invented_06",
        "follow_up_years": 8.75,
        "antifibrotic_start_years": None,
        "smoking": "never",
        "deprivation_quintile": 5,
    },
    # Treated on the first day.
    {"person_id": "invented_07", "antifibrotic_start_years": 0.0, "smoking": "current"},
    # Treated on the last day: the start is the end of follow-up, which is allowed.
    {
        "person_id": "invented_08",
        "outcome": "died",
        "follow_up_years": 3.25,
        "antifibrotic_start_years": 3.25,
        "deprivation_quintile": 1,
    },
    # Only the area is known: deprivation, distance and minutes follow from it.
    {
        "person_id": "invented_09",
        "area_code": AREA_CODE,
        "deprivation_quintile": None,
        "distance_km": None,
        "travel_minutes": None,
        "region": None,
    },
    # At the ends of what is allowed: a birthday of 110, lungs of 15 and 5 per cent, next door.
    {
        "person_id": "invented_10",
        "age_years": 110.0,
        "sex": "female",
        "fvc_percent": 15.0,
        "dlco_percent": 5.0,
        "distance_km": 0.0,
        "travel_minutes": 0.0,
        "centre": None,
        "symptom_months": None,
        "referral_wait_days": None,
        "deprivation_quintile": 1,
    },
]


def raw() -> pd.DataFrame:
    """The ten people, each cell as Python writes it: text, numbers, booleans, None."""
    names = ["person_id", *_USUAL]
    return pd.DataFrame([_USUAL | person for person in _PEOPLE], dtype=object)[names]


def people(of: study.Study) -> pd.DataFrame:
    """The ten people typed and checked, as tables.read_cohort returns them."""
    frame, faults = contract.examine(raw(), of.columns.values())
    assert faults == []
    frame.attrs.update(kind="synthetic", resource="invented_people")
    return frame


def csv_text() -> str:
    """The ten people as a CSV file."""
    return raw().to_csv(index=False, lineterminator="\n")
