"""What readers take away: data, workbooks, citations, one file of all, slides, paper."""

from __future__ import annotations

import copy
import io
import json
import re
import shutil
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
from csvw import CSVW
from jsonschema import Draft202012Validator, ValidationError
from lxml import etree
from lxml import html as markup
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from PIL import Image
from pybtex.database import parse_string

from distance_to_care import places, results
from distance_to_care.figures import frame
from distance_to_care.publication import (
    build,
    citing,
    column_metadata,
    intervals,
    printed_book,
    results_file,
    sentences,
    slides,
    take_away,
    workbooks,
)

MANIFEST = results.accepted_manifest()
NUMBERS = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
# Chapters that between them have every kind of cell: withheld, empty, true or false, days, words.
CHAPTERS = ("policy_timeline", "missing_data", "claims_register", "sma_register")
# Rows with which the standard's own reader is fast enough for a test.
FEW_ROWS = 120


def offer(**changes: object) -> take_away.Offer:
    return take_away.Offer(MANIFEST, {"hazard_ratios": "Hazard ratios & more"}, **changes)


def frames(page: str) -> dict[str, pd.DataFrame]:
    tables = offer().tables_of(page)
    return {n: results.read_published(places.ACCEPTED / f"{n}.csv", n) for n in tables}


# Metadata -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described() -> dict[str, dict]:
    """The metadata of every accepted table."""
    return {
        name: column_metadata.described(
            name, entry, results.read_published(places.ACCEPTED / f"{name}.csv", name)
        )
        for name, entry in MANIFEST["tables"].items()
    }


def test_every_column_of_every_table_has_a_type_a_unit_and_a_description(described):
    for name, about in described.items():
        header = (places.ACCEPTED / f"{name}.csv").read_text("utf-8").partition("\n")[0].split(",")
        columns = about["tableSchema"]["columns"]
        assert [column["name"] for column in columns] == header, name
        for column in columns:
            assert column["datatype"], (name, column["name"])
            assert column["schema:unitText"].strip(), (name, column["name"])
            assert len(column["dc:description"]) > 3, (name, column["name"])


def valid(folder: Path, name: str, about: dict) -> list[str]:
    """Ask the standard's reader about a table and its metadata; gives what it complains of."""
    file = folder / f"{name}{column_metadata.ENDING}"
    file.write_text(json.dumps(about), encoding="utf-8")
    if not (folder / f"{name}.csv").exists():
        shutil.copyfile(places.ACCEPTED / f"{name}.csv", folder / f"{name}.csv")
    try:
        read = CSVW(str(file), validate=True)
        return [] if read.is_valid else [str(warning.message) for warning in read.warnings]
    except UserWarning as complaint:  # a warning is an error in tests
        return [str(complaint)]


def test_the_metadata_is_valid_by_the_standard(described, tmp_path):
    asked = set()
    for name, about in described.items():
        columns = {
            (column["name"], str(column["datatype"])) for column in about["tableSchema"]["columns"]
        }
        # Each column of the book, in each of its types, once.
        if columns <= asked or MANIFEST["tables"][name]["rows"] > FEW_ROWS:
            continue
        assert valid(tmp_path, name, about) == [], name
        asked |= columns
    assert {"date", "suppressed", "people", "estimate"} <= {name for name, _ in asked}
    assert ("date", str({"base": "date", "format": "yyyy-MM-dd"})) in asked


def test_metadata_of_another_type_than_the_cells_is_seen(described, tmp_path):
    about = copy.deepcopy(described["policy_timeline"])
    next(c for c in about["tableSchema"]["columns"] if c["name"] == "event")["datatype"] = "integer"
    assert valid(tmp_path, "policy_timeline", about)


def test_a_unit_is_that_of_the_column_of_the_row_or_none():
    table = pd.DataFrame(
        {"group": ["a", "b"], "people": [10, 20], "estimate": [0.5, 2.0], "unit": ["days", "days"]}
    )
    units = {name: column_metadata.unit(name, table) for name in table}
    assert units["people"] == "people"
    assert units["estimate"] == "days"
    assert units["group"] == column_metadata.NO_UNIT["string"]
    table.loc[0, "unit"] = "years"
    assert column_metadata.unit("estimate", table) == column_metadata.IN_ITS_ROW
    ratios = pd.DataFrame({"hazard_ratio": [1.2], "ci_low": [1.0]})
    assert column_metadata.unit("ci_low", ratios) == "ratio"


# Workbooks ----------------------------------------------------------------------------------------


def made(page: str) -> bytes:
    return workbooks.made(page, page.replace("_", " "), offer().tables_of(page), frames(page))


@pytest.fixture(scope="module", params=CHAPTERS)
def workbook(request):
    return request.param, load_workbook(io.BytesIO(made(request.param)))


def test_a_workbook_has_cover_contents_notes_and_one_table_a_sheet(workbook):
    page, book = workbook
    tables = [n for n, frame in frames(page).items() if 0 < len(frame) <= workbooks.MOST_ROWS]
    assert book.sheetnames[:3] == ["Cover", "Contents", "Notes"]
    assert len(book.sheetnames) == 3 + len(tables)
    assert book["Cover"].tables == {}
    for name in book.sheetnames[1:]:
        sheet = book[name]
        assert len(sheet.tables) == 1, name
        assert sheet["A1"].value, name
        assert "contains one table" in " ".join(
            str(cell.value) for (cell,) in sheet["A1:A4"] if cell.value
        )
    assert "modelled" not in book.properties.title.lower()
    assert page.replace("_", " ") in book.properties.title


def test_no_cell_of_a_workbook_is_merged_or_empty(workbook):
    _, book = workbook
    for name in book.sheetnames:
        sheet = book[name]
        assert not sheet.merged_cells.ranges, name
        for table in sheet.tables.values():
            cells = sheet[table.ref]
            heads = [cell.value for cell in cells[0]]
            assert len(set(heads)) == len(heads), name
            for row in cells:
                for cell in row:
                    assert str(cell.value or "" if cell.value != 0 else 0).strip(), cell.coordinate
            assert sheet.max_row == cells[-1][0].row, f"{name}: something stands below the table"


def test_shorthand_is_explained_where_it_stands(workbook):
    _, book = workbook
    cover = " ".join(str(cell.value) for (cell,) in book["Cover"]["A1:A40"] if cell.value)
    for name in book.sheetnames[3:]:
        sheet = book[name]
        (table,) = sheet.tables.values()
        first = sheet[table.ref][0][0].row
        above = " ".join(str(sheet.cell(row, 1).value) for row in range(1, first))
        used = {cell.value for row in sheet[table.ref] for cell in row} & set(workbooks.SHORTHAND)
        for sign in workbooks.SHORTHAND:
            assert (f"{sign} means" in above) == (sign in used), name
            assert f"{sign} means" in cover


def test_a_sheet_names_its_sources_in_words(workbook):
    page, book = workbook
    for name in book.sheetnames[3:]:
        (table,) = book[name].tables.values()
        first = book[name][table.ref][0][0].row
        lines = [str(book[name].cell(row, 1).value) for row in range(1, first)]
        (source,) = [line for line in lines if line.startswith("Source: ")]
        words, _, file = source.partition(" The same rows as data: ")
        assert file.removesuffix(".csv.") in frames(page)
        assert "_" not in words, "the name of a file is no source that a reader knows"


def test_contents_lead_to_the_sheets_and_headings_to_their_notes(workbook):
    _, book = workbook
    links = [cell.hyperlink for cell in book["Contents"]["A"] if cell.hyperlink]
    assert [link.location for link in links] == [f"'{n}'!A1" for n in book.sheetnames[3:]]
    (notes,) = book["Notes"].tables.values()
    rows = [[cell.value for cell in row] for row in book["Notes"][notes.ref]][1:]
    told = {f"[note {row[0]}]": row[1] for row in rows}
    for name in book.sheetnames[3:]:
        (table,) = book[name].tables.values()
        for cell in book[name][table.ref][0]:
            heading, _, note = cell.value.partition("\n")
            assert told[note] == heading


def test_the_cells_of_a_workbook_are_those_of_the_file(workbook):
    page, book = workbook
    shown = [n for n, frame in frames(page).items() if 0 < len(frame) <= workbooks.MOST_ROWS]
    for sheet, name in zip(book.worksheets[3:], shown, strict=True):
        (table,) = sheet.tables.values()
        raw = pd.read_csv(places.ACCEPTED / f"{name}.csv", dtype=str, keep_default_na=False)
        cells = [[cell.value for cell in row] for row in sheet[table.ref]][1:]
        assert len(cells) == len(raw)
        for line, row in zip(cells, raw.itertuples(index=False), strict=True):
            for value, text in zip(line, row, strict=True):
                if value in workbooks.SHORTHAND or value == "infinite":
                    assert text in {"", "inf"} or not text.strip(), (name, value, text)
                elif isinstance(value, (int, float)) and not isinstance(value, bool):
                    assert float(text) == pytest.approx(value), name
                else:
                    assert value.replace("] (", "](") == text.replace("] (", "]("), name


def test_what_is_withheld_is_marked_and_not_left_out():
    table = pd.DataFrame(
        {
            "group": ["1", "2", "3"],
            "people": pd.array([20, None, None], dtype="Int64"),
            "suppressed": [False, True, False],
        }
    )
    filled = workbooks._filled(table)
    assert list(filled["people"]) == [20, workbooks.WITHHELD, workbooks.NO_VALUE]
    assert list(filled["suppressed"]) == ["false", "true", "false"]
    assert list(workbooks._filled(pd.DataFrame({"value": [1.5, float("inf")]}))["value"]) == [
        1.5, "infinite",
    ]  # fmt: skip


def test_no_column_cuts_its_heading_and_none_is_wider_than_a_screen(workbook):
    page, book = workbook
    shown = [f for f in frames(page).values() if 0 < len(f) <= workbooks.MOST_ROWS]
    for sheet, table in zip(book.worksheets[3:], shown, strict=True):
        for number, column in enumerate(table, 1):
            width = sheet.column_dimensions[get_column_letter(number)].width
            assert min(len(column), workbooks.WIDEST) <= width < workbooks.WIDEST + 1, column


def test_a_table_too_long_for_a_sheet_is_named_on_the_cover(monkeypatch):
    long, short = sorted(frames("policy_timeline").items(), key=lambda each: -len(each[1]))[:2]
    monkeypatch.setattr(workbooks, "MOST_ROWS", len(long[1]) - 1)
    book = load_workbook(io.BytesIO(made("policy_timeline")))
    cover = " ".join(str(cell.value) for (cell,) in book["Cover"]["A1:A20"])
    assert f"({len(long[1]):,}): {long[0]}.csv" in cover
    named = [name for sheet in book.worksheets for name in sheet.tables]
    assert f"table_{long[0]}" not in named
    assert f"table_{short[0]}" in named


def test_the_same_tables_give_the_same_workbook():
    first = made("policy_timeline")
    assert first == made("policy_timeline")
    # A clock would show in the next second only.
    created = load_workbook(io.BytesIO(first)).properties.created
    assert f"{created:%Y-%m-%d %H:%M}" == f"{citing.this_book().date} 00:00"


def test_a_workbook_with_a_synthetic_table_says_so_in_its_name_and_on_its_cover():
    tables = offer().tables_of("missing_data")
    assert workbooks.name_of("missing_data", tables).startswith("synthetic_")
    book = load_workbook(io.BytesIO(made("missing_data")))
    assert book.properties.title.startswith("Synthetic people:")
    cover = [cell.value for (cell,) in book["Cover"]["A1:A20"]]
    assert results.BANNERS["synthetic"] in cover


# Citations ----------------------------------------------------------------------------------------


def test_a_citation_names_part_chapter_version_and_kind():
    part = citing.Part("a_b", "figure", "Half of 100%", "scenario", "A & B", "https://x.org/#a_b")
    words = citing.text(part)
    for needed in ("Half of 100%", "A & B", "Figure a_b", citing.this_book().version, "CC BY 4.0"):
        assert needed in words
    assert results.BANNERS["scenario"] in words
    entry = parse_string(citing.bibtex(part), "bibtex").entries["distance_to_care_figure_a_b"]
    assert entry.fields["title"] == r"{Half of 100\%}"
    assert r"A \& B" in entry.fields["howpublished"]
    assert entry.fields["year"] == citing.this_book().year
    assert entry.fields["url"] == "https://x.org/#a_b"
    assert results.BANNERS["scenario"] in entry.fields["note"]
    assert citing.in_tex(r"a_b \ 5% ~^{}") == (
        r"a\_b \textbackslash{} 5\% \textasciitilde{}\textasciicircum{}\{\}"
    )
    quoting = citing.Part("a", "figure", "A", "published", "B", studies=("C 2020", "D & E 2021"))
    assert "Drawn from: C 2020; D & E 2021. CC BY 4.0." in citing.text(quoting)
    assert r"Drawn from: C 2020; D \& E 2021." in citing.bibtex(quoting)
    assert parse_string(citing.of_book(), "bibtex").entries["distance_to_care"].fields["year"]


def test_a_citation_leads_to_the_figure_or_to_the_page_of_the_table():
    known = offer(address="https://x.org/")
    name = "synthetic_ipf_hazard_ratios"
    page = MANIFEST["figures"][name]["page"]
    assert known.part("figure", name).address == (
        f"https://x.org/notebooks/{page}.html#figure-{name}"
    )
    assert known.part("table", name).address == f"https://x.org/notebooks/{page}.html"
    assert offer().part("figure", name).address == ""


def test_every_citation_has_a_file_of_its_own():
    parts = offer().cited()
    assert len(parts) == len(MANIFEST["tables"]) + len(MANIFEST["figures"])
    read = parse_string("\n".join(map(citing.bibtex, parts.values())), "bibtex")
    assert len(read.entries) == len(parts)


# Everything in one file ---------------------------------------------------------------------------


def read(name: str) -> pd.DataFrame:
    return results.read_published(places.ACCEPTED / f"{name}.csv", name)


def test_everything_published_is_in_one_file_that_keeps_its_schema():
    content = json.loads(results_file.written(results_file.gathered(MANIFEST, NUMBERS, read)))
    Draft202012Validator.check_schema(results_file.schema())
    Draft202012Validator(results_file.schema()).validate(content)
    assert [number["key"] for number in content["numbers"]] == sorted(NUMBERS["key"])
    assert {table["name"] for table in content["tables"]} == set(MANIFEST["tables"])
    for table in content["tables"]:
        assert table["banner"] == results.BANNERS[MANIFEST["tables"][table["name"]]["kind"]]
    values = NUMBERS.set_index("key")
    for number in content["numbers"]:
        row = values.loc[number["key"]]
        assert number["text"] == row["text"]
        if pd.isna(row["value"]):
            assert number["value"] is None
        elif intervals.another_is_printed(row["text"], row["value"]):
            # The people of a row, where its estimate is filed: a value says what its text says.
            assert (number["text"], number["unit"]) == (f"{number['value']:,.10g}", None)
        else:
            assert number["value"] == row["value"]
        assert number["banner"] == results.BANNERS[number["kind"]]
    people = next(n for n in content["numbers"] if n["key"] == "map.far.all.people")
    assert people["value"] > 1_000_000
    # Many tables are shown or drawn, and quoted by no sentence; the file says which.
    quoted = NUMBERS["table"].value_counts()
    assert {table["name"]: table["numbers"] for table in content["tables"]} == {
        name: quoted.get(name, 0) for name in MANIFEST["tables"]
    }


def test_every_printed_interval_is_given_as_two_numbers():
    found = intervals.of_numbers(NUMBERS, read)
    assert set(found) == set(NUMBERS["key"])
    values = NUMBERS.dropna(subset="value").set_index("key")
    printed = values[[bool(sentences.RANGE.search(text)) for text in values["text"]]]
    assert len(printed) > 4000
    lacking = [key for key in printed.index if found[key] is None]
    # The spread over two rows is the interval of neither.
    assert lacking == ["structures.spread"]
    wrong = [key for key, ends in found.items()
             if ends and not intervals.as_printed(str(values["text"][key]), ends)]  # fmt: skip
    assert wrong == []
    # Many are printed without the interval that their row has.
    assert sum(ends is not None for ends in found.values()) > len(printed) + 2000


def test_every_number_lies_in_its_interval_or_readers_are_told_why_not():
    content = results_file.gathered(MANIFEST, NUMBERS, read)
    outside = {
        number["table"] for number in content["numbers"]
        if number["low"] is not None and not number["low"] <= number["value"] <= number["high"]
    }  # fmt: skip
    assert outside == set(intervals.MAY_LEAVE_OUT)
    assert {table["name"]: table["range_may_leave_out"] for table in content["tables"]
            if table["range_may_leave_out"]} == intervals.MAY_LEAVE_OUT  # fmt: skip


def test_ends_of_something_else_are_not_the_interval_of_the_estimate():
    table = pd.DataFrame(
        {
            "group": ["far", "near"],
            "hazard_ratio": [1.4, 1.3],
            "estimate": [18.0, 1.5],
            "ci_low": [1.1, 1.0],
            "ci_high": [1.7, 1.6],
            "unit": ["times"] * 2,
        }
    )
    numbers = pd.DataFrame(
        # The second lies within by chance.
        [("x.far", "18.0", 18.0, "times"), ("x.near", "1.5", 1.5, "times"),
         ("x.ratio", "1.4", 1.4, "hazard ratio"), ("x.ends", "1.0 to 1.6", 1.5, "times")],
        columns=["key", "text", "value", "unit"],
    ).assign(table="x")  # fmt: skip
    assert intervals.of_numbers(numbers, lambda name: table) == {
        "x.far": None,
        "x.near": None,
        "x.ratio": (1.1, 1.7),
        "x.ends": (1.0, 1.6),
    }
    assert column_metadata.unit("ci_low", table) == "ratio"
    assert column_metadata.unit("ci_low", table.assign(estimate=1.4)) == "times"


def test_the_file_of_numbers_is_described_and_licensed(tmp_path):
    about = column_metadata.of_numbers()
    NUMBERS.head(50).to_csv(tmp_path / "numbers.csv", index=False)
    assert valid(tmp_path, "numbers", about) == []
    assert [column["name"] for column in about["tableSchema"]["columns"]] == list(NUMBERS)
    assert about["dc:license"] == {"@id": column_metadata.LICENCE}


def test_rows_of_one_value_are_told_apart_by_what_the_key_names():
    table = pd.DataFrame(
        {
            "group": ["north", "south", "south"],
            "level": ["1", "1", "2"],
            "estimate": [5.0, 5.0, 5.0],
            "ci_low": [4.0, 3.0, float("nan")],
            "ci_high": [6.0, 7.0, float("nan")],
            "unit": ["years"] * 3,
        }
    )
    told = {
        "x.north.1": ("5", (4.0, 6.0)),
        "x.south.1": ("5", (3.0, 7.0)),
        "x.south.2": ("5", None),
        # The key names nothing: the printed interval does, or nobody knows.
        "mean": ("5 (95% CI 3 to 7)", (3.0, 7.0)),
        "other": ("5", None),
    }
    numbers = pd.DataFrame(
        [{"key": key, "text": text, "value": 5.0, "unit": "years", "table": "x"}
         for key, (text, _) in told.items()]
    )  # fmt: skip
    assert intervals.of_numbers(numbers, lambda name: table) == {
        key: ends for key, (_, ends) in told.items()
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c["numbers"][0].pop("kind"),
        lambda c: c["numbers"][0].update(kind="real"),
        lambda c: c["numbers"][0].update(value="12"),
        lambda c: c["numbers"][0].pop("low"),
        lambda c: c["tables"][0].update(numbers=-1),
        lambda c: c["tables"][0].update(sources=[]),
        lambda c: c["tables"][0].update(sha256="0"),
        lambda c: c.pop("version"),
        lambda c: c.update(more=1),
    ],
)
def test_the_schema_refuses_what_is_no_published_result(spoil):
    content = results_file.gathered(MANIFEST, NUMBERS.head(3), read)
    spoil(content)
    with pytest.raises(ValidationError):
        Draft202012Validator(results_file.schema()).validate(content)


# The list under a figure --------------------------------------------------------------------------

FILE = "../downloads/synthetic_ipf_hazard_ratios"
LINE = (
    f'<p class="downloads">Download: <a href="{FILE}.csv" download>Data (CSV)</a> · '
    f'<a href="{FILE}.json" download>What the columns mean (JSON)</a> · '
    f'<a href="{FILE}.svg" download>Figure (SVG)</a></p>'
)


def links(text: str) -> list[str]:
    return markup.fragment_fromstring(text, create_parent=True).xpath("//a/@href")


def test_the_line_of_downloads_becomes_one_list_of_all_that_can_be_taken_away():
    body = take_away.offered(f"<p>Before</p>{LINE}<p>After</p>", offer())
    assert body.startswith('<p>Before</p><details class="take-away">')
    assert body.endswith("</details><p>After</p>")
    name = "synthetic_ipf_hazard_ratios"
    assert links(body) == [
        f"../downloads/{name}.csv",
        f"../downloads/{name}.json",
        f"../downloads/{name}.csv-metadata.json",
        "../downloads/synthetic_hazard_ratios.xlsx",
        f"../downloads/{name}.svg",
        f"../downloads/{name}_figure.bib",
    ]
    assert "Hazard ratios &amp; more" in body
    drawn = offer(slides={name: Path("kept.png")})
    assert f"../downloads/{name}.png" in links(take_away.offered(LINE, drawn))


def test_a_figure_of_another_chapters_table_offers_its_own_chapters_workbook():
    figure = next(name for name in MANIFEST["figures"] if name.startswith("board_"))
    folder = '<a href="../downloads/'
    line = (
        f'<p class="downloads">{folder}area_travel.csv">CSV</a> '
        f'{folder}area_travel.json">JSON</a> {folder}{figure}.svg">SVG</a></p>'
    )
    body = take_away.offered(line, offer())
    assert "../downloads/care_boards.xlsx" in links(body)
    assert "../downloads/map_of_travel.xlsx" not in links(body)
    # What the data are is said, since they are not the board's alone.
    assert f"<q>Map of travel</q>: {MANIFEST['tables']['area_travel']['title']}.</p>" in body
    assert "whole of a table" not in take_away.offered(LINE, offer())


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("synthetic_ipf_hazard_ratios", "not_a_table"),
        LINE.replace(".json", ".zip"),
        '<p class="downloads">Download: <a href="../downloads/atlas_areas.zip">all</a></p>',
    ],
)
def test_other_lines_of_downloads_stay_as_they_are(line):
    assert take_away.offered(line, offer()) == line


@pytest.mark.parametrize(("table", "told"), [("lives_curves", True), ("travel_by_decile", False)])
def test_a_workbook_says_that_it_tells_how_long_people_live(table, told):
    """It holds every table of its chapter, also those that the page keeps behind a choice."""
    block = take_away.block(offer(), table, None, "../")
    assert ("also of how long people live (spreadsheet)" in block) == told
    assert "(spreadsheet)" in block


def test_files_are_made_once_and_again_only_where_a_table_changed(tmp_path):
    published = tmp_path / "published"
    published.mkdir()
    small = {"policy_timeline", "policy_timeline_counts"}
    manifest = {
        "tables": {n: e for n, e in MANIFEST["tables"].items() if n in small},
        "figures": {},
    }
    for name in small:
        shutil.copyfile(places.ACCEPTED / f"{name}.csv", published / f"{name}.csv")
    NUMBERS[NUMBERS["table"].isin(small)].to_csv(published / "numbers.csv", index=False)

    def write(told: dict) -> tuple[dict[str, bytes], dict[str, int]]:
        take_away.write(tmp_path / "site", take_away.Offer(told, {}), published, tmp_path / "kept")
        site = {path.name: path.read_bytes() for path in (tmp_path / "site").iterdir()}
        kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.xlsx")}
        return site, kept

    site, kept = write(manifest)
    assert "policy_timeline.xlsx" in site
    assert {f"{name}{column_metadata.ENDING}" for name in small} <= set(site)
    assert {f"{name}.bib" for name in small} | {"results.json", "distance_to_care.bib"} <= set(site)
    assert write(manifest) == (site, kept)
    changed = copy.deepcopy(manifest)
    changed["tables"]["policy_timeline"]["title"] = "Another title"
    again, kept_again = write(changed)
    assert again["policy_timeline.xlsx"] != site["policy_timeline.xlsx"]
    assert kept_again != kept
    # Nothing that is out of date is kept.
    assert len(list((tmp_path / "kept").iterdir())) == 1
    # Another cell is another digest in the manifest, and nothing else in it.
    changed["tables"]["policy_timeline"]["sha256"] = "0" * 64
    assert write(changed)[1] != kept_again


def test_a_chapter_without_a_table_that_fits_a_sheet_offers_no_workbook(tmp_path):
    published = tmp_path / "published"
    published.mkdir()
    table = results.read_published(places.ACCEPTED / "policy_timeline.csv", "policy_timeline")
    table.head(0).to_csv(published / "policy_timeline.csv", index=False)
    own = NUMBERS[NUMBERS["table"] == "policy_timeline"]
    own.to_csv(published / "numbers.csv", index=False)
    line = '<p class="downloads"><a href="../downloads/policy_timeline.csv">CSV</a>' + (
        '<a href="../downloads/policy_timeline.json">JSON</a></p>'
    )
    for rows in (0, workbooks.MOST_ROWS + 1):
        entry = MANIFEST["tables"]["policy_timeline"] | {"rows": rows}
        without = take_away.Offer({"tables": {"policy_timeline": entry}, "figures": {}}, {})
        take_away.write(tmp_path / "site", without, published, tmp_path / "kept")
        there = {path.name for path in (tmp_path / "site").iterdir()}
        assert f"policy_timeline{column_metadata.ENDING}" in there
        assert not [name for name in there if name.endswith(workbooks.ENDING)]
        offered = links(take_away.offered(line, without))
        assert "../downloads/policy_timeline.csv" in offered
        assert not [address for address in offered if address.endswith(workbooks.ENDING)]
        assert workbooks.ENDING not in take_away.workbooks_html(without, "../")
    assert workbooks.ENDING in take_away.workbooks_html(offer(), "../")


# Slides -------------------------------------------------------------------------------------------

DRAWING = (
    '<svg role="img" width="200pt" height="50pt" viewBox="0 0 200 50" '
    'xmlns="http://www.w3.org/2000/svg"><defs/><g id="figure_1"><text>poorer</text></g></svg>'
)
ABOVE = [frame.headline("Further & poorer"), frame.Words("People of England, " * 5 + "mid-2020")]
WITH_NOTES = frame.around(DRAWING, [frame.warning("Synthetic")], [frame.Words("Bar: interval.")])
SVG = frame.around(WITH_NOTES, ABOVE, [frame.Words("Source: a list of places.")])


def test_the_words_around_a_drawing_are_told_from_those_in_it():
    parts = slides.apart(SVG)
    assert parts.about == ABOVE[1].text
    assert parts.below == "Bar: interval. Source: a list of places."
    drawing = etree.fromstring(parts.drawing)
    assert drawing.xpath("//*[local-name()='text']/text()") == ["poorer"]
    assert drawing.get("viewBox").split()[2] == "200"
    bare = slides.apart(DRAWING)
    assert (bare.about, bare.below) == ("", "")
    assert "poorer" in bare.drawing


def slide(title: str, kind: str = "modelled") -> str:
    return slides.page({"title": title, "kind": kind}, SVG)


def test_a_slide_says_its_headline_once_with_kind_and_source():
    page = slide("Something else")
    assert page.count("<h1>Something else</h1>") == 1
    # What an image says of cars in its notes is not said in the headline as well.
    assert "<h1>Far away</h1>" in slide("Far away (car ownership not included)")
    for kind in ("modelled", "synthetic", "scenario", "published", "open"):
        text = slide("Something else", kind)
        assert results.BANNERS[kind] in text
        assert text.count("Source: a list of places.") == 1
        assert citing.this_book().version in text
        assert f"background: {slides.BARS[kind]}; }}" in text
    # The slide gives the drawing its size.
    assert 'width="200pt"' not in page


class Browser:
    """Draws every page as the same picture, and counts."""

    def __init__(self):
        self.drawn = []

    def new_page(self, **_: object):
        """Open a tab: this one."""
        return self

    def set_content(self, text: str) -> None:
        """Keep what is shown."""
        self.drawn.append(text)

    def screenshot(self) -> bytes:
        """Draw one grey point."""
        out = io.BytesIO()
        Image.new("RGB", (1, 1), "grey").save(out, "PNG")
        return out.getvalue()


def test_slides_are_drawn_once_and_only_those_of_today_are_kept(tmp_path, monkeypatch):
    browser = Browser()
    monkeypatch.setattr(slides.chromium, "opened", lambda: nullcontext(browser))
    published, kept = tmp_path / "published", tmp_path / "kept"
    published.mkdir()
    table = next(iter(MANIFEST["tables"]))
    manifest = {"tables": {table: MANIFEST["tables"][table]}, "figures": {}}
    for name in ("one", "two"):
        (published / f"{name}.svg").write_text(SVG)
        manifest["figures"][name] = {"title": name, "kind": "open", "table": table}
    assert slides.draw(manifest, published, kept) == 2
    assert slides.draw(manifest, published, kept) == 0
    (published / "one.svg").write_text(SVG.replace("poorer", "older"))
    (kept / "left over.part").write_bytes(b"half")
    assert slides.draw(manifest, published, kept) == 1
    assert len(browser.drawn) == 3
    found = slides.drawn(manifest, published, kept)
    assert set(found) == {"one", "two"}
    assert set(kept.iterdir()) == set(found.values())


def test_every_kind_has_a_bar_on_its_slide():
    assert set(slides.BARS) == set(results.BANNERS)


def test_a_slide_of_an_older_figure_is_not_offered(tmp_path):
    published, kept = tmp_path / "published", tmp_path / "kept"
    published.mkdir()
    kept.mkdir()
    (published / "one.svg").write_text(SVG)
    name = next(iter(MANIFEST["tables"]))
    manifest = {
        "tables": {name: MANIFEST["tables"][name]},
        "figures": {"one": {"title": "One", "kind": "open", "table": name}},
    }
    assert slides.drawn(manifest, published, kept) == {}
    (text,) = slides._pages(manifest, published).values()
    slides._file(kept, text).write_bytes(b"drawn")
    assert list(slides.drawn(manifest, published, kept)) == ["one"]
    (published / "one.svg").write_text(SVG.replace("poorer", "older"))
    assert slides.drawn(manifest, published, kept) == {}


# The printed book ---------------------------------------------------------------------------------

PAGE = """<html><body><article class="bd-article"><section id="top"><h1>A page<a class="headerlink"
href="#top">#</a></h1><p>See <a href="other.html#there">another</a>,
<a href="gone.html">a third</a>, <a href="#below">below</a>,
<a href="https://example.org/">the web</a>.</p>
<div class="cell_input"><pre>code = 1</pre></div><picture><source media="(max-width: 600px)"
srcset="../downloads/b.svg"><img src="../downloads/a.svg" alt="Picture"></picture>
<details><summary>Data</summary>
<table aria-labelledby="below"><thead><tr>{heads}</tr></thead>
<tbody>{rows}</tbody></table></details>
<details class="survival-choice"><summary>Show</summary><p>Figures</p></details>
<details class="take-away"><summary>Take</summary></details>
<details class="sd-dropdown"><summary>A request</summary><p><strong>Letter:</strong></p>
<pre>Dear authors</pre></details>
<h2 id="below">Below</h2></section></article></body></html>"""


def article(rows: int, site: Path, columns: int = 1) -> markup.HtmlElement:
    text = PAGE.format(rows="<tr><td>1</td></tr>" * rows, heads="<th>a</th>" * columns)
    tree = markup.document_fromstring(text)
    pages = frozenset({"book/page", "book/other"})
    return printed_book.prepared(tree, "book/page", pages, site)


def test_a_printed_page_keeps_its_links_inside_the_book(tmp_path):
    body = article(3, tmp_path)
    assert body.xpath(".//a/@href") == [
        "#book-other--there",
        "#book-page--below",
        "https://example.org/",
    ]
    assert body.get("id") == "book-page"
    assert body.xpath(".//h2/@id") == ["book-page--below"]
    assert body.xpath(".//table/@aria-labelledby") == ["book-page--below"]
    assert body.xpath(".//img/@src") == [(tmp_path / "downloads" / "a.svg").resolve().as_uri()]
    assert "a third" in body.text_content()


def test_a_printed_page_is_open_but_for_what_a_reader_chooses(tmp_path):
    body = article(3, tmp_path)
    data, survival = body.xpath(".//details")
    assert data.get("open") is not None
    assert survival.get("open") is None
    assert "code = 1" not in body.text_content()
    assert "Take" not in body.text_content()
    assert "Dear authors" not in body.text_content()
    assert "A letter, ready to send, stands on" in body.text_content()


def test_a_picture_that_stands_in_three_minutes_is_not_printed_a_second_time(tmp_path):
    picture = '<div><img src="../downloads/a.svg" alt="Words"></div><figcaption>A</figcaption>'
    page = (
        '<article class="bd-article"><h1>A</h1>'
        f'<figure data-figure="a">{picture}</figure><figure id="figure-a">{picture}</figure>'
        f'<figure id="figure-b">{picture}</figure></article>'
    )
    tree = markup.document_fromstring(page)
    body = printed_book.prepared(tree, "book/page", frozenset({"book/page"}), tmp_path)
    first, second, other = body.iter("figure")
    assert [len(each.xpath(".//img")) for each in (first, second, other)] == [1, 0, 1]
    assert "The picture stands above" in second.text_content()
    assert second.get("id") == "book-page--figure-a"


def test_pages_that_only_list_are_pages_of_the_book_and_not_printed(tmp_path):
    pages = build.contents()
    for page in pages:
        file = tmp_path / f"{page}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    printed = [name for name, _ in printed_book.order(tmp_path)]
    assert set(printed_book.NOT_PRINTED) == set(pages) - set(printed)


def test_a_table_too_large_for_paper_is_named_and_not_printed(tmp_path):
    assert len(article(printed_book.MOST_ROWS, tmp_path).xpath(".//table")) == 1
    body = article(printed_book.MOST_ROWS + 1, tmp_path)
    assert body.xpath(".//table") == []
    assert f"{printed_book.MOST_ROWS + 1} rows" in body.text_content()
    assert len(article(1, tmp_path, printed_book.MOST_COLUMNS).xpath(".//table")) == 1
    assert article(1, tmp_path, printed_book.MOST_COLUMNS + 1).xpath(".//table") == []


def test_pages_are_printed_in_the_order_of_the_contents_boards_behind_their_chapter(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "root: book/index\nparts:\n  - caption: One\n    chapters:\n"
        "      - file: notebooks/care_boards\n      - file: book/left_out\n"
        "      - file: book/last.md\n"
    )
    names = ["book/index", "notebooks/care_boards", "book/boards/a", "book/boards/b", "book/last"]
    for name in names:
        page = tmp_path / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("x")
    assert printed_book.order(tmp_path, toc) == [
        ("book/index", ""), *((name, "One") for name in names[1:])
    ]  # fmt: skip


def test_the_printed_book_is_offered_where_the_page_waits_for_it(tmp_path):
    (tmp_path / "book").mkdir()
    page = tmp_path / "book" / "downloads.html"
    page.write_text(take_away.book_html(offer(), "../"))
    printed = tmp_path / "printed.pdf"
    printed.write_bytes(b"%PDF")
    printed_book.offer(tmp_path, printed)
    printed_book.offer(tmp_path, printed)
    found = re.findall(
        r'<li class="printed-book"><a href="\.\./downloads/([^"]+)"', page.read_text()
    )
    assert found == [printed_book.FILE]
    assert (tmp_path / "downloads" / printed_book.FILE).read_bytes() == b"%PDF"
