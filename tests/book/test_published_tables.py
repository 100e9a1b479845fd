"""The back test: what the notebooks published in this run is what was accepted."""

import json

from distance_to_care import disclosure, places, results
from distance_to_care.publication import build


def pages() -> list[str]:
    return [name.removeprefix("notebooks/") for name in build.contents() if "notebooks/" in name]


def test_every_notebook_runs_from_a_clean_kernel(nbval):
    assert nbval.done.returncode == 0, nbval.done.stdout[-5000:]
    assert " passed" in nbval.done.stdout


def merged(tmp_path):
    return results.merge(pages(), places.NBVAL, tmp_path / "merged")


def test_the_notebooks_published_what_was_accepted(nbval, tmp_path):
    assert results.compare(merged(tmp_path)) == []


def test_the_build_publishes_the_same(site):
    assert results.compare(places.BUILD / "results" / "_merged") == []


def test_every_accepted_table_is_described(site):
    manifest = results.accepted_manifest()
    for name, entry in manifest["tables"].items():
        assert (places.ACCEPTED / f"{name}.csv").exists()
        assert entry["kind"] in results.BANNERS
        assert set(entry["columns"]) <= set(results.COLUMNS)
        assert entry["accepted_on"]
    assert len(manifest["tables"]) == len(list(places.ACCEPTED.glob("*.csv"))) - 1


def test_no_small_count_stands_in_an_accepted_table_about_people():
    for name, entry in results.accepted_manifest()["tables"].items():
        if entry["kind"] not in disclosure.PERSON_KINDS:
            continue
        table = results.read_published(places.ACCEPTED / f"{name}.csv", name)
        for column in set(disclosure.COUNT_COLUMNS) & set(table):
            counts = table[column].dropna()
            assert (counts >= disclosure.DEFAULT.threshold).all(), f"{name}.{column}"
            assert (counts % disclosure.DEFAULT.round_to == 0).all(), f"{name}.{column}"


def test_no_synthetic_number_is_on_the_home_page(site):
    home = (places.BOOK / "index.md").read_text(encoding="utf-8")
    numbers = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    about_people = numbers[numbers["kind"].isin(disclosure.PERSON_KINDS)]["key"]
    assert len(about_people)
    assert not [key for key in about_people if f"`{key}`" in home]


def test_the_manifest_of_the_site_names_what_is_there(site):
    manifest = json.loads((site / "downloads" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["tables"]
    for name, entry in manifest["tables"].items():
        table = (site / "downloads" / f"{name}.csv").read_text(encoding="utf-8")
        assert len(table.splitlines()) == entry["rows"] + 1
        about = json.loads((site / "downloads" / f"{name}.json").read_text(encoding="utf-8"))
        assert set(about["columns"]) == set(table.splitlines()[0].split(","))
    for name in manifest["figures"]:
        assert (site / "downloads" / f"{name}.svg").exists()
