r"""Dual active-set method for programs whose rows may be dependent.

The same program as in `pivoting`, with H only positive semi-definite:

.. math:: \min_\lambda \tfrac12 \lambda^\top H \lambda - e^\top \lambda, \qquad
          \lambda_j \ge 0 \text{ unless } j \text{ is free}, \qquad s = H\lambda - e.

Rows enter one by one, so the active rows stay independent. A violated row that depends on them
and that no multiplier blocks gives a ray: ``H z = 0``, ``z >= 0`` off the free rows and
``e @ z > 0``, the proof (Farkas) that no weights satisfy all rows.

Reference: D. Goldfarb, A. Idnani, Math. Program. 27 (1983).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relubias._validate import Float
from relubias.minnorm._basis import Basis
from relubias.minnorm._products import residual
from relubias.minnorm._systems import cholesky_solver, refine

__all__ = ["ActiveSetResult", "NullTest", "dual_active_set", "gram_null_test"]

Bool = NDArray[np.bool_]
NullTest = Callable[[Float, int], float]
"""Takes a combination of rows and the row that it is to explain by the others; returns the squared
distance of that row from their span, or 0 if rounding explains it."""

_EPS = float(np.finfo(np.float64).eps)
_SUSPICIOUS = 1e-10
"""Pivots below this share of what cancels in them are recomputed before they decide anything."""
_MAX_ROUNDS = 20
_MAX_DOUBTS = 500
_LARGEST = 1e150
"""Multipliers beyond this, of rows of unit size, come from near-duplicates that say otherwise."""


class ActiveSetResult(NamedTuple):
    """Multipliers and active rows, or the ray that proves infeasibility."""

    multipliers: Float
    active: Bool
    ray: Float | None
    n_pivots: int
    solved: bool
    """Whether the answer, or the ray, is one; false if the pivots ran out."""


def gram_null_test(hessian: Float) -> NullTest:
    """Return the test that knows H alone, whose entries may each be one rounding off."""
    lengths = np.sqrt(np.diagonal(hessian))

    def squared_length(z: Float, lead: int) -> float:
        del lead
        high, low, _ = residual(hessian, z, np.zeros(z.size))
        value = float(z @ high + z @ low)
        return value if value > 4 * _EPS * float(np.abs(z) @ lengths) ** 2 else 0.0

    return squared_length


def dual_active_set(
    hessian: Float, linear: Float, free: Bool, null_test: NullTest | None = None
) -> ActiveSetResult:
    """Solve the dual program, or find the ray along which it is unbounded.

    Parameters
    ----------
    hessian : ndarray of shape (N, N)
        Symmetric positive semi-definite, of about unit size.
    linear : ndarray of shape (N,)
        Right-hand side e.
    free : ndarray of bool, shape (N,)
        Rows whose multiplier has no sign.
    null_test : callable, optional
        Decides whether a combination of rows vanishes; from `hessian` if omitted.

    Returns
    -------
    ActiveSetResult
        Multipliers refined to working accuracy, or a ray.
    """
    search = _Search(hessian, linear, free, null_test or gram_null_test(hessian))
    solved = False
    for _ in range(_MAX_ROUNDS):
        ray = search.run()
        if ray is not None:
            return ActiveSetResult(
                np.zeros(linear.size), search.active, ray, search.n_pivots, solved=True
            )
        solved = search.refresh()
        if solved or search.exhausted:
            break
    return ActiveSetResult(search.multipliers, search.active, None, search.n_pivots, solved)


class _Search:
    """State of the method: multipliers, slacks and the active rows."""

    def __init__(self, hessian: Float, linear: Float, free: Bool, null_test: NullTest) -> None:
        self.hessian, self.linear, self.free, self.null_test = hessian, linear, free, null_test
        n = linear.size
        self.length = np.sqrt(np.diagonal(hessian))
        self.size = np.abs(hessian)
        self.multipliers, self.slack = np.zeros(n), -linear
        self.active = np.zeros(n, dtype=np.bool_)
        self.settled = np.zeros(n, dtype=np.bool_)
        self.basis = Basis(hessian)
        self.n_pivots = self.n_doubts = 0

    @property
    def exhausted(self) -> bool:
        """Whether to give up: on data that no float64 Gram matrix can decide, pivots cycle."""
        return self.n_pivots > 10 * self.linear.size + 1000 or self.n_doubts > _MAX_DOUBTS

    def noise(self) -> Float:
        """Bound what rounding can do to each slack."""
        terms = self.size @ np.abs(self.multipliers) + np.abs(self.linear)
        return 16 * _EPS * np.sqrt(self.linear.size) * terms

    def violation(self) -> Float:
        """Return how far each row is from holding, 0 where it holds to rounding."""
        amount = np.where(self.free, np.abs(self.slack), np.maximum(-self.slack, 0.0))
        amount[self.active | self.settled] = 0.0
        return np.where(amount > self.noise(), amount, 0.0)

    def run(self) -> Float | None:
        """Add violated rows until none is left; return a ray if one shows up."""
        while not self.exhausted:
            violation = self.violation()
            if not violation.any():
                return None
            ray = self.enter(int(np.argmax(violation)))
            if ray is not None:
                return ray
            self.slack = self.hessian @ self.multipliers - self.linear
        return None

    def enter(self, j: int) -> Float | None:
        """Raise the multiplier of row `j` until the row holds, dropping rows that block."""
        sign = 1.0 if self.slack[j] < 0 else -1.0
        missing = abs(float(self.slack[j]))
        while not self.exhausted:
            self.n_pivots += 1
            rows, x, pivot = self.basis.project(j)
            reach = self.length[j] + float(np.abs(x) @ self.length[rows])
            if pivot <= _SUSPICIOUS * reach**2:
                self.n_doubts += 1
                x = self.basis.project_precisely(j)
                direction = self._direction(j, sign, rows, x)
                pivot = self.null_test(direction, j)
                if pivot == 0.0 and self._agrees(direction):
                    self.settled[j] = True
                    return None
            direction = self._direction(j, sign, rows, x)
            drop, block = self._blocking(direction)
            full = missing / pivot if pivot > 0 else np.inf
            if not np.isfinite(min(full, block)):
                return direction
            step = min(full, block)
            if not step * float(np.abs(direction).max()) < _LARGEST:
                self.n_doubts = _MAX_DOUBTS + 1
                return None
            self.multipliers += step * direction
            missing -= step * pivot
            if full <= block:
                self.basis.add(j, x, pivot)
                self.active[j] = True
                return None
            self.multipliers[drop] = 0.0
            self.basis.remove(drop)
            self.active[drop] = False
        return None

    def _direction(self, j: int, sign: float, rows: NDArray[np.intp], x: Float) -> Float:
        direction = np.zeros(self.linear.size)
        direction[rows] = -sign * x
        direction[j] = sign
        return direction

    def _agrees(self, direction: Float) -> bool:
        """Whether the labels of dependent rows agree to rounding."""
        return bool(self.linear @ direction <= np.abs(direction) @ self.noise())

    def _blocking(self, direction: Float) -> tuple[int, float]:
        """Return the row whose multiplier reaches zero first, and the step at which it does."""
        falling = direction < -1e-13 * np.abs(direction).max()
        candidates = np.flatnonzero(self.active & ~self.free & falling)
        if candidates.size == 0:
            return -1, np.inf
        ratio = self.multipliers[candidates] / -direction[candidates]
        first = int(np.argmin(ratio))
        return int(candidates[first]), max(float(ratio[first]), 0.0)

    def refresh(self) -> bool:
        """Recompute everything from the active rows; return whether the answer stands."""
        while True:
            rows = np.flatnonzero(self.active)
            matrix = self.hessian[np.ix_(rows, rows)]
            solve = cholesky_solver(matrix)
            if solve is None:
                return False
            x = refine(matrix, self.linear[rows], solve)
            wrong = ~self.free[rows] & (x < -8 * _EPS * np.abs(x).max(initial=0.0))
            if not wrong.any():
                break
            self.active[rows[wrong]] = False
        x[~self.free[rows]] = np.maximum(x[~self.free[rows]], 0.0)
        self.multipliers = np.zeros(self.linear.size)
        self.multipliers[rows] = x
        self.slack = self.hessian @ self.multipliers - self.linear
        settled, self.settled = self.settled, np.zeros_like(self.settled)
        violation = self.violation()
        unfit = (violation > 0) & (~settled | (violation > 1e3 * self.noise()))
        misfit = np.abs(self.slack[rows]) > 1e3 * self.noise()[rows]
        if not unfit.any() and not misfit.any():
            return True
        self.basis = Basis(self.hessian, rows)
        return False
