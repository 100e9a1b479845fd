"""Commands for releases: write what may leave a secure environment, and verify what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care.command_line.frame import CODES, app, counted, say, sentences


@app.command(epilog=CODES)
def release(
    work: Annotated[Path, typer.Argument(help="Folder that 'analyse' wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="RELEASE", help="New folder to write.")],
    earlier: Annotated[
        list[Path] | None,
        typer.Option("--earlier", help="An earlier release about these people; may be repeated."),
    ] = None,
    first: Annotated[
        bool,
        typer.Option("--first", help="State that nothing about these people was released before."),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="Name of a table to leave out; may be repeated."),
    ] = None,
    reviewer: Annotated[
        str, typer.Option("--reviewer", help="Name of the person who is asked to look at it.")
    ] = "",
    profile: Annotated[
        str, typer.Option("--profile", help="Disclosure profile that every table must keep.")
    ] = "",
    date: Annotated[
        str,
        typer.Option(
            "--date", help="Day of the release, as 2026-05-31; else SOURCE_DATE_EPOCH or today."
        ),
    ] = "",
) -> None:
    """Write what may leave of a work folder: tables, manifest, request form and run crate."""
    from distance_to_care import releasing

    with sentences():
        done = releasing.release(
            work, folder, earlier or (), first, without or (), reviewer, profile, date, say
        )
        typer.echo(f"{folder}: {counted(done.tables, 'table')}, to be read before it leaves.")
        if done.withheld:
            cells = counted(sum(done.withheld.values()), "further cell")
            typer.echo(f"Withheld so that no count can be worked out: {cells} in "
                       f"{', '.join(done.withheld)}.")  # fmt: skip
        if done.left_out:
            typer.echo(f"Left out, since no cell was left to withhold: {', '.join(done.left_out)}.")
        if done.asks_for_truth:
            typer.echo("Not in it, since they ask what was built into synthetic people: "
                       f"{', '.join(done.asks_for_truth)}.")  # fmt: skip
        typer.echo(f"Digest of the release: {done.digest}")


@app.command(epilog=CODES)
def verify(
    folder: Annotated[Path, typer.Argument(metavar="RELEASE", help="Folder of a release.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:
    """Verify a release: nothing missing, extra or altered, and every rule of its receipts kept."""
    from distance_to_care import releasing

    with sentences():
        faults = releasing.faults(folder)
        digest = "" if faults else releasing.digest(folder)
        reviewer = {} if faults else releasing.read(folder)["reviewer"]
    if as_json:
        typer.echo(json.dumps({"faults": faults, "digest": digest, "reviewer": reviewer}, indent=2))
    elif faults:
        typer.echo(f"{folder} is not the release that was written:", err=True)
        for fault in faults:
            typer.echo(f"  - {fault}", err=True)
    else:
        typer.echo(f"{folder}: whole, and every rule is kept.")
        typer.echo(f"Digest of the release: {digest}")
        typer.echo(_looked_at(reviewer))
    if faults:
        raise typer.Exit(1)


def _looked_at(reviewer: dict[str, str]) -> str:
    """Tell what the manifest says of the reviewer, which nobody but a person can prove."""
    if not reviewer["decision"]:
        asked = f" ({reviewer['name']} was asked)" if reviewer["name"] else ""
        return f"Reviewer: nobody has decided yet{asked}."
    return (
        f"Reviewer, as the manifest says: {reviewer['name']}, {reviewer['decision']} on "
        f"{reviewer['date']}. Compare the digest with the one that was reviewed."
    )
