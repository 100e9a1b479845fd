"""A folder that is there whole or not at all, whatever ends the process that writes it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from distance_to_care import locks
from distance_to_care.problems import Problem

# A staging folder that is empty and younger may belong to a run that is about to lock it.
YOUNG_SECONDS = 60
# Where no lock can be asked, only what nobody has touched for a day is taken for left over.
FORGOTTEN_SECONDS = 86_400
_INSIDE = "release"


@contextlib.contextmanager
def written(target: Path) -> Iterator[Path]:
    """Give a hidden folder to write into, which becomes `target` at the end in one step.

    The folder stands beside `target`, is locked while its process lives, and is gone after any
    fault. What a killed run left behind is removed at the next start, and nothing else.

    Raises
    ------
    Problem : where `target` has come into being in the meantime.
    """
    _remove_left_over(target)
    staging, lock = _staging(target)
    try:
        inside = staging / _INSIDE
        inside.mkdir()
        yield inside
        _flush(inside)
        if os.path.lexists(target):
            raise Problem(
                f"{target} was written by another run in the meantime. It stays as it is."
            )
        try:
            inside.rename(target)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from None
        with contextlib.suppress(OSError):
            _flush_entry(target.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder of their own; names are relative and may name one subfolder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())


def _prefix(target: Path) -> str:
    return f".{target.name}-staging-"


def _staging(target: Path) -> tuple[Path, int | None]:
    try:
        while True:
            staging = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
            locked, lock = locks.folder(staging)
            if locked:
                return staging, lock
            # Another run is looking whether this one was left over, and takes it away.
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from None


def _remove_left_over(target: Path) -> None:
    pattern = re.compile(re.escape(_prefix(target)) + r"[a-z0-9_]{8}")
    for entry in os.scandir(target.parent) if target.parent.is_dir() else ():
        if not pattern.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
            continue
        with contextlib.suppress(OSError):
            _remove_if_left_over(Path(entry.path))


def _remove_if_left_over(folder: Path) -> None:
    known = folder.lstat()
    names = {path.name for path in folder.iterdir()}
    ours = not hasattr(os, "getuid") or known.st_uid == os.getuid()
    if not ours or not stat.S_ISDIR(known.st_mode) or not names <= {_INSIDE}:
        return
    locked, lock = locks.folder(folder)
    try:
        age = time.time() - known.st_mtime
        enough = FORGOTTEN_SECONDS if lock is None else 0 if names else YOUNG_SECONDS
        if locked and age >= enough:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        if lock is not None:
            os.close(lock)


def _flush(folder: Path) -> None:
    """Have the disk hold every folder's entries before the name of the release appears."""
    for inside, _, _ in os.walk(folder):
        _flush_entry(Path(inside))


def _flush_entry(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to flush it.
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
