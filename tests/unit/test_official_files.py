"""Official files: recognised by content, refused when truncated or altered, obtained whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from distance_to_care import official, tables
from distance_to_care.problems import Problem

ROWS = 32_844


def imd_lines() -> list[str]:
    """A stand-in in the official layout, with the official rows, sums and counts of deciles."""
    ranks = np.arange(1, ROWS + 1)
    counts = official.catalogue()["imd_2019"]["counts"]["imd_decile"]
    deciles = np.repeat([int(decile) for decile in counts], list(counts.values()))
    # The official ranks hold ties; the stand-in spreads the difference over the last row.
    ranks[-1] += official.catalogue()["imd_2019"]["sums"]["imd_rank"] - ranks.sum()
    heading = (
        "LSOA code (2011),LSOA name (2011),"
        "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived),"
        "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)"
    )
    rows = [
        f'E01{i:06d},"Somewhere, {i}","{rank:,}",{decile}'
        for i, (rank, decile) in enumerate(zip(ranks, deciles, strict=True))
    ]
    return [heading, *rows]


def content(lines: list[str]) -> bytes:
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


GOOD = content(imd_lines())


@pytest.fixture
def server():
    """A web server on this machine: path -> bytes; lists what was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 (the library's name)
            body = self.server.files.get(self.path)
            self.server.asked.append(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            # A broken connection: more is announced than comes.
            self.send_header("Content-Length", str(len(body) * (2 if "cut" in self.path else 1)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.asked = {}, []
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


# --- Recognising and reading ------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_whole_file_is_recognised_whatever_its_name(tmp_path, pack):
    (tmp_path / "downloaded (3).csv").write_bytes(pack(GOOD))
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    found = official.find(tmp_path)
    assert {name: path.name for name, path in found.items()} == {"imd_2019": "downloaded (3).csv"}
    frame = official.read("imd_2019", found["imd_2019"])
    assert frame.columns.tolist() == ["area_code", "imd_rank", "imd_decile"]
    assert len(frame) == ROWS
    assert frame["imd_rank"].iloc[4_999] == 5_000
    assert frame["imd_decile"].dtype == "int64"


def test_titles_above_the_heading_and_small_letters_do_not_matter(tmp_path):
    lines = imd_lines()
    path = tmp_path / "saved_sheet.csv"
    path.write_bytes(content(["Indices of deprivation,,,", ",,,", lines[0].lower(), *lines[1:]]))
    assert official.find(tmp_path) == {"imd_2019": path}
    assert len(official.read("imd_2019", path)) == ROWS


def test_truncated_file_is_a_problem(tmp_path):
    path = tmp_path / "imd.csv"
    path.write_bytes(content(imd_lines()[:-100]))
    with pytest.raises(Problem, match="32,744 rows where the official file has 32,844.*truncated"):
        official.read("imd_2019", path)


def test_half_a_compressed_file_is_a_problem(tmp_path):
    path = tmp_path / "imd.csv.gz"
    path.write_bytes(gzip.compress(GOOD)[:-2_000])
    with pytest.raises(Problem, match="truncated or damaged"):
        official.read("imd_2019", path)


def test_altered_number_is_a_problem(tmp_path):
    lines = imd_lines()
    lines[7] = lines[7].replace('"7"', '"8"')
    path = tmp_path / "imd.csv"
    path.write_bytes(content(lines))
    with pytest.raises(Problem, match="imd_rank adds up to 539,380,565.*altered"):
        official.read("imd_2019", path)


def test_exchanged_deciles_are_a_problem(tmp_path):
    """Same sum, other classes: 1 and 3 become 2 and 2."""
    lines = imd_lines()
    lines[1] = lines[1][:-1] + "2"
    third = next(i for i, line in enumerate(lines) if line.endswith(",3"))
    lines[third] = lines[third][:-1] + "2"
    path = tmp_path / "imd.csv"
    path.write_bytes(content(lines))
    with pytest.raises(Problem, match="classes of imd_decile"):
        official.read("imd_2019", path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda line: line.replace('"7"', "seven"), "text in the column of numbers for imd_rank"),
        (lambda line: line.replace('"7"', ""), "empty cells in the column for imd_rank"),
        (lambda line: line.replace("E01000006", "E01000005"), "area_code more than once"),
    ],
)
def test_other_alterations_are_problems(tmp_path, change, sentence):
    lines = imd_lines()
    lines[7] = change(lines[7])
    path = tmp_path / "imd.csv"
    path.write_bytes(content(lines))
    with pytest.raises(Problem, match=sentence):
        official.read("imd_2019", path)


def test_unrecognised_file_is_a_problem(tmp_path):
    path = tmp_path / "imd.csv"
    path.write_text("postcode,decile\nX,1\n")
    with pytest.raises(Problem, match=r"imd.csv is not recognised as 'imd_2019'.*www.gov.uk"):
        official.read("imd_2019", path)
    with pytest.raises(Problem, match="no official file called 'imd_1066'. Known are imd_2019"):
        official.read("imd_1066", path)


def test_every_entry_can_be_used():
    for name, entry in official.catalogue().items():
        # One row a board, and their number changes; all others have one row a small area.
        assert "rows_between" in entry or entry["rows"] > 30_000, name
        assert entry["landing_page"].startswith("https://")
        assert entry.get("address", "https://").startswith("https://")
        assert "address" in entry or "look_for" in entry
        columns = set(official._headings(entry))
        for checked in ("sums", "counts", "distinct"):
            assert set(entry.get(checked, {})) <= columns, name
        checks = ("sums", "counts", "distinct", "rows_between")
        assert any(check in entry for check in checks), name


def test_official_files_of_this_machine_add_up(official_folder):
    found = official.find(official_folder)
    needed = {name for name, entry in official.catalogue().items() if not entry.get("optional")}
    assert needed <= set(found)
    for name in (
        "imd_2019",
        "imd_2025",
        "imd_2019_domains",
        "imd_2025_domains",
        "rural_urban_2011",
        "lookup_lsoa11_icb22",
    ):
        frame = official.read(name, found[name])
        assert frame["area_code"].is_unique
    assert set(tables.official("rural_urban_2011")["rural_urban"]) == {"rural", "urban"}
    # Every domain ranks the same areas from 1.
    for edition, areas in (("imd_2019_domains", 32_844), ("imd_2025_domains", 33_755)):
        domains = tables.official(edition)
        ranks = [column for column in domains if column.endswith("_rank")]
        assert len(ranks) == 7
        assert (domains[ranks].min() == 1).all()
        assert (domains[ranks].max() == areas).all()
    population = tables.official("population_mid2020")
    english = population["area_code"].str.startswith("E")
    # The mid-2020 population of England as ONS published it.
    assert population.loc[english, "people"].sum() == 56_550_138


# --- One file that serves for two, one layout for areas of many sizes ---------------------------

DOMAINS = [
    "Income",
    "Employment",
    "Education; Skills and Training",
    "Health Deprivation and Disability",
    "Crime",
    "Barriers to Housing and Services",
    "Living Environment",
]


def domain_lines() -> list[str]:
    """The stand-in with the ranks of the domains beside it, as the all-in-one file has them."""
    entry = official.catalogue()["imd_2019_domains"]
    heading, *rows = imd_lines()
    for domain in DOMAINS:
        title = domain.replace(";", ",")
        heading += f',"{title} Rank (where 1 is most deprived)"'
        if domain in ("Income", "Barriers to Housing and Services"):
            heading += f',"{title} Decile (where 1 is most deprived 10% of LSOAs)"'
    ours = [name.removesuffix("_rank") for name in entry["sums"] if name.endswith("_rank")]
    ends = [entry["sums"][f"{name}_rank"] - sum(range(1, ROWS)) for name in ours]
    lines = [heading]
    for i, row in enumerate(rows, 1):
        decile = row.rsplit(",", 1)[1]
        for name, end in zip(ours, ends, strict=True):
            row += f",{end if i == ROWS else i}"
            row += f",{decile}" if name in ("income", "barriers") else ""
        lines.append(row)
    return lines


def test_one_file_serves_for_the_index_and_its_domains(tmp_path, server):
    server.files["/all.csv"] = content(domain_lines())
    asked = dict.fromkeys(("imd_2019", "imd_2019_domains"), server.address + "/all.csv")
    found = official.obtain(tmp_path, asked)
    assert server.asked == ["/all.csv"]
    assert found["imd_2019"] == found["imd_2019_domains"]
    domains = official.read("imd_2019_domains", found["imd_2019_domains"])
    assert domains.columns.tolist() == list(
        official._headings(official.catalogue()["imd_2019_domains"])
    )
    assert domains["income_rank"].iloc[99] == 100
    assert domains["barriers_decile"].iloc[-1] == 10


def test_altered_domain_is_a_problem(tmp_path):
    lines = domain_lines()
    lines[2] = lines[2].replace(",2,", ",3,", 1)
    (tmp_path / "all.csv").write_bytes(content(lines))
    with pytest.raises(Problem, match="income_rank adds up to.*altered"):
        official.read("imd_2019_domains", tmp_path / "all.csv")


CARS_HEADING = (
    "date,geography,geography code,Number of cars or vans: Total: All households,"
    "Number of cars or vans: No cars or vans in household,"
    "Number of cars or vans: 1 car or van in household,"
    "Number of cars or vans: 2 cars or vans in household,"
    "Number of cars or vans: 3 or more cars or vans in household"
)


def car_lines() -> list[str]:
    """Invented households of every area of England and Wales, in the publisher's layout."""
    codes = [f"E01{i:06d}" for i in range(33_755)] + [f"W01{i:06d}" for i in range(1_917)]
    # Small counts are changed a little by the publisher: the parts miss the total by one.
    return [CARS_HEADING, *(f"2021,Somewhere,{code},601,150,250,150,50" for code in codes)]


def test_cars_are_recognised_among_areas_of_other_sizes(tmp_path):
    """The archive holds the same table of districts and of the whole country beside it."""
    for name, code in (("ctry", "E92000001"), ("ltla", "E06000001"), ("msoa", "E02000001")):
        row = f"2021,Somewhere,{code},601,150,250,150,50"
        (tmp_path / f"census2021-ts045-{name}.csv").write_bytes(content([CARS_HEADING, row]))
    assert "cars_census2021" not in official.find(tmp_path)
    with pytest.raises(Problem, match="codes do not begin E01 or W01"):
        official.read("cars_census2021", tmp_path / "census2021-ts045-ltla.csv")
    path = tmp_path / "census2021-ts045-lsoa.csv"
    path.write_bytes(content(car_lines()))
    assert official.find(tmp_path)["cars_census2021"] == path
    frame = official.read("cars_census2021", path)
    assert len(frame) == 35_672
    assert frame["households_no_car"].sum() == 150 * 35_672
    assert frame["households"].dtype == "int64"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines[:-1], "35,671 rows where the official file has 35,672.*truncated"),
        (lambda lines: [*lines[:-1], lines[1]], "area_code more than once"),
        (
            lambda lines: [*lines[:-1], lines[-1].replace(",150,250", ",50,250")],
            "in 1 areas the parts do not add up to households, so it has been altered",
        ),
        (lambda lines: [*lines[:-1], lines[-1].replace("601", "many")], "text in the column"),
    ],
)
def test_bad_file_of_cars_is_a_problem(tmp_path, change, sentence):
    path = tmp_path / "cars.csv"
    path.write_bytes(content(change(car_lines())))
    with pytest.raises(Problem, match=sentence):
        official.read("cars_census2021", path)


# --- Obtaining --------------------------------------------------------------------------------


def obtain(folder, server, path, **options):
    said = []
    addresses = {"imd_2019": server.address + path}
    found = official.obtain(folder, addresses, said.append, **options)
    return found, "\n".join(said)


def test_good_file_is_obtained_checked_and_recorded(tmp_path, server):
    server.files["/good.csv"] = GOOD
    found, said = obtain(tmp_path / "cache", server, "/good.csv")
    assert found["imd_2019"].read_bytes() == GOOD
    digest = hashlib.sha256(GOOD).hexdigest()
    assert digest in said
    assert "recorded at first download" in said
    assert "100%" in said
    # Those without an address (here: all others) are named with the place to look.
    assert "population_mid2020: no address" in said
    record = json.loads((tmp_path / "cache" / official.RECORD).read_text())
    assert record["imd_2019"]["sha256"] == digest
    assert record["imd_2019"]["address"].endswith("/good.csv")
    kept = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert kept == ["imd_2019.csv", official.RECORD]


def test_file_that_is_there_is_not_obtained_again(tmp_path, server):
    server.files["/good.csv"] = GOOD
    obtain(tmp_path, server, "/good.csv")
    _, said = obtain(tmp_path, server, "/good.csv")
    assert server.asked == ["/good.csv"]
    assert "imd_2019: already there" in said


def test_changed_file_is_said(tmp_path, server):
    server.files["/good.csv"] = GOOD
    obtain(tmp_path, server, "/good.csv")
    _, said = obtain(tmp_path, server, "/good.csv", again=True)
    assert "sha256 as at first download" in said
    server.files["/good.csv"] = GOOD.replace(b"Somewhere", b"Elsewhere")
    found, said = obtain(tmp_path, server, "/good.csv", again=True)
    assert "The publisher has changed the file" in said
    assert b"Elsewhere" in found["imd_2019"].read_bytes()
    record = json.loads((tmp_path / official.RECORD).read_text())["imd_2019"]
    assert record["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert record["latest"]["sha256"] != record["sha256"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/truncated.csv", content(imd_lines()[:20_000]), "truncated"),
        ("/altered.csv", GOOD.replace(b'"7",1', b'"9",1'), "altered"),
        ("/cut.csv", GOOD, "could not be downloaded"),
        ("/page.csv", b"<!doctype html><p>Moved</p>", "is not recognised as 'imd_2019'"),
        ("/absent.csv", None, "Not Found"),
    ],
)
def test_bad_download_leaves_nothing_and_spares_what_is_there(
    tmp_path, server, path, body, sentence
):
    server.files["/good.csv"] = GOOD
    if body is not None:
        server.files[path] = body
    with pytest.raises(Problem, match=sentence) as raised:
        obtain(tmp_path, server, path)
    assert server.address + path in str(raised.value)
    assert ".part" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []

    obtain(tmp_path, server, "/good.csv")
    with pytest.raises(Problem, match=sentence):
        obtain(tmp_path, server, path, again=True)
    assert (tmp_path / "imd_2019.csv").read_bytes() == GOOD
    assert len(list(tmp_path.iterdir())) == 2


SMALL = {
    "title": "People",
    "landing_page": "https://example.org",
    "areas": "LSOA 2011",
    "rows": 2,
    "unique": ["area_code"],
    "sheet": "Persons",
    "text": {"area_code": ["LSOA Code"]},
    "numbers": {"people": ["All Ages"]},
    "ages": {"first": 0, "open_from": 2, "total": "people"},
    "sums": {"people": 60},
}
HEADING = ["LSOA Code", "LA", "All Ages", "0", "1", "2+"]
TABLE = [["E01000001", "", "10", "1", "2", "7"], ["E01000002", "", "50", "20", "20", "10"]]


def workbook_bytes(table: list[list[str]]) -> bytes:
    """A workbook as ONS lays it out: a cover, a title, shared texts, cells left out where empty."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    texts = ["Mid-2020", *HEADING, *(row[0] for row in table)]
    lines = []
    for number, row in enumerate([["Mid-2020"], [], HEADING, *table], 1):
        cells = ""
        for letter, text in zip("ABCDEF", row, strict=False):
            if text in texts:
                cells += f'<c r="{letter}{number}" t="s"><v>{texts.index(text)}</v></c>'
            elif text:
                cells += f'<c r="{letter}{number}"><v>{text}</v></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    cover = '<row r="1"><c r="A1" t="inlineStr"><is><t>Contents</t></is></c></row>'
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{relations}"><sheets>'
            '<sheet name="Contents" sheetId="1" r:id="rId1"/>'
            '<sheet name="Persons" sheetId="2" r:id="rId2"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
            '<Relationship Id="rId2" Target="worksheets/sheet2.xml"/></Relationships>',
        )
        shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f"<sst {main}>{shared}</sst>")
        for name, rows in (("sheet1", cover), ("sheet2", "".join(lines))):
            archive.writestr(
                f"xl/worksheets/{name}.xml",
                f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
            )
    return body.getvalue()


def archive_bytes(table: list[list[str]]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("readme.txt", "about")
        archive.writestr("people.csv", "\n".join(",".join(row) for row in [HEADING, *table]))
    return body.getvalue()


@pytest.mark.parametrize("pack", [workbook_bytes, archive_bytes])
def test_workbook_or_archive_is_kept_as_csv(tmp_path, server, monkeypatch, pack):
    monkeypatch.setattr(official, "catalogue", lambda: {"people": SMALL})
    server.files["/data"] = pack(TABLE)
    found = official.obtain(tmp_path, {"people": server.address + "/data"})
    frame = official.read("people", found["people"])
    assert frame.to_dict("list") == {
        "area_code": ["E01000001", "E01000002"],
        "people": [10, 50],
        "age_0": [1, 20],
        "age_1": [2, 20],
        "age_2_and_over": [7, 10],
    }
    record = json.loads((tmp_path / official.RECORD).read_text())
    assert record["people"]["sha256"] == hashlib.sha256(server.files["/data"]).hexdigest()
    assert sorted(p.name for p in tmp_path.iterdir()) == [official.RECORD, "people.csv"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (workbook_bytes(TABLE[:1]), "1 rows where the official file has 2.*truncated"),
        (workbook_bytes([TABLE[0], [*TABLE[1][:5], "11"]]), "ages of some areas do not add up"),
        (workbook_bytes(TABLE)[:-40], "truncated or damaged"),
        (workbook_bytes(TABLE).replace(b"workbook.xml", b"workbooc.xml"), "archive of 0 CSV files"),
    ],
)
def test_bad_workbook_leaves_nothing(tmp_path, server, monkeypatch, body, sentence):
    monkeypatch.setattr(official, "catalogue", lambda: {"people": SMALL})
    server.files["/data"] = body
    with pytest.raises(Problem, match=sentence):
        official.obtain(tmp_path, {"people": server.address + "/data"})
    assert list(tmp_path.iterdir()) == []


def test_workbook_without_the_sheet_is_a_problem(tmp_path, server, monkeypatch):
    monkeypatch.setattr(official, "catalogue", lambda: {"people": {**SMALL, "sheet": "Males"}})
    server.files["/data"] = workbook_bytes(TABLE)
    with pytest.raises(Problem, match="no sheet 'Males'. Its sheets are Contents, Persons"):
        official.obtain(tmp_path, {"people": server.address + "/data"})


def test_address_that_is_no_web_address_is_a_problem(tmp_path):
    with pytest.raises(Problem, match="not a web address"):
        official.obtain(tmp_path, {"imd_2019": "file:///etc/hosts"})
    assert list(tmp_path.iterdir()) == []
