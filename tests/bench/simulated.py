"""The simulation study that is timed: its model and its seeds, the same for whoever fits it."""

from __future__ import annotations

from distance_to_care.statistics import replicates

COHORTS = 1_000
# An engine of a second a fit is asked for the first few, and its time is multiplied.
FEW = 20
FIRST = 5  # cohorts whose coefficients are compared
MODEL = replicates.Model(
    log_hazard_ratios=(0.3, -0.2, 0.1, 0.25, -0.15, 0.05, 0.2, -0.1, 0.15, -0.25, 0.1, 0.3, -0.05),
    shares=(None, None, None, 0.5, 0.4, 0.3, 0.2, 0.2, 0.2, 0.2, 0.1, 0.3, 0.6),
)


def seeds(count: int) -> list[int]:
    """The seeds of the first cohorts."""
    return list(range(1, count + 1))
