"""From computed columns and failures to the rows of a chunk, in the order of its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias.sweep._parts import require_arrow

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["DONE", "FailedTask", "done_rows", "failed_rows", "in_order", "split_failed"]

DONE = "done"
"""Status of a task that was computed."""

_TYPES = {"int64": "int64", "float64": "float64", "bool": "bool_", "string": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTask:
    """A task that failed on its own.

    Attributes
    ----------
    task : int
        Its number.
    status : str
        ``"failed"``, ``"killed"`` or ``"timeout"``.
    error : str
        Why.
    """

    task: int
    status: str
    error: str


def done_rows(plan: Plan, columns: Mapping[str, NDArray[np.generic]]) -> Any:
    """Return computed columns as rows of a store.

    Parameters
    ----------
    plan : Plan
        What was computed.
    columns : mapping of str to ndarray of shape (n_tasks,)
        As `compute` returns them.

    Returns
    -------
    pyarrow.Table
    """
    size = len(columns["task"])
    return _rows(plan, columns, [DONE] * size, [""] * size)


def failed_rows(plan: Plan, failed: Sequence[FailedTask]) -> Any:
    """Return the rows of failed tasks: parameters, how and why; what was measured is null.

    Parameters
    ----------
    plan : Plan
        What was tried.
    failed : sequence of FailedTask
        At least one.

    Returns
    -------
    pyarrow.Table
    """
    from relubias.sweep._compute import parameters

    known = parameters(plan, [failure.task for failure in failed])
    return _rows(plan, known, [f.status for f in failed], [f.error for f in failed])


def _rows(
    plan: Plan, columns: Mapping[str, NDArray[np.generic]], status: list[str], error: list[str]
) -> Any:
    from relubias.sweep._compute import schema

    pa = require_arrow()
    arrays: dict[str, Any] = {}
    for name, kind in schema(plan):
        type_ = getattr(pa, _TYPES[kind])()
        if name in columns:
            arrays[name] = pa.array(columns[name], type=type_, from_pandas=False)
        else:
            arrays[name] = pa.nulls(len(status), type_)
    arrays["status"] = pa.array(status, pa.string())
    arrays["error"] = pa.array(error, pa.string())
    return pa.table(arrays)


def in_order(tables: Sequence[Any]) -> Any:
    """Return the rows of several tables as one, ascending in their tasks."""
    pa = require_arrow()
    rows = pa.concat_tables(tables).combine_chunks()
    tasks = rows.column("task").to_numpy()
    if (np.diff(tasks) > 0).all():
        return rows
    return rows.take(pa.array(np.argsort(tasks)))


def split_failed(rows: Any) -> tuple[Any, list[int]]:
    """Return the rows that are done, and the tasks of the others."""
    pa = require_arrow()
    is_done = np.array(rows.column("status").to_pylist()) == DONE
    tasks = rows.column("task").to_numpy()[~is_done]
    return rows.filter(pa.array(is_done)), [int(task) for task in tasks]
