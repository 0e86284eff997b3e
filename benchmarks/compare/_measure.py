"""Interleaved timing, and the rows that the scripts print.

One BLAS thread on all sides. The figure is the CPU seconds of the process, all threads together,
because it does not depend on what else the machine does; wall seconds are kept beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import scipy.linalg  # noqa: F401  brings a BLAS of its own
from threadpoolctl import threadpool_limits

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # for processes started from here
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
threadpool_limits(limits=1)  # for the BLAS that is already loaded

PACKAGES = (
    "relubias", "numpy", "scipy", "numba", "torch", "jax", "diffrax", "quadprog", "clarabel",
    "proxsuite", "pyscipopt", "gurobipy",
    "daqp", "piqp", "osqp", "highspy", "cvxpy",
)  # fmt: skip
_SHORTEST = 0.03  # seconds of a sample: warm caches for quick functions


@dataclass(kw_only=True)
class Timing:
    """Medians of one candidate, seconds per call, and how wrong its answer is."""

    name: str
    cpu: float
    wall: float
    runs: int
    error: float | None = None
    note: str = ""


@dataclass(kw_only=True)
class Row:
    """One line of the page: ours, the peers, the figure to reach and whether it is reached."""

    subject: str
    ours: Timing
    figure: str
    reached: bool | None
    measured: str
    peers: list[Timing] = field(default_factory=list)
    note: str = ""
    cell: str = ""
    """If given, the row becomes one line of a table of all such rows, and this is its head."""


def interleaved(
    candidates: dict[str, Callable[[], Any]], *, runs: int = 5, warm: bool = True
) -> tuple[dict[str, Timing], dict[str, Any]]:
    """Time every candidate once, then every one again, and so on; return timings and answers."""
    answers = {name: call() for name, call in candidates.items()} if warm else {}
    number = {name: _calls_per_sample(call) if warm else 1 for name, call in candidates.items()}
    cpu: dict[str, list[float]] = {name: [] for name in candidates}
    wall: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(runs):
        for name, call in candidates.items():
            count = number[name]
            before, started = time.process_time(), time.perf_counter()
            for _ in range(count):
                answers[name] = call()
            cpu[name].append((time.process_time() - before) / count)
            wall[name].append((time.perf_counter() - started) / count)
    timings = {
        name: Timing(
            name=name,
            cpu=statistics.median(cpu[name]),
            wall=statistics.median(wall[name]),
            runs=runs,
        )
        for name in candidates
    }
    return timings, answers


def _calls_per_sample(call: Callable[[], Any]) -> int:
    started = time.perf_counter()
    call()
    seconds = time.perf_counter() - started
    return max(1, int(_SHORTEST / max(seconds, 1e-9)))


def load_kernels() -> None:
    """Have the kernels compiled and loaded, as after the first half second of use."""
    import numpy as np

    import relubias as rb

    rb.gradient_descent_batch(np.eye(2)[None], [[1, -1]], [1], [[[0.1, 0.1]]], step_size=0.5)
    rb.minimum_norm_batch(np.eye(2)[None], [[1.0, -1.0]])


def require_certified(*results: Any) -> None:
    """Refuse to time an answer that is not proved."""
    for result in results:
        if str(result.status) not in ("CERTIFIED", "OPTIMAL"):
            raise RuntimeError(f"refusing to time an uncertified answer: {result!r}")


def available(*modules: str) -> bool:
    """Whether all of the modules can be imported."""
    from importlib.util import find_spec

    return all(find_spec(module) is not None for module in modules)


def environment() -> dict[str, Any]:
    """Return machine, versions and load."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": versions,
    }


def seconds(value: float) -> str:
    """Return a duration in the unit that reads best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("\u00b5s", 1e-6), ("ns", 1e-9)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"


def times(ratio: float) -> str:
    """Return a ratio as people say it."""
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.3g} times"


def main(rows: Callable[[int], list[Row]]) -> None:
    """Run one script: print its rows; write them as JSON where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5, help="runs of every candidate")
    parser.add_argument("--json", type=Path, help="file for the rows and the environment")
    options = parser.parse_args()
    before = environment()
    found = rows(options.runs)
    for row in found:
        print(as_text(row), flush=True)
    if options.json:
        text = {"environment": before, "rows": [asdict(row) for row in found]}
        options.json.write_text(json.dumps(text, indent=1) + "\n")


def as_text(row: Row) -> str:
    """Return one row for the screen."""
    lines = [row.subject]
    if row.figure:
        verdict = {True: "reached", False: "MISSED", None: "no figure"}[row.reached]
        lines.append(f"  {verdict}: {row.measured}  (figure: {row.figure})")
    for timing in [row.ours, *row.peers]:
        error = "" if timing.error is None else f", error {timing.error:.1e}"
        ratio = "" if timing is row.ours else f", {times(timing.cpu / row.ours.cpu)} ours"
        note = f", {timing.note}" if timing.note else ""
        wall = seconds(timing.wall)
        lines.append(f"  {timing.name}: {seconds(timing.cpu)} CPU, {wall} wall{ratio}{error}{note}")
    if row.note:
        lines.append(f"  {row.note}")
    return "\n".join(lines)
