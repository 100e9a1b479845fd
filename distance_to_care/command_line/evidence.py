"""The command that proves methods on known truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import (
    CODES,
    SchedulerOption,
    StudyOption,
    WorkersOption,
    app,
    bar,
    sentences,
    write_table,
)


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
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
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

    with sentences():
        chosen = tables.read_study(study)
        setting = recovery.Setting(
            tables.read_parameters(chosen),
            tables.read("population_aged_50_plus"),
            chosen,
            tables.read_structures(chosen),
        )
        folder = output or places.DATA / "certificate"
        folder.mkdir(parents=True, exist_ok=True)
        with bar("True values", 2 * recovery.BLOCKS) as done:
            truth = recovery.true_values(setting, truth_people, workers, done, scheduler)
        write_table(truth, folder / "true_values.csv")
        parts = []
        for methods, count in (
            (recovery.QUICK, replicates),
            (recovery.RESAMPLED, resampled_replicates),
        ):
            for scenario in recovery.SCENARIOS if count else ():
                with bar(f"{count:,} cohorts, {scenario}", count) as done:
                    parts.append(
                        recovery.replicated(
                            setting, range(count), scenario, methods, workers, done, scheduler
                        )
                    )
        estimates = pd.concat(parts, ignore_index=True)
        write_table(recovery.first(estimates), folder / "recovery_first_replicates.csv")
        certificate = recovery.summarise(estimates, truth)
        write_table(certificate, folder / "recovery_certificate.csv")
        verdicts = certificate["verdict"].value_counts()
        typer.echo(
            f"{folder}: {verdicts.get('pass', 0):,} checks pass, {verdicts.get('fail', 0):,} fail. "
            "Which fail, and whether they should, stands in recovery_certificate.csv. "
            "Run 'distance-to-care describe' if the folder is the project's own."
        )
