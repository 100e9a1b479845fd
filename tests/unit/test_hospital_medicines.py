"""Hospital medicines: files obtained, recognised and read; people on treatment against expected.

Every file here is invented: the trusts, the quantities and the months. None is kept as a result.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import command_line, medicine_files, official, places, tables
from distance_to_care import hospital_medicines as medicines
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook

OLD = "YEAR_MONTH,ODS_CODE,VMP_SNOMED_CODE,VMP_PRODUCT_NAME,UNIT_OF_MEASURE_IDENTIFIER,"
OLD += "UNIT_OF_MEASURE_NAME,TOTAL_QUANITY_IN_VMP_UNIT,INDICATIVE_COST"
NEW = "YEAR_MONTH,ODS_CODE,VMP_SNOMED_CODE,VMP_PRODUCT_NAME,VMP_UDFS_UNIT_OF_MEASURE_IDENTIFIER,"
NEW += "VMP_UDFS_UNIT_OF_MEASURE_NAME,TOTAL_QUANTITY_IN_VMP_UDFS_UNIT_OF_MEASURE,"
NEW += "INDICATIVE_COST,VMP_UNIT_DOSE_UNIT_OF_MEASURE_NAME,"
NEW += "TOTAL_QUANTITY_IN_VMP_UNIT_DOSE_UNIT_OF_MEASURE"
NINTEDANIB, PIRFENIDONE = "Nintedanib 150mg capsules", "Pirfenidone 267mg tablets"
OTHER = "Paracetamol 500mg tablets"


def old_file(month: str, rows: list[tuple[str, str, float]], misspelt: bool = True) -> str:
    """A month in the older layout: trust, product, quantity; a row of another medicine first."""
    heading = OLD if misspelt else OLD.replace("QUANITY", "QUANTITY")
    lines = [f"{month},RZ1,322236009,{OTHER},428673006,tablet,900,1.5"]
    lines += [f"{month},{t},1,{p},2,{p.split()[-1][:-1]},{q},9.5" for t, p, q in rows]
    return "\n".join([heading, *lines]) + "\n"


def new_file(month: str, rows: list[tuple[str, str, float]]) -> str:
    """A month in the layout of July 2026; the other quantity is ten times too many on purpose."""
    lines = [
        f"{month},{t},1,{p},2,MILLIGRAM,{10 * q},9.5,{p.split()[-1][:-1].upper()},{q}"
        for t, p, q in rows
    ]
    return "\n".join([NEW, *lines]) + "\n"


def trusts_file(trusts: list[tuple[str, str, str, str]]) -> str:
    """The list of trusts as it is published: 27 columns, no headings."""
    out = io.StringIO()
    for code, name, postcode, closed in trusts:
        address = ["1 Invented Road", "", "", "", ""]
        csv.writer(out, lineterminator="\n").writerow(
            [code, name, "Y99", "QZZ", *address, postcode, "19910401", closed, *[""] * 15]
        )
    return out.getvalue()


# Three invented trusts at postcodes of hospitals in Newcastle, Leeds and Manchester, and one that
# closed, at a postcode that does not exist.
TRUSTS = [
    ("RZ1", "INVENTED TRUST ONE, NORTH", "NE1 4LP", ""),
    ("RZ2", "INVENTED TRUST TWO", "LS9 7TF", ""),
    ("RZ3", "INVENTED TRUST THREE", "M23 9LT", ""),
    ("RZ9", "INVENTED TRUST THAT CLOSED", "ZZ99 9ZZ", "20200331"),
]


# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", ["plain", "gzip"])
@pytest.mark.parametrize("make", [old_file, new_file])
def test_a_month_is_read_in_every_layout(tmp_path, make, pack):
    text = make("202607", [("rz1", NINTEDANIB, 600), ("RZ2", PIRFENIDONE, -27)])
    path = tmp_path / ("anything.csv" if pack == "plain" else "anything.csv.gz")
    path.write_bytes(text.encode() if pack == "plain" else gzip.compress(text.encode()))
    frame = medicine_files.read_month(path)
    assert frame.drop(columns="status").to_numpy().tolist() == [
        ["2026-07", "RZ1", "nintedanib 150mg capsules", "capsule", 600.0],
        ["2026-07", "RZ2", "pirfenidone 267mg tablets", "tablet", -27.0],
    ]
    assert (frame["status"] == "not said").all()


@pytest.mark.parametrize("month", ["202607", "2026-07", "2026-07-01"])
def test_months_are_written_in_several_ways(tmp_path, month):
    path = tmp_path / "scmd_provisional_202607.csv"
    path.write_text(old_file(month, [("RZ1", NINTEDANIB, 1)], misspelt=False))
    frame = medicine_files.read_month(path)
    assert frame[["month", "status"]].to_numpy().tolist() == [["2026-07", "provisional"]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("202607,RZ1,1", "202613,RZ1,1"), r"1 row \(line 3, RZ1\) with no month"),
        (("202607,RZ1,1", "202607,??,1"), r"1 row \(line 3, ??\) with no code of a trust"),
        ((",600,", ",six,"), "with no quantity that can be read"),
        ((",capsule,", ",ml,"), "with another unit than capsule or tablet"),
        (("YEAR_MONTH", "MONTH"), "no monthly file of hospital medicines"),
        ((",600,9.5\n", ""), "line 3 has 6 cells under 8 headings"),
    ],
)
def test_a_month_that_cannot_be_understood_is_a_problem(tmp_path, change, sentence):
    text = old_file("202607", [("RZ1", NINTEDANIB, 600)])
    assert change[0] in text
    path = tmp_path / "month.csv"
    path.write_text(text.replace(*change))
    with pytest.raises(Problem, match=sentence.replace("?", r"\?")):
        medicine_files.read_month(path)


@pytest.mark.parametrize(
    ("written", "read"),
    [("600.5", 600.5), ('"1,600"', 1600.0), ('"-1,234,567.5"', -1234567.5), ("600,5", None)]
    + [(wrong, None) for wrong in ('"600,5"', '"1,5"', '"1,60"', "inf", "nan", "*", "")],
)
def test_a_quantity_is_read_as_it_is_meant_or_not_at_all(tmp_path, written, read):
    path = tmp_path / "month.csv"
    path.write_text(old_file("202607", [("RZ1", NINTEDANIB, written)]))
    if read is not None:
        assert medicine_files.read_month(path)["quantity"].tolist() == [read]
    else:
        # Without quotes the comma makes one cell more than there are headings.
        told = r"1 row \(line 3, RZ1\) with no quantity .*withheld"
        told = "line 3 has 9 cells under 8 headings" if written == "600,5" else told
        with pytest.raises(Problem, match=told):
            medicine_files.read_month(path)


def test_a_fault_names_the_first_lines_and_counts_the_rest(tmp_path):
    path = tmp_path / "month.csv"
    path.write_text(old_file("202607", [(f"RZ{n}", NINTEDANIB, "*") for n in range(5)]))
    with pytest.raises(Problem, match=r"5 rows \(line 3, RZ0; line 4, RZ1; line 5, RZ2, \.\.\.\)"):
        medicine_files.read_month(path)


def test_units_in_the_plural_and_lines_of_title_are_understood(tmp_path):
    path = tmp_path / "month.csv"
    text = old_file("202607", [("RZ1", NINTEDANIB, 600)]).replace(",capsule,", ",capsules,")
    path.write_text(f"Secondary care medicines\n\n{text}")
    assert medicine_files.read("hospital_medicines", tmp_path)["unit"].tolist() == ["capsule"]


@pytest.mark.parametrize(
    ("name", "month", "sentence"),
    [
        ("month.csv", "299901", "a month that is still to come"),
        ("scmd_final_202601.csv", "202607", "holds 2026-07, and its name tells another month"),
        ("hospital_medicines_2026-01_final.csv", "202607", "its name tells another month"),
    ],
)
def test_a_month_that_cannot_be_is_a_problem(tmp_path, name, month, sentence):
    (tmp_path / name).write_text(old_file(month, [("RZ1", NINTEDANIB, 600)]))
    with pytest.raises(Problem, match=sentence):
        medicine_files.read("hospital_medicines", tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("a.csv", lambda text: text.replace("ODS_CODE", "TRUST").encode(), "missing: ODS_CODE"),
        ("a.csv", lambda text: text.replace("QUANITY", "SUM").encode(), "missing: TOTAL_QUANTITY"),
        ("a.csv", lambda text: text.replace(",", ";").encode(), "a CSV file with commas"),
        ("a.csv", lambda text: text.encode("utf-16"), "in UTF-8"),
        ("a.csv", lambda text: f"t\xe9\n{text}".encode("latin-1"), "in UTF-8"),
        ("a.csv.gz", lambda text: gzip.compress(text.replace(",", ";").encode()), "with commas"),
        ("scmd_final_202607.xlsx", lambda text: b"PK\x03\x04", "no monthly file"),
        ("hospital_medicines.csv", lambda text: b"", "missing: YEAR_MONTH, ODS_CODE"),
    ],
)
def test_a_file_that_was_meant_and_cannot_be_read_is_not_absent(tmp_path, name, change, sentence):
    (tmp_path / name).write_bytes(change(old_file("202607", [("RZ1", NINTEDANIB, 600)])))
    with pytest.raises(Problem, match=sentence):
        medicine_files.read("hospital_medicines", tmp_path)


def test_a_file_that_is_cut_within_a_line_is_a_problem(tmp_path):
    path = tmp_path / "month.csv"
    text = old_file("202607", [("RZ1", NINTEDANIB, 600), ("RZ2", OTHER, 7)])
    path.write_text(text[: text.rindex("Paracetamol") + 5])
    with pytest.raises(Problem, match="line 4 has 4 cells under 8 headings"):
        medicine_files.read_month(path)


def test_a_row_that_is_there_twice_is_a_problem(tmp_path):
    path = tmp_path / "month.csv"
    path.write_text(old_file("202607", [("RZ1", NINTEDANIB, 600), ("RZ1", NINTEDANIB, 5)]))
    with pytest.raises(Problem, match="a month, trust and product that the file has already"):
        medicine_files.read_month(path)


def test_half_a_compressed_file_is_a_problem(tmp_path):
    rows = [(f"R{number:04d}", NINTEDANIB, number) for number in range(2000)]
    whole = gzip.compress(old_file("202607", rows).encode())
    path = tmp_path / "month.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match="cannot be read to its end"):
        medicine_files.read_month(path)


def test_a_final_month_takes_the_place_of_a_provisional_one(tmp_path):
    for status, quantity in (("provisional", 500), ("final", 600)):
        path = tmp_path / f"scmd_{status}_202601.csv"
        path.write_text(old_file("202601", [("RZ1", NINTEDANIB, quantity)]))
    (tmp_path / "scmd_provisional_202602.csv").write_text(
        new_file("202602", [("RZ1", NINTEDANIB, 7)])
    )
    (tmp_path / "unrelated.csv").write_text("a,b\n1,2\n")
    frame = medicine_files.read("hospital_medicines", tmp_path)
    assert frame[["month", "quantity", "status"]].to_numpy().tolist() == [
        ["2026-01", 600.0, "final"],
        ["2026-02", 7.0, "provisional"],
    ]


def test_two_files_of_one_month_that_disagree_are_a_problem(tmp_path):
    for name, quantity in (("a", 500), ("b", 600)):
        (tmp_path / f"{name}.csv").write_text(old_file("202601", [("RZ1", NINTEDANIB, quantity)]))
    with pytest.raises(Problem, match=r"a\.csv and b\.csv both hold 2026-01 and disagree"):
        medicine_files.read("hospital_medicines", tmp_path)
    (tmp_path / "b.csv").write_text((tmp_path / "a.csv").read_text())
    assert len(medicine_files.read("hospital_medicines", tmp_path)) == 1


def test_the_list_of_trusts_is_recognised_by_its_cells(tmp_path):
    (tmp_path / "etr.csv").write_text(trusts_file(TRUSTS))
    (tmp_path / "month.csv").write_text(old_file("202607", [("RZ1", NINTEDANIB, 1)]))
    frame = medicine_files.read("hospital_trusts", tmp_path)
    assert frame["trust_code"].tolist() == ["RZ1", "RZ2", "RZ3", "RZ9"]
    assert frame["trust"].iloc[0] == "INVENTED TRUST ONE, NORTH"
    assert frame["postcode"].iloc[0] == "NE14LP"
    assert frame["closed"].tolist() == [False, False, False, True]
    with pytest.raises(Problem, match=r"month\.csv is not the list of trusts"):
        medicine_files.read_trusts(tmp_path / "month.csv")
    (tmp_path / "etr.csv").write_text(trusts_file([*TRUSTS, TRUSTS[0]]))
    with pytest.raises(Problem, match="codes of trusts more than once"):
        medicine_files.read_trusts(tmp_path / "etr.csv")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f"\n{text}\n\n",
        lambda text: text.replace("NE1 4LP", "ne1 4lp").replace("RZ1,", "rz1,"),
        lambda text: ",".join(["Code", "Name", *["x"] * 25]) + "\n" + text,
    ],
)
def test_the_list_of_trusts_may_be_written_otherwise(tmp_path, change):
    (tmp_path / "etr.csv").write_text(change(trusts_file(TRUSTS)))
    frame = medicine_files.read("hospital_trusts", tmp_path)
    assert frame["trust_code"].tolist() == ["RZ1", "RZ2", "RZ3", "RZ9"]
    assert frame["postcode"].iloc[0] == "NE14LP"


def test_two_lists_of_trusts_that_disagree_are_a_problem(tmp_path):
    (tmp_path / "etr.csv").write_text(trusts_file(TRUSTS))
    (tmp_path / "other.csv").write_text(trusts_file(TRUSTS[::-1]))
    assert len(medicine_files.read("hospital_trusts", tmp_path)) == len(TRUSTS)
    (tmp_path / "other.csv").write_text(trusts_file(TRUSTS[1:]))
    with pytest.raises(Problem, match=r"etr\.csv and other\.csv are both lists of trusts and dis"):
        medicine_files.read("hospital_trusts", tmp_path)
    (tmp_path / "other.csv").unlink()
    (tmp_path / "etr.csv").write_text("something else\n")
    with pytest.raises(Problem, match=r"etr\.csv is not the list of trusts"):
        medicine_files.read("hospital_trusts", tmp_path)


def test_an_empty_folder_has_neither(tmp_path, monkeypatch):
    for name in ("hospital_medicines", "hospital_trusts"):
        assert medicine_files.read(name, tmp_path) is None
        monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
        assert tables.official(name) is None


def test_entries_with_a_reader_are_known_and_are_no_single_table():
    for name in (medicine_files.MEDICINES, medicine_files.TRUSTS):
        entry = official.known()[name]
        assert entry["reader"]
        assert entry["optional"]
        assert entry["landing_page"].startswith("https://")
        assert name not in official.catalogue()
    # Every medicine that is kept has a dose, and every dose is of a medicine that is kept.
    doses = tables.read("medicines_assumptions")
    assert set(doses["medicine"]) == set(official.known()[medicine_files.MEDICINES]["keep"])
    assert doses.apply(lambda row: row["product"].startswith(row["medicine"]), axis=1).all()
    assert ((doses["low"] <= doses["value"]) & (doses["value"] <= doses["high"])).all()


# --- Obtaining ------------------------------------------------------------------------------------


@pytest.fixture
def server():
    """The public catalogue and its files, on this machine: path -> bytes; lists what was asked."""

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


def offer(server, provisional: list[str], final: list[str], where: str = "") -> None:
    """Let the catalogue name files of these months, and hold them."""
    finalised, current = official.known()[medicine_files.MEDICINES]["packages"]
    for package, status, months in (
        (finalised, "final", final),
        (current, "provisional", provisional),
    ):
        listed = [{"format": "PDF", "url": f"{server.address}/guide.pdf"}]
        for month in months:
            path = f"{where}/scmd_{status}_{month}.csv"
            listed.append({"format": "CSV", "url": server.address + path})
            quantity = 600 if status == "final" else 500
            server.files[path] = old_file(month, [("RZ1", NINTEDANIB, quantity)]).encode()
        answer = {"success": True, "result": {"resources": listed}}
        server.files[f"/api?id={package}"] = json.dumps(answer).encode()
    server.files["/etr"] = trusts_file(TRUSTS).encode()


def obtain(server, folder, months=2, **options):
    said: list[str] = []
    found = medicine_files.obtain(
        folder, months, f"{server.address}/api?id=", f"{server.address}/etr", said.append, **options
    )
    return [path.name for path in found], "\n".join(said)


def test_the_latest_months_are_obtained_and_cut_to_the_medicines(tmp_path, server):
    offer(server, ["202512", "202601", "202602"], ["202511", "202512", "202601"])
    found, said = obtain(server, tmp_path / "cache")
    assert found == [
        "hospital_medicines_2026-01_final.csv",
        "hospital_medicines_2026-02_provisional.csv",
        "hospital_trusts.csv",
    ]
    kept = (tmp_path / "cache" / found[0]).read_text()
    assert kept.splitlines()[0] == OLD
    assert OTHER not in kept
    assert "1 rows kept in hospital_medicines_2026-01_final.csv" in said
    frame = medicine_files.read("hospital_medicines", tmp_path / "cache")
    assert frame[["month", "quantity", "status"]].to_numpy().tolist() == [
        ["2026-01", 600.0, "final"],
        ["2026-02", 500.0, "provisional"],
    ]
    # The digest is that of what the publisher sent, not of what was kept.
    record = json.loads((tmp_path / "cache" / official.RECORD).read_text())
    sent = server.files["/scmd_final_202601.csv"]
    assert record["hospital_medicines_2026-01_final"]["bytes"] == len(sent)
    # A second run asks for the lists only; a final month replaces the provisional one.
    offer(server, ["202512", "202601", "202602"], ["202511", "202512", "202601", "202602"])
    server.asked.clear()
    found, said = obtain(server, tmp_path / "cache")
    assert found[1] == "hospital_medicines_2026-02_final.csv"
    assert len(found) == 3
    assert "2026-01 (final) is already there" in said
    assert [path for path in server.asked if path.startswith("/scmd")] == ["/scmd_final_202602.csv"]


def test_a_month_that_is_not_final_is_taken_again(tmp_path, server):
    offer(server, ["202602"], ["202601"])
    obtain(server, tmp_path)
    text = server.files["/scmd_provisional_202602.csv"].decode()
    server.files["/scmd_provisional_202602.csv"] = text.replace(",500,", ",550,").encode()
    server.asked.clear()
    obtain(server, tmp_path)
    assert [path for path in server.asked if path.startswith("/scmd")] == [
        "/scmd_provisional_202602.csv"
    ]
    assert medicine_files.read("hospital_medicines", tmp_path)["quantity"].tolist() == [600, 550]


@pytest.mark.parametrize("damage", ["{", "[]", "\x00"])
def test_a_damaged_record_is_told_before_anything_is_downloaded(tmp_path, server, damage):
    offer(server, ["202602"], ["202601"])
    (tmp_path / official.RECORD).write_text(damage)
    for act in (lambda: obtain(server, tmp_path), lambda: official.obtain(tmp_path, {})):
        with pytest.raises(Problem, match=rf"{official.RECORD} is damaged.*Delete that file"):
            act()
    assert server.asked == []


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (
            lambda files: files.pop("/scmd_final_202601.csv"),
            "2026-01_final could not be downloaded",
        ),
        (
            lambda files: files.update({"/scmd_final_202601.csv": OLD.encode() + b"\n"}),
            "holds none of nintedanib, pirfenidone",
        ),
        (
            lambda files: files.update({"/scmd_final_202601.csv": b"<html>closed</html>"}),
            "no monthly file of hospital medicines",
        ),
        (lambda files: files.update({"/etr": b"a,b\n"}), "is not the list of trusts"),
    ],
)
def test_a_bad_download_leaves_nothing_and_spares_the_rest(tmp_path, server, break_it, sentence):
    offer(server, ["202602"], ["202601"])
    break_it(server.files)
    with pytest.raises(Problem, match=sentence):
        obtain(server, tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert "hospital_medicines_2026-02_provisional.csv" in left
    assert not [name for name in left if name.startswith(".hospital")]
    assert ("hospital_trusts.csv" in left) == ("trusts" not in sentence)


def test_a_broken_connection_is_a_problem(tmp_path, server):
    offer(server, ["202602"], [], where="/cut")
    with pytest.raises(Problem, match=r"only [0-9,]+ of [0-9,]+ bytes came"):
        obtain(server, tmp_path)
    assert not list(tmp_path.glob("hospital_medicines*"))


@pytest.mark.parametrize("answer", [b"{}", b"not json", b'{"result": {"resources": []}}'])
def test_a_catalogue_that_names_nothing_is_a_problem(tmp_path, server, answer):
    offer(server, ["202602"], [])
    for path in server.files:
        if path.startswith("/api"):
            server.files[path] = answer
    with pytest.raises(Problem, match="did not answer with a list|names no monthly file"):
        obtain(server, tmp_path)
    # The list of trusts does not depend on it.
    assert (tmp_path / "hospital_trusts.csv").exists()


def test_an_address_that_is_no_web_address_is_a_problem(tmp_path):
    with pytest.raises(Problem, match="is not a web address"):
        medicine_files.obtain(tmp_path, 1, "file:///etc/", "file:///etc/hosts")


@pytest.mark.parametrize(("asked", "months"), [([], None), (["--medicines", "2"], 2)])
def test_the_command_obtains_medicines_on_request_only(monkeypatch, tmp_path, asked, months):
    called = []
    monkeypatch.setattr(official, "obtain", lambda folder, say: called.append((folder, None)))
    monkeypatch.setattr(
        medicine_files, "obtain", lambda folder, months, say: called.append((folder, months))
    )
    given = ["data", "--open-data", str(tmp_path), *asked]
    answer = CliRunner().invoke(command_line.app, given)
    assert answer.exit_code == 0, answer.output
    assert called == [(tmp_path, None), *([(tmp_path, months)] if months else [])]
    assert ("'make data MONTHS=12'" in answer.output) == (not months)


# --- People on treatment --------------------------------------------------------------------------

DOSES = pd.DataFrame(
    {
        "product": ["thinner capsules", "thicker tablets"],
        "medicine": ["thinner", "thicker"],
        "one_disease": [False, True],
        "value": [2.0, 9.0],
        "low": [1.6, 6.0],
        "high": [2.0, 9.0],
    }
)


def quantities(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["month", "trust_code", "product", "quantity"])
    return frame.assign(status="final", unit="capsule")


def test_quantities_become_people_by_hand():
    # 30 days of April: 1,200 capsules at 2 a day are 20 people, 25 at 1.6; 2,430 tablets at 9 are
    # 9 people, 13.5 at 6.
    given = quantities(
        ("2026-04", "RZ1", "thinner capsules", 1200.0),
        ("2026-04", "RZ1", "thicker tablets", 2430.0),
    )
    days = medicines.treated_days(given, DOSES)
    people = medicines.average_people(days, ["2026-04"], ["medicine"]).set_index("medicine")
    assert people.loc["thinner", ["estimate", "low", "high"]].tolist() == [20.0, 20.0, 25.0]
    assert people.loc["thicker", ["estimate", "low", "high"]].tolist() == pytest.approx(
        [9.0, 9.0, 13.5]
    )
    both = medicines.average_people(days, ["2026-04"], [])
    assert both["estimate"].item() == pytest.approx(29.0)
    # The same quantity in two months is half as many people on average, by the days of each.
    longer = medicines.average_people(days, ["2026-04", "2026-05"], [])
    assert longer["estimate"].item() == pytest.approx(29.0 * 30 / 61)


def test_returns_are_taken_off_and_nobody_is_below_zero():
    given = quantities(
        ("2026-04", "RZ1", "thinner capsules", 1200.0),
        ("2026-05", "RZ1", "thinner capsules", -580.0),
        ("2026-05", "RZ2", "thinner capsules", -60.0),
    )
    days = medicines.treated_days(given, DOSES)
    people = medicines.average_people(days, ["2026-04", "2026-05"], ["trust_code"])
    assert people["estimate"].tolist() == pytest.approx([310 / 61, 0.0])
    assert (people["low"] <= people["estimate"]).all()
    assert (people["estimate"] <= people["high"]).all()


def test_a_product_without_a_dose_is_named_and_left_out():
    given = quantities(
        ("2026-04", "RZ1", "thinner capsules", 60.0), ("2026-04", "RZ1", "thinner syrup", 1e6)
    )
    assert medicines.without_dose(given, DOSES) == ["thinner syrup"]
    days = medicines.treated_days(given, DOSES)
    assert days["estimate"].sum() == pytest.approx(30.0)


@pytest.mark.parametrize("change", [{"value": 0.0}, {"low": 3.0}, {"high": 1.0}])
def test_a_bad_dose_is_a_problem(change):
    with pytest.raises(Problem, match="one dose above 0"):
        medicines.treated_days(quantities(), DOSES.assign(**change))


def test_the_latest_months_pass_over_a_missing_one():
    given = quantities(
        *[(month, "RZ1", "thinner capsules", 1.0) for month in ("2025-03", "2026-01", "2026-03")]
    )
    assert medicines.latest_months(given) == ["2026-01", "2026-03"]
    assert medicines.latest_months(given, 13) == ["2025-03", "2026-01", "2026-03"]
    assert medicines.gaps(given, ["2025-03", "2026-01", "2026-03"]) == 0


def test_months_of_a_trust_without_a_row_are_counted():
    months = ["2026-01", "2026-02", "2026-03", "2026-04"]
    given = quantities(
        *[(month, "RZ1", "thinner capsules", 1.0) for month in months],
        # Two products in one month are one month; a trust that begins late has no gap before.
        ("2026-01", "RZ2", "thinner capsules", 1.0),
        ("2026-01", "RZ2", "thicker tablets", 1.0),
        ("2026-04", "RZ2", "thinner capsules", 1.0),
        ("2026-03", "RZ3", "thinner capsules", 1.0),
        ("2026-04", "RZ3", "thinner capsules", 1.0),
    )
    assert medicines.gaps(given, months) == 2


def test_quarters_are_whole_or_not_there():
    months = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]
    given = quantities(*[(month, "RZ1", "thinner capsules", 600.0) for month in months])
    table = medicines.by_quarter(medicines.treated_days(given, DOSES))
    assert table["level"].unique().tolist() == ["2026 Q1"]
    assert table.set_index("group")["estimate"].to_dict() == pytest.approx(
        {"all": 900 / 90, "thinner": 900 / 90}
    )
    assert medicines.by_quarter(medicines.treated_days(given.tail(2), DOSES)).empty
    few = given.assign(quantity=180.0)
    table = medicines.by_quarter(medicines.treated_days(few, DOSES))
    assert table["suppressed"].all()
    assert table["estimate"].isna().all()


def test_a_range_holds_its_estimate_where_more_came_back_than_went_out():
    given = quantities(
        ("2026-04", "RZ1", "thinner capsules", 62.0), ("2026-04", "RZ1", "thicker tablets", -225.0)
    )
    days = medicines.treated_days(given, DOSES)
    (row,) = medicines.average_people(days, ["2026-04"], []).to_dict("records")
    assert row["estimate"] == pytest.approx((62 / 2 - 225 / 9) / 30)
    assert row["low"] <= row["estimate"] <= row["high"]


def test_a_month_with_far_fewer_trusts_is_named():
    given = quantities(
        *[(f"2026-0{m}", f"RZ{n}", "thinner capsules", 1.0) for m in (1, 2, 3) for n in range(10)],
        *[("2026-04", f"RZ{n}", "thinner capsules", 1.0) for n in range(7)],
        *[("2026-05", f"RZ{n}", "thinner capsules", 1.0) for n in range(8)],
    )
    months = sorted(given["month"].unique())
    assert medicines.short_months(given, months) == ["2026-04"]
    assert medicines.short_months(given, months[:3]) == []


EVERYWHERE = pd.DataFrame(
    {"group_by": ["all"], "group": ["all"], "estimate": [900.0], "low": [500.0], "high": [1600.0]}
)


def told(*rows):
    found = medicines.everything(quantities(*rows), None, DOSES, EVERYWHERE)
    status = found["status"].set_index("measure")
    return found, status["note"]["answer"], status["estimate"]


def test_the_answer_says_what_is_left_out():
    known = ("2026-04", "RZ1", "thinner capsules", 6000.0)
    found, answer, numbers = told(known, ("2026-04", "RZ1", "new capsules", 2000.0))
    assert "treat about 100 people" in answer
    assert "Left out are 25.0 per cent of the capsules and tablets" in answer
    assert "(new capsules)" in answer
    assert numbers["capsules and tablets left out with them"] == 25
    assert "Left out" not in told(known)[1]
    # Most of it has no dose: no number of people is given anywhere.
    found, answer, _ = told(known, ("2026-04", "RZ1", "new capsules", 7000.0))
    assert "54 per cent" in answer
    assert "no number of people is given" in answer
    assert set(found["places"]["measure"]) == {medicines.EXPECTED}
    assert found["catchments"]["estimate"].isna().all()


def test_the_answer_never_prints_what_is_hidden():
    _, answer, _ = told(("2026-04", "RZ1", "thinner capsules", 300.0))
    assert "fewer than 10 people, so the number is withheld" in answer
    _, answer, _ = told(
        ("2026-04", "RZ1", "thinner capsules", 6000.0), ("2026-04", "RZ1", "thicker tablets", 270.0)
    )
    assert "about 101 people" in answer
    assert answer.endswith("fewer than 10 people could be told from it")
    assert "nan" not in answer


# --- Small numbers --------------------------------------------------------------------------------


def hidden(every, one, parent=None):
    table = pd.DataFrame({"every": every, "one": one}, dtype=float)
    table = table.assign(group=[f"p{i}" for i in table.index], parent=parent or "all")
    out = medicines.withhold(table)
    return out["hide_every"].tolist(), out["hide_one"].tolist()


def test_small_numbers_are_hidden_and_cannot_be_worked_out():
    # One small place takes the smallest other with it; a place with nobody is shown as such.
    assert hidden([5, 40, 30, 0], [0, 0, 0, 0])[0] == [True, False, True, False]
    # Two small places hide each other.
    assert hidden([5, 40, 6, 0], [0, 0, 0, 0])[0] == [True, False, True, False]
    # Nothing is small: nothing is hidden.
    assert hidden([10, 40, 30, 0], [10, 20, 15, 0])[0] == [False] * 4
    # One medicine is small, or what is left without it: that row is hidden, the sum is not.
    every, one = hidden([50, 60, 70], [4, 55, 20])
    assert every == [False] * 3
    assert one == [True, True, False]
    # Each total is guarded by itself.
    every, _ = hidden([5, 40, 30, 50], [0, 0, 0, 0], ["a", "a", "b", "b"])
    assert every == [True, True, False, False]


def test_where_the_sum_is_hidden_each_part_is():
    # The sum of the first is small; one medicine is given to nobody, and would say so.
    every, one = hidden([5, 40, 30], [0, 20, 15])
    assert every == [True, False, True]
    assert one[0]
    assert one[2]


def test_a_medicine_cannot_be_worked_out_from_the_others_of_its_quarter():
    months = ["2026-01", "2026-02", "2026-03"]
    given = quantities(
        *[(month, "RZ1", "thinner capsules", 6000.0) for month in months],
        *[(month, "RZ1", "thicker tablets", 900.0) for month in months],
    )
    table = medicines.by_quarter(medicines.treated_days(given, DOSES)).set_index("group")
    assert table["suppressed"].to_dict() == {"all": False, "thinner": True, "thicker": True}
    assert table["estimate"].notna().to_dict() == {"all": True, "thinner": False, "thicker": False}


def lists(**people):
    """Catchments by list of centres: A=dict(X=104) and so on, the same number on every medicine."""
    rows = [
        {"centre_list": name, "centre": centre, "measure": measure, "scenario": scenario}
        | dict.fromkeys(("estimate", "low", "high"), 1.0 if scenario == "all" else value)
        | {"suppressed": False}
        for name, centres in people.items()
        for centre, value in centres.items()
        for measure, scenario in (
            (medicines.EXPECTED, "all"),
            *((m, s) for m in (medicines.TREATED, medicines.RATIO) for s in ("every", "one")),
        )
    ]
    table = pd.DataFrame(rows).replace({"every": medicines.EVERY, "one": medicines.ONE})
    out = medicines.between_lists(table)
    assert out.loc[out["measure"] == medicines.EXPECTED, "estimate"].notna().all()
    out = out[out["measure"] != medicines.EXPECTED]
    assert (out["estimate"].isna() >= out["suppressed"].astype(bool)).all()
    shown = out[out["estimate"].notna()]
    return {name: sorted(set(rows["centre"])) for name, rows in shown.groupby("centre_list")}


def test_small_numbers_cannot_be_worked_out_between_the_lists_of_centres():
    # Four people pass from X to Y when Y joins the list, and Z is hidden beside Y.
    shown = lists(A={"X": 104, "V": 300, "Z": 50}, AB={"X": 100, "V": 300, "Y": np.nan, "Z": 50})
    assert shown == {"A": ["V", "X", "Z"], "AB": ["V", "Z"]}
    # A lone hidden centre takes the smallest other of its list with it.
    shown = lists(A={"X": 104, "V": 300, "Z": 50}, AB={"X": 100, "V": 300, "Z": 54.5})
    assert shown == {"A": ["V", "X", "Z"], "AB": ["V"]}
    shown = lists(A={"X": 104, "V": 300, "Z": 50}, AB={"X": 100, "V": 300, "Z": 70})
    assert shown == {"A": ["V", "X", "Z"], "AB": ["V"]}
    # No difference, or one of ten and more, hides nothing.
    shown = lists(A={"X": 104, "V": 300}, AB={"X": 90, "V": 300, "Y": 14})
    assert shown == {"A": ["V", "X"], "AB": ["V", "X", "Y"]}


def test_ratios_by_hand_with_their_far_ends():
    given = quantities(
        ("2026-04", "RZ1", "thinner capsules", 6000.0),
        ("2026-04", "RZ2", "thicker tablets", 8100.0),
    )
    days = medicines.treated_days(given, DOSES)
    expected = pd.DataFrame(
        {
            "group": ["north", "south", "west"],
            "estimate": [400.0, 100.0, 50.0],
            "low": [200.0, 50.0, 25.0],
            "high": [500.0, 200.0, 100.0],
        }
    )
    place = pd.Series({"RZ1": "north", "RZ2": "south"})
    table = medicines.against_expected(days, ["2026-04"], place, expected, {})
    rows = table.set_index(["measure", "scenario", "group"])[["estimate", "low", "high"]]
    # 100 people in the north, 125 at the lower dose; expected 400, 200 to 500.
    assert rows.loc[(medicines.TREATED, medicines.EVERY, "north")].tolist() == [100, 100, 125]
    assert rows.loc[(medicines.RATIO, medicines.EVERY, "north")].tolist() == [25, 20, 62.5]
    # 30 people in the south on the medicine for one disease, 45 at the lower dose.
    south = rows.loc[(medicines.RATIO, medicines.ONE, "south")].tolist()
    assert south == pytest.approx([30, 15, 90])
    assert rows.loc[(medicines.RATIO, medicines.ONE, "north"), "estimate"] == 0
    assert rows.loc[(medicines.TREATED, medicines.EVERY, "west"), "estimate"] == 0
    assert not table["suppressed"].any()


# --- Places, and the chapter ----------------------------------------------------------------------


def invented_folder(folder, per_month=90_000.0, months=12):
    """A folder of invented months that end in July 2026, and the invented list of trusts."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = pd.period_range(end="2026-07", periods=months, freq="M").strftime("%Y%m")
    for place, month in enumerate(ends):
        rows = [
            ("RZ1", NINTEDANIB, per_month / 3),
            ("RZ2", NINTEDANIB, per_month / 3),
            ("RZ2", PIRFENIDONE, per_month),
            ("RZ3", NINTEDANIB, -50.0 if place == 5 else per_month / 30),
            ("RZ9", NINTEDANIB, 100.0),
            ("RZ9", "Nintedanib 25mg capsules", 60.0),
        ]
        rows = [row for row in rows if not (row[0] == "RZ1" and place == 3)]
        name = f"scmd_{'final' if place < 8 else 'provisional'}_{month}.csv"
        make = new_file if place > 9 else old_file
        (folder / name).write_text(make(month, rows))
    (folder / "etr.csv").write_text(trusts_file(TRUSTS))
    return folder


def test_trusts_are_put_into_their_region_and_board(tmp_path):
    from distance_to_care import care_boards

    folder = invented_folder(tmp_path)
    where = medicines.located(
        medicine_files.read("hospital_trusts", folder),
        tables.read("postcodes"),
        tables.read("areas"),
        care_boards.edition(tables.read("care_boards")),
    ).set_index("trust_code")
    assert where["region"].tolist()[:3] == ["North East", "Yorkshire and The Humber", "North West"]
    assert where["board"].iloc[1] == "West Yorkshire"
    assert where.loc["RZ9"].isna().all()


CHAPTER = places.NOTEBOOKS / "treated_against_expected.ipynb"


def run_chapter(monkeypatch, tmp_path, folder):
    """Run the code of the chapter in this process, with its own results and these files."""
    root = tmp_path / "results"
    (root / "expected_patients").mkdir(parents=True)
    shutil.copy(places.ACCEPTED / "expected_patients.csv", root / "expected_patients")
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(folder))
    monkeypatch.setenv(places.RESULTS_VARIABLE, str(root))
    names: dict = {}
    for source in Notebook(CHAPTER).code:
        exec(compile(source, CHAPTER.name, "exec"), names)
    return names["page"]


def test_the_chapter_without_data_says_so_and_nothing_fails(monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    page = run_chapter(monkeypatch, tmp_path, tmp_path / "empty")
    texts = page.numbers().set_index("key")["text"]
    assert "No data on hospital medicines have been supplied" in texts["treated.answer"]
    # A model with a range this wide is told to the nearest thousand.
    told = re.fullmatch(r"(\d+,000) \((\d+,000) to (\d+,000)\)", texts["treated.expected"])
    england = page.read("treated_places").query("group_by == 'all'").iloc[0]
    for rounded, end in zip(told.groups(), ("estimate", "low", "high"), strict=True):
        assert abs(int(rounded.replace(",", "")) - england[end]) <= 500
    table = page.read("treated_places")
    assert set(table["measure"]) == {medicines.EXPECTED}
    assert set(table["group_by"]) == {"all", "region", "board"}
    assert table["note"].str.contains(medicines.NOT_SUPPLIED).all()
    assert (page.read("treated_catchments")["note"] == medicines.NOT_SUPPLIED).all()
    figure = page.manifest["figures"]["treated_by_region"]
    assert "not yet supplied" in figure["title"]


def test_the_chapter_with_invented_data_runs_fully(monkeypatch, tmp_path, official_folder):
    folder = invented_folder(tmp_path / "data")
    for path in official_folder.iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    page = run_chapter(monkeypatch, tmp_path, folder)
    status = page.read("treated_status").set_index("measure")
    assert status.loc["months of hospital medicines", "note"] == "August 2025 to July 2026"
    assert status.loc["final months, which no longer change", "estimate"] == 8
    assert status.loc["trusts that issued these medicines, place not known", "note"] == "RZ9"
    assert status.loc["months in which a trust has no row between others", "estimate"] == 1
    assert status.loc["rows in which more came back than went out", "estimate"] == 1
    left_out = status.loc["products without a dose, left out", "note"]
    assert left_out == "nintedanib 25mg capsules"
    # England by hand: 365 days; capsules of nintedanib over 2, tablets of pirfenidone over 9.
    capsules = 30_000 * (11 + 12) + 3_000 * 11 - 50 + 100 * 12
    people = (capsules / 2 + 90_000 * 12 / 9) / 365
    table = page.read("treated_places")
    england = table[table["group_by"] == "all"].set_index(["measure", "scenario"])["estimate"]
    assert england[(medicines.TREATED, medicines.EVERY)] == pytest.approx(people)
    assert england[(medicines.RATIO, medicines.EVERY)] == pytest.approx(
        100 * people / england[(medicines.EXPECTED, "all")]
    )
    assert f"{people:,.0f} people" in page.numbers().set_index("key").loc["treated.answer", "text"]
    treated = table[
        (table["measure"] == medicines.TREATED) & (table["scenario"] == medicines.EVERY)
    ]
    regions = treated[treated["group_by"] == "region"].set_index("group")["estimate"]
    assert regions["Yorkshire and The Humber"] == pytest.approx(
        (30_000 * 12 / 2 + 90_000 * 12 / 9) / 365
    )
    assert regions["London"] == 0
    # Region by region it is England, less the trust whose place is not known.
    assert regions.sum() == pytest.approx(people - 100 * 12 / 2 / 365)
    catchments = page.read("treated_catchments")
    assert set(catchments["centre_list"]) == {"A", "AB", "ABC"}
    for _, rows in catchments[catchments["measure"] == medicines.EXPECTED].groupby("centre_list"):
        assert rows["estimate"].sum() == pytest.approx(england[(medicines.EXPECTED, "all")])
    here = catchments[
        (catchments["measure"] == medicines.TREATED)
        & (catchments["scenario"] == medicines.EVERY)
        & (catchments["centre_list"] == "AB")
    ].set_index("centre")
    assert here.loc["Royal Victoria Infirmary", "estimate"] == pytest.approx(regions["North East"])
    quarters = page.read("treated_quarters")
    assert quarters["level"].unique().tolist() == ["2025 Q4", "2026 Q1", "2026 Q2"]
    figure = page.manifest["figures"]["treated_by_region"]
    assert "every 100 expected" in figure["title"]


def test_no_small_number_of_people_is_published(monkeypatch, tmp_path):
    folder = invented_folder(tmp_path / "data", per_month=2_000.0)
    page = run_chapter(monkeypatch, tmp_path, folder)
    table = page.read("treated_places")
    people = table[(table["measure"] == medicines.TREATED) & (table["group_by"] != "all")]
    shown = people["estimate"].dropna()
    assert not ((shown > 0) & (shown < medicines.THRESHOLD)).any()
    # Hidden are a number of people and its ratio, with both ends of their ranges.
    hidden_rows = table[table["suppressed"].astype(bool)]
    assert len(hidden_rows) >= 4
    assert hidden_rows[["estimate", "low", "high"]].isna().all(axis=None)
    both = table[table["scenario"] == medicines.EVERY]
    count = both[both["group_by"] == "region"].groupby("measure")["suppressed"].sum()
    assert count[medicines.TREATED] == count[medicines.RATIO] >= 2
    assert not np.isfinite(
        table.loc[table["suppressed"].astype(bool), "estimate"].to_numpy(float)
    ).any()


def test_without_a_list_of_trusts_england_is_told_alone(monkeypatch, tmp_path):
    folder = invented_folder(tmp_path / "data")
    (folder / "etr.csv").unlink()
    page = run_chapter(monkeypatch, tmp_path, folder)
    table = page.read("treated_places")
    assert set(table.loc[table["measure"] == medicines.TREATED, "group_by"]) == {"all"}
    status = page.read("treated_status").set_index("measure")
    assert status.loc["trusts on the list of trusts", "note"] == medicines.NOT_SUPPLIED
    assert "not yet supplied" in page.manifest["figures"]["treated_by_region"]["title"]
