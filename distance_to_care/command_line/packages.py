"""The command that gathers packages for a place without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distance_to_care.command_line.frame import CODES, app, say, sentences


@app.command(epilog=CODES)
def wheelhouse(
    folder: Annotated[Path, typer.Argument(help="New folder for packages, project, installer.")],
    site: Annotated[
        bool, typer.Option("--site", help="Also what building the site needs, and running tests.")
    ] = False,
    python: Annotated[
        str, typer.Option("--python", help="Version of Python there, such as 3.12, if not this.")
    ] = "",
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", help="Kind of computer there, such as win_amd64, if not this."),
    ] = None,
) -> None:
    """Gather every package with checksums, the project and an installer, to carry in as files."""
    from distance_to_care import wheelhouse as gathering

    with sentences():
        target = gathering.Target(python, tuple(platform or ()))
        extras = ("book", "test") if site else ()
        found = gathering.gather(folder, say, extras, target)
        typer.echo(
            f"{folder}: {found['packages']} packages ({found['built']} built here), "
            f"{found['bytes'] / 1e6:,.0f} MB. Carry it in whole; there: python install.py FOLDER"
        )
