"""A table of the descriptor is read once a process, and read again where its file has changed."""

import json
import os

import pandas as pd
import pytest

from distance_to_care import places, tables


@pytest.fixture
def descriptor(tmp_path, monkeypatch):
    (tmp_path / "few.csv").write_text("place,minutes\nLeeds,30\nYork,40\n")
    fields = [{"name": "place", "type": "string"}, {"name": "minutes", "type": "integer"}]
    few = {"name": "few", "path": "few.csv", "kind": "open", "schema": {"fields": fields}}
    path = tmp_path / "datapackage.json"
    path.write_text(json.dumps({"name": "small", "resources": [few]}))
    monkeypatch.setattr(places, "DESCRIPTOR", path)
    monkeypatch.setattr(tables, "_KEPT", {})
    return path


@pytest.fixture
def reads(monkeypatch):
    """The files that are read, each as often as it is."""
    found, read = [], tables._read_table

    def counted(file, *arguments, **others):
        found.append(file.name)
        return read(file, *arguments, **others)

    monkeypatch.setattr(tables, "_read_table", counted)
    return found


def test_a_table_is_read_once_and_is_everybodys_own(descriptor, reads):
    first = tables.read("few")
    first.loc[0, "minutes"] = 0
    first["new"] = 1
    second = tables.read("few")
    assert reads == ["few.csv"]
    assert second["minutes"].tolist() == [30, 40]
    assert list(second) == ["place", "minutes"]
    assert second.attrs == first.attrs == {
        "kind": "open", "resource": "few", "columns_left_behind": 0
    }  # fmt: skip


def test_what_has_changed_is_read_again(descriptor, reads):
    tables.read("few")
    file = descriptor.with_name("few.csv")
    told = file.stat()
    # As long as before, and a moment later.
    file.write_text("place,minutes\nLeeds,31\nYork,40\n")
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    assert tables.read("few")["minutes"].tolist() == [31, 40]
    words = descriptor.read_text().replace('"integer"', '"number"')
    descriptor.write_text(words)
    assert pd.api.types.is_float_dtype(tables.read("few")["minutes"])
    assert reads == ["few.csv"] * 3


def test_few_tables_are_kept_and_no_long_one(descriptor, reads, monkeypatch):
    monkeypatch.setattr(tables, "_MOST_KEPT_ROWS", 1)
    tables.read("few")
    tables.read("few")
    assert reads == ["few.csv"] * 2
    assert not tables._KEPT
    monkeypatch.setattr(tables, "_MOST_KEPT_ROWS", 2)
    monkeypatch.setattr(tables, "_MOST_KEPT", 1)
    tables._KEPT["another"] = pd.DataFrame()
    tables.read("few")
    assert "another" not in tables._KEPT
    assert len(tables._KEPT) == 1


def test_an_official_file_is_read_once_and_is_everybodys_own(official_folder, monkeypatch):
    from distance_to_care import official

    found, read = [], official.read
    monkeypatch.setattr(tables, "_KEPT", {})
    monkeypatch.setattr(official, "read", lambda name, path: found.append(name) or read(name, path))
    first = tables.official("imd_2019")
    first["imd_decile"] = 0
    again = tables.official("imd_2019")
    assert found == ["imd_2019"]
    assert again["imd_decile"].nunique() == 10
    assert again.attrs == {"kind": "open", "resource": "imd_2019"}
