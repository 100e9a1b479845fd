"""People ready for analysis in a file of a run's own: counted, and never held in memory.

Where people are too many for memory, `analyse` writes them once, checked and with what the
analyses need, into a Parquet file in a private folder that is deleted at the end; where it is
stopped, the folder waits for the same run and no other. Functions that
take people as a table take this file as well: what they need of it are counts.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from distance_to_care.problems import Problem
from distance_to_care.study import EXPOSURES, Study
from distance_to_care.whole_file import reason

# The column of `People.counts` with the people who are alike in the others.
COUNT = "people_counted"
FOLDER = "distance-to-care-people-"
_ARROW = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}
# With checksums a page that a disk has damaged is never analysed.
_WRITTEN = {"compression": "lz4", "write_page_checksum": True}
# So many rows of counts are added up before more are read.
_PENDING = 2_000_000
# Levels of a model's category are named by place: sorted as text they stay in order.
_LEVEL = "{:04d}"


class _Told:
    """Who is told of each question that people in a file are asked; nobody, as it begins."""

    say: Callable[[str], None] = staticmethod(lambda line: None)


@contextmanager
def telling(say: Callable[[str], None]) -> Iterator[None]:
    """Tell of each question that people in a file are asked, when it is asked.

    say : called with a line that names columns, and never a value.
    """
    begun, before = time.monotonic(), _Told.say
    _Told.say = lambda line: say(f"{time.monotonic() - begun:,.0f} seconds: {line}")
    try:
        yield
    finally:
        _Told.say = before


class People:
    """People in a file, as `cohort.prepare` returns them, of whom counts are asked."""

    def __init__(self, file: Path):
        self.file = Path(file)
        with pyarrow.parquet.ParquetFile(self.file) as parquet:
            self._rows = parquet.metadata.num_rows
            self.columns = tuple(parquet.schema_arrow.names)

    def __len__(self) -> int:
        return self._rows

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Some columns of the people, a part at a time."""
        for table in self._tables(columns):
            yield _frame(table)

    def counts(self, by: Sequence[str], known: Sequence[str] = ()) -> pd.DataFrame:
        """Count people who are alike.

        Parameters
        ----------
        by : columns whose values people share; a missing value is one of them.
        known : columns of which only that they are known is shared.

        Returns
        -------
        One row a combination that occurs: the columns `by`, typed as people are; the columns
        `known`, true or false; and the number of people, in the column `COUNT`.
        """
        by = list(dict.fromkeys(by))
        known = [name for name in dict.fromkeys(known) if name not in by]
        _Told.say(f"counting people by {', '.join(by) or 'what is known of them'}")
        counted, pending = [], 0
        for table in self._tables([*by, *known]):
            for name in known:
                place = table.column_names.index(name)
                table = table.set_column(place, name, pc.is_valid(table.column(name)))
            grouped = table.group_by([*by, *known], use_threads=False)
            counts = grouped.aggregate([([], "count_all")]).rename_columns([*by, *known, COUNT])
            counted.append(counts)
            pending += len(counts)
            if pending > _PENDING:
                counted = [_added(counted)]
                pending = -len(counted[0])
        return _frame(_added(counted)).sort_values([*by, *known], ignore_index=True)

    @contextmanager
    def complete(
        self, terms: Mapping[str, Sequence[object] | None], others: Sequence[str] = ()
    ) -> Iterator[Path]:
        """Write the people of whom every term is known, for a model; the file goes at the end.

        Parameters
        ----------
        terms : the columns of the model; for a category its levels in order, None for a number.
        others : columns that have to be known as well.

        Yields
        ------
        A Parquet file with `follow_up_years`, `died` (0 or 1) and the terms: a number as it is, a
        level as its place in text (`0000`, `0001`, ...), so that text in order is levels in order.
        """
        file = self.file.with_name("model.parquet")
        writer = None
        _Told.say(f"a model of {', '.join(terms)}")
        try:
            for table in self._tables(["follow_up_years", "died", *terms, *others]):
                for name in others:
                    table = table.filter(pc.is_valid(table.column(name)))
                columns = {
                    "follow_up_years": table.column("follow_up_years"),
                    "died": table.column("died").cast(pa.int8()),
                    **{name: _term(table.column(name), levels) for name, levels in terms.items()},
                }
                part = pa.table(columns).drop_null()
                with _telling_room():
                    if writer is None:
                        writer = pyarrow.parquet.ParquetWriter(file, part.schema, **_WRITTEN)
                    writer.write_table(part)
            with _telling_room():
                writer.close()
            yield file
        finally:
            if writer is not None:
                with _telling_room():
                    writer.close()
            file.unlink(missing_ok=True)

    def _tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        names = list(dict.fromkeys(columns))
        with pyarrow.parquet.ParquetFile(self.file, page_checksum_verification=True) as parquet:
            for place in range(parquet.num_row_groups):
                yield parquet.read_row_group(place, columns=names, use_threads=False).select(names)


def _added(counted: Sequence[pa.Table]) -> pa.Table:
    together = pa.concat_tables(counted)
    if len(counted) == 1:
        return together
    names = together.column_names
    grouped = together.group_by(names[:-1], use_threads=False)
    return grouped.aggregate([(COUNT, "sum")]).rename_columns(names)


def _frame(table: pa.Table) -> pd.DataFrame:
    """A table as pandas has people: whole numbers and booleans with gaps in types of their own."""
    gaps = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    columns = {}
    for name in table.column_names:
        cells = table.column(name)
        mapper = gaps.get if cells.null_count else None
        columns[name] = cells.to_pandas(types_mapper=mapper)
    return pd.DataFrame(columns)


def _term(cells: pa.ChunkedArray, levels: Sequence[object] | None) -> pa.Array:
    if levels is None:
        return cells.cast(pa.float64())
    place = pc.index_in(cells, value_set=pa.array(levels, cells.type))
    named = pa.array([level_name(number) for number in range(len(levels))])
    return pa.DictionaryArray.from_arrays(place.combine_chunks().cast(pa.int32()), named)


def level_name(place: int) -> str:
    """How the level at a place is named in the file of a model."""
    return _LEVEL.format(place)


class Writer:
    """Writes people, part by part, into a file of a private folder."""

    def __init__(self, file: Path, study: Study):
        self.file, self._writer = file, None
        kinds = {name: _ARROW[column.type] for name, column in study.columns.items()}
        kinds |= {EXPOSURES[1]: pa.int64(), "died": pa.bool_()}
        kinds |= {each.name: pa.float64() for each in (*study.scores, *study.derived)}
        self._kinds = kinds

    def add(self, people: pd.DataFrame) -> None:
        """Write some people: in the contract, or as `cohort.prepare` returns them."""
        schema = pa.schema([(name, self._kinds[name]) for name in people])
        table = pa.Table.from_pandas(people, schema=schema, preserve_index=False)
        with _telling_room():
            if self._writer is None:
                self._writer = pyarrow.parquet.ParquetWriter(self.file, schema, **_WRITTEN)
            self._writer.write_table(table)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with _telling_room():
                self._writer.close()


@contextmanager
def _telling_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(
            f"The people of this run cannot be kept in {tempfile.gettempdir()}: {reason(error)}. "
            "Name a folder with more room in the variable TMPDIR; 'check' says how much they take."
        ) from None


@contextmanager
def private_folder(key: str = "") -> Iterator[Path]:
    """A folder that nobody else may read, in the temporary folder of the machine, and its end.

    What other runs left there that were killed is deleted first.

    Parameters
    ----------
    key : letters and digits that name the run. What a run of that name left when it was stopped is
        taken over; and where this one is stopped (KeyboardInterrupt), the folder stays for the
        next. It is deleted when the run ends in any other way.
    """
    left = _of_the_dead(key)
    folder = _taken_over(left, key) if left else None
    folder = folder or Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-{key}-"))
    stays = False
    try:
        yield folder
    except KeyboardInterrupt:
        stays = bool(key)
        raise
    finally:
        if not stays:
            shutil.rmtree(folder, ignore_errors=True)


def _of_the_dead(key: str) -> Path | None:
    """Delete what runs left that live no more, but for one of this name, which is returned."""
    found = None
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        process, *named = folder.name.removeprefix(FOLDER).split("-")
        if not process.isdigit() or _lives(int(process)):
            continue
        if key and named[:1] == [key] and found is None and _is_ours(folder):
            found = folder
            continue
        # Another person's folder is not ours to delete.
        with suppress(OSError):
            shutil.rmtree(folder)
    return found


def _is_ours(folder: Path) -> bool:
    """Say that nobody else made a folder or could put anything into it."""
    state = folder.lstat()
    private = stat.S_ISDIR(state.st_mode) and not state.st_mode & 0o077
    return private and state.st_uid == os.getuid()


def _taken_over(folder: Path, key: str) -> Path | None:
    """Give a folder the name of this process; None where another one was quicker."""
    own = folder.with_name(f"{FOLDER}{os.getpid()}-{key}-{folder.name.rsplit('-', 1)[-1]}")
    try:
        return folder.rename(own)
    except OSError:
        return None


def _lives(process: int) -> bool:
    if os.name != "posix":
        # Elsewhere this question would end the process.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
