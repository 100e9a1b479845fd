"""A site from other people's data: into a folder of their own, with their banner."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from background import accepted

from distance_to_care import places, results


# `make test` compares every notebook with the accepted tables, and the command with an extract.
@pytest.mark.slow
def test_analyse_writes_the_accepted_tables_without_a_book(analysed):
    assert analysed.done.returncode == 0, analysed.done.stderr
    manifest = json.loads((analysed.results / "manifest.json").read_text())
    assert "synthetic_survival_by_deprivation_models" in manifest["tables"]
    for name, entry in manifest["tables"].items():
        # What a chapter derives from published figures, or from assumptions, is of that kind.
        assert entry["kind"] in {"synthetic", "published", "scenario"}
        assert (entry["kind"] == "synthetic") == name.startswith("synthetic_")
        accepted_table = places.ACCEPTED / f"{name}.csv"
        assert (analysed.results / f"{name}.csv").read_text() == accepted_table.read_text()


def test_an_extract_gives_results_of_its_kind_and_no_row(analysed_extract):
    found, out = analysed_extract.done, analysed_extract.results
    assert found.returncode == 0, found.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    # What a chapter derives from published figures for its opening is published, whoever it is for.
    kinds = {entry["kind"] for entry in manifest["tables"].values()}
    assert {"registry"} <= kinds <= {"registry", "published", "scenario"}
    everything = "".join(p.read_text() for p in out.iterdir())
    assert "canary" not in everything + found.stdout + found.stderr


def test_the_headline_table_has_every_model_exposure_and_level(analysed_extract):
    table = pd.read_csv(analysed_extract.results / "ipf_hazard_ratios.csv")
    assert {"model", "exposure", "level", "reference", "hazard_ratio", "ci_low", "ci_high",
            "people", "deaths", "kind"} <= set(table)  # fmt: skip
    assert set(table["model"]) == {"unadjusted", "age_sex", "joint", "as_published"}
    rows = table.groupby(["exposure", "reference"])["level"].agg(lambda levels: sorted(set(levels)))
    assert rows["deprivation_quintile", 5] == [1, 2, 3, 4]
    assert rows["distance_quintile", 1] == [2, 3, 4, 5]
    assert len(table) == 32


def test_results_of_another_kind_are_not_replaced(analysed_extract):
    out = analysed_extract.results
    before = {p: p.read_bytes() for p in out.iterdir()}
    cohort = places.DATA / "synthetic" / "synthetic_ipf.csv"
    command = [sys.executable, "-m", "distance_to_care", "analyse", cohort, "--output", out]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "never stand side by side" in found.stderr
    assert {p: p.read_bytes() for p in out.iterdir()} == before


def test_no_progress_bar_where_there_is_no_terminal(analysed_extract):
    found = analysed_extract.done
    assert "\r" not in found.stderr
    assert "\x1b" not in found.stderr


def test_a_registry_extract_gets_its_own_site(build_of_an_extract):
    done, output = build_of_an_extract.done, build_of_an_extract.site.parent
    assert done.returncode == 0, done.stderr
    page = (output / "html" / "notebooks" / "survival_by_distance.html").read_text("utf-8")
    assert results.BANNERS["registry"] in page
    assert results.BANNERS["synthetic"] not in page
    assert "registry people" in page
    # The page about the synthetic cohort says that it is not part of this site.
    about = (output / "html" / "notebooks" / "synthetic_cohort.html").read_text("utf-8")
    assert "not part of a site that was built from other people" in about
    everything = "".join(
        p.read_text("utf-8", errors="ignore") for p in output.rglob("*") if p.is_file()
    )
    assert "canary_" not in everything
    assert accepted(build_of_an_extract.copy) == accepted(places.ROOT)
