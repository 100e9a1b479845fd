"""The descriptor meets the Frictionless standard, judged by its own reference software."""

import json
import time

import pytest
from frictionless import Package

from distance_to_care import places, results, tables

RESOURCES = tables.descriptor()["resources"]
TEXT = [entry["name"] for entry in RESOURCES if not entry["path"].endswith(".parquet")]


@pytest.fixture(scope="module")
def package() -> Package:
    # A descriptor that breaks the standard fails here.
    return Package(str(places.DESCRIPTOR))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", TEXT)
def test_every_text_file_is_what_its_schema_says(package, name):
    report = package.get_resource(name).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type"])[:5]


@pytest.mark.parametrize("entry", RESOURCES, ids=lambda entry: entry["name"])
def test_every_file_has_its_provenance(entry):
    assert entry["kind"] in {*results.BANNERS, "assumed"}
    assert entry["title"]
    assert entry["description"]
    assert entry["sources"]
    assert all(source.get("title") for source in entry["sources"])
    assert entry["licenses"]
    assert entry["created"]
    assert entry["hash"].startswith("sha256:")
    for field in entry.get("schema", {}).get("fields", []):
        assert field.get("description") or field.get("title"), field["name"]


@pytest.mark.parametrize("name", [n for n in TEXT if not n.endswith(("parameters", "files"))])
def test_our_own_reader_accepts_it_too(name):
    assert len(tables.read(name))


def test_parquet_files_are_read_and_checked_by_our_own_reader():
    # The reference software takes minutes for the travel matrix; tests/slow has it judge that too.
    # Wales has 1,909 areas; every other table has about as many rows as England has areas, or more.
    welsh = {"wales_areas", "wales_travel_minutes"}
    started = time.monotonic()
    for entry in RESOURCES:
        if entry["path"].endswith(".parquet"):
            rows = len(tables.read(entry["name"]))
            if entry["name"] in welsh:
                assert rows == 1_909
            else:
                assert rows > (20_000 if entry["name"] == "boundaries" else 30_000)
    assert time.monotonic() - started < 30


def test_a_broken_row_is_found_by_both(tmp_path):
    entry = next(e for e in RESOURCES if e["name"] == "centres_ild")
    text = (places.DATA / entry["path"]).read_text(encoding="utf-8")
    (tmp_path / entry["path"]).write_text(text.replace(",A,", ",Z,", 1), encoding="utf-8")
    broken = {**entry}
    broken.pop("hash")
    broken.pop("bytes", None)
    path = tmp_path / "datapackage.json"
    path.write_text(json.dumps({"name": "broken", "resources": [broken]}))
    assert not Package(str(path)).validate().valid
    with pytest.raises(ValueError, match="certainty"):
        tables.read("centres_ild", path)
