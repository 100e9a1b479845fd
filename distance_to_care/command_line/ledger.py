"""The command for the change ledger: record a version, propose entries, say what is missing."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from distance_to_care import __version__
from distance_to_care.command_line.frame import CODES, app, counted, sentences
from distance_to_care.problems import Problem


@app.command("ledger", epilog=CODES)
def change_ledger(
    release: Annotated[
        str | None,
        typer.Option("--release", help="Record the accepted numbers as those of this version."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="With --release: record a version anew, before it is out."),
    ] = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Write entries for what changed, their reasons open.")
    ] = False,
    why: Annotated[
        str, typer.Option("--why", help="With --propose: the reason of all entries without one.")
    ] = "",
) -> None:
    """Compare the accepted numbers with the last version's, entry by entry of the change ledger."""
    from distance_to_care.publication import ledger

    with sentences():
        releasing = release is not None
        if (releasing and propose) or (again and not releasing) or (why and not propose):
            raise Problem(
                "--release (with --again) and --propose (with --why) are two different acts."
            )
        now = ledger.published()
        if releasing:
            _refuse(release, again)
            file = ledger.write_record(release, now)
            typer.echo(f"Recorded {counted(len(now), 'number')} and tables in {file.name}.")
            return
        version, before = ledger.last_version(), ledger.read_record()
        found, entries = ledger.changes(before, now), ledger.read()
        if propose:
            entries = ledger.proposed(
                found,
                entries,
                version,
                date.today().isoformat(),
                ledger.earlier_tables(found),
                why,
            )
            ledger.write(entries)
            typer.echo(
                f"{counted(len(found), 'change')} after {version}. Say why in "
                "book/versions/change_ledger.csv."
            )
            return
        missing = ledger.faults(found, entries, version)
        for line in missing:
            typer.echo(line)
        if missing:
            raise typer.Exit(1)
        new = len(ledger.added(before, now))
        typer.echo(
            f"{counted(len(found), 'change')} after {version}, each with its reason; {new:,} new."
        )


def _refuse(release: str, again: bool) -> None:
    """Refuse to record what is not the version at hand, or over changes without a reason."""
    from distance_to_care.publication import ledger

    if release != __version__:
        raise Problem(f"This is version {__version__}, not {release}. Change the version first.")
    if ledger.record_of(release).exists() and not again:
        raise Problem(
            f"Version {release} has its record. Where it is not out yet, record it --again."
        )
    if again or not ledger.records():
        return
    before = ledger.read_record()
    missing = ledger.faults(
        ledger.changes(before, ledger.published()), ledger.read(), ledger.last_version()
    )
    if missing:
        raise Problem("The ledger does not explain every change:\n" + "\n".join(missing))
