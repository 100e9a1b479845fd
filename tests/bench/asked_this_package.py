"""This package, asked through the public functions that a user calls, on a table of people."""

from __future__ import annotations

import os

import pandas as pd
from answers import of_terms, read_off
from invented import COVARIATES, HORIZON_DAYS, READ_OFF_DAYS

from distance_to_care import survival

TIMES = ("days", "died")


def _table(people, *columns):
    return pd.read_parquet(people.parquet, columns=[*TIMES, *columns])


def _curves(table):
    found = {}
    for group, curve in table.groupby("group", observed=True):
        found |= read_off(str(group), curve["time"], curve["survival"], READ_OFF_DAYS)
    return found


def _terms(table):
    return of_terms(table["term"], table["coefficient"], table["standard_error"])


def kaplan_meier(people):
    table = _table(people, "deprivation")
    return lambda: survival.kaplan_meier(table, *TIMES, "deprivation"), _curves


def log_rank(people):
    table = _table(people, "deprivation")
    return (
        lambda: survival.log_rank(table, *TIMES, "deprivation"),
        lambda test: {"statistic": [float(test["statistic"].iloc[0]), None]},
    )


def cox_efron(people):
    table = _table(people, *COVARIATES)
    return lambda: survival.cox(table, *TIMES, COVARIATES), _terms


def cox_breslow(people):
    table = _table(people, *COVARIATES)
    return lambda: survival.cox(table, *TIMES, COVARIATES, ties="breslow"), _terms


def cox_robust(people):
    table = _table(people, *COVARIATES)
    # Everybody is a cluster of their own.
    table["person"] = range(len(table))
    return lambda: survival.cox(table, *TIMES, COVARIATES, cluster="person"), _terms


def cox_clustered(people):
    table = _table(people, *COVARIATES, "centre")
    return lambda: survival.cox(table, *TIMES, COVARIATES, cluster="centre"), _terms


def proportional_hazards(people):
    table = _table(people, *COVARIATES)
    return (
        lambda: survival.proportional_hazards_test(table, *TIMES, COVARIATES),
        lambda test: of_terms(test["term"], test["statistic"]),
    )


def cumulative_incidence(people):
    table = _table(people, "cause")

    def answered(found):
        own = found[found["cause"] == "transplanted"]
        return read_off("transplanted", own["time"], own["incidence"], READ_OFF_DAYS, 0.0)

    return lambda: survival.cumulative_incidence(table, "days", "cause"), answered


def restricted_mean(people):
    table = _table(people, "deprivation")
    return (
        lambda: survival.restricted_mean(table, *TIMES, HORIZON_DAYS, "deprivation"),
        lambda found: of_terms(
            found["group"].astype(str), found["restricted_mean"], found["standard_error"]
        ),
    )


def curves_of_a_file(people):
    return lambda: survival.kaplan_meier(people.parquet, *TIMES, "deprivation"), _curves


def cox_of_a_file(people):
    return lambda: survival.cox(people.parquet, *TIMES, COVARIATES), _terms


def simulation(_people):
    from simulated import COHORTS, FIRST, MODEL, seeds

    from distance_to_care.statistics import replicates

    def answered(found):
        own = found[found["seed"].isin(seeds(FIRST))]
        names = own["seed"].astype(str) + " " + own["term"].astype(str)
        return of_terms(names, own["log_hazard_ratio"], own["standard_error"])

    workers = os.cpu_count()
    return lambda: replicates.study(MODEL, seeds(COHORTS), workers=workers), answered
