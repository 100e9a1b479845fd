"""Releases: what may leave a secure environment, written whole, described, and checked again."""

from distance_to_care.releasing.making import Released, release
from distance_to_care.releasing.manifest import read
from distance_to_care.releasing.verification import digest, faults

__all__ = ["Released", "digest", "faults", "read", "release"]
