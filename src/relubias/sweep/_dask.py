"""The engine for more than one machine: Dask workers, each with child processes of its own."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from relubias._validate import as_real, fail, shown
from relubias.errors import MissingExtraError
from relubias.sweep._child import from_arrow, versions
from relubias.sweep._dask_worker import answer, dismiss
from relubias.sweep.engine import EngineError, Failure, Job, Outcome

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["DaskEngine"]

_IN_FLIGHT = 3
"""Unfinished jobs per thread of the cluster: one at work, two under way."""

_LOST_WORKERS = 3
"""How often a job is handed out again after Dask gave it up because its workers vanished."""

_CENSUS_EVERY = 2.0  # seconds between two counts of the workers
_ANSWER_WITHIN = 30.0  # seconds for the rows to travel; after that they are asked for again
_CONNECT_WITHIN = 10.0
_LEAVE_WITHIN = 1.0


class DaskEngine:
    """Runs the jobs of a sweep on a Dask cluster.

    The same chunks, parts and bits as on one machine. Jobs travel as text, rows as Arrow. Every
    worker hands its jobs to child processes, so a task that kills its process or never ends costs
    that process only; the work of a lost worker is done again by the others.

    Parameters
    ----------
    cluster : str or distributed.Client
        Address of the scheduler, such as ``"tcp://host:8786"``, or a client.
    patience : float, default=600
        Seconds without any worker after which the sweep gives up, resumable.

    Raises
    ------
    InvalidInputError
        If `cluster` is neither.
    MissingExtraError
        If Dask is not installed.
    """

    def __init__(self, cluster: Any, *, patience: float = 600.0) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError as error:
            raise MissingExtraError("running a sweep on a cluster", "dask") from error
        is_address = isinstance(cluster, str) and "://" in cluster
        if not is_address and not isinstance(cluster, distributed.Client):
            raise fail(
                "engine", f"is {shown(cluster)}", 'pass "tcp://host:port" or a distributed.Client'
            )
        self._distributed = distributed
        self._cluster = cluster
        self._patience = as_real("patience", patience, minimum=0.0, strict=True)
        self._client: Any = None
        self._plan, self._key = "", uuid.uuid4().hex
        self._pending: dict[Any, Job] = {}
        self._orphans: list[Job] = []
        self._losses: dict[tuple[int, int], int] = {}
        self._news = threading.Event()
        self._threads, self._counted, self._peopled = 0, 0.0, 0.0

    @property
    def capacity(self) -> int:
        """How many unfinished jobs keep every worker busy."""
        self._count_workers()
        return _IN_FLIGHT * max(self._threads, 1)

    def start(self, plan: Plan) -> None:
        """Connect to the scheduler.

        Parameters
        ----------
        plan : Plan
            What is computed.

        Raises
        ------
        InvalidInputError
            If no scheduler answers, or a function of a script is measured.
        """
        self._plan = plan.to_toml()
        if "__main__:" in self._plan:
            raise fail(
                "measure",
                "names a function of a script or notebook, which other machines do not have",
                "define it in a module that workers can import (Client.upload_file sends one)",
            )
        if not isinstance(self._cluster, str):
            self._client = self._cluster
        else:
            self._client = self._connect(self._cluster)
        self._peopled = time.monotonic()
        self._count_workers()

    def _connect(self, address: str) -> Any:
        log = logging.getLogger("distributed")
        level = log.level
        log.setLevel(logging.CRITICAL)  # the error below says it in a sentence
        try:
            return self._distributed.Client(
                address, timeout=_CONNECT_WITHIN, set_as_default=False, name="relubias"
            )
        except (OSError, ValueError, TimeoutError) as error:
            got = f"no Dask scheduler answers at {address!r}"
            remedy = "start one with `dask scheduler` and check host and port"
            raise fail("engine", got, remedy) from error
        finally:
            log.setLevel(level)

    def submit(self, job: Job) -> None:
        """Send a job to the cluster.

        Parameters
        ----------
        job : Job
            Some tasks of one chunk.
        """
        if self._client.status != "running":
            self._orphans.append(job)
            return
        future = self._client.submit(
            answer,
            self._key,
            self._plan,
            job.chunk,
            [int(task) for task in job.tasks],
            job.seconds,
            key=f"relubias-{job.chunk}-{uuid.uuid4().hex}",
            pure=False,
            priority=-job.chunk,
        )
        self._pending[future] = job
        future.add_done_callback(self._wake)

    def _wake(self, _: Any) -> None:
        self._news.set()

    def wait(self, seconds: float) -> list[Outcome]:
        """Return what has finished since the last call.

        Parameters
        ----------
        seconds : float
            How long to wait for the first outcome.

        Returns
        -------
        list of Outcome
            Empty if nothing finished.

        Raises
        ------
        EngineError
            If the scheduler is gone, no worker came for too long, or workers cannot run this.
        """
        self._news.wait(seconds)
        self._news.clear()
        if self._client.status == "closed":
            raise EngineError(
                "engine: the Dask scheduler is gone; what is finished is stored, and the same "
                "command resumes with another scheduler"
            )
        if self._client.status != "running":  # it reconnects by itself, or closes
            return []
        orphans, self._orphans = self._orphans, []
        for job in orphans:
            self.submit(job)
        done = [future for future in self._pending if future.status != "pending"]
        outcomes = [outcome for future in done for outcome in self._collect(future)]
        if not outcomes:
            self._require_workers()
        return outcomes

    def _collect(self, future: Any) -> list[Outcome]:
        """Return the outcome of a finished future; none if it has to be done again."""
        job = self._pending[future]
        if future.status == "finished":
            try:
                header, body = future.result(timeout=_ANSWER_WITHIN)
            except self._distributed.TimeoutError:  # its worker is lost; Dask computes it again
                return []
            except self._distributed.CancelledError:
                return self._again(future)
            del self._pending[future]
            return [_outcome(job, header, body)]
        if future.status == "error":
            error = future.exception(timeout=_ANSWER_WITHIN)
            if not isinstance(error, self._distributed.KilledWorker):
                got = f"a worker cannot run jobs of relubias ({type(error).__name__}: {error})"
                remedy = "install the same relubias on scheduler and workers"
                raise EngineError(f"engine: {got}; {remedy}") from error
            place = (job.chunk, job.tasks[0])
            self._losses[place] = self._losses.get(place, 0) + 1
            if self._losses[place] > _LOST_WORKERS:
                del self._pending[future]
                return [Outcome(job=job, failure=Failure.KILLED, error="its workers were lost")]
        return self._again(future)

    def _again(self, future: Any) -> list[Outcome]:
        self.submit(self._pending.pop(future))
        return []

    def _count_workers(self) -> None:
        now = time.monotonic()
        if now - self._counted < _CENSUS_EVERY or self._client.status != "running":
            return
        self._counted = now
        self._threads = sum(self._client.nthreads().values())
        if self._threads:
            self._peopled = now

    def _require_workers(self) -> None:
        self._count_workers()
        if not self._threads and time.monotonic() - self._peopled > self._patience:
            raise EngineError(
                f"engine: no Dask worker for {self._patience:g} s; what is finished is stored, "
                "start workers and run the same command to resume"
            )

    def stop(self) -> None:
        """Cancel what is unfinished; close the connection if this engine opened it."""
        if self._client is None:
            return
        client, self._client = self._client, None
        futures = list(self._pending)
        self._pending.clear()
        leave = threading.Thread(target=self._leave, args=(client, futures), daemon=True)
        leave.start()
        leave.join(_LEAVE_WITHIN)  # a cluster that does not answer is left alone

    def _leave(self, client: Any, futures: list[Any]) -> None:
        with suppress(Exception):
            if client.status == "running":
                client.cancel(futures, force=True)
                client.run(dismiss, self._key, on_error="ignore")
        if isinstance(self._cluster, str):
            client.close(timeout=_LEAVE_WITHIN)


def _outcome(job: Job, header: dict[str, Any], body: bytes) -> Outcome:
    if header.get("is_unusable"):
        raise EngineError(f"engine: a worker cannot run this plan ({header['error']})")
    there, here = header.get("versions"), versions()
    if there is not None and there != here:
        names = [f"{name} {there[name]} there, {here[name]} here" for name in here]
        differing = [
            text for name, text in zip(here, names, strict=True) if there[name] != here[name]
        ]
        raise EngineError(
            f"engine: a worker would give other bits ({'; '.join(differing)}); "
            "install the same versions on every machine"
        )
    failure = None if header["failure"] is None else Failure(header["failure"])
    return Outcome(
        job=job,
        columns=None if failure else from_arrow(body),
        failure=failure,
        error=header["error"],
        seconds=header["seconds"],
    )
