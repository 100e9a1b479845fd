"""Commands for places and money: travel, the atlas, new clinics, levers."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.frame import (
    CODES,
    SchedulerOption,
    WorkersOption,
    app,
    counted,
    new_file,
    point_at_official_files,
    say,
    sentences,
    whole,
    write_table,
)
from distance_to_care.problems import Problem


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

    with sentences():
        if centres.resolve() == output.resolve():
            raise Problem(f"{output} is the list of centres itself. Name another file.")
        new_file(output, overwrite, ".csv", ".parquet")
        listed = drives.read_centres(centres)
        found = drives.nearest_centre(tables.read("areas"), listed, multiplier)
        if output.suffix == ".csv":
            write_table(found, output)
        else:
            with whole(output) as part:
                found.to_parquet(part, index=False, compression="zstd")
        for line in drives.what_to_know(listed):
            say(line)
        typer.echo(f"{output}: {len(found):,} areas, {counted(len(listed), 'centre')}.")


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
    from distance_to_care import atlas as of_areas
    from distance_to_care.publication import area_file

    with sentences():
        new_file(output, overwrite, ".csv", ".zip")
        described = output.with_suffix(".json")
        if output.suffix == ".csv":
            new_file(described, overwrite, ".json")
        if open_data is not None:
            point_at_official_files(open_data)
        table = of_areas.area_table()
        if output.suffix == ".zip":
            with whole(output) as part:
                part.write_bytes(area_file.zipped(table))
        else:
            # Both files or neither: each appears only when all are written.
            with ExitStack() as both:
                for ending, text in area_file.texts(table).items():
                    part = both.enter_context(whole(output.with_suffix(ending)))
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

    with sentences():
        if output is not None:
            new_file(output, overwrite, ".csv")
        if open_data is not None:
            point_at_official_files(open_data)
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
            typer.echo(f"{mine['board'].iloc[0]}: {counted(new, 'new clinic')}")
            typer.echo(model.as_text(found))
        else:
            asked = {"board": mine["board"].iloc[0], "spokes": new, "weight_most_deprived": weight}
            write_table(found.assign(**asked, kind="scenario"), output)
            typer.echo(f"{output}: {len(found):,} rows.")
        say(model.CAUTION)


@app.command(epilog=CODES)
def levers(
    draws: Annotated[
        int, typer.Option("--draws", min=100, max=1_000_000, help="Draws of all assumptions.")
    ] = 2000,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
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

    with sentences():
        if output is not None:
            new_file(output, overwrite, ".csv")
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
            write_table(table, output)
            typer.echo(f"{output}: {len(table):,} rows, {draws:,} draws.")
        say(model.CAUTION)
