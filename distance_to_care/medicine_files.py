"""Monthly files of hospital medicines, and the list of trusts: obtain, recognise and read them.

The publisher offers one large file a month, first provisional and later final. Only the rows of
the medicines that `data/official_files.toml` names are kept. Files are recognised by their columns
(the list of trusts, which has no headings, by its cells), never by their names; a name only tells
whether a month is final. Only the cache folder is written to.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from distance_to_care import official
from distance_to_care.problems import Problem

MEDICINES, TRUSTS = "hospital_medicines", "hospital_trusts"
FINAL, NOT_SAID = "final", "not said"
_COLUMNS = ("month", "trust_code", "product", "unit", "quantity", "status")
_TRUST_CODE = re.compile(r"[A-Z0-9]{3,5}")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}")
_MONTH = re.compile(r"([0-9]{4})-?(0[1-9]|1[0-2])(?:-01)?")
# What of the list of trusts is looked at to recognise it.
_LINES = 20


def read(name: str, folder: Path) -> pd.DataFrame | None:
    """Read the medicines of every month in a folder, or the list of trusts.

    Args:
        name: `hospital_medicines` or `hospital_trusts`.
        folder: any folder; files ending in .csv or .csv.gz are looked at, not those below it.

    Returns:
        Of medicines as `read_months` returns it, of trusts as `read_trusts`; None where the folder
        has no such file.

    Raises:
        Problem: a file that is recognised cannot be used; the sentence says what to do.
    """
    paths = [path for path in _tables(folder) if _RECOGNISED[name](path)]
    if not paths:
        return None
    return read_months(paths) if name == MEDICINES else read_trusts(paths[0])


def _tables(folder: Path) -> list[Path]:
    endings = (".csv", ".csv.gz")
    found = sorted(Path(folder).iterdir())
    return [path for path in found if path.is_file() and path.name.lower().endswith(endings)]


# --- Medicines, month by month ------------------------------------------------------------------


def _layout(heading: list[str]) -> dict[str, str] | None:
    """Our names -> the headings of a file of a month; None where it is no such file."""
    entry = official.known()[MEDICINES]
    small = {cell.strip().lower(): cell for cell in heading}
    for layout in entry["layouts"]:
        wanted = {**entry["columns"], **layout}
        if all(theirs.lower() in small for theirs in wanted.values()):
            return {ours: small[theirs.lower()] for ours, theirs in wanted.items()}
    return None


def _heading(path: Path) -> list[str]:
    return next(iter(official._first_lines(path)), [])


def _is_month(path: Path) -> bool:
    return _layout(_heading(path)) is not None


def read_month(path: Path) -> pd.DataFrame:
    """Read the medicines that the catalogue names from one file.

    Args:
        path: a file of the publisher, whole or cut to some medicines; compressed by gzip or not.

    Returns:
        `month` (`2026-07`), `trust_code`, `product` (in small letters), `unit`, `quantity` (below
        0 where more came back than went out), `status` (final, provisional, wip or not said).

    Raises:
        Problem: columns are missing, the file is cut off, or cells cannot be understood.
    """
    entry = official.known()[MEDICINES]
    again = f"Take the file again from {entry['landing_page']}."
    layout = _layout(_heading(path))
    if layout is None:
        raise Problem(f"{path.name} is no monthly file of hospital medicines. {again}")
    try:
        with official._open(path) as file:
            kept = list(_kept(file, layout["product"], entry["keep"]))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        raise Problem(f"{path.name} cannot be read to its end. {again}") from None
    frame = pd.DataFrame(
        {
            ours: [(row.get(theirs) or "").strip() for row in kept]
            for ours, theirs in layout.items()
        },
        dtype=str,
    )
    said = re.search(entry["file_name"].removesuffix(r"\.csv"), path.name.lower())
    told = re.search(rf"{MEDICINES}_[0-9-]+_(?P<status>[a-z]+)", path.name.lower())
    status = next((found["status"] for found in (said, told) if found), NOT_SAID)
    return _typed(frame, entry, path.name).assign(status=status)[list(_COLUMNS)]


def _kept(file, product: str, medicines: list[str]) -> Iterator[dict[str, str]]:
    """Rows whose product begins with the name of one of the medicines."""
    beginnings = tuple(medicine.lower() for medicine in medicines)
    for row in csv.DictReader(file, strict=True):
        if (row.get(product) or "").strip().lower().startswith(beginnings):
            yield row


def _typed(frame: pd.DataFrame, entry: Mapping, name: str) -> pd.DataFrame:
    """Months, quantities and units as the calculation needs them, or a Problem with its rows."""
    months = frame["month"].str.extract(f"^{_MONTH.pattern}$")
    out = frame.assign(
        month=months[0] + "-" + months[1],
        trust_code=frame["trust_code"].str.upper(),
        product=frame["product"].str.lower().str.split().str.join(" "),
        unit=frame["unit"].str.lower(),
        quantity=pd.to_numeric(frame["quantity"].str.replace(",", ""), errors="coerce"),
    )
    faults = {
        "no month such as 2026-07": out["month"].isna(),
        "no code of a trust": ~out["trust_code"].str.fullmatch(_TRUST_CODE),
        "no quantity": out["quantity"].isna(),
        f"another unit than {' or '.join(entry['units'])}": ~out["unit"].isin(entry["units"]),
        "a month, trust and product that the file has already": out.duplicated(
            ["month", "trust_code", "product"]
        ),
    }
    found = [f"{int(rows.sum()):,} rows with {what}" for what, rows in faults.items() if rows.any()]
    if found:
        raise Problem(
            f"{name} has, among the medicines kept, {'; '.join(found)}. "
            f"Take the file again from {entry['landing_page']}, or mend its cells."
        )
    return out


def read_months(paths: list[Path]) -> pd.DataFrame:
    """Read several monthly files; a final month takes the place of a provisional one.

    Args:
        paths: files as for `read_month`.

    Returns:
        As `read_month`, every month once, sorted by month, trust and product.

    Raises:
        Problem: two files of one month and one status disagree; or as for `read_month`.
    """
    months: dict[str, tuple[str, str, pd.DataFrame]] = {}
    for path in sorted(paths):
        frame = read_month(path)
        for month, rows in frame.groupby("month"):
            rows = rows.sort_values(["trust_code", "product"], ignore_index=True)
            status = rows["status"].iloc[0]
            if month in months:
                before, name, known = months[month]
                if (before == FINAL) == (status == FINAL):
                    same = ["trust_code", "product", "unit", "quantity"]
                    if not rows[same].equals(known[same]):
                        raise Problem(
                            f"{name} and {path.name} both hold {month} and disagree. Keep one."
                        )
                    continue
                if before == FINAL:
                    continue
            months[month] = (status, path.name, rows)
    parts = [months[month][2] for month in sorted(months)]
    empty = pd.DataFrame(columns=list(_COLUMNS)).astype({"quantity": float})
    return pd.concat(parts, ignore_index=True) if parts else empty


# --- The list of trusts -------------------------------------------------------------------------


def _is_trusts(path: Path) -> bool:
    """Whether the first lines hold codes and postcodes where the list of trusts has them."""
    entry = official.known()[TRUSTS]["columns"]
    lines = official._first_lines(path)[:_LINES]
    return bool(lines) and all(
        len(line) > entry["closed"]
        and re.fullmatch(r"R[A-Z0-9]{2,4}", line[entry["trust_code"]].strip())
        and (_POSTCODE.fullmatch(line[entry["postcode"]].strip()) or not line[entry["postcode"]])
        for line in lines
    )


_RECOGNISED = {MEDICINES: _is_month, TRUSTS: _is_trusts}


def read_trusts(path: Path) -> pd.DataFrame:
    """Read the list of trusts.

    Args:
        path: the list, a CSV file without headings; compressed by gzip or not.

    Returns:
        One row a trust, open or closed: `trust_code`, `trust` (its name), `postcode` (capital
        letters, no space; empty where the list has none), `closed` (true where it has a closing
        date).

    Raises:
        Problem: the file is not recognised, is cut off, or holds a code twice.
    """
    entry = official.known()[TRUSTS]
    again = f"Take it again from {entry['landing_page']}: {entry['look_for']}."
    if not _is_trusts(path):
        raise Problem(f"{path.name} is not the list of trusts. {again}")
    try:
        with official._open(path) as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        raise Problem(f"{path.name} cannot be read to its end. {again}") from None
    places = entry["columns"]
    if any(len(line) <= places["closed"] for line in lines):
        raise Problem(f"{path.name} has lines with fewer cells than the others. {again}")
    frame = pd.DataFrame(
        {ours: [line[place].strip() for line in lines] for ours, place in places.items()}
    )
    if frame["trust_code"].duplicated().any():
        raise Problem(f"{path.name} holds some codes of trusts more than once. {again}")
    return frame.assign(
        postcode=frame["postcode"].str.upper().str.replace(" ", ""), closed=frame["closed"] != ""
    )


# --- Obtaining ----------------------------------------------------------------------------------


def obtain(
    folder: Path,
    months: int,
    interface: str | None = None,
    trusts: str | None = None,
    say: Callable[[str], None] | None = None,
    again: bool = False,
) -> list[Path]:
    """Obtain the latest months of hospital medicines and the list of trusts.

    Each monthly file is received whole, its sha256 is recorded, and only the rows of the medicines
    that the catalogue names are kept, as the publisher wrote them.

    Args:
        folder: the folder to keep them in; made where it is not there.
        months: how many months, the latest first.
        interface: address of the public catalogue's interface, up to the name of a package.
        trusts: address of the list of trusts.
        say: told, one line at a time, what happens.
        again: obtain what is already there, too.

    Returns:
        The files that are now in the folder, in order of their names.

    Raises:
        Problem: something could not be obtained or is not what it should be (the rest is kept).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    say = say or (lambda line: None)
    entry, list_entry = official.known()[MEDICINES], official.known()[TRUSTS]
    failures = []
    try:
        offered = _offered(interface or entry["interface"], entry)
    except Problem as problem:
        say(str(problem))
        failures.append(str(problem))
        offered = {}
    for month in sorted(offered)[-months:] if months else []:
        status, address = offered[month]
        path = folder / f"{MEDICINES}_{month}_{status}.csv"
        if path.exists() and not again:
            say(f"{MEDICINES}: {month} ({status}) is already there")
            continue
        try:
            _download(path.stem, address, path, _cut_month, entry, say)
            for older in folder.glob(f"{MEDICINES}_{month}_*.csv"):
                if older != path:
                    older.unlink()
        except Problem as problem:
            say(str(problem))
            failures.append(str(problem))
    path = folder / f"{TRUSTS}.csv"
    if path.exists() and not again:
        say(f"{TRUSTS}: already there")
    else:
        try:
            _download(TRUSTS, trusts or list_entry["address"], path, _whole_list, list_entry, say)
        except Problem as problem:
            say(str(problem))
            failures.append(str(problem))
    if failures:
        raise Problem(" ".join(failures))
    return sorted([*folder.glob(f"{MEDICINES}_*.csv"), *folder.glob(f"{TRUSTS}.csv")])


def _offered(interface: str, entry: Mapping) -> dict[str, tuple[str, str]]:
    """Month -> status and address of its file, the final one where there is one."""
    by_hand = f"Look on {entry['landing_page']} for {entry['look_for']}, and save it as CSV."
    found: dict[str, tuple[str, str]] = {}
    for package in entry["packages"]:
        _web(interface, MEDICINES, by_hand)
        request = urllib.request.Request(
            interface + package, headers={"User-Agent": "distance-to-care"}
        )
        try:
            with urllib.request.urlopen(request, timeout=official._TIMEOUT_SECONDS) as response:
                answer = json.load(response)
            resources = answer["result"]["resources"]
            addresses = [str(resource["url"]) for resource in resources]
        except (urllib.error.URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Problem(
                f"{MEDICINES}: the catalogue at {interface}{package} could not be asked: {reason}. "
                f"Try again later. {by_hand}"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise Problem(
                f"{MEDICINES}: the catalogue at {interface}{package} did not answer with a list of "
                f"files. {by_hand}"
            ) from None
        for address in addresses:
            named = re.fullmatch(entry["file_name"], address.rsplit("/", 1)[-1].lower())
            if named:
                month = f"{named['month'][:4]}-{named['month'][4:]}"
                if month not in found or named["status"] == FINAL:
                    found[month] = (named["status"], address)
    if not found:
        raise Problem(f"{MEDICINES}: the catalogue names no monthly file. {by_hand}")
    return found


def _web(address: str, name: str, by_hand: str) -> None:
    if urlsplit(address).scheme not in ("http", "https"):
        raise Problem(f"{name}: the address {address} is not a web address. {by_hand}")


def _download(name: str, address: str, path: Path, make: Callable, entry: Mapping, say) -> None:
    """Receive a file beside its place, keep what is wanted of it, and put it there."""
    by_hand = f"Or take it by hand from {entry['landing_page']}: {entry['look_for']}."
    _web(address, name, by_hand)
    say(f"{name}: downloading from {urlsplit(address).netloc}")
    handle, temporary = tempfile.mkstemp(prefix=f".{name}-", suffix=".part", dir=path.parent)
    part, ready = Path(temporary), Path(f"{temporary}.kept")
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                official._stream(name, address, file, say)
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = getattr(error, "reason", error)
                raise Problem(
                    f"{name} could not be downloaded from {address}: {reason}. "
                    f"Try again later. {by_hand}"
                ) from None
        try:
            rows = make(part, ready)
        except Problem as problem:
            sentence = str(problem).replace(part.name, f"The file at {address}")
            raise Problem(f"{name}: {sentence}") from None
        landing = entry["landing_page"]
        official._record(name, address, part.read_bytes(), path.parent, say, landing)
        ready.replace(path)
        say(f"{name}: {rows:,} rows kept in {path.name}")
    finally:
        part.unlink(missing_ok=True)
        ready.unlink(missing_ok=True)


def _cut_month(part: Path, ready: Path) -> int:
    """Check a file of a month, and keep its heading and the rows of the medicines."""
    rows = len(read_month(part))
    entry, layout = official.known()[MEDICINES], _layout(_heading(part))
    if not rows:
        raise Problem(f"{part.name} holds none of {', '.join(entry['keep'])}.")
    with official._open(part) as file, ready.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, _heading(part), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(_kept(file, layout["product"], entry["keep"]))
    return rows


def _whole_list(part: Path, ready: Path) -> int:
    """Check the list of trusts and keep it as it came."""
    rows = len(read_trusts(part))
    ready.write_bytes(part.read_bytes())
    return rows
