"""Commands about the environment: is everything there, and how long does an analysis take."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import CODES, app, new_file, say, sentences, write_table
from distance_to_care.problems import Problem

# Two sizes give a fixed part and a part for each person.
SIZES = (600, 2359)


@app.command(epilog=CODES)
def doctor(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where results are to be written.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
) -> None:
    """Look at this environment: what is well, what to look at, and what stops an analysis.

    It reads nothing about people, sends nothing, and names no user, computer or folder.
    """
    from distance_to_care import doctor as looking

    with sentences():
        found = looking.examine(folder)
        stops = any(finding.state == looking.STOPS for finding in found)
        if as_json:
            typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
        else:
            for finding in found:
                typer.echo(str(finding))
            typer.echo("Something stops you." if stops else "Nothing stops you.")
    raise typer.Exit(1 if stops else 0)


@app.command(epilog=CODES)
def measure(
    output: Annotated[Path, typer.Option("--output", help="File to write (.csv).")] = places.DATA
    / "chapter_costs.csv",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Measure seconds and memory of every chapter about people, for `check` to foretell them by.

    Synthetic people of two sizes are analysed, one process each; memory is the most that one held.
    """
    import pandas as pd

    from distance_to_care import analyses, tables

    with sentences():
        new_file(output, overwrite, ".csv")
        rows = []
        for study in (*tables.study_names(), analyses.ANY):
            try:
                analyses.cohort_notebooks(study)
            except Problem:
                # A study without chapters takes no time.
                continue
            for people in SIZES:
                say(f"{study}: {people:,} people")
                rows += _measured(study, people)
        table = pd.DataFrame(rows).sort_values(["study", "chapter", "people"])
        write_table(table, output)
        typer.echo(f"{output}: {len(table)} measurements.")


def _measured(study: str, people: int) -> list[dict]:
    from distance_to_care import analyses, tables

    with tempfile.TemporaryDirectory() as folder:
        file, work = Path(folder) / "people.csv", Path(folder) / "work"
        named = ("--study", study)
        if study == analyses.ANY:
            # Any disease is measured on the people of the default study, as the book shows them.
            base = tables.read_study().name
            named = ("--study", str(Path(folder) / f"{study}.toml"))
            words = (f'{key} = "{value}"\n' for key, value in
                     {"name": study, "based_on": base, "chapters": study}.items())  # fmt: skip
            Path(named[1]).write_text("".join(words), encoding="utf-8")
            _call("synthesise", "--people", people, "--output", file)
        else:
            _call("synthesise", "--people", people, "--output", file, *named)
        # Memory is that of the largest process that was waited for: so one process a measurement.
        code = (
            "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]).returncode; "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done)"
        )
        command = [sys.executable, "-m", "distance_to_care", "analyse", str(file)]
        command += ["--output", str(work), *named]
        found = _run([sys.executable, "-c", code, *command])
        kilobytes = int(found.splitlines()[-1])
        seconds = json.loads((work / "run.json").read_text(encoding="utf-8"))["seconds"]
    return [
        {
            "study": study,
            "chapter": chapter,
            "people": people,
            "seconds": round(took, 1),
            "memory_mb": round(kilobytes / 1024),
        }
        for chapter, took in seconds.items()
    ]


def _call(*arguments: object) -> None:
    _run([sys.executable, "-m", "distance_to_care", *map(str, arguments)])


def _run(command: list[str]) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=places.ROOT)
    if found.returncode:
        raise Problem(f"A measured analysis failed: {found.stderr.strip()}")
    return found.stdout
