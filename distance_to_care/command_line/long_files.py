"""Commands for cohort files with more people than fit into memory: the same words, in parts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import analyses, cohort, forecast, long_cohort, places, prepared, tables
from distance_to_care.command_line.frame import rows_done, say
from distance_to_care.disclosure.profiles import Profile
from distance_to_care.problems import Problem
from distance_to_care.study import Study
from distance_to_care.whole_file import whole

# Room on the disk: twice some twenty columns of eight bytes. Rounded numbers take a tenth of it.
BYTES_A_PERSON = 400


def foretell(file: Path, study: Study, profile: Profile) -> tuple[forecast.Forecast, list[str]]:
    """Check a long cohort file, and foretell its analysis from counts.

    The file is read twice: once to check it, and once to count people by fifths of distance, which
    are known only when everybody's distance has been read.

    Parameters
    ----------
    file, study, profile : the file, its study, and the disclosure profile that will hold.

    Returns
    -------
    The forecast, and sentences on what was worked out from homes.

    Raises
    ------
    Problem : every fault of the file at once.
    """
    rows = tables.cohort_rows(file, study)
    with rows_done("Checking", rows) as advance:
        checked = long_cohort.check(file, study, advance)
    chapters = analyses.chapters_from_file(study)
    notes = [*checked.notes, *analyses.about(study)]
    try:
        cohort.require(checked.known, bool(checked.notes))
    except Problem as problem:
        return forecast.stopped(len(checked), study, profile, chapters, problem), notes
    counts = forecast.Counts(study, profile, chapters)
    with rows_done("Counting", rows) as advance:
        for people in long_cohort.parts(checked, study):
            counts.add(people)
            advance(len(people))
    left_out = analyses.left_in_memory(study)
    notes.append(
        "While it runs, 'analyse' keeps these people in a private folder under "
        f"{tempfile.gettempdir()} (TMPDIR), which takes up to {_room(rows)} and is deleted at the "
        "end. A run that is stopped leaves it there for the same command; any other deletes it."
    )
    return forecast.of_counts(counts, forecast.from_file(), left_out), notes


def _room(people: int) -> str:
    return f"{people * BYTES_A_PERSON / 1e9:.1f} GB"


# People who keep the contract, with their homes used up; the same with what analyses need; and
# what is known of them all.
_PLACED, _PREPARED, _CHECKED = "placed.parquet", "people.parquet", "checked.json"


@contextmanager
def private_folder(made_from: Mapping[str, str]) -> Iterator[Path]:
    """A private folder for the people of a run; at its end nobody is pointed at them any more.

    made_from : digest of each thing that the prepared people hang on, and of the run; empty where
        nothing is kept for a run that goes on.
    """
    text = json.dumps(dict(made_from), sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16] if made_from else ""
    folder = None
    try:
        with prepared.private_folder(key) as folder:
            try:
                yield folder
            except KeyboardInterrupt:
                # Half of them are of no use to the next run.
                if not (folder / _CHECKED).exists():
                    shutil.rmtree(folder)
                raise
    finally:
        os.environ.pop(places.PREPARED_VARIABLE, None)
        if folder is not None and folder.is_dir():
            say(
                f"The people stay, as far as they are ready, in {folder}, which only you can "
                "read, for the same command. Its end deletes the folder, and so does any other "
                "analysis."
            )


def are_many(people: pd.DataFrame | long_cohort.Checked) -> bool:
    """Say whether people who were checked are in a file and not in memory."""
    return isinstance(people, long_cohort.Checked)


def checked(file: Path, study: Study, private: Path) -> long_cohort.Checked:
    """Check a long cohort file, and keep those who are in it in a private folder.

    Parameters
    ----------
    file, study : the file and its study. private : the folder, which goes with the run.

    Returns
    -------
    What is known of the whole file.

    Raises
    ------
    Problem : every fault of the file at once; nobody's deprivation or distance is known.
    """
    if kept := _kept(file, private):
        ready = "prepared" if (private / _PREPARED).exists() else "checked"
        say(f"The {len(kept):,} people that the interrupted run had {ready} are used again.")
        return kept
    rows = tables.cohort_rows(file, study)
    writer = prepared.Writer(private / _PLACED, study)
    with rows_done("Checking", rows) as advance, writer:
        found = long_cohort.check(file, study, advance, writer.add)
    cohort.require(found.known, bool(found.notes))
    with whole(private / _CHECKED) as part:
        part.write_text(json.dumps(_as_json(found)), encoding="utf-8")
    return found


def _as_json(found: long_cohort.Checked) -> dict:
    return {
        "people": found.people,
        "notes": found.notes,
        "known": sorted(found.known),
        "cuts": [float(cut).hex() for cut in found.cuts],
    }


def _kept(file: Path, private: Path) -> long_cohort.Checked | None:
    """What an interrupted run knew of the file; None where it had not read the whole of it."""
    people = [private / name for name in (_PREPARED, _PLACED) if (private / name).exists()]
    if not people or not (private / _CHECKED).exists():
        return None
    said = json.loads((private / _CHECKED).read_text(encoding="utf-8"))
    first = next(prepared.People(people[0]).parts(["record_kind"])).head(10)
    return long_cohort.Checked(
        file,
        said["people"],
        first,
        tuple(said["notes"]),
        frozenset(said["known"]),
        np.array([float.fromhex(cut) for cut in said["cuts"]]),
    )


def preparing(people: long_cohort.Checked, study: Study, private: Path) -> Callable[[], None]:
    """Give what prepares the people of `checked` when it is called first, and then does nothing.

    A run that goes on from finished chapters may need nobody.
    """
    file = private / _PREPARED

    def prepare() -> None:
        if file.exists():
            os.environ[places.PREPARED_VARIABLE] = str(file)
            return
        placed = prepared.People(private / _PLACED)
        part = file.with_suffix(".part")
        writer = prepared.Writer(part, study)
        with rows_done("Preparing", len(people)) as advance, writer:
            for each in placed.parts(placed.columns):
                writer.add(cohort.prepare_part(each, study, people.cuts))
                advance(len(each))
        part.replace(file)
        placed.file.unlink()
        os.environ[places.PREPARED_VARIABLE] = str(file)

    return prepare
