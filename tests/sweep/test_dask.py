"""A Dask cluster gives the same rows as this machine, whatever happens to it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
from distributed import Client, KilledWorker, LocalCluster

import relubias as rb
from relubias.sweep import EngineError, Plan, load, run
from relubias.sweep._dask import DaskEngine, _outcome
from relubias.sweep.engine import Failure, Job
from tests.sweep import on_cluster

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.xdist_group("dask"),
]


def cluster_of(n_workers):
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def cluster():
    with cluster_of(2) as found:
        yield found


def plan_of(measure, *, replicates=30, chunk_size=10, **options):
    return Plan(
        n=[3, 4], d=20, kappa=0.5, measure=measure, replicates=replicates,
        chunk_size=chunk_size, **options,
    )  # fmt: skip


def rows_of(plan, store, **options):
    return run(plan, store, progress=False, **options).to_arrow()


def workers_of(cluster):
    """Return the worker processes, by process number."""
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        return sorted(client.run(os.getpid).values())


def children_of(pids):
    """Return the processes that compute for some workers."""
    found = [child for pid in pids for child in psutil.Process(pid).children()]
    return [child.pid for child in found if is_ours(child)]


def is_ours(process):
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return "relubias.sweep._child" in process.cmdline()
    return False


def test_rows_are_those_of_this_machine(cluster, tmp_path):
    plan = plan_of([on_cluster.numbered, "gap", "n_switches", "run_status"])
    here = rows_of(plan, tmp_path / "here", workers=0)
    there = rows_of(plan, tmp_path / "there", engine=cluster.scheduler_address)
    assert there.equals(here)
    parts = [sorted((tmp_path / name).glob("*/parts/*")) for name in ("here", "there")]
    assert [path.name for path in parts[0]] == [path.name for path in parts[1]]
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        assert rows_of(plan, tmp_path / "client", engine=client).equals(here)
        assert client.status == "running"
    until = time.monotonic() + 10
    while children_of(workers_of(cluster)) and time.monotonic() < until:
        time.sleep(0.1)
    assert children_of(workers_of(cluster)) == []


def test_what_is_left_of_another_engine_is_taken_over(cluster, tmp_path):
    plan = plan_of(on_cluster.numbered)
    rows_of(plan, tmp_path, workers=0, shard="2/3")
    assert load(tmp_path).n_missing > 0
    rows_of(plan, tmp_path, engine=cluster.scheduler_address)
    assert load(tmp_path).to_arrow().equals(rows_of(plan, tmp_path / "here", workers=0))


def test_a_poisoned_task_costs_no_worker(cluster, tmp_path):
    plan = plan_of(on_cluster.poisoned, replicates=10, chunk_size=1)
    before = workers_of(cluster)
    result = run(
        plan, tmp_path, engine=cluster.scheduler_address, task_timeout=10.0, progress=False
    )
    assert workers_of(cluster) == before
    failures = result.failures.set_index("task")
    assert failures["status"].to_dict() == {
        on_cluster.DEADLY: "killed",
        on_cluster.WRONG: "failed",
        on_cluster.ENDLESS: "timeout",
    }
    assert "SIGKILL" in failures.loc[on_cluster.DEADLY, "error"]
    assert "seven is not allowed" in failures.loc[on_cluster.WRONG, "error"]
    assert "longer than 10 s" in failures.loc[on_cluster.ENDLESS, "error"]
    frame = result.to_pandas()
    done = frame[frame["status"] == "done"]
    assert len(done) == 17
    assert (done["poisoned"] == (done["seed"] % 1_000_003) / 7.0).all()


def test_the_work_of_a_killed_worker_is_done_again(cluster, tmp_path):
    plan = plan_of(on_cluster.numbered, replicates=150)
    victim = workers_of(cluster)[0]
    messages = []

    def watch(fraction, message):
        messages.append(message)
        if fraction > 0.1 and len(messages) and not killed.is_set():
            killed.set()
            os.kill(victim, signal.SIGKILL)

    killed = threading.Event()
    result = run(plan, tmp_path, engine=cluster.scheduler_address, progress=watch)
    assert killed.is_set()
    assert victim not in workers_of(cluster)
    assert result.n_failed == result.n_missing == 0
    frame = result.to_pandas()
    assert (frame["numbered"] == (frame["seed"] % 1_000_003) / 7.0).all()


def test_a_closed_scheduler_leaves_what_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr("relubias.sweep._dask._CONNECT_WITHIN", 2.0)
    plan = plan_of(on_cluster.numbered, replicates=300)
    own = cluster_of(1)
    closing = threading.Thread(target=own.close)

    def watch(fraction, _):
        if fraction > 0.05 and not closing.ident:
            closing.start()

    with pytest.raises(EngineError, match="scheduler is gone"):
        run(plan, tmp_path, engine=own.scheduler_address, progress=watch)
    closing.join()
    found = load(tmp_path)
    assert 0 < found.n_missing < plan.n_tasks
    result = run(plan, tmp_path, workers=0, progress=False)
    assert result.n_missing == 0
    frame = result.to_pandas()
    assert (frame["numbered"] == (frame["seed"] % 1_000_003) / 7.0).all()


# what cannot work is said at once


def test_a_wrong_address_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("relubias.sweep._dask._CONNECT_WITHIN", 0.5)
    plan = plan_of(on_cluster.numbered)
    with pytest.raises(rb.InvalidInputError, match=r"no Dask scheduler answers at 'tcp://127"):
        run(plan, tmp_path, engine="tcp://127.0.0.1:9", progress=False)


@pytest.mark.parametrize("engine", [3, object(), ["tcp://host:1"], b"tcp://host:1"])
def test_what_is_no_engine_is_refused(engine, tmp_path):
    with pytest.raises(rb.InvalidInputError, match="engine: is"):
        run(plan_of("loss"), tmp_path, engine=engine, progress=False)


@pytest.mark.parametrize("patience", [0, -1, "long", None])
def test_patience_is_a_positive_number(patience):
    with pytest.raises(rb.InvalidInputError, match="patience"):
        DaskEngine("tcp://127.0.0.1:9", patience=patience)


def test_functions_of_a_script_are_refused():
    def function(case):
        return case.step_size

    function.__module__, function.__qualname__ = "__main__", "function"
    with pytest.raises(rb.InvalidInputError, match="script or notebook"):
        DaskEngine("tcp://127.0.0.1:9").start(plan_of(function))


def test_a_missing_extra_is_named():
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "import relubias as rb\nfrom relubias.sweep._dask import DaskEngine\n"
        "try: DaskEngine('tcp://127.0.0.1:9')\n"
        "except rb.MissingExtraError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "relubias[dask]"' in found.stdout


def test_other_versions_are_refused_by_name():
    header = {"failure": None, "error": "", "seconds": 0.0, "versions": {}}
    for name in ("relubias", "numpy", "scipy", "numba"):
        header["versions"][name] = "0.0.1"
    with pytest.raises(EngineError, match=r"other bits.*numpy 0\.0\.1 there"):
        _outcome(Job(chunk=0, tasks=range(3)), header, b"")


def test_a_worker_that_cannot_run_the_plan_is_named():
    header = {"is_unusable": True, "error": "ModuleNotFoundError: no module 'mine'"}
    with pytest.raises(EngineError, match="no module 'mine'"):
        _outcome(Job(chunk=0, tasks=range(3)), header, b"")


# the engine against a cluster that is played


class PlayedFuture:
    """A future whose fate the test decides."""

    def __init__(self, status="pending", error=None):
        self.status, self.error = status, error

    def add_done_callback(self, function):
        function(self)

    def exception(self, timeout):
        assert timeout > 0
        return self.error


class PlayedClient:
    """A cluster without workers that remembers what was submitted."""

    def __init__(self, fates):
        self.status, self.fates, self.n_submitted = "running", iter(fates), 0

    def nthreads(self):
        return {}

    def submit(self, *_, **options):
        assert options["pure"] is False
        self.n_submitted += 1
        return next(self.fates)


@pytest.fixture
def played():
    """Return a function that makes an engine whose jobs have the given fates."""

    def make(*fates, **options):
        engine = DaskEngine("tcp://127.0.0.1:9", **options)
        engine._client = PlayedClient([*fates, *[PlayedFuture() for _ in range(9)]])
        engine._peopled = time.monotonic()
        return engine

    return make


JOB = Job(chunk=0, tasks=range(3))


def killed_worker():
    return KilledWorker("task", SimpleNamespace(address="tcp://x"), 3)


def test_a_job_whose_workers_vanish_is_given_out_again(played):
    lost = [PlayedFuture("error", killed_worker()) for _ in range(4)]
    engine = played(*lost)
    engine.submit(JOB)
    outcomes = [outcome for _ in range(6) for outcome in engine.wait(0.01)]
    assert [outcome.failure for outcome in outcomes] == [Failure.KILLED]
    assert outcomes[0].job is JOB
    assert engine._client.n_submitted == 4


def test_a_cancelled_job_is_given_out_again(played):
    engine = played(PlayedFuture("cancelled"), PlayedFuture("lost"))
    engine.submit(JOB)
    assert [engine.wait(0.01) for _ in range(3)] == [[], [], []]
    assert engine._client.n_submitted == 3


def test_jobs_wait_while_the_connection_is_lost(played):
    engine = played()
    engine._client.status = "connecting"
    engine.submit(JOB)
    assert engine.wait(0.01) == []
    assert engine._client.n_submitted == 0
    engine._client.status = "running"
    assert engine.wait(0.01) == []
    assert engine._client.n_submitted == 1
    engine._client.status = "closed"
    with pytest.raises(EngineError, match="scheduler is gone"):
        engine.wait(0.01)


def test_an_error_of_dask_itself_is_no_failed_task(played):
    engine = played(PlayedFuture("error", ModuleNotFoundError("No module named 'relubias'")))
    engine.submit(JOB)
    with pytest.raises(EngineError, match="install the same relubias"):
        engine.wait(0.01)


def test_a_cluster_without_workers_ends_the_wait(played, monkeypatch):
    monkeypatch.setattr("relubias.sweep._dask._CENSUS_EVERY", 0.0)
    engine = played(patience=0.05)
    engine.submit(JOB)
    assert engine.wait(0.01) == []
    time.sleep(0.1)
    with pytest.raises(EngineError, match=r"no Dask worker for 0\.05 s"):
        engine.wait(0.01)
