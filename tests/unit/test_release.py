"""A release holds what may leave, says what it is, and is refused for everything else."""

import csv
import io
import json
import os
import re
import stat
from unittest import mock

import pytest
import small_release
from hypothesis import given, settings
from hypothesis import strategies as st
from rocrate.rocrate import ROCrate

from distance_to_care import disclosure, places, releasing
from distance_to_care.problems import Problem
from distance_to_care.releasing import (
    content,
    crate,
    further,
    hidden_cells,
    making,
    manifest,
    request_form,
    sealing,
)

DAY = "2026-05-31"


def made(tmp_path, change=None, **options):
    """Release the small work folder, altered by `change`."""
    work = small_release.work_folder(tmp_path / "work", change)
    options = {"date": DAY, "first": "earlier" not in options, **options}
    return releasing.release(work, tmp_path / "release", **options)


def refused(tmp_path, change=None, **options) -> str:
    """The sentences with which the small work folder is refused; nothing is left behind."""
    with pytest.raises(Problem) as raised:
        made(tmp_path, change, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"]
    return str(raised.value)


# ---- What a release holds ------------------------------------------------------------------------


def test_a_release_says_what_it_does_and_how_far_it_is(tmp_path):
    lines = []
    made(tmp_path, progress=lines.append)
    assert lines[0].startswith("Working out what the tables together give away")
    assert re.fullmatch(r"  \d+ withheld counts, 0 of them can be worked out too closely", lines[1])
    assert lines[-1].startswith("Proving it")


def test_a_release_holds_csv_and_json_only(tmp_path):
    made(tmp_path)
    assert sorted(small_release.tree(tmp_path / "release")) == [
        "manifest.json",
        "numbers.csv",
        "request.csv",
        "request.json",
        "ro-crate-metadata.json",
        "study.json",
        "summary.csv",
        "tables",
        "tables/curve.csv",
        "tables/people.csv",
        "tables/published.csv",
    ]


def test_tables_and_numbers_keep_their_bytes(tmp_path):
    made(tmp_path)
    files = small_release.tree(tmp_path / "release")
    assert files["tables/people.csv"].decode() == small_release.PEOPLE
    assert files["tables/curve.csv"].decode() == small_release.CURVE
    assert files["numbers.csv"].decode() == small_release.FILED


def test_the_manifest_says_what_each_file_is(tmp_path):
    made(tmp_path)
    said = releasing.read(tmp_path / "release")
    people = said["files"]["tables/people.csv"]
    text = small_release.PEOPLE.encode()
    assert (people["sha256"], people["bytes"], people["rows"]) == (
        sealing.digest(text),
        len(text),
        5,
    )
    assert (people["kind"], people["page"], people["sources"]) == ("registry", "who", ["cohort"])
    assert people["receipt"] == small_release.receipt()
    assert people["numbers"] == 2
    assert said["files"]["tables/curve.csv"]["figures"] == ["Half live longer"]
    assert said["files"]["numbers.csv"]["tables"] == ["people", "published"]
    assert (said["kind"], said["people"], said["released_on"]) == ("registry", "120 to 124", DAY)
    assert said["software"]["source_sha256"] == small_release.SOURCE
    assert said["study"]["sha256"] == "b" * 64
    assert said["reviewer"] == {"name": "", "decision": "", "date": ""}
    assert said["earlier"] == []
    assert said["first_release"] is True


def test_the_schema_describes_every_part_of_the_manifest(tmp_path):
    made(tmp_path)
    said = releasing.read(tmp_path / "release")
    described = manifest.SCHEMA["properties"]
    assert set(described) == set(said)
    assert all(described[part].get("description") for part in described)


def test_nothing_of_the_run_leaves_but_what_the_manifest_needs(tmp_path):
    def slow(files, work, run):
        run["seconds"] = {"who": 987.654}
        run["python"] = "CanaryPython"

    made(tmp_path, slow)
    for text in small_release.tree(tmp_path / "release").values():
        assert b"987.654" not in text
        assert b"CanaryPython" not in text


def test_the_study_leaves_as_json(tmp_path):
    made(tmp_path)
    study = json.loads((tmp_path / "release" / "study.json").read_text())
    assert study["name"] == "invented"
    assert study["content"]["columns"] == {"smoking": {"type": "string"}}


def test_the_form_answers_every_question_for_every_file(tmp_path):
    made(tmp_path)
    form = json.loads((tmp_path / "release" / "request.json").read_text())
    said = releasing.read(tmp_path / "release")
    assert {row["file"] for row in form["files"]} == set(said["files"])
    for row in form["files"]:
        assert set(row) == set(request_form.COLUMNS)
        assert all(row.values())
    people = next(row for row in form["files"] if row["file"] == "tables/people.csv")
    assert people["people"] == "120 to 124"
    assert (people["smallest_count"], people["rows"]) == ("30", "5")
    assert people["controls"] == "Profile minimum_10; small counts are withheld (kept)"
    assert form["profile"] == {"name": "minimum_10", "numbers": small_release.NUMBERS}
    assert "In the file itself: people, deaths" in people["counts_beneath"]
    published = next(row for row in form["files"] if row["file"] == "tables/published.csv")
    assert published["population"] == "Nobody"


def test_the_table_of_the_form_says_what_its_json_says(tmp_path):
    made(tmp_path)
    form = json.loads((tmp_path / "release" / "request.json").read_text())
    with (tmp_path / "release" / "request.csv").open(newline="") as file:
        blank = {"decision": "", "reason": ""}
        assert list(csv.DictReader(file)) == [row | blank for row in form["files"]]


def summary(folder, part: str = "request") -> dict[str, str]:
    """What a part of the summary of a release says, by its questions."""
    with (folder / "summary.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == part]
    return {row["what"]: row["answer"] for row in rows}


def test_the_summary_says_first_what_a_checker_asks_first(tmp_path):
    def larger_group(files, work, run):
        # A receipt says how many stand behind the largest row, which need not be everybody.
        work["tables"]["people"]["disclosure"]["people"] = "60 to 64"

    made(tmp_path, larger_group)
    said = summary(tmp_path / "release")
    assert said["people"] == "120 to 124, registry"
    assert said["tables"] == "3, of which 2 are about people"
    assert said["smallest count that is shown"] == "10"
    assert said["cells withheld"] == "8"
    numbers = summary(tmp_path / "release", "profile minimum_10")
    assert (numbers["threshold"], numbers["zero is small"]) == ("10", "true")
    assert summary(tmp_path / "release", "columns")["at_risk"] == "What at_risk means"
    assert len(summary(tmp_path / "release", "proved of all tables together")) == 4
    assert "by rounding only" in said["why two totals may differ"]
    assert said["second opinion on cross-tabulations"] == (
        "acro 1.0.2: 1 cross-tabulations, 6 cells, 0 looser"
    )
    with (tmp_path / "release" / "request.csv").open(newline="") as file:
        forms = {row["file"]: row for row in csv.DictReader(file)}
    assert forms["tables/people.csv"]["people"] == "120 to 124"
    assert (forms["tables/people.csv"]["decision"], forms["tables/people.csv"]["reason"]) == (
        "",
        "",
    )


def test_the_summary_says_whether_the_program_changed_after_the_analysis(tmp_path):
    def changed(files, work, run):
        run["software"]["modules_sha256"] = "c" * 64

    made(tmp_path, changed)
    assert "OTHER modules than" in summary(tmp_path / "release")["software"]
    work = small_release.work_folder(tmp_path / "same")
    releasing.release(work, tmp_path / "second", date=DAY, first=True)
    assert summary(tmp_path / "second")["software"].endswith(
        "written by the modules that computed the tables"
    )


def test_the_crate_loads_and_names_software_study_extract_and_results(tmp_path):
    made(tmp_path)
    read = ROCrate(tmp_path / "release")
    run = read.dereference("#run")
    assert run.type == "CreateAction"
    assert run["instrument"]["softwareVersion"] == "0.1.0"
    results = {part.id: part for part in run["result"]}
    text = small_release.PEOPLE.encode()
    assert results["tables/people.csv"]["sha256"] == sealing.digest(text)
    assert {part.id for part in run["object"]} == {"#extract", "study.json"}
    extract = read.dereference("#extract").properties()
    assert set(extract) == {"@id", "@type", "name", "description"}
    assert extract["description"].endswith("120 to 124.")
    assert read.root_dataset["conformsTo"].id == crate.PROCESS_RUN


def test_the_crate_is_one_that_the_library_writes_back_the_same(tmp_path):
    made(tmp_path)
    ROCrate(tmp_path / "release").write(tmp_path / "again")
    before = json.loads((tmp_path / "release" / crate.NAME).read_text())
    after = json.loads((tmp_path / "again" / crate.NAME).read_text())
    by_id = [sorted(each["@graph"], key=lambda entity: entity["@id"]) for each in (before, after)]
    assert by_id[0] == by_id[1]


def test_the_same_work_folder_gives_the_same_bytes(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    one = releasing.release(work, tmp_path / "one", date=DAY, first=True)
    two = releasing.release(work, tmp_path / "two", date=DAY, first=True)
    assert one.digest == two.digest
    assert small_release.tree(tmp_path / "one") == small_release.tree(tmp_path / "two")


def test_the_day_is_named_or_that_of_the_environment_or_today():
    with mock.patch.dict(os.environ, {making.EPOCH_VARIABLE: "86400"}):
        assert making.released_on("2026-05-31") == "2026-05-31"
        assert making.released_on() == "1970-01-02"
    with mock.patch.dict(os.environ):
        os.environ.pop(making.EPOCH_VARIABLE, None)
        assert manifest.is_day(making.released_on())
    for wrong in ("31 May", "2026-5-31", "2026-13-01"):
        with pytest.raises(Problem, match="year-month-day"):
            making.released_on(wrong)


def test_a_reviewer_who_is_asked_is_named_without_a_decision(tmp_path):
    made(tmp_path, reviewer=" A. Checker ")
    said = releasing.read(tmp_path / "release")
    assert said["reviewer"] == {"name": "A. Checker", "decision": "", "date": ""}


def test_synthetic_people_are_named_as_such(tmp_path):
    def synthetic(files, work, run):
        run["record_kind"] = "synthetic"
        for name in ("people", "curve"):
            work["tables"][name]["kind"] = "synthetic"

    made(tmp_path, synthetic)
    assert releasing.read(tmp_path / "release")["kind"] == "synthetic"


# ---- What is refused -----------------------------------------------------------------------------


def without_receipt(files, work, run):
    del work["tables"]["people"]["disclosure"]


def broken_receipt(files, work, run):
    del work["tables"]["people"]["disclosure"]["rules"]


def altered_table(files, work, run):
    files["people.csv"] = files["people.csv"].replace("120", "125", 1)


def looser_profile(files, work, run):
    loose = {**small_release.NUMBERS, "threshold": 6}
    work["tables"]["curve"]["disclosure"]["numbers"] = loose


def broken_numbers(files, work, run):
    work["tables"]["people"]["disclosure"]["numbers"] = {"threshold": 10}


def people_passed_off(files, work, run):
    work["tables"]["people"]["disclosure"]["shape"] = "not about people"


def extra_file(files, work, run):
    files["notes.txt"] = "a note"


def hidden_file(files, work, run):
    files[".cache"] = "something"


def table_missing(files, work, run):
    del files["curve.csv"]


def path_trick(files, work, run):
    work["tables"]["../people"] = work["tables"].pop("people")


def device(files, work, run):
    work["tables"]["nul"] = work["tables"].pop("people")
    files["nul.csv"] = files.pop("people.csv")


def retabled(text):
    return lambda files, work, run: small_release.retable(files, work, "people", text)


def noted(note):
    """The people with a note in every row."""
    head, *rows = small_release.PEOPLE.splitlines()
    cells = ['"' + note.replace('"', '""') + '"'] * len(rows)
    lines = [f"{head},note", *(f"{row},{cell}" for row, cell in zip(rows, cells, strict=True))]
    return retabled("\n".join(lines) + "\n")


REFUSED = {
    "no receipt": (without_receipt, "people.csv has no receipt"),
    "broken receipt": (broken_receipt, "people.csv has a receipt that is not of the form"),
    "broken numbers": (broken_numbers, "people.csv has a receipt that is not of the form"),
    "altered table": (altered_table, "people.csv is not the table that was written"),
    "looser profile": (looser_profile, "curve.csv was checked with a looser profile"),
    "people passed off": (people_passed_off, "people.csv is about people, and its receipt says"),
    "extra file": (extra_file, "notes.txt is in the folder"),
    "hidden file": (hidden_file, ".cache is in the folder"),
    "table missing": (table_missing, "curve.csv is named in manifest.json and is not there"),
    "path trick": (path_trick, "no plain name"),
    "device": (device, "no plain name"),
    "small count": (
        retabled(small_release.PEOPLE.replace("1,60,30", "1,60,5")),
        "'deaths' breaks the rules of its receipt in 1 row: a count below 10",
    ),
    "nought": (
        retabled(small_release.PEOPLE.replace("1,60,30", "1,60,0")),
        "'deaths' breaks the rules of its receipt in 1 row: a count below 10",
    ),
    "not rounded": (
        retabled(small_release.PEOPLE.replace("1,60,30", "1,60,31")),
        "'deaths' breaks the rules of its receipt in 1 row: a count that is no multiple of 5",
    ),
    "half a person": (
        retabled(small_release.PEOPLE.replace("1,60,30", "1,60.5,30")),
        "'people' breaks the rules of its receipt in 1 row: not a whole number",
    ),
    "formula": (noted("=1+1"), "column 'note' holds a formula (1 different cell)"),
    "formula after a space": (noted("  @SUM(A1)"), "column 'note' holds a formula"),
    "wide formula": (noted("＝1+1"), "column 'note' holds a formula"),
    "signed formula": (noted("-2+3+cmd|' /C calc'!A0"), "column 'note' holds a formula"),
    "line break": (noted("one\ntwo"), "column 'note' holds control characters or line breaks"),
    "turned text": (noted("one\u202etwo"), "column 'note' holds control characters"),
    "free text": (noted("word " * 130), "column 'note' holds free text"),
    # 943 476 5919 is the example number that the health service publishes.
    "NHS number": (noted("seen as 943 476 5919"), "column 'note' holds the form of an NHS number"),
    "postcode": (noted("from NR4 7TJ"), "column 'note' holds a postcode"),
    "small area": (noted("E01012345"), "column 'note' holds the code of a small area"),
    "day": (noted("died 2021-03-04"), "column 'note' holds a day"),
    "rows of different lengths": (
        retabled(small_release.PEOPLE + "one,two\n"),
        "rows of different lengths",
    ),
    "unknown profile": (
        lambda files, work, run: run["profile"]["numbers"].update(secret_number=3),
        "run.json names a profile that this version does not know",
    ),
    "second opinion not said": (
        lambda files, work, run: run.update(second_opinion={"library": "acro", "tables": {}}),
        "run.json does not say what the second opinion was",
    ),
    "looser than the second opinion": (
        lambda files, work, run: run["second_opinion"]["tables"]["people"].update(looser=2),
        "The second opinion (acro) withholds cells that these tables show: people.",
    ),
    "people not said": (
        lambda files, work, run: run.update(people=None),
        "run.json does not say people",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_work_folder_is_refused(tmp_path, what):
    change, sentence = REFUSED[what]
    assert sentence in refused(tmp_path, change)


def test_every_reason_is_said_at_once(tmp_path):
    def several(files, work, run):
        without_receipt(files, work, run)
        looser_profile(files, work, run)
        extra_file(files, work, run)

    said = refused(tmp_path, several)
    assert said.count("\n  - ") == 3


def test_a_refusal_never_tells_a_cell(tmp_path):
    said = refused(tmp_path, noted("=CANARY 943 476 5919"))
    assert "CANARY" not in said
    assert "943" not in said


def test_a_stricter_profile_than_the_run_had_is_refused(tmp_path):
    said = refused(tmp_path, profile="minimum_10 threshold=20")
    assert "looser profile than the one asked for (threshold)" in said


def test_a_run_that_was_asked_for_a_stricter_profile_needs_receipts_of_it(tmp_path):
    def stricter(files, work, run):
        run["profile"]["numbers"] = {**small_release.NUMBERS, "round_to": 10}

    assert "looser profile than the one asked for (round_to)" in refused(tmp_path, stricter)


def test_a_file_with_too_many_rows_is_refused(tmp_path):
    row = "Somebody 2020,1.39,,hazard ratio,published\n"

    def long(rows):
        head = small_release.PUBLISHED.splitlines()[0] + "\n"
        text = head + "Somebody 2020,1.39,7,hazard ratio,published\n" + row * (rows - 1)
        return lambda files, work, run: small_release.retable(files, work, "published", text)

    assert "more than 5,000 rows" in refused(tmp_path, long(5001))
    fits = small_release.work_folder(tmp_path / "fits", long(5000))
    assert releasing.release(fits, tmp_path / "release", first=True)


def test_a_file_of_more_than_sixteen_megabytes_is_refused():
    rows = [["a"], ["b"]]
    assert not content.limits(b"x" * 16_000_000, rows, "f.csv")
    assert "16 megabytes" in content.limits(b"x" * 16_000_001, rows, "f.csv")[0]


def test_a_number_that_no_released_table_holds_is_refused(tmp_path):
    def glued(files, work, run):
        files["numbers.csv"] += "one.death,3,,people,registry,people,who\n"

    def foreign(files, work, run):
        files["numbers.csv"] += "odd,1,,people,registry,raw,who\n"

    assert "one number comes with a value that the released table does not hold" in refused(
        tmp_path, glued
    )
    work = small_release.work_folder(tmp_path / "other", foreign)
    with pytest.raises(Problem, match="one number comes with a value from a table that is not"):
        releasing.release(work, tmp_path / "release", first=True)


def test_a_table_that_is_not_about_people_may_hold_small_numbers(tmp_path):
    made(tmp_path)
    assert b",7," in (tmp_path / "release" / "tables" / "published.csv").read_bytes()


def test_registry_and_synthetic_people_never_leave_together(tmp_path):
    def both(files, work, run):
        work["tables"]["curve"]["kind"] = "synthetic"

    assert "registry and about synthetic people" in refused(tmp_path, both)


def test_a_symbolic_link_is_never_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "curve.csv").write_text(small_release.CURVE)
    work = small_release.work_folder(tmp_path / "work")
    (work / "curve.csv").unlink()
    (work / "curve.csv").symlink_to(secret / "curve.csv")
    with pytest.raises(Problem, match="curve.csv is a symbolic link"):
        releasing.release(work, tmp_path / "release", first=True)
    (tmp_path / "link").symlink_to(work)
    with pytest.raises(Problem, match="is not a folder"):
        releasing.release(tmp_path / "link", tmp_path / "release", first=True)
    assert not (tmp_path / "release").exists()


def test_a_pipe_is_no_plain_file(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    os.mkfifo(work / "pipe.csv")
    with pytest.raises(Problem, match=r"pipe.csv is no plain file"):
        releasing.release(work, tmp_path / "release", first=True)


def test_a_folder_in_the_work_folder_is_refused(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    (work / "more").mkdir()
    with pytest.raises(Problem, match="more is a folder that does not belong here"):
        releasing.release(work, tmp_path / "release", first=True)


def test_an_existing_release_is_never_touched(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    for name, make in (
        ("folder", lambda path: path.mkdir()),
        ("file", lambda path: path.write_text("mine")),
        ("dangling", lambda path: path.symlink_to(tmp_path / "nowhere")),
    ):
        make(tmp_path / name)
        with pytest.raises(Problem, match="exists. A release is never written over"):
            releasing.release(work, tmp_path / name, first=True)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_release_has_a_place_of_its_own(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    with pytest.raises(Problem, match="inside the work folder"):
        releasing.release(work, work / "release", first=True)
    with pytest.raises(Problem, match="does not exist. Make it first"):
        releasing.release(work, tmp_path / "no" / "release", first=True)
    with pytest.raises(Problem, match="a name of its own"):
        releasing.release(work, tmp_path / "..", first=True)


def test_registry_data_never_enter_the_repository(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    # Also where the way there is a symbolic link.
    (tmp_path / "link").symlink_to(places.ROOT)
    for target in (places.ROOT / "release_of_a_test", tmp_path / "link" / "release_of_a_test"):
        with pytest.raises(Problem, match="inside the repository"):
            releasing.release(work, target, first=True)
        assert not target.exists()


def test_a_work_folder_without_the_record_of_its_run_is_refused(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    (work / "run.json").unlink()
    with pytest.raises(Problem, match="no run.json: run 'distance-to-care analyse' first"):
        releasing.release(work, tmp_path / "release", first=True)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"tables": 3}', '{"tables": {"a": 1}}', "\udcff"])
def test_a_broken_manifest_is_a_sentence(tmp_path, text):
    work = small_release.work_folder(tmp_path / "work")
    (work / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Problem):
        releasing.release(work, tmp_path / "release", first=True)


@pytest.mark.parametrize("key", ["title", "kind", "page", "sources", "columns"])
def test_a_manifest_that_says_too_little_is_a_sentence(tmp_path, key):
    def silent(files, work, run):
        del work["tables"]["curve"][key]

    assert f"manifest.json does not say tables/curve/{key}." in refused(tmp_path, silent)


def test_a_reviewer_has_a_name_that_can_be_printed(tmp_path):
    for name in ("A\nB", "\udcff", "\u202eA"):
        with pytest.raises(Problem, match="cannot be printed"):
            releasing.release(tmp_path / "work", tmp_path / "r", first=True, reviewer=name)


def test_a_title_may_not_become_a_formula_in_the_form(tmp_path):
    def titled(files, work, run):
        work["tables"]["people"]["title"] = '=HYPERLINK("http://somewhere")'

    assert "request.csv: column 'title' holds a formula" in refused(tmp_path, titled)


# ---- Withheld cells and earlier releases ---------------------------------------------------------


def one_hidden(files, work, run):
    """One of two groups is withheld, and the total gives it back: nobody to four people."""
    head = small_release.PEOPLE.splitlines()[0]
    rows = [
        "people,deprivation_quintile,all,120,,100,per cent,registry,false",
        "people,deprivation_quintile,1,120,,100,per cent,registry,false",
        "people,deprivation_quintile,2,,,,per cent,registry,true",
    ]
    small_release.retable(files, work, "people", "\n".join([head, *rows]) + "\n")
    files["numbers.csv"] = (
        small_release.FILED.splitlines()[0]
        + "\npeople.all,120,,people,registry,people,who"
        + "\nratio,1.39,1.39,hazard ratio,published,published,how_long\n"
    )


def test_a_withheld_count_that_a_total_gives_back_is_hidden_by_further_cells(tmp_path):
    done = made(tmp_path, one_hidden)
    assert set(done.withheld) == {"people"}
    release = tmp_path / "release"
    with (release / "tables" / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    emptied = [row for row in rows if row["people"] == ""]
    assert len(emptied) == 1 + done.withheld["people"]
    assert all(row["suppressed"] == "true" for row in emptied)
    receipt = releasing.read(release)["files"]["tables/people.csv"]["receipt"]
    assert receipt["rules"][-1]["result"].startswith(str(done.withheld["people"]))
    assert receipt["cells_withheld"] == 4 + done.withheld["people"]
    # What cannot be worked out from the release any more was worked out from the work folder.
    tables = {"people": (release / "tables" / "people.csv").read_bytes()}
    assert not hidden_cells.narrow(tables, disclosure.DEFAULT)
    before = {"people": (tmp_path / "work" / "people.csv").read_bytes()}
    assert hidden_cells.narrow(before, disclosure.DEFAULT)


def test_a_number_of_a_cell_that_was_withheld_afterwards_is_taken_back(tmp_path):
    cells = {"people": [(0, "people", ""), (1, "people", "")]}
    with (
        mock.patch.object(hidden_cells, "proposed", return_value=cells),
        mock.patch.object(hidden_cells, "narrow", return_value=[]),
    ):
        made(tmp_path, one_hidden)
    assert (tmp_path / "release" / "numbers.csv").read_text().splitlines()[1:] == [
        "people.all,withheld (too few people),,people,registry,people,who",
        "ratio,1.39,1.39,hazard ratio,published,published,how_long",
    ]


def test_an_estimate_that_is_withheld_takes_its_interval_and_error_along():
    table = (
        b"group,people,estimate,ci_low,ci_high,standard_error,suppressed\n"
        b"1,60,50,40,60,5,false\n2,70,30,2,3,1,false\n"
    )
    rows = further._emptied(table, "t", [(0, "estimate", "")]).decode().splitlines()
    # The middle of the interval would give it back, and so would the error of a share.
    assert rows[1:] == ["1,60,,,,,true", "2,70,30,2,3,1,false"]
    rows = further._emptied(table, "t", [(1, "people", "")]).decode().splitlines()
    assert rows[1:] == ["1,60,50,40,60,5,false", "2,,30,2,3,1,true"]
    # A total that is shown with its own rounding is not withheld.
    rows = further._emptied(table, "t", [(0, "people", "65")]).decode().splitlines()
    assert rows[1:] == ["1,65,50,40,60,5,false", "2,70,30,2,3,1,false"]


def test_a_mean_until_a_time_whose_survival_is_withheld_is_withheld_too(tmp_path):
    cells = {"people": [(1, "estimate", "")]}
    with (
        mock.patch.object(further.fixed_times, "beyond", return_value=cells),
        mock.patch.object(hidden_cells, "proposed", return_value={}) as attack,
    ):
        done = made(tmp_path)
    assert done.withheld == {"people": 1}
    written = (tmp_path / "release" / "tables" / "people.csv").read_bytes()
    # The attack is told of what would be released.
    assert attack.call_args.args[0]["people"] == written
    assert written.splitlines()[2].startswith(b"people,deprivation_quintile,1,60,30,,")


def test_a_release_is_held_to_the_stricter_number_of_the_run_and_of_whoever_asks():
    ready = mock.Mock(run={"profile": {"name": "minimum_10", "numbers": small_release.NUMBERS}})
    assert making._profile(ready, None) == disclosure.DEFAULT
    asked = disclosure.profile("opensafely", threshold=20)
    held_to = making._profile(ready, asked)
    assert (held_to.name, held_to.threshold) == ("opensafely", 20)
    # The run was stricter than what is asked for here.
    assert held_to.smallest_at_risk == 10 > asked.smallest_at_risk


def test_a_table_without_a_cell_left_to_withhold_is_left_out_and_named(tmp_path):
    with mock.patch.object(hidden_cells, "proposed", return_value={"people": []}):
        done = made(tmp_path, one_hidden)
    assert done.left_out == ("people",)
    assert not (tmp_path / "release" / "tables" / "people.csv").exists()


def test_a_withheld_count_that_can_still_be_worked_out_stops_the_release(tmp_path):
    with mock.patch.object(hidden_cells, "proposed", return_value={}):
        said = refused(tmp_path, one_hidden)
    assert "people: 1 withheld cell of the column 'people' can be worked out" in said
    assert "A table is left out with --without and its name." in said


def test_the_attack_is_told_of_earlier_releases_and_only_of_tables_about_people(tmp_path):
    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later")
    with mock.patch.object(hidden_cells, "narrow", return_value=[]) as attack:
        second = releasing.release(
            work, tmp_path / "second", earlier=[tmp_path / "release"], date=DAY
        )
    tables, profile, earlier, needs = attack.call_args.args
    assert set(tables) == {"people", "curve"}
    assert profile == disclosure.DEFAULT
    assert [set(each) for each in earlier.values()] == [{"people", "curve"}]
    # A reader has the study file, and knows what its models need of a person.
    study = json.loads((second.folder / "study.json").read_text())
    assert needs == hidden_cells.needs_of(study["content"])
    said = releasing.read(second.folder)
    digest = releasing.digest(tmp_path / "release")
    assert said["first_release"] is False
    assert said["earlier"] == [{"digest": digest, "released_on": DAY}]
    assert digest[:12] in (second.folder / "request.csv").read_text()


def test_who_was_added_since_an_earlier_release_stops_the_next(tmp_path):
    def five_more(files, work, run):
        text = small_release.PEOPLE.replace("all,120,60,50", "all,125,60,48")
        small_release.retable(files, work, "people", text)
        files["numbers.csv"] = files["numbers.csv"].replace("people.all,120", "people.all,125")

    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later", five_more)
    earlier = tmp_path / "release"
    # Before the long work of withholding, which could not mend it.
    long_work = mock.patch.object(hidden_cells, "proposed", side_effect=AssertionError)
    with long_work, pytest.raises(Problem) as raised:
        releasing.release(work, tmp_path / "second", earlier=[earlier])
    assert str(raised.value) == (
        f"Too few people may have been added since the earlier release {earlier}: wait until at "
        "least 10 more were added, or leave the tables out (--without) whose numbers are not what "
        "they were there: people."
    )


def test_what_is_withheld_now_and_stood_there_stops_the_next(tmp_path):
    """Nothing that stands in both changed, but what stands no more tells of those few."""

    def one_gone(files, work, run):
        text = small_release.CURVE.replace("0.917", "", 1)
        small_release.retable(files, work, "curve", text)

    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later", one_gone)
    with pytest.raises(Problem, match="curve is not what it was in the earlier release") as raised:
        releasing.release(work, tmp_path / "second", earlier=[tmp_path / "release"])
    # What to do comes first, and the long list after it.
    first, then, *_ = str(raised.value).splitlines()
    assert first.startswith("Too few people may have been added since the earlier release")
    assert first.endswith("wait until at least 10 more were added.")
    assert then == "Too much could be worked out from what would be released:"


def test_any_number_that_moved_with_a_few_people_stops_the_next(tmp_path):
    def other_ratio(files, work, run):
        text = small_release.CURVE.replace("0.917", "0.916")
        small_release.retable(files, work, "curve", text)

    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later", other_ratio)
    with pytest.raises(Problem, match="not what they were there: curve"):
        releasing.release(work, tmp_path / "second", earlier=[tmp_path / "release"])
    # Without that table the rest may leave.
    second = releasing.release(
        work, tmp_path / "second", earlier=[tmp_path / "release"], without=["curve"]
    )
    assert second.tables == 2


def second_curve(files: dict, work: dict, changed: tuple[str, str], name: str = "younger") -> None:
    """Add a table that answers what the curve answers, with other numbers."""
    work["tables"][name] = work["tables"]["curve"] | {"redrawn_from_accepted": None}
    small_release.retable(files, work, name, small_release.CURVE.replace(*changed))


def test_two_answers_to_one_question_stop_a_release(tmp_path):
    def younger(files, work, run):
        second_curve(files, work, ("0.917", "0.916"))

    work = small_release.work_folder(tmp_path / "work", younger)
    with pytest.raises(Problem, match="curve and younger answer the same question"):
        releasing.release(work, tmp_path / "release", first=True)
    left = releasing.release(work, tmp_path / "release", first=True, without=["younger"])
    assert left.tables == 3


@pytest.mark.parametrize(("people", "stopped"), [("125 to 129", True), ("134 to 138", False)])
def test_an_answer_that_moved_under_another_name_stops_the_next(tmp_path, people, stopped):
    def renamed(files, work, run):
        second_curve(files, work, ("0.917", "0.916"))
        for each in ("curve.csv", "curve.svg"):
            del files[each]
        del work["tables"]["curve"], work["figures"]["curve"]
        run["people"] = people

    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later", renamed)
    with mock.patch.object(hidden_cells, "narrow", return_value=[]):
        try:
            releasing.release(work, tmp_path / "second", earlier=[tmp_path / "release"])
            said = ""
        except Problem as problem:
            said = str(problem)
    assert ("younger answers the same question as curve in the earlier" in said) == stopped
    assert bool(said) == stopped


@pytest.mark.parametrize(
    ("people", "then", "stopped"),
    [
        ("120 to 124", "120 to 124", True),
        ("125 to 129", "120 to 124", True),
        ("120 to 124", "125 to 129", True),
        ("130 to 134", "120 to 124", True),
        ("134 to 138", "120 to 124", False),
        ("120 to 124", "134 to 138", False),
        ("133 to 137", "120 to 124", True),
        ("2,360 to 2,364", "2,355 to 2,359", True),
        ("2,370 to 2,374", "2,355 to 2,359", False),
        ("many", "120 to 124", True),
    ],
)
def test_tables_that_moved_are_stopped_where_few_may_have_been_added(people, then, stopped):
    tables = {"one": b"1", "same": b"2"}, {"one": b"3", "same": b"2", "gone": b"4"}
    found = hidden_cells.moved(*tables, people, then, 10, "abc")
    assert [sentence.split()[0] for sentence in found] == (["one"] if stopped else [])


def contribution(coefficient: float, score: float) -> bytes:
    """A contribution to a pooled model: score at a coefficient, of the same people each time."""
    return (
        "measure,term,with_term,estimate,people,deaths,kind,suppressed\n"
        f"coefficient,far,,{coefficient},120,60,registry,false\n"
        f"score,far,,{score},120,60,registry,false\n"
    ).encode()


def test_the_next_round_of_a_pooled_model_is_another_question(tmp_path):
    first, second = {"it": contribution(0, 1.5)}, {"it": contribution(0.3, 0.2)}
    band = "120 to 124"
    assert not hidden_cells.moved(second, first, band, band, 10, "abc")
    assert not hidden_cells.narrow(second, disclosure.DEFAULT, {"abc": first})
    # The same question with another answer tells who was added.
    again = {"it": contribution(0, 1.6)}
    assert hidden_cells.moved(again, first, band, band, 10, "abc")
    assert hidden_cells.narrow(again, disclosure.DEFAULT, {"abc": first})
    # And no other table becomes a contribution by the name of a column alone.
    plain = {"it": b"measure,with_term,estimate\nscore,far,1\n"}
    moved = {"it": b"measure,with_term,estimate\nscore,far,2\n"}
    assert hidden_cells.moved(moved, plain, band, band, 10, "abc")


def sums(terms: dict[str, tuple[float, float]], more: str = "", people: int = 120) -> bytes:
    """A contribution: for each term its coefficient and its score."""
    rows = [f"round,all,,1,{people},60"]
    for term, (coefficient, score) in terms.items():
        rows += [f"coefficient,{term},,{coefficient},{people},60"]
        rows += [f"score,{term},,{score},{people},60"]
    return "\n".join(
        ["measure,term,with_term,estimate,people,deaths", *rows, *more.split()]
    ).encode()


NEAR, FAR = "distance_quintile[2]", "distance_quintile[5]"


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [
        # Another model at nought: shared sums must be the same, and a term without is at nought.
        ({"a": (0, 1.5)}, {"a": (0, 1.5), "b": (0, 3)}, False),
        ({"a": (0, 1.5)}, {"a": (0, 1.5000000001), "b": (0, 3)}, False),
        ({"a": (0, 1.5)}, {"a": (0, 1.5001), "b": (0, 3)}, True),
        ({"a": (0, 1.5), "b": (0, 3)}, {"a": (0, 1.6)}, True),
        # Only where a coefficient differs may shared sums differ.
        ({"a": (0, 1.5)}, {"a": (0, 1.6), "b": (0.1, 3)}, False),
        ({"a": (0.2, 1.5), "b": (0.1, 3)}, {"a": (0.2, 1.6)}, False),
        ({"a": (0.2, 1.5), "b": (0, 3)}, {"a": (0.2, 1.6)}, True),
    ],
)
def test_equal_sums_are_compared_whatever_the_model_is_called(before, now, stopped):
    band = "120 to 124"
    found = hidden_cells.moved({"it": sums(now)}, {"it": sums(before)}, band, band, 10, "abc")
    assert bool(found) == stopped
    # As many people in both, at whatever coefficients.
    fewer = {"it": sums({"a": (0.7, 9)}, people=115)}
    assert hidden_cells.moved(fewer, {"it": sums(before)}, band, band, 10, "abc")


def test_a_second_set_of_cuts_is_stopped_whoever_was_added():
    def cut(at: float, coefficient: float = 0) -> dict[str, bytes]:
        return {"it": sums({FAR: (coefficient, 1.5)}, f"cut,{FAR},,{at},120,60")}

    for then in ("120 to 124", "500 to 504"):
        for other in (cut(31), cut(31, 0.3), {"it": sums({NEAR: (0.3, 1)})}):
            found = hidden_cells.moved(other, cut(30), "120 to 124", then, 10, "abc")
            assert "cuts distance fifths elsewhere" in found[0]
        # The same cuts, and a model without distance fifths, are no second set.
        for other in (cut(30, 0.3), {"it": sums({"a": (0.3, 1)})}):
            assert not hidden_cells.moved(other, cut(30), "120 to 124", then, 10, "abc")


def test_whoever_asks_says_whether_it_is_the_first_release(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    with pytest.raises(Problem, match=r"Name every earlier release .* \(--first\)"):
        releasing.release(work, tmp_path / "release", earlier=())
    done = releasing.release(work, tmp_path / "release", first=True)
    form = (done.folder / "summary.csv").read_text()
    assert "whoever asks states that nothing about these people was released before" in form
    with pytest.raises(Problem, match="cannot be the first release .* and have earlier ones"):
        releasing.release(work, tmp_path / "second", earlier=[done.folder], first=True)


def test_a_table_that_the_second_opinion_withholds_can_be_left_out(tmp_path):
    def looser(files, work, run):
        run["second_opinion"]["tables"]["people"]["looser"] = 2

    made(tmp_path, looser, without=["people"])
    said = releasing.read(tmp_path / "release")["second_opinion"]
    assert (said["cross_tabulations"], said["looser"]) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "measure", "left_out"),
    [
        ("registry", "intervals that miss what was built in", True),
        ("synthetic", "intervals that miss what was built in", False),
        ("registry", "change", False),
    ],
)
def test_a_table_that_asks_what_was_built_in_leaves_about_synthetic_people_only(
    tmp_path, kind, measure, left_out
):
    def missed(files, work, run):
        text = f"measure,estimate,kind,suppressed\n{measure},,{kind},false\n"
        files["missed.csv"] = text
        receipt = small_release.receipt("derived", None)
        work["tables"]["missed"] = small_release.entry(text, kind, "who", receipt)
        files["numbers.csv"] += f"missed,None can miss,,intervals,{kind},missed,who\n"
        run["record_kind"] = kind
        for name in ("people", "curve"):
            work["tables"][name]["kind"] = kind

    done = made(tmp_path, missed)
    assert done.asks_for_truth == (("missed",) if left_out else ())
    assert (tmp_path / "release" / "tables" / "missed.csv").exists() != left_out
    said = (tmp_path / "release" / "numbers.csv").read_text()
    assert ("None can miss" in said) != left_out
    assert releasing.faults(tmp_path / "release") == []


def test_a_table_is_left_out_with_its_numbers_and_figures(tmp_path):
    made(tmp_path, without=["people"])
    release = tmp_path / "release"
    assert not (release / "tables" / "people.csv").exists()
    assert (release / "numbers.csv").read_text().count("\n") == 2
    for name in small_release.tree(release):
        assert name == "tables" or b"people.all" not in (release / name).read_bytes()
    assert "no table 'nobody' to leave out" in refused_at(tmp_path / "again", ["nobody"])
    every = ["people", "curve", "published"]
    assert "No table would be left" in refused_at(tmp_path / "none", every)


def refused_at(folder, without) -> str:
    """The sentence with which a release without those tables is refused."""
    folder.mkdir(exist_ok=True)
    return refused(folder, without=without)


def test_an_earlier_release_is_of_the_same_study(tmp_path):
    def another(files, work, run):
        run["study"]["name"] = "wilford"

    made(tmp_path)
    work = small_release.work_folder(tmp_path / "later", another)
    with pytest.raises(Problem, match="is of the study '.*', and this one is of 'wilford'"):
        releasing.release(work, tmp_path / "second", earlier=[tmp_path / "release"])
    assert not (tmp_path / "second").exists()


def test_an_earlier_release_has_to_be_whole(tmp_path):
    made(tmp_path)
    (tmp_path / "release" / "numbers.csv").write_text("key\n")
    work = small_release.work_folder(tmp_path / "later")
    with pytest.raises(Problem, match="The earlier release .* is not whole"):
        releasing.release(work, tmp_path / "second", earlier=[tmp_path / "release"])


# ---- Cells: properties ---------------------------------------------------------------------------


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20), st.sampled_from("=+@\t\r\0")
)
@settings(max_examples=300, deadline=None)
def test_whatever_follows_the_sign_of_a_formula_is_refused(text, sign):
    numeric = sign == "+" and text[:1].isdigit()
    rows = [["note"], [sign + text]]
    assert numeric or content.cells(rows, "f.csv", about_people=False)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**12), 10**12))
@settings(max_examples=300, deadline=None)
def test_no_number_is_taken_for_a_formula(one, other):
    texts = [
        f"{one:.10g}",
        str(other),
        f"{one:+.10g}",
        f"{one:.3f} months (95% CI -1 to {one:.2f})",
    ]
    rows = [["value"], *([text] for text in texts)]
    assert not content.cells(rows, "f.csv", about_people=False)


@given(st.integers(0, 40), st.sampled_from([(10, 5), (8, 5), (10, 10), (6, 1)]))
@settings(max_examples=300, deadline=None)
def test_a_count_passes_only_when_it_keeps_threshold_and_rounding(count, rule):
    threshold, round_to = rule
    numbers = {**small_release.NUMBERS, "threshold": threshold, "round_to": round_to}
    found = content.counts([["people"], [str(count)]], small_release.receipt(numbers=numbers), "f")
    assert bool(found) == (count < threshold or count % round_to != 0)


def test_the_mode_of_a_release_lets_others_read_it(tmp_path):
    made(tmp_path)
    mode = stat.S_IMODE((tmp_path / "release").stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert mode == 0o777 & ~umask


def test_the_form_is_read_as_a_table_by_its_reader(tmp_path):
    made(tmp_path)
    rows = list(csv.reader(io.StringIO((tmp_path / "release" / "request.csv").read_text())))
    assert rows[0] == [*request_form.COLUMNS, "decision", "reason"]
