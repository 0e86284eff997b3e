"""From missing chunks to parts: jobs for an engine, second tries, and what finally failed.

A job that fails is cut in pieces until its tasks are alone, so that one bad task costs a chunk
little; a job that lost its worker is tried again first, for that may have been the machine's doing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from relubias._progress import Report
from relubias.errors import RelubiasError, TaskFailedError
from relubias.sweep._pace import Pace
from relubias.sweep._rows import FailedTask, done_rows, failed_rows, in_order
from relubias.sweep.engine import Engine, Failure, Job, Outcome
from relubias.sweep.store import Store

__all__ = ["STRIKES", "Driver", "Work"]

STRIKES = 3
"""How often a task may lose its worker before it counts as the cause."""

_CHUNK_STRIKES = 2
"""How often several tasks together may, before they are tried in pieces."""

_PIECES = 8
"""Into how many a job that failed is cut."""

_LONGEST = 1000
"""Tasks of a job that are named one by one."""

_PATIENCE = 8
"""A job of many tasks gets the time limits of so many tasks; one that needs more is cut."""

_TICK = 1.0  # seconds between two looks at the clock


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """A chunk that is being computed, and what is there of it.

    Attributes
    ----------
    chunk : int
        Number of the chunk.
    tasks : sequence of int
        What is to be computed of it.
    tables : list of pyarrow.Table
        Its rows so far.
    failed : list of FailedTask
        Tasks that failed on their own.
    n_open : int
        Tasks that are not decided yet.
    seconds : float
        Time that workers spent on it.
    """

    chunk: int
    tasks: Sequence[int]
    tables: list[Any] = field(default_factory=list[Any])
    failed: list[FailedTask] = field(default_factory=list[FailedTask])
    n_open: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.n_open = len(self.tasks)


class Driver:
    """Feeds an engine and stores what comes back.

    Parameters
    ----------
    store : Store
        Where parts go.
    engine : Engine
        What computes.
    timeout : float or None
        Time limit of a task in seconds.
    fail_fast : bool
        Whether the first failed task ends the run.
    report : callable
        Takes the fraction done and a sentence.
    pace : Pace
        Counts what is done.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        *,
        timeout: float | None,
        fail_fast: bool,
        report: Report,
        pace: Pace,
    ) -> None:
        self._store = store
        self._engine = engine
        self._timeout = timeout
        self._fail_fast = fail_fast
        self._report = report
        self._pace = pace
        self._open: dict[int, Work] = {}
        self._urgent: deque[Job] = deque()  # pieces and second tries, before anything new
        self._n_submitted = 0

    def run(self, work: Iterable[Work]) -> None:
        """Compute and store chunks until there are no more.

        Raises
        ------
        TaskFailedError
            If a task failed and that ends the run.
        StoreError
            If a part cannot be written.
        """
        self._engine.start(self._store.plan)
        try:
            jobs = self._jobs(work)
            while self._feed(jobs):
                for outcome in self._engine.wait(_TICK):
                    self._n_submitted -= 1
                    self._decide(outcome)
                self._report(min(self._pace.fraction, 1.0), self._pace.sentence())
        except (KeyboardInterrupt, TaskFailedError):
            self._store_what_is_finished()
            raise
        finally:
            self._engine.stop()

    def _jobs(self, work: Iterable[Work]) -> Iterator[Job]:
        for item in work:
            self._open[item.chunk] = item
            for tasks in _portions(item.tasks):
                yield self._job(item.chunk, tasks)

    def _job(self, chunk: int, tasks: Sequence[int], attempt: int = 0) -> Job:
        limit = None if self._timeout is None else self._timeout * min(len(tasks), _PATIENCE)
        return Job(chunk=chunk, tasks=tasks, seconds=limit, attempt=attempt)

    def _feed(self, jobs: Iterator[Job]) -> bool:
        """Keep the engine busy; return whether it has anything to do."""
        while self._n_submitted < self._engine.capacity:
            job = self._urgent.popleft() if self._urgent else next(jobs, None)
            if job is None:
                break
            self._engine.submit(job)
            self._n_submitted += 1
        return self._n_submitted > 0

    def _decide(self, outcome: Outcome) -> None:
        """Take the rows of a job, or try its tasks again, or give its only task up."""
        job = outcome.job
        work = self._open[job.chunk]
        work.seconds += outcome.seconds
        if outcome.columns is not None:
            work.tables.append(done_rows(self._store.plan, outcome.columns))
        elif self._deserves_another_try(outcome):
            self._urgent.append(self._job(job.chunk, job.tasks, job.attempt + 1))
            return
        elif len(job.tasks) > 1:
            for piece in _pieces(job.tasks):
                n_tries = 0 if len(piece) == 1 else _CHUNK_STRIKES - 1  # pieces have one
                self._urgent.append(self._job(job.chunk, piece, n_tries))
            return
        else:
            failed = self._failed(outcome)
            if self._fail_fast:
                raise TaskFailedError(self._sentence(failed), failed.task, failed.status)
            work.failed.append(failed)
        work.n_open -= len(job.tasks)
        if work.n_open == 0:
            self._finish(work)

    @staticmethod
    def _deserves_another_try(outcome: Outcome) -> bool:
        strikes = STRIKES if len(outcome.job.tasks) == 1 else _CHUNK_STRIKES
        return outcome.failure is Failure.KILLED and outcome.job.attempt + 1 < strikes

    def _failed(self, outcome: Outcome) -> FailedTask:
        failure = outcome.failure or Failure.ERROR
        error = outcome.error
        if failure is Failure.TIMEOUT:
            error = f"took longer than {outcome.job.seconds:g} s"
        elif failure is Failure.KILLED:
            error = f"lost its worker {STRIKES} times: {error or 'it vanished'}"
        return FailedTask(task=outcome.job.tasks[0], status=str(failure), error=error)

    def _sentence(self, failed: FailedTask) -> str:
        from relubias.sweep._compute import parameters

        known = parameters(self._store.plan, [failed.task])
        values = ", ".join(f"{name}={known[name][0]}" for name in known if name != "task")
        return (
            f"task {failed.task} ({values}) {failed.status}: {failed.error}; what is finished is "
            "stored in " + str(self._store.folder)
        )

    def _finish(self, work: Work) -> None:
        """Store a chunk of which every task is decided."""
        tables = list(work.tables)
        if work.failed:
            tables.append(failed_rows(self._store.plan, work.failed))
        n_failed = len(work.failed)
        self._store.write(work.chunk, in_order(tables), work.seconds, n_failed)
        del self._open[work.chunk]
        self._pace.done += len(work.tasks)
        self._pace.failed += n_failed

    def _store_what_is_finished(self) -> None:
        """Store chunks that were complete by the time the run was interrupted."""
        with suppress(RelubiasError):
            for outcome in self._engine.wait(0.0):
                self._decide(outcome)


def _portions(tasks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the tasks as they are; in portions where they have to be named one by one."""
    if isinstance(tasks, range):
        yield tasks
        return
    for first in range(0, len(tasks), _LONGEST):
        yield tasks[first : first + _LONGEST]


def _pieces(tasks: Sequence[int]) -> Iterator[Sequence[int]]:
    size = -(-len(tasks) // _PIECES)
    for first in range(0, len(tasks), size):
        yield tasks[first : first + size]
