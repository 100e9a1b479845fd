"""Commands for people: check a file of them, draw synthetic ones, analyse them."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import (
    CODES,
    Kind,
    KindOption,
    Stopped,
    StudyOption,
    app,
    counted,
    new_file,
    say,
    sentences,
    stoppable,
)
from distance_to_care.problems import AnalysisError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from distance_to_care.command_line.chapters import Kept
    from distance_to_care.disclosure.profiles import Profile
    from distance_to_care.long_cohort import Checked
    from distance_to_care.study import Study

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Disclosure profile: minimum_10, opensafely, nhs_england_hes or custom. The strictest "
        "of it and the study file's holds.",
    ),
]
ThresholdOption = Annotated[
    int | None,
    typer.Option("--threshold", min=1, help="Smallest count that may be published; only higher."),
]


@dataclass(frozen=True)
class Pointed:
    """A cohort file that was checked, and that the notebooks are pointed at."""

    study: Study
    people: pd.DataFrame | Checked
    kind: str
    profile: Profile


class Effects(StrEnum):
    """Which effects of deprivation and distance are built into synthetic people."""

    published = "published"
    none = "none"


@app.command(epilog=CODES)
def check(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    study: StudyOption = None,
    profile: ProfileOption = None,
    threshold: ThresholdOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
) -> None:
    """Check a cohort file against the contract: every problem at once, never a value from a row.

    After a clean check it says, from counts in bands, which chapters `analyse` will run, what will
    be withheld, how long it will take and how much memory it needs. A file of more than a million
    people is checked in parts, in the same memory however many they are.
    """
    with stoppable("Stopped before the end. A check writes nothing, so nothing is left."):
        _check(file, study, profile, threshold, as_json)


def _check(
    file: Path, study: str | None, profile: str | None, threshold: int | None, as_json: bool
) -> None:
    from distance_to_care import analyses, forecast, long_cohort, residence, tables
    from distance_to_care.command_line import long_files

    with sentences(), withholding("The check"):
        chosen = tables.read_study(study)
        in_force = profile_in_force(chosen, profile, threshold)
        if long_cohort.is_long(file, chosen):
            said, notes = long_files.foretell(file, chosen, in_force)
        else:
            people = residence.read_people(file, chosen)
            notes = [*people.attrs["notes"], *analyses.about(chosen)]
            said = forecast.of(
                people,
                chosen,
                in_force,
                analyses.chapters(chosen),
                tables.read("chapter_costs"),
            )
        if as_json:
            typer.echo(json.dumps(said.as_dict(file.name, notes), indent=2))
        else:
            found = "no chapter will run" if said.stops else "no problems"
            typer.echo(f"{file}: {said.people} people, {found} (study {chosen.name}).")
            for line in (*notes, *said.lines()):
                typer.echo(line)
        if said.stops:
            raise typer.Exit(2)


@app.command(epilog=CODES)
def synthesise(
    people: Annotated[int, typer.Option("--people", min=1, max=50_000_000, help="How many.")],
    output: Annotated[Path, typer.Option("--output", help="File to write: .csv or .parquet.")],
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Same seed, same bytes.")
    ] = None,
    effects: Annotated[
        Effects, typer.Option("--effects", help="Published effects, or none at all.")
    ] = Effects.published,
    study: StudyOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Draw synthetic people whose generating parameters are published or stated as assumed.

    Any number of them, up to 50 million, is drawn in the same memory and written as it is drawn;
    the same seed gives the same people, and the first of many are those of a few.
    """
    with stoppable(f"Stopped before the end. {output} is as it was before."):
        _synthesise(people, output, seed, effects, study, overwrite)


def _synthesise(
    people: int,
    output: Path,
    seed: int | None,
    effects: Effects,
    study: str | None,
    overwrite: bool,
) -> None:
    from distance_to_care import synthetic, tables
    from distance_to_care.command_line import cohort_files

    with sentences():
        new_file(output, overwrite, ".csv", ".parquet")
        chosen = tables.read_study(study)
        parameters = tables.read_parameters(chosen)
        parts = synthetic.draw_in_parts(
            people,
            synthetic.default_seed(parameters) if seed is None else seed,
            parameters,
            tables.read(synthetic.population_name(parameters)),
            study=chosen,
            effects=effects.value,
        )
        cohort_files.write(parts, people, output)
        typer.echo(f"{output}: {people:,} synthetic people (study {chosen.name}).")


@app.command(epilog=CODES)
def analyse(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    output: Annotated[Path, typer.Option("--output", help="Folder for the published tables.")],
    study: StudyOption = None,
    kind: KindOption = None,
    profile: ProfileOption = None,
    threshold: ThresholdOption = None,
) -> None:
    """Run every analysis of a cohort and write the published tables and their manifest.

    A run that was interrupted goes on with the chapters that it had finished, when the same
    command is given again. More than a million people are analysed from the file, by those chapters
    alone that hold nobody in memory, which are few: `check` names the others. Their rows stand for
    that time in a private folder, which goes with the run. A run that was stopped goes on from the
    rows that it had prepared.
    """
    stopped = "Stopped before the end. The same command goes on from what was done."
    with stoppable(stopped), sentences(), withholding("The analysis"):
        from distance_to_care.command_line import long_files

        # What is wrong with the folder is told before the file is read.
        _refuse_folder(output, kind)
        with long_files.private_folder(_prepared_from(file, study, output)) as private:
            _analyse(private, file, output, study, kind, profile, threshold)


def _analyse(
    private: Path,
    file: Path,
    output: Path,
    study: str | None,
    kind: Kind | None,
    profile: str | None,
    threshold: int | None,
) -> None:
    from distance_to_care import analyses, second_opinion
    from distance_to_care.command_line import chapters, long_files, run_record

    started = run_record.now()
    pointed = point(file, study, kind, profile, threshold, private)
    many = long_files.are_many(pointed.people)
    own_folder(output, written_before(output), pointed.kind)
    same_kind(output.glob("manifest.json"), pointed.kind)
    paths = analyses.cohort_notebooks(analyses.chapters_for(pointed.study))
    if many:
        paths = analyses.notebooks_from_file()
    # All of them before the first runs, which may be long before the last.
    analyses.refuse_to_show_people(map(analyses.Notebook, paths))
    program = chapters.of_program(paths)
    with chapters.Kept(output, _made_from(file, pointed, program)) as kept:
        ready = _nothing
        if many:
            ready = long_files.preparing(pointed.people, pointed.study, private)
        seconds, left_out = _run_chapters(paths, kept, ready)
        merged = kept.gather(list(seconds))
        opinion = second_opinion.NOT_ASKED
        if not many:
            opinion = _second_opinion(merged, pointed)
        run_record.write(
            merged,
            run_record.record(
                pointed.study,
                len(pointed.people),
                pointed.kind,
                pointed.profile,
                program,
                started,
                seconds,
                left_out,
                opinion,
            ),
        )
        # The old tables go only when the new ones stand ready.
        chapters.take_place(merged, output)
    count = len(list(output.glob("*.csv"))) - 1
    typer.echo(f"{output}: {count} published tables, numbers.csv, manifest.json and run.json.")
    typer.echo(f"Second opinion: {second_opinion.said(second_opinion.total(opinion))}.")
    if many and (held := analyses.left_in_memory(pointed.study)):
        typer.echo(
            f"{counted(len(held), 'chapter')} of the study {pointed.study.name} hold everybody "
            "in memory and were not run: there are too many people."
        )
    if left_out:
        typer.echo(
            f"{counted(len(left_out), 'chapter')} of {len(paths)} could not be done with these "
            f"people and left nothing: {', '.join(left_out)}. The reasons stand above."
        )


def _refuse_folder(output: Path, kind: Kind | None) -> None:
    """Refuse a folder of results as far as can be known before the people are read."""
    from distance_to_care.command_line import chapters

    chapters.recover(output)
    own_folder(output, written_before(output), kind.value if kind else "")
    above = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise Problem(f"{output} cannot be made: {above} is no folder that you may write to.")


def _prepared_from(file: Path, study: str | None, output: Path) -> dict[str, str]:
    """Digests of everything that the people of a long file are prepared from, and for which run."""
    from distance_to_care import long_cohort, tables
    from distance_to_care.command_line import chapters

    chosen = tables.read_study(study)
    if not long_cohort.is_long(file, chosen):
        return {}
    return {"the folder": str(output.absolute()), **_inputs(file, chosen, chapters.of_program([]))}


def _second_opinion(merged: Path, pointed: Pointed) -> dict[str, object]:
    """Ask for a second opinion on the tables about these people that stand in a folder."""
    from distance_to_care import cohort, disclosure, results, second_opinion

    entries = json.loads((merged / "manifest.json").read_text(encoding="utf-8"))["tables"]
    about = [name for name, entry in entries.items() if entry["kind"] in disclosure.PERSON_KINDS]
    published = {name: results.read_published(merged / f"{name}.csv", name) for name in about}
    people = cohort.prepare(pointed.people, pointed.study)
    return second_opinion.of_published(people, pointed.study, published, pointed.profile)


def _nothing() -> None:
    """People who are in memory need no further preparation."""


def _run_chapters(
    paths: Sequence[Path], kept: Kept, ready: Callable[[], None] = _nothing
) -> tuple[dict[str, float], list[str]]:
    """Run the chapters that are not whole yet; return the seconds of each, and those left out.

    A chapter that cannot be done with these people (nobody has the event, a fifth is empty) is left
    out whole and named; any other fault stops the run. `ready` is called before each.
    """
    from distance_to_care import analyses, prepared

    anew = kept.begin()
    if anew:
        say(anew)
    os.environ[places.RESULTS_VARIABLE] = str(kept.root)
    seconds: dict[str, float] = {}
    left_out: list[str] = []
    chapters = {path.stem: analyses.Notebook(path) for path in paths}
    publisher = {table: name for name, each in chapters.items() for table in each.publishes}
    try:
        for path, tell in _progress(paths, kept):
            took = kept.seconds(path.stem)
            needed = {publisher.get(table) for table in chapters[path.stem].reads}
            if missing := needed & set(left_out):
                say(f"left out: {path.stem}, which reads the tables of {', '.join(missing)}.")
                left_out.append(path.stem)
                continue
            if took is None:
                ready()
                begun = time.perf_counter()
                try:
                    with prepared.telling(tell):
                        analyses.run(path, _quietly)
                except AnalysisError as impossible:
                    say(f"left out: {impossible}")
                    kept.forget(path.stem)
                    left_out.append(path.stem)
                    continue
                took = time.perf_counter() - begun
                kept.finished(path.stem, took)
            seconds[path.stem] = round(took, 2)
    except KeyboardInterrupt:
        done = sum(kept.seconds(path.stem) is not None for path in paths)
        raise Stopped(
            f"Stopped with {done} of {len(paths)} chapters done. The same command goes on from "
            "there; results that were there before are whole."
        ) from None
    if not seconds:
        raise Problem("No chapter could be done with these people. The reasons stand above.")
    return seconds, left_out


def _quietly(line: str) -> None:
    """Say nothing: the progress bar says it."""


def _made_from(file: Path, pointed: Pointed, program: str) -> dict[str, str]:
    """Digests of everything that the chapters of a run are made from."""
    from distance_to_care import disclosure

    return {
        **_inputs(file, pointed.study, program),
        "the kind of the people": pointed.kind,
        "the disclosure profile": disclosure.to_words(pointed.profile),
    }


def _inputs(file: Path, study: Study, program: str) -> dict[str, str]:
    """Digests of what people are read from and by, whatever is made of them."""
    from distance_to_care import tables
    from distance_to_care.command_line import chapters, run_record

    versions = run_record.packages() | {"python": sys.version}
    return {
        "the file of people": chapters.digest_of(file),
        "the study file": tables.study_content(study)[1],
        "the program": program,
        "the open data": chapters.of_open_data(),
        "the installed packages": json.dumps(versions, sort_keys=True),
    }


def _progress(paths: Sequence[Path], kept: Kept) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """Show progress: a bar on a terminal, and a line a chapter anywhere else.

    Yields each chapter, and what says a line while it runs.
    """
    # Bound to the stream now: while a chapter runs, the standard streams lead nowhere.
    stream = sys.stderr
    if not stream.isatty():
        for place, path in enumerate(paths, start=1):
            again = "" if kept.seconds(path.stem) is None else " (kept from the interrupted run)"
            say(f"chapter {place} of {len(paths)}: {path.stem}{again}")
            yield path, lambda line: print(f"  {line}", file=stream, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("Analysing", total=len(paths))
        for path in paths:
            progress.update(task, description=path.stem.replace("_", " "))
            yield path, progress.console.print
            progress.advance(task)


@contextmanager
def withholding(what: str) -> Iterator[None]:
    """Turn an error that nobody foresaw into a sentence without its text, which may quote a row."""
    try:
        yield
    except (Problem, typer.Exit):
        raise
    except MemoryError:
        raise Problem(
            f"{what} needs more memory than there is. 'distance-to-care check' says how much."
        ) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "distance_to_care" in frame.filename]
        last = (ours or frames)[-1]
        raise Problem(
            f"{what} failed with {type(error).__name__} in {Path(last.filename).name}, line "
            f"{last.lineno}. Its text is withheld, because it may quote a row. Please report this "
            "line."
        ) from None


def profile_in_force(study: Study, profile: str | None, threshold: int | None) -> Profile:
    """The strictest of the study's disclosure profile and what the options ask for."""
    from distance_to_care import disclosure

    words = profile or ""
    if threshold is not None:
        words = f"{words or disclosure.DEFAULT.name} threshold={threshold}"
    return disclosure.in_force(study, words)


def point(
    file: Path,
    study: str | None,
    kind: Kind | None,
    profile: str | None = None,
    threshold: int | None = None,
    private: Path | None = None,
) -> Pointed:
    """Check a cohort file and point the notebooks at it, its study, its kind and the profile.

    Of more people than fit into memory, those who are checked are put into the folder `private`,
    where one is given.
    """
    from distance_to_care import analyses, disclosure, long_cohort, residence, tables
    from distance_to_care.command_line import long_files

    # A book outside is redrawn from a release; here are the people themselves.
    os.environ.pop(places.RELEASED_VARIABLE, None)
    os.environ.pop(places.PREPARED_VARIABLE, None)
    chosen = tables.read_study(study)
    in_force = profile_in_force(chosen, profile, threshold)
    if private is not None and long_cohort.is_long(file, chosen):
        people = long_files.checked(file, chosen, private)
        first = people.first
    else:
        people = first = residence.read_people(file, chosen)
    decided = tables.cohort_kind(first, kind.value if kind else None)
    analyses.chapters_for(chosen)
    os.environ[places.COHORT_VARIABLE] = str(file.absolute())
    # Kernels run in another folder, so a path has to hold from anywhere.
    is_path = study is not None and Path(study).is_file()
    os.environ[places.STUDY_VARIABLE] = str(Path(study).absolute()) if is_path else chosen.name
    os.environ[places.KIND_VARIABLE] = decided if decided != "synthetic" else ""
    os.environ[places.PROFILE_VARIABLE] = disclosure.to_words(in_force)
    return Pointed(chosen, people, decided, in_force)


def point_at_cohort(file: Path, study: str | None, kind: Kind | None) -> str:
    """Check a cohort file, point the notebooks at it, and return what its people are."""
    return point(file, study, kind).kind


def same_kind(manifests: Iterable[Path], decided: str) -> None:
    """Refuse to put results about synthetic people where those about patients are, and back."""
    from distance_to_care.disclosure import PERSON_KINDS

    for manifest in manifests:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        entries = content.get("tables", {}).values()
        others = {entry["kind"] for entry in entries} & (PERSON_KINDS - {decided})
        if others:
            raise Problem(
                f"{manifest.parent} holds {others.pop()} results, and these people are {decided}. "
                "They never stand side by side: name another folder."
            )


def own_folder(output: Path, ours: set[str], decided: str) -> None:
    """Refuse a folder of the project, and one that holds anything this program did not write."""
    output = output.absolute().resolve()
    project = [places.DATA, places.NOTEBOOKS, places.BOOK, places.ROOT / "tests"]
    project += [places.ROOT / "distance_to_care", places.BUILD]
    if output == places.ROOT or any(output.is_relative_to(folder) for folder in project):
        raise Problem(f"{output} is a folder of the project. Name a folder of your own.")
    if decided == "registry" and output.is_relative_to(places.ROOT):
        raise Problem(
            f"{output} lies inside the repository, where results about patients could be "
            "committed by mistake. Name a folder outside it."
        )
    if output.is_file():
        raise Problem(f"{output} is a file. Name a folder.")
    if output.is_dir():
        others = sorted(path.name for path in output.iterdir() if path.name not in ours)
        if others:
            raise Problem(
                f"{output} holds other things ({len(others)}, the first is {others[0]}). "
                "Name an empty or a new folder."
            )


def written_before(output: Path) -> set[str]:
    """Name what an earlier `analyse` wrote into a folder, as its manifest lists it."""
    from distance_to_care.command_line import chapters, run_record

    ours = {chapters.FOLDER}
    manifest = output / "manifest.json"
    if not manifest.is_file():
        return ours
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    ours |= {f"{name}.csv" for name in listed.get("tables", {})}
    ours |= {f"{name}.svg" for name in listed.get("figures", {})}
    return ours | {"manifest.json", "numbers.csv", run_record.FILE}
