"""A file that is written whole or not at all, whatever ends the program that writes it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distance_to_care import locks

_END = ".part"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a new file to write to, which becomes `path` at the end: whole or not at all.

    It has a name that no file in the folder has, so nothing of the user's is touched. What a
    program left of the same file that was killed while it wrote is removed, where the system has
    locks that end with a program.

    Raises
    ------
    OSError : the folder or the file cannot be written; it names `path`.
    """
    real = path.resolve()
    _forget_the_dead(real)
    try:
        part, handle = _begun(real)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        yield part
        part.chmod(0o644)
        part.replace(real)
    except OSError as error:
        raise OSError(error.errno, reason(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def reason(error: OSError) -> str:
    """Say in the system's words why something could not be written; Arrow has them in its own."""
    if told := re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE):
        return os.strerror(int(told[1]))
    return error.strerror or str(error)


def _begun(real: Path) -> tuple[Path, int | None]:
    """A new file beside another, and the descriptor that locks it where there are locks."""
    while True:
        handle, temporary = tempfile.mkstemp(_END, f".{real.name}-", real.parent)
        held = locks.hold(handle)
        if held and os.fstat(handle).st_nlink > 0:
            return Path(temporary), handle
        os.close(handle)
        if held is None:
            return Path(temporary), None
        # Another program looked whether this one was left over, and takes it away.


def _forget_the_dead(real: Path) -> None:
    left = re.compile(rf"\.{re.escape(real.name)}-[a-z0-9_]{{8}}{re.escape(_END)}")
    with suppress(OSError):
        for each in real.parent.iterdir():
            if left.fullmatch(each.name) and not each.is_symlink():
                _remove_unless_locked(each)


def _remove_unless_locked(part: Path) -> None:
    # Another person's file, and one that has gone meanwhile, are left alone.
    with suppress(OSError):
        handle = os.open(part, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            if locks.hold(handle):
                part.unlink()
        finally:
            os.close(handle)
