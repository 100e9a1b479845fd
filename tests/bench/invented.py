"""The invented people on whom engines are timed: drawn from one seed, kept as columns in a folder.

A folder holds `people.parquet` for engines that read files, and one plain file of numbers a column
(little-endian, so that R reads it without a package) for the others. Needs numpy alone; pyarrow is
imported where the Parquet file is written.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

SEED = 20261123
CHUNK = 1_000_000  # people drawn and written at once, which bounds the memory
HORIZON_DAYS = 1095
READ_OFF_DAYS = (365, 730, 1095)
LEVELS = {
    "deprivation": ["1", "2", "3", "4", "5"],
    "distance": ["1", "2", "3", "4", "5"],
    "smoking": ["current", "former", "never"],
    "cause": ["censored", "died", "transplanted"],
}
# In the order of the model; the categories give 4 + 4 + 2 terms, all together 13.
COVARIATES = ["age", "lung_capacity", "male", *list(LEVELS)[:3]]
TERMS = COVARIATES[:3] + [
    f"{name}[{level}]" for name in list(LEVELS)[:3] for level in LEVELS[name][1:]
]
CLUSTERS = 60
# Log hazard ratios of the levels, and the daily rates: about 60% have died when follow-up ends.
EFFECTS = {
    "deprivation": [0.0, -0.06, -0.11, -0.17, -0.22],
    "distance": [0.0, 0.05, 0.08, 0.14, 0.19],
    "smoking": [0.0, -0.12, -0.24],
}
DEATHS_A_DAY, SHAPE, TRANSPLANTS_A_DAY, LOSSES_A_DAY = 0.00088, 1.15, 0.00004, 0.0001
LONGEST_DAYS = 2191
COLUMNS = {
    "days": "<i4", "died": "<i4", "age": "<i4", "lung_capacity": "<i4", "male": "<i4",
    "deprivation": "<i4", "distance": "<i4", "smoking": "<i4", "cause": "<i4", "centre": "<i4",
}  # fmt: skip


def draw(people: int, chunk: int = 0) -> dict[str, np.ndarray]:
    """Draw people of one chunk.

    people : how many. chunk : its number, which alone with SEED decides who they are.
    Returns a column of integers each: whole days, and the place of each category in LEVELS.
    """
    random = np.random.default_rng([SEED, chunk])
    found = {
        "age": np.clip(random.normal(71, 9, people).round(), 40, 98),
        "lung_capacity": np.clip(random.normal(78, 18, people).round(), 30, 130),
        "male": random.random(people) < 0.68,
        "deprivation": random.integers(0, 5, people),
        "distance": random.integers(0, 5, people),
        "smoking": random.choice(3, people, p=[0.05, 0.62, 0.33]),
        "centre": random.integers(0, CLUSTERS, people),
    }
    risk = 0.03 * (found["age"] - 71) - 0.02 * (found["lung_capacity"] - 78) + 0.25 * found["male"]
    for name, effects in EFFECTS.items():
        risk += np.array(effects)[found[name]]
    # People of one centre share a little: clustered errors then differ from plain ones.
    risk += 0.15 * np.sin(1.0 + 7.0 * found["centre"])
    death = (random.exponential(1, people) / np.exp(risk)) ** (1 / SHAPE) / DEATHS_A_DAY
    transplant = random.exponential(1 / TRANSPLANTS_A_DAY, people)
    left = np.minimum(
        random.uniform(180, LONGEST_DAYS, people), random.exponential(1 / LOSSES_A_DAY, people)
    )
    first = np.minimum(np.minimum(death, transplant), left)
    found["days"] = np.ceil(first)
    found["died"] = death == first
    found["cause"] = np.where(death == first, 1, np.where(transplant == first, 2, 0))
    return {name: np.asarray(found[name], dtype=form) for name, form in COLUMNS.items()}


def write(people: int, folder: Path) -> Path:
    """Write people into a folder, one chunk after another; nothing where they are there already."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    done = folder / "complete"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: (folder / f"{name}.bin").open("wb") for name in COLUMNS}
    writer = None
    for chunk, start in enumerate(range(0, people, CHUNK)):
        found = draw(min(CHUNK, people - start), chunk)
        for name, values in found.items():
            files[name].write(values.tobytes())
        columns = {
            name: pa.DictionaryArray.from_arrays(pa.array(values, pa.int32()), LEVELS[name])
            if name in LEVELS
            else pa.array(values, pa.int32())
            for name, values in found.items()
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(folder / "people.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    for file in files.values():
        file.close()
    done.write_text(f"{people}\n")
    return folder


class Invented:
    """People of a folder, in the forms in which engines take them.

    folder : as `write` left it.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.parquet = str(self.folder / "people.parquet")

    def column(self, name: str) -> np.ndarray:
        """One column of integers."""
        return np.fromfile(self.folder / f"{name}.bin", dtype=COLUMNS[name])

    @cached_property
    def days(self) -> np.ndarray:
        """Whole days followed, as the numbers that every engine takes."""
        return self.column("days").astype(float)

    @cached_property
    def died(self) -> np.ndarray:
        """1 where follow-up ended with death."""
        return self.column("died")

    @cached_property
    def design(self) -> np.ndarray:
        """People x 13 terms, the first level of each category left out."""
        parts = [self.column(name)[:, None] for name in COVARIATES if name not in LEVELS]
        parts += [
            self.column(name)[:, None] == np.arange(1, len(LEVELS[name]))
            for name in COVARIATES
            if name in LEVELS
        ]
        return np.hstack([part.astype(float) for part in parts])

    def of_each_group(self, *names: str, group: str = "deprivation"):
        """The level, and the named columns of its people, group by group."""
        codes, columns = self.column(group), [self.column(name) for name in names]
        for code, level in enumerate(LEVELS[group]):
            own = codes == code
            yield level, [values[own] for values in columns]
