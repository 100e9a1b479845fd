"""A site from other people's data: into a folder of their own, with their banner."""

import subprocess
import sys

import pandas as pd

from distance_to_care import places, results


def test_a_registry_extract_gets_its_own_site(tmp_path):
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv")
    extract = people.drop(columns="record_kind")
    extract["person_id"] = [f"canary_{i}" for i in range(len(extract))]
    file, output = tmp_path / "extract.parquet", tmp_path / "site"
    extract.to_parquet(file)
    before = {p: p.read_bytes() for p in places.ACCEPTED.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "distance_to_care", "build", "--cohort", file,
         "--kind", "registry", "--output", output],
        cwd=places.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
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
    assert {p: p.read_bytes() for p in places.ACCEPTED.iterdir()} == before
