"""Bad input: every broken file gets a sentence, all faults at once, and never a value of a row."""

from __future__ import annotations

import gzip
import json
import os
import traceback
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from invented_people import csv_text, people, raw

from distance_to_care import places, tables
from distance_to_care.problems import Problem, Problems

# Cells that could only come from a row. They stand in every bad file below.
CANARIES = ("Aloysius", "Quuxbridge", "4815162342", "31415926", "1911-11-11", "E01099999")


@pytest.fixture(scope="module")
def ipf():
    return tables.read_study("ipf")


def canaries() -> pd.DataFrame:
    """The ten people with cells that would be known again, in columns of every type."""
    frame = raw()
    frame["person_id"] = [f"Aloysius {row}" for row in range(10)]
    frame["centre"] = "Quuxbridge"
    frame.loc[3, "age_years"] = "Aloysius 1911-11-11"
    frame.loc[4, "fvc_percent"] = 4815162342
    frame.loc[5, "smoking"] = "Quuxbridge"
    frame.loc[6, "symptom_months"] = "31415926,5"
    frame.loc[7, "oxygen"] = "Aloysius"
    frame["area_code"] = "E01099999"
    return frame


def text(frame=None, **keywords) -> str:
    return (canaries() if frame is None else frame).to_csv(index=False, **keywords)


def refusal(path, study) -> str:
    """The sentence with which a file is refused, searched for canaries and for a traceback."""
    with pytest.raises(Problem) as caught:
        tables.read_cohort(path, study)
    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for canary in CANARIES:
        assert canary not in everything
    # No other error hangs on to it: pyarrow's quote rows.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert path.name in str(caught.value)
    assert str(caught.value).rstrip().endswith(".")
    return str(caught.value)


def as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")


def zipped() -> bytes:
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", text())
    return stream.getvalue()


ROWS = text().split("\n", 1)[1]
HEADER = text().split("\n", 1)[0]

BROKEN_FILES = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\r\n\t\n", "is empty"),
    "byte order mark alone": (b"\xef\xbb\xbf", "is empty"),
    "header only": (HEADER + "\n", "has column names but no rows"),
    "header only, no line end": (HEADER, "has column names but no rows"),
    "header and blank lines": (HEADER + "\n\n \n", "has column names but no rows"),
    "header and commas": (HEADER + "\n" + "," * 19, "has column names but no rows"),
    "no header": (ROWS, "does not hold the names of the columns. Begin the file with"),
    "another table": ("a,b,c\nAloysius,Quuxbridge,1\n", "does not hold the names of the columns"),
    "one column of prose": ("Dear Aloysius\nQuuxbridge\n", "does not hold the names"),
    "Latin-1": (text().replace("Quux", "Qúux").encode("latin-1"), "is not UTF-8 text: line 2 is"),
    "Windows-1252 later": (
        text().encode() + "Aloysius \x93".encode("latin-1"),
        "is not UTF-8 text: line 12 is",
    ),
    "UTF-16": (text().encode("utf-16"), "is UTF-16 text"),
    "UTF-16, big end first": (b"\xfe\xff" + text().encode("utf-16-be"), "is UTF-16 text"),
    "UTF-16 without a mark": (text().encode("utf-16-le"), "is UTF-16 text"),
    "semicolons": (text(sep=";"), "has semicolons between its columns instead of commas"),
    "semicolons, decimal comma": (text(sep=";", decimal=","), "has semicolons between"),
    "semicolons, no header": (ROWS.replace(",", ";"), "has semicolons between"),
    "tabs": (text(sep="\t"), "has tabs between its columns instead of commas"),
    "bars": (text(sep="|"), "has vertical bars between its columns"),
    "gzip": (gzip.compress(text().encode()), "is compressed (gzip). Unpack it first"),
    "spreadsheet": (zipped(), "is a spreadsheet (.xlsx) or a zip archive"),
    "old spreadsheet": (b"\xd0\xcf\x11\xe0 Aloysius", "is an old spreadsheet (.xls)"),
    "PDF": (b"%PDF-1.7 Aloysius", "is a PDF"),
    "encrypted Parquet": (b"PARE Aloysius", "is an encrypted Parquet file"),
    "binary later": (text().encode() + b"Aloysius\0\1", "line 12 holds a NUL byte"),
    "open quotation mark": (
        text().replace("Quuxbridge", '"Quuxbridge', 1),
        "A comma within a cell needs quotation marks around the cell, and every mark a partner.",
    ),
    "half a Parquet signature": (b"PAR1", "is half a Parquet file"),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_broken_file_gets_a_sentence(case, tmp_path, ipf):
    content, sentence = BROKEN_FILES[case]
    file = tmp_path / "extract.csv"
    file.write_bytes(as_bytes(content))
    assert sentence in refusal(file, ipf)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["extract.csv"]


def test_a_missing_file_and_a_folder(tmp_path, ipf):
    assert "There is no file" in refusal(tmp_path / "nowhere.csv", ipf)
    assert "is a folder. Name the file in it" in refusal(tmp_path, ipf)
    os.mkfifo(tmp_path / "pipe")
    assert "is not an ordinary file" in refusal(tmp_path / "pipe", ipf)


def test_a_file_that_may_not_be_read(tmp_path, ipf, monkeypatch):
    file = tmp_path / "extract.csv"
    file.write_text(text(), encoding="utf-8")

    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    # A test that runs as root may read everything, so the refusal is played.
    monkeypatch.setattr(type(file), "open", refuse)
    with pytest.raises(Problem, match="extract.csv cannot be opened: Permission denied"):
        tables.read_cohort(file, ipf)


# ----------------------------------------------------------------------------------------- Parquet


def parquet_bytes(tmp_path, frame=None) -> bytes:
    file = tmp_path / "whole.parquet"
    (canaries() if frame is None else frame).astype("string").to_parquet(file, index=False)
    content = file.read_bytes()
    file.unlink()
    return content


def test_half_a_parquet_file(tmp_path, ipf):
    content = parquet_bytes(tmp_path)
    file = tmp_path / "extract.parquet"
    for share in (0.2, 0.5, 0.9, 0.999):
        file.write_bytes(content[: int(len(content) * share)])
        assert "is half a Parquet file: its end is missing" in refusal(file, ipf)


def test_a_damaged_parquet_file(tmp_path, ipf):
    content = parquet_bytes(tmp_path)
    file = tmp_path / "extract.parquet"
    middle = len(content) // 2
    for damaged in (
        content[:middle] + content[middle + 200 :],
        content[:40] + bytes(len(content) - 80) + content[-40:],
        b"PAR1" + content[-8:],
        b"PAR1" + b"\xff\xff\xff\x7fPAR1",
    ):
        file.write_bytes(damaged)
        assert "Parquet file" in refusal(file, ipf)


def test_a_parquet_name_on_something_else(tmp_path, ipf):
    file = tmp_path / "extract.parquet"
    file.write_text(text(), encoding="utf-8")
    assert "is called Parquet but does not begin like a Parquet file" in refusal(file, ipf)


def test_parquet_under_another_name_is_read(tmp_path, ipf):
    file = tmp_path / "extract.csv"
    file.write_bytes(parquet_bytes(tmp_path, raw()))
    pd.testing.assert_frame_equal(tables.read_cohort(file, ipf), people(ipf), check_flags=False)


def test_parquet_without_rows_or_with_other_columns(tmp_path, ipf):
    file = tmp_path / "extract.parquet"
    raw().head(0).astype("string").to_parquet(file)
    assert "has column names but no rows" in refusal(file, ipf)
    pd.DataFrame({"Aloysius": ["Quuxbridge"]}).to_parquet(file)
    assert "has none of the columns that are expected: person_id, " in refusal(file, ipf)


def test_parquet_with_a_column_twice(tmp_path, ipf):
    table = pa.Table.from_pandas(raw().astype("string"), preserve_index=False)
    table = table.append_column("sex", table.column("sex"))
    pyarrow.parquet.write_table(table, tmp_path / "extract.parquet")
    message = refusal(tmp_path / "extract.parquet", ipf)
    assert "column 'sex': the column is there more than once" in message
    assert "has 1 problem:" in message


def test_every_type_that_a_parquet_file_may_have(tmp_path, ipf):
    from decimal import Decimal

    frame = raw().infer_objects()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, kind in {
        "sex": pa.dictionary(pa.int8(), pa.string()),
        "outcome": pa.large_string(),
        "centre": pa.string_view(),
        "fvc_percent": pa.float32(),
        "deprivation_quintile": pa.uint8(),
        "travel_minutes": pa.int16(),
    }.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(kind))
    distances = [None if pd.isna(each) else Decimal(str(each)) for each in frame["distance_km"]]
    place = table.schema.get_field_index("distance_km")
    table = table.set_column(place, "distance_km", pa.array(distances))
    pyarrow.parquet.write_table(table, tmp_path / "extract.parquet")
    read = tables.read_cohort(tmp_path / "extract.parquet", ipf)
    pd.testing.assert_frame_equal(read, people(ipf), check_flags=False)
    dates = table.set_column(3, "age_years", pa.array([pd.Timestamp("1911-11-11")] * 10))
    pyarrow.parquet.write_table(dates, tmp_path / "extract.parquet")
    assert "'age_years': values of another type (10 rows)" in refusal(
        tmp_path / "extract.parquet", ipf
    )


# ----------------------------------------------------------------------------- what CSV may be like


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("byte order mark", lambda text: "\ufeff" + text),
        ("Windows line ends", lambda text: text.replace("\n", "\r\n")),
        ("old Macintosh line ends", lambda text: text.replace("\n", "\r")),
        ("blank lines", lambda text: "\n\n" + text.replace("\n", "\n\n")),
        ("no last line end", lambda text: text.rstrip("\n")),
        ("quoted names", lambda text: text.replace("person_id", '"person_id"', 1)),
        ("space around names", lambda text: text.replace("age_years", " age_years ", 1)),
        ("further columns", lambda text: text.replace("\n", ",Aloysius\n")),
        ("a column without a name", lambda text: "," + text.replace("\n", "\n1,").rstrip("1,")),
    ],
)
def test_csv_that_is_accepted(case, change, tmp_path, ipf):
    file = tmp_path / "extract.csv"
    file.write_bytes(change(csv_text()).encode("utf-8"))
    read = tables.read_cohort(file, ipf)
    pd.testing.assert_frame_equal(read, people(ipf), check_flags=False)
    assert read.attrs["kind"] == "synthetic"
    assert read.attrs["resource"] == "extract.csv"
    further = case in ("further columns", "a column without a name")
    assert read.attrs["columns_left_behind"] == int(further)


def test_quoted_cells_may_hold_commas_and_line_ends(tmp_path, ipf):
    frame = raw()
    frame["centre"] = 'St "Cyr",\nNorth wing; first floor'
    frame.to_csv(tmp_path / "extract.csv", index=False)
    read = tables.read_cohort(tmp_path / "extract.csv", ipf)
    assert read["centre"].eq('St "Cyr",\nNorth wing; first floor').all()
    assert len(read) == 10


def test_quotation_marks_without_partners_do_not_swallow_rows(tmp_path, ipf):
    # Two single marks: what is between them is one cell, and the file still looks regular.
    lines = csv_text().split("\n")
    for row in (3, 7):
        lines[row] = lines[row].replace("centre_01", '"Quuxbridge')
    file = tmp_path / "extract.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    message = refusal(file, ipf)
    assert "cells that hold whole rows (1 row). A quotation mark has no partner" in message
    # The same in a column that is none of the contract's.
    lines = [line + ",note" for line in csv_text().rstrip("\n").split("\n")]
    lines[3] = lines[3].replace(",note", ',"note')
    lines[7] = lines[7].replace(",note", ',note"')
    file.write_text("\n".join(lines), encoding="utf-8")
    assert "cells that hold whole rows (1 row)" in refusal(file, ipf)


# ------------------------------------------------------------------------------- all faults at once


def test_all_faults_come_at_once(tmp_path, ipf):
    frame = canaries()
    frame.loc[8, "follow_up_years"] = float("inf")
    frame.loc[9, "person_id"] = "Aloysius 0"
    frame = frame.drop(columns="outcome").rename(columns={"sex": "gender_sex"})
    frame["dlco_percent"] = [None if cell is None else cell / 100 for cell in frame["dlco_percent"]]
    content = text(frame) + "Aloysius,Quuxbridge\n"
    file = tmp_path / "extract.csv"
    file.write_text(content, encoding="utf-8")
    message = refusal(file, ipf)
    with pytest.raises(Problems) as caught:
        tables.read_cohort(file, ipf)
    assert [(each.column, each.rule, each.rows) for each in caught.value.faults] == [
        ("", "rows with more or fewer cells than there are column names", 1),
        ("outcome", "the column is missing", None),
        ("sex", "the column is missing", None),
        ("person_id", "values that are in more than one row", 2),
        ("follow_up_years", "infinite values", 1),
        ("age_years", "text where a number is expected", 1),
        ("smoking", "unknown category", 1),
        ("fvc_percent", "above the maximum of 200 per cent of predicted", 1),
        ("dlco_percent", "below the minimum of 5 per cent of predicted", 8),
        ("oxygen", "neither true nor false", 1),
        ("symptom_months", "text where a number is expected", 1),
    ]
    assert message.startswith("extract.csv has 11 problems:\n")
    assert all(str(fault) in message for fault in caught.value.faults)
    assert all(fault.mend for fault in caught.value.faults)
    frame.astype("string").to_parquet(tmp_path / "extract.parquet", index=False)
    with pytest.raises(Problems) as from_parquet:
        tables.read_cohort(tmp_path / "extract.parquet", ipf)
    # The same faults from Parquet, but for the row that only a CSV file can have.
    assert from_parquet.value.faults == caught.value.faults[1:]


def test_ragged_rows_only(tmp_path, ipf):
    file = tmp_path / "extract.csv"
    file.write_text(HEADER + "\nAloysius,Quuxbridge\n" * 3, encoding="utf-8")
    message = refusal(file, ipf)
    assert "more or fewer cells than there are column names (3 rows)" in message


def test_every_column_misspelt_is_still_a_header(tmp_path, ipf):
    file = tmp_path / "extract.csv"
    file.write_text(text().replace(HEADER, HEADER.upper()), encoding="utf-8")
    message = refusal(file, ipf)
    assert "has 20 problems" in message
    assert "Is it the column 'FVC_PERCENT'?" in message


# -------------------------------------------------------------------------------- kinds of records


def test_record_kind_decides(ipf, monkeypatch):
    monkeypatch.delenv(places.KIND_VARIABLE, raising=False)
    synthetic = people(ipf)
    silent = synthetic.assign(record_kind=None)
    assert tables.cohort_kind(synthetic) == "synthetic"
    assert tables.cohort_kind(synthetic, "synthetic") == "synthetic"
    assert tables.cohort_kind(silent, "registry") == "registry"
    assert tables.cohort_kind(silent.drop(columns="record_kind"), "open") == "open"
    with pytest.raises(Problem, match="Leave out --kind registry"):
        tables.cohort_kind(synthetic, "registry")
    with pytest.raises(Problem, match="Add --kind registry .* or --kind open"):
        tables.cohort_kind(silent)
    for kind in ("synthetic", "published", "real"):
        with pytest.raises(Problem, match=f"--kind is '{kind}'.*has to be registry or open"):
            tables.cohort_kind(silent, kind)
    monkeypatch.setenv(places.KIND_VARIABLE, "registry")
    assert tables.cohort_kind(silent) == "registry"


def test_the_environment_may_name_the_cohort(tmp_path, ipf, monkeypatch):
    monkeypatch.delenv(places.COHORT_VARIABLE, raising=False)
    assert tables.cohort_file(ipf) == places.DATA / "synthetic" / "synthetic_ipf.csv"
    file = tmp_path / "mine.csv"
    file.write_text(csv_text().replace(",synthetic,", ",,"), encoding="utf-8")
    monkeypatch.setenv(places.COHORT_VARIABLE, str(file))
    read = tables.read_cohort()
    assert read.attrs["resource"] == "mine.csv"
    assert read.attrs["kind"] is None


# --------------------------------------------------------------------------------- the descriptor


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small descriptor with one table, and the way to change either."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "grades.csv").write_text("area_code,minutes\nE01000001,12\nE01000002,\n")
    entry = {
        "name": "grades",
        "path": "grades.csv",
        "format": "csv",
        "kind": "open",
        "schema": {
            "fields": [
                {
                    "name": "area_code",
                    "type": "string",
                    "constraints": {"required": True, "unique": True},
                },
                {"name": "minutes", "type": "integer", "constraints": {"minimum": 0}},
            ]
        },
    }
    monkeypatch.setattr(places, "DESCRIPTOR", folder / "datapackage.json")

    def write(**changes):
        content = {"name": "x", "resources": [entry | changes]}
        places.DESCRIPTOR.write_text(json.dumps(content), encoding="utf-8")
        return folder

    write()
    return write


def test_a_table_of_the_descriptor_is_read_and_checked(package):
    frame = tables.read("grades")
    assert frame.attrs == {"kind": "open", "resource": "grades", "columns_left_behind": 0}
    assert frame["area_code"].tolist() == ["E01000001", "E01000002"]
    assert frame["minutes"].dtype == "Int64"
    assert tables.kind_of("grades") == "open"
    folder = package()
    (folder / "grades.csv").write_text("area_code,minutes,note\nE01000001,-1,x\nE01000001,2,y\n")
    with pytest.raises(Problems) as caught:
        tables.read("grades")
    assert [(each.column, each.rows) for each in caught.value.faults] == [
        ("note", None),
        ("area_code", 2),
        ("minutes", 1),
    ]


def test_the_descriptor_may_be_elsewhere(package, tmp_path):
    folder = package()
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    assert len(tables.read("grades", elsewhere / "datapackage.json")) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "grade"}, "no resource 'grades'. Did you mean 'grade'?"),
        ({"path": "nowhere.csv"}, "There is no file .*nowhere.csv"),
        ({"path": "../grades.csv"}, "must name one file within the folder data"),
        ({"path": ["a.csv", "b.csv"]}, "must name one file within the folder data"),
        ({"kind": ""}, "does not say of what kind it is"),
        ({"schema": {}}, "has no schema of columns"),
        ({"schema": {"fields": [{"name": "x", "type": "object"}]}}, "the type 'object', which is"),
    ],
)
def test_a_wrong_descriptor_is_refused(package, changes, sentence):
    package(**changes)
    with pytest.raises(Problem, match=sentence):
        tables.read("grades")


def test_a_broken_descriptor_is_refused(package):
    package()
    for content, sentence in (
        ('{"resources": [}', "is not valid JSON: line 1, column 16"),
        ("[]", "has no list of resources"),
        ('{"resources": [{"name": "a"}, {"name": "a"}]}', "or two named 'a'"),
        ('{"resources": [{}]}', "a resource without a name"),
    ):
        places.DESCRIPTOR.write_text(content, encoding="utf-8")
        with pytest.raises(Problem, match=sentence):
            tables.descriptor()
    places.DESCRIPTOR.unlink()
    with pytest.raises(Problem, match="descriptor of the data datapackage.json is not in"):
        tables.descriptor()


def test_altered_files_are_named(package):
    import hashlib

    folder = package()
    digest = hashlib.sha256((folder / "grades.csv").read_bytes()).hexdigest()
    package(hash=f"sha256:{digest}")
    assert tables.altered() == []
    (folder / "grades.csv").write_text("area_code,minutes\nE01000001,13\n")
    assert tables.altered() == ["grades"]
    (folder / "grades.csv").unlink()
    assert tables.altered() == ["grades"]


# --------------------------------------------------------------------------------- official files


def test_official_files_are_optional(monkeypatch, tmp_path):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path / "nowhere"))
    assert tables.official("imd_2019") is None
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    assert tables.official("imd_2019") is None
