"""Commands for the book: build, accept, compare, describe, data, serve."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import places
from distance_to_care.command_line.cohorts import own_folder, point_at_cohort, same_kind
from distance_to_care.command_line.frame import (
    CODES,
    KindOption,
    StudyOption,
    app,
    point_at_official_files,
    say,
    sentences,
)
from distance_to_care.problems import Problem
from distance_to_care.whole_file import whole

# What a build keeps in a folder of its own.
BUILT = ("results", "execution", "html", "staging")


@app.command(epilog=CODES)
def build(
    cohort: Annotated[
        Path | None, typer.Option("--cohort", help="Build from this cohort instead of the book's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder for results and site (with --cohort, --released)."),
    ] = None,
    released: Annotated[
        Path | None,
        typer.Option(
            "--released",
            help="Redraw the book from this release, without people: into --output, or else into "
            "_build/released/.",
        ),
    ] = None,
    study: StudyOption = None,
    kind: KindOption = None,
    open_data: Annotated[
        Path | None, typer.Option("--open-data", help="Folder that holds the official files.")
    ] = None,
    slides: Annotated[
        bool,
        typer.Option("--slides", help="Draw a slide of each figure as well (needs Chromium)."),
    ] = False,
    spawn: Annotated[
        bool, typer.Option("--spawn", help="Start each kernel afresh instead of forking it.")
    ] = False,
) -> None:
    """Execute what changed and build the site: what `make book` calls."""
    with sentences():
        decided = "synthetic"
        if released is not None and (cohort is not None or study or kind):
            raise Problem(
                "--released brings its own study and no people: leave out --cohort, --study and "
                "--kind."
            )
        if released is None and (cohort is None) != (output is None):
            raise Problem("--cohort and --output go together: your own data, your own folder.")
        if open_data is not None:
            point_at_official_files(open_data)
        base = places.BUILD
        if cohort is not None:
            decided = point_at_cohort(cohort, study, kind)
            own_folder(output, {*BUILT, "site.json", "html.old"}, decided)
            same_kind(output.glob("results/[!_]*/manifest.json"), decided)
            base = output.absolute()
        if released is not None:
            base = (output or places.BUILD / "released").absolute()
            decided = point_at_release(released)
            if output is not None:
                # What was released may stand anywhere; what is the project's own may not be hurt.
                own_folder(output, {*BUILT, "site.json", "html.old"}, "released")
            same_kind(base.glob("results/[!_]*/manifest.json"), decided)
    from distance_to_care.publication.build import Folders, book

    with sentences(code=1):
        say("Executing notebooks")
        try:
            others = decided != "synthetic" or released is not None
            site = book(Folders(base), say, False if spawn else None, others, slides)
        except KeyboardInterrupt:
            say("Stopped. The site that was there before is whole.")
            raise typer.Exit(130) from None
        typer.echo(f"Open {(site / 'index.html').as_uri()} (or run 'make serve').")


def point_at_release(folder: Path) -> str:
    """Verify a release, point the notebooks at it, and return what its people are."""
    import os

    from distance_to_care import released
    from distance_to_care.releasing import verification

    found = verification.faults(folder)
    if found:
        listed = "\n".join(f"  - {fault}" for fault in found)
        raise Problem(f"{folder} is not a whole, unchanged release, so nothing is drawn:\n{listed}")
    release = released.read(folder)
    release.study()
    for name in (places.COHORT_VARIABLE, places.KIND_VARIABLE, places.STUDY_VARIABLE):
        os.environ.pop(name, None)
    # Kernels run in another folder, so a path has to hold from anywhere.
    os.environ[places.RELEASED_VARIABLE] = str(folder.absolute())
    return release.kind


@app.command(epilog=CODES)
def pdf() -> None:
    """Print the built site into one tagged PDF, _build/distance-to-care.pdf (needs Chromium)."""
    from distance_to_care.publication import printed_book
    from distance_to_care.publication.build import Folders

    with sentences():
        say("Printing the book")
        typer.echo(printed_book.write(Folders(places.BUILD)))


@app.command(epilog=CODES)
def accept() -> None:
    """Make the tables of the last build the accepted ones in book/results/."""
    from distance_to_care import results

    with sentences():
        merged = places.BUILD / "results" / "_merged"
        if not (merged / "manifest.json").exists():
            raise Problem("There is no build to accept. Run 'make book' first.")
        changed = results.accept(merged, date.today().isoformat())
        for name in changed:
            typer.echo(f"changed: {name}")
        typer.echo(f"{len(changed)} files of book/results/ changed. Say why in CHANGELOG.md.")


@app.command(epilog=CODES)
def describe() -> None:
    """Write today's sha256 and size of every data file into the descriptor, after a change."""
    import hashlib

    from distance_to_care import tables

    with sentences():
        package = tables.descriptor()
        changed = tables.altered()
        for entry in package["resources"]:
            content = (places.DATA / entry["path"]).read_bytes()
            entry["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if "bytes" in entry:
                entry["bytes"] = len(content)
        text = json.dumps(package, indent=1, ensure_ascii=False) + "\n"
        with whole(places.DESCRIPTOR) as part:
            part.write_text(text, encoding="utf-8")
        typer.echo(f"{len(changed)} files had changed: {', '.join(changed) or 'none'}.")


@app.command(epilog=CODES)
def compare() -> None:
    """Compare the tables of the last build with the accepted ones."""
    from distance_to_care import results

    with sentences():
        merged = places.BUILD / "results" / "_merged"
        if not (merged / "manifest.json").exists():
            raise Problem("There is no build to compare. Run 'make book' first.")
        found = results.compare(merged)
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    typer.echo("Every published table says what the accepted one says.")


@app.command(epilog=CODES)
def data(
    destination: Annotated[
        Path | None, typer.Option("--open-data", help="Folder to keep the files in.")
    ] = None,
    medicines: Annotated[
        int,
        typer.Option("--medicines", min=0, help="Months of hospital medicines to obtain as well."),
    ] = 0,
) -> None:
    """Obtain the official open files, check them and keep them outside the repository.

    Hospital medicines are large files, one a month, and change the tables of a chapter, so they
    are obtained on request only.
    """
    from distance_to_care import medicine_files, official

    with sentences():
        folder = destination or places.official_cache()
        official.obtain(folder, say=say)
        if medicines:
            medicine_files.obtain(folder, medicines, say=say)
        else:
            say("hospital_medicines (optional): not asked for; 'make data MONTHS=12' obtains them")


@app.command(epilog=CODES)
def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    folder: Annotated[Path | None, typer.Option("--site", help="Folder of the site.")] = None,
) -> None:
    """Serve the built site on this machine only."""
    from functools import partial
    from http.server import ThreadingHTTPServer

    from distance_to_care.publication import serving

    with sentences():
        site = folder or places.BUILD / "html"
        if not (site / "index.html").exists():
            raise Problem(f"There is no site in {site}. Run 'make book' first.")
        handler = partial(serving.Site, directory=str(site))
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            typer.echo(f"Serving on http://127.0.0.1:{port}/ (stop with Ctrl+C)")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                typer.echo("Stopped.")
