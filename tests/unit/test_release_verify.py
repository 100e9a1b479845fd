"""Verifying sees one byte altered in any file, anything missing, extra or renamed, any link."""

import json
import os
import shutil
from pathlib import Path

import pytest
import small_release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distance_to_care import releasing
from distance_to_care.problems import Problem
from distance_to_care.releasing import content, crate, manifest, request_form, sealing

DAY = "2026-05-31"
FILES = [
    "manifest.json",
    "numbers.csv",
    "request.csv",
    "request.json",
    "ro-crate-metadata.json",
    "study.json",
    "summary.csv",
    "tables/curve.csv",
    "tables/people.csv",
    "tables/published.csv",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A release that nobody alters; tests copy it."""
    folder = tmp_path_factory.mktemp("whole")
    work = small_release.work_folder(folder / "work")
    return releasing.release(work, folder / "release", date=DAY, first=True).folder


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """A copy of the release, to be altered."""
    shutil.copytree(whole, tmp_path / "release")
    return tmp_path / "release"


def reseal(folder: Path, change, everything: bool = True) -> None:
    """Alter the manifest as somebody would who writes form and crate anew to hide it."""
    said = json.loads((folder / "manifest.json").read_text())
    change(said)
    (folder / "manifest.json").write_bytes(sealing.canonical(said))
    if everything:
        forms = {"request.csv": request_form.to_csv(said),
                 "summary.csv": request_form.summary(said)}  # fmt: skip
        for name, form in forms.items():
            (folder / name).write_bytes(form)
        (folder / "request.json").write_bytes(request_form.to_json(said, forms))
        files = {name: text for name, text in small_release.tree(folder).items()
                 if (folder / name).is_file() and name != crate.NAME}  # fmt: skip
        (folder / crate.NAME).write_bytes(crate.build(said, files))


def test_a_release_as_it_was_written_is_whole(whole):
    assert releasing.faults(whole) == []
    assert releasing.digest(whole) == releasing.digest(whole)


def test_a_copy_elsewhere_is_whole_and_has_the_same_digest(whole, copy):
    assert releasing.faults(copy) == []
    assert releasing.digest(copy) == releasing.digest(whole)


@pytest.mark.parametrize("name", FILES)
def test_every_fiftieth_byte_of_every_file_is_watched(copy, name):
    path = copy / name
    text = path.read_bytes()
    for place in range(0, len(text), 50):
        altered = bytearray(text)
        altered[place] ^= 1
        path.write_bytes(bytes(altered))
        assert releasing.faults(copy), f"byte {place} of {name}"
    path.write_bytes(text)
    assert releasing.faults(copy) == []


@pytest.mark.parametrize("name", FILES)
def test_a_byte_more_or_less_is_seen(copy, name):
    path = copy / name
    text = path.read_bytes()
    for altered in (text + b"\n", text[:-1], b" " + text, b""):
        path.write_bytes(altered)
        assert releasing.faults(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    assert any(f"{name} is missing" in fault for fault in releasing.faults(copy))


@pytest.mark.parametrize("name", FILES)
def test_a_renamed_file_is_seen(copy, name):
    (copy / name).rename(copy / f"{name}.old")
    assert releasing.faults(copy)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1)


@given(name=NAMES.filter(lambda name: len(name.encode()) < 200), inside=st.booleans())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_added_file_is_seen(copy, name, inside):
    path = (copy / "tables" if inside else copy) / name
    if name in (".", "..") or path.exists():
        return
    path.write_bytes(b"a,b\n1,2\n")
    try:
        assert any("is extra" in fault for fault in releasing.faults(copy))
    finally:
        path.unlink()


def test_an_added_folder_is_seen_even_when_it_is_empty(copy):
    (copy / "more").mkdir()
    assert releasing.faults(copy) == ["more is a folder that does not belong here."]
    (copy / "more").rmdir()
    (copy / "tables" / "more").mkdir()
    (copy / "tables" / "more" / "people.csv").write_text("a\n1\n")
    assert releasing.faults(copy) == ["tables/more is a folder that does not belong here."]


def test_a_symbolic_link_is_seen_even_to_the_same_bytes(copy, tmp_path):
    (tmp_path / "same.csv").write_bytes((copy / "tables" / "people.csv").read_bytes())
    (copy / "tables" / "people.csv").unlink()
    (copy / "tables" / "people.csv").symlink_to(tmp_path / "same.csv")
    found = releasing.faults(copy)
    assert "tables/people.csv is a symbolic link." in found
    assert "tables/people.csv is missing." in found


def test_a_link_in_the_place_of_a_folder_is_seen(copy, tmp_path):
    (copy / "tables").rename(tmp_path / "tables")
    (copy / "tables").symlink_to(tmp_path / "tables")
    assert "tables is a symbolic link." in releasing.faults(copy)
    (tmp_path / "link").symlink_to(copy)
    assert "is not a folder" in releasing.faults(tmp_path / "link")[0]


def test_a_pipe_is_seen_and_not_waited_for(copy):
    (copy / "numbers.csv").unlink()
    os.mkfifo(copy / "numbers.csv")
    assert "numbers.csv is no plain file." in releasing.faults(copy)


def test_a_huge_file_is_not_read(copy):
    with (copy / "tables" / "people.csv").open("r+b") as file:
        file.truncate(content.LARGEST_BYTES + 1)
    assert any("larger than 16 megabytes" in fault for fault in releasing.faults(copy))


def test_every_fault_is_said_at_once(copy):
    (copy / "tables" / "curve.csv").unlink()
    (copy / "numbers.csv").write_bytes(b"key\n")
    (copy / "extra.txt").write_text("x")
    found = "\n".join(releasing.faults(copy))
    for part in ("tables/curve.csv is missing", "numbers.csv is altered", "extra.txt is extra"):
        assert part in found


def test_what_is_no_release_is_a_sentence(tmp_path):
    assert "is not a folder" in releasing.faults(tmp_path / "nowhere")[0]
    assert "manifest.json is missing" in releasing.faults(tmp_path)[0]
    with pytest.raises(Problem, match="it is no release"):
        releasing.read(tmp_path)


@pytest.mark.parametrize("text", [b"", b"[]\n", b"{}\n", b"null\n", b"\xff", b"[" * 100_000])
def test_a_broken_manifest_form_or_crate_is_a_sentence(copy, text):
    for name in ("manifest.json", "request.json", crate.NAME):
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(text)
        assert any(name in fault for fault in releasing.faults(copy))
        (copy / name).write_bytes(whole)


# ---- Somebody who writes manifest, form and crate anew -------------------------------------------


def table_with(folder: Path, name: str, old: str, new: str):
    """Alter a table and everything that is said of it."""
    path = folder / "tables" / f"{name}.csv"
    text = path.read_text().replace(old, new, 1).encode()
    path.write_bytes(text)

    def change(said):
        entry = said["files"][f"tables/{name}.csv"]
        entry["sha256"], entry["bytes"] = sealing.digest(text), len(text)
        entry["smallest_count"] = content.smallest_count(content.rows_of(text, name))

    reseal(folder, change)


def test_a_consistent_forgery_of_a_small_count_breaks_the_receipt(copy):
    table_with(copy, "people", "1,60,30", "1,60,7")
    assert releasing.faults(copy) == [
        "tables/people.csv: column 'deaths' breaks the rules of its receipt in 1 row: "
        "a count below 10."
    ]


def test_a_consistent_forgery_of_a_count_that_is_not_rounded_breaks_the_receipt(copy):
    table_with(copy, "people", "1,60,30", "1,60,33")
    assert "no multiple of 5" in releasing.faults(copy)[0]


def test_a_consistent_forgery_that_keeps_the_rules_is_seen_by_the_digest_only(whole, copy):
    table_with(copy, "people", "1,60,30", "1,60,35")
    assert releasing.faults(copy) == []
    assert releasing.digest(copy) != releasing.digest(whole)


def test_a_receipt_may_not_be_loosened_to_fit_a_forged_count(copy):
    table_with(copy, "people", "1,60,30", "1,60,5")

    def loosen(said):
        said["files"]["tables/people.csv"]["receipt"]["numbers"]["threshold"] = 5

    reseal(copy, loosen)
    assert releasing.faults(copy) == [
        "tables/people.csv was checked with a looser profile than the release."
    ]


def test_the_smallest_count_is_that_of_the_table(copy):
    def larger(said):
        said["files"]["tables/people.csv"]["smallest_count"] += 5

    reseal(copy, larger)
    assert releasing.faults(copy) == [
        "tables/people.csv does not have the smallest count that the manifest lists."
    ]


@pytest.mark.parametrize("count", ["1e999", "9" * 400])
def test_a_count_without_end_is_a_sentence(copy, count):
    table_with(copy, "people", "1,60,30", f"1,60,{count}")
    assert any("not a whole number" in fault for fault in releasing.faults(copy))


def test_people_are_not_passed_off_as_nobody(copy):
    def passed_off(said):
        said["files"]["tables/people.csv"]["receipt"]["shape"] = "not about people"

    reseal(copy, passed_off)
    assert any("is about people, and its receipt says" in f for f in releasing.faults(copy))


def test_a_manifest_names_what_it_does_not_say(copy):
    def without(said):
        del said["people"], said["checks"], said["study"]["title"]

    said = json.loads((copy / "manifest.json").read_text())
    without(said)
    (copy / "manifest.json").write_bytes(sealing.canonical(said))
    assert releasing.faults(copy) == [
        "manifest.json does not say: checks, people.",
        "manifest.json, study, does not say: title.",
    ]


def test_the_manifest_alone_cannot_be_altered(copy):
    reseal(copy, lambda said: said.update(people="10 to 14"), everything=False)
    found = "\n".join(releasing.faults(copy))
    assert "manifest.json is altered: request.json was written for another one" in found
    assert "ro-crate-metadata.json describes another manifest.json" in found


@pytest.mark.parametrize("name", ["request.csv", "summary.csv"])
def test_a_table_of_the_form_cannot_be_altered_with_the_crate(copy, name):
    text = (copy / name).read_text().replace("120 to 124", "520 to 524")
    (copy / name).write_text(text)
    files = {name: (copy / name).read_bytes() for name in FILES if name != crate.NAME}
    (copy / crate.NAME).write_bytes(crate.build(releasing.read(copy), files))
    assert releasing.faults(copy) == [f"{name} is altered: request.json was written with another."]


def test_the_form_may_leave_no_question_unanswered(copy):
    form = json.loads((copy / "request.json").read_text())
    form["files"][0]["needed_for"] = ""
    (copy / "request.json").write_bytes(sealing.canonical(form))
    assert any("leaves a question of the form unanswered" in f for f in releasing.faults(copy))


def test_a_crate_of_another_run_does_not_agree(copy):
    said = json.loads((copy / "manifest.json").read_text())
    files = {name: (copy / name).read_bytes() for name in FILES if name != crate.NAME}
    said["software"]["version"] = "9.9.9"
    (copy / crate.NAME).write_bytes(crate.build(said, files))
    assert any("names another software" in fault for fault in releasing.faults(copy))
    del files["tables/curve.csv"]
    (copy / crate.NAME).write_bytes(crate.build(releasing.read(copy), files))
    found = releasing.faults(copy)
    assert f"{crate.NAME} does not list tables/curve.csv." in found
    assert f"{crate.NAME} does not name the released files as the results of the run." in found


def test_a_forged_crate_and_manifest_with_odd_names_are_sentences(copy):
    said = json.loads((copy / "manifest.json").read_text())
    files = {name: (copy / name).read_bytes() for name in FILES if name != crate.NAME}
    files["no_ending"] = b"x"
    (copy / "no_ending").write_bytes(b"x")
    (copy / crate.NAME).write_bytes(crate.build(said, files))
    assert releasing.faults(copy) == ["no_ending is extra: the manifest does not list it."]
    said["files"]["tables/\x1b[2J\udcff.csv"] = {}
    (copy / "manifest.json").write_text(json.dumps(said))
    assert all(fault.isprintable() for fault in releasing.faults(copy))


@pytest.mark.parametrize("value", ["\udcff", float("nan"), [[]], None, 10**400])
@pytest.mark.parametrize("part", ["people", "kind", "files", "earlier", "reviewer"])
def test_no_forged_manifest_form_or_crate_is_a_traceback(copy, part, value):
    for name in ("manifest.json", "request.json", crate.NAME):
        whole = (copy / name).read_bytes()
        said = json.loads(whole)
        said[part if part in said else "@graph" if "@graph" in said else "files"] = value
        (copy / name).write_text(json.dumps(said))
        assert releasing.faults(copy)
        (copy / name).write_bytes(whole)


# ---- The reviewer --------------------------------------------------------------------------------


def reviewed(folder: Path, **reviewer: str) -> list[str]:
    """Fill in the reviewer as a person does, and verify."""
    said = json.loads((folder / "manifest.json").read_text())
    said["reviewer"].update(reviewer)
    (folder / "manifest.json").write_bytes(sealing.canonical(said))
    return releasing.faults(folder)


def test_a_person_may_fill_in_the_reviewer_and_nothing_else_changes(whole, copy):
    assert reviewed(copy, name="A. Checker", decision="accepted", date="2026-06-02") == []
    assert releasing.digest(copy) == releasing.digest(whole)
    assert releasing.read(copy)["reviewer"]["decision"] == "accepted"


@pytest.mark.parametrize(
    "reviewer",
    [
        {"decision": "accepted", "date": "2026-06-02"},
        {"name": "A. Checker", "decision": "accepted"},
        {"name": "A. Checker", "date": "2026-06-02"},
        {"name": "A. Checker", "decision": "accepted", "date": "2 June"},
        {"name": "A. Checker", "decision": "fine", "date": "2026-06-02"},
    ],
)
def test_half_a_decision_is_a_fault(copy, reviewer):
    assert reviewed(copy, **reviewer)


def test_the_reviewer_who_was_asked_is_not_exchanged(tmp_path):
    work = small_release.work_folder(tmp_path / "work")
    done = releasing.release(
        work, tmp_path / "release", reviewer="A. Checker", date=DAY, first=True
    )
    assert releasing.faults(done.folder) == []
    assert reviewed(done.folder, decision="accepted", date="2026-06-02") == []
    found = reviewed(done.folder, name="B. Other")
    assert found == ["manifest.json names another reviewer than the one who was asked."]


# ---- Seals ---------------------------------------------------------------------------------------


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                    max_leaves=6))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_json_has_one_form_and_no_other_is_read(written):
    try:
        text = sealing.canonical(written)
    except UnicodeEncodeError:  # Half a character is no text.
        return
    assert sealing.parsed(text, "f") == written
    with pytest.raises(Problem):
        sealing.parsed(text + b"\n", "f")


def test_a_key_that_is_said_twice_is_not_read():
    with pytest.raises(Problem, match="not in the form"):
        sealing.parsed(b'{\n  "a": 1,\n  "a": 1\n}\n', "f")


def test_a_seal_holds_for_the_bytes_it_was_set_on_only():
    blank = sealing.canonical({"a": "seal:" + "0" * 64, "b": 1})
    done = sealing.sealed(blank)
    assert sealing.seal_holds(done)
    assert not sealing.seal_holds(done.replace(b'"b": 1', b'"b": 2'))
    assert not sealing.seal_holds(blank)
    assert not sealing.seal_holds(b"{}")
    with pytest.raises(Problem):
        sealing.sealed(done)


def test_the_manifest_form_names_where_it_is_broken_and_not_what_stands_there(copy):
    said = json.loads((copy / "manifest.json").read_text())
    said["files"]["tables/people.csv"]["sha256"] = "CANARY"
    said["files"]["tables/../people.csv"] = said["files"]["tables/curve.csv"]
    found = manifest.faults(said)
    assert any("files/tables/people.csv/sha256" in fault for fault in found)
    assert len(found) == 2
    assert not any("CANARY" in fault for fault in found)


def test_a_manifest_in_another_layout_is_told_to_keep_the_layout(copy):
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4) + "\n")
    (sentence,) = releasing.faults(copy)
    assert "byte for byte. A reviewer fills in" in sentence and "with a text editor" in sentence


@pytest.mark.parametrize("text", ["", "{", "[]\n", "null\n"])
def test_a_manifest_that_is_none_is_said_in_one_sentence_without_the_words_of_a_form(copy, text):
    (copy / "manifest.json").write_text(text)
    (sentence,) = releasing.faults(copy)
    assert sentence.startswith("manifest.json ") and "breaks the rule" not in sentence


def test_a_broken_crate_is_said_in_sentences_and_not_by_a_warning_of_the_library(copy, recwarn):
    path = copy / crate.NAME
    path.write_bytes(path.read_bytes().replace(b"https://w3id.org/ro/crate", b"https://x.y/ro"))
    assert releasing.faults(copy)
    path.write_text('{"@context": "", "@graph": []}\n')
    assert releasing.faults(copy)
    assert not list(recwarn)
