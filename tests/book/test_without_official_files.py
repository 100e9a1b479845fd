"""Without official files the book still says what it said, and says where that came from."""

from distance_to_care import results


def test_accepted_tables_are_drawn_again_with_their_date(build_without_official_files):
    assert build_without_official_files.done.returncode == 0, build_without_official_files.done
    assert build_without_official_files.differences() == []
    folder = build_without_official_files.site / "notebooks"
    page = (folder / "travel_to_specialist_centres.html").read_text("utf-8")
    date = results.accepted_manifest()["tables"]["travel_by_decile"]["accepted_on"]
    assert f"Redrawn from tables accepted on {date}" in page
