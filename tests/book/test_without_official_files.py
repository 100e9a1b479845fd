"""Without official files the book still says what it said, and says where that came from."""

import os
import subprocess
import sys

from distance_to_care import places, results


def test_accepted_tables_are_drawn_again_with_their_date(tmp_path):
    empty = tmp_path / "no-official-files"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-c",
         "from pathlib import Path\n"
         "from distance_to_care import places\n"
         "from distance_to_care.publication.build import Folders, book\n"
         f"book(Folders(Path({str(tmp_path / 'build')!r})), print)"],
        cwd=places.ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {places.OFFICIAL_VARIABLE: str(empty)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert results.compare(tmp_path / "build" / "results" / "_merged") == []
    site = tmp_path / "build" / "html"
    page = (site / "notebooks" / "travel_to_specialist_centres.html").read_text("utf-8")
    date = results.accepted_manifest()["tables"]["travel_by_decile"]["accepted_on"]
    assert f"Redrawn from tables accepted on {date}" in page
