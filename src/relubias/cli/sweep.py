"""`relubias sweep run | status | compact | show`: sweeps from plans in TOML files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from relubias._files import printable
from relubias.cli._messages import say
from relubias.cli._options import whole_number
from relubias.cli._output import Section, emit, strict_json
from relubias.cli._sweep_options import errors_name_options, read_plan
from relubias.cli._sweep_show import show
from relubias.errors import TaskFailedError

if TYPE_CHECKING:
    from relubias.sweep import Plan, SweepResult

__all__ = ["compact", "run", "show", "status"]

DONE, INCOMPLETE, FAILED, INTERRUPTED = 0, 1, 3, 130

_FLAG = Parameter(negative=(), show_default=False)
_MOST_FAILURES = 3


def run(
    plan: Path,
    /,
    *,
    store: Path = Path("sweeps"),
    set_: Annotated[Sequence[str], Parameter(name="--set", negative=(), show_default=False)] = (),
    workers: Annotated[int | None, Parameter(converter=whole_number)] = None,
    engine: str | None = None,
    shard: str | None = None,
    task_timeout: float | None = None,
    fail_fast: Annotated[bool, _FLAG] = False,
    retry_failed: Annotated[bool, _FLAG] = False,
    estimate: Annotated[bool, _FLAG] = False,
    json: Annotated[bool, _FLAG] = False,
) -> int:
    """Compute what the folder of a plan does not hold yet; the same command resumes.

    Exit status 3 if any task failed; the failed tasks are rows with their errors, and the others
    are computed all the same.

    Parameters
    ----------
    plan : Path
        The plan (.toml).
    store : Path
        Folder for results; the plan gets one of its own in it.
    set_ : sequence of str
        Field of the plan to replace, such as --set n=8,16 or --set replicates=100; may be repeated.
    workers : int, optional
        Processes on this machine; as many as it has cores if omitted, 0 for none.
    engine : str, optional
        Address of a Dask scheduler, such as tcp://host:8786, to compute on a cluster instead.
    shard : str, optional
        i/N computes every N-th chunk only, from the i-th on: one element of a job array.
    task_timeout : float, optional
        Seconds after which a task is given up.
    fail_fast : bool
        Stop at the first task that fails.
    retry_failed : bool
        Try the tasks again that failed before.
    estimate : bool
        Only say how many tasks there are and what they will cost.
    json : bool
        Print JSON instead of a table.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.sweep import run as run_sweep

    wanted = read_plan(plan, set_)
    if estimate:
        return _estimate(wanted, as_json=json)
    try:
        with errors_name_options():
            result = run_sweep(
                wanted,
                store,
                engine=engine,
                workers=workers,
                shard=shard,
                fail_fast=fail_fast,
                retry_failed=retry_failed,
                task_timeout=task_timeout,
            )
    except TaskFailedError as error:
        say(str(error))
        return FAILED
    except KeyboardInterrupt:
        say("interrupted; what is finished is stored, and the same command goes on with the rest")
        return INTERRUPTED
    facts = _facts("sweep run", result)
    emit(strict_json(facts) if json else [_section(facts)])
    failed = _own_failures(result, shard)
    for task, why in failed[:_MOST_FAILURES]:
        say(f"task {task}: {why}")
    if len(failed) > _MOST_FAILURES:
        say(f"{len(failed)} tasks failed; `relubias sweep show` lists their errors")
    if failed:
        return FAILED
    return INCOMPLETE if shard is None and result.n_missing else DONE


def _estimate(plan: Plan, *, as_json: bool) -> int:
    from dataclasses import asdict

    found = plan.estimate()
    if as_json:
        facts = {"command": "sweep run --estimate", "plan": plan.name, "digest": plan.digest}
        emit(strict_json(facts | asdict(found)))
    else:
        emit(f"{found}\n")
    return DONE


def _own_failures(result: SweepResult, shard: str | None) -> list[tuple[int, str]]:
    """Return the failed tasks of this shard, and why they failed."""
    from relubias.sweep.run import as_shard

    part, chunks = as_shard(shard), result.plan.chunks
    table = result.failures

    def is_mine(task: int) -> bool:
        chunk = bisect_right(chunks, task, key=lambda tasks: tasks[0]) - 1
        return part is None or chunk % part[1] == part[0] - 1

    listed = zip(table["task"].tolist(), table["error"].tolist(), strict=True)
    return [(task, why) for task, why in listed if is_mine(task)]


def status(folder: Path, /, *, json: Annotated[bool, _FLAG] = False) -> int:
    """Say what is done, missing, failed and damaged; every row is read and verified.

    Exit status 0 if all is done, 3 if any task failed, 1 if anything is missing.

    Parameters
    ----------
    folder : Path
        Folder of a sweep, or a store with several.
    json : bool
        Print JSON instead of a table.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.sweep import load
    from relubias.sweep._folder import plan_folders

    with errors_name_options():
        facts = [_facts("sweep status", load(path)) for path in plan_folders(folder)]
    emit(strict_json(facts[0] if len(facts) == 1 else facts) if json else [*map(_section, facts)])
    if any(entry["failed"] for entry in facts):
        return FAILED
    return INCOMPLETE if any(entry["missing"] or entry["damaged"] for entry in facts) else DONE


def compact(folder: Path, /, *, json: Annotated[bool, _FLAG] = False) -> int:
    """Merge the parts of a sweep into one file, rows.parquet; rows stay the same.

    Parameters
    ----------
    folder : Path
        Folder of a sweep.
    json : bool
        Print JSON instead of a table.

    Returns
    -------
    int
        The exit status.
    """
    from relubias.sweep import compact as compact_sweep

    with errors_name_options():
        result = compact_sweep(folder)
    facts = _facts("sweep compact", result)
    emit(strict_json(facts) if json else [_section(facts)])
    return INCOMPLETE if facts["damaged"] else DONE


def _facts(command: str, result: SweepResult) -> dict[str, Any]:
    files = [path for path in result.folder.rglob("*.parquet") if not path.name.startswith(".")]
    return {
        "command": command,
        "plan": result.plan.name,
        "digest": result.plan.digest,
        "folder": result.folder,
        "tasks": result.plan.n_tasks,
        "done": len(result) - result.n_failed,
        "failed": result.n_failed,
        "missing": result.n_missing,
        "damaged": list(result.damaged),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
    }


def _section(facts: dict[str, Any]) -> Section:
    rows = [
        ("tasks", f"{facts['tasks']:,}"),
        ("done", f"{facts['done']:,}"),
        ("failed", f"{facts['failed']:,}"),
        ("missing", f"{facts['missing']:,}"),
        *(("damaged", reason) for reason in facts["damaged"]),
        ("files", f"{facts['files']:,} of {facts['bytes'] / 1e6:,.3g} MB"),
        ("folder", printable(facts["folder"])),
    ]
    left_out = {"failed"} if not facts["failed"] else set[str]()
    left_out |= {"missing"} if not facts["missing"] else set[str]()
    return Section(f"sweep {facts['plan']}", [row for row in rows if row[0] not in left_out])
