"""What runs inside a Dask worker: it hands jobs to child processes, so that it survives them.

A task that kills its process, or never ends, costs a child; Dask's worker stays.
"""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, cast

from relubias.sweep._child import read_frame, write_frame
from relubias.sweep._processes import ending, spawn
from relubias.sweep.engine import Failure

__all__ = ["answer", "dismiss"]

_Frame = tuple[dict[str, Any], bytes]


@dataclass(frozen=True, eq=False)
class Child:
    """A process, the sweep that it serves, and the versions that it works with."""

    sweep: str
    process: subprocess.Popen[bytes]
    versions: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def requests(self) -> IO[bytes]:
        """Where it reads."""
        return cast("IO[bytes]", self.process.stdin)

    @property
    def answers(self) -> IO[bytes]:
        """Where it writes."""
        return cast("IO[bytes]", self.process.stdout)


_lock = threading.Lock()
_idle: list[Child] = []
_all: set[Child] = set()
_spawner = ThreadPoolExecutor(1)  # children end with the thread that started them


def answer(
    sweep: str, plan: str, chunk: int, tasks: list[int], seconds: float | None
) -> tuple[dict[str, Any], bytes]:
    """Compute some tasks in a child process.

    Parameters
    ----------
    sweep : str
        Key of the run; its children serve no other one.
    plan : str
        The plan as TOML.
    chunk : int
        Number of the chunk.
    tasks : list of int
        Numbers of the tasks.
    seconds : float or None
        After which the child is ended.

    Returns
    -------
    tuple of dict and bytes
        How it went, and the rows as an Arrow stream; empty if there are none.
    """
    child = _take(sweep)
    if child is None:
        child, frame = _new(sweep, plan, is_timed=seconds is not None)
        if frame is None or frame[0].get("is_unusable"):
            status = _end(child)
            why = ending(status) if frame is None else frame[0]["error"]
            return {"is_unusable": True, "error": why}, b""
    begin, is_late = time.perf_counter(), threading.Event()

    def end() -> None:
        is_late.set()
        child.process.kill()

    clock = threading.Timer(seconds, end) if seconds is not None else None
    if clock is not None:
        clock.daemon = True
        clock.start()
    try:
        frame = _ask(child, {"chunk": chunk, "tasks": tasks})
    finally:
        if clock is not None:
            clock.cancel()
    if frame is not None and not is_late.is_set():
        with _lock:
            _idle.append(child)
        return frame[0] | {"versions": child.versions}, frame[1]
    status = _end(child)
    failure = Failure.TIMEOUT if is_late.is_set() else Failure.KILLED
    header = {"failure": str(failure), "error": ending(status)}
    return header | {"seconds": time.perf_counter() - begin}, b""


def _take(sweep: str) -> Child | None:
    """Return an idle child of a sweep."""
    with _lock:
        for child in [child for child in _idle if child.sweep == sweep]:
            _idle.remove(child)
            if child.process.poll() is None:
                return child
            _all.discard(child)
    return None


def _new(sweep: str, plan: str, *, is_timed: bool) -> tuple[Child, _Frame | None]:
    """Start a child, and wait until it has loaded everything; return what it says then."""
    child = Child(sweep, _spawner.submit(spawn).result())
    with _lock:
        _all.add(child)
    hello = read_frame(child.answers)
    if hello is None:
        return child, None
    child.versions.update(hello[0]["versions"])
    return child, _ask(child, {"plan": plan, "is_timed": is_timed})


def _ask(child: Child, request: dict[str, Any]) -> _Frame | None:
    """Return the answer to one request; None if the child ends without one."""
    try:
        write_frame(child.requests, request)
        return read_frame(child.answers)
    except (OSError, ValueError):  # the pipe is closed
        return None


def _end(child: Child) -> int:
    """Make sure that a child is gone; return its exit status."""
    child.process.kill()
    for pipe in (child.requests, child.answers):
        with suppress(OSError):  # what was left unsent is of no interest
            pipe.close()
    with _lock:
        _all.discard(child)
    return child.process.wait()


def dismiss(sweep: str) -> None:
    """End every child of one run, busy or idle.

    Parameters
    ----------
    sweep : str
        Key of the run.
    """
    with _lock:
        children = [child for child in _all if child.sweep == sweep]
        idle = [child for child in _idle if child.sweep == sweep]
        _idle[:] = [child for child in _idle if child.sweep != sweep]
    for child in children:
        child.process.kill()  # whoever waits for a busy one sees to the rest
    for child in idle:
        _end(child)
