"""What every command shares: the application, its options, sentences for faults."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from distance_to_care import __version__, places
from distance_to_care.problems import Problem
from distance_to_care.whole_file import whole

CODES = (
    "Exit codes: 0 all is well; 1 a build or a comparison failed; 2 the input or the call is "
    "wrong; 130 it was stopped before its end."
)
# What a shell says of a command that was stopped by hand.
STOPPED = 130
app = typer.Typer(
    name="distance-to-care",
    help="Who is far from specialist care, and what would change that: "
    "check a cohort, draw a synthetic one, analyse it, build the book.",
    epilog=CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyOption = Annotated[
    str | None,
    typer.Option(
        "--study",
        help="Name in data/studies/, or path, of the study file, if not the default.",
    ),
]


WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="Processes. The answer does not depend on it.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Address of a running Dask scheduler, such as tcp://10.0.0.5:8786, to work on "
        "instead of here. The answer does not depend on it.",
    ),
]


class Kind(StrEnum):
    """What the people of a cohort file are, where the file does not say it."""

    registry = "registry"
    open = "open"


KindOption = Annotated[
    Kind | None,
    typer.Option("--kind", help="What the people are, where the file has no column record_kind."),
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Distance to Care."""


class Stopped(KeyboardInterrupt):
    """Somebody stopped the command, and its text is the sentence that says what that leaves."""


@contextmanager
def stoppable(words: str) -> Iterator[None]:
    """Turn Ctrl-C, and an end that the system asks for (SIGTERM), into a sentence and code 130.

    words : the sentence, where what was stopped has none of its own.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    # Only the main thread is told of signals.
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if main else None
    try:
        yield
    except KeyboardInterrupt as stopped:
        say(str(stopped) if isinstance(stopped, Stopped) else words)
        raise typer.Exit(STOPPED) from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def sentences(code: int = 2) -> Iterator[None]:
    """Turn a problem into its sentence on the error stream and an exit code."""
    try:
        yield
    except Problem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(code) from None
    except OSError as error:
        # The name of a file is ours to tell; its content is not.
        typer.echo(f"{error.filename or 'A file'}: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None


def say(line: str) -> None:
    """Write a line to the error stream."""
    typer.echo(line, err=True)


def new_file(output: Path, overwrite: bool, *endings: str) -> None:
    """Refuse an output that cannot be written, before anything is worked out."""
    if str(output).startswith("~"):
        raise Problem(f"{output} begins with '~', which a shell opens only outside quotes.")
    if output.suffix not in endings:
        raise Problem(f"{output} must end in {' or '.join(endings)}.")
    if output.is_dir():
        raise Problem(f"{output} is a folder. Name a file in it.")
    if output.exists() and not overwrite:
        raise Problem(f"{output} exists. Name another file, or add --overwrite.")
    if not output.absolute().parent.is_dir():
        raise Problem(f"The folder {output.absolute().parent} does not exist. Make it first.")


def counted(count: int, what: str) -> str:
    """Write how many there are of a thing: `1 file`, `2,000 files`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def write_table(table, path: Path) -> None:
    """Write a table whole or not at all, with as many digits as two machines share."""
    with whole(path) as part:
        table.to_csv(part, index=False, float_format="%.10g", lineterminator="\n")


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of a long run is done, on a terminal; yields what to call with each advance."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def rows_done(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of many rows are done: a bar on a terminal, a line a tenth anywhere else.

    Yields what to call with the rows of each advance.
    """
    if sys.stderr.isatty():
        with bar(what, total) as advance:
            yield advance
        return
    done, begun = 0, time.perf_counter()

    def advance(rows: int) -> None:
        nonlocal done
        tenths = 10 * done // total
        done += rows
        if 10 * done // total > tenths:
            seconds = time.perf_counter() - begun
            say(f"{what}: {done:,} of {total:,} rows, {seconds:.0f} seconds.")

    yield advance


def point_at_official_files(folder: Path) -> None:
    """Point this process, and kernels that it starts, at a folder of official files."""
    if not folder.is_dir():
        raise Problem(f"{folder} is not a folder. --open-data names the folder of official files.")
    os.environ[places.OFFICIAL_VARIABLE] = str(folder.absolute())
