"""Run a plan: what is missing is computed, stored in parts, and survives whatever happens."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from relubias._progress import Progress, reporting
from relubias._validate import as_count, as_real, fail, shown
from relubias.sweep._driver import Driver, Work
from relubias.sweep._lock import Shard
from relubias.sweep._pace import Pace
from relubias.sweep._rows import split_failed
from relubias.sweep.plan import Plan
from relubias.sweep.store import Store

if TYPE_CHECKING:
    from relubias.sweep.engine import Engine
    from relubias.sweep.results import SweepResult

__all__ = ["as_shard", "run"]


def run(
    plan: Plan,
    store: str | Path,
    *,
    engine: Any = None,
    workers: int | None = None,
    shard: tuple[int, int] | str | None = None,
    fail_fast: bool = False,
    retry_failed: bool = False,
    task_timeout: float | None = None,
    progress: Progress = True,
) -> SweepResult:
    """Compute what a plan's folder does not hold yet, and return what it holds then.

    Parameters
    ----------
    plan : Plan
        What to compute.
    store : str or Path
        Folder for results; the plan gets one of its own in it, named for it and its digest.
    engine : str, distributed.Client or Engine, optional
        Where to compute: address of a Dask scheduler, such as ``"tcp://host:8786"``, or a client.
        Processes of this machine if omitted.
    workers : int, optional
        Processes on this machine, each with one thread; as many as it has cores if omitted. With
        0 everything happens in this process.
    shard : tuple of int or str, optional
        ``(i, N)`` or ``"i/N"``, i from 1 to N: compute every N-th chunk only. The shards of a job
        array share a store, each with a lock of its own.
    fail_fast : bool, default=False
        Stop at the first task that fails, with its error.
    retry_failed : bool, default=False
        Try the tasks again that failed in earlier runs.
    task_timeout : float, optional
        Seconds after which a task is given up. Not with ``workers=0``.
    progress : bool or callable, default=True
        Whether to say how far it is, at which rate, and how long it still takes.

    Returns
    -------
    SweepResult
        Every row of the folder, one a task.

    Raises
    ------
    InvalidInputError
        If an argument is unusable; nothing is computed then.
    StoreError
        If another run holds the folder, it cannot be written, or it is of a newer version.
    TaskFailedError
        If a task failed and `fail_fast` is set.
    EngineError
        If workers cannot be used at all.
    MissingExtraError
        If pyarrow, or Dask for a cluster, is not installed.

    See Also
    --------
    relubias.sweep.load : Read a folder without computing anything.

    Notes
    -----
    Running the same command again resumes. Rows depend on the plan alone, bit for bit: not on
    workers, shards, engines, interruptions or failures beside them.

    A part is a Parquet file that is written aside, synced and renamed, and sealed by a checksum
    over every byte. A damaged part is renamed to ``*.damaged`` and computed again.

    A job that fails is cut into pieces until its tasks are alone. A task that raises is recorded
    as ``"failed"`` with its error; one that loses its worker three times as ``"killed"``; one
    that runs too long as ``"timeout"``. Its measures are null, everything else goes on.

    Ctrl-C, a signal, a full disk or a power cut leave a folder that resumes: what was stored
    stays, and workers end with the process that started them.

    Examples
    --------
    >>> import tempfile
    >>> from relubias.sweep import Plan, run
    >>> plan = Plan(n=5, d=[20, 40], kappa=0.9, replicates=3, measure="gap")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(run(plan, folder, workers=0, progress=False).n_missing)
    0
    """
    from relubias.sweep.results import load

    if not isinstance(plan, Plan):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("plan", f"is {shown(plan)}", "pass a relubias.sweep.Plan")
    part = as_shard(shard)
    timeout = _as_timeout(task_timeout)
    for name, flag in (("fail_fast", fail_fast), ("retry_failed", retry_failed)):
        if not isinstance(flag, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise fail(name, f"is {shown(flag)}", "pass True or False")
    _refuse_in_child()
    chosen = _as_engine(plan, engine, workers, timeout)
    with (
        reporting(progress, f"sweep {plan.name}") as report,
        Store.open(store, plan, shard=part) as opened,
    ):
        pace = Pace(
            total=opened.n_own(), done=opened.n_stored(), failed=sum(opened.n_failed.values())
        )
        if opened.set_aside:
            report(pace.fraction, f"{len(opened.set_aside)} damaged parts are computed again")
        driver = Driver(
            opened, chosen, timeout=timeout, fail_fast=fail_fast, report=report, pace=pace
        )
        driver.run(_work(opened, pace, retry_failed=retry_failed))
        report(1.0, pace.sentence())
        return load(opened.folder)


def _work(store: Store, pace: Pace, *, retry_failed: bool) -> Iterator[Work]:
    """Yield what is to be computed: chunks that are missing, then tasks that failed before."""
    again = sorted(store.n_failed) if retry_failed else []
    for chunk in store.missing():
        yield Work(chunk=chunk, tasks=store.plan.chunks[chunk])
    for chunk in again:
        rows, tasks = split_failed(store.read(chunk))
        pace.done -= len(tasks)
        pace.failed -= len(tasks)
        yield Work(chunk=chunk, tasks=tasks, tables=[rows])


def as_shard(value: Any) -> Shard | None:
    """Return the number of a shard and how many there are, from a pair or ``"i/N"``."""
    if value is None:
        return None
    remedy = "pass (i, N) or 'i/N' with i from 1 to N"
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value)
        pair = (int(match[1]), int(match[2])) if match else None
    else:
        pair = _as_pair(value)
    if pair is None:
        raise fail("shard", f"is {shown(value)}", remedy)
    if not 1 <= pair[0] <= pair[1]:
        raise fail("shard", f"is {pair[0]}/{pair[1]}", remedy)
    return pair


def _as_pair(value: Any) -> Shard | None:
    if not isinstance(value, (tuple, list)):
        return None
    entries = cast("list[Any] | tuple[Any, ...]", value)
    if len(entries) != 2:
        return None
    return as_count("shard", entries[0]), as_count("shard", entries[1])


def _as_timeout(value: Any) -> float | None:
    if value is None:
        return None
    return as_real("task_timeout", value, minimum=0.0, strict=True, what="number of seconds")


def _refuse_in_child() -> None:
    """Stop a script without a guard from sweeping inside its own workers."""
    from relubias.sweep._processes import SCRIPT

    if SCRIPT in sys.modules:
        raise fail(
            "run",
            "was called while a worker loads this script for the function that is measured",
            "put the call under `if __name__ == '__main__':`, or the function into a module",
        )


def _as_engine(plan: Plan, engine: Any, workers: Any, timeout: float | None) -> Engine:
    from relubias.sweep._compute import schema
    from relubias.sweep._local import InProcess, LocalEngine, script_of

    count = None if workers is None else as_count("workers", workers, maximum=10_000)
    schema(plan)  # imports what it measures, before anything starts
    if engine is None and count == 0:
        if timeout is not None:
            raise fail("task_timeout", "is given with workers=0", "pass at least one worker")
        return InProcess()
    if engine is None:
        script_of(plan)
        return LocalEngine(count or _n_cores(), is_timed=timeout is not None)
    if count is not None:
        raise fail("workers", "are given beside an engine", "pass one of them")
    if all(hasattr(engine, name) for name in ("start", "submit", "wait", "stop", "capacity")) and (
        type(engine).__module__.partition(".")[0] != "distributed"
    ):
        return cast("Engine", engine)
    from relubias.sweep._dask import DaskEngine

    return DaskEngine(engine)


def _n_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
