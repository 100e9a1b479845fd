"""Commands for several registries: contribute to a round, pool what was released.

`pool` also averages published ratios of a reader's own table: one command, whose arguments say
what is pooled.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.cohorts import (
    ProfileOption,
    ThresholdOption,
    own_folder,
    point,
    same_kind,
    withholding,
)
from distance_to_care.command_line.frame import (
    CODES,
    KindOption,
    StudyOption,
    app,
    counted,
    new_file,
    say,
    sentences,
    whole,
    write_table,
)
from distance_to_care.problems import Problem

# The record of answered rounds stays in the environment: a release passes this folder over.
KEPT = ".chapters"
RECORD = "rounds.json"


class Between(StrEnum):
    """How studies that differ are added up."""

    reml = "reml"
    dersimonian_laird = "dersimonian_laird"
    paule_mandel = "paule_mandel"


@app.command(epilog=CODES)
def contribute(
    file: Annotated[Path, typer.Argument(help="Cohort file: CSV (UTF-8) or Parquet.")],
    coefficients: Annotated[
        Path, typer.Option("--coefficients", help="The round to answer: round_N.json.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", help="Folder for the answer, the same in every round."),
    ],
    study: StudyOption = None,
    kind: KindOption = None,
    profile: ProfileOption = None,
    threshold: ThresholdOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Refuse a round of any other model.")
    ] = None,
    exposure: Annotated[
        str | None, typer.Option("--exposure", help="Refuse a round of any other exposure.")
    ] = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(
            "--earlier", help="Release of an earlier round, where its folder is gone. Repeatable."
        ),
    ] = None,
) -> None:
    """Answer one round of a Cox model over several registries: a score and an information matrix.

    No person leaves, only the derivatives of this registry's likelihood at the coefficients that
    round_N.json names, through the same disclosure control as every table. Release the folder as
    any other.
    """
    from distance_to_care import cohort, registries, results
    from distance_to_care.command_line import chapters, run_record

    started = run_record.now()
    with sentences(), withholding("The contribution"):
        asked = registries.of_json(_read(coefficients), str(coefficients))
        for what, wanted, has in (
            ("model", model, asked.model),
            ("exposure", exposure, asked.exposure),
        ):
            if wanted not in (None, has):
                raise Problem(f"{coefficients} asks for the {what} '{has}', not '{wanted}'.")
        pointed = point(file, study, kind, profile, threshold)
        own_folder(output, _written_before(output), pointed.kind)
        same_kind(output.glob("manifest.json"), pointed.kind)
        people = cohort.load(file)
        record = _record(output, earlier or [])
        record = registries.may_answer(
            asked, people.study, people.people, record, pointed.profile.threshold
        )
        table = registries.answer(people.people, people.study, asked)
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(dir=output.absolute().parent, prefix=f".{output.name}-"))
        try:
            page = results.Page(registries.PAGE, root=working)
            title = f"Contribution to round {asked.number} of a model over several registries"
            try:
                page.publish(table, registries.CONTRIBUTION, title, [results.COHORT], pointed.kind)
            except Problem as problem:
                few = registries.too_few(table, pointed.profile.threshold)
                too_few = "Too few people, or too few who died or did not"
                where = f" {too_few}: {', '.join(few)}." if few else ""
                raise Problem(
                    f"This registry may not contribute. {problem}{where} Merge levels in the study "
                    "file that all registries share, or release hazard ratios for the average of "
                    "one round."
                ) from None
            merged = results.merge([registries.PAGE], working)
            run = run_record.record(
                people.study,
                len(people.people),
                pointed.kind,
                pointed.profile,
                chapters.of_program([]),
                started,
                {},
            )
            run_record.write(merged, run)
            (merged / KEPT).mkdir()
            text = json.dumps(record, indent=2) + "\n"
            (merged / KEPT / RECORD).write_text(text, encoding="utf-8")
            # The old answer goes only when the new one stands ready beside it.
            if output.exists():
                output.replace(working / "old")
            merged.replace(output)
        finally:
            shutil.rmtree(working, ignore_errors=True)
        typer.echo(
            f"{output}: this registry's answer to round {asked.number} ({asked.model}, "
            f"{asked.exposure}). Release it, and send the release to whoever pools."
        )
        if asked.own_fifths:
            say(registries.OWN_FIFTHS)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Problem(f"{path} is not text in UTF-8.") from None


def _record(output: Path, earlier: Sequence[Path]) -> dict | None:
    """What this registry answered before: the record in its folder, or its earlier releases."""
    from distance_to_care import registries

    kept = output / KEPT / RECORD
    if kept.is_file():
        try:
            return json.loads(_read(kept))
        except ValueError:
            raise Problem(
                f"{kept} is not whole. Name the earlier releases with --earlier, and "
                "another folder."
            ) from None
    return registries.record_of(registries.read_earlier(earlier))


def _written_before(output: Path) -> set[str]:
    """Name the files that an earlier `contribute` wrote into a folder."""
    from distance_to_care import registries

    manifest = output / "manifest.json"
    if not manifest.is_file():
        return set()
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    if list(listed.get("pages", {})) != [registries.PAGE]:
        return set()
    ours = {f"{name}.csv" for name in listed["tables"]}
    return ours | {"manifest.json", "numbers.csv", "run.json", KEPT}


@app.command(epilog=CODES)
def pool(
    what: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of releases, one a registry; or one table of published ratios (CSV): "
            "study, outcome, measure, estimate, and where known question, ci_low, ci_high, p_value."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write (.csv); printed if not given.")
    ] = None,
    method: Annotated[
        Between, typer.Option("--method", help="Method of random effects.")
    ] = Between.reml,
    model: Annotated[
        str | None, typer.Option("--model", help="Of releases: one model; all if not given.")
    ] = None,
    exposure: Annotated[
        str | None, typer.Option("--exposure", help="Of releases: one exposure; all if not given.")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Add up the contributions to one round.")
    ] = False,
    rounds: Annotated[
        Path, typer.Option("--rounds", help="Folder of the files round_N.json.")
    ] = Path(),
    start: Annotated[
        bool,
        typer.Option("--start", help="Write round_1.json for --model and --exposure; no folders."),
    ] = False,
    distance_cuts: Annotated[
        str | None,
        typer.Option(
            "--distance-cuts",
            help="With --start: four distances (whole km) at which all registries cut their "
            "distance fifths, such as '5 12 25 50'. One set for ever.",
        ),
    ] = None,
    study: StudyOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Pool several registries' releases, or average published ratios of your own table.

    Folders: the released hazard ratios are averaged; with --exact the contributions to one round
    are added up, and the answer, or the next round, is written. A file: its ratios are averaged,
    and what must not be averaged is kept apart.
    """
    with sentences():
        given = list(what or [])
        if start:
            _start(given, rounds, study, model, exposure, distance_cuts, overwrite)
        elif not given:
            raise Problem("Name folders of releases, or one table of ratios (CSV).")
        elif len(given) == 1 and not given[0].is_dir() and not exact:
            _pool_file(given[0], output, method.value, overwrite)
        else:
            if output is not None:
                new_file(output, overwrite, ".csv")
            if exact:
                _pool_exactly(given, rounds, output, overwrite)
            else:
                _pool_releases(given, model, exposure, method.value, output)


def _pool_file(file: Path, output: Path | None, method: str, overwrite: bool) -> None:
    """Average the published ratios of a table."""
    from dataclasses import replace

    from distance_to_care import synthesis, tables
    from distance_to_care.problems import Problems

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
    found = synthesis.whole(table, method)
    for sentence in synthesis.remarks(table, table.attrs.get("columns_left_behind", 0)):
        typer.echo(sentence, err=True)
    if output is None:
        typer.echo(synthesis.as_text(found))
    else:
        write_table(found, output)
        typer.echo(f"{output}: {counted(len(table), 'estimate')}, {len(found):,} rows.")


def _pool_releases(
    folders: Sequence[Path],
    model: str | None,
    exposure: str | None,
    method: str,
    output: Path | None,
) -> None:
    """Average the hazard ratios that registries released."""
    from distance_to_care import registries, synthesis
    from distance_to_care.statistics import pooled_cox

    releases = registries.read(folders)
    ratios = registries.ratios(releases, model, exposure)
    found = pooled_cox.averaged(ratios, method).assign(kind=releases[0].kind)
    for sentence in registries.remarks(releases):
        say(sentence)
    if registries.cut_by_each(releases, ratios):
        say(registries.OWN_FIFTHS)
    withheld = int(ratios["hazard_ratio"].isna().sum())
    if withheld:
        ones = counted(withheld, "ratio")
        say(f"{ones} withheld by a registry, and left out: the rows of the average say whose.")
    if output is None:
        names = ["model", "exposure", "level", "reference"]
        text = [
            ", ".join(filter(None, (of_model, of_exposure, f"{level} against {reference}")))
            for of_model, of_exposure, level, reference in found[names].to_numpy()
        ]
        is_one = found["measure"] == "registry"
        as_text = found.assign(
            set=text, study=found["registry"], measure=found["measure"].mask(is_one, "study"),
            allowed="as released", left_out="",
        )  # fmt: skip
        typer.echo(_banner(releases[0].kind) + synthesis.as_text(as_text))
    else:
        write_table(found, output)
        typer.echo(f"{output}: {counted(len(releases), 'release')}, {len(found):,} rows.")


def _banner(kind: str) -> str:
    from distance_to_care import results

    return f"{results.BANNERS[kind]}.\n" if kind == "synthetic" else ""


def _size(step: float) -> str:
    """Write how far a step goes, without powers of ten."""
    return f"{step:,.0f}" if step >= 10 else f"{step:.1f}" if step >= 0.1 else "less than 0.1"


def _pool_exactly(
    folders: Sequence[Path], rounds: Path, output: Path | None, overwrite: bool
) -> None:
    """Add up the contributions to one round, and write the answer or the next round."""
    from distance_to_care import registries
    from distance_to_care.statistics import pooled_cox

    releases = registries.read(folders)
    number = registries.round_number(releases)
    path = rounds / f"round_{number}.json"
    if not path.is_file():
        raise Problem(
            f"{path} is not there, and these releases answer it. Name its folder with --rounds."
        )
    asked = registries.of_json(_read(path), str(path))
    registries.refuse_other_registries(asked, len(releases))
    now = pooled_cox.added(registries.contributions(releases, asked))
    following, step = registries.next_round(asked, now, len(releases))
    for sentence in registries.remarks(releases):
        say(sentence)
    if asked.own_fifths:
        say(registries.OWN_FIFTHS)
    answered = f"Round {number} of {_registries(len(releases))}"
    if not step.arrived:
        if following.number > registries.MOST_ROUNDS:
            raise Problem(
                f"{answered}: no end after {number} rounds, and registries answer no more. Some "
                "term may have no finite estimate: merge its levels, or leave it out."
            )
        path = rounds / f"round_{following.number}.json"
        new_file(path, overwrite, ".json")
        _write_round(following, path)
        typer.echo(
            f"{answered}: not yet there (the step is {_size(step.distance)} standard errors). "
            f"{path} is what every registry answers next."
        )
        return
    terms = registries.terms_of(asked)
    table = pooled_cox.hazard_ratios(now, terms).assign(
        model=asked.model, exposure=asked.exposure,
        registries=len(releases), rounds=number, kind=releases[0].kind,
    )  # fmt: skip
    typer.echo(
        f"{_banner(releases[0].kind)}{answered}: there. This is the Cox model of all people "
        "together, each registry a stratum."
    )
    if output is None:
        for row in table.itertuples():
            name = f"{row.term} {row.level}" + (f" against {row.reference}" * bool(row.reference))
            ratio = f"{row.hazard_ratio:.3f} ({row.ci_low:.3f} to {row.ci_high:.3f})"
            typer.echo(f"  {name}: {ratio}")
    else:
        write_table(table, output)
        typer.echo(f"{output}: {len(table):,} rows.")


def _registries(count: int) -> str:
    return "1 registry" if count == 1 else f"{count:,} registries"


def _start(
    given: Sequence[Path],
    rounds: Path,
    study: str | None,
    model: str | None,
    exposure: str | None,
    distance_cuts: str | None,
    overwrite: bool,
) -> None:
    """Write round_1.json."""
    from distance_to_care import analyses, registries, tables

    if given or model is None or exposure is None:
        raise Problem("--start takes --model and --exposure, and no folders.")
    cuts = None
    if distance_cuts is not None:
        try:
            cuts = [float(part) for part in distance_cuts.replace(",", " ").split()]
        except ValueError:
            raise Problem("--distance-cuts takes four numbers, such as '5 12 25 50'.") from None
    chosen = tables.read_study(study or os.environ.get(places.STUDY_VARIABLE) or None)
    # What every registry would be refused for is refused before the first is asked.
    analyses.chapters_for(chosen)
    asked = registries.first_round(chosen, exposure, model, cuts)
    path = rounds / "round_1.json"
    new_file(path, overwrite, ".json")
    _write_round(asked, path)
    typer.echo(f"{path}: {counted(len(asked.terms), 'term')}, all coefficients nought.")
    if asked.own_fifths:
        say(registries.OWN_FIFTHS)


def _write_round(asked, path: Path) -> None:
    with whole(path) as part:
        text = json.dumps(asked.as_json(), indent=2, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")
