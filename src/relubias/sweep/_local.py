"""The engines of one machine: child processes with a pipe each, or this very process.

A child that dies takes its own pipe along and nothing else. (Pools whose workers share one pipe
and its lock, such as pebble's, break when a worker is killed while it sends its answer.)
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from relubias._validate import fail
from relubias.sweep._child import from_arrow, read_frame, write_frame
from relubias.sweep._processes import ending, spawn
from relubias.sweep.engine import EngineError, Failure, Job, Outcome, attempt

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["InProcess", "LocalEngine", "script_of"]

_QUICK = 2.0
"""Seconds; after a quicker job a child gets its next one ahead, so that it never waits."""

_LISTENS = 0.5
"""Seconds; longer only if something that a task started holds the pipe open."""

_FALSE_STARTS = 3
"""How many children in a row may end by themselves before they are ready."""

_KILLED_STARTS = 30
"""How many may be killed before they are ready, by whoever kills them."""


class InProcess:
    """Computes every job in this process, when its outcome is waited for."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._plan: Plan | None = None

    @property
    def capacity(self) -> int:
        """One job at a time."""
        return 1

    def start(self, plan: Plan) -> None:
        """Remember the plan."""
        self._plan = plan

    def submit(self, job: Job) -> None:
        """Remember a job."""
        self._jobs.append(job)

    def wait(self, seconds: float) -> list[Outcome]:
        """Compute the next job, however long it takes; with 0 seconds nothing is computed."""
        if self._plan is None or not self._jobs or not seconds:
            return []
        return [attempt(self._plan, self._jobs.popleft())]

    def stop(self) -> None:
        """Forget what is left."""
        self._jobs.clear()


@dataclass(slots=True, eq=False)
class _Child:
    """A process and the jobs that were sent to it, the first of which it computes."""

    process: subprocess.Popen[bytes]
    listener: threading.Thread | None = None
    sent: deque[Job] = field(default_factory=deque[Job])
    is_ready: bool = False
    is_late: bool = False
    is_quick: bool = False
    since: float = 0.0  # when the first of `sent` began

    @property
    def requests(self) -> IO[bytes]:
        return cast("IO[bytes]", self.process.stdin)

    @property
    def deadline(self) -> float:
        """When the job at work is given up, on the monotonic clock."""
        if not (self.is_ready and self.sent) or self.sent[0].seconds is None or self.is_late:
            return float("inf")
        return self.since + self.sent[0].seconds

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request; if the child is dead, its listener will say so."""
        with suppress(OSError, ValueError):
            write_frame(self.requests, request)


_News = tuple[_Child, "tuple[dict[str, Any], bytes] | None"]


class LocalEngine:
    """Computes jobs in child processes of this machine.

    Parameters
    ----------
    workers : int
        How many children, each with one thread.
    is_timed : bool, default=False
        Whether jobs have time limits; compiled code is then loaded before the first of them.
    """

    def __init__(self, workers: int, *, is_timed: bool = False) -> None:
        self._workers = workers
        self._is_timed = is_timed
        self._plan = ""
        self._script: Path | None = None
        self._children: list[_Child] = []
        self._jobs: deque[Job] = deque()
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._false_starts = 0

    @property
    def capacity(self) -> int:
        """Twice the number of children: one job at work and one to follow."""
        return 2 * self._workers

    def start(self, plan: Plan) -> None:
        """Note the plan; children are started when there are jobs for them."""
        self._plan = plan.to_toml()
        self._script = script_of(plan)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._jobs.append(job)
        self._hand_out()

    def wait(self, seconds: float) -> list[Outcome]:
        """Return the outcomes since the last call.

        Raises
        ------
        EngineError
            If children cannot run, whatever they are given.
        """
        outcomes: list[Outcome] = []
        end = time.monotonic() + seconds
        while not outcomes:
            now = time.monotonic()
            until = min([end, *(child.deadline for child in self._children)])
            try:
                outcomes += self._heard(*self._news.get(timeout=max(until - now, 0.0)))
                while True:
                    outcomes += self._heard(*self._news.get_nowait())
            except queue.Empty:
                self._end_late_ones()
            self._hand_out()
            if now >= end:
                break
        return outcomes

    def stop(self) -> None:
        """Kill every child."""
        self._jobs.clear()
        for child in self._children:
            child.process.kill()
        for child in self._children:
            _bury(child)
        self._children.clear()

    def _hand_out(self) -> None:
        """Give waiting jobs to idle children, to new ones, or ahead to quick ones."""
        while self._jobs:
            child = min(self._children, key=lambda child: len(child.sent), default=None)
            if (child is None or child.sent) and len(self._children) < self._workers:
                child = self._new()
            if child is None or len(child.sent) > (1 if child.is_quick else 0):
                return
            job = self._jobs.popleft()
            if not child.sent:
                child.since = time.monotonic()
            child.sent.append(job)
            child.ask({"chunk": job.chunk, **_packed(job.tasks)})

    def _new(self) -> _Child:
        child = _Child(spawn(script=self._script))
        self._children.append(child)
        child.listener = threading.Thread(target=self._listen, args=(child,), daemon=True)
        child.listener.start()
        child.ask({"plan": self._plan, "is_timed": self._is_timed})
        return child

    def _listen(self, child: _Child) -> None:
        """Pass on what a child answers, until it ends; runs in a thread of its own."""
        frame: tuple[dict[str, Any], bytes] | None = ({}, b"")
        with cast("IO[bytes]", child.process.stdout) as answers:
            while frame is not None:
                try:
                    frame = read_frame(answers)
                except (OSError, ValueError):
                    frame = None
                self._news.put((child, frame))

    def _heard(self, child: _Child, frame: tuple[dict[str, Any], bytes] | None) -> list[Outcome]:
        if frame is None:
            return self._lost(child) if child in self._children else []
        header, body = frame
        if header.get("is_unusable"):
            raise EngineError(f"engine: a worker cannot run this plan ({header['error']})")
        if "seconds" not in header:  # its versions, or that it is ready
            child.is_ready = child.is_ready or header.get("is_ready", False)
            child.since = time.monotonic()
            return []
        self._false_starts = 0
        job = child.sent.popleft()
        child.since = time.monotonic()
        child.is_quick = header["seconds"] < _QUICK and not self._is_timed
        failure = None if header["failure"] is None else Failure(header["failure"])
        return [
            Outcome(
                job=job,
                columns=None if failure else from_arrow(body),
                failure=failure,
                error=header["error"],
                seconds=header["seconds"],
            )
        ]

    def _lost(self, child: _Child) -> list[Outcome]:
        """Note that a child has died; the job that it was at is what becomes of it."""
        self._children.remove(child)
        status = _bury(child)
        lost = child.sent.popleft() if child.sent and child.is_ready else None
        self._jobs.extendleft(reversed(child.sent))
        if lost is None:
            if not child.is_ready:
                self._count_false_start(status)
            return []
        failure = Failure.TIMEOUT if child.is_late else Failure.KILLED
        error = "" if child.is_late else ending(status)
        seconds = time.monotonic() - child.since
        return [Outcome(job=lost, failure=failure, error=error, seconds=seconds)]

    def _count_false_start(self, status: int) -> None:
        self._false_starts += 1 if status < 0 else _KILLED_STARTS // _FALSE_STARTS
        if self._false_starts >= _KILLED_STARTS:
            raise EngineError(
                f"engine: workers end before they are ready, the last one because "
                f"{ending(status)}; free memory or use fewer workers"
            )

    def _end_late_ones(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.deadline <= now:
                child.is_late = True
                child.process.kill()


def _packed(tasks: Sequence[int]) -> dict[str, list[int]]:
    if isinstance(tasks, range):
        return {"range": [tasks.start, tasks.stop, tasks.step]}
    return {"tasks": list(tasks)}


def _bury(child: _Child) -> int:
    """Make sure that a child is gone; return its exit status."""
    child.process.kill()
    with suppress(OSError):  # what was left unsent is of no interest
        child.requests.close()
    if child.listener is not None:
        child.listener.join(_LISTENS)  # it reads to the end, which is here
    return child.process.wait()


def script_of(plan: Plan) -> Path | None:
    """Return the script whose functions a plan measures; None if it measures none of a script.

    Raises
    ------
    InvalidInputError
        If they were defined where no other process can find them.
    """
    if "__main__:" not in plan.to_toml():
        return None
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if path is None or not Path(path).is_file():
        raise fail(
            "measure",
            "names a function of a notebook or an interactive session, which workers cannot import",
            "define it in a module, or pass workers=0",
        )
    return Path(path).resolve()
