"""Commands for evidence: published ratios averaged, methods proved on known truth."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import (
    CODES,
    StudyOption,
    app,
    bar,
    counted,
    new_file,
    sentences,
    write_table,
)
from distance_to_care.problems import Problem


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

    with sentences():
        if output is not None:
            if file.resolve() == output.resolve():
                raise Problem(f"{output} is the table of ratios itself. Name another file.")
            new_file(output, overwrite, ".csv")
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
            write_table(found, output)
            typer.echo(f"{output}: {counted(len(table), 'estimate')}, {len(found):,} rows.")


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
