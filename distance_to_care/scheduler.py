"""Independent jobs in this process, in several processes, or on a Dask cluster: one answer.

A job holds all that it needs, its seed as well, so that its result does not depend on where, when
or beside what it is done. Results come back in the order of the jobs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from distance_to_care.problems import Problem

PATIENCE = 10  # seconds to wait for a scheduler, and for the first of its workers
_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?[^\s/:]+:\d{1,5}")
_START = (
    "Start one with 'dask scheduler', and name the address that it prints, such as "
    "tcp://10.0.0.5:8786."
)


def spread(
    function: Callable[[Any], Any],
    jobs: Sequence,
    workers: int = 1,
    address: str | None = None,
    *,
    threads: bool = False,
) -> Iterator:
    """Do independent jobs and hand their results back one by one, in the order of the jobs.

    Parameters
    ----------
    function : takes one job; a function of a module, so that another process can find it.
    jobs : each holds all that it needs, also the seed of its random numbers.
    workers : processes on this machine; 1 does everything in this process.
    address : of a running Dask scheduler, such as `tcp://10.0.0.5:8786`, whose workers have this
        project installed; then `workers` plays no part. A job whose worker dies is done again by
        another one. Where all the cluster has is one thread, the jobs are done here.
    threads : the jobs spend their time in code that lets threads run beside one another, so that
        `workers` are threads of this process, which are there at once, and no processes.

    Returns
    -------
    Iterator over the results, as they come.

    Raises
    ------
    Problem : `workers` is no number above 0; Dask is not installed, the scheduler is not reached or
        is lost, or it has no worker.
    """
    if not workers >= 1:
        raise Problem(f"The number of workers is {workers}: it must be 1 or more.")
    if address is not None:
        yield from _on_cluster(function, jobs, address)
    elif workers == 1:
        yield from map(function, jobs)
    elif threads:
        yield from _parallel(function, jobs, n_jobs=workers, backend="threading")
    else:
        # Matrices are small here: threads of a linear algebra library would wait for one another.
        yield from _parallel(
            function, jobs, n_jobs=workers, backend="loky", inner_max_num_threads=1
        )


def _parallel(function: Callable, jobs: Sequence, n_jobs: int, **backend: Any) -> Iterator:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(n_jobs=n_jobs, **backend):
        # Without a memory map an array can be changed by its job, as in one process.
        tasks = Parallel(return_as="generator", batch_size=1, max_nbytes=None)
        yield from tasks(delayed(function)(job) for job in jobs)


def _on_cluster(function: Callable, jobs: Sequence, address: str) -> Iterator:
    with _client(address) as client, _sentences(address):
        yield from _parallel(
            function,
            jobs,
            n_jobs=-1,
            backend="dask",
            client=client,
            wait_for_workers_timeout=PATIENCE,
        )


@contextmanager
def _client(address: str) -> Iterator:
    """Open a connection to a running scheduler, or say in a sentence why there is none."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise Problem(
            "A scheduler needs Dask, which is not installed here. "
            "Run 'pip install distance-to-care[cluster]'."
        ) from None
    if not _ADDRESS.fullmatch(address):
        raise Problem(f"'{address}' is no address of a Dask scheduler. {_START}")
    # Asked first in a thread of its own: a client would wait for ever for what never answers.
    with ThreadPoolExecutor(1) as thread:
        if not thread.submit(asyncio.run, _answers(address)).result():
            raise Problem(f"No Dask scheduler answers at {address}. {_START}")
    with Client(address, timeout=PATIENCE, set_as_default=False) as client:
        yield client


async def _answers(address: str) -> bool:
    """Ask who is there; true where it is a scheduler."""
    from distributed import rpc

    try:
        async with rpc(address) as there:
            return (await asyncio.wait_for(there.identity(), PATIENCE))["type"] == "Scheduler"
    except (OSError, ValueError, TimeoutError):
        return False


@contextmanager
def _sentences(address: str) -> Iterator[None]:
    """Say in a sentence what went wrong on the cluster; errors of a job are left as they are."""
    from distributed import CancelledError, KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except TimeoutError:
        raise Problem(
            f"The Dask scheduler at {address} has no worker. Start some with "
            f"'dask worker {address} --nthreads 1'."
        ) from None
    except (CancelledError, CommClosedError):
        raise Problem(
            f"The Dask scheduler at {address} was lost before the work was done. Start it, and "
            "this command, again: the answer does not depend on what was done before."
        ) from None
    except KilledWorker:
        raise Problem(
            f"Workers of the Dask scheduler at {address} died again and again at the same job. "
            "They may have too little memory."
        ) from None
    except ModuleNotFoundError as error:
        raise Problem(
            f"A worker of the Dask scheduler at {address} lacks the module '{error.name}'. "
            "Install this project where the workers run, in the same version."
        ) from None
