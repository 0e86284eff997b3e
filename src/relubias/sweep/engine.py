"""What runs a sweep: an engine takes jobs and gives outcomes, and knows nothing of the store."""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from relubias._validate import shown
from relubias.errors import RelubiasError

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["Engine", "EngineError", "Failure", "Job", "Outcome", "attempt", "described"]

Columns = Mapping[str, NDArray[np.generic]]


class EngineError(RelubiasError, RuntimeError):
    """Workers cannot be used, or went away; what is finished is stored and the rest resumes."""


class Failure(enum.StrEnum):
    """How a job can fail; the value is the status of a task that fails so on its own."""

    ERROR = "failed"
    KILLED = "killed"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Some tasks of one chunk, computed together by one worker.

    Attributes
    ----------
    chunk : int
        Number of the chunk that the tasks belong to.
    tasks : range or tuple of int
        Numbers of the tasks, ascending.
    seconds : float or None
        Wall-clock time after which the engine gives the job up; None for no limit.
    attempt : int
        How often the same tasks were handed out before.
    """

    chunk: int
    tasks: Sequence[int]
    seconds: float | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcome:
    """What became of a job: columns, or how and why it failed.

    Attributes
    ----------
    job : Job
        The job as it was submitted.
    columns : mapping of str to ndarray of shape (n_tasks,), or None
        One row a task, in the order of the job; None if it failed.
    failure : Failure or None
        How it failed; None if it did not.
    error : str
        Class and message of the exception, or a sentence; empty if it did not fail.
    seconds : float
        Wall-clock time that the computation took.
    """

    job: Job
    columns: Columns | None = None
    failure: Failure | None = None
    error: str = ""
    seconds: float = 0.0


class Engine(Protocol):
    """Computes jobs somewhere: in this process, in others, or on other machines.

    The driver submits up to `capacity` jobs, waits for outcomes, and submits more. A job that
    raises, loses its worker or runs out of time gives an outcome that says so; the engine tries
    nothing again, and no job can harm another one.
    """

    @property
    def capacity(self) -> int:
        """How many unfinished jobs keep every worker busy; it may change while it runs."""
        ...

    def start(self, plan: Plan) -> None:
        """Get workers for the jobs of one plan."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job; returns at once."""
        ...

    def wait(self, seconds: float) -> list[Outcome]:
        """Return the outcomes since the last call; waits for the first one at most `seconds`."""
        ...

    def stop(self) -> None:
        """Drop what is unfinished and let the workers go, within a second; may be called twice."""
        ...


def attempt(plan: Plan, job: Job) -> Outcome:
    """Compute a job here; whatever its tasks raise becomes part of the outcome."""
    from relubias.sweep._compute import compute

    begin = time.perf_counter()
    try:
        columns = compute(plan, job.tasks)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a failed task is a row, not the end
        seconds = time.perf_counter() - begin
        return Outcome(job=job, failure=Failure.ERROR, error=described(error), seconds=seconds)
    return Outcome(job=job, columns=columns, seconds=time.perf_counter() - begin)


def described(error: BaseException) -> str:
    """Return the class and the message of an exception on one line of bounded length."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a user's exception may not even print
        message = shown(error)
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 3]}..."


_LONGEST_ERROR = 500
