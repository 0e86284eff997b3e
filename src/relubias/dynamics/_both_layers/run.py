"""The moving parts of one run on both layers: state, counters, engine and switches."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float, fail
from relubias.dynamics._both_layers import codes as code
from relubias.dynamics._both_layers import plain
from relubias.dynamics.trajectory import SWITCH_DTYPE
from relubias.problem import Problem

__all__ = ["Run"]

_KERNELS = "relubias.dynamics._both_layers._kernels"
_NUMPY_SECONDS = 0.4  # of stepping in NumPy, all runs together, before the kernels are loaded
_NUMPY_CHUNK = 64  # steps
_COMPILED_CHUNK = 2e8  # multiplications: a few tenths of a second
_MAX_KEPT_SWITCHES = 1_000_000
_LARGEST = 1e120  # of what a run can start from
_HUGE = 1e100  # in units of the largest label or first output; beyond it a run has diverged


class Run:
    """A run in the user's units, in double precision."""

    seconds_in_numpy: ClassVar[float] = 0.0
    """Time that this process has spent stepping in NumPy; it changes no answer."""

    def __init__(self, problem: Problem, start: Float, outer: Float, step_size: float) -> None:
        self.problem = problem
        self.gram, self.labels = problem.gram, problem.labels
        self.step_size = step_size
        self.dual, self.outer = start.copy(), outer.copy()
        m, n = start.shape
        self.primal = np.empty((m, n))
        self.engine: ModuleType = sys.modules.get(_KERNELS, plain)
        self.root = np.sqrt(np.diagonal(self.gram))
        self.residual = np.empty(n)
        self.counters = np.zeros(code.N_COUNTERS, np.int64)
        self.buffer = np.empty((max(4096, 4 * m * n), 4), np.int64)
        self._margin = np.array([1.0])
        self._seen = np.empty(n, np.bool_)
        self._kept: list[NDArray[np.int64]] = []
        self._n_kept = 0
        with np.errstate(over="ignore", invalid="ignore"):
            self.engine.multiply(self.dual, self.gram, self.primal)
        if not np.abs(self.primal).max() <= _LARGEST:
            raise fail("start", f"reaches primal values above {_LARGEST:g}", "scale it down")
        if np.abs(self.outer).max() > _LARGEST:
            raise fail("outer", f"reaches above {_LARGEST:g}", "scale it down")
        outputs = self.outer @ np.maximum(self.primal, 0.0)
        self.size = max(float(np.abs(self.labels).max()), float(np.abs(outputs).max()))
        self.active = self.primal > 0.0
        self._observe()

    @property
    def time(self) -> int:
        """Steps so far."""
        return int(self.counters[code.TIME])

    @property
    def n_switches(self) -> int:
        """Switches so far."""
        return int(self.counters[code.N_SWITCHES])

    @property
    def last_switch(self) -> int:
        """Step of the last switch."""
        return int(self.counters[code.LAST_SWITCH])

    @property
    def margin(self) -> float:
        """Smallest primal value so far, for the size of its terms."""
        return float(self._margin[0])

    def advance(self, stop_time: int, tol: float) -> int:
        """Step to `stop_time` or for one chunk; return why the engine stopped (see `codes`)."""
        if self.engine is plain and Run.seconds_in_numpy > _NUMPY_SECONDS:
            from relubias.dynamics._both_layers import _kernels

            self.engine = _kernels
        chunk = _NUMPY_CHUNK
        if self.engine is not plain:
            chunk = max(16, int(_COMPILED_CHUNK / (self.primal.size * self.labels.size)))
        started = time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):
            why = int(
                self.engine.advance(
                    self.gram, self.labels, self.step_size, self.root, tol,
                    _HUGE * max(self.size, 1e-200), min(stop_time, self.time + chunk), self.dual,
                    self.outer, self.primal, self.active, self.residual, self.counters,
                    self.buffer, self._margin, self._seen,
                )
            )  # fmt: skip
        if self.engine is plain:
            Run.seconds_in_numpy += time.perf_counter() - started
        if why == code.BUFFER_FULL:
            self._flush()
        if not np.isfinite(self.primal).all():  # on the inactive side it leaves no residual
            return code.DIVERGED
        return why

    def _observe(self) -> None:
        self.engine.observe(
            self.gram, self.root, self.dual, self.primal, self.active,
            self.counters, self.buffer, self._margin,
        )  # fmt: skip

    def _flush(self) -> None:
        room = _MAX_KEPT_SWITCHES - self._n_kept
        rows = self.buffer[: min(int(self.counters[code.N_BUFFERED]), room)].copy()
        self._kept.append(rows)
        self._n_kept += rows.shape[0]
        self.counters[code.N_BUFFERED] = 0

    def switches(self) -> NDArray[np.void]:
        """Return the switches kept so far."""
        self._flush()
        rows = np.concatenate(self._kept)
        switches = np.empty(rows.shape[0], SWITCH_DTYPE)
        for column, name in enumerate(("time", "neuron", "sample", "mode")):
            switches[name] = rows[:, column]
        return switches

    def moving_rate(self) -> float:
        """Return how fast the fastest neuron still changes, relative to its size.

        In units of the rate at which the labels can move a neuron: ``size * sqrt(scale)``.
        Neurons that are negligible and shrink do not count.
        """
        pushed = self.active * self.residual
        slope = (np.maximum(self.primal, 0.0) * self.residual).sum(axis=1)
        inner = np.abs(self.outer) * np.sqrt(np.maximum((pushed * (pushed @ self.gram)).sum(1), 0))
        norms = np.sqrt(np.maximum((self.dual * self.primal).sum(axis=1), 0.0))
        sizes = np.maximum(np.abs(self.outer), norms)
        counts = (sizes > 1e-8 * sizes.max()) | (self.outer * slope < 0.0)
        counts &= sizes > 0.0
        natural = self.size * float(np.sqrt(self.problem.scale))
        if natural == 0.0 or not counts.any():
            return 0.0
        rates = np.maximum(np.abs(slope), inner)[counts] / sizes[counts]
        return float(rates.max()) / natural
