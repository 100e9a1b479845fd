"""Reading a folder that somebody else may have filled: plain files only, no link, no surprise."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from pathlib import Path

# Names that every file system takes, that no path trick hides in, and that Windows can hold.
PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,99}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}


def plain(name: str) -> bool:
    """Say whether the name of a table is a plain one: small letters, digits and underscores."""
    return bool(PLAIN_NAME.fullmatch(name)) and name not in _DEVICES


def read_all(
    folder: Path, largest: int, subfolders: Collection[str] = (), passed_over: Collection[str] = ()
) -> tuple[dict[str, bytes], list[str]]:
    """Read every file of a folder once, without following any link.

    Parameters
    ----------
    folder : the folder.
    largest : a larger file is not read (bytes).
    subfolders : names of the folders that may stand in it.
    passed_over : names at the top that are not looked at.

    Returns
    -------
    The content of each file by its path inside the folder, and a sentence for each thing that is
    no plain file: a link, a device, a folder that has no business there, a file too large.
    """
    files: dict[str, bytes] = {}
    faults: list[str] = []
    _read(folder, "", largest, set(subfolders), set(passed_over), files, faults)
    return files, faults


def _read(folder, above, largest, subfolders, passed_over, files, faults) -> None:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = above + entry.name
        if name in passed_over:
            continue
        if entry.is_symlink():
            faults.append(f"{_shown(name)} is a symbolic link.")
        elif entry.is_dir(follow_symlinks=False):
            if name not in subfolders:
                faults.append(f"{_shown(name)} is a folder that does not belong here.")
                continue
            _read(Path(entry.path), f"{name}/", largest, subfolders, set(), files, faults)
        elif not entry.is_file(follow_symlinks=False):
            faults.append(f"{_shown(name)} is no plain file.")
        else:
            content = _content(Path(entry.path), largest)
            if content is None:
                faults.append(
                    f"{_shown(name)} is larger than {largest // 1_000_000} megabytes, or changed "
                    "while it was read."
                )
            else:
                files[name] = content


def _content(path: Path, largest: int) -> bytes | None:
    # A link that was put in the file's place a moment ago is not followed either.
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        content = file.read(largest + 1)
    return content if len(content) <= largest else None


def _shown(name: str) -> str:
    """A name as it can be printed: what is not plain ASCII is escaped."""
    return ascii(name)[1:-1]
