"""A file that is written whole or not at all, whatever ends the program that writes it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a new file to write to, which becomes `path` at the end: whole or not at all.

    It has a name that no file in the folder has, so nothing of the user's is touched.

    Raises
    ------
    OSError : the folder or the file cannot be written; it names `path`.
    """
    real = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}-")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    part = Path(temporary)
    try:
        yield part
        part.chmod(0o644)
        part.replace(real)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)
