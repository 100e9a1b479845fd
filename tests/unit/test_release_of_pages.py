"""A release of what pages published: the waist, the gate and the release in one line."""

import pandas as pd

from distance_to_care import disclosure, releasing, results, tables
from distance_to_care.command_line import run_record

SOURCE = "c" * 64


def counted() -> pd.DataFrame:
    """Two hundred invented people in five fifths, one of them small."""
    people = [200, 60, 50, 45, 38, 7]
    groups = ["all", "1", "2", "3", "4", "5"]
    return pd.DataFrame(
        {
            "measure": "people",
            "group_by": "deprivation_quintile",
            "group": groups,
            "people": people,
            "estimate": [100 * count / 200 for count in people],
            "unit": "per cent",
        }
    )


def test_what_a_page_published_is_released_with_its_receipt(tmp_path):
    page = results.Page("who", sources=["cohort"], root=tmp_path / "pages")
    page.publish(counted(), "who_by_fifth", "People by fifth", kind="registry")
    page.number("who.all", "who_by_fifth", "{people:,}", column="people", group="all")
    work = results.merge(["who"], tmp_path / "pages", tmp_path / "work")
    study = tables.read_study()
    record = run_record.record(
        study, 200, "registry", disclosure.DEFAULT, SOURCE, "2026-05-31T00:00:00+00:00", {"who": 1}
    )
    run_record.write(work, record)
    done = releasing.release(work, tmp_path / "release", first=True, date="2026-05-31")
    assert releasing.faults(done.folder) == []
    said = releasing.read(done.folder)
    assert said["people"] == "200 to 204"
    assert said["study"]["sha256"] == tables.study_content(study)[1]
    entry = said["files"]["tables/who_by_fifth.csv"]
    assert entry["receipt"]["shape"] == "counts"
    assert entry["receipt"]["people"] == "200 to 204"
    assert entry["numbers"] == 1
    text = (done.folder / "tables" / "who_by_fifth.csv").read_text()
    released = pd.read_csv(done.folder / "tables" / "who_by_fifth.csv")
    assert released["people"].dropna().min() >= 10
    assert (released["people"].dropna() % 5 == 0).all()
    assert released["people"].isna().sum() >= 2
    assert ",7," not in text
