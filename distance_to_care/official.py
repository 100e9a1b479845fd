"""Official files that are not kept here: obtain them, recognise them, read them into our words.

`data/official_files.toml` says for each where it comes from, by which headings it is recognised
and what its rows and sums must be. Nothing is recognised by its file name, and nothing is used
that does not add up. Only the cache folder is written to.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from distance_to_care import places, workbook
from distance_to_care.problems import Problem

CATALOGUE = places.DATA / "official_files.toml"
RECORD = "official_sha256.json"
_GZIP = b"\x1f\x8b"
# A sheet saved as CSV may begin with a few lines of title.
_LINES_BEFORE_HEADING = 10
_SUFFIXES = (".csv", ".csv.gz")
_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 60


@cache
def known() -> dict[str, dict]:
    """Read what is known of every official file: name -> its entry in official_files.toml."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


@cache
def catalogue() -> dict[str, dict]:
    """Say which of them are one table with headings, which `find` and `read` deal with.

    The others name their `reader`, and medicine_files.py reads them.
    """
    return {name: entry for name, entry in known().items() if "reader" not in entry}


def _entry(name: str) -> dict:
    if name not in catalogue():
        raise Problem(
            f"There is no official file called '{name}'. Known are {', '.join(catalogue())}."
        )
    return catalogue()[name]


# --- Recognising ------------------------------------------------------------------------------


def _headings(entry: Mapping) -> dict[str, list[str]]:
    """Our column names -> the headings that mean them, in small letters."""
    columns = {**entry.get("text", {}), **entry.get("numbers", {})}
    ages = entry.get("ages")
    if ages:
        for age in range(ages["first"], ages["open_from"]):
            columns[f"age_{age}"] = [str(age)]
        columns[f"age_{ages['open_from']}_and_over"] = [f"{ages['open_from']}+"]
    return {ours: [theirs.lower() for theirs in names] for ours, names in columns.items()}


def _matches(entry: Mapping, heading: list[str]) -> dict[int, str] | None:
    """Positions in the heading -> our column names, or None where a column is missing."""
    small = [cell.strip().lower() for cell in heading]
    found = {}
    for ours, names in _headings(entry).items():
        position = next((small.index(name) for name in names if name in small), None)
        if position is None:
            return None
        found[position] = ours
    return found


def _open(path: Path):
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
    # The signature at the beginning of many official files is not part of the first heading.
    reader = gzip.open if compressed else open
    return reader(path, "rt", encoding="utf-8-sig", newline="")


def _first_lines(path: Path) -> list[list[str]]:
    """First lines of a CSV file, cut into cells; none where it is not text."""
    try:
        with _open(path) as file:
            return list(islice(csv.reader(file), _LINES_BEFORE_HEADING))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        return []


def find(folder: Path) -> dict[str, Path]:
    """Recognise the official files in a folder by their column headings.

    Args:
        folder: any folder; files ending in .csv or .csv.gz are looked at, not those below it.

    Returns:
        name -> path, for each official file that is there; of two files with the same content,
        the first in order of file name. `read` then checks rows and sums.
    """
    paths = (p for p in sorted(Path(folder).iterdir()) if p.name.lower().endswith(_SUFFIXES))
    told = ((p, p.stat()) for p in paths if p.is_file())
    return dict(_recognised(tuple((p, stat.st_size, stat.st_mtime_ns) for p, stat in told)))


# A page reads several files from one folder; a file that changes is looked at again.
@lru_cache(maxsize=4)
def _recognised(files: tuple[tuple[Path, int, int], ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path, _, _ in files:
        lines = _first_lines(path)
        for name, entry in catalogue().items():
            if name not in found and _heading(entry, lines) is not None:
                found[name] = path
    return found


def _heading(entry: Mapping, lines: list[list[str]]) -> int | None:
    """Number of the line that is this file's heading; None where it is not this file.

    Files of one layout for areas of several sizes are told apart by how the codes below begin.
    """
    for number, line in enumerate(lines):
        columns = _matches(entry, line)
        if columns is None:
            continue
        below = lines[number + 1] if number + 1 < len(lines) else []
        first = {ours: below[i].strip() for i, ours in columns.items() if i < len(below)}
        begins = entry.get("begins", {}).items()
        if all(first.get(ours, "").startswith(tuple(codes)) for ours, codes in begins):
            return number
    return None


# --- Reading ----------------------------------------------------------------------------------


def read(name: str, path: Path) -> pd.DataFrame:
    """Read one official file, in our words, if it is whole and adds up.

    Args:
        name: a name of the catalogue, such as `imd_2019`.
        path: the file, CSV, compressed by gzip or not.

    Returns:
        One row an area in order of the file, columns as in the catalogue: text as it is, numbers
        as whole numbers where they are; ages as `age_0` ... `age_90_and_over`.

    Raises:
        Problem: the file is not recognised, truncated (rows) or altered (sums, counts).
    """
    entry = _entry(name)
    path = Path(path)
    lines = _first_lines(path)
    position = _heading(entry, lines)
    if position is None:
        raise Problem(
            f"{path.name} is not recognised as '{name}' ({entry['title']}): columns that belong "
            f"to it are missing{_or_other_areas(entry)}. Take the file from "
            f"{entry['landing_page']}."
        )
    columns = _matches(entry, lines[position])
    text = set(entry["text"])
    try:
        with _open(path) as file:
            frame = pd.read_csv(
                file,
                skiprows=position,
                usecols=list(columns),
                dtype={i: str for i, ours in columns.items() if ours in text},
                thousands=",",
                low_memory=False,
                skip_blank_lines=True,
            )
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError):
        # The library's own sentence is about bytes; ours says what to do.
        raise Problem(
            f"{path.name} cannot be read to its end, so it is truncated or damaged. "
            f"Obtain it again from {entry['landing_page']}."
        ) from None
    frame.columns = [columns[i] for i in sorted(columns)]
    frame = frame[list(_headings(entry))]
    _check(entry, frame, path.name)
    for ours in frame.columns.difference(list(text)):
        if (frame[ours] == frame[ours].round()).all():
            frame[ours] = frame[ours].astype("int64")
    for ours, rule in entry.get("derived", {}).items():
        words = {code: word for word, codes in rule.items() if word != "from" for code in codes}
        frame[ours] = frame[rule["from"]].map(words)
    return frame


def _or_other_areas(entry: Mapping) -> str:
    codes = [code for begins in entry.get("begins", {}).values() for code in begins]
    return f", or it is of areas whose codes do not begin {' or '.join(codes)}" if codes else ""


def _check(entry: Mapping, frame: pd.DataFrame, file_name: str) -> None:
    """Compare rows, gaps, keys, sums and counts with those of the official release."""
    again = f"Obtain it again from {entry['landing_page']}."
    if "rows_between" in entry:
        _check_size(entry["rows_between"], len(frame), file_name, again)
    elif len(frame) != entry["rows"]:
        kind = "truncated" if len(frame) < entry["rows"] else "not the official file"
        raise Problem(
            f"{file_name} has {len(frame):,} rows where the official file has {entry['rows']:,}, "
            f"so it is {kind}. {again}"
        )
    altered = f"so it has been altered. {again}"
    for ours in frame.columns:
        if frame[ours].isna().any():
            raise Problem(f"{file_name} has empty cells in the column for {ours}, {altered}")
        if ours not in entry["text"] and not pd.api.types.is_numeric_dtype(frame[ours]):
            raise Problem(f"{file_name} has text in the column of numbers for {ours}, {altered}")
    for ours, totals in entry.get("no_totals", {}).items():
        named = frame[ours].str.strip().str.lower().str.startswith(tuple(totals))
        if named.any():
            raise Problem(
                f"{file_name} has {int(named.sum())} rows of totals in the column for {ours}, "
                f"such as England or a region. Leave them out: one row is one {ours}."
            )
    for ours in entry.get("whole", []):
        wrong = (frame[ours] < 0) | (frame[ours] != frame[ours].round())
        if wrong.any():
            raise Problem(
                f"{file_name} has {int(wrong.sum())} rows in the column for {ours} that are no "
                f"count: below nought, or not whole. Give numbers of people, not shares. {again}"
            )
    for ours in entry["unique"]:
        if frame[ours].duplicated().any():
            raise Problem(f"{file_name} holds some {ours} more than once, {altered}")
    for ours, expected in entry.get("sums", {}).items():
        total = frame[ours].sum()
        # Coordinates are given to fractions of a metre; all else adds up exactly.
        if abs(total - expected) > (0.01 if isinstance(expected, float) else 0):
            raise Problem(
                f"{file_name}: the column for {ours} adds up to {total:,.0f} where the official "
                f"file has {expected:,.0f}, {altered}"
            )
    for ours, counts in entry.get("counts", {}).items():
        counted = frame[ours].astype(int if counts.keys() <= _DIGITS else str).astype(str)
        if counted.value_counts().to_dict() != counts:
            raise Problem(
                f"{file_name}: the classes of {ours} do not have their official numbers of areas, "
                f"{altered}"
            )
    for ours, expected in entry.get("distinct", {}).items():
        if frame[ours].nunique() != expected:
            raise Problem(
                f"{file_name} has {frame[ours].nunique():,} different values of {ours} where the "
                f"official file has {expected:,}, {altered}"
            )
    if "adds_up" in entry:
        rule = entry["adds_up"]
        gap = (frame[rule["parts"]].sum(axis=1) - frame[rule["total"]]).abs()
        if (gap > rule["within"]).any():
            raise Problem(
                f"{file_name}: in {int((gap > rule['within']).sum()):,} areas the parts do not add "
                f"up to {rule['total']}, {altered}"
            )
    if "ages" in entry:
        ages = [c for c in frame.columns if c.startswith("age_")]
        if (frame[ages].sum(axis=1) != frame[entry["ages"]["total"]]).any():
            raise Problem(f"{file_name}: the ages of some areas do not add up, {altered}")


def _check_size(between: list[int], rows: int, file_name: str, again: str) -> None:
    """Compare the rows of a table that changes in size, such as one row a board."""
    low, high = between
    if not low <= rows <= high:
        raise Problem(
            f"{file_name} has {rows:,} rows where {low} to {high} are expected, so it is not "
            f"this table, or parts are missing. {again}"
        )


_DIGITS = {str(number) for number in range(100)}


# --- Obtaining --------------------------------------------------------------------------------


def obtain(
    destination: Path | None = None,
    addresses: Mapping[str, str] | None = None,
    say: Callable[[str], None] | None = None,
    again: bool = False,
) -> dict[str, Path]:
    """Obtain the official files, check them and keep them outside the repository.

    A file is downloaded beside its place, read and checked, and only then put there, so that a
    broken download leaves nothing behind. A workbook or archive is kept as the CSV of its table.
    The sha256 of what the publisher sent is recorded the first time; a later download with another
    sha256 is said.

    Args:
        destination: the folder; the cache of this machine where none is given.
        addresses: name -> download address, instead of those of the catalogue.
        say: told, one line at a time, what happens.
        again: download files that are already there, too.

    Returns:
        name -> path of every official file that is now in the folder.

    Raises:
        Problem: some files could not be obtained or do not add up (the others are kept).
    """
    folder = Path(destination) if destination is not None else places.official_cache()
    folder.mkdir(parents=True, exist_ok=True)
    say = say or (lambda line: None)
    recorded(folder)  # a damaged record is told before anything is downloaded
    if addresses is None:
        addresses = {n: e["address"] for n, e in catalogue().items() if e.get("address")}
    say(f"Official files are kept in {folder}")
    failures = []
    for name, entry in catalogue().items():
        path = find(folder).get(name)
        if path is not None and not again:
            try:
                read(name, path)
                say(f"{name}: already there ({path.name})")
                continue
            except Problem as problem:
                say(f"{name}: {problem}")
        if name not in addresses:
            if path is None:
                say(
                    f"{name}{' (optional)' if entry.get('optional') else ''}: no address to "
                    f"download from. Look on {entry['landing_page']} for "
                    f"'{entry.get('look_for', entry['title'])}', save it as CSV in that folder."
                )
            continue
        try:
            _download(name, entry, addresses[name], folder, say)
        except Problem as problem:
            say(str(problem))
            failures.append(str(problem))
    if failures:
        raise Problem(" ".join(failures))
    return find(folder)


def _download(name: str, entry: Mapping, address: str, folder: Path, say) -> None:
    """Download one file into the folder, or leave the folder as it was and raise Problem."""
    by_hand = (
        f"Or take it by hand from {entry['landing_page']}, save it as CSV and put it into {folder}."
    )
    if urlsplit(address).scheme not in ("http", "https"):
        raise Problem(f"{name}: the address {address} is not a web address. {by_hand}")
    say(f"{name}: downloading from {urlsplit(address).netloc}")
    handle, temporary = tempfile.mkstemp(prefix=f".{name}-", suffix=".part", dir=folder)
    part = Path(temporary)
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                _stream(name, address, file, say)
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = getattr(error, "reason", error)
                raise Problem(
                    f"{name} could not be downloaded from {address}: {reason}. "
                    f"Try again later. {by_hand}"
                ) from None
        content = part.read_bytes()
        try:
            if content.startswith(workbook.SIGNATURE):
                say(f"{name}: unpacking")
                _unpack(part, entry.get("sheet"))
            read(name, part)
        except Problem as problem:
            sentence = str(problem).replace(part.name, f"The file at {address}")
            raise Problem(f"{name}: {sentence}") from None
        suffix = ".csv.gz" if content.startswith(_GZIP) else ".csv"
        _record(name, address, content, folder, say, entry["landing_page"])
        part.replace(folder / f"{name}{suffix}")
    finally:
        part.unlink(missing_ok=True)


def _unpack(part: Path, sheet: str | None) -> None:
    """Replace a workbook or an archive by its table as CSV; the sheet is read once, not often."""
    unpacked = part.with_suffix(".csv.part")
    try:
        with unpacked.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(workbook.rows(part, sheet))
        unpacked.replace(part)
    finally:
        unpacked.unlink(missing_ok=True)


def _stream(name: str, address: str, file, say) -> None:
    request = urllib.request.Request(address, headers={"User-Agent": "distance-to-care"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        length = int(response.headers.get("Content-Length") or 0)
        received, said = 0, 0
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            quarter = 4 * received // length if length else 0
            if quarter > said:
                said = quarter
                say(f"{name}: {25 * quarter}% of {length / 1e6:.1f} MB")
    if length and received != length:
        raise OSError(f"only {received:,} of {length:,} bytes came")


def recorded(folder: Path) -> dict[str, dict]:
    """Read what is recorded of the files that were downloaded into a folder.

    Args:
        folder: the folder that keeps them.

    Returns:
        Name -> sha256, bytes, address and time of the first download; empty where none is recorded.

    Raises:
        Problem: the record is damaged; the sentence says which file to delete.
    """
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        record = None
    if not isinstance(record, dict):
        raise Problem(
            f"{path} is damaged, so downloads cannot be compared with the first ones. "
            "Delete that file, and try again."
        )
    return record


def _record(name: str, address: str, content: bytes, folder: Path, say, landing_page: str) -> None:
    """Note the sha256 of a file at its first download; say where a later one differs."""
    path = folder / RECORD
    record = recorded(folder)
    digest = hashlib.sha256(content).hexdigest()
    now = {
        "sha256": digest,
        "bytes": len(content),
        "address": address,
        "downloaded": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    first = record.get(name)
    if first is None:
        record[name] = now
        say(f"{name}: sha256 {digest} recorded at first download")
    elif first["sha256"] == digest:
        say(f"{name}: sha256 as at first download on {first['downloaded'][:10]}")
    else:
        record[name] = {**first, "latest": now}
        say(
            f"{name}: sha256 is now {digest}; at first download on {first['downloaded'][:10]} it "
            f"was {first['sha256']}. The publisher has changed the file: look on "
            f"{landing_page}."
        )
    part = folder / f".{RECORD}.part"
    part.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)
