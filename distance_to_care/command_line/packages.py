"""The command that gathers packages for a place without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distance_to_care.command_line.frame import CODES, app, new_file, say, sentences


@app.command(epilog=CODES)
def wheelhouse(
    folder: Annotated[Path, typer.Argument(help="New folder for packages, project, installer.")],
    site: Annotated[
        bool, typer.Option("--site", help="Also what building the site needs, and running tests.")
    ] = False,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Also acro, asked beside the gate.")
    ] = False,
    python: Annotated[
        str, typer.Option("--python", help="Version of Python there, such as 3.12, if not this.")
    ] = "",
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", help="Kind of computer there, such as win_amd64, if not this."),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="Also write number and size to this CSV file.")
    ] = None,
) -> None:
    """Gather every package with checksums, the project and an installer, to carry in as files."""
    from distance_to_care import wheelhouse as gathering

    with sentences():
        if record:
            new_file(record, True, ".csv")
        target = gathering.Target(python, tuple(platform or ()))
        extras = ("book", "test") if site else ("second-opinion",) if second_opinion else ()
        found = gathering.gather(folder, say, extras, target)
        if record:
            record.write_text(gathering.size(found), encoding="utf-8")
        typer.echo(
            f"{folder}: {found['packages']} packages ({found['built']} built here), "
            f"{found['bytes'] / 1e6:,.0f} MB. Carry it in whole; there: python install.py FOLDER"
        )
