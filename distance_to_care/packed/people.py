"""Columns of a Parquet file, read in batches and kept as codes; and of a table, in the same form.

The values of a column are known by the few different ones that it holds, so what can be said of a
column (is it a number, is a value missing, which levels are there) is said of those. A column of
too many different numbers to code is kept as the numbers themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from distance_to_care.packed import kernels
from distance_to_care.problems import AnalysisError

BEGINS = b"PAR1"  # of every Parquet file
BATCH = 1 << 18  # people a batch: a few megabytes a column
READERS = 2  # columns read beside one another
# What Arrow and pandas say of a damaged file; it may quote a row, so that it is never told.
DAMAGED = (pa.ArrowException, OSError, ValueError, KeyError)
# Whole numbers that lie farther apart than this are not counted by place.
SPAN = 1 << 22
SCALES = (1, 10, 100, 1_000, 10_000)  # steps of numbers with decimals


@dataclass
class Column:
    """One column: the different values that occur, and which of them each person has.

    `different` holds the values that occur, each once, as pandas would hold them. `codes` gives
    each person's place among them; it is empty where the numbers themselves stand in `numbers`:
    `different` then has the lowest, the highest and one that is not whole, which decide every
    check of a column.
    """

    name: str
    different: pd.Series
    codes: np.ndarray | None = None
    numbers: np.ndarray | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """How many people have each value."""
        return kernels.count(self.codes, len(self.different))

    def coded(self) -> Column:
        """The column with a code a person, however many different numbers there are."""
        if self.codes is not None:
            return self
        values, codes = np.unique(self.numbers, return_inverse=True)
        return Column(self.name, pd.Series(values), codes.ravel().astype(_smallest(len(values))))


class People:
    """Columns of people, by name; those that the file or table does not have are not there."""

    def __init__(self, count: int, columns: dict[str, Column], repeated: Sequence[str] = ()):
        self.count, self.columns, self.repeated = count, columns, repeated

    def __len__(self) -> int:
        return self.count


def _smallest(size: int) -> np.dtype:
    """The smallest type that holds places below a number."""
    return np.min_scalar_type(max(size - 1, 0))


# -- packing ---------------------------------------------------------------------------------------


class _Numbers:
    """Numbers, as whole ones above the lowest where they are, or of few decimals; else as they are.

    A number of few decimals is a whole one divided by a power of ten: the nearest that there is, so
    that dividing again gives the same number, to the last bit.
    """

    def __init__(self, count: int, whole_type: bool):
        self.count, self.whole_type = count, whole_type
        self.filled, self.missing = 0, False
        self.lowest = self.highest = None
        self.scale = 1
        self.stored = None  # whole numbers less the lowest, in the smallest type
        self.numbers = None

    def add(self, values: np.ndarray) -> None:
        if self.missing or len(values) == 0:
            return
        if values.dtype.kind == "f" and values.dtype.itemsize < 8:
            values = values.astype(float)
        part = slice(self.filled, self.filled + len(values))
        self.filled = part.stop
        if self.numbers is None:
            low, high = values.min(), values.max()
            if low != low or high != high:
                self.missing = True
                return
            whole = self._whole(values, low, high)
            if whole is not None:
                # Of whole numbers of any width a difference that fits comes out right.
                np.subtract(
                    whole, whole.dtype.type(self.lowest), out=self.stored[part], casting="unsafe"
                )
                return
            self._widen(part.start)
        self.numbers[part] = values
        self.missing = bool(np.isnan(self.numbers[part]).any())

    def _whole(self, values, low, high) -> np.ndarray | None:
        """Values as whole numbers; nothing where they are too far apart, or of many decimals."""
        if self.whole_type:
            return values if self._fits(int(low), int(high)) else None
        for scale in SCALES[SCALES.index(self.scale) :]:
            if not max(abs(low), abs(high)) * scale < 2**31:
                return None
            whole = values * scale
            np.rint(whole, out=whole)
            if not np.array_equal(whole / scale, values):
                continue
            if scale > self.scale:
                self._finer(scale)
            return whole if self._fits(int(whole.min()), int(whole.max())) else None
        return None

    def _finer(self, scale: int) -> None:
        """Count what is stored in smaller steps, of which one of before has a whole number."""
        by, self.scale = scale // self.scale, scale
        if self.lowest is not None:
            self.lowest, self.highest = self.lowest * by, self.highest * by
            needed = _smallest(self.highest - self.lowest + 1)
            self.stored = (self.stored.astype(np.int64) * by).astype(needed)

    def _fits(self, low: int, high: int) -> bool:
        """Make room for whole numbers, where they are not too far from the others."""
        if not -(2**31) < low <= high < 2**31:
            return False
        first = self.lowest is None
        lowest = low if first else min(low, self.lowest)
        highest = high if first else max(high, self.highest)
        needed = _smallest(highest - lowest + 1)
        if first:
            self.stored = np.empty(self.count, needed)
        elif lowest < self.lowest or needed != self.stored.dtype:
            # Differences only grow, and a larger type holds the smaller.
            self.stored = self.stored.astype(needed)
            self.stored += self.stored.dtype.type(self.lowest - lowest)
        self.lowest, self.highest = lowest, highest
        return True

    def _widen(self, done: int) -> None:
        self.numbers = np.empty(self.count, float if not self.whole_type else np.int64)
        if done:
            self.numbers[:done] = self._values(self.stored[:done].astype(np.int64))
        self.stored = None

    def _values(self, whole: np.ndarray) -> np.ndarray:
        """What numbers less the lowest stand for."""
        whole = whole + self.lowest
        return whole if self.whole_type else whole / self.scale

    def column(self, name: str, restored) -> Column:
        if self.missing:
            return Column(name, pd.Series([np.nan]))
        if self.numbers is not None:
            if self.whole_type:
                codes, values = pd.factorize(self.numbers)
                return _ordered(name, restored(values), codes)
            odd = self.numbers[np.argmax(self.numbers != np.rint(self.numbers))]
            ends = [self.numbers.min(), self.numbers.max(), odd]
            return Column(name, pd.Series(np.unique(ends)), numbers=self.numbers)
        span = self.highest - self.lowest + 1
        if span > max(SPAN, self.count):
            codes, values = pd.factorize(self.stored)
            return _ordered(name, restored(self._values(values.astype(np.int64))), codes)
        counts = kernels.count(self.stored, span)
        there = np.flatnonzero(counts)
        codes = self.stored
        if len(there) < span:
            place = np.zeros(span, _smallest(len(there)))
            place[there] = np.arange(len(there))
            codes = place[codes]
        column = Column(name, restored(self._values(there)), codes)
        column.counts = counts[there]
        return column


def _ordered(name: str, values: pd.Series, codes: np.ndarray) -> Column:
    """Codes in the order in which values were met, as codes by size."""
    order = np.argsort(values.to_numpy(), kind="stable")
    place = np.empty(len(order), _smallest(len(order)))
    place[order] = np.arange(len(order))
    return Column(name, values.iloc[order].reset_index(drop=True), place[codes])


class _Words:
    """Values of any kind, each coded when it is met first."""

    def __init__(self, count: int):
        self.codes = np.empty(count, np.uint8)
        self.filled, self.missing = 0, False
        self.place: dict[object, int] = {}

    def add(self, codes: np.ndarray, values: Sequence) -> None:
        if self.missing:
            return
        place = [self.place.setdefault(value, len(self.place)) for value in values]
        needed = _smallest(len(self.place))
        if needed.itemsize > self.codes.dtype.itemsize:
            self.codes = self.codes.astype(needed)
        part = slice(self.filled, self.filled + len(codes))
        self.filled = part.stop
        if place == list(range(len(place))):
            self.codes[part] = codes
        elif len(codes):
            np.take(np.array(place, self.codes.dtype), codes, out=self.codes[part], mode="clip")

    def column(self, name: str, restored) -> Column:
        if self.missing:
            return Column(name, pd.Series([np.nan]))
        values = list(self.place)
        counts = kernels.count(self.codes, len(values))
        there = np.flatnonzero(counts)
        if any(values[code] is None for code in there):
            return Column(name, pd.Series([np.nan]))
        codes = self.codes
        if len(there) < len(values):
            place = np.zeros(len(values), _smallest(len(there)))
            place[there] = np.arange(len(there))
            codes = place[codes]
        column = Column(name, restored(values, there), codes)
        column.counts = counts[there]
        return column


# -- of a file -------------------------------------------------------------------------------------


def is_file(people: object) -> bool:
    """Tell whether people are given as a path rather than as a table."""
    return isinstance(people, str | Path)


@contextmanager
def opened(
    path: str | Path, words: Sequence[str] = (), metadata: pq.FileMetaData | None = None
) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, and say in a sentence why it cannot be read, then or later.

    Parameters
    ----------
    path : of the file.
    words : columns of text, which are read as codes.
    metadata : of the file, where it was read before.

    Raises
    ------
    AnalysisError : no such file, not Parquet, damaged, or not ours to read.
    """
    path = Path(path)
    if path.is_dir():
        raise AnalysisError(f"{path} is a folder. Name a file in it, or write its parts as one.")
    if not path.is_file():
        raise AnalysisError(f"There is no file {path}.")
    try:
        with path.open("rb") as stream:
            begins = stream.read(len(BEGINS))
    except OSError as error:
        raise AnalysisError(f"{path.name} cannot be opened: {error.strerror}.") from None
    if begins != BEGINS:
        raise AnalysisError(
            f"{path.name} is not a Parquet file: write the table as Parquet (pandas: "
            "`people.to_parquet(...)`), which is read column by column."
        )
    # No map of memory: of a file that another program cuts short it would end Python.
    reading = {"memory_map": False, "page_checksum_verification": True}
    with (
        _telling_damage(path),
        pq.ParquetFile(path, metadata=metadata, read_dictionary=list(words), **reading) as file,
    ):
        yield file


@contextmanager
def _unchanged(path: str | Path) -> Iterator[None]:
    """Refuse what was read of a file, or why it was not, where it is no longer the same file."""
    path = Path(path)
    before = _version(path)
    try:
        yield
    except AnalysisError:
        if before is None or _version(path) == before:
            raise
    else:
        if _version(path) == before:
            return
    raise AnalysisError(
        f"{path.name} changed while it was read. Wait until nobody writes it, and begin again."
    )


def _version(path: Path) -> tuple[int, ...] | None:
    """Which file stands there, and as of when; nothing where there is none."""
    try:
        now = path.stat()
    except OSError:
        return None
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns


@contextmanager
def _telling_damage(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (AnalysisError, MemoryError):
        raise
    except DAMAGED:
        raise AnalysisError(
            f"{Path(path).name} is a damaged or incomplete Parquet file. Copy or write it again."
        ) from None


def _refuse(schema: pa.Schema, names: Sequence[str]) -> None:
    """Refuse columns of which a file does not hold what a table would."""
    categories = {
        each.get("field_name", each["name"])
        for each in _of_pandas(schema).get("columns", [])
        if each["pandas_type"] == "categorical"
    }
    for name in names:
        kinds = [schema.field(place).type for place in schema.get_all_field_indices(name)]
        if any(pa.types.is_nested(kind) for kind in kinds):
            raise AnalysisError(
                f"Column '{name}' holds lists or records: give each part a column of its own."
            )
        if name in categories and not any(pa.types.is_dictionary(kind) for kind in kinds):
            raise AnalysisError(
                f"Column '{name}' was a category of numbers, which Parquet keeps as numbers: write "
                "it as numbers, or as text where each is a group of its own."
            )


def _of_pandas(schema: pa.Schema) -> dict:
    """What pandas wrote of its columns into a file."""
    return json.loads((schema.metadata or {}).get(b"pandas", "{}"))


def _without_index(schema: pa.Schema) -> dict | None:
    """What a file says of its columns, of which none is an index: they are asked for by name."""
    if told := _of_pandas(schema):
        return {**schema.metadata, b"pandas": json.dumps(told | {"index_columns": []})}
    return schema.metadata


def read(path: str | Path, names: Sequence[str]) -> People:
    """Read columns of a Parquet file in batches, and keep them as codes.

    Parameters
    ----------
    path : of the file.
    names : columns; those that the file does not have are left out.

    Returns
    -------
    The `People`.

    Raises
    ------
    AnalysisError : as `opened` says; a column that holds lists or records; or a file that another
        program replaces or writes meanwhile.
    """
    with _unchanged(path):
        return _read(path, names)


def _read(path: str | Path, names: Sequence[str]) -> People:
    with opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
    known = set(names)
    repeated = [name for name in known if len(schema.get_all_field_indices(name)) > 1]
    names = [name for name in schema.names if name in known and name not in repeated]
    _refuse(schema, names)

    def column(name):
        return name, _read_column(path, schema, metadata, name)

    # A column a thread: reading and packing hold no lock.
    with ThreadPoolExecutor(READERS) as readers:
        return People(metadata.num_rows, dict(readers.map(column, names)), repeated)


def _read_column(path, schema: pa.Schema, metadata: pq.FileMetaData, name: str) -> Column:
    field, count = schema.field(name), metadata.num_rows
    if count == 0:
        return Column(name, pd.Series([], dtype=object), np.empty(0, np.uint8))
    packer = _packer(field.type, count)
    with opened(path, [name] if _is_text(field.type) else [], metadata) as file:
        for batch in file.iter_batches(BATCH, columns=[name], use_threads=False):
            _add(packer, batch.column(0))
        return packer.column(name, _restored(packer, field, _without_index(schema)))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _packer(kind: pa.DataType, count: int) -> _Numbers | _Words:
    whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    # An unsigned number beyond 64 bits' sign would change its value.
    if (whole and not pa.types.is_uint64(kind)) or pa.types.is_floating(kind):
        return _Numbers(count, whole)
    return _Words(count)


def _add(packer: _Numbers | _Words, values: pa.Array) -> None:
    if values.null_count:
        packer.missing = True
        return
    if isinstance(packer, _Numbers):
        if pa.types.is_boolean(values.type):
            values = values.cast(pa.uint8())
        packer.add(values.to_numpy(zero_copy_only=False))
        return
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    packer.add(values.indices.to_numpy(zero_copy_only=False), values.dictionary.to_pylist())


def _restored(packer, field: pa.Field, metadata):
    """How values become a Series of the type that pandas gives the column of this file."""
    if isinstance(packer, _Numbers):
        return lambda values: _as_pandas(pa.array(values).cast(field.type), field, metadata)
    if pa.types.is_dictionary(field.type):
        # The order of a categorical is that of its dictionary; which of it occurs is known by now.
        def of_dictionary(values, there):
            levels = pd.Index(values)
            return pd.Series(pd.Categorical.from_codes(there, levels, field.type.ordered))

        return of_dictionary
    return lambda values, there: _as_pandas(
        pa.array([values[code] for code in there], field.type), field, metadata
    )


def _as_pandas(values: pa.Array, field: pa.Field, metadata) -> pd.Series:
    if pa.types.is_boolean(field.type) and values.type != field.type:
        values = values.cast(field.type)
    schema = pa.schema([field], metadata=metadata)
    return pa.table([values], schema=schema).to_pandas()[field.name].reset_index(drop=True)


def table(path: str | Path, names: Sequence[str]) -> pd.DataFrame:
    """Read columns of a Parquet file into a table, for what needs one row a person."""
    with _unchanged(path), opened(path) as file:
        there = [name for name in file.schema_arrow.names if name in set(names)]
        if not there:
            return pd.DataFrame(index=range(file.metadata.num_rows))
        _refuse(file.schema_arrow, there)
        table = file.read(columns=there)
        return table.replace_schema_metadata(_without_index(table.schema)).to_pandas()


# -- of a table ------------------------------------------------------------------------------------


def of_table(people: pd.DataFrame, names: Sequence[str]) -> People:
    """Code columns of a table, as those of a file are.

    Parameters
    ----------
    people : one row a person.
    names : columns; those that the table does not have are left out.

    Returns
    -------
    The `People`.
    """
    there = [name for name in names if name in people.columns]
    repeated = [name for name in there if people[name].ndim > 1]
    columns = {
        name: _of_series(name, people[name].infer_objects())
        for name in there
        if name not in repeated
    }
    return People(len(people), columns, repeated)


def _of_series(name: str, values: pd.Series) -> Column:
    kind = values.dtype
    if len(values) == 0:
        return Column(name, values, np.empty(0, np.uint8))
    if values.isna().any():
        return Column(name, pd.Series([np.nan]))
    if isinstance(kind, pd.CategoricalDtype):
        packer = _Words(len(values))
        packer.add(values.cat.codes.to_numpy(), list(values.cat.categories))

        def of_categories(levels, there):
            return pd.Series(pd.Categorical.from_codes(there, pd.Index(levels), kind.ordered))

        return packer.column(name, of_categories)
    if pd.api.types.is_unsigned_integer_dtype(kind) and values.max() > np.iinfo(np.int64).max:
        codes, different = pd.factorize(values, sort=True)
        return Column(name, pd.Series(different), codes.astype(_smallest(len(different))))
    if pd.api.types.is_numeric_dtype(kind):
        whole = not pd.api.types.is_float_dtype(kind)
        packer = _Numbers(len(values), whole)
        numbers = values.to_numpy(dtype=float if not whole else None)
        packer.add(numbers.astype(np.uint8) if pd.api.types.is_bool_dtype(kind) else numbers)
        return packer.column(name, lambda found: pd.Series(found).astype(kind))
    codes, different = pd.factorize(values)
    return Column(name, pd.Series(different), codes.astype(_smallest(len(different))))
