"""No message, and no file that is written, holds a value from a row, whatever is wrong with it.

Unique values are planted in files with every kind of fault that was thought of; then everything
that the command says and everything in the folder but the file itself is searched for them.
"""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from distance_to_care import places, residence, tables
from distance_to_care.command_line import app

# What is planted, in every row: no other text of the project holds any of it.
ROWS = 40
PLANTED = ["canary", "8.13579", "77.2468", "1947-03-1", "QZ9 ", "QZ9", "E0199", "Q7X", "\x01\x02"]
REGISTRY = """
name = "mine"
based_on = "ipf"
{0}
"""
MAPPED = REGISTRY.format("""
[mapping]
missing = ["NA"]
[mapping.columns]
follow_up_years = { from = "first_seen", to = "last_seen" }
fvc_percent = { from = "fvc_percent", unit = "fraction" }
postcode = "home"
[mapping.codes.sex]
"1" = "male"
"2" = "female"
""")


def people() -> pd.DataFrame:
    """People of the book's cohort, each with planted values."""
    found = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(ROWS)
    found = found.drop(columns="record_kind")
    return found.assign(
        person_id=[f"canary_{n}" for n in range(ROWS)],
        follow_up_years=[round(8.13579 + n / 1e9, 9) for n in range(ROWS)],
        age_years=[round(77.2468 + n / 1e9, 9) for n in range(ROWS)],
        antifibrotic_start_years=None,
        centre=[f"canary clinic {n}" for n in range(ROWS)],
        home=[f"QZ9 9Q{'ABDEFGHJLN'[n % 10]}" for n in range(ROWS)],
        first_seen="1947-03-11",
        last_seen="1947-03-19",
    )


def text(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def csv(**changes):
    return lambda: text(people().assign(**changes)).encode()


def written(change):
    return lambda: change(text(people())).encode("utf-8", "surrogateescape")


def parquet(**changes):
    def made():
        table = pa.Table.from_pandas(people(), preserve_index=False)
        for name, values in changes.items():
            table = table.set_column(table.column_names.index(name), name, [values])
        out = io.BytesIO()
        pq.write_table(table, out)
        return out.getvalue()

    return made


def damaged(cut):
    return lambda: cut(parquet()())


def spreadsheet() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", text(people()))
    return out.getvalue()


def broken_in_the_middle(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + bytes(range(256)) * 2 + content[middle + 512 :]


N = range(ROWS)
LISTS = pa.array([[f"canary_{n}"] for n in N])
STRUCTS = pa.array([{"name": f"canary_{n}"} for n in N])
BINARY = pa.array([f"canary_{n}".encode() for n in N], pa.binary())
TIMES = pa.array([pd.Timestamp("1947-03-19") for _ in N])
LENGTHS = pa.array([pd.Timedelta(days=n, seconds=813579) for n in N])
HUGE = pa.array([2**63 + 772468 + n for n in N], pa.uint64())
WORDS = pa.array([f"canary_{n}" for n in N]).dictionary_encode()
CASES = {
    "text for a number": csv(age_years=[f"canary {n}" for n in N]),
    "a number for a word": csv(sex=77.2468),
    "unknown category": csv(sex=[f"Q7X{n}" for n in N]),
    "true or false in other words": csv(oxygen=[f"Q7X{n}" for n in N]),
    "decimal comma": csv(age_years="77,2468"),
    "above the maximum": csv(follow_up_years=81357.9),
    "below the minimum": csv(follow_up_years=-8.13579),
    "infinite": csv(follow_up_years="inf", age_years="1e999"),
    "repeated people": csv(person_id="canary_1"),
    "a missing column": lambda: text(people().drop(columns="outcome")).encode(),
    "a misspelt column": lambda: text(people().rename(columns={"outcome": "out_come"})).encode(),
    "columns twice": written(lambda t: t.replace("travel_minutes", "sex", 1)),
    "no header": written(lambda t: t.split("\n", 1)[1]),
    "the header is a row of values": written(lambda t: "\n".join([t.split("\n")[3], t])),
    "a quotation mark without partner": written(lambda t: t.replace("canary_7,", '"canary_7,')),
    "a cell that holds rows": written(lambda t: t.replace("canary_3,", '"canary_3,\nx,,,,,,', 1)),
    "ragged rows": written(lambda t: t.replace("canary_5,", "canary_5,8.13579,")),
    "a NUL": written(lambda t: t.replace("canary_9", "canary_9\0")),
    "a byte order mark and a fault": lambda: b"\xef\xbb\xbf" + csv(sex="Q7X")(),
    "UTF-16": lambda: text(people()).encode("utf-16"),
    "Latin-1": lambda: text(people().assign(centre="canary Zürich")).encode("latin-1"),
    "semicolons": lambda: people().to_csv(index=False, sep=";").encode(),
    "tabs": lambda: people().to_csv(index=False, sep="\t").encode(),
    "formula cells": csv(centre='=HYPERLINK("http://canary")', sex="=1+1"),
    "a date of a spreadsheet": csv(age_years="19/03/1947"),
    "a very long cell": csv(centre="canary" * 300_000, sex="Q7X"),
    "control characters": csv(centre="\x01\x02canary", sex="\x01\x02"),
    "area codes of no form": csv(area_code=[f"Q7X{n}" for n in N]),
    "area codes of no area": csv(area_code=[f"E01999{n:03d}" for n in N]),
    "mixed vintages": csv(area_code=["E01000001", "E01999001"] * (ROWS // 2)),
    "postcodes of no form": csv(postcode=[f"Q7X canary {n}" for n in N]),
    "compressed": lambda: gzip.compress(csv()()),
    "a spreadsheet": spreadsheet,
    "JSON": lambda: people().to_json(orient="records").encode(),
    "half a Parquet file": damaged(lambda content: content[: len(content) // 2]),
    "a damaged Parquet file": damaged(broken_in_the_middle),
    "Parquet with lists": parquet(centre=LISTS, sex=LISTS),
    "Parquet with structures": parquet(outcome=STRUCTS, age_years=STRUCTS),
    "Parquet with binary data": parquet(sex=BINARY),
    "Parquet with times": parquet(age_years=TIMES, sex=TIMES),
    "Parquet with lengths of time": parquet(follow_up_years=LENGTHS),
    "Parquet with huge numbers": parquet(age_years=HUGE, oxygen=HUGE),
    "Parquet with a dictionary of codes": parquet(sex=WORDS, smoking=WORDS),
    "Parquet with words for numbers": parquet(age_years=WORDS, follow_up_years=WORDS),
}
# The same under a study file that maps columns, codes and dates.
MAPPED_CASES = {
    "codes that are not mapped": csv(sex=[f"Q7X{n}" for n in N]),
    "dates that are none": csv(sex=1, last_seen=[f"canary {n}" for n in N]),
    "dates of a spreadsheet": csv(sex=2, last_seen="19/03/1947", first_seen=17245),
    "an end before its beginning": csv(sex=2, first_seen="1947-03-19", last_seen="1947-03-11"),
    "impossible dates": csv(sex=2, last_seen="1947-03-19 canary", first_seen="1947-03-1x"),
    "words for numbers": csv(sex=2, fvc_percent=[f"canary {n}" for n in N]),
    "a mapped column twice": written(lambda t: t.replace("home", "last_seen", 1)),
    "a mapped column that is missing": lambda: text(people().drop(columns="home")).encode(),
    "postcodes of no form": csv(sex=1, home=[f"Q7X canary {n}" for n in N]),
    "lists in Parquet": parquet(sex=LISTS, fvc_percent=LISTS),
    "binary data in Parquet": parquet(sex=BINARY, last_seen=BINARY),
    "structures in Parquet": parquet(home=STRUCTS, first_seen=STRUCTS),
    "times and lengths in Parquet": parquet(fvc_percent=TIMES, sex=LENGTHS),
    "huge numbers in Parquet": parquet(sex=HUGE, fvc_percent=HUGE),
}


def search(said: str, folder, but: str) -> None:
    """Fail where anything that was said or written holds something that was planted."""
    parts = {"what was said": said.encode()}
    parts |= {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != but}
    for where, content in parts.items():
        for planted in PLANTED:
            assert planted.encode() not in content, f"{planted!r} stands in {where}"


def checked(folder, content: bytes, study: str, *options):
    parquet_file = content.startswith(b"PAR1")
    file = folder / ("extract.parquet" if parquet_file else "extract.csv")
    file.write_bytes(content)
    (folder / "mine.toml").write_text(study)
    command = ["check", str(file), "--study", str(folder / "mine.toml"), *options]
    found = CliRunner().invoke(app, command)
    (folder / "mine.toml").unlink()
    return found, file.name


@pytest.mark.parametrize("case", CASES)
def test_no_fault_of_a_file_shows_what_is_in_it(case, tmp_path):
    found, name = checked(tmp_path, CASES[case](), REGISTRY.format(""))
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit)
    assert found.output.strip()
    assert "Traceback" not in found.output
    search(found.output, tmp_path, name)


@pytest.mark.parametrize("case", MAPPED_CASES)
def test_no_fault_under_a_mapping_shows_what_is_in_the_file(case, tmp_path):
    found, name = checked(tmp_path, MAPPED_CASES[case](), MAPPED)
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit)
    assert "problem" in found.output
    search(found.output, tmp_path, name)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("canary"),
        KeyError("canary"),
        pa.ArrowInvalid("canary"),
        OSError("canary"),
        RecursionError("canary"),
        UnicodeDecodeError("utf-8", b"canary", 0, 1, "canary"),
        MemoryError("canary"),
        np.linalg.LinAlgError("canary"),
        AssertionError("canary"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("place", [tables, residence])
def test_an_error_that_nobody_foresaw_is_told_without_its_words(
    error, place, tmp_path, monkeypatch
):
    def fails(*_, **__):
        raise error

    name = "examine_cohort" if place is tables else "place"
    monkeypatch.setattr(place, name, fails)
    found, name = checked(tmp_path, csv()(), REGISTRY.format(""))
    assert found.exit_code == 2
    assert isinstance(found.exception, SystemExit)
    assert "withheld" in found.output or "more memory" in found.output
    search(found.output, tmp_path, name)


def test_the_search_finds_what_is_planted(tmp_path):
    # The control: were a value said or written, the search would fail.
    content = csv()()
    (tmp_path / "extract.csv").write_bytes(content)
    for planted in ("canary", "8.13579", "77.2468", "QZ9", "1947-03-1"):
        assert planted.encode() in content
        with pytest.raises(AssertionError, match="what was said"):
            search(f"It was {planted}1.", tmp_path, "extract.csv")
    with pytest.raises(AssertionError, match="extract.csv"):
        search("", tmp_path, "")
