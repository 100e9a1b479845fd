"""Locks on files and folders, which end with the process that took them, however that ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this form.
    fcntl = None


def hold(opened: int, wait: bool = False) -> bool | None:
    """Lock what a descriptor has open until it is closed or the process ends.

    Returns whether that succeeded; None where the system or the file system has no locks.

    Parameters
    ----------
    opened : descriptor of a file or a folder.
    wait : until whoever has the lock has ended, instead of failing.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def folder(path: Path, wait: bool = False) -> tuple[bool, int | None]:
    """Lock a folder: whether that succeeded, and the descriptor to close, None where none is kept.

    Where the system or the file system has no locks it succeeds, and keeps nobody out.

    Parameters
    ----------
    path : must be there, and be no link.
    wait : as for `hold`.
    """
    if fcntl is None:
        return True, None
    taken = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    held = hold(taken, wait)
    if not held:
        os.close(taken)
        return held is None, None
    return True, taken
