"""The command line: check, synthesise, analyse, build, and what `make` calls.

Exit codes: 0 all is well; 1 a build or a comparison failed; 2 the input or the call is wrong.
Libraries are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import __version__, places
from distance_to_care.problems import Problem

# What a build keeps in a folder of its own.
BUILT = ("results", "execution", "html", "staging")
CODES = (
    "Exit codes: 0 all is well; 1 a build or a comparison failed; 2 the input or the call is wrong."
)
app = typer.Typer(
    name="distance-to-care",
    help="Who is far from specialist care, and what would change that: "
    "check a cohort, draw a synthetic one, analyse it, build the book.",
    epilog=CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyOption = Annotated[
    str | None,
    typer.Option(
        "--study",
        help="Name in data/studies/, or path, of the study file, if not the default.",
    ),
]


class Kind(StrEnum):
    """What the people of a cohort file are, where the file does not say it."""

    registry = "registry"
    open = "open"


class Effects(StrEnum):
    """Which effects of deprivation and distance are built into synthetic people."""

    published = "published"
    none = "none"


KindOption = Annotated[
    Kind | None,
    typer.Option("--kind", help="What the people are, where the file has no column record_kind."),
]


@contextmanager
def _sentences(code: int = 2) -> Iterator[None]:
    """Turn a problem into its sentence on the error stream and an exit code."""
    try:
        yield
    except Problem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(code) from None
    except OSError as error:
        # The name of a file is ours to tell; its content is not.
        typer.echo(f"{error.filename or 'A file'}: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Distance to Care."""


@app.command(epilog=CODES)
def check(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    study: StudyOption = None,
) -> None:
    """Check a cohort file against the contract: every problem at once, never a value from a row."""
    from distance_to_care import tables

    with _sentences():
        chosen = tables.read_study(study)
        people = tables.read_cohort(file, chosen)
        typer.echo(f"{file}: {len(people):,} people, no problems (study {chosen.name}).")


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
    """Draw synthetic people whose generating parameters are published or stated as assumed."""
    from distance_to_care import synthetic, tables

    with _sentences():
        _new_file(output, overwrite, ".csv", ".parquet")
        chosen = tables.read_study(study)
        parameters = tables.read_parameters(chosen)
        drawn = synthetic.draw(
            people,
            synthetic.default_seed(parameters) if seed is None else seed,
            parameters,
            tables.read(synthetic.population_name(parameters)),
            study=chosen,
            effects=effects.value,
        )
        _write_cohort(drawn, output)
        typer.echo(f"{output}: {people:,} synthetic people (study {chosen.name}).")


def _write_cohort(drawn, output: Path) -> None:
    from distance_to_care import synthetic

    with _whole(output) as part:
        if output.suffix == ".csv":
            part.write_bytes(synthetic.to_csv_bytes(drawn))
        else:
            drawn.to_parquet(part, index=False, compression="zstd")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a new file to write to, which becomes `path` at the end: whole or not at all.

    It has a name that no file in the folder has, so nothing of the user's is touched.
    """
    real = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}-")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    part = Path(temporary)
    try:
        yield part
        part.chmod(0o644)
        part.replace(real)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


@app.command(epilog=CODES)
def travel(
    centres: Annotated[
        Path,
        typer.Option(
            "--centres",
            help="Your list of centres (CSV): name, and postcode, or latitude and longitude.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="File to write: .csv or .parquet.")],
    multiplier: Annotated[
        float,
        typer.Option(
            "--multiplier", min=0.1, max=10, help="Multiply minutes, for slower driving than 1."
        ),
    ] = 1.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Find the nearest centre of your own list, by car, from every area (LSOA 2011) of England."""
    from distance_to_care import tables
    from distance_to_care import travel as drives

    with _sentences():
        if centres.resolve() == output.resolve():
            raise Problem(f"{output} is the list of centres itself. Name another file.")
        _new_file(output, overwrite, ".csv", ".parquet")
        listed = drives.read_centres(centres)
        found = drives.nearest_centre(tables.read("areas"), listed, multiplier)
        if output.suffix == ".csv":
            _write_table(found, output)
        else:
            with _whole(output) as part:
                found.to_parquet(part, index=False, compression="zstd")
        for line in drives.what_to_know(listed):
            _say(line)
        typer.echo(f"{output}: {len(found):,} areas, {_counted(len(listed), 'centre')}.")


@app.command(epilog=CODES)
def atlas(
    output: Annotated[Path, typer.Option("--output", help="File to write: .csv or .zip.")],
    open_data: Annotated[
        Path | None, typer.Option("--open-data", help="Folder that holds the official files.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Write every area of England with its drive, deprivation, rurality and people, as one table.

    A description of the columns goes into a file of the same name that ends in .json, or into the
    archive. The table holds official data, so it needs the files that 'make data' obtains.
    """
    from distance_to_care import atlas as whole
    from distance_to_care.publication import area_file

    with _sentences():
        _new_file(output, overwrite, ".csv", ".zip")
        described = output.with_suffix(".json")
        if output.suffix == ".csv":
            _new_file(described, overwrite, ".json")
        if open_data is not None:
            _official(open_data)
        table = whole.area_table()
        if output.suffix == ".zip":
            with _whole(output) as part:
                part.write_bytes(area_file.zipped(table))
        else:
            # Both files or neither: each appears only when all are written.
            with ExitStack() as both:
                for ending, text in area_file.texts(table).items():
                    part = both.enter_context(_whole(output.with_suffix(ending)))
                    part.write_bytes(text.encode())
        typer.echo(f"{output}: {len(table):,} areas, {len(table.columns)} columns.")


@app.command(epilog=CODES)
def spokes(
    board: Annotated[str, typer.Option("--board", help="Name or code of the care board.")],
    new: Annotated[int, typer.Option("--new", min=1, max=10, help="How many clinics to add.")],
    weight: Annotated[
        float,
        typer.Option(
            "--weight", min=1, max=100, help="What a minute of the most deprived fifth counts for."
        ),
    ] = 1.0,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write (.csv); printed if not given.")
    ] = None,
    open_data: Annotated[
        Path | None, typer.Option("--open-data", help="Folder that holds the official files.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Choose the best new clinics for one care board, under every list of specialist centres.

    If clinics stood there, and everybody for whom one is nearer went to it, then so many minutes
    would be saved. A model of driving: no staff, no rooms, no referral; car ownership not included.
    """
    from distance_to_care import access, atlas, care_boards, tables
    from distance_to_care import travel as drives
    from distance_to_care.scenarios import spokes as model

    with _sentences():
        if output is not None:
            _new_file(output, overwrite, ".csv")
        if open_data is not None:
            _official(open_data)
        boards = care_boards.edition(tables.read("care_boards"))
        code = model.board_code(boards, board)
        official = {name: tables.official(name) for name in atlas.NEEDED}
        if absent := [name for name, frame in official.items() if frame is None]:
            raise Problem(
                f"Choosing clinics needs official files that are not here: {', '.join(absent)}. "
                "Run 'make data', or name their folder with --open-data."
            )
        assumed = tables.read("atlas_assumptions").set_index("name")["value"]
        areas = access.area_table(
            tables.read("areas"), boards, *official.values(), tables.read("area_coast"), assumed
        )
        mine = areas[areas["board_code"] == code]
        centres = tables.read("centres_ild")
        hospitals = care_boards.by_hospital(tables.read("hospitals"), tables.read("hospital_names"))
        candidates = care_boards.candidates(hospitals, centres, assumed["same_place_km"])
        near = access.minutes_by_list(drives.minutes_to(centres, mine), centres)
        found = model.of_place(mine, drives.minutes_to(candidates, mine), near, new, weight)
        if output is None:
            typer.echo(f"{mine['board'].iloc[0]}: {_counted(new, 'new clinic')}")
            typer.echo(model.as_text(found))
        else:
            asked = {"board": mine["board"].iloc[0], "spokes": new, "weight_most_deprived": weight}
            _write_table(found.assign(**asked, kind="scenario"), output)
            typer.echo(f"{output}: {len(found):,} rows.")
        _say(model.CAUTION)


@app.command(epilog=CODES)
def levers(
    draws: Annotated[
        int, typer.Option("--draws", min=100, max=1_000_000, help="Draws of all assumptions.")
    ] = 2000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes. The answer does not depend on it.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            help="Address of a running Dask scheduler, such as tcp://10.0.0.5:8786, to work on "
            "instead of here. The answer does not depend on it.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write (.csv); printed if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Compare what a million pounds a year would do if it were spent on one of four levers.

    The assumptions are those of data/scenario_assumptions.csv, and the people those of the
    published table levers_people. A model: if the assumptions held, then so many life years.
    """
    from distance_to_care import results, tables
    from distance_to_care.scenarios import assumptions
    from distance_to_care.scenarios import levers as model

    with _sentences():
        if output is not None:
            _new_file(output, overwrite, ".csv")
        people = places.ACCEPTED / f"{model.PEOPLE}.csv"
        if not people.exists():
            raise Problem(
                f"{people} is not there, and the levers need its people. "
                "Run 'make book' and then 'make accept'."
            )
        assumed = assumptions.of(tables.read("scenario_assumptions"), model.SCENARIO)
        found = model.compare(
            assumed,
            results.read_published(people, model.PEOPLE),
            draws,
            workers=workers,
            address=scheduler,
        )
        if output is None:
            typer.echo(model.as_text(found))
        else:
            told = {"draws": draws, "pounds_a_year": int(model.POUNDS), "seed": model.SEED}
            table = model.as_table(found).assign(**told)
            _write_table(table, output)
            typer.echo(f"{output}: {len(table):,} rows, {draws:,} draws.")
        _say(model.CAUTION)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _new_file(output: Path, overwrite: bool, *endings: str) -> None:
    """Refuse an output that cannot be written, before anything is worked out."""
    if str(output).startswith("~"):
        raise Problem(f"{output} begins with '~', which a shell opens only outside quotes.")
    if output.suffix not in endings:
        raise Problem(f"{output} must end in {' or '.join(endings)}.")
    if output.is_dir():
        raise Problem(f"{output} is a folder. Name a file in it.")
    if output.exists() and not overwrite:
        raise Problem(f"{output} exists. Name another file, or add --overwrite.")
    if not output.absolute().parent.is_dir():
        raise Problem(f"The folder {output.absolute().parent} does not exist. Make it first.")


class Between(StrEnum):
    """How studies that differ are added up."""

    reml = "reml"
    dersimonian_laird = "dersimonian_laird"
    paule_mandel = "paule_mandel"


@app.command(epilog=CODES)
def pool(
    file: Annotated[
        Path,
        typer.Argument(
            help="Your table of published ratios (CSV): study, outcome, measure, estimate, and "
            "where known question, ci_low, ci_high, p_value."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write (.csv); printed if not given.")
    ] = None,
    method: Annotated[
        Between, typer.Option("--method", help="Method of random effects.")
    ] = Between.reml,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Average published ratios of your own table, and keep apart what must not be averaged."""
    from dataclasses import replace

    from distance_to_care import synthesis, tables
    from distance_to_care.problems import Problems

    with _sentences():
        if output is not None:
            if file.resolve() == output.resolve():
                raise Problem(f"{output} is the table of ratios itself. Name another file.")
            _new_file(output, overwrite, ".csv")
        table, faults = tables.examine_file(file, synthesis.TABLE)
        known = {fault.column for fault in faults} & {"study", "outcome", "measure"}
        faults = [
            replace(fault, mend=f"{fault.mend} {synthesis.LESS_THAN}")
            if fault.column == "p_value"
            else fault
            for fault in faults
        ]
        faults += [fault for fault in synthesis.faults(table) if fault.column not in known]
        if faults:
            raise Problems(file.name, faults)
        found = synthesis.whole(table, method.value)
        for sentence in synthesis.remarks(table, table.attrs.get("columns_left_behind", 0)):
            typer.echo(sentence, err=True)
        if output is None:
            typer.echo(synthesis.as_text(found))
        else:
            _write_table(found, output)
            typer.echo(f"{output}: {_counted(len(table), 'estimate')}, {len(found):,} rows.")


@app.command(epilog=CODES)
def analyse(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    output: Annotated[Path, typer.Option("--output", help="Folder for the published tables.")],
    study: StudyOption = None,
    kind: KindOption = None,
) -> None:
    """Run every analysis of a cohort and write the published tables and their manifest."""
    from distance_to_care import analyses, results, tables

    with _sentences():
        decided = _cohort(file, study, kind)
        _own_folder(output, _written_before(output), decided)
        _same_kind(output.glob("manifest.json"), decided)
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(dir=output.absolute().parent, prefix=f".{output.name}-"))
        try:
            os.environ[places.RESULTS_VARIABLE] = str(working)
            paths = analyses.cohort_notebooks(tables.read_study().chapters_of)
            for path in _progress(paths):
                analyses.run(path, _quietly)
            merged = results.merge([path.stem for path in paths], working)
            # The old tables go only when the new ones stand ready beside them.
            if output.exists():
                output.replace(working / "old")
            merged.replace(output)
        finally:
            shutil.rmtree(working, ignore_errors=True)
        count = len(list(output.glob("*.csv"))) - 1
        typer.echo(f"{output}: {count} published tables, numbers.csv and manifest.json.")


def _quietly(line: str) -> None:
    """Say nothing: the progress bar says it."""


def _progress(items: list) -> Iterator:
    """Show progress on a terminal, and nowhere else."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description="Analysing", console=Console(stderr=True), transient=True)


def _cohort(file: Path, study: str | None, kind: Kind | None) -> str:
    """Check a cohort file, point the notebooks at it, and return what its people are."""
    from distance_to_care import analyses, tables

    chosen = tables.read_study(study)
    people = tables.read_cohort(file, chosen)
    decided = tables.cohort_kind(people, kind.value if kind else None)
    analyses.cohort_notebooks(chosen.chapters_of)
    os.environ[places.COHORT_VARIABLE] = str(file.absolute())
    # Kernels run in another folder, so a path has to hold from anywhere.
    is_path = study is not None and Path(study).is_file()
    os.environ[places.STUDY_VARIABLE] = str(Path(study).absolute()) if is_path else chosen.name
    os.environ[places.KIND_VARIABLE] = decided if decided != "synthetic" else ""
    return decided


def _same_kind(manifests: Iterable[Path], decided: str) -> None:
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


def _own_folder(output: Path, ours: set[str], decided: str) -> None:
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


def _written_before(output: Path) -> set[str]:
    """Name the files that an earlier `analyse` wrote into a folder, as its manifest lists them."""
    manifest = output / "manifest.json"
    if not manifest.is_file():
        return set()
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    files = {f"{name}.csv" for name in listed.get("tables", {})}
    files |= {f"{name}.svg" for name in listed.get("figures", {})}
    return files | {"manifest.json", "numbers.csv"}


@app.command(epilog=CODES)
def build(
    cohort: Annotated[
        Path | None, typer.Option("--cohort", help="Build from this cohort instead of the book's.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for results and site (with --cohort).")
    ] = None,
    study: StudyOption = None,
    kind: KindOption = None,
    open_data: Annotated[
        Path | None, typer.Option("--open-data", help="Folder that holds the official files.")
    ] = None,
    spawn: Annotated[
        bool, typer.Option("--spawn", help="Start each kernel afresh instead of forking it.")
    ] = False,
) -> None:
    """Execute what changed and build the site: what `make book` calls."""
    with _sentences():
        decided = "synthetic"
        if (cohort is None) != (output is None):
            raise Problem("--cohort and --output go together: your own data, your own folder.")
        if open_data is not None:
            _official(open_data)
        base = places.BUILD
        if cohort is not None:
            decided = _cohort(cohort, study, kind)
            _own_folder(output, {*BUILT, "site.json", "html.old"}, decided)
            _same_kind(output.glob("results/[!_]*/manifest.json"), decided)
            base = output.absolute()
    from distance_to_care.publication.build import Folders, book

    with _sentences(code=1):
        _say("Executing notebooks")
        try:
            site = book(Folders(base), _say, False if spawn else None, decided != "synthetic")
        except KeyboardInterrupt:
            _say("Stopped. The site that was there before is whole.")
            raise typer.Exit(130) from None
        typer.echo(f"Open {(site / 'index.html').as_uri()} (or run 'make serve').")


def _official(folder: Path) -> None:
    if not folder.is_dir():
        raise Problem(f"{folder} is not a folder. --open-data names the folder of official files.")
    os.environ[places.OFFICIAL_VARIABLE] = str(folder.absolute())


@app.command(epilog=CODES)
def certify(
    replicates: Annotated[
        int, typer.Option("--replicates", min=2, help="Cohorts for the quick methods.")
    ] = 5000,
    resampled_replicates: Annotated[
        int,
        typer.Option(
            "--resampled-replicates", min=0, help="Cohorts for those that impute or resample."
        ),
    ] = 500,
    truth_people: Annotated[
        int,
        typer.Option("--truth-people", min=1000, help="People whose values count as the truth."),
    ] = 5_000_000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes. The answer does not depend on it.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            help="Address of a running Dask scheduler, such as tcp://10.0.0.5:8786, to work on "
            "instead of here. The answer does not depend on it.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder, if not data/certificate.")
    ] = None,
    study: StudyOption = None,
) -> None:
    """Run the recovery certificate: do the methods return what synthetic people were made with?"""
    # Matrices are small here: threads of a linear algebra library would wait for one another.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    import pandas as pd

    from distance_to_care import tables
    from distance_to_care.statistics import recovery

    with _sentences():
        chosen = tables.read_study(study)
        setting = recovery.Setting(
            tables.read_parameters(chosen),
            tables.read("population_aged_50_plus"),
            chosen,
            tables.read_structures(chosen),
        )
        folder = output or places.DATA / "certificate"
        folder.mkdir(parents=True, exist_ok=True)
        with _bar("True values", 2 * recovery.BLOCKS) as done:
            truth = recovery.true_values(setting, truth_people, workers, done, scheduler)
        _write_table(truth, folder / "true_values.csv")
        parts = []
        for methods, count in (
            (recovery.QUICK, replicates),
            (recovery.RESAMPLED, resampled_replicates),
        ):
            for scenario in recovery.SCENARIOS if count else ():
                with _bar(f"{count:,} cohorts, {scenario}", count) as done:
                    parts.append(
                        recovery.replicated(
                            setting, range(count), scenario, methods, workers, done, scheduler
                        )
                    )
        estimates = pd.concat(parts, ignore_index=True)
        _write_table(recovery.first(estimates), folder / "recovery_first_replicates.csv")
        certificate = recovery.summarise(estimates, truth)
        _write_table(certificate, folder / "recovery_certificate.csv")
        verdicts = certificate["verdict"].value_counts()
        typer.echo(
            f"{folder}: {verdicts.get('pass', 0):,} checks pass, {verdicts.get('fail', 0):,} fail. "
            "Which fail, and whether they should, stands in recovery_certificate.csv. "
            "Run 'distance-to-care describe' if the folder is the project's own."
        )


def _write_table(table, path: Path) -> None:
    """Write a table whole or not at all, with as many digits as two machines share."""
    with _whole(path) as part:
        table.to_csv(part, index=False, float_format="%.10g", lineterminator="\n")


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of a long run is done, on a terminal; yields what to call with each advance."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


@app.command(epilog=CODES)
def accept() -> None:
    """Make the tables of the last build the accepted ones in book/results/."""
    from distance_to_care import results

    with _sentences():
        merged = places.BUILD / "results" / "_merged"
        if not (merged / "manifest.json").exists():
            raise Problem("There is no build to accept. Run 'make book' first.")
        changed = results.accept(merged, date.today().isoformat())
        for name in changed:
            typer.echo(f"changed: {name}")
        typer.echo(f"{len(changed)} files of book/results/ changed. Say why in CHANGELOG.md.")


@app.command(epilog=CODES)
def describe() -> None:
    """Write today's sha256 and size of every data file into the descriptor, after a change."""
    import hashlib

    from distance_to_care import tables

    with _sentences():
        package = tables.descriptor()
        changed = tables.altered()
        for entry in package["resources"]:
            content = (places.DATA / entry["path"]).read_bytes()
            entry["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if "bytes" in entry:
                entry["bytes"] = len(content)
        text = json.dumps(package, indent=1, ensure_ascii=False) + "\n"
        with _whole(places.DESCRIPTOR) as part:
            part.write_text(text, encoding="utf-8")
        typer.echo(f"{len(changed)} files had changed: {', '.join(changed) or 'none'}.")


@app.command(epilog=CODES)
def compare() -> None:
    """Compare the tables of the last build with the accepted ones."""
    from distance_to_care import results

    with _sentences():
        merged = places.BUILD / "results" / "_merged"
        if not (merged / "manifest.json").exists():
            raise Problem("There is no build to compare. Run 'make book' first.")
        found = results.compare(merged)
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    typer.echo("Every published table says what the accepted one says.")


@app.command(epilog=CODES)
def data(
    destination: Annotated[
        Path | None, typer.Option("--open-data", help="Folder to keep the files in.")
    ] = None,
    medicines: Annotated[
        int,
        typer.Option("--medicines", min=0, help="Months of hospital medicines to obtain as well."),
    ] = 0,
) -> None:
    """Obtain the official open files, check them and keep them outside the repository.

    Hospital medicines are large files, one a month, and change the tables of a chapter, so they
    are obtained on request only.
    """
    from distance_to_care import medicine_files, official

    with _sentences():
        folder = destination or places.official_cache()
        official.obtain(folder, say=_say)
        if medicines:
            medicine_files.obtain(folder, medicines, say=_say)
        else:
            _say("hospital_medicines (optional): not asked for; 'make data MONTHS=12' obtains them")


@app.command(epilog=CODES)
def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    folder: Annotated[Path | None, typer.Option("--site", help="Folder of the site.")] = None,
) -> None:
    """Serve the built site on this machine only."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    with _sentences():
        site = folder or places.BUILD / "html"
        if not (site / "index.html").exists():
            raise Problem(f"There is no site in {site}. Run 'make book' first.")
        handler = partial(SimpleHTTPRequestHandler, directory=str(site))
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            typer.echo(f"Serving on http://127.0.0.1:{port}/ (stop with Ctrl+C)")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                typer.echo("Stopped.")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
