"""The exception tree: `RelubiasError` above everything that this package raises on purpose."""

from __future__ import annotations

from typing import Any

__all__ = [
    "InvalidInputError",
    "MissingExtraError",
    "NotSolvedError",
    "RelubiasError",
    "StoreError",
    "TaskFailedError",
]


class RelubiasError(Exception):
    """Base class of every error that relubias raises on purpose."""


class InvalidInputError(RelubiasError, ValueError):
    """An argument, a file or a data set is unusable.

    The message names the argument, what arrived and what to do about it. It is raised
    before any work starts.
    """


class NotSolvedError(RelubiasError, RuntimeError):
    """A result was asked to `raise_if_failed` and its status is a failure.

    Parameters
    ----------
    message : str
        The sentence of the status, with its remedy.
    result : object
        The partial result, kept for inspection.

    Attributes
    ----------
    result : object
        The partial result.
    """

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.result)


class MissingExtraError(RelubiasError, ImportError):
    """An optional dependency is not installed; the message is the command that installs it.

    Parameters
    ----------
    what : str
        What was asked for, such as ``"reading Parquet files"``.
    extra : str
        The name of the extra that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs an extra: pip install "relubias[{extra}]"')
        self.what = what
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.extra)


class StoreError(RelubiasError, OSError):
    """The folder of a sweep cannot be used: taken by another run, full, damaged, or too new.

    Whatever was finished before is still there; the message names the file and what to do.
    """


class TaskFailedError(RelubiasError, RuntimeError):
    """A task of a sweep failed, and the sweep was asked to stop at the first failure.

    Parameters
    ----------
    message : str
        What failed, and how.
    task : int
        Number of the task in its plan.
    status : str
        ``"failed"``, ``"killed"`` or ``"timeout"``.
    """

    def __init__(self, message: str, task: int, status: str) -> None:
        super().__init__(message)
        self.task = task
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.task, self.status)
