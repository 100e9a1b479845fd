"""A site of other people's data leaves pages out: what other pages quote of them is told so."""

from __future__ import annotations

import pandas as pd
import pytest

from distance_to_care import places, results
from distance_to_care.publication import build, notebooks
from distance_to_care.publication.extension import Published


@pytest.fixture
def nothing_published(tmp_path):
    (tmp_path / "manifest.json").write_text('{"tables": {}, "figures": {}, "pages": {}}')
    accepted = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    accepted.head(0).to_csv(tmp_path / "numbers.csv", index=False)
    return tmp_path


def test_numbers_of_pages_that_are_left_out_are_known_and_no_others(nothing_published):
    accepted = pd.read_csv(places.ACCEPTED / "numbers.csv", dtype=str, keep_default_na=False)
    of_page = set(accepted.loc[accepted["page"] == "natural_experiment", "key"])
    assert len(of_page) > 20
    assert Published(nothing_published, ["natural_experiment"]).not_of_this_site == of_page
    # The book's own site leaves nothing out, so that a wrong key there is a fault as before.
    assert Published(nothing_published).not_of_this_site == set()


def test_pages_about_another_study_are_known_by_their_metadata():
    pages = [notebooks.Notebook(places.ROOT / f"{name}.ipynb") for name in build.contents()
             if "notebooks/" in name]  # fmt: skip
    studies = {page.name: page.study for page in pages if page.study}
    assert studies["survival_by_deprivation"] == "ipf"
    assert studies["sma_register"] == "sma"
    assert not any(page.synthetic_only for page in pages if page.study)
