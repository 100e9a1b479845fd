"""Monthly files of hospital medicines, and the list of trusts: obtain, recognise and read them.

The publisher offers one large file a month, first provisional and later final. Only the rows of
the medicines that `data/official_files.toml` names are kept. Files are recognised by their columns
(the list of trusts, which has no headings, by its cells), never by their names; a name only tells
whether a month is final. Only the cache folder is written to.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from http.client import HTTPException
from itertools import islice
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
# Commas part thousands, or they are not understood: 600,5 is no whole number.
_NUMBER = re.compile(r"[-+]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")
# Files so named were meant to be read, whatever is in them.
_NAMED = {MEDICINES: r"scmd|hospital_medicines", TRUSTS: r"etr\b|hospital_trusts"}
_LOOKED_AT = 4096
_SHOWN = 3


def read(name: str, folder: Path) -> pd.DataFrame | None:
    """Read the medicines of every month in a folder, or the list of trusts.

    Args:
        name: `hospital_medicines` or `hospital_trusts`.
        folder: any folder; files ending in .csv or .csv.gz are looked at, not those below it.

    Returns:
        Of medicines as `read_months` returns it, of trusts as `read_trusts`; None where the folder
        has no such file.

    Raises:
        Problem: a file that is recognised cannot be used, a file that was meant to be one is not
            recognised, or two lists of trusts disagree; the sentence says what to do.
    """
    paths = [path for path in _tables(folder) if _RECOGNISED[name](path)]
    for path in sorted(Path(folder).iterdir()):
        if path not in paths and _was_meant(name, path):
            raise Problem(_not_recognised(name, path))
    if not paths:
        return None
    return read_months(paths) if name == MEDICINES else _read_lists(paths)


def _was_meant(name: str, path: Path) -> bool:
    """Whether a file is called as these files are, or has most of their headings in some form."""
    if path.name.startswith(".") or not path.is_file():
        return False
    if re.match(_NAMED[name], path.name.lower()):
        return True
    wanted = official.known()[MEDICINES]["columns"].values()
    start = _start(path).lower()
    return name == MEDICINES and sum(theirs.lower() in start for theirs in wanted) > 1


def _start(path: Path) -> str:
    """The first characters of a file in whatever coding it has, for looking at only."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start.startswith(official._GZIP):
        try:
            with gzip.open(path) as file:
                start = file.read(_LOOKED_AT)
        except (OSError, EOFError):
            return ""
    return start.replace(b"\x00", b"").decode("latin-1")


def _not_recognised(name: str, path: Path) -> str:
    entry = official.known()[name]
    say = f"Take it again from {entry['landing_page']}, or move it to another folder."
    if name == TRUSTS:
        return f"{path.name} is not the list of trusts: {entry['look_for']}. {say}"
    start = _start(path).lower()
    missing = [theirs for theirs in entry["columns"].values() if theirs.lower() not in start]
    layouts = [list(layout.values()) for layout in entry["layouts"]]
    if not any(all(theirs.lower() in start for theirs in layout) for layout in layouts):
        missing.append(" or ".join(layout[0] for layout in layouts))
    what = f"these headings are missing: {', '.join(missing)}" if missing else "its form is not"
    what += "" if missing else " that of a CSV file with commas, in UTF-8"
    return f"{path.name} is no monthly file of hospital medicines that can be read: {what}. {say}"


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


def _heading(path: Path) -> tuple[int, list[str]] | None:
    """Number of the line of headings and its cells; lines of title may stand above it."""
    for number, line in enumerate(official._first_lines(path)):
        if _layout(line) is not None:
            return number, line
    return None


def _is_month(path: Path) -> bool:
    return _heading(path) is not None


def read_month(path: Path) -> pd.DataFrame:
    """Read the medicines that the catalogue names from one file.

    Args:
        path: a file of the publisher, whole or cut to some medicines; compressed by gzip or not.

    Returns:
        `month` (`2026-07`), `trust_code`, `product` (in small letters), `unit`, `quantity` (below
        0 where more came back than went out), `status` (final, provisional, wip or not said).

    Raises:
        Problem: columns are missing, the file is cut off within a line, its name tells another
            month than its cells, or cells cannot be understood. A file that is cut off between two
            lines is whole as far as can be seen: see `hospital_medicines.short_months`.
    """
    entry = official.known()[MEDICINES]
    again = f"Take the file again from {entry['landing_page']}."
    heading = _heading(path)
    if heading is None:
        raise Problem(f"{path.name} is no monthly file of hospital medicines. {again}")
    layout = _layout(heading[1])
    try:
        with official._open(path) as file:
            lines = list(_kept(file, heading[0], layout["product"], entry["keep"]))
    except Problem as problem:
        raise Problem(f"{path.name}: {problem}. {again}") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        raise Problem(f"{path.name} cannot be read to its end. {again}") from None
    frame = pd.DataFrame(
        {ours: [row[theirs].strip() for _, row in lines] for ours, theirs in layout.items()},
        dtype=str,
    ).assign(line=[number for number, _ in lines])
    out = _typed(frame, entry, path.name)
    ours = rf"{MEDICINES}_(?P<month>[0-9-]+)_(?P<status>[a-z]+)"
    forms = (entry["file_name"].removesuffix(r"\.csv"), ours)
    named = next((f for form in forms if (f := re.search(form, path.name.lower()))), None)
    held = sorted(set(out["month"]))
    if named and any(month.replace("-", "") != named["month"].replace("-", "") for month in held):
        raise Problem(
            f"{path.name} holds {', '.join(held)}, and its name tells another month. {again}"
        )
    return out.assign(status=named["status"] if named else NOT_SAID)[list(_COLUMNS)]


def _kept(
    file, position: int, product: str, medicines: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows whose product begins with the name of one of the medicines."""
    beginnings = tuple(medicine.lower() for medicine in medicines)
    lines = csv.reader(file, strict=True)
    heading = next(islice(lines, position, None))
    place = heading.index(product)
    for cells in lines:
        if cells and (len(cells) < len(heading) or any(cells[len(heading) :])):
            raise Problem(
                f"line {lines.line_num} has {len(cells):,} cells under {len(heading):,} headings: "
                "the file is cut off, or a comma stands in a number without quotes"
            )
        if cells and cells[place].strip().lower().startswith(beginnings):
            yield lines.line_num, dict(zip(heading, cells, strict=False))


def _typed(frame: pd.DataFrame, entry: Mapping, name: str) -> pd.DataFrame:
    """Months, quantities and units as the calculation needs them, or a Problem with its rows."""
    months = frame["month"].str.extract(f"^{_MONTH.pattern}$")
    plain = frame["quantity"].where(frame["quantity"].str.fullmatch(_NUMBER), "")
    out = frame.assign(
        month=months[0] + "-" + months[1],
        trust_code=frame["trust_code"].str.upper(),
        product=frame["product"].str.lower().str.split().str.join(" "),
        unit=frame["unit"].str.lower().str.removesuffix("s"),
        quantity=pd.to_numeric(plain.str.replace(",", ""), errors="coerce"),
    )
    faults = {
        "no month such as 2026-07": out["month"].isna(),
        "a month that is still to come": out["month"] > f"{date.today():%Y-%m}",
        "no code of a trust": ~out["trust_code"].str.fullmatch(_TRUST_CODE),
        "no quantity that can be read": out["quantity"].isna(),
        f"another unit than {' or '.join(entry['units'])}": ~out["unit"].isin(entry["units"]),
        "a month, trust and product that the file has already": out.duplicated(
            ["month", "trust_code", "product"]
        ),
    }
    found = [f"{_which(out[rows])} with {what}" for what, rows in faults.items() if rows.any()]
    if found:
        raise Problem(
            f"{name} has, among the medicines kept, {'; '.join(found)}. Take the file again from "
            f"{entry['landing_page']}, or mend these cells. A quantity that was withheld is not "
            "guessed: take its line out, and that trust has no quantity in that month."
        )
    return out


def _which(rows: pd.DataFrame) -> str:
    """Count lines, and tell the first of them with their trusts."""
    told = [f"line {row.line}, {row.trust_code or 'no trust'}" for row in rows.itertuples()]
    more = ", ..." if len(told) > _SHOWN else ""
    count = "1 row" if len(told) == 1 else f"{len(told):,} rows"
    return f"{count} ({'; '.join(told[:_SHOWN])}{more})"


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
    lines = _without_headings(official._first_lines(path))
    return bool(lines) and all(map(_is_trust, lines))


def _is_trust(line: list[str]) -> bool:
    entry = official.known()[TRUSTS]["columns"]
    if len(line) <= entry["closed"]:
        return False
    code, postcode = (line[entry[name]].strip().upper() for name in ("trust_code", "postcode"))
    known = not postcode or _POSTCODE.fullmatch(postcode)
    return bool(re.fullmatch(r"R[A-Z0-9]{2,4}", code) and known)


def _without_headings(lines: list[list[str]]) -> list[list[str]]:
    """Lines with something in them; a first line that is no trust is one of headings."""
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    return lines[1:] if lines and not _is_trust(lines[0]) else lines


def _read_lists(paths: list[Path]) -> pd.DataFrame:
    """Read the list of trusts; two lists that disagree are a Problem, as two months are."""
    first, *others = [read_trusts(path) for path in paths]
    order = first.sort_values("trust_code", ignore_index=True)
    for path, other in zip(paths[1:], others, strict=True):
        if not other.sort_values("trust_code", ignore_index=True).equals(order):
            raise Problem(
                f"{paths[0].name} and {path.name} are both lists of trusts and disagree. Keep one."
            )
    return first


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
            lines = _without_headings(list(csv.reader(file)))
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
        trust_code=frame["trust_code"].str.upper(),
        postcode=frame["postcode"].str.upper().str.replace(" ", ""),
        closed=frame["closed"] != "",
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
    that the catalogue names are kept, as the publisher wrote them. A final month that is there is
    not received again; a month that is not final is, since it still changes.

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
    official.recorded(folder)  # a damaged record is told before anything is downloaded
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
        if path.exists() and status == FINAL and not again:
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
    entry, (position, heading) = official.known()[MEDICINES], _heading(part)
    product = _layout(heading)["product"]
    if not rows:
        raise Problem(f"{part.name} holds none of {', '.join(entry['keep'])}.")
    with official._open(part) as file, ready.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, heading, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for _, row in _kept(file, position, product, entry["keep"]))
    return rows


def _whole_list(part: Path, ready: Path) -> int:
    """Check the list of trusts and keep it as it came."""
    rows = len(read_trusts(part))
    ready.write_bytes(part.read_bytes())
    return rows
