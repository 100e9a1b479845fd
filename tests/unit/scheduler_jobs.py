"""Jobs for the tests of the scheduler: a small module, since every process has to import it."""

import os
import time
from typing import NamedTuple

import numpy as np

from distance_to_care.problems import AnalysisError


class Job(NamedTuple):
    number: int
    seconds: float = 0.0


class Done(NamedTuple):
    number: int
    numbers: tuple[float, ...]
    process: int


def normal(job: Job) -> Done:
    """Draw three numbers that follow from the job alone; the first jobs take the longest."""
    time.sleep(job.seconds)
    drawn = np.random.default_rng([7, job.number]).normal(size=3)
    return Done(job.number, tuple(drawn), os.getpid())


def changes_its_job(array: np.ndarray) -> float:
    array += 1
    return float(array.sum())


def fails(number: int) -> int:
    if number == 2:
        raise AnalysisError("Too few people died to estimate anything.")
    return number
