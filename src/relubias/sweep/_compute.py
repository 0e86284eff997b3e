"""From a plan and some of its tasks to rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from relubias._threads import one_blas_thread
from relubias._validate import fail
from relubias.sweep._batch import Batch
from relubias.sweep._measured import measures_of
from relubias.sweep._parameters import kinds_of, row_of
from relubias.sweep.case import Case, cases_of
from relubias.sweep.grid import Cell

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["compute", "parameters", "schema"]

Columns = dict[str, NDArray[Any]]

_DTYPES = {"int64": np.int64, "float64": np.float64, "bool": np.bool_, "string": np.str_}
_OF_STORE = ("status", "error")
"""Columns that are added where rows are stored."""

_MOST = 20_000_000
"""Entries of the Gram matrices that are held at once."""


def schema(plan: Plan) -> list[tuple[str, str]]:
    """Return every column of a plan's rows and its type."""
    kinds = {"task": "int64", **kinds_of(plan), "seed": "int64"}
    for measure in measures_of(plan.measure):
        for name, kind in measure.kinds.items():
            if name in kinds or name in _OF_STORE:
                raise fail("measure", f"has the column {name!r} a second time", "rename it")
            kinds[name] = kind
    return list(kinds.items())


def parameters(plan: Plan, tasks: Sequence[int]) -> Columns:
    """Return the columns that are known without computing anything."""
    return _parameters(plan, cases_of(plan, tasks))


def compute(plan: Plan, tasks: Sequence[int]) -> Columns:
    """Return a row per task, in the order given.

    A row depends on the plan and its task alone, bit for bit, whatever else is in the call.
    """
    kinds = dict(schema(plan))
    cases = cases_of(plan, tasks)
    columns = _parameters(plan, cases)
    measures = measures_of(plan.measure)
    in_full = any(measure.in_full for measure in measures)
    parts: list[tuple[list[int], Columns]] = []
    for places in _batches(cases):
        batch = Batch([cases[place] for place in places], in_full=in_full)
        with one_blas_thread(batch.cases[0].cell.n):
            measured = {k: v for measure in measures for k, v in measure.compute(batch).items()}
        parts.append((places, measured))
        for place in places:  # let go of the matrices
            cases[place].join(None, cases[place])
            cases[place] = None  # pyright: ignore[reportArgumentType, reportCallIssue]
    for name in list(kinds)[len(columns) :]:
        columns[name] = _gathered(name, _DTYPES[kinds[name]], parts, len(cases))
    return columns


def _gathered(
    name: str, dtype: Any, parts: Sequence[tuple[list[int], Columns]], size: int
) -> NDArray[Any]:
    if not parts:
        return np.zeros(0, dtype)
    values = np.concatenate([part[name].astype(dtype) for _, part in parts])
    places = np.concatenate([places for places, _ in parts])
    gathered = np.empty(size, dtype=values.dtype)
    gathered[places] = values
    return gathered


def _batches(cases: Sequence[Case]) -> Iterator[list[int]]:
    """Return the places of tasks of one shape, in lists of bounded memory."""
    order = sorted(range(len(cases)), key=lambda place: repr(cases[place].cell.shape))
    for _, group in groupby(order, key=lambda place: cases[place].cell.shape):
        places = list(group)
        most = max(1, _MOST // cases[places[0]].cell.n ** 2)
        for first in range(0, len(places), most):
            yield places[first : first + most]


def _parameters(plan: Plan, cases: Sequence[Case]) -> Columns:
    kinds = kinds_of(plan)
    cells: list[Cell] = []
    lengths: list[int] = []
    for _, group in groupby(cases, key=lambda case: id(case.cell)):
        members = list(group)
        cells.append(members[0].cell)
        lengths.append(len(members))
    rows = [row_of(kinds, cell, 0) for cell in cells]
    columns: Columns = {"task": np.array([case.task for case in cases], dtype=np.int64)}
    for name, kind in kinds.items():
        values = np.array([row[name] for row in rows], dtype=_DTYPES[kind])
        columns[name] = np.repeat(values, lengths)
    columns["replicate"] = np.array([case.replicate for case in cases], dtype=np.int64)
    columns["seed"] = np.array([case.seed for case in cases], dtype=np.int64)
    return columns
