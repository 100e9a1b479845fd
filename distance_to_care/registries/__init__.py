"""Several registries: what they released is pooled, by averages or by rounds of the exact way.

Two things are read out of a release: the hazard ratios of its headline table, and its contribution
to one round of the exact way (`statistics.pooled_cox`).
"""

from distance_to_care.registries.adding_up import contributions, round_number
from distance_to_care.registries.answers import CONTRIBUTION, PAGE, answer, too_few, with_cuts
from distance_to_care.registries.hazard_ratios import cut_by_each, ratios
from distance_to_care.registries.meaning import definitions, differing
from distance_to_care.registries.record import record_of
from distance_to_care.registries.releases import Release, read, read_earlier, remarks
from distance_to_care.registries.rounds import (
    OWN_FIFTHS,
    Round,
    first_round,
    next_round,
    of_json,
    refuse_other_registries,
    terms_of,
)
from distance_to_care.registries.rules import MOST_ROUNDS, may_answer, people_digest

__all__ = [
    "CONTRIBUTION",
    "MOST_ROUNDS",
    "OWN_FIFTHS",
    "PAGE",
    "Release",
    "Round",
    "answer",
    "contributions",
    "cut_by_each",
    "definitions",
    "differing",
    "first_round",
    "may_answer",
    "next_round",
    "of_json",
    "people_digest",
    "ratios",
    "read",
    "read_earlier",
    "record_of",
    "refuse_other_registries",
    "remarks",
    "round_number",
    "terms_of",
    "too_few",
    "with_cuts",
]
