"""Inner loops compiled by numba where it is installed; the same answers without it.

Numba is imported when the first kernel is called and nowhere else, because its import takes longer
than most commands. `DISTANCE_TO_CARE_COMPILED=no` in the environment turns it off.

Compiled code is kept on disk: beside the module, or in the user's cache where the package cannot be
written; where nothing can be written it is compiled anew in each process. Numba looks only at the
kernel's own file to see whether what it kept is out of date, so a kernel may call kernels of its
own module and no others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, update_wrapper
from importlib.util import find_spec
from threading import RLock
from types import FunctionType
from typing import Any

SWITCH = "DISTANCE_TO_CARE_COMPILED"
# Compiling is not safe in several threads at once, and running in them is.
_LOCK = RLock()


@cache
def _installed() -> bool:
    return find_spec("numba") is not None


def available() -> bool:
    """Tell whether kernels are compiled: numba is installed and not turned off."""
    return os.environ.get(SWITCH, "") != "no" and _installed()


class Kernel:
    """A function of arrays and numbers that is compiled at its first call; see `kernel`."""

    def __init__(self, function: Callable, otherwise: Callable | None, fastmath: Any):
        update_wrapper(self, function)
        self.function, self.otherwise = function, otherwise or function
        self._fastmath = fastmath
        self._compiled = None

    def __call__(self, *values: Any) -> Any:
        if available():
            return (self._compiled or self.compile())(*values)
        return self.otherwise(*values)

    def __reduce__(self):
        # Another process finds the kernel by its name, as it does a function.
        return self.__qualname__

    def compile(self) -> Callable:
        """Give what numba makes of the function, the kernels that it calls first."""
        with _LOCK:
            if self._compiled is None:
                self._compiled = self._made()
            return self._compiled

    def _made(self) -> Callable:
        from numba import njit

        source = self.function
        names = {
            name: value.compile() if isinstance(value, Kernel) else value
            for name, value in source.__globals__.items()
            # Its own name stays out: a kernel does not call itself.
            if name in source.__code__.co_names and value is not self
        }
        names = {**source.__globals__, **names}
        copy = FunctionType(source.__code__, names, source.__name__, source.__defaults__)
        copy.__qualname__, copy.__module__ = source.__qualname__, source.__module__
        options = {"nogil": True, "error_model": "numpy", "fastmath": self._fastmath}
        try:
            return njit(cache=True, **options)(copy)
        except RuntimeError:  # no folder can be written
            return njit(**options)(copy)


def kernel(
    function: Callable | None = None,
    *,
    otherwise: Callable | None = None,
    fastmath: bool | set[str] = False,
) -> Any:
    """Make a function of arrays and numbers one that numba compiles at its first call.

    Parameters
    ----------
    function : loops over arrays, in the Python that numba knows; it may call kernels of its own
        module, and holds no lock while it runs, so that threads run beside one another.
    otherwise : numpy's way to the same answer, called with the same values where there is no
        numba; the function itself, uncompiled, where none is given.
    fastmath : as numba's; {"reassoc", "contract"} lets sums over people be vectorised.
    """
    if function is None:
        return lambda given: Kernel(given, otherwise, fastmath)
    return Kernel(function, otherwise, fastmath)
