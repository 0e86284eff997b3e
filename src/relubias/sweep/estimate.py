"""What a sweep will cost, from timing a few of its tasks."""

from __future__ import annotations

import importlib
import io
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relubias._validate import as_real
from relubias.sweep._compute import Columns, compute, schema

if TYPE_CHECKING:
    from relubias.sweep.plan import Plan

__all__ = ["Estimate", "estimate"]

_MOST_BLOCKS = 8
_MOST_TASKS = 512  # timed per block
_BYTES = {"int64": 3.0, "float64": 8.0, "bool": 0.2, "string": 1.0}
_BYTES_OF_PART = 4000.0
"""Of a row's column and of a part, where pyarrow is not there to measure them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a sweep will cost.

    Attributes
    ----------
    n_tasks, n_chunks : int
        Tasks, and parts that they are computed and written in.
    cpu_seconds : float
        Time of one core, from timing `n_timed` tasks; nan if all of those failed.
    bytes : float
        Disk space of the results.
    n_timed, n_failed : int
        Tasks that were timed, and those of them that raised an error.
    """

    n_tasks: int
    n_chunks: int
    cpu_seconds: float
    bytes: float
    n_timed: int
    n_failed: int

    def __str__(self) -> str:
        time_needed = "unknown" if math.isnan(self.cpu_seconds) else _duration(self.cpu_seconds)
        lines = [
            f"tasks   {self.n_tasks:,} in {self.n_chunks:,} chunks",
            f"time    {time_needed} of one core, from {self.n_timed} tasks",
            f"disk    {_size(self.bytes)}",
        ]
        if self.n_failed:
            lines.append(f"failed  {self.n_failed} of the tasks that were timed")
        return "\n".join(lines)


def _duration(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.2g} s"


def _size(size: float) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size / 1e3:.3g} kB"


def estimate(plan: Plan, seconds: float) -> Estimate:
    """Time some tasks of each shape for about `seconds` in all, and weigh them."""
    budget = as_real("seconds", seconds, minimum=0.0, strict=True)
    blocks: tuple[range, ...] = plan.blocks
    spread = np.linspace(0, len(blocks) - 1, _MOST_BLOCKS).round()
    chosen = sorted({int(b) for b in spread.tolist()})
    samples = [_Sample(plan, blocks[b], budget / len(chosen)) for b in chosen]
    nearest = [int(np.argmin([abs(b - c) for c in chosen])) for b in range(len(blocks))]
    per_block = [len(tasks) * samples[k].rate for tasks, k in zip(blocks, nearest, strict=True)]
    fixed, per_row = _disk(plan, samples)
    return Estimate(
        n_tasks=plan.n_tasks,
        n_chunks=len(plan.chunks),
        cpu_seconds=float(np.nansum(per_block)) if np.isfinite(per_block).any() else math.nan,
        bytes=fixed * len(plan.chunks) + per_row * plan.n_tasks,
        n_timed=sum(sample.n_timed for sample in samples),
        n_failed=sum(sample.n_failed for sample in samples),
    )


class _Sample:
    """Tasks spread over one block, computed in growing batches until the time is up."""

    def __init__(self, plan: Plan, tasks: range, seconds: float) -> None:
        self.rate, self.n_timed, self.n_failed = math.nan, 0, 0
        self.columns: Columns | None = None
        self._time(plan, tasks[:1])  # kernels are loaded or compiled
        self.n_timed, self.n_failed = 0, 0
        begin, size = time.perf_counter(), 1
        while True:
            places = np.linspace(0, len(tasks) - 1, min(size, len(tasks))).astype(np.int64)
            self._time(plan, [tasks[int(place)] for place in np.unique(places)])
            is_late = time.perf_counter() - begin >= seconds
            if is_late or size >= min(len(tasks), _MOST_TASKS):
                return
            size *= 4

    def _time(self, plan: Plan, tasks: Sequence[int]) -> None:
        begin = time.process_time()
        try:
            self.columns = compute(plan, tasks)
        except Exception:  # noqa: BLE001 - a task that fails now fails in the sweep, as a row
            if len(tasks) > 1:
                for task in tasks:
                    self._time(plan, [task])
                return
            self.n_failed += 1
        self.n_timed += len(tasks)
        self.rate = (time.process_time() - begin) / len(tasks)


def _disk(plan: Plan, samples: Sequence[_Sample]) -> tuple[float, float]:
    """Return the bytes of a part without rows, and of a row."""
    known = [sample.columns for sample in samples if sample.columns is not None]
    largest = max(known, key=lambda columns: columns["task"].size, default=None)
    try:
        pa: Any = importlib.import_module("pyarrow")
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        largest, pa, pq = None, None, None
    if largest is None or largest["task"].size < 2:
        return _BYTES_OF_PART, sum(_BYTES[kind] for _, kind in schema(plan))

    def written(size: int) -> int:
        sink = io.BytesIO()
        rows = {name: values[:size] for name, values in largest.items()}
        pq.write_table(pa.table(rows), sink, compression="zstd")
        return sink.tell()

    n_rows = largest["task"].size
    one, all_rows = written(1), written(n_rows)
    per_row = max(all_rows - one, 1) / (n_rows - 1)
    return one - per_row, per_row
