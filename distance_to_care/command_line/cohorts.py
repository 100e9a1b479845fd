"""Commands for people: check a file of them, draw synthetic ones, analyse them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import (
    CODES,
    Kind,
    KindOption,
    StudyOption,
    app,
    new_file,
    sentences,
    whole,
)
from distance_to_care.problems import Problem


class Effects(StrEnum):
    """Which effects of deprivation and distance are built into synthetic people."""

    published = "published"
    none = "none"


@app.command(epilog=CODES)
def check(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    study: StudyOption = None,
) -> None:
    """Check a cohort file against the contract: every problem at once, never a value from a row."""
    from distance_to_care import tables

    with sentences():
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

    with sentences():
        new_file(output, overwrite, ".csv", ".parquet")
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

    with whole(output) as part:
        if output.suffix == ".csv":
            part.write_bytes(synthetic.to_csv_bytes(drawn))
        else:
            drawn.to_parquet(part, index=False, compression="zstd")


@app.command(epilog=CODES)
def analyse(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    output: Annotated[Path, typer.Option("--output", help="Folder for the published tables.")],
    study: StudyOption = None,
    kind: KindOption = None,
) -> None:
    """Run every analysis of a cohort and write the published tables and their manifest."""
    from distance_to_care import analyses, results, tables

    with sentences():
        decided = point_at_cohort(file, study, kind)
        own_folder(output, _written_before(output), decided)
        same_kind(output.glob("manifest.json"), decided)
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


def point_at_cohort(file: Path, study: str | None, kind: Kind | None) -> str:
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


def _written_before(output: Path) -> set[str]:
    """Name the files that an earlier `analyse` wrote into a folder, as its manifest lists them."""
    manifest = output / "manifest.json"
    if not manifest.is_file():
        return set()
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    files = {f"{name}.csv" for name in listed.get("tables", {})}
    files |= {f"{name}.svg" for name in listed.get("figures", {})}
    return files | {"manifest.json", "numbers.csv"}
