"""Kernels are compiled where numba is there and may be used, and give the same without it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from distance_to_care.statistics import compiled


@compiled.kernel
def doubled(values):
    for i in range(len(values)):
        values[i] *= 2.0


@compiled.kernel(otherwise=lambda values: "numpy's way")
def quadrupled(values):
    doubled(values)
    doubled(values)
    return "compiled"


def test_a_kernel_calls_kernels_of_its_module():
    pytest.importorskip("numba")
    values = np.arange(3.0)
    assert quadrupled(values) == "compiled"
    np.testing.assert_array_equal(values, [0.0, 4.0, 8.0])


def test_turned_off_the_other_way_is_gone(monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, "no")
    assert not compiled.available()
    assert quadrupled(np.arange(3.0)) == "numpy's way"
    values = np.arange(3.0)
    doubled(values)
    np.testing.assert_array_equal(values, [0.0, 2.0, 4.0])


def test_without_numba_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(compiled, "_installed", lambda: False)
    assert not compiled.available()
    assert quadrupled(np.arange(3.0)) == "numpy's way"


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch):
    numba = pytest.importorskip("numba")
    asked = []
    plain = numba.njit

    def njit(**options):
        asked.append(options)
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return plain(**options)

    monkeypatch.setattr(numba, "njit", njit)
    fresh = compiled.Kernel(doubled.function, None, False)
    values = np.arange(3.0)
    fresh(values)
    np.testing.assert_array_equal(values, [0.0, 2.0, 4.0])
    assert len(asked) == 2
    assert all(options["nogil"] for options in asked)


def test_another_process_finds_a_kernel_by_its_name():
    assert pickle.loads(pickle.dumps(doubled)) is doubled


def test_numba_is_imported_by_the_first_kernel_and_not_before():
    code = "import sys; import distance_to_care.statistics.engine; print('numba' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
