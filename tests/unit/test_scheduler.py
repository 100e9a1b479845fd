"""Independent jobs: in one process, in two, and on a local Dask cluster of two processes."""

import os
import signal
import socket
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster
from scheduler_jobs import Job, changes_its_job, fails, normal
from typer.testing import CliRunner

from distance_to_care import scheduler, tables
from distance_to_care.command_line import app
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.statistics import recovery, replicates


def answers(done) -> list:
    return [(each.number, each.numbers) for each in done]


def local_cluster(workers: int) -> LocalCluster:
    """Processes of one thread each, on ports that nobody uses."""
    here = "127.0.0.1"
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, host=here, dashboard_address=f"{here}:0"
    )


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as here:
        yield here


JOBS = [Job(number, 0.2 if number < 2 else 0.0) for number in range(9)]


def test_one_process_does_the_jobs_itself_and_only_when_asked():
    asked = iter(JOBS)
    first = next(scheduler.spread(normal, asked))
    assert first.process == os.getpid()
    assert next(asked).number == 1


@pytest.mark.parametrize("workers", [0, -5])
def test_no_workers_are_refused_in_a_sentence(workers):
    with pytest.raises(Problem, match=f"number of workers is {workers}: it must be 1 or more"):
        list(scheduler.spread(normal, [Job(1)], workers))


def test_one_process_two_processes_and_dask_give_the_same_results_in_order(cluster):
    one = list(scheduler.spread(normal, JOBS))
    two = list(scheduler.spread(normal, JOBS, workers=2))
    dask = list(scheduler.spread(normal, JOBS, address=cluster.scheduler_address))
    assert [each.number for each in one] == list(range(9))
    assert answers(one) == answers(two) == answers(dask)
    for elsewhere in (two, dask):
        processes = {each.process for each in elsewhere}
        assert len(processes) == 2
        assert os.getpid() not in processes


def waits_for_another(both: threading.Barrier):
    both.wait(timeout=20)
    return os.getpid()


def test_threads_are_of_this_process_and_beside_one_another():
    # Neither job ends before the other one has begun.
    both = threading.Barrier(2)
    found = list(scheduler.spread(waits_for_another, [both] * 2, workers=2, threads=True))
    assert found == [os.getpid()] * 2
    threaded = scheduler.spread(normal, JOBS, workers=2, threads=True)
    assert answers(threaded) == answers(scheduler.spread(normal, JOBS))


def test_processes_get_arrays_that_they_can_change_and_ours_stay_as_they_are(cluster):
    # A megabyte and more: joblib would lend such an array by a memory map that nobody may change.
    arrays = [np.zeros(200_000) for _ in range(3)]
    for where in ({"workers": 2}, {"address": cluster.scheduler_address}):
        found = list(scheduler.spread(changes_its_job, arrays, **where))
        assert found == [200_000.0] * 3
    assert not arrays[0].any()


@pytest.mark.parametrize("where", ["here", "processes", "cluster"])
def test_the_error_of_a_job_stays_what_it_is(where, cluster):
    address = cluster.scheduler_address if where == "cluster" else None
    found = scheduler.spread(fails, range(4), 2 if where == "processes" else 1, address)
    with pytest.raises(AnalysisError, match="^Too few people died"):
        list(found)


def test_the_certificate_on_dask_is_the_certificate_here(cluster):
    study = tables.read_study("ipf")
    setting = recovery.Setting(
        tables.read_parameters(study),
        tables.read("population_aged_50_plus"),
        study,
        tables.read_structures(study),
    )
    one, dask = (
        recovery.replicated(
            setting, range(21), "published effects", ("tests", "incidence"), address=address
        )
        for address in (None, cluster.scheduler_address)
    )
    pd.testing.assert_frame_equal(one, dask, check_exact=True)


def test_simulations_and_bootstraps_on_dask_are_those_here_to_the_last_bit(cluster):
    model = replicates.Model((0.3, -0.5), (None, 0.4), people=200)
    seeds = range(2 * replicates.BLOCK)
    one, dask = (
        replicates.study(model, seeds, address=address)
        for address in (None, cluster.scheduler_address)
    )
    pd.testing.assert_frame_equal(one, dask, check_exact=True)
    people = replicates.cohort(model, 1)
    one, dask = (
        replicates.bootstrap(*people, 30, 5, address=address)
        for address in (None, cluster.scheduler_address)
    )
    np.testing.assert_array_equal(one, dask)


def test_no_job_is_lost_with_a_worker_that_is_killed(cluster):
    jobs = [Job(number, 0.1) for number in range(12)]
    found = []
    for done in scheduler.spread(normal, jobs, address=cluster.scheduler_address):
        found.append(done)
        if len(found) == 2:
            os.kill(done.process, signal.SIGKILL)
    assert answers(found) == answers(scheduler.spread(normal, [Job(each.number) for each in jobs]))


def test_a_simulation_study_goes_on_where_a_worker_is_killed(cluster, monkeypatch):
    model = replicates.Model((0.3, -0.5), (None, 0.4), people=2000)
    seeds = range(60 * replicates.BLOCK)
    spread, dead = scheduler.spread, []

    def one_killed(*given, **named):
        for number, done in enumerate(spread(*given, **named)):
            yield done
            if number == 1:
                dead.append(next(iter(cluster.workers.values())).pid)
                os.kill(dead[0], signal.SIGKILL)

    one = replicates.study(model, seeds)
    monkeypatch.setattr(scheduler, "spread", one_killed)
    dask = replicates.study(model, seeds, address=cluster.scheduler_address)
    pd.testing.assert_frame_equal(one, dask, check_exact=True)
    # The cluster starts another in its place when it has seen that this one is gone.
    began = time.monotonic()
    while dead[0] in {worker.pid for worker in cluster.workers.values()}:
        assert time.monotonic() - began < 30, "nobody was killed"
        time.sleep(0.1)


@pytest.mark.parametrize("address", ["rubbish", "http://127.0.0.1:8786", "tcp://127.0.0.1", ""])
def test_an_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(Problem, match=rf"^'{address}' is no address of a Dask scheduler\. Start"):
        next(scheduler.spread(abs, [1], address=address))


def test_a_scheduler_that_is_not_there_or_says_nothing_is_a_sentence_and_no_hang(monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        addresses = [f"tcp://127.0.0.1:{port}" for port in (9, silent.getsockname()[1])]
        for address in addresses:
            began = time.monotonic()
            with pytest.raises(Problem, match=f"^No Dask scheduler answers at {address}"):
                next(scheduler.spread(abs, [1], address=address))
            assert time.monotonic() - began < 5


def test_a_scheduler_without_workers_is_a_sentence(monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 1)
    with local_cluster(0) as empty:
        address = empty.scheduler_address
        with pytest.raises(Problem, match=f"{address} has no worker. Start some with 'dask worker"):
            next(scheduler.spread(abs, [1], address=address))


def test_without_dask_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Problem, match=r"pip install distance-to-care\[cluster\]"):
        next(scheduler.spread(abs, [1], address="tcp://127.0.0.1:8786"))


def test_the_command_refuses_a_scheduler_that_does_not_answer_with_exit_code_2(tmp_path):
    call = ["certify", "--scheduler", "rubbish", "--output", str(tmp_path)]
    outcome = CliRunner().invoke(app, call)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("'rubbish' is no address of a Dask scheduler.")
    assert not list(tmp_path.iterdir())
