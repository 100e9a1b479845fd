"""A lock on a folder, which ends with the process that took it, however that ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this form.
    fcntl = None


def lock(folder: Path, wait: bool = False) -> tuple[bool, int | None]:
    """Lock a folder: whether that succeeded, and the descriptor to close, None where none is kept.

    Where the system or the file system has no locks it succeeds, and keeps nobody out.

    Parameters
    ----------
    folder : must be there, and be no link.
    wait : until whoever has the lock has ended, instead of failing.
    """
    if fcntl is None:
        return True, None
    taken = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(taken)
        return False, None
    except OSError:
        os.close(taken)
        return True, None
    return True, taken
